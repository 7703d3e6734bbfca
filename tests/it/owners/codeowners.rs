//! Patterns and precedence of `CODEOWNERS`.

use keysweep::{
    assess::{CoverageState, OwnerSource, Verdict},
    resolve::owner::{Codeowners, Dialect},
};

use super::{CI, Repo, expose, find, folder, inventory, outputs, words, workflow};

fn owners(text: &str, dialect: Dialect, path: &str) -> Vec<String> {
    let mut file = Codeowners::parse(text, dialect);
    file.owners(path).unwrap().into_iter().map(|owned| owned.who).collect()
}

#[test]
fn patterns_match_as_github_documents_them() {
    let table = [
        ("*", "a.js", true),
        ("*", "a/b/c.js", true),
        ("*.js", "a.js", true),
        ("*.js", "deep/er/a.js", true),
        ("*.js", "a.jsx", false),
        ("/build/logs/", "build/logs/x.log", true),
        ("/build/logs/", "build/logs/deep/x.log", true),
        ("/build/logs/", "sub/build/logs/x.log", false),
        ("docs/*", "docs/getting-started.md", true),
        ("docs/*", "docs/build-app/troubleshooting.md", false),
        ("docs/*", "sub/docs/a.md", false),
        ("apps/", "apps/a", true),
        ("apps/", "deep/apps/b/c", true),
        ("apps/", "apps", false),
        ("/docs/", "docs/a/b", true),
        ("/docs/", "sub/docs/a", false),
        ("/scripts/", "scripts/x", true),
        ("**/logs", "build/logs/a", true),
        ("**/logs", "deeply/nested/logs/a/b", true),
        ("**/logs", "logs/a", true),
        ("**/logs", "catalogs/a", false),
        ("/apps/github", "apps/github/x", true),
        ("/apps/github", "apps/githubber", false),
        ("apps/github", "x/apps/github", false),
        ("docs/**", "docs/a/b/c", true),
        ("a/**/b", "a/x/y/b", true),
        ("a/**/b", "a/b", true),
        ("/*.md", "README.md", true),
        ("/*.md", "docs/README.md", false),
        ("?.md", "a.md", true),
        ("?.md", "ab.md", false),
        ("a?c", "a/c", false),
        ("{a,b}.js", "a.js", false),
        ("{a,b}.js", "{a,b}.js", true),
        ("with\\ space/", "with space/x", true),
        ("CI.yml", "ci.yml", false),
        (".github/", ".github/workflows/ci.yml", true),
        (".github/workflows/*", ".github/workflows/ci.yml", true),
        (".github/workflows/*.yaml", ".github/workflows/ci.yml", false),
        ("/", "a", false),
    ];
    for (pattern, path, expected) in table {
        let found = owners(&format!("{pattern} @o"), Dialect::Github, path);
        assert_eq!(!found.is_empty(), expected, "{pattern} on {path}");
    }
}

#[test]
fn the_last_match_wins_and_one_without_owners_takes_them_away() {
    let text = "# all\n* @all # inline\n/apps/ @octocat @acme/team me@example.org\n/apps/github\n";
    let of = |path| owners(text, Dialect::Github, path);
    assert_eq!(of("x"), ["@all"]);
    assert_eq!(of("apps/x"), ["@octocat", "@acme/team", "me@example.org"]);
    assert_eq!(of("apps/github/x"), [""; 0]);
    assert_eq!(of("apps/github"), [""; 0]);
}

