//! SQL that reads events.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Result;
use crate::tutorials::event::KnownEvent;
use crate::tutorials::reference::Named;

/// Returns the events with these codes in order of code, ignoring letter case.
pub async fn events_by_code(db: &mut PgConnection, codes: &[&str]) -> Result<Vec<KnownEvent>> {
    let codes: Vec<String> = codes.iter().map(|code| code.to_lowercase()).collect();
    let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM acted.tutorial_events WHERE lower(code) = ANY ($1)")
        .bind(codes)
        .fetch_all(&mut *db)
        .await?;
    events_by_id(db, &ids).await
}

/// Returns these events in order of code. Deleted events are left out.
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

/// Returns id and code of the events with exactly these codes.
pub async fn ids_by_code(db: &mut PgConnection, codes: &[&str]) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as("SELECT id, code FROM acted.tutorial_events WHERE code = ANY ($1) ORDER BY id")
        .bind(codes)
        .fetch_all(db)
        .await?)
}

/// Returns every event, named by its code.
pub async fn event_codes(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as("SELECT id, code AS name FROM acted.tutorial_events ORDER BY id").fetch_all(db).await?)
}

/// Returns the code of an event.
pub async fn code_of(db: &mut PgConnection, id: i64) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT code FROM acted.tutorial_events WHERE id = $1").bind(id).fetch_optional(db).await?)
}

/// Returns the values of an event for custom fields that are no fields of it, by label, as Administrate writes them.
pub async fn custom_values(db: &mut PgConnection, code: &str) -> Result<BTreeMap<String, String>> {
    let values: Option<Json<BTreeMap<String, Value>>> = sqlx::query_scalar(
        "SELECT details.custom_fields FROM lectern.event_details AS details
         JOIN acted.tutorial_events AS event ON event.id = details.tutorial_event_id WHERE event.code = $1",
    )
    .bind(code)
    .fetch_optional(db)
    .await?;
    let text = |value: Value| match value {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    let values = values.map(|Json(values)| values).unwrap_or_default();
    Ok(values.into_iter().map(|(label, value)| (label, text(value))).collect())
}
