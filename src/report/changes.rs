//! What is new, gone and open again since an earlier report.

use super::{WIDTH, text, words};
use crate::assess::{Change, Report};

/// Lines named of one sort; the JSON has them all.
const MOST: usize = 40;

pub(super) fn render(report: &Report) -> String {
    let Some(changes) = &report.changes else { return String::new() };
    let since = match (changes.old_revision, report.revision) {
        (Some(old), Some(new)) if old != new => format!(" (revision {old}, now {new})"),
        _ => String::new(),
    };
    let title = format!("since the earlier report{since}:");
    let mut page = format!("\n{}\n", words::paint(words::BOLD, &title));
    if changes.is_empty() {
        page.push_str("  nothing added, dropped or re-opened\n");
    }
    page.push_str(&list("re-opened", &changes.reopened));
    page.push_str(&list("added", &changes.added));
    page.push_str(&list("dropped", &changes.dropped));
    page
}

fn list(what: &str, changes: &[Change]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut page = format!("  {what} {}:\n", changes.len());
    for change in changes.iter().take(MOST) {
        let parts = [
            change
                .placement
                .as_deref()
                .map_or_else(|| "no credential".to_owned(), words::placement_name),
            change.id.clone().unwrap_or_default(),
            format!("{} {}", change.repository, words::place(change.consumer.as_ref())),
            words::component(&change.component),
        ];
        let named: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
        page.push_str(&text::hang("    ", &named.join(" · "), WIDTH));
        page.push_str(&text::hang("      ", &change.reason, WIDTH));
    }
    if let Some(more) = changes.len().checked_sub(MOST).filter(|more| *more > 0) {
        page.push_str(&format!("    and {more} more, see --format json\n"));
    }
    page
}
