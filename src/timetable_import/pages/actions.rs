//! What the forms of the pages do. Each calls what the HTTP interface calls, and leads to the next page.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::super::api::{enqueue_undo, enqueue_upload, find_import, start_publication};
use super::super::corrections::{change, store};
use super::super::job::IMPORTS;
use super::corrections_view::RefusedCorrection;
use super::{list, page_of, render};
use crate::http::problem::HttpProblem;
use crate::http::state::ServerState;
use crate::jobs::Enqueued;
use crate::jobs::api::{RunPath, find};
use crate::outbox;
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::format::{plural, sentence};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::run::{cancel_run, redirect_to_run};
use crate::web::visitor::{StaffOperator, StaffVisitor, redirect, redirect_after};

/// Uploads a workbook and plans its import.
pub(super) async fn upload(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    request: Request,
) -> Response {
    let frame = visitor.frame("", crate::web::frame::NavPlace::Imports);
    // A program sends no token of a form, but neither can another site make it send one.
    let token = crate::http::auth::credentials(request.headers()).is_ok_and(|sent| sent.is_cookie);
    let token = token.then(|| frame.csrf().to_owned());
    match enqueue_upload(&state, &visitor.caller, request, (Some(true), token.as_deref()), None).await {
        Ok(Enqueued::New(run) | Enqueued::Known(run)) => Redirect::to(&page_of(run)).into_response(),
        Ok(Enqueued::KeyConflict) => {
            list::refused(&visitor, &state, StatusCode::CONFLICT, "send it again".into()).await
        }
        Err(problem) => {
            let (status, mut detail) = (problem.status(), PageProblem::from(problem).detail);
            if detail.contains("part named file is missing") {
                detail = "choose a workbook first: none was sent".into();
            }
            list::refused(&visitor, &state, status, detail).await
        }
    }
}

/// Returns the page of a run, and the id in its path; the list for an address that is none.
fn place(run: &RunPath) -> String {
    run.as_ref().map_or_else(|_| "/imports".to_owned(), |path| page_of(path.0))
}

/// Corrects one cell, or takes its correction back.
pub(super) async fn correct(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    run: RunPath,
    form: CsrfForm,
) -> Response {
    let page = place(&run);
    let path: RunPath = Ok(Path(run.as_ref().map_or(0, |run| run.0)));
    let (sheet, cell) = (form.get("sheet").to_owned(), form.get("cell").to_owned());
    let value = (!form.is_set("undo")).then(|| form.raw("value").to_owned());
    let corrected = async {
        let run = find(&state.pool, &IMPORTS, run).await?;
        let stored = store::of_run(&state.pool, run.id).await?;
        let all = change::with_change(stored, &sheet, &cell, value.as_deref());
        change::replace(&state, &visitor.caller, run, all).await
    };
    let done: Result<_, HttpProblem> = corrected.await;
    match (done, value) {
        (Ok(_), Some(value)) if value.is_empty() => done_at(&page, format!("{cell} is read as a blank cell now.")),
        (Ok(_), Some(value)) => done_at(&page, format!("{cell} is read as “{value}” now.")),
        (Ok(_), None) => done_at(&page, format!("{cell} is read as the file contains it again.")),
        (Err(problem), None) => redirect(&page, &Flash::problem(PageProblem::from(problem).detail)),
        // What was typed stays on the page.
        (Err(problem), Some(typed)) => {
            let PageProblem { status, detail } = problem.into();
            let refused = RefusedCorrection { status, sheet, cell, typed, error: sentence(&detail) };
            let shown = render(&visitor, &state, path, (Address::default(), Some(refused))).await;
            shown.unwrap_or_else(|problem| visitor.problem(problem))
        }
    }
}

fn done_at(page: &str, text: String) -> Response {
    redirect(page, &Flash::done(text))
}

/// Leads from the address of the form to the page of its run: a page with a refused correction has that address.
pub(super) async fn lead_to_run(_: StaffVisitor, run: RunPath) -> Response {
    Redirect::to(&place(&run)).into_response()
}

/// Imports the plan that the page has shown.
pub(super) async fn apply(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    run: RunPath,
    _form: CsrfForm,
) -> Response {
    let page = place(&run);
    let applied = async {
        let run = find(&state.pool, &IMPORTS, run).await?;
        change::apply(&state, &visitor.caller, run, None).await
    };
    let applied: Result<_, HttpProblem> = applied.await;
    redirect_to_run(applied, page_of, &page)
}

/// Cancels a run that has not ended.
pub(super) async fn cancel(
    _: StaffOperator,
    State(state): State<ServerState>,
    run: RunPath,
    _form: CsrfForm,
) -> Response {
    let page = place(&run);
    let cancelled = async {
        let run = find(&state.pool, &IMPORTS, run).await?;
        cancel_run(&state.pool, run.id).await
    };
    redirect_after(&page, cancelled.await)
}

/// Publishes the events of an import in Administrate.
pub(super) async fn publish(
    _: StaffOperator,
    State(state): State<ServerState>,
    run: RunPath,
    _form: CsrfForm,
) -> Response {
    let page = place(&run);
    let published: Result<String, HttpProblem> = async {
        let import = find_import(&state, run).await?.id;
        let result = start_publication(&state, import).await?;
        let requested = plural(result.requested.len() as i64, "event");
        Ok(match result.requested.is_empty() {
            true => "All events are published or cancelled already.".to_owned(),
            false => format!("{requested} are being published in Administrate."),
        })
    }
    .await;
    redirect_after(&page, published)
}

/// Delivers again what failed.
pub(super) async fn retry(
    _: StaffOperator,
    State(state): State<ServerState>,
    run: RunPath,
    _form: CsrfForm,
) -> Response {
    let page = place(&run);
    let due: Result<String, HttpProblem> = async {
        let import = find_import(&state, run).await?.id;
        let due = outbox::retry_now(&state.pool, None, Some(import)).await?;
        Ok(format!("{} delivered again now.", plural(i64::try_from(due).unwrap_or(i64::MAX), "change")))
    }
    .await;
    redirect_after(&page, due)
}

/// Plans the undo of an import or, from that plan, executes it.
pub(super) async fn undo(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    run: RunPath,
    form: CsrfForm,
) -> Response {
    let page = place(&run);
    let dry_run = !form.is_set("confirmed");
    let undone = async {
        let import = find_import(&state, run).await?;
        enqueue_undo(&state, &visitor.caller, &import, dry_run, None).await
    };
    let undone: Result<_, HttpProblem> = undone.await;
    redirect_to_run(undone, page_of, &page)
}
