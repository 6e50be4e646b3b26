//! Webhooks: who is told of what, signed how, how often, and where nothing is ever sent.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full};
use local::server::Server;
use serde_json::{Value, json};
use shop::outbox::{Envelope, Job, Message};

use crate::shop::{TestShop, code_of, document};

/// A program of an organiser: keeps what it is told, and answers what it was asked to.
struct Receiver {
    url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<VecDeque<http::Response<String>>>>,
    _server: Server,
}

/// One request to a receiver.
#[derive(Clone)]
struct Heard {
    path: String,
    headers: http::HeaderMap,
    body: String,
}

impl Heard {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn is_signed_with(&self, secret: &str) -> bool {
        let checker = standardwebhooks::Webhook::new(secret).unwrap();
        checker.verify(self.body.as_bytes(), &self.headers).is_ok()
    }
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (heard, answers) = (Arc::<Mutex<Vec<Heard>>>::default(), Arc::<Mutex<VecDeque<_>>>::default());
        let (keep, say) = (heard.clone(), answers.clone());
        let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let (keep, say) = (keep.clone(), say.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
                keep.lock().unwrap().push(Heard { path: parts.uri.to_string(), headers: parts.headers, body });
                let answer: http::Response<String> = say.lock().unwrap().pop_front().unwrap_or_default();
                Ok::<_, Infallible>(answer.map(|text| Full::new(bytes::Bytes::from(text))))
            }
        });
        let server = Server::start(listener, service).unwrap();
        Self { url: format!("{}/hook?a=1", server.url()), heard, answers, _server: server }
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// What it will answer, one after the other; after that 200.
    fn will_answer(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        let mut answer = http::Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        self.answers.lock().unwrap().push_back(answer.body(body.to_owned()).unwrap());
    }
}

async fn hooks(shop: &TestShop, method: &str, rest: &str, body: Option<Value>) -> (u16, Value) {
    shop.api(method, &format!("org/webhooks/{rest}"), Some(&shop.token), body).await
}

/// A webhook for all events and these actions; returns what the shop answers.
async fn add(shop: &TestShop, url: &str, actions: &[&str]) -> Value {
    let body = json!({"target_url": url, "all_events": true, "action_types": actions});
    let (status, body) = hooks(shop, "POST", "", Some(body)).await;
    assert_eq!(status, 201, "{body}");
    body
}

async fn run(shop: &TestShop, job: Job) {
    let body = Envelope::unrecorded(Message::Periodic { job }).body();
    shop.ctx.queues().await.send(shop::port::queue::Queue::Background, &[body]).await;
    shop.work().await;
}

