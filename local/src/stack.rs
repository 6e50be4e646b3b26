//! Everything together: database, queues, files, functions behind one port. Used by the program and by tests.

use std::{collections::HashMap, net::Ipv4Addr, path::PathBuf, time::Duration};

use aws_sdk_s3::{
    config::{BehaviorVersion, Credentials, Region},
    error::DisplayErrorContext,
    types::{BucketLocationConstraint, CreateBucketConfiguration},
};
use shop::{
    config::{Config, ConfigErrors},
    mail,
    migrate::{self, MigrateError},
    outbox,
    port::{
        db::{Db, DbError},
        queue::Queue,
    },
    webhook,
    worker::{SCHEDULES, WORKERS},
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    data::{DataError, DataFolder},
    functions::{self, Sandbox},
    gateway::{Gateway, pool::Pool},
    mailbox::Mailbox,
    poller,
    postgres::{Cluster, PostgresError},
    s3, scheduler,
    seed::{self, Demo, SeedError},
    server::Server,
    sqs,
};

/// Invocations of HTTP functions at a time.
const SANDBOXES: usize = 16;
/// Invocations that may wait for one of them; beyond that the gateway answers 503.
const WAITING_MAX: usize = 256;
/// How long running batches and requests have at the end.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// The database of the shop.
const DATABASE: &str = "onsale";

/// Variables of the environment that replace a part of the stack or tell where it is.
pub const VARIABLES: &[&str] = &[
    "DATABASE_URL",
    "DATABASE_REPLICA_URL",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "QUEUE_URL_PREFIX",
    "MEDIA_BUCKET",
    "MAIL_URL",
    "MAIL_FROM",
    "MAILS_PER_SECOND",
    "PUBLIC_URL",
    "SECRET_KEY",
    "WEBHOOK_PRIVATE_ADDRESSES",
];

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Who reaches the shop: this machine, unless another address of it is given.
    pub address: Ipv4Addr,
    /// The port of the shop; 0 for any free one.
    pub port: u16,
    /// Whether workers and schedules run. Without them messages wait in the outbox for a stack that has them.
    pub workers: bool,
    /// Values of [`VARIABLES`] that are set.
    pub environment: HashMap<&'static str, String>,
}

impl Options {
    /// An embedded stack in a folder, on any free port.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            address: Ipv4Addr::LOCALHOST,
            port: 0,
            workers: true,
            environment: HashMap::new(),
        }
    }
}

