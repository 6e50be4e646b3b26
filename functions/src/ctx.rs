//! What one sandbox keeps between invocations: its connection, its clients, its clock.

use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard, OnceCell};

use crate::{
    config::{Config, Secret},
    port::{
        clock::Clock,
        codes::Codes,
        db::{Db, DbError},
        mailer::{MailError, Mailer},
        media::Media,
        queue::Queues,
    },
    storefront::{Crowds, Storefronts},
    time::Timestamp,
};

/// The context of a sandbox. Lambda runs one invocation at a time in it, so one connection is enough.
pub struct Ctx {
    config: Config,
    db: Mutex<Option<Db>>,
    replica: Mutex<Option<Db>>,
    queues: OnceCell<Queues>,
    media: OnceCell<Media>,
    mailer: OnceCell<Mailer>,
    clock: &'static Clock,
    codes: Codes,
    storefronts: Storefronts,
    crowds: Crowds,
}

impl Ctx {
    /// Nothing is connected yet.
    pub fn new(config: Config) -> Self {
        Self { storefronts: Storefronts::default(), ..Self::with(config, Box::leak(Box::default()), Codes::random()) }
    }

    /// A context with a clock that others share and move, and its own generator of codes, which remembers nothing that
    /// may have changed.
    pub fn with(config: Config, clock: &'static Clock, codes: Codes) -> Self {
        Self {
            config,
            db: Mutex::default(),
            replica: Mutex::default(),
            queues: OnceCell::new(),
            media: OnceCell::new(),
            mailer: OnceCell::new(),
            clock,
            codes,
            storefronts: Storefronts::distrustful(),
            crowds: Crowds::default(),
        }
    }

    /// Where the function runs.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The present moment. Ask once per request and pass it on.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sleeps until a moment.
    pub async fn sleep_until(&self, moment: Timestamp) {
        self.clock.sleep_until(moment).await;
    }

    /// The generator of codes and secrets.
    pub fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Events and catalogues that were read a short time ago.
    pub fn storefronts(&self) -> &Storefronts {
        &self.storefronts
    }

    /// Where several buyers were a moment ago.
    pub fn crowds(&self) -> &Crowds {
        &self.crowds
    }

    /// The connection to the primary, opened on first use and again after it was lost.
    pub async fn db(&self) -> Result<MappedMutexGuard<'_, Db>, DbError> {
        self.open(&self.db, &self.config.database.url).await
    }

    /// A connection for reads that may be a little old: the replica if there is one and it answers, else the primary.
    /// Never for a decision about stock.
    pub async fn db_for_display(&self) -> Result<MappedMutexGuard<'_, Db>, DbError> {
        if let Some(url) = &self.config.database.replica_url {
            match self.open(&self.replica, url).await {
                Ok(replica) => return Ok(replica),
                Err(error) => tracing::warn!(%error, "the replica is away, reading from the primary"),
            }
        }
        self.db().await
    }

    /// The queues.
    pub async fn queues(&self) -> &Queues {
        self.queues.get_or_init(|| async { Queues::new(&self.config) }).await
    }

    /// The files.
    pub async fn media(&self) -> &Media {
        self.media.get_or_init(|| async { Media::new(&self.config) }).await
    }

    /// The mailer.
    pub async fn mailer(&self) -> Result<&Mailer, MailError> {
        self.mailer.get_or_try_init(|| async { Mailer::new(&self.config) }).await
    }

    async fn open<'a>(&self, slot: &'a Mutex<Option<Db>>, url: &Secret) -> Result<MappedMutexGuard<'a, Db>, DbError> {
        let mut guard = slot.lock().await;
        // A thawed sandbox has not heard yet that its connection was closed; this lets it listen.
        tokio::task::yield_now().await;
        if guard.as_ref().is_none_or(Db::is_closed) {
            let Config { database, aws, .. } = &self.config;
            let (url, ca_pem) = (url.reveal(), database.ca_pem.as_deref());
            *guard = Some(if database.signs_in {
                Db::sign_in(url, ca_pem, aws, self.now()).await?
            } else {
                Db::connect(url, ca_pem).await?
            });
        }
        Ok(MutexGuard::map(guard, |db| db.as_mut().expect("the line above put it there")))
    }
}
