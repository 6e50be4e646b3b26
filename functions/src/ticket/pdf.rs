//! The ticket as a PDF: one A4 page each, with the QR code as vector modules and embedded, subset fonts.
//!
//! The only module that knows the PDF library.

#![expect(clippy::float_arithmetic, reason = "points on paper, never money")]

use std::sync::{Arc, LazyLock};

use krilla::{
    Document,
    color::rgb,
    geom::{PathBuilder, Point, Rect},
    metadata::Metadata,
    num::NormalizedF32,
    page::PageSettings,
    paint::{Fill, FillRule},
    surface::Surface,
    text::{Font, TextDirection},
};
use qrcode::{Color, EcLevel, QrCode};

use crate::i18n::Lang;

/// What one ticket says.
#[derive(Debug, Clone)]
pub struct TicketSheet {
    /// Who runs the event.
    pub organizer: String,
    /// The event.
    pub event: String,
    /// When it is, in words.
    pub dates: String,
    /// When it begins and the doors open, in words.
    pub admission: Option<String>,
    /// Where it is; line breaks are kept.
    pub location: Option<String>,
    /// The product.
    pub item: String,
    /// Its variation.
    pub variation: Option<String>,
    /// Who comes with it.
    pub attendee: Option<String>,
    /// For which company.
    pub company: Option<String>,
    /// The order.
    pub order_code: String,
    /// Number of the position in the order.
    pub position: u32,
    /// What it cost, in words.
    pub price: String,
    /// What the QR code says.
    pub secret: String,
    /// Words above the details, in the reader's language.
    pub labels: SheetLabels,
    /// Language of the document.
    pub lang: String,
}

/// The words of the sheet.
#[derive(Debug, Clone)]
pub struct SheetLabels {
    attendee: String,
    order: String,
    price: String,
    when: String,
    place: String,
    hints: [String; 2],
}

impl SheetLabels {
    /// The words in a language.
    pub fn in_language(lang: Lang) -> Self {
        Self {
            attendee: lang.text("ticket-attendee"),
            order: lang.text("ticket-order"),
            price: lang.text("ticket-price"),
            when: lang.text("ticket-when"),
            place: lang.text("ticket-where"),
            hints: [lang.text("ticket-scan"), lang.text("ticket-once")],
        }
    }
}

/// The ticket could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the ticket could not be drawn: {0}")]
pub struct PdfError(String);

/// Draws one page for each sheet. The same sheets give the same bytes.
pub fn render(sheets: &[TicketSheet]) -> Result<Vec<u8>, PdfError> {
    let mut document = Document::new();
    if let Some(first) = sheets.first() {
        let title = format!("{} – {}", first.event, first.order_code);
        document.set_metadata(Metadata::new().title(title).language(first.lang.clone()));
    }
    for sheet in sheets {
        let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| PdfError("page size".to_owned()))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        draw(&mut Pen { surface: &mut surface }, sheet)?;
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| PdfError(format!("{error:?}")))
}

// All lengths are points: 72 to an inch, y grows downwards.
const PAGE: (f32, f32) = (595.28, 841.89);
const MARGIN: f32 = 48.0;
const CARD_TOP: f32 = 48.0;
const CARD_HEIGHT: f32 = 396.0;
const PADDING: f32 = 28.0;
/// 52 mm with its quiet zone: scanners read it from a phone and from paper.
const QR_SIDE: f32 = 156.0;
/// Red, green, blue.
type Rgb = (u8, u8, u8);
const INK: Rgb = (24, 27, 38);
const SOFT: Rgb = (96, 102, 118);
const LINE: Rgb = (214, 217, 226);
const ACCENT: Rgb = (38, 70, 160);

