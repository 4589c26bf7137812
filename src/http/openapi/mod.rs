//! The description of the API as an OpenAPI 3.1 document.
//!
//! A module describes its own routes: handlers with `utoipa`, tables of `resources` from their data. [`document`] joins the
//! parts and adds what holds for every route of a kind: its error responses, headers and path parameters, and examples.

mod components;
mod examples;
mod rules;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The version of the OpenAPI specification.
const VERSION: &str = "3.1.0";

const ABOUT: &str = "Lectern keeps a training provider's own PostgreSQL, its training management system and its \
timetables in step.\n\nJSON in and out, UTF-8. Times are RFC 3339 with an offset. Paths are the same with and without a \
trailing slash. Every error is a problem document (RFC 9457) whose `errors` point at the fields at fault. Parameters that \
a route does not know are refused with 400.\n\nThe command `lectern token create` creates a token for the routes that need one.";

/// The groups of operations, in the order in which a reader needs them.
const TAGS: &[(&str, &str)] = &[
    ("search", "Find products with their tutorial events and sessions, and bundles. No token is needed."),
    ("tutorials", "Events with their sessions, course templates, places and people."),
    ("catalogue", "Subjects, exam sessions, products, prices, bundles and groups."),
    ("imports", "Import timetable workbooks."),
    ("syncs", "Match reference data with Administrate."),
    ("outbox", "What has not reached Administrate yet."),
    ("shop", "Addresses of an existing shop, read-only. New programs use the routes of search and of the catalogue."),
    ("people", "Tutors, students and parents."),
    ("lessons", "Lessons of tutors and students."),
    ("webhooks", "Deliveries from Administrate."),
    ("sign-in", "Sessions of people. Programs use tokens instead."),
    ("service", "Health of the server, and this description."),
];

/// A part of the description: the routes of one module.
#[derive(Clone, Debug, Default)]
pub struct ApiPart {
    /// Operations by method, by path.
    pub paths: Map<String, Value>,
    /// Schemas by name.
    pub schemas: Map<String, Value>,
}

impl ApiPart {
    /// Takes over what `utoipa` derived from handlers.
    pub fn of(derived: &utoipa::openapi::OpenApi) -> ApiPart {
        let document = serde_json::to_value(derived).unwrap_or_default();
        let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
        ApiPart { paths: object(&document["paths"]), schemas: object(&document["components"]["schemas"]) }
    }

    /// Adds a schema.
    pub fn with_schema(mut self, name: &str, schema: Value) -> ApiPart {
        self.schemas.insert(name.to_owned(), schema);
        self
    }

    /// Adds the routes and schemas of another part.
    pub fn extend(&mut self, other: ApiPart) {
        for (path, operations) in other.paths {
            let known = self.paths.entry(path).or_insert_with(|| json!({}));
            if let (Some(known), Value::Object(more)) = (known.as_object_mut(), operations) {
                known.extend(more);
            }
        }
        self.schemas.extend(other.schemas);
    }
}

/// Returns the complete description.
pub fn document(parts: impl IntoIterator<Item = ApiPart>) -> Value {
    let mut all = ApiPart::default();
    parts.into_iter().for_each(|part| all.extend(part));
    let mut tags = BTreeSet::new();
    for (path, operations) in &mut all.paths {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            rules::complete(path, method, operation);
            tags.extend(
                operation["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned),
            );
        }
    }
    let mut schemas = components::schemas();
    schemas.extend(all.schemas);
    let used = TAGS.iter().filter(|(name, _)| tags.contains(*name));
    let tags: Vec<Value> = used.map(|(name, about)| json!({ "name": name, "description": about })).collect();
    let mut document = json!({
        "openapi": VERSION,
        "info": {
            "title": "Lectern",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A provider's catalogue, tutorials and timetables",
            "description": ABOUT,
            "contact": { "name": "The operator of this server" },
            "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This server" }],
        "security": [{ "token": [] }],
        "tags": tags,
        "paths": all.paths,
        "components": {
            "securitySchemes": components::security_schemes(),
            "parameters": components::parameters(),
            "headers": components::headers(),
            "responses": components::responses(),
            "schemas": schemas,
        },
    });
    examples::add(&mut document);
    remove_unused(&mut document);
    document
}

/// Removes components that nothing refers to, until none is left.
fn remove_unused(document: &mut Value) {
    loop {
        let mut used = BTreeSet::new();
        collect_references(document, &mut used);
        let mut is_complete = true;
        for kind in ["parameters", "headers", "responses", "schemas"] {
            let Some(known) = document["components"][kind].as_object_mut() else { continue };
            let before = known.len();
            known.retain(|name, _| used.contains(&format!("#/components/{kind}/{name}")));
            is_complete &= known.len() == before;
        }
        if is_complete {
            return;
        }
    }
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                found.insert(reference.to_owned());
            }
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
