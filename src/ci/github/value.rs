//! What an expression can evaluate to: the secrets in it, and its literal values where the file tells.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{
    budget::Budget,
    expr::{self, Part, Reference},
    matrix::Matrix,
    names::Names,
};
use crate::ci::{
    model::{Binding, Certainty, Flow, Place, Scope, Secret, Way},
    shell::Placeholder,
    yaml::{Node, NodeKind, Scalar},
};

/// Literal alternatives kept for one value; more are *unknown*.
const MAX_VALUES: usize = 16;

/// Below this a walk is cheaper than a hash.
const FEW: usize = 12;

/// The content of a variable, an input, an output.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Value {
    pub(super) flows: Vec<Flow>,
    /// Texts it may be; empty where the file does not tell.
    pub(super) values: Vec<Arc<str>>,
    /// It may be other texts too.
    pub(super) partial: bool,
}

impl Value {
    pub(super) fn literal(text: impl Into<Arc<str>>) -> Self {
        Self { values: vec![text.into()], ..Self::default() }
    }

    pub(super) fn one(flow: Flow) -> Self {
        Self { flows: vec![flow], ..Self::default() }
    }

    pub(super) fn bind(self, name: impl Into<String>) -> Binding {
        let literal = if self.flows.is_empty() { self.only().cloned() } else { None };
        Binding { name: name.into(), flows: self.flows, literal }
    }

    /// No alternative yet: to be merged into.
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    /// It may be the other one too.
    pub(super) fn merge(&mut self, other: &Self) {
        self.add(other.flows.iter().cloned());
        self.merge_texts(other);
    }

    fn merge_texts(&mut self, other: &Self) {
        self.partial |= other.partial || other.values.is_empty();
        for text in &other.values {
            if !self.values.contains(text) {
                if self.values.len() == MAX_VALUES {
                    self.partial = true;
                    return;
                }
                self.values.push(Arc::clone(text));
            }
        }
    }

    /// More flows, without a look at those that are there: see [`Self::tidy`].
    pub(super) fn pile(&mut self, other: &Self) {
        self.flows.extend(other.flows.iter().cloned());
        self.merge_texts(other);
    }

    pub(super) fn tidy(&mut self) {
        self.flows = distinct(std::mem::take(&mut self.flows));
    }

    /// The weakest link of the way to here.
    pub(super) fn weakened(mut self, certainty: Certainty) -> Self {
        self.flows.iter_mut().for_each(|flow| flow.certainty = flow.certainty.max(certainty));
        self
    }

    /// The one text it is, where the files tell.
    pub(super) fn only(&self) -> Option<&Arc<str>> {
        match self.values.as_slice() {
            [only] if !self.partial => Some(only),
            _ => None,
        }
    }

    pub(super) fn add(&mut self, flows: impl IntoIterator<Item = Flow>) {
        if self.flows.len() <= FEW {
            for flow in flows {
                if self.flows.len() > FEW || !self.flows.contains(&flow) {
                    self.flows.push(flow);
                }
            }
        } else {
            self.flows.extend(flows);
        }
        if self.flows.len() > FEW {
            self.flows = distinct(std::mem::take(&mut self.flows));
        }
    }
}

/// Whose secrets a `secrets.X` names.
#[derive(Clone, Debug)]
pub(super) enum Secrets {
    /// Those of the repository that runs the pipeline.
    Own { scopes: Vec<Arc<str>> },
    /// What a caller mapped (rule G4); nothing else is visible.
    Mapped(Names),
    /// Those of an unknown caller: named `secrets.X`.
    Consumer,
    /// A composite action has no `secrets` context.
    None,
}

/// What can be named at one point of a file.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) file: Arc<str>,
    pub(super) env: Names,
    pub(super) inputs: Names,
    pub(super) secrets: Secrets,
    /// Scopes of the environment of a called workflow's job, beside what its caller mapped (G4).
    pub(super) environments: Vec<Arc<str>>,
    pub(super) matrix: Matrix,
    /// `(step, output)`, both lower case.
    pub(super) outputs: BTreeMap<(String, String), Value>,
    /// `github.action_path` of a composite action.
    pub(super) action_path: Option<Arc<str>>,
    /// The weakest link from the file's start to here.
    pub(super) certainty: Certainty,
    /// A condition decides whether what is read here runs.
    pub(super) conditional: bool,
    pub(super) budget: Budget,
}

