//! What providers allow, before anything is done: schema `keysweep.doctor/1`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    WIDTH,
    grid::{Grid, Line, bold, faint, plain},
    text, words,
};

pub const DOCTOR_SCHEMA: &str = "keysweep.doctor/1";

#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct DoctorReport {
    pub schema: String,
    /// `plan` or `rotate`.
    pub purpose: String,
    /// Whether nothing that is needed is known to be lacking.
    pub fit: bool,
    pub notes: Vec<String>,
    pub providers: Vec<DoctorProvider>,
    pub permissions: Vec<DoctorPermission>,
    pub checks: Vec<DoctorCheck>,
}

#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct DoctorProvider {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// What is dialled, and nothing else.
    pub hosts: Vec<String>,
    /// Why it could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// The least that has to be allowed, in the provider's own form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// One permission that a credential needs.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct DoctorPermission {
    pub provider: String,
    pub credential: String,
    /// In the provider's own words.
    pub permission: String,
    pub on: String,
    pub held: Held,
}

#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    Yes,
    No,
    /// It cannot be told without doing it.
    Untold,
}

/// An issuer's list or a store's placement that was looked at.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct DoctorCheck {
    pub credential: String,
    /// `issuer prod`, `store web:acme/site/actions/TOKEN`.
    pub what: String,
    pub reached: Reached,
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    Yes,
    /// It is not there, and can be made.
    Absent,
    No,
}

#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Trouble {
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

pub fn doctor(report: &DoctorReport) -> String {
    let mut page = headline(report);
    for note in &report.notes {
        page.push_str(&text::hang("", note, WIDTH));
    }
    page.push_str(&troubles(report));
    if !report.permissions.is_empty() {
        page.push('\n');
        page.push_str(&permissions(&report.permissions));
    }
    if !report.checks.is_empty() {
        page.push('\n');
        page.push_str(&checks(&report.checks));
    }
    for provider in &report.providers {
        if let Some(policy) = &provider.policy {
            let title = format!("\nThe least that `{}` has to be allowed:\n", provider.name);
            page.push_str(&title);
            for line in policy.lines() {
                page.push_str(&format!("  {}\n", text::clean(line).trim_end()));
            }
        }
    }
    page
}

fn headline(report: &DoctorReport) -> String {
    let lacking = report.permissions.iter().filter(|p| p.held == Held::No).count()
        + report.checks.iter().filter(|check| check.reached == Reached::No).count()
        + report.providers.iter().filter(|provider| provider.trouble.is_some()).count();
    let untold = report.permissions.iter().filter(|p| p.held == Held::Untold).count();
    let untold = match untold {
        0 => String::new(),
        some => format!("; {some} cannot be told beforehand"),
    };
    let (word, style, rest) = if report.fit {
        ("FIT", words::CALM, format!("nothing lacks for `{}`{untold}", report.purpose))
    } else {
        let what = text::count(lacking, "thing lacks", "things lack");
        ("NOT FIT", words::ALARM, format!("{what} for `{}`{untold}", report.purpose))
    };
    format!("{}: {rest}\n", words::paint(style, word))
}

fn troubles(report: &DoctorReport) -> String {
    let mut grid = Grid::new(&["PROVIDER", "TROUBLE"]);
    let mut any = false;
    for provider in &report.providers {
        if let Some(trouble) = &provider.trouble {
            any = true;
            let mut lines = vec![plain(trouble.message.clone())];
            lines.extend(trouble.hint.clone().map(faint));
            grid.entry(vec![vec![bold(provider.name.clone())], lines]);
        }
    }
    if any { format!("\n{}", grid.render()) } else { String::new() }
}

fn permissions(permissions: &[DoctorPermission]) -> String {
    let mut grid = Grid::new(&["PROVIDER", "PERMISSION", "ON", "FOR", "HELD"]);
    for one in permissions {
        let held = match one.held {
            Held::Yes => plain("yes"),
            Held::No => bold("NO"),
            Held::Untold => plain("not tellable"),
        };
        let on = if one.on == one.credential { String::new() } else { one.on.clone() };
        grid.entry(vec![
            vec![plain(one.provider.clone())],
            vec![plain(one.permission.clone())],
            vec![plain(on)],
            vec![plain(one.credential.clone())],
            vec![held],
        ]);
    }
    grid.render()
}

fn checks(checks: &[DoctorCheck]) -> String {
    let mut grid = Grid::new(&["CREDENTIAL", "LOOKED AT", "REACHED", "WHAT IS THERE"]);
    for check in checks {
        let reached = match check.reached {
            Reached::Yes => plain("yes"),
            Reached::Absent => plain("absent"),
            Reached::No => bold("NO"),
        };
        let mut detail: Vec<Line> = vec![plain(check.detail.clone())];
        detail.extend(check.hint.clone().map(faint));
        grid.entry(vec![
            vec![plain(check.credential.clone())],
            vec![plain(check.what.clone())],
            vec![reached],
            detail,
        ]);
    }
    grid.render()
}
