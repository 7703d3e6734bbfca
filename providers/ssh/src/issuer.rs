//! Adding a key to the file.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use keysweep_atomic_file::Trouble;
use keysweep_sdk::{
    Bundle, Chooser, Chosen, CredentialId, Cx, Effect, Error, ErrorKind, Issuer, IssuerLimits,
    Live, LostReply, MintRequest, Minted, Op, PrincipalId, ProviderName, Purpose, Result,
    SecretValue, Style,
};
use rand::RngExt;
use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};
use zeroize::Zeroizing;

use crate::{
    keys::{self, New},
    line,
    target::Target,
};

pub(crate) const PRIVATE: &str = "private_key";
pub(crate) const PUBLIC: &str = "public_key";

#[derive(Debug)]
pub(crate) struct AuthorizedKeys {
    pub(crate) name: ProviderName,
    pub(crate) target: Arc<Target>,
}

impl AuthorizedKeys {
    fn invalid(&self, message: &str, hint: &str) -> Error {
        Error::new(self.name.clone(), Op::Mint, ErrorKind::Invalid, Effect::None, message)
            .with_hint(hint)
    }
}

#[async_trait]
impl Issuer for AuthorizedKeys {
    fn limits(&self) -> IssuerLimits {
        IssuerLimits {
            style: Style::Overlap,
            chooser: Chooser::Caller,
            max_live: None,
            inactive_count: false,
            marker: true,
            lost_reply: LostReply::Repeat,
            // sshd reads the file at each login.
            visible_within: Duration::ZERO,
            fields: vec![PRIVATE.to_owned(), PUBLIC.to_owned()],
        }
    }

    async fn snapshot(&self, _: &Cx, principal: &PrincipalId) -> Result<Vec<Live>> {
        let read = self.target.read(principal).await;
        let file = read.map_err(|trouble| trouble.at(&self.name, Op::Snapshot))?;
        Ok(keys::list(&file.text))
    }

    async fn choose(
        &self,
        _: &Cx,
        _: &PrincipalId,
        _: &[Live],
        _: Option<&CredentialId>,
    ) -> Result<Option<Chosen>> {
        pair().map(Some).ok_or_else(|| {
            let message = "the new key pair could not be written down";
            let (kind, effect) = (ErrorKind::Unexpected, Effect::None);
            Error::new(self.name.clone(), Op::Choose, kind, effect, message).with_hint("try again")
        })
    }

    async fn mint(&self, _: &Cx, request: &MintRequest<'_>) -> Result<Minted> {
        let Some(Chosen { id, bundle }) = request.chosen else {
            let hint = "an authorized_keys file makes no keys: choose one first";
            return Err(self.invalid("no key pair was given", hint));
        };
        let marker = request.marker;
        if marker.trim() != marker || marker.is_empty() || marker.chars().any(char::is_control) {
            let hint = "it becomes the comment of a line: no line ends, no blanks around it";
            return Err(self.invalid("the marker is no comment of a key", hint));
        }
        let public = bundle.field(PUBLIC).map(|value| value.expose_for(Purpose::Mint));
        let key = public.map(|text| text.split_ascii_whitespace().take(2).collect::<Vec<_>>());
        let key = key.map(|parts| parts.join(" ")).unwrap_or_default();
        if line::key(&key).is_none_or(|(fingerprint, _)| fingerprint != id.as_str()) {
            let hint = "its id is the SHA-256 fingerprint of its field `public_key`";
            return Err(self.invalid("the public key is not the one of the id", hint));
        }
        let new = New { id, key: &key, comment: marker, replaces: request.replaces };
        let scope = Mutex::new(Default::default());
        let edit = |text: &str, _: &_| -> Result<_, Trouble> {
            let (text, added) = keys::add(text, &new)?;
            *scope.lock().unwrap_or_else(PoisonError::into_inner) = added;
            Ok(text)
        };
        let changed = self.target.change(request.principal, &edit).await;
        changed.map_err(|trouble| trouble.at(&self.name, Op::Mint))?;
        let copy = |(name, value): (&str, &SecretValue)| {
            (name.to_owned(), SecretValue::new(value.expose_for(Purpose::Mint)))
        };
        Ok(Minted {
            id: id.clone(),
            bundle: bundle.iter().map(copy).collect(),
            scope: scope.into_inner().unwrap_or_else(PoisonError::into_inner),
        })
    }
}

/// A new ed25519 pair, RFC 8709, in the forms that OpenSSH reads.
fn pair() -> Option<Chosen> {
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(rand::rng().random());
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    let private = key.to_openssh(LineEnding::LF).ok()?;
    let public = key.public_key().to_openssh().ok()?.trim().to_owned();
    let (id, _) = line::key(&public)?;
    let bundle = Bundle::one(PRIVATE, SecretValue::new(private.as_str()))
        .with(PUBLIC, SecretValue::new(public));
    Some(Chosen { id: CredentialId::new(id), bundle })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_whole_and_new_each_time() {
        let (a, b) = (pair().unwrap(), pair().unwrap());
        assert_ne!(a.id, b.id);
        let private = a.bundle.field(PRIVATE).unwrap().expose_for(Purpose::Verify);
        let read = PrivateKey::from_openssh(private).unwrap();
        let public = a.bundle.field(PUBLIC).unwrap().expose_for(Purpose::Verify);
        assert_eq!(read.public_key().to_openssh().unwrap().trim(), public);
        assert_eq!(read.fingerprint(ssh_key::HashAlg::Sha256).to_string(), a.id.as_str());
        assert!(!format!("{a:?}").contains(&private[40..80]));
    }
}
