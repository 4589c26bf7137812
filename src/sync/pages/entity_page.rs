//! The page of one entity, or of the sync of all: its latest run, or the one that the address names.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::Value;

use super::super::entity::Entity;
use super::super::job::SYNCS;
use super::super::stored_plans;
use super::chart::{self, RunChart};
use super::names::{IgnoredRow, ReportNames};
use super::plan_kind::{PlanKind, undone};
use super::report_view::{ReportView, SyncFact, can_be_linked};
use crate::error::Exit;
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::jobs::{self, JobRun};
use crate::web::document::{list, number, optional, text};
use crate::web::format::{ShownTime, thousands};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffVisitor, Visitor};

/// Runs among which those of an entity are looked for.
const RECENT: i64 = 500;

/// The name of the sync of all entities in addresses.
pub(super) const ALL: &str = "all";

#[derive(Template)]
#[template(path = "syncs/entity.html")]
struct SyncPage {
    frame: Frame,
    name: String,
    heading: String,
    run: Option<ShownRun>,
    chart: RunChart,
    can_create: bool,
    /// Whether a creation is a plan first, which a second person approves.
    needs_second_person: bool,
    ignored: Vec<IgnoredRow>,
    can_link: bool,
}

/// The run that the page shows.
struct ShownRun {
    id: i64,
    tag: StateTag,
    started: Option<ShownTime>,
    is_plan: bool,
    is_open: bool,
    can_cancel: bool,
    error: Option<String>,
    report: ReportView,
    entities: Vec<EntitySummary>,
    /// Number of changes that could be applied; 0 for a run that is no plan.
    applicable: i64,
    /// Whether this visitor may apply the plan now.
    may_apply: bool,
    can_undo: bool,
    /// Whether nothing is left to apply or to decide.
    has_nothing_open: bool,
    approval: ApprovalView,
    kind: PlanKind,
    /// The runs that an undo takes back, in words.
    undone: Vec<String>,
    /// Where every change of an undo is shown.
    undo_path: String,
}

/// The entities of a sync of all.
struct EntitySummary {
    path: String,
    heading: String,
    tag: StateTag,
    facts: Vec<SyncFact>,
    message: String,
}

/// Whether a plan may be applied by this visitor.
struct ApprovalView {
    is_required: bool,
    approver: Option<String>,
    approved: Option<ShownTime>,
    is_own_plan: bool,
    is_own_approval: bool,
}

