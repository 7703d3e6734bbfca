//! The words of a plan.

use std::time::Duration;

use keysweep_sdk::{ReadAt, Style};

use super::{Delivery, Mode, Proof, Reload};

pub fn style(style: Style) -> &'static str {
    match style {
        Style::Overlap => "overlap",
        Style::CallerChosen => "caller-chosen",
        Style::AtomicRoll => "atomic roll",
        Style::Ephemeral => "ephemeral",
        Style::Manual => "by hand",
        Style::Retire => "retire",
        Style::TwoSlotBridge => "two-slot bridge",
        Style::GracedRoll => "graced roll",
    }
}

pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::AvailabilityFirst => "new one first, then the old one dies",
        Mode::ContainFirst => "the old one dies first",
    }
}

pub fn read_at(read_at: ReadAt) -> &'static str {
    match read_at {
        ReadAt::Queue => "when a run is queued",
        ReadAt::JobStart => "when a job starts",
        ReadAt::Call => "at each call",
        ReadAt::ProcessStart => "when its process starts",
        ReadAt::Deploy => "when it is deployed",
    }
}

pub fn proof(proof: &Proof) -> String {
    match proof {
        Proof::ReadBack => "read back".to_owned(),
        Proof::Advanced => "the store says it was written".to_owned(),
        Proof::Used => "its issuer saw it used".to_owned(),
        Proof::Hook(argv) => format!("`{}` succeeds", argv.join(" ")),
        Proof::Attested => "a person says so".to_owned(),
    }
}

/// `web:a/TOKEN, web:a/ID`, or what a person does instead.
pub fn delivery(delivery: &Delivery) -> String {
    let places: Vec<String> =
        delivery.places.iter().map(|place| format!("{}:{}", delivery.provider, place.at)).collect();
    match (&places[..], &delivery.reload) {
        ([], Some(Reload::Task(what))) => what.clone(),
        _ => places.join(", "),
    }
}

/// `1h 30m`, `7d`, `20s`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 86400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let written = parts.iter().filter(|(number, _)| *number > 0);
    let written: Vec<String> =
        written.take(2).map(|(number, unit)| format!("{number}{unit}")).collect();
    if written.is_empty() { "0s".to_owned() } else { written.join(" ") }
}
