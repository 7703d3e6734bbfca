//! Who wrote the line that first named a placement, from git's history.
//!
//! That is the author of the oldest version of the file whose text holds the name, not of the line as it
//! stands now. Where history is cut nobody is named: a wrong name is worse than none.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use gix::{ObjectId, bstr::ByteSlice};
use jiff::Timestamp;

use super::{
    clone::{self, Clone, Opened},
    graph::{Graph, Index},
    history::timestamp,
    objects::Mode,
    tree::{GitTree, Target},
};

/// Objects read for one checkout. A count and no time, so that two runs give the same answer.
pub const MOST_OBJECTS: usize = 200_000;
/// Renames that are followed.
const MOST_RENAMES: usize = 8;
/// Files of a folder that are compared to find the other end of a rename.
const MOST_FILES: usize = 500;

/// Why nobody is named in a folder that is no clone.
pub const NO_HISTORY: &str = "the folder has no history";

/// A name, and the file that is to hold it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Question {
    pub file: String,
    pub name: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    Author(Author),
    /// No version of the file names it.
    Unnamed,
    /// With the reason.
    Unknown(String),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Author {
    /// `Name <mail>`, as `.mailmap` has it.
    pub who: String,
    /// What the file was called then.
    pub file: String,
    pub line: u32,
    /// Full id.
    pub commit: String,
    /// Author date.
    pub date: Timestamp,
}

/// Answers in the order of the questions; `mailmap` is the text of the checkout's `.mailmap`, and no more
/// than `most` objects are read beside the commits ([`MOST_OBJECTS`]).
pub fn first_named(root: &Path, questions: &[Question], mailmap: &str, most: usize) -> Vec<Answer> {
    let all = |reason: &str| vec![Answer::Unknown(reason.to_owned()); questions.len()];
    let clone = match clone::open(root) {
        Ok(Opened::Git(clone)) => clone,
        Ok(Opened::Folder(_)) => return all(NO_HISTORY),
        Ok(Opened::Damaged { .. }) | Err(_) => return all("the repository cannot be opened"),
    };
    if clone.refs.tips.default.is_none() {
        return all("no default branch is known");
    }
    let graph = Graph::walk(&clone.objects, &clone.refs.tips, &clone.shallow);
    if let Some(reason) = cut(&graph) {
        return all(reason);
    }
    let mailmap = gix_mailmap::Snapshot::from_bytes(mailmap.as_bytes());
    let mut search = Search::new(&clone, &graph, mailmap, most);
    search.answer(questions)
}

/// Why the default branch's history is not whole.
fn cut(graph: &Graph) -> Option<&'static str> {
    let of_default =
        |cut: &&super::graph::Cut| cut.child.is_some_and(|at| graph.commit(at).default);
    graph.cut.iter().find(of_default).map(|cut| match cut.shallow {
        true => {
            "a shallow clone: the commit may not be in it; `git fetch --unshallow` completes it"
        }
        false => "commits are missing or damaged",
    })
}

struct Search<'a> {
    clone: &'a Clone,
    graph: &'a Graph,
    mailmap: gix_mailmap::Snapshot,
    /// The default branch's history, oldest first.
    order: Vec<Index>,
    holds: HashMap<(ObjectId, String), Option<u32>>,
    left: usize,
}

/// A version that names it, or why that cannot be told.
type Named = Result<Option<u32>, String>;

impl<'a> Search<'a> {
    fn new(
        clone: &'a Clone,
        graph: &'a Graph,
        mailmap: gix_mailmap::Snapshot,
        most: usize,
    ) -> Self {
        let mut order: Vec<Index> =
            (0..graph.commits.len() as Index).filter(|at| graph.commit(*at).default).collect();
        // Found from the tip backwards: of one second the later in the list is the older.
        order.sort_by_key(|at| (graph.commit(*at).date, std::cmp::Reverse(*at)));
        Self { clone, graph, mailmap, order, holds: HashMap::new(), left: most }
    }

    fn answer(&mut self, questions: &[Question]) -> Vec<Answer> {
        let found = self.oldest(questions);
        let one = |(question, found): (&Question, Result<Option<Index>, String>)| match found {
            Ok(None) => Answer::Unnamed,
            Ok(Some(at)) => match self.first(at, question, MOST_RENAMES) {
                Ok((at, file, line)) => self.author(at, file, line),
                Err(reason) => Answer::Unknown(reason),
            },
            Err(reason) => Answer::Unknown(reason),
        };
        questions.iter().zip(found).map(one).collect()
    }

