//! The steps between the cart and the order.

use askama::Template;

use super::cart::CartBox;
use super::event::{Offer, Product};
use super::field::{self, Field, Input};
use super::{Fact, Frame, Html};
use crate::i18n::Lang;
use crate::id::CartPositionId;
use crate::money::Money;
use crate::question::file::BYTES_MAX;

/// A step in the progress list.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name.
    pub title: String,
    /// Where a completed step can be changed.
    pub url: Option<String>,
    /// Where the buyer is.
    pub current: bool,
}

/// What all steps have.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// The shop's root, such as `/org/event/`.
    pub base: String,
    /// Where the form is sent to.
    pub action: String,
    /// See [`field::CSRF`].
    pub csrf: String,
    /// See [`field::FORM_TOKEN`].
    pub form_token: String,
    /// The progress list.
    pub steps: Vec<Step>,
    /// What is being bought.
    pub cart: CartBox,
    /// The step before, or the shop.
    pub back: String,
}

/// Contact, attendee data and questions.
#[derive(Debug, Clone, Template)]
#[template(path = "questions.html")]
pub struct QuestionsPage {
    /// What is around the content.
    pub frame: Frame,
    /// The step's surroundings.
    pub checkout: Checkout,
    /// The buyer's email and phone.
    pub contact: Vec<Field>,
    /// One form per position that has something to ask.
    pub positions: Vec<PositionForm>,
}

/// What can be added to what lies in the cart.
#[derive(Debug, Clone, Template)]
#[template(path = "addons.html")]
pub struct AddOnsPage {
    /// What is around the content.
    pub frame: Frame,
    /// The step's surroundings.
    pub checkout: Checkout,
    /// What is wrong with the choice.
    pub error: Option<String>,
    /// The positions to which something can be added.
    pub positions: Vec<AddOnForm>,
}

/// What can be added to a position.
#[derive(Debug, Clone)]
pub struct AddOnForm {
    /// The position, sent as [`field::ADD_ONS_OF`].
    pub id: CartPositionId,
    /// Product and variation.
    pub title: String,
    /// By category.
    pub groups: Vec<AddOnGroup>,
}

/// What can be added of a category.
#[derive(Debug, Clone)]
pub struct AddOnGroup {
    /// The category's name.
    pub heading: String,
    /// About the category.
    pub description: Option<Html>,
    /// How many must and may be chosen.
    pub rule: String,
    /// The products.
    pub products: Vec<Product>,
}

/// What is asked about a position.
#[derive(Debug, Clone)]
pub struct PositionForm {
    /// Product and variation.
    pub title: String,
    /// Attendee fields, then questions.
    pub fields: Vec<Field>,
}

/// The choice of a payment provider.
#[derive(Debug, Clone, Template)]
#[template(path = "payment.html")]
pub struct PaymentPage {
    /// What is around the content.
    pub frame: Frame,
    /// The step's surroundings.
    pub checkout: Checkout,
    /// What there is to choose from.
    pub providers: Vec<Provider>,
    /// What is wrong with the choice.
    pub error: Option<String>,
}

/// A payment provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its identifier, sent as [`field::PAYMENT`].
    pub identifier: String,
    /// Its name.
    pub label: String,
    /// How it works.
    pub description: Option<Html>,
    /// What it costs.
    pub fee: Option<Money>,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The last look before ordering.
#[derive(Debug, Clone, Template)]
#[template(path = "confirm.html")]
pub struct ConfirmPage {
    /// What is around the content.
    pub frame: Frame,
    /// The step's surroundings.
    pub checkout: Checkout,
    /// Email and phone.
    pub contact: Vec<Fact>,
    /// Attendee data and answers by position.
    pub attendees: Vec<FactGroup>,
    /// Where contact and attendees are changed.
    pub questions_url: String,
    /// How it will be paid.
    pub payment: Option<ChosenPayment>,
    /// What the buyer must agree to.
    pub confirm_texts: Vec<ConfirmText>,
}

/// Facts under a heading.
#[derive(Debug, Clone)]
pub struct FactGroup {
    /// What they are about.
    pub title: String,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// The payment that was chosen.
#[derive(Debug, Clone)]
pub struct ChosenPayment {
    /// The provider's name.
    pub label: String,
    /// What will happen.
    pub description: Option<Html>,
    /// Where it is changed.
    pub url: String,
}

/// A text to agree to, sent as [`field::confirm`].
#[derive(Debug, Clone)]
pub struct ConfirmText {
    /// The text.
    pub text: Html,
    /// Whether the box was ticked before.
    pub agreed: bool,
    /// Set when the box was left out.
    pub error: Option<String>,
}

impl Checkout {
    /// Where the buyer is, counted from 1.
    pub fn number(&self) -> usize {
        self.steps.iter().position(|step| step.current).map_or(0, |index| index + 1)
    }

    /// "Step 2 of 4: Payment – Checkout", the title of the page.
    pub fn title(lang: Lang, steps: &[Step]) -> String {
        let Some(index) = steps.iter().position(|step| step.current) else { return String::new() };
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        lang.text_with(
            "checkout-title",
            &[
                ("number", number(index + 1).into()),
                ("count", number(steps.len()).into()),
                ("name", steps[index].title.as_str().into()),
            ],
        )
    }
}

impl QuestionsPage {
    /// All fields in the order of the page.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.contact.iter().chain(self.positions.iter().flat_map(|position| &position.fields))
    }

    /// Whether the form is to be one that can send files.
    pub fn takes_files(&self) -> bool {
        self.fields().any(Field::is_file)
    }

    /// How large all files may be together.
    pub fn files_bytes_max(&self) -> usize {
        BYTES_MAX
    }

    /// The fields with an error, for the list on top.
    pub fn errors(&self) -> Vec<&Field> {
        self.fields().filter(|field| field.error.is_some()).collect()
    }

    /// How many there are.
    pub fn error_count(&self) -> i64 {
        i64::try_from(self.errors().len()).unwrap_or(i64::MAX)
    }
}

impl ConfirmPage {
    /// The hidden total.
    pub fn total(&self) -> String {
        self.checkout.cart.total.to_decimal()
    }

    /// The name of a confirm text's check box.
    pub fn confirm_name(&self, index: &usize) -> String {
        field::confirm(*index)
    }
}
