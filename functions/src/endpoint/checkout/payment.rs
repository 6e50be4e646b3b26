//! The second step: how to pay.

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::{Desk, StepName, Visit};
use crate::{
    cart::Session,
    ctx::Ctx,
    http::ApiError,
    page::{
        self, Html,
        checkout::{PaymentPage, Provider as ProviderRow},
        field,
    },
    payment::Provider,
};

/// What this buyer can choose from.
pub(super) fn offered(desk: &Desk<'_>) -> Vec<Provider> {
    Provider::offered(&desk.visit.event)
}

/// Shows the providers.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let desk = match Desk::open(&visit, &*db, ctx.now()).await? {
        Ok(desk) => desk,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if desk.price().is_zero() {
        return Ok(visit.go(&visit.url(StepName::Confirm.path()), None));
    }
    if let Some(earlier) = desk.redirect_before(StepName::Payment) {
        return Ok(earlier);
    }
    Ok(render(&desk, None))
}

/// Keeps the choice.
pub async fn save(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let form = visit.form(&request)?;
    let desk = match Desk::open(&visit, &*db, ctx.now()).await? {
        Ok(desk) => desk,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if let Some(earlier) = desk.redirect_before(StepName::Payment) {
        return Ok(earlier);
    }
    let chosen = form.get(field::PAYMENT).and_then(Provider::parse).filter(|chosen| offered(&desk).contains(chosen));
    let Some(chosen) = chosen else { return Ok(render(&desk, Some(visit.text("error-payment")))) };
    Ok(desk.go_on_telling(StepName::Payment, &Session { payment: Some(chosen), ..desk.told.clone() }))
}

fn render(desk: &Desk<'_>, error: Option<String>) -> Response<Body> {
    let checkout = desk.checkout(StepName::Payment, desk.visit.form_token());
    let (event, lang) = (&desk.visit.event, desk.visit.lang);
    let providers = offered(desk);
    // One provider only: nothing to choose, but something to read.
    let chosen = desk.told.payment.or((providers.len() == 1).then(|| providers[0]));
    let row = |provider: Provider| ProviderRow {
        identifier: provider.identifier().to_owned(),
        label: provider.label(event, lang),
        description: provider.description(event, lang).and_then(|text| Html::from_markdown_opt(&text)),
        fee: desk.catalogue.billing.payment_fee(provider, desk.price()),
        chosen: chosen == Some(provider),
    };
    let status = if error.is_none() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = PaymentPage {
        frame: desk.visit.frame(desk.title(&checkout)),
        checkout,
        providers: providers.into_iter().map(row).collect(),
        error,
    };
    desk.visit.show(status, page::render(&page))
}
