//! Clashes: a venue or an instructor in two sessions at the same time.
//!
//! Sessions that touch do not clash, sessions of cancelled events never do, and a venue named like its location is virtual.
//! Venues and instructors are locked before the check until the transaction ends, so that of two requests at the same
//! instant the second one sees the first one's sessions.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::store::clashes as store;
use crate::error::Result;
use crate::history;
use crate::http::problem::HttpProblem;
use crate::names::fold;
use crate::resources::WriteRequest;
use crate::resources::problems::Problems;

/// A written session and what of it may clash.
#[derive(Clone, Debug)]
pub(super) struct MovedSession {
    pub id: i64,
    /// JSON pointer of its document in the body.
    pub pointer: String,
    /// Whether the request creates it, so that its id is gone when the request is refused.
    pub is_new: bool,
    pub checks_venue: bool,
    pub checks_instructors: bool,
}

/// Adds to the changes of a request that it allows clashes.
pub(super) async fn note_permission(db: &mut PgConnection, request: &WriteRequest<'_>) -> Result<()> {
    if request.flag("allow_clash").is_ok_and(|is_allowed| is_allowed) {
        history::note(db, "allow_clash=1").await
    } else {
        Ok(())
    }
}

/// Refuses the request if written sessions clash with others, unless it allows clashes.
pub(super) async fn check(
    db: &mut PgConnection,
    request: &WriteRequest<'_>,
    moved: &[MovedSession],
    problems: &mut Problems,
) -> Result<()> {
    let is_allowed = match request.flag("allow_clash") {
        Ok(is_allowed) => is_allowed,
        Err(problem) => {
            problems.refuse(problem);
            return Ok(());
        }
    };
    let ids: Vec<i64> = moved.iter().map(|session| session.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut checked = Vec::new();
    for booking in store::bookings(db, &ids).await? {
        let Some(session) = moved.iter().find(|session| session.id == booking.session_id) else { continue };
        let is_virtual = booking.place_names.iter().any(|name| fold(name) == fold(&booking.venue));
        if session.checks_venue
            && !is_virtual
            && let Some(venue) = booking.venue_id
        {
            checked.push(store::BookedResource { kind: "venue", session_id: session.id, resource_id: venue });
        }
        if session.checks_instructors {
            checked.extend(booking.instructor_ids.iter().map(|id| store::BookedResource {
                kind: "instructor",
                session_id: session.id,
                resource_id: *id,
            }));
        }
    }
    store::lock(db, &checked).await?;
    if is_allowed {
        return Ok(());
    }
    let found = store::clashes(db, &checked).await?;
    if !found.is_empty() {
        problems.refuse(refusal(moved, &found));
    }
    Ok(())
}

fn refusal(moved: &[MovedSession], found: &[store::Clash]) -> HttpProblem {
    let of = |id: i64| moved.iter().find(|session| session.id == id);
    let document = |clash: &store::Clash| {
        let other = of(clash.other_id).filter(|other| other.is_new);
        json!({
            "kind": clash.kind, "session_id": if other.is_some() { Value::Null } else { clash.other_id.into() },
            "event": clash.event, "title": clash.title, "start_date": clash.start_date, "end_date": clash.end_date,
            "name": clash.name, "pointer": of(clash.session_id).map_or("", |session| session.pointer.as_str()),
        })
    };
    let first = &found[0];
    let more = if found.len() > 1 { format!(" and {} more", found.len() - 1) } else { String::new() };
    let detail = format!(
        "{} is booked at this time already by \"{}\" of {}{more}: choose another time, venue or instructor, or add \
         ?allow_clash=1",
        first.name, first.title, first.event
    );
    let clashes = Value::Array(found.iter().map(document).collect());
    HttpProblem::new(StatusCode::CONFLICT, detail).with_member("clashes", clashes)
}
