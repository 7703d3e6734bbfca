//! What a mention says: line, way, pin, check, environment, arguments; calls into the repository.

use keysweep::ci::{
    MemoryFiles,
    model::{Certainty, EnvView, Hides, Kind, Mention, Pinned, Verified},
    shell::Session,
};

use super::{Step, job, job_in, names, one, running, script, secrets};

const SHA: &str = "0123456789012345678901234567890123456789";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn only(step: Step<'_>) -> Mention {
    let outcome = one(step);
    let running = running(&outcome);
    assert_eq!(running.len(), 1, "{:#?}", outcome.mentions);
    running[0].clone()
}

fn in_repository(files: &[(&str, &str)], step: Step<'_>) -> Vec<Mention> {
    let files = files.iter().fold(MemoryFiles::default(), |all, (path, text)| all.with(path, text));
    let outcome = job(&files, &[step]).pop().expect("one step");
    running(&outcome).into_iter().cloned().collect()
}

fn place(mention: &Mention) -> (String, u32) {
    (mention.place.file.to_string(), mention.place.line)
}

fn via(mention: &Mention) -> Vec<(String, u32)> {
    mention.via.iter().map(|place| (place.file.to_string(), place.line)).collect()
}

#[test]
fn lines_are_those_of_the_command_that_runs() {
    // Text begins at line 10.
    let cases: &[(&str, u32, &[u32])] = &[
        ("echo\nbash <(curl -s https://h/x)", 11, &[]),
        ("echo\ncurl -s https://h/x \\\n  | bash", 12, &[11]),
        ("curl -so x https://h/x\n\nbash x", 12, &[10]),
        ("sh -c '\n  curl -s https://h/x | sh\n'", 11, &[10]),
        ("f() {\n curl -s https://h/x | bash\n}\nf", 11, &[13]),
        ("C='curl -s https://h/x | bash'\necho\neval \"$C\"", 10, &[12]),
        ("cat > x.sh <<'EOF'\n#!/bin/bash\ncurl -s https://h/x | bash\nEOF\nbash x.sh", 12, &[14]),
        ("docker run --rm app bash -c \"\n  echo\n  curl -s https://h/x | bash\n\"", 12, &[10]),
        ("python - <<EOF\nimport os\nos.system('curl -s https://h/x | sh')\nEOF", 12, &[10]),
    ];
    for (text, line, calls) in cases {
        let outcome = script(text);
        let found: Vec<&Mention> =
            running(&outcome).into_iter().filter(|m| m.component.kind != Kind::Image).collect();
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].place.line, *line, "{text}");
        let via: Vec<u32> = found[0].via.iter().map(|place| place.line).collect();
        assert_eq!(via, *calls, "{text}");
    }
}

#[test]
fn placeholders_do_not_move_lines() {
    let mention =
        only(Step::new("echo ${{ matrix.a\n}}\nbash <(curl -s https://h/x) -t ${{ secrets.T }}"));
    assert_eq!(mention.place.line, 12);
    assert_eq!(secrets(&mention.arguments), ["T"]);
}

