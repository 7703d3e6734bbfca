//! Local times: what a source calls ET must not stand as if it were another zone's clock.

use jiff::civil::DateTime;

use super::Linter;
use crate::incident::{
    document::{Bound, Precision},
    draft::{Labelled, in_zone, labelled},
    window::{Edge, instant},
};

impl Linter<'_> {
    /// The verbatim text names a clock time and a zone: the bound has to be that moment.
    pub(super) fn zone(&mut self, key: &str, bound: &Bound) {
        let Some(text) = bound.text.as_deref() else { return };
        let fine =
            matches!(bound.precision, Precision::Second | Precision::Minute | Precision::Hour);
        let said = labelled(text);
        if !fine || said.zones.is_empty() || said.clocks.is_empty() {
            return;
        }
        if !agrees(bound, &said) {
            let message =
                format!("`{}` is not the time of `{text}` ({})", bound.at, said.zones.join(", "));
            self.report(
                format!("{key}.at"),
                message,
                "write the clock time of the source with the offset of its zone (`EDT` is `-04:00`)",
            );
        }
    }
}

/// A bound that leaves its unit out may name the one after that of the text.
fn agrees(bound: &Bound, said: &Labelled) -> bool {
    let edges: &[Edge] =
        if bound.inclusive { &[Edge::First] } else { &[Edge::First, Edge::Before] };
    let moments = edges.iter().filter_map(|edge| instant(bound, *edge));
    let mut read = false;
    for moment in moments {
        for zone in &said.zones {
            let Some(there) = in_zone(moment, zone) else { continue };
            read = true;
            if said.clocks.iter().any(|clock| shows(there, *clock, bound.precision)) {
                return true;
            }
        }
    }
    // What cannot be read has been reported as such.
    !read
}

fn shows(there: DateTime, (hour, minute): (i8, i8), precision: Precision) -> bool {
    there.hour() == hour && (precision == Precision::Hour || there.minute() == minute)
}
