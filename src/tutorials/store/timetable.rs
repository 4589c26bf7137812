//! SQL of the timetable: which events and sessions take place when, where and with whom.
//!
//! A day is one of the event's time zone. A session without location and venue has those of its event.

use jiff::civil::Date;
use jiff_sqlx::ToSqlx;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;

/// Most sessions that are read at once.
pub const MOST_SESSIONS: i64 = 2000;

/// Which events and sessions are shown. None: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimetableFilter {
    pub subject: Option<i64>,
    pub exam_session: Option<i64>,
    pub location: Option<i64>,
    pub venue: Option<i64>,
    pub instructor: Option<i64>,
    /// Part of a code.
    pub code: String,
    /// Whether cancelled events are shown, too.
    pub with_cancelled: bool,
}

/// How a list of events is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventOrder {
    Start,
    LatestStart,
    Code,
    RemainingPlaces,
}

/// A session with what it needs.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TimetableSession {
    pub id: i64,
    pub event_id: i64,
    pub code: String,
    pub title: String,
    /// `YYYY-MM-DD`
    pub day: String,
    /// RFC 3339 in UTC.
    pub start_date: String,
    pub end_date: String,
    pub time_zone: String,
    pub location: Option<String>,
    pub venue_id: Option<i64>,
    pub venue: Option<String>,
    /// Name of the location of the venue.
    pub venue_location: Option<String>,
    pub is_soldout: bool,
    pub is_cancelled: bool,
    pub instructors: Json<Vec<SessionInstructor>>,
}

/// An instructor of a session.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct SessionInstructor {
    pub id: i64,
    pub name: String,
}

/// An event of the list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedEvent {
    pub id: i64,
    pub code: String,
    pub subject: Option<String>,
    pub location: Option<String>,
    pub venue: Option<String>,
    /// `YYYY-MM-DD`
    pub start_date: String,
    pub end_date: String,
    pub finalisation_date: Option<String>,
    pub sessions: i64,
    pub is_soldout: bool,
    pub remain_space: i32,
    pub max_places: Option<i32>,
    pub is_cancelled: bool,
    pub is_linked: bool,
    /// State of the effect that waits for Administrate.
    pub delivery: Option<String>,
    /// Number of all events of the list.
    pub total: i64,
}

/// Joins on `event`.
pub(super) const OF_EVENT: &str = "
    LEFT JOIN lectern.event_details AS details ON details.tutorial_event_id = event.id";

pub(super) const ZONE: &str = "COALESCE(details.time_zone, 'Europe/London')";

/// The time zone of events without details, and of most others.
pub(super) const DEFAULT_ZONE: &str = "Europe/London";

impl TimetableFilter {
    /// Returns the conditions on `event`. The parameters from `$3` on are those of the filter.
    ///
    /// What does not filter is left out, so that PostgreSQL reads no table for it.
    fn on_events(&self) -> String {
        let mut sql = String::new();
        if !self.with_cancelled {
            sql += " AND NOT COALESCE(details.cancelled, false)";
        }
        if !self.code.is_empty() {
            sql += " AND position(lower($3) IN lower(event.code)) > 0";
        }
        if self.subject.is_some() || self.exam_session.is_some() {
            sql += " AND EXISTS (
                SELECT FROM acted.products AS sold
                JOIN acted.catalog_exam_session_subjects AS taught ON taught.id = sold.exam_session_subject_id
                WHERE sold.id = event.product_id AND ($4::bigint IS NULL OR taught.subject_id = $4)
                  AND ($5::bigint IS NULL OR taught.exam_session_id = $5))";
        }
        sql
    }

    /// Returns conditions on the place and the instructor, each where there is such a filter.
    fn on_others(&self, location: &str, venue: &str, instructor: &str) -> String {
        let filtered = [(self.location.is_some(), location), (self.venue.is_some(), venue)];
        let filtered = filtered.into_iter().chain([(self.instructor.is_some(), instructor)]);
        filtered.filter(|(is_filtered, _)| *is_filtered).map(|(_, condition)| format!(" AND ({condition})")).collect()
    }
}

/// That `event` or one of its sessions has the location.
const LOCATION_OF_ANY: &str = "event.location_id = $6 OR EXISTS (
    SELECT FROM acted.tutorial_sessions AS session
    WHERE session.tutorial_event_id = event.id AND session.location_id = $6)";

/// That `event` or one of its sessions has the venue.
const VENUE_OF_ANY: &str = "event.venue_id = $7 OR EXISTS (
    SELECT FROM acted.tutorial_sessions AS session
    WHERE session.tutorial_event_id = event.id AND session.venue_id = $7)";

