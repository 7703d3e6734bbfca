//! Parser events → tree, with every alias and merge key applied where it is used.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{Effect, Entry, MAX_DEPTH, MAX_NODES, Node, NodeKind, Scalar, Trouble, lines, merge};
use crate::ci::shell::LineMap;

/// More than this many say no more than "broken throughout".
const MAX_TROUBLES: usize = 100;

/// Entries that merge keys may go through in one file: each is a copy, unlike an alias.
const MAX_MERGED: usize = 100_000;

/// One text, composed.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) root: Option<Arc<Node>>,
    pub(super) troubles: Vec<Trouble>,
    /// An anchor or an alias stands in it.
    pub(super) anchors: bool,
    /// What ended the reading early.
    pub(super) error: Option<ScanError>,
}

/// Composes the first document.
pub(super) fn compose(text: &str) -> Read {
    let options = granit_parser::options! {
        bom_inside_document_as_content: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH as usize,
        block_nesting_limit: MAX_DEPTH as usize,
    };
    let mut composer = Composer::new(text);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let error = composer.read_document(&mut parser).err();
    match &error {
        Some(error) => {
            let at = line(error.marker().line());
            // The parser looks ahead: what it had read beyond its last event is lost.
            let last = composer.last_line.min(at);
            composer.end_early(last, &format!("{} (line {at})", error.info()));
        }
        None => composer.look_behind(&mut parser),
    }
    composer.close_all();
    Read {
        root: composer.root.map(|built| built.node),
        troubles: composer.troubles,
        anchors: composer.anchored,
        error,
    }
}

struct Composer<'s> {
    text: &'s str,
    open: Vec<Frame>,
    anchors: HashMap<usize, Built>,
    root: Option<Built>,
    /// Nodes so far, with every alias written out.
    total: usize,
    merges_left: usize,
    merged: bool,
    anchored: bool,
    troubles: Vec<Trouble>,
    /// Of the last event.
    last_line: u32,
    /// Nothing more is read.
    ended: bool,
}

/// A list or mapping that is not closed yet.
struct Frame {
    anchor: usize,
    /// Byte offset.
    start: usize,
    line: u32,
    column: u32,
    /// Of its highest child.
    height: u32,
    total_before: usize,
    body: Body,
}

enum Body {
    Seq(Vec<Arc<Node>>),
    Map { entries: Vec<Entry>, key: Option<(Scalar, u32)>, merges: Vec<(u32, Scalar, Arc<Node>)> },
}

#[derive(Clone)]
struct Built {
    node: Arc<Node>,
    /// Levels of lists and mappings in it.
    height: u32,
    /// Nodes in it, with every alias written out.
    size: usize,
    /// Byte offset.
    start: usize,
}

impl<'s> Composer<'s> {
    fn new(text: &'s str) -> Self {
        Self {
            text,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            total: 0,
            merges_left: MAX_MERGED,
            merged: false,
            anchored: false,
            troubles: Vec::new(),
            last_line: 1,
            ended: false,
        }
    }

