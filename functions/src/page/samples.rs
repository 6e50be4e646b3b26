//! Believable pages in every state, for the tests.

use jiff::tz::TimeZone;

use crate::i18n::{Lang, countries};
use crate::id::{CartPositionId, ItemId, QuestionId, SubeventId, VariationId};
use crate::money::{Currency, Money, TaxRate};
use crate::page::cart::{CartBox, CartLine};
use crate::page::checkout::*;
use crate::page::event::*;
use crate::page::field::{self, Choice, Field, Input, KeptFile};
use crate::page::invite::InvitePage;
use crate::page::listing::*;
use crate::page::mail::*;
use crate::page::notice::ErrorPage;
use crate::page::order::*;
use crate::page::*;
use crate::time::Timestamp;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// What is around a page of the event.
pub fn frame(lang: Lang, title: &str) -> Frame {
    Frame {
        lang,
        langs: Lang::ALL.to_vec(),
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        organizer: Some(Link { text: "Kulturhafen".into(), url: "/kulturhafen/".into() }),
        event: Some(Link { text: "Nacht der Lichter".into(), url: "/kulturhafen/lichter/".into() }),
        logo: None,
        title: title.into(),
        messages: Vec::new(),
        test_mode: false,
        noindex: false,
        path: "/kulturhafen/lichter/?a=1&b=2".into(),
    }
}

fn cart(seconds_left: i64) -> CartBox {
    let line = |id, name: &str, details: &[&str], count: i64, price| CartLine {
        id: CartPositionId(id),
        belongs: false,
        is_part: false,
        name: name.into(),
        details: details.iter().map(|&detail| detail.into()).collect(),
        count,
        price: eur(price),
        total: eur(price * count),
        again: if id == 3 { Vec::new() } else { vec![(format!("item_{id}"), "1".into())] },
    };
    CartBox {
        base: "/kulturhafen/lichter/".into(),
        csrf: "c5rf".into(),
        form_token: "t0ken".into(),
        takes_voucher: true,
        lines: vec![
            line(1, "Evening ticket – Reduced", &[], 2, 1500),
            line(2, "Evening ticket – Regular", &["Ada Lovelace", "Vegetarian"], 1, 2300),
            line(3, "Programme book", &["Voucher: FRIENDS"], 1, 0),
        ],
        fees: vec![FeeLine { name: "Payment fee".into(), amount: eur(150) }],
        taxes: vec![TaxLine { rate: TaxRate(70_000), amount: eur(347) }],
        total: eur(5450),
        seconds_left,
        can_extend: seconds_left < 900,
    }
}

