//! `POST /webhooks/administrate`: stores a delivery, then answers.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::json;

use super::payload::WebhookDelivery;
use super::{Received, signature};
use crate::http::problem::HttpProblem;
use crate::http::state::ServerState;

/// Returns the route of webhooks.
pub fn router(state: ServerState) -> Router {
    Router::new().route("/webhooks/administrate", post(receive)).with_state(state)
}

/// Answers 202 for a new delivery, 200 for a known one, 401 for a wrong signature and 400 for an invalid body.
///
/// Administrate repeats a delivery only after an answer of 5xx.
async fn receive(
    State(state): State<ServerState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, HttpProblem> {
    let body =
        body.map_err(|rejection| HttpProblem::new(rejection.status(), "the delivery is incomplete or too large"))?;
    let secret = &state.config.administrate.webhook_secret;
    signature::check(secret, &headers, &body, Timestamp::now()).map_err(|error| {
        tracing::warn!(%error, "webhook refused");
        HttpProblem::new(StatusCode::UNAUTHORIZED, error.to_string())
    })?;
    let delivery =
        WebhookDelivery::read(&body).map_err(|error| HttpProblem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    Ok(match super::insert(&state.pool, &delivery).await? {
        Received::New(id) => (StatusCode::ACCEPTED, Json(json!({ "id": id, "state": "received" }))).into_response(),
        Received::Known => Json(json!({ "state": "known" })).into_response(),
    })
}
