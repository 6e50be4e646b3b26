//! Who may call what: every route as nobody, as a stranger and as the wrong organiser.

/// Method and path of every route that is looked at here. A test compares the list with the route table.
pub const CASES: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/static/{file}"),
    ("GET", "/locale/set"),
    ("GET", "/{organizer}/"),
    ("GET", "/{organizer}/{event}/"),
    ("POST", "/{organizer}/{event}/cart/add"),
    ("POST", "/{organizer}/{event}/cart/remove"),
    ("POST", "/{organizer}/{event}/cart/clear"),
    ("POST", "/{organizer}/{event}/cart/extend"),
    ("GET", "/{organizer}/{event}/checkout/start"),
    ("GET", "/{organizer}/{event}/checkout/questions/"),
    ("POST", "/{organizer}/{event}/checkout/questions/"),
    ("GET", "/{organizer}/{event}/checkout/payment/"),
    ("POST", "/{organizer}/{event}/checkout/payment/"),
    ("GET", "/{organizer}/{event}/checkout/confirm/"),
    ("POST", "/{organizer}/{event}/checkout/confirm/"),
    ("GET", "/{organizer}/{event}/order/{code}/{secret}/"),
    ("GET", "/{organizer}/{event}/order/{code}/{secret}/open/{hash}/"),
    ("GET", "/{organizer}/{event}/order/{code}/{secret}/download/{position}/pdf/"),
    ("POST", "/{organizer}/{event}/order/{code}/{secret}/download/{position}/pdf/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/orders/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/"),
    ("POST", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/mark_paid/"),
    ("ANY", "$default"),
];
