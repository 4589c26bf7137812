//! The columns that tables of the lessons must have to be used as they are. Pure.

use crate::migrate::catalog::{Catalog, Relation, RelationColumn};

/// Families of types that hold the same values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Integer,
    Text,
    Date,
    Time,
    Timestamp,
    Boolean,
    Json,
    Integers,
}

use Family::{Boolean, Date, Integer, Integers, Json, Text, Time, Timestamp};

/// A table beside the lesson sessions, and the columns without which it is another one.
pub struct Companion {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Family)],
}

pub const COMPANIONS: [Companion; 5] = [
    Companion {
        name: "users",
        columns: &[("id", Integer), ("first_name", Text), ("father_name", Text), ("email", Text)],
    },
    Companion { name: "tutor_profiles", columns: &[("id", Integer), ("user_id", Integer)] },
    Companion { name: "student_profiles", columns: &[("id", Integer), ("user_id", Integer)] },
    Companion { name: "parent_profiles", columns: &[("id", Integer), ("user_id", Integer)] },
    Companion {
        name: "enrolled_students",
        columns: &[("id", Integer), ("tutor_id", Integer), ("student_id", Integer)],
    },
];

/// Columns without which a table holds no lesson sessions.
const SOURCE: &[(&str, Family)] = &[
    ("id", Integer),
    ("tutor_id", Integer),
    ("student_id", Integer),
    ("session_date", Date),
    ("start_time", Time),
    ("end_time", Time),
];

/// Columns that are read where they exist.
const READ: &[(&str, Family)] = &[
    ("enrollment_id", Integer),
    ("subject", Text),
    ("topic", Text),
    ("duration", Integer),
    ("mode", Text),
    ("location", Text),
    ("topics_covered", Json),
    ("status", Text),
    ("student_attended", Boolean),
    ("tutor_attended", Boolean),
    ("created_at", Timestamp),
    ("updated_at", Timestamp),
    ("session_frequency", Text),
    ("is_recurring", Boolean),
    ("recurring_pattern", Json),
    ("notification_enabled", Boolean),
    ("alarm_enabled", Boolean),
    ("alarm_before_minutes", Integer),
    ("is_featured", Boolean),
];

/// The columns of `public.sessions`, in their order.
pub const SESSIONS: &[(&str, Family)] = &[
    ("id", Integer),
    ("course_enrollment_id", Integer),
    ("topics", Json),
    ("topics_covered", Json),
    ("session_date", Date),
    ("start_time", Time),
    ("end_time", Time),
    ("duration", Integer),
    ("session_mode", Text),
    ("location", Text),
    ("whiteboard_id", Integer),
    ("student_review_id", Integer),
    ("tutor_review_id", Integer),
    ("parent_review_id", Integer),
    ("tutor_attendance_status", Text),
    ("student_attendance_status", Text),
    ("priority_level", Text),
    ("is_recurring", Boolean),
    ("session_frequency", Text),
    ("recurring_pattern", Json),
    ("notification_enabled", Boolean),
    ("alarm_enabled", Boolean),
    ("alarm_before_minutes", Integer),
    ("is_featured", Boolean),
    ("status", Text),
    ("created_at", Timestamp),
    ("updated_at", Timestamp),
];

/// Returns the columns of the older table that the new one is made of.
pub fn carried_over() -> impl Iterator<Item = &'static str> {
    SOURCE.iter().chain(READ).map(|(name, _)| *name)
}

pub fn family(column: &RelationColumn) -> Option<Family> {
    let data_type = column.data_type.as_str();
    Some(match data_type {
        "integer" | "bigint" | "smallint" => Integer,
        "date" => Date,
        "boolean" => Boolean,
        "json" | "jsonb" => Json,
        "integer[]" | "bigint[]" => Integers,
        "text" | "character varying" | "citext" => Text,
        _ if data_type.starts_with("character") => Text,
        _ if data_type.starts_with("timestamp") => Timestamp,
        _ if data_type.starts_with("time") && data_type.ends_with("without time zone") => Time,
        _ => return None,
    })
}

/// Returns the names of the tables of the lessons in schema `public`.
pub fn lesson_table_names() -> impl Iterator<Item = &'static str> {
    COMPANIONS.iter().map(|companion| companion.name).chain(["sessions"])
}

/// Reports whether a name is that of a table of the lessons in schema `public`.
pub fn is_lesson_table(schema: &str, name: &str) -> bool {
    schema == "public" && lesson_table_names().any(|known| known == name)
}

/// Returns why an existing table beside the lesson sessions cannot be used; none if it can or does not exist.
pub fn companion_problem(catalog: &Catalog, companion: &Companion) -> Option<String> {
    let table = catalog.table("public", companion.name)?;
    problem(table, companion.columns, &[], "which the lessons need")
}

/// Returns why a table cannot become `sessions`.
pub fn source_problem(table: &Relation, catalog: &Catalog) -> Option<String> {
    if table.is_table() && !table.is_owned {
        return Some(table.foreign_owner_message(&catalog.user));
    }
    if table.kind == "p" {
        return Some(format!("{} is partitioned, which the move does not support", table.full_name()));
    }
    problem(table, SOURCE, READ, "as a table of lesson sessions")
}

/// Returns why a table `sessions` is not the one of the lessons.
pub fn sessions_problem(table: &Relation) -> Option<String> {
    if table.column("enrolled_courses_id").is_some() && table.column("course_enrollment_id").is_none() {
        return Some(format!(
            "{} refers to courses (column enrolled_courses_id), as in the reference system since the evening of \
             2025-11-26: this version of Lectern does not support that, nothing was changed, and a later version will \
             bring the move",
            table.full_name()
        ));
    }
    problem(table, SESSIONS, &[], "as the table of lesson sessions")
}

fn problem(table: &Relation, needed: &[(&str, Family)], read: &[(&str, Family)], why: &str) -> Option<String> {
    let place = table.full_name();
    if let Some(kind) = table.other_kind() {
        return Some(format!("{place} is {kind}, not a table: rename it"));
    }
    let mut differences = Vec::new();
    for (name, expected) in needed.iter().chain(read) {
        match table.column(name) {
            Some(column) if fits(*expected, column) => {}
            Some(column) => differences.push(format!("column {name} is of type {}", column.data_type)),
            None if needed.iter().any(|(needed, _)| needed == name) => {
                differences.push(format!("column {name} is missing"));
            }
            None => {}
        }
    }
    if differences.is_empty() && !has_key(table) {
        differences.push("column id is no key".to_owned());
    }
    (!differences.is_empty()).then(|| {
        format!(
            "{place} has another shape, {why}: {}: rename the table or change these columns",
            differences.join(", ")
        )
    })
}

fn fits(expected: Family, column: &RelationColumn) -> bool {
    match family(column) {
        Some(Text) => expected == Text || expected == Json,
        found => found == Some(expected),
    }
}

/// Reports whether `id` identifies the rows.
fn has_key(table: &Relation) -> bool {
    let is_key = |kind: &str| kind == "p" || kind == "u";
    table.constraints.iter().any(|constraint| is_key(&constraint.kind) && constraint.columns == ["id"])
}
