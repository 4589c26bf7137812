//! Mutations of sessions.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Check, CustomFieldInput, MutationResult, Outcome, PayloadError, course, nullable, read};
use crate::schema::scalars;
use crate::tenant::{Number, Session, SessionState, Tenant};
use crate::view::Entity;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    session_id: String,
    input: UpdateInput,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UpdateInput {
    title: Option<String>,
    #[serde(deserialize_with = "nullable")]
    code: Option<Option<String>>,
    start: Option<String>,
    end: Option<String>,
    time_zone_name: Option<String>,
    location_id: Option<String>,
    #[serde(deserialize_with = "nullable")]
    venue_id: Option<Option<String>>,
    lifecycle_state: Option<SessionState>,
    custom_field_values: Option<Vec<CustomFieldInput>>,
}

pub(super) fn update(tenant: &mut Tenant, arguments: &Value, now: Timestamp) -> MutationResult {
    let Update { session_id, input } = read(arguments)?;
    let mut check = Check::default();
    let Some((number, mut session)) = find(&mut check, tenant, &session_id) else {
        return Err(check.errors);
    };
    apply_input(&mut check, tenant, &mut session, input);
    check.check_order("end", session.start.as_ref(), session.end.as_ref());
    check.finish()?;
    session.updated_at = now;
    tenant.sessions.insert(number, session);
    Ok(Outcome::with_object("session", Entity::Session(number)))
}

fn find(check: &mut Check, tenant: &Tenant, id: &str) -> Option<(Number, Session)> {
    let number = crate::ids::decode("Course", id);
    let session = number.and_then(|number| Some((number, tenant.sessions.get(&number)?.clone())));
    if session.is_none() {
        check.add_error("sessionId", format!("Session with id {id} does not exist"), Some(id));
    }
    session
}

fn apply_input(check: &mut Check, tenant: &Tenant, session: &mut Session, input: UpdateInput) {
    let changed_time = |text: Option<String>, old| text.as_deref().and_then(scalars::parse_local).or(old);
    session.start = changed_time(input.start, session.start);
    session.end = changed_time(input.end, session.end);
    if let Some(title) = input.title {
        session.title = title;
    }
    if let Some(code) = input.code {
        session.code = code;
    }
    if let Some(zone) = input.time_zone_name {
        check.time_zone(Some(&zone));
        session.time_zone = zone;
    }
    if input.location_id.is_some() {
        session.location = check.location(tenant, input.location_id.as_deref());
    }
    if let Some(venue) = input.venue_id {
        session.venue = check.venue(tenant, venue.as_deref(), session.location);
    }
    if let Some(state) = input.lifecycle_state {
        course::check_state_change(check, tenant, "session", session.state, state);
        session.state = state;
    }
    session.custom_fields.extend(check.custom_fields(tenant, "Session", input.custom_field_values.as_deref()));
}

#[derive(Deserialize)]
struct AddStaff {
    input: AddStaffInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddStaffInput {
    session_id: String,
    contact_ids: Vec<String>,
    staff_type: Option<String>,
    staff_role_id: Option<String>,
    notes: Option<String>,
}

/// Adds staff. Unknown ids refuse the whole mutation. Contacts who are staff already are reported, the others added.
/// Contacts who are not approved for the template are accepted; Administrate's own rule is unknown.
pub(super) fn add_staff(tenant: &mut Tenant, arguments: &Value, now: Timestamp) -> MutationResult {
    let AddStaff { input } = read(arguments)?;
    let mut check = Check::default();
    let session = find(&mut check, tenant, &input.session_id);
    let contacts: Vec<Number> =
        input.contact_ids.iter().filter_map(|id| check.contact(tenant, "contactIds", id)).collect();
    check.finish()?;
    let Some((session, _)) = session else {
        return Ok(Outcome::default());
    };
    let is_administrator = course::is_administrator(input.staff_type.as_deref(), input.staff_role_id.as_deref());
    let requested = contacts.len();
    let added = contacts
        .into_iter()
        .map(|contact| course::add_staff(tenant, session, contact, is_administrator, input.notes.clone()));
    let errors: Vec<PayloadError> = added.filter_map(Result::err).collect();
    let changed = errors.len() < requested;
    if let Some(session) = tenant.sessions.get_mut(&session).filter(|_| changed) {
        session.updated_at = now;
    }
    Ok(Outcome::with_object("session", Entity::Session(session)).with_errors(errors, changed))
}

#[derive(Deserialize)]
struct Delete {
    input: DeleteInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteInput {
    session_ids: Vec<Option<String>>,
}

/// Deletes draft sessions: all of them or none.
pub(super) fn delete(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let Delete { input } = read(arguments)?;
    let mut check = Check::default();
    let mut to_delete = Vec::new();
    for id in input.session_ids.iter().flatten() {
        let Some((number, session)) = find(&mut check, tenant, id) else {
            continue;
        };
        if session.state != SessionState::Draft {
            check.add_error("sessionIds", "Only draft sessions can be deleted", Some(id));
        }
        to_delete.push(number);
    }
    check.finish()?;
    for number in to_delete {
        remove(tenant, number);
    }
    Ok(Outcome::without_object())
}

/// Removes a session and its staff.
pub(super) fn remove(tenant: &mut Tenant, number: Number) {
    tenant.staff.retain(|staff| staff.course != number);
    tenant.sessions.remove(&number);
}
