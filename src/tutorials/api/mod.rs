//! Tutorials over HTTP: events with sessions and their reference data as documents, and what is done with an event.
//!
//! Everyone reads, without addresses of people and what concerns Administrate. Operators write.

mod clashes;
mod complete;
mod custom_fields;
mod defaults;
mod hooks;
mod removal;
pub mod resources;
mod staff;
mod store;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::{post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{PgConnection, Postgres, Transaction};

pub use self::complete::labels_of_fields;
use self::resources::RESOURCES;
use self::resources::events::EVENTS;
use self::resources::sessions::SESSIONS;
use crate::bridges::deliverable::{DeliverableEvent, request_delivery};
use crate::bridges::store::deliverable::deliverable_events;
use crate::http::auth::Operator;
use crate::http::etag;
use crate::http::json::JsonBody;
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::http::problem::HttpProblem;
use crate::identity::Caller;
use crate::outbox;
use crate::outbox::DeliveryStep;
use crate::resources::api::{self, ResourceState};
use crate::resources::problems::Problems;
use crate::tutorials::{self, EVENT, REMOVALS};

const PUBLISH: &str = "/api/tutorials/events/{id}/publish";
const CANCEL: &str = "/api/tutorials/events/{id}/cancel";
const ORDER: &str = "/api/tutorials/events/{id}/sessions/order";

#[derive(utoipa::OpenApi)]
#[openapi(paths(publish, cancel, order))]
struct TutorialRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    let mut part = crate::resources::description::describe(&RESOURCES, true);
    part.extend(ApiPart::of(&<TutorialRoutes as utoipa::OpenApi>::openapi()));
    part
}

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    let mut known = api::parameters(&RESOURCES);
    known.extend([(Method::POST, PUBLISH, vec![]), (Method::POST, CANCEL, vec![]), (Method::PUT, ORDER, vec![])]);
    known
}

/// The routes of tutorials. Further routes of one event belong here, beside those that publish and cancel it.
pub fn router(state: &ResourceState) -> Router {
    let of_event = Router::new()
        .route(PUBLISH, post(publish))
        .route(CANCEL, post(cancel))
        .route(ORDER, put(order))
        .with_state(state.clone());
    api::router(&RESOURCES, state).merge(of_event)
}

type EventId = Result<Path<i64>, PathRejection>;

/// Publish an event.
///
/// Publishes the event and its sessions in Administrate. 409 where Administrate does not know it.
#[utoipa::path(
    post, path = "/api/tutorials/events/{id}/publish", operation_id = "publishEvent", tag = "tutorials",
    responses((status = 202, description = "The event.", body = ref("#/components/schemas/Event")))
)]
async fn publish(
    Operator(caller): Operator,
    State(state): State<ResourceState>,
    id: EventId,
) -> Result<Response, HttpProblem> {
    Ok(accepted(publish_event(&state, &caller, number(id)?).await?))
}

/// Publishes an event and its sessions in Administrate. Returns its document.
///
/// # Errors
/// 404, or 409 where Administrate does not know the event or it is cancelled.
pub async fn publish_event(state: &ResourceState, caller: &Caller, id: i64) -> Result<Value, HttpProblem> {
    let (mut transaction, event) = linked_event(state, caller, id, "published").await?;
    if event.is_cancelled {
        let detail = "the event is cancelled: reinstate it in Administrate, or create a new one";
        return Err(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    let published = [(event.id, event.code)];
    tutorials::request_steps(&mut transaction, None, &published, &[DeliveryStep::Publish]).await?;
    committed(state, transaction, caller, event.id).await
}

/// Cancel an event.
///
/// Cancels the event locally and in Administrate. 409 where Administrate does not know it.
#[utoipa::path(
    post, path = "/api/tutorials/events/{id}/cancel", operation_id = "cancelEvent", tag = "tutorials",
    responses((status = 202, description = "The event.", body = ref("#/components/schemas/Event")))
)]
async fn cancel(
    Operator(caller): Operator,
    State(state): State<ResourceState>,
    id: EventId,
) -> Result<Response, HttpProblem> {
    Ok(accepted(cancel_event(&state, &caller, number(id)?).await?))
}

/// Cancels an event locally and in Administrate. Returns its document.
///
/// # Errors
/// 404, or 409 where Administrate does not know the event.
pub async fn cancel_event(state: &ResourceState, caller: &Caller, id: i64) -> Result<Value, HttpProblem> {
    let (mut transaction, event) = linked_event(state, caller, id, "cancelled").await?;
    if !event.is_cancelled {
        store::events::cancel(&mut transaction, event.id).await?;
        request_delivery(&mut transaction, &[event.id]).await?;
    }
    committed(state, transaction, caller, event.id).await
}

