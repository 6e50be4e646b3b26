//! What is to be written so that the database agrees with what was decided.

use std::collections::BTreeMap;

use super::{
    CartId, CreatedOrder, OrderFee, OrderPosition, PlacedOrder, Product, UnitPrice, Uses, VoucherTerms, VoucherUses,
};
use crate::{
    id::{CartPositionId, OrderId, QuotaId, VoucherId},
    money::Money,
    order::OrderStatus,
    payment::Provider,
    time::Timestamp,
};

/// A position to be put into a cart.
#[derive(Debug, Clone)]
pub struct NewCartPosition {
    /// The cart.
    pub cart: CartId,
    /// What.
    pub product: Product,
    /// Its price.
    pub price: UnitPrice,
    /// The price, with tax, that the buyer typed.
    pub custom_price: Option<Money>,
    /// The voucher that it uses.
    pub voucher: Option<VoucherId>,
    /// The position that it is added to.
    pub addon_to: Option<CartPositionId>,
    /// What comes with it, as positions of their own.
    pub parts: Vec<NewPart>,
    /// When the reservation ends.
    pub expires_at: Timestamp,
    /// When renewing ends.
    pub max_extend_at: Timestamp,
}

/// A bundled part of a new position.
#[derive(Debug, Clone)]
pub struct NewPart {
    /// What.
    pub product: Product,
    /// Its price.
    pub price: UnitPrice,
}

/// A position whose reservation begins anew, at the present price if it had ended.
#[derive(Debug, Clone)]
pub struct RenewedCartPosition {
    /// The position.
    pub id: CartPositionId,
    /// When the reservation ends now.
    pub expires_at: Timestamp,
    /// When renewing ends.
    pub max_extend_at: Timestamp,
    /// The new price, if the reservation had ended.
    pub price: Option<UnitPrice>,
}

/// A position that costs something else now, because of its voucher.
#[derive(Debug, Clone)]
pub struct RepricedCartPosition {
    /// The position.
    pub id: CartPositionId,
    /// The voucher that it uses.
    pub voucher: Option<VoucherId>,
    /// Its price.
    pub price: UnitPrice,
}

/// A voucher to be written.
#[derive(Debug, Clone)]
pub struct SavedVoucher {
    /// The voucher to change; a new one has no id yet.
    pub id: Option<VoucherId>,
    /// What it is to be.
    pub terms: VoucherTerms,
    /// Whether its remaining uses are counted.
    pub holds_stock: bool,
}

/// A payment that comes with a change of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPayment {
    /// How.
    pub provider: Provider,
    /// How much.
    pub amount: Money,
    /// When the money was there; it is still to come without.
    pub confirmed_at: Option<Timestamp>,
}

/// What is different in an order.
#[derive(Debug, Clone)]
pub struct ChangedOrder {
    /// Where it stands now.
    pub status: OrderStatus,
    /// What is to be paid in all.
    pub total: Money,
    /// Until when it must be paid.
    pub expires_at: Timestamp,
    /// It waits for somebody to approve it.
    pub require_approval: bool,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Positions that are new.
    pub positions_added: Vec<OrderPosition>,
    /// Positions that are different.
    pub positions_changed: Vec<OrderPosition>,
    /// Positions that are cancelled, as they were.
    pub positions_canceled: Vec<OrderPosition>,
    /// Fees that are new.
    pub fees_added: Vec<OrderFee>,
    /// Fees that are different.
    pub fees_changed: Vec<OrderFee>,
    /// Fees that are cancelled, as they were.
    pub fees_canceled: Vec<OrderFee>,
    /// Payments that were not finished are given up: they are not wanted any more, or not in this amount.
    pub gives_up_payments: bool,
    /// A payment that comes with it.
    pub payment: Option<NewPayment>,
}

/// What is to be written so that the database agrees with the outcomes.
#[derive(Debug, Default)]
pub struct Changes {
    /// Differences of the quotas' counters.
    pub uses: BTreeMap<QuotaId, Uses>,
    /// Positions whose time has passed: they hold nothing any more.
    pub released: Vec<CartPositionId>,
    /// Positions that go on.
    pub renewed: Vec<RenewedCartPosition>,
    /// Positions with another price; written after the renewed ones.
    pub repriced: Vec<RepricedCartPosition>,
    /// Positions to add.
    pub added: Vec<NewCartPosition>,
    /// Positions to delete.
    pub deleted: Vec<CartPositionId>,
    /// Orders to be written, from positions that are to be deleted.
    pub orders_placed: Vec<PlacedOrder>,
    /// Orders to be written that had no cart. What is in them is among the changes of orders.
    pub orders_created: Vec<CreatedOrder>,
    /// Orders that have changed.
    pub orders: BTreeMap<OrderId, ChangedOrder>,
    /// Quotas that have sold out and close.
    pub closed: Vec<QuotaId>,
    /// Differences of the vouchers' counters.
    pub vouchers: BTreeMap<VoucherId, VoucherUses>,
    /// Vouchers that have expired: they keep no places any more.
    pub expired_vouchers: Vec<VoucherId>,
    /// Vouchers to create or change, in the order of the requests.
    pub saved_vouchers: Vec<SavedVoucher>,
    /// Vouchers to delete.
    pub deleted_vouchers: Vec<VoucherId>,
}