#[test]
fn a_line_that_github_skips_is_told_and_the_one_before_holds() {
    let text = "* @all\n!x @a\n[ab].js @b\n\\#x @c\nx nobody\nx @\nx @a/b/c\n[Section]\n";
    let file = Codeowners::parse(text, Dialect::Github);
    let lines: Vec<u32> = file.troubles.iter().map(|trouble| trouble.line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(owners(text, Dialect::Github, "x"), ["@all"]);
}

#[test]
fn sections_of_gitlab_each_have_a_say() {
    let text = "* @all\n\n[Docs] @writers\ndocs/\nREADME.md @readme\n\n^[Ops][2] @ops @@maintainer\n\
                .gitlab-ci.yml\n*.tf @tf\n\n[docs]\ndocs/api/ @api\n\n[Deny] @deny\n*.md\n!README.md\n";
    let of = |path| owners(text, Dialect::Gitlab, path);
    assert_eq!(of(".gitlab-ci.yml"), ["@all", "@ops", "@@maintainer"]);
    assert_eq!(of("docs/a"), ["@all", "@writers"]);
    assert_eq!(of("docs/api/x"), ["@all", "@api"], "a section that is named again is the same one");
    assert_eq!(of("sub/README.md"), ["@all", "@readme"], "excluded from the last section");
    assert_eq!(of("x.md"), ["@all", "@deny"]);
    assert_eq!(of("infra/x.tf"), ["@all", "@tf"]);
    assert!(Codeowners::parse(text, Dialect::Gitlab).troubles.is_empty());
    let broken = Codeowners::parse("[] @a\n[x @b\n", Dialect::Gitlab);
    assert_eq!(broken.troubles.len(), 2);
}

#[test]
fn the_first_of_the_three_places_counts() {
    let all = [
        (".github/CODEOWNERS", "* @hub"),
        ("CODEOWNERS", "* @root"),
        ("docs/CODEOWNERS", "* @docs"),
    ];
    for (from, expected) in ["@hub", "@root", "@docs"].iter().enumerate() {
        let flow = workflow(&["TOKEN"]);
        let files: Vec<_> = all[from..].iter().copied().chain([(CI, flow.as_str())]).collect();
        let dir = folder(&files);
        let report = expose(&[dir.path().to_owned()]);
        let owner = &find(&report, "TOKEN").owners[0];
        assert_eq!(owner.who, *expected);
        assert_eq!(owner.how, OwnerSource::Codeowners);
        assert_eq!((owner.file.as_str(), owner.line), (all[from].0, 1));
        let listed = inventory(dir.path());
        assert_eq!(listed.placements[0].owners[0].who, *expected);
    }
}

#[test]
fn a_broken_line_is_coverage_that_changes_no_verdict() {
    let dir = folder(&[(CI, &workflow(&["TOKEN"])), ("CODEOWNERS", "* @all\n[x] @b\n")]);
    let report = expose(&[dir.path().to_owned()]);
    let entry = report.coverage.iter().find(|entry| entry.scope == "file:CODEOWNERS").unwrap();
    assert_eq!((entry.line, entry.matters, entry.state), (Some(2), false, CoverageState::Unseen));
    assert_eq!(report.summary.verdict, Verdict::Exposed);
    assert_eq!(find(&report, "TOKEN").owners[0].who, "@all");
}

#[test]
fn the_tables_name_owners_and_that_there_is_none() {
    let mut repo = Repo::new();
    repo.write(CI, &workflow(&["TOKEN"])).write("CODEOWNERS", "* @acme/ops\n").commit("alice");
    let page = words(&outputs(&repo.report()));
    assert!(page.contains("owners: @acme/ops (1)"), "{page}");
    assert!(page.contains("@acme/ops owns the file (CODEOWNERS:1)"), "{page}");
    assert!(page.contains("alice <alice@example.org> first named it on 2021-01-01"), "{page}");
    let report = {
        let mut report = repo.report();
        report.exposures.iter_mut().for_each(|e| e.owners.clear());
        report
    };
    let page = words(&outputs(&report));
    assert!(page.contains("audit its use 1 · owner: none for 1 "), "{page}");
    assert!(page.contains("9. owner none: no line of CODEOWNERS"), "{page}");
}

#[test]
fn a_large_file_is_matched_soon() {
    let mut text: String = (0..60_000).map(|i| format!("/dir{i}/**/x*.{i} @o{i}\n")).collect();
    text.push_str("* @last\n");
    assert_eq!(owners(&text, Dialect::Github, CI), ["@last"]);
    let hostile = "*l*m*y @o\n".repeat(200_000);
    assert_eq!(Codeowners::parse(&hostile, Dialect::Github).owners(CI), None, "never: nobody");
}
