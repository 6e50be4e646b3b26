//! A shop of its own for every test: own database, own queues, own mail folder, own clock, real HTTP.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sqs::types::MessageSystemAttributeName;
use local::{
    environment, functions,
    gateway::{Gateway, pool::Pool},
    mailbox::{Mail, Mailbox},
    pooler::Pooler,
    postgres::Cluster,
    s3,
    server::Server,
    sqs,
};
use rand::SeedableRng as _;
use serde_json::{Value, json};
use shop::{
    config::Config,
    ctx::Ctx,
    event::{self, Event},
    port::{
        clock::Clock,
        codes::Codes,
        db::{Db, Query, p},
        queue::Queue,
    },
    staff,
    time::Timestamp,
    worker::{self, WORKERS},
};

/// What all tests share: one Postgres with a migrated template, one S3, one SQS. It lives on a runtime of its own,
/// because every test has another one that ends with it.
/// With `ONSALE_TEST_POOLER=1` everything but preparations goes through a pooler in transaction mode.
struct World {
    runtime: tokio::runtime::Runtime,
    cluster: Cluster,
    pooler: Option<Pooler>,
    s3: Server,
    sqs: Server,
    folder: PathBuf,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // Tests start inside a runtime, which may not wait for another one; a thread of its own may.
    std::thread::spawn(move || {
        let folder = std::env::temp_dir().join(format!("onsale-tests-{}", std::process::id()));
        let (cluster, pooler, s3, sqs) = runtime.block_on(async {
            let cluster = Cluster::start_ephemeral().await.unwrap();
            cluster.create_database("template").await.unwrap();
            let mut db = Db::connect(&cluster.url("template"), None).await.unwrap();
            shop::migrate::run(&mut db).await.unwrap();
            let pooled = environment::variable("ONSALE_TEST_POOLER").is_some();
            let pooler = pooled.then(|| Pooler::start(&cluster.url("template"), POOL).unwrap());
            (cluster, pooler, s3::start(&folder).await.unwrap(), sqs::start().await.unwrap())
        });
        World { runtime, cluster, pooler, s3, sqs, folder }
    })
    .join()
    .unwrap()
});

/// Connections to each test's database, if there is a pooler: fewer than buyers.
const POOL: u32 = 8;

impl World {
    fn url(&self, database: &str) -> String {
        self.pooler.as_ref().map_or_else(|| self.cluster.url(database), |pooler| pooler.url(database))
    }
}

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A shop for one test.
pub struct TestShop {
    /// Where its gateway listens.
    pub url: String,
    /// Moves time for everybody in this shop.
    pub clock: &'static Clock,
    /// A sandbox outside the gateway's pool, for looking into the database and for workers.
    pub ctx: &'static Ctx,
    /// A token of a team with all rights.
    pub token: String,
    variables: HashMap<&'static str, String>,
    direct_url: String,
    mails: Mailbox,
    _gateway: Server,
}

/// How many requests the gateway of a test shop handles at once.
const SANDBOXES: usize = 32;

impl TestShop {
    /// A shop with the organiser `org` and no event yet.
    pub async fn empty() -> Self {
        Self::with_sandboxes(SANDBOXES).await
    }

