//! Entity tags (RFC 9110 §8.8): unchanged documents are not sent again, and a document that has changed since the client
//! read it is not overwritten.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::problem::HttpProblem;

/// Responds with a document and its strong tag, or with 304 if the client has the same document.
pub fn with_etag(headers: &HeaderMap, status: StatusCode, document: Value) -> Response {
    let tag = strong_tag(&document);
    let value = [(header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\"")))];
    match matches_if_none_match(headers, &tag) {
        true => (StatusCode::NOT_MODIFIED, value).into_response(),
        false => (status, value, Json(document)).into_response(),
    }
}

/// Checks `If-Match` against the current document.
///
/// # Errors
/// 412 when the header names other versions of the document only. A weak tag never matches (RFC 9110 §13.1.1).
pub fn check(headers: &HeaderMap, document: &Value) -> Result<(), HttpProblem> {
    let tag = strong_tag(document);
    let is_weak = |item: &str| item.trim().starts_with("W/");
    let is_match = |list: &str| list.split(',').any(|item| !is_weak(item) && contains(item, &tag));
    let mut lists = header_values(headers, header::IF_MATCH).peekable();
    if lists.peek().is_none() || lists.any(is_match) {
        return Ok(());
    }
    Err(HttpProblem::new(
        StatusCode::PRECONDITION_FAILED,
        "the document has changed since it was read: read it again, then repeat the request",
    ))
}

/// Reports whether `If-None-Match` contains a tag.
pub fn matches_if_none_match(headers: &HeaderMap, tag: &str) -> bool {
    header_values(headers, header::IF_NONE_MATCH).any(|list| contains(list, tag))
}

fn header_values(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default())
}

/// Reports whether a list of tags contains a tag, by weak comparison.
fn contains(list: &str, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    list.split(',').any(|item| item.trim() == "*" || opaque(item) == opaque(tag))
}

fn strong_tag(document: &Value) -> String {
    let digest = Sha256::digest(document.to_string());
    format!("\"{}\"", hex::encode(&digest[..16]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn tag_is_found_in_lists() {
        for (list, expected) in [
            ("W/\"7-ab\"", true),
            ("\"7-ab\"", true),
            ("\"x\", W/\"7-ab\"", true),
            ("*", true),
            ("\"7-abc\"", false),
            ("7-ab", false),
            ("", false),
        ] {
            assert_eq!(matches_if_none_match(&headers(header::IF_NONE_MATCH, list), "W/\"7-ab\""), expected, "{list}");
        }
    }

    #[test]
    fn change_requires_tag_of_current_document() {
        let document = json!({ "a": 1 });
        let current = with_etag(&HeaderMap::new(), StatusCode::OK, document.clone()).headers()[header::ETAG].clone();
        let if_match = |tag: HeaderValue| HeaderMap::from_iter([(header::IF_MATCH, tag)]);
        assert!(check(&HeaderMap::new(), &document).is_ok());
        assert!(check(&if_match(current.clone()), &document).is_ok());
        assert!(check(&headers(header::IF_MATCH, "*"), &document).is_ok());
        assert!(check(&if_match(current), &json!({ "a": 2 })).is_err());
        assert!(check(&headers(header::IF_MATCH, ""), &document).is_err());
    }
}
