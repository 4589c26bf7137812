//! The import plan: what an import would do, as plain data that can be shown, saved and applied.

pub mod bookings;
pub mod conflicts;
pub mod custom_fields;
pub mod diff;
mod display;
pub mod inputs;
pub mod lookup;
pub mod new_instructors;
pub mod planner;
mod products;
mod remote_merge;
pub mod remote_state;
pub mod request_count;
pub mod resolve;
mod staff;
#[cfg(test)]
mod tests;
pub mod update;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::names::fold;
use crate::tutorials::Event;

use self::inputs::LocalState;
use self::new_instructors::NewInstructor;
use crate::workbook::plan::ValueChange;
use crate::workbook::problems::ImportProblem;

/// What an import does with one block of the timetable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockOutcome {
    /// The event is new, locally and in Administrate.
    Create,
    /// The event is new locally and exists in Administrate under this id.
    Adopt(String),
    /// The event exists locally with other values.
    Update,
    /// The event exists locally with the same values.
    Unchanged,
    /// The block is marked as cancelled and has no local event: nothing is written.
    Skip,
    /// The event exists locally and is now marked as cancelled.
    Cancel,
    /// An earlier block of the file has the same content.
    Duplicate,
    /// The block contradicts another block or an existing event.
    Conflict,
    /// The block has errors.
    Refuse,
}

/// Numbers of events, and of sessions in accepted blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportCounts {
    pub events: usize,
    pub sessions: usize,
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub duplicate: usize,
    pub rejected: usize,
}

/// A value that changed in Administrate since the last baseline and differs from the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The local change that the file requests.
    #[serde(flatten)]
    pub change: ValueChange,
    /// The value in Administrate, None for nothing.
    #[serde(rename = "theirs")]
    pub remote: Option<String>,
    /// Whether the local value overwrites the remote one. Otherwise both sides stay as they are.
    pub overwritten: bool,
}

/// An event as it is after the import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedEvent {
    /// The local id, None for a new event.
    pub id: Option<i64>,
    /// All values of the event. `remain_space` of an existing event is the one at planning time.
    pub event: Event,
    /// The change of `remain_space` of an existing event.
    pub places_moved: i32,
    /// The days whose sessions are new or change.
    pub changed_days: Vec<i32>,
}

/// One block and what the import does with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanItem {
    /// The event's title, "" where the file has none.
    pub title: String,
    /// The row number of the event row.
    pub row: u32,
    /// The number of sessions in the block.
    pub sessions: usize,
    pub outcome: BlockOutcome,
    /// The event after the import, None where nothing is written.
    pub event: Option<PlannedEvent>,
    /// Changed values: of an existing event on both sides, of an adopted event in Administrate.
    pub changes: Vec<ValueChange>,
    /// Values of an existing event that changed on both sides, and remote values that are overwritten.
    pub conflicts: Vec<Conflict>,
    /// Steps that this Administrate's API cannot do, one sentence each.
    #[serde(rename = "by_hand")]
    pub manual_steps: Vec<String>,
    /// Estimated requests to Administrate that deliver the event.
    pub requests: usize,
}

/// The approval of an instructor for a course template in Administrate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// Administrate's id of the course template.
    pub template: String,
    /// The course template's code.
    pub code: String,
    /// Administrate's id of the contact.
    pub contact: String,
    /// "First Last".
    pub name: String,
}

/// What an import would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPlan {
    /// One item for each block, in file order.
    pub items: Vec<PlanItem>,
    /// Approvals to request first, without duplicates. Empty unless the caller requested approvals.
    pub approvals: Vec<ApprovalRequest>,
    /// Instructors to create locally who exist only in Administrate. Empty unless the caller requested it.
    #[serde(rename = "newcomers")]
    pub new_instructors: Vec<NewInstructor>,
    /// All problems, sorted by row and cell.
    pub problems: Vec<ImportProblem>,
    /// Names of the timetable that no local instructor has.
    #[serde(default)]
    pub unknown_instructors: Vec<String>,
}

impl Conflict {
    /// Returns the change in Administrate of an overwritten value.
    pub fn in_administrate(&self) -> ValueChange {
        let field = format!("{} in Administrate", self.change.field);
        ValueChange { field, old: self.remote.clone(), new: self.change.new.clone() }
    }
}

impl PlanItem {
    /// Reports whether the import accepts the block.
    pub fn is_accepted(&self) -> bool {
        matches!(
            self.outcome,
            BlockOutcome::Create
                | BlockOutcome::Adopt(_)
                | BlockOutcome::Update
                | BlockOutcome::Unchanged
                | BlockOutcome::Cancel
        )
    }

    /// Reports whether the item has anything to show.
    pub fn is_shown(&self) -> bool {
        self.outcome != BlockOutcome::Unchanged || !self.conflicts.is_empty()
    }

    /// Reports whether the import rejects the block.
    pub fn is_rejected(&self) -> bool {
        matches!(self.outcome, BlockOutcome::Conflict | BlockOutcome::Refuse)
    }
}

impl ImportPlan {
    /// Returns the same text for plans that do the same. Of an event that exists only the changes count, not the places
    /// that are sold meanwhile.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for item in &self.items {
            let new_event = item.event.as_ref().filter(|event| event.id.is_none());
            let PlanItem { title, row, sessions, outcome, changes, conflicts, .. } = item;
            let line = serde_json::to_vec(&(title, row, sessions, outcome, changes, conflicts, new_event));
            digest.update(line.unwrap_or_default());
            digest.update(b"\n");
        }
        hex::encode(digest.finalize())
    }

    /// Counts events and sessions by outcome.
    pub fn counts(&self) -> ImportCounts {
        let mut counts = ImportCounts { events: self.items.len(), ..ImportCounts::default() };
        for item in &self.items {
            if item.is_accepted() {
                counts.sessions += item.sessions;
            }
            match item.outcome {
                BlockOutcome::Create | BlockOutcome::Adopt(_) => counts.created += 1,
                BlockOutcome::Update | BlockOutcome::Cancel => counts.updated += 1,
                BlockOutcome::Unchanged | BlockOutcome::Skip => counts.unchanged += 1,
                BlockOutcome::Duplicate => counts.duplicate += 1,
                BlockOutcome::Conflict | BlockOutcome::Refuse => counts.rejected += 1,
            }
        }
        counts
    }

    /// Estimates the requests to Administrate that the whole plan needs.
    pub fn remote_calls(&self) -> usize {
        let templates = self.approvals.chunk_by(|one, next| one.template == next.template).count();
        templates + self.items.iter().map(|item| item.requests).sum::<usize>()
    }

    /// Reports whether a user must act: on an error, an open conflict or a manual step.
    pub fn needs_attention(&self) -> bool {
        let has_manual_steps = self.items.iter().any(|item| !item.manual_steps.is_empty());
        self.problems.iter().any(ImportProblem::is_error) || self.open_conflicts() > 0 || has_manual_steps
    }

    /// Counts the conflicts that a user must resolve.
    pub fn open_conflicts(&self) -> usize {
        let conflicts = self.items.iter().flat_map(|item| &item.conflicts);
        conflicts.filter(|conflict| !conflict.overwritten).count()
    }

    /// Returns the local ids of the linked events that the plan accepts and does not cancel.
    pub fn known_event_ids(&self, local: &LocalState) -> Vec<i64> {
        let remaining = self.items.iter().filter(|item| item.is_accepted() && item.outcome != BlockOutcome::Cancel);
        let known = remaining.filter_map(|item| local.events.get(&fold(&item.title)).map(|known| known.id));
        known.filter(|id| local.links.contains_key(id)).collect()
    }
}
