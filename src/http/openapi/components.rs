//! What operations share: schemas of errors, headers, parameters and ways to authenticate.

use serde_json::{Map, Value, json};

/// The error responses: status, name of the component, and meaning.
pub const PROBLEMS: &[(&str, &str, &str)] = &[
    ("400", "BadRequest", "The request is malformed: a parameter or field is unknown, missing or of a wrong type."),
    ("401", "Unauthorized", "A token is required, or the token is unknown, revoked or expired."),
    ("403", "Forbidden", "The role of the token does not suffice."),
    ("404", "NotFound", "There is no such record."),
    ("408", "Timeout", "The request made no progress for too long."),
    (
        "409",
        "Conflict",
        "The state of other records forbids the change, a value must be unique, or the request with this Idempotency-Key \
         is still executed.",
    ),
    ("412", "PreconditionFailed", "The record has changed since it was read."),
    ("413", "TooLarge", "The body is too large."),
    ("415", "UnsupportedType", "The content type of the body is not accepted."),
    ("422", "Unprocessable", "The request breaks a rule, or its Idempotency-Key was used for another request."),
    ("428", "PreconditionRequired", "If-Match is required by a setting."),
    ("429", "TooManyRequests", "The token has too many open streams."),
    ("500", "InternalError", "The server failed. Its log says why."),
    ("502", "BadGateway", "Administrate refused a request, or cannot be reached."),
    ("503", "Unavailable", "The database does not respond, or the catalogue is not loaded yet."),
    ("507", "InsufficientStorage", "The disk of the server is full."),
];

/// Returns the reference to the response of an error status.
pub fn problem_reference(status: &str) -> Value {
    let name = PROBLEMS.iter().find(|(known, ..)| *known == status).map_or("InternalError", |(_, name, _)| name);
    json!({ "$ref": format!("#/components/responses/{name}") })
}

pub fn responses() -> Value {
    let response = |(status, name, about): &(&str, &str, &str)| {
        let mut response = json!({
            "description": about,
            "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" },
                "example": {
                    "type": "about:blank", "title": title(status), "status": status.parse::<u16>().unwrap_or_default(),
                    "detail": about.trim_end_matches('.'),
                },
            } },
        });
        match *status {
            "401" | "403" => {
                response["headers"] = json!({ "WWW-Authenticate": reference("headers", "WWW-Authenticate") })
            }
            "409" | "429" | "503" => {
                response["headers"] = json!({ "Retry-After": reference("headers", "Retry-After") })
            }
            _ => {}
        }
        ((*name).to_owned(), response)
    };
    Value::Object(PROBLEMS.iter().map(response).collect())
}

fn title(status: &str) -> &'static str {
    let code = axum::http::StatusCode::from_bytes(status.as_bytes()).ok();
    code.and_then(|code| code.canonical_reason()).unwrap_or_default()
}

pub fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

pub fn schemas() -> Map<String, Value> {
    let text = |about: &str| json!({ "type": "string", "description": about });
    let rows = |about: &str| json!({ "type": "array", "description": about, "items": { "type": "object" } });
    let error = json!({
        "type": "object",
        "description": "One field at fault.",
        "required": ["pointer", "code", "message"],
        "properties": {
            "pointer": text("JSON pointer (RFC 6901) into the body, or `/name` of a parameter in the address."),
            "code": text("Stable code for programs."),
            "message": text("Text for users."),
        },
    });
    let problem = json!({
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": text("Always about:blank."),
            "title": text("The name of the status."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": text("What failed, and what to do."),
            "errors": {
                "type": "array", "description": "The fields at fault.",
                "items": { "$ref": "#/components/schemas/FieldError" },
            },
            "more_errors": { "type": "integer", "description": "Number of errors that are not listed; absent: 0." },
            "blockers": rows("The rows that forbid a deletion, each with `table`, `id` and `name`."),
            "cascades": rows("The rows that would be deleted too."),
            "clashes": rows("Sessions at the same time in the same venue or with the same instructor."),
            "error": text("Routes of the shop: the same as `detail`."),
            "details": {
                "type": "object", "description": "Routes of the shop: messages by field.",
                "additionalProperties": { "type": "array", "items": { "type": "string" } },
            },
        },
    });
    [("FieldError".to_owned(), error), ("Problem".to_owned(), problem)].into_iter().collect()
}

pub fn security_schemes() -> Value {
    json!({ "token": {
        "type": "http", "scheme": "bearer",
        "description": "A token of `lectern token create`. Roles: admin may do everything; operator imports, syncs and \
                        edits; reader reads.",
    }, "signature": {
        "type": "apiKey", "in": "header", "name": "x-administrate-signature",
        "description": "HMAC of a delivery and its time, made by Administrate with the secret of the webhooks.",
    } })
}

pub fn parameters() -> Value {
    let header = |name: &str, about: &str, example: &str| json!({ "name": name, "in": "header", "description": about, "schema": { "type": "string" }, "example": example });
    json!({
        "IfMatch": header(
            "If-Match", "ETag of the record as it was read: a record that has changed since then is not overwritten (412).",
            "\"8d969eef6ecad3c29a3a629280e686cf\"",
        ),
        "IfNoneMatch": header(
            "If-None-Match", "ETag of the document that the client has: 304 if it is unchanged.",
            "\"8d969eef6ecad3c29a3a629280e686cf\"",
        ),
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header",
            "description": "A name that the client chooses for this request. A repeated request with the same key within a \
                            day is not executed again and receives the same response.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" },
            "example": "import-2026-04",
        },
    })
}

pub fn headers() -> Value {
    let header = |about: &str, schema: Value| json!({ "description": about, "schema": schema });
    let text = || json!({ "type": "string" });
    json!({
        "ETag": header("Version of the document.", text()),
        "Location": header("Address of the new record.", text()),
        "Retry-After": header("Seconds to wait before the next request.", json!({ "type": "integer" })),
        "WWW-Authenticate": header("How to authenticate (RFC 6750).", text()),
        "X-Catalogue-Version": header("Version of the catalogue from which the response was made.", json!({ "type": "integer" })),
        "Deprecation": header("When the route was deprecated (RFC 9745).", text()),
        "Idempotency-Replayed": header("`true` if the response is a repeated one.", text()),
    })
}
