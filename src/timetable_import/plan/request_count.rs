//! Estimates how many requests to Administrate the [`delivery`](crate::delivery) of an event needs.
//!
//! The estimate assumes that no request fails and that the API supports every step. Not counted are the requests that
//! read the state for the plan, the login and the capability query of a process, unfinished deliveries of earlier
//! imports, and the reads of approvals (one for each course template) of a queued delivery.

use std::collections::BTreeSet;

use jiff::civil::DateTime;

use super::Conflict;
use crate::config::Labels;
use crate::names::fold;
use crate::tutorials::{Event, KnownEvent, LearningMode, Session, StaffRole, zone_of};
use crate::workbook::plan::ValueChange;

use super::conflicts::is_cancelled;
use super::diff::{common_sessions, removed_instructors};
use super::inputs::{Link, LocalState};
use super::planner::PlannerOptions;
use super::remote_state::RemoteState;

/// The state that the number of requests depends on.
pub(crate) struct RequestEstimate<'a> {
    pub(crate) local: &'a LocalState,
    pub(crate) remote: &'a RemoteState,
    pub(crate) options: PlannerOptions<'a>,
}

/// Requests that remove extra draft sessions: one reads them, one deletes all of them.
const DELETE_DRAFTS: usize = 2;

/// Fields that are stored only locally, that Administrate derives, or that have requests of their own.
const NOT_EVENT_FIELDS: &[&str] = &[
    "product",
    "course template",
    "start",
    "end",
    "learning mode",
    "cancelled",
    "access duration",
    "recordings",
    "recording pin",
    "tutors",
    "sage code",
    "extra information",
    "registration deadline",
    "instructors",
    "administrators",
];

impl RequestEstimate<'_> {
    /// Estimates the creation of an event.
    pub(crate) fn for_new(&self, event: &Event) -> usize {
        let created = event.course_template_id.and_then(|template| self.local.template_sessions.get(&template));
        let created = created.map_or(event.sessions.len(), |created| *created as usize);
        usize::from(self.is_searched_first()) + 1 + self.sessions_and_staff(event, created)
    }

    /// Reports whether delivery searches for a new event first: the plan may be outdated when it runs later.
    fn is_searched_first(&self) -> bool {
        self.options.import.is_queued()
    }

    /// Estimates the adoption of an event with this number of remote sessions: it is read again, then overwritten.
    pub(crate) fn for_adopted(&self, event: &Event, sessions: usize) -> usize {
        2 + self.sessions_and_staff(event, sessions)
    }

    /// Estimates everything after the event itself; `created`: its number of remote sessions.
    fn sessions_and_staff(&self, event: &Event, created: usize) -> usize {
        let linked = &event.sessions[..event.sessions.len().min(created)];
        let searches = usize::from(linked.len() < event.sessions.len());
        let taught = linked.iter().filter(|session| !session.instructor_ids.is_empty()).count();
        let roles = [StaffRole::Instructor, StaffRole::Administrator];
        let staff = roles.into_iter().filter(|role| event.staff.iter().any(|staff| staff.role == *role)).count();
        let published = if self.options.import.publish { 1 + linked.len() } else { 0 };
        let has_extra = created > event.sessions.len();
        let deleted = if self.options.import.delete_drafts && has_extra { DELETE_DRAFTS } else { 0 };
        searches + linked.len() + taught + staff + published + deleted
    }

    /// Estimates the cancellation of an event.
    pub(crate) fn for_cancelled(&self, known: &KnownEvent) -> usize {
        usize::from(self.local.links.get(&known.id).is_some_and(|link| !link.is_cancelled))
    }

    /// Estimates the update of an existing event with these changes, or none. `conflicts` contains the remote values that
    /// are overwritten.
    pub(crate) fn for_existing(
        &self,
        known: &KnownEvent,
        after: &Event,
        (changes, conflicts): (&[ValueChange], &[Conflict]),
    ) -> usize {
        let overwritten = conflicts.iter().filter(|conflict| conflict.overwritten).map(|conflict| &conflict.change);
        let (people, values): (Vec<_>, Vec<_>) =
            overwritten.filter(|change| !change.field.ends_with("state")).partition(|change| is_staff(&change.field));
        let changes: Vec<ValueChange> = changes.iter().chain(values).cloned().collect();
        let changes = &*changes;
        let (before, Some(link)) = (&known.event, self.local.links.get(&known.id)) else {
            return if changes.is_empty() { 0 } else { self.for_new(after) };
        };
        let fields = usize::from(self.is_event_written(before, after, changes));
        let sessions: usize = common_sessions(before, after)
            .map(|(old, new)| self.session_update(before, old, after, new, changes))
            .sum();
        let (added, searches) = new_sessions(before, after, link);
        let written = fields + sessions + added + searches + staff_update(before, after) + people.len();
        let (published, is_read_to_publish) = self.publishing(before, after, link);
        let has_extra = link.extra > new_linked_sessions(before, after, link);
        let deleted = if self.options.import.delete_drafts && has_extra { DELETE_DRAFTS } else { 0 };
        let reinstated = self.reinstating(known, link);
        let is_compared = match (self.options.import.is_queued(), self.options.import.overwrite_remote) {
            (true, true) => true,
            (true, false) => !changes.is_empty() && written > 0,
            (false, is_overwritten) => is_overwritten && (!changes.is_empty() || written > 0),
        };
        let reads = usize::from(is_compared || reinstated > 0 || is_read_to_publish && changes.is_empty());
        reads + reinstated + written + published + deleted
    }

    /// Reports whether delivery writes the event's own fields.
    fn is_event_written(&self, before: &Event, after: &Event, changes: &[ValueChange]) -> bool {
        let of_event = changes.iter().map(|change| change.field.as_str()).filter(|field| !field.starts_with("day "));
        let is_classroom = after.learning_mode == Some(LearningMode::Classroom);
        let is_ignored = |field: &str| NOT_EVENT_FIELDS.contains(&field) || is_classroom && field.starts_with("LMS ");
        let mut written = of_event.filter(|field| !is_ignored(field));
        written.any(|field| self.has_remote_field("event", event_label(self.options.labels, field)))
            || classroom_window(before) != classroom_window(after)
    }

    /// Reports whether Administrate has a custom field with this label; true without a label.
    fn has_remote_field(&self, entity: &str, label: Option<&String>) -> bool {
        label.is_none_or(|label| self.local.fields.contains_key(&(entity.to_owned(), fold(label))))
    }

    /// Estimates the update of a session that has a link.
    fn session_update(
        &self,
        event_before: &Event,
        before: &Session,
        event_after: &Event,
        after: &Session,
        changes: &[ValueChange],
    ) -> usize {
        let prefix = format!("day {}: ", after.sequence);
        let mut changed = changes.iter().filter_map(|change| change.field.strip_prefix(&prefix));
        let is_written = event_before.time_zone != event_after.time_zone
            || changed.any(|field| match field {
                "instructors" => false,
                "url" => self.has_remote_field("session", Some(&self.options.labels.session_url)),
                _ => true,
            });
        let is_new = |id: &i64| !before.instructor_ids.contains(id);
        let added = usize::from(after.instructor_ids.iter().any(is_new));
        let removed = removed_instructors(before, after).collect::<BTreeSet<i64>>().len();
        // One request reads the staff. Where the API cannot remove instructors, it shows whether a user did it.
        let removals = match (removed, self.remote.can_remove_staff) {
            (0, _) => 0,
            (_, Some(false)) => 1,
            (removed, _) => 1 + removed,
        };
        usize::from(is_written) + added + removals
    }

    /// Estimates the publication of an event and its unpublished sessions, and reports whether it is read before.
    fn publishing(&self, before: &Event, after: &Event, link: &Link) -> (usize, bool) {
        if !link.is_published && (link.is_cancelled || !self.options.import.publish) {
            return (0, false);
        }
        let linked = link.linked + new_linked_sessions(before, after, link);
        let sessions = linked.saturating_sub(link.published_sessions);
        let published = usize::from(!link.is_published) + sessions;
        (published, self.options.import.publish && published > 0)
    }

    /// Estimates the requests that reinstate what is cancelled in Administrate.
    fn reinstating(&self, known: &KnownEvent, link: &Link) -> usize {
        if link.is_cancelled {
            return 1;
        }
        let baseline = self.local.baselines.get(&known.id).filter(|_| self.options.import.overwrite_remote);
        let remote = baseline.and_then(|baseline| self.remote.current_events.get(&baseline.external_id));
        let Some(remote) = remote else { return 0 };
        let sessions = remote.sessions.iter().filter(|session| is_cancelled(&session.lifecycle)).count();
        usize::from(is_cancelled(&remote.lifecycle)) + sessions
    }
}

