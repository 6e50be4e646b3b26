//! A kind of object with the usual calls: list, create, show, change, delete. What is special about it is in its
//! implementation of [`Resource`].

use std::collections::BTreeSet;

use ::http::{HeaderValue, Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value};

use super::{
    Around, Caller,
    field::{self, Field},
    keep_refusal, last_modified,
    list::{Filter, Page, read_filters},
    number, precondition,
    read::{self, Faults, Reference, Written},
    respond,
};
use crate::{
    ctx::Ctx,
    event::Event,
    http::{self, ApiError},
    idempotency::{Answer, Call},
    port::{
        db::{DbError, Query, Tx},
        lock::EventLock,
    },
    record::{self, Record, Table, reference},
    staff::{Permission, Scope},
    time::Timestamp,
};

/// What a write happens in: a transaction that has the event's lock.
pub struct Ground<'a> {
    /// The function's context.
    pub ctx: &'static Ctx,
    /// The transaction.
    pub tx: &'a Tx<'a>,
    /// The event's lock, below an event.
    pub lock: Option<EventLock<'a>>,
    /// Whose rows.
    pub scope: Scope,
    /// The event, below one.
    pub event: Option<&'a Event>,
    /// What values are read and told with.
    pub around: &'a Around,
    /// The object that the path names before this one.
    pub parent: Option<Record>,
}

impl Ground<'_> {
    /// The event of something that only exists in events.
    pub fn event(&self) -> &Event {
        self.event.expect("the path has an event")
    }

    /// The lock of something that only exists in events.
    pub fn lock(&self) -> &EventLock<'_> {
        self.lock.as_ref().expect("the path has an event")
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.around.now
    }
}

/// Where an object is found below another one.
#[derive(Debug)]
pub struct Parent {
    /// The name of its id in the path.
    pub key: &'static str,
    /// Its table.
    pub table: &'static Table,
    /// The column that refers to it.
    pub column: &'static str,
}

/// A kind of object in the API.
pub trait Resource: Sized + Send + Sync + 'static {
    /// The name of its id in the path.
    const KEY: &'static str;
    /// Its fields in the order in which they are told.
    const FIELDS: &'static [Field];
    /// Its statements.
    const TABLE: &'static Table;
    /// The right to see it.
    const READ: Permission;
    /// The right to change it.
    const WRITE: Permission;
    /// What the log calls it when one is added, changed, deleted.
    const LOG: [&'static str; 3];
    /// What it belongs to in the path.
    const PARENT: Option<Parent> = None;
    /// Parameters of its list.
    const FILTERS: &'static [Filter] = &[];
    /// Orderings of its list.
    const ORDERINGS: &'static [&'static str] = &["id"];
    /// Lists tell when one was last changed.
    const TELLS_CHANGES: bool = false;
    /// Why one cannot be deleted that something refers to.
    const IN_USE: &'static str = "This object is in use and cannot be deleted.";

    /// The id that the path names.
    fn identify(
        request: &Request,
        _q: &impl Query,
        _scope: Scope,
    ) -> impl Future<Output = Result<i64, ApiError>> + Send {
        let id = number(request, Self::KEY);
        async { id }
    }

    /// Turns what the table says into what the fields say.
    fn loaded(_record: &mut Record, _around: &Around) {}

    /// Checks what is to be written by the rules, and completes it. `before` is what it was.
    fn check(
        _ground: &Ground<'_>,
        _draft: &mut Record,
        _before: Option<&Record>,
        _faults: &mut Faults,
    ) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// Writes a row, a new one if it has no id yet, and returns its id.
    fn store(
        ground: &Ground<'_>,
        id: Option<i64>,
        draft: &Record,
    ) -> impl Future<Output = Result<i64, ApiError>> + Send {
        async move {
            let stored = match id {
                None => record::insert(ground.tx, Self::TABLE, ground.scope, draft).await,
                Some(id) => record::update(ground.tx, Self::TABLE, ground.scope, id, draft).await.map(|()| id),
            };
            stored.map_err(refusal::<Self>)
        }
    }

    /// Removes a row.
    fn erase(ground: &Ground<'_>, id: i64) -> impl Future<Output = Result<(), ApiError>> + Send {
        async move {
            let deleted = record::delete(ground.tx, Self::TABLE, ground.scope, id).await;
            deleted.map_err(|error| match error {
                DbError::Constraint { .. } => ApiError::Refused(Self::IN_USE.to_owned()),
                other => other.into(),
            })
        }
    }

    /// What follows from a write.
    fn written(
        _ground: &Ground<'_>,
        _id: i64,
        _draft: &Record,
        _before: Option<&Record>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// What must go, or be looked at, before one can be deleted.
    fn deleting(_ground: &Ground<'_>, _id: i64, _record: &Record) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// What follows when one was deleted.
    fn deleted(_ground: &Ground<'_>) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    /// Adds what is only told when it is asked for.
    fn complete(
        _q: &impl Query,
        _request: &Request,
        _scope: Scope,
        _told: &mut [Value],
        _now: Timestamp,
    ) -> impl Future<Output = Result<(), DbError>> + Send {
        async { Ok(()) }
    }

    /// The field that a constraint of the database is about, and what is wrong with it.
    fn refused(_constraint: &str) -> Option<(&'static str, &'static str)> {
        None
    }
}

/// Something that can be done to an object besides writing it.
pub trait Action: Send + Sync + 'static {
    /// The kind of object.
    type Of: Resource;

    /// Does it, and says how it is answered: with the object, unless there is no content. Below an event there is its lock;
    /// an object of the organiser is locked here.
    fn act(
        ground: &Ground<'_>,
        record: &Record,
        request: &Request,
    ) -> impl Future<Output = Result<StatusCode, ApiError>> + Send;
}

/// Answers a call that does something to an object, once for each idempotency key.
pub async fn act<A: Action>(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, A::Of::WRITE).await?;
    let call = Call::by(&request, caller.scope.token())?;
    let now = ctx.now();
    let around = caller.around(ctx, &*db, A::Of::FIELDS, now).await?;
    let tx = db.begin().await?;
    let done = act_once::<A>(ctx, &tx, &call, &request, &caller, &around).await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, now).await?))
}

