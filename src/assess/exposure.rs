//! The exposure report as data: schema `keysweep.exposure/1`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ManagedBy, Owner};
use crate::ci::model::{Component, Place, Platform};

pub const SCHEMA: &str = "keysweep.exposure/1";

/// What one incident means for the repositories that were read.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Report {
    pub schema: String,
    /// Id of the incident pack.
    pub incident: String,
    pub summary: Summary,
    pub exposures: Vec<Exposure>,
    pub sites: Vec<Site>,
    pub coverage: Vec<Coverage>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Summary {
    pub verdict: Verdict,
    /// Distinct placements in `exposures`, per repository.
    pub placements: usize,
}

/// Exposed if a site is; else unknown if a site is, or a coverage entry could hide one; else cleared if
/// there is a site; else not-found.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Exposed,
    Unknown,
    Cleared,
    NotFound,
}

/// One placement that one component could reach in one consumer.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Exposure {
    /// First 12 hex digits of a SHA-256 over what the line is about, without line, date or commit.
    pub id: String,
    pub repository: String,
    pub placement: Placement,
    pub verdict: ExposureVerdict,
    pub confidence: Confidence,
    pub reach: Reach,
    /// The weakest capability that suffices: K1 environment, K2 files, K3 processes, K5 runner memory.
    pub capability: String,
    pub carrier: Carrier,
    pub component: Component,
    /// `None` where no job is involved (a vendor's store).
    pub consumer: Option<Consumer>,
    /// Calls and fetches that lead to the consumer, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Place>,
    /// When this definition was in force.
    pub live: Vec<Live>,
    /// Where that meets the incident's window.
    pub overlap: Option<Span>,
    /// Rule ids of the reachability model.
    pub rules: Vec<String>,
    pub disposition: Disposition,
    pub why: String,
    /// Who owns the consumer, and who first named the placement there; empty where nobody is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// Why the author of the line that first named it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_unknown: Option<String>,
    /// What in git writes the placement, or makes its value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed_by: Vec<ManagedBy>,
}

#[derive(
    Clone, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub struct Placement {
    pub platform: Platform,
    /// `repo`, `org`, `environment:NAME`, `job`, `context:NAME`, `project`, `literal`, `unknown`.
    pub scope: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_context: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope_candidates: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExposureVerdict {
    Exposed,
}

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    Possible,
    Inferred,
    Confirmed,
}

/// Whether the known payload took it, or other code in the same place could have.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    Payload,
    AnyCode,
}

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    Env,
    Input,
    Script,
    Memory,
    File,
    Token,
    Store,
}

#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Consumer {
    /// Relative to the checkout, with `/`.
    pub file: String,
    pub line: u32,
    pub job: Option<String>,
    /// Name or id of the step, `#N` where it has neither.
    pub step: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Live {
    #[schemars(with = "Option<String>")]
    pub from: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub to: Option<Timestamp>,
    pub commit: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Span {
    #[schemars(with = "Option<String>")]
    pub from: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub to: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    Rotate,
    Retire,
    RevokeSession,
    AuditOnly,
    SigningKey,
    NotACredential,
    Decide,
}

/// A place where the component's bad content could have run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct Site {
    pub repository: String,
    pub component: Component,
    pub consumer: Option<Consumer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Place>,
    pub status: SiteStatus,
    pub reason: String,
    pub live: Vec<Live>,
}

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum SiteStatus {
    Exposed,
    Unknown,
    Cleared,
}

/// What was looked at, and what was not. Silence is never an answer.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Coverage {
    pub repository: String,
    /// `file:PATH[:LINE]`, `dialect:NAME`, `history:REF`, `settings:PLATFORM`, `pack:ID`.
    pub scope: String,
    pub state: CoverageState,
    pub reason: String,
    /// Whether it could hide something that changes this verdict.
    pub matters: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum CoverageState {
    Seen,
    NotApplicable,
    /// Not asked, e.g. a settings page without an account.
    Unseen,
    Denied,
    Failed,
    Expired,
}
