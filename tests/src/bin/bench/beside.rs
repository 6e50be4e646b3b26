//! Workers that run beside a sale, and the others outside that they wait for.

use std::time::Duration;

use local::poller;
use shop::{port::queue::Queue, worker::WORKERS};
use tests::chaos::sinks::{MailServer, Receiver, hanging_receiver};
use tokio::{sync::watch, task::JoinHandle};

use crate::shop::{Failure, Outside, Shop};

/// How long a slow mail server thinks about a mail.
const MAIL_DELAY: Duration = Duration::from_secs(10);

/// Starts those outside: `nobody`, `quick` ones, or `slow` ones. They live as long as this process.
pub async fn outside(kind: &str) -> Result<Option<Outside>, Failure> {
    Ok(match kind {
        "nobody" => None,
        "quick" => {
            let receiver: &'static Receiver = Box::leak(Box::new(Receiver::start().await?));
            Some(Outside { mail_url: MailServer::start().await?.url, receiver_url: receiver.url.clone() })
        }
        "slow" => Some(Outside {
            mail_url: MailServer::start_slow(MAIL_DELAY).await?.url,
            receiver_url: hanging_receiver().await?,
        }),
        other => return Err(format!("there is nobody {other} outside").into()),
    })
}

/// Workers of all queues that a sale fills, as many as in the cloud.
pub struct Workers {
    stop: watch::Sender<bool>,
    polls: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts them.
    pub fn start(shop: &Shop) -> Self {
        let stop = watch::Sender::new(false);
        let filled = |queue: Queue| matches!(queue, Queue::Default | Queue::Mail | Queue::Notifications);
        let busy = WORKERS.iter().filter(|worker| filled(worker.queue));
        let many = busy.flat_map(|worker| std::iter::repeat_n(worker, worker.concurrency_max.into()));
        let polls = many.map(|worker| tokio::spawn(poller::poll(shop.sandbox(), worker, stop.subscribe()))).collect();
        Self { stop, polls }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.polls.iter().for_each(JoinHandle::abort);
    }
}
