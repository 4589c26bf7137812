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

async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

async fn ready(State(state): State<HealthState>, address: Pairs) -> Result<Json<Value>, HttpProblem> {
    let unavailable = |detail: String| Err(HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    let for_write = pairs(address)?.iter().any(|(name, value)| name == "for" && value == "write");
    let freshness = state.follower.freshness(DATABASE_TIMEOUT).await;
    let Some(age) = freshness.age else {
        return unavailable(
            "the catalogue is not loaded yet: the database does not respond, or a table is locked".into(),
        );
    };
    if for_write && freshness.database_version.is_none() {
        return unavailable("the database does not respond".into());
    }
    if age > MAX_AGE {
        return unavailable(format!(
            "the catalogue was last up to date {} seconds ago: the database does not respond, or a table is locked",
            age.as_secs()
        ));
    }
    let workers = state.workers.statuses();
    let is_stale = freshness.database_version != Some(freshness.version) && age > STALE_AFTER;
    let mut degraded = Vec::new();
    if is_stale || freshness.database_version.is_none() {
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
