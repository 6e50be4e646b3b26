//! The page of an order and its ticket downloads (spec shop-ux 10).

use ::http::StatusCode;
use lambda_http::{Body, Request, Response};

use super::visit::Visit;
use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    http::{self, ApiError},
    i18n::format,
    order::{self, Order, OrderStatus, Position},
    outbox,
    page::{
        self, Fact, Frame, Html,
        checkout::FactGroup,
        order::{FeeLine, OrderLine, OrderPage, PaymentPanel, WaitingPage},
    },
    port::db::Query,
    present, session,
    ticket::{self, Download, Which},
    time::Timestamp,
};

/// The order of the request's path; a wrong code and a wrong secret look the same.
pub(super) async fn find(visit: &Visit<'_>, q: &impl Query, request: &Request) -> Result<Order, ApiError> {
    let (code, secret) = (http::path(request, "code")?, http::path(request, "secret")?);
    order::find(q, &visit.event, &code, &secret).await?.ok_or(ApiError::NotFound)
}

/// Shows an order to its buyer.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let order = find(&visit, &*db, &request).await?;
    let catalogue = visit.catalogue(&*db).await?;
    let thanks = http::query(&request, "thanks").is_some();
    let page = order_page(&visit, &catalogue, &order, thanks, ctx.now());
    Ok(visit.show(StatusCode::OK, page::render(&page)))
}

/// The link in a mail: that somebody opened it shows that the address works.
pub async fn open(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let order = find(&visit, &*db, &request).await?;
    if !session::same(order.open_hash().as_bytes(), http::path(&request, "hash")?.as_bytes()) {
        return Err(ApiError::NotFound);
    }
    order::sql::know_email_works(&*db, visit.event.id, order.id).await?;
    Ok(visit.go(&order.path(&visit.event), None))
}

/// Asks for a ticket: it is made if it does not exist yet. Ends on the page that waits for it, never at the file: a
/// browser that was sent there by a form would refuse, because forms may only lead to this site.
pub async fn request_download(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    visit.form_of_any_page(&request)?;
    let wanted = wanted(&visit, &*db, &request, ctx.now()).await?;
    if wanted.object_key.is_none() {
        let tx = db.begin().await?;
        let message = wanted.message();
        let recorded = outbox::record(&tx, &[message], ctx.now()).await;
        let outgoing = tx.finish(recorded).await?;
        drop(db);
        outgoing.of(visit.event.organizer.id).dispatch(ctx).await;
    }
    Ok(visit.go(&format!("{}?wait=yes", url_of(&visit, &wanted)), None))
}

/// Leads to the ticket file, or shows the waiting page until it is there.
pub async fn show_download(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let wanted = wanted(&visit, &*db, &request, ctx.now()).await?;
    let asked_just_now = http::query(&request, "wait").is_some();
    if let Some(key) = wanted.object_key.as_ref().filter(|_| !asked_just_now) {
        let url =
            ctx.media().await.download_url(key, &wanted.file_name(&visit.event)).await.map_err(ApiError::internal)?;
        return Ok(http::redirect(StatusCode::SEE_OTHER, &url));
    }
    let page = WaitingPage {
        frame: Frame { noindex: true, ..visit.frame(visit.text("waiting-heading")) },
        url: url_of(&visit, &wanted),
        csrf: visit.csrf(),
        seconds: 2,
        order_url: wanted.order.path(&visit.event),
    };
    Ok(visit.show(StatusCode::OK, page::render(&page)))
}

/// The word in the path that stands for all tickets of an order instead of one position's number.
const ALL_TICKETS: &str = "all";

/// What may be downloaded now.
async fn wanted(visit: &Visit<'_>, q: &impl Query, request: &Request, now: Timestamp) -> Result<Download, ApiError> {
    let order = find(visit, q, request).await?;
    let which = match http::path(request, "position")?.as_str() {
        ALL_TICKETS => Which::All,
        number => Which::Number(number.parse().map_err(|_| ApiError::NotFound)?),
    };
    let catalogue = visit.catalogue(q).await?;
    Download::find(q, &visit.event, &catalogue, order, which, now).await?.ok_or(ApiError::NotFound)
}

fn url_of(visit: &Visit<'_>, wanted: &Download) -> String {
    match &wanted.position {
        Some(position) => download_url(visit, &wanted.order, &position.number.to_string()),
        None => download_url(visit, &wanted.order, ALL_TICKETS),
    }
}

