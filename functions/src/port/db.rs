//! Postgres: one connection per sandbox, statements in one round trip, transactions that end explicitly.
//!
//! All statements go out unnamed and typed (`query_typed`), because named ones break behind a pooler in transaction
//! mode and cost a second round trip.

use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::task::AbortHandle;
use tokio_postgres::{
    NoTls,
    config::Host,
    error::SqlState,
    types::{FromSql, ToSql, Type},
};

use super::sign_in;
use crate::{config::AwsConfig, time::Timestamp};

/// A Rust type that has one fixed Postgres type, so that its parameters need no look-up.
pub trait SqlType {
    /// The type its parameters are sent as.
    const TYPE: Type;
}

/// The Postgres array type of an element type.
fn array_of(element: &Type) -> Type {
    match *element {
        Type::INT8 => Type::INT8_ARRAY,
        Type::INT4 => Type::INT4_ARRAY,
        Type::BOOL => Type::BOOL_ARRAY,
        Type::TEXT => Type::TEXT_ARRAY,
        Type::JSONB => Type::JSONB_ARRAY,
        Type::TIMESTAMPTZ => Type::TIMESTAMPTZ_ARRAY,
        Type::BYTEA => Type::BYTEA_ARRAY,
        ref other => unreachable!("no array type declared for {other}"),
    }
}

macro_rules! sql_types {
    ($($rust:ty => $postgres:ident),+ $(,)?) => {$(
        impl SqlType for $rust { const TYPE: Type = Type::$postgres; }
    )+};
}
sql_types!(
    i64 => INT8, i32 => INT4, bool => BOOL, str => TEXT, String => TEXT, [u8] => BYTEA,
    Vec<u8> => BYTEA, serde_json::Value => JSONB, crate::time::Timestamp => TIMESTAMPTZ,
);
impl<T: SqlType + ?Sized> SqlType for &T {
    const TYPE: Type = T::TYPE;
}
impl<T: SqlType> SqlType for Option<T> {
    const TYPE: Type = T::TYPE;
}

/// One parameter of a statement with its Postgres type.
pub type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// A parameter: value and type.
pub fn p<T: ToSql + SqlType + Sync>(value: &T) -> Param<'_> {
    (value, T::TYPE)
}

/// A parameter that is an array, for `unnest($1)` and `= any($1)`.
pub fn array<T: SqlType>(values: &Vec<T>) -> Param<'_>
where
    Vec<T>: ToSql + Sync,
{
    (values, array_of(&T::TYPE))
}

/// What went wrong in the words of the database, fit for a log: its DETAIL, which quotes rows, is left out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Answer(String);

impl Answer {
    fn new(error: &tokio_postgres::Error) -> Self {
        if let Some(db) = error.as_db_error() {
            let constraint = db.constraint().map(|name| format!(" ({name})")).unwrap_or_default();
            return Self(format!("{} {}{constraint}", db.code().code(), db.message()));
        }
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self(format!("{error}{cause}"))
    }
}

/// What a statement could not do.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Lock timeout, deadlock, statement timeout or a lost connection: try again. The commit may have happened.
    #[error("the database is busy or was lost")]
    Busy(#[source] Answer),
    /// A named constraint refused a row; `sql.rs` files map the name to a domain error.
    #[error("constraint {name} refused a row")]
    Constraint {
        /// Name of the constraint or unique index.
        name: String,
        /// The refusal itself.
        #[source]
        source: Answer,
    },
    /// A bug: wrong statement, wrong type, missing row.
    #[error("a statement failed")]
    Failed(#[source] Answer),
    /// A statement touched another number of rows than it must.
    #[error("a statement touched {0} rows, which is not what it must")]
    RowCount(usize),
    /// The rules could not decide a batch: a bug.
    #[error("a batch could not be decided")]
    Undecided,
    /// A stored value that the program does not know, such as a state.
    #[error("the database holds an unknown {what}: {value}")]
    UnknownValue {
        /// The kind of value.
        what: &'static str,
        /// What was found.
        value: String,
    },
    /// The address or the certificates of the database could not be used.
    #[error("the database address is unusable: {0}")]
    Address(String),
}

impl DbError {
    /// A stored document that the program does not know. What is in it is not told: it may name people or secrets.
    pub fn unreadable(what: &'static str) -> Self {
        Self::UnknownValue { what, value: "a document of another version".to_owned() }
    }

    /// Name of the constraint that refused, if that is what happened.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            // Neither a refusal by the server nor a decoding bug: the connection is gone.
            let answer = Answer::new(&error);
            return if is_decoding_bug(&error) { Self::Failed(answer) } else { Self::Busy(answer) };
        };
        let code = db.code();
        let busy = [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::QUERY_CANCELED,
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ];
        if busy.contains(code) || code.code().starts_with("08") {
            return Self::Busy(Answer::new(&error));
        }
        match db.constraint() {
            Some(name) if code.code().starts_with("23") => {
                Self::Constraint { name: name.to_owned(), source: Answer::new(&error) }
            }
            _ => Self::Failed(Answer::new(&error)),
        }
    }
}

