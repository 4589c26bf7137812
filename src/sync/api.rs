//! Syncs over HTTP: request, list, show and cancel. [`jobs::api`](crate::jobs::api) reports their progress.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::Entity;
use super::job::{SYNCS, SyncRequest};
use crate::error::Error;
use crate::http::auth::{Operator, Reader};
use crate::http::idempotency::idempotency_key;
use crate::http::json::JsonBody;
use crate::http::parameters::RouteParameters;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::jobs::api::{PARAMETERS, RunPath, accepted_response, cancel, document, find, list, run_response};
use crate::jobs::{self, Enqueued};

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    vec![(Method::GET, "/api/syncs", PARAMETERS.to_vec()), (Method::POST, "/api/syncs", Vec::new())]
}

/// Returns the routes of syncs.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/api/syncs", get(list_latest).post(enqueue))
        .route("/api/syncs/{run}", get(show).delete(cancel_run))
        .with_state(state)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SyncBody {
    /// The name as on the command line, or `all`.
    entity: String,
    #[serde(default)]
    dry_run: bool,
    /// Ids in Administrate; empty: all records.
    #[serde(default)]
    only: BTreeSet<String>,
    /// Allowed only with `all`.
    #[serde(default)]
    skip_errors: bool,
}

async fn list_latest(_: Reader, State(state): State<ServerState>, query: Pairs) -> Result<Response, HttpProblem> {
    list(&state.pool, &SYNCS, query).await
}

/// Enqueues a sync: `{"entity","dry_run","only","skip_errors"}` → 202 with `Location`.
async fn enqueue(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SyncBody>,
) -> Result<Response, HttpProblem> {
    let key = idempotency_key(&headers)?;
    let job = body.request()?.job()?;
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let enqueued = jobs::enqueue(&mut transaction, &caller, &job, key, &[]).await?;
    if matches!(enqueued, Enqueued::New(_)) {
        transaction.commit().await.map_err(Error::from)?;
    }
    accepted_response(enqueued, &SYNCS)
}

async fn show(
    _: Reader,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: RunPath,
) -> Result<Response, HttpProblem> {
    let stored = find(&state.pool, &SYNCS, run).await?;
    Ok(run_response(&headers, &stored, document(&stored, &SYNCS, None)))
}

async fn cancel_run(
    _: Operator,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: RunPath,
) -> Result<Response, HttpProblem> {
    let stored = find(&state.pool, &SYNCS, run).await?;
    let document = document(&stored, &SYNCS, None);
    cancel(&state.pool, &headers, &SYNCS, stored, &document).await
}

impl SyncBody {
    fn request(self) -> Result<SyncRequest, HttpProblem> {
        let entity = match self.entity.trim().to_lowercase().as_str() {
            "all" => None,
            name => Some(name.parse::<Entity>().map_err(|reason| {
                let error = FieldError::new("/entity", "unknown_entity", format!("{reason}, all"));
                HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY)
            })?),
        };
        let SyncBody { dry_run, only, skip_errors, .. } = self;
        if skip_errors && entity.is_some() {
            let error = FieldError::new(
                "/skip_errors",
                "invalid_value",
                "skip_errors works only with the entity all: leave it out",
            );
            return Err(HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY));
        }
        let only: BTreeSet<String> = only.into_iter().map(|id| id.trim().to_owned()).collect();
        if only.contains("") {
            let error =
                FieldError::new("/only", "invalid_value", "an id is empty: leave only out to synchronise all records");
            return Err(HttpProblem::fields(error));
        }
        Ok(SyncRequest { entity, dry_run, only, skip_errors })
    }
}
