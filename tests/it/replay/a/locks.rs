//! The same releases in lock files, and installs that no lock file holds.

use keysweep::assess::Verdict::{Cleared, Exposed, NotFound};

use super::{CI, job, judged, taken};

fn npm_lock(name: &str, version: &str) -> String {
    format!(
        r#"{{
  "name": "app",
  "lockfileVersion": 3,
  "packages": {{
    "": {{ "name": "app", "dependencies": {{ "{name}": "^{version}" }} }},
    "node_modules/{name}": {{
      "version": "{version}",
      "resolved": "https://registry.npmjs.org/x.tgz",
      "hasInstallScript": true
    }}
  }}
}}
"#
    )
}

/// A job with this command beside this lock file, from one date to the other.
fn locked(
    incident: &str,
    command: &str,
    (file, text): (&str, &str),
    (from, to): (&str, &str),
) -> (keysweep::assess::Verdict, Vec<String>) {
    let (ci, manifest) = (job(command), r#"{"name": "app"}"#);
    let files = [(CI, ci.as_str()), (file, text), ("package.json", manifest)];
    let gone = [(CI, ""), (file, ""), ("README.md", "x")];
    taken(incident, &[(from, &files), (to, &gone)])
}

#[test]
fn a_locked_bad_release_is_installed_and_a_clean_one_clears() {
    let day = ("2025-08-26T20:00:00Z", "2025-08-28T00:00:00Z");
    let nx = |command: &str, version: &str| {
        locked("nx-2025", command, ("package-lock.json", &npm_lock("nx", version)), day)
    };
    assert_eq!(nx("npm ci", "21.5.0"), (Exposed, vec!["IN_STEP".to_owned()]));
    assert_eq!(nx("npm ci", "21.4.1"), (Cleared, vec![]));
    // The payload was an install script.
    let (_, names) = nx("npm ci --ignore-scripts", "21.5.0");
    assert_eq!(names, [""; 0]);
    let hulud = |version: &str, day| {
        let lock = npm_lock("@ctrl/tinycolor", version);
        locked("shai-hulud-2025", "npm ci", ("package-lock.json", &lock), day)
    };
    let wave = ("2025-09-15T00:00:00Z", "2025-09-17T00:00:00Z");
    assert_eq!(hulud("4.1.2", wave), (Exposed, vec!["IN_STEP".to_owned()]));
    assert_eq!(hulud("4.1.0", wave), (Cleared, vec![]));
    let later = ("2025-10-01T00:00:00Z", "2025-10-02T00:00:00Z");
    assert_eq!(hulud("4.1.2", later), (Cleared, vec![]));
    let second = npm_lock("posthog-node", "5.11.3");
    let second = locked(
        "shai-hulud-2-2025",
        "npm ci",
        ("package-lock.json", &second),
        ("2025-11-24T06:00:00Z", "2025-11-24T12:00:00Z"),
    );
    assert_eq!(second, (Exposed, vec!["IN_STEP".to_owned()]));
    let other = locked("nx-2025", "npm ci", ("package-lock.json", &npm_lock("x", "1.0.0")), day);
    assert_eq!(other, (NotFound, vec![]));
}

#[test]
fn an_exact_install_is_judged_like_a_locked_one() {
    let run = |incident: &str, command: &str, from: &str, to: &str| {
        judged(incident, &[(from, &[(CI, &job(command))]), (to, &[(CI, ""), ("a", "b")])])
    };
    let (from, to) = ("2025-08-01T00:00:00Z", "2025-10-01T00:00:00Z");
    let nx = |command: &str| run("nx-2025", command, from, to);
    assert_eq!(nx("npm install nx@21.5.0"), (Exposed, vec!["IN_STEP".to_owned()]));
    assert_eq!(nx("npm install nx@21.4.1"), (Cleared, vec![]));
    assert_eq!(nx("npm install nx"), (Exposed, vec!["IN_STEP?".to_owned()]));
    let (from, to) = ("2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z");
    let ultralytics = |command: &str| run("ultralytics-2024", command, from, to);
    assert_eq!(ultralytics("pip install ultralytics==8.3.41").0, Exposed);
    assert_eq!(ultralytics("pip install ultralytics==8.3.40"), (Cleared, vec![]));
    let (from, to) = ("2022-12-01T00:00:00Z", "2023-01-31T00:00:00Z");
    let torch = |command: &str| run("pytorch-nightly-2022", command, from, to).0;
    assert_eq!(torch("pip install torchtriton"), Exposed);
    assert_eq!(torch("pip install torch==1.13.1"), Cleared);
}
