//! Schemas of runs for the description of the API.

use serde_json::{Value, json};

use crate::http::openapi::ApiPart;

/// Returns the schemas that the runs of every queue share.
pub fn schemas() -> ApiPart {
    let run = run_properties();
    let mut summary = run.clone();
    summary["entity"] = json!({ "type": "string", "description": "Syncs: what is synchronised." });
    summary["file"] = json!({ "type": "string", "description": "Imports: name of the workbook." });
    summary["counts"] =
        json!({ "type": ["object", "null"], "description": "Counts of the result; null until there is one." });
    let list = json!({
        "type": "object", "required": ["results", "next_cursor"],
        "properties": {
            "results": { "type": "array", "items": { "type": "object", "properties": summary } },
            "next_cursor": { "type": ["string", "null"], "description": "`cursor` of the next page; null on the last one." },
        },
    });
    let queued = json!({
        "type": "object", "required": ["run_id", "state"],
        "properties": { "run_id": run["run_id"], "state": run["state"] },
    });
    let due = json!({
        "type": "object", "required": ["due"], "properties": { "due": { "type": "integer", "minimum": 0 } },
    });
    ApiPart::default().with_schema("RunList", list).with_schema("QueuedRun", queued).with_schema("Due", due)
}

/// Returns the properties that every run has, to which a module adds its own.
pub fn run_properties() -> Value {
    let time = |about: &str| json!({ "type": ["string", "null"], "format": "date-time", "description": about });
    json!({
        "run_id": { "type": "integer", "format": "int64", "description": "Number of the run." },
        "state": {
            "type": "string", "enum": ["queued", "running", "cancelling", "cancelled", "done", "interrupted"],
            "example": "done",
        },
        "dry_run": { "type": "boolean", "description": "Whether the run plans only." },
        "exit_code": {
            "type": ["integer", "null"], "example": 0,
            "description": "Exit code of the command: 0 done, 4 done but something needs attention; null until it has ended.",
        },
        "started_at": time("When the run began; null while it is queued."),
        "finished_at": time("When the run ended; null until then."),
    })
}

/// Returns the schema of a run: what every run has, and further properties.
pub fn run_schema(about: &str, more: Value) -> Value {
    let mut properties = run_properties();
    if let (Some(properties), Value::Object(more)) = (properties.as_object_mut(), more) {
        properties.extend(more);
    }
    json!({
        "type": "object", "description": about, "required": ["run_id", "state", "exit_code", "started_at", "finished_at"],
        "properties": properties,
    })
}
