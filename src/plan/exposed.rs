//! Every row of an exposure report comes to a credential of the plan, or to a task. None is dropped.

use std::collections::{BTreeMap, BTreeSet};

use super::{Task, TaskKind, build::Input};
use crate::{
    assess::{Disposition, Exposure, ManagedBy, Tool},
    bindings::{Binding, Match, names_of},
    config::{Config, CredentialName},
};

/// Which rows a credential answers, and the tasks for all others.
#[derive(Debug, Default)]
pub(super) struct Answers {
    bound: BTreeMap<CredentialName, BTreeSet<String>>,
    pub(super) tasks: Vec<Task>,
}

impl Answers {
    pub(super) fn rows(&self, name: &CredentialName) -> Vec<String> {
        self.bound.get(name).into_iter().flatten().cloned().collect()
    }

    pub(super) fn is_bound(&self, name: &CredentialName) -> bool {
        self.bound.contains_key(name)
    }
}

/// What becomes of a row.
enum Fate<'a> {
    Bound(&'a CredentialName, &'a Binding),
    /// Nobody knows whose it is; the clue says what the book knows.
    FindOut {
        owner: Option<String>,
        clues: Vec<String>,
    },
    /// It was made for one job.
    EndSession,
    /// It holds no credential, or one that is dead.
    Look,
}

pub(super) fn answers(input: &Input<'_>) -> Answers {
    let mut answers = Answers::default();
    // By what they are about, so that the parts of a list stand together and in one order.
    let mut tasks: BTreeMap<String, Task> = BTreeMap::new();
    for row in input.exposure.map(|report| &report.exposures[..]).unwrap_or_default() {
        let name = names_of(row).into_iter().next().unwrap_or_else(|| row.placement.name.clone());
        match fate(input, row) {
            Fate::Bound(credential, binding) if chosen(input, credential) => {
                answers.bound.entry(credential.clone()).or_default().insert(row.id.clone());
                if let Some(task) = source(row, &name, credential, binding) {
                    add(&mut tasks, task);
                }
            }
            Fate::Bound(credential, binding) => {
                let about = format!("{name} holds {credential}, which this plan leaves out");
                let task = task(TaskKind::Confirm, "left-out", &name, about);
                add(&mut tasks, Task { owner: binding.owner.clone(), clues: clues(row), ..task });
            }
            Fate::FindOut { owner, clues: known } => {
                let about = format!("find out which credential {name} holds");
                let mut task = task(TaskKind::FindOut, "find-out", &name, about);
                task.owner = owner.or_else(|| row.owners.first().map(|owner| owner.who.clone()));
                task.clues = known.into_iter().chain(alike(input.config, row)).collect();
                task.clues.extend(clues(row));
                add(&mut tasks, task);
            }
            Fate::EndSession => {
                let about = format!("end the sessions that were made with {name}");
                let task = task(TaskKind::Revoke, "end-sessions", &name, about);
                add(&mut tasks, Task { clues: clues(row), ..task });
            }
            Fate::Look => {
                let about = "see whether these hold a credential; the report says they do not, or that it is dead";
                let task = task(TaskKind::Confirm, "look", "exposed", about.to_owned());
                add(&mut tasks, Task { clues: vec![in_short(row, &name)], ..task });
            }
        }
    }
    answers.tasks = tasks.into_values().collect();
    answers
}

fn chosen(input: &Input<'_>, name: &CredentialName) -> bool {
    match input.select {
        super::Select::All | super::Select::Exposed => true,
        super::Select::Only(names) => names.contains(name),
    }
}

fn fate<'a>(input: &Input<'a>, row: &Exposure) -> Fate<'a> {
    let unknown =
        |clue: Option<String>| Fate::FindOut { owner: None, clues: clue.into_iter().collect() };
    let bound = match input.book.map(|book| book.find_any(&names_of(row))) {
        None | Some(Match::Unbound) => None,
        Some(Match::One(binding)) => Some(binding),
        Some(Match::Conflict(rows)) => {
            let lines: Vec<String> = rows.iter().map(|row| row.line.to_string()).collect();
            let lines = lines.join(", ");
            return unknown(Some(format!("lines {lines} of the book say different things of it")));
        }
    };
    let known = bound.and_then(|binding| Some((binding, binding.credential.as_ref()?)));
    match (known, bound) {
        (Some((binding, name)), _) if input.config.credential(name).is_some() => {
            Fate::Bound(name, binding)
        }
        (_, Some(binding)) => {
            Fate::FindOut { owner: binding.owner.clone(), clues: known_of(binding) }
        }
        (_, None) => match row.disposition {
            Disposition::RevokeSession => Fate::EndSession,
            Disposition::AuditOnly | Disposition::NotACredential => Fate::Look,
            Disposition::Rotate
            | Disposition::Retire
            | Disposition::SigningKey
            | Disposition::Decide => unknown(None),
        },
    }
}

