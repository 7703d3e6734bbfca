//! Incident packs: the built-in ones, the linter, the matcher.

mod lint;

use jiff::Timestamp;
use keysweep::assess::{Live, Span};
use keysweep::ci::model::{Certainty, Component, Kind, Os, Pinned, Verified};
use keysweep::incident::{
    self, Capabilities, Capability, Context, Hit, Meeting, Pack, SOURCES, Standing, find, meet,
};

fn component(kind: Kind, name: &str, reference: Option<&str>, pinned: Pinned) -> Component {
    let reference = reference.map(str::to_owned);
    Component { kind, name: name.to_owned(), reference, pinned, verified: Verified::No }
}

/// `owner/repo@ref`; pinned as the front end would say.
fn action(uses: &str) -> Component {
    let (name, reference) = uses.split_once('@').expect("a test names a ref");
    let commit = reference.len() == 40 && reference.bytes().all(|b| b.is_ascii_hexdigit());
    let pinned = if commit { Pinned::Sha } else { Pinned::Tag };
    component(Kind::Action, name, Some(reference), pinned)
}

fn url(name: &str) -> Component {
    component(Kind::ScriptUrl, name, None, Pinned::No)
}

fn pack(id: &str) -> &'static Pack {
    find(id).expect("built in")
}

fn at(text: &str) -> Option<Timestamp> {
    (text != "-").then(|| text.parse().expect("a test writes good times"))
}

fn life(from: &str, to: &str) -> Live {
    Live { from: at(from), to: at(to), commit: None }
}

/// One word for what the matcher says, with the window where a life is given.
fn verdict(pack: &Pack, component: &Component, context: &Context, live: &[Live]) -> &'static str {
    match pack.examine(component, context).map(|hit| hit.standing) {
        None => "none",
        Some(Standing::Cleared { reason }) => {
            assert!(!reason.is_empty());
            "cleared"
        }
        Some(Standing::Unknown { reason }) => {
            assert!(!reason.is_empty());
            "unknown"
        }
        Some(Standing::Bad { windows, .. }) => match meet(&windows, live) {
            Meeting::Served(_) => "served",
            Meeting::AdvisedOnly(_) => "advised",
            Meeting::Outside { .. } => "outside",
            Meeting::Undated => "undated",
        },
    }
}

fn hit<'p>(pack: &'p Pack, component: &Component) -> Hit<'p> {
    pack.examine(component, &Context::default()).expect("a component of the incident")
}

#[test]
fn every_built_in_pack_passes_the_linter_and_is_named_by_its_file() {
    for (file, text) in SOURCES {
        assert_eq!(incident::check(text, file), vec![], "{file}");
        let pack = incident::parse(text, file).expect("it passed");
        assert_eq!(format!("{}.toml", pack.id()), *file);
    }
}

#[test]
fn packs_are_found_by_id_and_alias_in_any_letter_case() {
    for (name, id) in [
        ("codecov-2021", "codecov-2021"),
        ("CODECOV-2021", "codecov-2021"),
        ("cve-2025-30066", "tj-actions-2025"),
        ("GHSA-qmg3-hpqr-gqvc", "reviewdog-2025"),
    ] {
        assert_eq!(pack(name).id(), id);
    }
}

#[test]
fn an_unknown_pack_is_answered_with_the_known_ones_and_the_nearest() {
    for (typed, meant) in [
        ("codecov", Some("codecov-2021")),
        ("codcov-2021", Some("codecov-2021")),
        ("tj-actions", Some("tj-actions-2025")),
        ("reviewdog-2024", Some("reviewdog-2025")),
        ("solarwinds", None),
    ] {
        let error = find(typed).expect_err("no such pack");
        assert_eq!(error.suggestion.as_deref(), meant, "{typed}");
        for pack in incident::builtin() {
            assert!(error.to_string().contains(pack.id()), "{error}");
        }
    }
}

