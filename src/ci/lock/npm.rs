//! `package-lock.json` of all versions, and `bun.lock`.

use super::{
    Read, Wanted,
    json::{Event, Part, walk},
};

/// An entry while it is read.
#[derive(Default)]
struct Entry {
    /// By its place in the file.
    name: String,
    line: u32,
    /// Its own `name`: another package under an alias.
    alias_of: Option<String>,
    version: Option<String>,
    /// `version` is there and is no text.
    odd: bool,
    scripts: Option<bool>,
}

pub(super) fn package_lock(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    // `dependencies` of version 1 nest, so entries are open inside each other.
    let mut open: Vec<(usize, Entry)> = Vec::new();
    let mut flags = false;
    let end = walk(bytes, &mut |path, event, line| {
        if let [Part::Key(section)] = path
            && matches!(section.as_str(), "packages" | "dependencies")
            && !matches!(event, Event::Object | Event::Close)
        {
            read.trouble(line, format!("`{section}` is no object"));
        }
        // Before version 2 a missing flag says nothing.
        if let ([Part::Key(key)], Event::Word(version)) = (path, event)
            && key == "lockfileVersion"
        {
            flags = version != "1";
        }
        if event == Event::Object
            && let Some(name) = entry_name(path)
        {
            open.push((path.len(), Entry { name, line, ..Entry::default() }));
            return;
        }
        let Some((depth, entry)) = open.last_mut() else { return };
        if event == Event::Close && path.len() == *depth {
            if let Some((_, entry)) = open.pop() {
                close(&entry, flags, wanted, &mut read);
            }
        } else if path.len() == *depth + 1 {
            field(entry, path[*depth].key(), event);
        }
    });
    if let Err(trouble) = end {
        // What stands before the break is known all the same.
        for (_, entry) in &open {
            close(entry, false, wanted, &mut read);
        }
        read.troubles.push(trouble);
    }
    read
}

fn field(entry: &mut Entry, key: &str, event: Event<'_>) {
    match (key, event) {
        ("name", Event::Text(name)) => entry.alias_of = Some(name.to_owned()),
        ("version", Event::Text(version)) => entry.version = Some(version.to_owned()),
        ("version", _) => entry.odd = true,
        ("hasInstallScript", Event::Word(word)) => entry.scripts = Some(word == "true"),
        _ => {}
    }
}

fn close(entry: &Entry, flags: bool, wanted: &Wanted, read: &mut Read) {
    let version = entry.version.as_deref().unwrap_or_default();
    // Version 1 writes an alias as `npm:NAME@VERSION`.
    let (name, version) = match version.strip_prefix("npm:").and_then(|spec| spec.rsplit_once('@'))
    {
        Some((name, version)) => (name, version),
        None => (entry.alias_of.as_deref().unwrap_or(&entry.name), version),
    };
    let Some(name) = wanted.find("npm", name) else { return };
    if entry.odd {
        read.trouble(entry.line, format!("the version of `{name}` is no text"));
    } else if !version.is_empty() {
        let scripts = entry.scripts.or(flags.then_some(false));
        read.add(name, version, entry.line, scripts);
    }
}

/// The package that the object at this path is about.
fn entry_name(path: &[Part]) -> Option<String> {
    match path {
        [Part::Key(section), Part::Key(place)] if section == "packages" => {
            let name = place.rsplit("node_modules/").next()?;
            place.contains("node_modules/").then(|| name.to_owned())
        }
        [Part::Key(first), .., Part::Key(parent), Part::Key(name)]
            if first == "dependencies" && parent == "dependencies" =>
        {
            Some(name.clone())
        }
        [Part::Key(parent), Part::Key(name)] if parent == "dependencies" => Some(name.clone()),
        _ => None,
    }
}