async fn act_once<A: Action>(
    ctx: &'static Ctx,
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    caller: &Caller,
    around: &Around,
) -> Result<Answer, ApiError> {
    if let Some(answer) = call.begin(tx, around.now).await? {
        return Ok(answer);
    }
    let lock = match caller.scope.event() {
        Some(event) => Some(EventLock::acquire(tx, event).await?),
        None => None,
    };
    let id = A::Of::identify(request, tx, caller.scope).await?;
    let record = find::<A::Of>(tx, (caller.scope, around), None, id).await?;
    let event = caller.event.as_ref();
    let ground = Ground { ctx, tx, lock, scope: caller.scope, event, around, parent: None };
    let answer = match A::act(&ground, &record, request).await? {
        StatusCode::NO_CONTENT => Answer { status: 204, body: Value::Null },
        status => tell::<A::Of>(&ground, request, id, status.as_u16()).await?,
    };
    call.end(tx, &answer).await?;
    Ok(answer)
}

/// Answers every call about a kind of object.
pub async fn handle<R: Resource>(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let one = http::path(&request, R::KEY).is_ok();
    match (request.method(), one) {
        (&Method::GET, false) => list::<R>(ctx, request).await,
        (&Method::GET, true) => show::<R>(ctx, request).await,
        (&Method::POST, false) | (&Method::PATCH | &Method::PUT | &Method::DELETE, true) => {
            write::<R>(ctx, request).await
        }
        _ => Err(ApiError::MethodNotAllowed),
    }
}

/// The object before this one in the path.
async fn parent<R: Resource>(request: &Request, q: &impl Query, scope: Scope) -> Result<Option<Record>, ApiError> {
    let Some(parent) = &R::PARENT else { return Ok(None) };
    let id = number(request, parent.key)?;
    record::find(q, parent.table, scope, id).await?.map(Some).ok_or(ApiError::NotFound)
}

fn id_of(record: &Record) -> i64 {
    reference(record, "id").unwrap_or_default()
}

async fn find<R: Resource>(
    q: &impl Query,
    (scope, around): (Scope, &Around),
    parent: Option<&Record>,
    id: i64,
) -> Result<Record, ApiError> {
    let mut found = record::find(q, R::TABLE, scope, id).await?.ok_or(ApiError::NotFound)?;
    R::loaded(&mut found, around);
    let column = R::PARENT.as_ref().map_or("", |parent| parent.column);
    match parent {
        Some(parent) if reference(&found, column) != Some(id_of(parent)) => Err(ApiError::NotFound),
        _ => Ok(found),
    }
}

