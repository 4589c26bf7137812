//! The timetable by venue or by instructor: who is where in a week, with clashes.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::Date;

use super::address::{TimetableView, ViewAddress};
use super::calendar::{ViewHead, place_of};
use super::times::session_times;
use crate::error::Error;
use crate::names::fold;
use crate::resources::api::ResourceState;
use crate::tutorials::store::{self, MOST_SESSIONS, TimetableFilter, TimetableSession};
use crate::web::format::plural;
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::ListPart;
use crate::web::problem::PageProblem;
use crate::web::visitor::Visitor;

/// Venues or instructors of one part.
const PART: usize = 50;

#[derive(Template)]
#[template(path = "timetable/timeline.html")]
struct TimelinePage {
    frame: Frame,
    head: ViewHead,
    is_by_venue: bool,
    days: Vec<DayHead>,
    rows: Vec<TimelineRow>,
    clashes: String,
    /// Whether there are more sessions than are read.
    is_cut: bool,
    part: ListPart,
    previous: Option<String>,
    next: Option<String>,
}

struct DayHead {
    label: String,
    path: String,
    is_today: bool,
}

/// A venue or instructor with their sessions of each day.
struct TimelineRow {
    name: String,
    note: String,
    has_clash: bool,
    days: Vec<TimelineDay>,
}

struct TimelineDay {
    label: String,
    bookings: Vec<TimelineBooking>,
}

/// A session of a venue or instructor.
struct TimelineBooking {
    path: String,
    hours: String,
    code: String,
    title: String,
    /// Where it is, of an instructor; who teaches, of a venue.
    other: String,
    is_cancelled: bool,
    clashes_with: String,
}

/// What is booked: the key puts rows in their order, the last one without a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    is_open: bool,
    name: String,
    id: i64,
}

impl RowKey {
    fn open(name: &str) -> RowKey {
        RowKey { is_open: true, name: name.to_owned(), id: 0 }
    }
}

pub(super) async fn show(
    visitor: &Visitor,
    state: &ResourceState,
    address: &ViewAddress,
) -> Result<Response, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let choices = store::event_choices(&mut db).await?;
    let (from, to) = address.days();
    let filter = &address.filter;
    // A session that the filters hide still clashes with one that they show.
    let all = TimetableFilter { with_cancelled: filter.with_cancelled, ..TimetableFilter::default() };
    let sessions = store::sessions_between(&mut db, (from, to), &all).await?;
    let shown: BTreeSet<i64> = match *filter == all {
        true => sessions.iter().map(|session| session.id).collect(),
        false => store::sessions_between(&mut db, (from, to), filter).await?.iter().map(|session| session.id).collect(),
    };
    let is_by_venue = address.view == TimetableView::Venues;
    let rows = timeline_rows(&sessions, &shown, is_by_venue, (from, to), filter);
    let clashing = rows.iter().filter(|row| row.has_clash).count();
    let part = ListPart::of(rows.len(), PART, address.part);
    let at = |number: Option<usize>| {
        let number = i64::try_from(number?).ok()?;
        Some(ViewAddress { part: Some(number), ..address.clone() }.path())
    };
    let noun = if is_by_venue { "venue" } else { "instructor" };
    Ok(visitor.page(&TimelinePage {
        frame: visitor.frame(format!("Timetable by {noun}, {}", address.heading()), NavPlace::Timetable),
        head: ViewHead::new(visitor, address, &choices, &state.server.config.time_zone),
        is_by_venue,
        days: days(address, (from, to)),
        clashes: match clashing {
            0 => String::new(),
            1 => format!("1 {noun} is booked twice at the same time."),
            many => format!("{} are booked twice at the same time.", plural(many as i64, noun)),
        },
        is_cut: sessions.len() as i64 >= MOST_SESSIONS,
        rows: rows.into_iter().skip(part.from).take(part.to - part.from).collect(),
        previous: at(part.previous),
        next: at(part.next),
        part,
    }))
}

fn days(address: &ViewAddress, (from, to): (Date, Date)) -> Vec<DayHead> {
    let head = |day: Date| DayHead {
        label: day.strftime("%a %-d %b").to_string(),
        path: address.seen_as(TimetableView::Day).on(day).path(),
        is_today: day == address.today,
    };
    from.series(1.day()).take_while(|day| *day <= to).map(head).collect()
}

fn timeline_rows(
    sessions: &[TimetableSession],
    shown: &BTreeSet<i64>,
    is_by_venue: bool,
    (from, to): (Date, Date),
    filter: &TimetableFilter,
) -> Vec<TimelineRow> {
    let mut by_key: BTreeMap<RowKey, Vec<&TimetableSession>> = BTreeMap::new();
    for session in sessions {
        for key in keys(session, is_by_venue) {
            let is_chosen = is_by_venue || filter.instructor.is_none_or(|id| id == key.id);
            if is_chosen {
                by_key.entry(key).or_default().push(session);
            }
        }
    }
    let row = |(key, sessions): (RowKey, Vec<&TimetableSession>)| {
        let clashes = if key.is_open { BTreeMap::new() } else { clashes(&sessions, is_by_venue) };
        let visible: Vec<&TimetableSession> =
            sessions.into_iter().filter(|session| shown.contains(&session.id)).collect();
        (!visible.is_empty()).then(|| timeline_row(key, &visible, &clashes, is_by_venue, (from, to)))
    };
    by_key.into_iter().filter_map(row).collect()
}

