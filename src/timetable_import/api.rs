//! Imports over HTTP: upload, status, publish, retry, undo, and the workbook of rejected rows.

use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use serde::Deserialize;
use serde_json::{Value, json};

use super::corrections::{self, change};
use super::history;
use super::job::{IMPORTS, ImportJob, UNDO};
use super::progress::{self, Followers};
use super::publish::{self, PublishResult};
use super::report::saved::read_saved;
use super::upload::{self, HeaderLimit, Upload, upload_folder};
use crate::error::Error;
use crate::http::auth::{Operator, Reader};
use crate::http::idempotency::idempotency_key;
use crate::http::json::{JsonBody, has_json_type};
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::http::state::ServerState;
use crate::identity::Caller;
use crate::jobs::api::{PARAMETERS, RunPath, accepted_response, cancel, document, find, list, run_response};
use crate::jobs::{self, Enqueued, JobRun};
use crate::outbox;

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    vec![(Method::GET, "/api/imports", PARAMETERS.to_vec()), (Method::POST, "/api/imports", vec!["dry_run"])]
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(list_imports, create, show, cancel_run, progress::events, report, publish, retry, undo))]
struct ImportRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    let mut part = ApiPart::of(&<ImportRoutes as utoipa::OpenApi>::openapi());
    part.extend(corrections::api::description());
    part.extend(super::report::description::schemas());
    part.extend(crate::jobs::description::schemas());
    part
}

/// The routes of imports.
pub fn router(state: ServerState) -> Router {
    let upload_limit = DefaultBodyLimit::max(upload::body_limit(&state.config));
    let followers = Followers::new(state.clone());
    Router::new()
        // `upload::receive` limits the size of the file itself, so that the error can name the limit.
        .route("/api/imports", get(list_imports).post(create).layer(upload_limit))
        .route("/api/imports/{run}", get(show).delete(cancel_run))
        .route("/api/imports/{run}/corrections", get(corrections::api::show).put(corrections::api::replace))
        .route("/api/imports/{run}/events", get(progress::events).with_state(followers))
        .route("/api/imports/{run}/report", get(report))
        .route("/api/imports/{run}/publish", post(publish))
        .route("/api/imports/{run}/retry", post(retry))
        .route("/api/imports/{run}/undo", post(undo))
        .with_state(state)
}

/// List imports, latest first.
#[utoipa::path(
    get, path = "/api/imports", operation_id = "listImports", tag = "imports",
    params(
        ("limit" = Option<i64>, Query, description = "Runs of a page, at most 200.", minimum = 1),
        ("cursor" = Option<i64>, Query, description = "`next_cursor` of the page before.", minimum = 1)
    ),
    responses((status = 200, description = "One page of runs.", body = ref("#/components/schemas/RunList")))
)]
async fn list_imports(_: Reader, State(state): State<ServerState>, address: Pairs) -> Result<Response, HttpProblem> {
    list(&state.pool, &IMPORTS, address).await
}

/// Request an import.
///
/// The body has the workbook as `file`, and options of the command as further fields. `Location` is the address of the run.
/// With `{"apply": RUN}` as JSON instead, the plan of a dry run is imported, exactly as it was shown.
#[utoipa::path(
    post, path = "/api/imports", operation_id = "createImport", tag = "imports",
    params(("dry_run" = Option<bool>, Query, description = "Whether to plan only.")),
    request_body(content(
        (ref("#/components/schemas/ImportForm") = "multipart/form-data"),
        (ApplyBody = "application/json")
    )),
    responses(
        (status = 202, description = "The run is queued.", body = ref("#/components/schemas/QueuedRun"),
         headers(("Location" = String, description = "Address of the run."))),
        (status = 404, description = ""), (status = 409, description = "The plan has changed since it was shown."),
        (status = 415, description = ""), (status = 507, description = "")
    )
)]
async fn create(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    address: Pairs,
    request: Request,
) -> Result<Response, HttpProblem> {
    let key = idempotency_key(request.headers())?.map(str::to_owned);
    let dry_run = upload::dry_run_parameter(&pairs(address)?)?;
    if has_json_type(request.headers()) {
        let JsonBody(ApplyBody { apply }) = JsonBody::from_request(request, &state).await?;
        let run = find(&state.pool, &IMPORTS, Ok(Path(apply))).await?;
        let enqueued = change::apply(&state, &caller, run, key.as_deref()).await?;
        return accepted_response(enqueued, &IMPORTS);
    }
    let enqueued = enqueue_upload(&state, &caller, request, (dry_run, None), key.as_deref()).await?;
    accepted_response(enqueued, &IMPORTS)
}

