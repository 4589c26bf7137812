//! The upload of a catalogue workbook: it is checked and shown first, then imported, and can be undone.

mod outcome_page;
mod plan_page;
mod stored_file;
mod upload_page;
mod view;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use self::view::PATH;
use crate::resources::api::ResourceState;
use crate::timetable_import::upload;

/// Returns the routes of the pages.
pub fn router(state: &ResourceState) -> Router {
    let upload_limit = DefaultBodyLimit::max(upload::body_limit(&state.server.config));
    Router::new()
        .route(PATH, get(upload_page::show).merge(post(upload_page::receive).layer(upload_limit)))
        .route("/reference/workbook/template", get(upload_page::template))
        .route("/reference/workbook/files/{file}", get(plan_page::show).post(plan_page::apply))
        .route("/reference/workbook/files/{file}/report", get(plan_page::report))
        .route("/reference/workbook/{run}", get(outcome_page::show))
        .route("/reference/workbook/{run}/undo", get(outcome_page::show_undo).post(outcome_page::undo))
        .with_state(state.clone())
}
