//! A buyer at the shop's front: through its handlers in this process, or through HTTP.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use lambda_http::{Body, RequestExt};
use shop::{
    boxoffice::CartId,
    ctx::Ctx,
    id::ItemId,
    page::field,
    routes::{self, ROUTES, Route},
    session::Signer,
};
use tokio::net::TcpStream;

use crate::shop::{Failure, OnSale};

/// Where the buyer's requests go.
pub enum Front {
    /// To the handlers, with a sandbox of the buyer's own.
    Handlers(&'static Ctx),
    /// To a gateway, over a connection of the buyer's own.
    Http(SendRequest<Full<Bytes>>, String),
}

/// What came back.
struct Reply {
    status: StatusCode,
    location: String,
    cookies: Vec<String>,
}

impl Reply {
    /// A cookie as the browser sends it back.
    fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.cookies.iter().filter_map(|cookie| cookie.split(';').next());
        pairs.into_iter().find(|pair| pair.split('=').next() == Some(name))
    }
}

impl Front {
    /// Connects to a gateway.
    pub async fn connect(host: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self::Http(sender, host.to_owned()))
    }

    async fn post(&mut self, event: &str, path: &str, cookie: Option<&str>, form: &str) -> Result<Reply, Failure> {
        let full = format!("/org/{event}/{path}");
        let mut request = http::Request::builder().method(Method::POST).uri(&full);
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        match self {
            Self::Handlers(ctx) => {
                let route = route(path);
                let parameters = HashMap::from([
                    ("organizer".to_owned(), vec!["org".to_owned()]),
                    ("event".to_owned(), vec![event.to_owned()]),
                ]);
                let request = request.body(Body::Text(form.to_owned()))?;
                let request = request.with_path_parameters(parameters).with_raw_http_path(&full);
                let response = routes::answer(ctx, route, request).await;
                Ok(reply(response.status(), response.headers()))
            }
            Self::Http(sender, host) => {
                let request = request.header(header::HOST, host.as_str()).body(Full::from(form.to_owned()))?;
                sender.ready().await?;
                let response = sender.send_request(request).await?;
                let reply = reply(response.status(), response.headers());
                response.into_body().collect().await?;
                Ok(reply)
            }
        }
    }
}

fn route(path: &str) -> &'static Route {
    let fits = |route: &&Route| route.method == "POST" && route.path.ends_with(path);
    ROUTES.iter().find(fits).expect("a route of the shop")
}

fn reply(status: StatusCode, headers: &http::HeaderMap) -> Reply {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    Reply {
        status,
        location: headers.get(header::LOCATION).map(text).unwrap_or_default(),
        cookies: headers.get_all(header::SET_COOKIE).iter().map(text).collect(),
    }
}

/// What was bought: nothing but a success counts.
pub enum Bought {
    /// There is an order.
    Order {
        /// How long the first step took, until something was in the cart.
        added: Duration,
    },
    /// The shop was too busy and said so.
    Busy,
}

/// Buys one seat: cart, contact, order, as three forms of a browser that has loaded the pages. The tokens that those
/// pages carry are made here, with the shop's own key.
pub async fn buy(front: &mut Front, on_sale: &OnSale, ctx: &Ctx) -> Result<Bought, Failure> {
    let signer = Signer(&ctx.config().secret_key);
    let (event, slug) = (&*on_sale.event, on_sale.event.slug.as_str());
    let token = || signer.form_token(event, &ctx.codes().form_token());
    let item: ItemId = on_sale.catalogue.items[0].id;

    let begin = token();
    let form =
        form(&[(field::CSRF, &signer.csrf(event, None)), (field::FORM_TOKEN, &begin), (&field::item(item), "1")]);
    let began = Instant::now();
    let added = front.post(slug, "cart/add", None, &form).await?;
    if added.status == StatusCode::SERVICE_UNAVAILABLE {
        return Ok(Bought::Busy);
    }
    let cookie = added.cookie("onsale_cart");
    let took = began.elapsed();
    let Some(cookie) = cookie else { return Err(format!("no cart: {} {}", added.status, added.location).into()) };
    let cart: CartId = signer.cart_begun_by(event, &begin);
    let csrf = signer.csrf(event, Some(&cart));

    let contact = self::form(&[(field::CSRF, &csrf), (field::EMAIL, "ada@example.org")]);
    let told = front.post(slug, "checkout/questions/", Some(cookie), &contact).await?;
    if told.status != StatusCode::SEE_OTHER || !told.location.ends_with("/confirm/") {
        return Err(format!("contact refused: {} {}", told.status, told.location).into());
    }
    let Some(contact) = told.cookie("onsale_told") else { return Err("the contact is not kept".into()) };
    let order = self::form(&[(field::CSRF, &csrf), (field::FORM_TOKEN, &token()), (field::TOTAL, "0.00")]);
    let ordered = front.post(slug, "checkout/confirm/", Some(&format!("{cookie}; {contact}")), &order).await?;
    match ordered.status {
        StatusCode::SEE_OTHER if ordered.location.contains("/order/") => Ok(Bought::Order { added: took }),
        StatusCode::SERVICE_UNAVAILABLE => Ok(Bought::Busy),
        status => Err(format!("no order: {status} {}", ordered.location).into()),
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
