//! Who may come in: pure rules (spec domain 18.4). No I/O, no clock.

use super::{
    Direction, List, Reason, Scan, Ticket,
    rules::{self, Facts},
};
use crate::{order::OrderStatus, time::Timestamp};

/// What a device asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// In or out.
    pub direction: Direction,
    /// When it was, as the device says.
    pub at: Timestamp,
    /// Whatever speaks against it does not matter.
    pub force: bool,
    /// An open order does not matter where the list says so.
    pub ignore_unpaid: bool,
    /// What makes a repeated call the same scan.
    pub nonce: Option<String>,
    /// The device.
    pub device: Option<i64>,
    /// The code is a former one of the ticket, which was given another.
    pub revoked: bool,
}

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes. `is_new` says that there is something to write, `forced` that something spoke against it.
    Ok {
        /// It is not the repetition of a scan that is written already.
        is_new: bool,
        /// Only force made it possible.
        forced: bool,
    },
    /// Questions must be answered first.
    Incomplete,
    /// No.
    Refused(Reason, Option<String>),
}

/// Decides one scan. `scans` are the successful ones of the ticket on the list, in order of time; `has_questions` says
/// that something is still to be asked.
pub fn decide(
    list: &List,
    ticket: &Ticket,
    scans: &[Scan],
    wanted: &Wanted,
    facts: &Facts<'_>,
    has_questions: bool,
) -> Verdict {
    // Before all rules, though spec domain 18.4.5 has it after them: who has been let in, and whose answer was lost, would
    // be turned away by a rule that counts entries.
    if is_repeated(scans, wanted) {
        return Verdict::Ok { is_new: false, forced: false };
    }
    let against = objection(list, ticket, wanted, facts);
    if let Some((reason, text)) = against.clone().filter(|_| !wanted.force) {
        return Verdict::Refused(reason, text);
    }
    if has_questions && !wanted.force {
        return Verdict::Incomplete;
    }
    let is_used = wanted.direction == Direction::Entry && !may_enter(list, scans);
    if is_used && !wanted.force {
        return Verdict::Refused(Reason::AlreadyRedeemed, None);
    }
    Verdict::Ok { is_new: true, forced: against.is_some() || is_used }
}

fn objection(list: &List, ticket: &Ticket, wanted: &Wanted, facts: &Facts<'_>) -> Option<(Reason, Option<String>)> {
    let plain = |reason| Some((reason, None));
    if wanted.revoked {
        return plain(Reason::Revoked);
    }
    if ticket.canceled || matches!(ticket.status, OrderStatus::Canceled | OrderStatus::Expired) {
        return plain(Reason::Canceled);
    }
    if ticket.blocked {
        return plain(Reason::Blocked);
    }
    if ticket.require_approval {
        return plain(Reason::Unapproved);
    }
    // Whoever is inside may leave.
    if wanted.direction == Direction::Entry && !ticket.is_valid_at(wanted.at) {
        return plain(Reason::InvalidTime);
    }
    if !list.admits(ticket) {
        return plain(Reason::Product);
    }
    let is_excused = ticket.valid_if_pending || (wanted.ignore_unpaid && list.include_pending);
    if ticket.status == OrderStatus::Pending && !is_excused {
        return plain(Reason::Unpaid);
    }
    match wanted.direction {
        Direction::Entry => rules::allows(&list.rules, facts).err().map(|text| (Reason::Rules, Some(text))),
        Direction::Exit => None,
    }
}

/// The latest scan has the same nonce, or this device has sent the same before.
fn is_repeated(scans: &[Scan], wanted: &Wanted) -> bool {
    let Some(nonce) = &wanted.nonce else { return false };
    let has_nonce = |scan: &Scan| scan.nonce.as_ref() == Some(nonce);
    let is_ours = |scan: &&Scan| scan.direction == wanted.direction && scan.device == wanted.device;
    scans.last().is_some_and(has_nonce) || scans.iter().filter(is_ours).any(has_nonce)
}

