//! Checks values that Administrate's API does not accept.
//!
//! They are compared with the remote values at the end, which may match all the same: through the sessions' values or
//! because a user corrected them in Administrate. A value that differs fails every attempt with a message that names it.

use administrate::{Event, Id, Moment, NewEvent, Window};

use super::EventDelivery;
use crate::bridges::events::{BaselineKind, EventLink};
use crate::console::counted;
use crate::delivery::{DeliveryError, Notice};
use crate::merge::desired::{DesiredEvent, DesiredSession};
use crate::tutorials::zone_of;

/// A value that Administrate did not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnsupportedField {
    /// An input field of the event.
    OfEvent(&'static str),
    /// An input field of a session.
    OfSession(Id, &'static str),
    /// Instructors who could not be removed from a session.
    Teaching(Id, Vec<Id>),
}

/// The comparison of a value with the remote one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldCheck {
    Matches,
    Differs,
    /// Administrate does not return the value.
    NotExposed,
}

impl EventDelivery<'_> {
    /// Reads the remote event once and fails if a value that was not accepted differs.
    pub(crate) async fn check_unsupported(
        &mut self,
        link: &EventLink,
        desired: &DesiredEvent,
    ) -> Result<(), DeliveryError> {
        if self.unsupported.is_empty() {
            return Ok(());
        }
        self.check_cancelled()?;
        let remote = self.worker.client.event(&link.external_id).await?;
        let remote = remote
            .ok_or_else(|| DeliveryError::retryable("the event disappeared from Administrate while it was written"))?;
        let unsupported = std::mem::take(&mut self.unsupported);
        let event = LinkedEvent { link, ids: &self.known.session_ids, desired };
        let checked: Vec<(UnsupportedField, FieldCheck)> =
            unsupported.into_iter().map(|field| (field.clone(), event.check(&field, &remote))).collect();
        self.update_baselines(&checked, &event).await?;
        let mut open: Vec<String> = Vec::new();
        let mut not_exposed = Vec::new();
        for (field, check) in &checked {
            match field {
                _ if is_open(field, *check) => open.push(event.describe(field)),
                UnsupportedField::OfEvent(name) if *check == FieldCheck::NotExposed => not_exposed.push(*name),
                _ => {}
            }
        }
        if !not_exposed.is_empty() {
            self.remarks.push(Notice::UnsupportedFields(not_exposed));
        }
        open.dedup();
        if open.is_empty() {
            return Ok(());
        }
        Err(DeliveryError::Invalid(format!(
            "Administrate's API cannot change {}: correct it manually in Administrate, then run `lectern import retry`; \
             everything else has been delivered",
            open.join(", ")
        )))
    }

    /// Stores the baselines of the event and of the sessions whose values all match.
    async fn update_baselines(
        &self,
        checked: &[(UnsupportedField, FieldCheck)],
        event: &LinkedEvent<'_>,
    ) -> Result<(), DeliveryError> {
        let open_of = |session: Option<&Id>| {
            checked.iter().any(|(field, check)| field.session() == session && is_open(field, *check))
        };
        if checked.iter().any(|(field, _)| field.session().is_none()) && !open_of(None) {
            self.set_baseline(BaselineKind::Event, &event.link.external_id, &event.desired.event).await?;
        }
        let mut sessions: Vec<&Id> = checked.iter().filter_map(|(field, _)| field.session()).collect();
        sessions.dedup();
        for id in sessions {
            if let Some(desired) = event.desired_session(id).filter(|_| !open_of(Some(id))) {
                self.set_baseline(BaselineKind::Session, id, desired).await?;
            }
        }
        Ok(())
    }
}

/// Returns whether a user has to correct the value. An event's venue that is not exposed does not count: its sessions carry
/// it.
fn is_open(field: &UnsupportedField, check: FieldCheck) -> bool {
    match check {
        FieldCheck::Matches => false,
        FieldCheck::Differs => true,
        FieldCheck::NotExposed => *field != UnsupportedField::OfEvent("venueId"),
    }
}

