//! The list of imports, with the form that uploads a workbook.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::job::IMPORTS;
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::jobs;
use crate::jobs::JobRun;
use crate::web::document;
use crate::web::format::{Clock, ShownTime};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffVisitor, Visitor};

/// Runs of one part of the list.
const PART: i64 = 50;

#[derive(Template)]
#[template(path = "imports/list.html")]
pub(super) struct ImportsPage {
    frame: Frame,
    runs: Vec<ImportRow>,
    /// Where the next part begins; none at the end.
    next: Option<i64>,
    is_first: bool,
    /// Why the upload was refused.
    problem: Option<String>,
    megabytes: u64,
}

/// A run of the list.
struct ImportRow {
    id: i64,
    file: String,
    is_plan: bool,
    tag: StateTag,
    started: Option<ShownTime>,
    created: String,
    updated: String,
    unchanged: String,
    rejected: String,
}

impl ImportRow {
    fn new(run: &JobRun, clock: &Clock) -> ImportRow {
        let counts = run.document.as_ref().map(|document| document["counts"].clone()).unwrap_or_default();
        ImportRow {
            id: run.id,
            file: run.subject.clone(),
            is_plan: run.dry_run,
            tag: StateTag::of(run),
            started: clock.time(&run.started_at),
            created: document::count(&counts["created"]),
            updated: document::count(&counts["updated"]),
            unchanged: document::count(&counts["unchanged"]),
            rejected: document::count(&counts["rejected"]),
        }
    }
}

pub(super) async fn show(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<ServerState>,
    address: Pairs,
) -> Response {
    let page = match Address::of(address) {
        Ok(address) => render(&visitor, &state, address.number("before"), None).await,
        Err(problem) => Err(problem),
    };
    match page {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

/// Responds with the list and what was wrong with an upload.
pub(super) async fn refused(visitor: &Visitor, state: &ServerState, status: StatusCode, problem: String) -> Response {
    match render(visitor, state, None, Some(problem)).await {
        Ok(page) => visitor.page_with(status, &page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(
    visitor: &Visitor,
    state: &ServerState,
    before: Option<i64>,
    problem: Option<String>,
) -> Result<ImportsPage, PageProblem> {
    let mut runs = jobs::latest(&state.pool, &IMPORTS, before, PART + 1).await?;
    let has_more = runs.len() > PART as usize;
    runs.truncate(PART as usize);
    Ok(ImportsPage {
        frame: visitor.frame("Imports", NavPlace::Imports),
        next: runs.last().filter(|_| has_more).map(|run| run.id),
        runs: runs.iter().map(|run| ImportRow::new(run, &visitor.clock)).collect(),
        is_first: before.is_none(),
        problem,
        megabytes: state.config.import.max_file_bytes >> 20,
    })
}
