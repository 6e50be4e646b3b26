//! Ticket PDFs, read back by other crates than those that wrote them.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use shop::{
    ticket::pdf::{PdfError, SheetLabels, TicketSheet, render},
    upload::picture::Pixels,
};

const SECRETS: [&str; 2] = ["k7m2x9qv4c8nap3zt6wrj5hdey2fgb4s", "abcdefghjkmnpqrstuvwxyz23456789z"];

fn sheet(position: u32, secret: &str) -> TicketSheet {
    TicketSheet {
        organizer: "Kulturverein Nordstadt e. V.".to_owned(),
        event: "Sommernachtskonzert mit dem Städtischen Orchester".to_owned(),
        dates: "Samstag, 12. September 2026, 19:30 – 23:00 Uhr".to_owned(),
        admission: Some("18:30 Uhr".to_owned()),
        location: Some("Alte Gießerei\nHafenstraße 12\n24103 Kiel".to_owned()),
        item: "Sitzplatz Parkett".to_owned(),
        variation: Some("Ermäßigt".to_owned()),
        attendee: Some("Łucja Ångström-Müller".to_owned()),
        company: Some("Naïve Café GmbH".to_owned()),
        order_code: "A7K3P".to_owned(),
        position,
        price: "23,00 €".to_owned(),
        secret: secret.to_owned(),
        info: Some(
            "Bitte bringen Sie einen Lichtbildausweis mit. Einlass nur mit gültigem Ticket; das Ticket darf ausgedruckt \
             oder auf dem Telefon gezeigt werden.\n\nBei Regen findet das Konzert in der großen Halle statt."
                .to_owned(),
        ),
        terms: None,
        logo: None,
        labels: SheetLabels {
            ticket: "Ticket".to_owned(),
            date: "Datum".to_owned(),
            admission: "Einlass".to_owned(),
            location: "Ort".to_owned(),
            item: "Produkt".to_owned(),
            attendee: "Gast".to_owned(),
            order: "Bestellung".to_owned(),
            price: "Preis".to_owned(),
            info: "Gut zu wissen".to_owned(),
            terms: "Bedingungen".to_owned(),
            fold: "Hier falten".to_owned(),
            scan: "Diesen Code am Einlass vorzeigen".to_owned(),
            qr_alt: "QR-Code des Tickets".to_owned(),
        },
        lang: "de".to_owned(),
    }
}

/// Texts of all QR codes of a PDF, in the order of its pages.
pub fn qr_codes(pdf: &[u8]) -> Vec<String> {
    codes(pdf.to_vec()).concat()
}

/// The QR codes of each page, found in its pixels.
fn codes(pdf: Vec<u8>) -> Vec<Vec<String>> {
    let pages = pictures(pdf).into_iter().map(|(width, pixels)| {
        let red = |x: usize, y: usize| pixels[y * width + x];
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, pixels.len() / width, red);
        image.detect_grids().iter().map(|grid| grid.decode().expect("a readable code").1).collect()
    });
    pages.collect()
}

/// The width of each page and the red of its pixels.
fn pictures(pdf: Vec<u8>) -> Vec<(usize, Vec<u8>)> {
    let pdf = Pdf::new(pdf).expect("a readable PDF");
    let cache = RenderCache::new();
    let (interpreter, settings) = (InterpreterSettings::default(), RenderSettings::default());
    let scale = PixmapSettings { x_scale: 2.0, y_scale: 2.0, bg_color: WHITE };
    let pages = pdf.pages().iter().map(|page| {
        let pixels = hayro::render(page, &cache, &interpreter, &settings, &scale);
        (usize::from(pixels.width()), pixels.data().iter().map(|pixel| pixel.r).collect())
    });
    pages.collect()
}

#[test]
fn every_page_shows_the_code_of_its_ticket() {
    let pdf = render(&[sheet(1, SECRETS[0]), sheet(2, SECRETS[1])], None).unwrap();
    assert!(pdf.len() < 60_000, "{} bytes are too many for a mail with several tickets", pdf.len());
    assert_eq!(codes(pdf), [[SECRETS[0]], [SECRETS[1]]]);
}

