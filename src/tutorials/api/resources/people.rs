//! Instructors and staff. Their names and addresses are those of their user.

use super::fields::{line, shown};
use super::places::CREATED;
use crate::resources::{Audience, DefaultValue, FieldSource, ResourceField, TableResource, ValueKind};
use crate::tutorials::api::hooks::{StaffHooks, TeacherHooks};

const fn name(field: &'static str, expression: &'static str) -> ResourceField {
    line(field, 150).from(FieldSource::Expression(expression)).or(DefaultValue::Text(""))
}

const EMAIL: ResourceField = ResourceField::new("email", ValueKind::Email)
    .from(FieldSource::Expression("NULLIF(person.email, '')"))
    .or(DefaultValue::Null)
    .only_for(Audience::Operator);

pub static INSTRUCTORS: TableResource = TableResource {
    path: "/api/tutorials/instructors",
    item_path: "/api/tutorials/instructors/{id}",
    noun: "instructor",
    table: "acted.tutorial_instructors",
    label:
        "COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(person.first_name), ''), NULLIF(btrim(person.last_name), '')), ''),
            CASE WHEN person.username NOT LIKE '%@%' THEN person.username END, 'Instructor ' || item.id)",
    joins: "LEFT JOIN acted.staff AS member ON member.id = item.staff_id
            LEFT JOIN public.auth_user AS person ON person.id = member.user_id",
    fields: &[
        ResourceField::id(),
        name("first_name", "COALESCE(person.first_name, '')"),
        name("last_name", "COALESCE(person.last_name, '')"),
        EMAIL,
        ResourceField::reference("staff_id", "acted.staff").or(DefaultValue::Generated).only_for(Audience::Reader),
        ResourceField::flag("is_active", true),
    ],
    page_fields: CREATED,
    order: &["last_name", "first_name"],
    parts: &["acted.tutorial_session_instructors", "lectern.event_staff"],
    hooks: &TeacherHooks,
    ..TableResource::BASE
};

pub static STAFF: TableResource = TableResource {
    path: "/api/tutorials/staff",
    item_path: "/api/tutorials/staff/{id}",
    noun: "member of staff",
    table: "acted.staff",
    label:
        "COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(person.first_name), ''), NULLIF(btrim(person.last_name), '')), ''),
            CASE WHEN person.username NOT LIKE '%@%' THEN person.username END, 'Staff ' || item.id)",
    joins: "LEFT JOIN public.auth_user AS person ON person.id = item.user_id",
    fields: &[
        ResourceField::id(),
        ResourceField::reference("user_id", "public.auth_user")
            .or(DefaultValue::Generated)
            .only_for(Audience::Operator),
        shown("username", "person.username").only_for(Audience::Operator),
        name("first_name", "COALESCE(person.first_name, '')"),
        name("last_name", "COALESCE(person.last_name, '')"),
        EMAIL,
        ResourceField::reference("instructor_id", "acted.tutorial_instructors")
            .from(FieldSource::Expression(
                "(SELECT min(teacher.id) FROM acted.tutorial_instructors AS teacher WHERE teacher.staff_id = item.id)",
            ))
            .read_only(),
        ResourceField::time("created_at"),
        ResourceField::time("updated_at"),
    ],
    order: &["last_name", "first_name"],
    hooks: &StaffHooks,
    ..TableResource::BASE
};

/// The accounts of staff, which are only named.
pub static ACCOUNTS: TableResource = TableResource {
    noun: "account",
    table: "public.auth_user",
    label: "item.username",
    fields: &[ResourceField::id()],
    ..TableResource::BASE
};
