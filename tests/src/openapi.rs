//! The description of the API: OpenAPI 3.1, made from the route table and the fields that resources declare, so that no
//! route can be forgotten in it. `cargo run -p tests --bin openapi` writes it to `functions/assets/openapi.json`.

mod bodies;

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use shop::{
    endpoint::{
        api::{
            field::{Field, PERCENT, schema},
            list::{Filter, Wanted},
            resource::Resource,
        },
        api_checkin, api_devices, api_events, api_giftcards, api_items, api_orders, api_organizers, api_prices,
        api_questions, api_quotas, api_subevents, api_teams, api_vouchers, api_waitinglist,
    },
    routes::{Access, ROUTES, Route},
    ticket::{QUESTION, VARIABLES},
};

/// A kind of object, by the end of the path of its list.
struct Kind {
    list: &'static str,
    name: &'static str,
    fields: &'static [Field],
    filters: &'static [Filter],
    orderings: &'static [&'static str],
}

fn kind<R: Resource>(list: &'static str, name: &'static str) -> Kind {
    Kind { list, name, fields: R::FIELDS, filters: R::FILTERS, orderings: R::ORDERINGS }
}

fn kinds() -> Vec<Kind> {
    vec![
        kind::<api_items::Categories>("{event}/categories/", "Category"),
        kind::<api_items::Items>("{event}/items/", "Item"),
        kind::<api_items::Variations>("{item}/variations/", "ItemVariation"),
        kind::<api_items::AddOns>("{item}/addons/", "ItemAddOn"),
        kind::<api_items::Bundles>("{item}/bundles/", "ItemBundle"),
        kind::<api_prices::TaxRules>("{event}/taxrules/", "TaxRule"),
        kind::<api_prices::Discounts>("{event}/discounts/", "Discount"),
        kind::<api_questions::Questions>("{event}/questions/", "Question"),
        kind::<api_questions::Options>("{question}/options/", "QuestionOption"),
        kind::<api_quotas::Quotas>("{event}/quotas/", "Quota"),
        kind::<api_subevents::Dates>("{event}/subevents/", "SubEvent"),
        kind::<api_subevents::Dates>("{organizer}/subevents/", "SubEvent"),
        kind::<api_vouchers::Vouchers>("{event}/vouchers/", "Voucher"),
        kind::<api_waitinglist::Entries>("{event}/waitinglistentries/", "WaitingListEntry"),
        kind::<api_organizers::Channels>("{organizer}/saleschannels/", "SalesChannel"),
        kind::<api_organizers::Properties>("{organizer}/event_meta_properties/", "EventMetaProperty"),
        kind::<api_checkin::Lists>("{event}/checkinlists/", "CheckinList"),
        kind::<api_devices::Devices>("{organizer}/devices/", "Device"),
        kind::<api_giftcards::Cards>("{organizer}/giftcards/", "GiftCard"),
        kind::<api_giftcards::Entries>("{giftcard}/transactions/", "GiftCardTransaction"),
        kind::<api_teams::Teams>("{organizer}/teams/", "Team"),
        kind::<api_teams::Invites>("{team}/invites/", "TeamInvite"),
        Kind {
            list: "{orderposition}/printlog/",
            name: "PrintLog",
            fields: api_orders::print::FIELDS,
            filters: &[],
            orderings: &[],
        },
        Kind {
            list: "{organizer}/events/",
            name: "Event",
            fields: api_events::FIELDS,
            filters: api_events::FILTERS,
            orderings: &["slug", "date_from"],
        },
    ]
}

/// Where the document is kept.
pub fn path() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/assets/openapi.json").into()
}

/// The document as it is written to the file.
pub fn text() -> String {
    let pretty = serde_json::to_string_pretty(&document()).expect("a document is plain data");
    format!("{pretty}\n")
}

/// The document.
pub fn document() -> Value {
    let kinds = kinds();
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES.iter().filter(|route| route.path.starts_with("/api/v1/")) {
        let path = paths.entry(route.path).or_insert_with(|| json!({ "parameters": path_parameters(route.path) }));
        path[route.method.to_ascii_lowercase()] = operation(route, &kinds);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Onsale",
            "version": "1",
            "description": "Lists come in pages of at most 50. Unknown fields and parameters are ignored. Amounts are decimal \
                            strings, moments ISO 8601, texts in several languages objects by language. A call with \
                            X-Idempotency-Key acts once.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "apiKey", "in": "header", "name": "Authorization",
                           "description": "`Token` and the token of a team, or `Device` and that of a device, separated by a space." },
            },
            "schemas": schemas(&kinds),
            "responses": responses(),
        },
    })
}