fn draw(pen: &mut Pen<'_, '_>, sheet: &TicketSheet) -> Result<(), PdfError> {
    let (left, right) = (MARGIN, PAGE.0 - MARGIN);
    let bottom = CARD_TOP + CARD_HEIGHT;
    pen.frame(left, CARD_TOP, right, bottom);
    pen.rect(left, CARD_TOP, right - left, 6.0, ACCENT);
    let text_left = left + PADDING;
    let qr_left = right - PADDING - QR_SIDE;
    let qr_top = CARD_TOP + PADDING + 132.0;
    let wide = right - PADDING - text_left;
    let narrow = qr_left - 24.0 - text_left;

    let mut y = CARD_TOP + PADDING + 18.0;
    pen.line(&sheet.organizer, text_left, y, Style { size: 10.5, bold: true, color: ACCENT }, wide);
    y += 32.0;
    y = pen.paragraph(&sheet.event, text_left, y, Style { size: 26.0, bold: true, color: INK }, wide, 2);
    let product = match &sheet.variation {
        Some(variation) => format!("{} – {variation}", sheet.item),
        None => sheet.item.clone(),
    };
    pen.line(&product, text_left, y - 4.0, Style { size: 15.0, bold: false, color: INK }, wide);

    let mut y = qr_top + 10.0;
    let attendee = sheet.attendee.as_ref().map(|name| match &sheet.company {
        Some(company) => format!("{name}\n{company}"),
        None => name.clone(),
    });
    let when = match &sheet.admission {
        Some(admission) => format!("{}\n{admission}", sheet.dates),
        None => sheet.dates.clone(),
    };
    let labels = &sheet.labels;
    let details = [
        (&labels.attendee, attendee.as_deref()),
        (&labels.when, Some(when.as_str())),
        (&labels.place, sheet.location.as_deref()),
    ];
    for (label, value) in details {
        let Some(value) = value else { continue };
        y = pen.detail(label, value, text_left, y, narrow);
    }
    let order = format!("{} · {}", sheet.order_code, sheet.position);
    let column = narrow / 2.0;
    pen.detail(&labels.order, &order, text_left, bottom - PADDING - 22.0, column);
    pen.detail(&labels.price, &sheet.price, text_left + column, bottom - PADDING - 22.0, column);

    pen.qr(&sheet.secret, qr_left, qr_top - 8.0)?;
    let (first, second) = sheet.secret.split_at(sheet.secret.len().min(16));
    for (row, part) in [first, second].into_iter().filter(|part| !part.is_empty()).enumerate() {
        let style = Style { size: 8.0, bold: false, color: SOFT };
        let width = FACES.regular.width(part, style.size);
        pen.line(
            part,
            qr_left + (QR_SIDE - width) / 2.0,
            qr_top + QR_SIDE + 8.0 + 11.0 * row_number(row),
            style,
            QR_SIDE,
        );
    }

    pen.dashes(left, bottom + 26.0, right);
    let mut y = bottom + 52.0;
    for hint in &labels.hints {
        y = pen.paragraph(hint, left, y, Style { size: 10.0, bold: false, color: SOFT }, right - left, 3);
    }
    Ok(())
}

fn row_number(row: usize) -> f32 {
    if row == 0 { 0.0 } else { 1.0 }
}

/// A font with what is needed to break lines.
struct Face {
    font: Font,
    metrics: ttf_parser::Face<'static>,
}

struct Faces {
    regular: Face,
    bold: Face,
}

static FACES: LazyLock<Faces> = LazyLock::new(|| Faces {
    regular: Face::new(include_bytes!("../../assets/fonts/OpenSans-Regular.ttf")),
    bold: Face::new(include_bytes!("../../assets/fonts/OpenSans-Bold.ttf")),
});

/// Stands for a letter that the font does not have.
const MISSING: char = '?';

impl Face {
    fn new(bytes: &'static [u8]) -> Self {
        Self {
            font: Font::new(Arc::new(bytes.to_vec()).into(), 0).expect("the font in assets is a font"),
            metrics: ttf_parser::Face::parse(bytes, 0).expect("the font in assets is a font"),
        }
    }

    /// The text with what can be drawn: white space is a space, what the font lacks is visible as such.
    fn drawable(&self, text: &str) -> String {
        let known = |letter: char| match letter {
            letter if letter.is_whitespace() => Some(' '),
            letter if letter.is_control() => None,
            letter => Some(if self.metrics.glyph_index(letter).is_some() { letter } else { MISSING }),
        };
        text.chars().filter_map(known).collect()
    }

    fn width(&self, text: &str, size: f32) -> f32 {
        let advance = |letter| self.metrics.glyph_hor_advance(self.metrics.glyph_index(letter)?);
        let units: u32 = text.chars().map(|letter| u32::from(advance(letter).unwrap_or_default())).sum();
        // Far below 2^24, where every whole number is exact.
        #[expect(clippy::cast_precision_loss, reason = "a line is a few thousand units wide")]
        let units = units as f32;
        units * size / f32::from(self.metrics.units_per_em())
    }

    /// Lines of at most `width`; words that are wider are cut.
    fn wrap(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        for paragraph in text.lines() {
            let mut line = String::new();
            for word in self.drawable(paragraph).split(' ').filter(|word| !word.is_empty()) {
                let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
                if line.is_empty() || self.width(&longer, size) <= width {
                    line = self.cut(&longer, size, width);
                } else {
                    lines.push(std::mem::replace(&mut line, self.cut(word, size, width)));
                }
            }
            lines.push(line);
        }
        lines
    }