    /// For each question the oldest commit in which the file names it.
    fn oldest(&mut self, questions: &[Question]) -> Vec<Result<Option<Index>, String>> {
        let mut found: Vec<Result<Option<Index>, String>> = vec![Ok(None); questions.len()];
        let mut open: Vec<usize> = (0..questions.len()).collect();
        let mut seen: HashSet<(String, ObjectId)> = HashSet::new();
        for at in self.order.clone() {
            if open.is_empty() {
                break;
            }
            let tree = self.graph.commit(at).tree;
            let tops: HashSet<&str> = open.iter().map(|&i| top(&questions[i].file)).collect();
            let mut changed: HashSet<&str> = HashSet::new();
            for top in tops {
                if let Err(reason) = self.spend() {
                    open.iter().for_each(|&i| found[i] = Err(reason.clone()));
                    return found;
                }
                match self.clone.objects.slots(tree, [top]) {
                    // A folder that an older commit had has nothing new.
                    Ok([Some(slot)]) if seen.insert((top.to_owned(), slot.id)) => {
                        changed.insert(top);
                    }
                    Ok(_) => {}
                    Err(reason) => {
                        open.iter().for_each(|&i| found[i] = Err(reason.clone().into_owned()));
                        return found;
                    }
                }
            }
            open.retain(|&i| {
                if !changed.contains(top(&questions[i].file)) {
                    return true;
                }
                match self.named(at, &questions[i]) {
                    Ok(None) => return true,
                    Ok(Some(_)) => found[i] = Ok(Some(at)),
                    Err(reason) => found[i] = Err(reason),
                }
                false
            });
        }
        found
    }

