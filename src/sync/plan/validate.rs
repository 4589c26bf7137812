//! What PostgreSQL cannot keep of a record of Administrate's: it is an error of that record, never of the run.

use serde_json::Value;

use super::SyncPlan;
use crate::bridges::reference::{BoundedColumn, LinkRow};
use crate::sync::matching::RemoteRecord;
use crate::sync::report::findings::RecordError;

impl<R: LinkRow> SyncPlan<R> {
    /// Makes what was found such that it can be kept: a record that nobody here knows by a name with a NUL is an error.
    pub(crate) fn drop_unstorable(&mut self) {
        if !serde_json::to_value(&self.findings).is_ok_and(|findings| has_nul(&findings)) {
            return;
        }
        let unmatched = std::mem::take(&mut self.findings.unmatched_remote);
        let (unfit, unmatched): (Vec<_>, Vec<_>) =
            unmatched.into_iter().partition(|record| record.external_id.contains('\0') || record.name.contains('\0'));
        self.findings.unmatched_remote = unmatched;
        for RemoteRecord { external_id, .. } in unfit {
            let is_told = |trouble: &RecordError| trouble.external_id.as_ref() == Some(&external_id);
            if !self.findings.errors.iter().any(is_told) {
                self.findings.errors.push(RecordError { external_id: Some(external_id), message: nul_error("name") });
            }
        }
        let findings = serde_json::to_value(&self.findings).map(without_nul).and_then(serde_json::from_value);
        // Plain data of our own always goes there and back.
        self.findings = findings.unwrap_or_default();
    }
}

/// Why a row cannot be stored, if it cannot.
pub(crate) fn row_error<R: LinkRow>(row: &R) -> Option<String> {
    let has_nul = || serde_json::to_value(row).is_ok_and(|row| has_nul(&row));
    column_error(row.bounded()).or_else(|| has_nul().then(|| nul_error("record")))
}

/// Why one of these columns cannot be stored, if one cannot.
pub(crate) fn column_error(columns: Vec<BoundedColumn<'_>>) -> Option<String> {
    columns.into_iter().find_map(|BoundedColumn { column, text, most }| {
        let length = text.chars().count();
        if length > most {
            return Some(format!("its {column} is {length} characters long, {most} can be kept"));
        }
        text.contains('\0').then(|| nul_error(column))
    })
}

pub(crate) fn nul_error(column: &str) -> String {
    format!("its {column} contains a NUL character, which PostgreSQL cannot keep")
}

/// Whether a NUL stands anywhere.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// The same with a sign that can be kept in the place of each.
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
