//! The pages of imports: a workbook is uploaded and planned, its problems are corrected, its plan is confirmed and
//! followed.

mod actions;
mod corrections_view;
mod grid_view;
mod list;
mod run_view;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

use self::corrections_view::{Corrections, RefusedCorrection};
use self::run_view::{OutcomePage, PlanPage, RunningPage, UndoPage};
use super::api::current_document;
use super::corrections::store;
use super::job::{IMPORTS, UNDO};
use super::upload;
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::jobs::api::{RunPath, find};
use crate::outbox;
use crate::web::frame::NavPlace;
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffVisitor, Visitor};

/// Returns the routes of the pages.
pub fn router(state: ServerState) -> Router {
    let upload_limit = DefaultBodyLimit::max(upload::body_limit(&state.config));
    Router::new()
        .route("/imports", get(list::show).merge(post(actions::upload).layer(upload_limit)))
        .route("/imports/{run}", get(show))
        .route("/imports/{run}/corrections", get(actions::lead_to_run).post(actions::correct))
        .route("/imports/{run}/apply", post(actions::apply))
        .route("/imports/{run}/cancel", post(actions::cancel))
        .route("/imports/{run}/publish", post(actions::publish))
        .route("/imports/{run}/retry", post(actions::retry))
        .route("/imports/{run}/undo", post(actions::undo))
        .with_state(state)
}

/// Returns the path of the page of a run.
fn page_of(run: i64) -> String {
    format!("/imports/{run}")
}

async fn show(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<ServerState>,
    run: RunPath,
    address: Pairs,
) -> Response {
    let page = async { render(&visitor, &state, run, (Address::of(address)?, None)).await };
    match page.await {
        Ok(response) => response,
        Err(problem) => visitor.problem(problem),
    }
}

/// Responds with the page of a run, with a correction that was refused if there is one.
async fn render(
    visitor: &Visitor,
    state: &ServerState,
    run: RunPath,
    (address, refused): (Address, Option<RefusedCorrection>),
) -> Result<Response, PageProblem> {
    let run = find(&state.pool, &IMPORTS, run)
        .await
        .map_err(|_| PageProblem::not_found("there is no such import: the list shows those that are stored"))?;
    let document = current_document(state, &run).await?;
    let frame = visitor.frame(run_view::title(&run), NavPlace::Imports);
    let status = refused.as_ref().map_or(StatusCode::OK, |refused| refused.status);
    if run.finished_at.is_none() {
        let delivery = outbox::count_by_state(&state.pool, Some(run.id)).await?;
        return Ok(visitor.page_with(status, &RunningPage::new(frame, &visitor.clock, (&run, refused), delivery)));
    }
    let corrections = Corrections { stored: store::of_run(&state.pool, run.id).await?, refused };
    Ok(match (run.kind == UNDO, run.dry_run) {
        (true, _) => visitor.page(&UndoPage::new(frame, &visitor.clock, &run, &document)),
        (false, true) => {
            let pace = state.config.administrate.rate_limit;
            let page = PlanPage::new(frame, &visitor.clock, (&run, &document), corrections, (&address, pace.into()));
            visitor.page_with(status, &page)
        }
        (false, false) => {
            let page = OutcomePage::new(frame, &visitor.clock, (&run, &document), corrections, &address);
            visitor.page_with(status, &page)
        }
    })
}