    /// Like [`TestShop::empty`], with so many requests at once.
    pub async fn with_sandboxes(sandboxes: usize) -> Self {
        let world = &*WORLD;
        let database = format!("shop_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let clone = database.clone();
        world
            .runtime
            .spawn(async move { WORLD.cluster.clone_database("template", &clone).await.unwrap() })
            .await
            .unwrap();
        let direct_url = world.cluster.url(&database);
        Self { direct_url, ..Self::on(world.url(&database), sandboxes).await }
    }

    /// A shop on a database that is migrated and empty.
    pub async fn on(database_url: String, sandboxes: usize) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let world = &*WORLD;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mails = world.folder.join(format!("mail-{number}"));
        let prefix = format!("{}/{}/test{number}-", world.sqs.url(), sqs::ACCOUNT);
        let variables = HashMap::from([
            ("DATABASE_URL", database_url.clone()),
            ("AWS_REGION", sqs::REGION.to_owned()),
            ("AWS_ENDPOINT_URL_S3", world.s3.url()),
            ("AWS_ENDPOINT_URL_SQS", world.sqs.url()),
            ("AWS_ACCESS_KEY_ID", s3::ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", s3::SECRET_ACCESS_KEY.to_owned()),
            ("QUEUE_URL_PREFIX", prefix),
            ("MEDIA_BUCKET", s3::BUCKET.to_owned()),
            ("MAIL_URL", format!("folder:{}", mails.display())),
            ("MAIL_FROM", "tickets@example.org".to_owned()),
            ("PUBLIC_URL", url.clone()),
            ("SECRET_KEY", "a key for tests only, long enough".to_owned()),
            // Nothing waits for its turn here.
            ("MAILS_PER_SECOND", "100000".to_owned()),
            ("WEBHOOK_PRIVATE_ADDRESSES", "127.0.0.1".to_owned()),
        ]);
        let config = Config::from_lookup(|name| variables.get(name).cloned()).unwrap();
        let clock: &'static Clock = Box::leak(Box::default());
        let sandbox = || -> &'static Ctx { Box::leak(Box::new(Ctx::with(config.clone(), clock, Codes::random()))) };
        let ctx = sandbox();
        for queue in Queue::ALL {
            let create =
                ctx.queues().await.client().create_queue().queue_name(format!("test{number}-{}", queue.name()));
            create.send().await.unwrap();
        }
        let pool = Pool::new((0..sandboxes).map(|_| sandbox()).collect(), 1000);
        let gateway = Gateway::new(functions::entries(&pool), None).with_files(sandbox()).serve(listener).unwrap();
        let token = make_organizer(ctx, "org", &["*"]).await;
        Self {
            url,
            clock,
            ctx,
            token,
            variables,
            direct_url: database_url,
            mails: Mailbox::new(mails),
            _gateway: gateway,
        }
    }

    /// A shop with the event `org/gig`: a free `seat`-only quota of `places` and a bank transfer ticket.
    pub async fn with_places(places: i64) -> Self {
        let shop = Self::empty().await;
        shop.import(&document(places)).await;
        shop
    }

    /// Imports an event for `org`; panics if the document is refused.
    pub async fn import(&self, document: &Value) {
        self.import_for("org", document).await;
    }

    /// Imports an event for an organiser; panics if the document is refused.
    pub async fn import_for(&self, organizer: &str, document: &Value) {
        let mut db = self.ctx.db().await.unwrap();
        let organizer = event::find_organizer(&*db, organizer).await.unwrap().unwrap();
        let tx = db.begin().await.unwrap();
        let imported = event::import::import(&tx, organizer.id, document, self.ctx.now()).await;
        tx.finish(imported).await.unwrap();
    }

    /// One more sandbox: it has its own connection.
    pub fn sandbox(&self) -> &'static Ctx {
        Box::leak(Box::new(self.sandbox_at(self.database_url(), self.clock)))
    }

    /// A sandbox with its own clock that reaches the database at another address.
    pub fn sandbox_at(&self, database_url: &str, clock: &'static Clock) -> Ctx {
        self.sandbox_with("DATABASE_URL", database_url, clock)
    }

    /// A sandbox with its own clock that has another value for one variable.
    pub fn sandbox_with(&self, variable: &str, value: &str, clock: &'static Clock) -> Ctx {
        let lookup = |name: &str| match name {
            _ if name == variable => Some(value.to_owned()),
            _ => self.variables.get(name).cloned(),
        };
        Ctx::with(Config::from_lookup(lookup).unwrap(), clock, Codes::random())
    }

