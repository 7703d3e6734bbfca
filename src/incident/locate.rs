//! Keys of a TOML text ↔ its lines.

use toml::de::{DeTable, DeValue};

/// 1-based.
pub(super) fn line_at(text: &str, offset: usize) -> u32 {
    let before = text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

/// The line of a key such as `components[0].names[1]`, or of the nearest key above it that exists.
pub(super) fn line_of(text: &str, key: &str) -> Option<u32> {
    let root = DeTable::parse(text).ok()?;
    let mut found = None;
    let mut table = Some(root.get_ref());
    let mut value: Option<&DeValue<'_>> = None;
    for segment in key.split(['.', '[', ']']).filter(|segment| !segment.is_empty()) {
        let next = match (table, value) {
            (Some(table), _) => {
                let entry = table.iter().find(|(name, _)| name.get_ref() == segment);
                entry.map(|(name, value)| (name.span().start, value))
            }
            (None, Some(DeValue::Array(array))) => {
                let item = segment.parse().ok().and_then(|index: usize| array.get(index));
                item.map(|item| (item.span().start, item))
            }
            _ => None,
        };
        let Some((start, inner)) = next else { break };
        found = Some(line_at(text, start));
        table = inner.get_ref().as_table();
        value = Some(inner.get_ref());
    }
    found
}

/// The innermost key whose value holds this byte.
pub(super) fn key_at(text: &str, offset: usize) -> String {
    let Ok(root) = DeTable::parse(text) else { return String::new() };
    let mut key = String::new();
    descend_table(root.get_ref(), offset, &mut key);
    key
}

fn descend_table(table: &DeTable<'_>, offset: usize, key: &mut String) {
    let around = |start: usize, end: usize| start <= offset && offset < end;
    for (name, value) in table {
        let inside = around(name.span().start, name.span().end)
            || around(value.span().start, value.span().end);
        if inside {
            if !key.is_empty() {
                key.push('.');
            }
            key.push_str(name.get_ref());
            return descend(value.get_ref(), offset, key);
        }
    }
}

fn descend(value: &DeValue<'_>, offset: usize, key: &mut String) {
    match value {
        DeValue::Table(table) => descend_table(table, offset, key),
        DeValue::Array(array) => {
            let found = array.iter().enumerate().find(|(_, item)| item.span().contains(&offset));
            if let Some((index, item)) = found {
                key.push_str(&format!("[{index}]"));
                descend(item.get_ref(), offset, key);
            }
        }
        _ => {}
    }
}
