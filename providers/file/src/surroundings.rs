//! Who else sees a file, and who else writes it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use keysweep_atomic_file::Seen;

/// Who else may read it, by the bits of its mode. The folders on the way may keep some of them out.
pub(crate) fn seen_by(seen: &Seen) -> Vec<String> {
    let mut others = Vec::new();
    if seen.mode & 0o040 != 0 {
        others.push(format!("group {}", group(seen.gid)));
    }
    if seen.mode & 0o004 != 0 {
        others.push("every user of this machine (world-readable)".to_owned());
    }
    others
}

/// The name of a group, where the machine has it in a file; else its number.
fn group(gid: u32) -> String {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let named = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| gid.to_string())
}

/// The tool that encrypts the file, by what it leaves in it. Such a file has to be written by that tool.
pub(crate) fn encrypted_by(text: &str) -> Option<&'static str> {
    let sops = |line: &str| {
        let line = line.trim_start();
        line.starts_with("sops:")
            || line.starts_with("\"sops\":")
            || line.starts_with("sops_version=")
            || line == "[sops]"
    };
    if text.starts_with("$ANSIBLE_VAULT;") {
        return Some("ansible-vault");
    }
    if text.starts_with("age-encryption.org/") || text.contains("-----BEGIN AGE ENCRYPTED FILE") {
        return Some("age");
    }
    if text.starts_with("-----BEGIN PGP MESSAGE") {
        return Some("PGP");
    }
    (text.contains("ENC[AES256_GCM,") && text.lines().any(sops)).then_some("SOPS")
}

/// The work tree in whose index the file is: a checkout would undo a write.
pub(crate) fn tracked_by(path: &Path) -> Option<PathBuf> {
    let tree = path.ancestors().skip(1).find(|folder| folder.join(".git").exists())?;
    let name = path.strip_prefix(tree).ok()?.to_str()?;
    let index = git_folder(&tree.join(".git"))?.join("index");
    if !index.exists() {
        return None;
    }
    // Read here: to ask git itself would run what the configuration of a foreign work tree says.
    let kind = gix_index::hash::Kind::Sha1;
    match gix_index::File::at(&index, kind, true, gix_index::decode::Options::default()) {
        Ok(index) => index.entry_by_path(name.into()).map(|_| tree.to_owned()),
        // What cannot be read may well have it.
        Err(_) => Some(tree.to_owned()),
    }
}

/// `.git` is the folder, or names it: in worktrees and submodules.
fn git_folder(dot_git: &Path) -> Option<PathBuf> {
    if dot_git.is_dir() {
        return Some(dot_git.to_owned());
    }
    let text = fs::read_to_string(dot_git).ok()?;
    let named = text.strip_prefix("gitdir:")?.trim();
    Some(dot_git.parent()?.join(named))
}
