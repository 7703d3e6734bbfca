//! The command line: what is refused, exit codes, where a report goes.

use std::{
    ffi::OsString,
    fs, io,
    path::Path,
    process::{Command, Output, Stdio},
};

use anstream::StripStream;
use keysweep::{
    assess::{
        COMPONENTS_SCHEMA, CheckReport, ComponentsReport, Coverage, CoverageState, Fallouts,
        INVENTORY_SCHEMA, InventoryReport, Report, Verdict,
    },
    cli::{self, Exit, ExitError, Exposed, Progress, Sources, Stages, Streams},
    incident::Pack,
    report::IncidentLine,
};

use crate::report::{exposed, heading, with};

/// Stages that answer with one verdict, whatever they are asked.
struct Canned {
    report: Report,
    coverage: Vec<Coverage>,
}

impl Canned {
    fn verdict(verdict: Verdict) -> Self {
        let exposures = match verdict {
            Verdict::Exposed => {
                vec![exposed("a1", "acme/site", "TOKEN"), exposed("a2", "acme/site", "KEY")]
            }
            _ => Vec::new(),
        };
        Self { report: with(verdict, exposures), coverage: Vec::new() }
    }

    fn blind(matters: bool) -> Self {
        let entry = Coverage {
            repository: "acme/site".to_owned(),
            scope: "dialect:travis".to_owned(),
            state: CoverageState::Unseen,
            reason: "not read yet".to_owned(),
            matters,
            file: None,
            line: None,
        };
        Self { coverage: vec![entry], ..Self::verdict(Verdict::NotFound) }
    }
}

impl Stages for Canned {
    fn check(
        &self,
        _: &[&keysweep::incident::Pack],
        _: &Sources,
        _: &Progress,
    ) -> Result<CheckReport, ExitError> {
        let reports = vec![(heading(0).title, self.report.clone())];
        Ok(keysweep::assess::check(reports, Fallouts::default(), self.coverage.clone(), 1))
    }

    fn incidents(&self) -> Vec<IncidentLine> {
        let heading = heading(0);
        let line = |id: &str| IncidentLine {
            id: id.to_owned(),
            title: heading.title.clone(),
            window: heading.window,
            revision: 1,
            origin: "built in".to_owned(),
        };
        vec![line("codecov-2021"), line("tj-actions-2025")]
    }

    fn pack_schema(&self) -> serde_json::Value {
        serde_json::json!({ "title": "pack" })
    }

    fn expose(&self, incident: &str, _: &Sources, _: &Progress) -> Result<Exposed, ExitError> {
        assert_eq!(incident, "codecov-2021");
        Ok(Exposed { report: self.report.clone(), repositories: 1 })
    }

    fn expose_pack(&self, _: &Pack, _: &Sources, _: &Progress) -> Result<Exposed, ExitError> {
        Ok(Exposed { report: self.report.clone(), repositories: 1 })
    }

    fn components(&self, _: &Sources, _: &Progress) -> Result<ComponentsReport, ExitError> {
        Ok(ComponentsReport {
            schema: COMPONENTS_SCHEMA.to_owned(),
            components: Vec::new(),
            coverage: self.coverage.clone(),
        })
    }

    fn inventory(&self, _: &Sources, _: &Progress) -> Result<InventoryReport, ExitError> {
        Ok(InventoryReport {
            schema: INVENTORY_SCHEMA.to_owned(),
            placements: Vec::new(),
            coverage: self.coverage.clone(),
        })
    }
}

struct Said {
    exit: Exit,
    out: String,
    err: String,
}

/// A run in a pipe: whatever colours there are, are stripped.
fn say(stages: &dyn Stages, args: &[&str]) -> Said {
    let mut out = StripStream::new(Vec::new());
    let mut err = StripStream::new(Vec::new());
    let mut streams = Streams { out: &mut out, err: &mut err, watched: false, input: None };
    let words = std::iter::once("keysweep").chain(args.iter().copied()).map(OsString::from);
    let exit = cli::run(words, stages, &mut streams);
    let text = |stream: StripStream<Vec<u8>>| String::from_utf8(stream.into_inner());
    Said { exit, out: text(out).expect("text"), err: text(err).expect("text") }
}

