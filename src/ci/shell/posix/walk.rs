//! Walks statements in the order in which they may run; every branch is taken.

use std::rc::Rc;

use super::ast::{Assign, AssignValue, Block, Link, Node, Redirect, RedirectKind, Stmt, Word};
use crate::ci::{
    model::Verified,
    shell::{
        machine::{Checks, Effect, Frame, Machine, Source, Variable},
        value::{Text, Value},
        verify,
    },
};

/// Texts inside each other: `eval` of a here-document of a recipe of a makefile, and so on.
const MAX_TEXTS: usize = 24;
/// What a text costs before it is read, as bytes that a script gathers.
const COST_OF_A_TEXT: usize = 2 << 10;

impl Machine<'_, '_> {
    /// Runs a text as a script, in the process of `frame`.
    pub(in crate::ci::shell) fn text(
        &mut self,
        frame: &mut Frame,
        value: &Value,
        at: usize,
    ) -> Effect {
        let mut effect = Effect::default();
        for text in &value.texts {
            // A text that leads to itself does again what it did: see `function`.
            let again = self.texts.iter().filter(|running| ***running == *text.s).count() > 1;
            // Parsing costs as much as many commands, and a text may grow each time that it is run.
            self.spend_bytes(COST_OF_A_TEXT + 16 * text.s.len());
            if self.is_spent() || self.texts.len() > MAX_TEXTS {
                self.give_up(frame, at);
                continue;
            }
            if again {
                continue;
            }
            self.texts.push(Rc::from(text.s.as_str()));
            let done = self.deeper(frame, at, |machine, frame| machine.one_text(frame, text, at));
            self.texts.pop();
            effect.out.or(&done.out);
        }
        effect
    }

    fn one_text(&mut self, frame: &mut Frame, text: &Text, at: usize) -> Effect {
        let file = text.file.clone().unwrap_or_else(|| Rc::clone(&frame.source).file.clone());
        let lines = if text.lines.is_empty() {
            vec![(0, frame.source.line(at))]
        } else {
            text.lines.clone()
        };
        let source = Rc::new(Source { file, script: super::parse::parse(&text.s), lines });
        self.syntax_gaps(&source, &text.s);
        let caller = frame.place(at);
        let outer = std::mem::replace(&mut frame.source, Rc::clone(&source));
        frame.via.push(caller);
        let effect = self.block(frame, &source.script.body);
        frame.via.pop();
        frame.source = outer;
        effect
    }

    pub(in crate::ci::shell) fn script(&mut self, frame: &mut Frame) -> Effect {
        let source = Rc::clone(&frame.source);
        self.block(frame, &source.script.body)
    }

    pub(in crate::ci::shell) fn block(&mut self, frame: &mut Frame, block: &Block) -> Effect {
        let mut whole = Effect::default();
        for stmt in block {
            let effect = self.statement(frame, stmt);
            whole.out.append(&effect.out);
            self.settle(&effect.always);
            whole.always.extend(effect.always);
            if frame.errexit {
                self.settle(&effect.fatal);
                whole.fatal.extend(effect.fatal);
            } else {
                whole.fatal = effect.fatal;
            }
            whole.success = effect.success;
            whole.failure = effect.failure;
            whole.fails = effect.fails;
            if effect.ends {
                whole.ends = true;
                break;
            }
        }
        whole
    }

    fn statement(&mut self, frame: &mut Frame, stmt: &Stmt) -> Effect {
        if !self.spend(frame, stmt.at) {
            return Effect::default();
        }
        if stmt.redirects.is_empty() {
            return self.node(frame, stmt);
        }
        let outer = frame.stdin.clone();
        for redirect in &stmt.redirects {
            self.redirect_in(frame, redirect, stmt.at);
        }
        let mut effect = self.node(frame, stmt);
        frame.stdin = outer;
        for redirect in &stmt.redirects {
            self.redirect_out(frame, redirect, &mut effect);
        }
        effect
    }

    fn redirect_in(&mut self, frame: &mut Frame, redirect: &Redirect, at: usize) {
        if redirect.fd.is_some_and(|fd| fd != 0) {
            return;
        }
        match &redirect.kind {
            RedirectKind::In(word) => {
                let path = self.single(frame, word);
                frame.stdin = self.file_content(frame, &path).unwrap_or_default();
            }
            RedirectKind::HereDoc(doc) => {
                let source = Rc::clone(&frame.source);
                if let Some(word) = source.script.docs.get(*doc) {
                    frame.stdin = self.single(frame, word);
                }
            }
            RedirectKind::HereString(word) => frame.stdin = self.single(frame, word),
            RedirectKind::Out { .. } | RedirectKind::Both { .. } | RedirectKind::Duplicate => {
                let _ = at;
            }
        }
    }

    fn redirect_out(&mut self, frame: &mut Frame, redirect: &Redirect, effect: &mut Effect) {
        let (target, append) = match &redirect.kind {
            RedirectKind::Out { target, append } if matches!(redirect.fd, None | Some(1)) => {
                (target, *append)
            }
            RedirectKind::Both { target, append } => (target, *append),
            _ => return,
        };
        let content = std::mem::take(&mut effect.out);
        self.write_word(frame, target, content, append);
    }

