//! A pack that may be relied on: parsed, judged, windows as instants, names and ranges ready to compare.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;

use super::{
    Capabilities, Document, Window,
    clues::Clues,
    document::{Component, Exfiltration, Guard, Mode, NotAffected, RefRule, Resolves, WindowKind},
    identity::Name,
    lint::{Finding, lint},
    locate::Locator,
    reference::Range,
    window::hull,
};
use crate::{assess::Span, ci::model::Component as MentionedComponent};

/// One incident, ready to be asked.
#[derive(Clone, Debug)]
pub struct Pack {
    document: Document,
    components: Vec<PackComponent>,
    not_affected: Vec<Vec<Name>>,
    /// Built when first asked: most packs are only listed.
    clues: Arc<OnceLock<Clues>>,
}

/// One component of an incident.
#[derive(Clone, Debug)]
pub struct PackComponent {
    pub entry: Component,
    /// Its own, or those of what it resolves to.
    pub windows: Vec<Window>,
    /// Its own, or that of what it resolves to.
    pub payload: Capabilities,
    /// Its own, or those of what it resolves to.
    pub guards: Vec<Guard>,
    pub exfiltration: Option<Exfiltration>,
    pub(super) names: Vec<Name>,
    /// Bad versions by the package's name, with and without its ecosystem.
    packages: HashMap<String, Vec<String>>,
    /// Beside each rule of `entry.refs`.
    pub(super) ranges: Vec<Option<Range>>,
    /// The source that it rests on is a weak one.
    pub(super) weak: bool,
}

impl Pack {
    pub fn id(&self) -> &str {
        &self.document.id
    }

    pub fn title(&self) -> &str {
        &self.document.title
    }

    /// Everything as it is written.
    pub fn document(&self) -> &Document {
        &self.document
    }

    pub fn components(&self) -> &[PackComponent] {
        &self.components
    }

    /// From the first instant at which a component could be bad to the last; `None` is open. What
    /// history has to be read for.
    pub fn hull(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let windows = self.components.iter().flat_map(|component| &component.windows);
        let of_component = windows.filter(|window| window.is_of_component());
        let spans = of_component.map(|window| Span { from: window.from, to: window.to });
        spans.reduce(hull).map_or((None, None), |span| (span.from, span.to))
    }

    /// What history has to be read for: [`Pack::hull`], and all of it where a vendor's store is asked
    /// for, since what was stored once may have been left there.
    pub fn span_to_read(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let of_vendor = |one: &PackComponent| one.entry.mode == Mode::Vendor;
        if self.components.iter().any(of_vendor) { (None, None) } else { self.hull() }
    }

    pub(super) fn clues(&self) -> &Clues {
        self.clues.get_or_init(|| Clues::new(&self.components))
    }

    pub(super) fn not_affected(&self) -> impl Iterator<Item = (&NotAffected, &[Name])> {
        self.document.not_affected.iter().zip(self.not_affected.iter().map(Vec::as_slice))
    }

    pub(super) fn is_weak(&self, source: &str) -> bool {
        is_weak(&self.document, source)
    }

    /// A document that the linter finds nothing wrong with.
    ///
    /// # Errors
    ///
    /// All that it finds.
    pub fn new(document: Document) -> Result<Self, Vec<Finding>> {
        let findings = lint(&document);
        if !findings.is_empty() {
            return Err(findings);
        }
        Self::build(document).map_err(|message| {
            let hint = "compare with the packs that come with keysweep".to_owned();
            vec![Finding { key: String::new(), message, hint }]
        })
    }

    /// Findings of the linter have been asked for before: what fails here would have been one.
    fn build(document: Document) -> Result<Self, String> {
        let components = document.components.iter().map(|c| PackComponent::build(c, &document));
        let components: Vec<PackComponent> = components.collect::<Result<_, _>>()?;
        let clues = Arc::default();
        let names = |entry: &NotAffected| names_of(entry.kind, &entry.names);
        let not_affected = document.not_affected.iter().map(names).collect();
        Ok(Self { document, components, not_affected, clues })
    }
}

impl PackComponent {
    fn build(entry: &Component, document: &Document) -> Result<Self, String> {
        let origin = |field: fn(&Component) -> bool| {
            if field(entry) { entry } else { resolved(entry, document).unwrap_or(entry) }
        };
        let windows = &origin(|c| !c.windows.is_empty()).windows;
        let range = |rule: &RefRule| rule.versions.as_deref().map(Range::read).transpose();
        Ok(Self {
            windows: windows.iter().map(|one| read_window(one, entry)).collect::<Result<_, _>>()?,
            payload: origin(|c| !c.payload.is_empty()).payload.iter().copied().collect(),
            guards: origin(|c| !c.guards.is_empty()).guards.clone(),
            exfiltration: origin(|c| c.exfiltration.is_some()).exfiltration.clone(),
            names: names_of(entry.kind, &entry.names),
            packages: packages(entry),
            ranges: entry.refs.iter().map(range).collect::<Result<_, _>>()?,
            weak: is_weak(document, &entry.source),
            entry: entry.clone(),
        })
    }

    pub fn id(&self) -> &str {
        &self.entry.id
    }

    pub(super) fn is_named(&self, mentioned: &Name) -> bool {
        self.names.iter().any(|name| name.covers(mentioned))
            || mentioned.package().is_some_and(|name| self.packages.contains_key(name))
    }

