//! The operations of a resource.

use serde_json::{Value, json};

use super::{DescribedResource, pascal_case, with_article};
use crate::resources::api::AS_OF;
use crate::resources::{Audience, DocumentFilter, FilterKind, NestedList, ResourceField, ValueKind};

impl DescribedResource<'_> {
    /// Describes the operations of the list.
    pub(super) fn list_operations(&self) -> Value {
        let (name, noun) = (self.name(), with_article(self.resource.noun));
        let plural = match self.resource.schema_name {
            "" => pascal_case(super::last_segment(self.resource.path)),
            name => format!("{name}s"),
        };
        let mut list = self.operation(
            &format!("list{plural}"),
            &format!("List {}", self.plural_noun()),
            &format!("Returns a page of the list. Parameters with the name of a field filter; a repeated one accepts several \
                      values, and an empty one finds records without a value. Each result is {noun}."),
        );
        list["parameters"] = self.list_parameters();
        list["responses"] = json!({ "200": response("One page of the list.", &reference(&format!("{name}List"))) });
        self.open(&mut list);
        let mut create = self.operation(
            &format!("create{name}"),
            &format!("Create {noun}"),
            "Creates one record, or all records of a list or none of them.",
        );
        let (input, document) = (reference(&format!("{name}Input")), reference(&name));
        create["requestBody"] = body(&one_or_more(&input));
        create["parameters"] = Self::hook_parameters(self.resource.write_parameters).into();
        let mut created = response("The new record, or the list of new records.", &one_or_more(&document));
        created["headers"] = json!({ "ETag": header("ETag"), "Location": header("Location") });
        create["responses"] = json!({ "201": created });
        json!({ "get": list, "post": create })
    }

    /// Describes the operations of the list below a row of another resource.
    pub(super) fn nested_operations(&self, nested: &NestedList) -> Value {
        let mut operations = self.list_operations();
        let of = pascal_case(nested.parent.noun);
        for operation in operations.as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
            let id = operation["operationId"].as_str().unwrap_or_default();
            operation["operationId"] = format!("{id}Of{of}").into();
            let summary = operation["summary"].as_str().unwrap_or_default();
            operation["summary"] = format!("{summary} of {}", with_article(nested.parent.noun)).into();
        }
        let body = &mut operations["post"]["requestBody"]["content"]["application/json"]["schema"];
        *body = one_or_more(&reference(&format!("{}Part", self.name())));
        operations
    }

    /// Describes the parameters of writes that the hooks read.
    fn hook_parameters(names: &[&'static str]) -> Vec<Value> {
        let parameter = |name: &&str| match *name {
            "remote" => query(
                name,
                "What happens in Administrate, where the record is known there.",
                json!({ "type": "string", "enum": ["keep", "cancel", "delete"] }),
            ),
            _ => query(name, "1: allow what the name says.", json!({ "type": "integer", "enum": [0, 1] })),
        };
        names.iter().map(parameter).collect()
    }

    /// Describes the operations of one document.
    pub(super) fn item_operations(&self) -> Value {
        let (name, noun) = (self.name(), with_article(self.resource.noun));
        let document = |about: &str| {
            let mut response = response(about, &reference(&name));
            response["headers"] = json!({ "ETag": header("ETag") });
            json!({ "200": response })
        };
        let mut read =
            self.operation(&format!("get{name}"), &format!("Read {noun}"), "Returns the record and its ETag.");
        let past = self.resource.past.map(|_| {
            let about = "The record as it was at this time. Needs a token.";
            query(AS_OF, about, json!({ "type": "string", "format": "date-time" }))
        });
        read["parameters"] = self.include_parameter().into_iter().chain(past).collect();
        read["responses"] = document("The record.");
        self.open(&mut read);
        let if_match = json!([{ "$ref": "#/components/parameters/IfMatch" }]);
        let mut replace = self.operation(
            &format!("replace{name}"),
            &format!("Replace {noun}"),
            "Writes all fields. A field that is not given gets its default; a list that is not given stays.",
        );
        let mut written = if_match.clone();
        if let Some(parameters) = written.as_array_mut() {
            parameters.extend(Self::hook_parameters(self.resource.write_parameters));
        }
        replace["parameters"] = written.clone();
        replace["requestBody"] = body(&reference(&format!("{name}Input")));
        replace["responses"] = document("The record as it is now.");
        let mut change = self.operation(
            &format!("update{name}"),
            &format!("Change {noun}"),
            "Writes the fields that are given. Others stay; null removes the value of an optional field.",
        );
        change["parameters"] = written;
        change["requestBody"] = body(&reference(&format!("{name}Change")));
        change["responses"] = document("The record as it is now.");
        for operation in [&mut replace, &mut change] {
            operation["responses"]["409"] = json!({ "description": "" });
        }
        json!({ "get": read, "put": replace, "patch": change, "delete": self.removal(&if_match) })
    }

    fn removal(&self, if_match: &Value) -> Value {
        let mut remove = self.operation(
            &format!("delete{}", self.name()),
            &format!("Delete {}", with_article(self.resource.noun)),
            "Deletes the record with its parts. 409 lists the records that forbid it, or that would be deleted too.",
        );
        remove["parameters"] = if_match.clone();
        if let Some(parameters) = remove["parameters"].as_array_mut() {
            parameters.push(json!({
                "name": "cascade", "in": "query", "schema": { "type": "integer", "enum": [0, 1] },
                "description": "1: also delete the records that belong to it. Only for admins.",
            }));
            parameters.extend(Self::hook_parameters(self.resource.deletion_parameters));
        }
        remove["responses"] =
            json!({ "204": { "description": "The record is deleted." }, "409": { "description": "" } });
        remove
    }

    fn operation(&self, id: &str, summary: &str, description: &str) -> Value {
        json!({ "operationId": id, "tags": [self.tag()], "summary": summary, "description": description })
    }

    fn plural_noun(&self) -> String {
        super::last_segment(self.resource.path).replace('-', " ")
    }

    /// Marks an operation that needs no token.
    fn open(&self, operation: &mut Value) {
        if self.is_public {
            operation["security"] = json!([{}, { "token": [] }]);
            if self.resource.fields.iter().any(|field| field.audience > Audience::Public) {
                // Ordering and filtering by a field that not everyone sees.
                operation["responses"]["401"] = json!({ "description": "" });
                operation["responses"]["403"] = json!({ "description": "" });
            }
        }
    }

    fn list_parameters(&self) -> Value {
        let scalar = || self.resource.fields.iter().filter(|field| field.kind.is_scalar());
        let orders: Vec<String> =
            scalar().flat_map(|field| [field.name.to_owned(), format!("-{}", field.name)]).collect();
        let mut parameters = vec![
            query(
                "page",
                "Number of the page, from 1.",
                json!({ "type": "integer", "minimum": 1, "maximum": 2_147_483_647, "default": 1 }),
            ),
            query(
                "page_size",
                "Records of a page.",
                json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 }),
            ),
            listed("ordering", "Fields, the first one first; - for descending.", &orders),
        ];
        parameters.extend(self.include_parameter());
        let filters = self.resource.filters;
        parameters.extend(filters.iter().map(document_filter));
        parameters.extend(scalar().filter(|field| filters.iter().all(|known| known.name != field.name)).map(filter));
        parameters.into()
    }

    fn include_parameter(&self) -> Option<Value> {
        let parts: Vec<String> = self.resource.includes.iter().map(|include| include.name.to_owned()).collect();
        (!parts.is_empty()).then(|| listed("include", "Parts to return with each record.", &parts))
    }
}