impl UnsupportedField {
    fn session(&self) -> Option<&Id> {
        match self {
            UnsupportedField::OfEvent(_) => None,
            UnsupportedField::OfSession(id, _) | UnsupportedField::Teaching(id, _) => Some(id),
        }
    }
}

/// A desired event with the links of its sessions.
struct LinkedEvent<'a> {
    link: &'a EventLink,
    /// Local ids of the desired sessions, in their order.
    ids: &'a [i64],
    desired: &'a DesiredEvent,
}

impl LinkedEvent<'_> {
    fn desired_session(&self, id: &Id) -> Option<&DesiredSession> {
        let local = self.link.sessions.iter().find(|session| session.external_id == *id)?.tutorial_session_id?;
        self.desired.sessions.get(self.ids.iter().position(|known| *known == local)?)
    }

    fn check(&self, field: &UnsupportedField, remote: &Event) -> FieldCheck {
        let session = |id: &Id| remote.sessions.iter().find(|session| session.id == *id);
        match field {
            UnsupportedField::OfEvent(name) => check_event_field(name, &self.desired.event, remote),
            UnsupportedField::OfSession(id, "venueId") => match (session(id), self.desired_session(id)) {
                (Some(remote), Some(desired)) if remote.venue_id == desired.venue => FieldCheck::Matches,
                _ => FieldCheck::Differs,
            },
            UnsupportedField::OfSession(..) => FieldCheck::NotExposed,
            UnsupportedField::Teaching(id, instructors) => {
                let staff = session(id).into_iter().flat_map(|session| &session.staff);
                let mut contacts = staff.filter_map(|member| member.contact_id.as_ref());
                if contacts.any(|contact| instructors.contains(contact)) {
                    FieldCheck::Differs
                } else {
                    FieldCheck::Matches
                }
            }
        }
    }

    fn describe(&self, field: &UnsupportedField) -> String {
        let title = |id| self.desired_session(id).map_or("a session", |session| session.title.as_str());
        match field {
            UnsupportedField::OfEvent(name) => format!("the event's {}", field_label(name)),
            UnsupportedField::OfSession(id, name) => format!("the {} of \"{}\"", field_label(name), title(id)),
            UnsupportedField::Teaching(id, instructors) => format!(
                "{} named for \"{}\" who no longer teach{} it",
                counted(instructors.len(), "instructor"),
                title(id),
                if instructors.len() == 1 { "es" } else { "" }
            ),
        }
    }
}

