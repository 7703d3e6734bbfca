//! Owner, group, mode and extended attributes: as the old file had them.

use std::{fs, io, os::unix::fs::PermissionsExt};

use rustix::{
    fs::{
        Gid, Uid, XattrFlags, fchown, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query,
        fremovexattr, fsetxattr,
    },
    io::Errno,
};

use crate::Seen;

/// The list of who may reach a file besides owner, group and others.
const ACCESS_LIST: &str = "system.posix_acl_access";

/// Gives `new` what `old` has. In this order: a change of the owner drops bits of the mode.
pub(crate) fn dress(new: &fs::File, old: &fs::File, seen: &Seen) -> io::Result<()> {
    own(new, seen.uid, seen.gid)?;
    copy_extended(new, old)?;
    new.set_permissions(fs::Permissions::from_mode(seen.mode))
}

/// A new file belongs to whom the folder belongs when root makes it: as root's it could not be read by its consumer.
pub(crate) fn own_like_folder(new: &fs::File, folder: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if rustix::process::geteuid().is_root() {
        own(new, folder.uid(), folder.gid())?;
    }
    Ok(())
}

fn own(file: &fs::File, uid: u32, gid: u32) -> io::Result<()> {
    let now = Seen::of(&file.metadata()?);
    if (now.uid, now.gid) != (uid, gid) {
        fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    Ok(())
}

fn copy_extended(new: &fs::File, old: &fs::File) -> io::Result<()> {
    let names = names(old)?;
    for name in &names {
        // Sums of the content, which the kernel makes anew.
        if matches!(name.as_str(), "security.ima" | "security.evm") {
            continue;
        }
        let mut value = vec![0; fgetxattr_query(old, name.as_str())?];
        let length = fgetxattr(old, name.as_str(), &mut value[..])?;
        match fsetxattr(new, name.as_str(), &value[..length], XattrFlags::empty()) {
            // A label that only the system may set: it gave the new file the one of the folder.
            Err(Errno::PERM | Errno::ACCESS | Errno::NOTSUP) if name.starts_with("security.") => {}
            set => set?,
        }
    }
    // A list that the folder gives to new files would let in who could not see the old one.
    if !names.iter().any(|name| name == ACCESS_LIST) {
        match fremovexattr(new, ACCESS_LIST) {
            Err(Errno::NODATA | Errno::NOTSUP) => {}
            removed => removed?,
        }
    }
    Ok(())
}

fn names(file: &fs::File) -> io::Result<Vec<String>> {
    let size = match flistxattr_query(file) {
        Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(Vec::new()),
        size => size?,
    };
    let mut list = vec![0; size];
    let length = flistxattr(file, &mut list[..])?;
    let names = list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}
