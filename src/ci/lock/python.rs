//! `uv.lock`, `poetry.lock`, `pdm.lock`, `pylock.toml`, `Pipfile.lock`.

use toml::de::{DeTable, DeValue};

use super::{
    Read, Wanted,
    json::{Event, Part, walk},
    tables,
    tables::Document,
};

/// Each has tables `[[package]]` with `name` and `version`; pylock calls them `[[packages]]`.
pub(super) fn toml(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    let text = String::from_utf8_lossy(bytes);
    let document = match Document::read(&text) {
        Ok(document) => document,
        Err(trouble) => {
            read.troubles.push(trouble);
            return read;
        }
    };
    for (package, line) in document.list(&["package", "packages"], &mut read) {
        let Some(name) = tables::text(package, "name").and_then(|n| wanted.find("pypi", n)) else {
            continue;
        };
        if is_local(package) {
            continue;
        }
        match tables::text(package, "version") {
            Some(version) => read.add(name, version, line, sdist_only(package)),
            None => read.trouble(line, format!("no version of `{name}`")),
        }
    }
    read
}

/// Code of the repository, or of a repository beside it.
fn is_local(package: &DeTable<'_>) -> bool {
    let source = package.get("source").and_then(|source| source.get_ref().as_table());
    let local = ["editable", "virtual", "directory", "path"];
    let at = |table: &DeTable<'_>| local.iter().any(|key| table.get(*key).is_some());
    let kind = source.and_then(|source| tables::text(source, "type"));
    source.is_some_and(at) || kind == Some("directory") || package.get("directory").is_some()
}

/// A wheel is unpacked; a source archive runs its build.
fn sdist_only(package: &DeTable<'_>) -> Option<bool> {
    let list = |key: &str| package.get(key).and_then(|value| value.get_ref().as_array());
    if let Some(wheels) = list("wheels") {
        return Some(wheels.is_empty());
    }
    if package.get("sdist").is_some() {
        return Some(true);
    }
    let files = list("files")?;
    let wheel = |file: &DeValue<'_>| {
        let table = file.as_table();
        table.and_then(|t| tables::text(t, "file")).is_some_and(|name| name.ends_with(".whl"))
    };
    (!files.is_empty()).then(|| !files.iter().any(|file| wheel(file.get_ref())))
}

/// `"default": { "litellm": { "version": "==1.82.7" } }`
pub(super) fn pipfile_lock(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    let end = walk(bytes, &mut |path, event, line| {
        let [Part::Key(section), rest @ ..] = path else { return };
        if section == "_meta" {
            return;
        }
        match (rest, event) {
            ([], Event::Object | Event::Close) => {}
            ([], _) => read.trouble(line, format!("`{section}` is no object")),
            ([Part::Key(name), Part::Key(key)], event) if key == "version" => {
                let Some(name) = wanted.find("pypi", name) else { return };
                match event {
                    Event::Text(version) => {
                        read.add(name, version.trim_start_matches('='), line, None);
                    }
                    _ => read.trouble(line, format!("the version of `{name}` is no text")),
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
        let wanted = Wanted::new(["pypi:foo-bar", "cargo:serde_json"]);
        let read = format.read(text.as_bytes(), &wanted);
        let mut lines: Vec<String> = read
            .locked
            .iter()
            .map(|l| format!("{} :{} {:?}", l.version, l.line, l.install_code))
            .collect();
        lines.extend(read.troubles.iter().map(|t| format!("{}: {}", t.line, t.reason)));
        lines
    }

    #[test]
    fn toml_locks() {
        let uv = "version = 1\n[[package]]\nname = \"foo-bar\"\nversion = \"1.2\"\nsource = { registry = \"x\" }\nsdist = { url = \"x\" }\n[[package]]\nname = \"foo_bar\"\nversion = \"0\"\nsource = { editable = \".\" }\n";
        assert_eq!(found(Format::PythonToml, uv), ["1.2 :2 Some(true)"]);
        let poetry = "[[package]]\nname = \"Foo.Bar\"\nversion = \"1.2\"\nfiles = [{file = \"foo-1.2-py3-none-any.whl\", hash = \"x\"}]\n";
        assert_eq!(found(Format::PythonToml, poetry), ["1.2 :1 Some(false)"]);
        let pylock = "lock-version = \"1.0\"\n[[packages]]\nname = \"foo-bar\"\nversion = \"3\"\nwheels = [{name = \"x\"}]\n";
        assert_eq!(found(Format::Pylock, pylock), ["3 :2 Some(false)"]);
        let cargo = "[[package]]\nname = \"serde_json\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n[[package]]\nname = \"serde-json\"\nversion = \"9.0.0\"\n";
        assert_eq!(found(Format::Cargo, cargo), ["1.0.0 :1 None"]);
    }

    #[test]
    fn pipfile_lock() {
        let text = "{\"_meta\": {}, \"default\": {\"foo-bar\": {\n\"hashes\": [], \"version\": \"==1.2\"}}, \"develop\": 3}";
        assert_eq!(found(Format::Pipenv, text), ["1.2 :2 None", "2: `develop` is no object"]);
    }

    #[test]
    fn broken_toml_has_a_line() {
        assert!(found(Format::PythonToml, "x = 1\n[[package\n# foo-bar")[0].starts_with("2: "));
        assert_eq!(
            found(Format::Cargo, "package = 3 # serde_json"),
            ["1: the packages are no list of tables"]
        );
        assert_eq!(
            found(Format::Cargo, "[[package]]\nname = \"serde_json\"\nversion = 1\n"),
            ["1: no version of `cargo:serde_json`"]
        );
    }
}
