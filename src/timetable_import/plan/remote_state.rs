//! What Administrate says, as plain data: all that a plan may depend on besides the file and our tables.

use std::collections::{HashMap, HashSet};

use jiff::civil::DateTime;

use super::inputs::ContactRecord;
use crate::timetable_import::approvals::ApprovalErrors;

/// An event that stands in Administrate under a title of the timetable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteEvent {
    /// All that Administrate told of it.
    pub event: administrate::Event,
    /// When its classroom part starts, wall-clock in its zone.
    pub classroom_start: Option<DateTime>,
    /// When its self-paced part starts.
    pub lms_start: Option<DateTime>,
    /// Whichever of the two Administrate calls its start.
    pub start: Option<DateTime>,
    /// Whether it was cancelled there.
    pub cancelled: bool,
}

/// The remote facts of one plan.
#[derive(Clone, Debug, Default)]
pub struct RemoteState {
    /// Contacts approved to teach, by Administrate's id of the course template.
    pub approved: HashMap<String, HashSet<String>>,
    /// Why Administrate has refused to approve, where this import has asked it to.
    pub denied: ApprovalErrors,
    /// Contacts that may administer an event.
    pub administrators: Vec<ContactRecord>,
    /// Contacts that teach; read only where instructors who are unknown here are to be created.
    pub instructors: Vec<administrate::Contact>,
    /// Events by folded title.
    pub events: HashMap<String, Vec<RemoteEvent>>,
    /// Whether instructors can be taken off a session from outside; none where nobody has asked.
    pub takes_off_staff: Option<bool>,
    /// Known events that are about to change, as they stand there, by Administrate's id.
    pub standing: HashMap<String, administrate::Event>,
}

impl RemoteEvent {
    /// Whether it follows the course template that Administrate calls this, or does not say which.
    pub fn follows(&self, template: Option<&str>) -> bool {
        self.event.course_template.as_ref().is_none_or(|theirs| Some(theirs.id.as_str()) == template)
    }

    /// Whether it starts when an event of ours does: in the classroom where it has such a part, else wherever.
    pub fn starts_at(&self, classroom: Option<DateTime>, lms: Option<DateTime>) -> bool {
        match (self.classroom_start, classroom) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => {
                let mut theirs = [self.classroom_start, self.lms_start, self.start].into_iter().flatten();
                theirs.any(|start| [classroom, lms].contains(&Some(start)))
            }
        }
    }
}
