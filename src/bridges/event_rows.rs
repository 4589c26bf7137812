//! The rows that stand for Administrate's events and their sessions, as a sync compares them.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

pub use crate::bridges::store::event_rows::{RowFilter, delete_rows, known_ids, rows, upsert_rows};

use super::reference::{BoundedColumn, bounded};

/// An event (`adm.events`); what it refers to by Administrate's ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLinkRow {
    pub external_id: String,
    pub tutorial_event_id: Option<i64>,
    pub title: Option<String>,
    pub lifecycle_state: Option<String>,
    pub sold_out: Option<bool>,
    pub cancelled: Option<bool>,
    pub max_places: Option<i32>,
    pub lms_start_date: Option<Timestamp>,
    pub lms_end_date: Option<Timestamp>,
    pub timezone: Option<String>,
    pub course_template: Option<String>,
    pub location: Option<String>,
    pub venue: Option<String>,
    pub primary_instructor: Option<String>,
    pub sessions: Vec<SessionLinkRow>,
}

/// A session (`adm.sessions`); one that Administrate no longer has keeps its row, without a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLinkRow {
    pub external_id: String,
    pub tutorial_session_id: Option<i64>,
    pub title: Option<String>,
    pub day_number: Option<i32>,
    pub classroom_start_date: Option<Date>,
    pub classroom_start_time: Option<Time>,
    pub classroom_end_date: Option<Date>,
    pub classroom_end_time: Option<Time>,
    pub cancelled: Option<bool>,
}

impl EventLinkRow {
    /// Takes the links away, the event's and those of its sessions.
    pub fn unlink(&mut self) {
        self.tutorial_event_id = None;
        self.sessions.iter_mut().for_each(|session| session.tutorial_session_id = None);
    }

    /// What stands in the columns that PostgreSQL bounds.
    pub fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        let mut columns = vec![
            bounded("external_id", &self.external_id, 50),
            bounded("title", self.title.as_ref(), 255),
            bounded("lifecycle_state", self.lifecycle_state.as_ref(), 20),
            bounded("timezone", self.timezone.as_ref(), 50),
        ];
        columns.extend(self.sessions.iter().flat_map(|session| {
            [
                bounded("sessions.external_id", &session.external_id, 50),
                bounded("sessions.title", session.title.as_ref(), 255),
            ]
        }));
        columns
    }
}

/// Pairs what is not paired yet with those of `ours` that are free, in order: the course template makes the sessions of
/// an event, one for each day, and nothing but their order says which is which. A pair once made stays.
pub fn pair_in_order<'a>(ours: &[i64], theirs: impl Iterator<Item = &'a mut Option<i64>>) {
    let mut theirs: Vec<&mut Option<i64>> = theirs.collect();
    let free: Vec<i64> = ours.iter().copied().filter(|id| theirs.iter().all(|link| **link != Some(*id))).collect();
    let unpaired = theirs.iter_mut().filter(|link| link.is_none());
    unpaired.zip(free).for_each(|(link, id)| **link = Some(id));
}
