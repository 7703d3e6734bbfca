//! One job: scripts in their order, over one world.

use std::{rc::Rc, sync::Arc};

use super::{
    ImageBuild, Outcome, ScriptInput, Shell, builds, cmd,
    component::Use,
    machine::{Frame, Machine, Source, Variable},
    posix::parse::parse,
    powershell, python,
    setting::Template,
    value::{Text, Unknown, Value, without_marks},
    world::{ENV_FILE, OUTPUT_FILE, PATH_FILE, World, resolve},
};
use crate::ci::{
    Files,
    model::{Binding, Gap, Hides, Mention, Place},
};

/// The shell side of one job.
#[expect(missing_debug_implementations, reason = "holds a `dyn Files`")]
pub struct Session<'a> {
    world: World<'a>,
}

impl<'a> Session<'a> {
    pub fn new(files: &'a dyn Files) -> Self {
        Self { world: World::new(files) }
    }

    /// The repository is put into a folder of the workspace, which is relative to its top.
    pub fn check_out(&mut self, folder: &str) {
        self.world.check_out(folder);
    }

    /// Follows one script. Steps come in the order in which they run.
    pub fn run(&mut self, input: &ScriptInput<'_>) -> Outcome {
        let fetched_before = self.world.fetches.len();
        let text = self.decoded(input);
        let template = Template::parse(input.template.unwrap_or_default());
        let mut machine = Machine::new(&mut self.world, input.text.len());
        let source =
            Source { file: Arc::clone(input.file), lines: text.lines.clone(), ..Source::default() };
        let cwd = resolve(super::world::CHECKOUT, input.workdir);
        let mut frame = Frame::new(Rc::new(source), cwd);
        bind(&mut machine, &mut frame, input.env);
        frame.errexit = template.errexit;
        frame.pipefail = template.pipefail;
        let value = Value { texts: vec![text], flows: Vec::new() };
        match &template.command {
            Some(argv) if input.shell != Shell::Other => machine.through(&mut frame, argv, &value),
            _ => script(&mut machine, &mut frame, input, &value),
        }
        machine.report_unrun(&frame, fetched_before);
        let mut outcome = machine.out;
        outcome.env_for_later_steps = self.assignments(ENV_FILE);
        outcome.outputs = self.assignments(OUTPUT_FILE);
        self.add_paths();
        outcome
    }

    /// An action builds an image of the repository.
    pub fn build(&mut self, image: &ImageBuild<'_>) -> Outcome {
        let mut machine = Machine::new(&mut self.world, 0);
        let file = Arc::clone(&image.place.file);
        let lines = vec![(0, image.place.line)];
        let source = Source { file, lines, ..Source::default() };
        let mut frame = Frame::new(Rc::new(source), super::world::CHECKOUT.to_owned());
        bind(&mut machine, &mut frame, image.passed);
        let passed = frame.vars.clone();
        builds::from_file(&mut machine, &frame, image.file, image.context, passed, 0);
        machine.out
    }

    /// Whether a fetch that was mentioned as not run was run after all, by this script or a later one.
    pub fn ran(&self, mention: &Mention) -> bool {
        self.world.fetches.iter().any(|fetch| {
            fetch.runs
                && fetch.place == mention.place
                && fetch.what.component(Use::Kept).name == mention.component.name
        })
    }

    /// The text with a mark for each `${{ … }}`, and its lines.
    fn decoded(&mut self, input: &ScriptInput<'_>) -> Text {
        let mut out = String::with_capacity(input.text.len());
        let mut lines = Vec::new();
        let mut from = 0;
        for placeholder in input.placeholders {
            let range = &placeholder.range;
            let plain = input.text.get(from..range.start);
            let (Some(plain), Some(shown)) = (plain, input.text.get(range.clone())) else {
                continue;
            };
            push_lines(input, plain, from, &mut out, &mut lines);
            if let Some(known) = Machine::known_context(shown) {
                out.push_str(known);
            } else if let ([value], true) =
                (placeholder.values.as_slice(), placeholder.flows.is_empty())
            {
                out.push_str(&without_marks(value));
            } else {
                let compact = compact(shown);
                let mark = if placeholder.flows.is_empty() && placeholder.values.is_empty() {
                    self.world.unknowns.named(&compact)
                } else {
                    let candidates =
                        placeholder.values.iter().map(|value| Text::new(without_marks(value)));
                    self.world.unknowns.mark(Unknown {
                        shown: Rc::from(compact.as_str()),
                        flows: placeholder.flows.clone(),
                        candidates: candidates.collect(),
                        ..Unknown::default()
                    })
                };
                out.push(mark);
            }
            from = range.end;
        }
        let rest = input.text.get(from..).unwrap_or_default();
        push_lines(input, rest, from, &mut out, &mut lines);
        Text { s: out, lines, file: Some(Arc::clone(input.file)) }
    }

    /// `NAME=value` lines and `NAME<<END` blocks that were written to one of the runner's files.
    fn assignments(&mut self, file: &str) -> Vec<Binding> {
        let Some(state) = self.world.states.remove(file) else { return Vec::new() };
        let mut bindings: Vec<Binding> = Vec::new();
        for text in &state.content.texts {
            for (name, value) in assigned_lines(&text.s) {
                let value = Value { flows: state.content.flows.clone(), ..Value::plain(value) };
                let variable = Variable { values: vec![value], exported: true, assigned: true };
                let name = self.world.unknowns.show(&name);
                let binding = self.world.binding(&name, &variable);
                match bindings.iter_mut().find(|known| known.name == name) {
                    Some(known) => merge(known, binding),
                    None => bindings.push(binding),
                }
            }
        }
        bindings
    }

