//! Syncs over HTTP: asking for one. How it gets on and ends is told by `requests::api`.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::Entity;
use super::job::{SYNCS, SyncRequest};
use crate::error::Error;
use crate::http::auth::{Operator, Reader};
use crate::http::idempotency::idempotency_key;
use crate::http::json::JsonBody;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::jobs::api::{RunPath, accepted_response, cancel, document, find, list, run_response};
use crate::jobs::{self, Enqueued};

/// The routes of syncs.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/api/syncs", get(latest).post(ask))
        .route("/api/syncs/{run}", get(show).delete(cancel_run))
        .with_state(state)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SyncBody {
    /// As on the command line.
    entity: String,
    #[serde(default)]
    dry_run: bool,
    /// Administrate's ids.
    #[serde(default)]
    only: BTreeSet<String>,
    /// For all entities.
    #[serde(default)]
    skip_errors: bool,
}

async fn latest(_: Reader, State(state): State<ServerState>, address: Pairs) -> Result<Response, HttpProblem> {
    list(&state.pool, &SYNCS, address).await
}

/// `{"entity","dry_run","only"}` → 202 with `Location`.
async fn ask(
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
        let named = self.entity.trim().to_lowercase();
        let entity = match named.as_str() {
            "all" => None,
            name => Some(name.parse::<Entity>().map_err(|why| {
                let error = FieldError::new("/entity", "unknown_entity", format!("{why}, all"));
                HttpProblem::fields(vec![error]).as_status(StatusCode::UNPROCESSABLE_ENTITY)
            })?),
        };
        let SyncBody { dry_run, only, skip_errors, .. } = self;
        if skip_errors && entity.is_some() {
            let error =
                FieldError::new("/skip_errors", "invalid_value", "it goes on to the next entity: it is for all");
            return Err(HttpProblem::fields(vec![error]).as_status(StatusCode::UNPROCESSABLE_ENTITY));
        }
        let only: BTreeSet<String> = only.into_iter().map(|id| id.trim().to_owned()).collect();
        if only.contains("") {
            let error = FieldError::new("/only", "invalid_value", "an id is empty; leave only out for everything");
            return Err(HttpProblem::fields(vec![error]));
        }
        Ok(SyncRequest { entity, dry_run, only, skip_errors })
    }
}
