//! Vouchers in the REST API (spec rest-api 6, domain 6.3).

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value, json};

use super::api::{
    Around, Caller,
    field::{self, Field, Kind},
    keep_refusal,
    list::{Filter, Wanted},
    read::{self, Faults},
    resource::{self, Ground, Resource},
    respond, segments,
};
use crate::{
    boxoffice::{PriceMode, Scope as Products, VoucherFault, VoucherTerms},
    ctx::Ctx,
    http::ApiError,
    id::{ItemId, QuotaId, SubeventId, VariationId, VoucherId},
    idempotency::{Answer, Call},
    port::{db::Tx, lock::EventLock},
    record::{self, Record, Table, Target, flag, moment, reference},
    staff::Permission,
    voucher::{self, sql::VOUCHERS},
};

/// Answers every route of vouchers: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    match (request.method(), segments(&request).get(7).copied()) {
        (&Method::POST, Some("batch_create")) => batch_create(ctx, request).await,
        _ => resource::handle::<Vouchers>(ctx, request).await,
    }
}

/// Most uses of a voucher.
const USAGES_MAX: i64 = i32::MAX as i64;
/// Shortest code that can be chosen.
const CODE_MIN: usize = 5;
/// Most vouchers of one call.
const BATCH_MAX: usize = 1000;

/// Vouchers of an event.
pub struct Vouchers;

impl Resource for Vouchers {
    const KEY: &'static str = "voucher";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("created", Kind::Moment).column("created_at").read_only(),
        Field::new("code", Kind::Text(255)),
        Field::new("max_usages", Kind::Number(1, USAGES_MAX)).default("1"),
        Field::new("redeemed", Kind::Number(0, USAGES_MAX)).read_only(),
        Field::new("min_usages", Kind::Number(1, USAGES_MAX)).default("1"),
        Field::new("valid_until", Kind::Moment).null(),
        Field::new("block_quota", Kind::Flag),
        Field::new("allow_ignore_quota", Kind::Flag),
        Field::new("price_mode", Kind::Choice(&["none", "set", "subtract", "percent"])),
        Field::new("value", Kind::Amount).null(),
        Field::new("item", Kind::Ref(Target::Item)).column("item_id").null(),
        Field::new("variation", Kind::Ref(Target::Variation)).column("variation_id").null(),
        Field::new("quota", Kind::Ref(Target::Quota)).column("quota_id").null(),
        Field::new("tag", Kind::Text(255)),
        Field::new("comment", Kind::Text(10_000)),
        Field::new("subevent", Kind::Ref(Target::Date)).column("subevent_id").null(),
        Field::new("show_hidden_items", Kind::Flag).default("true"),
        Field::new("seat", Kind::Fixed("null")),
        Field::new("all_addons_included", Kind::Flag),
        Field::new("all_bundles_included", Kind::Flag),
        Field::new("budget", Kind::Amount).null(),
        Field::new("budget_used", Kind::Amount).read_only(),
    ];
    const TABLE: &'static Table = &VOUCHERS;
    const READ: Permission = Permission::VouchersRead;
    const WRITE: Permission = Permission::VouchersWrite;
    const LOG: [&'static str; 3] = ["pretix.voucher.added", "pretix.voucher.changed", "pretix.voucher.deleted"];
    const FILTERS: &'static [Filter] = &[
        Filter::new("code", Wanted::Text),
        Filter::new("max_usages", Wanted::Number),
        Filter::new("redeemed", Wanted::Number),
        Filter::new("block_quota", Wanted::Flag),
        Filter::new("allow_ignore_quota", Wanted::Flag),
        Filter::new("price_mode", Wanted::Text),
        Filter::new("value", Wanted::Amount),
        Filter::new("item", Wanted::Number),
        Filter::new("variation", Wanted::Number),
        Filter::new("quota", Wanted::Number),
        Filter::new("tag", Wanted::Text),
        Filter::new("subevent", Wanted::Number),
        Filter::new("active", Wanted::Flag),
        Filter::new("search", Wanted::Text),
    ];
    const ORDERINGS: &'static [&'static str] = &["id", "code", "max_usages", "valid_until", "value"];

    fn loaded(record: &mut Record, around: &Around) {
        let mode = record.get("price_mode").and_then(Value::as_str).unwrap_or_default().to_owned();
        let value = reference(record, "value").unwrap_or_default();
        let shown = match mode.as_str() {
            "none" => Value::Null,
            "percent" => json!(value / ppm_per_minor(around)),
            _ => json!(value),
        };
        record.insert("value".to_owned(), shown);
    }

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        _before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let code = VoucherTerms::normalized(draft.get("code").and_then(Value::as_str).unwrap_or_default());
        let code = if code.is_empty() { ground.ctx.codes().voucher_code() } else { code };
        if code.chars().count() < CODE_MIN {
            faults.add("code", format!("Ensure this field has at least {CODE_MIN} characters."));
        }
        draft.insert("code".to_owned(), json!(code));
        let said = |column: &str| reference(draft, column).is_some();
        if said("quota_id") && said("item_id") {
            faults.add("non_field_errors", "You cannot select a quota and a specific product at the same time.");
        }
        if said("variation_id") && !said("item_id") {
            faults.add("non_field_errors", "You cannot select a variation without having selected a product.");
        }
        let is_percent = draft.get("price_mode").is_some_and(|mode| mode == "percent");
        let most = 1_000_000 / ppm_per_minor(ground.around);
        if is_percent && reference(draft, "value").is_some_and(|value| value > most) {
            faults.add("value", "A percentage is at most 100.");
        }
        Ok(())
    }

    async fn store(ground: &Ground<'_>, id: Option<i64>, draft: &Record) -> Result<i64, ApiError> {
        let terms = terms(draft, ground.around);
        let code = terms.code.clone();
        let wanted = vec![(id.map(VoucherId), terms)];
        let faults = voucher::save(ground.lock(), ground.event(), wanted, ground.now()).await?;
        if let Some(fault) = faults.into_iter().flatten().next() {
            return Err(ApiError::InvalidParts(fault_json(fault)));
        }
        let id = match id {
            Some(id) => id,
            None => {
                let found = voucher::ids(ground.tx, ground.event().id, &vec![code]).await?;
                found.into_values().next().ok_or(ApiError::NotFound)?
            }
        };
        record::update(ground.tx, &VOUCHERS, ground.scope, id, draft).await?;
        Ok(id)
    }

    async fn erase(ground: &Ground<'_>, id: i64) -> Result<(), ApiError> {
        match voucher::delete(ground.lock(), ground.event(), VoucherId(id), ground.now()).await? {
            None => Ok(()),
            Some(VoucherFault::Missing) => Err(ApiError::NotFound),
            Some(_) => {
                Err(ApiError::Refused("This voucher can not be deleted as it has already been used.".to_owned()))
            }
        }
    }
}

