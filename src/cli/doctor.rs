//! `keysweep doctor --for plan|rotate`

use std::{collections::BTreeMap, fmt, sync::Arc};

use clap::{Args as ClapArgs, ValueEnum};
use keysweep_sdk::{Effect, Error, ErrorKind, LiveState, Need, Provider, ProviderName, Slot};

use super::{
    Exit, ExitError, Streams,
    args::{ConfigArgs, Format, OutputArgs},
    configured,
    output::Target,
    settings::plain,
};
use crate::{
    config::{Config, Credential, StoreUse},
    invoke::{Audit, Calls, Invoker, Rules, SystemClock},
    registry::MountError,
    report::{
        self, DOCTOR_SCHEMA, DoctorCheck, DoctorPermission, DoctorProvider, DoctorReport, Held,
        Reached, Trouble,
    },
};

/// Say what providers allow and lack, before anything is done
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,

    /// What is to be done
    #[arg(long = "for", value_enum, value_name = "WHAT", default_value_t = For::Rotate)]
    purpose: For,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum For {
    /// Look, and change nothing
    Plan,
    /// Mint, write, end
    Rotate,
}

pub(super) fn run(args: Args, streams: &mut Streams<'_>) -> Result<Exit, ExitError> {
    let target = Target::new(args.output.output)?;
    let config = configured::load(&args.config.config, streams)?;
    let audit = Audit::open(&config.state.audit).map_err(|error| {
        ExitError::failed(format!("`{}`", config.state.audit.display()), plain(&error))
            .hint("every call is logged there; name another file with `[state] audit`")
    })?;
    let invoker = Invoker::new(Rules::of(&config), "doctor", audit, Arc::new(SystemClock));
    let report = configured::block_on(examined(&config, args.purpose, &invoker, streams))??;
    if config.credentials.is_empty() {
        // Nothing examined is not fit.
        let file = format!("`{}`", args.config.config.display());
        return Err(ExitError::usage(
            file,
            "it has no `[[credentials]]`, so there is nothing to examine",
        )
        .hint("write one; the file that `keysweep init` makes shows how"));
    }
    let page = match args.output.format {
        Format::Table => report::doctor(&report),
        Format::Json => {
            report::json(&report).map_err(|error| ExitError::failed("report", error))?
        }
    };
    let summary = if report.fit { "nothing lacks" } else { "something lacks" };
    target.deliver(&page, Some(summary), streams)?;
    Ok(if report.fit { Exit::Done } else { Exit::Failed })
}

async fn examined(
    config: &Config,
    purpose: For,
    invoker: &Arc<Invoker>,
    streams: &mut Streams<'_>,
) -> Result<DoctorReport, ExitError> {
    let mounted = configured::mounted(config).await;
    refuse_mistakes(&mounted, streams)?;
    configured::tell_hosts(mounted.values().flatten(), streams);
    let calls = mounted.iter().filter_map(|(name, provider)| {
        let provider = provider.as_ref().ok()?;
        Some((name, invoker.calls(provider)))
    });
    let mut doctor = Doctor {
        config,
        purpose,
        calls: calls.collect(),
        needs: BTreeMap::new(),
        permissions: Vec::new(),
        checks: Vec::new(),
    };
    for credential in &config.credentials {
        doctor.credential(credential).await;
    }
    let providers = mounted.iter().map(|(name, mounted)| doctor.provider(name, mounted)).collect();
    Ok(doctor.report(providers))
}

/// A mistake in the file is told before anything is dialled.
fn refuse_mistakes(
    mounted: &BTreeMap<ProviderName, Result<Provider, MountError>>,
    streams: &mut Streams<'_>,
) -> Result<(), ExitError> {
    let mistakes = mounted.values().filter_map(|mounted| match mounted {
        Err(MountError::Config(error)) => Some(configured::refused(error)),
        Ok(_) | Err(MountError::Start { .. }) => None,
    });
    let mistakes: Vec<ExitError> = mistakes.collect();
    if mistakes.is_empty() { Ok(()) } else { Err(configured::last(mistakes, streams)) }
}