async fn mark_paid(shop: &TestShop, order: &str) {
    let path = format!("org/events/gig/orders/{}/mark_paid/", code_of(order));
    assert_eq!(shop.api("POST", &path, Some(&shop.token), None).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_told_of_at_once_in_the_known_form_with_a_good_signature() {
    let shop = TestShop::with_places(5).await;
    let receiver = Receiver::start().await;
    let hook = add(&shop, &receiver.url, &["pretix.event.order.placed", "pretix.event.order.paid"]).await;
    let order = shop.buyer().buy(&[("Ticket", 1)], Some("banktransfer")).await;
    shop.work().await;
    mark_paid(&shop, &order).await;
    shop.work().await;
    let heard = receiver.heard();
    let actions: Vec<Value> = heard.iter().map(|heard| heard.json()["action"].clone()).collect();
    assert_eq!(actions, ["pretix.event.order.placed", "pretix.event.order.paid"]);
    let placed = &heard[0];
    let log = "select id as number from action_log where action = 'pretix.event.order.placed'";
    let expected = json!({"notification_id": shop.number(log).await, "organizer": "org", "event": "gig",
                          "code": code_of(&order), "action": "pretix.event.order.placed"});
    assert_eq!((placed.json(), placed.path.as_str()), (expected, "/hook?a=1"));
    assert_eq!(placed.header("content-type"), "application/json");
    let secret = hook["secret"].as_str().unwrap();
    assert!(heard.iter().all(|heard| heard.is_signed_with(secret)));
    assert!(!placed.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "another secret");
    // Nobody can take the body of one for that of the other.
    let mixed = Heard { body: heard[1].body.clone(), ..placed.clone() };
    assert!(!mixed.is_signed_with(secret));
    // Anybody can check the other signature, with no secret at all.
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let public = STANDARD.decode(hook["public_key"].as_str().unwrap().strip_prefix("whpk_").unwrap()).unwrap();
    let signature = placed.header("webhook-signature").split(' ').find_map(|word| word.strip_prefix("v1a,")).unwrap();
    let (id, moment) = (placed.header("webhook-id"), placed.header("webhook-timestamp"));
    let signed = format!("{id}.{moment}.{}", placed.body);
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public);
    assert!(key.verify(signed.as_bytes(), &STANDARD.decode(signature).unwrap()).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_told_with_its_ticket_and_its_list() {
    let shop = TestShop::with_places(5).await;
    let receiver = Receiver::start().await;
    add(&shop, &receiver.url, &["pretix.event.checkin"]).await;
    let code = code_of(&shop.buyer().buy(&[("Seat", 2)], None).await).to_owned();
    let api = crate::api_catalogue::Program::new(&shop, "org/");
    let list = api.add("events/gig/checkinlists/", json!({ "name": "Main" })).await;
    let second = api.get(&format!("events/gig/orders/{code}/")).await["positions"][1].clone();
    let scan = json!({ "lists": [list], "secret": second["secret"], "type": "exit" });
    api.done("POST", "checkinrpc/redeem/", scan).await;
    shop::webhook::announce(shop.ctx, shop.ctx.now()).await.unwrap();
    shop.work().await;
    let log = "select id as number from action_log where action = 'pretix.event.checkin'";
    let expected = json!({"notification_id": shop.number(log).await, "organizer": "org", "event": "gig", "code": code,
                          "action": "pretix.event.checkin", "orderposition_id": second["id"],
                          "orderposition_positionid": 2, "checkin_list": list, "type": "exit", "first_checkin": null});
    assert_eq!(receiver.heard().iter().map(Heard::json).collect::<Vec<_>>(), [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_asked_for_is_told_and_each_once() {
    let shop = TestShop::with_places(5).await;
    let mut matinee = document(5);
    matinee["event"]["slug"] = json!("matinee");
    shop.import(&matinee).await;
    let (here, paid, off, all) =
        (Receiver::start().await, Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let placed = ["pretix.event.order.placed"];
    let body = json!({"target_url": here.url, "limit_events": ["gig"], "action_types": placed});
    assert_eq!(hooks(&shop, "POST", "", Some(body)).await.0, 201);
    add(&shop, &paid.url, &["pretix.event.order.paid"]).await;
    add(&shop, &all.url, &placed).await;
    let disabled = add(&shop, &off.url, &placed).await["id"].to_string();
    assert_eq!(hooks(&shop, "DELETE", &format!("{disabled}/"), None).await.0, 204);
    assert_eq!(hooks(&shop, "GET", &format!("{disabled}/"), None).await.1["enabled"], false);
    // Another organiser's receiver hears nothing of us.
    let token = crate::shop::make_organizer(shop.ctx, "other", &["*"]).await;
    let foreign = Receiver::start().await;
    let body = json!({"target_url": foreign.url, "all_events": true, "action_types": placed});
    assert_eq!(shop.api("POST", "other/webhooks/", Some(&token), Some(body)).await.0, 201);

    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.buyer().at("/org/matinee/").buy(&[("Seat", 1)], None).await;
    shop.work().await;
    // Lost and repeated messages change nothing.
    for _ in 0..3 {
        let again = Envelope::unrecorded(Message::AnnounceActions).body();
        let deliveries = (1..=5).map(|id| Message::DeliverWebhook { delivery: shop::id::DeliveryId(id) });
        let mut bodies: Vec<String> = deliveries.map(|message| Envelope::unrecorded(message).body()).collect();
        bodies.push(again);
        shop.ctx.queues().await.send(shop::port::queue::Queue::Notifications, &bodies).await;
        run(&shop, Job::RequeueWebhooks).await;
    }
    let count = |receiver: &Receiver| receiver.heard().len();
    assert_eq!((count(&here), count(&all), count(&paid), count(&off), count(&foreign)), (1, 2, 0, 0, 0));
    assert_eq!(here.heard()[0].json()["event"], "gig");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_without_any_message_is_told_by_the_job() {
    let shop = TestShop::with_places(5).await;
    let receiver = Receiver::start().await;
    add(&shop, &receiver.url, &["pretix.event.order.expired"]).await;
    shop.buyer().buy(&[("Ticket", 1)], Some("banktransfer")).await;
    shop.clock.advance_seconds(20 * 24 * 3600);
    run(&shop, Job::ExpireOrders).await;
    run(&shop, Job::RequeueWebhooks).await;
    let actions: Vec<Value> = receiver.heard().iter().map(|heard| heard.json()["action"].clone()).collect();
    assert_eq!(actions, ["pretix.event.order.expired"]);
}

/// State, tries and seconds until the next one, of the only delivery.
async fn delivery(shop: &TestShop) -> (String, i32, i64) {
    use shop::port::db::Query as _;
    let sql = "select state, attempts, retry_at from webhook_delivery";
    let row = shop.ctx.db().await.unwrap().one(sql, &[]).await.unwrap();
    let due = shop.ctx.now().seconds_until(row.get("retry_at").unwrap());
    (row.get("state").unwrap(), row.get("attempts").unwrap(), due)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_is_tried_by_plan_and_then_given_up() {
    let shop = TestShop::with_places(5).await;
    let receiver = Receiver::start().await;
    let hook = add(&shop, &receiver.url, &["pretix.event.order.placed"]).await["id"].to_string();
    // A redirect is no success and is not followed; a body is kept, but only its beginning.
    receiver.will_answer(302, &[("location", "http://127.0.0.1:1/")], "");
    receiver.will_answer(500, &[], &"x".repeat(200_000));
    receiver.will_answer(429, &[("retry-after", "7200")], "slowly");
    (0..9).for_each(|_| receiver.will_answer(503, &[], ""));
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    let plan = [5, 30, 7200, 300, 1200, 3600, 14_400, 21_600, 43_200, 86_400, 86_400];
    for (seconds, attempt) in plan.into_iter().zip(1..) {
        let (state, attempts, due) = delivery(&shop).await;
        assert_eq!((state.as_str(), attempts), ("awaiting_retry", attempt));
        assert!((seconds - 3..=seconds * 6 / 5).contains(&due), "{due} of {seconds}");
        // Neither the job nor a copy hurries it.
        run(&shop, Job::RequeueWebhooks).await;
        assert_eq!(receiver.heard().len(), usize::try_from(attempt).unwrap());
        shop.clock.advance_seconds(due + 1);
        run(&shop, Job::RequeueWebhooks).await;
    }
    assert_eq!(delivery(&shop).await.0, "failed");
    let heard = receiver.heard();
    assert_eq!(heard.len(), 12);
    let ids: std::collections::BTreeSet<&str> = heard.iter().map(|heard| heard.header("webhook-id")).collect();
    let moments: std::collections::BTreeSet<&str> =
        heard.iter().map(|heard| heard.header("webhook-timestamp")).collect();
    assert_eq!((ids.len(), moments.len()), (1, 12), "one message, signed anew for each try");

    // The log tells all of it, and a replay begins anew with the same message.
    let path = format!("{hook}/deliveries/");
    let (_, list) = hooks(&shop, "GET", &format!("{path}?state=failed"), None).await;
    assert_eq!((&list["count"], &list["results"][0]["attempts"]), (&json!(1), &json!(12)));
    let path = format!("{path}{}/", list["results"][0]["id"]);
    let (_, one) = hooks(&shop, "GET", &path, None).await;
    let codes: Vec<&Value> = one["calls"].as_array().unwrap().iter().map(|call| &call["return_code"]).collect();
    assert_eq!(&codes[..4], [302, 500, 429, 503]);
    assert_eq!(one["calls"][1]["response_body"].as_str().unwrap().len(), 64 * 1024);
    assert_eq!(one["payload"], heard[0].json());
    assert_eq!(hooks(&shop, "POST", &format!("{path}replay/"), None).await, (202, json!({"count": 1})));
    shop.work().await;
    assert_eq!(delivery(&shop).await.0, "delivered");
    let again = receiver.heard().pop().unwrap();
    assert_eq!((again.header("webhook-id"), &again.body), (heard[0].header("webhook-id"), &heard[0].body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_not_called_again() {
    let shop = TestShop::with_places(5).await;
    let receiver = Receiver::start().await;
    let hook = add(&shop, &receiver.url, &["pretix.event.order.placed"]).await["id"].to_string();
    receiver.will_answer(410, &[], "");
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    assert_eq!(delivery(&shop).await.0, "failed");
    assert_eq!(hooks(&shop, "GET", &format!("{hook}/"), None).await.1["enabled"], false);
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    assert_eq!(receiver.heard().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_and_the_old_one_sign_together_for_a_day() {
    let shop = TestShop::with_places(9).await;
    let receiver = Receiver::start().await;
    let hook = add(&shop, &receiver.url, &["pretix.event.order.placed"]).await;
    let path = format!("{}/rotate_secret/", hook["id"]);
    let (status, rotated) = hooks(&shop, "POST", &path, None).await;
    assert_eq!(status, 200);
    let (old, new) = (hook["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    assert_ne!((old, &hook["public_key"]), (new, &rotated["public_key"]));
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    let during = receiver.heard().pop().unwrap();
    assert!(during.is_signed_with(old) && during.is_signed_with(new));
    assert_eq!(during.header("webhook-signature").split(' ').count(), 4);
    let retire = "update webhook_secret set expires_at = now() - interval '1 second' where expires_at is not null";
    shop.ctx.db().await.unwrap().script(retire).await.unwrap();
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    let after = receiver.heard().pop().unwrap();
    assert!(!after.is_signed_with(old) && after.is_signed_with(new));
    // A secret is shown when it is made, and never again.
    assert_eq!(hooks(&shop, "GET", &format!("{}/", hook["id"]), None).await.1["secret"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_time_missed_can_be_told_once_more() {
    let shop = TestShop::with_places(9).await;
    let receiver = Receiver::start().await;
    let hook = add(&shop, &receiver.url, &["pretix.event.order.placed"]).await["id"].to_string();
    receiver.will_answer(500, &[], "");
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    shop.clock.advance_seconds(60);
    let between = shop.ctx.now().to_string();
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    assert_eq!(receiver.heard().len(), 2);
    let replay = async |body: Value| hooks(&shop, "POST", &format!("{hook}/replay/"), Some(body)).await;
    assert_eq!(replay(json!({"since": between})).await, (202, json!({"count": 0})), "that one was taken");
    assert_eq!(replay(json!({"until": between})).await, (202, json!({"count": 1})));
    shop.work().await;
    assert_eq!(receiver.heard().len(), 3);
    let all = json!({"since": between, "only_undelivered": false});
    assert_eq!(replay(all).await, (202, json!({"count": 1})));
    shop.work().await;
    assert_eq!(receiver.heard()[1].body, receiver.heard()[3].body);
    assert_eq!(replay(json!({"since": "yesterday"})).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_into_a_private_network() {
    let shop = TestShop::with_places(5).await;
    for url in [
        "http://10.0.0.1/",
        "https://192.168.1.1/hook",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://127.0.0.2/",
        "http://0x7f.2/",
    ] {
        let body = json!({"target_url": url, "all_events": true, "action_types": []});
        let (status, body) = hooks(&shop, "POST", "", Some(body)).await;
        assert_eq!((status, body["target_url"].is_array()), (400, true), "{url}: {body}");
    }
    // Nor when it was public when it was saved.
    let receiver = Receiver::start().await;
    let hook = add(&shop, &receiver.url, &["pretix.event.order.placed"]).await["id"].to_string();
    let port = receiver.url.rsplit(':').next().unwrap();
    let move_away = format!("update webhook set target_url = 'http://127.0.0.2:{port}'");
    shop.ctx.db().await.unwrap().script(&move_away).await.unwrap();
    shop.buyer().buy(&[("Seat", 1)], None).await;
    shop.work().await;
    assert!(receiver.heard().is_empty());
    let (_, list) = hooks(&shop, "GET", &format!("{hook}/deliveries/"), None).await;
    let (_, one) = hooks(&shop, "GET", &format!("{hook}/deliveries/{}/", list["results"][0]["id"]), None).await;
    let call = &one["calls"][0];
    assert_eq!((&call["return_code"], &call["response_body"]), (&json!(0), &json!("the address is not public")));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_saved_as_clients_know_it() {
    let shop = TestShop::with_places(5).await;
    let url = "https://198.41.0.4/hook";
    let placed = json!(["pretix.event.order.placed", "pretix.event.order.changed.*"]);
    let body = json!({"enabled": true, "target_url": url, "all_events": false, "limit_events": ["gig"],
                      "action_types": placed, "comment": "CRM", "unknown": 1});
    let (status, hook) = hooks(&shop, "POST", "", Some(body.clone())).await;
    assert_eq!(status, 201, "{hook}");
    for field in ["enabled", "target_url", "all_events", "limit_events", "action_types", "comment"] {
        assert_eq!(hook[field], body[field], "{field}");
    }
    let path = format!("{}/", hook["id"]);
    let patch = async |body: Value| hooks(&shop, "PATCH", &path, Some(body)).await;
    for (body, field) in [
        (json!({"all_events": true}), "non_field_errors"),
        (json!({"action_types": ["pretix.event.order.eaten"]}), "action_types"),
        (json!({"action_types": "pretix.event.order.paid"}), "action_types"),
        (json!({"limit_events": ["nothing"]}), "limit_events"),
        (json!({"target_url": "example.org"}), "target_url"),
        (json!({"target_url": format!("https://example.org/{}", "x".repeat(1024))}), "target_url"),
        (json!({"target_url": "http://10.1.1.1/"}), "target_url"),
        (json!({"enabled": "yes"}), "enabled"),
        (json!([]), "non_field_errors"),
    ] {
        let (status, answer) = patch(body.clone()).await;
        assert_eq!((status, answer[field].is_array()), (400, true), "{body}: {answer}");
    }
    assert_eq!(
        hooks(&shop, "GET", &path, None).await.1["limit_events"],
        json!(["gig"]),
        "what is refused changes nothing"
    );
    let (status, changed) = patch(json!({"all_events": true, "limit_events": [], "comment": null})).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&changed["all_events"], &changed["limit_events"], &changed["comment"]),
        (&json!(true), &json!([]), &json!(null))
    );
    assert_eq!(hooks(&shop, "PUT", &path, Some(json!({"enabled": true}))).await.0, 400, "PUT says everything");
    let (_, list) = hooks(&shop, "GET", "?enabled=true", None).await;
    assert_eq!((&list["count"], &list["results"][0]["id"]), (&json!(1), &hook["id"]));
    assert_eq!(hooks(&shop, "GET", "?enabled=false", None).await.1["count"], 0);
    for missing in ["999/", "x/", "999/deliveries/"] {
        assert_eq!(hooks(&shop, "GET", missing, None).await.0, 404, "{missing}");
    }
    assert_eq!(hooks(&shop, "GET", &format!("{path}deliveries/999/"), None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_receiver_costs_no_more_than_its_time() {
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let shop = TestShop::with_places(5).await;
    add(&shop, &format!("http://{}/", silent.local_addr().unwrap()), &["pretix.event.order.placed"]).await;
    shop.buyer().buy(&[("Seat", 1)], None).await;
    let begun = std::time::Instant::now();
    shop.work().await;
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_eq!(delivery(&shop).await.0, "awaiting_retry");
}
