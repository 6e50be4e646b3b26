//! The page: a ticket on the upper half, notes on the lower one, a fold between them.

use std::num::NonZeroU16;

use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::paint::{Fill, FillRule, Paint, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, BBox, ContentTag, Identifier, Tag, TagGroup, TagKind};

use super::notes::Notes;
use super::text::{Block, Fonts, LEADING, clean};
use super::{PdfError, TicketSheet, qr};

const fn mm(length: f32) -> f32 {
    length * 72.0 / 25.4
}

/// Width of A4 in points.
pub(super) const WIDTH: f32 = mm(210.0);
/// Height of A4 in points.
pub(super) const HEIGHT: f32 = mm(297.0);

const MARGIN: f32 = mm(14.0);
const PADDING: f32 = mm(8.0);
/// Where the line above holder and order is.
const FOOT: f32 = CARD_BOTTOM - mm(26.5);
const FOLD: f32 = HEIGHT / 2.0;
const CARD_TOP: f32 = mm(12.0);
const CARD_BOTTOM: f32 = mm(138.0);
const CARD_RIGHT: f32 = WIDTH - MARGIN;
const BAND: f32 = mm(13.0);
/// Where the stub with the code begins.
const TEAR: f32 = CARD_RIGHT - mm(76.0);
const MAIN_LEFT: f32 = MARGIN + PADDING;
const MAIN_WIDTH: f32 = TEAR - PADDING - MAIN_LEFT;
/// The QR code with its quiet zone: the dark part is 45 mm or more for every version of the code.
const QR_SIDE: f32 = mm(64.0);
const STUB_CENTER: f32 = (TEAR + CARD_RIGHT) / 2.0;
const STUB_WIDTH: f32 = CARD_RIGHT - TEAR - mm(12.0);
const FOOTER: f32 = HEIGHT - mm(14.0);
const NOTES_TOP: f32 = FOLD + mm(12.0);
const NOTES_BOTTOM: f32 = FOOTER - mm(6.0);
const MORE_NOTES_TOP: f32 = mm(18.0);
/// Lines of 80 to 100 characters are as long as is comfortable to read.
pub(super) const NOTES_WIDTH: f32 = mm(160.0);
/// Room for notes below the ticket.
pub(super) const NOTES_ROOM: f32 = NOTES_BOTTOM - NOTES_TOP;
/// Largest logo.
const LOGO_WIDTH: f32 = mm(45.0);
const LOGO_HEIGHT: f32 = BAND - mm(4.0);

/// Red, green, blue.
type Color = [u8; 3];

const INK: Color = [0x14, 0x1b, 0x34];
const BRAND: Color = [0x1f, 0x2a, 0x56];
const MUTED: Color = [0x5a, 0x63, 0x78];
const HAIRLINE: Color = [0xb9, 0xc0, 0xce];
const BLACK: Color = [0, 0, 0];
const PAPER: Color = [0xff, 0xff, 0xff];

const LABEL: &[f32] = &[7.5, 6.0];
const GAP: f32 = 9.0;
/// What strokes are thicker by where a font has no bold letters, in font sizes.
const THICKER: f32 = 0.035;

#[derive(Clone, Copy)]
enum Align {
    Left,
    /// At the side where the script begins, in so much room.
    Start(f32),
    Center,
    Right,
}

/// Draws one page; what it draws becomes a part of `section`, its place in the document's structure.
pub(super) struct Painter<'a, 'page> {
    surface: &'a mut Surface<'page>,
    fonts: &'a Fonts,
    section: &'a mut TagGroup,
}

impl<'a, 'page> Painter<'a, 'page> {
    /// A painter for an empty page.
    pub(super) fn new(surface: &'a mut Surface<'page>, fonts: &'a Fonts, section: &'a mut TagGroup) -> Self {
        Self { surface, fonts, section }
    }

