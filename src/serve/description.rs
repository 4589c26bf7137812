//! The description of the API: its document, and a page that shows it.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::{docs, health};
use crate::config::Config;
use crate::http::etag::with_etag;
use crate::http::openapi::{self, ApiPart};
use crate::http::page::page;
use crate::http::parameters::RouteParameters;
use crate::{catalogue, changes, delivery, history, search, sync, timetable_import, tutorials, webhooks};

/// Returns the description of all routes.
pub fn document(config: &Config) -> Value {
    openapi::document([
        search::api::description(),
        search::shop::api::description(),
        changes::api::description(),
        catalogue::api::description(config.public_catalogue),
        tutorials::api::description(),
        timetable_import::api::description(),
        timetable_import::mapping::api::description(),
        search::synonyms::api::description(),
        sync::api::description(),
        delivery::api::description(),
        history::api::description(),
        webhooks::api::description(),
        health::description(),
        ApiPart::of(&<DescriptionRoutes as utoipa::OpenApi>::openapi())
            .with_schema("OpenApi", json!({ "type": "object", "description": "An OpenAPI document." })),
    ])
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(show_document, show_page))]
struct DescriptionRoutes;

/// The document and the page, made when one of them is read for the first time.
#[derive(Clone, Debug)]
struct DescriptionState {
    config: Arc<Config>,
    made: Arc<OnceLock<(Value, String)>>,
}

impl DescriptionState {
    fn made(&self) -> &(Value, String) {
        self.made.get_or_init(|| {
            let document = document(&self.config);
            let page = docs::render(&document, &address(&self.config));
            (document, page)
        })
    }
}

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    vec![(Method::GET, "/api/openapi.json", Vec::new())]
}

/// Returns the routes.
pub fn router(config: Arc<Config>) -> Router {
    let state = DescriptionState { config, made: Arc::default() };
    Router::new().route("/api/openapi.json", get(show_document)).route("/docs", get(show_page)).with_state(state)
}

/// Returns the address at which programs reach this server.
fn address(config: &Config) -> String {
    match config.public_url.trim_end_matches('/') {
        "" => format!("http://{}", config.bind),
        public => public.to_owned(),
    }
}

/// Read this description.
///
/// The OpenAPI 3.1 document that `lectern openapi` prints.
#[utoipa::path(
    get, path = "/api/openapi.json", operation_id = "getDescription", tag = "service", security(()),
    responses((
        status = 200, description = "The document.", body = ref("#/components/schemas/OpenApi"),
        headers(("ETag" = String, description = "Version of the document."))
    ))
)]
async fn show_document(State(state): State<DescriptionState>, headers: HeaderMap) -> Response {
    with_etag(&headers, StatusCode::OK, state.made().0.clone())
}

/// Read this description as a page.
///
/// One page without scripts, which loads nothing from other hosts.
#[utoipa::path(
    get, path = "/docs", operation_id = "getDescriptionPage", tag = "service", security(()),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
async fn show_page(State(state): State<DescriptionState>) -> Response {
    page(StatusCode::OK, state.made().1.clone())
}
