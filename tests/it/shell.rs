//! The shell: what fetches and runs, what only looks like it, and what a mention says about it.

mod details;
mod forms;
mod runners;

use std::sync::Arc;

use keysweep::ci::{
    MemoryFiles,
    model::{Binding, Certainty, Flow, Mention, Os, Place, Scope, Secret, Way},
    shell::{LineMap, Outcome, Placeholder, ScriptInput, Session, Shell},
};

const FILE: &str = ".github/workflows/ci.yml";

/// One step of a job: its `shell:`, its text, its environment.
#[derive(Clone, Default)]
struct Step<'a> {
    shell: Option<&'a str>,
    text: &'a str,
    env: Vec<Binding>,
    /// Values of a `${{ … }}` by its inner text.
    values: Vec<(&'a str, Vec<&'a str>)>,
    workdir: &'a str,
}

impl<'a> Step<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, ..Self::default() }
    }

    fn shell(mut self, shell: &'a str) -> Self {
        self.shell = Some(shell);
        self
    }

    fn plain(mut self, name: &str, value: &str) -> Self {
        let literal = Some(Arc::from(value));
        self.env.push(Binding { name: name.to_owned(), flows: Vec::new(), literal });
        self
    }

    fn secret(mut self, name: &str, secret: &str) -> Self {
        let flows = vec![flow(secret, Way::Env)];
        self.env.push(Binding { name: name.to_owned(), flows, literal: None });
        self
    }

    fn values(mut self, expression: &'a str, values: &[&'a str]) -> Self {
        self.values.push((expression, values.to_vec()));
        self
    }
}

fn flow(secret: &str, way: Way) -> Flow {
    Flow {
        secret: Secret { scope: Scope::Repo, name: Arc::from(secret) },
        way,
        place: Place { file: Arc::from(FILE), line: 1 },
        certainty: Certainty::Inferred,
    }
}

/// Every `${{ … }}` of a text; `secrets.X` in it is a flow.
fn placeholders(step: &Step<'_>) -> Vec<Placeholder> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = step.text[from..].find("${{").map(|at| at + from) {
        let Some(end) = step.text[start..].find("}}").map(|at| at + start + 2) else { break };
        let inner = step.text[start + 3..end - 2].trim();
        let flows = inner.strip_prefix("secrets.").map(|name| flow(name, Way::Script));
        let values = step.values.iter().find(|(expression, _)| *expression == inner);
        found.push(Placeholder {
            range: start..end,
            flows: flows.into_iter().collect(),
            values: values
                .map(|(_, values)| values.iter().map(|value| Arc::from(*value)).collect())
                .unwrap_or_default(),
        });
        from = end;
    }
    found
}

/// Runs a job; each step's text begins at line 10 of the file.
fn job(files: &MemoryFiles, steps: &[Step<'_>]) -> Vec<Outcome> {
    job_in(&mut Session::new(files), steps)
}

fn job_in(session: &mut Session<'_>, steps: &[Step<'_>]) -> Vec<Outcome> {
    let file: Arc<str> = Arc::from(FILE);
    steps
        .iter()
        .map(|step| {
            let (shell, template) = Shell::from_setting(step.shell, Os::Linux);
            session.run(&ScriptInput {
                file: &file,
                text: step.text,
                lines: &LineMap::plain(step.text, 10),
                shell,
                template: template.as_deref(),
                env: &step.env,
                placeholders: &placeholders(step),
                workdir: step.workdir,
            })
        })
        .collect()
}

fn script(text: &str) -> Outcome {
    one(Step::new(text))
}

fn one(step: Step<'_>) -> Outcome {
    job(&MemoryFiles::default(), &[step]).pop().expect("one step")
}

fn running(outcome: &Outcome) -> Vec<&Mention> {
    outcome.mentions.iter().filter(|mention| mention.runs).collect()
}

fn names(outcome: &Outcome) -> Vec<&str> {
    let mut names: Vec<&str> =
        running(outcome).iter().map(|mention| mention.component.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn secrets(flows: &[Flow]) -> Vec<&str> {
    flows.iter().map(|flow| flow.secret.name.as_ref()).collect()
}