/// Reports whether a field contains people.
fn is_staff(field: &str) -> bool {
    field.ends_with("instructors") || field.ends_with("administrators")
}

/// Estimates the requests for new local sessions: updates of extra remote sessions, and a search for missing ones.
fn new_sessions(before: &Event, after: &Event, link: &Link) -> (usize, usize) {
    let new = || after.sessions.iter().filter(|session| is_new(before, session));
    let linked = new().take(link.extra);
    let written = linked.map(|session| 1 + usize::from(!session.instructor_ids.is_empty())).sum();
    (written, usize::from(new().count() > link.extra))
}

/// Counts the new local sessions for which Administrate has an extra session.
fn new_linked_sessions(before: &Event, after: &Event, link: &Link) -> usize {
    after.sessions.iter().filter(|session| is_new(before, session)).count().min(link.extra)
}

fn is_new(before: &Event, session: &Session) -> bool {
    before.sessions.iter().all(|known| known.sequence != session.sequence)
}

/// Estimates the update of an event's staff: one request adds all of a role, one reads, one removes each person.
fn staff_update(before: &Event, after: &Event) -> usize {
    let people = |event: &Event, role| {
        let of_role = event.staff.iter().filter(move |staff| staff.role == role);
        of_role.map(|staff| (staff.tutorial_instructor_id, staff.external_id.clone())).collect::<BTreeSet<_>>()
    };
    let (mut added, mut removed) = (0, 0);
    for role in [StaffRole::Instructor, StaffRole::Administrator] {
        let (before, after) = (people(before, role), people(after, role));
        added += usize::from(!after.is_subset(&before));
        removed += before.difference(&after).count();
    }
    added + removed + usize::from(removed > 0)
}

/// Returns the classroom part of an event in wall-clock time: from its first session to its last.
fn classroom_window(event: &Event) -> Option<(DateTime, DateTime)> {
    let zone = zone_of(&event.time_zone);
    let first = event.sessions.iter().map(|session| session.start).min()?;
    let last = event.sessions.iter().map(|session| session.end).max()?;
    Some((zone.to_datetime(first), zone.to_datetime(last)))
}

/// Returns the label of the custom field that contains a field in Administrate; None for other fields.
fn event_label<'a>(labels: &'a Labels, field: &str) -> Option<&'a String> {
    match field {
        "sitting" => Some(&labels.sitting),
        "finalisation date" => Some(&labels.finalisation_date),
        "event url" => Some(&labels.event_url),
        "web sale" => Some(&labels.web_sale),
        "OCR moodle code" => Some(&labels.ocr_moodle_code),
        _ => None,
    }
}
