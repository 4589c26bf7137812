//! The history of an event over HTTP.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::store;
use crate::error::Error;
use crate::http::auth::Reader;
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::{Pairs, pairs};
use crate::http::state::ServerState;

const PATH: &str = "/api/tutorials/events/{id}/history";

/// Changes of a page if the request does not say.
const PAGE_SIZE: i64 = 50;

/// The most changes of a page.
const MAX_PAGE_SIZE: i64 = 200;

/// Columns that only say that another one has changed.
const TIMES: [&str; 2] = ["updated_at", "modified_date"];

#[derive(utoipa::OpenApi)]
#[openapi(paths(list))]
struct HistoryRoutes;

/// Describes the route.
pub fn description() -> ApiPart {
    let any = |about: &str| json!({ "description": about, "example": "London" });
    let change = json!({
        "type": "object", "required": ["field", "old", "new"],
        "properties": {
            "field": { "type": "string", "example": "code" }, "old": any("Value before; null for a new row."),
            "new": any("Value after; null for a deleted row."),
        },
    });
    let entry = json!({
        "type": "object",
        "required": ["id", "at", "actor", "interface", "run_id", "table", "row", "action", "changes", "note"],
        "properties": {
            "id": { "type": "integer", "format": "int64" },
            "at": { "type": "string", "format": "date-time" },
            "actor": { "type": "string", "description": "Name of the token, user or database role.", "example": "shop" },
            "interface": { "type": "string", "enum": ["http", "cli", "import", "sync", "sql"] },
            "run_id": { "type": ["integer", "null"], "format": "int64", "description": "The import or sync; null: none." },
            "table": { "type": "string", "example": "acted.tutorial_events" },
            "row": { "type": "string", "description": "Key of the row.", "example": "12" },
            "action": { "type": "string", "enum": ["insert", "update", "delete", "truncate"], "example": "update" },
            "changes": { "type": "array", "items": change },
            "note": { "type": ["string", "null"], "description": "What the change was allowed to do; null: nothing special.",
                      "example": null },
        },
    });
    let address = || json!({ "type": ["string", "null"], "description": "Address of the page; null: there is none." });
    ApiPart::of(&<HistoryRoutes as utoipa::OpenApi>::openapi()).with_schema(
        "EventHistory",
        json!({
            "type": "object", "required": ["count", "next", "previous", "results"],
            "properties": {
                "count": { "type": "integer", "minimum": 0 }, "next": address(), "previous": address(),
                "results": { "type": "array", "items": entry },
            },
        }),
    )
}

/// The parameters that the route knows.
pub fn parameters() -> Vec<RouteParameters> {
    vec![(Method::GET, PATH, vec!["page", "page_size"])]
}

/// Returns the route.
pub fn router(state: ServerState) -> Router {
    Router::new().route(PATH, get(list)).with_state(state)
}

/// List the changes of an event.
///
/// Who changed what, when and through which interface, latest first: the event, its sessions and their instructors, also
/// those that are deleted.
#[utoipa::path(
    get, path = "/api/tutorials/events/{id}/history", operation_id = "listEventHistory", tag = "tutorials",
    params(
        ("page" = Option<i64>, Query, description = "Number of the page, from 1.", minimum = 1, maximum = 2147483647),
        ("page_size" = Option<i64>, Query, description = "Changes of a page.", minimum = 1, maximum = 200)
    ),
    responses((status = 200, description = "One page of changes.", body = ref("#/components/schemas/EventHistory")))
)]
async fn list(
    _: Reader,
    State(state): State<ServerState>,
    event: Result<Path<i64>, PathRejection>,
    headers: axum::http::HeaderMap,
    address: Pairs,
) -> Result<Json<Value>, HttpProblem> {
    let not_found = || HttpProblem::new(StatusCode::NOT_FOUND, "there is no such event");
    let Path(event) = event.map_err(|_| not_found())?;
    let (mut page, mut size) = (1, PAGE_SIZE);
    for (name, value) in pairs(address)? {
        let number = |max: i64| {
            let number = value.parse::<i64>().ok().filter(|number| (1..=max).contains(number));
            let message = format!("must be an integer from 1 to {max}");
            number.ok_or_else(|| HttpProblem::fields(FieldError::new(format!("/{name}"), "invalid_value", message)))
        };
        match name.as_str() {
            "page" => page = number(i64::from(i32::MAX))?,
            "page_size" => size = number(MAX_PAGE_SIZE)?,
            _ => {}
        }
    }
    let mut db = state.pool.acquire().await.map_err(Error::from)?;
    let (count, changes) = store::page(&mut db, event, size, (page - 1) * size).await?;
    if count == 0 && !store::exists(&mut db, event).await? {
        return Err(not_found());
    }
    let base = crate::http::query::base_url(&state.config.public_url, &headers);
    let link = |page: i64| format!("{base}/api/tutorials/events/{event}/history/?page={page}&page_size={size}");
    let last = ((count - 1) / size + 1).max(1);
    let next = (page < last).then(|| link(page + 1));
    let previous = (page > 1).then(|| link((page - 1).min(last)));
    let results: Vec<Value> = changes.into_iter().map(entry).collect();
    Ok(Json(json!({ "count": count, "next": next, "previous": previous, "results": results })))
}

/// Replaces the values before and after by a list of changed fields.
pub fn entry(mut stored: Value) -> Value {
    let taken = |value: Value| if let Value::Object(values) = value { values } else { Map::new() };
    let (old, new) = (taken(stored["old"].take()), taken(stored["new"].take()));
    let mut names: Vec<&String> = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))).collect();
    names.retain(|name| !TIMES.contains(&name.as_str()));
    let value = |values: &Map<String, Value>, name: &str| values.get(name).cloned().unwrap_or_default();
    let changes =
        names.into_iter().map(|name| json!({ "field": name, "old": value(&old, name), "new": value(&new, name) }));
    stored["changes"] = changes.collect();
    if let Some(entry) = stored.as_object_mut() {
        entry.remove("old");
        entry.remove("new");
    }
    stored
}
