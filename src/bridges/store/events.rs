//! SQL on links of events and sessions (`adm.events`, `adm.sessions`) and on their rows of `lectern.agreed`.

use std::collections::HashMap;

use administrate::{Id, Lifecycle};
use sqlx::{PgConnection, PgPool};

use crate::bridges::event_links::{EventLink, ExternalIds, PossibleDuplicate, RemoteStatus, SessionLink};
use crate::bridges::lifecycle::LifecycleState;
use crate::error::{Error, Result};
use crate::names::fold;
use crate::tutorials;
use crate::tutorials::Event;

/// Returns the link of a local event, `None` if it is not linked.
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
    let sessions = rows.into_iter().filter_map(|(_, session, local_id)| {
        session.map(|id| SessionLink { external_id: Id::new(id), tutorial_session_id: local_id })
    });
    Ok(Some(EventLink { external_id, sessions: sessions.collect() }))
}

/// Returns the local event that is linked with this external id.
pub async fn linked_event(db: &mut PgConnection, external_id: &Id) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar("SELECT tutorial_event_id FROM adm.events WHERE external_id = $1")
        .bind(external_id.as_str())
        .fetch_optional(db)
        .await?
        .flatten())
}

/// Stores the state of an event in Administrate and whether it is sold out; `None` leaves a value unchanged.
///
/// Returns whether the state differs from the stored one.
pub async fn record_state(
    db: &mut PgConnection,
    external_id: &Id,
    lifecycle: Option<&LifecycleState>,
    sold_out: Option<bool>,
) -> Result<bool> {
    let changed: Option<bool> = sqlx::query_scalar(
        "UPDATE adm.events AS e
         SET lifecycle_state = coalesce(left(upper($2), 20), e.lifecycle_state), sold_out = coalesce($3, e.sold_out)
         FROM adm.events AS before
         WHERE e.external_id = $1 AND before.id = e.id
           AND (e.lifecycle_state IS DISTINCT FROM coalesce(left(upper($2), 20), e.lifecycle_state)
                OR e.sold_out IS DISTINCT FROM coalesce($3, e.sold_out))
         RETURNING e.lifecycle_state IS DISTINCT FROM before.lifecycle_state",
    )
    .bind(external_id.as_str())
    .bind(lifecycle.map(LifecycleState::as_str))
    .bind(sold_out)
    .fetch_optional(db)
    .await?;
    Ok(changed.unwrap_or_default())
}

/// Stores the external ids of a local event and its sessions, in the order of `sessions`.
///
/// Commits in a transaction of its own, so that no later failure makes the worker create the event again. Rows of an
/// adopted database without external id get it.
///
/// # Errors
/// The remote event is linked with another local event.
pub async fn link_event(pool: &PgPool, tutorial_event_id: i64, link: &EventLink) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query(
        "UPDATE adm.events SET external_id = $1 WHERE tutorial_event_id = $2 AND external_id IS NULL
           AND NOT EXISTS (SELECT FROM adm.events WHERE external_id = $1)",
    )
    .bind(link.external_id.as_str())
    .bind(tutorial_event_id)
    .execute(&mut *tx)
    .await?;
    let event: Option<i64> = sqlx::query_scalar(
        "INSERT INTO adm.events AS known (external_id, tutorial_event_id) VALUES ($1, $2)
         ON CONFLICT (external_id) DO UPDATE SET tutorial_event_id = excluded.tutorial_event_id
         WHERE known.tutorial_event_id IS NULL OR known.tutorial_event_id = excluded.tutorial_event_id RETURNING id",
    )
    .bind(link.external_id.as_str())
    .bind(tutorial_event_id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(event) = event else {
        let id = &link.external_id;
        return Err(Error::Failed(format!("Administrate's event {id} is already linked with another local event")));
    };
    link_sessions(&mut tx, event, &link.sessions).await?;
    Ok(tx.commit().await?)
}