#[test]
fn codecov_by_component() {
    let pack = pack("codecov-2021");
    let inside = [life("2021-02-10T12:00:00Z", "2021-02-10T13:00:00Z")];
    let tagged = |uses: &str| action(&format!("codecov/codecov-action@{uses}"));
    for (component, expected) in [
        // The script, in its spellings.
        (url("https://codecov.io/bash"), "served"),
        (url("http://codecov.io/bash"), "served"),
        (url("codecov.io/bash"), "served"),
        (url("HTTPS://CodeCov.IO/bash"), "served"),
        (url("https://codecov.io/bash/"), "served"),
        (url("https://codecov.io/bash?x=1"), "served"),
        (url("https://codecov.io/bash#top"), "served"),
        (url("https://codecov.io:443/bash"), "served"),
        (url("https://www.codecov.io/bash"), "served"),
        (component(Kind::Binary, "https://codecov.io/bash", None, Pinned::No), "served"),
        // What looks like it.
        (url("https://codecov.io/validate"), "none"),
        (url("https://codecov.io/Bash"), "none"),
        (url("https://codecov.io/bash2"), "none"),
        (url("https://codecov.io/bash/env"), "none"),
        (url("https://codecov.io"), "none"),
        (url("https://codecov.io.example.com/bash"), "none"),
        (url("https://example.com/codecov.io/bash"), "none"),
        (url("https://notcodecov.io/bash"), "none"),
        (url("https://codecov.io/env"), "cleared"),
        (url("https://uploader.codecov.io/latest/linux/codecov"), "cleared"),
        (
            url(
                "https://raw.githubusercontent.com/codecov/codecov-bash/1b4b96ac38946b20043b3ca3bad88d95462259b6/codecov",
            ),
            "cleared",
        ),
        (url("https://raw.githubusercontent.com/codecov/codecov-bash/master/codecov"), "cleared"),
        (
            component(
                Kind::Repository,
                "https://github.com/codecov/codecov-bash",
                None,
                Pinned::No,
            ),
            "cleared",
        ),
        (component(Kind::Package, "pypi:codecov", None, Pinned::No), "cleared"),
        (component(Kind::Package, "codecov", None, Pinned::No), "cleared"),
        (component(Kind::Package, "npm:codecov", Some("3.8.1"), Pinned::Version), "cleared"),
        (component(Kind::Package, "pypi:coverage", None, Pinned::No), "none"),
        (component(Kind::Package, "npm:codecov-lite", None, Pinned::No), "none"),
        // The action fetches the script, whatever its pin.
        (tagged("v1"), "served"),
        (tagged("v1.0.10"), "served"),
        (tagged("v1.3.2"), "served"),
        (tagged("refs/tags/v1.3.2"), "served"),
        (tagged("v1.3"), "served"),
        (tagged("master"), "served"),
        (tagged("main"), "served"),
        (tagged("v1.4.0"), "cleared"),
        (tagged("v1.4.1"), "cleared"),
        (tagged("v1.5.0"), "cleared"),
        (tagged("v2"), "cleared"),
        (tagged("v4.1.0"), "cleared"),
        (tagged("feature/x"), "unknown"),
        (tagged("v1.4.0-rc1"), "unknown"),
        (tagged("f357072"), "unknown"),
        (action("Codecov/Codecov-Action@V1.3.2"), "served"),
        // v1.0.10, v1.4.0, v2.1.0, and one that no tag names.
        (tagged("f3570723ef743f6942b6a480461ed0cd6c0f9baa"), "served"),
        (tagged("0e28ff86a50029a44d10df6ed4c308711925a6a8"), "cleared"),
        (tagged("F3570723EF743F6942B6A480461ED0CD6C0F9BAA"), "served"),
        (tagged("0123456789012345678901234567890123456789"), "unknown"),
        (component(Kind::Action, "codecov/codecov-action", None, Pinned::Vendored), "cleared"),
        (action("codecov/codecov-action-foo@v1"), "none"),
        (action("codecov/gcov-action@v1"), "none"),
        (action("someone/codecov-action@v1"), "none"),
        // The orb.
        (component(Kind::Orb, "codecov/codecov", Some("1.1.1"), Pinned::Version), "served"),
        (component(Kind::Orb, "codecov/codecov", Some("1"), Pinned::Version), "served"),
        (component(Kind::Orb, "codecov/codecov", Some("1.0"), Pinned::Version), "served"),
        (component(Kind::Orb, "codecov/codecov", Some("volatile"), Pinned::No), "served"),
        (component(Kind::Orb, "codecov/codecov", Some("1.1.4"), Pinned::Version), "served"),
        (component(Kind::Orb, "codecov/codecov", Some("1.1.5"), Pinned::Version), "cleared"),
        (component(Kind::Orb, "codecov/codecov", Some("3.2.4"), Pinned::Version), "cleared"),
        (component(Kind::Orb, "codecov/codecov", Some("dev:first"), Pinned::Branch), "unknown"),
        (component(Kind::Vendor, "codecov/codecov", None, Pinned::No), "none"),
    ] {
        let said = verdict(pack, &component, &Context::default(), &inside);
        assert_eq!(said, expected, "{} {:?}", component.name, component.reference);
    }
}

