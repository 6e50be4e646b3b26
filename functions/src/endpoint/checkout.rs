//! The steps between the cart and the order (spec domain 9, shop-ux 9).
//!
//! Every step checks that the earlier ones are complete and leads back to the first that is not.

mod addons;
mod confirm;
mod payment;
mod questions;

pub use addons::{save as save_add_ons, show as show_add_ons};
pub use confirm::{place, show as show_confirm};
pub use payment::{save as save_payment, show as show_payment};
pub use questions::{save as save_questions, show as show_questions};

use std::sync::Arc;

use lambda_http::{Body, Request, Response};

use super::{cart::closed, visit::Visit};
use crate::{
    boxoffice::CartId,
    cart::{self, Position, Session},
    catalogue::Catalogue,
    ctx::Ctx,
    http::ApiError,
    money::Money,
    page::{
        MessageKind,
        checkout::{Checkout, Step},
    },
    payment::Provider,
    port::db::Query,
    time::Timestamp,
};

/// Leads to the first step.
pub async fn start(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let visit = Visit::open(ctx, &*db, &request).await?;
    Ok(match Desk::open(&visit, &*db, ctx.now()).await? {
        Ok(desk) => {
            let first = desk.steps().into_iter().next().unwrap_or(StepName::Questions);
            visit.go(&visit.url(first.path()), None)
        }
        Err(elsewhere) => elsewhere,
    })
}

/// The steps in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum StepName {
    AddOns,
    Questions,
    Payment,
    Confirm,
}

impl StepName {
    fn path(self) -> &'static str {
        match self {
            Self::AddOns => "checkout/addons/",
            Self::Questions => "checkout/questions/",
            Self::Payment => "checkout/payment/",
            Self::Confirm => "checkout/confirm/",
        }
    }

    fn title_key(self) -> &'static str {
        match self {
            Self::AddOns => "step-addons",
            Self::Questions => "step-questions",
            Self::Payment => "step-payment",
            Self::Confirm => "step-confirm",
        }
    }
}

/// A checkout with something in the cart.
struct Desk<'a> {
    visit: &'a Visit<'a>,
    catalogue: Arc<Catalogue>,
    cart: CartId,
    positions: Vec<Position>,
    told: Session,
    now: Timestamp,
}

impl<'a> Desk<'a> {
    /// The desk, or where the buyer has to go instead: an empty cart and a closed presale lead back to the shop.
    async fn open(
        visit: &'a Visit<'a>,
        q: &impl Query,
        now: Timestamp,
    ) -> Result<Result<Self, Response<Body>>, ApiError> {
        let to_shop = |key| Ok(Err(visit.go_to_shop(MessageKind::Error, key)));
        let Some(cart) = visit.cart.clone() else { return to_shop("cart-empty") };
        let catalogue = visit.catalogue(q).await?;
        let positions = cart::read(q, &visit.event, &catalogue, &cart).await?;
        if positions.is_empty() {
            return to_shop("cart-empty");
        }
        if let Some(key) = closed(&visit.event, now) {
            return to_shop(key);
        }
        Ok(Ok(Self { visit, catalogue, cart, positions, told: visit.told.clone(), now }))
    }

    /// What is to be paid, with the fee of the chosen way to pay.
    fn total(&self) -> Money {
        let bill = cart::bill(&self.catalogue, &self.positions, self.payment());
        Money::new(bill.total(), self.visit.event.currency)
    }

    /// What is to be paid before the fee of a way to pay.
    fn price(&self) -> Money {
        Money::new(cart::bill(&self.catalogue, &self.positions, None).total(), self.visit.event.currency)
    }

    /// The chosen way to pay, as long as it is offered.
    fn payment(&self) -> Option<Provider> {
        self.told.payment.filter(|chosen| payment::offered(self).contains(chosen))
    }

    /// The add-ons step is left out when there is nothing to choose, the payment step when there is nothing to pay.
    fn steps(&self) -> Vec<StepName> {
        let all = [StepName::AddOns, StepName::Questions, StepName::Payment, StepName::Confirm];
        let is_needed = |step: &StepName| match step {
            StepName::AddOns => addons::applies(self),
            StepName::Payment => !self.price().is_zero(),
            StepName::Questions | StepName::Confirm => true,
        };
        all.into_iter().filter(is_needed).collect()
    }

    fn is_complete(&self, step: StepName) -> bool {
        match step {
            StepName::AddOns => addons::is_complete(self),
            StepName::Questions => self.told.email.is_some() && questions::is_complete(self),
            StepName::Payment => self.payment().is_some(),
            StepName::Confirm => false,
        }
    }

    /// Where the buyer has to go before `step` makes sense.
    fn redirect_before(&self, step: StepName) -> Option<Response<Body>> {
        let missing = self.steps().into_iter().find(|earlier| *earlier < step && !self.is_complete(*earlier))?;
        Some(self.visit.go(&self.visit.url(missing.path()), None))
    }

    fn go_on_after(&self, step: StepName) -> Response<Body> {
        let next = self.steps().into_iter().find(|later| *later > step).unwrap_or(StepName::Confirm);
        self.visit.go(&self.visit.url(next.path()), None)
    }

    /// The same, when the buyer has told something in this step.
    fn go_on_telling(&self, step: StepName, told: &Session) -> Response<Body> {
        let mut response = self.go_on_after(step);
        self.visit.keep_told(&mut response, &self.cart, told);
        response
    }

    /// What is around the form of a step.
    fn checkout(&self, current: StepName, form_token: String) -> Checkout {
        let steps = self.steps();
        let before = steps.iter().rev().find(|step| **step < current);
        let step = |step: &StepName| Step {
            title: self.visit.text(step.title_key()),
            url: (*step < current).then(|| self.visit.url(step.path())),
            current: *step == current,
        };
        Checkout {
            base: self.visit.event.path(),
            action: self.visit.url(current.path()),
            csrf: self.visit.csrf(),
            form_token,
            steps: steps.iter().map(step).collect(),
            cart: self
                .visit
                .cart_box(&self.catalogue, &self.positions, self.payment(), self.now)
                .expect("a desk is only opened with something in the cart"),
            back: before.map_or_else(|| self.visit.event.path(), |step| self.visit.url(step.path())),
        }
    }

    fn title(&self, checkout: &Checkout) -> String {
        Checkout::title(self.visit.lang, &checkout.steps)
    }
}
