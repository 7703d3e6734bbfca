//! How the file is made, opened and recognised.

use std::{fs, io, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::trouble::{corrupt, unusable};
use crate::rotate::journal::JournalError;

/// Of the tables. A file of a newer one is refused; when there is a second, the first is migrated here.
const VERSION: i64 = 1;

/// "ksj1": a file of another program is not taken for ours.
const APPLICATION: i64 = 0x6b73_6a31;

/// For a lock that another process holds.
const PATIENCE: Duration = Duration::from_secs(20);

const TABLES: [&str; 6] = [
    "CREATE TABLE campaigns (campaign TEXT PRIMARY KEY, digest TEXT NOT NULL, plan TEXT NOT NULL) STRICT",
    "CREATE TABLE escrow (campaign TEXT NOT NULL REFERENCES campaigns, rotation TEXT NOT NULL, credential TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (campaign, rotation)) STRICT",
    "CREATE TABLE events (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, campaign TEXT NOT NULL REFERENCES campaigns, rotation TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL, credential TEXT, sealed TEXT, link TEXT NOT NULL, hash TEXT NOT NULL) STRICT",
    "CREATE INDEX events_by_campaign ON events (campaign, seq)",
    "CREATE TABLE leases (campaign TEXT NOT NULL REFERENCES campaigns, rotation TEXT NOT NULL, holder TEXT NOT NULL, fence INTEGER NOT NULL, until TEXT NOT NULL, sum TEXT NOT NULL, PRIMARY KEY (campaign, rotation)) STRICT",
    "CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL, head TEXT NOT NULL) STRICT",
];

/// Opens the file, which is made when nothing is there. It is not looked into: see `verify`.
pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    let told = |error: io::Error| unusable(format!("{}: {error}", path.display()));
    private_folder(path)?;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)?,
        Err(error) => return Err(told(error)),
        // A link could lead the writes into a file of somebody else.
        Ok(found) if !found.is_file() => {
            return Err(unusable(format!("{} is not a regular file", path.display())));
        }
        Ok(found) => {
            private(&found, path, 0o077, "600")?;
            if found.len() == 0 {
                return Err(corrupt(format!("{} is empty", path.display())));
            }
        }
    }
    let connection = connect(path, OpenFlags::empty())?;
    recognise(&connection)?;
    Ok(connection)
}

/// Makes the file beside its place and links it there whole: at no instant is there half of one, and of two that
/// make it at the same time the first one's stays.
fn create(path: &Path) -> Result<(), JournalError> {
    let told = |error: io::Error| unusable(format!("{}: {error}", path.display()));
    let folder = folder_of(path);
    let draft = tempfile::Builder::new().prefix(".keysweep-").tempdir_in(folder).map_err(told)?;
    let made = draft.path().join("state");
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&made).map_err(told)?;
    let connection = connect(&made, OpenFlags::empty())?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.execute_batch(&format!("BEGIN; {};", TABLES.join(";")))?;
    connection.execute("INSERT INTO meta VALUES (1, 0, '')", [])?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    connection.execute_batch("COMMIT")?;
    connection.close().map_err(|(_, error)| JournalError::from(error))?;
    match fs::hard_link(&made, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        linked => linked.map_err(told)?,
    }
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(told)
}

fn connect(path: &Path, more: OpenFlags) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // An entry is on disk when its transaction ends, on macOS too; what is deleted is overwritten; nothing is put
    // into files of its own; a schema that was tampered with runs no function.
    for (pragma, value) in [
        ("synchronous", "FULL"),
        ("fullfsync", "ON"),
        ("checkpoint_fullfsync", "ON"),
        ("foreign_keys", "ON"),
        ("secure_delete", "ON"),
        ("temp_store", "MEMORY"),
        ("trusted_schema", "OFF"),
        ("cell_size_check", "ON"),
    ] {
        connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(|error| {
            // Most of them answer with no row.
            if error == rusqlite::Error::QueryReturnedNoRows { Ok(()) } else { Err(error) }
        })?;
    }
    Ok(connection)
}

/// Whether it is a state file, of a version that this program knows, with the tables that it made.
fn recognise(connection: &Connection) -> Result<(), JournalError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if number("application_id")? != APPLICATION {
        return Err(corrupt("its header does not say that it is a state file of keysweep"));
    }
    let version = number("user_version")?;
    if version > VERSION {
        return Err(unusable(format!(
            "it has version {version}, and this keysweep knows up to {VERSION}; use the newer keysweep that wrote it"
        )));
    }
    if version < VERSION {
        return Err(corrupt(format!("it says version {version}, which there never was")));
    }
    let mut statement =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql")?;
    let found: Vec<String> =
        statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut own = TABLES.to_vec();
    own.sort_unstable();
    if found != own { Err(corrupt("its tables are not those of a state file")) } else { Ok(()) }
}

/// Moves what is in the log into the file and empties the log, so that no damage to the log can take back an entry.
/// `false`: another process reads, and it has to be done later.
pub(super) fn fold_log(connection: &Connection) -> Result<bool, JournalError> {
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .or_else(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Ok(1),
        _ => Err(error),
    })?;
    Ok(busy == 0)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn private_folder(path: &Path) -> Result<(), JournalError> {
    let folder = folder_of(path);
    let told = |error: io::Error| unusable(format!("{}: {error}", folder.display()));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(told)?;
    private(&fs::metadata(folder).map_err(told)?, folder, 0o022, "700")
}

/// Refuses what others have access to by `bits`, rather than changing what might be meant for them. In a folder that was
/// there before, others must not write: they could put another file in the place of this one.
#[cfg(unix)]
fn private(found: &fs::Metadata, path: &Path, bits: u32, mode: &str) -> Result<(), JournalError> {
    if std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & bits == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(unusable(format!("others have access to {path}; run `chmod {mode} {path}`")))
}

#[cfg(not(unix))]
fn private(_: &fs::Metadata, _: &Path, _: u32, _: &str) -> Result<(), JournalError> {
    Ok(())
}
