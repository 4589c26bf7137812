//! The HTTP interface that the runs of every queue share: find, list, cancel, and the shape of responses.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Enqueued, JobRun, JobState, Queue};
use crate::http::etag;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::{Pairs, pairs};

/// Runs on a page of a list by default, and at most.
const PAGE: i64 = 50;
const MAX_PAGE: i64 = 200;

/// The parameters of a list of runs.
pub const PARAMETERS: [&str; 2] = ["limit", "cursor"];

/// The run's id in a path.
pub type RunPath = Result<Path<i64>, PathRejection>;

/// Returns a run of a queue.
///
/// # Errors
/// 404 when the queue has no such run.
pub async fn find(pool: &PgPool, queue: &Queue, run: RunPath) -> Result<JobRun, HttpProblem> {
    let not_found = || HttpProblem::new(StatusCode::NOT_FOUND, format!("unknown {}", queue.name));
    let Path(run) = run.map_err(|_| not_found())?;
    super::find(pool, queue, run).await?.ok_or_else(not_found)
}

/// Responds with a run's document: 200 once the run has ended, 202 until then.
pub fn run_response(headers: &HeaderMap, run: &JobRun, document: Value) -> Response {
    match run.finished_at {
        Some(_) => etag::with_etag(headers, StatusCode::OK, document),
        None => {
            let mut response = etag::with_etag(headers, StatusCode::ACCEPTED, document);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

/// Adds the progress of a run to its document; `initial` is the document of a run that has none yet.
pub fn document(run: &JobRun, queue: &Queue, initial: Option<Value>) -> Value {
    let mut document = match &run.document {
        Some(document @ Value::Object(_)) => document.clone(),
        _ => initial.unwrap_or_else(|| json!({ "dry_run": run.dry_run, queue.subject_key: run.subject })),
    };
    document["run_id"] = run.id.into();
    document["state"] = json!(run.state());
    document["exit_code"] = json!(run.exit_code);
    document["started_at"] = json!(run.started_at);
    document["finished_at"] = json!(run.finished_at);
    document
}

/// Lists the runs of a queue, latest first: `limit`, `cursor` → `{"results":[…],"next_cursor":…}`.
///
/// # Errors
/// 400 when a parameter is not a positive number.
pub async fn list(pool: &PgPool, queue: &Queue, query: Pairs) -> Result<Response, HttpProblem> {
    let (mut limit, mut before) = (PAGE, None);
    for (name, value) in pairs(query)? {
        let number = || {
            let number = value.parse::<i64>().ok().filter(|number| *number > 0);
            let invalid =
                || FieldError::new(format!("/{name}"), "invalid_value", format!("{name} must be a positive number"));
            number.ok_or_else(|| HttpProblem::fields(invalid()))
        };
        match name.as_str() {
            "limit" => limit = number()?.min(MAX_PAGE),
            "cursor" => before = Some(number()?),
            _ => {}
        }
    }
    let mut runs = super::latest(pool, queue, before, limit + 1).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = runs.len() > page;
    runs.truncate(page);
    let next = runs.last().filter(|_| has_more).map(|run| run.id.to_string());
    let summary = |run: &JobRun| {
        let counts = run.document.as_ref().map(|document| document["counts"].clone());
        json!({
            "run_id": run.id, queue.subject_key: run.subject, "dry_run": run.dry_run, "state": run.state(),
            "exit_code": run.exit_code, "started_at": run.started_at, "finished_at": run.finished_at, "counts": counts,
        })
    };
    let results: Vec<Value> = runs.iter().map(summary).collect();
    Ok(Json(json!({ "results": results, "next_cursor": next })).into_response())
}

/// Cancels a run. `document`: its current document, for `If-Match`.
///
/// # Errors
/// 412 when the document has changed; 409 when a command executes the run or the run has ended.
pub async fn cancel(
    pool: &PgPool,
    headers: &HeaderMap,
    queue: &Queue,
    run: JobRun,
    document: &Value,
) -> Result<Response, HttpProblem> {
    etag::check(headers, document)?;
    if !run.requested && run.finished_at.is_none() {
        let detail = "a command executes this run: stop that command";
        return Err(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    if run.state() != JobState::Cancelled && !super::cancel(pool, run.id).await? {
        return Err(HttpProblem::new(StatusCode::CONFLICT, format!("this {} has ended already", queue.name)));
    }
    let now = super::find(pool, queue, run.id).await?.unwrap_or(run);
    Ok((StatusCode::ACCEPTED, Json(json!({ "run_id": now.id, "state": now.state() }))).into_response())
}

/// Responds to a request for a run: 202 with its location, even if the run was enqueued before.
///
/// # Errors
/// 422 when the idempotency key was used for another request.
pub fn accepted_response(enqueued: Enqueued, queue: &Queue) -> Result<Response, HttpProblem> {
    let (Enqueued::New(run) | Enqueued::Known(run)) = enqueued else {
        let detail = "this Idempotency-Key was used for another request: choose a new one";
        return Err(HttpProblem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    };
    let location = format!("{}/{run}", queue.path);
    let body = Json(json!({ "run_id": run, "state": JobState::Queued }));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], body).into_response())
}
