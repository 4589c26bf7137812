//! Deletion of events. What happens in Administrate, the caller decides.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::bridges::store::deliverable::deliverable_events;
use crate::error::Result;
use crate::http::problem::{FieldError, HttpProblem};
use crate::outbox;
use crate::resources::problems::Problems;
use crate::resources::{Deletion, WriteRequest};
use crate::tutorials::{self, CANCEL_AND_REMOVE_EVENT, DELETE_EVENT, EVENT};

/// What happens in Administrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RemoteRemoval {
    Keep,
    Cancel,
    Delete,
}

/// Prepares the deletion of an event, or requests its removal where Administrate has to act first.
pub(super) async fn before_deletion(
    db: &mut PgConnection,
    request: &WriteRequest<'_>,
    document: &Value,
    problems: &mut Problems,
) -> Result<Deletion> {
    let remote = match request.parameter("remote") {
        None => None,
        Some("keep") => Some(RemoteRemoval::Keep),
        Some("cancel") => Some(RemoteRemoval::Cancel),
        Some("delete") => Some(RemoteRemoval::Delete),
        Some(_) => {
            let error = FieldError::new("/remote", "invalid_value", "remote is keep, cancel or delete");
            problems.refuse(HttpProblem::fields(error));
            return Ok(Deletion::Now);
        }
    };
    let Some(event) = deliverable_events(db, &[document["id"].as_i64().unwrap_or_default()]).await?.pop() else {
        return Ok(Deletion::Now);
    };
    let open = outbox::open_item(db, EVENT, event.id).await?;
    let is_known = event.is_linked || open.as_ref().is_some_and(|(item, _)| item.in_doubt);
    let removal = match (is_known, remote) {
        (true, None) => {
            let detail = format!(
                "Administrate knows the event {}: say what happens there with ?remote=keep, ?remote=cancel or \
                 ?remote=delete",
                event.code
            );
            let problem = HttpProblem::new(StatusCode::CONFLICT, detail);
            problems.refuse(problem.with_member("remote", json!(["keep", "cancel", "delete"])));
            return Ok(Deletion::Now);
        }
        (true, Some(RemoteRemoval::Cancel)) => CANCEL_AND_REMOVE_EVENT,
        (true, Some(RemoteRemoval::Delete)) => DELETE_EVENT,
        (true, Some(RemoteRemoval::Keep)) | (false, _) => {
            if open.is_some_and(|(_, is_idle)| !is_idle) {
                let detail = "the event is being delivered to Administrate right now: try again in a few seconds";
                problems.refuse(HttpProblem::new(StatusCode::CONFLICT, detail));
            } else {
                outbox::close(db, EVENT, event.id).await?;
            }
            return Ok(Deletion::Now);
        }
    };
    tutorials::remove_event(db, event.id, &event.code, removal).await?;
    Ok(Deletion::Later)
}