    /// Draws the ticket on page number `index`, with the notes that have room below it. What is left of them stays in
    /// `notes`; if it will not be drawn anywhere (`goes_on`), an ellipsis says so.
    pub(super) fn ticket(
        &mut self,
        sheet: &TicketSheet,
        logo: Option<&Image>,
        notes: &mut Notes,
        index: usize,
        goes_on: bool,
    ) -> Result<(), PdfError> {
        self.card(logo.is_some());
        self.band(sheet, logo, index);
        self.event(sheet);
        self.holder(sheet);
        self.stub(sheet, index)?;
        self.fold(sheet);
        self.notes(notes, NOTES_TOP);
        if !goes_on && !notes.is_empty() {
            let more = self.fonts.regular.fit("…", NOTES_WIDTH, &[10.0], 1);
            self.paragraph(&[(&more, MARGIN, NOTES_BOTTOM - more.height(), INK, Align::Left)]);
        }
        self.footer(sheet);
        Ok(())
    }

    /// Draws a page of notes.
    pub(super) fn more_notes(&mut self, sheet: &TicketSheet, notes: &mut Notes) {
        self.notes(notes, MORE_NOTES_TOP);
        self.footer(sheet);
    }

    /// The outline of the ticket, its coloured head and the line where the stub may be torn off. Logos are made for
    /// paper: where one stands, the head is white.
    fn card(&mut self, has_logo: bool) {
        let radius = mm(4.0);
        let card = rounded(MARGIN, CARD_TOP, CARD_RIGHT, CARD_BOTTOM, radius);
        let band = Rect::from_ltrb(MARGIN, CARD_TOP, CARD_RIGHT, CARD_TOP + BAND).expect("the band has an area");
        self.decorate(ArtifactType::Layout, |surface| {
            surface.push_clip_path(&card, &FillRule::NonZero);
            fill(surface, &rectangle(band), if has_logo { PAPER } else { BRAND });
            surface.pop();
            if has_logo {
                stroke(surface, &line(MARGIN, CARD_TOP + BAND, CARD_RIGHT, CARD_TOP + BAND), None);
            }
            stroke(surface, &card, None);
            for y in [CARD_TOP, CARD_BOTTOM] {
                let notch = circle(TEAR, y, mm(3.0));
                fill(surface, &notch, PAPER);
                surface.push_clip_path(&card, &FillRule::NonZero);
                stroke(surface, &notch, None);
                surface.pop();
            }
            let dashes = Some(StrokeDash { array: vec![3.0, 3.0], offset: 0.0 });
            stroke(surface, &line(TEAR, CARD_TOP + BAND + 5.0, TEAR, CARD_BOTTOM - mm(4.5)), dashes);
        });
    }

    fn band(&mut self, sheet: &TicketSheet, logo: Option<&Image>, index: usize) {
        let color = if logo.is_some() { INK } else { PAPER };
        let left = logo.map_or(MAIN_LEFT, |logo| self.logo(sheet, logo, index) + mm(4.0));
        let organizer = self.fonts.bold.fit(&sheet.organizer, MAIN_LEFT + MAIN_WIDTH - left, &[11.0, 9.0, 7.5], 2);
        let top = CARD_TOP + (BAND - organizer.height()) / 2.0;
        self.paragraph(&[(&organizer, left, top, color, Align::Left)]);
        let ticket = self.fonts.bold.fit(&sheet.labels.ticket, STUB_WIDTH, &[11.0, 9.0], 1);
        let top = CARD_TOP + (BAND - ticket.height()) / 2.0;
        self.paragraph(&[(&ticket, STUB_CENTER, top, color, Align::Center)]);
    }

    /// Draws the logo at the left of the head, as large as fits; returns where it ends.
    fn logo(&mut self, sheet: &TicketSheet, logo: &Image, index: usize) -> f32 {
        let (width, height) = logo.size();
        let scale = (LOGO_WIDTH / width as f32).min(LOGO_HEIGHT / height as f32);
        let (width, height) = (width as f32 * scale, height as f32 * scale);
        let (x, y) = (MAIN_LEFT, CARD_TOP + (BAND - height) / 2.0);
        let bounds = Rect::from_xywh(x, y, width, height).expect("a picture has an area");
        let content = self.surface.start_tagged(ContentTag::Other);
        self.surface.push_transform(&Transform::from_translate(x, y));
        self.surface.draw_image(logo.clone(), Size::from_wh(width, height).expect("a picture has a size"));
        self.surface.pop();
        self.surface.end_tagged();
        let figure = Tag::Figure(Some(clean(&sheet.event))).with_bbox(Some(BBox::new(index, bounds)));
        self.section.push(TagGroup::with_children(figure, vec![content.into()]));
        x + width
    }

