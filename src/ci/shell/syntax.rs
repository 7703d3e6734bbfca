//! What the front ends on tree-sitter grammars share.

use std::ops::ControlFlow;

use tree_sitter::{Language, Node, ParseOptions, Parser, Tree};

use super::machine::{Frame, Machine};
use crate::ci::model::Hides;

/// Longer texts are a gap.
const MAX_TEXT: usize = 256 << 10;
/// Calls of the progress callback that any text may cost: a bound on work that needs no clock.
const MIN_PROGRESS: usize = 2_000;
/// Syntax nested deeper is not followed.
pub(super) const MAX_NESTING: u32 = 100;

pub(super) fn parse(language: &Language, text: &str) -> Option<Tree> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(language).ok()?;
    let mut calls = 0usize;
    let most = MIN_PROGRESS + text.len() / 16;
    let mut progress = |_: &tree_sitter::ParseState| {
        calls += 1;
        if calls > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let bytes = text.as_bytes();
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}

impl Machine<'_, '_> {
    /// Reports a text that could not be parsed at all.
    pub(super) fn unparsed(&mut self, frame: &Frame, at: usize, language: &str) {
        let reason = format!("{language} script is too long or too odd to parse");
        self.gap(frame.place(at), &reason, Hides::Anything);
    }

    /// Reports erroneous regions, each with its text.
    pub(super) fn tree_gaps(&mut self, frame: &Frame, root: Node<'_>, text: &str, language: &str) {
        if !root.has_error() {
            return;
        }
        let mut cursor = root.walk();
        let mut count = 0;
        loop {
            let node = cursor.node();
            if node.is_error() || node.is_missing() {
                let line_end =
                    text[node.end_byte()..].find('\n').map_or(text.len(), |n| node.end_byte() + n);
                let line_start = text[..node.start_byte()].rfind('\n').map_or(0, |n| n + 1);
                let region: String = text[line_start..line_end].chars().take(2_000).collect();
                let shown = self.world.unknowns.show(&region);
                let reason = format!("{language} script not understood");
                self.gap(frame.place(node.start_byte()), &reason, Hides::Text(shown.into()));
                count += 1;
            }
            let descend = node.has_error() && !node.is_error() && count < 50;
            if descend && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }
}

/// Named children, in order.
pub(super) fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}
