//! Carts that programs fill (spec rest-api 8): they hold places like those of buyers, and orders can consume them.

use std::{collections::BTreeMap, sync::Arc};

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value, json};

use super::{
    actions::no_room,
    authorise,
    create::voucher_problem,
    fields::Fields,
    json::Extra,
    query::around_event,
    reader::{Reader, parts, sales_channel},
};
use crate::{
    boxoffice::{CartId, CreatePosition, OrderRefusal, Reservation},
    cart::edit::{self, Faults, NewUnit, SUFFIX, sql::CART_POSITIONS},
    catalogue::Catalogue,
    ctx::Ctx,
    endpoint::api::{
        keep_refusal,
        list::{Filter, Page, Wanted, read_filters},
        number, read, respond, segments,
    },
    event::{self, Event},
    http::{self, ApiError},
    id::{CartPositionId, QuestionId},
    idempotency::{Answer, Call},
    money::Money,
    port::db::{DbError, Tx},
    record::{self, Record, flag, moment, reference},
    staff::{Permission, Staff},
};

/// Most units of one call.
const BULK_MAX: usize = 500;
/// Longest id of a cart.
const ID_MAX: usize = 255;

const FILTERS: &[Filter] = &[Filter::new("cart_id", Wanted::Text)];

/// Answers every route of cart positions.
pub(super) async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let is_bulk = segments(&request).get(7) == Some(&"bulk_create");
    let one = http::path(&request, "cartposition").is_ok();
    match (request.method(), one, is_bulk) {
        (&Method::GET, false, false) => list(ctx, request).await,
        (&Method::GET, true, _) => show(ctx, request).await,
        (&Method::POST, false, _) | (&Method::DELETE, true, _) => write(ctx, request).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

async fn list(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    let page = Page::read(&request)?;
    let filter = read_filters(&request, FILTERS, &around_event(ctx, &event))?;
    let part = page.part(&request, filter, &["datetime", "cart_id"]);
    let (found, total) = record::list(&*db, &CART_POSITIONS, staff.scope(), &part).await?;
    let extra = Extra::without_files(ctx.storefronts().catalogue(&*db, &event).await?, ctx.now());
    page.answer(ctx, &request, total, found.iter().map(|it| told(it, &event, &extra)).collect())
}

async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersRead).await?;
    let id = number(&request, "cartposition")?;
    let found = record::find(&*db, &CART_POSITIONS, staff.scope(), id).await?.ok_or(ApiError::NotFound)?;
    let extra = Extra::without_files(ctx.storefronts().catalogue(&*db, &event).await?, ctx.now());
    Ok(http::json(StatusCode::OK, &told(&found, &event, &extra)))
}

/// A position as it is told.
fn told(record: &Record, event: &Event, extra: &Extra) -> Value {
    let field = |name: &str| record.get(name).cloned().unwrap_or_default();
    let time = |name: &str| moment(record, name).map(|moment| moment.to_string());
    let name = field("attendee_name");
    let answers = record.get("answers").and_then(Value::as_array).into_iter().flatten();
    let answer = |it: &Value| {
        Some(extra.answer_json(QuestionId(it["question"].as_i64()?), it["answer"].as_str().unwrap_or_default(), None))
    };
    json!({
        "id": field("id"),
        "cart_id": field("cart_id"),
        "item": field("item_id"),
        "variation": field("variation_id"),
        "price": reference(record, "price").map(|minor| Money::new(minor, event.currency).to_decimal()),
        "attendee_name_parts": match name.is_null() {
            true => json!({}),
            false => json!({ "_scheme": "full", "full_name": name }),
        },
        "attendee_name": name,
        "attendee_email": field("attendee_email"),
        "voucher": field("voucher_id"),
        "addon_to": field("addon_to"),
        "subevent": field("subevent_id"),
        "datetime": time("created_at"),
        "expires": time("expires_at"),
        "includes_tax": true,
        "answers": answers.filter_map(answer).collect::<Vec<_>>(),
        "seat": null,
        "is_bundled": flag(record, "is_bundled"),
    })
}

/// Writes, once for each idempotency key.
async fn write(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let (staff, event) = authorise(&request, &*db, Permission::OrdersWrite).await?;
    let call = Call::of(&request, &staff)?;
    let now = ctx.now();
    let tx = db.begin().await?;
    let done = once(ctx, &tx, &call, &request, (&staff, &event)).await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, now).await?))
}

