//! How many requests to Administrate it takes to bring an event there: the steps of [`delivery`](crate::delivery), counted
//! beforehand.
//!
//! What is counted is all that carrying out sends where nothing goes wrong and this API takes what it is told. Not counted:
//! what a plan is made from, a process's login and its one question what the API can do, what earlier imports left open, and
//! of what is queued the look, once a course template, at who is approved for it.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::ValueChange;
use crate::config::Labels;
use crate::names::fold;
use crate::tutorials::{Event, KnownEvent, LearningMode, Session, StaffRole};

use super::conflicts::is_called_off;
use super::diff::{pairs, removed};
use super::inputs::{Link, LocalState};
use super::planner::PlannerOptions;
use super::remote_state::RemoteState;

/// What the way of an event depends on.
pub(crate) struct RequestEstimate<'a> {
    pub(crate) ours: &'a LocalState,
    pub(crate) facts: &'a RemoteState,
    pub(crate) options: PlannerOptions<'a>,
}

/// Surplus sessions are looked at, and those that are drafts are deleted at once.
const DELETION: usize = 2;

/// Changed fields that stay here, that Administrate derives, or that have requests of their own.
const NO_FIELDS_THERE: &[&str] = &[
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
    /// An event that is created there.
    pub(crate) fn for_new(&self, event: &Event) -> usize {
        let made = event.course_template_id.and_then(|template| self.ours.template_sessions.get(&template));
        let made = made.map_or(event.sessions.len(), |made| *made as usize);
        usize::from(self.is_looked_for()) + 1 + self.sessions_and_staff(event, made)
    }

    /// Whether a new event is looked for before it is created: nobody did now.
    fn is_looked_for(&self) -> bool {
        self.options.import.is_queued()
    }

    /// An event that stands there with so many sessions: it is looked for again, and told all that is ours.
    pub(crate) fn for_adopted(&self, event: &Event, sessions: usize) -> usize {
        2 + self.sessions_and_staff(event, sessions)
    }

    /// All that follows the event itself; `made`: the sessions that it has there.
    fn sessions_and_staff(&self, event: &Event, made: usize) -> usize {
        let fitting = &event.sessions[..event.sessions.len().min(made)];
        let looked_for = usize::from(fitting.len() < event.sessions.len());
        let taught = fitting.iter().filter(|session| !session.instructor_ids.is_empty()).count();
        let staff = [StaffRole::Instructor, StaffRole::Administrator];
        let staff = staff.into_iter().filter(|role| event.staff.iter().any(|staff| staff.role == *role)).count();
        let published = if self.options.import.publish { 1 + fitting.len() } else { 0 };
        let deleted = if self.options.import.delete_drafts && made > event.sessions.len() { DELETION } else { 0 };
        looked_for + fitting.len() + taught + staff + published + deleted
    }

    /// An event that is called off.
    pub(crate) fn for_cancelled(&self, known: &KnownEvent) -> usize {
        usize::from(self.ours.links.get(&known.id).is_some_and(|link| !link.is_cancelled))
    }

    /// An event that is known, with these changes or none.
    pub(crate) fn for_existing(&self, known: &KnownEvent, after: &Event, changes: &[ValueChange]) -> usize {
        let (before, Some(link)) = (&known.event, self.ours.links.get(&known.id)) else {
            return if changes.is_empty() { 0 } else { self.for_new(after) };
        };
        let fields = usize::from(self.is_event_told(before, after, changes));
        let sessions: usize = pairs(before, after).map(|pair| self.of_session((before, after), pair, changes)).sum();
        let (added, looked_for) = new_sessions(before, after, link);
        let staff = of_staff(before, after);
        let written = fields + sessions + added + looked_for + staff;
        let (published, looked) = self.publishing(before, after, link);
        let is_surplus = link.spare > fitting(before, after, link);
        let deleted = if self.options.import.delete_drafts && is_surplus { DELETION } else { 0 };
        let revived = self.revived(known, link);
        let is_compared = !changes.is_empty()
            && (self.options.import.is_queued() || self.options.import.overwrite_remote)
            && written > 0;
        let looks = usize::from(is_compared || revived > 0 || looked && changes.is_empty());
        looks + revived + written + published + deleted
    }

    /// Whether the event's own fields are written there.
    fn is_event_told(&self, before: &Event, after: &Event, changes: &[ValueChange]) -> bool {
        let of_event = changes.iter().map(|change| change.field.as_str()).filter(|field| !field.starts_with("day "));
        let is_classroom = after.learning_mode == Some(LearningMode::Classroom);
        let stays = |field: &str| NO_FIELDS_THERE.contains(&field) || is_classroom && field.starts_with("LMS ");
        let mut told = of_event.filter(|field| !stays(field));
        told.any(|field| self.is_kept_there("event", event_label(self.options.labels, field)))
            || classroom(before) != classroom(after)
    }

    /// Whether the tenant has a field of this label; a field that is no custom one has none.
    fn is_kept_there(&self, entity: &str, label: Option<&String>) -> bool {
        label.is_none_or(|label| self.ours.fields.contains_key(&(entity.to_owned(), fold(label))))
    }

    /// The session of a day that the event has there.
    fn of_session(
        &self,
        (was, is): (&Event, &Event),
        (before, after): (&Session, &Session),
        changes: &[ValueChange],
    ) -> usize {
        let prefix = format!("day {}: ", after.sequence);
        let mut told = changes.iter().filter_map(|change| change.field.strip_prefix(&prefix));
        let is_told = was.time_zone != is.time_zone
            || told.any(|field| match field {
                "instructors" => false,
                "url" => self.is_kept_there("session", Some(&self.options.labels.session_url)),
                _ => true,
            });
        let is_new = |id: &i64| !before.instructor_ids.contains(id);
        let added = usize::from(after.instructor_ids.iter().any(is_new));
        let gone = removed(before, after).collect::<BTreeSet<i64>>().len();
        // Who goes is looked up there; where nobody can be taken off from outside, whether somebody did it is.
        let taken_off = match (gone, self.facts.takes_off_staff) {
            (0, _) => 0,
            (_, Some(false)) => 1,
            (gone, _) => 1 + gone,
        };
        usize::from(is_told) + added + taken_off
    }

    /// Requests that publish the event and those of its sessions that are not, and whether it is looked at before.
    fn publishing(&self, before: &Event, after: &Event, link: &Link) -> (usize, bool) {
        if !link.is_published && (link.is_cancelled || !self.options.import.publish) {
            return (0, false);
        }
        let sessions = (link.paired + fitting(before, after, link)).saturating_sub(link.published_sessions);
        let published = usize::from(!link.is_published) + sessions;
        (published, self.options.import.publish && published > 0)
    }

    /// Requests that take up again what was cancelled there.
    fn revived(&self, known: &KnownEvent, link: &Link) -> usize {
        if link.is_cancelled {
            return 1;
        }
        let agreed = self.ours.agreed.get(&known.id).filter(|_| self.options.import.overwrite_remote);
        let Some(there) = agreed.and_then(|agreed| self.facts.standing.get(&agreed.external_id)) else { return 0 };
        let sessions = there.sessions.iter().filter(|session| is_called_off(&session.lifecycle)).count();
        usize::from(is_called_off(&there.lifecycle)) + sessions
    }
}

