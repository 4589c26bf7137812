//! Imports over HTTP: upload, status, publish, retry, undo, and the workbook of rejected rows.

use std::path::Path as FilePath;

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use serde::Deserialize;
use serde_json::{Value, json};

use super::history;
use super::job::{IMPORTS, ImportJob, UNDO};
use super::progress::{self, Followers};
use super::publish;
use super::upload::{self, HeaderLimit, Upload, upload_folder};
use crate::error::Error;
use crate::http::auth::{Operator, Reader};
use crate::http::idempotency::idempotency_key;
use crate::http::json::JsonBody;
use crate::http::parameters::RouteParameters;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::http::state::ServerState;
use crate::jobs::api::{PARAMETERS, RunPath, accepted_response, cancel, document, find, list, run_response};
use crate::jobs::{self, Enqueued, JobRun};
use crate::outbox;

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    vec![(Method::GET, "/api/imports", PARAMETERS.to_vec()), (Method::POST, "/api/imports", vec!["dry_run"])]
}

/// The routes of imports.
pub fn router(state: ServerState) -> Router {
    let upload_limit = DefaultBodyLimit::max(upload::body_limit(&state.config));
    let followers = Followers::new(state.clone());
    Router::new()
        // `upload::receive` limits the size of the file itself, so that the error can name the limit.
        .route("/api/imports", get(list_imports).post(create).layer(upload_limit))
        .route("/api/imports/{run}", get(show).delete(cancel_run))
        .route("/api/imports/{run}/events", get(progress::events).with_state(followers))
        .route("/api/imports/{run}/report", get(report))
        .route("/api/imports/{run}/publish", post(publish))
        .route("/api/imports/{run}/retry", post(retry))
        .route("/api/imports/{run}/undo", post(undo))
        .with_state(state)
}

async fn list_imports(_: Reader, State(state): State<ServerState>, address: Pairs) -> Result<Response, HttpProblem> {
    list(&state.pool, &IMPORTS, address).await
}

/// Requests an import → 202 with `Location`.
///
/// The body is multipart: `file` and the options of the command, `dry_run`, `deliver`, `publish`, `delete_drafts`, `ours`,
/// `approve_instructors`, `create_missing` (`instructors`). `dry_run` may also be a parameter of the address.
async fn create(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    address: Pairs,
    request: Request,
) -> Result<Response, HttpProblem> {
    let key = idempotency_key(request.headers())?.map(str::to_owned);
    let dry_run = upload::dry_run_parameter(&pairs(address)?)?;
    let limit = HeaderLimit::default();
    let form = Multipart::from_request(request.map(|body| limit.apply(body)), &state).await;
    let form = form.map_err(|_| {
        let detail = "send the workbook as multipart/form-data, in a part named file";
        HttpProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    })?;
    let Upload { staged, file, options, digest } = upload::receive(form, &limit, dry_run, &state.config).await?;
    let job = ImportJob::Import { file, options }.job()?;
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let enqueued = jobs::enqueue(&mut transaction, &caller, &job, key.as_deref(), &digest).await?;
    if let Enqueued::New(run) = enqueued {
        // The file is in place before the commit makes the run visible to the worker.
        staged.move_to(&upload_folder(&state.config.data_dir, run))?;
        transaction.commit().await.map_err(Error::from)?;
    }
    accepted_response(enqueued, &IMPORTS)
}

async fn show(
    _: Reader,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: RunPath,
) -> Result<Response, HttpProblem> {
    let stored = find(&state.pool, &IMPORTS, run).await?;
    let document = current_document(&state, &stored).await?;
    Ok(run_response(&headers, &stored, document))
}

async fn cancel_run(
    _: Operator,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: RunPath,
) -> Result<Response, HttpProblem> {
    let stored = find(&state.pool, &IMPORTS, run).await?;
    let document = current_document(&state, &stored).await?;
    cancel(&state.pool, &headers, &IMPORTS, stored, &document).await
}

