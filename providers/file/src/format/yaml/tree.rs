//! The nodes of a YAML text, each with its bytes.

use std::collections::HashSet;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle};
use keysweep_atomic_file::Trouble;
use keysweep_sdk::ErrorKind;
use zeroize::Zeroizing;

use super::Text;

/// Deeper than any file that people write.
const MAX_DEPTH: u16 = 100;

pub(super) struct Node {
    /// Bytes of the text, without tag and anchor.
    pub(super) start: usize,
    pub(super) end: usize,
    /// An alias leads to it.
    shared: bool,
    anchor: usize,
    pub(super) body: Body,
}

pub(super) enum Body {
    Scalar { value: Text, style: Style, tagged: bool },
    Map { flow: bool, entries: Vec<(Node, Node)> },
    List(Vec<Node>),
    Alias,
}

#[derive(Clone, Copy)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Block,
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.body {
            Body::Scalar { value, .. } => Some(value),
            Body::Map { .. } | Body::List(_) | Body::Alias => None,
        }
    }

    /// What stands at `place`. An error when it stands at others too, by an alias.
    pub(super) fn find(&self, place: &[String]) -> Result<Option<&Self>, Trouble> {
        let mut node = self;
        for key in place {
            node.check_unshared()?;
            let next = match &node.body {
                Body::Map { entries, .. } => {
                    entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, node)| node)
                }
                Body::List(items) => key.parse().ok().and_then(|i: usize| items.get(i)),
                Body::Scalar { .. } | Body::Alias => None,
            };
            let Some(next) = next else { return Ok(None) };
            node = next;
        }
        node.check_unshared()?;
        Ok(Some(node))
    }

    fn check_unshared(&self) -> Result<(), Trouble> {
        if !self.shared {
            return Ok(());
        }
        let message =
            "an alias (`*`) repeats that part of the file elsewhere, which would change too";
        Err(Trouble::new(ErrorKind::Invalid, message)
            .with_hint("write the value out in each place, without the alias"))
    }

    fn share(&mut self, used: &HashSet<usize>) {
        self.shared = self.anchor != 0 && used.contains(&self.anchor);
        match &mut self.body {
            Body::Map { entries, .. } => entries.iter_mut().for_each(|(key, value)| {
                key.share(used);
                value.share(used);
            }),
            Body::List(items) => items.iter_mut().for_each(|item| item.share(used)),
            Body::Scalar { .. } | Body::Alias => {}
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    events: Parser<'t, StrInput<'t>>,
    /// Anchors that an alias leads to.
    used: HashSet<usize>,
    /// Where the event before the last one ended, and the last.
    before: usize,
    last: usize,
}

/// The one document of a text. `None`: it has none.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Trouble> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH as usize,
        block_nesting_limit: MAX_DEPTH as usize,
    };
    let events = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { text, events, used: HashSet::new(), before: 0, last: 0 };
    let mut root = None;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => break,
            (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
            (event, span) if root.is_none() => root = Some(reader.node(event, &span)?),
            _ => {
                let message = "the file has more than one document";
                return Err(Trouble::new(ErrorKind::Invalid, message)
                    .with_hint("keep the document with the secret in a file of its own"));
            }
        }
    }
    if let Some(root) = &mut root {
        root.share(&reader.used);
    }
    Ok(root)
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Trouble> {
        match self.events.next() {
            Some(Ok((event, span))) => {
                self.before = self.last;
                self.last = span.byte_range().map_or(self.last, |range| range.end);
                Ok((event, span))
            }
            // The error of the parser could quote the text.
            Some(Err(error)) => Err(super::super::unreadable("YAML", error.marker().line())),
            None => Err(super::super::unreadable("YAML", 1)),
        }
    }

    fn node(&mut self, event: Event<'t>, span: &Span) -> Result<Node, Trouble> {
        let range = span.byte_range().ok_or_else(|| super::super::unreadable("YAML", 1))?;
        let (mut start, mut end) = (range.start, range.end);
        let (anchor, body) = match event {
            Event::Scalar(value, style, anchor, tag) => {
                let style = shown(style);
                if matches!(style, Style::Block) {
                    (start, end) = self.block(start, end);
                }
                let tagged = tag.is_some_and(|tag| tag.suffix() != "str");
                let value = Zeroizing::new(value.into_owned());
                (anchor, Body::Scalar { value, style, tagged })
            }
            Event::Alias(anchor) => {
                self.used.insert(anchor);
                (0, Body::Alias)
            }
            Event::SequenceStart(_, anchor, _) => (anchor, Body::List(self.items(&mut end)?)),
            Event::MappingStart(style, anchor, _) => {
                let flow = matches!(style, StructureStyle::Flow);
                (anchor, Body::Map { flow, entries: self.entries(&mut end)? })
            }
            _ => return Err(super::super::unreadable("YAML", span.start.line())),
        };
        Ok(Node { start, end: end.max(start), shared: false, anchor, body })
    }

    fn items(&mut self, end: &mut usize) -> Result<Vec<Node>, Trouble> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, span) => {
                    *end = span.byte_range().map_or(*end, |range| range.end);
                    return Ok(items);
                }
                (event, span) => items.push(self.node(event, &span)?),
            }
        }
    }

    fn entries(&mut self, end: &mut usize) -> Result<Vec<(Node, Node)>, Trouble> {
        let mut entries = Vec::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, span) => {
                    *end = span.byte_range().map_or(*end, |range| range.end);
                    return Ok(entries);
                }
                (event, span) => self.node(event, &span)?,
            };
            let (event, span) = self.next()?;
            let mut value = self.node(event, &span)?;
            // The parser puts a value that is not written at what follows.
            let behind = self.text[key.end..].trim_start();
            if value.start == value.end && behind.starts_with(':') {
                value.start = self.text.len() - behind.len() + 1;
                value.end = value.start;
            }
            entries.push((key, value));
        }
    }

    /// The parser's span of a block starts behind its header and goes on into the indentation of what follows.
    fn block(&self, start: usize, end: usize) -> (usize, usize) {
        let end = match self.text[start..end].rfind('\n') {
            Some(last) if self.text[start + last..end].trim().is_empty() => start + last + 1,
            _ => end,
        };
        let head = self.text[..start].trim_end();
        let line = head.rfind('\n').map_or(0, |n| n + 1).max(self.before.min(head.len()));
        let header = head[line..].find(['|', '>']).map(|at| line + at);
        (header.unwrap_or(start), end)
    }
}

fn shown(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        _ => Style::Block,
    }
}
