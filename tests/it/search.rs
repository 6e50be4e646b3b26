//! Searches find the same before and after a job has kept the words of orders (spec rest-api 9.2, 9.7, 10).

use serde_json::{Value, json};
use shop::outbox::Job;

use crate::{
    after_sale::run,
    api_catalogue::Program,
    shop::{TestShop, document},
};

struct Office {
    shop: TestShop,
    list: i64,
}

impl Office {
    async fn open() -> Self {
        let shop = TestShop::empty().await;
        shop.import(&document(20)).await;
        let list = Program::new(&shop, "org/events/gig/").add("checkinlists/", json!({ "name": "Door" })).await;
        Self { shop, list }
    }

    /// An order of one ticket that is paid: its code and the ticket's secret.
    async fn order(&self, email: &str, name: &str, company: &str) -> (String, String) {
        let api = Program::new(&self.shop, "org/events/gig/");
        let item = api.get("items/").await["results"][1]["id"].clone();
        let position = json!({ "item": item, "variation": null, "attendee_name": name });
        let body =
            json!({ "email": email, "status": "p", "payment_provider": "banktransfer", "positions": [position] });
        let order = api.done("POST", "orders/", body).await;
        let position = format!("orderpositions/{}/", order["positions"][0]["id"]);
        api.done("PATCH", &position, json!({ "company": company })).await;
        (text(&order["code"]), text(&order["positions"][0]["secret"]))
    }

    /// Codes of the orders that each kind of list finds: those of an event and of the organiser, and those with positions.
    async fn found(&self, search: &str) -> Vec<Vec<String>> {
        let of_event = Program::new(&self.shop, "org/events/gig/");
        let of_organizer = Program::new(&self.shop, "org/");
        let door = format!("checkinlists/{}/positions/", self.list);
        let rpc = format!("checkinrpc/search/?list={}&search={search}", self.list);
        let with = |path: &str| format!("{path}?search={search}");
        let lists = [
            (of_event.get(&with("orders/")).await, "code"),
            (of_organizer.get(&with("orders/")).await, "code"),
            (of_event.get(&with("orderpositions/")).await, "order"),
            (of_organizer.get(&with("orderpositions/")).await, "order"),
            (of_event.get(&with(&door)).await, "order"),
            (of_organizer.get(&rpc).await, "order"),
        ];
        lists
            .iter()
            .map(|(list, field)| {
                let rows = list["results"].as_array().unwrap();
                assert_eq!(list["count"], rows.len(), "{search}");
                let mut codes: Vec<String> = rows.iter().map(|row| text(&row[*field])).collect();
                codes.sort();
                codes
            })
            .collect()
    }

    async fn kept(&self) -> i64 {
        self.shop.number("select count(*) as number from order_words").await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_find_the_same_before_and_after_words_are_kept() {
    let office = Office::open().await;
    let (ada, secret) = office.order("ada@example.org", "Ada Lovelace", "Engines_and 100% more").await;
    let (zoe, _) = office.order("Zo\u{eb}@example.org", "Zo\u{eb} \u{c4}rger", "").await;
    let both = {
        let mut both = vec![ada.clone(), zoe.clone()];
        both.sort();
        both
    };
    let (one, other, none) = (vec![ada.clone()], vec![zoe.clone()], Vec::new());
    let searches = [
        ("lovelace".to_owned(), &one),
        ("A%20LOVE".to_owned(), &one),
        ("ada@EXAMPLE".to_owned(), &one),
        ("example.org".to_owned(), &both),
        (ada.to_lowercase(), &one),
        (ada[..3].to_owned(), &one),
        // Codes and secrets are found by their beginnings only.
        (ada[1..].to_owned(), &none),
        (secret[..4].to_owned(), &one),
        (secret[..12].to_owned(), &one),
        (secret.clone(), &one),
        (secret[1..].to_owned(), &none),
        (format!("{}0", &secret[..12]), &none),
        ("%C3%84rger".to_owned(), &other),
        ("a_a".to_owned(), &none),
        ("a%25a".to_owned(), &none),
        // What stands in two fields is not one text.
        ("example.orgada".to_owned(), &none),
        ("%0A".to_owned(), &none),
        ("%3D".to_owned(), &none),
    ];
    for round in ["before", "after"] {
        for (search, expected) in &searches {
            for (list, found) in office.found(search).await.iter().enumerate() {
                assert_eq!(&found, expected, "{search} in list {list}, {round}");
            }
        }
        assert_eq!(office.kept().await, if round == "before" { 0 } else { 2 });
        office.shop.clock.advance_seconds(61);
        run(&office.shop, Job::KeepWords).await;
    }
    // Only lists of orders look at companies and comments.
    let api = Program::new(&office.shop, "org/events/gig/");
    api.done("PATCH", &format!("orders/{zoe}/"), json!({ "comment": "Needs a ramp" })).await;
    for _ in 0..2 {
        for (search, expected) in [("s_and%20100%25", &one), ("a%20RAMP", &other)] {
            let found = office.found(search).await;
            assert_eq!([&found[0], &found[1]], [expected; 2], "{search}");
            assert!(found[2..].iter().all(Vec::is_empty), "{search}");
        }
        office.shop.clock.advance_seconds(61);
        run(&office.shop, Job::KeepWords).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_never_behind() {
    let office = Office::open().await;
    let (code, _) = office.order("ada@example.org", "Ada Lovelace", "").await;
    run(&office.shop, Job::KeepWords).await;
    assert_eq!(office.kept().await, 0, "somebody may still be writing with an earlier time");
    office.shop.clock.advance_seconds(61);
    run(&office.shop, Job::KeepWords).await;
    assert_eq!(office.kept().await, 1);
    let api = Program::new(&office.shop, "org/events/gig/");
    let position = api.get("orderpositions/").await["results"][0]["id"].clone();
    api.done("PATCH", &format!("orderpositions/{position}/"), json!({ "attendee_name": "Grace Hopper" })).await;
    let (hopper, _) = office.order("new@example.org", "Gracie", "").await;
    for round in ["before", "after"] {
        assert!(office.found("lovelace").await.iter().all(Vec::is_empty), "{round}");
        assert!(office.found("hopper").await.iter().all(|found| *found == [code.as_str()]), "{round}");
        assert!(office.found("new@").await.iter().all(|found| *found == [hopper.as_str()]), "{round}");
        office.shop.clock.advance_seconds(61);
        run(&office.shop, Job::KeepWords).await;
    }
    assert_eq!(office.kept().await, 2);
}
