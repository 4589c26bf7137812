//! The catalogue over HTTP.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;

use super::copy::{CopyRequest, copy, document, subjects_by_code};
use super::resources::RESOURCES;
use super::store;
use crate::error::Error;
use crate::http::auth::Operator;
use crate::http::json::JsonBody;
use crate::http::parameters::RouteParameters;
use crate::http::problem::HttpProblem;
use crate::resources::api::{self, ResourceState};
use crate::resources::problems::Problems;

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    let mut known = api::parameters(&RESOURCES);
    known.push((Method::POST, "/api/catalogue/exam-sessions/{id}/copy", vec![]));
    known
}

/// The routes of the catalogue.
pub fn router(state: &ResourceState) -> Router {
    let copies = Router::new().route("/api/catalogue/exam-sessions/{id}/copy", post(copy_to)).with_state(state.clone());
    api::router(&RESOURCES, state).merge(copies)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CopyBody {
    /// Id of the exam session that is copied.
    from: i64,
    /// Codes of subjects. None: all.
    subjects: Option<Vec<String>>,
    #[serde(default)]
    dry_run: bool,
}

/// Copies to the exam session of the path.
async fn copy_to(
    _: Operator,
    State(state): State<ResourceState>,
    to: Result<Path<i64>, PathRejection>,
    JsonBody(body): JsonBody<CopyBody>,
) -> Result<Json<Value>, HttpProblem> {
    let mut transaction = state.server.pool.begin().await.map_err(Error::from)?;
    let known = store::exam_sessions(&mut transaction).await?;
    let is_known = |id: i64| known.iter().any(|(known, _)| *known == id);
    let to = to.ok().map(|Path(id)| id).filter(|id| is_known(*id));
    let to = to.ok_or_else(|| HttpProblem::new(StatusCode::NOT_FOUND, "there is no such exam session"))?;
    let mut problems = Problems::default();
    if !is_known(body.from) {
        problems.violated("/from", "unknown_reference", format!("there is no exam session {}", body.from));
    }
    if body.from == to {
        problems.violated("/from", "invalid_value", "is the exam session that receives the copies");
    }
    let mut subjects = None;
    if let Some(codes) = &body.subjects {
        match subjects_by_code(&mut transaction, codes).await? {
            Ok(ids) => subjects = Some(ids),
            Err(unknown) => {
                for at in unknown {
                    let message = format!("there is no subject \"{}\"", codes[at]);
                    problems.violated(format!("/subjects/{at}"), "unknown_reference", message);
                }
            }
        }
    }
    problems.check()?;
    let request = CopyRequest { from: body.from, to, subjects, is_dry_run: body.dry_run };
    let counts = copy(&mut transaction, &request).await?;
    transaction.commit().await.map_err(Error::from)?;
    (state.refresh)().await;
    Ok(Json(document(&counts, body.dry_run)))
}