/// The event page on a good day.
pub fn event(lang: Lang) -> EventPage {
    let price = |minor| Price { tax: Some(TaxNote::Included(TaxRate(70_000))), ..Price::fixed(eur(minor)) };
    let product = |id, name: &str, about: &str, price, offer| Product {
        id: ItemId(id),
        addon_to: None,
        name: name.into(),
        picture: None,
        description: Html::from_markdown_opt(about),
        min_per_order: None,
        price,
        offer,
        variations: Vec::new(),
        expanded: false,
    };
    let open = |max| Offer::Open { max, left: None, preset: 0 };
    let variation = |id, name: &str, about: &str, minor, offer| Variation {
        id: VariationId(id),
        name: name.into(),
        description: Html::from_markdown_opt(about),
        price: price(minor),
        offer,
    };
    EventPage {
        voucher: None,
        asks_for_voucher: true,
        frame: Frame { event: None, ..frame(lang, "Nacht der Lichter") },
        base: "/kulturhafen/lichter/".into(),
        csrf: "c5rf".into(),
        form_token: "t0ken".into(),
        cart: None,
        name: "Nacht der Lichter".into(),
        dates: "12–13 September 2026".into(),
        calendar_url: Some("/kulturhafen/lichter/ical/".into()),
        times: Some("20:00, admission from 19:00".into()),
        location: Some("Alte Werft am Kai 7\n20457 Hamburg".into()),
        text: Html::from_markdown_opt(
            "Two nights, forty installations and a harbour that glows. Walk at your own pace along the old shipyard, \
             listen to live ambient music on **three stages** and end the night at the fire.\n\n\
             - Outdoors, in any weather\n- Barrier-free paths, [details](https://example.org/access)",
        ),
        date: None,
        presale: None,
        sections: vec![
            Section {
                heading: Some("Tickets".into()),
                description: Html::from_markdown_opt("One ticket per person. Children under six come in for free."),
                products: vec![
                    Product {
                        variations: vec![
                            variation(11, "Regular", "", 2300, Offer::Open { max: 10, left: Some(42), preset: 0 }),
                            variation(12, "Reduced", "Students and pensioners, with ID.", 1500, open(10)),
                            variation(13, "Supporter", "", 5000, Offer::SoldOut),
                        ],
                        price: Price { up_to: Some(eur(5000)), ..price(1500) },
                        expanded: true,
                        ..product(1, "Evening ticket", "Saturday from 8 pm, all areas.", price(1500), open(10))
                    },
                    Product {
                        min_per_order: Some(2),
                        price: Price { original: Some(eur(4600)), ..price(3900) },
                        ..product(
                            2,
                            "Weekend pass",
                            "Both nights.",
                            price(3900),
                            Offer::Open { max: 8, left: Some(7), preset: 0 },
                        )
                    },
                    product(3, "Lighthouse tour", "20 people go up at midnight.", price(1200), Offer::Reserved),
                    product(4, "Boat trip", "", price(1800), Offer::SoldOut),
                    product(5, "Late entry", "From 11 pm.", price(900), Offer::NotYet),
                ],
            },
            Section {
                heading: None,
                description: None,
                products: vec![
                    product(6, "Programme book", "48 pages, pick it up at the gate.", Price::fixed(eur(0)), open(1)),
                    product(
                        7,
                        "Donation to the harbour choir",
                        "Any amount helps.",
                        Price { suggestion: Some(eur(1000)), ..Price::fixed(eur(200)) },
                        open(1),
                    ),
                    product(8, "Crew dinner", "", price(0), Offer::VoucherOnly),
                ],
            },
        ],
    }
}

fn checkout(current: usize, seconds_left: i64) -> Checkout {
    let step = |(index, title): (usize, &str)| Step {
        title: title.into(),
        url: (index < current).then(|| "/kulturhafen/lichter/checkout/questions/".into()),
        current: index == current,
    };
    Checkout {
        base: "/kulturhafen/lichter/".into(),
        action: "/kulturhafen/lichter/checkout/questions/".into(),
        csrf: "c5rf".into(),
        form_token: "t0ken".into(),
        steps: ["Your data", "Payment", "Review"].into_iter().enumerate().map(step).collect(),
        cart: cart(seconds_left),
        back: "/kulturhafen/lichter/".into(),
    }
}

fn add_ons(lang: Lang, wrong: bool) -> AddOnsPage {
    let checkout = checkout(0, 1712);
    let form = |id: i64, title: &str| {
        let position = CartPositionId(id);
        let mut products = event(lang).sections.swap_remove(0).products;
        products.iter_mut().for_each(|product| product.addon_to = Some(position));
        let heading = "Workshops".to_owned();
        let group = AddOnGroup {
            heading,
            description: Html::from_markdown_opt("In the old crane hall."),
            rule: lang.text_with("addons-between", &[("least", 1.into()), ("count", 3.into())]),
            products,
        };
        AddOnForm { id: position, title: title.into(), groups: vec![group] }
    };
    AddOnsPage {
        frame: frame(lang, &Checkout::title(lang, &checkout.steps)),
        checkout,
        error: wrong.then(|| {
            lang.text_with("cart-error-addon-min-count", &[("name", "Workshops".into()), ("count", 1.into())])
        }),
        positions: vec![form(1, "Evening ticket – Reduced"), form(2, "Evening ticket – Regular")],
    }
}

