//! What a mail says.

use serde_json::Value;

use super::{
    Claimed, Kind, Written,
    template::{self, Values},
};
use crate::{
    boxoffice::Product,
    catalogue::Catalogue,
    config::Config,
    event::Event,
    i18n::{Lang, format},
    id::{ItemId, SubeventId, VariationId},
    money::Money,
    order::Order,
    page::mail::{InviteMail, Mail, MailLine, Moment, OrderMail, OwnWords, StaffMail, ToPay, VoucherMail, bank_facts},
    present,
    record::{Record, moment as moment_of, reference},
    staff::{invite::Invite, notice},
};

/// Writes a mail about an order in the reader's language.
pub fn compose(config: &Config, event: &Event, catalogue: &Catalogue, order: &Order, claimed: &Claimed) -> Written {
    let lang = Lang::parse(&claimed.locale).unwrap_or_default();
    let mail = match moment(event, order, claimed, lang) {
        Some(moment) => to_buyer(config, event, catalogue, order, claimed.kind, moment, lang),
        None => to_staff(config, event, catalogue, order, claimed, lang),
    };
    let subject = if order.testmode { format!("[TESTMODE] {}", mail.subject) } else { mail.subject };
    Written { subject, text: mail.text, html: mail.html }
}

/// Writes a mail that brings a voucher to somebody who waited.
pub fn compose_voucher(
    config: &Config,
    event: &Event,
    catalogue: &Catalogue,
    voucher: &Record,
    locale: &str,
) -> Written {
    let lang = Lang::parse(locale).unwrap_or_default();
    let code = voucher.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
    let product = reference(voucher, "item_id").map(|item| Product {
        item: ItemId(item),
        variation: reference(voucher, "variation_id").map(VariationId),
        date: reference(voucher, "subevent_id").map(SubeventId),
    });
    let mail = VoucherMail {
        lang,
        zone: event.timezone.clone(),
        url: format!("{}{}redeem?voucher={code}", config.public_url, event.path()),
        code,
        organizer: event.organizer.name.clone(),
        event: event.name.get(lang).to_owned(),
        dates: present::dates(event, lang),
        location: present::location_line(event, lang),
        product: product.map(|it| present::product(event, catalogue, it, lang)),
        deadline: moment_of(voucher, "valid_until"),
    };
    let Mail { subject, html, text } = mail.to_mail();
    Written { subject, text, html }
}

/// Writes a mail that asks somebody to join a team.
pub fn compose_invite(config: &Config, invite: &Invite, locale: &str) -> Written {
    let lang = Lang::parse(locale).unwrap_or_default();
    let mail = InviteMail {
        lang,
        url: invite.url(config),
        organizer: invite.organizer_name.clone(),
        team: invite.team_name.clone(),
    };
    let Mail { subject, html, text } = mail.to_mail();
    Written { subject, text, html }
}

/// What the buyer is told; `None` if the mail is for staff.
fn moment(event: &Event, order: &Order, claimed: &Claimed, lang: Lang) -> Option<Moment> {
    let note = claimed.note.clone();
    Some(match claimed.kind {
        Kind::OrderPlaced => Moment::Placed(to_pay(event, order, lang)),
        Kind::OrderApproved => Moment::Approved(to_pay(event, order, lang)),
        Kind::OrderApprovedFree => Moment::ApprovedFree,
        Kind::OrderCanceled => Moment::Canceled { note },
        Kind::OrderDenied => Moment::Denied { note },
        Kind::OrderChanged => Moment::Changed { note },
        Kind::OrderFree => Moment::Free,
        Kind::OrderPaid => Moment::Paid,
        Kind::WaitingListVoucher | Kind::TeamInvite | Kind::StaffOrderPlaced | Kind::StaffNotice => return None,
    })
}

/// How an order is to be paid.
fn to_pay(event: &Event, order: &Order, lang: Lang) -> ToPay {
    ToPay {
        deadline: Some(order.expires_at),
        bank: present::bank_details(event, order),
        instructions: present::payment_instructions(event, order, lang),
    }
}

