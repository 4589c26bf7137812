//! Merges a block whose event exists locally with the current state of Administrate.

use super::{BlockOutcome, Conflict, PlanItem};
use crate::timetable_import::layout::Field;
use crate::tutorials::{Event, KnownEvent};
use crate::workbook::plan::ValueChange;
use crate::workbook::problems::{Code, Issue};

use super::conflicts::{EventSides, RemoteChange};
use super::planner::BlockPlanner;
use super::staff::MissingStaff;
use super::update::changes_of;
use super::{conflicts, diff, staff};

/// What a user can do about a value that changed in Administrate.
const ADVICE: &str = "import with --ours to overwrite it, or write the value of Administrate into the file";

impl BlockPlanner<'_> {
    /// Returns the current remote state of an event.
    fn remote_event(&self, known: &KnownEvent) -> Option<&administrate::Event> {
        self.remote.current_events.get(&self.local.baselines.get(&known.id)?.external_id)
    }

    fn is_cancelled_remotely(&self, known: &KnownEvent) -> bool {
        let remote = self.remote_event(known);
        remote.is_some_and(|remote| conflicts::is_cancelled(&remote.lifecycle)) && !known.event.cancelled
    }

    /// Plans an event that is cancelled only in Administrate: nothing is written unless local values overwrite.
    pub(super) fn cancelled_remotely(&mut self, known: &KnownEvent, event: &Event) -> Option<PlanItem> {
        if !self.is_cancelled_remotely(known) || self.options.import.overwrite_remote {
            return None;
        }
        let conflict = conflicts::state_conflict(None, false);
        let advice = "write Y under \"Cancelled\" to cancel the event locally too, or import with --ours to reinstate it in \
                      Administrate";
        let title = known.event.code.clone();
        let (changes, _) = changes_of(self.labels, &known.event, event);
        if changes.is_empty() {
            self.flag(Field::Cancelled, Code::ChangedInAdministrate, format!("{conflict}; {advice}"));
            return Some(PlanItem { title, ..self.item_without_event(BlockOutcome::Unchanged) });
        }
        let not_written: Vec<String> = changes.iter().map(ValueChange::to_string).collect();
        let message = format!("{conflict}; changes not written: {}; {advice}", not_written.join("; "));
        self.flag(Field::Cancelled, Code::ConflictingValue, message);
        Some(PlanItem { conflicts: vec![conflict], title, ..self.item_without_event(BlockOutcome::Unchanged) })
    }

    /// Finds what changed in Administrate. Restores the old local value of a conflict unless local values overwrite.
    ///
    /// Returns the conflicts, and the values of Administrate that are overwritten.
    pub(super) fn merge_remote_changes(&mut self, known: &KnownEvent, event: &mut Event) -> Vec<Conflict> {
        let Some(baseline) = self.local.baselines.get(&known.id) else { return Vec::new() };
        let Some(remote) = self.remote.current_events.get(&baseline.external_id) else {
            return self.deleted_remotely().into_iter().collect();
        };
        let sides = EventSides { names: self.names, baseline, remote };
        let mut changes = sides.event_changes(&known.event, event);
        for change in changes.iter().filter(|change| self.is_left_open(change)) {
            conflicts::restore_event_field(change.difference.field.field, &known.event, event);
        }
        let mut of_days = Vec::new();
        if self.is_cancelled_remotely(known) {
            of_days.push(conflicts::state_conflict(None, true));
        }
        for at in 0..event.sessions.len() {
            let before = known.event.sessions.iter().find(|before| before.sequence == event.sessions[at].sequence);
            let Some(before) = before else { continue };
            let old = (&known.event, before);
            if sides.is_session_missing(before.sequence) {
                self.session_deleted(before.sequence);
                continue;
            }
            let is_changed = !diff::session_changes(self.labels, old, (event, &event.sessions[at])).is_empty();
            if sides.is_session_cancelled(before.sequence) {
                of_days.extend(self.session_cancelled(before.sequence, is_changed));
                if !self.options.import.overwrite_remote {
                    conflicts::restore_session(old, &mut event.sessions[at]);
                }
            }
            let of_session = sides.session_changes(old, (event, &event.sessions[at]));
            for change in of_session.iter().filter(|change| self.is_left_open(change)) {
                conflicts::restore_session_field(change.difference.field.field, old, &mut event.sessions[at]);
            }
            changes.extend(of_session);
        }
        let mut found: Vec<Conflict> = changes.into_iter().filter_map(|change| self.remote_change(change)).collect();
        found.extend(of_days);
        for missing in staff::missing(self.local, &known.event, event, &sides) {
            found.extend(self.missing_staff(missing));
        }
        found
    }

    /// Reports whether a change is a conflict in which neither side is written.
    fn is_left_open(&self, change: &RemoteChange) -> bool {
        change.is_conflict() && !self.options.import.overwrite_remote
    }

    /// Shows that Administrate no longer has the event. If local values overwrite, delivery reports how to create it again.
    fn deleted_remotely(&mut self) -> Option<Conflict> {
        let local = Some("exists".to_owned());
        let change = ValueChange { field: "state".to_owned(), old: local.clone(), new: local };
        let overwritten = self.options.import.overwrite_remote;
        let conflict = Conflict { change, remote: Some("deleted".to_owned()), overwritten };
        if overwritten {
            return Some(conflict);
        }
        let message = format!("{conflict}; import with --ours to see how to create it again");
        self.flag(Field::EventTitle, Code::ChangedInAdministrate, message);
        None
    }

    fn session_deleted(&mut self, day: i32) {
        let message = format!(
            "day {day}: the session was deleted in Administrate: add it there with the same title or start, then import again"
        );
        self.flag_day(day, Field::Day, Issue::new(Code::ChangedInAdministrate, message));
    }

    /// Shows a session that is cancelled only in Administrate.
    fn session_cancelled(&mut self, day: i32, is_changed: bool) -> Option<Conflict> {
        let conflict = conflicts::state_conflict(Some(day), self.options.import.overwrite_remote);
        if conflict.overwritten {
            return Some(conflict);
        }
        let code = if is_changed { Code::ConflictingValue } else { Code::ChangedInAdministrate };
        let message = format!("{conflict}; import with --ours to reinstate it in Administrate");
        self.flag_day(day, Field::Day, Issue::new(code, message));
        is_changed.then_some(conflict)
    }

    /// Shows a value that changed in Administrate. Returns it if it is a conflict or is overwritten.
    fn remote_change(&mut self, change: RemoteChange) -> Option<Conflict> {
        let is_conflict = change.is_conflict();
        let RemoteChange { difference, old } = change;
        let (field, day) = (difference.field, difference.field.day);
        let [old, new, remote] =
            [old, difference.local, difference.remote].map(|value| Some(value).filter(|value| !value.is_empty()));
        let change = ValueChange { field: field.to_string(), old, new };
        let overwritten = self.options.import.overwrite_remote;
        let conflict = Conflict { change, remote, overwritten };
        if overwritten {
            return Some(conflict);
        }
        let code = if is_conflict { Code::ConflictingValue } else { Code::ChangedInAdministrate };
        let suggestions = conflict.remote.clone().filter(|_| !is_conflict).into_iter().collect();
        let issue = Issue::new(code, format!("{conflict}; {ADVICE}")).with_suggestions(suggestions);
        let cell = conflicts::timetable_field(field.field, day.is_some());
        match day {
            Some(day) => self.flag_day(day, cell, issue),
            None => self.resolver.flag(self.block.row, cell, issue),
        }
        is_conflict.then_some(conflict)
    }

    /// Shows people of the file who were removed in Administrate.
    fn missing_staff(&mut self, missing: MissingStaff) -> Option<Conflict> {
        let MissingStaff { field, day, local, remote, cell } = missing;
        let change = ValueChange { field, old: Some(local.clone()), new: Some(local) };
        let overwritten = self.options.import.overwrite_remote;
        let conflict = Conflict { change, remote: Some(remote).filter(|remote| !remote.is_empty()), overwritten };
        if overwritten {
            return Some(conflict);
        }
        let issue = Issue::new(Code::ChangedInAdministrate, format!("{conflict}; {ADVICE}"));
        match day {
            Some(day) => self.flag_day(day, cell, issue),
            None => self.resolver.flag(self.block.row, cell, issue),
        }
        None
    }

    /// Records a problem of the row of a day.
    fn flag_day(&mut self, day: i32, field: Field, issue: Issue) {
        let row = self.block.row_of_day(day).unwrap_or(self.block.row);
        self.resolver.flag(row, field, issue);
    }
}
