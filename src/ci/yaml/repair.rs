//! What GitHub's reader accepts and ours refuses: a comment that touches what stands before it
//! (`"x"# why`, `run: |# why`).

use granit_parser::ErrorKind;

use super::compose::{Read, compose as compose_strictly};

/// Each repair costs a reading; so many bytes may be read again.
const MAX_READ_AGAIN: usize = 8 << 20;

const MAX_REPAIRS: usize = 64;

/// Reads `text`, and where that fails for such a comment, a copy with a space before it: the same
/// lines, so that every place stays true.
pub(super) fn compose(text: &str) -> Read {
    let mut read = compose_strictly(text);
    let mut copy = String::new();
    for _ in 0..MAX_REPAIRS.min(MAX_READ_AGAIN / text.len().max(1)) {
        let Some(at) = touching_comment(&read) else { break };
        if copy.is_empty() {
            copy.push_str(text);
        }
        if !copy.get(at..).is_some_and(|rest| rest.starts_with('#')) {
            break;
        }
        copy.insert(at, ' ');
        read = compose_strictly(&copy);
    }
    read
}

fn touching_comment(read: &Read) -> Option<usize> {
    let error = read.error.as_ref()?;
    match error.kind() {
        ErrorKind::CommentNotSeparated => error.marker().byte_offset(),
        _ => None,
    }
}
