//! Task runners whose files are in a language that is not followed: what they run may stand in the file.

use std::sync::Arc;

use crate::ci::{
    model::Hides,
    shell::{
        machine::{Frame, Machine},
        value::Value,
        world::{basename, resolve},
    },
};

/// A longer file is cut: what a task runs is near the top of it or nowhere.
const MAX_TEXT: usize = 256 << 10;

/// The files that a runner reads, the first that is there.
fn files_of(tool: &str, verb: &str) -> &'static [&'static str] {
    match (tool, verb) {
        ("just", _) => &["justfile", "Justfile", ".justfile"],
        ("rake", _) => &["Rakefile", "rakefile", "Rakefile.rb"],
        ("nox", _) => &["noxfile.py"],
        ("invoke" | "inv", _) => &["tasks.py"],
        ("task", _) => &["Taskfile.yml", "Taskfile.yaml"],
        ("gradle" | "gradlew", _) => &["build.gradle", "build.gradle.kts"],
        ("mvn" | "mvnw", _) => &["pom.xml"],
        ("ant", _) => &["build.xml"],
        ("sbt", _) => &["build.sbt"],
        ("composer", _) => &["composer.json"],
        ("fastlane", _) => &["fastlane/Fastfile"],
        ("mage", _) => &["magefile.go"],
        ("cargo", "make") => &["Makefile.toml"],
        ("pre-commit", _) => &[".pre-commit-config.yaml"],
        ("hatch" | "pdm" | "poe", _) => &["pyproject.toml"],
        _ => &[],
    }
}

/// Notes the runner's file as text in which a component may be named.
pub(in crate::ci::shell) fn note(
    machine: &mut Machine<'_, '_>,
    frame: &Frame,
    argv: &[Value],
    at: usize,
) {
    let Some(program) = argv.first() else { return };
    let tool = basename(program.first());
    let tool = tool.strip_suffix(".exe").or(tool.strip_suffix(".bat")).unwrap_or(tool);
    let verb = argv.get(1).map_or("", Value::first);
    for name in files_of(tool, verb) {
        let path = resolve(&machine.path(frame, "."), name);
        let Some(Ok((file, bytes))) = machine.world.repository_file(&path) else { continue };
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT)]);
        let reason = format!("what `{tool}` runs from `{file}` is not followed");
        machine.gap(frame.place(at), &reason, Hides::Text(Arc::from(text)));
        return;
    }
}