fn questions(lang: Lang, wrong: bool) -> QuestionsPage {
    let position = CartPositionId(2);
    let choice = |value: &str, text: &str| Choice { value: value.into(), text: text.into(), chosen: value == "veg" };
    let meals = vec![choice("veg", "Vegetarian"), choice("vegan", "Vegan"), choice("any", "Anything")];
    let answer = |question| field::answer(position, QuestionId(question));
    let kept = KeptFile {
        reference: "file:7".into(),
        name: "pass.pdf".into(),
        url: "/kulturhafen/lichter/checkout/answer/7/".into(),
    };
    let error = |key: &str| wrong.then(|| lang.text(key));
    let checkout = checkout(0, 1712);
    QuestionsPage {
        frame: frame(lang, &Checkout::title(lang, &checkout.steps)),
        checkout,
        contact: vec![
            Field::new(field::EMAIL, lang.text("email"), Input::email(if wrong { "ada@" } else { "" }, "email"))
                .required(true)
                .help(Some(Html::from_markdown(&lang.text("email-help"))))
                .error(error("error-email")),
            Field::new(field::PHONE, lang.text("phone"), Input::phone("", "tel")),
        ],
        positions: vec![PositionForm {
            title: "Evening ticket – Regular".into(),
            fields: vec![
                Field::new(
                    field::attendee_name(position),
                    lang.text("attendee-name"),
                    Input::line("Ada Lovelace", "name"),
                )
                .required(true),
                Field::new(answer(9), "Please send us your student card.", Input::File(Some(kept)))
                    .help(Some(Html::from_markdown(&lang.text("file-help"))))
                    .error(error("error-file-type")),
                Field::new(answer(1), "What would you like to eat?", Input::One(meals.clone()))
                    .required(true)
                    .error(error("error-choice")),
                Field::new(answer(2), "What brings you here?", Input::Many(meals))
                    .help(Some(Html::from_markdown("Choose as *many* as you like."))),
                Field::new(answer(3), "Country", Input::country(&countries(lang), "DE")),
                Field::new(answer(4), "Birthday", Input::of_kind("date", "1990-12-10", "bday")),
                Field::new(answer(5), "Anything we should know?", Input::Text("No nuts,\nplease".into())),
                Field::new(answer(6), "I am over 18 years old", Input::YesNo(false))
                    .required(true)
                    .error(error("error-agree")),
            ],
        }],
    }
}

fn payment(lang: Lang) -> PaymentPage {
    let provider = |identifier: &str, label: &str, about: &str, fee, chosen| Provider {
        identifier: identifier.into(),
        label: label.into(),
        description: Html::from_markdown_opt(about),
        fee,
        chosen,
    };
    let checkout = checkout(1, 240);
    PaymentPage {
        frame: frame(lang, &Checkout::title(lang, &checkout.steps)),
        checkout,
        providers: vec![
            provider(
                "banktransfer",
                "Bank transfer",
                "Pay within **7 days**. You get your tickets when the money is there.",
                None,
                true,
            ),
            provider("card", "Card", "Visa, Mastercard, American Express.", Some(eur(75)), false),
        ],
        error: None,
    }
}

fn confirm(lang: Lang) -> ConfirmPage {
    let fact = |label: &str, value: &str| Fact::new(label, value);
    let load = Some("/kulturhafen/lichter/checkout/answer/7/".to_owned());
    let checkout = checkout(2, 0);
    ConfirmPage {
        frame: frame(lang, &Checkout::title(lang, &checkout.steps)),
        checkout,
        contact: vec![fact("Email", "ada@example.org"), fact("Phone", "+49 40 1234567")],
        attendees: vec![FactGroup {
            title: "Evening ticket – Regular".into(),
            facts: vec![
                fact("Attendee name", "Ada Lovelace"),
                fact("Meal", "Vegetarian"),
                Fact { url: load, ..fact("Student card", "pass.pdf") },
            ],
        }],
        questions_url: "/kulturhafen/lichter/checkout/questions/".into(),
        payment: Some(ChosenPayment {
            label: "Bank transfer".into(),
            description: Html::from_markdown_opt("You get our bank details after ordering."),
            url: "/kulturhafen/lichter/checkout/payment/".into(),
        }),
        confirm_texts: vec![
            ConfirmText {
                text: Html::from_markdown("I have read the [terms and conditions](https://example.org/terms)."),
                agreed: false,
                error: None,
            },
            ConfirmText {
                text: Html::from_markdown("I know that this is outdoors."),
                agreed: false,
                error: Some(lang.text("error-agree")),
            },
        ],
    }
}

