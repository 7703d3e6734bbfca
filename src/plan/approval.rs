//! Approval: a signature over what is approved, by somebody who may. The signature itself is checked by `ssh-keygen`.

use std::path::Path;

use thiserror::Error;

use super::Plan;
use crate::config::Approval;

/// A signature for another purpose is none for this one.
pub const NAMESPACE: &str = "keysweep-plan";

/// Shorter is no reason.
const LEAST_REASON: usize = 10;

/// What stands behind a plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Evidence<'a> {
    Nothing,
    /// `ssh-keygen -Y verify` took the signature over [`message`] as that of `by`.
    Signed {
        by: &'a str,
    },
    /// Nobody was there to approve, and it cannot wait.
    Emergency {
        by: &'a str,
        reason: &'a str,
    },
}

/// Goes into the journal, and from there into each receipt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Approved {
    /// The policy asks for none.
    NotNeeded,
    By(String),
    Emergency {
        by: String,
        reason: String,
    },
}

#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum NotApproved {
    #[error("the policy wants an approval, and there is none")]
    Missing,
    #[error("`{0}` asked for the rotation and may not approve it, too")]
    Oneself(String),
    #[error("an emergency needs a reason that somebody can read later")]
    NoReason,
    #[error("nobody says who asks for the rotation")]
    NoRequester,
}

impl NotApproved {
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing => {
                "let somebody of the signers' list sign it: `keysweep plan approve PLAN`; or give a reason with \
                 `--emergency`"
            }
            Self::Oneself(_) => {
                "let somebody else sign, or set `requester_may_not_approve = false`"
            }
            Self::NoReason => "say in a sentence why it cannot wait",
            Self::NoRequester => "name yourself with `--as`, as the signers' list does",
        }
    }
}

/// The text that is signed. It names what is approved, so that the signer can read it.
pub fn message(plan: &Plan) -> String {
    format!(
        "keysweep plan, version {}\ncampaign: {}\nrotations: {}\nsha256: {}\n",
        plan.v,
        plan.campaign.escape_default(),
        plan.rotations.len(),
        plan.digest()
    )
}

/// Whether a plan may be carried out for `requester`.
///
/// # Errors
///
/// What the policy wants and is not there.
pub fn approved(
    policy: Option<&Approval>,
    requester: &str,
    evidence: Evidence<'_>,
) -> Result<Approved, NotApproved> {
    let policy = policy.filter(|policy| policy.required);
    match evidence {
        Evidence::Emergency { by, reason } => {
            if by.trim().is_empty() {
                return Err(NotApproved::NoRequester);
            }
            if reason.trim().chars().count() < LEAST_REASON {
                return Err(NotApproved::NoReason);
            }
            Ok(Approved::Emergency { by: by.to_owned(), reason: reason.trim().to_owned() })
        }
        Evidence::Signed { by } => {
            let apart = policy.is_some_and(|policy| policy.requester_may_not_approve);
            if apart && requester.trim().is_empty() {
                return Err(NotApproved::NoRequester);
            }
            // Names in mail addresses differ by case only by mistake.
            if apart && by.trim().eq_ignore_ascii_case(requester.trim()) {
                return Err(NotApproved::Oneself(by.to_owned()));
            }
            Ok(Approved::By(by.to_owned()))
        }
        Evidence::Nothing if policy.is_none() => Ok(Approved::NotNeeded),
        Evidence::Nothing => Err(NotApproved::Missing),
    }
}

impl Approved {
    /// What the journal writes down: `None` where no approval was needed.
    pub fn record(&self) -> Option<String> {
        match self {
            Self::NotNeeded => None,
            Self::By(who) => Some(format!("signed by {who}")),
            Self::Emergency { by, reason } => Some(format!("emergency, {by}: {reason}")),
        }
    }
}

/// Arguments of `ssh-keygen` that sign the file of a message: the signature is `FILE.sig`.
pub fn sign(key: &Path, file: &Path) -> Vec<String> {
    args(&["-Y", "sign", "-n", NAMESPACE], &[("-f", key)], Some(file))
}

/// Arguments that tell the names a signature may stand for, one a line.
pub fn find_principals(signers: &Path, signature: &Path) -> Vec<String> {
    args(&["-Y", "find-principals"], &[("-f", signers), ("-s", signature)], None)
}

/// Arguments that check the signature of `who`; the message comes by standard input.
pub fn verify(signers: &Path, signature: &Path, who: &str) -> Vec<String> {
    let flags = ["-Y", "verify", "-n", NAMESPACE, "-I", who];
    args(&flags, &[("-f", signers), ("-s", signature)], None)
}

fn args(flags: &[&str], files: &[(&str, &Path)], last: Option<&Path>) -> Vec<String> {
    let mut args: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    for (flag, file) in files {
        args.extend([(*flag).to_owned(), file.display().to_string()]);
    }
    args.extend(last.map(|file| file.display().to_string()));
    args
}
