//! Orders as the REST API shows them (spec rest-api 9.1).

use serde_json::{Value, json};

use crate::{
    catalogue::Catalogue,
    ctx::Ctx,
    event::Event,
    i18n::Lang,
    id::{PositionId, QuestionId},
    mail::feedback::Problem,
    order::{Fee, Order, Payment, PaymentState, Position, Refund},
    port::db::{DbError, Query},
    question::{self, Question, QuestionOption, QuestionType},
};

/// What an order is told with.
#[derive(Default)]
pub(in crate::endpoint) struct Extra {
    /// Cancelled positions are told as well.
    pub(in crate::endpoint) canceled_positions: bool,
    /// Cancelled fees are told as well.
    pub(in crate::endpoint) canceled_fees: bool,
    /// The questions of the event, which say what answers mean.
    pub(in crate::endpoint) questions: Vec<Question>,
    /// What addresses of positions begin with; nothing where answers are told without their files.
    pub(super) positions_url: String,
}

impl Extra {
    /// As an order is told where nobody asks for more.
    pub(super) fn of(ctx: &Ctx, event: &Event, catalogue: &Catalogue) -> Self {
        Self::asking(ctx, event, catalogue.questions.clone())
    }

    /// The same, without a catalogue.
    pub(in crate::endpoint) async fn of_event(ctx: &Ctx, q: &impl Query, event: &Event) -> Result<Self, DbError> {
        Ok(Self::asking(ctx, event, question::of_event(q, event.id).await?))
    }

    /// For those who may not fetch files, such as doors: they are told their names.
    pub(in crate::endpoint) fn without_files(questions: Vec<Question>) -> Self {
        Self { questions, ..Self::default() }
    }

    fn asking(ctx: &Ctx, event: &Event, questions: Vec<Question>) -> Self {
        let (organizer, event) = (&event.organizer.slug, &event.slug);
        let path = format!("/api/v1/organizers/{organizer}/events/{event}/orderpositions/");
        Self { questions, positions_url: format!("{}{path}", ctx.config().public_url), ..Self::default() }
    }
}

/// An order in the dialect of the API (spec rest-api 9.1). Parts that the shop does not have yet are empty.
pub(super) fn order_json(ctx: &Ctx, event: &Event, order: &Order, extra: &Extra) -> Value {
    let positions = order.positions.iter().filter(|position| extra.canceled_positions || !position.canceled);
    let fees = order.fees.iter().filter(|fee| extra.canceled_fees || !fee.canceled);
    let confirmed = order.payments.iter().rev().find_map(|payment| payment.confirmed_at);
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
        "positions": positions.map(|position| position_json(order, position, extra)).collect::<Vec<_>>(),
        "downloads": [],
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
pub(in crate::endpoint) fn position_json(order: &Order, position: &Position, extra: &Extra) -> Value {
    let answers: Vec<Value> = position
        .answers
        .iter()
        .map(|(question, answer)| extra.answer_json(*question, answer, Some(position.id)))
        .collect();
    let name_parts =
        position.attendee.name.as_ref().map_or(json!({}), |name| json!({ "_scheme": "full", "full_name": name }));
    json!({
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
        "downloads": [],
        "answers": answers,
        "pseudonymization_id": position.pseudonymization_id,
        "seat": null,
        "canceled": position.canceled,
        "valid_from": position.valid_from.map(|moment| moment.to_string()),
        "valid_until": position.valid_until.map(|moment| moment.to_string()),
        "blocked": (!position.blocks.is_empty()).then_some(&position.blocks),
        "plugin_data": {},
    })
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
        let question = self.questions.iter().find(|question| question.id == id);
        let chosen: Vec<&QuestionOption> = match question {
            Some(it) if matches!(it.kind, QuestionType::Choice | QuestionType::Choices) => stored
                .split(',')
                .filter_map(|name| it.options.iter().find(|option| option.identifier == name))
                .collect(),
            _ => Vec::new(),
        };
        let file = match (question, position) {
            (Some(it), Some(position)) if it.kind == QuestionType::File && !self.positions_url.is_empty() => {
                Some(format!("{}{position}/answer/{id}/", self.positions_url))
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
