//! What Administrate does not take from outside: compared at the end with what stands there, because it may be right all
//! the same, by what the sessions carry or because somebody has put it right by hand. What is not makes the delivery fail
//! with a sentence that names it, now and whenever it is tried again.

use administrate::{Event, Id, Moment, NewEvent, Window};
use jiff::tz::TimeZone;

use super::EventDelivery;
use crate::bridges::events::{BaselineKind, EventLink};
use crate::console::counted;
use crate::delivery::{DeliveryError, Notice};
use crate::merge::desired::{DesiredEvent, DesiredSession};

/// A value that Administrate did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnsupportedField {
    /// A field of the event, as its API calls it.
    OfEvent(&'static str),
    /// A field of one of its sessions.
    OfSession(Id, &'static str),
    /// People who no longer teach a session.
    Teaching(Id, Vec<Id>),
}

/// Whether what stands there is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldCheck {
    Right,
    Wrong,
    /// Administrate does not show it.
    Hidden,
}

impl EventDelivery<'_> {
    /// Looks once at the event there, where something was left.
    pub(crate) async fn check_unsupported(
        &mut self,
        link: &EventLink,
        wanted: &DesiredEvent,
    ) -> Result<(), DeliveryError> {
        if self.left.is_empty() {
            return Ok(());
        }
        self.check_cancelled()?;
        let there = self.worker.client.event(&link.external_id).await?;
        let there =
            there.ok_or_else(|| DeliveryError::later("the event vanished in Administrate while it was written"))?;
        let left = std::mem::take(&mut self.left);
        let sessions = LinkedSession { link, ids: &self.known.session_ids, wanted };
        let judged: Vec<(UnsupportedField, FieldCheck)> =
            left.into_iter().map(|left| (left.clone(), sessions.judge(&left, &there))).collect();
        self.settle(&judged, &sessions).await?;
        let mut open: Vec<String> = Vec::new();
        let mut hidden = Vec::new();
        for (left, standing) in &judged {
            match left {
                _ if is_open(left, *standing) => open.push(sessions.described(left)),
                UnsupportedField::OfEvent(field) if *standing == FieldCheck::Hidden => hidden.push(*field),
                _ => {}
            }
        }
        if !hidden.is_empty() {
            self.remarks.push(Notice::LeftOut(hidden));
        }
        open.dedup();
        if open.is_empty() {
            return Ok(());
        }
        Err(DeliveryError::Invalid(format!(
            "Administrate does not take this from outside: {}; put it right there by hand, then run `lectern import \
             retry`. All the rest has been delivered",
            open.join(", ")
        )))
    }

    /// Notes that both sides agree on what turned out to be right.
    async fn settle(
        &self,
        judged: &[(UnsupportedField, FieldCheck)],
        sessions: &LinkedSession<'_>,
    ) -> Result<(), DeliveryError> {
        let open_of = |session: Option<&Id>| {
            judged.iter().any(|(left, standing)| left.session() == session && is_open(left, *standing))
        };
        if judged.iter().any(|(left, _)| left.session().is_none()) && !open_of(None) {
            self.set_baseline(BaselineKind::Event, &sessions.link.external_id, &sessions.wanted.event).await?;
        }
        let mut named: Vec<&Id> = judged.iter().filter_map(|(left, _)| left.session()).collect();
        named.dedup();
        for id in named {
            if let Some(wanted) = sessions.wanted(id).filter(|_| !open_of(Some(id))) {
                self.set_baseline(BaselineKind::Session, id, wanted).await?;
            }
        }
        Ok(())
    }
}

/// Whether a person has to put it right. An event's venue that is not shown is carried by its sessions.
fn is_open(left: &UnsupportedField, standing: FieldCheck) -> bool {
    match standing {
        FieldCheck::Right => false,
        FieldCheck::Wrong => true,
        FieldCheck::Hidden => *left != UnsupportedField::OfEvent("venueId"),
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

/// An event as wanted, with Administrate's ids of its sessions.
struct LinkedSession<'a> {
    link: &'a EventLink,
    ids: &'a [i64],
    wanted: &'a DesiredEvent,
}

impl LinkedSession<'_> {
    fn wanted(&self, id: &Id) -> Option<&DesiredSession> {
        let ours = self.link.sessions.iter().find(|session| session.external_id == *id)?.tutorial_session_id?;
        self.wanted.sessions.get(self.ids.iter().position(|known| *known == ours)?)
    }

    fn judge(&self, left: &UnsupportedField, there: &Event) -> FieldCheck {
        let session = |id: &Id| there.sessions.iter().find(|session| session.id == *id);
        match left {
            UnsupportedField::OfEvent(field) => of_event(field, &self.wanted.event, there),
            UnsupportedField::OfSession(id, "venueId") => match (session(id), self.wanted(id)) {
                (Some(theirs), Some(wanted)) if theirs.venue_id == wanted.venue => FieldCheck::Right,
                _ => FieldCheck::Wrong,
            },
            UnsupportedField::OfSession(..) => FieldCheck::Hidden,
            UnsupportedField::Teaching(id, gone) => {
                let staff = session(id).into_iter().flat_map(|session| &session.staff);
                let mut contacts = staff.filter_map(|member| member.contact_id.as_ref());
                if contacts.any(|contact| gone.contains(contact)) { FieldCheck::Wrong } else { FieldCheck::Right }
            }
        }
    }

    fn described(&self, left: &UnsupportedField) -> String {
        let title = |id| self.wanted(id).map_or("a session", |session| session.title.as_str());
        match left {
            UnsupportedField::OfEvent(field) => format!("the event's {}", field_label(field)),
            UnsupportedField::OfSession(id, field) => format!("the {} of \"{}\"", field_label(field), title(id)),
            UnsupportedField::Teaching(id, gone) => format!(
                "{} named for \"{}\" who no longer teach{} it",
                counted(gone.len(), "instructor"),
                title(id),
                if gone.len() == 1 { "es" } else { "" }
            ),
        }
    }
}