async fn link_sessions(db: &mut PgConnection, event: i64, sessions: &[SessionLink]) -> Result<()> {
    let ids: Vec<&str> = sessions.iter().map(|session| session.external_id.as_str()).collect();
    let local_ids: Vec<Option<i64>> = sessions.iter().map(|session| session.tutorial_session_id).collect();
    sqlx::query(
        "UPDATE adm.sessions AS known SET external_id = s.external_id
         FROM unnest($1::text[], $2::bigint[]) AS s (external_id, local_id)
         WHERE known.tutorial_session_id = s.local_id AND known.external_id IS NULL
           AND NOT EXISTS (SELECT FROM adm.sessions AS other WHERE other.external_id = s.external_id)",
    )
    .bind(&ids)
    .bind(&local_ids)
    .execute(&mut *db)
    .await?;
    // A sync may have stored them in another order. A day is unique at every moment of the update.
    sqlx::query(
        "UPDATE adm.sessions AS known SET day_number = NULL
         FROM unnest($1::text[]) WITH ORDINALITY AS s (external_id, day)
         WHERE known.external_id = s.external_id AND known.day_number <> s.day",
    )
    .bind(&ids)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO adm.sessions (external_id, tutorial_session_id, event_id, day_number)
         SELECT external_id, local_id, $1, day
         FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS s (external_id, local_id, day)
         ON CONFLICT (external_id) DO UPDATE
         SET tutorial_session_id = excluded.tutorial_session_id, event_id = excluded.event_id,
             day_number = excluded.day_number",
    )
    .bind(event)
    .bind(&ids)
    .bind(&local_ids)
    .execute(db)
    .await?;
    Ok(())
}

/// Returns those remote events that are linked with another local event.
pub async fn linked_elsewhere(db: &mut PgConnection, tutorial_event_id: i64, external_ids: &[Id]) -> Result<Vec<Id>> {
    let external_ids: Vec<&str> = external_ids.iter().map(Id::as_str).collect();
    let linked: Vec<String> = sqlx::query_scalar(
        "SELECT external_id FROM adm.events WHERE external_id = ANY ($1) AND tutorial_event_id <> $2",
    )
    .bind(external_ids)
    .bind(tutorial_event_id)
    .fetch_all(db)
    .await?;
    Ok(linked.into_iter().map(Id::new).collect())
}

/// Deletes the link of an event that Administrate no longer has, with its sessions and their baselines.
pub async fn delete_event_link(db: &mut PgConnection, link: &EventLink) -> Result<()> {
    let mut external_ids: Vec<&str> = link.sessions.iter().map(|session| session.external_id.as_str()).collect();
    external_ids.push(link.external_id.as_str());
    sqlx::query("DELETE FROM adm.sessions WHERE external_id = ANY ($1)").bind(&external_ids).execute(&mut *db).await?;
    sqlx::query("DELETE FROM adm.events WHERE external_id = ANY ($1)").bind(&external_ids).execute(&mut *db).await?;
    sqlx::query("DELETE FROM lectern.agreed WHERE external_id = ANY ($1)").bind(&external_ids).execute(db).await?;
    Ok(())
}

/// Deletes the links of sessions that Administrate no longer has, with their baselines.
pub async fn delete_session_links(pool: &PgPool, external_ids: &[Id]) -> Result<()> {
    let external_ids: Vec<&str> = external_ids.iter().map(Id::as_str).collect();
    let sql = "WITH deleted AS (DELETE FROM adm.sessions WHERE external_id = ANY ($1)),
                    withdrawn AS (DELETE FROM lectern.withdrawn_sessions WHERE external_id = ANY ($1))
               DELETE FROM lectern.agreed WHERE entity = 'session' AND external_id = ANY ($1)";
    sqlx::query(sql).bind(external_ids).execute(pool).await?;
    Ok(())
}

/// Marks sessions that Administrate no longer has. The links stay, so that no other remote session is linked instead.
pub async fn mark_sessions_missing(pool: &PgPool, external_ids: &[Id]) -> Result<()> {
    let external_ids: Vec<&str> = external_ids.iter().map(Id::as_str).collect();
    let sql = "UPDATE adm.sessions SET day_number = NULL WHERE external_id = ANY ($1)";
    sqlx::query(sql).bind(external_ids).execute(pool).await?;
    Ok(())
}

/// Requests the removal of these local sessions from Administrate.
pub async fn withdraw_sessions(db: &mut PgConnection, tutorial_session_ids: &[i64]) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.withdrawn_sessions (external_id)
         SELECT external_id FROM adm.sessions WHERE tutorial_session_id = ANY ($1) AND external_id IS NOT NULL
         ON CONFLICT DO NOTHING",
    )
    .bind(tutorial_session_ids)
    .execute(db)
    .await?;
    Ok(())
}

