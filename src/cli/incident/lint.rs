//! `keysweep incident lint FILE…`

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::{
    cli::{Exit, ExitError, Stages, Streams, home, known::Known, output::Target},
    incident,
};

/// Say what is wrong with packs: file, line, key, and the way out
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    /// Files of packs
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

pub(super) fn run(
    args: &Args,
    stages: &dyn Stages,
    streams: &mut Streams<'_>,
) -> Result<Exit, ExitError> {
    let known = Known::load(stages);
    let mut worst = Exit::Done;
    let mut page = String::new();
    for path in &args.files {
        let found = match home::read(path) {
            Ok(text) => findings(path, &text, &known),
            Err(error) => vec![error],
        };
        if found.is_empty() {
            page.push_str(&format!(
                "`{}`: nothing wrong\n",
                crate::report::clean(&path.display().to_string())
            ));
        }
        for error in found {
            let _ = write!(streams.err, "{error}");
            worst = Exit::Usage;
        }
    }
    Target::Stdout.deliver(&page, None, streams)?;
    Ok(worst)
}

/// All that the linter says of a text, each with its place.
pub(super) fn findings(path: &Path, text: &str, known: &Known) -> Vec<ExitError> {
    let origin = path.display().to_string();
    let found = incident::check_beside(text, &origin, &known.packs());
    let error = |finding: incident::PackError| {
        let line = finding.line.map_or_else(String::new, |line| format!(":{line}"));
        let key = match finding.key.as_str() {
            "" => String::new(),
            key => format!("`{key}`: "),
        };
        ExitError::usage(format!("`{origin}`{line}"), format!("{key}{}", finding.message))
            .hint(finding.hint)
    };
    found.into_iter().map(error).collect()
}