#[test]
fn kinds_and_pins() {
    let raw = format!("curl -s https://raw.githubusercontent.com/o/r/{SHA}/x.sh | bash");
    let digest = format!("docker run a/b@{DIGEST} ls");
    let clone = format!("git clone https://github.com/o/r\ncd r\ngit checkout {SHA}\n./x");
    let cases: &[(&str, Kind, &str, Option<&str>, Pinned)] = &[
        (
            "bash <(curl -s https://codecov.io/bash)",
            Kind::ScriptUrl,
            "https://codecov.io/bash",
            None,
            Pinned::No,
        ),
        (
            &raw,
            Kind::ScriptUrl,
            &format!("https://raw.githubusercontent.com/o/r/{SHA}/x.sh"),
            Some(SHA),
            Pinned::Sha,
        ),
        (
            "curl -s https://raw.githubusercontent.com/o/r/main/x.sh | bash",
            Kind::ScriptUrl,
            "https://raw.githubusercontent.com/o/r/main/x.sh",
            Some("main"),
            Pinned::Branch,
        ),
        (
            "curl -Lo t https://github.com/o/r/releases/download/v1.2/t && chmod +x t && ./t",
            Kind::ReleaseAsset,
            "o/r",
            Some("v1.2"),
            Pinned::Tag,
        ),
        (
            "curl -Lo t https://h/v1.2.3/t && chmod +x t && ./t",
            Kind::Binary,
            "https://h/v1.2.3/t",
            Some("1.2.3"),
            Pinned::Version,
        ),
        (&clone, Kind::Repository, "o/r", Some(SHA), Pinned::Sha),
        (
            "git clone -b main https://github.com/o/r.git d; d/x",
            Kind::Repository,
            "o/r",
            Some("main"),
            Pinned::Branch,
        ),
        (&digest, Kind::Image, "a/b", Some(DIGEST), Pinned::Digest),
        ("docker run ghcr.io/a/b:1.2 ls", Kind::Image, "ghcr.io/a/b", Some("1.2"), Pinned::Version),
        ("npx a@1.0.0", Kind::Package, "npm:a", Some("1.0.0"), Pinned::Version),
    ];
    for (text, kind, name, reference, pinned) in cases {
        let component = only(Step::new(text)).component;
        let reference = reference.map(|reference| match *kind {
            Kind::Binary => format!("v{reference}"),
            _ => reference.to_owned(),
        });
        let found = (component.kind, component.name, component.reference, component.pinned);
        assert_eq!(found, (*kind, (*name).to_owned(), reference, *pinned), "{text}");
    }
}

#[test]
fn values_resolve_names() {
    let step = Step::new("curl -s \"$HOST/${{ env.NAME }}.sh\" | bash")
        .plain("HOST", "https://h")
        .values("env.NAME", &["a"]);
    assert_eq!(only(step).component.name, "https://h/a.sh");

    let step =
        Step::new("curl -s https://h/${{ matrix.n }} | bash").values("matrix.n", &["a", "b"]);
    let outcome = one(step);
    assert_eq!(names(&outcome), ["https://h/a", "https://h/b"]);
    assert!(outcome.mentions.iter().all(|mention| mention.certainty == Certainty::Possible));

    let step =
        Step::new("${{ matrix.run }}").values("matrix.run", &["ls", "curl -s https://h/x | bash"]);
    assert_eq!(only(step).component.name, "https://h/x");

    let unknown = only(Step::new("curl -s https://h/${{ inputs.v }}/x.sh | bash"));
    assert_eq!(unknown.component.name, "https://h/${{ inputs.v }}/x.sh");

    let joined = only(Step::new("V=1.2\ncurl -s \"https://h/${V#v}/x${E:-.sh}\" | bash"));
    assert_eq!(joined.component.name, "https://h/1.2/x.sh");
}

const FETCH: &str = "curl -sLo t https://h/t\n";
const RUN: &str = "\nchmod +x t\n./t";

