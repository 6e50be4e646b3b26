//! The description of the API that is served is the one of the routes and fields that there are.

use std::collections::BTreeSet;

use serde_json::Value;
use shop::routes::ROUTES;
use tests::openapi;

use crate::shop::TestShop;

#[test]
fn the_document_is_up_to_date() {
    let committed = std::fs::read_to_string(openapi::path()).unwrap();
    assert!(committed == openapi::text(), "run `cargo run -p tests --bin openapi`");
}

#[test]
fn every_route_of_the_api_is_described_once() {
    let document = openapi::document();
    let routes = ROUTES.iter().filter(|route| route.path.starts_with("/api/v1/"));
    let mut ids = BTreeSet::new();
    for route in routes {
        let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        assert!(operation["responses"].as_object().unwrap().len() > 1, "{id}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = openapi::document();
    let mut open = vec![&document];
    let mut count = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Array(list) => open.extend(list),
            Value::Object(fields) => {
                if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                    let pointer = target.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{target}");
                    count += 1;
                }
                open.extend(fields.values());
            }
            _ => {}
        }
    }
    assert!(count > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_to_everybody() {
    let shop = TestShop::empty().await;
    let answer = crate::shop::http_client()
        .build()
        .unwrap()
        .get(format!("{}/api/v1/openapi.json", shop.url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap()["openapi"], "3.1.0");
}
