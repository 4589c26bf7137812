//! How users read the columns of link rows.

/// How the text of a change shows a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sync) enum ColumnKind {
    /// The id of the linked local record.
    Link,
    /// An id in Administrate, of the record itself or of another one.
    Id,
    /// A value that users do not need, except for debugging.
    Internal,
    /// A value to show as it is.
    Value,
}

/// Columns with the words that users read. A column that is not listed is shown by its name without underscores.
const LABELS: [(&str, &str, ColumnKind); 25] = [
    ("tutorial_course_template_id", "linked with", ColumnKind::Link),
    ("tutorial_event_id", "linked with", ColumnKind::Link),
    ("tutorial_instructor_id", "linked with", ColumnKind::Link),
    ("tutorial_location_id", "linked with", ColumnKind::Link),
    ("tutorial_venue_id", "linked with", ColumnKind::Link),
    ("external_id", "id in Administrate", ColumnKind::Id),
    ("course_template", "course template", ColumnKind::Id),
    ("location", "location", ColumnKind::Id),
    ("location_id", "location", ColumnKind::Id),
    ("price_level", "price level", ColumnKind::Id),
    ("primary_instructor", "instructor", ColumnKind::Id),
    ("venue", "venue", ColumnKind::Id),
    ("places_baseline", "places that both sides had last", ColumnKind::Internal),
    ("stood", "availability before it was linked", ColumnKind::Internal),
    ("entity_type", "kind of record", ColumnKind::Value),
    ("event_learning_mode", "learning mode", ColumnKind::Value),
    ("field_type", "type", ColumnKind::Value),
    ("is_active", "active", ColumnKind::Value),
    ("is_required", "required", ColumnKind::Value),
    ("is_soldout", "local event sold out", ColumnKind::Value),
    ("legacy_id", "legacy id", ColumnKind::Value),
    ("lifecycle_state", "state", ColumnKind::Value),
    ("lms_start_date", "start of online access", ColumnKind::Value),
    ("lms_end_date", "end of online access", ColumnKind::Value),
    ("remain_space", "places left", ColumnKind::Value),
];

/// Returns the words for a column and how to show its values.
pub(in crate::sync) fn label_of(column: &str) -> (String, ColumnKind) {
    match LABELS.iter().find(|(name, _, _)| *name == column) {
        Some((_, label, kind)) => ((*label).to_owned(), *kind),
        None => (column.replace('_', " "), ColumnKind::Value),
    }
}
