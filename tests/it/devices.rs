//! Devices: how one becomes the organiser's, what it may, and how it ends (spec rest-api 1, 2.4, domain 18.7).

use serde_json::{Value, json};
use shop::{
    device::{PERMISSIONS, profile::Profile},
    routes::{Access, ROUTES},
};
use tests::scan::App;

use crate::{
    api_catalogue::Program,
    shop::{TestShop, document},
};

/// Routes that only devices have.
pub const OWN_ROUTES: &[(&str, &str)] = &[
    ("POST", "/api/v1/device/initialize"),
    ("POST", "/api/v1/device/update"),
    ("POST", "/api/v1/device/roll"),
    ("POST", "/api/v1/device/revoke"),
    ("GET", "/api/v1/device/info"),
    ("GET", "/api/v1/device/eventselection"),
];

pub(crate) async fn gig() -> TestShop {
    let shop = TestShop::empty().await;
    shop.import(&document(20)).await;
    let mut other = document(20);
    other["event"]["slug"] = json!("matinee");
    shop.import(&other).await;
    shop
}

pub(crate) async fn device(shop: &TestShop, said: Value) -> App {
    let api = Program::new(shop, "org/");
    let told = api.done("POST", "devices/", said).await;
    App::initialize(&shop.url, told["initialization_token"].as_str().unwrap()).await.ok().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_added_and_lets_itself_in_once() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/");
    let told = api.done("POST", "devices/", json!({ "name": "Door", "limit_events": ["gig"] })).await;
    let code = told["initialization_token"].as_str().unwrap().to_owned();
    assert_eq!((&told["device_id"], code.len(), &told["security_profile"]), (&json!(1), 16, &json!("full")));
    assert_eq!((&told["initialized"], &told["revoked"]), (&Value::Null, &json!(false)));
    for wrong in [
        json!({}),
        json!({ "name": "x", "limit_events": ["nothing"] }),
        json!({ "name": "x", "security_profile": "all" }),
        json!({ "name": "x", "all_events": true, "limit_events": ["gig"] }),
    ] {
        assert_eq!(api.refused("POST", "devices/", wrong).await.0, 400);
    }
    let nobody = App::initialize(&shop.url, "0000000000000000").await.err().unwrap();
    assert!(nobody.0 == 400 && nobody.1["token"][0].is_string(), "{nobody:?}");
    let (status, faults) = shop.api_at("POST", "/api/v1/device/initialize", None, Some(json!({}))).await;
    assert!(status == 400 && faults["token"].is_array() && faults["hardware_brand"].is_array(), "{faults}");

    // Two that read the same code at once: one of them gets in.
    let both = tokio::join!(App::initialize(&shop.url, &code), App::initialize(&shop.url, &code));
    let (mut ours, refused): (Vec<_>, Vec<_>) = [both.0, both.1].into_iter().partition(Result::is_ok);
    assert_eq!((ours.len(), refused.len()), (1, 1));
    let mut app = ours.remove(0).ok().unwrap();
    let told = api.get("devices/1/").await;
    assert!(told["initialized"].is_string() && told["hardware_model"] == "Door 1", "{told}");
    let (status, info) = app.call("GET", "device/info", None).await;
    assert_eq!((status, &info["device"]["name"]), (200, &json!("Door")));
    assert!(info["server"]["version"]["pretix_numeric"].is_i64());
    let mut about = App::about();
    about["software_version"] = json!("2.0");
    assert_eq!(app.call("POST", "device/update", Some(about)).await.0, 200);
    assert_eq!(api.get("devices/1/").await["software_version"], "2.0");

    // Its events and no others, and no rights of staff.
    assert_eq!(app.ours("GET", "events/gig/orders/", None).await.0, 200);
    assert_eq!(app.ours("GET", "events/matinee/orders/", None).await.0, 403);
    assert_eq!(app.ours("POST", "events/gig/checkinlists/", Some(json!({ "name": "x" }))).await.0, 403);
    assert_eq!(app.ours("GET", "devices/", None).await.0, 403);
    assert_eq!(
        api.done("PATCH", "devices/1/", json!({ "all_events": true, "limit_events": [] })).await["all_events"],
        true
    );
    assert_eq!(app.ours("GET", "events/matinee/orders/", None).await.0, 200);

    let path = "/api/v1/device/info";
    assert_eq!(shop.api_at("GET", path, Some(&shop.token), None).await.0, 401, "a team is no device");
    app.roll().await;
    assert_eq!(app.call("GET", "device/info", None).await.0, 200);
    assert_eq!(app.call("POST", "device/revoke", None).await.0, 200);
    assert_eq!(app.call("GET", "device/info", None).await.0, 401);
    assert_eq!(api.get("devices/").await["results"][0]["revoked"], true);
    assert_eq!(api.refused("DELETE", "devices/1/", json!({})).await.0, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_opens_for_a_device_by_its_rights_and_its_profile() {
    let shop = gig().await;
    let mut cells = 0;
    for profile in Profile::ALL {
        let said = json!({ "name": profile.code(), "limit_events": ["gig"], "security_profile": profile.code() });
        let app = device(&shop, said).await;
        for route in ROUTES.iter().filter(|route| !OWN_ROUTES.contains(&(route.method, route.path))) {
            let right = match route.access {
                Access::Token(right) | Access::OrganizerToken(right) => right,
                _ => continue,
            };
            let path = route.path.replace("{organizer}", "org").replace("{event}", "gig");
            let parts = path.split('/').map(|part| if part.starts_with('{') { "999999999" } else { part });
            let path = parts.collect::<Vec<_>>().join("/").replace("/api/v1/", "");
            let granted = shop::staff::Credential {
                token: shop::id::TokenId(0),
                organizer: shop::id::OrganizerId(0),
                permissions: PERMISSIONS.iter().map(|name| (*name).to_owned()).collect(),
                all_events: true,
                events: Vec::new(),
                device: None,
            };
            let may = granted.grants(right) && profile.allows(route.method, &format!("/api/v1/{path}"));
            let (status, body) = app.call(route.method, &path, None).await;
            assert_eq!(status != 403, may, "{} {} as {profile:?}: {status} {body}", route.method, route.path);
            cells += 1;
        }
        for (method, path) in OWN_ROUTES.iter().filter(|(_, path)| !path.ends_with("revoke") && !path.ends_with("roll"))
        {
            let (status, _) = app.call(method, &path["/api/v1/".len()..], None).await;
            assert!(![401, 403].contains(&status), "{path} as {profile:?}: {status}");
        }
    }
    for (method, path) in OWN_ROUTES.iter().filter(|(_, path)| !path.ends_with("initialize")) {
        for token in [None, Some("unknown"), Some(shop.token.as_str())] {
            assert_eq!(shop.api_at(method, path, token, None).await.0, 401, "{path}");
        }
    }
    assert!(cells > 400, "{cells}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_told_what_to_show() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/events/gig/");
    let app = device(&shop, json!({ "name": "Door", "all_events": true })).await;
    assert_eq!(app.call("GET", "device/eventselection", None).await.0, 404, "nothing has a list");
    let list = api.add("checkinlists/", json!({ "name": "Door" })).await;
    let (status, told) = app.call("GET", "device/eventselection", None).await;
    assert_eq!((status, &told["event"]["slug"], &told["checkinlist"]), (200, &json!("gig"), &json!(list)));
    let same = format!("device/eventselection?current_event=gig&current_checkinlist={list}");
    assert_eq!(app.call("GET", &same, None).await.0, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_one_event_makes_no_device_that_sees_others() {
    let shop = gig().await;
    let api = Program::new(&shop, "org/");
    let wide = api.done("POST", "devices/", json!({ "name": "Wide", "all_events": true })).await;
    let token = crate::authorisation::token(&shop, &["organizer.devices:write"], Some("gig")).await;
    let call = async |method: &str, path: &str, body: Value| shop.api(method, path, Some(&token), Some(body)).await.0;
    for wrong in
        [json!({ "name": "x", "all_events": true }), json!({ "name": "x", "limit_events": ["gig", "matinee"] })]
    {
        assert_eq!(call("POST", "org/devices/", wrong).await, 403);
    }
    assert_eq!(call("POST", "org/devices/", json!({ "name": "x", "limit_events": ["gig"] })).await, 201);
    let path = format!("org/devices/{}/", wide["device_id"]);
    assert_eq!(call("PATCH", &path, json!({ "name": "mine" })).await, 403);
    assert_eq!(shop.number("select count(*) as number from device").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_device_is_shut_out_for_good() {
    let shop = gig().await;
    let app = device(&shop, json!({ "name": "Door", "all_events": true })).await;
    let api = Program::new(&shop, "org/");
    assert_eq!(app.call("GET", "device/info", None).await.0, 200);
    assert_eq!(api.done("PATCH", "devices/1/", json!({ "revoked": true })).await["revoked"], true);
    assert_eq!(app.call("GET", "device/info", None).await.0, 401);
    assert_eq!(app.ours("GET", "giftcards/", None).await.0, 401);
    assert_eq!(api.refused("PATCH", "devices/1/", json!({ "revoked": false })).await.0, 400);
    assert_eq!(api.refused("POST", "devices/", json!({ "name": "x", "revoked": true })).await.0, 400);
}
