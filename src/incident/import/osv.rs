//! OSV records, among them `MAL-*` of ossf/malicious-packages and those of GitHub's advisory database.

use serde_json::Value;

use super::{
    Imported, RECORD, Refused, Said, commits, component, document, ecosystem, indicators, items,
    open_questions, refused, source, text, texts, unknown,
};
use crate::{
    ci::model::Kind,
    incident::document::{BadCommit, Component, IndicatorKind, RefRule, RefStanding, Trust},
};

pub(super) fn read(value: &Value, said: &Said) -> Result<Imported, Refused> {
    let id = text(value, "id").ok_or_else(|| refused("has no `id`", "name the whole record"))?;
    if let Some(day) = text(value, "withdrawn") {
        return Err(refused(
            format!("{id} was withdrawn on {day}: its facts no longer stand"),
            "look for the record that took its place",
        ));
    }
    let title = text(value, "summary").or(text(value, "details")).unwrap_or(id);
    let title = title.lines().next().unwrap_or(id);
    let url = match id.starts_with("GHSA-") {
        true => format!("https://github.com/advisories/{id}"),
        false => format!("https://osv.dev/vulnerability/{id}"),
    };
    let mut document = document(id, title, source(id, &url, Trust::Secondary, said), said);
    document.aliases =
        [vec![id], texts(value, "aliases")].concat().iter().map(|&a| a.to_owned()).collect();
    document.aliases.dedup();
    let mut notes = Vec::new();
    for affected in items(value, "affected") {
        let found = package(affected, document.components.len(), said, &mut notes);
        document.components.extend(found);
        iocs(affected, &mut document.indicators);
    }
    iocs(value, &mut document.indicators);
    if document.components.is_empty() {
        let trouble = format!("{id} names nothing that CI could run");
        return Err(refused(trouble, "`keysweep incident new` makes a pack of answers"));
    }
    open_questions(said, &mut notes);
    Ok(Imported { document, notes })
}

fn package(
    affected: &Value,
    number: usize,
    said: &Said,
    notes: &mut Vec<String>,
) -> Option<Component> {
    let package = affected.get("package")?;
    let (of, name) = (text(package, "ecosystem")?, text(package, "name")?);
    let versions = texts(affected, "versions");
    let spans = spans(affected);
    if of.eq_ignore_ascii_case("GitHub Actions") {
        return Some(action(name, &versions, &spans, number, said, notes));
    }
    // `Debian:12` is Debian of one release.
    let prefix = ecosystem(of.split(':').next().unwrap_or(of));
    let Some(prefix) = prefix else {
        notes.push(format!("left out: `{name}` of the ecosystem {of}, which CI files do not name"));
        return None;
    };
    Some(of_package(&format!("{prefix}:{name}"), &versions, &spans, number, said, notes))
}

