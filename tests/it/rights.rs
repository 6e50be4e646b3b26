//! Every route of the API that asks for a right of a team, as everybody who does not have it and as somebody who has
//! exactly that (spec rest-api 15). The cells come from the route table: nobody can forget one.

use std::collections::BTreeSet;

use shop::{
    routes::{Access, ROUTES, Route},
    staff::{EVENT_PERMISSIONS, ORGANIZER_PERMISSIONS, Permission},
};

use crate::{
    authorisation::{fingerprint, token, town},
    shop::{TestShop, make_organizer},
};

/// Routes with a right.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| right(route).is_some())
}

fn right(route: &Route) -> Option<Permission> {
    match route.access {
        Access::Token(permission) | Access::OrganizerToken(permission) => Some(permission),
        Access::Public
        | Access::Cart
        | Access::Form
        | Access::OrderSecret
        | Access::OrderSecretForm
        | Access::StaffLink
        | Access::DeviceCode
        | Access::Device
        | Access::AnyToken => None,
    }
}

fn is_below_event(route: &Route) -> bool {
    route.path.contains("{event}")
}

/// The address for `shop.api`, of objects that do not exist.
fn address(route: &Route, organizer: &str, event: &str) -> String {
    let path = route.path.strip_prefix("/api/v1/organizers/").unwrap();
    let path = path.replace("{organizer}", organizer).replace("{event}", event).replace("{exporter}", "orderlist");
    let parts = path.split('/').map(|part| if part.starts_with('{') { "999999999" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// All rights but those that include `permission`.
fn all_but(permission: Permission) -> Vec<&'static str> {
    let all = EVENT_PERMISSIONS.iter().chain(ORGANIZER_PERMISSIONS).copied();
    let Some(name) = permission.name() else { return ORGANIZER_PERMISSIONS.to_vec() };
    let writing = name.replace(":read", ":write");
    // Rights to orders include the door.
    let of_door = |granted: &str| name == "event.orders:checkin" && granted.starts_with("event.orders:");
    all.filter(|granted| *granted != name && *granted != writing && !of_door(granted)).collect()
}

/// Exactly this right.
fn only(permission: Permission) -> &'static str {
    permission.name().unwrap_or("event.vouchers:read")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_opens_for_those_who_have_the_right_and_for_nobody_else() {
    let shop = town().await;
    // An event with an order cannot be deleted, so it stays for all of them.
    shop.buyer().buy(&[("Seat", 1)], None).await;
    let foreign = make_organizer(shop.ctx, "third", &["*"]).await;
    let inactive = token(&shop, &["*"], None).await;
    let hash = "update api_token set active = false where id = (select max(id) from api_token)";
    shop.ctx.db().await.unwrap().script(hash).await.unwrap();
    let nothing = token(&shop, &[], None).await;
    let elsewhere = token(&shop, &["*"], Some("matinee")).await;
    let mut cells = 0;
    let permissions: BTreeSet<&str> = routes().map(|route| only(right(route).unwrap())).collect();
    for permission in Permission::ALL.into_iter().filter(|it| permissions.contains(only(*it))) {
        let without = token(&shop, &all_but(permission), None).await;
        let with = token(&shop, &[only(permission)], Some("gig")).await;
        for route in routes().filter(|route| right(route) == Some(permission)) {
            let before = fingerprint(&shop).await;
            cells += refused(&shop, route, &[&inactive], &[&foreign, &nothing, &elsewhere, &without]).await;
            assert_eq!(
                fingerprint(&shop).await,
                before,
                "{} {} was refused and did something",
                route.method,
                route.path
            );
            let (status, body) = shop.api(route.method, &address(route, "org", "gig"), Some(&with), None).await;
            assert!((200..500).contains(&status), "{} {}: {status} {body}", route.method, route.path);
            let is_let_in = ![401, 403].contains(&status) || body["detail"] != *FORBIDDEN;
            assert!(is_let_in, "{} {}: {status} {body}", route.method, route.path);
            cells += 1;
        }
    }
    assert!(cells > 8 * routes().count(), "{cells} cells");
}

const FORBIDDEN: &str = "You do not have permission to perform this action.";

/// Everybody who may not; returns how many were tried.
async fn refused(shop: &TestShop, route: &Route, unknown: &[&str], without: &[&str]) -> usize {
    let ask = async |organizer: &str, event: &str, token: Option<&str>| {
        shop.api(route.method, &address(route, organizer, event), token, None).await.0
    };
    let mut cells = 0;
    let nobodies = [None, Some(""), Some("unknown")].into_iter().chain(unknown.iter().map(|token| Some(*token)));
    for token in nobodies {
        assert_eq!(ask("org", "gig", token).await, 401, "{} {} {token:?}", route.method, route.path);
        cells += 1;
    }
    for (place, token) in without.iter().enumerate() {
        // A team for other events may still have rights of the organiser, and every right shows who the organiser is.
        let organizer_only = !is_below_event(route) && place == 2;
        if organizer_only || (right(route) == Some(Permission::OrganizerRead) && place > 1) {
            continue;
        }
        assert_eq!(ask("org", "gig", Some(token)).await, 403, "{} {} {place}", route.method, route.path);
        cells += 1;
    }
    // An organiser or event that does not exist looks like one that is not ours.
    let mut places = vec![("other", "gig"), ("nobody", "gig")];
    places.extend(is_below_event(route).then_some(("org", "nothing")));
    for (organizer, event) in places {
        let status = ask(organizer, event, Some(&shop.token)).await;
        assert_eq!(status, 403, "{} {} {organizer}/{event}", route.method, route.path);
        cells += 1;
    }
    cells
}
