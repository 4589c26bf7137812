//! The audit log: every call to Administrate, without secrets or personal data.

use std::borrow::Cow;

use administrate::{BoxFuture, CallLog, CallRecord, redact_emails};
use serde_json::Value;
use sqlx::PgPool;

use super::store;
use crate::text::{contains_nul, without_nul};

/// Keys of personal data, at any depth.
pub(crate) const PERSONAL: &[&str] =
    &["emailAddress", "email", "firstName", "lastName", "middleName", "personalName", "telephone", "mobile", "address"];

/// The longest response that is stored, in bytes. Of a longer one only the length is stored.
const MAX_STORED_RESPONSE: usize = 64 * 1024;

/// Writes `adm.api_audit_log`.
pub(crate) struct AuditLog {
    pool: PgPool,
    command: String,
}

impl AuditLog {
    pub(crate) fn new(pool: &PgPool, command: &str) -> Self {
        AuditLog { pool: pool.clone(), command: command.to_owned() }
    }
}

impl CallLog for AuditLog {
    fn record(&self, call: CallRecord) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let entry = Entry::of(call);
            if let Err(error) = store::write_call(&self.pool, &self.command, &entry).await {
                tracing::warn!(%error, operation = entry.operation, "a call could not be recorded in the audit log");
            }
        })
    }
}

/// A call as it is stored.
pub(crate) struct Entry {
    pub operation: &'static str,
    pub document: String,
    pub variables: Value,
    pub response: Option<Value>,
    pub status: Option<i32>,
    pub succeeded: bool,
    pub error: String,
    pub started: jiff::Timestamp,
    pub completed: jiff::Timestamp,
    pub duration_ms: i32,
    /// The entity in the name of the operation.
    pub entity_type: &'static str,
    /// The external id of the record that a mutation wrote; empty if it is not exactly one.
    pub entity_id: String,
    /// Number of records in the response.
    pub records: i32,
}

impl Entry {
    fn of(call: CallRecord) -> Self {
        let mut variables =
            if call.variables.is_null() { Value::Object(serde_json::Map::new()) } else { call.variables };
        redact(&mut variables);
        let response = call.response.as_deref().map(read);
        let (entity_id, records) =
            response.as_ref().map(|response| identifiers(call.operation, response)).unwrap_or_default();
        Entry {
            operation: call.operation,
            document: without_nul(&stored_document(call.operation, &call.document)),
            variables,
            response: response.map(|response| stored_response(response, call.response.map_or(0, |body| body.len()))),
            status: call.status.map(i32::from),
            succeeded: call.succeeded,
            error: without_nul(&redact_emails(&call.error.unwrap_or_default())),
            entity_type: call.operation.split('.').next().unwrap_or_default(),
            entity_id,
            records,
            started: call.started,
            completed: call.started.checked_add(call.duration).unwrap_or(call.started),
            duration_ms: i32::try_from(call.duration.as_millis()).unwrap_or(i32::MAX),
        }
    }
}

fn read(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_| serde_json::json!({ "not_kept": "no JSON" }))
}

fn stored_response(mut response: Value, bytes: usize) -> Value {
    if bytes > MAX_STORED_RESPONSE {
        return serde_json::json!({ "not_kept": "too long", "bytes": bytes });
    }
    redact(&mut response);
    response
}

/// Returns the id of the record that a mutation wrote, and the number of records in the response.
fn identifiers(operation: &str, response: &Value) -> (String, i32) {
    let root = operation.split('.').next().unwrap_or_default();
    let root = &response["data"][root];
    let listed = root["edges"].as_array().or(root.as_array());
    if let Some(listed) = listed {
        return (String::new(), i32::try_from(listed.len()).unwrap_or(i32::MAX));
    }
    let payload = operation.split_once('.').and_then(|(_, verb)| root[verb].as_object());
    let written = payload.and_then(|payload| payload.values().find_map(|object| object["id"].as_str()));
    (without_nul(written.unwrap_or_default()), i32::from(written.is_some()))
}

/// Returns a document as it is stored. Literals in operations on contacts are personal data and are removed.
pub(crate) fn stored_document(operation: &str, document: &str) -> String {
    if operation.starts_with("contact") { without_texts(document) } else { document.to_owned() }
}