    fn read_document(&mut self, parser: &mut Events<'s>) -> Result<(), ScanError> {
        for next in parser {
            let (event, span) = next?;
            if matches!(event, Event::DocumentEnd) {
                break;
            }
            self.last_line = line(span.end.line());
            self.take(event, &span);
            if self.ended {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'s>, span: &Span) {
        self.anchored |= match &event {
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(_, anchor, _)
            | Event::MappingStart(_, anchor, _) => *anchor != 0,
            Event::Alias(_) | Event::UnresolvedAlias(_) => true,
            _ => false,
        };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.take_scalar(text, style, anchor, tag.as_deref(), span);
            }
            Event::SequenceStart(_, anchor, _) => self.open(anchor, span, Body::Seq(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                let body = Body::Map { entries: Vec::new(), key: None, merges: Vec::new() };
                self.open(anchor, span, body);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(offset(span.end.byte_offset())),
            Event::Alias(anchor) => self.take_alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                let reason = format!("alias `*{name}` has no anchor before it");
                self.refuse(span, reason, Effect::Refused);
            }
            // Stream and document marks; `Event` may grow by such presentation only.
            _ => {}
        }
    }

    fn take_scalar(
        &mut self,
        text: Cow<'s, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: &Span,
    ) {
        self.total += 1;
        let plain = style == ScalarStyle::Plain;
        // An absent value comes as `~` with an empty span.
        let absent = plain && span.is_empty();
        let null = absent || matches!(&*text, "~" | "null" | "Null" | "NULL" | "");
        let kind = if plain && null && (absent || !tag.is_some_and(is_str)) {
            NodeKind::Null
        } else {
            let lines = lines::of_scalar(self.text, &text, style, span);
            NodeKind::Scalar(Scalar { text: Arc::from(text), lines, plain })
        };
        let node = Arc::new(Node { kind, line: line(span.start.line()), column: column(span) });
        let start = offset(span.start.byte_offset());
        self.place(
            anchor,
            Built { node, height: 0, size: 1, start },
            offset(span.end.byte_offset()),
        );
    }

    fn open(&mut self, anchor: usize, span: &Span, body: Body) {
        if self.open.len() >= MAX_DEPTH as usize {
            self.end_early(
                line(span.start.line()),
                &format!("nested deeper than {MAX_DEPTH} levels"),
            );
            return;
        }
        self.total += 1;
        self.open.push(Frame {
            anchor,
            start: offset(span.start.byte_offset()),
            line: line(span.start.line()),
            column: column(span),
            height: 0,
            total_before: self.total - 1,
            body,
        });
    }

    fn close(&mut self, end: usize) {
        let Some(frame) = self.open.pop() else { return };
        let kind = match frame.body {
            Body::Seq(items) => NodeKind::Seq(items),
            Body::Map { mut entries, key, merges } => {
                if let Some((key, key_line)) = key {
                    let value = Node { kind: NodeKind::Null, line: key_line, column: frame.column };
                    entries.push(Entry { key, key_line, value: Arc::new(value), merged: false });
                }
                self.report_duplicates(&entries);
                self.apply_merges(&mut entries, merges);
                NodeKind::Map(entries)
            }
        };
        let built = Built {
            node: Arc::new(Node { kind, line: frame.line, column: frame.column }),
            height: frame.height + 1,
            size: self.total - frame.total_before,
            start: frame.start,
        };
        self.place(frame.anchor, built, end);
    }

    /// Puts a finished node where it belongs: a key, a value, an element, or the root.
    fn place(&mut self, anchor: usize, built: Built, end: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(built);
            return;
        };
        frame.height = frame.height.max(built.height);
        match &mut frame.body {
            Body::Seq(items) => items.push(built.node),
            Body::Map { entries, key, merges } => match key.take() {
                None => {
                    let line = built.node.line;
                    let source = self.text.get(built.start..end).unwrap_or_default();
                    *key = Some((key_text(&built.node, source), line));
                    if matches!(built.node.kind, NodeKind::Seq(_) | NodeKind::Map(_)) {
                        self.trouble(Trouble::refused(line, "a key that is a list or a mapping"));
                    }
                }
                Some((key, line)) if key.plain && &*key.text == "<<" => {
                    merges.push((line, key, built.node));
                }
                Some((key, key_line)) => {
                    entries.push(Entry { key, key_line, value: built.node, merged: false });
                }
            },
        }
    }

