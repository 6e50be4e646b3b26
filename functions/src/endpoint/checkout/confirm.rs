//! The last step: look at everything once more, agree, order.

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::{Desk, StepName, Visit, closed, questions::requires_answers};
use crate::{
    boxoffice::{self, Draft, NotPlaced, Outcome, Ticket},
    ctx::Ctx,
    endpoint::{cart::add_on_text, visit::Note},
    http::{ApiError, Form},
    money::Money,
    order,
    page::{
        self, Fact, Html, MessageKind,
        checkout::{ChosenPayment, ConfirmPage, ConfirmText, FactGroup},
        field,
    },
    port::db::Db,
    present,
};

/// Shows the order as it would be placed.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let desk = match Desk::open(&visit, &*db, ctx.now()).await? {
        Ok(desk) => desk,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if let Some(earlier) = desk.redirect_before(StepName::Confirm) {
        return Ok(earlier);
    }
    Ok(render(&desk, visit.form_token(), None))
}

/// Places the order. The same form sent again leads to the same order, also when its cart is gone by then.
pub async fn place(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let form = visit.form(&request).or_else(|error| repeated_form(error, &request))?;
    let form_token = visit.own_form_token(&form)?;
    let elsewhere = match visit.form(&request) {
        Ok(_) => match attempt(ctx, &mut db, &visit, &form, form_token).await? {
            Attempt::Ordered(order) => return Ok(ordered(&visit, &order)),
            Attempt::Elsewhere(elsewhere) => Ok(elsewhere),
        },
        Err(error) => Err(error),
    };
    // Sent again, or the other click of a double click: the cart is used up, but the form has placed an order.
    match boxoffice::waiting::sql::outcome(&*db, visit.event.id, form_token).await? {
        Some(Outcome::Placed { code, secret, .. }) => Ok(ordered(&visit, &(code, secret))),
        _ => elsewhere,
    }
}

/// Code and secret.
type OrderAddress = (String, String);

enum Attempt {
    Ordered(OrderAddress),
    Elsewhere(Response<Body>),
}

async fn attempt(
    ctx: &Ctx,
    db: &mut Db,
    visit: &Visit<'_>,
    form: &Form,
    form_token: &str,
) -> Result<Attempt, ApiError> {
    let elsewhere = |response| Ok(Attempt::Elsewhere(response));
    let now = ctx.now();
    if let Some(key) = closed(&visit.event, now) {
        return elsewhere(visit.go_to_shop(MessageKind::Error, key));
    }
    let Some(cart) = visit.cart.clone() else { return elsewhere(visit.go_to_shop(MessageKind::Error, "cart-empty")) };
    let catalogue = visit.catalogue(&*db).await?;
    let unticked =
        (0..visit.event.settings.confirm_texts().len()).any(|index| form.get(&field::confirm(index)).is_none());
    // Whether everything required was answered is only worth a look where something is; the rest the box office checks.
    if unticked || requires_answers(visit, &catalogue) {
        let desk = match Desk::open(visit, &*db, now).await? {
            Ok(desk) => desk,
            Err(response) => return elsewhere(response),
        };
        if let Some(earlier) = desk.redirect_before(StepName::Confirm) {
            return elsewhere(earlier);
        }
        if unticked {
            return elsewhere(render(&desk, form_token.to_owned(), Some(form)));
        }
    }
    let agreed = form.get(field::TOTAL).and_then(|total| Money::parse_decimal(total, visit.event.currency).ok());
    let Some(agreed_total) = agreed else { return elsewhere(again(visit, "price-changed")) };
    let draft = Draft { told: visit.told.clone(), locale: visit.lang.code().to_owned(), seed: ctx.codes().seed() };
    let request = boxoffice::Request::PlaceOrder { cart, agreed_total, draft };
    let ticket = Ticket { key: form_token.to_owned(), request };
    match boxoffice::submit(ctx, db, &visit.event, &catalogue, &ticket).await? {
        Outcome::Placed { code, secret, .. } => {
            tracing::info!(event.id = visit.event.id.0, order.code = code, "Order {code} placed");
            Ok(Attempt::Ordered((code, secret)))
        }
        Outcome::NotPlaced(NotPlaced::Empty) => elsewhere(visit.go_to_shop(MessageKind::Error, "cart-empty")),
        // The page leads to the first step that is not complete.
        Outcome::NotPlaced(NotPlaced::Incomplete) => elsewhere(visit.go(&visit.url(StepName::Confirm.path()), None)),
        Outcome::NotPlaced(NotPlaced::Unavailable(_)) => {
            elsewhere(visit.go_to_shop(MessageKind::Error, "cart-error-positions-removed"))
        }
        Outcome::NotPlaced(NotPlaced::PriceChanged) => elsewhere(again(visit, "price-changed")),
        Outcome::NotPlaced(NotPlaced::AddOns(_, problem)) => {
            let note = Note::saying(MessageKind::Error, add_on_text(visit, &catalogue, problem));
            elsewhere(visit.go(&visit.url(StepName::AddOns.path()), Some(&note)))
        }
        other => unreachable!("an order request is placed or not, not {other:?}"),
    }
}