/// Replaces personal data by an ellipsis, at any depth, and NUL by U+FFFD.
pub(crate) fn redact(value: &mut Value) {
    redact_all(value, PERSONAL);
}

/// Does the same for these keys of personal data.
pub(crate) fn redact_all(value: &mut Value, personal: &[&str]) {
    match value {
        Value::Object(fields) => {
            // PostgreSQL cannot store a key with NUL either.
            if fields.keys().any(|key| contains_nul(key)) {
                *fields = std::mem::take(fields).into_iter().map(|(key, field)| (without_nul(&key), field)).collect();
            }
            for (key, field) in fields {
                match personal.contains(&key.as_str()) {
                    true => hide(field),
                    false => redact_all(field, personal),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact_all(item, personal)),
        Value::String(text) => {
            if let Cow::Owned(redacted) = redact_emails(text) {
                *text = redacted;
            }
            if contains_nul(text) {
                *text = without_nul(text);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces every value in it. Null, objects and lists keep their shape.
fn hide(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Object(fields) => fields.values_mut().for_each(hide),
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => *value = "…".into(),
    }
}

/// Returns a GraphQL document with empty string literals.
fn without_texts(document: &str) -> String {
    let mut output = String::with_capacity(document.len());
    let (mut inside, mut escaped) = (false, false);
    for c in document.chars() {
        let ends = inside && c == '"' && !escaped;
        escaped = inside && c == '\\' && !escaped;
        if !inside || ends {
            output.push(c);
        }
        if ends || (!inside && c == '"') {
            inside = !inside;
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_response_names_no_person() {
        let response = stored(
            r#"{"data":{"contacts":{"edges":[{"node":{"id":"UGVyc29uOjE=","firstName":"Ada","lastName":null,
               "emailAddress":"ada@example.org","personalName":{"name":"Ada Marlow"}}}]}}}"#,
        );
        assert_eq!(
            response.pointer("/data/contacts/edges/0/node").expect("a contact"),
            &serde_json::json!({"id":"UGVyc29uOjE=","firstName":"…","lastName":null,"emailAddress":"…","personalName":{"name":"…"}})
        );
    }

    fn stored(body: &str) -> Value {
        stored_response(read(body), body.len())
    }

    #[test]
    fn nul_and_email_address_are_replaced_in_every_text() {
        assert_eq!(
            stored(r#"{"errors":[{"message":"no contact jane@example.org"}],"data":{"a\u0000b":["x\u0000y"]}}"#),
            serde_json::json!({"errors":[{"message":"no contact …"}],"data":{"a\u{fffd}b":["x\u{fffd}y"]}})
        );
        assert_eq!(stored("<html>"), serde_json::json!({"not_kept": "no JSON"}));
    }

    #[test]
    fn response_has_id_and_number_of_records() {
        for (operation, body, expected) in [
            ("locations", r#"{"data":{"locations":{"edges":[{"node":{"id":"L1"}},{"node":{"id":"L2"}}]}}}"#, ("", 2)),
            ("customFieldTemplate", r#"{"data":{"customFieldTemplate":null}}"#, ("", 0)),
            ("event.update", r#"{"data":{"event":{"update":{"event":{"id":"E1"},"errors":[]}}}}"#, ("E1", 1)),
            ("event.delete", r#"{"data":{"event":{"delete":{"errors":[]}}}}"#, ("", 0)),
            ("event.update", r#"{"errors":[{"message":"no"}]}"#, ("", 0)),
        ] {
            let (id, records) = identifiers(operation, &read(body));
            assert_eq!((id.as_str(), records), expected, "{body}");
        }
    }

    #[test]
    fn only_string_literals_are_emptied() {
        for (document, expected) in [
            (r#"{ contacts(filters: [{value: "Ada"}]) { id } }"#, r#"{ contacts(filters: [{value: ""}]) { id } }"#),
            (r#"{ a(b: "x\"y", c: "\\") }"#, r#"{ a(b: "", c: "") }"#),
            ("{ locations { id } }", "{ locations { id } }"),
        ] {
            assert_eq!(without_texts(document), expected);
        }
    }
}
