//! Who owns what a report lists, and what in git writes it: asked for the lines of the report only.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use rayon::prelude::*;

use super::Sources;
use crate::{
    assess::{
        Coverage, CoverageState, Exposure, InventoryReport, ManagedBy, Owner, OwnerSource, Report,
    },
    ci::model::Platform,
    discover::{self, Answer, MOST_OBJECTS, Managed, Present, Question},
    resolve::{
        managed::{self, Wanted},
        owner::{Codeowners, Dialect, LARGEST},
    },
};

/// Definitions listed for one placement.
const MOST_WRITERS: usize = 20;

/// The checkouts of a run, with what in each writes placements.
struct Checkouts {
    list: Vec<Checkout>,
}

struct Checkout {
    name: String,
    root: PathBuf,
    managed: Managed,
    /// The files of code owners that are there, or why they cannot be read.
    codeowners: BTreeMap<&'static str, Result<String, String>>,
    mailmap: String,
}

/// A placement of one repository.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Slot {
    repository: String,
    platform: Platform,
    scope: String,
    name: String,
}

/// Code owners of files, by repository, platform and file.
type CodeownersOf = BTreeMap<(String, Platform, String), Vec<Owner>>;

/// Adds owners, authors and writers to every exposure.
pub(super) fn of_report(report: &mut Report, sources: &Sources) {
    if report.exposures.is_empty() {
        return;
    }
    let checkouts = Checkouts::open(sources);
    let slots = report.exposures.iter().map(slot).collect();
    let files = report.exposures.iter().filter_map(|e| {
        Some((e.repository.clone(), e.placement.platform, e.consumer.as_ref()?.file.clone()))
    });
    let mut notes = checkouts.unread();
    let codeowners = checkouts.codeowners(files.collect(), &mut notes);
    let writers = checkouts.writers(slots);
    let mut authors = checkouts.authors(&report.exposures);
    for exposure in &mut report.exposures {
        if let Some(consumer) = &exposure.consumer {
            let key =
                (exposure.repository.clone(), exposure.placement.platform, consumer.file.clone());
            exposure.owners = codeowners.get(&key).cloned().unwrap_or_default();
        }
        match authors.remove(&exposure.id) {
            Some(Ok(owner)) => exposure.owners.push(owner),
            Some(Err(reason)) => {
                // That a folder has no history is no news: each line says it.
                if reason != discover::NO_HISTORY {
                    let why = format!("who first named a secret is not known: {reason}");
                    notes.push(note(&exposure.repository, "history:authors", None, &why));
                }
                exposure.author_unknown = Some(reason);
            }
            None => {}
        }
        exposure.managed_by = writers.get(&slot(exposure)).cloned().unwrap_or_default();
    }
    report.note(notes);
}

/// Adds code owners and writers to every placement.
pub(super) fn of_inventory(report: &mut InventoryReport, sources: &Sources) {
    if report.placements.is_empty() {
        return;
    }
    let checkouts = Checkouts::open(sources);
    let slot = |placement: &crate::assess::InventoryPlacement| Slot {
        repository: placement.repository.clone(),
        platform: placement.platform,
        scope: placement.scope.clone(),
        name: placement.name.clone(),
    };
    let files = report.placements.iter().flat_map(|placement| {
        let of = |file: &str| (placement.repository.clone(), placement.platform, file.to_owned());
        placement.consumers.iter().map(move |consumer| of(&consumer.file))
    });
    let mut notes = checkouts.unread();
    let codeowners = checkouts.codeowners(files.collect(), &mut notes);
    let writers = checkouts.writers(report.placements.iter().map(slot).collect());
    for placement in &mut report.placements {
        let files: BTreeSet<&String> = placement.consumers.iter().map(|c| &c.file).collect();
        let mut owners = BTreeSet::new();
        for file in files {
            let key = (placement.repository.clone(), placement.platform, file.clone());
            owners.extend(codeowners.get(&key).into_iter().flatten().cloned());
        }
        placement.owners = owners.into_iter().collect();
        placement.managed_by = writers.get(&slot(placement)).cloned().unwrap_or_default();
    }
    let seen: BTreeSet<Coverage> = notes.into_iter().collect();
    report.coverage.extend(seen);
}

fn slot(exposure: &Exposure) -> Slot {
    Slot {
        repository: exposure.repository.clone(),
        platform: exposure.placement.platform,
        scope: exposure.placement.scope.clone(),
        name: exposure.placement.name.clone(),
    }
}

