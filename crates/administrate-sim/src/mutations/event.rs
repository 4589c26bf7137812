//! Mutations of events: create, update, delete, prices.

use jiff::{Timestamp, civil, tz};
use serde::Deserialize;
use serde_json::Value;

use super::{Check, CustomFieldInput, MutationResult, Outcome, course, nullable, read};
use crate::schema::scalars;
use crate::tenant::{
    CustomFieldValues, Event, EventState, LearningMode, Number, Price, PriceOwner, Session, TemplateState, Tenant,
};
use crate::view::Entity;

#[derive(Deserialize)]
struct Create {
    input: CreateInput,
}

/// The three create inputs in one type. The schema checks which fields each allows and requires.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateInput {
    course_template_id: Option<String>,
    title: Option<String>,
    code: Option<String>,
    event_type: String,
    location_id: Option<String>,
    venue_id: Option<String>,
    tax_type: Option<String>,
    tax_type_id: Option<String>,
    time_zone_name: String,
    classroom_start_date_time: Option<String>,
    classroom_end_date_time: Option<String>,
    lms_start_date_time: Option<String>,
    lms_end_date_time: Option<String>,
    time_zoned_classroom_start: Option<String>,
    time_zoned_classroom_end: Option<String>,
    time_zoned_lms_start: Option<String>,
    time_zoned_lms_end: Option<String>,
    max_places: Option<i32>,
    min_places: Option<i32>,
    lifecycle_state: Option<EventState>,
    registration_deadline: Option<String>,
    internal_notes: Option<String>,
    external_notes: Option<String>,
    custom_field_values: Option<Vec<CustomFieldInput>>,
}

pub(super) fn create_blended(tenant: &mut Tenant, arguments: &Value, now: Timestamp) -> MutationResult {
    create(tenant, arguments, now, LearningMode::Blended)
}

pub(super) fn create_lms(tenant: &mut Tenant, arguments: &Value, now: Timestamp) -> MutationResult {
    create(tenant, arguments, now, LearningMode::Lms)
}

pub(super) fn create_classroom(tenant: &mut Tenant, arguments: &Value, now: Timestamp) -> MutationResult {
    create(tenant, arguments, now, LearningMode::Classroom)
}

fn create(tenant: &mut Tenant, arguments: &Value, now: Timestamp, mode: LearningMode) -> MutationResult {
    let Create { input } = read(arguments)?;
    let event = build_event(tenant, input, mode, now)?;
    let days = template_sessions(tenant, &event, now);
    let number = tenant.add_event(event);
    for day in days {
        tenant.add_session(Session { event: number, ..day });
    }
    Ok(Outcome::with_object("event", Entity::Event(number)))
}

/// Builds the event of an input, or returns all errors of the input.
fn build_event(
    tenant: &Tenant,
    input: CreateInput,
    mode: LearningMode,
    now: Timestamp,
) -> Result<Event, Vec<super::PayloadError>> {
    let mut check = Check::default();
    let zone = input.time_zone_name.as_str();
    check.time_zone(Some(zone));
    let template = input.course_template_id.as_deref().and_then(|id| schedulable_template(&mut check, tenant, id));
    let location = check.location(tenant, input.location_id.as_deref());
    let venue = check.venue(tenant, input.venue_id.as_deref(), location);
    let (tax_label, tax_type) = match input.tax_type {
        Some(id) => ("taxType", Some(id)),
        None => ("taxTypeId", input.tax_type_id),
    };
    let tax_type = tax_type
        .and_then(|id| check.resolve(tax_label, "TaxType", &id, |number| tenant.tax_types.get(number).is_some()));
    let own_values = check.custom_fields(tenant, "Event", input.custom_field_values.as_deref());
    let event = Event {
        title: event_title(tenant, input.title.as_deref(), template),
        code: input.code,
        template,
        learning_mode: mode,
        // New events are drafts, also if the input names another state.
        state: EventState::Draft,
        is_private: input.event_type == "private",
        time_zone: zone.to_owned(),
        location,
        venue,
        tax_type,
        classroom_start: wall_clock(&input.classroom_start_date_time, &input.time_zoned_classroom_start, zone),
        classroom_end: wall_clock(&input.classroom_end_date_time, &input.time_zoned_classroom_end, zone),
        lms_start: wall_clock(&input.lms_start_date_time, &input.time_zoned_lms_start, zone),
        lms_end: wall_clock(&input.lms_end_date_time, &input.time_zoned_lms_end, zone),
        max_places: input.max_places,
        min_places: input.min_places,
        registration_deadline: input.registration_deadline.as_deref().and_then(scalars::parse_instant),
        internal_notes: input.internal_notes,
        external_notes: input.external_notes,
        custom_fields: inherited_values(tenant, template, own_values),
        created_at: now,
        updated_at: now,
        ..Event::default()
    };
    if input.lifecycle_state == Some(EventState::Cancelled) {
        check.add_error("lifecycleState", "An event cannot be created as cancelled", None);
    }
    check_event(&mut check, &event);
    check.finish().map(|()| event)
}

