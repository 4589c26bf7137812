//! The outbox over HTTP, for operators and admins.

use administrate::Id;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::resolve::{Decision, resolve};
use crate::auth::{Operator, Reader};
use crate::error::Error;
use crate::outbox;
use crate::search::api::{Pairs, pairs};
use crate::server::json::JsonBody;
use crate::server::path::PathId;
use crate::server::problem::{FieldError, Problem};
use crate::server::state::ServerState;
use crate::tenant::{Audit, connect};

/// The routes of the outbox.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/api/outbox", get(list))
        .route("/api/outbox/retry", post(retry))
        .route("/api/outbox/{id}/resolve", post(decide))
        .with_state(state)
}

/// What is not delivered; with `all=true` also what is (contract §3, `outbox list`).
async fn list(_: Reader, State(state): State<ServerState>, address: Pairs) -> Result<Json<Value>, Problem> {
    let mut all = false;
    for (name, value) in pairs(address)? {
        all = match (name.as_str(), value.as_str()) {
            ("all", "true" | "1") => true,
            ("all", "false" | "0") => false,
            ("all", _) => {
                return Err(Problem::fields(vec![FieldError::new("/all", "invalid_value", "all is true or false")]));
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
    /// Absent: all that waits or failed.
    ids: Option<Vec<i64>>,
}

/// Makes rows due at once; the worker delivers them.
async fn retry(
    _: Operator,
    State(state): State<ServerState>,
    body: Option<JsonBody<Retry>>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Retry { ids } = body.map(|JsonBody(retry)| retry).unwrap_or_default();
    if let Some(ids) = &ids {
        let known = outbox::list(&state.pool, true).await?;
        if let Some(unknown) = ids.iter().find(|id| known.iter().all(|item| item.id != **id)) {
            return Err(Problem::new(StatusCode::NOT_FOUND, format!("the outbox has no item {unknown}")));
        }
    }
    let due = outbox::make_due(&state.pool, ids.as_deref(), None).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "due": due }))))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    delivered: Option<String>,
    recreate: Option<bool>,
}

/// `{"delivered": EXTERNAL_ID}` or `{"recreate": true}`.
async fn decide(
    _: Operator,
    State(state): State<ServerState>,
    id: PathId,
    JsonBody(decided): JsonBody<Decided>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let decision = decided.decision()?;
    let id = id.or_none("the outbox has no such item")?;
    let item = outbox::list(&state.pool, true).await?.into_iter().find(|item| item.id == id);
    let item = item.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "the outbox has no such item"))?;
    if item.state != outbox::State::Unknown {
        let detail = format!("{} is not waiting for a decision: nothing is unknown about it", item.subject);
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let client = connect(&state.config, &state.pool, "outbox resolve", Audit::Kept).await?;
    resolve(&state.pool, &client, id, &decision).await.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "state": "pending" }))))
}

impl Decided {
    fn decision(self) -> Result<Decision, Problem> {
        let (place, message) = match self {
            Decided { delivered: Some(id), recreate: None | Some(false) } => match id.trim() {
                "" => ("/delivered", "name the event in Administrate by its id"),
                id => return Ok(Decision::Delivered(Id::new(id))),
            },
            Decided { delivered: None, recreate: Some(true) } => return Ok(Decision::Recreate),
            Decided { delivered: None, .. } => ("/recreate", "say true, or name the event as delivered"),
            Decided { .. } => ("/recreate", "it is either delivered or to be made anew"),
        };
        Err(Problem::fields(vec![FieldError::new(place, "invalid_value", message)]))
    }
}

/// What a decision named does not exist over there: the caller's mistake, not ours.
fn refused(error: Error) -> Problem {
    match error {
        Error::Failed(why) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why),
        other => other.into(),
    }
}
