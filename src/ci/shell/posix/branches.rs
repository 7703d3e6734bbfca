//! Alternatives: every branch is taken, and what any of them leaves may be there afterwards.

use std::collections::HashMap;

use super::ast::{Block, Word};
use crate::ci::shell::{
    machine::{Checks, Effect, Frame, Machine, Variable},
    value::{Value, is_mark},
};

impl Machine<'_, '_> {
    pub(super) fn if_clause(
        &mut self,
        frame: &mut Frame,
        arms: &[(Block, Block)],
        otherwise: Option<&Block>,
    ) -> Effect {
        let mut whole = Effect { ends: true, ..Effect::default() };
        self.spend_bytes(frame.vars.len() * 1024);
        let mut branches = Branches::start(frame);
        let mut not_before = Checks::new();
        for (condition, body) in arms {
            let errexit = std::mem::replace(&mut frame.errexit, false);
            let test = self.block(frame, condition);
            frame.errexit = errexit;
            whole.out.append(&test.out);
            let before = self.assume(&test.success);
            branches.enter(frame);
            let then = self.block(frame, body);
            branches.leave(frame, then.ends);
            self.forget(before);
            whole.out.append(&then.out);
            if then.ends {
                whole.always.extend(test.failure.clone());
            }
            whole.ends &= then.ends;
            not_before = test.failure;
            if arms.len() == 1
                && let Some(body) = otherwise
            {
                whole.ends &= self.else_branch(
                    frame,
                    body,
                    &not_before,
                    &test.success,
                    &mut branches,
                    &mut whole.out,
                    &mut whole.always,
                );
            }
        }
        match otherwise {
            Some(body) if arms.len() > 1 => {
                whole.ends &= self.else_branch(
                    frame,
                    body,
                    &not_before,
                    &Checks::new(),
                    &mut branches,
                    &mut whole.out,
                    &mut whole.always,
                );
            }
            Some(_) => {}
            None => {
                whole.ends = false;
                branches.skip();
            }
        }
        branches.join(frame);
        whole
    }

    #[expect(clippy::too_many_arguments, reason = "the state of one `if`, used twice")]
    fn else_branch(
        &mut self,
        frame: &mut Frame,
        body: &Block,
        known: &Checks,
        otherwise_known: &Checks,
        branches: &mut Branches,
        out: &mut Value,
        always: &mut Checks,
    ) -> bool {
        let before = self.assume(known);
        branches.enter(frame);
        let effect = self.block(frame, body);
        branches.leave(frame, effect.ends);
        self.forget(before);
        out.append(&effect.out);
        if effect.ends {
            always.extend(otherwise_known.clone());
        }
        effect.ends
    }

    pub(super) fn for_clause(
        &mut self,
        frame: &mut Frame,
        variable: &str,
        words: Option<&[Word]>,
        body: &Block,
    ) -> Effect {
        let mut values = Value::default();
        match words {
            Some(words) => {
                for value in self.words(frame, words) {
                    values.or(&value);
                }
            }
            None => {
                for value in frame.args.iter().skip(1) {
                    values.or(value);
                }
            }
        }
        let mut whole = Effect::default();
        // Each round by itself, so that what is fetched and what is run stay together.
        let rounds: Vec<Value> = values
            .texts
            .iter()
            .map(|text| Value { texts: vec![text.clone()], flows: values.flows.clone() })
            .collect();
        if rounds.is_empty() {
            whole.out.append(&self.block(frame, body).out);
        }
        for round in rounds {
            if !variable.is_empty() {
                frame.set(variable, round, false);
            }
            whole.out.append(&self.block(frame, body).out);
        }
        whole
    }

    pub(super) fn case_clause(
        &mut self,
        frame: &mut Frame,
        subject: &Word,
        arms: &[(Vec<Word>, Block)],
    ) -> Effect {
        let subject = self.single(frame, subject);
        let known = subject.texts.len() == 1 && !subject.first().chars().any(is_mark);
        let mut whole = Effect::default();
        self.spend_bytes(frame.vars.len() * 1024);
        let mut branches = Branches::start(frame);
        let mut matched = false;
        for (patterns, body) in arms {
            let mut fits = !known;
            for pattern in patterns {
                let pattern = self.single(frame, pattern);
                fits |= super::pattern::matches(pattern.first(), subject.first());
            }
            if !fits || (known && matched) {
                continue;
            }
            matched = true;
            branches.enter(frame);
            let effect = self.block(frame, body);
            branches.leave(frame, effect.ends);
            whole.out.append(&effect.out);
        }
        if !(known && matched) {
            branches.skip();
        }
        branches.join(frame);
        whole
    }
}

/// Variables and directory behind alternatives: what any of them may have left.
struct Branches {
    start: State,
    ended: Vec<State>,
}

#[derive(Clone)]
struct State {
    vars: HashMap<String, Variable>,
    cwd: String,
}

impl State {
    fn of(frame: &Frame) -> Self {
        Self { vars: frame.vars.clone(), cwd: frame.cwd.clone() }
    }
}

impl Branches {
    fn start(frame: &Frame) -> Self {
        Self { start: State::of(frame), ended: Vec::new() }
    }

    fn enter(&mut self, frame: &mut Frame) {
        frame.vars.clone_from(&self.start.vars);
        frame.cwd.clone_from(&self.start.cwd);
    }

    /// A branch that ended the script leaves nothing behind.
    fn leave(&mut self, frame: &Frame, ends: bool) {
        if !ends {
            self.ended.push(State::of(frame));
        }
    }

    fn skip(&mut self) {
        self.ended.push(self.start.clone());
    }

    fn join(self, frame: &mut Frame) {
        let mut ends = self.ended.into_iter();
        let Some(mut first) = ends.next() else { return };
        for end in ends {
            if first.cwd == self.start.cwd {
                first.cwd.clone_from(&end.cwd);
            }
            for (name, variable) in end.vars {
                match first.vars.get_mut(&name) {
                    None => {
                        first.vars.insert(name, variable);
                    }
                    Some(mine) => either(mine, variable),
                }
            }
        }
        frame.vars = first.vars;
        frame.cwd = first.cwd;
    }
}

fn either(mine: &mut Variable, other: Variable) {
    mine.exported |= other.exported;
    mine.assigned |= other.assigned;
    match (mine.values.as_mut_slice(), other.values.as_slice()) {
        ([mine], [other]) => mine.or(other),
        (mine_values, other_values) => {
            if mine_values.len() < other_values.len() {
                mine.values = other.values;
            }
        }
    }
}
