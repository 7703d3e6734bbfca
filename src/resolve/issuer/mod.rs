//! Of which issuer a secret is, told by its use: the inputs of actions, the variables and command lines of
//! tools, hosts in commands, and, the weakest sign, its name. The knowledge is data: the tables beside this file.

mod clue;
mod collect;
mod command;
mod judge;
mod pair;
mod table;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use clue::Clues;
pub use judge::Identified;

/// A value that the job made or was given, and that dies with it.
pub const SESSION: &str = "session-token";
/// The job's own token of GitHub.
pub const JOB_TOKEN: &str = "github-job-token";
/// It names something and opens nothing.
pub const IDENTIFIER: &str = "identifier";
pub const UNKNOWN: &str = "unknown";

/// Who made a credential, as far as its use tells.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Issuer {
    /// `aws-access-key`, `github-token`, `npm-token`, …; `identifier`: it opens nothing; `unknown`.
    pub kind: String,
    /// Which part of the credential: `password`, `access-key-id`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub confidence: IssuerConfidence,
    /// Registry, user, region, organisation, where plain text says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Other kinds that its use speaks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Scopes in which the name is used: `repo`, `environment:NAME`, …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<IssuerEvidence>,
}

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum IssuerConfidence {
    Unknown,
    /// By its name, or by uses that disagree.
    Possible,
    Likely,
    /// An action's own input, or a tool's own variable in a step that runs the tool.
    Certain,
}

/// One sign of what a secret is.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct IssuerEvidence {
    pub how: Sign,
    pub kind: String,
    pub file: String,
    pub line: u32,
    /// The row of the table: `action:docker/login-action#password`, `variable:NPM_TOKEN`, `host:ghcr.io`, …
    pub row: String,
}

/// Ordered by weight.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// The name of the secret itself.
    Name,
    /// The name of a variable or input it is given to, by convention only.
    VariableName,
    /// A variable that a tool documents, with no sight of the tool.
    Variable,
    /// A command line, or a host in one.
    Command,
    /// The format of a literal value.
    Format,
    /// A tool's documented variable in a step that runs the tool or an action that reads it.
    VariableOfTool,
    ActionInput,
    /// The platform makes it.
    Platform,
}

/// A part of a credential that has several: an id and its secret, a user's name and a password.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct CredentialPart {
    /// The same for all parts of one credential.
    pub id: String,
    /// Names of the placements that hold its other parts.
    pub with: Vec<String>,
}
