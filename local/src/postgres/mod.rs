//! A private Postgres: made, started and stopped with the stack, or for the length of a test run.

mod account;
mod binaries;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::Read,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub use account::Account;
pub use binaries::Binaries;
use rand::Rng as _;
use tokio_postgres::types::Type;

/// Why there is no database, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// Neither installed nor to be fetched.
    #[error(
        "Postgres 15 or newer is not installed and could not be fetched ({0}).\n\
         Install it (Debian and Ubuntu: `sudo apt-get install postgresql`; macOS: `brew install postgresql@17`), \
         or point DATABASE_URL at a database."
    )]
    NotInstalled(String),
    /// The cluster needs programs that have been removed since.
    #[error(
        "The data folder was made by Postgres {0}, which is no longer installed.\n\
         Install that version again, or start empty with `cargo run -p local -- reset`."
    )]
    VersionGone(u32),
    /// Root has nobody to run Postgres as.
    #[error(
        "Postgres does not run as root, and there is no account `postgres` or `nobody` to run it as.\nStart this as another user."
    )]
    NoAccount,
    /// A folder in a shared place belongs to somebody else.
    #[error("{0} belongs to another account.\nRemove it, or move the data folder with ONSALE_DATA.")]
    ForeignFolder(PathBuf),
    /// A program of Postgres failed.
    #[error(
        "{program} failed:\n{output}\nIf the data folder is damaged, start empty with `cargo run -p local -- reset`."
    )]
    Program {
        /// Which one.
        program: &'static str,
        /// What it printed.
        output: String,
    },
    /// A file or a program could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The server runs but does not do as asked.
    #[error("the new database could not be prepared: {0}")]
    Prepare(#[from] tokio_postgres::Error),
}

impl PostgresError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// How a cluster ends: with care or as fast as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Survives restarts; every commit is on disk before it is answered.
    Durable,
    /// For one test run: may forget everything, is removed at the end.
    Ephemeral,
    /// For one measurement: as durable as the first, with room for a crowd, removed at the end.
    Measured,
}

/// How long a killed server may be in the way of the next one, and the time between two tries.
const REVIVE_MAX: Duration = Duration::from_secs(20);
const REVIVE_PAUSE: Duration = Duration::from_millis(50);

/// The timeouts sit on the role, because `SET` does not survive a pooler (ARCHITECTURE.md).
const ROLE_SETTINGS: &str = "
    alter role onsale set lock_timeout = '10s';
    alter role onsale set statement_timeout = '30s';
    alter role onsale set idle_in_transaction_session_timeout = '15s';";

/// No sockets in the file system: their paths may be too long, and one way to connect is enough.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 128MB
wal_level = minimal
max_wal_senders = 0
jit = off
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
";
const DURABLE_SETTINGS: &str = "fsync = on\nsynchronous_commit = on\nfull_page_writes = on\n";
const MEASURED_SETTINGS: &str = "fsync = on\nsynchronous_commit = on\nfull_page_writes = on\nmax_connections = 1200\n\
    shared_buffers = 1GB\nmax_wal_size = 8GB\n";
const EPHEMERAL_SETTINGS: &str = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum = off\n\
    max_connections = 1000\n";

/// Stops the server when our end of its standard input closes, which the kernel does however this process ends. The
/// fourth line of the file is the port: a late guardian must not stop the next stack's server.
const GUARDIAN: &str = r#"cat >/dev/null
if [ "$(sed -n 4p "$2/data/postmaster.pid" 2>/dev/null)" = "$3" ]; then
    "$1" stop -D "$2/data" -m "$4" -w -t 30 >/dev/null 2>&1
fi
if [ "$4" = immediate ]; then rm -rf "$2"; fi"#;

/// A running Postgres. Dropping it stops the server and waits for that.
pub struct Cluster {
    port: u16,
    password: String,
    guardian: Child,
    server: Programs,
}

/// What starts a server, and where its files are.
struct Programs {
    binaries: Binaries,
    account: Account,
    home: PathBuf,
}

impl Cluster {
    /// Starts the cluster kept in `dir`, made on first use. Durable: fsync and synchronous commit are on. What a killed
    /// process left running is stopped first.
    pub async fn start(dir: &Path) -> Result<Self, PostgresError> {
        let account = Account::choose()?;
        Self::start_in(home(dir, account)?, account, Mode::Durable).await
    }

