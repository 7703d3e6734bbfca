//! Histories by chance, and what they mean by the definition alone: every commit is lowered, every
//! interval is written down tick by tick.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::Write as _,
    process::Stdio,
};

use keysweep::ci::MemoryFiles;

use super::*;

const TICKS: usize = 60;
const DAY: i64 = 86_400;
const START: i64 = 1_600_000_000;

/// A small generator: the cases must be the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

#[derive(Clone)]
struct Commit {
    date: usize,
    parents: Vec<usize>,
    files: BTreeMap<&'static str, String>,
}

const PATHS: [&str; 5] =
    [CI, ".github/workflows/b.yml", "tools/action.yml", "ci/one.sh", "ci/two.sh"];
const TEXTS: [&str; 5] =
    ["call ci/one.sh", "call ci/two.sh", "plain", "list ci", "call ci/one.sh\nx"];

fn history(chance: &mut Chance) -> Vec<Commit> {
    let mut commits: Vec<Commit> = Vec::new();
    for n in 0..40 {
        let back = |chance: &mut Chance| n - 1 - chance.below(n.min(4));
        let mut parents: Vec<usize> = Vec::new();
        if n > 0 && chance.below(20) > 0 {
            parents.push(back(chance));
            while chance.below(6) == 0 {
                parents.push(back(chance));
            }
            parents.dedup();
        }
        let mut commit = parents.first().map_or_else(
            || Commit { date: 0, parents: Vec::new(), files: BTreeMap::new() },
            |first| commits[*first].clone(),
        );
        // Mostly in order, now and then far off.
        commit.date =
            if chance.below(12) == 0 { chance.below(TICKS - 2) } else { n + chance.below(3) };
        commit.parents = parents;
        if chance.below(3) == 0 {
            let path = PATHS[chance.below(PATHS.len())];
            match chance.below(5) {
                0 => commit.files.remove(path),
                _ => commit.files.insert(path, TEXTS[chance.below(TEXTS.len())].to_owned()),
            };
        }
        commits.push(commit);
    }
    commits
}

