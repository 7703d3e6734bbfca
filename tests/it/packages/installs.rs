//! Commands: where each looks for its lock file, and whether it keeps to it.

use super::{CI, job, verdict};

const LOCK: &str = "{\"lockfileVersion\": 3, \"packages\": {\"web\": {},\n\"node_modules/axios\": {\"version\": \"1.14.1\"}}}";

fn npm(command: &str, lock_at: &str, more: &[(&str, &str)]) -> String {
    let ci = job(command);
    let lock = format!("{lock_at}package-lock.json");
    let manifest = format!("{lock_at}package.json");
    let mut files = vec![(CI, &*ci), (&lock, LOCK)];
    if !more.iter().any(|(path, _)| *path == manifest) {
        files.push((&manifest, "{}"));
    }
    files.extend(more);
    verdict(&files)
}

#[test]
fn a_lock_file_is_found_from_the_folder_of_the_command() {
    let hit = |lock: &str| format!("Exposed | Exposed npm:axios@1.14.1 {lock}:2 | TOKEN Inferred");
    for (command, lock_at) in [
        ("npm ci", ""),
        ("npm i", ""),
        ("npm install --no-audit", ""),
        ("cd web && npm ci", "web/"),
        ("npm --prefix web ci", "web/"),
        ("npm ci --prefix=web", "web/"),
        ("npm -C web install", "web/"),
        ("bash -c 'npm ci'", ""),
        ("docker run -v $PWD:/w -w /w -e T node npm ci", ""),
        ("cd web/src && npm ci", "web/"),
    ] {
        let lock = format!("{lock_at}package-lock.json");
        assert_eq!(npm(command, lock_at, &[]), hit(&lock), "{command}");
    }
    // Its environment is cut, so nothing of the step reaches it.
    let sudo = npm("sudo npm ci", "", &[]);
    assert_eq!(sudo, "Exposed | Exposed npm:axios@1.14.1 package-lock.json:2");
    let root = ("package.json", "{\"workspaces\": [\"web\"]}");
    let web = ("web/package.json", "{}");
    assert_eq!(npm("cd web && npm ci", "", &[root, web]), hit("package-lock.json"));
    let apart = npm("cd web && npm ci", "", &[("package.json", "{}"), web]);
    assert!(apart.contains("no lock file says which versions it takes"), "{apart}");
}

#[test]
fn scripts_that_are_off_run_nothing() {
    let cleared = "Cleared | Cleared npm:axios@1.14.1 package-lock.json:2";
    assert_eq!(npm("npm ci --ignore-scripts", "", &[]), cleared);
    assert_eq!(npm("npm ci", "", &[(".npmrc", "ignore-scripts = true\n")]), cleared);
    assert!(npm("npm ci", "", &[(".npmrc", "ignore-scripts = false\n")]).starts_with("Exposed"));
    let berry = "__metadata:\n  version: 8\n\"axios@npm:1\":\n  version: 1.14.1\n  resolution: \"axios@npm:1.14.1\"\n";
    let files = [
        (CI, &*job("yarn")),
        ("package.json", "{}"),
        ("yarn.lock", berry),
        (".yarnrc.yml", "enableScripts: false\n"),
    ];
    assert_eq!(verdict(&files), "Cleared | Cleared npm:axios@1.14.1 yarn.lock:3");
    let pip = |command: &str| {
        verdict(&[(CI, &*job(command)), ("requirements.txt", "foo-bar==1.2.3 --hash=sha256:0\n")])
    };
    assert!(pip("pip install -r requirements.txt").starts_with("Exposed"));
    assert!(pip("'pip install --only-binary :all: -r requirements.txt'").starts_with("Cleared"));
}

#[test]
fn an_unlocked_install_is_possible() {
    let named = |manifest: &str| ("package.json", manifest.to_owned());
    let direct = named("{\"dependencies\": {\n\"axios\": \"^1.0.0\"}}");
    let files = [(CI, job("npm install")), direct];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
    let found = verdict(&files);
    assert!(
        found.starts_with("Exposed | Exposed npm:axios@^1.0.0 package.json:2 | TOKEN Possible"),
        "{found}"
    );
    let older = "{\"dependencies\": {\n\"axios\": \"^0.27.0\"}}";
    let found = verdict(&[(CI, &job("npm install")), ("package.json", older)]);
    assert!(
        found.starts_with("Unknown | Cleared npm:axios@^0.27.0 package.json:2 | file"),
        "{found}"
    );
    // What comes through others is not known.
    let found = verdict(&[
        (CI, &job("npm install")),
        ("package.json", "{\"dependencies\": {\"y\": \"1\"}}"),
    ]);
    assert_eq!(
        found,
        "Unknown | file:.github/workflows/ci.yml:7: npm: no lock file says which versions it takes: what comes with other packages is not known"
    );
    for (command, expected) in [
        ("npm update", "Exposed | Exposed npm:axios@- package-lock.json:2 | TOKEN Possible"),
        (
            "npm ci --no-package-lock",
            "Exposed | Exposed npm:axios@- package-lock.json:2 | TOKEN Possible",
        ),
        ("npm i -g axios", "Exposed | Exposed npm:axios@- .github/workflows/ci.yml:7 |"),
        (
            "npm i -g axios@1.14.1",
            "Exposed | Exposed npm:axios@1.14.1 .github/workflows/ci.yml:7 |",
        ),
        (
            "npm i -g axios@1.13.0",
            "Unknown | Unknown npm:axios@1.14.1 package-lock.json:2 | Cleared npm:axios@1.13.0 .github/workflows/ci.yml:7 | file",
        ),
        ("npx other", "Unknown | Unknown npm:axios@1.14.1 package-lock.json:2 | file"),
        ("npx axios@1.14.1", "Exposed | Exposed npm:axios@1.14.1 .github/workflows/ci.yml:7 |"),
        ("pip install foo-bar", "Exposed | Exposed pypi:foo-bar@- .github/workflows/ci.yml:7 |"),
        ("pip install -U pip", "Unknown | Unknown npm:axios@1.14.1 package-lock.json:2"),
        (
            "python -m pip install 'foo-bar>=1,<2'",
            "Exposed | Exposed pypi:foo-bar@>=1,<2 .github/workflows/ci.yml:7 |",
        ),
        (
            "gem install rest -v 1.6.13",
            "Exposed | Exposed rubygems:rest@1.6.13 .github/workflows/ci.yml:7 |",
        ),
    ] {
        let found = npm(command, "", &[]);
        assert!(
            found.starts_with(expected),
            "{command}\n  expected {expected}\n  found    {found}"
        );
    }
}

#[test]
fn what_cannot_be_told_is_a_gap() {
    for (command, gap) in [
        ("cd $DIR && npm ci", "known only while it runs"),
        ("cd nowhere && cargo build", "cargo: its manifest is not in the checkout"),
        ("pip install -r missing.txt", "`missing.txt` is not in the checkout"),
        ("pip install tox", "installs packages without a lock file"),
        ("pip install .", "no lock file says which versions it takes"),
        ("bun install", "`bun.lockb` is a format that is not read"),
    ] {
        let files = [
            (CI, &*job(command)),
            ("package.json", "{}"),
            ("bun.lockb", "x"),
            ("pyproject.toml", ""),
        ];
        let found = verdict(&files);
        assert!(found.starts_with("Unknown | ") && found.contains(gap), "{command}: {found}");
    }
}
