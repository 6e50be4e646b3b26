//! Applies the files of `migrations/`: forward only, each once, each in its own transaction.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
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
    21 "0021_job_run",
    22 "0022_media",
    23 "0023_notice",
    24 "0024_bulk_extend",
    25 "0025_batch_in_few_statements",
    26 "0026_organizer_api",
    27 "0027_order_notes",
    28 "0028_list_indexes",
    29 "0029_rows_looked_up_one_by_one",
    30 "0030_indexes_of_lists",
    31 "0031_no_index_of_lists_for_keys",
    32 "0032_one_index_for_payments",
    33 "0033_one_index_for_items",
    34 "0034_event_slug_first",
    35 "0035_files_to_remove",
    36 "0036_checkin",
    37 "0037_revoked_secret",
    38 "0038_gift_card",
    39 "0039_waiting_list",
    40 "0040_invoice_address",
    41 "0041_waiting_list_mail",
    42 "0042_buyers_keep_what_they_told",
    43 "0043_export_guests",
    44 "0044_refund_by_event",
    45 "0045_answer_file",
    46 "0046_answer_file_known",
    47 "0047_lists_of_orders",
    48 "0048_lists_of_positions",
    49 "0049_one_index_for_products",
    50 "0050_lists_of_scans",
    51 "0051_ticket_validity",
    52 "0052_blocked_secret",
    53 "0053_team_invite",
    54 "0054_mail_of_organizer",
    55 "0055_address_of_position",
    56 "0056_answers_in_one_statement",
    57 "0057_words_of_orders",
    58 "0058_print_log",
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
/// Whoever waits for a table makes everybody wait who comes after: a migration waits for a moment only, and tries again.
/// Rewriting a table may take longer than what a page may ask for.
const LIMITS: &str = "set local lock_timeout = '1s'; set local statement_timeout = '9min'";
/// Tries to get the locks of a migration, and the pause between them.
const TRIES: u32 = 60;
/// No try begins later than this after the first: the function has ten minutes, and one try may take nearly all of them.
const TRIES_TIME: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(500);
const CREATE_TABLE: &str = "create table if not exists schema_migration (
    version integer primary key, name text not null, checksum bytea not null, applied_at timestamptz not null default now())";
const IS_THERE: &str = "select to_regclass('schema_migration') is not null as found";
const LIST: &str = "select version, name from schema_migration order by version";
/// `SET` does not survive a pooler, so limits sit on the role that functions use. Our statements run for milliseconds: a plan that
/// is compiled first takes longer than what it saves.
const ROLE_LIMITS: &str = "
    alter role current_user set lock_timeout = '10s';
    alter role current_user set statement_timeout = '30s';
    alter role current_user set idle_in_transaction_session_timeout = '15s';
    alter role current_user set jit = off";
const FIND: &str = "select checksum from schema_migration where version = $1";
const RECORD: &str = "insert into schema_migration (version, name, checksum) values ($1, $2, $3)";

/// Gives the role of this connection its timeouts, which all later connections have.
pub async fn limit_role(db: &Db) -> Result<(), DbError> {
    db.script(ROLE_LIMITS).await
}

/// Applies what is missing; returns the names of what was applied. A migration whose tables are in use waits for a gap.
pub async fn run(db: &mut Db) -> Result<Vec<&'static str>, MigrateError> {
    run_to(db, i32::MAX).await
}

/// The same, up to and with that version: for tests of what comes after it.
pub async fn run_to(db: &mut Db, last: i32) -> Result<Vec<&'static str>, MigrateError> {
    let mut applied = Vec::new();
    for migration in MIGRATIONS.iter().filter(|migration| migration.version <= last) {
        if run_one(db, migration).await? {
            applied.push(migration.name);
        }
    }
    Ok(applied)
}

async fn run_one(db: &mut Db, migration: &Migration) -> Result<bool, MigrateError> {
    let (begun, mut tries) = (Instant::now(), 0);
    loop {
        let tx = db.begin().await?;
        let outcome = apply(&tx, migration).await;
        match tx.finish(outcome).await {
            Err(error) if error.is_busy() && !db.is_closed() && tries < TRIES && begun.elapsed() < TRIES_TIME => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

impl MigrateError {
    /// Something else holds a lock that it needs.
    fn is_busy(&self) -> bool {
        matches!(self, Self::Failed { source: DbError::Busy(_), .. } | Self::Bookkeeping(DbError::Busy(_)))
    }
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Names of what the database has.
    pub applied: Vec<String>,
    /// Names of what it lacks.
    pub pending: Vec<&'static str>,
    /// Names of what it has and this code does not know: the code is older than the database.
    pub unknown: Vec<String>,
}

/// Looks what a run would do, and changes nothing.
pub async fn plan(db: &Db) -> Result<Plan, DbError> {
    let is_there: bool = db.one(IS_THERE, &[]).await?.get("found")?;
    let rows = if is_there { db.query(LIST, &[]).await? } else { Vec::new() };
    let (mut versions, mut applied, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let (version, name): (i32, String) = (row.get("version")?, row.get("name")?);
        if MIGRATIONS.iter().all(|migration| migration.version != version) {
            unknown.push(name.clone());
        }
        versions.push(version);
        applied.push(name);
    }
    let pending = MIGRATIONS.iter().filter(|it| !versions.contains(&it.version)).map(|it| it.name).collect();
    Ok(Plan { applied, pending, unknown })
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
    tx.script(LIMITS).await?;
    tx.script(migration.sql).await.map_err(|source| MigrateError::Failed { name: migration.name, source })?;
    let record = [p(&migration.version), p(&migration.name), p(&checksum)];
    tx.execute(RECORD, &record).await?;
    Ok(true)
}

/// What a deploy asks the function for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Only to look.
    #[serde(default)]
    plan: bool,
}

/// Runs the function that a deploy calls before new code is switched on. It answers with the names of what it applied;
/// asked for the plan, with a [`Plan`].
pub fn serve() -> Result<(), lambda_runtime::Error> {
    crate::trace::init();
    let ctx: &'static crate::ctx::Ctx = Box::leak(Box::new(crate::ctx::Ctx::new(crate::config::Config::from_env()?)));
    let run =
        lambda_runtime::run(lambda_runtime::service_fn(move |event: lambda_runtime::LambdaEvent<Asked>| async move {
            answer(&mut *ctx.db().await?, &event.payload).await.inspect_err(|error| {
                tracing::error!(error = error.as_ref() as &dyn std::error::Error, "migrations were not applied");
            })
        }));
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run)
}

async fn answer(db: &mut Db, asked: &Asked) -> Result<serde_json::Value, lambda_runtime::Error> {
    if asked.plan {
        return Ok(serde_json::to_value(plan(db).await?)?);
    }
    limit_role(db).await?;
    let applied = run(db).await.map_err(|error| full_text(&error))?;
    Ok(serde_json::json!({ "applied": applied }))
}

/// An error with its causes: whoever deploys reads it, and nobody else.
fn full_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
