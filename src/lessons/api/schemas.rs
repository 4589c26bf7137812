//! Schemas of the description that do not follow from a table.

use serde_json::{Value, json};

use super::legacy::schemas as older;
use crate::http::openapi::ApiPart;

/// Adds the schemas of lists, occurrences and attendance.
pub(super) fn add(part: ApiPart) -> ApiPart {
    let part = part.with_schema("LessonList", lesson_list()).with_schema("OccurrenceList", occurrence_list());
    let part = part.with_schema("LessonStatistics", statistics()).with_schema("AttendanceInput", attendance_input());
    let part = part.with_schema("MaterialisationInput", materialisation_input());
    let part = part.with_schema("Materialisation", materialisation()).with_schema("AlarmList", alarm_list());
    let part = older::add(part.with_schema("AttendanceSuggestion", suggestion()));
    part.with_schema("Attendance", attendance()).with_schema("AttendanceHistory", attendance_history())
}

fn nullable(kind: &str) -> Value {
    json!({ "type": [kind, "null"] })
}

fn attendance_status() -> Value {
    json!({ "type": ["string", "null"], "enum": ["present", "absent", "late", null] })
}

fn lesson_list() -> Value {
    json!({
        "type": "object", "description": "One page of the list.", "required": ["results", "next_cursor", "count"],
        "properties": {
            "results": { "type": "array", "items": { "$ref": "#/components/schemas/Lesson" } },
            "next_cursor": nullable("string"),
            "count": { "type": "integer", "minimum": 0, "description": "Number of lessons on all pages." },
            "count_is_estimate": {
                "type": "boolean",
                "description": "True where more than about 20,000 lessons have the words of q, so that they are not counted; else absent.",
            },
        },
    })
}

fn occurrence_list() -> Value {
    json!({
        "type": "object", "required": ["results"],
        "properties": { "results": { "type": "array", "items": {
            "type": "object", "required": ["session_date", "start_time", "end_time", "exception"],
            "properties": {
                "session_date": { "type": "string", "format": "date" }, "start_time": { "type": "string" },
                "end_time": { "type": "string" },
                "exception": {
                    "type": ["string", "null"], "enum": ["shifted", "edited", null],
                    "description": "shifted: moved from a holiday. edited: changed alone.",
                },
                "moved_from": { "type": ["string", "null"], "format": "date" },
                "session_id": {
                    "type": ["integer", "null"], "format": "int64",
                    "description": "The lesson of its own; null: the series has it, change it with scope and occurrence.",
                },
                "status": { "type": "string" },
            },
        } } },
    })
}

fn statistics() -> Value {
    json!({
        "type": "object", "required": ["total", "by_status", "hours", "attendance", "attendance_rate"],
        "properties": {
            "total": { "type": "integer", "minimum": 0 },
            "by_status": {
                "type": "object", "additionalProperties": { "type": "integer" }, "example": { "completed": 12 },
            },
            "hours": {
                "type": "object", "additionalProperties": { "type": "number" }, "example": { "completed": 18.5 },
            },
            "attendance": {
                "type": "object", "required": ["present", "late", "absent", "not_marked"],
                "properties": {
                    "present": { "type": "integer" }, "late": { "type": "integer" },
                    "absent": { "type": "integer" }, "not_marked": { "type": "integer" },
                },
            },
            "attendance_rate": {
                "type": ["number", "null"], "example": 0.93,
                "description": "Present and late of those that a user has set; null if there is none.",
            },
            "topics": {
                "type": "object", "description": "Of lessons that are not cancelled.",
                "properties": { "planned": { "type": "integer" }, "covered": { "type": "integer" } },
            },
            "progress": {
                "type": ["number", "null"], "example": 0.5,
                "description": "Covered of planned topics; null if none is planned.",
            },
            "next": { "type": "array", "description": "The next scheduled lessons.", "items": {
                "type": "object", "properties": {
                    "session_id": { "type": "integer", "format": "int64" },
                    "session_date": { "type": "string", "format": "date" }, "start_time": { "type": "string" },
                    "end_time": { "type": "string" }, "tutor_name": nullable("string"),
                    "student_name": nullable("string"), "topics": { "type": "array", "items": { "type": "string" } },
                },
            } },
        },
    })
}

