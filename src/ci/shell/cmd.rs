//! Batch files: one command per line, `%NAME%`, `&&`, `|`, `>`.

use super::{
    interpreters::lines_only,
    machine::{Effect, Frame, Machine},
    value::{Text, Value},
};

/// `cmd /c command`
pub(super) fn start(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Effect {
    let option = argv.iter().position(|value| {
        matches!(value.first().to_ascii_lowercase().as_str(), "/c" | "/k" | "//c" | "/s/c")
    });
    let Some(option) = option else { return Effect::default() };
    let mut value = Value::default();
    for (number, word) in argv[option + 1..].iter().enumerate() {
        if number > 0 {
            value.append(&Value::plain(" "));
        }
        value.append(word);
    }
    let mut inner = frame.child();
    text(machine, &mut inner, &value, at)
}

pub(super) fn text(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    value: &Value,
    at: usize,
) -> Effect {
    let Some(text) = value.texts.first().cloned() else { return Effect::default() };
    machine.deeper(frame, at, |machine, frame| {
        let caller = frame.place(at);
        let source = lines_only(frame, value, at);
        let outer = std::mem::replace(&mut frame.source, source);
        frame.via.push(caller);
        let mut batch = Batch { machine, frame };
        batch.lines(&text);
        frame.via.pop();
        frame.source = outer;
        Effect::default()
    })
}

struct Batch<'b, 's, 'a> {
    machine: &'b mut Machine<'s, 'a>,
    frame: &'b mut Frame,
}

impl Batch<'_, '_, '_> {
    fn lines(&mut self, text: &Text) {
        let mut at = 0;
        let mut joined = String::new();
        let mut joined_at = 0;
        for line in text.s.split_inclusive('\n') {
            let body = line.trim_end_matches(['\n', '\r']);
            if joined.is_empty() {
                joined_at = at;
            }
            at += line.len();
            if let Some(continued) = body.strip_suffix('^') {
                joined.push_str(continued);
                joined.push(' ');
                continue;
            }
            joined.push_str(body);
            let whole = std::mem::take(&mut joined);
            self.line(&whole, joined_at);
        }
        if !joined.is_empty() {
            self.line(&joined, joined_at);
        }
    }

    fn line(&mut self, line: &str, at: usize) {
        let line = line.trim().trim_start_matches('@');
        let lower = line.to_ascii_lowercase();
        if lower.starts_with("rem ") || line.starts_with(':') || lower == "rem" {
            return;
        }
        for piece in split(line) {
            let mut stdin = Value::default();
            for stage in piece {
                stdin = self.stage(&stage, at, stdin);
            }
        }
    }

    fn stage(&mut self, stage: &str, at: usize, stdin: Value) -> Value {
        let stage = stage.trim().trim_matches(['(', ')']).trim().trim_start_matches('@');
        let stage = behind_control(stage);
        let (words, outputs) = words(stage);
        if words.is_empty() {
            return Value::default();
        }
        let mut argv: Vec<Value> = words.iter().map(|word| self.expand(word)).collect();
        let name = argv[0].first().to_ascii_lowercase();
        match name.as_str() {
            "set" => {
                self.set(stage);
                return Value::default();
            }
            "call" | "start" => {
                argv.remove(0);
                // `start "title" /wait program`
                while argv
                    .first()
                    .is_some_and(|value| value.first().starts_with('/') || value.is_empty())
                {
                    argv.remove(0);
                }
            }
            "type" => argv[0] = Value::plain("cat"),
            "copy" | "move" | "xcopy" => argv[0] = Value::plain("cp"),
            "cd" | "chdir" => {
                argv.retain(|value| !value.first().eq_ignore_ascii_case("/d"));
                argv[0] = Value::plain("cd");
            }
            _ => {}
        }
        if argv.is_empty() {
            return Value::default();
        }
        for value in argv.iter_mut().filter(|value| !value.first().contains("://")) {
            if value.first().contains('\\') && !value.first().contains(' ') {
                *value = value.map(|text| text.replace('\\', "/"));
            }
        }
        let outer = std::mem::replace(&mut self.frame.stdin, stdin);
        let effect = self.machine.batch_command(self.frame, argv, at);
        self.frame.stdin = outer;
        let mut out = effect.out;
        for (target, append) in outputs {
            let target = self.expand(&target).map(|text| text.replace('\\', "/"));
            self.machine.write_paths(self.frame, &target, &out, append);
            out = Value::default();
        }
        out
    }

    /// `set NAME=value`, `set "NAME=value"`
    fn set(&mut self, stage: &str) {
        let rest = stage.get(3..).unwrap_or_default().trim().trim_matches('"');
        if let Some((name, value)) = rest.split_once('=')
            && !name.starts_with('/')
        {
            let value = self.expand(value);
            self.frame.set(name.trim(), value, true);
        }
    }

    /// Replaces `%NAME%`.
    fn expand(&mut self, word: &str) -> Value {
        let mut value = Value::default();
        let mut rest = word;
        while let Some(start) = rest.find('%') {
            value.append(&Value::plain(&rest[..start]));
            let inside = &rest[start + 1..];
            let Some(end) = inside.find('%').filter(|end| *end > 0) else {
                value.append(&Value::plain(&rest[start..]));
                return value;
            };
            let name = &inside[..end];
            let part = match self.machine.variable(self.frame, name) {
                Some(part) => part,
                None => self.machine.unknown(&format!("%{name}%")),
            };
            value.append(&part);
            rest = &inside[end + 1..];
        }
        value.append(&Value::plain(rest));
        value
    }
}

