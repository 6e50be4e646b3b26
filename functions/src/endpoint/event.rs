//! The event page: what there is to buy, in a series on which dates (spec shop-ux 3, 4, 5).

use std::collections::BTreeSet;

use ::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, RequestExt as _, Response};

use super::{
    cart::voucher_text,
    listing::best_sale,
    shelf::Shelf,
    visit::{Note, Visit},
};
use crate::{
    boxoffice::{
        Voucher, VoucherProblem,
        load::{Quotas, quotas_for_display, voucher_by_code, vouchers_exist},
    },
    catalogue::{Catalogue, Date, WEB},
    ctx::Ctx,
    event::{Event, Presale, calendar},
    http::{self, ApiError},
    i18n::format,
    id::SubeventId,
    page::{
        self, Frame, Html, MessageKind,
        event::{EventPage, Sale, SeriesPage},
        listing::EventRow,
    },
    port::db::{DbError, Query},
    present,
    time::Timestamp,
};

/// Shows the shop; of a series, its dates.
pub async fn show(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let asked = Asked { visit: &visit, voucher: None, now: ctx.now() };
    match visit.event.has_subevents {
        true => asked.show_dates(&*db, &request).await,
        false => asked.show_products(&*db, None).await,
    }
}

/// The shop as a page to look at while the shop itself cannot be reached: for everybody, so with nothing in it that belongs
/// to one visitor, and with nothing to send. In the language that the shop has for readers of none of its own.
pub async fn snapshot(ctx: &Ctx, q: &impl Query, event: Event, now: Timestamp) -> Result<String, ApiError> {
    let is_series = event.has_subevents;
    // Products without anything to choose, as after the sale.
    let closed = Event { presale_start: None, presale_end: Some(now.plus_seconds(-1)), ..event.clone() };
    let visit = Visit::of_nobody(ctx, if is_series { event } else { closed });
    let asked = Asked { visit: &visit, voucher: None, now };
    let presale = Some(visit.text("shop-snapshot"));
    let bare = |frame| Frame { langs: Vec::new(), noindex: true, ..frame };
    if is_series {
        let page = asked.dates_page(q, 1).await?;
        let frame = bare(page.frame.clone());
        return Ok(page::render(&SeriesPage { frame, presale, next: None, asks_for_voucher: false, ..page }));
    }
    let page = asked.products_page(q, None).await?;
    let frame = bare(page.frame.clone());
    let (csrf, form_token) = (String::new(), String::new());
    Ok(page::render(&EventPage { frame, presale, csrf, form_token, asks_for_voucher: false, ..page }))
}

/// Shows what there is to buy on a date of a series.
pub async fn show_date(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let id: i64 = http::path(&request, "date")?.parse().map_err(|_| ApiError::NotFound)?;
    Asked { visit: &visit, voucher: None, now: ctx.now() }.show_products(&*db, Some(SubeventId(id))).await
}

/// The event for calendars (spec shop-ux 3). A series as a whole has no day to put there.
pub async fn calendar(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    if visit.event.has_subevents {
        return Err(ApiError::NotFound);
    }
    let file = calendar::file(&visit.event, &ctx.config().public_url, visit.lang, ctx.now());
    let mut response = http::respond(StatusCode::OK, "text/calendar; charset=utf-8", Body::Text(file));
    let name = format!("attachment; filename=\"{}\"", calendar::file_name(&visit.event));
    let name = HeaderValue::from_str(&name).map_err(ApiError::internal)?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Shows what a voucher is good for, at its prices (spec shop-ux 7). In a series a date is chosen first, unless the
/// voucher is for one.
pub async fn redeem(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    let now = ctx.now();
    let parameters = request.query_string_parameters();
    let code = parameters.first("voucher").unwrap_or_default().to_owned();
    let voucher = voucher_by_code(&*db, visit.event.id, &code).await?.map(|(_, voucher)| voucher);
    let problem = match &voucher {
        None => Some(VoucherProblem::Unknown),
        Some(voucher) if !voucher.terms.is_valid(now) => Some(VoucherProblem::Expired),
        Some(voucher) if voucher.unredeemed() == 0 => Some(VoucherProblem::Redeemed),
        Some(voucher) if voucher.uses_left() == 0 => Some(VoucherProblem::InOtherCarts),
        Some(_) => None,
    };
    if let Some(problem) = problem {
        let note = Note::saying(MessageKind::Error, voucher_text(&visit, problem));
        return Ok(visit.go(&visit.event.path(), Some(&note)));
    }
    let chosen = parameters.first(page::field::DATE).and_then(|id| id.parse().ok()).map(SubeventId);
    let date = voucher.as_ref().and_then(|voucher| voucher.terms.date).or(chosen);
    let asked = Asked { visit: &visit, voucher, now };
    match date.filter(|_| visit.event.has_subevents) {
        None if visit.event.has_subevents => asked.show_dates(&*db, &request).await,
        date => asked.show_products(&*db, date).await,
    }
}

/// Dates on a page of a series: the quotas of all of them are read.
const DATES_PER_PAGE: usize = 50;

/// What somebody wants to see.
struct Asked<'a> {
    visit: &'a Visit<'a>,
    /// The voucher that it is shown for.
    voucher: Option<Voucher>,
    now: Timestamp,
}

