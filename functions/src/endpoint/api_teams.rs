//! Teams, their members, invitations and tokens in the REST API (spec rest-api 2.3).

mod invites;

use ::http::{Method, StatusCode};
pub use invites::Invites;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use super::api::{
    Around, Caller,
    field::{self, Field, Kind},
    list::Page,
    number, read,
    read::Faults,
    resource::{self, Ground, Resource},
    segments,
};
use crate::{
    ctx::Ctx,
    http::{self, ApiError},
    id::TeamId,
    record::{self, Part, Record, Table, flag, reference, references},
    staff::{
        self, EVENT_PERMISSIONS, NewToken, ORGANIZER_PERMISSIONS, Permission,
        edit::{
            self,
            sql::{MEMBERS, TEAMS, TOKENS},
        },
    },
};

/// Answers every route of teams: one function serves the family.
pub async fn handle(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let path = segments(&request);
    match path.get(6).copied() {
        None => resource::handle::<Teams>(ctx, request).await,
        Some("invites") => resource::handle::<Invites>(ctx, request).await,
        Some(below) => {
            let is_member = below == "members";
            match (request.method().clone(), path.len()) {
                (Method::GET, 7) => list(ctx, request, is_member).await,
                (Method::GET, 8) => show(ctx, request, is_member).await,
                (Method::DELETE, 8) => remove(ctx, request, is_member).await,
                (Method::POST, 7) if !is_member => add_token(ctx, request).await,
                _ => Err(ApiError::MethodNotAllowed),
            }
        }
    }
}

/// What the older names of rights stand for.
const LEGACY: &[(&str, &[&str])] = &[
    (
        "can_change_event_settings",
        &[
            "event.settings.general:write",
            "event.settings.payment:write",
            "event.settings.tax:write",
            "event.settings.invoicing:write",
            "event.subevents:write",
            "event:cancel",
        ],
    ),
    ("can_change_items", &["event.items:write"]),
    ("can_view_orders", &["event.orders:read"]),
    ("can_change_orders", &["event.orders:write"]),
    ("can_checkin_orders", &["event.orders:checkin"]),
    ("can_view_vouchers", &["event.vouchers:read"]),
    ("can_change_vouchers", &["event.vouchers:write"]),
    ("can_create_events", &["organizer.events:create"]),
    (
        "can_change_organizer_settings",
        &[
            "organizer.settings.general:write",
            "organizer.devices:read",
            "organizer.devices:write",
            "organizer.seatingplans:write",
            "organizer.outgoingmails:read",
        ],
    ),
    ("can_change_teams", &["organizer.teams:write"]),
    ("can_manage_gift_cards", &["organizer.giftcards:read", "organizer.giftcards:write"]),
    ("can_manage_customers", &["organizer.customers:read", "organizer.customers:write"]),
    ("can_manage_reusable_media", &["organizer.reusablemedia:read", "organizer.reusablemedia:write"]),
];

/// The two levels of rights: the flag for all of them, the list, what there is.
const LEVELS: [(&str, &str, &[&str]); 2] = [
    ("all_event_permissions", "limit_event_permissions", EVENT_PERMISSIONS),
    ("all_organizer_permissions", "limit_organizer_permissions", ORGANIZER_PERMISSIONS),
];

/// An older name of a right: nothing is said where it is left out.
const fn legacy(name: &'static str) -> Field {
    Field::new(name, Kind::Flag).default("null")
}

/// Teams of an organiser.
pub struct Teams;