    /// What, when and where: the left column from the top.
    fn event(&mut self, sheet: &TicketSheet) {
        let level = NonZeroU16::MIN;
        let title =
            self.fonts.bold.fit_or(&sheet.event, MAIN_WIDTH, (&[27.0, 23.0, 20.0, 17.0, 14.0], 3), (&[13.0], 4));
        let mut y = CARD_TOP + BAND + mm(6.0);
        // Headings must have a title, events may lack a name.
        let heading = clean(&format!("{} {}", sheet.event, sheet.number()));
        self.tagged(Tag::Hn(level, Some(heading)), &[(&title, MAIN_LEFT, y, INK, Align::Left)]);
        y += title.height() + GAP;

        let labels = &sheet.labels;
        let date = self.fonts.bold.fit(&sheet.dates, MAIN_WIDTH, &[12.0, 10.5, 9.0], 2);
        y = self.field(&labels.date, &date, None, (MAIN_LEFT, y), MAIN_WIDTH) + GAP;
        if let Some(admission) = &sheet.admission {
            let admission = self.fonts.regular.fit(admission, MAIN_WIDTH, &[10.5, 9.0], 1);
            y = self.field(&labels.admission, &admission, None, (MAIN_LEFT, y), MAIN_WIDTH) + GAP;
        }
        if let Some(location) = &sheet.location {
            // A long title and date leave less than the usual four lines.
            let room = FOOT - GAP / 2.0 - y - LABEL[0] * LEADING;
            let lines_max = ((room / (10.5 * LEADING)) as usize).clamp(1, 4);
            let location = self.fonts.regular.fit(location, MAIN_WIDTH, &[10.5, 9.0], lines_max);
            self.field(&labels.location, &location, None, (MAIN_LEFT, y), MAIN_WIDTH);
        }
    }

    /// Which product, for whom: two columns at the foot of the ticket.
    fn holder(&mut self, sheet: &TicketSheet) {
        let gutter = mm(5.0);
        let half = (MAIN_WIDTH - gutter) / 2.0;
        let item_width = if sheet.attendee.is_some() || sheet.company.is_some() { half } else { MAIN_WIDTH };
        let fonts = self.fonts;
        let bold = |text: &str, width| fonts.bold.fit_or(text, width, (&[12.0, 10.5, 9.0], 2), (&[9.0, 8.0], 3));
        let regular = |text: &str, width| fonts.regular.fit(text, width, &[10.0, 8.5], 2);

        self.decorate(ArtifactType::Layout, |surface| {
            stroke(surface, &line(MAIN_LEFT, FOOT, MAIN_LEFT + MAIN_WIDTH, FOOT), None);
        });
        let y = FOOT + GAP;
        let variation = sheet.variation.as_ref().map(|text| regular(text, item_width));
        let item = bold(&sheet.item, item_width);
        self.field(&sheet.labels.item, &item, variation.as_ref(), (MAIN_LEFT, y), item_width);

        let (name, company) = (sheet.attendee.as_ref(), sheet.company.as_ref());
        if let Some(first) = name.or(company) {
            let second = name.and(company).map(|text| regular(text, half));
            let x = MAIN_LEFT + half + gutter;
            self.field(&sheet.labels.attendee, &bold(first, half), second.as_ref(), (x, y), half);
        }
    }

