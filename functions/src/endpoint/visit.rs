//! What every page of a shop begins with: the event, the reader's language, the cart, and what the last page left.

use std::sync::Arc;

use ::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use serde::{Deserialize, Serialize};

use crate::{
    boxoffice::CartId,
    cart,
    catalogue::Catalogue,
    ctx::Ctx,
    event::Event,
    http::{self, ApiError, Form},
    i18n::{Lang, format},
    id::{DiscountId, QuestionId},
    money::Money,
    page::{
        Fact, Frame, Link, Logo, Message, MessageKind,
        cart::{CartBox, CartLine},
        field,
        order::FeeLine,
    },
    payment::Provider,
    port::db::{DbError, Query},
    present,
    question::{QuestionType, file},
    session::{self, Signer},
    time::Timestamp,
    upload::Picture,
};

/// A buyer at a shop.
pub struct Visit<'a> {
    pub(super) ctx: &'a Ctx,
    /// The event.
    pub event: Arc<Event>,
    /// The reader's language.
    pub lang: Lang,
    /// The cart of this browser, if it has one.
    pub cart: Option<CartId>,
    /// What its buyer has told so far.
    pub told: cart::Session,
    note: Option<Note>,
    path: String,
}

/// Sentences for the next page.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Note(Vec<(char, String)>);

impl Note {
    /// One more sentence.
    pub fn say(&mut self, kind: MessageKind, text: String) {
        let kind = match kind {
            MessageKind::Success => 's',
            MessageKind::Warning => 'w',
            MessageKind::Error => 'e',
        };
        self.0.push((kind, text));
    }

    /// A single sentence.
    pub fn saying(kind: MessageKind, text: String) -> Self {
        let mut note = Self::default();
        note.say(kind, text);
        note
    }

    fn messages(&self) -> Vec<Message> {
        let message = |(kind, text): &(char, String)| Message {
            kind: match kind {
                's' => MessageKind::Success,
                'w' => MessageKind::Warning,
                _ => MessageKind::Error,
            },
            text: text.clone(),
        };
        self.0.iter().map(message).collect()
    }
}

impl<'a> Visit<'a> {
    /// Opens the shop of the request's path. Unknown organisers and events look the same; a shop that is not live is
    /// closed; other spellings of the slugs lead to the right one.
    pub async fn open(ctx: &'a Ctx, q: &impl Query, request: &Request) -> Result<Self, ApiError> {
        let (organizer_slug, event_slug) = (http::path(request, "organizer")?, http::path(request, "event")?);
        let found = ctx.storefronts().event(q, &organizer_slug, &event_slug).await?;
        let event = found.ok_or(ApiError::NotFound)?;
        let asked = request.raw_http_path();
        let as_asked = format!("/{organizer_slug}/{event_slug}/");
        if as_asked != event.path() && *request.method() == Method::GET {
            // What comes behind the two slugs, however they were spelled and encoded.
            let rest = asked.splitn(4, '/').nth(3).unwrap_or_default();
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            return Err(ApiError::Moved(format!("{}{rest}{query}", event.path())));
        }
        if !event.in_shop {
            return Err(ApiError::NotFound);
        }
        if !event.live {
            return Err(ApiError::ShopOffline);
        }
        let signer = Signer(&ctx.config().secret_key);
        let cart = signer.cart(request, &event);
        Ok(Self {
            lang: session::lang(request, &event.langs()),
            told: cart.as_ref().map(|cart| signer.told(request, &event, cart)).unwrap_or_default(),
            cart,
            note: signer.note(request, &event),
            path: asked.to_owned(),
            event,
            ctx,
        })
    }

    /// Nobody in particular, at the shop's front door.
    pub fn of_nobody(ctx: &'a Ctx, event: Event) -> Self {
        let (lang, path) = (event.langs()[0], event.path());
        Self { ctx, event: Arc::new(event), lang, cart: None, told: cart::Session::default(), note: None, path }
    }

