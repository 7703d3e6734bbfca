//! What README shows is what the program prints.

use std::{fs, process::Command};

/// `(command line, the lines below it)` of every `console` block.
fn shown() -> Vec<(String, String)> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let blocks = text.split("```console\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().unwrap());
    blocks
        .map(|block| {
            let (command, output) = block.split_once('\n').unwrap_or((block, ""));
            (command.trim_start_matches("$ ").to_owned(), output.to_owned())
        })
        .collect()
}

#[test]
fn every_shown_report_is_printed_so() {
    let shown = shown();
    assert!(!shown.is_empty());
    for (command, output) in shown {
        let mut words = command.split_whitespace();
        assert_eq!(words.next(), Some("keysweep"), "{command}");
        let run = Command::new(env!("CARGO_BIN_EXE_keysweep"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(words)
            .output()
            .unwrap();
        let printed = String::from_utf8(run.stdout).unwrap();
        assert_eq!(printed.trim_end(), output.trim_end(), "README is not what `{command}` prints");
    }
}

#[test]
fn exit_codes_are_the_documented_ones() {
    for (args, code) in [
        (&["expose", "codecov-2021", "examples/acme", "--as-of", "2021-03-01"][..], 10),
        (&["expose", "codecov-2021", "examples/acme/site", "--as-of", "2021-03-01"], 20),
        (&["expose", "tj-actions-2025", "examples/acme", "--as-of", "2025-03-14"], 0),
        (&["expose", "codecov-2021", "no/such/folder"], 2),
        (&["expose", "no-such-incident", "examples/acme"], 2),
        (&["components", "examples/acme/site"], 20),
        (&["components", "examples/acme/web"], 0),
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_keysweep"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(args)
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(code), "{args:?}");
    }
}
