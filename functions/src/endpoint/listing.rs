//! The pages above an event: all organisers, and the events of one (spec shop-ux 2).

use std::collections::{BTreeMap, BTreeSet};

use ::http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};

use crate::{
    boxoffice::{
        Availability, Offer, Product, Quota,
        load::{Quotas, quotas_for_display},
    },
    catalogue::{Catalogue, WEB},
    ctx::Ctx,
    event::{self, Event, Presale},
    http::{self, ApiError},
    i18n::{Lang, format},
    id::QuotaId,
    page::{
        self, Frame,
        event::Sale,
        listing::{EventRow, HomePage, OrganizerPage, OrganizerRow},
    },
    port::db::{DbError, Query},
    present, session,
    time::Timestamp,
};

/// All organisers with a public event.
pub async fn home(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db_for_display().await?;
    let lang = session::lang(&request, &Lang::ALL);
    let organizers = event::organizers(&*db).await?;
    let row = |summary: event::OrganizerSummary| OrganizerRow {
        name: summary.organizer.name,
        url: format!("/{}/", summary.organizer.slug),
        upcoming: summary.events,
    };
    let frame = Frame { langs: Lang::ALL.to_vec(), title: lang.text("home-heading"), ..Frame::bare(lang) };
    let page = HomePage { frame, organizers: organizers.into_iter().map(row).collect() };
    Ok(http::html(StatusCode::OK, page::render(&page)))
}

/// Events on a page of an organiser. Each costs a few statements for its badge, so this bounds what a reader can ask for.
const EVENTS_PER_PAGE: usize = 20;

/// The events of an organiser.
pub async fn organizer(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db_for_display().await?;
    let slug = http::path(&request, "organizer")?;
    let organizer = event::find_organizer(&*db, &slug).await?.ok_or(ApiError::NotFound)?;
    let url = format!("/{}/", organizer.slug);
    if organizer.slug != slug {
        return Err(ApiError::Moved(url));
    }
    let lang = session::lang(&request, &Lang::ALL);
    let now = ctx.now();
    let past = http::query(&request, "old").is_some_and(|old| old == "1");
    let events = match past {
        true => event::past(&*db, organizer.id, now).await?,
        false => event::upcoming(&*db, organizer.id, now).await?,
    };
    let number: usize = match http::query(&request, "page") {
        None => 1,
        Some(number) => number.parse().ok().filter(|number| *number >= 1).ok_or(ApiError::NotFound)?,
    };
    let mut pages = events.chunks(EVENTS_PER_PAGE).skip(number - 1);
    let shown = match pages.next() {
        None if number > 1 => return Err(ApiError::NotFound),
        shown => shown.unwrap_or_default(),
    };
    let address = |number: usize| format!("{url}?{}page={number}", if past { "old=1&" } else { "" });
    let previous = (number > 1).then(|| address(number - 1));
    let next = pages.next().map(|_| address(number + 1));
    let mut rows = Vec::with_capacity(shown.len());
    for event in shown {
        rows.push(EventRow {
            name: event.name.get(lang).to_owned(),
            url: event.path(),
            dates: present::dates(event, lang),
            location: present::location_line(event, lang),
            sale: sale(&*db, event, lang, now).await?,
        });
    }
    let frame = Frame {
        langs: Lang::ALL.to_vec(),
        title: organizer.name.clone(),
        path: request.raw_http_path().to_owned(),
        ..Frame::bare(lang)
    };
    let page = OrganizerPage { frame, name: organizer.name, text: None, past, url, events: rows, previous, next };
    Ok(http::html(StatusCode::OK, page::render(&page)))
}

/// The badge of an event: the best state of what buyers can have (spec domain 4.9, shop-ux 4).
async fn sale(q: &impl Query, event: &Event, lang: Lang, now: Timestamp) -> Result<Sale, DbError> {
    match event.presale(now) {
        Presale::Ended => return Ok(Sale::Over),
        Presale::NotStarted { start } => {
            let shown = event.settings.presale_start_show_date();
            return Ok(Sale::NotYet(shown.then(|| format::date_time(lang, start, &event.timezone))));
        }
        Presale::Running => {}
    }
    if event.has_subevents {
        // Which of its dates have tickets is said on its own page.
        return Ok(Sale::Open { free: false, few: false });
    }
    let catalogue = Catalogue::load(q, event).await?;
    let Quotas { quotas, quotas_of, .. } = quotas_for_display(q, event.id, Vec::new(), now).await?;
    let offers = catalogue.offers(event, WEB, &BTreeSet::new(), now);
    Ok(best_sale(offers.iter(), &quotas, &quotas_of))
}

/// The best that can be said of some products.
pub(super) fn best_sale<'a>(
    offers: impl Iterator<Item = (&'a Product, &'a Offer)> + Clone,
    quotas: &BTreeMap<QuotaId, Quota>,
    quotas_of: &BTreeMap<Product, Vec<QuotaId>>,
) -> Sale {
    let on_sale = offers.filter(|(_, offer)| offer.is_for_everybody());
    let free = on_sale.clone().all(|(_, offer)| offer.listed.is_zero() && !offer.free_price);
    let state = |product: &Product| -> Option<Availability> {
        let quotas = quotas_of.get(product)?.iter().filter_map(|id| quotas.get(id));
        quotas.filter(|quota| !quota.ignore_for_event_availability).map(Quota::availability).min()
    };
    match on_sale.filter_map(|(product, _)| state(product)).max() {
        Some(Availability::Ok(_)) => Sale::Open { free, few: false },
        Some(Availability::Reserved) => Sale::Reserved,
        Some(Availability::Ordered | Availability::Gone) => Sale::SoldOut { free },
        None => Sale::Over,
    }
}
