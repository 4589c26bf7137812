//! Unified search over HTTP.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::compose::SessionUrls;
use super::legacy::{self, DefaultData, FuzzyQuery, FuzzyResponse};
use super::query::answer::{AnswerBody, answer};
use super::query::{self, Query, description};
use super::read_model::follow::Follower;
use super::read_model::{Part, ReadModel};
use super::response::SearchResponse;
use crate::http::direct::DirectRoute;
use crate::http::etag;
use crate::http::json::JsonBody;
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::http::shared_body::shared_body;

const UNIFIED: &str = "/api/search/unified";
const CATALOGUE_VERSION: HeaderName = HeaderName::from_static("x-catalogue-version");

/// State shared by the search routes.
#[derive(Clone, Debug)]
pub struct SearchState {
    /// The read model.
    pub follower: Follower,
    /// Whether responses contain the URLs of online sessions.
    pub urls: SessionUrls,
    /// The time zone of the provider.
    pub zone: TimeZone,
}

impl SearchState {
    /// Returns the catalogue.
    ///
    /// # Errors
    /// 503 until it is loaded.
    pub fn model(&self) -> Result<Arc<ReadModel>, HttpProblem> {
        match self.follower.is_loaded() {
            true => Ok(self.follower.current()),
            false => {
                let detail = "the catalogue is not loaded yet: try again in a few seconds";
                Err(HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail))
            }
        }
    }
}

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    vec![
        (Method::GET, UNIFIED, query::get_parameters()),
        (Method::POST, UNIFIED, query::post_parameters()),
        (Method::GET, "/api/search/default-data", vec!["limit"]),
        (Method::GET, "/api/search/fuzzy", vec!["q", "min_score", "limit"]),
        (Method::GET, "/api/search/advanced-fuzzy", vec!["q", "subjects", "categories", "min_score", "limit"]),
    ]
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(unified_get, unified_post, default_data, fuzzy, advanced_fuzzy))]
struct SearchRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    let mut part = ApiPart::of(&<SearchRoutes as utoipa::OpenApi>::openapi());
    part.paths["/api/search/unified"]["get"]["parameters"] = description::get_parameters();
    part.paths["/api/search/unified"]["post"]["parameters"] = description::post_parameters();
    description::allow_chosen_members(&mut part.schemas);
    part.with_schema("SearchRequest", description::body())
}

/// Returns the routes of search.
pub fn router(state: SearchState) -> Router {
    Router::new()
        .route(UNIFIED, get(unified_get).post(unified_post))
        .route("/api/search/default-data", get(default_data))
        .route("/api/search/fuzzy", get(fuzzy))
        .route("/api/search/advanced-fuzzy", get(advanced_fuzzy))
        .layer(middleware::map_response_with_state(state.follower.clone(), with_age))
        .with_state(state)
}

/// Returns the route of a search with `GET`, as it is answered before the layers: what would be a problem is none.
pub fn direct_route(state: SearchState) -> DirectRoute {
    let known = query::get_parameters();
    DirectRoute::new(UNIFIED, move |uri, headers| {
        let Ok(axum::extract::Query(pairs)) = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri) else {
            return None;
        };
        let is_known = |name: &str| known.contains(&name);
        if !pairs.iter().all(|(name, _)| is_known(name)) {
            return None;
        }
        let query = Query::from_query_string(&pairs).ok()?;
        let mut response = unified(&state, headers, &query).ok()?;
        add_age(&state.follower, &mut response);
        Some(response)
    })
}

/// Says how old a response is while the database does not respond.
pub async fn with_age(State(follower): State<Follower>, mut response: Response) -> Response {
    add_age(&follower, &mut response);
    response
}

fn add_age(follower: &Follower, response: &mut Response) {
    let is_answer = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    if let Some(age) = follower.outage_age().filter(|_| is_answer) {
        response.headers_mut().insert(header::AGE, HeaderValue::from(age.as_secs()));
    }
}

