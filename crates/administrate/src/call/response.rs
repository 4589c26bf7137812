//! Parsing the envelope of a GraphQL response: `data` and `errors`.

use serde::Deserialize;
use serde_json::Value;

use super::json;
use crate::error::{GraphqlError, Outcome};

/// The data of a response with a valid envelope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GraphqlResponse {
    /// The value at the end of the document's path; null if the path is incomplete.
    pub value: Value,
    /// Top-level errors. None for a query; a mutation may return them together with its payload.
    pub errors: Vec<GraphqlError>,
}

/// The result of parsing a body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Envelope {
    Data(GraphqlResponse),
    Rejected(Vec<GraphqlError>, Outcome),
    Unreadable(String),
}

impl Envelope {
    /// Parses `body`, the response to a document whose nested fields form `path`.
    ///
    /// An empty list of errors is not an error: Administrate sends one with valid data. A rejected mutation is in doubt
    /// unless the server refused the document before it began to execute it: then there is neither data nor an error
    /// with a path.
    pub(crate) fn parse(body: &[u8], path: &[&str], is_mutation: bool) -> Self {
        let body: Value = match json::parse(body) {
            Ok(body) => body,
            Err(error) => return Self::Unreadable(format!("it is not JSON ({error})")),
        };
        let errors = match body.get("errors") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(parse_error).collect(),
            Some(other) => vec![parse_error(other)],
        };
        let data = body.get("data").filter(|data| !data.is_null());
        let value = data.map(|data| value_at(data, path)).unwrap_or_default();
        if errors.is_empty() {
            return match data {
                Some(_) => Self::Data(GraphqlResponse { value, errors }),
                None => Self::Unreadable("it contains neither data nor errors".to_owned()),
            };
        }
        if is_mutation && !value.is_null() {
            return Self::Data(GraphqlResponse { value, errors });
        }
        let has_started = data.is_some() || errors.iter().any(|error| error.has_path);
        let outcome = match is_mutation && has_started {
            true => Outcome::InDoubt,
            false => Outcome::NotApplied,
        };
        Self::Rejected(errors, outcome)
    }
}

fn parse_error(error: &Value) -> GraphqlError {
    GraphqlError::deserialize(error).unwrap_or_else(|_| GraphqlError {
        message: error.as_str().map_or_else(|| error.to_string(), str::to_owned),
        has_path: false,
    })
}

fn value_at(data: &Value, path: &[&str]) -> Value {
    let mut value = data;
    for field in path {
        match value.get(*field) {
            Some(next) => value = next,
            None => return Value::Null,
        }
    }
    value.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str, has_path: bool) -> GraphqlError {
        GraphqlError { message: message.to_owned(), has_path }
    }

    #[test]
    fn envelope_is_classified_by_data_and_errors() {
        let data = |value: Value, errors| Envelope::Data(GraphqlResponse { value, errors });
        let payload = serde_json::json!({"id": "X"});
        for (body, is_mutation, expected) in [
            (r#"{"data":{"a":{"b":{"id":"X"}}}}"#, true, data(payload.clone(), vec![])),
            (r#"{"data":{"a":{"b":{"id":"X"}}},"errors":[]}"#, true, data(payload.clone(), vec![])),
            (r#"{"data":{"a":{"b":{"id":"X"}}},"errors":null}"#, false, data(payload.clone(), vec![])),
            (r#"{"data":{"a":null}}"#, false, data(Value::Null, vec![])),
            (
                r#"{"data":{"a":{"b":{"id":"X"}}},"errors":[{"message":"w","path":["a"]}]}"#,
                true,
                data(payload, vec![error("w", true)]),
            ),
            (
                r#"{"data":{"a":{"b":{"id":"X"}}},"errors":[{"message":"w","path":["a"]}]}"#,
                false,
                Envelope::Rejected(vec![error("w", true)], Outcome::NotApplied),
            ),
            (
                r#"{"errors":[{"message":"Cannot query field"}]}"#,
                true,
                Envelope::Rejected(vec![error("Cannot query field", false)], Outcome::NotApplied),
            ),
            (
                r#"{"data":{"a":{"b":null}},"errors":[{"message":"boom"}]}"#,
                true,
                Envelope::Rejected(vec![error("boom", false)], Outcome::InDoubt),
            ),
            (
                r#"{"data":null,"errors":[{"message":"boom","path":["a","b"]}]}"#,
                true,
                Envelope::Rejected(vec![error("boom", true)], Outcome::InDoubt),
            ),
            (r#"{"errors":"down"}"#, false, Envelope::Rejected(vec![error("down", false)], Outcome::NotApplied)),
            (r#"{}"#, false, Envelope::Unreadable("it contains neither data nor errors".to_owned())),
        ] {
            assert_eq!(Envelope::parse(body.as_bytes(), &["a", "b"], is_mutation), expected, "{body}");
        }
        let html = Envelope::parse(b"<html>", &[], false);
        assert!(matches!(html, Envelope::Unreadable(_)), "{html:?}");
    }
}