    /// What its functions read from their environment.
    pub fn variables(&self) -> &HashMap<&'static str, String> {
        &self.variables
    }

    /// The event `org/gig`.
    pub async fn gig(&self) -> Event {
        event::find(&*self.ctx.db().await.unwrap(), "org", "gig").await.unwrap().unwrap()
    }

    /// A buyer with an empty cookie jar.
    pub fn buyer(&self) -> Buyer {
        Buyer::visiting(&self.url)
    }

    /// An API call with a token, below an organiser.
    pub async fn api(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
        self.api_at(method, &format!("/api/v1/organizers/{path}"), token, body).await
    }

    /// An API call with a token, at any path.
    pub async fn api_at(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = http_client().build().unwrap().request(method, format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header("authorization", format!("Token {token}"));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
    }

    /// Runs the workers until all queues are empty; returns how many messages were handled. Failed ones stay invisible.
    pub async fn work(&self) -> usize {
        let mut handled = 0;
        loop {
            let mut found = 0;
            for worker in WORKERS {
                found += self.work_one_batch(worker).await;
            }
            handled += found;
            if found == 0 {
                return handled;
            }
        }
    }

    async fn work_one_batch(&self, worker: &worker::Worker) -> usize {
        let queues = self.ctx.queues().await;
        let (client, url) = (queues.client(), queues.url(worker.queue));
        let receive = client.receive_message().queue_url(&url).max_number_of_messages(10);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        let received = receive.send().await.unwrap();
        let messages = received.messages.unwrap_or_default();
        let mut event = SqsEvent::default();
        for message in &messages {
            let mut record = SqsMessage::default();
            record.message_id = message.message_id.clone();
            record.body = message.body.clone();
            record.receipt_handle = message.receipt_handle.clone();
            record.event_source_arn = Some(format!("arn:aws:sqs:::test-{}", worker.queue.name()));
            let attributes = message.attributes().into_iter().flatten();
            record.attributes = attributes.map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect();
            event.records.push(record);
        }
        let answer = worker::run(self.ctx, worker, event).await;
        for message in &messages {
            let id = message.message_id().unwrap_or_default();
            if !answer.batch_item_failures.iter().any(|failure| failure.item_identifier == id) {
                let handle = message.receipt_handle().unwrap_or_default();
                client.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
            }
        }
        messages.len()
    }

    /// Loses everything that waits in the queues, as a restart of the local stack does.
    pub async fn lose_queues(&self) {
        for queue in Queue::ALL {
            let queues = self.ctx.queues().await;
            queues.client().purge_queue().queue_url(queues.url(queue)).send().await.unwrap();
        }
    }

    /// Mails that were handed over so far, the newest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.mails()
    }

    /// The quotas' counters as (paid, pending, carts), by name of the quota; they must equal the recount.
    pub async fn counters(&self) -> HashMap<String, (i64, i64, i64)> {
        let event = self.gig().await.id;
        let db = self.ctx.db().await.unwrap();
        let drifted = shop::boxoffice::audit::drifted_quotas(&*db, event).await.unwrap();
        assert!(drifted.is_empty(), "counters of quotas {drifted:?} differ from their rows");
        let drifted = shop::boxoffice::audit::drifted_vouchers(&*db, event).await.unwrap();
        assert!(drifted.is_empty(), "counters of vouchers {drifted:?} differ from their rows");
        let sql = "select q.name, c.paid, c.pending, c.carts from quota q join quota_counter c on c.quota_id = q.id
                    where q.event_id = $1";
        let rows = db.query(sql, &[p(&event)]).await.unwrap();
        let read = |row: &shop::port::db::Row| {
            let number = |column: &str| row.get::<i64>(column).unwrap();
            (row.get::<String>("name").unwrap(), (number("paid"), number("pending"), number("carts")))
        };
        rows.iter().map(read).collect()
    }

    /// The address of this shop's database without a pooler, for statements that are named.
    pub fn direct_url(&self) -> &str {
        &self.direct_url
    }

    /// The address of this shop's database, as its functions know it.
    pub fn database_url(&self) -> &str {
        self.ctx.config().database.url.reveal()
    }

    /// A single number from the database.
    pub async fn number(&self, sql: &'static str) -> i64 {
        self.ctx.db().await.unwrap().one(sql, &[]).await.unwrap().get("number").unwrap()
    }
}

/// Creates an organiser with a team and returns the team's token.
pub async fn make_organizer(ctx: &Ctx, slug: &str, permissions: &[&str]) -> String {
    let now = ctx.now();
    let mut db = ctx.db().await.unwrap();
    let tx = db.begin().await.unwrap();
    let settings = json!({
        "payment_banktransfer_bank_details_sepa_name": "Demo e.V.",
        "payment_banktransfer_bank_details_sepa_iban": "DE89370400440532013000",
    });
    let organizer = event::create_organizer(&tx, slug, &format!("{slug} (demo)"), &settings, now).await.unwrap();
    let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
    let team = staff::NewTeam { organizer, name: "Box office", permissions, notify_orders: true };
    let team = staff::create_team(&tx, &team).await.unwrap();
    let email = format!("team@{slug}.example");
    let user = staff::NewUser { organizer, team, email: &email, full_name: "Demo", locale: "en" };
    staff::create_user(&tx, &user, now).await.unwrap();
    let token = staff::NewToken { organizer, team, name: "tests" };
    let token = staff::create_token(
        &tx,
        &token,
        now,
        &mut rand::rngs::StdRng::seed_from_u64(u64::from(NEXT.fetch_add(1, Ordering::Relaxed))),
    )
    .await;
    tx.finish(token).await.unwrap()
}

