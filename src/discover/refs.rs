//! What the refs of a clone say: where its lines end, which is the default, what is grafted on.

use std::{collections::HashSet, fs};

use gix::{ObjectId, bstr::ByteSlice};

use super::{
    Coverage, CoverageState, Hidden,
    graph::{self, Tips},
};

/// What the refs of a clone reach.
#[derive(Debug, Default)]
pub(super) struct Refs {
    pub(super) tips: Tips,
    pub(super) head: Option<ObjectId>,
    pub(super) default_branch: Option<String>,
    /// Full name of the ref that stands for the default branch.
    pub(super) default_ref: String,
    pub(super) count: usize,
    pub(super) coverage: Vec<Coverage>,
}

impl Refs {
    /// Nothing was committed, or no ref can be read: what lies in the folder is all there is.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0 && self.tips.default.is_none()
    }
}

pub(super) fn read(repository: &gix::Repository) -> Refs {
    let mut refs = Refs::empty();
    let mut found = Vec::new();
    let read = repository.references().and_then(|platform| {
        for reference in platform.all()? {
            match reference {
                Ok(reference) => found.push(reference),
                Err(error) => {
                    refs.coverage.push(failed("HEAD", format!("a ref cannot be read: {error}")));
                }
            }
        }
        Ok(())
    });
    if let Err(error) = read {
        refs.coverage.push(failed("HEAD", format!("refs cannot be read: {error}")));
    }
    let total = found.len();
    refs.sort_in(repository, found);
    refs.choose_default(repository);
    let packed = || fs::read_dir(repository.objects.store_ref().path().join("pack"));
    // A new repository has neither; here the branches were lost, or never fetched.
    if refs.is_empty() && (total > 0 || packed().is_ok_and(|mut packs| packs.next().is_some())) {
        refs.coverage.push(failed("HEAD", "no branch or tag leads to a commit".to_owned()));
    }
    refs.read_grafts(repository);
    refs
}

impl Refs {
    fn empty() -> Self {
        Self { default_ref: "HEAD".to_owned(), ..Self::default() }
    }

    pub(super) fn unreadable(reason: String) -> Self {
        Self { coverage: vec![failed("HEAD", reason)], ..Self::empty() }
    }

    fn sort_in(&mut self, repository: &gix::Repository, found: Vec<gix::Reference<'_>>) {
        let tracked: HashSet<String> = found
            .iter()
            .filter_map(|found| short(found.name().as_bstr(), "refs/remotes/"))
            .filter_map(|name| name.split_once('/').map(|(_, branch)| branch.to_owned()))
            .collect();
        let mut others = 0;
        for mut reference in found {
            let name = reference.name().as_bstr().to_string();
            let local = name.strip_prefix("refs/heads/");
            let branch = local.is_some() || name.starts_with("refs/remotes/");
            if let Some(original) = name.strip_prefix("refs/replace/") {
                self.replace(repository, original, &mut reference);
                continue;
            }
            if !branch && !name.starts_with("refs/tags/") {
                others += 1;
                continue;
            }
            self.count += 1;
            match peel(&mut reference) {
                // The server's branch says where it stands; the local one may merely be behind.
                Ok(Some(id)) if branch && !local.is_some_and(|local| tracked.contains(local)) => {
                    self.tips.branches.push(id);
                }
                Ok(Some(id)) => self.tips.others.push(id),
                Ok(None) => {}
                Err(reason) => self.coverage.push(failed(&name, reason)),
            }
        }
        if others > 0 {
            self.coverage.push(Coverage {
                scope: "history:refs".to_owned(),
                state: CoverageState::NotApplicable,
                reason: format!("{others} refs that are neither branch nor tag (pull requests, notes) are not followed"),
                file: None,
                live: Vec::new(),
                hides: Hidden::Nothing,
            });
        }
    }