fn document_filter(filter: &DocumentFilter) -> Value {
    let about = match filter.kind {
        FilterKind::Named { .. } => "Ids or names; repeated values are alternatives.",
        FilterKind::From(_) => "Only records on or after this day or time.",
        FilterKind::Until(_) => "Only records on or before this day or time.",
    };
    let mut parameter = query(filter.name, about, json!({ "type": "array", "items": { "type": "string" } }));
    parameter["style"] = "form".into();
    parameter["explode"] = true.into();
    parameter
}

fn filter(field: &ResourceField) -> Value {
    let items = match &field.kind {
        ValueKind::Flag => json!({ "type": "boolean" }),
        ValueKind::Integer { .. } | ValueKind::Reference(_) => json!({ "type": "integer", "format": "int64" }),
        ValueKind::Amount => json!({ "type": "string", "pattern": "^[0-9]{1,8}(\\.[0-9]{1,2})?$" }),
        ValueKind::Instant { .. } | ValueKind::Time => json!({ "type": "string", "format": "date-time" }),
        ValueKind::Date => json!({ "type": "string", "format": "date" }),
        ValueKind::Choice(words) => json!({ "type": "string", "enum": words }),
        ValueKind::Currency => json!({ "type": "string", "pattern": "^[A-Za-z]{3}$" }),
        _ => json!({ "type": "string", "maxLength": 1000 }),
    };
    let about = format!("Only records whose `{}` has one of these values.", field.name);
    let mut parameter = query(field.name, &about, json!({ "type": "array", "items": items }));
    parameter["style"] = "form".into();
    parameter["explode"] = true.into();
    parameter
}

fn query(name: &str, about: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": about, "schema": schema })
}

/// A parameter with several words, separated by commas.
fn listed(name: &str, about: &str, words: &[String]) -> Value {
    let schema = json!({ "type": "array", "items": { "type": "string", "enum": words } });
    let mut parameter = query(name, about, schema);
    parameter["style"] = "form".into();
    parameter["explode"] = false.into();
    parameter
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn one_or_more(schema: &Value) -> Value {
    json!({ "oneOf": [schema, { "type": "array", "items": schema }] })
}

fn response(about: &str, schema: &Value) -> Value {
    json!({ "description": about, "content": { "application/json": { "schema": schema } } })
}

fn body(schema: &Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}