/// Suggestions for an empty search box.
///
/// The first products of the catalogue, and the values of its filters.
#[utoipa::path(
    get, path = "/api/search/default-data", operation_id = "getSearchDefaults", tag = "search", security(()),
    params(("limit" = Option<u64>, Query, description = "Products to return; 5 if not given.", minimum = 1, maximum = 100)),
    responses((status = 200, description = "The suggestions.", body = DefaultData))
)]
async fn default_data(State(state): State<SearchState>, query_string: Pairs) -> Result<Response, HttpProblem> {
    let limit = legacy::parse_default_limit(&pairs(query_string)?).map_err(HttpProblem::fields)?;
    let model = state.model()?;
    Ok(Json(legacy::default_data(&model, limit, state.urls)).into_response())
}

/// Search for a text, with a minimum score.
///
/// An older search for existing programs. New ones use the unified search.
#[utoipa::path(
    get, path = "/api/search/fuzzy", operation_id = "searchFuzzy", tag = "search", security(()),
    params(
        ("q" = String, Query, description = "The text, at least two characters.", min_length = 2, example = "cm2 london"),
        ("min_score" = Option<u64>, Query, description = "Least score of a result; 60 if not given.", minimum = 0, maximum = 100),
        ("limit" = Option<u64>, Query, description = "Products to return; 50 if not given.", minimum = 1, maximum = 100)
    ),
    responses((status = 200, description = "The products found.", body = FuzzyResponse))
)]
async fn fuzzy(State(state): State<SearchState>, query_string: Pairs) -> Result<Response, HttpProblem> {
    let query = FuzzyQuery::parse_fuzzy(&pairs(query_string)?).map_err(HttpProblem::fields)?;
    let model = state.model()?;
    Ok(Json(legacy::fuzzy_search(&model, &query, "fuzzy", state.urls)).into_response())
}

/// Search for a text with filters, with a minimum score.
///
/// An older search for existing programs. New ones use the unified search.
#[utoipa::path(
    get, path = "/api/search/advanced-fuzzy", operation_id = "searchAdvancedFuzzy", tag = "search", security(()),
    params(
        ("q" = Option<String>, Query, description = "The text.", example = "london"),
        ("subjects" = Option<String>, Query, description = "Ids of subjects, with commas.", pattern = "^[0-9]{1,18}(,[0-9]{1,18})*$", example = "1,2"),
        ("categories" = Option<String>, Query, description = "Ids of groups, with commas.", pattern = "^[0-9]{1,18}(,[0-9]{1,18})*$", example = "3"),
        ("min_score" = Option<u64>, Query, description = "Least score of a result; 60 if not given.", minimum = 0, maximum = 100),
        ("limit" = Option<u64>, Query, description = "Products to return; 50 if not given.", minimum = 1, maximum = 100)
    ),
    responses((status = 200, description = "The products found.", body = FuzzyResponse))
)]
async fn advanced_fuzzy(State(state): State<SearchState>, query_string: Pairs) -> Result<Response, HttpProblem> {
    let query = FuzzyQuery::parse_advanced(&pairs(query_string)?).map_err(HttpProblem::fields)?;
    let model = state.model()?;
    Ok(Json(legacy::fuzzy_search(&model, &query, "fuzzy_with_filters", state.urls)).into_response())
}

/// Search products, events and bundles.
///
/// Finds words of products, subjects, event codes, venues, locations, instructors and session titles, with typing errors
/// and unfinished words. The counts of filters follow the text.
#[utoipa::path(
    get, path = "/api/search/unified", operation_id = "search", tag = "search", security(()),
    responses((
        status = 200, description = "One page of results.", body = SearchResponse,
        headers(("Age" = i64, description = "Seconds since the database last responded, while it does not."),
                ("ETag" = String, description = "Version of the response, a weak one."),
                ("X-Catalogue-Version" = i64, description = "Version of the catalogue."))
    ))
)]
async fn unified_get(
    State(state): State<SearchState>,
    headers: HeaderMap,
    query_string: Pairs,
) -> Result<Response, HttpProblem> {
    let query = Query::from_query_string(&pairs(query_string)?).map_err(HttpProblem::fields)?;
    unified(&state, &headers, &query)
}