#[test]
fn a_sheet_with_only_what_every_ticket_has_is_enough() {
    let bare = TicketSheet {
        admission: None,
        location: None,
        variation: None,
        attendee: None,
        company: None,
        info: None,
        ..sheet(1, SECRETS[0])
    };
    assert_eq!(codes(render(&[bare], None).unwrap()), [[SECRETS[0]]]);
}

#[test]
fn any_text_is_printed_and_leaves_the_code_readable() {
    let long = "Donaudampfschifffahrtsgesellschaft ".repeat(8);
    for text in [
        "ש",
        "שלום עולם",
        "مرحبا بالعالم",
        "東京タワー 🎟️👩‍👩‍👧",
        "e\u{301}\u{327} \u{0} \u{feff}\u{ffff}\u{e000}",
        "",
        " \n ",
        &long,
        &"W".repeat(200),
    ] {
        let text = text.to_owned();
        let some = Some(text.clone());
        let sheet = TicketSheet {
            organizer: text.clone(),
            event: text.clone(),
            dates: text.clone(),
            admission: some.clone(),
            location: some.clone(),
            item: text.clone(),
            variation: some.clone(),
            attendee: some.clone(),
            company: some,
            order_code: text.clone(),
            price: text.clone(),
            info: Some(text.repeat(10)),
            ..sheet(1, SECRETS[0])
        };
        let pages = codes(render(&[sheet], None).unwrap());
        assert_eq!(pages.concat(), [SECRETS[0]], "with {text:?}");
        assert_eq!(pages[0].len(), 1, "with {text:?}");
    }
}

/// Names in scripts that the main font lacks, each with the font that has it.
const SCRIPTS: [(&str, &str); 9] = [
    ("דוד כהן", "NotoSansHebrew"),
    ("فاطمة الزهراء", "NotoSansArabic"),
    ("山田 太郎", "DroidSansFallback"),
    ("さくら カフェ", "DroidSansFallback"),
    ("김철수", "NotoSansCJKkr"),
    ("अनिता शर्मा", "NotoSansDevanagari"),
    ("สมชาย ใจดี", "NotoSansThai"),
    ("Անի Սարգսյան", "NotoSansArmenian"),
    ("ნინო ბერიძე", "NotoSansGeorgian"),
];

/// Pixels of a ticket for somebody.
fn picture_for(attendee: &str) -> Vec<(usize, Vec<u8>)> {
    let sheet = TicketSheet { attendee: Some(attendee.to_owned()), ..sheet(1, SECRETS[0]) };
    pictures(render(&[sheet], None).unwrap())
}

#[test]
fn names_of_many_scripts_have_their_letters() {
    for (name, font) in SCRIPTS {
        let sheet = TicketSheet { attendee: Some(name.to_owned()), ..sheet(1, SECRETS[0]) };
        let pdf = render(&[sheet], None).unwrap();
        assert!(pdf.len() < 90_000, "{} bytes for {name}", pdf.len());
        let has = |font: &str| pdf.windows(font.len()).any(|bytes| bytes == font.as_bytes());
        assert!(has(font), "{name} is not in {font}");
        let boxes: String = name.chars().map(|letter| if letter == ' ' { ' ' } else { '□' }).collect();
        assert!(picture_for(name) != picture_for(&boxes), "{name} is boxes");
    }
    assert!(picture_for("🎟") == picture_for("□"), "what no font has is a box");
}

#[test]
fn what_is_read_from_the_right_is_drawn_so() {
    // U+202D has the letters that follow drawn from the left to the right.
    for (text, drawn) in
        [("אבג", "\u{202d}גבא"), ("אב 12 גד", "\u{202d}דג 12 בא"), ("אב (Ada) גד", "\u{202d}דג (Ada) בא")]
    {
        assert!(picture_for(text) == picture_for(drawn), "{text}");
    }
    let joined = "فاطمة";
    let apart: String = joined.chars().flat_map(|letter| [letter, '\u{200c}']).collect();
    assert!(picture_for(joined) != picture_for(&apart), "Arabic letters are joined");
}

