//! The binding book: what is read, what is wrong with it, and tables in and out.

use std::{fs, path::Path, process::Command};

use anstream::adapter::strip_str;
use keysweep::{
    bindings::{self, Book, FindingKind, Match, Seen, SeenIssuer},
    config,
};

const BOOK: &str = r#"
# Asked the platform team.
[[bindings]]
placement = "github:acme/site/repo/AWS_*"
credential = "prod:user/ci-deployer"
issuer = "aws-access-key"
account = "eu-west-1"
owner = "platform"
source_of_truth = "terraform"
confirmed_by = "ana"
confirmed = 2026-03-01

[[bindings]]
placement = "github:acme/**/NPM_TOKEN"
issuer = "npm-token"
confirmed_by = "ben"
confirmed = "2026-03-02"

[[bindings]]
placement = "files:.env#TOKEN"
credential = "prod:user/reader"
"#;

const CONFIG: &str = r#"
[providers.prod]
type = "manual"
[providers.files]
type = "file"
[[credentials]]
id = "prod:user/ci-deployer"
fields = ["token"]
stores = [{ at = "files:.env#TOKEN" }, { at = "files:.env#OTHER" }]
"#;

fn book(text: &str) -> Book {
    Book::parse("bindings.toml", text).unwrap()
}

fn bound<'b>(book: &'b Book, placement: &str) -> Option<&'b str> {
    match book.find(placement) {
        Match::One(binding) => Some(&binding.placement),
        Match::Unbound | Match::Conflict(_) => None,
    }
}

#[test]
fn a_pattern_speaks_for_what_it_matches() {
    let book = book(BOOK);
    for (placement, expected) in [
        ("github:acme/site/repo/AWS_SECRET_ACCESS_KEY", Some("github:acme/site/repo/AWS_*")),
        ("github:acme/site/org/AWS_SECRET_ACCESS_KEY", None),
        // `*` stays between two slashes, `**` does not.
        ("github:acme/site/repo/AWS_A/B", None),
        ("github:acme/a/environment:prod/NPM_TOKEN", Some("github:acme/**/NPM_TOKEN")),
        ("github:acme/a/repo/XNPM_TOKEN", None),
    ] {
        assert_eq!(bound(&book, placement), expected, "{placement}");
    }
}

#[test]
fn rows_that_quarrel_are_no_answer_and_an_exact_one_goes_first() {
    let row = |placement: &str, issuer: &str| {
        format!("[[bindings]]\nplacement = \"{placement}\"\nissuer = \"{issuer}\"\n")
    };
    let two = book(&(row("a/*", "x") + &row("*/b", "y")));
    assert!(matches!(two.find("a/b"), Match::Conflict(rows) if rows.len() == 2));
    assert!(matches!(book(&(row("a/*", "x") + &row("*/b", "x"))).find("a/b"), Match::One(_)));
    let exact = book(&(row("a/*", "x") + &row("a/b", "y")));
    assert!(matches!(exact.find("a/b"), Match::One(row) if row.issuer.as_deref() == Some("y")));
}

#[test]
fn a_mistake_has_its_line_and_the_way_out() {
    for (text, expected) in [
        (
            "[[bindings]]\nplacemnt = \"a\"",
            "`bindings.toml:2`: `bindings[0].placemnt`: unknown key",
        ),
        (
            "[[bindings]]\nplacement = \"a\"",
            "`bindings.toml:2`: `bindings[0].placement`: it is bound to nothing",
        ),
        (
            "[[bindings]]\nplacement = \"[a\"\nissuer = \"x\"",
            "`bindings.toml:2`: `bindings[0].placement`: no glob: unclosed character class; missing ']'",
        ),
        (
            "[[bindings]]\nplacement = \"a\"\nissuer = \"x\"\nconfirmed = \"yesterday\"",
            "`bindings.toml:4`: `bindings[0].confirmed`: no day",
        ),
        (
            "[[bindings]]\nplacement = \"a\"\nissuer = \"x\"\n[[bindings]]\nplacement = \"a\"\nissuer = \"y\"",
            "`bindings.toml:5`: `bindings[1].placement`: `a` is bound in line 2 already",
        ),
    ] {
        let errors = Book::parse("bindings.toml", text).expect_err(text);
        assert_eq!(errors[0].to_string(), expected);
        assert!(!errors[0].hint.is_empty());
    }
    let pat = format!("ghp_{}", "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d");
    let text = format!("[[bindings]]\nplacement = \"a\"\nissuer = \"{pat}\"");
    let error = Book::parse("b", &text).unwrap_err()[0].to_string();
    assert!(error.contains("a credential is written here") && !error.contains(&pat), "{error}");
}

