//! SQL that writes events, their details and their staff.

use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Result;
use crate::tutorials::event::Event;

/// The columns of `lectern.event_details` with their types, for `jsonb_to_recordset`.
const DETAILS: &str = "course_template_id bigint, learning_mode text, time_zone text, lms_start timestamptz,
    lms_end timestamptz, max_places int, sitting text, web_sale boolean, cancelled boolean, event_url text,
    ocr_moodle_code text, access_duration text, recordings text, recording_pin text, tutors text, sage_code text,
    extra_information text, registration_deadline date, location_text text, venue_text text";

/// The names of the same columns.
const DETAIL_NAMES: &str = "course_template_id, learning_mode, time_zone, lms_start, lms_end, max_places, sitting,
    web_sale, cancelled, event_url, ocr_moodle_code, access_duration, recordings, recording_pin, tutors, sage_code,
    extra_information, registration_deadline, location_text, venue_text";

/// Inserts events with their details and staff. Returns their ids in order.
pub async fn insert_events(db: &mut PgConnection, events: &[Event]) -> Result<Vec<i64>> {
    let mut inserted: Vec<(String, i64)> = sqlx::query_as(
        "INSERT INTO acted.tutorial_events (code, product_id, location_id, venue_id, is_soldout, finalisation_date,
             remain_space, start_date, end_date)
         SELECT code, product_id, location_id, venue_id, is_soldout, finalisation_date, remain_space, start_date, end_date
         FROM jsonb_to_recordset($1) AS e (code text, product_id bigint, location_id bigint, venue_id bigint,
             is_soldout boolean, finalisation_date date, remain_space int, start_date date, end_date date)
         RETURNING code, id",
    )
    .bind(Json(events.iter().filter_map(own_fields).collect::<Vec<_>>()))
    .fetch_all(&mut *db)
    .await?;
    inserted.sort_unstable();
    let id_of = |code: &str| inserted.binary_search_by(|(known, _)| known.as_str().cmp(code)).map(|at| inserted[at].1);
    let ids: Vec<i64> = events.iter().filter_map(|event| id_of(&event.code).ok()).collect();
    let known: Vec<(i64, &Event)> = ids.iter().copied().zip(events).collect();
    write_details(db, &known).await?;
    write_staff(db, &known).await?;
    Ok(ids)
}

/// Gives an event another code. Returns false, without writing, if another event has it.
pub async fn rename_event(db: &mut PgConnection, id: i64, code: &str) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE acted.tutorial_events SET code = $2
         WHERE id = $1 AND NOT EXISTS (SELECT FROM acted.tutorial_events WHERE code = $2 AND id <> $1)",
    )
    .bind(id)
    .bind(code)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes changes of events, their details and their staff. The codes stay.
pub async fn update_events(db: &mut PgConnection, events: &[(i64, Event)]) -> Result<()> {
    let known: Vec<(i64, &Event)> = events.iter().map(|(id, event)| (*id, event)).collect();
    sqlx::query(
        "UPDATE acted.tutorial_events AS known
         SET product_id = e.product_id, location_id = e.location_id, venue_id = e.venue_id, is_soldout = e.is_soldout,
             finalisation_date = e.finalisation_date, remain_space = e.remain_space, start_date = e.start_date,
             end_date = e.end_date
         FROM jsonb_to_recordset($1) AS e (id bigint, product_id bigint, location_id bigint, venue_id bigint,
             is_soldout boolean, finalisation_date date, remain_space int, start_date date, end_date date)
         WHERE known.id = e.id
           AND (known.product_id, known.location_id, known.venue_id, known.is_soldout, known.finalisation_date,
                known.remain_space, known.start_date, known.end_date)
               IS DISTINCT FROM (e.product_id, e.location_id, e.venue_id, e.is_soldout, e.finalisation_date,
                e.remain_space, e.start_date, e.end_date)",
    )
    .bind(Json(documents(&known)))
    .execute(&mut *db)
    .await?;
    write_details(db, &known).await?;
    write_staff(db, &known).await
}

async fn write_details(db: &mut PgConnection, events: &[(i64, &Event)]) -> Result<()> {
    let sql = format!(
        "INSERT INTO lectern.event_details AS known (tutorial_event_id, {DETAIL_NAMES})
         SELECT id, {DETAIL_NAMES} FROM jsonb_to_recordset($1) AS e (id bigint, {DETAILS})
         ON CONFLICT (tutorial_event_id) DO UPDATE SET ({DETAIL_NAMES}) = ROW({excluded})
         WHERE ROW({known}) IS DISTINCT FROM ROW({excluded})",
        known = qualified("known"),
        excluded = qualified("excluded"),
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(Json(documents(events))).execute(db).await?;
    Ok(())
}

fn qualified(relation: &str) -> String {
    DETAIL_NAMES.split(',').map(|name| format!("{relation}.{}", name.trim())).collect::<Vec<_>>().join(", ")
}

async fn write_staff(db: &mut PgConnection, events: &[(i64, &Event)]) -> Result<()> {
    let rows: Vec<Value> = events
        .iter()
        .flat_map(|(id, event)| {
            let id = *id;
            event.staff.iter().enumerate().map(move |(at, one)| json!({ "event": id, "position": at, "staff": one }))
        })
        .collect();
    let ids: Vec<i64> = events.iter().map(|(id, _)| *id).collect();
    sqlx::query(
        "WITH desired AS (
             SELECT event, position, staff->>'role' AS role, staff->>'name' AS name,
                    (staff->>'tutorial_instructor_id')::bigint AS instructor, staff->>'external_id' AS external_id
             FROM jsonb_to_recordset($1) AS s (event bigint, position int, staff jsonb)
         ), deleted AS (
             DELETE FROM lectern.event_staff AS known
             WHERE tutorial_event_id = ANY ($2) AND NOT EXISTS (
                 SELECT FROM desired
                 WHERE event = tutorial_event_id AND desired.role = known.role AND desired.position = known.position)
         )
         INSERT INTO lectern.event_staff AS known
             (tutorial_event_id, role, position, name, tutorial_instructor_id, external_id)
         SELECT event, role, position, name, instructor, external_id FROM desired
         ON CONFLICT (tutorial_event_id, role, position) DO UPDATE
         SET name = excluded.name, tutorial_instructor_id = excluded.tutorial_instructor_id,
             external_id = excluded.external_id
         WHERE (known.name, known.tutorial_instructor_id, known.external_id)
               IS DISTINCT FROM (excluded.name, excluded.tutorial_instructor_id, excluded.external_id)",
    )
    .bind(Json(rows))
    .bind(ids)
    .execute(db)
    .await?;
    Ok(())
}

fn documents(events: &[(i64, &Event)]) -> Vec<Value> {
    let document = |(id, event): &(i64, &Event)| {
        let mut document = own_fields(event)?;
        document.as_object_mut()?.insert("id".into(), (*id).into());
        Some(document)
    };
    events.iter().filter_map(document).collect()
}

/// Returns an event as JSON without sessions and staff, which have tables of their own.
fn own_fields(event: &Event) -> Option<Value> {
    let mut document = serde_json::to_value(event).ok()?;
    let fields = document.as_object_mut()?;
    fields.remove("sessions");
    fields.remove("staff");
    Some(document)
}

/// Deletes an event with its sessions and details.
pub async fn delete_event(db: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query("DELETE FROM acted.tutorial_events WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}
