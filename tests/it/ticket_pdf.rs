//! The ticket as a PDF, opened and scanned with other libraries than those that made it.

use hayro::{
    PixmapSettings, RenderCache, RenderSettings, hayro_interpret::InterpreterSettings, hayro_syntax::Pdf, render,
    vello_cpu::color::palette::css::WHITE,
};
use shop::{
    i18n::Lang,
    ticket::pdf::{self, SheetLabels, TicketSheet},
};

/// Texts of all QR codes of a PDF, in the order of its pages.
pub fn qr_codes(file: &[u8]) -> Vec<String> {
    let pdf = Pdf::new(file.to_vec()).expect("a PDF that opens");
    let (cache, settings) = (RenderCache::new(), InterpreterSettings::default());
    let pixels = PixmapSettings { x_scale: 2.0, y_scale: 2.0, bg_color: WHITE };
    let mut texts = Vec::new();
    for page in pdf.pages().iter() {
        let image = render(page, &cache, &settings, &RenderSettings::default(), &pixels);
        let (width, height) = (usize::from(image.width()), usize::from(image.height()));
        let data = image.data_as_u8_slice();
        let mut grey = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| data[(y * width + x) * 4 + 1]);
        texts.extend(grey.detect_grids().into_iter().map(|grid| grid.decode().unwrap().1));
    }
    texts
}

fn sheet(secret: &str) -> TicketSheet {
    TicketSheet {
        organizer: "Harbour Events (demo)".to_owned(),
        event: "Harbour Systems Conference".to_owned(),
        dates: "24–25 March 2027".to_owned(),
        admission: Some("Begins 09:00 · Doors open 08:15".to_owned()),
        location: Some("Warehouse 9 (demo venue)\nQuay Street 9\n20457 Hamburg, Germany".to_owned()),
        item: "Conference pass".to_owned(),
        variation: Some("Regular".to_owned()),
        attendee: Some("Ada Lovelace".to_owned()),
        company: Some("Analytical Engines Ltd".to_owned()),
        order_code: "K7ZLM".to_owned(),
        position: 1,
        price: "€349.00".to_owned(),
        secret: secret.to_owned(),
        labels: SheetLabels::in_language(Lang::En),
        lang: "en".to_owned(),
    }
}

#[test]
fn every_page_carries_the_secret_of_its_position() {
    let secrets = ["z3fsn8jyufm5kpk768q69gkbyr5f4h6w", "abcdefghjkmnpqrstuvwxyz234567892"];
    let file = pdf::render(&secrets.map(sheet)).unwrap();
    assert_eq!(qr_codes(&file), secrets);
    assert!(file.len() < 60_000, "{} bytes", file.len());
    assert_eq!(file, pdf::render(&secrets.map(sheet)).unwrap(), "the same ticket is the same file");
}

#[test]
fn long_and_foreign_texts_fit_or_are_cut() {
    let mut sheet = sheet("z3fsn8jyufm5kpk768q69gkbyr5f4h6w");
    sheet.event = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz ".repeat(5);
    sheet.attendee = Some("王小明 محمد Ὀδυσσεύς Łukasz\u{0}\u{7}🎟".to_owned());
    sheet.location = Some("line\n".repeat(40));
    sheet.item = "W".repeat(200);
    assert_eq!(qr_codes(&pdf::render(&[sheet]).unwrap()).len(), 1);
}
