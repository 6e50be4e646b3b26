//! The ways to sell that are compared.

use std::time::{Duration, Instant};

use local::{functions, gateway::Gateway, gateway::pool::Pool, server::Server};
use shop::{
    boxoffice::{self, CartId, Draft, Line, Outcome, Product, Request, Ticket},
    cart::Session,
    ctx::Ctx,
    money::Money,
    payment::Provider,
    port::{
        db::{DbError, Query as _, p},
        lock::EventLock,
    },
};

use crate::{
    buyer::{self, Bought, Front},
    meter::{self, Figures, Times},
    shop::{Failure, OnSale, Shop},
};

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Buyers who come one by one.
    Sold(Seller),
    /// The box office alone: batches of orders on one connection.
    Alone,
    /// The same rows without any decision.
    Raw,
}

/// Who serves the buyers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seller {
    /// Each request waits for the lock, is decided with the same rules, and commits by itself.
    Naive,
    /// The box office, without pages.
    BoxOffice,
    /// The shop's functions, called in this process.
    Handlers,
    /// The shop's functions behind the local gateway.
    Http,
}

impl Mode {
    /// Reads a name.
    pub fn parse(name: &str) -> Result<Self, Failure> {
        Ok(match name {
            "naive" => Self::Sold(Seller::Naive),
            "boxoffice" => Self::Sold(Seller::BoxOffice),
            "handlers" => Self::Sold(Seller::Handlers),
            "http" => Self::Sold(Seller::Http),
            "alone" => Self::Alone,
            "raw" => Self::Raw,
            other => return Err(format!("there is no mode {other}").into()),
        })
    }
}

/// Most sandboxes of the gateway; more buyers wait in front of it.
const SANDBOXES_MAX: u64 = 256;

/// A gateway for buyers who come through HTTP.
pub fn gateway(shop: &Shop, seller: Seller, buyers: u64) -> Result<Option<Server>, Failure> {
    if seller != Seller::Http {
        return Ok(None);
    }
    let sandboxes = (0..buyers.min(SANDBOXES_MAX)).map(|_| shop.sandbox()).collect();
    let pool = Pool::new(sandboxes, 5000);
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    Ok(Some(Gateway::new(functions::entries(&pool), None).serve(listener)?))
}

/// A buyer with a sandbox or a connection of its own.
pub struct Buyer {
    ctx: &'static Ctx,
    on_sale: OnSale,
    seller: Seller,
    front: Option<Front>,
}

impl Buyer {
    /// Connects.
    pub async fn enter(
        shop: &Shop,
        seller: Seller,
        gateway: Option<&Server>,
        on_sale: OnSale,
    ) -> Result<Self, Failure> {
        let ctx = shop.sandbox();
        let front = match (seller, gateway) {
            (Seller::Handlers, _) => Some(Front::Handlers(ctx)),
            (Seller::Http, Some(gateway)) => Some(Front::connect(gateway.url().trim_start_matches("http://")).await?),
            _ => None,
        };
        Ok(Self { ctx, on_sale, seller, front })
    }

    /// Buys one seat.
    pub async fn buy(&mut self) -> Result<Bought, Failure> {
        if let Some(front) = &mut self.front {
            return buyer::buy(front, &self.on_sale, self.ctx).await;
        }
        let [add, place] = purchase(self.ctx, &self.on_sale);
        let began = Instant::now();
        match self.serve(add).await? {
            Some(Outcome::Cart(outcome)) if outcome.added == 1 => {}
            Some(other) => return Err(format!("nothing was added: {other:?}").into()),
            None => return Ok(Bought::Busy),
        }
        let added = began.elapsed();
        match self.serve(place).await? {
            Some(Outcome::Placed { .. }) => Ok(Bought::Order { added }),
            Some(other) => Err(format!("no order: {other:?}").into()),
            None => Ok(Bought::Busy),
        }
    }

    /// Commits one row over the same connection: the least that a durable answer costs.
    pub async fn commit(&self) -> Result<Duration, Failure> {
        let db = self.ctx.db().await?;
        let began = Instant::now();
        db.execute("insert into bare_commit (made_at) values ($1)", &[p(&self.ctx.now())]).await?;
        Ok(began.elapsed())
    }