impl Asked<'_> {
    /// What there is to buy, on a date that buyers may see.
    async fn show_products(&self, q: &impl Query, date: Option<SubeventId>) -> Result<Response<Body>, ApiError> {
        let page = self.products_page(q, date).await?;
        Ok(self.visit.show(StatusCode::OK, page::render(&page)))
    }

    async fn products_page(&self, q: &impl Query, date: Option<SubeventId>) -> Result<EventPage, ApiError> {
        let (visit, lang, event) = (self.visit, self.visit.lang, &self.visit.event);
        let catalogue = visit.catalogue(q).await?;
        let date = match date {
            None => None,
            Some(id) => Some(catalogue.date(id).filter(|date| date.is_listed()).ok_or(ApiError::NotFound)?),
        };
        let dates = date.map(|date| date.id).into_iter().collect();
        let Quotas { quotas, quotas_of, .. } = quotas_for_display(q, event.id, dates, self.now).await?;
        let positions = visit.cart_positions(q, &catalogue).await?;
        let shelf = Shelf {
            visit,
            catalogue: &catalogue,
            quotas: &quotas,
            quotas_of: &quotas_of,
            date,
            voucher: self.voucher.clone(),
            now: self.now,
        };
        let name = date.map_or(&event.name, |date| &date.name).get(lang).to_owned();
        Ok(EventPage {
            frame: Frame { event: date.and(visit.frame(String::new()).event), ..visit.frame(name.clone()) },
            base: event.path(),
            csrf: visit.csrf(),
            form_token: visit.form_token(),
            cart: visit.cart_box(&catalogue, &positions, None, self.now),
            name,
            dates: present::dates_on(event, date, lang),
            calendar_url: date.is_none().then(|| event.calendar_path()),
            times: present::times_on(event, date, lang),
            location: present::location_on(event, date, lang),
            text: self.text(date),
            date: date.map(|date| date.id),
            presale: self.presale_message(date),
            sections: shelf.sections(),
            voucher: self.voucher.as_ref().map(|voucher| voucher.terms.code.clone()),
            asks_for_voucher: self.asks_for_voucher(q).await?,
        })
    }

    /// The dates of a series that are still to come.
    async fn show_dates(&self, q: &impl Query, request: &Request) -> Result<Response<Body>, ApiError> {
        let number: usize = match http::query(request, "page") {
            None => 1,
            Some(number) => number.parse().ok().filter(|number| *number >= 1).ok_or(ApiError::NotFound)?,
        };
        let page = self.dates_page(q, number).await?;
        Ok(self.visit.show(StatusCode::OK, page::render(&page)))
    }

    async fn dates_page(&self, q: &impl Query, number: usize) -> Result<SeriesPage, ApiError> {
        let (visit, lang, event) = (self.visit, self.visit.lang, &self.visit.event);
        let catalogue = visit.catalogue(q).await?;
        let to_come: Vec<&Date> =
            catalogue.dates.iter().filter(|date| date.is_listed() && !date.is_over(event, self.now)).collect();
        let mut pages = to_come.chunks(DATES_PER_PAGE).skip(number - 1);
        let shown = match pages.next() {
            None if number > 1 => return Err(ApiError::NotFound),
            shown => shown.unwrap_or_default(),
        };
        let address = |number: usize| match &self.voucher {
            Some(voucher) => format!("{}&page={number}", self.redeem_url(&voucher.terms.code)),
            None => visit.url(&format!("?page={number}")),
        };
        let positions = visit.cart_positions(q, &catalogue).await?;
        let name = event.name.get(lang).to_owned();
        Ok(SeriesPage {
            frame: Frame { event: None, ..visit.frame(name.clone()) },
            base: event.path(),
            cart: visit.cart_box(&catalogue, &positions, None, self.now),
            name,
            location: present::location(event, lang),
            text: self.text(None),
            presale: self.presale_message(None),
            dates: self.rows(q, &catalogue, shown).await?,
            previous: (number > 1).then(|| address(number - 1)),
            next: pages.next().map(|_| address(number + 1)),
            voucher: self.voucher.as_ref().map(|voucher| voucher.terms.code.clone()),
            asks_for_voucher: self.asks_for_voucher(q).await?,
        })
    }

    async fn rows(&self, q: &impl Query, catalogue: &Catalogue, dates: &[&Date]) -> Result<Vec<EventRow>, DbError> {
        let (visit, lang, event) = (self.visit, self.visit.lang, &self.visit.event);
        let ids: BTreeSet<SubeventId> = dates.iter().map(|date| date.id).collect();
        let Quotas { quotas, quotas_of, .. } =
            quotas_for_display(q, event.id, ids.iter().copied().collect(), self.now).await?;
        let offers = catalogue.offers(event, WEB, &ids, self.now);
        let row = |date: &&Date| {
            let here = offers.iter().filter(|(product, _)| product.date == Some(date.id));
            let sale = match self.presale(Some(date)) {
                Presale::Ended => Sale::Over,
                Presale::NotStarted { start } => Sale::NotYet(Some(format::date_time(lang, start, &event.timezone))),
                Presale::Running => best_sale(here, &quotas, &quotas_of),
            };
            let when = [Some(present::dates_on(event, Some(date), lang)), present::times_on(event, Some(date), lang)];
            EventRow {
                name: date.name.get(lang).to_owned(),
                url: match &self.voucher {
                    Some(voucher) => format!("{}&subevent={}", self.redeem_url(&voucher.terms.code), date.id),
                    None => visit.url(&format!("{}/", date.id)),
                },
                dates: when.into_iter().flatten().collect::<Vec<_>>().join(" · "),
                location: date.location.as_ref().and_then(|_| present::location_on(event, Some(date), lang)),
                sale,
            }
        };
        Ok(dates.iter().map(row).collect())
    }

    fn redeem_url(&self, code: &str) -> String {
        let code: String = url_encoded(code);
        self.visit.url(&format!("redeem?voucher={code}"))
    }

    async fn asks_for_voucher(&self, q: &impl Query) -> Result<bool, DbError> {
        let runs = self.visit.event.presale(self.now) == Presale::Running;
        Ok(runs && vouchers_exist(q, self.visit.event.id).await?)
    }

    /// The organiser's own words: those about the date, or the front page's text, then the practical information.
    fn text(&self, date: Option<&Date>) -> Option<Html> {
        let settings = &self.visit.event.settings;
        let of_date = date.and_then(|date| date.frontpage_text.clone());
        let texts = [of_date.or(settings.frontpage_text()), settings.event_info_text()];
        let parts: Vec<&str> = texts.iter().flatten().map(|text| text.get(self.visit.lang)).collect();
        Html::from_markdown_opt(&parts.join("\n\n"))
    }

    /// Where the sale stands: that of the event as a whole, then that of the date.
    fn presale(&self, date: Option<&Date>) -> Presale {
        let event = &self.visit.event;
        match (event.presale(self.now), date) {
            (Presale::Running, Some(date)) => date.presale(event, self.now),
            (whole, _) => whole,
        }
    }

    fn presale_message(&self, date: Option<&Date>) -> Option<String> {
        let event = &self.visit.event;
        match self.presale(date) {
            Presale::Running => None,
            Presale::Ended => Some(self.visit.text("presale-over")),
            Presale::NotStarted { start } if event.settings.presale_start_show_date() => {
                let start = format::date_time(self.visit.lang, start, &event.timezone);
                Some(self.visit.lang.text_with("presale-starts", &[("name", start.into())]))
            }
            Presale::NotStarted { .. } => Some(self.visit.text("presale-not-yet")),
        }
    }
}

/// A text as a part of a query.
fn url_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
