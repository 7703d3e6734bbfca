//! Hashes: whole, of the right type, and not put together from two.

use super::Linter;
use crate::incident::{
    document::Document,
    reference::{is_commit, is_sha256},
};

/// Two different commit ids that begin or end alike for so long are not both real: by chance it happens
/// once in 16⁹ pairs. Scanners have shipped such ids for real incidents.
pub(super) const TOO_ALIKE: usize = 9;

impl Linter<'_> {
    pub(super) fn commit(&mut self, key: &str, commit: &str) {
        if !is_commit(commit) {
            let message = format!("`{commit}` is not a whole commit id ({})", measure(commit));
            self.report(
                key,
                message,
                "a key needs all 40 hex digits; a shorter one is a lead: put it in a text",
            );
        } else if commit.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.report(key, format!("`{commit}` is in upper case"), "write hex in lower case");
        }
    }

    pub(super) fn oci_digest(&mut self, key: &str, digest: &str) {
        if !digest.strip_prefix("sha256:").is_some_and(is_sha256) {
            let message = format!("`{digest}` is not an image digest ({})", measure(digest));
            self.report(key, message, "write `sha256:` and all 64 hex digits");
        }
    }

    pub(super) fn sha256(&mut self, key: &str, hash: &str) {
        if !is_sha256(hash) {
            let message = format!("`{hash}` is not a SHA-256 in hex ({})", measure(hash));
            self.report(
                key,
                message,
                "write all 64 hex digits; base64 has to be turned into hex first",
            );
        }
    }

    pub(super) fn spliced(&mut self) {
        let mut commits = commits(self.document);
        commits.sort_by(|a, b| a.1.cmp(&b.1));
        self.alike(&commits, "begin");
        for (_, commit) in &mut commits {
            *commit = commit.chars().rev().collect();
        }
        commits.sort_by(|a, b| a.1.cmp(&b.1));
        self.alike(&commits, "end");
    }

    fn alike(&mut self, sorted: &[(String, String)], how: &str) {
        for pair in sorted.windows(2) {
            let [(other, a), (key, b)] = pair else { continue };
            let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
            if a != b && common >= TOO_ALIKE {
                let message =
                    format!("this id and that of `{other}` {how} with the same {common} digits");
                self.report(
                    key,
                    message,
                    "one of them is made up: compare both with a primary source",
                );
            }
        }
    }
}

/// Every commit id that a verdict may rest on, with its key.
pub(super) fn commits(document: &Document) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (i, component) in document.components.iter().enumerate() {
        for (j, bad) in component.bad_commits.iter().enumerate() {
            all.push((format!("components[{i}].bad_commits[{j}].commit"), bad.commit.clone()));
        }
        for (j, identity) in component.identities.iter().enumerate() {
            all.push((format!("components[{i}].identities[{j}].commit"), identity.commit.clone()));
        }
    }
    all
}

fn measure(text: &str) -> String {
    let hex = text.bytes().filter(u8::is_ascii_hexdigit).count();
    if hex == text.len() {
        format!("{hex} hex digits")
    } else {
        format!("{} characters, not all hex", text.chars().count())
    }
}
