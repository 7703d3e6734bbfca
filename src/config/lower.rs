//! From what is written to what is meant.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use keysweep_sdk::{ProviderName, Shape};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Approval, Config, ConfigError, Credential, Escrow, Policy, Proof, ProviderEntry, Purpose,
    Reload, Source, State, StoreUse,
    check::Checked,
    document::{self, Document},
    name::is_provider_name,
};

const HOUR: Duration = Duration::from_hours(1);

pub(super) fn lowered(
    source: &Source,
    tree: &DeTable<'_>,
    document: Document,
    errors: &mut Vec<ConfigError>,
) -> Config {
    let mut config = Config {
        source: source.clone(),
        read_only: document.read_only,
        network: document.network,
        state: State { path: PathBuf::new(), audit: PathBuf::new() },
        escrow: Escrow::default(),
        providers: providers(source, tree, errors),
        credentials: Vec::new(),
        policy: Policy::of(Purpose::default()),
    };
    let folder = config.folder();
    config.state = state(document.state, &folder);
    let entries = config.providers.clone();
    let mut check = Checked::new(source, &entries, errors);
    config.escrow = escrow(document.escrow, &folder, &mut check);
    check.names(&document.credentials);
    config.credentials =
        document.credentials.into_iter().map(|written| credential(written, &mut check)).collect();
    config.policy = policy(document.policy, &folder, &mut check);
    config
}

fn providers(
    source: &Source,
    tree: &DeTable<'_>,
    errors: &mut Vec<ConfigError>,
) -> BTreeMap<ProviderName, ProviderEntry> {
    let mut entries = BTreeMap::new();
    let Some(DeValue::Table(written)) = tree.get("providers").map(Spanned::get_ref) else {
        return entries;
    };
    for (name, value) in written {
        if !is_provider_name(name.get_ref()) {
            errors.push(source.error(
                name.span(),
                "no name for a provider",
                "letters, digits, `-` and `_`: it stands before a colon",
            ));
        }
        let kind = value.get_ref().get("type").and_then(|kind| kind.get_ref().as_str());
        match kind {
            Some(kind) => {
                let entry =
                    ProviderEntry { kind: kind.to_owned(), line: source.line(name.span().start) };
                entries.insert(ProviderName::new(name.get_ref().as_ref()), entry);
            }
            None => errors.push(source.error(
                name.span(),
                "`type` is missing",
                "say what it is: `type = \"aws\"`",
            )),
        }
    }
    entries
}

fn state(written: document::State, folder: &Path) -> State {
    let at = |path: Option<PathBuf>, otherwise: &str| {
        folder.join(path.unwrap_or_else(|| PathBuf::from(".keysweep").join(otherwise)))
    };
    State { path: at(written.path, "state.sqlite"), audit: at(written.audit, "audit.jsonl") }
}

fn escrow(written: document::Escrow, folder: &Path, check: &mut Checked<'_>) -> Escrow {
    for recipient in &written.recipients {
        check.recipient(recipient);
    }
    if let Some(transit) = &written.transit {
        check.provider(&transit.get_ref().provider, transit.span());
    }
    Escrow {
        recipients: written.recipients.into_iter().map(Spanned::into_inner).collect(),
        identity: written.identity.map(|path| folder.join(path)),
        keychain: written.keychain,
        transit: written.transit.map(Spanned::into_inner),
    }
}

fn credential(written: document::Credential, check: &mut Checked<'_>) -> Credential {
    let name = written.id.get_ref().clone();
    check.provider(&name.provider, written.id.span());
    let fields = check.fields(&written.fields);
    for target in &written.can_change {
        check.can_change(&name, target);
    }
    let stores: Vec<StoreUse> = written
        .stores
        .into_iter()
        .map(|store| store_use(store.into_inner(), &fields, check))
        .collect();
    let mut asked = |name: Option<Spanned<String>>| {
        name.map(|name| {
            let provider = ProviderName::new(name.get_ref().as_str());
            check.provider(&provider, name.span());
            provider
        })
    };
    Credential {
        verify: asked(written.verify),
        revoke: asked(written.revoke),
        usage: asked(written.usage),
        name,
        current: written.current,
        fields,
        stores,
        style: written.style,
        class: written.class,
        owner: written.owner,
        environment: written.environment,
        sole_writer: written.sole_writer,
        deadline: written.deadline.map(|lasting| lasting.0),
        mode: written.mode,
        can_change: written.can_change.into_iter().map(Spanned::into_inner).collect(),
        own: written.own,
        breaks: written.breaks,
        sessions: written.sessions,
        line: check.source.line(written.id.span().start),
    }
}

fn store_use(written: document::Store, fields: &[String], check: &mut Checked<'_>) -> StoreUse {
    check.provider(&written.at.get_ref().provider, written.at.span());
    let shape = shape(&written, fields, check);
    check.placement(&written.at, &shape);
    StoreUse {
        line: check.source.line(written.at.span().start),
        at: written.at.into_inner(),
        shape,
        read_at: written.read_at,
        reload: written.reload.and_then(|reload| self::reload(reload, check)),
        proof: proof(written.proof, written.proof_hook, check),
        required: written.required.unwrap_or(true),
        consumers: written.consumers,
        owner: written.owner,
        environment: written.environment,
        managed_by: written.managed_by,
    }
}

