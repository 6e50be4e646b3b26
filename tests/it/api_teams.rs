//! Teams, members and tokens, as programs of organisers use them (spec rest-api 2.3).

use serde_json::json;

use shop::{mail::feedback, outbox::Job};

use crate::{
    after_sale::run,
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

/// Sends the mails that are due, and returns the last one to an address.
async fn mail_to(shop: &TestShop, email: &str) -> Option<(String, String)> {
    shop.clock.advance_seconds(61);
    run(shop, Job::RequeueMails).await;
    let mail = shop.mails().into_iter().find(|mail| mail.to == email)?;
    Some((mail.subject.clone(), mail.text.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_by_mail_becomes_a_member_by_accepting() {
    let shop = TestShop::empty().await;
    shop.import(&document(3)).await;
    let api = Program::new(&shop, "org/");
    let team = api.done("POST", "teams/", json!({ "name": "Desk", "all_events": true, "can_view_orders": true })).await;
    let (invites, members) = (format!("teams/{}/invites/", team["id"]), format!("teams/{}/members/", team["id"]));
    for wrong in [json!({}), json!({ "email": "" }), json!({ "email": "nobody" })] {
        assert!(api.refused("POST", &invites, wrong).await.1["email"][0].is_string());
    }
    let invite = api.done("POST", &invites, json!({ "email": "ada@desk.example" })).await;
    assert_eq!((invite["email"].as_str(), invite["id"].is_i64()), (Some("ada@desk.example"), true));
    assert_eq!(api.get(&invites).await["results"], json!([invite]));
    assert_eq!(api.get(&format!("{invites}{}/", invite["id"])).await, invite);
    let again = api.refused("POST", &invites, json!({ "email": "Ada@desk.example" })).await;
    assert_eq!((again.0, &again.1["email"][0]), (400, &json!("This person has been invited already.")));

    let (subject, text) = mail_to(&shop, "ada@desk.example").await.unwrap();
    assert!(subject.contains("invites you to a team"), "{subject}");
    let path = text.split_whitespace().find_map(|word| word.strip_prefix(&shop.url)).unwrap().to_owned();
    let guest = shop.buyer();
    let page = guest.get(&path).await;
    assert!(page.status == 200 && page.says("Desk") && page.says("ada@desk.example"));
    let guess = path.replace(path.split('/').nth(3).unwrap(), &"0".repeat(32));
    for wrong in [guess.as_str(), "/_invites/x/y/"] {
        assert_eq!(guest.get(wrong).await.status, 404);
        assert_eq!(guest.post(wrong, &[]).await.status, 404);
    }
    assert_eq!(api.get(&members).await["count"], 0);
    // A form may come twice.
    for _ in 0..2 {
        assert_eq!(guest.post(&path, &[("full_name", "Ada\nLovelace")]).await.status, 303);
    }
    let page = guest.get(&path).await;
    assert!(page.says("You are a member of the team now.") && page.says("/_notices/"));
    let member = api.get(&members).await["results"][0].clone();
    assert_eq!((&member["email"], &member["fullname"]), (&json!("ada@desk.example"), &json!("Ada Lovelace")));
    assert_eq!((&api.get(&members).await["count"], &api.get(&invites).await["count"]), (&json!(1), &json!(0)));
    for method in ["GET", "DELETE"] {
        let path = format!("{invites}{}/", invite["id"]);
        assert_eq!(api.refused(method, &path, json!({})).await.0, 404, "{method} of one that was accepted");
    }
    let known = api.refused("POST", &invites, json!({ "email": "ADA@desk.example" })).await;
    assert_eq!((known.0, &known.1["email"][0]), (400, &json!("This person is a member of the team already.")));

    // Whom the shop knows is a member at once; whoever has left does not come back by an old mail.
    let other = api.done("POST", "teams/", json!({ "name": "Bar", "all_events": true })).await;
    let (invites, theirs) = (format!("teams/{}/invites/", other["id"]), format!("teams/{}/members/", other["id"]));
    let joined = api.done("POST", &invites, json!({ "email": "ada@Desk.example" })).await;
    assert_eq!(joined, json!({ "id": null, "email": "ada@Desk.example" }));
    assert_eq!(api.get(&theirs).await["results"][0]["id"], member["id"]);
    assert_eq!(api.get(&invites).await["count"], 0);
    api.done("DELETE", &format!("{members}{}/", member["id"]), json!({})).await;
    assert_eq!((guest.get(&path).await.status, guest.post(&path, &[]).await.status), (404, 404));
    assert_eq!(api.get(&members).await["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_can_be_taken_back() {
    let shop = TestShop::empty().await;
    shop.import(&document(3)).await;
    let api = Program::new(&shop, "org/");
    let team = api.done("POST", "teams/", json!({ "name": "Desk", "all_events": true })).await;
    let invites = format!("teams/{}/invites/", team["id"]);
    let early = api.done("POST", &invites, json!({ "email": "early@desk.example" })).await;
    let late = api.done("POST", &invites, json!({ "email": "late@desk.example" })).await;
    let elsewhere = api.get("teams/").await["results"][0]["id"].to_string();
    let of = |team: &str, invite: &serde_json::Value| format!("teams/{team}/invites/{}/", invite["id"]);
    assert_eq!(api.refused("DELETE", &of(&elsewhere, &early), json!({})).await.0, 404, "not of this team");
    api.done("DELETE", &format!("{invites}{}/", early["id"]), json!({})).await;
    assert!(mail_to(&shop, "early@desk.example").await.is_none(), "what was taken back before is not sent");
    let (_, text) = mail_to(&shop, "late@desk.example").await.unwrap();
    let path = text.split_whitespace().find_map(|word| word.strip_prefix(&shop.url)).unwrap().to_owned();
    api.done("DELETE", &format!("{invites}{}/", late["id"]), json!({})).await;
    let guest = shop.buyer();
    assert_eq!((guest.get(&path).await.status, guest.post(&path, &[]).await.status), (404, 404));
    assert_eq!(api.get(&format!("teams/{}/members/", team["id"])).await["count"], 0);
    // What the provider tells about such a mail has nowhere to be shown, and does no harm.
    let told = "update mail set provider_id = 'ses-1' where invite_id is not null and state = 'sent'";
    shop.ctx.db().await.unwrap().script(told).await.unwrap();
    let db = shop.ctx.db().await.unwrap();
    let bounced = Some(feedback::Verdict::Bounced);
    let told = feedback::Feedback { provider_id: "ses-1".to_owned(), verdict: bounced, detail: "gone".to_owned() };
    assert!(feedback::record(&*db, &told, shop.ctx.now()).await.unwrap());
    drop(db);
    api.done("POST", &invites, json!({ "email": "late@desk.example" })).await;
    api.done("DELETE", &format!("teams/{}/", team["id"]), json!({})).await;
    assert_eq!(shop.number("select count(*) as number from team_invite").await, 0);
}
