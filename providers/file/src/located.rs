//! What a placement takes, and what can be told of it.

use jiff::Timestamp;
use keysweep_atomic_file::{Seen, Trouble};
use keysweep_sdk::{Bundle, ErrorKind, Slot};
use zeroize::Zeroizing;

use crate::{
    format::{Format, Leaves, here},
    locate::Located,
    surroundings::{encrypted_by, seen_by, tracked_by},
};

impl Located {
    pub(crate) fn slot(&self, seen: &Seen, encrypted: Option<&str>) -> Slot {
        let (seconds, nanoseconds) = seen.modified;
        let nanoseconds = i32::try_from(nanoseconds).unwrap_or_default();
        let git = || {
            tracked_by(&self.target.path())
                .map(|tree| format!("git ({} tracks it)", tree.display()))
        };
        Slot {
            version: Some(seen.version.to_string()),
            updated: Timestamp::new(seconds, nanoseconds).ok(),
            seen_by: seen_by(seen),
            managed_by: encrypted.map(str::to_owned).or_else(git),
            shadowed_by: self.shadow(),
        }
    }

    /// Frameworks that read `.env` take what `.env.local` says instead.
    pub(crate) fn shadow(&self) -> Option<String> {
        let ([name], Format::Dotenv) = (&self.place[..], self.format) else { return None };
        let local = self.target.path().into_os_string().into_string().ok()? + ".local";
        let text = Zeroizing::new(std::fs::read_to_string(&local).ok()?);
        let leaves = self.format.leaves(&text).ok()?;
        leaves.iter().any(|(at, _)| at[..] == self.place).then(|| format!("{local}#{name}"))
    }

    /// A profile is named values; every other place is one value, or named values in it.
    pub(crate) fn takes_one(&self) -> bool {
        self.format != Format::AwsCredentials || self.place.is_empty()
    }

    /// The place of one of several named values.
    pub(crate) fn inner(&self, name: &str) -> Result<Vec<String>, Trouble> {
        match self.format {
            Format::Whole => Err(Trouble::new(ErrorKind::Invalid, "a whole file is one value")
                .with_hint("give it one field or a template, or name its format under `formats`")),
            Format::Dotenv if !self.place.is_empty() => {
                Err(Trouble::new(ErrorKind::Invalid, "a line is one value")
                    .with_hint("end the placement with `#` to write several lines"))
            }
            Format::AwsCredentials if self.place.is_empty() => Err(named_only()),
            Format::Dotenv => self.format.place(name),
            Format::AwsCredentials | Format::Json | Format::Yaml | Format::Toml => {
                Ok([&self.place[..], &[name.to_owned()]].concat())
            }
        }
    }

    /// Of a profile: all of its keys.
    pub(crate) fn names(&self, leaves: &Leaves) -> Vec<String> {
        let inside = leaves.iter().filter(|(at, _)| at.starts_with(&self.place));
        inside.filter_map(|(at, _)| at.get(self.place.len()).cloned()).collect()
    }

    pub(crate) fn check_plain(&self, text: &str) -> Result<(), Trouble> {
        match encrypted_by(text) {
            None => Ok(()),
            Some(tool) => {
                Err(Trouble::new(ErrorKind::Invalid, format!("it is encrypted by {tool}"))
                    .with_hint(format!("change it with {tool}")))
            }
        }
    }

    /// A session token belongs to the key that it came with.
    pub(crate) fn check_named(&self, leaves: &Leaves, bundle: &Bundle) -> Result<(), Trouble> {
        const TOKEN: &str = "aws_session_token";
        let aws = self.format == Format::AwsCredentials && bundle.field(TOKEN).is_none();
        if aws && here(leaves, &self.inner(TOKEN)?)?.is_some() {
            let message =
                "the profile has an `aws_session_token`, which a new key does not go with";
            return Err(Trouble::new(ErrorKind::Invalid, message)
                .with_hint("the profile holds a temporary credential: is it the right one? else remove that line"));
        }
        Ok(())
    }

    pub(crate) fn named(&self, trouble: Trouble) -> Trouble {
        let message = format!("`{}`: {}", self.target.path().display(), trouble.message);
        Trouble { message, ..trouble }
    }
}

pub(crate) fn named_only() -> Trouble {
    let message = "a placement in an AWS credentials file is a profile with named values";
    Trouble::new(ErrorKind::Invalid, message).with_hint(
        "write `PATH#PROFILE`, with `aws_access_key_id` and `aws_secret_access_key` named",
    )
}
