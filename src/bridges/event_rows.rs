//! Rows of `adm.events` and `adm.sessions`, as a sync compares them.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use super::reference::{BoundedColumn, bounded};
use super::spelling::SpelledText;

/// Selects rows of events.
#[derive(Debug, Clone, Copy)]
pub enum RowFilter<'a> {
    All,
    /// The row with this external id, and the rows linked to these local events.
    Of(&'a str, &'a [i64]),
}

/// An event (`adm.events`). Its references are external ids.
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

/// A session (`adm.sessions`). A session that Administrate no longer has stays as a row without a day.
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
    /// Removes the links of the event and of its sessions.
    pub fn unlink(&mut self) {
        self.tutorial_event_id = None;
        self.sessions.iter_mut().for_each(|session| session.tutorial_session_id = None);
    }

    /// Returns the values of columns with a maximum length.
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

    /// Returns the texts that may be spelled differently than in Administrate, by name.
    pub fn spelled_texts(&mut self) -> Vec<(String, SpelledText<'_>)> {
        let mut texts = vec![
            ("title".to_owned(), SpelledText::Optional(&mut self.title)),
            ("timezone".to_owned(), SpelledText::Optional(&mut self.timezone)),
            ("lifecycle_state".to_owned(), SpelledText::Word(&mut self.lifecycle_state)),
        ];
        for SessionLinkRow { external_id, title, .. } in &mut self.sessions {
            texts.push((format!("title of {external_id}"), SpelledText::Optional(title)));
        }
        texts
    }
}

/// Links each unlinked remote session to the next unlinked local session; existing links stay.
///
/// The course template creates the sessions of an event, one for each day, and only their order identifies them.
pub fn link_in_order<'a>(local_ids: &[i64], remote_links: impl Iterator<Item = &'a mut Option<i64>>) {
    let mut links: Vec<&mut Option<i64>> = remote_links.collect();
    let free: Vec<i64> = local_ids.iter().copied().filter(|id| links.iter().all(|link| **link != Some(*id))).collect();
    let unlinked = links.iter_mut().filter(|link| link.is_none());
    unlinked.zip(free).for_each(|(link, id)| **link = Some(id));
}
