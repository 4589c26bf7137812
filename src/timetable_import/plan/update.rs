//! Plans a block whose event exists locally: what changes, and which changes conflict with Administrate.

use super::{BlockOutcome, Conflict, PlanItem, PlannedEvent, ValueChange};
use crate::timetable_import::layout::Field;
use crate::timetable_import::problems::{Code, Issue};
use crate::tutorials::{Event, KnownEvent};

use super::conflicts::{EventSides, ValueConflict};
use super::diff::ReferenceLabels;
use super::planner::BlockPlanner;
use super::{conflicts, diff};

impl BlockPlanner<'_> {
    pub(crate) fn plan_existing(&mut self, known: &KnownEvent, mut event: Event) -> PlanItem {
        if let Some(rejected) = self.changed_template(known, &event) {
            return rejected;
        }
        if !self.block.event.mode_given {
            event.learning_mode = known.event.learning_mode.or(event.learning_mode);
        }
        if let Some(rejected) = self.changed_learning_mode(known, &event) {
            return rejected;
        }
        event.code.clone_from(&known.event.code);
        event.is_soldout = known.event.is_soldout;
        event.remain_space = known.event.remain_space;
        if let Some(cancelled) = self.cancelled_remotely(known, &event) {
            return cancelled;
        }
        let mut conflicts = self.reinstated(known);
        conflicts.extend(self.merge_remote_changes(known, &mut event));
        let (changes, changed_days) = changes_of(self.labels, &known.event, &event);
        let places_moved = self.places_moved(known, &event);
        self.warn_removed_sessions(known, &event);
        self.warn_missing_sessions(known, &event);
        let manual_steps = self.manual_steps(known, &event);
        let outcome = if changes.is_empty() { BlockOutcome::Unchanged } else { BlockOutcome::Update };
        let requests = self.request_estimate().for_existing(known, &event, &changes);
        let planned = PlannedEvent { id: Some(known.id), event, places_moved, changed_days };
        let title = known.event.code.clone();
        PlanItem {
            event: Some(planned),
            changes,
            conflicts,
            manual_steps,
            requests,
            title,
            ..self.item_without_event(outcome)
        }
    }

    fn changed_template(&mut self, known: &KnownEvent, event: &Event) -> Option<PlanItem> {
        let before = known.event.course_template_id?;
        if before == event.course_template_id? {
            return None;
        }
        let template = self.labels.template(before);
        let message = format!(
            "an event with this title exists with the course template {template}; write that template, or give the new \
             event another title"
        );
        self.flag(Field::Template, Code::ConflictingEvent, message);
        Some(self.item_without_event(BlockOutcome::Conflict))
    }

    /// Rejects another learning mode of a linked event: Administrate cannot change it.
    fn changed_learning_mode(&mut self, known: &KnownEvent, event: &Event) -> Option<PlanItem> {
        let before = known.event.learning_mode?;
        if before == event.learning_mode? || !self.local.links.contains_key(&known.id) {
            return None;
        }
        let message = format!(
            "this event is {before:?} in Administrate, where the learning mode cannot be changed; write {before:?}, or \
             give the new event another title"
        );
        self.flag(Field::LearningMode, Code::ConflictingEvent, message);
        Some(self.item_without_event(BlockOutcome::Conflict))
    }

    /// Returns the current remote state of an event that changes.
    fn remote_event(&self, known: &KnownEvent) -> Option<&administrate::Event> {
        self.remote.current_events.get(&self.local.baselines.get(&known.id)?.external_id)
    }

    fn is_cancelled_remotely(&self, known: &KnownEvent) -> bool {
        let remote = self.remote_event(known);
        remote.is_some_and(|remote| conflicts::is_cancelled(&remote.lifecycle)) && !known.event.cancelled
    }

    /// Plans an event that is cancelled only in Administrate: nothing is written unless local values overwrite.
    fn cancelled_remotely(&mut self, known: &KnownEvent, event: &Event) -> Option<PlanItem> {
        if !self.is_cancelled_remotely(known) || self.options.import.overwrite_remote {
            return None;
        }
        let (changes, _) = changes_of(self.labels, &known.event, event);
        if changes.is_empty() {
            return Some(self.item_without_event(BlockOutcome::Unchanged));
        }
        let conflict = conflicts::state_conflict(None, false);
        let not_written: Vec<String> = changes.iter().map(ValueChange::to_string).collect();
        let message = format!(
            "{conflict}; changes not written: {}; write Y under \"Cancelled\" to cancel the event locally too, or import \
             with --ours to reinstate it in Administrate",
            not_written.join("; ")
        );
        self.flag(Field::Cancelled, Code::ConflictingValue, message);
        let title = known.event.code.clone();
        Some(PlanItem { conflicts: vec![conflict], title, ..self.item_without_event(BlockOutcome::Unchanged) })
    }

    /// Returns the conflict of an event that is reinstated in Administrate because local values overwrite.
    fn reinstated(&mut self, known: &KnownEvent) -> Vec<Conflict> {
        if !self.is_cancelled_remotely(known) {
            return Vec::new();
        }
        let conflict = conflicts::state_conflict(None, true);
        self.flag(Field::Cancelled, Code::ConflictingValue, conflict.to_string());
        vec![conflict]
    }

    /// Finds values that changed on both sides. Restores the old local ones unless local values overwrite.
    fn merge_remote_changes(&mut self, known: &KnownEvent, event: &mut Event) -> Vec<Conflict> {
        let Some(baseline) = self.local.baselines.get(&known.id) else { return Vec::new() };
        let Some(remote) = self.remote.current_events.get(&baseline.external_id) else { return Vec::new() };
        let sides = EventSides { names: self.names, baseline, remote };
        let overwrite = self.options.import.overwrite_remote;
        let mut value_conflicts = sides.event_conflicts(&known.event, event);
        let mut cancelled_days = Vec::new();
        for conflict in value_conflicts.iter().filter(|_| !overwrite) {
            conflicts::restore_event_field(conflict.difference.field.field, &known.event, event);
        }
        for at in 0..event.sessions.len() {
            let before = known.event.sessions.iter().find(|before| before.sequence == event.sessions[at].sequence);
            let Some(before) = before else { continue };
            let old = (&known.event, before);
            let is_changed = !diff::session_changes(self.labels, old, (event, &event.sessions[at])).is_empty();
            if sides.is_session_cancelled(before.sequence) && is_changed {
                cancelled_days.push(before.sequence);
                if !overwrite {
                    conflicts::restore_session(old, &mut event.sessions[at]);
                }
            }
            let of_session = sides.session_conflicts(old, (event, &event.sessions[at]));
            for conflict in of_session.iter().filter(|_| !overwrite) {
                conflicts::restore_session_field(conflict.difference.field.field, old, &mut event.sessions[at]);
            }
            value_conflicts.extend(of_session);
        }
        let of_sessions: Vec<Conflict> = cancelled_days.into_iter().map(|day| self.session_cancelled(day)).collect();
        value_conflicts.into_iter().map(|conflict| self.conflict_item(conflict)).chain(of_sessions).collect()
    }

    /// Warns about a session that is cancelled only in Administrate.
    fn session_cancelled(&mut self, day: i32) -> Conflict {
        let conflict = conflicts::state_conflict(Some(day), self.options.import.overwrite_remote);
        let advice = if conflict.overwritten { "" } else { "; import with --ours to reinstate it in Administrate" };
        let row = self.block.row_of_day(day).unwrap_or(self.block.row);
        self.resolver.flag(row, Field::Day, Issue::new(Code::ConflictingValue, format!("{conflict}{advice}")));
        conflict
    }

    /// Warns about a value that changed on both sides.
    fn conflict_item(&mut self, conflict: ValueConflict) -> Conflict {
        let ValueConflict { difference, old } = conflict;
        let (field, day) = (difference.field, difference.field.day);
        let row = day.and_then(|day| self.block.row_of_day(day)).unwrap_or(self.block.row);
        let [old, new, remote] =
            [old, difference.local, difference.remote].map(|value| Some(value).filter(|value| !value.is_empty()));
        let change = ValueChange { field: field.to_string(), old, new };
        let conflict = Conflict { change, remote, overwritten: self.options.import.overwrite_remote };
        let advice = if conflict.overwritten {
            ""
        } else {
            "; import with --ours to overwrite it, or write the value of Administrate into the file"
        };
        let issue = Issue::new(Code::ConflictingValue, format!("{conflict}{advice}"));
        self.resolver.flag(row, conflicts::timetable_field(field.field, day.is_some()), issue);
        conflict
    }

    /// Returns the change of the remaining places, which is that of the maximum since the last import.
    fn places_moved(&mut self, known: &KnownEvent, event: &Event) -> i32 {
        if known.event.learning_mode.is_none() {
            // Only a timetable stores a learning mode: no timetable has set the number of places so far.
            return 0;
        }
        let before = known.event.max_places.unwrap_or(0);
        let change = event.max_places.unwrap_or(0).saturating_sub(before);
        let remaining = known.event.remain_space;
        if change < 0 && remaining.saturating_add(change) < 0 {
            let message = format!(
                "{} fewer places, but only {remaining} remain unsold; raise \"Max places\"",
                change.unsigned_abs()
            );
            self.flag(Field::MaxPlaces, Code::ConflictingValue, message);
        }
        change
    }

    fn warn_removed_sessions(&mut self, known: &KnownEvent, event: &Event) {
        let remains = |sequence| event.sessions.iter().any(|session| session.sequence == sequence);
        for before in known.event.sessions.iter().filter(|before| !remains(before.sequence)) {
            let message = format!(
                "the session \"{}\" (day {}) is no longer in the file; it is not deleted: delete it manually if it does \
                 not take place",
                before.title, before.sequence
            );
            self.flag(Field::Day, Code::SessionGone, message);
        }
    }

    /// Warns about new local sessions for which Administrate has no session.
    fn warn_missing_sessions(&mut self, known: &KnownEvent, event: &Event) {
        let Some(link) = self.local.links.get(&known.id) else { return };
        let is_new = |sequence| known.event.sessions.iter().all(|before| before.sequence != sequence);
        let new = event.sessions.iter().filter(|session| is_new(session.sequence)).count();
        if new > link.extra {
            let message = format!(
                "Administrate has {} sessions of this event, the timetable has {}; add the missing ones in Administrate \
                 with the same title or start",
                link.linked + link.extra,
                event.sessions.len()
            );
            self.flag(Field::Template, Code::TooFewTemplateSessions, message);
        }
    }

    /// Returns the removals of instructors that a user must do manually because the API cannot do them.
    fn manual_steps(&mut self, known: &KnownEvent, event: &Event) -> Vec<String> {
        if self.remote.can_remove_staff != Some(false) {
            return Vec::new();
        }
        let mut steps = Vec::new();
        for (before, after) in diff::common_sessions(&known.event, event) {
            let removed = diff::removed_instructors(before, after);
            let names = removed.map(|id| self.labels.instructor(id)).collect::<Vec<_>>();
            if names.is_empty() {
                continue;
            }
            let message = format!(
                "remove {} from \"{}\" manually in Administrate: its API cannot remove instructors from a session",
                names.join(" / "),
                after.title
            );
            let row = self.block.row_of_day(after.sequence).unwrap_or(self.block.row);
            self.resolver.flag(row, Field::SessionInstructor, Issue::new(Code::ConflictingValue, message.clone()));
            steps.push(message);
        }
        steps
    }
}

/// Returns what differs between two states of an event with its sessions, and the days that differ.
fn changes_of(labels: &ReferenceLabels<'_>, before: &Event, after: &Event) -> (Vec<ValueChange>, Vec<i32>) {
    let mut changes = diff::event_changes(labels, before, after);
    let mut changed_days = Vec::new();
    for session in &after.sessions {
        let known = before.sessions.iter().find(|known| known.sequence == session.sequence);
        let of_session = match known {
            Some(known) => diff::session_changes(labels, (before, known), (after, session)),
            None => {
                let field = format!("day {}", session.sequence);
                vec![ValueChange { field, old: None, new: Some(session.title.clone()) }]
            }
        };
        if !of_session.is_empty() {
            changed_days.push(session.sequence);
            changes.extend(of_session);
        }
    }
    (changes, changed_days)
}
