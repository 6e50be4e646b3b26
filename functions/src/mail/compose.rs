//! What a mail says.

use super::{Claimed, Kind, Written};
use crate::{
    boxoffice::Product,
    catalogue::Catalogue,
    config::Config,
    event::Event,
    i18n::Lang,
    money::Money,
    order::Order,
    page::mail::{Mail, MailLine, Moment, OrderMail, StaffMail, ToPay},
    present,
};

/// Writes a mail about an order in the reader's language.
pub fn compose(config: &Config, event: &Event, catalogue: &Catalogue, order: &Order, claimed: &Claimed) -> Written {
    let lang = Lang::parse(&claimed.locale).unwrap_or_default();
    let note = claimed.note.clone();
    let mail = match claimed.kind {
        Kind::OrderPlaced => {
            let moment = Moment::Placed(to_pay(event, order, lang));
            to_buyer(config, event, catalogue, order, moment, lang)
        }
        Kind::OrderApproved => {
            let moment = Moment::Approved(to_pay(event, order, lang));
            to_buyer(config, event, catalogue, order, moment, lang)
        }
        Kind::OrderApprovedFree => to_buyer(config, event, catalogue, order, Moment::ApprovedFree, lang),
        Kind::OrderCanceled => to_buyer(config, event, catalogue, order, Moment::Canceled { note }, lang),
        Kind::OrderDenied => to_buyer(config, event, catalogue, order, Moment::Denied { note }, lang),
        Kind::OrderChanged => to_buyer(config, event, catalogue, order, Moment::Changed { note }, lang),
        Kind::OrderFree => to_buyer(config, event, catalogue, order, Moment::Free, lang),
        Kind::OrderPaid => to_buyer(config, event, catalogue, order, Moment::Paid, lang),
        Kind::StaffOrderPlaced => to_staff(config, event, catalogue, order, lang),
    };
    let subject = if order.testmode { format!("[TESTMODE] {}", mail.subject) } else { mail.subject };
    Written { subject, text: mail.text, html: mail.html }
}

/// How an order is to be paid.
fn to_pay(event: &Event, order: &Order, lang: Lang) -> ToPay {
    ToPay {
        deadline: Some(order.expires_at),
        bank: present::bank_details(event, order),
        instructions: present::payment_instructions(event, order, lang),
    }
}

fn to_buyer(config: &Config, event: &Event, catalogue: &Catalogue, order: &Order, moment: Moment, lang: Lang) -> Mail {
    let mail = OrderMail {
        lang,
        zone: event.timezone.clone(),
        moment,
        code: order.code.clone(),
        url: format!("{}{}", config.public_url, order.path_from_mail(event)),
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

fn to_staff(config: &Config, event: &Event, catalogue: &Catalogue, order: &Order, lang: Lang) -> Mail {
    let mail = StaffMail {
        lang,
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
        name: catalogue.product_name(product, lang),
        total: price.checked_mul(count).unwrap_or(Money::zero(event.currency)),
    };
    let fees = order.live_fees().map(|fee| MailLine { count: 1, name: present::fee_name(fee, lang), total: fee.value });
    lines.into_iter().map(line).chain(fees).collect()
}
