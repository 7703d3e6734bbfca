//! Steps: scripts here, actions in `using`.

use std::sync::Arc;

use super::{
    bindings::literal_flow,
    context::Context,
    job::{JobReader, step_nodes},
    names::Names,
    value::Value,
};
use crate::ci::{
    literal,
    model::{Binding, EnvView, Flow, Gap, Hides, Install, Mention, Place, Step, Way},
    normalise,
    shell::{ScriptInput, Shell},
    yaml::{Node, Scalar},
};

/// Steps that one job may expand to.
const MAX_STEPS: usize = 20_000;

/// Keys of steps that run nothing themselves.
const CONTROL: [&str; 4] = ["wait", "wait-all", "cancel", "parallel"];

/// Parts of a step that are read by a rule of their own.
const READ_APART: [&str; 6] = ["env", "if", "with", "run", "uses", "parallel"];

/// One step while it is read.
pub(super) struct Current<'n> {
    pub(super) node: &'n Node,
    pub(super) index: usize,
    pub(super) id: Option<String>,
    pub(super) env: Names,
    /// What the steps of a composite action get from around them.
    pub(super) inner_env: Names,
    pub(super) via: &'n [Place],
    /// A condition decides whether it runs.
    pub(super) conditional: bool,
}

impl Current<'_> {
    /// As the step is called in names of minted tokens.
    pub(super) fn label(&self) -> String {
        self.id.clone().unwrap_or_else(|| format!("#{}", self.index + 1))
    }
}

