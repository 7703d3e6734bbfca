//! A configuration and what is seen of it.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use keysweep::{
    assess::Report,
    bindings::Book,
    config::{self, Config},
    plan::{
        Input, Listing, Observed, Plan, SeenCredential, SeenPlacement, SeenProvider, Select, plan,
    },
};
use keysweep_sdk::{
    Capabilities, Chooser, CredentialId, IssuerLimits, Live, LiveState, LostReply, ProviderName,
    ReadAt, Readable, RevokerLimits, Slot, StoreLimits, Style, UsageLimits, Use, VerifierLimits,
    WriteMode,
};

/// One key in one file, read by one consumer.
pub(super) const ONE: &str = r#"
[escrow]
recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kdsfasu8qhzdp9z"]
[providers.prod]
type = "aws"
[providers.files]
type = "file"
[[credentials]]
id = "prod:user/ci"
fields = ["id", "secret"]
sole_writer = true
stores = [
  { at = "files:.env#ID", field = "id", consumers = ["app"] },
  { at = "files:.env#SECRET", field = "secret", consumers = ["app"] },
]
# more
[policy]
"#;

pub(super) struct World {
    pub(super) config: Config,
    pub(super) observed: Observed,
    pub(super) exposure: Option<Report>,
    pub(super) book: Option<Book>,
    pub(super) gates: Vec<String>,
    pub(super) exposed_only: bool,
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap() + SignedDuration::from_secs(second)
}

impl World {
    /// All that the configuration names is there, with one live credential each.
    pub(super) fn new(text: &str) -> Self {
        let config = config::parse("keysweep.toml", text).unwrap();
        let mut observed = Observed::default();
        for name in config.providers.keys() {
            observed.providers.insert(name.clone(), provider(name.as_str()));
        }
        for credential in &config.credentials {
            let live = vec![active("AKIA1")];
            let seen =
                SeenCredential { listing: Listing::Listed(live), ..SeenCredential::default() };
            observed.credentials.insert(credential.name.clone(), seen);
            for store in &credential.stores {
                observed.placements.insert(store.at.clone(), SeenPlacement::There(slot("v1")));
            }
        }
        let (exposure, book, gates) = (None, None, Vec::new());
        Self { config, observed, exposure, book, gates, exposed_only: false }
    }

    pub(super) fn plan(&self) -> Plan {
        plan(&Input {
            campaign: "test",
            config: &self.config,
            observed: &self.observed,
            exposure: self.exposure.as_ref(),
            book: self.book.as_ref(),
            gates: &self.gates,
            select: if self.exposed_only { Select::Exposed } else { Select::All },
            now: at(0),
        })
    }

    pub(super) fn provider(&mut self, name: &str) -> &mut SeenProvider {
        self.observed.providers.get_mut(&ProviderName::new(name)).unwrap()
    }

    pub(super) fn credential(&mut self, name: &str) -> &mut SeenCredential {
        self.observed.credentials.get_mut(&name.parse().unwrap()).unwrap()
    }

    pub(super) fn listing(&mut self, name: &str, listing: Listing) {
        self.credential(name).listing = listing;
    }

    pub(super) fn listed(&mut self, name: &str, live: Vec<Live>) {
        self.listing(name, Listing::Listed(live));
    }

    pub(super) fn used(&mut self, name: &str, id: &str, at: Option<Timestamp>) {
        let used = Use { at, source: None };
        self.credential(name).uses.insert(CredentialId::new(id), used);
    }

    pub(super) fn place(&mut self, name: &str, seen: SeenPlacement) {
        self.observed.placements.insert(name.parse().unwrap(), seen);
    }
}

pub(super) fn active(id: &str) -> Live {
    Live {
        id: CredentialId::new(id),
        state: LiveState::Active,
        created: None,
        expires: None,
        marker: None,
        scope: BTreeMap::new(),
    }
}

pub(super) fn inactive(id: &str) -> Live {
    Live { state: LiveState::Inactive, ..active(id) }
}

pub(super) fn slot(version: &str) -> Slot {
    Slot { version: Some(version.into()), ..Slot::default() }
}

fn provider(name: &str) -> SeenProvider {
    let issuer = IssuerLimits {
        style: Style::Overlap,
        chooser: Chooser::Issuer,
        max_live: Some(2),
        inactive_count: true,
        marker: false,
        lost_reply: LostReply::Reconcile,
        visible_within: Duration::from_secs(30),
        fields: vec!["id".into(), "secret".into()],
    };
    let capabilities = match name {
        "prod" => Capabilities {
            issuer: Some(issuer),
            verifier: Some(VerifierLimits {
                spacing: Duration::from_secs(5),
                successes: 3,
                counts_as_use: false,
            }),
            revoker: Some(RevokerLimits {
                reversible: true,
                dead_within: Duration::from_secs(60),
                sessions: None,
            }),
            usage: Some(UsageLimits {
                granularity: Duration::from_secs(60),
                lag: Duration::from_secs(30),
                tells_source: true,
            }),
            ..Capabilities::default()
        },
        _ => Capabilities { store: Some(store(Readable::Value)), ..Capabilities::default() },
    };
    let host = if name == "prod" { "iam" } else { name };
    let hosts = vec![format!("{host}.example:443")];
    SeenProvider { capabilities, hosts, instructions: None }
}

pub(super) fn store(readable: Readable) -> StoreLimits {
    StoreLimits {
        readable,
        write: WriteMode::Upsert,
        read_at: ReadAt::JobStart,
        min_gap: Duration::ZERO,
        max_bytes: None,
        named: None,
    }
}