    fn write_word(&mut self, frame: &mut Frame, target: &Word, content: Value, append: bool) {
        // `> >(command)` hands the output to a command.
        if let [super::ast::Part::Process { body, input: false }] = target.parts.as_slice() {
            let outer = std::mem::replace(&mut frame.stdin, content);
            let body = Rc::clone(body);
            self.deeper(frame, target.at, |machine, frame| machine.block(frame, &body));
            frame.stdin = outer;
            return;
        }
        let path = self.single(frame, target);
        self.write_paths(frame, &path, &content, append);
    }

    pub(in crate::ci::shell) fn write_paths(
        &mut self,
        frame: &Frame,
        paths: &Value,
        content: &Value,
        append: bool,
    ) {
        for path in &paths.texts {
            let path = self.path(frame, &path.s);
            self.world.write(&path, content.clone(), append);
        }
    }

    fn node(&mut self, frame: &mut Frame, stmt: &Stmt) -> Effect {
        match &stmt.node {
            Node::Simple { assigns, words } => self.simple(frame, assigns, words, stmt.at),
            Node::Pipeline { stages, negated } => self.pipeline(frame, stages, *negated),
            Node::AndOr { first, rest } => self.and_or(frame, first, rest),
            Node::Group(body) => {
                self.deeper(frame, stmt.at, |machine, frame| machine.block(frame, body))
            }
            Node::Subshell(body) => {
                self.spend_bytes(frame.vars.len() * 512);
                let mut inner = frame.clone();
                let mut effect =
                    self.deeper(&mut inner, stmt.at, |machine, frame| machine.block(frame, body));
                if effect.ends {
                    // `(… || exit 1)` fails; it ends the script under `set -e` only.
                    effect.ends = false;
                    effect.fails = true;
                    effect.fatal.append(&mut effect.always);
                }
                effect
            }
            Node::If { arms, otherwise } => self.deeper(frame, stmt.at, |machine, frame| {
                machine.if_clause(frame, arms, otherwise.as_ref())
            }),
            Node::While { condition, body } => self.deeper(frame, stmt.at, |machine, frame| {
                let errexit = std::mem::replace(&mut frame.errexit, false);
                machine.block(frame, condition);
                frame.errexit = errexit;
                Effect::output(machine.block(frame, body).out)
            }),
            Node::For { variable, words, body } => self.deeper(frame, stmt.at, |machine, frame| {
                machine.for_clause(frame, variable, words.as_deref(), body)
            }),
            Node::Case { subject, arms } => self
                .deeper(frame, stmt.at, |machine, frame| machine.case_clause(frame, subject, arms)),
            Node::Function { name, body } => {
                let function = (Rc::clone(body), Rc::clone(&frame.source));
                self.spend_bytes(frame.functions.len());
                Rc::make_mut(&mut frame.functions).insert(name.clone(), function);
                Effect::default()
            }
            Node::Test(words) => {
                let mut argv = Vec::new();
                for word in words {
                    argv.push(self.single(frame, word));
                }
                verify::compare(self, &argv)
            }
            Node::Arithmetic => Effect::default(),
        }
    }

    fn pipeline(&mut self, frame: &mut Frame, stages: &[Stmt], negated: bool) -> Effect {
        let outer = frame.stdin.clone();
        let cwd = frame.cwd.clone();
        let mut checks = Checks::new();
        let mut last = Effect::default();
        for stage in stages {
            last = self.statement(frame, stage);
            if stages.len() > 1 {
                // Each stage is a process of its own.
                last.ends = false;
                frame.cwd.clone_from(&cwd);
                frame.stdin = std::mem::take(&mut last.out);
                checks.extend(last.success.clone());
            }
        }
        if stages.len() > 1 {
            last.out = std::mem::replace(&mut frame.stdin, outer);
            if frame.pipefail {
                last.success.clone_from(&checks);
                last.fatal = checks;
            }
        }
        if negated {
            last.fatal.clear();
            std::mem::swap(&mut last.success, &mut last.failure);
        }
        last
    }

    fn and_or(&mut self, frame: &mut Frame, first: &Stmt, rest: &[(Link, Stmt)]) -> Effect {
        let errexit = std::mem::replace(&mut frame.errexit, false);
        let mut left = self.statement(frame, first);
        for (number, (link, stmt)) in rest.iter().enumerate() {
            if number + 1 == rest.len() {
                frame.errexit = errexit;
            }
            let known = match link {
                Link::And => left.success.clone(),
                Link::Or => left.failure.clone(),
            };
            let before = self.assume(&known);
            let mut right = self.statement(frame, stmt);
            self.forget(before);
            left.out.append(&right.out);
            left.always.append(&mut right.always);
            match link {
                Link::And => {
                    if right.ends {
                        left.always.extend(left.failure.clone());
                        // `echo … && exit 1` ends or fails.
                        left.fails = true;
                    }
                    left.success.append(&mut right.success);
                    left.failure.clear();
                    left.fatal = right.fatal;
                }
                Link::Or => {
                    // The last command of a list may fail only where `set -e` is off.
                    let last = number + 1 == rest.len();
                    if right.ends || (right.fails && errexit && last) {
                        left.always.extend(left.success.clone());
                    }
                    left.failure.append(&mut right.failure);
                    left.success.clear();
                    left.fatal.clear();
                }
            }
            left.ends = left.ends && right.ends;
        }
        frame.errexit = errexit;
        left
    }

