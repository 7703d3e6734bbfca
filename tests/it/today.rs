//! An incident that is in nobody's database yet: from words to a verdict, and packs of one's own.

use std::{
    ffi::OsString,
    fs,
    io::BufReader,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use keysweep::{
    assess::Report,
    cli::{self, Checkout, Exit, Streams},
    incident,
};
use minisign::KeyPair;
use tempfile::TempDir;

const CI: &str = ".github/workflows/ci.yml";
const COMMIT: &str = "8afa9b9f9183b4e00c46e2b82d34047e3c177bd0";

/// A user: a folder of packs and a git repository.
pub(crate) struct Desk {
    dir: TempDir,
}

pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    pub(crate) fn new(uses: &str) -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir_all(desk.repository().join(".github/workflows")).unwrap();
        desk.git(&["init", "-q"]);
        desk.commit(uses);
        desk
    }

    fn repository(&self) -> PathBuf {
        self.dir.path().join("site")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn commit(&self, uses: &str) {
        let text = format!(
            "on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: {uses}
        env: {{IN_ENV: '${{{{ secrets.IN_ENV }}}}'}}
      - run: make
        env: {{LATER: '${{{{ secrets.LATER }}}}'}}
"
        );
        fs::write(self.repository().join(CI), text).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "-qm", "ci"]);
    }

    fn git(&self, args: &[&str]) {
        let status = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"])
            .args(args)
            .current_dir(self.repository())
            .env("GIT_AUTHOR_DATE", "2025-01-01T00:00:00Z")
            .env("GIT_COMMITTER_DATE", "2025-01-01T00:00:00Z")
            .status()
            .unwrap();
        assert!(status.success(), "{args:?}");
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_keysweep"))
            .args(args)
            .current_dir(self.repository())
            .env("KEYSWEEP_HOME", self.path("home"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Expects the exit code.
    pub(crate) fn ran(&self, code: i32, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, code, "{args:?}\n{}\n{}", said.out, said.err);
        said
    }

    fn report(&self, args: &[&str]) -> Report {
        let said = self.run(&[args, &["--format", "json"]].concat());
        serde_json::from_str(&said.out).expect(&said.err)
    }
}

const WINDOW: [&str; 4] = ["--from", "2025-03-14", "--to", "2025-03-15"];

fn expose<'a>(component: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["expose", "--component", component][..], &WINDOW, more].concat()
}

fn reached(report: &Report) -> Vec<(String, String)> {
    let mut lines: Vec<_> = report
        .exposures
        .iter()
        .map(|e| (e.placement.name.clone(), format!("{:?}", e.reach)))
        .collect();
    lines.sort();
    lines
}

#[test]
fn from_an_advisorys_text_to_a_verdict_with_one_command() {
    let desk = Desk::new("owner/x@v1");
    let said = desk.ran(10, &expose("owner/x@*", &["."]));
    assert!(said.out.starts_with("EXPOSED: "), "{}", said.out);
    for word in ["IN_ENV", "LATER", "owner/x", "given on the command line", "payload not known"] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    let report = desk.report(&expose("owner/x@*", &[]));
    assert!(report.exposures.iter().all(|e| format!("{:?}", e.confidence) == "Inferred"));
    assert!(report.incident.starts_with("today-"));
    // The same words give the same incident, and other words another.
    assert_eq!(report.incident, desk.report(&expose("owner/x@*", &["."])).incident);
    assert_ne!(report.incident, desk.report(&expose("owner/x@v2", &[])).incident);
    // Whatever stands beside `--component` is a path.
    let elsewhere = Desk::new("owner/y@v1");
    let clean = elsewhere.repository().display().to_string();
    let both = desk.report(&expose("owner/x@*", &[&clean, "."]));
    assert_eq!(both.exposures.len(), report.exposures.len());
    // Nothing of the words is written anywhere.
    assert!(!desk.path("home").exists());
    desk.ran(0, &expose("owner/other@*", &[]));
    desk.ran(
        0,
        &["expose", "--component", "owner/x@*", "--from", "2024-03-14", "--to", "2024-03-15"],
    );
}

