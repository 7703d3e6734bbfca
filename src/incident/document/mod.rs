//! A pack as it is written: the TOML of `packs/*.toml`, field by field.
//!
//! Nothing here interprets. [`super::lint`] judges a document, [`super::Pack`] is a judged one with its
//! windows as instants. Unknown keys are refused: a misspelt `guards` must not silently widen a verdict.

mod component;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use component::*;

use crate::ci::model::Kind;

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
    WorkflowName,
    CommitMessage,
    RunnerName,
    /// Of the Actions cache.
    CacheKey,
    /// SHA-1 of an npm tarball.
    NpmShasum,
    /// Of a package, `ecosystem:name@version`.
    PackageVersion,
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
