//! Syncs over HTTP: request, list, show and cancel; decisions on matches. [`jobs::api`](crate::jobs::api) reports their
//! progress.

mod decisions;

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use self::decisions::{decide, list_ignored};
use super::job::{SYNCS, SyncRequest};
use super::report::description::sync_run;
use super::{Entity, stored_plans};
use crate::http::auth::{Operator, Reader};
use crate::http::idempotency::idempotency_key;
use crate::http::json::JsonBody;
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::identity::Caller;
use crate::jobs::api::{PARAMETERS, RunPath, accepted_response, cancel, document, find, list, run_response};

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    vec![
        (Method::GET, "/api/syncs", PARAMETERS.to_vec()),
        (Method::POST, "/api/syncs", Vec::new()),
        (Method::GET, "/api/syncs/ignored", vec!["entity"]),
    ]
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(list_latest, enqueue, show, cancel_run, approve, decisions::decide, decisions::list_ignored))]
struct SyncRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    let part = ApiPart::of(&<SyncRoutes as utoipa::OpenApi>::openapi()).with_schema("SyncRun", sync_run());
    let part = decisions::schemas().into_iter().fold(part, |part, (name, schema)| part.with_schema(name, schema));
    part.with_schema(
        "PlanApproval",
        json!({
            "type": "object", "required": ["approver", "approved_at"],
            "properties": {
                "approver": { "type": ["string", "null"], "description": "Name of the login; null: not approved." },
                "approved_at": { "type": ["string", "null"], "format": "date-time" },
            },
        }),
    )
}

/// Returns the routes of syncs.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/api/syncs", get(list_latest).post(enqueue))
        .route("/api/syncs/decisions", post(decide))
        .route("/api/syncs/ignored", get(list_ignored))
        .route("/api/syncs/{run}", get(show).delete(cancel_run))
        .route("/api/syncs/{run}/approve", post(approve))
        .with_state(state)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SyncRequest)]
struct SyncBody {
    /// The name as on the command line, or `all`; may be left out with a plan.
    #[schema(example = "locations")]
    entity: Option<String>,
    /// Whether to plan only.
    #[serde(default)]
    dry_run: bool,
    /// Ids in Administrate; empty: all records.
    #[serde(default)]
    only: BTreeSet<String>,
    /// The run whose plan is applied, exactly as it was made: all of it, or the records of `only`.
    plan: Option<i64>,
    /// Whether to create local records for unmatched ones in Administrate, all or those of `only`.
    #[serde(default)]
    create_local: bool,
    /// Ids of unmatched local records that are created in Administrate; nothing else is done then.
    #[serde(default)]
    create_remote: BTreeSet<i64>,
    /// The run of one entity to undo; nothing else is done then.
    undo: Option<i64>,
    /// Whether to undo later runs that depend on it too. Allowed only with `undo`.
    #[serde(default)]
    cascade: bool,
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
    let request = match (body.plan, body.undo) {
        (Some(plan), _) => body.application(&state, &caller, plan).await?,
        (None, Some(run)) => body.undo(&state, &caller, run).await?,
        (None, None) => body.request()?,
    };
    stored_plans::check_direct(&state.config, &request)?;
    accepted_response(stored_plans::enqueue(&state.pool, &caller, &request, key).await?, &SYNCS)
}

