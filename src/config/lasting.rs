//! How long something lasts, as people write it.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer, de};

/// `24h`, `90m`, `7d`, `1h 30m`. A day is 24 hours; months and years have no length and are refused.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Lasting(pub(super) Duration);

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parsed(&text)
            .map(Self)
            .ok_or_else(|| de::Error::custom("no length of time: write `24h`, `90m` or `7d`"))
    }
}

fn parsed(text: &str) -> Option<Duration> {
    let span: Span = text.trim().parse().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(length).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parsed;

    #[test]
    fn a_length_is_what_people_write() {
        for (text, seconds) in [
            ("24h", 86_400),
            ("90m", 5_400),
            ("7d", 604_800),
            ("1h 30m", 5_400),
            ("2w", 1_209_600),
            ("0s", 0),
        ] {
            assert_eq!(parsed(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "24", "1 month", "1y", "-3h", "3h ago", "soon"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
