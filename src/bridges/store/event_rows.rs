//! SQL that reads and writes whole rows of `adm.events` and `adm.sessions`.

use std::collections::HashSet;

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::bridges::event_rows::{EventLinkRow, RowFilter};
use crate::error::Result;

/// Returns rows of events with their sessions in order of day.
pub async fn rows(db: &mut PgConnection, filter: RowFilter<'_>) -> Result<Vec<EventLinkRow>> {
    let (external_id, local_ids, only) = match filter {
        RowFilter::All => (None, None, "$1::text IS NULL AND $2::bigint[] IS NULL"),
        RowFilter::Of(external_id, local_ids) => {
            (Some(external_id), Some(local_ids), "(e.external_id = $1 OR e.tutorial_event_id = ANY ($2))")
        }
    };
    let sql = format!(
        "SELECT json_build_object(
             'external_id', e.external_id, 'tutorial_event_id', e.tutorial_event_id, 'title', e.title,
             'lifecycle_state', e.lifecycle_state, 'sold_out', e.sold_out, 'cancelled', e.cancelled,
             'max_places', e.max_places, 'lms_start_date', e.lms_start_date, 'lms_end_date', e.lms_end_date,
             'timezone', e.timezone, 'course_template', t.external_id, 'location', l.external_id,
             'venue', v.external_id, 'primary_instructor', i.external_id, 'sessions', coalesce(s.list, '[]'))
         FROM adm.events AS e
         LEFT JOIN adm.course_templates AS t ON t.id = e.course_template_id
         LEFT JOIN adm.locations AS l ON l.id = e.location_id
         LEFT JOIN adm.venues AS v ON v.id = e.venue_id
         LEFT JOIN adm.instructors AS i ON i.id = e.primary_instructor_id
         LEFT JOIN LATERAL (
             SELECT json_agg(json_build_object(
                 'external_id', external_id, 'tutorial_session_id', tutorial_session_id, 'title', title,
                 'day_number', day_number, 'classroom_start_date', classroom_start_date,
                 'classroom_start_time', classroom_start_time, 'classroom_end_date', classroom_end_date,
                 'classroom_end_time', classroom_end_time, 'cancelled', cancelled) ORDER BY day_number, id) AS list
             FROM adm.sessions WHERE event_id = e.id AND external_id IS NOT NULL) AS s ON true
         WHERE e.external_id IS NOT NULL AND {only} ORDER BY e.id"
    );
    let rows: Vec<Json<EventLinkRow>> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(external_id).bind(local_ids).fetch_all(db).await?;
    Ok(rows.into_iter().map(|Json(row)| row).collect())
}

/// Writes rows of events with their sessions: existing rows are updated, new ones inserted.
///
/// Each event and session is looked up in an index (`OFFSET 0` prevents a join that reads the whole table): one event costs
/// the same however many there are.
pub async fn upsert_rows(db: &mut PgConnection, rows: &[&EventLinkRow]) -> Result<()> {
    release_events(db, rows).await?;
    upsert_events(db, rows).await?;
    release_sessions(db, rows).await?;
    upsert_sessions(db, rows).await
}

