//! Files of code owners (`CODEOWNERS`): who owns a path, as GitHub and GitLab read it.
//!
//! The last rule that matches wins, in GitLab the last of each section. A line that the platform skips
//! is told, and changes nothing else.

use std::borrow::Cow;

use globset::{GlobBuilder, GlobMatcher};

/// GitHub does not load a larger file; GitLab's limit is smaller.
pub const LARGEST: usize = 3 << 20;

/// Owners of one path that are listed; a line may name thousands.
const MOST_OWNERS: usize = 20;

/// Patterns of one file that are compiled: those that no plain text rules out.
const MOST_PATTERNS: usize = 20_000;

/// Whose reading of the patterns holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    Github,
    Gitlab,
}

impl Dialect {
    /// Where the platform looks, the first file that is there is the one.
    pub fn places(self) -> [&'static str; 3] {
        match self {
            Self::Github => [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"],
            Self::Gitlab => ["CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"],
        }
    }
}

/// One file, parsed.
#[derive(Clone, Debug)]
pub struct Codeowners {
    dialect: Dialect,
    sections: Vec<Section>,
    /// Patterns that may still be compiled.
    left: usize,
    pub troubles: Vec<Trouble>,
}

/// A line that the platform skips.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    pub line: u32,
    pub reason: String,
}

/// An owner of a path, and the line that says so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owned {
    /// `@user`, `@org/team` or a mail address.
    pub who: String,
    pub line: u32,
}

#[derive(Clone, Debug, Default)]
struct Section {
    /// In lower case; empty for what stands above the first heading.
    name: String,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    line: u32,
    owners: Vec<String>,
    /// GitLab's `!pattern`: the section has no owner for it, whatever the other lines say.
    excludes: bool,
}

impl Codeowners {
    pub fn parse(text: &str, dialect: Dialect) -> Self {
        let mut file = Self {
            dialect,
            sections: vec![Section::default()],
            left: MOST_PATTERNS,
            troubles: Vec::new(),
        };
        let mut at = Heading::default();
        for (line, number) in text.lines().zip(1..) {
            file.line(line.trim(), number, &mut at);
        }
        file
    }

    /// Who owns `path`; empty where nobody does, `None` where it would take too long to tell.
    pub fn owners(&mut self, path: &str) -> Option<Vec<Owned>> {
        let (dialect, left) = (self.dialect, &mut self.left);
        let mut found: Vec<Owned> = Vec::new();
        for section in &self.sections {
            let mut matching = |rule: &Rule| {
                could_match(&rule.pattern, path) && {
                    *left = left.saturating_sub(1);
                    *left > 0 && matches(dialect, &rule.pattern, path)
                }
            };
            if section.rules.iter().filter(|rule| rule.excludes).any(&mut matching) {
                continue;
            }
            let last = section.rules.iter().rev().find(|rule| matching(rule));
            for who in last.iter().flat_map(|rule| &rule.owners) {
                if found.len() < MOST_OWNERS && found.iter().all(|known| known.who != *who) {
                    let line = last.map_or(0, |rule| rule.line);
                    found.push(Owned { who: who.clone(), line });
                }
            }
        }
        (self.left > 0).then_some(found)
    }

    fn line(&mut self, line: &str, number: u32, at: &mut Heading) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        if self.dialect == Dialect::Gitlab && (line.starts_with('[') || line.starts_with("^[")) {
            return self.heading(line, number, at);
        }
        match self.rule(line, number, at) {
            Ok(rule) => self.sections[at.section].rules.push(rule),
            Err(reason) => self.trouble(number, reason),
        }
    }

    fn trouble(&mut self, line: u32, reason: impl Into<String>) {
        // A file that is broken throughout says no more with its thousandth line.
        if self.troubles.len() < 100 {
            self.troubles.push(Trouble { line, reason: reason.into() });
        }
    }

    /// `[Name]`, `^[Name]`, `[Name][2] @default …`.
    fn heading(&mut self, line: &str, number: u32, at: &mut Heading) {
        let inner = line.trim_start_matches('^').trim_start_matches('[');
        let Some((name, rest)) = inner.split_once(']').filter(|(name, _)| !name.trim().is_empty())
        else {
            return self.trouble(number, "a section without a name or without its closing bracket");
        };
        let approvals = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let rest = approvals.map_or(rest, |(_, rest)| rest);
        let (defaults, bad) = owners(rest, self.dialect);
        if bad {
            self.trouble(number, "a default owner that is no user, group, role or mail address");
        }
        let name = name.trim().to_lowercase();
        at.section =
            self.sections.iter().position(|known| known.name == name).unwrap_or_else(|| {
                self.sections.push(Section { name, rules: Vec::new() });
                self.sections.len() - 1
            });
        at.defaults = defaults;
    }

    fn rule(&self, line: &str, number: u32, at: &Heading) -> Result<Rule, &'static str> {
        let (pattern, rest) = split_pattern(line);
        let excludes = pattern.starts_with('!');
        if self.dialect == Dialect::Github {
            if excludes {
                return Err("GitHub knows no pattern that begins with `!`");
            }
            if pattern.contains('[') || pattern.contains(']') {
                return Err("GitHub knows no pattern with `[ ]`");
            }
            if pattern.starts_with("\\#") {
                return Err("GitHub knows no `\\#` at the start of a pattern");
            }
        }
        let (mut owners, bad) = owners(rest, self.dialect);
        // GitHub skips the line, GitLab the word.
        if bad && (self.dialect == Dialect::Github || owners.is_empty()) {
            return Err("an owner that is no user, team or mail address");
        }
        if owners.is_empty() && self.dialect == Dialect::Gitlab {
            owners.clone_from(&at.defaults);
        }
        let pattern = pattern.strip_prefix('!').unwrap_or(pattern).to_owned();
        Ok(Rule { pattern, line: number, owners, excludes })
    }
}

