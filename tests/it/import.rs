//! Advisories of others become drafts, and bad public data becomes no pack.

use std::fs;

use keysweep::{
    ci::model::{Certainty, Component, Kind, Pinned, Verified},
    incident::{self, Context, Pack, Standing},
};

use crate::today::Desk;

const REAL: &str = "8afa9b9f9183b4e00c46e2b82d34047e3c177bd0";

fn desk() -> Desk {
    Desk::new("owner/x@v1")
}

/// The pack and what was noted.
fn imported(desk: &Desk, files: &[&str], more: &[&str]) -> (Pack, String) {
    let out = desk.path("draft.toml").display().to_string();
    let said = desk.ran(0, &[&["incident", "import"], files, more, &["-o", &out]].concat());
    let text = fs::read_to_string(&out).unwrap();
    assert_eq!(incident::check(&text, "draft.toml"), vec![], "{text}");
    (incident::parse(&text, "draft.toml").unwrap(), said.err)
}

fn refused(name: &str, text: &str) -> String {
    let desk = desk();
    let path = desk.write(name, text);
    let said = desk.ran(2, &["incident", "import", &path]);
    assert!(said.out.is_empty() && said.err.contains("hint: "), "{}", said.err);
    said.err
}

fn standing(pack: &Pack, kind: Kind, name: &str, reference: &str, pinned: Pinned) -> &'static str {
    let component = Component {
        kind,
        name: name.to_owned(),
        reference: Some(reference.to_owned()),
        pinned,
        verified: Verified::No,
    };
    match pack.examine(&component, &Context::default()).map(|hit| hit.standing) {
        None => "not named",
        Some(Standing::Bad { certainty: Certainty::Inferred, .. }) => "bad",
        Some(Standing::Bad { .. }) => "possibly bad",
        Some(Standing::Cleared { .. }) => "cleared",
        Some(Standing::Unknown { .. }) => "unknown",
    }
}

const MAL: &str = r#"{
  "schema_version": "1.5.0", "id": "MAL-2099-1", "modified": "2099-04-07T14:52:30Z", "published": "2099-03-31T03:15:49Z",
  "summary": "Malicious code in thing (npm)", "aliases": ["GHSA-aaaa-bbbb-cccc"],
  "affected": [
    {"package": {"ecosystem": "npm", "name": "thing"}, "versions": ["0.30.4", "1.14.1"]},
    {"package": {"ecosystem": "PyPI", "name": "Thing_Two"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]},
    {"package": {"ecosystem": "crates.io", "name": "thing"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.2.0"}, {"fixed": "1.3.0"}]}]},
    {"package": {"ecosystem": "Debian:12", "name": "thing"}, "versions": ["1"]}
  ],
  "database_specific": {"iocs": {"domains": ["evil.example.com"], "ips": ["192.0.2.7"]},
    "malicious-packages-origins": [{"source": "x", "sha256": "ab", "versions": ["1.14.1"]}]}
}"#;

#[test]
fn osv_of_packages() {
    let desk = desk();
    let file = desk.write("mal.json", MAL);
    let (pack, notes) = imported(&desk, &[&file], &[]);
    let is =
        |name: &str, version: &str| standing(&pack, Kind::Package, name, version, Pinned::Version);
    assert_eq!((is("npm:thing", "1.14.1"), is("npm:thing", "1.14.0")), ("bad", "cleared"));
    assert_eq!(is("pypi:thing-two", "9.9"), "bad", "all versions");
    assert_eq!((is("cargo:thing", "1.2.5"), is("cargo:thing", "1.3.0")), ("bad", "unknown"));
    assert_eq!(pack.id(), "mal-2099-1");
    assert_eq!(pack.document().indicators.len(), 2);
    // What the format cannot say is open, and never the day of its publication.
    assert_eq!(pack.hull(), (None, None));
    for told in ["window not known", "payload not known", "Debian:12"] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    let more =
        ["--from", "2099-03-31 00:21 UTC", "--to", "2099-03-31T03:15Z", "--payload", "memory"];
    let (pack, notes) = imported(&desk, &[&file], &more);
    assert!(!notes.contains("not known"), "{notes}");
    assert_eq!(pack.hull().0.unwrap().to_string(), "2099-03-31T00:21:00Z");
    assert!(pack.caveats().is_empty());
}

#[test]
fn a_range_of_an_action_is_where_to_look_and_no_verdict() {
    let osv = r#"{"id": "GHSA-zzzz-fwg8-r2c3", "modified": "2025-10-22T19:29:00Z", "published": "2025-03-15T06:30:34Z",
      "summary": "moved tags", "aliases": ["CVE-2099-30066"],
      "affected": [{"package": {"ecosystem": "GitHub Actions", "name": "owner/x"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "46.0.1"}]}]}]}"#;
    let rest = r#"[{"ghsa_id": "GHSA-zzzz-fwg8-r2c3", "cve_id": "CVE-2099-30066", "summary": "moved tags",
      "html_url": "https://github.com/advisories/GHSA-zzzz-fwg8-r2c3", "published_at": "2025-03-15T06:30:34Z", "withdrawn_at": null,
      "vulnerabilities": [{"package": {"ecosystem": "actions", "name": "owner/x"},
        "vulnerable_version_range": "< 46.0.1", "first_patched_version": "46.0.1"}]}]"#;
    let desk = desk();
    for text in [osv, rest] {
        let file = desk.write("advisory.json", text);
        let (pack, notes) = imported(&desk, &[&file], &[]);
        let is =
            |reference: &str, pinned| standing(&pack, Kind::Action, "owner/x", reference, pinned);
        assert_eq!(is("v45", Pinned::Tag), "unknown");
        assert_eq!(is("v46.0.1", Pinned::Tag), "unknown", "today's fixed tag says nothing of then");
        assert_eq!(is(REAL, Pinned::Sha), "unknown", "no commit is listed");
        assert!(notes.contains("every ref is unknown"), "{notes}");
        assert_eq!(pack.document().aliases, ["GHSA-zzzz-fwg8-r2c3", "CVE-2099-30066"]);
        desk.ran(20, &["expose", &desk.path("draft.toml").display().to_string()]);
    }
}

