//! Components: names, windows, refs, identities, and what leads where.

use std::collections::BTreeMap;

use super::Linter;
use crate::ci::model::Kind;
use crate::incident::{
    Window, WindowKind,
    document::{Component, Guard, Identity, Needs, RefRule, RefStanding, Window as Entry},
    identity::Name,
    reference::{Range, fits},
    split_release,
};

pub(super) fn lint<'d>(linter: &mut Linter<'d>) {
    let document = linter.document;
    if document.components.is_empty() {
        linter.report("components", "there is none", "name what was bad");
    }
    linter.distinct("components", document.components.iter().map(|c| c.id.as_str()));
    for (i, component) in document.components.iter().enumerate() {
        linter.component(&format!("components[{i}]"), component);
    }
    let names_of =
        |c: &'d Component| c.names.iter().map(move |n| (c.id.as_str(), Name::new(c.kind, n)));
    let taken: Vec<_> = document.components.iter().flat_map(names_of).collect();
    for (i, entry) in document.not_affected.iter().enumerate() {
        let key = format!("not_affected[{i}]");
        linter.names(&key, entry.kind, &entry.names);
        linter.said(format!("{key}.why"), &entry.why);
        linter.cited(&key, &entry.source);
        linter.contradiction(&key, entry.kind, &entry.names, &taken);
    }
    linter.spliced();
}

