//! GitHub's own parser cases, read from a folder beside this one. `KEYSWEEP_PEERS` names another place.

#![expect(clippy::print_stderr, reason = "a suite that is skipped says so")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use keysweep::ci::github::expr::refusal;
use serde::Deserialize;

/// `None`, and a loud word, where the cases are not on this machine.
fn cases(suite: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/peers");
    let peers = std::env::var_os("KEYSWEEP_PEERS").map_or_else(default, PathBuf::from);
    let folder = peers.join("actions-languageservices").join(suite);
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is not there; set KEYSWEEP_PEERS", folder.display());
        return None;
    }
    Some(folder)
}

/// The files of a folder, in order of their names.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder that can be read")
        .map(|entry| entry.expect("an entry that can be read").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == extension))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds nothing", folder.display());
    files
}

mod expressions {
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        expr: String,
        err: Option<Error>,
    }

    #[derive(Deserialize)]
    struct Error {
        kind: String,
        value: String,
    }

    /// Cases that we answer otherwise: group, text of GitHub's error, how many, why.
    const DIFFERENCES: &[(&str, &str, usize, &str)] = &[
        (
            "unknown context",
            "Unrecognized named-value",
            1,
            "which contexts exist where is not asked: an unknown one names no secret",
        ),
        (
            "depth-errors",
            "Exceeded max expression depth",
            4,
            "a long path (`a.b.c…`) is no deep tree here, and is read",
        ),
    ];

    #[test]
    fn read_or_refused_as_github_does() {
        let Some(folder) = cases("expressions/testdata") else { return };
        let mut seen = vec![0; DIFFERENCES.len()];
        let mut wrong = Vec::new();
        let mut count = 0;
        for file in files(&folder, "json") {
            let text = fs::read_to_string(&file).expect("a file that can be read");
            let groups: BTreeMap<String, Vec<Case>> =
                serde_json::from_str(&text).expect("groups of cases");
            for (group, case) in
                groups.iter().flat_map(|(group, cases)| cases.iter().map(move |case| (group, case)))
            {
                count += 1;
                let refused = case.err.as_ref().filter(|error| error.kind != "evaluation");
                let ours = refusal(&case.expr);
                if ours.is_some() == refused.is_some() {
                    continue;
                }
                let known = DIFFERENCES.iter().position(|(of, error, ..)| {
                    of == group && refused.is_some_and(|refused| refused.value.starts_with(error))
                });
                match known {
                    Some(i) => seen[i] += 1,
                    None => wrong.push(format!("{group}: {:?}: ours: {ours:?}", case.expr)),
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let expected: Vec<_> = DIFFERENCES.iter().map(|(_, _, count, _)| *count).collect();
        assert_eq!(seen, expected, "a known difference is gone, or there are more");
        assert!(count >= 1_000, "{count} cases only");
    }
}
