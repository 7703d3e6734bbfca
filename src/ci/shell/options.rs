//! Command lines: options and operands, by the conventions of `getopt`.

use super::value::{Text, Value};

/// Which options of a program take a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grammar {
    pub(super) short: &'static str,
    /// Names, separated by blanks.
    pub(super) long: &'static str,
    /// The first operand ends the options: the rest is another command.
    pub(super) stop: bool,
    /// `-name value` is one option, as in Go programs.
    pub(super) single_dash: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Parsed {
    pub(super) options: Vec<(String, Option<Value>)>,
    pub(super) operands: Vec<Value>,
}

impl Parsed {
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|(name, _)| names.contains(&name.as_str()))
    }

    pub(super) fn value(&self, names: &[&str]) -> Option<&Value> {
        let mut named = self.options.iter().filter(|(name, _)| names.contains(&name.as_str()));
        named.find_map(|(_, value)| value.as_ref())
    }

    pub(super) fn values<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Value> {
        self.options
            .iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .filter_map(|(_, value)| value.as_ref())
    }
}

impl Grammar {
    /// `argv` without the program's name.
    pub(super) fn parse(&self, argv: &[Value]) -> Parsed {
        let mut parsed = Parsed::default();
        let mut rest = argv.iter();
        while let Some(argument) = rest.next() {
            let text = argument.first();
            if text == "--" {
                parsed.operands.extend(rest.cloned());
                break;
            }
            if let Some(long) = text.strip_prefix("--") {
                let option = self.long_option(long, argument, "--", &mut rest);
                parsed.options.push(option);
            } else if self.single_dash && text.len() > 2 && text.starts_with('-') {
                let option = self.long_option(&text[1..], argument, "-", &mut rest);
                parsed.options.push(option);
            } else if text.len() > 1 && text.starts_with('-') {
                self.short_options(&text[1..], argument, &mut rest, &mut parsed);
            } else {
                parsed.operands.push(argument.clone());
                if self.stop {
                    parsed.operands.extend(rest.cloned());
                    break;
                }
            }
        }
        parsed
    }

    fn long_option<'a>(
        &self,
        text: &str,
        argument: &Value,
        dashes: &str,
        rest: &mut impl Iterator<Item = &'a Value>,
    ) -> (String, Option<Value>) {
        if let Some((name, _)) = text.split_once('=') {
            let value = strip(argument, &format!("{dashes}{name}="));
            return (name.to_owned(), Some(value));
        }
        let takes = listed(self.long, text);
        (text.to_owned(), takes.then(|| rest.next().cloned()).flatten())
    }

    fn short_options<'a>(
        &self,
        cluster: &str,
        argument: &Value,
        rest: &mut impl Iterator<Item = &'a Value>,
        parsed: &mut Parsed,
    ) {
        for (at, c) in cluster.char_indices() {
            let takes = self.short.contains(c);
            if !takes {
                parsed.options.push((c.to_string(), None));
                continue;
            }
            let inside = &cluster[at + c.len_utf8()..];
            let value = if inside.is_empty() {
                rest.next().cloned()
            } else {
                let before = argument.first().len() - inside.len();
                Some(strip(argument, &argument.first()[..before]))
            };
            parsed.options.push((c.to_string(), value));
            return;
        }
    }
}

/// Whether `word` is one of the blank-separated words of `list`.
pub(super) fn listed(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split_ascii_whitespace().any(|known| known == word)
}

/// `value` without `prefix` in each candidate.
pub(super) fn strip(value: &Value, prefix: &str) -> Value {
    let texts = value
        .texts
        .iter()
        .map(|text| match text.s.strip_prefix(prefix) {
            Some(rest) => Text {
                s: rest.to_owned(),
                lines: text
                    .lines
                    .iter()
                    .map(|(at, line)| (at.saturating_sub(prefix.len()), *line))
                    .collect(),
                file: text.file.clone(),
            },
            None => text.clone(),
        })
        .collect();
    Value { texts, flows: value.flows.clone() }
}

#[cfg(test)]
mod tests {
    use super::{Grammar, Value};

    #[test]
    fn clusters_and_long_options() {
        let grammar = Grammar { short: "o", long: "header", ..Grammar::default() };
        let argv: Vec<Value> =
            ["-fsSLo", "out", "--header", "A: b", "--x=y", "url", "-oz"].map(Value::plain).into();
        let parsed = grammar.parse(&argv);
        let values: Vec<&str> = parsed.values(&["o"]).map(Value::first).collect();
        assert_eq!(values, ["out", "z"]);
        assert_eq!(parsed.value(&["header"]).map(Value::first), Some("A: b"));
        assert_eq!(parsed.value(&["x"]).map(Value::first), Some("y"));
        assert_eq!(parsed.operands.len(), 1);
        assert!(parsed.has(&["f"]) && parsed.has(&["L"]));
    }
}
