//! The outbox over HTTP: readers list it, operators and admins change it.

use administrate::Id;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::resolve::{OutboxResolution, resolve};
use crate::error::Error;
use crate::gateway::{AuditMode, connect};
use crate::http::auth::{Operator, Reader};
use crate::http::json::JsonBody;
use crate::http::parameters::RouteParameters;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::{Pairs, pairs};
use crate::http::state::ServerState;
use crate::outbox;

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    vec![(Method::GET, "/api/outbox", vec!["all"])]
}

/// The routes of the outbox.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/api/outbox", get(list))
        .route("/api/outbox/retry", post(retry))
        .route("/api/outbox/{id}/resolve", post(decide))
        .with_state(state)
}

/// Lists undelivered items; with `all=true` also delivered ones. Prints what `lectern outbox list --json` prints.
async fn list(_: Reader, State(state): State<ServerState>, address: Pairs) -> Result<Json<Value>, HttpProblem> {
    let mut all = false;
    for (name, value) in pairs(address)? {
        all = match (name.as_str(), value.as_str()) {
            ("all", "true" | "1") => true,
            ("all", "false" | "0") => false,
            ("all", _) => {
                return Err(HttpProblem::fields(FieldError::new("/all", "invalid_value", "all is true or false")));
            }
            _ => all,
        };
    }
    let items = outbox::list(&state.pool, all).await?;
    Ok(Json(json!({ "items": items })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retry {
    /// None: all pending and failed items.
    ids: Option<Vec<i64>>,
}

/// Makes items due at once; the worker delivers them.
async fn retry(
    _: Operator,
    State(state): State<ServerState>,
    body: Option<JsonBody<Retry>>,
) -> Result<(StatusCode, Json<Value>), HttpProblem> {
    let Retry { ids } = body.map(|JsonBody(retry)| retry).unwrap_or_default();
    if let Some(ids) = &ids {
        let known = outbox::list(&state.pool, true).await?;
        if let Some(unknown) = ids.iter().find(|id| known.iter().all(|item| item.id != **id)) {
            return Err(HttpProblem::new(StatusCode::NOT_FOUND, format!("the outbox has no item {unknown}")));
        }
    }
    let due = outbox::retry_now(&state.pool, ids.as_deref(), None).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "due": due }))))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResolveBody {
    delivered: Option<String>,
    recreate: Option<bool>,
}

impl ResolveBody {
    fn decision(self) -> Result<OutboxResolution, HttpProblem> {
        let invalid = |pointer, message| HttpProblem::fields(FieldError::new(pointer, "invalid_value", message));
        match (self.delivered, self.recreate) {
            (Some(id), None | Some(false)) if !id.trim().is_empty() => {
                Ok(OutboxResolution::Delivered(Id::new(id.trim())))
            }
            (Some(_), None | Some(false)) => Err(invalid("/delivered", "give Administrate's id of the event")),
            (None, Some(true)) => Ok(OutboxResolution::Recreate),
            (None, Some(false)) => Err(invalid("/recreate", "give true, or the event's id as delivered")),
            (None, None) => Err(invalid("", "give Administrate's id as delivered, or recreate: true")),
            (Some(_), Some(true)) => Err(invalid("/recreate", "give either delivered or recreate, not both")),
        }
    }
}

/// Resolves an item. Body: `{"delivered": EXTERNAL_ID}` or `{"recreate": true}`.
async fn decide(
    _: Operator,
    State(state): State<ServerState>,
    id: Result<Path<i64>, PathRejection>,
    JsonBody(body): JsonBody<ResolveBody>,
) -> Result<(StatusCode, Json<Value>), HttpProblem> {
    let Path(id) = id.map_err(|_| HttpProblem::new(StatusCode::NOT_FOUND, "the outbox has no such item"))?;
    let decision = body.decision()?;
    let item = outbox::list(&state.pool, true).await?.into_iter().find(|item| item.id == id);
    let item = item.ok_or_else(|| HttpProblem::new(StatusCode::NOT_FOUND, format!("the outbox has no item {id}")))?;
    if item.state != outbox::DeliveryState::Unknown {
        let detail = format!("{} is not waiting for a decision: its outcome is known", item.subject);
        return Err(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    let client = connect(&state.config, &state.pool, "outbox resolve", AuditMode::On).await?;
    resolve(&state.pool, &client, id, &decision).await.map_err(resolve_error)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "state": "pending" }))))
}

/// Maps a record that does not exist in Administrate to 422: the caller gave a wrong id.
fn resolve_error(error: Error) -> HttpProblem {
    match error {
        Error::Usage(reason) | Error::Failed(reason) => HttpProblem::new(StatusCode::UNPROCESSABLE_ENTITY, reason),
        other => other.into(),
    }
}