fn bank() -> BankDetails {
    BankDetails {
        holder: "Kulturhafen e.V.".into(),
        iban: "DE02 1203 0000 0000 2020 51".into(),
        bic: Some("BYLADEM1001".into()),
        bank: Some("Beispielbank Hamburg".into()),
        reference: "LICHTER-A7K3Q".into(),
    }
}

fn order(lang: Lang, status: OrderStatus) -> OrderPage {
    let downloads = matches!(status, OrderStatus::Paid | OrderStatus::Confirmed);
    let line = |id: i64, name: &str, details: &[&str], price| OrderLine {
        belongs: id == 3,
        name: name.into(),
        details: details.iter().map(|&detail| detail.into()).collect(),
        price: eur(price),
        canceled: id == 3 && status == OrderStatus::Paid,
        download: (downloads && id != 3).then(|| format!("/kulturhafen/lichter/order/A7K3Q/s3cret/download/{id}/pdf/")),
    };
    let confirm = confirm(lang);
    OrderPage {
        frame: Frame { noindex: true, ..frame(lang, &lang.text_with("order-heading", &[("name", "A7K3Q".into())])) },
        code: "A7K3Q".into(),
        placed: at("2026-07-01T10:00:00Z"),
        status,
        thanks: true,
        success_text: Html::from_markdown_opt("See you at the harbour!"),
        payment: (status == OrderStatus::PaymentPending).then(|| PaymentPanel {
            amount: eur(5300),
            deadline: Some(at("2026-07-08T21:59:59Z")),
            bank: Some(bank()),
            text: Html::from_markdown_opt("Please transfer the full amount to this account:"),
        }),
        download_note: None,
        download_all: None,
        calendar_url: Some("/demo/conference/ical/".into()),
        positions: vec![
            line(1, "Evening ticket – Regular", &["Ada Lovelace", "Vegetarian"], 2300),
            line(2, "Evening ticket – Reduced", &[], 1500),
            line(3, "Evening ticket – Reduced", &[], 1500),
        ],
        fees: vec![FeeLine { name: "Card fee".into(), amount: eur(75) }],
        taxes: vec![TaxLine { rate: TaxRate(70_000), amount: eur(347) }],
        total: eur(5375),
        contact: confirm.contact,
        attendees: confirm.attendees,
        shop_url: "/kulturhafen/lichter/".into(),
    }
}

