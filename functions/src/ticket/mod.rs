//! Ticket files: who gets one, when it can be downloaded, and the sheet that is drawn (spec domain 19.1).

mod download;
pub mod pdf;
pub mod print;
pub mod sql;
mod variables;

pub use download::{Download, Which};
pub use variables::{QUESTION, VARIABLES, variables};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::{
    catalogue::Catalogue,
    event::Event,
    i18n::{Lang, format},
    id::PositionId,
    order::{Order, OrderStatus, Position},
    page::markdown,
    port::{
        db::{DbError, Query},
        media::{Media, MediaError},
    },
    present,
    ticket::pdf::{PdfError, SheetLabels, TicketSheet},
    time::Timestamp,
    upload::picture::{self, Pixels},
};

/// The only output so far.
pub const OUTPUT: &str = "pdf";
/// A drawing is known for three days; then it is drawn again for whoever wants it (spec domain 19.1). The bucket's own rule
/// removes the file later, so none is missing that is known.
pub const KEEP_SECONDS: i64 = 72 * 3600;

/// Whether a position comes with a ticket. Parts of a bundle are no add-ons here: they were not chosen, and somebody comes
/// with each.
pub fn has_ticket(event: &Event, catalogue: &Catalogue, position: &Position) -> bool {
    let Some(item) = catalogue.item(position.product.item).filter(|_| !position.canceled) else { return false };
    let is_add_on = position.parent.is_some() && !position.is_bundled;
    let settings = &event.settings;
    item.generate_tickets.unwrap_or(
        position.blocks.is_empty()
            && (item.admission || settings.ticket_download_nonadm())
            && (!is_add_on || settings.ticket_download_addons()),
    )
}

/// Whether the tickets of an order may be handed out at `now` (spec domain 19.1).
pub fn can_download(event: &Event, order: &Order, now: Timestamp) -> bool {
    let from = event.settings.ticket_download_date(&event.timezone);
    let started = from.is_none_or(|from| from <= now);
    let settled = match order.status {
        OrderStatus::Paid => true,
        OrderStatus::Pending if order.require_approval => false,
        OrderStatus::Pending => order.valid_if_pending || event.settings.ticket_download_pending(),
        OrderStatus::Expired | OrderStatus::Canceled => false,
    };
    event.settings.ticket_download() && started && settled
}

/// Positions of an order that come with a ticket.
pub fn positions_with_ticket<'a>(
    event: &'a Event,
    catalogue: &'a Catalogue,
    order: &'a Order,
) -> impl Iterator<Item = &'a Position> {
    order.positions.iter().filter(|position| has_ticket(event, catalogue, position))
}

/// A ticket file in the bucket.
#[derive(Debug, Clone)]
pub struct TicketFile {
    /// Whose ticket.
    pub position: PositionId,
    /// Where it lies.
    pub object_key: String,
}

/// The ticket files of an order that exist.
pub async fn files(q: &impl Query, event: &Event, order: &Order) -> Result<Vec<TicketFile>, DbError> {
    sql::files(q, event.id, order.id).await
}

/// What a ticket file is called on the buyer's disk.
pub fn file_name(event: &Event, order: &Order, position: &Position) -> String {
    format!("{}-{}-{}.pdf", event.slug, order.code, position.number)
}

