//! Moments as people write them: `2021-01-31`, RFC 3339, a clock time with the zone of an advisory.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{Offset, TimeZone},
};

use super::{super::document::Precision, units};

/// A day, or an instant, as precise as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Moment {
    /// In the form of a pack.
    pub at: String,
    pub precision: Precision,
    /// As it was written.
    pub text: String,
}

const FORMS: &str = "write `2021-01-31` (a day, UTC), `2021-01-31T08:15Z`, an offset \
                     (`2021-01-31T08:15-05:00`) or a zone (`2021-01-31 08:15 EST`, `…T08:15[America/New_York]`)";

/// Zones of advisories with one offset, in minutes.
const FIXED: [(&str, i32); 16] = [
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("EST", -300),
    ("EDT", -240),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("CET", 60),
    ("CEST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("JST", 540),
    ("AEDT", 660),
];

/// Zones whose offset hangs on the day.
const AREAS: [(&str, &str); 4] = [
    ("ET", "America/New_York"),
    ("CT", "America/Chicago"),
    ("MT", "America/Denver"),
    ("PT", "America/Los_Angeles"),
];

impl Moment {
    /// # Errors
    ///
    /// What is wrong with it, and the way out.
    pub fn read(text: &str) -> Result<Self, (String, String)> {
        let text = text.trim();
        let wrong = || ("not a date".to_owned(), FORMS.to_owned());
        if let Some(precision) = whole_day(text) {
            return Ok(Self { at: text.to_owned(), precision, text: text.to_owned() });
        }
        let (day, rest) = text.split_at_checked(10).ok_or_else(wrong)?;
        let date: Date = day.parse().map_err(|_| wrong())?;
        let rest = rest.strip_prefix(['T', 't', ' ']).ok_or_else(wrong)?;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.');
        let (clock, zone) = rest.split_at(end.unwrap_or(rest.len()));
        let (time, precision) = clock_time(date, clock).ok_or_else(wrong)?;
        let zone = zone.trim();
        if zone.is_empty() {
            let trouble = "a clock time without a time zone could be any of 24 hours".to_owned();
            return Err((trouble, FORMS.to_owned()));
        }
        let offset = offset_of(zone, time)?;
        let at = format!("{}{}", &time.to_string()[..units(precision)], written(offset));
        Ok(Self { at, precision, text: text.to_owned() })
    }
}

fn whole_day(text: &str) -> Option<Precision> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !digits(text) {
        return None;
    }
    match text.len() {
        10 => text.parse::<Date>().ok().map(|_| Precision::Day),
        7 => format!("{text}-01").parse::<Date>().ok().map(|_| Precision::Month),
        _ => None,
    }
}

/// Fractions of a second are cut: the second that holds them counts whole.
fn clock_time(date: Date, clock: &str) -> Option<(DateTime, Precision)> {
    let clock = clock.split('.').next().unwrap_or_default();
    let parts: Vec<i8> = clock
        .split(':')
        .map(|part| (part.len() == 2).then(|| part.parse().ok()).flatten())
        .collect::<Option<_>>()?;
    let (hour, minute, second, precision) = match parts[..] {
        [hour] => (hour, 0, 0, Precision::Hour),
        [hour, minute] => (hour, minute, 0, Precision::Minute),
        [hour, minute, second] => (hour, minute, second, Precision::Second),
        _ => return None,
    };
    let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
    Some((date.to_datetime(time), precision))
}

fn offset_of(zone: &str, at: DateTime) -> Result<Offset, (String, String)> {
    let unknown = || (format!("time zone `{zone}` is not known"), FORMS.to_owned());
    if let Some(minutes) = minutes_east(zone) {
        return Offset::from_seconds(minutes * 60).map_err(|_| unknown());
    }
    let bare = zone.trim_start_matches('[').trim_end_matches(']');
    let zone = zone_of(bare).ok_or_else(unknown)?;
    let ambiguous = zone.to_ambiguous_timestamp(at);
    if ambiguous.is_ambiguous() {
        let trouble = "the clocks were changed in that hour, so it names two moments or none";
        return Err((trouble.to_owned(), "write the offset: `…T01:30-04:00`".to_owned()));
    }
    let moment = ambiguous.unambiguous().map_err(|_| unknown())?;
    Ok(zone.to_offset(moment))
}

fn zone_of(name: &str) -> Option<TimeZone> {
    let fixed = |minutes: i32| Offset::from_seconds(minutes * 60).ok().map(TimeZone::fixed);
    if let Some((_, minutes)) = FIXED.iter().find(|(label, _)| label.eq_ignore_ascii_case(name)) {
        return fixed(*minutes);
    }
    let area = AREAS.iter().find(|(label, _)| label.eq_ignore_ascii_case(name));
    let name = area.map_or(name, |(_, area)| area);
    name.contains('/').then(|| TimeZone::get(name).ok()).flatten()
}

