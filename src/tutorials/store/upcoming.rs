//! The sessions that come next.

use sqlx::PgPool;

use crate::error::Result;

/// A session that comes next. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UpcomingSession {
    /// Id and code of its event.
    pub event_id: i64,
    pub event: String,
    pub title: String,
    pub start_date: String,
    pub end_date: String,
    /// Where it is: the session's venue and location, else the event's.
    pub place: String,
    /// The zone of its event.
    pub time_zone: String,
}

/// Returns the sessions that have not ended, the next first, without cancelled events.
///
/// # Errors
/// The database fails.
pub async fn upcoming_sessions(pool: &PgPool, limit: i64) -> Result<Vec<UpcomingSession>> {
    Ok(sqlx::query_as(
        "WITH next AS (
             SELECT s.* FROM (
                 SELECT id FROM acted.tutorial_sessions
                 WHERE end_date > now() AND tutorial_event_id NOT IN (
                     SELECT tutorial_event_id FROM lectern.event_details WHERE cancelled)
                 ORDER BY start_date, id LIMIT $1) AS found
             JOIN acted.tutorial_sessions AS s ON s.id = found.id)
         SELECT e.id AS event_id, e.code AS event, next.title,
                to_char(next.start_date AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS start_date,
                to_char(next.end_date AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS end_date,
                concat_ws(', ', venue.name, NULLIF(location.name, venue.name)) AS place,
                coalesce(d.time_zone, '') AS time_zone
         FROM next JOIN acted.tutorial_events AS e ON e.id = next.tutorial_event_id
         LEFT JOIN lectern.event_details AS d ON d.tutorial_event_id = e.id
         LEFT JOIN acted.tutorial_venues AS venue ON venue.id = coalesce(next.venue_id, e.venue_id)
         LEFT JOIN acted.tutorial_locations AS location ON location.id = coalesce(next.location_id, e.location_id)
         ORDER BY next.start_date, next.id",
    )
    .bind(limit)
    .fetch_all(pool)
    .await?)
}
