//! Letting people in and out with their tickets (spec domain 18).
//!
//! A scan is decided under a lock of its ticket ([`ScanLock`]): two doors that scan one ticket at once let one of them in.
//! Doors never wait for the sale. Failed attempts are written too.

pub mod decide;
pub mod guests;
pub mod rules;
pub mod sql;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::{
    decide::{Verdict, Wanted, decide},
    rules::Facts,
};
use crate::{
    boxoffice::Product,
    event::Event,
    id::{EventId, OrderId, PositionId, QuestionId},
    order::OrderStatus,
    port::{
        db::{DbError, Tx},
        lock::ScanLock,
    },
    question::{self, Question, QuestionType},
    record,
    staff::Scope,
    time::Timestamp,
};

/// How long after a scan it can be taken back.
pub const ANNUL_SECONDS: i64 = 15 * 60;

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// In.
    Entry,
    /// Out.
    Exit,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Entry, Self::Exit];

    /// The code in the database and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Exit => "exit",
        }
    }

    /// Reads [`Self::code`].
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|direction| direction.code() == code)
    }
}

/// Why somebody was not let in (spec domain 18.3), as far as the shop decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nobody knows the code.
    Invalid,
    /// The ticket was given another code.
    Revoked,
    /// The ticket, or its order, is not valid any more.
    Canceled,
    /// Somebody has blocked the ticket.
    Blocked,
    /// The order waits for approval.
    Unapproved,
    /// The ticket is not valid yet, or not any more.
    InvalidTime,
    /// The list is for something else.
    Product,
    /// The order is not paid.
    Unpaid,
    /// The list's own rules.
    Rules,
    /// Questions must be answered.
    Incomplete,
    /// It was used before.
    AlreadyRedeemed,
    /// Several tickets fit.
    Ambiguous,
}

impl Reason {
    /// The code in the database and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Revoked => "revoked",
            Self::Canceled => "canceled",
            Self::Blocked => "blocked",
            Self::Unapproved => "unapproved",
            Self::InvalidTime => "invalid_time",
            Self::Product => "product",
            Self::Unpaid => "unpaid",
            Self::Rules => "rules",
            Self::Incomplete => "incomplete",
            Self::AlreadyRedeemed => "already_redeemed",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// Every reason that a device may report of its own.
pub const REPORTED: &[&str] = &[
    "invalid",
    "revoked",
    "canceled",
    "blocked",
    "unapproved",
    "invalid_time",
    "product",
    "unpaid",
    "rules",
    "incomplete",
    "already_redeemed",
    "ambiguous",
    "already_exchanged",
    "medium_invalid",
    "medium_exists",
    "annulled",
    "error",
];

/// Who may come in.
#[derive(Debug, Clone)]
pub struct List {
    /// Its row.
    pub id: i64,
    /// Its event.
    pub event: EventId,
    /// Its name.
    pub name: String,
    /// All products of the event.
    pub all_products: bool,
    /// Or these.
    pub products: Vec<i64>,
    /// One date of a series, or all.
    pub subevent: Option<i64>,
    /// Open orders are on it as well.
    pub include_pending: bool,
    /// A ticket also stands for its add-ons.
    pub addon_match: bool,
    /// Tickets can be used any number of times.
    pub allow_multiple_entries: bool,
    /// Whoever went out may come in again.
    pub allow_entry_after_exit: bool,
    /// Its own logic.
    pub rules: Value,
}

impl List {
    /// Whether a ticket is for what the list is for.
    pub fn admits(&self, ticket: &Ticket) -> bool {
        let product = self.all_products || self.products.contains(&ticket.product.item.0);
        product && self.subevent.is_none_or(|date| ticket.product.date.is_some_and(|it| it.0 == date))
    }
}

/// A ticket, as far as doors need to know it.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// The position.
    pub position: PositionId,
    /// Its event.
    pub event: EventId,
    /// Its order.
    pub order: OrderId,
    /// What it is for.
    pub product: Product,
    /// It was cancelled.
    pub canceled: bool,
    /// What became of the order.
    pub status: OrderStatus,
    /// The order waits for approval.
    pub require_approval: bool,
    /// It is valid even if nobody has paid.
    pub valid_if_pending: bool,
    /// Somebody has blocked it.
    pub blocked: bool,
    /// From when it is valid.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_until: Option<Timestamp>,
    /// It has the code itself, and is not an add-on of what has it.
    pub is_exact: bool,
    /// Staff is to look twice.
    pub attention: bool,
    /// What staff is told.
    pub texts: Vec<String>,
}

