//! Walks statements in the order in which they may run; every branch is taken.

use std::rc::Rc;

use super::ast::{Assign, AssignValue, Block, Link, Node, Redirect, RedirectKind, Stmt, Word};
use crate::ci::{
    model::{Certainty, Verified},
    shell::{
        component::Use,
        machine::{Checks, Effect, Frame, Machine, Source, Started, Variable},
        value::{Text, Value, is_mark},
        verify,
        world::resolve,
    },
};

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
            let done = self.deeper(frame, at, |machine, frame| machine.one_text(frame, text, at));
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
                self.spend_bytes(frame.vars.len() * 64);
                let mut inner = frame.clone();
                let mut effect =
                    self.deeper(&mut inner, stmt.at, |machine, frame| machine.block(frame, body));
                if effect.ends {
                    // `(… || exit 1)` fails; it ends the script under `set -e` only.
                    effect.ends = false;
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
                frame.functions.insert(name.clone(), function);
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
                    }
                    left.success.append(&mut right.success);
                    left.failure.clear();
                    left.fatal = right.fatal;
                }
                Link::Or => {
                    if right.ends {
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

    fn if_clause(
        &mut self,
        frame: &mut Frame,
        arms: &[(Block, Block)],
        otherwise: Option<&Block>,
    ) -> Effect {
        let mut whole = Effect { ends: true, ..Effect::default() };
        self.spend_bytes(frame.vars.len() * 256);
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

    fn for_clause(
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

    fn case_clause(
        &mut self,
        frame: &mut Frame,
        subject: &Word,
        arms: &[(Vec<Word>, Block)],
    ) -> Effect {
        let subject = self.single(frame, subject);
        let known = subject.texts.len() == 1 && !subject.first().chars().any(is_mark);
        let mut whole = Effect::default();
        self.spend_bytes(frame.vars.len() * 256);
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
        let caller = frame.place(at);
        let args = std::mem::replace(&mut frame.args, argv);
        let outer = std::mem::replace(&mut frame.source, source);
        frame.via.push(caller);
        let mut effect =
            self.deeper(frame, body.at, |machine, frame| machine.statement(frame, &body));
        frame.via.pop();
        frame.source = outer;
        frame.args = args;
        if effect.ends && !exits(&body) {
            effect.ends = false;
        }
        effect
    }

    /// What a path names as a program that reads it sees it.
    pub(in crate::ci::shell) fn file_content(
        &mut self,
        frame: &Frame,
        path: &Value,
    ) -> Option<Value> {
        let mut content: Option<Value> = None;
        for text in &path.texts {
            let found = self.content_of(frame, &text.s);
            if let Some(found) = found {
                match &mut content {
                    Some(content) => content.or(&found),
                    None => content = Some(found),
                }
            }
        }
        content
    }

    fn content_of(&mut self, frame: &Frame, path: &str) -> Option<Value> {
        if matches!(path, "/dev/stdin" | "-" | "/dev/fd/0" | "/proc/self/fd/0") {
            return Some(frame.stdin.clone());
        }
        let mut chars = path.chars();
        if let (Some(mark), None) = (chars.next(), chars.next())
            && let Some(content) = self.world.unknowns.behind(mark).and_then(|u| u.content.clone())
        {
            return Some(content.as_ref().clone());
        }
        let path = self.path(frame, path);
        self.world.read(&path).or_else(|| self.repository_text(&path))
    }

    /// Absolute path of `text` as seen from the process.
    pub(in crate::ci::shell) fn path(&self, frame: &Frame, text: &str) -> String {
        let resolved = resolve(&frame.cwd, text);
        for (inside, outside) in &frame.mounts {
            if let Some(rest) = resolved.strip_prefix(inside.as_str())
                && (rest.is_empty() || rest.starts_with('/'))
            {
                return resolve(outside, rest.trim_start_matches('/'));
            }
        }
        resolved
    }

    /// A word of fetched bytes in the place of a command: `$(curl …)`.
    pub(in crate::ci::shell) fn runs_word(
        &mut self,
        frame: &Frame,
        argv: &[Value],
        at: usize,
    ) -> bool {
        let Some(first) = argv.first() else { return false };
        let blobs: Vec<_> = first
            .texts
            .iter()
            .filter_map(|text| text.s.trim_start().chars().next())
            .filter_map(|c| self.world.unknowns.behind(c))
            .flat_map(|unknown| unknown.blobs.clone())
            .collect();
        if blobs.is_empty() {
            return false;
        }
        let started = Started { frame, at, argv: &argv[1..], reads_stdin: true };
        self.runs(started, &blobs, Use::Interpreted);
        true
    }

    fn settle(&mut self, checks: &Checks) {
        for (path, verified) in checks {
            if let Some(state) = self.world.states.get_mut(path) {
                state.verified = state.verified.max(Some(*verified));
            }
        }
    }

    /// Takes `checks` for true in one branch; gives back what [`Self::forget`] needs.
    fn assume(&mut self, checks: &Checks) -> Vec<(String, Option<Verified>)> {
        let mut before = Vec::new();
        for (path, verified) in checks {
            if let Some(state) = self.world.states.get_mut(path) {
                before.push((path.clone(), state.verified));
                state.verified = state.verified.max(Some(*verified));
            }
        }
        before
    }

    fn forget(&mut self, before: Vec<(String, Option<Verified>)>) {
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

/// Variables and directory behind alternatives: what any of them may have left.
struct Branches {
    start: Frame,
    ended: Vec<Frame>,
}

impl Branches {
    fn start(frame: &Frame) -> Self {
        Self { start: frame.clone(), ended: Vec::new() }
    }

    fn enter(&mut self, frame: &mut Frame) {
        frame.vars.clone_from(&self.start.vars);
        frame.cwd.clone_from(&self.start.cwd);
    }

    /// A branch that ended the script leaves nothing behind.
    fn leave(&mut self, frame: &Frame, ends: bool) {
        if !ends {
            self.ended.push(frame.clone());
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
            first.functions.extend(end.functions);
        }
        frame.vars = first.vars;
        frame.cwd = first.cwd;
        frame.functions.extend(first.functions);
        frame.certainty = frame.certainty.max(Certainty::Inferred);
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
