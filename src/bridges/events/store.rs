//! All SQL on `adm.events`, `adm.sessions` and `lectern.agreed`.

use administrate::Id;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use super::{Agreed, EventLink, ExternalIds, SessionLink};
use crate::error::Result;
use crate::names::fold;
use crate::tutorials::Event;

/// The link of our event, if Administrate has it.
pub async fn link_of(db: &mut PgConnection, tutorial_event_id: i64) -> Result<Option<EventLink>> {
    let rows: Vec<(String, Option<String>, Option<i64>)> = sqlx::query_as(
        "SELECT e.external_id, s.external_id, s.tutorial_session_id
         FROM adm.events AS e LEFT JOIN adm.sessions AS s ON s.event_id = e.id AND s.external_id IS NOT NULL
         WHERE e.tutorial_event_id = $1 AND e.external_id IS NOT NULL ORDER BY s.day_number, s.id",
    )
    .bind(tutorial_event_id)
    .fetch_all(db)
    .await?;
    let Some((event, ..)) = rows.first() else { return Ok(None) };
    let external_id = Id::new(event.clone());
    let sessions = rows.into_iter().filter_map(|(_, session, ours)| {
        session.map(|id| SessionLink { external_id: Id::new(id), tutorial_session_id: ours })
    });
    Ok(Some(EventLink { external_id, sessions: sessions.collect() }))
}

/// Our event that Administrate calls this, if the two are linked.
pub async fn linked_event(db: &mut PgConnection, external_id: &Id) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar("SELECT tutorial_event_id FROM adm.events WHERE external_id = $1")
        .bind(external_id.as_str())
        .fetch_optional(db)
        .await?
        .flatten())
}

/// Notes the state of a linked event in Administrate: `draft`, `published` or `cancelled`.
pub async fn note_lifecycle(db: &mut PgConnection, external_id: &Id, lifecycle: &str) -> Result<()> {
    sqlx::query(
        "UPDATE adm.events SET lifecycle_state = left($2, 20)
         WHERE external_id = $1 AND lifecycle_state IS DISTINCT FROM left($2, 20)",
    )
    .bind(external_id.as_str())
    .bind(lifecycle)
    .execute(db)
    .await?;
    Ok(())
}

/// Stores what Administrate calls our event and its sessions, in a transaction of its own: from here on no accident
/// makes us create it again. The order of `sessions` is kept.
pub async fn link_event(pool: &PgPool, tutorial_event_id: i64, link: &EventLink) -> Result<()> {
    let ids: Vec<&str> = link.sessions.iter().map(|session| session.external_id.as_str()).collect();
    let ours: Vec<Option<i64>> = link.sessions.iter().map(|session| session.tutorial_session_id).collect();
    let mut tx = pool.begin().await?;
    let event: i64 = sqlx::query_scalar(
        "INSERT INTO adm.events (external_id, tutorial_event_id) VALUES ($1, $2)
         ON CONFLICT (external_id) DO UPDATE SET tutorial_event_id = excluded.tutorial_event_id RETURNING id",
    )
    .bind(link.external_id.as_str())
    .bind(tutorial_event_id)
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO adm.sessions (external_id, tutorial_session_id, event_id, day_number)
         SELECT external_id, ours, $1, day FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS s (external_id, ours, day)
         ON CONFLICT (external_id) DO UPDATE
         SET tutorial_session_id = excluded.tutorial_session_id, event_id = excluded.event_id,
             day_number = excluded.day_number",
    )
    .bind(event)
    .bind(ids)
    .bind(ours)
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// What Administrate calls everything that an event refers to. Where several of theirs are linked to one of ours, the
/// oldest link counts.
pub async fn external_ids(db: &mut PgConnection, event: &Event) -> Result<ExternalIds> {
    let places = |of: fn(&Event) -> Option<i64>, session: fn(&crate::tutorials::Session) -> Option<i64>| {
        of(event).into_iter().chain(event.sessions.iter().filter_map(session)).collect::<Vec<i64>>()
    };
    let taught = event.sessions.iter().flat_map(|session| session.instructor_ids.iter().copied());
    let named = event.staff.iter().filter_map(|staff| staff.tutorial_instructor_id);
    let rows: Vec<(String, i64, String)> = sqlx::query_as(
        "SELECT DISTINCT ON (kind, ours) kind, ours, external_id FROM (
             SELECT 'template' AS kind, tutorial_course_template_id AS ours, external_id, id
             FROM adm.course_templates WHERE tutorial_course_template_id = $1
             UNION ALL SELECT 'location', tutorial_location_id, external_id, id
             FROM adm.locations WHERE tutorial_location_id = ANY ($2)
             UNION ALL SELECT 'venue', tutorial_venue_id, external_id, id
             FROM adm.venues WHERE tutorial_venue_id = ANY ($3)
             UNION ALL SELECT 'instructor', tutorial_instructor_id, external_id, id
             FROM adm.instructors WHERE tutorial_instructor_id = ANY ($4)) AS links
         ORDER BY kind, ours, id",
    )
    .bind(event.course_template_id)
    .bind(places(|event| event.location_id, |session| session.location_id))
    .bind(places(|event| event.venue_id, |session| session.venue_id))
    .bind(taught.chain(named).collect::<Vec<i64>>())
    .fetch_all(&mut *db)
    .await?;
    let mut ids = ExternalIds::default();
    for (kind, ours, external_id) in rows {
        let links = match kind.as_str() {
            "template" => &mut ids.templates,
            "location" => &mut ids.locations,
            "venue" => &mut ids.venues,
            _ => &mut ids.instructors,
        };
        links.insert(ours, Id::new(external_id));
    }
    let fields: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT entity_type, label, external_id FROM adm.custom_fields WHERE entity_type IN ('Event', 'Session')
         ORDER BY id DESC",
    )
    .fetch_all(db)
    .await?;
    let key = |(entity, label, key): (String, String, String)| ((entity, fold(&label)), Id::new(key));
    ids.custom_fields = fields.into_iter().map(key).collect();
    Ok(ids)
}

/// The values on which both sides last agreed for a record of theirs; none where there are none, or where they are of an
/// older shape.
pub async fn agreed<T: DeserializeOwned>(db: &mut PgConnection, kind: Agreed, id: &Id) -> Result<Option<T>> {
    let fields: Option<Json<serde_json::Value>> =
        sqlx::query_scalar("SELECT fields FROM lectern.agreed WHERE entity = $1 AND external_id = $2")
            .bind(kind.name())
            .bind(id.as_str())
            .fetch_optional(db)
            .await?;
    Ok(fields.and_then(|Json(fields)| serde_json::from_value(fields).ok()))
}

/// Notes the values that Administrate has just taken over.
pub async fn agree(db: &mut PgConnection, kind: Agreed, id: &Id, fields: &impl Serialize) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.agreed (entity, external_id, fields) VALUES ($1, $2, $3)
         ON CONFLICT (entity, external_id) DO UPDATE SET fields = excluded.fields, agreed_at = now()",
    )
    .bind(kind.name())
    .bind(id.as_str())
    .bind(Json(fields))
    .execute(db)
    .await?;
    Ok(())
}
