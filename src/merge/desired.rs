//! The desired state of an event in Administrate, derived from the local event. Pure.

use administrate::{CustomFieldValue, EventMode, EventType, Id, NewEvent, Window};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::bridges::events::ExternalIds;
use crate::config::Config;
use crate::names::fold;
use crate::tutorials::{Event, LearningMode, Session, StaffRole};

/// The desired event in Administrate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredEvent {
    pub event: NewEvent,
    /// The sessions in the order of the local ones.
    pub sessions: Vec<DesiredSession>,
    pub staff: DesiredStaff,
}

/// A desired session in Administrate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredSession {
    pub title: String,
    /// Wall-clock times in `time_zone`.
    pub window: Window,
    /// IANA name.
    pub time_zone: String,
    pub location: Id,
    pub venue: Option<Id>,
    pub custom_fields: Vec<CustomFieldValue>,
    /// The contacts of the instructors.
    pub instructors: Vec<Id>,
}

/// The desired staff of a whole event, as contacts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredStaff {
    pub instructors: Vec<Id>,
    pub administrators: Vec<Id>,
}

impl DesiredStaff {
    /// Returns the contacts whom an event in Administrate has in the same role.
    pub fn within(&self, remote: &administrate::Event) -> DesiredStaff {
        let has = |contact: &Id, is_administrator: bool| {
            let role = |member: &administrate::StaffMember| {
                (member.staff_type.as_deref() == Some("administrator")) == is_administrator
            };
            remote.staff.iter().any(|member| role(member) && member.contact_id.as_ref() == Some(contact))
        };
        let present = |contacts: &[Id], is_administrator: bool| {
            contacts.iter().filter(|contact| has(contact, is_administrator)).cloned().collect()
        };
        DesiredStaff {
            instructors: present(&self.instructors, false),
            administrators: present(&self.administrators, true),
        }
    }

    /// Reports whether `other` contains every contact in the same role.
    pub fn is_within(&self, other: &DesiredStaff) -> bool {
        self.instructors.iter().all(|contact| other.instructors.contains(contact))
            && self.administrators.iter().all(|contact| other.administrators.contains(contact))
    }
}

/// Returns the desired state of an event.
///
/// # Errors
/// A sentence that names a missing value or a reference without link.
pub fn desired_event(event: &Event, ids: &ExternalIds, config: &Config) -> Result<DesiredEvent, String> {
    let zone = TimeZone::get(&event.time_zone).map_err(|_| format!("\"{}\" is not a time zone", event.time_zone))?;
    let location = event.location_id.ok_or("the event has no location, which Administrate needs")?;
    let location = linked(&ids.locations, location, "location", "locations")?;
    let venue = event.venue_id.map(|id| linked(&ids.venues, id, "venue", "venues")).transpose()?;
    let to_session = |session| desired_session(session, event, ids, config, &zone, &location, venue.as_ref());
    Ok(DesiredEvent {
        sessions: event.sessions.iter().map(to_session).collect::<Result<_, _>>()?,
        staff: desired_staff(event, ids)?,
        event: desired_fields(event, ids, config, &zone, location.clone(), venue.clone())?,
    })
}

fn desired_fields(
    event: &Event,
    ids: &ExternalIds,
    config: &Config,
    zone: &TimeZone,
    location_id: Id,
    venue_id: Option<Id>,
) -> Result<NewEvent, String> {
    let template = event.course_template_id.ok_or("the event has no course template, which Administrate needs")?;
    let labels = &config.administrate.labels;
    let date = event.finalisation_date.map(|date| date.to_string());
    let web_sale = if event.web_sale { "True" } else { "False" };
    let values = [
        (&labels.sitting, event.sitting.clone()),
        (&labels.finalisation_date, date),
        (&labels.event_url, event.event_url.clone()),
        (&labels.web_sale, Some(web_sale.into())),
        (&labels.ocr_moodle_code, event.ocr_moodle_code.clone()),
    ];
    let first = event.sessions.iter().map(|session| session.start).min();
    let last = event.sessions.iter().map(|session| session.end).max();
    let window = |(start, end)| Window { start: zone.to_datetime(start), end: zone.to_datetime(end) };
    let mode = match event.learning_mode.ok_or("the event has no learning mode, which decides how it is created")? {
        LearningMode::Blended => EventMode::Blended,
        LearningMode::Lms => EventMode::Lms,
        LearningMode::Classroom => EventMode::Classroom,
    };
    Ok(NewEvent {
        mode,
        course_template_id: linked(&ids.templates, template, "course template", "course-templates")?,
        title: event.code.clone(),
        event_type: if config.administrate.event_type == "private" { EventType::Private } else { EventType::Public },
        location_id,
        venue_id,
        tax_type_id: Id::new(config.administrate.tax_type.clone()),
        time_zone: event.time_zone.clone(),
        classroom: first.zip(last).map(window),
        // The learning platform window of a classroom event is stored locally only.
        lms: event.lms_start.zip(event.lms_end).map(window).filter(|_| mode != EventMode::Classroom),
        max_places: event.max_places,
        custom_fields: with_own_values(ids, custom_fields(ids, "Event", values)),
    })
}

