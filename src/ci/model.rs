//! The one pipeline model. A front end per dialect lowers into it; nothing behind it knows a dialect.
//!
//! What calls something else (a reusable workflow, a composite action, a script of the repository) is
//! *inlined* by the front end: the inner step stands in the job that runs it, with the names of the
//! caller's secrets, and `via` lists the calls that led there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One file of one CI system, lowered.
#[derive(Clone, Debug)]
pub struct Pipeline {
    pub platform: Platform,
    /// Relative to the checkout, with `/`.
    pub file: Arc<str>,
    pub name: Option<String>,
    pub role: Role,
    pub triggers: Vec<Trigger>,
    pub jobs: Vec<Job>,
    /// Why the platform may not have run this file at all; everything in it is then *possible*.
    pub doubts: Vec<Doubt>,
    /// What could not be read in this file or in what it calls.
    pub gaps: Vec<Gap>,
}

#[derive(
    Clone,
    Copy,
    Debug,
    Deserialize,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    Github,
    Gitlab,
    Circleci,
    Travis,
    Jenkins,
    Azure,
}

/// Whether the platform runs the file for this repository, or only for those who call it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    Runs,
    /// An `action.yml` or a reusable workflow that is there for other repositories: its secrets are
    /// those of the consumer, named `inputs.X` or `secrets.X`.
    Offered,
    /// A lock file: what it lists runs where something installs it.
    Locked,
}

/// What starts a pipeline, as far as it decides which secrets it gets (rules G5, G6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trigger {
    /// The platform's own word: `push`, `pull_request_target`, `schedule`, …
    pub event: String,
    pub secrets: TriggerSecrets,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TriggerSecrets {
    /// The run gets what its jobs name.
    Full,
    /// From a branch of the repository yes; from a fork, or from Dependabot, no (G5, G6).
    TrustedOnly,
    /// Runs with secrets although an outsider may start it (G5).
    FullForOutsiders,
}

/// A reason why the platform refuses the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Doubt {
    pub reason: String,
    /// From this day on (`YYYY-MM-DD`) the platform accepts it; `None`: it never does.
    pub until: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub id: String,
    pub name: Option<String>,
    pub needs: Vec<String>,
    /// Where the job is written.
    pub place: Place,
    /// Calls that led into the file that holds this job, outermost first.
    pub via: Vec<Place>,
    pub condition: Option<String>,
    pub environment: Option<Environment>,
    pub permissions: Permissions,
    pub runner: Runner,
    /// Everything the platform hands to this job, wherever in the job it is named (rules G9–G11, L1, C1).
    pub sent: Vec<Flow>,
    /// Images of the job itself: `container`, `services`.
    pub mentions: Vec<Mention>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct Step {
    /// Position in the job after inlining.
    pub index: usize,
    pub id: Option<String>,
    pub name: Option<String>,
    pub place: Place,
    /// Calls that led to this step, outermost first.
    pub via: Vec<Place>,
    pub condition: Option<String>,
    /// What of the environment of this step's process carries secrets: pipeline ∪ job ∪ step ∪ what
    /// earlier steps left (G12, G15).
    pub env: Vec<Binding>,
    /// Files with credentials that lie readable while this step runs (G13–G15).
    pub files: Vec<Flow>,
    /// Third-party code of this step: the component of `uses:`, or what its script fetches.
    pub mentions: Vec<Mention>,
    /// Packages that its commands install, as far as they are asked about (see `ci::lock`).
    pub installs: Vec<Install>,
}

/// A command that installs packages.
#[derive(Clone, Debug)]
pub struct Install {
    pub manager: Manager,
    /// The folder of the checkout in which it looks for its manifest; `None`: it cannot be told.
    pub folder: Option<Arc<str>>,
    /// It installs what manifest and lock file of that folder say.
    pub project: bool,
    /// Requirement files that it names, relative to the checkout.
    pub files: Vec<Arc<str>>,
    /// Packages that the command itself names, as written.
    pub named: Vec<Arc<str>>,
    /// Those are mentions of their step already.
    pub mentioned: bool,
    /// `false`: it takes newer versions than a lock file holds, or looks at none.
    pub locked: bool,
    /// Nothing is installed but what is named: `pip --no-deps`, `--require-hashes`.
    pub closed: bool,
    /// Whether packages may run code while they are installed; `None` where that cannot be told.
    pub install_scripts: Option<bool>,
    pub place: Place,
    pub via: Vec<Place>,
    pub env: EnvView,
    pub certainty: Certainty,
    /// Packages that are asked about, with what is known of their versions; each is a mention too.
    pub found: Vec<Installed>,
}

/// A package that an [`Install`] takes.
#[derive(Clone, Debug)]
pub struct Installed {
    pub component: Component,
    /// In the lock file, else in the manifest, else the command.
    pub place: Place,
    /// Half a sentence: `package-lock.json holds 1.14.1`.
    pub how: String,
}

/// A package manager.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Manager {
    Npm,
    Yarn,
    Pnpm,
    Bun,
    Pip,
    Uv,
    Poetry,
    Pipenv,
    Pdm,
    Cargo,
    Go,
    Bundler,
    Composer,
}

impl Manager {
    /// As in the names of packages: `npm:axios`.
    pub fn ecosystem(self) -> &'static str {
        match self {
            Self::Npm | Self::Yarn | Self::Pnpm | Self::Bun => "npm",
            Self::Pip | Self::Uv | Self::Poetry | Self::Pipenv | Self::Pdm => "pypi",
            Self::Cargo => "cargo",
            Self::Go => "go",
            Self::Bundler => "rubygems",
            Self::Composer => "packagist",
        }
    }
}

