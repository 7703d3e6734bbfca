//! A pack from answers: what was bad, from when to when, and what it could take.
//!
//! Nothing that was not said is invented: a window without a bound is open, a payload that nobody took
//! apart counts as all capabilities, and what a list of refs leaves out is unknown.

mod moment;
mod spelling;
mod write;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

pub(super) use moment::{Labelled, labelled};
pub use moment::{Moment, in_zone};
pub(super) use spelling::ecosystem;
pub use spelling::{Asked, Spelled, Unspelled};
pub use write::to_toml;

use super::{
    Capability, Finding,
    document::{
        BadCommit, BadDigest, Bound, Component, Document, Fallback, Mode, Precision, RefRule,
        RefStanding, SCHEMA, Source, Trust, Window, WindowKind,
    },
};
use crate::ci::model::Kind;

/// The page of a source that has none: facts that were typed.
pub const COMMAND_LINE: &str = "urn:keysweep:command-line";

/// What is known of an incident on its first day.
#[derive(Clone, Debug)]
pub struct Answers {
    /// `None`: made of the components, so that the same words give the same id.
    pub id: Option<String>,
    pub title: Option<String>,
    pub components: Vec<Spelled>,
    pub from: Option<Moment>,
    pub to: Option<Moment>,
    /// Empty: unknown, which counts as all.
    pub payload: Vec<Capability>,
    pub source: Option<(String, String)>,
    /// `YYYY-MM-DD`.
    pub today: String,
}

/// The pack that the answers make; [`super::lint`] has not seen it.
pub fn document(answers: &Answers) -> Document {
    let (title, url) = answers
        .source
        .clone()
        .unwrap_or_else(|| ("given on the command line".to_owned(), COMMAND_LINE.to_owned()));
    let source = Source { title, url, trust: Trust::Secondary, retrieved: answers.today.clone() };
    let names: Vec<&str> = answers.components.iter().map(|one| one.written.as_str()).collect();
    Document {
        schema: SCHEMA.to_owned(),
        id: answers.id.clone().unwrap_or_else(|| id_of(&answers.components)),
        aliases: Vec::new(),
        title: answers.title.clone().unwrap_or_else(|| names.join(", ")),
        revision: 1,
        revised: answers.today.clone(),
        summary: format!("{} was bad, as far as is known so far.", names.join(", ")),
        sources: BTreeMap::from([(SOURCE.to_owned(), source)]),
        enabled_by: Vec::new(),
        components: components(answers),
        not_affected: Vec::new(),
        indicators: Vec::new(),
        gates: Vec::new(),
        guidance: Vec::new(),
        rotation: Vec::new(),
    }
}

/// What is wrong with the answers, in their own words: the thing, the trouble, the way out.
pub fn in_words(finding: &Finding, answers: &Answers) -> (String, String, String) {
    let window = finding.key.contains(".windows[");
    let thing = match finding.key.as_str() {
        "id" => "`--id`".to_owned(),
        "title" => "`--title`".to_owned(),
        key if key.starts_with("sources.") => "`--source-url`".to_owned(),
        key if window && key.contains(".to") => "`--to`".to_owned(),
        key if window && key.contains(".from") => "`--from`".to_owned(),
        _ if window => "`--from` and `--to`".to_owned(),
        _ => match &answers.components[..] {
            [one] => format!("`--component {}`", one.written),
            _ => "`--component`".to_owned(),
        },
    };
    (thing, finding.message.clone(), finding.hint.clone())
}

const SOURCE: &str = "given";

fn id_of(components: &[Spelled]) -> String {
    let mut names: Vec<String> = components
        .iter()
        .map(|one| format!("{:?} {} {:?}", one.kind, one.name.to_ascii_lowercase(), one.asked))
        .collect();
    names.sort();
    names.dedup();
    format!("today-{}", hex::encode(&Sha256::digest(names.join("\n"))[..4]))
}

/// One component for each name, with all that was said of it.
fn components(answers: &Answers) -> Vec<Component> {
    let mut found: Vec<Component> = Vec::new();
    for spelled in &answers.components {
        let same = |one: &&mut Component| {
            one.kind == spelled.kind && one.names[0].eq_ignore_ascii_case(&spelled.name)
        };
        match found.iter_mut().find(same) {
            Some(known) => say(known, &spelled.asked),
            None => {
                let mut new = empty(answers, spelled, found.len());
                say(&mut new, &spelled.asked);
                found.push(new);
            }
        }
    }
    found.iter_mut().for_each(close);
    found
}