impl DesiredEvent {
    /// Returns the event as it is created: Administrate needs both windows of a blended event. The days of an event are its
    /// learning platform window where it has one, else those of its sessions.
    pub fn with_windows(mut self, event: &Event) -> Self {
        let days = Window { start: event.start_date.at(0, 0, 0, 0), end: event.end_date.at(23, 59, 0, 0) };
        if self.event.mode != EventMode::Lms {
            self.event.classroom.get_or_insert(days);
        }
        if self.event.mode != EventMode::Classroom {
            self.event.lms.get_or_insert(days);
        }
        self
    }
}

fn desired_session(
    session: &Session,
    event: &Event,
    ids: &ExternalIds,
    config: &Config,
    zone: &TimeZone,
    event_location: &Id,
    event_venue: Option<&Id>,
) -> Result<DesiredSession, String> {
    let labels = &config.administrate.labels;
    let values = [(&labels.day, Some(session.sequence.to_string())), (&labels.session_url, session.url.clone())];
    let own_location = session.location_id.map(|id| linked(&ids.locations, id, "location", "locations")).transpose()?;
    let own_venue = session.venue_id.map(|id| linked(&ids.venues, id, "venue", "venues")).transpose()?;
    // A session without own location and venue has those of its event. One with an own location never has the event's
    // venue.
    let venue = if own_location.is_some() { own_venue } else { own_venue.or_else(|| event_venue.cloned()) };
    let instructor = |id: &i64| linked(&ids.instructors, *id, "instructor", "instructors");
    Ok(DesiredSession {
        title: session.title.clone(),
        window: Window { start: zone.to_datetime(session.start), end: zone.to_datetime(session.end) },
        time_zone: event.time_zone.clone(),
        location: own_location.unwrap_or_else(|| event_location.clone()),
        venue,
        custom_fields: custom_fields(ids, "Session", values),
        instructors: session.instructor_ids.iter().map(instructor).collect::<Result<_, _>>()?,
    })
}

fn desired_staff(event: &Event, ids: &ExternalIds) -> Result<DesiredStaff, String> {
    let mut desired = DesiredStaff::default();
    for staff in &event.staff {
        let contact = match (&staff.external_id, staff.tutorial_instructor_id) {
            (Some(contact), _) => Id::new(contact.clone()),
            (None, Some(id)) => linked(&ids.instructors, id, "instructor", "instructors")?,
            (None, None) => return Err(format!("{} is not linked to a contact in Administrate", staff.name)),
        };
        match staff.role {
            StaffRole::Instructor => desired.instructors.push(contact),
            StaffRole::Administrator => desired.administrators.push(contact),
        }
    }
    Ok(desired)
}

fn linked(links: &std::collections::BTreeMap<i64, Id>, id: i64, what: &str, entity: &str) -> Result<Id, String> {
    links.get(&id).cloned().ok_or_else(|| {
        format!("the {what} with id {id} is not linked to Administrate: run `lectern sync {entity}`, then `lectern import retry`")
    })
}

/// Adds the values of custom fields that are no fields of the event.
fn with_own_values(ids: &ExternalIds, mut known: Vec<CustomFieldValue>) -> Vec<CustomFieldValue> {
    for (label, value) in &ids.event_values {
        let key = ids.custom_fields.get(&("Event".to_owned(), fold(label)));
        if let Some(key) = key.filter(|key| known.iter().all(|field| field.key != **key)) {
            known.push(CustomFieldValue { key: key.clone(), value: value.clone() });
        }
    }
    known
}

/// Returns values for custom fields that Administrate has. Others are left out; the import warns about them once.
fn custom_fields<const N: usize>(
    ids: &ExternalIds,
    entity: &str,
    values: [(&String, Option<String>); N],
) -> Vec<CustomFieldValue> {
    let key = |label: &str| ids.custom_fields.get(&(entity.to_owned(), fold(label))).cloned();
    let value = |(label, value): (&String, Option<String>)| Some(CustomFieldValue { key: key(label)?, value: value? });
    values.into_iter().filter_map(value).collect()
}
