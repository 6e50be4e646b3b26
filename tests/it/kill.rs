//! SIGKILL in the middle of a sale, a few times; `simulate --kill` does it as often as it is asked to.

use std::path::Path;

use local::environment;
use tests::boxoffice::kill::{House, Victim};

/// Places of each event: enough that the kill comes in the middle.
const PLACES: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn every_place_is_sold_once_whoever_is_killed() {
    let house = House::open(Path::new(env!("CARGO_BIN_EXE_simulate"))).await;
    for (seed, victim) in [Victim::Postgres, Victim::Holder, Victim::Postgres, Victim::Holder].into_iter().enumerate() {
        let toll = house.sell(victim, PLACES, seed as u64).await;
        assert!(toll.heard_before < PLACES, "{victim:?} was killed when everything was sold");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_between_them_changes_nothing() {
    // Where no other test needs PgBouncer, it need not be installed.
    if environment::variable("ONSALE_TEST_POOLER").is_none() {
        return;
    }
    let house = House::open_pooled(Path::new(env!("CARGO_BIN_EXE_simulate"))).await;
    let toll = house.sell(Victim::Postgres, PLACES, 0).await;
    assert!(toll.heard_before < PLACES, "the database was killed when everything was sold");
}
