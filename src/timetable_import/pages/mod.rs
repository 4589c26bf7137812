//! The pages of imports: a workbook is uploaded and planned, its problems are corrected, its plan is confirmed and
//! followed.

mod actions;
mod grid_view;
mod list;
mod run_view;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{get, post};

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
        .route("/imports/{run}/corrections", post(actions::correct))
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
    match render(&visitor, &state, run, address).await {
        Ok(response) => response,
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &ServerState, run: RunPath, address: Pairs) -> Result<Response, PageProblem> {
    let run = find(&state.pool, &IMPORTS, run)
        .await
        .map_err(|_| PageProblem::not_found("there is no such import: the list shows those that are stored"))?;
    let address = Address::of(address)?;
    let document = current_document(state, &run).await?;
    let frame = visitor.frame(run_view::title(&run), NavPlace::Imports);
    if run.finished_at.is_none() {
        let delivery = outbox::count_by_state(&state.pool, Some(run.id)).await?;
        return Ok(visitor.page(&RunningPage::new(frame, &visitor.clock, &run, delivery)));
    }
    let corrections = store::of_run(&state.pool, run.id).await?;
    Ok(match (run.kind == UNDO, run.dry_run) {
        (true, _) => visitor.page(&UndoPage::new(frame, &visitor.clock, &run, &document)),
        (false, true) => {
            let pace = state.config.administrate.rate_limit;
            visitor.page(&PlanPage::new(frame, &visitor.clock, (&run, &document), corrections, (&address, pace.into())))
        }
        (false, false) => {
            visitor.page(&OutcomePage::new(frame, &visitor.clock, (&run, &document), corrections, &address))
        }
    })
}