fn import(git: &Git, commits: &[Commit], branches: &BTreeMap<String, usize>) {
    let mut stream = String::new();
    for (n, commit) in commits.iter().enumerate() {
        let date = START + commit.date as i64 * DAY;
        write!(
            stream,
            "commit refs/temporary/{n}\nmark :{}\ncommitter a <a> {date} +0000\ndata 0\n",
            n + 1
        )
        .unwrap();
        for (at, parent) in commit.parents.iter().enumerate() {
            let word = if at == 0 { "from" } else { "merge" };
            writeln!(stream, "{word} :{}", parent + 1).unwrap();
        }
        stream.push_str("deleteall\n");
        for (path, text) in &commit.files {
            write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len()).unwrap();
        }
    }
    for (name, at) in branches {
        write!(stream, "reset {name}\nfrom :{}\n", at + 1).unwrap();
    }
    let mut child = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(&git.path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

type Ticks = [bool; TICKS];
/// File, name, and whether it is inferred.
type Key = (String, String, bool);
type Found = BTreeMap<Key, Ticks>;

fn ancestors(commits: &[Commit], tips: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<usize> = tips.into_iter().collect();
    while let Some(at) = open.pop() {
        if seen.insert(at) {
            open.extend(&commits[at].parents);
        }
    }
    seen
}

/// The first date on a child's line that is not before `date`, level by level.
fn replaced(commits: &[Commit], line: &BTreeSet<usize>, at: usize) -> Option<usize> {
    let children =
        |of: usize| line.iter().copied().filter(move |n| commits[*n].parents.contains(&of));
    let date = commits[at].date;
    let after = |child: usize| {
        let mut level = BTreeSet::from([child]);
        for _ in 0..commits.len() {
            if let Some(fit) = level.iter().map(|n| commits[*n].date).filter(|d| *d >= date).max() {
                return fit;
            }
            level = level.iter().flat_map(|n| children(*n)).collect();
        }
        date
    };
    children(at).map(after).max()
}

fn expected(commits: &[Commit], branches: &BTreeMap<String, usize>) -> Found {
    expected_of(commits, branches, None)
}

/// Of the files with this text only, where there is one.
fn expected_of(
    commits: &[Commit],
    branches: &BTreeMap<String, usize>,
    text: Option<&str>,
) -> Found {
    let all = ancestors(commits, branches.values().copied());
    let default = ancestors(commits, [branches["refs/heads/main"]]);
    let mut found = Found::new();
    for at in &all {
        let commit = &commits[*at];
        let files = commit
            .files
            .iter()
            .fold(MemoryFiles::default(), |files, (path, text)| files.with(path, text));
        let held = branches.iter().any(|(name, tip)| tip == at && name.starts_with("refs/heads/"));
        for (path, entry) in
            [(PATHS[0], Entry::Workflow), (PATHS[1], Entry::Workflow), (PATHS[2], Entry::Action)]
        {
            let Some(here) = commit.files.get(path) else { continue };
            if text.is_some_and(|text| text != here) {
                continue;
            }
            let name = lower(&files, path, entry)[0].name.clone().unwrap();
            let mut mark = |inferred: bool, from: usize, to: Option<usize>| {
                let ticks = found
                    .entry((path.to_owned(), name.clone(), inferred))
                    .or_insert([false; TICKS]);
                ticks[from..to.unwrap_or(TICKS)].fill(true);
            };
            if default.contains(at) {
                mark(true, commit.date, replaced(commits, &default, *at));
            }
            let to = replaced(commits, &all, *at).filter(|_| !held);
            mark(false, commit.date, to);
            let children = all.iter().filter(|n| commits[**n].parents.contains(at));
            if let Some(first) =
                children.map(|n| commits[*n].date).min().filter(|d| *d < commit.date)
            {
                mark(false, first, Some(commit.date));
            }
        }
    }
    for ((path, name, _), inferred) in
        found.clone().into_iter().filter(|((_, _, inferred), _)| *inferred)
    {
        if let Some(possible) = found.get_mut(&(path, name, false)) {
            possible.iter_mut().zip(inferred).for_each(|(tick, known)| *tick &= !known);
        }
    }
    found
}

fn actual(repository: &Repository) -> Found {
    let tick = |time: Timestamp| usize::try_from((time.as_second() - START) / DAY).unwrap();
    let mut found = Found::new();
    for definition in &repository.definitions {
        let inferred = definition.certainty == keysweep::ci::model::Certainty::Inferred;
        let name = definition.pipeline.name.clone().unwrap();
        let key = (definition.pipeline.file.to_string(), name, inferred);
        let ticks = found.entry(key).or_insert([false; TICKS]);
        for live in &definition.live {
            ticks[tick(live.from.unwrap())..live.to.map_or(TICKS, tick)].fill(true);
        }
    }
    // Two versions of one name may hold the same tick, one of them only possibly.
    for ((path, name, inferred), known) in found.clone() {
        if inferred && let Some(possible) = found.get_mut(&(path, name, false)) {
            possible.iter_mut().zip(known).for_each(|(tick, known)| *tick &= !known);
        }
    }
    found
}

fn without_empty(found: Found, from: usize, to: usize) -> Found {
    found.into_iter().filter(|(_, ticks)| ticks[from..to].contains(&true)).collect()
}

#[test]
fn the_fast_way_finds_what_the_plain_way_finds() {
    for seed in 0..10 {
        let mut chance = Chance(seed);
        let commits = history(&mut chance);
        let mut branches = BTreeMap::from([("refs/heads/main".to_owned(), commits.len() - 1)]);
        for n in 0..4 {
            let kind = if n == 3 { "tags" } else { "heads" };
            branches.insert(format!("refs/{kind}/b{n}"), chance.below(commits.len()));
        }
        let git = Git::new();
        import(&git, &commits, &branches);
        let expected = expected(&commits, &branches);
        let all = scan(&git.path, &window("", ""));
        assert_eq!(
            without_empty(actual(&all), 0, TICKS),
            without_empty(expected.clone(), 0, TICKS),
            "seed {seed}"
        );
        // In a window the same versions are found, with their whole time in force.
        let from = chance.below(TICKS - 10);
        let to = from + 1 + chance.below(9);
        let time =
            |tick: usize, less: i64| Timestamp::from_second(START + tick as i64 * DAY - less).ok();
        let hull = Hull { from: time(from, 0), to: time(to, 1) };
        let some = scan(&git.path, &Query { windows: vec![hull], ..Query::default() });
        let keys =
            |found: &Found| without_empty(found.clone(), from, to).into_keys().collect::<Vec<_>>();
        assert_eq!(keys(&actual(&some)), keys(&expected), "seed {seed} in {from}..{to}");
        // And outside of it, on the default branch's history, what could name "plain".
        let could_name = |text: &[u8]| text == b"plain";
        let query = Query { windows: vec![hull], ..Query::default() };
        let more = discover::scan(&git.path, &query, &lower, Some(&could_name)).unwrap();
        let more = actual(&more);
        assert_eq!(keys(&more), keys(&expected), "seed {seed} in {from}..{to}, and outside");
        let plain = |key: &Key| key.2 && key.0.starts_with(".github/") && key.1 == "plain";
        let known = keys(&expected);
        let extra = more.keys().filter(|key| !known.contains(key));
        let extra: Vec<&Key> =
            extra.filter(|(path, name, _)| !plain(&(path.clone(), name.clone(), true))).collect();
        assert!(extra.is_empty(), "seed {seed}: {extra:?} were not asked for");
        for (key, named) in expected_of(&commits, &branches, Some("plain")) {
            let (found, all) = (more.get(&key).copied().unwrap_or([false; TICKS]), expected[&key]);
            for tick in (0..TICKS).filter(|_| plain(&key)) {
                // A file may come to the same by calling a script, and is then not looked for.
                assert!(found[tick] || !named[tick], "seed {seed}: {key:?} at {tick} is missing");
                assert!(all[tick] || !found[tick], "seed {seed}: {key:?} at {tick} is wrong");
            }
        }
    }
}
