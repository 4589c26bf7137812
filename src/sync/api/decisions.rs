//! Decisions on which records belong together, over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Entity;
use super::super::matching::LocalRecord;
use super::super::overrides::{self, MatchDecision};
use crate::error::Error;
use crate::history::{self, Interface};
use crate::http::auth::{Operator, Reader};
use crate::http::json::JsonBody;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::{Pairs, pairs};
use crate::http::state::ServerState;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MatchDecision)]
pub(super) struct MatchDecisionBody {
    /// The name as on the command line.
    #[schema(example = "locations")]
    entity: String,
    /// `link`: they are the same record. `unlink`: they are not. `ignore`: they are left out. `unignore`: they are matched again.
    #[schema(example = "ignore")]
    decision: String,
    /// The local record, by id, name or code. `ignore` and `unignore` need only one of the two records.
    #[serde(default)]
    local: Option<String>,
    /// Id of the record in Administrate.
    #[serde(default)]
    external_id: Option<String>,
}

/// Returns the schemas of the responses, by name.
pub(super) fn schemas() -> [(&'static str, Value); 2] {
    let name = || json!({ "type": ["string", "null"], "example": "London" });
    let id = || json!({ "type": ["integer", "null"], "format": "int64" });
    let external = || json!({ "type": ["string", "null"], "description": "Id in Administrate; null: a local record." });
    let entity = || json!({ "type": "string", "example": "locations" });
    let stored = json!({
        "type": "object", "required": ["entity", "decision", "local", "external_id"],
        "properties": {
            "entity": entity(),
            "decision": { "type": "string", "enum": ["link", "unlink", "ignore", "unignore"] },
            "local": {
                "type": ["object", "null"], "properties": { "id": id(), "name": name() },
            },
            "external_id": external(),
        },
    });
    let ignored = json!({
        "type": "object", "required": ["results"],
        "properties": {
            "results": {
                "type": "array",
                "items": {
                    "type": "object", "required": ["entity", "id", "external_id", "name"],
                    "properties": { "entity": entity(), "id": id(), "external_id": external(), "name": name() },
                },
            },
        },
    });
    [("StoredMatchDecision", stored), ("IgnoredRecords", ignored)]
}

fn invalid(pointer: &str, message: impl Into<String>) -> HttpProblem {
    HttpProblem::fields(FieldError::new(pointer, "invalid_value", message)).as_status(StatusCode::UNPROCESSABLE_ENTITY)
}

/// Decide on a match.
///
/// Every later sync respects the decision.
#[utoipa::path(
    post, path = "/api/syncs/decisions", operation_id = "decideMatch", tag = "syncs", request_body = MatchDecisionBody,
    responses(
        (status = 200, description = "The decision is stored.", body = ref("#/components/schemas/StoredMatchDecision")),
        (status = 422, description = "A record is missing or unknown.")
    )
)]
pub(super) async fn decide(
    Operator(caller): Operator,
    State(state): State<ServerState>,
    JsonBody(body): JsonBody<MatchDecisionBody>,
) -> Result<Response, HttpProblem> {
    let entity: Entity = body.entity.parse().map_err(|reason: String| invalid("/entity", reason))?;
    let decision = MatchDecision::named(&body.decision)
        .ok_or_else(|| invalid("/decision", "it is none of link, unlink, ignore and unignore"))?;
    let (local, external) = (body.local.unwrap_or_default(), body.external_id.unwrap_or_default());
    let mut db = state.pool.begin().await.map_err(Error::from)?;
    history::sign(&mut db, &caller.name, Interface::Http).await?;
    let decided = overrides::decide(&mut db, (entity, decision), (&local, &external)).await;
    let decided = decided.map_err(|error| match error {
        Error::Usage(reason) => HttpProblem::new(StatusCode::UNPROCESSABLE_ENTITY, reason),
        error => error.into(),
    })?;
    db.commit().await.map_err(Error::from)?;
    let document = json!({
        "entity": entity,
        "decision": decision.name(),
        "local": decided.local.map(|record| LocalRecord::new(record.id, record.name)),
        "external_id": decided.external,
    });
    Ok(Json(document).into_response())
}

/// List ignored records.
///
/// They are left out of matching and reports. Local records come first.
#[utoipa::path(
    get, path = "/api/syncs/ignored", operation_id = "listIgnoredRecords", tag = "syncs",
    params(("entity" = Option<String>, Query, description = "Only records of this entity.", example = "locations")),
    responses((status = 200, description = "The records.", body = ref("#/components/schemas/IgnoredRecords")))
)]
pub(super) async fn list_ignored(
    _: Reader,
    State(state): State<ServerState>,
    query: Pairs,
) -> Result<Response, HttpProblem> {
    let mut chosen: Option<Entity> = None;
    for (name, value) in pairs(query)? {
        if name == "entity" {
            let unknown = |reason: String| HttpProblem::fields(FieldError::new("/entity", "unknown_entity", reason));
            chosen = Some(value.parse().map_err(unknown)?);
        }
    }
    let mut db = state.pool.acquire().await.map_err(Error::from)?;
    let mut found = Vec::new();
    for entity in Entity::each().filter(|one| chosen.is_none_or(|chosen| chosen == *one)) {
        found.extend(overrides::ignored(&mut db, entity).await?);
    }
    Ok(Json(json!({ "results": found })).into_response())
}