struct Doctor<'a> {
    config: &'a Config,
    purpose: For,
    /// Of the providers that are there.
    calls: BTreeMap<&'a ProviderName, Calls>,
    needs: BTreeMap<&'a ProviderName, Vec<Need>>,
    permissions: Vec<DoctorPermission>,
    checks: Vec<DoctorCheck>,
}

impl<'a> Doctor<'a> {
    async fn credential(&mut self, credential: &'a Credential) {
        let mut needs: BTreeMap<&ProviderName, Vec<Need>> = BTreeMap::new();
        let principal = &credential.name.principal;
        for provider in [&credential.name.provider, credential.usage_told_by()] {
            needs.entry(provider).or_default().push(Need::Snapshot(principal.clone()));
        }
        if self.purpose == For::Rotate {
            for provider in [&credential.name.provider, credential.revoked_by()] {
                needs.entry(provider).or_default().push(Need::Rotate(principal.clone()));
            }
        }
        for store in &credential.stores {
            let of_store = needs.entry(&store.at.provider).or_default();
            of_store.push(Need::Stat(store.at.placement.clone()));
            // What git writes is not written here.
            if self.purpose == For::Rotate && store.managed_by.is_none() {
                of_store.push(Need::Place(store.at.placement.clone()));
            }
        }
        for (provider, mut needs) in needs {
            needs.sort();
            needs.dedup();
            self.permitted(credential, provider, &needs).await;
            self.needs.entry(provider).or_default().extend(needs);
        }
        self.issuer(credential).await;
        for store in &credential.stores {
            self.store(credential, store).await;
        }
    }

    async fn permitted(&mut self, credential: &Credential, name: &ProviderName, needs: &[Need]) {
        let Some(calls) = self.calls.get(name).filter(|calls| calls.capabilities().access) else {
            return;
        };
        match calls.check(needs).await {
            Ok(grants) => {
                self.permissions.extend(grants.into_iter().map(|grant| DoctorPermission {
                    provider: name.to_string(),
                    credential: credential.name.to_string(),
                    permission: grant.permission,
                    on: grant.on,
                    held: match grant.held {
                        Some(true) => Held::Yes,
                        Some(false) => Held::No,
                        None => Held::Untold,
                    },
                }))
            }
            Err(error) => self.failed(credential, format_args!("permissions at {name}"), &error),
        }
    }

    async fn issuer(&mut self, credential: &Credential) {
        let name = &credential.name.provider;
        let Some(calls) = self.calls.get(name) else { return };
        let what = format!("issuer {name}");
        let Some(limits) = calls.capabilities().issuer else {
            let lacks = unsupported(name, "it issues nothing");
            return self.failed(credential, what, &lacks);
        };
        let strangers: Vec<&str> = credential
            .fields
            .iter()
            .filter(|field| !limits.fields.is_empty() && !limits.fields.contains(field))
            .map(String::as_str)
            .collect();
        if !strangers.is_empty() {
            let message = format!("its credentials have no field `{}`", strangers.join("`, `"));
            let hint = format!("fields: `{}`", limits.fields.join("`, `"));
            return self.failed(credential, what, &unsupported(name, message).with_hint(hint));
        }
        match calls.snapshot(&credential.name.principal).await {
            Ok(live) => {
                let active = live.iter().filter(|one| one.state == LiveState::Active).count();
                let of = limits.max_live.map(|most| format!(" of {most}")).unwrap_or_default();
                let idle = match live.len() - active {
                    0 => String::new(),
                    some => format!(", {some} disabled"),
                };
                self.reached(credential, what, Reached::Yes, format!("{active}{of} live{idle}"));
            }
            Err(error) => self.failed(credential, what, &error),
        }
    }