    /// Starts an empty cluster for tests: a real Postgres that does not wait for the disk and is removed when this
    /// process ends, even when it is killed.
    pub async fn start_ephemeral() -> Result<Self, PostgresError> {
        let account = Account::choose()?;
        let name = format!("onsale-test-{}-{:08x}", std::process::id(), rand::rng().next_u32());
        let home = std::env::temp_dir().join(name);
        make_private(&home, account)?;
        Self::start_in(home, account, Mode::Ephemeral).await
    }

    /// Starts an empty cluster for measurements: every commit is on disk before it is answered, and the settings are
    /// those of a database server rather than of a guest on a laptop. Removed when this process ends.
    pub async fn start_measured() -> Result<Self, PostgresError> {
        let account = Account::choose()?;
        // Not in the folder for temporary files, which may be in memory.
        let home =
            Path::new("/var/tmp").join(format!("onsale-bench-{}-{:08x}", std::process::id(), rand::rng().next_u32()));
        make_private(&home, account)?;
        Self::start_in(home, account, Mode::Measured).await
    }

    async fn start_in(home: PathBuf, account: Account, mode: Mode) -> Result<Self, PostgresError> {
        let data = home.join("data");
        let binaries = binaries::find_or_fetch(&home, existing_major(&data)).await?;
        let password_file = home.join("password");
        if data.exists() {
            stop_left_over(&binaries, account, &data)?;
        } else {
            write_private(&password_file, &random_password(), account)?;
            create(&binaries, account, &home, mode)?;
        }
        let password = std::fs::read_to_string(&password_file).map_err(PostgresError::io("reading the password"))?;
        let port = free_port()?;
        let durability = match mode {
            Mode::Durable => DURABLE_SETTINGS,
            Mode::Ephemeral => EPHEMERAL_SETTINGS,
            Mode::Measured => MEASURED_SETTINGS,
        };
        write_private(&data.join("onsale.conf"), &format!("{SETTINGS}{durability}port = {port}\n"), account)?;

        // Before the server, so that no moment is left in which a killed process leaves it behind.
        let guardian = guard(&binaries, account, &home, port, mode)?;
        let cluster = Self { port, password, guardian, server: Programs { binaries, account, home } };
        cluster.server.start()?;
        cluster.prepare().await?;
        Ok(cluster)
    }

    /// Kills the server and what it has started, without a chance to write anything, as a crash does. For tests of what
    /// survives one.
    pub fn kill(&self) -> Result<(), PostgresError> {
        self.server.kill()
    }

    /// Starts a server that was killed, at the same address. Returns when it has recovered.
    pub fn revive(&self) -> Result<(), PostgresError> {
        // A process of the killed server may need a moment to notice; until then its memory is in the way.
        let begun = Instant::now();
        loop {
            match self.server.start() {
                Err(PostgresError::Program { .. }) if begun.elapsed() < REVIVE_MAX => std::thread::sleep(REVIVE_PAUSE),
                started => return started,
            }
        }
    }

    /// The address of a database for the shop: role `onsale`, with its timeouts.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://onsale:{}@127.0.0.1:{}/{database}?sslmode=disable", self.password, self.port)
    }

    /// The address of a database for its administrator, who may create and drop databases.
    pub fn admin_url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}?sslmode=disable", self.password, self.port)
    }

    /// Creates a database that belongs to the role `onsale`, unless it exists.
    pub async fn create_database(&self, name: &str) -> Result<(), PostgresError> {
        let admin = connect(&self.admin_url("postgres")).await?;
        let find = "select 1 from pg_database where datname = $1";
        if admin.query_typed(find, &[(&name, Type::TEXT)]).await?.is_empty() {
            admin.batch_execute(&format!("create database \"{name}\" owner onsale")).await?;
        }
        Ok(())
    }

    /// Creates a database as a copy of another to which nobody is connected.
    pub async fn clone_database(&self, template: &str, name: &str) -> Result<(), PostgresError> {
        let admin = connect(&self.admin_url("postgres")).await?;
        // Copying files beats writing them through the log, for a template this small.
        let copy = format!("create database \"{name}\" template \"{template}\" strategy file_copy owner onsale");
        Ok(admin.batch_execute(&copy).await?)
    }

    /// The role and its timeouts. Runs at every start, so that a changed timeout reaches an old cluster.
    async fn prepare(&self) -> Result<(), PostgresError> {
        let admin = connect(&self.admin_url("postgres")).await?;
        if admin.query_typed("select 1 from pg_roles where rolname = 'onsale'", &[]).await?.is_empty() {
            admin.batch_execute(&format!("create role onsale login password '{}'", self.password)).await?;
        }
        Ok(admin.batch_execute(ROLE_SETTINGS).await?)
    }

    /// Stops the server and waits until it is down.
    pub fn stop(self) {
        drop(self);
    }
}

