//! Entity tags (RFC 9110 §8.8): unchanged documents are not sent again, and a document that has changed since the client
//! read it is not overwritten.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use headers::{ETag, HeaderMapExt, IfMatch, IfNoneMatch};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::problem::HttpProblem;

/// Responds with a document and its strong tag, or with 304 if the client has the same document.
pub fn with_etag(headers: &HeaderMap, status: StatusCode, document: Value) -> Response {
    with_etag_and(headers, status, document, Map::new())
}

/// Like [`with_etag`], with members that the tag does not cover: they depend on who reads the document.
pub fn with_etag_and(
    headers: &HeaderMap,
    status: StatusCode,
    mut document: Value,
    members: Map<String, Value>,
) -> Response {
    let tag = strong_tag(&document);
    if let Some(document) = document.as_object_mut() {
        document.extend(members);
    }
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
    let passes = match headers.typed_try_get::<IfMatch>() {
        Ok(None) => true,
        Ok(Some(condition)) => {
            strong_tag(document).parse::<ETag>().is_ok_and(|tag| condition.precondition_passes(&tag))
        }
        Err(_) => false,
    };
    let detail = "the document has changed since it was read: read it again, then repeat the request";
    passes.then_some(()).ok_or_else(|| HttpProblem::new(StatusCode::PRECONDITION_FAILED, detail))
}

/// Returns the headers of a change that is refused if the document is another one by then.
pub fn if_match(document: &Value) -> HeaderMap {
    let tag = HeaderValue::from_str(&strong_tag(document)).unwrap_or(HeaderValue::from_static("\"\""));
    HeaderMap::from_iter([(header::IF_MATCH, tag)])
}

/// Reports whether `If-None-Match` contains a tag, by weak comparison.
pub fn matches_if_none_match(headers: &HeaderMap, tag: &str) -> bool {
    let Some(condition) = headers.typed_get::<IfNoneMatch>() else { return false };
    tag.parse::<ETag>().is_ok_and(|tag| !condition.precondition_passes(&tag))
}

/// Returns the tag of a document: 16 bytes of its SHA-256 in hexadecimal, in quotes.
fn strong_tag(document: &Value) -> String {
    let digest = Sha256::digest(document.to_string());
    format!("\"{}\"", hex::encode(&digest[..16]))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;
    use serde_json::json;

    use super::*;

    fn header_map(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn tag_is_found_in_lists() {
        for (list, expected) in [
            ("W/\"7-ab\"", true),
            ("\"7-ab\"", true),
            ("\"x\", W/\"7-ab\"", true),
            ("*", true),
            ("7-cd, W/\"7-ab\"", true),
            ("\"7-abc\"", false),
            ("7-ab", false),
            ("", false),
        ] {
            assert_eq!(
                matches_if_none_match(&header_map(header::IF_NONE_MATCH, list), "W/\"7-ab\""),
                expected,
                "{list}"
            );
        }
    }

    #[test]
    fn change_requires_tag_of_current_document() {
        let document = json!({ "a": 1 });
        let current = with_etag(&HeaderMap::new(), StatusCode::OK, document.clone()).headers()[header::ETAG].clone();
        let if_match = |tag: HeaderValue| HeaderMap::from_iter([(header::IF_MATCH, tag)]);
        assert!(check(&HeaderMap::new(), &document).is_ok());
        assert!(check(&if_match(current.clone()), &document).is_ok());
        assert!(check(&header_map(header::IF_MATCH, "*"), &document).is_ok());
        assert!(check(&if_match(current), &json!({ "a": 2 })).is_err());
        assert!(check(&header_map(header::IF_MATCH, ""), &document).is_err());
    }
}