    /// The default branch: what the remote calls so, else `HEAD`, else `main` or `master`.
    fn choose_default(&mut self, repository: &gix::Repository) {
        let head = repository.head_name().ok().flatten().map(|name| name.as_bstr().to_string());
        let remote_head = repository.try_find_reference("refs/remotes/origin/HEAD").ok().flatten();
        let remote_head = remote_head.and_then(|found| match found.target() {
            gix::refs::TargetRef::Symbolic(name) => Some(name.as_bstr().to_string()),
            gix::refs::TargetRef::Object(_) => None,
        });
        self.head =
            repository.head_id().ok().map(gix::Id::detach).filter(|id| is_commit(repository, *id));
        let fixed = ["main", "master"]
            .into_iter()
            .flat_map(|name| [format!("refs/remotes/origin/{name}"), format!("refs/heads/{name}")]);
        let candidates = remote_head.into_iter().chain(head).map(Some);
        for name in candidates.chain([None]).chain(fixed.map(Some)) {
            let (id, name) = match name {
                Some(name) => {
                    let found = repository.try_find_reference(name.as_str()).ok().flatten();
                    (found.and_then(|mut found| peel(&mut found).ok().flatten()), name)
                }
                // A detached `HEAD`.
                None => (self.head, "HEAD".to_owned()),
            };
            if let Some(id) = id {
                self.tips.default = Some(id);
                self.default_branch = short(name.as_str().into(), "refs/remotes/origin/")
                    .or_else(|| short(name.as_str().into(), "refs/heads/"));
                self.default_ref = name;
                break;
            }
        }
        if let Some(head) = self.head {
            self.tips.others.push(head);
        }
    }

    /// A replacement may join an older history to a commit: that history is followed too.
    fn replace(
        &mut self,
        repository: &gix::Repository,
        original: &str,
        with: &mut gix::Reference<'_>,
    ) {
        let parents = ObjectId::from_hex(original.as_bytes()).ok().zip(peel(with).ok().flatten());
        let Some((original, with)) = parents else { return };
        let Ok(commit) = repository.find_commit(with) else { return };
        let parents = commit.parent_ids().map(gix::Id::detach);
        self.tips.grafts.entry(original).or_default().extend(parents);
        self.note_grafts("refs/replace");
    }

    fn read_grafts(&mut self, repository: &gix::Repository) {
        let Ok(text) = fs::read(repository.common_dir().join("info/grafts")) else { return };
        let grafts = graph::parse_grafts(&text);
        if grafts.is_empty() {
            return;
        }
        for (commit, parents) in grafts {
            self.tips.grafts.entry(commit).or_default().extend(parents);
        }
        self.note_grafts("info/grafts");
    }

    fn note_grafts(&mut self, by: &str) {
        let scope = format!("history:{by}");
        if self.coverage.iter().all(|entry| entry.scope != scope) {
            self.coverage.push(Coverage {
                scope,
                state: CoverageState::Seen,
                reason:
                    "a grafted clone: the commits' own parents and the grafted ones are followed"
                        .to_owned(),
                file: None,
                live: Vec::new(),
                hides: Hidden::Nothing,
            });
        }
    }
}

/// The commit a ref leads to, `None` if it leads to a file or a folder.
fn peel(reference: &mut gix::Reference<'_>) -> Result<Option<ObjectId>, String> {
    let id = reference.peel_to_id().map_err(|error| one_line(&error.to_string()))?;
    let header = id.try_header().map_err(|error| one_line(&error.to_string()))?;
    match header.map(|header| header.kind()) {
        Some(gix::objs::Kind::Commit) => Ok(Some(id.detach())),
        Some(_) => Ok(None),
        None => Err(format!("commit {} is not in this clone", id.detach())),
    }
}

fn is_commit(repository: &gix::Repository, id: ObjectId) -> bool {
    let header = repository.try_find_header(id).ok().flatten();
    header.is_some_and(|header| header.kind() == gix::objs::Kind::Commit)
}

fn short(name: &gix::bstr::BStr, prefix: &str) -> Option<String> {
    Some(name.strip_prefix(prefix.as_bytes())?.to_str_lossy().into_owned())
}

pub(super) fn failed(reference: &str, reason: String) -> Coverage {
    Coverage {
        scope: format!("history:{reference}"),
        state: CoverageState::Failed,
        reason: one_line(&reason),
        file: None,
        live: Vec::new(),
        hides: Hidden::Anything,
    }
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