/// A mail for every moment.
pub fn mails(lang: Lang) -> Vec<(&'static str, Mail)> {
    let line = |count, name: &str, total| MailLine { count, name: name.into(), total: eur(total) };
    let lines = vec![line(2, "Evening ticket – Reduced", 3000), line(1, "Evening ticket – Regular", 2300)];
    let of = |moment| OrderMail {
        lang,
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        moment,
        code: "A7K3Q".into(),
        url: "https://tickets.example.org/kulturhafen/lichter/order/A7K3Q/s3cret/".into(),
        own: OwnWords::default(),
        organizer: "Kulturhafen".into(),
        event: "Nacht der <Lichter>".into(),
        dates: "12–13 September 2026".into(),
        location: Some("Alte Werft, Hamburg".into()),
        lines: lines.clone(),
        taxes: vec![TaxLine { rate: TaxRate(70_000), amount: eur(347) }],
        total: eur(5300),
    };
    let to_pay = |bank, instructions: Option<&str>| ToPay {
        deadline: Some(at("2026-07-08T21:59:59Z")),
        bank,
        instructions: instructions.map(str::to_owned),
    };
    let note = || Some("The hall was **closed** by its owner.".to_owned());
    let voucher = VoucherMail {
        lang,
        zone: TimeZone::get("Europe/Berlin").expect("a zone that exists"),
        url: "https://tickets.example.org/kulturhafen/lichter/redeem?voucher=K7ZLMN4P".into(),
        code: "K7ZLMN4P".into(),
        organizer: "Kulturhafen".into(),
        event: "Nacht der Lichter".into(),
        dates: "Friday, 12 March 2027, 19:00".into(),
        location: Some("Kulturhafen, Kai 7".into()),
        product: Some("Seat".into()),
        deadline: Some(at("2026-07-08T21:59:59Z")),
    };
    let staff = StaffMail {
        happened: None,
        choices_url: Some("https://shop.example/_notices/7/s3cret/?event=3".into()),
        lang,
        code: "A7K3Q".into(),
        url: "https://tickets.example.org/control/event/kulturhafen/lichter/orders/A7K3Q/".into(),
        organizer: "Kulturhafen".into(),
        event: "Nacht der Lichter".into(),
        status: OrderStatus::PaymentPending,
        contact: "ada@example.org".into(),
        lines: lines.clone(),
        total: eur(5300),
    };
    let invite = InviteMail {
        lang,
        url: "https://tickets.example.org/_invites/7/s3cret/".into(),
        organizer: "Kulturhafen".into(),
        team: "Desk".into(),
    };
    vec![
        ("mail-placed-bank", of(Moment::Placed(to_pay(Some(bank()), None))).to_mail()),
        ("mail-placed-manual", of(Moment::Placed(to_pay(None, Some("Pay **in cash** at our office.")))).to_mail()),
        ("mail-free", of(Moment::Free).to_mail()),
        ("mail-paid", of(Moment::Paid).to_mail()),
        ("mail-approved", of(Moment::Approved(to_pay(Some(bank()), None))).to_mail()),
        ("mail-approved-free", of(Moment::ApprovedFree).to_mail()),
        ("mail-denied", of(Moment::Denied { note: note() }).to_mail()),
        ("mail-canceled", of(Moment::Canceled { note: note() }).to_mail()),
        ("mail-changed", of(Moment::Changed { note: None }).to_mail()),
        ("mail-waiting", voucher.to_mail()),
        ("mail-staff", staff.to_mail()),
        ("mail-invite", invite.to_mail()),
    ]
}

