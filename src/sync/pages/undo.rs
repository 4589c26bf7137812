//! The undo of a run: what it would change, then the undo itself.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use sqlx::PgPool;

use super::super::entity::Entity;
use super::super::job::SyncRequest;
use super::super::report::Report;
use super::super::undo::report::UndoneRun;
use super::super::undo::{SyncUndo, UndoMode, undo};
use super::actions;
use super::entity_form::EntityForm;
use super::entity_page::parse;
use super::names::ReportNames;
use super::report_view::{ChangeRow, ReportView};
use crate::error::Error;
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::web::flash::Flash;
use crate::web::format::{plural, sentence};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffVisitor, Visitor, redirect};

#[derive(Template)]
#[template(path = "syncs/undo.html")]
struct SyncUndoPage {
    frame: Frame,
    name: &'static str,
    heading: String,
    run: i64,
    is_cascade: bool,
    /// Why the run cannot be undone.
    problem: Option<String>,
    /// Later runs that have to be undone with it.
    later: Vec<String>,
    /// What is undone, the latest run first.
    undone: Vec<UndoneView>,
    needs_second_person: bool,
}

/// A run that is undone.
struct UndoneView {
    /// What happens in words.
    summary: String,
    changes: Vec<ChangeRow>,
    /// Changes that are not shown.
    hidden: usize,
    /// Local records that are deleted.
    removed: Vec<String>,
    /// Local records that stay because they are in use, with the reason.
    retained: Vec<(String, String)>,
}

impl UndoneView {
    async fn load(pool: &PgPool, (run, report): (&UndoneRun, &Report)) -> Result<UndoneView, Error> {
        let document = serde_json::to_value(report).unwrap_or_default();
        let names = ReportNames::load(pool, Some(report.entity), &document).await?;
        let view = ReportView::new(&document, None, &names);
        Ok(UndoneView {
            summary: sentence(&run.to_string()),
            hidden: view.part.total - view.changes.len(),
            changes: view.changes,
            removed: report.removed_local.iter().map(|record| record.name.clone()).collect(),
            retained: report.retained_local.iter().map(|record| (record.name.clone(), record.reason.clone())).collect(),
        })
    }
}

/// Returns the entity and the run of an address or form.
fn target(entity: Option<Entity>, run: &str) -> Result<(Entity, i64), PageProblem> {
    let entity = entity.ok_or_else(|| {
        PageProblem::not_found("a sync of all has a run for each entity: open the run of one entity to undo it")
    })?;
    let run = run.parse().map_err(|_| PageProblem::not_found("the address names no run: open one from the list"))?;
    Ok((entity, run))
}

pub(super) async fn show(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<ServerState>,
    Path(name): Path<String>,
    address: Pairs,
) -> Response {
    match render(&visitor, &state, &name, address).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(
    visitor: &Visitor,
    state: &ServerState,
    name: &str,
    address: Pairs,
) -> Result<SyncUndoPage, PageProblem> {
    let address = Address::of(address)?;
    let (entity, run) = target(parse(name)?, address.get("run"))?;
    let is_cascade = address.get("with") == "later";
    let request =
        SyncUndo { run, cascade: is_cascade, mode: UndoMode::DryRun, in_run: None, actor: Some(&visitor.caller.name) };
    let (report, problem) = match undo(&state.pool, request).await {
        Ok(report) => {
            let problem = report.nothing.clone();
            (Some(report), problem)
        }
        Err(error @ Error::NeedsAttention(_)) => (None, Some(PageProblem::from(error).detail)),
        Err(Error::Usage(reason)) => return Err(PageProblem::not_found(reason)),
        Err(error) => return Err(error.into()),
    };
    let later = report.as_ref().map(|report| report.blocked_by.iter().map(ToString::to_string).collect());
    let mut undone = Vec::new();
    for one in report.iter().flat_map(|report| report.undone.iter().zip(&report.reports)) {
        undone.push(UndoneView::load(&state.pool, one).await?);
    }
    Ok(SyncUndoPage {
        frame: visitor.frame(format!("Undo run {run}"), NavPlace::Syncs),
        name: entity.name(),
        heading: entity.heading(),
        run,
        is_cascade,
        problem,
        later: later.unwrap_or_default(),
        undone,
        needs_second_person: state.config.sync.second_person,
    })
}

/// Undoes a run, with the later runs that the page has shown. Where a second person has to approve, the undo is a plan first.
pub(super) async fn execute(State(state): State<ServerState>, form: EntityForm) -> Response {
    let visitor = &form.visitor;
    let (entity, run) = match target(form.entity, form.fields.get("run")) {
        Ok(found) => found,
        Err(problem) => return visitor.problem(problem),
    };
    let cascade = form.fields.is_set("later");
    if state.config.sync.second_person {
        let undo = SyncRequest { dry_run: true, undo: Some(run), cascade, ..SyncRequest::default() };
        return actions::request(&state, &form, undo).await;
    }
    let page = format!("/syncs/{}/undo?run={run}{}", entity.name(), if cascade { "&with=later" } else { "" });
    let request = SyncUndo { run, cascade, mode: UndoMode::Write, in_run: None, actor: Some(&visitor.caller.name) };
    match undo(&state.pool, request).await {
        Ok(report) if report.is_possible() => {
            let undone = plural(report.undone.len() as i64, "run");
            let by: Vec<String> = report.undone.iter().filter_map(|one| one.run_id).map(|id| id.to_string()).collect();
            let text = format!("{undone} undone, by run {}, which can be undone too.", by.join(" and run "));
            redirect(&format!("/syncs/{}?run={run}", entity.name()), &Flash::done(text))
        }
        // The page says what prevents it.
        Ok(_) => redirect(&page, &Flash::problem("nothing was undone")),
        Err(error) => redirect(&page, &Flash::problem(PageProblem::from(error).detail)),
    }
}