fn refused(args: &[&str]) -> String {
    let said = say(&Canned::verdict(Verdict::NotFound), args);
    assert_eq!(said.exit, Exit::Usage, "{args:?}: {}", said.err);
    assert_eq!(said.out, "");
    said.err
}

fn binary(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keysweep"));
    command.args(args).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env_remove("CLICOLOR");
    command
}

fn ran(command: &mut Command) -> Output {
    command.output().expect("the binary runs")
}

#[test]
fn each_verdict_has_its_exit_code() {
    for (verdict, exit) in [
        (Verdict::Exposed, Exit::Exposed),
        (Verdict::Unknown, Exit::Unknown),
        (Verdict::Cleared, Exit::Done),
        (Verdict::NotFound, Exit::Done),
    ] {
        for format in ["table", "json"] {
            let said =
                say(&Canned::verdict(verdict), &["expose", "codecov-2021", "--format", format]);
            assert_eq!((said.exit, said.err.as_str()), (exit, ""));
            assert!(said.out.ends_with('\n') && !said.out.contains('\u{1b}'));
        }
    }
}

#[test]
fn a_list_is_unknown_where_what_was_not_read_matters() {
    for verb in ["components", "inventory"] {
        assert_eq!(say(&Canned::blind(true), &[verb]).exit, Exit::Unknown);
        assert_eq!(say(&Canned::blind(false), &[verb]).exit, Exit::Done);
        let said = say(&Canned::blind(false), &[verb, "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        assert_eq!(json["schema"], format!("keysweep.{verb}/1"));
    }
}

#[test]
fn json_is_the_report() {
    let stages = Canned::verdict(Verdict::Exposed);
    let said = say(&stages, &["expose", "codecov-2021", "--format", "json", "."]);
    assert_eq!(serde_json::from_str::<Report>(&said.out).expect("its schema"), stages.report);
}

#[test]
fn errors_name_the_thing_the_trouble_and_the_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ci.yml");
    fs::write(&file, "").expect("writable");
    let missing = folder.path().join("missing");
    let (file, missing) = (file.display().to_string(), missing.display().to_string());
    let pages = [
        refused(&["expose", "codecov-2012"]),
        refused(&["expose", "codecov-2021", &missing]),
        refused(&["components", &file]),
        refused(&["expose", "codecov-2021", "--as-of", "yesterday"]),
        refused(&["expose", "codecov-2021", "--explain", "f00"]),
        refused(&["expose", "codecov-2021", "-o", &format!("{missing}/x")]),
        refused(&["expose", "codecov-2021", "-o", &folder.path().display().to_string()]),
    ];
    let page = pages.join("\n").replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(page);
}

#[test]
fn words_that_are_no_arguments_are_usage_errors() {
    for args in [
        &["frobnicate"][..],
        &["expose"],
        &["expose", "codecov-2021", "--format", "yaml"],
        &["expose", "codecov-2021", "--explain", "a", "--format", "json"],
        &["schema"],
        &[],
    ] {
        let output = ran(&mut binary(args));
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn help_tells_the_exit_codes() {
    let said = say(&Canned::verdict(Verdict::NotFound), &["--help"]);
    assert_eq!(said.exit, Exit::Done);
    insta::assert_snapshot!(said.out);
}

#[test]
fn help_of_the_main_verb() {
    insta::assert_snapshot!(say(&Canned::verdict(Verdict::NotFound), &["expose", "--help"]).out);
}

#[test]
fn a_line_is_explained_by_its_id_or_the_beginning_of_it() {
    let stages = Canned::verdict(Verdict::Exposed);
    let whole = say(&stages, &["expose", "codecov-2021", "--explain", "a10000000000"]);
    assert_eq!(whole.exit, Exit::Exposed);
    assert!(whole.out.starts_with("TOKEN "), "{}", whole.out);
    assert_eq!(say(&stages, &["expose", "codecov-2021", "--explain", "A1"]).out, whole.out);
    let both = say(&stages, &["expose", "codecov-2021", "--explain", "a"]);
    assert!(both.err.contains("more than one line begins so"), "{}", both.err);
    assert_eq!(both.exit, Exit::Usage);
}

#[test]
fn incidents_are_listed() {
    insta::assert_snapshot!(say(&Canned::verdict(Verdict::NotFound), &["incidents"]).out);
}

#[test]
fn schemas_are_json() {
    let rotation = cfg!(feature = "rotate").then_some("doctor");
    for what in ["exposure", "components", "inventory", "pack"].into_iter().chain(rotation) {
        let said = say(&Canned::verdict(Verdict::NotFound), &["schema", what]);
        let schema: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        assert!(schema["title"].as_str().is_some_and(|title| title.contains(what)), "{schema}");
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[cfg(unix)]
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn a_report_in_a_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report");
    let other_name = folder.path().join("old");
    fs::write(&path, "an old report that is longer than nothing").expect("writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("mine");
    fs::hard_link(&path, &other_name).expect("one file system");
    let to = path.display().to_string();
    let said = say(&Canned::verdict(Verdict::Exposed), &["expose", "codecov-2021", "-o", &to]);
    assert_eq!((said.exit, said.out.as_str()), (Exit::Exposed, ""));
    assert_eq!(mode(&path), 0o600);
    let page = fs::read_to_string(&path).expect("text");
    assert!(page.starts_with("EXPOSED: ") && !page.contains('\u{1b}'), "{page}");
    assert!(said.err.starts_with("EXPOSED: ") && !said.err.contains("TOKEN"), "{}", said.err);
    let old = fs::read_to_string(&other_name).expect("text");
    assert!(old.starts_with("an old report"), "the old file is replaced, not written into");
    assert_eq!(names(folder.path()), ["old", "report"], "no draft is left");
}

#[cfg(unix)]
#[test]
fn a_report_is_not_written_through_a_link() {
    let folder = tempfile::tempdir().expect("a folder");
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "precious").expect("writable");
    std::os::unix::fs::symlink(&target, &link).expect("a link");
    let said_of =
        |path: &Path| refused(&["expose", "codecov-2021", "-o", &path.display().to_string()]);
    assert!(said_of(&link).contains("a symbolic link"));
    assert_eq!(fs::read_to_string(&target).expect("text"), "precious");
    fs::remove_file(&target).expect("mine");
    assert!(said_of(&link).contains("a symbolic link"), "a dangling one neither");
    assert!(!target.exists());
}

#[test]
fn a_reader_that_leaves_early_changes_nothing() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let output = binary(&["schema", "exposure"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// A stream that fails.
struct Failing(io::ErrorKind);

impl io::Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

#[test]
fn a_broken_pipe_keeps_the_verdict_and_another_failure_is_told() {
    for (kind, exit, told) in [
        (io::ErrorKind::BrokenPipe, Exit::Exposed, false),
        (io::ErrorKind::StorageFull, Exit::Failed, true),
    ] {
        let mut err = Vec::new();
        let mut streams =
            Streams { out: &mut Failing(kind), err: &mut err, watched: false, input: None };
        let words = ["keysweep", "expose", "codecov-2021"].map(OsString::from);
        assert_eq!(cli::run(words, &Canned::verdict(Verdict::Exposed), &mut streams), exit);
        assert_eq!(!err.is_empty(), told, "{}", String::from_utf8_lossy(&err));
    }
}

#[test]
fn no_colour_in_a_pipe_nor_where_it_is_not_wanted() {
    let coloured = |output: &Output| {
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        assert!(!text.is_empty());
        text.contains(&0x1b)
    };
    for args in [&["expose", "no-such-incident"][..], &["incidents"], &["--help"], &["--bad"]] {
        assert!(!coloured(&ran(&mut binary(args))), "{args:?} in a pipe");
        let forced = ran(binary(args).env("CLICOLOR_FORCE", "1"));
        assert!(coloured(&forced), "{args:?}: there is a colour to leave out");
        let refused = ran(binary(args).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"));
        assert!(!coloured(&refused), "{args:?} with NO_COLOR");
    }
}
