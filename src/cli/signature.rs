//! Signatures of packs: minisign, beside the file as `FILE.minisig`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use minisign_verify::{Error, PublicKey, Signature};
use sha2::{Digest, Sha256};

use super::{ExitError, home, settings::plain};

/// A key and what it is called: the beginning of its text.
#[derive(Clone, Debug)]
pub(super) struct Key {
    key: PublicKey,
    pub(super) text: String,
}

impl Key {
    /// A file in the form of `minisign.pub`, or the key itself.
    pub(super) fn read(said: &str) -> Result<Self, ExitError> {
        let path = Path::new(said);
        let text = if path.is_file() { home::read(path)? } else { said.to_owned() };
        Self::parse(&text).ok_or_else(|| {
            ExitError::usage(
                format!("`--key {said}`"),
                "neither a minisign public key nor a file that holds one",
            )
            .hint("name `minisign.pub`, or give the line that begins with `RW`")
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
        let key = PublicKey::from_base64(line).ok()?;
        Some(Self { key, text: line.to_owned() })
    }

    pub(super) fn name(&self) -> String {
        self.text.chars().take(16).collect()
    }

    pub(super) fn file(&self, home: &Path) -> PathBuf {
        let digest = hex::encode(&Sha256::digest(&self.text)[..8]);
        home::keys(home).join(format!("{digest}.pub"))
    }
}

/// What a signature says of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Signed {
    No,
    /// There is one, and no key to hold it against.
    NotVerified,
    By(String),
}

impl Signed {
    pub(super) fn words(&self) -> String {
        match self {
            Self::No => "not signed".to_owned(),
            Self::NotVerified => "signed, not verified".to_owned(),
            Self::By(key) => format!("signature verified with the key {key}…"),
        }
    }
}

pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".minisig");
    PathBuf::from(name)
}

/// Holds `text` against the signature beside its file. With a key of the caller there has to be one.
pub(super) fn check(
    path: &Path,
    text: &str,
    key: Option<&Key>,
    trusted: &[Key],
) -> Result<Signed, ExitError> {
    let file = beside(path);
    let thing = || format!("`{}`", file.display());
    let signature = match fs::read_to_string(&file) {
        Ok(signature) => signature,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match key {
                None => Ok(Signed::No),
                Some(_) => Err(ExitError::usage(thing(), "no such file, and `--key` asks for it")
                    .hint("put the signature beside the pack, or leave `--key` out")),
            };
        }
        Err(error) => return Err(ExitError::failed(thing(), plain(&error))),
    };
    let refused = |trouble: &str| {
        ExitError::usage(thing(), trouble)
            .hint("take pack and signature from their author again; nothing was kept")
    };
    let signature =
        Signature::decode(&signature).map_err(|_| refused("not a minisign signature"))?;
    let keys: Vec<&Key> = key.map_or_else(|| trusted.iter().collect(), |key| vec![key]);
    for candidate in keys {
        // Signatures of older versions sign the text and not its hash: as good for a text this short.
        match candidate.key.verify(text.as_bytes(), &signature, true) {
            Ok(()) => return Ok(Signed::By(candidate.name())),
            Err(Error::UnexpectedKeyId) if key.is_none() => {}
            Err(Error::UnexpectedKeyId) => {
                return Err(refused("made with another key than that of `--key`"));
            }
            Err(_) => return Err(refused("the signature is not that of this text")),
        }
    }
    Ok(Signed::NotVerified)
}

/// Keys of the user's folder. One that cannot be read is no key.
pub(super) fn trusted(home: &Path) -> Result<Vec<Key>, ExitError> {
    let files = home::files(&home::keys(home), "pub")?;
    files
        .iter()
        .map(|path| {
            Key::parse(&home::read(path)?).ok_or_else(|| {
                ExitError::usage(format!("`{}`", path.display()), "not a minisign public key")
                    .hint("remove the file, and trust the key again")
            })
        })
        .collect()
}

/// `, signed …` for a pack in the user's folder.
pub(super) fn of_kept(home: &Path, path: &Path, text: &str) -> Result<String, ExitError> {
    Ok(match check(path, text, None, &trusted(home)?)? {
        Signed::No => String::new(),
        signed => format!(", {}", signed.words()),
    })
}