/// Returns the document of an import with the delivery state of its events now; `exit_code` is that of the finished run.
pub(super) async fn current_document(state: &ServerState, run: &JobRun) -> Result<Value, Error> {
    let initial =
        (run.kind == UNDO).then(|| json!({ "dry_run": run.dry_run, "undone_run": run.subject.parse::<i64>().ok() }));
    let mut document = document(run, &IMPORTS, initial);
    // A path on the server is of no use to an HTTP client.
    if document["report"].is_string() {
        document["report"] = format!("{}/{}/report", IMPORTS.path, run.id).into();
    }
    if run.kind == IMPORTS.name && run.finished_at.is_some() && !run.dry_run {
        history::refresh_delivery(&state.pool, run.id, &mut document).await?;
    }
    Ok(document)
}

/// Returns an import, or 404 for other runs such as the undo of an import.
async fn find_import(state: &ServerState, run: RunPath) -> Result<JobRun, HttpProblem> {
    let stored = find(&state.pool, &IMPORTS, run).await?;
    match stored.kind == IMPORTS.name {
        true => Ok(stored),
        false => {
            let detail = format!("run {} undoes an import: it is not an import itself", stored.id);
            Err(HttpProblem::new(StatusCode::NOT_FOUND, detail))
        }
    }
}

/// Requests that the events of an import are published. The worker of `serve` delivers the request.
async fn publish(_: Operator, State(state): State<ServerState>, run: RunPath) -> Result<Response, HttpProblem> {
    let import = find_import(&state, run).await?.id;
    let (mut result, _) = publish::request(&state.pool, import, false).await?;
    publish::finish(&state.pool, &mut result).await?;
    Ok((StatusCode::ACCEPTED, Json(result)).into_response())
}

/// Makes the failed deliveries of an import due. The worker of `serve` delivers them.
async fn retry(_: Operator, State(state): State<ServerState>, run: RunPath) -> Result<Response, HttpProblem> {
    let import = find_import(&state, run).await?.id;
    let due = outbox::retry_now(&state.pool, None, Some(import)).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "due": due }))).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UndoBody {
    /// Only plan: write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Requests the undo of an import; with `{"dry_run": true}` only its plan → 202 with `Location`.
async fn undo(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: RunPath,
    body: Option<JsonBody<UndoBody>>,
) -> Result<Response, HttpProblem> {
    let key = idempotency_key(&headers)?;
    let import = find_import(&state, run).await?;
    if import.finished_at.is_none() && import.locked {
        let detail = format!("import {} has not ended: cancel it or wait, then undo it", import.id);
        return Err(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    let UndoBody { dry_run } = body.map(|JsonBody(body)| body).unwrap_or_default();
    let job = ImportJob::Undo { import: import.id, dry_run }.job()?;
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let enqueued = jobs::enqueue(&mut transaction, &caller, &job, key, &[]).await?;
    if let Enqueued::New(_) = enqueued {
        transaction.commit().await.map_err(Error::from)?;
    }
    accepted_response(enqueued, &IMPORTS)
}

/// Returns the workbook of the rejected blocks, with invalid cells coloured and commented.
async fn report(_: Reader, State(state): State<ServerState>, run: RunPath) -> Result<Response, HttpProblem> {
    let stored = find_import(&state, run).await?;
    let no_report = || {
        HttpProblem::new(
            StatusCode::NOT_FOUND,
            "this import has no report: no block was rejected, or the file was deleted",
        )
    };
    let path = stored.document.as_ref().and_then(|document| document["report"].as_str()).ok_or_else(no_report)?;
    let bytes = tokio::fs::read(FilePath::new(path)).await.map_err(|_| no_report())?;
    let name = format!("attachment; filename=\"import-{}.xlsx\"", stored.id);
    Ok(([(header::CONTENT_TYPE, WORKBOOK.to_owned()), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}
