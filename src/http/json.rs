//! JSON bodies: read whole within the body limit, refused as problems.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::problem::{FieldError, HttpProblem};
use crate::text::contains_nul;

/// A JSON body. Refused: 413 too large, 415 not JSON by its type, 400 not JSON or of another shape.
#[derive(Clone, Copy, Debug)]
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = HttpProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpProblem> {
        let says_json = says_json(request.headers());
        let body = whole(request, state).await?;
        if !says_json {
            return Err(not_json());
        }
        parse(&body).map(Self)
    }
}

/// No body at all is `None`.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for JsonBody<T> {
    type Rejection = HttpProblem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, HttpProblem> {
        let says_json = says_json(request.headers());
        let body = whole(request, state).await?;
        match (body.is_empty(), says_json) {
            (true, _) => Ok(None),
            (false, true) => parse(&body).map(|value| Some(Self(value))),
            (false, false) => Err(not_json()),
        }
    }
}

async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, HttpProblem> {
    Bytes::from_request(request, state).await.map_err(|rejection: BytesRejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => HttpProblem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than is accepted here; send less at a time",
        ),
        _ => HttpProblem::new(StatusCode::BAD_REQUEST, "the body did not arrive whole; send it again"),
    })
}

fn says_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn not_json() -> HttpProblem {
    HttpProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send JSON, with Content-Type: application/json")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, HttpProblem> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        HttpProblem::fields(vec![FieldError::new("", "invalid_json", format!("it is not JSON: {error}"))])
    })?;
    let mut unkept = Vec::new();
    find_nul(&value, String::new(), &mut unkept);
    if !unkept.is_empty() {
        let said = |pointer| FieldError::new(pointer, "invalid_value", "the character U+0000 cannot be kept");
        return Err(HttpProblem::fields(unkept.into_iter().map(said).collect()));
    }
    serde_path_to_error::deserialize(value).map_err(|error| HttpProblem::fields(vec![at_fault(&error)]))
}

/// The field that a value does not fit, with serde's sentence where none of ours says it better.
fn at_fault(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let place: String = error.path().iter().map(step).collect();
    let said = error.inner().to_string();
    if let Some(name) = said.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return FieldError::new(format!("{place}/{name}"), "missing_value", "it is missing");
    }
    if said.starts_with("unknown field") {
        return FieldError::new(place, "unknown_field", "there is no such field");
    }
    match said.contains("expected struct") {
        true => FieldError::new(place, "invalid_type", "must be a JSON object"),
        false => FieldError::new(place, "invalid_type", said),
    }
}

/// Where texts hold U+0000, which PostgreSQL does not keep.
fn find_nul(value: &Value, place: String, found: &mut Vec<String>) {
    match value {
        Value::String(text) if contains_nul(text) => found.push(place),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| find_nul(item, format!("{place}/{at}"), found));
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let field = format!("{place}/{}", escaped(key));
                if contains_nul(key) { found.push(field) } else { find_nul(value, field, found) }
            }
        }
        _ => {}
    }
}

/// A key as a part of a JSON pointer (RFC 6901).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn step(segment: &Segment) -> String {
    match segment {
        Segment::Map { key } => format!("/{}", escaped(key)),
        Segment::Seq { index } => format!("/{index}"),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Body {
        entity: String,
        #[serde(default)]
        only: Vec<String>,
    }

    #[test]
    fn the_field_at_fault_is_pointed_at() {
        let cases = [
            ("{", "", "invalid_json"),
            ("[]", "", "invalid_type"),
            ("null", "", "invalid_type"),
            ("{}", "/entity", "missing_value"),
            (r#"{"entity": 1}"#, "/entity", "invalid_type"),
            (r#"{"entity": "all", "only": ["a", 7]}"#, "/only/1", "invalid_type"),
            (r#"{"entity": "all", "onyl": []}"#, "/onyl", "unknown_field"),
            (r#"{"entity": "all", "only": ["a", "b\u0000"]}"#, "/only/1", "invalid_value"),
        ];
        for (body, pointer, code) in cases {
            let problem = parse::<Body>(body.as_bytes()).expect_err(body);
            let found = &problem.errors()[0];
            assert_eq!((found.pointer.as_str(), found.code), (pointer, code), "{body}");
            assert!(!found.message.contains("struct"), "{body}: {}", found.message);
        }
    }
}