/// A field as a person calls it.
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

fn of_event(field: &str, wanted: &NewEvent, there: &Event) -> FieldCheck {
    let zone = TimeZone::get(&wanted.time_zone).unwrap_or(TimeZone::UTC);
    let same = |right: bool| if right { FieldCheck::Right } else { FieldCheck::Wrong };
    let time = |theirs: Option<Moment>, ours: Option<Window>, of: fn(Window) -> jiff::civil::DateTime| match theirs {
        Some(theirs) => same(ours.map(of) == Some(theirs.local(&zone))),
        None => FieldCheck::Hidden,
    };
    match field {
        "title" => same(there.title == wanted.title),
        "locationId" => same(there.location_id.as_ref() == Some(&wanted.location_id)),
        "timeZoneName" => same(there.time_zone.as_ref() == Some(&wanted.time_zone)),
        "venueId" if there.venue_id.is_none() && wanted.venue_id.is_some() => FieldCheck::Hidden,
        "venueId" => same(there.venue_id == wanted.venue_id),
        "maxPlaces" => same(there.max_places == wanted.max_places.map(i64::from)),
        "classroomStartDateTime" => time(there.classroom_start, wanted.classroom, |window| window.start),
        "classroomEndDateTime" => time(there.classroom_end, wanted.classroom, |window| window.end),
        "lmsStartDateTime" => time(there.lms_start, wanted.lms, |window| window.start),
        "lmsEndDateTime" => time(there.lms_end, wanted.lms, |window| window.end),
        "customFieldValues" => {
            let stands = |key, value: &str| there.custom_fields.get(key).map_or("", String::as_str) == value;
            same(wanted.custom_fields.iter().all(|field| stands(&field.key, &field.value)))
        }
        _ => FieldCheck::Hidden,
    }
}

/// The event as Administrate has it for certain after a write that left fields out: those stay as they were.
pub(crate) fn baseline_without(before: &NewEvent, wanted: &NewEvent, left: &[&'static str]) -> NewEvent {
    let mut kept = wanted.clone();
    for field in left {
        match *field {
            "title" => kept.title.clone_from(&before.title),
            "locationId" => kept.location_id.clone_from(&before.location_id),
            "venueId" => kept.venue_id.clone_from(&before.venue_id),
            "timeZoneName" => kept.time_zone.clone_from(&before.time_zone),
            "maxPlaces" => kept.max_places = before.max_places,
            "customFieldValues" => kept.custom_fields.clone_from(&before.custom_fields),
            name if name.starts_with("classroom") => kept.classroom = before.classroom,
            name if name.starts_with("lms") => kept.lms = before.lms,
            _ => {}
        }
    }
    kept
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
    fn what_was_left_is_judged_by_what_stands_there() {
        let there: Event = serde_json::from_value(json!({
            "id": "E1", "title": "CM2-01", "maxPlaces": 12, "lmsStart": "2026-05-01T08:00:00Z",
            "lmsEnd": "2026-05-03T16:00:00Z", "classroomStart": "2026-06-01T09:00:00", "location": { "id": "L2" },
            "customFieldValues": [{ "definitionKey": "F1", "value": "2026A" }],
        }))
        .expect("it reads");
        for (field, expected) in [
            ("title", FieldCheck::Right),
            ("locationId", FieldCheck::Wrong),
            ("venueId", FieldCheck::Hidden),
            ("maxPlaces", FieldCheck::Wrong),
            ("lmsStartDateTime", FieldCheck::Right),
            ("lmsEndDateTime", FieldCheck::Wrong),
            ("classroomStartDateTime", FieldCheck::Right),
            ("classroomEndDateTime", FieldCheck::Hidden),
            ("customFieldValues", FieldCheck::Right),
        ] {
            assert_eq!(of_event(field, &event(), &there), expected, "{field}");
        }
    }

    #[test]
    fn what_was_left_stays_as_it_was() {
        let before = event();
        let wanted = NewEvent { max_places: Some(9), lms: None, title: "New".into(), ..event() };
        let kept = baseline_without(&before, &wanted, &["maxPlaces", "lmsStartDateTime", "lmsEndDateTime"]);
        assert_eq!(kept, NewEvent { title: "New".into(), ..before });
    }
}