    async fn serve(&self, request: Request) -> Result<Option<Outcome>, Failure> {
        let (event, catalogue) = (&*self.on_sale.event, &*self.on_sale.catalogue);
        let mut db = self.ctx.db().await?;
        if self.seller == Seller::BoxOffice {
            let ticket = Ticket { key: self.ctx.codes().form_token(), request };
            return match boxoffice::submit(self.ctx, &mut db, event, catalogue, &ticket).await {
                Ok(outcome) => Ok(Some(outcome)),
                Err(boxoffice::SubmitError::TooMany) => Ok(None),
                Err(error) => Err(error.into()),
            };
        }
        let tx = db.begin().await?;
        let now = self.ctx.now();
        let served = async {
            let lock = EventLock::acquire(&tx, event.id).await?;
            let (mut outcomes, changes) = boxoffice::serve(&lock, event, catalogue, &[request], now).await?;
            let outgoing = boxoffice::write(&lock, event, &changes, now).await?;
            Ok::<_, DbError>((outcomes.remove(0), outgoing))
        };
        let served = served.await;
        let (outcome, outgoing) = tx.finish(served).await?;
        outgoing.dispatch(self.ctx).await;
        Ok(Some(outcome))
    }
}

/// The two requests that a purchase is at the box office.
fn purchase(ctx: &Ctx, on_sale: &OnSale) -> [Request; 2] {
    let cart = CartId(ctx.codes().cart_id());
    let product = Product { item: on_sale.catalogue.items[0].id, variation: None, date: None };
    let lines = vec![Line { product, count: 1, chosen_price: None, voucher: None }];
    let draft = Draft {
        told: Session { email: Some("ada@example.org".to_owned()), phone: None, payment: Some(Provider::Free) },
        locale: "en".to_owned(),
        seed: ctx.codes().seed(),
    };
    let agreed_total = Money::zero(on_sale.event.currency);
    [Request::AddToCart { cart: cart.clone(), lines }, Request::PlaceOrder { cart, agreed_total, draft }]
}

const BATCH: usize = 500;

/// The box office alone: only the batches that place orders are counted, not those that fill the carts before.
pub async fn alone(shop: &Shop, time: Duration) -> Result<Figures, Failure> {
    let (ctx, on_sale) = (shop.sandbox(), shop.on_sale(0).await?);
    let (before, mut spent, mut times) = (meter::read(shop).await?, Duration::ZERO, Times::default());
    while spent < time {
        let (mut adds, mut places) = (Vec::new(), Vec::new());
        for _ in 0..BATCH {
            let [add, place] = purchase(ctx, &on_sale);
            adds.push(add);
            places.push(place);
        }
        serve_batch(ctx, &on_sale, &adds).await?;
        let began = Instant::now();
        serve_batch(ctx, &on_sale, &places).await?;
        times.0.push(began.elapsed());
        spent += began.elapsed();
    }
    Ok(only(spent, meter::between(&before, &meter::read(shop).await?, times)))
}

async fn serve_batch(ctx: &Ctx, on_sale: &OnSale, requests: &[Request]) -> Result<(), Failure> {
    let mut db = ctx.db().await?;
    let now = ctx.now();
    let tx = db.begin().await?;
    let served = async {
        let lock = EventLock::acquire(&tx, on_sale.event.id).await?;
        let (outcomes, changes) = boxoffice::serve(&lock, &on_sale.event, &on_sale.catalogue, requests, now).await?;
        let _unsent = boxoffice::write(&lock, &on_sale.event, &changes, now).await?;
        let record: Vec<(String, Outcome)> = outcomes.into_iter().map(|it| (ctx.codes().form_token(), it)).collect();
        boxoffice::waiting::sql::record(&lock, &record, now).await
    };
    let served = served.await;
    Ok(tx.finish(served).await?)
}

/// Figures for the time that was spent in what is measured.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn only(spent: Duration, figures: Figures) -> Figures {
    let seconds = spent.as_secs_f64();
    Figures { seconds, per_minute: figures.orders as f64 * 60.0 / seconds, ..figures }
}

/// The rows of an order, as the box office writes them, from arrays that are made beforehand. [`raw`] compares.
const RAW: &[&str] = &[
    "insert into orders (id, organizer_id, event_id, code, status, secret, internal_secret, email, phone, locale, testmode,
                         created_at, expires_at, total, modified_at) overriding system value
     select id, $1, $2, code, 'p', secret, secret, 'ada@example.org', null, 'en', false, $5, $5, 0, $5
       from unnest($3::bigint[], $4::text[], $4::text[]) as n (id, code, secret)",
    "insert into order_position (organizer_id, event_id, order_id, positionid, item_id, variation_id, price, tax_rate_ppm,
                                 tax_value, secret, web_secret, pseudonymization_id)
     select $1, $2, id, 1, $6, null, 0, 0, 0, code || 'abcdefghijklmnopqrstuvw', code || 'abcdef', code
       from unnest($3::bigint[], $4::text[]) as n (id, code)",
    "insert into payment (event_id, order_id, local_id, provider, state, amount, created_at, confirmed_at)
     select $2, id, 1, 'free', 'confirmed', 0, $5, $5 from unnest($3::bigint[]) as n (id)",
    "insert into ledger_entry (event_id, order_id, positionid, item_id, variation_id, price, tax_rate_ppm, tax_value, count,
                               created_at)
     select $2, id, 1, $6, null, 0, 0, 0, 1, $5 from unnest($3::bigint[]) as n (id)",
    "insert into action_log (organizer_id, event_id, object_type, object_id, action, actor_type, created_at)
     select $1, $2, 'order', id, 'pretix.event.order.placed', 'buyer', $5 from unnest($3::bigint[]) as n (id)",
    "insert into mail (id, organizer_id, event_id, order_id, kind, recipient, locale, state, created_at, retry_at)
     overriding system value
     select id, $1, $2, id, 'order_free', 'ada@example.org', 'en', 'waiting', $5, $5 from unnest($3::bigint[]) as n (id)",
    "insert into outbox (queue, body, created_at, due_at)
     select 'default', jsonb_build_object('kind', 'ticket.render', 'order', id, 'then_mail', id), $5, $5
       from unnest($3::bigint[]) as n (id)",
    "insert into form_outcome (event_id, form_token, outcome, created_at)
     select $2, code, jsonb_build_object('order', id, 'code', code, 'secret', code || code), $5
       from unnest($3::bigint[], $4::text[]) as n (id, code)",
];