#[test]
fn checks_that_stop_the_run() {
    let hash = "a".repeat(64);
    let good: &[(&str, Verified)] = &[
        ("echo \"HASH  t\" | sha256sum -c", Verified::Checksum),
        ("echo 'HASH  t' | shasum -a 256 -c -", Verified::Checksum),
        ("sha256sum --check <<< \"HASH  t\"", Verified::Checksum),
        ("sha256sum -c <<EOF\nHASH  t\nEOF", Verified::Checksum),
        ("printf '%s  %s\\n' HASH t > sums\nsha256sum -c sums", Verified::Checksum),
        ("[ \"$(sha256sum t | cut -d' ' -f1)\" = HASH ] || exit 1", Verified::Checksum),
        ("[[ $(sha256sum t | awk '{print $1}') == \"HASH\" ]]", Verified::Checksum),
        ("S=$(sha256sum t)\nif [ \"$S\" != HASH ]; then echo bad; exit 1; fi", Verified::Checksum),
        ("test \"$(openssl dgst -sha256 t)\" != HASH && exit 1", Verified::Checksum),
        ("sha256sum t | grep -q HASH", Verified::Checksum),
        ("echo \"HASH t\" | sha256sum -c || { echo bad; exit 1; }", Verified::Checksum),
        (
            "[[ $(shasum -a 256 t | cut -f1 -d' ') == HASH ]] || (echo bad && exit 1)",
            Verified::Checksum,
        ),
        ("sha256sum -c <(echo 'HASH  t')", Verified::Checksum),
        (
            "E=HASH\nA=$(sha256sum t | cut -d' ' -f1)\n[ \"$A\" == \"$E\" ] || exit 1",
            Verified::Checksum,
        ),
        (
            "die() { echo \"$1\"; exit 1; }\necho 'HASH  t' | sha256sum -c || die bad",
            Verified::Checksum,
        ),
        ("if ! echo 'HASH  t' | sha256sum -c; then exit 1; fi", Verified::Checksum),
        ("curl -sLO https://h/t.asc\ngpg --verify t.asc t", Verified::Signature),
        (
            "curl -sLO https://h/s\ncurl -sLO https://h/s.sig\ngpgv s.sig s\nsha256sum -c s",
            Verified::Signature,
        ),
        ("cosign verify-blob --key k.pub --signature t.sig t", Verified::Signature),
        ("minisign -Vm t -P key", Verified::Signature),
        ("gh attestation verify t --owner o", Verified::Attestation),
        (
            "slsa-verifier verify-artifact t --provenance-path p --source-uri u",
            Verified::Attestation,
        ),
    ];
    for (check, verified) in good {
        let text = format!("{FETCH}{}{RUN}", check.replace("HASH", &hash));
        let outcome = script(&text);
        let runs = running(&outcome);
        assert_eq!(runs.len(), 1, "{text}");
        assert_eq!(runs[0].component.verified, *verified, "{text}");
    }
}

#[test]
fn checks_that_stop_nothing() {
    let hash = "a".repeat(64);
    let bad = [
        "echo \"HASH  t\" | sha256sum -c || true",
        "echo \"HASH  t\" | sha256sum -c || echo bad",
        "set +e\necho \"HASH  t\" | sha256sum -c",
        "echo \"HASH  other\" | sha256sum -c",
        "sha256sum t",
        "curl -sLO https://h/t.sha256\nsha256sum -c t.sha256",
        "echo \"$(curl -s https://h/t.sha256)  t\" | sha256sum -c",
        "if echo \"HASH  t\" | sha256sum -c; then echo fine; fi",
        "echo \"HASH  t\" | sha256sum -c | tee log",
        "[ \"$(sha256sum t)\" = HASH ] && echo fine",
        "! echo \"HASH  t\" | sha256sum -c",
    ];
    for check in bad {
        let text = format!("{FETCH}{}{RUN}", check.replace("HASH", &hash));
        assert_eq!(only(Step::new(&text)).component.verified, Verified::No, "{text}");
    }
    // Too late, and without `-e`.
    let late = format!("{FETCH}chmod +x t\n./t\necho '{hash}  t' | sha256sum -c");
    assert_eq!(only(Step::new(&late)).component.verified, Verified::No);
    let lenient = format!("{FETCH}echo '{hash}  t' | sha256sum -c{RUN}");
    assert_eq!(only(Step::new(&lenient).shell("bash {0}")).component.verified, Verified::No);
}

