//! Matches the sessions of an event on both sides, and reports the ones without a match. Pure.
//!
//! A link stays by id, even if Administrate no longer has the session: its row keeps the link, without a day. A session
//! without a link is matched by its title, then by its start. Sessions are matched by their order only if no session of
//! the event has or gets a link otherwise and both sides have equally many.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::bridges::events::{LifecycleState, SessionLinkRow, SessionSignature, link_in_order, match_sessions};
use crate::sync::conflicts::FieldConflict;
use crate::sync::remote;
use crate::tutorials::{Availability, SessionSummary};

/// Returns the rows of an event's sessions, including those that Administrate no longer has.
///
/// Sessions in `known_sessions` that are not in `remote` have moved to another event and get no row.
pub(crate) fn session_rows(
    remote: Vec<remote::FetchedSession>,
    stored: &[SessionLinkRow],
    known_sessions: &HashSet<String>,
) -> Vec<SessionLinkRow> {
    let mut rows: Vec<SessionLinkRow> = Vec::new();
    for (day, session) in (1..).zip(remote) {
        let before = stored.iter().find(|row| row.external_id == session.external_id);
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
    let is_missing = |row: &&SessionLinkRow| {
        !known_sessions.contains(&row.external_id) && rows.iter().all(|known| known.external_id != row.external_id)
    };
    let missing: Vec<SessionLinkRow> = stored.iter().filter(is_missing).cloned().collect();
    rows.extend(missing.into_iter().map(|row| SessionLinkRow { day_number: None, ..row }));
    rows
}

/// Links the rows without a link. The times in the rows are local times of `zone`.
pub(crate) fn link_sessions(rows: &mut [SessionLinkRow], local: &[SessionSummary], zone: &TimeZone) {
    let linked = linked_ids(rows);
    let has_links = rows.iter().any(|row| row.tutorial_session_id.is_some());
    let free: Vec<(i64, SessionSignature)> = local
        .iter()
        .filter(|session| !linked.contains(&session.id))
        .map(|session| (session.id, SessionSignature::new(&session.title, Some(session.start))))
        .collect();
    let (existing, mut missing): (Vec<_>, Vec<_>) = rows.iter_mut().partition(|row| row.day_number.is_some());
    let mut open: Vec<&mut SessionLinkRow> =
        existing.into_iter().filter(|row| row.tutorial_session_id.is_none()).collect();
    let signatures: Vec<SessionSignature> = open.iter().map(|row| signature(row, zone)).collect();
    let links = match_sessions(&free, &signatures);
    if !has_links && links.iter().all(Option::is_none) && free.len() == open.len() {
        let ids: Vec<i64> = free.iter().map(|(id, _)| *id).collect();
        return link_in_order(&ids, open.into_iter().map(|row| &mut row.tutorial_session_id));
    }
    // Each local session is linked once: a session that came back with a new id loses the link of its first row.
    missing
        .iter_mut()
        .filter(|row| row.tutorial_session_id.is_some() && links.contains(&row.tutorial_session_id))
        .for_each(|row| row.tutorial_session_id = None);
    open.iter_mut().zip(links).for_each(|(row, link)| row.tutorial_session_id = link);
}

/// Numbers the sessions that Administrate has: a linked one by its local sequence, the others by the free numbers.
pub(crate) fn number_days(rows: &mut [SessionLinkRow], local: &[SessionSummary]) {
    let sequence = |row: &SessionLinkRow| {
        let local = local.iter().find(|session| Some(session.id) == row.tutorial_session_id);
        local.map(|session| session.sequence)
    };
    let existing = || (0..rows.len()).filter(|at| rows[*at].day_number.is_some());
    let linked: HashSet<i32> = existing().filter_map(|at| sequence(&rows[at])).collect();
    let mut free = (1..).filter(|day| !linked.contains(day));
    let days: Vec<(usize, Option<i32>)> =
        existing().map(|at| (at, sequence(&rows[at]).or_else(|| free.next()))).collect();
    days.into_iter().for_each(|(at, day)| rows[at].day_number = day);
    rows.sort_by_key(|row| row.day_number.unwrap_or(i32::MAX));
}

/// Returns the sessions without a match as differences.
///
/// These are local sessions that Administrate does not have, and remote ones that are new or could be the missing ones.
/// Extra sessions that a course template created are not new: they are stored since the event was delivered.
pub(crate) fn unlinked_sessions(
    external_id: &str,
    availability: &Availability,
    rows: &[SessionLinkRow],
    stored: &[SessionLinkRow],
) -> Vec<FieldConflict> {
    let linked = linked_ids(rows);
    let difference =
        |field: String, local: Option<String>, remote: Option<String>, baseline: Option<String>| FieldConflict {
            external_id: external_id.to_owned(),
            name: availability.code.clone(),
            field,
            local,
            remote,
            baseline,
        };
    let missing = availability.sessions.iter().filter(|session| !linked.contains(&session.id));
    let mut differences: Vec<FieldConflict> = missing
        .map(|session| {
            let day = session.sequence;
            let was_linked = rows.iter().any(|row| row.tutorial_session_id == Some(session.id));
            let title = Some(session.title.clone());
            difference(format!("day {day}: session"), title.clone(), None, title.filter(|_| was_linked))
        })
        .collect();
    let has_missing = !differences.is_empty();
    let is_new = |row: &&SessionLinkRow| has_missing || stored.iter().all(|known| known.external_id != row.external_id);
    let extra = rows.iter().filter(|row| row.day_number.is_some() && row.tutorial_session_id.is_none());
    differences
        .extend(extra.filter(is_new).map(|row| difference("session".into(), None, Some(title_and_date(row)), None)));
    differences
}

/// Returns the ids of the local sessions that Administrate has.
fn linked_ids(rows: &[SessionLinkRow]) -> HashSet<i64> {
    rows.iter().filter(|row| row.day_number.is_some()).filter_map(|row| row.tutorial_session_id).collect()
}

fn signature(row: &SessionLinkRow, zone: &TimeZone) -> SessionSignature {
    SessionSignature::new(row.title.as_deref().unwrap_or_default(), start(row, zone))
}

fn start(row: &SessionLinkRow, zone: &TimeZone) -> Option<Timestamp> {
    let start = row.classroom_start_date?.to_datetime(row.classroom_start_time?);
    Some(start.to_zoned(zone.clone()).ok()?.timestamp())
}

/// Returns `CM2 day 4, 2026-03-06`.
fn title_and_date(row: &SessionLinkRow) -> String {
    let title = row.title.as_deref().unwrap_or_default();
    row.classroom_start_date.map_or_else(|| title.to_owned(), |date| format!("{title}, {date}"))
}