/// Approve a plan.
///
/// Where `[sync] second_person` is set, a plan is applied only after another login than the one that requested it approved it.
#[utoipa::path(
    post, path = "/api/syncs/{run}/approve", operation_id = "approveSync", tag = "syncs",
    responses(
        (status = 200, description = "The approval.", body = ref("#/components/schemas/PlanApproval")),
        (status = 403, description = "The caller requested the plan, or is a token."),
        (status = 409, description = "The run has no plan.")
    )
)]
async fn approve(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    run: RunPath,
) -> Result<Response, HttpProblem> {
    let run = find(&state.pool, &SYNCS, run).await?;
    let approval = stored_plans::approve(&state.pool, &caller, &run).await?;
    Ok(Json(approval).into_response())
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
    let mut document = document(&stored, &SYNCS, None);
    if let Some(approval) = stored_plans::approval(&state.pool, stored.id).await? {
        document["approval"] = json!(approval);
    }
    Ok(run_response(&headers, &stored, document))
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
    /// Returns the request that applies a plan.
    async fn application(self, state: &ServerState, caller: &Caller, plan: i64) -> Result<SyncRequest, HttpProblem> {
        let invalid = |pointer: &str, message: &str| {
            let error = FieldError::new(pointer, "invalid_value", message);
            HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY)
        };
        let run = stored_plans::find_run(&state.pool, plan)
            .await
            .map_err(|_| invalid("/plan", "there is no such run: give the run_id of a dry run"))?;
        if self.entity.as_ref().is_some_and(|entity| *entity != run.subject) {
            let message = format!("the plan is of {}: leave entity out", run.subject);
            return Err(invalid("/entity", &message));
        }
        if self.dry_run || self.undo.is_some() || self.has_options() {
            return Err(invalid("/plan", "a plan is applied as it was made: only `only` may be given with it"));
        }
        stored_plans::application(&state.pool, &state.config, caller, (&run, self.only)).await
    }

    /// Reports whether there are options that only a sync of its own has.
    fn has_options(&self) -> bool {
        self.create_local || self.skip_errors || self.cascade || !self.create_remote.is_empty()
    }

    /// Returns the request that undoes a run, or plans it.
    async fn undo(self, state: &ServerState, caller: &Caller, run: i64) -> Result<SyncRequest, HttpProblem> {
        let invalid = |pointer: &str, message: &str| {
            let error = FieldError::new(pointer, "invalid_value", message);
            HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY)
        };
        let undone = stored_plans::find_run(&state.pool, run)
            .await
            .map_err(|_| invalid("/undo", "there is no such run: give the run_id of a sync"))?;
        let entity: Entity = undone.subject.parse().map_err(|_| {
            invalid("/undo", "a sync of all has a run for each entity: give the run_id of one of its reports")
        })?;
        if self.entity.as_ref().is_some_and(|name| *name != undone.subject) {
            return Err(invalid("/entity", &format!("the run is of {}: leave entity out", undone.subject)));
        }
        let SyncBody { dry_run, cascade, .. } = self;
        if !self.only.is_empty() || (SyncBody { cascade: false, ..self }).has_options() {
            return Err(invalid(
                "/undo",
                "a run is undone as a whole: only `cascade` and `dry_run` may be given with it",
            ));
        }
        Ok(SyncRequest {
            entity: Some(entity),
            dry_run,
            undo: Some(run),
            cascade,
            actor: Some(caller.name.clone()),
            ..SyncRequest::default()
        })
    }

    fn request(self) -> Result<SyncRequest, HttpProblem> {
        if self.cascade {
            let error = FieldError::new("/cascade", "invalid_value", "cascade works only with undo: leave it out");
            return Err(HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY));
        }
        let missing = || FieldError::new("/entity", "missing_value", "the field is missing");
        let name = self.entity.as_deref().ok_or_else(|| HttpProblem::fields(missing()))?;
        let entity = match name.trim().to_lowercase().as_str() {
            "all" => None,
            name => Some(name.parse::<Entity>().map_err(|reason| {
                let error = FieldError::new("/entity", "unknown_entity", format!("{reason}, all"));
                HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY)
            })?),
        };
        let SyncBody { dry_run, only, skip_errors, create_local, create_remote, .. } = self;
        check_creations(entity, create_local, &create_remote)?;
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
        let more = SyncRequest { create_local, create_remote, ..SyncRequest::default() };
        Ok(SyncRequest { entity, dry_run, only, skip_errors, ..more })
    }
}

/// Checks that records of an entity can be created.
fn check_creations(entity: Option<Entity>, local: bool, remote: &BTreeSet<i64>) -> Result<(), HttpProblem> {
    let invalid = |pointer: &str, message: &str| {
        let error = FieldError::new(pointer, "invalid_value", message);
        Err(HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY))
    };
    if local && entity == Some(Entity::Events) {
        return invalid("/create_local", "local events come from a timetable: import it");
    }
    if !remote.is_empty() && !entity.is_some_and(Entity::can_be_created) {
        return invalid("/create_remote", "only locations, venues, instructors and course templates can be created");
    }
    Ok(())
}
