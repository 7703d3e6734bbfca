//! What each fuzz target does with its input. The tests replay what was found with the same functions.

use std::sync::Arc;

use keysweep::{
    ci::{
        MemoryFiles, NoSiblings,
        catalog::Entry,
        github::{self, expr},
        shell::{LineMap, ScriptInput, Session, Shell},
        yaml,
    },
    incident,
};

/// What is done with one input.
pub type Parser = fn(&[u8]);

/// By the name of the target, which is the name of its folder of inputs.
pub const PARSERS: &[(&str, Parser)] = &[
    ("yaml", yaml),
    ("workflow", workflow),
    ("action", action),
    ("expression", expression),
    ("posix", posix),
    ("powershell", powershell),
    ("python", python),
    ("cmd", cmd),
    ("makefile", makefile),
    ("package_json", package_json),
    ("pack", pack),
];

pub fn yaml(data: &[u8]) {
    let parsed = yaml::parse(data);
    let lines = data.split(|byte| *byte == b'\n' || *byte == b'\r').count();
    for trouble in &parsed.troubles {
        assert!(trouble.line as usize <= lines + 1, "line {} of {lines}", trouble.line);
    }
}

pub fn workflow(data: &[u8]) {
    let called = ".github/workflows/called.yml";
    let files = MemoryFiles::default()
        .with(".github/workflows/ci.yml", data)
        .with(called, data)
        .with("action.yml", data)
        .with(".github/actions/a/action.yml", "runs: {using: composite, steps: [{uses: ./}]}");
    github::read(&files, &NoSiblings, ".github/workflows/ci.yml", Entry::Workflow);
}

pub fn action(data: &[u8]) {
    let caller = "on: push\njobs: {a: {steps: [{uses: ./a, with: {x: '${{ secrets.S }}'}}]}}\n";
    let files = MemoryFiles::default()
        .with("a/action.yml", data)
        .with("a/index.js", data)
        .with("a/Dockerfile", data)
        .with(".github/workflows/ci.yml", caller);
    github::read(&files, &NoSiblings, "a/action.yml", Entry::Action);
    github::read(&files, &NoSiblings, ".github/workflows/ci.yml", Entry::Workflow);
}

pub fn expression(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let end = text.len();
    for found in expr::references_in_text(text).into_iter().chain(expr::references(text)) {
        assert!(found.at <= end, "{found:?} beyond {end}");
    }
    let parts: usize = expr::split(text).iter().map(|part| part_range(part).len()).sum();
    assert_eq!(parts, end, "the parts are not the text");
    let lookup = |_: &expr::Reference| vec![Arc::from("a"), Arc::from("b")];
    expr::evaluate(text, &lookup);
    expr::values_in_text(text, &lookup);
    expr::references_in_condition(text);
    expr::refusal(text);
}

fn part_range(part: &expr::Part) -> std::ops::Range<usize> {
    match part {
        expr::Part::Text(range)
        | expr::Part::Expression { range, .. }
        | expr::Part::Unterminated { range, .. } => range.clone(),
    }
}

pub fn posix(data: &[u8]) {
    script(data, Shell::Posix, MemoryFiles::default().with("a.sh", data));
}

pub fn powershell(data: &[u8]) {
    script(data, Shell::PowerShell, MemoryFiles::default().with("a.ps1", data));
}

pub fn python(data: &[u8]) {
    script(data, Shell::Python, MemoryFiles::default().with("a.py", data));
}

pub fn cmd(data: &[u8]) {
    script(data, Shell::Cmd, MemoryFiles::default().with("a.cmd", data));
}

pub fn makefile(data: &[u8]) {
    let files = MemoryFiles::default().with("Makefile", data).with("a/Makefile", data);
    script(b"make\nmake -C a all B=c check\n", Shell::Posix, files);
}

pub fn package_json(data: &[u8]) {
    let files = MemoryFiles::default().with("package.json", data).with("a/package.json", data);
    script(b"npm test\nnpm run a --prefix a\nyarn build\npnpm -r b\n", Shell::Posix, files);
}

fn script(data: &[u8], shell: Shell, files: MemoryFiles) {
    let text = &*String::from_utf8_lossy(data);
    let file: Arc<str> = Arc::from(".github/workflows/ci.yml");
    let lines = LineMap::plain(text, 1);
    let mut session = Session::new(&files);
    // The second run meets what the first left behind.
    for _ in 0..2 {
        session.run(&ScriptInput {
            file: &file,
            text,
            lines: &lines,
            shell,
            template: None,
            env: &[],
            placeholders: &[],
            workdir: "",
        });
    }
}

pub fn pack(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let _ = incident::parse(text, "fuzz.toml");
    incident::check(text, "fuzz.toml");
}
