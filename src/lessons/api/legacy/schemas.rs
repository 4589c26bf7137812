//! Schemas of the shapes of older front ends.

use serde_json::{Value, json};

use crate::http::openapi::ApiPart;

/// Adds the schemas.
pub fn add(part: ApiPart) -> ApiPart {
    let of_summary = [
        "total_sessions",
        "completed_sessions",
        "scheduled_sessions",
        "cancelled_sessions",
        "in_progress_sessions",
        "missed_sessions",
    ];
    let mut summary = numbers(&of_summary);
    summary["properties"]["total_hours"] = json!({ "type": "number" });
    let counts = numbers(&["total", "scheduled", "in_progress", "completed", "cancelled", "missed"]);
    let mut dashboard = numbers(&["children_enrolled", "active_tutors", "sessions_this_month"]);
    for name in ["total_study_hours", "tutor_satisfaction", "attendance_rate", "family_progress", "monthly_investment"]
    {
        dashboard["properties"][name] = json!({ "type": ["number", "null"] });
    }
    let flag = json!({
        "type": "object", "required": ["message", "session_id"],
        "properties": { "message": { "type": "string" }, "session_id": { "type": "integer", "format": "int64" } },
        "additionalProperties": { "type": "boolean" },
    });
    let part = part.with_schema("LessonSummary", summary).with_schema("LessonCounts", counts);
    let part = part.with_schema("ParentDashboard", dashboard).with_schema("LessonFlag", flag);
    let part = part.with_schema("NotificationFlag", input("notification_enabled"));
    part.with_schema("AlarmFlag", input("alarm_enabled")).with_schema("FeaturedFlag", input("is_featured"))
}

fn numbers(names: &[&str]) -> Value {
    let properties = names.iter().map(|name| ((*name).to_owned(), json!({ "type": "integer", "minimum": 0 })));
    json!({ "type": "object", "required": names, "properties": properties.collect::<serde_json::Map<_, _>>() })
}

fn input(field: &str) -> Value {
    json!({
        "type": "object", "required": [field], "properties": { field: { "type": "boolean" } },
        "example": { field: true },
    })
}
