//! JSON bodies: read completely within the body limit; invalid bodies become problems.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::problem::{FieldError, FieldErrors, HttpProblem};
use crate::text::contains_nul;

/// A JSON body. Rejections: 413 too large, 415 another content type, 400 invalid JSON or another shape.
#[derive(Clone, Copy, Debug)]
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = HttpProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpProblem> {
        let is_json = has_json_type(request.headers());
        let body = read_body(request, state).await?;
        if !is_json {
            return Err(unsupported_type());
        }
        parse(&body).map(Self)
    }
}

/// An empty body is `None`.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for JsonBody<T> {
    type Rejection = HttpProblem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, HttpProblem> {
        let is_json = has_json_type(request.headers());
        let body = read_body(request, state).await?;
        match (body.is_empty(), is_json) {
            (true, _) => Ok(None),
            (false, true) => parse(&body).map(|value| Some(Self(value))),
            (false, false) => Err(unsupported_type()),
        }
    }
}

async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, HttpProblem> {
    Bytes::from_request(request, state).await.map_err(|rejection: BytesRejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            HttpProblem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large: send less at a time")
        }
        _ => HttpProblem::new(StatusCode::BAD_REQUEST, "the body is incomplete: send it again"),
    })
}

/// Reports whether a body is JSON.
pub fn has_json_type(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn unsupported_type() -> HttpProblem {
    HttpProblem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "the content type is not JSON: send Content-Type: application/json",
    )
}

/// The most values in a body. A parsed value takes much more memory than its text.
const MAX_VALUES: usize = 50_000;

/// Reports whether a text has more values than accepted: it counts commas outside strings.
fn has_too_many_values(body: &[u8]) -> bool {
    let (mut values, mut is_text, mut is_escaped) = (1, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b',' if !is_text => values += 1,
            _ => {}
        }
    }
    values > MAX_VALUES
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, HttpProblem> {
    if has_too_many_values(body) {
        let message = format!("the body has more than {MAX_VALUES} values: send less at a time");
        return Err(HttpProblem::fields(FieldError::new("", "too_many_values", message)));
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| HttpProblem::fields(FieldError::new("", "invalid_json", format!("invalid JSON: {error}"))))?;
    let mut errors = FieldErrors::default();
    find_nul(&value, &mut Vec::new(), &mut errors);
    if !errors.is_empty() {
        return Err(HttpProblem::fields(errors));
    }
    serde_path_to_error::deserialize(value).map_err(|error| HttpProblem::fields(field_error(&error)))
}

/// Returns the field whose value does not fit its type, with a message for the most common errors of serde.
fn field_error(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let pointer: String = error.path().iter().map(step).collect();
    let message = error.inner().to_string();
    if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return FieldError::new(format!("{pointer}/{name}"), "missing_value", "the field is missing");
    }
    if message.starts_with("unknown field") {
        return FieldError::new(pointer, "unknown_field", "unknown field");
    }
    match message.contains("expected struct") {
        true => FieldError::new(pointer, "invalid_type", "must be a JSON object"),
        false => FieldError::new(pointer, "invalid_type", message),
    }
}

/// A step from a JSON value to one inside it.
enum PathStep<'a> {
    Key(&'a str),
    Index(usize),
}

/// Reports texts and keys with U+0000, which PostgreSQL cannot store. `path` leads to `value`.
fn find_nul<'a>(value: &'a Value, path: &mut Vec<PathStep<'a>>, errors: &mut FieldErrors) {
    match value {
        Value::String(text) if contains_nul(text) => errors.add(|| nul_error(path)),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push(PathStep::Index(at));
                find_nul(item, path, errors);
                path.pop();
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                path.push(PathStep::Key(key));
                if contains_nul(key) {
                    errors.add(|| nul_error(path))
                } else {
                    find_nul(value, path, errors)
                }
                path.pop();
            }
        }
        _ => {}
    }
}

fn nul_error(path: &[PathStep<'_>]) -> FieldError {
    let step = |step: &PathStep<'_>| match step {
        PathStep::Key(key) => format!("/{}", escaped(key)),
        PathStep::Index(at) => format!("/{at}"),
    };
    let pointer: String = path.iter().map(step).collect();
    FieldError::new(pointer, "invalid_value", "the character U+0000 cannot be stored")
}

/// Escapes a key for a JSON pointer (RFC 6901).
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

    #[test]
    fn values_are_counted_outside_texts() {
        let many = format!("[{}1]", "1,".repeat(MAX_VALUES));
        assert!(has_too_many_values(many.as_bytes()));
        assert!(parse::<Value>(many.as_bytes()).is_err());
        let text = format!(r#"["\\\"{}", 1]"#, ",".repeat(MAX_VALUES));
        assert!(parse::<Value>(text.as_bytes()).is_ok());
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the shape matters")]
    struct Body {
        entity: String,
        #[serde(default)]
        only: Vec<String>,
    }

    #[test]
    fn invalid_field_is_pointed_at() {
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
