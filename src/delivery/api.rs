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
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::{Pairs, pairs};
use crate::http::state::ServerState;
use crate::outbox;

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    vec![(Method::GET, "/api/outbox", vec!["all"])]
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(list, retry, decide))]
struct OutboxRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    ApiPart::of(&<OutboxRoutes as utoipa::OpenApi>::openapi()).with_schema("OutboxList", outbox_schema()).with_schema(
        "OutboxDecided",
        json!({
            "type": "object", "required": ["id", "state"],
            "properties": {
                "id": { "type": "integer", "format": "int64" }, "state": { "type": "string", "example": "pending" },
            },
        }),
    )
}

fn outbox_schema() -> Value {
    let item = json!({
        "type": "object", "required": ["id", "effect", "subject", "state", "attempts", "last_error", "next_attempt_at"],
        "properties": {
            "id": { "type": "integer", "format": "int64" },
            "effect": { "type": "string", "description": "What must happen in Administrate.", "example": "create_event" },
            "subject": { "type": "string", "description": "The record that it is about.", "example": "CM2-01-26A" },
            "state": { "type": "string", "enum": ["pending", "delivered", "failed", "unknown"], "example": "failed" },
            "attempts": { "type": "integer" },
            "last_error": { "type": ["string", "null"] },
            "next_attempt_at": { "type": ["string", "null"], "format": "date-time" },
        },
    });
    json!({
        "type": "object", "required": ["items"], "properties": { "items": { "type": "array", "items": item } },
    })
}

/// The routes of the outbox.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/api/outbox", get(list))
        .route("/api/outbox/retry", post(retry))
        .route("/api/outbox/{id}/resolve", post(decide))
        .with_state(state)
}

/// Lists undelivered items.
///
/// With `all=true` also delivered ones. Returns what `lectern outbox list --json` prints.
#[utoipa::path(
    get, path = "/api/outbox", operation_id = "listOutbox", tag = "outbox",
    params(("all" = Option<bool>, Query, description = "Whether delivered items are listed too.")),
    responses((status = 200, description = "The items.", body = ref("#/components/schemas/OutboxList")))
)]
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

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OutboxRetry)]
struct Retry {
    /// Numbers of items; none: all pending and failed ones.
    ids: Option<Vec<i64>>,
}

/// Deliver items again.
///
/// Makes items due at once; the worker delivers them.
#[utoipa::path(
    post, path = "/api/outbox/retry", operation_id = "retryOutbox", tag = "outbox", request_body = Option<Retry>,
    responses(
        (status = 202, description = "The number of items that are due.", body = ref("#/components/schemas/Due")),
        (status = 404, description = "")
    )
)]
async fn retry(
    _: Operator,
    State(state): State<ServerState>,
    body: Option<JsonBody<Retry>>,
) -> Result<(StatusCode, Json<Value>), HttpProblem> {
    let Retry { ids } = body.map(|JsonBody(retry)| retry).unwrap_or_default();
    let due = retry_items(&state, ids.as_deref()).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "due": due }))))
}

/// Makes items due at once: these, or all pending and failed ones. Returns their number.
///
/// # Errors
/// 404 for an unknown item.
pub(super) async fn retry_items(state: &ServerState, ids: Option<&[i64]>) -> Result<u64, HttpProblem> {
    if let Some(ids) = ids
        && let Some(unknown) = outbox::unknown_ids(&state.pool, ids).await?.first()
    {
        return Err(HttpProblem::new(StatusCode::NOT_FOUND, format!("the outbox has no item {unknown}")));
    }
    Ok(outbox::retry_now(&state.pool, ids, None).await?)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OutboxDecision)]
struct ResolveBody {
    /// The event was created: its id in Administrate.
    #[schema(example = "RXZlbnQ6NDI=")]
    delivered: Option<String>,
    /// True: the event was not created, and is created again.
    #[schema(example = false)]
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

/// Decide on an item whose outcome is unknown.
///
/// The body is `{"delivered": EXTERNAL_ID}` or `{"recreate": true}`.
#[utoipa::path(
    post, path = "/api/outbox/{id}/resolve", operation_id = "resolveOutboxItem", tag = "outbox", request_body = ResolveBody,
    responses(
        (status = 202, description = "The item is due.", body = ref("#/components/schemas/OutboxDecided")),
        (status = 502, description = "")
    )
)]
async fn decide(
    _: Operator,
    State(state): State<ServerState>,
    id: Result<Path<i64>, PathRejection>,
    JsonBody(body): JsonBody<ResolveBody>,
) -> Result<(StatusCode, Json<Value>), HttpProblem> {
    let Path(id) = id.map_err(|_| HttpProblem::new(StatusCode::NOT_FOUND, "the outbox has no such item"))?;
    decide_item(&state, id, &body.decision()?).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "state": "pending" }))))
}

/// Applies a decision about an item whose outcome is unknown.
///
/// # Errors
/// 404 for an unknown item, 409 for one whose outcome is known, 422 for a record that Administrate does not have.
pub(super) async fn decide_item(state: &ServerState, id: i64, decision: &OutboxResolution) -> Result<(), HttpProblem> {
    let item = outbox::one(&state.pool, id).await?;
    let item = item.ok_or_else(|| HttpProblem::new(StatusCode::NOT_FOUND, format!("the outbox has no item {id}")))?;
    if item.state != outbox::DeliveryState::Unknown {
        let detail = format!("{} is not waiting for a decision: its outcome is known", item.subject);
        return Err(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    let client = connect(&state.config, &state.pool, "outbox resolve", AuditMode::On).await?;
    resolve(&state.pool, &client, id, decision).await.map_err(resolve_error)
}

/// Maps a record that does not exist in Administrate to 422: the caller gave a wrong id.
fn resolve_error(error: Error) -> HttpProblem {
    match error {
        Error::Usage(reason) | Error::Failed(reason) => HttpProblem::new(StatusCode::UNPROCESSABLE_ENTITY, reason),
        other => other.into(),
    }
}