/// Why a ticket file was not made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The drawing.
    #[error(transparent)]
    Pdf(#[from] PdfError),
    /// The bucket.
    #[error(transparent)]
    Media(#[from] MediaError),
}

/// Pixels of a logo on paper: enough for 45 mm in print.
const LOGO_PIXELS: (u32, u32) = (640, 180);

/// The logo of an event for its tickets. One that cannot be read keeps nobody from having a ticket.
pub async fn logo(media: &Media, event: &Event) -> Result<Option<Pixels>, MediaError> {
    let Some(logo) = &event.logo else { return Ok(None) };
    let Some(bytes) = media.find(&logo.large).await? else { return Ok(None) };
    match picture::pixels(&bytes, LOGO_PIXELS.0, LOGO_PIXELS.1) {
        Ok(pixels) => Ok(Some(pixels)),
        Err(error) => {
            tracing::error!(event.id = event.id.0, %error, "a logo cannot be read");
            Ok(None)
        }
    }
}

/// Draws one ticket and puts it into the bucket. Doing it again gives the same file in the same place.
pub async fn render(
    media: &Media,
    event: &Event,
    catalogue: &Catalogue,
    order: &Order,
    position: &Position,
    logo: Option<&Pixels>,
) -> Result<TicketFile, RenderError> {
    let bytes = pdf::render(&[sheet(event, catalogue, order, position)], logo)?;
    // The secret makes the key change with the ticket; it is not guessable and the bucket is private anyway.
    let object_key = format!(
        "tickets/{}/{}/{}-{}-{}.pdf",
        event.organizer.slug,
        event.slug,
        order.code,
        position.number,
        position.secret.chars().filter(char::is_ascii_alphanumeric).take(8).collect::<String>()
    );
    media.put(&object_key, "application/pdf", bytes).await?;
    Ok(TicketFile { position: position.id, object_key })
}

/// All tickets of an order, to be drawn in one file.
pub struct OrderSheets {
    sheets: Vec<TicketSheet>,
    /// Where the file lies: the key changes with whatever the file shows.
    pub object_key: String,
}

impl OrderSheets {
    /// What the file shows now.
    pub fn of(event: &Event, catalogue: &Catalogue, order: &Order) -> Self {
        let positions = positions_with_ticket(event, catalogue, order);
        let sheets: Vec<TicketSheet> = positions.map(|position| sheet(event, catalogue, order, position)).collect();
        let content = serde_json::to_vec(&sheets).expect("sheets are plain data");
        let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(content)[..15]);
        let folder = format!("tickets/{}/{}", event.organizer.slug, event.slug);
        Self { sheets, object_key: format!("{folder}/{}-{hash}.pdf", order.code) }
    }

    /// Draws the file and puts it into the bucket. Doing it again gives the same file in the same place.
    pub async fn render(&self, media: &Media, logo: Option<&Pixels>) -> Result<(), RenderError> {
        let bytes = pdf::render(&self.sheets, logo)?;
        Ok(media.put(&self.object_key, "application/pdf", bytes).await?)
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.sheets.is_empty()
    }
}

/// What the file with all tickets is called on the buyer's disk.
pub fn order_file_name(event: &Event, order: &Order) -> String {
    format!("{}-{}.pdf", event.slug, order.code)
}

fn sheet(event: &Event, catalogue: &Catalogue, order: &Order, position: &Position) -> TicketSheet {
    let lang = Lang::parse(&order.locale).unwrap_or_default();
    let item = catalogue.item(position.product.item);
    let variation = position.product.variation.and_then(|id| item?.variation(id));
    let date = position.product.date.and_then(|id| catalogue.date(id));
    TicketSheet {
        organizer: event.organizer.name.clone(),
        event: event.name.get(lang).to_owned(),
        dates: present::dates_on(event, date, lang),
        admission: present::times_on(event, date, lang),
        location: present::location_on(event, date, lang),
        item: item.map(|item| item.name.get(lang).to_owned()).unwrap_or_default(),
        variation: variation.map(|variation| variation.value.get(lang).to_owned()),
        attendee: position.attendee.name.clone(),
        company: position.attendee.company.clone(),
        order_code: order.code.clone(),
        position: u32::try_from(position.number).expect("positions are numbered from 1"),
        price: format::money(lang, position.price),
        secret: position.secret.clone(),
        info: Some(info(event, lang)),
        terms: terms(event, lang),
        logo: event.logo.as_ref().map(|logo| logo.large.clone()),
        labels: SheetLabels::in_language(lang),
        lang: lang.code().to_owned(),
    }
}

/// What every holder has to know, and what the organiser has to say about the event.
fn info(event: &Event, lang: Lang) -> String {
    let own = event.settings.event_info_text().map(|text| markdown::plain(text.get(lang))).unwrap_or_default();
    let parts = [lang.text("ticket-info"), own];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// What buyers have agreed to.
fn terms(event: &Event, lang: Lang) -> Option<String> {
    let texts = event.settings.confirm_texts();
    let texts: Vec<String> = texts.iter().map(|text| markdown::plain(text.get(lang))).collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}
