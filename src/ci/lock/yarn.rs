//! `yarn.lock`: the format of version 1, and YAML since version 2.

use super::{Read, Wanted};
use crate::ci::yaml;

pub(super) fn read(bytes: &[u8], wanted: &Wanted) -> Read {
    let berry = memchr::memmem::find(bytes, b"__metadata:").is_some();
    if berry { modern(bytes, wanted) } else { classic(bytes, wanted) }
}

/// ```text
/// axios@^1.0.0, "axios@^1.2.0":
///   version "1.14.1"
/// ```
fn classic(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    let text = String::from_utf8_lossy(bytes);
    // Wanted packages of the entry above, with its line.
    let mut open: Option<(Vec<String>, u32)> = None;
    let left_open = |open: &mut Option<(Vec<String>, u32)>, read: &mut Read| {
        if let Some((names, line)) = open.take() {
            read.trouble(line, format!("no version of `{}`", names.join("`, `")));
        }
    };
    for (line, content) in (1_u32..).zip(text.lines()) {
        if content.trim().is_empty() || content.starts_with('#') {
            continue;
        }
        if !content.starts_with([' ', '\t']) {
            left_open(&mut open, &mut read);
            match content.trim_end().strip_suffix(':') {
                Some(header) => {
                    let mut names: Vec<String> = patterns(header, wanted).collect();
                    names.sort();
                    names.dedup();
                    open = (!names.is_empty()).then_some((names, line));
                }
                None => read.trouble(line, "a line that is no entry"),
            }
        } else if let Some(version) = content.trim().strip_prefix("version ")
            && let Some((names, line)) = open.take()
        {
            for name in names {
                read.add(name, version.trim().trim_matches('"'), line, None);
            }
        }
    }
    left_open(&mut open, &mut read);
    // A broken file says so once.
    read.troubles.truncate(10);
    read
}

/// Wanted names of `axios@^1.0.0, "@s/x@npm:axios@1"`.
fn patterns<'h>(header: &'h str, wanted: &'h Wanted) -> impl Iterator<Item = String> + 'h {
    header.split(',').filter_map(move |pattern| {
        let pattern = pattern.trim().trim_matches('"');
        let spec = pattern.split_once("@npm:").map_or(pattern, |(before, aliased)| {
            if aliased.trim_start_matches('@').contains('@') { aliased } else { before }
        });
        wanted.find("npm", name_of(spec))
    })
}

/// `axios@^1` is `axios`, `@s/x@1` is `@s/x`.
pub(super) fn name_of(spec: &str) -> &str {
    match spec.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => &spec[..at],
        None => spec,
    }
}

/// Each entry has a `resolution: "axios@npm:1.14.1"`.
fn modern(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    let parsed = yaml::parse(bytes);
    for entry in parsed.root.iter().flat_map(|root| root.entries()) {
        let field = |key: &str| entry.value.get(key).and_then(|node| node.text());
        let Some((name, locator)) = field("resolution")
            .and_then(|resolution| resolution.split_at_checked(name_of(resolution).len()))
        else {
            continue;
        };
        let Some(name) = wanted.find("npm", name) else { continue };
        // `@workspace:` is code of the repository.
        if !locator.starts_with("@workspace:") {
            let version = field("version").unwrap_or_else(|| locator.trim_start_matches("@npm:"));
            read.add(name, version, entry.key_line, None);
        }
    }
    super::pnpm::yaml_troubles(&parsed, &mut read);
    read
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Wanted};

    fn found(text: &str) -> Vec<String> {
        let read = Format::Yarn.read(text.as_bytes(), &Wanted::new(["npm:axios", "npm:@s/x"]));
        let mut lines: Vec<String> =
            read.locked.iter().map(|l| format!("{} {} :{}", l.name, l.version, l.line)).collect();
        lines.extend(read.troubles.iter().map(|t| format!("{}: {}", t.line, t.reason)));
        lines
    }

    #[test]
    fn classic() {
        let text = "# yarn lockfile v1\n\naxios@^1.0.0, axios@^1.2.0:\n  version \"1.14.1\"\n  dependencies:\n    \"@s/x\" \"^1\"\n\n\"@s/x@^1\":\n  version \"1.0.0\"\n\n\"mine@npm:axios@0.9.0\":\n  version \"0.9.0\"\n";
        assert_eq!(
            found(text),
            ["npm:@s/x 1.0.0 :8", "npm:axios 0.9.0 :11", "npm:axios 1.14.1 :3"]
        );
        assert_eq!(found("axios@1:\n"), ["1: no version of `npm:axios`"]);
        assert_eq!(
            found("<<<<<<< HEAD\naxios@1:\n  version \"1\"\n")[1],
            "1: a line that is no entry"
        );
    }

    #[test]
    fn modern() {
        let text = "__metadata:\n  version: 8\n\n\"axios@npm:^1.0.0, axios@npm:^1.2.0\":\n  version: 1.14.1\n  resolution: \"axios@npm:1.14.1\"\n\n\"@s/x@workspace:p\":\n  version: 0.0.0-use.local\n  resolution: \"@s/x@workspace:p\"\n";
        assert_eq!(found(text), ["npm:axios 1.14.1 :4"]);
        let cut = "__metadata:\n  version: 8\n\"axios@npm:1\":\n  version: [\n";
        assert!(found(cut)[0].contains(": "), "{:?}", found(cut));
    }
}
