//! The timetable as a month, a week or a day.

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::Date;

use super::address::{FilterSelect, TimetableView, ViewAddress, ViewLink};
use super::times::session_times;
use crate::error::Error;
use crate::resources::api::ResourceState;
use crate::tutorials::store::{self, DayEvent, DaySummary, TimetableSession};
use crate::tutorials::zone_of;
use crate::web::format::plural;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::Visitor;

/// Sessions that a day of a week shows.
const SESSIONS_OF_DAY: usize = 30;

/// What the views of the timetable have in common: views, days and filters.
pub(super) struct ViewHead {
    pub heading: String,
    pub views: Vec<ViewLink>,
    pub view: &'static str,
    pub day: String,
    pub previous: String,
    pub next: String,
    pub today: String,
    pub selects: Vec<FilterSelect>,
    pub code: String,
    pub with_cancelled: bool,
    /// The address without filters; none without filters.
    pub without_filter: Option<String>,
    pub zone: String,
}

impl ViewHead {
    pub(super) fn new(visitor: &Visitor, address: &ViewAddress, choices: &store::EventChoices, zone: &str) -> ViewHead {
        let (previous, next) = address.neighbours();
        let bare = ViewAddress { filter: store::TimetableFilter::default(), part: None, ..address.clone() };
        ViewHead {
            heading: address.heading(),
            views: address.view_links(),
            view: address.view.name(),
            day: address.day.to_string(),
            previous: address.on(previous).path(),
            next: address.on(next).path(),
            today: address.on(visitor.clock.today()).path(),
            selects: address.selects(choices),
            code: address.filter.code.clone(),
            with_cancelled: address.filter.with_cancelled,
            without_filter: address.is_filtered().then(|| bare.path()),
            zone: zone.to_owned(),
        }
    }
}

#[derive(Template)]
#[template(path = "timetable/calendar.html")]
struct CalendarPage {
    frame: Frame,
    head: ViewHead,
    weeks: Vec<Vec<DayCell>>,
    is_month: bool,
    is_empty: bool,
}

#[derive(Template)]
#[template(path = "timetable/day.html")]
struct DayPage {
    frame: Frame,
    head: ViewHead,
    sessions: Vec<SessionOfDay>,
    bare: Vec<CellEntry>,
}

/// All events of a day in the cell of a month.
#[derive(Template)]
#[template(path = "timetable/cell.html")]
struct CellPage {
    entries: Vec<CellEntry>,
}

/// A day of a month or week.
struct DayCell {
    /// The day alone in a month, with weekday and month in a week and for those who do not see the table.
    number: String,
    name: String,
    path: String,
    is_today: bool,
    is_outside: bool,
    count: String,
    entries: Vec<CellEntry>,
    /// Events that are not shown.
    more: usize,
}

/// An event or session of a day.
struct CellEntry {
    path: String,
    from: String,
    code: String,
    note: String,
    is_cancelled: bool,
    is_soldout: bool,
}

/// A session of the view of a day.
struct SessionOfDay {
    hours: String,
    path: String,
    code: String,
    title: String,
    place: String,
    instructors: String,
    tag: Option<StateTag>,
}

pub(super) async fn show(
    visitor: &Visitor,
    state: &ResourceState,
    address: &ViewAddress,
) -> Result<Response, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let choices = store::event_choices(&mut db).await?;
    let (from, to) = address.days();
    let frame = visitor.frame(format!("Timetable, {}", address.heading()), NavPlace::Timetable);
    let zone = state.server.config.time_zone.clone();
    let head = ViewHead::new(visitor, address, &choices, &zone);
    if address.view == TimetableView::Month {
        let days = store::day_summaries(&mut db, (from, to), &address.filter).await?;
        let cells = month_cells(address, (from, to), &days);
        let page = CalendarPage { frame, head, weeks: weeks(cells), is_month: true, is_empty: days.is_empty() };
        return Ok(visitor.page(&page));
    }
    let sessions = store::sessions_between(&mut db, (from, to), &address.filter).await?;
    let bare = store::bare_events_between(&mut db, (from, to), &address.filter).await?;
    let with_day =
        |(id, code, day): &(i64, String, String)| (day.clone(), bare_entry(*id, code, "begins, without sessions"));
    let bare = bare.iter().map(with_day);
    if address.view == TimetableView::Day {
        let sessions = sessions.iter().map(session_row).collect();
        return Ok(visitor.page(&DayPage { frame, head, sessions, bare: bare.map(|(_, entry)| entry).collect() }));
    }
    let mut by_day: HashMap<String, Vec<CellEntry>> = HashMap::new();
    let of_sessions = sessions.iter().map(|session| (session.day.clone(), session_entry(session)));
    for (day, entry) in bare.chain(of_sessions) {
        by_day.entry(day).or_default().push(entry);
    }
    let is_empty = by_day.is_empty();
    let cells = days_between(from, to).map(|day| {
        let entries = by_day.remove(&day.to_string()).unwrap_or_default();
        let count = entries.len();
        day_cell(address, day, plural(count as i64, "session"), (entries, count))
    });
    let weeks = weeks(cells.collect());
    Ok(visitor.page(&CalendarPage { frame, head, weeks, is_month: false, is_empty }))
}

