//! Items with a version: a strong `ETag` (RFC 9110 §8.8), and requests that depend on it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// An item as it is now, and which version of it that is.
#[derive(Debug)]
pub struct Item {
    body: Vec<u8>,
    tag: String,
}

impl Item {
    /// The item with this document: whoever gets the same tag has got the same bytes.
    pub fn new(document: &Value) -> Item {
        let body = document.to_string().into_bytes();
        let tag = format!("\"{}\"", short(&body));
        Item { body, tag }
    }

    /// The item, or 304 to an asker who holds it already (`If-None-Match`).
    pub fn shown(self, headers: &HeaderMap, status: StatusCode) -> Response {
        let tag = [(header::ETAG, HeaderValue::from_str(&self.tag).unwrap_or(HeaderValue::from_static("\"\"")))];
        if names(headers, &header::IF_NONE_MATCH, &self.tag) {
            return (StatusCode::NOT_MODIFIED, tag).into_response();
        }
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (status, kind, tag, self.body).into_response()
    }

    /// Whether a change may go ahead: without `If-Match`, or with one that names this version.
    ///
    /// # Errors
    /// 412 where it names others.
    pub fn may_change(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if !headers.contains_key(header::IF_MATCH) || names_strongly(headers, &self.tag) {
            return Ok(());
        }
        let detail = "it has changed since you read it: read it again, and decide anew";
        Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail))
    }
}

/// The first eight bytes of a digest, as hexadecimal digits.
pub fn short(of: &[u8]) -> String {
    Sha256::digest(of).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a list of tags in this header names the tag, by weak comparison (`If-None-Match`).
pub fn names(headers: &HeaderMap, header: &HeaderName, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    listed(headers, header).any(|one| one == "*" || opaque(one) == opaque(tag))
}

/// By strong comparison, to which no weak tag is equal (`If-Match`).
fn names_strongly(headers: &HeaderMap, tag: &str) -> bool {
    listed(headers, &header::IF_MATCH).any(|one| one == "*" || one == tag)
}

fn listed<'a>(headers: &'a HeaderMap, header: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lists = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a value"))])
    }

    #[test]
    fn a_tag_is_found_in_any_list() {
        for (list, weakly, strongly) in [
            ("W/\"7-ab\"", true, false),
            ("\"7-ab\"", true, true),
            ("\"x\", W/\"7-ab\"", true, false),
            ("\"x\",\"7-ab\"", true, true),
            ("*", true, true),
            ("\"7-abc\"", false, false),
            ("7-ab", false, false),
            ("", false, false),
        ] {
            let found = names(&headers(header::IF_NONE_MATCH, list), &header::IF_NONE_MATCH, "\"7-ab\"");
            assert_eq!(found, weakly, "{list}");
            assert_eq!(names_strongly(&headers(header::IF_MATCH, list), "\"7-ab\""), strongly, "{list}");
        }
    }

    #[test]
    fn another_document_is_another_version() {
        let tag = |document| Item::new(&document).tag;
        assert_eq!(tag(json!({ "a": 1 })), tag(json!({ "a": 1 })));
        assert_ne!(tag(json!({ "a": 1 })), tag(json!({ "a": 2 })));
    }
}