/// A place in the step or job where third-party code is named.
#[derive(Clone, Debug)]
pub struct Mention {
    pub component: Component,
    /// The line of the component's own mention: the `uses:` value, the command that runs what was fetched.
    pub place: Place,
    /// Calls and the fetch that lead there, outermost first.
    pub via: Vec<Place>,
    /// `false`: fetched, and nothing was found that runs it.
    pub runs: bool,
    pub env: EnvView,
    /// Inputs of an action: in its environment as `INPUT_*`.
    pub inputs: Vec<Binding>,
    /// Secrets in the argument list of the process that runs it, or on its standard input.
    pub arguments: Vec<Flow>,
    pub certainty: Certainty,
}

/// What the process of a [`Mention`] sees of its step's environment.
#[derive(Clone, Debug)]
pub enum EnvView {
    /// All of it, and what the script itself exported before.
    Inherits { plus: Vec<Binding> },
    /// Cut by `docker run`, `ssh`, `env -i` …: only what was passed (rule G26).
    Only { passed: Vec<Binding> },
}

#[derive(
    Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, schemars::JsonSchema,
)]
pub struct Component {
    pub kind: Kind,
    /// `owner/repo[/path]` of an action, a URL, an image without tag, a package name.
    pub name: String,
    /// Tag, branch, commit, version or digest as written; `None` where the mention has none.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    pub pinned: Pinned,
    pub verified: Verified,
}

#[derive(
    Clone,
    Copy,
    Debug,
    Deserialize,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    ScriptUrl,
    Action,
    Workflow,
    Orb,
    Image,
    Package,
    Binary,
    ReleaseAsset,
    Repository,
    Include,
    Plugin,
    Extension,
    /// The CI vendor itself; its name is that of the CI system.
    Vendor,
    /// A workflow file that an attacker pushed into the repository; its name is the file's path.
    InjectedWorkflow,
}

#[derive(
    Clone,
    Copy,
    Debug,
    Deserialize,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Pinned {
    No,
    Branch,
    Tag,
    Version,
    /// A full commit id: the content is fixed.
    Sha,
    /// A content digest: the content is fixed.
    Digest,
    /// The code lies in the repository itself.
    Vendored,
}

#[derive(
    Clone,
    Copy,
    Debug,
    Deserialize,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    No,
    /// A digest written in the repository was compared and a mismatch stops the run.
    Checksum,
    Signature,
    Attestation,
}

/// A named value that reaches a process: an environment variable or an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    pub name: String,
    /// Secrets that are part of the value.
    pub flows: Vec<Flow>,
    /// The value where it is plain text without any expression. Never shown: it may be a credential.
    pub literal: Option<Arc<str>>,
}

/// One secret on its way into a job.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Flow {
    pub secret: Secret,
    pub way: Way,
    /// Where the file names it.
    pub place: Place,
    pub certainty: Certainty,
}

/// A reference to a placement.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Secret {
    pub scope: Scope,
    /// `*` is every secret the scope holds: `toJSON(secrets)`, `secrets[expr]`, project settings.
    pub name: Arc<str>,
}

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    Repo,
    Org,
    Environment(Arc<str>),
    /// Made for the job and dead with it: `GITHUB_TOKEN`, minted tokens.
    Job,
    Context(Arc<str>),
    Project,
    /// A value written in the file itself; the name is the variable's.
    Literal,
    /// The files do not tell; these are the scopes it may be in.
    Unknown(Vec<Arc<str>>),
}

/// How a secret is named.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Way {
    Env,
    Input,
    Script,
    WholeContext,
    Inherited,
    /// No name needed: the platform gives it to every job (`GITHUB_TOKEN`, project variables).
    Implicit,
    /// Left behind by an earlier action that authenticated somewhere (rule G15).
    Residue,
    /// Conditions, outputs, container credentials.
    Other,
}

/// How sure the chain up to here is. Ordered: `a.max(b)` is the weaker of two links.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Certainty {
    Inferred,
    Possible,
}

#[derive(
    Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize, schemars::JsonSchema,
)]
pub struct Place {
    pub file: Arc<str>,
    /// 1-based.
    pub line: u32,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Environment {
    pub name: Option<Arc<str>>,
    /// Names an expression may take, `*` among them where it may take others; empty where `name` is known.
    pub candidates: Vec<Arc<str>>,
}

/// What the job's own token may do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Permissions {
    /// No `permissions:` anywhere: the default of the repository's settings.
    #[default]
    RepositoryDefault,
    ReadAll,
    WriteAll,
    /// `scope → access`, everything else none.
    Listed(Vec<(String, String)>),
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Runner {
    pub labels: Vec<String>,
    pub os: Os,
    /// `None`: an expression or a group decides.
    pub self_hosted: Option<bool>,
    pub in_container: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Os {
    Linux,
    Macos,
    Windows,
    #[default]
    Unknown,
}

/// Something that was there and could not be read.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Gap {
    pub place: Place,
    pub reason: String,
    pub hides: Hides,
}

/// What a gap could keep from sight; decides whether it matters to a verdict.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Hides {
    /// Any component and any secret.
    Anything,
    /// Only code behind this text: an incident matters if the text could name one of its components.
    Text(Arc<str>),
    /// A component of this kind: the name of an image or action that only an expression knows.
    Kind(Kind),
    /// Packages of this ecosystem, as in their names: `npm:axios`.
    Packages(&'static str),
    /// Secrets, but no component.
    Secrets,
    Nothing,
}