/// One more token of an organiser, with all rights.
pub async fn make_token(ctx: &Ctx, slug: &str) -> String {
    let (now, mut db) = (ctx.now(), ctx.db().await.unwrap());
    let organizer = event::find_organizer(&*db, slug).await.unwrap().unwrap().id;
    let tx = db.begin().await.unwrap();
    let permissions = vec!["*".to_owned()];
    let team = staff::NewTeam { organizer, name: "Others", permissions, notify_orders: false };
    let team = staff::create_team(&tx, &team).await.unwrap();
    let token = staff::NewToken { organizer, team, name: "other" };
    let token = staff::create_token(&tx, &token, now, &mut random()).await;
    tx.finish(token).await.unwrap()
}

/// A generator of its own for every token.
pub fn random() -> rand::rngs::StdRng {
    rand::rngs::StdRng::seed_from_u64(u64::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// An event with two products: a free `Seat` (item 1, quota "seats" of `places`) and a `Ticket` for 23.00 (item 2,
/// quota "tickets" of `places`), sold now.
pub fn document(places: i64) -> Value {
    json!({
        "event": {
            "slug": "gig", "name": {"en": "The Gig", "de": "Das Konzert"}, "live": true, "currency": "EUR",
            "timezone": "Europe/Berlin", "date_from": "2999-06-01T18:00:00Z", "is_public": true
        },
        "settings": {
            "locales": ["en", "de"], "ticket_download": true, "max_items_per_order": 20, "payment_banktransfer__enabled": true,
            "payment_manual__enabled": true, "attendee_names_asked": true, "attendee_names_required": true
        },
        "tax_rules": [{"id": 1, "name": "VAT", "rate": "19.00", "price_includes_tax": true, "default": true}],
        "categories": [],
        "items": [
            {"id": 1, "name": "Seat", "default_price": "0.00", "admission": true, "personalized": false},
            {"id": 2, "name": "Ticket", "default_price": "23.00", "tax_rule": 1, "admission": true, "personalized": true}
        ],
        "quotas": [
            {"id": 1, "name": "seats", "size": places, "items": [1], "variations": []},
            {"id": 2, "name": "tickets", "size": places, "items": [2], "variations": []}
        ],
        "questions": []
    })
}

/// Somebody with a browser: cookies, no script.
#[derive(Clone)]
pub struct Buyer {
    /// The client.
    pub http: reqwest::Client,
    url: String,
    base: String,
}

/// A page as the buyer got it.
#[derive(Debug)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// Where it leads, for redirects.
    pub location: Option<String>,
    /// The HTML.
    pub html: String,
}

impl Page {
    /// Value of the first hidden field of that name.
    pub fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let from =
            self.html.find(&start).unwrap_or_else(|| panic!("no hidden field {name} in {}", self.html)) + start.len();
        self.html[from..].split('"').next().unwrap().to_owned()
    }

    /// Whether the page says something.
    pub fn says(&self, text: &str) -> bool {
        self.html.contains(text)
    }
}

impl Buyer {
    /// The same browser at another shop, such as `/org/gig/`.
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// Somebody who looks at the event `org/gig` of a site, with an empty cookie jar.
    pub fn visiting(url: &str) -> Self {
        Self::with(http_client(), url)
    }

    /// The same, with a client that knows more of the way there.
    pub fn with(client: reqwest::ClientBuilder, url: &str) -> Self {
        let http = client.cookie_store(true).redirect(reqwest::redirect::Policy::none());
        Self { http: http.build().unwrap(), url: url.to_owned(), base: "/org/gig/".to_owned() }
    }

    /// Opens a path of the site.
    pub async fn get(&self, path: &str) -> Page {
        self.read(self.http.get(format!("{}{path}", self.url))).await
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.read(self.http.post(format!("{}{path}", self.url)).form(fields)).await
    }