fn schemas(kinds: &[Kind]) -> Value {
    let mut schemas = Map::new();
    for kind in kinds {
        schemas.insert(kind.name.to_owned(), schema(kind.fields, false));
        let mut written = schema(kind.fields, true);
        schemas.insert(format!("{}Create", kind.name), written.clone());
        written["required"] = json!([]);
        schemas.insert(format!("{}Change", kind.name), written);
        let results = json!({ "type": "array", "items": reference(kind.name) });
        schemas.insert(format!("{}List", kind.name), list_schema(results));
    }
    schemas.insert("List".to_owned(), list_schema(json!({ "type": "array", "items": { "type": "object" } })));
    schemas.insert(
        "Detail".to_owned(),
        json!({ "type": "object", "properties": { "detail": { "type": "string" } }, "required": ["detail"] }),
    );
    schemas.insert("PdfData".to_owned(), pdf_data_schema());
    // By field, or a list parallel to what was sent, or one sentence.
    schemas.insert("Faults".to_owned(), json!({ "type": ["object", "array"] }));
    Value::Object(schemas)
}

/// What positions are told with where `pdf_data` is asked for.
fn pdf_data_schema() -> Value {
    let text = |text: &str| json!({ "type": "string", "description": text });
    let texts: Map<String, Value> = VARIABLES.iter().map(|(name, told)| ((*name).to_owned(), text(told))).collect();
    let answers = text("The answer to a question of the event; its id is part of the name.");
    json!({
        "type": "object",
        "description": "What a ticket says, in the language of its order. What there is nothing about is empty.",
        "properties": texts,
        "patternProperties": { format!("^{QUESTION}[0-9]+$"): answers },
        "required": VARIABLES.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    })
}

fn list_schema(results: Value) -> Value {
    let link = json!({ "type": ["string", "null"] });
    json!({
        "type": "object",
        "properties": { "count": { "type": "integer" }, "next": link, "previous": link, "results": results },
        "required": ["count", "next", "previous", "results"],
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What goes wrong in the same way everywhere.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("400", "Something in the request is wrong.", "Faults"),
    ("401", "There is no token, or it is not known.", "Detail"),
    ("403", "The token does not have the right, or the object must stay as it is.", "Detail"),
    ("404", "There is no such object.", "Detail"),
    ("409", "Too busy, or the same call runs: try again after `Retry-After` seconds.", "Detail"),
    ("412", "It has changed since.", "Detail"),
    ("413", "The body is larger than 10 MB.", "Detail"),
    ("415", "The body is neither JSON nor a form.", "Detail"),
];

fn responses() -> Value {
    let response = |(status, text, name): &(&str, &str, &str)| {
        let body = json!({ "description": text, "content": { "application/json": { "schema": reference(name) } } });
        (format!("Status{status}"), body)
    };
    Value::Object(REFUSALS.iter().map(response).collect())
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| {
        let is_text =
            ["organizer", "event", "code", "saleschannel", "exporter", "secret", "ticket", "output"].contains(&name);
        let kind = if is_text { "string" } else { "integer" };
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": kind } })
    };
    names.map(parameter).collect()
}

fn operation(route: &Route, kinds: &[Kind]) -> Value {
    let one = |kind: &Kind| {
        let end = route.path.strip_suffix('/').and_then(|path| path.rsplit_once('/'));
        end.is_some_and(|(list, last)| last.starts_with('{') && format!("{list}/").ends_with(kind.list))
    };
    let of_list = kinds.iter().find(|kind| route.path.ends_with(kind.list));
    let of_one = kinds.iter().find(|kind| one(kind));
    let is_list = of_list.is_some() || (route.method == "GET" && ends_with_word(route.path));
    let ok = match (route.method, of_list, of_one) {
        ("GET", Some(kind), _) => reference(&format!("{}List", kind.name)),
        (_, Some(kind), _) | (_, None, Some(kind)) => reference(kind.name),
        _ => json!({}),
    };
    let mut responses = Map::new();
    for status in successes(route) {
        let empty = ["204", "303", "304"].contains(&status);
        let content = json!({ "application/json": { "schema": ok } });
        let body = if empty { json!({ "description": "" }) } else { json!({ "description": "", "content": content }) };
        responses.insert(status.to_owned(), body);
    }
    let is_public = matches!(route.access, Access::Public | Access::DeviceCode);
    let can_refuse = |status: &str| match route.access {
        Access::Public => status == "404",
        Access::DeviceCode => !["401", "403"].contains(&status),
        _ => true,
    };
    for (status, ..) in REFUSALS.iter().filter(|(status, ..)| can_refuse(status)) {
        responses.insert((*status).to_owned(), json!({ "$ref": format!("#/components/responses/Status{status}") }));
    }
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [route.name],
        "responses": responses,
    });
    if let Access::Token(permission) | Access::OrganizerToken(permission) = route.access {
        let text = permission.name().map_or_else(|| "any right".to_owned(), |name| format!("the right `{name}`"));
        operation["description"] = json!(format!("Needs {text}."));
    }
    if is_public {
        operation["security"] = json!([]);
    }
    let mut parameters = Vec::new();
    if TELLS_POSITIONS.iter().any(|(method, end)| route.method == *method && route.path.ends_with(end)) {
        let text = "Each position has `pdf_data`: what its ticket says, as in the schema PdfData.";
        parameters.push(json!({ "name": "pdf_data", "in": "query", "required": false, "description": text,
                                "schema": { "type": "boolean" } }));
    }
    if route.method == "GET" && is_list {
        parameters.extend(list_parameters(of_list));
        if route.path.ends_with("checkinrpc/search/") {
            let lists = json!({ "type": "array", "items": { "type": "integer" }, "minItems": 1 });
            parameters.push(json!({ "name": "list", "in": "query", "required": true, "schema": lists }));
        }
    }
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if ["POST", "PUT", "PATCH"].contains(&route.method) {
        let schema = match (of_list, of_one, route.method) {
            (Some(kind), _, _) | (None, Some(kind), "PUT") => reference(&format!("{}Create", kind.name)),
            (None, Some(kind), _) => reference(&format!("{}Change", kind.name)),
            _ => json!({}),
        };
        let of_call = bodies::of(route.method, route.path);
        let (schema, required) = (of_call.clone().unwrap_or(schema), of_call.is_some() || of_list.is_some());
        operation["requestBody"] =
            json!({ "content": { "application/json": { "schema": schema } }, "required": required });
    }
    operation
}

