//! What EventBridge Scheduler does: sends the periodic jobs to the background queue.

use shop::{port::queue::Queue, worker::Schedule};
use tokio::{sync::watch, time::MissedTickBehavior};

use crate::functions::Sandbox;

/// Sends the message of `schedule` now and at its rate, until `stopping` says so. The first one at once, because the
/// queues forget at a restart what the outbox still knows.
pub async fn run(sandbox: Sandbox, schedule: &'static Schedule, mut stopping: watch::Receiver<bool>) {
    let mut rate = tokio::time::interval(schedule.every);
    // A laptop that was asleep has missed many; one is enough.
    rate.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = rate.tick() => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        let taken = sandbox.queues().await.send(Queue::Background, &[schedule.body()]).await;
        if taken.is_empty() {
            tracing::warn!(schedule = schedule.name, "a scheduled job was not taken by the queue");
        }
    }
}