#[test]
fn checks_inside_a_chain_hold_for_what_follows_in_it() {
    let hash = "a".repeat(64);
    let chain = format!("{FETCH}echo '{hash}  t' | sha256sum -c && chmod +x t && ./t");
    assert_eq!(only(Step::new(&chain)).component.verified, Verified::Checksum);
    let executable = format!("{FETCH}echo '{hash}  t' | sha256sum -c && chmod +x t\n./t");
    assert_eq!(only(Step::new(&executable)).component.verified, Verified::Checksum);
    let unpacked = format!(
        "curl -sLo t.tgz https://h/t.tgz\necho '{hash}  t.tgz' | sha256sum -c\ntar xf t.tgz\n./t/t"
    );
    assert_eq!(only(Step::new(&unpacked)).component.verified, Verified::Checksum);
    let powershell = "iwr https://h/a.exe -OutFile a.exe\nif ((Get-FileHash a.exe).Hash -ne 'abc') { throw 'bad' }\n& ./a.exe";
    assert_eq!(only(Step::new(powershell).shell("pwsh")).component.verified, Verified::Checksum);
    let failing = format!("set -o pipefail\n{FETCH}echo '{hash}  t' | sha256sum -c | tee log{RUN}");
    assert_eq!(only(Step::new(&failing)).component.verified, Verified::Checksum);
}

/// Names of the passed variables; `None` where the environment is inherited.
fn passed(mention: &Mention) -> Option<Vec<&str>> {
    match &mention.env {
        EnvView::Only { passed } => {
            Some(passed.iter().map(|binding| binding.name.as_str()).collect())
        }
        EnvView::Inherits { .. } => None,
    }
}

#[test]
fn environments_are_cut() {
    let cases: &[(&str, Option<&[&str]>)] = &[
        ("curl -s https://h/x | bash", None),
        ("curl -s https://h/x | sudo bash", Some(&[])),
        ("curl -s https://h/x | sudo -E bash -", None),
        ("curl -s https://h/x | sudo T=\"$T\" bash", Some(&["T"])),
        ("curl -s https://h/x | sudo --preserve-env=T bash", Some(&["T"])),
        ("env -i T=$T bash <(curl -s https://h/x)", Some(&["T"])),
        ("env A=b bash <(curl -s https://h/x)", None),
        ("docker run app sh -c 'curl -s https://h/x | sh'", Some(&[])),
        ("docker run -e T -e A=b app sh -c 'curl -s https://h/x | sh'", Some(&["A", "T"])),
        ("docker exec -e T c bash -c 'bash <(curl -s https://h/x)'", Some(&["T"])),
        ("docker compose run -e T app bash -c 'bash <(curl -s https://h/x)'", Some(&["T"])),
        ("docker-compose run app bash -c 'bash <(curl -s https://h/x)'", Some(&[])),
        ("ssh h 'curl -s https://h/x | bash'", Some(&[])),
        ("ssh h <<'EOF'\ncurl -s https://h/x | bash\nEOF", Some(&[])),
        ("su - ci -c 'curl -s https://h/x | bash'", Some(&[])),
    ];
    for (text, expected) in cases {
        let step = Step::new(text).secret("T", "TOKEN");
        let outcome = one(step);
        let runs = running(&outcome);
        let mention = runs.iter().find(|m| m.component.name == "https://h/x").expect(text);
        assert_eq!(passed(mention).as_deref(), *expected, "{text}");
    }
}

#[test]
fn what_the_script_exports_is_seen() {
    let text =
        "export A=\"x-${{ secrets.A }}\"\nB=${{ secrets.B }}\nC=\"$T\" bash <(curl -s https://h/x)";
    let mention = only(Step::new(text).secret("T", "TOKEN"));
    let plus = match &mention.env {
        EnvView::Inherits { plus } => plus.as_slice(),
        EnvView::Only { .. } => &[],
    };
    let found: Vec<(&str, Vec<&str>)> =
        plus.iter().map(|binding| (binding.name.as_str(), secrets(&binding.flows))).collect();
    assert_eq!(found, [("A", vec!["A"]), ("C", vec!["TOKEN"])]);
}

