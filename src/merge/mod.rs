//! Three-way merge of an event, value by value: local, baseline and remote. Pure except for the functions that load.
//!
//! Values that belong together, such as a place or a window, are compared as one. A value that Administrate does not
//! report counts as unchanged. Values are text with names instead of ids, as users read them; [`accept`] converts them
//! back.

pub mod accept;
pub mod desired;
pub mod places;
#[cfg(test)]
mod tests;
pub mod values;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use administrate::{Id, NewEvent};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::bridges::baseline::BaselineRow;
use crate::bridges::store::baseline::baselines;
use crate::bridges::store::references;
use crate::config::Labels;
use crate::error::Result;
use crate::merge::desired::DesiredSession;
use crate::names::fold;
use crate::tutorials::reference::store as local;
use crate::tutorials::{Event, Session};

/// A field of an event or session that is compared as one value.
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
    /// Returns the display name.
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

/// A field of an event or of one of its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldKey {
    /// The session's sequence, `None` for the event itself.
    pub day: Option<i32>,
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

/// The values of one side. An empty text means no value, an absent field was not reported.
pub type FieldValues = HashMap<EventField, String>;

/// A remote value that differs from the baseline and from the local value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueDiff {
    pub field: FieldKey,
    /// The local value, empty for none.
    pub local: String,
    /// The remote value.
    pub remote: String,
    /// The baseline value.
    pub baseline: String,
}

impl ValueDiff {
    /// Reports whether the local value has changed too.
    pub fn is_conflict(&self) -> bool {
        self.local != self.baseline
    }
}

/// Returns remote changes in the order of fields, by comparison with the baseline and the local values.
pub fn diff_values(
    day: Option<i32>,
    local: &FieldValues,
    baseline: &FieldValues,
    remote: &FieldValues,
) -> Vec<ValueDiff> {
    let mut found: Vec<ValueDiff> = remote
        .iter()
        .filter_map(|(field, remote)| {
            let baseline = baseline.get(field).filter(|baseline| *baseline != remote)?;
            let local = local.get(field).cloned().unwrap_or_default();
            let field = FieldKey { day, field: *field };
            (local != *remote).then(|| ValueDiff { field, local, remote: remote.clone(), baseline: baseline.clone() })
        })
        .collect();
    found.sort_by_key(|diff| diff.field);
    found
}

/// The baseline of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBaseline {
    pub external_id: String,
    /// The event's own fields, `None` where no baseline is certain.
    pub event: Option<NewEvent>,
    /// The sessions by sequence, with external ids.
    pub sessions: HashMap<i32, (Id, DesiredSession)>,
    /// Why a part of it cannot be read.
    pub unreadable: Option<String>,
}

/// Returns the baselines of local events by id.
///
/// Baselines stored after `before` are left out, because the response of Administrate may be older.
///
/// # Errors
/// The database cannot be read.
pub async fn load_baselines(
    db: &mut PgConnection,
    events: &[i64],
    before: Option<Timestamp>,
) -> Result<HashMap<i64, EventBaseline>> {
    let mut found = HashMap::new();
    for (event, external_id, row) in baselines(db, events, before).await? {
        let empty = || EventBaseline {
            external_id: external_id.to_string(),
            event: None,
            sessions: HashMap::new(),
            unreadable: None,
        };
        let baseline = found.entry(event).or_insert_with(empty);
        match row {
            Ok(BaselineRow::Event(event)) => baseline.event = Some(*event),
            Ok(BaselineRow::Session(sequence, id, session)) => drop(baseline.sessions.insert(sequence, (id, session))),
            Err(reason) => baseline.unreadable = Some(reason),
        }
    }
    Ok(found)
}

