//! Gift cards in the REST API (spec rest-api 2.6, domain 20.1).

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::api::{
    Around,
    field::{Field, Kind},
    list::{Filter, Wanted},
    read::{self, Faults},
    resource::{self, Action, Ground, Parent, Resource},
    segments,
};
use crate::{
    ctx::Ctx,
    gift_card::{
        self, BookError, Entry,
        sql::{CARDS, ENTRIES},
    },
    http::ApiError,
    id::GiftCardId,
    money::{Currency, Money},
    record::{self, Record, Table, reference},
    staff::Permission,
};

/// Answers every route of gift cards: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    match (request.method(), segments(&request).get(6).copied()) {
        (&Method::GET, Some("transactions")) => resource::handle::<Entries>(ctx, request).await,
        (&Method::POST, Some("transact")) => resource::act::<Transact>(ctx, request).await,
        (&Method::GET | &Method::POST | &Method::PATCH, None) => resource::handle::<Cards>(ctx, request).await,
        _ => Err(ApiError::MethodNotAllowed),
    }
}

/// Longest secret.
const SECRET_MAX: usize = 190;
/// What a booking is about.
const TEXT_MAX: usize = 10_000;

/// Gift cards of an organiser.
pub struct Cards;

impl Resource for Cards {
    const KEY: &'static str = "giftcard";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("secret", Kind::Text(SECRET_MAX)).create_only(),
        Field::new("issuance", Kind::Moment).column("created_at").read_only(),
        Field::new("value", Kind::OwnAmount).required(),
        Field::new("currency", Kind::Text(3)).required().create_only().like("^[A-Z]{3}$"),
        Field::new("testmode", Kind::Flag).create_only(),
        Field::new("expires", Kind::Moment).column("expires_at").null(),
        Field::new("conditions", Kind::Text(TEXT_MAX)).null(),
        Field::new("owner_ticket", Kind::Fixed("null")),
        Field::new("issuer", Kind::Text(50)).read_only(),
    ];
    const TABLE: &'static Table = &CARDS;
    const READ: Permission = Permission::GiftCardsRead;
    const WRITE: Permission = Permission::GiftCardsWrite;
    const LOG: [&'static str; 3] =
        ["pretix.giftcards.created", "pretix.giftcards.modified", "pretix.giftcards.deleted"];
    const FILTERS: &'static [Filter] = &[
        Filter::new("secret", Wanted::Text),
        Filter::new("testmode", Wanted::Flag),
        Filter::new("expired", Wanted::Flag),
        Filter::new("value", Wanted::Decimal),
    ];

    fn loaded(record: &mut Record, around: &Around) {
        record.insert("issuer".to_owned(), json!(around.organizer_slug));
    }

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let Ok(currency) = Currency::parse(&word(draft, "currency")) else {
            faults.add("currency", "A currency is three capital letters, such as EUR.");
            return Ok(());
        };
        // An amount that is written is a text until its currency is known.
        if let Some(text) = draft.get("value").and_then(Value::as_str) {
            match amount(text, currency).filter(|minor| *minor >= 0) {
                Some(minor) => drop(draft.insert(WANTED.to_owned(), json!(minor))),
                None => faults.add("value", wrong_amount(currency)),
            }
        }
        if before.is_none() {
            if word(draft, "secret").is_empty() {
                draft.insert("secret".to_owned(), json!(ground.ctx.codes().gift_card_secret()));
            }
            draft.insert("decimals".to_owned(), json!(currency.decimals()));
            draft.insert("created_at".to_owned(), json!(ground.now().to_string()));
        }
        Ok(())
    }

    async fn written(ground: &Ground<'_>, id: i64, draft: &Record, before: Option<&Record>) -> Result<(), ApiError> {
        let Some(wanted) = reference(draft, WANTED) else { return Ok(()) };
        let (organizer, now) = (ground.scope.organizer(), ground.now());
        let booked = gift_card::set_worth(ground.tx, organizer, GiftCardId(id), wanted, now).await.map_err(refused)?;
        if let (Some(amount), Some(_)) = (booked, before) {
            log(ground, id, &json!({ "value": amount })).await?;
        }
        Ok(())
    }

    fn refused(constraint: &str) -> Option<(&'static str, &'static str)> {
        (constraint == "gift_card_secret_key").then_some(("secret", "There is a gift card with this secret already."))
    }
}