/// One object as it is told, wherever something refers to it.
pub async fn told<R: Resource>(
    q: &impl Query,
    scope: Scope,
    around: &Around,
    id: i64,
) -> Result<Option<Value>, DbError> {
    let Some(mut found) = record::find(q, R::TABLE, scope, id).await? else { return Ok(None) };
    R::loaded(&mut found, around);
    Ok(Some(field::show(R::FIELDS, &found, around)))
}

async fn list<R: Resource>(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, R::READ).await?;
    let around = caller.around(ctx, &*db, R::FIELDS, ctx.now()).await?;
    let changed = match caller.scope.event().filter(|_| R::TELLS_CHANGES) {
        Some(event) => record::last_change(&*db, event, R::TABLE.object).await?,
        None => None,
    };
    if let Some(response) = precondition(&request, changed)? {
        return Ok(response);
    }
    let page = Page::read(&request)?;
    let mut filter = read_filters(&request, R::FILTERS, &around)?;
    filter.insert("now".to_owned(), around.now.to_string().into());
    if let (Some(parent), Some(found)) = (&R::PARENT, parent::<R>(&request, &*db, caller.scope).await?) {
        filter.insert(parent.column.to_owned(), id_of(&found).into());
    }
    let part = page.part(&request, filter, R::ORDERINGS);
    let (mut found, total) = record::list(&*db, R::TABLE, caller.scope, &part).await?;
    found.iter_mut().for_each(|it| R::loaded(it, &around));
    let mut told: Vec<Value> = found.iter().map(|it| field::show(R::FIELDS, it, &around)).collect();
    R::complete(&*db, &request, caller.scope, &mut told, around.now).await?;
    let mut response = page.answer(ctx, &request, total, told)?;
    last_modified(&mut response, changed);
    if let Ok(value) = HeaderValue::from_str(&around.now.to_string()) {
        response.headers_mut().insert("x-page-generated", value);
    }
    Ok(response)
}

async fn show<R: Resource>(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, R::READ).await?;
    let around = caller.around(ctx, &*db, R::FIELDS, ctx.now()).await?;
    let parent = parent::<R>(&request, &*db, caller.scope).await?;
    let found =
        find::<R>(&*db, (caller.scope, &around), parent.as_ref(), R::identify(&request, &*db, caller.scope).await?)
            .await?;
    let mut told = [field::show(R::FIELDS, &found, &around)];
    R::complete(&*db, &request, caller.scope, &mut told, around.now).await?;
    Ok(http::json(StatusCode::OK, &told[0]))
}

/// Writes, once for each idempotency key.
async fn write<R: Resource>(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let mut db = ctx.db().await?;
    let caller = Caller::of(&request, &*db, R::WRITE).await?;
    let call = Call::by(&request, caller.scope.token())?;
    let now = ctx.now();
    let around = caller.around(ctx, &*db, R::FIELDS, now).await?;
    let tx = db.begin().await?;
    let done = once::<R>(ctx, &tx, &call, &request, &caller, &around).await;
    let done = tx.finish(done).await;
    Ok(respond(&keep_refusal(&mut db, &call, done, now).await?))
}

async fn once<R: Resource>(
    ctx: &'static Ctx,
    tx: &Tx<'_>,
    call: &Call,
    request: &Request,
    caller: &Caller,
    around: &Around,
) -> Result<Answer, ApiError> {
    if let Some(answer) = call.begin(tx, around.now).await? {
        return Ok(answer);
    }
    let lock = match caller.scope.event() {
        Some(event) => Some(EventLock::acquire(tx, event).await?),
        None => {
            record::lock_organizer(tx, caller.scope.organizer()).await?;
            None
        }
    };
    let parent = parent::<R>(request, tx, caller.scope).await?;
    let event = caller.event.as_ref();
    let ground = Ground { ctx, tx, lock, scope: caller.scope, event, around, parent };
    let answer = match *request.method() {
        Method::POST => create::<R>(&ground, request).await?,
        Method::DELETE => remove::<R>(&ground, R::identify(request, tx, caller.scope).await?).await?,
        _ => change::<R>(&ground, request, R::identify(request, tx, caller.scope).await?).await?,
    };
    call.end(tx, &answer).await?;
    Ok(answer)
}