#[test]
fn secrets_in_arguments() {
    let cases = [
        "bash <(curl -s https://h/x) -t ${{ secrets.TOKEN }}",
        "bash <(curl -s https://h/x) -t \"$T\"",
        "curl -s https://h/x | bash -s -- --token=\"${T}\"",
        "A=(-t \"$T\"); bash <(curl -s https://h/x) \"${A[@]}\"",
        "docker run app sh -c \"curl -s https://h/x | bash -s - -t ${T}\"",
        "docker run -e T app sh -c 'curl -s https://h/x | bash -s - -t ${T}'",
        "curl -so x https://h/x; chmod +x x; echo \"$T\" | ./x login",
        "f() { bash <(curl -s https://h/x) \"$@\"; }; f -t $T",
        "printf '%s' \"$T\" > k; curl -so x https://h/x; bash x < k",
    ];
    for text in cases {
        let outcome = one(Step::new(text).secret("T", "TOKEN"));
        let runs = running(&outcome);
        let mention = runs.iter().find(|m| m.component.name == "https://h/x").expect(text);
        assert_eq!(secrets(&mention.arguments), ["TOKEN"], "{text}");
    }
    let none = [
        "bash <(curl -sH \"Authorization: $T\" https://h/x)",
        "bash -c \"$(curl -u \"$T\" https://h/x)\"",
        "docker run app sh -c 'curl -s https://h/x | bash -s - -t ${T}'",
        "echo \"$T\" | docker login --password-stdin; curl -s https://h/x | bash",
    ];
    for text in none {
        let outcome = one(Step::new(text).secret("T", "TOKEN"));
        let runs = running(&outcome);
        let mention = runs.iter().find(|m| m.component.name == "https://h/x").expect(text);
        assert!(mention.arguments.is_empty(), "{text}");
    }
}

#[test]
fn environment_for_later_steps() {
    let cases = [
        "echo \"X=$T\" >> $GITHUB_ENV",
        "echo \"X=${{ secrets.TOKEN }}\" >> \"${GITHUB_ENV}\"",
        "echo X=$T | tee -a \"$GITHUB_ENV\"",
        "{\n echo 'X<<END'\n echo \"$T\"\n echo END\n} >> $GITHUB_ENV",
        "cat >> $GITHUB_ENV <<EOF\nX=a-$T\nEOF",
        "printf 'X=%s\\n' \"$T\" >> ${{ github.env }}",
    ];
    for text in cases {
        let outcome = one(Step::new(text).secret("T", "TOKEN"));
        let env = &outcome.env_for_later_steps;
        assert_eq!(env.len(), 1, "{text}: {env:?}");
        assert_eq!((env[0].name.as_str(), secrets(&env[0].flows)), ("X", vec!["TOKEN"]), "{text}");
    }
    for (shell, text) in [
        ("pwsh", "\"X=$env:T\" >> $env:GITHUB_ENV"),
        ("pwsh", "echo \"X=$env:T\" | Out-File -FilePath $env:GITHUB_ENV -Append"),
        ("pwsh", "Add-Content -Path $env:GITHUB_ENV -Value \"X=$env:T\""),
        ("cmd", "echo X=%T%>> %GITHUB_ENV%"),
        (
            "python",
            "import os\nwith open(os.environ['GITHUB_ENV'], 'a') as f:\n    f.write(f\"X={os.environ['T']}\\n\")",
        ),
    ] {
        let outcome = one(Step::new(text).shell(shell).secret("T", "TOKEN"));
        let env = &outcome.env_for_later_steps;
        assert_eq!(env.len(), 1, "{text}: {env:?}");
        assert_eq!((env[0].name.as_str(), secrets(&env[0].flows)), ("X", vec!["TOKEN"]), "{text}");
    }
    let outcome = one(Step::new("echo \"v=$T\" >> \"$GITHUB_OUTPUT\"\necho w=1 >> $GITHUB_ENV")
        .secret("T", "TOKEN"));
    assert_eq!(secrets(&outcome.outputs[0].flows), ["TOKEN"]);
    assert_eq!(outcome.env_for_later_steps[0].literal.as_deref(), Some("1"));
}

