//! Every endpoint: function, method, path, access, handler. [`ROUTES`] is read by the local gateway, by tests and by whatever
//! generates infra; never by a bin, which would link every handler.

use std::pin::Pin;

use lambda_http::{Body, Request, Response};

use crate::{
    ctx::Ctx,
    endpoint::{
        again, answer, api_bulk_actions, api_checkin, api_devices, api_document, api_events, api_exporters,
        api_giftcards, api_items, api_orders, api_organizers, api_pictures, api_prices, api_questions, api_quotas,
        api_subevents, api_teams, api_uploads, api_version, api_vouchers, api_waitinglist, api_webhooks, cart,
        checkout, event, invites, listing, notices, order, site,
    },
    http::{self, ApiError, Handler},
};

/// Who may call a route, and how that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Everybody, with a form that this shop made for this browser (CSRF token).
    Form,
    /// The browser whose cart it is.
    Cart,
    /// Whoever knows the order's secret.
    OrderSecret,
    /// Whoever knows the order's secret, with a form of this shop.
    OrderSecretForm,
    /// The member of staff who knows the address of their page.
    StaffLink,
    /// Whoever has the code that lets a device in, once.
    DeviceCode,
    /// A device, about itself.
    Device,
    /// A team's API token, whatever it may do.
    AnyToken,
    /// A team's API token with the right in the event.
    Token(crate::staff::Permission),
    /// A team's API token with the right in the organiser.
    OrganizerToken(crate::staff::Permission),
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Name of the function, its bin and its entry in infra.
    pub name: &'static str,
    /// The method; `ANY` for the route that takes the rest.
    pub method: &'static str,
    /// Path template of API Gateway, or `$default`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What answers.
    pub handler: Handler,
}

macro_rules! routes {
    ($($name:literal $method:literal $path:literal $access:expr => $handler:path;)+) => {
        /// The table.
        pub const ROUTES: &[Route] = &[$(Route {
            name: $name,
            method: $method,
            path: $path,
            access: $access,
            handler: |ctx, request| -> Pin<Box<dyn Future<Output = Result<Response<Body>, ApiError>> + Send>> {
                Box::pin($handler(ctx, request))
            },
        }),+];

        /// Methods and paths of the table without what answers: a bin may read these.
        const PATHS: &[(&str, &str)] = &[$(($method, $path)),+];
    };
}

/// The methods that routes of the API offer at a path, as the header `Allow` names them; none if there is no such path.
pub fn methods_at(path: &str) -> Option<String> {
    let fits = |template: &str| {
        let mut parts = template.split('/').zip(path.split('/'));
        let is_same = parts.all(|(wanted, given)| wanted == given || wanted.starts_with('{') && !given.is_empty());
        is_same && template.matches('/').count() == path.matches('/').count()
    };
    let of_api = || PATHS.iter().filter(|(_, template)| template.starts_with("/api/v1/") && fits(template));
    let open = |template: &str| template.matches('{').count();
    // A word of the table is no name that a program has chosen.
    let nearest = of_api().map(|(_, template)| open(template)).min()?;
    let mut methods: Vec<&str> =
        of_api().filter(|(_, template)| open(template) == nearest).map(|(method, _)| *method).collect();
    methods.sort_unstable();
    methods.dedup();
    Some(methods.join(", "))
}

use crate::staff::Permission::{
    CheckinRead, CheckinWrite, DatesWrite, DevicesRead, DevicesWrite, EventRead, EventWrite, EventsCreate,
    GiftCardsRead, GiftCardsWrite, ItemsWrite, OrdersRead, OrdersWrite, OrganizerRead, OrganizerWrite, TaxWrite,
    TeamsWrite, VouchersRead, VouchersWrite,
};
use Access::{
    AnyToken, Cart, Device, DeviceCode, Form, OrderSecret, OrderSecretForm, OrganizerToken, Public, StaffLink, Token,
};