impl Resource for Teams {
    const KEY: &'static str = "team";
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
        Field::new("name", Kind::Text(190)).required(),
        Field::new("require_2fa", Kind::Fixed("false")),
        Field::new("all_events", Kind::Flag),
        Field::new("limit_events", Kind::Words(50)),
        Field::new("all_event_permissions", Kind::Flag),
        Field::new("limit_event_permissions", Kind::Words(100)),
        Field::new("all_organizer_permissions", Kind::Flag),
        Field::new("limit_organizer_permissions", Kind::Words(100)),
        legacy("can_change_event_settings"),
        legacy("can_change_items"),
        legacy("can_view_orders"),
        legacy("can_change_orders"),
        legacy("can_checkin_orders"),
        legacy("can_view_vouchers"),
        legacy("can_change_vouchers"),
        legacy("can_create_events"),
        legacy("can_change_organizer_settings"),
        legacy("can_change_teams"),
        legacy("can_manage_gift_cards"),
        legacy("can_manage_customers"),
        legacy("can_manage_reusable_media"),
    ];
    const TABLE: &'static Table = &TEAMS;
    const READ: Permission = Permission::TeamsWrite;
    const WRITE: Permission = Permission::TeamsWrite;
    const LOG: [&'static str; 3] = ["pretix.team.created", "pretix.team.changed", "pretix.team.deleted"];

    fn loaded(record: &mut Record, _around: &Around) {
        let granted = words(record, "permissions");
        let has = |name: &str| granted.iter().any(|it| it == "*" || it == name);
        for (all, list, names) in LEVELS {
            let has_all = names.iter().all(|name| has(name));
            let limited: Vec<&str> =
                if has_all { Vec::new() } else { names.iter().copied().filter(|name| has(name)).collect() };
            record.insert(all.to_owned(), json!(has_all));
            record.insert(list.to_owned(), json!(limited));
        }
        for (name, rights) in LEGACY {
            record.insert((*name).to_owned(), json!(rights.iter().all(|right| has(right))));
        }
    }

    async fn check(
        ground: &Ground<'_>,
        draft: &mut Record,
        before: Option<&Record>,
        faults: &mut Faults,
    ) -> Result<(), ApiError> {
        let slugs = words(draft, "limit_events");
        if flag(draft, "all_events") && !slugs.is_empty() {
            faults.add("non_field_errors", "Do not set both limit_events and all_events.");
        }
        if let Some(slug) = edit::unknown_event(ground.tx, ground.scope.organizer(), &slugs).await? {
            faults.add("limit_events", format!("There is no event \"{slug}\"."));
        }
        let permissions = permissions(draft, before, faults);
        let may = |name: &str| permissions.iter().any(|it| it == name);
        let team = before.and_then(|before| reference(before, "id")).unwrap_or_default();
        let loses = before.is_some_and(|before| flag(before, "can_change_teams")) && !may("organizer.teams:write");
        if loses && !edit::others_change_teams(ground.tx, ground.scope.organizer(), team).await? {
            faults.add("non_field_errors", "At least one team must be able to change teams.");
        }
        draft.insert("permissions".to_owned(), json!(permissions));
        Ok(())
    }

    async fn deleting(ground: &Ground<'_>, id: i64, _record: &Record) -> Result<(), ApiError> {
        match edit::others_change_teams(ground.tx, ground.scope.organizer(), id).await? {
            true => Ok(()),
            false => Err(ApiError::Refused("The last team that can change teams cannot be deleted.".to_owned())),
        }
    }
}