/// The body that imports a plan.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportApply)]
struct ApplyBody {
    /// The dry run.
    apply: i64,
}

/// Stores an uploaded workbook and requests its import. `csrf_token`: what the form of a page has to contain.
///
/// # Errors
/// Those of [`upload::receive`], and of the database.
pub(super) async fn enqueue_upload(
    state: &ServerState,
    caller: &Caller,
    request: Request,
    (dry_run, csrf_token): (Option<bool>, Option<&str>),
    key: Option<&str>,
) -> Result<Enqueued, HttpProblem> {
    let limit = HeaderLimit::default();
    let form = Multipart::from_request(request.map(|body| limit.apply(body)), state).await;
    let form = form.map_err(|_| {
        let detail = "send the workbook as multipart/form-data, in a part named file";
        HttpProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    })?;
    let parameters = (dry_run, csrf_token);
    let Upload { staged, file, options, digest } = upload::receive(form, &limit, parameters, &state.config).await?;
    let folder = staged.name().to_owned();
    let job = ImportJob::Import { file, folder: Some(folder.clone()), plan: None, options }.job()?;
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let enqueued = jobs::enqueue(&mut transaction, caller, &job, key, &digest).await?;
    if let Enqueued::New(run) = enqueued {
        // The file is in place before the commit makes the run visible to the worker.
        staged.move_to(&upload_folder(&state.config.data_dir, run, Some(&folder)))?;
        transaction.commit().await.map_err(Error::from)?;
    }
    Ok(enqueued)
}

/// Read an import.
///
/// Returns the document that the command prints with `--json`, the progress of the run, and the state of delivery now.
#[utoipa::path(
    get, path = "/api/imports/{run}", operation_id = "getImport", tag = "imports",
    responses(
        (status = 200, description = "The run has ended.", body = ref("#/components/schemas/ImportRun"),
         headers(("ETag" = String, description = "Version of the document."))),
        (status = 202, description = "The run has not ended.", body = ref("#/components/schemas/ImportRun"))
    )
)]
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

/// Cancel an import.
///
/// A queued run does not start; a running one ends between two batches.
#[utoipa::path(
    delete, path = "/api/imports/{run}", operation_id = "cancelImport", tag = "imports",
    responses(
        (status = 202, description = "The run is cancelled.", body = ref("#/components/schemas/QueuedRun")),
        (status = 409, description = ""), (status = 412, description = "")
    )
)]
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
pub(super) async fn find_import(state: &ServerState, run: RunPath) -> Result<JobRun, HttpProblem> {
    let stored = find(&state.pool, &IMPORTS, run).await?;
    match stored.kind == IMPORTS.name {
        true => Ok(stored),
        false => {
            let detail = format!("run {} undoes an import: it is not an import itself", stored.id);
            Err(HttpProblem::new(StatusCode::NOT_FOUND, detail))
        }
    }
}

/// Publish the events of an import.
///
/// The worker of `lectern serve` delivers the request.
#[utoipa::path(
    post, path = "/api/imports/{run}/publish", operation_id = "publishImport", tag = "imports",
    responses((status = 202, description = "What is published.", body = ref("#/components/schemas/Publication")))
)]
async fn publish(_: Operator, State(state): State<ServerState>, run: RunPath) -> Result<Response, HttpProblem> {
    let import = find_import(&state, run).await?.id;
    let result = start_publication(&state, import).await?;
    Ok((StatusCode::ACCEPTED, Json(result)).into_response())
}

