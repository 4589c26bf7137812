//! Health checks: `/livez` reports that the process responds, `/readyz` that the database does, too.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::http::problem::HttpProblem;
use crate::search::read_model::follow::Follower;

/// The longest time that the database may take to respond.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns the routes of the health checks.
pub fn router(follower: Follower) -> Router {
    Router::new().route("/livez", get(alive)).route("/readyz", get(ready)).with_state(follower)
}

async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

async fn ready(State(follower): State<Follower>) -> Result<Json<Value>, HttpProblem> {
    match tokio::time::timeout(DATABASE_TIMEOUT, follower.ping()).await {
        Ok(Ok(())) => Ok(Json(json!({ "status": "ready", "catalogue_version": follower.current().version }))),
        _ => Err(HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, "the database does not respond")),
    }
}
