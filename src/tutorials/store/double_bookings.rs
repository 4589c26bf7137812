//! Venues and instructors that are booked twice at one time from now on.

use sqlx::PgPool;

use crate::error::Result;
use crate::names::fold;

/// Two sessions that book the same venue or instructor at one time. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct DoubleBooking {
    /// `venue` or `instructor`.
    pub kind: String,
    /// Name of the venue or instructor.
    pub name: String,
    /// Codes of the events, and titles of the sessions; the session that begins first is first.
    pub event: String,
    pub title: String,
    pub other_event: String,
    pub other_title: String,
    /// Id of the event of the second session.
    pub other_event_id: i64,
    /// When the second session begins.
    pub start_date: String,
    /// The zone of the event of the second session.
    pub time_zone: String,
    /// Names of the locations of the venue and of both sessions.
    pub place_names: Vec<String>,
}

/// Returns the sessions that clash and have not ended, the next first. Cancelled events and virtual venues never clash.
///
/// # Errors
/// The database fails.
pub async fn double_bookings(pool: &PgPool, limit: i64) -> Result<Vec<DoubleBooking>> {
    // A session clashes with one before it if one before it has not ended: only for these are pairs compared.
    let mut found: Vec<DoubleBooking> = sqlx::query_as(
        "WITH ahead AS MATERIALIZED (
             SELECT session.id, session.title, session.start_date, session.end_date, event.id AS event_id, event.code,
                    COALESCE(details.time_zone, '') AS time_zone,
                    CASE WHEN COALESCE(session.location_id, session.venue_id) IS NULL THEN event.venue_id
                         ELSE session.venue_id END AS venue_id,
                    CASE WHEN COALESCE(session.location_id, session.venue_id) IS NULL THEN event.location_id
                         ELSE session.location_id END AS location_id
             FROM acted.tutorial_sessions AS session
             JOIN acted.tutorial_events AS event ON event.id = session.tutorial_event_id
             LEFT JOIN lectern.event_details AS details ON details.tutorial_event_id = event.id
             WHERE session.end_date > now() AND NOT COALESCE(details.cancelled, false)),
         booked AS MATERIALIZED (
             SELECT 'venue' AS kind, ahead.venue_id AS resource, ahead.id, ahead.start_date, ahead.end_date
             FROM ahead JOIN acted.tutorial_venues AS venue ON venue.id = ahead.venue_id
             LEFT JOIN acted.tutorial_locations AS home ON home.id = venue.location_id
             WHERE lower(btrim(venue.name)) IS DISTINCT FROM lower(btrim(home.name))
             UNION ALL
             SELECT 'instructor', teaching.tutorialinstructor_id, ahead.id, ahead.start_date, ahead.end_date
             FROM ahead JOIN acted.tutorial_session_instructors AS teaching ON teaching.tutorialsessions_id = ahead.id),
         late AS (
             SELECT ordered.* FROM (
                 SELECT booked.*, max(end_date) OVER (
                     PARTITION BY kind, resource ORDER BY start_date, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                     AS busy_until FROM booked) AS ordered
             WHERE ordered.busy_until > ordered.start_date)
         SELECT late.kind,
                COALESCE(CASE late.kind WHEN 'venue' THEN venue.name ELSE NULLIF(concat_ws(' ',
                    NULLIF(btrim(person.first_name), ''), NULLIF(btrim(person.last_name), '')), '') END,
                    'Instructor #' || late.resource) AS name,
                one.code AS event, one.title, other.code AS other_event, other.title AS other_title, other.event_id AS other_event_id,
                to_char(other.start_date AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS start_date,
                other.time_zone,
                array_remove(ARRAY[home.name::text, place.name::text, other_place.name::text], NULL) AS place_names
         FROM late
         JOIN booked AS earlier ON earlier.kind = late.kind AND earlier.resource = late.resource
          AND earlier.start_date < late.end_date AND late.start_date < earlier.end_date
          AND (earlier.start_date, earlier.id) < (late.start_date, late.id)
         JOIN ahead AS one ON one.id = earlier.id
         JOIN ahead AS other ON other.id = late.id
         LEFT JOIN acted.tutorial_venues AS venue ON late.kind = 'venue' AND venue.id = late.resource
         LEFT JOIN acted.tutorial_locations AS home ON home.id = venue.location_id
         LEFT JOIN acted.tutorial_locations AS place ON place.id = one.location_id
         LEFT JOIN acted.tutorial_locations AS other_place ON other_place.id = other.location_id
         LEFT JOIN acted.tutorial_instructors AS teacher ON late.kind = 'instructor' AND teacher.id = late.resource
         LEFT JOIN acted.staff AS member ON member.id = teacher.staff_id
         LEFT JOIN public.auth_user AS person ON person.id = member.user_id
         ORDER BY late.start_date, late.id, earlier.id, late.kind LIMIT $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await?;
    // A venue named like its location, such as Live online, is virtual.
    let is_virtual = |booking: &DoubleBooking| booking.place_names.iter().any(|name| fold(name) == fold(&booking.name));
    found.retain(|booking| booking.kind != "venue" || !is_virtual(booking));
    Ok(found)
}