async fn upsert_events(db: &mut PgConnection, rows: &[&EventLinkRow]) -> Result<()> {
    sqlx::query(
        "INSERT INTO adm.events AS known (external_id, tutorial_event_id, title, lifecycle_state, sold_out, cancelled,
             max_places, lms_start_date, lms_end_date, timezone, course_template_id, location_id, venue_id,
             primary_instructor_id)
         SELECT w.external_id, w.tutorial_event_id, w.title, w.lifecycle_state, w.sold_out, w.cancelled, w.max_places,
             w.lms_start_date, w.lms_end_date, w.timezone, t.id, l.id, v.id, i.id
         FROM jsonb_to_recordset($1) AS w (external_id text, tutorial_event_id bigint, title text, lifecycle_state text,
             sold_out boolean, cancelled boolean, max_places int, lms_start_date timestamptz, lms_end_date timestamptz,
             timezone text, course_template text, location text, venue text, primary_instructor text)
         LEFT JOIN adm.course_templates AS t ON t.external_id = w.course_template
         LEFT JOIN adm.locations AS l ON l.external_id = w.location
         LEFT JOIN adm.venues AS v ON v.external_id = w.venue
         LEFT JOIN adm.instructors AS i ON i.external_id = w.primary_instructor
         ON CONFLICT (external_id) DO UPDATE
         SET (tutorial_event_id, title, lifecycle_state, sold_out, cancelled, max_places, lms_start_date, lms_end_date,
              timezone, course_template_id, location_id, venue_id, primary_instructor_id)
           = (excluded.tutorial_event_id, excluded.title, excluded.lifecycle_state, excluded.sold_out,
              excluded.cancelled, excluded.max_places, excluded.lms_start_date, excluded.lms_end_date,
              excluded.timezone, excluded.course_template_id, excluded.location_id, excluded.venue_id,
              excluded.primary_instructor_id)
         WHERE (known.tutorial_event_id, known.title, known.lifecycle_state, known.sold_out, known.cancelled,
                known.max_places, known.lms_start_date, known.lms_end_date, known.timezone, known.course_template_id,
                known.location_id, known.venue_id, known.primary_instructor_id)
           IS DISTINCT FROM
               (excluded.tutorial_event_id, excluded.title, excluded.lifecycle_state, excluded.sold_out,
                excluded.cancelled, excluded.max_places, excluded.lms_start_date, excluded.lms_end_date,
                excluded.timezone, excluded.course_template_id, excluded.location_id, excluded.venue_id,
                excluded.primary_instructor_id)",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

async fn upsert_sessions(db: &mut PgConnection, rows: &[&EventLinkRow]) -> Result<()> {
    sqlx::query(
        "INSERT INTO adm.sessions AS known (external_id, event_id, tutorial_session_id, title, day_number,
             classroom_start_date, classroom_start_time, classroom_end_date, classroom_end_time, cancelled)
         SELECT s.external_id, e.id, s.tutorial_session_id, s.title, s.day_number, s.classroom_start_date,
             s.classroom_start_time, s.classroom_end_date, s.classroom_end_time, s.cancelled
         FROM jsonb_to_recordset($1) AS w (external_id text, sessions jsonb)
         CROSS JOIN LATERAL (SELECT id FROM adm.events WHERE external_id = w.external_id OFFSET 0) AS e
         CROSS JOIN jsonb_to_recordset(w.sessions) AS s (external_id text, tutorial_session_id bigint, title text,
             day_number int, classroom_start_date date, classroom_start_time time, classroom_end_date date,
             classroom_end_time time, cancelled boolean)
         ON CONFLICT (external_id) DO UPDATE
         SET (event_id, tutorial_session_id, title, day_number, classroom_start_date, classroom_start_time,
              classroom_end_date, classroom_end_time, cancelled)
           = (excluded.event_id, excluded.tutorial_session_id, excluded.title, excluded.day_number,
              excluded.classroom_start_date, excluded.classroom_start_time, excluded.classroom_end_date,
              excluded.classroom_end_time, excluded.cancelled)
         WHERE (known.event_id, known.tutorial_session_id, known.title, known.day_number, known.classroom_start_date,
                known.classroom_start_time, known.classroom_end_date, known.classroom_end_time, known.cancelled)
           IS DISTINCT FROM
               (excluded.event_id, excluded.tutorial_session_id, excluded.title, excluded.day_number,
                excluded.classroom_start_date, excluded.classroom_start_time, excluded.classroom_end_date,
                excluded.classroom_end_time, excluded.cancelled)",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Clears the event links that are about to change: a link is unique at every moment of the update.
async fn release_events(db: &mut PgConnection, rows: &[&EventLinkRow]) -> Result<()> {
    sqlx::query(
        "UPDATE adm.events SET tutorial_event_id = NULL WHERE id = ANY (ARRAY(
             SELECT e.id FROM jsonb_to_recordset($1) AS w (external_id text, tutorial_event_id bigint)
             CROSS JOIN LATERAL (
                 SELECT id, tutorial_event_id FROM adm.events WHERE external_id = w.external_id OFFSET 0) AS e
             WHERE e.tutorial_event_id <> coalesce(w.tutorial_event_id, 0)))",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// The sessions of given rows, with the id of the row of their event.
const GIVEN_SESSIONS: &str = "SELECT e.id AS event_id, s.external_id, s.tutorial_session_id, s.day_number
    FROM jsonb_to_recordset($1) AS w (external_id text, sessions jsonb)
    CROSS JOIN LATERAL (SELECT id FROM adm.events WHERE external_id = w.external_id OFFSET 0) AS e
    CROSS JOIN jsonb_to_recordset(w.sessions) AS s (external_id text, tutorial_session_id bigint, day_number int)";

/// Clears the links and days of sessions that are about to change: both are unique at every moment of the update.
///
/// A row of an adopted database without external id gets the id of the session of its day.
async fn release_sessions(db: &mut PgConnection, rows: &[&EventLinkRow]) -> Result<()> {
    let unnamed = format!(
        "SELECT known.id, given.external_id FROM ({GIVEN_SESSIONS}) AS given
         CROSS JOIN LATERAL (SELECT id FROM adm.sessions AS k
                             WHERE k.event_id = given.event_id AND k.day_number = given.day_number
                               AND k.external_id IS NULL OFFSET 0) AS known
         WHERE (SELECT count(*) FROM adm.sessions AS other WHERE other.external_id = given.external_id) = 0"
    );
    let unnamed: Vec<(i64, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(unnamed)).bind(Json(rows)).fetch_all(&mut *db).await?;
    if !unnamed.is_empty() {
        let (ids, external_ids): (Vec<i64>, Vec<String>) = unnamed.into_iter().unzip();
        sqlx::query(
            "UPDATE adm.sessions AS known SET external_id = w.external_id
             FROM unnest($1::bigint[], $2::text[]) AS w (id, external_id) WHERE known.id = w.id",
        )
        .bind(ids)
        .bind(external_ids)
        .execute(&mut *db)
        .await?;
    }
    let release = format!(
        "WITH given AS MATERIALIZED ({GIVEN_SESSIONS})
         UPDATE adm.sessions SET day_number = NULL, tutorial_session_id = NULL
         WHERE coalesce(day_number, tutorial_session_id) IS NOT NULL AND id = ANY (ARRAY(
             SELECT known.id FROM given CROSS JOIN LATERAL (
                 SELECT id FROM adm.sessions AS k WHERE k.external_id = given.external_id
                    AND (k.event_id, k.day_number, k.tutorial_session_id)
                        IS DISTINCT FROM (given.event_id, given.day_number, given.tutorial_session_id) OFFSET 0) AS known
             UNION ALL SELECT known.id FROM given CROSS JOIN LATERAL (
                 SELECT id FROM adm.sessions AS k WHERE k.event_id = given.event_id AND k.day_number = given.day_number
                    AND k.external_id IS NULL OFFSET 0) AS known
             UNION ALL SELECT known.id FROM given CROSS JOIN LATERAL (
                 SELECT id FROM adm.sessions AS k WHERE k.tutorial_session_id = given.tutorial_session_id
                    AND k.external_id IS NULL OFFSET 0) AS known))"
    );
    sqlx::query(sqlx::AssertSqlSafe(release)).bind(Json(rows)).execute(db).await?;
    Ok(())
}

/// Deletes rows of events with the rows of their sessions.
pub async fn delete_rows(db: &mut PgConnection, external_ids: &[String]) -> Result<()> {
    sqlx::query("DELETE FROM adm.events WHERE external_id = ANY ($1)").bind(external_ids).execute(db).await?;
    Ok(())
}

/// Returns the external ids of all records that a row of an event may refer to.
pub async fn known_ids(db: &mut PgConnection) -> Result<HashSet<String>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT external_id FROM adm.course_templates UNION ALL SELECT external_id FROM adm.locations
         UNION ALL SELECT external_id FROM adm.venues UNION ALL SELECT external_id FROM adm.instructors",
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().collect())
}