#[test]
fn scripts_of_the_repository() {
    let fetch = "#!/bin/sh\n\ncurl -s https://h/x | sh\n";
    let cases: &[(&str, &str, &str)] = &[
        ("./ci/x.sh", "ci/x.sh", fetch),
        ("bash ci/x.sh", "ci/x.sh", fetch),
        ("source ci/x.sh", "ci/x.sh", fetch),
        ("cd ci && ./x.sh", "ci/x.sh", fetch),
        ("\"$GITHUB_WORKSPACE/ci/x.sh\"", "ci/x.sh", fetch),
        ("${{ github.workspace }}/ci/x.sh", "ci/x.sh", fetch),
        ("cat ci/x.sh | bash", "ci/x.sh", fetch),
        ("cp ci/x.sh /tmp/y && /tmp/y", "ci/x.sh", fetch),
        ("docker run -v $PWD:/src app /src/ci/x.sh", "ci/x.sh", fetch),
        ("python ci/x.py", "ci/x.py", "import os\n\nos.system('curl -s https://h/x | sh')\n"),
        ("pwsh ./ci/x.ps1", "ci/x.ps1", "# \n\nirm https://h/x | iex\n"),
    ];
    for (text, path, content) in cases {
        let found = in_repository(&[(path, content)], Step::new(text));
        let mention = found.iter().find(|m| m.component.name == "https://h/x").expect(text);
        assert_eq!(place(mention), ((*path).to_owned(), 3), "{text}");
        assert_eq!(via(mention), [(super::FILE.to_owned(), 10)], "{text}");
    }
    let cut = in_repository(
        &[("ci/x.sh", fetch)],
        Step::new("docker run -v $PWD:/s -w /s app ./ci/x.sh").secret("T", "TOKEN"),
    );
    let mention = cut.iter().find(|m| m.component.name == "https://h/x").expect("runs");
    assert_eq!(passed(mention), Some(vec![]));
}

#[test]
fn scripts_pass_arguments_and_end_their_recursion() {
    let files = [("a.sh", "./b.sh \"$1\"\n"), ("b.sh", "./a.sh $1\ncurl -s $1 | bash\n")];
    let found = in_repository(&files, Step::new("./a.sh https://h/x"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].component.name, "https://h/x");
    assert_eq!(via(&found[0]), [(super::FILE.to_owned(), 10), ("a.sh".to_owned(), 1)]);
}

#[test]
fn two_steps_that_call_one_script_are_two_consumers() {
    let files = MemoryFiles::default().with("x.sh", "curl -s https://h/x | sh\n");
    let outcomes = job(&files, &[Step::new("./x.sh"), Step::new("./x.sh\n./x.sh")]);
    assert_eq!(running(&outcomes[0]).len(), 1);
    assert!(!running(&outcomes[1]).is_empty());
}

#[test]
fn make_targets() {
    let makefile = "URL ?= https://h/x\nSHELL := /bin/bash\n\nall: lint test\n\nlint:\n\techo ok\n\ntest: tool\n\t@./tool\n\ntool:\n\tcurl -sLo $@ \\\n\t  $(URL)\n\tchmod +x $@\n\nother:\n\t-bash <(curl -s https://h/other) -t $$TOKEN\n";
    let found = in_repository(&[("Makefile", makefile)], Step::new("make all"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].component.name, "https://h/x");
    assert_eq!(place(&found[0]), ("Makefile".to_owned(), 10));

    let step = Step::new("make -j4 other").secret("TOKEN", "TOKEN");
    let found = in_repository(&[("Makefile", makefile)], step);
    assert_eq!(place(&found[0]), ("Makefile".to_owned(), 18));
    assert_eq!(secrets(&found[0].arguments), ["TOKEN"]);

    let found =
        in_repository(&[("sub/Makefile", makefile)], Step::new("make -C sub test URL=https://h/y"));
    assert_eq!(found[0].component.name, "https://h/y");
    assert!(in_repository(&[("Makefile", makefile)], Step::new("make lint")).is_empty());
}

