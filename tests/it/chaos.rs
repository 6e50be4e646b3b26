//! A small version of `cargo run --release -p tests --bin chaos`.

use std::time::Duration;

use tests::chaos::{self, Plan};

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_and_messages_that_come_twice_break_no_promise() {
    let plan = Plan {
        orders: 60,
        kills: 5,
        workers: 2,
        hurry: 20,
        visibility: 5,
        patience: Duration::from_secs(120),
        seed: 7,
        program: env!("CARGO_BIN_EXE_chaos").into(),
    };
    let verdict = chaos::run(&plan, |_| {}).await.unwrap();
    assert!(verdict.is_kept(), "{verdict:#?}");
}