/// Creates one from a body: what `POST` does, for those who create several.
pub async fn add<R: Resource>(ground: &Ground<'_>, body: &Map<String, Value>) -> Result<i64, ApiError> {
    let written = read::read(R::FIELDS, body, None, true, ground.around);
    let mut draft = checked::<R>(ground, written, None).await?;
    if let (Some(parent), Some(found)) = (&R::PARENT, &ground.parent) {
        draft.insert(parent.column.to_owned(), id_of(found).into());
    }
    let id = R::store(ground, None, &draft).await?;
    R::written(ground, id, &draft, None).await?;
    log::<R>(ground, id, 0, body).await?;
    Ok(id)
}

async fn create<R: Resource>(ground: &Ground<'_>, request: &Request) -> Result<Answer, ApiError> {
    let id = add::<R>(ground, &read::object(request)?).await?;
    tell::<R>(ground, request, id, 201).await
}

async fn change<R: Resource>(ground: &Ground<'_>, request: &Request, id: i64) -> Result<Answer, ApiError> {
    let before = find::<R>(ground.tx, (ground.scope, ground.around), ground.parent.as_ref(), id).await?;
    let body = read::object(request)?;
    let whole = *request.method() == Method::PUT;
    let written = read::read(R::FIELDS, &body, Some(&before), whole, ground.around);
    let draft = checked::<R>(ground, written, Some(&before)).await?;
    R::store(ground, Some(id), &draft).await?;
    R::written(ground, id, &draft, Some(&before)).await?;
    log::<R>(ground, id, 1, &body).await?;
    tell::<R>(ground, request, id, 200).await
}

async fn remove<R: Resource>(ground: &Ground<'_>, id: i64) -> Result<Answer, ApiError> {
    let record = find::<R>(ground.tx, (ground.scope, ground.around), ground.parent.as_ref(), id).await?;
    R::deleting(ground, id, &record).await?;
    R::erase(ground, id).await?;
    R::deleted(ground).await?;
    log::<R>(ground, id, 2, &Map::new()).await?;
    Ok(Answer { status: 204, body: Value::Null })
}

/// What is written, if its references exist and the rules allow it.
pub async fn checked<R: Resource>(
    ground: &Ground<'_>,
    written: Written,
    before: Option<&Record>,
) -> Result<Record, ApiError> {
    let Written { mut record, references, mut faults } = written;
    look_up(ground.tx, ground.scope, &references, &mut faults).await?;
    // The rules are about what can be read: else one mistake would be told as several.
    if faults.is_empty() {
        R::check(ground, &mut record, before, &mut faults).await?;
    }
    faults.check().map(|()| record)
}

/// Notes references to what the event does not have.
pub async fn look_up(
    q: &impl Query,
    scope: Scope,
    references: &[Reference],
    faults: &mut Faults,
) -> Result<(), DbError> {
    for target in references.iter().map(|it| it.target).collect::<BTreeSet<_>>() {
        let of_target = || references.iter().filter(|it| it.target == target);
        let ids: Vec<i64> = of_target().flat_map(|it| it.ids.iter().copied()).collect();
        if ids.is_empty() {
            continue;
        }
        let known = record::known(q, scope, target, &ids).await?;
        for reference in of_target() {
            if let Some(id) = reference.ids.iter().find(|id| !known.contains(id)) {
                faults.add(reference.field, format!("Invalid pk \"{id}\" - object does not exist."));
            }
        }
    }
    Ok(())
}

fn refusal<R: Resource>(error: DbError) -> ApiError {
    let Some(name) = error.constraint() else { return error.into() };
    match R::refused(name) {
        Some((field, message)) => ApiError::field(field, message),
        None => ApiError::field("non_field_errors", format!("This contradicts itself or another object ({name}).")),
    }
}

async fn log<R: Resource>(ground: &Ground<'_>, id: i64, what: usize, said: &Map<String, Value>) -> Result<(), DbError> {
    let (object, action, said) = (R::TABLE.object, R::LOG[what], Value::Object(said.clone()));
    record::log(ground.tx, ground.scope, (object, id), action, &said, ground.now()).await
}

async fn tell<R: Resource>(ground: &Ground<'_>, request: &Request, id: i64, status: u16) -> Result<Answer, ApiError> {
    let found = find::<R>(ground.tx, (ground.scope, ground.around), ground.parent.as_ref(), id).await?;
    let mut told = [field::show(R::FIELDS, &found, ground.around)];
    R::complete(ground.tx, request, ground.scope, &mut told, ground.now()).await?;
    let [body] = told;
    Ok(Answer { status, body })
}
