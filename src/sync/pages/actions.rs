//! What the forms of the pages do. Each calls what the command and the HTTP interface call, and leads to the next page.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::super::entity::Entity;
use super::super::job::SyncRequest;
use super::super::stored_plans;
use super::entity_page::{ALL, parse};
use crate::http::problem::HttpProblem;
use crate::http::state::ServerState;
use crate::identity::Caller;
use crate::jobs;
use crate::jobs::{Enqueued, JobRun};
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffOperator, redirect, redirect_after};

pub(super) fn page_of(entity: Option<Entity>) -> String {
    format!("/syncs/{}", entity.map_or(ALL, Entity::name))
}

/// Leads to the run that was requested, or says why there is none.
fn after(entity: Option<Entity>, enqueued: Result<Enqueued, PageProblem>) -> Response {
    let page = page_of(entity);
    match enqueued {
        Ok(Enqueued::New(run) | Enqueued::Known(run)) => Redirect::to(&format!("{page}?run={run}")).into_response(),
        Ok(Enqueued::KeyConflict) => redirect(&page, &Flash::problem("Send the form again.")),
        Err(problem) => redirect(&page, &Flash::problem(problem.detail)),
    }
}

async fn request(state: &ServerState, caller: &Caller, request: &SyncRequest) -> Result<Enqueued, PageProblem> {
    stored_plans::check_direct(&state.config, request)?;
    Ok(stored_plans::enqueue(&state.pool, caller, request, None).await?)
}

/// Plans the sync of an entity.
pub(super) async fn plan(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    Path(name): Path<String>,
    _form: CsrfForm,
) -> Response {
    let entity = match parse(&name) {
        Ok(entity) => entity,
        Err(problem) => return visitor.problem(problem),
    };
    let planned = SyncRequest { entity, dry_run: true, ..SyncRequest::default() };
    after(entity, request(&state, &visitor.caller, &planned).await)
}

/// Returns the run whose number a form contains, if it is of this entity.
async fn run_of(state: &ServerState, entity: Option<Entity>, form: &CsrfForm) -> Result<JobRun, HttpProblem> {
    let number = form.get("plan").parse().unwrap_or_default();
    let run = stored_plans::find_run(&state.pool, number).await?;
    match run.subject == entity.map_or(ALL, Entity::name) {
        true => Ok(run),
        false => Err(HttpProblem::new(StatusCode::NOT_FOUND, format!("run {number} is of {}", run.subject))),
    }
}

/// Applies a plan: all of it, or the records that are ticked.
pub(super) async fn apply(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    Path(name): Path<String>,
    form: CsrfForm,
) -> Response {
    let entity = match parse(&name) {
        Ok(entity) => entity,
        Err(problem) => return visitor.problem(problem),
    };
    let only: BTreeSet<String> = form.all("only").into_iter().map(str::to_owned).collect();
    if form.is_set("chosen") && only.is_empty() {
        let back = format!("{}?run={}", page_of(entity), form.get("plan"));
        return redirect(&back, &Flash::problem("Tick at least one change first."));
    }
    let only = if form.is_set("chosen") { only } else { BTreeSet::new() };
    let applied = async {
        let run = run_of(&state, entity, &form).await?;
        let request = stored_plans::application(&state.pool, &state.config, &visitor.caller, (&run, only)).await?;
        stored_plans::enqueue(&state.pool, &visitor.caller, &request, None).await
    };
    let applied: Result<Enqueued, HttpProblem> = applied.await;
    after(entity, applied.map_err(PageProblem::from))
}

/// Approves a plan that another login requested.
pub(super) async fn approve(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    Path(name): Path<String>,
    form: CsrfForm,
) -> Response {
    let entity = match parse(&name) {
        Ok(entity) => entity,
        Err(problem) => return visitor.problem(problem),
    };
    let approved: Result<String, HttpProblem> = async {
        let run = run_of(&state, entity, &form).await?;
        stored_plans::approve(&state.pool, &visitor.caller, &run).await?;
        Ok("You approved this plan. Another login can apply it now.".to_owned())
    }
    .await;
    redirect_after(&format!("{}?run={}", page_of(entity), form.get("plan")), approved)
}

/// Cancels a run that has not ended.
pub(super) async fn cancel(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    Path(name): Path<String>,
    form: CsrfForm,
) -> Response {
    let entity = match parse(&name) {
        Ok(entity) => entity,
        Err(problem) => return visitor.problem(problem),
    };
    let cancelled: Result<String, HttpProblem> = async {
        let run = run_of(&state, entity, &form).await?;
        match jobs::cancel(&state.pool, run.id).await? {
            true => Ok("It ends before its next step.".to_owned()),
            false => Err(HttpProblem::new(StatusCode::CONFLICT, "it has ended already, or a command executes it")),
        }
    }
    .await;
    redirect_after(&format!("{}?run={}", page_of(entity), form.get("plan")), cancelled)
}

/// Creates a record of Administrate locally.
pub(super) async fn create_local(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    Path(name): Path<String>,
    form: CsrfForm,
) -> Response {
    let entity = match parse(&name) {
        Ok(entity) => entity,
        Err(problem) => return visitor.problem(problem),
    };
    let only = BTreeSet::from([form.get("external").to_owned()]);
    // Where a second person has to approve, the creation is a plan like every other.
    let dry_run = state.config.sync.second_person;
    let creation = SyncRequest { entity, dry_run, only, create_local: true, ..SyncRequest::default() };
    after(entity, request(&state, &visitor.caller, &creation).await)
}

/// Creates a local record in Administrate.
pub(super) async fn create_remote(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    Path(name): Path<String>,
    form: CsrfForm,
) -> Response {
    let entity = match parse(&name) {
        Ok(entity) => entity,
        Err(problem) => return visitor.problem(problem),
    };
    let create_remote = BTreeSet::from([form.get("local").parse().unwrap_or_default()]);
    let creation = SyncRequest { entity, create_remote, ..SyncRequest::default() };
    after(entity, request(&state, &visitor.caller, &creation).await)
}
