//! All SQL on events and sessions: `acted.tutorial_events`, `acted.tutorial_sessions`, their instructors and details.
//!
//! Events travel as one JSON document a statement, in and out in the shape of [`Event`], so that a statement's length
//! does not grow with their number and a column is named once where it is written and once where it is read. Sessions,
//! of which there are many with few columns, travel as an array a column (docs/adr/0003).

use std::collections::HashMap;

use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::reference::Named;
use super::{Availability, Event, KnownEvent, PlacesChange, Session, SessionSummary};
use crate::error::Result;

/// The columns of `lectern.event_details` as a record of JSON.
const DETAILS: &str = "course_template_id bigint, learning_mode text, time_zone text, lms_start timestamptz,
    lms_end timestamptz, max_places int, sitting text, web_sale boolean, cancelled boolean, event_url text,
    ocr_moodle_code text, access_duration text, recordings text, recording_pin text, tutors text, sage_code text,
    extra_information text, registration_deadline date, location_text text, venue_text text";

/// The same columns, named alone.
const DETAIL_NAMES: &str = "course_template_id, learning_mode, time_zone, lms_start, lms_end, max_places, sitting,
    web_sale, cancelled, event_url, ocr_moodle_code, access_duration, recordings, recording_pin, tutors, sage_code,
    extra_information, registration_deadline, location_text, venue_text";

/// Takes over what Administrate says of an event's places; gives whether that changed anything.
pub async fn set_places(db: &mut PgConnection, id: i64, sold_out: Option<bool>, left: Option<i32>) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE acted.tutorial_events SET is_soldout = coalesce($2, is_soldout), remain_space = coalesce($3, remain_space)
         WHERE id = $1 AND (is_soldout, remain_space) IS DISTINCT FROM (coalesce($2, is_soldout), coalesce($3, remain_space))",
    )
    .bind(id)
    .bind(sold_out)
    .bind(left)
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Inserts events with their details and staff; gives their ids in order.
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

/// Writes what changed of events, their details and their staff.
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
        "WITH wanted AS (
             SELECT event, position, staff->>'role' AS role, staff->>'name' AS name,
                    (staff->>'tutorial_instructor_id')::bigint AS instructor, staff->>'external_id' AS external_id
             FROM jsonb_to_recordset($1) AS s (event bigint, position int, staff jsonb)
         ), gone AS (
             DELETE FROM lectern.event_staff AS known
             WHERE tutorial_event_id = ANY ($2) AND NOT EXISTS (
                 SELECT FROM wanted
                 WHERE event = tutorial_event_id AND wanted.role = known.role AND wanted.position = known.position)
         )
         INSERT INTO lectern.event_staff AS known
             (tutorial_event_id, role, position, name, tutorial_instructor_id, external_id)
         SELECT event, role, position, name, instructor, external_id FROM wanted
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

/// The columns of sessions that are written, an array each, beside the ids of their events.
#[derive(Default)]
struct SessionRows<'a> {
    events: Vec<i64>,
    sequences: Vec<i32>,
    titles: Vec<&'a str>,
    starts: Vec<SqlTimestamp>,
    ends: Vec<SqlTimestamp>,
    locations: Vec<Option<i64>>,
    venues: Vec<Option<i64>>,
    urls: Vec<Option<&'a str>>,
}

impl<'a> SessionRows<'a> {
    fn of(events: &[(i64, &'a Event)]) -> Self {
        let mut rows = SessionRows::default();
        for (event, session) in sessions_of(events) {
            rows.events.push(event);
            rows.sequences.push(session.sequence);
            rows.titles.push(&session.title);
            rows.starts.push(session.start.to_sqlx());
            rows.ends.push(session.end.to_sqlx());
            rows.locations.push(session.location_id);
            rows.venues.push(session.venue_id);
            rows.urls.push(session.url.as_deref());
        }
        rows
    }

    fn bind(self, sql: &'static str) -> sqlx::query::Query<'a, sqlx::Postgres, sqlx::postgres::PgArguments> {
        let query = sqlx::query(sql).bind(self.events).bind(self.sequences).bind(self.titles);
        query.bind(self.starts).bind(self.ends).bind(self.locations).bind(self.venues).bind(self.urls)
    }
}

fn sessions_of<'a>(events: &[(i64, &'a Event)]) -> impl Iterator<Item = (i64, &'a Session)> {
    events.iter().flat_map(|(id, event)| event.sessions.iter().map(|session| (*id, session)))
}

