//! What in git writes a placement: hits, look-alikes that are none, and no value in any output.

use keysweep::assess::{Confidence, ManagedBy, Tool};

use super::{CI, expose, find, folder, inventory, outputs, words, workflow};

const CANARY: &str = "cAnArY-7f3e";

/// What writes `name` in a checkout with these files; no output may hold the canary.
fn by(files: &[(&str, &str)], name: &str) -> Vec<ManagedBy> {
    let flow = workflow(&[name]);
    let all: Vec<_> = files.iter().copied().chain([(CI, flow.as_str())]).collect();
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("site");
    std::fs::rename(folder(&all).keep(), &root).unwrap();
    let report = expose(std::slice::from_ref(&root));
    assert!(!outputs(&report).contains(CANARY), "a value is shown");
    let listed = inventory(&root);
    assert!(!format!("{listed:?}{}", keysweep::report::inventory(&listed)).contains(CANARY));
    let found = find(&report, name).managed_by.clone();
    let placement = listed.placements.iter().find(|placement| placement.name == name).unwrap();
    assert_eq!(placement.managed_by, found);
    found
}

fn one(files: &[(&str, &str)], name: &str) -> ManagedBy {
    let mut found = by(files, name);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn secret(kind: &str, body: &str) -> String {
    format!("\nresource \"{kind}\" \"npm\" {{\n  {body}\n  plaintext_value = \"{CANARY}\"\n}}\n")
}

#[test]
fn terraform_writes_a_secret_of_this_repository() {
    for repository in ["site", "SITE", "acme/site"] {
        let body = format!("secret_name = \"NPM_TOKEN\"\n  repository = \"{repository}\"");
        let text = secret("github_actions_secret", &body);
        for file in ["infra/secrets.tf", "main.tofu"] {
            let found = one(&[(file, &text)], "NPM_TOKEN");
            assert_eq!(found.tool, Tool::Terraform);
            assert_eq!(found.resource, "github_actions_secret.npm");
            assert_eq!((found.file.as_str(), found.line), (file, 3));
            assert_eq!((found.certainty, found.reason), (Confidence::Inferred, None));
        }
    }
}

#[test]
fn look_alikes_are_no_hit() {
    let text = |kind: &str, body: &str| by(&[("a.tf", &secret(kind, body))], "NPM_TOKEN");
    let here = "repository = \"site\"";
    assert_eq!(
        text("github_actions_secret", &format!("secret_name = \"NPM_TOKEN_2\"\n{here}")),
        []
    );
    assert_eq!(
        text("github_actions_secret", "secret_name = \"NPM_TOKEN\"\nrepository = \"api\""),
        []
    );
    assert_eq!(
        text("github_actions_secret", "secret_name = \"NPM_TOKEN\"\nrepository = \"acme/api\""),
        []
    );
    assert_eq!(
        text("github_actions_variable", &format!("secret_name = \"NPM_TOKEN\"\n{here}")),
        []
    );
    assert_eq!(text("gitlab_project_variable", "key = \"NPM_TOKEN\"\nproject = \"site\""), []);
    assert_eq!(
        text("circleci_environment_variable", "name = \"NPM_TOKEN\"\nproject = \"site\""),
        []
    );
    let data = secret("github_actions_secret", &format!("secret_name = \"NPM_TOKEN\"\n{here}"));
    assert_eq!(by(&[("a.tf", &data.replace("resource ", "data "))], "NPM_TOKEN"), []);
    let comment = data.lines().map(|line| format!("# {line}\n")).collect::<String>();
    assert_eq!(by(&[("a.tf", &comment)], "NPM_TOKEN"), []);
    assert_eq!(by(&[("a.txt", &data)], "NPM_TOKEN"), []);
    assert_eq!(by(&[("node_modules/a.tf", &data)], "NPM_TOKEN"), []);
}

#[test]
fn each_type_of_a_github_secret_counts_for_what_it_is() {
    for (kind, body, words) in [
        ("github_actions_organization_secret", "visibility = \"all\"", "more than this repository"),
        (
            "github_actions_environment_secret",
            "repository = \"site\"\nenvironment = \"prod\"",
            "environment `prod`",
        ),
        ("github_dependabot_secret", "repository = \"site\"", "Dependabot"),
        ("github_codespaces_secret", "repository = \"site\"", "codespaces"),
        ("github_dependabot_organization_secret", "", "more than this repository"),
    ] {
        let text = secret(kind, &format!("secret_name = \"NPM_TOKEN\"\n{body}"));
        let found = one(&[("a.tf", &text)], "NPM_TOKEN");
        assert_eq!(found.certainty, Confidence::Possible, "{kind}");
        assert!(found.reason.unwrap().contains(words), "{kind}");
    }
}

#[test]
fn what_only_an_expression_knows_is_possible_with_its_reason() {
    let name = |value: &str, more: &str| {
        let body = format!("secret_name = {value}\n  repository = \"site\"\n{more}");
        by(&[("a.tf", &secret("github_actions_secret", &body))], "NPM_TOKEN")
    };
    for (value, more) in [
        ("each.key", "for_each = { NPM_TOKEN = \"cAnArY-7f3e\", OTHER = \"x\" }"),
        ("each.value", "for_each = toset([\"NPM_TOKEN\", \"OTHER\"])"),
        ("each.value", "for_each = var.names"),
        ("var.name", ""),
        ("\"${var.prefix}_TOKEN\"", ""),
    ] {
        let found = name(value, more);
        assert_eq!(found.len(), 1, "{value} {more}");
        assert_eq!(found[0].certainty, Confidence::Possible);
        assert!(found[0].reason.as_ref().unwrap().contains("the name is an expression"));
    }
    // The names are told, and this is none of them.
    assert_eq!(name("each.key", "for_each = { A_TOKEN = 1, OTHER = 2 }"), []);
    let locals = "locals {\n  names = { OTHER = \"cAnArY-7f3e\" }\n}\n";
    let body = "secret_name = each.key\nfor_each = local.names\nrepository = \"site\"";
    let text = format!("{locals}{}", secret("github_actions_secret", body));
    assert_eq!(by(&[("a.tf", &text)], "NPM_TOKEN"), []);
    assert_eq!(by(&[("a.tf", &text)], "OTHER").len(), 1);
    let repository = "secret_name = \"NPM_TOKEN\"\nrepository = github_repository.site.name";
    let found = one(&[("a.tf", &secret("github_actions_secret", repository))], "NPM_TOKEN");
    assert_eq!(found.certainty, Confidence::Possible);
    assert!(found.reason.unwrap().contains("`github_repository.site`"));
}

#[test]
fn an_access_key_is_found_behind_the_secret_it_goes_to() {
    let key = "resource \"aws_iam_access_key\" \"ci\" {\n  user = \"ci\"\n}\n";
    let secret = "resource \"github_actions_secret\" \"key\" {\n  repository = \"site\"\n  \
                  secret_name = \"DEPLOY_KEY\"\n  plaintext_value = aws_iam_access_key.ci.secret\n}\n";
    let found = by(&[("infra/key.tf", key), ("infra/hub.tf", secret)], "DEPLOY_KEY");
    let made: Vec<_> =
        found.iter().map(|by| (by.resource.as_str(), by.file.as_str(), by.line)).collect();
    assert!(made.contains(&("aws_iam_access_key.ci", "infra/key.tf", 1)), "{made:?}");
    assert!(made.contains(&("github_actions_secret.key", "infra/hub.tf", 3)), "{made:?}");
    // Alone it is a guess, and only for a name that says so.
    let guess = one(&[("key.tf", key)], "AWS_SECRET_ACCESS_KEY");
    assert_eq!(guess.certainty, Confidence::Possible);
    assert_eq!(by(&[("key.tf", key)], "NPM_TOKEN"), []);
}

#[test]
fn an_infrastructure_repository_of_the_same_run_counts() {
    let parent = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = parent.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put(&format!("site/{CI}"), &workflow(&["NPM_TOKEN"]));
    put(&format!("infra/{CI}"), "on: push\n");
    let body = "secret_name = \"NPM_TOKEN\"\n  repository = \"site\"";
    put("infra/secrets.tf", &secret("github_actions_secret", body));
    put("infra/key.tf", "resource \"kubernetes_secret\" \"x\" {\n  data = { NPM_TOKEN = 1 }\n}\n");
    let report = expose(&[parent.path().to_owned()]);
    let found = &find(&report, "NPM_TOKEN").managed_by;
    assert_eq!(found.len(), 1, "a store of another repository says nothing: {found:?}");
    assert_eq!(found[0].repository.as_deref(), Some("infra"));
    let page = words(&outputs(&report));
    let line = "1 of these is written by Terraform (infra: secrets.tf:3): change the value there, or \
                the next apply brings the old one back";
    assert!(page.contains(line), "{page}");
}

#[test]
fn a_value_whose_changes_are_ignored_is_told() {
    let body = "secret_name = \"NPM_TOKEN\"\n  repository = \"site\"\n  lifecycle {\n    \
                ignore_changes = [plaintext_value]\n  }";
    let found = one(&[("a.tf", &secret("github_actions_secret", body))], "NPM_TOKEN");
    assert_eq!(found.certainty, Confidence::Inferred);
    assert!(found.reason.unwrap().contains("ignores changes"));
}

#[test]
fn broken_hcl_is_told_with_its_line_and_the_rest_is_read() {
    let whole =
        secret("github_actions_secret", "secret_name = \"NPM_TOKEN\"\n  repository = \"site\"");
    let broken = format!("{whole}\nlocals {{\n  password = \"{CANARY}\" = {CANARY}\n");
    let flow = workflow(&["NPM_TOKEN"]);
    let dir = folder(&[("a.tf", &broken), (CI, &flow)]);
    let report = expose(&[dir.path().to_owned()]);
    assert!(!outputs(&report).contains(CANARY));
    let entry = report.coverage.iter().find(|entry| entry.scope == "file:a.tf").unwrap();
    assert!(!entry.matters && entry.line == Some(9), "{entry:?}");
    assert!(entry.reason.contains("what it writes is not known: not valid HCL"));
    assert_eq!(one(&[("a.tf", &broken)], "NPM_TOKEN").line, 3);
}

#[test]
fn stores_that_hold_a_value_of_that_name_are_possible() {
    let sops = format!(
        "npm_token: ENC[AES256_GCM,data:{CANARY},type:str]\nclear: x\nsops:\n  mac: ENC[{CANARY}]\n  \
         lastmodified: \"2024-01-01\"\n  version: 3.8.1\n"
    );
    let json = format!(
        "{{\"npm_token\": \"ENC[{CANARY}]\", \"sops\": {{\"mac\": \"{CANARY}\", \"version\": \"3\"}}}}"
    );
    let dotenv = format!("NPM_TOKEN=ENC[AES256_GCM,data:{CANARY}]\nsops_mac=ENC[{CANARY}]\n");
    let sealed = format!(
        "apiVersion: v1\nkind: ConfigMap\n---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n\
         metadata:\n  name: npm\nspec:\n  encryptedData:\n    NPM_TOKEN: {CANARY}\n"
    );
    let external = "kind: ExternalSecret\nmetadata:\n  name: npm\nspec:\n  data:\n    - secretKey: \
                    npm-token\n      remoteRef:\n        key: x\n";
    let cluster = external.replace("kind: Ext", "kind: ClusterExt").replace(
        "spec:\n  data:\n    - secretKey: npm-token\n      remoteRef:\n        key: x\n",
        "spec:\n  externalSecretSpec:\n    data:\n      - secretKey: npm-token\n",
    );
    let stack = format!("config:\n  app:npmToken:\n    secure: {CANARY}\n  app:other: x\n");
    let kubernetes = format!(
        "resource \"kubernetes_secret_v1\" \"x\" {{\n  data = {{ NPM_TOKEN = \"{CANARY}\" }}\n}}\n"
    );
    let vault = format!(
        "resource \"vault_kv_secret_v2\" \"x\" {{\n  data_json = jsonencode({{ NPM_TOKEN = \"{CANARY}\" }})\n}}\n"
    );
    for (file, text, tool, line) in [
        ("secrets.yaml", sops.as_str(), Tool::Sops, 1),
        ("secrets.enc.json", &json, Tool::Sops, 1),
        ("prod.env", &dotenv, Tool::Sops, 1),
        (".env.prod", &dotenv, Tool::Sops, 1),
        ("k8s/a.yaml", &sealed, Tool::SealedSecrets, 10),
        ("k8s/b.yml", external, Tool::ExternalSecrets, 6),
        ("k8s/c.yml", &cluster, Tool::ExternalSecrets, 7),
        ("Pulumi.prod.yaml", &stack, Tool::Pulumi, 2),
        ("k.tf", &kubernetes, Tool::Terraform, 2),
        ("v.tf", &vault, Tool::Terraform, 2),
    ] {
        let found = one(&[(file, text)], "NPM_TOKEN");
        assert_eq!((found.tool, found.line), (tool, line), "{file}");
        assert_eq!(found.certainty, Confidence::Possible, "{file}");
        assert!(found.reason.unwrap().contains("whether it is the same one"), "{file}");
        assert_eq!(by(&[(file, text)], "OTHER_TOKEN"), [], "{file}");
    }
    // One word is the same by chance; a file that only speaks of sops is none of its own.
    assert_eq!(by(&[("a.yaml", &sealed.replace("NPM_TOKEN", "TOKEN"))], "TOKEN"), []);
    assert_eq!(by(&[("a.yaml", "NPM_TOKEN: ENC[x]\nsops: yes\n")], "NPM_TOKEN"), []);
    assert_eq!(by(&[("a.env", &format!("NPM_TOKEN=ENC[{CANARY}]\n"))], "NPM_TOKEN"), []);
    assert_eq!(
        by(&[("a.yaml", "kind: Secret\ndata:\n  NPM_TOKEN: x # SealedSecret\n")], "NPM_TOKEN"),
        []
    );
}

#[test]
fn pulumi_programs_are_found_by_their_text() {
    let yaml = format!(
        "name: x\nruntime: yaml\nresources:\n  npm:\n    type: github:ActionsSecret\n    properties:\n      \
         secretName: NPM_TOKEN\n      repository: site\n      plaintextValue: {CANARY}\n"
    );
    let found = one(&[("Pulumi.yaml", &yaml)], "NPM_TOKEN");
    assert_eq!((found.tool, found.line, found.certainty), (Tool::Pulumi, 7, Confidence::Inferred));
    let project = ("infra/Pulumi.yaml", "name: x\nruntime: nodejs\n");
    let script = format!(
        "const a = 1;\nnew github.ActionsSecret(\"npm\", {{\n  repository: \"site\",\n  secretName: \
         \"NPM_TOKEN\",\n  plaintextValue: \"{CANARY}\",\n}});\n"
    );
    let python = format!(
        "github.ActionsSecret(\"npm\", repository=\"site\", secret_name=\"NPM_TOKEN\", \
         plaintext_value=\"{CANARY}\")\n"
    );
    for (file, text, line) in [("infra/index.ts", &script, 2), ("infra/__main__.py", &python, 1)] {
        let found = one(&[project, (file, text)], "NPM_TOKEN");
        assert_eq!((found.tool, found.line), (Tool::Pulumi, line));
        assert_eq!(found.certainty, Confidence::Possible);
        assert_eq!(found.resource, "ActionsSecret npm");
        assert_eq!(by(&[(file, text)], "NPM_TOKEN"), [], "no project");
        assert_eq!(by(&[project, (file, &text.replace("site", "api"))], "NPM_TOKEN"), []);
    }
}

#[test]
fn terraform_in_json_is_read() {
    let text = format!(
        "{{\"resource\": {{\"github_actions_secret\": {{\n\"npm\": {{\"secret_name\": \"NPM_TOKEN\",\n\
         \"repository\": \"site\", \"plaintext_value\": \"{CANARY}\"}}}}}}}}"
    );
    let found = one(&[("main.tf.json", &text)], "NPM_TOKEN");
    assert_eq!((found.tool, found.certainty), (Tool::Terraform, Confidence::Inferred));
    assert_eq!(found.resource, "github_actions_secret.npm");
}

#[test]
fn hostile_definitions_end_soon_and_break_nothing() {
    let deep = format!(
        "resource \"github_actions_secret\" \"x\" {{\n secret_name = {}\n}}\n",
        "(".repeat(50_000)
    );
    let nested = "a: ".repeat(50_000) + "SealedSecret";
    let flow = format!("kind: SealedSecret\nspec: {}", "[".repeat(50_000));
    let quotes = format!("resource \"github_actions_secret\" {}", "\"${".repeat(20_000));
    let call = format!("{}ActionsSecret(\"é", "ActionsSecret(".repeat(3_000));
    let files = [
        ("a.tf", deep.as_str()),
        ("b.yaml", &nested),
        ("c.yaml", &flow),
        ("d.tf", &quotes),
        ("Pulumi.yaml", "name: x\n"),
        ("e.ts", &call),
    ];
    by(&files, "NPM_TOKEN");
}
