//! A pack as it is written: the TOML of `packs/*.toml`, field by field.
//!
//! Nothing here interprets. [`super::lint`] judges a document, [`super::Pack`] is a judged one with its
//! windows as instants. Unknown keys are refused: a misspelt `guards` must not silently widen a verdict.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::capability::Capability;
use crate::ci::model::{Kind, Os};

/// Version of the pack format, in the field `schema` of every pack.
pub const SCHEMA: &str = "keysweep.pack/1";

/// One incident: what was bad, when, what it could do, and what to do about it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(title = "keysweep.pack/1")]
pub struct Document {
    /// Always `keysweep.pack/1`.
    pub schema: String,
    /// What the user types: lower case, `name-year`.
    pub id: String,
    /// Ids of the same incident elsewhere: CVE, GHSA, MAL, …
    #[serde(default)]
    pub aliases: Vec<String>,
    pub title: String,
    /// Counts up with every change of a fact.
    pub revision: u32,
    /// Date of this revision, `YYYY-MM-DD`.
    pub revised: String,
    pub summary: String,
    /// Where the facts come from; every fact names one by its key.
    pub sources: BTreeMap<String, Source>,
    /// Incidents that made this one possible.
    #[serde(default)]
    pub enabled_by: Vec<EnabledBy>,
    pub components: Vec<Component>,
    /// What looks like a component of the incident and was not touched.
    #[serde(default)]
    pub not_affected: Vec<NotAffected>,
    #[serde(default)]
    pub indicators: Vec<Indicator>,
    /// What has to be true before credentials are revoked.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// What the vendor or an authority advised.
    #[serde(default)]
    pub guidance: Vec<Guidance>,
    /// Which credentials first.
    #[serde(default)]
    pub rotation: Vec<RotationStep>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub title: String,
    pub url: String,
    pub trust: Trust,
    /// Day on which the text was read, `YYYY-MM-DD`.
    pub retrieved: String,
}

/// How far a source carries.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// The vendor's or finder's own text, or a mechanical copy of it.
    Primary,
    Secondary,
    /// Said once, or remembered: a fact that rests on it alone is a lead.
    Weak,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EnabledBy {
    /// Id of the earlier incident, whether or not there is a pack for it.
    pub incident: String,
    pub how: String,
    pub source: String,
}

/// One thing that was bad for a time. Two phases with different guards are two components.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub id: String,
    pub kind: Kind,
    /// `owner/repo[/path]`, URL, image, package (`ecosystem:name`), vendor: see `docs/packs.md`.
    pub names: Vec<String>,
    pub mode: Mode,
    pub source: String,
    /// What the known payload could read. Empty: that of the component it resolves to.
    #[serde(default)]
    pub payload: Vec<Capability>,
    /// Empty: those of the component it resolves to.
    #[serde(default)]
    pub windows: Vec<Window>,
    pub exfiltration: Option<Exfiltration>,
    /// What each ref meant in the window; the first rule that fits counts.
    #[serde(default)]
    pub refs: Vec<RefRule>,
    /// For a ref that no rule fits. Absent: `unknown` where there are rules, else `bad`.
    pub other_refs: Option<Fallback>,
    /// For a full commit id that is listed nowhere. Absent: `cleared`, the content is fixed.
    pub other_commits: Option<Fallback>,
    #[serde(default)]
    pub bad_commits: Vec<BadCommit>,
    #[serde(default)]
    pub bad_digests: Vec<BadDigest>,
    /// Which commit a ref named, and when.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// What it fetches or calls at run time, whatever its own pin.
    #[serde(default)]
    pub resolves: Vec<Resolves>,
    /// Conditions without which the payload did nothing, or less.
    #[serde(default)]
    pub guards: Vec<Guard>,
}

/// Where the bad content stood.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Code of a step of a job.
    Step,
    /// Code of a package that a job installs.
    Package,
    /// The CI vendor's own store: no job needed.
    Vendor,
    /// An account at the code host.
    Account,
    /// The machine that runs jobs.
    Host,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    pub kind: WindowKind,
    /// Absent: not known, so open.
    pub from: Option<Bound>,
    pub to: Option<Bound>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowKind {
    /// The bad content could be obtained.
    Served,
    /// An authority says to search this span; wider than `served`.
    AuditAdvised,
    /// Data left a vendor's store.
    Exfiltrated,
    /// From the first exposure until the credential is dead.
    AbusePossible,
    /// What was stored after `from` is clean.
    SecureAfter,
}

