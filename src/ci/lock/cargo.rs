//! `Cargo.lock`.

use super::{Read, Wanted, tables, tables::Document};

pub(super) fn lock(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    let text = String::from_utf8_lossy(bytes);
    let document = match Document::read(&text) {
        Ok(document) => document,
        Err(trouble) => {
            read.troubles.push(trouble);
            return read;
        }
    };
    for (package, line) in document.list(&["package"], &mut read) {
        let Some(name) = tables::text(package, "name").and_then(|n| wanted.find("cargo", n)) else {
            continue;
        };
        // Without a source it is a package of the repository.
        let registry = tables::text(package, "source").is_some_and(|s| !s.starts_with("git+"));
        match tables::text(package, "version") {
            Some(version) if registry => read.add(name, version, line, None),
            Some(_) => {}
            None => read.trouble(line, format!("no version of `{name}`")),
        }
    }
    read
}
