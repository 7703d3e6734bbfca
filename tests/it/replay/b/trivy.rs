//! Trivy: the built-in pack.

use keysweep::{
    assess::Verdict::*,
    incident::{self, Context, find},
};

use super::super::standing;
use super::*;

const PACK: &str = "trivy-2026";
const LONG: (&str, &str) = ("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z");

fn all() -> Vec<String> {
    names(&["GITHUB_TOKEN", "IN_JOB", "IN_STEP"])
}

fn possible() -> Vec<String> {
    names(&["GITHUB_TOKEN?", "IN_JOB?", "IN_STEP?"])
}

#[test]
fn every_component_hits() {
    for step in [
        "uses: aquasecurity/trivy-action@0.33.1",
        "uses: aquasecurity/trivy-action@0.0.10",
        "uses: AquaSecurity/Trivy-Action@0.34.2",
        // Two of the bad commits, as an update bot may have pinned them.
        "uses: aquasecurity/trivy-action@ddb9da4475c1cef7d5389062bdfdfbdbd1394648",
        "uses: aquasecurity/setup-trivy@8afa9b9f9183b4e00c46e2b82d34047e3c177bd0",
        "uses: aquasecurity/setup-trivy@v0.2.6",
        "uses: docker://aquasec/trivy:0.69.4",
        "uses: docker://ghcr.io/aquasecurity/trivy:0.69.4",
        "run: docker run --rm -e HERE aquasec/trivy:0.69.6 fs .",
        "run: docker run --rm -e HERE aquasec/trivy:latest fs .",
        "run: docker run --rm -e HERE aquasec/trivy@sha256:425cd3e1a2846ac73944e891250377d2b03653e6f028833e30fc00c1abbc6d33 fs .",
    ] {
        assert_eq!(lived(PACK, step, LONG.0, LONG.1), (Exposed, all()), "{step}");
    }
}

#[test]
fn clean_refs_other_images_and_other_projects_are_cleared_or_missed() {
    for (step, expected) in [
        // The tags that begin with v were made after the window.
        ("uses: aquasecurity/trivy-action@v0.33.1", Cleared),
        // 0.24.0: an image of a fixed version, no input for another one.
        ("uses: aquasecurity/trivy-action@6e7b7d1fd3e4fef0c5fa8cce1229c54b2c9bd0d8", Cleared),
        ("run: docker run --rm -e HERE aquasec/trivy:0.69.3 fs .", Cleared),
        ("run: docker run --rm -e HERE ghcr.io/aquasecurity/trivy:0.69.6 fs .", Cleared),
        (
            "run: docker run aquasec/trivy@sha256:0000000000000000000000000000000000000000000000000000000000000000 fs .",
            Cleared,
        ),
        ("uses: aquasecurity/tfsec-action@v1.0.0", NotFound),
        ("uses: someone/trivy-action@0.33.1", NotFound),
    ] {
        assert_eq!(lived(PACK, step, LONG.0, LONG.1), (expected, vec![]), "{step}");
    }
}

#[test]
fn each_window_has_its_first_and_its_last_second() {
    let life = |step: &str, from: &str, to: &str| lived(PACK, step, from, to).0;
    for (step, first, end) in [
        ("uses: aquasecurity/trivy-action@0.33.1", "2026-03-19T17:43", "2026-03-20T05:41"),
        ("uses: aquasecurity/setup-trivy@v0.2.5", "2026-03-19T17:43", "2026-03-19T21:45"),
        ("uses: docker://aquasec/trivy:0.69.4", "2026-03-19T18:22", "2026-03-19T21:43"),
        ("uses: docker://aquasec/trivy:0.69.5", "2026-03-22T15:43", "2026-03-23T01:41"),
    ] {
        assert_eq!(life(step, LONG.0, &format!("{first}:00Z")), Cleared, "{step}");
        assert_eq!(life(step, LONG.0, &format!("{first}:01Z")), Exposed, "{step}");
        let before_end: jiff::Timestamp = format!("{end}:00Z").parse().unwrap();
        let last = before_end - jiff::SignedDuration::from_secs(1);
        assert_eq!(life(step, &last.to_string(), LONG.1), Exposed, "{step}");
        assert_eq!(life(step, &format!("{end}:00Z"), LONG.1), Cleared, "{step}");
    }
}

