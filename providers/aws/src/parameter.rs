//! SSM Parameter Store: parameters of type `SecureString`, that are there already.

use aws_sdk_ssm::types::{ParameterMetadata, ParameterStringFilter, ParameterTier, ParameterType};
use keysweep_sdk::{ErrorKind, Held, Op, Payload, Purpose, Result, SecretValue, Slot};

use crate::{Aws, failure::Call, timestamp};

/// Of a standard parameter, and of an advanced one.
const MOST: (usize, usize) = (4096, 8192);

pub(crate) struct Parameter(ParameterMetadata);

impl Parameter {
    pub(crate) fn slot(&self) -> Slot {
        Slot {
            version: Some(self.0.version().to_string()),
            updated: self.0.last_modified_date().and_then(timestamp),
            ..Slot::default()
        }
    }

    fn most(&self) -> usize {
        match self.0.tier() {
            None | Some(ParameterTier::Standard) => MOST.0,
            Some(_) => MOST.1,
        }
    }

    /// The policies in the form in which they are given.
    fn policies(&self) -> Option<String> {
        let texts: Vec<_> = self.0.policies().iter().filter_map(|p| p.policy_text()).collect();
        (!texts.is_empty()).then(|| format!("[{}]", texts.join(",")))
    }
}

impl Aws {
    /// What is known of it without its value. `None`: it is not there.
    pub(crate) async fn parameter(&self, op: Op, name: &str) -> Result<Option<Parameter>> {
        let call = Call::reads(op, "ssm:DescribeParameters", name);
        let filter = ParameterStringFilter::builder()
            .key("Name")
            .option("Equals")
            .values(name)
            .build()
            .map_err(|_| self.unexpected(call, "no filter"))?;
        let mut next: Option<String> = None;
        loop {
            let ask = self.parameters.describe_parameters().parameter_filters(filter.clone());
            let page = ask.set_next_token(next.clone()).send().await;
            let page = page.map_err(|error| self.failed(call, &error))?;
            let found = page.parameters().iter().find(|found| found.name() == Some(name));
            if let Some(found) = found {
                return self.secure(op, name, found.clone()).map(Some);
            }
            // A page may be empty and not the last one.
            match page.next_token().filter(|token| !token.is_empty()) {
                None => return Ok(None),
                token if token == next.as_deref() => {
                    return Err(self.unexpected(call, "a list that has no end"));
                }
                token => next = token.map(str::to_owned),
            }
        }
    }

    fn secure(&self, op: Op, name: &str, found: ParameterMetadata) -> Result<Parameter> {
        if found.r#type() == Some(&ParameterType::SecureString) {
            return Ok(Parameter(found));
        }
        let message =
            format!("the parameter `{name}` is not a `SecureString`: it keeps its value in plain");
        Err(self.refuse(op, ErrorKind::Invalid, message).with_hint(
            "AWS does not change a parameter's type: make a new one, of type `SecureString`",
        ))
    }

    pub(crate) async fn place_parameter(
        &self,
        name: &str,
        value: &SecretValue,
        expect: Option<&str>,
    ) -> Result<Slot> {
        let invalid = |why: String| Err(self.refuse(Op::Place, ErrorKind::Invalid, why));
        if value.is_empty() {
            return invalid(format!("the value for `{name}` is empty"));
        }
        let Some(there) = self.parameter(Op::Place, name).await? else {
            let message = format!("the parameter `{name}` is not there, and none is made here");
            return Err(self
                .refuse(Op::Place, ErrorKind::NotFound, message)
                .with_hint("make it first, with the KMS key and the readers that it is to have"));
        };
        let (size, most) = (value.expose_for(Purpose::Place).len(), there.most());
        if size > most {
            return invalid(format!("the value for `{name}` has {size} bytes; it takes {most}"));
        }
        match self.read_parameter(Op::Place, name).await {
            // A version more would push out the one to go back to.
            Ok(Held::Value(Payload::One(held))) if held.same(value) => return Ok(there.slot()),
            Ok(_) => {}
            // It may be allowed to write what it may not read.
            Err(error) if error.kind == ErrorKind::PermissionDenied => {}
            Err(error) => return Err(error),
        }
        let version = there.0.version().to_string();
        if expect.is_some_and(|expected| expected != version) {
            let message = format!("the parameter `{name}` is at version {version} meanwhile");
            return Err(self.refuse(Op::Place, ErrorKind::Conflict, message));
        }
        self.overwrite(name, value, &there).await
    }

    /// All that is not the value is given again as it is: without its KMS key a parameter would fall to the account's
    /// default key, and so to other readers.
    async fn overwrite(&self, name: &str, value: &SecretValue, there: &Parameter) -> Result<Slot> {
        let call = Call::mutates(Op::Place, "ssm:PutParameter", name);
        let kept = &there.0;
        let put = self
            .parameters
            .put_parameter()
            .name(name)
            .value(value.expose_for(Purpose::Place))
            .r#type(ParameterType::SecureString)
            .overwrite(true)
            .set_key_id(kept.key_id().map(str::to_owned))
            .set_description(kept.description().filter(|d| !d.is_empty()).map(str::to_owned))
            .set_allowed_pattern(
                kept.allowed_pattern().filter(|p| !p.is_empty()).map(str::to_owned),
            )
            .set_tier(kept.tier().cloned())
            .set_data_type(kept.data_type().map(str::to_owned))
            .set_policies(there.policies());
        let done = put.send().await.map_err(|error| self.failed(call, &error))?;
        Ok(Slot { version: Some(done.version().to_string()), ..Slot::default() })
    }

    pub(crate) async fn read_parameter(&self, op: Op, name: &str) -> Result<Held> {
        let call = Call::reads(op, "ssm:GetParameter", name);
        let get = self.parameters.get_parameter().name(name).with_decryption(true);
        match get.send().await.map_err(|error| self.failed(call, &error)) {
            Ok(reply) => {
                let value = reply.parameter.and_then(|parameter| parameter.value);
                Ok(value.map_or(Held::Nothing, |v| Held::Value(Payload::One(SecretValue::new(v)))))
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Held::Nothing),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn remove_parameter(&self, name: &str) -> Result<()> {
        let call = Call::mutates(Op::Remove, "ssm:DeleteParameter", name);
        let deleted = self.parameters.delete_parameter().name(name).send().await;
        match deleted.map_err(|error| self.failed(call, &error)) {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            done => done.map(|_| ()),
        }
    }
}
