//! Events and sessions.

use jiff::civil;
use serde_json::json;

use super::catalogue::prices_of;
use super::{custom_values, enum_value, id_attribute, id_field, linked_attribute};
use crate::ids;
use crate::reads::filter::Attribute;
use crate::schema::scalars;
use crate::tenant::{Event, EventState, Number, PriceOwner, Session, Tenant};
use crate::view::{Entity, Output};

pub(super) fn event(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let Some(row) = tenant.events.get(&number) else {
        return id_field("Course", number, field).or(Some(Output::NULL));
    };
    event_times(row, field).or_else(|| event_details(tenant, row, field)).or_else(|| id_field("Course", number, field))
}

fn event_times(row: &Event, field: &str) -> Option<Output> {
    let zoned = |at: Option<civil::DateTime>| Output::leaf(at.and_then(|at| scalars::to_utc(at, &row.time_zone)));
    Some(match field {
        "start" => local(row.start()),
        "end" => local(row.end()),
        "timeZonedStart" => zoned(row.start()),
        "timeZonedEnd" => zoned(row.end()),
        "classroomStart" => local(row.classroom_start),
        "classroomEnd" => local(row.classroom_end),
        "lmsStart" => zoned(row.lms_start),
        "lmsEnd" => zoned(row.lms_end),
        "timeZoneName" => Output::leaf(row.time_zone.clone()),
        "registrationDeadline" => Output::leaf(row.registration_deadline.map(|at| at.to_string())),
        "cancelledAt" => Output::leaf(row.cancelled_at.map(|at| at.to_string())),
        "createdAt" => Output::leaf(row.created_at.to_string()),
        "updatedAt" => Output::leaf(row.updated_at.to_string()),
        _ => return None,
    })
}

fn event_details(tenant: &Tenant, row: &Event, field: &str) -> Option<Output> {
    Some(match field {
        "code" => Output::leaf(row.code.clone()),
        "title" => Output::leaf(row.title.clone()),
        "lifecycleState" => Output::Leaf(enum_value(row.state)),
        "status" => Output::leaf(status(row.state)),
        "eventType" => Output::leaf(if row.is_private { "private" } else { "public" }),
        "learningMode" => Output::Leaf(enum_value(row.learning_mode)),
        "isSoldOut" => Output::leaf(is_sold_out(row)),
        "isActive" => Output::leaf(row.state != EventState::Cancelled),
        "maxPlaces" => Output::leaf(row.max_places),
        "minPlaces" => Output::leaf(row.min_places),
        "bookedPlaces" => Output::leaf(row.booked_places),
        "remainingPlaces" => Output::leaf(row.remaining_places()),
        "internalNotes" => Output::leaf(row.internal_notes.clone()),
        "externalNotes" => Output::leaf(row.external_notes.clone()),
        "remoteMeeting" => match &row.remote_meeting_url {
            Some(url) => Output::record("RemoteMeeting", vec![("url", Output::Leaf(json!(url)))]),
            None => Output::NULL,
        },
        "courseTemplate" => Output::link(row.template, Entity::Template),
        "location" => Output::link(row.location, Entity::Location),
        "venue" => Output::link(row.venue, Entity::Venue),
        "taxType" => Output::link(row.tax_type, Entity::TaxType),
        "customFieldValues" => custom_values(tenant, &row.custom_fields),
        _ => return None,
    })
}

fn local(at: Option<civil::DateTime>) -> Output {
    Output::leaf(at.map(|at| at.to_string()))
}

/// Returns the legacy name of an event's state.
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
            let learners = tenant.learners.iter().filter(|(_, learner)| learner.event == number);
            learners.map(|(learner, _)| Entity::Learner(learner)).collect()
        }
        "prices" => prices_of(tenant, PriceOwner::Event(number)),
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
            text_attribute(event(tenant, number, field)?)
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
        "isSoldOut" => Some(Attribute::Bool(is_sold_out(row))),
        "isActive" => Some(Attribute::Bool(row.state != EventState::Cancelled)),
        "hasPlacesRemaining" => Some(Attribute::Bool(row.remaining_places().is_none_or(|places| places > 0))),
        "remainingPlaces" => number_of(row.remaining_places()),
        "bookedPlaces" => number_of(Some(row.booked_places)),
        "maxPlaces" => number_of(row.max_places),
        "minPlaces" => number_of(row.min_places),
        "staffContactId" => {
            let contact = |(_, staff): (Number, &crate::tenant::Staff)| ids::encode("Person", staff.contact);
            Some(Attribute::List(tenant.staff_of(number).map(contact).collect()))
        }
        _ => id_attribute("Course", number, field),
    }
}

/// Compares times and states by their output text: ISO 8601 times in one format sort as text.
fn text_attribute(part: Output) -> Option<Attribute> {
    match part {
        Output::Leaf(value) => Some(Attribute::Text(value.as_str().map(str::to_owned))),
        _ => None,
    }
}

pub(super) fn session(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let Some(row) = tenant.sessions.get(&number) else {
        return id_field("Course", number, field).or(Some(Output::NULL));
    };
    let zoned = |at: Option<civil::DateTime>| Output::leaf(at.and_then(|at| scalars::to_utc(at, &row.time_zone)));
    Some(match field {
        "title" => Output::leaf(row.title.clone()),
        "code" => Output::leaf(row.code.clone()),
        "start" => local(row.start),
        "end" => local(row.end),
        "timeZoneName" => Output::leaf(row.time_zone.clone()),
        "timeZonedStart" => zoned(row.start),
        "timeZonedEnd" => zoned(row.end),
        "lifecycleState" => Output::Leaf(enum_value(row.state)),
        "event" => Output::One(Entity::Event(row.event)),
        "parentEvent" => parent_event(row),
        "location" => Output::link(row.location, Entity::Location),
        "venue" => Output::link(row.venue, Entity::Venue),
        "customFieldValues" => custom_values(tenant, &row.custom_fields),
        "createdAt" => Output::leaf(row.created_at.to_string()),
        "updatedAt" => Output::leaf(row.updated_at.to_string()),
        _ => return id_field("Course", number, field),
    })
}

fn parent_event(row: &Session) -> Output {
    let id = Output::leaf(ids::encode("Course", row.event));
    Output::record("ParentEvent", vec![("id", id), ("legacyId", Output::leaf(row.event.to_string()))])
}

pub(super) fn session_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    match field {
        "title" | "code" | "start" | "end" | "lifecycleState" => text_attribute(session(tenant, number, field)?),
        _ => id_attribute("Course", number, field),
    }
}