fn check_event(check: &mut Check, event: &Event) {
    check.check_order("classroomEndDateTime", event.classroom_start.as_ref(), event.classroom_end.as_ref());
    check.check_order("lmsEndDateTime", event.lms_start.as_ref(), event.lms_end.as_ref());
    if event.title.trim().is_empty() {
        check.add_error("title", "Title is required", None);
    }
    for (label, places) in [("maxPlaces", event.max_places), ("minPlaces", event.min_places)] {
        if places.is_some_and(|places| places < 0) {
            check.add_error(label, "Places cannot be negative", None);
        }
    }
}

/// Resolves a template. Only published templates can be scheduled.
fn schedulable_template(check: &mut Check, tenant: &Tenant, id: &str) -> Option<Number> {
    let exists = |number| tenant.templates.get(number).is_some();
    let number = check.resolve("courseTemplateId", "CourseTemplate", id, exists)?;
    if tenant.templates.get(number).is_some_and(|template| template.state != TemplateState::Published) {
        check.add_error("courseTemplateId", "The Course Template is not published", Some(id));
    }
    Some(number)
}

fn event_title(tenant: &Tenant, own_title: Option<&str>, template: Option<Number>) -> String {
    let template_title =
        || template.and_then(|template| tenant.templates.get(template)).map(|template| template.title.clone());
    own_title.map(str::to_owned).or_else(template_title).unwrap_or_default()
}

/// Returns the custom-field values of a new event: the template's values of fields that events have too, then its own.
fn inherited_values(tenant: &Tenant, template: Option<Number>, own: CustomFieldValues) -> CustomFieldValues {
    let is_of_events =
        |number: Number| tenant.custom_fields.get(number).is_some_and(|row| row.entity_types.contains("Event"));
    let template = template.and_then(|template| tenant.templates.get(template));
    let from_template = template.into_iter().flat_map(|template| template.custom_fields.clone());
    let mut values: CustomFieldValues = from_template.filter(|(number, _)| is_of_events(*number)).collect();
    values.extend(own);
    values
}

/// Returns the wall-clock time of an input. The local form wins over the form with an offset, which is converted to the
/// event's zone.
fn wall_clock(local: &Option<String>, zoned: &Option<String>, zone: &str) -> Option<civil::DateTime> {
    let from_zoned = || {
        let zone = tz::TimeZone::get(zone).ok()?;
        Some(scalars::parse_instant(zoned.as_deref()?)?.to_zoned(zone).datetime())
    };
    local.as_deref().and_then(scalars::parse_local).or_else(from_zoned)
}

