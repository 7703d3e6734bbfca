//! One incident pack, for people.

use super::{WIDTH, text, words};
use crate::incident::{
    Pack,
    document::{Bound, Component, RefStanding, Window, WindowKind},
};

/// Where a pack comes from.
#[derive(Clone, Debug)]
pub struct Kept<'a> {
    pub pack: &'a Pack,
    pub origin: &'a str,
}

pub fn incident(kept: &Kept<'_>) -> String {
    let document = kept.pack.document();
    let head = [
        document.id.clone(),
        document.title.clone(),
        format!("revision {} of {}", document.revision, document.revised),
        kept.origin.to_owned(),
    ];
    let mut page = text::dotted(&head, WIDTH);
    if !document.aliases.is_empty() {
        page.push_str(&text::hang("  also: ", &document.aliases.join(", "), WIDTH));
    }
    page.push_str(&text::hang("  ", &document.summary, WIDTH));
    for caveat in kept.pack.caveats() {
        page.push_str(&text::hang("  note: ", &caveat, WIDTH));
    }
    for component in &document.components {
        page.push_str(&of_component(component));
    }
    let pair = |name: &str, text: &str| format!("{name}: {text}");
    let sections = [
        (
            "not affected",
            document.not_affected.iter().map(|n| pair(&n.names.join(", "), &n.why)).collect(),
        ),
        (
            "before anything is revoked",
            document.gates.iter().map(|g| pair(&g.id, &g.condition)).collect(),
        ),
        ("guidance", document.guidance.iter().map(|g| g.text.clone()).collect()),
        ("rotate first", document.rotation.iter().map(|r| pair(&r.what, &r.why)).collect()),
        (
            "made possible by",
            document.enabled_by.iter().map(|e| pair(&e.incident, &e.how)).collect(),
        ),
        (
            "indicators",
            document
                .indicators
                .iter()
                .map(|i| format!("{} {}", word(&i.kind), i.value))
                .collect::<Vec<_>>(),
        ),
        (
            "sources",
            document
                .sources
                .iter()
                .map(|(id, s)| {
                    format!(
                        "{id} ({}): {}, {}, read {}",
                        word(&s.trust),
                        s.title,
                        s.url,
                        s.retrieved
                    )
                })
                .collect(),
        ),
    ];
    for (title, items) in sections {
        page.push_str(&section(title, &items));
    }
    page
}

fn section(title: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut page = format!("\n{}\n", words::paint(words::BOLD, &format!("{title}:")));
    for item in items {
        page.push_str(&text::hang("  - ", item, WIDTH));
    }
    page
}

fn of_component(component: &Component) -> String {
    let names = [&component.names[..], &component.packages[..]].concat().join(", ");
    let title = format!("{} {names}", words::kind(component.kind));
    let mut page = String::from("\n");
    page.push_str(&text::hang("", &title, WIDTH));
    let mut line = |lead: &str, said: &str| page.push_str(&text::hang(lead, said, WIDTH));
    for window in &component.windows {
        line("  ", &of_window(window));
    }
    if !component.payload.is_empty() {
        let payload: Vec<String> = component.payload.iter().map(word).collect();
        line("  payload: ", &payload.join(", "));
    }
    for rule in &component.refs {
        let refs = [&rule.refs[..], rule.versions.as_slice()].concat().join(", ");
        line("  ", &format!("{refs}: {}, {}", standing(rule.standing), rule.why));
    }
    for (what, fallback) in
        [("other refs", &component.other_refs), ("other commits", &component.other_commits)]
    {
        if let Some(fallback) = fallback {
            line("  ", &format!("{what}: {}, {}", standing(fallback.standing), fallback.why));
        }
    }
    for bad in &component.bad_commits {
        line("  bad commit: ", &bad.commit);
    }
    for bad in &component.bad_digests {
        line("  bad digest: ", &bad.digest);
    }
    for resolves in &component.resolves {
        line("  ", &format!("leads to {}: {}", resolves.component, resolves.how));
    }
    for guard in &component.guards {
        line("  guard: ", &format!("{}: {}", word(&guard.effect), guard.why));
    }
    if let Some(out) = &component.exfiltration {
        line("  way out: ", &format!("{}: {}", word(&out.channel), out.detail));
    }
    page
}

fn of_window(window: &Window) -> String {
    if let Some(why) = &window.not_known {
        return format!("window not known: {why}");
    }
    let kind = match window.kind {
        WindowKind::Served => "bad content served",
        WindowKind::AuditAdvised => "audit advised",
        WindowKind::Exfiltrated => "data left",
        WindowKind::AbusePossible => "abuse possible",
        WindowKind::SecureAfter => "secure after",
    };
    let end = |bound: &Option<Bound>| match bound {
        Some(bound) => {
            let about = if bound.approximate { "about " } else { "" };
            let open = if bound.inclusive { "" } else { " (not in it)" };
            format!("{about}{}{open}", bound.at)
        }
        None => "open".to_owned(),
    };
    format!("{kind}: {} … {}", end(&window.from), end(&window.to))
}

fn standing(standing: RefStanding) -> &'static str {
    match standing {
        RefStanding::Bad => "bad",
        RefStanding::Cleared => "cleared",
        RefStanding::Unknown => "unknown",
    }
}

/// A value as a pack writes it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
