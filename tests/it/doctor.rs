//! `keysweep doctor`: what is dialled, held and lacking, before anything is done.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::{Duration, UNIX_EPOCH},
};

use serde_json::Value;

const CONFIG: &str = r#"
[providers.files]
type = "file"

[providers.console]
type = "manual"
where = "https://console.example.com/keys"
steps = ["make it"]
revoke_steps = ["end it"]
fields = ["token"]
known = { api = ["key-1"] }

[[credentials]]
id = "console:api"
fields = ["token"]
stores = [{ at = "files:.env#API_TOKEN" }, { at = "files:.env#NEW" }]
"#;

fn doctor(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keysweep"))
        .current_dir(folder)
        .env_remove("SSH_AUTH_SOCK")
        .arg("doctor")
        .args(args)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn written(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keysweep.toml"), config).unwrap();
    let env = folder.path().join(".env");
    fs::write(&env, "API_TOKEN=planted-value\n").unwrap();
    let written = UNIX_EPOCH + Duration::from_secs(1_767_322_800);
    fs::File::options().append(true).open(&env).unwrap().set_modified(written).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&env, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    folder
}

#[test]
fn what_is_held_is_told_with_the_least_policy() {
    let folder = written(CONFIG);
    let run = doctor(folder.path(), &["--for", "rotate"]);
    let (page, told) = (text(&run.stdout), text(&run.stderr));
    assert_eq!(run.status.code(), Some(0), "{page}{told}");
    assert_eq!(told, "no host is dialled\n");
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    insta::assert_snapshot!(page);
    let audit = fs::read_to_string(folder.path().join(".keysweep/audit.jsonl")).unwrap();
    assert!(audit.lines().count() >= 6, "{audit}");
    for line in audit.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["mutates"], &line["campaign"]), (&Value::Bool(false), &"doctor".into()));
    }
    assert!(!format!("{page}{told}{audit}").contains("planted"));
    assert_eq!(text(&fs::read(folder.path().join(".env")).unwrap()), "API_TOKEN=planted-value\n");
}

#[test]
fn a_plan_needs_less_than_a_rotation() {
    let folder = written(&format!("read_only = true\n{CONFIG}"));
    let permissions = |what: &str| {
        let run = doctor(folder.path(), &["--for", what, "--format", "json"]);
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        let json: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(json["schema"], "keysweep.doctor/1");
        let all = json["permissions"].as_array().unwrap();
        let names: Vec<_> =
            all.iter().map(|one| one["permission"].as_str().unwrap().to_owned()).collect();
        (names, json["notes"].as_array().unwrap().len())
    };
    assert_eq!(permissions("plan"), (vec!["read the file".to_owned(); 2], 0));
    let (names, notes) = permissions("rotate");
    assert_eq!((names.len(), notes), (4, 1));
    assert!(names.contains(&"replace the file".to_owned()));
}

#[test]
fn what_lacks_is_exit_code_one_with_the_way_out() {
    let config = CONFIG
        .replace("files:.env#NEW", "files:../outside#NEW")
        .replace("fields = [\"token\"]\nstores", "fields = [\"tokn\"]\nstores");
    let folder = written(&config);
    let run = doctor(folder.path(), &[]);
    let page = text(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{page}{}", text(&run.stderr));
    assert!(page.starts_with("NOT FIT: "), "{page}");
    assert!(page.contains("its credentials have no field `tokn`"), "{page}");
    assert!(page.contains("fields: `token`"), "{page}");
}

#[test]
fn a_part_that_a_provider_does_not_have_is_told() {
    let config = CONFIG.replace("files:.env#NEW", "console:x").replace("console:api", "files:api");
    let run = doctor(written(&config).path(), &[]);
    let page = text(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{page}");
    assert!(page.contains("it issues nothing") && page.contains("it stores nothing"), "{page}");
}

#[test]
fn hosts_are_told_before_one_is_dialled() {
    // Nobody listens there.
    let host = "[providers.host]\ntype = \"ssh\"\ntarget = \"ssh\"\nhost = \"127.0.0.1\"\nport = 9\nuser = \"ci\"\nidentity = \"id\"\nknown_hosts = \"known\"\n\
                [[credentials]]\nid = \"host:user/ci\"\nfields = [\"private_key\"]\n[network]\ntimeout = 2\n";
    let folder = written(host);
    fs::write(folder.path().join("known"), "").unwrap();
    let run = doctor(folder.path(), &["--for", "plan"]);
    let (page, told) = (text(&run.stdout), text(&run.stderr));
    assert_eq!(run.status.code(), Some(1), "{page}{told}");
    assert!(
        told.starts_with("hosts that are dialled, and no other:\n  127.0.0.1:9  (host)\n"),
        "{told}"
    );
    assert!(page.contains("NOT FIT"), "{page}");
}

#[test]
fn nothing_examined_is_not_fit() {
    let folder = written("[providers.files]\ntype = \"file\"\n");
    let run = doctor(folder.path(), &["--for", "plan"]);
    let told = text(&run.stderr);
    assert_eq!((run.status.code(), text(&run.stdout).as_str()), (Some(2), ""), "{told}");
    assert!(told.contains("no `[[credentials]]`") && told.contains("keysweep init"), "{told}");
}

#[test]
fn a_mistake_in_the_file_comes_before_everything() {
    let folder =
        written("[providers.a]\ntype = \"fiel\"\n[providers.b]\ntype = \"file\"\nrot = 1\n");
    let run = doctor(folder.path(), &[]);
    let told = text(&run.stderr);
    assert_eq!((run.status.code(), run.stdout.len()), (Some(2), 0), "{told}");
    assert!(told.contains("`keysweep.toml:2`") && told.contains("did you mean `file`?"), "{told}");
    assert!(told.contains("`keysweep.toml:5`") && told.contains("did you mean `root`?"), "{told}");
    assert!(!told.contains("dialled"), "{told}");
    let missing = doctor(folder.path(), &["-c", "none.toml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("`keysweep init`"));
}

#[test]
fn a_provider_without_its_own_credential_does_not_hide_the_others() {
    let folder =
        written(&format!("{CONFIG}\n[providers.gone]\ntype = \"file\"\nroot = \"none\"\n"));
    let run = doctor(folder.path(), &["--for", "plan"]);
    let page = text(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{page}{}", text(&run.stderr));
    assert!(page.contains("gone") && page.contains("`root` is no folder"), "{page}");
    assert!(page.contains("files:.env#API_TOKEN"), "{page}");
}
