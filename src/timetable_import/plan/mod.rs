//! The plan: what an import would do, as plain data that can be shown, saved and applied.

pub mod adopt;
pub mod bookings;
pub mod conflicts;
pub mod custom_fields;
pub mod diff;
pub mod inputs;
pub mod lookup;
pub mod new_instructors;
pub mod planner;
pub mod remote_state;
pub mod request_count;
pub mod resolve;
#[cfg(test)]
mod tests;
pub mod update;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::console::counted;
use crate::tutorials::Event;

use self::new_instructors::NewInstructor;
use super::problems::ImportProblem;

/// What becomes of one block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockOutcome {
    /// A new event, here and in Administrate.
    Create,
    /// New here; in Administrate it exists already, under this id.
    Adopt(String),
    /// Known, some values differ.
    Update,
    /// Known and the same.
    Unchanged,
    /// Marked as cancelled and not known: nothing happens.
    Skip,
    /// Known and now marked as cancelled.
    Cancel,
    /// Says again what another block of the file says.
    Duplicate,
    /// Contradicts another block, or what exists.
    Conflict,
    /// Has errors.
    Refuse,
}

/// How many events and sessions a plan concerns, as the contract counts them.
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

/// One value that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueChange {
    /// Which: "location", "day 2: start".
    pub field: String,
    /// Before, None for nothing.
    pub old: Option<String>,
    /// After, None for nothing.
    pub new: Option<String>,
}

/// One value that the file changes and that somebody changed in Administrate since both sides last agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What changes here, were it not for Administrate's value.
    #[serde(flatten)]
    pub change: ValueChange,
    /// Administrate's value, None for nothing.
    pub theirs: Option<String>,
    /// Whether ours is written over it; else both sides keep what they have.
    pub overwritten: bool,
}

/// An event as it will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedEvent {
    /// Our id, None for a new one.
    pub id: Option<i64>,
    /// All that will be true of it; of a known one `remain_space` as it was when the plan was made.
    pub event: Event,
    /// How far `remain_space` of a known event moves.
    pub places_moved: i32,
    /// The days whose sessions are new or change.
    pub changed_days: Vec<i32>,
}

/// One block and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanItem {
    /// The event's title, "" where the file has none.
    pub title: String,
    /// The event row's number.
    pub row: u32,
    /// How many sessions the block has.
    pub sessions: usize,
    /// What becomes of it.
    pub outcome: BlockOutcome,
    /// The event as it will be; only where something is written.
    pub event: Option<PlannedEvent>,
    /// What changes: of known events here and there, of those that are taken over in Administrate.
    pub changes: Vec<ValueChange>,
    /// What changed on both sides, for known events.
    pub conflicts: Vec<Conflict>,
    /// What this Administrate does not let be done from outside, in a sentence each.
    #[serde(rename = "by_hand")]
    pub manual_steps: Vec<String>,
    /// Requests to Administrate that bringing it there will cost.
    pub requests: usize,
}

/// An instructor who is to be approved for a course template in Administrate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// Administrate's id of the template.
    pub template: String,
    /// Its code.
    pub code: String,
    /// Administrate's id of the contact.
    pub contact: String,
    /// "First Last".
    pub name: String,
}

/// What an import would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPlan {
    /// One item a block, in file order.
    pub items: Vec<PlanItem>,
    /// Approvals that are given first, each once; only where that was asked for.
    pub approvals: Vec<ApprovalRequest>,
    /// Instructors who are created here, known in Administrate alone; only where that was asked for.
    pub newcomers: Vec<NewInstructor>,
    /// Everything found wrong, by row.
    pub problems: Vec<ImportProblem>,
}

impl PlanItem {
    /// Whether the block is taken.
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

    /// Whether there is anything to tell of it.
    pub fn is_shown(&self) -> bool {
        self.outcome != BlockOutcome::Unchanged || !self.conflicts.is_empty()
    }

    /// Whether the block is refused.
    pub fn is_rejected(&self) -> bool {
        matches!(self.outcome, BlockOutcome::Conflict | BlockOutcome::Refuse)
    }
}

impl ImportPlan {
    /// Events and sessions by what becomes of them.
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

