//! Entity tags (RFC 9110 §8.8): what an asker holds already is not sent again, and nobody changes what is no longer what he
//! has seen.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::problem::HttpProblem;

/// A document with its strong tag, or 304 where the asker holds it.
pub fn with_etag(headers: &HeaderMap, status: StatusCode, document: Value) -> Response {
    let tag = strong(&document);
    let value = [(header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\"")))];
    match matches_if_none_match(headers, &tag) {
        true => (StatusCode::NOT_MODIFIED, value).into_response(),
        false => (status, value, Json(document)).into_response(),
    }
}

/// 412 where the asker wants to change another state of the document than this one.
pub fn check(headers: &HeaderMap, document: &Value) -> Result<(), HttpProblem> {
    let tag = strong(document);
    let is_weak = |one: &str| one.trim().starts_with("W/");
    let named = |list: &str| list.split(',').any(|one| !is_weak(one) && names(one, &tag));
    let mut wanted = listed(headers, header::IF_MATCH).peekable();
    if wanted.peek().is_none() || wanted.any(named) {
        return Ok(());
    }
    Err(HttpProblem::new(StatusCode::PRECONDITION_FAILED, "it has changed since you looked: look again, then decide"))
}

/// Whether `If-None-Match` names this tag.
pub fn matches_if_none_match(headers: &HeaderMap, tag: &str) -> bool {
    listed(headers, header::IF_NONE_MATCH).any(|list| names(list, tag))
}

fn listed(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default())
}

/// Weak comparison of a tag with a list of tags.
fn names(list: &str, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    list.split(',').any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

fn strong(document: &Value) -> String {
    let digest = Sha256::digest(document.to_string());
    let short: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{short}\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_tag_is_found_in_any_list() {
        for (list, expected) in [
            ("W/\"7-ab\"", true),
            ("\"7-ab\"", true),
            ("\"x\", W/\"7-ab\"", true),
            ("*", true),
            ("\"7-abc\"", false),
            ("7-ab", false),
            ("", false),
        ] {
            assert_eq!(matches_if_none_match(&with(header::IF_NONE_MATCH, list), "W/\"7-ab\""), expected, "{list}");
        }
    }

    #[test]
    fn only_who_has_seen_it_changes_it() {
        let document = json!({ "a": 1 });
        let seen = with_etag(&HeaderMap::new(), StatusCode::OK, document.clone()).headers()[header::ETAG].clone();
        let asked = |tag: HeaderValue| HeaderMap::from_iter([(header::IF_MATCH, tag)]);
        assert!(check(&HeaderMap::new(), &document).is_ok());
        assert!(check(&asked(seen.clone()), &document).is_ok());
        assert!(check(&with(header::IF_MATCH, "*"), &document).is_ok());
        assert!(check(&asked(seen), &json!({ "a": 2 })).is_err());
        assert!(check(&with(header::IF_MATCH, ""), &document).is_err());
    }
}
