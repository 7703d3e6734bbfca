//! The policy that ends sessions.
//!
//! AWS keeps no list of sessions; what they may do is looked up at each call ("Disabling permissions for temporary
//! security credentials"). A deny for all that was issued before a time ends them. The condition is `DateLessThan`
//! and not `DateLessThanIfExists`: `aws:TokenIssueTime` is there for temporary credentials only, and a condition on a
//! key that is not there is false, so that the user's access keys go on; with `IfExists` it would be true, and they
//! would be denied too. Times compare by the second.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde_json::{Value, json};

/// The inline policy of the user.
pub(crate) const POLICY: &str = "keysweep-revoke-sessions";

/// The time from which on sessions live, rounded up: of a session in the same second it cannot be told whether it came
/// before.
pub(crate) fn cut(before: Timestamp) -> Timestamp {
    let up = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil);
    before.round(up).unwrap_or(before)
}

pub(crate) fn document(cut: Timestamp) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "KeysweepRevokeSessions",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": { "DateLessThan": { "aws:TokenIssueTime": cut.to_string() } },
        }],
    })
    .to_string()
}

/// The time of a policy that is this one and no other. IAM gives documents percent-encoded (RFC 3986).
pub(crate) fn cut_of(encoded: &str) -> Option<Timestamp> {
    let text = decoded(encoded)?;
    let found: Value = serde_json::from_str(&text).ok()?;
    let time = found.pointer("/Statement/0/Condition/DateLessThan/aws:TokenIssueTime")?.as_str()?;
    let time: Timestamp = time.parse().ok()?;
    let ours: Value = serde_json::from_str(&document(time)).ok()?;
    (found == ours).then_some(time)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let pair = [rest.next()?, rest.next()?];
            let pair = std::str::from_utf8(&pair).ok()?;
            bytes.push(u8::from_str_radix(pair, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_found_again_and_only_in_ours() {
        let time: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let text = document(time);
        assert_eq!(cut_of(&text), Some(time));
        let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        assert_eq!(cut_of(&encoded), Some(time));
        assert_eq!(cut_of(&text.replace("Deny", "Allow")), None);
        assert_eq!(cut_of("%7"), None);
    }

    #[test]
    fn a_long_lived_key_is_not_denied() {
        let text = document(Timestamp::UNIX_EPOCH);
        assert!(text.contains("\"DateLessThan\":") && !text.contains("IfExists"), "{text}");
    }

    #[test]
    fn the_second_of_the_time_is_cut_off_too() {
        let cut = |text: &str| cut(text.parse().unwrap()).to_string();
        assert_eq!(cut("2026-11-25T12:00:00.2Z"), "2026-11-25T12:00:01Z");
        assert_eq!(cut("2026-11-25T12:00:00Z"), "2026-11-25T12:00:00Z");
    }
}