    /// What the entrance needs: the code, and the numbers to type when scanning fails.
    fn stub(&mut self, sheet: &TicketSheet, index: usize) -> Result<(), PdfError> {
        let (x, y) = (STUB_CENTER - QR_SIDE / 2.0, CARD_TOP + BAND + mm(1.0));
        let code = qr::path(&sheet.secret, x, y, QR_SIDE)?;
        let bounds = Rect::from_xywh(x, y, QR_SIDE, QR_SIDE).expect("the code has an area");
        let content = self.surface.start_tagged(ContentTag::Other);
        fill(self.surface, &code, BLACK);
        self.surface.end_tagged();
        let figure = Tag::Figure(Some(sheet.labels.qr_alt.clone())).with_bbox(Some(BBox::new(index, bounds)));
        self.section.push(TagGroup::with_children(figure, vec![content.into()]));

        let mut y = y + QR_SIDE - mm(2.0);
        let secret = self.fonts.regular.fit(&sheet.secret, STUB_WIDTH, &[8.0, 7.0, 6.0], 3);
        self.paragraph(&[(&secret, STUB_CENTER, y, INK, Align::Center)]);
        y += secret.height() + 3.0;
        let scan = self.fonts.regular.fit(&sheet.labels.scan, STUB_WIDTH, LABEL, 2);
        self.paragraph(&[(&scan, STUB_CENTER, y, MUTED, Align::Center)]);

        let left = STUB_CENTER - STUB_WIDTH / 2.0;
        let half = STUB_WIDTH / 2.0 - 4.0;
        let y = FOOT + GAP;
        self.decorate(ArtifactType::Layout, |surface| {
            stroke(surface, &line(left, FOOT, left + STUB_WIDTH, FOOT), None);
        });
        let number = self.fonts.bold.fit(&sheet.number(), half, &[14.0, 12.0, 10.0, 8.0], 2);
        self.field(&sheet.labels.order, &number, None, (left, y), half);
        let price = self.fonts.bold.fit(&sheet.price, half, &[14.0, 12.0, 10.0, 8.0], 2);
        self.field(&sheet.labels.price, &price, None, (left + half + 8.0, y), half);
        Ok(())
    }

    fn fold(&mut self, sheet: &TicketSheet) {
        let label = self.fonts.regular.fit(&sheet.labels.fold, WIDTH / 3.0, LABEL, 1);
        let gap = label.lines.first().map_or(0.0, |line| line.width() * label.size / 2.0 + 8.0);
        let center = WIDTH / 2.0;
        self.decorate(ArtifactType::Page, |surface| {
            for (from, to) in [(0.0, center - gap), (center + gap, WIDTH)] {
                let dashes = Some(StrokeDash { array: vec![1.0, 4.0], offset: 0.0 });
                stroke(surface, &line(from, FOLD, to, FOLD), dashes);
            }
            write(surface, &label, center, FOLD - label.height() / 2.0, MUTED, Align::Center);
        });
    }

    /// Draws as much of the notes as has room below `top`.
    fn notes(&mut self, notes: &mut Notes, top: f32) {
        let mut y = top;
        while let Some(part) = notes.take(NOTES_BOTTOM - y) {
            let block = [(&part.block, MARGIN, y, INK, Align::Start(NOTES_WIDTH))];
            match part.heading {
                Some(title) => {
                    let level = NonZeroU16::new(2).expect("two is not zero");
                    self.tagged(Tag::Hn(level, Some(title)), &block);
                    y += 4.0;
                }
                None => self.paragraph(&block),
            }
            y += part.block.height() + part.space_below;
        }
    }

    fn footer(&mut self, sheet: &TicketSheet) {
        let width = (WIDTH - 2.0 * MARGIN) / 2.0 - 6.0;
        let left = self.fonts.regular.fit(&format!("{} · {}", sheet.organizer, sheet.event), width, &[7.0], 1);
        let right = format!("{} {}", sheet.labels.ticket, sheet.number());
        let right = self.fonts.regular.fit(&right, width, &[7.0], 1);
        self.decorate(ArtifactType::Footer, |surface| {
            stroke(surface, &line(MARGIN, FOOTER - 6.0, CARD_RIGHT, FOOTER - 6.0), None);
            write(surface, &left, MARGIN, FOOTER, MUTED, Align::Left);
            write(surface, &right, CARD_RIGHT, FOOTER, MUTED, Align::Right);
        });
    }

    /// A small label above a value and an optional second line; returns the bottom.
    fn field(&mut self, label: &str, value: &Block, second: Option<&Block>, at: (f32, f32), width: f32) -> f32 {
        let (x, top) = at;
        let label = self.fonts.regular.fit(label, width, LABEL, 1);
        let value_top = top + label.height() + 1.0;
        let mut parts = vec![(&label, x, top, MUTED, Align::Left), (value, x, value_top, INK, Align::Left)];
        let mut bottom = value_top + value.height();
        if let Some(second) = second {
            parts.push((second, x, bottom, INK, Align::Left));
            bottom += second.height();
        }
        self.paragraph(&parts);
        bottom
    }

