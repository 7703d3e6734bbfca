use std::sync::Arc;

use async_trait::async_trait;
use keysweep_sdk::{
    Bundle, Chooser, Chosen, CredentialId, Cx, ErrorKind, Issuer, IssuerLimits, Live, LiveState,
    LostReply, MintRequest, Minted, Op, PrincipalId, Purpose, Result, SecretValue, Style,
};
use postgres_protocol::{
    escape::{escape_identifier, escape_literal},
    password::scram_sha_256,
};
use rand::RngExt;

use crate::{
    catalog::{self, RoleRow},
    error::Here,
    mark::Mark,
    roles::{id_of, role_of},
    server::Server,
    session::Session,
};

/// 40 letters and digits, 238 bits: more than SCRAM's hash has use for.
const LENGTH: usize = 40;

#[derive(Clone, Debug)]
pub(crate) struct PostgresIssuer(pub(crate) Arc<Server>);

#[async_trait]
impl Issuer for PostgresIssuer {
    fn limits(&self) -> IssuerLimits {
        IssuerLimits {
            style: Style::CallerChosen,
            chooser: Chooser::Caller,
            max_live: Some(if self.0.roles.alternate() { 2 } else { 1 }),
            // The new password goes over a disabled one.
            inactive_count: false,
            marker: false,
            lost_reply: LostReply::Repeat,
            visible_within: self.0.replica_lag,
            fields: vec!["username".to_owned(), "password".to_owned()],
        }
    }

    async fn snapshot(&self, _cx: &Cx, principal: &PrincipalId) -> Result<Vec<Live>> {
        let here = self.0.here(Op::Snapshot);
        let names = self.0.roles_of(Op::Snapshot, principal)?;
        let session = self.0.own_session(Op::Snapshot).await?;
        let rows = catalog::rows(&session, here, &names).await?;
        session.close().await;
        if let Some(missing) = names.iter().find(|name| rows.iter().all(|r| r.name != **name)) {
            let message = format!("the role `{missing}` of `{principal}` is not there");
            return Err(here.nothing(ErrorKind::NotFound, message));
        }
        Ok(rows.iter().filter_map(RoleRow::live).collect())
    }

    async fn choose(
        &self,
        _cx: &Cx,
        principal: &PrincipalId,
        live: &[Live],
        old: Option<&CredentialId>,
    ) -> Result<Option<Chosen>> {
        let here = self.0.here(Op::Choose);
        let names = self.0.roles_of(Op::Choose, principal)?;
        if let Some(old) = old {
            self.0.owner(Op::Choose, principal, old, ErrorKind::Invalid)?;
        }
        let in_use = |name: &str| {
            let active = |l: &&Live| l.state == LiveState::Active && role_of(&l.id) == Some(name);
            live.iter().find(active)
        };
        let resting = match old.and_then(role_of) {
            Some(old) => names.iter().find(|name| names.len() == 1 || *name != old),
            None => names.iter().find(|name| in_use(name).is_none()).or(names.first()),
        };
        let Some(role) = resting else {
            return Err(here.nothing(ErrorKind::NotFound, format!("`{principal}` has no role")));
        };
        if let Some(other) = in_use(role).filter(|_| names.len() > 1) {
            return Err(occupied(here, role, &other.id));
        }
        let generation = format!("{:08x}", rand::rng().random::<u32>());
        let bundle = Bundle::one("username", SecretValue::new(role.clone()))
            .with("password", SecretValue::random(LENGTH));
        Ok(Some(Chosen { id: id_of(role, &generation), bundle }))
    }

