//! The routes that the shop calls.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};

use super::filters::{FilterSetting, filter_configuration};
use super::navigation::{NavigationData, navigation_data};
use super::suggestions::{Suggestions, suggestions};
use super::tutorials::{self, OfferedTutorial, ShopEvent, ShopVariation, TutorialProduct};
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::http::problem::{FieldError, FieldErrors, HttpProblem};
use crate::http::query::{Pairs, pairs};
use crate::search::api::{SearchState, with_age};

/// The day on which these routes were deprecated (RFC 9745), in seconds.
const DEPRECATED: &str = "@1795996800";
const SUCCESSOR: &str = "</docs#search>; rel=\"deprecation\"; type=\"text/html\"";

/// Products of a suggestion if the request does not say, and at most.
const SUGGESTED: u64 = 50;
const MAX_SUGGESTED: u64 = 100;

#[derive(utoipa::OpenApi)]
#[openapi(paths(suggest, navigation, configuration, list, products, all_products, variations, comprehensive))]
struct ShopRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    let mut part = ApiPart::of(&<ShopRoutes as utoipa::OpenApi>::openapi());
    for operation in part.paths.values_mut() {
        operation["get"]["deprecated"] = true.into();
        operation["get"]["responses"]["200"]["headers"] =
            serde_json::json!({ "Deprecation": { "$ref": "#/components/headers/Deprecation" } });
    }
    part
}

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    vec![
        (Method::GET, "/api/catalog/search", vec!["q", "limit"]),
        (Method::GET, "/api/products/filter-configuration", vec!["types"]),
        (Method::GET, "/api/tutorials/list", vec!["subject_code"]),
        (Method::GET, "/api/tutorials/products", vec!["exam_session", "subject_code"]),
        (Method::GET, "/api/tutorials/products/{product}/variations", vec!["subject_code"]),
    ]
}

/// Returns the routes.
pub fn router(state: SearchState) -> Router {
    Router::new()
        .route("/api/catalog/search", get(suggest))
        .route("/api/catalog/navigation-data", get(navigation))
        .route("/api/products/filter-configuration", get(configuration))
        .route("/api/tutorials/list", get(list))
        .route("/api/tutorials/products", get(products))
        .route("/api/tutorials/products/all", get(all_products))
        .route("/api/tutorials/products/{product}/variations", get(variations))
        .route("/api/tutorials/data/comprehensive", get(comprehensive))
        .layer(middleware::map_response(deprecated))
        .layer(middleware::map_response_with_state(state.follower.clone(), with_age))
        .with_state(state)
}

/// Says that a route is only for existing programs.
async fn deprecated(mut response: Response) -> Response {
    response.headers_mut().insert("deprecation", HeaderValue::from_static(DEPRECATED));
    response.headers_mut().append(header::LINK, HeaderValue::from_static(SUCCESSOR));
    response
}

/// Returns the value of a parameter, trimmed; an empty one is not given.
fn value<'a>(given: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = given.iter().find(|(known, _)| known == name)?;
    Some(found.1.trim()).filter(|value| !value.is_empty())
}

/// Suggest subjects, groups and products for a text.
///
/// A text with fewer than two characters finds nothing.
#[utoipa::path(
    get, path = "/api/catalog/search", operation_id = "shopSuggest", tag = "shop", security(()),
    params(
        ("q" = Option<String>, Query, description = "The text.", example = "cm2 london"),
        ("limit" = Option<u64>, Query, description = "Products to return; 50 if not given.", minimum = 1, maximum = 100)
    ),
    responses((status = 200, description = "The suggestions.", body = Suggestions))
)]
async fn suggest(State(state): State<SearchState>, address: Pairs) -> Result<Response, HttpProblem> {
    let given = pairs(address)?;
    let limit = match value(&given, "limit") {
        None => SUGGESTED,
        Some(text) => text.parse().ok().filter(|number| (1..=MAX_SUGGESTED).contains(number)).ok_or_else(|| {
            let message = format!("must be a whole number from 1 to {MAX_SUGGESTED}");
            HttpProblem::fields(FieldError::new("/limit", "invalid_value", message))
        })?,
    };
    let model = state.model()?;
    Ok(Json(suggestions(&model, value(&given, "q").unwrap_or_default(), limit, state.urls)).into_response())
}

/// What the menu of the shop shows.
///
/// Subjects, groups with their products, and locations and formats of tutorials.
#[utoipa::path(
    get, path = "/api/catalog/navigation-data", operation_id = "shopNavigation", tag = "shop", security(()),
    responses((status = 200, description = "The entries of the menu.", body = NavigationData))
)]
async fn navigation(State(state): State<SearchState>) -> Result<Response, HttpProblem> {
    Ok(Json(navigation_data(&*state.model()?)).into_response())
}

