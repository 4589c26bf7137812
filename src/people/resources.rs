//! Profiles of people and their enrolments as documents of the API.

use super::hooks::{EnrolmentHooks, PersonHooks, PersonKind};
use crate::resources::{
    Audience, CascadeGuard, DefaultValue, DetailTable, FieldSource, ResourceField, TableResource, ValueKind,
};

/// The resources of people.
pub static RESOURCES: [&TableResource; 4] = [&TUTORS, &STUDENTS, &PARENTS, &ENROLMENTS];

/// Completed lessons are records of what happened: they are not deleted with a person or an enrolment.
pub const CASCADE_GUARDS: &[CascadeGuard] =
    &[CascadeGuard { table: "public.sessions", condition: "child.status = 'completed'" }];

/// The name of a person that is shown: the first name and the father's name.
const PERSON: &str = "COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(person.first_name), ''),
    NULLIF(btrim(person.father_name), '')), ''), NULLIF(item.username, ''))";

const USER_JOIN: &str = "LEFT JOIN public.users AS person ON person.id = item.user_id";

const fn details(own: &'static str) -> Option<DetailTable> {
    Some(DetailTable { table: "lectern.profile_details", own })
}

/// A name of the user.
const fn name(field: &'static str, expression: &'static str) -> ResourceField {
    ResourceField::new(field, ValueKind::Line { max: 100 })
        .from(FieldSource::Expression(expression))
        .or(DefaultValue::Text(""))
}

const USER_ID: ResourceField = ResourceField::reference("user_id", "public.users").or(DefaultValue::Generated);
const FIRST_NAME: ResourceField = name("first_name", "COALESCE(person.first_name, '')");
const FATHER_NAME: ResourceField = name("father_name", "COALESCE(person.father_name, '')");
const LAST_NAME: ResourceField = name("last_name", "COALESCE(person.last_name, '')");
const USERNAME: ResourceField = ResourceField::new("username", ValueKind::Line { max: 100 }).or(DefaultValue::Null);
const EMAIL: ResourceField = ResourceField::new("email", ValueKind::Email)
    .from(FieldSource::Expression("NULLIF(person.email, '')"))
    .or(DefaultValue::Null)
    .only_for(Audience::Operator);
const PHONE: ResourceField = ResourceField::new("phone", ValueKind::Line { max: 50 })
    .from(FieldSource::Expression("NULLIF(person.phone, '')"))
    .or(DefaultValue::Null)
    .only_for(Audience::Operator);
const IS_ACTIVE: ResourceField = ResourceField::flag("is_active", true)
    .from(FieldSource::Detail { column: "is_active", read: Some("COALESCE(details.is_active, true)") });

const ORDER: &[&str] = &["first_name", "father_name", "last_name"];

pub static TUTORS: TableResource = TableResource {
    path: "/api/people/tutors",
    item_path: "/api/people/tutors/{id}",
    noun: "tutor",
    table: "public.tutor_profiles",
    label: PERSON,
    details: details("tutor_id"),
    joins: USER_JOIN,
    fields: &[ResourceField::id(), USER_ID, FIRST_NAME, FATHER_NAME, LAST_NAME, USERNAME, EMAIL, PHONE, IS_ACTIVE],
    order: ORDER,
    hooks: &PersonHooks { kind: PersonKind::Tutor },
    ..TableResource::BASE
};

pub static STUDENTS: TableResource = TableResource {
    path: "/api/people/students",
    item_path: "/api/people/students/{id}",
    noun: "student",
    table: "public.student_profiles",
    label: PERSON,
    details: details("student_id"),
    joins: USER_JOIN,
    fields: &[
        ResourceField::id(),
        USER_ID,
        FIRST_NAME,
        FATHER_NAME,
        LAST_NAME,
        USERNAME,
        EMAIL,
        PHONE,
        IS_ACTIVE,
        ResourceField::new("parent_ids", ValueKind::Ids("public.parent_profiles"))
            .from(FieldSource::Expression("to_json(lectern.parents_of(item.id))"))
            .or(DefaultValue::EmptyList),
    ],
    order: ORDER,
    hooks: &PersonHooks { kind: PersonKind::Student },
    ..TableResource::BASE
};

pub static PARENTS: TableResource = TableResource {
    path: "/api/people/parents",
    item_path: "/api/people/parents/{id}",
    noun: "parent",
    table: "public.parent_profiles",
    label: PERSON,
    details: details("parent_id"),
    joins: USER_JOIN,
    fields: &[
        ResourceField::id(),
        USER_ID,
        FIRST_NAME,
        FATHER_NAME,
        LAST_NAME,
        USERNAME,
        EMAIL,
        PHONE,
        IS_ACTIVE,
        ResourceField::new("children_ids", ValueKind::Ids("public.student_profiles"))
            .from(FieldSource::Expression("to_json(lectern.children_of(item.id))"))
            .or(DefaultValue::EmptyList),
    ],
    order: ORDER,
    hooks: &PersonHooks { kind: PersonKind::Parent },
    ..TableResource::BASE
};

/// A read-only name of a person. The name that is shown is the first name and the father's name.
const fn shown_name(name: &'static str, expression: &'static str) -> ResourceField {
    ResourceField::new(name, ValueKind::Line { max: 1000 }).from(FieldSource::Expression(expression)).read_only()
}

pub static ENROLMENTS: TableResource = TableResource {
    path: "/api/enrolments",
    item_path: "/api/enrolments/{id}",
    noun: "enrolment",
    tag: "people",
    table: "public.enrolled_students",
    label: "concat_ws(' with ', COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(learner.first_name), ''),
                NULLIF(btrim(learner.father_name), '')), ''), student.username),
            COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(teacher.first_name), ''),
                NULLIF(btrim(teacher.father_name), '')), ''), tutor.username))",
    joins: "LEFT JOIN public.tutor_profiles AS tutor ON tutor.id = item.tutor_id
            LEFT JOIN public.users AS teacher ON teacher.id = tutor.user_id
            LEFT JOIN public.student_profiles AS student ON student.id = item.student_id
            LEFT JOIN public.users AS learner ON learner.id = student.user_id",
    fields: &[
        ResourceField::id(),
        ResourceField::reference("tutor_id", "public.tutor_profiles"),
        shown_name(
            "tutor_name",
            "COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(teacher.first_name), ''),
                NULLIF(btrim(teacher.father_name), '')), ''), tutor.username)",
        ),
        ResourceField::reference("student_id", "public.student_profiles"),
        shown_name(
            "student_name",
            "COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(learner.first_name), ''),
                NULLIF(btrim(learner.father_name), '')), ''), student.username)",
        ),
        ResourceField::new("package_id", ValueKind::Integer { min: 1, max: i32::MAX as i64 }).or(DefaultValue::Null),
        ResourceField::new("status", ValueKind::Choice(&["active", "suspended", "alumni", "rejected"]))
            .or(DefaultValue::Text("active")),
        ResourceField::new("enrolled_at", ValueKind::Instant { is_end: false })
            .from(FieldSource::Column { column: "enrolled_at", read: Some("item.enrolled_at::timestamptz") })
            .or(DefaultValue::Generated),
    ],
    hooks: &EnrolmentHooks,
    ..TableResource::BASE
};

/// The accounts of people, which are only named.
pub static ACCOUNTS: TableResource = TableResource {
    noun: "account",
    table: "public.users",
    label: "concat_ws(' ', NULLIF(btrim(item.first_name), ''), NULLIF(btrim(item.father_name), ''))",
    fields: &[ResourceField::id()],
    ..TableResource::BASE
};
