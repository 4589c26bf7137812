//! Plans a block whose event exists locally: what changes, and what a user has to do.

use super::{BlockOutcome, PlanItem, PlannedEvent, ValueChange};
use crate::timetable_import::layout::Field;
use crate::tutorials::{Event, KnownEvent};
use crate::workbook::problems::{Code, Issue};

use super::diff;
use super::diff::ReferenceLabels;
use super::planner::BlockPlanner;

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
        let conflicts = self.merge_remote_changes(known, &mut event);
        let (changes, changed_days) = changes_of(self.labels, &known.event, &event);
        let places_moved = self.places_moved(known, &event);
        self.warn_removed_sessions(known, &event);
        self.warn_missing_sessions(known, &event);
        let manual_steps = self.manual_steps(known, &event);
        // Overwriting a value of Administrate is an update, too, even if nothing changes locally.
        let is_changed = !changes.is_empty() || conflicts.iter().any(|conflict| conflict.overwritten);
        let outcome = if is_changed { BlockOutcome::Update } else { BlockOutcome::Unchanged };
        let requests = self.request_estimate().for_existing(known, &event, (&changes, &conflicts));
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
pub(crate) fn changes_of(labels: &ReferenceLabels<'_>, before: &Event, after: &Event) -> (Vec<ValueChange>, Vec<i32>) {
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
