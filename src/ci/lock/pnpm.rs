//! `pnpm-lock.yaml`, versions 5 to 9.

use super::{Read, Wanted};
use crate::ci::yaml::{self, Effect, Parsed};

pub(super) fn read(bytes: &[u8], wanted: &Wanted) -> Read {
    by_lines(bytes, wanted).unwrap_or_else(|| by_tree(bytes, wanted))
}

/// The layout that pnpm writes, line by line: as a tree, a file of a megabyte takes a hundred.
///
/// `None` where a line is not as pnpm writes it.
fn by_lines(bytes: &[u8], wanted: &Wanted) -> Option<Read> {
    let mut read = Read::default();
    let text = std::str::from_utf8(bytes).ok()?;
    let mut inside = false;
    // The entry above: name, version, line, `requiresBuild`.
    let mut open: Option<(String, String, u32, Option<bool>)> = None;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let content = line.trim_start_matches(' ');
        let depth = line.len() - content.len();
        if content.is_empty() || content.starts_with('#') || line == "---" {
            continue;
        }
        if content.starts_with('\t') {
            return None;
        }
        if depth <= 2
            && let Some((name, version, line, builds)) = open.take()
        {
            read.add(name, &version, line, builds);
        }
        match depth {
            0 => {
                let (key, value) = content.split_once(':')?;
                inside = matches!(key, "packages" | "snapshots");
                let odd = key.contains([' ', '<', '>', '=', '?', '&', '{', '[', '"', '\'']);
                if odd || (inside && !value.trim().is_empty()) {
                    return None;
                }
            }
            2 if inside => {
                let key = content.strip_suffix(':').or_else(|| content.strip_suffix(": {}"))?;
                let key = key.trim_matches(['\'', '"']);
                if key.starts_with(['?', '&', '*', '<', '{', '[', '-']) || key.contains(": ") {
                    return None;
                }
                let named = package(key).and_then(|(name, version)| {
                    Some((wanted.find("npm", name)?, version.to_owned(), number, None))
                });
                open = named;
            }
            4 if inside => {
                if let (Some(value), Some(entry)) =
                    (content.strip_prefix("requiresBuild:"), open.as_mut())
                {
                    entry.3 = Some(value.trim() == "true");
                }
            }
            1 | 3 => return None,
            _ => {}
        }
    }
    if let Some((name, version, line, builds)) = open {
        read.add(name, &version, line, builds);
    }
    // A file that is cut inside brackets or quotes is for the reader of trees to judge.
    let last = text.trim_end();
    let whole = text.ends_with('\n') && !last.ends_with(['[', '{', ',']);
    whole.then_some(read)
}

fn by_tree(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    let parsed = yaml::parse(bytes);
    let sections = parsed.root.iter().flat_map(|root| root.entries());
    for section in sections.filter(|s| matches!(&*s.key.text, "packages" | "snapshots")) {
        if section.value.entries().is_empty() && !section.value.is_null() && !is_map(&section.value)
        {
            read.trouble(section.key_line, format!("`{}` is no mapping", section.key.text));
        }
        for entry in section.value.entries() {
            let Some((name, version)) = package(&entry.key.text) else { continue };
            let Some(name) = wanted.find("npm", name) else { continue };
            // Written where it is true; gone since version 9, where nothing can be told.
            let builds = entry.value.get("requiresBuild").and_then(|node| node.text());
            read.add(name, version, entry.key_line, builds.map(|text| text == "true"));
        }
    }
    yaml_troubles(&parsed, &mut read);
    read
}

fn is_map(node: &yaml::Node) -> bool {
    matches!(node.kind, yaml::NodeKind::Map(_))
}

/// `/axios/1.14.1_peer` (5), `/axios@1.14.1(peer)` (6), `axios@1.14.1(peer)` (9).
fn package(key: &str) -> Option<(&str, &str)> {
    let key = key.split('(').next()?;
    let slashed = key.strip_prefix('/');
    let key = slashed.unwrap_or(key);
    let scope = if key.starts_with('@') { key.find('/')? + 1 } else { 0 };
    let at = key[scope..].find(['@', '/']).map(|at| at + scope)?;
    let (name, version) = (&key[..at], &key[at + 1..]);
    let version = if slashed.is_some() { version.split('_').next()? } else { version };
    Some((name, version))
}

/// What the reader lost; a byte that was replaced is no loss.
pub(super) fn yaml_troubles(parsed: &Parsed, read: &mut Read) {
    for trouble in parsed.troubles.iter().take(10) {
        if matches!(trouble.effect, Effect::Lost | Effect::Ended) {
            read.trouble(trouble.line, trouble.reason.clone());
        }
    }
    if parsed.root.as_ref().is_some_and(|root| !is_map(root)) {
        read.trouble(1, "it is no mapping");
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Format, Wanted},
        package,
    };

    #[test]
    fn keys_of_all_versions() {
        for (key, expected) in [
            ("/axios/1.14.1", Some(("axios", "1.14.1"))),
            ("/axios/1.14.1_debug@4.3.4", Some(("axios", "1.14.1"))),
            ("/@s/x/1.0.0", Some(("@s/x", "1.0.0"))),
            ("/axios@1.14.1(debug@4.3.4)", Some(("axios", "1.14.1"))),
            ("/@s/x@1.0.0", Some(("@s/x", "1.0.0"))),
            ("axios@1.14.1(a@1)(b@2)", Some(("axios", "1.14.1"))),
            ("@s/x@1.0.0", Some(("@s/x", "1.0.0"))),
            ("axios", None),
            ("@s", None),
            ("", None),
        ] {
            assert_eq!(package(key), expected, "{key}");
        }
    }

    #[test]
    fn a_file() {
        let text = "lockfileVersion: '6.0'\nsettings:\n  x: true\npackages:\n\n  /axios@1.14.1:\n    resolution: {integrity: x}\n    requiresBuild: true\n  /b@1.0.0:\n    dependencies:\n      axios: 1.14.1\n";
        let wanted = Wanted::new(["npm:axios"]);
        let read = Format::Pnpm.read(text.as_bytes(), &wanted);
        let found: Vec<_> =
            read.locked.iter().map(|l| (&*l.version, l.line, l.install_code)).collect();
        assert_eq!(found, [("1.14.1", 6, Some(true))]);
        assert!(read.troubles.is_empty());
        let by_tree = super::by_tree(text.as_bytes(), &wanted);
        assert_eq!(super::by_lines(text.as_bytes(), &wanted).unwrap().locked, by_tree.locked);
        // Not as pnpm writes it, but YAML all the same.
        for text in [
            "packages: {axios@1.0.0: {}}\n",
            "packages:\n   axios@1.0.0:\n      x: y\n",
            "packages:\n  ? axios@1.0.0\n  : x: y\n",
            "\"packages\":\n  axios@1.0.0: {x: y}\n",
        ] {
            assert!(super::by_lines(text.as_bytes(), &wanted).is_none(), "{text}");
            let read = Format::Pnpm.read(text.as_bytes(), &wanted);
            assert_eq!(read.locked.len(), 1, "{text}");
        }
        let read = Format::Pnpm.read(b"packages:\n  axios@1.0.0: {a: [\n", &wanted);
        assert_eq!(read.troubles.len(), 1, "{read:?}");
    }
}