/// Inserts the sessions that are not there yet, and what belongs to all of them.
pub async fn insert_sessions(db: &mut PgConnection, events: &[(i64, &Event)]) -> Result<()> {
    let insert = SessionRows::of(events).bind(
        "INSERT INTO acted.tutorial_sessions
             (tutorial_event_id, sequence, title, start_date, end_date, location_id, venue_id, url)
         SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[],
             $7::bigint[], $8::text[]) AS s (event, sequence, title, starts, ends, location, venue, url)
         WHERE NOT EXISTS (SELECT FROM acted.tutorial_sessions AS known
                           WHERE known.tutorial_event_id = s.event AND known.sequence = s.sequence)",
    );
    insert.execute(&mut *db).await?;
    let ids = session_ids(db, events).await?;
    let known: Vec<(i64, &Session)> = sessions_of(events)
        .filter_map(|(event, session)| Some((*ids.get(&(event, session.sequence))?, session)))
        .collect();
    write_session_details(db, &known).await?;
    write_session_instructors(db, &known).await
}

/// Writes what changed of sessions, and those that are new.
pub async fn update_sessions(db: &mut PgConnection, events: &[(i64, &Event)]) -> Result<()> {
    let update = SessionRows::of(events).bind(
        "UPDATE acted.tutorial_sessions AS known
         SET title = s.title, location_id = s.location, venue_id = s.venue, start_date = s.starts, end_date = s.ends,
             url = s.url
         FROM unnest($1::bigint[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[],
             $7::bigint[], $8::text[]) AS s (event, sequence, title, starts, ends, location, venue, url)
         WHERE known.tutorial_event_id = s.event AND known.sequence = s.sequence
           AND (known.title, known.location_id, known.venue_id, known.start_date, known.end_date, known.url)
               IS DISTINCT FROM (s.title, s.location, s.venue, s.starts, s.ends, s.url)",
    );
    update.execute(&mut *db).await?;
    insert_sessions(db, events).await
}

/// Our ids of the sessions of events, by event and sequence.
async fn session_ids(db: &mut PgConnection, events: &[(i64, &Event)]) -> Result<HashMap<(i64, i32), i64>> {
    let of: Vec<i64> = events.iter().map(|(id, _)| *id).collect();
    let rows: Vec<(i64, i32, i64)> = sqlx::query_as(
        "SELECT tutorial_event_id, sequence, id FROM acted.tutorial_sessions WHERE tutorial_event_id = ANY ($1)",
    )
    .bind(of)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(event, sequence, id)| ((event, sequence), id)).collect())
}