/// `-04:00`, `+0200`, `+02`.
fn minutes_east(zone: &str) -> Option<i32> {
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-" | "−", rest) => (-1, rest),
        _ => return None,
    };
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    let good = matches!(digits.len(), 2 | 4) && digits.bytes().all(|b| b.is_ascii_digit());
    let (hours, minutes) = if good { digits.split_at(2) } else { return None };
    let (hours, minutes): (i32, i32) =
        (hours.parse().ok()?, if minutes.is_empty() { 0 } else { minutes.parse().ok()? });
    (hours <= 15 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

fn written(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    match minutes {
        0 => "Z".to_owned(),
        _ => {
            let sign = if minutes < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
        }
    }
}

/// The instant on the clock of a zone that has a name (`EDT`, `ET`); `None`: no such name.
pub fn in_zone(moment: Timestamp, label: &str) -> Option<DateTime> {
    Some(zone_of(label)?.to_datetime(moment))
}

/// Clock times that a text speaks of, and the zones that it names.
#[derive(Clone, Debug, Default)]
pub(in crate::incident) struct Labelled {
    /// Hour and minute.
    pub(in crate::incident) clocks: Vec<(i8, i8)>,
    pub(in crate::incident) zones: Vec<String>,
}

/// `March 11 between 18:42 and 20:31 UTC`, `around 9 AM PT`.
pub(in crate::incident) fn labelled(text: &str) -> Labelled {
    let mut found = Labelled::default();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric() && c != ':').filter(|w| !w.is_empty()).collect();
    for (i, word) in words.iter().enumerate() {
        let known =
            FIXED.iter().map(|(label, _)| *label).chain(AREAS.iter().map(|(label, _)| *label));
        let shouted = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
        if shouted && known.into_iter().any(|label| label == *word) {
            found.zones.push((*word).to_owned());
        }
        let lower = word.to_ascii_lowercase();
        let (digits, glued) = match lower.strip_suffix("am").map(|rest| (rest, Some("am"))) {
            Some(cut) => cut,
            None => lower.strip_suffix("pm").map_or((&*lower, None), |rest| (rest, Some("pm"))),
        };
        let next = words.get(i + 1).map(|next| next.to_ascii_lowercase());
        let half = glued.or(next.as_deref().filter(|next| ["am", "pm"].contains(next)));
        if let Some(clock) = clock(digits, half) {
            found.clocks.push(clock);
        }
    }
    found
}

fn clock(digits: &str, half: Option<&str>) -> Option<(i8, i8)> {
    let mut parts = digits.split(':');
    let hour: i8 = parts.next()?.parse().ok()?;
    let minute = match parts.next() {
        Some(minute) if minute.len() == 2 => minute.parse().ok()?,
        None if half.is_some() => 0,
        _ => return None,
    };
    let hour = match half {
        Some("pm") if hour < 12 => hour + 12,
        Some("am") if hour == 12 => 0,
        _ => hour,
    };
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some((hour, minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<String, String> {
        Moment::read(text).map(|moment| moment.at).map_err(|(trouble, _)| trouble)
    }

    #[test]
    fn a_moment_is_as_precise_as_it_is_written() {
        for (text, expected) in [
            ("2021-01", "2021-01"),
            ("2021-01-31", "2021-01-31"),
            ("2021-01-31T08Z", "2021-01-31T08Z"),
            ("2021-01-31T08:15Z", "2021-01-31T08:15Z"),
            ("2021-01-31 08:15:30.5+02:00", "2021-01-31T08:15:30+02:00"),
            ("2025-08-26 18:32 EDT", "2025-08-26T18:32-04:00"),
            ("2026-04-22 17:57 ET", "2026-04-22T17:57-04:00"),
            ("2026-01-22 17:57 ET", "2026-01-22T17:57-05:00"),
            ("2026-01-22T17:57[Europe/Berlin]", "2026-01-22T17:57+01:00"),
            ("2026-01-22T17:57-05:00[America/New_York]", "2026-01-22T17:57-05:00"),
        ] {
            let said = at(text);
            if text.contains("-05:00[") {
                assert!(said.is_err() || said.as_deref() == Ok(expected), "{text}");
            } else {
                assert_eq!(said.as_deref(), Ok(expected), "{text}");
            }
        }
    }

    #[test]
    fn a_clock_time_without_a_zone_is_refused() {
        assert!(at("2021-01-31T08:15").expect_err("local").contains("without a time zone"));
        assert!(at("2021-01-31 08:15 XYZ").expect_err("no zone").contains("`XYZ` is not known"));
        for bad in
            ["", "2021", "yesterday", "2021-02-30", "2021-01-31T25:00Z", "2021-01-31é", "20210131"]
        {
            assert!(at(bad).is_err(), "{bad}");
        }
        // The night in which the clocks are put back: 01:30 is there twice.
        assert!(at("2025-11-02 01:30 ET").expect_err("twice").contains("two moments"));
    }

    #[test]
    fn clock_times_and_zones_are_found_in_a_text() {
        let found = labelled("around 9 AM PT, then 18:42 and 20:31 UTC on March 11");
        assert_eq!(found.clocks, [(9, 0), (18, 42), (20, 31)]);
        assert_eq!(found.zones, ["PT", "UTC"]);
        assert!(labelled("on May 2, 2025").clocks.is_empty());
    }
}
