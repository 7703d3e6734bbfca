use super::{read, system};
use crate::ci::{
    MemoryFiles,
    model::{Certainty, Pipeline, Platform, Scope},
};

fn sent(platform: Platform, text: &str) -> Vec<(String, bool)> {
    let pipeline = of(platform, text);
    let line = |flow: &crate::ci::model::Flow| {
        let scope = match &flow.secret.scope {
            Scope::Context(name) => format!("context {name} "),
            _ => String::new(),
        };
        (format!("{scope}{}", flow.secret.name), flow.certainty == Certainty::Inferred)
    };
    pipeline.jobs[0].sent.iter().map(line).collect()
}

fn of(platform: Platform, text: &str) -> Pipeline {
    let files = MemoryFiles::default().with("ci.yml", text);
    read(&files, "ci.yml", platform).remove(0)
}

#[test]
fn a_circleci_file_names_contexts_keys_and_variables() {
    let text = r#"
version: 2.1
jobs:
  deploy:
    environment: { REGION: eu, ROLE: $STORED_ROLE }
    steps:
      - add_ssh_keys:
          fingerprints: ["b8:e2:38"]
      - run: |
          VERSION=1
          export TOKEN=$PROD_TOKEN
          # $COMMENTED
          export LICENSE_CI="$LICENSE"
          LICENSE=
          deploy "$VERSION" "$TOKEN" "${API_KEY:-none}" $CIRCLE_TAG $HOME $REGION
workflows:
  main:
    jobs:
      - deploy: { context: [Team Admin, other] }
      - again: { context: single }
"#;
    let sent = sent(Platform::Circleci, text);
    let expected = [
        ("*", true),
        ("checkout-key", true),
        ("api-tokens", false),
        ("ssh-key:b8:e2:38", true),
        ("context Team Admin *", true),
        ("context other *", true),
        ("context single *", true),
        ("API_KEY", false),
        ("LICENSE", false),
        ("PROD_TOKEN", false),
        ("STORED_ROLE", false),
    ];
    assert_eq!(sent, expected.map(|(name, sure)| (name.to_owned(), sure)));
}

#[test]
fn a_travis_file_names_what_is_sealed_into_it() {
    let text = "env:\n  global:\n    - secure: \"abc=\"\n    - PLAIN=1\n\
                deploy:\n  api_key:\n    secure: def=\nscript: curl -u \"$DEPLOY_KEY\" $PLAIN\n";
    let names: Vec<String> = sent(Platform::Travis, text).into_iter().map(|(n, _)| n).collect();
    assert_eq!(names, ["*", "secure:3", "secure:7", "DEPLOY_KEY"]);
}

#[test]
fn a_broken_file_still_has_a_store_and_says_that_it_may_name_more() {
    let pipeline = of(Platform::Circleci, "jobs: {a: [");
    assert!(pipeline.jobs[0].sent.iter().any(|flow| &*flow.secret.name == "*"));
    assert!(!pipeline.gaps.is_empty());
}

#[test]
fn what_an_alias_repeats_ten_thousand_times_is_read_once() {
    let mut text = String::from("a0: &a0 {context: x}\n");
    for n in 1..20 {
        let below = format!("*a{}, ", n - 1).repeat(9);
        text.push_str(&format!("a{n}: &a{n} [{}]\n", below.trim_end_matches(", ")));
    }
    assert!(of(Platform::Circleci, &text).jobs[0].sent.len() < 10);
}

#[test]
fn other_platforms_have_no_store_that_a_file_tells_of() {
    assert_eq!(system(Platform::Github), None);
    assert_eq!(system(Platform::Circleci), Some("circleci"));
}
