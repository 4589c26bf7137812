//! Schemas of imports for the description of the API.

use serde_json::{Value, json};

use crate::http::openapi::ApiPart;
use crate::jobs::description::run_schema;

/// Returns the schemas of imports.
pub fn schemas() -> ApiPart {
    ApiPart::default()
        .with_schema("ImportForm", form())
        .with_schema("ImportRun", import_run())
        .with_schema("Publication", publication())
}

fn form() -> Value {
    let flag = |about: &str| json!({ "type": "string", "enum": ["true", "false", "1", "0"], "description": about });
    json!({
        "type": "object", "required": ["file"],
        "properties": {
            "file": {
                "type": "string", "contentMediaType": "application/octet-stream", "description": "The workbook: xlsx, xls, ods or csv.",
            },
            "dry_run": flag("Plan only."),
            "deliver": { "type": "string", "enum": ["wait", "queue"], "description": "Whether the run waits for Administrate." },
            "publish": flag("Publish the events."),
            "delete_drafts": flag("Delete draft sessions that the template made beyond those of the timetable."),
            "ours": flag("Write the values of the file over changes made in Administrate."),
            "approve_instructors": flag("Approve instructors for their course templates in Administrate."),
            "create_missing": { "type": "string", "enum": ["instructors"], "description": "Create unknown instructors." },
        },
    })
}

fn counts(keys: &[&str]) -> Value {
    let mut properties = json!({});
    for key in keys {
        properties[*key] = json!({ "type": "integer", "minimum": 0 });
    }
    json!({ "type": "object", "properties": properties })
}

fn delivery() -> Value {
    counts(&["delivered", "pending", "failed", "unknown"])
}

fn import_run() -> Value {
    let text = || json!({ "type": ["string", "null"] });
    let problem = json!({
        "type": "object", "required": ["severity", "code", "message"],
        "properties": {
            "sheet": { "type": ["string", "null"], "example": "Import" },
            "row": { "type": ["integer", "null"], "example": 4 },
            "cell": { "type": ["string", "null"], "example": "E4" },
            "event": { "type": ["string", "null"], "example": "CM2-01-26A" },
            "severity": { "type": "string", "enum": ["error", "warning"], "example": "error" },
            "code": { "type": "string", "example": "unknown_location" },
            "message": { "type": "string", "example": "no location is called \"Lndon\"" },
            "suggestions": { "type": "array", "items": { "type": "string" }, "example": ["London"] },
        },
    });
    run_schema(
        "An import: its progress, and the document of the command once it has ended.",
        json!({
            "file": text(),
            "counts": counts(&["events", "sessions", "created", "updated", "unchanged", "duplicate", "rejected"]),
            "delivery": delivery(),
            "problems": { "type": "array", "items": problem },
            "problems_total": { "type": "integer", "minimum": 0 },
            "report": { "type": ["string", "null"], "description": "Address of the workbook with the rejected rows.",
                        "example": "/api/imports/12/report" },
            "undone_run": { "type": ["integer", "null"], "format": "int64", "description": "An undo: the import that it undoes." },
        }),
    )
}

fn publication() -> Value {
    json!({
        "type": "object", "required": ["run_id", "published_run", "asked", "already", "delivery"],
        "properties": {
            "run_id": { "type": ["integer", "null"], "format": "int64", "description": "The new run; null if nothing is left to publish." },
            "published_run": { "type": "integer", "format": "int64", "description": "The import." },
            "asked": { "type": "array", "items": { "type": "string" }, "description": "Titles of the events to publish." },
            "already": { "type": "integer", "minimum": 0, "description": "Events that are published or cancelled." },
            "delivery": delivery(),
        },
    })
}
