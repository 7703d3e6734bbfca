//! `composer.lock` and `composer.json`.

use super::{
    Read, Wanted,
    json::{Event, Part, walk},
};

pub(super) fn lock(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    let mut name = None;
    let mut version: Option<(String, u32)> = None;
    let end = walk(bytes, &mut |path, event, line| {
        let [Part::Key(section), rest @ ..] = path else { return };
        if !matches!(section.as_str(), "packages" | "packages-dev") {
            return;
        }
        match (rest, event) {
            ([], Event::Array | Event::Close) => {}
            ([], _) => read.trouble(line, format!("`{section}` is no list")),
            ([_], Event::Object) => (name, version) = (None, None),
            ([_, Part::Key(key)], Event::Text(text)) if key == "name" => {
                name = wanted.find("packagist", text);
            }
            ([_, Part::Key(key)], Event::Text(text)) if key == "version" => {
                version = Some((text.strip_prefix('v').unwrap_or(text).to_owned(), line));
            }
            ([_], Event::Close) => {
                if let (Some(name), Some((version, line))) = (name.take(), version.take()) {
                    read.add(name, &version, line, None);
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

    #[test]
    fn names_and_versions() {
        let text = r#"{"packages": [{"name": "a\/b", "version": "v1.2.3", "require": {"c/d": "*"}}],
 "packages-dev": [{"name": "c/d", "version": "2.0.0"}]}"#;
        let read = Format::Composer.read(text.as_bytes(), &Wanted::new(["packagist:a/b"]));
        let found: Vec<_> = read.locked.iter().map(|l| (&*l.name, &*l.version, l.line)).collect();
        assert_eq!(found, [("packagist:a/b", "1.2.3", 1)]);
    }
}
