//! The tree while it is built: what is open, what belongs where, and what it may cost.

use std::sync::Arc;

use super::{Effect, Entry, MAX_NODES, Node, NodeKind, Scalar, Trouble, merge};
use crate::ci::shell::LineMap;

/// More than this many say no more than "broken throughout".
const MAX_TROUBLES: usize = 100;

/// Entries that merge keys may go through in one file: each is a copy, unlike an alias.
const MAX_MERGED: usize = 100_000;

/// So much of the source of a key that is no text becomes its name.
const MAX_KEY: usize = 200;

#[derive(Debug)]
pub(super) struct Tree<'s> {
    text: &'s str,
    open: Vec<Frame>,
    root: Option<Arc<Node>>,
    /// Nodes so far, with every alias written out.
    total: usize,
    merges_left: usize,
    merged: bool,
    troubles: Vec<Trouble>,
}

/// Where something is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) line: u32,
    pub(super) column: u32,
    /// Byte offset.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A node that is complete.
#[derive(Clone, Debug)]
pub(super) struct Built {
    node: Arc<Node>,
    /// Levels of lists and mappings in it.
    pub(super) height: u32,
    /// Nodes in it, with every alias written out.
    pub(super) size: usize,
}

/// A list or mapping that is not closed yet.
#[derive(Debug)]
struct Frame {
    at: At,
    /// Of its highest child.
    height: u32,
    total_before: usize,
    body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Seq(Vec<Arc<Node>>),
    Map {
        entries: Vec<Entry>,
        /// Its value is still to come.
        key: Option<(Scalar, u32)>,
        /// Applied when all own keys are known.
        merges: Vec<Entry>,
    },
}

impl Body {
    pub(super) fn map() -> Self {
        Self::Map { entries: Vec::new(), key: None, merges: Vec::new() }
    }
}

impl<'s> Tree<'s> {
    pub(super) fn new(text: &'s str) -> Self {
        Self {
            text,
            open: Vec::new(),
            root: None,
            total: 0,
            merges_left: MAX_MERGED,
            merged: false,
            troubles: Vec::new(),
        }
    }

    /// Lists and mappings that are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Whether so many more nodes are allowed; then they are counted.
    pub(super) fn count(&mut self, nodes: usize) -> bool {
        let fits = self.total.saturating_add(nodes) <= MAX_NODES;
        if fits {
            self.total += nodes;
        }
        fits
    }

    pub(super) fn leaf(&mut self, kind: NodeKind, at: At) -> Built {
        self.total += 1;
        let node = Arc::new(Node { kind, line: at.line, column: at.column });
        Built { node, height: 0, size: 1 }
    }

    pub(super) fn open(&mut self, body: Body, at: At) {
        self.open.push(Frame { at, height: 0, total_before: self.total, body });
        self.total += 1;
    }

    /// The innermost list or mapping, and where it began.
    pub(super) fn close(&mut self) -> Option<(Built, At)> {
        let Frame { at, height, total_before, body } = self.open.pop()?;
        let kind = match body {
            Body::Seq(items) => NodeKind::Seq(items),
            Body::Map { mut entries, key, merges } => {
                if let Some((key, key_line)) = key {
                    // Reading ended between key and value.
                    let value = Node { kind: NodeKind::Null, line: key_line, column: at.column };
                    entries.push(Entry { key, key_line, value: Arc::new(value), merged: false });
                }
                self.report_duplicates(&entries);
                self.apply_merges(&mut entries, merges);
                NodeKind::Map(entries)
            }
        };
        let node = Arc::new(Node { kind, line: at.line, column: at.column });
        Some((Built { node, height: height + 1, size: self.total - total_before }, at))
    }

    /// Puts a node where it belongs: a key, a value, an element, or the root.
    pub(super) fn place(&mut self, built: Built, at: At) {
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(built.node);
            return;
        };
        frame.height = frame.height.max(built.height);
        match &mut frame.body {
            Body::Seq(items) => items.push(built.node),
            Body::Map { entries, key, merges } => match key.take() {
                None => {
                    *key = Some((key_text(&built.node, self.text, at), at.line));
                    if built.height > 0 {
                        self.trouble(Trouble::refused(
                            at.line,
                            "a key that is a list or a mapping",
                        ));
                    }
                }
                Some((key, key_line)) => {
                    let merge = key.plain && &*key.text == "<<";
                    let entry = Entry { key, key_line, value: built.node, merged: false };
                    if merge { merges.push(entry) } else { entries.push(entry) }
                }
            },
        }
    }

    pub(super) fn trouble(&mut self, trouble: Trouble) {
        if self.troubles.len() < MAX_TROUBLES || trouble.is_fatal() {
            self.troubles.push(trouble);
        }
    }

    /// What is still open holds what was read of it.
    pub(super) fn finish(mut self) -> (Option<Arc<Node>>, Vec<Trouble>) {
        while let Some((built, at)) = self.close() {
            self.place(built, At { end: self.text.len(), ..at });
        }
        (self.root, self.troubles)
    }

    fn report_duplicates(&mut self, entries: &[Entry]) {
        for i in merge::duplicates(entries) {
            let entry = &entries[i];
            let reason = format!("key `{}` is written twice", entry.key.text);
            self.trouble(Trouble::refused(entry.key_line, reason));
        }
    }

    fn apply_merges(&mut self, entries: &mut Vec<Entry>, merges: Vec<Entry>) {
        if merges.is_empty() {
            return;
        }
        let own = entries.len();
        let mut merge = merge::Merge::into(entries);
        for key in merges {
            let line = key.key_line;
            let before = self.merges_left;
            if merge.add(&key.value, &mut self.merges_left).is_some() {
                self.report_merge(line);
            } else {
                self.trouble(Trouble::refused(
                    line,
                    "merge key `<<` of something that is no mapping",
                ));
                merge.keep(key);
            }
            if before > 0 && self.merges_left == 0 {
                let reason = format!("merge keys add more than {MAX_MERGED} entries");
                self.trouble(Trouble::new(line, reason, Effect::Lost));
            }
        }
        self.total += entries.len() - own;
    }

    /// Once a file: [`Entry::merged`] tells the rest.
    fn report_merge(&mut self, line: u32) {
        if !std::mem::replace(&mut self.merged, true) {
            self.trouble(Trouble::refused(line, "merge key `<<`"));
        }
    }
}

fn key_text(node: &Node, text: &str, at: At) -> Scalar {
    match &node.kind {
        NodeKind::Scalar(scalar) => scalar.clone(),
        NodeKind::Null | NodeKind::Seq(_) | NodeKind::Map(_) => {
            let end = text.floor_char_boundary(at.end.min(at.start + MAX_KEY));
            let source = text.get(at.start..end).unwrap_or_default();
            let lines = LineMap::plain(source, at.line);
            Scalar { text: Arc::from(source), lines, plain: true }
        }
    }
}
