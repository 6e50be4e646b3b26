//! Scanning (spec rest-api 10.1 to 10.3).

use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value, json};

use super::people;
use crate::{
    checkin::{
        self, AnnulError, Annulled, Ask, Attempt, Direction, List, Outcome, REPORTED, Raw, Reason,
        decide::{Verdict, Wanted},
        pick, sql,
    },
    ctx::Ctx,
    endpoint::{
        api::{
            Around, Caller,
            field::{self, Field, Kind},
            keep_refusal,
            list::asks_for,
            read,
            read::{Faults, read_field, read_flag},
            resource::Resource as _,
            respond,
        },
        api_orders::{json::Extra, query::add_history},
        api_questions::Questions,
    },
    event,
    http::{self, ApiError},
    id::{EventId, PositionId, QuestionId},
    idempotency::{Answer, Call},
    order::{self, secret::sql::former},
    port::db::Tx,
    record,
    staff::{self, Credential, Permission},
    time::Timestamp,
};

const AT: Field = Field::new("datetime", Kind::Moment).null();
const NONCE: Field = Field::new("nonce", Kind::Text(190)).null();
const TEXT: Field = Field::new("text", Kind::Text(1000)).null();

/// What a body says about a scan.
struct Said {
    direction: Direction,
    source: String,
    force: bool,
    ignore_unpaid: bool,
    asks_questions: bool,
    knows_canceled: bool,
    simulate: bool,
    nonce: Option<String>,
    at: Timestamp,
    answers: Vec<(QuestionId, String)>,
}

struct Reader<'a> {
    body: &'a Map<String, Value>,
    around: &'a Around,
    faults: Faults,
}

impl Reader<'_> {
    fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.body.get(name) {
            None | Some(Value::Null) => default,
            Some(given) => read_flag(given).unwrap_or_else(|| {
                self.faults.add(name, "Must be a valid boolean.");
                default
            }),
        }
    }

    fn string(&mut self, name: &str, field: &Field) -> Option<String> {
        match read_field(field, self.body.get(name).unwrap_or(&Value::Null), self.around) {
            Ok(value) => value.and_then(|value| value.as_str().map(str::to_owned)).filter(|text| !text.is_empty()),
            Err(message) => {
                self.faults.add(name, message);
                None
            }
        }
    }

    fn direction(&mut self) -> Direction {
        let said = self.body.get("type").filter(|it| !it.is_null()).map(|it| it.as_str().and_then(Direction::parse));
        said.unwrap_or(Some(Direction::Entry)).unwrap_or_else(|| {
            self.faults.add("type", "Allowed are entry and exit.");
            Direction::Entry
        })
    }

    fn at(&mut self) -> Timestamp {
        self.string("datetime", &AT).and_then(|text| Timestamp::parse(&text)).unwrap_or(self.around.now)
    }

    fn number(&mut self, name: &str) -> Option<i64> {
        match self.body.get(name) {
            None | Some(Value::Null) => None,
            Some(given) => given.as_i64().or_else(|| {
                self.faults.add(name, "A valid integer is required.");
                None
            }),
        }
    }

    fn lists(&mut self) -> Vec<i64> {
        let list = self.body.get("lists").and_then(Value::as_array);
        let ids: Option<Vec<i64>> = list
            .filter(|list| !list.is_empty())
            .and_then(|list| list.iter().map(|id| id.as_i64().or_else(|| id.as_str()?.parse().ok())).collect());
        ids.unwrap_or_else(|| {
            self.faults.add("lists", "A list of ids is needed.");
            Vec::new()
        })
    }

    fn scan(&mut self) -> Said {
        let answers = match self.body.get("answers") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(answers)) => answers.iter().filter_map(answer).collect(),
            Some(_) => {
                self.faults.add("answers", "Expected answers by the ids of their questions.");
                Vec::new()
            }
        };
        for name in ["exchange_medium_type", "exchange_medium_identifier"] {
            if self.body.get(name).is_some_and(|it| !it.is_null()) {
                self.faults.add(name, "This is not available.");
            }
        }
        Said {
            direction: self.direction(),
            source: self.string("source_type", &TEXT).unwrap_or_else(|| "barcode".to_owned()),
            force: self.flag("force", false),
            ignore_unpaid: self.flag("ignore_unpaid", false),
            asks_questions: self.flag("questions_supported", true),
            knows_canceled: self.flag("canceled_supported", false),
            simulate: self.flag("simulate", false),
            nonce: self.string("nonce", &NONCE),
            at: self.at(),
            answers,
        }
    }
}

/// What is no answer at all is dropped, as everything that is no valid one (spec domain 18.4).
fn answer((id, said): (&String, &Value)) -> Option<(QuestionId, String)> {
    let text = match said {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => return None,
    };
    Some((QuestionId(id.parse().ok()?), text))
}

