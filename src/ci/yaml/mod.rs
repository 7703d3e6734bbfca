//! Decoded YAML with source lines.
//!
//! Front ends read this tree, never the source text: escapes, folding, anchors, aliases and merge keys are
//! already applied, and every value still knows the lines it came from. A file that cannot be read to
//! its end gives what stands before the error, and a [`Trouble`] that says where reading ended.

mod compose;
mod lines;
mod merge;
mod repair;
mod source;
mod tree;

use std::sync::Arc;

use super::shell::LineMap;

/// Nesting beyond this is not read. It bounds the stack of every reader of the tree, and of its drop.
pub const MAX_DEPTH: u32 = 200;

/// Nodes of the tree with every alias written out; what would pass this is refused.
pub const MAX_NODES: usize = 1_000_000;

/// One file, read.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The first document; `None` where there is nothing but comments.
    pub root: Option<Arc<Node>>,
    /// In the order of their lines.
    pub troubles: Vec<Trouble>,
    /// An anchor or an alias stands in it.
    pub anchors: bool,
    /// A `<<` merge key stands in it.
    pub merge_keys: bool,
}

/// Something that was not read, or that a platform may read differently.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    /// 1-based.
    pub line: u32,
    pub reason: String,
    pub effect: Effect,
}

/// What a trouble means for what was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Bytes were replaced; all else is there.
    Replaced,
    /// All is there, but GitHub refuses such a file.
    Refused,
    /// A value is not there.
    Lost,
    /// The text after this line was not read, nor perhaps the end of the line itself.
    Ended,
}

/// A value, and where its content stands: for an alias that is the place of its anchor.
#[derive(Clone, Debug)]
pub struct Node {
    pub kind: NodeKind,
    /// 1-based; of a block scalar the first line with text.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
}

#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Nothing, `~` or `null`; and what was refused, with a trouble.
    Null,
    Scalar(Scalar),
    Seq(Vec<Arc<Node>>),
    Map(Vec<Entry>),
}

/// A decoded text. Numbers and booleans are texts too: what they mean is the reader's business.
#[derive(Clone, Debug)]
pub struct Scalar {
    pub text: Arc<str>,
    /// Decoded offset → source line.
    pub lines: LineMap,
    /// Written without quotes, and not as a block.
    pub plain: bool,
}

/// One `key: value`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As text, whatever its type; of a key that is a list or a mapping, its source.
    pub key: Scalar,
    /// The line of the key; of a merged entry, where it was written.
    pub key_line: u32,
    pub value: Arc<Node>,
    /// It came by a `<<` merge key. GitHub refuses those: possible only.
    pub merged: bool,
}

/// Reads the first document of a file. Never fails: see [`Parsed::troubles`].
pub fn parse(bytes: &[u8]) -> Parsed {
    let (text, mut troubles) = source::decode(bytes);
    let read = repair::compose(&text);
    troubles.extend(read.troubles);
    troubles.sort_by_key(|trouble| trouble.line);
    let merge_keys = troubles.iter().any(|trouble| trouble.reason.starts_with("merge key"));
    Parsed { root: read.root, troubles, anchors: read.anchors, merge_keys }
}

impl Node {
    /// Nothing at all.
    pub fn null() -> Self {
        Self { kind: NodeKind::Null, line: 1, column: 1 }
    }

    /// The entry that counts: the last of several with one key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().rfind(|entry| &*entry.key.text == key)
    }

    pub fn get(&self, key: &str) -> Option<&Arc<Node>> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            NodeKind::Null | NodeKind::Seq(_) | NodeKind::Map(_) => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| &*scalar.text)
    }

    /// The elements of a list; of anything else, none.
    pub fn items(&self) -> &[Arc<Node>] {
        match &self.kind {
            NodeKind::Seq(items) => items,
            NodeKind::Null | NodeKind::Scalar(_) | NodeKind::Map(_) => &[],
        }
    }

    /// The entries of a mapping, in the order of the file, then the merged ones; of anything else,
    /// none. A key that is written twice stands here twice.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            NodeKind::Map(entries) => entries,
            NodeKind::Null | NodeKind::Scalar(_) | NodeKind::Seq(_) => &[],
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }
}

impl Trouble {
    fn new(line: u32, reason: impl Into<String>, effect: Effect) -> Self {
        Self { line, reason: reason.into(), effect }
    }

    fn refused(line: u32, reason: impl Into<String>) -> Self {
        Self::new(line, reason, Effect::Refused)
    }

    /// Reading ended here.
    pub fn is_fatal(&self) -> bool {
        self.effect == Effect::Ended
    }
}
