//! One API: its manifest, where it is, and who keysweep is there.

use std::collections::BTreeMap;

use keysweep_sdk::{
    Bundle, Cx, Effect, Error, ErrorKind, Op, PrincipalId, ProviderName, Result, SecretValue,
};
use keysweep_transport::{Auth as Sent, Base, Client, Method, Path, Request, Response};
use serde_json::Value;

use crate::{
    manifest::{Auth, Before, How, Line, Manifest, Outcomes},
    outcome::{Meaning, meaning, refusal},
    scope,
    template::{Values, copied},
};

#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) client: Client,
    pub(crate) base: Base,
    pub(crate) manifest: Manifest,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) own: BTreeMap<String, SecretValue>,
}

impl Api {
    pub(crate) fn name(&self) -> &ProviderName {
        self.client.provider()
    }

    pub(crate) fn error(&self, op: Op, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(self.name().clone(), op, kind, Effect::None, message)
    }

    /// What stands for the names of a section. `NotFound`: the API has one principal, and this is another.
    pub(crate) fn values(&self, op: Op, cx: &Cx, principal: &PrincipalId) -> Result<Values> {
        if let Some(only) = self.manifest.principal.as_deref().filter(|o| *o != principal.as_str())
        {
            let message =
                format!("`{principal}` is not there: this API knows one principal, `{only}`");
            return Err(self.error(op, ErrorKind::NotFound, message));
        }
        let values = Values { texts: self.params.clone(), ..Values::default() };
        Ok(values.with("principal", principal.as_str()).with("campaign", cx.campaign.as_str()))
    }

    /// A request with the headers and the authentication of the manifest.
    pub(crate) fn request<'a>(
        &'a self,
        op: Op,
        line: &Line,
        values: &Values,
    ) -> Result<Request<'a>> {
        self.request_as(op, line, values, &self.manifest.auth, None)
    }

    pub(crate) fn request_as<'a>(
        &'a self,
        op: Op,
        line: &Line,
        values: &Values,
        auth: &'a [Auth],
        bundle: Option<&'a Bundle>,
    ) -> Result<Request<'a>> {
        let mut path = Path::new(&line.path);
        for (name, value) in &values.texts {
            path = path.set(name, value);
        }
        let method = Method::from_bytes(line.method.as_bytes());
        let method = method.map_err(|_| self.error(op, ErrorKind::Config, "no such method"))?;
        self.headed(op, self.client.request(op, method, &self.base, path), auth, bundle)
    }

    /// The same for a page that the server named.
    pub(crate) fn follow<'a>(&'a self, op: Op, url: &str) -> Result<Request<'a>> {
        self.headed(op, self.client.follow(op, &self.base, url), &self.manifest.auth, None)
    }

    fn headed<'a>(
        &'a self,
        op: Op,
        mut request: Request<'a>,
        auth: &'a [Auth],
        bundle: Option<&'a Bundle>,
    ) -> Result<Request<'a>> {
        let params = Values { texts: self.params.clone(), ..Values::default() };
        for (name, value) in &self.manifest.headers {
            let value = params.text(value).map_err(|why| self.error(op, ErrorKind::Config, why))?;
            request = request.header(name, value);
        }
        for auth in auth {
            request = request.auth(self.sent(op, auth, bundle)?);
        }
        Ok(request)
    }

    fn sent<'a>(&'a self, op: Op, auth: &'a Auth, bundle: Option<&'a Bundle>) -> Result<Sent<'a>> {
        let own = || auth.own.as_ref().and_then(|name| self.own.get(name));
        let value = match &auth.field {
            Some(field) => bundle.and_then(|bundle| bundle.field(field)),
            None => own(),
        };
        let value = value.ok_or_else(|| {
            let name = auth.field.as_ref().or(auth.own.as_ref()).map_or("", String::as_str);
            self.error(op, ErrorKind::Invalid, format!("no field `{name}` to authenticate with"))
        })?;
        Ok(match auth.how {
            How::Bearer => Sent::Bearer(value),
            How::Basic => Sent::Basic { user: auth.user.as_deref().unwrap_or(""), password: value },
            How::Header => {
                let name = auth.name.as_deref().unwrap_or("");
                Sent::Header { name, prefix: &auth.prefix, value }
            }
        })
    }

    pub(crate) fn meaning(&self, response: &Response, section: &Outcomes) -> Option<Meaning> {
        meaning(response.status(), section, &self.manifest.outcome)
    }

    /// Reads what `body` copies of the credential `values` names. `false`: it is gone.
    pub(crate) async fn read_before(
        &self,
        op: Op,
        before: &Before,
        body: &Value,
        outcome: &Outcomes,
        values: &mut Values,
    ) -> Result<bool> {
        let response = self.request(op, &before.request, values)?.send().await?;
        if response.status() != 200 {
            return match self.meaning(&response, outcome) {
                Some(Meaning::Gone) => Ok(false),
                meaning => Err(refusal(&response, meaning)),
            };
        }
        let item = response.json()?.pointer(&before.item).filter(|item| item.is_object());
        let item = item.ok_or_else(|| {
            response.unexpected(format!("without an object at `{}`", before.item))
        })?;
        values.scope = scope::cut(item, &self.manifest.scope);
        let parts = copied(body).filter_map(|at| Some((at.to_owned(), item.pointer(at)?.clone())));
        values.was = parts.collect();
        Ok(true)
    }
}

/// The text of a scalar: of ids, which are numbers in some APIs, and of states.
pub(crate) fn scalar(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => Some("null".to_owned()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Bool(bool)) => Some(bool.to_string()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Array(_) | Value::Object(_)) => None,
    }
}