/// A percentage is read as an amount: 10.00 is 1000 minor units, and 100,000 parts per million.
fn ppm_per_minor(around: &Around) -> i64 {
    10_i64.pow(4 - around.currency.decimals())
}

fn terms(draft: &Record, around: &Around) -> VoucherTerms {
    let number = |column: &str| reference(draft, column);
    let item = number("item_id").map(ItemId);
    let scope = match (item, number("variation_id"), number("quota_id")) {
        (Some(item), Some(variation), _) => Products::Variation(item, VariationId(variation)),
        (Some(item), None, _) => Products::Item(item),
        (None, _, Some(quota)) => Products::Quota(QuotaId(quota)),
        (None, _, None) => Products::Any,
    };
    let mode = draft.get("price_mode").and_then(Value::as_str).unwrap_or("none");
    let value = match (mode, number("value")) {
        ("percent", Some(value)) => Some(value * ppm_per_minor(around)),
        (_, value) => value,
    };
    VoucherTerms {
        code: draft.get("code").and_then(Value::as_str).unwrap_or_default().to_owned(),
        max_usages: number("max_usages").unwrap_or(1),
        min_usages: number("min_usages").unwrap_or(1),
        budget: number("budget"),
        valid_until: moment(draft, "valid_until"),
        block_quota: flag(draft, "block_quota"),
        allow_ignore_quota: flag(draft, "allow_ignore_quota"),
        // A mode without a value has no effect (spec domain 5.2).
        price_mode: value.and_then(|value| PriceMode::parse(mode, value)).unwrap_or(PriceMode::None),
        scope,
        date: number("subevent_id").map(SubeventId),
        show_hidden_items: flag(draft, "show_hidden_items"),
        all_addons_included: flag(draft, "all_addons_included"),
        all_bundles_included: flag(draft, "all_bundles_included"),
    }
}

/// Rules are told without a field, as clients know it; a code that is taken with it.
fn fault_json(fault: VoucherFault) -> Value {
    let mut text = fault.text().to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let field = if fault == VoucherFault::CodeTaken { "code" } else { "non_field_errors" };
    json!({ field: [format!("{text}.")] })
}

