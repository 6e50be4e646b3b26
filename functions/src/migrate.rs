//! Applies the files of `migrations/`: forward only, each once, each in its own transaction.

use sha2::{Digest, Sha256};

use crate::port::db::{Db, DbError, Query, Tx, p};

/// One file of `migrations/`.
struct Migration {
    version: i32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),+ $(,)?) => {
        &[$(Migration { version: $version, name: $name, sql: include_str!(concat!("../../migrations/", $name, ".sql")) }),+]
    };
}

/// In order. A test compares it with the folder.
const MIGRATIONS: &[Migration] = migrations![
    1 "0001_tenants",
    2 "0002_catalogue",
    3 "0003_sales",
    4 "0004_messages",
    5 "0005_box_office",
    6 "0006_webhook",
    7 "0007_order_changes",
    8 "0008_selling",
    9 "0009_hot_tables",
    10 "0010_hot_functions",
    11 "0011_batch_spacing",
    12 "0012_session_function",
    13 "0013_mail",
    14 "0014_prices",
    15 "0015_quota_ledger",
    16 "0016_look_tells_pace",
    17 "0017_batch_functions",
    18 "0018_export",
    19 "0019_order_file",
    20 "0020_bulk_action",
    25 "0025_batch_in_few_statements",
    30 "0030_organizer_api",
    31 "0031_order_notes",
];

/// Why a migration stopped. What came before it stays applied.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database refused.
    #[error("migration {name} failed")]
    Failed {
        /// The file.
        name: &'static str,
        /// What the database said.
        #[source]
        source: DbError,
    },
    /// The file is not what was applied.
    #[error("migration {0} was changed after it was applied; add a new one instead")]
    Changed(&'static str),
    /// The bookkeeping itself failed.
    #[error("the list of applied migrations could not be read")]
    Bookkeeping(#[from] DbError),
}

/// Two deploys at once take turns. The key is not used by any event: it has no kind byte.
const LOCK: &str = "select pg_advisory_xact_lock(7001)";
const CREATE_TABLE: &str = "create table if not exists schema_migration (
    version integer primary key, name text not null, checksum bytea not null, applied_at timestamptz not null default now())";
const FIND: &str = "select checksum from schema_migration where version = $1";
const RECORD: &str = "insert into schema_migration (version, name, checksum) values ($1, $2, $3)";

/// Applies what is missing; returns the names of what was applied.
pub async fn run(db: &mut Db) -> Result<Vec<&'static str>, MigrateError> {
    let mut applied = Vec::new();
    for migration in MIGRATIONS {
        let tx = db.begin().await?;
        let outcome = apply(&tx, migration).await;
        if tx.finish(outcome).await? {
            applied.push(migration.name);
        }
    }
    Ok(applied)
}

/// Names of all migrations, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().map(|migration| migration.name)
}

async fn apply(tx: &Tx<'_>, migration: &Migration) -> Result<bool, MigrateError> {
    tx.execute(LOCK, &[]).await?;
    tx.execute(CREATE_TABLE, &[]).await?;
    let checksum = Sha256::digest(migration.sql).to_vec();
    if let Some(row) = tx.opt(FIND, &[p(&migration.version)]).await? {
        let known: Vec<u8> = row.get("checksum")?;
        return if known == checksum { Ok(false) } else { Err(MigrateError::Changed(migration.name)) };
    }
    tx.script(migration.sql).await.map_err(|source| MigrateError::Failed { name: migration.name, source })?;
    let record = [p(&migration.version), p(&migration.name), p(&checksum)];
    tx.execute(RECORD, &record).await?;
    Ok(true)
}

/// Runs the function that a deploy calls before new code is switched on. It answers with the names of what it applied.
pub fn serve() -> Result<(), lambda_runtime::Error> {
    crate::trace::init();
    let ctx: &'static crate::ctx::Ctx = Box::leak(Box::new(crate::ctx::Ctx::new(crate::config::Config::from_env()?)));
    let run = lambda_runtime::run(lambda_runtime::service_fn(
        move |_: lambda_runtime::LambdaEvent<serde_json::Value>| async move {
            let applied = run(&mut *ctx.db().await?).await?;
            Ok::<_, lambda_runtime::Error>(serde_json::json!({ "applied": applied }))
        },
    ));
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run)
}
