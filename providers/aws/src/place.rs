//! The names of placements: `sm:NAME`, `sm:NAME#KEY`, `ssm:/PATH/NAME`.

use keysweep_sdk::{Error, ErrorKind, Op, PlacementId};

use crate::Aws;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place<'a> {
    /// A secret of Secrets Manager, by its name or ARN; with a key, one value of the JSON object that it holds.
    Secret { id: &'a str, key: Option<&'a str> },
    /// A parameter of SSM Parameter Store.
    Parameter { name: &'a str },
}

impl<'a> Place<'a> {
    fn parse(at: &'a str) -> Option<Self> {
        if let Some(name) = at.strip_prefix("ssm:") {
            let taken = |c: char| c.is_ascii_alphanumeric() || "/_.-".contains(c);
            let fits = (1..=1011).contains(&name.len()) && name.chars().all(taken);
            return fits.then_some(Self::Parameter { name });
        }
        let rest = at.strip_prefix("sm:")?;
        let (id, key) = rest.split_once('#').map_or((rest, None), |(id, key)| (id, Some(key)));
        let arn = id.starts_with("arn:");
        let taken = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c) || arn && c == ':';
        let longest = if arn { 2048 } else { 512 };
        let fits = (1..=longest).contains(&id.len()) && id.chars().all(taken);
        let key_fits = key.is_none_or(|key| !key.is_empty() && !key.chars().any(char::is_control));
        (fits && key_fits).then_some(Self::Secret { id, key })
    }
}

impl Aws {
    pub(crate) fn at<'a>(&self, op: Op, at: &'a PlacementId) -> Result<Place<'a>, Error> {
        Place::parse(at.as_str()).ok_or_else(|| {
            self.refuse(op, ErrorKind::Invalid, format!("`{at}` is not the name of a placement"))
                .with_hint(
                    "`sm:NAME` or `sm:NAME#KEY` for a secret, `ssm:/PATH/NAME` for a parameter",
                )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_services() {
        let secret = |id, key| Some(Place::Secret { id, key });
        assert_eq!(Place::parse("sm:app/db"), secret("app/db", None));
        assert_eq!(Place::parse("sm:app/db#pass word"), secret("app/db", Some("pass word")));
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf";
        assert_eq!(Place::parse(&format!("sm:{arn}#k")), secret(arn, Some("k")));
        assert_eq!(Place::parse("ssm:/a/b"), Some(Place::Parameter { name: "/a/b" }));
        for bad in ["", "sm:", "sm:a#", "sm:a b", "sm:a:b", "ssm:", "ssm:/a b", "ssm:/a:3", "a/b"] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