impl JobReader<'_> {
    /// `outer`: the environment that calling steps give to a composite action.
    pub(super) fn read_steps(
        &mut self,
        nodes: &[Arc<Node>],
        cx: &mut Context,
        outer: &Names,
        via: &[Place],
    ) {
        for node in nodes {
            if self.steps.len() >= MAX_STEPS {
                self.gaps.push(Gap {
                    place: cx.place(node.line),
                    reason: format!("steps after the first {MAX_STEPS} of a job are not read"),
                    hides: Hides::Anything,
                });
                return;
            }
            // The steps of a group run side by side: each may see what another exports.
            if let Some(group) = node.get("parallel") {
                let group = group.get("steps").unwrap_or(group);
                self.read_steps(&step_nodes(group), cx, outer, via);
            } else if !self.read_step(node, cx, outer, via) {
                return;
            }
        }
    }

    /// `false`: the file expands to more than is read.
    fn read_step(&mut self, node: &Node, cx: &mut Context, outer: &Names, via: &[Place]) -> bool {
        cx.env = self.env_so_far(outer);
        if !cx.budget.spend(1 + cx.env.len() + self.files_left.len()) {
            return false;
        }
        let own_env = match node.get("env") {
            Some(env) => self.read_bindings(env, cx, Way::Env),
            None => Names::default(),
        };
        cx.env.extend(&own_env);
        self.condition(node, cx);
        self.read_rest(node, &READ_APART, cx);
        let mut inner_env = outer.clone();
        inner_env.extend(&own_env);
        let text = |key: &str| node.get(key).and_then(|n| n.text()).map(str::to_owned);
        let current = Current {
            node,
            index: self.steps.len(),
            id: text("id"),
            env: cx.env.clone(),
            inner_env,
            via,
            conditional: cx.conditional || node.get("if").is_some(),
        };
        self.steps.push(Step {
            index: current.index,
            id: current.id.clone(),
            name: text("name"),
            place: cx.place(node.line),
            via: via.to_vec(),
            condition: text("if"),
            env: current.env.secret_bindings(),
            files: self.files_left.clone(),
            mentions: Vec::new(),
            installs: Vec::new(),
        });
        self.run_or_use(&current, cx);
        true
    }

    /// GitHub refuses a step with both; each is read, so that nothing is missed.
    fn run_or_use(&mut self, current: &Current<'_>, cx: &mut Context) {
        let node = current.node;
        for uses in node.entries().iter().filter(|entry| &*entry.key.text == "uses") {
            self.use_step(&uses.value, current, cx);
        }
        for run in node.entries().iter().filter(|entry| &*entry.key.text == "run") {
            match run.value.scalar() {
                Some(script) => self.script_step(script, current, cx),
                None => {
                    self.sent.extend(cx.evaluate_all(&run.value, Way::Script).sent);
                    self.odd_step(run.key_line, "`run` is not a text", cx);
                }
            }
        }
        let runs = |key: &&str| node.entry(key).is_some();
        if !["uses", "run"].iter().chain(&CONTROL).any(runs) {
            self.odd_step(node.line, "this step has neither `run` nor `uses`", cx);
        }
    }

    fn odd_step(&mut self, line: u32, reason: &str, cx: &Context) {
        let (place, reason) = (cx.place(line), reason.to_owned());
        self.gaps.push(Gap { place, reason, hides: Hides::Nothing });
    }

    fn script_step(&mut self, script: &Scalar, current: &Current<'_>, cx: &mut Context) {
        let (placeholders, sent) = cx.placeholders(script);
        self.sent.extend(sent);
        let mut shells: Vec<(Shell, Option<String>)> = Vec::new();
        let settings = self.setting("shell", current, cx);
        for setting in settings.iter().map(|text| Some(&**text)).chain(
            // Not set, or not known: the runner's own.
            settings.is_empty().then_some(None),
        ) {
            let shell = Shell::from_setting(setting, self.runner.os);
            if !shells.contains(&shell) {
                shells.push(shell);
            }
        }
        let workdir = self.setting("working-directory", current, cx);
        let workdir = workdir.first().map(|dir| normalise("", dir).unwrap_or_default());
        for (shell, template) in shells {
            let outcome = self.session.run(&ScriptInput {
                file: &cx.file,
                text: &script.text,
                lines: &script.lines,
                shell,
                template: template.as_deref(),
                env: &shell_env(&current.env, cx.action_path.as_ref()),
                placeholders: &placeholders,
                workdir: workdir.as_deref().unwrap_or_default(),
            });
            self.add_mentions(outcome.mentions, current, cx);
            self.add_installs(outcome.installs, current, cx);
            for mut binding in outcome.env_for_later_steps {
                written_out(&mut binding, &self.steps[current.index].place);
                self.sent.extend(binding.flows.iter().cloned());
                let (name, value) = of_script(binding);
                self.export(&name, value.weakened(cx.certainty), current.conditional);
            }
            if let Some(id) = &current.id {
                for binding in outcome.outputs {
                    let (name, value) = of_script(binding);
                    cx.outputs.insert((id.to_ascii_lowercase(), name.to_ascii_lowercase()), value);
                }
            }
            self.gaps.extend(outcome.gaps);
        }
    }

    /// A matrix over several shells reads one script several times.
    pub(super) fn add_mentions(
        &mut self,
        mentions: Vec<Mention>,
        current: &Current<'_>,
        cx: &Context,
    ) {
        let step = &mut self.steps[current.index];
        for mut mention in mentions {
            mention.via = current.via.iter().cloned().chain(mention.via).collect();
            mention.certainty = mention.certainty.max(cx.certainty);
            let same = |other: &Mention| {
                other.component == mention.component
                    && other.place == mention.place
                    && other.runs == mention.runs
            };
            let from_other_shell = step.mentions.iter().any(same);
            if !from_other_shell {
                let (EnvView::Inherits { plus: own } | EnvView::Only { passed: own }) =
                    &mut mention.env;
                let written =
                    own.iter_mut().filter_map(|binding| written_out(binding, &mention.place));
                self.sent.extend(written);
                step.mentions.push(mention);
            }
        }
    }

    pub(super) fn add_installs(
        &mut self,
        installs: Vec<Install>,
        current: &Current<'_>,
        cx: &Context,
    ) {
        let step = &mut self.steps[current.index];
        for mut install in installs {
            install.via = current.via.iter().cloned().chain(install.via).collect();
            install.certainty = install.certainty.max(cx.certainty);
            // A matrix over several shells reads one script several times.
            let same = |other: &Install| {
                other.place == install.place
                    && other.folder == install.folder
                    && other.named == install.named
                    && other.files == install.files
            };
            if !step.installs.iter().any(same) {
                step.installs.push(install);
            }
        }
    }

    /// `shell` or `working-directory`: of the step, else from `defaults.run`, which do not reach into
    /// actions.
    fn setting(&self, key: &str, current: &Current<'_>, cx: &Context) -> Vec<Arc<str>> {
        let of_step = current.node.get(key);
        let of_defaults = || {
            let mut defaults = self.defaults.iter().filter(|_| !cx.in_action());
            defaults.find_map(|defaults| defaults.get(key))
        };
        let setting = of_step.or_else(of_defaults).and_then(|node| node.scalar());
        setting.map(|text| cx.evaluate(text, Way::Other).value.values).unwrap_or_default()
    }
}

/// A credential that the script itself writes out into a variable.
fn written_out(binding: &mut Binding, place: &Place) -> Option<Flow> {
    let text = binding.literal.as_deref()?;
    if !binding.flows.is_empty() || !literal::is_credential(&binding.name, text) {
        return None;
    }
    let flow = literal_flow(&binding.name, place.clone(), Way::Env);
    binding.flows.push(flow.clone());
    Some(flow)
}

fn of_script(binding: Binding) -> (String, Value) {
    let values = binding.literal.into_iter().collect();
    (binding.name, Value { flows: binding.flows, values, partial: false })
}

/// As the shell engine takes it.
fn shell_env(env: &Names, action_path: Option<&Arc<str>>) -> Vec<Binding> {
    let mut bindings = env.bindings();
    // The checkout's top is the workspace; paths below it are read through `Files`.
    bindings.push(Value::literal(".").bind("GITHUB_WORKSPACE"));
    if let Some(path) = action_path {
        bindings.push(Value::literal(Arc::clone(path)).bind("GITHUB_ACTION_PATH"));
    }
    bindings
}
