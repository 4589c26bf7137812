//! The corrections of a dry run over HTTP: read and replace.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::change::{self, document};
use super::{CellCorrection, store};
use crate::http::auth::{Operator, Reader};
use crate::http::json::JsonBody;
use crate::http::openapi::ApiPart;
use crate::http::problem::HttpProblem;
use crate::http::state::ServerState;
use crate::jobs::api::{RunPath, find};
use crate::timetable_import::job::IMPORTS;

#[derive(utoipa::OpenApi)]
#[openapi(paths(show, replace))]
struct CorrectionRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    let text = json!({ "type": "string" });
    let correction = json!({
        "type": "object", "required": ["sheet", "cell", "value", "original", "changed_by", "changed_at"],
        "properties": {
            "sheet": text, "cell": { "type": "string", "example": "E4" }, "value": text,
            "original": { "type": ["string", "null"], "description": "What the file contains; null: a blank cell." },
            "changed_by": { "type": "string", "description": "Name of the login or token." },
            "changed_at": { "type": "string", "format": "date-time" },
        },
    });
    ApiPart::of(&<CorrectionRoutes as utoipa::OpenApi>::openapi()).with_schema(
        "ImportCorrections",
        json!({
            "type": "object", "required": ["run_id", "corrections"],
            "properties": {
                "run_id": { "type": "integer", "format": "int64" },
                "corrections": { "type": "array", "items": correction },
            },
        }),
    )
}

/// Read the corrections of an import.
///
/// The cells that are read otherwise than the file contains them.
#[utoipa::path(
    get, path = "/api/imports/{run}/corrections", operation_id = "getCorrections", tag = "imports",
    responses((status = 200, description = "The corrections.", body = ref("#/components/schemas/ImportCorrections")))
)]
pub async fn show(_: Reader, State(state): State<ServerState>, run: RunPath) -> Result<Response, HttpProblem> {
    let run = find(&state.pool, &IMPORTS, run).await?.id;
    let corrections = store::of_run(&state.pool, run).await?;
    Ok(Json(document(run, &corrections)).into_response())
}

/// Correct cells of a planned import.
///
/// Replaces all corrections of a dry run, whose plan is then made again. The file stays as it was.
#[utoipa::path(
    put, path = "/api/imports/{run}/corrections", operation_id = "putCorrections", tag = "imports",
    request_body = Vec<CellCorrection>,
    responses((status = 200, description = "The corrections.", body = ref("#/components/schemas/ImportCorrections")))
)]
pub async fn replace(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    run: RunPath,
    JsonBody(body): JsonBody<Vec<CellCorrection>>,
) -> Result<Response, HttpProblem> {
    let run = find(&state.pool, &IMPORTS, run).await?;
    let id = run.id;
    let corrections = change::replace(&state, &caller, run, body).await?;
    Ok((StatusCode::OK, Json(document(id, &corrections))).into_response())
}
