//! SQL on what belongs to events beside their columns.

use std::collections::HashMap;

use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Result;

/// Returns code and learning mode in Administrate of course templates.
pub async fn template_modes(db: &mut PgConnection, ids: &[i64]) -> Result<HashMap<i64, (String, Option<String>)>> {
    let rows: Vec<(i64, String, Option<String>)> = sqlx::query_as(
        "SELECT template.id, template.code, (
             SELECT link.event_learning_mode FROM adm.course_templates AS link
             WHERE link.tutorial_course_template_id = template.id ORDER BY link.id LIMIT 1)
         FROM acted.tutorial_course_templates AS template WHERE template.id = ANY ($1)",
    )
    .bind(ids)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(id, code, mode)| (id, (code, mode))).collect())
}

/// Replaces the instructors of whole events.
pub async fn set_instructors(db: &mut PgConnection, given: &[(i64, Value)]) -> Result<()> {
    let rows: Vec<Value> = given.iter().map(|(id, ids)| json!({ "event": id, "ids": ids })).collect();
    sqlx::query(
        "WITH given AS (SELECT event, ids FROM jsonb_to_recordset($1) AS given (event bigint, ids jsonb)),
         desired AS (
             SELECT event, (place - 1)::int AS position, teacher.id, COALESCE(NULLIF(concat_ws(' ',
                    NULLIF(btrim(person.first_name), ''), NULLIF(btrim(person.last_name), '')), ''),
                    'Instructor #' || teacher.id) AS name
             FROM given CROSS JOIN jsonb_array_elements_text(ids) WITH ORDINALITY AS one (id, place)
             JOIN acted.tutorial_instructors AS teacher ON teacher.id = one.id::bigint
             LEFT JOIN acted.staff AS member ON member.id = teacher.staff_id
             LEFT JOIN public.auth_user AS person ON person.id = member.user_id),
         gone AS (
             DELETE FROM lectern.event_staff AS known USING given
             WHERE known.tutorial_event_id = given.event AND known.role = 'instructor' AND NOT EXISTS (
                 SELECT FROM desired WHERE desired.event = given.event AND desired.position = known.position))
         INSERT INTO lectern.event_staff AS known (tutorial_event_id, role, position, name, tutorial_instructor_id)
         SELECT event, 'instructor', position, name, id FROM desired
         ON CONFLICT (tutorial_event_id, role, position) DO UPDATE
         SET name = excluded.name, tutorial_instructor_id = excluded.tutorial_instructor_id, external_id = NULL
         WHERE known.tutorial_instructor_id IS DISTINCT FROM excluded.tutorial_instructor_id",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// A contact in Administrate who administers an event.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NamedContact {
    pub name: String,
    pub external_id: String,
}

/// Returns the administrators of an event.
pub async fn administrators_of(db: &mut PgConnection, event: i64) -> Result<Vec<NamedContact>> {
    Ok(sqlx::query_as(
        "SELECT name, external_id FROM lectern.event_staff
         WHERE tutorial_event_id = $1 AND role = 'administrator' AND external_id IS NOT NULL ORDER BY position",
    )
    .bind(event)
    .fetch_all(db)
    .await?)
}

/// Replaces the administrators of events. Each has `name` and `external_id`.
pub async fn set_administrators(db: &mut PgConnection, given: &[(i64, Value)]) -> Result<()> {
    let rows: Vec<Value> = given.iter().map(|(id, people)| json!({ "event": id, "people": people })).collect();
    sqlx::query(
        "WITH given AS (SELECT event, people FROM jsonb_to_recordset($1) AS given (event bigint, people jsonb)),
         desired AS (
             SELECT event, (place - 1)::int AS position, one->>'name' AS name, one->>'external_id' AS external_id
             FROM given CROSS JOIN jsonb_array_elements(people) WITH ORDINALITY AS one (one, place)),
         gone AS (
             DELETE FROM lectern.event_staff AS known USING given
             WHERE known.tutorial_event_id = given.event AND known.role = 'administrator' AND NOT EXISTS (
                 SELECT FROM desired WHERE desired.event = given.event AND desired.position = known.position))
         INSERT INTO lectern.event_staff AS known (tutorial_event_id, role, position, name, external_id)
         SELECT event, 'administrator', position, name, external_id FROM desired
         ON CONFLICT (tutorial_event_id, role, position) DO UPDATE
         SET name = excluded.name, external_id = excluded.external_id
         WHERE (known.name, known.external_id) IS DISTINCT FROM (excluded.name, excluded.external_id)",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Stores the values of custom fields that are no fields of the event.
pub async fn set_custom_values(db: &mut PgConnection, given: &[(i64, Value)]) -> Result<()> {
    let (ids, values): (Vec<i64>, Vec<Json<&Value>>) = given.iter().map(|(id, values)| (*id, Json(values))).unzip();
    sqlx::query(
        "INSERT INTO lectern.event_details AS known (tutorial_event_id, custom_fields)
         SELECT * FROM unnest($1::bigint[], $2::jsonb[]) AS given (id, custom_fields)
         ON CONFLICT (tutorial_event_id) DO UPDATE SET custom_fields = excluded.custom_fields
         WHERE known.custom_fields <> excluded.custom_fields",
    )
    .bind(ids)
    .bind(values)
    .execute(db)
    .await?;
    Ok(())
}

/// Locks an event and returns its code.
pub async fn lock(db: &mut PgConnection, id: i64) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT code FROM acted.tutorial_events WHERE id = $1 FOR NO KEY UPDATE")
        .bind(id)
        .fetch_optional(db)
        .await?)
}

/// Cancels an event locally.
pub async fn cancel(db: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.event_details AS known (tutorial_event_id, cancelled) VALUES ($1, true)
         ON CONFLICT (tutorial_event_id) DO UPDATE SET cancelled = true WHERE NOT known.cancelled",
    )
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}