/// Where reading stands.
#[derive(Debug, Default)]
struct Heading {
    section: usize,
    defaults: Vec<String>,
}

/// The pattern ends at the first blank without a backslash before it.
fn split_pattern(line: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if c.is_whitespace() && !escaped {
            return line.split_at(at);
        }
        escaped = c == '\\' && !escaped;
    }
    (line, "")
}

/// The owners of a line up to its comment, and whether a word is none.
fn owners(rest: &str, dialect: Dialect) -> (Vec<String>, bool) {
    let words = rest.split_whitespace().take_while(|word| !word.starts_with('#'));
    let (good, bad): (Vec<&str>, Vec<&str>) = words.partition(|word| is_owner(word, dialect));
    (good.into_iter().map(str::to_owned).collect(), !bad.is_empty())
}

fn is_owner(word: &str, dialect: Dialect) -> bool {
    let plain = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
    };
    if let Some(name) = word.strip_prefix('@') {
        let name = if dialect == Dialect::Gitlab { name.trim_start_matches('@') } else { name };
        let levels = if dialect == Dialect::Gitlab { 20 } else { 2 };
        return name.split('/').count() <= levels && name.split('/').all(plain);
    }
    let mail = word.split_once('@');
    mail.is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.contains('@') && !word.contains(['/', '<'])
    })
}

/// Compiling costs more than most files have matches: first, whether the path holds the plain text.
fn could_match(pattern: &str, path: &str) -> bool {
    let mut pieces = pattern.split(['*', '?', '\\', '/', ' ']);
    pattern.contains('[') || pieces.all(|piece| path.contains(piece))
}

fn matches(dialect: Dialect, pattern: &str, path: &str) -> bool {
    let globs = match dialect {
        Dialect::Github => github(pattern),
        Dialect::Gitlab => gitlab(pattern),
    };
    globs.iter().filter_map(|glob| compile(glob)).any(|glob| glob.is_match(path))
}

/// As in `.gitignore`, but `docs/*` takes no folder.
fn github(pattern: &str) -> Vec<String> {
    let body = pattern.trim_start_matches('/').trim_end_matches('/');
    if body.is_empty() {
        return Vec::new();
    }
    let anchored = pattern.starts_with('/') || body.contains('/');
    let lead = if anchored || body.starts_with("**/") { "" } else { "**/" };
    let whole = format!("{lead}{body}");
    let last = body.rsplit('/').next().unwrap_or(body);
    if pattern.ends_with('/') {
        vec![format!("{whole}/**")]
    } else if body.ends_with("**") || (last == "*" && anchored) {
        vec![whole]
    } else {
        vec![format!("{whole}/**"), whole]
    }
}

/// A path that does not begin at the top may begin anywhere; a folder is one with a slash at its end.
fn gitlab(pattern: &str) -> Vec<String> {
    let lead = if pattern.starts_with('/') { "" } else { "**/" };
    let body = pattern.trim_start_matches('/');
    let body = match body {
        "*" | "" => return vec!["**".to_owned()],
        body => body,
    };
    let tail = if body.ends_with('/') { "**" } else { "" };
    vec![format!("{lead}{body}{tail}")]
}

fn compile(glob: &str) -> Option<GlobMatcher> {
    // Braces are plain letters in both.
    let glob: Cow<'_, str> = if glob.contains(['{', '}']) {
        glob.replace('{', "[{]").replace('}', "[}]").into()
    } else {
        glob.into()
    };
    let built = GlobBuilder::new(&glob).literal_separator(true).backslash_escape(true).build();
    Some(built.ok()?.compile_matcher())
}
