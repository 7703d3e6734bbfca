//! The reader's words for the values of a report.

use anstyle::{AnsiColor, Style};
use tabled::settings::Color;

use crate::{
    assess::{
        Carrier, Confidence, Consumer, CoverageState, Disposition, Exposure, Placement, Verdict,
    },
    ci::model::{Component, Kind, Pinned, Platform, Verified},
    resolve::{Issuer, IssuerConfidence},
};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const ALARM: Style = AnsiColor::Red.on_default().bold();
pub(super) const DOUBT: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const CALM: Style = AnsiColor::Green.on_default().bold();

/// `text` in a style, and the reader's own style after it.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

pub(super) fn verdict(verdict: Verdict) -> (&'static str, Style) {
    match verdict {
        Verdict::Exposed => ("EXPOSED", ALARM),
        Verdict::Unknown => ("UNKNOWN", DOUBT),
        Verdict::Cleared => ("CLEARED", CALM),
        Verdict::NotFound => ("NOT FOUND", CALM),
    }
}

pub(super) fn carrier(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Env => "environment",
        Carrier::Input => "action input",
        Carrier::Script => "script text",
        Carrier::Memory => "runner memory",
        Carrier::File => "file on disk",
        Carrier::Token => "job token",
        Carrier::Store => "CI store",
    }
}

pub(super) fn confidence(confidence: Confidence) -> (&'static str, Option<Color>) {
    match confidence {
        Confidence::Confirmed => ("confirmed", Some(Color::FG_RED)),
        Confidence::Inferred => ("inferred", Some(Color::FG_RED)),
        Confidence::Possible => ("possible", Some(Color::FG_YELLOW)),
    }
}

pub(super) fn disposition(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Rotate => "rotate",
        Disposition::Retire => "retire",
        Disposition::RevokeSession => "end sessions",
        Disposition::AuditOnly => "audit its use",
        Disposition::SigningKey => "replace key",
        Disposition::NotACredential => "nothing",
        Disposition::Decide => "decide",
    }
}

/// What the reader is to do, for the derivation of one line.
pub(super) fn advice(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Rotate => {
            "rotate: make a new one, put it in place, end the old one, then look for its use"
        }
        Disposition::Retire => "retire: nothing needs it any more, so end it",
        Disposition::RevokeSession => "end the sessions that were opened with it",
        Disposition::AuditOnly => {
            "audit its use: it died with its job, so look at what its permissions allowed until then"
        }
        Disposition::SigningKey => {
            "replace the key, and decide what to do with everything it has signed"
        }
        Disposition::NotACredential => "nothing: a name or address opens no door by itself",
        Disposition::Decide => "decide: find out what it opens; in doubt, rotate it",
    }
}

/// Scope of a placement; where the files do not tell, what it may be.
pub(super) fn scope(placement: &Placement) -> String {
    named_scope(placement.platform, &placement.scope, &placement.scope_candidates)
}

pub(super) fn named_scope(platform: Platform, scope: &str, candidates: &[String]) -> String {
    match (scope, candidates) {
        ("repo", _) => "repository secret".to_owned(),
        ("org", _) => "organisation secret".to_owned(),
        ("job", _) => "made for the job".to_owned(),
        ("project", _) => format!("project settings of {}", platform_name(platform)),
        ("literal", _) => "written in the file".to_owned(),
        ("unknown", []) => "scope unknown".to_owned(),
        ("unknown", [first]) => format!("perhaps {first}"),
        ("unknown", [first @ .., last]) => format!("{} or {last}", first.join(", ")),
        (other, _) => other.to_owned(),
    }
}

/// `aws-access-key? (eu-west-1)`: what a secret is; a question mark where only a name or a quarrel tells.
pub(super) fn issuer(issuer: &Issuer) -> Option<String> {
    let (mark, known) = match issuer.confidence {
        IssuerConfidence::Unknown => return None,
        IssuerConfidence::Possible => ("?", &issuer.kind),
        IssuerConfidence::Likely | IssuerConfidence::Certain => ("", &issuer.kind),
    };
    let others: String = issuer.also.iter().map(|kind| format!(" or {kind}")).collect();
    let account = issuer.account.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
    let who = match issuer.field.as_deref() {
        Some(field @ ("username" | "email")) => format!("{field} of "),
        _ => String::new(),
    };
    Some(format!("{who}{known}{mark}{others}{account}"))
}