#[test]
fn codecov_by_date() {
    let script = url("https://codecov.io/bash");
    let pack = pack("codecov-2021");
    for (from, to, expected) in [
        // Up to the first second of the window, which is not in the life.
        ("2021-01-01T00:00:00Z", "2021-01-31T00:00:00Z", "outside"),
        ("2021-01-01T00:00:00Z", "2021-01-31T00:00:01Z", "served"),
        // The whole of the last day counts.
        ("2021-04-01T23:59:59Z", "2021-04-02T00:00:00Z", "served"),
        ("2021-04-01T23:59:59.999Z", "-", "served"),
        ("2021-04-02T00:00:00Z", "-", "outside"),
        ("-", "2021-01-31T00:00:00Z", "outside"),
        ("-", "-", "served"),
        ("2020-01-01T00:00:00Z", "2022-01-01T00:00:00Z", "served"),
    ] {
        let said = verdict(pack, &script, &Context::default(), &[life(from, to)]);
        assert_eq!(said, expected, "{from} {to}");
    }
    assert_eq!(verdict(pack, &script, &Context::default(), &[]), "undated");
}

#[test]
fn codecovs_payload_reads_the_environment_and_the_remotes_also_through_the_action() {
    let taken: Capabilities = [Capability::K1, Capability::GitRemotes].into_iter().collect();
    let pack = pack("codecov-2021");
    let script = hit(pack, &url("https://codecov.io/bash"));
    assert_eq!(script.payload, taken);
    assert_eq!(script.resolved_by, None);
    let wrapper = hit(pack, &action("codecov/codecov-action@v1.0.10"));
    assert_eq!(wrapper.payload, taken);
    let how = "codecov/codecov-action fetches https://codecov.io/bash at run time";
    assert_eq!(wrapper.resolved_by.as_deref(), Some(how));
    assert!(wrapper.exfiltration.is_some());
    assert_eq!(hit(pack, &action("codecov/codecov-action@v4.1.0")).resolved_by, None);
}

#[test]
fn what_was_verified_before_it_ran_is_cleared() {
    for way in [Verified::Checksum, Verified::Signature, Verified::Attestation] {
        let script = Component { verified: way, ..url("https://codecov.io/bash") };
        let standing = hit(pack("codecov-2021"), &script).standing;
        assert!(matches!(standing, Standing::Cleared { .. }), "{way:?}");
    }
}

