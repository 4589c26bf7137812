//! An event as each side says it, value by value: ours, what both last agreed on, and Administrate's. Pure but for
//! [`last_agreed`].
//!
//! What belongs together, a place or a window, is one value. What Administrate does not tell is taken for unchanged.
//! Values are told as a person reads them, by names and not by ids; [`taking`] turns them back.

pub mod accept;
pub mod desired;
#[cfg(test)]
mod tests;
pub mod values;

use std::collections::HashMap;
use std::fmt;

use administrate::{Id, NewEvent};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::bridges::baseline::BaselineRow;
use crate::bridges::store::baseline::baselines;
use crate::config::Labels;
use crate::error::Result;
use crate::merge::desired::DesiredSession;
use crate::names::fold;
use crate::tutorials::{Event, Session};

/// A value of an event or of a session that is compared as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventField {
    Title,
    Place,
    Time,
    MaxPlaces,
    TimeZone,
    LmsWindow,
    Sitting,
    Finalisation,
    WebSale,
    Moodle,
    Url,
}

impl EventField {
    /// How people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Place => "place",
            Self::Time => "time",
            Self::MaxPlaces => "max places",
            Self::TimeZone => "time zone",
            Self::LmsWindow => "LMS window",
            Self::Sitting => "sitting",
            Self::Finalisation => "finalisation date",
            Self::WebSale => "web sale",
            Self::Moodle => "OCR moodle code",
            Self::Url => "url",
        }
    }
}

/// Which value of which part of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldKey {
    /// The session's sequence; none for the event itself.
    pub day: Option<i32>,
    /// Which value.
    pub field: EventField,
}

impl fmt::Display for FieldKey {
    /// `max places`, `day 2: time`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(day) = self.day {
            write!(f, "day {day}: ")?;
        }
        f.write_str(self.field.name())
    }
}

/// What a side says of each aspect; "" for nothing, absent where nothing is told.
pub type FieldValues = HashMap<EventField, String>;

/// A value that Administrate has changed since both sides last agreed, and not to ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueDiff {
    /// Which.
    pub field: FieldKey,
    /// Ours, "" for nothing.
    pub ours: String,
    /// Administrate's.
    pub theirs: String,
    /// On what both agreed.
    pub agreed: String,
}

impl ValueDiff {
    /// Whether ours has changed too.
    pub fn is_conflict(&self) -> bool {
        self.ours != self.agreed
    }
}

/// Compares what three sides say, in the order of the aspects.
pub fn diff_values(day: Option<i32>, ours: &FieldValues, agreed: &FieldValues, theirs: &FieldValues) -> Vec<ValueDiff> {
    let mut found: Vec<ValueDiff> = theirs
        .iter()
        .filter_map(|(aspect, theirs)| {
            let agreed = agreed.get(aspect).filter(|agreed| *agreed != theirs)?;
            let ours = ours.get(aspect).cloned().unwrap_or_default();
            let field = FieldKey { day, field: *aspect };
            (ours != *theirs).then(|| ValueDiff { field, ours, theirs: theirs.clone(), agreed: agreed.clone() })
        })
        .collect();
    found.sort_by_key(|difference| difference.field);
    found
}

/// On what both sides last agreed for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBaseline {
    /// Administrate's id of it.
    pub external_id: String,
    /// Its own fields, none where nothing is certain.
    pub event: Option<NewEvent>,
    /// Its sessions by sequence, with Administrate's ids.
    pub sessions: HashMap<i32, (Id, DesiredSession)>,
}

/// On what both sides last agreed for events of ours, by our ids; `before`: what was agreed on later is left out, because
/// Administrate may have been asked before it.
///
/// # Errors
/// The database's alone.
pub async fn load_baselines(
    db: &mut PgConnection,
    events: &[i64],
    before: Option<Timestamp>,
) -> Result<HashMap<i64, EventBaseline>> {
    let mut agreed = HashMap::new();
    for (ours, theirs, settled) in baselines(db, events, before).await? {
        let nothing = || EventBaseline { external_id: theirs.to_string(), event: None, sessions: HashMap::new() };
        let of_event = agreed.entry(ours).or_insert_with(nothing);
        match settled {
            BaselineRow::Event(event) => of_event.event = Some(*event),
            BaselineRow::Session(sequence, id, session) => drop(of_event.sessions.insert(sequence, (id, session))),
        }
    }
    Ok(agreed)
}

/// The names under which both sides know what events refer to.
#[derive(Clone, Debug)]
pub struct ReferenceNames {
    locations: NameIndex,
    venues: NameIndex,
    /// Keys of custom fields by folded (entity type, label).
    fields: HashMap<(String, String), String>,
    labels: Labels,
}

/// A location or venue of ours: our id, its name, Administrate's id where it is linked.
pub type NamedReference = (i64, String, Option<String>);

#[derive(Clone, Debug, Default)]
struct NameIndex {
    ours: HashMap<i64, String>,
    theirs: HashMap<String, i64>,
}

impl NameIndex {
    fn of(listed: impl IntoIterator<Item = NamedReference>) -> Self {
        let mut names = NameIndex::default();
        for (id, name, external_id) in listed {
            names.ours.insert(id, name);
            names.theirs.extend(external_id.map(|external_id| (external_id, id)));
        }
        names
    }

    fn local_name(&self, id: Option<i64>) -> Option<&str> {
        self.ours.get(&id?).map(String::as_str)
    }

    fn linked(&self, theirs: &Id) -> Option<i64> {
        self.theirs.get(theirs.as_str()).copied()
    }

    /// Theirs by our name, or by its id where it is not linked.
    fn remote_name<'a>(&'a self, theirs: Option<&'a Id>) -> Option<&'a str> {
        theirs.map(|id| self.local_name(self.linked(id)).unwrap_or(id.as_str()))
    }
}

impl ReferenceNames {
    /// `fields`: entity type, label and key of each custom field of the tenant's; of two with one label the last counts.
    pub fn new(
        labels: &Labels,
        locations: impl IntoIterator<Item = NamedReference>,
        venues: impl IntoIterator<Item = NamedReference>,
        fields: impl IntoIterator<Item = (String, String, String)>,
    ) -> Self {
        let field = |(entity, label, key): (String, String, String)| ((fold(&entity), fold(&label)), key);
        ReferenceNames {
            locations: NameIndex::of(locations),
            venues: NameIndex::of(venues),
            fields: fields.into_iter().map(field).collect(),
            labels: labels.clone(),
        }
    }

    /// The aspects that are custom fields there, with their keys where the tenant has them.
    fn custom(&self, of_session: bool) -> impl Iterator<Item = (EventField, &str)> {
        let labels: Vec<(EventField, &String)> = if of_session {
            vec![(EventField::Url, &self.labels.session_url)]
        } else {
            vec![
                (EventField::Sitting, &self.labels.sitting),
                (EventField::Finalisation, &self.labels.finalisation_date),
                (EventField::WebSale, &self.labels.web_sale),
                (EventField::Moodle, &self.labels.ocr_moodle_code),
                (EventField::Url, &self.labels.event_url),
            ]
        };
        let entity = if of_session { "session" } else { "event" };
        labels.into_iter().filter_map(move |(aspect, label)| {
            Some((aspect, self.fields.get(&(entity.to_owned(), fold(label)))?.as_str()))
        })
    }
}

/// Location and venue of a session: its own, or, where it has neither, its event's (contract §6).
pub fn effective_place(event: &Event, session: &Session) -> (Option<i64>, Option<i64>) {
    match (session.location_id, session.venue_id) {
        (None, None) => (event.location_id, event.venue_id),
        own => own,
    }
}
