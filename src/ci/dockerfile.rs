//! Dockerfiles: instructions with their lines, as far as images and commands go.

/// One instruction; continued lines are one, comments inside it are gone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Instruction {
    /// Upper case.
    pub(crate) name: String,
    pub(crate) arguments: String,
    /// Texts of here-documents.
    pub(crate) documents: Vec<(u32, String)>,
    pub(crate) line: u32,
}

/// What a Dockerfile holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dockerfile {
    /// The image of `# syntax=`: it reads the file, and runs the build.
    pub(crate) syntax: Option<(u32, String)>,
    pub(crate) instructions: Vec<Instruction>,
    /// Line and text of what is no instruction.
    pub(crate) odd: Vec<(u32, String)>,
}

const KNOWN: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

pub(crate) fn parse(text: &str) -> Dockerfile {
    let mut file = Dockerfile::default();
    let mut escape = '\\';
    let mut lines = (1_u32..).zip(text.trim_start_matches('\u{feff}').lines()).peekable();
    // Directives stand before everything else.
    while let Some((number, line)) = lines.peek().copied() {
        let directive = line.trim().strip_prefix('#').and_then(|line| line.split_once('='));
        match directive.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim())) {
            Some((name, value)) if name == "syntax" => {
                file.syntax = Some((number, value.to_owned()));
            }
            Some((name, value)) if name == "escape" => {
                escape = value.chars().next().unwrap_or(escape);
            }
            Some((name, _)) if name == "check" => {}
            _ => break,
        }
        lines.next();
    }
    while let Some((number, line)) = lines.next() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let mut whole = line.trim_end().to_owned();
        while whole.ends_with(escape) {
            whole.pop();
            let Some((_, next)) = lines.next() else { break };
            if next.trim_start().starts_with('#') || next.trim().is_empty() {
                whole.push(escape);
            } else {
                whole.push_str(next.trim_end());
            }
        }
        let whole = whole.trim();
        let (name, arguments) = whole.split_once(char::is_whitespace).unwrap_or((whole, ""));
        let name = name.to_ascii_uppercase();
        if !KNOWN.contains(&name.as_str()) {
            file.odd.push((number, whole.chars().take(200).collect()));
            continue;
        }
        let mut documents = Vec::new();
        if matches!(name.as_str(), "RUN" | "COPY" | "ADD") {
            for end in ends(arguments) {
                let first = lines.peek().map_or(number, |(number, _)| *number);
                let body: Vec<&str> = lines
                    .by_ref()
                    .map(|(_, line)| line)
                    .take_while(|line| line.trim() != end)
                    .collect();
                documents.push((first, body.join("\n")));
            }
        }
        let arguments = arguments.trim().to_owned();
        file.instructions.push(Instruction { name, arguments, documents, line: number });
    }
    file
}

/// The words that end the here-documents of a line: `<<EOF`, `<<-"EOF"`.
fn ends(arguments: &str) -> Vec<String> {
    let words = arguments.split_whitespace().filter_map(|word| word.strip_prefix("<<"));
    let plain = |word: &str| word.trim_start_matches('-').trim_matches(['"', '\'']).to_owned();
    let is_name = |word: &String| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    words.map(plain).filter(is_name).collect()
}

/// `--from=image --chown=x a b` → options and operands.
pub(crate) fn options(arguments: &str) -> (Vec<(&str, &str)>, &str) {
    let mut options = Vec::new();
    let mut rest = arguments.trim_start();
    while let Some(option) = rest.strip_prefix("--") {
        let end = option.find(char::is_whitespace).unwrap_or(option.len());
        options.push(option[..end].split_once('=').unwrap_or((&option[..end], "")));
        rest = option[end..].trim_start();
    }
    (options, rest)
}

#[cfg(test)]
mod tests {
    use super::{options, parse};

    #[test]
    fn instructions() {
        let text = "# syntax=docker/dockerfile:1\n# comment\nfrom --platform=x a:1 AS b\nRUN a \\\n  # c\n  && b\nRUN <<EOF\nx\ny\nEOF\nOOPS\nCOPY --from=c /a /b\n";
        let file = parse(text);
        assert_eq!(file.syntax, Some((1, "docker/dockerfile:1".to_owned())));
        let found: Vec<_> =
            file.instructions.iter().map(|i| (i.line, &*i.name, &*i.arguments)).collect();
        assert_eq!(
            found,
            [
                (3, "FROM", "--platform=x a:1 AS b"),
                (4, "RUN", "a   && b"),
                (7, "RUN", "<<EOF"),
                (12, "COPY", "--from=c /a /b"),
            ]
        );
        assert_eq!(file.instructions[2].documents, [(8, "x\ny".to_owned())]);
        assert_eq!(file.odd, [(11, "OOPS".to_owned())]);
        assert_eq!(options("--from=c --link /a"), (vec![("from", "c"), ("link", "")], "/a"));
    }

    #[test]
    fn hostile_files_end() {
        assert_eq!(parse("RUN a \\").instructions.len(), 1);
        assert_eq!(parse("RUN <<EOF\nx").instructions[0].documents.len(), 1);
        assert!(parse(&"\\\n".repeat(100_000)).instructions.is_empty());
        assert_eq!(parse(&"RUN <<A <<B <<C\n".repeat(10_000)).instructions.len(), 1);
    }
}
