//! Contacts.

use serde::Deserialize;
use serde_json::Value;

use super::{Check, MutationResult, Outcome, read};
use crate::tenant::{Contact, Tenant};
use crate::view::Entity;

#[derive(Deserialize)]
struct Arguments {
    input: ContactInput,
}

/// The inputs of create and update in one type. The schema checks which fields each requires.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContactInput {
    contact_id: Option<String>,
    account_id: Option<String>,
    personal_name: Option<NameInput>,
    email_address: Option<String>,
    is_instructor: Option<bool>,
    is_staff: Option<bool>,
    is_admin: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NameInput {
    first_name: Option<String>,
    middle_name: Option<String>,
    last_name: Option<String>,
}

pub(super) fn create(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let Arguments { input } = read(arguments)?;
    let contact = apply_input(tenant, Contact::default(), input)?;
    let number = tenant.contacts.add(contact);
    Ok(Outcome::with_object("contact", Entity::Contact(number)))
}

pub(super) fn update(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let Arguments { input } = read(arguments)?;
    let mut check = Check::default();
    let number = input.contact_id.as_deref().and_then(|id| check.contact(tenant, "contactId", id));
    let Some((number, old)) = number.and_then(|number| Some((number, tenant.contacts.get(number)?.clone()))) else {
        return Err(check.errors);
    };
    let contact = apply_input(tenant, old, input)?;
    if let Some(row) = tenant.contacts.get_mut(number) {
        *row = contact;
    }
    Ok(Outcome::with_object("contact", Entity::Contact(number)))
}

fn apply_input(
    tenant: &Tenant,
    mut contact: Contact,
    input: ContactInput,
) -> Result<Contact, Vec<super::PayloadError>> {
    let mut check = Check::default();
    if let Some(id) = &input.account_id {
        let exists = |number| tenant.accounts.get(number).is_some();
        contact.account = check.resolve("accountId", "Organisation", id, exists);
    }
    if let Some(name) = input.personal_name {
        contact.first_name = name.first_name.or(contact.first_name);
        contact.middle_name = name.middle_name.or(contact.middle_name);
        contact.last_name = name.last_name.or(contact.last_name);
    }
    if contact.full_name().trim().is_empty() {
        check.add_error("personalName", "A name is required", None);
    }
    contact.email = input.email_address.or(contact.email);
    contact.is_instructor = input.is_instructor.unwrap_or(contact.is_instructor);
    contact.is_staff = input.is_staff.unwrap_or(contact.is_staff);
    contact.is_admin = input.is_admin.unwrap_or(contact.is_admin);
    check.finish().map(|()| contact)
}
