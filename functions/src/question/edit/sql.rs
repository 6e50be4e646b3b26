//! Statements that change questions and their options.

use crate::record::{
    Table,
    sql::{delete_row, find_row, insert_row, list_rows, update_row},
};

macro_rules! question_columns {
    () => {
        "question, help_text, identifier, type, required, hidden, ask_during_checkin, show_during_checkin, position,
         dependency_question_id, dependency_values"
    };
}
macro_rules! question_body {
    () => {
        "to_jsonb(r) || jsonb_build_object(
             'items', (select coalesce(jsonb_agg(i.item_id order by i.item_id), '[]') from question_item i
                        where i.event_id = r.event_id and i.question_id = r.id),
             'options', (select coalesce(jsonb_agg(to_jsonb(o) order by o.position, o.id), '[]') from question_option o
                          where o.event_id = r.event_id and o.question_id = r.id))"
    };
}
const LIST_QUESTIONS: &str = list_rows!(
    "question",
    question_body!(),
    "and ($2::jsonb->'ask_during_checkin' is null or r.ask_during_checkin = ($2::jsonb->>'ask_during_checkin')::boolean)
     and ($2::jsonb->'required' is null or r.required = ($2::jsonb->>'required')::boolean)
     and ($2::jsonb->'identifier' is null or r.identifier = $2::jsonb->>'identifier')",
    "case when $3 = 'id' then r.id end, case when $3 = '-id' then r.id end desc,
     case when $3 = '-position' then r.position end desc, r.position, r.id"
);
const FIND_QUESTION: &str =
    concat!("select ", question_body!(), " as body from question r where event_id = $1 and id = $2");
const INSERT_QUESTION: &str = concat!(
    "with added as (",
    insert_row!("question", question_columns!()),
    "),
     asked_for as (insert into question_item (event_id, question_id, item_id)
                   select $1, added.id, i::bigint from added, jsonb_array_elements_text($2::jsonb->'items') i),
     options as (insert into question_option (event_id, question_id, identifier, answer, position)
                 select $1, added.id, o.identifier, o.answer, o.position
                   from added, jsonb_populate_recordset(null::question_option, $2::jsonb->'options') o)
     select id from added"
);
const UPDATE_QUESTION: &str = concat!(
    "with wanted as (select i::bigint as item_id from jsonb_array_elements_text($3::jsonb->'items') i),
     gone as (delete from question_item q where q.event_id = $1 and q.question_id = $2
                 and not exists (select 1 from wanted w where w.item_id = q.item_id)),
     linked as (insert into question_item (event_id, question_id, item_id)
                select $1, $2, w.item_id from wanted w on conflict do nothing)
     ",
    update_row!("question", question_columns!())
);
/// Questions that depend on it are asked always. Answers refuse that it goes.
const DELETE_QUESTION: &str = "
    with freed as (update question set dependency_question_id = null, dependency_values = '{}'
                    where event_id = $1 and dependency_question_id = $2)
    delete from question where event_id = $1 and id = $2";
pub(super) const ASKED: &str =
    "select id, type, ask_during_checkin, dependency_question_id from question where event_id = $1";
pub(super) const HAS_ANSWERS: &str =
    "select exists (select 1 from answer where event_id = $1 and question_id = $2) as found";

/// Questions.
pub static QUESTIONS: Table = Table {
    object: "question",
    list: LIST_QUESTIONS,
    find: FIND_QUESTION,
    insert: INSERT_QUESTION,
    update: UPDATE_QUESTION,
    delete: DELETE_QUESTION,
};

macro_rules! option_columns {
    () => {
        "identifier, answer, position"
    };
}
const LIST_OPTIONS: &str = list_rows!(
    "question_option",
    "to_jsonb(r)",
    "and r.question_id = ($2::jsonb->>'question_id')::bigint",
    "case when $3 = 'id' then r.id end, case when $3 = '-id' then r.id end desc,
     case when $3 = '-position' then r.position end desc, r.position, r.id"
);
const FIND_OPTION: &str = find_row!("question_option");
const INSERT_OPTION: &str = insert_row!("question_option", concat!("question_id, ", option_columns!()));
const UPDATE_OPTION: &str = update_row!("question_option", option_columns!());
const DELETE_OPTION: &str = delete_row!("question_option");

/// Options of questions.
pub static OPTIONS: Table = Table {
    object: "question",
    list: LIST_OPTIONS,
    find: FIND_OPTION,
    insert: INSERT_OPTION,
    update: UPDATE_OPTION,
    delete: DELETE_OPTION,
};

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[
    LIST_QUESTIONS,
    FIND_QUESTION,
    INSERT_QUESTION,
    UPDATE_QUESTION,
    DELETE_QUESTION,
    ASKED,
    HAS_ANSWERS,
    LIST_OPTIONS,
    FIND_OPTION,
    INSERT_OPTION,
    UPDATE_OPTION,
    DELETE_OPTION,
];