impl Linter<'_> {
    fn component(&mut self, key: &str, component: &Component) {
        self.cited(key, &component.source);
        if component.packages.is_empty() {
            self.names(key, component.kind, &component.names);
        }
        self.packages(key, component);
        self.origin(key, component);
        for (i, window) in component.windows.iter().enumerate() {
            self.window(&format!("{key}.windows[{i}]"), window);
        }
        self.rules(key, &component.refs);
        let fallbacks =
            [("other_refs", &component.other_refs), ("other_commits", &component.other_commits)];
        for (field, fallback) in fallbacks {
            if let Some(fallback) = fallback {
                self.said(format!("{key}.{field}.why"), &fallback.why);
                self.cited(&format!("{key}.{field}"), &fallback.source);
            }
        }
        for (i, bad) in component.bad_commits.iter().enumerate() {
            let key = format!("{key}.bad_commits[{i}]");
            self.commit(&format!("{key}.commit"), &bad.commit);
            self.cited(&key, &bad.source);
        }
        for (i, bad) in component.bad_digests.iter().enumerate() {
            let key = format!("{key}.bad_digests[{i}]");
            self.oci_digest(&format!("{key}.digest"), &bad.digest);
            self.cited(&key, &bad.source);
        }
        self.identities(key, &component.identities);
        for (i, guard) in component.guards.iter().enumerate() {
            self.guard(&format!("{key}.guards[{i}]"), guard);
        }
        if let Some(exfiltration) = &component.exfiltration {
            self.cited(&format!("{key}.exfiltration"), &exfiltration.source);
        }
    }

    /// Windows and payload are its own, or those of what it resolves to.
    fn origin(&mut self, key: &str, component: &Component) {
        let document = self.document;
        for (i, resolves) in component.resolves.iter().enumerate() {
            let key = format!("{key}.resolves[{i}]");
            self.cited(&key, &resolves.source);
            let target = document.components.iter().find(|other| other.id == resolves.component);
            let complete = |c: &Component| !c.windows.is_empty() && !c.payload.is_empty();
            if !target.is_some_and(complete) {
                let message = format!(
                    "`{}` is no component of this pack with windows and payload of its own",
                    resolves.component
                );
                self.report(
                    format!("{key}.component"),
                    message,
                    "name the component that was bad itself",
                );
            }
        }
        if component.resolves.is_empty() && component.windows.is_empty() {
            let hint = "add `windows`, or say with `resolves` whose windows count";
            self.report(key, format!("`{}` has no window", component.id), hint);
        }
        if component.resolves.is_empty() && component.payload.is_empty() {
            let message = format!("`{}` has no payload", component.id);
            self.report(key, message, "`payload = [\"unknown\"]` counts as all capabilities");
        }
    }

    fn names(&mut self, key: &str, kind: Kind, names: &[String]) {
        if names.is_empty() {
            self.report(key, "has no name", "name at least one");
        }
        for (i, name) in names.iter().enumerate() {
            if let Some(trouble) = name_trouble(kind, name) {
                let message = format!("`{name}` {trouble}");
                self.report(
                    format!("{key}.names[{i}]"),
                    message,
                    "see the table of kinds in docs/packs.md",
                );
            }
        }
    }

    fn packages(&mut self, key: &str, component: &Component) {
        if !component.packages.is_empty() && component.kind != Kind::Package {
            self.report(format!("{key}.packages"), "the kind is not `package`", "use `names`");
        }
        for (i, written) in component.packages.iter().enumerate() {
            let exact = |version: &str| {
                version.starts_with(|c: char| c.is_ascii_digit() || c == 'v')
                    && !version.contains(['*', '^', '~', '<', '>', '|', ' ', ','])
            };
            if !split_release(written).is_some_and(|(_, version)| exact(version)) {
                let message = format!("`{written}` is not one exact release");
                let hint = "write `npm:@scope/name@1.2.3`, one entry for each version";
                self.report(format!("{key}.packages[{i}]"), message, hint);
            }
        }
        self.distinct(&format!("{key}.packages"), component.packages.iter().map(String::as_str));
        self.both_ways(key, component);
    }

    /// Two sources that list different versions: the pack has to say which it follows.
    fn both_ways(&mut self, key: &str, component: &Component) {
        for (i, rule) in component.refs.iter().enumerate() {
            if rule.standing == RefStanding::Bad {
                continue;
            }
            let range = rule.versions.as_deref().and_then(|range| Range::read(range).ok());
            let fitting = |version: &str| {
                rule.refs.iter().any(|pattern| fits(pattern, version))
                    || range.as_ref().is_some_and(|range| range.holds(version))
            };
            let releases = component.packages.iter().filter_map(|one| split_release(one));
            for (name, version) in releases.filter(|(_, version)| fitting(version)) {
                let message =
                    format!("`{name}@{version}` is bad under `packages`, and not bad here");
                let hint = "follow one source, and say in `summary` which other one disagrees";
                self.report(format!("{key}.refs[{i}]"), message, hint);
            }
        }
    }

    /// Regular expressions of other tools, which here would fit nothing.
    fn patterns(&mut self, key: &str, patterns: &[String]) {
        for (i, pattern) in patterns.iter().enumerate() {
            if pattern.contains(['^', '$', '\\', '(', '[', '?', '|', '+']) && !is_plain(pattern) {
                let message = format!("`{pattern}` is a regular expression");
                let hint = "name each ref: only `*` stands for anything, and broad patterns flag safe versions";
                self.report(format!("{key}.refs[{i}]"), message, hint);
            }
        }
    }

    fn contradiction(&mut self, key: &str, kind: Kind, names: &[String], taken: &[(&str, Name)]) {
        for (i, written) in names.iter().enumerate() {
            let name = Name::new(kind, written);
            if let Some((id, _)) = taken.iter().find(|(_, taken)| name.covers(taken)) {
                let message = format!("`{written}` is also a name of component `{id}`");
                self.report(
                    format!("{key}.names[{i}]"),
                    message,
                    "it cannot be both: narrow one of them",
                );
            }
        }
    }

    fn window(&mut self, key: &str, window: &Entry) {
        match (&window.not_known, window.from.is_none() && window.to.is_none()) {
            (None, true) => {
                let hint = "a window needs one bound at least, or `not_known` with the reason";
                self.report(key, "has neither `from` nor `to`", hint);
            }
            (Some(_), false) => {
                let key = format!("{key}.not_known");
                self.report(key, "there is a bound", "drop `not_known`");
            }
            (Some(why), true) => self.said(format!("{key}.not_known"), why),
            (None, false) => {}
        }
        self.bounds(key, window);
    }

    /// `None`: a bound cannot be read, which has been reported.
    fn bounds(&mut self, key: &str, entry: &Entry) -> Option<Window> {
        for (end, bound) in [("from", &entry.from), ("to", &entry.to)] {
            if let Some(bound) = bound {
                self.bound(&format!("{key}.{end}"), bound);
            }
        }
        let window = Window::read(entry).ok()?;
        if let Some((from, to)) = window.from.zip(window.to).filter(|(from, to)| from >= to) {
            let message = format!("ends at {to}, before it begins at {from}");
            self.report(key, message, "look for a wrong day, or for local times taken for UTC");
        }
        Some(window)
    }

    fn rules(&mut self, key: &str, rules: &[RefRule]) {
        let mut earlier: Vec<(&RefRule, Option<Range>)> = Vec::new();
        for (i, rule) in rules.iter().enumerate() {
            let key = format!("{key}.refs[{i}]");
            self.said(format!("{key}.why"), &rule.why);
            self.cited(&key, &rule.source);
            if rule.refs.is_empty() && rule.versions.is_none() {
                self.report(&key, "fits no ref", "give `refs`, `versions` or both");
            }
            let range = rule.versions.as_deref().map(Range::read).transpose();
            if let Err(message) = &range {
                self.report(format!("{key}.versions"), message, "write `>=1.4.0, <1.5.0`");
            }
            self.hidden(&key, rule, &earlier);
            self.patterns(&key, &rule.refs);
            earlier.push((rule, range.ok().flatten()));
        }
    }

    /// The safe version that an over-broad pattern before it flags as well.
    fn hidden(&mut self, key: &str, rule: &RefRule, earlier: &[(&RefRule, Option<Range>)]) {
        for (i, name) in rule.refs.iter().enumerate().filter(|(_, name)| !name.contains('*')) {
            let fitting = |(other, range): &&(&RefRule, Option<Range>)| {
                other.refs.iter().any(|pattern| fits(pattern, name))
                    || range.as_ref().is_some_and(|range| range.holds(name))
            };
            let first = earlier.iter().find(fitting);
            if first.is_some_and(|(other, _)| other.standing != rule.standing) {
                let message = format!("`{name}` already fits an earlier rule that says otherwise");
                let hint = "the first rule counts: put this one before it";
                self.report(format!("{key}.refs[{i}]"), message, hint);
            }
        }
    }

    fn identities(&mut self, key: &str, identities: &[Identity]) {
        let mut lives: BTreeMap<&str, Vec<(&str, Window)>> = BTreeMap::new();
        for (i, identity) in identities.iter().enumerate() {
            let key = format!("{key}.identities[{i}]");
            self.commit(&format!("{key}.commit"), &identity.commit);
            self.cited(&key, &identity.source);
            let (from, to) = (identity.from.clone(), identity.to.clone());
            let entry = Entry { kind: WindowKind::Served, from, to, not_known: None };
            let Some(life) = self.bounds(&key, &entry) else { continue };
            let others = lives.entry(&identity.reference).or_default();
            let clash = |(commit, other): &(&str, Window)| {
                *commit != identity.commit && at_one_time(other, &life)
            };
            if others.iter().any(clash) {
                let message = format!("`{}` has two commits at one time", identity.reference);
                self.report(
                    &key,
                    message,
                    "a ref names one commit at a time: give `from` and `to`",
                );
            }
            others.push((&identity.commit, life));
        }
    }

    fn guard(&mut self, key: &str, guard: &Guard) {
        self.said(format!("{key}.why"), &guard.why);
        self.cited(key, &guard.source);
        let empty = match &guard.needs {
            Needs::Owner(owners) => owners.is_empty(),
            Needs::Os(systems) => systems.is_empty(),
            Needs::Hosted(_) | Needs::Public(_) | Needs::InstallScripts(_) => false,
        };
        if empty {
            self.report(
                format!("{key}.needs"),
                "can never be met",
                "list what the payload looked for",
            );
        }
    }
}

