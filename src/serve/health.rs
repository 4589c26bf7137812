//! Health checks: `/livez` reports that the process responds, `/readyz` whether it can answer requests.
//!
//! Searches are answered from memory. Without the database, the process stays ready for them until the catalogue is ten
//! minutes old; `degraded` then names what is missing. `/readyz?for=write` requires the database.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::background::{WorkerState, Workers};
use crate::http::openapi::ApiPart;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::search::read_model::follow::Follower;

/// The longest time that the database may take to respond.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);
/// The greatest age of a catalogue from which searches are answered.
const MAX_AGE: Duration = Duration::from_secs(600);
/// A change of the catalogue that is not loaded after this time is reported.
const STALE_AFTER: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
struct HealthState {
    follower: Follower,
    workers: Workers,
}

/// Returns the routes of the health checks.
pub fn router(follower: Follower, workers: Workers) -> Router {
    Router::new().route("/livez", get(alive)).route("/readyz", get(ready)).with_state(HealthState { follower, workers })
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(alive, ready))]
struct HealthRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    let text = json!({ "type": "string", "example": "alive" });
    let alive = json!({ "type": "object", "required": ["status"], "properties": { "status": text } });
    let worker =
        json!({ "type": "object", "properties": { "name": { "type": "string" }, "state": { "type": "string" } } });
    let ready = json!({
        "type": "object", "required": ["status", "catalogue_version", "catalogue_age_seconds", "workers"],
        "properties": {
            "status": { "type": "string", "example": "ready" },
            "catalogue_version": { "type": "integer", "format": "int64" },
            "catalogue_age_seconds": { "type": "integer", "format": "int64" },
            "workers": { "type": "array", "items": worker },
            "degraded": { "type": "array", "items": { "type": "string" }, "description": "What is missing; absent: nothing." },
            "stale": { "type": "boolean", "description": "Whether a change of the catalogue is not loaded yet." },
        },
    });
    ApiPart::of(&<HealthRoutes as utoipa::OpenApi>::openapi()).with_schema("Alive", alive).with_schema("Ready", ready)
}

/// Does the process respond?
#[utoipa::path(
    get, path = "/livez", operation_id = "getLiveness", tag = "service", security(()),
    responses((status = 200, description = "It does.", body = ref("#/components/schemas/Alive")))
)]
async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Can the server answer requests?
///
/// Searches are answered from memory: without the database the server stays ready for them until the catalogue is ten
/// minutes old, and `degraded` names what is missing.
#[utoipa::path(
    get, path = "/readyz", operation_id = "getReadiness", tag = "service", security(()),
    params(("for" = Option<String>, Query, description = "`write`: the database is required.", example = "write")),
    responses((status = 200, description = "It can.", body = ref("#/components/schemas/Ready")))
)]
async fn ready(State(state): State<HealthState>, address: Pairs) -> Result<Json<Value>, HttpProblem> {
    let unavailable = |detail: String| Err(HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    let for_write = pairs(address)?.iter().any(|(name, value)| name == "for" && value == "write");
    let freshness = state.follower.freshness(DATABASE_TIMEOUT).await;
    let Some(age) = freshness.age else {
        return unavailable(
            "the catalogue is not loaded yet: the database does not respond, or a table is locked".into(),
        );
    };
    if for_write && freshness.is_current.is_none() {
        return unavailable("the database does not respond".into());
    }
    if age > MAX_AGE {
        return unavailable(format!(
            "the catalogue was last up to date {} seconds ago: the database does not respond, or a table is locked",
            age.as_secs()
        ));
    }
    let workers = state.workers.statuses();
    let is_stale = freshness.is_current != Some(true) && age > STALE_AFTER;
    let mut degraded = Vec::new();
    if is_stale || freshness.is_current.is_none() {
        degraded.push("database");
    }
    if workers.iter().any(|worker| worker.state == WorkerState::Restarting) {
        degraded.push("workers");
    }
    let mut document = json!({
        "status": "ready", "catalogue_version": freshness.version, "catalogue_age_seconds": age.as_secs(),
        "workers": workers,
    });
    if is_stale {
        document["stale"] = true.into();
    }
    if !degraded.is_empty() {
        document["degraded"] = json!(degraded);
    }
    Ok(Json(document))
}