async fn once(
    ctx: &Ctx,
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    (staff, event): (&Staff, &Event),
) -> Result<Answer, ApiError> {
    if let Some(answer) = call.begin(tx, ctx.now()).await? {
        return Ok(answer);
    }
    let catalogue = Arc::new(Catalogue::load(tx, event).await?);
    let channels = event::sales_channels(tx, event.organizer.id).await?;
    let desk = Desk { ctx, tx, staff, event, catalogue: &catalogue, channels };
    let answer = match (request.method(), read::value(request)?) {
        (&Method::DELETE, _) => desk.release(number(request, "cartposition")?).await?,
        (_, Value::Array(rows)) if segments(request).get(7) == Some(&"bulk_create") => desk.fill(&rows).await?,
        (_, body) if segments(request).get(7).is_none() => desk.add(&body).await?,
        _ => return Err(ApiError::field("non_field_errors", "Expected a list of objects.")),
    };
    call.end(tx, &answer).await?;
    Ok(answer)
}

/// Where carts are filled.
struct Desk<'a> {
    ctx: &'a Ctx,
    tx: &'a Tx<'a>,
    staff: &'a Staff,
    event: &'a Event,
    catalogue: &'a Arc<Catalogue>,
    channels: Vec<String>,
}

/// A position of a unit, with its answers.
type Said = (CreatePosition, Vec<(QuestionId, String)>);

