//! When two names are one component.
//!
//! * Actions and reusable workflows: `owner/repo`, any letter case; a path inside the repository is the
//!   same repository at the same ref. `git clone` of that repository is the same content.
//! * URLs: host in any letter case, `http` as `https` (and none), no port, query, fragment, slash at the end.
//! * Images: `docker.io/library/x` is `x`. Packages: `ecosystem:name`, where the ecosystem is known.

use super::reference::fits;
use crate::ci::model::{Component, Kind};

/// A name of a pack, brought to one form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Name {
    kind: Kind,
    text: String,
    /// Of a release of which only the folder is known: any file in it may be meant.
    folder: bool,
}

impl Name {
    pub(super) fn new(kind: Kind, written: &str) -> Self {
        Self { kind, text: canonical(kind, written), folder: false }
    }

    /// The name of a mention in CI. A release asset is mentioned as repository and tag.
    pub(super) fn of(component: &Component) -> Self {
        let (kind, name) = (component.kind, &component.name);
        if kind != Kind::ReleaseAsset || name.contains("://") {
            return Self::new(kind, name);
        }
        let release = match &component.reference {
            Some(tag) => format!("download/{tag}"),
            None => "latest/download".to_owned(),
        };
        let folder = url(&format!("https://github.com/{name}/releases/{release}"));
        Self { kind, text: folder, folder: true }
    }

    /// Whether the other, as a mention in CI, is this one of a pack. A thing fetched from a URL is that
    /// thing, whatever the front end took it for; the same holds for the content of a repository.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let (class, text) = (Class::of(self.kind), other.text.as_str());
        if class != Class::of(other.kind) {
            return false;
        }
        match class {
            Class::Url if other.folder => {
                let rest = self.text.strip_prefix(text);
                rest.is_some_and(|rest| rest.starts_with('/')) || fits(&self.text, text)
            }
            Class::Url => fits(&self.text, text),
            Class::Repository => {
                let rest = text.strip_prefix(self.text.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Class::Package => self.text == text || self.without_ecosystem() == Some(text),
            Class::Image => self.text == text,
            // An orb and a vendor may share a name.
            Class::Plain => self.kind == other.kind && self.text == text,
            Class::Path => fits(&self.text, text),
        }
    }

    /// The name, if it is that of a package.
    pub(super) fn package(&self) -> Option<&str> {
        (self.kind == Kind::Package).then_some(&*self.text)
    }

    /// For a mention that does not say its ecosystem.
    fn without_ecosystem(&self) -> Option<&str> {
        self.text.split_once(':').map(|(_, name)| name)
    }
}

/// Kinds whose names are compared in the same way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Url,
    Repository,
    Image,
    Package,
    Plain,
    /// Of a file, with `*` for any characters.
    Path,
}

impl Class {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::ScriptUrl | Kind::Binary | Kind::ReleaseAsset | Kind::Include => Self::Url,
            Kind::Action | Kind::Workflow | Kind::Repository => Self::Repository,
            Kind::Image => Self::Image,
            Kind::Package | Kind::Plugin | Kind::Extension => Self::Package,
            Kind::Orb | Kind::Vendor => Self::Plain,
            Kind::InjectedWorkflow => Self::Path,
        }
    }
}

fn canonical(kind: Kind, written: &str) -> String {
    let written = written.trim();
    match Class::of(kind) {
        Class::Url => url(written),
        Class::Repository => repository(written),
        Class::Image => image(written),
        Class::Package => package(written),
        Class::Plain => written.to_ascii_lowercase(),
        Class::Path => written.to_owned(),
    }
}

/// Host and path alone: which bytes come does not hang on the rest.
fn url(written: &str) -> String {
    let bare = written.split_once("://").map_or(written, |(_, rest)| rest);
    let bare = bare.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = bare.split_at(bare.find('/').unwrap_or(bare.len()));
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.strip_suffix(":443").or(host.strip_suffix(":80")).unwrap_or(host);
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if segments.is_empty() { host } else { format!("{host}/{}", segments.join("/")) }
}