/// That `event` or one of its sessions has the instructor.
const INSTRUCTOR_OF_ANY: &str = "EXISTS (
    SELECT FROM lectern.event_staff AS member
    WHERE member.tutorial_event_id = event.id AND member.tutorial_instructor_id = $8) OR EXISTS (
    SELECT FROM acted.tutorial_sessions AS session
    JOIN acted.tutorial_session_instructors AS teaching ON teaching.tutorialsessions_id = session.id
    WHERE session.tutorial_event_id = event.id AND teaching.tutorialinstructor_id = $8)";

/// The location or venue of `session`.
fn place_of_session(column: &str) -> String {
    format!(
        "CASE WHEN COALESCE(session.location_id, session.venue_id) IS NULL THEN event.{column} ELSE session.{column} END"
    )
}

/// Returns the sessions of some days with `event` and `details`, and the conditions on them.
fn sessions_from(filter: &TimetableFilter) -> String {
    format!(
        "{near} AND (session.start_date AT TIME ZONE {ZONE})::date BETWEEN $1::date AND $2::date",
        near = sessions_near(filter)
    )
}

/// Returns the sessions of some days as [`sessions_from`], with those of the days before and after that other time zones
/// may have.
pub(super) fn sessions_near(filter: &TimetableFilter) -> String {
    let taught = "EXISTS (SELECT FROM acted.tutorial_session_instructors AS teaching
                          WHERE teaching.tutorialsessions_id = session.id AND teaching.tutorialinstructor_id = $8)";
    let location = format!("{} = $6", place_of_session("location_id"));
    let venue = format!("{} = $7", place_of_session("venue_id"));
    // Every session has an event. PostgreSQL leaves out a left join of which no column is used.
    format!(
        "acted.tutorial_sessions AS session
         LEFT JOIN acted.tutorial_events AS event ON event.id = session.tutorial_event_id
         LEFT JOIN lectern.event_details AS details ON details.tutorial_event_id = session.tutorial_event_id
         WHERE session.start_date >= $1::date - interval '1 day' AND session.start_date < $2::date + interval '2 days'
           {of_event}{others}",
        of_event = filter.on_events(),
        others = filter.on_others(&location, &venue, taught),
    )
}

/// Returns the events without sessions that start on some days.
pub(super) fn bare_events_from(filter: &TimetableFilter) -> String {
    let taught = "EXISTS (SELECT FROM lectern.event_staff AS member
                          WHERE member.tutorial_event_id = event.id AND member.tutorial_instructor_id = $8)";
    format!(
        "acted.tutorial_events AS event {OF_EVENT}
         WHERE event.start_date BETWEEN $1::date AND $2::date
           AND NOT EXISTS (SELECT FROM acted.tutorial_sessions AS session WHERE session.tutorial_event_id = event.id)
           {of_event}{others}",
        of_event = filter.on_events(),
        others = filter.on_others("event.location_id = $6", "event.venue_id = $7", taught),
    )
}

macro_rules! bind_filter {
    ($query:expr, $from:expr, $to:expr, $filter:expr) => {
        $query
            .bind($from.to_sqlx())
            .bind($to.to_sqlx())
            .bind(&$filter.code)
            .bind($filter.subject)
            .bind($filter.exam_session)
            .bind($filter.location)
            .bind($filter.venue)
            .bind($filter.instructor)
    };
}
pub(super) use bind_filter;