/// `"packages": { "axios": ["axios@1.14.1", "", { … }, "sha512-…"] }`
pub(super) fn bun(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    let end = walk(bytes, &mut |path, event, line| {
        let [Part::Key(section), rest @ ..] = path else { return };
        if section != "packages" {
            return;
        }
        match (rest, event) {
            ([], Event::Object | Event::Close) => {}
            ([], _) => read.trouble(line, "`packages` is no object"),
            ([_, Part::Index(0)], Event::Text(spec)) => {
                let spec = spec.split_once("@npm:").map_or(spec, |(_, aliased)| aliased);
                let Some((name, version)) = spec.rsplit_once('@') else { return };
                if let Some(name) = wanted.find("npm", name) {
                    read.add(name, version, line, None);
                }
            }
            _ => {}
        }
    });
    read.troubles.extend(end.err());
    read
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Wanted};

    fn found(format: Format, text: &str) -> Vec<String> {
        let wanted = Wanted::new(["npm:axios", "npm:@s/x"]);
        let read = format.read(text.as_bytes(), &wanted);
        let mut lines: Vec<String> = read
            .locked
            .iter()
            .map(|l| format!("{} {} :{} {:?}", l.name, l.version, l.line, l.install_code))
            .collect();
        lines.extend(read.troubles.iter().map(|t| format!("{}: {}", t.line, t.reason)));
        lines
    }

    #[test]
    fn all_versions_of_package_lock() {
        let v1 = r#"{"lockfileVersion": 1, "dependencies": {
 "a": {"version": "1.0.0", "requires": {"axios": "^1"}, "dependencies": {
  "axios": {"version": "1.14.1"}}},
 "@s/x": {"version": "2.0.0"},
 "alias": {"version": "npm:axios@0.1.0"}}}"#;
        assert_eq!(
            found(Format::Npm, v1),
            ["npm:@s/x 2.0.0 :4 None", "npm:axios 0.1.0 :5 None", "npm:axios 1.14.1 :3 None"]
        );
        let v3 = r#"{"lockfileVersion": 3, "packages": {
 "": {"version": "9.9.9", "dependencies": {"axios": "^1"}},
 "node_modules/axios": {"version": "1.14.1", "hasInstallScript": true},
 "packages/axios": {"version": "3.0.0"},
 "node_modules/a/node_modules/@s/x": {"version": "1.0.0"},
 "node_modules/other": {"name": "axios", "version": "1.2.3"},
 "node_modules/x": {"version": "1.0.0", "dependencies": {"axios": "*"}}}}"#;
        assert_eq!(
            found(Format::Npm, v3),
            [
                "npm:@s/x 1.0.0 :5 Some(false)",
                "npm:axios 1.14.1 :3 Some(true)",
                "npm:axios 1.2.3 :6 Some(false)"
            ]
        );
    }

    #[test]
    fn hostile_package_lock() {
        let cut = "{\"packages\": {\n\"node_modules/axios\": {\"version\": \"1.14.1\",\n";
        assert_eq!(found(Format::Npm, cut), ["npm:axios 1.14.1 :2 None", "3: a key is missing"]);
        assert_eq!(
            found(Format::Npm, "{\"packages\": [\"axios\"]}"),
            ["1: `packages` is no object"]
        );
        assert_eq!(
            found(Format::Npm, "{\"packages\": {\"node_modules/axios\": {\"version\": 5}}}"),
            ["1: the version of `npm:axios` is no text"]
        );
        let twice = r#"{"packages": {"node_modules/axios": {"version": "1.0.0"},
 "node_modules/axios": {"version": "1.14.1"}}}"#;
        assert_eq!(
            found(Format::Npm, twice),
            ["npm:axios 1.0.0 :1 None", "npm:axios 1.14.1 :2 None"]
        );
    }

    #[test]
    fn bun() {
        let text = r#"{ "lockfileVersion": 1, "workspaces": {"": {"dependencies": {"axios": "^1"}}},
 "packages": {
  "axios": ["axios@1.14.1", "", { "dependencies": {} }, "sha512-x"],
  "other": ["@s/x@npm:@s/x@1.0.0", ""],
 },
}"#;
        assert_eq!(
            found(Format::Bun, text),
            ["npm:@s/x 1.0.0 :4 None", "npm:axios 1.14.1 :3 None"]
        );
    }
}
