//! All SQL on `adm.events` and `adm.sessions`, and on `lectern.agreed` where it goes with them.

use std::collections::HashMap;

use administrate::Id;
use sqlx::{PgConnection, PgPool};

use crate::bridges::events::{EventLink, ExternalIds, PossibleDuplicate, RemoteStatus, SessionLink};
use crate::error::{Error, Result};
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

/// Notes how an event stands in Administrate: `draft`, `published` or `cancelled`, and whether it is sold out. Gives
/// whether its state there is another than was known.
pub async fn record_state(
    db: &mut PgConnection,
    external_id: &Id,
    lifecycle: Option<&str>,
    sold_out: Option<bool>,
) -> Result<bool> {
    let moved: Option<bool> = sqlx::query_scalar(
        "UPDATE adm.events AS e
         SET lifecycle_state = coalesce(left(upper($2), 20), e.lifecycle_state), sold_out = coalesce($3, e.sold_out)
         FROM adm.events AS before
         WHERE e.external_id = $1 AND before.id = e.id
           AND (e.lifecycle_state IS DISTINCT FROM coalesce(left(upper($2), 20), e.lifecycle_state)
                OR e.sold_out IS DISTINCT FROM coalesce($3, e.sold_out))
         RETURNING e.lifecycle_state IS DISTINCT FROM before.lifecycle_state",
    )
    .bind(external_id.as_str())
    .bind(lifecycle)
    .bind(sold_out)
    .fetch_optional(db)
    .await?;
    Ok(moved.unwrap_or_default())
}

/// Stores what Administrate calls our event and its sessions, in a transaction of its own: from here on no accident
/// makes us create it again. The order of `sessions` is kept. Rows of an adopted database that lack Administrate's id get it.
///
/// Errors: Administrate's event is linked to another one of ours.
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
        return Err(Error::Failed(format!("Administrate's event {id} is linked to another event here already")));
    };
    link_sessions(&mut tx, event, &link.sessions).await?;
    Ok(tx.commit().await?)
}

async fn link_sessions(db: &mut PgConnection, event: i64, sessions: &[SessionLink]) -> Result<()> {
    let ids: Vec<&str> = sessions.iter().map(|session| session.external_id.as_str()).collect();
    let ours: Vec<Option<i64>> = sessions.iter().map(|session| session.tutorial_session_id).collect();
    sqlx::query(
        "UPDATE adm.sessions AS known SET external_id = s.external_id
         FROM unnest($1::text[], $2::bigint[]) AS s (external_id, ours)
         WHERE known.tutorial_session_id = s.ours AND known.external_id IS NULL
           AND NOT EXISTS (SELECT FROM adm.sessions AS other WHERE other.external_id = s.external_id)",
    )
    .bind(&ids)
    .bind(&ours)
    .execute(&mut *db)
    .await?;
    // A sync may have seen them before, in another order: a day stands only once, also halfway.
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
         SELECT external_id, ours, $1, day FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS s (external_id, ours, day)
         ON CONFLICT (external_id) DO UPDATE
         SET tutorial_session_id = excluded.tutorial_session_id, event_id = excluded.event_id,
             day_number = excluded.day_number",
    )
    .bind(event)
    .bind(&ids)
    .bind(&ours)
    .execute(db)
    .await?;
    Ok(())
}

/// Which of Administrate's events are linked to an event of ours other than this one.
pub async fn linked_elsewhere(db: &mut PgConnection, tutorial_event_id: i64, theirs: &[Id]) -> Result<Vec<Id>> {
    let theirs: Vec<&str> = theirs.iter().map(Id::as_str).collect();
    let linked: Vec<String> = sqlx::query_scalar(
        "SELECT external_id FROM adm.events WHERE external_id = ANY ($1) AND tutorial_event_id <> $2",
    )
    .bind(theirs)
    .bind(tutorial_event_id)
    .fetch_all(db)
    .await?;
    Ok(linked.into_iter().map(Id::new).collect())
}

/// Forgets an event of Administrate's that is gone there, with its sessions and all that was agreed about them.
pub async fn delete_event_link(db: &mut PgConnection, link: &EventLink) -> Result<()> {
    let mut theirs: Vec<&str> = link.sessions.iter().map(|session| session.external_id.as_str()).collect();
    theirs.push(link.external_id.as_str());
    sqlx::query("DELETE FROM adm.sessions WHERE external_id = ANY ($1)").bind(&theirs).execute(&mut *db).await?;
    sqlx::query("DELETE FROM adm.events WHERE external_id = ANY ($1)").bind(&theirs).execute(&mut *db).await?;
    sqlx::query("DELETE FROM lectern.agreed WHERE external_id = ANY ($1)").bind(&theirs).execute(db).await?;
    Ok(())
}

