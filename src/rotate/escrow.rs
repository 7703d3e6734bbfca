//! Values sealed to the operator's age key, X25519 (<https://age-encryption.org/v1>).
//!
//! To seal needs recipients only; the identity is read when something is opened.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use age::{
    DecryptError, Decryptor, Encryptor,
    secrecy::ExposeSecret as _,
    x25519::{Identity, Recipient},
};
use keysweep_sdk::{Bundle, Purpose, SecretValue};
use zeroize::Zeroizing;

use super::journal::{SealError, Sealed, Sealer};

/// Of what is sealed. One of another format is refused.
const FORMAT: u8 = 1;

/// More than a bundle of any issuer has.
const FIELDS_AT_MOST: u32 = 1000;

/// Seals to all of its recipients, and opens with an identity file if it has one.
#[derive(Debug)]
pub struct AgeSealer {
    recipients: Vec<Named>,
    identity: Option<PathBuf>,
}

/// A recipient, whose public name may be shown.
struct Named(Recipient);

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Makes a new identity file with mode 0600, and returns its recipient: `age1…`. Such a file is what `age-keygen` makes.
///
/// # Errors
///
/// When there is something at `path`: it could be the only key to sealed values.
pub fn keys_new(path: &Path) -> Result<String, SealError> {
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            SealError(format!("{} is there, and stays; give another name", path.display()))
        }
        _ => SealError(format!("{}: {error}", path.display())),
    };
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(told)?;
    let identity = Identity::generate();
    let recipient = identity.to_public().to_string();
    let key = identity.to_string();
    let key = key.expose_secret().as_bytes();
    let written = file
        .write_all(format!("# public key: {recipient}\n").as_bytes())
        .and_then(|()| file.write_all(key))
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all());
    written.map_err(told)?;
    Ok(recipient)
}

impl AgeSealer {
    /// Seals to `recipients`, each `age1…`, and opens nothing.
    ///
    /// # Errors
    ///
    /// The first recipient that is none, or that there is none at all.
    pub fn to<'a>(recipients: impl IntoIterator<Item = &'a str>) -> Result<Self, SealError> {
        let recipients: Vec<_> = recipients
            .into_iter()
            .map(|text| {
                let parsed = text.trim().parse();
                parsed.map(Named).map_err(|why| {
                    SealError(format!("`{text}` is no age recipient ({why}); one begins with age1"))
                })
            })
            .collect::<Result<_, _>>()?;
        if recipients.is_empty() {
            return Err(SealError(
                "there is no recipient to seal to; run `keysweep keys new`".into(),
            ));
        }
        Ok(Self { recipients, identity: None })
    }

    /// Seals to the keys of an identity file and to `more` recipients, and opens with the file.
    ///
    /// # Errors
    ///
    /// What is wrong with the file or a recipient.
    pub fn with_identity<'a>(
        path: &Path,
        more: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, SealError> {
        let keys = read_identities(path)?;
        let own = keys.iter().map(|key| key.to_public().to_string());
        let all: Vec<String> = own.chain(more.into_iter().map(str::to_owned)).collect();
        let mut sealer = Self::to(all.iter().map(String::as_str))?;
        sealer.identity = Some(path.to_owned());
        Ok(sealer)
    }

    /// The same, opening with an identity file that is read when it is needed.
    #[must_use]
    pub fn opening_with(mut self, path: &Path) -> Self {
        self.identity = Some(path.to_owned());
        self
    }

    /// The recipients, for people and for the record.
    pub fn recipients(&self) -> Vec<String> {
        self.recipients.iter().map(|Named(recipient)| recipient.to_string()).collect()
    }

    pub(super) fn seal_bytes(&self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let told = |why: String| SealError(format!("cannot seal: {why}"));
        let recipients = self.recipients.iter().map(|Named(recipient)| recipient as _);
        let encryptor =
            Encryptor::with_recipients(recipients).map_err(|error| told(error.to_string()))?;
        let mut out = Vec::new();
        let mut writer =
            encryptor.wrap_output(&mut out).map_err(|error| told(error.to_string()))?;
        writer.write_all(plain).map_err(|error| told(error.to_string()))?;
        writer.finish().map_err(|error| told(error.to_string()))?;
        Ok(out)
    }

    pub(super) fn open_bytes(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let Some(path) = &self.identity else {
            return Err(SealError(format!(
                "sealed to {}: name the file with its identity, as `keysweep keys new` wrote it",
                self.recipients().join(", ")
            )));
        };
        let identities = read_identities(path)?;
        let told = |error: DecryptError| match error {
            DecryptError::NoMatchingKeys => SealError(format!(
                "{} has not the identity that it was sealed to; give the file that has",
                path.display()
            )),
            other => SealError(format!("cannot open what was sealed: {other}")),
        };
        let decryptor = Decryptor::new_buffered(sealed).map_err(told)?;
        let identities = identities.iter().map(|identity| identity as _);
        let mut reader = decryptor.decrypt(identities).map_err(told)?;
        // What was sealed is longer than the text, so that the buffer never moves and leaves a copy.
        let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
        reader.read_to_end(&mut plain).map_err(|error| told(error.into()))?;
        Ok(plain)
    }
}

