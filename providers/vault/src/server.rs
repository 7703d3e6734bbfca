use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use keysweep_sdk::{Effect, Error, ErrorKind, Op, PlacementId, PrincipalId, Result, SecretValue};
use keysweep_transport::{Auth, Base, Client, Method, Path, Request, Response};

use crate::address::{Address, AppRole};

/// The server, and who keysweep is there.
#[derive(Debug)]
pub(crate) struct Vault {
    pub(crate) client: Client,
    pub(crate) base: Base,
    pub(crate) token: SecretValue,
    pub(crate) namespace: Option<String>,
    pub(crate) mounts: Vec<String>,
    /// The mounts that were seen to be KV version 2.
    pub(crate) versioned: Mutex<BTreeSet<String>>,
}

impl Vault {
    /// A request by keysweep's own token.
    pub(crate) fn ask(&self, op: Op, method: Method, path: Path) -> Request<'_> {
        self.ask_as(op, method, path).auth(token(&self.token))
    }

    /// A request by nobody yet.
    pub(crate) fn ask_as<'a>(&self, op: Op, method: Method, path: Path) -> Request<'a> {
        let request = self.client.request(op, method, &self.base, path);
        // Asked for by an agent in between that guards against forged requests.
        let request = request.header("X-Vault-Request", "true");
        match &self.namespace {
            Some(namespace) => request.header("X-Vault-Namespace", namespace.clone()),
            None => request,
        }
    }

    /// Certainly nothing was changed.
    pub(crate) fn nothing(&self, op: Op, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(self.client.provider().clone(), op, kind, Effect::None, message)
    }

    pub(crate) fn secret_at(&self, op: Op, at: &PlacementId) -> Result<Address> {
        Address::parse(at, &self.mounts).map_err(|why| {
            self.nothing(op, ErrorKind::Invalid, why).with_hint("`mounts` of the configuration")
        })
    }

    pub(crate) fn role_of(&self, op: Op, principal: &PrincipalId) -> Result<AppRole> {
        AppRole::parse(principal).map_err(|why| self.nothing(op, ErrorKind::NotFound, why))
    }

    /// Whether the mount is KV version 2. In version 1 the same requests would write other secrets.
    pub(crate) async fn versioned(&self, op: Op, mount: &str) -> Result<()> {
        if self.seen().contains(mount) {
            return Ok(());
        }
        let path = Path::new("/v1/sys/internal/ui/mounts/{mount}").set_many("mount", mount);
        let response = self.answer(op, self.ask(op, Method::GET, path)).await?;
        let about = response.json()?;
        let text = |pointer| about.pointer(pointer).and_then(serde_json::Value::as_str);
        if (text("/data/type"), text("/data/options/version")) != (Some("kv"), Some("2")) {
            let message = format!("`{mount}` is not KV version 2");
            let error = self.nothing(op, ErrorKind::Config, message);
            return Err(
                error.with_hint(format!("`vault kv enable-versioning {mount}`, or see `mounts`"))
            );
        }
        self.seen().insert(mount.to_owned());
        Ok(())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.versioned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn token(value: &SecretValue) -> Auth<'_> {
    Auth::Header { name: "X-Vault-Token", prefix: "", value }
}

fn says(response: &Response, words: &str) -> bool {
    response.reason().is_some_and(|said| said.contains(words))
}

fn is_mounted(response: &Response) -> bool {
    !says(response, "no handler for route")
}

impl Vault {
    /// Sends it, and gives the answer if it is one.
    pub(crate) async fn answer(&self, op: Op, request: Request<'_>) -> Result<Response> {
        self.success(op, request.send().await?).await
    }

    /// Sends it. `None`: what is asked for is not there. That its mount is not there is an error.
    pub(crate) async fn look(&self, op: Op, request: Request<'_>) -> Result<Option<Response>> {
        self.found(op, request.send().await?).await
    }

    /// The answer if it is one, or the error that the refusal stands for.
    pub(crate) async fn success(&self, op: Op, response: Response) -> Result<Response> {
        if response.is_success() {
            return Ok(response);
        }
        let says = |words: &str| says(&response, words);
        Err(match response.status() {
            400 | 403 if says("missing client token") => unknown(&response),
            403 if says("invalid token") || self.is_unknown(op).await => unknown(&response),
            403 => response.refusal().with_hint(
                "`keysweep doctor` says what the token's policies lack, and prints one to ask for",
            ),
            400 if says("check-and-set parameter did not match") => {
                response.error(ErrorKind::Conflict, Effect::None)
            }
            404 if !is_mounted(&response) => response
                .error(ErrorKind::NotFound, Effect::None)
                .with_hint("nothing is mounted there; see `namespace`, too"),
            503 if says("sealed") => response.refusal().with_hint("unseal it"),
            _ => response.refusal(),
        })
    }

    pub(crate) async fn found(&self, op: Op, response: Response) -> Result<Option<Response>> {
        if response.status() == 404 && is_mounted(&response) {
            return Ok(None);
        }
        self.success(op, response).await.map(Some)
    }

    /// An unknown token and one that may not do this are refused in the same words, but each token may look itself up.
    async fn is_unknown(&self, op: Op) -> bool {
        let path = Path::new("/v1/auth/token/lookup-self");
        let answer = self.ask(op, Method::GET, path).send().await;
        answer.is_ok_and(|answer| answer.status() == 403)
    }
}

fn unknown(response: &Response) -> Error {
    let error = response.error(ErrorKind::Unauthenticated, Effect::None);
    error.with_hint("the token is unknown or has expired: renew what `token` refers to")
}
