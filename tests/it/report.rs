//! Tables as they print, and the schemas that others rely on.

use anstream::adapter::strip_str;
use keysweep::{
    assess::{
        COMPONENTS_SCHEMA, Carrier, ComponentUse, ComponentsReport, Confidence, Consumer, Coverage,
        CoverageState, Disposition, Exposure, ExposureVerdict, INVENTORY_SCHEMA, InventoryConsumer,
        InventoryPlacement, InventoryReport, Live, Placement, Reach, Report, SCHEMA, Site,
        SiteStatus, Span, Summary, Verdict,
    },
    ci::model::{Component, Kind, Pinned, Place, Platform, Verified},
    report::{self, Heading, Schema, WIDTH},
};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

fn span(from: &str, to: &str) -> Span {
    let moment = |text: &str| format!("{text}T00:00:00Z").parse().ok();
    Span { from: moment(from), to: moment(to) }
}

pub(crate) fn heading(repositories: usize) -> Heading {
    Heading {
        title: "Codecov bash uploader sent CI environments to an attacker".to_owned(),
        window: Some(span("2021-01-31", "2021-04-02")),
        repositories,
    }
}

fn script() -> Component {
    Component {
        kind: Kind::ScriptUrl,
        name: "https://codecov.io/bash".to_owned(),
        reference: None,
        pinned: Pinned::No,
        verified: Verified::No,
    }
}

fn action(name: &str, tag: &str) -> Component {
    Component {
        kind: Kind::Action,
        name: name.to_owned(),
        reference: Some(tag.to_owned()),
        pinned: Pinned::Tag,
        verified: Verified::No,
    }
}

fn placement(name: &str) -> Placement {
    Placement {
        platform: Platform::Github,
        scope: "unknown".to_owned(),
        name: name.to_owned(),
        whole_context: name == "*",
        scope_candidates: vec!["repo".to_owned(), "org".to_owned()],
    }
}

fn at(file: &str, line: u32, job: &str, step: &str) -> Option<Consumer> {
    Some(Consumer {
        file: file.to_owned(),
        line,
        job: Some(job.to_owned()),
        step: Some(step.to_owned()),
    })
}

pub(crate) fn exposed(id: &str, repository: &str, name: &str) -> Exposure {
    Exposure {
        id: format!("{id:0<12}"),
        repository: repository.to_owned(),
        placement: placement(name),
        verdict: ExposureVerdict::Exposed,
        confidence: Confidence::Inferred,
        reach: Reach::Payload,
        capability: "K1".to_owned(),
        carrier: Carrier::Env,
        component: script(),
        consumer: at(".github/workflows/ci-build.yaml", 412, "test-go", "Upload code coverage"),
        via: vec![Place { file: ".github/workflows/ci-build.yaml".into(), line: 408 }],
        live: vec![Live {
            from: "2020-11-02T09:12:44Z".parse().ok(),
            to: None,
            commit: Some("4f1c0d9a7b3e5f60718293a4b5c6d7e8f9012345".to_owned()),
        }],
        overlap: Some(span("2021-01-31", "2021-04-02")),
        rules: vec!["G8".to_owned(), "G12".to_owned()],
        disposition: Disposition::Rotate,
        why: format!("`{name}` is in the environment of the step that runs the script."),
        owners: Vec::new(),
        author_unknown: None,
        managed_by: Vec::new(),
    }
}

fn site(exposure: &Exposure, status: SiteStatus, reason: &str) -> Site {
    Site {
        repository: exposure.repository.clone(),
        component: exposure.component.clone(),
        consumer: exposure.consumer.clone(),
        via: exposure.via.clone(),
        status,
        reason: reason.to_owned(),
        live: exposure.live.clone(),
    }
}

fn unseen(repository: &str, scope: &str, reason: &str, matters: bool) -> Coverage {
    Coverage {
        repository: repository.to_owned(),
        scope: scope.to_owned(),
        state: CoverageState::Unseen,
        reason: reason.to_owned(),
        matters,
        file: None,
        line: None,
    }
}

pub(crate) fn with(verdict: Verdict, exposures: Vec<Exposure>) -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        incident: "codecov-2021".to_owned(),
        summary: Summary { verdict, placements: exposures.len() },
        exposures,
        sites: Vec::new(),
        coverage: Vec::new(),
    }
}

