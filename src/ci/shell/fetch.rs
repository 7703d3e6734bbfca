//! Programs that fetch: what their command lines ask for, and where it goes.

use super::{
    component,
    machine::{Effect, Frame, Machine},
    options::{Grammar, Parsed},
    value::{Blob, Value, is_mark},
    verify,
    world::{Tree, What, resolve},
};
use crate::ci::model::{Component, Kind, Pinned, Verified};

/// A download program: its options, and which of them say where the result goes.
struct Tool {
    name: &'static str,
    grammar: Grammar,
    output: &'static [&'static str],
    dir: &'static [&'static str],
    /// Without an output it writes a file named as the URL's last part.
    saves: bool,
    remote_name: &'static [&'static str],
}

const CURL_LONG: &str = "output user-agent header data data-binary data-raw data-urlencode data-ascii json \
            request user form form-string cookie cookie-jar connect-timeout max-time retry \
            retry-delay retry-max-time cacert capath cert key pass proxy proxy-user referer \
            resolve connect-to limit-rate range upload-file url write-out output-dir netrc-file \
            oauth2-bearer interface dump-header config ciphers tls-max max-redirs max-filesize \
            noproxy unix-socket proto proto-redir proto-default speed-limit speed-time stderr \
            time-cond trace trace-ascii cert-type key-type socks5 socks5-hostname dns-servers \
            aws-sigv4 pinnedpubkey etag-save etag-compare parallel-max create-file-mode rate \
            url-query variable crlfile engine hostpubmd5 keepalive-time local-port quote";

const TOOLS: [Tool; 7] = [
    Tool {
        name: "curl",
        grammar: Grammar {
            short: "oAbcCdDeEFhHKmPQrtTuUwxXyYz",
            long: CURL_LONG,
            stop: false,
            single_dash: false,
        },
        output: &["o", "output"],
        dir: &["output-dir"],
        saves: false,
        remote_name: &["O", "remote-name", "remote-name-all"],
    },
    Tool {
        name: "wget",
        grammar: Grammar {
            short: "OPioaetTwQUBlARDIX",
            long: "output-document directory-prefix input-file output-file header user password \
            user-agent tries timeout wait post-data post-file method body-data http-user \
            http-password load-cookies save-cookies referer ca-certificate certificate \
            private-key connect-timeout read-timeout waitretry limit-rate retry-on-http-error \
            secure-protocol progress execute",
            stop: false,
            single_dash: false,
        },
        output: &["O", "output-document"],
        dir: &["P", "directory-prefix"],
        saves: true,
        remote_name: &[],
    },
    Tool {
        name: "aria2c",
        grammar: Grammar {
            short: "odxsjkim",
            long: "out dir max-connection-per-server split header checksum",
            stop: false,
            single_dash: false,
        },
        output: &["o", "out"],
        dir: &["d", "dir"],
        saves: true,
        remote_name: &[],
    },
    Tool {
        name: "axel",
        grammar: Grammar {
            short: "onsHU",
            long: "output num-connections",
            stop: false,
            single_dash: false,
        },
        output: &["o", "output"],
        dir: &[],
        saves: true,
        remote_name: &[],
    },
    Tool {
        name: "fetch",
        grammar: Grammar { short: "oBiNSTw", long: "output", stop: false, single_dash: false },
        output: &["o", "output"],
        dir: &[],
        saves: true,
        remote_name: &[],
    },
    Tool {
        name: "http",
        grammar: Grammar {
            short: "oaAps",
            long: "output auth auth-type print",
            stop: false,
            single_dash: false,
        },
        output: &["o", "output"],
        dir: &[],
        saves: false,
        remote_name: &["d", "download"],
    },
    Tool {
        name: "lynx",
        grammar: Grammar { short: "", long: "", stop: false, single_dash: true },
        output: &[],
        dir: &[],
        saves: false,
        remote_name: &[],
    },
];

pub(super) fn run(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &str,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    let tool = match tool {
        "https" | "xh" | "xhs" => "http",
        "w3m" | "links" | "elinks" | "GET" | "lwp-request" => "lynx",
        "wget2" => "wget",
        "curlie" => "curl",
        tool => tool,
    };
    if let Some(tool) = TOOLS.iter().find(|known| known.name == tool) {
        return Some(download(machine, frame, tool, argv, at));
    }
    match tool {
        "gh" => github_cli(machine, frame, argv, at),
        "git" => super::git::run(machine, frame, argv, at),
        "aws" | "gsutil" | "gcloud" | "mc" | "s3cmd" | "s5cmd" | "rclone" => {
            cloud_copy(machine, frame, argv, at)
        }
        _ => None,
    }
}

