//! What a manifest asks for by name: wanted packages with their ranges.

use toml::de::DeValue;

use super::{
    Wanted,
    json::{Event, Part, walk},
    requirements,
    tables::{self, Document},
};
use crate::ci::model::Manager;

/// A package that the manifest names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Asked {
    pub(super) name: String,
    /// As written; empty where it says nothing.
    pub(super) range: String,
    pub(super) line: u32,
}

pub(super) fn read(manager: Manager, path: &str, bytes: &[u8], wanted: &Wanted) -> Vec<Asked> {
    if !wanted.may_occur(manager.ecosystem(), bytes) {
        return Vec::new();
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "package.json" => json(bytes, "npm", wanted),
        "composer.json" => json(bytes, "packagist", wanted),
        "Cargo.toml" => toml(bytes, "cargo", wanted),
        "pyproject.toml" | "Pipfile" => toml(bytes, "pypi", wanted),
        _ if name.ends_with(".txt") || name.ends_with(".in") => requirement_lines(bytes, wanted),
        _ => quoted(bytes, manager.ecosystem(), wanted),
    }
}

/// `dependencies`, `devDependencies`, `require`, `require-dev` …
fn json(bytes: &[u8], ecosystem: &str, wanted: &Wanted) -> Vec<Asked> {
    let mut asked = Vec::new();
    // A manifest that ends too early was read as far as it goes: no tool would install by it.
    let _ended = walk(bytes, &mut |path, event, line| {
        if let ([Part::Key(section), Part::Key(name)], Event::Text(range)) = (path, event)
            && (section.to_ascii_lowercase().ends_with("dependencies")
                || section.starts_with("require"))
        {
            let (name, range) = match range.strip_prefix("npm:") {
                Some(alias) => {
                    let name = super::yarn::name_of(alias);
                    (name, alias[name.len()..].trim_start_matches('@'))
                }
                None => (name.as_str(), range),
            };
            if let Some(name) = wanted.find(ecosystem, name) {
                asked.push(Asked { name, range: range.to_owned(), line });
            }
        }
    });
    asked
}

/// Every table whose name speaks of dependencies, and lists of requirements.
fn toml(bytes: &[u8], ecosystem: &str, wanted: &Wanted) -> Vec<Asked> {
    let text = String::from_utf8_lossy(bytes);
    let Ok(document) = Document::read(&text) else { return Vec::new() };
    let mut asked = Vec::new();
    // Names of tables around it, and the table.
    let mut open = vec![(false, document.root.get_ref())];
    while let Some((inside, table)) = open.pop() {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let of_dependencies = inside
                || name.ends_with("dependencies")
                || name.ends_with("packages")
                || matches!(name, "requires" | "dependency-groups");
            let line = document.line(key);
            match value.get_ref() {
                DeValue::Table(inner) => {
                    let range = tables::text(inner, "version").unwrap_or_default();
                    let actual = tables::text(inner, "package").unwrap_or(name);
                    if inside && let Some(name) = wanted.find(ecosystem, actual) {
                        asked.push(Asked { name, range: range.to_owned(), line });
                    }
                    open.push((of_dependencies, inner));
                }
                DeValue::String(range) if inside => {
                    if let Some(name) = wanted.find(ecosystem, name) {
                        asked.push(Asked { name, range: range.to_string(), line });
                    }
                }
                DeValue::Array(items) if of_dependencies => {
                    for item in items.iter() {
                        let requirement =
                            item.get_ref().as_str().and_then(requirements::requirement);
                        let Some((name, range)) = requirement else { continue };
                        if let Some(name) = wanted.find(ecosystem, name) {
                            let (range, line) = (range.to_owned(), document.line(item));
                            asked.push(Asked { name, range, line });
                        }
                    }
                }
                _ => {}
            }
        }
    }
    asked
}

fn requirement_lines(bytes: &[u8], wanted: &Wanted) -> Vec<Asked> {
    let lines = requirements::lines(&String::from_utf8_lossy(bytes)).into_iter();
    let asked = |(line, text): (u32, String)| {
        let (name, range) = requirements::requirement(&text)?;
        Some(Asked { name: wanted.find("pypi", name)?, range: range.to_owned(), line })
    };
    lines.filter_map(asked).collect()
}

/// A manifest that is a program (`Gemfile`, `setup.py`): a name in quotes, alone or before a specifier.
fn quoted(bytes: &[u8], ecosystem: &str, wanted: &Wanted) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (line, text) in (1..).zip(String::from_utf8_lossy(bytes).lines()) {
        if text.trim_start().starts_with('#') {
            continue;
        }
        let pieces: Vec<&str> = text.split(['"', '\'']).collect();
        for (at, piece) in pieces.iter().enumerate().skip(1).step_by(2) {
            let split = match ecosystem {
                "pypi" => requirements::requirement(piece),
                _ => Some((*piece, "")),
            };
            let Some((name, range)) = split else { continue };
            if let Some(name) = wanted.find(ecosystem, name) {
                // `gem "name", "~> 1"`
                let next = pieces.get(at + 2).filter(|_| ecosystem == "rubygems");
                let range = next.map_or(range, |next| next).to_owned();
                asked.push(Asked { name, range, line });
            }
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::{Manager, Wanted, read};

    #[test]
    fn manifests_name_packages() {
        let names = ["npm:axios", "pypi:foo-bar", "cargo:xz", "rubygems:rest", "packagist:a/b"];
        let wanted = Wanted::new(names);
        for (manager, path, text, expected) in [
            (
                Manager::Npm,
                "package.json",
                "{\"devDependencies\": {\"axios\": \"^1.0\"}}",
                "^1.0 :1",
            ),
            (Manager::Npm, "package.json", "{\"dependencies\": {\"x\": \"npm:axios@1\"}}", "1 :1"),
            (Manager::Npm, "package.json", "{\"name\": \"axios\"}", ""),
            (Manager::Composer, "composer.json", "{\"require\": {\"a/b\": \"^2\"}}", "^2 :1"),
            (Manager::Cargo, "Cargo.toml", "[dependencies]\nxz = \"1\"\n", "1 :2"),
            (
                Manager::Cargo,
                "Cargo.toml",
                "[target.'cfg(unix)'.dependencies]\ny = {package = \"xz\", version = \"2\"}\n",
                "2 :2",
            ),
            (Manager::Cargo, "Cargo.toml", "[package]\nname = \"xz\"\n", ""),
            (
                Manager::Uv,
                "pyproject.toml",
                "[project]\ndependencies = [\n  \"Foo_Bar[x]>=1\",\n]\n",
                ">=1 :3",
            ),
            (
                Manager::Poetry,
                "pyproject.toml",
                "[tool.poetry.group.dev.dependencies]\nfoo-bar = {version = \"^1\"}\n",
                "^1 :2",
            ),
            (Manager::Pipenv, "Pipfile", "[packages]\nfoo-bar = \"*\"\n", "* :2"),
            (Manager::Pip, "requirements.txt", "x\nfoo-bar>2\n", ">2 :2"),
            (Manager::Pip, "setup.py", "setup(install_requires=['foo-bar>=1'])", ">=1 :1"),
            (Manager::Bundler, "Gemfile", "gem 'rest', '~> 1.6'\n", "~> 1.6 :1"),
        ] {
            let asked = read(manager, path, text.as_bytes(), &wanted);
            let asked: Vec<_> = asked.iter().map(|a| format!("{} :{}", a.range, a.line)).collect();
            assert_eq!(asked.join(", "), expected, "{path}: {text}");
        }
    }
}
