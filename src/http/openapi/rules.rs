//! What holds for every operation of a kind, so that no handler repeats it.

use serde_json::{Value, json};

use super::components::{problem_reference, reference};

/// Adds path parameters, headers and error responses to an operation.
pub fn complete(path: &str, method: &str, operation: &mut Value) {
    if operation["description"].as_str().is_none_or(str::is_empty) {
        operation["description"] = operation["summary"].clone();
    }
    // The first line of a comment is a sentence; a summary is a heading.
    let summary = operation["summary"].as_str().unwrap_or_default().trim_end_matches('.').to_owned();
    operation["summary"] = summary.into();
    let needs_token = operation.get("security").is_none();
    let takes_json = operation["requestBody"]["content"].get("application/json").is_some();
    let is_api = path.starts_with("/api/");
    add_path_parameters(path, operation);
    if operation["responses"]["200"]["headers"].get("ETag").is_some() && method == "get" {
        add_parameter(operation, reference("parameters", "IfNoneMatch"));
        let headers = json!({ "ETag": reference("headers", "ETag") });
        add_response(
            operation,
            "304",
            || json!({ "description": "The client has this document.", "headers": headers }),
        );
    }
    let mut statuses = vec!["408", "500", "503"];
    if is_api {
        statuses.push("400");
    }
    if needs_token {
        statuses.extend(["401", "403"]);
    }
    if path.contains('{') {
        statuses.push("404");
    }
    if takes_json {
        statuses.extend(["413", "415"]);
    }
    if needs_token && takes_json {
        statuses.push("422");
    }
    if needs_token && method == "post" && is_api {
        add_parameter(operation, reference("parameters", "IdempotencyKey"));
        statuses.extend(["409", "413", "422"]);
    }
    let has_if_match = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|parameter| parameter["$ref"] == "#/components/parameters/IfMatch");
    if has_if_match {
        statuses.extend(["412", "428"]);
    }
    for status in statuses {
        add_response(operation, status, || problem_reference(status));
    }
    replace_short_responses(operation);
    if is_api {
        // Refused before it is routed, therefore without a document.
        add_response(operation, "414", || json!({ "description": "The address is too long." }));
    }
}

/// A handler names a further error status without a body: it is the shared response.
fn replace_short_responses(operation: &mut Value) {
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut() {
        let is_error = status.starts_with(['4', '5']);
        if is_error && response.get("$ref").is_none() && response.get("content").is_none() {
            *response = problem_reference(status);
        }
    }
}

fn add_response(operation: &mut Value, status: &str, response: impl FnOnce() -> Value) {
    let known = operation["responses"].get(status).is_some();
    if !known {
        operation["responses"][status] = response();
    }
}

fn add_parameter(operation: &mut Value, parameter: Value) {
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(known) if known.contains(&parameter) => {}
        Some(known) => known.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
}

/// Adds the ids in a path that the handler does not describe itself.
fn add_path_parameters(path: &str, operation: &mut Value) {
    let names: Vec<&str> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    for name in names {
        let known = operation["parameters"].as_array().into_iter().flatten();
        if known.clone().any(|parameter| parameter["in"] == "path" && parameter["name"] == name) {
            continue;
        }
        let about = match name {
            "run" => "Number of the run.",
            _ => "Id of the record.",
        };
        let schema = json!({ "type": "integer", "format": "int64", "minimum": 1 });
        let parameter = json!({ "name": name, "in": "path", "required": true, "description": about, "schema": schema, "example": 12 });
        add_parameter(operation, parameter);
    }
}