/// The value of a scalar and every secret that had to be sent to evaluate it.
#[derive(Clone, Debug, Default)]
pub(super) struct Evaluated {
    pub(super) value: Value,
    pub(super) sent: Vec<Flow>,
}

impl Context {
    pub(super) fn new(file: &Arc<str>, secrets: Secrets, budget: &Budget) -> Self {
        Self {
            file: Arc::clone(file),
            env: Names::default(),
            inputs: Names::default(),
            secrets,
            environments: Vec::new(),
            matrix: Matrix::default(),
            outputs: BTreeMap::new(),
            action_path: None,
            certainty: Certainty::Inferred,
            conditional: false,
            budget: budget.clone(),
        }
    }

    /// Inside a composite action: `defaults` and secrets of the workflow do not reach into it.
    pub(super) fn in_action(&self) -> bool {
        matches!(self.secrets, Secrets::None)
    }

    pub(super) fn place(&self, line: u32) -> Place {
        Place { file: Arc::clone(&self.file), line }
    }

    /// Evaluates a scalar that is a template: text with `${{ … }}` in it.
    pub(super) fn evaluate(&self, scalar: &Scalar, way: Way) -> Evaluated {
        let mut out = Evaluated::default();
        if !scalar.text.contains("${{") {
            return Evaluated { value: Value::literal(&*scalar.text), sent: Vec::new() };
        }
        let mut texts = vec![String::new()];
        let mut known = true;
        for part in expr::split(&scalar.text) {
            let alternatives = match part {
                Part::Text(range) => vec![Arc::from(&scalar.text[range])],
                Part::Expression { range, body } | Part::Unterminated { range, body } => {
                    let line = scalar.lines.line_at(range.start);
                    let part = self.expression(&scalar.text[body], line, way);
                    out.value.add(part.value.flows);
                    out.value.partial |= part.value.partial;
                    out.sent.extend(part.sent);
                    part.value.values
                }
            };
            known &= !alternatives.is_empty() && texts.len() * alternatives.len() <= MAX_VALUES;
            if known {
                texts = texts
                    .iter()
                    .flat_map(|head| alternatives.iter().map(move |tail| format!("{head}{tail}")))
                    .collect();
            }
        }
        if known {
            out.value.values = texts.into_iter().map(Arc::from).collect();
        }
        out
    }

    /// Evaluates everything below a node: what it may hold, not how it is built.
    pub(super) fn evaluate_all(&self, node: &Node, way: Way) -> Evaluated {
        let mut out = Evaluated::default();
        self.gather(node, way, &mut out);
        // Once at the end: there may be thousands.
        out.value.flows = distinct(out.value.flows);
        out.sent = distinct(out.sent);
        out
    }

    fn gather(&self, node: &Node, way: Way, out: &mut Evaluated) {
        if !self.budget.spend(1) {
            return;
        }
        match &node.kind {
            NodeKind::Null => {}
            NodeKind::Scalar(scalar) => {
                let part = self.evaluate(scalar, way);
                out.value.merge_texts(&part.value);
                out.value.flows.extend(part.value.flows);
                out.sent.extend(part.sent);
            }
            NodeKind::Seq(items) => {
                items.iter().for_each(|item| self.gather(item, way, out));
            }
            NodeKind::Map(entries) => {
                entries.iter().for_each(|entry| self.gather(&entry.value, way, out));
            }
        }
    }

    /// The placeholders of a script, and what was sent for them.
    pub(super) fn placeholders(&self, scalar: &Scalar) -> (Vec<Placeholder>, Vec<Flow>) {
        let (mut found, mut sent) = (Vec::new(), Vec::new());
        for part in expr::split(&scalar.text) {
            let (Part::Expression { range, body } | Part::Unterminated { range, body }) = part
            else {
                continue;
            };
            let line = scalar.lines.line_at(range.start);
            let part = self.expression(&scalar.text[body], line, Way::Script);
            sent.extend(part.sent);
            let Value { flows, values, .. } = part.value;
            // Rule G13: whatever name it came by, it stands in the text of this script.
            let place = self.place(line);
            sent.extend(
                flows.iter().filter(|flow| flow.way != Way::WholeContext).map(|flow| Flow {
                    way: Way::Script,
                    place: place.clone(),
                    ..flow.clone()
                }),
            );
            found.push(Placeholder { range, flows, values });
        }
        (found, sent)
    }

