//! Signs from the steps of a pipeline.

use super::{
    Sign,
    clue::{Clues, Key, Seen, setting},
    command,
    table::{self, Action, Is},
};
use crate::ci::model::{Binding, EnvView, Job, Kind, Mention, Pipeline, Place, Step};

/// Longer texts are no names of accounts.
const LONGEST_ACCOUNT: usize = 100;

/// What one step uses, for the joining of halves.
pub(super) type Together = Vec<(Key, String, String)>;

impl Clues {
    /// Adds what a pipeline tells.
    pub fn read(&mut self, pipeline: &Pipeline) {
        for job in &pipeline.jobs {
            for flow in &job.sent {
                self.scope(&flow.secret);
            }
            for step in &job.steps {
                self.step(job, step);
            }
        }
    }

    fn step(&mut self, job: &Job, step: &Step) {
        let mut together = Together::new();
        let actions: Vec<&'static Action> = step.mentions.iter().filter_map(action).collect();
        for mention in &step.mentions {
            if let Some(row) = action(mention) {
                self.inputs(row, mention, step, &mut together);
            } else {
                mention.inputs.iter().for_each(|input| self.by_convention(input, &mention.place));
            }
            let (EnvView::Inherits { plus: own } | EnvView::Only { passed: own }) = &mention.env;
            own.iter().for_each(|binding| self.variable(binding, step, &actions, &mut together));
        }
        for binding in &step.env {
            self.variable(binding, step, &actions, &mut together);
        }
        for command in &step.uses.commands {
            let mut of_command = Together::new();
            command::read(self, command, &step.uses.settings, &mut of_command);
            self.used_together(of_command);
        }
        for (name, kind) in &step.uses.literals {
            let literal = |flow: &&crate::ci::model::Flow| {
                flow.secret.scope == crate::ci::model::Scope::Literal && flow.secret.name == *name
            };
            if let Some(flow) = job.sent.iter().find(literal) {
                let is = Is::from((*kind).to_owned());
                let (how, row) = (Sign::Format, format!("format:{kind}"));
                let seen = Seen { how, is: &is, place: &flow.place, row, account: None };
                self.add(&flow.secret, &seen);
            }
        }
        self.used_together(together);
    }

    fn inputs(
        &mut self,
        row: &'static Action,
        mention: &Mention,
        step: &Step,
        uses: &mut Together,
    ) {
        let settings = &step.uses.settings;
        let account =
            row.account.iter().chain(&row.registry).find_map(|n| account(setting(settings, n)));
        for input in &mention.inputs {
            let known = row.inputs.iter().find(|(name, _)| name.eq_ignore_ascii_case(&input.name));
            let Some((name, is)) = known else {
                self.by_convention(input, &mention.place);
                continue;
            };
            let registry = row.registry.as_ref().and_then(|name| setting(settings, name));
            // An expression that the files do not decide: it may be any registry.
            let is = is.at(if registry == Some("") { Some("unknown") } else { registry });
            let account = match registry {
                Some(host) if !host.is_empty() => Some(match &account {
                    Some(account) if account != host => format!("{host} {account}"),
                    _ => host.to_owned(),
                }),
                _ => account.clone(),
            };
            for flow in &input.flows {
                let row = format!("action:{}#{name}", row.name);
                let (how, account) = (Sign::ActionInput, account.clone());
                self.add(&flow.secret, &Seen { how, is: &is, place: &mention.place, row, account });
                note(uses, flow, &is);
            }
        }
    }

    fn variable(
        &mut self,
        binding: &Binding,
        step: &Step,
        actions: &[&'static Action],
        uses: &mut Together,
    ) {
        let of_action = actions.iter().find_map(|row| {
            let is = row.variables.get(&binding.name)?;
            Some((is, format!("action:{}#{}", row.name, binding.name)))
        });
        let of_tool = table::variable(&binding.name);
        let (how, is, row) = match (of_action, of_tool) {
            (Some((is, row)), _) => (Sign::VariableOfTool, is, row),
            (None, Some(known)) => {
                let runs = |tool: &String| step.uses.programs.iter().any(|name| **name == **tool);
                let with_tool = known.tools.iter().any(runs);
                let how = if with_tool { Sign::VariableOfTool } else { Sign::Variable };
                (how, &known.is, format!("variable:{}", binding.name))
            }
            (None, None) => {
                if let Some(known) = table::by_name(&binding.name) {
                    binding.flows.iter().for_each(|flow| note(uses, flow, &known.is));
                }
                return self.by_convention(binding, &step.place);
            }
        };
        for flow in &binding.flows {
            let row = row.clone();
            self.add(&flow.secret, &Seen { how, is, place: &flow.place, row, account: None });
            note(uses, flow, is);
        }
    }

    /// By the name of what it is given to.
    fn by_convention(&mut self, binding: &Binding, place: &Place) {
        let Some(known) = table::by_name(&binding.name) else { return };
        for flow in &binding.flows {
            let row = format!("name:{}", known.words.join("-").to_ascii_lowercase());
            let (how, is) = (Sign::VariableName, &known.is);
            self.add(&flow.secret, &Seen { how, is, place, row, account: None });
        }
    }
}

fn note(uses: &mut Together, flow: &crate::ci::model::Flow, is: &Is) {
    if let Some(field) = &is.field {
        uses.push((Key::of(&flow.secret), is.kind.clone(), field.clone()));
    }
}

fn action(mention: &Mention) -> Option<&'static Action> {
    let is_action = mention.component.kind == Kind::Action;
    is_action.then(|| table::action(&mention.component.name)).flatten()
}

pub(super) fn account(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    let plain = !text.is_empty()
        && text.len() <= LONGEST_ACCOUNT
        && !text.contains(|c: char| c.is_control() || "${}*".contains(c));
    plain.then(|| text.to_owned())
}