/// Shows all events of a day, for the cell of a month. Each comes once, with its first session.
pub(super) async fn show_cell(
    visitor: &Visitor,
    state: &ResourceState,
    address: &ViewAddress,
) -> Result<Response, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let (from, to) = (address.day, address.day);
    let days = store::day_summaries(&mut db, (from, to), &address.filter).await?;
    let of_month: Vec<String> =
        days.iter().flat_map(|summary| &summary.first).map(|event| format!("/events/{}", event.id)).collect();
    let sessions = store::sessions_between(&mut db, (from, to), &address.filter).await?;
    let bare = store::bare_events_between(&mut db, (from, to), &address.filter).await?;
    let mut entries: Vec<CellEntry> = bare.iter().map(|(id, code, _)| bare_entry(*id, code, "")).collect();
    for session in &sessions {
        let entry = CellEntry { note: String::new(), ..session_entry(session) };
        if entries.iter().all(|known| known.path != entry.path) {
            entries.push(entry);
        }
    }
    // The first ones stay where they were.
    entries.sort_by_key(|entry| of_month.iter().position(|path| *path == entry.path).unwrap_or(usize::MAX));
    Ok(visitor.page(&CellPage { entries }))
}

fn bare_entry(id: i64, code: &str, note: &str) -> CellEntry {
    CellEntry {
        path: format!("/events/{id}"),
        from: String::new(),
        code: code.to_owned(),
        note: note.to_owned(),
        is_cancelled: false,
        is_soldout: false,
    }
}

fn days_between(from: Date, to: Date) -> impl Iterator<Item = Date> {
    from.series(1.day()).take_while(move |day| *day <= to)
}

fn weeks(cells: Vec<DayCell>) -> Vec<Vec<DayCell>> {
    let mut weeks: Vec<Vec<DayCell>> = Vec::new();
    for cell in cells {
        match weeks.last_mut().filter(|week| week.len() < 7) {
            Some(week) => week.push(cell),
            None => weeks.push(vec![cell]),
        }
    }
    weeks
}

fn month_cells(address: &ViewAddress, (from, to): (Date, Date), days: &[DaySummary]) -> Vec<DayCell> {
    let cell = |day: Date| {
        let found = days.iter().find(|summary| summary.day == day);
        let entries: Vec<CellEntry> = found.iter().flat_map(|summary| &summary.first).map(event_entry).collect();
        let all = found.map_or(0, |summary| summary.events);
        day_cell(address, day, plural(all as i64, "event"), (entries, all))
    };
    days_between(from, to).map(cell).collect()
}

fn day_cell(address: &ViewAddress, day: Date, count: String, (mut entries, all): (Vec<CellEntry>, usize)) -> DayCell {
    entries.truncate(SESSIONS_OF_DAY);
    DayCell {
        number: day.strftime("%-d").to_string(),
        name: day.strftime("%a %-d %b").to_string(),
        path: address.seen_as(TimetableView::Day).on(day).path(),
        is_today: day == address.today,
        is_outside: address.view == TimetableView::Month && day.month() != address.day.month(),
        count: if all == 0 { String::new() } else { count },
        more: all - entries.len(),
        entries,
    }
}

fn event_entry(event: &DayEvent) -> CellEntry {
    let start = event.start.map(|start| start.to_zoned(zone_of(&event.time_zone)));
    CellEntry {
        path: format!("/events/{}", event.id),
        from: start.map(|at| at.strftime("%H:%M").to_string()).unwrap_or_default(),
        code: event.code.clone(),
        note: String::new(),
        is_cancelled: event.is_cancelled,
        is_soldout: false,
    }
}

/// Returns where a session is, in words.
pub(super) fn place_of(session: &TimetableSession) -> String {
    match (&session.venue, &session.location) {
        (Some(venue), Some(location)) if venue != location => format!("{venue}, {location}"),
        (Some(place), _) | (None, Some(place)) => place.clone(),
        (None, None) => "no place yet".to_owned(),
    }
}

fn session_entry(session: &TimetableSession) -> CellEntry {
    CellEntry {
        path: format!("/events/{}", session.event_id),
        from: session_times(&session.start_date, &session.end_date, &session.time_zone).from,
        code: session.code.clone(),
        note: format!("{}, {}", session.title, place_of(session)),
        is_cancelled: session.is_cancelled,
        is_soldout: session.is_soldout,
    }
}

fn session_row(session: &TimetableSession) -> SessionOfDay {
    let names: Vec<&str> = session.instructors.0.iter().map(|one| one.name.as_str()).collect();
    SessionOfDay {
        hours: session_times(&session.start_date, &session.end_date, &session.time_zone).hours,
        path: format!("/events/{}", session.event_id),
        code: session.code.clone(),
        title: session.title.clone(),
        place: place_of(session),
        instructors: if names.is_empty() { "none yet".to_owned() } else { names.join(", ") },
        tag: event_tag(session.is_cancelled, session.is_soldout),
    }
}

/// Returns what is special about an event.
pub(super) fn event_tag(is_cancelled: bool, is_soldout: bool) -> Option<StateTag> {
    match (is_cancelled, is_soldout) {
        (true, _) => Some(StateTag::new("bad", "Cancelled")),
        (false, true) => Some(StateTag::new("warn", "Sold out")),
        (false, false) => None,
    }
}
