//! Contacts.

use serde::Deserialize;
use serde_json::Value;

use super::{Check, Outcome, Verdict, read};
use crate::tenant::{Contact, Tenant};
use crate::view::Entity;

#[derive(Deserialize)]
struct Call {
    input: ContactInput,
}

/// Both inputs in one; the schema asks for what a creation needs.
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

pub(super) fn create(tenant: &mut Tenant, arguments: &Value) -> Verdict {
    let Call { input } = read(arguments)?;
    let contact = changed(tenant, Contact::default(), input)?;
    let number = tenant.contacts.add(contact);
    Ok(Outcome::done("contact", Entity::Contact(number)))
}

pub(super) fn update(tenant: &mut Tenant, arguments: &Value) -> Verdict {
    let Call { input } = read(arguments)?;
    let mut check = Check::default();
    let number = input.contact_id.as_deref().and_then(|id| check.contact(tenant, "contactId", id));
    let Some((number, old)) = number.and_then(|number| Some((number, tenant.contacts.get(number)?.clone()))) else {
        return Err(check.refusals);
    };
    let contact = changed(tenant, old, input)?;
    if let Some(row) = tenant.contacts.get_mut(number) {
        *row = contact;
    }
    Ok(Outcome::done("contact", Entity::Contact(number)))
}

fn changed(tenant: &Tenant, mut contact: Contact, input: ContactInput) -> Result<Contact, Vec<super::Refusal>> {
    let mut check = Check::default();
    if let Some(id) = &input.account_id {
        let known = |number| tenant.accounts.get(number).is_some();
        contact.account = check.link("accountId", "Organisation", id, known);
    }
    if let Some(name) = input.personal_name {
        contact.first_name = name.first_name.or(contact.first_name);
        contact.middle_name = name.middle_name.or(contact.middle_name);
        contact.last_name = name.last_name.or(contact.last_name);
    }
    if contact.full_name().trim().is_empty() {
        check.refuse("personalName", "A name is required", None);
    }
    contact.email = input.email_address.or(contact.email);
    contact.is_instructor = input.is_instructor.unwrap_or(contact.is_instructor);
    contact.is_staff = input.is_staff.unwrap_or(contact.is_staff);
    contact.is_admin = input.is_admin.unwrap_or(contact.is_admin);
    check.verdict().map(|()| contact)
}