fn download(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    tool: &Tool,
    argv: &[Value],
    at: usize,
) -> Effect {
    let parsed = tool.grammar.parse(&argv[1..]);
    if tool.name == "curl" && parsed.has(&["I", "head"]) || parsed.has(&["spider"]) {
        return Effect::default();
    }
    let mut outputs = parsed.values(tool.output);
    let dir = parsed.value(tool.dir).map(|dir| machine.path(frame, dir.first()));
    let dir = dir.unwrap_or_else(|| frame.cwd.clone());
    let remote = tool.saves || parsed.has(tool.remote_name);
    let mut out = Value::default();
    let mut last_output = None;
    for url in urls(tool, &parsed) {
        let fetched = machine.fetch_each(frame, url, at);
        // One output for several URLs is what wget does.
        let output = outputs.next().or(if tool.saves { last_output } else { None });
        last_output = output;
        for (raw, blobs) in fetched {
            let content = machine.world.bytes_of(blobs, "$(curl …)");
            match output {
                Some(path) if matches!(path.first(), "-" | "/dev/stdout") => out.append(&content),
                Some(path) => {
                    for text in &path.texts {
                        let path = machine.mounted(frame, &resolve(&dir, &text.s));
                        machine.world.write(&path, content.clone(), false);
                    }
                }
                None if remote => {
                    let path = resolve(&dir, &remote_name(&raw));
                    machine.world.write(&path, content, false);
                }
                None => out.append(&content),
            }
        }
    }
    Effect::output(out)
}

fn urls<'a>(tool: &Tool, parsed: &'a Parsed) -> Vec<&'a Value> {
    let mut urls: Vec<&Value> = parsed.values(&["url"]).collect();
    for operand in &parsed.operands {
        let text = operand.first();
        // `http GET url name==value`
        let verb = tool.name == "http"
            && (text.chars().all(|c| c.is_ascii_uppercase())
                || text.contains('=') && !text.contains("://"));
        if !verb && !text.is_empty() {
            urls.push(operand);
        }
    }
    urls
}

/// The file that `curl -O` and `wget` write.
pub(super) fn remote_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    match path.rsplit_once('/') {
        Some((_, name)) if !name.is_empty() => name.to_owned(),
        _ if path.contains('/') || !path.starts_with(is_mark) => "index.html".to_owned(),
        _ => path.to_owned(),
    }
}

impl Machine<'_, '_> {
    pub(super) fn mounted(&self, frame: &Frame, path: &str) -> String {
        self.path(frame, path)
    }

    /// Fetches each candidate of a URL; gives its text, unknown parts as marks.
    pub(super) fn fetch_each(
        &mut self,
        frame: &Frame,
        url: &Value,
        at: usize,
    ) -> Vec<(String, Vec<Blob>)> {
        let mut fetched = Vec::new();
        for text in &url.texts {
            for raw in super::machine::expand_braces(text.s.trim()) {
                let candidates = self.world.unknowns.candidates(&raw);
                let guessed = url.texts.len() > 1 || candidates.len() > 1;
                let mut blobs = Vec::new();
                for candidate in candidates {
                    let shown = self.world.unknowns.show(&candidate);
                    if !shown.is_empty() && !super::machine::is_local(&shown) {
                        blobs.push(self.fetched(frame, What::Url(shown), at, guessed));
                    }
                }
                if !blobs.is_empty() {
                    fetched.push((raw, blobs));
                }
            }
        }
        fetched
    }
}

fn github_cli(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    let words: Vec<&str> = argv.iter().skip(1).take(2).map(Value::first).collect();
    match words.as_slice() {
        ["release", "download"] => Some(release_download(machine, frame, &argv[3..], at)),
        ["repo", "clone"] => super::git::clone(machine, frame, &argv[3..], at),
        ["attestation" | "at", "verify"] => {
            Some(verify::operands_checked(machine, frame, &argv[3..], Verified::Attestation))
        }
        ["extension" | "ext", "install"] => {
            let repository = argv.get(3)?;
            let mut component =
                component::repository(&machine.world.unknowns.show(repository.first()), None);
            component.kind = Kind::Extension;
            let name = component.name.rsplit('/').next().unwrap_or_default();
            let name = format!("gh {}", name.strip_prefix("gh-").unwrap_or(name));
            let blob = machine.fetched(frame, What::Component(component), at, false);
            machine.world.install(&name, blob);
            Some(Effect::default())
        }
        ["api", ..] => {
            const GRAMMAR: Grammar = Grammar {
                short: "HXfFqtp",
                long: "header method field raw-field jq template input hostname",
                stop: false,
                single_dash: false,
            };
            let endpoint = GRAMMAR.parse(&argv[2..]).operands.into_iter().next()?;
            let url = endpoint
                .map(|text| format!("https://api.github.com/{}", text.trim_start_matches('/')));
            let blobs = machine.fetch(frame, &url, at);
            let out = machine.world.bytes_of(blobs, "$(gh api …)");
            Some(Effect::output(out))
        }
        [name, ..] => {
            let blobs = machine.world.programs.get(&format!("gh {name}")).cloned()?;
            let started =
                super::machine::Started { frame, at, argv: &argv[2..], reads_stdin: true };
            machine.runs(started, &blobs, component::Use::Started);
            Some(Effect::default())
        }
        [] => None,
    }
}