fn words(record: &Record, column: &str) -> Vec<String> {
    let list = record.get(column).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The rights that a draft says: by names or by the older flags, not by both.
fn permissions(draft: &Record, before: Option<&Record>, faults: &mut Faults) -> Vec<String> {
    let said = |name: &str| draft.get(name).filter(|value| !value.is_null());
    let is_new = |name: &str| match before {
        Some(before) => draft.get(name) != before.get(name),
        None => said(name).is_some_and(|value| *value != json!(false) && *value != json!([])),
    };
    let older: Vec<&(&str, &[&str])> = LEGACY.iter().filter(|(name, _)| is_new(name)).collect();
    let by_name = LEVELS.iter().any(|(all, list, _)| is_new(all) || is_new(list));
    if by_name && !older.is_empty() {
        faults.add("non_field_errors", "Do not set permissions by their older and by their newer names at once.");
    }
    let mut granted: Vec<String> = Vec::new();
    for (all, list, names) in LEVELS {
        // Saying "all" ends a list that was there before.
        let limited = if flag(draft, all) && !is_new(list) { Vec::new() } else { words(draft, list) };
        if flag(draft, all) && !limited.is_empty() {
            faults.add(list, format!("This must be empty with {all}."));
        }
        if let Some(unknown) = limited.iter().find(|name| !names.contains(&name.as_str())) {
            faults.add(list, format!("\"{unknown}\" is not a valid choice."));
        }
        match flag(draft, all) {
            true => granted.extend(names.iter().map(|name| (*name).to_owned())),
            false => granted.extend(limited),
        }
    }
    for (name, rights) in older {
        granted.retain(|right| !rights.contains(&right.as_str()));
        if flag(draft, name) {
            granted.extend(rights.iter().map(|right| (*right).to_owned()));
        }
    }
    granted.sort();
    granted.dedup();
    granted
}

const MEMBER_FIELDS: &[Field] = &[
    Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
    Field::new("email", Kind::Text(254)).read_only(),
    Field::new("fullname", Kind::Text(255)).column("full_name").read_only(),
    Field::new("require_2fa", Kind::Fixed("false")).read_only(),
];
const TOKEN_FIELDS: &[Field] = &[
    Field::new("id", Kind::Number(1, i64::MAX)).read_only(),
    Field::new("name", Kind::Text(190)).required(),
    Field::new("active", Kind::Flag).read_only(),
    Field::new("team", Kind::Number(1, i64::MAX)).column("team_id").read_only(),
];

fn below(is_member: bool) -> (&'static Table, &'static [Field], &'static str) {
    if is_member { (&MEMBERS, MEMBER_FIELDS, "member") } else { (&TOKENS, TOKEN_FIELDS, "token") }
}

/// Who asks, and the team of the path.
async fn at_team(ctx: &Ctx, request: &Request) -> Result<(Caller, Around, i64), ApiError> {
    let db = ctx.db().await?;
    let caller = Caller::of(request, &*db, Permission::TeamsWrite).await?;
    let around = caller.around(ctx, &*db, TOKEN_FIELDS, ctx.now()).await?;
    let team = number(request, "team")?;
    record::find(&*db, &TEAMS, caller.scope, team).await?.ok_or(ApiError::NotFound)?;
    Ok((caller, around, team))
}

async fn list(ctx: &'static Ctx, request: Request, is_member: bool) -> Result<Response<Body>, ApiError> {
    let (caller, around, team) = at_team(ctx, &request).await?;
    let (table, fields, _) = below(is_member);
    let page = Page::read(&request)?;
    let filter = Record::from_iter([("team_id".to_owned(), json!(team))]);
    let part = Part { filter, ordering: String::new(), offset: page.offset(), limit: page.size() };
    let (found, total) = record::list(&*ctx.db().await?, table, caller.scope, &part).await?;
    page.answer(ctx, &request, total, found.iter().map(|it| field::show(fields, it, &around)).collect())
}

/// What is below the team of the path, and not below another one.
async fn find(ctx: &Ctx, request: &Request, caller: &Caller, team: i64, is_member: bool) -> Result<Record, ApiError> {
    let (table, _, key) = below(is_member);
    let found = record::find(&*ctx.db().await?, table, caller.scope, number(request, key)?).await?;
    let of_team = |it: &Record| reference(it, "team_id") == Some(team) || references(it, "teams").contains(&team);
    found.filter(of_team).ok_or(ApiError::NotFound)
}

async fn show(ctx: &'static Ctx, request: Request, is_member: bool) -> Result<Response<Body>, ApiError> {
    let (caller, around, team) = at_team(ctx, &request).await?;
    let found = find(ctx, &request, &caller, team, is_member).await?;
    Ok(http::json(StatusCode::OK, &field::show(below(is_member).1, &found, &around)))
}

/// A member leaves (204); a token is switched off and still told (200).
async fn remove(ctx: &'static Ctx, request: Request, is_member: bool) -> Result<Response<Body>, ApiError> {
    let (caller, around, team) = at_team(ctx, &request).await?;
    let mut found = find(ctx, &request, &caller, team, is_member).await?;
    let (id, scope) = (reference(&found, "id").unwrap_or_default(), caller.scope);
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let done = async {
        let action = match is_member {
            true => {
                edit::remove_member(&tx, scope.organizer(), team, id).await?;
                "pretix.team.member.removed"
            }
            false => {
                record::delete(&tx, &TOKENS, scope, id).await?;
                "pretix.team.token.deleted"
            }
        };
        record::log(&tx, scope, ("team", team), action, &json!({ "id": id }), around.now).await
    };
    let done = done.await;
    tx.finish(done).await?;
    if is_member {
        return Ok(http::respond(StatusCode::NO_CONTENT, "application/json", Body::Empty));
    }
    found.insert("active".to_owned(), json!(false));
    Ok(http::json(StatusCode::OK, &field::show(TOKEN_FIELDS, &found, &around)))
}

/// A new token: its text is told now and never again, so no repetition of the call is answered from memory.
async fn add_token(ctx: &'static Ctx, request: Request) -> Result<Response<Body>, ApiError> {
    let (caller, around, team) = at_team(ctx, &request).await?;
    let written = read::read(TOKEN_FIELDS, &read::object(&request)?, None, true, &around);
    written.faults.check()?;
    let name = written.record.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let new = NewToken { organizer: caller.scope.organizer(), team: TeamId(team), name: &name };
    let mut db = ctx.db().await?;
    let tx = db.begin().await?;
    let done = async {
        let text = staff::create_token(&tx, &new, around.now, &mut rand::make_rng::<rand::rngs::StdRng>()).await?;
        let said = json!({ "name": name });
        record::log(&tx, caller.scope, ("team", team), "pretix.team.token.created", &said, around.now).await?;
        Ok::<_, ApiError>(text)
    };
    let done = done.await;
    let text = tx.finish(done).await?;
    let filter = Record::from_iter([("team_id".to_owned(), json!(team))]);
    let part = Part { filter, ordering: "-id".to_owned(), offset: 0, limit: 1 };
    let (found, _) = record::list(&*db, &TOKENS, caller.scope, &part).await?;
    let mut body = found.first().map(|it| field::show(TOKEN_FIELDS, it, &around)).unwrap_or_default();
    body["token"] = json!(text);
    Ok(http::json(StatusCode::CREATED, &body))
}
