//! `keysweep init`: a first configuration from what lies around, by name only.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use keysweep::config;

fn init(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keysweep"))
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder.join("home"))
        .env("VAULT_ADDR", "https://me:planted@vault.example:8200")
        .env("PATH", folder.join("bin"))
        .arg("init")
        .args(args)
        .output()
        .unwrap()
}

fn full(folder: &Path) {
    for made in ["home/.aws", "bin", ".github/workflows"] {
        fs::create_dir_all(folder.join(made)).unwrap();
    }
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write(
        ".env",
        "# c\nAPI_TOKEN=planted-1\nexport DB_PASSWORD='planted-2'\nPORT=80\nX_TOKEN_FILE=/run/x\n",
    );
    write(".env.example", "SHOWN_TOKEN=\n");
    write("home/.aws/config", "[default]\nregion = eu-west-1\n[profile prod]\n");
    write("home/.aws/credentials", "[ci]\naws_secret_access_key = planted-3\n");
    write("bin/gh", "");
    write(
        ".github/workflows/a.yml",
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: npm publish\n        env:\n          NODE_AUTH_TOKEN: ${{ secrets.NPM_TOKEN }}\n",
    );
}

#[test]
fn a_first_configuration_names_what_lies_around() {
    let folder = tempfile::tempdir().unwrap();
    full(folder.path());
    let run = init(folder.path(), &[]);
    let told = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{told}");
    let text = fs::read_to_string(folder.path().join("keysweep.toml")).unwrap();
    // Which types of provider there are is the registry's business.
    let (above, below) = text.split_once("# Seen here").unwrap();
    insta::assert_snapshot!(above);
    for name in [
        "API_TOKEN, DB_PASSWORD",
        "NPM_TOKEN",
        "ci, default, prod, region eu-west-1",
        "https://vault.example:8200",
        "gh",
    ] {
        assert!(below.contains(name), "{name}: {below}");
    }
    let config = config::load(&folder.path().join("keysweep.toml")).unwrap();
    assert_eq!(config.credentials[0].name.to_string(), "console:API_TOKEN");
    assert_eq!(config.credentials[0].stores[0].at.to_string(), "files:.env#API_TOKEN");
    for page in [&text, &*told, &*String::from_utf8_lossy(&run.stdout)] {
        assert!(!page.contains("planted"), "{page}");
    }
    let page = String::from_utf8(run.stdout).unwrap();
    assert!(
        page.starts_with("wrote `keysweep.toml`: 2 in dotenv files, 1 in CI files, 3 profiles"),
        "{page}"
    );
}

#[test]
fn where_nothing_lies_there_is_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let run = init(folder.path(), &["-o", "first.toml"]);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let text = fs::read_to_string(folder.path().join("first.toml")).unwrap();
    let config = config::load(&folder.path().join("first.toml")).unwrap();
    assert!(config.credentials.is_empty() && text.contains("# [[credentials]]"), "{text}");
    // The example is right once its marks are gone.
    let filled = text.replace("\n# [[", "\n[[").replace("\n# id", "\nid");
    let filled = filled.replace("\n# fields", "\nfields").replace("\n# stores", "\nstores");
    assert_eq!(config::parse("x", &filled).unwrap().credentials.len(), 1);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keysweep.toml");
    fs::write(&path, "mine").unwrap();
    let run = init(folder.path(), &[]);
    let told = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(2));
    assert!(told.contains("is not overwritten") && told.contains("`-o FILE`"), "{told}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn the_doctor_takes_a_first_configuration() {
    let folder = tempfile::tempdir().unwrap();
    full(folder.path());
    assert_eq!(init(folder.path(), &[]).status.code(), Some(0));
    let run = Command::new(env!("CARGO_BIN_EXE_keysweep"))
        .current_dir(folder.path())
        .args(["doctor", "--for", "plan"])
        .output()
        .unwrap();
    let page = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{page}{}", String::from_utf8_lossy(&run.stderr));
    assert!(page.starts_with("FIT: "), "{page}");
}