routes! {
    "home_show"              "GET"  "/"                                                  Public => listing::home;
    "asset_show"             "GET"  "/static/{file}"                                     Public => site::asset;
    "locale_set"             "GET"  "/locale/set"                                        Public => site::set_locale;
    "organizer_show"         "GET"  "/{organizer}/"                                      Public => listing::organizer;
    "event_calendar"         "GET"  "/{organizer}/{event}/ical/"                         Public => event::calendar;
    "event_show"             "GET"  "/{organizer}/{event}/"                              Public => event::show;
    "date_show"              "GET"  "/{organizer}/{event}/{date}/"                       Public => event::show_date;
    "redeem_show"            "GET"  "/{organizer}/{event}/redeem"                        Public => event::redeem;
    "form_again"             "GET"  "/{organizer}/{event}/again"                         Public => again::repeat;
    "cart_add"               "POST" "/{organizer}/{event}/cart/add"                      Form => cart::add;
    "cart_remove"            "POST" "/{organizer}/{event}/cart/remove"                   Form => cart::remove;
    "cart_clear"             "POST" "/{organizer}/{event}/cart/clear"                    Form => cart::clear;
    "cart_voucher"           "POST" "/{organizer}/{event}/cart/voucher"                  Form => cart::apply_voucher;
    "cart_extend"            "POST" "/{organizer}/{event}/cart/extend"                   Form => cart::extend;
    "checkout_start"         "GET"  "/{organizer}/{event}/checkout/start"                Public => checkout::start;
    "checkout_addons_show"   "GET"  "/{organizer}/{event}/checkout/addons/"              Public => checkout::show_add_ons;
    "checkout_addons_save"   "POST" "/{organizer}/{event}/checkout/addons/"              Form => checkout::save_add_ons;
    "checkout_questions_show" "GET" "/{organizer}/{event}/checkout/questions/"           Public => checkout::show_questions;
    "checkout_questions_save" "POST" "/{organizer}/{event}/checkout/questions/"          Form => checkout::save_questions;
    "checkout_payment_show"  "GET"  "/{organizer}/{event}/checkout/payment/"             Public => checkout::show_payment;
    "checkout_payment_save"  "POST" "/{organizer}/{event}/checkout/payment/"             Form => checkout::save_payment;
    "checkout_confirm_show"  "GET"  "/{organizer}/{event}/checkout/confirm/"             Public => checkout::show_confirm;
    "order_place"            "POST" "/{organizer}/{event}/checkout/confirm/"             Form => checkout::place;
    "cart_answer_show"       "GET"  "/{organizer}/{event}/checkout/answer/{file}/"         Cart => answer::show_of_cart;
    "order_show"             "GET"  "/{organizer}/{event}/order/{code}/{secret}/"        OrderSecret => order::show;
    "order_open"             "GET"  "/{organizer}/{event}/order/{code}/{secret}/open/{hash}/" OrderSecret => order::open;
    "order_answer_show"      "GET"  "/{organizer}/{event}/order/{code}/{secret}/answer/{file}/" OrderSecret => answer::show_of_order;
    "ticket_show"            "GET"  "/{organizer}/{event}/order/{code}/{secret}/download/{position}/pdf/" OrderSecret => order::show_download;
    "ticket_request"         "POST" "/{organizer}/{event}/order/{code}/{secret}/download/{position}/pdf/" OrderSecretForm => order::request_download;
    "notices_edit"           "GET"  "/_notices/{user}/{token}/" StaffLink => notices::handle;
    "notices_edit"           "POST" "/_notices/{user}/{token}/" StaffLink => notices::handle;
    "invite_accept"          "GET"  "/_invites/{invite}/{token}/" StaffLink => invites::handle;
    "invite_accept"          "POST" "/_invites/{invite}/{token}/" StaffLink => invites::handle;
    "api_bulk_actions"       "POST" "/api/v1/organizers/{organizer}/events/{event}/bulk_actions/" Token(OrdersWrite) => api_bulk_actions::handle;
    "api_bulk_actions"       "GET"  "/api/v1/organizers/{organizer}/events/{event}/bulk_actions/{bulk_action}/" Token(OrdersRead) => api_bulk_actions::handle;
    "api_exporters"          "GET"  "/api/v1/organizers/{organizer}/events/{event}/exporters/" Token(OrdersRead) => api_exporters::handle;
    "api_exporters"          "POST" "/api/v1/organizers/{organizer}/events/{event}/exporters/{exporter}/run/" Token(OrdersRead) => api_exporters::handle;
    "api_exporters"          "GET"  "/api/v1/organizers/{organizer}/events/{event}/exporters/{exporter}/download/{export}/{secret}/" Token(OrdersRead) => api_exporters::handle;
    "api_orders"             "GET"  "/api/v1/organizers/{organizer}/orders/" OrganizerToken(OrdersRead) => api_orders::handle;
    "api_orders"             "GET"  "/api/v1/organizers/{organizer}/orderpositions/" OrganizerToken(OrdersRead) => api_orders::handle;
    "api_orders"             "GET"  "/api/v1/organizers/{organizer}/transactions/" OrganizerToken(OrdersRead) => api_orders::handle;
    "api_orders"             "GET"  "/api/v1/organizers/{organizer}/events/{event}/transactions/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "GET" "/api/v1/organizers/{organizer}/events/{event}/cartpositions/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/cartpositions/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/cartpositions/bulk_create/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET" "/api/v1/organizers/{organizer}/events/{event}/cartpositions/{cartposition}/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "DELETE" "/api/v1/organizers/{organizer}/events/{event}/cartpositions/{cartposition}/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET"  "/api/v1/organizers/{organizer}/events/{event}/revokedsecrets/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "GET"  "/api/v1/organizers/{organizer}/events/{event}/blockedsecrets/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/regenerate_secrets/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET"  "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/download/{output}/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "GET"  "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{orderposition}/download/{output}/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{orderposition}/printlog/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{orderposition}/remove_block/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{orderposition}/add_block/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{orderposition}/regenerate_secrets/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET"  "/api/v1/organizers/{organizer}/events/{event}/orders/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET"  "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_paid/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_canceled/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_pending/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_expired/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_refunded/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/approve/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/deny/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/extend/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/reactivate/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/change/" Token(OrdersWrite) => api_orders::handle;
    "api_pictures"           "GET" "/api/v1/organizers/{organizer}/events/{event}/logo/" Token(EventWrite) => api_pictures::handle;
    "api_pictures"           "PUT" "/api/v1/organizers/{organizer}/events/{event}/logo/" Token(EventWrite) => api_pictures::handle;
    "api_pictures"           "DELETE" "/api/v1/organizers/{organizer}/events/{event}/logo/" Token(EventWrite) => api_pictures::handle;
    "api_pictures"           "GET" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/picture/" Token(ItemsWrite) => api_pictures::handle;
    "api_pictures"           "PUT" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/picture/" Token(ItemsWrite) => api_pictures::handle;
    "api_pictures"           "DELETE" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/picture/" Token(ItemsWrite) => api_pictures::handle;
    "api_uploads"            "POST" "/api/v1/upload" AnyToken => api_uploads::handle;
    "api_uploads"            "POST" "/api/v1/uploads/" AnyToken => api_uploads::handle;
    "api_uploads"            "POST" "/api/v1/uploads/{upload}/finish/" AnyToken => api_uploads::handle;
    "api_webhooks"           "GET"  "/api/v1/organizers/{organizer}/webhooks/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_webhooks"           "POST" "/api/v1/organizers/{organizer}/webhooks/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_webhooks"           "GET"  "/api/v1/organizers/{organizer}/webhooks/{webhook}/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_webhooks"           "PUT"  "/api/v1/organizers/{organizer}/webhooks/{webhook}/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_webhooks"           "PATCH" "/api/v1/organizers/{organizer}/webhooks/{webhook}/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_webhooks"           "DELETE" "/api/v1/organizers/{organizer}/webhooks/{webhook}/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_webhooks"           "POST" "/api/v1/organizers/{organizer}/webhooks/{webhook}/rotate_secret/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_webhooks"           "POST" "/api/v1/organizers/{organizer}/webhooks/{webhook}/replay/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_webhooks"           "GET"  "/api/v1/organizers/{organizer}/webhooks/{webhook}/deliveries/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_webhooks"           "GET"  "/api/v1/organizers/{organizer}/webhooks/{webhook}/deliveries/{delivery}/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_webhooks"           "POST" "/api/v1/organizers/{organizer}/webhooks/{webhook}/deliveries/{delivery}/replay/" OrganizerToken(OrganizerWrite) => api_webhooks::handle;
    "api_items"              "GET" "/api/v1/organizers/{organizer}/events/{event}/categories/" Token(EventRead) => api_items::handle;
    "api_items"              "POST" "/api/v1/organizers/{organizer}/events/{event}/categories/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "GET" "/api/v1/organizers/{organizer}/events/{event}/categories/{category}/" Token(EventRead) => api_items::handle;
    "api_items"              "PUT" "/api/v1/organizers/{organizer}/events/{event}/categories/{category}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "PATCH" "/api/v1/organizers/{organizer}/events/{event}/categories/{category}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "DELETE" "/api/v1/organizers/{organizer}/events/{event}/categories/{category}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "GET" "/api/v1/organizers/{organizer}/events/{event}/items/" Token(EventRead) => api_items::handle;
    "api_items"              "POST" "/api/v1/organizers/{organizer}/events/{event}/items/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "GET" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/" Token(EventRead) => api_items::handle;
    "api_items"              "PUT" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "PATCH" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "DELETE" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "GET" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/variations/" Token(EventRead) => api_items::handle;
    "api_items"              "POST" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/variations/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "GET" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/variations/{variation}/" Token(EventRead) => api_items::handle;
    "api_items"              "PUT" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/variations/{variation}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "PATCH" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/variations/{variation}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "DELETE" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/variations/{variation}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "GET" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/addons/" Token(EventRead) => api_items::handle;
    "api_items"              "POST" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/addons/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "GET" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/addons/{addon}/" Token(EventRead) => api_items::handle;
    "api_items"              "PUT" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/addons/{addon}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "PATCH" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/addons/{addon}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "DELETE" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/addons/{addon}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "GET" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/bundles/" Token(EventRead) => api_items::handle;
    "api_items"              "POST" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/bundles/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "GET" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/bundles/{bundle}/" Token(EventRead) => api_items::handle;
    "api_items"              "PUT" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/bundles/{bundle}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "PATCH" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/bundles/{bundle}/" Token(ItemsWrite) => api_items::handle;
    "api_items"              "DELETE" "/api/v1/organizers/{organizer}/events/{event}/items/{item}/bundles/{bundle}/" Token(ItemsWrite) => api_items::handle;
    "api_prices"             "GET" "/api/v1/organizers/{organizer}/events/{event}/taxrules/" Token(EventRead) => api_prices::handle;
    "api_prices"             "POST" "/api/v1/organizers/{organizer}/events/{event}/taxrules/" Token(TaxWrite) => api_prices::handle;
    "api_prices"             "GET" "/api/v1/organizers/{organizer}/events/{event}/taxrules/{taxrule}/" Token(EventRead) => api_prices::handle;
    "api_prices"             "PUT" "/api/v1/organizers/{organizer}/events/{event}/taxrules/{taxrule}/" Token(TaxWrite) => api_prices::handle;
    "api_prices"             "PATCH" "/api/v1/organizers/{organizer}/events/{event}/taxrules/{taxrule}/" Token(TaxWrite) => api_prices::handle;
    "api_prices"             "DELETE" "/api/v1/organizers/{organizer}/events/{event}/taxrules/{taxrule}/" Token(TaxWrite) => api_prices::handle;
    "api_prices"             "GET" "/api/v1/organizers/{organizer}/events/{event}/discounts/" Token(EventRead) => api_prices::handle;
    "api_prices"             "POST" "/api/v1/organizers/{organizer}/events/{event}/discounts/" Token(ItemsWrite) => api_prices::handle;
    "api_prices"             "GET" "/api/v1/organizers/{organizer}/events/{event}/discounts/{discount}/" Token(EventRead) => api_prices::handle;
    "api_prices"             "PUT" "/api/v1/organizers/{organizer}/events/{event}/discounts/{discount}/" Token(ItemsWrite) => api_prices::handle;
    "api_prices"             "PATCH" "/api/v1/organizers/{organizer}/events/{event}/discounts/{discount}/" Token(ItemsWrite) => api_prices::handle;
    "api_prices"             "DELETE" "/api/v1/organizers/{organizer}/events/{event}/discounts/{discount}/" Token(ItemsWrite) => api_prices::handle;
    "api_questions"          "GET" "/api/v1/organizers/{organizer}/events/{event}/questions/" Token(EventRead) => api_questions::handle;
    "api_questions"          "POST" "/api/v1/organizers/{organizer}/events/{event}/questions/" Token(ItemsWrite) => api_questions::handle;
    "api_questions"          "GET" "/api/v1/organizers/{organizer}/events/{event}/questions/{question}/" Token(EventRead) => api_questions::handle;
    "api_questions"          "PUT" "/api/v1/organizers/{organizer}/events/{event}/questions/{question}/" Token(ItemsWrite) => api_questions::handle;
    "api_questions"          "PATCH" "/api/v1/organizers/{organizer}/events/{event}/questions/{question}/" Token(ItemsWrite) => api_questions::handle;
    "api_questions"          "DELETE" "/api/v1/organizers/{organizer}/events/{event}/questions/{question}/" Token(ItemsWrite) => api_questions::handle;
    "api_questions"          "GET" "/api/v1/organizers/{organizer}/events/{event}/questions/{question}/options/" Token(EventRead) => api_questions::handle;
    "api_questions"          "POST" "/api/v1/organizers/{organizer}/events/{event}/questions/{question}/options/" Token(ItemsWrite) => api_questions::handle;
    "api_questions"          "GET" "/api/v1/organizers/{organizer}/events/{event}/questions/{question}/options/{option}/" Token(EventRead) => api_questions::handle;
    "api_questions"          "PUT" "/api/v1/organizers/{organizer}/events/{event}/questions/{question}/options/{option}/" Token(ItemsWrite) => api_questions::handle;
    "api_questions"          "PATCH" "/api/v1/organizers/{organizer}/events/{event}/questions/{question}/options/{option}/" Token(ItemsWrite) => api_questions::handle;
    "api_questions"          "DELETE" "/api/v1/organizers/{organizer}/events/{event}/questions/{question}/options/{option}/" Token(ItemsWrite) => api_questions::handle;
    "api_quotas"             "GET" "/api/v1/organizers/{organizer}/events/{event}/quotas/" Token(EventRead) => api_quotas::handle;
    "api_quotas"             "POST" "/api/v1/organizers/{organizer}/events/{event}/quotas/" Token(ItemsWrite) => api_quotas::handle;
    "api_quotas"             "GET" "/api/v1/organizers/{organizer}/events/{event}/quotas/{quota}/" Token(EventRead) => api_quotas::handle;
    "api_quotas"             "PUT" "/api/v1/organizers/{organizer}/events/{event}/quotas/{quota}/" Token(ItemsWrite) => api_quotas::handle;
    "api_quotas"             "PATCH" "/api/v1/organizers/{organizer}/events/{event}/quotas/{quota}/" Token(ItemsWrite) => api_quotas::handle;
    "api_quotas"             "DELETE" "/api/v1/organizers/{organizer}/events/{event}/quotas/{quota}/" Token(ItemsWrite) => api_quotas::handle;
    "api_quotas"             "GET" "/api/v1/organizers/{organizer}/events/{event}/quotas/{quota}/availability/" Token(EventRead) => api_quotas::handle;
    "api_events"             "GET" "/api/v1/organizers/{organizer}/events/" OrganizerToken(OrganizerRead) => api_events::handle;
    "api_events"             "POST" "/api/v1/organizers/{organizer}/events/" OrganizerToken(EventsCreate) => api_events::handle;
    "api_events"             "GET" "/api/v1/organizers/{organizer}/events/{event}/" Token(EventRead) => api_events::handle;
    "api_events"             "PUT" "/api/v1/organizers/{organizer}/events/{event}/" Token(EventWrite) => api_events::handle;
    "api_events"             "PATCH" "/api/v1/organizers/{organizer}/events/{event}/" Token(EventWrite) => api_events::handle;
    "api_events"             "DELETE" "/api/v1/organizers/{organizer}/events/{event}/" Token(EventWrite) => api_events::handle;
    "api_events"             "POST" "/api/v1/organizers/{organizer}/events/{event}/clone/" Token(EventsCreate) => api_events::handle;
    "api_events"             "GET" "/api/v1/organizers/{organizer}/events/{event}/settings/" Token(EventRead) => api_events::handle;
    "api_events"             "PATCH" "/api/v1/organizers/{organizer}/events/{event}/settings/" Token(EventWrite) => api_events::handle;
    "api_organizers"         "GET" "/api/v1/organizers/" AnyToken => api_organizers::handle;
    "api_organizers"         "GET" "/api/v1/organizers/{organizer}/" OrganizerToken(OrganizerRead) => api_organizers::handle;
    "api_organizers"         "PATCH" "/api/v1/organizers/{organizer}/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "GET" "/api/v1/organizers/{organizer}/settings/" OrganizerToken(OrganizerRead) => api_organizers::handle;
    "api_organizers"         "PATCH" "/api/v1/organizers/{organizer}/settings/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "GET" "/api/v1/organizers/{organizer}/saleschannels/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "POST" "/api/v1/organizers/{organizer}/saleschannels/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "GET" "/api/v1/organizers/{organizer}/saleschannels/{saleschannel}/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "PUT" "/api/v1/organizers/{organizer}/saleschannels/{saleschannel}/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "PATCH" "/api/v1/organizers/{organizer}/saleschannels/{saleschannel}/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "DELETE" "/api/v1/organizers/{organizer}/saleschannels/{saleschannel}/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "GET" "/api/v1/organizers/{organizer}/event_meta_properties/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "POST" "/api/v1/organizers/{organizer}/event_meta_properties/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "GET" "/api/v1/organizers/{organizer}/event_meta_properties/{property}/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "PUT" "/api/v1/organizers/{organizer}/event_meta_properties/{property}/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "PATCH" "/api/v1/organizers/{organizer}/event_meta_properties/{property}/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_organizers"         "DELETE" "/api/v1/organizers/{organizer}/event_meta_properties/{property}/" OrganizerToken(OrganizerWrite) => api_organizers::handle;
    "api_subevents"          "GET" "/api/v1/organizers/{organizer}/subevents/" OrganizerToken(EventRead) => api_subevents::handle;
    "api_subevents"          "GET" "/api/v1/organizers/{organizer}/events/{event}/subevents/" Token(EventRead) => api_subevents::handle;
    "api_subevents"          "POST" "/api/v1/organizers/{organizer}/events/{event}/subevents/" Token(DatesWrite) => api_subevents::handle;
    "api_subevents"          "GET" "/api/v1/organizers/{organizer}/events/{event}/subevents/{subevent}/" Token(EventRead) => api_subevents::handle;
    "api_subevents"          "PUT" "/api/v1/organizers/{organizer}/events/{event}/subevents/{subevent}/" Token(DatesWrite) => api_subevents::handle;
    "api_subevents"          "PATCH" "/api/v1/organizers/{organizer}/events/{event}/subevents/{subevent}/" Token(DatesWrite) => api_subevents::handle;
    "api_subevents"          "DELETE" "/api/v1/organizers/{organizer}/events/{event}/subevents/{subevent}/" Token(DatesWrite) => api_subevents::handle;
    "api_vouchers"           "GET" "/api/v1/organizers/{organizer}/events/{event}/vouchers/" Token(VouchersRead) => api_vouchers::handle;
    "api_vouchers"           "POST" "/api/v1/organizers/{organizer}/events/{event}/vouchers/" Token(VouchersWrite) => api_vouchers::handle;
    "api_vouchers"           "GET" "/api/v1/organizers/{organizer}/events/{event}/vouchers/{voucher}/" Token(VouchersRead) => api_vouchers::handle;
    "api_vouchers"           "PUT" "/api/v1/organizers/{organizer}/events/{event}/vouchers/{voucher}/" Token(VouchersWrite) => api_vouchers::handle;
    "api_vouchers"           "PATCH" "/api/v1/organizers/{organizer}/events/{event}/vouchers/{voucher}/" Token(VouchersWrite) => api_vouchers::handle;
    "api_vouchers"           "DELETE" "/api/v1/organizers/{organizer}/events/{event}/vouchers/{voucher}/" Token(VouchersWrite) => api_vouchers::handle;
    "api_vouchers"           "POST" "/api/v1/organizers/{organizer}/events/{event}/vouchers/batch_create/" Token(VouchersWrite) => api_vouchers::handle;
    "api_devices" "GET" "/api/v1/organizers/{organizer}/devices/" OrganizerToken(DevicesRead) => api_devices::handle;
    "api_devices" "POST" "/api/v1/organizers/{organizer}/devices/" OrganizerToken(DevicesWrite) => api_devices::handle;
    "api_devices" "GET" "/api/v1/organizers/{organizer}/devices/{device}/" OrganizerToken(DevicesRead) => api_devices::handle;
    "api_devices" "PATCH" "/api/v1/organizers/{organizer}/devices/{device}/" OrganizerToken(DevicesWrite) => api_devices::handle;
    "api_devices" "POST" "/api/v1/device/initialize" DeviceCode => api_devices::handle;
    "api_devices" "POST" "/api/v1/device/update" Device => api_devices::handle;
    "api_devices" "POST" "/api/v1/device/roll" Device => api_devices::handle;
    "api_devices" "POST" "/api/v1/device/revoke" Device => api_devices::handle;
    "api_devices" "GET" "/api/v1/device/info" Device => api_devices::handle;
    "api_devices" "GET" "/api/v1/device/eventselection" Device => api_devices::handle;
    "api_checkin" "GET" "/api/v1/organizers/{organizer}/events/{event}/checkinlists/" Token(CheckinRead) => api_checkin::handle;
    "api_checkin" "POST" "/api/v1/organizers/{organizer}/events/{event}/checkinlists/" Token(EventWrite) => api_checkin::handle;
    "api_checkin" "GET" "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/" Token(CheckinRead) => api_checkin::handle;
    "api_checkin" "PUT" "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/" Token(EventWrite) => api_checkin::handle;
    "api_checkin" "PATCH" "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/" Token(EventWrite) => api_checkin::handle;
    "api_checkin" "DELETE" "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/" Token(EventWrite) => api_checkin::handle;
    "api_checkin" "GET" "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/status/" Token(CheckinRead) => api_checkin::handle;
    "api_checkin" "GET" "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/positions/" Token(CheckinRead) => api_checkin::handle;
    "api_checkin" "POST" "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/positions/{ticket}/redeem/" Token(CheckinWrite) => api_checkin::handle;
    "api_checkin" "POST" "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/failed_checkins/" Token(CheckinWrite) => api_checkin::handle;
    "api_checkin" "GET" "/api/v1/organizers/{organizer}/events/{event}/checkins/" Token(OrdersRead) => api_checkin::handle;
    "api_checkin" "POST" "/api/v1/organizers/{organizer}/checkinrpc/redeem/" OrganizerToken(CheckinWrite) => api_checkin::handle;
    "api_checkin" "GET" "/api/v1/organizers/{organizer}/checkinrpc/search/" OrganizerToken(CheckinRead) => api_checkin::handle;
    "api_checkin" "POST" "/api/v1/organizers/{organizer}/checkinrpc/annul/" OrganizerToken(CheckinWrite) => api_checkin::handle;
    "api_giftcards" "GET" "/api/v1/organizers/{organizer}/giftcards/" OrganizerToken(GiftCardsRead) => api_giftcards::handle;
    "api_giftcards" "POST" "/api/v1/organizers/{organizer}/giftcards/" OrganizerToken(GiftCardsWrite) => api_giftcards::handle;
    "api_giftcards" "GET" "/api/v1/organizers/{organizer}/giftcards/{giftcard}/" OrganizerToken(GiftCardsRead) => api_giftcards::handle;
    "api_giftcards" "PATCH" "/api/v1/organizers/{organizer}/giftcards/{giftcard}/" OrganizerToken(GiftCardsWrite) => api_giftcards::handle;
    "api_giftcards" "POST" "/api/v1/organizers/{organizer}/giftcards/{giftcard}/transact/" OrganizerToken(GiftCardsWrite) => api_giftcards::handle;
    "api_giftcards" "GET" "/api/v1/organizers/{organizer}/giftcards/{giftcard}/transactions/" OrganizerToken(GiftCardsRead) => api_giftcards::handle;
    "api_waitinglist" "GET" "/api/v1/organizers/{organizer}/events/{event}/waitinglistentries/" Token(OrdersRead) => api_waitinglist::handle;
    "api_waitinglist" "POST" "/api/v1/organizers/{organizer}/events/{event}/waitinglistentries/" Token(OrdersWrite) => api_waitinglist::handle;
    "api_waitinglist" "GET" "/api/v1/organizers/{organizer}/events/{event}/waitinglistentries/{waitinglistentry}/" Token(OrdersRead) => api_waitinglist::handle;
    "api_waitinglist" "PUT" "/api/v1/organizers/{organizer}/events/{event}/waitinglistentries/{waitinglistentry}/" Token(OrdersWrite) => api_waitinglist::handle;
    "api_waitinglist" "PATCH" "/api/v1/organizers/{organizer}/events/{event}/waitinglistentries/{waitinglistentry}/" Token(OrdersWrite) => api_waitinglist::handle;
    "api_waitinglist" "DELETE" "/api/v1/organizers/{organizer}/events/{event}/waitinglistentries/{waitinglistentry}/" Token(OrdersWrite) => api_waitinglist::handle;
    "api_waitinglist" "POST" "/api/v1/organizers/{organizer}/events/{event}/waitinglistentries/{waitinglistentry}/send_voucher/" Token(OrdersWrite) => api_waitinglist::handle;
    "api_document"           "GET" "/api/v1/openapi.json" Public => api_document::show;
    "api_version"            "GET" "/api/v1/version" AnyToken => api_version::show;
    "api_orders"             "PATCH" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET" "/api/v1/organizers/{organizer}/events/{event}/orderpositions/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orderpositions/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET" "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{orderposition}/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "GET" "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{orderposition}/answer/{question}/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "PATCH" "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{orderposition}/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "DELETE" "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{orderposition}/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/payments/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/payments/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/payments/{payment}/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/payments/{payment}/confirm/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/payments/{payment}/cancel/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/payments/{payment}/refund/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/refunds/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/refunds/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "GET" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/refunds/{refund}/" Token(OrdersRead) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/refunds/{refund}/done/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/refunds/{refund}/cancel/" Token(OrdersWrite) => api_orders::handle;
    "api_orders"             "POST" "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/refunds/{refund}/process/" Token(OrdersWrite) => api_orders::handle;
    "api_teams"              "GET" "/api/v1/organizers/{organizer}/teams/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "POST" "/api/v1/organizers/{organizer}/teams/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "GET" "/api/v1/organizers/{organizer}/teams/{team}/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "PUT" "/api/v1/organizers/{organizer}/teams/{team}/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "PATCH" "/api/v1/organizers/{organizer}/teams/{team}/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "DELETE" "/api/v1/organizers/{organizer}/teams/{team}/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "GET" "/api/v1/organizers/{organizer}/teams/{team}/members/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "GET" "/api/v1/organizers/{organizer}/teams/{team}/members/{member}/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "DELETE" "/api/v1/organizers/{organizer}/teams/{team}/members/{member}/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "GET" "/api/v1/organizers/{organizer}/teams/{team}/invites/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "POST" "/api/v1/organizers/{organizer}/teams/{team}/invites/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "GET" "/api/v1/organizers/{organizer}/teams/{team}/invites/{invite}/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "DELETE" "/api/v1/organizers/{organizer}/teams/{team}/invites/{invite}/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "GET" "/api/v1/organizers/{organizer}/teams/{team}/tokens/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "POST" "/api/v1/organizers/{organizer}/teams/{team}/tokens/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "GET" "/api/v1/organizers/{organizer}/teams/{team}/tokens/{token}/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "api_teams"              "DELETE" "/api/v1/organizers/{organizer}/teams/{team}/tokens/{token}/" OrganizerToken(TeamsWrite) => api_teams::handle;
    "page_missing"           "ANY"  "$default"                                           Public => site::missing;
}

/// Answers a request with the handler of a route.
pub async fn answer(ctx: &'static Ctx, route: &Route, request: Request) -> Response<Body> {
    http::answer(ctx, request, route.handler).await
}
