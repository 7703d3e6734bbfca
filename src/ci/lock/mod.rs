//! Lock files of package managers, and the installs that follow them. Pure.
//!
//! Of a lock file only the packages that somebody asks for are kept ([`Wanted`]): a large repository has
//! millions of locked versions. What cannot be read is a [`Trouble`] with its line.

mod cargo;
mod composer;
mod go;
mod install;
mod json;
mod layout;
mod manifest;
mod npm;
mod pnpm;
mod python;
mod requirements;
mod ruby;
mod search;
mod spec;
mod tables;
mod wanted;
mod yarn;

use std::sync::Arc;

use super::model::{Gap, Hides, Place};

pub use install::{Cache, resolve, unclaimed};
pub use wanted::{ECOSYSTEMS, Wanted, ecosystem};

/// One version that a lock file holds.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Locked {
    /// `npm:axios`
    pub name: String,
    pub version: String,
    /// 1-based.
    pub line: u32,
    /// Whether it runs code while it is installed; `None` where the format does not say.
    pub install_code: Option<bool>,
}

/// Why a lock file was not read to its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    pub line: u32,
    pub reason: String,
}

/// What was found in one file.
#[derive(Clone, Debug, Default)]
pub struct Read {
    pub locked: Vec<Locked>,
    pub troubles: Vec<Trouble>,
}

impl Read {
    fn add(&mut self, name: String, version: &str, line: u32, install_code: Option<bool>) {
        let locked = Locked { name, version: version.to_owned(), line, install_code };
        self.locked.push(locked);
    }

    fn trouble(&mut self, line: u32, reason: impl Into<String>) {
        self.troubles.push(Trouble { line, reason: reason.into() });
    }

    /// Each version once, where it stands first.
    fn tidied(mut self) -> Self {
        self.locked
            .sort_by(|a, b| (&a.name, &a.version, a.line).cmp(&(&b.name, &b.version, b.line)));
        self.locked.dedup_by(|next, first| {
            let same = (&next.name, &next.version) == (&first.name, &first.version);
            if same {
                first.install_code = first.install_code.or(next.install_code);
            }
            same
        });
        self
    }
}

/// A format that is read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// `package-lock.json`, `npm-shrinkwrap.json`.
    Npm,
    Bun,
    Yarn,
    Pnpm,
    Requirements,
    /// `uv.lock`, `poetry.lock`, `pdm.lock`.
    PythonToml,
    Pylock,
    Pipenv,
    Cargo,
    GoSum,
    Bundler,
    Composer,
}

impl Format {
    /// By the file's name.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        Some(match name {
            "package-lock.json" | "npm-shrinkwrap.json" => Self::Npm,
            "bun.lock" => Self::Bun,
            "yarn.lock" => Self::Yarn,
            "pnpm-lock.yaml" => Self::Pnpm,
            "uv.lock" | "poetry.lock" | "pdm.lock" => Self::PythonToml,
            "Pipfile.lock" => Self::Pipenv,
            "Cargo.lock" => Self::Cargo,
            "go.sum" => Self::GoSum,
            "Gemfile.lock" | "gems.locked" => Self::Bundler,
            "composer.lock" => Self::Composer,
            _ if name.starts_with("pylock.") && name.ends_with(".toml") => Self::Pylock,
            _ if name.starts_with("requirements") && name.ends_with(".txt") => Self::Requirements,
            _ => return None,
        })
    }

    /// As in the names of packages: `npm:axios`.
    pub fn ecosystem(self) -> &'static str {
        match self {
            Self::Npm | Self::Bun | Self::Yarn | Self::Pnpm => "npm",
            Self::Requirements | Self::PythonToml | Self::Pylock | Self::Pipenv => "pypi",
            Self::Cargo => "cargo",
            Self::GoSum => "go",
            Self::Bundler => "rubygems",
            Self::Composer => "packagist",
        }
    }

    /// The wanted packages that the text of such a file holds.
    pub fn read(self, bytes: &[u8], wanted: &Wanted) -> Read {
        if !wanted.may_occur(self.ecosystem(), bytes) {
            return if wanted.any_of(self.ecosystem()) {
                self.shape(bytes)
            } else {
                Read::default()
            };
        }
        let read = match self {
            Self::Npm => npm::package_lock(bytes, wanted),
            Self::Bun => npm::bun(bytes, wanted),
            Self::Yarn => yarn::read(bytes, wanted),
            Self::Pnpm => pnpm::read(bytes, wanted),
            Self::Requirements => requirements::locked(bytes, wanted),
            Self::PythonToml | Self::Pylock => python::toml(bytes, wanted),
            Self::Pipenv => python::pipfile_lock(bytes, wanted),
            Self::Cargo => cargo::lock(bytes, wanted),
            Self::GoSum => go::sum(bytes, wanted),
            Self::Bundler => ruby::lock(bytes, wanted),
            Self::Composer => composer::lock(bytes, wanted),
        };
        read.tidied()
    }
}

impl Format {
    /// A file without any of the names may be one that holds no names at all: broken, empty, a pointer.
    fn shape(self, bytes: &[u8]) -> Read {
        let mut read = Read::default();
        let holds = |text: &str| memchr::memmem::find(bytes, text.as_bytes()).is_some();
        let trouble = match self {
            Self::Requirements | Self::GoSum => None,
            _ if bytes.trim_ascii().is_empty() => Some((1, "it is empty".to_owned())),
            _ if bytes.starts_with(b"version https://git-lfs") => {
                Some((1, "a pointer of Git LFS, and not the file".to_owned()))
            }
            Self::Npm | Self::Pipenv | Self::Composer => {
                let parsed = serde_json::from_slice::<serde::de::IgnoredAny>(bytes);
                parsed.err().map(|error| (line_of(error.line()), "it is no JSON".to_owned()))
            }
            Self::Pnpm => (!holds("lockfileVersion") || (5..10).all(|n| !holds_version(bytes, n)))
                .then(|| (1, "its `lockfileVersion` is not known".to_owned())),
            Self::Yarn => (!holds("# yarn lockfile") && !holds("__metadata"))
                .then(|| (1, "it has no head of a `yarn.lock`".to_owned())),
            Self::Cargo | Self::PythonToml => {
                (!holds("[[package]]")).then(|| (1, "it lists no package".to_owned()))
            }
            Self::Pylock => (!holds("[[packages]]")).then(|| (1, "it lists no package".to_owned())),
            Self::Bun => (!holds("\"packages\"")).then(|| (1, "it lists no package".to_owned())),
            Self::Bundler => (!holds("specs:")).then(|| (1, "it lists no gem".to_owned())),
        };
        if let Some((line, reason)) = trouble {
            read.trouble(line, reason);
        }
        read
    }
}

fn line_of(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX).max(1)
}

/// `lockfileVersion: '9.0'`, with quotes or without.
fn holds_version(bytes: &[u8], major: u8) -> bool {
    let start = memchr::memmem::find(bytes, b"lockfileVersion").unwrap_or_default();
    let rest = &bytes[start..bytes.len().min(start + 40)];
    let digits = rest.iter().skip_while(|byte| !byte.is_ascii_digit());
    let number: Vec<u8> = digits.copied().take_while(u8::is_ascii_digit).collect();
    number == major.to_string().as_bytes()
}

/// A trouble hides packages, and nothing else.
fn gap(ecosystem: &'static str, file: &Arc<str>, trouble: &Trouble) -> Gap {
    Gap {
        place: Place { file: Arc::clone(file), line: trouble.line },
        reason: format!("lock file not read to its end: {}", trouble.reason),
        hides: Hides::Packages(ecosystem),
    }
}
