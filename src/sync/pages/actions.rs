//! What the forms of the pages do. Each calls what the command and the HTTP interface call, and leads to the next page.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::super::conflicts::resolve::{ResolveRequest, resolve};
use super::super::conflicts::{FieldConflict, Winner};
use super::super::entity::Entity;
use super::super::job::SyncRequest;
use super::super::{overrides, stored_plans};
use super::entity_page::{ALL, parse};
use crate::bridges::overrides::{MatchOverride, OverrideKind};
use crate::error::Error;
use crate::gateway::{AuditMode, connect};
use crate::http::problem::HttpProblem;
use crate::http::state::ServerState;
use crate::identity::Caller;
use crate::jobs;
use crate::jobs::{Enqueued, JobRun};
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffOperator, redirect, redirect_after};

fn page_of(entity: Option<Entity>) -> String {
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

/// Saves a decision on which records belong together.
async fn save_decision(
    state: &ServerState,
    entity: Option<Entity>,
    kind: OverrideKind,
    form: &CsrfForm,
) -> Result<String, Error> {
    let entity = entity.ok_or_else(|| Error::Usage("open the page of one entity to link its records".into()))?;
    let given = |name: &str| Some(form.get(name).to_owned()).filter(|text| !text.is_empty());
    let mut db = state.pool.acquire().await?;
    let local = match given("local") {
        Some(name_or_id) => Some(overrides::find_local(&mut db, entity, &name_or_id).await?),
        None => None,
    };
    let external = given("external");
    let is_complete = match kind {
        OverrideKind::Ignore => local.is_some() || external.is_some(),
        OverrideKind::Link | OverrideKind::Unlink => local.is_some() && external.is_some(),
    };
    if !is_complete {
        return Err(Error::Usage("choose a record on both sides first".into()));
    }
    let name = local.as_ref().map(|record| record.name.clone()).or_else(|| given("name"));
    let entry = MatchOverride { entity: entity.name(), kind, local: local.map(|record| record.id), external };
    overrides::save_override(&mut db, entity, &entry).await.map_err(without_dry_run_hint)?;
    let name = name.or(entry.external).unwrap_or_default();
    Ok(match kind {
        OverrideKind::Link => format!("{name} is linked now. The next plan contains it."),
        OverrideKind::Unlink => format!("{name} is not linked any more."),
        OverrideKind::Ignore => format!("{name} is ignored from now on."),
    })
}

/// Says for the page what an id of a plan that was never applied means.
fn without_dry_run_hint(error: Error) -> Error {
    match error {
        Error::Usage(reason) if reason.contains("a dry run stores no ids") => {
            Error::Usage("this record of Administrate is not stored here yet: apply a plan first, then link it".into())
        }
        other => other,
    }
}

/// Returns where the page of the form was.
fn back(entity: Option<Entity>, form: &CsrfForm) -> String {
    match form.get("plan").parse::<i64>() {
        Ok(run) => format!("{}?run={run}#unmatched", page_of(entity)),
        Err(_) => page_of(entity),
    }
}

/// Links a local record with one of Administrate.
pub(super) async fn link(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    Path(name): Path<String>,
    form: CsrfForm,
) -> Response {
    decide_match(&visitor, &state, &name, OverrideKind::Link, &form).await
}

/// Ignores a record from now on.
pub(super) async fn ignore(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    Path(name): Path<String>,
    form: CsrfForm,
) -> Response {
    decide_match(&visitor, &state, &name, OverrideKind::Ignore, &form).await
}

async fn decide_match(
    visitor: &crate::web::visitor::Visitor,
    state: &ServerState,
    name: &str,
    kind: OverrideKind,
    form: &CsrfForm,
) -> Response {
    match parse(name) {
        Ok(entity) => redirect_after(&back(entity, form), save_decision(state, entity, kind, form).await),
        Err(problem) => visitor.problem(problem),
    }
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

/// Decides which value of an event wins. The worker delivers a local one.
pub(super) async fn decide(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    Path(name): Path<String>,
    form: CsrfForm,
) -> Response {
    let entity = match parse(&name) {
        Ok(entity) => entity,
        Err(problem) => return visitor.problem(problem),
    };
    let decided: Result<String, Error> = async {
        let wins = match form.get("wins") {
            "local" => Winner::Local,
            "remote" => Winner::Remote,
            _ => return Err(Error::Usage("choose one of the two values".into())),
        };
        let shown: Option<FieldConflict> = serde_json::from_str(form.raw("shown")).ok();
        let event = overrides::find_local(&mut *state.pool.acquire().await?, Entity::Events, form.get("event")).await?;
        let client = connect(&state.config, &state.pool, "sync decide", AuditMode::On).await?;
        let code = event.name.clone();
        let request = ResolveRequest { event, field: form.get("field").to_owned(), wins, shown };
        resolve(&state.pool, &client, &state.config, &request).await?;
        Ok(match wins {
            Winner::Local => format!("The value of Lectern is sent to Administrate: {code}, {}.", form.get("field")),
            Winner::Remote => format!("The value of Administrate is taken over: {code}, {}.", form.get("field")),
        })
    }
    .await;
    redirect_after(&back(entity, &form), decided)
}