/// One of `field`, `fields`, `template`; a credential of one field needs none of them.
fn shape(written: &document::Store, fields: &[String], check: &mut Checked<'_>) -> Shape {
    let at = written.at.span();
    match (&written.field, &written.fields, &written.template) {
        (Some(field), None, None) => {
            check.field(field.get_ref(), field.span(), fields);
            Shape::Field(field.get_ref().clone())
        }
        (None, Some(named), None) => {
            if named.get_ref().is_empty() {
                check.error(named.span(), "no fields", "write `fields = { THERE = \"field\" }`");
            }
            let mut names = BTreeMap::new();
            for (there, field) in named.get_ref() {
                check.field(field.get_ref(), field.span(), fields);
                names.insert(there.clone(), field.get_ref().clone());
            }
            Shape::Named(names)
        }
        (None, None, Some(template)) => {
            let shape = Shape::Template(template.get_ref().clone());
            check.template(template, &shape, fields);
            shape
        }
        (None, None, None) => {
            if fields.len() > 1 {
                let hint = "write `field = …`, `fields = { THERE = \"field\" }` or `template = …`";
                check.error(at, "which of the credential's fields go there is not said", hint);
            }
            Shape::Field(fields.first().cloned().unwrap_or_default())
        }
        _ => {
            check.error(at, "more than one of `field`, `fields`, `template`", "keep one of them");
            Shape::Field(String::new())
        }
    }
}

fn reload(written: Spanned<document::Reload>, check: &mut Checked<'_>) -> Option<Reload> {
    let span = written.span();
    let document::Reload { hook, task } = written.into_inner();
    match (hook, task) {
        (Some(argv), None) => {
            check.argv(&argv, span);
            Some(Reload::Hook(argv))
        }
        (None, Some(task)) => Some(Reload::Task(task)),
        _ => {
            let hint =
                "write `reload = { hook = [\"PROGRAM\", …] }` or `reload = { task = \"…\" }`";
            check.error(span, "one of `hook` and `task` is wanted", hint);
            None
        }
    }
}

fn proof(
    written: Option<Spanned<document::Proof>>,
    hook: Option<Spanned<Vec<String>>>,
    check: &mut Checked<'_>,
) -> Option<Proof> {
    let hint = "write `proof = \"hook\", proof_hook = [\"PROGRAM\", …]`";
    match (written.as_ref().map(Spanned::get_ref), hook) {
        (Some(document::Proof::Hook), Some(argv)) => {
            check.argv(argv.get_ref(), argv.span());
            return Some(Proof::Hook(argv.into_inner()));
        }
        (Some(document::Proof::Hook), None) => {
            let span = written.as_ref().map(Spanned::span).unwrap_or_default();
            check.error(span, "`proof_hook` is missing", hint);
        }
        (_, Some(argv)) => {
            check.error(argv.span(), "it is the proof only if `proof` says so", hint)
        }
        (_, None) => {}
    }
    match written?.into_inner() {
        document::Proof::ReadBack => Some(Proof::ReadBack),
        document::Proof::Advanced => Some(Proof::Advanced),
        document::Proof::Used => Some(Proof::Used),
        document::Proof::Attested => Some(Proof::Attested),
        document::Proof::Hook => None,
    }
}

impl Policy {
    /// What holds where nothing is written.
    pub fn of(purpose: Purpose) -> Self {
        let hurry = purpose == Purpose::PostBreach;
        let hours =
            |periodic: u32, post_breach: u32| HOUR * if hurry { post_breach } else { periodic };
        Self {
            purpose,
            deadline: hurry.then_some(HOUR * 24),
            deadlines: BTreeMap::new(),
            drain: hours(6, 1),
            quiet: hours(24, 1),
            soak: hours(7 * 24, 24),
            prove_within: hours(24, 4),
            max_escrow_age: hours(7 * 24, 3 * 24),
            attempts: 3,
            waves: Vec::new(),
            approval: None,
            danger_no_escrow: false,
        }
    }
}

fn policy(written: document::Policy, folder: &Path, check: &mut Checked<'_>) -> Policy {
    let mut policy = Policy::of(written.purpose.unwrap_or_default());
    for (class, length) in written.deadline {
        if class == "default" {
            policy.deadline = Some(length.0);
        } else {
            policy.deadlines.insert(class, length.0);
        }
    }
    for (of, length) in [
        (&mut policy.drain, written.drain),
        (&mut policy.quiet, written.quiet),
        (&mut policy.soak, written.soak),
        (&mut policy.prove_within, written.prove_within),
        (&mut policy.max_escrow_age, written.max_escrow_age),
    ] {
        if let Some(length) = length {
            *of = length.0;
        }
    }
    if let Some(attempts) = &written.attempts {
        check.attempts(attempts);
        policy.attempts = *attempts.get_ref();
    }
    check.waves(&written.waves);
    policy.waves = written.waves.into_iter().map(Spanned::into_inner).collect();
    policy.approval = written.approval.map(|approval| Approval {
        required: approval.required,
        signers: folder.join(approval.signers),
        requester_may_not_approve: approval.requester_may_not_approve,
    });
    policy.danger_no_escrow = written.danger_no_escrow;
    policy
}
