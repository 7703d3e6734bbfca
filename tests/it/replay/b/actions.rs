//! Checkmarx, actions-cool, codfish.

use keysweep::{
    assess::Verdict::*,
    ci::model::Os,
    incident::{self, Context},
};

use super::super::standing;
use super::*;

const LONG: (&str, &str) = ("2026-01-01T00:00:00Z", "2026-09-01T00:00:00Z");

fn all() -> Vec<String> {
    names(&["GITHUB_TOKEN", "IN_JOB", "IN_STEP"])
}

fn long(incident: &str, step: &str) -> (Verdict, Vec<String>) {
    lived(incident, step, LONG.0, LONG.1)
}

#[test]
fn both_waves_at_checkmarx_hit() {
    for step in [
        "uses: Checkmarx/kics-github-action@v2.1.7",
        "uses: checkmarx/kics-github-action@v1",
        "uses: checkmarx/kics-github-action@v2.1.20",
        "uses: checkmarx/ast-github-action@2.3.28",
    ] {
        assert_eq!(long("kics-2026", step), (Exposed, all()), "{step}");
    }
    // The changed scanner saw what the container was given, not the runner.
    for step in [
        "run: docker run -v $PWD:/p -e HERE checkmarx/kics:latest scan -p /p",
        "run: docker run -e HERE checkmarx/kics@sha256:222e6bfed0f3bb1937bf5e719a2342871ccd683ff1c0cb967c8e31ea58beaf7b scan",
        // Pinned to a commit, whose Dockerfile names the image by tag.
        "uses: checkmarx/kics-github-action@05aa5eb70eede1355220f4ca5238d96b397e30a6",
    ] {
        assert_eq!(long("kics-2026", step), (Exposed, names(&["IN_STEP"])), "{step}");
    }
    // The release of April rests on one weak source.
    let (verdict, taken) = long("kics-2026", "uses: checkmarx/ast-github-action@2.3.35");
    assert_eq!((verdict, taken[0].as_str()), (Exposed, "GITHUB_TOKEN?"));
}

#[test]
fn checkmarx_by_date_and_by_what_was_left_alone() {
    let life = |step: &str, from: &str, to: &str| lived("kics-2026", step, from, to).0;
    let tag = "uses: checkmarx/kics-github-action@v2.1.7";
    assert_eq!(life(tag, LONG.0, "2026-03-23T12:58:00Z"), Cleared);
    assert_eq!(life(tag, LONG.0, "2026-03-23T12:58:01Z"), Exposed);
    assert_eq!(life(tag, "2026-03-23T16:50:59Z", "2026-04-01T00:00:00Z"), Exposed);
    // A moved tag after its window, and before the next.
    assert_eq!(life(tag, "2026-03-23T16:51:00Z", "2026-04-01T00:00:00Z"), Cleared);
    let image = "run: docker run checkmarx/kics:latest scan";
    assert_eq!(life(image, "2026-01-01T00:00:00Z", "2026-04-22T12:35:00Z"), Cleared);
    assert_eq!(life(image, "2026-04-22T15:41:31Z", LONG.1), Exposed);
    assert_eq!(life(image, "2026-04-22T15:41:32Z", LONG.1), Cleared);
    for (step, expected) in [
        ("run: docker run checkmarx/kics:v2.1.19 scan", Cleared),
        ("uses: checkmarx/ast-github-action@2.3.37", Cleared),
        // v2.1.19: a genuine commit, on an image that was left alone.
        ("uses: checkmarx/kics-github-action@b8d1f987a0b9fc39faffda7d6b95276e4f2a5bdf", Cleared),
        // No list of bad commits can be relied on.
        ("uses: checkmarx/kics-github-action@0123456789012345678901234567890123456789", Unknown),
        ("uses: checkmarx/ast-github-action@2.3.33", Unknown),
        ("uses: checkmarx/kics-action@v2.1.7", NotFound),
        ("run: docker run checkmarx/ast-cli:2.3.47 scan", NotFound),
    ] {
        assert_eq!(long("kics-2026", step).0, expected, "{step}");
    }
}

#[test]
fn the_workflow_that_the_worm_pushed_names_itself() {
    let text = "name: Formatter\non: push\njobs:\n  format:\n    runs-on: ubuntu-latest\n    env:\n      VARIABLE_STORE: ${{ toJSON(secrets) }}\n    steps:\n      - run: echo x\n";
    let path = ".github/workflows/format-check.yml";
    let pushed = |date: &str| taken("kics-2026", &[(date, &[(path, text)])]);
    assert_eq!(pushed("2026-04-23T00:00:00Z").0, Exposed);
}

#[test]
fn spliced_ids_of_the_public_lists_are_in_no_pack() {
    for (file, text) in incident::SOURCES {
        for wrong in
            ["c999dbb9cc904e23675f9929f7e0e51d132879cf", "8cfb9c31cc904e23675f9929f7e0e51d132879cf"]
        {
            assert!(!text.contains(wrong), "{file}: {wrong}");
        }
    }
}

