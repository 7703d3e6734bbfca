//! What is known of an incident, as words of the command line.

use clap::{Args as ClapArgs, ValueEnum};

use super::ExitError;
use crate::{
    ci::model::Kind,
    incident::{
        Capability, Pack,
        draft::{Answers, Moment, Spelled, document, in_words},
    },
};

#[derive(ClapArgs, Clone, Debug, Default)]
pub(super) struct FactArgs {
    /// What was bad: owner/repo@v1 (@* for every ref), https://…, npm:name@1.2.3, image:name:tag, orb:ns/orb@1, vendor:circleci
    #[arg(long = "component", value_name = "WHAT")]
    pub(super) components: Vec<String>,

    /// Kind of every --component, where the spelling does not show it
    #[arg(long, value_name = "KIND")]
    pub(super) kind: Option<KindWord>,

    /// Since when it was bad: 2021-01-31, 2021-01-31T08:15Z, with an offset or a zone, or `unknown`
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    pub(super) from: Option<String>,

    /// Until when it was bad; open where it is left out
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    pub(super) to: Option<String>,

    /// What its code could take; unknown, or left out, counts as everything
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) payload: Vec<Payload>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Payload {
    /// The environment of its own step
    Env,
    /// Files that the step can read
    Files,
    /// Environments of other processes
    Processes,
    /// The runner's memory: every secret of the job
    Memory,
    /// Cloud metadata and the local network
    Metadata,
    /// OIDC tokens of the job
    Oidc,
    /// The remotes of the checkout
    GitRemotes,
    /// What the CI vendor stores
    Store,
    /// Nobody knows: everything
    Unknown,
}

impl Payload {
    pub(super) fn capability(self) -> Capability {
        match self {
            Self::Env => Capability::K1,
            Self::Files => Capability::K2,
            Self::Processes => Capability::K3,
            Self::Memory => Capability::K5,
            Self::Metadata => Capability::K6,
            Self::Oidc => Capability::K7,
            Self::GitRemotes => Capability::GitRemotes,
            Self::Store => Capability::Store,
            Self::Unknown => Capability::Unknown,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum KindWord {
    Action,
    Workflow,
    Repository,
    ScriptUrl,
    Binary,
    ReleaseAsset,
    Image,
    Package,
    Orb,
    Plugin,
    Extension,
    Vendor,
    InjectedWorkflow,
}

impl KindWord {
    fn kind(self) -> Kind {
        match self {
            Self::Action => Kind::Action,
            Self::Workflow => Kind::Workflow,
            Self::Repository => Kind::Repository,
            Self::ScriptUrl => Kind::ScriptUrl,
            Self::Binary => Kind::Binary,
            Self::ReleaseAsset => Kind::ReleaseAsset,
            Self::Image => Kind::Image,
            Self::Package => Kind::Package,
            Self::Orb => Kind::Orb,
            Self::Plugin => Kind::Plugin,
            Self::Extension => Kind::Extension,
            Self::Vendor => Kind::Vendor,
            Self::InjectedWorkflow => Kind::InjectedWorkflow,
        }
    }
}

impl FactArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.components.is_empty()
            && self.kind.is_none()
            && self.from.is_none()
            && self.to.is_none()
            && self.payload.is_empty()
    }

    pub(super) fn spelled(&self) -> Result<Vec<Spelled>, ExitError> {
        let kind = self.kind.map(KindWord::kind);
        self.components.iter().map(|written| component(written, kind)).collect()
    }

    /// `None`: not said, or said to be unknown.
    pub(super) fn span(&self) -> Result<(Option<Moment>, Option<Moment>), ExitError> {
        Ok((moment("--from", self.from.as_deref())?, moment("--to", self.to.as_deref())?))
    }

    pub(super) fn capabilities(&self) -> Vec<Capability> {
        self.payload.iter().map(|word| word.capability()).collect()
    }

    /// The pack of these words, in memory.
    pub(super) fn pack(&self, id: Option<String>, today: String) -> Result<Pack, ExitError> {
        let components = self.spelled()?;
        if self.from.is_none() {
            return Err(ExitError::usage("`--from`", "not given: since when was it bad?").hint(
                "give the earliest day that any source names, `--from 2021-01-31`; \
                 `--from unknown` counts all of history",
            ));
        }
        let (from, to) = self.span()?;
        let payload = self.capabilities();
        let answers =
            Answers { id, title: None, components, from, to, payload, source: None, today };
        let pack = pack(&answers)?;
        match pack.hull().0 {
            Some(from) if from > jiff::Timestamp::now() => {
                Err(ExitError::usage(format!("`--from` {from}"), "lies in the future")
                    .hint("look at the year, and at the zone of the source's clock"))
            }
            _ => Ok(pack),
        }
    }
}

/// Findings of the linter become errors about the words that were given.
pub(super) fn pack(answers: &Answers) -> Result<Pack, ExitError> {
    Pack::new(document(answers)).map_err(|findings| match findings.first() {
        Some(finding) => {
            let (thing, trouble, way_out) = in_words(finding, answers);
            ExitError::usage(thing, trouble).hint(way_out)
        }
        None => ExitError::usage("`--component`", "makes no pack"),
    })
}

pub(super) fn component(written: &str, kind: Option<Kind>) -> Result<Spelled, ExitError> {
    Spelled::read(written, kind).map_err(|error| {
        ExitError::usage(format!("`--component {written}`"), &error.trouble).hint(error.hint)
    })
}

pub(super) fn moment(flag: &str, text: Option<&str>) -> Result<Option<Moment>, ExitError> {
    match text {
        None | Some("unknown") => Ok(None),
        Some(text) => Moment::read(text).map(Some).map_err(|(trouble, way_out)| {
            ExitError::usage(format!("`{flag} {text}`"), trouble).hint(way_out)
        }),
    }
}

/// The day on the clock, in UTC.
pub(super) fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}
