//! A document as the TOML that a person goes on writing.

use super::super::document::Document;

/// Said beside a key, where somebody has to decide something.
const REMARKS: [(&str, &str); 6] = [
    ("revision = ", "up by one with every change of a fact"),
    ("trust = ", "primary, secondary, weak"),
    ("payload = ", "K1 environment, K2 files, K3 processes, K5 memory; unknown counts as all"),
    ("kind = \"served\"", "also audit-advised, exfiltrated"),
    ("not_known = ", "put `from` and `to` in its place as soon as somebody says when"),
    ("at = ", "as long as `precision` says, and no longer"),
];

/// # Errors
///
/// When a value cannot be written; those of a [`Document`] can.
pub fn to_toml(document: &Document, notes: &[String]) -> Result<String, toml::ser::Error> {
    let bare = toml::to_string(document)?;
    let mut page = String::from(
        "# A draft. `keysweep incident lint` judges it; docs/packs.md describes every key.\n",
    );
    for note in notes {
        for (i, line) in note.lines().enumerate() {
            page.push_str(if i == 0 { "# - " } else { "#   " });
            // A comment holds no control characters.
            page.extend(line.chars().filter(|c| !c.is_control()));
            page.push('\n');
        }
    }
    page.push('\n');
    for line in bare.lines().filter(|line| !line.ends_with(" = []")) {
        page.push_str(line);
        if let Some((_, remark)) = REMARKS.iter().find(|(key, _)| line.starts_with(key)) {
            page.push_str("  # ");
            page.push_str(remark);
        }
        page.push('\n');
    }
    Ok(page)
}