    /// Sets the password in one transaction with its mark. The memberships and settings of the role stay as they are:
    /// what differs from the old one's shows in the scope.
    async fn mint(&self, _cx: &Cx, request: &MintRequest<'_>) -> Result<Minted> {
        let here = self.0.here(Op::Mint);
        let Choice { role, mark, chosen, password } = self.choice(request)?;
        let session = self.0.own_session(Op::Mint).await?;
        session.begin(here, &role).await?;
        let row = self.may_be_set(&session, here, &role, request, &chosen.id).await?;
        let verifier = scram_sha_256(password.expose_for(Purpose::Mint).as_bytes());
        let comment = mark.written(row.comment.as_deref());
        let statements = SecretValue::new(format!(
            "ALTER ROLE {role} LOGIN PASSWORD {}; COMMENT ON ROLE {role} IS {}",
            escape_literal(&verifier),
            escape_literal(&comment),
            role = escape_identifier(&role),
        ));
        session.commit(here, &statements).await?;
        session.close().await;
        let copied = chosen.bundle.iter().map(|(name, value)| {
            (name.to_owned(), SecretValue::new(value.expose_for(Purpose::Mint).to_owned()))
        });
        Ok(Minted { id: chosen.id.clone(), bundle: copied.collect(), scope: row.scope })
    }
}

/// What is to be set, and where.
struct Choice<'a> {
    role: String,
    mark: Mark,
    chosen: &'a Chosen,
    password: &'a SecretValue,
}

impl PostgresIssuer {
    /// The role to set, and what to.
    fn choice<'a>(&self, request: &MintRequest<'a>) -> Result<Choice<'a>> {
        let here = self.0.here(Op::Mint);
        let Some(chosen) = request.chosen else {
            return Err(here.nothing(ErrorKind::Invalid, "no value was chosen"));
        };
        let role = self.0.owner(Op::Mint, request.principal, &chosen.id, ErrorKind::Invalid)?;
        let for_role = chosen
            .bundle
            .field("username")
            .is_some_and(|name| name.expose_for(Purpose::Mint) == role);
        let password = chosen.bundle.field("password").filter(|value| !value.is_empty());
        match (Mark::of(&chosen.id), password) {
            (Some(mark), Some(password)) if for_role => Ok(Choice { role, mark, chosen, password }),
            _ => {
                let message = format!("what was chosen is no login of `{role}`");
                Err(here.nothing(ErrorKind::Invalid, message))
            }
        }
    }

    /// Refuses to set a password over one that nobody said is to be replaced.
    async fn may_be_set(
        &self,
        session: &Session,
        here: Here<'_>,
        role: &str,
        request: &MintRequest<'_>,
        chosen: &CredentialId,
    ) -> Result<RoleRow> {
        let Some(row) = catalog::row(session, here, role).await? else {
            let message = format!("the role `{role}` is not there");
            return Err(here.nothing(ErrorKind::NotFound, message));
        };
        if row.expired {
            let message = format!("no password of `{role}` works: its `VALID UNTIL` has passed");
            let error = here.nothing(ErrorKind::Invalid, message);
            return Err(error.with_hint(format!(
                "ALTER ROLE {} VALID UNTIL 'infinity'",
                escape_identifier(role)
            )));
        }
        let current = row.live().filter(|live| live.state == LiveState::Active);
        match current.map(|live| live.id) {
            None => {}
            Some(id) if id == *chosen => {}
            Some(id) if self.0.roles.alternate() => return Err(occupied(here, role, &id)),
            Some(id) if Some(&id) == request.replaces => {}
            Some(id) => {
                let message = format!("`{role}` has the password `{id}`, which is not the old one");
                let error = here.nothing(ErrorKind::Conflict, message);
                return Err(error.with_hint("somebody rotated it meanwhile; plan again"));
            }
        }
        Ok(row)
    }
}

fn occupied(here: Here<'_>, role: &str, id: &CredentialId) -> keysweep_sdk::Error {
    let message = format!("both roles are in use: `{role}` has the live password `{id}`");
    here.nothing(ErrorKind::LimitReached, message).with_hint(format!(
        "when nobody logs in as `{role}`: ALTER ROLE {} NOLOGIN",
        escape_identifier(role)
    ))
}