    /// The text as far as it fits, with an ellipsis where it does not.
    fn cut(&self, text: &str, size: f32, width: f32) -> String {
        if self.width(text, size) <= width {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let shorter = format!("{}…", kept.iter().collect::<String>());
            if self.width(&shorter, size) <= width {
                return shorter;
            }
        }
        String::new()
    }
}

#[derive(Clone, Copy)]
struct Style {
    size: f32,
    bold: bool,
    color: Rgb,
}

impl Style {
    fn face(self) -> &'static Face {
        if self.bold { &FACES.bold } else { &FACES.regular }
    }
}

struct Pen<'a, 's> {
    surface: &'a mut Surface<'s>,
}

impl Pen<'_, '_> {
    fn color(&mut self, (red, green, blue): Rgb) {
        let color = rgb::Color::new(red, green, blue);
        self.surface.set_fill(Some(Fill { paint: color.into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }));
    }

    /// One line with its baseline at `y`, cut at `width`.
    fn line(&mut self, text: &str, x: f32, y: f32, style: Style, width: f32) {
        let face = style.face();
        let text = face.cut(&face.drawable(text), style.size, width);
        self.color(style.color);
        self.surface.draw_text(Point::from_xy(x, y), face.font.clone(), style.size, &text, false, TextDirection::Auto);
    }

    /// At most `lines_max` lines; returns the baseline after the last one.
    fn paragraph(&mut self, text: &str, x: f32, mut y: f32, style: Style, width: f32, lines_max: usize) -> f32 {
        let mut lines = style.face().wrap(text, style.size, width);
        if lines.len() > lines_max {
            lines.truncate(lines_max);
            if let Some(last) = lines.last_mut() {
                *last = style.face().cut(&format!("{last}…"), style.size, width);
            }
        }
        for line in lines {
            self.line(&line, x, y, style, width);
            y += style.size * 1.3;
        }
        y
    }

    /// A label with its value below it; returns where the next one goes.
    fn detail(&mut self, label: &str, value: &str, x: f32, y: f32, width: f32) -> f32 {
        self.line(label, x, y, Style { size: 8.5, bold: true, color: SOFT }, width);
        self.paragraph(value, x, y + 15.0, Style { size: 11.5, bold: false, color: INK }, width, 4) + 8.0
    }

    fn rect(&mut self, x: f32, y: f32, width: f32, height: f32, color: Rgb) {
        let mut path = PathBuilder::new();
        if let Some(rect) = Rect::from_xywh(x, y, width, height) {
            path.push_rect(rect);
        }
        self.color(color);
        if let Some(path) = path.finish() {
            self.surface.draw_path(&path);
        }
    }

    fn frame(&mut self, left: f32, top: f32, right: f32, bottom: f32) {
        const THIN: f32 = 0.8;
        self.rect(left, top, right - left, THIN, LINE);
        self.rect(left, bottom - THIN, right - left, THIN, LINE);
        self.rect(left, top, THIN, bottom - top, LINE);
        self.rect(right - THIN, top, THIN, bottom - top, LINE);
    }

    /// Where to fold or cut.
    fn dashes(&mut self, left: f32, y: f32, right: f32) {
        let mut x = left;
        while x < right {
            self.rect(x, y, 5.0, 0.6, LINE);
            x += 10.0;
        }
    }

    /// The code with its quiet zone of four modules, as one path of squares.
    fn qr(&mut self, text: &str, left: f32, top: f32) -> Result<(), PdfError> {
        const QUIET: u16 = 4;
        let code =
            QrCode::with_error_correction_level(text, EcLevel::M).map_err(|error| PdfError(error.to_string()))?;
        let modules = u16::try_from(code.width()).expect("a code has at most 177 modules a side");
        let module = QR_SIDE / f32::from(modules + 2 * QUIET);
        let mut path = PathBuilder::new();
        for (index, color) in code.to_colors().into_iter().enumerate() {
            let (row, column) = (index / code.width(), index % code.width());
            let place = |number: usize| f32::from(u16::try_from(number).expect("below 177") + QUIET) * module;
            if color == Color::Dark
                && let Some(rect) = Rect::from_xywh(left + place(column), top + place(row), module, module)
            {
                path.push_rect(rect);
            }
        }
        self.color((0, 0, 0));
        if let Some(path) = path.finish() {
            self.surface.draw_path(&path);
        }
        Ok(())
    }
}
