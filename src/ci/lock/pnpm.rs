//! `pnpm-lock.yaml`, versions 5 to 9.

use super::{Read, Wanted};
use crate::ci::yaml::{self, Effect, Parsed};

pub(super) fn read(bytes: &[u8], wanted: &Wanted) -> Read {
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
        let text = "lockfileVersion: '6.0'\npackages:\n\n  /axios@1.14.1:\n    resolution: {integrity: x}\n    requiresBuild: true\n  /b@1.0.0:\n    dependencies:\n      axios: 1.14.1\n";
        let wanted = Wanted::new(["npm:axios"]);
        let read = Format::Pnpm.read(text.as_bytes(), &wanted);
        let found: Vec<_> =
            read.locked.iter().map(|l| (&*l.version, l.line, l.install_code)).collect();
        assert_eq!(found, [("1.14.1", 4, Some(true))]);
        assert!(read.troubles.is_empty());
        let read = Format::Pnpm.read(b"packages:\n  axios@1.0.0: {a: [\n", &wanted);
        assert_eq!(read.troubles.len(), 1, "{read:?}");
    }
}
