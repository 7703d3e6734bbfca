//! The labelled table: forms that fetch and run, and look-alikes.

use keysweep::ci::MemoryFiles;

use super::{Step, job, names, one};

/// `U` in a script stands for this URL.
const URL: &str = "https://get.example.com/install";

/// Shell, script (steps divided by `---`), what runs, why.
type Form = (&'static str, &'static str, &'static str, &'static str);

const RUNS: &[Form] = &[
    // Pipes
    ("bash", "curl -s U | bash", "U", "the plain pipe"),
    ("bash", "curl -fsSL U | sh -s -- --yes", "U", "arguments behind -s"),
    ("bash", "wget -qO- U | bash", "U", "wget to standard output"),
    ("bash", "wget -O - U | sudo bash", "U", "sudo reads the pipe"),
    ("bash", "curl U | tee install.log | bash", "U", "tee passes it on"),
    ("bash", "curl U | gunzip | sh", "U", "unpacked on the way"),
    ("bash", "curl U | base64 -d | bash", "U", "decoded on the way"),
    ("bash", "curl U | sed 's/a/b/' | tr -d '\\r' | bash", "U", "filters do not make it ours"),
    ("bash", "curl U | awk '{print}' | cat | sh", "U", "awk and cat pass it on"),
    ("bash", "curl -s U | jq -r .script | bash", "U", "a script inside JSON"),
    ("bash", "curl -s U |\n  # comment\n  bash", "U", "a pipe over lines"),
    ("bash", "cat <(curl -s U) | bash", "U", "cat of a substitution"),
    ("bash", "curl U | python3 -", "U", "Python reads its program from the pipe"),
    ("bash", "curl U | python3", "U", "the same without the dash"),
    ("bash", "curl U | node", "U", "Node reads its program from the pipe"),
    (
        "bash",
        "curl -L U | tar xz && ./install-dir/install.sh",
        "U",
        "an archive from the pipe, its member runs",
    ),
    // Substitutions
    ("bash", "bash <(curl -s U)", "U", "process substitution"),
    ("bash", "bash <(curl -s U) -t x || true", "U", "a failure ignored is a run all the same"),
    ("bash", "source <(curl -s U)", "U", "sourced"),
    ("bash", ". <(wget -qO- U)", "U", "sourced by its short name"),
    ("bash", "bash -c \"$(curl -fsSL U)\"", "U", "command substitution as the text of -c"),
    ("bash", "sh -c \"$(wget -qO- U)\" -- --flag", "U", "with arguments"),
    ("bash", "sh -c \"`curl -fsSL U`\"", "U", "backticks"),
    ("bash", "eval \"$(curl -s U)\"", "U", "eval"),
    ("bash", "eval `curl -s U`", "U", "eval of backticks"),
    ("bash", "eval \"$(curl -s U | sed s/a/b/)\"", "U", "eval of a filtered text"),
    ("bash", "$(curl -s U)", "U", "the output is the command"),
    ("bash", "bash <<< \"$(curl -s U)\"", "U", "here-string"),
    ("bash", "bash <<< `curl -s U`", "U", "here-string of backticks"),
    ("bash", "zsh <<<\"$(curl -s U)\" >out 2>&1", "U", "here-string and redirections"),
    ("bash", "bash <<EOF\n$(curl -s U)\nEOF", "U", "fetched text inside a here-document"),
    ("bash", "bash -s <<'EOF'\ncurl -s U | sh\nEOF", "U", "a here-document is a script"),
    (
        "bash",
        "cat <<EOF | bash && echo ok\ncurl -s U | sh\nEOF",
        "U",
        "a here-document through a pipe",
    ),
    // Variables and functions
    ("bash", "S=$(curl -s U); bash -c \"$S\"", "U", "the text lies in a variable"),
    ("bash", "S=$(curl -s U)\necho \"$S\" | bash", "U", "echoed into a shell"),
    ("bash", "L=U\ncurl -s $L | bash", "U", "the URL lies in a variable"),
    ("bash", "curl -s ${L:-U} | bash", "U", "the default of an expansion"),
    ("bash", "H=https://get.example.com\nbash <(curl -s \"$H/install\")", "U", "a joined URL"),
    ("bash", "f() { curl -s \"$1\"; }\nf U | bash", "U", "a function fetches"),
    ("bash", "run() { bash \"$1\"; }\ncurl -so x U\nrun x", "U", "a function runs"),
    ("bash", "C='curl -s U | bash'\neval \"$C\"", "U", "a command in a variable"),
    ("bash", "CURL=\"curl -fsSL\"\n$CURL U | bash", "U", "the program in a variable"),
    ("bash", "for u in U; do curl -s $u | bash; done", "U", "the URL from a loop"),
    ("bash", "a=(-s U); bash <(curl \"${a[@]}\")", "U", "an array of arguments"),
    // Files
    ("bash", "curl -o x.sh U\nbash x.sh", "U", "saved, then run"),
    ("bash", "curl -fsSLo x.sh U && sh x.sh", "U", "-o at the end of a cluster"),
    ("bash", "curl -Os U && chmod +x install && ./install", "U", "named by the server"),
    (
        "bash",
        "curl -L --output /tmp/x U; chmod 755 /tmp/x; /tmp/x",
        "U",
        "--output, an absolute path",
    ),
    ("bash", "curl --output=x U; source ./x", "U", "--output=, sourced"),
    ("bash", "curl -s U > x\nbash ./x", "U", "redirected into a file"),
    ("bash", "wget U\nchmod +x install\n./install", "U", "wget saves under the URL's name"),
    ("bash", "wget -P bin U && bash bin/install", "U", "-P names the folder"),
    ("bash", "wget --output-document=x U; bash x", "U", "--output-document"),
    ("bash", "aria2c -o x U && sudo bash x", "U", "aria2c"),
    ("bash", "curl U | tee x >/dev/null; bash x", "U", "tee writes the file"),
    (
        "bash",
        "mkdir d && cd d && curl -O U && cd .. && bash d/install",
        "U",
        "the working directory changes",
    ),
    ("bash", "D=$(mktemp -d); curl -so \"$D/x\" U; bash \"$D/x\"", "U", "in a temporary folder"),
    ("bash", "curl -so a U; cp a b; mv b c; bash c", "U", "copied and moved"),
    ("bash", "curl -so x U; cat x | bash", "U", "read back into a pipe"),
    ("bash", "curl -so x U; bash < x", "U", "as standard input"),
    ("bash", "curl -so x U; bash -c \"$(cat x)\"", "U", "read back into an argument"),
    ("bash", "curl -so x.py U; python x.py", "U", "run by Python"),
    ("bash", "curl -so x.jar U; java -jar x.jar", "U", "run by Java"),
    (
        "bash",
        "cat > x.sh <<'EOF'\ncurl -s U | bash\nEOF\nbash x.sh",
        "U",
        "a script written by the step",
    ),
    // Archives
    (
        "bash",
        "curl -LO U.tar.gz; tar xzf install.tar.gz; ./install/run",
        "U.tar.gz",
        "unpacked, then run",
    ),
    ("bash", "curl -L U.tgz | tar -xz -C /opt/t; /opt/t/bin/t", "U.tgz", "unpacked elsewhere"),
    ("bash", "wget -q U.zip && unzip -q install.zip -d t && ./t/t", "U.zip", "unzip"),
    ("bash", "curl -sL U.gz | gunzip > t; chmod +x t; ./t", "U.gz", "a compressed program"),
    (
        "bash",
        "curl -sLO U.gz; gunzip install.gz; chmod +x install; ./install",
        "U.gz",
        "unpacked in place",
    ),
    (
        "bash",
        "curl -sL U.tar.gz | tar xzf - --strip-components=1 a/t\nsudo mv t /usr/local/bin/\nt run",
        "U.tar.gz",
        "a member installed",
    ),
    // Into PATH
    ("bash", "curl -so t U; sudo install -m 755 t /usr/local/bin/t; t go", "U", "install"),
    (
        "bash",
        "curl -so ~/.local/bin/t U; chmod +x ~/.local/bin/t; t",
        "U",
        "saved where PATH looks",
    ),
    ("bash", "mkdir b; curl -so b/t U; export PATH=\"$PWD/b:$PATH\"; t", "U", "PATH is extended"),
    (
        "bash",
        "sudo curl -L U -o /usr/local/bin/t\nsudo chmod +x /usr/local/bin/t\n---\nt --version",
        "U",
        "run in another step",
    ),
    (
        "bash",
        "mkdir b; curl -so b/t U; echo \"$PWD/b\" >> $GITHUB_PATH\n---\nt",
        "U",
        "GITHUB_PATH",
    ),
    ("bash", "curl -so x U\n---\nchmod +x x\n---\n./x", "U", "over three steps"),
    ("bash", "curl -so x.deb U; sudo dpkg -i x.deb", "U", "install scripts of a package run"),
    // Wrappers
    ("bash", "sudo -E bash <(curl -s U)", "U", "sudo"),
    ("bash", "env A=b bash <(curl -s U)", "U", "env"),
    ("bash", "timeout 60 bash <(curl -s U)", "U", "timeout"),
    ("bash", "nice -n 5 nohup bash <(curl -s U) &", "U", "nice and nohup"),
    ("bash", "time { curl -s U | bash; }", "U", "time of a group"),
    ("bash", "! { curl -s U | bash; }", "U", "a negated group"),
    ("bash", "retry 3 bash -c 'curl -s U | bash'", "U", "retry"),
    ("bash", "withcreds prod -- bash <(curl -s U)", "U", "an unknown wrapper"),
    ("bash", "stdbuf -oL bash <(curl -s U)", "U", "stdbuf"),
    ("bash", "sh -c 'curl -s U | sh'", "U", "a nested shell"),
    ("bash", "bash -lc \"bash <(curl -s U)\"", "U", "nested, by a cluster of options"),
    ("bash", "echo U | xargs curl -s | bash", "U", "the URL through xargs"),
    ("bash", "if ! bash <(curl -s U); then echo no; fi", "U", "in a condition"),
    ("bash", "(cd x && curl -s U | bash)", "U", "in a subshell"),
    ("bash", "ssh host 'curl -s U | bash'", "U", "on another machine"),
    ("bash -l {0}", "curl -s U | bash", "U", "a template"),
    ("nix develop -c bash {0}", "curl -s U | bash", "U", "a template with a wrapper"),
    // Repositories and packages
    ("bash", "git clone https://github.com/o/r\n./r/install.sh", "o/r", "cloned, then run"),
    (
        "bash",
        "git clone --depth 1 -b v1 https://github.com/o/r.git t && cd t && make",
        "o/r",
        "built by its own Makefile",
    ),
    ("bash", "git clone git@github.com:o/r /opt/r; bash /opt/r/x.sh", "o/r", "over ssh"),
    ("bash", "npx cowsay hi", "npm:cowsay", "npx"),
    ("bash", "npx --yes -p @s/a@1.0.0 a", "npm:@s/a", "npx -p"),
    ("bash", "pnpm dlx cowsay; yarn dlx cowsay; bunx cowsay", "npm:cowsay", "the other runners"),
    ("bash", "uvx ruff@0.4.0 check", "pypi:ruff", "uvx"),
    ("bash", "pipx run black==24.1 .", "pypi:black", "pipx run"),
    (
        "bash",
        "uv tool run --from git+https://github.com/o/r r",
        "pypi:git+https://github.com/o/r",
        "from git",
    ),
    ("bash", "go run example.com/cmd/t@v1.2.3 x", "go:example.com/cmd/t", "go run"),
    (
        "bash",
        "go install example.com/cmd/t@latest\nt x",
        "go:example.com/cmd/t",
        "installed, then run",
    ),
    (
        "bash",
        "go install example.com/t/v2@v2.0.0\n$(go env GOPATH)/bin/t",
        "go:example.com/t/v2",
        "run by its path",
    ),
    (
        "bash",
        "pip install git+https://github.com/o/r@main",
        "pypi:git+https://github.com/o/r",
        "its setup.py runs",
    ),
    (
        "bash",
        "python -m pip install https://get.example.com/p.tar.gz",
        "pypi:https://get.example.com/p.tar.gz",
        "a source archive",
    ),
    ("bash", "npm install -g github:o/r", "o/r", "install scripts of a git dependency"),
    ("bash", "cargo install cross --version 0.2.5", "cargo:cross", "build scripts run"),
    ("bash", "gh release download v1 -R o/r -p t\nchmod +x t\n./t", "o/r", "a release asset"),
    (
        "bash",
        "gh release download -R o/r -p 't*.tar.gz' -O t.tgz; tar xf t.tgz; ./t",
        "o/r",
        "an archive of a release",
    ),
    ("bash", "docker run --rm alpine:3.19 ls", "alpine", "an image"),
    ("bash", "deno run https://get.example.com/install", "U", "Deno fetches and runs"),
    // As seen in the wild
    ("bash", "/usr/bin/ruby -e \"$(curl -fsSL U)\"", "U", "the old installer of Homebrew"),
    ("bash", "NONINTERACTIVE=1 /bin/bash -c \"$(curl -fsSL U)\"", "U", "its successor"),
    ("bash", "curl -sL U | perl - App::x", "U", "Perl reads its program from the pipe"),
    ("bash", "curl -s U -o- | bash /dev/stdin x", "U", "the pipe by its path"),
    ("bash", "source /dev/stdin <<< \"$(curl -s U)\"", "U", "sourced from a here-string"),
    ("bash", "pushd d; curl -sO U; popd; d/install", "U", "popd goes back"),
    (
        "bash",
        "retry() { local n=0; until \"$@\"; do n=$((n+1)); done; }\nretry curl -fsSL -o x U\nbash x",
        "U",
        "a retry function",
    ),
    ("bash", "curl -s U | while read -r l; do bash -c \"$l\"; done", "U", "line by line"),
    ("bash", "curl -s U | xargs -0 bash -c", "U", "as an argument"),
    ("bash", "(curl -s U || wget -qO- U) | bash", "U", "one or the other"),
    ("bash", "kubectl exec p -- bash -c 'curl -s U | bash'", "U", "in a pod"),
    ("bash", "curl -s U | ssh host bash -s", "U", "piped to another machine"),
    ("bash", "vagrant ssh -c 'curl -s U | bash'", "U", "in a machine"),
    ("bash", "python3 -c \"$(curl -fsSL U)\"", "U", "fetched text for Python"),
    ("bash", "python <(curl -s U) x", "U", "a substitution for Python"),
    (
        "bash",
        "cd \"$(mktemp -d)\" && curl -sSLO U && cd - && bash /tmp/mktemp.1/install",
        "U",
        "cd - goes back",
    ),
    (
        "bash",
        "case \"$RUNNER_OS\" in Linux) curl -so x U ;; *) exit 1 ;; esac\nbash x",
        "U",
        "in a case",
    ),
    ("bash", "export L=U\nsh -c 'curl -s $L | sh'", "U", "an exported URL in a nested shell"),
    ("bash", "curl -sL U | sudo bash -s stable --ruby", "U", "options for the script"),
    ("bash", "curl -so x U &\nwait\nbash x", "U", "in the background"),
    ("bash", "test -f x || curl -so x U; bash x", "U", "only if it is not there"),
    ("bash", "while true; do curl -s U | bash && break; done", "U", "in a loop"),
    ("bash", "curl -s U | sudo sh -c 'cat > /opt/x'\nbash /opt/x", "U", "written by another user"),
    ("bash", "x() (\n curl -s U | bash\n)\nx", "U", "a function in a subshell"),
    ("bash", "bash -c 'bash <(curl -s $0)' U", "U", "the URL as an argument of -c"),
    (
        "pwsh",
        "$ProgressPreference = 'SilentlyContinue'; [Net.ServicePointManager]::SecurityProtocol = 3072; iex ((New-Object Net.WebClient).DownloadString(\"U\"))",
        "U",
        "with the usual lines before",
    ),
    (
        "pwsh",
        "try { Invoke-WebRequest U -OutFile \"$env:TEMP\\a.exe\" } catch { exit 1 }\n& \"$env:TEMP\\a.exe\"",
        "U",
        "inside try",
    ),
    ("pwsh", "irm U -OutFile x.ps1\npwsh -File x.ps1", "U", "started with -File"),
    // PowerShell
    ("pwsh", "iex (irm U)", "U", "the short form"),
    ("pwsh", "irm U | iex", "U", "a pipe"),
    ("pwsh", "iex ((New-Object System.Net.WebClient).DownloadString('U'))", "U", "WebClient"),
    (
        "pwsh",
        "Set-ExecutionPolicy Bypass -Scope Process -Force\nInvoke-Expression (Invoke-WebRequest -UseBasicParsing U).Content",
        "U",
        "a member of the reply",
    ),
    ("pwsh", "$u = 'U'\n$s = Invoke-RestMethod -Uri $u\nInvoke-Expression $s", "U", "variables"),
    ("pwsh", "Invoke-WebRequest -Uri U -OutFile a.exe\n& ./a.exe /q", "U", "saved, then called"),
    (
        "pwsh",
        "(New-Object Net.WebClient).DownloadFile('U', 'a.ps1'); .\\a.ps1",
        "U",
        "DownloadFile",
    ),
    ("pwsh", "& ([scriptblock]::Create((irm U))) -A b", "U", "a script block of fetched text"),
    ("pwsh", "iwr U -o x.ps1; . ./x.ps1", "U", "dot-sourced"),
    (
        "pwsh",
        "curl.exe -sLo a.exe U; Start-Process -FilePath a.exe -Wait",
        "U",
        "the real curl, Start-Process",
    ),
    ("pwsh", "if ($true) { iex \"& { $(irm U) } -Token x\" }", "U", "fetched text inside a string"),
    ("bash", "pwsh -Command \"irm U | iex\"", "U", "PowerShell from bash"),
    // Python
    (
        "python",
        "import urllib.request\nexec(urllib.request.urlopen('U').read())",
        "U",
        "exec of a reply",
    ),
    (
        "python",
        "import requests, subprocess\nr = requests.get('U')\nopen('x.sh', 'wb').write(r.content)\nsubprocess.run(['bash', 'x.sh'])",
        "U",
        "saved, then run",
    ),
    ("python", "import os\nos.system('curl -s U | bash')", "U", "a shell command"),
    (
        "python",
        "import subprocess as s\nfrom urllib.request import urlretrieve\nurlretrieve('U', 'x')\nsubprocess.check_call('sh x', shell=True)",
        "U",
        "urlretrieve",
    ),
    (
        "bash",
        "python3 -c \"import urllib.request; exec(urllib.request.urlopen('U').read())\"",
        "U",
        "python -c",
    ),
    (
        "bash",
        "python - <<'EOF'\nimport os\nos.system('curl -s U | sh')\nEOF",
        "U",
        "a here-document for Python",
    ),
    // cmd
    ("cmd", "curl -o x.bat U && call x.bat", "U", "a batch file"),
    ("cmd", "set L=U\ncurl -sLo a.exe %L%\na.exe /S", "U", "a variable"),
    ("cmd", "powershell -Command \"iex (irm 'U')\"", "U", "PowerShell from cmd"),
];