/// What was not seen, and could not change a verdict.
fn note(repository: &str, scope: &str, place: Option<(&str, u32)>, reason: &str) -> Coverage {
    Coverage {
        repository: repository.to_owned(),
        scope: scope.to_owned(),
        state: CoverageState::Unseen,
        reason: reason.to_owned(),
        matters: false,
        file: place.map(|(file, _)| file.to_owned()),
        line: place.map(|(_, line)| line),
    }
}

impl Checkouts {
    /// What cannot be opened is left out: its own scan has said so.
    fn open(sources: &Sources) -> Self {
        let roots = discover::roots(&sources.paths).unwrap_or_default();
        let names = discover::names(&roots);
        let read = |(root, name): (PathBuf, String)| Checkout::read(name, root);
        Self { list: roots.into_par_iter().zip(names).map(read).collect() }
    }

    fn unread(&self) -> Vec<Coverage> {
        let of = |checkout: &Checkout| -> Vec<Coverage> {
            let one = |(file, line, reason): &(String, u32, String)| {
                let scope = format!("file:{file}");
                let reason = format!("what it writes is not known: {reason}");
                note(&checkout.name, &scope, Some((file, *line)), &reason)
            };
            checkout.managed.unread.iter().map(one).collect()
        };
        self.list.iter().flat_map(of).collect()
    }

    fn codeowners(
        &self,
        wanted: BTreeSet<(String, Platform, String)>,
        notes: &mut Vec<Coverage>,
    ) -> CodeownersOf {
        let mut found = CodeownersOf::new();
        let by_name: BTreeMap<&str, &Checkout> =
            self.list.iter().map(|checkout| (checkout.name.as_str(), checkout)).collect();
        let mut parsed: BTreeMap<(&str, bool), Option<(&'static str, Codeowners)>> =
            BTreeMap::new();
        for (repository, platform, file) in wanted {
            let Some(checkout) = by_name.get(repository.as_str()) else { continue };
            let dialect = dialect(platform, &repository);
            let key = (checkout.name.as_str(), dialect == Dialect::Gitlab);
            let known = parsed.entry(key).or_insert_with(|| load(checkout, dialect, notes));
            let Some((place, rules)) = known else { continue };
            let owner = |owned: crate::resolve::owner::Owned| Owner {
                who: owned.who,
                how: OwnerSource::Codeowners,
                file: (*place).to_owned(),
                line: owned.line,
                commit: None,
                date: None,
            };
            let Some(owned) = rules.owners(&file) else {
                let reason = "code owners are not known: too many patterns could match";
                let scope = format!("file:{place}");
                notes.push(note(&repository, &scope, Some((*place, 1)), reason));
                continue;
            };
            let owners = owned.into_iter().map(owner).collect();
            found.insert((repository, platform, file), owners);
        }
        found
    }

    fn writers(&self, slots: BTreeSet<Slot>) -> BTreeMap<Slot, Vec<ManagedBy>> {
        let writing: Vec<&Checkout> =
            self.list.iter().filter(|checkout| !checkout.managed.writers.is_empty()).collect();
        let found = |slot: Slot| {
            let mut by: Vec<ManagedBy> =
                writing.iter().flat_map(|checkout| checkout.writers(&slot)).collect();
            by.sort_by(|a, b| b.certainty.cmp(&a.certainty).then_with(|| a.cmp(b)));
            by.dedup();
            by.truncate(MOST_WRITERS);
            (slot, by)
        };
        // A token of the job is written by nobody, and `*` is no name.
        let named = slots.into_iter().filter(|slot| slot.name != "*" && slot.scope != "job");
        named.filter(|slot| slot.scope != "literal").map(found).collect()
    }

    /// By the exposure's id.
    fn authors(&self, exposures: &[Exposure]) -> BTreeMap<String, Result<Owner, String>> {
        let mut by_name: BTreeMap<&str, Vec<&Exposure>> = BTreeMap::new();
        for exposure in exposures {
            by_name.entry(&exposure.repository).or_default().push(exposure);
        }
        let of = |checkout: &Checkout| {
            let Some(own) = by_name.get(checkout.name.as_str()) else { return Vec::new() };
            let asked: BTreeMap<&str, Vec<Question>> =
                own.iter().map(|e| (e.id.as_str(), questions(e))).collect();
            let all: Vec<Question> =
                asked.values().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
            if all.is_empty() {
                return Vec::new();
            }
            let answers =
                discover::first_named(&checkout.root, &all, &checkout.mailmap, MOST_OBJECTS);
            let answers: BTreeMap<Question, Answer> = all.into_iter().zip(answers).collect();
            let of_one = |(id, asked): (&str, Vec<Question>)| {
                let answer = asked.iter().find_map(|question| match answers.get(question)? {
                    Answer::Author(author) => Some(Ok(owner(author))),
                    Answer::Unknown(reason) => Some(Err(reason.clone())),
                    Answer::Unnamed => None,
                });
                answer.map(|answer| (id.to_owned(), answer))
            };
            asked.into_iter().filter_map(of_one).collect()
        };
        self.list.par_iter().flat_map_iter(of).collect()
    }
}

impl Checkout {
    /// All that is needed of it, so that it is opened once.
    fn read(name: String, root: PathBuf) -> Self {
        let (managed, codeowners, mailmap) = Default::default();
        let mut checkout = Self { name, root, managed, codeowners, mailmap };
        let Some(now) = Present::open(&checkout.root) else { return checkout };
        checkout.managed = now.managed();
        for place in [Dialect::Github, Dialect::Gitlab].iter().flat_map(|one| one.places()) {
            if let Some(text) = now.text(place).transpose() {
                checkout.codeowners.insert(place, text);
            }
        }
        checkout.mailmap = now.text(".mailmap").ok().flatten().unwrap_or_default();
        checkout
    }

