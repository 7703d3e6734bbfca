//! `Gemfile.lock`.

use super::{Read, Wanted};

/// Under `GEM` and `specs:`, four blanks and `name (version)`; of those deeper nothing is installed.
pub(super) fn lock(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    let mut section = String::new();
    for (number, line) in (1..).zip(String::from_utf8_lossy(bytes).lines()) {
        let depth = line.len() - line.trim_start_matches(' ').len();
        let text = line.trim();
        if text.starts_with("<<<<<<<") || text.starts_with(">>>>>>>") {
            read.trouble(number, "a conflict that was not resolved");
        } else if depth == 0 {
            text.clone_into(&mut section);
        } else if depth == 4 && section == "GEM" {
            let spec = text.strip_suffix(')').and_then(|text| text.split_once(" ("));
            let Some((name, version)) = spec else {
                read.trouble(number, "a gem without version");
                continue;
            };
            if let Some(name) = wanted.find("rubygems", name) {
                // `1.15.4-x86_64-linux` is a build of 1.15.4.
                let version = version.split('-').next().unwrap_or(version);
                read.add(name, version, number, None);
            }
        }
    }
    read.troubles.truncate(10);
    read
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Wanted};

    #[test]
    fn gems() {
        let text = "PATH\n  remote: .\n  specs:\n    rest-client (9.9)\nGEM\n  remote: https://rubygems.org/\n  specs:\n    a (1.0)\n      rest-client (~> 1)\n    rest-client (1.6.13-x86_64-linux)\nDEPENDENCIES\n  rest-client\n";
        let read = Format::Bundler.read(text.as_bytes(), &Wanted::new(["rubygems:rest-client"]));
        let found: Vec<_> = read.locked.iter().map(|l| (&*l.version, l.line)).collect();
        assert_eq!(found, [("1.6.13", 10)]);
        assert!(read.troubles.is_empty());
    }
}