#[test]
fn a_tag_that_was_made_anew_is_clean_afterwards() {
    let step = "uses: aquasecurity/setup-trivy@v0.2.6";
    assert_eq!(lived(PACK, step, "2026-03-19T21:45:00Z", LONG.1), (Cleared, vec![]));
}

#[test]
fn a_pinned_action_that_calls_the_other_by_tag_is_exposed_while_that_tag_was_bad() {
    for commit in [
        // 0.29.0, and a commit of master after 0.30.0 without a tag.
        "18f2510ee396bbf400402947b394f2dd8c87dbb0",
        "7aca5acc9500b463826cc47a47a65ad7d404b045",
    ] {
        let step = format!("uses: aquasecurity/trivy-action@{commit}");
        assert_eq!(lived(PACK, &step, LONG.0, LONG.1), (Exposed, all()));
        assert_eq!(lived(PACK, &step, "2026-03-19T22:00:00Z", LONG.1), (Cleared, vec![]));
    }
    // 0.27.0 calls a tag that no source speaks of.
    let step = "uses: aquasecurity/trivy-action@5681af892cd0f4997658e2bacc62bd0a894cf564";
    assert_eq!(lived(PACK, step, LONG.0, LONG.1), (Unknown, possible()));
    // 0.0.9 runs aquasec/trivy:latest, which was bad on 22 March.
    let step = "uses: aquasecurity/trivy-action@7294c6a40848e986221c11460945f099a67bbe37";
    assert_eq!(lived(PACK, step, "2026-03-21T00:00:00Z", LONG.1).0, Exposed);
    assert_eq!(lived(PACK, step, "2026-03-24T00:00:00Z", LONG.1).0, Cleared);
}

#[test]
fn a_clean_action_that_may_fetch_the_newest_release_is_open_while_that_one_was_bad() {
    for step in [
        "uses: aquasecurity/trivy-action@0.35.0",
        "uses: aquasecurity/trivy-action@57a97c7e7821a5776cebc9bb87c984fa69cba8f1",
        "uses: aquasecurity/setup-trivy@3fb12ec12f41e471780db15c232d5dd185dcb514",
        "run: curl -sfL https://raw.githubusercontent.com/aquasecurity/trivy/main/contrib/install.sh | sh -s -- -b /usr/local/bin",
    ] {
        assert_eq!(lived(PACK, step, LONG.0, LONG.1), (Unknown, possible()), "{step}");
        let after = lived(PACK, step, "2026-03-19T21:43:00Z", LONG.1);
        assert_eq!(after, (Cleared, vec![]), "{step}");
    }
}

#[test]
fn a_self_hosted_runner_makes_it_possible_only() {
    let text = job_on("[self-hosted, linux]", "uses: aquasecurity/trivy-action@0.33.1");
    let (verdict, taken) = taken(PACK, &[(LONG.0, &[(CI, &text)])]);
    assert_eq!(verdict, Exposed);
    assert!(taken.contains(&"IN_STEP?".to_owned()), "{taken:?}");
    assert!(!taken.contains(&"IN_STEP".to_owned()), "{taken:?}");
}

#[test]
fn packages_of_the_bad_release() {
    let said =
        |name: &str, version: &str| standing(PACK, &release(name, version), &Context::default());
    assert_eq!(said("go:github.com/aquasecurity/trivy", "v0.69.4"), "bad");
    assert_eq!(said("go:github.com/aquasecurity/trivy", "v0.69.3"), "cleared");
    assert_eq!(said("homebrew:trivy", "0.69.4"), "bad");
    assert_eq!(said("npm:trivy", "0.69.4"), "none");
}

/// What public lists got wrong must not come in with them.
#[test]
fn known_bad_data_is_not_in_the_pack() {
    let text = incident::SOURCES.iter().find(|(file, _)| *file == "trivy-2026.toml").unwrap().1;
    for wrong in [
        // Spliced, and cut.
        "8cfb9c31cc904e23675f9929f7e0e51d132879cf",
        "57a97c7e7821a5776cebc9bb984fa69cba8f1",
    ] {
        assert!(!text.contains(wrong), "{wrong}");
    }
    let pack = find(PACK).unwrap();
    let of = |id: &str| pack.components().iter().find(|one| one.id() == id).unwrap();
    assert_eq!(of("trivy-action").entry.bad_commits.len(), 75);
    assert_eq!(of("setup-trivy").entry.bad_commits.len(), 7);
    assert_eq!(
        of("images").entry.bad_digests.len() + of("docker-hub-images").entry.bad_digests.len(),
        15
    );
}
