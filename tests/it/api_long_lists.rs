//! Long lists: every page has its rows, from whichever end it is read, and the count is that of the rows.

use serde_json::{Value, json};

use crate::{
    api_catalogue::Program,
    shop::{TestShop, document},
};

/// 600 orders with two positions each; every fifth is pending, every seventh cancelled, some of it in each of the ways in which a
/// position does not count.
const FILL: &str = "
    insert into orders (organizer_id, event_id, code, status, secret, internal_secret, email, locale, testmode, created_at,
                        expires_at, total, modified_at, cancelled_at, valid_if_pending, require_approval)
    select e.organizer_id, e.id, upper(lpad(to_hex(n), 8, '0')),
           case when n % 7 = 0 then 'c' when n % 5 = 0 then 'n' else 'p' end, 's', 's', 'Guest' || n % 50 || '@Example.org', 'en',
           false, now() - n / 3 * interval '1 second', now(), 0, now() + n % 11 * interval '1 second',
           case when n % 7 = 0 then now() end, n % 2 = 0, n % 3 = 0
      from event e, generate_series(1, 600) n where e.slug = 'gig';
    insert into order_position (organizer_id, event_id, order_id, positionid, item_id, price, tax_rate_ppm, tax_value, secret,
                                web_secret, pseudonymization_id, canceled, attendee_name)
    select o.organizer_id, o.event_id, o.id, n, i.id, 0, 0, 0, 'secret' || o.id || '-' || n, 'w', o.id || '-' || n,
           o.id % 6 = 0 and n = 2, 'Ada ' || o.id % 13
      from orders o join (select event_id, min(id) as id from item group by event_id) i on i.event_id = o.event_id,
           generate_series(1, 2) n;
    analyze";

async fn shop() -> (TestShop, i64) {
    let shop = TestShop::empty().await;
    shop.import(&document(5)).await;
    shop.ctx.db().await.unwrap().script(FILL).await.unwrap();
    let list = Program::new(&shop, "org/events/gig/").done("POST", "checkinlists/", json!({ "name": "Door" })).await;
    (shop, list["id"].as_i64().unwrap())
}

/// Values of a field in all pages, each of which says the same count.
async fn all(api: &Program<'_>, path: &str, field: &str) -> Vec<Value> {
    let (mut found, mut number) = (Vec::new(), 1);
    loop {
        let page = api.get(&format!("{path}page={number}")).await;
        found.extend(page["results"].as_array().unwrap().iter().map(|row| row[field].clone()));
        if page["next"].is_null() {
            assert_eq!(page["count"], found.len(), "{path}");
            return found;
        }
        number += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_a_long_list_has_its_rows() {
    let (shop, list) = shop().await;
    let api = Program::new(&shop, "org/events/gig/");
    let guests = format!("checkinlists/{list}/positions/");
    let lists: [(&str, &str, &[&str], &str); 3] = [
        ("orders/", "code", &["datetime", "code", "status", "last_modified", "cancellation_date"], ""),
        ("orderpositions/", "id", &["order__datetime", "attendee_name"], ""),
        (&guests, "id", &["order__datetime", "last_checked_in"], "ignore_status=true&"),
    ];
    for (path, field, orderings, more) in lists {
        let mut usual = all(&api, &format!("{path}?{more}"), field).await;
        assert!(usual.len() > 550, "{path}: it has pages that are read from the end");
        usual.sort_by_key(ToString::to_string);
        for ordering in orderings.iter().flat_map(|name| [(*name).to_owned(), format!("-{name}")]) {
            let mut found = all(&api, &format!("{path}?{more}ordering={ordering}&"), field).await;
            found.sort_by_key(ToString::to_string);
            assert!(found == usual, "{path} by {ordering}: none is missing and none comes twice");
        }
        // The last page is where it was before.
        let pages = usual.len().div_ceil(50);
        assert_eq!(api.refused("GET", &format!("{path}?{more}page={}", pages + 1), json!({})).await.0, 404);
    }
    let codes: Vec<String> =
        all(&api, "orders/?ordering=code&", "code").await.iter().map(ToString::to_string).collect();
    assert!(codes.is_sorted(), "{codes:?}");
    let moments = all(&api, "orders/?ordering=-datetime&", "datetime").await;
    assert!(moments.iter().rev().map(ToString::to_string).is_sorted());
    let numbers = all(&api, "orderpositions/?", "positionid").await;
    let pairs = numbers.iter().zip(&numbers[1..]).filter(|(one, next)| *one == 1 && *next == 2).count();
    assert_eq!(pairs, 500, "the positions of an order stand together and in their order");
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_those_of_the_rows() {
    let (shop, list) = shop().await;
    let api = Program::new(&shop, "org/events/gig/");
    let door = format!("checkinlists/{list}/positions/");
    let first = api.get("orderpositions/").await["results"][0].clone();
    let item = &first["item"];
    for (path, expected) in [
        ("orders/?status=p".to_owned(), 412),
        ("orders/?status=c".to_owned(), 85),
        ("orders/?status=n".to_owned(), 103),
        ("orders/?status=p&email=guest1@example.org".to_owned(), 11),
        ("orders/?search=guest1@".to_owned(), 12),
        ("orderpositions/?".to_owned(), 1100),
        ("orderpositions/?include_canceled_positions=true".to_owned(), 1200),
        ("orderpositions/?order__status=p".to_owned(), 756),
        ("orderpositions/?order__status=n".to_owned(), 188),
        ("orderpositions/?order__status__in=n,p".to_owned(), 944),
        (format!("orderpositions/?item={item}&order__status=p"), 756),
        ("orderpositions/?search=guest1@".to_owned(), 24),
        ("orderpositions/?order__status=p&search=guest1@".to_owned(), 22),
        (format!("{door}?"), 824),
        (format!("{door}?ignore_status=true"), 1100),
        (format!("{door}?order__status=n"), 68),
        (format!("{door}?item={item}"), 824),
        (format!("{door}?has_checkin=true"), 0),
        (format!("{door}?search=guest1@"), 22),
    ] {
        let told = api.get(&path).await["count"].clone();
        assert_eq!(told, expected, "{path}");
        let join = if path.ends_with('?') { "" } else { "&" };
        assert_eq!(all(&api, &format!("{path}{join}"), "id").await.len(), expected, "{path}");
    }
    assert_eq!(api.get("checkinlists/").await["results"][0]["position_count"], 824);
    let status = api.get(&format!("checkinlists/{list}/status/")).await;
    assert_eq!((&status["position_count"], &status["items"][0]["position_count"]), (&json!(824), &json!(824)));
}
