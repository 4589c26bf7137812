//! The page at `/docs`: every operation of the API with its parameters, responses and a call of curl.

use askama::Template;
use serde_json::Value;

use crate::web::frame::{Frame, NavPlace};

#[derive(Template)]
#[template(path = "serve/docs.html")]
struct DocsPage {
    frame: Frame,
    version: String,
    about: Vec<String>,
    groups: Vec<GroupView>,
}

struct GroupView {
    name: String,
    about: String,
    operations: Vec<OperationView>,
}

struct OperationView {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    needs_token: bool,
    parameters: Vec<ParameterView>,
    body: Option<String>,
    responses: Vec<ResponseView>,
    curl: String,
}

struct ParameterView {
    name: String,
    place: String,
    kind: String,
    is_required: bool,
    about: String,
}

struct ResponseView {
    status: String,
    about: String,
    example: Option<String>,
}

/// Renders the page. `address`: the server in the calls of curl.
pub fn render(document: &Value, address: &str) -> String {
    let groups = document["tags"].as_array().into_iter().flatten().map(|tag| {
        let name = text(&tag["name"]);
        GroupView { about: text(&tag["description"]), operations: operations(document, &name, address), name }
    });
    let page = DocsPage {
        frame: Frame::public("API", NavPlace::Elsewhere),
        version: text(&document["info"]["version"]),
        about: text(&document["info"]["description"]).replace('`', "").split("\n\n").map(str::to_owned).collect(),
        groups: groups.collect(),
    };
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "cannot render the page of the API");
        String::new()
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns the operations of a group.
fn operations(document: &Value, tag: &str, address: &str) -> Vec<OperationView> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let operation = &methods[method];
            if operation["tags"][0] == tag {
                found.push(view(document, operation, (method, path), address));
            }
        }
    }
    found
}

fn view(document: &Value, operation: &Value, (method, path): (&str, &str), address: &str) -> OperationView {
    let parameters: Vec<&Value> =
        operation["parameters"].as_array().into_iter().flatten().map(|one| resolved(document, one)).collect();
    let needs_token = operation.get("security").is_none();
    let example = &operation["requestBody"]["content"]["application/json"]["example"];
    let responses = operation["responses"].as_object().into_iter().flatten().map(|(status, response)| {
        let response = resolved(document, response);
        let example = &response["content"]["application/json"]["example"];
        let example = (!example.is_null()).then(|| pretty(example));
        ResponseView { status: status.clone(), about: text(&response["description"]), example }
    });
    OperationView {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: text(&operation["description"]).replace('`', ""),
        needs_token,
        curl: curl(operation, (method, path), &parameters, address),
        parameters: parameters.into_iter().map(parameter_view).collect(),
        body: (!example.is_null()).then(|| pretty(example)),
        responses: responses.collect(),
    }
}

/// Follows a reference to a component.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#'))) {
        Some(target) => target,
        None => value,
    }
}

fn parameter_view(parameter: &Value) -> ParameterView {
    let schema = &parameter["schema"];
    let kind = match schema["type"].as_str() {
        Some("array") => format!("list of {}", schema["items"]["type"].as_str().unwrap_or("values")),
        Some(kind) => kind.to_owned(),
        None => "text".to_owned(),
    };
    ParameterView {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        kind,
        is_required: parameter["required"] == true,
        about: text(&parameter["description"]).replace('`', ""),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Returns a call that can be pasted into a shell.
fn curl(operation: &Value, (method, path): (&str, &str), parameters: &[&Value], address: &str) -> String {
    let (mut path, mut query) = (path.to_owned(), Vec::new());
    for parameter in parameters {
        let example = match &parameter["example"] {
            Value::String(text) => text.clone(),
            Value::Null => "1".to_owned(),
            other => other.to_string(),
        };
        let name = parameter["name"].as_str().unwrap_or_default();
        match parameter["in"].as_str() {
            Some("path") => path = path.replace(&format!("{{{name}}}"), &example),
            Some("query") if parameter["required"] == true || name == "q" => {
                let encoded = percent_encoding::utf8_percent_encode(&example, percent_encoding::NON_ALPHANUMERIC);
                query.push(format!("{name}={encoded}"));
            }
            _ => {}
        }
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let mut call = match method {
        "get" => format!("curl '{address}{path}{query}'"),
        method => format!("curl -X {} '{address}{path}{query}'", method.to_uppercase()),
    };
    if operation.get("security").is_none() {
        call.push_str(" \\\n  -H \"Authorization: Bearer $LECTERN_TOKEN\"");
    }
    let content = &operation["requestBody"]["content"];
    if content["multipart/form-data"].is_object() {
        call.push_str(" \\\n  -F file=@timetable.xlsx");
    } else if content["application/json"]["example"].is_object() {
        let body = content["application/json"]["example"].to_string().replace('\'', "'\\''");
        call.push_str(&format!(" \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"));
    }
    call
}