/// `v1+build`, `a(b)` are refs too; what no ref may hold shows the expression.
fn is_plain(pattern: &str) -> bool {
    !pattern.contains(['^', '\\', '[', '?']) && !pattern.ends_with('$')
}

fn at_one_time(a: &Window, b: &Window) -> bool {
    let before = |first: &Window, second: &Window| {
        first.to.zip(second.from).is_some_and(|(end, start)| end <= start)
    };
    !before(a, b) && !before(b, a)
}

pub(in crate::incident) fn name_trouble(kind: Kind, name: &str) -> Option<&'static str> {
    let odd = name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control());
    if odd {
        return Some("is empty or has white space in it");
    }
    let parts = name.split('/').filter(|part| !part.is_empty()).count();
    match kind {
        Kind::Action | Kind::Workflow | Kind::Repository if name.contains('@') => {
            Some("has a ref: refs stand under `refs`")
        }
        Kind::Action | Kind::Workflow | Kind::Repository if parts < 2 => {
            Some("is not of the form `owner/repo`")
        }
        Kind::Orb if parts != 2 || name.contains('@') => Some("is not of the form `namespace/orb`"),
        Kind::ScriptUrl | Kind::Binary | Kind::ReleaseAsset
            if !name.starts_with("https://") && !name.starts_with("http://") =>
        {
            Some("is not a URL")
        }
        Kind::Image if name.contains('@') => Some("has a digest: those stand under `bad_digests`"),
        Kind::InjectedWorkflow if !name.starts_with(".github/workflows/") => {
            Some("is not the path of a workflow (`.github/workflows/…`)")
        }
        Kind::Package if split_release(name).is_some() => {
            Some("has a version: releases stand under `packages`")
        }
        Kind::Package if !name.contains(':') => {
            Some("does not say its ecosystem (`npm:…`, `pypi:…`)")
        }
        _ => None,
    }
}