/// Where a scan happens: who asks, on which lists.
struct Door {
    caller: Caller,
    credential: Credential,
    lists: Vec<(List, String)>,
}

impl Door {
    fn device(&self) -> Option<i64> {
        self.credential.device.map(|(id, _)| id)
    }

    async fn open(tx: &Tx<'_>, caller: Caller, credential: Credential, ids: &Vec<i64>) -> Result<Self, ApiError> {
        let lists = sql::lists(tx, caller.organizer.id, ids).await?;
        if let Some(id) = ids.iter().find(|id| lists.iter().all(|(list, _)| list.id != **id)) {
            return Err(ApiError::field("lists", format!("Invalid pk \"{id}\" - object does not exist.")));
        }
        if lists.iter().any(|(list, _)| !credential.includes(list.event)) {
            return Err(ApiError::Forbidden);
        }
        let mut events: Vec<EventId> = lists.iter().map(|(list, _)| list.event).collect();
        events.sort_unstable();
        events.dedup();
        if events.len() < lists.len() {
            return Err(ApiError::field("lists", "Only one list of each event can be scanned for."));
        }
        Ok(Self { caller, credential, lists })
    }
}

/// `POST checkinrpc/redeem/`.
pub(super) async fn by_secret(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    scan(ctx, request, None).await
}

/// `POST …/positions/ID_OR_SECRET/redeem/`, the older form.
pub(super) async fn at_list(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let (_, _, list) = super::at_list_of_path(ctx, &request, Permission::CheckinWrite).await?;
    scan(ctx, request, Some(list)).await
}

async fn scan(ctx: &'static Ctx, request: Request, list: Option<i64>) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Permission::CheckinWrite).await?;
    let credential = staff::authenticate(&request, &*db).await?;
    let call = Call::by(&request, caller.scope.token())?;
    let now = ctx.now();
    let around = caller.around(ctx, &*db, &[], now).await?;
    let tx = db.begin().await?;
    let done = once(&tx, &call, (ctx, &request), (caller, credential), &around, list).await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, now).await?))
}

async fn once(
    tx: &Tx<'_>,
    call: &Call,
    (ctx, request): (&Ctx, &Request),
    (caller, credential): (Caller, Credential),
    around: &Around,
    list: Option<i64>,
) -> Result<Answer, ApiError> {
    if let Some(answer) = call.begin(tx, around.now).await? {
        return Ok(answer);
    }
    let body = read::object(request)?;
    let mut reader = Reader { body: &body, around, faults: Faults::default() };
    let mut said = reader.scan();
    let (ids, code, by_id) = match list {
        Some(list) => {
            let code = http::path(request, "ticket")?;
            // What somebody else has written on a ticket is no number of ours (spec domain 18.4).
            let is_printed = credential.device.is_some() || asks_for(request, "untrusted_input");
            let by_id = if is_printed { None } else { code.parse().ok() };
            (vec![list], code, by_id)
        }
        None => {
            said.knows_canceled = true;
            let code = reader.string("secret", &TEXT).unwrap_or_default();
            if code.is_empty() {
                reader.faults.add("secret", "This field is required.");
            }
            (reader.lists(), code, None)
        }
    };
    reader.faults.check()?;
    let door = Door::open(tx, caller, credential, &ids).await?;
    let answer = decide(tx, (ctx, request), &door, &said, (&code, by_id), around.now).await?;
    call.end(tx, &answer).await?;
    Ok(answer)
}

async fn decide(
    tx: &Tx<'_>,
    asked: (&Ctx, &Request),
    door: &Door,
    said: &Said,
    (code, id): (&str, Option<i64>),
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let events: Vec<EventId> = door.lists.iter().map(|(list, _)| list.event).collect();
    let mut tickets = sql::candidates(tx, door.caller.organizer.id, &events, code, None).await?;
    if tickets.is_empty() && id.is_some() {
        tickets = sql::candidates(tx, door.caller.organizer.id, &events, code, id).await?;
    }
    let mut found = None;
    for (list, slug) in &door.lists {
        match pick(list, &tickets, said.at) {
            Ok(None) => {}
            Ok(Some(ticket)) => {
                found = Some((list, slug, ticket.position));
                break;
            }
            Err(reason) => return unknown(tx, door, (list, slug), said, code, reason, now).await,
        }
    }
    let mut revoked = false;
    if found.is_none()
        && let Some((event, position)) = former(tx, door.caller.organizer.id, &events, code).await?
    {
        revoked = true;
        found = door.lists.iter().find(|(list, _)| list.event == event).map(|(list, slug)| (list, slug, position));
    }
    let first = door.lists.first().ok_or(ApiError::NotFound)?;
    let Some((list, slug, position)) = found else {
        return unknown(tx, door, (&first.0, &first.1), said, code, Reason::Invalid, now).await;
    };
    let event = event::by_id(tx, list.event).await?.ok_or(ApiError::NotFound)?;
    let ask = Ask {
        list,
        event: &event,
        scope: door.caller.scope.within(event.id),
        wanted: Wanted {
            direction: said.direction,
            at: said.at,
            force: said.force,
            ignore_unpaid: said.ignore_unpaid,
            nonce: said.nonce.clone(),
            device: door.device(),
            revoked,
        },
        raw: Raw { barcode: code.to_owned(), source: said.source.clone() },
        answers: &said.answers,
        asks_questions: said.asks_questions,
        simulate: said.simulate,
        now,
    };
    let outcome = checkin::redeem(tx, &ask, position).await?.ok_or(ApiError::NotFound)?;
    told(tx, asked, &ask, slug, &outcome, said.knows_canceled).await
}