/// The filters of the shop by name.
///
/// Only active filters, each with the groups that it offers.
#[utoipa::path(
    get, path = "/api/products/filter-configuration", operation_id = "shopFilters", tag = "shop", security(()),
    params(("types" = Option<String>, Query, description = "Types of filters, with commas; none: all.", example = "filter_group")),
    responses((status = 200, description = "The filters.", body = std::collections::BTreeMap<String, FilterSetting>))
)]
async fn configuration(State(state): State<SearchState>, address: Pairs) -> Result<Response, HttpProblem> {
    let given = pairs(address)?;
    let types: Vec<&str> = given.iter().flat_map(|(_, types)| types.split(',')).map(str::trim).collect();
    let types: Vec<&str> = types.into_iter().filter(|kind| !kind.is_empty()).collect();
    Ok(Json(filter_configuration(&*state.model()?, &types)).into_response())
}

/// List tutorial events.
///
/// A bare list by start and code, of one subject or of all.
#[utoipa::path(
    get, path = "/api/tutorials/list", operation_id = "shopListEvents", tag = "shop", security(()),
    params(("subject_code" = Option<String>, Query, description = "Code of the subject.", example = "CM2")),
    responses((status = 200, description = "The events.", body = [ShopEvent]))
)]
async fn list(State(state): State<SearchState>, address: Pairs) -> Result<Response, HttpProblem> {
    let given = pairs(address)?;
    Ok(Json(tutorials::events(&*state.model()?, value(&given, "subject_code"))).into_response())
}

/// List the tutorials of a subject in an exam session.
///
/// Both parameters are required.
#[utoipa::path(
    get, path = "/api/tutorials/products", operation_id = "shopListTutorials", tag = "shop", security(()),
    params(
        ("exam_session" = String, Query, description = "Code or id of the exam session.", example = "2026-04"),
        ("subject_code" = String, Query, description = "Code of the subject.", example = "CM2")
    ),
    responses((status = 200, description = "The products.", body = [TutorialProduct]))
)]
async fn products(State(state): State<SearchState>, address: Pairs) -> Result<Response, HttpProblem> {
    let given = pairs(address)?;
    let (session, subject) = (value(&given, "exam_session"), value(&given, "subject_code"));
    let (Some(session), Some(subject)) = (session, subject) else {
        let missing =
            [("exam_session", session), ("subject_code", subject)].into_iter().filter(|(_, given)| given.is_none());
        let errors =
            missing.map(|(name, _)| FieldError::new(format!("/{name}"), "missing_value", "the parameter is required"));
        return Err(HttpProblem::fields(errors.collect::<FieldErrors>()));
    };
    Ok(Json(tutorials::products(&*state.model()?, Some((session, subject)))).into_response())
}

/// List all tutorials.
///
/// Each subject with each tutorial product that is on sale.
#[utoipa::path(
    get, path = "/api/tutorials/products/all", operation_id = "shopListAllTutorials", tag = "shop", security(()),
    responses((status = 200, description = "The products.", body = [TutorialProduct]))
)]
async fn all_products(State(state): State<SearchState>) -> Result<Response, HttpProblem> {
    Ok(Json(tutorials::products(&*state.model()?, None)).into_response())
}

/// List the variations of a tutorial.
///
/// Those that are on sale, of one subject or of all.
#[utoipa::path(
    get, path = "/api/tutorials/products/{product}/variations", operation_id = "shopListVariations", tag = "shop",
    security(()),
    params(("subject_code" = Option<String>, Query, description = "Code of the subject.", example = "CM2")),
    responses((status = 200, description = "The variations.", body = [ShopVariation]))
)]
async fn variations(
    State(state): State<SearchState>,
    product: Result<Path<i64>, PathRejection>,
    address: Pairs,
) -> Result<Response, HttpProblem> {
    let given = pairs(address)?;
    let not_found = || HttpProblem::new(StatusCode::NOT_FOUND, "there is no such tutorial on sale");
    let Path(product) = product.map_err(|_| not_found())?;
    let model = state.model()?;
    let found = tutorials::variations(&model, product, value(&given, "subject_code")).ok_or_else(not_found)?;
    Ok(Json(found).into_response())
}

/// All tutorials with their variations and events.
///
/// One entry for each subject and tutorial product.
#[utoipa::path(
    get, path = "/api/tutorials/data/comprehensive", operation_id = "shopTutorialData", tag = "shop", security(()),
    responses((status = 200, description = "The tutorials.", body = [OfferedTutorial]))
)]
async fn comprehensive(State(state): State<SearchState>) -> Result<Response, HttpProblem> {
    Ok(Json(tutorials::offers(&*state.model()?)).into_response())
}
