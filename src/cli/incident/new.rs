//! `keysweep incident new`

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::{
    cli::{
        Exit, ExitError, Streams,
        ask::ask,
        facts::{self, FactArgs, Payload},
        output::Target,
    },
    incident::draft::{Answers, Moment, Spelled, to_toml},
};
use clap::ValueEnum;

/// Write a draft pack from answers; on a terminal, ask for what no flag says
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    facts: FactArgs,

    /// Id of the incident: lower case, name-year
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// What happened, in a few words
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,

    /// The page that says so
    #[arg(long, value_name = "URL")]
    source_url: Option<String>,

    /// What that page is called
    #[arg(long, value_name = "TEXT", requires = "source_url")]
    source_title: Option<String>,

    /// Write the draft to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: Args, streams: &mut Streams<'_>) -> Result<Exit, ExitError> {
    let target = Target::new(args.output.clone())?;
    let answers = answers(&args, streams)?;
    // A draft that the linter refuses is told in the words of the answers.
    let pack = facts::pack(&answers)?;
    let notes = [
        "Say in `summary` what happened, and name more sources: every fact needs one.",
        "`keysweep incident add FILE` keeps it beside the built-in packs.",
    ];
    let notes: Vec<String> =
        notes.iter().map(|&note| note.to_owned()).chain(pack.caveats()).collect();
    let page =
        to_toml(pack.document(), &notes).map_err(|error| ExitError::failed("draft", error))?;
    target.deliver(&page, Some(&format!("draft pack `{}`", pack.id())), streams)?;
    Ok(Exit::Done)
}

fn answers(args: &Args, streams: &mut Streams<'_>) -> Result<Answers, ExitError> {
    let components = components(args, streams)?;
    let from = bound("--from", "Since when was it bad?", args.facts.from.as_deref(), streams)?;
    let to = bound("--to", "Until when (empty: open)?", args.facts.to.as_deref(), streams)?;
    let payload = match &args.facts.payload[..] {
        [] => ask(
            streams,
            "What could its code take (env, files, memory, …; empty: unknown)?",
            words,
        )?
        .unwrap_or_default(),
        said => said.to_vec(),
    };
    let id = text(
        args.id.as_deref(),
        "Id, such as thing-2026 (empty: made of the components)?",
        streams,
    )?;
    let title = text(
        args.title.as_deref(),
        "What happened, in a few words (empty: the components)?",
        streams,
    )?;
    let url =
        text(args.source_url.as_deref(), "The page that says so (URL; empty: none)?", streams)?;
    let named = args.source_title.clone();
    Ok(Answers {
        id,
        title,
        components,
        from,
        to,
        payload: payload.iter().map(|word| word.capability()).collect(),
        source: url.map(|url| (named.unwrap_or_else(|| url.clone()), url)),
        today: facts::today(),
    })
}

fn components(args: &Args, streams: &mut Streams<'_>) -> Result<Vec<Spelled>, ExitError> {
    let said = args.facts.spelled()?;
    if !said.is_empty() {
        return Ok(said);
    }
    let one = |line: &str| {
        line.split_whitespace()
            .map(|written| facts::component(written, None))
            .collect::<Result<Vec<_>, _>>()
            .and_then(|all| match all.is_empty() {
                true => Err(missing("--component")),
                false => Ok(all),
            })
    };
    ask(streams, "What was bad (owner/repo@v1, npm:name@1.2.3, https://…)?", one)?
        .ok_or_else(|| missing("--component"))
}

fn bound(
    flag: &str,
    question: &str,
    said: Option<&str>,
    streams: &mut Streams<'_>,
) -> Result<Option<Moment>, ExitError> {
    if said.is_some() {
        return facts::moment(flag, said);
    }
    let read = |line: &str| facts::moment(flag, Some(line).filter(|line| !line.is_empty()));
    match ask(streams, question, read)? {
        Some(answer) => Ok(answer),
        None if flag == "--from" => Err(missing(flag)),
        None => Ok(None),
    }
}

fn words(line: &str) -> Result<Vec<Payload>, ExitError> {
    line.split([',', ' '])
        .filter(|word| !word.is_empty())
        .map(|word| {
            Payload::from_str(word, true).map_err(|_| {
                let known: Vec<String> = Payload::value_variants()
                    .iter()
                    .filter_map(|word| Some(word.to_possible_value()?.get_name().to_owned()))
                    .collect();
                ExitError::usage(format!("payload `{word}`"), "not known").hint(known.join(", "))
            })
        })
        .collect()
}

fn text(
    said: Option<&str>,
    question: &str,
    streams: &mut Streams<'_>,
) -> Result<Option<String>, ExitError> {
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    match said {
        Some(said) => Ok(filled(said)),
        None => Ok(ask(streams, question, |line| Ok(filled(line)))?.flatten()),
    }
}

fn missing(flag: &str) -> ExitError {
    ExitError::usage(format!("`{flag}`"), "not given, and nobody is there to ask").hint(
        "give `--component` and `--from` (`--from unknown` where nobody knows), or run it in a terminal",
    )
}
