//! Real files: what is kept, what is refused, and what a death at any point leaves.
#![expect(clippy::unwrap_used, reason = "for tests only")]

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::Command,
    time::Duration,
};

use keysweep_atomic_file::{Locked, Target, Trouble};
use keysweep_sdk::{Effect, ErrorKind};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

const OLD: &str = "the old planted text\n";
const NOBODY: u32 = 65_534;
const NEW: &str = "the new planted text, which is longer\n";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn locked(path: &Path) -> Result<Locked, Trouble> {
    runtime().block_on(Target::resolve(path)?.lock(Duration::ZERO))
}

fn replace(path: &Path, text: &str) -> Result<(), Trouble> {
    let locked = locked(path)?;
    let version = locked.target().look()?.map(|seen| seen.version);
    locked.write(version, text.as_bytes()).map(drop)
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn mode_owner_and_attributes_stay_and_no_copy_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".env");
    fs::write(&path, OLD).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    if is_root() {
        chown(&path, Some(33), Some(34)).unwrap();
    }
    let flags = rustix::fs::XattrFlags::empty();
    let attributes = rustix::fs::setxattr(&path, "user.note", b"kept", flags).is_ok();
    let before = fs::metadata(&path).unwrap();

    replace(&path, NEW).unwrap();

    let after = fs::metadata(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), NEW);
    let owner = |meta: &fs::Metadata| (meta.mode(), meta.uid(), meta.gid());
    assert_eq!(owner(&before), owner(&after));
    assert_eq!(names(dir.path()), [".env"]);
    if attributes {
        let mut value = [0; 16];
        let length = rustix::fs::getxattr(&path, "user.note", &mut value).unwrap();
        assert_eq!(&value[..length], b"kept");
    }
}

/// As the kernel keeps it: version 2, then tag, permissions and id of each entry. User 33 may read.
fn access_list() -> Vec<u8> {
    const NO_ID: u32 = u32::MAX;
    let entries = [
        (0x01u16, 6u16, NO_ID),
        (0x02, 4, 33),
        (0x04, 4, NO_ID),
        (0x10, 4, NO_ID),
        (0x20, 0, NO_ID),
    ];
    let mut list = 2u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

#[test]
fn an_access_list_stays_and_none_is_inherited() {
    const ACCESS: &str = "system.posix_acl_access";
    let dir = tempfile::tempdir().unwrap();
    let [with, without] = ["with", "without"].map(|name| dir.path().join(name));
    for path in [&with, &without] {
        fs::write(path, OLD).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    }
    let (list, flags) = (access_list(), rustix::fs::XattrFlags::empty());
    let set = |path: &Path, name: &str| rustix::fs::setxattr(path, name, &list, flags);
    if set(&with, ACCESS).is_err() || set(dir.path(), "system.posix_acl_default").is_err() {
        return; // The file system has no access lists.
    }
    for path in [&with, &without] {
        replace(path, NEW).unwrap();
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o640);
    }
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(&with, ACCESS, &mut value).unwrap();
    assert_eq!(&value[..length], &list[..]);
    assert!(rustix::fs::getxattr(&without, ACCESS, &mut value).is_err(), "others were let in");
}

#[test]
fn a_new_file_is_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    if is_root() {
        chown(dir.path(), Some(33), Some(34)).unwrap();
    }
    let path = dir.path().join("new");
    replace(&path, NEW).unwrap();
    let (meta, folder) = (fs::metadata(&path).unwrap(), fs::metadata(dir.path()).unwrap());
    assert_eq!(meta.mode() & 0o7777, 0o600);
    assert_eq!(meta.uid(), folder.uid());
}

#[test]
fn links_lead_to_the_real_file() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let real = other.path().join("real");
    fs::write(&real, OLD).unwrap();
    let link = dir.path().join("link");
    symlink(&real, &link).unwrap();
    replace(&link, NEW).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), NEW);
    assert_eq!(names(dir.path()), ["link"]);

    fs::remove_file(&real).unwrap();
    assert_eq!(replace(&link, NEW).unwrap_err().kind, ErrorKind::NotFound);
    let nowhere = replace(&dir.path().join("no/file"), NEW).unwrap_err();
    assert_eq!((nowhere.kind, nowhere.effect), (ErrorKind::NotFound, Effect::None));
}

#[test]
fn what_would_not_be_the_same_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, OLD).unwrap();
    fs::hard_link(&path, dir.path().join("b")).unwrap();
    let error = replace(&path, NEW).unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Invalid, Effect::None));
    assert!(error.hint.is_some() && !format!("{error:?}").contains("planted"));
    assert_eq!(fs::read_to_string(dir.path().join("b")).unwrap(), OLD);

    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    assert_eq!(replace(&folder, NEW).unwrap_err().kind, ErrorKind::Invalid);
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(replace(&pipe, NEW).unwrap_err().kind, ErrorKind::Invalid);
}

/// Not a test of its own: what somebody who is nobody is told.
#[test]
fn tries() {
    let Some(path) = env::var_os("KEYSWEEP_TRY_ON") else { return };
    let error = replace(Path::new(&path), NEW).unwrap_err();
    println!("told: {:?} {:?} {} {:?}", error.kind, error.effect, error.message, error.hint);
}

