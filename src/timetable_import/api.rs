//! Imports over HTTP: asking for one with an upload, and the workbook of what was refused. How it gets on and ends is told
//! by `requests::api`.

use std::path::Path as FilePath;

use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use serde::Deserialize;
use serde_json::{Value, json};

use super::history;
use super::job::{IMPORTS, ImportJob, UNDO};
use super::progress;
use super::publish;
use super::upload::{self, Upload, upload_folder};
use crate::error::Error;
use crate::http::auth::{Operator, Reader};
use crate::http::idempotency::idempotency_key;
use crate::http::json::JsonBody;
use crate::http::problem::HttpProblem;
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::jobs::api::{RunPath, accepted_response, cancel, document, find, list, run_response};
use crate::jobs::{self, Enqueued, JobRun};
use crate::outbox;

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The routes of imports.
pub fn router(state: ServerState) -> Router {
    Router::new()
        // The upload counts for itself, so that it can say what is too large and how large may be.
        .route("/api/imports", get(latest).post(ask).layer(DefaultBodyLimit::disable()))
        .route("/api/imports/{run}", get(show).delete(cancel_run))
        .route("/api/imports/{run}/events", get(progress::events))
        .route("/api/imports/{run}/report", get(report))
        .route("/api/imports/{run}/publish", post(publish))
        .route("/api/imports/{run}/retry", post(retry))
        .route("/api/imports/{run}/undo", post(undo))
        .with_state(state)
}

async fn latest(_: Reader, State(state): State<ServerState>, address: Pairs) -> Result<Response, HttpProblem> {
    list(&state.pool, &IMPORTS, address).await
}

/// Multipart with `file` and, as the command's options, `dry_run`, `deliver`, `publish`, `delete_drafts`, `ours`,
/// `approve_instructors`, `create_missing` (`instructors`) → 202 with `Location`.
async fn ask(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, HttpProblem> {
    let key = idempotency_key(&headers)?;
    let form = form.map_err(|_| {
        let detail = "send the workbook as multipart/form-data, in a part called file";
        HttpProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    })?;
    let Upload { staged, file, options, digest } = upload::receive(form, &state.config).await?;
    let job = ImportJob::Import { file, options }.job()?;
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let enqueued = jobs::enqueue(&mut transaction, &caller, &job, key, &digest).await?;
    if let Enqueued::New(run) = enqueued {
        // The file is there before anybody can see the run.
        staged.keep(&upload_folder(&state.config.data_dir, run))?;
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

/// Returns the document of an import with the delivery state of its events by now; `exit_code` stays as the run ended.
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

/// Returns an import, or 404; a run that undoes an import is none.
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

/// Publishes the events of an import; the worker of `serve` does it.
async fn publish(_: Operator, State(state): State<ServerState>, run: RunPath) -> Result<Response, HttpProblem> {
    let import = find_import(&state, run).await?.id;
    let (mut published, _) = publish::request(&state.pool, import, false).await?;
    publish::finish(&state.pool, &mut published).await?;
    Ok((StatusCode::ACCEPTED, Json(published)).into_response())
}

/// Makes due what an import could not deliver; the worker of `serve` does it.
async fn retry(_: Operator, State(state): State<ServerState>, run: RunPath) -> Result<Response, HttpProblem> {
    let import = find_import(&state, run).await?.id;
    let due = outbox::retry_now(&state.pool, None, Some(import)).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "due": due }))).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    /// Only tell what would be taken back.
    #[serde(default)]
    dry_run: bool,
}

/// Takes back an import, or with `{"dry_run": true}` tells what that would mean → 202 with `Location`.
async fn undo(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: RunPath,
    body: Option<JsonBody<Undo>>,
) -> Result<Response, HttpProblem> {
    let key = idempotency_key(&headers)?;
    let import = find_import(&state, run).await?;
    if import.finished_at.is_none() && import.locked {
        let detail = format!("import {} has not ended; call it off or wait, then take it back", import.id);
        return Err(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    let Undo { dry_run } = body.map(|JsonBody(undo)| undo).unwrap_or_default();
    let job = ImportJob::Undo { import: import.id, dry_run }.job()?;
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let enqueued = jobs::enqueue(&mut transaction, &caller, &job, key, &[]).await?;
    if let Enqueued::New(_) = enqueued {
        transaction.commit().await.map_err(Error::from)?;
    }
    accepted_response(enqueued, &IMPORTS)
}

/// The blocks that were refused, each bad cell coloured and commented.
async fn report(_: Reader, State(state): State<ServerState>, run: RunPath) -> Result<Response, HttpProblem> {
    let kept = find_import(&state, run).await?;
    let gone =
        || HttpProblem::new(StatusCode::NOT_FOUND, "this import has no report: nothing was refused, or it is gone");
    let path = kept.document.as_ref().and_then(|document| document["report"].as_str()).ok_or_else(gone)?;
    let bytes = tokio::fs::read(FilePath::new(path)).await.map_err(|_| gone())?;
    let name = format!("attachment; filename=\"import-{}.xlsx\"", kept.id);
    Ok(([(header::CONTENT_TYPE, WORKBOOK.to_owned()), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}
