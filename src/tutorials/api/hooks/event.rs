//! Events: defaults, staff, custom fields, places, clashes, and what Administrate knows of them.

use axum::http::StatusCode;
use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;

use super::session::refuse_removed;
use crate::bridges::deliverable::{STAYS_LOCAL, WAITS_FOR_LINKS, request_delivery, set_delivery_intents};
use crate::bridges::store::deliverable::deliverable_events;
use crate::error::Result;
use crate::http::problem::HttpProblem;
use crate::resources::problems::Problems;
use crate::resources::{Deletion, ResourceHooks, RowDraft, WriteRequest};
use crate::tutorials::api::clashes::{self, MovedSession};
use crate::tutorials::api::store::{events as store, sessions};
use crate::tutorials::api::{custom_fields, defaults, removal, staff};
use crate::tutorials::places::Places;
use crate::tutorials::store::{oversold, set_oversold};

/// Hooks of events.
pub struct EventHooks;

impl ResourceHooks for EventHooks {
    fn before<'a>(
        &'a self,
        db: &'a mut PgConnection,
        request: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            clashes::note_permission(db, request).await?;
            match request.flag("local_only") {
                Ok(is_local) => drafts.iter_mut().for_each(|draft| set_local_only(draft, is_local)),
                Err(problem) => problems.refuse(problem),
            }
            let known: Vec<i64> = drafts.iter().filter_map(|draft| draft.id).collect();
            if !known.is_empty() {
                refuse_removed(db, &known, problems).await?;
                check_known(db, drafts, &known, problems).await?;
            }
            custom_fields::check(db, request, drafts, problems).await?;
            staff::check_administrators(db, drafts, problems).await?;
            defaults::fill(db, request, drafts).await?;
            move_places(db, drafts).await
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
            staff::write(db, drafts).await?;
            let given = |draft: &RowDraft| Some((draft.id?, draft.inputs.get(custom_fields::FIELD)?.clone()));
            let given: Vec<(i64, Value)> = drafts.iter().filter_map(given).collect();
            if !given.is_empty() {
                store::set_custom_values(db, &given).await?;
            }
            let beyond = |draft: &RowDraft| {
                Some((draft.id?, i32::try_from(draft.inputs.get(OVERSOLD)?.as_i64()?).unwrap_or(i32::MAX)))
            };
            let beyond: Vec<(i64, i32)> = drafts.iter().filter_map(beyond).collect();
            if !beyond.is_empty() {
                set_oversold(db, &beyond).await?;
            }
            let intents: Vec<(i64, Option<&str>)> = drafts.iter().filter_map(delivery_intent).collect();
            if !intents.is_empty() {
                set_delivery_intents(db, &intents).await?;
            }
            for draft in drafts.iter().filter(|draft| !draft.current.is_null()) {
                let moved = moved_sessions(db, draft).await?;
                clashes::check(db, request, &moved, problems).await?;
            }
            let changed: Vec<i64> =
                drafts.iter().filter(|draft| draft.changes_anything()).filter_map(|draft| draft.id).collect();
            if changed.is_empty() || !problems.is_empty() { Ok(()) } else { request_delivery(db, &changed).await }
        })
    }

    fn before_deletion<'a>(
        &'a self,
        db: &'a mut PgConnection,
        request: &'a WriteRequest<'a>,
        document: &'a Value,
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<Deletion>> {
        Box::pin(removal::before_deletion(db, request, document, problems))
    }
}

/// Sets the field by the parameter. Null is no value: a new event goes to Administrate, another one stays as it is.
fn set_local_only(draft: &mut RowDraft, is_local: bool) {
    let is_null = draft.values.get("local_only").is_some_and(Value::is_null);
    if is_local || (is_null && draft.current.is_null()) {
        draft.values.insert("local_only".to_owned(), is_local.into());
    } else if is_null {
        draft.values.remove("local_only");
    }
}

/// The input with the number of places that are sold beyond the maximum.
const OVERSOLD: &str = "oversold";

/// Refuses changes that Administrate could not follow.
async fn check_known(db: &mut PgConnection, drafts: &[RowDraft], ids: &[i64], problems: &mut Problems) -> Result<()> {
    let known = deliverable_events(db, ids).await?;
    for draft in drafts {
        let Some(event) = known.iter().find(|event| Some(event.id) == draft.id && event.is_linked) else { continue };
        if draft.changes("cancelled") {
            let detail = format!(
                "Administrate knows this event: cancel it with POST /api/tutorials/events/{}/cancel; an event that is \
                 cancelled there is reinstated in Administrate",
                event.id
            );
            problems.refuse(HttpProblem::new(StatusCode::CONFLICT, detail));
        }
        for field in ["course_template_id", "learning_mode"] {
            if draft.changes(field) && !draft.current[field].is_null() {
                let detail =
                    format!("{field} of an event that Administrate knows cannot be changed: create a new event");
                problems.refuse(HttpProblem::new(StatusCode::CONFLICT, detail));
            }
        }
        if draft.changes("local_only") && draft.value("local_only") == true {
            let detail = "Administrate knows this event already, so that it cannot stay local: delete it with ?remote=cancel \
                          or ?remote=delete, or leave local_only out";
            problems.refuse(HttpProblem::new(StatusCode::CONFLICT, detail));
        }
    }
    Ok(())
}

/// Moves the remaining places with a changed maximum, unless the body gives them: sold places stay sold.
async fn move_places(db: &mut PgConnection, drafts: &mut [RowDraft]) -> Result<()> {
    for draft in drafts.iter_mut().filter(|draft| !draft.current.is_null() && draft.changes("max_places")) {
        let number = |value: &Value| value.as_i64().and_then(|number| i32::try_from(number).ok());
        let (before, now) = (number(&draft.current["max_places"]), number(draft.value("max_places")));
        let (Some(before), Some(now), Some(id), false) = (before, now, draft.id, draft.given.contains("remain_space"))
        else {
            continue;
        };
        let beyond = oversold(db, &[id]).await?.get(&id).copied().unwrap_or_default();
        let remaining = number(&draft.current["remain_space"]).unwrap_or_default();
        let moved = Places { remaining, oversold: beyond }.moved(now.saturating_sub(before));
        draft.values.insert("remain_space".to_owned(), moved.remaining.into());
        draft.inputs.insert(OVERSOLD.to_owned(), moved.oversold.into());
    }
    Ok(())
}

/// Returns whether a new event, or one whose `local_only` changes, goes to Administrate.
fn delivery_intent(draft: &RowDraft) -> Option<(i64, Option<&'static str>)> {
    let is_decided = draft.current.is_null() || draft.changes("local_only");
    let intent = if draft.value("local_only") == true { STAYS_LOCAL } else { WAITS_FOR_LINKS };
    is_decided.then_some((draft.id?, Some(intent)))
}

/// Returns the sessions that a change of their event moves to another venue, or brings back.
async fn moved_sessions(db: &mut PgConnection, draft: &RowDraft) -> Result<Vec<MovedSession>> {
    let is_reinstated = draft.changes("cancelled") && draft.value("cancelled") == false;
    let is_moved = draft.changes("venue_id") || draft.changes("location_id");
    let Some(id) = draft.id.filter(|_| is_moved || is_reinstated) else { return Ok(Vec::new()) };
    let ids = match is_reinstated {
        true => sessions::ids_of(db, id).await?,
        false => sessions::ids_without_place(db, id).await?,
    };
    let moved = |id| MovedSession {
        id,
        pointer: String::new(),
        is_new: false,
        checks_venue: true,
        checks_instructors: is_reinstated,
    };
    Ok(ids.into_iter().map(moved).collect())
}