fn keys(session: &TimetableSession, is_by_venue: bool) -> Vec<RowKey> {
    if is_by_venue {
        let name = session.venue.clone();
        let key = name.map(|name| RowKey { is_open: false, name, id: session.venue_id.unwrap_or_default() });
        return vec![key.unwrap_or_else(|| RowKey::open("No venue yet"))];
    }
    let teachers = session.instructors.0.iter();
    let keys: Vec<RowKey> = teachers.map(|one| RowKey { is_open: false, name: one.name.clone(), id: one.id }).collect();
    if keys.is_empty() { vec![RowKey::open("No instructor yet")] } else { keys }
}

fn is_virtual(session: &TimetableSession) -> bool {
    let Some(venue) = session.venue.as_deref().map(fold) else { return true };
    [&session.location, &session.venue_location].into_iter().flatten().any(|place| fold(place) == venue)
}

/// Returns for each session that overlaps another one the code of that one's event. Sessions are ordered by start.
fn clashes<'a>(sessions: &[&'a TimetableSession], is_by_venue: bool) -> BTreeMap<i64, &'a str> {
    let can_clash = |session: &&&TimetableSession| {
        let books_nothing = session.is_cancelled || (is_by_venue && is_virtual(session));
        !books_nothing
    };
    let booked: Vec<&TimetableSession> = sessions.iter().filter(can_clash).copied().collect();
    let mut found = BTreeMap::new();
    for (at, one) in booked.iter().enumerate() {
        // Both are UTC in the same format, so that their order is that of the texts.
        for other in booked[at + 1..].iter().take_while(|other| other.start_date < one.end_date) {
            found.entry(one.id).or_insert(&*other.code);
            found.entry(other.id).or_insert(&*one.code);
        }
    }
    found
}

fn timeline_row(
    key: RowKey,
    sessions: &[&TimetableSession],
    clashes: &BTreeMap<i64, &str>,
    is_by_venue: bool,
    (from, to): (Date, Date),
) -> TimelineRow {
    let booking = |session: &&&TimetableSession| TimelineBooking {
        path: format!("/events/{}", session.event_id),
        hours: session_times(&session.start_date, &session.end_date, &session.time_zone).hours,
        code: session.code.clone(),
        title: session.title.clone(),
        other: match is_by_venue {
            true => session.instructors.0.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", "),
            false => place_of(session),
        },
        is_cancelled: session.is_cancelled,
        clashes_with: clashes.get(&session.id).map(|code| (*code).to_owned()).unwrap_or_default(),
    };
    let day = |day: Date| {
        let text = day.to_string();
        let of_day = sessions.iter().filter(|session| session.day == text);
        TimelineDay {
            label: day.strftime("%a %-d %b").to_string(),
            bookings: of_day.map(|one| booking(&one)).collect(),
        }
    };
    let place = sessions.first().filter(|_| is_by_venue).and_then(|session| session.venue_location.clone());
    TimelineRow {
        note: match place.filter(|place| *place != key.name) {
            Some(place) => format!("{place}, {}", plural(sessions.len() as i64, "session")),
            None => plural(sessions.len() as i64, "session"),
        },
        has_clash: sessions.iter().any(|session| clashes.contains_key(&session.id)),
        name: key.name,
        days: from.series(1.day()).take_while(|day| *day <= to).map(day).collect(),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::types::Json;

    use super::*;

    fn session(id: i64, hours: (u8, u8), venue: &str, is_cancelled: bool) -> TimetableSession {
        TimetableSession {
            id,
            event_id: id,
            code: format!("E{id}"),
            title: "Day 1".into(),
            day: "2026-12-03".into(),
            start_date: format!("2026-12-03T{:02}:00:00Z", hours.0),
            end_date: format!("2026-12-03T{:02}:00:00Z", hours.1),
            time_zone: "Europe/London".into(),
            location: Some("London".into()),
            venue_id: Some(1),
            venue: Some(venue.into()),
            venue_location: Some("London".into()),
            is_soldout: false,
            is_cancelled,
            instructors: Json(Vec::new()),
        }
    }

    #[test]
    fn overlapping_sessions_clash_unless_they_touch_or_are_virtual_or_cancelled() {
        let found = |sessions: &[TimetableSession]| {
            let all: Vec<&TimetableSession> = sessions.iter().collect();
            clashes(&all, true).into_iter().map(|(id, code)| (id, code.to_owned())).collect::<Vec<_>>()
        };
        let room = |id, hours| session(id, hours, "Room 1", false);
        assert_eq!(found(&[room(1, (9, 12)), room(2, (12, 14))]), []);
        let both = [(1, "E2".to_owned()), (2, "E1".to_owned())];
        assert_eq!(found(&[room(1, (9, 12)), room(2, (11, 14)), room(3, (14, 15))]), both);
        assert_eq!(found(&[room(1, (9, 12)), session(2, (9, 12), "Room 1", true)]), []);
        assert_eq!(found(&[session(1, (9, 12), "LONDON", false), session(2, (9, 12), "London ", false)]), []);
    }
}
