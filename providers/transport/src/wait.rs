//! How long a server asks to wait, in the forms that servers say it.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Longer than any window in use; a reset beyond it is a misread form.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => until(date(text)?, server_time(headers, now)),
    };
    Some(wait.min(LONGEST))
}

/// What is left of the budget and when it is whole again, by any of the forms in use:
/// `x-ratelimit-*` and `ratelimit-*` (epoch seconds or seconds from now), and
/// `RateLimit: "default";r=50;t=30` of draft-ietf-httpapi-ratelimit-headers.
pub(crate) fn budget(headers: &HeaderMap, now: Timestamp) -> Option<(u64, Duration)> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(field) = text("ratelimit")
        && let Some(left) = structured(field)
    {
        return Some(left);
    }
    for prefix in ["x-ratelimit-", "ratelimit-"] {
        let number = |what: &str| text(&format!("{prefix}{what}"))?.parse::<f64>().ok();
        if let (Some(left), Some(reset)) = (number("remaining"), number("reset")) {
            let wait = reset_in(reset, server_time(headers, now))?;
            return Some((if left >= 1.0 { left as u64 } else { 0 }, wait));
        }
    }
    None
}

/// The name of the budget that a request counted against, where the server has several.
pub(crate) fn bucket(headers: &HeaderMap) -> Option<&str> {
    ["x-ratelimit-resource", "x-ratelimit-name"]
        .into_iter()
        .find_map(|name| headers.get(name)?.to_str().ok())
}

fn structured(field: &str) -> Option<(u64, Duration)> {
    let mut parameters = field.split(',').next()?.split(';').skip(1);
    let (mut left, mut wait) = (None, None);
    parameters.try_for_each(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let number = value.trim().parse::<u64>().ok();
        match key.trim() {
            "r" => left = number,
            "t" => wait = number,
            _ => {}
        }
        Some(())
    })?;
    Some((left?, Duration::from_secs(wait?).min(LONGEST)))
}

/// A reset is an instant when it is large (GitHub), else a span (Datadog).
fn reset_in(reset: f64, now: Timestamp) -> Option<Duration> {
    const EPOCH: f64 = 1e9;
    const MILLIS: f64 = 1e12;
    let wait = match reset {
        _ if !(0.0..1e15).contains(&reset) => return None,
        _ if reset >= MILLIS => until(Timestamp::from_millisecond(reset as i64).ok()?, now),
        _ if reset >= EPOCH => until(Timestamp::from_second(reset as i64).ok()?, now),
        _ => Duration::from_secs_f64(reset),
    };
    (wait <= LONGEST).then_some(wait)
}

/// The server's clock where it tells it: its instants are by that clock.
fn server_time(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    headers.get(DATE).and_then(|value| date(value.to_str().ok()?)).unwrap_or(now)
}

fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn now() -> Timestamp {
        "1994-11-06T08:49:07Z".parse().unwrap()
    }

    #[test]
    fn retry_after_in_both_forms() {
        let wait = |lines: &[_]| retry_after(&headers(lines), now()).map(|wait| wait.as_secs());
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(30));
        let skewed = [
            ("retry-after", "Sun, 06 Nov 1994 10:00:10 GMT"),
            ("date", "Sun, 06 Nov 1994 10:00:00 GMT"),
        ];
        assert_eq!(wait(&skewed), Some(10));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(0));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn budgets_in_the_forms_in_use() {
        let budget = |lines: &[_]| budget(&headers(lines), now()).map(|(n, t)| (n, t.as_secs()));
        let github = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "784111807")];
        // An instant of 1994 is below the mark, and as a span beyond any window.
        assert_eq!(budget(&github), None);
        let github = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1760000060"),
            ("date", "Thu, 09 Oct 2025 08:53:20 GMT"),
        ];
        assert_eq!(budget(&github), Some((0, 60)));
        let datadog = [("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "45")];
        assert_eq!(budget(&datadog), Some((3, 45)));
        let old_draft = [("ratelimit-remaining", "9"), ("ratelimit-reset", "50")];
        assert_eq!(budget(&old_draft), Some((9, 50)));
        assert_eq!(
            budget(&[("ratelimit", r#""default";r=50;t=30, "day";r=1;t=9"#)]),
            Some((50, 30))
        );
        for broken in [r#""default";r=50"#, "x", r#""a";r=-1;t=3"#] {
            assert_eq!(budget(&[("ratelimit", broken)]), None, "{broken}");
        }
    }
}
