//! `/control`: faults, state and a fresh start over HTTP, for callers in another process. Answers on loopback only.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::faults::Fault;
use crate::log::Requests;
use crate::server::ServerContext;
use crate::server::tcp::ClientConnection;

pub(crate) fn routes() -> Router<Arc<ServerContext>> {
    Router::new()
        .route("/control/faults", post(add_faults).delete(clear_faults))
        .route("/control/state", get(state))
        .route("/control/reset", post(reset))
        .layer(middleware::from_fn(loopback_only))
}

async fn loopback_only(
    ConnectInfo(connection): ConnectInfo<ClientConnection>,
    request: Request,
    next: Next,
) -> Response {
    if connection.peer.ip().is_loopback() {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "control routes answer on loopback only").into_response()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Fault>),
    One(Fault),
}

async fn add_faults(State(context): State<Arc<ServerContext>>, body: Bytes) -> Response {
    let faults = match serde_json::from_slice(&body) {
        Ok(OneOrMany::Many(faults)) => faults,
        Ok(OneOrMany::One(fault)) => vec![fault],
        // The untagged enum hides which field is wrong; a second reading tells.
        Err(_) => {
            let problem =
                serde_json::from_slice::<Fault>(&body).map_or_else(|error| error.to_string(), |_| String::new());
            return (StatusCode::BAD_REQUEST, format!("no fault: {problem}")).into_response();
        }
    };
    let mut state = context.state();
    for fault in faults {
        state.faults.add(fault);
    }
    Json(json!({ "faults": state.faults })).into_response()
}

async fn clear_faults(State(context): State<Arc<ServerContext>>) -> Response {
    context.state().faults.clear();
    StatusCode::NO_CONTENT.into_response()
}

/// `{"tenant", "requests", "mutations", "faults"}`.
async fn state(State(context): State<Arc<ServerContext>>) -> Response {
    let state = context.state();
    let document = json!({
        "tenant": state.tenant,
        "requests": state.requests,
        "mutations": state.mutations,
        "faults": state.faults,
    });
    Json(document).into_response()
}

/// Back to the seed: no events, no faults, no counts; tokens stay valid. The state file follows.
async fn reset(State(context): State<Arc<ServerContext>>) -> Response {
    let mut state = context.state();
    state.tenant = context.seed.clone();
    state.faults.clear();
    state.requests = Requests::default();
    state.mutations.clear();
    if let Some(journal) = &mut state.journal
        && let Err(error) = journal.restart(&context.seed)
    {
        return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
    }
    StatusCode::NO_CONTENT.into_response()
}