fn may_enter(list: &List, scans: &[Scan]) -> bool {
    let is_exit = |scan: &Scan| scan.direction == Direction::Exit;
    list.allow_multiple_entries
        || scans.iter().all(is_exit)
        || (list.allow_entry_after_exit && scans.last().is_some_and(is_exit))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;
    use crate::{
        boxoffice::Product,
        checkin::pick,
        id::{EventId, ItemId, OrderId, PositionId, SubeventId},
    };

    fn list() -> List {
        List {
            id: 1,
            event: EventId(1),
            name: "Door".to_owned(),
            all_products: false,
            products: vec![3],
            subevent: None,
            include_pending: false,
            addon_match: false,
            allow_multiple_entries: false,
            allow_entry_after_exit: true,
            rules: json!({}),
        }
    }

    fn ticket() -> Ticket {
        Ticket {
            position: PositionId(9),
            event: EventId(1),
            order: OrderId(8),
            product: Product { item: ItemId(3), variation: None, date: None },
            canceled: false,
            status: OrderStatus::Paid,
            require_approval: false,
            valid_if_pending: false,
            blocked: false,
            valid_from: None,
            valid_until: None,
            is_exact: true,
            attention: false,
            texts: Vec::new(),
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros(minute * 60_000_000)
    }

    fn wanted() -> Wanted {
        let (direction, at) = (Direction::Entry, at(100));
        Wanted { direction, at, force: false, ignore_unpaid: false, nonce: None, device: Some(5), revoked: false }
    }

    fn scan(direction: Direction, minute: i64, nonce: &str) -> Scan {
        Scan { direction, at: at(minute), nonce: Some(nonce.to_owned()), device: Some(5) }
    }

    fn verdict(list: &List, ticket: &Ticket, scans: &[Scan], wanted: &Wanted) -> Verdict {
        let is_entry = |scan: &&Scan| scan.direction == Direction::Entry;
        let entries: Vec<Timestamp> = scans.iter().filter(is_entry).map(|scan| scan.at).collect();
        let facts = Facts {
            item: 3,
            variation: None,
            now: wanted.at,
            entries: &entries,
            is_present: false,
            date_from: at(90),
            date_to: None,
            date_admission: None,
            zone: &TimeZone::UTC,
        };
        decide(list, ticket, scans, wanted, &facts, false)
    }

    const NEW: Verdict = Verdict::Ok { is_new: true, forced: false };
    const FORCED: Verdict = Verdict::Ok { is_new: true, forced: true };
    const AGAIN: Verdict = Verdict::Ok { is_new: false, forced: false };

    fn refused(reason: Reason) -> Verdict {
        Verdict::Refused(reason, None)
    }

    #[test]
    fn what_speaks_against_it_is_told_in_order_and_can_be_forced() {
        let date = Product { date: Some(SubeventId(2)), ..ticket().product };
        let dated = List { subevent: Some(4), ..list() };
        let cases = [
            (list(), Ticket { canceled: true, require_approval: true, ..ticket() }, Reason::Canceled),
            (list(), Ticket { status: OrderStatus::Canceled, ..ticket() }, Reason::Canceled),
            (list(), Ticket { status: OrderStatus::Expired, ..ticket() }, Reason::Canceled),
            (list(), Ticket { canceled: true, blocked: true, ..ticket() }, Reason::Canceled),
            (list(), Ticket { blocked: true, require_approval: true, ..ticket() }, Reason::Blocked),
            (list(), Ticket { require_approval: true, valid_until: Some(at(9)), ..ticket() }, Reason::Unapproved),
            (list(), Ticket { require_approval: true, status: OrderStatus::Pending, ..ticket() }, Reason::Unapproved),
            (list(), Ticket { valid_from: Some(at(101)), ..ticket() }, Reason::InvalidTime),
            (
                List { products: vec![4], ..list() },
                Ticket { valid_until: Some(at(99)), ..ticket() },
                Reason::InvalidTime,
            ),
            (
                List { products: vec![4], ..list() },
                Ticket { status: OrderStatus::Pending, ..ticket() },
                Reason::Product,
            ),
            (dated, Ticket { product: date, ..ticket() }, Reason::Product),
            (list(), Ticket { status: OrderStatus::Pending, ..ticket() }, Reason::Unpaid),
        ];
        for (list, ticket, reason) in cases {
            assert_eq!(verdict(&list, &ticket, &[], &wanted()), refused(reason), "{ticket:?}");
            assert_eq!(verdict(&list, &ticket, &[], &Wanted { force: true, ..wanted() }), FORCED);
        }
        assert_eq!(verdict(&list(), &ticket(), &[], &wanted()), NEW);
        assert_eq!(verdict(&list(), &ticket(), &[], &Wanted { force: true, ..wanted() }), NEW, "force was not needed");
        assert_eq!(verdict(&List { all_products: true, products: vec![], ..list() }, &ticket(), &[], &wanted()), NEW);
    }

    #[test]
    fn of_several_tickets_the_one_is_meant_that_is_valid() {
        let at_door = List { addon_match: true, all_products: true, ..list() };
        let lasting = |id: i64, from: Option<i64>, until: Option<i64>| Ticket {
            position: PositionId(id),
            valid_from: from.map(at),
            valid_until: until.map(at),
            ..ticket()
        };
        let picked = |tickets: &[Ticket]| pick(&at_door, tickets, at(100)).map(|it| it.map(|it| it.position.0));
        let (early, late) = (lasting(1, Some(50), Some(99)), lasting(3, Some(120), None));
        let soon = lasting(4, Some(101), Some(110));
        let now = lasting(2, Some(100), Some(100));
        assert_eq!(picked(&[early.clone(), now.clone(), late.clone()]), Ok(Some(2)));
        assert_eq!(picked(&[early.clone(), late.clone(), soon]), Ok(Some(4)), "valid next");
        assert_eq!(picked(&[lasting(5, None, Some(40)), early.clone()]), Ok(Some(1)), "last valid");
        assert_eq!(picked(&[early.clone(), now.clone(), lasting(6, None, None)]), Err(Reason::Ambiguous));
        // What the list is not for does not count, whenever it is valid.
        let narrow = List { all_products: false, products: vec![7], ..at_door.clone() };
        let of_list = Ticket { product: Product { item: ItemId(7), variation: None, date: None }, ..early };
        assert_eq!(pick(&narrow, &[now, of_list], at(100)).map(|it| it.map(|it| it.position.0)), Ok(Some(1)));
    }

    #[test]
    fn a_ticket_is_valid_from_its_first_moment_to_its_last_and_everybody_may_leave() {
        let now = Ticket { valid_from: Some(at(100)), valid_until: Some(at(100)), ..ticket() };
        assert_eq!(verdict(&list(), &now, &[], &wanted()), NEW);
        let leaving = Wanted { direction: Direction::Exit, ..wanted() };
        let over = Ticket { valid_until: Some(at(99)), ..ticket() };
        assert_eq!(verdict(&list(), &over, &[scan(Direction::Entry, 90, "in")], &leaving), NEW);
        let blocked = Ticket { blocked: true, ..ticket() };
        assert_eq!(verdict(&list(), &blocked, &[scan(Direction::Entry, 90, "in")], &leaving), refused(Reason::Blocked));
    }

    #[test]
    fn an_open_order_is_excused_by_itself_or_by_both_the_list_and_the_device() {
        let open = Ticket { status: OrderStatus::Pending, ..ticket() };
        let ignoring = Wanted { ignore_unpaid: true, ..wanted() };
        let pending = List { include_pending: true, ..list() };
        assert_eq!(verdict(&list(), &open, &[], &ignoring), refused(Reason::Unpaid));
        assert_eq!(verdict(&pending, &open, &[], &wanted()), refused(Reason::Unpaid));
        assert_eq!(verdict(&pending, &open, &[], &ignoring), NEW);
        assert_eq!(verdict(&list(), &Ticket { valid_if_pending: true, ..open }, &[], &wanted()), NEW);
    }

    #[test]
    fn a_former_code_opens_only_by_force() {
        let former = Wanted { revoked: true, ..wanted() };
        let gone = Ticket { canceled: true, ..ticket() };
        for ticket in [ticket(), gone] {
            assert_eq!(verdict(&list(), &ticket, &[], &former), refused(Reason::Revoked));
        }
        assert_eq!(verdict(&list(), &ticket(), &[], &Wanted { force: true, ..former }), FORCED);
    }

    #[test]
    fn rules_are_for_entries() {
        let list = List { rules: json!({"<": [{"var": "entries_number"}, 0]}), ..list() };
        assert!(matches!(verdict(&list, &ticket(), &[], &wanted()), Verdict::Refused(Reason::Rules, Some(_))));
        assert_eq!(verdict(&list, &ticket(), &[], &Wanted { direction: Direction::Exit, ..wanted() }), NEW);
    }

    #[test]
    fn a_ticket_enters_once_and_again_after_an_exit_where_the_list_says_so() {
        let (inside, left) = (scan(Direction::Entry, 1, "a"), scan(Direction::Exit, 2, "b"));
        let used = refused(Reason::AlreadyRedeemed);
        assert_eq!(verdict(&list(), &ticket(), std::slice::from_ref(&inside), &wanted()), used);
        assert_eq!(verdict(&list(), &ticket(), &[inside.clone(), left.clone()], &wanted()), NEW);
        let strict = List { allow_entry_after_exit: false, ..list() };
        assert_eq!(verdict(&strict, &ticket(), &[inside.clone(), left.clone()], &wanted()), used);
        assert_eq!(verdict(&strict, &ticket(), std::slice::from_ref(&left), &wanted()), NEW, "never entered");
        let many = List { allow_multiple_entries: true, ..strict };
        assert_eq!(verdict(&many, &ticket(), std::slice::from_ref(&inside), &wanted()), NEW);
        let exit = Wanted { direction: Direction::Exit, ..wanted() };
        assert_eq!(verdict(&list(), &ticket(), &[inside.clone(), left], &exit), NEW, "exits are always accepted");
        assert_eq!(verdict(&list(), &ticket(), &[inside], &Wanted { force: true, ..wanted() }), FORCED);
    }

    #[test]
    fn the_same_nonce_is_the_same_scan() {
        let again = |nonce: &str| Wanted { nonce: Some(nonce.to_owned()), ..wanted() };
        let (inside, left) = (scan(Direction::Entry, 1, "a"), scan(Direction::Exit, 2, "b"));
        assert_eq!(verdict(&list(), &ticket(), std::slice::from_ref(&inside), &again("a")), AGAIN);
        assert_eq!(verdict(&list(), &ticket(), &[inside.clone(), left.clone()], &again("a")), AGAIN, "by this device");
        let other = Wanted { device: Some(6), ..again("a") };
        assert_eq!(verdict(&list(), &ticket(), &[inside.clone(), left], &other), NEW, "another device's own nonce");
        assert_eq!(verdict(&list(), &ticket(), std::slice::from_ref(&inside), &other), AGAIN, "the latest scan");
        assert_eq!(verdict(&list(), &ticket(), &[inside], &again("c")), refused(Reason::AlreadyRedeemed));
    }
}
