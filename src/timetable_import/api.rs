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
use serde_json::json;

use super::publish;
use super::upload::{self, Upload};
use crate::error::Error;
use crate::http::auth::{Operator, Reader};
use crate::http::json::JsonBody;
use crate::http::problem::Problem;
use crate::http::state::ServerState;
use crate::jobs;
use crate::jobs::api::{Run, asked, find_import, idempotency_key, list};
use crate::jobs::worker::upload_folder;
use crate::jobs::{Asking, Kind, Request};
use crate::outbox;
use crate::search::api::Pairs;

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The routes of imports.
pub fn router(state: ServerState) -> Router {
    Router::new()
        // The upload counts for itself, so that it can say what is too large and how large may be.
        .route("/api/imports", get(latest).post(ask).layer(DefaultBodyLimit::disable()))
        .route("/api/imports/{run}/report", get(report))
        .route("/api/imports/{run}/publish", post(publish))
        .route("/api/imports/{run}/retry", post(retry))
        .route("/api/imports/{run}/undo", post(undo))
        .with_state(state)
}

async fn latest(_: Reader, State(state): State<ServerState>, address: Pairs) -> Result<Response, Problem> {
    list(&state, Kind::Import, address).await
}

/// Multipart with `file` and, as the command's options, `dry_run`, `deliver`, `publish`, `delete_drafts`, `ours`,
/// `approve_instructors`, `create_missing` (`instructors`) → 202 with `Location`.
async fn ask(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let form = form.map_err(|_| {
        let detail = "send the workbook as multipart/form-data, in a part called file";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    })?;
    let Upload { staged, file, dry_run, deliver, further, digest } = upload::receive(form, &state.config).await?;
    let request = Request::Import { file, dry_run, deliver, further };
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let asking = jobs::ask(&mut transaction, &caller, &request, key, &digest).await?;
    if let Asking::New(run) = asking {
        // The file is there before anybody can see the run.
        staged.keep(&upload_folder(&state.config.data_dir, run))?;
        transaction.commit().await.map_err(Error::from)?;
    }
    asked(asking, Kind::Import)
}

/// Publishes the events of an import; the worker of `serve` does it.
async fn publish(_: Operator, State(state): State<ServerState>, run: Run) -> Result<Response, Problem> {
    let import = find_import(&state, run).await?.id;
    let (mut published, _) = publish::ask(&state.pool, import, false).await?;
    publish::finish(&state.pool, &mut published).await?;
    Ok((StatusCode::ACCEPTED, Json(published)).into_response())
}

/// Makes due what an import could not deliver; the worker of `serve` does it.
async fn retry(_: Operator, State(state): State<ServerState>, run: Run) -> Result<Response, Problem> {
    let import = find_import(&state, run).await?.id;
    let due = outbox::make_due(&state.pool, None, Some(import)).await?;
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
    run: Run,
    body: Option<JsonBody<Undo>>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let import = find_import(&state, run).await?;
    if import.finished_at.is_none() && import.held {
        let detail = format!("import {} has not ended; call it off or wait, then take it back", import.id);
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let Undo { dry_run } = body.map(|JsonBody(undo)| undo).unwrap_or_default();
    let request = Request::Undo { import: import.id, dry_run };
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let asking = jobs::ask(&mut transaction, &caller, &request, key, &[]).await?;
    if let Asking::New(_) = asking {
        transaction.commit().await.map_err(Error::from)?;
    }
    asked(asking, Kind::Import)
}

/// The blocks that were refused, each bad cell coloured and commented.
async fn report(_: Reader, State(state): State<ServerState>, run: Run) -> Result<Response, Problem> {
    let kept = find_import(&state, run).await?;
    let gone = || Problem::new(StatusCode::NOT_FOUND, "this import has no report: nothing was refused, or it is gone");
    let path = kept.document.as_ref().and_then(|document| document["report"].as_str()).ok_or_else(gone)?;
    let bytes = tokio::fs::read(FilePath::new(path)).await.map_err(|_| gone())?;
    let name = format!("attachment; filename=\"import-{}.xlsx\"", kept.id);
    Ok(([(header::CONTENT_TYPE, WORKBOOK.to_owned()), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}
