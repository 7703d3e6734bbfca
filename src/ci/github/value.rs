//! What an expression can evaluate to: the secrets in it, and its literal values where the file tells.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    expr::{self, Part, Reference},
    reading::{self, Reading},
};
use crate::ci::{
    model::{Binding, Certainty, Flow, Place, Scope, Secret, Way},
    shell::Placeholder,
    yaml::{Node, NodeKind, Scalar},
};

/// Literal alternatives kept for one value; more are *unknown*.
const MAX_VALUES: usize = 16;

/// So many are compared with each other without a set.
const FEW: usize = 32;

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
        let literal = match self.values.as_slice() {
            [only] if self.flows.is_empty() && !self.partial => Some(Arc::clone(only)),
            _ => None,
        };
        Binding { name: name.into(), flows: self.flows, literal }
    }

    fn add(&mut self, flows: impl IntoIterator<Item = Flow>) {
        let flows: Vec<Flow> = flows.into_iter().collect();
        if self.flows.len().saturating_add(flows.len()) <= FEW {
            for flow in flows {
                if !self.flows.contains(&flow) {
                    self.flows.push(flow);
                }
            }
            return;
        }
        let mut seen: HashSet<Flow> = self.flows.iter().cloned().collect();
        self.flows.extend(flows.into_iter().filter(|flow| seen.insert(flow.clone())));
    }
}

/// Values by name, compared as GitHub compares: without regard to ASCII case.
///
/// A copy costs nothing until it is changed: most steps see the environment of the step before.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Rc<Shared>);

#[derive(Clone, Debug, Default)]
struct Shared {
    values: BTreeMap<String, (String, Value)>,
    /// Made when first asked for.
    bindings: OnceCell<Arc<[Binding]>>,
}

