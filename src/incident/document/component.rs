//! A component of a pack: names, windows, refs, guards.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ci::model::{Kind, Os},
    incident::Capability,
};

/// One thing that was bad for a time. Two phases with different guards are two components.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub id: String,
    pub kind: Kind,
    /// `owner/repo[/path]`, URL, image, package (`ecosystem:name`), vendor: see `docs/packs.md`.
    #[serde(default)]
    pub names: Vec<String>,
    /// Bad releases of packages, `ecosystem:name@version` each. Every other version of theirs is clear.
    #[serde(default)]
    pub packages: Vec<String>,
    pub mode: Mode,
    pub source: String,
    /// What the known payload could read. Empty: that of the component it resolves to.
    #[serde(default)]
    pub payload: Vec<Capability>,
    /// Empty: those of the component it resolves to.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// Absent: that of the component it resolves to.
    pub exfiltration: Option<Exfiltration>,
    /// What each ref meant in the window; the first rule that fits counts.
    #[serde(default)]
    pub refs: Vec<RefRule>,
    /// For a ref that no rule fits. Absent: `unknown` where there are rules, else `bad`.
    pub other_refs: Option<Fallback>,
    /// For a full commit id that is neither bad nor known by `identities`, or an image's digest that is not
    /// bad. Absent: `cleared`, the content is fixed.
    pub other_commits: Option<Fallback>,
    #[serde(default)]
    pub bad_commits: Vec<BadCommit>,
    #[serde(default)]
    pub bad_digests: Vec<BadDigest>,
    /// Which commit a ref named, and when. Pinned to one that is not bad, the component is clear.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// What it fetches or calls at run time, whatever its own pin.
    #[serde(default)]
    pub resolves: Vec<Resolves>,
    /// Conditions without which the payload did nothing, or less. Empty: those of the component it
    /// resolves to.
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
    /// Why there is no bound at all: all times count until somebody finds one.
    pub not_known: Option<String>,
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
    /// The repository can be read by anybody (`true`), or by members only.
    Public(bool),
    /// The package was installed with its install scripts switched on.
    InstallScripts(bool),
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OsName {
    Linux,
    Macos,
    Windows,
}

impl OsName {
    pub(in crate::incident) fn is(self, os: Os) -> bool {
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

fn yes() -> bool {
    true
}