/// Returns those remote sessions whose removal is requested.
pub async fn withdrawn(pool: &PgPool, external_ids: &[Id]) -> Result<Vec<Id>> {
    let external_ids: Vec<&str> = external_ids.iter().map(Id::as_str).collect();
    let sql = "SELECT external_id FROM lectern.withdrawn_sessions WHERE external_id = ANY ($1) ORDER BY external_id";
    let found: Vec<String> = sqlx::query_scalar(sql).bind(external_ids).fetch_all(pool).await?;
    Ok(found.into_iter().map(Id::new).collect())
}

/// Returns those local events with nothing left to publish.
///
/// They are cancelled locally, or Lectern has published them in Administrate with all their sessions.
pub async fn published(db: &mut PgConnection, tutorial_event_ids: &[i64]) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT e.tutorial_event_id FROM adm.events AS e
         JOIN lectern.agreed AS a ON a.entity = 'event-standing' AND a.external_id = e.external_id
         WHERE e.tutorial_event_id = ANY ($1) AND a.fields->>'state' = 'published' AND NOT EXISTS (
             SELECT FROM adm.sessions AS s
             WHERE s.event_id = e.id AND s.tutorial_session_id IS NOT NULL AND s.day_number IS NOT NULL
               AND NOT a.fields->'published_sessions' ? s.external_id)
         UNION SELECT tutorial_event_id FROM lectern.event_details WHERE tutorial_event_id = ANY ($1) AND cancelled",
    )
    .bind(tutorial_event_ids)
    .fetch_all(db)
    .await?)
}

/// Returns local events that may exist twice in Administrate, because the outcome of a creation is unknown.
///
/// A creation from more than 30 days ago no longer counts.
pub async fn possible_duplicates(db: &mut PgConnection) -> Result<Vec<PossibleDuplicate>> {
    Ok(sqlx::query_as(
        "SELECT e.tutorial_event_id, local.code, e.external_id FROM lectern.agreed AS a
         JOIN adm.events AS e ON e.external_id = a.external_id
         JOIN acted.tutorial_events AS local ON local.id = e.tutorial_event_id
         WHERE a.entity = 'event-standing' AND a.agreed_at > now() - interval '30 days'
           AND a.fields @> '{\"made_in_doubt\": true}' ORDER BY local.code",
    )
    .fetch_all(db)
    .await?)
}

/// Stores that a user has confirmed the link: the event is no longer a possible duplicate.
pub async fn confirm_link(db: &mut PgConnection, external_id: &Id) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.agreed SET fields = fields - 'made_in_doubt'
         WHERE entity = 'event-standing' AND external_id = $1",
    )
    .bind(external_id.as_str())
    .execute(db)
    .await?;
    Ok(())
}

/// Returns local id of the event and sequence of sessions that Administrate lacks, for events that it has.
pub async fn missing_sessions(db: &mut PgConnection, tutorial_event_ids: &[i64]) -> Result<Vec<(i64, i32)>> {
    if tutorial_event_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as(
        "SELECT local.tutorial_event_id, local.sequence FROM acted.tutorial_sessions AS local
         WHERE local.tutorial_event_id = ANY ($1)
           AND EXISTS (SELECT FROM adm.events AS e
                       WHERE e.tutorial_event_id = local.tutorial_event_id AND e.external_id IS NOT NULL)
           AND NOT EXISTS (SELECT FROM adm.sessions AS s
                           WHERE s.tutorial_session_id = local.id AND s.external_id IS NOT NULL
                             AND s.day_number IS NOT NULL)
         ORDER BY local.tutorial_event_id, local.sequence",
    )
    .bind(tutorial_event_ids)
    .fetch_all(db)
    .await?)
}