impl Names {
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.edit().insert(name.to_ascii_uppercase(), (name.to_owned(), value));
    }

    pub(super) fn find(&self, name: &str) -> Option<&Value> {
        self.0.values.get(&name.to_ascii_uppercase()).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.values.values().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn extend(&mut self, other: &Self) {
        if self.0.values.is_empty() {
            self.0 = Rc::clone(&other.0);
        } else if !other.0.values.is_empty() {
            let more = other.0.values.iter().map(|(k, v)| (k.clone(), v.clone()));
            self.edit().extend(more);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.values.len()
    }

    pub(super) fn bindings(&self) -> Arc<[Binding]> {
        let make = || self.iter().map(|(name, value)| value.clone().bind(name)).collect();
        Arc::clone(self.0.bindings.get_or_init(make))
    }

    fn edit(&mut self) -> &mut BTreeMap<String, (String, Value)> {
        let shared = Rc::make_mut(&mut self.0);
        shared.bindings = OnceCell::new();
        &mut shared.values
    }
}

/// Whose secrets a `secrets.X` names.
#[derive(Clone, Debug)]
pub(super) enum Secrets {
    /// Those of the repository that runs the pipeline.
    Own { scopes: Vec<Arc<str>>, way: Option<Way> },
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
    /// `matrix.a.b` → `["a", "b"]`.
    pub(super) matrix: BTreeMap<Vec<String>, Value>,
    /// `(step, output)`, both lower case.
    pub(super) outputs: BTreeMap<(String, String), Value>,
    /// `github.action_path` of a composite action.
    pub(super) action_path: Option<Arc<str>>,
    /// The weakest link from the file's start to here.
    pub(super) certainty: Certainty,
    pub(super) reading: Rc<Reading>,
}

/// The value of a scalar and every secret that had to be sent to evaluate it.
#[derive(Clone, Debug, Default)]
pub(super) struct Evaluated {
    pub(super) value: Value,
    pub(super) sent: Vec<Flow>,
}

impl Context {
    pub(super) fn new(file: &Arc<str>, secrets: Secrets, reading: &Rc<Reading>) -> Self {
        Self {
            file: Arc::clone(file),
            env: Names::default(),
            inputs: Names::default(),
            secrets,
            matrix: BTreeMap::new(),
            outputs: BTreeMap::new(),
            action_path: None,
            certainty: Certainty::Inferred,
            reading: Rc::clone(reading),
        }
    }

    pub(super) fn place(&self, line: u32) -> Place {
        Place { file: Arc::clone(&self.file), line }
    }

    /// Evaluates a scalar that is a template: text with `${{ … }}` in it.
    pub(super) fn evaluate(&self, scalar: &Scalar, way: Way) -> Evaluated {
        let mut out = Evaluated::default();
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
        let mut budget = 10_000_u32;
        self.gather(node, way, &mut budget, &mut out);
        out
    }

    fn gather(&self, node: &Node, way: Way, budget: &mut u32, out: &mut Evaluated) {
        if *budget == 0 {
            return;
        }
        *budget -= 1;
        match &node.kind {
            NodeKind::Null => {}
            NodeKind::Scalar(scalar) => {
                let part = self.evaluate(scalar, way);
                out.value.add(part.value.flows);
                out.value.values.extend(part.value.values);
                out.sent.extend(part.sent);
            }
            NodeKind::Seq(items) => {
                items.iter().for_each(|item| self.gather(item, way, budget, out));
            }
            NodeKind::Map(entries) => {
                entries.iter().for_each(|entry| self.gather(&entry.value, way, budget, out));
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
        if self.reading.is_spent() {
            return out;
        }
        for found in expr::references(body) {
            let mut value = self.resolve(&found.reference, line, way);
            self.reading.spend(reading::VALUE * value.flows.len());
            let certainty = found.certainty.max(self.certainty);
            for flow in &mut value.flows {
                flow.certainty = flow.certainty.max(certainty);
            }
            // `secrets[name]` sends the whole context (G10), but only what `name` may be is in the value.
            if let Reference::DynamicSecret { index } = &found.reference {
                out.sent.extend(value.flows);
                value = self.dynamic(index, line, way);
            }
            out.sent.extend(value.flows.iter().cloned());
            if found.in_value {
                out.value.add(value.flows);
            }
        }
        let lookup = |reference: &Reference| self.resolve(reference, line, way).values;
        let values = expr::evaluate(body, &lookup);
        out.value.values = values.known;
        out.value.partial = !values.complete;
        out
    }

    fn dynamic(&self, index: &str, line: u32, way: Way) -> Value {
        let names = expr::values(index, &|reference| self.resolve(reference, line, way).values);
        if names.is_empty() {
            return Value::one(self.flow("*", line, Way::WholeContext));
        }
        let mut value = Value::default();
        for name in names {
            value.add(self.secret(&name, line, way).flows);
        }
        value.flows.iter_mut().for_each(|flow| flow.certainty = Certainty::Possible);
        value
    }

    fn resolve(&self, reference: &Reference, line: u32, way: Way) -> Value {
        match reference {
            Reference::Secret(name) => self.secret(name, line, way),
            Reference::WholeSecrets | Reference::DynamicSecret { .. } => self.whole(line),
            Reference::GithubToken => Value::one(self.token(line, way)),
            Reference::Env(name) => self.env.find(name).cloned().unwrap_or_default(),
            Reference::WholeEnv => all(self.env.iter().map(|(_, value)| value)),
            Reference::Input(name) => self.input(name),
            Reference::WholeInputs => all(self.inputs.iter().map(|(_, value)| value)),
            Reference::Matrix(path) => self.matrix(path),
            Reference::StepOutput { step, output } => self
                .outputs
                .get(&(step.to_ascii_lowercase(), output.to_ascii_lowercase()))
                .cloned()
                .unwrap_or_default(),
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

    fn matrix(&self, path: &[String]) -> Value {
        let path: Vec<String> = path.iter().map(|part| part.to_ascii_lowercase()).collect();
        match self.matrix.get(&path) {
            Some(value) => value.clone(),
            // `toJSON(matrix)` or a part of a nested entry: all that is below.
            None => {
                all(self.matrix.iter().filter(|(key, _)| key.starts_with(&path)).map(|(_, v)| v))
            }
        }
    }

    fn secret(&self, name: &str, line: u32, way: Way) -> Value {
        if name.eq_ignore_ascii_case("GITHUB_TOKEN") {
            return Value::one(self.token(line, way));
        }
        match &self.secrets {
            Secrets::Own { way: forced, .. } => {
                Value::one(self.flow(&name.to_ascii_uppercase(), line, forced.unwrap_or(way)))
            }
            Secrets::Mapped(names) => names.find(name).cloned().unwrap_or_default(),
            Secrets::Consumer => {
                Value::one(self.flow(&format!("secrets.{}", name.to_ascii_uppercase()), line, way))
            }
            Secrets::None => Value::default(),
        }
    }

    fn whole(&self, line: u32) -> Value {
        match &self.secrets {
            Secrets::Mapped(names) => {
                let mut value = all(names.iter().map(|(_, value)| value));
                value.add([self.token(line, Way::WholeContext)]);
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

fn all<'a>(values: impl Iterator<Item = &'a Value>) -> Value {
    let mut out = Value::default();
    let values: Vec<&Value> = values.collect();
    out.add(values.iter().flat_map(|value| value.flows.iter().cloned()));
    for value in values {
        if value.values.is_empty() {
            out.values.clear();
        }
        out.values.extend(value.values.iter().cloned());
    }
    out
}
