//! What a device may ask for besides its rights: the security profile that staff chose for it (spec domain 18.7).

/// The calls that a device may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Everything that its rights allow.
    Full,
    /// A scan app that keeps the orders of its events to work offline.
    Scan,
    /// A scan app that never loads lists of orders.
    OnlineNoOrders,
    /// A scan app that guests use themselves: it cannot search either.
    Kiosk,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Full, Self::Scan, Self::OnlineNoOrders, Self::Kiosk];

    /// The code in the database and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Scan => "pretixscan",
            Self::OnlineNoOrders => "pretixscan_online_noorders",
            Self::Kiosk => "pretixscan_online_kiosk",
        }
    }

    /// Reads [`Self::code`].
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.code() == code)
    }

    /// Whether a device with this profile may make a call.
    pub fn allows(self, method: &str, path: &str) -> bool {
        let listed = |calls: &[(&str, &str)]| calls.iter().any(|call| call.0 == method && fits(call.1, path));
        match self {
            Self::Full => true,
            Self::Scan => listed(SCANS) || listed(SEARCHES) || listed(LOADS),
            Self::OnlineNoOrders => listed(SCANS) || listed(SEARCHES),
            Self::Kiosk => listed(SCANS),
        }
    }
}

/// Parts in braces stand for anything.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.trim_matches('/'), path.trim_matches('/'));
    let is_same = |(wanted, part): (&str, &str)| wanted.starts_with('{') || wanted == part;
    pattern.split('/').count() == path.split('/').count() && pattern.split('/').zip(path.split('/')).all(is_same)
}

/// Setting up and scanning, and printing a badge for who comes in.
const SCANS: &[(&str, &str)] = &[
    ("GET", "/api/v1/version"),
    ("POST", "/api/v1/device/update"),
    ("POST", "/api/v1/device/roll"),
    ("POST", "/api/v1/device/revoke"),
    ("GET", "/api/v1/device/info"),
    ("GET", "/api/v1/device/eventselection"),
    ("POST", "/api/v1/upload"),
    ("GET", "/api/v1/organizers/{organizer}/"),
    ("GET", "/api/v1/organizers/{organizer}/settings/"),
    ("GET", "/api/v1/organizers/{organizer}/events/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/settings/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/subevents/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/subevents/{subevent}/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/categories/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/items/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/questions/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/checkinlists/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/status/"),
    ("POST", "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/failed_checkins/"),
    ("POST", "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/positions/{ticket}/redeem/"),
    ("POST", "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{orderposition}/printlog/"),
    ("POST", "/api/v1/organizers/{organizer}/checkinrpc/redeem/"),
    ("POST", "/api/v1/organizers/{organizer}/checkinrpc/annul/"),
];
/// Finding guests by name.
const SEARCHES: &[(&str, &str)] = &[
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/checkinlists/{checkinlist}/positions/"),
    ("GET", "/api/v1/organizers/{organizer}/checkinrpc/search/"),
];
/// Working without a network.
const LOADS: &[(&str, &str)] = &[
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/orders/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/orders/{code}/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/revokedsecrets/"),
    ("GET", "/api/v1/organizers/{organizer}/events/{event}/blockedsecrets/"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_opens_what_its_work_needs() {
        let orders = "/api/v1/organizers/org/events/gig/orders/";
        let search = "/api/v1/organizers/org/checkinrpc/search/";
        let redeem = "/api/v1/organizers/org/checkinrpc/redeem/";
        let may = |profile: Profile| {
            [profile.allows("GET", orders), profile.allows("GET", search), profile.allows("POST", redeem)]
        };
        assert_eq!(may(Profile::Full), [true, true, true]);
        assert_eq!(may(Profile::Scan), [true, true, true]);
        assert_eq!(may(Profile::OnlineNoOrders), [false, true, true]);
        assert_eq!(may(Profile::Kiosk), [false, false, true]);
        assert!(!Profile::Scan.allows("POST", orders), "nobody sells at the door");
        assert!(!Profile::Scan.allows("GET", "/api/v1/organizers/org/events/gig/orders/ABC/payments/"));
    }
}
