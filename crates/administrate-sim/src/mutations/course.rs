//! Rules that events and sessions share: state changes, staff.

use super::{Check, PayloadError};
use crate::tenant::{EventState, Number, Staff, Tenant};

/// Checks a state change: draft → published → cancelled and draft → cancelled; no change is always allowed. Whether a
/// cancelled course can be reinstated depends on the tenant.
pub(super) fn check_state_change(check: &mut Check, tenant: &Tenant, noun: &str, from: EventState, to: EventState) {
    let message = match (from, to) {
        (EventState::Published, EventState::Draft) => {
            format!("A published {noun} cannot go back to draft")
        }
        (EventState::Cancelled, EventState::Draft | EventState::Published) if !tenant.can_reinstate_cancelled => {
            format!("A cancelled {noun} cannot be changed to another state")
        }
        _ => return,
    };
    check.add_error("lifecycleState", message, None);
}

/// Adds a contact, once for each staff type. Administrate uses this error message for sessions too.
pub(super) fn add_staff(
    tenant: &mut Tenant,
    course: Number,
    contact: Number,
    is_administrator: bool,
    notes: Option<String>,
) -> Result<Number, PayloadError> {
    let is_same = |staff: &Staff| staff.contact == contact && staff.is_administrator == is_administrator;
    if tenant.staff_of(course).any(|(_, staff)| is_same(staff)) {
        let id = Tenant::contact_id(contact);
        return Err(PayloadError::new(
            "contactId",
            "The input Contact already exists as staff on the Event",
            Some(&id),
        ));
    }
    let number = tenant.add_staff(course, contact, is_administrator);
    if let Some(staff) = tenant.staff.get_mut(number) {
        staff.notes = notes;
    }
    Ok(number)
}

/// Returns whether an input names an administrator: by staff type, else by role. The default is an instructor.
pub(super) fn is_administrator(staff_type: Option<&str>, role: Option<&str>) -> bool {
    match staff_type {
        Some(word) => word == "administrator",
        None => role.and_then(|role| crate::ids::decode("StaffRole", role)) == Some(2),
    }
}
