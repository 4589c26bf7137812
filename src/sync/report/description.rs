//! The schema of a sync for the description of the API.

use serde_json::{Value, json};

use crate::jobs::description::run_schema;

/// Returns the schema of the document of a sync.
pub fn sync_run() -> Value {
    let name = || json!({ "type": ["string", "null"], "example": "London" });
    let records = |about: &str, id: Value, key: &str| {
        let mut properties = json!({ "name": name() });
        properties[key] = id;
        json!({ "type": "array", "description": about, "items": { "type": "object", "properties": properties } })
    };
    let id = || json!({ "type": "integer", "format": "int64" });
    let external = || json!({ "type": "string", "description": "Id in Administrate." });
    let mut counts = json!({});
    for key in ["fetched", "created", "updated", "unchanged", "pruned", "skipped", "errors"] {
        counts[key] = json!({ "type": "integer", "minimum": 0 });
    }
    run_schema(
        "A sync: its progress, and the report of the command once it has ended. A sync of all entities has `reports`.",
        json!({
            "entity": { "type": "string" },
            "counts": { "type": "object", "properties": counts },
            "unmatched_local": records("Records that Administrate does not have.", id(), "id"),
            "unmatched_remote": records("Records of Administrate that do not exist here.", external(), "external_id"),
            "ambiguous": {
                "type": "array", "description": "Records with several namesakes.",
                "items": {
                    "type": "object",
                    "properties": {
                        "key": { "type": "string", "example": "london" },
                        "local": records("Records here.", id(), "id"),
                        "remote": records("Records of Administrate.", external(), "external_id"),
                    },
                },
            },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": { "external_id": { "type": ["string", "null"] }, "message": { "type": "string" } },
                },
            },
            "reports": { "type": "array", "description": "Sync of all: the report of each entity.", "items": { "type": "object" } },
        }),
    )
}
