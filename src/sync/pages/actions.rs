//! What the forms of the pages do. Each calls what the command and the HTTP interface call, and leads to the next page.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::entity::Entity;
use super::super::job::SyncRequest;
use super::super::stored_plans;
use super::entity_form::EntityForm;
use super::entity_page::ALL;
use crate::http::problem::HttpProblem;
use crate::http::state::ServerState;
use crate::jobs::{Enqueued, JobRun};
use crate::web::flash::Flash;
use crate::web::problem::PageProblem;
use crate::web::run::{cancel_run, redirect_to_run};
use crate::web::visitor::{redirect, redirect_after};

/// Leads to the run that was requested, or says why there is none.
fn after(form: &EntityForm, enqueued: Result<Enqueued, impl Into<PageProblem>>) -> Response {
    let page = form.page();
    redirect_to_run(enqueued, |run| format!("{page}?run={run}"), &page)
}

/// Requests a run that needs no plan, or makes one.
pub(super) async fn request(state: &ServerState, form: &EntityForm, request: SyncRequest) -> Response {
    let request = SyncRequest { entity: form.entity, ..request };
    let requested: Result<Enqueued, HttpProblem> = async {
        stored_plans::check_direct(&state.config, &request)?;
        stored_plans::enqueue(&state.pool, &form.visitor.caller, &request, None).await
    }
    .await;
    after(form, requested)
}

/// Plans the sync of an entity.
pub(super) async fn plan(State(state): State<ServerState>, form: EntityForm) -> Response {
    request(&state, &form, SyncRequest { dry_run: true, ..SyncRequest::default() }).await
}

/// Returns the run whose number a form contains, if it is of this entity.
async fn run_of(state: &ServerState, form: &EntityForm) -> Result<JobRun, HttpProblem> {
    let number = form.fields.get("plan").parse().unwrap_or_default();
    let run = stored_plans::find_run(&state.pool, number).await?;
    match run.subject == form.entity.map_or(ALL, Entity::name) {
        true => Ok(run),
        false => Err(HttpProblem::new(StatusCode::NOT_FOUND, format!("run {number} is of {}", run.subject))),
    }
}

/// Applies a plan: all of it, or the records that are ticked.
pub(super) async fn apply(State(state): State<ServerState>, form: EntityForm) -> Response {
    let only: BTreeSet<String> = match form.fields.is_set("chosen") {
        true => form.fields.all("only").into_iter().map(str::to_owned).collect(),
        false => BTreeSet::new(),
    };
    if form.fields.is_set("chosen") && only.is_empty() {
        return redirect(&form.page_of_run(), &Flash::problem("Tick at least one change first."));
    }
    let applied: Result<Enqueued, HttpProblem> = async {
        let run = run_of(&state, &form).await?;
        let caller = &form.visitor.caller;
        let request = stored_plans::application(&state.pool, &state.config, caller, (&run, only)).await?;
        stored_plans::enqueue(&state.pool, caller, &request, None).await
    }
    .await;
    after(&form, applied)
}

/// Approves a plan that another login requested.
pub(super) async fn approve(State(state): State<ServerState>, form: EntityForm) -> Response {
    let approved: Result<String, HttpProblem> = async {
        let run = run_of(&state, &form).await?;
        stored_plans::approve(&state.pool, &form.visitor.caller, &run).await?;
        Ok("You approved this plan. Another login can apply it now.".to_owned())
    }
    .await;
    redirect_after(&form.page_of_run(), approved)
}

/// Cancels a run that has not ended.
pub(super) async fn cancel(State(state): State<ServerState>, form: EntityForm) -> Response {
    let cancelled = async { cancel_run(&state.pool, run_of(&state, &form).await?.id).await };
    redirect_after(&form.page_of_run(), cancelled.await)
}

/// Creates a record of Administrate locally.
pub(super) async fn create_local(State(state): State<ServerState>, form: EntityForm) -> Response {
    let only = BTreeSet::from([form.fields.get("external").to_owned()]);
    // Where a second person has to approve, the creation is a plan like every other.
    let dry_run = state.config.sync.second_person;
    request(&state, &form, SyncRequest { dry_run, only, create_local: true, ..SyncRequest::default() }).await
}

/// Creates a local record in Administrate.
pub(super) async fn create_remote(State(state): State<ServerState>, form: EntityForm) -> Response {
    let create_remote = BTreeSet::from([form.fields.get("local").parse().unwrap_or_default()]);
    let dry_run = state.config.sync.second_person;
    request(&state, &form, SyncRequest { dry_run, create_remote, ..SyncRequest::default() }).await
}