    fn take_alias(&mut self, anchor: usize, span: &Span) {
        let Some(built) = self.anchors.get(&anchor).cloned() else {
            self.refuse(span, "an alias inside its own anchor", Effect::Refused);
            return;
        };
        let deep = self.open.len() + built.height as usize > MAX_DEPTH as usize;
        if deep {
            let reason = format!("aliases nest deeper than {MAX_DEPTH} levels");
            self.refuse(span, reason, Effect::Lost);
        } else if self.total + built.size > MAX_NODES {
            let reason = format!("aliases expand to more than {MAX_NODES} values");
            self.refuse(span, reason, Effect::Lost);
        } else {
            self.total += built.size;
            let end = offset(span.end.byte_offset());
            self.place(0, built, end);
        }
    }

    /// `Null` instead, and a trouble.
    fn refuse(&mut self, span: &Span, reason: impl Into<String>, effect: Effect) {
        let line = line(span.start.line());
        self.trouble(Trouble::new(line, reason, effect));
        self.total += 1;
        let node = Arc::new(Node { kind: NodeKind::Null, line, column: column(span) });
        let start = offset(span.start.byte_offset());
        self.place(0, Built { node, height: 0, size: 1, start }, offset(span.end.byte_offset()));
    }

    fn report_duplicates(&mut self, entries: &[Entry]) {
        for i in merge::duplicates(entries) {
            let entry = &entries[i];
            let reason = format!("key `{}` is written twice", entry.key.text);
            self.trouble(Trouble::refused(entry.key_line, reason));
        }
    }

    fn apply_merges(&mut self, entries: &mut Vec<Entry>, merges: Vec<(u32, Scalar, Arc<Node>)>) {
        if merges.is_empty() {
            return;
        }
        let own = entries.len();
        let mut merge = merge::Merge::into(entries);
        for (line, key, value) in merges {
            let before = self.merges_left;
            if merge.add(&value, &mut self.merges_left).is_some() {
                self.report_merge(line);
            } else {
                let reason = "merge key `<<` of something that is no mapping";
                self.trouble(Trouble::refused(line, reason));
                merge.keep(Entry { key, key_line: line, value, merged: false });
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

    fn trouble(&mut self, trouble: Trouble) {
        if self.troubles.len() < MAX_TROUBLES {
            self.troubles.push(trouble);
        }
    }

    fn end_early(&mut self, line: u32, reason: &str) {
        self.ended = true;
        self.troubles.push(Trouble::new(line, reason, Effect::Ended));
    }

    /// What was open when reading ended holds what was read of it.
    fn close_all(&mut self) {
        while !self.open.is_empty() {
            self.close(self.text.len());
        }
    }

    /// Says so where a second document holds anything: nothing after the first is read.
    fn look_behind(&mut self, parser: &mut Events<'s>) {
        if self.ended {
            return;
        }
        for next in parser {
            let (place, empty) = match &next {
                Ok((Event::Scalar(..), span)) => (span.start.line(), span.is_empty()),
                Ok((Event::SequenceStart(..) | Event::MappingStart(..), span)) => {
                    (span.start.line(), false)
                }
                Ok((event, _)) if !event.is_node() => continue,
                Ok((_, span)) => (span.start.line(), false),
                Err(error) => (error.marker().line(), false),
            };
            if !empty {
                self.end_early(line(place), "a second document");
                return;
            }
        }
    }
}

type Events<'s> = Parser<'s, granit_parser::StrInput<'s>>;

fn key_text(node: &Node, source: &str) -> Scalar {
    match &node.kind {
        NodeKind::Scalar(scalar) => scalar.clone(),
        NodeKind::Null | NodeKind::Seq(_) | NodeKind::Map(_) => Scalar {
            text: Arc::from(source),
            lines: LineMap::plain(source, node.line),
            plain: true,
        },
    }
}

fn is_str(tag: &Tag) -> bool {
    tag.suffix() == "str"
}

fn line(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

fn column(span: &Span) -> u32 {
    u32::try_from(span.start.col()).map_or(u32::MAX, |column| column.saturating_add(1))
}

fn offset(offset: Option<usize>) -> usize {
    offset.expect("a parser of a `&str` gives byte offsets")
}
