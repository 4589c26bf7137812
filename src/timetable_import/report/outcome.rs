//! The outcome of an import in words: what was done, and what to do next.

use crate::console::counted;
use crate::console::style::{Tone, paint_if};
use crate::text::shell_word;
use crate::workbook::problems::Code;

use super::{Document, Undelivered};

/// Maximum number of names in a sentence.
const MAX_NAMES: usize = 5;

/// Maximum number of undelivered events that are named with their reason.
const MAX_REASONS: usize = 20;

/// Describes events that are not delivered: those with a reason, the first of many, and the number of the others, which
/// only wait.
pub fn undelivered_lines(undelivered: &[Undelivered]) -> Vec<String> {
    let with_reason = |item: &Undelivered| item.error.as_ref().map(|reason| format!("{}: {reason}", item.event));
    let refused: Vec<String> = undelivered.iter().filter_map(with_reason).collect();
    let mut lines: Vec<String> = refused.iter().take(MAX_REASONS).cloned().collect();
    if refused.len() > MAX_REASONS {
        lines.push(format!("and {} more: lectern outbox shows them", refused.len() - MAX_REASONS));
    }
    match undelivered.len() - refused.len() {
        0 => {}
        1 => lines.push("1 event is not delivered yet".to_owned()),
        waiting => lines.push(format!("{waiting} events are not delivered yet")),
    }
    lines
}

impl Document {
    /// Describes the result of an executed import in one line.
    pub fn outcome(&self) -> String {
        let counts = &self.counts;
        let imported = [
            (counts.created, "created"),
            (counts.updated, "updated"),
            (counts.unchanged, "unchanged"),
            (counts.duplicate, "repeated in the file"),
            (counts.rejected, "rejected"),
        ];
        let parts =
            imported.iter().filter(|(count, what)| *count > 0 || matches!(*what, "created" | "updated" | "rejected"));
        let painted = |(count, what): &(usize, &str)| {
            let text = format!("{count} {what}");
            match *what {
                "created" => paint_if(*count > 0, Tone::Good, text),
                "rejected" => paint_if(*count > 0, Tone::Bad, text),
                _ => text,
            }
        };
        let parts: Vec<String> = parts.map(painted).collect();
        format!("import {} of {}: {}", self.run_id.unwrap_or_default(), self.file, parts.join(", "))
    }

    /// Describes how far a stopped import came.
    pub fn progress(&self) -> String {
        let (delivered, open) =
            (self.delivery.delivered, self.delivery.pending + self.delivery.failed + self.delivery.unknown);
        let stored = delivered + open;
        if self.run_id.is_none() {
            return "stopped before anything was written".to_owned();
        }
        let all = stored + self.not_written as i64;
        let rest = if self.not_written > 0 { format!(", {} are not written", self.not_written) } else { String::new() };
        format!(
            "stopped: {delivered} of {} are in Administrate, {stored} are stored locally{rest}",
            counted(all as usize, "event")
        )
    }

    /// Describes the events that are not delivered.
    pub fn undelivered_lines(&self) -> Vec<String> {
        undelivered_lines(&self.undelivered)
    }

    /// Fills in what to do next, by what the document contains.
    pub fn add_next_steps(&mut self) {
        let mut steps = Vec::new();
        let run = self.run_id.unwrap_or_default();
        if self.not_written > 0 || self.stopped && self.run_id.is_none() {
            steps.push("import the same file again: what is done already stays as it is".to_owned());
        } else if self.delivery.is_open() {
            steps.push(format!("deliver what is not in Administrate yet: lectern import retry {run}"));
        }
        if !self.unknown_instructors.is_empty() {
            steps.push(format!(
                "not known as instructors: {}; run `lectern sync instructors` if Administrate has them, import with \
                 --create-missing instructors to create them here too, or correct the names",
                names(&self.unknown_instructors)
            ));
        }
        steps.extend(self.steps_for_codes());
        if let Some(report) = &self.report {
            steps.push(format!("correct the rejected rows and import them: lectern import {}", shell_word(report)));
        }
        if let Some(title) = self.first_event.as_ref().filter(|_| steps.is_empty() && self.run_id.is_some()) {
            steps.push(format!("find the events: lectern search {}", shell_word(title)));
        }
        self.next_steps = steps;
    }

    fn steps_for_codes(&self) -> Vec<String> {
        let count = |code: Code| self.problems.iter().filter(|problem| problem.code == code).count();
        let advice = [
            (
                Code::NotApprovedInstructor,
                "missing approval",
                "approve the instructors in Administrate, or import with --approve-instructors",
            ),
            (
                Code::NotLinked,
                "name without a record in Administrate",
                "run `lectern sync all`, or link it with `lectern sync link`",
            ),
            (
                Code::ConflictingValue,
                "contradiction",
                "correct the file, or import with --ours where Administrate differs and the file is right",
            ),
            (
                Code::ChangedInAdministrate,
                "value changed in Administrate and left there",
                "import with --ours if the file is right",
            ),
            (Code::ExtraSession, "event with extra draft sessions", "import with --delete-drafts to delete them"),
        ];
        let found = advice.into_iter().map(|(code, what, advice)| (count(code), what, advice));
        found
            .filter(|(count, ..)| *count > 0)
            .map(|(count, what, advice)| {
                let what = if count == 1 { format!("1 {what}") } else { format!("{count} × {what}") };
                format!("{what}: {advice}")
            })
            .collect()
    }
}

fn names(all: &[String]) -> String {
    let listed = all.iter().take(MAX_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(MAX_NAMES) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}
