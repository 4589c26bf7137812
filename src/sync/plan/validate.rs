//! Checks that the texts of a record of Administrate are whole and that PostgreSQL can store them. A record that fails is
//! an error of that record, never of the whole run: nothing of it is written, and a stored row stays.

use std::collections::HashSet;

use serde_json::Value;

use super::SyncPlan;
use crate::bridges::reference::{BoundedColumn, LinkRow};
use crate::sync::matching::RemoteRecord;
use crate::sync::report::display_name::display_name;
use crate::sync::report::findings::RecordError;
use crate::text::{NUL, REPLACEMENT, json_contains, json_without_nul};

impl<R: LinkRow> SyncPlan<R> {
    /// Makes the findings storable. Nothing of a damaged record is accepted or offered for a decision.
    ///
    /// An unmatched record with an error is no longer listed as unmatched: it cannot be created locally. One whose name
    /// or id is not whole becomes an error. NULs elsewhere are replaced.
    pub(crate) fn drop_unstorable(&mut self) {
        let failed: HashSet<&str> =
            self.findings.errors.iter().filter_map(|error| error.external_id.as_deref()).collect();
        let planned: HashSet<&str> =
            self.changes.iter().filter_map(|change| change.row()).map(R::external_id).collect();
        let unchanged: HashSet<&str> = self.unchanged.iter().map(String::as_str).collect();
        let is_used = |id: &str| planned.contains(id) || unchanged.contains(id);
        let mut unmatched = std::mem::take(&mut self.findings.unmatched_remote);
        unmatched.retain(|record| !failed.contains(record.external_id.as_str()) || is_used(&record.external_id));
        for record in unmatched {
            let RemoteRecord { external_id, name, .. } = &record;
            match text_error("id", external_id).or_else(|| text_error("name", name)) {
                Some(error) => {
                    let message = format!("{}: {error}", display_name(name));
                    self.findings.errors.push(RecordError { external_id: Some(external_id.clone()), message });
                }
                None => self.findings.unmatched_remote.push(record),
            }
        }
        let damaged = std::mem::take(&mut self.damaged);
        self.resolutions.retain(|resolution| !damaged.contains(&resolution.external_id));
        self.findings.conflicts.retain(|conflict| !damaged.contains(&conflict.external_id));
        self.findings.differences.retain(|difference| !damaged.contains(&difference.external_id));
        self.findings.separated.retain(|one| text_error("name", &one.remote.name).is_none());
        let findings = serde_json::to_value(&self.findings).unwrap_or_default();
        if json_contains(&findings, NUL) {
            // Plain data without foreign types always survives the round trip.
            let separated = std::mem::take(&mut self.findings.separated);
            self.findings = serde_json::from_value(json_without_nul(findings)).unwrap_or_default();
            self.findings.separated = separated;
        }
    }
}

/// Returns why a row cannot be stored; none if it can.
pub(crate) fn row_error<R: LinkRow>(row: &R) -> Option<String> {
    let any_text = || {
        let row = serde_json::to_value(row).unwrap_or(Value::Null);
        let broken = [NUL, REPLACEMENT].into_iter().find(|character| json_contains(&row, *character))?;
        text_error("record", &broken.to_string())
    };
    column_error(row.bounded()).or_else(any_text)
}

/// Returns why one of the columns cannot be stored; none if all can.
pub(crate) fn column_error(columns: Vec<BoundedColumn<'_>>) -> Option<String> {
    columns.into_iter().find_map(|BoundedColumn { column, text, most }| {
        let length = text.chars().count();
        if length > most {
            return Some(format!("its {column} is {length} characters long, at most {most} can be stored"));
        }
        text_error(column, &text)
    })
}

/// Returns why a text of a record cannot be used; none if it can.
///
/// U+FFFD stands for half of a character: a text that was cut in the middle of an emoji, and that Administrate sent so.
pub(crate) fn text_error(column: &str, text: &str) -> Option<String> {
    if text.contains(NUL) {
        return Some(format!("its {column} contains a NUL character, which PostgreSQL cannot store"));
    }
    text.contains(REPLACEMENT).then(|| {
        format!("its {column} is damaged: it contains half of a character (shown as {REPLACEMENT}); correct it in Administrate")
    })
}
