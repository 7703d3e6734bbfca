//! Where keysweep's own credentials are read: the environment, a program, the system's keychain.

use std::{collections::BTreeSet, process::Stdio, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Effect, Error, ErrorKind, Op, ProviderName, Resolve, Result, SecretRef, SecretValue,
};
use tokio::{io::AsyncReadExt, process::Command, time};
use toml::de::DeValue;
use zeroize::Zeroizing;

use super::Config;
use crate::ci::literal::masked;

/// A program that takes longer waits for somebody who is not there.
const PATIENCE: Duration = Duration::from_mins(1);
/// More bytes are no credential.
const LONGEST: usize = 64 << 10;

/// Reads references for the providers of one configuration.
#[derive(Debug, Default)]
pub struct References {
    /// Variables that hold other credentials of keysweep: a program that prints one of them needs none of the others.
    withheld: BTreeSet<String>,
}

impl References {
    /// For a configuration: what it names with `env:` is kept from every program that it names with `cmd:`.
    pub fn of(config: &Config) -> Self {
        let mut withheld = BTreeSet::new();
        if let Ok(tree) = config.source.tree() {
            let providers = tree.get_ref().get("providers");
            providers.iter().for_each(|part| variables(part.get_ref(), &mut withheld));
        }
        Self { withheld }
    }

    /// What a program prints, without the line feed at its end. Its errors are not shown: they are not ours to judge.
    async fn printed(&self, asked: &Asked<'_>, argv: &[String]) -> Result<SecretValue> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(asked.error(ErrorKind::Config, "no program", "write `cmd:PROGRAM ARG…`"));
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.kill_on_drop(true);
        self.withheld.iter().for_each(|name| {
            command.env_remove(name);
        });
        let mut child = command.spawn().map_err(|error| {
            let message = format!("`{}` does not start: {}", masked(program), error.kind());
            asked.error(ErrorKind::Config, message, "install it, or write its whole path")
        })?;
        let Some(stdout) = child.stdout.take() else {
            return Err(asked.error(ErrorKind::Unexpected, "no output", "try again"));
        };
        // Room for all of it from the start: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
        let ended = time::timeout(PATIENCE, async {
            let most = u64::try_from(LONGEST + 1).unwrap_or(u64::MAX);
            stdout.take(most).read_to_end(&mut text).await?;
            if text.len() > LONGEST {
                child.start_kill()?;
            }
            child.wait().await
        })
        .await;
        let by_hand =
            "run it by hand: it has to print the credential and nothing else, and ask for nothing";
        match ended {
            Err(_) => {
                let message = format!("no end within {} s", PATIENCE.as_secs());
                Err(asked.error(ErrorKind::Config, message, by_hand))
            }
            Ok(Err(error)) => Err(asked.error(
                ErrorKind::Config,
                format!("broken off: {}", error.kind()),
                by_hand,
            )),
            Ok(Ok(_)) if text.len() > LONGEST => {
                Err(asked.error(ErrorKind::Config, "it prints more than 64 KB", by_hand))
            }
            Ok(Ok(status)) if !status.success() => {
                Err(asked.error(ErrorKind::Config, format!("it failed ({status})"), by_hand))
            }
            Ok(Ok(_)) => asked.value(&text, by_hand),
        }
    }
}

#[async_trait]
impl Resolve for References {
    async fn resolve(&self, provider: &ProviderName, reference: &SecretRef) -> Result<SecretValue> {
        let asked = Asked { provider, reference };
        match reference {
            SecretRef::Env(name) => {
                match std::env::var_os(name).map(|value| value.into_encoded_bytes()) {
                    None => Err(asked.error(
                        ErrorKind::Config,
                        "the variable is not set",
                        format!("set `{name}` for this run, or name another source"),
                    )),
                    Some(bytes) => {
                        asked.value(&Zeroizing::new(bytes), "set the variable to the credential")
                    }
                }
            }
            SecretRef::Cmd(line) => match shell_words::split(line) {
                Ok(argv) => self.printed(&asked, &argv).await,
                Err(_) => Err(asked.error(
                    ErrorKind::Config,
                    "a quote does not end",
                    "write it as for a shell, without variables and pipes: there is no shell",
                )),
            },
            SecretRef::Gh => {
                let argv = ["gh", "auth", "token"].map(str::to_owned);
                self.printed(&asked, &argv).await
            }
            SecretRef::Vault { path, field } => Err(asked.error(
                ErrorKind::Unsupported,
                "not read yet",
                format!("write `cmd:vault kv get -field={field} {path}`"),
            )),
            SecretRef::Keychain { service, account } => keychain(&asked, service, account).await,
        }
    }
}

struct Asked<'a> {
    provider: &'a ProviderName,
    reference: &'a SecretRef,
}

impl Asked<'_> {
    fn error(
        &self,
        kind: ErrorKind,
        message: impl std::fmt::Display,
        hint: impl Into<String>,
    ) -> Error {
        let reference = self.reference.to_string();
        let message = format!("`{}`: {message}", masked(&reference));
        Error::new(self.provider.clone(), Op::Mount, kind, Effect::None, message).with_hint(hint)
    }

    fn value(&self, bytes: &[u8], hint: &str) -> Result<SecretValue> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| self.error(ErrorKind::Config, "no UTF-8 text", hint))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(self.error(ErrorKind::Config, "nothing is there", hint));
        }
        Ok(SecretValue::new(text))
    }
}

#[cfg(feature = "keychain")]
async fn keychain(asked: &Asked<'_>, service: &str, account: &str) -> Result<SecretValue> {
    let read = super::keychain::read(service.to_owned(), account.to_owned()).await;
    read.map_err(|trouble| {
        asked.error(
            ErrorKind::Config,
            trouble,
            "unlock the keychain, and see that the entry is there",
        )
    })
}

#[cfg(not(feature = "keychain"))]
#[expect(clippy::unused_async, reason = "as with the feature")]
async fn keychain(asked: &Asked<'_>, _: &str, _: &str) -> Result<SecretValue> {
    let hint = "build with `--features keychain`, or name another source: `env:`, `cmd:`";
    Err(asked.error(ErrorKind::Unsupported, "this build reads no keychain", hint))
}

/// The names behind `env:`, wherever they stand.
fn variables(value: &DeValue<'_>, names: &mut BTreeSet<String>) {
    match value {
        DeValue::String(text) => {
            if let Ok(SecretRef::Env(name)) = text.parse() {
                names.insert(name);
            }
        }
        DeValue::Array(items) => items.iter().for_each(|item| variables(item.get_ref(), names)),
        DeValue::Table(table) => {
            table.values().for_each(|value| variables(value.get_ref(), names));
        }
        _ => {}
    }
}