#[test]
fn a_signed_secret_is_readable_too() {
    let secret = "Zm9v+/".repeat(40);
    assert_eq!(codes(render(&[sheet(1, &secret)], None).unwrap()), [[secret]]);
}

#[test]
fn the_same_ticket_is_the_same_file() {
    let sheets = [sheet(1, SECRETS[0]), sheet(2, SECRETS[1])];
    assert_eq!(render(&sheets, None).unwrap(), render(&sheets, None).unwrap());
}

/// A paragraph of terms.
const TERMS: &str = "Der Veranstalter kann das Programm aus wichtigem Grund ändern. Tickets werden nur zurückgenommen, wenn \
                     die Veranstaltung ausfällt oder verlegt wird.\n\n";

/// A red bar with a blue square, on nothing.
fn logo() -> Pixels {
    let (width, height) = (300_u32, 80_u32);
    let pixel = |index: u32| match (index % width, index / width) {
        (0..80, _) => [30, 60, 200, 255],
        (_, 20..60) => [200, 30, 30, 255],
        _ => [0, 0, 0, 0],
    };
    Pixels { rgba: (0..width * height).flat_map(pixel).collect(), width, height }
}

#[test]
fn long_notes_go_on_on_further_pages_once_for_all_that_share_them() {
    let terms = Some(TERMS.repeat(40));
    let long = |position, secret| TicketSheet { terms: terms.clone(), ..sheet(position, secret) };
    let single = codes(render(&[long(1, SECRETS[0])], None).unwrap());
    assert!(single.len() > 1 && single[0] == [SECRETS[0]] && single[1..].iter().all(Vec::is_empty), "{single:?}");
    let both = codes(render(&[long(1, SECRETS[0]), long(2, SECRETS[1])], None).unwrap());
    assert_eq!(
        (both.len(), &both[..2]),
        (single.len() + 1, &[vec![SECRETS[0].to_owned()], vec![SECRETS[1].to_owned()]][..])
    );
    let other = TicketSheet { terms: Some(TERMS.to_owned()), ..sheet(2, SECRETS[1]) };
    let apart = codes(render(&[long(1, SECRETS[0]), other], None).unwrap());
    assert_eq!(apart.last().unwrap(), &[SECRETS[1].to_owned()], "notes of its own stay with the ticket");
    let endless = TicketSheet { terms: Some(TERMS.repeat(300)), ..sheet(1, SECRETS[0]) };
    let pages = Pdf::new(render(&[endless], None).unwrap()).unwrap().pages().len();
    assert!((4..12).contains(&pages), "{pages} pages");
}

#[test]
fn a_logo_leaves_the_code_readable() {
    let sheet = TicketSheet { logo: Some("logo".to_owned()), ..sheet(1, SECRETS[0]) };
    assert_eq!(codes(render(&[sheet], Some(&logo())).unwrap()), [[SECRETS[0]]]);
}

#[test]
fn what_cannot_be_a_ticket_is_refused() {
    assert!(matches!(render(&[], None), Err(PdfError::NoSheets)));
    assert!(matches!(render(&[sheet(1, &"x".repeat(3000))], None), Err(PdfError::Secret(_))));
}