fn argo() -> Report {
    let repository = "argoproj/argo-cd";
    let token = Exposure {
        confidence: Confidence::Possible,
        consumer: at(".github/workflows/release.yaml", 77, "release", "#4"),
        ..exposed("b2", repository, "CODECOV_TOKEN")
    };
    let job_token = Exposure {
        placement: Placement {
            scope: "job".to_owned(),
            scope_candidates: Vec::new(),
            ..placement("GITHUB_TOKEN")
        },
        reach: Reach::AnyCode,
        carrier: Carrier::Memory,
        capability: "K5".to_owned(),
        disposition: Disposition::AuditOnly,
        ..exposed("c3", repository, "GITHUB_TOKEN")
    };
    let key = Exposure {
        reach: Reach::AnyCode,
        carrier: Carrier::File,
        capability: "K2".to_owned(),
        disposition: Disposition::SigningKey,
        consumer: at(".github/workflows/release.yaml", 77, "release", "#4"),
        ..exposed("d4", repository, "GPG_PRIVATE_KEY")
    };
    let mut report = with(
        Verdict::Exposed,
        vec![
            exposed("a1", repository, "CODECOV_TOKEN"),
            exposed("a2", repository, "SONAR_TOKEN"),
            token,
            job_token,
            key,
        ],
    );
    let cleared = Exposure {
        component: Component { pinned: Pinned::Sha, ..action("codecov/codecov-action", "f32b3a3") },
        ..exposed("z", repository, "x")
    };
    let ruled_out = "live only outside the window";
    report.sites = vec![
        site(&report.exposures[0], SiteStatus::Exposed, "in force in the window"),
        site(&cleared, SiteStatus::Cleared, ruled_out),
        site(&cleared, SiteStatus::Cleared, ruled_out),
    ];
    report.coverage = vec![
        unseen(repository, "settings:github", "needs an account", false),
        unseen(repository, "dialect:circleci", "not read yet", true),
        Coverage {
            state: CoverageState::Failed,
            file: Some(".github/workflows/broken.yml".to_owned()),
            line: Some(12),
            ..unseen(repository, "file:.github/workflows/broken.yml:12", "not valid YAML", true)
        },
    ];
    report
}

#[test]
fn an_exposed_repository() {
    insta::assert_snapshot!(plain(&argo(), &heading(5)));
}

#[test]
fn the_derivation_of_one_line() {
    let report = argo();
    let page = report::explain(&report, &heading(5), "d40000000000").expect("it is in the report");
    insta::assert_snapshot!(strip_str(&page).to_string());
    assert_eq!(report::explain(&report, &heading(5), "ffffffffffff"), None);
}

#[test]
fn many_repositories_and_components() {
    let mut report = with(Verdict::Exposed, Vec::new());
    for number in 1..=9 {
        let repository = format!("acme/service-{number}");
        for place in 0..if number == 2 { 9 } else { 1 } {
            report.exposures.push(Exposure {
                component: if number == 3 { action("tj/x", "v1") } else { script() },
                consumer: at(&format!(".github/workflows/w{place}.yml"), 10, "build", "Coverage"),
                reach: if number == 1 { Reach::AnyCode } else { Reach::Payload },
                ..exposed(&format!("{number}{place}"), &repository, "NPM_TOKEN")
            });
        }
        report.coverage.push(unseen(&repository, "dialect:travis", "not read yet", true));
    }
    report.exposures.push(Exposure {
        overlap: None,
        live: Vec::new(),
        ..exposed("3b", "acme/service-3", "*")
    });
    insta::assert_snapshot!(plain(&report, &heading(300)));
}

#[test]
fn unknown_says_what_could_hide_a_use() {
    let mut report = with(Verdict::Unknown, Vec::new());
    report.sites = vec![site(
        &exposed("a", "acme/site", "x"),
        SiteStatus::Unknown,
        "the URL comes from a variable that the files do not tell",
    )];
    report.coverage = vec![
        unseen("acme/site", "dialect:jenkins", "not read yet", true),
        unseen("acme/site", "history:refs/heads/main", "the clone is shallow", true),
    ];
    insta::assert_snapshot!(plain(&report, &heading(1)));
}

#[test]
fn cleared_says_why() {
    let mut report = with(Verdict::Cleared, Vec::new());
    for number in 1..=5 {
        report.sites.push(site(
            &exposed("a", &format!("acme/s{number}"), "x"),
            SiteStatus::Cleared,
            "its checksum is compared before it runs, and a mismatch stops the job",
        ));
    }
    insta::assert_snapshot!(plain(&report, &heading(12)));
}

#[test]
fn not_found_is_one_line() {
    let report = with(Verdict::NotFound, Vec::new());
    let page = report::exposure(&report, &Heading { title: String::new(), ..heading(3) });
    insta::assert_snapshot!(strip_str(&page).to_string());
}

