//! Architecture rules, as tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, out);
        } else {
            out.push(path);
        }
    }
}

fn sources(dirs: &[&str]) -> Vec<(String, String)> {
    let mut paths = Vec::new();
    for dir in dirs {
        walk(&root().join(dir), &mut paths);
    }
    let rust = paths.into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let files: Vec<_> = rust
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    assert!(!files.is_empty(), "no sources in {dirs:?}");
    files
}

/// The part of a file that is shipped.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

#[test]
fn stages_are_pure() {
    let pure = [
        "src/ci",
        "src/incident",
        "src/reach",
        "src/resolve",
        "src/assess",
        "src/report",
        "src/plan",
        "src/rotate/decide",
    ];
    for (path, text) in sources(&pure) {
        for word in [
            "async fn",
            "std::fs",
            "std::process",
            "SystemTime::now",
            "Timestamp::now",
            "std::env::",
            "tokio::",
        ] {
            assert!(!shipped(&text).contains(word), "{path} uses {word}");
        }
    }
}

/// Modules that start programs, and why. None opens a socket: that is the providers' business.
const STARTS_PROGRAMS: [&str; 1] = [
    // `cmd:` and `gh`: keysweep's own credentials.
    "src/config/reference.rs",
];

#[test]
fn nothing_opens_a_socket_or_starts_a_program() {
    for (path, text) in sources(&["src"]) {
        for word in ["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "ToSocketAddrs"] {
            assert!(!shipped(&text).contains(word), "{path} uses {word}");
        }
        let starts = shipped(&text).contains("Command::new");
        assert_eq!(starts, STARTS_PROGRAMS.contains(&path.as_str()), "{path} starts a program");
    }
}

#[test]
fn what_works_on_a_checkout_knows_no_provider() {
    let rotation = [
        "src/config/",
        "src/invoke/",
        "src/registry.rs",
        "src/bindings/",
        "src/plan/",
        "src/rotate/",
        "src/cli/",
    ];
    for (path, text) in sources(&["src"]) {
        if rotation.iter().any(|folder| path.starts_with(folder)) || path == "src/lib.rs" {
            continue;
        }
        for word in ["keysweep_sdk", "keysweep_provider", "tokio::", "crate::invoke"] {
            assert!(!shipped(&text).contains(word), "{path} uses {word}");
        }
    }
}

#[test]
fn only_front_ends_know_a_dialect() {
    let behind = ["src/incident", "src/reach", "src/resolve", "src/report", "src/discover"];
    for (path, text) in sources(&behind) {
        for word in ["ci::github", "ci::yaml", "ci::shell"] {
            // Manifests and sealed files are YAML, too, and no CI dialect.
            let reads_yaml = word == "ci::yaml" && path.starts_with("src/resolve/managed/");
            assert!(reads_yaml || !shipped(&text).contains(word), "{path} knows {word}");
        }
    }
}

#[test]
fn files_are_small_enough_to_hold_in_the_head() {
    for (path, text) in sources(&["src", "tests"]) {
        let lines = text.lines().count();
        assert!(lines <= 600, "{path} has {lines} lines");
    }
}

#[test]
fn names_say_something() {
    for (path, _) in sources(&["src", "tests"]) {
        for part in Path::new(&path).with_extension("").iter() {
            let part = part.to_str().unwrap();
            let empty = ["util", "utils", "common", "helper", "helpers", "misc"];
            assert!(!empty.contains(&part), "{path}");
        }
    }
}

#[test]
fn every_path_in_the_architecture_exists() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let is_path = |word: &&str| {
        ["src/", "tests/", "docs/", "examples/", "providers/"].iter().any(|p| word.starts_with(p))
    };
    let words = text.split(|c: char| c.is_whitespace() || "`(),;|".contains(c));
    let named: Vec<_> = words.filter(is_path).map(|w| w.trim_end_matches(['.', ':'])).collect();
    assert!(named.len() > 10, "the map names too little: {named:?}");
    for path in named {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}, which is not there");
    }
}

#[test]
fn no_path_of_a_machine_is_in_the_project() {
    for (path, text) in sources(&["src", "tests"]) {
        for (i, line) in text.lines().enumerate() {
            let home = ["/home/", "/Users/", "/root/"].iter().any(|h| line.contains(h));
            let allowed =
                path.contains("shell") || path.contains("tidy") || line.contains("runner");
            assert!(!home || allowed, "{path}:{}: {line}", i + 1);
        }
    }
}

#[test]
fn links_of_the_docs_lead_somewhere() {
    let mut pages = Vec::new();
    for dir in ["docs", "examples", "providers"] {
        walk(&root().join(dir), &mut pages);
    }
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
    pages.extend(top.iter().map(|page| root().join(page)));
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    let mut links = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if link.is_empty() || link.contains("://") {
                continue;
            }
            links += 1;
            let target = page.parent().unwrap().join(link);
            assert!(target.exists(), "{} links to {link}", page.display());
        }
    }
    assert!(links > 5, "{links}");
}
