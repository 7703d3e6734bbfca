//! axios, litellm with telnyx, the Bitwarden CLI, TanStack.

use jiff::Timestamp;
use keysweep::{
    assess::Verdict::*,
    ci::model::{Kind, Pinned},
    incident::{Context, WindowKind, find},
};

use super::super::{judged, standing};
use super::*;

const LONG: (&str, &str) = ("2026-01-01T00:00:00Z", "2026-09-01T00:00:00Z");

/// What is said of the release itself: what else such an install fetched no file tells.
fn lived(incident: &str, step: &str, from: &str, to: &str) -> (Verdict, Vec<String>) {
    judged(incident, &[(from, &[(CI, &job(step))]), (to, &[(CI, ""), ("README.md", "x")])])
}

fn long(incident: &str, step: &str) -> (Verdict, Vec<String>) {
    lived(incident, step, LONG.0, LONG.1)
}

fn said(incident: &str, name: &str, version: &str) -> &'static str {
    standing(incident, &release(name, version), &Context::default())
}

/// The windows of a component in which its code was served.
fn served(incident: &str, id: &str) -> Vec<(Option<Timestamp>, Option<Timestamp>)> {
    let pack = find(incident).unwrap();
    let component = pack.components().iter().find(|one| one.id() == id).unwrap();
    let windows = component.windows.iter().filter(|w| w.kind == WindowKind::Served);
    windows.map(|w| (w.from, w.to)).collect()
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn bitwardens_local_times_read_right() {
    // 17:57 to 19:30 in New York in April are 21:57 to 23:30 UTC; the named minute is in.
    let window = (at("2026-04-22T21:57:00Z"), at("2026-04-22T23:31:00Z"));
    assert_eq!(served("bitwarden-cli-2026", "cli"), [window]);
    let step = "run: npx @bitwarden/cli@2026.4.0 login";
    let life = |from: &str, to: &str| lived("bitwarden-cli-2026", step, from, to).0;
    assert_eq!(life(LONG.0, "2026-04-22T21:57:00Z"), Cleared);
    assert_eq!(life(LONG.0, "2026-04-22T21:57:01Z"), Exposed);
    assert_eq!(life("2026-04-22T23:30:59Z", LONG.1), Exposed);
    assert_eq!(life("2026-04-22T23:31:00Z", LONG.1), Cleared);
    // The same clock times taken for UTC.
    assert_eq!(life("2026-04-22T17:00:00Z", "2026-04-22T20:00:00Z"), Cleared);
}

#[test]
fn bitwarden_cli_hits_clears_and_misses() {
    let pack = "bitwarden-cli-2026";
    let run = |step: &str| long(pack, &format!("run: {step}"));
    assert_eq!(run("npx @bitwarden/cli@2026.4.0 login"), (Exposed, names(&["IN_STEP"])));
    // Whatever was newest then: only a log can tell.
    assert_eq!(run("npx @bitwarden/cli login"), (Exposed, names(&["IN_STEP?"])));
    assert_eq!(run("npx @bitwarden/cli@2026.3.0 login"), (Cleared, vec![]));
    assert_eq!(run("npx @bitwarden/cli@2026.4.1 login"), (Cleared, vec![]));
    assert_eq!(run("npx @bitwarden/sdk-napi@2026.4.0"), (NotFound, vec![]));
    let clone = component(Kind::Repository, "bitwarden/clients", None, Pinned::No);
    assert_eq!(standing(pack, &clone, &Context::default()), "cleared");
}

#[test]
fn a_payload_of_install_scripts_takes_nothing_where_they_are_off() {
    for (incident, name, version) in [
        ("axios-2026", "npm:axios", "1.14.1"),
        ("axios-2026", "npm:plain-crypto-js", "4.2.1"),
        ("bitwarden-cli-2026", "npm:@bitwarden/cli", "2026.4.0"),
        ("tanstack-2026", "npm:@tanstack/react-router", "1.169.5"),
        ("tanstack-2026", "npm:@uipath/cli", "1.0.1"),
    ] {
        for (on, expected) in [(Some(true), "bad"), (None, "bad"), (Some(false), "took nothing")] {
            let context = Context { install_scripts: on, ..Context::default() };
            let said = standing(incident, &release(name, version), &context);
            assert_eq!(said, expected, "{name} {on:?}");
        }
    }
    // Code that runs on import or at every start of Python does not ask.
    for (name, version) in
        [("pypi:litellm", "1.82.7"), ("pypi:litellm", "1.82.8"), ("pypi:telnyx", "4.87.2")]
    {
        let context = Context { install_scripts: Some(false), ..Context::default() };
        assert_eq!(standing("litellm-2026", &release(name, version), &context), "bad", "{name}");
    }
}

#[test]
fn axios_hits_clears_and_misses() {
    let pack = "axios-2026";
    let run = |step: &str| long(pack, &format!("run: {step}"));
    // The tool ran any command: all counts as taken.
    let all = names(&["GITHUB_TOKEN", "IN_JOB", "IN_STEP"]);
    assert_eq!(run("npx axios@1.14.1"), (Exposed, all));
    assert_eq!(run("npx axios@1.14.0"), (Cleared, vec![]));
    assert_eq!(run("npx axios-mock-adapter"), (NotFound, vec![]));
    for (version, expected) in [
        ("1.14.1", "bad"),
        ("0.30.4", "bad"),
        ("1.14.0", "cleared"),
        ("0.30.3", "cleared"),
        ("1.14.2", "cleared"),
    ] {
        assert_eq!(said(pack, "npm:axios", version), expected, "{version}");
    }
    assert_eq!(said(pack, "npm:plain-crypto-js", "4.2.0"), "cleared");
    assert_eq!(said(pack, "npm:crypto-js", "4.2.0"), "none");
    assert_eq!(said(pack, "pypi:axios", "1.14.1"), "none");
    let window = |id: &str| served(pack, id);
    assert_eq!(window("axios-1"), [(at("2026-03-31T00:21:00Z"), at("2026-03-31T03:16:00Z"))]);
    assert_eq!(window("axios-0"), [(at("2026-03-31T01:00:00Z"), at("2026-03-31T03:16:00Z"))]);
    let step = "run: npx axios@0.30.4";
    assert_eq!(lived(pack, step, LONG.0, "2026-03-31T00:21:00Z").0, Cleared);
    assert_eq!(lived(pack, step, LONG.0, "2026-03-31T01:00:01Z").0, Exposed);
    assert_eq!(lived(pack, step, "2026-03-31T03:26:00Z", LONG.1).0, Cleared);
}

#[test]
fn litellm_and_telnyx_hit_clear_and_miss() {
    let pack = "litellm-2026";
    let run = |step: &str| long(pack, &format!("run: {step}"));
    assert_eq!(run("uvx --with litellm==1.82.8 python x.py").0, Exposed);
    assert!(run("uvx litellm@1.82.7").1.contains(&"IN_STEP".to_owned()));
    assert_eq!(run("uvx litellm@1.82.6"), (Cleared, vec![]));
    assert_eq!(run("uvx litellm").0, Exposed);
    assert_eq!(run("uvx litellm-proxy").0, NotFound);
    // The image was not built from it.
    assert_eq!(run("docker run ghcr.io/berriai/litellm:main-latest"), (Cleared, vec![]));
    for (name, version, expected) in [
        ("pypi:telnyx", "4.87.1", "bad"),
        ("pypi:telnyx", "4.87.0", "cleared"),
        ("pypi:LiteLLM", "1.82.7", "bad"),
        ("npm:telnyx", "4.87.1", "none"),
    ] {
        assert_eq!(said(pack, name, version), expected, "{name} {version}");
    }
    let step = "run: uvx litellm@1.82.7";
    let life = |from: &str, to: &str| lived(pack, step, from, to);
    assert_eq!(life(LONG.0, "2026-03-24T10:39:00Z").0, Cleared);
    // In the span that the vendor tells to search, but after it was gone: possible.
    let (verdict, taken) = life("2026-03-24T11:26:00Z", LONG.1);
    assert_eq!(verdict, Exposed);
    assert!(taken.iter().all(|name| name.ends_with('?')), "{taken:?}");
    assert_eq!(life("2026-03-24T16:01:00Z", LONG.1).0, Cleared);
    // No source says when telnyx was gone.
    assert_eq!(served(pack, "telnyx"), [(at("2026-03-27T03:51:00Z"), None)]);
}

#[test]
fn tanstack_hits_clears_and_misses() {
    let pack = "tanstack-2026";
    let run = |step: &str| long(pack, &format!("run: {step}"));
    let all = names(&["GITHUB_TOKEN", "IN_JOB", "IN_STEP"]);
    assert_eq!(run("npx @tanstack/router-cli@1.166.46 generate"), (Exposed, all));
    assert_eq!(run("npx @tanstack/router-cli@1.166.45 generate"), (Cleared, vec![]));
    assert_eq!(run("npx create-vite@5"), (NotFound, vec![]));
    for (name, version, expected) in [
        ("npm:@tanstack/react-router", "1.169.5", "bad"),
        ("npm:@tanstack/react-router", "1.169.8", "bad"),
        // Between the two, and the one after them.
        ("npm:@tanstack/react-router", "1.169.6", "cleared"),
        ("npm:@tanstack/react-router", "1.169.9", "cleared"),
        ("npm:@tanstack/zod-adapter", "1.166.15", "bad"),
        // On the list of what was not touched, and not on any list.
        ("npm:@tanstack/react-query", "5.90.0", "cleared"),
        ("npm:@tanstack/pacer", "0.1.0", "none"),
        ("npm:@mistralai/mistralai", "2.2.3", "bad"),
        ("pypi:guardrails-ai", "0.10.1", "bad"),
        ("pypi:mistralai", "2.4.5", "cleared"),
    ] {
        assert_eq!(said(pack, name, version), expected, "{name} {version}");
    }
    let first = "run: npx @tanstack/router-cli@1.166.46 generate";
    let second = "run: npx @tanstack/router-cli@1.166.49 generate";
    // The day that the vendor tells to search begins earlier: possible.
    assert_eq!(lived(pack, first, LONG.0, "2026-05-11T00:00:00Z").0, Cleared);
    for (step, publish) in [(first, "2026-05-11T19:20:39Z"), (second, "2026-05-11T19:26:14Z")] {
        let (_, before) = lived(pack, step, LONG.0, publish);
        assert!(before.iter().all(|name| name.ends_with('?')), "{before:?}");
        let later = publish.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(1);
        let (_, after) = lived(pack, step, LONG.0, &later.to_string());
        assert!(after.contains(&"IN_STEP".to_owned()), "{after:?}");
    }
}

#[test]
fn tanstack_has_both_versions_of_all_its_packages() {
    let pack = find("tanstack-2026").unwrap();
    let of = |id: &str| pack.components().iter().find(|one| one.id() == id).unwrap();
    for id in ["tanstack-first", "tanstack-second"] {
        assert_eq!(of(id).entry.packages.len(), 42, "{id}");
    }
}
