//! How long a message that was not handled stays away before it comes again. Pure.

use crate::port::queue::Queue;

/// Seconds after the first, second, third… try that failed; the last number is for all later ones. After five tries the
/// message is in the dead-letter queue, so the whole plan is what a queue forgives: a restart of the database on the
/// queues that sell, an hour of a bucket or a mail server on the others.
fn plan(queue: Queue) -> &'static [i32] {
    match queue {
        // Somebody waits for places; what failed is mostly a lock that was not free in time.
        Queue::Checkout => &[2, 5, 15, 60],
        // The next run of a periodic job does the same.
        Queue::Background => &[5, 30, 60, 60],
        Queue::Default => &[5, 60, 600, 1800],
        Queue::Mail | Queue::Notifications => &[5, 60, 600, 1800],
    }
}

/// Seconds until a message comes again that was received `receives` times.
pub fn delay_seconds(queue: Queue, receives: u32) -> i32 {
    let plan = plan(queue);
    let step = usize::try_from(receives.saturating_sub(1)).unwrap_or(usize::MAX).min(plan.len() - 1);
    plan[step]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_what_sqs_allows() {
        for queue in Queue::ALL {
            let waits: Vec<i32> = (1..10).map(|receives| delay_seconds(queue, receives)).collect();
            assert!(waits.is_sorted(), "{queue:?} {waits:?}");
            assert!(waits.iter().all(|seconds| (1..=12 * 3600).contains(seconds)), "{queue:?} {waits:?}");
        }
        assert_eq!(delay_seconds(Queue::Default, 0), 5, "an attribute that is missing");
        assert_eq!(delay_seconds(Queue::Default, u32::MAX), 1800);
    }

    #[test]
    fn a_queue_that_sells_gives_up_sooner() {
        let all = |queue| (1..5).map(|receives| delay_seconds(queue, receives)).sum::<i32>();
        assert!(all(Queue::Checkout) < 120 && all(Queue::Mail) > 1800);
    }
}
