//! Reading a GraphQL answer's envelope.

use serde::Deserialize;
use serde_json::Value;

use crate::error::{GraphqlError, Outcome};

/// An answer whose envelope is sound.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// What stands at the end of the document's path; null where the path breaks off.
    pub value: Value,
    /// Top-level errors. With a query there are none; with a mutation they may come beside its payload.
    pub errors: Vec<GraphqlError>,
}

/// What a body turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Envelope {
    Answer(Answer),
    Rejected(Vec<GraphqlError>, Outcome),
    Unreadable(String),
}

impl Envelope {
    /// Judges `body`, the answer to a document whose fields lead along `path`.
    ///
    /// An empty list of errors is no error: Administrate sends one beside sound data. A rejected mutation is doubtful
    /// unless the server refused the document before it began to execute it, which shows in there being neither data
    /// nor an error with a path.
    pub(crate) fn read(body: &[u8], path: &[&str], is_mutation: bool) -> Self {
        let body: Value = match serde_json::from_slice(body) {
            Ok(body) => body,
            Err(error) => return Self::Unreadable(format!("it is no JSON ({error})")),
        };
        let errors = match body.get("errors") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(read_error).collect(),
            Some(other) => vec![read_error(other)],
        };
        let data = body.get("data").filter(|data| !data.is_null());
        let value = data.map(|data| follow(data, path)).unwrap_or_default();
        if errors.is_empty() {
            return match data {
                Some(_) => Self::Answer(Answer { value, errors }),
                None => Self::Unreadable("it holds neither data nor errors".to_owned()),
            };
        }
        if is_mutation && !value.is_null() {
            return Self::Answer(Answer { value, errors });
        }
        let began = data.is_some() || errors.iter().any(|error| error.in_execution);
        let outcome = match is_mutation && began {
            true => Outcome::Doubtful,
            false => Outcome::NotDone,
        };
        Self::Rejected(errors, outcome)
    }
}

fn read_error(error: &Value) -> GraphqlError {
    GraphqlError::deserialize(error).unwrap_or_else(|_| GraphqlError {
        message: error.as_str().map_or_else(|| error.to_string(), str::to_owned),
        in_execution: false,
    })
}

fn follow(data: &Value, path: &[&str]) -> Value {
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

    fn error(message: &str, in_execution: bool) -> GraphqlError {
        GraphqlError { message: message.to_owned(), in_execution }
    }

    #[test]
    fn envelopes() {
        let answer = |value: Value, errors| Envelope::Answer(Answer { value, errors });
        let payload = serde_json::json!({"id": "X"});
        for (body, is_mutation, expected) in [
            (r#"{"data":{"a":{"b":{"id":"X"}}}}"#, true, answer(payload.clone(), vec![])),
            (r#"{"data":{"a":{"b":{"id":"X"}}},"errors":[]}"#, true, answer(payload.clone(), vec![])),
            (r#"{"data":{"a":{"b":{"id":"X"}}},"errors":null}"#, false, answer(payload.clone(), vec![])),
            (r#"{"data":{"a":null}}"#, false, answer(Value::Null, vec![])),
            (
                r#"{"data":{"a":{"b":{"id":"X"}}},"errors":[{"message":"w","path":["a"]}]}"#,
                true,
                answer(payload, vec![error("w", true)]),
            ),
            (
                r#"{"data":{"a":{"b":{"id":"X"}}},"errors":[{"message":"w","path":["a"]}]}"#,
                false,
                Envelope::Rejected(vec![error("w", true)], Outcome::NotDone),
            ),
            (
                r#"{"errors":[{"message":"Cannot query field"}]}"#,
                true,
                Envelope::Rejected(vec![error("Cannot query field", false)], Outcome::NotDone),
            ),
            (
                r#"{"data":{"a":{"b":null}},"errors":[{"message":"boom"}]}"#,
                true,
                Envelope::Rejected(vec![error("boom", false)], Outcome::Doubtful),
            ),
            (
                r#"{"data":null,"errors":[{"message":"boom","path":["a","b"]}]}"#,
                true,
                Envelope::Rejected(vec![error("boom", true)], Outcome::Doubtful),
            ),
            (r#"{"errors":"down"}"#, false, Envelope::Rejected(vec![error("down", false)], Outcome::NotDone)),
            (r#"{}"#, false, Envelope::Unreadable("it holds neither data nor errors".to_owned())),
        ] {
            assert_eq!(Envelope::read(body.as_bytes(), &["a", "b"], is_mutation), expected, "{body}");
        }
        let html = Envelope::read(b"<html>", &[], false);
        assert!(matches!(html, Envelope::Unreadable(_)), "{html:?}");
    }
}
