//! Contacts, accounts, staff, learners.

use serde_json::json;

use super::{custom_values, identity, identity_attribute, linked_attribute};
use crate::reads::filter::Attribute;
use crate::tenant::{Number, Tenant};
use crate::view::{Entity, Part, Record};

pub(super) fn account(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    match field {
        "name" => Some(Part::leaf(tenant.accounts.get(number).map(|row| row.name.clone()))),
        _ => identity("Organisation", number, field),
    }
}

pub(super) fn account_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.accounts.get(number)?;
    match field {
        "name" => Some(Attribute::Text(Some(row.name.clone()))),
        _ => identity_attribute("Organisation", number, field),
    }
}

pub(super) fn contact(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let Some(row) = tenant.contacts.get(number) else {
        return identity("Person", number, field).or(Some(Part::NULL));
    };
    let roles = [(1, row.is_instructor), (2, row.is_admin)];
    Some(match field {
        "firstName" => Part::leaf(row.first_name.clone()),
        "lastName" => Part::leaf(row.last_name.clone()),
        "personalName" => Part::record(
            "PersonalName",
            vec![
                ("firstName", Part::leaf(row.first_name.clone())),
                ("middleName", Part::leaf(row.middle_name.clone())),
                ("lastName", Part::leaf(row.last_name.clone())),
                ("name", Part::leaf(row.full_name())),
            ],
        ),
        "emailAddress" => Part::leaf(row.email.clone()),
        "isInstructor" => Part::leaf(row.is_instructor),
        "isStaff" => Part::leaf(row.is_staff),
        "isAdmin" => Part::leaf(row.is_admin),
        "account" => Part::link(row.account, Entity::Account),
        "workplaces" => Part::Records(Vec::new()),
        "staffRoles" => {
            let held = roles.iter().filter(|(_, held)| *held);
            Part::Many(held.map(|(role, _)| Entity::StaffRole(*role)).collect())
        }
        "customFieldValues" => custom_values(tenant, &row.custom_fields),
        "createdAt" | "lastUpdatedAt" => Part::NULL,
        _ => return identity("Person", number, field),
    })
}

pub(super) fn contact_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.contacts.get(number)?;
    let text = |text: &Option<String>| Some(Attribute::Text(text.clone()));
    match field {
        "firstName" => text(&row.first_name),
        "lastName" => text(&row.last_name),
        "name" => text(&Some(row.full_name())),
        "emailAddress" => text(&row.email),
        "byNameAccountOrEmail" => {
            let account = row.account.and_then(|account| tenant.accounts.get(account));
            let account = account.map_or("", |account| account.name.as_str());
            let email = row.email.as_deref().unwrap_or("");
            text(&Some(format!("{} {account} {email}", row.full_name())))
        }
        "isInstructor" => Some(Attribute::Truth(row.is_instructor)),
        "isStaff" => Some(Attribute::Truth(row.is_staff)),
        "isAdmin" => Some(Attribute::Truth(row.is_admin)),
        "isStaffOrInstructor" | "canStaffEvent" => Some(Attribute::Truth(row.is_staff || row.is_instructor)),
        "hasLeftCompany" => Some(Attribute::Truth(false)),
        "accountId" => linked_attribute("Organisation", row.account),
        "approvedCourseIds" | "qualifiedForCourseId" => {
            let approving = tenant.templates.iter().filter(|(_, row)| row.approved_instructors.contains(&number));
            Some(Attribute::Several(approving.map(|(template, _)| Tenant::template_id(template)).collect()))
        }
        _ => identity_attribute("Person", number, field),
    }
}

pub(super) fn staff(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let row = tenant.staff.get(number);
    let role = row.map(|row| if row.is_administrator { 2 } else { 1 });
    Some(match field {
        "contact" => Part::link(row.map(|row| row.contact), Entity::Contact),
        "staffType" => Part::leaf(row.map(|row| staff_type(row.is_administrator))),
        "staffRole" => Part::link(role, Entity::StaffRole),
        "isPrimary" => Part::leaf(row.map(|row| row.is_primary)),
        "notes" => Part::leaf(row.and_then(|row| row.notes.clone())),
        _ => return identity("EventStaff", number, field),
    })
}

fn staff_type(is_administrator: bool) -> &'static str {
    if is_administrator { "administrator" } else { "instructor" }
}

pub(super) fn staff_role(number: Number, field: &str) -> Option<Part> {
    match field {
        "name" => Some(Part::leaf(if number == 2 { "Administrator" } else { "Instructor" })),
        _ => identity("StaffRole", number, field),
    }
}

pub(super) fn learner(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let row = tenant.learners.get(number);
    Some(match field {
        "lifecycleState" => Part::leaf("active"),
        "isActive" => Part::leaf(true),
        "contact" => Part::link(row.map(|row| row.contact), Entity::Contact),
        "event" => Part::link(row.map(|row| row.event), Entity::Event),
        "attendance" => Part::record("Attendance", vec![("sessionDetail", attendance(tenant, number))]),
        _ => return identity("Learner", number, field),
    })
}

/// The whole list on one page: nobody is known to page it, and an event has few sessions.
fn attendance(tenant: &Tenant, learner: Number) -> Part {
    let attended = tenant.learners.get(learner).map(|row| row.attended.clone()).unwrap_or_default();
    let nodes = attended.iter().map(|(session, attended)| {
        let parts = vec![("session", Part::One(Entity::Session(*session))), ("attended", Part::Leaf(json!(attended)))];
        Record::new("AttendanceSession", parts)
    });
    crate::reads::page::whole("AttendanceSession", nodes.map(Part::Record).collect())
}

pub(super) fn learner_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.learners.get(number)?;
    match field {
        "eventId" => linked_attribute("Course", Some(row.event)),
        "lifecycleState" => Some(Attribute::Text(Some("active".to_owned()))),
        "contactEmailAddress" => {
            let contact = tenant.contacts.get(row.contact);
            Some(Attribute::Text(contact.and_then(|contact| contact.email.clone())))
        }
        _ => identity_attribute("Learner", number, field),
    }
}
