//! Typed ids: a position id can never be passed where an order id is meant.

/// Declares a newtype over `i64` that Postgres reads and writes as `bigint`.
macro_rules! id_type {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'a> tokio_postgres::types::FromSql<'a> for $name {
            fn from_sql(
                ty: &tokio_postgres::types::Type,
                raw: &'a [u8],
            ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                i64::from_sql(ty, raw).map(Self)
            }
            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <i64 as tokio_postgres::types::FromSql<'_>>::accepts(ty)
            }
        }

        impl tokio_postgres::types::ToSql for $name {
            fn to_sql(
                &self,
                ty: &tokio_postgres::types::Type,
                out: &mut bytes::BytesMut,
            ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
                self.0.to_sql(ty, out)
            }
            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <i64 as tokio_postgres::types::ToSql>::accepts(ty)
            }
            tokio_postgres::types::to_sql_checked!();
        }

        impl $crate::port::db::SqlType for $name {
            const TYPE: tokio_postgres::types::Type = tokio_postgres::types::Type::INT8;
        }
    )+};
}

id_type!(
    /// A tenant.
    OrganizerId,
    /// An event of an organiser.
    EventId,
    /// A product.
    ItemId,
    /// A variation of a product.
    VariationId,
    /// A product category.
    CategoryId,
    /// A tax rule of an event.
    TaxRuleId,
    /// A date of an event series.
    SubeventId,
    /// A voucher of an event.
    VoucherId,
    /// A quota of an event.
    QuotaId,
    /// A question of an event.
    QuestionId,
    /// A fee of an order.
    FeeId,
    /// A row in somebody's cart.
    CartPositionId,
    /// An order.
    OrderId,
    /// A position of an order: one ticket.
    PositionId,
    /// An automatic discount of an event.
    DiscountId,
    /// A payment of an order.
    PaymentId,
    /// A mail in the outbox table.
    MailId,
    /// One thing done to many orders.
    BulkActionId,
    /// An export of lists.
    ExportId,
    /// A gift card of an organiser.
    GiftCardId,
    /// A message that left a transaction.
    OutboxId,
    /// A backend user.
    UserId,
    /// A team of an organiser.
    TeamId,
    /// An invitation to a team.
    InviteId,
    /// An API token of a team.
    TokenId,
    /// An entry of the action log.
    ActionId,
    /// A webhook of an organiser.
    WebhookId,
    /// One action told to one webhook.
    DeliveryId,
);
