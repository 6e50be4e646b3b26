//! Orders as the REST API shows them (spec rest-api 9.1).

use serde_json::{Value, json};

use crate::{
    ctx::Ctx,
    event::Event,
    mail::feedback::Problem,
    order::{Fee, Order, Payment, Position},
};

/// An order in the dialect of the API (spec rest-api 9.1). Parts that the shop does not have yet are empty.
pub(super) fn order_json(ctx: &Ctx, event: &Event, order: &Order) -> Value {
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
        "fees": order.live_fees().map(fee_json).collect::<Vec<_>>(),
        "total": order.total.to_decimal(),
        "tax_rounding_mode": order.rounding.code(),
        "comment": order.comment,
        "custom_followup_at": null,
        "invoice_address": null,
        "positions": order.live_positions().map(|position| position_json(order, position)).collect::<Vec<_>>(),
        "downloads": [],
        "checkin_attention": false,
        "checkin_text": null,
        "last_modified": order.modified_at.to_string(),
        "payments": order.payments.iter().map(payment_json).collect::<Vec<_>>(),
        "refunds": [],
        "require_approval": order.require_approval,
        "sales_channel": order.sales_channel,
        "url": format!("{}{}", ctx.config().public_url, order.path(event)),
        "valid_if_pending": order.valid_if_pending,
        "api_meta": {},
        "cancellation_date": order.cancelled_at.map(|moment| moment.to_string()),
        "plugin_data": {},
    })
}

fn position_json(order: &Order, position: &Position) -> Value {
    let answers: Vec<Value> =
        position.answers.iter().map(|(question, answer)| json!({ "question": question, "answer": answer })).collect();
    json!({
        "id": position.id,
        "order": order.code,
        "positionid": position.number,
        "item": position.product.item,
        "variation": position.product.variation,
        "price": position.price.to_decimal(),
        "attendee_name": position.attendee.name,
        "attendee_email": position.attendee.email,
        "company": position.attendee.company,
        "voucher": position.voucher,
        "voucher_budget_use": position.voucher.map(|_| position.voucher_budget_use.to_decimal()),
        "discount": position.discount,
        "tax_rate": position.tax_rate.to_percent(),
        "tax_value": position.tax.to_decimal(),
        "secret": position.secret,
        "addon_to": position.parent,
        "subevent": position.product.date,
        "checkins": [],
        "downloads": [],
        "answers": answers,
        "pseudonymization_id": position.pseudonymization_id,
        "seat": null,
        "canceled": position.canceled,
        "valid_from": null,
        "valid_until": null,
        "blocked": null,
    })
}

fn fee_json(fee: &Fee) -> Value {
    json!({
        "id": fee.number,
        "fee_type": fee.fee_type.code(),
        "value": fee.value.to_decimal(),
        "description": fee.description,
        "internal_type": fee.internal_type,
        "tax_rate": fee.tax_rate.to_percent(),
        "tax_value": fee.tax.to_decimal(),
        "tax_rule": null,
        "tax_code": null,
        "canceled": fee.canceled,
    })
}

fn payment_json(payment: &Payment) -> Value {
    json!({
        "local_id": payment.number,
        "state": payment.state.code(),
        "amount": payment.amount.to_decimal(),
        "created": payment.created_at.to_string(),
        "payment_date": payment.confirmed_at.map(|moment| moment.to_string()),
        "provider": payment.provider,
        "details": {},
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