const DOES_NOT: &[Form] = &[
    ("bash", "echo 'curl -s U | bash'", "", "only printed"),
    ("bash", "# curl -s U | bash", "", "a comment"),
    ("bash", "curl -s U | jq .version", "", "parsed as data"),
    ("bash", "curl -s U | tee x", "", "saved and never run"),
    ("bash", "curl -o x.sh U\ncat x.sh", "", "read, not run"),
    ("bash", "V=$(curl -s U | jq -r .tag)\necho \"$V\"", "", "a value in a variable"),
    ("bash", "V=$(curl -s U)\nbash -c \"echo $V\"", "", "data inside a command"),
    ("bash", "curl --data-binary @x U > /dev/null", "", "an upload"),
    ("bash", "curl -X POST -d '{}' U", "", "a call of an API"),
    ("bash", "curl -s U | grep -q ok && bash x.sh", "", "another script runs"),
    ("bash", "curl -fsSL U | sudo gpg --dearmor -o /usr/share/keyrings/x.gpg", "", "a key"),
    ("bash", "curl -fsSL U | sudo apt-key add -", "", "a key"),
    ("bash", "curl -s U | python3 -m json.tool", "", "a module reads data"),
    (
        "bash",
        "curl -s U | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"v\"])'",
        "",
        "the program is here, the pipe is data",
    ),
    ("bash", "curl -s U | node -e 'process.stdin.resume()'", "", "the same in Node"),
    ("bash", "curl -s http://localhost:8080/health | bash", "", "from the machine itself"),
    ("bash", "bash -c 'echo hi' < <(curl -s U)", "", "standard input of another script"),
    ("bash", "while read -r l; do echo $l; done < <(curl -s U)", "", "lines are data"),
    ("bash", "cat > x.sh <<'EOF'\ncurl -s U | bash\nEOF", "", "written and never run"),
    ("bash", "f() { curl -s U | bash; }", "", "a function that is never called"),
    ("bash", "curl -LO U.tar.gz; tar xzf install.tar.gz; ls install", "", "unpacked only"),
    ("bash", "git clone https://github.com/o/r && ls r", "", "cloned only"),
    ("bash", "git clone https://github.com/o/r; bash other/x.sh", "", "a script elsewhere"),
    (
        "bash",
        "pip install requests && npm ci && sudo apt-get install -y curl bash",
        "",
        "from registries, with lockfiles",
    ),
    ("bash", "go install example.com/cmd/t@latest", "", "compiled, not run"),
    ("bash", "command -v curl && which bash", "", "looked up"),
    ("bash", "curl -I U | head -1 | sh", "", "headers only"),
    ("bash", "diff <(curl -s U) x.sh", "", "compared"),
    ("bash", "kubectl apply -f U", "", "runs elsewhere, if at all"),
    ("bash", "curl -s U | docker exec -i db psql", "", "data for a program in a container"),
    ("bash", "go run ./cmd/t; npx ./local", "", "code of the repository"),
    ("bash", "docker build -t app . && docker run app", "", "an image of the repository"),
    (
        "pwsh",
        "Invoke-WebRequest U -OutFile x.zip\nExpand-Archive x.zip -DestinationPath d",
        "",
        "unpacked only",
    ),
    ("pwsh", "Write-Host 'iex (irm U)'", "", "only printed"),
    ("python", "import requests\nprint(requests.get('U').json())", "", "data"),
    ("cmd", "rem curl -o x.bat U && call x.bat", "", "a comment"),
];

