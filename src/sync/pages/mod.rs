//! The pages of syncs: the state of each entity, its plan item by item, and what only a person can decide.

mod actions;
mod chart;
mod decisions;
mod entity_form;
mod entity_page;
mod list;
mod names;
mod plan_kind;
mod report_view;
mod undo;

use axum::Router;
use axum::routing::{get, post};

use crate::http::state::ServerState;

/// Returns the routes of the pages.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/syncs", get(list::show))
        .route("/syncs/{entity}", get(entity_page::show))
        .route("/syncs/{entity}/plan", post(actions::plan))
        .route("/syncs/{entity}/apply", post(actions::apply))
        .route("/syncs/{entity}/approve", post(actions::approve))
        .route("/syncs/{entity}/cancel", post(actions::cancel))
        .route("/syncs/{entity}/link", post(decisions::link))
        .route("/syncs/{entity}/ignore", post(decisions::ignore))
        .route("/syncs/{entity}/unignore", post(decisions::unignore))
        .route("/syncs/{entity}/create-local", post(actions::create_local))
        .route("/syncs/{entity}/create-remote", post(actions::create_remote))
        .route("/syncs/{entity}/decide", post(decisions::decide))
        .route("/syncs/{entity}/undo", get(undo::show).post(undo::execute))
        .with_state(state)
}
