//! The findings of a run that a user should see, as plain data.

use serde::{Deserialize, Serialize};

use crate::sync::conflicts::{FieldConflict, ResolvedField};
use crate::sync::matching::{Ambiguity, LocalRecord, RemoteRecord, Separation};

/// The findings of a run that a user should see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Local records that Administrate does not have.
    pub unmatched_local: Vec<LocalRecord>,
    /// Records of Administrate that do not exist locally.
    pub unmatched_remote: Vec<RemoteRecord>,
    /// Ambiguous matches. Existing links stay; nothing else is linked.
    pub ambiguous: Vec<Ambiguity>,
    /// Unmatched records with a namesake that a user's decision keeps apart from them. Not a part of saved plans, which
    /// depend on the decisions already.
    #[serde(skip)]
    pub separated: Vec<Separation>,
    /// Records of Administrate that were created locally or, in a dry run, would be.
    #[serde(default)]
    pub created_local: Vec<RemoteRecord>,
    /// Records of Administrate that could not be created locally.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_created_local: Vec<SkippedRecord>,
    /// Local records that are deleted because the run that created them is undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed_local: Vec<LocalRecord>,
    /// Local records that stay although the run that created them is undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "kept_local")]
    pub retained_local: Vec<RetainedRecord>,
    /// Records of Administrate that are deliberately left out.
    pub skipped: Vec<SkippedRecord>,
    /// Unresolved values that were changed on both sides since the baseline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<FieldConflict>,
    /// Values that were changed in Administrate only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<FieldConflict>,
    /// Remaining places whose conflict is resolved. Other resolved values have a resolution in the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolved_places: Vec<ResolvedField>,
    pub errors: Vec<RecordError>,
}

/// A local record that stays as it is, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetainedRecord {
    /// The local id.
    pub id: i64,
    pub name: String,
    pub reason: String,
}

/// A record of Administrate that was left out, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRecord {
    /// Administrate's id.
    pub external_id: String,
    pub name: String,
    pub reason: String,
}

impl SkippedRecord {
    /// Returns a record that `lectern sync ignore` leaves out.
    pub fn ignored(external_id: &str, name: String) -> Self {
        SkippedRecord { external_id: external_id.to_owned(), name, reason: "set to be ignored".into() }
    }
}

/// An error that concerns one record or a whole fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordError {
    /// Administrate's id; none if the error concerns no single record.
    pub external_id: Option<String>,
    /// A sentence that names the record.
    pub message: String,
}