fn check(forms: &[Form]) -> Vec<String> {
    let mut wrong = Vec::new();
    let files = MemoryFiles::default().with("Dockerfile", "FROM scratch\n");
    for (shell, text, expected, why) in forms {
        let text = text.replace('U', URL).replace(&format!("{URL}TF"), "UTF");
        let text = fix(&text);
        let steps: Vec<Step<'_>> =
            text.split("\n---\n").map(|text| Step::new(text).shell(shell)).collect();
        let outcomes = job(&files, &steps);
        let mut found: Vec<&str> = outcomes.iter().flat_map(names).collect();
        found.sort_unstable();
        found.dedup();
        let expected = expected.replace('U', URL);
        let expected: Vec<&str> = if expected.is_empty() { Vec::new() } else { vec![&expected] };
        if found != expected {
            wrong.push(format!(
                "[{shell}] {text}\n  {why}\n  found {found:?}, expected {expected:?}"
            ));
        }
        for gap in outcomes.iter().flat_map(|outcome| &outcome.gaps) {
            let named = matches!(&gap.hides, keysweep::ci::model::Hides::Text(text) if text.ends_with(".sh"));
            if !named {
                wrong.push(format!("[{shell}] {text}\n  gap {gap:?}"));
            }
        }
    }
    wrong
}

/// Words that hold the letter and are no URL.
fn fix(text: &str) -> String {
    ["CURL", "GITHUB_PATH", "-Uri", "-UseBasicParsing", "BUILD", "RUNNER_OS", "NONINTERACTIVE"]
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(&word.replace('U', URL), word))
}

#[test]
fn forms_that_fetch_and_run() {
    assert!(RUNS.len() >= 80);
    let wrong = check(RUNS);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn look_alikes_do_not_run() {
    assert!(DOES_NOT.len() >= 25);
    let wrong = check(DOES_NOT);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Each form still holds where it stands in the middle of other commands.
#[test]
fn forms_hold_among_other_commands() {
    for (shell, text, expected, why) in RUNS {
        if *shell != "bash" || text.contains("---") || text.contains("<<") {
            continue;
        }
        let text =
            format!("set -x\nif true; then\n{}\nfi\necho done", fix(&text.replace('U', URL)));
        let outcome = one(Step::new(&text));
        assert_eq!(names(&outcome), [expected.replace('U', URL)], "{text}\n{why}");
    }
}
