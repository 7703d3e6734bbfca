//! Odd and hostile folders, through the binary. Whatever one file holds: no panic, an end, what was not
//! read is said, and everything beside it is still assessed.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use serde_json::Value;

/// Only a hang is longer than this, even in a debug build on a busy machine.
const WATCHDOG: Duration = Duration::from_mins(5);

const GOOD: &str = "
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: codecov/codecov-action@v1
        with:
          token: ${{ secrets.GOOD_TOKEN }}
";

/// A checkout with a good workflow, to which a case adds what is odd.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.workflow("good.yml", GOOD)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn with(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn workflow(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        self.with(&format!(".github/workflows/{name}"), text)
    }

    fn expose(&self) -> Seen {
        expose(self.path())
    }
}

/// What the program said of a folder.
struct Seen {
    report: Value,
}

fn expose(path: &Path) -> Seen {
    let child = Command::new(env!("CARGO_BIN_EXE_keysweep"))
        .args(["expose", "codecov-2021", "--as-of", "2021-03-01", "--format", "json"])
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(child.wait_with_output()));
    let output = receive.recv_timeout(WATCHDOG).map(Result::unwrap);
    if output.is_err() {
        let _ = Command::new("kill").arg(id.to_string()).status();
    }
    let output = output.expect("an end");
    let errors = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 10 | 20)), "{code:?}, {:?}: {errors}", output.status);
    assert!(!errors.contains("panicked"), "{errors}");
    Seen { report: serde_json::from_slice(&output.stdout).unwrap() }
}

impl Seen {
    fn list(&self, name: &str) -> &[Value] {
        self.report[name].as_array().unwrap()
    }