/// Search with a body.
///
/// The same search as with GET, for clients with many filters.
#[utoipa::path(
    post, path = "/api/search/unified", operation_id = "searchWithBody", tag = "search", security(()),
    request_body(content = ref("#/components/schemas/SearchRequest"), description = "All members are optional."),
    responses(
        (status = 200, description = "One page of results.", body = SearchResponse,
         headers(("Age" = i64, description = "Seconds since the database last responded, while it does not."),
                 ("ETag" = String, description = "Version of the response, a weak one."),
                 ("X-Catalogue-Version" = i64, description = "Version of the catalogue."))),
        (status = 304, description = "The client has this response.")
    )
)]
async fn unified_post(
    State(state): State<SearchState>,
    headers: HeaderMap,
    query_string: Pairs,
    body: Option<JsonBody<Value>>,
) -> Result<Response, HttpProblem> {
    let body = body.map_or_else(|| Value::Object(Map::new()), |JsonBody(body)| body);
    let query = Query::from_json(&body, &pairs(query_string)?).map_err(HttpProblem::fields)?;
    unified(&state, &headers, &query)
}

fn unified(state: &SearchState, headers: &HeaderMap, query: &Query) -> Result<Response, HttpProblem> {
    let started = Instant::now();
    let model = state.model()?;
    let tag = entity_tag(&model, (state.urls, &state.zone), query, Timestamp::now());
    if etag::matches_if_none_match(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, version_headers(&model, &tag)).into_response());
    }
    let AnswerBody { shared, own } = answer(&model, query, state.urls, started);
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((content_type, version_headers(&model, &tag), shared_body(shared, own)).into_response())
}

fn version_headers(model: &ReadModel, tag: &str) -> [(HeaderName, HeaderValue); 3] {
    [
        (header::ETAG, HeaderValue::from_str(tag).unwrap_or(HeaderValue::from_static("W/\"0\""))),
        (CATALOGUE_VERSION, HeaderValue::from(model.version)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ]
}

/// Returns the entity tag: the catalogue version and a hash of query and URL visibility, the same in every process.
///
/// Events end while the catalogue stays the same. Where a request depends on that, the tag has the local date too, and the
/// hash the number of events that are over: they end at the end of a day of their own zones.
///
/// The tag is weak (RFC 9110 §8.8.1) because `performance.duration` differs between otherwise equal responses.
fn entity_tag(model: &ReadModel, (urls, zone): (SessionUrls, &TimeZone), query: &Query, now: Timestamp) -> String {
    let is_dated = query.filters.available.is_some();
    let over = |part: &Part| part.segment.events.over(now.as_second()).len();
    let over: Option<usize> = is_dated.then(|| model.parts().iter().map(over).sum());
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), urls, query, over).hash(&mut hasher);
    let (version, hash) = (model.version, hasher.finish());
    match is_dated {
        true => format!("W/\"{version}-{}-{hash:016x}\"", now.to_zoned(zone.clone()).date()),
        false => format!("W/\"{version}-{hash:016x}\""),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::search::read_model::rows::CatalogueRows;

    #[test]
    fn entity_tag_depends_on_all_that_the_answer_depends_on() {
        let model = |version| ReadModel::build(CatalogueRows { version, ..CatalogueRows::default() });
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let (visible, hidden) = ((SessionUrls::Visible, &zone), (SessionUrls::Hidden, &zone));
        let (notes, text) = (Query::for_text("notes"), Query::for_text("text"));
        let mut available = notes.clone();
        available.filters.available = Some(true);
        // In London it is the next day already.
        let evening: Timestamp = "2027-06-30T23:30:00Z".parse().expect("a time");
        let first = entity_tag(&model(1), visible, &notes, evening);
        assert_eq!(first, entity_tag(&model(1), visible, &notes, evening + 24.hours()));
        let dated = entity_tag(&model(1), visible, &available, evening);
        assert!(dated.contains("2027-07-01"), "{dated}");
        for different in [
            entity_tag(&model(2), visible, &notes, evening),
            entity_tag(&model(1), hidden, &notes, evening),
            entity_tag(&model(1), visible, &text, evening),
            dated.clone(),
        ] {
            assert_ne!(first, different);
        }
        assert_ne!(dated, entity_tag(&model(1), visible, &available, evening + 24.hours()));
    }
}
