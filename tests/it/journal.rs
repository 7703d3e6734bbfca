//! The state file and the escrow, on a real disk: what is damaged is found, who is fenced writes nothing, and what is
//! shredded is in no byte.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use jiff::Timestamp;
use keysweep::{
    plan::{Plan, Purpose},
    rotate::{
        AgeSealer, CampaignJournal, Entry, Event, Journal, JournalError, LeaseError, Sealed,
        Sealer, StateFile, Step, TransferError, keys_new,
    },
};
use keysweep_sdk::{Bundle, CredentialId, SecretValue};
use tempfile::TempDir;

const CANARY: &str = "canary-5f0c2a7e91d34b86";
const TERM: Duration = Duration::from_secs(60);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn plan(campaign: &str) -> Plan {
    Plan {
        v: keysweep::plan::VERSION,
        campaign: campaign.into(),
        made: at(0),
        purpose: Purpose::PostBreach,
        rotations: vec![],
        tasks: vec![],
        gates: vec!["has the entry been closed?".into()],
        hosts: vec![],
        refused: vec![],
        recovery: Default::default(),
    }
}

fn finding(second: i64, what: &str) -> Entry {
    Entry { at: at(second), event: Event::Finding { what: what.into() } }
}

fn done(step: Step) -> Entry {
    Entry { at: at(90), event: Event::Done { step } }
}

fn id(name: &str) -> CredentialId {
    CredentialId::new(name)
}

fn bundle() -> Bundle {
    Bundle::one("access_key_id", SecretValue::new("AKIAEXAMPLE"))
        .with("secret_access_key", SecretValue::new(CANARY))
}

fn state(dir: &TempDir) -> PathBuf {
    dir.path().join("state.db")
}

/// A journal of campaign `c` at `path`, and the fence of rotation `r`.
fn journal(path: &Path, holder: &str) -> (CampaignJournal, u64) {
    let mut file = StateFile::open(path).unwrap();
    file.add(&plan("c"), at(0)).unwrap();
    let lease = file.take("c", "r", holder, at(1), TERM).unwrap();
    (file.journal("c").unwrap(), lease.fence)
}

fn sealer(dir: &TempDir) -> AgeSealer {
    let path = dir.path().join("identity");
    if !path.exists() {
        keys_new(&path).unwrap();
    }
    AgeSealer::with_identity(&path, []).unwrap()
}

/// Whether the bytes stand in any file of the folder.
fn on_disk(dir: &TempDir, bytes: &[u8]) -> bool {
    fs::read_dir(dir.path()).unwrap().flatten().filter(|entry| entry.path().is_file()).any(
        |entry| {
            let found = fs::read(entry.path()).unwrap();
            found.windows(bytes.len()).any(|window| window == bytes)
        },
    )
}

#[test]
fn what_was_written_is_read_again_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let sealer = sealer(&dir);
    let sealed = sealer.seal(&bundle()).unwrap();
    let minted = Entry { at: at(3), event: Event::Minted { id: id("K1") } };
    {
        let (mut journal, fence) = journal(&state(&dir), "one");
        journal.append("r", fence, &finding(2, "first"), None).unwrap();
        journal.append("r", fence, &minted, Some((&id("K1"), &sealed))).unwrap();
    }
    let file = StateFile::open(&state(&dir)).unwrap();
    assert_eq!(file.plan("c").unwrap(), plan("c"));
    let journal = file.journal("c").unwrap();
    assert_eq!(journal.entries("r").unwrap(), [finding(2, "first"), minted]);
    assert_eq!(journal.entries("other").unwrap(), []);
    let (credential, sealed) = journal.sealed("r").unwrap().unwrap();
    assert_eq!(credential, id("K1"));
    assert!(sealer.open(&sealed).unwrap().same(&bundle()));
    assert!(!on_disk(&dir, CANARY.as_bytes()), "a value stands unsealed on the disk");
}