impl Desk<'_> {
    async fn add(&self, body: &Value) -> Result<Answer, ApiError> {
        let unit = self.unit(body)?;
        let mut done = self.reserve(std::slice::from_ref(&unit)).await?;
        match done.pop() {
            Some(Ok(body)) => Ok(Answer { status: StatusCode::CREATED.as_u16(), body }),
            Some(Err(fault)) => Err(ApiError::InvalidParts(fault)),
            None => Err(ApiError::NotFound),
        }
    }

    /// Each by itself: what is wrong with one keeps no other out.
    async fn fill(&self, bodies: &[Value]) -> Result<Answer, ApiError> {
        if bodies.len() > BULK_MAX {
            let text = format!("At most {BULK_MAX} positions can be created at once.");
            return Err(ApiError::field("non_field_errors", text));
        }
        let read: Vec<Result<NewUnit, ApiError>> = bodies.iter().map(|body| self.unit(body)).collect();
        let units: Vec<NewUnit> = read.iter().filter_map(|it| it.as_ref().ok().cloned()).collect();
        let mut done = self.reserve(&units).await?.into_iter();
        let results = read.into_iter().map(|read| {
            let outcome = match read {
                Ok(_) => done.next().unwrap_or(Err(Value::Null)),
                Err(error) => Err(http::api_body(&error)),
            };
            match outcome {
                Ok(data) => json!({ "success": true, "data": data, "errors": null }),
                Err(errors) => json!({ "success": false, "data": null, "errors": errors }),
            }
        });
        let body = json!({ "results": results.collect::<Vec<_>>() });
        Ok(Answer { status: StatusCode::OK.as_u16(), body })
    }

    /// Each unit as it is told now, or what is wrong with it.
    async fn reserve(&self, units: &[NewUnit]) -> Result<Vec<Result<Value, Value>>, ApiError> {
        let (tx, event) = (self.tx, self.event);
        if units.iter().map(|it| 1 + it.unit.parts.len()).sum::<usize>() > BULK_MAX {
            let text = format!("At most {BULK_MAX} positions can be created at once, with what comes with them.");
            return Err(ApiError::field("non_field_errors", text));
        }
        let done = edit::reserve(tx, self.staff, event, self.catalogue, units, self.ctx.now()).await?;
        let ids: Vec<CartPositionId> = done.iter().flatten().flatten().copied().collect();
        let extra = Extra::without_files(self.catalogue.clone(), self.ctx.now());
        let records = edit::sql::records(tx, event.id, &ids).await?;
        let records: BTreeMap<i64, _> = records.iter().filter_map(|it| Some((reference(it, "id")?, it))).collect();
        let tell = |id: &CartPositionId| records.get(&id.0).map(|it| told(it, event, &extra));
        let mut results = Vec::new();
        let mut texts = Vec::new();
        for (unit, outcome) in units.iter().zip(done) {
            results.push(match outcome {
                Ok(rows) => {
                    let mut told: Vec<Value> = rows.iter().filter_map(tell).collect();
                    let add_ons = told.split_off(1 + unit.bundled);
                    let bundled = told.split_off(1);
                    let mut body = told.pop().ok_or(DbError::RowCount(0))?;
                    body["addons"] = json!(add_ons);
                    body["bundled"] = json!(bundled);
                    Ok(body)
                }
                Err(faults) => Err(self.refused(unit, &faults, &mut texts).await?),
            });
        }
        Ok(results)
    }

    /// What is wrong with a unit, by field; with its parts, in lists parallel to them. `texts` are those that were needed
    /// before: buyers wait, and most of what is refused is refused by the same few quotas.
    async fn refused(
        &self,
        unit: &NewUnit,
        faults: &Faults,
        texts: &mut Vec<(OrderRefusal, String)>,
    ) -> Result<Value, ApiError> {
        let mut body = Map::new();
        let mut parts = vec![json!({}); unit.unit.parts.len()];
        for (place, refusal) in faults {
            let fault = match refusal {
                OrderRefusal::Voucher(problem) => json!({ "voucher": [voucher_problem(*problem)] }),
                refusal => {
                    if !texts.iter().any(|(known, _)| known == refusal) {
                        texts.push((*refusal, no_room(self.tx, self.event, self.catalogue, *refusal).await?));
                    }
                    let text = texts.iter().find(|(known, _)| known == refusal).map(|(_, text)| text);
                    json!({ "item": [text] })
                }
            };
            match (place.checked_sub(1), fault) {
                (None, Value::Object(fields)) => body.extend(fields),
                (Some(part), fault) => parts[part] = fault,
                (None, _) => {}
            }
        }
        let add_ons = parts.split_off(unit.bundled);
        for (name, list) in [("bundled", parts), ("addons", add_ons)] {
            if list.iter().any(|fault| *fault != json!({})) {
                body.insert(name.to_owned(), Value::Array(list));
            }
        }
        Ok(Value::Object(body))
    }

    async fn release(&self, id: i64) -> Result<Answer, ApiError> {
        let scope = self.staff.scope();
        let found = record::find(self.tx, &CART_POSITIONS, scope, id).await?.ok_or(ApiError::NotFound)?;
        let cart = CartId(found.get("cart_id").and_then(Value::as_str).unwrap_or_default().to_owned());
        let now = self.ctx.now();
        edit::release(self.tx, self.staff, self.event, self.catalogue, (&cart, CartPositionId(id)), now).await?;
        Ok(Answer { status: StatusCode::NO_CONTENT.as_u16(), body: Value::Null })
    }

    /// Reads one unit with what comes with it.
    fn unit(&self, body: &Value) -> Result<NewUnit, ApiError> {
        let fields = Fields::of(body)?;
        let cart = match fields.line("cart_id")? {
            None => CartId(format!("{}{SUFFIX}", self.ctx.codes().cart_id())),
            Some(id) if id.ends_with(SUFFIX) && id.len() <= ID_MAX => CartId(id),
            Some(_) => return Err(ApiError::field("cart_id", format!("The id of such a cart ends with {SUFFIX}."))),
        };
        if !fields.flag("includes_tax", true)? {
            return Err(ApiError::field("includes_tax", "This is not available."));
        }
        sales_channel(&fields, &self.channels)?;
        let expires_at = fields.moment("expires")?;
        if expires_at.is_some_and(|moment| moment <= self.ctx.now()) {
            return Err(ApiError::field("expires", "This must be in the future."));
        }
        let (whole, answers) = self.position(&fields)?;
        let bundled = self.below(&fields, "bundled", &whole)?;
        let add_ons = self.below(&fields, "addons", &whole)?;
        let parts = || bundled.iter().chain(&add_ons);
        let told = std::iter::once((whole.attendee.clone(), answers))
            .chain(parts().map(|(part, answers)| (part.attendee.clone(), answers.clone())));
        Ok(NewUnit {
            cart,
            bundled: bundled.len(),
            told: told.collect(),
            unit: Reservation {
                product: whole.product,
                price: whole.price,
                parts: parts().map(|(part, _)| (part.product, part.price)).collect(),
                voucher: whole.voucher,
                expires_at,
            },
        })
    }

    fn position(&self, fields: &Fields) -> Result<Said, ApiError> {
        let reader = Reader { event: self.event, catalogue: self.catalogue, now: self.ctx.now() };
        fields.refuse(&["valid_from", "valid_until"])?;
        let mut position = reader.position(fields)?;
        if !position.is_price_given {
            return Err(ApiError::field("price", "This field is required."));
        }
        let answers = std::mem::take(&mut position.answers);
        Ok((position, answers))
    }

    /// Parts or add-ons, which are for the date of what they belong to.
    fn below(&self, fields: &Fields, name: &str, whole: &CreatePosition) -> Result<Vec<Said>, ApiError> {
        let item = self.catalogue.item(whole.product.item);
        parts(fields, name, |fields| {
            let said = self.position(&fields.with("subevent", json!(whole.product.date)))?;
            let product = said.0.product;
            let is_part = item.is_some_and(|item| {
                item.bundles.iter().any(|it| (it.item, it.variation) == (product.item, product.variation))
            });
            let category = self.catalogue.item(product.item).and_then(|item| item.category);
            let is_add_on = item.is_some_and(|item| item.add_ons.iter().any(|it| Some(it.category) == category));
            match name {
                _ if said.0.voucher.is_some() => {
                    Err(ApiError::field("voucher", "An add-on or a part cannot have a voucher."))
                }
                "bundled" if !is_part => Err(ApiError::field("item", "This product is no part of the other.")),
                "addons" if !is_add_on => Err(ApiError::field("item", "This product cannot be added to the other.")),
                _ => Ok(said),
            }
        })
    }
}