/// Reads the entity of an address; `None` inside means all.
pub(super) fn parse(name: &str) -> Result<Option<Entity>, PageProblem> {
    match name {
        ALL => Ok(None),
        name => name.parse().map(Some).map_err(PageProblem::not_found),
    }
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

async fn render(visitor: &Visitor, state: &ServerState, name: &str, address: Pairs) -> Result<SyncPage, PageProblem> {
    let (entity, address) = (parse(name)?, Address::of(address)?);
    let name = entity.map_or(ALL, Entity::name);
    let recent = jobs::latest(&state.pool, &SYNCS, None, RECENT).await?;
    let runs: Vec<&JobRun> = recent.iter().filter(|run| run.subject == name).collect();
    let chosen = address.number("run").or_else(|| runs.first().map(|run| run.id));
    let run = match chosen {
        Some(id) => Some(stored_plans::find_run(&state.pool, id).await?),
        None => None,
    };
    if let Some(run) = run.as_ref().filter(|run| run.subject != name) {
        return Err(PageProblem::not_found(format!("run {} is a sync of {}", run.id, run.subject)));
    }
    let applied: Vec<&JobRun> = runs.iter().copied().filter(|run| !run.dry_run).collect();
    let document = run.as_ref().and_then(|run| run.document.clone()).unwrap_or_default();
    let names = ReportNames::load(&state.pool, entity, &document).await?;
    let shown = match &run {
        Some(run) => Some(shown_run(visitor, state, run, (&document, &names, address.number("part"))).await?),
        None => None,
    };
    let ignored = names.ignored();
    let heading = entity.map_or_else(|| "All reference data".to_owned(), Entity::heading);
    let is_open = shown.as_ref().is_some_and(|run| run.is_open);
    let frame = visitor.frame(format!("Sync of {}", heading.to_lowercase()), NavPlace::Syncs);
    Ok(SyncPage {
        frame: Frame { refresh: if is_open { 2 } else { 0 }, ..frame },
        name: name.to_owned(),
        heading,
        chart: chart::view(&applied, &visitor.clock),
        run: shown,
        can_create: entity.is_some_and(Entity::can_be_created),
        needs_second_person: state.config.sync.second_person,
        ignored,
        can_link: can_be_linked(entity),
    })
}

async fn shown_run(
    visitor: &Visitor,
    state: &ServerState,
    run: &JobRun,
    (document, names, part): (&Value, &ReportNames, Option<i64>),
) -> Result<ShownRun, PageProblem> {
    let approval = stored_plans::approval(&state.pool, run.id).await?;
    let login = visitor.caller.login_id;
    let is_plan = run.dry_run && approval.is_some() && run.exit_code != Some(Exit::Failed as i32);
    let is_own = |other: Option<i64>| login.is_some() && login == other;
    let approval = ApprovalView {
        is_required: state.config.sync.second_person,
        is_own_plan: approval.as_ref().is_some_and(|known| is_own(known.planned_by)),
        is_own_approval: approval.as_ref().is_some_and(|known| is_own(known.approved_by)),
        approved: approval.as_ref().and_then(|known| visitor.clock.time_of(known.approved_at.as_ref())),
        approver: approval.and_then(|known| known.approver),
    };
    let kind = PlanKind::of(run, document);
    let applicable = if is_plan { kind.changes(document) } else { 0 };
    let is_approved = !approval.is_required || (approval.approver.is_some() && !approval.is_own_approval);
    let has_written =
        run.exit_code.is_some_and(|code| [Exit::Done as i32, Exit::NeedsAttention as i32].contains(&code));
    let report = ReportView::new(document, part, names);
    let report = if run.dry_run && !kind.is_sync() { report.without_matches() } else { report };
    let entities: Vec<EntitySummary> = list(&document["reports"]).map(entity_summary).collect();
    Ok(ShownRun {
        has_nothing_open: report.has_nothing_open() && entities.iter().all(|entity| entity.tag.tone == "good"),
        id: run.id,
        tag: StateTag::of(run),
        started: visitor.clock.time(&run.started_at),
        is_plan: run.dry_run,
        is_open: run.finished_at.is_none(),
        can_cancel: run.requested && !run.cancelled,
        error: optional(&document["error"]),
        report,
        entities,
        undone: undone(document),
        undo_path: kind.undo_path(document),
        kind,
        applicable,
        may_apply: applicable > 0 && is_approved && visitor.can_write(),
        can_undo: !run.dry_run && has_written && run.subject != ALL && visitor.can_write(),
        approval,
    })
}

fn entity_summary(report: &Value) -> EntitySummary {
    let name = text(&report["entity"]);
    let heading = name.parse::<Entity>().map_or_else(|_| name.clone(), Entity::heading);
    let path = match report["run_id"].as_i64() {
        Some(run) => format!("/syncs/{name}?run={run}"),
        None => format!("/syncs/{name}"),
    };
    if report["not_run"] == true {
        let tag = StateTag::new("warn", "Not run");
        return EntitySummary { path, heading, tag, facts: Vec::new(), message: String::new() };
    }
    let counts = &report["counts"];
    let fact = |(label, key): (&'static str, &str)| SyncFact { name: label, value: thousands(number(&counts[key])) };
    let has_errors = number(&counts["errors"]) > 0;
    let needs_choice = ["unmatched_local", "unmatched_remote", "ambiguous"];
    let open: usize = needs_choice.iter().map(|key| list(&report[key]).count()).sum();
    EntitySummary {
        tag: match (has_errors, open) {
            (true, _) => StateTag::new("bad", "Errors"),
            (false, 0) => StateTag::new("good", "Matched"),
            (false, _) => StateTag::new("warn", "Unmatched records"),
        },
        facts: [("new", "created"), ("changed", "updated"), ("unchanged", "unchanged")].into_iter().map(fact).collect(),
        message: list(&report["errors"]).next().map(|error| text(&error["message"])).unwrap_or_default(),
        path,
        heading,
    }
}