/// Ends of paths that answer with the address of a file.
const LEADS_TO_FILE: &[&str] = &["/download/{output}/", "/answer/{question}/"];

/// Ends of paths whose answers have positions, with all that is known of them.
const TELLS_POSITIONS: &[(&str, &str)] = &[
    ("GET", "/orders/"),
    ("GET", "/orders/{code}/"),
    ("GET", "/orderpositions/"),
    ("GET", "/orderpositions/{orderposition}/"),
    ("GET", "/checkinlists/{checkinlist}/positions/"),
    ("GET", "/checkinrpc/search/"),
    ("POST", "/checkinlists/{checkinlist}/positions/{ticket}/redeem/"),
    ("POST", "/checkinrpc/redeem/"),
];

fn ends_with_word(path: &str) -> bool {
    path.trim_end_matches('/').rsplit('/').next().is_some_and(|last| !last.starts_with('{'))
}

fn successes(route: &Route) -> Vec<&'static str> {
    match (route.method, ends_with_word(route.path)) {
        ("GET", _) if LEADS_TO_FILE.iter().any(|end| route.path.ends_with(end)) => vec!["303"],
        ("GET", true) => vec!["200", "304"],
        ("DELETE", _) => vec!["200", "204"],
        ("POST", _) => vec!["200", "201", "202", "204"],
        _ => vec!["200"],
    }
}

/// `GET /api/v1/organizers/{organizer}/events/{event}/items/` → `get_organizers_organizer_events_event_items`
fn operation_id(route: &Route) -> String {
    let words: Vec<&str> = route.path["/api/v1/".len()..]
        .split('/')
        .map(|part| part.trim_matches(['{', '}']))
        .filter(|it| !it.is_empty())
        .collect();
    format!("{}_{}", route.method.to_ascii_lowercase(), words.join("_").replace('.', "_"))
}

fn list_parameters(kind: Option<&Kind>) -> Vec<Value> {
    let parameter =
        |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "schema": schema });
    let mut parameters = vec![
        parameter("page", json!({ "type": "integer", "minimum": 1 })),
        parameter("page_size", json!({ "type": "integer", "minimum": 1, "maximum": 50 })),
    ];
    if let Some(kind) = kind {
        let both: Vec<String> = kind.orderings.iter().flat_map(|it| [(*it).to_owned(), format!("-{it}")]).collect();
        parameters.push(parameter("ordering", json!({ "type": "string", "enum": both })));
        let filters = kind.filters.iter().map(|filter| {
            let schema = match filter.wanted {
                Wanted::Flag => json!({ "type": "boolean" }),
                Wanted::Number => {
                    json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX })
                }
                Wanted::Moment => json!({ "type": "string", "format": "date-time" }),
                Wanted::Lower(words) => json!({ "type": "string", "enum": words }),
                Wanted::Numbers => json!({ "type": "string", "pattern": r"^\d{1,18}(,\d{1,18})*$" }),
                Wanted::Amount => json!({ "type": "string", "pattern": r"^\d{1,11}(\.\d{1,2})?$" }),
                Wanted::Decimal => json!({ "type": "string", "pattern": r"^-?\d{1,20}(\.\d{1,20})?$" }),
                Wanted::Percent => json!({ "type": "string", "pattern": format!("^{PERCENT}$") }),
                Wanted::Percents => json!({ "type": "string", "pattern": format!("^{PERCENT}(,{PERCENT})*$") }),
                Wanted::Text | Wanted::Texts => json!({ "type": "string" }),
            };
            parameter(filter.name, schema)
        });
        parameters.extend(filters);
    }
    parameters
}
