//! The secret-ids of a role. <https://developer.hashicorp.com/vault/api-docs/auth/approle>

use std::collections::BTreeMap;

use jiff::Timestamp;
use keysweep_sdk::{CredentialId, ErrorKind, Live, LiveState, Op, Purpose, Result, SecretValue};
use keysweep_transport::{Method, Path, Response};
use serde_json::{Value, json};

use crate::{address::AppRole, kv::time, server::Vault};

/// The name of the marker in a secret-id's metadata. A token that is made with it has the same, and so has the audit log.
pub(crate) const MARKER: &str = "keysweep";

/// What a secret-id may do beyond its role: from where, how often, how long.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretId {
    pub(crate) live: Option<Live>,
    pub(crate) cidrs: Vec<String>,
    pub(crate) token_cidrs: Vec<String>,
    /// Seconds; 0: no end.
    pub(crate) ttl: u64,
}

impl Vault {
    pub(crate) fn role_path(&self, role: &AppRole, below: &str) -> Path {
        Path::new(format!("/v1/auth/{{mount}}/role/{{role}}{below}"))
            .set_many("mount", &role.mount)
            .set("role", &role.role)
    }

    /// The role itself; an error when it is not there.
    pub(crate) async fn role(&self, op: Op, role: &AppRole) -> Result<Response> {
        let request = self.ask(op, Method::GET, self.role_path(role, ""));
        self.look(op, request).await?.ok_or_else(|| {
            let message = format!("there is no role `{}` at `auth/{}`", role.role, role.mount);
            self.nothing(op, ErrorKind::NotFound, message)
        })
    }

    pub(crate) async fn role_id(&self, op: Op, role: &AppRole) -> Result<SecretValue> {
        let request = self.ask(op, Method::GET, self.role_path(role, "/role-id"));
        self.answer(op, request).await?.take_secret("/data/role_id")
    }

    /// Of a role that is there. The list is not paged.
    pub(crate) async fn accessors(&self, op: Op, role: &AppRole) -> Result<Vec<String>> {
        let request = self.ask(op, Method::GET, self.role_path(role, "/secret-id"));
        let Some(response) = self.look(op, request.query("list", "true")).await? else {
            return Ok(Vec::new());
        };
        let keys = response.json()?.pointer("/data/keys").and_then(Value::as_array);
        let keys = keys.ok_or_else(|| response.unexpected("without a list"))?;
        let keys: Option<Vec<_>> = keys.iter().map(|k| Some(k.as_str()?.to_owned())).collect();
        keys.ok_or_else(|| response.unexpected("with a list of something else"))
    }

    /// `None`: it is gone.
    pub(crate) async fn by_accessor(
        &self,
        op: Op,
        role: &AppRole,
        accessor: &str,
    ) -> Result<Option<SecretId>> {
        let path = self.role_path(role, "/secret-id-accessor/lookup");
        let body = json!({"secret_id_accessor": accessor});
        let request = self.ask(op, Method::POST, path).reads().json(body);
        about(self.look(op, request).await?)
    }

    /// `None`: the role has no such secret-id.
    pub(crate) async fn by_value(
        &self,
        op: Op,
        role: &AppRole,
        value: &SecretValue,
    ) -> Result<Option<SecretId>> {
        let path = self.role_path(role, "/secret-id/lookup");
        let request = self.ask(op, Method::POST, path).reads().json(json!({}));
        let request = request.secret("/secret_id", value, Purpose::Verify);
        about(self.look(op, request).await?)
    }
}

/// What is not there, or has expired, is an empty answer in places.
fn about(response: Option<Response>) -> Result<Option<SecretId>> {
    match response.filter(|response| response.status() != 204) {
        Some(response) => secret_id(&response),
        None => Ok(None),
    }
}

/// `None`: it has expired.
fn secret_id(response: &Response) -> Result<Option<SecretId>> {
    let body = response.json()?;
    let Some(about) = body.pointer("/data").filter(|data| data.is_object()) else {
        return Ok(None);
    };
    let accessor = about.get("secret_id_accessor").and_then(Value::as_str);
    let accessor = accessor.ok_or_else(|| response.unexpected("without an accessor"))?;
    let list = |name: &str| -> Vec<String> {
        let items = about.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let number = |name: &str| about.get(name).and_then(Value::as_u64).unwrap_or_default();
    // The year 1 stands for "never".
    let expires = about.get("expiration_time").and_then(time).filter(|t| t.as_second() > 0);
    if expires.is_some_and(|expires| expires <= Timestamp::now()) {
        return Ok(None);
    }
    let mut id = SecretId {
        live: None,
        cidrs: list("cidr_list"),
        token_cidrs: list("token_bound_cidrs"),
        ttl: number("secret_id_ttl"),
    };
    id.live = Some(Live {
        id: CredentialId::new(accessor),
        state: LiveState::Active,
        created: about.get("creation_time").and_then(time),
        expires,
        marker: about
            .pointer(&format!("/metadata/{MARKER}"))
            .and_then(Value::as_str)
            .map(str::to_owned),
        scope: scope(&id, number("secret_id_num_uses") > 0),
    });
    Ok(Some(id))
}

pub(crate) fn scope(id: &SecretId, counted: bool) -> BTreeMap<String, String> {
    let mut scope = BTreeMap::new();
    for (name, list) in [("cidr_list", &id.cidrs), ("token_bound_cidrs", &id.token_cidrs)] {
        if !list.is_empty() {
            scope.insert(name.to_owned(), list.join(", "));
        }
    }
    if id.ttl > 0 {
        scope.insert("ttl".to_owned(), format!("{} s", id.ttl));
    }
    if counted {
        scope.insert("uses".to_owned(), "limited".to_owned());
    }
    scope
}
