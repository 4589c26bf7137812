//! Checks that PostgreSQL can store a record of Administrate. A record that it cannot store is an error of that record,
//! never of the whole run.

use super::SyncPlan;
use crate::bridges::reference::{BoundedColumn, LinkRow};
use crate::sync::matching::RemoteRecord;
use crate::sync::report::display_name::display_name;
use crate::sync::report::findings::RecordError;
use crate::text::{contains_nul, json_contains_nul, json_without_nul};

impl<R: LinkRow> SyncPlan<R> {
    /// Makes the findings storable.
    ///
    /// An unmatched record whose name or id contains a NUL becomes an error; NULs elsewhere are replaced.
    pub(crate) fn drop_unstorable(&mut self) {
        if !serde_json::to_value(&self.findings).is_ok_and(|findings| json_contains_nul(&findings)) {
            return;
        }
        let unmatched = std::mem::take(&mut self.findings.unmatched_remote);
        let (invalid, unmatched): (Vec<_>, Vec<_>) =
            unmatched.into_iter().partition(|record| contains_nul(&record.external_id) || contains_nul(&record.name));
        self.findings.unmatched_remote = unmatched;
        for RemoteRecord { external_id, name, .. } in invalid {
            let is_reported = |error: &RecordError| error.external_id.as_ref() == Some(&external_id);
            if !self.findings.errors.iter().any(is_reported) {
                let message = format!("{}: {}", display_name(&name), nul_error("name"));
                self.findings.errors.push(RecordError { external_id: Some(external_id), message });
            }
        }
        let findings = serde_json::to_value(&self.findings).map(json_without_nul).and_then(serde_json::from_value);
        // Plain data without foreign types always survives the round trip.
        self.findings = findings.unwrap_or_default();
    }
}

/// Returns why a row cannot be stored; none if it can.
pub(crate) fn row_error<R: LinkRow>(row: &R) -> Option<String> {
    let has_nul = || serde_json::to_value(row).is_ok_and(|row| json_contains_nul(&row));
    column_error(row.bounded()).or_else(|| has_nul().then(|| nul_error("record")))
}

/// Returns why one of the columns cannot be stored; none if all can.
pub(crate) fn column_error(columns: Vec<BoundedColumn<'_>>) -> Option<String> {
    columns.into_iter().find_map(|BoundedColumn { column, text, most }| {
        let length = text.chars().count();
        if length > most {
            return Some(format!("its {column} is {length} characters long, at most {most} can be stored"));
        }
        contains_nul(&text).then(|| nul_error(column))
    })
}

pub(crate) fn nul_error(column: &str) -> String {
    format!("its {column} contains a NUL character, which PostgreSQL cannot store")
}
