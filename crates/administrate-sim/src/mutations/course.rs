//! What events and sessions have in common: state changes, staff.

use super::{Check, PayloadError};
use crate::tenant::{EventState, Number, Staff, Tenant};

/// draft → published → cancelled, draft → cancelled; staying is always allowed. Whether what was cancelled may be taken up
/// again is the tenant's to say.
pub(super) fn change_state(check: &mut Check, tenant: &Tenant, what: &str, (from, to): (EventState, EventState)) {
    let message = match (from, to) {
        (EventState::Published, EventState::Draft) => {
            format!("A published {what} cannot go back to draft")
        }
        (EventState::Cancelled, EventState::Draft | EventState::Published) if !tenant.can_reinstate_cancelled => {
            format!("A cancelled {what} cannot be changed to another state")
        }
        _ => return,
    };
    check.add_error("lifecycleState", message, None);
}

/// Adds a contact once per kind. The words of the error are known (facts §1.3), for sessions too.
pub(super) fn add_staff(
    tenant: &mut Tenant,
    course: Number,
    contact: Number,
    is_administrator: bool,
    notes: Option<String>,
) -> Result<Number, PayloadError> {
    let same = |staff: &Staff| staff.contact == contact && staff.is_administrator == is_administrator;
    if tenant.staff_of(course).any(|(_, staff)| same(staff)) {
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

/// Whether staff of this kind is an administrator: by type, else by role, else an instructor.
pub(super) fn is_administrator(staff_type: Option<&str>, role: Option<&str>) -> bool {
    match staff_type {
        Some(word) => word == "administrator",
        None => role.and_then(|role| crate::ids::decode("StaffRole", role)) == Some(2),
    }
}
