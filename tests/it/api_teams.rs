//! Teams, members and tokens, as programs of organisers use them (spec rest-api 2.3).

use serde_json::json;

use crate::{
    api_catalogue::Program,
    shop::{TestShop, document},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_team_has_rights_by_both_kinds_of_names() {
    let shop = TestShop::empty().await;
    shop.import(&document(3)).await;
    let api = Program::new(&shop, "org/");
    let desk = json!({ "name": "Desk", "limit_events": ["gig"], "limit_event_permissions": ["event.orders:read", "event.orders:checkin"] });
    let desk = api.done("POST", "teams/", desk).await;
    assert_eq!(desk["limit_event_permissions"], json!(["event.orders:read", "event.orders:checkin"]));
    assert_eq!((&desk["can_view_orders"], &desk["can_change_orders"]), (&json!(true), &json!(false)));
    let path = format!("teams/{}/", desk["id"]);
    let older = api.done("PATCH", &path, json!({ "can_change_orders": true, "can_checkin_orders": false })).await;
    assert_eq!(older["limit_event_permissions"], json!(["event.orders:read", "event.orders:write"]));
    let all = api.done("PATCH", &path, json!({ "all_event_permissions": true })).await;
    assert_eq!((&all["all_event_permissions"], &all["limit_event_permissions"]), (&json!(true), &json!([])));
    assert_eq!((&all["can_change_items"], &all["can_change_teams"]), (&json!(true), &json!(false)));
    for wrong in [
        json!({ "all_events": true, "limit_events": ["gig"] }),
        json!({ "limit_events": ["nothing"] }),
        json!({ "limit_organizer_permissions": ["organizer.everything:write"] }),
        json!({ "all_organizer_permissions": true, "limit_organizer_permissions": ["organizer.teams:write"] }),
        json!({ "all_organizer_permissions": true, "can_change_items": false }),
        json!({ "require_2fa": true }),
    ] {
        assert_eq!(api.refused("PATCH", &path, wrong.clone()).await.0, 400, "{wrong}");
    }
    let other = api.get("teams/").await["results"][0]["id"].to_string();
    assert_eq!(api.refused("PATCH", &format!("teams/{other}/"), json!({ "can_change_teams": false })).await.0, 400);
    assert_eq!(api.refused("DELETE", &format!("teams/{other}/"), json!({})).await.0, 403);
    let members = api.get(&format!("teams/{other}/members/")).await;
    assert_eq!(members["results"][0]["email"], "team@org.example");
    let member = format!("members/{}/", members["results"][0]["id"]);
    assert_eq!(api.refused("DELETE", &format!("{path}{member}"), json!({})).await.0, 404, "not of this team");
    api.done("DELETE", &format!("teams/{other}/{member}"), json!({})).await;
    assert_eq!(api.get(&format!("teams/{other}/members/")).await["count"], 0);
    api.done("DELETE", &path, json!({})).await;
    assert_eq!(api.get("teams/").await["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_told_once_and_works_until_it_is_switched_off() {
    let shop = TestShop::empty().await;
    shop.import(&document(3)).await;
    let api = Program::new(&shop, "org/");
    let team = json!({ "name": "CRM", "all_events": true, "can_view_orders": true });
    let team = api.done("POST", "teams/", team).await["id"].to_string();
    let path = format!("teams/{team}/tokens/");
    let token = api.done("POST", &path, json!({ "name": "sync" })).await;
    let text = token["token"].as_str().unwrap().to_owned();
    assert_eq!((text.len(), &token["active"], &token["name"]), (64, &json!(true), &json!("sync")));
    assert!(api.get(&path).await["results"][0].get("token").is_none());
    let ask = async |path: &str| shop.api("GET", path, Some(&text), None).await.0;
    assert_eq!((ask("org/events/gig/orders/").await, ask("org/events/gig/vouchers/").await), (200, 403));
    let off = api.done("DELETE", &format!("{path}{}/", token["id"]), json!({})).await;
    assert_eq!(off["active"], false);
    assert_eq!(ask("org/events/gig/orders/").await, 401);
    assert_eq!(api.get(&path).await["results"][0]["active"], false);
    assert!(api.refused("POST", &path, json!({})).await.1["name"][0].is_string());
}