/// The issuer that speaks for a row of several parts: the surest, and of equals the secret's own.
pub(super) fn best<'i>(issuers: impl Iterator<Item = &'i Issuer>) -> Option<&'i Issuer> {
    issuers.max_by_key(|issuer| {
        let field = issuer.field.as_deref().unwrap_or_default();
        (!matches!(field, "username" | "email"), issuer.confidence)
    })
}

/// Whether it is the part of a credential that says who.
pub(super) fn is_public(exposure: &Exposure) -> bool {
    let field = exposure.issuer.as_ref().and_then(|issuer| issuer.field.as_deref());
    field.is_some_and(|field| field.ends_with("id") || field == "username" || field == "email")
}

pub(super) fn placement_name(name: &str) -> String {
    if name == "*" { "* (every secret)".to_owned() } else { name.to_owned() }
}

fn platform_name(platform: Platform) -> &'static str {
    match platform {
        Platform::Github => "GitHub",
        Platform::Gitlab => "GitLab",
        Platform::Circleci => "CircleCI",
        Platform::Travis => "Travis CI",
        Platform::Jenkins => "Jenkins",
        Platform::Azure => "Azure Pipelines",
    }
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::ScriptUrl => "script",
        Kind::Action => "action",
        Kind::Workflow => "workflow",
        Kind::Orb => "orb",
        Kind::Image => "image",
        Kind::Package => "package",
        Kind::Binary => "binary",
        Kind::ReleaseAsset => "release asset",
        Kind::Repository => "git clone",
        Kind::Include => "include",
        Kind::Plugin => "plugin",
        Kind::Extension => "extension",
        Kind::Vendor => "vendor",
        Kind::InjectedWorkflow => "injected workflow",
    }
}

pub(super) fn pinned(pinned: Pinned) -> &'static str {
    match pinned {
        Pinned::No => "not pinned",
        Pinned::Branch => "branch",
        Pinned::Tag => "tag",
        Pinned::Version => "version",
        Pinned::Sha => "commit",
        Pinned::Digest => "digest",
        Pinned::Vendored => "vendored",
    }
}

pub(super) fn verified(verified: Verified) -> &'static str {
    match verified {
        Verified::No => "not verified",
        Verified::Checksum => "checksum",
        Verified::Signature => "signature",
        Verified::Attestation => "attestation",
    }
}

pub(super) fn component(component: &Component) -> String {
    versioned(&component.name, component.reference.as_deref(), component.kind)
}

pub(super) fn versioned(name: &str, reference: Option<&str>, kind: Kind) -> String {
    match (reference, kind) {
        (None, _) => name.to_owned(),
        (Some(tag), Kind::Image) if !tag.starts_with("sha256:") => format!("{name}:{tag}"),
        (Some(reference), _) => format!("{name}@{reference}"),
    }
}

pub(super) fn state(state: CoverageState) -> &'static str {
    match state {
        CoverageState::Seen => "read",
        CoverageState::NotApplicable => "not applicable",
        CoverageState::Unseen => "not looked at",
        CoverageState::Denied => "denied",
        CoverageState::Failed => "failed",
        CoverageState::Expired => "expired",
    }
}

pub(super) fn place(consumer: Option<&Consumer>) -> String {
    consumer.map_or_else(
        || "no job needed".to_owned(),
        |consumer| place_of(&consumer.file, consumer.line),
    )
}

pub(super) fn place_of(file: &str, line: u32) -> String {
    format!("{file}:{line}")
}

pub(super) fn job_and_step(job: Option<&str>, step: Option<&str>) -> String {
    match (job, step) {
        (Some(job), Some(step)) => format!("{job} › {step}"),
        (Some(job), None) => format!("{job} (whole job)"),
        (None, Some(step)) => step.to_owned(),
        (None, None) => String::new(),
    }
}
