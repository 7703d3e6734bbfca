//! The first implementor of the suite: every style, every kind of store.

use std::time::Duration;

use keysweep_conformance::{Report, run};
use keysweep_provider_fake::{IssuerSpec, Slots, StoreSpec};

use crate::bench::World;

async fn report(issuer: Option<IssuerSpec>, store: Option<StoreSpec>) -> Report {
    run(&mut World::new(issuer, store)).await
}

#[tokio::test]
async fn every_style_conforms() {
    let minute = Duration::from_secs(60);
    for spec in [
        IssuerSpec::overlap(),
        IssuerSpec::overlap_marked(),
        IssuerSpec::caller_chosen(Slots::One),
        IssuerSpec::caller_chosen(Slots::Two),
        IssuerSpec::caller_chosen(Slots::Alternating),
        IssuerSpec::atomic_roll(),
        IssuerSpec::ephemeral(60 * minute),
        IssuerSpec::retire(),
        IssuerSpec::manual(),
    ] {
        let name = format!("{:?}", spec.kind);
        let report = report(Some(spec), None).await;
        println!("{name}");
        report.assert_conforms();
    }
}

#[tokio::test]
async fn every_store_conforms() {
    for spec in [StoreSpec::write_only(), StoreSpec::readable(), StoreSpec::file()] {
        let report = report(None, Some(spec)).await;
        report.assert_conforms();
    }
}
