//! Query strings as name and value pairs.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};

use super::problem::{FieldError, HttpProblem};

/// The name and value pairs of a query string, or why it cannot be parsed.
pub type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Returns the name and value pairs of a query string.
///
/// # Errors
/// 400 `invalid_query` when the query string cannot be parsed.
pub fn pairs(query: Pairs) -> Result<Vec<(String, String)>, HttpProblem> {
    let invalid = |_| FieldError::new("", "invalid_query", "the part of the address after ? is not valid");
    query.map(|Query(pairs)| pairs).map_err(|rejection| HttpProblem::fields(invalid(rejection)))
}

/// Returns the URL of this server: the setting, or the host that the request names.
pub fn base_url(public_url: &str, headers: &HeaderMap) -> String {
    if !public_url.is_empty() {
        return public_url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    host.map_or_else(String::new, |host| format!("http://{host}"))
}
