//! Importing an event, and the rules of events, prices and answers. No database is needed here.

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use shop::{
    catalogue::{Catalogue, Channels, Item, TaxRule, Variation, Visibility, WindowMode},
    event::{Event, Localized, Organizer, Presale, Settings, import::Plan},
    id::{EventId, ItemId, OrganizerId, QuestionId, TaxRuleId, VariationId},
    money::{Currency, Money, TaxRate},
    pricing::Billing,
    question::{AnswerError, Dependency, Question, QuestionOption, QuestionType, read_answers, validate},
    time::Timestamp,
};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn eur(text: &str) -> Money {
    Money::parse_decimal(text, Currency::parse("EUR").unwrap()).unwrap()
}

fn faults(document: &Value) -> Vec<String> {
    Plan::read(document, &json!({})).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn demo() -> Value {
    local::demo::document(at("2026-09-01T10:00:00Z"))
}

#[test]
fn the_demo_document_is_valid() {
    assert_eq!(faults(&demo()), Vec::<String>::new());
}

#[test]
fn the_demo_document_moves_with_the_clock() {
    // 120 days on is winter: nine in Berlin is eight in UTC.
    assert_eq!(demo()["event"]["date_from"], "2026-12-30T08:00:00Z");
    assert_eq!(demo()["event"]["presale_start"], "2026-08-25T08:00:00Z");
    assert!(!demo().to_string().contains("\"@"), "a placeholder was left over");
}

#[test]
fn all_mistakes_are_reported_together() {
    let mut document = demo();
    document["event"]["slug"] = json!("api");
    document["event"]["date_to"] = json!("2026-01-01T00:00:00Z");
    document["settings"]["reservation_time"] = json!("soon");
    document["settings"]["payment_stripe__enabled"] = json!(true);
    document["tax_rules"][0]["rate"] = json!("190");
    document["items"][0]["default_price"] = json!("1.005");
    document["items"][1]["require_approval"] = json!(true);
    document["items"][2].as_object_mut().unwrap().remove("name");
    document["items"][3]["category"] = json!(99);
    document["quotas"][0]["items"][1] = json!(77);
    document["quotas"][3]["variations"] = json!([]);
    document["questions"][1]["dependency_values"] = json!(["diet-none"]);
    document["questions"][3]["type"] = json!("X");
    document["vouchers"] = json!([{ "code": "FREE", "seat": "A1", "item": 99, "subevent": 1 }]);
    let expected = [
        "vouchers[0].seat: the shop cannot do this yet: leave it out",
        "vouchers[0].item: no item with id 99 in this file",
        "vouchers[0].subevent: the shop cannot do this yet: leave it out",
        "settings.payment_stripe__enabled: the shop cannot do this yet: leave it out or set it to false",
        "settings.reservation_time: a whole number from 0 to 1000000 is needed",
        "event.slug: 'api' is a reserved word",
        "event.date_to: must not be before date_from",
        "tax_rules[0].rate: a percentage from 0 to 100 with at most 4 decimals is needed",
        "items[0].default_price: an amount is a decimal number with at most 2 decimals, such as 23.00",
        "items[1].require_approval: the shop cannot do this yet: leave it out or set it to false",
        "items[2].name: is missing",
        "items[3].category: no category with id 99 in this file",
        "quotas[0].items[1]: no item with id 77 in this file",
        "quotas[0].variations[0]: the item of this variation is not among the items of the quota",
        "quotas[0].variations[1]: the item of this variation is not among the items of the quota",
        "quotas[0].variations[2]: the item of this variation is not among the items of the quota",
        "quotas[3].items[0]: this item has variations, but none of them is among those of the quota",
        "questions[3].type: one of N, S, T, B, C, M, F, D, H, W, CC, TEL is needed",
        "questions[1].dependency_values: 'diet-none' is no answer of the question it depends on",
    ];
    let found = faults(&document);
    for fault in expected {
        assert!(found.contains(&fault.to_owned()), "{fault} is not in {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

/// A change of the demo document, and the fault that it must bring.
fn assert_fault(change: impl FnOnce(&mut Value), fault: &str) {
    let mut document = demo();
    change(&mut document);
    assert_eq!(faults(&document), [fault]);
}

#[test]
fn single_mistakes() {
    assert_fault(|d| *d = json!([]), "document: an object is needed");
    assert_fault(|d| *d = json!({}), "event: is missing");
    assert_fault(|d| d["quotas"][0]["id"] = json!(2), "quotas[1].id: 2 is used twice");
    assert_fault(|d| d["items"][0]["active"] = json!("yes"), "items[0].active: true or false is needed");
    assert_fault(
        |d| d["items"][0]["default_price"] = json!(-1),
        "items[0].default_price: an amount must not be negative",
    );
    assert_fault(|d| d["items"][0]["name"] = json!({ "en": "" }), "items[0].name: must not be empty");
    assert_fault(
        |d| d["items"][4]["personalized"] = json!(true),
        "items[4].personalized: only an admission item can be personalized",
    );
    assert_fault(
        |d| d["items"][1]["variations"][0]["require_membership"] = json!(true),
        "items[1].variations[0].require_membership: the shop cannot do this yet: leave it out or set it to false",
    );
    assert_fault(
        |d| d["quotas"][0]["size"] = json!(-1),
        "quotas[0].size: a whole number from 0 to 2147483647 is needed",
    );
    assert_fault(|d| d["quotas"][2]["items"] = json!([1, 1]), "quotas[2].items[1]: item 1 is listed twice");
    assert_fault(
        |d| d["tax_rules"][1]["default"] = json!(true),
        "tax_rules[1].default: only one tax rule can be the default",
    );
    assert_fault(
        |d| d["event"]["slug"] = json!("-x"),
        "event.slug: letters, digits, '.' and '-' are allowed, with a letter or digit at both ends",
    );
    assert_fault(
        |d| d["subevents"] = json!([{ "id": 1, "name": "First", "date_from": "2030-01-01T00:00:00Z" }]),
        "subevents: only a series has dates",
    );
    assert_fault(|d| d["questions"][1]["identifier"] = json!("diet"), "questions[1].identifier: 'diet' is used twice");
    assert_fault(
        |d| d["questions"][2]["dependency_question"] = json!(2),
        "questions[2].dependency_question: only questions of the types B, C and M can be depended on",
    );
    assert_fault(
        |d| d["discounts"] = json!([{ "benefit_discount_matching_percent": "10.00" }]),
        "discounts[0].condition_min_count: either this or condition_min_value is needed, above 0",
    );
    let distinct = json!([{
        "benefit_discount_matching_percent": "10.00", "condition_min_count": 2, "subevent_mode": "distinct",
        "benefit_same_products": false, "benefit_limit_products": [1]
    }]);
    assert_fault(
        |d| d["discounts"] = distinct,
        "discounts[0].benefit_same_products: must be true with subevent_mode 'distinct'",
    );
    assert_fault(
        |d| d["settings"]["payment_manual__fee_percent"] = json!("100.00"),
        "settings.payment_manual__fee_percent: a percentage from 0 to less than 100 is needed, with at most 4 decimals",
    );
    assert_fault(
        |d| d["items"][0]["description"] = json!("\u{0}"),
        "document: texts must not hold the character U+0000",
    );
}

#[test]
fn circles_of_questions_are_found() {
    let mut document = demo();
    let question = |id: i64, parent: i64| json!({ "id": id, "question": "Sure?", "type": "B", "items": [1], "dependency_question": parent, "dependency_values": ["True"] });
    document["questions"] = json!([question(1, 2), question(2, 1), question(3, 2)]);
    let expected = [
        "questions[0].dependency_question: the question depends on itself",
        "questions[1].dependency_question: the question depends on itself",
    ];
    assert_eq!(faults(&document), expected);
}

#[test]
fn a_live_event_can_sell() {
    let no_provider = |d: &mut Value| {
        d["settings"]["payment_banktransfer__enabled"] = json!(false);
        d["settings"]["payment_manual__enabled"] = json!("False");
    };
    assert_fault(no_provider, "event.live: an event with paid products needs a payment provider before it can be live");
    assert_fault(|d| d["quotas"] = json!([]), "event.live: an event needs a quota before it can be live");
    let mut document = demo();
    for provider in ["payment_banktransfer__enabled", "payment_manual__enabled"] {
        document["settings"][provider] = Value::Null;
    }
    assert!(
        Plan::read(&document, &json!({ "payment_manual__enabled": true })).is_ok(),
        "the organiser's provider counts"
    );
    document["event"]["live"] = json!(false);
    assert_eq!(faults(&document), Vec::<String>::new(), "an event that is not live may be unfinished");
}

/// An event in Berlin on 12 and 13 September 2026 without an end, and with some settings.
fn event(settings: Value) -> Event {
    Event {
        has_subevents: false,
        staff_listens: false,
        in_shop: true,
        version: 0,
        id: EventId(1),
        organizer: Organizer { id: OrganizerId(1), slug: "harbour".to_owned(), name: "Harbour".to_owned() },
        slug: "systems".to_owned(),
        name: Localized::default(),
        logo: None,
        live: true,
        testmode: false,
        currency: Currency::parse("EUR").unwrap(),
        timezone: berlin(),
        date_from: at("2026-09-12T18:00:00Z"),
        date_to: None,
        date_admission: None,
        is_public: true,
        presale_start: None,
        presale_end: None,
        location: None,
        settings: Settings::merge(json!({}), settings),
    }
}

#[test]
fn presale_ends_by_the_first_rule_that_applies() {
    let event = event(json!({}));
    // The day of the event ends at midnight in Berlin, 22:00 in UTC.
    assert_eq!(event.presale(at("2026-09-12T21:59:59Z")), Presale::Running);
    assert_eq!(event.presale(at("2026-09-12T22:00:00Z")), Presale::Ended);
    let with_end = Event { date_to: Some(at("2026-09-13T18:00:00Z")), ..event.clone() };
    assert_eq!(with_end.presale(at("2026-09-13T18:00:00Z")), Presale::Running);
    assert_eq!(with_end.presale(at("2026-09-13T18:00:01Z")), Presale::Ended);
    let (start, end) = (at("2026-08-01T08:00:00Z"), at("2026-09-01T08:00:00Z"));
    let limited = Event { presale_start: Some(start), presale_end: Some(end), ..with_end };
    assert_eq!(limited.presale(at("2026-08-01T07:59:59Z")), Presale::NotStarted { start });
    assert_eq!(limited.presale(start), Presale::Running);
    assert_eq!(limited.presale(at("2026-09-01T08:00:01Z")), Presale::Ended);
}

#[test]
fn payment_deadlines() {
    let deadline = |settings: Value, now: &str| event(settings).payment_deadline(at(now)).to_string();
    // Friday + 14 days is a Friday.
    assert_eq!(deadline(json!({}), "2026-07-03T10:00:00Z"), "2026-07-17T21:59:59Z");
    // Saturday and Sunday move to Monday.
    assert_eq!(deadline(json!({}), "2026-07-04T10:00:00Z"), "2026-07-20T21:59:59Z");
    assert_eq!(deadline(json!({}), "2026-07-05T10:00:00Z"), "2026-07-20T21:59:59Z");
    assert_eq!(deadline(json!({ "payment_term_weekdays": "False" }), "2026-07-04T10:00:00Z"), "2026-07-18T21:59:59Z");
    // Late in the evening in UTC it is tomorrow in Berlin.
    assert_eq!(deadline(json!({ "payment_term_days": "1" }), "2026-07-06T22:30:00Z"), "2026-07-08T21:59:59Z");
    // The clocks go back on 25 October: the end of a day is an hour later in UTC.
    assert_eq!(deadline(json!({ "payment_term_days": 4 }), "2026-10-23T10:00:00Z"), "2026-10-27T22:59:59Z");
    let minutes = json!({ "payment_term_mode": "minutes", "payment_term_minutes": 45 });
    assert_eq!(deadline(minutes, "2026-10-25T00:30:00Z"), "2026-10-25T01:15:00Z");
    let last = json!({ "payment_term_last": "2026-07-10" });
    assert_eq!(deadline(last, "2026-07-03T10:00:00Z"), "2026-07-10T21:59:59Z");
}

#[test]
fn expiry_waits_for_the_delay() {
    let moment = |settings: Value| event(settings).expire_moment(at("2026-07-17T21:59:59Z")).to_string();
    assert_eq!(moment(json!({})), "2026-07-17T21:59:59Z");
    // A Friday and one day is a Saturday, so Monday.
    assert_eq!(moment(json!({ "payment_term_expire_delay_days": 1 })), "2026-07-20T21:59:59Z");
    let capped = json!({ "payment_term_expire_delay_days": 5, "payment_term_last": "2026-07-21T12:00:00+02:00" });
    assert_eq!(moment(capped), "2026-07-21T21:59:59Z");
    let last_is_past = json!({ "payment_term_expire_delay_days": 5, "payment_term_last": "2026-07-01" });
    assert_eq!(moment(last_is_past), "2026-07-17T21:59:59Z");
}

#[test]
fn settings_are_inherited_and_read_in_both_forms() {
    let settings = Settings::merge(
        json!({ "hide_sold_out": "True", "max_items_per_order": "4", "contact_mail": "a@b.example", "locales": ["de"] }),
        json!({ "max_items_per_order": 3, "contact_mail": null, "confirm_texts": ["Yes"] }),
    );
    assert!(settings.hide_sold_out());
    assert!(settings.attendee_names_asked(), "the default");
    assert_eq!(settings.max_items_per_order(), 3);
    assert_eq!(settings.contact_mail(), Some("a@b.example"));
    assert_eq!((settings.locales(), settings.locale()), (vec!["de"], "de"));
    assert_eq!(settings.confirm_texts()[0].0["en"], "Yes");
    assert_eq!(Settings::default().locales(), ["en"]);
}

fn item(price: &str) -> Item {
    Item {
        require_bundling: false,
        allow_waitinglist: true,
        channels: Channels::All,
        hidden_if_available: None,
        hidden_if_item_available: None,
        add_ons: Vec::new(),
        bundles: Vec::new(),
        id: ItemId(1),
        category: None,
        tax_rule: Some(TaxRuleId(1)),
        name: Localized::default(),
        internal_name: None,
        description: None,
        picture: None,
        active: true,
        position: 0,
        default_price: eur(price),
        original_price: None,
        free_price: false,
        admission: true,
        personalized: true,
        generate_tickets: None,
        show_quota_left: None,
        available_from: Some(at("2026-07-01T00:00:00Z")),
        available_until: Some(at("2026-08-01T00:00:00Z")),
        available_from_mode: WindowMode::Hide,
        available_until_mode: WindowMode::Info,
        require_voucher: false,
        hide_without_voucher: false,
        require_approval: false,
        allow_cancel: true,
        min_per_order: None,
        max_per_order: None,
        variations: vec![variation(1, Some("10.00")), variation(2, None)],
    }
}

fn variation(id: i64, price: Option<&str>) -> Variation {
    Variation {
        hide_without_voucher: false,
        available_from: None,
        available_until: None,
        available_from_mode: WindowMode::Hide,
        available_until_mode: WindowMode::Hide,
        channels: Channels::All,
        id: VariationId(id),
        value: Localized::default(),
        description: None,
        active: true,
        position: 0,
        default_price: price.map(eur),
        original_price: None,
    }
}

#[test]
fn prices_follow_the_variation_and_the_tax_rule() {
    let rule = |price_includes_tax| TaxRule {
        id: TaxRuleId(1),
        name: Localized::default(),
        rate: TaxRate(190_000),
        code: None,
        price_includes_tax,
        is_default: true,
    };
    let mut catalogue = Catalogue {
        dates: Vec::new(),
        version: 0,
        categories: Vec::new(),
        items: vec![item("23.00")],
        tax_rules: vec![rule(true)],
        questions: Vec::new(),
        discounts: Vec::new(),
        billing: Billing::default(),
    };
    let price = |catalogue: &Catalogue, variation| {
        let (item, variation) = catalogue.product(ItemId(1), Some(VariationId(variation))).unwrap();
        let price = catalogue.price(item, variation);
        (price.gross.to_decimal(), price.tax.to_decimal(), price.net().to_decimal())
    };
    let texts = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(price(&catalogue, 1), texts("10.00", "1.60", "8.40"));
    assert_eq!(price(&catalogue, 2), texts("23.00", "3.67", "19.33"));
    catalogue.tax_rules = vec![rule(false)];
    assert_eq!(price(&catalogue, 2), texts("27.37", "4.37", "23.00"));
    catalogue.tax_rules.clear();
    assert_eq!(price(&catalogue, 2), texts("23.00", "0.00", "23.00"));
    assert!(catalogue.product(ItemId(1), None).is_none(), "an item with variations needs one of them");
    assert!(catalogue.product(ItemId(1), Some(VariationId(3))).is_none());
}

#[test]
fn items_are_visible_by_their_window() {
    let item = item("23.00");
    let seen = |moment| item.visibility(at(moment));
    assert_eq!(seen("2026-06-30T23:59:59Z"), Visibility::Hidden);
    assert_eq!(seen("2026-07-01T00:00:00Z"), Visibility::Buyable);
    assert_eq!(seen("2026-08-01T00:00:01Z"), Visibility::NoLonger);
    let inactive = Item { active: false, ..item };
    assert!(!inactive.is_available(at("2026-07-15T00:00:00Z")));
}

fn question(id: i64, kind: QuestionType, required: bool) -> Question {
    let option =
        |identifier: &str| QuestionOption { id: 1, identifier: identifier.to_owned(), answer: Localized::default() };
    Question {
        id: QuestionId(id),
        question: Localized::default(),
        help_text: None,
        identifier: format!("q{id}"),
        kind,
        required,
        hidden: false,
        ask_during_checkin: false,
        position: 0,
        dependency: None,
        items: vec![ItemId(1)],
        options: ["a", "b", "c"].map(option).to_vec(),
    }
}

#[test]
fn question_types_are_those_of_the_database() {
    let migration = include_str!("../../migrations/0002_catalogue.sql");
    let codes = QuestionType::ALL.map(|kind| format!("'{}'", kind.code())).join(", ");
    assert!(migration.contains(&format!("check (type in ({codes}))")), "{codes}");
    for mode in WindowMode::ALL {
        assert!(migration.contains(&format!("'{}'", mode.code())));
    }
}

#[test]
fn answers_are_stored_in_one_form() {
    use QuestionType::{Choice, Choices, Country, Date, DateTime, File, Line, Number, Phone, Text, Time, YesNo};
    type Case = (QuestionType, &'static [&'static str], Result<Option<&'static str>, AnswerError>);
    let cases: &[Case] = &[
        (Number, &[" 3,5 "], Ok(Some("3.5"))),
        (Number, &["-12"], Ok(Some("-12"))),
        (Number, &["1e3"], Err(AnswerError::Number)),
        (Number, &["3."], Err(AnswerError::Number)),
        (Line, &[" one\r\ntwo\0 "], Ok(Some("one two"))),
        (Text, &["one\r\ntwo"], Ok(Some("one\ntwo"))),
        (Text, &["  "], Ok(None)),
        (Text, &[], Ok(None)),
        (YesNo, &["on"], Ok(Some("True"))),
        (YesNo, &[], Ok(Some("False"))),
        (Choice, &["b"], Ok(Some("b"))),
        (Choice, &["b", "a"], Err(AnswerError::TooManyOptions)),
        (Choice, &["x"], Err(AnswerError::UnknownOption)),
        (Choices, &["c", "a"], Ok(Some("a,c"))),
        (Choices, &["c,a", "c"], Ok(Some("a,c"))),
        (Choices, &[], Ok(None)),
        (Date, &["2026-02-28"], Ok(Some("2026-02-28"))),
        (Date, &["2026-02-29"], Err(AnswerError::Date)),
        (Time, &["09:30"], Ok(Some("09:30:00"))),
        (Time, &["25:00"], Err(AnswerError::Time)),
        (DateTime, &["2026-07-01T09:30"], Ok(Some("2026-07-01T07:30:00Z"))),
        (DateTime, &["tomorrow"], Err(AnswerError::DateTime)),
        (Country, &["de"], Ok(Some("DE"))),
        (Country, &["Germany"], Err(AnswerError::Country)),
        (Phone, &["+49 (40) 123-456"], Ok(Some("+4940123456"))),
        (Phone, &["112"], Err(AnswerError::Phone)),
        (File, &["x"], Err(AnswerError::File)),
    ];
    for (kind, raw, expected) in cases {
        let stored = validate(&question(1, *kind, false), raw, &berlin());
        assert_eq!(stored.as_ref().map(Option::as_deref), expected.as_ref().map(|text| *text), "{kind:?} {raw:?}");
    }
}

#[test]
fn required_means_an_answer_and_for_yes_or_no_a_yes() {
    for kind in QuestionType::ALL {
        let refusal = match kind {
            QuestionType::YesNo => AnswerError::MustBeYes,
            _ => AnswerError::Required,
        };
        assert_eq!(validate(&question(1, kind, true), &[""], &berlin()), Err(refusal), "{kind:?}");
    }
    assert_eq!(validate(&question(1, QuestionType::YesNo, true), &["False"], &berlin()), Err(AnswerError::MustBeYes));
}

#[test]
fn questions_that_do_not_apply_are_neither_required_nor_answered() {
    let depends = |on: i64, values: &[&str]| {
        Some(Dependency { question: QuestionId(on), values: values.iter().map(|value| (*value).to_owned()).collect() })
    };
    let parent = question(1, QuestionType::Choices, false);
    let child = Question { dependency: depends(1, &["b"]), ..question(2, QuestionType::YesNo, true) };
    let grandchild = Question { dependency: depends(2, &["True"]), ..question(3, QuestionType::Line, true) };
    let asked = [&parent, &child, &grandchild];
    let read = |first: &'static str, second: &'static str, third: &'static str| {
        read_answers(
            &asked,
            |id| [first, second, third].get(id.0 as usize - 1).copied().into_iter().collect(),
            &berlin(),
        )
    };
    let stored =
        |texts: &[&str]| texts.iter().zip(1..).map(|(text, id)| (QuestionId(id), (*text).to_owned())).collect();
    assert_eq!(read("a", "", "left over"), Ok(stored(&["a"])));
    assert_eq!(read("a,b", "on", "text"), Ok(stored(&["a,b", "True", "text"])));
    assert_eq!(read("a,b", "", ""), Err(vec![(QuestionId(2), AnswerError::MustBeYes)]));
    assert_eq!(read("b", "on", ""), Err(vec![(QuestionId(3), AnswerError::Required)]));
    let without_parent = [&child];
    assert_eq!(
        read_answers(&without_parent, |_| Vec::new(), &berlin()),
        Ok(Vec::new()),
        "its question is not asked here"
    );
}