/// All pages by name.
pub fn pages(lang: Lang) -> Vec<(&'static str, String)> {
    let message = |kind, text: &str| Message { kind, text: text.into() };
    let top = Frame { organizer: None, event: None, ..frame(lang, &lang.text("home-heading")) };
    let home = HomePage {
        frame: top.clone(),
        organizers: vec![
            OrganizerRow { name: "Kulturhafen".into(), url: "/kulturhafen/".into(), upcoming: 4 },
            OrganizerRow { name: "Stadttheater Nordlicht".into(), url: "/nordlicht/".into(), upcoming: 1 },
        ],
    };
    let row = |name: &str, dates: &str, location: Option<&str>, sale| EventRow {
        name: name.into(),
        url: "/kulturhafen/lichter/".into(),
        dates: dates.into(),
        location: location.map(str::to_owned),
        sale,
    };
    let organizer = OrganizerPage {
        frame: Frame { event: None, ..frame(lang, "Kulturhafen") },
        name: "Kulturhafen".into(),
        text: Html::from_markdown_opt("Art, music and food where the cranes used to be. Since 1998."),
        past: false,
        url: "/kulturhafen/".into(),
        previous: None,
        next: Some("/kulturhafen/?page=2".into()),
        events: vec![
            row(
                "Nacht der Lichter",
                "12–13 September 2026",
                Some("Alte Werft, Hamburg"),
                Sale::Open { free: false, few: false },
            ),
            row("Open harbour day", "Sunday, 20 September 2026", Some("Kai 7"), Sale::Open { free: true, few: true }),
            row("Winter songs", "Friday, 4 December 2026", None, Sale::NotYet(Some("1 October 2026".into()))),
            row("Crane concert", "Saturday, 5 September 2026", None, Sale::SoldOut { free: false }),
        ],
    };
    let series = SeriesPage {
        frame: frame(lang, "Harbour walks"),
        base: "/kulturhafen/walks/".into(),
        cart: Some(cart(1712)),
        name: "Harbour walks".into(),
        location: None,
        text: Html::from_markdown_opt("Every Saturday, whatever the weather."),
        presale: None,
        dates: organizer.events.clone(),
        previous: Some("/kulturhafen/walks/?page=1".into()),
        next: Some("/kulturhafen/walks/?page=3".into()),
        voucher: Some("FRIENDS".into()),
        asks_for_voucher: true,
    };
    let date = EventPage { date: Some(SubeventId(7)), ..event(lang) };
    let with_cart = EventPage {
        frame: Frame {
            test_mode: true,
            messages: vec![message(MessageKind::Success, &lang.text("cart-added"))],
            ..event(lang).frame
        },
        cart: Some(cart(1712)),
        ..event(lang)
    };
    let mut closed = event(lang);
    closed.presale = Some(lang.text("presale-not-yet"));
    for section in &mut closed.sections {
        for product in &mut section.products {
            product.offer = Offer::Shown;
            product.variations.clear();
        }
    }
    let waiting = WaitingPage {
        frame: Frame { noindex: true, ..frame(lang, &lang.text("waiting-heading")) },
        url: "/kulturhafen/lichter/order/A7K3Q/s3cret/download/1/pdf/".into(),
        csrf: "c5rf".into(),
        seconds: 3,
        order_url: "/kulturhafen/lichter/order/A7K3Q/s3cret/".into(),
    };
    let invite = InvitePage {
        frame: Frame { noindex: true, ..top.clone() },
        email: "ada@example.org".into(),
        team: "Desk".into(),
        organizer: "Kulturhafen".into(),
        notices_url: None,
    };
    let accepted = InvitePage { notices_url: Some("/_notices/7/s3cret/".into()), ..invite.clone() };
    let missing = ErrorPage::of_status(top.clone(), 404);
    let internal = ErrorPage { incident: Some("9f31c2".into()), ..ErrorPage::of_status(top, 500) };
    let busy = ErrorPage {
        link: Some(Link { text: lang.text("order-again"), url: "/kulturhafen/lichter/".into() }),
        ..ErrorPage::of_status(frame(lang, ""), 503)
    };
    let again = ErrorPage::busy(frame(lang, ""), Some("/kulturhafen/lichter/again".into()));
    vec![
        ("invite", render(&invite)),
        ("invite-accepted", render(&accepted)),
        ("error-again", render(&again)),
        ("home", render(&home)),
        ("organizer", render(&organizer)),
        ("event", render(&event(lang))),
        ("event-cart", render(&with_cart)),
        ("event-closed", render(&closed)),
        ("series", render(&series)),
        ("date", render(&date)),
        ("addons", render(&add_ons(lang, false))),
        ("addons-wrong", render(&add_ons(lang, true))),
        ("questions", render(&questions(lang, false))),
        ("questions-wrong", render(&questions(lang, true))),
        ("payment", render(&payment(lang))),
        ("confirm", render(&confirm(lang))),
        ("order-pending", render(&order(lang, OrderStatus::PaymentPending))),
        ("order-paid", render(&order(lang, OrderStatus::Paid))),
        ("order-expired", render(&order(lang, OrderStatus::Expired))),
        ("waiting", render(&waiting)),
        ("error-missing", render(&missing)),
        ("error-internal", render(&internal)),
        ("error-busy", render(&busy)),
    ]
}