#[test]
fn what_only_somebody_else_may_write_is_refused() {
    if !is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let exe = dir.path().join("test");
    fs::copy(env::current_exe().unwrap(), &exe).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let path = dir.path().join("a");
    // Owner, group and mode of the file, mode of the folder.
    for (uid, gid, mode, folder, told) in [
        (0, 0, 0o666, 0o777, "belongs to user 0"),
        (NOBODY, 0, 0o660, 0o777, "belongs to group 0"),
        (NOBODY, NOBODY, 0o400, 0o777, "cannot write"),
        (NOBODY, NOBODY, 0o600, 0o755, "cannot write in"),
        (0, 0, 0o600, 0o777, "cannot write"),
    ] {
        fs::write(&path, OLD).unwrap();
        chown(&path, Some(uid), Some(gid)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(folder)).unwrap();
        let mut command = Command::new(&exe);
        command.args(["tries", "--exact", "--nocapture"]).env("KEYSWEEP_TRY_ON", &path);
        let output = command.uid(NOBODY).gid(NOBODY).current_dir("/").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(told) && text.contains("None") && text.contains("Some("), "{text}");
        assert!(!text.contains("planted"), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), OLD);
        assert_eq!(names(dir.path()), ["a", "test"]);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn the_version_is_kept_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, OLD).unwrap();
    let locked = locked(&path).unwrap();
    let version = locked.target().look().unwrap().unwrap().version;
    fs::write(&path, "somebody else's\n").unwrap();
    let error = locked.write(Some(version), NEW.as_bytes()).unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Conflict, Effect::None));
    assert_eq!(locked.write(None, NEW.as_bytes()).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(fs::read_to_string(&path).unwrap(), "somebody else's\n");
    assert_eq!(names(dir.path()), ["a"]);
}

#[test]
fn one_writer_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let first = locked(&path).unwrap();
    let second = locked(&path).unwrap_err();
    assert_eq!((second.kind, second.effect), (ErrorKind::Unavailable, Effect::None));
    drop(first);
    locked(&path).unwrap();
}

/// The system calls of a replacement: a death at each of them.
const DEATHS: &[(&str, i64)] = &[
    #[cfg(target_arch = "x86_64")]
    ("fsync", 74),
    #[cfg(target_arch = "x86_64")]
    ("fchmod", 91),
    #[cfg(target_arch = "x86_64")]
    ("fchown", 93),
    #[cfg(target_arch = "x86_64")]
    ("rename", 82),
    #[cfg(target_arch = "x86_64")]
    ("renameat", 264),
    #[cfg(target_arch = "x86_64")]
    ("renameat2", 316),
];

/// Not a test of its own: the process that dies. `KEYSWEEP_DIE_AT` is the number of the call.
#[test]
fn dies() {
    let (Some(call), Some(path)) = (env::var_os("KEYSWEEP_DIE_AT"), env::var_os("KEYSWEEP_DIE_ON"))
    else {
        return;
    };
    let call: i64 = call.to_str().unwrap().parse().unwrap();
    let rules = BTreeMap::from([(call, Vec::new())]);
    let (allow, kill) = (SeccompAction::Allow, SeccompAction::KillProcess);
    let arch = env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, allow, kill, arch).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
    replace(Path::new(&path), NEW).unwrap();
}

#[test]
fn a_death_leaves_the_old_or_the_new_and_the_next_run_the_rest() {
    let mut killed = Vec::new();
    for (name, call) in DEATHS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        fs::write(&path, OLD).unwrap();
        if is_root() {
            chown(&path, Some(33), Some(34)).unwrap();
        }
        let status = Command::new(env::current_exe().unwrap())
            .args(["dies", "--exact", "--nocapture"])
            .env("KEYSWEEP_DIE_AT", call.to_string())
            .env("KEYSWEEP_DIE_ON", &path)
            .output()
            .unwrap()
            .status;
        let text = fs::read_to_string(&path).unwrap();
        assert!(text == OLD || text == NEW, "{name}: {text:?}");
        if status.signal().is_some() {
            killed.push(*name);
            for left in names(dir.path()) {
                let mode = fs::metadata(dir.path().join(&left)).unwrap().mode() & 0o777;
                assert!(
                    left == ".env" || mode & 0o077 == 0 || text == OLD,
                    "{name}: {left} {mode:o}"
                );
            }
        }
        replace(&path, NEW).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), NEW);
        assert_eq!(names(dir.path()), [".env"], "{name}");
    }
    if cfg!(target_arch = "x86_64") {
        assert!(
            killed.contains(&"fsync") && killed.iter().any(|n| n.starts_with("rename")),
            "{killed:?}"
        );
    }
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_or_the_new() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let texts = ["a".repeat(200_000), "b".repeat(200_000)];
    fs::write(&path, &texts[0]).unwrap();
    for round in 0..20 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["writes_for_ever", "--exact", "--nocapture"])
            .env("KEYSWEEP_WRITE_ON", &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20 + round * 3));
        child.kill().unwrap();
        child.wait().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(texts.contains(&text), "a torn file of {} bytes", text.len());
    }
    replace(&path, &texts[1]).unwrap();
    assert_eq!(names(dir.path()), ["a"]);
}

/// Not a test of its own: the process that is killed.
#[test]
fn writes_for_ever() {
    let Some(path) = env::var_os("KEYSWEEP_WRITE_ON") else { return };
    for text in ["a", "b"].iter().cycle() {
        replace(Path::new(&path), &text.repeat(200_000)).unwrap();
    }
}
