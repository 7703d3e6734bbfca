//! The `shell:` setting of GitHub Actions.

use super::{Shell, world::basename};
use crate::ci::model::Os;

impl Shell {
    /// Language of a script, and the command that runs it where the setting names one: a template, or
    /// the options that `bash` and `sh` get.
    pub fn from_setting(shell: Option<&str>, os: Os) -> (Self, Option<String>) {
        let setting = shell.map(str::trim).filter(|setting| !setting.is_empty());
        let Some(setting) = setting else {
            return match os {
                Os::Windows => (Self::PowerShell, None),
                Os::Linux | Os::Macos | Os::Unknown => {
                    (Self::Posix, Some("bash -e {0}".to_owned()))
                }
            };
        };
        let template = |text: &str| Some(text.to_owned());
        match setting {
            "bash" => (Self::Posix, template("bash --noprofile --norc -eo pipefail {0}")),
            "sh" => (Self::Posix, template("sh -e {0}")),
            "pwsh" | "powershell" => (Self::PowerShell, None),
            "cmd" => (Self::Cmd, None),
            "python" => (Self::Python, None),
            other => (language(other), template(other)),
        }
    }
}

/// What reads `{0}`: the last interpreter that stands before it.
fn language(template: &str) -> Shell {
    let words: Vec<&str> = template.split_whitespace().collect();
    let before = words.iter().position(|word| word.contains("{0}")).unwrap_or(words.len());
    let known = words[..before].iter().rev().find_map(|word| {
        let name = basename(word);
        let name = name.strip_suffix(".exe").unwrap_or(name);
        match name {
            "bash" | "sh" | "zsh" | "dash" | "ksh" | "ash" | "wsl-bash" | "alpine.sh" => {
                Some(Shell::Posix)
            }
            "pwsh" | "powershell" => Some(Shell::PowerShell),
            "cmd" => Some(Shell::Cmd),
            name if name.starts_with("python") || name == "uv" => Some(Shell::Python),
            "perl" | "node" | "ruby" | "php" | "Rscript" | "deno" | "julia" | "nu" | "fish"
            | "tclsh" | "lua" | "elixir" | "groovy" | "dotnet" | "bun" | "cmake" => {
                Some(Shell::Other)
            }
            _ => None,
        }
    });
    known.unwrap_or(Shell::Posix)
}

/// A template, read.
#[derive(Debug, Default)]
pub(super) struct Template {
    pub(super) errexit: bool,
    pub(super) pipefail: bool,
    /// The whole command, where it is more than a shell with options.
    pub(super) command: Option<Vec<String>>,
}

impl Template {
    pub(super) fn parse(template: &str) -> Self {
        let words: Vec<&str> = template.split_whitespace().collect();
        let Some(first) = words.first() else {
            // GitHub's default where nothing is set.
            return Self { errexit: true, ..Self::default() };
        };
        let plain = ["bash", "sh", "zsh", "dash", "pwsh", "powershell", "cmd", "python", "python3"]
            .contains(&basename(first).trim_end_matches(".exe"));
        let simple = plain && words[1..].iter().all(|word| *word != "-c" && !word.contains("<("));
        let mut read = Self::default();
        if !simple {
            read.command = Some(words.iter().map(|word| (*word).to_owned()).collect());
            return read;
        }
        for (number, word) in words.iter().enumerate().skip(1) {
            let short = word.starts_with('-') && !word.starts_with("--");
            read.errexit |= short && word.contains('e') || *word == "errexit";
            let option = words[number - 1].starts_with('-') && words[number - 1].ends_with('o');
            read.pipefail |= option && *word == "pipefail";
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::{Os, Shell, Template};

    #[test]
    fn settings() {
        assert_eq!(Shell::from_setting(None, Os::Windows).0, Shell::PowerShell);
        assert_eq!(Shell::from_setting(Some("bash -l {0}"), Os::Linux).0, Shell::Posix);
        assert_eq!(Shell::from_setting(Some("python3 {0}"), Os::Linux).0, Shell::Python);
        assert_eq!(Shell::from_setting(Some("perl {0}"), Os::Linux).0, Shell::Other);
        assert_eq!(Shell::from_setting(Some("nix develop -c bash {0}"), Os::Linux).0, Shell::Posix);
    }

    #[test]
    fn templates() {
        let bash = Template::parse("bash --noprofile --norc -eo pipefail {0}");
        assert!(bash.errexit && bash.pipefail && bash.command.is_none());
        let login = Template::parse("bash -l {0}");
        assert!(!login.errexit && login.command.is_none());
        assert!(Template::parse("nix develop -c bash {0}").command.is_some());
        assert!(Template::parse("").errexit);
    }
}