/// `which` is a position's number, or [`ALL_TICKETS`].
fn download_url(visit: &Visit<'_>, order: &Order, which: &str) -> String {
    format!("{}download/{which}/{}/", order.path(&visit.event), ticket::OUTPUT)
}

fn order_page(visit: &Visit<'_>, catalogue: &Catalogue, order: &Order, thanks: bool, now: Timestamp) -> OrderPage {
    let (event, lang) = (&visit.event, visit.lang);
    let with_ticket: Vec<i32> = match ticket::can_download(event, order, now) {
        true => ticket::positions_with_ticket(event, catalogue, order).map(|position| position.number).collect(),
        false => Vec::new(),
    };
    let line = |position: &Position| OrderLine {
        belongs: position.parent.is_some(),
        name: present::product(event, catalogue, position.product, lang),
        details: position
            .attendee
            .name
            .iter()
            .cloned()
            .chain(position.discount.and_then(|id| visit.discount_text(catalogue, id)))
            .collect(),
        price: position.price,
        canceled: position.canceled,
        download: with_ticket
            .contains(&position.number)
            .then(|| download_url(visit, order, &position.number.to_string())),
    };
    let heading = lang.text_with("order-heading", &[("name", order.code.as_str().into())]);
    OrderPage {
        frame: Frame { noindex: true, ..visit.frame(heading) },
        code: order.code.clone(),
        placed: order.created_at,
        status: present::order_status(order),
        thanks,
        success_text: event
            .settings
            .checkout_success_text()
            .filter(|_| thanks)
            .and_then(|text| Html::from_markdown_opt(text.get(lang))),
        payment: payment_panel(visit, order),
        download_note: download_note(visit, order, now),
        download_all: (with_ticket.len() > 1).then(|| download_url(visit, order, ALL_TICKETS)),
        calendar_url: (!event.has_subevents).then(|| event.calendar_path()),
        positions: order.positions.iter().map(line).collect(),
        fees: order.live_fees().map(|fee| FeeLine { name: present::fee_name(fee, lang), amount: fee.value }).collect(),
        taxes: present::tax_lines(order.taxes()),
        total: order.total,
        contact: contact(visit, order),
        attendees: order
            .live_positions()
            .map(|position| attendee(visit, catalogue, order, position))
            .filter(|group| !group.facts.is_empty())
            .collect(),
        shop_url: event.path(),
    }
}

fn payment_panel(visit: &Visit<'_>, order: &Order) -> Option<PaymentPanel> {
    if order.status != OrderStatus::Pending || order.require_approval {
        return None;
    }
    let event = &visit.event;
    let instructions = present::payment_instructions(event, order, visit.lang)
        .or_else(|| order.provider().and_then(|provider| provider.description(event, visit.lang)));
    let bank = present::bank_details(event, order);
    Some(PaymentPanel {
        amount: order.balance(),
        deadline: Some(order.expires_at),
        text: instructions.filter(|_| bank.is_none()).and_then(|text| Html::from_markdown_opt(&text)),
        bank,
    })
}

/// Why a settled order has no downloads yet.
fn download_note(visit: &Visit<'_>, order: &Order, now: Timestamp) -> Option<String> {
    let event = &visit.event;
    let from = event.settings.ticket_download_date(&event.timezone).filter(|from| *from > now)?;
    let waits = order.status == OrderStatus::Paid && event.settings.ticket_download();
    let from = format::date_time(visit.lang, from, &event.timezone);
    waits.then(|| visit.lang.text_with("download-later", &[("name", from.into())]))
}

fn contact(visit: &Visit<'_>, order: &Order) -> Vec<Fact> {
    let email = Some(order.email.clone()).filter(|email| !email.is_empty());
    let facts = [("email", email), ("phone", order.phone.clone())];
    facts.into_iter().filter_map(|(key, value)| Some(Fact::new(visit.text(key), value?))).collect()
}

fn attendee(visit: &Visit<'_>, catalogue: &Catalogue, order: &Order, position: &Position) -> FactGroup {
    let data = &position.attendee;
    let known = [("attendee-name", &data.name), ("attendee-email", &data.email), ("attendee-company", &data.company)];
    let known = known.into_iter().filter_map(|(key, value)| Some(Fact::new(visit.text(key), value.clone()?)));
    let answers = visit.answers(catalogue, &position.answers, &order.path(&visit.event));
    FactGroup {
        title: format!(
            "#{} {}",
            position.number,
            present::product(&visit.event, catalogue, position.product, visit.lang)
        ),
        facts: known.chain(answers).collect(),
    }
}
