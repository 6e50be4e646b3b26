//! Files that buyers give as answers, with a browser that runs no script.

use std::time::{Duration, Instant};

use local::{
    functions,
    gateway::{Gateway, pool::Pool},
};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use shop::{
    boxoffice::CartId,
    cart::{Attendee, PositionAnswers},
    ctx::Ctx,
    outbox::{Envelope, Job, Message},
    port::{
        db::{Db, Query as _},
        queue::Queue,
    },
    question::file,
};
use tests::proxy::{Commit, Wire, address_of};

use crate::{
    api_catalogue::Program,
    shop::{Buyer, Page, TestShop, code_of, document, http_client, make_organizer},
};

const PDF: &[u8] = b"%PDF-1.7\nmy pass\n";
const QUESTIONS: &str = "/org/gig/checkout/questions/";

/// A shop that wants a file with every seat.
async fn shop() -> TestShop {
    let shop = TestShop::empty().await;
    let mut asks = document(9);
    asks["questions"] = json!([{ "id": 1, "question": "Student card", "type": "F", "identifier": "CARD", "required": true,
                                 "items": [1] }]);
    shop.import(&asks).await;
    shop
}

/// Sends the form of the questions step as a browser does; also the files that the page offers to keep.
async fn send(shop: &TestShop, buyer: &Buyer, email: &str, file: Option<(&str, &[u8])>) -> Page {
    let page = buyer.get(QUESTIONS).await;
    assert!(page.says("enctype=\"multipart/form-data\"") && page.says("type=\"file\""), "{}", page.html);
    send_from(shop, buyer, &page, email, file).await
}

async fn send_from(shop: &TestShop, buyer: &Buyer, page: &Page, email: &str, file: Option<(&str, &[u8])>) -> Page {
    let form = form_with(page, email, file);
    buyer.read(buyer.http.post(format!("{}{QUESTIONS}", shop.url)).multipart(form)).await
}

/// The form of a page, filled in.
fn form_with(page: &Page, email: &str, file: Option<(&str, &[u8])>) -> Form {
    let field = field(page);
    let mut form = Form::new().text("csrf", page.hidden("csrf")).text("email", email.to_owned());
    if let Some(kept) = kept(page) {
        form = form.text(field.clone(), kept);
    }
    // A browser sends a field of its kind also when no file was chosen.
    let (name, bytes) = file.unwrap_or_default();
    form.part(field, Part::bytes(bytes.to_vec()).file_name(name.to_owned()))
}

/// The name of the field for the file.
fn field(page: &Page) -> String {
    let at = page.html.find("type=\"file\" id=\"").expect("a field for a file") + 16;
    page.html[at..].split('"').next().unwrap().to_owned()
}

/// What the page offers to keep.
fn kept(page: &Page) -> Option<String> {
    let at = page.html.find("value=\"file:")? + 7;
    page.html[at..].split('"').next().map(str::to_owned)
}

async fn files(shop: &TestShop) -> i64 {
    shop.number("select count(*) as number from answer_file").await
}

async fn keys(shop: &TestShop) -> Vec<String> {
    let rows = shop.ctx.db().await.unwrap().query("select object_key from answer_file", &[]).await.unwrap();
    rows.iter().map(|row| row.get("object_key").unwrap()).collect()
}

async fn sweep(shop: &TestShop) {
    let sweep = Envelope::unrecorded(Message::Periodic { job: Job::Sweep }).body();
    shop.ctx.queues().await.send(Queue::Background, &[sweep]).await;
    shop.work().await;
}

