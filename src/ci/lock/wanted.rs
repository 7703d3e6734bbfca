//! The packages that somebody asks for.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};

/// Packages by `ecosystem:name`, with a quick test whether a text could hold one.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// By the form in which names are compared, as it was asked for.
    names: HashMap<String, String>,
    finders: HashMap<&'static str, Option<AhoCorasick>>,
}

/// Names of an ecosystem that mean the same, with the one that is used here.
pub const ECOSYSTEMS: [(&str, &str); 13] = [
    ("npm", "npm"),
    ("pypi", "pypi"),
    ("pip", "pypi"),
    ("cargo", "cargo"),
    ("crates.io", "cargo"),
    ("crates", "cargo"),
    ("go", "go"),
    ("golang", "go"),
    ("rubygems", "rubygems"),
    ("gem", "rubygems"),
    ("packagist", "packagist"),
    ("composer", "packagist"),
    ("php", "packagist"),
];

impl Wanted {
    /// `names` as packs write them: `npm:axios`. Those of other ecosystems are in no file that is read.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut by_ecosystem: HashMap<&'static str, Vec<String>> = HashMap::new();
        let mut all = HashMap::new();
        for name in names {
            let Some((ecosystem, bare)) = name.split_once(':') else { continue };
            let Some(ecosystem) = self::ecosystem(ecosystem) else { continue };
            by_ecosystem.entry(ecosystem).or_default().push(clue(ecosystem, bare));
            all.insert(canonical(ecosystem, bare), name.to_owned());
        }
        let finder = |clues: Vec<String>| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::LeftmostFirst)
                .build(clues)
                .ok()
        };
        let finders = by_ecosystem.into_iter().map(|(ecosystem, clues)| (ecosystem, finder(clues)));
        Self { names: all, finders: finders.collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether any package of this ecosystem is wanted.
    pub fn any_of(&self, ecosystem: &str) -> bool {
        self.finders.contains_key(ecosystem)
    }

    /// The name as it was asked for, if it was.
    pub fn find(&self, ecosystem: &str, bare: &str) -> Option<String> {
        if bare.len() > 300 || !self.any_of(ecosystem) {
            return None;
        }
        self.names.get(&canonical(ecosystem, bare)).cloned()
    }

    /// `false`: none of them is in the text. Escapes could spell a name in another way.
    pub fn may_occur(&self, ecosystem: &str, text: &[u8]) -> bool {
        match self.finders.get(ecosystem) {
            None => false,
            Some(None) => true,
            Some(Some(finder)) => {
                finder.is_match(text) || memchr::memmem::find(text, b"\\u").is_some()
            }
        }
    }
}

/// The one name for an ecosystem whose lock files are read: `crates.io` is `cargo`.
pub fn ecosystem(name: &str) -> Option<&'static str> {
    ECOSYSTEMS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, one)| *one)
}

/// `ecosystem:name` in the form in which names of the ecosystem are compared.
pub(super) fn canonical(ecosystem: &str, bare: &str) -> String {
    let lower = bare.trim().to_ascii_lowercase();
    match ecosystem {
        "pypi" => {
            let mut name = format!("{ecosystem}:");
            for c in lower.chars() {
                let c = if matches!(c, '_' | '.') { '-' } else { c };
                if !(c == '-' && name.ends_with('-')) {
                    name.push(c);
                }
            }
            name
        }
        // Crates.io takes both for one name.
        "cargo" => format!("{ecosystem}:{}", lower.replace('_', "-")),
        _ => format!("{ecosystem}:{lower}"),
    }
}

/// A piece of the name that no spelling of it changes.
fn clue(ecosystem: &str, bare: &str) -> String {
    let piece = match ecosystem {
        "pypi" | "cargo" => bare.split(['-', '_', '.']).max_by_key(|piece| piece.len()),
        // PHP writes `\/` in JSON.
        _ => bare.rsplit('/').next(),
    };
    // Capitals of a Go module's path are escaped in places; the text is compared without case.
    piece.unwrap_or(bare).to_owned()
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn spellings_of_a_name() {
        let wanted = Wanted::new(["npm:@scope/Tool", "pypi:Foo_Bar", "crates.io:a_b", "other:x"]);
        assert_eq!(wanted.find("npm", "@scope/tool").as_deref(), Some("npm:@scope/Tool"));
        assert_eq!(wanted.find("pypi", "foo.-BAR").as_deref(), Some("pypi:Foo_Bar"));
        assert_eq!(wanted.find("cargo", "a-b").as_deref(), Some("crates.io:a_b"));
        assert_eq!(wanted.find("npm", "foo-bar"), None);
        assert!(!wanted.any_of("other") && !wanted.any_of("go"));
        assert!(wanted.may_occur("npm", b"\"@scope\\/tool\""));
        assert!(wanted.may_occur("pypi", b"Foo-Bar==1"));
        assert!(!wanted.may_occur("npm", b"something else"));
        assert!(!wanted.may_occur("go", b"tool"));
    }
}
