//! Ticket PDFs: one A4 page per ticket, accessible (PDF/UA-1), the same bytes for the same input.

#![expect(clippy::float_arithmetic, reason = "positions on a page are floats; amounts arrive here as text")]

mod font;
mod notes;
mod qr;
mod sheet;
mod text;

use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::Point;
use krilla::image::Image;
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::tagging::{Tag, TagGroup, TagTree};
use krilla::{Document, SerializeSettings};

use crate::i18n::Lang;
use crate::upload::picture::Pixels;
use notes::Notes;
use sheet::Painter;
use text::{Fonts, clean};

/// Everything one page shows, ready to print: translated, formatted, chosen for the buyer's language.
#[derive(Clone, serde::Serialize)]
pub struct TicketSheet {
    /// Who invites.
    pub organizer: String,
    /// The event, set as the title of the page.
    pub event: String,
    /// When the event is, with its time zone if that matters.
    pub dates: String,
    /// When the doors open.
    pub admission: Option<String>,
    /// Where the event is; line breaks are kept.
    pub location: Option<String>,
    /// The product.
    pub item: String,
    /// The variation of the product.
    pub variation: Option<String>,
    /// Who comes.
    pub attendee: Option<String>,
    /// For whom they come.
    pub company: Option<String>,
    /// The order's public code.
    pub order_code: String,
    /// The position's number within the order.
    pub position: u32,
    /// The price with its currency.
    pub price: String,
    /// What the QR code says.
    pub secret: String,
    /// The organiser's notes for ticket holders; line breaks are kept, what does not fit goes on on another page.
    pub info: Option<String>,
    /// What the holder has agreed to, in the same way.
    pub terms: Option<String>,
    /// Where the logo lies that stands on the sheet; its pixels come with [`render`].
    pub logo: Option<String>,
    /// The words around the values.
    pub labels: SheetLabels,
    /// BCP 47 language of the labels, such as `de`.
    pub lang: String,
}

/// The words a sheet prints around its values, in the language of the sheet.
#[derive(Clone, serde::Serialize)]
pub struct SheetLabels {
    /// "Ticket".
    pub ticket: String,
    /// "Date".
    pub date: String,
    /// "Admission".
    pub admission: String,
    /// "Location".
    pub location: String,
    /// "Product".
    pub item: String,
    /// "Attendee".
    pub attendee: String,
    /// "Order".
    pub order: String,
    /// "Price".
    pub price: String,
    /// "Please note".
    pub info: String,
    /// "Terms".
    pub terms: String,
    /// "Fold here".
    pub fold: String,
    /// "Show this code at the entrance".
    pub scan: String,
    /// Reads the QR code to those who cannot see it: "QR code of the ticket".
    pub qr_alt: String,
}

impl SheetLabels {
    /// The words in a language.
    pub fn in_language(lang: Lang) -> Self {
        Self {
            ticket: lang.text("ticket-title"),
            date: lang.text("ticket-date"),
            admission: lang.text("ticket-admission"),
            location: lang.text("ticket-location"),
            item: lang.text("ticket-item"),
            attendee: lang.text("ticket-attendee"),
            order: lang.text("ticket-order"),
            price: lang.text("ticket-price"),
            info: lang.text("ticket-info-heading"),
            terms: lang.text("ticket-terms-heading"),
            fold: lang.text("ticket-fold"),
            scan: lang.text("ticket-scan"),
            qr_alt: lang.text("ticket-qr"),
        }
    }
}

/// Why there is no PDF.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// A PDF needs a page.
    #[error("no tickets to print")]
    NoSheets,
    /// A QR code holds at most 2331 bytes.
    #[error("the ticket secret does not fit into a QR code")]
    Secret(#[source] qrcode::types::QrError),
    /// The document breaks a rule of PDF/UA; a bug here.
    #[error("the ticket PDF could not be written")]
    Write(#[source] Box<KrillaError>),
}

/// Writes one page per sheet, and more where notes need them: notes that several sheets share go on behind the last of
/// them. The logo stands on every sheet that names one. Texts never overflow, whatever their length or script: what does not fit ends in an
/// ellipsis, what the fonts lack, such as pictograms, shows as a box (and is still the original text to screen readers and the
/// clipboard). What is written from the right to the left is.
pub fn render(sheets: &[TicketSheet], logo: Option<&Pixels>) -> Result<Vec<u8>, PdfError> {
    let first = sheets.first().ok_or(PdfError::NoSheets)?;
    let configuration = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .expect("PDF/UA-1 alone has a PDF version");
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    document.set_metadata(
        Metadata::new()
            .title(clean(&format!("{} – {} {}", first.event, first.labels.ticket, first.order_code)))
            .authors(vec![clean(&first.organizer)])
            .language(first.lang.clone()),
    );

    let fonts = Fonts::load();
    let mut tags = TagTree::new().with_lang(Some(first.lang.clone()));
    let mut outline = Outline::new();
    let logo = logo.map(|logo| Image::from_rgba8(logo.rgba.clone(), logo.width, logo.height));
    let mut pages = 0;
    for (number, sheet) in sheets.iter().enumerate() {
        let index = pages;
        let is_last = !sheets[number + 1..].iter().any(|later| later.notes() == sheet.notes());
        let logo = logo.as_ref().filter(|_| sheet.logo.is_some());
        let mut section = TagGroup::new(Tag::Section.with_lang(Some(sheet.lang.clone())));
        let mut notes = Notes::of(&fonts, sheet);
        loop {
            let settings = PageSettings::from_wh(sheet::WIDTH, sheet::HEIGHT).expect("A4 has a size");
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            let mut painter = Painter::new(&mut surface, &fonts, &mut section);
            match pages == index {
                true => painter.ticket(sheet, logo, &mut notes, index, is_last)?,
                false => painter.more_notes(sheet, &mut notes),
            }
            surface.finish();
            page.finish();
            pages += 1;
            if notes.is_empty() || !is_last {
                break;
            }
        }
        tags.push(section);
        let entry = clean(&format!("{} {}", sheet.labels.ticket, sheet.number()));
        outline.push_child(OutlineNode::new(entry, XyzDestination::new(index, Point::from_xy(0.0, 0.0))));
    }
    document.set_outline(outline);
    document.set_tag_tree(tags);
    document.finish().map_err(|error| PdfError::Write(Box::new(error)))
}

impl TicketSheet {
    /// What is below the fold.
    fn notes(&self) -> (Option<&str>, Option<&str>) {
        (self.info.as_deref(), self.terms.as_deref())
    }

    /// Order and position as people read them out: `A1B2C-1`.
    fn number(&self) -> String {
        format!("{}-{}", self.order_code, self.position)
    }
}