/// Where the API leads to.
async fn fetch(url: &str, token: &str) -> (u16, Vec<u8>, String) {
    let client = http_client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(url).header("authorization", format!("Token {token}")).send().await.unwrap();
    if answer.status().as_u16() != 303 {
        return (answer.status().as_u16(), Vec::new(), String::new());
    }
    let file = client.get(answer.headers()["location"].to_str().unwrap()).send().await.unwrap();
    let saved_as = file.headers()["content-disposition"].to_str().unwrap().to_owned();
    (file.status().as_u16(), file.bytes().await.unwrap().to_vec(), saved_as)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_with_the_order_and_only_its_staff_gets_it() {
    let shop = shop().await;
    let buyer = shop.buyer();
    buyer.add(&[("Seat", 1)]).await;
    let refused = send(&shop, &buyer, "ada@example.org", None).await;
    assert!(refused.status == 400 && refused.says("Please fill in this field."), "{}", refused.html);
    assert_eq!(buyer.get("/org/gig/checkout/confirm/").await.status, 303, "it is required");
    assert_eq!(send(&shop, &buyer, "ada@example.org", Some(("C:\\my \"pass\".PDF", PDF))).await.status, 303);
    let confirm = buyer.get("/org/gig/checkout/confirm/").await;
    assert!(confirm.says("Student card") && confirm.says(".pdf"), "{}", confirm.html);
    assert!(!confirm.says("file:"), "{}", confirm.html);
    let form = buyer.review().await;
    let order = buyer.order(&form).await.location.unwrap();
    let code = code_of(&order).to_owned();

    let told = Program::new(&shop, "org/events/gig/").get(&format!("orders/{code}/")).await;
    let position = &told["positions"][0];
    let url = position["answers"][0]["answer"].as_str().unwrap();
    let id = position["id"].as_i64().unwrap();
    assert!(url.starts_with(&shop.url) && url.contains(&format!("/orderpositions/{id}/answer/")), "{url}");
    let (status, bytes, saved_as) = fetch(url, &shop.token).await;
    assert_eq!((status, bytes.as_slice()), (200, PDF));
    assert_eq!(saved_as, format!("attachment; filename=\"{code}-1-CARD.pdf\""));
    let stranger = make_organizer(shop.ctx, "other", &["orders_read"]).await;
    assert_eq!(fetch(url, &stranger).await.0, 403);
    assert_eq!(fetch(url, "nobody").await.0, 401);
    assert_eq!(fetch(&url.replace(&format!("/{id}/"), "/999999/"), &shop.token).await.0, 404);
    // It is nowhere where everybody sees it.
    let key = keys(&shop).await.remove(0);
    assert!(key.starts_with("answers/"), "{key}");
    for path in [format!("/{key}"), format!("/pub/../{key}")] {
        let seen = http_client().build().unwrap().get(format!("{}{path}", shop.url)).send().await.unwrap();
        assert_eq!(seen.status().as_u16(), 404, "{path}");
    }

    // Whoever corrects other answers of an order says that the file stays.
    let api = Program::new(&shop, "org/events/gig/");
    let stays = json!({ "answers": [{ "question": position["answers"][0]["question"], "answer": "file:keep" }] });
    let corrected = api.done("PATCH", &format!("orderpositions/{id}/"), stays).await;
    assert_eq!(corrected["answers"][0]["answer"], url);
    assert_eq!(fetch(url, &shop.token).await.0, 200);
    // An earlier release, during a deploy or after a rollback, writes the answers of an order without their files.
    let db = shop.ctx.db().await.unwrap();
    let as_before = "insert into answer (event_id, position_id, question_id, answer)
                     select event_id, position_id, question_id, answer from gone";
    let again = format!("with gone as (delete from answer where position_id is not null returning *) {as_before}");
    db.script(&again).await.unwrap();
    drop(db);
    assert_eq!(fetch(url, &shop.token).await.0, 200, "the file has not gone with the old answer");

    // It stays as long as the order, however long that is.
    shop.clock.advance_seconds(30 * 24 * 3600);
    sweep(&shop).await;
    assert_eq!(fetch(url, &shop.token).await.0, 200);
    let table = crate::exports::export(&shop, "orderlist", json!({"_format": "positions:default"})).await;
    let table = String::from_utf8(table).unwrap();
    assert!(table.contains(".pdf") && !table.contains("file:"), "people read its name: {table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_such_file_is_refused_and_a_good_one_is_kept() {
    let shop = shop().await;
    let buyer = shop.buyer();
    buyer.add(&[("Seat", 1)]).await;
    for (name, bytes) in [("pass.pdf", &b"MZ a program"[..]), ("pass.pdf", b""), ("pass.png", b"<svg></svg>")] {
        let refused = send(&shop, &buyer, "ada@example.org", Some((name, bytes))).await;
        assert!(
            refused.status == 400 && refused.says("Please choose a PDF, PNG, JPEG or GIF file"),
            "{}",
            refused.html
        );
    }
    let mut large = PDF.to_vec();
    large.resize(file::BYTES_MAX + 1, b' ');
    let refused = send(&shop, &buyer, "ada@example.org", Some(("pass.pdf", &large))).await;
    assert!(refused.status == 400 && refused.says("This file is too large"), "{}", refused.html);
    assert_eq!(files(&shop).await, 0);
    large.truncate(file::BYTES_MAX);

    // Something else in the form is wrong: the file need not be chosen again.
    let refused = send(&shop, &buyer, "no address", Some(("pass.pdf", &large))).await;
    assert!(refused.status == 400 && refused.says("Keep pass.pdf"), "{}", refused.html);
    let answer = send_from(&shop, &buyer, &refused, "ada@example.org", None).await;
    assert_eq!(answer.status, 303, "{}", answer.html);
    assert_eq!(files(&shop).await, 1);
    // The same page again keeps it, another file takes its place.
    assert!(buyer.get(QUESTIONS).await.says("Keep pass.pdf"));
    assert_eq!(send(&shop, &buyer, "ada@example.org", None).await.status, 303);
    let first = keys(&shop).await;
    assert_eq!(send(&shop, &buyer, "ada@example.org", Some(("new.gif", b"GIF89a\x01\0"))).await.status, 303);
    assert!(buyer.get(QUESTIONS).await.says("Keep new.gif"));
    let second = keys(&shop).await;
    assert!(second.len() == 1 && second != first, "{first:?} {second:?}");
    sweep(&shop).await;
    assert!(shop.ctx.media().await.find(&first[0]).await.unwrap().is_none(), "the old one is gone");
    assert!(shop.ctx.media().await.find(&second[0]).await.unwrap().is_some());

    // Somebody else cannot answer with it.
    let thief = shop.buyer();
    thief.add(&[("Seat", 1)]).await;
    let mut page = thief.get(QUESTIONS).await;
    let reference = kept(&buyer.get(QUESTIONS).await).unwrap();
    page.html.push_str(&format!("value=\"{reference}\""));
    let refused = send_from(&shop, &thief, &page, "eve@example.org", None).await;
    assert!(refused.status == 400 && refused.says("Please fill in this field."), "{}", refused.html);

    // The cart goes, and the file with it.
    let cart = buyer.get("/org/gig/").await;
    let csrf = cart.hidden("csrf");
    assert_eq!(buyer.post("/org/gig/cart/clear", &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(files(&shop).await, 0);
    sweep(&shop).await;
    assert!(shop.ctx.media().await.find(&second[0]).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_no_answer_came_to_refer_to_goes_after_a_day() {
    let shop = shop().await;
    let buyer = shop.buyer();
    buyer.add(&[("Seat", 1)]).await;
    assert_eq!(send(&shop, &buyer, "no address", Some(("pass.pdf", PDF))).await.status, 400);
    let key = keys(&shop).await.remove(0);
    sweep(&shop).await;
    assert!(shop.ctx.media().await.find(&key).await.unwrap().is_some());
    shop.clock.advance_seconds(file::KEEP_SECONDS + 1);
    sweep(&shop).await;
    assert_eq!(files(&shop).await, 0);
    assert!(shop.ctx.media().await.find(&key).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_ask_for_files_and_an_event_takes_its_files_along() {
    let shop = shop().await;
    let api = Program::new(&shop, "org/events/gig/");
    let asked = json!({ "question": "Photo", "type": "F", "items": [] });
    assert_eq!(api.done("POST", "questions/", asked).await["type"], "F");
    let at_the_door = json!({ "question": "Photo", "type": "F", "items": [], "ask_during_checkin": true });
    let (status, faults) = api.refused("POST", "questions/", at_the_door).await;
    assert!(status == 400 && faults["ask_during_checkin"][0].is_string(), "{faults}");
    let buyer = shop.buyer();
    buyer.add(&[("Seat", 1)]).await;
    assert_eq!(send(&shop, &buyer, "no address", Some(("pass.pdf", PDF))).await.status, 400);
    let key = keys(&shop).await.remove(0);
    assert_eq!(shop.api("DELETE", "org/events/gig/", Some(&shop.token), None::<Value>).await.0, 204);
    sweep(&shop).await;
    assert!(shop.ctx.media().await.find(&key).await.unwrap().is_none());
}

/// The address of a file in a page.
fn link(page: &Page) -> String {
    let inside = page.html.find("/answer/").unwrap_or_else(|| panic!("no file in {}", page.html));
    let at = page.html[..inside].rfind("href=\"").unwrap() + 6;
    page.html[at..].split('"').next().unwrap().to_owned()
}

/// What a browser loads there, and as what it keeps it.
async fn load(buyer: &Buyer, path: &str) -> (Vec<u8>, String) {
    let answer = buyer.get(path).await;
    assert_eq!(answer.status, 303, "{path} {}", answer.html);
    let url = answer.location.unwrap();
    assert!(url.contains("X-Amz-Expires=300"), "{url}");
    let file = http_client().build().unwrap().get(&url).send().await.unwrap();
    let saved_as = file.headers()["content-disposition"].to_str().unwrap().to_owned();
    (file.bytes().await.unwrap().to_vec(), saved_as)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_sent_a_file_can_load_it_until_it_is_ordered_and_after() {
    let shop = shop().await;
    let buyer = shop.buyer();
    buyer.add(&[("Seat", 1)]).await;
    let as_sent = ("Pässe.pdf", PDF);
    let saved = "attachment; filename=\"P_sse.pdf\"; filename*=UTF-8''P%C3%A4sse.pdf";
    // It is kept while something else in the form is wrong.
    let refused = send(&shop, &buyer, "no address", Some(as_sent)).await;
    let in_cart = link(&refused);
    assert!(in_cart.starts_with("/org/gig/checkout/answer/"), "{in_cart}");
    assert_eq!(load(&buyer, &in_cart).await, (PDF.to_vec(), saved.to_owned()));
    assert_eq!(send_from(&shop, &buyer, &refused, "ada@example.org", None).await.status, 303);
    for page in [QUESTIONS, "/org/gig/checkout/confirm/"] {
        let page = buyer.get(page).await;
        assert!(page.says("Pässe.pdf"), "{}", page.html);
        assert_eq!(link(&page), in_cart);
    }
    assert_eq!(load(&buyer, &in_cart).await.0, PDF);

    let cart: String = {
        let db = shop.ctx.db().await.unwrap();
        db.one("select cart_id from cart_position", &[]).await.unwrap().get("cart_id").unwrap()
    };
    let form = buyer.review().await;
    let order = buyer.order(&form).await.location.unwrap();
    let page = buyer.get(&order).await;
    let in_order = link(&page);
    assert!(in_order.starts_with(order.split('?').next().unwrap()) && page.says(">Pässe.pdf</a>"), "{}", page.html);
    assert_eq!(load(&shop.buyer(), &in_order).await, (PDF.to_vec(), saved.to_owned()));
    // The browser may be one that others use: what was ordered opens with the order's secret only.
    let signer = shop::session::Signer(&shop.ctx.config().secret_key);
    let cookie = signer.cart_cookie(&shop.gig().await, &shop::boxoffice::CartId(cart), false);
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let client = http_client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let old = client.get(format!("{}{in_cart}", shop.url)).header("cookie", cookie).send().await.unwrap();
    assert_eq!(old.status().as_u16(), 404);
}

/// A buyer who has told everything, with the page of the questions and the form that orders.
async fn ready(shop: &TestShop) -> (Buyer, Page, Vec<(String, String)>) {
    let buyer = shop.buyer();
    buyer.add(&[("Seat", 1)]).await;
    assert_eq!(send(shop, &buyer, "ada@example.org", Some(("old.pdf", PDF))).await.status, 303);
    let questions = buyer.get(QUESTIONS).await;
    let form = buyer.review().await;
    (buyer, questions, form)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_does_not_wait_for_somebody_who_was_stopped_while_replacing_a_file() {
    let shop = shop().await;
    let (buyer, questions, form) = ready(&shop).await;
    let (other, _, other_form) = ready(&shop).await;
    // One tab replaces the file; the function that does it is stopped before it can commit anything.
    let wire = Wire::to(address_of(shop.database_url())).await.unwrap();
    let sandbox: &'static Ctx = Box::leak(Box::new(shop.sandbox_at(&wire.url(shop.database_url()), shop.clock)));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let gateway = Gateway::new(functions::entries(&Pool::new(vec![sandbox], 9)), None).serve(listener).unwrap();
    wire.next_commit(Commit::Held);
    let again = form_with(&questions, "ada@example.org", Some(("new.pdf", PDF)));
    let saving = tokio::spawn(buyer.http.post(format!("{}{QUESTIONS}", gateway.url())).multipart(again).send());
    tokio::time::sleep(Duration::from_secs(1)).await;
    wire.next_commit(Commit::Passes);
    // The other tab orders, and so does somebody else.
    let ordering = tokio::spawn({
        let (buyer, form) = (buyer.clone(), form.clone());
        async move { buyer.order(&form).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    let ordered = other.order(&other_form).await;
    assert!(ordered.location.is_some_and(|path| path.contains("/order/")), "{}", ordered.html);
    // Whoever waits for a row waits for ten seconds.
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert!(ordering.await.unwrap().location.is_some_and(|path| path.contains("/order/")));
    wire.cut();
    // Whatever came of it is the buyer's own concern.
    let _whatever = saving.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_has_the_file_that_another_tab_is_just_saving() {
    let shop = shop().await;
    let (buyer, _, form) = ready(&shop).await;
    let event = shop.gig().await;
    let mut db = Db::connect(shop.database_url(), None).await.unwrap();
    let row = db.one("select id, cart_id from cart_position", &[]).await.unwrap();
    let (position, cart) = (row.get("id").unwrap(), CartId(row.get("cart_id").unwrap()));
    let question = shop::id::QuestionId(shop.number("select id as number from question").await);
    let sent = ("new.pdf", PDF);
    let new = file::take(shop.ctx, &db, &event, &cart, sent, 9, shop.ctx.now()).await.unwrap();
    let told =
        [PositionAnswers { id: position, attendee: Attendee::default(), answers: vec![(question, new.answer())] }];
    let tx = db.begin().await.unwrap();
    let saved = shop::cart::save_answers(&tx, event.id, &cart, &told).await;
    let ordering = tokio::spawn(async move { buyer.order(&form).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    tx.finish(saved).await.unwrap();
    let ordered = ordering.await.unwrap();
    let page = shop.buyer().get(&ordered.location.unwrap_or_else(|| panic!("{}", ordered.html))).await;
    assert!(page.says("new.pdf") && !page.says("old.pdf"), "{}", page.html);
    assert_eq!(load(&shop.buyer(), &link(&page)).await.0, PDF);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_orders_goes_with_the_files_of_its_carts() {
    let shop = shop().await;
    let (buyer, ..) = ready(&shop).await;
    // One file has been replaced, another was sent with a form that was refused.
    assert_eq!(send(&shop, &buyer, "ada@example.org", Some(("new.pdf", PDF))).await.status, 303);
    assert_eq!(send(&shop, &buyer, "no address", Some(("more.pdf", PDF))).await.status, 400);
    ready(&shop).await;
    let keys = keys(&shop).await;
    assert_eq!(keys.len(), 3);
    let (status, answer) = shop.api("DELETE", "org/events/gig/", Some(&shop.token), None::<Value>).await;
    assert_eq!(status, 204, "{answer}");
    assert_eq!(files(&shop).await, 0);
    sweep(&shop).await;
    for key in keys {
        assert!(shop.ctx.media().await.find(&key).await.unwrap().is_none(), "{key}");
    }
    assert_eq!(shop.number("select count(*) as number from media_removal").await, 0);
    // The tab is still open.
    assert_eq!(buyer.get(QUESTIONS).await.status, 404);
}

/// Sends a file as a program does, and returns how other calls name it.
async fn upload(shop: &TestShop, token: &str, bytes: &[u8]) -> Value {
    let request = http_client().build().unwrap().post(format!("{}/api/v1/upload", shop.url));
    let request = request.header("authorization", format!("Token {token}")).header("content-type", "application/pdf");
    let request = request.header("content-disposition", "attachment; filename=\"card.pdf\"").body(bytes.to_vec());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 201);
    serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap()["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_write_files_as_answers_and_take_them_away() {
    let shop = shop().await;
    let api = Program::new(&shop, "org/events/gig/");
    let item = api.get("items/").await["results"][0]["id"].clone();
    let question = api.get("questions/").await["results"][0]["id"].clone();
    let order = json!({ "email": "ada@example.org", "positions": [{ "item": item }], "payment_provider": "manual" });
    let order = api.done("POST", "orders/", order).await;
    let path = format!("orderpositions/{}/", order["positions"][0]["id"]);
    let says = |answer: Value| json!({ "answers": [{ "question": question, "answer": answer }] });
    let card = upload(&shop, &shop.token, PDF).await;
    let told = api.done("PATCH", &path, says(card.clone())).await;
    let url = told["answers"][0]["answer"].as_str().unwrap().to_owned();
    let (status, bytes, _) = fetch(&url, &shop.token).await;
    assert_eq!((status, bytes.as_slice()), (200, PDF));
    // The answer outlives the file of the program.
    shop.clock.advance_seconds(2 * 24 * 3600);
    sweep(&shop).await;
    assert_eq!(fetch(&url, &shop.token).await.0, 200);

    let stranger = make_organizer(shop.ctx, "other", &["*"]).await;
    let foreign = upload(&shop, &stranger, PDF).await;
    let own = keys(&shop).await.remove(0).rsplit('/').next().unwrap().to_owned();
    for wrong in
        [card, foreign, json!("file:no\0thing"), json!(format!("file:{own}")), json!(format!("file:{own}/card.pdf"))]
    {
        let (status, faults) = api.refused("PATCH", &path, says(wrong.clone())).await;
        assert_eq!((status, faults["answers"][0]["answer"][0].is_string()), (400, true), "{wrong}: {faults}");
    }
    // A new file takes the place of the old one, which goes; a list without the question takes it away.
    let card = upload(&shop, &shop.token, b"%PDF-1.7\nnew\n").await;
    api.done("PATCH", &path, says(card.clone())).await;
    assert_eq!((fetch(&url, &shop.token).await.1.as_slice(), files(&shop).await), (b"%PDF-1.7\nnew\n".as_slice(), 1));
    assert_eq!(api.done("PATCH", &path, says(json!("file:keep"))).await["answers"][0]["answer"], url);
    let added = json!({ "order": order["code"], "item": item, "answers": [{ "question": question, "answer": card }] });
    let added = api.done("POST", "orderpositions/", added).await;
    let theirs = added["answers"][0]["answer"].as_str().unwrap();
    assert_eq!(api.done("PATCH", &path, json!({ "answers": [] })).await["answers"], json!([]));
    assert_eq!((fetch(&url, &shop.token).await.0, fetch(theirs, &shop.token).await.0), (404, 200));
    assert_eq!(files(&shop).await, 1);
}