    async fn store(&mut self, credential: &Credential, store: &StoreUse) {
        let name = &store.at.provider;
        let Some(calls) = self.calls.get(name) else { return };
        let what = format!("store {}", store.at);
        if calls.capabilities().store.is_none() {
            return self.failed(credential, what, &unsupported(name, "it stores nothing"));
        }
        match calls.stat(&store.at.placement).await {
            Ok(Some(slot)) => {
                self.reached(credential, what, Reached::Yes, told(&slot));
            }
            Ok(None) => {
                let detail = "not there: it is made by the first write".to_owned();
                self.reached(credential, what, Reached::Absent, detail);
            }
            Err(error) => self.failed(credential, what, &error),
        }
    }

    fn reached(&mut self, credential: &Credential, what: String, reached: Reached, detail: String) {
        let credential = credential.name.to_string();
        self.checks.push(DoctorCheck { credential, what, reached, detail, hint: None });
    }

    fn failed(&mut self, credential: &Credential, what: impl fmt::Display, error: &Error) {
        self.checks.push(DoctorCheck {
            credential: credential.name.to_string(),
            what: what.to_string(),
            reached: Reached::No,
            detail: error.message().to_owned(),
            hint: error.hint().map(str::to_owned),
        });
    }

    fn provider(
        &self,
        name: &ProviderName,
        mounted: &Result<Provider, MountError>,
    ) -> DoctorProvider {
        let kind = self.config.providers.get(name).map(|entry| entry.kind.clone());
        let needs = self.needs.get(name).map(Vec::as_slice).unwrap_or_default();
        let policy = self.calls.get(name).and_then(|calls| calls.policy(needs));
        DoctorProvider {
            name: name.to_string(),
            kind: kind.unwrap_or_default(),
            hosts: mounted.as_ref().map(|provider| provider.hosts.clone()).unwrap_or_default(),
            trouble: mounted.as_ref().err().map(|error| Trouble {
                message: error.to_string(),
                hint: error.hint().map(str::to_owned),
            }),
            policy: policy.filter(|policy| !policy.trim().is_empty() && !needs.is_empty()),
        }
    }

    fn report(self, providers: Vec<DoctorProvider>) -> DoctorReport {
        let mut notes = Vec::new();
        if self.config.read_only && self.purpose == For::Rotate {
            notes.push(
                "`read_only = true`: `rotate` would be stopped before its first write".to_owned(),
            );
        }
        let fit = providers.iter().all(|provider| provider.trouble.is_none())
            && self.permissions.iter().all(|permission| permission.held != Held::No)
            && self.checks.iter().all(|check| check.reached != Reached::No);
        DoctorReport {
            schema: DOCTOR_SCHEMA.to_owned(),
            purpose: match self.purpose {
                For::Plan => "plan".to_owned(),
                For::Rotate => "rotate".to_owned(),
            },
            fit,
            notes,
            providers,
            permissions: self.permissions,
            checks: self.checks,
        }
    }
}

/// What a store says of a placement.
fn told(slot: &Slot) -> String {
    let mut said = Vec::new();
    said.push(match slot.updated {
        Some(updated) => format!("written {}", updated.strftime("%Y-%m-%d %H:%M UTC")),
        None => "there".to_owned(),
    });
    if !slot.seen_by.is_empty() {
        said.push(format!("seen by {}", slot.seen_by.join(", ")));
    }
    said.extend(slot.managed_by.as_ref().map(|who| format!("written by {who} as well")));
    said.extend(slot.shadowed_by.as_ref().map(|other| format!("consumers read {other} instead")));
    said.join("; ")
}

fn unsupported(name: &ProviderName, message: impl Into<String>) -> Error {
    let (kind, effect) = (ErrorKind::Unsupported, Effect::None);
    Error::new(name.clone(), keysweep_sdk::Op::Check, kind, effect, message)
        .with_hint("name another provider, or another `type` for this one")
}
