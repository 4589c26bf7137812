//! SQL on what decides whether a changed event goes to Administrate.

use sqlx::PgConnection;

use crate::bridges::deliverable::DeliverableEvent;
use crate::error::Result;

/// Whether the course template and the location of an event are linked, on `event` and `details`.
const IS_READY: &str = "EXISTS (SELECT FROM adm.course_templates AS link
                WHERE link.tutorial_course_template_id = details.course_template_id)
            AND EXISTS (SELECT FROM adm.locations AS link WHERE link.tutorial_location_id = event.location_id)";

/// Whether an event is linked, on `event`.
const IS_LINKED: &str = "EXISTS (SELECT FROM adm.events AS link
                WHERE link.tutorial_event_id = event.id AND link.external_id IS NOT NULL)";

/// Returns what decides the delivery of these events, in order of id.
pub async fn deliverable_events(db: &mut PgConnection, ids: &[i64]) -> Result<Vec<DeliverableEvent>> {
    let sql = format!(
        "SELECT event.id, event.code, {IS_LINKED} AS is_linked, {IS_READY} AS is_ready, details.delivery AS intent,
                COALESCE(details.cancelled, false) AS is_cancelled,
                EXISTS (SELECT FROM lectern.sync_decisions AS decision
                        WHERE decision.entity = 'events' AND decision.local_id = event.id
                          AND decision.decision <> 'link') AS is_separated
         FROM acted.tutorial_events AS event
         LEFT JOIN lectern.event_details AS details ON details.tutorial_event_id = event.id
         WHERE event.id = ANY ($1) ORDER BY event.id"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(db).await?)
}

/// Returns at most `limit` events that waited for their links and wait no longer.
pub async fn linked_meanwhile(db: &mut PgConnection, limit: i64) -> Result<Vec<i64>> {
    let sql = format!(
        "SELECT event.id FROM lectern.event_details AS details
         JOIN acted.tutorial_events AS event ON event.id = details.tutorial_event_id
         WHERE details.delivery = 'when_linked' AND NOT details.cancelled AND ({IS_LINKED} OR ({IS_READY}))
         ORDER BY event.id LIMIT $1 FOR UPDATE OF details SKIP LOCKED"
    );
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(limit).fetch_all(db).await?)
}

/// Stores whether events stay out of Administrate, or wait for their links, or neither.
pub async fn set_delivery_intents(db: &mut PgConnection, intents: &[(i64, Option<&str>)]) -> Result<()> {
    let (ids, intents): (Vec<i64>, Vec<Option<&str>>) = intents.iter().copied().unzip();
    sqlx::query(
        "INSERT INTO lectern.event_details AS known (tutorial_event_id, delivery)
         SELECT * FROM unnest($1::bigint[], $2::text[]) AS given (id, delivery)
         ON CONFLICT (tutorial_event_id) DO UPDATE SET delivery = excluded.delivery
         WHERE known.delivery IS DISTINCT FROM excluded.delivery",
    )
    .bind(ids)
    .bind(intents)
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the linked events that refer to a location, venue, instructor or course template.
pub async fn linked_events_of(db: &mut PgConnection, table: &str, id: i64) -> Result<Vec<i64>> {
    let refers = match table {
        "acted.tutorial_locations" => "event.location_id = $1 OR session.location_id = $1",
        "acted.tutorial_venues" => "event.venue_id = $1 OR session.venue_id = $1",
        "acted.tutorial_course_templates" => "details.course_template_id = $1",
        _ => {
            "EXISTS (SELECT FROM acted.tutorial_session_instructors AS teaching
                     WHERE teaching.tutorialsessions_id = session.id AND teaching.tutorialinstructor_id = $1)
             OR EXISTS (SELECT FROM lectern.event_staff AS member
                        WHERE member.tutorial_event_id = event.id AND member.tutorial_instructor_id = $1)"
        }
    };
    let sql = format!(
        "SELECT DISTINCT event.id FROM acted.tutorial_events AS event
         JOIN adm.events AS link ON link.tutorial_event_id = event.id AND link.external_id IS NOT NULL
         LEFT JOIN lectern.event_details AS details ON details.tutorial_event_id = event.id
         LEFT JOIN acted.tutorial_sessions AS session ON session.tutorial_event_id = event.id
         WHERE {refers} ORDER BY event.id"
    );
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(id).fetch_all(db).await?)
}