/// Returns the name of an input field for users.
fn field_label(field: &'static str) -> &'static str {
    match field {
        "locationId" => "location",
        "venueId" => "venue",
        "timeZoneName" => "time zone",
        "maxPlaces" => "max places",
        "classroomStartDateTime" | "classroomEndDateTime" => "classroom dates",
        "lmsStartDateTime" | "lmsEndDateTime" => "LMS dates",
        "customFieldValues" => "custom fields",
        other => other,
    }
}

fn check_event_field(field: &str, desired: &NewEvent, remote: &Event) -> FieldCheck {
    let zone = zone_of(&desired.time_zone);
    let check = |is_equal: bool| if is_equal { FieldCheck::Matches } else { FieldCheck::Differs };
    let time = |remote: Option<Moment>, local: Option<Window>, of: fn(Window) -> jiff::civil::DateTime| match remote {
        Some(remote) => check(local.map(of) == Some(remote.local(&zone))),
        None => FieldCheck::NotExposed,
    };
    match field {
        "title" => check(remote.title == desired.title),
        "locationId" => check(remote.location_id.as_ref() == Some(&desired.location_id)),
        "timeZoneName" => check(remote.time_zone.as_ref() == Some(&desired.time_zone)),
        "venueId" if remote.venue_id.is_none() && desired.venue_id.is_some() => FieldCheck::NotExposed,
        "venueId" => check(remote.venue_id == desired.venue_id),
        "maxPlaces" => check(remote.max_places == desired.max_places.map(i64::from)),
        "classroomStartDateTime" => time(remote.classroom_start, desired.classroom, |window| window.start),
        "classroomEndDateTime" => time(remote.classroom_end, desired.classroom, |window| window.end),
        "lmsStartDateTime" => time(remote.lms_start, desired.lms, |window| window.start),
        "lmsEndDateTime" => time(remote.lms_end, desired.lms, |window| window.end),
        "customFieldValues" => {
            let is_equal = |key, value: &str| remote.custom_fields.get(key).map_or("", String::as_str) == value;
            check(desired.custom_fields.iter().all(|field| is_equal(&field.key, &field.value)))
        }
        _ => FieldCheck::NotExposed,
    }
}

/// Returns the event as Administrate has it after a write that omitted the fields `unsupported`: these stay as before.
pub(crate) fn baseline_without(before: &NewEvent, desired: &NewEvent, unsupported: &[&'static str]) -> NewEvent {
    let mut baseline = desired.clone();
    for field in unsupported {
        match *field {
            "title" => baseline.title.clone_from(&before.title),
            "locationId" => baseline.location_id.clone_from(&before.location_id),
            "venueId" => baseline.venue_id.clone_from(&before.venue_id),
            "timeZoneName" => baseline.time_zone.clone_from(&before.time_zone),
            "maxPlaces" => baseline.max_places = before.max_places,
            "customFieldValues" => baseline.custom_fields.clone_from(&before.custom_fields),
            name if name.starts_with("classroom") => baseline.classroom = before.classroom,
            name if name.starts_with("lms") => baseline.lms = before.lms,
            _ => {}
        }
    }
    baseline
}

#[cfg(test)]
mod tests {
    use administrate::{CustomFieldValue, EventMode, EventType};
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    fn event() -> NewEvent {
        let window =
            |month| Window { start: date(2026, month, 1).at(9, 0, 0, 0), end: date(2026, month, 2).at(17, 0, 0, 0) };
        NewEvent {
            mode: EventMode::Blended,
            course_template_id: "T1".into(),
            title: "CM2-01".into(),
            event_type: EventType::Public,
            location_id: "L1".into(),
            venue_id: Some("V1".into()),
            tax_type_id: "X".into(),
            time_zone: "Europe/London".into(),
            classroom: Some(window(6)),
            lms: Some(window(5)),
            max_places: None,
            custom_fields: vec![CustomFieldValue { key: "F1".into(), value: "2026A".into() }],
        }
    }

    #[test]
    fn unsupported_field_is_compared_with_remote_value() {
        let remote: Event = serde_json::from_value(json!({
            "id": "E1", "title": "CM2-01", "maxPlaces": 12, "lmsStart": "2026-05-01T08:00:00Z",
            "lmsEnd": "2026-05-03T16:00:00Z", "classroomStart": "2026-06-01T09:00:00", "location": { "id": "L2" },
            "customFieldValues": [{ "definitionKey": "F1", "value": "2026A" }],
        }))
        .expect("it reads");
        for (field, expected) in [
            ("title", FieldCheck::Matches),
            ("locationId", FieldCheck::Differs),
            ("venueId", FieldCheck::NotExposed),
            ("maxPlaces", FieldCheck::Differs),
            ("lmsStartDateTime", FieldCheck::Matches),
            ("lmsEndDateTime", FieldCheck::Differs),
            ("classroomStartDateTime", FieldCheck::Matches),
            ("classroomEndDateTime", FieldCheck::NotExposed),
            ("customFieldValues", FieldCheck::Matches),
        ] {
            assert_eq!(check_event_field(field, &event(), &remote), expected, "{field}");
        }
    }

    #[test]
    fn unsupported_field_stays_as_before_in_baseline() {
        let before = event();
        let desired = NewEvent { max_places: Some(9), lms: None, title: "New".into(), ..event() };
        let baseline = baseline_without(&before, &desired, &["maxPlaces", "lmsStartDateTime", "lmsEndDateTime"]);
        assert_eq!(baseline, NewEvent { title: "New".into(), ..before });
    }
}