fn release_download(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    rest: &[Value],
    at: usize,
) -> Effect {
    const GRAMMAR: Grammar = Grammar {
        short: "RpODA",
        long: "repo pattern output dir archive",
        stop: false,
        single_dash: false,
    };
    let parsed = GRAMMAR.parse(rest);
    let show = |machine: &Machine<'_, '_>, value: Option<&Value>| {
        value.map(|value| machine.world.unknowns.show(value.first()))
    };
    let repository = show(machine, parsed.value(&["R", "repo"]));
    // The repository's own releases are no third party's.
    let Some(repository) = repository.filter(|name| !is_own_repository(name)) else {
        return Effect::default();
    };
    let reference = show(machine, parsed.operands.first());
    let component = Component {
        kind: Kind::ReleaseAsset,
        name: repository,
        pinned: if reference.is_some() { Pinned::Tag } else { Pinned::No },
        reference,
        verified: Verified::No,
    };
    let blob = machine.fetched(frame, What::Component(component), at, false);
    let content = machine.world.bytes_of(vec![blob], "$(gh release download …)");
    if let Some(output) = parsed.value(&["O", "output"]) {
        if output.first() == "-" {
            return Effect::output(content);
        }
        machine.write_paths(frame, output, &content, false);
        return Effect::default();
    }
    let dir = parsed.value(&["D", "dir"]).map(|dir| machine.path(frame, dir.first()));
    let dir = dir.unwrap_or_else(|| frame.cwd.clone());
    let mut all_named = false;
    for pattern in parsed.values(&["p", "pattern"]) {
        all_named = !pattern.first().contains(['*', '?', '[']);
        if all_named {
            machine.world.write(&resolve(&dir, pattern.first()), content.clone(), false);
        }
    }
    if !all_named {
        let hint = machine.world.hint(&[blob]);
        machine.world.unpack(Tree { dir, blobs: vec![blob], hint, clone: false });
    }
    Effect::default()
}

pub(super) fn is_own_repository(shown: &str) -> bool {
    let lower = shown.to_ascii_lowercase();
    lower.contains("$github_repository") || lower.contains("{github_repository}") || {
        let compact: String = lower.split_whitespace().collect();
        compact.contains("${{github.repository}}")
    }
}

/// `aws s3 cp s3://… FILE` and its like.
fn cloud_copy(
    machine: &mut Machine<'_, '_>,
    frame: &mut Frame,
    argv: &[Value],
    at: usize,
) -> Option<Effect> {
    let copies = argv.iter().skip(1).take(3).any(|value| {
        matches!(value.first(), "cp" | "sync" | "copy" | "rsync" | "get" | "mv" | "copyto" | "cat")
    });
    if !copies {
        return None;
    }
    let remote = |value: &&Value| {
        let text = value.first();
        ["s3://", "gs://", "az://"].iter().any(|scheme| text.starts_with(scheme))
    };
    let source = argv.iter().position(|value| remote(&value))?;
    let target = argv[source + 1..].iter().find(|value| !value.first().starts_with("--"));
    let shows = argv.iter().take(4).any(|value| value.first() == "cat");
    // Without a target behind it, the remote name is itself the target: an upload.
    if target.is_none_or(|target| remote(&target)) && !shows {
        return Some(Effect::default());
    }
    let fetched = machine.fetch_each(frame, &argv[source].clone(), at);
    let blobs: Vec<Blob> = fetched.into_iter().flat_map(|(_, blobs)| blobs).collect();
    let content = machine.world.bytes_of(blobs.clone(), "$(s3 …)");
    match target {
        Some(target) if target.first() != "-" => {
            let path = machine.path(frame, target.first());
            let name = remote_name(argv[source].first());
            machine.world.write(&resolve(&path, &name), content.clone(), false);
            machine.world.write(&path, content, false);
            if argv
                .iter()
                .any(|value| matches!(value.first(), "sync" | "--recursive" | "rsync" | "-r"))
            {
                let hint = machine.world.hint(&blobs);
                machine.world.unpack(Tree { dir: path, blobs, hint, clone: false });
            }
        }
        _ => return Some(Effect::output(content)),
    }
    Some(Effect::default())
}
