//! The audit log: every call to Administrate, without secrets or personal data.

use administrate::{BoxFuture, Call, Ledger, without_addresses};
use serde_json::Value;
use sqlx::PgPool;

use super::store;
use crate::nul::without_nul;

/// Values under these keys are of or about a person, wherever they stand.
const PERSONAL: &[&str] =
    &["emailAddress", "email", "firstName", "lastName", "middleName", "personalName", "telephone", "mobile", "address"];

/// The longest answer that is kept, in bytes; of a longer one its length is.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Writes `adm.api_audit_log`.
pub(super) struct AuditLog {
    pool: PgPool,
    command: String,
}

impl AuditLog {
    pub(super) fn new(pool: &PgPool, command: &str) -> Self {
        AuditLog { pool: pool.clone(), command: command.to_owned() }
    }
}

impl Ledger for AuditLog {
    fn record(&self, call: Call) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let entry = Entry::of(call);
            if let Err(error) = store::write_call(&self.pool, &self.command, &entry).await {
                tracing::warn!(%error, operation = entry.operation, "a call could not be told to the audit log");
            }
        })
    }
}

/// A call as it is kept.
pub(super) struct Entry {
    pub operation: &'static str,
    pub document: String,
    pub variables: Value,
    pub entity: &'static str,
    pub entity_id: String,
    pub records: i32,
    pub response: Option<Value>,
    pub status: Option<i32>,
    pub succeeded: bool,
    pub error: String,
    pub started: jiff::Timestamp,
    pub completed: jiff::Timestamp,
    pub duration_ms: i32,
}

impl Entry {
    fn of(call: Call) -> Self {
        let mut variables =
            if call.variables.is_null() { Value::Object(serde_json::Map::new()) } else { call.variables };
        redact(&mut variables);
        let (entity, entity_id) = subject(call.operation, call.is_mutation, &variables);
        let response = call.response.map(|body| kept_answer(&body));
        Entry {
            operation: call.operation,
            document: kept_document(call.operation, &call.document),
            variables: without_nul(variables),
            entity,
            entity_id,
            records: response.as_ref().map_or(0, |(_, records)| *records),
            response: response.map(|(answer, _)| answer),
            status: call.status.map(i32::from),
            succeeded: call.succeeded,
            error: without_addresses(&call.error.unwrap_or_default()).replace('\0', "\u{fffd}"),
            started: call.started,
            completed: call.started.checked_add(call.duration).unwrap_or(call.started),
            duration_ms: i32::try_from(call.duration.as_millis()).unwrap_or(i32::MAX),
        }
    }
}

/// An answer as it is kept, and how many records it holds.
fn kept_answer(body: &str) -> (Value, i32) {
    let Ok(mut answer) = serde_json::from_str::<Value>(body) else {
        return (serde_json::json!({ "not_kept": "no JSON" }), 0);
    };
    let records = i32::try_from(records(&answer)).unwrap_or(i32::MAX);
    if body.len() > LONGEST_ANSWER {
        return (serde_json::json!({ "not_kept": "too long", "bytes": body.len() }), records);
    }
    redact(&mut answer);
    (without_nul(answer), records)
}

/// How many records the list at the root of an answer holds.
fn records(answer: &Value) -> usize {
    let roots = answer["data"].as_object().into_iter().flat_map(|data| data.values());
    let list = |root: &Value| {
        ["edges", "nodes", "customFieldDefinitions"].iter().find_map(|list| root[list].as_array().map(Vec::len))
    };
    roots.filter_map(list).sum()
}

/// What a call is about: a kind of record, and Administrate's id of the one that a write names.
fn subject(operation: &'static str, is_mutation: bool, variables: &Value) -> (&'static str, String) {
    let kind = operation.split('.').next().unwrap_or_default();
    let named = |(key, value): (&String, &Value)| {
        let names_it = key == "id" || key.strip_suffix("Id").is_some_and(|kind_of| operation.starts_with(kind_of));
        value.as_str().filter(|_| is_mutation && names_it).map(str::to_owned)
    };
    (kind, variables.as_object().into_iter().flatten().find_map(named).unwrap_or_default())
}

/// A document as it is kept: one that is about people names them in its literals.
pub(super) fn kept_document(operation: &str, document: &str) -> String {
    if operation.starts_with("contact") { without_texts(document) } else { document.to_owned() }
}

/// Replaces what is personal by an ellipsis, at any depth.
pub(super) fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if PERSONAL.contains(&key.as_str()) {
                    hide(field);
                } else {
                    redact(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::String(text) if text.contains('@') => *text = without_addresses(text),
        _ => {}
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
        let (kept, records) = kept_answer(
            r#"{"data":{"contacts":{"edges":[{"node":{"id":"UGVyc29uOjE=","firstName":"Ada","lastName":null,
               "emailAddress":"ada@example.org","personalName":{"name":"Ada Marlow"}}}]}}}"#,
        );
        assert_eq!(
            kept.pointer("/data/contacts/edges/0/node").expect("kept"),
            &serde_json::json!({"id":"UGVyc29uOjE=","firstName":"…","lastName":null,"emailAddress":"…","personalName":{"name":"…"}})
        );
        assert_eq!(records, 1);
        let (kept, _) = kept_answer(r#"{"errors":[{"message":"denied for ada@example.org\u0000"}]}"#);
        assert_eq!(kept, serde_json::json!({"errors": [{"message": "denied for …\u{fffd}"}]}));
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