/// What the book knows of a placement whose credential the configuration does not have.
fn known_of(binding: &Binding) -> Vec<String> {
    let mut clues = Vec::new();
    let mut clue = |what: &str, said: Option<String>| {
        clues.extend(said.map(|said| format!("the book, line {}: {what} {said}", binding.line)));
    };
    let name = binding.credential.as_ref().map(ToString::to_string);
    clue("no such credential in the configuration:", name);
    clue("issuer", binding.issuer.clone());
    clue("account", binding.account.clone());
    clue("runbook", binding.runbook.clone());
    clue("written by", binding.source_of_truth.clone());
    clues
}

/// A store of the configuration with the same last name may be the same one.
fn alike(config: &Config, row: &Exposure) -> Vec<String> {
    let stores = config.credentials.iter().flat_map(|c| c.stores.iter().map(move |s| (c, s)));
    let same = stores.filter(|(_, store)| {
        store.at.placement.as_str().rsplit(['/', '#']).next() == Some(row.placement.name.as_str())
    });
    same.map(|(credential, store)| {
        format!("the configuration puts {} in {}, of the same name", credential.name, store.at)
    })
    .collect()
}

/// Git writes it, by the report, and the configuration may not know.
fn source(
    row: &Exposure,
    name: &str,
    credential: &CredentialName,
    binding: &Binding,
) -> Option<Task> {
    let first = row.managed_by.first()?;
    let about = format!(
        "{name} holds {credential} and {} writes it: if so, say `managed_by` at its store",
        tool(first.tool)
    );
    let task = task(TaskKind::ChangeSource, "source", name, about);
    let clues = row.managed_by.iter().map(written_by).collect();
    Some(Task { owner: binding.owner.clone(), clues, ..task })
}

fn written_by(managed: &ManagedBy) -> String {
    let place = format!("{}:{}", managed.file, managed.line);
    format!("{} {} at {place}", tool(managed.tool), managed.resource)
}

fn tool(tool: Tool) -> &'static str {
    match tool {
        Tool::Terraform => "Terraform",
        Tool::Pulumi => "Pulumi",
        Tool::Sops => "SOPS",
        Tool::SealedSecrets => "Sealed Secrets",
        Tool::ExternalSecrets => "External Secrets",
    }
}

/// The row and what it tells.
fn clues(row: &Exposure) -> Vec<String> {
    let mut clues = vec![format!("exposure {}: {}", row.id, row.why)];
    if let Some(consumer) = &row.consumer {
        let job = consumer.job.as_ref().map(|job| format!(", job {job}")).unwrap_or_default();
        clues.push(format!("used in {}:{}{job}", consumer.file, consumer.line));
    }
    if let Some(issuer) = &row.issuer {
        let account = issuer.account.as_ref().map(|at| format!(" of {at}")).unwrap_or_default();
        clues.push(format!("its use tells {}{account}", issuer.kind));
    }
    if let Some(part) = &row.credential {
        clues.push(format!("one part of {}", part.id));
    }
    clues.extend(row.owners.iter().map(|owner| format!("ask {}", owner.who)));
    clues.extend(row.managed_by.iter().map(written_by));
    clues
}

fn in_short(row: &Exposure, name: &str) -> String {
    let rule = row.disposition_rule.as_deref().unwrap_or("its disposition");
    format!("exposure {}: {name} ({rule})", row.id)
}

fn task(kind: TaskKind, word: &str, name: &str, about: String) -> Task {
    Task { id: format!("{word}:{name}"), kind, about, owner: None, clues: Vec::new() }
}

/// Rows of one placement are one task, with all their clues.
fn add(tasks: &mut BTreeMap<String, Task>, task: Task) {
    let Some(known) = tasks.get_mut(&task.id) else {
        tasks.insert(task.id.clone(), task);
        return;
    };
    known.owner = known.owner.take().or(task.owner);
    for clue in task.clues {
        if !known.clues.contains(&clue) {
            known.clues.push(clue);
        }
    }
}
