//! Which of an event's sessions in Administrate is which of ours, and what is told of those that are nobody's. Pure.
//!
//! A link once made holds by id, also where Administrate no longer has the session: its row keeps the link, without a day.
//! What has no link is known by its title, then by its start. Order alone tells only where nothing else has told anything
//! of the event and the numbers agree. Ours is never linked with a session that merely stands in its place.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::bridges::events::{LifecycleState, SessionLinkRow, SessionSignature, match_sessions, pair_in_order};
use crate::sync::conflicts::FieldConflict;
use crate::sync::remote;
use crate::tutorials::{Availability, SessionSummary};

/// The rows of an event's sessions as Administrate tells them, and of those that it no longer has. `moved`: ids of
/// sessions that other events have, too.
pub(crate) fn rows(
    theirs: Vec<remote::FetchedSession>,
    stand: &[SessionLinkRow],
    moved: &HashSet<String>,
) -> Vec<SessionLinkRow> {
    let mut rows: Vec<SessionLinkRow> = Vec::new();
    for (day, session) in (1..).zip(theirs) {
        let before = stand.iter().find(|row| row.external_id == session.external_id);
        rows.push(SessionLinkRow {
            tutorial_session_id: before.and_then(|row| row.tutorial_session_id),
            title: Some(session.title),
            day_number: Some(day),
            classroom_start_date: session.start.map(|start| start.date()),
            classroom_start_time: session.start.map(|start| start.time()),
            classroom_end_date: session.end.map(|end| end.date()),
            classroom_end_time: session.end.map(|end| end.time()),
            cancelled: LifecycleState::of(session.lifecycle.as_deref()).map(|state| state == LifecycleState::Cancelled),
            external_id: session.external_id,
        });
    }
    let is_gone = |row: &&SessionLinkRow| {
        !moved.contains(&row.external_id) && rows.iter().all(|known| known.external_id != row.external_id)
    };
    let gone: Vec<SessionLinkRow> = stand.iter().filter(is_gone).cloned().collect();
    rows.extend(gone.into_iter().map(|row| SessionLinkRow { day_number: None, ..row }));
    rows
}

/// Links what is not linked yet. Their times are those of `zone`.
pub(crate) fn pair(rows: &mut [SessionLinkRow], ours: &[SessionSummary], zone: &TimeZone) {
    let linked = linked(rows);
    let is_history = rows.iter().any(|row| row.tutorial_session_id.is_some());
    let free: Vec<(i64, SessionSignature)> = ours
        .iter()
        .filter(|session| !linked.contains(&session.id))
        .map(|session| (session.id, SessionSignature::new(&session.title, Some(session.start))))
        .collect();
    let (there, mut gone): (Vec<_>, Vec<_>) = rows.iter_mut().partition(|row| row.day_number.is_some());
    let mut open: Vec<&mut SessionLinkRow> =
        there.into_iter().filter(|row| row.tutorial_session_id.is_none()).collect();
    let told: Vec<SessionSignature> = open.iter().map(|row| likeness(row, zone)).collect();
    let links = match_sessions(&free, &told);
    if !is_history && links.iter().all(Option::is_none) && free.len() == open.len() {
        let ids: Vec<i64> = free.iter().map(|(id, _)| *id).collect();
        return pair_in_order(&ids, open.into_iter().map(|row| &mut row.tutorial_session_id));
    }
    // Each may be linked once: one that has come back under another id leaves the row of its first one.
    gone.iter_mut()
        .filter(|row| row.tutorial_session_id.is_some() && links.contains(&row.tutorial_session_id))
        .for_each(|row| row.tutorial_session_id = None);
    open.iter_mut().zip(links).for_each(|(row, link)| row.tutorial_session_id = link);
}

/// What is to be told of `rows`: ours that Administrate does not have, and theirs that are new or could be those.
/// A session that the course template made beyond ours is known since the event was delivered.
pub(crate) fn unpaired(
    external_id: &str,
    offer: &Availability,
    rows: &[SessionLinkRow],
    stand: &[SessionLinkRow],
) -> Vec<FieldConflict> {
    let linked = linked(rows);
    let tell = |field: String, ours: Option<String>, theirs: Option<String>, agreed: Option<String>| FieldConflict {
        external_id: external_id.to_owned(),
        name: offer.code.clone(),
        field,
        ours,
        theirs,
        agreed,
    };
    let missing = (1..).zip(&offer.sessions).filter(|(_, session)| !linked.contains(&session.id));
    let mut told: Vec<FieldConflict> = missing
        .map(|(day, session): (i32, _)| {
            let was_there = rows.iter().any(|row| row.tutorial_session_id == Some(session.id));
            let title = Some(session.title.clone());
            tell(format!("day {day}: session"), title.clone(), None, title.filter(|_| was_there))
        })
        .collect();
    let is_missing = !told.is_empty();
    let is_new = |row: &&SessionLinkRow| is_missing || stand.iter().all(|known| known.external_id != row.external_id);
    let strange = rows.iter().filter(|row| row.day_number.is_some() && row.tutorial_session_id.is_none());
    told.extend(strange.filter(is_new).map(|row| tell("session".into(), None, Some(called(row)), None)));
    told
}

/// Ours that Administrate has.
fn linked(rows: &[SessionLinkRow]) -> HashSet<i64> {
    rows.iter().filter(|row| row.day_number.is_some()).filter_map(|row| row.tutorial_session_id).collect()
}

fn likeness(row: &SessionLinkRow, zone: &TimeZone) -> SessionSignature {
    SessionSignature::new(row.title.as_deref().unwrap_or_default(), start(row, zone))
}

fn start(row: &SessionLinkRow, zone: &TimeZone) -> Option<Timestamp> {
    let start = row.classroom_start_date?.to_datetime(row.classroom_start_time?);
    Some(start.to_zoned(zone.clone()).ok()?.timestamp())
}

/// `CM2 day 4, 2026-03-06`
fn called(row: &SessionLinkRow) -> String {
    let title = row.title.as_deref().unwrap_or_default();
    row.classroom_start_date.map_or_else(|| title.to_owned(), |date| format!("{title}, {date}"))
}
