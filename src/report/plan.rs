//! A plan for people: what will happen, in which order, who else sees it, what stops, and what they have to do.

use super::{
    WIDTH,
    grid::{Grid, Line, bold, faint, plain},
    text, words,
};
use crate::plan::{
    self, Delivery, Finding, Level, Mode, Plan, Purpose, Recovery, Reload, Rotation, Task,
    TaskKind, duration,
};

/// The whole plan as a page; `findings` are those of its lint.
pub fn plan(plan: &Plan, findings: &[Finding]) -> String {
    let mut page = headline(plan, findings);
    page.push_str(&facts(plan));
    for (wave, rotations) in plan::waves(plan) {
        page.push_str(&format!("\n{}\n", words::paint(words::BOLD, &title(wave, &rotations))));
        page.push_str(&rotated(&rotations));
    }
    page.push_str(&stops(plan));
    page.push_str(&judged(findings));
    page.push_str(&gates(plan));
    page.push_str(&tasks(&plan.tasks));
    page
}

fn headline(plan: &Plan, findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    let what = text::count(plan.rotations.len(), "credential", "credentials");
    let (word, style) = match errors {
        0 => ("READY", words::CALM),
        _ => ("REFUSED", words::ALARM),
    };
    let errors = match errors {
        0 => String::new(),
        some => format!(", {}", text::count(some, "error", "errors")),
    };
    let tasks = text::count(plan.tasks.len(), "task", "tasks");
    format!("{}: {what} to rotate, {tasks} for people{errors}\n", words::paint(style, word))
}

fn facts(plan: &Plan) -> String {
    let purpose = match plan.purpose {
        Purpose::Periodic => "periodic: a use that nobody explains is waited for",
        Purpose::PostBreach => "post-breach: a use that nobody explains is the attacker",
    };
    let calls: u64 = plan.rotations.iter().map(|rotation| u64::from(rotation.calls)).sum();
    let hosts = match &plan.hosts[..] {
        [] => "none".to_owned(),
        hosts => hosts.join(", "),
    };
    let mut facts = String::new();
    for (name, fact) in [
        ("campaign   ", plan.campaign.clone()),
        ("digest     ", plan.digest()),
        ("purpose    ", purpose.to_owned()),
        ("calls      ", format!("{calls}, when none has to be made again")),
        ("hosts      ", hosts),
        ("recovery   ", recovery(&plan.recovery)),
    ] {
        facts.push_str(&text::hang(name, &fact, WIDTH));
    }
    facts
}

fn recovery(recovery: &Recovery) -> String {
    match &recovery.sealed_to[..] {
        [] => "none: a crash loses what was minted".to_owned(),
        sealed => format!("what is minted is sealed to {}", sealed.join(", ")),
    }
}

fn title(wave: u32, rotations: &[&Rotation]) -> String {
    let mut environments: Vec<&str> =
        rotations.iter().filter_map(|rotation| rotation.environment.as_deref()).collect();
    environments.sort_unstable();
    environments.dedup();
    let where_ = match &environments[..] {
        [] => String::new(),
        environments => format!(", {}", environments.join(", ")),
    };
    format!("Wave {}{where_}", u64::from(wave) + 1)
}

fn rotated(rotations: &[&Rotation]) -> String {
    let mut grid = Grid::new(&["CREDENTIAL", "WHAT HAPPENS", "STORES", "BOUNDS"]);
    for rotation in rotations {
        grid.entry(vec![
            credential(rotation),
            happens(rotation),
            rotation.deliveries.iter().flat_map(store).collect(),
            bounds(rotation),
        ]);
    }
    grid.render()
}

fn credential(rotation: &Rotation) -> Vec<Line> {
    let mut lines = vec![bold(rotation.id.clone())];
    lines.extend(rotation.old.as_ref().map(|old| plain(format!("old: {old}"))));
    lines.extend(rotation.owner.as_ref().map(|owner| faint(format!("owner {owner}"))));
    lines.extend(rotation.class.as_ref().map(|class| faint(class.clone())));
    let exposed = rotation.exposures.len();
    if exposed > 0 {
        lines.push(faint(text::count(exposed, "exposed place", "exposed places")));
    }
    lines
}

