//! What a reference is, at one point of a file.

use std::sync::Arc;

use super::{
    context::{Context, Secrets},
    expr::{self, Reference},
    names::Names,
    value::{Value, all},
};
use crate::ci::model::{Certainty, Flow, Scope, Secret, Way};

impl Context {
    pub(super) fn resolve(&self, reference: &Reference, line: u32, way: Way) -> Value {
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

    pub(super) fn secret(&self, name: &str, line: u32, way: Way) -> Value {
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
