//! What PostgreSQL cannot keep of a record of Administrate's: it is an error of that record, never of the run.

use super::SyncPlan;
use crate::bridges::reference::{BoundedColumn, LinkRow};
use crate::sync::matching::RemoteRecord;
use crate::sync::report::findings::RecordError;
use crate::text::{contains_nul, json_contains_nul, json_without_nul};

impl<R: LinkRow> SyncPlan<R> {
    /// Makes what was found such that it can be kept: a record that nobody here knows by a name with a NUL is an error.
    pub(crate) fn drop_unstorable(&mut self) {
        if !serde_json::to_value(&self.findings).is_ok_and(|findings| json_contains_nul(&findings)) {
            return;
        }
        let unmatched = std::mem::take(&mut self.findings.unmatched_remote);
        let (unfit, unmatched): (Vec<_>, Vec<_>) =
            unmatched.into_iter().partition(|record| contains_nul(&record.external_id) || contains_nul(&record.name));
        self.findings.unmatched_remote = unmatched;
        for RemoteRecord { external_id, .. } in unfit {
            let is_told = |trouble: &RecordError| trouble.external_id.as_ref() == Some(&external_id);
            if !self.findings.errors.iter().any(is_told) {
                self.findings.errors.push(RecordError { external_id: Some(external_id), message: nul_error("name") });
            }
        }
        let findings = serde_json::to_value(&self.findings).map(json_without_nul).and_then(serde_json::from_value);
        // Plain data of our own always goes there and back.
        self.findings = findings.unwrap_or_default();
    }
}

/// Why a row cannot be stored, if it cannot.
pub(crate) fn row_error<R: LinkRow>(row: &R) -> Option<String> {
    let has_nul = || serde_json::to_value(row).is_ok_and(|row| json_contains_nul(&row));
    column_error(row.bounded()).or_else(|| has_nul().then(|| nul_error("record")))
}

/// Why one of these columns cannot be stored, if one cannot.
pub(crate) fn column_error(columns: Vec<BoundedColumn<'_>>) -> Option<String> {
    columns.into_iter().find_map(|BoundedColumn { column, text, most }| {
        let length = text.chars().count();
        if length > most {
            return Some(format!("its {column} is {length} characters long, {most} can be kept"));
        }
        contains_nul(&text).then(|| nul_error(column))
    })
}

pub(crate) fn nul_error(column: &str) -> String {
    format!("its {column} contains a NUL character, which PostgreSQL cannot keep")
}