impl Sealer for AgeSealer {
    fn seal(&self, bundle: &Bundle) -> Result<Sealed, SealError> {
        self.seal_bytes(&encode(bundle)?).map(Sealed)
    }

    fn open(&self, sealed: &Sealed) -> Result<Bundle, SealError> {
        decode(&self.open_bytes(&sealed.0)?).ok_or_else(|| {
            SealError("what was sealed is no bundle that this keysweep reads".into())
        })
    }
}

/// Format, count of fields, then name and value of each after their lengths (u32, big-endian).
fn encode(bundle: &Bundle) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let fields = || bundle.iter().map(|(name, value)| (name, value.expose_for(Purpose::Seal)));
    let length = |bytes: usize| {
        u32::try_from(bytes).map_err(|_| SealError("a field is longer than 4 GiB".into()))
    };
    // The size is known before, so that the buffer never moves and leaves a copy.
    let size = 5 + fields().map(|(name, value)| 8 + name.len() + value.len()).sum::<usize>();
    let mut out = Zeroizing::new(Vec::with_capacity(size));
    out.push(FORMAT);
    out.extend(length(fields().count())?.to_be_bytes());
    for (name, value) in fields() {
        for part in [name, value] {
            out.extend(length(part.len())?.to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
    }
    Ok(out)
}

fn decode(bytes: &[u8]) -> Option<Bundle> {
    let (&format, mut rest) = bytes.split_first()?;
    let count = number(&mut rest).filter(|count| format == FORMAT && *count <= FIELDS_AT_MOST)?;
    let bundle = (0..count)
        .map(|_| Some((part(&mut rest)?.to_owned(), SecretValue::new(part(&mut rest)?))))
        .collect::<Option<Bundle>>()?;
    rest.is_empty().then_some(bundle)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_be_bytes(*head))
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    std::str::from_utf8(head).ok()
}

fn read_identities(path: &Path) -> Result<Vec<Identity>, SealError> {
    let told = |why: String| SealError(format!("{}: {why}", path.display()));
    let mut file = fs::File::open(path).map_err(|error| told(error.to_string()))?;
    let about = file.metadata().map_err(|error| told(error.to_string()))?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0 {
        return Err(told("others can read it; run `chmod 600` on it".into()));
    }
    let size = usize::try_from(about.len()).unwrap_or(0).saturating_add(1);
    let mut text = Zeroizing::new(String::with_capacity(size));
    file.read_to_string(&mut text).map_err(|error| told(error.to_string()))?;
    let keys =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let identities: Vec<Identity> = keys
        .map(|line| line.parse().map_err(|why: &str| told(format!("no age identity: {why}"))))
        .collect::<Result<_, _>>()?;
    if identities.is_empty() {
        Err(told("there is no identity in it".into()))
    } else {
        Ok(identities)
    }
}