/// Errors of encoding and decoding happen on our side of a healthy connection.
fn is_decoding_bug(error: &tokio_postgres::Error) -> bool {
    use std::error::Error as _;
    let text = error.to_string();
    !error.is_closed()
        && error.source().is_none_or(|source| source.downcast_ref::<std::io::Error>().is_none())
        && (text.starts_with("error serializing")
            || text.starts_with("error deserializing")
            || text.starts_with("invalid column"))
}

/// One row, read by column name.
pub struct Row(tokio_postgres::Row);

impl Row {
    /// The value of a column. A wrong name or type is an error, not a panic.
    pub fn get<'a, T: FromSql<'a>>(&'a self, column: &str) -> Result<T, DbError> {
        self.0.try_get(column).map_err(DbError::from)
    }
}

/// Runs statements: a connection by itself (each statement commits) or inside a transaction.
pub trait Query: Sync {
    /// All rows of a statement.
    fn query(&self, sql: &'static str, params: &[Param<'_>]) -> impl Future<Output = Result<Vec<Row>, DbError>> + Send;

    /// Runs a statement; returns how many rows it touched.
    fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> impl Future<Output = Result<u64, DbError>> + Send;

    /// The only row of a statement.
    fn one(&self, sql: &'static str, params: &[Param<'_>]) -> impl Future<Output = Result<Row, DbError>> + Send {
        async move {
            let mut rows = self.query(sql, params).await?;
            match rows.len() {
                1 => Ok(rows.swap_remove(0)),
                count => Err(DbError::RowCount(count)),
            }
        }
    }

    /// The first row of a statement that returns at most one.
    fn opt(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Option<Row>, DbError>> + Send {
        async move { Ok(self.query(sql, params).await?.into_iter().next()) }
    }
}

/// An open connection. Lives as long as its sandbox; see [`crate::ctx::Ctx::db`].
pub struct Db {
    client: tokio_postgres::Client,
    /// Reads and writes the socket; stopping it closes the connection.
    connection: AbortHandle,
    /// A transaction was dropped without an end: only closing the connection ends it for sure.
    left_open: AtomicBool,
}

fn parsed(url: &str) -> Result<tokio_postgres::Config, DbError> {
    url.parse().map_err(|error: tokio_postgres::Error| DbError::Address(error.to_string()))
}

