//! The state of Administrate that a plan depends on, as plain data.

use std::collections::{HashMap, HashSet};

use jiff::civil::DateTime;

use super::inputs::ContactRecord;
use crate::timetable_import::approvals::ApprovalErrors;

/// An event in Administrate with a title of the timetable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteEvent {
    /// The event as Administrate returned it.
    pub event: administrate::Event,
    /// The start of its classroom part, wall-clock time in its zone.
    pub classroom_start: Option<DateTime>,
    /// The start of its self-paced part, wall-clock time in its zone.
    pub lms_start: Option<DateTime>,
    /// The one of both that Administrate returns as the event's start.
    pub start: Option<DateTime>,
    pub cancelled: bool,
}

/// Everything in Administrate that a plan depends on.
#[derive(Clone, Debug, Default)]
pub struct RemoteState {
    /// Contacts approved to teach, by Administrate's id of the course template.
    pub approved: HashMap<String, HashSet<String>>,
    /// Reasons why Administrate rejected approvals that this import requested.
    pub approval_errors: ApprovalErrors,
    /// Contacts that may administer an event.
    pub administrators: Vec<ContactRecord>,
    /// Contacts that teach. Loaded only where the caller requested to create unknown instructors.
    pub instructors: Vec<administrate::Contact>,
    /// Events by folded title.
    pub events: HashMap<String, Vec<RemoteEvent>>,
    /// Whether the API can remove instructors from a session; None without a connection.
    pub can_remove_staff: Option<bool>,
    /// Current state of the existing events that change, by Administrate's id.
    pub current_events: HashMap<String, administrate::Event>,
}

impl RemoteEvent {
    /// Reports whether the event has this course template (Administrate's id), or none is known.
    pub fn follows(&self, template: Option<&str>) -> bool {
        self.event.course_template.as_ref().is_none_or(|remote| Some(remote.id.as_str()) == template)
    }

    /// Reports whether the event starts at the same time as a local one, both wall-clock.
    ///
    /// Compares the classroom starts where both events have one, else any start with any other.
    pub fn starts_at(&self, classroom: Option<DateTime>, lms: Option<DateTime>) -> bool {
        match (self.classroom_start, classroom) {
            (Some(remote), Some(local)) => remote == local,
            _ => {
                let mut starts = [self.classroom_start, self.lms_start, self.start].into_iter().flatten();
                starts.any(|start| [classroom, lms].contains(&Some(start)))
            }
        }
    }
}