/// Returns the sessions from `from` to `to` by start, at most [`MOST_SESSIONS`] of them.
pub async fn sessions_between(
    db: &mut PgConnection,
    (from, to): (Date, Date),
    filter: &TimetableFilter,
) -> Result<Vec<TimetableSession>> {
    let sql = format!(
        "WITH found AS (
             SELECT session.id, event.id AS event_id, event.code, session.title, session.start_date, session.end_date,
                    {ZONE} AS time_zone, {location} AS location_id, {venue} AS venue_id,
                    event.is_soldout, COALESCE(details.cancelled, false) AS is_cancelled
             FROM {sessions} ORDER BY session.start_date, event.code, session.id LIMIT {MOST_SESSIONS})
         SELECT found.id, found.event_id, found.code, found.title,
                (found.start_date AT TIME ZONE found.time_zone)::date::text AS day,
                to_char(found.start_date AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS start_date,
                to_char(found.end_date AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS end_date,
                found.time_zone, COALESCE(place.name::text, lectern.archived_place(
                    'acted.tutorial_sessions', found.id, 'location')) AS location,
                found.venue_id::bigint AS venue_id, COALESCE(venue.name::text, lectern.archived_place(
                    'acted.tutorial_sessions', found.id, 'venue')) AS venue,
                home.name::text AS venue_location, found.is_soldout, found.is_cancelled,
                COALESCE((SELECT json_agg(json_build_object('id', teacher.id, 'name', COALESCE(NULLIF(concat_ws(' ',
                        NULLIF(btrim(person.first_name), ''), NULLIF(btrim(person.last_name), '')), ''),
                        'Instructor #' || teacher.id)) ORDER BY teacher.id)
                    FROM acted.tutorial_session_instructors AS teaching
                    JOIN acted.tutorial_instructors AS teacher ON teacher.id = teaching.tutorialinstructor_id
                    LEFT JOIN acted.staff AS member ON member.id = teacher.staff_id
                    LEFT JOIN public.auth_user AS person ON person.id = member.user_id
                    WHERE teaching.tutorialsessions_id = found.id), '[]') AS instructors
         FROM found
         LEFT JOIN acted.tutorial_locations AS place ON place.id = found.location_id
         LEFT JOIN acted.tutorial_venues AS venue ON venue.id = found.venue_id
         LEFT JOIN acted.tutorial_locations AS home ON home.id = venue.location_id
         ORDER BY found.start_date, found.code, found.id",
        sessions = sessions_from(filter),
        location = place_of_session("location_id"),
        venue = place_of_session("venue_id"),
    );
    let query = sqlx::query_as(AssertSqlSafe(sql));
    Ok(bind_filter!(query, from, to, filter).fetch_all(db).await?)
}

/// Returns the events without sessions that start from `from` to `to`: id, code and day.
pub async fn bare_events_between(
    db: &mut PgConnection,
    (from, to): (Date, Date),
    filter: &TimetableFilter,
) -> Result<Vec<(i64, String, String)>> {
    let sql = format!(
        "SELECT event.id, event.code::text, event.start_date::text FROM {bare}
         ORDER BY event.start_date, event.code LIMIT {MOST_SESSIONS}",
        bare = bare_events_from(filter)
    );
    let query = sqlx::query_as(AssertSqlSafe(sql));
    Ok(bind_filter!(query, from, to, filter).fetch_all(db).await?)
}

/// Returns one part of the events that have not ended before `from` and start by `to`.
pub async fn listed_events(
    db: &mut PgConnection,
    (from, to): (Date, Date),
    filter: &TimetableFilter,
    order: EventOrder,
    (limit, offset): (i64, i64),
) -> Result<Vec<ListedEvent>> {
    let order = match order {
        EventOrder::Start => "event.start_date, event.code",
        EventOrder::LatestStart => "event.start_date DESC, event.code",
        EventOrder::Code => "lower(event.code)",
        EventOrder::RemainingPlaces => "event.remain_space, event.start_date, event.code",
    };
    let sql = format!(
        "WITH found AS (
             SELECT event.*, details.max_places, COALESCE(details.cancelled, false) AS is_cancelled,
                    count(*) OVER () AS total, row_number() OVER (ORDER BY {order}, event.id) AS place
             FROM acted.tutorial_events AS event {OF_EVENT}
             WHERE event.end_date >= $1::date AND event.start_date <= $2::date {of_event}{others}
             ORDER BY {order}, event.id LIMIT $9 OFFSET $10)
         SELECT found.id, found.code::text AS code, subject.code::text AS subject,
                COALESCE(location.name::text, lectern.archived_place('acted.tutorial_events', found.id, 'location')) AS location,
                COALESCE(venue.name::text, lectern.archived_place('acted.tutorial_events', found.id, 'venue')) AS venue,
                found.start_date::text AS start_date, found.end_date::text AS end_date,
                found.finalisation_date::text AS finalisation_date,
                (SELECT count(*) FROM acted.tutorial_sessions AS session WHERE session.tutorial_event_id = found.id) AS sessions,
                found.is_soldout, found.remain_space, found.max_places, found.is_cancelled,
                EXISTS (SELECT FROM adm.events AS link
                        WHERE link.tutorial_event_id = found.id AND link.external_id IS NOT NULL) AS is_linked,
                (SELECT effect.state FROM lectern.outbox AS effect WHERE effect.subject_kind = 'event'
                  AND effect.subject_id = found.id AND effect.state <> 'delivered' LIMIT 1) AS delivery, found.total
         FROM found
         LEFT JOIN acted.tutorial_locations AS location ON location.id = found.location_id
         LEFT JOIN acted.tutorial_venues AS venue ON venue.id = found.venue_id
         LEFT JOIN acted.products AS sold ON sold.id = found.product_id
         LEFT JOIN acted.catalog_exam_session_subjects AS taught ON taught.id = sold.exam_session_subject_id
         LEFT JOIN acted.catalog_subjects AS subject ON subject.id = taught.subject_id
         ORDER BY found.place",
        of_event = filter.on_events(),
        others = filter.on_others(LOCATION_OF_ANY, VENUE_OF_ANY, INSTRUCTOR_OF_ANY),
    );
    let query = sqlx::query_as(AssertSqlSafe(sql));
    Ok(bind_filter!(query, from, to, filter).bind(limit).bind(offset).fetch_all(db).await?)
}