fn list_json(list: &List, slug: &str) -> Value {
    json!({ "id": list.id, "name": list.name, "event": slug, "subevent": list.subevent,
            "include_pending": list.include_pending })
}

/// Nobody knows the code, or it says too little; written all the same.
async fn unknown(
    tx: &Tx<'_>,
    door: &Door,
    (list, slug): (&List, &str),
    said: &Said,
    code: &str,
    reason: Reason,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    if !said.simulate && !sql::is_reported(tx, list, said.nonce.as_deref(), door.device()).await? {
        let attempt = Attempt {
            position: None,
            direction: said.direction,
            at: said.at,
            nonce: said.nonce.as_deref(),
            forced: false,
            force_sent: said.force,
            reason: Some(reason.code()),
            explanation: None,
            raw: json!({ "barcode": code, "source": said.source }),
        };
        sql::insert(tx, (list, door.device()), &attempt, now).await?;
        let scope = door.caller.scope.within(list.event);
        let data = json!({ "type": said.direction.code(), "error_reason": reason.code() });
        let action = "pretix.event.checkin.unknown";
        record::log(tx, scope, ("checkinlist", list.id), action, &data, now).await?;
    }
    let mut body = json!({ "status": "error", "reason": reason.code(), "reason_explanation": null,
                           "require_attention": false, "checkin_texts": [], "list": list_json(list, slug) });
    if reason == Reason::Invalid {
        body["detail"] = json!("Not found.");
        return Ok(Answer { status: 404, body });
    }
    Ok(Answer { status: 400, body })
}

async fn told(
    tx: &Tx<'_>,
    (ctx, request): (&Ctx, &Request),
    ask: &Ask<'_>,
    slug: &str,
    outcome: &Outcome,
    knows_canceled: bool,
) -> Result<Answer, ApiError> {
    let (event, ticket) = (ask.event, &outcome.ticket);
    let order = order::by_id(tx, event, ticket.order).await?.ok_or(ApiError::NotFound)?;
    let extra = Extra::without_files(ctx.storefronts().catalogue(tx, event).await?, ask.now).asked_by(request);
    let mut position = people::told(event, &order, ticket.position.0, &extra).ok_or(ApiError::NotFound)?;
    position["require_attention"] = json!(ticket.attention);
    add_history(tx, event.id, vec![&mut position], Some(ask.list.id)).await?;
    let mut body = json!({
        "require_attention": ticket.attention,
        "checkin_texts": ticket.texts,
        "position": position,
        "list": list_json(ask.list, slug),
    });
    let status = match &outcome.verdict {
        Verdict::Ok { .. } => {
            body["status"] = json!("ok");
            201
        }
        Verdict::Incomplete => {
            body["status"] = json!("incomplete");
            body["reason"] = json!(Reason::Incomplete.code());
            body["questions"] = questions(tx, ask, &outcome.questions).await?;
            400
        }
        Verdict::Refused(reason, text) => {
            // Older clients do not know that tickets can be cancelled.
            let reason = if *reason == Reason::Canceled && !knows_canceled { Reason::Unpaid } else { *reason };
            body["status"] = json!("error");
            body["reason"] = json!(reason.code());
            body["reason_explanation"] = json!(text);
            400
        }
    };
    Ok(Answer { status, body })
}

async fn questions(tx: &Tx<'_>, ask: &Ask<'_>, ids: &[QuestionId]) -> Result<Value, ApiError> {
    let around = Around::plain(ask.event, ask.now);
    let mut told = Vec::new();
    for id in ids {
        if let Some(found) = record::find(tx, Questions::TABLE, ask.scope, id.0).await? {
            told.push(field::show(Questions::FIELDS, &found, &around));
        }
    }
    Ok(json!(told))
}

