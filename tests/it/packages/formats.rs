//! Every lock format: a bad version, a clean one, none.

use super::{CI, expose, folder, job, pack, told, verdict};

/// Manifest, lock file, command, line of the entry; `VERSION` stands for the version.
const LOCKS: &[(&str, &str, &str, &str, &str, u32, &str)] = &[
    (
        "package.json",
        "package-lock.json",
        "{\"lockfileVersion\": 1, \"dependencies\": {\n\"axios\": {\"version\": \"VERSION\"}}}",
        "npm ci",
        "npm:axios",
        2,
        "1.14.1",
    ),
    (
        "package.json",
        "package-lock.json",
        "{\"lockfileVersion\": 2, \"packages\": {\n\"node_modules/axios\": {\"version\": \"VERSION\", \"hasInstallScript\": true}}}",
        "npm ci",
        "npm:axios",
        2,
        "1.14.1",
    ),
    (
        "package.json",
        "npm-shrinkwrap.json",
        "{\"lockfileVersion\": 3, \"packages\": {\n\"node_modules/@s/x\": {\"version\": \"VERSION\"}}}",
        "npm install",
        "npm:@s/x",
        2,
        "2.0.0",
    ),
    (
        "package.json",
        "yarn.lock",
        "# yarn lockfile v1\n\naxios@^1.0.0:\n  version \"VERSION\"\n",
        "yarn",
        "npm:axios",
        3,
        "1.14.1",
    ),
    (
        "package.json",
        "yarn.lock",
        "__metadata:\n  version: 8\n\"axios@npm:^1.0.0\":\n  version: VERSION\n  resolution: \"axios@npm:VERSION\"\n",
        "yarn install --immutable",
        "npm:axios",
        3,
        "1.14.1",
    ),
    (
        "pyproject.toml",
        "uv.lock",
        "[[package]]\nname = \"foo-bar\"\nversion = \"VERSION\"\nsource = { registry = \"https://pypi.org/simple\" }\nsdist = { url = \"https://x/foo.tar.gz\" }\n",
        "uv sync --frozen",
        "pypi:foo-bar",
        1,
        "1.2.3",
    ),
    (
        "pyproject.toml",
        "poetry.lock",
        "[[package]]\nname = \"foo-bar\"\nversion = \"VERSION\"\n",
        "poetry install",
        "pypi:foo-bar",
        1,
        "1.2.3",
    ),
    (
        "pyproject.toml",
        "pdm.lock",
        "[[package]]\nname = \"foo-bar\"\nversion = \"VERSION\"\n",
        "pdm install",
        "pypi:foo-bar",
        1,
        "1.2.3",
    ),
    (
        "pyproject.toml",
        "pylock.toml",
        "lock-version = \"1.0\"\n[[packages]]\nname = \"foo-bar\"\nversion = \"VERSION\"\n",
        "pdm sync",
        "pypi:foo-bar",
        2,
        "1.2.3",
    ),
    (
        "Pipfile",
        "Pipfile.lock",
        "{\"default\": {\n\"foo-bar\": {\"version\": \"==VERSION\"}}}",
        "pipenv sync",
        "pypi:foo-bar",
        2,
        "1.2.3",
    ),
    (
        "x",
        "requirements.txt",
        "foo_bar==VERSION --hash=sha256:00\n",
        "pip install -r requirements.txt",
        "pypi:foo-bar",
        1,
        "1.2.3",
    ),
    (
        "Cargo.toml",
        "Cargo.lock",
        "version = 3\n[[package]]\nname = \"xz-sys\"\nversion = \"VERSION\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
        "cargo test --workspace",
        "cargo:xz-sys",
        2,
        "1.2.3",
    ),
    (
        "go.mod",
        "go.sum",
        "example.com/m VERSION h1:x=\nexample.com/m VERSION/go.mod h1:y=\n",
        "go test ./...",
        "go:example.com/m",
        1,
        "v1.2.0",
    ),
    (
        "Gemfile",
        "Gemfile.lock",
        "GEM\n  specs:\n    rest (VERSION)\n",
        "bundle install",
        "rubygems:rest",
        3,
        "1.6.13",
    ),
    (
        "composer.json",
        "composer.lock",
        "{\"packages\": [\n{\"name\": \"a/b\", \"version\": \"VERSION\"}]}",
        "composer install --no-dev",
        "packagist:a/b",
        2,
        "2.0.0",
    ),
    (
        "package.json",
        "bun.lock",
        "{\"packages\": {\n\"axios\": [\"axios@VERSION\", \"\"],\n}}",
        "bun install",
        "npm:axios",
        2,
        "1.14.1",
    ),
];

const PNPM: [&str; 3] = [
    "lockfileVersion: 5.4\npackages:\n  /axios/VERSION:\n    requiresBuild: true\n",
    "lockfileVersion: '6.0'\npackages:\n  /axios@VERSION(debug@4.3.4):\n    dev: false\n",
    "lockfileVersion: '9.0'\npackages:\n  axios@VERSION:\n    resolution: {integrity: x}\n",
];

