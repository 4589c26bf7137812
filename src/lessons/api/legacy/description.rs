//! Describes the older addresses.

use serde_json::{Value, json};

use super::redirects::PATHS;
use crate::http::openapi::ApiPart;

/// Adds the older addresses to the description of those to which they lead.
pub fn describe(mut part: ApiPart) -> ApiPart {
    for older in &PATHS {
        let mut operations = serde_json::Map::new();
        for method in older.methods {
            let name = method.as_str().to_ascii_lowercase();
            let known = &part.paths[older.target][&name];
            let mut operation = json!({
                "operationId": operation_id(older.path, &name), "tags": ["lessons"], "deprecated": true,
                "security": [{}], "summary": summary(older.path, known),
                "description": "Leads to the address of today, with the method, the body and the parameters that were given. \
                                There it returns the shapes of older front ends.",
                "responses": { "308": {
                    "description": "The address of today.",
                    "headers": {
                        "Deprecation": { "$ref": "#/components/headers/Deprecation" },
                        "Location": { "schema": { "type": "string" }, "description": "The address of today." },
                    },
                } },
            });
            let parameters = known["parameters"].as_array().into_iter().flatten();
            let parameters: Vec<&Value> =
                parameters.filter(|one| one["in"] == "query" || one["in"] == "path").collect();
            operation["parameters"] = json!(parameters);
            operations.insert(name, operation);
        }
        part.paths.insert(older.path.to_owned(), operations.into());
    }
    part
}

fn operation_id(path: &str, method: &str) -> String {
    let words = path.trim_start_matches("/api/").split(['/', '-']).map(|word| word.trim_matches(['{', '}']));
    let capital = |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect();
    let words: Vec<String> = words.map(capital).collect();
    format!("{method}Older{}", words.concat())
}

fn summary(path: &str, known: &Value) -> String {
    let role = path.trim_start_matches("/api/").split('/').next().unwrap_or_default();
    format!("{} (older address of the {role})", known["summary"].as_str().unwrap_or_default().trim_end_matches('.'))
}