#[test]
fn an_unknown_payload_counts_as_all() {
    let desk = Desk::new("owner/x@v1");
    let of = |payload: &[&str]| reached(&desk.report(&expose("owner/x@*", payload)));
    let all = of(&[]);
    assert_eq!(all, of(&["--payload", "unknown"]));
    assert_eq!(all, of(&["--payload", "env", "--payload", "unknown"]));
    assert!(all.iter().all(|(_, reach)| reach == "Payload"), "{all:?}");
    let env = of(&["--payload", "env"]);
    assert!(env.contains(&("LATER".to_owned(), "AnyCode".to_owned())), "{env:?}");
    assert!(env.contains(&("IN_ENV".to_owned(), "Payload".to_owned())), "{env:?}");
}

#[test]
fn a_pin_is_unknown_until_a_bad_commit_is_given() {
    let pinned = format!("owner/x@{COMMIT}");
    let desk = Desk::new(&pinned);
    desk.ran(20, &expose("owner/x@*", &[]));
    desk.ran(20, &expose("owner/x@v1", &[]));
    desk.ran(10, &expose(&pinned, &[]));
    let other = "owner/x@ddb9da4475c1cef7d5389062bdfdfbdbd1394648";
    desk.ran(0, &[&expose(other, &[])[..], &["--component", "owner/x@*"]].concat());
    // Of a commit alone nobody knows which tags named it.
    Desk::new("owner/x@v1").ran(20, &expose(&pinned, &[]));
}

#[test]
fn bad_words_are_told_in_words_of_the_command_line() {
    let desk = Desk::new("owner/x@v1");
    for (args, told) in [
        (vec!["expose", "--component", "owner/x@*"], "`--from`: not given"),
        (vec!["expose", "--component", "owner/x", "--from", "2025-01-01"], "an action or an image"),
        (
            vec!["expose", "--component", "owner/x@8afa9b9f9183", "--from", "2025-01-01"],
            "12 hex digits",
        ),
        (
            vec!["expose", "--component", "owner/x@*", "--from", "2025-01-01T10:00"],
            "without a time zone",
        ),
        (
            vec![
                "expose",
                "--component",
                "owner/x@*",
                "--from",
                "2025-01-02",
                "--to",
                "2025-01-01",
            ],
            "`--from` and `--to`: ends at",
        ),
        (vec!["expose", "tj-actions-2025", "--from", "2025-01-02"], "has facts of its own"),
        (
            vec!["expose", "--component", "owner/x@*", "--from", "2025-01-02", "--id", "A B"],
            "`--id`",
        ),
        (vec!["expose"], "INCIDENT"),
        (vec!["incident", "new"], "nobody is there to ask"),
        (vec!["incident", "new", "--component", "owner/x@*"], "`--from`"),
    ] {
        let said = desk.ran(2, &args);
        assert!(said.err.contains(told), "{args:?}: {}", said.err);
        assert!(!said.err.contains("components[") && said.out.is_empty(), "{}", said.err);
    }
}

#[test]
fn local_times_are_read_in_their_zone() {
    let desk = Desk::new("owner/x@v1");
    let window = |from: &str, to: &str| {
        let said = desk.run(&["expose", "--component", "owner/x@*", "--from", from, "--to", to]);
        said.out.lines().take(3).collect::<Vec<_>>().join(" ")
    };
    // Bitwarden's window is given in ET, that of Nx in EDT.
    let bitwarden = window("2026-04-22 17:57 ET", "2026-04-22 19:30 ET");
    assert!(bitwarden.contains("2026-04-22 21:57 … 2026-04-22 23:31 UTC"), "{bitwarden}");
    let nx = window("2025-08-26 18:32 EDT", "2025-08-26T22:44:00-04:00");
    assert!(nx.contains("2025-08-26 22:32 … 2025-08-27 02:44 UTC"), "{nx}");
}

fn new(desk: &Desk, file: &str, more: &[&str]) -> String {
    let path = desk.path(file).display().to_string();
    let args = ["incident", "new", "--id", "thing-2025", "-o", &path];
    desk.ran(0, &[&args[..], &WINDOW, more].concat());
    path
}

#[test]
fn a_draft_of_flags_passes_lint_and_exposes() {
    let desk = Desk::new("owner/x@v1");
    let more =
        ["--component", "owner/x@v1", "--title", "Thing", "--source-url", "https://example.com/a"];
    let path = new(&desk, "x.toml", &more);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# A draft") && text.contains("https://example.com/a"), "{text}");
    assert_eq!(incident::check(&text, "x.toml"), vec![]);
    assert!(desk.ran(0, &["incident", "lint", &path]).out.contains("nothing wrong"));
    desk.ran(10, &["expose", &path]);
    fs::write(&path, text.replace("precision = \"day\"", "precision = \"minute\"")).unwrap();
    let said = desk.ran(2, &["incident", "lint", &path]);
    assert!(
        said.err.contains("x.toml`:") && said.err.contains("from.at") && said.err.contains("hint:")
    );
    desk.ran(2, &["incident", "add", &path]);
    assert!(!desk.path("home").exists(), "what does not lint is not kept");
}

