//! What imports and syncs have in common over HTTP: being asked for and called off, for operators and admins; looked at,
//! listed and followed, for readers too.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Asking, Kept, Kind, State as RunState, UNDO, progress};
use crate::error::Error;
use crate::http::auth::{Operator, Reader};
use crate::http::etag;
use crate::http::problem::{FieldError, Problem};
use crate::http::state::ServerState;
use crate::search::api::{Pairs, pairs};
use crate::timetable_import;

/// Runs that a list shows unless it is told otherwise, and at most.
const PAGE: i64 = 50;
const LONGEST_PAGE: i64 = 200;

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 255;

/// The routes that every run has; asking is a route of its module.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/api/imports/{run}", get(import).delete(cancel_import))
        .route("/api/imports/{run}/events", get(progress::import))
        .route("/api/syncs/{run}", get(sync).delete(cancel_sync))
        .with_state(state)
}

/// The number in a path.
pub type Run = Result<Path<i64>, PathRejection>;

async fn import(
    _: Reader,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: Run,
) -> Result<Response, Problem> {
    let kept = find(&state, Kind::Import, run).await?;
    Ok(shown(&headers, &kept, document_now(&state, &kept, Kind::Import).await?))
}

async fn sync(_: Reader, State(state): State<ServerState>, headers: HeaderMap, run: Run) -> Result<Response, Problem> {
    let kept = find(&state, Kind::Sync, run).await?;
    Ok(shown(&headers, &kept, document(&kept, Kind::Sync)))
}

async fn cancel_import(
    _: Operator,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: Run,
) -> Result<Response, Problem> {
    cancel(&state, &headers, Kind::Import, run).await
}

async fn cancel_sync(
    _: Operator,
    State(state): State<ServerState>,
    headers: HeaderMap,
    run: Run,
) -> Result<Response, Problem> {
    cancel(&state, &headers, Kind::Sync, run).await
}

/// An import, or 404; one that takes back another is none.
pub async fn find_import(state: &ServerState, run: Run) -> Result<Kept, Problem> {
    let kept = find(state, Kind::Import, run).await?;
    match kept.kind == Kind::Import.name() {
        true => Ok(kept),
        false => {
            let what = format!("run {} takes back an import; it is none", kept.id);
            Err(Problem::new(StatusCode::NOT_FOUND, what))
        }
    }
}

/// A run of a kind, or 404.
pub async fn find(state: &ServerState, kind: Kind, run: Run) -> Result<Kept, Problem> {
    let none = || Problem::new(StatusCode::NOT_FOUND, format!("there is no such {}", kind.name()));
    let Path(run) = run.map_err(|_| none())?;
    crate::jobs::kept(&state.pool, kind, run).await?.ok_or_else(none)
}

/// 200 with the document once the run has ended, 202 with how far it has come until then.
fn shown(headers: &HeaderMap, kept: &Kept, document: Value) -> Response {
    match kept.finished_at {
        Some(_) => etag::tagged(headers, StatusCode::OK, document),
        None => {
            let mut response = etag::tagged(headers, StatusCode::ACCEPTED, document);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

/// The same, where an import tells how far its events have come by now; `exit_code` stays as the run ended.
pub async fn document_now(state: &ServerState, kept: &Kept, kind: Kind) -> Result<Value, Error> {
    let mut document = document(kept, kind);
    if kept.kind == Kind::Import.name() && kept.finished_at.is_some() && !kept.dry_run {
        timetable_import::history::bring_up_to_date(&state.pool, kept.id, &mut document).await?;
    }
    Ok(document)
}

/// The command's document (contract §3) and beside it how the run itself fared.
fn document(kept: &Kept, kind: Kind) -> Value {
    let mut document = match &kept.document {
        Some(document @ Value::Object(_)) => document.clone(),
        _ if kept.kind == UNDO => json!({ "dry_run": kept.dry_run, "undone_run": kept.subject.parse::<i64>().ok() }),
        _ => json!({ "dry_run": kept.dry_run, subject_key(kind): kept.subject }),
    };
    document["run_id"] = kept.id.into();
    document["state"] = json!(kept.state());
    document["exit_code"] = json!(kept.exit_code);
    document["started_at"] = json!(kept.started_at);
    document["finished_at"] = json!(kept.finished_at);
    // A path on the server is of no use to whoever asks over HTTP.
    if kind == Kind::Import && document["report"].is_string() {
        document["report"] = format!("{}/{}/report", kind.path(), kept.id).into();
    }
    document
}

fn subject_key(kind: Kind) -> &'static str {
    match kind {
        Kind::Import => "file",
        Kind::Sync => "entity",
    }
}

/// Runs of a kind, the latest first: `limit`, `cursor` → `{"results":[…],"next_cursor":…}`.
pub async fn list(state: &ServerState, kind: Kind, address: Pairs) -> Result<Response, Problem> {
    let (mut limit, mut before) = (PAGE, None);
    for (name, value) in pairs(address)? {
        let number = || {
            let number = value.parse::<i64>().ok().filter(|number| *number > 0);
            let wrong = || FieldError::new(format!("/{name}"), "invalid_value", format!("{name} is a positive number"));
            number.ok_or_else(|| Problem::fields(vec![wrong()]))
        };
        match name.as_str() {
            "limit" => limit = number()?.min(LONGEST_PAGE),
            "cursor" => before = Some(number()?),
            _ => {}
        }
    }
    let mut runs = crate::jobs::latest(&state.pool, kind, before, limit + 1).await?;
    let more = runs.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    runs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = runs.last().filter(|_| more).map(|run| run.id.to_string());
    let brief = |run: &Kept| {
        let counts = run.document.as_ref().map(|document| document["counts"].clone());
        json!({
            "run_id": run.id, subject_key(kind): run.subject, "dry_run": run.dry_run, "state": run.state(),
            "exit_code": run.exit_code, "started_at": run.started_at, "finished_at": run.finished_at, "counts": counts,
        })
    };
    let results: Vec<Value> = runs.iter().map(brief).collect();
    Ok(Json(json!({ "results": results, "next_cursor": next })).into_response())
}

async fn cancel(state: &ServerState, headers: &HeaderMap, kind: Kind, run: Run) -> Result<Response, Problem> {
    let kept = find(state, kind, run).await?;
    etag::check(headers, &document_now(state, &kept, kind).await?)?;
    if !kept.requested && kept.finished_at.is_none() {
        let detail = "this run belongs to a command; end that command where it runs";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    if kept.state() != RunState::Cancelled && !crate::jobs::cancel(&state.pool, kept.id).await? {
        return Err(Problem::new(StatusCode::CONFLICT, format!("this {} has ended already", kind.name())));
    }
    let now = crate::jobs::kept(&state.pool, kind, kept.id).await?.unwrap_or(kept);
    Ok((StatusCode::ACCEPTED, Json(json!({ "run_id": now.id, "state": now.state() }))).into_response())
}

/// The answer to asking: 202 with where the run is, also when it was asked before.
pub fn asked(asking: Asking, kind: Kind) -> Result<Response, Problem> {
    let (Asking::New(run) | Asking::Known(run)) = asking else {
        let detail = "this Idempotency-Key was used for another request; choose a new one";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    };
    let location = format!("{}/{run}", kind.path());
    let body = Json(json!({ "run_id": run, "state": RunState::Queued }));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], body).into_response())
}

/// The request's idempotency key, if it has one.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY);
    let detail = format!("Idempotency-Key takes 1 to {LONGEST_KEY} printable ASCII characters");
    key.map(Some).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, detail))
}
