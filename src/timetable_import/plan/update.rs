//! What becomes of a block whose event is known here: what changes, and what of it meets a change in Administrate.

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
        if let (Some(theirs), Some(template)) = (known.event.course_template_id, event.course_template_id)
            && theirs != template
        {
            let theirs = self.names.template(theirs);
            let message =
                format!("this event exists with the course template {theirs}; give the new one another title");
            self.flag(Field::Template, Code::ConflictingEvent, message);
            return self.item_without_event(BlockOutcome::Conflict);
        }
        if !self.block.event.mode_given {
            event.learning_mode = known.event.learning_mode.or(event.learning_mode);
        }
        if let (Some(before), Some(wanted)) = (known.event.learning_mode, event.learning_mode)
            && before != wanted
            && self.ours.links.contains_key(&known.id)
        {
            let message = format!(
                "this event exists in Administrate as {before:?}, which cannot be changed there; give the new one another title"
            );
            self.flag(Field::LearningMode, Code::ConflictingEvent, message);
            return self.item_without_event(BlockOutcome::Conflict);
        }
        event.code.clone_from(&known.event.code);
        event.is_soldout = known.event.is_soldout;
        event.remain_space = known.event.remain_space;
        if let Some(refused) = self.cancelled_remotely(known, &event) {
            return refused;
        }
        let mut conflicts = self.reinstated(known);
        conflicts.extend(self.merge_remote_changes(known, &mut event));
        let (changes, changed_days) = changes_of(self.names, &known.event, &event);
        let places_moved = self.places_moved(known, &event);
        self.warn_removed_sessions(known, &event);
        self.warn_of_missing_sessions(known, &event);
        let by_hand = self.manual_steps(known, &event);
        let outcome = if changes.is_empty() { BlockOutcome::Unchanged } else { BlockOutcome::Update };
        let requests = self.request_estimate().for_existing(known, &event, &changes);
        let planned = PlannedEvent { id: Some(known.id), event, places_moved, changed_days };
        let title = known.event.code.clone();
        PlanItem {
            event: Some(planned),
            changes,
            conflicts,
            manual_steps: by_hand,
            requests,
            title,
            ..self.item_without_event(outcome)
        }
    }

    /// What stands in Administrate of an event that is about to change.
    fn remote_event(&self, known: &KnownEvent) -> Option<&administrate::Event> {
        self.facts.standing.get(&self.ours.agreed.get(&known.id)?.external_id)
    }

    /// Nothing is written of an event that takes place here and that somebody has cancelled there, unless ours are to win.
    fn cancelled_remotely(&mut self, known: &KnownEvent, event: &Event) -> Option<PlanItem> {
        let there = self.remote_event(known).filter(|there| conflicts::is_called_off(&there.lifecycle));
        if there.is_none() || known.event.cancelled || self.options.import.overwrite_remote {
            return None;
        }
        let (changes, _) = changes_of(self.names, &known.event, event);
        if changes.is_empty() {
            return Some(self.item_without_event(BlockOutcome::Unchanged));
        }
        let conflict = conflicts::of_state(None, false);
        let held: Vec<String> = changes.iter().map(ValueChange::to_string).collect();
        let message = format!(
            "{conflict} ({}); write Y under \"Cancelled\" to cancel it here too, or import with --ours to take it up again \
             there",
            held.join("; ")
        );
        self.flag(Field::Cancelled, Code::ConflictingValue, message);
        let title = known.event.code.clone();
        Some(PlanItem { conflicts: vec![conflict], title, ..self.item_without_event(BlockOutcome::Unchanged) })
    }

    /// What was cancelled there of an event of which ours are to win.
    fn reinstated(&mut self, known: &KnownEvent) -> Vec<Conflict> {
        let there = self.remote_event(known).filter(|there| conflicts::is_called_off(&there.lifecycle));
        if there.is_none() || known.event.cancelled {
            return Vec::new();
        }
        let conflict = conflicts::of_state(None, true);
        self.flag(Field::Cancelled, Code::ConflictingValue, conflict.to_string());
        vec![conflict]
    }

    /// Finds what changed on both sides, and sets it back to what it was here unless ours are to win.
    fn merge_remote_changes(&mut self, known: &KnownEvent, event: &mut Event) -> Vec<Conflict> {
        let Some(agreed) = self.ours.agreed.get(&known.id) else { return Vec::new() };
        let Some(theirs) = self.facts.standing.get(&agreed.external_id) else { return Vec::new() };
        let sides = EventSides { directory: self.directory, agreed, theirs };
        let ours_win = self.options.import.overwrite_remote;
        let mut clashes = sides.of_event(&known.event, event);
        let mut called_off = Vec::new();
        for clash in clashes.iter().filter(|_| !ours_win) {
            conflicts::restore_event_field(clash.difference.field.field, &known.event, event);
        }
        for at in 0..event.sessions.len() {
            let before = known.event.sessions.iter().find(|before| before.sequence == event.sessions[at].sequence);
            let Some(before) = before else { continue };
            let says_otherwise =
                |session| !diff::session_changes(self.names, (&known.event, before), (event, session)).is_empty();
            if sides.is_called_off(before.sequence) && says_otherwise(&event.sessions[at]) {
                called_off.push(before.sequence);
                if !ours_win {
                    conflicts::keep_session((&known.event, before), &mut event.sessions[at]);
                }
            }
            let found = sides.of_session((&known.event, before), (event, &event.sessions[at]));
            for clash in found.iter().filter(|_| !ours_win) {
                conflicts::restore_session_field(
                    clash.difference.field.field,
                    (&known.event, before),
                    &mut event.sessions[at],
                );
            }
            clashes.extend(found);
        }
        let of_sessions: Vec<Conflict> = called_off.into_iter().map(|day| self.session_cancelled(day)).collect();
        clashes.into_iter().map(|clash| self.conflict_item(clash)).chain(of_sessions).collect()
    }

    /// Warns of a session that takes place here and was cancelled there.
    fn session_cancelled(&mut self, day: i32) -> Conflict {
        let conflict = conflicts::of_state(Some(day), self.options.import.overwrite_remote);
        let advice = if conflict.overwritten { "" } else { "; import with --ours to take it up again there" };
        let row = self.block.row_of_day(day).unwrap_or(self.block.row);
        self.resolver.flag(row, Field::Day, Issue::new(Code::ConflictingValue, format!("{conflict}{advice}")));
        conflict
    }

    /// Warns of a value that changed on both sides.
    fn conflict_item(&mut self, clash: ValueConflict) -> Conflict {
        let ValueConflict { difference, old } = clash;
        let (field, day) = (difference.field, difference.field.day);
        let row = day.and_then(|day| self.block.row_of_day(day)).unwrap_or(self.block.row);
        let [old, new, theirs] =
            [old, difference.ours, difference.theirs].map(|value| Some(value).filter(|value| !value.is_empty()));
        let change = ValueChange { field: field.to_string(), old, new };
        let conflict = Conflict { change, theirs, overwritten: self.options.import.overwrite_remote };
        let advice =
            if conflict.overwritten { "" } else { "; import with --ours to write ours, or put theirs into the file" };
        let flaw = Issue::new(Code::ConflictingValue, format!("{conflict}{advice}"));
        self.resolver.flag(row, conflicts::field_of(field.field, day.is_some()), flaw);
        conflict
    }

    /// How far the places left move: by what Max places moved since the last import.
    fn places_moved(&mut self, known: &KnownEvent, event: &Event) -> i32 {
        if known.event.learning_mode.is_none() {
            // No timetable ever said how many places there are.
            return 0;
        }
        let before = known.event.max_places.unwrap_or(0);
        let moved = event.max_places.unwrap_or(0).saturating_sub(before);
        let left = known.event.remain_space;
        if moved < 0 && left.saturating_add(moved) < 0 {
            let message = format!("{} fewer places, but only {left} are left: more are sold", moved.unsigned_abs());
            self.flag(Field::MaxPlaces, Code::ConflictingValue, message);
        }
        moved
    }

    fn warn_removed_sessions(&mut self, known: &KnownEvent, event: &Event) {
        let stays = |sequence| event.sessions.iter().any(|session| session.sequence == sequence);
        for before in known.event.sessions.iter().filter(|before| !stays(before.sequence)) {
            let message = format!(
                "the session \"{}\" (day {}) is no longer in the file; it is kept, delete it by hand if it is off",
                before.title, before.sequence
            );
            self.flag(Field::Day, Code::SessionGone, message);
        }
    }

    /// Warns of sessions that are new here and for which Administrate has none.
    fn warn_of_missing_sessions(&mut self, known: &KnownEvent, event: &Event) {
        let Some(link) = self.ours.links.get(&known.id) else { return };
        let is_new = |sequence| known.event.sessions.iter().all(|before| before.sequence != sequence);
        let new = event.sessions.iter().filter(|session| is_new(session.sequence)).count();
        if new > link.spare {
            let message = format!(
                "Administrate has {} sessions of this event, the timetable {}; add what is missing there, with its title \
                 or its start",
                link.paired + link.spare,
                event.sessions.len()
            );
            self.flag(Field::Template, Code::TooFewTemplateSessions, message);
        }
    }

    /// What this Administrate does not let anybody take off from outside, and a person has to.
    fn manual_steps(&mut self, known: &KnownEvent, event: &Event) -> Vec<String> {
        if self.facts.takes_off_staff != Some(false) {
            return Vec::new();
        }
        let mut left = Vec::new();
        for (before, after) in diff::pairs(&known.event, event) {
            let names = diff::removed(before, after).map(|id| self.names.instructor(id)).collect::<Vec<_>>();
            if names.is_empty() {
                continue;
            }
            let message = format!(
                "{} can be taken off \"{}\" by hand alone: this Administrate does not let it be done from outside",
                names.join(" / "),
                after.title
            );
            let row = self.block.row_of_day(after.sequence).unwrap_or(self.block.row);
            self.resolver.flag(row, Field::SessionInstructor, Issue::new(Code::ConflictingValue, message.clone()));
            left.push(message);
        }
        left
    }
}

/// What differs between two states of an event with its sessions, and the days of which something does.
fn changes_of(names: &ReferenceLabels<'_>, before: &Event, after: &Event) -> (Vec<ValueChange>, Vec<i32>) {
    let mut changes = diff::event_changes(names, before, after);
    let mut changed_days = Vec::new();
    for session in &after.sessions {
        let known = before.sessions.iter().find(|known| known.sequence == session.sequence);
        let differing = match known {
            Some(known) => diff::session_changes(names, (before, known), (after, session)),
            None => {
                let field = format!("day {}", session.sequence);
                vec![ValueChange { field, old: None, new: Some(session.title.clone()) }]
            }
        };
        if !differing.is_empty() {
            changed_days.push(session.sequence);
            changes.extend(differing);
        }
    }
    (changes, changed_days)
}
