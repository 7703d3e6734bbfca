//! Bytes → text.

use std::borrow::Cow;

use super::{Effect, Trouble};

/// The text of a file, without its byte order mark. What is not UTF-8 is replaced, line by line.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, Vec<Trouble>) {
    if let [0xff, 0xfe, rest @ ..] = bytes {
        return utf16(rest, u16::from_le_bytes);
    }
    if let [0xfe, 0xff, rest @ ..] = bytes {
        return utf16(rest, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), Vec::new()),
        Err(error) => {
            let line = 1 + newlines(&bytes[..error.valid_up_to()]);
            let reason = "bytes that are not UTF-8 were replaced from here on";
            let trouble = Trouble::new(line, reason, Effect::Replaced);
            (Cow::Owned(String::from_utf8_lossy(bytes).into_owned()), vec![trouble])
        }
    }
}

/// PowerShell's `>` writes such files.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (Cow<'_, str>, Vec<Trouble>) {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    let text = String::from_utf16_lossy(&units);
    let broken = !rest.is_empty() || char::decode_utf16(units).any(|c| c.is_err());
    let trouble = broken
        .then(|| Trouble::new(1, "bytes that are not UTF-16 were replaced", Effect::Replaced));
    (Cow::Owned(text), trouble.into_iter().collect())
}

fn newlines(bytes: &[u8]) -> u32 {
    let count = bytes.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(count).unwrap_or(u32::MAX)
}