/// One end of a window, as precise as its source and no more.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// As long as `precision` says: `2021-01`, `2021-01-31`, `2021-01-31T08Z`, `…T08:15Z`, `…T08:15:30Z`.
    /// An offset (`-04:00`) may stand for `Z`; months and days are UTC.
    pub at: String,
    pub precision: Precision,
    /// The source says "about".
    #[serde(default)]
    pub approximate: bool,
    /// `false`: the named unit is not part of the window.
    #[serde(default = "yes")]
    pub inclusive: bool,
    /// The source's own words.
    pub text: Option<String>,
    pub source: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    Second,
    Minute,
    Hour,
    Day,
    Month,
}

/// How the data left, and who could read it there.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exfiltration {
    pub channel: Channel,
    pub readers: Readers,
    pub detail: String,
    pub source: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    Http,
    Dns,
    JobLog,
    Repository,
    Artifact,
    Comment,
    VendorStore,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Readers {
    AttackerOnly,
    /// In public, sealed with the attacker's key.
    AttackerKey,
    /// Whoever may read the job's log: anyone if the repository is public.
    LogReaders,
    Anyone,
}

/// What a ref meant in the window. `refs` and `versions` are alternatives: one of them has to fit.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RefRule {
    /// Whole names of tags or branches; `*` stands for any characters.
    #[serde(default)]
    pub refs: Vec<String>,
    /// `<1.4.0`, `>=1.4.0, <1.5.0`. A short tag such as `v1` fits only if all of 1.x does.
    pub versions: Option<String>,
    pub standing: RefStanding,
    pub why: String,
    pub source: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefStanding {
    Bad,
    Cleared,
    Unknown,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    pub standing: RefStanding,
    pub why: String,
    pub source: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BadCommit {
    /// All 40 hex digits.
    pub commit: String,
    pub source: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BadDigest {
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    pub source: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    #[serde(rename = "ref")]
    pub reference: String,
    /// All 40 hex digits.
    pub commit: String,
    pub from: Option<Bound>,
    pub to: Option<Bound>,
    pub source: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Resolves {
    /// Id of the component of this pack that it leads to.
    pub component: String,
    /// Half a sentence: `fetches https://… at run time`.
    pub how: String,
    pub source: String,
}

/// A condition that the payload tested, or that it needed.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    pub needs: Needs,
    pub effect: Effect,
    pub why: String,
    pub source: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Needs {
    /// The repository belongs to one of these.
    Owner(Vec<String>),
    /// The runner is one of these.
    Os(Vec<OsName>),
    /// The platform's own runner.
    Hosted(bool),
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OsName {
    Linux,
    Macos,
    Windows,
}

impl OsName {
    pub(super) fn is(self, os: Os) -> bool {
        matches!(
            (self, os),
            (Self::Linux, Os::Linux) | (Self::Macos, Os::Macos) | (Self::Windows, Os::Windows)
        )
    }
}

/// What it means that a guard's need is not met.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The payload did not start: no exposure.
    NotRun,
    /// The bad code ran, and its payload could take nothing.
    TookNothing,
    /// The bad code ran; whether its payload could take anything is open.
    InDoubt,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NotAffected {
    pub kind: Kind,
    pub names: Vec<String>,
    pub why: String,
    pub source: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    #[serde(rename = "type")]
    pub kind: IndicatorKind,
    pub value: String,
    pub note: Option<String>,
    pub source: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndicatorKind {
    Ip,
    Domain,
    Url,
    /// A file's content.
    Sha256,
    /// An image manifest or index.
    OciDigest,
    GitCommit,
    /// Text in a job's log.
    LogString,
    FilePath,
    RepositoryName,
    Account,
    BranchName,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    pub id: String,
    /// What has to be true.
    pub condition: String,
    pub source: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Guidance {
    pub text: String,
    pub source: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RotationStep {
    pub what: String,
    pub why: String,
    pub source: String,
}

fn yes() -> bool {
    true
}