/// The same rows without any decision: what this database can take from one connection.
pub async fn raw(shop: &Shop, time: Duration) -> Result<Figures, Failure> {
    use tokio_postgres::types::{ToSql, Type};
    let (ctx, on_sale) = (shop.sandbox(), shop.on_sale(0).await?);
    let (organizer, event, item) = (on_sale.event.organizer.id.0, on_sale.event.id.0, on_sale.catalogue.items[0].id.0);
    let (client, connection) =
        tokio_postgres::connect(shop.config().database.url.reveal(), tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let (before, mut spent, mut times, mut next) = (meter::read(shop).await?, Duration::ZERO, Times::default(), 1_i64);
    while spent < time {
        let ids: Vec<i64> = (next..).take(BATCH).collect();
        next += BATCH as i64;
        let codes: Vec<String> = ids.iter().map(|_| ctx.codes().order_code(10, false)).collect();
        let now = ctx.now();
        let all: [(&(dyn ToSql + Sync), Type); 6] = [
            (&organizer, Type::INT8),
            (&event, Type::INT8),
            (&ids, Type::INT8_ARRAY),
            (&codes, Type::TEXT_ARRAY),
            (&now, Type::TIMESTAMPTZ),
            (&item, Type::INT8),
        ];
        let began = Instant::now();
        client.batch_execute("begin").await?;
        let inserts = RAW.iter().map(|sql| client.execute_typed(sql, &all));
        for insert in inserts.collect::<Vec<_>>() {
            insert.await?;
        }
        client.batch_execute("commit").await?;
        times.0.push(began.elapsed());
        spent += began.elapsed();
    }
    let figures = only(spent, meter::between(&before, &meter::read(shop).await?, times));
    same_rows(shop, ctx, &on_sale, next - 1).await?;
    Ok(figures)
}

/// Tables that get rows with an order.
const ROWS: &str = "
    select array[(select count(*) from orders), (select count(*) from order_position), (select count(*) from payment),
                 (select count(*) from ledger_entry), (select count(*) from action_log), (select count(*) from mail),
                 (select count(*) from outbox), (select count(*) from form_outcome)] as rows";

/// What was written raw must be what the box office writes for as many orders, else the two are not alike.
async fn same_rows(shop: &Shop, ctx: &Ctx, on_sale: &OnSale, orders: i64) -> Result<(), Failure> {
    let admin = shop.admin().await?;
    let count = async || -> Result<Vec<i64>, Failure> { Ok(admin.query_typed(ROWS, &[]).await?[0].get(0)) };
    let raw = count().await?;
    // The numbers that were written raw are not the sequences' own.
    admin.batch_execute("select setval('orders_id_seq', 1000000000), setval('mail_id_seq', 1000000000)").await?;
    let [add, place] = purchase(ctx, on_sale);
    serve_batch(ctx, on_sale, &[add]).await?;
    let before = count().await?;
    serve_batch(ctx, on_sale, &[place]).await?;
    let sold: Vec<i64> = count().await?.iter().zip(&before).map(|(after, before)| (after - before) * orders).collect();
    if raw == sold { Ok(()) } else { Err(format!("rows written raw: {raw:?}, by the box office: {sold:?}").into()) }
}

/// Nothing was lost and nothing counted twice.
pub async fn check(shop: &Shop) -> Result<(), Failure> {
    let ctx = shop.sandbox();
    let db = ctx.db().await?;
    let event = shop.on_sale(0).await?.event.id;
    let drifted = boxoffice::audit::drifted_quotas(&*db, event).await?;
    if drifted.is_empty() { Ok(()) } else { Err(format!("the counters of quotas {drifted:?} are wrong").into()) }
}