impl Ticket {
    /// Whether a moment is among those for which it is valid.
    pub fn is_valid_at(&self, moment: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= moment) && self.valid_until.is_none_or(|until| moment <= until)
    }
}

/// Somebody who was let in or out before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// In or out.
    pub direction: Direction,
    /// When.
    pub at: Timestamp,
    /// What made it one scan.
    pub nonce: Option<String>,
    /// By which device.
    pub device: Option<i64>,
}

/// What was scanned, for the record.
#[derive(Debug, Clone)]
pub struct Raw {
    /// What the code said.
    pub barcode: String,
    /// Where the code was.
    pub source: String,
}

/// A scan that is asked for.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The list.
    pub list: &'a List,
    /// Its event.
    pub event: &'a Event,
    /// Who asks.
    pub scope: Scope,
    /// What is wanted.
    pub wanted: Wanted,
    /// What was scanned.
    pub raw: Raw,
    /// Answers that were given at the door, by question.
    pub answers: &'a [(QuestionId, String)],
    /// The device can ask questions.
    pub asks_questions: bool,
    /// Nothing is written.
    pub simulate: bool,
    /// The present moment.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// What was decided.
    pub verdict: Verdict,
    /// The ticket as it was then.
    pub ticket: Ticket,
    /// What is still to be asked.
    pub questions: Vec<QuestionId>,
}

/// The one of several tickets that is meant at a moment, or `None` if that cannot be said. Add-ons count only where the list
/// says so.
pub fn pick<'a>(list: &List, tickets: &'a [Ticket], at: Timestamp) -> Result<Option<&'a Ticket>, Reason> {
    let of_list = || tickets.iter().filter(|it| it.event == list.event && (it.is_exact || list.addon_match));
    if of_list().count() < 2 {
        return Ok(of_list().next());
    }
    let fitting = || of_list().filter(|it| list.admits(it) && !it.canceled);
    if fitting().count() < 2 {
        // None fits: the ticket itself says why.
        return Ok(fitting().next().or_else(|| of_list().find(|it| it.is_exact)).or_else(|| of_list().next()));
    }
    let mut valid = fitting().filter(|it| it.is_valid_at(at));
    match (valid.next(), valid.next()) {
        (Some(one), None) => Ok(Some(one)),
        (Some(_), Some(_)) => Err(Reason::Ambiguous),
        (None, _) => Ok(nearest(fitting(), at)),
    }
}

/// Of tickets that are not valid at a moment the one that will be next, or else the one that was last: it says why not.
fn nearest<'a>(tickets: impl Iterator<Item = &'a Ticket> + Clone, at: Timestamp) -> Option<&'a Ticket> {
    let next = tickets.clone().filter(|it| it.valid_from.is_some_and(|from| from > at)).min_by_key(|it| it.valid_from);
    next.or_else(|| tickets.max_by_key(|it| it.valid_until))
}

/// Lets somebody in or out, or says why not. What is decided on is read under the ticket's lock.
pub async fn redeem(tx: &Tx<'_>, ask: &Ask<'_>, position: PositionId) -> Result<Option<Outcome>, DbError> {
    let lock = ScanLock::acquire(tx, position).await?;
    if !ask.simulate {
        // Everybody takes an order before its tickets.
        sql::hold_order(&lock, ask.event.id).await?;
    }
    let Some(ticket) = sql::ticket(&lock, ask.event).await? else { return Ok(None) };
    let scans = sql::scans(&lock, ask.list).await?;
    let asked = question::of_event(tx, ask.event.id).await?;
    let known = sql::answers(&lock, ask.event.id).await?;
    let given = valid_answers(ask, &ticket, &asked);
    let questions = match ask.asks_questions {
        true => missing(&ticket, &asked, &known, &given),
        false => Vec::new(),
    };
    if !ask.simulate {
        // One answer each, however often a question is named.
        let kept: BTreeMap<i64, String> =
            given.iter().filter_map(|(id, answer)| Some((id.0, answer.clone()?))).collect();
        sql::keep_answers(&lock, ask.event.id, kept).await?;
    }
    let entries: Vec<Timestamp> =
        scans.iter().filter(|scan| scan.direction == Direction::Entry).map(|scan| scan.at).collect();
    let (date_from, date_to, date_admission) = sql::dates(tx, ask.event, ticket.product.date).await?;
    let facts = Facts {
        item: ticket.product.item.0,
        variation: ticket.product.variation.map(|it| it.0),
        now: ask.wanted.at,
        entries: &entries,
        is_present: scans.last().is_some_and(|scan| scan.direction == Direction::Entry),
        date_from,
        date_to,
        date_admission,
        zone: &ask.event.timezone,
    };
    let verdict = decide(ask.list, &ticket, &scans, &ask.wanted, &facts, !questions.is_empty());
    if !ask.simulate {
        write(&lock, ask, &ticket, &verdict).await?;
    }
    Ok(Some(Outcome { verdict, ticket, questions }))
}