    /// A condition, with or without braces: nothing of it reaches a process, but it is sent (G9).
    pub(super) fn condition(&self, scalar: &Scalar) -> Vec<Flow> {
        if scalar.text.contains("${{") {
            return self.evaluate(scalar, Way::Other).sent;
        }
        let line = scalar.lines.line_at(0);
        self.expression(&scalar.text, line, Way::Other).sent
    }

    pub(super) fn expression(&self, body: &str, line: u32, way: Way) -> Evaluated {
        let mut out = Evaluated::default();
        if !self.budget.spend(1 + body.len() / 8) {
            return out;
        }
        for found in expr::references(body) {
            let mut value = self.resolve(&found.reference, line, way);
            let certainty = found.certainty.max(self.certainty);
            for flow in &mut value.flows {
                flow.certainty = flow.certainty.max(certainty);
            }
            // `secrets[name]` sends the whole context (G10), but only what `name` may be is in the value.
            if let Reference::DynamicSecret { index } = &found.reference {
                out.sent.extend(value.flows);
                value = self.dynamic(index, line, way);
            }
            if !found.in_value {
                // It is asked about, and reaches no process.
                value.flows.iter_mut().filter(|f| f.way == way).for_each(|f| f.way = Way::Other);
            }
            out.sent.extend(value.flows.iter().cloned());
            if found.in_value {
                out.value.add(value.flows);
            }
        }
        let (values, incomplete) = self.looking_up(line, |lookup| expr::evaluate(body, lookup));
        out.value.values = values.known;
        out.value.partial = !values.complete || incomplete;
        out
    }

    /// What a scalar that is one `fromJSON(…)` gives, where the files tell all of it.
    pub(super) fn json(&self, scalar: &Scalar) -> Option<Vec<serde_json::Value>> {
        let text = scalar.text.trim();
        let parts = expr::split(text);
        let [Part::Expression { body, .. }] = parts.as_slice() else { return None };
        let line = scalar.lines.line_at(0);
        let (json, incomplete) =
            self.looking_up(line, |lookup| expr::json(&text[body.clone()], lookup));
        json.filter(|_| !incomplete)
    }

    /// With a word on whether something that was looked up may be more than was said.
    fn looking_up<T>(
        &self,
        line: u32,
        ask: impl FnOnce(&dyn Fn(&Reference) -> Vec<Arc<str>>) -> T,
    ) -> (T, bool) {
        let incomplete = Cell::new(false);
        let answer = ask(&|reference: &Reference| {
            let value = self.resolve(reference, line, Way::Other);
            incomplete.set(incomplete.get() || value.partial);
            value.values
        });
        (answer, incomplete.get())
    }

    /// `secrets[index]`: those that the index may name, and all where it may name others.
    fn dynamic(&self, index: &str, line: u32, way: Way) -> Value {
        let (names, incomplete) = self.looking_up(line, |lookup| expr::evaluate(index, lookup));
        if names.known.is_empty() {
            return self.whole(line);
        }
        let mut value = Value::default();
        for name in &names.known {
            value.add(self.secret(name, line, way).flows);
        }
        if incomplete || !names.complete {
            value.add(self.whole(line).flows);
        }
        value.weakened(Certainty::Possible)
    }

    fn resolve(&self, reference: &Reference, line: u32, way: Way) -> Value {
        match reference {
            Reference::Secret(name) => self.secret(name, line, way),
            Reference::WholeSecrets | Reference::DynamicSecret { .. } => self.whole(line),
            Reference::GithubToken => Value::one(self.token(line, way)),
            Reference::Env(name) => self.env.find(name).cloned().unwrap_or_default(),
            Reference::WholeEnv => self.all_of(&self.env),
            Reference::Input(name) => self.input(name),
            Reference::WholeInputs => self.all_of(&self.inputs),
            Reference::Matrix(path) => self.matrix.find(path),
            Reference::StepOutput { step, output } => self.output(step, output),
            Reference::WholeSteps => all(self.outputs.values()),
            Reference::Other(path) => self.platform(path),
            // Variables stand in settings; secret-valued outputs of other jobs are dropped (G21).
            Reference::Vars(_)
            | Reference::WholeVars
            | Reference::NeedsOutput { .. }
            | Reference::JobOutput { .. } => Value::default(),
        }
    }

    fn input(&self, name: &str) -> Value {
        self.inputs.find(name).cloned().unwrap_or_default()
    }