/// Locks an event that Administrate knows.
async fn linked_event(
    state: &ResourceState,
    caller: &Caller,
    id: i64,
    done: &str,
) -> Result<(Transaction<'static, Postgres>, DeliverableEvent), HttpProblem> {
    let mut transaction = state.begin(caller).await?;
    locked_event(&mut transaction, id).await?;
    let event = deliverable_events(&mut transaction, &[id]).await?.pop().ok_or_else(unknown_event)?;
    if event.is_linked {
        return Ok((transaction, event));
    }
    let advice = match outbox::undelivered_subjects(&mut transaction, EVENT, Some(&[id])).await?.is_empty() {
        true if done == "cancelled" => "change its field cancelled instead",
        true => "administrate.reason of the event says why",
        false => "its delivery is pending, see administrate of the event",
    };
    let detail = format!("the event is not in Administrate, so that it cannot be {done} there: {advice}");
    Err(HttpProblem::new(StatusCode::CONFLICT, detail))
}

/// Returns the id of a path.
fn number(id: EventId) -> Result<i64, HttpProblem> {
    id.map(|Path(id)| id).map_err(|_| unknown_event())
}

/// Locks an event for a change.
async fn locked_event(db: &mut PgConnection, id: i64) -> Result<(), HttpProblem> {
    store::events::lock(db, id).await?.ok_or_else(unknown_event)?;
    let removed = outbox::subjects_with_effect(db, EVENT, &[id], &REMOVALS).await?;
    match removed.is_empty() {
        true => Ok(()),
        false => Err(HttpProblem::new(StatusCode::CONFLICT, "the event is being removed")),
    }
}

fn unknown_event() -> HttpProblem {
    HttpProblem::new(StatusCode::NOT_FOUND, "there is no such event")
}

fn accepted(event: Value) -> Response {
    etag::with_etag(&HeaderMap::new(), StatusCode::ACCEPTED, event)
}

/// Commits a request to Administrate and returns the event.
async fn committed(
    state: &ResourceState,
    mut transaction: Transaction<'static, Postgres>,
    caller: &Caller,
    id: i64,
) -> Result<Value, HttpProblem> {
    let document = api::documents(&mut transaction, state, &EVENTS, caller, &[id]).await?.pop();
    state.commit(transaction).await?;
    document.ok_or_else(unknown_event)
}

/// Returns the documents of the sessions of an event, in their order.
///
/// # Errors
/// When the database cannot be read.
pub async fn sessions_of_event(
    db: &mut PgConnection,
    state: &ResourceState,
    caller: &Caller,
    id: i64,
) -> crate::error::Result<Vec<Value>> {
    let ids = store::sessions::ids_of(db, id).await?;
    api::documents(db, state, &SESSIONS, caller, &ids).await
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SessionOrder)]
struct OrderBody {
    /// The ids of all sessions of the event, in their new order.
    ids: Vec<i64>,
}

/// Order the sessions of an event.
///
/// Numbers the sessions from 1, in the order of the body.
#[utoipa::path(
    put, path = "/api/tutorials/events/{id}/sessions/order", operation_id = "orderSessions", tag = "tutorials",
    request_body = OrderBody,
    responses(
        (status = 200, description = "The sessions.", body = ref("#/components/schemas/SessionList")),
        (status = 409, description = "")
    )
)]
async fn order(
    Operator(caller): Operator,
    State(state): State<ResourceState>,
    id: EventId,
    JsonBody(body): JsonBody<OrderBody>,
) -> Result<Json<Value>, HttpProblem> {
    let sessions = order_sessions(&state, &caller, number(id)?, &body.ids).await?;
    Ok(Json(json!({ "count": sessions.len(), "next": null, "previous": null, "results": sessions })))
}

/// Numbers the sessions of an event from 1, in the order of `ids`. Returns their documents.
///
/// # Errors
/// 404, or 422 where `ids` are not exactly the sessions of the event.
pub async fn order_sessions(
    state: &ResourceState,
    caller: &Caller,
    id: i64,
    ids: &[i64],
) -> Result<Vec<Value>, HttpProblem> {
    let mut transaction = state.begin(caller).await?;
    locked_event(&mut transaction, id).await?;
    let known = store::sessions::ids_of(&mut transaction, id).await?;
    let mut problems = Problems::default();
    for (place, session) in ids.iter().enumerate() {
        let at = format!("/ids/{place}");
        if !known.contains(session) {
            problems.violated(at, "unknown_reference", format!("the event has no session {session}"));
        } else if ids[..place].contains(session) {
            problems.violated(at, "invalid_value", "is in the list already");
        }
    }
    let missing: Vec<String> = known.iter().filter(|id| !ids.contains(id)).map(i64::to_string).collect();
    if !missing.is_empty() {
        problems.violated("/ids", "missing_value", format!("must contain all sessions: add {}", missing.join(", ")));
    }
    problems.check()?;
    if store::sessions::set_order(&mut transaction, ids).await? > 0 {
        request_delivery(&mut transaction, &[id]).await?;
    }
    let sessions = api::documents(&mut transaction, state, &SESSIONS, caller, ids).await?;
    state.commit(transaction).await?;
    Ok(sessions)
}
