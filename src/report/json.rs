//! Reports for machines.

use std::fmt::Write;

use serde::Serialize;

use super::text;

/// Indented JSON with a line feed at its end.
///
/// # Errors
///
/// When a map of the report has keys that are no strings; the reports of this crate have none.
pub fn json(report: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut page = escaped(&serde_json::to_string_pretty(report)?);
    page.push('\n');
    Ok(page)
}

/// Characters that could harm a terminal stand in strings only: there an escape means the same.
fn escaped(json: &str) -> String {
    let mut page = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && text::is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(page, "\\u{unit:04x}").expect("writing to a string does not fail");
            }
        } else {
            page.push(c);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::json;

    #[test]
    fn what_harms_a_terminal_is_escaped_and_reads_back_the_same() {
        let text = "a\u{1b}[31m\u{9b}\u{202e}\n\u{e0001}é";
        let page = json(&text).expect("a string");
        assert!(page.trim_end().chars().all(|c| !super::text::is_unsafe(c)), "{page:?}");
        assert_eq!(serde_json::from_str::<String>(&page).expect("JSON"), text);
    }
}