impl Programs {
    fn start(&self) -> Result<(), PostgresError> {
        let log = self.home.join("log");
        let mut command = Command::new(self.binaries.program("pg_ctl"));
        command.args(["start", "-w", "-t", "60", "-s", "-D"]).arg(self.home.join("data")).arg("-l").arg(&log);
        // The server inherits what the command has open; a pipe to us would never end.
        command.current_dir(&self.home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = self.account.run(&mut command).status().map_err(PostgresError::io("starting pg_ctl"))?;
        if status.success() {
            Ok(())
        } else {
            Err(PostgresError::Program { program: "pg_ctl start", output: tail(&log) })
        }
    }

    fn kill(&self) -> Result<(), PostgresError> {
        let file = self.home.join("data/postmaster.pid");
        let text = std::fs::read_to_string(&file).map_err(PostgresError::io(format!("reading {}", file.display())))?;
        let server = text.lines().next().unwrap_or_default();
        let mut command = Command::new("kill");
        // Its own processes too, where they can be found: those that are left end when they miss the server.
        command.args(["-KILL", server]).args(children(server)).stderr(Stdio::null());
        self.account.run(&mut command).status().map_err(PostgresError::io("starting kill"))?;
        Ok(())
    }
}

/// The processes that a process has started, where the kernel tells.
fn children(pid: &str) -> Vec<String> {
    let told = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    told.split_whitespace().map(str::to_owned).collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

/// Removes the cluster of a data folder, after stopping what may still run.
pub fn remove(dir: &Path) -> Result<(), PostgresError> {
    let account = Account::choose()?;
    for home in [dir.join("postgres"), fallback_home(dir)] {
        let data = home.join("data");
        if data.exists() && account.owns(&home) {
            kill_left_over(account, &data);
        }
        if home.exists() && account.owns(&home) {
            std::fs::remove_dir_all(&home).map_err(PostgresError::io(format!("removing {}", home.display())))?;
        }
    }
    Ok(())
}

/// Where the cluster of a data folder lives: inside it, unless the account of Postgres cannot get there (a home folder
/// of root, for example); then in a folder of its own under /var/tmp.
fn home(dir: &Path, account: Account) -> Result<PathBuf, PostgresError> {
    let inside = dir.join("postgres");
    make_private(&inside, account)?;
    if account.reaches(&inside) {
        return Ok(inside);
    }
    let fallback = fallback_home(dir);
    if !fallback.exists() {
        make_private(&fallback, account)?;
    }
    if account.owns(&fallback) { Ok(fallback) } else { Err(PostgresError::ForeignFolder(fallback)) }
}

fn fallback_home(dir: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    dir.hash(&mut hasher);
    Path::new("/var/tmp").join(format!("onsale-postgres-{:016x}", hasher.finish()))
}

fn make_private(folder: &Path, account: Account) -> Result<(), PostgresError> {
    let what = || PostgresError::io(format!("making {}", folder.display()));
    std::fs::create_dir_all(folder).map_err(what())?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(what())?;
    account.own(folder).map_err(what())
}

fn write_private(file: &Path, text: &str, account: Account) -> Result<(), PostgresError> {
    let what = || PostgresError::io(format!("writing {}", file.display()));
    std::fs::write(file, text).map_err(what())?;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).map_err(what())?;
    account.own(file).map_err(what())
}

fn random_password() -> String {
    format!("{:016x}{:016x}", rand::rng().next_u64(), rand::rng().next_u64())
}

fn existing_major(data: &Path) -> Option<u32> {
    std::fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// A port that nobody uses right now.
fn free_port() -> Result<u16, PostgresError> {
    let listener =
        std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(PostgresError::io("looking for a free port"))?;
    Ok(listener.local_addr().map_err(PostgresError::io("looking for a free port"))?.port())
}

/// A new cluster, made beside its place and moved there whole: an interrupted start leaves nothing half done.
fn create(binaries: &Binaries, account: Account, home: &Path, mode: Mode) -> Result<(), PostgresError> {
    let unfinished = home.join("data.unfinished");
    let _ = std::fs::remove_dir_all(&unfinished);
    let mut command = Command::new(binaries.program("initdb"));
    command.args(["--username=postgres", "--encoding=UTF8", "--locale=C", "--no-instructions"]);
    // The password never leaves this machine, and checking it in clear costs the client nothing; stored it is hashed.
    command.args(["--auth=password", "--pwfile"]).arg(home.join("password")).arg("-D").arg(&unfinished);
    if mode == Mode::Ephemeral {
        command.arg("--no-sync");
    }
    run(&mut command, account, home, "initdb")?;
    let config = unfinished.join("postgresql.conf");
    let text = std::fs::read_to_string(&config).map_err(PostgresError::io("reading postgresql.conf"))?;
    write_private(&config, &format!("{text}\ninclude 'onsale.conf'\n"), account)?;
    std::fs::rename(&unfinished, home.join("data")).map_err(PostgresError::io("moving the new cluster into place"))
}

/// A killed stack may have left its server; its guardian may be stopping it at this very moment.
fn stop_left_over(binaries: &Binaries, account: Account, data: &Path) -> Result<(), PostgresError> {
    let pg_ctl = || {
        let mut command = Command::new(binaries.program("pg_ctl"));
        command.arg("-D").arg(data);
        command
    };
    let running =
        account.run(pg_ctl().arg("status")).current_dir(data).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if running.map_err(PostgresError::io("starting pg_ctl"))?.success() {
        let stopped = run(pg_ctl().args(["stop", "-w", "-m", "fast"]), account, data, "pg_ctl stop");
        // It may have stopped between the two commands.
        if data.join("postmaster.pid").exists() {
            stopped?;
        }
    }
    Ok(())
}

/// Like [`stop_left_over`] for a cluster that nobody needs again, whatever version made it.
fn kill_left_over(account: Account, data: &Path) {
    let pid = std::fs::read_to_string(data.join("postmaster.pid"))
        .ok()
        .and_then(|text| text.lines().next().map(str::to_owned));
    if let Some(pid) = pid {
        // SIGQUIT is Postgres' immediate shutdown; as its own account, so that a reused number cannot hit others.
        let _ = account.run(Command::new("kill").args(["-QUIT", &pid])).stderr(Stdio::null()).status();
        for _ in 0..50 {
            if !data.join("postmaster.pid").exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn guard(binaries: &Binaries, account: Account, home: &Path, port: u16, mode: Mode) -> Result<Child, PostgresError> {
    let mut command = Command::new("sh");
    command.arg("-c").arg(GUARDIAN).arg("onsale-postgres-guardian").arg(binaries.program("pg_ctl")).arg(home);
    command.arg(port.to_string()).arg(if mode == Mode::Durable { "fast" } else { "immediate" });
    // A group of its own: Ctrl-C in the terminal is for the stack, which then lets go of the guardian.
    account.run(&mut command).current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(PostgresError::io("starting sh"))
}

fn run(command: &mut Command, account: Account, folder: &Path, program: &'static str) -> Result<(), PostgresError> {
    let output = account.run(command).current_dir(folder).stdin(Stdio::null()).output();
    let output = output.map_err(PostgresError::io(format!("starting {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(PostgresError::Program { program, output: String::from_utf8_lossy(&text).trim().to_owned() })
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let mut text = String::new();
    let _ = std::fs::File::open(log).and_then(|mut file| file.read_to_string(&mut text));
    let lines: Vec<&str> = text.lines().rev().take(10).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