/// Returns what Administrate has of each local event. Events that it does not have are absent.
///
/// # Errors
/// A stored state is none of `draft`, `published` and `cancelled`.
pub async fn remote_status(db: &mut PgConnection, tutorial_event_ids: &[i64]) -> Result<HashMap<i64, RemoteStatus>> {
    if tutorial_event_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, i64, i64, Option<String>, i64)> = sqlx::query_as(
        "SELECT e.tutorial_event_id, count(s.tutorial_session_id), count(s.id) - count(s.tutorial_session_id),
                a.fields->>'state', count(s.id) FILTER (WHERE a.fields->'published_sessions' ? s.external_id)
         FROM adm.events AS e
         LEFT JOIN adm.sessions AS s ON s.event_id = e.id AND s.external_id IS NOT NULL AND s.day_number IS NOT NULL
         LEFT JOIN lectern.agreed AS a ON a.entity = 'event-standing' AND a.external_id = e.external_id
         WHERE e.tutorial_event_id = ANY ($1) AND e.external_id IS NOT NULL
         GROUP BY e.id, a.fields",
    )
    .bind(tutorial_event_ids)
    .fetch_all(db)
    .await?;
    let mut found = HashMap::new();
    for (event, linked, extra, state, published) in rows {
        let state = state.map(|state| stored_state(event, state)).transpose()?;
        let status = RemoteStatus {
            linked: linked as usize,
            extra: extra as usize,
            is_published: state == Some(Lifecycle::Published),
            published_sessions: published as usize,
            is_cancelled: state == Some(Lifecycle::Cancelled),
        };
        found.insert(event, status);
    }
    Ok(found)
}

/// Parses the state that Lectern has stored for an event.
fn stored_state(tutorial_event_id: i64, state: String) -> Result<Lifecycle> {
    let unreadable = format!("the stored state \"{state}\" of event {tutorial_event_id} is unknown");
    serde_json::from_value(state.into()).map_err(|_| Error::Failed(unreadable))
}

/// Returns those local events with extra sessions in Administrate.
pub async fn with_extra_sessions(db: &mut PgConnection, tutorial_event_ids: &[i64]) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT tutorial_event_id FROM adm.events AS e
         WHERE tutorial_event_id = ANY ($1) AND EXISTS (
             SELECT FROM adm.sessions AS s
             WHERE s.event_id = e.id AND s.tutorial_session_id IS NULL AND s.external_id IS NOT NULL)",
    )
    .bind(tutorial_event_ids)
    .fetch_all(db)
    .await?)
}

/// Returns the external ids of everything that an event refers to; of several links the oldest counts.
pub async fn external_ids(db: &mut PgConnection, event: &Event) -> Result<ExternalIds> {
    let places = |event_id: fn(&Event) -> Option<i64>, session_id: fn(&crate::tutorials::Session) -> Option<i64>| {
        event_id(event).into_iter().chain(event.sessions.iter().filter_map(session_id)).collect::<Vec<i64>>()
    };
    let instructors = event.sessions.iter().flat_map(|session| session.instructor_ids.iter().copied());
    let staff = event.staff.iter().filter_map(|staff| staff.tutorial_instructor_id);
    let rows: Vec<(String, i64, String)> = sqlx::query_as(
        "SELECT DISTINCT ON (kind, local_id) kind, local_id, external_id FROM (
             SELECT 'template' AS kind, tutorial_course_template_id AS local_id, external_id, id
             FROM adm.course_templates WHERE tutorial_course_template_id = $1
             UNION ALL SELECT 'location', tutorial_location_id, external_id, id
             FROM adm.locations WHERE tutorial_location_id = ANY ($2)
             UNION ALL SELECT 'venue', tutorial_venue_id, external_id, id
             FROM adm.venues WHERE tutorial_venue_id = ANY ($3)
             UNION ALL SELECT 'instructor', tutorial_instructor_id, external_id, id
             FROM adm.instructors WHERE tutorial_instructor_id = ANY ($4)) AS links
         ORDER BY kind, local_id, id",
    )
    .bind(event.course_template_id)
    .bind(places(|event| event.location_id, |session| session.location_id))
    .bind(places(|event| event.venue_id, |session| session.venue_id))
    .bind(instructors.chain(staff).collect::<Vec<i64>>())
    .fetch_all(&mut *db)
    .await?;
    let mut ids = ExternalIds::default();
    for (kind, local_id, external_id) in rows {
        let links = match kind.as_str() {
            "template" => &mut ids.templates,
            "location" => &mut ids.locations,
            "venue" => &mut ids.venues,
            _ => &mut ids.instructors,
        };
        links.insert(local_id, Id::new(external_id));
    }
    let fields: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT entity_type, label, external_id FROM adm.custom_fields WHERE entity_type IN ('Event', 'Session')
         ORDER BY id DESC",
    )
    .fetch_all(&mut *db)
    .await?;
    ids.event_values = tutorials::store::custom_values(db, &event.code).await?;
    let key = |(entity, label, key): (String, String, String)| ((entity, fold(&label)), Id::new(key));
    ids.custom_fields = fields.into_iter().map(key).collect();
    Ok(ids)
}
