//! Events and sessions.

use jiff::civil;
use serde_json::json;

use super::catalogue::prices_of;
use super::{custom_values, identity, identity_attribute, linked_attribute, word};
use crate::ids;
use crate::reads::filter::Attribute;
use crate::schema::scalars;
use crate::tenant::{Event, EventState, Number, Priced, Session, Tenant};
use crate::view::{Entity, Part};

pub(super) fn event(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let Some(row) = tenant.events.get(&number) else {
        return identity("Course", number, field).or(Some(Part::NULL));
    };
    times_of_event(row, field)
        .or_else(|| facts_of_event(tenant, row, field))
        .or_else(|| identity("Course", number, field))
}

fn times_of_event(row: &Event, field: &str) -> Option<Part> {
    let zoned = |at: Option<civil::DateTime>| Part::leaf(at.and_then(|at| scalars::utc(at, &row.time_zone)));
    Some(match field {
        "start" => local(row.start()),
        "end" => local(row.end()),
        "timeZonedStart" => zoned(row.start()),
        "timeZonedEnd" => zoned(row.end()),
        "classroomStart" => local(row.classroom_start),
        "classroomEnd" => local(row.classroom_end),
        "lmsStart" => zoned(row.lms_start),
        "lmsEnd" => zoned(row.lms_end),
        "timeZoneName" => Part::leaf(row.time_zone.clone()),
        "registrationDeadline" => Part::leaf(row.registration_deadline.map(|at| at.to_string())),
        "cancelledAt" => Part::leaf(row.cancelled_at.map(|at| at.to_string())),
        "createdAt" => Part::leaf(row.created_at.to_string()),
        "updatedAt" => Part::leaf(row.updated_at.to_string()),
        _ => return None,
    })
}

fn facts_of_event(tenant: &Tenant, row: &Event, field: &str) -> Option<Part> {
    Some(match field {
        "code" => Part::leaf(row.code.clone()),
        "title" => Part::leaf(row.title.clone()),
        "lifecycleState" => Part::Leaf(word(row.state)),
        "status" => Part::leaf(status(row.state)),
        "eventType" => Part::leaf(if row.is_private { "private" } else { "public" }),
        "learningMode" => Part::Leaf(word(row.learning_mode)),
        "isSoldOut" => Part::leaf(is_sold_out(row)),
        "isActive" => Part::leaf(row.state != EventState::Cancelled),
        "maxPlaces" => Part::leaf(row.max_places),
        "minPlaces" => Part::leaf(row.min_places),
        "bookedPlaces" => Part::leaf(row.booked_places),
        "remainingPlaces" => Part::leaf(row.remaining_places()),
        "internalNotes" => Part::leaf(row.internal_notes.clone()),
        "externalNotes" => Part::leaf(row.external_notes.clone()),
        "remoteMeeting" => match &row.remote_meeting_url {
            Some(url) => Part::record("RemoteMeeting", vec![("url", Part::Leaf(json!(url)))]),
            None => Part::NULL,
        },
        "courseTemplate" => Part::link(row.template, Entity::Template),
        "location" => Part::link(row.location, Entity::Location),
        "venue" => Part::link(row.venue, Entity::Venue),
        "taxType" => Part::link(row.tax_type, Entity::TaxType),
        "customFieldValues" => custom_values(tenant, &row.custom_fields),
        _ => return None,
    })
}

fn local(at: Option<civil::DateTime>) -> Part {
    Part::leaf(at.map(|at| at.to_string()))
}

/// The legacy word for an event's state.
fn status(state: EventState) -> &'static str {
    match state {
        EventState::Draft => "Draft",
        EventState::Published => "Active",
        EventState::Cancelled => "Cancelled",
    }
}

fn is_sold_out(row: &Event) -> bool {
    row.is_sold_out || row.remaining_places().is_some_and(|places| places <= 0 && row.booked_places > 0)
}

pub(super) fn event_list(tenant: &Tenant, number: Number, field: &str) -> Option<Vec<Entity>> {
    Some(match field {
        "sessions" => tenant.sessions_of(number).map(|(session, _)| Entity::Session(session)).collect(),
        "staff" => tenant.staff_of(number).map(|(staff, _)| Entity::EventStaff(staff)).collect(),
        "learners" => {
            let own = tenant.learners.iter().filter(|(_, learner)| learner.event == number);
            own.map(|(learner, _)| Entity::Learner(learner)).collect()
        }
        "prices" => prices_of(tenant, Priced::Event(number)),
        _ => return None,
    })
}

