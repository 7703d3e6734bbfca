//! Which commands are given secrets: it tells what the secrets are.

use std::sync::Arc;

use super::{
    machine::{Frame, Machine},
    value::Value,
    world::basename,
};
use crate::ci::{
    literal,
    model::{Command, Secret, Word},
};

const MOST_PROGRAMS: usize = 64;
const MOST_COMMANDS: usize = 64;
const MOST_WORDS: usize = 40;
/// Longer words are scripts and texts, which tell nothing more at their end.
const MOST_TEXT: usize = 300;

impl Machine<'_, '_> {
    /// Notes the program, and the command where a secret stands in it.
    pub(super) fn note_use(&mut self, frame: &Frame, argv: &[Value], at: usize) {
        let Some(name) = argv.first().map(|word| basename(word.first())) else { return };
        let name = name.strip_suffix(".exe").unwrap_or(name);
        let programs = &mut self.out.programs;
        if programs.len() < MOST_PROGRAMS && !programs.iter().any(|known| &**known == name) {
            let short: String = name.chars().take(MOST_TEXT).collect();
            programs.push(Arc::from(short));
        }
        if self.out.commands.len() >= MOST_COMMANDS {
            return;
        }
        let stdin = self.secrets_in(&frame.stdin);
        let secrets: Vec<Vec<Secret>> =
            argv.iter().take(MOST_WORDS).map(|word| self.secrets_in(word)).collect();
        // Nearly every command is given none, and its words are not looked at.
        if stdin.is_empty() && secrets.iter().all(Vec::is_empty) {
            return;
        }
        let words = argv.iter().zip(secrets).map(|(word, secrets)| self.word(word, secrets));
        let command = Command { words: words.collect(), stdin, place: frame.place(at) };
        if !self.out.commands.contains(&command) {
            self.out.commands.push(command);
        }
    }

    fn word(&self, value: &Value, secrets: Vec<Secret>) -> Word {
        let short: String = value.first().chars().take(MOST_TEXT).collect();
        let text = literal::masked(&self.world.unknowns.show(&short)).into_owned();
        Word { text, secrets }
    }

    fn secrets_in(&self, value: &Value) -> Vec<Secret> {
        let mut secrets: Vec<Secret> = Vec::new();
        for flow in self.world.unknowns.flows(value) {
            if !secrets.contains(&flow.secret) {
                secrets.push(flow.secret);
            }
        }
        secrets
    }
}
