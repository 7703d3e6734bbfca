//! What each rule of the reachability model says, in one sentence for the reader of a report.

/// One rule that a verdict may rest on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rule {
    pub id: &'static str,
    pub text: &'static str,
    pub basis: Basis,
}

/// How the rule is known. What is only inferred supports no more than *possible*.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Basis {
    Documented,
    Source,
    Inferred,
}

impl Basis {
    pub fn label(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Source => "read in the tool's source",
            Self::Inferred => "inferred",
        }
    }
}

/// The rule with this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// All rules, in the order of their ids.
pub const RULES: &[Rule] = &[
    documented(
        "G1",
        "a secret of an environment hides one of the same name in the repository, and that one \
         hides the organisation's; of more than 100 organisation secrets a repository may use \
         only the first 100 by name",
    ),
    inferred(
        "G2",
        "an organisation chooses which repositories see a secret; on the free plan private \
         repositories see none of its secrets",
    ),
    documented(
        "G3",
        "secrets of an environment go only to a job that names it, and only after its protection \
         rules have passed",
    ),
    documented(
        "G4",
        "a called workflow gets the secrets that its caller maps by name, or all of them with \
         `secrets: inherit`, one call deep; environment secrets are not handed on",
    ),
    documented(
        "G5",
        "a pull request from a fork gets no secrets, except through `pull_request_target`, \
         `workflow_run`, `issue_comment` and their like, which run with them",
    ),
    documented(
        "G6",
        "a run that Dependabot started gets the Dependabot secrets, not the Actions secrets, and \
         a token that can only read",
    ),
    documented("G7", "a re-run keeps the actor, commit and ref of the first run"),
    documented(
        "G8",
        "repository and organisation secrets are read when the run is queued, environment secrets \
         when the job starts: that decides which version of a value was exposed",
    ),
    documented(
        "G9",
        "the runner receives the secrets that the job or its workflow names; a compromised step \
         can harvest those, but not secrets that nothing names",
    ),
    documented(
        "G10",
        "a job that uses the whole `secrets` context (`toJSON(secrets)`, `secrets[…]`) is sent \
         every secret it is eligible for",
    ),
    documented(
        "G11",
        "every job receives `GITHUB_TOKEN`; what it may do follows from the settings, then the \
         workflow's, then the job's `permissions`",
    ),
    documented(
        "G12",
        "a step's process sees the environment of the workflow, the job and the step, what earlier \
         steps wrote to `GITHUB_ENV`, and an action its inputs as well",
    ),
    documented(
        "G13",
        "a secret written into `run:` by an expression lies in a script file on disk while the \
         step runs",
    ),
    documented(
        "G14",
        "`actions/checkout` leaves its token in a file of the runner unless it is given \
         `persist-credentials: false`",
    ),
    inferred(
        "G15",
        "actions that log in leave credentials behind, in files or in the environment, for every \
         later step of the job",
    ),
    documented(
        "G16",
        "processes of the same user can read each other's environment, and background processes \
         and post phases outlive their step: the order of steps protects nothing",
    ),
    source(
        "G17",
        "a step can change what later steps run, through `GITHUB_ENV`, `GITHUB_PATH` or the \
         workspace, and so take what they are given",
    ),
    documented(
        "G18",
        "on hosted Linux and macOS runners a step becomes root without a password and can read the \
         runner's memory, which holds every secret sent to the job",
    ),
    source(
        "G19",
        "the runtime token reaches every action's step and allows it to write caches and artifacts",
    ),
    documented(
        "G20",
        "with `id-token: write` every step can mint an identity token; a cloud role is reached only \
         if its trust policy accepts that token",
    ),
    documented(
        "G21",
        "other jobs of the run are reached only through artifacts, caches, outputs or a shared \
         runner",
    ),
    documented(
        "G22",
        "on a self-hosted runner that is kept, code may stay and see every later job until the \
         machine is made anew",
    ),
    documented(
        "G23",
        "whoever can push a branch to a repository can read all its secrets by way of a workflow \
         of their own",
    ),
    inferred(
        "G24",
        "`GITHUB_TOKEN` cannot change workflows, but with write access to contents and actions it \
         can change a script that a dispatched workflow runs",
    ),
    inferred(
        "G25",
        "a cloud role reaches the entries of secret managers and CI stores that it may read",
    ),
    documented(
        "G26",
        "`docker run`, compose, `ssh`, `env -i` and `sudo` without `-E` hand on only the \
         environment that they are told to",
    ),
];

const fn documented(id: &'static str, text: &'static str) -> Rule {
    Rule { id, text, basis: Basis::Documented }
}

const fn source(id: &'static str, text: &'static str) -> Rule {
    Rule { id, text, basis: Basis::Source }
}

const fn inferred(id: &'static str, text: &'static str) -> Rule {
    Rule { id, text, basis: Basis::Inferred }
}

#[cfg(test)]
mod tests {
    use super::{RULES, rule};

    #[test]
    fn ids_are_unique_and_every_text_is_one_plain_sentence() {
        for (index, entry) in RULES.iter().enumerate() {
            assert_eq!(rule(entry.id), Some(&RULES[index]), "{} stands twice", entry.id);
            assert!(!entry.text.contains("  ") && !entry.text.ends_with('.'), "{}", entry.id);
        }
    }

    #[test]
    fn the_github_rules_the_model_speaks_of_are_there() {
        // G24 and G25 are the last of the closure; G26 was added after them.
        for number in 1..=26 {
            assert!(rule(&format!("G{number}")).is_some(), "G{number}");
        }
        assert_eq!(rule("G0"), None);
    }
}
