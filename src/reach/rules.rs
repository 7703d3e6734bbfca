//! What each rule of the reachability model says, in one sentence for the reader of a report.

use crate::ci::model::Certainty;

/// One rule that a verdict may rest on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rule {
    pub id: &'static str,
    pub text: &'static str,
    pub basis: Basis,
    /// What has held since a day (`YYYY-MM-DD`), where the platform changed the rule.
    pub changes: &'static [(&'static str, &'static str)],
}

impl Rule {
    /// The form of the rule that held on a day: the text, and the last change before it.
    pub fn on(&self, day: &str) -> Option<&'static (&'static str, &'static str)> {
        self.changes.iter().rev().find(|(since, _)| *since <= day)
    }
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

/// What a chain over these rules can be at the most: a rule that is only inferred makes it *possible*.
pub fn support(ids: &[&str]) -> Certainty {
    let inferred = |id: &&&str| rule(id).is_none_or(|rule| rule.basis == Basis::Inferred);
    if ids.iter().any(|id| inferred(&id)) { Certainty::Possible } else { Certainty::Inferred }
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
        "`actions/checkout` leaves its token in a file of the runner (.git/config, from v6 on under \
         RUNNER_TEMP) unless it is given `persist-credentials: false`",
    ),
    documented(
        "G15",
        "actions that log in leave credentials behind, in files or in the environment, for every \
         later step of the job (each row of the table of such actions names its documentation)",
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
    documented(
        "V1",
        "who held a CI vendor's store held everything stored in it, used by a job or not, until it \
         was replaced",
    ),
];

/// Days on which GitHub changed a rule: <https://github.blog/changelog/>.
const G5: &[(&str, &str)] = &[(
    "2025-12-08",
    "since 2025-12-08 `pull_request_target` takes its file from the default branch",
)];
const G16: &[(&str, &str)] =
    &[("2026-06-25", "since 2026-06-25 steps of one job may run at the same time")];
const G21: &[(&str, &str)] = &[(
    "2026-06-26",
    "since 2026-06-26 runs that an outsider can start read the cache and do not write it",
)];

const fn changes_of(id: &str) -> &'static [(&'static str, &'static str)] {
    match id.as_bytes() {
        b"G5" => G5,
        b"G16" => G16,
        b"G21" => G21,
        _ => &[],
    }
}

const fn documented(id: &'static str, text: &'static str) -> Rule {
    Rule { id, text, basis: Basis::Documented, changes: changes_of(id) }
}

const fn source(id: &'static str, text: &'static str) -> Rule {
    Rule { id, text, basis: Basis::Source, changes: changes_of(id) }
}

const fn inferred(id: &'static str, text: &'static str) -> Rule {
    Rule { id, text, basis: Basis::Inferred, changes: changes_of(id) }
}

#[cfg(test)]
mod tests {
    use super::{Certainty, RULES, rule, support};

    #[test]
    fn ids_are_unique_and_every_text_is_one_plain_sentence() {
        for (index, entry) in RULES.iter().enumerate() {
            assert_eq!(rule(entry.id), Some(&RULES[index]), "{} stands twice", entry.id);
            assert!(!entry.text.contains("  ") && !entry.text.ends_with('.'), "{}", entry.id);
        }
    }

    #[test]
    fn a_rule_is_told_as_it_was_on_the_day() {
        let rule = rule("G16").expect("in the table");
        assert_eq!(rule.on("2025-03-14"), None);
        assert!(rule.on("2026-06-25").is_some_and(|(_, text)| text.contains("at the same time")));
    }

    #[test]
    fn what_is_inferred_supports_no_more_than_possible() {
        assert_eq!(support(&["G12"]), Certainty::Inferred);
        assert_eq!(support(&["G12", "G24"]), Certainty::Possible);
        assert_eq!(support(&["no such rule"]), Certainty::Possible);
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