fn happens(rotation: &Rotation) -> Vec<Line> {
    let mut lines = vec![plain(plan::style(rotation.style))];
    if rotation.mode == Mode::ContainFirst || rotation.overlaps() {
        lines.push(plain(plan::mode(rotation.mode)));
    }
    if let Some(free) = &rotation.free {
        lines.push(bold(format!("destroys {free} (disabled) for its slot")));
    }
    if rotation.end_sessions {
        let ended = rotation.revoker.as_ref().and_then(|part| part.limits.sessions.as_ref());
        lines
            .extend(ended.map(|sessions| plain(format!("ends sessions by {}", sessions.ended_by))));
    }
    if let Some(used) = &rotation.baseline {
        let source = used.source.as_ref().map(|source| format!(" by {source}")).unwrap_or_default();
        lines.push(match used.at {
            Some(at) => faint(format!("last used {at}{source}")),
            None => faint("never used, as far as its issuer knows"),
        });
    }
    if !rotation.after.is_empty() {
        lines.push(faint(format!("after {}", rotation.after.join(", "))));
    }
    lines.push(faint(text::count(rotation.calls as usize, "call", "calls")));
    lines
}

fn store(delivery: &Delivery) -> Vec<Line> {
    let mut lines = vec![plain(plan::delivery(delivery))];
    let required = if delivery.required { "" } else { "not required; " };
    lines.push(faint(format!("{required}read {}", plan::read_at(delivery.read_at))));
    if let Some(Reload::Hook(argv)) = &delivery.reload {
        lines.push(faint(format!("then `{}`", argv.join(" "))));
    }
    if let (Some(Reload::Task(what)), false) = (&delivery.reload, delivery.places.is_empty()) {
        lines.push(faint(format!("then a person: {what}")));
    }
    lines.push(faint(format!("proof: {}", plan::proof(&delivery.proof))));
    for place in &delivery.places {
        match &place.before {
            None => lines.push(plain(format!("{} is new", place.at))),
            Some(slot) => {
                let seen = slot.seen_by.iter();
                lines.extend(seen.map(|who| plain(format!("seen by {who}"))));
            }
        }
    }
    lines
}

fn bounds(rotation: &Rotation) -> Vec<Line> {
    let bounds = &rotation.bounds;
    let mut lines: Vec<Line> =
        rotation.deadline.iter().map(|at| bold(format!("dead by {at}"))).collect();
    let people = if plan::waits_for_people(rotation) { " and people" } else { "" };
    lines.push(plain(format!("takes {}{people}", duration(rotation.expected))));
    for (name, bound) in [
        ("prove", bounds.prove),
        ("drain", bounds.drain),
        ("quiet", bounds.quiet),
        ("soak", bounds.soak),
    ] {
        lines.push(faint(format!("{name} {}", duration(bound))));
    }
    lines.push(faint(format!("{} at most", text::count(bounds.attempts as usize, "try", "tries"))));
    lines
}

fn stops(plan: &Plan) -> String {
    let mut grid = Grid::new(&["CREDENTIAL", "WHAT STOPS"]);
    let mut any = false;
    for rotation in plan.rotations.iter().filter(|rotation| !rotation.breaks.is_empty()) {
        any = true;
        let breaks = rotation.breaks.iter().map(|what| plain(what.clone())).collect();
        grid.entry(vec![vec![bold(rotation.id.clone())], breaks]);
    }
    if any {
        section("What stops", &grid.render())
    } else if plan.rotations.is_empty() {
        String::new()
    } else {
        "\nNothing stops while all goes as planned.\n".to_owned()
    }
}

fn judged(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new(&["", "CREDENTIAL", "WHY"]);
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.level);
    for finding in sorted {
        let level = match finding.level {
            Level::Error => bold("error"),
            Level::Warning => plain("warning"),
        };
        let about = finding.rotation.clone().unwrap_or_else(|| "the plan".to_owned());
        grid.entry(vec![
            vec![level, faint(finding.rule)],
            vec![plain(about)],
            vec![plain(finding.what.clone()), faint(finding.way_out.clone())],
        ]);
    }
    section("What to look at", &grid.render())
}

fn gates(plan: &Plan) -> String {
    let gates: String = plan.gates.iter().map(|gate| text::hang("  - ", gate, WIDTH)).collect();
    if gates.is_empty() { gates } else { section("Asked before anything is revoked", &gates) }
}

fn tasks(tasks: &[Task]) -> String {
    if tasks.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new(&["TASK", "WHAT", "CLUES"]);
    for task in tasks {
        let owner = task.owner.as_ref().map(|owner| faint(format!("for {owner}")));
        grid.entry(vec![
            std::iter::once(plain(kind(task.kind))).chain(owner).collect(),
            vec![plain(task.about.clone())],
            task.clues.iter().map(|clue| faint(clue.clone())).collect(),
        ]);
    }
    section("For people", &grid.render())
}

fn kind(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::FindOut => "find out",
        TaskKind::ChangeSource => "change source",
        TaskKind::Mint => "mint",
        TaskKind::Revoke => "revoke",
        TaskKind::Reload => "reload",
        TaskKind::Confirm => "confirm",
    }
}

fn section(title: &str, body: &str) -> String {
    format!("\n{}\n{body}", words::paint(words::BOLD, title))
}
