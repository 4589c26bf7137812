//! SQL of a month: how many events each day has, and the first of them.
//!
//! The days are counted here and not in SQL: thousands of sessions travel as one array per column, and their days need
//! neither a sort nor a document of each of them in the database.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff_sqlx::{Date as SqlDate, Timestamp as SqlTimestamp, ToSqlx};
use sqlx::{AssertSqlSafe, PgConnection};

use super::timetable::{DEFAULT_ZONE, OF_EVENT, TimetableFilter, ZONE, bare_events_from, bind_filter, sessions_near};
use crate::error::Result;
use crate::tutorials::zone_of;

/// Events of a day that are read at once.
const EVENTS_OF_DAY: usize = 3;

/// A day of a month with its first events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySummary {
    pub day: Date,
    /// Number of all events of the day.
    pub events: usize,
    pub first: Vec<DayEvent>,
}

/// An event on one of its days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayEvent {
    pub id: i64,
    pub code: String,
    /// When it begins on this day; none without a session.
    pub start: Option<Timestamp>,
    pub time_zone: String,
    pub is_cancelled: bool,
}

/// That an event takes place on a day. In the order of a day: by start, without a session first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct DayEntry {
    day: Date,
    start: Option<Timestamp>,
    event: i64,
}

/// Returns the days from `from` to `to` on which something takes place, each with its first events.
pub async fn day_summaries(
    db: &mut PgConnection,
    (from, to): (Date, Date),
    filter: &TimetableFilter,
) -> Result<Vec<DaySummary>> {
    let mut entries = session_entries(db, (from, to), filter).await?;
    entries.extend(bare_entries(db, (from, to), filter).await?);
    // An event is counted once on a day, where its first session is.
    entries.sort_unstable_by_key(|entry| (entry.day, entry.event, entry.start));
    entries.dedup_by_key(|entry| (entry.day, entry.event));
    entries.sort_unstable();
    let days: Vec<&[DayEntry]> = entries.chunk_by(|one, other| one.day == other.day).collect();
    let shown = days.iter().flat_map(|day| day.iter().take(EVENTS_OF_DAY)).map(|entry| entry.event);
    let labels = labels(db, &shown.collect()).await?;
    let event = |entry: &DayEntry| {
        let (code, zone, is_cancelled) = labels.get(&entry.event)?;
        Some(DayEvent {
            id: entry.event,
            code: code.clone(),
            start: entry.start,
            time_zone: zone.clone(),
            is_cancelled: *is_cancelled,
        })
    };
    let summary = |day: &&[DayEntry]| {
        let first = day.iter().take(EVENTS_OF_DAY).filter_map(event).collect();
        Some(DaySummary { day: day.first()?.day, events: day.len(), first })
    };
    Ok(days.iter().filter_map(summary).collect())
}

/// Returns the sessions, each on the day of its event's time zone.
///
/// The events are looked up here: without them PostgreSQL reads one table, in half of the time.
async fn session_entries(
    db: &mut PgConnection,
    (from, to): (Date, Date),
    filter: &TimetableFilter,
) -> Result<Vec<DayEntry>> {
    let special = special_events(db).await?;
    let all = TimetableFilter { with_cancelled: true, ..filter.clone() };
    let sql = format!(
        "SELECT COALESCE(array_agg(session.tutorial_event_id), '{{}}'), COALESCE(array_agg(session.start_date), '{{}}')
         FROM {sessions}",
        sessions = sessions_near(&all),
    );
    let query = sqlx::query_as::<_, (Vec<i64>, Vec<SqlTimestamp>)>(AssertSqlSafe(sql));
    let (events, starts) = bind_filter!(query, from, to, filter).fetch_one(db).await?;
    let default = zone_of(DEFAULT_ZONE);
    let entry = |(event, start): (i64, SqlTimestamp)| {
        let start = start.to_jiff();
        let (zone, is_cancelled) = special.get(&event).map_or((&default, false), |(zone, is)| (zone, *is));
        let day = zone.to_datetime(start).date();
        let is_shown = (from..=to).contains(&day) && (filter.with_cancelled || !is_cancelled);
        is_shown.then_some(DayEntry { day, start: Some(start), event })
    };
    Ok(events.into_iter().zip(starts).filter_map(entry).collect())
}

/// Returns the events that are cancelled or in another time zone than most, with both.
async fn special_events(db: &mut PgConnection) -> Result<HashMap<i64, (TimeZone, bool)>> {
    let sql = "SELECT time_zone, cancelled, array_agg(tutorial_event_id) FROM lectern.event_details
               WHERE cancelled OR time_zone <> $1 GROUP BY 1, 2";
    let groups: Vec<(String, bool, Vec<i64>)> = sqlx::query_as(sql).bind(DEFAULT_ZONE).fetch_all(db).await?;
    let special = groups.into_iter().flat_map(|(zone, is_cancelled, events)| {
        let zone = zone_of(&zone);
        events.into_iter().map(move |event| (event, (zone.clone(), is_cancelled)))
    });
    Ok(special.collect())
}

/// Returns the events without sessions.
async fn bare_entries(
    db: &mut PgConnection,
    (from, to): (Date, Date),
    filter: &TimetableFilter,
) -> Result<Vec<DayEntry>> {
    let sql = format!("SELECT event.id, event.start_date FROM {bare}", bare = bare_events_from(filter));
    let query = sqlx::query_as::<_, (i64, SqlDate)>(AssertSqlSafe(sql));
    let bare = bind_filter!(query, from, to, filter).fetch_all(db).await?;
    Ok(bare.into_iter().map(|(event, day)| DayEntry { day: day.to_jiff(), start: None, event }).collect())
}

/// Returns what is shown of some events: the code, the time zone and whether they are cancelled.
async fn labels(db: &mut PgConnection, events: &BTreeSet<i64>) -> Result<HashMap<i64, (String, String, bool)>> {
    let sql = format!(
        "SELECT event.id, event.code::text, {ZONE}, COALESCE(details.cancelled, false)
         FROM acted.tutorial_events AS event {OF_EVENT} WHERE event.id = ANY ($1)"
    );
    let events: Vec<i64> = events.iter().copied().collect();
    let found: Vec<(i64, String, String, bool)> = sqlx::query_as(AssertSqlSafe(sql)).bind(events).fetch_all(db).await?;
    Ok(found.into_iter().map(|(id, code, zone, is_cancelled)| (id, (code, zone, is_cancelled))).collect())
}
