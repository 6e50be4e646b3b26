//! PgBouncer in transaction mode: what RDS Proxy is in the cloud. Many functions share few connections, which no
//! session state survives.

use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::postgres::Account;

/// Why there is no pooler.
#[derive(Debug, thiserror::Error)]
pub enum PoolerError {
    /// The program is missing or does not start.
    #[error("PgBouncer does not start: {0}. Install it (Debian and Ubuntu: sudo apt-get install pgbouncer).")]
    Start(#[source] std::io::Error),
    /// Its files could not be written.
    #[error("writing the files of PgBouncer: {0}")]
    Files(#[source] std::io::Error),
    /// It started, but does not answer.
    #[error("PgBouncer does not answer; its log is {0}")]
    Silent(PathBuf),
    /// The address of the database has not the form that the cluster gives.
    #[error("not an address of a database: {0}")]
    Address(String),
    /// Root has no account to lend.
    #[error(transparent)]
    Account(#[from] crate::postgres::PostgresError),
}

/// Runs the program until our end of its standard input closes, which the kernel does however this process ends.
const GUARDIAN: &str = r#""$1" -q "$2/pgbouncer.ini" &
cat >/dev/null
kill $!
wait
rm -rf "$2""#;

/// A running PgBouncer. It ends when this is dropped, and when this process ends.
pub struct Pooler {
    port: u16,
    guardian: Child,
}

impl Pooler {
    /// Starts one in front of the server of `database_url`; every database shares at most `connections` of it.
    pub fn start(database_url: &str, connections: u32) -> Result<Self, PoolerError> {
        let account = Account::choose()?;
        let address = || PoolerError::Address(database_url.to_owned());
        let (user, rest) =
            database_url.strip_prefix("postgres://").and_then(|u| u.split_once(':')).ok_or_else(address)?;
        let (password, rest) = rest.split_once('@').ok_or_else(address)?;
        let (host, rest) = rest.split_once(':').ok_or_else(address)?;
        let server_port = rest.split_once('/').ok_or_else(address)?.0;
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .map_err(PoolerError::Files)?
            .port();
        let folder = std::env::temp_dir().join(format!("onsale-pooler-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(PoolerError::Files)?;
        account.own(&folder).map_err(PoolerError::Files)?;
        let (config, log) = (folder.join("pgbouncer.ini"), folder.join("log"));
        // A server that was restarted is asked again soon, and databases that nobody uses any more let their connections go.
        let text = format!(
            "[databases]\n* = host={host} port={server_port} user={user} password={password}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             max_client_conn = 4000\ndefault_pool_size = {connections}\nlogfile = {}\nlog_connections = 0\n\
             log_disconnections = 0\nquery_wait_timeout = 15\nserver_login_retry = 1\nserver_idle_timeout = 20\n",
            log.display()
        );
        std::fs::write(&config, text).map_err(PoolerError::Files)?;
        account.own(&config).map_err(PoolerError::Files)?;
        let mut command = Command::new("sh");
        command.args(["-c", GUARDIAN, "onsale-pooler-guardian"]).arg(program()?).arg(&folder).current_dir("/");
        // A group of its own: Ctrl-C in the terminal is for this process, which then lets go of the guardian.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let guardian = account.run(&mut command).spawn().map_err(PoolerError::Start)?;
        let pooler = Self { port, guardian };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(PoolerError::Silent(log));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(pooler)
    }

    /// The address of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://onsale@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }
}

/// Debian puts it where only administrators look.
fn program() -> Result<PathBuf, PoolerError> {
    let mut folders = crate::environment::search_path();
    folders.push("/usr/sbin".into());
    let found = folders.into_iter().map(|folder| folder.join("pgbouncer")).find(|file| file.is_file());
    found.ok_or_else(|| PoolerError::Start(std::io::ErrorKind::NotFound.into()))
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}
