//! The import plan as text: for the terminal and for messages.

use std::fmt;

use crate::console::counted;
use crate::console::style::{Tone, paint};

use super::{BlockOutcome, Conflict, ImportPlan, PlanItem};
use crate::workbook::plan::{PlanLine, ValueChange, write_changes};

impl BlockOutcome {
    /// The words of [`word`](Self::word), in the order in which a summary lists them.
    const WORDS: [&str; 9] =
        ["new", "adopted", "changed", "cancelled", "same", "skipped", "duplicate", "conflict", "refused"];

    /// Returns one word for tables.
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

    /// Returns the word that users read, and its meaning.
    fn label(&self) -> (Option<Tone>, &'static str) {
        match self {
            Self::Create | Self::Adopt(_) => (Some(Tone::Good), self.word()),
            Self::Duplicate | Self::Conflict | Self::Cancel => (Some(Tone::Warning), self.word()),
            // The same word as in the counts.
            Self::Refuse => (Some(Tone::Bad), REJECTED),
            Self::Update | Self::Unchanged | Self::Skip => (None, self.word()),
        }
    }
}

/// The word for refused blocks that users read.
const REJECTED: &str = "rejected";

impl ImportPlan {
    /// Describes the plan in two lines: events by outcome, then sessions and requests.
    pub fn summary(&self) -> String {
        let count = |word: &str| self.items.iter().filter(|item| item.outcome.word() == word).count();
        let counts = BlockOutcome::WORDS.iter().map(|word| (count(word), word)).filter(|(count, _)| *count > 0);
        let outcomes = counts.map(|(count, word)| match *word {
            "refused" => paint(Tone::Bad, format!("{count} {REJECTED}")),
            word => format!("{count} {word}"),
        });
        let outcomes: Vec<String> = outcomes.collect();
        let events = counted(self.items.len(), "event");
        let sessions = counted(self.counts().sessions, "session");
        let requests = counted(self.remote_calls(), "request");
        let outcomes = if outcomes.is_empty() { "nothing to do".to_owned() } else { outcomes.join(", ") };
        format!("{events}: {outcomes}\n{sessions}, {requests} to Administrate")
    }
}

impl fmt::Display for ImportPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for instructor in &self.new_instructors {
            let (name, contact) = (instructor.name(), &instructor.contact);
            writeln!(
                f,
                "{}    instructor {name}, known only in Administrate ({contact})",
                paint(Tone::Good, "create")
            )?;
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
        let (tone, word) = self.outcome.label();
        write!(f, "{}", PlanLine { tone, word, title: &self.title, row: self.row })?;
        if self.outcome == BlockOutcome::Create {
            write!(f, ", {}", counted(self.sessions, "session"))?;
        }
        // The old values of an adopted event are those of Administrate.
        let side = if matches!(self.outcome, BlockOutcome::Adopt(_)) { "in Administrate, " } else { "" };
        write_changes(f, side, &self.changes)?;
        for conflict in &self.conflicts {
            write!(f, "\n        {} {conflict}", paint(Tone::Warning, "!"))?;
        }
        for step in &self.manual_steps {
            write!(f, "\n        ! {step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remote = self.remote.as_deref().unwrap_or("nothing");
        let result = if self.overwritten { "overwritten by the local value" } else { "not overwritten" };
        match &self.change {
            ValueChange { field, old: Some(old), new: Some(new) } if old == new => write!(f, "{field}: {new} locally")?,
            change => write!(f, "{change}")?,
        }
        write!(f, "; Administrate has {remote}: {result}")
    }
}
