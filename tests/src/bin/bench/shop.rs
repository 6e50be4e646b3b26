//! A shop to be measured: a database of its own, queues, events with one limited quota each.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use local::{pooler::Pooler, postgres::Cluster, server::Server, sqs};
use serde_json::json;
use shop::{
    catalogue::Catalogue,
    config::Config,
    ctx::Ctx,
    event::{self, Event},
    port::{clock::Clock, db::Db, queue::Queue},
};

use crate::slow_link;

/// Whatever went wrong, in words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Places of every event: more than are sold, but limited, so that they are counted.
pub const PLACES: i64 = 100_000_000;

/// A shop.
pub struct Shop {
    /// Its database server.
    pub cluster: Cluster,
    config: Config,
    clock: &'static Clock,
    _sqs: Server,
    _pooler: Option<Pooler>,
}

/// An event and what it sells.
#[derive(Clone)]
pub struct OnSale {
    /// The event.
    pub event: Arc<Event>,
    /// What it sells: one free seat.
    pub catalogue: Arc<Catalogue>,
}

/// Who is outside of a shop: a mail server and the receiver of a webhook.
pub struct Outside {
    /// Takes mails.
    pub mail_url: String,
    /// Hears of orders.
    pub receiver_url: String,
}

impl Outside {
    fn webhook(&self) -> String {
        format!(
            "insert into webhook (organizer_id, enabled, target_url, all_events, action_types, created_at)
             select id, true, '{}', true, array['pretix.event.order.placed'], now() from organizer;
             insert into webhook_secret (organizer_id, webhook_id, nonce, created_at)
             select organizer_id, id, 'bench', now() from webhook",
            self.receiver_url
        )
    }
}

impl Shop {
    /// A new shop with `events` events, `delay` away from its database. Its functions share `pool` connections, or
    /// have one each if that is 0. Its workers talk to others `outside`, if there are some.
    pub async fn open(events: u64, delay: Duration, pool: u32, outside: Option<&Outside>) -> Result<Self, Failure> {
        let cluster = Cluster::start_measured().await?;
        cluster.create_database("bench").await?;
        let direct = cluster.url("bench");
        let mut db = Db::connect(&direct, None).await?;
        shop::migrate::run(&mut db).await?;
        // What a commit costs is measured with it.
        db.script("create table bare_commit (made_at timestamptz not null)").await?;
        let sqs = sqs::start().await?;
        let pooler = if pool == 0 { None } else { Some(Pooler::start(&direct, pool)?) };
        let near = pooler.as_ref().map_or(direct, |pooler| pooler.url("bench"));
        let database = if delay.is_zero() { near } else { far_away(&near, delay).await? };
        let variables = HashMap::from([
            ("DATABASE_URL", database),
            ("AWS_REGION", sqs::REGION.to_owned()),
            ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1".to_owned()),
            ("AWS_ENDPOINT_URL_SQS", sqs.url()),
            ("AWS_ACCESS_KEY_ID", "bench".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "bench".to_owned()),
            ("QUEUE_URL_PREFIX", sqs::url_prefix(&sqs.url())),
            ("MEDIA_BUCKET", "bench".to_owned()),
            ("MAIL_URL", outside.map_or("folder:/nowhere", |outside| &outside.mail_url).to_owned()),
            ("MAIL_FROM", "tickets@example.org".to_owned()),
            ("PUBLIC_URL", "http://127.0.0.1".to_owned()),
            ("SECRET_KEY", "only for measuring, protects nothing".to_owned()),
            ("WEBHOOK_PRIVATE_ADDRESSES", "127.0.0.1".to_owned()),
        ]);
        let config = Config::from_lookup(|name| variables.get(name).cloned())?;
        let shop = Self { cluster, config, clock: Box::leak(Box::default()), _sqs: sqs, _pooler: pooler };
        let queues = shop.sandbox();
        for queue in Queue::ALL {
            sqs::create_queue(queues.queues().await.client(), queue.name()).await?;
        }
        for number in 0..events {
            shop.import(&mut db, number).await?;
        }
        if let Some(outside) = outside {
            db.script(&outside.webhook()).await?;
        }
        Ok(shop)
    }

    async fn import(&self, db: &mut Db, number: u64) -> Result<(), Failure> {
        let now = self.clock.now();
        let tx = db.begin().await?;
        let imported = async {
            let organizer = match event::find_organizer(&tx, "org").await? {
                Some(organizer) => organizer.id,
                None => event::create_organizer(&tx, "org", "Bench", &json!({}), now).await?,
            };
            event::import::import(&tx, organizer, &document(number), now).await?;
            Ok::<_, Failure>(())
        };
        let imported = imported.await;
        tx.finish(imported.map_err(Wrapped)).await.map_err(|wrapped| wrapped.0)
    }

    /// A sandbox with a connection of its own.
    pub fn sandbox(&self) -> &'static Ctx {
        Box::leak(Box::new(Ctx::new(self.config.clone())))
    }

    /// The configuration of its functions.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A connection that is not slowed down, for looking at the database.
    pub async fn admin(&self) -> Result<tokio_postgres::Client, Failure> {
        let (client, connection) =
            tokio_postgres::connect(&self.cluster.admin_url("bench"), tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// An event of the shop.
    pub async fn on_sale(&self, number: u64) -> Result<OnSale, Failure> {
        let ctx = self.sandbox();
        let db = ctx.db().await?;
        let event = event::find(&*db, "org", &slug(number)).await?.ok_or("no such event")?;
        let catalogue = Catalogue::load(&*db, &event).await?;
        Ok(OnSale { event: Arc::new(event), catalogue: Arc::new(catalogue) })
    }
}

/// An error on its way through a transaction.
struct Wrapped(Failure);

impl From<shop::port::db::DbError> for Wrapped {
    fn from(error: shop::port::db::DbError) -> Self {
        Self(error.into())
    }
}

pub async fn far_away(direct: &str, delay: Duration) -> Result<String, Failure> {
    let (before, rest) = direct.split_once("@127.0.0.1:").ok_or("an address without a port")?;
    let (port, after) = rest.split_once('/').ok_or("an address without a database")?;
    let relay = slow_link::start(SocketAddr::from(([127, 0, 0, 1], port.parse()?)), delay).await?;
    Ok(format!("{before}@127.0.0.1:{}/{after}", relay.port()))
}

/// The slug of an event.
pub fn slug(number: u64) -> String {
    format!("gig{number}")
}

fn document(number: u64) -> serde_json::Value {
    json!({
        "event": {
            "slug": slug(number), "name": {"en": "The Gig"}, "live": true, "currency": "EUR", "timezone": "Europe/Berlin",
            "date_from": "2999-06-01T18:00:00Z", "is_public": true
        },
        "settings": {"locales": ["en"]},
        "tax_rules": [],
        "categories": [],
        "items": [{"id": 1, "name": "Seat", "default_price": "0.00", "admission": true, "personalized": false}],
        "quotas": [{"id": 1, "name": "seats", "size": PLACES, "items": [1], "variations": []}],
        "questions": []
    })
}