#[test]
fn a_component_without_a_credential_in_reach_is_still_exposed() {
    let mut report = with(Verdict::Exposed, Vec::new());
    report.sites =
        vec![site(&exposed("a", "acme/site", "x"), SiteStatus::Exposed, "in force in the window")];
    insta::assert_snapshot!(plain(&report, &heading(1)));
}

#[test]
fn the_first_line_says_how_many_and_how_sure() {
    let of = |exposures: Vec<Exposure>| {
        let heading = Heading { window: None, ..heading(2) };
        report::verdict_line(&with(Verdict::Exposed, exposures), &heading)
    };
    let sure = || exposed("a", "acme/site", "SURE");
    let maybe =
        || Exposure { confidence: Confidence::Possible, ..exposed("b", "acme/site", "MAYBE") };
    let beyond = || Exposure { reach: Reach::AnyCode, ..exposed("c", "acme/api", "BEYOND") };
    let name = || Exposure {
        disposition: Disposition::NotACredential,
        ..exposed("d", "acme/site", "AWS_ROLE")
    };
    let also = || Exposure { reach: Reach::AnyCode, ..sure() };
    assert_eq!(
        of(vec![sure(), name(), also()]),
        "EXPOSED: 1 credential in 1 of 2 repositories · codecov-2021"
    );
    assert_eq!(
        of(vec![sure(), maybe(), beyond()]),
        "EXPOSED: 2 credentials (1 only possibly) in 2 repositories, 1 more within reach of any code · \
         codecov-2021"
    );
    assert_eq!(
        of(vec![beyond()]),
        "EXPOSED: 1 credential within reach of any code, none of the known payload, in 1 of 2 \
         repositories · codecov-2021"
    );
}

#[test]
fn many_troubles_and_reasons_are_counted_not_printed() {
    let mut report = with(Verdict::Unknown, Vec::new());
    for number in 0..60 {
        let reason = format!("trouble {number}");
        report.coverage.push(unseen("acme/site", "file:x.yml", &reason, true));
        report.sites.push(site(&exposed("a", "acme/site", "x"), SiteStatus::Cleared, &reason));
    }
    let page = plain(&report, &heading(1));
    assert!(page.contains("60 things not read could hide a use"), "{page}");
    assert!(page.contains("and 20 more troubles that could change the result"), "{page}");
    assert!(page.contains("and 20 more groups of places"), "{page}");
}

#[test]
fn very_long_names_are_wrapped() {
    let long = "A_VERY_LONG_SECRET_NAME_".repeat(9);
    let line = Exposure {
        consumer: at(
            &format!(".github/workflows/{}.yml", "deep-and-long/".repeat(12)),
            7,
            &"j".repeat(130),
            "名前の長いステップ 名前の長いステップ 名前の長いステップ",
        ),
        ..exposed("a", &"organisation/".repeat(12), &long)
    };
    insta::assert_snapshot!(plain(&with(Verdict::Exposed, vec![line]), &heading(1)));
}

#[test]
fn what_a_hostile_repository_writes_drives_no_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}";
    let line = Exposure {
        consumer: at(evil, 1, evil, evil),
        why: evil.to_owned(),
        ..exposed("a", evil, evil)
    };
    let mut report = with(Verdict::Exposed, vec![line]);
    report.incident = evil.to_owned();
    report.sites = vec![site(&report.exposures[0].clone(), SiteStatus::Cleared, evil)];
    report.coverage = vec![unseen(evil, evil, evil, true)];
    let heading = Heading { title: evil.to_owned(), ..heading(1) };
    let table = report::exposure(&report, &heading);
    let derivation = report::explain(&report, &heading, "a00000000000").expect("it is there");
    for page in [table, derivation] {
        // Colours are the only sequences; once they are gone nothing that acts is left.
        let rest = without_colours(&page);
        assert!(rest.chars().all(|c| c == '\n' || !c.is_control()), "{rest:?}");
        assert!(!rest.contains('\u{202e}'), "{rest:?}");
    }
    let json = report::json(&report).expect("strings only");
    assert!(json.chars().all(|c| c == '\n' || !c.is_control()), "{json:?}");
}

fn without_colours(page: &str) -> String {
    let mut rest = String::new();
    let mut parts = page.split("\u{1b}[");
    rest.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part
            .find('m')
            .filter(|end| part[..*end].bytes().all(|b| b.is_ascii_digit() || b == b';'));
        rest.push_str(end.map_or(part, |end| &part[end + 1..]));
    }
    rest
}

