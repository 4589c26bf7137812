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
use super::report::description::sync_run;
use crate::error::Error;
use crate::http::auth::{Operator, Reader};
use crate::http::idempotency::idempotency_key;
use crate::http::json::JsonBody;
use crate::http::openapi::ApiPart;
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

#[derive(utoipa::OpenApi)]
#[openapi(paths(list_latest, enqueue, show, cancel_run))]
struct SyncRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    ApiPart::of(&<SyncRoutes as utoipa::OpenApi>::openapi()).with_schema("SyncRun", sync_run())
}

/// Returns the routes of syncs.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/api/syncs", get(list_latest).post(enqueue))
        .route("/api/syncs/{run}", get(show).delete(cancel_run))
        .with_state(state)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SyncRequest)]
struct SyncBody {
    /// The name as on the command line, or `all`.
    #[schema(example = "locations")]
    entity: String,
    /// Whether to plan only.
    #[serde(default)]
    dry_run: bool,
    /// Ids in Administrate; empty: all records.
    #[serde(default)]
    only: BTreeSet<String>,
    /// Whether to go on after an entity that failed. Allowed only with `all`.
    #[serde(default)]
    skip_errors: bool,
}

/// List syncs, latest first.
#[utoipa::path(
    get, path = "/api/syncs", operation_id = "listSyncs", tag = "syncs",
    params(
        ("limit" = Option<i64>, Query, description = "Runs of a page, at most 200.", minimum = 1),
        ("cursor" = Option<i64>, Query, description = "`next_cursor` of the page before.", minimum = 1)
    ),
    responses((status = 200, description = "One page of runs.", body = ref("#/components/schemas/RunList")))
)]
async fn list_latest(_: Reader, State(state): State<ServerState>, query: Pairs) -> Result<Response, HttpProblem> {
    list(&state.pool, &SYNCS, query).await
}

/// Request a sync.
///
/// The worker of `lectern serve` executes it. `Location` is the address of the run.
#[utoipa::path(
    post, path = "/api/syncs", operation_id = "createSync", tag = "syncs", request_body = SyncBody,
    responses((
        status = 202, description = "The run is queued.", body = ref("#/components/schemas/QueuedRun"),
        headers(("Location" = String, description = "Address of the run."))
    ))
)]
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

/// Read a sync.
///
/// Returns the document that the command prints with `--json`, and the progress of the run.
#[utoipa::path(
    get, path = "/api/syncs/{run}", operation_id = "getSync", tag = "syncs",
    responses(
        (status = 200, description = "The run has ended.", body = ref("#/components/schemas/SyncRun"),
         headers(("ETag" = String, description = "Version of the document."))),
        (status = 202, description = "The run has not ended.", body = ref("#/components/schemas/SyncRun"))
    )
)]
async fn show(
    _: Reader,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: RunPath,
) -> Result<Response, HttpProblem> {
    let stored = find(&state.pool, &SYNCS, run).await?;
    Ok(run_response(&headers, &stored, document(&stored, &SYNCS, None)))
}

/// Cancel a sync.
///
/// A queued run does not start; a running one ends between two steps.
#[utoipa::path(
    delete, path = "/api/syncs/{run}", operation_id = "cancelSync", tag = "syncs",
    responses(
        (status = 202, description = "The run is cancelled.", body = ref("#/components/schemas/QueuedRun")),
        (status = 409, description = ""), (status = 412, description = "")
    )
)]
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
