//! What Administrate says, as plain data: all that a plan may depend on besides the file and our tables.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::ours::Contact;

/// An event that stands in Administrate under a title of the timetable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteEvent {
    /// Administrate's id.
    pub external_id: String,
    /// Its title, trimmed.
    pub title: String,
    /// Administrate's id of its course template.
    pub template: Option<String>,
    /// The local days on which it starts: of the classroom part, of the self-paced part, of the event.
    pub starts: Vec<Date>,
    /// Whether it was cancelled there.
    pub cancelled: bool,
}

/// The remote facts of one plan.
#[derive(Clone, Debug, Default)]
pub struct RemoteFacts {
    /// Contacts approved to teach, by Administrate's id of the course template.
    pub approved: HashMap<String, HashSet<String>>,
    /// Contacts that may administer an event.
    pub administrators: Vec<Contact>,
    /// Events by title.
    pub events: HashMap<String, Vec<RemoteEvent>>,
}