/// Requests that the worker publishes the events of an import.
///
/// # Errors
/// The database fails.
pub(super) async fn start_publication(state: &ServerState, import: i64) -> Result<PublishResult, Error> {
    let (mut result, _) = publish::request(&state.pool, import, false).await?;
    publish::finish(&state.pool, &mut result).await?;
    Ok(result)
}

/// Deliver what failed again.
///
/// The worker of `lectern serve` delivers it.
#[utoipa::path(
    post, path = "/api/imports/{run}/retry", operation_id = "retryImport", tag = "imports",
    responses((status = 202, description = "The number of items that are due.", body = ref("#/components/schemas/Due")))
)]
async fn retry(_: Operator, State(state): State<ServerState>, run: RunPath) -> Result<Response, HttpProblem> {
    let import = find_import(&state, run).await?.id;
    let due = outbox::retry_now(&state.pool, None, Some(import)).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "due": due }))).into_response())
}

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportUndo)]
struct UndoBody {
    /// Only plan: write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Undo an import.
///
/// With `{"dry_run": true}` only its plan is made. `Location` is the address of the new run.
#[utoipa::path(
    post, path = "/api/imports/{run}/undo", operation_id = "undoImport", tag = "imports", request_body = Option<UndoBody>,
    responses((
        status = 202, description = "The run is queued.", body = ref("#/components/schemas/QueuedRun"),
        headers(("Location" = String, description = "Address of the run."))
    ))
)]
async fn undo(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: RunPath,
    body: Option<JsonBody<UndoBody>>,
) -> Result<Response, HttpProblem> {
    let key = idempotency_key(&headers)?;
    let import = find_import(&state, run).await?;
    let UndoBody { dry_run } = body.map(|JsonBody(body)| body).unwrap_or_default();
    let enqueued = enqueue_undo(&state, &caller, &import, dry_run, key).await?;
    accepted_response(enqueued, &IMPORTS)
}

/// Requests the undo of an import, or only its plan.
///
/// # Errors
/// 409 while the import runs.
pub(super) async fn enqueue_undo(
    state: &ServerState,
    caller: &Caller,
    import: &JobRun,
    dry_run: bool,
    key: Option<&str>,
) -> Result<Enqueued, HttpProblem> {
    if import.finished_at.is_none() && import.locked {
        let detail = format!("import {} has not ended: cancel it or wait, then undo it", import.id);
        return Err(HttpProblem::new(StatusCode::CONFLICT, detail));
    }
    let job = ImportJob::Undo { import: import.id, dry_run }.job()?;
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let enqueued = jobs::enqueue(&mut transaction, caller, &job, key, &[]).await?;
    if let Enqueued::New(_) = enqueued {
        transaction.commit().await.map_err(Error::from)?;
    }
    Ok(enqueued)
}

/// Download the rejected rows.
///
/// Returns the workbook of the rejected blocks, with invalid cells coloured and commented.
#[utoipa::path(
    get, path = "/api/imports/{run}/report", operation_id = "getImportReport", tag = "imports",
    responses((
        status = 200, description = "The workbook.", body = String,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ))
)]
async fn report(_: Reader, State(state): State<ServerState>, run: RunPath) -> Result<Response, HttpProblem> {
    let stored = find_import(&state, run).await?;
    let no_report = || {
        HttpProblem::new(
            StatusCode::NOT_FOUND,
            "this import has no report: no block was rejected, or the file was deleted",
        )
    };
    let has_report = stored.document.as_ref().is_some_and(|document| document["report"].is_string());
    if !has_report {
        return Err(no_report());
    }
    let config = state.config.clone();
    let bytes = tokio::task::spawn_blocking(move || read_saved(&config, stored.id)).await;
    let bytes = bytes.ok().and_then(|read| read.ok()).ok_or_else(no_report)?;
    let name = format!("attachment; filename=\"import-{}.xlsx\"", stored.id);
    Ok(([(header::CONTENT_TYPE, WORKBOOK.to_owned()), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}