fn to_buyer(
    config: &Config,
    event: &Event,
    catalogue: &Catalogue,
    order: &Order,
    kind: Kind,
    moment: Moment,
    lang: Lang,
) -> Mail {
    let url = format!("{}{}", config.public_url, order.path_from_mail(event));
    let own = own_words(event, kind, lang, || values(event, order, &moment, &url, lang));
    let mail = OrderMail {
        lang,
        zone: event.timezone.clone(),
        moment,
        code: order.code.clone(),
        url,
        own,
        organizer: event.organizer.name.clone(),
        event: event.name.get(lang).to_owned(),
        dates: present::dates(event, lang),
        location: present::location_line(event, lang),
        lines: lines(event, catalogue, order, lang),
        taxes: present::tax_lines(order.taxes()),
        total: order.total,
    };
    mail.to_mail()
}

/// The organiser's own subject and text of this kind of mail, filled.
fn own_words(event: &Event, kind: Kind, lang: Lang, values: impl FnOnce() -> Values) -> OwnWords {
    let Some((subject, text)) = kind.settings_keys() else { return OwnWords::default() };
    let own = |key| event.settings.own_text(key).map(|text| text.get(lang).to_owned()).filter(|text| !text.is_empty());
    let (subject, text) = (own(subject), own(text));
    if subject.is_none() && text.is_none() {
        return OwnWords::default();
    }
    let values = values();
    OwnWords {
        subject: subject.map(|subject| template::fill_text(&subject, &values)),
        text: text.as_deref().map(|text| template::fill_text(text, &values)),
        markdown: text.map(|text| template::fill_markdown(&text, &values)),
    }
}

fn values(event: &Event, order: &Order, moment: &Moment, url: &str, lang: Lang) -> Values {
    let name = order.live_positions().find_map(|position| position.attendee.name.clone());
    let payment_info = match moment {
        Moment::Placed(ToPay { bank, instructions, .. }) | Moment::Approved(ToPay { bank, instructions, .. }) => {
            let facts = bank.iter().flat_map(|bank| bank_facts(lang, bank));
            let facts = facts.map(|(label, value)| format!("{label}: {value}"));
            instructions.iter().cloned().chain(facts).collect::<Vec<_>>().join("\n")
        }
        Moment::Free
        | Moment::Paid
        | Moment::ApprovedFree
        | Moment::Denied { .. }
        | Moment::Canceled { .. }
        | Moment::Changed { .. } => String::new(),
    };
    Values {
        code: order.code.clone(),
        currency: event.currency.code().to_owned(),
        event: event.name.get(lang).to_owned(),
        event_slug: event.slug.clone(),
        expire_date: format::deadline(lang, order.expires_at, &event.timezone),
        name: name.unwrap_or_default(),
        organizer: event.organizer.name.clone(),
        payment_info,
        total: order.total.to_decimal(),
        total_with_currency: format::money(lang, order.total),
        url: url.to_owned(),
    }
}

fn to_staff(
    config: &Config,
    event: &Event,
    catalogue: &Catalogue,
    order: &Order,
    claimed: &Claimed,
    lang: Lang,
) -> Mail {
    let happened = claimed.action.as_deref().and_then(notice::title_key);
    let mail = StaffMail {
        lang,
        happened: happened.map(|key| lang.text(key)),
        choices_url: claimed.reader.map(|user| notice::url(config, user, Some(event.id))),
        code: order.code.clone(),
        // Staff has no page of its own for an order, and the buyer's page is the buyer's.
        url: format!("{}{}", config.public_url, event.path()),
        organizer: event.organizer.name.clone(),
        event: event.name.get(lang).to_owned(),
        status: present::order_status(order),
        contact: order.email.clone(),
        lines: lines(event, catalogue, order, lang),
        total: order.total,
    };
    mail.to_mail()
}

/// Equal positions are one line.
fn lines(event: &Event, catalogue: &Catalogue, order: &Order, lang: Lang) -> Vec<MailLine> {
    let mut lines: Vec<((Product, Money), i64)> = Vec::new();
    for position in order.live_positions() {
        let key = (position.product, position.price);
        match lines.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => *count += 1,
            None => lines.push((key, 1)),
        }
    }
    let line = |((product, price), count): ((Product, Money), i64)| MailLine {
        count,
        name: present::product(event, catalogue, product, lang),
        total: price.checked_mul(count).unwrap_or(Money::zero(event.currency)),
    };
    let fees = order.live_fees().map(|fee| MailLine { count: 1, name: present::fee_name(fee, lang), total: fee.value });
    lines.into_iter().map(line).chain(fees).collect()
}