#[test]
fn a_locked_version_decides() {
    let mut wrong = Vec::new();
    let mut check = |files: &[(&str, &str)], expected: &str, what: &str| {
        let found = verdict(files);
        if found != expected {
            wrong.push(format!("{what}\n  expected {expected}\n  found    {found}"));
        }
    };
    for (manifest, lock, text, command, name, line, bad) in LOCKS {
        // Whether packages of PHP and Bun may run code while they are installed cannot be told.
        let unsure = matches!(*lock, "composer.lock" | "bun.lock");
        let never = *lock == "go.sum";
        let (ci, locked) = (job(command), text.replace("VERSION", bad));
        let place = format!("{name}@{bad} {lock}:{line}");
        let hit = match (unsure, never) {
            (true, _) => format!("Unknown | Unknown {place} | TOKEN Possible"),
            (_, true) => format!("Cleared | Cleared {place}"),
            _ => format!("Exposed | Exposed {place} | TOKEN Inferred"),
        };
        check(&[(CI, &ci), (manifest, "{}"), (lock, &locked)], &hit, command);
        let clean = text.replace("VERSION", "0.9.9");
        let cleared = format!("Cleared | Cleared {name}@0.9.9 {lock}:{line}");
        check(&[(CI, &ci), (manifest, "{}"), (lock, &clean)], &cleared, command);
        let other = text.replace("axios", "other").replace("@s/x", "other").replace("foo", "oof");
        let other = other.replace("xz-sys", "other").replace("example.com/m", "example.com/other");
        let other = other.replace("rest", "other").replace("a/b", "a/other");
        check(&[(CI, &ci), (manifest, "{}"), (lock, &other)], "NotFound", command);
        // Nobody in CI installs it.
        let alone = format!("Unknown | Unknown {place}");
        check(&[(CI, &job("true")), (lock, &locked)], &alone, lock);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pnpm_of_all_versions() {
    for text in PNPM {
        let lock = text.replace("VERSION", "1.14.1");
        let files =
            [(CI, job("pnpm install --frozen-lockfile")), ("package.json", "{}".to_owned())];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
        let all = [files.as_slice(), &[("pnpm-lock.yaml", &lock)]].concat();
        // Newer releases run install scripts only where the project allows it.
        let expected = "Unknown | Unknown npm:axios@1.14.1 pnpm-lock.yaml:3 | TOKEN Possible";
        assert_eq!(verdict(&all), expected);
        let lock = text.replace("VERSION", "1.13.0");
        let all = [files.as_slice(), &[("pnpm-lock.yaml", &lock)]].concat();
        assert_eq!(verdict(&all), "Cleared | Cleared npm:axios@1.13.0 pnpm-lock.yaml:3");
    }
}

#[test]
fn the_reason_names_file_version_and_install_code() {
    let lock = "{\"lockfileVersion\": 3, \"packages\": {\"node_modules/axios\": {\"version\": \"1.14.1\", \"hasInstallScript\": true}}}";
    let dir = folder(&[(CI, &job("npm ci")), ("package.json", "{}"), ("package-lock.json", lock)]);
    let report = expose(&pack(), dir.path(), Some("2025-05-01"));
    let site = &report.sites[0];
    assert!(
        site.reason
            .starts_with("`package-lock.json` holds 1.14.1, which runs code while it is installed"),
        "{}",
        site.reason
    );
    assert_eq!((&*site.via[0].file, site.via[0].line), (CI, 7));
    assert_eq!(site.consumer.as_ref().unwrap().job.as_deref(), Some("j"));
}

#[test]
fn a_broken_lock_file_is_a_gap_with_its_line() {
    let deep = "[".repeat(5_000_000) + "\"axios\"";
    for (manifest, lock, text, command, gap) in [
        (
            "package.json",
            "package-lock.json",
            "{\n\"packages\": {\"axios",
            "npm ci",
            "file:package-lock.json:2: lock file not read to its end: a text is not closed",
        ),
        (
            "package.json",
            "package-lock.json",
            &*deep,
            "npm ci",
            "file:package-lock.json:1: lock file not read to its end: brackets nest too deeply",
        ),
        (
            "package.json",
            "package-lock.json",
            "{\"packages\": \"axios\"}",
            "npm ci",
            "file:package-lock.json:1: lock file not read to its end: `packages` is no object",
        ),
        (
            "package.json",
            "yarn.lock",
            "\naxios\n",
            "yarn",
            "file:yarn.lock:2: lock file not read to its end: a line that is no entry",
        ),
        (
            "go.mod",
            "go.sum",
            "example.com/m\n",
            "go build",
            "file:go.sum:1: lock file not read to its end: a line that is no module",
        ),
        (
            "Cargo.toml",
            "Cargo.lock",
            "[[package]]\nname = \"xz-sys\"\n",
            "cargo build",
            "file:Cargo.lock:1: lock file not read to its end: no version of `cargo:xz-sys`",
        ),
        (
            "Gemfile",
            "Gemfile.lock",
            "GEM\n  specs:\n    rest\n",
            "bundle",
            "file:Gemfile.lock:3: lock file not read to its end: a gem without version",
        ),
    ] {
        let found = verdict(&[(CI, &job(command)), (manifest, "{}"), (lock, text)]);
        assert_eq!(found, format!("Unknown | {gap}"), "{command}");
    }
    let twice = "{\"packages\": {\"node_modules/axios\": {\"version\": \"1.0.0\"},\n\"node_modules/axios\": {\"version\": \"1.14.1\"}}}";
    let dir = folder(&[(CI, &job("npm ci")), ("package.json", "{}"), ("package-lock.json", twice)]);
    let found = told(&expose(&pack(), dir.path(), Some("2025-05-01")));
    assert!(found.contains("Exposed npm:axios@1.14.1 package-lock.json:2"), "{found}");
}
