//! `git clone`, and what fixes the commit that is checked out.

use super::{
    component,
    fetch::is_own_repository,
    machine::{Effect, Frame, Machine},
    options::Grammar,
    value::{Value, is_mark},
    world::{CHECKOUT, Tree, What, basename, is_below, resolve},
};

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    const GRAMMAR: Grammar = Grammar {
        short: "cC",
        long: "git-dir work-tree exec-path namespace",
        stop: true,
        single_dash: false,
    };
    let parsed = GRAMMAR.parse(&argv[1..]);
    let mut inner = frame.clone();
    if let Some(dir) = parsed.value(&["C"]) {
        inner.cwd = machine.path(frame, dir.first());
    }
    let (verb, rest) = parsed.operands.split_first()?;
    match verb.first() {
        "clone" => clone(machine, &inner, rest, at),
        "checkout" | "switch" | "reset" => {
            let reference = rest
                .iter()
                .find(|value| !value.first().starts_with('-') && value.first() != "FETCH_HEAD");
            if let Some(reference) = reference {
                check_out(machine, &inner, reference);
            }
            Some(Effect::default())
        }
        "fetch" | "pull" => {
            let operands = Grammar { long: "depth", ..Grammar::default() }.parse(rest).operands;
            if let Some(reference) = operands.get(1) {
                check_out(machine, &inner, reference);
            }
            Some(Effect::default())
        }
        "remote" if rest.first().is_some_and(|value| value.first() == "add") => {
            let url = rest.last()?.clone();
            if inner.cwd != CHECKOUT {
                add_tree(machine, &inner, &url, None, inner.cwd.clone(), at);
            }
            Some(Effect::default())
        }
        _ => Some(Effect::default()),
    }
}

/// `git clone [options] URL [DIR]`, `gh repo clone OWNER/REPO [DIR]`.
pub(super) fn clone(
    machine: &mut Machine<'_, '_>,
    frame: &Frame,
    rest: &[Value],
    at: usize,
) -> Option<Effect> {
    const GRAMMAR: Grammar = Grammar {
        short: "bcoujS",
        long: "branch depth config origin jobs reference revision filter shallow-since \
            separate-git-dir template upload-pack",
        stop: false,
        single_dash: false,
    };
    let parsed = GRAMMAR.parse(rest);
    let url = parsed.operands.first()?;
    let reference = parsed.value(&["b", "branch", "revision"]);
    let dir = match parsed.operands.get(1) {
        Some(dir) => machine.path(frame, dir.first()),
        None => {
            let name = basename(url.first());
            resolve(&frame.cwd, name.strip_suffix(".git").unwrap_or(name))
        }
    };
    let reference = reference.map(|value| machine.world.unknowns.show(value.first()));
    add_tree(machine, frame, url, reference.as_deref(), dir, at);
    Some(Effect::default())
}

fn add_tree(
    machine: &mut Machine<'_, '_>,
    frame: &Frame,
    url: &Value,
    reference: Option<&str>,
    dir: String,
    at: usize,
) {
    let mut blobs = Vec::new();
    for text in &url.texts {
        let shown = machine.world.unknowns.show(&text.s);
        let remote = shown.contains("://")
            || shown.contains('@')
            || text.s.starts_with(is_mark)
            || shown.matches('/').count() == 1 && !shown.starts_with(['.', '/']);
        if !remote || is_own_repository(&shown) || shown.starts_with("file:") {
            continue;
        }
        let component = component::repository(&shown, reference);
        blobs.push(machine.fetched(frame, What::Component(component), at, url.texts.len() > 1));
    }
    if !blobs.is_empty() {
        let hint = machine.world.hint(&blobs);
        machine.world.unpack(Tree { dir, blobs, hint, clone: true });
    }
}

/// Names the ref of the clone that holds the working directory.
fn check_out(machine: &mut Machine<'_, '_>, frame: &Frame, reference: &Value) {
    let shown = machine.world.unknowns.show(reference.first());
    let shown = shown.strip_prefix("origin/").unwrap_or(&shown).to_owned();
    let holding = machine
        .world
        .trees
        .iter()
        .filter(|tree| tree.clone && is_below(&frame.cwd, &tree.dir))
        .max_by_key(|tree| tree.dir.len());
    let Some(tree) = holding else { return };
    for blob in tree.blobs.clone() {
        if let What::Component(component) = &mut machine.world.fetches[blob.fetch].what {
            component.pinned = component::pinned_by_git(&shown);
            component.reference = Some(shown.clone());
        }
    }
}
