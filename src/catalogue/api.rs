//! The catalogue over HTTP.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::copy::{CopyRequest, copy, document, subjects_by_code};
use super::resources::RESOURCES;
use super::store;
use crate::http::auth::Operator;
use crate::http::json::JsonBody;
use crate::http::openapi::ApiPart;
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

#[derive(utoipa::OpenApi)]
#[openapi(paths(copy_to))]
struct CatalogueRoutes;

/// Describes the routes. `is_public`: whether their readers need no token.
pub fn description(is_public: bool) -> ApiPart {
    let mut part = crate::resources::description::describe(&RESOURCES, is_public);
    part.extend(ApiPart::of(&<CatalogueRoutes as utoipa::OpenApi>::openapi()));
    let counts = |about: &str| {
        let count = json!({ "type": "integer", "minimum": 0 });
        json!({ "type": "object", "description": about, "additionalProperties": count, "example": { "prices": 12 } })
    };
    part.with_schema(
        "CopyCounts",
        json!({
            "type": "object", "required": ["dry_run", "counts", "unchanged"],
            "properties": {
                "dry_run": { "type": "boolean" },
                "counts": counts("Copied rows by kind."),
                "unchanged": counts("Rows by kind that existed already."),
            },
        }),
    )
}

/// The routes of the catalogue.
pub fn router(state: &ResourceState) -> Router {
    let copies = Router::new().route("/api/catalogue/exam-sessions/{id}/copy", post(copy_to)).with_state(state.clone());
    api::router(&RESOURCES, state).merge(copies)
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExamSessionCopy)]
struct CopyBody {
    /// Id of the exam session that is copied.
    from: i64,
    /// Codes of subjects. None: all.
    #[schema(example = json!(["CM2"]))]
    subjects: Option<Vec<String>>,
    /// Whether to count only.
    #[serde(default)]
    dry_run: bool,
}

/// Copy an exam session.
///
/// Copies subjects, store products, prices and bundles of another exam session to the one of the path. What exists there
/// already stays.
#[utoipa::path(
    post, path = "/api/catalogue/exam-sessions/{id}/copy", operation_id = "copyExamSession", tag = "catalogue",
    request_body = CopyBody,
    responses((status = 200, description = "What was copied.", body = ref("#/components/schemas/CopyCounts")))
)]
async fn copy_to(
    Operator(caller): Operator,
    State(state): State<ResourceState>,
    to: Result<Path<i64>, PathRejection>,
    JsonBody(body): JsonBody<CopyBody>,
) -> Result<Json<Value>, HttpProblem> {
    let mut transaction = state.begin(&caller).await?;
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
    state.commit(transaction).await?;
    Ok(Json(document(&counts, body.dry_run)))
}