/// `POST …/vouchers/batch_create/`: all of them, or none (spec domain 6.5).
async fn batch_create(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Vouchers::WRITE).await?;
    let call = Call::by(&request, caller.scope.token())?;
    let around = caller.around(ctx, &*db, Vouchers::FIELDS, ctx.now()).await?;
    let tx = db.begin().await?;
    let done = batch_once(ctx, &tx, &call, &request, &caller, &around).await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, around.now).await?))
}

async fn batch_once(
    ctx: &'static Ctx,
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    caller: &Caller,
    around: &Around,
) -> Result<Answer, ApiError> {
    if let Some(answer) = call.begin(tx, around.now).await? {
        return Ok(answer);
    }
    let event = caller.event.as_ref().ok_or(ApiError::NotFound)?;
    let mut ground = Ground { ctx, tx, lock: None, scope: caller.scope, event: Some(event), around, parent: None };
    let bodies = bodies(request)?;
    // What a thousand of them refer to is looked up without the lock, under which the box office checks them again.
    let drafts = drafts(&ground, &bodies).await?;
    ground.lock = Some(EventLock::acquire(tx, event.id).await?);
    let wanted = drafts.iter().map(|draft| (None, terms(draft, around))).collect();
    let faults = voucher::save(ground.lock(), event, wanted, around.now).await?;
    if faults.iter().any(Option::is_some) {
        let rows = faults.into_iter().map(|fault| fault.map_or(json!({}), fault_json));
        return Err(ApiError::InvalidParts(rows.collect()));
    }
    let codes: Vec<String> = drafts.iter().map(|draft| terms(draft, around).code).collect();
    let ids = voucher::ids(tx, event.id, &codes).await?;
    let (mut notes, mut said) = (Vec::new(), Vec::new());
    for ((draft, code), body) in drafts.iter().zip(&codes).zip(bodies) {
        let id = *ids.get(code).ok_or(ApiError::NotFound)?;
        notes.push(json!({ "id": id, "tag": draft.get("tag"), "comment": draft.get("comment") }));
        said.push((id, Value::Object(body)));
    }
    voucher::note(ground.lock(), notes).await?;
    record::log_all(tx, caller.scope, "voucher", Vouchers::LOG[0], said, around.now).await?;
    let mut told = Vec::new();
    for mut found in voucher::records(tx, event.id, ids.into_values().collect()).await? {
        Vouchers::loaded(&mut found, around);
        told.push(field::show(Vouchers::FIELDS, &found, around));
    }
    let answer = Answer { status: StatusCode::CREATED.as_u16(), body: Value::Array(told) };
    call.end(tx, &answer).await?;
    Ok(answer)
}

fn bodies(request: &Request) -> Result<Vec<Map<String, Value>>, ApiError> {
    let wrong = || ApiError::field("non_field_errors", "Expected a list of objects.");
    let Value::Array(list) = read::value(request)? else { return Err(wrong()) };
    if list.len() > BATCH_MAX {
        let text = format!("At most {BATCH_MAX} vouchers can be created at once.");
        return Err(ApiError::field("non_field_errors", text));
    }
    list.into_iter().map(|body| if let Value::Object(body) = body { Ok(body) } else { Err(wrong()) }).collect()
}

/// What is wrong comes in a list parallel to the vouchers.
async fn drafts(ground: &Ground<'_>, bodies: &[Map<String, Value>]) -> Result<Vec<Record>, ApiError> {
    let (mut drafts, mut faults): (Vec<Record>, Vec<Value>) = (Vec::new(), Vec::new());
    for body in bodies {
        let written = read::read(Vouchers::FIELDS, body, None, true, ground.around);
        match resource::checked::<Vouchers>(ground, written, None).await {
            Ok(draft) if drafts.iter().any(|earlier| earlier.get("code") == draft.get("code")) => {
                faults.push(json!({ "code": ["Duplicate voucher code in request."] }));
            }
            Ok(draft) => {
                drafts.push(draft);
                faults.push(json!({}));
            }
            Err(ApiError::InvalidParts(fault)) => faults.push(fault),
            Err(error) => return Err(error),
        }
    }
    match faults.iter().all(|fault| *fault == json!({})) {
        true => Ok(drafts),
        false => Err(ApiError::InvalidParts(Value::Array(faults))),
    }
}
