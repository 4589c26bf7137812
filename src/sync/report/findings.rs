//! What a person should know of a run, as plain data.

use serde::{Deserialize, Serialize};

use crate::sync::conflicts::FieldConflict;
use crate::sync::matching::{Ambiguity, LocalRecord, RemoteRecord};

/// What a person should know of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Ours that Administrate does not have.
    pub unmatched_local: Vec<LocalRecord>,
    /// Theirs that we do not have.
    pub unmatched_remote: Vec<RemoteRecord>,
    /// Where several could be meant; nothing is linked.
    pub ambiguous: Vec<Ambiguity>,
    /// Theirs that were made records of ours, or in a dry run would be.
    #[serde(default)]
    pub created_local: Vec<RemoteRecord>,
    /// Theirs that were to be made records of ours and could not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_created_local: Vec<SkippedRecord>,
    /// Ours that are taken back with the run that made them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed_local: Vec<LocalRecord>,
    /// Ours that stay although the run that made them is taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_local: Vec<RetainedRecord>,
    /// Theirs that are deliberately not bridged.
    pub skipped: Vec<SkippedRecord>,
    /// Values that were changed on both sides since they last agreed, and not decided about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<FieldConflict>,
    /// Values that were changed in Administrate alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<FieldConflict>,
    /// What could not be done.
    pub errors: Vec<RecordError>,
}

/// A record of ours with which something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetainedRecord {
    /// Our id.
    pub id: i64,
    /// How people call it.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A record of Administrate's that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRecord {
    /// Administrate's id.
    pub external_id: String,
    /// How people call it.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl SkippedRecord {
    /// A record that a person has decided to leave out.
    pub fn ignored(external_id: &str, name: String) -> Self {
        SkippedRecord { external_id: external_id.to_owned(), name, reason: "it is to be ignored".into() }
    }
}

/// Something that could not be done, with one record or with a whole fetch (then without id).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordError {
    /// Administrate's id, where it is about one record.
    pub external_id: Option<String>,
    /// A sentence.
    pub message: String,
}