#[test]
fn tj_actions_by_component() {
    let pack = pack("tj-actions-2025");
    let inside = [life("2025-03-14T17:00:00Z", "2025-03-14T18:00:00Z")];
    for (uses, expected) in [
        ("tj-actions/changed-files@v45", "served"),
        ("tj-actions/changed-files@v45.0.7", "served"),
        ("tj-actions/changed-files@v1", "served"),
        ("tj-actions/changed-files@v39", "served"),
        ("tj-actions/changed-files@v35.7.7-sec", "served"),
        ("tj-actions/changed-files@v44.5", "served"),
        ("TJ-Actions/Changed-Files@v45", "served"),
        ("tj-actions/changed-files/sub/dir@v45", "served"),
        ("tj-actions/changed-files@v45.0.8", "unknown"),
        ("tj-actions/changed-files@v46.0.0", "unknown"),
        ("tj-actions/changed-files@v46", "cleared"),
        ("tj-actions/changed-files@v46.0.1", "cleared"),
        ("tj-actions/changed-files@v47", "cleared"),
        ("tj-actions/changed-files@main", "unknown"),
        ("tj-actions/changed-files@0e58ed8", "unknown"),
        ("tj-actions/changed-files@0e58ed8671d6b60d0890c21b07f8835ace038e67", "served"),
        ("tj-actions/changed-files@0E58ED8671D6B60D0890C21B07F8835ACE038E67", "served"),
        ("tj-actions/changed-files@bab30c2299617f6615ec02a68b9a40d10bd21366", "cleared"),
        ("tj-actions/changed-files-foo@v45", "none"),
        ("tj-actions/verify-changed-files@v20", "none"),
        ("step-security/changed-files@v45", "none"),
        ("dorny/paths-filter@v3", "none"),
        ("jitterbit/get-changed-files@v1", "none"),
    ] {
        let said = verdict(pack, &action(uses), &Context::default(), &inside);
        assert_eq!(said, expected, "{uses}");
    }
    let workflow = "tj-actions/changed-files/.github/workflows/test.yml";
    let called = component(Kind::Workflow, workflow, Some("v45"), Pinned::Tag);
    assert_eq!(verdict(pack, &called, &Context::default(), &inside), "served");
    let clone = "https://github.com/tj-actions/changed-files.git";
    let cloned = component(Kind::Repository, clone, Some("v45"), Pinned::Tag);
    assert_eq!(verdict(pack, &cloned, &Context::default(), &inside), "served");
}

#[test]
fn tj_actions_by_date_and_owner() {
    let pack = pack("tj-actions-2025");
    let owned =
        |owner: &str| Context { repository_owner: Some(owner.to_owned()), ..Context::default() };
    for (reference, owner, from, to, expected) in [
        ("v45", "acme", "2025-03-14T16:56:59Z", "2025-03-14T16:57:00Z", "advised"),
        ("v45", "acme", "2025-03-14T16:57:00Z", "2025-03-14T16:57:01Z", "served"),
        ("v45", "acme", "2025-03-15T22:59:59Z", "-", "served"),
        ("v45", "acme", "2025-03-15T23:00:00Z", "-", "outside"),
        ("v45", "acme", "2025-03-12T00:00:00Z", "2025-03-12T00:00:01Z", "advised"),
        ("v45", "acme", "-", "2025-03-12T00:00:00Z", "outside"),
        // Phase 1: v39, and the payload looked at the owner.
        ("v39", "acme", "2025-03-13T00:00:00Z", "2025-03-14T00:00:00Z", "advised"),
        ("v39", "coinbase", "2025-03-13T00:00:00Z", "2025-03-13T00:00:01Z", "served"),
        ("v39", "Coinbase", "2025-03-13T23:59:59Z", "2025-03-14T00:00:00Z", "served"),
        ("v39", "coinbase", "2025-03-12T23:59:59Z", "2025-03-13T00:00:00Z", "advised"),
        ("v38", "coinbase", "2025-03-13T00:00:00Z", "2025-03-14T00:00:00Z", "advised"),
        ("v39", "acme", "2025-03-14T16:57:00Z", "2025-03-14T17:00:00Z", "served"),
    ] {
        let used = action(&format!("tj-actions/changed-files@{reference}"));
        let said = verdict(pack, &used, &owned(owner), &[life(from, to)]);
        assert_eq!(said, expected, "{reference} {owner} {from} {to}");
    }
}

