//! The state of Administrate that a plan depends on, as plain data.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
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
    /// The start of its first session, wall-clock time in its zone.
    pub first_session: Option<DateTime>,
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
    /// Current state of the existing events that the timetable names, by Administrate's id.
    pub current_events: HashMap<String, administrate::Event>,
    /// The events whose current state was read; `None` without a connection.
    pub compared: Option<ComparedEvents>,
}

/// The existing events whose current state was read.
#[derive(Clone, Debug)]
pub struct ComparedEvents {
    /// The local ids.
    pub ids: Vec<i64>,
    /// The database's time before the reading.
    pub read_at: Timestamp,
}

impl RemoteEvent {
    /// Returns in which of template, first session and LMS start the event differs from a local one, each with both values.
    ///
    /// `template` has Administrate's id and the code; both starts are wall-clock. What one side lacks is not compared.
    pub fn differences(
        &self,
        template: (Option<&str>, &str),
        first_session: Option<DateTime>,
        lms_start: Option<DateTime>,
    ) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(remote) =
            self.event.course_template.as_ref().filter(|remote| Some(remote.id.as_str()) != template.0)
        {
            let code = remote.code.as_deref().unwrap_or(remote.id.as_str());
            found.push(format!("template {} in the file, {code} in Administrate", template.1));
        }
        let starts = [
            ("first session", first_session, self.first_session.or(self.classroom_start)),
            ("LMS start", lms_start, self.lms_start),
        ];
        let pairs: Vec<_> =
            starts.into_iter().filter_map(|(name, local, remote)| Some((name, local?, remote?))).collect();
        let display = |at: DateTime| at.strftime("%d/%m/%Y %H:%M").to_string();
        let difference = |name: &str, local: DateTime, remote: DateTime| {
            format!("{name} {} in the file, {} in Administrate", display(local), display(remote))
        };
        found.extend(
            pairs
                .iter()
                .filter(|(_, local, remote)| local != remote)
                .map(|(name, local, remote)| difference(name, *local, *remote)),
        );
        if pairs.is_empty() {
            // One side has only sessions and the other only an LMS window: compare the start of the whole.
            let starts = [self.first_session, self.classroom_start, self.lms_start, self.start];
            let mut remote_starts = starts.into_iter().flatten().peekable();
            let local = first_session.or(lms_start);
            if let (Some(local), Some(remote)) = (local, remote_starts.peek().copied())
                && !remote_starts.any(|start| start == local)
            {
                found.push(difference("start", local, remote));
            }
        }
        found
    }
}
