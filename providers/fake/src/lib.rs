//! An in-memory world for simulation: issuers, stores, consumers that use what they read, an attacker who uses what he
//! stole, strangers, and faults. Not for users.
//!
//! * **Deterministic.** The same seed and the same calls give the same world. It has its own clock, which moves by
//!   [`World::latency`] with each call and by [`World::advance`] when the engine under test waits.
//! * **Event-driven.** Time costs nothing but what happens in it: a week of an attacker who tries each minute is one
//!   step. A run of a rotation takes microseconds.
//! * **It judges nothing.** It keeps the raw data of the invariants: [`World::outages`], [`World::fates`],
//!   [`World::most_live`], [`World::log`], [`World::attackers`].
//! * All values begin with [`CANARY`], so that a test can look for them everywhere.
//!
//! ```
//! use keysweep_provider_fake::{ConsumerSpec, Fake, IssuerSpec, StoreSpec};
//! use keysweep_sdk::Shape;
//!
//! let fake = Fake::new(7);
//! let mut world = fake.world();
//! world.issuer("aws", IssuerSpec::overlap());
//! world.store("web", StoreSpec::write_only());
//! let old = world.principal("aws", "user/ci");
//! let token = Shape::Field("secret_access_key".into());
//! world.put("web", "acme/TOKEN", "aws", &old, &token);
//! world.consumer(ConsumerSpec::calls("deploy", "aws", "user/ci").reads("web", "acme/TOKEN", token));
//! drop(world);
//! let (aws, web) = (fake.provider("aws"), fake.provider("web"));
//! assert!(aws.issuer.is_some() && web.store.is_some());
//! // … the engine rotates with `aws` and `web`; whenever it waits, fake.world().advance(…) …
//! assert!(fake.world().outages().is_empty());
//! ```
#![expect(
    clippy::panic,
    reason = "for tests only: a test that names what is not there has to see it"
)]

mod attacker;
mod consumer;
mod credential;
mod fake;
mod fault;
mod issuer;
mod oracle;
mod spec;
mod store;
mod stranger;
mod time;
mod world;

pub use attacker::Attacker;
pub use consumer::{ConsumerSpec, Outage};
pub use credential::{By, End, Fate};
pub use fake::{Fake, Who, is_death};
pub use fault::{Counts, Failure, Fuse, Rule};
pub use spec::{IssuerSpec, Kind, Parts, Slots, StoreSpec};
pub use stranger::{Act, When};
pub use world::{Logged, Outcome, World};

/// What every value of this world begins with.
pub const CANARY: &str = "KSCANARY";