#[test]
fn the_memory_payload_found_nothing_off_linux_and_may_have_failed_on_own_runners() {
    let used = action("tj-actions/changed-files@v45");
    for (os, self_hosted, takes, certainty) in [
        (Os::Linux, Some(false), true, Certainty::Inferred),
        (Os::Linux, None, true, Certainty::Inferred),
        (Os::Unknown, None, true, Certainty::Inferred),
        (Os::Linux, Some(true), true, Certainty::Possible),
        (Os::Windows, Some(false), false, Certainty::Inferred),
        (Os::Macos, Some(false), false, Certainty::Inferred),
    ] {
        let context = Context { os, self_hosted, ..Context::default() };
        let hit = pack("tj-actions-2025").examine(&used, &context).expect("a hit");
        assert!(matches!(hit.standing, Standing::Bad { .. }), "the bad code ran all the same");
        assert_eq!(hit.payload.has(Capability::K5), takes, "{os:?}");
        assert_eq!(hit.payload_certainty, certainty, "{os:?} {self_hosted:?}");
    }
}

#[test]
fn an_owner_that_is_not_known_is_no_proof_that_the_guard_held() {
    let used = action("tj-actions/changed-files@v39");
    let hits = pack("tj-actions-2025").examine_each(&used, &Context::default());
    assert!(matches!(hits[0].standing, Standing::Unknown { .. }));
    assert!(matches!(hits[1].standing, Standing::Bad { .. }));
}

#[test]
fn reviewdog_by_component() {
    let pack = pack("reviewdog-2025");
    let inside = [life("2025-03-11T19:00:00Z", "2025-03-11T19:00:01Z")];
    for (uses, expected) in [
        ("reviewdog/action-setup@v1", "served"),
        ("reviewdog/action-setup@f0d342d24037bb11d26b9bd8496e0808ba32e9ec", "served"),
        ("reviewdog/action-setup@3f401fe1d58fe77e10d665ab713057375e39b887", "cleared"),
        ("reviewdog/action-setup@v1.3.0", "cleared"),
        ("reviewdog/action-setup@v1.0", "cleared"),
        ("reviewdog/action-setup@master", "unknown"),
        ("reviewdog/action-shellcheck@v1", "served"),
        ("reviewdog/action-shellcheck@v1.29", "served"),
        ("reviewdog/action-shellcheck@master", "served"),
        ("reviewdog/action-shellcheck@6e0e63d1750d02d761b3df0f2c5ba9f9ac4a9ed6", "served"),
        // v1.7.0, v1.29.0, v1.32.0.
        ("reviewdog/action-shellcheck@fcb7835723bd265b8a4615cc838b01d33b29c061", "cleared"),
        ("reviewdog/action-shellcheck@6e0e63d1750d02d761b3df0f2c5ba9f9ac4a9ed7", "served"),
        ("reviewdog/action-shellcheck@4c07458293ac342d477251099501a718ae5ef86e", "cleared"),
        ("reviewdog/action-shellcheck@v1.7.0", "cleared"),
        ("reviewdog/action-shellcheck@v1.30", "cleared"),
        ("reviewdog/action-composite-template@v0.20.1", "served"),
        ("reviewdog/action-staticcheck@v1.26.0", "served"),
        ("reviewdog/action-staticcheck@v1.18.2", "cleared"),
        ("reviewdog/action-typos@v1.17.2", "cleared"),
        ("reviewdog/action-ast-grep@v1", "served"),
        ("reviewdog/action-typos@0123456789012345678901234567890123456789", "served"),
        ("reviewdog/action-eslint@v1", "none"),
        ("reviewdog/action-actionlint@v1", "none"),
        ("adrianthedev/action-standardrb@master", "none"),
        ("reviewdog/action-setup-foo@v1", "none"),
    ] {
        let said = verdict(pack, &action(uses), &Context::default(), &inside);
        assert_eq!(said, expected, "{uses}");
    }
    let wrapper = hit(pack, &action("reviewdog/action-shellcheck@v1"));
    let how = "reviewdog/action-shellcheck calls reviewdog/action-setup@v1 at run time";
    assert_eq!(wrapper.resolved_by.as_deref(), Some(how));
    assert!(wrapper.payload.has(Capability::K5));
    let windows = Context { os: Os::Windows, ..Context::default() };
    let there = pack.examine(&action("reviewdog/action-typos@v1"), &windows).expect("a hit");
    assert!(there.payload.is_empty(), "the guards of action-setup hold for its callers");
}

