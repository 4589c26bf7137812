//! SQL on what sessions book.

use sqlx::PgConnection;

use crate::error::Result;

/// Namespaces of the advisory locks on venues and instructors.
const VENUE_LOCKS: i32 = 0x4C_43_56;
const INSTRUCTOR_LOCKS: i32 = 0x4C_43_49;

/// What a session books. Sessions of cancelled events book nothing.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SessionBooking {
    pub session_id: i64,
    pub venue_id: Option<i64>,
    /// Name of the venue; empty without one.
    pub venue: String,
    /// Names of the locations of the venue and of the session.
    pub place_names: Vec<String>,
    pub instructor_ids: Vec<i64>,
}

/// A venue or instructor that a session books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookedResource {
    /// `venue` or `instructor`.
    pub kind: &'static str,
    pub session_id: i64,
    pub resource_id: i64,
}

/// Two sessions that book the same at the same time.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Clash {
    /// `venue` or `instructor`.
    pub kind: String,
    pub session_id: i64,
    pub other_id: i64,
    /// Code of the event of the other session.
    pub event: String,
    /// Title of the other session.
    pub title: String,
    /// Times of the other session, RFC 3339.
    pub start_date: String,
    pub end_date: String,
    /// Name of the venue or instructor.
    pub name: String,
}

/// Returns what these sessions book.
pub async fn bookings(db: &mut PgConnection, ids: &[i64]) -> Result<Vec<SessionBooking>> {
    Ok(sqlx::query_as(
        "SELECT session.id AS session_id, venue.id AS venue_id, COALESCE(venue.name, '') AS venue,
                array_remove(ARRAY[home.name::text, place.name::text], NULL) AS place_names,
                ARRAY(SELECT tutorialinstructor_id FROM acted.tutorial_session_instructors
                      WHERE tutorialsessions_id = session.id) AS instructor_ids
         FROM acted.tutorial_sessions AS session
         JOIN acted.tutorial_events AS event ON event.id = session.tutorial_event_id
         LEFT JOIN lectern.event_details AS details ON details.tutorial_event_id = event.id
         LEFT JOIN acted.tutorial_venues AS venue ON venue.id =
             CASE WHEN COALESCE(session.location_id, session.venue_id) IS NULL THEN event.venue_id ELSE session.venue_id END
         LEFT JOIN acted.tutorial_locations AS home ON home.id = venue.location_id
         LEFT JOIN acted.tutorial_locations AS place ON place.id =
             CASE WHEN COALESCE(session.location_id, session.venue_id) IS NULL THEN event.location_id
                  ELSE session.location_id END
         WHERE session.id = ANY ($1) AND NOT COALESCE(details.cancelled, false)",
    )
    .bind(ids)
    .fetch_all(db)
    .await?)
}

/// Locks venues and instructors until the end of the transaction, always in the same order.
pub async fn lock(db: &mut PgConnection, booked: &[BookedResource]) -> Result<()> {
    if booked.is_empty() {
        return Ok(());
    }
    let (kinds, ids): (Vec<i32>, Vec<i64>) = booked
        .iter()
        .map(|one| (if one.kind == "venue" { VENUE_LOCKS } else { INSTRUCTOR_LOCKS }, one.resource_id))
        .unzip();
    sqlx::query(
        "SELECT pg_advisory_xact_lock(kind, id::int) FROM (
             SELECT DISTINCT kind, id % 2147483647 AS id FROM unnest($1::int[], $2::bigint[]) AS given (kind, id)
             ORDER BY kind, id) AS ordered",
    )
    .bind(kinds)
    .bind(ids)
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the clashes of these bookings, each pair of sessions once. The caller holds the locks.
pub async fn clashes(db: &mut PgConnection, booked: &[BookedResource]) -> Result<Vec<Clash>> {
    if booked.is_empty() {
        return Ok(Vec::new());
    }
    let kinds: Vec<&str> = booked.iter().map(|one| one.kind).collect();
    let sessions: Vec<i64> = booked.iter().map(|one| one.session_id).collect();
    let resources: Vec<i64> = booked.iter().map(|one| one.resource_id).collect();
    // The three ways to book are looked up in an index each.
    Ok(sqlx::query_as(
        "WITH mine AS (
             SELECT kind, session.id, resource, session.start_date, session.end_date
             FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS booked (kind, session, resource)
             JOIN acted.tutorial_sessions AS session ON session.id = booked.session),
         candidates AS (
             SELECT mine.kind, mine.id AS session_id, mine.resource, other.id AS other_id
             FROM mine JOIN acted.tutorial_sessions AS other ON other.venue_id = mine.resource
             WHERE mine.kind = 'venue' AND other.start_date < mine.end_date AND mine.start_date < other.end_date
             UNION ALL
             SELECT mine.kind, mine.id, mine.resource, other.id
             FROM mine JOIN acted.tutorial_events AS event ON event.venue_id = mine.resource
             JOIN acted.tutorial_sessions AS other ON other.tutorial_event_id = event.id
              AND other.venue_id IS NULL AND other.location_id IS NULL
             WHERE mine.kind = 'venue' AND other.start_date < mine.end_date AND mine.start_date < other.end_date
             UNION ALL
             SELECT mine.kind, mine.id, mine.resource, other.id
             FROM mine JOIN acted.tutorial_session_instructors AS teaching ON teaching.tutorialinstructor_id = mine.resource
             JOIN acted.tutorial_sessions AS other ON other.id = teaching.tutorialsessions_id
             WHERE mine.kind = 'instructor' AND other.start_date < mine.end_date AND mine.start_date < other.end_date)
         SELECT found.kind, found.session_id, found.other_id, event.code AS event, other.title,
                to_char(other.start_date AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS start_date,
                to_char(other.end_date AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS end_date,
                COALESCE(CASE found.kind WHEN 'venue' THEN venue.name ELSE NULLIF(concat_ws(' ',
                    NULLIF(btrim(person.first_name), ''), NULLIF(btrim(person.last_name), '')), '') END,
                    'Instructor #' || found.resource) AS name
         FROM candidates AS found
         JOIN acted.tutorial_sessions AS other ON other.id = found.other_id
         JOIN acted.tutorial_events AS event ON event.id = other.tutorial_event_id
         LEFT JOIN lectern.event_details AS details ON details.tutorial_event_id = event.id
         LEFT JOIN acted.tutorial_venues AS venue ON found.kind = 'venue' AND venue.id = found.resource
         LEFT JOIN acted.tutorial_instructors AS teacher ON found.kind = 'instructor' AND teacher.id = found.resource
         LEFT JOIN acted.staff AS member ON member.id = teacher.staff_id
         LEFT JOIN public.auth_user AS person ON person.id = member.user_id
         WHERE found.other_id <> found.session_id AND NOT COALESCE(details.cancelled, false)
           AND (found.other_id < found.session_id OR NOT EXISTS (
                SELECT FROM mine WHERE mine.id = found.other_id AND mine.kind = found.kind
                 AND mine.resource = found.resource))
         ORDER BY found.session_id, other.start_date, found.kind, found.other_id LIMIT 100",
    )
    .bind(kinds)
    .bind(sessions)
    .bind(resources)
    .fetch_all(db)
    .await?)
}