/// After the order the browser has no cart any more, so the form of a second click is bound to a cart that is gone.
/// Its token alone finds the order; nothing else is done with such a form.
fn repeated_form(error: ApiError, request: &Request) -> Result<Form, ApiError> {
    match error {
        ApiError::ForeignForm => Form::read(request),
        other => Err(other),
    }
}

fn ordered(visit: &Visit<'_>, (code, secret): &OrderAddress) -> Response<Body> {
    let mut response = visit.go(&format!("{}?thanks=yes", order::path(&visit.event, code, secret)), None);
    visit.drop_cart(&mut response);
    response
}

fn again(visit: &Visit<'_>, key: &str) -> Response<Body> {
    let note = Note::saying(MessageKind::Warning, visit.text(key));
    visit.go(&visit.url(StepName::Confirm.path()), Some(&note))
}

/// `refused` is the form that lacked an agreement: ticked boxes stay ticked.
fn render(desk: &Desk<'_>, form_token: String, refused: Option<&Form>) -> Response<Body> {
    let (visit, event, lang) = (desk.visit, &desk.visit.event, desk.visit.lang);
    let checkout = desk.checkout(StepName::Confirm, form_token);
    let fact = |key: &str, value: &Option<String>| value.clone().map(|value| Fact::new(visit.text(key), value));
    let contact = [fact("email", &desk.told.email), fact("phone", &desk.told.phone)];
    let attendee = |position: &crate::cart::Position| {
        let known = [
            fact("attendee-name", &position.attendee.name),
            fact("attendee-email", &position.attendee.email),
            fact("attendee-company", &position.attendee.company),
        ];
        let answers = visit.answers(&desk.catalogue, &position.answers, &visit.url("checkout/"));
        FactGroup {
            title: present::product(event, &desk.catalogue, position.product, lang),
            facts: known.into_iter().flatten().chain(answers).collect(),
        }
    };
    let payment = desk.payment().filter(|_| !desk.total().is_zero()).map(|provider| ChosenPayment {
        label: provider.label(event, lang),
        description: provider.description(event, lang).and_then(|text| Html::from_markdown_opt(&text)),
        url: visit.url(StepName::Payment.path()),
    });
    let confirm_texts = event.settings.confirm_texts().into_iter().enumerate().map(|(index, text)| {
        let agreed = refused.is_some_and(|form| form.get(&field::confirm(index)).is_some());
        ConfirmText {
            text: Html::from_markdown(text.get(lang)),
            agreed,
            error: (refused.is_some() && !agreed).then(|| visit.text("error-agree")),
        }
    });
    let status = if refused.is_none() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = ConfirmPage {
        frame: visit.frame(desk.title(&checkout)),
        checkout,
        contact: contact.into_iter().flatten().collect(),
        attendees: desk.positions.iter().map(attendee).filter(|group| !group.facts.is_empty()).collect(),
        questions_url: visit.url(StepName::Questions.path()),
        payment,
        confirm_texts: confirm_texts.collect(),
    };
    visit.show(status, page::render(&page))
}
