//! Cross-origin requests: which pages of other origins may call the API from a browser.
//!
//! A listed origin may call every route, with credentials. With `*` in the setting, any origin may call the open routes of
//! search, without credentials. Preflight requests are answered on every route, before anything else is checked.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::CorsOrigins;
use crate::http::problem::is_of_shop;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const REQUEST_HEADERS: &str =
    "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, x-csrftoken";
const EXPOSED_HEADERS: &str = "Age, ETag, Link, Retry-After, RateLimit, RateLimit-Policy, X-Catalogue-Version, Location, \
                               Idempotency-Replayed, Deprecation, Content-Disposition";
/// Seconds for which a browser may keep the answer to a preflight request.
const MAX_AGE: &str = "600";

/// How the page of an origin may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// With cookies and other credentials.
    Credentials,
    /// Without credentials.
    Anonymous,
    None,
}

/// Adds the headers of the CORS protocol to responses, and answers preflight requests.
pub async fn allow(State(origins): State<CorsOrigins>, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        let is_api = request.uri().path().starts_with("/api/");
        let mut response = next.run(request).await;
        if is_api && !origins.listed.is_empty() {
            vary(response.headers_mut(), "Origin");
        }
        return response;
    };
    let access = access(&origins, &origin, request.uri().path());
    if request.method() == Method::OPTIONS {
        return preflight(access, origin);
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    allow_origin(headers, access, origin);
    if access != Access::None {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    }
    response
}

fn access(origins: &CorsOrigins, origin: &HeaderValue, path: &str) -> Access {
    let is_listed = origins.listed.iter().any(|listed| listed.as_bytes() == origin.as_bytes());
    match (is_listed, origins.any_may_search && is_open(path)) {
        (true, _) => Access::Credentials,
        (false, true) => Access::Anonymous,
        (false, false) => Access::None,
    }
}

/// Reports whether any page may call a route: those of search, and the description of the API.
fn is_open(path: &str) -> bool {
    is_of_shop(path) || path.trim_end_matches('/') == "/api/openapi.json"
}

fn preflight(access: Access, origin: HeaderValue) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    allow_origin(headers, access, origin);
    vary(headers, "Access-Control-Request-Method");
    vary(headers, "Access-Control-Request-Headers");
    if access != Access::None {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_HEADERS));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    }
    response
}

fn allow_origin(headers: &mut HeaderMap, access: Access, origin: HeaderValue) {
    vary(headers, "Origin");
    match access {
        Access::Credentials => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        Access::Anonymous => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        Access::None => {}
    }
}

fn vary(headers: &mut HeaderMap, name: &'static str) {
    headers.append(header::VARY, HeaderValue::from_static(name));
}
