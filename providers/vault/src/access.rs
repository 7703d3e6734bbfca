use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use keysweep_sdk::{Access, Cx, Grant, Need, Op, Result};
use keysweep_transport::{Method, Path};
use serde_json::{Value, json};

use crate::server::Vault;

#[derive(Clone, Debug)]
pub(crate) struct VaultAccess(pub(crate) Arc<Vault>);

/// What the token's policies let it do at one path.
#[derive(Clone, Debug)]
pub(crate) struct Capabilities(Vec<String>);

impl Capabilities {
    fn has(&self, capability: &str) -> bool {
        self.0.iter().any(|held| held == capability || held == "root")
    }

    pub(crate) fn any(&self, capabilities: &[&str]) -> bool {
        capabilities.iter().any(|capability| self.has(capability))
    }
}

impl Vault {
    /// For each of the paths, in their order.
    pub(crate) async fn capabilities(&self, op: Op, paths: &[String]) -> Result<Vec<Capabilities>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let path = Path::new("/v1/sys/capabilities-self");
        let request = self.ask(op, Method::POST, path).reads().json(json!({"paths": paths}));
        let response = self.answer(op, request).await?;
        let body = response.json()?;
        let told = |path: &String| {
            let list = body.get("data")?.get(path)?.as_array()?;
            let texts = list.iter().filter_map(Value::as_str).map(str::to_owned);
            Some(Capabilities(texts.collect()))
        };
        let all: Option<Vec<_>> = paths.iter().map(told).collect();
        all.ok_or_else(|| response.unexpected("without the capabilities that were asked for"))
    }

    /// Path → capabilities that are needed there.
    fn needed(&self, needs: &[Need]) -> Result<BTreeMap<String, Vec<&'static str>>> {
        let mut needed: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
        let mut add = |path: String, capabilities: &[&'static str]| {
            let list = needed.entry(path).or_default();
            list.extend(capabilities);
            list.sort_unstable();
            list.dedup();
        };
        for need in needs {
            match need {
                Need::Snapshot(principal) | Need::Rotate(principal) => {
                    let role = self.role_of(Op::Check, principal)?;
                    let role = format!("auth/{}/role/{}", role.mount, role.role);
                    add(role.clone(), &["read"]);
                    add(format!("{role}/secret-id"), &["list"]);
                    add(format!("{role}/secret-id-accessor/lookup"), &["update"]);
                    if matches!(need, Need::Rotate(_)) {
                        add(format!("{role}/role-id"), &["read"]);
                        add(format!("{role}/secret-id"), &["update"]);
                        add(format!("{role}/secret-id/lookup"), &["update"]);
                        add(format!("{role}/secret-id-accessor/destroy"), &["update"]);
                    }
                }
                Need::Stat(at) | Need::Place(at) => {
                    let at = self.secret_at(Op::Check, at)?;
                    let path = |verb: &str| format!("{}/{verb}/{}", at.mount, at.path);
                    add(path("metadata"), &["read"]);
                    if matches!(need, Need::Place(_)) {
                        add(path("data"), &["create", "read", "update"]);
                        add(path("delete"), &["update"]);
                    }
                }
            }
        }
        Ok(needed)
    }
}

#[async_trait]
impl Access for VaultAccess {
    async fn check(&self, _cx: &Cx, needs: &[Need]) -> Result<Vec<Grant>> {
        let needed = self.0.needed(needs)?;
        let paths: Vec<String> = needed.keys().cloned().collect();
        let held = self.0.capabilities(Op::Check, &paths).await?;
        let mut grants = Vec::new();
        for ((path, capabilities), held) in needed.iter().zip(&held) {
            grants.extend(capabilities.iter().map(|capability| Grant {
                permission: (*capability).to_owned(),
                held: Some(held.has(capability)),
                on: path.clone(),
            }));
        }
        Ok(grants)
    }

    fn policy(&self, needs: &[Need]) -> String {
        let mut policy = String::new();
        for (path, capabilities) in self.0.needed(needs).unwrap_or_default() {
            // These stand for other paths in a policy, which would then give more than was asked for.
            if path.ends_with('*') || path.split('/').any(|segment| segment == "+") {
                policy.push_str(&format!("# `{path}` cannot be named by a policy\n"));
                continue;
            }
            let path = path.replace('\\', "\\\\").replace('"', "\\\"");
            let list: Vec<_> = capabilities.iter().map(|c| format!("\"{c}\"")).collect();
            let list = list.join(", ");
            policy.push_str(&format!("path \"{path}\" {{\n  capabilities = [{list}]\n}}\n"));
        }
        policy
    }
}