async fn write_session_details(db: &mut PgConnection, sessions: &[(i64, &Session)]) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.session_details AS known (tutorial_session_id, location_text, venue_text)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])
         ON CONFLICT (tutorial_session_id) DO UPDATE
         SET location_text = excluded.location_text, venue_text = excluded.venue_text
         WHERE (known.location_text, known.venue_text) IS DISTINCT FROM (excluded.location_text, excluded.venue_text)",
    )
    .bind(sessions.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(sessions.iter().map(|(_, session)| session.location_text.as_deref()).collect::<Vec<_>>())
    .bind(sessions.iter().map(|(_, session)| session.venue_text.as_deref()).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}

async fn write_session_instructors(db: &mut PgConnection, sessions: &[(i64, &Session)]) -> Result<()> {
    let taught = sessions.iter().flat_map(|(id, session)| session.instructor_ids.iter().map(|who| (*id, *who)));
    let (taught, by): (Vec<i64>, Vec<i64>) = taught.unzip();
    sqlx::query(
        "WITH wanted AS (
             SELECT DISTINCT session, instructor FROM unnest($2::bigint[], $3::bigint[]) AS w (session, instructor)
         ), gone AS (
             DELETE FROM acted.tutorial_session_instructors AS known
             WHERE known.tutorialsessions_id = ANY ($1) AND NOT EXISTS (
                 SELECT FROM wanted
                 WHERE wanted.session = known.tutorialsessions_id AND wanted.instructor = known.tutorialinstructor_id)
         )
         INSERT INTO acted.tutorial_session_instructors (tutorialsessions_id, tutorialinstructor_id)
         SELECT session, instructor FROM wanted
         ON CONFLICT (tutorialsessions_id, tutorialinstructor_id) DO NOTHING",
    )
    .bind(sessions.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(taught)
    .bind(by)
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

/// An event without what stands in tables of its own.
fn own_fields(event: &Event) -> Option<Value> {
    let mut document = serde_json::to_value(event).ok()?;
    let fields = document.as_object_mut()?;
    fields.remove("sessions");
    fields.remove("staff");
    Some(document)
}

/// All that is true of the events with these codes, in order of code; letter case does not count.
pub async fn events_by_code(db: &mut PgConnection, codes: &[&str]) -> Result<Vec<KnownEvent>> {
    let codes: Vec<String> = codes.iter().map(|code| code.to_lowercase()).collect();
    let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM acted.tutorial_events WHERE lower(code) = ANY ($1)")
        .bind(codes)
        .fetch_all(&mut *db)
        .await?;
    events_by_id(db, &ids).await
}

/// All that is true of these events, in order of code; one that is gone is left out.
pub async fn events_by_id(db: &mut PgConnection, ids: &[i64]) -> Result<Vec<KnownEvent>> {
    let known: Vec<Json<KnownEvent>> = sqlx::query_scalar(
        "SELECT json_build_object(
             'id', e.id, 'code', e.code, 'product_id', e.product_id, 'location_id', e.location_id,
             'venue_id', e.venue_id, 'is_soldout', e.is_soldout, 'finalisation_date', e.finalisation_date,
             'remain_space', e.remain_space, 'start_date', e.start_date, 'end_date', e.end_date,
             'course_template_id', d.course_template_id, 'learning_mode', d.learning_mode,
             'time_zone', coalesce(d.time_zone, 'Europe/London'), 'lms_start', d.lms_start, 'lms_end', d.lms_end,
             'max_places', d.max_places, 'sitting', d.sitting, 'web_sale', coalesce(d.web_sale, false),
             'cancelled', coalesce(d.cancelled, false), 'event_url', d.event_url,
             'ocr_moodle_code', d.ocr_moodle_code, 'access_duration', d.access_duration,
             'recordings', d.recordings, 'recording_pin', d.recording_pin, 'tutors', d.tutors,
             'sage_code', d.sage_code, 'extra_information', d.extra_information,
             'registration_deadline', d.registration_deadline, 'location_text', d.location_text,
             'venue_text', d.venue_text, 'staff', staff.list, 'sessions', sessions.list,
             'session_ids', sessions.ids)
         FROM acted.tutorial_events AS e
         LEFT JOIN lectern.event_details AS d ON d.tutorial_event_id = e.id
         CROSS JOIN LATERAL (
             SELECT coalesce(json_agg(json_build_object(
                 'role', s.role, 'name', s.name, 'tutorial_instructor_id', s.tutorial_instructor_id,
                 'external_id', s.external_id) ORDER BY s.position), '[]') AS list
             FROM lectern.event_staff AS s WHERE s.tutorial_event_id = e.id) AS staff
         CROSS JOIN LATERAL (
             SELECT coalesce(json_agg(json_build_object(
                 'sequence', s.sequence, 'title', s.title, 'start', s.start_date, 'end', s.end_date,
                 'location_id', s.location_id, 'venue_id', s.venue_id, 'location_text', t.location_text,
                 'venue_text', t.venue_text, 'url', s.url, 'instructor_ids', (
                     SELECT coalesce(json_agg(i.tutorialinstructor_id ORDER BY i.tutorialinstructor_id), '[]')
                     FROM acted.tutorial_session_instructors AS i WHERE i.tutorialsessions_id = s.id)
                 ) ORDER BY s.sequence), '[]') AS list,
                 coalesce(json_agg(s.id ORDER BY s.sequence), '[]') AS ids
             FROM acted.tutorial_sessions AS s
             LEFT JOIN lectern.session_details AS t ON t.tutorial_session_id = s.id
             WHERE s.tutorial_event_id = e.id) AS sessions
         WHERE e.id = ANY ($1) ORDER BY e.code",
    )
    .bind(ids)
    .fetch_all(db)
    .await?;
    Ok(known.into_iter().map(|Json(event)| event).collect())
}

/// Id and code of the events with these codes; codes are compared as they stand.
pub async fn ids_by_code(db: &mut PgConnection, codes: &[&str]) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as("SELECT id, code FROM acted.tutorial_events WHERE code = ANY ($1) ORDER BY id")
        .bind(codes)
        .fetch_all(db)
        .await?)
}