/// Why the stack does not run, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The folder.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The database server.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// Somebody else listens there.
    #[error("Port {port} cannot be used: {source}.\nChoose another one: `cargo run -p local -- --port {}`.", port.wrapping_add(1))]
    Port {
        /// The port.
        port: u16,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A part of the stack.
    #[error("{what} failed: {why}")]
    Part {
        /// Which part.
        what: &'static str,
        /// Why, and what to do.
        why: String,
    },
    /// Variables.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The database is away.
    #[error("The database cannot be used: {0}{reason}.\nCheck DATABASE_URL.", reason = reason(.0))]
    Database(#[from] DbError),
    /// The schema.
    #[error("{0}{reason}.\nA changed migration needs an empty database: `cargo run -p local -- reset`.", reason = reason(.0))]
    Migrate(#[from] MigrateError),
    /// The demo.
    #[error("The demo event was not created: {0}{reason}", reason = reason(.0))]
    Seed(#[from] SeedError),
}

/// The causes of an error, in brackets.
fn reason(error: &dyn std::error::Error) -> String {
    error.source().map(|source| format!(" ({source}{})", reason(source))).unwrap_or_default()
}

fn part(what: &'static str, why: impl std::fmt::Display) -> StackError {
    StackError::Part { what, why: why.to_string() }
}

/// Hears what is being done while the stack starts.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// A running stack. Stop it with [`Stack::stop`]; when it is dropped it ends at once.
pub struct Stack {
    /// Address of the shop, without a slash at the end.
    pub shop_url: String,
    /// Address of the database.
    pub database_url: String,
    /// The demo event, if this stack made it.
    pub demo: Option<Demo>,
    /// What the shop has mailed, when it mails into the data folder.
    pub mailbox: Option<Mailbox>,
    /// The configuration that all functions have.
    pub config: Config,
    // In the order in which they end.
    gateway: Server,
    stopping: watch::Sender<bool>,
    tasks: JoinSet<()>,
    _aws: Option<(Server, Server)>,
    _database: Database,
}

/// The database of a data folder, running, migrated or about to be.
pub struct Database {
    /// Its address.
    pub url: String,
    // The server ends before the folder is given to others.
    _cluster: Option<Cluster>,
    folder: DataFolder,
}

impl Database {
    /// Starts the database, or uses the one of `DATABASE_URL`.
    pub async fn start(options: &Options, progress: Progress<'_>) -> Result<Self, StackError> {
        let mut folder = patiently(async || DataFolder::take(&options.data_dir)).await?;
        let (url, cluster) = match options.environment.get("DATABASE_URL") {
            Some(url) => (url.clone(), None),
            None => {
                progress("Starting Postgres");
                let cluster = Cluster::start(folder.root()).await?;
                cluster.create_database(DATABASE).await?;
                (cluster.url(DATABASE), Some(cluster))
            }
        };
        folder.announce(&url, "").map_err(|error| part("The data folder", error))?;
        Ok(Self { url, _cluster: cluster, folder })
    }

    /// Applies missing migrations; returns their names.
    pub async fn migrate(&self, progress: Progress<'_>) -> Result<Vec<&'static str>, StackError> {
        progress("Applying migrations");
        let mut db = Db::connect(&self.url, None).await?;
        migrate::limit_role(&db).await?;
        Ok(migrate::run(&mut db).await?)
    }
}

impl Stack {
    /// Starts everything, or uses what the environment names.
    pub async fn start(options: Options, progress: Progress<'_>) -> Result<Self, StackError> {
        // First what fails often and fast.
        let port = |source| StackError::Port { port: options.port, source };
        let listener =
            patiently(async || TcpListener::bind((options.address, options.port)).await).await.map_err(port)?;
        let shop_url = format!("http://{}", listener.local_addr().map_err(port)?);
        let mut database = Database::start(&options, progress).await?;
        database.migrate(progress).await?;

        progress("Starting queues and files");
        let aws = match options.environment.contains_key("AWS_ENDPOINT_URL") {
            true => None,
            false => Some(start_aws(&database.folder).await.map_err(|error| part("The local S3 or SQS", error))?),
        };
        let secret = database.folder.secret("secret-key").map_err(|error| part("The data folder", error))?;
        let mail_folder = database.folder.path("mail");
        let settings = settings(&options, &database.url, aws.as_ref(), &shop_url, secret, &mail_folder);
        let config = Config::from_lookup(|name| settings.get(name).cloned())?;
        let announced = database.folder.announce(&database.url, &config.queue_url_prefix);
        announced.map_err(|error| part("The data folder", error))?;
        let first = functions::sandbox(&config);
        create_queues(first).await?;
        match aws {
            Some(_) => recover(first).await?,
            None => create_bucket(first).await,
        }

        progress("Looking for the demo event");
        let demo = seed::seed(first, &database.folder.path("demo.json")).await?;

        progress("Starting functions");
        let (stopping, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        if options.workers {
            start_workers(&mut tasks, first, &config, &stopped);
        }
        let sandboxes = (0..SANDBOXES).map(|_| functions::sandbox(&config)).collect();
        let mailbox = (!options.environment.contains_key("MAIL_URL")).then(|| Mailbox::new(&mail_folder));
        let entries = functions::entries(&Pool::new(sandboxes, WAITING_MAX));
        let gateway = Gateway::new(entries, mailbox.clone()).with_files(first).serve(listener).map_err(port)?;
        let database_url = database.url.clone();
        Ok(Self {
            shop_url,
            database_url,
            demo,
            mailbox,
            config,
            gateway,
            stopping,
            tasks,
            _aws: aws,
            _database: database,
        })
    }

    /// Takes no more requests, finishes what was begun, and stops the database last.
    pub async fn stop(mut self) {
        self.gateway.stop();
        self.stopping.send_replace(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WITHIN, finished).await.is_err() {
            tracing::warn!("a function did not finish in time");
        }
    }
}

/// A stack that was killed a moment ago may still have its port and its folder.
async fn patiently<T, E>(mut attempt: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
    for _ in 0..20 {
        if let Ok(done) = attempt().await {
            return Ok(done);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    attempt().await
}

/// Pollers of all queues, and the schedules. Each schedule sends its first message at once, the relay's among them.
fn start_workers(tasks: &mut JoinSet<()>, first: Sandbox, config: &Config, stopped: &watch::Receiver<bool>) {
    for worker in WORKERS {
        for _ in 0..worker.concurrency_max {
            tasks.spawn(poller::poll(functions::sandbox(config), worker, stopped.clone()));
        }
    }
    for schedule in SCHEDULES {
        tasks.spawn(scheduler::run(first, schedule, stopped.clone()));
    }
}

/// The queues of this process are empty and none of its workers has begun, whatever the rows of an earlier one say:
/// what it left is due now, not when its time is up.
async fn recover(sandbox: Sandbox) -> Result<(), StackError> {
    let db = sandbox.db().await?;
    outbox::forget_sent(&*db).await?;
    mail::sql::release_claims(&*db).await?;
    Ok(webhook::sql::release_claims(&*db).await?)
}

/// S3 and SQS in this process.
async fn start_aws(folder: &DataFolder) -> std::io::Result<(Server, Server)> {
    Ok((s3::start(&folder.path("s3")).await?, sqs::start().await?))
}

/// The variables that functions see.
fn settings(
    options: &Options,
    database_url: &str,
    aws: Option<&(Server, Server)>,
    shop_url: &str,
    secret: String,
    mail_folder: &std::path::Path,
) -> HashMap<&'static str, String> {
    let mut settings = HashMap::from([
        ("AWS_REGION", sqs::REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", s3::ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", s3::SECRET_ACCESS_KEY.to_owned()),
        ("MEDIA_BUCKET", s3::BUCKET.to_owned()),
        ("MAIL_URL", format!("folder:{}", mail_folder.display())),
        ("MAIL_FROM", "shop@localhost".to_owned()),
        // A folder takes what it gets.
        ("MAILS_PER_SECOND", "1000".to_owned()),
        ("PUBLIC_URL", shop_url.to_owned()),
        ("SECRET_KEY", secret),
        // A developer's receiver listens here.
        ("WEBHOOK_PRIVATE_ADDRESSES", "127.0.0.1,::1".to_owned()),
    ]);
    // Real AWS settings of the developer's shell are no business of the embedded services.
    let given = options.environment.iter().filter(|(name, _)| aws.is_none() || !name.starts_with("AWS_"));
    settings.extend(given.map(|(name, value)| (*name, value.clone())));
    settings.insert("DATABASE_URL", database_url.to_owned());
    let endpoint = match aws {
        Some((s3, sqs)) => {
            settings.insert("AWS_ENDPOINT_URL_S3", s3.url());
            sqs.url()
        }
        None => options.environment.get("AWS_ENDPOINT_URL").cloned().unwrap_or_default(),
    };
    settings.entry("QUEUE_URL_PREFIX").or_insert_with(|| sqs::url_prefix(&endpoint));
    settings.entry("AWS_ENDPOINT_URL").or_insert(endpoint);
    settings
}

async fn create_queues(sandbox: Sandbox) -> Result<(), StackError> {
    for queue in Queue::ALL {
        let created = sqs::create_queue(sandbox.queues().await.client(), queue.name()).await;
        created.map_err(|error| part("Creating the queues", DisplayErrorContext(error)))?;
    }
    Ok(())
}

/// In the service that `AWS_ENDPOINT_URL` names. That the bucket is there already is no failure; if it is not, the
/// first file tells.
async fn create_bucket(sandbox: Sandbox) {
    let aws = &sandbox.config().aws;
    let credentials = Credentials::new(&aws.access_key_id, aws.secret_access_key.reveal(), None, None, "environment");
    let mut builder = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(aws.region.clone()))
        .credentials_provider(credentials)
        .force_path_style(true);
    builder.set_endpoint_url(aws.endpoint_s3.clone());
    builder.set_http_client(sandbox.queues().await.client().config().http_client());
    let client = aws_sdk_s3::Client::from_conf(builder.build());
    let mut create = client.create_bucket().bucket(&sandbox.config().media_bucket);
    // Everywhere else the place has to be named; here it must not be.
    if aws.region != "us-east-1" {
        let place = BucketLocationConstraint::from(aws.region.as_str());
        create =
            create.create_bucket_configuration(CreateBucketConfiguration::builder().location_constraint(place).build());
    }
    if let Err(error) = create.send().await {
        tracing::debug!(error = %DisplayErrorContext(error), "the bucket was not created");
    }
}