/// Writes tickets for somebody to look at into `onsale-tickets` in the folder for temporary files.
#[test]
#[ignore = "makes files for people"]
fn tickets_to_look_at() {
    let folder = std::env::temp_dir().join("onsale-tickets");
    std::fs::create_dir_all(&folder).unwrap();
    let german = sheet(1, SECRETS[0]);
    let english = TicketSheet {
        organizer: "Harbour Arts".to_owned(),
        event: "Systems Conference".to_owned(),
        dates: "12–13 September 2026".to_owned(),
        admission: Some("20:00, admission from 19:00".to_owned()),
        location: Some("Harbour Hall\nQuay 1, Hamburg".to_owned()),
        item: "Evening ticket".to_owned(),
        variation: None,
        attendee: Some("Ada Lovelace".to_owned()),
        company: None,
        price: "€23.00".to_owned(),
        labels: SheetLabels::in_language(shop::i18n::Lang::En),
        info: Some(shop::i18n::Lang::En.text("ticket-info")),
        lang: "en".to_owned(),
        ..german.clone()
    };
    let long = TicketSheet {
        event: "Internationale Fachtagung für Donaudampfschifffahrtsgesellschaftskapitäne und ihre Angehörigen in \
                Mecklenburg-Vorpommern"
            .to_owned(),
        attendee: Some(
            "Prof. Dr. Dr. h. c. Maximiliane-Theodora von und zu Hohenlohe-Waldenburg-Schillingsfürst".to_owned(),
        ),
        company: Some("Gesellschaft für angewandte Langnamenforschung mit beschränkter Haftung & Co. KG".to_owned()),
        item: "Ermäßigtes Wochenendticket mit Übernachtung und Frühstück".to_owned(),
        ..german.clone()
    };
    let other = |event: &str, attendee: &str| TicketSheet {
        event: event.to_owned(),
        attendee: Some(attendee.to_owned()),
        ..english.clone()
    };
    let scripts = [
        other("Фестиваль світла", "Олександра Коваленко"),
        other("Γιορτή του φωτός", "Αριάδνη Παπαδοπούλου"),
        other("Lễ hội ánh sáng", "Nguyễn Thị Ngọc Ánh"),
        other("光のフェスティバル", "山田 太郎"),
        other("빛의 축제", "김철수"),
        other("प्रकाश उत्सव", "अनिता शर्मा"),
        other("เทศกาลแสง", "สมชาย ใจดี"),
        other("Լույսի փառատոն", "ნინო ბერიძე"),
        TicketSheet {
            location: Some("היכל התרבות, רחוב הנמל 12 (כניסה B)\nתל אביב".to_owned()),
            info: Some("נא להציג תעודה מזהה. הכניסה מ-18:30 עם כרטיס בתוקף בלבד (PDF או מודפס). ".repeat(4)),
            ..other("מופע אור בנמל תל אביב 2026", "פרופסור דוד בן־גוריון כהן־לוי מרמת השרון")
        },
        TicketSheet {
            location: Some("قاعة الميناء، شارع البحر 12\nبيروت".to_owned()),
            info: Some("يرجى إحضار بطاقة هوية. الدخول من الساعة 18:30 بتذكرة صالحة فقط (PDF أو مطبوعة). ".repeat(4)),
            ..other("مهرجان الضوء والموسيقى", "فاطمة الزهراء بنت عبد الرحمن بن محمد الأندلسي")
        },
        TicketSheet {
            info: Some(
                "ご入場の際は身分証明書をご提示ください。チケットは印刷またはスマートフォンで表示できます。".repeat(4),
            ),
            ..other("東京港の光と音楽の国際フェスティバル二〇二六年秋の特別公演「海と空」", "勅使河原 龍之介")
        },
    ];
    let terms = Some(TERMS.repeat(30));
    let with_logo = |position| TicketSheet {
        terms: terms.clone(),
        logo: Some("logo".to_owned()),
        ..TicketSheet { position, ..german.clone() }
    };
    for (name, sheets) in [
        ("german", vec![german.clone(), sheet(2, SECRETS[1])]),
        ("english", vec![TicketSheet { terms: Some(TERMS.to_owned()), ..english.clone() }]),
        ("long", vec![long]),
        ("scripts", scripts.to_vec()),
        ("logo", vec![with_logo(1), with_logo(2)]),
    ] {
        std::fs::write(folder.join(format!("{name}.pdf")), render(&sheets, Some(&logo())).unwrap()).unwrap();
    }
}