/// Deletes sessions.
pub async fn delete_sessions(db: &mut PgConnection, ids: &[i64]) -> Result<()> {
    sqlx::query("DELETE FROM acted.tutorial_sessions WHERE id = ANY ($1)").bind(ids).execute(db).await?;
    Ok(())
}

/// Deletes an event with its sessions and details.
pub async fn delete_event(db: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query("DELETE FROM acted.tutorial_events WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Every event by its code.
pub async fn event_codes(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as("SELECT id, code AS name FROM acted.tutorial_events ORDER BY id").fetch_all(db).await?)
}

/// How bookable events are: every one, or these.
pub async fn availabilities(db: &mut PgConnection, ids: Option<&[i64]>) -> Result<Vec<Availability>> {
    type Sessions = Json<Vec<SessionSummary>>;
    let rows: Vec<(i64, String, bool, i32, Sessions)> = sqlx::query_as(
        "SELECT e.id, e.code, e.is_soldout, e.remain_space,
                coalesce(json_agg(json_build_object('id', s.id, 'title', s.title, 'start', s.start_date)
                     ORDER BY s.sequence) FILTER (WHERE s.id IS NOT NULL), '[]')
         FROM acted.tutorial_events AS e LEFT JOIN acted.tutorial_sessions AS s ON s.tutorial_event_id = e.id
         WHERE $1::bigint[] IS NULL OR e.id = ANY ($1) GROUP BY e.id ORDER BY e.id",
    )
    .bind(ids)
    .fetch_all(db)
    .await?;
    let offer = |(id, code, is_soldout, remain_space, Json(sessions))| Availability {
        id,
        code,
        is_soldout,
        remain_space,
        sessions,
    };
    Ok(rows.into_iter().map(offer).collect())
}

/// Writes how bookable events are, where that is another than it was.
pub async fn set_available_places(db: &mut PgConnection, places: &[(i64, PlacesChange)]) -> Result<()> {
    let ids: Vec<i64> = places.iter().map(|(id, _)| *id).collect();
    let sold_out: Vec<Option<bool>> = places.iter().map(|(_, places)| places.is_soldout).collect();
    let left: Vec<Option<i32>> = places.iter().map(|(_, places)| places.remain_space).collect();
    sqlx::query(
        "UPDATE acted.tutorial_events AS e
         SET is_soldout = coalesce(w.sold_out, e.is_soldout), remain_space = coalesce(w.places, e.remain_space)
         FROM unnest($1::bigint[], $2::boolean[], $3::int[]) AS w (id, sold_out, places)
         WHERE e.id = w.id AND (e.is_soldout, e.remain_space)
               IS DISTINCT FROM (coalesce(w.sold_out, e.is_soldout), coalesce(w.places, e.remain_space))",
    )
    .bind(ids)
    .bind(sold_out)
    .bind(left)
    .execute(db)
    .await?;
    Ok(())
}
