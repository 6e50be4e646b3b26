//! The local program, killed at bad moments: what was promised to a buyer is kept by the next start, once.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};

use local::mailbox::{Mail, Mailbox};
use shop::port::db::{Db, Query};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

use crate::shop::{Buyer, document};

/// How long a start may take on a machine that does other things too.
const START_MAX: Duration = Duration::from_secs(10);
/// The same for the first start in a folder, which makes a database.
const FIRST_START_MAX: Duration = Duration::from_secs(60);
/// How long what happens by itself may take.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_shop_keeps_its_promises_once() {
    let folder = Folder::new();
    let without_workers = Program::start(&folder, &["--without-workers"], FIRST_START_MAX).await;
    import(&folder).await;
    Buyer::visiting(&without_workers.shop_url).buy(&[("Seat", 1)], None).await;
    without_workers.kill().await;
    assert!(folder.mails().is_empty(), "nobody was there to send it");

    // At once, so that it meets the database server that the killed one has left.
    let second = Program::start(&folder, &[], START_MAX).await;
    eventually("the mail is sent", async || folder.mails().len() == 1 && second.mail_attempts().await == Some(1)).await;
    let address = second.database();
    second.kill().await;
    eventually("the database server ends by itself", async || TcpStream::connect(address).await.is_err()).await;
    let sent = folder.mails().remove(0);
    assert_eq!((sent.to.as_str(), sent.attachments.len()), ("ada@example.org", 1));

    let third = Program::start(&folder, &[], START_MAX).await;
    eventually("the relay has looked", async || third.is_idle().await).await;
    let mails = folder.mails();
    assert_eq!((mails.len(), mails[0].received), (1, sent.received), "not sent again");
    assert_eq!(third.mail_attempts().await, Some(1));
    third.stop().await;
}

/// Imports `org/gig` with the program's own command, beside the one that runs.
async fn import(folder: &Folder) {
    let mut event = document(5);
    event["organizer"] = serde_json::json!({"slug": "org", "name": "Org (demo)"});
    let file = folder.0.join("event.json");
    std::fs::write(&file, event.to_string()).unwrap();
    let output = program(folder).arg("import").arg(file).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
}

async fn eventually(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !happened().await {
        assert!(begun.elapsed() < SOON, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A data folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("onsale-crash-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// What the program last said on standard error.
    fn words(&self) -> PathBuf {
        self.0.join("stderr")
    }

    fn mails(&self) -> Vec<Mail> {
        Mailbox::new(self.0.join("mail")).mails()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The running program.
struct Program {
    child: Child,
    shop_url: String,
    database_url: String,
}

impl Program {
    /// Starts the program on `folder` and waits until it says where it is.
    async fn start(folder: &Folder, words: &[&str], within: Duration) -> Self {
        let begun = Instant::now();
        let mut child = program(folder)
            .args(["--port", "0"])
            .args(words)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.words()).unwrap())
            .kill_on_drop(true)
            .spawn()
            .expect("the program can be run");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut shop_url, mut database_url) = (None, None);
        while let Some(line) = lines.next_line().await.unwrap() {
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["Mailbox", url] => shop_url = url.find("/_local").map(|end| url[..end].to_owned()),
                ["Database", url] => database_url = Some((*url).to_owned()),
                ["Ctrl-C", ..] => break,
                _ => {}
            }
        }
        // Whoever stops reading closes the pipe, and the program's last words must not fail.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let took = begun.elapsed();
        assert!(took < within, "the start took {took:?}");
        let (Some(shop_url), Some(database_url)) = (shop_url, database_url) else {
            panic!("the program does not start: {}", std::fs::read_to_string(folder.words()).unwrap())
        };
        Self { child, shop_url, database_url }
    }

    /// SIGKILL: nothing of the program runs any more.
    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, which ends it in order.
    async fn stop(mut self) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        assert!(self.child.wait().await.unwrap().success());
    }

    /// Where its database server listens.
    fn database(&self) -> SocketAddr {
        let address = self.database_url.split('@').nth(1).and_then(|rest| rest.split('/').next());
        address.unwrap().parse().unwrap()
    }

    /// How often the only mail was tried, once it is recorded as sent.
    async fn mail_attempts(&self) -> Option<i64> {
        let sent = "select attempts::bigint as number from mail where state = 'sent'";
        let db = Db::connect(&self.database_url, None).await.unwrap();
        db.opt(sent, &[]).await.unwrap().map(|row| row.get("number").unwrap())
    }

    /// Whether all messages are handled, and no mail waits.
    async fn is_idle(&self) -> bool {
        let open = "select (select count(*) from outbox) + (select count(*) from mail where state <> 'sent') as number";
        let db = Db::connect(&self.database_url, None).await.unwrap();
        // The periodic messages of the start have no rows; they are handled within a moment.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let number: i64 = db.one(open, &[]).await.unwrap().get("number").unwrap();
        number == 0
    }
}

/// The program on a data folder, without the settings of whoever runs the tests.
fn program(folder: &Folder) -> Command {
    let mut command = Command::new(built());
    command.env("ONSALE_DATA", &folder.0).stdin(Stdio::null());
    for name in local::stack::VARIABLES {
        command.env_remove(name);
    }
    command
}

/// The program of this workspace, which `cargo test --workspace` puts beside this test. Panics if it is missing or old.
fn built() -> PathBuf {
    let program = std::env::current_exe().unwrap().parent().unwrap().with_file_name("local");
    assert!(is_current(&program), "{} is missing or old: run `cargo test --workspace`", program.display());
    program
}

/// Whether the program is younger than everything it is made of.
fn is_current(program: &Path) -> bool {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let made_of = ["local/src", "local/seed", "functions/src", "functions/templates", "functions/assets", "migrations"];
    let newest = made_of.iter().map(|folder| last_change(&workspace.join(folder))).max();
    changed(program).is_some_and(|built| Some(built) >= newest)
}

fn changed(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|data| data.modified()).ok()
}

/// When something in a folder was last changed.
fn last_change(folder: &Path) -> SystemTime {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let moments = entries.map(|path| if path.is_dir() { last_change(&path) } else { changed(&path).unwrap() });
    moments.max().unwrap_or(SystemTime::UNIX_EPOCH)
}
