//! What somebody notices who uses the deployed shop.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use local::{environment, pooler::Pooler, postgres::Cluster, s3};
use serde_json::{Value, json};
use shop::{
    config::Config,
    ctx::Ctx,
    port::{
        db::{Db, Query as _},
        queue::{Queue, Queues},
    },
    routes::ROUTES,
};
use tests::shop::{Buyer, code_of, document, http_client, make_organizer};

use crate::{
    emulator::{Emulator, Tools, run},
    eventually,
};

/// The stage's name, and where it is.
pub const STAGE: &str = "trial";
pub const REGION: &str = "eu-central-1";
/// An emulator takes about 100 ms a call, and its poller looks once in a second.
const SOON: Duration = Duration::from_secs(60);

/// Everything that is up, and what the deploy has said.
pub struct Deployed {
    pub tools: Tools,
    pub emulator: Emulator,
    pub folder: PathBuf,
    /// The built functions.
    pub functions: PathBuf,
    /// The address of the shop, once there is one.
    pub url: OnceLock<String>,
    token: OnceLock<String>,
    /// Address of the database for functions, and for us.
    pub pooled_url: String,
    pub direct_url: String,
    _pooler: Pooler,
    _cluster: Cluster,
}

impl Deployed {
    /// Builds the functions and starts what a deploy needs.
    pub async fn prepare() -> Self {
        let target = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        let folder = std::env::temp_dir().join(format!("onsale-deployed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let tools = Tools::prepare(target.parent().unwrap());
        let functions = folder.join("functions");
        match environment::variable("ONSALE_FUNCTIONS") {
            Some(built) => take_functions(Path::new(&built), &functions),
            None => build_functions(&target, &functions),
        }
        let cluster = Cluster::start_ephemeral().await.unwrap();
        cluster.create_database("onsale").await.unwrap();
        let direct_url = cluster.url("onsale");
        let pooler = Pooler::start(&direct_url, 20).unwrap();
        let emulator = Emulator::start(&tools, &folder, REGION).await;
        let pooled_url = pooler.url("onsale");
        let (url, token) = (OnceLock::new(), OnceLock::new());
        Self {
            tools,
            emulator,
            folder,
            functions,
            url,
            token,
            pooled_url,
            direct_url,
            _pooler: pooler,
            _cluster: cluster,
        }
    }

    /// A client that finds the addresses that the emulator gives: names below `localhost`.
    pub fn client(&self) -> reqwest::ClientBuilder {
        let address = SocketAddr::from(([127, 0, 0, 1], self.emulator.port));
        let host = self.url.get().unwrap().split("//").nth(1).unwrap().split(':').next().unwrap();
        http_client().resolve(host, address).timeout(Duration::from_secs(60))
    }

    pub fn buyer(&self) -> Buyer {
        Buyer::with(self.client(), self.url.get().unwrap())
    }

    pub async fn db(&self) -> Db {
        Db::connect(&self.direct_url, None).await.unwrap()
    }

    /// A number out of the database.
    pub async fn number(&self, sql: &'static str) -> i64 {
        self.db().await.one(sql, &[]).await.unwrap().get("number").unwrap()
    }

    fn config(&self) -> Config {
        let set = |name: &str| match name {
            "DATABASE_URL" => self.direct_url.clone(),
            "AWS_ENDPOINT_URL" => self.emulator.url.clone(),
            "AWS_REGION" => REGION.to_owned(),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "test".to_owned(),
            "QUEUE_URL_PREFIX" => format!("{}/000000000000/onsale-{STAGE}-", self.emulator.url),
            "MEDIA_BUCKET" => s3::BUCKET.to_owned(),
            "MAIL_URL" => "ses:".to_owned(),
            "MAIL_FROM" => "tickets@example.org".to_owned(),
            "PUBLIC_URL" => self.url.get().unwrap().clone(),
            "SECRET_KEY" => "-".repeat(32),
            _ => String::new(),
        };
        Config::from_lookup(|name| Some(set(name))).unwrap()
    }

    /// The queues, as an administrator.
    pub fn queues(&self) -> Queues {
        Queues::new(&self.config())
    }

    /// An organiser with an event, and a token.
    pub async fn import_event(&self) {
        let ctx = Ctx::new(self.config());
        let token = make_organizer(&ctx, "org", &["*"]).await;
        let mut db = ctx.db().await.unwrap();
        let tx = db.begin().await.unwrap();
        let mut event = document(1000);
        event["organizer"] = json!({ "slug": "org" });
        let imported = local::seed::import(&tx, &event, ctx.now()).await;
        tx.finish(imported).await.unwrap();
        self.token.set(token).unwrap();
    }

    /// Calls the API with the token.
    pub async fn api(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}/api/v1/organizers/{path}", self.url.get().unwrap());
        let request = self.client().build().unwrap().request(method, url);
        let request = request.header("authorization", format!("Token {}", self.token.get().unwrap()));
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
    }

    /// The id of an item of the event.
    async fn item(&self, name: &str) -> i64 {
        let sql = "select id as number from item where name #>> '{}' = $1 or name ->> 'en' = $1";
        self.db().await.one(sql, &[shop::port::db::p(&name)]).await.unwrap().get("number").unwrap()
    }

    /// Mails that the emulated SES has taken: recipients and the text of the message.
    async fn mails(&self) -> Vec<Value> {
        let answer =
            http_client().build().unwrap().get(format!("{}/_ministack/ses/messages", self.emulator.url)).send();
        let body: Value = serde_json::from_str(&answer.await.unwrap().text().await.unwrap()).unwrap();
        body["messages"].as_object().unwrap().values().flat_map(|list| list.as_array().unwrap().clone()).collect()
    }

    /// Waits for a mail to an order's buyer that contains a word.
    async fn mail_with(&self, word: &str) -> Value {
        eventually(&format!("a mail with {word}"), SOON, async || {
            self.mails().await.into_iter().find(|mail| mail.to_string().contains(word))
        })
        .await
    }

    /// The last lines of what the emulator wrote.
    pub fn log_end(&self) -> String {
        let text = std::fs::read_to_string(&self.emulator.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Deployed {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Builds all functions with the profile of this program, and leaves out what only a debugger reads.
fn build_functions(target: &Path, into: &Path) {
    let cargo = environment::variable("CARGO").unwrap_or_else(|| "cargo".to_owned());
    let release = target.ends_with("release").then_some("--release");
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut build = Command::new(cargo);
    // Together with the tests: alone, the functions would have other features of what they depend on, and all is built anew.
    build.args(["build", "--quiet", "--locked", "-p", "shop", "-p", "tests"]).args(release).current_dir(workspace);
    build.args(tests::infra::functions().into_iter().flat_map(|name| ["--bin", name]));
    build.env("CARGO_TARGET_DIR", target.parent().unwrap());
    run(&mut build);
    for name in tests::infra::functions() {
        let folder = into.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        run(Command::new("strip").arg("-o").arg(folder.join("bootstrap")).arg(target.join(name)));
    }
}

/// Takes functions that are built already, as FOLDER/FUNCTION/bootstrap.
fn take_functions(built: &Path, into: &Path) {
    for name in tests::infra::functions() {
        let (from, to) = (built.join(name).join("bootstrap"), into.join(name).join("bootstrap"));
        std::fs::create_dir_all(into.join(name)).unwrap();
        std::fs::copy(&from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }
}

/// Every function answers through the gateway, whoever asks: what is missing or not allowed is said, and nothing breaks.
pub async fn no_route_fails(deployed: &Deployed) -> String {
    let client = deployed.client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for route in ROUTES {
        let path = route.path.replace("{organizer}", "org").replace("{event}", "gig");
        let path = if path == "$default" { "/nothing/here/at/all".to_owned() } else { path.replace(['{', '}'], "") };
        let method = if route.method == "ANY" { "GET" } else { route.method };
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let answer = client.request(method, format!("{}{path}", deployed.url.get().unwrap())).send().await.unwrap();
        assert!(answer.status().as_u16() < 500, "{} {path}: {}", route.method, answer.status());
        let policy = answer.headers().contains_key("content-security-policy") || path.starts_with("/api/");
        assert!(policy, "{} {path} came from somewhere else than the shop", route.method);
    }
    format!("{} routes", ROUTES.len())
}

pub async fn free_sale(deployed: &Deployed) -> String {
    let buyer = deployed.buyer();
    let order = buyer.buy(&[("Seat", 1)], None).await;
    let code = code_of(&order).to_owned();
    deployed.mail_with(&code).await;
    let signed = eventually("the ticket is drawn", SOON, async || buyer.ticket(&order).await).await;
    let file = http_client().build().unwrap().get(&signed).send().await.unwrap();
    assert_eq!(file.status().as_u16(), 200, "{signed}");
    let bytes = file.bytes().await.unwrap();
    assert!(bytes.starts_with(b"%PDF"), "a ticket is a PDF");
    format!("order {code}, a ticket of {} KB", bytes.len() / 1024)
}

pub async fn paid_sale(deployed: &Deployed) -> String {
    let order = deployed.buyer().buy(&[("Ticket", 2)], Some("banktransfer")).await;
    let code = code_of(&order);
    let (status, body) =
        deployed.api("POST", &format!("org/events/gig/orders/{code}/mark_paid/"), Some(json!({}))).await;
    assert_eq!((status, body["status"].as_str()), (200, Some("p")), "{body}");
    eventually("both tickets are drawn", SOON, async || {
        let drawn = deployed.number("select count(*) as number from ticket_file").await;
        (drawn >= 3).then_some(())
    })
    .await;
    format!("order {code}")
}

pub async fn api(deployed: &Deployed) -> String {
    let seat = deployed.item("Seat").await;
    let body =
        json!({ "email": "ada@example.org", "locale": "en", "send_email": true, "positions": [{ "item": seat }] });
    let (status, order) = deployed.api("POST", "org/events/gig/orders/", Some(body)).await;
    assert_eq!(status, 201, "{order}");
    let code = order["code"].as_str().unwrap();
    let (status, list) = deployed.api("GET", "org/events/gig/orders/", None).await;
    assert!(status == 200 && list.to_string().contains(code), "{list}");
    let (status, cancelled) =
        deployed.api("POST", &format!("org/events/gig/orders/{code}/mark_canceled/"), Some(json!({}))).await;
    assert_eq!((status, cancelled["status"].as_str()), (200, Some("c")), "{cancelled}");
    deployed.mail_with(code).await;
    let (status, _) = deployed.api("GET", "other/events/gig/orders/", None).await;
    assert!(matches!(status, 403 | 404), "{status}");
    format!("order {code}")
}

pub async fn export(deployed: &Deployed) -> String {
    let (status, list) = deployed.api("GET", "org/events/gig/exporters/", None).await;
    assert_eq!(status, 200, "{list}");
    let name = list["results"][0]["identifier"].as_str().unwrap_or_else(|| panic!("{list}")).to_owned();
    let asked = deployed
        .api("POST", &format!("org/events/gig/exporters/{name}/run/"), Some(json!({ "_format": "default" })))
        .await;
    let (status, body) = if asked.0 == 202 {
        asked
    } else {
        deployed.api("POST", &format!("org/events/gig/exporters/{name}/run/"), Some(json!({ "_format": "xlsx" }))).await
    };
    assert_eq!(status, 202, "{body}");
    let url = body["download"].as_str().unwrap().to_owned();
    let client = deployed.client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let token = format!("Token {}", deployed.token.get().unwrap());
    let signed = eventually("the file is there", SOON, async || {
        let answer = client.get(&url).header("authorization", &token).send().await.unwrap();
        answer.headers().get("location").map(|location| location.to_str().unwrap().to_owned())
    })
    .await;
    let file = http_client().build().unwrap().get(signed).send().await.unwrap();
    assert_eq!(file.status().as_u16(), 200);
    format!("{name}, {} bytes", file.bytes().await.unwrap().len())
}

/// How many messages a queue has.
pub async fn depth(queues: &Queues, url: &str) -> i64 {
    let name = aws_sdk_sqs::types::QueueAttributeName::ApproximateNumberOfMessages;
    let answer = queues.client().get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
    answer.unwrap().attributes().and_then(|all| all.get(&name)).and_then(|number| number.parse().ok()).unwrap()
}

pub async fn poison(deployed: &Deployed) -> String {
    let queues = deployed.queues();
    for queue in Queue::ALL {
        assert_eq!(queues.send(queue, &["this is no message".to_owned()]).await.len(), 1);
    }
    // Two tries, a minute apart where the plan of the queue says so.
    for queue in Queue::ALL {
        let dead = format!("{}-dead", queues.url(queue));
        eventually(&dead, Duration::from_secs(180), async || (depth(&queues, &dead).await == 1).then_some(())).await;
    }
    format!("{} queues", Queue::ALL.len())
}

pub async fn schedule(deployed: &Deployed) -> String {
    let order = deployed.buyer().buy(&[("Ticket", 1)], Some("banktransfer")).await;
    let code = code_of(&order).to_owned();
    let db = deployed.db().await;
    let overdue = format!("update orders set expires_at = now() - interval '3 days' where code = '{code}'");
    db.script(&overdue).await.unwrap();
    eventually("the order expires", Duration::from_secs(200), async || {
        let (_, order) = deployed.api("GET", &format!("org/events/gig/orders/{code}/"), None).await;
        (order["status"] == "e").then_some(())
    })
    .await;
    format!("order {code}")
}
