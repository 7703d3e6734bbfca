//! Packs of CIRewind (`cirewind.dev/v1alpha1`): windows and sources for each claim.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Imported, Refused, Said, component, document, indicators, items, refused, source, text, texts,
    unknown,
};
use crate::{
    ci::model::Kind,
    incident::{
        document::{
            BadCommit, BadDigest, Bound, Component, Document, Guidance, IndicatorKind, Precision,
            RefRule, RefStanding, Trust, Window, WindowKind,
        },
        draft::units,
    },
};

pub(super) fn read(value: &Value, said: &Said) -> Result<Imported, Refused> {
    let version = text(value, "apiVersion").unwrap_or_default();
    if version != "cirewind.dev/v1alpha1" {
        let trouble = format!("apiVersion `{version}` is not known");
        return Err(refused(trouble, "this version reads `cirewind.dev/v1alpha1`"));
    }
    let none = Value::Null;
    let (head, spec) = (value.get("metadata").unwrap_or(&none), value.get("spec").unwrap_or(&none));
    let id =
        text(head, "id").ok_or_else(|| refused("has no `metadata.id`", "name the whole pack"))?;
    let title = text(head, "title").unwrap_or(id);
    let mut document = document(
        id,
        title,
        source(title, super::super::draft::COMMAND_LINE, Trust::Secondary, said),
        said,
    );
    document.sources.clear();
    for entry in items(head, "sources") {
        if let Some(id) = text(entry, "id") {
            document.sources.insert(id.to_owned(), of_source(entry, said));
        }
    }
    if let Some(what) = text(spec, "description") {
        document.summary = what.to_owned();
    }
    let mut notes = Vec::new();
    let windows = windows(spec)?;
    for entry in items(spec, "components") {
        components(entry, spec, &windows, said, &mut document, &mut notes);
    }
    loose(spec, &mut document, &mut notes);
    let first = document.sources.keys().next().cloned().unwrap_or_default();
    for said in spec.get("remediation").map(|one| texts(one, "guidance")).unwrap_or_default() {
        document.guidance.push(Guidance { text: said.to_owned(), source: first.clone() });
    }
    if document.components.is_empty() {
        return Err(refused(
            "no component of it has an indicator that CI could name",
            "name the whole pack",
        ));
    }
    if !items(spec, "knownGood").is_empty() {
        notes.push(
            "known good commits are cleared as every commit is that is not listed".to_owned(),
        );
    }
    if said.payload.is_empty() {
        notes.push("payload not known: the format cannot say it, so it counts as everything; give `--payload`".to_owned());
    }
    Ok(Imported { document, notes })
}

fn of_source(entry: &Value, said: &Said) -> crate::incident::document::Source {
    let trust = match text(entry, "type") {
        Some("primary-advisory" | "source-repository" | "vendor-incident-report") => Trust::Primary,
        _ => Trust::Secondary,
    };
    let url = text(entry, "url").unwrap_or_default();
    let mut new = source(text(entry, "title").unwrap_or(url), url, trust, said);
    if let Some(day) = text(entry, "retrievedAt").and_then(|day| day.get(..10)) {
        new.retrieved = day.to_owned();
    }
    new
}

fn windows(spec: &Value) -> Result<BTreeMap<&str, Window>, Refused> {
    let mut found = BTreeMap::new();
    for entry in items(spec, "windows") {
        let Some(id) = text(entry, "id") else { continue };
        let bounds = text(entry, "bounds").unwrap_or("[)");
        let from = bound(entry, "start", bounds.starts_with('['))?;
        let to = bound(entry, "end", bounds.ends_with(']'))?;
        let not_known = (from.is_none() && to.is_none())
            .then(|| text(entry, "originalClaim").unwrap_or("the pack gives no bound").to_owned());
        found.insert(id, Window { kind: WindowKind::Served, from, to, not_known });
    }
    Ok(found)
}

/// As precise as the claim says, if the instant allows it: a shorter one would be another moment.
fn bound(window: &Value, key: &str, inclusive: bool) -> Result<Option<Bound>, Refused> {
    let Some(written) = text(window, key) else { return Ok(None) };
    let wrong =
        || refused(format!("`{key}: {written}` is not a moment in UTC"), "write RFC 3339 with `Z`");
    let moment: jiff::Timestamp = written.parse().map_err(|_| wrong())?;
    let whole = moment.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let claimed = match text(window, "sourcePrecision") {
        Some("day") => Precision::Day,
        Some("hour") => Precision::Hour,
        Some("minute") => Precision::Minute,
        _ => Precision::Second,
    };
    let rest = |precision: Precision| &whole[units(precision)..];
    let aligned = |precision: &Precision| rest(*precision).chars().all(|c| "T:0".contains(c));
    let precision =
        [claimed, Precision::Minute].into_iter().find(aligned).unwrap_or(Precision::Second);
    let zone = if precision == Precision::Day { "" } else { "Z" };
    let about = text(window, "approximation").is_some_and(|how| how != "exact");
    Ok(Some(Bound {
        at: format!("{}{zone}", &whole[..units(precision)]),
        precision,
        approximate: about,
        inclusive,
        text: text(window, "originalClaim").map(str::to_owned),
        source: texts(window, "sourceRefs").first().map_or_else(String::new, |&one| one.to_owned()),
    }))
}

