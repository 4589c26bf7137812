//! Sessions: their order, clashes, and their delivery with their event.

use std::collections::{BTreeSet, HashMap};

use axum::http::StatusCode;
use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;

use crate::bridges::deliverable::request_delivery;
use crate::bridges::events::withdraw_sessions;
use crate::error::Result;
use crate::http::problem::HttpProblem;
use crate::outbox;
use crate::resources::problems::Problems;
use crate::resources::{Deletion, ResourceHooks, RowDraft, WriteRequest};
use crate::tutorials::api::clashes::{self, MovedSession};
use crate::tutorials::api::store::sessions as store;
use crate::tutorials::{EVENT, REMOVALS};

/// Hooks of sessions.
pub struct SessionHooks;

impl ResourceHooks for SessionHooks {
    fn before<'a>(
        &'a self,
        db: &'a mut PgConnection,
        request: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            clashes::note_permission(db, request).await?;
            for draft in drafts.iter().filter(|draft| !draft.current.is_null() && draft.changes("tutorial_event")) {
                let message = "a session stays in its event: delete it and create it in the other event";
                problems.violated(draft.pointer_of("tutorial_event"), "read_only", message);
            }
            let events = events_of(drafts.iter());
            store::lock_events(db, &events).await?;
            refuse_removed(db, &events, problems).await?;
            number(db, drafts, &events).await
        })
    }

    fn after<'a>(
        &'a self,
        db: &'a mut PgConnection,
        request: &'a WriteRequest<'a>,
        drafts: &'a [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let moved: Vec<MovedSession> = drafts.iter().filter_map(moved_session).collect();
            clashes::check(db, request, &moved, problems).await?;
            let events = events_of(drafts.iter().filter(|draft| draft.changes_anything()));
            if events.is_empty() || !problems.is_empty() { Ok(()) } else { request_delivery(db, &events).await }
        })
    }

    fn before_deletion<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        document: &'a Value,
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<Deletion>> {
        Box::pin(async move {
            let (Some(id), Some(event)) = (document["id"].as_i64(), document["tutorial_event"].as_i64()) else {
                return Ok(Deletion::Now);
            };
            refuse_removed(db, &[event], problems).await?;
            if problems.is_empty() {
                withdraw_sessions(db, &[id]).await?;
                request_delivery(db, &[event]).await?;
            }
            Ok(Deletion::Now)
        })
    }
}

fn events_of<'a>(drafts: impl Iterator<Item = &'a RowDraft>) -> Vec<i64> {
    let events: BTreeSet<i64> = drafts.filter_map(|draft| draft.value("tutorial_event").as_i64()).collect();
    events.into_iter().collect()
}

/// Refuses a change of events that wait for their removal in Administrate.
pub(super) async fn refuse_removed(db: &mut PgConnection, events: &[i64], problems: &mut Problems) -> Result<()> {
    let removed = outbox::subjects_with_effect(db, EVENT, events, &REMOVALS).await?;
    if let Some(code) = removed.first() {
        let detail = format!(
            "the event {code} is being removed: wait for it, or repeat its deletion with another ?remote= if it failed"
        );
        problems.refuse(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    Ok(())
}

/// Gives new sessions without sequence the next one of their event, in the order of the body.
async fn number(db: &mut PgConnection, drafts: &mut [RowDraft], events: &[i64]) -> Result<()> {
    if drafts.iter().all(|draft| !draft.value("sequence").is_null()) {
        return Ok(());
    }
    let mut last: HashMap<i64, i64> = store::last_sequences(db, events).await?;
    for draft in drafts.iter() {
        let (event, given) = (draft.value("tutorial_event").as_i64(), draft.values["sequence"].as_i64());
        if let (Some(event), Some(given)) = (event, given) {
            let known = last.entry(event).or_default();
            *known = given.max(*known);
        }
    }
    for draft in drafts.iter_mut().filter(|draft| draft.value("sequence").is_null()) {
        let next = last.entry(draft.value("tutorial_event").as_i64().unwrap_or_default()).or_default();
        *next += 1;
        draft.values.insert("sequence".to_owned(), (*next).into());
    }
    Ok(())
}

/// Returns what has to be checked for clashes, if anything that could clash has changed.
fn moved_session(draft: &RowDraft) -> Option<MovedSession> {
    let changes = |fields: &[&str]| fields.iter().any(|field| draft.changes(field));
    let is_moved = changes(&["start_date", "end_date"]);
    let moved = MovedSession {
        id: draft.id?,
        pointer: draft.pointer.clone(),
        is_new: draft.current.is_null(),
        checks_venue: is_moved || changes(&["venue_id", "location_id"]),
        checks_instructors: is_moved || changes(&["instructor_ids"]),
    };
    (moved.checks_venue || moved.checks_instructors).then_some(moved)
}