    /// The bad releases of a package; `None` where the pack does not list them.
    pub(super) fn versions_of(&self, component: &MentionedComponent) -> Option<&[String]> {
        let name = Name::of(component);
        self.packages.get(name.package()?).map(Vec::as_slice)
    }

    /// `ecosystem:name` of every package that it names.
    pub fn package_names(&self) -> impl Iterator<Item = &str> {
        let listed = self.packages.keys().map(String::as_str).filter(|name| name.contains(':'));
        listed.chain(self.names.iter().filter_map(Name::package))
    }

    /// What it leads to at run time.
    pub fn resolves(&self) -> Option<&Resolves> {
        self.entry.resolves.first()
    }
}

/// What was put into a vendor's store at any time before is in it, unless somebody took it out.
fn read_window(window: &super::document::Window, entry: &Component) -> Result<Window, String> {
    let read = Window::read(window)?;
    let stored = entry.mode == Mode::Vendor && read.kind == WindowKind::Exfiltrated;
    Ok(Window { from: read.from.filter(|_| !stored), ..read })
}

/// The component of the same document that this one leads to at run time.
fn resolved<'d>(entry: &Component, document: &'d Document) -> Option<&'d Component> {
    let target = &entry.resolves.first()?.component;
    document.components.iter().find(|component| component.id == *target)
}

fn packages(entry: &Component) -> HashMap<String, Vec<String>> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for (package, version) in entry.packages.iter().filter_map(|one| split_release(one)) {
        let name = Name::new(entry.kind, package);
        let Some(name) = name.package() else { continue };
        let bare = name.split_once(':').map(|(_, bare)| bare);
        for key in std::iter::once(name).chain(bare) {
            found.entry(key.to_owned()).or_default().push(version.to_owned());
        }
    }
    found
}

/// `npm:@scope/name@1.2.3` in its name and version.
pub(super) fn split_release(written: &str) -> Option<(&str, &str)> {
    let (name, version) = written.rsplit_once('@')?;
    let named = name
        .split_once(':')
        .is_some_and(|(ecosystem, bare)| !ecosystem.is_empty() && !bare.is_empty() && bare != "@");
    (named && !version.is_empty()).then_some((name, version))
}

fn names_of(kind: crate::ci::model::Kind, names: &[String]) -> Vec<Name> {
    names.iter().map(|name| Name::new(kind, name)).collect()
}

fn is_weak(document: &Document, source: &str) -> bool {
    document.sources.get(source).is_some_and(|s| s.trust == super::document::Trust::Weak)
}

/// Reads a pack and judges it. `origin` is what the error calls the text: a file name.
pub fn parse(text: &str, origin: &str) -> Result<Pack, PackError> {
    let document = read(text, origin)?;
    if let Some(finding) = lint(&document).into_iter().next() {
        return Err(PackError::of_finding(finding, &Locator::new(text), origin));
    }
    Pack::build(document).map_err(|message| PackError {
        origin: origin.to_owned(),
        line: None,
        key: String::new(),
        message,
        hint: "compare with the packs that come with keysweep".to_owned(),
    })
}

/// All that is wrong with a pack, each with its line; empty if [`parse`] takes it.
pub fn check(text: &str, origin: &str) -> Vec<PackError> {
    let document = match read(text, origin) {
        Ok(document) => document,
        Err(error) => return vec![error],
    };
    let lines = Locator::new(text);
    let findings = lint(&document).into_iter();
    findings.map(|finding| PackError::of_finding(finding, &lines, origin)).collect()
}

/// [`check`], and what the pack says otherwise than those that are known.
pub fn check_beside(text: &str, origin: &str, known: &[&Pack]) -> Vec<PackError> {
    let mut found = check(text, origin);
    if let Ok(document) = read(text, origin) {
        let lines = Locator::new(text);
        let findings = super::lint_beside(&document, known).into_iter();
        found.extend(findings.map(|finding| PackError::of_finding(finding, &lines, origin)));
    }
    found
}

fn read(text: &str, origin: &str) -> Result<Document, PackError> {
    toml::from_str(text).map_err(|error| PackError::of_toml(&error, text, origin))
}

/// What is wrong with a pack: the thing, the trouble and the way out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PackError {
    pub origin: String,
    pub line: Option<u32>,
    /// `components[0].windows[1].from.at`; empty for the whole file.
    pub key: String,
    pub message: String,
    pub hint: String,
}

impl PackError {
    fn of_finding(finding: Finding, lines: &Locator<'_>, origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            line: Some(lines.line_of(&finding.key)),
            key: finding.key,
            message: finding.message,
            hint: finding.hint,
        }
    }

    fn of_toml(error: &toml::de::Error, text: &str, origin: &str) -> Self {
        let lines = Locator::new(text);
        let start = error.span().map(|span| span.start);
        Self {
            origin: origin.to_owned(),
            line: start.map(|start| lines.line_at(start)),
            key: start.map(|start| lines.key_at(start)).unwrap_or_default(),
            message: error.message().to_owned(),
            hint: "`keysweep schema pack` prints what a pack may hold".to_owned(),
        }
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        write!(f, "{}\n  at {}", self.message, self.origin)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, "\nhint: {}", self.hint)
    }
}

impl std::error::Error for PackError {}
