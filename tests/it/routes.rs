//! The route table, the bins, the deployment and the authorisation cases are about the same functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use shop::{
    routes::{Access, ROUTES},
    worker::WORKERS,
};
use tests::infra::{MIGRATE, functions, route_key};

use crate::{authorisation, devices, infra, rights};

const ROUTES_SOURCE: &str = include_str!("../../functions/src/routes.rs");
const WORKERS_SOURCE: &str = include_str!("../../functions/src/worker/mod.rs");

/// Name and text of every bin.
fn bins() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/src/bin");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), text)
        })
        .collect()
}

/// The one line of every bin: what it hands its handler to, with the handler that the tables name.
fn bodies() -> BTreeMap<String, String> {
    let mut bodies = BTreeMap::new();
    for row in ROUTES_SOURCE.lines().filter(|line| line.trim_start().starts_with('"')) {
        let name = row.split('"').nth(1).unwrap();
        let handler = row.rsplit_once("=> ").unwrap().1.trim_end_matches(';');
        let body = format!("lambda_http::Error> {{\n    shop::http::serve(shop::endpoint::{handler})");
        let known = bodies.insert(name.to_owned(), body.clone());
        assert!(known.is_none_or(|known| known == body), "{name} has two handlers");
    }
    for row in WORKERS_SOURCE.lines().filter_map(|line| line.trim().strip_prefix("worker!(\"")) {
        let name = row.split('"').next().unwrap();
        let handler = row.trim_end_matches("),").rsplit(' ').next().unwrap();
        let body = format!("lambda_runtime::Error> {{\n    shop::worker::serve(shop::worker::{handler})");
        bodies.insert(name.to_owned(), body);
    }
    bodies.insert(MIGRATE.to_owned(), "lambda_runtime::Error> {\n    shop::migrate::serve()".to_owned());
    bodies
}

#[test]
fn every_function_has_a_bin_and_every_bin_is_a_function() {
    let bins: Vec<String> = bins().into_keys().collect();
    assert_eq!(bins, functions());
}

#[test]
fn a_bin_is_one_line_that_names_the_handler_of_the_table() {
    let bodies = bodies();
    assert_eq!(bodies.keys().collect::<Vec<_>>(), functions().iter().collect::<Vec<_>>());
    for (name, text) in bins() {
        let body = &bodies[&name];
        assert_eq!(text, format!("//! The function `{name}`.\nfn main() -> Result<(), {body}\n}}\n"));
    }
}

#[test]
fn every_function_is_deployed() {
    let list = infra::committed("functions.json");
    let deployed: BTreeSet<_> = list["functions"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(deployed, functions().into_iter().collect());
}

#[test]
fn every_route_is_deployed() {
    let template = infra::committed("edge.json");
    let deployed: BTreeSet<_> = infra::resources(&template, "AWS::ApiGatewayV2::Route")
        .into_iter()
        .map(|(_, route)| route["Properties"]["RouteKey"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(deployed, ROUTES.iter().map(|route| route_key(route.method, route.path)).collect());
}

#[test]
fn no_two_routes_have_the_same_address() {
    let mut known = BTreeSet::new();
    for route in ROUTES {
        // The names of parameters do not tell routes apart.
        let shape: Vec<_> = route.path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
        assert!(known.insert((route.method, shape)), "{} {}", route.method, route.path);
    }
}

#[test]
fn workers_and_routes_do_not_share_functions() {
    for worker in WORKERS {
        assert!(worker.name.starts_with("worker_"), "{}", worker.name);
        assert!(ROUTES.iter().all(|route| route.name != worker.name), "{}", worker.name);
    }
}

#[test]
fn what_changes_something_is_not_public() {
    for route in ROUTES.iter().filter(|route| !matches!(route.method, "GET" | "ANY")) {
        let guarded = match route.access {
            Access::Form
            | Access::OrderSecretForm
            | Access::StaffLink
            | Access::DeviceCode
            | Access::Device
            | Access::AnyToken
            | Access::Token(_)
            | Access::OrganizerToken(_) => true,
            Access::Public | Access::Cart | Access::OrderSecret => false,
        };
        assert!(guarded, "{} {}", route.method, route.path);
    }
}

#[test]
fn every_route_has_an_authorisation_case() {
    let cases: BTreeSet<_> = authorisation::CASES.iter().map(|case| (case.method, case.path)).collect();
    assert_eq!(cases.len(), authorisation::CASES.len(), "a case is listed twice");
    // Routes of the API are tried with every kind of token, whether somebody has written a case for them or not.
    let tried = rights::routes().map(|route| (route.method, route.path));
    // Devices have no teams: what they may is tried where they are.
    let tried = tried.chain(devices::OWN_ROUTES.iter().copied());
    let cases: BTreeSet<_> = cases.into_iter().chain(tried).collect();
    assert_eq!(cases, ROUTES.iter().map(|route| (route.method, route.path)).collect());
}
