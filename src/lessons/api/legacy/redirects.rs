//! The older addresses, which lead to those of lessons.

use axum::Router;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};

/// The day from which these addresses are deprecated (RFC 9745), in seconds.
const DEPRECATED: &str = "@1795996800";
const SUCCESSOR: &str = "</docs#lessons>; rel=\"deprecation\"; type=\"text/html\"";

/// An older address.
pub struct OlderPath {
    pub path: &'static str,
    pub methods: &'static [Method],
    /// The role of the caller in the lessons that it means.
    pub role: &'static str,
    /// Where it leads, with `{id}`.
    pub target: &'static str,
}

const fn older(path: &'static str, methods: &'static [Method], role: &'static str, target: &'static str) -> OlderPath {
    OlderPath { path, methods, role, target }
}

const READ: &[Method] = &[Method::GET];
const SET: &[Method] = &[Method::PATCH];

/// All older addresses.
pub static PATHS: [OlderPath; 14] = [
    older("/api/tutor/sessions", &[Method::GET, Method::POST], "tutor", "/api/sessions"),
    older("/api/tutor/sessions/stats/summary", READ, "tutor", "/api/sessions/stats/summary"),
    older(
        "/api/tutor/sessions/{id}",
        &[Method::GET, Method::PUT, Method::PATCH, Method::DELETE],
        "tutor",
        "/api/sessions/{id}",
    ),
    older("/api/tutor/sessions/{id}/toggle-notification", SET, "tutor", "/api/sessions/{id}/toggle-notification"),
    older("/api/tutor/sessions/{id}/toggle-alarm", SET, "tutor", "/api/sessions/{id}/toggle-alarm"),
    older("/api/tutor/sessions/{id}/toggle-featured", SET, "tutor", "/api/sessions/{id}/toggle-featured"),
    older(
        "/api/tutor/sessions/{id}/attendance",
        &[Method::GET, Method::POST, Method::PUT],
        "tutor",
        "/api/sessions/{id}/attendance",
    ),
    older("/api/tutor/sessions/{id}/attendance-suggestion", READ, "tutor", "/api/sessions/{id}/attendance-suggestion"),
    older("/api/student/my-sessions", READ, "student", "/api/sessions"),
    older("/api/student/my-sessions/counts", READ, "student", "/api/sessions/counts"),
    older("/api/parent/sessions", READ, "parent", "/api/sessions"),
    older("/api/parent/sessions/counts", READ, "parent", "/api/sessions/counts"),
    older("/api/parent/sessions/{id}", READ, "parent", "/api/sessions/{id}"),
    older("/api/parent/dashboard-stats", READ, "parent", "/api/sessions/dashboard-stats"),
];

/// Returns the routes of the older addresses.
pub fn router() -> Router {
    PATHS.iter().fold(Router::new(), |router, older| {
        let answer = move |uri: Uri| async move { redirect(older, &uri) };
        let methods = older.methods.iter().fold(MethodRouter::new(), |routes, method| {
            MethodFilter::try_from(method.clone()).map_or(routes.clone(), |filter| routes.clone().on(filter, answer))
        });
        router.route(older.path, methods)
    })
}

/// Leads to the address of today. The method and the body stay as they are.
fn redirect(older: &OlderPath, uri: &Uri) -> Response {
    let place = older.path.split('/').position(|segment| segment == "{id}");
    let id = place.and_then(|place| uri.path().split('/').nth(place)).unwrap_or_default();
    let path = older.target.replace("{id}", id);
    let query = uri.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&")).unwrap_or_default();
    let target = format!("{path}?{query}as={}&shape=array&legacy=1", older.role);
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    let headers = response.headers_mut();
    if let Ok(target) = HeaderValue::from_str(&target) {
        headers.insert(header::LOCATION, target);
    }
    headers.insert("deprecation", HeaderValue::from_static(DEPRECATED));
    headers.insert(header::LINK, HeaderValue::from_static(SUCCESSOR));
    response
}