/// How long opening a connection may take before the request is answered with "busy".
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl Db {
    /// Opens a connection. Hosts other than this machine are reached over TLS unless the URL says `sslmode=disable`;
    /// `ca_pem` adds certificate authorities (RDS has its own).
    pub async fn connect(url: &str, ca_pem: Option<&str>) -> Result<Self, DbError> {
        Self::open(parsed(url)?, ca_pem).await
    }

    /// The same with the role of the function instead of a password.
    pub async fn sign_in(url: &str, ca_pem: Option<&str>, aws: &AwsConfig, now: Timestamp) -> Result<Self, DbError> {
        let mut config = parsed(url)?;
        let (Some(Host::Tcp(host)), Some(user)) = (config.get_hosts().first(), config.get_user()) else {
            return Err(DbError::Address("without a password it names a user and a host".to_owned()));
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let password = sign_in::password(aws, host, port, user, now).map_err(DbError::Address)?;
        config.password(password);
        Self::open(config, ca_pem).await
    }

    async fn open(mut config: tokio_postgres::Config, ca_pem: Option<&str>) -> Result<Self, DbError> {
        config.connect_timeout(CONNECT_TIMEOUT).application_name("onsale");
        let plain = config.get_ssl_mode() == tokio_postgres::config::SslMode::Disable
            || config.get_hosts().iter().all(is_this_machine);
        let (client, connection) = if plain {
            let (client, connection) = config.connect(NoTls).await?;
            (client, tokio::spawn(connection).abort_handle())
        } else {
            config.ssl_mode(tokio_postgres::config::SslMode::Require);
            let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls_config(ca_pem)?);
            let (client, connection) = config.connect(tls).await?;
            (client, tokio::spawn(connection).abort_handle())
        };
        Ok(Self { client, connection, left_open: AtomicBool::new(false) })
    }

    /// True when the connection is gone, or has a transaction that nobody ends, and must be replaced.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed() || self.left_open.load(Ordering::Relaxed)
    }

    /// Starts a transaction at READ COMMITTED: a statement after taking a lock must see what others committed before
    /// (spec domain 25.1).
    pub async fn begin(&mut self) -> Result<Tx<'_>, DbError> {
        self.begin_with(async |_| Ok(())).await.map(|(tx, ())| tx)
    }

    /// Starts a transaction and sends its first statements along: one round trip for all that `first` does not wait for.
    pub async fn begin_with<T>(
        &mut self,
        first: impl AsyncFnOnce(&Tx<'_>) -> Result<T, DbError>,
    ) -> Result<(Tx<'_>, T), DbError> {
        let tx = Tx { db: self, ended: false };
        // Polled in this order, so that the statements follow BEGIN on the wire.
        let (begun, first) = tokio::join!(biased; tx.db.client.batch_execute(BEGIN), first(&tx));
        match begun.map_err(DbError::from).and(first) {
            Ok(value) => Ok((tx, value)),
            Err(error) => tx.finish(Err(error)).await,
        }
    }

    /// Starts a transaction that only reads, and whose statements all see what was there at its first. It takes no locks, which
    /// is why it need not be READ COMMITTED.
    pub async fn begin_reading(&mut self) -> Result<Tx<'_>, DbError> {
        self.client.batch_execute(BEGIN_READING).await?;
        Ok(Tx { db: self, ended: false })
    }

    /// Runs a script of several statements, for migrations and test set-up only.
    pub async fn script(&self, sql: &str) -> Result<(), DbError> {
        Ok(self.client.batch_execute(sql).await?)
    }
}

fn is_this_machine(host: &tokio_postgres::config::Host) -> bool {
    match host {
        tokio_postgres::config::Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        tokio_postgres::config::Host::Unix(_) => true,
    }
}

fn tls_config(ca_pem: Option<&str>) -> Result<rustls::ClientConfig, DbError> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let address = |error: &dyn std::fmt::Display| DbError::Address(error.to_string());
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(ca_pem.unwrap_or_default().as_bytes()) {
        roots.add(certificate.map_err(|error| address(&error))?).map_err(|error| address(&error))?;
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| address(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

impl Query for Db {
    async fn query(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        Ok(self.client.query_typed(sql, params).await?.into_iter().map(Row).collect())
    }
    async fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
        Ok(self.client.execute_typed(sql, params).await?)
    }
}

/// A transaction. End it with [`Tx::finish`]; one that is dropped costs the connection, which is closed at once and
/// replaced: a rollback that is only queued would wait for a frozen sandbox and keep its locks.
pub struct Tx<'a> {
    db: &'a Db,
    ended: bool,
}

const BEGIN: &str = "begin isolation level read committed";
const BEGIN_READING: &str = "begin isolation level repeatable read, read only";

impl Tx<'_> {
    /// Commits when `result` is good and rolls back when it is not, and waits for either.
    pub async fn finish<T, E: From<DbError>>(mut self, result: Result<T, E>) -> Result<T, E> {
        match result {
            Ok(value) => {
                self.db.client.batch_execute("commit").await.map_err(DbError::from)?;
                self.ended = true;
                Ok(value)
            }
            Err(error) => {
                // The error that led here matters more than a failed rollback: the connection is then dead anyway.
                self.ended = self.db.client.batch_execute("rollback").await.is_ok();
                Err(error)
            }
        }
    }

    /// Runs a script of several statements inside the transaction, for migrations only.
    pub async fn script(&self, sql: &str) -> Result<(), DbError> {
        Ok(self.db.client.batch_execute(sql).await?)
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.db.left_open.store(true, Ordering::Relaxed);
            // The locks of the transaction go with it, not only when somebody needs this sandbox again.
            self.db.connection.abort();
        }
    }
}

impl Query for Tx<'_> {
    async fn query(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        Ok(self.db.client.query_typed(sql, params).await?.into_iter().map(Row).collect())
    }
    async fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
        Ok(self.db.client.execute_typed(sql, params).await?)
    }
}