/// Requests for sessions that are new here, and for looking whether Administrate has them meanwhile.
fn new_sessions(before: &Event, after: &Event, link: &Link) -> (usize, usize) {
    let new = || after.sessions.iter().filter(|session| is_new(before, session));
    let taken = new().take(link.spare);
    let told = taken.map(|session| 1 + usize::from(!session.instructor_ids.is_empty())).sum();
    (told, usize::from(new().count() > link.spare))
}

/// How many sessions that are new here Administrate has a session for.
fn fitting(before: &Event, after: &Event, link: &Link) -> usize {
    after.sessions.iter().filter(|session| is_new(before, session)).count().min(link.spare)
}

fn is_new(before: &Event, session: &Session) -> bool {
    before.sessions.iter().all(|known| known.sequence != session.sequence)
}

/// Who is named for the event: one request for all of a role who are new, one to see who is there, one for each who goes.
fn of_staff(before: &Event, after: &Event) -> usize {
    let named = |event: &Event, role| {
        let of_role = event.staff.iter().filter(move |staff| staff.role == role);
        of_role.map(|staff| (staff.tutorial_instructor_id, staff.external_id.clone())).collect::<BTreeSet<_>>()
    };
    let (mut added, mut gone) = (0, 0);
    for role in [StaffRole::Instructor, StaffRole::Administrator] {
        let (before, after) = (named(before, role), named(after, role));
        added += usize::from(!after.is_subset(&before));
        gone += before.difference(&after).count();
    }
    added + gone + usize::from(gone > 0)
}

/// The classroom part of an event there: from its first session to its last, as the clocks on the wall show it.
fn classroom(event: &Event) -> Option<(DateTime, DateTime)> {
    let zone = TimeZone::get(&event.time_zone).unwrap_or(TimeZone::UTC);
    let first = event.sessions.iter().map(|session| session.start).min()?;
    let last = event.sessions.iter().map(|session| session.end).max()?;
    Some((zone.to_datetime(first), zone.to_datetime(last)))
}

/// The label of the custom field that holds a changed field there; none for what is no custom field.
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