#[test]
fn who_sits_there_is_asked_for_what_no_flag_says() {
    let desk = Desk::new("owner/x@v1");
    let path = desk.path("asked.toml").display().to_string();
    let ask = |answers: &str, path: &str| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut input = BufReader::new(answers.as_bytes());
        let mut streams =
            Streams { out: &mut out, err: &mut err, watched: false, input: Some(&mut input) };
        let words = ["keysweep", "incident", "new", "-o", path].map(OsString::from);
        let exit = cli::run(words, &Checkout, &mut streams);
        (exit, String::from_utf8(err).unwrap())
    };
    let answers = "nonsense\nowner/x@v1 npm:axios@1.14.1\n2025-03-14\n\nenv, memory\nasked-2025\nAsked\nhttps://example.com/a\n";
    let (exit, said) = ask(answers, &path);
    assert_eq!(exit, Exit::Done, "{said}");
    assert!(said.contains("names no kind of component"), "asked again: {said}");
    let pack = incident::parse(&fs::read_to_string(&path).unwrap(), "asked").unwrap();
    assert_eq!((pack.id(), pack.title(), pack.components().len()), ("asked-2025", "Asked", 2));
    // Answers that end early are no pack.
    let (exit, said) = ask("owner/x@v1\n", &desk.path("none.toml").display().to_string());
    assert_eq!(exit, Exit::Usage);
    assert!(said.contains("ended before the last answer"), "{said}");
    assert!(!desk.path("none.toml").exists());
}

