#![doc = include_str!("../README.md")]

mod access;
mod bench;
mod canary;
mod issuer;
mod matrix;
mod reconcile;
mod report;
mod revoker;
mod store;
mod suite;
mod usage;
mod verifier;

use keysweep_sdk::{Capabilities, IssuerLimits, Op, Readable, Style};

pub use bench::{
    Bench, Credentials, Excuse, Fault, FaultKind, Injected, NotPossible, Own, Placements, Start,
    garbled,
};
pub use report::{Outcome, Report};

use suite::Suite;

/// Runs every check that the provider's capabilities demand.
///
/// Call [`Report::assert_conforms`] on what it gives.
pub async fn run(bench: &mut dyn Bench) -> Report {
    let mut suite = Suite::new(bench).await;
    let demanded = demanded(suite.capabilities());
    issuer::run(&mut suite).await;
    verifier::run(&mut suite).await;
    revoker::run(&mut suite).await;
    usage::run(&mut suite).await;
    store::run(&mut suite).await;
    access::run(&mut suite).await;
    matrix::run(&mut suite).await;
    suite.finish(demanded).await
}

/// The names of the checks that a provider of these capabilities has to have run, or have excused.
pub fn demanded(can: &Capabilities) -> Vec<String> {
    let mut names: Vec<&str> = suite::NAMES.to_vec();
    if let Some(limits) = &can.issuer {
        names.extend(issuer::demanded(limits));
    }
    if can.verifier.is_some() {
        names.extend(verifier::NAMES);
    }
    if let Some(limits) = &can.revoker {
        names.extend(revoker::demanded(limits));
    }
    if can.usage.is_some() {
        names.extend(usage::NAMES);
    }
    if let Some(limits) = &can.store {
        names.extend(store::demanded(limits));
    }
    if can.access {
        names.extend(access::NAMES);
    }
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    names.extend(matrix::demanded(can));
    names
}

fn mints(limits: &IssuerLimits) -> bool {
    !matches!(limits.style, Style::Retire | Style::Manual)
}

/// The operations of the parts that are there.
fn operations(can: &Capabilities) -> Vec<Op> {
    let mut ops = Vec::new();
    if let Some(limits) = &can.issuer {
        ops.push(Op::Snapshot);
        if mints(limits) {
            ops.push(Op::Mint);
        }
    }
    if can.verifier.is_some() {
        ops.push(Op::Verify);
    }
    if let Some(limits) = &can.revoker {
        if limits.reversible {
            ops.extend([Op::Disable, Op::Enable]);
        }
        ops.push(Op::Destroy);
        if limits.sessions.as_ref().is_some_and(|sessions| sessions.can_end) {
            ops.push(Op::EndSessions);
        }
    }
    if can.usage.is_some() {
        ops.push(Op::LastUse);
    }
    if let Some(limits) = &can.store {
        ops.extend([Op::Stat, Op::Place, Op::Remove]);
        if limits.readable == Readable::Value {
            ops.push(Op::Read);
        }
    }
    if can.access {
        ops.push(Op::Check);
    }
    ops
}