fn findings(book: &Book, seen: &[Seen]) -> Vec<String> {
    let config = config::parse("keysweep.toml", CONFIG).unwrap();
    let found = bindings::judge(book, Some(&config), seen);
    found
        .iter()
        .map(|f| format!("{:?} {} {}: {}", f.kind, f.line, f.placement, f.message))
        .collect()
}

fn seen(name: &str, kind: &str, account: Option<&str>) -> Seen {
    let account = account.map(str::to_owned);
    let issuer = Some(SeenIssuer { kind: kind.to_owned(), account });
    Seen { names: vec![name.to_owned()], issuer, updated: None }
}

#[test]
fn a_book_is_held_against_what_is_known() {
    let same = seen("github:acme/site/repo/AWS_KEY", "aws-access-key", Some("eu-west-1"));
    assert_eq!(
        findings(&book(BOOK), &[same]),
        [
            "UnknownCredential 20 files:.env#TOKEN: the configuration has no credential `prod:user/reader`",
            "Stale 20 files:.env#TOKEN: it says `prod:user/reader`, and the configuration puts `prod:user/ci-deployer` there (line 9)",
            "Dead 14 github:acme/**/NPM_TOKEN: no placement that is known has such a name",
            "Unconfirmed 20 files:.env#TOKEN: nobody has confirmed it",
            "Unbound 0 files:.env#OTHER: no row says what it holds",
        ]
    );
}

#[test]
fn a_row_is_stale_when_its_placement_or_issuer_changed() {
    let one = |seen: Seen| {
        let found = findings(&book(BOOK), &[seen]);
        found.into_iter().find(|finding| finding.starts_with("Stale 4"))
    };
    let name = "github:acme/site/repo/AWS_KEY";
    assert_eq!(one(seen(name, "aws-access-key", None)), None);
    let other = one(seen(name, "gcp-key", None)).unwrap();
    assert!(other.contains("it says `aws-access-key`, and its use tells `gcp-key`"), "{other}");
    let moved = one(seen(name, "aws-access-key", Some("us-east-1"))).unwrap();
    assert!(moved.contains("its use tells `us-east-1`"), "{moved}");
    let written = |at: &str| Seen {
        updated: Some(at.parse().unwrap()),
        ..seen(name, "aws-access-key", None)
    };
    // The day on which somebody looked counts whole.
    assert_eq!(one(written("2026-03-01T23:59:59Z")), None);
    assert!(one(written("2026-03-02T00:00:00Z")).unwrap().contains("after the row was confirmed"));
    assert!(FindingKind::Stale.is_fault() && !FindingKind::Unbound.is_fault());
}

