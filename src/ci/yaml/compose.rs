//! Parser events → tree, with every alias and merge key applied where it is used.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{
    Effect, MAX_DEPTH, MAX_NODES, Node, NodeKind, Scalar, Trouble, lines,
    tree::{At, Body, Built, Tree},
};

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
            let at = line(error.marker());
            // The parser looks ahead: what it had read beyond its last event is lost.
            let last = composer.last_line.min(at);
            composer.end_early(last, format!("{} (line {at})", error.info()));
        }
        None => composer.look_behind(&mut parser),
    }
    let anchors = composer.anchored;
    let (root, troubles) = composer.tree.finish();
    Read { root, troubles, anchors, error }
}

struct Composer<'s> {
    text: &'s str,
    tree: Tree<'s>,
    anchors: HashMap<usize, Built>,
    /// The anchor of each list or mapping that is not closed yet; zero is none.
    open_anchors: Vec<usize>,
    anchored: bool,
    /// Of the last event.
    last_line: u32,
    /// Nothing more is read.
    ended: bool,
}

type Events<'s> = Parser<'s, granit_parser::StrInput<'s>>;

impl<'s> Composer<'s> {
    fn new(text: &'s str) -> Self {
        Self {
            text,
            tree: Tree::new(text),
            anchors: HashMap::new(),
            open_anchors: Vec::new(),
            anchored: false,
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
            self.last_line = line(&span.end);
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
                let kind = self.scalar(text, style, tag.as_deref(), span);
                let built = self.tree.leaf(kind, at(span));
                self.place(built, anchor, at(span));
            }
            Event::SequenceStart(_, anchor, _) => self.open(anchor, span, Body::Seq(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.open(anchor, span, Body::map()),
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => self.take_alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                let reason = format!("alias `*{name}` has no anchor before it");
                self.refuse(span, reason, Effect::Refused);
            }
            // Stream and document marks; `Event` may grow by such presentation only.
            _ => {}
        }
    }

    fn scalar(
        &self,
        text: Cow<'s, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Span,
    ) -> NodeKind {
        let plain = style == ScalarStyle::Plain;
        // An absent value comes as `~` with an empty span.
        let absent = plain && span.is_empty();
        let null = absent || matches!(&*text, "~" | "null" | "Null" | "NULL" | "");
        let said_to_be_text = !absent && tag.is_some_and(|tag| tag.suffix() == "str");
        if plain && null && !said_to_be_text {
            return NodeKind::Null;
        }
        let lines = lines::of_scalar(self.text, &text, style, span);
        NodeKind::Scalar(Scalar { text: Arc::from(text), lines, plain })
    }

    fn open(&mut self, anchor: usize, span: &Span, body: Body) {
        if self.tree.depth() >= MAX_DEPTH as usize {
            let reason = format!("nested deeper than {MAX_DEPTH} levels");
            self.end_early(line(&span.start), reason);
            return;
        }
        self.open_anchors.push(anchor);
        self.tree.open(body, at(span));
    }

    fn close(&mut self, span: &Span) {
        let anchor = self.open_anchors.pop().unwrap_or(0);
        if let Some((built, start)) = self.tree.close() {
            self.place(built, anchor, At { end: at(span).end, ..start });
        }
    }

    fn place(&mut self, built: Built, anchor: usize, at: At) {
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
        self.tree.place(built, at);
    }

    fn take_alias(&mut self, anchor: usize, span: &Span) {
        let Some(built) = self.anchors.get(&anchor).cloned() else {
            self.refuse(span, "an alias inside its own anchor", Effect::Refused);
            return;
        };
        if self.tree.depth() + built.height as usize > MAX_DEPTH as usize {
            let reason = format!("aliases nest deeper than {MAX_DEPTH} levels");
            self.refuse(span, reason, Effect::Lost);
        } else if !self.tree.count(built.size) {
            let reason = format!("aliases expand to more than {MAX_NODES} values");
            self.refuse(span, reason, Effect::Lost);
        } else {
            self.tree.place(built, at(span));
        }
    }

    /// `Null` instead, and a trouble.
    fn refuse(&mut self, span: &Span, reason: impl Into<String>, effect: Effect) {
        self.tree.trouble(Trouble::new(line(&span.start), reason, effect));
        let built = self.tree.leaf(NodeKind::Null, at(span));
        self.tree.place(built, at(span));
    }

    fn end_early(&mut self, line: u32, reason: impl Into<String>) {
        self.ended = true;
        self.tree.trouble(Trouble::new(line, reason, Effect::Ended));
    }

    /// Says so where a second document holds anything: nothing after the first is read.
    fn look_behind(&mut self, parser: &mut Events<'s>) {
        if self.ended {
            return;
        }
        for next in parser {
            let place = match &next {
                Ok((Event::Scalar(..), span)) if span.is_empty() => continue,
                Ok((event, span)) if event.is_node() => line(&span.start),
                Ok(_) => continue,
                Err(error) => line(error.marker()),
            };
            self.end_early(place, "a second document");
            return;
        }
    }
}

fn at(span: &Span) -> At {
    let offset =
        |mark: &Marker| mark.byte_offset().expect("a parser of a `&str` gives byte offsets");
    At {
        line: line(&span.start),
        column: u32::try_from(span.start.col()).map_or(u32::MAX, |column| column.saturating_add(1)),
        start: offset(&span.start),
        end: offset(&span.end),
    }
}

fn line(mark: &Marker) -> u32 {
    u32::try_from(mark.line()).unwrap_or(u32::MAX)
}