    fn writers(&self, slot: &Slot) -> Vec<ManagedBy> {
        let here = self.name == slot.repository;
        let wanted = Wanted {
            platform: slot.platform,
            scope: &slot.scope,
            name: &slot.name,
            repository: &slot.repository,
        };
        let mut found = Vec::new();
        for placed in &self.managed.writers {
            let Some(hit) = managed::matches(&placed.writer, &wanted, here) else { continue };
            let repository = (!here).then(|| self.name.clone());
            let entry = |resource: &str, line, reason| ManagedBy {
                tool: placed.writer.tool,
                resource: resource.to_owned(),
                file: placed.file.clone(),
                line,
                repository: repository.clone(),
                certainty: hit.certainty,
                reason,
            };
            found.push(entry(&placed.writer.resource, hit.line, hit.reason.clone()));
            for source in &placed.writer.sources {
                let made = self.managed.writers.iter().find(|other| {
                    other.writer.resource == *source && folder(&other.file) == folder(&placed.file)
                });
                if let Some(made) = made {
                    let reason = format!("the value of `{}` is made here", placed.writer.resource);
                    let mut made_by = entry(source, made.writer.line, Some(reason));
                    made_by.file.clone_from(&made.file);
                    // What is known by reference is better than the guess by name.
                    found.retain(|known| {
                        known.resource != made_by.resource || known.file != made_by.file
                    });
                    found.push(made_by);
                }
            }
        }
        found
    }
}

fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The consumer first, then what called it.
fn questions(exposure: &Exposure) -> Vec<Question> {
    let placement = &exposure.placement;
    if placement.name == "*" || placement.scope == "job" {
        return Vec::new();
    }
    let Some(consumer) = &exposure.consumer else { return Vec::new() };
    let via = exposure.via.iter().rev().map(|place| place.file.to_string());
    let mut files = vec![consumer.file.clone()];
    for file in via {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files.into_iter().map(|file| Question { file, name: placement.name.clone() }).collect()
}

fn owner(author: &discover::Author) -> Owner {
    Owner {
        who: author.who.clone(),
        how: OwnerSource::GitAuthor,
        file: author.file.clone(),
        line: author.line,
        commit: Some(author.commit.chars().take(12).collect()),
        date: Some(author.date),
    }
}

fn dialect(platform: Platform, repository: &str) -> Dialect {
    let host = repository.split('/').next().filter(|_| repository.matches('/').count() > 1);
    match platform {
        Platform::Github => Dialect::Github,
        Platform::Gitlab => Dialect::Gitlab,
        _ if host.is_some_and(|host| host.contains("gitlab")) => Dialect::Gitlab,
        _ => Dialect::Github,
    }
}

/// The file that counts, with its broken lines noted.
fn load(
    checkout: &Checkout,
    dialect: Dialect,
    notes: &mut Vec<Coverage>,
) -> Option<(&'static str, Codeowners)> {
    for place in dialect.places() {
        let mut not_read = |line, reason: &str| {
            let scope = format!("file:{place}");
            notes.push(note(&checkout.name, &scope, Some((place, line)), reason));
        };
        let text = match checkout.codeowners.get(place) {
            Some(Ok(text)) => text,
            None => continue,
            Some(Err(reason)) => {
                not_read(1, &format!("code owners are not known: {reason}"));
                return None;
            }
        };
        if text.len() > LARGEST {
            not_read(1, "code owners are not known: the file is larger than 3 MB");
            return None;
        }
        let rules = Codeowners::parse(text, dialect);
        for trouble in &rules.troubles {
            not_read(trouble.line, &format!("the line names no owner: {}", trouble.reason));
        }
        return Some((place, rules));
    }
    None
}