pub(super) fn session_list(tenant: &Tenant, number: Number, field: &str) -> Option<Vec<Entity>> {
    let staff = || tenant.staff_of(number).map(|(staff, _)| Entity::SessionStaff(staff)).collect();
    if field == "staff" { Some(staff()) } else { None }
}

pub(super) fn event_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.events.get(&number)?;
    let template = row.template.and_then(|template| tenant.templates.get(template));
    let number_of = |places: Option<i32>| Some(Attribute::Number(places.map(i64::from)));
    let text = |text: Option<String>| Some(Attribute::Text(text));
    match field {
        "title" => text(Some(row.title.clone())),
        "code" => text(row.code.clone()),
        "lifecycleState" | "learningMode" | "status" | "start" | "end" | "timeZonedStart" | "timeZonedEnd"
        | "classroomStart" | "classroomEnd" | "lmsStart" | "lmsEnd" | "createdAt" | "updatedAt" | "cancelledAt" => {
            shown(event(tenant, number, field)?)
        }
        "courseTemplateTitle" => text(template.map(|template| template.title.clone())),
        "courseTemplateCode" => text(template.map(|template| template.code.clone())),
        "eventOrCourseCodeOrTitle" | "textSearch" => {
            let template = template.map_or(String::new(), |template| format!("{} {}", template.code, template.title));
            text(Some(format!("{} {} {template}", row.title, row.code.as_deref().unwrap_or(""))))
        }
        "locationName" => {
            let location = row.location.and_then(|location| tenant.locations.get(location));
            text(location.map(|location| location.name.clone()))
        }
        "locationId" => linked_attribute("Location", row.location),
        "isSoldOut" => Some(Attribute::Truth(is_sold_out(row))),
        "isActive" => Some(Attribute::Truth(row.state != EventState::Cancelled)),
        "hasPlacesRemaining" => Some(Attribute::Truth(row.remaining_places().is_none_or(|places| places > 0))),
        "remainingPlaces" => number_of(row.remaining_places()),
        "bookedPlaces" => number_of(Some(row.booked_places)),
        "maxPlaces" => number_of(row.max_places),
        "minPlaces" => number_of(row.min_places),
        "staffContactId" => {
            let contact = |(_, staff): (Number, &crate::tenant::Staff)| ids::encode("Person", staff.contact);
            Some(Attribute::Several(tenant.staff_of(number).map(contact).collect()))
        }
        _ => identity_attribute("Course", number, field),
    }
}

/// Times and states compare as they are shown: ISO 8601 in one form sorts as text.
fn shown(part: Part) -> Option<Attribute> {
    match part {
        Part::Leaf(value) => Some(Attribute::Text(value.as_str().map(str::to_owned))),
        _ => None,
    }
}

pub(super) fn session(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let Some(row) = tenant.sessions.get(&number) else {
        return identity("Course", number, field).or(Some(Part::NULL));
    };
    let zoned = |at: Option<civil::DateTime>| Part::leaf(at.and_then(|at| scalars::utc(at, &row.time_zone)));
    Some(match field {
        "title" => Part::leaf(row.title.clone()),
        "code" => Part::leaf(row.code.clone()),
        "start" => local(row.start),
        "end" => local(row.end),
        "timeZoneName" => Part::leaf(row.time_zone.clone()),
        "timeZonedStart" => zoned(row.start),
        "timeZonedEnd" => zoned(row.end),
        "lifecycleState" => Part::Leaf(word(row.state)),
        "event" => Part::One(Entity::Event(row.event)),
        "parentEvent" => parent(row),
        "location" => Part::link(row.location, Entity::Location),
        "venue" => Part::link(row.venue, Entity::Venue),
        "customFieldValues" => custom_values(tenant, &row.custom_fields),
        "createdAt" => Part::leaf(row.created_at.to_string()),
        "updatedAt" => Part::leaf(row.updated_at.to_string()),
        _ => return identity("Course", number, field),
    })
}

fn parent(row: &Session) -> Part {
    let id = Part::leaf(ids::encode("Course", row.event));
    Part::record("ParentEvent", vec![("id", id), ("legacyId", Part::leaf(row.event.to_string()))])
}

pub(super) fn session_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    match field {
        "title" | "code" | "start" | "end" | "lifecycleState" => shown(session(tenant, number, field)?),
        _ => identity_attribute("Course", number, field),
    }
}
