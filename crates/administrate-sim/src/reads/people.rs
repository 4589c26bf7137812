//! Contacts, accounts, staff, learners.

use serde_json::json;

use super::{custom_values, id_attribute, id_field, linked_attribute};
use crate::reads::filter::Attribute;
use crate::tenant::{Number, Tenant};
use crate::view::{Entity, Output, Record};

pub(super) fn account(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    match field {
        "name" => Some(Output::leaf(tenant.accounts.get(number).map(|row| row.name.clone()))),
        _ => id_field("Organisation", number, field),
    }
}

pub(super) fn account_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.accounts.get(number)?;
    match field {
        "name" => Some(Attribute::Text(Some(row.name.clone()))),
        _ => id_attribute("Organisation", number, field),
    }
}

pub(super) fn contact(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let Some(row) = tenant.contacts.get(number) else {
        return id_field("Person", number, field).or(Some(Output::NULL));
    };
    let roles = [(1, row.is_instructor), (2, row.is_admin)];
    Some(match field {
        "firstName" => Output::leaf(row.first_name.clone()),
        "lastName" => Output::leaf(row.last_name.clone()),
        "personalName" => Output::record(
            "PersonalName",
            vec![
                ("firstName", Output::leaf(row.first_name.clone())),
                ("middleName", Output::leaf(row.middle_name.clone())),
                ("lastName", Output::leaf(row.last_name.clone())),
                ("name", Output::leaf(row.full_name())),
            ],
        ),
        "emailAddress" => Output::leaf(row.email.clone()),
        "isInstructor" => Output::leaf(row.is_instructor),
        "isStaff" => Output::leaf(row.is_staff),
        "isAdmin" => Output::leaf(row.is_admin),
        "account" => Output::link(row.account, Entity::Account),
        "workplaces" => Output::Records(Vec::new()),
        "staffRoles" => {
            let assigned = roles.iter().filter(|(_, is_assigned)| *is_assigned);
            Output::Many(assigned.map(|(role, _)| Entity::StaffRole(*role)).collect())
        }
        "customFieldValues" => custom_values(tenant, &row.custom_fields),
        "createdAt" | "lastUpdatedAt" => Output::NULL,
        _ => return id_field("Person", number, field),
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
        "isInstructor" => Some(Attribute::Bool(row.is_instructor)),
        "isStaff" => Some(Attribute::Bool(row.is_staff)),
        "isAdmin" => Some(Attribute::Bool(row.is_admin)),
        "isStaffOrInstructor" | "canStaffEvent" => Some(Attribute::Bool(row.is_staff || row.is_instructor)),
        "hasLeftCompany" => Some(Attribute::Bool(false)),
        "accountId" => linked_attribute("Organisation", row.account),
        "approvedCourseIds" | "qualifiedForCourseId" => {
            let templates = tenant.templates.iter().filter(|(_, row)| row.approved_instructors.contains(&number));
            Some(Attribute::List(templates.map(|(template, _)| Tenant::template_id(template)).collect()))
        }
        _ => id_attribute("Person", number, field),
    }
}

pub(super) fn staff(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let row = tenant.staff.get(number);
    let role = row.map(|row| if row.is_administrator { 2 } else { 1 });
    Some(match field {
        "contact" => Output::link(row.map(|row| row.contact), Entity::Contact),
        "staffType" => Output::leaf(row.map(|row| staff_type(row.is_administrator))),
        "staffRole" => Output::link(role, Entity::StaffRole),
        "isPrimary" => Output::leaf(row.map(|row| row.is_primary)),
        "notes" => Output::leaf(row.and_then(|row| row.notes.clone())),
        _ => return id_field("EventStaff", number, field),
    })
}

fn staff_type(is_administrator: bool) -> &'static str {
    if is_administrator { "administrator" } else { "instructor" }
}

pub(super) fn staff_role(number: Number, field: &str) -> Option<Output> {
    match field {
        "name" => Some(Output::leaf(if number == 2 { "Administrator" } else { "Instructor" })),
        _ => id_field("StaffRole", number, field),
    }
}

pub(super) fn learner(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let row = tenant.learners.get(number);
    Some(match field {
        "lifecycleState" => Output::leaf("active"),
        "isActive" => Output::leaf(true),
        "contact" => Output::link(row.map(|row| row.contact), Entity::Contact),
        "event" => Output::link(row.map(|row| row.event), Entity::Event),
        "attendance" => Output::record("Attendance", vec![("sessionDetail", attendance(tenant, number))]),
        _ => return id_field("Learner", number, field),
    })
}

/// Returns the whole list on one page: an event has few sessions, and no known client pages this list.
fn attendance(tenant: &Tenant, learner: Number) -> Output {
    let attended = tenant.learners.get(learner).map(|row| row.attended.clone()).unwrap_or_default();
    let nodes = attended.iter().map(|(session, attended)| {
        let fields =
            vec![("session", Output::One(Entity::Session(*session))), ("attended", Output::Leaf(json!(attended)))];
        Record::new("AttendanceSession", fields)
    });
    crate::reads::page::complete_page("AttendanceSession", nodes.map(Output::Record).collect())
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
        _ => id_attribute("Learner", number, field),
    }
}
