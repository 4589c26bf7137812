//! Checks that PostgreSQL can store a record of Administrate. A record that it cannot store is an error of that record,
//! never of the whole run.

use serde_json::Value;

use super::SyncPlan;
use crate::bridges::reference::{BoundedColumn, LinkRow};
use crate::sync::matching::RemoteRecord;
use crate::sync::report::display_name::shown;
use crate::sync::report::findings::RecordError;

impl<R: LinkRow> SyncPlan<R> {
    /// Makes the findings storable.
    ///
    /// An unmatched record whose name or id contains a NUL becomes an error; NULs elsewhere are replaced.
    pub(crate) fn drop_unstorable(&mut self) {
        if !serde_json::to_value(&self.findings).is_ok_and(|findings| has_nul(&findings)) {
            return;
        }
        let unmatched = std::mem::take(&mut self.findings.unmatched_remote);
        let (invalid, unmatched): (Vec<_>, Vec<_>) =
            unmatched.into_iter().partition(|record| record.external_id.contains('\0') || record.name.contains('\0'));
        self.findings.unmatched_remote = unmatched;
        for RemoteRecord { external_id, name, .. } in invalid {
            let is_reported = |error: &RecordError| error.external_id.as_ref() == Some(&external_id);
            if !self.findings.errors.iter().any(is_reported) {
                let message = format!("{}: {}", shown(&name), nul_error("name"));
                self.findings.errors.push(RecordError { external_id: Some(external_id), message });
            }
        }
        let findings = serde_json::to_value(&self.findings).map(without_nul).and_then(serde_json::from_value);
        // Plain data without foreign types always survives the round trip.
        self.findings = findings.unwrap_or_default();
    }
}

/// Returns why a row cannot be stored; none if it can.
pub(crate) fn row_error<R: LinkRow>(row: &R) -> Option<String> {
    let has_nul = || serde_json::to_value(row).is_ok_and(|row| has_nul(&row));
    column_error(row.bounded()).or_else(|| has_nul().then(|| nul_error("record")))
}

/// Returns why one of the columns cannot be stored; none if all can.
pub(crate) fn column_error(columns: Vec<BoundedColumn<'_>>) -> Option<String> {
    columns.into_iter().find_map(|BoundedColumn { column, text, most }| {
        let length = text.chars().count();
        if length > most {
            return Some(format!("its {column} is {length} characters long, at most {most} can be stored"));
        }
        text.contains('\0').then(|| nul_error(column))
    })
}

pub(crate) fn nul_error(column: &str) -> String {
    format!("its {column} contains a NUL character, which PostgreSQL cannot store")
}

/// Returns whether any text in the value contains a NUL.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// Replaces each NUL by U+FFFD, which PostgreSQL can store.
fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace('\0', "\u{fffd}").into(),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name.replace('\0', "\u{fffd}"), without_nul(value))).collect()
        }
        other => other,
    }
}
