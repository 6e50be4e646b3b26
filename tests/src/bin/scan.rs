//! A door on the command line: `cargo run -p tests --bin scan -- URL CODE`. It becomes the device of the initialization
//! code, loads events, lists and guests, and scans the first guest in, again, twice at once, out, and in after the fact.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program that shows what it does")]

use serde_json::{Value, json};
use tests::scan::App;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, code] = &words[..] else { panic!("usage: scan URL CODE") };
    let app = match App::initialize(url, code).await {
        Ok(app) => app,
        Err((status, told)) => panic!("not let in: {status} {told}"),
    };
    println!("device of {}", app.organizer);
    for event in app.all("events/").await {
        let base = format!("events/{}/", event["slug"].as_str().unwrap());
        for list in app.all(&format!("{base}checkinlists/")).await {
            let id = list["id"].as_i64().unwrap();
            let guests = app.all(&format!("{base}checkinlists/{id}/positions/")).await;
            println!("{base} list {} with {} guests", list["name"], guests.len());
            let Some(guest) = guests.first() else { continue };
            scan(&app, id, guest).await;
            let (_, status) = app.ours("GET", &format!("{base}checkinlists/{id}/status/"), None).await;
            println!("  inside: {} of {}", status["inside_count"], status["position_count"]);
        }
    }
}

async fn scan(app: &App, list: i64, guest: &Value) {
    let secret = guest["secret"].as_str().unwrap();
    let day = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let nonce = |word: &str| format!("{word}-{day}");
    let late = json!({ "force": true, "datetime": "2026-01-01T10:00:00Z" });
    let steps = [
        ("entry", nonce("a"), json!({})),
        ("the same call again", nonce("a"), json!({})),
        ("a second time", nonce("b"), json!({})),
        ("exit", nonce("c"), json!({ "type": "exit" })),
        ("uploaded later", nonce("d"), late),
    ];
    for (what, nonce, more) in steps {
        let (status, body) = app.redeem(&[list], secret, &nonce, more).await;
        println!("  {what}: {status} {} {}", body["status"], body["reason"]);
    }
}