/// Returns the template's days as draft sessions on consecutive calendar days from the start of the event.
fn template_sessions(tenant: &Tenant, event: &Event, now: Timestamp) -> Vec<Session> {
    let template = event.template.and_then(|template| tenant.templates.get(template));
    let days = match event.learning_mode {
        LearningMode::Lms => &[],
        _ => template.map_or(&[][..], |template| template.sessions.as_slice()),
    };
    let date = |index: usize| {
        let first = event.classroom_start?.date();
        first.checked_add(jiff::Span::new().try_days(i64::try_from(index).ok()?).ok()?).ok()
    };
    let session = |(index, day): (usize, &crate::tenant::TemplateSession)| Session {
        title: day.title.clone(),
        time_zone: event.time_zone.clone(),
        start: date(index).map(|date| date.to_datetime(day.starts)),
        end: date(index).map(|date| date.to_datetime(day.ends)),
        location: event.location,
        venue: event.venue,
        created_at: now,
        updated_at: now,
        ..Session::default()
    };
    days.iter().enumerate().map(session).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    event_id: String,
    input: UpdateInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct UpdateInput {
    title: Option<String>,
    #[serde(deserialize_with = "nullable")]
    code: Option<Option<String>>,
    location_id: Option<String>,
    #[serde(deserialize_with = "nullable")]
    venue_id: Option<Option<String>>,
    time_zone_name: Option<String>,
    lifecycle_state: Option<EventState>,
    #[serde(deserialize_with = "nullable")]
    min_places: Option<Option<i32>>,
    #[serde(deserialize_with = "nullable")]
    max_places: Option<Option<i32>>,
    course_template_id: Option<String>,
    classroom_start_date_time: Option<String>,
    classroom_end_date_time: Option<String>,
    lms_start_date_time: Option<String>,
    lms_end_date_time: Option<String>,
    #[serde(deserialize_with = "nullable")]
    registration_deadline: Option<Option<String>>,
    is_sold_out: Option<bool>,
    #[serde(deserialize_with = "nullable")]
    internal_notes: Option<Option<String>>,
    #[serde(deserialize_with = "nullable")]
    external_notes: Option<Option<String>>,
    #[serde(deserialize_with = "nullable")]
    remote_meeting_url: Option<Option<String>>,
    custom_field_values: Option<Vec<CustomFieldInput>>,
}

pub(super) fn update(tenant: &mut Tenant, arguments: &Value, now: Timestamp) -> MutationResult {
    let Update { event_id, input } = read(arguments)?;
    let mut check = Check::default();
    let number = check.resolve("eventId", "Course", &event_id, |number| tenant.events.contains_key(&number));
    let Some((number, old)) = number.and_then(|number| Some((number, tenant.events.get(&number)?))) else {
        return Err(check.errors);
    };
    let mut event = old.clone();
    change_links(&mut check, tenant, &mut event, &input);
    change_state(&mut check, tenant, &mut event, input.lifecycle_state, now);
    change_fields(&mut event, input);
    check_event(&mut check, &event);
    check.finish()?;
    event.updated_at = now;
    tenant.events.insert(number, event);
    Ok(Outcome::with_object("event", Entity::Event(number)))
}

fn change_links(check: &mut Check, tenant: &Tenant, event: &mut Event, input: &UpdateInput) {
    if input.location_id.is_some() {
        event.location = check.location(tenant, input.location_id.as_deref());
    }
    if let Some(venue) = &input.venue_id {
        event.venue = check.venue(tenant, venue.as_deref(), event.location);
    }
    if let Some(template) = &input.course_template_id {
        event.template = schedulable_template(check, tenant, template);
    }
    if let Some(zone) = &input.time_zone_name {
        check.time_zone(Some(zone));
        event.time_zone.clone_from(zone);
    }
    // Custom fields that the input does not name stay unchanged.
    event.custom_fields.extend(check.custom_fields(tenant, "Event", input.custom_field_values.as_deref()));
}

fn change_state(check: &mut Check, tenant: &Tenant, event: &mut Event, to: Option<EventState>, now: Timestamp) {
    let Some(to) = to else { return };
    course::check_state_change(check, tenant, "event", event.state, to);
    if to == EventState::Cancelled && event.state != to {
        event.cancelled_at = Some(now);
    }
    event.state = to;
}

fn change_fields(event: &mut Event, input: UpdateInput) {
    fn set<T>(field: &mut T, new_value: Option<T>) {
        if let Some(value) = new_value {
            *field = value;
        }
    }
    let instant = |text: Option<String>| text.as_deref().and_then(scalars::parse_instant);
    let changed_time =
        |old: Option<civil::DateTime>, text: Option<String>| text.as_deref().and_then(scalars::parse_local).or(old);
    set(&mut event.title, input.title);
    set(&mut event.code, input.code);
    set(&mut event.min_places, input.min_places);
    set(&mut event.max_places, input.max_places);
    set(&mut event.is_sold_out, input.is_sold_out);
    set(&mut event.registration_deadline, input.registration_deadline.map(instant));
    set(&mut event.internal_notes, input.internal_notes);
    set(&mut event.external_notes, input.external_notes);
    set(&mut event.remote_meeting_url, input.remote_meeting_url);
    event.classroom_start = changed_time(event.classroom_start, input.classroom_start_date_time);
    event.classroom_end = changed_time(event.classroom_end, input.classroom_end_date_time);
    event.lms_start = changed_time(event.lms_start, input.lms_start_date_time);
    event.lms_end = changed_time(event.lms_end, input.lms_end_date_time);
}

#[derive(Deserialize)]
struct Delete {
    input: DeleteInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteInput {
    event_ids: Vec<Option<String>>,
}

/// Deletes draft events with their sessions, staff and prices: all of them or none.
pub(super) fn delete(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let Delete { input } = read(arguments)?;
    let mut check = Check::default();
    let mut to_delete = Vec::new();
    for id in input.event_ids.iter().flatten() {
        let number = check.resolve("eventIds", "Course", id, |number| tenant.events.contains_key(&number));
        let Some(number) = number else { continue };
        if tenant.events.get(&number).is_some_and(|event| event.state != EventState::Draft) {
            check.add_error("eventIds", "Only draft events can be deleted", Some(id));
        }
        to_delete.push(number);
    }
    check.finish()?;
    for number in to_delete {
        let sessions: Vec<Number> = tenant.sessions_of(number).map(|(session, _)| session).collect();
        for session in sessions {
            super::session::remove(tenant, session);
        }
        tenant.staff.retain(|staff| staff.course != number);
        tenant.prices.retain(|price| price.owner != PriceOwner::Event(number));
        tenant.events.remove(&number);
    }
    Ok(Outcome::without_object())
}

#[derive(Deserialize)]
struct AddPrices {
    input: AddPricesInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddPricesInput {
    event_id: String,
    price_level_id: String,
    financial_unit_id: String,
    amount: Value,
    region_id: Option<String>,
}

pub(super) fn add_prices(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let AddPrices { input } = read(arguments)?;
    let mut check = Check::default();
    let event = check.resolve("eventId", "Course", &input.event_id, |number| tenant.events.contains_key(&number));
    let price = super::template::build_price(
        &mut check,
        tenant,
        event.map(PriceOwner::Event),
        &super::template::PriceIds {
            level: &input.price_level_id,
            currency: &input.financial_unit_id,
            region: input.region_id.as_deref(),
        },
        &input.amount,
    );
    check.finish()?;
    let added: Vec<Entity> = price.map(|price: Price| Entity::Price(tenant.prices.add(price))).into_iter().collect();
    Ok(Outcome::with_objects("prices", added))
}