    fn signer(&self) -> Signer<'a> {
        Signer(&self.ctx.config().secret_key)
    }

    /// An address of this shop.
    pub fn url(&self, rest: &str) -> String {
        format!("{}{rest}", self.event.path())
    }

    /// A text in the reader's language.
    pub fn text(&self, key: &str) -> String {
        self.lang.text(key)
    }

    /// What is around a page of this shop.
    pub fn frame(&self, title: String) -> Frame {
        let name = self.event.name.get(self.lang).to_owned();
        Frame {
            lang: self.lang,
            langs: self.event.langs(),
            zone: self.event.timezone.clone(),
            organizer: Some(Link {
                text: self.event.organizer.name.clone(),
                url: format!("/{}/", self.event.organizer.slug),
            }),
            logo: self.event.logo.as_ref().map(|logo| Logo {
                name: name.clone(),
                image_url: Picture::url(&logo.large),
                width: logo.width,
                height: logo.height,
                url: self.event.path(),
            }),
            event: Some(Link { text: name, url: self.event.path() }),
            title,
            messages: self.note.as_ref().map(Note::messages).unwrap_or_default(),
            test_mode: self.event.testmode,
            noindex: false,
            path: self.path.clone(),
        }
    }

    /// The token for forms of this page.
    pub fn csrf(&self) -> String {
        self.signer().csrf(&self.event, self.cart.as_ref())
    }

    /// Reads a form and makes sure that it was made by this shop for this browser and its cart.
    pub fn form(&self, request: &Request) -> Result<Form, ApiError> {
        self.form_for(request, &[self.cart.as_ref()])
    }

    /// As [`Visit::form`], but a page that was loaded before the cart began counts too: for forms that take nothing
    /// away and show nothing of the cart.
    pub fn form_of_any_page(&self, request: &Request) -> Result<Form, ApiError> {
        self.form_for(request, &[self.cart.as_ref(), None])
    }

    fn form_for(&self, request: &Request, carts: &[Option<&CartId>]) -> Result<Form, ApiError> {
        let form = Form::read(request)?;
        let token = form.get(field::CSRF).unwrap_or_default();
        let fits = carts.iter().any(|cart| self.signer().csrf_fits(&self.event, *cart, token));
        if fits && http::is_from_this_site(request, &self.ctx.config().public_url) {
            Ok(form)
        } else {
            Err(ApiError::ForeignForm)
        }
    }

    /// The cart that a form works on: the browser's, or the one that this form begins.
    pub fn cart_for(&self, form: &Form) -> Result<CartId, ApiError> {
        match &self.cart {
            Some(cart) => Ok(cart.clone()),
            None => Ok(self.signer().cart_begun_by(&self.event, self.own_form_token(form)?)),
        }
    }

    /// A key for a form that must act once.
    pub fn form_token(&self) -> String {
        self.signer().form_token(&self.event, &self.ctx.codes().form_token())
    }

    /// The key of a form that this shop has made.
    pub fn own_form_token<'f>(&self, form: &'f Form) -> Result<&'f str, ApiError> {
        let token = form.get(field::FORM_TOKEN).unwrap_or_default();
        if self.signer().is_form_token(&self.event, token) { Ok(token) } else { Err(ApiError::ForeignForm) }
    }

    /// What makes a repetition of this form the same form: its token and everything in it.
    pub fn form_key(form: &Form, cart: &CartId) -> Option<String> {
        let token = form.get(field::FORM_TOKEN).filter(|token| !token.is_empty())?;
        let fields = form.iter().flat_map(|(name, value)| [name, value]);
        Some(session::keyed_hash(&cart.0, &std::iter::once(token).chain(fields).collect::<Vec<_>>()))
    }

    fn secure(&self) -> bool {
        self.ctx.config().public_url.starts_with("https://")
    }

    /// Shows a page. A note is shown once.
    pub fn show(&self, status: StatusCode, html: String) -> Response<Body> {
        let mut response = http::html(status, html);
        if self.note.is_some() {
            http::set_cookie(&mut response, &session::no_note_cookie(&self.event, self.secure()));
        }
        response
    }

    /// Leads to another page of this shop and tells it something.
    pub fn go(&self, to: &str, note: Option<&Note>) -> Response<Body> {
        let mut response = http::redirect(StatusCode::SEE_OTHER, to);
        if let Some(note) = note {
            http::set_cookie(&mut response, &self.signer().note_cookie(&self.event, note, self.secure()));
        }
        response
    }

    /// Leads back to the shop page, with one sentence.
    pub fn go_to_shop(&self, kind: MessageKind, key: &str) -> Response<Body> {
        self.go(&self.event.path(), Some(&Note::saying(kind, self.text(key))))
    }

    /// Gives the browser its cart.
    pub fn keep_cart(&self, response: &mut Response<Body>, cart: &CartId) {
        http::set_cookie(response, &self.signer().cart_cookie(&self.event, cart, self.secure()));
    }

    /// Gives the browser what the buyer of its cart has told.
    pub fn keep_told(&self, response: &mut Response<Body>, cart: &CartId, told: &cart::Session) {
        http::set_cookie(response, &self.signer().told_cookie(&self.event, cart, told, self.secure()));
    }

    /// Takes the cart from the browser, and what was told for it: it became an order.
    pub fn drop_cart(&self, response: &mut Response<Body>) {
        for cookie in session::no_cart_cookies(&self.event, self.secure()) {
            http::set_cookie(response, &cookie);
        }
    }

    /// What the shop sells.
    pub async fn catalogue(&self, q: &impl Query) -> Result<Arc<Catalogue>, DbError> {
        self.ctx.storefronts().catalogue(q, &self.event).await
    }

    /// What lies in the cart, as rows.
    pub async fn cart_positions(&self, q: &impl Query, catalogue: &Catalogue) -> Result<Vec<cart::Position>, DbError> {
        match &self.cart {
            Some(cart) => cart::read(q, &self.event, catalogue, cart).await,
            None => Ok(Vec::new()),
        }
    }

    /// The cart as a box, with the fee of the way to pay if one is chosen.
    pub fn cart_box(
        &self,
        catalogue: &Catalogue,
        positions: &[cart::Position],
        payment: Option<Provider>,
        now: Timestamp,
    ) -> Option<CartBox> {
        let first = positions.first()?;
        let bill = cart::bill(catalogue, positions, payment);
        let mut lines: Vec<(CartLine, &cart::Position)> = Vec::new();
        for (position, billed) in positions.iter().zip(&bill.lines) {
            let details = self.price_details(catalogue, position);
            let same = |(line, known): &&mut (CartLine, &cart::Position)| {
                let same_kind = known.product == position.product && line.price == billed.gross;
                let alone =
                    |it: &cart::Position| it.parent.is_none() && !positions.iter().any(|o| o.parent == Some(it.id));
                let same_group = known.parent == position.parent && known.bundled == position.bundled;
                let may_join = same_group && (position.parent.is_some() || (alone(known) && alone(position)));
                same_kind && may_join && known.voucher_code == position.voucher_code && line.details == details
            };
            if let Some((line, _)) = lines.iter_mut().find(same) {
                line.count += 1;
                line.total = line.total.checked_add(billed.gross).unwrap_or(line.total);
                line.id = position.id;
            } else {
                lines.push((self.cart_line(catalogue, position, billed.gross, details), position));
            }
        }
        let expires_at = positions.iter().map(|position| position.expires_at).min().unwrap_or(first.expires_at);
        let reservation = self.event.settings.reservation_time() * 60;
        Some(CartBox {
            base: self.event.path(),
            csrf: self.csrf(),
            form_token: self.form_token(),
            takes_voucher: positions.iter().any(|it| it.voucher_code.is_none() && it.parent.is_none()),
            lines: lines
                .into_iter()
                .map(|(line, position)| self.with_limit(catalogue, positions, line, position))
                .collect(),
            fees: bill
                .payment_fee
                .iter()
                .map(|fee| FeeLine { name: self.text("fee-payment"), amount: fee.gross })
                .collect(),
            taxes: present::tax_lines(bill.taxes()),
            total: Money::new(bill.total(), self.event.currency),
            seconds_left: now.seconds_until(expires_at),
            can_extend: expires_at <= now
                || now.plus_seconds(reservation).min(first.max_extend_at) > expires_at.plus_seconds(60),
        })
    }

    /// A line without its "+" where one more would break a limit.
    fn with_limit(
        &self,
        catalogue: &Catalogue,
        all: &[cart::Position],
        line: CartLine,
        position: &cart::Position,
    ) -> CartLine {
        let item = position.product.item;
        let of_item = all.iter().filter(|other| other.product.item == item && !other.bundled).count() as i64;
        let on_top = all.iter().filter(|other| other.parent.is_none()).count() as i64;
        let limit = catalogue.item(item).and_then(|item| item.max_per_order).map_or(i64::MAX, i64::from);
        let is_full = on_top >= self.event.settings.max_items_per_order() || of_item >= limit || line.belongs;
        CartLine { again: if is_full { Vec::new() } else { line.again }, ..line }
    }

    fn cart_line(
        &self,
        catalogue: &Catalogue,
        position: &cart::Position,
        billed: Money,
        details: Vec<String>,
    ) -> CartLine {
        let product = position.product;
        let name = match product.variation {
            Some(variation) => field::variation(product.item, variation),
            None => field::item(product.item),
        };
        let price = match product.variation {
            Some(variation) => field::variation_price(product.item, variation),
            None => field::item_price(product.item),
        };
        // The price as it is typed here: without tax where the shop shows it so (spec domain 5.3).
        // What a discount took off is no part of what was typed.
        let typed = Money::new(position.price.minor() + position.off.minor(), position.price.currency());
        let shown = if self.event.settings.display_net_prices() { typed.split_tax(position.tax_rate).0 } else { typed };
        let free_price = catalogue.item(product.item).is_some_and(|item| item.free_price);
        let typed = free_price.then(|| (price, shown.to_decimal()));
        let date = product.date.map(|date| (field::DATE.to_owned(), date.to_string()));
        let voucher = position.voucher_code.iter().flat_map(|code| {
            [
                (field::VOUCHER_CODE.to_owned(), code.clone()),
                (field::VOUCHER_UNLESS_USED_UP.to_owned(), "on".to_owned()),
            ]
        });
        CartLine {
            id: position.id,
            belongs: position.parent.is_some(),
            is_part: position.bundled,
            name: present::product(&self.event, catalogue, product, self.lang),
            details,
            count: 1,
            price: billed,
            total: billed,
            again: std::iter::once((name, "1".to_owned())).chain(date).chain(typed).chain(voucher).collect(),
        }
    }

    /// Why a position costs what it costs: its voucher and its discount, one short line each.
    fn price_details(&self, catalogue: &Catalogue, position: &cart::Position) -> Vec<String> {
        let named = |key: &str, name: String| self.lang.text_with(key, &[("name", name.into())]);
        let voucher = position.voucher_code.clone().map(|code| named("cart-voucher", code));
        let discount = position.discount.and_then(|id| self.discount_text(catalogue, id));
        voucher.into_iter().chain(discount).collect()
    }

    /// "25% discount".
    pub fn discount_text(&self, catalogue: &Catalogue, id: DiscountId) -> Option<String> {
        let percent = format::percent(self.lang, catalogue.discount_percent(id)?);
        Some(self.lang.text_with("cart-discount", &[("name", percent.into())]))
    }

    /// Questions with their answers as people read them. Files can be loaded below `base`.
    pub fn answers(&self, catalogue: &Catalogue, answers: &[(QuestionId, String)], base: &str) -> Vec<Fact> {
        let readable = |(id, answer): &(QuestionId, String)| {
            let question = catalogue.question(*id)?;
            let is_file = question.kind == QuestionType::File;
            let url = is_file.then(|| file::in_answer(answer)).flatten().map(|(file, _)| answer_url(base, file));
            let value = match answer.as_str() {
                "True" => self.text("yes"),
                "False" => self.text("no"),
                text => question.readable(text, self.lang),
            };
            Some(Fact { label: question.question.get(self.lang).to_owned(), value, url })
        };
        answers.iter().filter_map(readable).collect()
    }
}

/// Where a file that is an answer can be loaded: below the cart's checkout, or below its order.
pub fn answer_url(base: &str, reference: &str) -> String {
    format!("{base}answer/{}/", file::id_of(reference))
}
