//! `keysweep incident import FILE…`

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::{Map, Value};

use crate::{
    ci::yaml,
    cli::{
        Exit, ExitError, Stages, Streams,
        facts::{self, Payload},
        home,
        known::Known,
        output::Target,
    },
    incident::{
        draft::to_toml,
        import::{self, Said},
        lint, lint_beside,
    },
};

/// Make a draft pack of advisories: OSV, GHSA, runsweep, CIRewind
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    /// Advisories of one incident: JSON or YAML
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Since when it was bad, where the file does not say: a date, or `unknown`
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    from: Option<String>,

    /// Until when
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    to: Option<String>,

    /// What its code could take; unknown, or left out, counts as everything
    #[arg(long, value_enum, value_name = "WHAT")]
    payload: Vec<Payload>,

    /// Id of the incident: lower case, name-year
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Write the draft to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(
    args: Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let target = Target::new(args.output.clone())?;
    let said = Said {
        id: args.id.clone(),
        from: facts::moment("--from", args.from.as_deref())?,
        to: facts::moment("--to", args.to.as_deref())?,
        payload: args.payload.iter().map(|word| word.capability()).collect(),
        today: facts::today(),
    };
    let mut found = Vec::new();
    for path in &args.files {
        let refused = |error: import::Refused| {
            ExitError::usage(format!("`{}`", path.display()), &error.trouble).hint(error.hint)
        };
        found.push(import::read(&value(path)?, &said).map_err(refused)?);
    }
    let imported = import::join(found);
    let known = Known::load(stages);
    let mut findings = lint(&imported.document);
    findings.extend(lint_beside(&imported.document, &known.packs()));
    for note in &imported.notes {
        let _ = writeln!(streams.err, "note: {}", crate::report::clean(note));
    }
    if !findings.is_empty() {
        let files: Vec<String> =
            args.files.iter().map(|path| format!("`{}`", path.display())).collect();
        for finding in &findings {
            let error = ExitError::usage(
                files.join(", "),
                format!("what it says of `{}`: {}", finding.key, finding.message),
            );
            let _ = write!(streams.err, "{}", error.hint(finding.hint.clone()));
        }
        return Ok(Exit::Usage);
    }
    let page = to_toml(&imported.document, &imported.notes)
        .map_err(|error| ExitError::failed("draft", error))?;
    target.deliver(&page, Some(&format!("draft pack `{}`", imported.document.id)), streams)?;
    Ok(Exit::Done)
}

/// JSON is YAML, but its own errors say more.
fn value(path: &Path) -> Result<Value, ExitError> {
    let text = home::read(path)?;
    let thing = || format!("`{}`", path.display());
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(&text).map_err(|error| {
            ExitError::usage(thing(), format!("not JSON: {error}"))
                .hint("name the advisory as it was published")
        });
    }
    let parsed = yaml::parse(text.as_bytes());
    if let Some(trouble) = parsed.troubles.iter().find(|trouble| trouble.is_fatal()) {
        let place = format!("`{}`:{}", path.display(), trouble.line);
        return Err(ExitError::usage(place, format!("not YAML: {}", trouble.reason))
            .hint("name the advisory as it was published"));
    }
    Ok(parsed.root.map_or(Value::Null, |root| json(&root)))
}

/// Every scalar is a text.
fn json(node: &yaml::Node) -> Value {
    match &node.kind {
        yaml::NodeKind::Null => Value::Null,
        yaml::NodeKind::Scalar(scalar) => Value::String(scalar.text.to_string()),
        yaml::NodeKind::Seq(items) => Value::Array(items.iter().map(|item| json(item)).collect()),
        yaml::NodeKind::Map(entries) => {
            let pair = |entry: &yaml::Entry| (entry.key.text.to_string(), json(&entry.value));
            Value::Object(entries.iter().map(pair).collect::<Map<_, _>>())
        }
    }
}
