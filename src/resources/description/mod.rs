//! The routes of table resources for the description of the API, made from the same data as the routes.

mod fields;
mod operations;

use serde_json::{Value, json};

use super::{Audience, FieldUsage, IncludedContent, TableResource};
use crate::http::openapi::ApiPart;

/// Describes the routes of resources. `is_public`: whether their readers need no token.
pub fn describe(resources: &[&'static TableResource], is_public: bool) -> ApiPart {
    let mut part = ApiPart::default();
    for resource in resources {
        let described = DescribedResource { resource, all: resources, is_public };
        part.paths.insert(resource.path.to_owned(), described.list_operations());
        part.paths.insert(resource.item_path.to_owned(), described.item_operations());
        let name = described.name();
        part.schemas.insert(name.clone(), described.document());
        part.schemas.insert(format!("{name}Input"), described.input(false));
        part.schemas.insert(format!("{name}Change"), described.input(true));
        part.schemas.insert(format!("{name}List"), list_schema(&name, resource.noun));
        for include in resource.includes {
            if let IncludedContent::Rows { resource, own } = include.content {
                let mut schema = DescribedResource { resource, all: resources, is_public }.input(false);
                // The field with the id of the row, which does not exist yet.
                if let Some(required) = schema["required"].as_array_mut() {
                    required.retain(|name| name != own);
                }
                part.schemas.insert(format!("{}Part", name_of(resource)), schema);
            }
        }
        if let Some(nested) = &resource.nested {
            part.paths.insert(nested.path.to_owned(), described.nested_operations(nested));
        }
    }
    part
}

/// A resource in the description.
struct DescribedResource<'a> {
    resource: &'static TableResource,
    /// All resources of the same part.
    all: &'a [&'static TableResource],
    is_public: bool,
}

impl DescribedResource<'_> {
    /// Returns the name of the document, such as `ExamSession`.
    fn name(&self) -> String {
        name_of(self.resource)
    }

    fn tag(&self) -> &'static str {
        match self.resource.tag {
            "" => self.resource.path.split('/').nth(2).unwrap_or_default(),
            tag => tag,
        }
    }

    /// Returns the schema of a document as it is read.
    fn document(&self) -> Value {
        let (mut properties, mut required) = (json!({}), Vec::new());
        for field in self.resource.fields {
            properties[field.name] = fields::read_schema(field);
            if field.audience == Audience::Public {
                required.push(field.name);
            }
        }
        for include in self.resource.includes {
            let mut schema = json!({ "type": "array", "description": "Returned when `include` names it." });
            // A part is called as the list of its documents.
            let of = match &include.content {
                IncludedContent::Rows { resource, .. } => Some(*resource),
                IncludedContent::Expression(_) => {
                    self.all.iter().copied().find(|other| last_segment(other.path) == include.name)
                }
            };
            schema["items"] = match of {
                Some(resource) => {
                    let name = DescribedResource { resource, ..*self }.name();
                    json!({ "$ref": format!("#/components/schemas/{name}") })
                }
                None => json!({ "type": "object" }),
            };
            properties[include.name] = schema;
        }
        json!({
            "type": "object", "description": format!("One {}.", self.resource.noun), "required": required,
            "properties": properties,
        })
    }

    /// Returns the schema of a body. A change may leave out every field.
    fn input(&self, is_change: bool) -> Value {
        let (mut properties, mut required) = (json!({}), Vec::new());
        for field in self.resource.fields {
            properties[field.name] = match field.usage {
                FieldUsage::ReadOnly => fields::ignored_schema(field),
                _ => fields::written_schema(field),
            };
            if matches!(field.usage, FieldUsage::Required) && !is_change {
                required.push(field.name);
            }
        }
        for include in self.resource.includes.iter().filter(|_| !is_change) {
            if let IncludedContent::Rows { resource, .. } = include.content {
                let items = json!({ "$ref": format!("#/components/schemas/{}Part", name_of(resource)) });
                properties[include.name] = json!({
                    "type": "array", "items": items, "description": "Created with the record.",
                });
            }
        }
        let inputs = self.resource.inputs.iter().filter(|_| !is_change);
        for field in inputs {
            properties[field.name] = fields::written_schema(field);
        }
        let about = match is_change {
            true => format!("Fields of {} to change. Others stay.", with_article(self.resource.noun)),
            false => format!("What is written of {}. Read-only fields are ignored.", with_article(self.resource.noun)),
        };
        let mut schema = json!({
            "type": "object", "description": about, "properties": properties, "additionalProperties": false,
        });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }
}

/// Returns the name of the documents of a resource.
fn name_of(resource: &TableResource) -> String {
    match resource.schema_name {
        "" => pascal_case(singular(last_segment(resource.path))),
        name => name.to_owned(),
    }
}

fn list_schema(name: &str, noun: &str) -> Value {
    let address = |about: &str| json!({ "type": ["string", "null"], "format": "uri", "description": about });
    json!({
        "type": "object", "description": format!("One page of a list; each result is {}.", with_article(noun)),
        "required": ["count", "next", "previous", "results"],
        "properties": {
            "count": { "type": "integer", "minimum": 0, "description": "Number of records on all pages." },
            "next": address("Address of the next page; null on the last one."),
            "previous": address("Address of the previous page; null on the first one."),
            "results": { "type": "array", "items": { "$ref": format!("#/components/schemas/{name}") } },
        },
    })
}

/// Returns `a subject` or `an exam session`.
fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn singular(plural: &str) -> &str {
    plural.strip_suffix('s').unwrap_or(plural)
}

fn pascal_case(words: &str) -> String {
    let capitalised = words.split(['-', '_', ' ']).map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    capitalised.collect()
}
