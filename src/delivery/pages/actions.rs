//! What the forms of the list do.

use axum::extract::State;
use axum::response::Response;

use super::super::api::retry_items;
use crate::http::problem::HttpProblem;
use crate::http::state::ServerState;
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::format::plural;
use crate::web::visitor::{StaffOperator, redirect, redirect_after};

/// Makes the ticked items, or all failed and waiting ones, due at once.
pub(super) async fn retry(_: StaffOperator, State(state): State<ServerState>, form: CsrfForm) -> Response {
    let ids: Vec<i64> = form.all("id").into_iter().filter_map(|id| id.parse().ok()).collect();
    let all = form.is_set("all");
    if ids.is_empty() && !all {
        return redirect("/outbox", &Flash::problem("Tick at least one item first."));
    }
    let due: Result<u64, HttpProblem> = retry_items(&state, if all { None } else { Some(&ids) }).await;
    redirect_after(
        "/outbox",
        due.map(|due| format!("{} delivered again now.", plural(i64::try_from(due).unwrap_or(i64::MAX), "item"))),
    )
}
