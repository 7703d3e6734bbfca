use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, Cx, ErrorKind, Identity, Op, PrincipalId, Purpose, Result, Verdict, Verifier,
    VerifierLimits,
};
use keysweep_transport::Response;

use crate::{
    api::Api,
    list::{Stage, id, stage},
    manifest::Verify,
    outcome::{Meaning, refusal},
    template::Values,
};

#[derive(Debug)]
pub(crate) struct Asks(pub(crate) Arc<Api>);

#[async_trait]
impl Verifier for Asks {
    fn limits(&self) -> VerifierLimits {
        let verify = self.0.manifest.verify.as_ref();
        VerifierLimits {
            spacing: Duration::from_secs(5),
            successes: 2,
            counts_as_use: verify.is_none_or(|verify| verify.counts_as_use),
        }
    }

    async fn verify(&self, cx: &Cx, principal: &PrincipalId, bundle: &Bundle) -> Result<Verdict> {
        let api = &self.0;
        let Some(verify) = &api.manifest.verify else {
            return Err(api.error(Op::Verify, ErrorKind::Unsupported, "this API has no such call"));
        };
        let values = api.values(Op::Verify, cx, principal)?;
        let invalid = |why: String| api.error(Op::Verify, ErrorKind::Invalid, why);
        let filled = values.body(&verify.body).map_err(invalid)?;
        let mut request = api
            .request_as(Op::Verify, &verify.request, &values, &verify.auth, Some(bundle))?
            .reads();
        if !filled.body.is_null() {
            request = request.json(filled.body);
        }
        for (at, field) in filled.secrets {
            let value =
                bundle.field(&field).ok_or_else(|| invalid(format!("no field `{field}`")))?;
            request = request.secret(at, value, Purpose::Verify);
        }
        let response = request.send().await?;
        match api.meaning(&response, &verify.outcome) {
            Some(Meaning::Live) => live(verify, &response),
            Some(Meaning::Dead) => self.dead(verify, &values).await,
            // Worth another try, which the caller makes.
            meaning @ Some(Meaning::RateLimited | Meaning::Unavailable) => {
                Err(refusal(&response, meaning))
            }
            meaning if response.status() >= 500 => Err(refusal(&response, meaning)),
            meaning => Ok(Verdict::Unknown(refusal(&response, meaning).message().to_owned())),
        }
    }
}

impl Asks {
    /// The refusal is about the credential only if keysweep's own part of the request is taken.
    async fn dead(&self, verify: &Verify, values: &Values) -> Result<Verdict> {
        let Some(control) = &verify.control else { return Ok(Verdict::Dead) };
        let request =
            self.0.request_as(Op::Verify, &control.request, values, &control.auth, None)?;
        let response = request.send().await?;
        Ok(match response.status() {
            200 => Verdict::Dead,
            status => Verdict::Unknown(format!(
                "refused, but so is keysweep's own credential that is sent with it: {status}"
            )),
        })
    }
}

fn live(verify: &Verify, response: &Response) -> Result<Verdict> {
    let mut identity = Identity::default();
    if verify.state.is_none() && verify.id.is_none() {
        return Ok(Verdict::Live(identity));
    }
    let body = response.json()?;
    if let Some(state) = &verify.state {
        match stage(state, body) {
            Ok(Stage::Active) => {}
            Ok(Stage::Inactive | Stage::Gone) => return Ok(Verdict::Dead),
            Err(text) => {
                let status = response.status();
                return Ok(Verdict::Unknown(format!("answered {status} with the state {text}")));
            }
        }
    }
    if let Some(at) = &verify.id {
        identity.credential = Some(id(response, body, at)?);
    }
    Ok(Verdict::Live(identity))
}
