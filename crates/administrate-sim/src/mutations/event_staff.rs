//! Mutations of event staff, and the removal of session staff.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Check, MutationResult, Outcome, PayloadError, course, read};
use crate::ids;
use crate::tenant::{Number, Tenant};
use crate::view::Entity;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StaffInput {
    event_id: String,
    contact_id: String,
    staff_type: Option<String>,
    staff_role_id: Option<String>,
    notes: Option<String>,
}

#[derive(Deserialize)]
struct Add {
    input: StaffInput,
}

pub(super) fn add(tenant: &mut Tenant, arguments: &Value, now: Timestamp) -> MutationResult {
    let Add { input } = read(arguments)?;
    let event = add_one(tenant, input, now)?;
    Ok(Outcome::with_object("event", Entity::Event(event)))
}

#[derive(Deserialize)]
struct AddBulk {
    input: Vec<StaffInput>,
}

/// Adds each entry on its own and reports the entries that cannot be added. `events` has the changed events.
pub(super) fn add_bulk(tenant: &mut Tenant, arguments: &Value, now: Timestamp) -> MutationResult {
    let AddBulk { input } = read(arguments)?;
    let (mut events, mut errors): (Vec<Number>, Vec<PayloadError>) = Default::default();
    for entry in input {
        match add_one(tenant, entry, now) {
            Ok(event) if events.contains(&event) => {}
            Ok(event) => events.push(event),
            Err(new_errors) => errors.extend(new_errors),
        }
    }
    let changed = !events.is_empty();
    let events = events.into_iter().map(Entity::Event).collect();
    Ok(Outcome::with_objects("events", events).with_errors(errors, changed))
}

fn add_one(tenant: &mut Tenant, input: StaffInput, now: Timestamp) -> Result<Number, Vec<PayloadError>> {
    let mut check = Check::default();
    let event = check.resolve("eventId", "Course", &input.event_id, |number| tenant.events.contains_key(&number));
    let contact = check.contact(tenant, "contactId", &input.contact_id);
    let (Some(event), Some(contact)) = (event, contact) else {
        return Err(check.errors);
    };
    let is_administrator = course::is_administrator(input.staff_type.as_deref(), input.staff_role_id.as_deref());
    course::add_staff(tenant, event, contact, is_administrator, input.notes).map_err(|error| vec![error])?;
    if let Some(event) = tenant.events.get_mut(&event) {
        event.updated_at = now;
    }
    Ok(event)
}

#[derive(Deserialize)]
struct Remove {
    input: RemoveInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RemoveInput {
    staff_id: String,
}

/// Removes staff of an event or a session: both have the same prefix in their ids.
pub(super) fn remove(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let Remove { input } = read(arguments)?;
    let number = ids::decode("EventStaff", &input.staff_id);
    match number.and_then(|number| tenant.staff.remove(number)) {
        Some(_) => Ok(Outcome::without_object()),
        None => Err(vec![PayloadError::new("staffId", "The Staff does not exist", Some(&input.staff_id))]),
    }
}
