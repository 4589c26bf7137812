//! Lessons and holidays as documents of the API.

use jiff::civil::Time;
use serde_json::{Value, json};

use super::hooks::{HolidayHooks, LessonHooks};
use crate::config::Config;
use crate::lessons::recurrence::{LessonFrequency, rrule};
use crate::resources::{Audience, DefaultValue, FieldSource, ResourceField, TableResource, ValueKind};

/// The resources with the usual routes.
pub static RESOURCES: [&TableResource; 1] = [&HOLIDAYS];

pub static HOLIDAYS: TableResource = TableResource {
    path: "/api/holidays",
    item_path: "/api/holidays/{id}",
    noun: "holiday",
    tag: "lessons",
    table: "lectern.holidays",
    label: "concat_ws(' ', item.date, item.name)",
    fields: &[
        ResourceField::id(),
        ResourceField::new("date", ValueKind::Date),
        ResourceField::new("name", ValueKind::Line { max: 200 }),
        ResourceField::new("scope", ValueKind::Choice(&["all", "tutor"])).or(DefaultValue::Generated),
        ResourceField::reference("tutor_id", "public.tutor_profiles").or(DefaultValue::Null),
    ],
    order: &["date", "name"],
    hooks: &HolidayHooks,
    ..TableResource::BASE
};

pub const STATUSES: &[&str] = &["scheduled", "in-progress", "completed", "cancelled", "missed"];
pub const MODES: &[&str] = &["online", "in-person", "hybrid"];
pub const PRIORITIES: &[&str] = &["low", "medium", "high", "urgent"];
const ATTENDANCE: ValueKind = ValueKind::Choice(&["present", "absent", "late"]);

/// The highest number of a column of type integer.
const MAX: i64 = i32::MAX as i64;

const fn optional_id(name: &'static str) -> ResourceField {
    ResourceField::new(name, ValueKind::Integer { min: 1, max: MAX }).or(DefaultValue::Null)
}

const fn texts(name: &'static str, read: &'static str) -> ResourceField {
    ResourceField::new(name, ValueKind::Texts)
        .from(FieldSource::Column { column: name, read: Some(read) })
        .or(DefaultValue::EmptyList)
}

const fn flag(name: &'static str, read: &'static str) -> ResourceField {
    ResourceField::flag(name, false).from(FieldSource::Column { column: name, read: Some(read) })
}

const fn time(name: &'static str, read: &'static str) -> ResourceField {
    ResourceField::time(name).from(FieldSource::Column { column: name, read: Some(read) })
}

const fn shown(name: &'static str, kind: ValueKind, expression: &'static str) -> ResourceField {
    ResourceField::new(name, kind).from(FieldSource::Expression(expression)).read_only()
}

const LINE: ValueKind = ValueKind::Line { max: 1000 };
const ID: ValueKind = ValueKind::Integer { min: 1, max: MAX };