#[test]
fn actions_cool_hits_clears_and_misses() {
    let pack = "actions-cool-2026";
    for (step, expected) in [
        ("uses: actions-cool/issues-helper@v3", Exposed),
        ("uses: actions-cool/issues-helper@v1.12", Exposed),
        ("uses: actions-cool/issues-helper@147337a919d92f4bf42f02843682d694650f1e22", Exposed),
        ("uses: actions-cool/maintain-one-comment@v3.2.0", Exposed),
        // v3.7.6 as it was before, and a commit that is neither.
        ("uses: actions-cool/issues-helper@71b62d7da76e59ff7b193904feb6e77d4dbb2777", Cleared),
        ("uses: actions-cool/issues-helper@0123456789012345678901234567890123456789", Unknown),
        ("uses: actions-cool/issues-helper@main", Unknown),
        ("uses: actions-cool/check-user-permission@v2", NotFound),
    ] {
        assert_eq!(long(pack, step).0, expected, "{step}");
    }
    assert_eq!(long(pack, "uses: actions-cool/issues-helper@v3").1, all());
    for (step, first) in [
        ("uses: actions-cool/issues-helper@v3", "2026-05-18T19:10:24Z"),
        ("uses: actions-cool/maintain-one-comment@v3", "2026-05-18T19:30:30Z"),
    ] {
        assert_eq!(lived(pack, step, LONG.0, first).0, Cleared, "{step}");
        let second: jiff::Timestamp = first.parse().unwrap();
        let later = second + jiff::SignedDuration::from_secs(1);
        assert_eq!(lived(pack, step, LONG.0, &later.to_string()).0, Exposed, "{step}");
        // When it ended is not known.
        assert_eq!(lived(pack, step, "2026-08-01T00:00:00Z", LONG.1).0, Exposed, "{step}");
    }
}

#[test]
fn codfish_hits_clears_and_misses() {
    let pack = "codfish-2026";
    for (step, expected) in [
        ("uses: codfish/semantic-release-action@v4", Exposed),
        ("uses: codfish/semantic-release-action@v2.2.1", Exposed),
        ("uses: codfish/semantic-release-action@bcb6b1d409144318e8fad2171d6fe06d02299d1a", Exposed),
        ("uses: codfish/semantic-release-action@v1", Cleared),
        ("uses: codfish/semantic-release-action@v1.10.0", Cleared),
        ("uses: codfish/semantic-release-action@v2.0.0", Cleared),
        // v4.0.1 as it was before; and the clean step inside the bad action.
        ("uses: codfish/semantic-release-action@6c65402abb31a48c3f7396d7d099da015be67c2b", Cleared),
        ("uses: codfish/semantic-release-action@8f9a58f2acdc190c356f79159b5de2548cdb63cd", Cleared),
        ("uses: codfish/semantic-release-action@v2.1.0", Unknown),
        ("uses: simonecorsi/mawesome@v2", Exposed),
        ("uses: simonecorsi/mawesome@e339407b8e34", Unknown),
        ("uses: simonecorsi/mawesome@0123456789012345678901234567890123456789", Unknown),
        ("uses: cycjimmy/semantic-release-action@v4", NotFound),
    ] {
        assert_eq!(long(pack, step).0, expected, "{step}");
    }
    let step = "uses: codfish/semantic-release-action@v4";
    assert_eq!(long(pack, step).1, all());
    assert_eq!(lived(pack, step, LONG.0, "2026-06-24T15:39:06Z").0, Cleared);
    assert_eq!(lived(pack, step, LONG.0, "2026-06-24T15:39:07Z").0, Exposed);
    // A commit that one weak source calls bad.
    let (verdict, taken) = long(
        pack,
        "uses: codfish/semantic-release-action@6b9501e1889cc45c91726729610cf69c2442b8c5",
    );
    assert_eq!(verdict, Exposed);
    assert!(taken.iter().all(|name| name.ends_with('?')), "{taken:?}");
}

#[test]
fn guards_of_the_runner_make_it_doubtful() {
    for (incident, uses) in [
        ("kics-2026", "checkmarx/kics-github-action@v2.1.7"),
        ("actions-cool-2026", "actions-cool/issues-helper@v3"),
        ("codfish-2026", "codfish/semantic-release-action@v4"),
    ] {
        let pack = incident::find(incident).unwrap();
        let certainty = |self_hosted| {
            let context =
                Context { self_hosted: Some(self_hosted), os: Os::Linux, ..Context::default() };
            pack.examine(&action(uses), &context).unwrap().payload_certainty
        };
        assert_ne!(certainty(true), certainty(false), "{uses}");
        assert_eq!(standing(incident, &action(uses), &Context::default()), "bad");
    }
}