#[test]
fn ghsa_of_packages() {
    let text = r#"{"ghsa_id": "GHSA-zzzz-aaaa-bbbb", "summary": "s", "vulnerabilities": [
      {"package": {"ecosystem": "npm", "name": "thing"}, "vulnerable_version_range": "= 1.14.1"},
      {"package": {"ecosystem": "npm", "name": "thing"}, "vulnerable_version_range": "= 0.30.4"},
      {"package": {"ecosystem": "pip", "name": "two"}, "vulnerable_version_range": ">= 1.2.0, < 1.3.0"},
      {"package": {"ecosystem": "rust", "name": "three"}, "vulnerable_version_range": ">= 0"}]}"#;
    let desk = desk();
    let file = desk.write("ghsa.json", text);
    let (pack, _) = imported(&desk, &[&file], &[]);
    let is =
        |name: &str, version: &str| standing(&pack, Kind::Package, name, version, Pinned::Version);
    assert_eq!(
        (is("npm:thing", "1.14.1"), is("npm:thing", "0.30.4"), is("npm:thing", "1.0.0")),
        ("bad", "bad", "cleared")
    );
    assert_eq!((is("pypi:two", "1.2.9"), is("pypi:two", "1.3.0")), ("bad", "unknown"));
    assert_eq!(is("cargo:three", "7.0.0"), "bad");
}

#[test]
fn runsweep() {
    let text = format!(
        "id: thing-2099-03\ntitle: \"thing (CVE-2099-30066)\"\nwindow: {{start: 2099-03-14T16:00:00Z, end: 2099-03-15T14:00:00Z}}\nactions:\n  - {{uses: owner/x, shas: [\"{REAL}\", \"e339407b8e34\"]}}\nnpm:\n  - {{name: thing, versions: [\"1.14.1\"]}}\niocs:\n  domains: [evil.example.com]\n  mutex: [abc]\nrefs:\n  - https://example.com/a\n"
    );
    let desk = desk();
    let file = desk.write("x.yaml", &text);
    let (pack, notes) = imported(&desk, &[&file], &[]);
    assert_eq!(pack.hull().0.unwrap().to_string(), "2099-03-14T16:00:00Z");
    assert_eq!(standing(&pack, Kind::Action, "owner/x", REAL, Pinned::Sha), "bad");
    assert_eq!(standing(&pack, Kind::Action, "owner/x", "v1", Pinned::Tag), "unknown");
    assert_eq!(standing(&pack, Kind::Package, "npm:thing", "1.14.1", Pinned::Version), "bad");
    // A hash that was cut is a lead: in a note, and no key of the pack.
    assert!(
        notes.contains("leads, not keys (owner/x): e339407b8e34") && notes.contains("mutex"),
        "{notes}"
    );
    assert_eq!(pack.document().components.iter().map(|c| c.bad_commits.len()).sum::<usize>(), 1);
    assert!(
        refused("local.yaml", &text.replace("14T16:00:00Z", "14T16:00:00"))
            .contains("without a time zone")
    );
}

const CIREWIND: &str = r#"apiVersion: cirewind.dev/v1alpha1
kind: GitHubActionsIncident
metadata:
  id: CIR-THING-2099
  packVersion: 1.0.0
  title: owner/x v1 tag
  sources:
    - id: maintainer
      type: primary-advisory
      title: What happened
      url: https://example.com/a
      retrievedAt: "2099-09-03T03:59:37Z"
