//! The audit log: every call to Administrate, without secrets or personal data.

use std::borrow::Cow;

use administrate::{BoxFuture, CallLog, CallRecord, redact_emails};
use serde_json::Value;
use sqlx::PgPool;

use super::store;
use crate::text::{contains_nul, without_nul};

/// Values under these keys are of or about a person, wherever they stand.
pub(crate) const PERSONAL: &[&str] =
    &["emailAddress", "email", "firstName", "lastName", "middleName", "personalName", "telephone", "mobile", "address"];

/// The longest answer that is kept, in bytes; of a longer one its length is.
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
                tracing::warn!(%error, operation = entry.operation, "a call could not be told to the audit log");
            }
        })
    }
}

/// A call as it is kept.
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
    /// What kind of thing it was about, as the operation calls it.
    pub entity_type: &'static str,
    /// Administrate's id of what a mutation wrote; empty where that is not one thing.
    pub entity_id: String,
    /// How many records the answer held.
    pub records: i32,
}

impl Entry {
    fn of(call: CallRecord) -> Self {
        let mut variables =
            if call.variables.is_null() { Value::Object(serde_json::Map::new()) } else { call.variables };
        redact(&mut variables);
        let answer = call.response.as_deref().map(read);
        let (entity_id, records) =
            answer.as_ref().map(|answer| identifiers(call.operation, answer)).unwrap_or_default();
        Entry {
            operation: call.operation,
            document: without_nul(&stored_document(call.operation, &call.document)),
            variables,
            response: answer.map(|answer| stored_response(answer, call.response.map_or(0, |body| body.len()))),
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

fn stored_response(mut answer: Value, bytes: usize) -> Value {
    if bytes > MAX_STORED_RESPONSE {
        return serde_json::json!({ "not_kept": "too long", "bytes": bytes });
    }
    redact(&mut answer);
    answer
}

/// Of an answer: the id of the one thing that a mutation wrote, and how many records it holds.
fn identifiers(operation: &str, answer: &Value) -> (String, i32) {
    let root = operation.split('.').next().unwrap_or_default();
    let root = &answer["data"][root];
    let listed = root["edges"].as_array().or(root.as_array());
    if let Some(listed) = listed {
        return (String::new(), i32::try_from(listed.len()).unwrap_or(i32::MAX));
    }
    let payload = operation.split_once('.').and_then(|(_, verb)| root[verb].as_object());
    let written = payload.and_then(|payload| payload.values().find_map(|object| object["id"].as_str()));
    (without_nul(written.unwrap_or_default()), i32::from(written.is_some()))
}

/// A document as it is kept: one that is about people names them in its literals.
pub(crate) fn stored_document(operation: &str, document: &str) -> String {
    if operation.starts_with("contact") { without_texts(document) } else { document.to_owned() }
}

/// Replaces what is personal by an ellipsis, at any depth, and what cannot be stored by a sign for that.
pub(crate) fn redact(value: &mut Value) {
    redact_all(value, PERSONAL);
}

/// The same, where values under these keys are of or about a person.
pub(crate) fn redact_all(value: &mut Value, personal: &[&str]) {
    match value {
        Value::Object(fields) => {
            // A key with a NUL could not be stored either.
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
            if let Cow::Owned(kept) = redact_emails(text) {
                *text = kept;
            }
            if contains_nul(text) {
                *text = without_nul(text);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces every value in it; what is null or has parts stays so, and can be read as what it was.
fn hide(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Object(fields) => fields.values_mut().for_each(hide),
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => *value = "…".into(),
    }
}

/// A GraphQL document with every string literal emptied.
fn without_texts(document: &str) -> String {
    let mut kept = String::with_capacity(document.len());
    let (mut inside, mut escaped) = (false, false);
    for c in document.chars() {
        let ends = inside && c == '"' && !escaped;
        escaped = inside && c == '\\' && !escaped;
        if !inside || ends {
            kept.push(c);
        }
        if ends || (!inside && c == '"') {
            inside = !inside;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_named_in_what_is_kept() {
        let kept = kept(
            r#"{"data":{"contacts":{"edges":[{"node":{"id":"UGVyc29uOjE=","firstName":"Ada","lastName":null,
               "emailAddress":"ada@example.org","personalName":{"name":"Ada Marlow"}}}]}}}"#,
        );
        assert_eq!(
            kept.pointer("/data/contacts/edges/0/node").expect("kept"),
            &serde_json::json!({"id":"UGVyc29uOjE=","firstName":"…","lastName":null,"emailAddress":"…","personalName":{"name":"…"}})
        );
    }

    fn kept(body: &str) -> Value {
        stored_response(read(body), body.len())
    }

    #[test]
    fn what_cannot_be_stored_or_names_an_address_is_struck_out_of_any_text() {
        assert_eq!(
            kept(r#"{"errors":[{"message":"no contact jane@example.org"}],"data":{"a\u0000b":["x\u0000y"]}}"#),
            serde_json::json!({"errors":[{"message":"no contact …"}],"data":{"a\u{fffd}b":["x\u{fffd}y"]}})
        );
        assert_eq!(kept("<html>"), serde_json::json!({"not_kept": "no JSON"}));
    }

    #[test]
    fn an_answer_tells_what_it_is_about() {
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
    fn texts_are_emptied_and_nothing_else() {
        for (document, expected) in [
            (r#"{ contacts(filters: [{value: "Ada"}]) { id } }"#, r#"{ contacts(filters: [{value: ""}]) { id } }"#),
            (r#"{ a(b: "x\"y", c: "\\") }"#, r#"{ a(b: "", c: "") }"#),
            ("{ locations { id } }", "{ locations { id } }"),
        ] {
            assert_eq!(without_texts(document), expected);
        }
    }
}
