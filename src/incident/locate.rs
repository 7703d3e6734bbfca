//! Keys of a TOML text ↔ its lines.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A text read once, to be asked for many keys.
pub(super) struct Locator<'t> {
    /// Offsets of line breaks.
    breaks: Vec<usize>,
    root: Option<Spanned<DeTable<'t>>>,
}

impl<'t> Locator<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at);
        Self { breaks: breaks.collect(), root: DeTable::parse(text).ok() }
    }

    /// 1-based.
    pub(super) fn line_at(&self, offset: usize) -> u32 {
        let before = self.breaks.partition_point(|at| *at < offset);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }

    /// The line of a key such as `components[0].names[1]`, or of the nearest key above it that exists.
    pub(super) fn line_of(&self, key: &str) -> u32 {
        let mut line = 1;
        let mut table = self.root.as_ref().map(Spanned::get_ref);
        let mut value: Option<&DeValue<'_>> = None;
        for segment in key.split(['.', '[', ']']).filter(|segment| !segment.is_empty()) {
            let next = match (table, value) {
                (Some(table), _) => {
                    table.get_key_value(segment).map(|(name, value)| (name.span().start, value))
                }
                (None, Some(DeValue::Array(array))) => {
                    let item = segment.parse().ok().and_then(|index: usize| array.get(index));
                    item.map(|item| (item.span().start, item))
                }
                _ => None,
            };
            let Some((start, inner)) = next else { break };
            line = self.line_at(start);
            table = inner.get_ref().as_table();
            value = Some(inner.get_ref());
        }
        line
    }

    /// The innermost key that begins last before this byte. Spans of tables end with their headers, so
    /// what holds a byte cannot be asked for.
    pub(super) fn key_at(&self, offset: usize) -> String {
        let mut key = String::new();
        if let Some(root) = &self.root {
            descend_table(root.get_ref(), offset, &mut key);
        }
        key
    }
}

fn descend_table(table: &DeTable<'_>, offset: usize, key: &mut String) {
    let begun = table.iter().filter(|(name, _)| name.span().start <= offset);
    if let Some((name, value)) = begun.max_by_key(|(name, _)| name.span().start) {
        if !key.is_empty() {
            key.push('.');
        }
        key.push_str(name.get_ref());
        descend(value.get_ref(), offset, key);
    }
}

fn descend(value: &DeValue<'_>, offset: usize, key: &mut String) {
    match value {
        DeValue::Table(table) => descend_table(table, offset, key),
        DeValue::Array(array) => {
            let mut begun =
                array.iter().enumerate().filter(|(_, item)| item.span().start <= offset);
            if let Some((index, item)) = begun.next_back() {
                key.push_str(&format!("[{index}]"));
                descend(item.get_ref(), offset, key);
            }
        }
        _ => {}
    }
}
