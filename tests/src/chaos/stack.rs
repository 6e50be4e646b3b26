//! Everything around the workers, in this process: it is never killed.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use aws_sdk_sqs::types::QueueAttributeName;
use local::{postgres::Cluster, s3, server::Server, sqs};
use shop::{
    config::Config,
    ctx::Ctx,
    event,
    outbox::Job,
    port::{
        clock::Clock,
        codes::Codes,
        db::{Db, Query as _, p},
        queue::Queue,
    },
    worker::SCHEDULES,
};

use super::{
    Failure, Plan,
    sinks::{MailServer, Receiver},
    worker::hurry,
};
use crate::shop::{document, make_organizer};

/// The stack.
pub struct Stack {
    /// A sandbox with its own connection.
    pub ctx: &'static Ctx,
    /// A sandbox that reaches the database and no queue.
    pub cut_off: &'static Ctx,
    /// A token with all rights.
    pub token: String,
    /// What the paid product is called in the database.
    pub item: i64,
    /// Takes mails.
    pub mails: MailServer,
    /// Hears of orders.
    pub receiver: Receiver,
    /// What functions find in their environment.
    pub variables: HashMap<&'static str, String>,
    /// When the clocks began to hurry, in microseconds.
    pub origin: i64,
    folder: PathBuf,
    scheduler: tokio::task::JoinHandle<()>,
    _servers: (Cluster, Server, Server),
}

impl Stack {
    /// Starts it on a database server, with one event on sale and one webhook.
    pub async fn start(plan: &Plan, cluster: Cluster) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("onsale-chaos-{}-{}", std::process::id(), plan.seed));
        cluster.create_database("chaos").await?;
        shop::migrate::run(&mut Db::connect(&cluster.url("chaos"), None).await?).await?;
        let (s3, sqs) = (s3::start(&folder).await?, sqs::start().await?);
        let (mails, receiver) = (MailServer::start().await?, Receiver::start().await?);
        let variables = HashMap::from([
            ("DATABASE_URL", cluster.url("chaos")),
            ("AWS_REGION", sqs::REGION.to_owned()),
            ("AWS_ENDPOINT_URL_S3", s3.url()),
            ("AWS_ENDPOINT_URL_SQS", sqs.url()),
            ("AWS_ACCESS_KEY_ID", s3::ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", s3::SECRET_ACCESS_KEY.to_owned()),
            ("QUEUE_URL_PREFIX", sqs::url_prefix(&sqs.url())),
            ("MEDIA_BUCKET", s3::BUCKET.to_owned()),
            ("MAIL_URL", mails.url.clone()),
            ("MAIL_FROM", "tickets@example.org".to_owned()),
            // The pace is measured elsewhere.
            ("MAILS_PER_SECOND", "100000".to_owned()),
            ("PUBLIC_URL", "http://127.0.0.1".to_owned()),
            ("SECRET_KEY", "only for breaking things, protects nothing".to_owned()),
            ("WEBHOOK_PRIVATE_ADDRESSES", "127.0.0.1".to_owned()),
        ]);
        let origin = Clock::default().now();
        let clock = hurry(origin, plan.hurry);
        let nowhere = HashMap::from([("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9".to_owned())]);
        let ctx = sandbox(&variables, &HashMap::new(), clock)?;
        let cut_off = sandbox(&variables, &nowhere, clock)?;
        create_queues(ctx, plan.visibility).await?;
        let token = make_organizer(ctx, "org", &["*"]).await;
        let item = open_shop(ctx, plan.orders, &receiver.url).await?;
        let scheduler = tokio::spawn(schedule(ctx, plan.hurry));
        let (origin, servers) = (origin.as_micros(), (cluster, s3, sqs));
        Ok(Self { ctx, cut_off, token, item, mails, receiver, variables, origin, folder, scheduler, _servers: servers })
    }

    /// How many messages there are in all queues whose names end with `ending`, taken ones too.
    pub async fn messages(&self, ending: &str) -> Result<u64, Failure> {
        let mut count = 0;
        for queue in Queue::ALL {
            let queues = self.ctx.queues().await;
            let url = format!("{}{ending}", queues.url(queue));
            let names = [
                QueueAttributeName::ApproximateNumberOfMessages,
                QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
                QueueAttributeName::ApproximateNumberOfMessagesDelayed,
            ];
            let mut look = queues.client().get_queue_attributes().queue_url(url);
            for name in &names {
                look = look.attribute_names(name.clone());
            }
            let found = look.send().await?;
            // The scheduler never rests.
            if queue == Queue::Background && ending.is_empty() {
                continue;
            }
            let values = found.attributes().into_iter().flatten().filter(|(name, _)| names.contains(name));
            count += values.filter_map(|(_, value)| value.parse::<u64>().ok()).sum::<u64>();
        }
        Ok(count)
    }

    /// One more sandbox, with the time of day.
    pub fn sandbox(&self) -> Result<&'static Ctx, Failure> {
        sandbox(&self.variables, &HashMap::new(), Box::leak(Box::default()))
    }

    /// Where the files of the bucket lie on this disk.
    pub fn bucket(&self) -> PathBuf {
        self.folder.join(s3::BUCKET)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.scheduler.abort();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn sandbox(
    variables: &HashMap<&'static str, String>,
    instead: &HashMap<&'static str, String>,
    clock: &'static Clock,
) -> Result<&'static Ctx, Failure> {
    let config = Config::from_lookup(|name| instead.get(name).or_else(|| variables.get(name)).cloned())?;
    Ok(Box::leak(Box::new(Ctx::with(config, clock, Codes::random()))))
}