fn attendance_input() -> Value {
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "tutor_attendance_status": attendance_status(), "student_attendance_status": attendance_status(),
            "attendance_notes": nullable("string"),
            "use_suggestion": { "type": "boolean", "description": "Take what is missing from the suggestion." },
        },
        "example": { "student_attendance_status": "late", "attendance_notes": "The train was late." },
    })
}

fn attendance() -> Value {
    json!({
        "type": "object", "required": ["session_id", "tutor_attendance_status", "student_attendance_status"],
        "properties": {
            "session_id": { "type": "integer", "format": "int64" },
            "tutor_attendance_status": attendance_status(), "student_attendance_status": attendance_status(),
            "attendance_marked": {
                "type": "object", "description": "Whether a user has set it.",
                "properties": { "tutor": { "type": "boolean" }, "student": { "type": "boolean" } },
            },
            "attendance_notes": nullable("string"), "attendance_source": nullable("string"),
            "attendance_marked_at": nullable("string"), "attendance_marked_by": nullable("string"),
        },
    })
}

fn attendance_history() -> Value {
    json!({
        "type": "object", "required": ["results"],
        "properties": { "results": { "type": "array", "items": {
            "type": "object", "required": ["person", "status", "source", "marked_by", "marked_at", "notes"],
            "properties": {
                "person": { "type": "string", "enum": ["tutor", "student"] }, "status": attendance_status(),
                "source": { "type": "string" }, "marked_by": nullable("string"),
                "marked_at": { "type": "string", "format": "date-time" }, "notes": nullable("string"),
            },
        } } },
    })
}

fn materialisation_input() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["until"],
        "properties": { "until": { "type": "string", "format": "date", "description": "The last day." } },
        "example": { "until": "2026-07-31" },
    })
}

fn materialisation() -> Value {
    let number = json!({ "type": "integer", "minimum": 0 });
    json!({
        "type": "object", "required": ["series_id", "created", "updated", "deleted", "kept", "results"],
        "properties": {
            "series_id": { "type": "integer", "format": "int64" },
            "created": number, "updated": number, "deleted": number,
            "kept": { "type": "integer", "minimum": 0, "description": "Lessons that a user has edited." },
            "results": { "type": "array", "items": {
                "type": "object", "required": ["session_id", "session_date", "occurrence", "status", "is_edited"],
                "properties": {
                    "session_id": { "type": "integer", "format": "int64" },
                    "session_date": { "type": "string", "format": "date" },
                    "occurrence": { "type": "string", "format": "date", "description": "The day of the rule." },
                    "status": { "type": "string" }, "is_edited": { "type": "boolean" },
                },
            } },
        },
    })
}

fn alarm_list() -> Value {
    json!({
        "type": "object", "required": ["results"],
        "properties": { "results": { "type": "array", "items": {
            "type": "object", "required": ["session_id", "occurrence", "due_at", "minutes"],
            "properties": {
                "session_id": {
                    "type": "integer", "format": "int64", "description": "The lesson; of a planned one, its series.",
                },
                "occurrence": {
                    "type": ["string", "null"], "format": "date", "description": "The day of a lesson of a series.",
                },
                "due_at": { "type": "string", "format": "date-time" },
                "minutes": { "type": "integer", "minimum": 0, "description": "Minutes before the lesson." },
            },
        } } },
    })
}

fn suggestion() -> Value {
    let word = |words: &[&str]| json!({ "type": "string", "enum": words });
    let metrics = json!({
        "type": "object", "properties": {
            "connected": { "type": "boolean" }, "lateness_minutes": { "type": "integer" },
            "engagement_percentage": { "type": "integer" }, "active_minutes": { "type": "integer" },
            "left_early": { "type": "boolean" }, "reason": { "type": "string" },
        },
    });
    let (statuses, confidence) = (word(&["present", "late", "absent"]), word(&["low", "medium", "high"]));
    json!({
        "type": "object",
        "required": ["session_id", "has_whiteboard", "tutor_status_suggestion", "student_status_suggestion"],
        "properties": {
            "session_id": { "type": "integer", "format": "int64" }, "has_whiteboard": { "type": "boolean" },
            "overall_recommendation": { "type": "string" },
            "tutor_status_suggestion": statuses, "tutor_confidence": confidence, "tutor_metrics": metrics,
            "student_status_suggestion": statuses, "student_confidence": confidence, "student_metrics": metrics,
        },
    })
}