/// A lesson: the 27 columns of its table, then what follows from other tables.
pub static LESSONS: TableResource = TableResource {
    path: "/api/sessions",
    item_path: "/api/sessions/{id}",
    noun: "lesson",
    schema_name: "Lesson",
    tag: "lessons",
    table: "public.sessions",
    label: "concat_ws(' ', item.session_date, left(item.start_time::text, 5), student.username)",
    joins: "LEFT JOIN public.enrolled_students AS enrolment ON enrolment.id = item.course_enrollment_id
            LEFT JOIN public.tutor_profiles AS tutor ON tutor.id = enrolment.tutor_id
            LEFT JOIN public.users AS teacher ON teacher.id = tutor.user_id
            LEFT JOIN public.student_profiles AS student ON student.id = enrolment.student_id
            LEFT JOIN public.users AS learner ON learner.id = student.user_id
            LEFT JOIN lectern.lesson_series AS series ON series.session_id = item.id
            LEFT JOIN lectern.lesson_occurrences AS made ON made.session_id = item.id",
    fields: &[
        ResourceField::id(),
        optional_id("course_enrollment_id"),
        texts("topics", "COALESCE(lectern.document_of(item.topics::json)::json, '[]')"),
        texts("topics_covered", "COALESCE(lectern.document_of(item.topics_covered::json)::json, '[]')"),
        ResourceField::new("session_date", ValueKind::Date),
        ResourceField::new("start_time", ValueKind::ClockTime),
        ResourceField::new("end_time", ValueKind::ClockTime),
        ResourceField::new("duration", ValueKind::Integer { min: 0, max: MAX }).or(DefaultValue::Generated),
        ResourceField::new("session_mode", ValueKind::Choice(MODES)).or(DefaultValue::Text("online")),
        ResourceField::new("location", ValueKind::Line { max: 255 }).or(DefaultValue::Null),
        optional_id("whiteboard_id"),
        optional_id("student_review_id"),
        optional_id("tutor_review_id"),
        optional_id("parent_review_id"),
        ResourceField::new("tutor_attendance_status", ATTENDANCE).or(DefaultValue::Null),
        ResourceField::new("student_attendance_status", ATTENDANCE).or(DefaultValue::Null),
        ResourceField::new("priority_level", ValueKind::Choice(PRIORITIES)).or(DefaultValue::Text("medium")),
        flag("is_recurring", "COALESCE(item.is_recurring, false)"),
        ResourceField::new("session_frequency", ValueKind::Choice(&LessonFrequency::WORDS))
            .or(DefaultValue::Text("one-time")),
        ResourceField::new("recurring_pattern", ValueKind::Labels)
            .from(FieldSource::Column {
                column: "recurring_pattern",
                read: Some("lectern.document_of(item.recurring_pattern::json)::json"),
            })
            .or(DefaultValue::Null),
        flag("notification_enabled", "COALESCE(item.notification_enabled, false)"),
        flag("alarm_enabled", "COALESCE(item.alarm_enabled, false)"),
        // At most four weeks.
        ResourceField::new("alarm_before_minutes", ValueKind::Integer { min: 0, max: 40_320 })
            .or(DefaultValue::Generated),
        flag("is_featured", "COALESCE(item.is_featured, false)"),
        ResourceField::new("status", ValueKind::Choice(STATUSES)).or(DefaultValue::Text("scheduled")),
        time("created_at", "item.created_at::timestamptz"),
        time("updated_at", "item.updated_at::timestamptz"),
        shown("tutor_id", ID, "enrolment.tutor_id"),
        shown(
            "tutor_name",
            LINE,
            "COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(teacher.first_name), ''),
                NULLIF(btrim(teacher.father_name), '')), ''), tutor.username)",
        ),
        shown("student_id", ID, "enrolment.student_id"),
        shown(
            "student_name",
            LINE,
            "COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(learner.first_name), ''),
                NULLIF(btrim(learner.father_name), '')), ''), student.username)",
        ),
        shown("course_name", LINE, "lectern.package_name(enrolment.package_id)"),
        shown("series_id", ID, "COALESCE(made.series_id, CASE WHEN item.is_recurring THEN item.id END)"),
        shown(
            "attendance_marked",
            ValueKind::Record(MARKED_FIELDS),
            "json_build_object(
                'tutor', lectern.is_attendance_marked(item.id, 'tutor', item.tutor_attendance_status),
                'student', lectern.is_attendance_marked(item.id, 'student', item.student_attendance_status))",
        ),
        ResourceField::new("recurrence", ValueKind::Labels)
            .from(FieldSource::Expression(
                "CASE WHEN item.is_recurring THEN json_build_object('until', series.until,
                    'count', series.occurrences, 'exceptions', COALESCE(series.exceptions, '{}'),
                    'holidays', COALESCE(series.holidays, 'ignore'), 'rrule', NULL) END",
            ))
            .or(DefaultValue::Generated),
        // Each reader has another one; the route writes it.
        shown("user_role", LINE, "NULL::text"),
    ],
    order: &["session_date", "start_time"],
    complete: Some(add_rrule),
    hooks: &LessonHooks,
    ..TableResource::BASE
};

const MARKED_FIELDS: &[ResourceField] =
    &[ResourceField::flag("tutor", false).read_only(), ResourceField::flag("student", false).read_only()];

/// Writes the rule as iCalendar text into the document of a recurring lesson.
fn add_rrule(_: &Config, _: Audience, document: &mut Value) {
    if document["recurrence"].is_null() {
        return;
    }
    let start: Option<Time> = document["start_time"].as_str().and_then(|text| text.parse().ok());
    let text = super::series::stored(document).zip(start).and_then(|(series, start)| rrule::write(&series, start));
    document["recurrence"]["rrule"] = json!(text);
}
