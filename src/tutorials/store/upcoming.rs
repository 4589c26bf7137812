//! The sessions that come next.

use sqlx::PgPool;

use crate::error::Result;

/// A session that comes next. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UpcomingSession {
    /// Code of its event.
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
             SELECT s.*, e.code, e.venue_id AS event_venue, e.location_id AS event_location, d.time_zone
             FROM acted.tutorial_sessions AS s
             JOIN acted.tutorial_events AS e ON e.id = s.tutorial_event_id
             LEFT JOIN lectern.event_details AS d ON d.tutorial_event_id = e.id
             WHERE s.end_date > now() AND d.cancelled IS NOT TRUE
             ORDER BY s.start_date, s.id LIMIT $1)
         SELECT next.code AS event, next.title,
                to_char(next.start_date AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS start_date,
                to_char(next.end_date AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS end_date,
                concat_ws(', ', venue.name, NULLIF(location.name, venue.name)) AS place,
                coalesce(next.time_zone, '') AS time_zone
         FROM next
         LEFT JOIN acted.tutorial_venues AS venue ON venue.id = coalesce(next.venue_id, next.event_venue)
         LEFT JOIN acted.tutorial_locations AS location ON location.id = coalesce(next.location_id, next.event_location)
         ORDER BY next.start_date, next.id",
    )
    .bind(limit)
    .fetch_all(pool)
    .await?)
}
