//! Unified search over HTTP.

use std::time::Instant;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Address, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::compose::SessionUrls;
use super::legacy::{self, FuzzyQuery};
use super::query::Query;
use super::query::search::answer;
use super::read_model::Catalogue;
use super::read_model::follow::Follower;
use crate::server::etag;
use crate::server::json::JsonBody;
use crate::server::problem::{FieldError, Problem};

const CATALOGUE_VERSION: HeaderName = HeaderName::from_static("x-catalogue-version");

/// What the routes answer from.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The read model.
    pub follower: Follower,
    /// Whether anybody sees the addresses of online sessions.
    pub urls: SessionUrls,
}

/// The routes of search.
pub fn router(follower: Follower, urls: SessionUrls) -> Router {
    Router::new()
        .route("/api/search/unified", get(unified_get).post(unified_post))
        .route("/api/search/default-data", get(default_data))
        .route("/api/search/fuzzy", get(fuzzy))
        .route("/api/search/advanced-fuzzy", get(advanced_fuzzy))
        .with_state(Shop { follower, urls })
}

/// The name and value pairs of an address, as far as it can be read.
pub type Pairs = Result<Address<Vec<(String, String)>>, QueryRejection>;

/// The name and value pairs of an address.
pub fn pairs(address: Pairs) -> Result<Vec<(String, String)>, Problem> {
    let unreadable = |_| FieldError::new("", "invalid_query", "the part of the address after ? cannot be read");
    address.map(|Address(pairs)| pairs).map_err(|rejection| Problem::fields(vec![unreadable(rejection)]))
}

async fn default_data(State(shop): State<Shop>, address: Pairs) -> Result<Response, Problem> {
    let limit = legacy::default_limit(&pairs(address)?).map_err(Problem::fields)?;
    let catalogue = shop.follower.current();
    Ok(Json(legacy::default_data(&catalogue, limit, shop.urls)).into_response())
}

async fn fuzzy(State(shop): State<Shop>, address: Pairs) -> Result<Response, Problem> {
    let query = FuzzyQuery::plain(&pairs(address)?).map_err(Problem::fields)?;
    let catalogue = shop.follower.current();
    Ok(Json(legacy::fuzzy(&catalogue, &query, "fuzzy", shop.urls)).into_response())
}

async fn advanced_fuzzy(State(shop): State<Shop>, address: Pairs) -> Result<Response, Problem> {
    let query = FuzzyQuery::advanced(&pairs(address)?).map_err(Problem::fields)?;
    let catalogue = shop.follower.current();
    Ok(Json(legacy::fuzzy(&catalogue, &query, "fuzzy_with_filters", shop.urls)).into_response())
}

async fn unified_get(State(shop): State<Shop>, headers: HeaderMap, address: Pairs) -> Result<Response, Problem> {
    let query = Query::from_address(&pairs(address)?).map_err(Problem::fields)?;
    unified(&shop, &headers, &query)
}

async fn unified_post(
    State(shop): State<Shop>,
    headers: HeaderMap,
    address: Pairs,
    body: Option<JsonBody<Value>>,
) -> Result<Response, Problem> {
    let body = body.map_or_else(|| Value::Object(Map::new()), |JsonBody(body)| body);
    let query = Query::from_json(&body, &pairs(address)?).map_err(Problem::fields)?;
    unified(&shop, &headers, &query)
}

fn unified(shop: &Shop, headers: &HeaderMap, query: &Query) -> Result<Response, Problem> {
    let began = Instant::now();
    let catalogue = shop.follower.current();
    if let Some(unchanged) = unchanged(&catalogue, shop.urls, query, headers) {
        return Ok(unchanged);
    }
    let mut answer = answer(&catalogue, query, shop.urls);
    answer.performance.duration = began.elapsed().as_secs_f64();
    versioned(&catalogue, shop.urls, query, &answer)
}

/// 304 when the asker holds this answer already.
fn unchanged(catalogue: &Catalogue, urls: SessionUrls, query: &Query, headers: &HeaderMap) -> Option<Response> {
    let tag = tag(catalogue, urls, query);
    etag::held(headers, &tag).then(|| (StatusCode::NOT_MODIFIED, version_headers(catalogue, &tag)).into_response())
}

fn versioned(
    catalogue: &Catalogue,
    urls: SessionUrls,
    query: &Query,
    answer: &impl Serialize,
) -> Result<Response, Problem> {
    let body = serde_json::to_vec(answer).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "this is a defect of Lectern; its log says more")
    })?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((kind, version_headers(catalogue, &tag(catalogue, urls, query)), body).into_response())
}

fn version_headers(catalogue: &Catalogue, tag: &str) -> [(HeaderName, HeaderValue); 3] {
    [
        (header::ETAG, HeaderValue::from_str(tag).unwrap_or(HeaderValue::from_static("W/\"0\""))),
        (CATALOGUE_VERSION, HeaderValue::from(catalogue.version)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ]
}

/// A function of the catalogue version, the question and who may see what, equal in every process. Weak (RFC 9110
/// §8.8.1), because `performance.duration` differs between two answers that are otherwise the same.
fn tag(catalogue: &Catalogue, urls: SessionUrls, query: &Query) -> String {
    let asked = format!("{} {urls:?} {query:?}", env!("CARGO_PKG_VERSION"));
    let digest = Sha256::digest(asked);
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{}-{short}\"", catalogue.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::read_model::rows::Rows;

    #[test]
    fn the_tag_follows_version_question_and_audience() {
        let catalogue = |version| Catalogue::build(Rows { version, ..Rows::default() });
        let (notes, text) = (Query::for_text("notes"), Query::for_text("text"));
        let first = tag(&catalogue(1), SessionUrls::Shown, &notes);
        assert_eq!(first, tag(&catalogue(1), SessionUrls::Shown, &notes));
        for other in [
            tag(&catalogue(2), SessionUrls::Shown, &notes),
            tag(&catalogue(1), SessionUrls::Hidden, &notes),
            tag(&catalogue(1), SessionUrls::Shown, &text),
        ] {
            assert_ne!(first, other);
        }
    }
}