/// Forgets sessions of Administrate's that are gone there, with all that was agreed about them.
pub async fn delete_session_links(pool: &PgPool, theirs: &[Id]) -> Result<()> {
    let theirs: Vec<&str> = theirs.iter().map(Id::as_str).collect();
    let sql = "WITH gone AS (DELETE FROM adm.sessions WHERE external_id = ANY ($1)),
                    decided AS (DELETE FROM lectern.withdrawn_sessions WHERE external_id = ANY ($1))
               DELETE FROM lectern.agreed WHERE entity = 'session' AND external_id = ANY ($1)";
    sqlx::query(sql).bind(theirs).execute(pool).await?;
    Ok(())
}

/// Notes that Administrate no longer has these sessions; ours stay linked with them, so that nothing strange takes their
/// places.
pub async fn mark_sessions_missing(pool: &PgPool, theirs: &[Id]) -> Result<()> {
    let theirs: Vec<&str> = theirs.iter().map(Id::as_str).collect();
    let sql = "UPDATE adm.sessions SET day_number = NULL WHERE external_id = ANY ($1)";
    sqlx::query(sql).bind(theirs).execute(pool).await?;
    Ok(())
}

/// Decides that what Administrate calls these sessions of ours is to go there.
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

/// Which of Administrate's sessions are to go there.
pub async fn withdrawn(pool: &PgPool, theirs: &[Id]) -> Result<Vec<Id>> {
    let theirs: Vec<&str> = theirs.iter().map(Id::as_str).collect();
    let sql = "SELECT external_id FROM lectern.withdrawn_sessions WHERE external_id = ANY ($1) ORDER BY external_id";
    let found: Vec<String> = sqlx::query_scalar(sql).bind(theirs).fetch_all(pool).await?;
    Ok(found.into_iter().map(Id::new).collect())
}

/// Which of our events there is nothing to publish of: published there with all their sessions, by us, or called off here.
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

/// Our events of which there may be a second one there; none comes a month after it was asked for.
pub async fn possible_duplicates(db: &mut PgConnection) -> Result<Vec<PossibleDuplicate>> {
    Ok(sqlx::query_as(
        "SELECT e.tutorial_event_id, ours.code, e.external_id FROM lectern.agreed AS a
         JOIN adm.events AS e ON e.external_id = a.external_id
         JOIN acted.tutorial_events AS ours ON ours.id = e.tutorial_event_id
         WHERE a.entity = 'event-standing' AND a.agreed_at > now() - interval '30 days' AND a.fields @> '{\"made_in_doubt\": true}' ORDER BY ours.code",
    )
    .fetch_all(db)
    .await?)
}

/// A person has decided which event there is ours: nobody looks for a second one any more.
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

/// The sessions of events that are there, by our id of the event and sequence, for which Administrate has none.
pub async fn missing_sessions(db: &mut PgConnection, tutorial_event_ids: &[i64]) -> Result<Vec<(i64, i32)>> {
    if tutorial_event_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as(
        "SELECT ours.tutorial_event_id, ours.sequence FROM acted.tutorial_sessions AS ours
         WHERE ours.tutorial_event_id = ANY ($1)
           AND EXISTS (SELECT FROM adm.events AS e
                       WHERE e.tutorial_event_id = ours.tutorial_event_id AND e.external_id IS NOT NULL)
           AND NOT EXISTS (SELECT FROM adm.sessions AS s
                           WHERE s.tutorial_session_id = ours.id AND s.external_id IS NOT NULL
                             AND s.day_number IS NOT NULL)
         ORDER BY ours.tutorial_event_id, ours.sequence",
    )
    .bind(tutorial_event_ids)
    .fetch_all(db)
    .await?)
}

/// How far each of our events has come to be there; those that are not there are absent.
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
    let reached = |(event, paired, spare, state, published): (i64, i64, i64, Option<String>, i64)| {
        let reached = RemoteStatus {
            paired: paired as usize,
            spare: spare as usize,
            is_published: state.as_deref() == Some("published"),
            published_sessions: published as usize,
            is_cancelled: state.as_deref() == Some("cancelled"),
        };
        (event, reached)
    };
    Ok(rows.into_iter().map(reached).collect())
}

/// Which of our events have sessions there beyond ours.
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