/// One for each set of windows that its indicators name.
fn components(
    entry: &Value,
    spec: &Value,
    windows: &BTreeMap<&str, Window>,
    said: &Said,
    document: &mut Document,
    notes: &mut Vec<String>,
) {
    let Some((id, name, kind)) = named(entry) else {
        notes.push("left out: a component without a repository".to_owned());
        return;
    };
    let mut by_windows: BTreeMap<Vec<&str>, Vec<&Value>> = BTreeMap::new();
    let own = |one: &&Value| text(one, "componentId") == Some(id);
    for indicator in items(spec, "indicators").iter().filter(own) {
        by_windows.entry(texts(indicator, "windowRefs")).or_default().push(indicator);
    }
    for (refs, claims) in by_windows {
        let mut new = component(kind, &name, document.components.len(), said);
        let found: Vec<Window> = refs.iter().filter_map(|id| windows.get(id).cloned()).collect();
        if !found.is_empty() {
            new.windows = found;
        } else {
            notes.push(format!(
                "`{name}`: its claims name no window: all times count, or give `--from` and `--to`"
            ));
        }
        for claim in claims {
            claimed(claim, &mut new, document, notes);
        }
        close(&mut new);
        document.components.push(new);
    }
}

fn named(entry: &Value) -> Option<(&str, String, Kind)> {
    let repository = entry.get("repository")?;
    let name = format!("{}/{}", text(repository, "owner")?, text(repository, "name")?);
    let kind = match text(entry, "type") {
        Some("reusable-workflow") => Kind::Workflow,
        Some("repository") => Kind::Repository,
        _ => Kind::Action,
    };
    Some((text(entry, "id")?, name, kind))
}

fn claimed(claim: &Value, new: &mut Component, document: &mut Document, notes: &mut Vec<String>) {
    let cited = texts(claim, "sourceRefs").first().map_or_else(String::new, |&one| one.to_owned());
    if !cited.is_empty() {
        new.source.clone_from(&cited);
    }
    let none = Value::Null;
    let value = claim.get("value").unwrap_or(&none);
    match text(claim, "kind").unwrap_or_default() {
        "action-commit" | "reusable-workflow-commit" => {
            let commit =
                value.get("gitObject").and_then(|one| text(one, "value")).unwrap_or_default();
            if super::super::reference::is_abbreviated(commit) {
                notes.push(format!("leads, not keys: {commit} is not a whole commit id"));
            } else {
                new.bad_commits.push(BadCommit { commit: commit.to_owned(), source: cited });
            }
        }
        "mutable-action-ref" | "mutable-workflow-ref" => {
            new.refs.push(rule(text(value, "ref"), cited))
        }
        "release-version" => new.refs.push(rule(text(value, "version"), cited)),
        "digest" if text(value, "subject") == Some("oci-manifest") => {
            let digest = text(value, "digest").unwrap_or_default();
            let digest = format!("sha256:{}", digest.trim_start_matches("sha256:"));
            new.bad_digests.push(BadDigest { digest, source: cited });
        }
        "digest" => one_indicator(IndicatorKind::Sha256, text(value, "digest"), &cited, document),
        _ => other(claim, value, &cited, document, notes),
    }
}

fn rule(reference: Option<&str>, source: String) -> RefRule {
    RefRule {
        refs: reference.into_iter().map(str::to_owned).collect(),
        versions: None,
        standing: RefStanding::Bad,
        why: "named by the pack as moved to bad content".to_owned(),
        source,
    }
}

fn close(new: &mut Component) {
    for bound in new.windows.iter_mut().flat_map(|w| [&mut w.from, &mut w.to]).flatten() {
        if bound.source.is_empty() || bound.source == super::RECORD {
            bound.source.clone_from(&new.source);
        }
    }
    let sourced = |why: &str| crate::incident::document::Fallback {
        source: new.source.clone(),
        ..unknown(why)
    };
    let (refs, fixed) =
        (sourced("the pack does not name this ref"), sourced("the pack names no commit"));
    new.other_refs = Some(refs);
    if new.bad_commits.is_empty() && new.bad_digests.is_empty() {
        new.other_commits = Some(fixed);
    }
}

/// Claims that belong to no component.
fn loose(spec: &Value, document: &mut Document, notes: &mut Vec<String>) {
    let none = Value::Null;
    for claim in items(spec, "indicators").iter().filter(|one| text(one, "componentId").is_none()) {
        let cited =
            texts(claim, "sourceRefs").first().map_or_else(String::new, |&one| one.to_owned());
        other(claim, claim.get("value").unwrap_or(&none), &cited, document, notes);
    }
}

fn other(
    claim: &Value,
    value: &Value,
    cited: &str,
    document: &mut Document,
    notes: &mut Vec<String>,
) {
    let (kind, said) = match text(claim, "kind").unwrap_or_default() {
        "domain" => (IndicatorKind::Domain, text(value, "domain")),
        "ip-address" => (IndicatorKind::Ip, text(value, "address")),
        "log-literal" => (IndicatorKind::LogString, text(value, "literal")),
        "repository-name" => (IndicatorKind::RepositoryName, text(value, "name")),
        unknown => {
            notes.push(format!("left out: an indicator of the kind `{unknown}`"));
            return;
        }
    };
    one_indicator(kind, said, cited, document);
}

fn one_indicator(kind: IndicatorKind, value: Option<&str>, cited: &str, document: &mut Document) {
    let Some(value) = value else { return };
    let before = document.indicators.len();
    indicators(kind, &[value], &mut document.indicators);
    for new in &mut document.indicators[before..] {
        cited.clone_into(&mut new.source);
    }
}