async fn write(lock: &ScanLock<'_>, ask: &Ask<'_>, ticket: &Ticket, verdict: &Verdict) -> Result<(), DbError> {
    let (reason, explanation, forced, action) = match verdict {
        // Nobody was turned away: the device asks and comes again.
        Verdict::Ok { is_new: false, .. } | Verdict::Incomplete => return Ok(()),
        Verdict::Ok { forced, .. } => (None, None, *forced, "pretix.event.checkin"),
        Verdict::Refused(reason, text) => (Some(reason.code()), text.as_deref(), false, "pretix.event.checkin.denied"),
    };
    // Told again because the answer was lost: it was one attempt.
    let (nonce, device) = (ask.wanted.nonce.as_deref(), ask.wanted.device);
    if reason.is_some() && sql::is_reported(lock.tx(), ask.list, nonce, device).await? {
        return Ok(());
    }
    let attempt = Attempt {
        position: Some(lock.position()),
        direction: ask.wanted.direction,
        at: ask.wanted.at,
        nonce,
        forced,
        force_sent: ask.wanted.force,
        reason,
        explanation,
        raw: json!({ "barcode": ask.raw.barcode, "source": ask.raw.source }),
    };
    sql::insert(lock.tx(), (ask.list, device), &attempt, ask.now).await?;
    let said = json!({
        "orderposition_id": lock.position(),
        "checkin_list": ask.list.id,
        "type": ask.wanted.direction.code(),
        "error_reason": reason,
        "forced": forced,
    });
    record::log(lock.tx(), ask.scope, ("order", ticket.order.0), action, &said, ask.now).await?;
    match reason {
        // Devices that keep orders ask for those that have changed.
        None => sql::touch(lock.tx(), ticket.event, ticket.order, ask.now).await,
        Some(_) => Ok(()),
    }
}

/// An attempt, as it is written.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The ticket, if there is one.
    pub position: Option<PositionId>,
    /// In or out.
    pub direction: Direction,
    /// When, as the device says.
    pub at: Timestamp,
    /// What makes it one scan.
    pub nonce: Option<&'a str>,
    /// It was possible only by force.
    pub forced: bool,
    /// Force was asked for.
    pub force_sent: bool,
    /// Why it failed, if it did.
    pub reason: Option<&'a str>,
    /// In words.
    pub explanation: Option<&'a str>,
    /// What was scanned: `barcode`, `source`, `item`, `variation`, `subevent`.
    pub raw: Value,
}

/// Answers to questions of the door, `None` where nothing was said; what is not an answer is dropped (spec domain 18.4).
fn valid_answers(ask: &Ask<'_>, ticket: &Ticket, questions: &[Question]) -> Vec<(QuestionId, Option<String>)> {
    let read = |(id, text): &(QuestionId, String)| {
        let question = questions.iter().find(|it| it.id == *id && is_asked(it, ticket))?;
        if text.trim().is_empty() {
            return (!question.required).then_some((*id, None));
        }
        let by_id = |part: &str| {
            let option = question.options.iter().find(|option| option.id.to_string() == part);
            option.map_or_else(|| part.to_owned(), |option| option.identifier.clone())
        };
        let raw: Vec<String> = match question.kind {
            QuestionType::Choice | QuestionType::Choices => text.split(',').map(|part| by_id(part.trim())).collect(),
            QuestionType::YesNo if text.eq_ignore_ascii_case("true") => vec!["True".to_owned()],
            QuestionType::YesNo => Vec::new(),
            _ => vec![text.clone()],
        };
        let raw: Vec<&str> = raw.iter().map(String::as_str).collect();
        question::validate(question, &raw, &ask.event.timezone).ok().map(|stored| (*id, stored))
    };
    ask.answers.iter().filter_map(read).collect()
}