    fn paragraph(&mut self, parts: &[Part<'_>]) {
        self.tagged(Tag::P, parts);
    }

    /// Draws `parts` as one element of the document's structure.
    fn tagged(&mut self, tag: impl Into<TagKind>, parts: &[Part<'_>]) {
        let mut group = TagGroup::new(tag);
        for (block, x, top, color, align) in parts {
            let content: Identifier = self.surface.start_tagged(ContentTag::Other);
            write(self.surface, block, *x, *top, *color, *align);
            self.surface.end_tagged();
            group.push(content);
        }
        self.section.push(group);
    }

    /// Draws what has no meaning for a reader.
    fn decorate(&mut self, kind: ArtifactType, draw: impl FnOnce(&mut Surface<'_>)) {
        let _ = self.surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
        draw(self.surface);
        self.surface.end_tagged();
    }
}

/// A text with its place: block, x, top, colour, and which point of the line x is.
type Part<'a> = (&'a Block, f32, f32, Color, Align);

fn write(surface: &mut Surface<'_>, block: &Block, x: f32, top: f32, color: Color, align: Align) {
    let mut baseline = top + block.ascent();
    for line in &block.lines {
        let width = line.width() * block.size;
        let left = match align {
            Align::Start(room) if line.from_right => x + room - width,
            // It begins where the longest line does.
            Align::Left if line.from_right => x + block.width() * block.size - width,
            Align::Left | Align::Start(_) => x,
            Align::Center => x - width / 2.0,
            Align::Right => x - width,
        };
        let mut left = left + line.offset() * block.size;
        for run in &line.runs {
            let start = Point::from_xy(left, baseline);
            pick(surface, color);
            if run.thicker {
                let width = block.size * THICKER;
                surface.set_stroke(Some(Stroke { paint: paint(color), width, ..Stroke::default() }));
            }
            surface.draw_glyphs(start, &run.glyphs, run.font.font.clone(), &line.text, block.size, false);
            left += run.width() * block.size;
        }
        baseline += block.leading();
    }
}

fn fill(surface: &mut Surface<'_>, path: &Path, color: Color) {
    pick(surface, color);
    surface.draw_path(path);
}

/// What is drawn next is filled with `color`.
fn pick(surface: &mut Surface<'_>, color: Color) {
    surface.set_stroke(None);
    surface.set_fill(Some(Fill { paint: paint(color), ..Fill::default() }));
}

fn paint([red, green, blue]: Color) -> Paint {
    rgb::Color::new(red, green, blue).into()
}

fn stroke(surface: &mut Surface<'_>, path: &Path, dash: Option<StrokeDash>) {
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke { paint: paint(HAIRLINE), width: 0.75, dash, ..Stroke::default() }));
    surface.draw_path(path);
}

fn line(from_x: f32, from_y: f32, to_x: f32, to_y: f32) -> Path {
    let mut path = PathBuilder::new();
    path.move_to(from_x, from_y);
    path.line_to(to_x, to_y);
    path.finish().expect("a line is a path")
}

fn rectangle(rect: Rect) -> Path {
    let mut path = PathBuilder::new();
    path.push_rect(rect);
    path.finish().expect("a rectangle is a path")
}

fn circle(x: f32, y: f32, radius: f32) -> Path {
    rounded(x - radius, y - radius, x + radius, y + radius, radius)
}

/// A rectangle whose corners are quarter circles.
fn rounded(left: f32, top: f32, right: f32, bottom: f32, radius: f32) -> Path {
    // The control points of a cubic curve that is closest to a quarter circle.
    let inset = radius * (1.0 - 0.552_285);
    let mut path = PathBuilder::new();
    path.move_to(left + radius, top);
    path.line_to(right - radius, top);
    path.cubic_to(right - inset, top, right, top + inset, right, top + radius);
    path.line_to(right, bottom - radius);
    path.cubic_to(right, bottom - inset, right - inset, bottom, right - radius, bottom);
    path.line_to(left + radius, bottom);
    path.cubic_to(left + inset, bottom, left, bottom - inset, left, bottom - radius);
    path.line_to(left, top + radius);
    path.cubic_to(left, top + inset, left + inset, top, left + radius, top);
    path.close();
    path.finish().expect("a rounded rectangle is a path")
}