fn repository(written: &str) -> String {
    let lower = written.to_ascii_lowercase();
    let path =
        ["https://github.com/", "http://github.com/", "git@github.com:", "ssh://git@github.com/"]
            .into_iter()
            .find_map(|prefix| lower.strip_prefix(prefix))
            .unwrap_or(&lower);
    let path = path.trim_end_matches('/');
    path.strip_suffix(".git").unwrap_or(path).to_owned()
}

fn image(written: &str) -> String {
    let lower = written.to_ascii_lowercase();
    let name = lower.strip_prefix("docker://").unwrap_or(&lower);
    let name =
        name.strip_prefix("index.docker.io/").or(name.strip_prefix("docker.io/")).unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name).to_owned()
}

/// Lower case, with `-` for `_` and `.` where the ecosystem does not tell them apart.
fn package(written: &str) -> String {
    let lower = written.to_ascii_lowercase();
    if lower.starts_with("pypi:") { lower.replace(['_', '.'], "-") } else { lower }
}

/// The shortest text that a mention of the component has to hold: the host of a URL, else the name.
pub(super) fn clue(kind: Kind, written: &str) -> String {
    let name = canonical(kind, written);
    let clue = match Class::of(kind) {
        Class::Url => name.split('/').next().unwrap_or_default(),
        Class::Package => name.split_once(':').map_or(&*name, |(_, name)| name),
        Class::Path => name.rsplit('/').next().unwrap_or_default(),
        Class::Repository | Class::Image | Class::Plain => &name,
    };
    clue.split(['*', '{']).max_by_key(|piece| piece.len()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_thing_are_one_name() {
        for (kind, listed, other, mentioned, expected) in [
            (Kind::Action, "owner/repo", Kind::Action, "Owner/Repo/sub", true),
            (Kind::Action, "owner/repo", Kind::Action, "owner/repo-x", false),
            (Kind::Action, "owner/repo/sub", Kind::Action, "owner/repo", false),
            (Kind::Action, "owner/repo", Kind::Repository, "git@github.com:owner/repo.git", true),
            (Kind::Action, "owner/repo", Kind::Repository, "https://gitlab.com/owner/repo", false),
            (Kind::Action, "owner/repo", Kind::Orb, "owner/repo", false),
            (Kind::Orb, "space/orb", Kind::Orb, "Space/orb", true),
            (Kind::Orb, "vendor", Kind::Vendor, "vendor", false),
            (Kind::Image, "aquasec/trivy", Kind::Image, "docker.io/aquasec/trivy", true),
            (Kind::Image, "alpine", Kind::Image, "index.docker.io/library/alpine", true),
            (Kind::Image, "aquasec/trivy", Kind::Image, "ghcr.io/aquasec/trivy", false),
            (Kind::Package, "pypi:Foo_Bar", Kind::Package, "pypi:foo-bar", true),
            (Kind::Package, "npm:foo_bar", Kind::Package, "npm:foo-bar", false),
            (Kind::Package, "npm:@scope/x", Kind::Package, "@scope/x", true),
            (Kind::Package, "npm:x", Kind::Package, "pypi:x", false),
            (
                Kind::ScriptUrl,
                "https://h.io/a",
                Kind::Binary,
                "http://user:pw@H.io:80//a/?q#f",
                true,
            ),
            (Kind::ScriptUrl, "https://h.io/a", Kind::ScriptUrl, "https://h.io:8080/a", false),
            (Kind::ScriptUrl, "https://h.io/*/x", Kind::ScriptUrl, "https://h.io/1/2/x", true),
            (Kind::ScriptUrl, "https://h.io/a", Kind::ScriptUrl, "", false),
        ] {
            let said = Name::new(kind, listed).covers(&Name::new(other, mentioned));
            assert_eq!(said, expected, "{listed} {mentioned}");
        }
    }
}
