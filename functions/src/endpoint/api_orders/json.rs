//! Orders as the REST API shows them (spec rest-api 9.1).

use std::sync::Arc;

use lambda_http::Request;
use serde_json::{Value, json};

use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    endpoint::api::list::asks_for,
    event::Event,
    i18n::Lang,
    id::{PositionId, QuestionId},
    mail::feedback::Problem,
    order::{Fee, Order, Payment, PaymentState, Position, Refund},
    port::db::{DbError, Query},
    question::{QuestionOption, QuestionType},
    ticket::{self, OUTPUT},
    time::Timestamp,
};

/// What orders of an event are told with.
pub(in crate::endpoint) struct Extra {
    /// Cancelled positions are told as well.
    canceled_positions: bool,
    /// Cancelled fees are told as well.
    canceled_fees: bool,
    /// What tickets say is told as well.
    pdf_data: bool,
    /// What the event sells and asks: it says what answers mean, and what comes with a ticket.
    catalogue: Arc<Catalogue>,
    /// What addresses of files begin with; nothing for those who may not fetch any.
    files_url: String,
    now: Timestamp,
}

impl Extra {
    /// As an order is told where nobody asks for more.
    pub(super) fn of(ctx: &Ctx, event: &Event, catalogue: Arc<Catalogue>) -> Self {
        let path = format!("/api/v1/organizers/{}/events/{}", event.organizer.slug, event.slug);
        let files_url = format!("{}{path}", ctx.config().public_url);
        Self { files_url, ..Self::without_files(catalogue, ctx.now()) }
    }

    /// The same, where the catalogue is not at hand.
    pub(super) async fn of_event(ctx: &Ctx, q: &impl Query, event: &Event) -> Result<Self, DbError> {
        Ok(Self::of(ctx, event, ctx.storefronts().catalogue(q, event).await?))
    }

    /// For those who may not fetch files, such as doors: they are told the names of answers, and of no downloads.
    pub(in crate::endpoint) fn without_files(catalogue: Arc<Catalogue>, now: Timestamp) -> Self {
        let files_url = String::new();
        Self { canceled_positions: false, canceled_fees: false, pdf_data: false, catalogue, files_url, now }
    }

    /// With what the parameters of a request ask for besides.
    pub(in crate::endpoint) fn asked_by(self, request: &Request) -> Self {
        Self {
            canceled_positions: asks_for(request, "include_canceled_positions"),
            canceled_fees: asks_for(request, "include_canceled_fees"),
            pdf_data: asks_for(request, "pdf_data"),
            ..self
        }
    }

    /// Where files can be had, below the address of the event.
    fn downloads(&self, can_be_had: bool, path: &str) -> Value {
        match can_be_had && !self.files_url.is_empty() {
            true => json!([{ "output": OUTPUT, "url": format!("{}/{path}/download/{OUTPUT}/", self.files_url) }]),
            false => json!([]),
        }
    }
}

/// An order in the dialect of the API (spec rest-api 9.1). Parts that the shop does not have yet are empty.
pub(super) fn order_json(ctx: &Ctx, event: &Event, order: &Order, extra: &Extra) -> Value {
    let positions = order.positions.iter().filter(|position| extra.canceled_positions || !position.canceled);
    let fees = order.fees.iter().filter(|fee| extra.canceled_fees || !fee.canceled);
    let confirmed = order.payments.iter().rev().find_map(|payment| payment.confirmed_at);
    let has_tickets = ticket::can_download(event, order, extra.now)
        && ticket::positions_with_ticket(event, &extra.catalogue, order).next().is_some();
    json!({
        "code": order.code,
        "event": event.slug,
        "status": order.status.code(),
        "testmode": order.testmode,
        "secret": order.secret,
        "email": order.email,
        "phone": order.phone,
        "customer": null,
        "locale": order.locale,
        "datetime": order.created_at.to_string(),
        "expires": order.expires_at.to_string(),
        "payment_date": confirmed.map(|moment| moment.in_zone(&event.timezone).date().to_string()),
        "payment_provider": order.payments.last().map(|payment| payment.provider.as_str()),
        "fees": fees.map(fee_json).collect::<Vec<_>>(),
        "total": order.total.to_decimal(),
        "tax_rounding_mode": order.rounding.code(),
        "comment": order.comment,
        "custom_followup_at": order.notes.followup_at,
        "invoice_address": order.notes.invoice_address,
        "positions": positions.map(|position| position_json(event, order, position, extra)).collect::<Vec<_>>(),
        "downloads": extra.downloads(has_tickets, &format!("orders/{}", order.code)),
        "checkin_attention": order.notes.checkin_attention,
        "checkin_text": order.notes.checkin_text,
        "last_modified": order.modified_at.to_string(),
        "payments": order.payments.iter().map(|it| payment_json(ctx, event, order, it)).collect::<Vec<_>>(),
        "refunds": order.refunds.iter().map(refund_json).collect::<Vec<_>>(),
        "require_approval": order.require_approval,
        "sales_channel": order.sales_channel,
        "url": format!("{}{}", ctx.config().public_url, order.path(event)),
        "valid_if_pending": order.valid_if_pending,
        "api_meta": order.notes.api_meta,
        "cancellation_date": order.cancelled_at.map(|moment| moment.to_string()),
        "plugin_data": {},
    })
}

