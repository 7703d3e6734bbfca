//! The derivation of one line of an exposure report, link by link.

use super::{Heading, WIDTH, dates, headline, ownership, text, words};
use crate::{
    assess::{Carrier, Confidence, Coverage, Exposure, Reach, Report},
    ci::model::{Pinned, Verified},
    reach::rules,
};

const MOST_LINES: usize = 12;

/// The derivation of the line `id`; `None` where the report has no such line.
pub fn explain(report: &Report, heading: &Heading, id: &str) -> Option<String> {
    let exposure = report.exposures.iter().find(|exposure| exposure.id == id)?;
    let mut page = title(report, exposure);
    for (index, (name, lines)) in chain(exposure, heading).iter().enumerate() {
        let lead = format!("{:>2}. {name:<16} ", index + 1);
        let margin = " ".repeat(text::width(&lead));
        for (at, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
            page.push_str(&text::hang(if at == 0 { &lead } else { &margin }, line, WIDTH));
        }
    }
    page.push_str("\nwhat would change this verdict:\n");
    for way in ways_out(report, exposure) {
        page.push_str(&text::hang("  - ", &way, WIDTH));
    }
    Some(page)
}

fn title(report: &Report, exposure: &Exposure) -> String {
    let name = text::clean(&exposure.placement.name);
    let line = format!(
        "{name} ({}) · {} · {}",
        words::scope(&exposure.placement),
        exposure.repository,
        report.incident
    );
    let why = text::hang("", &exposure.why, WIDTH);
    format!("{}{why}\n", headline::coloured(&name, words::BOLD, text::hang("", &line, WIDTH)))
}

type Link = (&'static str, Vec<String>);

fn chain(exposure: &Exposure, heading: &Heading) -> Vec<Link> {
    vec![
        ("component", component(exposure)),
        ("runs at", runs_at(exposure)),
        ("reached through", via(exposure)),
        ("in force", in_force(exposure)),
        ("bad content", window(exposure, heading)),
        ("carrier", carrier(exposure)),
        ("reach", vec![reach(exposure.reach).to_owned()]),
        ("rules", rules_of(exposure)),
        ("confidence", confidence(exposure)),
        ("owner", ownership::owned(exposure)),
        ("managed by", ownership::managed(exposure)),
        ("what to do", vec![words::advice(exposure.disposition).to_owned()]),
    ]
    .into_iter()
    .filter(|(_, lines)| !lines.is_empty())
    .collect()
}

fn component(exposure: &Exposure) -> Vec<String> {
    let component = &exposure.component;
    let pinned = match component.pinned {
        Pinned::No => "not pinned: whatever was served when the job ran",
        Pinned::Branch => "pinned to a branch, which moves",
        Pinned::Tag => "pinned to a tag, which can be moved",
        Pinned::Version => "pinned to a version",
        Pinned::Sha => "pinned to a commit: its own content is fixed",
        Pinned::Digest => "pinned to a digest: its content is fixed",
        Pinned::Vendored => "kept in the repository",
    };
    let verified = match component.verified {
        Verified::No => "not verified before it runs",
        Verified::Checksum => "checksum compared before it runs",
        Verified::Signature => "signature checked before it runs",
        Verified::Attestation => "attestation checked before it runs",
    };
    let name = format!("{} {}", words::kind(component.kind), words::component(component));
    vec![name, format!("{pinned}; {verified}")]
}

fn runs_at(exposure: &Exposure) -> Vec<String> {
    let Some(consumer) = &exposure.consumer else {
        return vec!["no job is involved: the vendor itself held the value".to_owned()];
    };
    let step = words::job_and_step(consumer.job.as_deref(), consumer.step.as_deref());
    vec![format!("{}:{}", consumer.file, consumer.line), step]
}

fn via(exposure: &Exposure) -> Vec<String> {
    some(exposure.via.iter().map(|place| words::place_of(&place.file, place.line)))
}

fn in_force(exposure: &Exposure) -> Vec<String> {
    if exposure.live.is_empty() {
        return vec!["no dates are known".to_owned()];
    }
    some(exposure.live.iter().map(dates::live))
}

/// The first of many; the JSON has them all.
fn some(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_LINES);
    let more = (more > 0).then(|| format!("and {more} more, see --format json"));
    lines.take(MOST_LINES).chain(more).collect()
}