    fn add_paths(&mut self) {
        let Some(state) = self.world.states.remove(PATH_FILE) else { return };
        for text in &state.content.texts {
            for line in text.s.lines().map(str::trim).filter(|line| !line.is_empty()) {
                let dir = resolve(super::world::CHECKOUT, &line.replace('\\', "/"));
                if !self.world.path.contains(&dir) && self.world.path.len() < 100 {
                    self.world.path.insert(0, dir);
                }
            }
        }
    }
}

fn push_lines(
    input: &ScriptInput<'_>,
    plain: &str,
    at: usize,
    out: &mut String,
    lines: &mut Vec<(usize, u32)>,
) {
    lines.push((out.len(), input.lines.line_at(at)));
    let start = out.len();
    out.push_str(&without_marks(plain));
    for (offset, _) in plain.match_indices('\n') {
        lines.push((start + offset + 1, input.lines.line_at(at + offset + 1)));
    }
}

/// `${{  a  }}` → `${{ a }}`
fn compact(shown: &str) -> String {
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn bind(machine: &mut Machine<'_, '_>, frame: &mut Frame, env: &[Binding]) {
    for binding in env {
        let value = match &binding.literal {
            Some(literal) => {
                Value { flows: binding.flows.clone(), ..Value::plain(without_marks(literal)) }
            }
            None if binding.flows.is_empty() => machine.unknown(&format!("${}", binding.name)),
            None => machine.world.unknowns.value(Unknown {
                shown: Rc::from(format!("${}", binding.name).as_str()),
                flows: binding.flows.clone(),
                ..Unknown::default()
            }),
        };
        let variable = Variable { values: vec![value], exported: true, assigned: false };
        frame.vars.insert(binding.name.clone(), variable);
    }
}

fn script(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    input: &ScriptInput<'_>,
    value: &Value,
) {
    match input.shell {
        Shell::Posix => {
            let Some(text) = value.texts.first() else { return };
            let source = Source {
                file: Arc::clone(input.file),
                script: parse(&text.s),
                lines: text.lines.clone(),
            };
            machine.syntax_gaps(&source, &text.s);
            frame.source = Rc::new(source);
            let printed = machine.script(frame).out;
            workflow_commands(machine, &printed);
        }
        Shell::PowerShell => powershell::text(machine, frame, value, 0),
        Shell::Python => python::text(machine, frame, value, 0),
        Shell::Cmd => {
            cmd::text(machine, frame, value, 0);
        }
        Shell::Other => {
            let place = Place { file: Arc::clone(input.file), line: input.lines.line_at(0) };
            let shown: String = input.text.chars().take(100_000).collect();
            machine.out.gaps.push(Gap {
                place,
                reason: "a script in a language that is not followed".to_owned(),
                hides: Hides::Text(Arc::from(shown)),
            });
        }
    }
}

/// `::set-output name=N::V` and `::set-env name=N::V` on standard output, as runners read them until 2023.
fn workflow_commands(machine: &mut Machine<'_, '_>, printed: &Value) {
    for text in &printed.texts {
        for line in text.s.lines() {
            for (command, file) in
                [("::set-output name=", OUTPUT_FILE), ("::set-env name=", ENV_FILE)]
            {
                let Some((name, value)) =
                    line.strip_prefix(command).and_then(|rest| rest.split_once("::"))
                else {
                    continue;
                };
                let mut content = Value::plain(format!("{name}={value}\n"));
                content.flows.clone_from(&printed.flows);
                machine.world.write(file, content, true);
            }
        }
    }
}

impl Machine<'_, '_> {
    /// A `shell:` that hands the script to another program: `nix develop -c bash {0}`.
    fn through(&mut self, frame: &mut Frame, template: &[String], script: &Value) {
        let file = self.world.unknowns.value(Unknown {
            shown: Rc::from("{0}"),
            content: Some(Rc::new(script.clone())),
            ..Unknown::default()
        });
        let argv = template
            .iter()
            .map(|word| {
                if word == "{0}" {
                    file.clone()
                } else {
                    Value::plain(word.replace("{0}", file.first()))
                }
            })
            .collect();
        self.command(frame, argv, 0);
    }
}

fn merge(known: &mut Binding, other: Binding) {
    for flow in other.flows {
        if !known.flows.contains(&flow) {
            known.flows.push(flow);
        }
    }
    known.literal = other.literal;
}

fn assigned_lines(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let equals = line.find('=').unwrap_or(usize::MAX);
        match line.find("<<") {
            Some(at) if at < equals => {
                let delimiter = line[at + 2..].trim();
                let body: Vec<&str> =
                    lines.by_ref().take_while(|line| line.trim() != delimiter).collect();
                found.push((line[..at].trim().to_owned(), body.join("\n")));
            }
            _ => {
                if let Some((name, value)) = line.split_once('=') {
                    found.push((name.trim().to_owned(), value.trim_end_matches('\r').to_owned()));
                }
            }
        }
        if found.len() >= 2_000 {
            break;
        }
    }
    found
}