    /// Paths that the platform gives: the checkout's top is the workspace.
    fn platform(&self, path: &str) -> Value {
        match path {
            "github.workspace" => Value::literal("."),
            "github.action_path" => {
                self.action_path.clone().map(Value::literal).unwrap_or_default()
            }
            _ => Value::default(),
        }
    }

    /// Either name may be computed; an action may have outputs of any name.
    fn output(&self, step: &str, output: &str) -> Value {
        let wanted = (step.to_ascii_lowercase(), output.to_ascii_lowercase());
        if let Some(value) = self.outputs.get(&wanted) {
            return value.clone();
        }
        let fits = |(of, name): &(String, String)| {
            (wanted.0 == expr::ANY || *of == wanted.0)
                && (wanted.1 == expr::ANY || *name == wanted.1 || name == expr::ANY)
        };
        all(self.outputs.iter().filter(|(key, _)| fits(key)).map(|(_, value)| value))
    }

    fn all_of(&self, names: &Names) -> Value {
        if !self.budget.spend(names.len()) {
            return Value::default();
        }
        all(names.iter().map(|(_, value)| value))
    }

    fn secret(&self, name: &str, line: u32, way: Way) -> Value {
        if name.eq_ignore_ascii_case("GITHUB_TOKEN") {
            return Value::one(self.token(line, way));
        }
        match &self.secrets {
            Secrets::Own { .. } => Value::one(self.flow(&name.to_ascii_uppercase(), line, way)),
            Secrets::Mapped(names) => {
                let mut value = names.find(name).cloned().unwrap_or_default();
                value.flows.iter_mut().filter(|f| f.way == Way::Other).for_each(|f| f.way = way);
                value.add(self.of_environment(&name.to_ascii_uppercase(), line, way));
                value
            }
            Secrets::Consumer => {
                Value::one(self.flow(&format!("secrets.{}", name.to_ascii_uppercase()), line, way))
            }
            Secrets::None => Value::default(),
        }
    }

    /// Rule G4: an environment of the called job's own goes before what the caller passed; whether it
    /// holds the name stands in no file.
    fn of_environment(&self, name: &str, line: u32, way: Way) -> Option<Flow> {
        if self.environments.is_empty() {
            return None;
        }
        let scope = Scope::Unknown(self.environments.clone());
        let secret = Secret { scope, name: Arc::from(name) };
        Some(Flow { secret, way, place: self.place(line), certainty: Certainty::Possible })
    }

    pub(super) fn whole(&self, line: u32) -> Value {
        match &self.secrets {
            Secrets::Mapped(names) => {
                let mut value = self.all_of(names);
                value.add([self.token(line, Way::WholeContext)]);
                value.add(self.of_environment("*", line, Way::WholeContext));
                value
            }
            Secrets::None => Value::default(),
            Secrets::Own { .. } => Value {
                flows: vec![
                    self.flow("*", line, Way::WholeContext),
                    self.token(line, Way::WholeContext),
                ],
                ..Value::default()
            },
            Secrets::Consumer => Value::one(self.flow("secrets.*", line, Way::WholeContext)),
        }
    }

    pub(super) fn token(&self, line: u32, way: Way) -> Flow {
        Flow {
            secret: Secret { scope: Scope::Job, name: Arc::from("GITHUB_TOKEN") },
            way,
            place: self.place(line),
            certainty: self.certainty,
        }
    }

    pub(super) fn flow(&self, name: &str, line: u32, way: Way) -> Flow {
        let scopes = match &self.secrets {
            Secrets::Own { scopes, .. } => scopes.clone(),
            Secrets::Mapped(_) | Secrets::Consumer | Secrets::None => vec![Arc::from("consumer")],
        };
        Flow {
            secret: Secret { scope: Scope::Unknown(scopes), name: Arc::from(name) },
            way,
            place: self.place(line),
            certainty: self.certainty,
        }
    }
}

/// Any of these, or several together.
pub(super) fn all<'a>(values: impl Iterator<Item = &'a Value>) -> Value {
    let (mut out, mut flows) = (Value::nothing(), Vec::new());
    for value in values {
        flows.extend(value.flows.iter().cloned());
        out.merge_texts(value);
    }
    out.flows = distinct(flows);
    out
}

pub(super) fn distinct(mut flows: Vec<Flow>) -> Vec<Flow> {
    let mut seen = HashSet::new();
    flows.retain(|flow| seen.insert(flow.clone()));
    flows
}