/// `POST …/failed_checkins/`: what a device has turned away while it was alone.
pub(super) async fn failed(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let (caller, event, list) = super::at_list_of_path(ctx, &request, Permission::CheckinWrite).await?;
    let mut db = ctx.db().await?;
    let credential = staff::authenticate(&request, &*db).await?;
    let call = Call::by(&request, caller.scope.token())?;
    let now = ctx.now();
    let around = caller.around(ctx, &*db, &[], now).await?;
    let body = read::object(&request)?;
    let mut reader = Reader { body: &body, around: &around, faults: Faults::default() };
    let (direction, at, nonce) = (reader.direction(), reader.at(), reader.string("nonce", &NONCE));
    let barcode = reader.string("raw_barcode", &TEXT);
    let source = reader.string("raw_source_type", &TEXT).unwrap_or_else(|| "barcode".to_owned());
    let explanation = reader.string("error_explanation", &TEXT);
    let reason = reader.string("error_reason", &TEXT).unwrap_or_default();
    let [item, variation, subevent, position] =
        ["raw_item", "raw_variation", "raw_subevent", "position"].map(|name| reader.number(name));
    if barcode.is_none() {
        reader.faults.add("raw_barcode", "This field is required.");
    }
    if !REPORTED.contains(&reason.as_str()) {
        reader.faults.add("error_reason", format!("\"{reason}\" is not a valid choice."));
    }
    let position = position.map(PositionId);
    if let Some(id) = position
        && order::list::order_of(&*db, &event, id).await?.is_none()
    {
        reader.faults.add("position", format!("Invalid pk \"{id}\" - object does not exist."));
    }
    reader.faults.check()?;
    let raw =
        json!({ "barcode": barcode, "source": source, "item": item, "variation": variation, "subevent": subevent });
    let (nonce, reason, explanation) = (nonce.as_deref(), Some(reason.as_str()), explanation.as_deref());
    let (forced, force_sent) = (false, false);
    let attempt = Attempt { position, direction, at, nonce, forced, force_sent, reason, explanation, raw };
    let tx = db.begin().await?;
    let done = async {
        if let Some(answer) = call.begin(&tx, now).await? {
            return Ok(answer);
        }
        let door = Door::open(&tx, caller, credential, &vec![list]).await?;
        let (list, _) = door.lists.first().ok_or(ApiError::NotFound)?;
        if !sql::is_reported(&tx, list, nonce, door.device()).await? {
            sql::insert(&tx, (list, door.device()), &attempt, now).await?;
            let said = json!({ "error_reason": reason, "type": direction.code() });
            let scope = door.caller.scope;
            record::log(&tx, scope, ("checkinlist", list.id), "pretix.event.checkin.denied", &said, now).await?;
        }
        let answer = Answer { status: 201, body: json!({ "status": "ok" }) };
        call.end(&tx, &answer).await?;
        Ok::<_, ApiError>(answer)
    };
    let done = done.await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, now).await?))
}

/// `POST checkinrpc/annul/`.
pub(super) async fn annul(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, Permission::CheckinWrite).await?;
    let credential = staff::authenticate(&request, &*db).await?;
    let call = Call::by(&request, caller.scope.token())?;
    let around = caller.around(ctx, &*db, &[], ctx.now()).await?;
    let body = read::object(&request)?;
    let mut reader = Reader { body: &body, around: &around, faults: Faults::default() };
    let (ids, at) = (reader.lists(), reader.at());
    let (nonce, explanation) = (reader.string("nonce", &NONCE), reader.string("error_explanation", &TEXT));
    if nonce.is_none() {
        reader.faults.add("nonce", "This field is required.");
    }
    reader.faults.check()?;
    let nonce = nonce.unwrap_or_default();
    let tx = db.begin().await?;
    let done = async {
        if let Some(answer) = call.begin(&tx, around.now).await? {
            return Ok(answer);
        }
        let door = Door::open(&tx, caller, credential, &ids).await?;
        let lists: Vec<List> = door.lists.iter().map(|(list, _)| list.clone()).collect();
        let taken_back = Annulled { nonce: &nonce, device: door.device(), at, explanation: explanation.as_deref() };
        let done = checkin::annul(&tx, door.caller.scope, &lists, &taken_back, around.now).await;
        done.map_err(|error| match error {
            AnnulError::Db(error) => error.into(),
            AnnulError::Unknown => ApiError::NotFound,
            refused => ApiError::BadRequest(refused.to_string()),
        })?;
        let answer = Answer { status: 200, body: json!({ "status": "ok" }) };
        call.end(&tx, &answer).await?;
        Ok::<_, ApiError>(answer)
    };
    let done = done.await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, around.now).await?))
}