    fn spend(&mut self) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| "the history is longer than is searched".to_owned())?;
        Ok(())
    }

    /// The line of a commit's file that names it.
    fn named(&mut self, at: Index, question: &Question) -> Named {
        match self.blob(at, &question.file)? {
            Some(id) => self.line(id, &question.name),
            None => Ok(None),
        }
    }

    fn blob(&mut self, at: Index, file: &str) -> Result<Option<ObjectId>, String> {
        self.spend()?;
        let tree = GitTree::new(&self.clone.objects, self.graph.commit(at).tree);
        match tree.resolve(file, &mut Vec::new()) {
            Target::File(id) => Ok(Some(id)),
            Target::Absent | Target::Folder(_) => Ok(None),
            Target::Broken(reason) => Err(format!("a version of the file is not read: {reason}")),
        }
    }

    fn line(&mut self, id: ObjectId, name: &str) -> Named {
        let key = (id, name.to_owned());
        if let Some(known) = self.holds.get(&key) {
            return Ok(*known);
        }
        self.spend()?;
        let bytes = self.clone.objects.blob(id);
        let bytes = bytes.map_err(|why| format!("a version of the file is not read: {why}"))?;
        let line = line_of(&bytes, name);
        self.holds.insert(key, line);
        Ok(line)
    }

    /// From a commit that names it to the one that was the first, through renames.
    fn first(
        &mut self,
        at: Index,
        question: &Question,
        renames: usize,
    ) -> Result<(Index, String, u32), String> {
        let mut at = at;
        // Dates out of order: a parent may be dated after its child.
        while let Some(parent) = self.parent_that_names(at, question)? {
            at = parent;
        }
        let Some(line) = self.named(at, question)? else {
            return Err("the version that names it is not found again".to_owned());
        };
        let here = (at, question.file.clone(), line);
        let Some((parent, file)) = self.renamed_from(at, question)? else { return Ok(here) };
        if renames == 0 {
            return Err(format!("the file was renamed more than {MOST_RENAMES} times"));
        }
        let before = Question { file, name: question.name.clone() };
        let oldest = self.oldest(std::slice::from_ref(&before)).pop().unwrap_or(Ok(None))?;
        self.first(oldest.unwrap_or(parent), &before, renames - 1)
    }

    fn parent_that_names(
        &mut self,
        at: Index,
        question: &Question,
    ) -> Result<Option<Index>, String> {
        for parent in self.graph.commit(at).parents.clone() {
            if self.named(parent, question)?.is_some() {
                return Ok(Some(parent));
            }
        }
        Ok(None)
    }

    /// The file that went away when this one came, if it named it too.
    fn renamed_from(
        &mut self,
        at: Index,
        question: &Question,
    ) -> Result<Option<(Index, String)>, String> {
        let parents = self.graph.commit(at).parents.clone();
        for parent in &parents {
            if self.blob(*parent, &question.file)?.is_some() {
                return Ok(None);
            }
        }
        let Some(new) = self.blob(at, &question.file)? else { return Ok(None) };
        let now: HashSet<String> =
            self.files_near(at, &question.file)?.into_iter().map(|(path, _)| path).collect();
        for parent in parents {
            let before = self.files_near(parent, &question.file)?;
            let mut named = Vec::new();
            for (path, id) in before.into_iter().filter(|(path, _)| !now.contains(path)) {
                if id == new {
                    return Ok(Some((parent, path)));
                }
                if self.line(id, &question.name)?.is_some() {
                    named.push(path);
                }
            }
            match &named[..] {
                [] => {}
                [one] => return Ok(Some((parent, one.clone()))),
                several => {
                    return Err(format!(
                        "{} files that named it went away when `{}` came",
                        several.len(),
                        question.file
                    ));
                }
            }
        }
        Ok(None)
    }

    /// The files below the top folder of `file`; of one at the top, those beside it.
    fn files_near(&mut self, at: Index, file: &str) -> Result<Vec<(String, ObjectId)>, String> {
        let tree = self.graph.commit(at).tree;
        let (mut files, mut open) = (Vec::new(), Vec::new());
        match file.split_once('/') {
            None => open.push((String::new(), tree, false)),
            Some((top, _)) => {
                self.spend()?;
                if let Ok([Some(slot)]) = self.clone.objects.slots(tree, [top])
                    && slot.mode == Mode::Folder
                {
                    open.push((format!("{top}/"), slot.id, true));
                }
            }
        }
        while let Some((place, id, deeper)) = open.pop() {
            self.spend()?;
            let tree = self.clone.objects.tree(id).map_err(std::borrow::Cow::into_owned)?;
            for (name, slot) in tree.entries() {
                let Ok(name) = name.to_str() else { continue };
                match slot.mode {
                    Mode::File => files.push((format!("{place}{name}"), slot.id)),
                    Mode::Folder if deeper => open.push((format!("{place}{name}/"), slot.id, true)),
                    Mode::Folder | Mode::Link | Mode::Submodule => {}
                }
            }
            if files.len() > MOST_FILES {
                return Err(format!(
                    "`{file}` came new, and more than {MOST_FILES} files near it may be where it came from"
                ));
            }
        }
        Ok(files)
    }

    fn author(&self, at: Index, file: String, line: u32) -> Answer {
        let id = self.graph.commit(at).id;
        let read = self.clone.objects.handle(|repository| {
            let commit = repository.find_commit(id).ok()?;
            let author = commit.author().ok()?;
            let date = timestamp(author.seconds());
            let who = self.mailmap.resolve(author);
            let (name, mail) = (who.name.to_str_lossy(), who.email.to_str_lossy());
            let (name, mail) = (name.trim(), mail.trim());
            let who = match (name.is_empty(), mail.is_empty()) {
                (true, true) => return None,
                (true, false) => format!("<{mail}>"),
                (false, true) => name.to_owned(),
                (false, false) => format!("{name} <{mail}>"),
            };
            Some((who, date))
        });
        match read {
            Some((who, date)) => {
                Answer::Author(Author { who, file, line, commit: id.to_string(), date })
            }
            None => Answer::Unknown(format!("commit {id} has no author that can be read")),
        }
    }
}

fn top(file: &str) -> &str {
    file.split_once('/').map_or(file, |(top, _)| top)
}

/// The first line that holds the name as a word of its own, in whatever case.
fn line_of(text: &[u8], name: &str) -> Option<u32> {
    if name.is_empty() {
        return None;
    }
    let (text, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    let word = |c: Option<&u8>| c.is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_');
    let own = |at: &usize| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        !word(before) && !word(text.get(at + name.len()))
    };
    let at = text.find_iter(name.as_bytes()).find(own)?;
    u32::try_from(text[..at].iter().filter(|c| **c == b'\n').count() + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn a_name_is_a_word_of_its_own() {
        assert_eq!(line_of(b"a\nb: ${{ secrets.npm_token }}", "NPM_TOKEN"), Some(2));
        assert_eq!(line_of(b"MY_NPM_TOKEN NPM_TOKEN_2", "NPM_TOKEN"), None);
        assert_eq!(line_of(b"MY_NPM_TOKEN\nNPM_TOKEN", "NPM_TOKEN"), Some(2));
        assert_eq!(line_of(b"", "NPM_TOKEN"), None);
    }
}