#[test]
fn components_table() {
    let one = ComponentUse {
        repository: "acme/site".to_owned(),
        kind: Kind::Action,
        name: "actions/checkout".to_owned(),
        reference: Some("v4".to_owned()),
        pinned: Pinned::Tag,
        runs: true,
        verified: Verified::No,
        consumer: at(".github/workflows/ci.yml", 9, "test", "#1").expect("given"),
        placements: vec!["GITHUB_TOKEN".to_owned(), "NPM_TOKEN".to_owned()],
    };
    let again = ComponentUse {
        consumer: at(".github/workflows/ci.yml", 40, "lint", "#1").expect("given"),
        placements: Vec::new(),
        ..one.clone()
    };
    let fetched = ComponentUse {
        kind: Kind::ScriptUrl,
        name: "https://get.example.org/install.sh".to_owned(),
        reference: None,
        pinned: Pinned::No,
        runs: false,
        placements: Vec::new(),
        ..one.clone()
    };
    let image = ComponentUse {
        repository: "acme/api".to_owned(),
        kind: Kind::Image,
        name: "node".to_owned(),
        reference: Some("20".to_owned()),
        consumer: Consumer { step: None, ..one.consumer.clone() },
        ..one.clone()
    };
    let report = ComponentsReport {
        schema: COMPONENTS_SCHEMA.to_owned(),
        components: vec![one, again, fetched, image],
        coverage: vec![unseen("acme/api", "dialect:travis", "not read yet", true)],
    };
    insta::assert_snapshot!(strip_str(&report::components(&report)).to_string());
}

#[test]
fn inventory_table() {
    let consumer = InventoryConsumer {
        file: ".github/workflows/release.yml".to_owned(),
        line: 31,
        job: Some("publish".to_owned()),
        step: Some("Publish to npm".to_owned()),
        carrier: Carrier::Env,
        whole_context: false,
    };
    let npm = InventoryPlacement {
        repository: "acme/site".to_owned(),
        platform: Platform::Github,
        scope: "environment:production".to_owned(),
        name: "NPM_TOKEN".to_owned(),
        scope_candidates: Vec::new(),
        consumers: vec![
            consumer.clone(),
            InventoryConsumer {
                line: 52,
                step: None,
                carrier: Carrier::Memory,
                ..consumer.clone()
            },
        ],
        owners: Vec::new(),
        managed_by: Vec::new(),
    };
    let all = InventoryPlacement {
        name: "*".to_owned(),
        scope: "unknown".to_owned(),
        scope_candidates: vec!["repo".into(), "org".into(), "environment:production".into()],
        consumers: vec![InventoryConsumer { whole_context: true, ..consumer }],
        ..npm.clone()
    };
    let report = InventoryReport {
        schema: INVENTORY_SCHEMA.to_owned(),
        placements: vec![npm, all],
        coverage: vec![unseen("acme/site", "settings:github", "needs an account", false)],
    };
    insta::assert_snapshot!(strip_str(&report::inventory(&report)).to_string());
}

#[test]
fn reports_read_back_as_written() {
    let report = argo();
    let json = report::json(&report).expect("strings only");
    assert_eq!(serde_json::from_str::<Report>(&json).expect("its own schema"), report);
}

#[test]
fn schemas_change_only_on_purpose() {
    let page = |kind| report::json(&report::schema(kind)).expect("strings only");
    insta::assert_snapshot!("schema_exposure", page(Schema::Exposure));
    insta::assert_snapshot!("schema_components", page(Schema::Components));
    insta::assert_snapshot!("schema_inventory", page(Schema::Inventory));
}

fn plain(report: &Report, heading: &Heading) -> String {
    let page = strip_str(&report::exposure(report, heading)).to_string();
    assert_fits(&page);
    page
}

fn assert_fits(page: &str) {
    for line in page.lines() {
        assert!(line.width() <= WIDTH, "{} columns: {line}", line.width());
        assert_eq!(line, line.trim_end(), "space at the end of a line");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_table_fits_the_page(texts in proptest::collection::vec("\\PC{0,150}", 8)) {
        let line = Exposure {
            consumer: at(&texts[0], 1, &texts[1], &texts[2]),
            component: action(&texts[3], &texts[4]),
            why: texts[5].clone(),
            ..exposed("a", &texts[6], &texts[7])
        };
        let other = Exposure { component: script(), ..line.clone() };
        let mut report = with(Verdict::Exposed, vec![line, other]);
        report.sites = vec![site(&report.exposures[0], SiteStatus::Cleared, &texts[5])];
        report.coverage = vec![unseen(&texts[6], &texts[0], &texts[1], true)];
        plain(&report, &Heading { title: texts[2].clone(), ..heading(2) });
        let derivation = report::explain(&report, &heading(2), "a00000000000").expect("it is there");
        for line in strip_str(&derivation).to_string().lines() {
            prop_assert!(line.width() <= WIDTH, "{line}");
        }
    }
}