fn is_asked(question: &Question, ticket: &Ticket) -> bool {
    question.ask_during_checkin && !question.hidden && question.items.contains(&ticket.product.item)
}

/// Questions of the door that are neither answered nor passed over.
fn missing(
    ticket: &Ticket,
    questions: &[Question],
    known: &[(QuestionId, String)],
    given: &[(QuestionId, Option<String>)],
) -> Vec<QuestionId> {
    let answer = |id: QuestionId| {
        let given = given.iter().find(|(of, _)| *of == id).and_then(|(_, answer)| answer.as_deref());
        given.or_else(|| known.iter().find(|(of, _)| *of == id).map(|(_, answer)| answer.as_str()))
    };
    let applies = |question: &Question| {
        question.dependency.as_ref().is_none_or(|on| {
            answer(on.question).is_some_and(|said| said.split(',').any(|part| on.values.iter().any(|it| it == part)))
        })
    };
    let is_open = |question: &&Question| {
        let is_said = known.iter().any(|(id, _)| *id == question.id) || given.iter().any(|(id, _)| *id == question.id);
        is_asked(question, ticket) && applies(question) && !is_said
    };
    questions.iter().filter(is_open).map(|question| question.id).collect()
}

/// Why a scan could not be taken back.
#[derive(Debug, thiserror::Error)]
pub enum AnnulError {
    /// Nobody has scanned with this nonce.
    #[error("Unknown nonce.")]
    Unknown,
    /// Several scans have it.
    #[error("Ambiguous: several scans have this nonce.")]
    Ambiguous,
    /// It was another device's.
    #[error("This scan was made by another device.")]
    OtherDevice,
    /// Nobody was let in by it.
    #[error("This scan was not successful.")]
    Unsuccessful,
    /// It was too long ago.
    #[error("It is too late to take this scan back.")]
    TooLate,
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What a door says of a scan that it takes back.
#[derive(Debug)]
pub struct Annulled<'a> {
    /// The nonce of the scan.
    pub nonce: &'a str,
    /// Who says so; only the device that has scanned may.
    pub device: Option<i64>,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub explanation: Option<&'a str>,
}

/// Takes a scan back (spec domain 18.5).
pub async fn annul(
    tx: &Tx<'_>,
    scope: Scope,
    lists: &[List],
    said: &Annulled<'_>,
    now: Timestamp,
) -> Result<(), AnnulError> {
    let found = sql::by_nonce(tx, lists, said.nonce).await?;
    let scan = match &found[..] {
        [] => return Err(AnnulError::Unknown),
        [one] => one,
        several => {
            let mut successful = several.iter().filter(|it| it.successful);
            match (successful.next(), successful.next()) {
                (Some(one), None) => one,
                (Some(_), Some(_)) => return Err(AnnulError::Ambiguous),
                (None, _) => return Err(AnnulError::Unsuccessful),
            }
        }
    };
    if scan.device != said.device {
        return Err(AnnulError::OtherDevice);
    }
    if scan.at.seconds_until(said.at) > ANNUL_SECONDS {
        return Err(AnnulError::TooLate);
    }
    // Whoever decides about the ticket right now does so before or after this.
    let order = match scan.position {
        Some(position) => sql::hold_order(&ScanLock::acquire(tx, position).await?, scan.event).await?,
        None => None,
    };
    if !sql::annul(tx, scan, said.explanation).await? {
        return Err(AnnulError::Unsuccessful);
    }
    if let Some(order) = order {
        let told = json!({ "orderposition_id": scan.position, "checkin_list": scan.list });
        let action = "pretix.event.checkin.annulled";
        record::log(tx, scope.within(scan.event), ("order", order.0), action, &told, now).await?;
        sql::touch(tx, scan.event, order, now).await?;
    }
    Ok(())
}