/// Returns the names and external ids of locations, venues and custom fields.
///
/// # Errors
/// The database cannot be read.
pub async fn load_reference_names(db: &mut PgConnection, labels: &Labels) -> Result<ReferenceNames> {
    let linked = references::locations(db).await?.into_iter();
    let linked = linked.filter_map(|row| Some((row.tutorial_location_id?, row.external_id)));
    let named = local::every_location(db).await?.into_iter().map(|location| (location.id, location.name));
    let locations = named_references(named, linked);
    let linked = references::venues(db).await?.into_iter();
    let linked = linked.filter_map(|row| Some((row.tutorial_venue_id?, row.external_id)));
    let named = local::venues(db).await?.into_iter().map(|venue| (venue.id, venue.name));
    let venues = named_references(named, linked);
    let fields = references::custom_fields(db).await?.into_iter();
    let fields = fields.map(|row| (row.entity_type, row.label, row.external_id));
    Ok(ReferenceNames::new(labels, locations, venues, fields))
}

/// Returns each local record with each of its external ids, or once without.
fn named_references(
    named: impl Iterator<Item = (i64, String)>,
    linked: impl Iterator<Item = (i64, String)>,
) -> Vec<NamedReference> {
    let mut external_ids: HashMap<i64, Vec<String>> = HashMap::new();
    linked.for_each(|(id, external_id)| external_ids.entry(id).or_default().push(external_id));
    let references = named.flat_map(|(id, name)| match external_ids.remove(&id) {
        Some(links) => links.into_iter().map(|external_id| (id, name.clone(), Some(external_id))).collect(),
        None => vec![(id, name, None)],
    });
    references.collect()
}

/// The names of locations, venues and custom fields on both sides.
#[derive(Clone, Debug)]
pub struct ReferenceNames {
    locations: NameIndex,
    venues: NameIndex,
    /// Keys of custom fields by folded entity type and label.
    fields: HashMap<(String, String), String>,
    labels: Labels,
    /// Letter of a sitting → suffix of a session code.
    sittings: BTreeMap<String, String>,
}

/// Local id, name and external id of a location or venue; the external id is `None` without link.
pub type NamedReference = (i64, String, Option<String>);

#[derive(Clone, Debug, Default)]
struct NameIndex {
    names: HashMap<i64, String>,
    local_ids: HashMap<String, i64>,
}

impl NameIndex {
    fn of(listed: impl IntoIterator<Item = NamedReference>) -> Self {
        let mut index = NameIndex::default();
        for (id, name, external_id) in listed {
            index.names.insert(id, name);
            index.local_ids.extend(external_id.map(|external_id| (external_id, id)));
        }
        index
    }

    fn local_name(&self, id: Option<i64>) -> Option<&str> {
        self.names.get(&id?).map(String::as_str)
    }

    fn linked(&self, external_id: &Id) -> Option<i64> {
        self.local_ids.get(external_id.as_str()).copied()
    }

    /// Returns the local name of a remote record, or its external id if it is not linked.
    fn remote_name<'a>(&'a self, external_id: Option<&'a Id>) -> Option<&'a str> {
        external_id.map(|id| self.local_name(self.linked(id)).unwrap_or(id.as_str()))
    }
}

impl ReferenceNames {
    /// Creates the index. `fields` has entity type, label and key of each custom field; of two with one label the last counts.
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
            sittings: BTreeMap::new(),
        }
    }

    /// Sets the letters of sittings, so that one sitting is equal in all spellings.
    pub fn with_sittings(self, sittings: &BTreeMap<String, String>) -> Self {
        Self { sittings: sittings.clone(), ..self }
    }

    /// Returns the fields that are custom fields in Administrate, with their keys. Fields that it lacks are left out.
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
        labels.into_iter().filter_map(move |(field, label)| {
            Some((field, self.fields.get(&(entity.to_owned(), fold(label)))?.as_str()))
        })
    }
}

/// Returns location and venue of a session: its own or, if it has neither, those of its event.
pub fn effective_place(event: &Event, session: &Session) -> (Option<i64>, Option<i64>) {
    match (session.location_id, session.venue_id) {
        (None, None) => (event.location_id, event.venue_id),
        own => own,
    }
}