/// Where a draft has the minor units that the card is to be worth.
const WANTED: &str = "wanted";

fn word(record: &Record, column: &str) -> String {
    record.get(column).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The minor units of an amount that a card can have, with a sign.
fn amount(text: &str, currency: Currency) -> Option<i64> {
    let amount = Money::parse_decimal(text, currency).ok()?.minor();
    (-gift_card::WORTH_MAX..=gift_card::WORTH_MAX).contains(&amount).then_some(amount)
}

fn wrong_amount(currency: Currency) -> String {
    format!("A valid number with at most {} decimal places is required.", currency.decimals())
}

async fn log(ground: &Ground<'_>, card: i64, said: &Value) -> Result<(), ApiError> {
    let action = "pretix.giftcards.transaction.manual";
    Ok(record::log(ground.tx, ground.scope, (CARDS.object, card), action, said, ground.now()).await?)
}

fn refused(error: BookError) -> ApiError {
    match error {
        BookError::Missing => ApiError::NotFound,
        BookError::TooLittle(_) => {
            ApiError::Conflict(json!({ "value": ["The gift card is not worth enough for this."] }))
        }
        BookError::TooMuch => ApiError::field("value", "A gift card cannot be worth that much."),
        BookError::Db(error) => error.into(),
    }
}

/// What was put on a card and taken from it.
pub struct Entries;

impl Resource for Entries {
    const KEY: &'static str = "transaction";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("datetime", Kind::Moment).column("created_at").read_only(),
        Field::new("value", Kind::OwnAmount).column("amount").read_only(),
        Field::new("event", Kind::Text(50)).null().read_only(),
        Field::new("order", Kind::Text(16)).null().read_only(),
        Field::new("text", Kind::Text(TEXT_MAX)).read_only(),
        Field::new("info", Kind::Json).null().read_only(),
        Field::new("acceptor", Kind::Text(50)).read_only(),
    ];
    const TABLE: &'static Table = &ENTRIES;
    const READ: Permission = Permission::GiftCardsRead;
    const WRITE: Permission = Permission::GiftCardsWrite;
    const LOG: [&'static str; 3] = Cards::LOG;
    const PARENT: Option<Parent> = Some(Parent { key: Cards::KEY, table: &CARDS, column: "card_id" });

    /// Cards are only taken where they were issued.
    fn loaded(record: &mut Record, around: &Around) {
        record.insert("acceptor".to_owned(), json!(around.organizer_slug));
    }
}

const TRANSACT_FIELDS: &[Field] = &[
    Field::new("value", Kind::Text(40)).required(),
    Field::new("text", Kind::Text(TEXT_MAX)),
    Field::new("info", Kind::Json).null(),
];

/// `POST …/giftcards/7/transact/`: takes from a card, or puts on it.
struct Transact;

impl Action for Transact {
    type Of = Cards;

    async fn act(ground: &Ground<'_>, record: &Record, request: &Request) -> Result<StatusCode, ApiError> {
        let written = read::read(TRANSACT_FIELDS, &read::object(request)?, None, true, ground.around);
        written.faults.check()?;
        let id = reference(record, "id").unwrap_or_default();
        let currency = Currency::parse(&word(record, "currency")).map_err(ApiError::internal)?;
        let wrong = || ApiError::field("value", wrong_amount(currency));
        let entry = Entry {
            amount: amount(&word(&written.record, "value"), currency).ok_or_else(wrong)?,
            text: word(&written.record, "text"),
            info: written.record.get("info").cloned().unwrap_or_default(),
            order: None,
        };
        let (organizer, now) = (ground.scope.organizer(), ground.now());
        gift_card::book(ground.tx, organizer, GiftCardId(id), &entry, now).await.map_err(refused)?;
        log(ground, id, &json!({ "value": entry.amount, "text": entry.text })).await?;
        Ok(StatusCode::OK)
    }
}