async fn create_queues(ctx: &Ctx, visibility: u64) -> Result<(), Failure> {
    let queues = ctx.queues().await;
    for queue in Queue::ALL {
        sqs::create_queue(queues.client(), queue.name()).await?;
        let change = queues.client().set_queue_attributes().queue_url(queues.url(queue));
        change.attributes(QueueAttributeName::VisibilityTimeout, visibility.to_string()).send().await?;
    }
    Ok(())
}

/// Imports the event and adds the webhook; returns the paid product.
async fn open_shop(ctx: &Ctx, orders: u64, receiver: &str) -> Result<i64, Failure> {
    let now = ctx.now();
    let mut db = ctx.db().await?;
    let organizer = event::find_organizer(&*db, "org").await?.ok_or("no organiser")?;
    let tx = db.begin().await?;
    let imported = event::import::import(&tx, organizer.id, &document(i64::try_from(orders)?), now).await;
    tx.finish(imported).await?;
    let hook = "insert into webhook (organizer_id, enabled, target_url, all_events, action_types, created_at)
                values ($1, true, $2, true, array['pretix.event.order.placed', 'pretix.event.order.paid'], $3)";
    db.execute(hook, &[p(&organizer.id), p(&receiver), p(&now)]).await?;
    let secret = "insert into webhook_secret (organizer_id, webhook_id, nonce, created_at)
                  select organizer_id, id, 'chaos', $1 from webhook";
    db.execute(secret, &[p(&now)]).await?;
    Ok(db
        .one("select id from item where name ->> 'en' = 'Ticket' or name #>> '{}' = 'Ticket'", &[])
        .await?
        .get("id")?)
}

/// Sends the periodic jobs, as often as hurrying clocks ask for.
async fn schedule(ctx: &'static Ctx, hurry: u64) {
    let wanted = [Job::RelayOutbox, Job::RequeueMails, Job::RequeueWebhooks];
    let bodies: Vec<String> =
        SCHEDULES.iter().filter(|schedule| wanted.contains(&schedule.job)).map(|schedule| schedule.body()).collect();
    let mut rate = tokio::time::interval(Duration::from_secs(60) / u32::try_from(hurry).unwrap_or(1));
    loop {
        rate.tick().await;
        ctx.queues().await.send(Queue::Background, &bodies).await;
    }
}
