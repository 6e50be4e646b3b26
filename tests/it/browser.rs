//! A person with a browser at the whole local stack: from the shop to a ticket that can be scanned.

mod chromium;

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use chromium::{Browser, Script};
use fantoccini::key::Key;
use local::{
    environment,
    mailbox::Mail,
    stack::{Options, Stack},
};
use serde_json::{Value, json};

use crate::{shop::http_client, ticket_pdf::qr_codes};

/// A telephone and a desk.
const WIDTHS: [u64; 2] = [390, 1280];
/// How much of a page is seen at once.
const HEIGHT: u64 = 900;
/// A free product of the demo shop.
const LIVESTREAM: i64 = 5;
/// How long mails and tickets may take.
const SOON: Duration = Duration::from_secs(20);

/// The demo shop and somebody who looks at it.
struct Visit {
    browser: Browser,
    stack: Stack,
    folder: PathBuf,
}

impl Visit {
    /// Starts the stack and a browser; `None` if there is no browser and none is required.
    async fn begin(script: Script) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let browser = match Browser::open(script).await {
            Ok(browser) => browser,
            Err(why) => {
                assert!(environment::variable("ONSALE_REQUIRE_BROWSER").is_none(), "{why}");
                // Not by a macro: what those print, the test harness keeps to itself.
                let line = format!("browser tests are SKIPPED: {why}\n");
                std::io::stderr().write_all(line.as_bytes()).unwrap();
                return None;
            }
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("onsale-visit-{}-{number}", std::process::id()));
        let stack = Stack::start(Options::new(&folder), &|_| {}).await.unwrap();
        Some(Self { browser, stack, folder })
    }

    async fn end(self) {
        assert_eq!(self.browser.complaints().await, Vec::<String>::new());
        drop(self.browser);
        self.stack.stop().await;
        std::fs::remove_dir_all(self.folder).unwrap();
    }

    fn shop(&self) -> String {
        format!("{}{}", self.stack.shop_url, self.stack.demo.as_ref().unwrap().shop_path)
    }

    /// The first mail that fits, when it has come.
    async fn mail(&self, fits: impl Fn(&Mail) -> bool) -> Mail {
        let begun = Instant::now();
        loop {
            let mails = self.stack.mailbox.as_ref().unwrap().mails();
            let subjects: Vec<String> = mails.iter().map(|mail| mail.subject.clone()).collect();
            if let Some(mail) = mails.into_iter().find(&fits) {
                return mail;
            }
            assert!(begun.elapsed() < SOON, "no such mail among {subjects:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Looks at the page as a telephone and a desk show it; keeps pictures if somebody wants them.
    async fn inspect(&self, name: &str) {
        let pictures = environment::variable("ONSALE_SCREENSHOTS");
        for width in WIDTHS {
            self.browser.resize(width, HEIGHT).await;
            assert_eq!(self.browser.ask(FAULTS).await, json!([]), "{name} at {width} pixels");
            if let Some(folder) = &pictures {
                // A screen that shows the whole page.
                let height = self.browser.ask("return document.documentElement.scrollHeight").await.as_u64().unwrap();
                self.browser.resize(width, height).await;
                let picture = self.browser.picture().await;
                self.browser.resize(width, HEIGHT).await;
                std::fs::create_dir_all(folder).unwrap();
                std::fs::write(Path::new(folder).join(format!("{name}-{width}.png")), picture).unwrap();
            }
        }
        assert_eq!(self.browser.complaints().await, Vec::<String>::new(), "{name}");
    }

    /// An API call with the token of the demo.
    async fn api(&self, method: reqwest::Method, path: &str) -> Value {
        let token = &self.stack.demo.as_ref().unwrap().api_token;
        let url = format!("{}/api/v1/organizers/harbour/events/systems/{path}", self.stack.shop_url);
        let request = http_client().build().unwrap().request(method, url);
        let answer = request.header("authorization", format!("Token {token}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

/// What is wrong with a page for those who hear it, type on it, or have a narrow screen.
const FAULTS: &str = r#"
    const faults = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) {
        const wide = [...document.body.querySelectorAll("*")].filter((it) => it.getBoundingClientRect().right > root.clientWidth);
        faults.push("wider than the screen: " + root.scrollWidth + " " + wide.map((it) => it.className || it.tagName));
    }
    if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
    if (!document.title || !root.lang) faults.push("no title or language");
    for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
        if (!field.labels.length && !field.ariaLabel) faults.push("no label: " + field.outerHTML);
    for (const button of document.querySelectorAll("button, a"))
        if (!button.textContent.trim() && !button.ariaLabel) faults.push("no name: " + button.outerHTML);
    const ids = [...document.querySelectorAll("[id]")].map((it) => it.id);
    for (const id of ids.filter((id, at) => ids.indexOf(id) !== at)) faults.push("twice: #" + id);
    let level = 0;
    for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
        const next = Number(heading.tagName[1]);
        if (level && next > level + 1) faults.push("heading skips a level: " + heading.textContent);
        level = next;
    }
    return faults;"#;
/// The element with the focus and whether its outline can be seen.
const FOCUS: &str = r#"
    const style = getComputedStyle(document.activeElement);
    const after = getComputedStyle(document.activeElement, "::after");
    const seen = [style, after].some((it) => it.outlineStyle !== "none" && parseFloat(it.outlineWidth) >= 2);
    return [document.activeElement.tagName + " " + document.activeElement.textContent.trim(), seen];"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_buys_passes_and_gets_tickets() {
    let Some(visit) = Visit::begin(Script::On).await else { return };
    let browser = &visit.browser;
    browser.go(&visit.stack.shop_url).await;
    visit.inspect("01-home").await;
    browser.go(&format!("{}/harbour/", visit.stack.shop_url)).await;
    visit.inspect("02-organizer").await;
    browser.go(&visit.shop()).await;
    visit.inspect("03-shop").await;
    everything_focused_is_seen(browser).await;

    browser.click("//article[contains(., 'Conference pass')]//summary").await;
    browser.click("//button[@data-step='1'][contains(@aria-label, 'Student')]").await;
    browser.click("//button[@data-step='1'][contains(@aria-label, 'Lunch')]").await;
    browser.click("//label[contains(., 'Community livestream')]").await;
    visit.inspect("04-shop-filled").await;
    browser.click("//form[contains(@class, 'products')]//button[contains(., 'Add to cart')]").await;
    browser.at("//section[contains(@class, 'cart')]//p[contains(., 'Student')]").await;
    visit.inspect("05-cart").await;

    browser.click("//a[contains(., 'Proceed with checkout')]").await;
    browser.at("//h2[contains(., 'Contact information')]").await;
    visit.inspect("06-questions").await;
    // Nothing filled in: the same step again, with what is missing.
    browser.click("//button[contains(., 'Continue')]").await;
    browser.at("//*[@role='alert']//a").await;
    let complaints = browser.complaints().await;
    assert!(matches!(complaints.as_slice(), [one] if one.contains("status of 400")), "{complaints:?}");
    visit.inspect("07-questions-missing").await;
    answer_questions(browser).await;
    browser.click("//button[contains(., 'Continue')]").await;

    browser.at("//legend[contains(., 'How would you like to pay?')]").await;
    browser.click("//label[contains(., 'Bank transfer')]").await;
    visit.inspect("08-payment").await;
    browser.click("//button[contains(., 'Continue')]").await;

    browser.at("//button[contains(., 'Place binding order')]").await;
    visit.inspect("09-confirm").await;
    browser.click("//label[contains(., 'code of conduct')]").await;
    browser.click("//button[contains(., 'Place binding order')]").await;

    browser.at("//*[contains(., 'Thank you!')]").await;
    visit.inspect("10-order-placed").await;
    let order_url = browser.url().await.split('?').next().unwrap().to_owned();
    let code = crate::shop::code_of(&order_url).to_owned();
    let page = browser.text().await;
    for text in [code.as_str(), "Payment pending", "€181.00", "DE89 3704 0044 0532 0130 00", "Ada Lovelace", "Vegan"]
    {
        assert!(page.contains(text), "{text} is missing: {page}");
    }
    the_mail_is_in_the_mailbox(&visit, &code).await;
    the_tickets_can_be_scanned(&visit, &order_url, &code).await;
    visit.end().await;
}

async fn everything_focused_is_seen(browser: &Browser) {
    for _ in 0..12 {
        browser.press(&Key::Tab.to_string()).await;
        let focus = browser.ask(FOCUS).await;
        assert_eq!(focus[1], true, "{} has the focus and does not show it", focus[0]);
    }
}

async fn answer_questions(browser: &Browser) {
    assert_eq!(browser.fill_labelled("Email", "ada@example.org").await, 2);
    assert_eq!(browser.fill_labelled("Attendee name", "Ada Lovelace").await, 1);
    assert_eq!(browser.fill_labelled("Company", "Analytical Engines Ltd").await, 1);
    // One of a few: a list to choose from, or radio buttons.
    browser.click("//select/option[contains(., 'Vegan')] | //label[contains(., 'Vegan')]").await;
}

async fn the_mail_is_in_the_mailbox(visit: &Visit, code: &str) {
    let placed = visit.mail(|mail| mail.to == "ada@example.org" && mail.subject.contains(code)).await;
    assert!(placed.attachments.is_empty() && placed.text.contains("DE89 3704 0044 0532 0130 00"));
    visit.browser.go(&format!("{}{}", visit.stack.shop_url, local::mailbox::PATH)).await;
    visit.browser.click(&format!("//a[contains(., '{code}')]")).await;
    visit.browser.at("//h2[contains(., 'Text part')]").await;
    visit.inspect("11-mail").await;
    visit.browser.go(&format!("{}/html", visit.browser.url().await)).await;
    visit.inspect("12-mail-html").await;
}

async fn the_tickets_can_be_scanned(visit: &Visit, order_url: &str, code: &str) {
    let paid = visit.api(reqwest::Method::POST, &format!("orders/{code}/mark_paid/")).await;
    let positions = paid["positions"].as_array().unwrap();
    // The livestream has no ticket.
    let with_ticket = positions.iter().filter(|position| position["item"] != 5);
    let secrets: Vec<&str> = with_ticket.map(|position| position["secret"].as_str().unwrap()).collect();
    assert_eq!(secrets.len(), 2);

    let mail = visit.mail(|mail| mail.subject.starts_with("Payment received")).await;
    let scanned: Vec<String> = mail.attachments.iter().flat_map(|file| qr_codes(&file.bytes)).collect();
    assert_eq!(scanned, secrets);

    visit.browser.go(order_url).await;
    visit.browser.at("//*[contains(@class, 'badge')][contains(., 'Paid')]").await;
    visit.inspect("13-order-paid").await;
    for number in 1..=secrets.len() {
        visit.browser.click(&format!("(//a[contains(., 'Download PDF')])[{number}]")).await;
        downloads(visit, number).await;
    }
    let mut downloaded: Vec<String> =
        downloads(visit, secrets.len()).await.iter().flat_map(|pdf| qr_codes(pdf)).collect();
    let mut expected = secrets.clone();
    downloaded.sort();
    expected.sort();
    assert_eq!(downloaded, expected);
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new());

    // Asked for by its form, a ticket comes as well: by way of the page that waits for it.
    let url = format!("{order_url}download/1/pdf/");
    visit.browser.go(&format!("{url}?wait=yes")).await;
    visit.inspect("14-ticket-waiting").await;
    visit.browser.click("//button[contains(., 'Print again')]").await;
    downloads(visit, secrets.len() + 1).await;
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new());
}

/// The files that the browser has downloaded, when there are at least so many.
async fn downloads(visit: &Visit, count: usize) -> Vec<Vec<u8>> {
    let begun = Instant::now();
    loop {
        let files = visit.browser.downloads();
        if files.len() >= count {
            return files;
        }
        assert!(begun.elapsed() < SOON, "{} of {count} files, {:?}", files.len(), visit.browser.complaints().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_script_is_needed() {
    let Some(visit) = Visit::begin(Script::Off).await else { return };
    let browser = &visit.browser;
    browser.go(&visit.shop()).await;
    assert_eq!(browser.ask("return document.querySelectorAll('[data-step]:not([hidden])').length").await, 0);
    visit.inspect("21-shop-no-script").await;
    browser.click("//label[contains(., 'Community livestream')]").await;
    browser.click("//form[contains(@class, 'products')]//button[contains(., 'Add to cart')]").await;
    browser.click("//section[contains(@class, 'cart')]//a[contains(., 'Continue')]").await;
    assert_eq!(browser.fill_labelled("Email", "grace@example.org").await, 2);
    browser.click("//button[contains(., 'Continue')]").await;
    browser.click("//label[contains(., 'code of conduct')]").await;
    visit.inspect("22-confirm-free").await;
    browser.click("//button[contains(., 'Submit registration')]").await;
    browser.at("//*[contains(., 'Thank you!')]").await;
    visit.inspect("23-order-free").await;
    assert!(browser.text().await.contains("Confirmed"));
    visit.mail(|mail| mail.to == "grace@example.org").await;
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_too_large_are_named_before_they_are_sent() {
    let Some(visit) = Visit::begin(Script::On).await else { return };
    let browser = &visit.browser;
    let demo = visit.stack.demo.as_ref().unwrap();
    let questions = format!("{}/api/v1/organizers/harbour/events/systems/questions/", visit.stack.shop_url);
    let asked = json!({ "question": "Photo", "type": "F", "items": [LIVESTREAM], "required": true });
    let ask = http_client().build().unwrap().post(questions).json(&asked);
    let answer = ask.header("authorization", format!("Token {}", demo.api_token)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 201, "{}", answer.text().await.unwrap());
    let (large, small) = (visit.folder.join("large.pdf"), visit.folder.join("small.pdf"));
    let mut bytes = b"%PDF-1.7\n".to_vec();
    std::fs::write(&small, &bytes).unwrap();
    bytes.resize(shop::question::file::BYTES_MAX + 1, b' ');
    std::fs::write(&large, &bytes).unwrap();

    browser.go(&visit.shop()).await;
    browser.click("//label[contains(., 'Community livestream')]").await;
    browser.click("//form[contains(@class, 'products')]//button[contains(., 'Add to cart')]").await;
    browser.click("//section[contains(@class, 'cart')]//a[contains(., 'Continue')]").await;
    assert_eq!(browser.fill_labelled("Email", "grace@example.org").await, 2);
    browser.choose("//input[@type='file']", &large).await;
    let warning = "//p[@data-files-max][not(@hidden)]";
    browser.at(warning).await;
    browser.click("//button[contains(., 'Continue')]").await;
    browser.at(warning).await;
    assert!(browser.text().await.contains("All files together may have 4 MB: please choose smaller ones."));
    visit.inspect("31-file-too-large").await;
    assert_eq!(browser.ask("return document.querySelectorAll('[aria-busy], .summary').length").await, 0, "not sent");
    browser.choose("//input[@type='file']", &small).await;
    browser.click("//button[contains(., 'Continue')]").await;
    browser.click("//a[contains(., 'small.pdf')]").await;
    assert_eq!(downloads(&visit, 1).await, [std::fs::read(&small).unwrap()]);
    visit.inspect("32-confirm-with-file").await;
    browser.click("//a[contains(., 'Modify')]").await;
    browser.at("//a[contains(., 'Download small.pdf')]").await;
    visit.inspect("33-file-kept").await;

    // What does not even get as far as the shop is answered by the edge.
    let edge = crate::infra::committed("edge.json");
    let function = edge["Resources"]["LargeForm"]["Properties"]["FunctionCode"].as_str().unwrap();
    let max = shop::http::FORM_BYTES_MAX;
    let ask = format!(
        "{function}
         const answer = (uri, length) => handler({{ request: {{ uri, headers: length ? {{ 'content-length': {{ value: length }} }} : {{}} }} }});
         return [answer('/a/b/', '{max}').uri, answer('/a/b/').uri, answer('/api/v1/', '9999999').uri, answer('/a/b/', '{}')];",
        max + 1
    );
    let answers = browser.ask(&ask).await;
    assert_eq!((&answers[0], &answers[1], &answers[2]), (&json!("/a/b/"), &json!("/a/b/"), &json!("/api/v1/")));
    assert_eq!(answers[3]["statusCode"], 413);
    assert_eq!(answers[3]["body"]["data"], local::gateway::LARGE_FORM);
    visit.end().await;
}