spec:
  description: The tag v1 was overwritten.
  components:
    - id: x
      type: github-action
      repository: {owner: owner, name: x}
  windows:
    - id: moved
      start: "2099-03-11T18:42:00Z"
      end: "2099-03-11T20:32:00Z"
      bounds: "[)"
      sourcePrecision: minute
      approximation: source-rounded
      originalClaim: "March 11, between 18:42 and 20:31 UTC"
      sourceRefs: [maintainer]
  indicators:
    - id: commit
      componentId: x
      kind: action-commit
      value: {gitObject: {algorithm: sha1, value: "8afa9b9f9183b4e00c46e2b82d34047e3c177bd0"}}
      windowRefs: [moved]
      sourceRefs: [maintainer]
    - id: tag
      componentId: x
      kind: mutable-action-ref
      value: {ref: v1}
      windowRefs: [moved]
      sourceRefs: [maintainer]
    - id: host
      kind: domain
      value: {domain: evil.example.com, match: exact}
      sourceRefs: [maintainer]
  knownGood: []
  remediation:
    guidance: [Pin it.]
"#;

#[test]
fn cirewind() {
    let desk = desk();
    let file = desk.write("pack.yaml", CIREWIND);
    let (pack, notes) = imported(&desk, &[&file], &["--payload", "memory"]);
    let (from, to) = pack.hull();
    assert_eq!(from.unwrap().to_string(), "2099-03-11T18:42:00Z");
    assert_eq!(to.unwrap().to_string(), "2099-03-11T20:32:00Z", "its end is not in it");
    let is = |reference: &str, pinned| standing(&pack, Kind::Action, "owner/x", reference, pinned);
    assert_eq!((is("v1", Pinned::Tag), is("v2", Pinned::Tag)), ("bad", "unknown"));
    assert_eq!(is(REAL, Pinned::Sha), "bad");
    assert_eq!(is("ddb9da4475c1cef7d5389062bdfdfbdbd1394648", Pinned::Sha), "cleared");
    assert_eq!((pack.document().indicators.len(), pack.document().guidance.len()), (1, 1));
    assert!(!notes.contains("not known"), "{notes}");
    assert!(refused("v9.yaml", &CIREWIND.replace("v1alpha1", "v9")).contains("v9"));
}

