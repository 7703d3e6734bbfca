use std::time::Duration;

use async_trait::async_trait;
use keysweep_sdk::{CredentialId, Cx, ErrorKind, Op, PrincipalId, Result, Usage, UsageLimits, Use};

use crate::{Aws, failure::Call, timestamp};

#[async_trait]
impl Usage for Aws {
    /// "Get credential reports": of uses within 15 minutes only the first is recorded. A use shows within hours; a
    /// refused call counts too.
    fn limits(&self) -> UsageLimits {
        UsageLimits {
            granularity: Duration::from_secs(15 * 60),
            lag: Duration::from_secs(4 * 3600),
            tells_source: true,
        }
    }

    async fn last_use(&self, _: &Cx, principal: &PrincipalId, id: &CredentialId) -> Result<Use> {
        let name = self.user(Op::LastUse, principal)?;
        let call = Call::reads(Op::LastUse, "iam:GetAccessKeyLastUsed", id.as_str());
        let asked = self.iam.get_access_key_last_used().access_key_id(id.as_str());
        let reply = asked.send().await.map_err(|error| self.failed(call, &error))?;
        if reply.user_name() != Some(name) {
            let message = format!("`{id}` is not a key of `{principal}`");
            return Err(self.refuse(Op::LastUse, ErrorKind::NotFound, message));
        }
        let Some(last) = reply.access_key_last_used() else {
            return Err(self.unexpected(call, "nothing of the last use"));
        };
        // Never used, or not since April 2015: no date, and `N/A` for the rest.
        let known = |text: &str| (text != "N/A" && !text.is_empty()).then(|| text.to_owned());
        let source: Vec<_> =
            [last.service_name(), last.region()].into_iter().filter_map(known).collect();
        Ok(Use {
            at: last.last_used_date().and_then(timestamp),
            source: (!source.is_empty()).then(|| source.join(" ")),
        })
    }
}