/// A position of an order.
pub(in crate::endpoint) fn position_json(event: &Event, order: &Order, position: &Position, extra: &Extra) -> Value {
    let answers: Vec<Value> = position
        .answers
        .iter()
        .map(|(question, answer)| extra.answer_json(*question, answer, Some(position.id)))
        .collect();
    let name_parts =
        position.attendee.name.as_ref().map_or(json!({}), |name| json!({ "_scheme": "full", "full_name": name }));
    let has_ticket = ticket::has_ticket(event, &extra.catalogue, position);
    let has_ticket = has_ticket && ticket::can_download(event, order, extra.now);
    let mut told = json!({
        "id": position.id,
        "order": order.code,
        "positionid": position.number,
        "item": position.product.item,
        "variation": position.product.variation,
        "price": position.price.to_decimal(),
        "attendee_name": position.attendee.name,
        "attendee_name_parts": name_parts,
        "attendee_email": position.attendee.email,
        "company": position.attendee.company,
        "street": position.address.street,
        "zipcode": position.address.zipcode,
        "city": position.address.city,
        "country": position.address.country,
        "state": position.address.state,
        "voucher": position.voucher,
        "voucher_budget_use": position.voucher.map(|_| position.voucher_budget_use.to_decimal()),
        "discount": position.discount,
        "tax_rate": position.tax_rate.to_percent(),
        "tax_value": position.tax.to_decimal(),
        "tax_rule": position.tax_rule.as_ref().map(|rule| rule.id),
        "tax_code": position.tax_rule.as_ref().and_then(|rule| rule.code.as_deref()),
        "secret": position.secret,
        "addon_to": position.parent,
        "subevent": position.product.date,
        "checkins": [],
        "print_logs": [],
        "downloads": extra.downloads(has_ticket, &format!("orderpositions/{}", position.id)),
        "answers": answers,
        "pseudonymization_id": position.pseudonymization_id,
        "seat": null,
        "canceled": position.canceled,
        "valid_from": position.valid_from.map(|moment| moment.to_string()),
        "valid_until": position.valid_until.map(|moment| moment.to_string()),
        "blocked": (!position.blocks.is_empty()).then_some(&position.blocks),
        "plugin_data": {},
    });
    if extra.pdf_data {
        told["pdf_data"] = json!(ticket::variables(event, &extra.catalogue, order, position));
    }
    told
}

fn fee_json(fee: &Fee) -> Value {
    json!({
        "id": fee.id,
        "fee_type": fee.fee_type.code(),
        "value": fee.value.to_decimal(),
        "description": fee.description,
        "internal_type": fee.internal_type,
        "tax_rate": fee.tax_rate.to_percent(),
        "tax_value": fee.tax.to_decimal(),
        "tax_rule": fee.tax_rule.as_ref().map(|rule| rule.id),
        "tax_code": fee.tax_rule.as_ref().and_then(|rule| rule.code.as_deref()),
        "canceled": fee.canceled,
    })
}

impl Extra {
    /// An answer with what it means: choices are stored by the identifiers of their options; of a file the address is told.
    pub(super) fn answer_json(&self, id: QuestionId, stored: &str, position: Option<PositionId>) -> Value {
        let question = self.catalogue.question(id);
        let chosen: Vec<&QuestionOption> = match question {
            Some(it) if matches!(it.kind, QuestionType::Choice | QuestionType::Choices) => stored
                .split(',')
                .filter_map(|name| it.options.iter().find(|option| option.identifier == name))
                .collect(),
            _ => Vec::new(),
        };
        let file = match (question, position) {
            (Some(it), Some(position)) if it.kind == QuestionType::File && !self.files_url.is_empty() => {
                Some(format!("{}/orderpositions/{position}/answer/{id}/", self.files_url))
            }
            _ => None,
        };
        let texts: Vec<&str> = chosen.iter().map(|option| option.answer.get(Lang::En)).collect();
        json!({
            "question": id,
            "answer": match (file, question) {
                (Some(url), _) => url,
                (None, Some(it)) if it.kind == QuestionType::File => it.readable(stored, Lang::En),
                _ if chosen.is_empty() => stored.to_owned(),
                _ => texts.join(", "),
            },
            "question_identifier": question.map(|question| question.identifier.as_str()),
            "options": chosen.iter().map(|option| option.id).collect::<Vec<_>>(),
            "option_identifiers": chosen.iter().map(|option| option.identifier.as_str()).collect::<Vec<_>>(),
        })
    }
}

/// A payment of an order.
pub(super) fn payment_json(ctx: &Ctx, event: &Event, order: &Order, payment: &Payment) -> Value {
    let page = || format!("{}{}", ctx.config().public_url, order.path(event));
    json!({
        "local_id": payment.number,
        "state": payment.state.code(),
        "amount": payment.amount.to_decimal(),
        "created": payment.created_at.to_string(),
        "payment_date": payment.confirmed_at.map(|moment| moment.to_string()),
        "provider": payment.provider,
        "payment_url": (payment.state == PaymentState::Created).then(page),
        "details": payment.info,
    })
}

/// A refund of an order.
pub(super) fn refund_json(refund: &Refund) -> Value {
    json!({
        "local_id": refund.number,
        "state": refund.state.code(),
        "source": refund.source,
        "amount": refund.amount.to_decimal(),
        "payment": refund.payment,
        "created": refund.created_at.to_string(),
        "execution_date": refund.executed_at.map(|moment| moment.to_string()),
        "comment": refund.comment,
        "provider": refund.provider,
        "details": refund.info,
    })
}

/// What the mail provider told; not known to the reference.
pub(super) fn problem_json(problem: &Problem) -> Value {
    json!({
        "recipient": problem.recipient,
        "verdict": problem.verdict.name(),
        "detail": problem.detail,
        "datetime": problem.recorded_at.to_string(),
    })
}