#[test]
fn several_records_are_one_incident_and_their_conflicts_are_written_down() {
    let record = |id: &str, versions: &str| {
        format!(
            r#"{{"id": "{id}", "modified": "2099-01-01T00:00:00Z", "summary": "list of {id}",
           "affected": [{{"package": {{"ecosystem": "npm", "name": "thing"}}, "versions": [{versions}]}}]}}"#
        )
    };
    let desk = desk();
    let a = desk.write("a.json", &record("MAL-2099-1", r#""21.5.0", "21.6.0""#));
    let b = desk.write("b.json", &record("MAL-2099-2", r#""21.5.0", "20.9.0""#));
    let (pack, notes) = imported(&desk, &[&a, &b], &[]);
    let is = |version: &str| standing(&pack, Kind::Package, "npm:thing", version, Pinned::Version);
    assert_eq!((is("21.6.0"), is("20.9.0")), ("bad", "bad"), "the union counts");
    assert!(notes.contains("version conflict") && notes.contains("20.9.0"), "{notes}");
}

#[test]
fn what_makes_no_pack_says_so() {
    for (name, text, told) in [
        (
            "w.json",
            r#"{"id": "MAL-2099-1", "modified": "x", "withdrawn": "2099-01-01T00:00:00Z", "affected": []}"#,
            "was withdrawn",
        ),
        (
            "e.json",
            r#"{"id": "MAL-2099-1", "modified": "x", "affected": []}"#,
            "nothing that CI could run",
        ),
        ("o.json", r#"{"a": 1}"#, "neither OSV"),
        (
            "m.json",
            r#"[{"ghsa_id": "GHSA-a"}, {"ghsa_id": "GHSA-b"}]"#,
            "2 records: GHSA-a, GHSA-b",
        ),
        ("b.json", r#"{"id": "#, "not JSON"),
        ("b.yaml", "a: [", "not YAML"),
        ("n.yaml", "", "neither OSV"),
    ] {
        let said = refused(name, text);
        assert!(said.contains(told), "{name}: {said}");
    }
}

/// The bad data that was published of real incidents; each number is that of a list of such data.
#[test]
fn bad_public_data_is_refused() {
    let made_up =
        ["0e58ed867288e6711d10da9293b8db84f3f3ed85", "0e58ed867288cdc3d92e6e2f9bb9b1bd0c4c78d2"];
    let with = |commit: &str| CIREWIND.replace(REAL, commit);
    // 1: nearly the real commit of the built-in pack.
    for commit in made_up {
        assert!(refused("a.yaml", &with(commit)).contains("is nearly 0e58ed8671d6"), "{commit}");
    }
    // 2: two ids that share their tail.
    let tail = "cc904e23675f9929f7e0e51d132879cf";
    let second = format!(
        "    - {{id: c2, componentId: x, kind: action-commit, value: {{gitObject: {{algorithm: sha1, value: c999dbb9{tail}}}}}, windowRefs: [moved], sourceRefs: [maintainer]}}\n  knownGood:"
    );
    let spliced = with(&format!("8cfb9c31{tail}")).replacen("  knownGood:", &second, 1);
    assert!(refused("b.yaml", &spliced).contains("end with the same 32 digits"));
    // 3: cut. 37 digits are a lead, and then the pack names no commit at all.
    let desk = desk();
    let file = desk.write("c.yaml", &with("57a97c7e7821a5776cebc9bb984fa69cba8f1"));
    let (pack, notes) = imported(&desk, &[&file], &[]);
    assert!(notes.contains("57a97c7e7821a5776cebc9bb984fa69cba8f1 is not a whole commit id"));
    assert!(pack.document().components[0].bad_commits.is_empty());
    // 4: a regular expression that flags the safe version, too.
    let broad = CIREWIND.replace("{ref: v1}", "{ref: '^v?0\\.\\d+\\.\\d+$'}");
    assert!(refused("d.yaml", &broad).contains("is a regular expression"));
    // 5: a window that ends before it begins.
    let impossible = CIREWIND.replace("2099-03-11T20:32:00Z", "2099-03-11T01:40:00Z");
    assert!(refused("e.yaml", &impossible).contains("before it begins"));
    // 6: the clock times of ET, as if they were UTC.
    let label = CIREWIND.replace("20:31 UTC", "20:31 ET");
    assert!(refused("f.yaml", &label).contains("is not the time of"));
    // 9: base64 where hex has to be.
    let base64 = "iocs:\n  sha256: [ceNa7wMJnNHy1kRnNCcwJaFjWX3pORLfMh7xGL8TUjg]\n";
    let runsweep = format!(
        "id: t-1\ntitle: t\nwindow: {{start: 2099-03-14T16:00:00Z, end: 2099-03-15T14:00:00Z}}\nnpm: [{{name: t, versions: ['1.0.0']}}]\n{base64}"
    );
    assert!(refused("g.yaml", &runsweep).contains("base64"));
    // 7: the id of another incident that is known.
    let alias = MAL.replace("GHSA-aaaa-bbbb-cccc", "CVE-2025-30066");
    assert!(refused("h.json", &alias).contains("is the incident `tj-actions-2025`"));
}

/// What only a pack can say, and no import.
#[test]
fn the_linter_refuses_contradictions_of_time_and_version() {
    let good = include_str!("packs/sample.toml");
    for (from, to, told) in [
        // Local clock times under another offset, or as UTC.
        (
            "precision = \"minute\", source",
            "precision = \"minute\", text = \"May 1, 10:30 PDT\", source",
            "is not the time of",
        ),
        (
            "precision = \"minute\", source",
            "precision = \"minute\", text = \"May 1, 14:30 EDT\", source",
            "is not the time of",
        ),
        (
            "kind = \"package\"\nnames = [\"npm:thing\"]",
            "kind = \"package\"\nnames = [\"npm:thing@1.0.0\"]",
            "has a version",
        ),
        ("refs = [\"v1\"]", "refs = [\"^v1$\"]", "is a regular expression"),
    ] {
        assert!(good.contains(from), "{from}");
        let found = incident::check(&good.replacen(from, to, 1), "x.toml");
        assert!(found.iter().any(|error| error.message.contains(told)), "{to}: {found:?}");
    }
    let fine = good.replacen(
        "precision = \"minute\", source",
        "precision = \"minute\", text = \"around 10:30 AM ET\", source",
        1,
    );
    assert_eq!(incident::check(&fine, "x.toml"), vec![]);
    // One version that is bad to one source and not to another.
    let both = good.replacen(
        "kind = \"action\"\nnames = [\"owner/thing\"]\nmode = \"step\"",
        "kind = \"package\"\nnames = [\"npm:bad\"]\npackages = [\"npm:bad@2.0.1\"]\nmode = \"package\"",
        1,
    );
    let found = incident::check(&both, "x.toml");
    assert!(
        found.iter().any(|error| error.message.contains("is bad under `packages`")),
        "{found:?}"
    );
}
