//! What a vendor answers, from a file, and what the provider makes of it.

use std::{collections::BTreeMap, fs, path::Path};

use jiff::Timestamp;
use keysweep_sdk::{
    CredentialId, Cx, MintRequest, PrincipalId, Purpose, SecretValue, Style, Verdict,
};
use keysweep_testbed::recorder::{Recorder, Reply};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bench::mount_within;

/// What a vendor answers, in the form of its documentation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) principal: String,
    pub(crate) old: String,
    pub(crate) minted: BTreeMap<String, String>,
    replies: Vec<Answer>,
}

#[derive(Clone, Debug, Deserialize)]
struct Answer {
    /// Method and path. The same one several times is answered in turn.
    request: String,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    body: Value,
}

/// What the provider made of the answers.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub(crate) ids: Vec<String>,
    pub(crate) markers: Vec<String>,
    pub(crate) created: Vec<Timestamp>,
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) minted: Option<String>,
    pub(crate) values: BTreeMap<String, String>,
}

impl Case {
    pub(crate) fn read(path: &Path, marker: &str) -> Self {
        let text = fs::read_to_string(path).unwrap().replace("MARKER", marker);
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn answer(&self, method: &str, path: &str) -> Option<Value> {
        let line = format!("{method} {path}");
        self.replies.iter().find(|reply| reply.request == line).map(|reply| reply.body.clone())
    }

    pub(crate) fn recorder(&self) -> Recorder {
        let (replies, mut turns) = (self.replies.clone(), BTreeMap::new());
        Recorder::start(move |request| {
            let line = format!("{} {}", request.method, request.path);
            let matching: Vec<&Answer> = replies.iter().filter(|r| r.request == line).collect();
            let turn = turns.entry(line).or_insert(0_usize);
            *turn += 1;
            match matching.get((*turn - 1) % matching.len().max(1)) {
                Some(answer) => Reply {
                    status: answer.status.unwrap_or(200),
                    headers: String::new(),
                    body: if answer.body.is_null() {
                        Vec::new()
                    } else {
                        answer.body.to_string().into()
                    },
                },
                None => Reply { status: 404, ..Reply::default() },
            }
        })
    }
}

/// Lists, mints, verifies, disables, enables, destroys, asks for the last use: what the provider has of it.
pub(crate) async fn observed(
    manifest: &str,
    case: &Case,
    recorder: &Recorder,
    marker: &str,
) -> Observed {
    let mut base = recorder.url();
    if manifest.starts_with("cloudflare") {
        base.push_str("/client/v4");
    }
    let mut config = json!({
        "manifest": manifest, "token": "env:token", "base_url": base, "allow_loopback": true,
    });
    if manifest.starts_with("datadog") {
        config["secrets"] = json!({"api_key": "env:api_key"});
    }
    let provider = mount_within(config, Path::new("."), 5).await.unwrap();
    let (cx, principal) = (Cx::default(), PrincipalId::new(&case.principal));
    let old = CredentialId::new(&case.old);
    let issuer = provider.issuer.as_ref().unwrap();
    let live = issuer.snapshot(&cx, &principal).await.unwrap();
    let mut observed = Observed {
        ids: live.iter().map(|live| live.id.to_string()).collect(),
        markers: live.iter().filter_map(|live| live.marker.clone()).collect(),
        created: live.iter().filter_map(|live| live.created).collect(),
        ..Observed::default()
    };
    let bundle = match issuer.limits().style {
        Style::Retire => {
            let fields = case.minted.iter();
            fields.map(|(name, value)| (name.clone(), SecretValue::new(value))).collect()
        }
        _ => {
            let request =
                MintRequest { principal: &principal, marker, replaces: Some(&old), chosen: None };
            let minted = issuer.mint(&cx, &request).await.unwrap();
            assert!(!format!("{minted:?}").contains("canary"));
            observed.minted = Some(minted.id.to_string());
            let scope = live.iter().find(|live| live.id == old).map(|live| &live.scope);
            assert_eq!(Some(&minted.scope), scope, "the new one may do what the old one may");
            minted.bundle
        }
    };
    let values =
        bundle.iter().map(|(n, v)| (n.to_owned(), v.expose_for(Purpose::Verify).to_owned()));
    observed.values = values.collect();
    assert_eq!(observed.values, case.minted);
    if let Some(verifier) = &provider.verifier {
        let verdict = verifier.verify(&cx, &principal, &bundle).await.unwrap();
        assert!(matches!(verdict, Verdict::Live(_)), "{verdict:?}");
    }
    if let Some(revoker) = &provider.revoker {
        if revoker.limits().reversible {
            revoker.disable(&cx, &principal, &old).await.unwrap();
            revoker.enable(&cx, &principal, &old).await.unwrap();
        }
        revoker.destroy(&cx, &principal, &old).await.unwrap();
    }
    if let Some(usage) = &provider.usage {
        observed.last_used = usage.last_use(&cx, &principal, &old).await.unwrap().at;
    }
    observed
}