fn empty(answers: &Answers, spelled: &Spelled, number: usize) -> Component {
    let mode = match spelled.kind {
        Kind::Vendor => Mode::Vendor,
        Kind::Package => Mode::Package,
        _ => Mode::Step,
    };
    let payload = match (&answers.payload[..], mode) {
        ([], _) => vec![Capability::Unknown],
        (said, Mode::Vendor) if !said.contains(&Capability::Store) => {
            [said, &[Capability::Store]].concat()
        }
        (said, _) => said.to_vec(),
    };
    Component {
        names: vec![spelled.name.clone()],
        payload,
        windows: vec![window(answers.from.as_ref(), answers.to.as_ref(), SOURCE)],
        ..blank(format!("component-{}", number + 1), spelled.kind, mode, SOURCE)
    }
}

/// A component of which nothing is said yet.
pub(in crate::incident) fn blank(id: String, kind: Kind, mode: Mode, source: &str) -> Component {
    Component {
        id,
        kind,
        names: Vec::new(),
        packages: Vec::new(),
        mode,
        source: source.to_owned(),
        payload: Vec::new(),
        windows: Vec::new(),
        exfiltration: None,
        refs: Vec::new(),
        other_refs: None,
        other_commits: None,
        bad_commits: Vec::new(),
        bad_digests: Vec::new(),
        identities: Vec::new(),
        resolves: Vec::new(),
        guards: Vec::new(),
    }
}

/// Open at both ends where nothing is known.
pub(in crate::incident) fn window(
    from: Option<&Moment>,
    to: Option<&Moment>,
    source: &str,
) -> Window {
    let bound = |moment: &Moment| Bound {
        at: moment.at.clone(),
        precision: moment.precision,
        approximate: false,
        inclusive: true,
        text: Some(moment.text.clone()).filter(|text| *text != moment.at),
        source: source.to_owned(),
    };
    let not_known = (from.is_none() && to.is_none())
        .then(|| "no source at hand says when it was bad".to_owned());
    Window { kind: WindowKind::Served, from: from.map(bound), to: to.map(bound), not_known }
}

fn say(component: &mut Component, asked: &Asked) {
    let source = || SOURCE.to_owned();
    let bad = |refs: Vec<String>, versions: Option<String>| RefRule {
        refs,
        versions,
        standing: RefStanding::Bad,
        why: "given as bad".to_owned(),
        source: SOURCE.to_owned(),
    };
    match asked {
        Asked::All => {
            component.other_refs = Some(fallback(RefStanding::Bad, "every ref was given as bad"))
        }
        Asked::Ref(one) => component.refs.push(bad(vec![one.clone()], None)),
        Asked::Range(range) => component.refs.push(bad(Vec::new(), Some(range.clone()))),
        Asked::Commit(commit) => {
            component.bad_commits.push(BadCommit { commit: commit.clone(), source: source() });
        }
        Asked::Digest(digest) => {
            component.bad_digests.push(BadDigest { digest: digest.clone(), source: source() });
        }
        Asked::Releases(versions) => {
            let named = versions.iter().map(|version| format!("{}@{version}", component.names[0]));
            component.packages.extend(named.collect::<Vec<_>>());
            component.packages.sort();
            component.packages.dedup();
        }
    }
}

/// What was not said is not known. Names stay where a package is bad in all its versions.
fn close(component: &mut Component) {
    let every = component.other_refs.is_some();
    match component.kind {
        Kind::Package => {
            if every {
                component.packages.clear();
            } else if !component.packages.is_empty() && component.refs.is_empty() {
                component.names.clear();
            }
            component.other_refs = None;
        }
        Kind::Action | Kind::Workflow | Kind::Repository | Kind::Image | Kind::Orb => {
            let fixed = component.bad_commits.len() + component.bad_digests.len();
            if !every && fixed > 0 && component.refs.is_empty() {
                let why = "only its content was given; which tags named it is not known";
                component.other_refs = Some(fallback(RefStanding::Unknown, why));
            }
            if fixed == 0 {
                let why =
                    "fixed to one content; whether that was a bad one is not known: none was given";
                component.other_commits = Some(fallback(RefStanding::Unknown, why));
            }
        }
        _ => component.other_refs = None,
    }
}

fn fallback(standing: RefStanding, why: &str) -> Fallback {
    Fallback { standing, why: why.to_owned(), source: SOURCE.to_owned() }
}

/// How much of a moment counts, by how it is written.
pub(in crate::incident) fn units(precision: Precision) -> usize {
    match precision {
        Precision::Month => 7,
        Precision::Day => 10,
        Precision::Hour => 13,
        Precision::Minute => 16,
        Precision::Second => 19,
    }
}
