//! `go.sum` and `go.mod`.

use super::{Read, Wanted};

/// Modules whose code was downloaded; lines for `/go.mod` alone are of those that were only weighed.
pub(super) fn sum(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    for (number, line) in (1..).zip(String::from_utf8_lossy(bytes).lines()) {
        let parts: Vec<&str> = line.split_whitespace().collect();
        match parts.as_slice() {
            [] => {}
            [name, version, hash] if hash.starts_with("h1:") => {
                if let (Some(name), false) = (wanted.find("go", name), version.ends_with("/go.mod"))
                {
                    read.add(name, version, number, Some(false));
                }
            }
            _ if read.troubles.len() < 10 => read.trouble(number, "a line that is no module"),
            _ => {}
        }
    }
    read
}

/// Required and replaced modules. Since Go 1.17 the file lists all of them.
pub(super) fn module(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    let mut block = String::new();
    for (number, line) in (1..).zip(String::from_utf8_lossy(bytes).lines()) {
        let line = line.split("//").next().unwrap_or_default().trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        let (verb, words) = match words.as_slice() {
            [verb, "("] => {
                (*verb).clone_into(&mut block);
                continue;
            }
            [")"] => {
                block.clear();
                continue;
            }
            [verb, rest @ ..] if block.is_empty() => (*verb, rest),
            rest => (block.as_str(), rest),
        };
        let named = match (verb, words) {
            ("require", [name, version]) => Some((name, version)),
            ("replace", [.., "=>", name, version]) => Some((name, version)),
            _ => None,
        };
        if let Some((name, version)) = named
            && let Some(name) = wanted.find("go", name)
        {
            read.add(name, version, number, Some(false));
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Wanted};

    #[test]
    fn sums_and_requirements() {
        let wanted = Wanted::new(["go:example.com/m"]);
        let sum = "example.com/m v1.0.0/go.mod h1:x=\nexample.com/m v1.2.0 h1:y=\nexample.com/m v1.2.0/go.mod h1:z=\n";
        let read = Format::GoSum.read(sum.as_bytes(), &wanted);
        assert_eq!(read.locked.len(), 1);
        assert_eq!((&*read.locked[0].version, read.locked[0].line), ("v1.2.0", 2));
        assert_eq!(Format::GoSum.read(b"example.com/m v1\n", &wanted).troubles[0].line, 1);
        let module = "module x\n\nrequire (\n\texample.com/m v1.2.0 // indirect\n)\nreplace a => example.com/m v0.1.0\n";
        let read = super::module(module.as_bytes(), &wanted);
        let found: Vec<_> = read.locked.iter().map(|l| (&*l.version, l.line)).collect();
        assert_eq!(found, [("v1.2.0", 4), ("v0.1.0", 6)]);
    }
}