    fn simple(
        &mut self,
        frame: &mut Frame,
        assigns: &[Assign],
        words: &[Word],
        at: usize,
    ) -> Effect {
        let argv = self.words(frame, words);
        if argv.is_empty() {
            let mut checks = Effect::default();
            for assign in assigns {
                let variable = self.assigned(frame, assign);
                let entry = frame.vars.entry(assign.name.clone()).or_default();
                entry.values = variable;
                entry.assigned = true;
            }
            // `$(…)` that expands to nothing is a command without words.
            checks.out = Value::default();
            return checks;
        }
        if assigns.is_empty() {
            return self.command(frame, argv, at);
        }
        let mut saved = Vec::new();
        for assign in assigns {
            let values = self.assigned(frame, assign);
            let variable = Variable { values, exported: true, assigned: true };
            saved.push((assign.name.clone(), frame.vars.insert(assign.name.clone(), variable)));
        }
        let effect = self.command(frame, argv, at);
        for (name, before) in saved.into_iter().rev() {
            match before {
                Some(before) => frame.vars.insert(name, before),
                None => frame.vars.remove(&name),
            };
        }
        effect
    }

    fn assigned(&mut self, frame: &mut Frame, assign: &Assign) -> Vec<Value> {
        let mut values = match &assign.value {
            AssignValue::Scalar(word) => vec![self.single(frame, word)],
            AssignValue::Array(words) => self.words(frame, words),
        };
        if assign.append
            && let Some(before) = frame.vars.get(&assign.name)
        {
            let mut joined = before.values.clone();
            match (&assign.value, joined.first_mut(), values.first()) {
                (AssignValue::Scalar(_), Some(head), Some(tail)) => head.append(tail),
                _ => joined.append(&mut values),
            }
            joined.truncate(10_000);
            return joined;
        }
        values
    }

    /// Calls a function of the script.
    pub(in crate::ci::shell) fn function(
        &mut self,
        frame: &mut Frame,
        name: &str,
        argv: Vec<Value>,
        at: usize,
    ) -> Effect {
        let Some((body, source)) = frame.functions.get(name).cloned() else {
            return Effect::default();
        };
        // A function inside itself does what it did: one round more shows all that it can do.
        if self.running.iter().filter(|running| Rc::ptr_eq(running, &body)).count() > 1 {
            return Effect::default();
        }
        self.running.push(Rc::clone(&body));
        let caller = frame.place(at);
        let args = std::mem::replace(&mut frame.args, argv);
        let outer = std::mem::replace(&mut frame.source, source);
        frame.via.push(caller);
        let mut effect =
            self.deeper(frame, body.at, |machine, frame| machine.statement(frame, &body));
        self.running.pop();
        frame.via.pop();
        frame.source = outer;
        frame.args = args;
        if effect.ends && !exits(&body) {
            effect.ends = false;
        }
        effect
    }

    pub(super) fn settle(&mut self, checks: &Checks) {
        for (path, verified) in checks {
            if let Some(state) = self.world.states.get_mut(path) {
                state.verified = state.verified.max(Some(*verified));
            }
        }
    }

    /// Takes `checks` for true in one branch; gives back what [`Self::forget`] needs.
    pub(super) fn assume(&mut self, checks: &Checks) -> Vec<(String, Option<Verified>)> {
        let mut before = Vec::new();
        for (path, verified) in checks {
            if let Some(state) = self.world.states.get_mut(path) {
                before.push((path.clone(), state.verified));
                state.verified = state.verified.max(Some(*verified));
            }
        }
        before
    }

    pub(super) fn forget(&mut self, before: Vec<(String, Option<Verified>)>) {
        for (path, verified) in before.into_iter().rev() {
            // What was made executable only after the check cannot run without it.
            if self.settled.contains(&path) {
                continue;
            }
            if let Some(state) = self.world.states.get_mut(&path) {
                state.verified = verified;
            }
        }
    }
}

/// Whether a function that ends does so with `exit`, which ends its caller too.
fn exits(body: &Stmt) -> bool {
    fn block(block: &[Stmt]) -> bool {
        block.iter().any(exits)
    }
    match &body.node {
        Node::Simple { words, .. } => words.first().and_then(Word::bare) == Some("exit"),
        Node::Group(body) => block(body),
        Node::If { arms, otherwise } => {
            arms.iter().any(|(_, body)| block(body)) || otherwise.as_deref().is_some_and(block)
        }
        Node::AndOr { first, rest } => exits(first) || rest.iter().any(|(_, stmt)| exits(stmt)),
        _ => false,
    }
}