fn keysweep(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_keysweep"))
        .current_dir(folder)
        .args(args)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| strip_str(&String::from_utf8_lossy(bytes)).to_string();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_book_is_checked_against_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let example = format!("{}/examples/acme", env!("CARGO_MANIFEST_DIR"));
    let report =
        keysweep(folder.path(), &["inventory", &example, "--format", "json", "-o", "i.json"]);
    assert!(report.0 == 0 || report.0 == 20, "{report:?}");
    let row = "[[bindings]]\nplacement = \"github:api/*/GHCR_TOKEN\"\nissuer = \"npm-token\"\nconfirmed_by = \"a\"\nconfirmed = 2026-01-01\n";
    fs::write(folder.path().join("bindings.toml"), row).unwrap();
    let (code, page, _) = keysweep(folder.path(), &["bind", "check", "--from", "i.json"]);
    assert_eq!(code, 1, "{page}");
    assert!(page.starts_with("1 row: 1 wrong, "), "{page}");
    assert!(page.contains("stale") && page.contains("`github-token`"), "{page}");
    assert!(page.contains("github:api/repo/CODECOV_TOKEN") && page.contains("unbound"), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    assert!(!page.contains("GITHUB_TOKEN"), "made for each job: {page}");
    let (code, _, told) = keysweep(folder.path(), &["bind", "check", "--from", "bindings.toml"]);
    assert!(code == 2 && told.contains("no report of `inventory` or `expose`"), "{told}");
}

#[test]
fn a_table_goes_in_and_comes_out_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("bindings.toml"), BOOK).unwrap();
    let table =
        "owner,placement,issuer,known_by\nweb,\"a,b\",x,\"she said \"\"yes\"\"\"\n'=cmd,c,y,\n";
    fs::write(at("t.csv"), table).unwrap();
    let (code, page, told) = keysweep(folder.path(), &["bind", "import", "t.csv"]);
    assert_eq!((code, page.as_str(), told.as_str()), (0, "2 new, 0 known already\n", ""));
    let text = fs::read_to_string(at("bindings.toml")).unwrap();
    assert!(text.starts_with(BOOK), "what was there stays, with its comments: {text}");
    let read = book(&text);
    assert_eq!(read.bindings().len(), 5);
    assert_eq!(read.bindings()[3].known_by.as_deref(), Some("she said \"yes\""));
    assert_eq!(read.bindings()[4].owner.as_deref(), Some("=cmd"));

    let (_, exported, _) = keysweep(folder.path(), &["bind", "export"]);
    assert!(exported.starts_with("placement,credential,issuer,account,"), "{exported}");
    assert!(exported.contains("'=cmd"), "a spreadsheet runs no cell: {exported}");
    fs::write(at("all.csv"), &exported).unwrap();
    let (code, page, _) = keysweep(folder.path(), &["bind", "import", "all.csv"]);
    assert_eq!((code, page.as_str()), (0, "0 new, 5 known already\n"));
    assert_eq!(fs::read_to_string(at("bindings.toml")).unwrap(), text);
}

#[test]
fn a_table_that_is_wrong_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pat = format!("ghp_{}", "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d");
    fs::write(at("bindings.toml"), BOOK).unwrap();
    for (table, expected) in [
        (
            "plcement,issuer\na,b\n".to_owned(),
            "`t.csv:1`: no column is called `plcement`\nhint: did you mean `placement`?",
        ),
        ("issuer\na\n".to_owned(), "no column `placement`"),
        ("placement,issuer\na\n".to_owned(), "1 cells where the header has 2"),
        ("placement,issuer\na,\n".to_owned(), "`t.csv:2`: `a` is bound to nothing"),
        ("placement,credential\na,b\n".to_owned(), "`credential`: `PROVIDER:NAME` is wanted"),
        (format!("placement,issuer\na,{pat}\n"), "`t.csv:2`: a credential is written in `issuer`"),
        ("placement,issuer\nok,x\n[b,c\n".to_owned(), "no glob"),
        (
            "placement,issuer\nfiles:.env#TOKEN,y\n".to_owned(),
            "is bound already, and the rows differ",
        ),
    ] {
        fs::write(at("t.csv"), &table).unwrap();
        let (code, page, told) = keysweep(folder.path(), &["bind", "import", "t.csv"]);
        assert_eq!((code, page.as_str()), (2, ""), "{table}");
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains(&pat) && told.contains("hint: "), "{told}");
        assert_eq!(fs::read_to_string(at("bindings.toml")).unwrap(), BOOK);
    }
}