fn window(exposure: &Exposure, heading: &Heading) -> Vec<String> {
    let window = heading.window.map(|window| format!("window {}", dates::span(&window)));
    let overlap = exposure.overlap.map_or_else(
        || "not compared with the window: no dates are known".to_owned(),
        |overlap| format!("meets the time in force: {}", dates::span(&overlap)),
    );
    window.into_iter().chain([overlap]).collect()
}

fn carrier(exposure: &Exposure) -> Vec<String> {
    let how = match exposure.carrier {
        Carrier::Env => "an environment variable of its process",
        Carrier::Input => "an input of the action, in its environment as `INPUT_…`",
        Carrier::Script => "written into the script text, which lies in a file while the step runs",
        Carrier::Memory => "in the memory of the runner, which holds what the job was sent",
        Carrier::File => "in a file that an earlier step left",
        Carrier::Token => "the token that the platform makes for the job",
        Carrier::Store => "in the store of the CI vendor",
    };
    vec![
        how.to_owned(),
        format!("needs {}: {}", exposure.capability, capability(&exposure.capability)),
    ]
}

fn capability(code: &str) -> &'static str {
    match code {
        "K1" => "read its own environment and inputs",
        "K2" => "read files of the step's user",
        "K3" => "read other processes of the same user",
        "K4" => "change what later steps run",
        "K5" => "become root and read the runner's memory",
        "K6" => "reach the metadata service or the local network",
        "K7" => "mint an identity token",
        "K8" => "use the tokens it reached",
        "K9" => "stay on the runner, in a cache or in an artifact",
        _ => "a capability this version has no text for",
    }
}

fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::Payload => "the known payload of this incident could take it",
        Reach::AnyCode => {
            "the known payload did not take it; other code in the same place could have"
        }
    }
}

fn rules_of(exposure: &Exposure) -> Vec<String> {
    let line = |id: &String| match rules::rule(id) {
        Some(rule) => {
            let changed = day(exposure).and_then(|day| rule.on(&day));
            let changed = changed.map_or_else(String::new, |(_, text)| format!("; {text}"));
            format!("{id}: {}{changed} ({})", rule.text, rule.basis.label())
        }
        None => format!("{id}: no text for this rule"),
    };
    exposure.rules.iter().map(line).collect()
}

/// The last day that counts for this line: rules are told as they were then.
fn day(exposure: &Exposure) -> Option<String> {
    let span = exposure.overlap?;
    let last = span.to.or(span.from)?;
    Some(last.to_string().chars().take("2021-01-31".len()).collect())
}

fn confidence(exposure: &Exposure) -> Vec<String> {
    let (word, _) = words::confidence(exposure.confidence);
    let meaning = match exposure.confidence {
        Confidence::Confirmed => "the record of a run shows it",
        Confidence::Inferred => "the files say so; no record of a run was read",
        Confidence::Possible => "at least one link of the chain is only possible",
    };
    vec![format!("{word}: {meaning}")]
}

fn ways_out(report: &Report, exposure: &Exposure) -> Vec<String> {
    let mut ways = Vec::new();
    if exposure.confidence != Confidence::Confirmed && exposure.consumer.is_some() {
        ways.push(
            "run history: if this job did not run in the window, nothing was taken here; if it \
                   did, this is confirmed"
                .to_owned(),
        );
    }
    if exposure.overlap.is_none() {
        ways.push("dates: a clone with its history, or `--as-of DATE` for a folder".to_owned());
    }
    if exposure.placement.scope == "unknown" {
        ways.push(format!(
            "the settings of the repository: whether `{}` exists there, and in which scope",
            exposure.placement.name
        ));
    }
    if exposure.placement.whole_context {
        ways.push("the list of secrets in the settings: which names `*` stands for".to_owned());
    }
    if exposure.reach == Reach::AnyCode {
        ways.push(
            "word that the payload did more than is known: then this was taken too".to_owned(),
        );
    }
    ways.push("the value: one that was made after the window was not exposed by it".to_owned());
    let hidden = report.coverage.iter().filter(|entry| concerns(entry, exposure)).count();
    if hidden > 0 {
        ways.push(format!(
            "what was not read here: {} could hide more",
            text::count(hidden, "thing", "things")
        ));
    }
    ways
}

fn concerns(entry: &Coverage, exposure: &Exposure) -> bool {
    entry.matters && entry.repository == exposure.repository
}
