//! The pages of the outbox: what has not reached Administrate, why, and what a person decides about it.

mod actions;
mod item;
mod list;

use axum::Router;
use axum::routing::{get, post};

use crate::http::state::ServerState;

/// Returns the routes of the pages.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/outbox", get(list::show))
        .route("/outbox/retry", post(actions::retry))
        .route("/outbox/{id}", get(item::show))
        .route("/outbox/{id}/resolve", post(item::resolve))
        .with_state(state)
}