    /// Names of the placements that a file exposes.
    fn exposed(&self, file: &str) -> Vec<&str> {
        let of_file = |e: &&Value| e["consumer"]["file"].as_str().unwrap().ends_with(file);
        let mut names: Vec<&str> = self
            .list("exposures")
            .iter()
            .filter(of_file)
            .map(|e| e["placement"]["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Reasons of the coverage entries about a file.
    fn unread(&self, file: &str) -> Vec<&str> {
        self.list("coverage")
            .iter()
            .filter(|entry| entry["scope"].as_str().unwrap().contains(file))
            .map(|entry| entry["reason"].as_str().unwrap())
            .collect()
    }

    #[track_caller]
    fn good_is_assessed(self) -> Self {
        assert!(self.exposed("good.yml").contains(&"GOOD_TOKEN"), "{:#}", self.report);
        self
    }

    #[track_caller]
    fn tells(self, file: &str, words: &str) -> Self {
        let reasons = self.unread(file);
        assert!(reasons.iter().any(|reason| reason.contains(words)), "{file}: {reasons:?}");
        self
    }

    /// The odd file was read to its end all the same.
    #[track_caller]
    fn exposes(self, file: &str, name: &str) -> Self {
        let found = self.exposed(file);
        assert!(found.contains(&name), "{file}: {found:?}, not read: {:?}", self.unread(file));
        self
    }
}

/// A workflow whose step shows, by its secret, that the file was read to here.
fn with_head(head: &str) -> String {
    format!("{head}{}", GOOD.replace("on: push\n", "").replace("GOOD_TOKEN", "ODD_TOKEN"))
}

#[test]
fn odd_but_valid_files_are_read_whole() {
    let heads = [
        "on:\n  workflow_dispatch:\n    inputs:\n",
        "on:\n  workflow_dispatch:\n    inputs:\n      count:\n        type: int\n        default: 3\n",
        "on:\n  push:\n    branches: [$default-branch]\n",
        "# first a comment\n\n# and another\n\non: push\n",
        "on: push\nname: \"a name\n over\nseveral lines\"\n",
        "on: push\nenv:\n  TEXT: 'indented\n less\n  than: its key'\n",
        "\u{feff}on: push\n",
        "---\non: push\n",
        "'on': push\n",
        "on: push\nname: !!str 7\n",
        "on: push\nx-unknown: {a: [1, {b: ~}]}\n",
    ];
    let mut folder = Folder::new();
    for (i, head) in heads.iter().enumerate() {
        folder = folder.workflow(&format!("odd-{i:02}.yml"), with_head(head));
    }
    let crlf = with_head("on: push\n").replace('\n', "\r\n");
    let seen = folder.workflow("crlf.yml", crlf).expose().good_is_assessed();
    let mut seen = seen.exposes("crlf.yml", "ODD_TOKEN");
    for (i, _) in heads.iter().enumerate() {
        seen = seen.exposes(&format!("odd-{i:02}.yml"), "ODD_TOKEN");
    }
}

#[test]
fn files_that_are_no_workflow() {
    let folder = Folder::new()
        .workflow("empty.yml", "")
        .workflow("list.yml", "- a\n- b\n")
        .workflow("word.yml", "word")
        .workflow("nojobs.yml", "on: push\n")
        .workflow("numbers.yml", "on: 1\njobs: 2\n")
        .workflow("jobs.yml", "on: push\njobs: [a, b]\n")
        .workflow("steps.yml", "on: push\njobs: {a: {steps: {b: c}}}\n")
        .workflow("null.yml", "on: push\njobs: {a: , b: {steps: [~, 1, [x]]}}\n")
        .workflow("tabs.yml", "on: push\njobs:\n\ta: 1\n")
        .workflow("open.yml", "on: [push\njobs: {\n");
    let seen = folder.expose().good_is_assessed();
    let seen = seen.tells("nojobs.yml", "no `jobs:`").tells("tabs.yml", "not read");
    seen.tells("open.yml", "not read");
}

#[test]
fn alias_bombs() {
    let mut bomb = "on: push\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..40 {
        let of = vec![format!("*a{}", i - 1); 9].join(", ");
        bomb += &format!("a{i}: &a{i} [{of}]\n");
    }
    bomb += "jobs: {j: {env: {A: *a39}, steps: *a39}}\n";
    let mut merge = "on: push\nm0: &m0 {k: v}\n".to_owned();
    for i in 1..40 {
        let of = vec![format!("*m{}", i - 1); 9].join(", ");
        merge += &format!("m{i}: &m{i} {{<<: [{of}], k{i}: v}}\n");
    }
    merge += "jobs: {j: {env: *m39, steps: []}}\n";
    let own = "on: push\njobs: &j {a: *j}\n";
    let folder = Folder::new().workflow("bomb.yml", bomb).workflow("merge.yml", merge);
    let seen = folder.workflow("own.yml", own).expose().good_is_assessed();
    seen.tells("bomb.yml", "alias").tells("own.yml", "alias");
}

#[test]
fn steps_by_alias_in_thousands_of_jobs() {
    let mut text = "on: push\nx: &s\n".to_owned();
    for _ in 0..500 {
        text += "  - run: echo ${{ secrets.A }}\n    env: {B: '${{ secrets.B }}', C: c, D: d}\n";
    }
    text += "jobs:\n";
    for i in 0..5_000 {
        text += &format!("  j{i}: {{steps: *s}}\n");
    }
    Folder::new().workflow("alias.yml", text).expose().good_is_assessed().tells("alias.yml", "");
}

#[test]
fn nesting() {
    let deep = 10_000;
    let flow = format!("on: push\njobs: {}{}\n", "[".repeat(deep), "]".repeat(deep));
    let maps = format!("on: push\njobs: {}{}\n", "{a: ".repeat(deep), "}".repeat(deep));
    let block: String = (0..deep).map(|i| format!("{}a:\n", " ".repeat(i.min(3_000)))).collect();
    let dashes = format!("on: push\njobs:\n  {}x\n", "- ".repeat(deep));
    let open = "{[".repeat(50_000);
    let folder = Folder::new()
        .workflow("flow.yml", flow)
        .workflow("maps.yml", maps)
        .workflow("block.yml", block)
        .workflow("dashes.yml", dashes)
        .workflow("open.yml", open);
    let seen = folder.expose().good_is_assessed();
    seen.tells("flow.yml", "not read").tells("maps.yml", "").tells("dashes.yml", "");
}

#[test]
fn deep_and_long_expressions() {
    let deep = 20_000;
    let expressions = [
        format!("{}secrets.DEEP{}", "(".repeat(deep), ")".repeat(deep)),
        format!("{}secrets.DEEP", "!".repeat(deep)),
        format!("{}secrets.DEEP{}", "format('{0}', ".repeat(deep), ")".repeat(deep)),
        format!("secrets{}", "[secrets".repeat(deep)),
        format!("secrets.DEEP{}", " || secrets.DEEP".repeat(deep)),
        format!("secrets.DEEP{}", ".a".repeat(deep)),
        format!("secrets.DEEP == '{}'", "''".repeat(deep)),
        "${{".repeat(deep),
        format!("'{}", "{0}".repeat(deep)),
    ];
    let mut text = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n".to_owned();
    for expression in &expressions {
        text += &format!(
            "      - run: echo\n        env:\n          A: >-\n            ${{{{ {expression} }}}}\n"
        );
        text += &format!("        if: >-\n          {expression}\n");
    }
    text +=
        "      - uses: codecov/codecov-action@v1\n        with: {token: '${{ secrets.AFTER }}'}\n";
    let seen = Folder::new().workflow("deep.yml", text).expose().good_is_assessed();
    seen.exposes("deep.yml", "AFTER").exposes("deep.yml", "DEEP");
}

#[test]
fn values_that_multiply() {
    let mut text = "on: push\njobs:\n  j:\n    strategy:\n      matrix:\n".to_owned();
    for i in 0..60 {
        text += &format!("        k{i}: [a, b, c, d, e, f, g, h]\n");
    }
    let all: String = (0..60).map(|i| format!("${{{{ matrix.k{i} }}}}")).collect();
    let nested: String = (0..60).map(|i| format!("matrix.k{i}, ")).collect();
    text += &format!(
        "    runs-on: {all}\n    environment: {all}\n    env: {{E0: '{all}'}}\n    steps:\n"
    );
    text += &format!("      - uses: ./{all}\n      - run: '{all}'\n");
    text += &format!("      - run: ${{{{ secrets[format('{{0}}{{1}}{{2}}', {nested}'x')] }}}}\n");
    // Each variable holds the one before it twice.
    for i in 1..200 {
        text += &format!(
            "      - run: echo X{i}=$X >> $GITHUB_ENV\n        env: {{E{i}: '${{{{ env.E{0} }}}}${{{{ env.E{0} }}}}'}}\n",
            i - 1
        );
    }
    Folder::new().workflow("values.yml", text).expose().good_is_assessed();
}

#[test]
fn long_scripts() {
    let body: String = (0..100_000).map(|i| format!("          echo line {i} \"$A\"\n")).collect();
    let steps = GOOD.replace("GOOD_TOKEN", "ODD_TOKEN");
    let text = format!("{steps}      - run: |\n{body}");
    let one_line = format!("{steps}      - run: echo {}\n", "x ".repeat(500_000));
    let python = format!("{steps}      - shell: python\n        run: |\n{body}");
    let pwsh = format!("{steps}      - shell: pwsh\n        run: |\n{body}");
    let folder = Folder::new()
        .workflow("script.yml", text)
        .workflow("line.yml", one_line)
        .workflow("python.yml", python)
        .workflow("pwsh.yml", pwsh);
    let seen = folder.expose().good_is_assessed();
    let seen = seen.exposes("script.yml", "ODD_TOKEN").exposes("line.yml", "ODD_TOKEN");
    seen.exposes("python.yml", "ODD_TOKEN").exposes("pwsh.yml", "ODD_TOKEN");
}

#[test]
fn scripts_of_brackets() {
    let deep = 20_000;
    let mut text = "on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n".to_owned();
    for shell in ["bash", "pwsh", "python", "cmd"] {
        for piece in [
            "$(",
            "`",
            "((",
            "{",
            "[[",
            "if true; then ",
            "\"$(",
            "<(",
            "<<A\n          ",
            "'\"",
            "${a:-",
        ] {
            let script = piece.repeat(deep);
            text += &format!("      - shell: {shell}\n        run: |\n          {script}\n");
        }
    }
    text +=
        "      - uses: codecov/codecov-action@v1\n        with: {token: '${{ secrets.AFTER }}'}\n";
    let seen = Folder::new().workflow("brackets.yml", text).expose().good_is_assessed();
    seen.exposes("brackets.yml", "AFTER");
}

#[test]
fn bytes_that_are_no_text() {
    let mut latin = with_head("on: push\n# caf").into_bytes();
    latin.splice(14..14, [0xe9, b'\n']);
    let random: Vec<u8> =
        (0_u32..200_000).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let sixteen: Vec<u8> =
        with_head("on: push\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let folder = Folder::new()
        .workflow("latin.yml", latin)
        .workflow("nul.yml", with_head("on: push\n# \0\0\0\n"))
        .workflow("nul-in-text.yml", with_head("on: push\nname: a\0b\n"))
        .workflow("random.yml", random)
        .workflow("sixteen.yml", sixteen)
        .workflow("zeros.yml", vec![0; 100_000]);
    let seen = folder.expose().good_is_assessed();
    let seen = seen.tells("latin.yml", "UTF-8").tells("random.yml", "").tells("zeros.yml", "");
    seen.tells("nul.yml", "").tells("nul-in-text.yml", "");
}

#[test]
fn files_beyond_any_size() {
    let folder = Folder::new();
    let path = folder.path().join(".github/workflows/huge.yml");
    // Sparse: nothing is written.
    fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
    let line = "# a comment that fills the file with nothing\n";
    let text = with_head(&line.repeat((7 << 20) / line.len()));
    let folder = folder.workflow("comment.yml", text.replace("jobs:", "on: push\njobs:"));
    let seen = folder.expose().good_is_assessed();
    seen.tells("huge.yml", "MB").exposes("comment.yml", "ODD_TOKEN");
}

#[cfg(unix)]
#[test]
fn links_pipes_and_folders_in_place_of_files() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.yml"), with_head("on: push\n")).unwrap();
    let folder = Folder::new().workflow("folder.yml/inner.yml", GOOD);
    let at = |name: &str| folder.path().join(".github/workflows").join(name);
    symlink("loop.yml", at("loop.yml")).unwrap();
    symlink("b.yml", at("a.yml")).unwrap();
    symlink("a.yml", at("b.yml")).unwrap();
    symlink(".", at("here")).unwrap();
    symlink("../..", folder.path().join("up")).unwrap();
    symlink(outside.path().join("x.yml"), at("outside.yml")).unwrap();
    symlink("/dev/zero", at("zero.yml")).unwrap();
    symlink("nowhere", at("dangling.yml")).unwrap();
    symlink("good.yml", at("same.yml")).unwrap();
    for fifo in [at("fifo.yml"), folder.path().join("action.yml"), folder.path().join("Makefile")] {
        assert!(Command::new("mkfifo").arg(fifo).status().unwrap().success());
    }
    let folder = folder.workflow(
        "calls.yml",
        with_head("on: push\n") + "      - run: make all\n      - uses: ./\n",
    );
    let seen = folder.expose().good_is_assessed().exposes("calls.yml", "ODD_TOKEN");
    assert!(seen.exposed("outside.yml").is_empty(), "read from outside the checkout");
    let seen = seen.tells("outside.yml", "leaves the checkout").tells("zero.yml", "leaves");
    let seen = seen.tells("fifo.yml", "not a regular file").tells("dangling.yml", "link");
    seen.tells("loop.yml", "").tells("a.yml", "").tells("b.yml", "");
}

#[test]
fn a_workflow_folder_that_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = Folder::new();
    let odd = folder.path().join("odd");
    fs::create_dir_all(odd.join(".github")).unwrap();
    fs::write(odd.join(".github/workflows"), "on: push\n").unwrap();
    fs::rename(root.path().join(".github"), folder.path().join("good-github")).unwrap();
    fs::create_dir(folder.path().join("good")).unwrap();
    fs::rename(folder.path().join("good-github"), folder.path().join("good/.github")).unwrap();
    expose(folder.path()).good_is_assessed();
    expose(&odd);
}

#[test]
fn paths_that_leave_the_checkout() {
    let head = with_head("on: push\n");
    let uses = |path: &str| format!("{head}      - uses: {path}\n");
    let called = |path: &str| format!("{head}  call:\n    uses: {path}\n");
    let folder = Folder::new()
        .workflow("up.yml", uses("./../../x"))
        .workflow("far.yml", uses("./a/../../../../etc"))
        .workflow("absolute.yml", uses(".//etc/passwd"))
        .workflow("call-up.yml", called("./../x.yml"))
        .workflow("script.yml", format!("{head}      - run: bash ../../../etc/profile\n"))
        .workflow(
            "workdir.yml",
            format!("{head}      - run: ./x.sh\n        working-directory: ../../..\n"),
        );
    let mut seen = folder.expose().good_is_assessed();
    for file in ["up.yml", "far.yml", "absolute.yml", "call-up.yml", "script.yml", "workdir.yml"] {
        seen = seen.exposes(file, "ODD_TOKEN");
    }
    seen.tells("up.yml", "leaves").tells("far.yml", "leaves").tells("call-up.yml", "leaves");
}

#[test]
fn circles_and_fans_of_reusable_workflows() {
    let call = |to: &str, times: usize| {
        let jobs: String =
            (0..times).map(|i| format!("  j{i}:\n    uses: ./.github/workflows/{to}\n")).collect();
        format!("on: workflow_call\njobs:\n{jobs}")
    };
    let mut folder = Folder::new()
        .workflow("self.yml", call("self.yml", 3))
        .workflow("ping.yml", call("pong.yml", 2))
        .workflow("pong.yml", call("ping.yml", 2))
        .workflow("fan-5.yml", GOOD.replace("on: push", "on: workflow_call"));
    for i in 0..5 {
        folder = folder.workflow(&format!("fan-{i}.yml"), call(&format!("fan-{}.yml", i + 1), 40));
    }
    let seen = folder.expose().good_is_assessed();
    seen.tells("self.yml", "calls itself").tells("fan-0.yml", "expands to more than is read");
}

#[test]
fn circles_and_fans_of_composite_actions() {
    let composite = |steps: &str| format!("runs:\n  using: composite\n  steps:\n{steps}");
    let step = |to: &str| format!("    - uses: ./.github/actions/{to}\n");
    let mut folder = Folder::new()
        .with(".github/actions/own/action.yml", composite(&step("own").repeat(3)))
        .with(
            ".github/actions/fan-9/action.yml",
            composite("    - run: echo\n      shell: bash\n"),
        );
    for i in 0..9 {
        let text = composite(&step(&format!("fan-{}", i + 1)).repeat(40));
        folder = folder.with(&format!(".github/actions/fan-{i}/action.yml"), text);
    }
    let head = with_head("on: push\n");
    let mut jobs = head.clone();
    for i in 0..500 {
        jobs += &format!("  j{i}:\n    steps:\n      - uses: ./.github/actions/fan-0\n");
    }
    let folder = folder
        .workflow("own.yml", head.clone() + "      - uses: ./.github/actions/own\n")
        .workflow("fan.yml", jobs);
    let seen = folder.expose().good_is_assessed();
    let seen = seen.exposes("own.yml", "ODD_TOKEN").exposes("fan.yml", "ODD_TOKEN");
    seen.tells("own", "calls itself").tells("fan", "expands to more than is read");
}

#[test]
fn a_large_action_used_often() {
    let mut action = "inputs:\n".to_owned();
    for i in 0..20_000 {
        action += &format!("  in{i}: {{default: '${{{{ github.token }}}} {i}'}}\n");
    }
    action += "runs: {using: composite, steps: [{run: echo, shell: bash}]}\n";
    let code = "var a = 1; // codecov\n".repeat(150_000);
    let mut text = with_head("on: push\n");
    text += &"      - uses: ./large\n      - uses: ./code\n".repeat(2_000);
    let folder = Folder::new()
        .with("large/action.yml", action)
        .with("code/action.yml", "runs: {using: node20, main: index.js}\n")
        .with("code/index.js", code)
        .workflow("often.yml", text);
    folder.expose().good_is_assessed().exposes("often.yml", "ODD_TOKEN");
}

#[test]
fn thousands_of_jobs_and_variables() {
    let mut jobs = with_head("on: push\n");
    for i in 0..5_000 {
        jobs +=
            &format!("  j{i}:\n    needs: [test, j{}]\n    steps:\n      - run: echo {i}\n", i / 2);
    }
    let mut env = "on: push\nenv:\n".to_owned();
    for i in 0..10_000 {
        env += &format!("  NAME_{i}: ${{{{ secrets.S{i} }}}}\n");
    }
    env += "jobs:\n  j:\n    steps:\n";
    env += &"      - run: true\n        env: {A: b}\n".repeat(5_000);
    let mut steps = with_head("on: push\n");
    for i in 0..10_000 {
        steps += &format!(
            "      - uses: docker/login-action@v3\n        id: s{i}\n        with: {{password: '${{{{ secrets.P{i} }}}}'}}\n"
        );
    }
    let folder = Folder::new()
        .workflow("jobs.yml", jobs)
        .workflow("env.yml", env)
        .workflow("steps.yml", steps);
    let seen = folder.expose().good_is_assessed();
    seen.exposes("jobs.yml", "ODD_TOKEN").exposes("steps.yml", "ODD_TOKEN");
}

#[test]
fn more_exposures_than_anybody_reads() {
    let mut text = with_head("on: push\n");
    for i in 0..400 {
        text += &format!(
            "      - uses: codecov/codecov-action@v1\n        with: {{token: '${{{{ secrets.S{i} }}}}'}}\n"
        );
    }
    let seen = Folder::new().workflow("many.yml", text).expose().good_is_assessed();
    assert_eq!(seen.list("exposures").len(), 50_000 + seen.exposed("good.yml").len());
    seen.exposes("many.yml", "ODD_TOKEN").tells("many.yml", "more than 50000 exposures");
}

#[test]
fn scripts_of_the_repository_that_call_each_other() {
    let mut folder = Folder::new()
        .with("a.sh", "bash b.sh\nbash a.sh\n")
        .with("b.sh", "./a.sh\n. ./b.sh\nsource a.sh\n")
        .with("Makefile", "all: all check\n\tmake check\n\t$(MAKE) all\ncheck: all\n\tbash a.sh\n")
        .with("package.json", r#"{"scripts": {"a": "npm run b", "b": "npm run a && yarn a"}}"#)
        .with("bad/package.json", "{\"scripts\": [[[[[[")
        .with("bad/Makefile", [0xff, 0x00, b':', b'\n', b'\t', 0xff]);
    for i in 0..12 {
        folder = folder.with(&format!("fan{i}.sh"), format!("bash fan{}.sh\n", i + 1).repeat(20));
    }
    let text = with_head("on: push\n")
        + "      - run: bash a.sh\n      - run: make all\n      - run: npm run a\n      - run: bash fan0.sh\n\
           \x20     - run: make -C bad && npm run x --prefix bad\n      - run: make x && npm run x\n\
           \x20       working-directory: bad\n";
    folder
        .workflow("scripts.yml", text)
        .expose()
        .good_is_assessed()
        .exposes("scripts.yml", "ODD_TOKEN");
}