#[test]
fn package_scripts() {
    let package = "{\n  \"name\": \"a\",\n  \"scripts\": {\n    \"test\": \"jest\",\n    \"posttest\": \"npm run cover -- -x\",\n    \"cover\": \"bash <(curl -s https://h/x)\"\n  }\n}\n";
    for text in [
        "npm test",
        "npm run cover",
        "yarn cover",
        "yarn test",
        "pnpm run cover",
        "npm --prefix . run cover",
    ] {
        let found = in_repository(&[("package.json", package)], Step::new(text));
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(place(&found[0]), ("package.json".to_owned(), 6), "{text}");
    }
    let install = "{\"scripts\": {\"postinstall\": \"curl -s https://h/x | sh\"}}";
    assert_eq!(in_repository(&[("package.json", install)], Step::new("npm ci")).len(), 1);
    assert!(
        in_repository(&[("package.json", install)], Step::new("npm ci --ignore-scripts"))
            .is_empty()
    );
}

#[test]
fn batch_files_of_the_repository() {
    let found = in_repository(
        &[("ci/x.bat", "@echo off\r\ncurl -o a.exe https://h/x\r\na.exe\r\n")],
        Step::new("call ci\\x.bat").shell("cmd"),
    );
    assert_eq!(place(&found[0]), ("ci/x.bat".to_owned(), 3));
}

#[test]
fn fetched_and_kept_is_told_apart() {
    let outcome = script("curl -so data.bin https://h/data\ncurl -s https://h/api | jq .");
    assert!(running(&outcome).is_empty());
    let kept: Vec<&str> = outcome.mentions.iter().map(|m| m.component.name.as_str()).collect();
    assert_eq!(kept, ["https://h/data"]);
}

#[test]
fn a_later_step_may_run_what_was_kept() {
    let files = MemoryFiles::default();
    let mut session = Session::new(&files);
    let kept = "curl -so a https://h/a; curl -so b https://h/b";
    let outcomes = job_in(&mut session, &[Step::new(kept), Step::new("\n\nbash a")]);
    let ran: Vec<(&str, bool)> = outcomes[0]
        .mentions
        .iter()
        .map(|mention| (mention.component.name.as_str(), session.ran(mention)))
        .collect();
    assert_eq!(ran, [("https://h/a", true), ("https://h/b", false)]);
    assert_eq!(names(&outcomes[1]), ["https://h/a"]);
    assert_eq!(running(&outcomes[1])[0].via[0].line, 10);
}

#[test]
fn what_is_not_understood_is_a_gap_with_its_line() {
    let outcome = script("echo a\nif x; then (\ncurl -s https://h/x | bash\necho b");
    let gap = &outcome.gaps[0];
    assert_eq!(gap.place.line, 11);
    assert!(matches!(&gap.hides, Hides::Text(_)));
    // What stands on whole lines is still read.
    assert_eq!(names(&outcome), ["https://h/x"]);
    let other = one(Step::new("print 1;").shell("perl {0}"));
    assert!(matches!(&other.gaps[0].hides, Hides::Text(_)));
}

#[test]
fn hostile_scripts_end() {
    let long = "echo a | grep b > c\n".repeat(100_000);
    let nested = format!("{}x{}", "$(".repeat(5_000), ")".repeat(5_000));
    let bomb = "f() { g; g; }\ng() { h; h; }\nh() { f; f; }\nf\n";
    let doubling = "x=aaaaaaaa\nf() { x=\"$x$x\"; f; f; }\nf\n";
    let branches = "if a; then X=1; else X=2; fi\n".repeat(5_000);
    let groups = format!("{}:{}", "{ ".repeat(3_000), "; }".repeat(3_000));
    let urls = "curl -O https://h/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}\n".repeat(100);
    for text in [long.as_str(), &nested, bomb, doubling, &branches, &groups, &urls] {
        let _outcome = script(text);
    }
    for shell in ["pwsh", "python", "cmd"] {
        for text in [
            "(".repeat(20_000),
            "\"$(".repeat(5_000),
            "if (a) {\n".repeat(2_000),
            "\u{f0000}\n%".repeat(1_000),
        ] {
            let _outcome = one(Step::new(&text).shell(shell));
        }
    }
}
