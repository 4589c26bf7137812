//! `/control` routes: faults, state and reset for other processes. Accepts loopback clients only.

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

pub(super) async fn loopback_only(
    ConnectInfo(connection): ConnectInfo<ClientConnection>,
    request: Request,
    next: Next,
) -> Response {
    if connection.peer.ip().is_loopback() {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this route accepts connections from loopback only").into_response()
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
        // The error of the untagged enum does not name the wrong field; parsing a single fault does.
        Err(_) => {
            let reason =
                serde_json::from_slice::<Fault>(&body).map_or_else(|error| error.to_string(), |_| String::new());
            return (StatusCode::BAD_REQUEST, format!("the body is not a fault or a list of faults: {reason}"))
                .into_response();
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

/// Returns `{"tenant", "requests", "mutations", "faults"}`.
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

/// Restores the seed tenant and clears faults, counts and mutations, in the state file too. Tokens stay valid.
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
