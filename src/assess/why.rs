//! One sentence that explains a line to somebody who has to act on it.

use super::{Reach, site::Spot};
use crate::{
    assess::Carrier,
    ci::model::Way,
    incident::{Capability, Hit},
    reach::Reached,
};

pub(super) struct Chain<'a> {
    pub(super) spot: &'a Spot<'a>,
    pub(super) hit: &'a Hit<'a>,
    pub(super) judged_reason: &'a str,
    pub(super) way: &'a Reached<'a>,
    pub(super) reach: Reach,
}

pub(super) fn sentence(chain: &Chain<'_>) -> String {
    let Chain { spot, hit, judged_reason, way, reach } = chain;
    let who = match reach {
        Reach::Payload => "the known payload took it",
        Reach::AnyCode => "the known payload did not take it, any code in that place could have",
    };
    let mut text = format!("{}: {who}; {judged_reason}", how(way));
    if spot.defined.certainty == crate::ci::model::Certainty::Possible {
        text.push_str("; only on branches or tags beside the default branch");
    }
    for doubt in &spot.defined.pipeline.doubts {
        text.push_str("; ");
        text.push_str(&doubt.reason);
    }
    for note in &hit.notes {
        text.push_str("; ");
        text.push_str(note);
    }
    if super::site::is_for_consumers(spot) {
        text.push_str("; it is the secret of whoever calls this file");
    }
    text
}

fn how(way: &Reached<'_>) -> String {
    let place = format!("{}:{}", way.flow.place.file, way.flow.place.line);
    match (way.carrier, way.variable) {
        (Carrier::Env, Some(variable)) => {
            format!("in the environment of this step as `{variable}` ({place})")
        }
        (Carrier::Input, Some(variable)) => format!("handed to it as `{variable}` ({place})"),
        (Carrier::Store, _) => {
            format!("stored at the vendor whose CI this file is for ({place})")
        }
        (Carrier::Script, _) if way.rules.contains(&"G23") => {
            format!("named in the workflow that the attacker pushed ({place})")
        }
        (Carrier::Script, _) => {
            format!("in the arguments or on the input of the command ({place})")
        }
        (Carrier::File, _) if way.rules.contains(&"G13") => {
            format!("written into the script file of this step ({place})")
        }
        (Carrier::File, _) => format!("left on the disk of the job ({place})"),
        (Carrier::Token, _) => "the job's own token, in the memory of the runner".to_owned(),
        _ if way.flow.way == Way::WholeContext => {
            format!("every secret was sent to the job ({place})")
        }
        _ if way.capability == Capability::K3 => {
            format!("in the environment of another process of the job ({place})")
        }
        _ => format!("sent to the same job, so in the memory of its runner ({place})"),
    }
}