#[test]
fn reviewdog_by_date() {
    let setup = action("reviewdog/action-setup@v1");
    for (from, to, expected) in [
        ("2025-03-11T18:41:59Z", "2025-03-11T18:42:00Z", "outside"),
        ("2025-03-11T18:42:00Z", "2025-03-11T18:42:01Z", "served"),
        ("2025-03-11T20:31:59Z", "2025-03-11T20:32:00Z", "served"),
        ("2025-03-11T20:32:00Z", "-", "outside"),
    ] {
        let said = verdict(pack("reviewdog-2025"), &setup, &Context::default(), &[life(from, to)]);
        assert_eq!(said, expected, "{from} {to}");
    }
}

#[test]
fn hulls_span_all_windows_in_which_a_component_could_be_bad() {
    for (id, from, to) in [
        ("codecov-2021", "2021-01-31T00:00:00Z", "2021-04-02T00:00:00Z"),
        ("tj-actions-2025", "2025-03-12T00:00:00Z", "2025-03-15T23:00:00Z"),
        ("reviewdog-2025", "2025-03-11T18:42:00Z", "2025-03-11T20:32:00Z"),
    ] {
        assert_eq!(pack(id).hull(), (at(from), at(to)), "{id}");
    }
}

#[test]
fn the_overlap_runs_from_the_first_meeting_to_the_last() {
    let windows = hit(pack("codecov-2021"), &url("https://codecov.io/bash")).windows;
    let lives = [
        life("2020-01-01T00:00:00Z", "2021-02-01T00:00:00Z"),
        life("2021-03-01T00:00:00Z", "2021-03-02T00:00:00Z"),
        life("2021-05-01T00:00:00Z", "-"),
    ];
    let expected = Span { from: at("2021-01-31T00:00:00Z"), to: at("2021-03-02T00:00:00Z") };
    assert_eq!(meet(&windows, &lives), Meeting::Served(expected));
    let reason = "in force from 2021-05-01T00:00:00Z on; \
                  the window is 2021-01-31T00:00:00Z to 2021-04-02T00:00:00Z";
    assert_eq!(meet(&windows, &lives[2..]), Meeting::Outside { reason: reason.to_owned() });
}

#[test]
fn the_json_schema_of_a_pack_is_as_it_was() {
    let schema = serde_json::to_string_pretty(&incident::schema()).expect("plain data");
    insta::assert_snapshot!("pack-schema", schema);
}

proptest::proptest! {
    #[test]
    fn no_name_or_ref_stops_the_matcher(name in ".{0,40}", reference in ".{0,40}", kind in 0..4_usize) {
        let kind = [Kind::Action, Kind::ScriptUrl, Kind::Image, Kind::Package][kind];
        let odd = component(kind, &name, Some(&reference), Pinned::No);
        let known = action(&format!("codecov/codecov-action@{reference}"));
        for pack in incident::builtin() {
            pack.examine(&odd, &Context::default());
            pack.examine(&known, &Context::default());
        }
    }
}