    /// Sends a form with further headers.
    pub async fn post_with(&self, headers: &[(&str, &str)], path: &str, fields: &[(String, String)]) -> Page {
        let request = self.http.post(format!("{}{path}", self.url)).form(fields);
        self.read(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// What a request of the browser's client leads to.
    pub async fn read(&self, request: reqwest::RequestBuilder) -> Page {
        let response = request.send().await.unwrap();
        let location =
            response.headers().get("location").map(|value| value.to_str().unwrap().replacen(&self.url, "", 1));
        Page { status: response.status().as_u16(), location, html: response.text().await.unwrap() }
    }

    /// The shop page.
    pub async fn shop(&self) -> Page {
        self.get(&self.base).await
    }

    /// The field of a product in the shop's form, by the product's name: a number, or a check box for the last one.
    pub fn field(page: &Page, product: &str) -> String {
        let labels = [format!("Number of {product}\""), format!("Select<span class=\"sr\"> – {product}<")];
        let at = labels.iter().find_map(|label| page.html.find(label));
        let at = at.unwrap_or_else(|| panic!("{product} is not for sale here"));
        let name = page.html[..at].rfind("name=\"").unwrap() + 6;
        page.html[name..].split('"').next().unwrap().to_owned()
    }

    /// Opens the shop and fills the form of its products, without sending it.
    pub async fn fill(&self, products: &[(&str, i64)]) -> Vec<(String, String)> {
        let shop = self.shop().await;
        let tokens = ["csrf", "form_token"].map(|name| (name.to_owned(), shop.hidden(name)));
        let wanted = products.iter().map(|(name, count)| (Self::field(&shop, name), count.to_string()));
        tokens.into_iter().chain(wanted).collect()
    }

    /// Sends the form of [`Buyer::fill`] and returns the page that follows.
    pub async fn send(&self, form: &[(String, String)]) -> Page {
        let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self.post(&format!("{}cart/add", self.base), &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.html);
        self.get(&answer.location.unwrap()).await
    }

    /// Puts products into the cart and returns the page that follows.
    pub async fn add(&self, products: &[(&str, i64)]) -> Page {
        let form = self.fill(products).await;
        self.send(&form).await
    }

    /// Fills the questions step: contact and a name for every attendee that is asked for.
    pub async fn tell(&self, email: &str) -> Page {
        let path = format!("{}checkout/questions/", self.base);
        let page = self.get(&path).await;
        let names: Vec<String> = page
            .html
            .split("name=\"pos_")
            .skip(1)
            .map(|rest| format!("pos_{}", rest.split('"').next().unwrap()))
            .filter(|name| name.ends_with("_name"))
            .collect();
        let csrf = page.hidden("csrf");
        let mut fields = vec![("csrf", csrf.as_str()), ("email", email)];
        fields.extend(names.iter().map(|name| (name.as_str(), "Ada Lovelace")));
        self.post(&path, &fields).await
    }

    /// Chooses how to pay.
    pub async fn pay_by(&self, provider: &str) -> Page {
        let path = format!("{}checkout/payment/", self.base);
        let csrf = self.get(&path).await.hidden("csrf");
        self.post(&path, &[("csrf", &csrf), ("payment", provider)]).await
    }

    /// Looks at the order once more; returns what its form would send.
    pub async fn review(&self) -> Vec<(String, String)> {
        let page = self.get(&format!("{}checkout/confirm/", self.base)).await;
        assert_eq!(page.status, 200, "{:?} {}", page.location, page.html);
        // The form of the cart box has tokens of its own; the order's form is the one with the total.
        let form = page.html.rfind("<form class=\"final\"").expect("a form to order with");
        let form = Page { status: 200, location: None, html: page.html[form..].to_owned() };
        ["csrf", "form_token", "total"].map(|name| (name.to_owned(), form.hidden(name))).to_vec()
    }

    /// Sends the form of [`Buyer::review`].
    pub async fn order(&self, form: &[(String, String)]) -> Page {
        let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(&format!("{}checkout/confirm/", self.base), &fields).await
    }

    /// Buys products from the first page to the last and returns the path of the order.
    pub async fn buy(&self, products: &[(&str, i64)], provider: Option<&str>) -> String {
        self.add(products).await;
        self.tell("ada@example.org").await;
        if let Some(provider) = provider {
            self.pay_by(provider).await;
        }
        let form = self.review().await;
        let answer = self.order(&form).await;
        assert_eq!(answer.status, 303, "{}", answer.html);
        answer.location.unwrap().split('?').next().unwrap().to_owned()
    }

    /// The address of the first ticket's file of an order, once it is drawn.
    pub async fn ticket(&self, order: &str) -> Option<String> {
        let page = self.get(&format!("{order}download/1/pdf/")).await;
        assert!(matches!(page.status, 200 | 303), "{}", page.html);
        page.location
    }
}

/// An HTTP client. Only plain HTTP is spoken here, but the client wants to know its TLS before it says so.
pub fn http_client() -> reqwest::ClientBuilder {
    static TLS: LazyLock<()> = LazyLock::new(|| {
        // Whoever was first has chosen the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    LazyLock::force(&TLS);
    reqwest::Client::builder()
}

/// A moment in ISO 8601.
pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The code in the path of an order.
pub fn code_of(order_path: &str) -> &str {
    order_path.split("/order/").nth(1).unwrap().split('/').next().unwrap()
}
