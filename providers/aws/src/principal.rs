use keysweep_sdk::{Error, ErrorKind, Op, PrincipalId};

use crate::Aws;

impl Aws {
    /// The name of `user/NAME`. Never empty: `ListAccessKeys` without a name lists the keys of whoever asks.
    pub(crate) fn user<'a>(&self, op: Op, principal: &'a PrincipalId) -> Result<&'a str, Error> {
        let refused = |kind, why: &str, hint: &str| {
            Err(self.refuse(op, kind, format!("`{principal}` {why}")).with_hint(hint))
        };
        let Some(name) = principal.as_str().strip_prefix("user/") else {
            return refused(
                ErrorKind::Unsupported,
                "is not an IAM user",
                "access keys are those of `user/NAME`; a role has sessions, and the root user is left alone",
            );
        };
        let taken = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(taken) {
            return refused(
                ErrorKind::Invalid,
                "has not the name of an IAM user",
                "`user/NAME` without the path: letters, digits and `+=,.@_-`, at most 64",
            );
        }
        Ok(name)
    }
}

/// What `GetCallerIdentity` says: `arn:PARTITION:SERVICE::ACCOUNT:RESOURCE`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Arn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) account: &'a str,
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    pub(crate) fn parse(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (scheme, partition) = (parts.next()?, parts.next()?);
        let (_service, _region) = (parts.next()?, parts.next()?);
        let (account, resource) = (parts.next()?, parts.next()?);
        (scheme == "arn" && !resource.is_empty()).then_some(Self { partition, account, resource })
    }

    /// `user/NAME` without its path, since IAM's calls take the name only; others as they are.
    pub(crate) fn principal(&self) -> PrincipalId {
        let user = self.resource.strip_prefix("user/").and_then(|path| path.rsplit('/').next());
        PrincipalId::new(
            user.map_or_else(|| self.resource.to_owned(), |name| format!("user/{name}")),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_the_principal() {
        for (arn, principal) in [
            ("arn:aws:iam::123456789012:user/ci", "user/ci"),
            ("arn:aws:iam::123456789012:user/team/a/ci", "user/ci"),
            ("arn:aws-cn:sts::123456789012:assumed-role/app/s", "assumed-role/app/s"),
            ("arn:aws:iam::123456789012:root", "root"),
        ] {
            let parsed = Arn::parse(arn).unwrap();
            assert_eq!(parsed.principal().as_str(), principal);
            assert_eq!(parsed.account, "123456789012");
        }
        assert_eq!(Arn::parse("arn:aws:iam"), None);
    }
}