#[test]
fn another_plan_for_a_campaign_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut file = StateFile::open(&state(&dir)).unwrap();
    file.add(&plan("c"), at(0)).unwrap();
    file.add(&plan("c"), at(1)).unwrap();
    let other = Plan { hosts: vec!["example.com".into()], ..plan("c") };
    let error = file.add(&other, at(2)).unwrap_err().to_string();
    assert!(error.contains(&other.digest()) && error.contains(&plan("c").digest()), "{error}");
}

#[test]
fn a_fence_that_is_not_the_newest_writes_nothing() {
    let dir = TempDir::new().unwrap();
    let (mut first, old) = journal(&state(&dir), "one");
    let mut second = StateFile::open(&state(&dir)).unwrap();
    let held = second.take("c", "r", "two", at(30), TERM).unwrap_err();
    assert!(matches!(held, LeaseError::Held { ref holder, .. } if holder == "one"), "{held}");
    // It ran out and nobody took it: the holder may go on.
    first.append("r", old, &finding(70, "late"), None).unwrap();
    let lease = second.take("c", "r", "two", at(70), TERM).unwrap();
    assert!(lease.fence > old);
    let sealed = Sealed(b"sealed".to_vec());
    let error = first.append("r", old, &finding(71, "no"), Some((&id("K"), &sealed))).unwrap_err();
    assert!(matches!(error, JournalError::Fenced { ref holder, .. } if holder == "two"), "{error}");
    assert!(first.shred("r", old, &done(Step::Shred)).is_err());
    assert!(first.file().renew("c", "r", old, at(71), TERM).is_err());
    assert!(first.file().release("c", "r", old, at(71)).is_err());
    assert!(first.append("r", lease.fence + 1, &finding(71, "no"), None).is_err());
    assert_eq!(first.entries("r").unwrap(), [finding(70, "late")]);
    assert_eq!(first.sealed("r").unwrap(), None);

    let taken = first.file().take_over("c", "r", "one", "two hangs", at(72), TERM).unwrap();
    assert!(taken.fence > lease.fence);
    first.append("r", taken.fence, &finding(73, "again"), None).unwrap();
    first.file().release("c", "r", taken.fence, at(74)).unwrap();
    assert!(second.take("c", "r", "three", at(75), TERM).unwrap().fence > taken.fence);
    StateFile::open(&state(&dir)).unwrap();
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let dir = TempDir::new().unwrap();
    let path = state(&dir);
    // They even make the file at the same time.
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let path = path.clone();
            thread::spawn(move || {
                let mut file = StateFile::open(&path).unwrap();
                file.add(&plan("c"), at(0)).unwrap();
                let rotation = format!("r{writer}");
                let fence = file.take("c", &rotation, "me", at(0), TERM).unwrap().fence;
                let mut journal = file.journal("c").unwrap();
                for i in 0..20 {
                    journal.append(&rotation, fence, &finding(i, "x"), None).unwrap();
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let journal = StateFile::open(&path).unwrap().journal("c").unwrap();
    for writer in 0..4 {
        let expected: Vec<_> = (0..20).map(|i| finding(i, "x")).collect();
        assert_eq!(journal.entries(&format!("r{writer}")).unwrap(), expected);
    }
}

const STATE: &str = "KEYSWEEP_TEST_STATE";
const WRITER: &str = "KEYSWEEP_TEST_WRITER";

/// The body of the processes that the next test starts.
#[test]
#[ignore = "started by `a_killed_process_leaves_a_whole_record`"]
fn a_writer_of_its_own() {
    let (Ok(path), Ok(rotation)) = (env::var(STATE), env::var(WRITER)) else { return };
    let mut file = StateFile::open(Path::new(&path)).unwrap();
    let fence = file.take("c", &rotation, "me", at(0), TERM).unwrap().fence;
    let mut journal = file.journal("c").unwrap();
    for i in 0..if rotation == "ends" { 60 } else { 1_000_000 } {
        let sealed = Sealed(i.to_string().into_bytes());
        journal.append(&rotation, fence, &finding(i, "x"), Some((&id("K"), &sealed))).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_a_whole_record() {
    let dir = TempDir::new().unwrap();
    let path = state(&dir);
    let mut file = StateFile::open(&path).unwrap();
    file.add(&plan("c"), at(0)).unwrap();
    let start = |rotation: &str| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "journal::a_writer_of_its_own", "--ignored"]);
        command.env(STATE, &path).env(WRITER, rotation).stdout(Stdio::null()).spawn().unwrap()
    };
    let (mut killed, mut ends) = (start("killed"), start("ends"));
    assert!(ends.wait().unwrap().success());
    let journal = file.journal("c").unwrap();
    while journal.entries("killed").unwrap().len() < 10 {
        assert_eq!(killed.try_wait().unwrap(), None, "it ended by itself");
        thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    drop(journal);

    let journal = StateFile::open(&path).unwrap().journal("c").unwrap();
    let written = |count: usize| (0..).take(count).map(|i| finding(i, "x")).collect::<Vec<_>>();
    assert_eq!(journal.entries("ends").unwrap(), written(60));
    let entries = journal.entries("killed").unwrap();
    assert_eq!(entries, written(entries.len()));
    // The entry and the sealed value of the last transaction are of the same one.
    let last = (entries.len() - 1).to_string().into_bytes();
    assert_eq!(journal.sealed("killed").unwrap(), Some((id("K"), Sealed(last))));
}

#[test]
fn of_holders_that_take_it_at_the_same_time_one_has_it() {
    let dir = TempDir::new().unwrap();
    let path = state(&dir);
    StateFile::open(&path).unwrap().add(&plan("c"), at(0)).unwrap();
    let takers: Vec<_> = (0..4)
        .map(|taker| {
            let path = path.clone();
            thread::spawn(move || {
                let mut file = StateFile::open(&path).unwrap();
                file.take("c", "r", &taker.to_string(), at(0), TERM).is_ok()
            })
        })
        .collect();
    let won = takers.into_iter().map(|taker| taker.join().unwrap());
    assert_eq!(won.filter(|won| *won).count(), 1);
}

#[test]
fn what_is_shredded_is_in_no_byte() {
    let dir = TempDir::new().unwrap();
    let sealed = sealer(&dir).seal(&bundle()).unwrap();
    let (mut journal, fence) = journal(&state(&dir), "one");
    journal.append("r", fence, &finding(1, "before"), Some((&id("K1"), &sealed))).unwrap();
    let middle = &sealed.0[sealed.0.len() - 40..];
    assert!(on_disk(&dir, middle));
    journal.shred("r", fence, &done(Step::Shred)).unwrap();
    assert!(!on_disk(&dir, middle));
    assert_eq!(journal.sealed("r").unwrap(), None);
    assert_eq!(journal.entries("r").unwrap().last(), Some(&done(Step::Shred)));
    // Twice is once, and a value that is replaced is gone, too.
    journal.shred("r", fence, &done(Step::Shred)).unwrap();
    journal.append("r", fence, &finding(2, "again"), Some((&id("K2"), &sealed))).unwrap();
    let other = Sealed(b"another sealed value".to_vec());
    journal.append("r", fence, &finding(3, "again"), Some((&id("K3"), &other))).unwrap();
    assert!(!on_disk(&dir, middle));
    drop(journal);
    let journal = StateFile::open(&state(&dir)).unwrap().journal("c").unwrap();
    assert_eq!(journal.sealed("r").unwrap(), Some((id("K3"), other)));
}

/// What the file says, all of it, or why it says nothing.
fn reading(path: &Path) -> Result<String, JournalError> {
    let file = StateFile::open(path)?;
    let (campaigns, plan) = (file.campaigns()?, file.plan("c")?);
    let (lease, orphans) = (file.lease("c", "r")?, file.orphans()?);
    let journal = file.journal("c")?;
    let (entries, sealed) = (journal.entries("r")?, journal.sealed("r")?);
    Ok(format!("{campaigns:?}{plan:?}{lease:?}{orphans:?}{entries:?}{sealed:?}"))
}

#[test]
fn damage_is_found_or_harmless() {
    let dir = TempDir::new().unwrap();
    let sealed = sealer(&dir).seal(&bundle()).unwrap();
    let path = state(&dir);
    {
        let (mut journal, fence) = journal(&path, "one");
        let orphan = Event::Orphan { id: id("K0"), why: "its reply was lost".into() };
        journal.append("r", fence, &Entry { at: at(1), event: orphan }, None).unwrap();
        journal.append("r", fence, &finding(2, "b"), Some((&id("K1"), &sealed))).unwrap();
        for i in 3..12 {
            journal.append("r", fence, &finding(i, "something to read"), None).unwrap();
        }
    }
    let whole = fs::read(&path).unwrap();
    assert!(!path.with_extension("db-wal").exists(), "the log was not folded");
    let good = reading(&path).unwrap();
    let hurt = dir.path().join("hurt.db");
    let check = |bytes: &[u8], how: &str| {
        for tail in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(dir.path().join(format!("hurt.db{tail}")));
        }
        // A copy keeps the mode.
        fs::copy(&path, &hurt).unwrap();
        fs::write(&hurt, bytes).unwrap();
        match reading(&hurt) {
            Ok(found) => {
                assert_eq!(found, good, "{how} changed what is read");
                false
            }
            Err(_) => true,
        }
    };
    assert!(!check(&whole, "nothing"));
    assert!(check(&[], "emptying"));
    for length in (1..whole.len()).step_by(977) {
        assert!(check(&whole[..length], &format!("cutting to {length}")), "cut to {length}");
    }
    // Every place that holds something, thinned out, each with another bit.
    let places: Vec<_> = (0..whole.len()).filter(|i| whole[*i] != 0).collect();
    let mut found = 0;
    let tried = places.iter().step_by(11).chain(places.iter().take(100));
    for (n, place) in tried.clone().enumerate() {
        let mut bytes = whole.clone();
        bytes[*place] ^= 1 << (n % 8);
        found += usize::from(check(&bytes, &format!("bit {} of byte {place}", n % 8)));
    }
    let tried = tried.count();
    assert!(tried > 500 && found * 10 > tried * 8, "{found} of {tried} were found");
}

#[test]
fn a_newer_version_and_a_strange_file_are_refused() {
    let dir = TempDir::new().unwrap();
    let path = state(&dir);
    drop(StateFile::open(&path).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    // `user_version`, big-endian: https://www.sqlite.org/fileformat2.html#user_version_number
    bytes[60..64].copy_from_slice(&2_u32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = StateFile::open(&path).unwrap_err();
    assert!(
        matches!(error, JournalError::Unusable(ref why) if why.contains("version 2")),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), bytes, "it was written to");
    fs::write(&path, "a text that is no database, and long enough to be looked at").unwrap();
    assert!(matches!(StateFile::open(&path), Err(JournalError::Corrupt(_))));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = TempDir::new().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let path = dir.path().join("deep/down/state.db");
    let file = StateFile::open(&path).unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    drop(file);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "something is left over");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = StateFile::open(&path).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let link = dir.path().join("link.db");
    symlink(&path, &link).unwrap();
    assert!(StateFile::open(&link).is_err());
    let key = dir.path().join("key");
    keys_new(&key).unwrap();
    assert_eq!(mode(&key), 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(AgeSealer::with_identity(&key, []).is_err());
}

#[test]
fn only_its_recipients_open_what_was_sealed() {
    let dir = TempDir::new().unwrap();
    let (mine, yours, strangers) =
        (dir.path().join("mine"), dir.path().join("yours"), dir.path().join("strangers"));
    let (to_me, to_you) = (keys_new(&mine).unwrap(), keys_new(&yours).unwrap());
    keys_new(&strangers).unwrap();
    let before = fs::read(&mine).unwrap();
    assert!(keys_new(&mine).is_err());
    assert_eq!(fs::read(&mine).unwrap(), before, "a key was overwritten");

    let closed = AgeSealer::to([to_me.as_str(), to_you.as_str()]).unwrap();
    let sealed = closed.seal(&bundle()).unwrap();
    for key in [&mine, &yours] {
        let opened = AgeSealer::with_identity(key, []).unwrap().open(&sealed).unwrap();
        assert!(opened.same(&bundle()));
    }
    let error = closed.open(&sealed).unwrap_err().to_string();
    assert!(error.contains(&to_me) && error.contains("keys new"), "{error}");
    let error = AgeSealer::with_identity(&strangers, []).unwrap().open(&sealed).unwrap_err();
    assert!(error.to_string().contains("strangers"), "{error}");
    for i in 0..sealed.0.len() {
        let mut bytes = sealed.0.clone();
        bytes[i] ^= 1;
        let opened = AgeSealer::with_identity(&mine, []).unwrap().open(&Sealed(bytes));
        assert!(opened.is_err(), "byte {i} was changed, and it opened");
    }
    assert!(AgeSealer::to([]).is_err() && AgeSealer::to(["age1x"]).is_err());
}

#[test]
fn a_campaign_moves_to_another_host_and_back() {
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let sealer = sealer(&here);
    let sealed = sealer.seal(&bundle()).unwrap();
    let (mut first, fence) = journal(&state(&here), "one");
    first.append("r", fence, &finding(1, "a"), Some((&id("K1"), &sealed))).unwrap();
    let held = first.file().export("c", "host-b", &sealer, at(2)).unwrap_err();
    assert!(matches!(held, TransferError::Refused(_)), "{held}");
    let parcel = first.file().export("c", "host-b", &sealer, at(100)).unwrap();

    let error = first.append("r", fence, &finding(101, "no"), None).unwrap_err();
    assert!(matches!(error, JournalError::Fenced { ref holder, .. } if holder == "host-b"));
    assert!(first.file().take("c", "r", "one", at(101), TERM).is_err());
    assert!(first.file().export("c", "host-c", &sealer, at(101)).is_err());
    first.file().export("c", "host-b", &sealer, at(101)).unwrap();

    let mut other = StateFile::open(&state(&there)).unwrap();
    assert!(other.import(&parcel, "host-c", &sealer, at(102)).is_err(), "sent to another host");
    let mut changed = parcel.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(other.import(&changed, "host-b", &sealer, at(102)).is_err());
    assert_eq!(other.import(&parcel, "host-b", &sealer, at(102)).unwrap(), "c");
    let twice = other.import(&parcel, "host-b", &sealer, at(103)).unwrap_err();
    assert!(matches!(twice, TransferError::Refused(_)), "{twice}");
    let lease = other.take("c", "r", "two", at(103), TERM).unwrap();
    assert!(lease.fence > fence + 1);
    let mut second = other.journal("c").unwrap();
    assert!(matches!(
        second.append("r", fence, &finding(104, "no"), None),
        Err(JournalError::Fenced { .. })
    ));
    second.append("r", lease.fence, &finding(104, "b"), None).unwrap();
    assert_eq!(second.sealed("r").unwrap(), Some((id("K1"), sealed)));

    second.file().release("c", "r", lease.fence, at(105)).unwrap();
    let back = second.file().export("c", "host-a", &sealer, at(106)).unwrap();
    first.file().import(&back, "host-a", &sealer, at(107)).unwrap();
    assert_eq!(first.entries("r").unwrap(), [finding(1, "a"), finding(104, "b")]);
    assert!(first.file().import(&parcel, "host-b", &sealer, at(108)).is_err(), "an old copy");
    for dir in [&here, &there] {
        StateFile::open(&state(dir)).unwrap();
        assert!(!on_disk(dir, CANARY.as_bytes()));
    }
}

#[test]
fn orphans_are_listed_until_they_are_gone() {
    let dir = TempDir::new().unwrap();
    let (mut journal, fence) = journal(&state(&dir), "one");
    for name in ["K1", "K2"] {
        let event = Event::Orphan { id: id(name), why: "its reply was lost".into() };
        journal.append("r", fence, &Entry { at: at(1), event }, None).unwrap();
    }
    let gone = Entry { at: at(2), event: Event::OrphanGone { id: id("K1") } };
    journal.append("r", fence, &gone, None).unwrap();
    let left = journal.into_file().orphans().unwrap();
    let left: Vec<_> =
        left.iter().map(|stray| (&*stray.campaign, &*stray.rotation, &stray.id)).collect();
    assert_eq!(left, [("c", "r", &id("K2"))]);
}