    /// Requests to Administrate that carrying it out will cost.
    pub fn remote_calls(&self) -> usize {
        let templates = self.approvals.chunk_by(|one, next| one.template == next.template).count();
        templates + self.items.iter().map(|item| item.requests).sum::<usize>()
    }

    /// How many events and what becomes of them, and what that costs: a line each.
    pub fn summary(&self) -> String {
        let often = |wanted: &str| self.items.iter().filter(|item| item.outcome.word() == wanted).count();
        let fates = BlockOutcome::WORDS.iter().map(|word| (often(word), word)).filter(|(often, _)| *often > 0);
        let fates: Vec<String> = fates.map(|(often, word)| format!("{often} {word}")).collect();
        let events = counted(self.items.len(), "event");
        let sessions = counted(self.counts().sessions, "session");
        let requests = counted(self.remote_calls(), "request");
        let fates = if fates.is_empty() { "nothing to do".to_owned() } else { fates.join(", ") };
        format!("{events}: {fates}\n{sessions}, {requests} to Administrate")
    }

    /// Whether a person has to look: something is refused, a row stands nowhere, or both sides will differ.
    pub fn needs_person(&self) -> bool {
        let by_hand = self.items.iter().any(|item| !item.manual_steps.is_empty());
        self.problems.iter().any(ImportProblem::is_error) || self.open_conflicts() > 0 || by_hand
    }

    /// How many values somebody has to decide about, because both sides changed them.
    pub fn open_conflicts(&self) -> usize {
        let conflicts = self.items.iter().flat_map(|item| &item.conflicts);
        conflicts.filter(|conflict| !conflict.overwritten).count()
    }

    /// Our ids of the known events that are about to change.
    pub fn changing(&self) -> Vec<i64> {
        let changing = self.items.iter().filter(|item| item.outcome == BlockOutcome::Update);
        changing.filter_map(|item| item.event.as_ref()?.id).collect()
    }
}

impl BlockOutcome {
    /// The words of [`word`](Self::word), in the order in which they are counted.
    const WORDS: [&str; 9] =
        ["new", "adopted", "changed", "cancelled", "same", "skipped", "duplicate", "conflict", "refused"];

    /// One word for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Create => "new",
            Self::Adopt(_) => "adopted",
            Self::Update => "changed",
            Self::Unchanged => "same",
            Self::Skip => "skipped",
            Self::Cancel => "cancelled",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Refuse => "refused",
        }
    }
}

impl fmt::Display for ImportPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for newcomer in &self.newcomers {
            writeln!(f, "create    instructor {}, whom Administrate knows ({})", newcomer.name(), newcomer.contact)?;
        }
        for approval in &self.approvals {
            writeln!(f, "approve   {} for {}", approval.name, approval.code)?;
        }
        for item in self.items.iter().filter(|item| item.is_shown()) {
            writeln!(f, "{item}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PlanItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = if self.title.is_empty() { "(no title)" } else { &self.title };
        write!(f, "{:9} {title} (row {})", self.outcome.word(), self.row)?;
        if self.outcome == BlockOutcome::Create {
            write!(f, ", {}", counted(self.sessions, "session"))?;
        }
        // Of one that is taken over these are the values that Administrate has before.
        let there = if matches!(self.outcome, BlockOutcome::Adopt(_)) { "there, " } else { "" };
        for change in &self.changes {
            write!(f, "\n          {there}{change}")?;
        }
        for conflict in &self.conflicts {
            write!(f, "\n        ! {conflict}")?;
        }
        for by_hand in &self.manual_steps {
            write!(f, "\n        ! {by_hand}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let theirs = self.theirs.as_deref().unwrap_or("nothing");
        let end = if self.overwritten { "ours is written over it" } else { "kept there, not written" };
        match &self.change {
            ValueChange { field, old: Some(old), new: Some(new) } if old == new => write!(f, "{field}: {new} here")?,
            change => write!(f, "{change}")?,
        }
        write!(f, "; Administrate has {theirs}: {end}")
    }
}

impl fmt::Display for ValueChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "{}: {} → {}", self.field, shown(&self.old), shown(&self.new))
    }
}