impl Machine<'_, '_> {
    /// A command of a batch file or of PowerShell: other endings make a program there.
    pub(super) fn batch_command(
        &mut self,
        frame: &mut Frame,
        mut argv: Vec<Value>,
        at: usize,
    ) -> Effect {
        let name = argv[0].first().to_owned();
        let known = self.world.states.contains_key(&self.path(frame, &name));
        if !known {
            for ending in [".bat", ".cmd", ".exe", ".ps1"] {
                let path = self.path(frame, &format!("{name}{ending}"));
                let there = self.world.states.contains_key(&path)
                    || (ending != ".exe" && !name.is_empty() && self.world.in_repository(&path));
                if there {
                    argv[0] = Value::plain(path);
                    return self.command(frame, argv, at);
                }
            }
        }
        // The working directory is searched first.
        let here = self.path(frame, &name);
        if !name.contains('/')
            && !name.is_empty()
            && (known || (name.contains('.') && self.world.in_repository(&here)))
        {
            argv[0] = Value::plain(here);
        }
        self.command(frame, argv, at)
    }
}

/// Commands of a line, each as its stages of a pipe.
fn split(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '^' if !quoted => {
                if let Some(next) = chars.next() {
                    last(&mut commands).push(next);
                }
                continue;
            }
            '&' | '|' if !quoted => {
                if chars.peek() == Some(&c) {
                    chars.next();
                    commands.push(vec![String::new()]);
                } else if c == '&' {
                    // `2>&1` is no separator.
                    if last(&mut commands).ends_with('>') {
                        last(&mut commands).push(c);
                        continue;
                    }
                    commands.push(vec![String::new()]);
                } else if let Some(stages) = commands.last_mut() {
                    stages.push(String::new());
                }
                continue;
            }
            _ => {}
        }
        last(&mut commands).push(c);
    }
    commands
}

fn last(commands: &mut [Vec<String>]) -> &mut String {
    // Both lists begin with one element and only grow.
    commands.last_mut().and_then(|stages| stages.last_mut()).expect("never empty")
}

/// `if … command`, `for … do command`: the command.
fn behind_control(stage: &str) -> &str {
    let lower = stage.to_ascii_lowercase();
    if lower.starts_with("for ")
        && let Some(at) = lower.find(" do ")
    {
        return behind_control(stage[at + 4..].trim_start_matches(['(', ' ']));
    }
    if lower.starts_with("else ") {
        return behind_control(stage[5..].trim_start_matches(['(', ' ']));
    }
    if let Some(condition) = lower.strip_prefix("if ") {
        let mut rest = stage[3..].trim_start();
        let mut take = |count: usize| {
            for _ in 0..count {
                rest = rest.trim_start();
                rest = rest.find(char::is_whitespace).map_or("", |at| &rest[at..]);
            }
        };
        let words: Vec<&str> = condition.split_whitespace().collect();
        let negated = usize::from(words.first() == Some(&"not"));
        let length = match words.get(negated).copied() {
            Some("exist" | "errorlevel" | "defined") => 2,
            Some(word) if word.contains("==") => 1,
            _ => 3,
        };
        take(negated + length);
        return behind_control(rest.trim_start().trim_start_matches(['(', ' ']));
    }
    stage
}

/// Words, and where the output goes.
fn words(stage: &str) -> (Vec<String>, Vec<(String, bool)>) {
    let (mut words, mut outputs) = (Vec::new(), Vec::new());
    let mut word = String::new();
    let (mut quoted, mut any) = (false, false);
    let mut redirect: Option<bool> = None;
    let mut chars = stage.chars().chain([' ']).peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                any = true;
            }
            '>' if !quoted => {
                // `2>` is the error output.
                let number = matches!(word.as_str(), "1" | "2");
                let error = word == "2";
                if !number && !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                word.clear();
                let append = chars.next_if_eq(&'>').is_some();
                redirect = (!error).then_some(append);
                if error {
                    while chars.next_if(|c| !c.is_whitespace()).is_some() {}
                }
            }
            c if c.is_whitespace() && !quoted => {
                if word.is_empty() && !any {
                    continue;
                }
                let done = std::mem::take(&mut word);
                any = false;
                match redirect.take() {
                    Some(append) => outputs.push((done, append)),
                    None => words.push(done),
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word.trim_end().to_owned());
    }
    (words, outputs)
}

#[cfg(test)]
mod tests {
    use super::{split, words};

    #[test]
    fn lines_split() {
        assert_eq!(split("a && b | c & d 2>&1").len(), 3);
        assert_eq!(split("echo \"a && b\"").len(), 1);
        let (argv, outputs) = words("curl \"a b\" > x.txt 2>nul");
        assert_eq!(argv, ["curl", "a b"]);
        assert_eq!(outputs, [("x.txt".to_owned(), false)]);
    }
}