/// A span of versions, as the comparisons of a pack.
pub(super) struct SpanOf {
    /// From the first version on.
    pub(super) from: Option<String>,
    /// Comparison and version.
    pub(super) to: Option<(&'static str, String)>,
}

impl SpanOf {
    fn is_all(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// `None`: not three numbers each, which a pack cannot compare.
    fn range(&self) -> Option<String> {
        let from = self.from.as_ref().map(|from| format!(">={from}"));
        let to = self.to.as_ref().map(|(sign, to)| format!("{sign}{to}"));
        let range = from.into_iter().chain(to).collect::<Vec<_>>().join(", ");
        crate::incident::reference::Range::read(&range).ok().map(|_| range)
    }

    fn words(&self) -> String {
        let from = self.from.as_deref().unwrap_or("the first");
        match &self.to {
            Some((sign, to)) => format!("from {from}, {sign}{to}"),
            None => format!("from {from} on"),
        }
    }
}

fn spans(affected: &Value) -> Vec<SpanOf> {
    let mut found = Vec::new();
    for range in items(affected, "ranges").iter().filter(|range| text(range, "type") != Some("GIT"))
    {
        let mut open: Option<SpanOf> = None;
        for event in items(range, "events") {
            if let Some(from) = text(event, "introduced") {
                found.extend(open.take());
                let from = Some(from.to_owned()).filter(|from| from != "0");
                open = Some(SpanOf { from, to: None });
            }
            let end = text(event, "fixed").map(|to| ("<", to));
            let end = end.or(text(event, "last_affected").map(|to| ("<=", to)));
            if let Some((sign, to)) = end {
                let mut span = open.take().unwrap_or(SpanOf { from: None, to: None });
                span.to = Some((sign, to.to_owned()));
                found.push(span);
            }
        }
        found.extend(open);
    }
    found
}

/// A range of versions says nothing of a tag that was moved: it is where to look, and no verdict.
pub(super) fn action(
    name: &str,
    versions: &[&str],
    spans: &[SpanOf],
    number: usize,
    said: &Said,
    notes: &mut Vec<String>,
) -> Component {
    let mut new = component(Kind::Action, name, number, said);
    let hex: Vec<&str> = versions.iter().copied().filter(|v| looks_like_commit(v)).collect();
    let whole = commits(&hex, name, notes);
    new.bad_commits = whole
        .iter()
        .map(|commit| BadCommit { commit: commit.to_ascii_lowercase(), source: RECORD.to_owned() })
        .collect();
    let listed: Vec<&&str> =
        versions.iter().filter(|version| !looks_like_commit(version)).collect();
    let mut spoken: Vec<String> =
        listed.iter().map(|version| format!("version {version}")).collect();
    spoken.extend(spans.iter().map(SpanOf::words));
    new.other_refs = Some(unknown("the record names versions, and not what each tag held when"));
    if new.bad_commits.is_empty() {
        new.other_commits = Some(unknown("the record names no commit"));
    }
    notes.push(format!(
        "`{name}`: {}: versions of an action are tags that can be moved, so every ref is unknown{}",
        if spoken.is_empty() { "no version".to_owned() } else { spoken.join("; ") },
        if new.bad_commits.is_empty() {
            " until a commit is known"
        } else {
            " but the listed commits"
        },
    ));
    new
}

fn looks_like_commit(version: &str) -> bool {
    let hex = version.len() >= 7 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex && version.bytes().any(|byte| byte.is_ascii_alphabetic())
}

pub(super) fn of_package(
    name: &str,
    versions: &[&str],
    spans: &[SpanOf],
    number: usize,
    said: &Said,
    notes: &mut Vec<String>,
) -> Component {
    let mut new = component(Kind::Package, name, number, said);
    let all = spans.iter().any(SpanOf::is_all) || (spans.is_empty() && versions.is_empty());
    if all {
        let listed = versions.len();
        if listed > 0 {
            notes.push(format!(
                "`{name}`: the record lists {listed} versions and says that all are bad: all count"
            ));
        }
        return new;
    }
    new.packages = versions.iter().map(|version| format!("{name}@{version}")).collect();
    new.packages.sort();
    new.packages.dedup();
    if !new.packages.is_empty() {
        if !spans.is_empty() {
            notes.push(format!(
                "`{name}`: only the listed versions count; the record also gives ranges"
            ));
        }
        new.names.clear();
        return new;
    }
    for span in spans {
        match span.range() {
            Some(range) => new.refs.push(RefRule {
                refs: Vec::new(),
                versions: Some(range),
                standing: RefStanding::Bad,
                why: "in the range of the record".to_owned(),
                source: RECORD.to_owned(),
            }),
            None => notes
                .push(format!("`{name}`: the range {} cannot be compared: unknown", span.words())),
        }
    }
    new.other_refs = Some(unknown("no range of the record that can be compared holds it"));
    new
}

/// Of ossf/malicious-packages.
fn iocs(value: &Value, into: &mut Vec<crate::incident::document::Indicator>) {
    let Some(found) = value.get("database_specific").and_then(|one| one.get("iocs")) else {
        return;
    };
    indicators(IndicatorKind::Domain, &texts(found, "domains"), into);
    indicators(IndicatorKind::Ip, &texts(found, "ips"), into);
    indicators(IndicatorKind::Url, &texts(found, "urls"), into);
}