#[test]
fn a_kept_pack_stands_beside_the_built_in_ones() {
    let desk = Desk::new("owner/x@v1");
    let path = new(&desk, "x.toml", &["--component", "owner/x@v1"]);
    assert!(desk.ran(0, &["incident", "add", &path]).err.contains("not signed"));
    for list in [&["incidents"][..], &["incident", "list"]] {
        let out = desk.ran(0, list).out;
        assert!(out.contains("thing-2025") && out.contains("kept") && out.contains("codecov-2021"));
    }
    let report = desk.report(&["expose", "thing-2025"]);
    assert_eq!((report.incident.as_str(), report.revision), ("thing-2025", Some(1)));
    let shown = desk.ran(0, &["incident", "show", "THING-2025"]).out;
    for word in ["owner/x", "2025-03-14 … 2025-03-15", "unknown", "sources:"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(desk.ran(0, &["incident", "show", "CVE-2025-30066"]).out.contains("tj-actions"));
    // An equal or lower revision is refused, a higher one takes its place.
    let said = desk.ran(2, &["incident", "add", &path]);
    assert!(said.err.contains("revision 1") && said.err.contains("--force"), "{}", said.err);
    desk.ran(0, &["incident", "add", "--force", &path]);
    let text = fs::read_to_string(&path).unwrap().replace("revision = 1", "revision = 2");
    fs::write(&path, text).unwrap();
    desk.ran(0, &["incident", "add", &path]);
    assert_eq!(desk.report(&["expose", "thing-2025"]).revision, Some(2));
    desk.ran(0, &["incident", "remove", "thing-2025"]);
    desk.ran(2, &["expose", "thing-2025"]);
    assert!(
        desk.ran(2, &["incident", "remove", "codecov-2021"]).err.contains("comes with keysweep")
    );
}

#[test]
fn a_higher_revision_supersedes_a_built_in_pack() {
    let desk = Desk::new("tj-actions/changed-files@v45");
    let (_, text) =
        incident::SOURCES.iter().find(|(name, _)| name.starts_with("tj-actions")).unwrap();
    let revision = incident::find("tj-actions-2025").unwrap().document().revision;
    let same = desk.write("same.toml", text);
    assert!(desk.ran(2, &["incident", "add", &same]).err.contains("built-in"));
    let line = format!("revision = {revision}\n");
    assert!(text.contains(&line));
    let later = text.replace(&line, &format!("revision = {}\n", revision + 1));
    let later = desk.write("later.toml", &later);
    desk.ran(0, &["incident", "add", &later]);
    assert_eq!(desk.report(&["expose", "tj-actions-2025"]).revision, Some(revision + 1));
    // By its alias, too.
    assert_eq!(desk.report(&["expose", "CVE-2025-30066"]).revision, Some(revision + 1));
    // A kept pack that is broken later is told, and the older one is no answer in its place.
    let kept = desk.path("home/incidents/tj-actions-2025.toml");
    let broken =
        fs::read_to_string(&kept).unwrap().replace("kind = \"served\"", "kind = \"sometimes\"");
    fs::write(&kept, broken).unwrap();
    let said = desk.ran(2, &["expose", "tj-actions-2025", "--format", "json"]);
    assert!(said.err.contains("tj-actions-2025.toml"), "{}", said.err);
    desk.ran(0, &["incident", "remove", "tj-actions-2025"]);
    assert!(!kept.exists());
    assert_eq!(desk.report(&["expose", "tj-actions-2025"]).revision, Some(revision));
}

fn sign(pair: &KeyPair, path: &str) {
    let text = fs::read(path).unwrap();
    let signature = minisign::sign(None, &pair.sk, &text[..], None, None).unwrap();
    fs::write(format!("{path}.minisig"), signature.to_string()).unwrap();
}

#[test]
fn signatures_are_good_wrong_missing_or_not_verified() {
    let desk = Desk::new("owner/x@v1");
    let path = new(&desk, "x.toml", &["--component", "owner/x@v1"]);
    let (ours, theirs) = (
        KeyPair::generate_unencrypted_keypair().unwrap(),
        KeyPair::generate_unencrypted_keypair().unwrap(),
    );
    let ours_file = desk.write("ours.pub", &ours.pk.to_box().unwrap().to_string());
    let kept = desk.path("home/incidents/thing-2025.toml");
    let add = |code: i32, more: &[&str]| {
        desk.ran(code, &[&["incident", "add", &path][..], more].concat()).err
    };
    assert!(add(2, &["--key", &ours_file]).contains("no such file"), "asked for, and missing");
    sign(&theirs, &path);
    assert!(add(2, &["--key", &ours_file]).contains("another key"));
    sign(&ours, &path);
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{good}# changed\n")).unwrap();
    assert!(add(2, &["--key", &ours_file]).contains("not that of this text"));
    assert!(!kept.exists(), "nothing was kept");
    fs::write(&path, &good).unwrap();
    assert!(add(0, &[]).contains("signed, not verified"));
    assert!(add(0, &["--force", "--key", &ours.pk.to_base64()]).contains("signature verified"));
    assert!(desk.ran(0, &["incidents"]).out.contains("not"), "no key is trusted yet");
    desk.ran(0, &["incident", "trust", &ours_file]);
    assert!(add(0, &["--force"]).contains("signature verified"), "with the trusted key");
    // A kept pack that was changed behind its signature is no pack any more.
    fs::write(&kept, format!("{good}# changed\n")).unwrap();
    let said = desk.ran(2, &["expose", "thing-2025"]);
    assert!(said.err.contains("not that of this text"), "{}", said.err);
    desk.ran(0, &["incident", "trust", "--remove", &ours_file]);
    assert!(desk.ran(2, &["incident", "trust", "nonsense"]).err.contains("minisign"));
}

fn saved(desk: &Desk, name: &str, args: &[&str]) -> String {
    let path = desk.path(name).display().to_string();
    desk.run(&[args, &["--format", "json", "-o", &path]].concat());
    path
}

#[test]
fn a_new_revision_shows_what_it_adds_drops_and_reopens() {
    let desk = Desk::new("owner/x@v1");
    let id = ["--id", "thing-2025"];
    let old = saved(&desk, "old.json", &expose("owner/x@v2", &id));
    let old_report: Report = serde_json::from_str(&fs::read_to_string(&old).unwrap()).unwrap();
    assert!(!old_report.sites.is_empty(), "v1 was looked at, and not settled");
    let against = [&id[..], &["--against", &old]].concat();
    // The place was not settled, and is exposed now.
    let report = desk.report(&expose("owner/x@*", &against));
    let changes = report.changes.unwrap();
    assert!(changes.added.is_empty() && changes.dropped.is_empty(), "{changes:?}");
    assert!(changes.reopened.iter().any(|c| c.placement.as_deref() == Some("IN_ENV")));
    assert!(changes.reopened.iter().all(|c| c.reason.starts_with("was not settled")));
    let table = desk.ran(10, &expose("owner/x@*", &against)).out;
    assert!(table.contains("since the earlier report") && table.contains("re-opened"), "{table}");
    // And back: dropped, because the new facts clear it by date.
    let full = saved(&desk, "full.json", &expose("owner/x@*", &id));
    let earlier = [
        "expose",
        "--component",
        "owner/x@*",
        "--from",
        "2024-01-01",
        "--to",
        "2024-01-02",
        "--id",
        "thing-2025",
        "--against",
        &full,
    ];
    let changes = desk.report(&earlier).changes.unwrap();
    assert!(changes.added.is_empty() && changes.reopened.is_empty());
    assert!(!changes.dropped.is_empty());
    assert!(
        changes.dropped.iter().all(|c| c.reason.starts_with("now cleared: outside")),
        "{changes:?}"
    );
    // What was cleared by date is open again.
    let cleared = saved(&desk, "cleared.json", &earlier[..9]);
    let again = [&id[..], &["--against", &cleared]].concat();
    let changes = desk.report(&expose("owner/x@*", &again)).changes.unwrap();
    assert!(changes.reopened.iter().any(|c| c.reason.starts_with("was cleared")), "{changes:?}");
    // A second component is added.
    let both = [
        &expose("owner/x@*", &id)[..],
        &["--component", "https://example.com/i", "--against", &full],
    ]
    .concat();
    assert!(desk.report(&both).changes.unwrap().is_empty());
    let nothing = saved(&desk, "nothing.json", &expose("owner/z@*", &id));
    let changes = desk
        .report(&[&expose("owner/x@*", &id)[..], &["--against", &nothing]].concat())
        .changes
        .unwrap();
    assert!(changes.reopened.is_empty() && !changes.added.is_empty());
}

#[test]
fn a_place_that_is_gone_and_a_repository_that_was_not_read_are_told_apart() {
    let desk = Desk::new("owner/x@v1");
    let full = saved(&desk, "full.json", &expose("owner/x@*", &["--id", "thing-2025"]));
    let reasons = |path: &str| {
        let args = expose("owner/x@*", &["--id", "thing-2025", "--against", &full]);
        let report = desk.report(&[&args[..], &[path]].concat());
        report.changes.unwrap().dropped.into_iter().map(|c| c.reason).collect::<Vec<_>>()
    };
    let elsewhere = Desk::new("owner/y@v1");
    let told = reasons(&elsewhere.repository().display().to_string());
    assert!(!told.is_empty());
    // Both repositories are called `site`: the place is gone from what has that name.
    assert!(told.iter().all(|reason| reason.contains("not there any more")), "{told:?}");
    let other = elsewhere.path("other");
    fs::rename(elsewhere.repository(), &other).unwrap();
    let told = reasons(&other.display().to_string());
    assert!(!told.is_empty());
    assert!(told.iter().all(|reason| reason.contains("may not have been read")), "{told:?}");
}

#[test]
fn an_old_report_of_something_else_is_refused() {
    let desk = Desk::new("owner/x@v1");
    let other = saved(&desk, "other.json", &expose("owner/x@v2", &[]));
    let refused = |path: &str| desk.ran(2, &expose("owner/x@*", &["--against", path])).err;
    let said = refused(&other);
    assert!(said.contains("a report of `today-") && said.contains("--id"), "{said}");
    let schema = desk.write("schema.json", r#"{"schema": "keysweep.exposure/9"}"#);
    assert!(refused(&schema).contains("keysweep.exposure/9"));
    assert!(refused(&desk.write("text.json", "EXPOSED")).contains("not JSON"));
    assert!(refused(&desk.path("none.json").display().to_string()).contains("no such file"));
    // A report of before revisions were in it is taken.
    let old = saved(&desk, "old.json", &expose("owner/x@*", &[]));
    let mut json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&old).unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("revision");
    let plain = desk.write("plain.json", &json.to_string());
    assert!(desk.report(&expose("owner/x@*", &["--against", &plain])).changes.unwrap().is_empty());
}

#[test]
fn a_folder_that_cannot_be_used_as_home_is_no_crash() {
    let desk = Desk::new("owner/x@v1");
    fs::write(desk.path("home"), "a file").unwrap();
    let path = new(&desk, "x.toml", &["--component", "owner/x@v1"]);
    assert_eq!(desk.run(&["incident", "add", &path]).code, 1);
    assert!(Path::new(&path).exists());
    desk.ran(0, &["incidents"]);
}
