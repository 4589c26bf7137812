//! The state of every entity.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::super::entity::Entity;
use super::super::job::SYNCS;
use super::super::stored_plans::{self, WaitingPlan};
use crate::http::state::ServerState;
use crate::jobs;
use crate::jobs::JobRun;
use crate::runs;
use crate::web::document::{count, number};
use crate::web::format::ShownTime;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffVisitor, Visitor};

/// Runs among which the latest of each entity is looked for.
const RECENT: i64 = 200;

#[derive(Template)]
#[template(path = "syncs/list.html")]
struct SyncsPage {
    frame: Frame,
    rows: Vec<EntityRow>,
    runs: Vec<SyncRow>,
    needs_second_person: bool,
    waiting: Vec<WaitingRow>,
}

/// A plan that waits for the approval of a second person.
struct WaitingRow {
    run: i64,
    entity: String,
    what: String,
    planned_by: String,
}

/// An entity with its latest run.
struct EntityRow {
    name: &'static str,
    heading: String,
    tag: StateTag,
    succeeded: Option<ShownTime>,
    changed: String,
    errors: String,
    latest: Option<i64>,
}

/// A run of the list.
struct SyncRow {
    id: i64,
    entity: String,
    is_plan: bool,
    tag: StateTag,
    started: Option<ShownTime>,
    changed: String,
}

impl WaitingRow {
    fn new(plan: WaitingPlan) -> WaitingRow {
        let heading = plan.subject.parse().map_or_else(|_| "All reference data".to_owned(), Entity::heading);
        WaitingRow {
            run: plan.run,
            what: if plan.is_undo { format!("{heading}: undo") } else { heading },
            entity: plan.subject,
            planned_by: plan.planned_by.unwrap_or_else(|| "a program".to_owned()),
        }
    }
}

/// Returns how many rows a run changed.
pub(super) fn changes(run: &JobRun) -> i64 {
    let counts = run.document.as_ref().map(|document| document["counts"].clone()).unwrap_or_default();
    ["created", "updated", "pruned"].iter().map(|name| number(&counts[name])).sum()
}

pub(super) async fn show(StaffVisitor(visitor): StaffVisitor, State(state): State<ServerState>) -> Response {
    match render(&visitor, &state).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &ServerState) -> Result<SyncsPage, PageProblem> {
    let succeeded = runs::last_syncs(&state.pool).await?;
    let succeeded: HashMap<String, Option<String>> =
        succeeded.into_iter().map(|last| (last.entity, last.succeeded_at)).collect();
    let recent = jobs::latest(&state.pool, &SYNCS, None, RECENT).await?;
    let waiting = stored_plans::waiting(&state.pool, &state.config).await?;
    let clock = &visitor.clock;
    let row = |entity: Entity| {
        let latest = recent.iter().find(|run| run.subject == entity.name());
        let counts = latest.and_then(|run| run.document.as_ref()).map(|document| document["counts"].clone());
        let counts = counts.unwrap_or_default();
        EntityRow {
            name: entity.name(),
            heading: entity.heading(),
            tag: latest.map_or(StateTag::new("", "Never"), StateTag::of),
            succeeded: succeeded.get(entity.name()).and_then(|at| clock.time_of(at.as_ref())),
            changed: latest.map_or_else(|| "–".to_owned(), |run| count(&changes(run).into())),
            errors: count(&counts["errors"]),
            latest: latest.map(|run| run.id),
        }
    };
    let run = |run: &JobRun| SyncRow {
        id: run.id,
        entity: run.subject.clone(),
        is_plan: run.dry_run,
        tag: StateTag::of(run),
        started: clock.time(&run.started_at),
        changed: count(&changes(run).into()),
    };
    Ok(SyncsPage {
        frame: visitor.frame("Syncs", NavPlace::Syncs),
        rows: Entity::each().map(row).collect(),
        runs: recent.iter().take(20).map(run).collect(),
        needs_second_person: state.config.sync.second_person,
        waiting: waiting.into_iter().map(WaitingRow::new).collect(),
    })
}
