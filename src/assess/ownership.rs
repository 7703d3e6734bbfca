//! Who is responsible for a placement: owners of its consumer, and what in git writes it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Confidence;

/// Somebody to ask, and what says so.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Owner {
    /// `@user`, `@org/team`, a mail address, or `Name <mail>` as the commit has it.
    pub who: String,
    pub how: OwnerSource,
    /// The file of code owners; of an author, the file that first named the placement.
    pub file: String,
    pub line: u32,
    /// Short id of the commit that first named the placement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub date: Option<Timestamp>,
}

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerSource {
    /// `CODEOWNERS` of the file that uses it, as it stands now.
    Codeowners,
    /// The author of the line that first named it there.
    GitAuthor,
}

/// A definition in git that writes a placement, or makes or holds the value in it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ManagedBy {
    pub tool: Tool,
    /// `github_actions_secret.npm`, `SealedSecret/name`, …
    pub resource: String,
    pub file: String,
    pub line: u32,
    /// The checkout it is in, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    pub certainty: Confidence,
    /// Why it is no more than possible, or what else is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    Terraform,
    Pulumi,
    Sops,
    SealedSecrets,
    ExternalSecrets,
}
