//! What a tenant's API is like, where its documentation leaves that open.
//!
//! Every guess about Administrate stands in this file and nowhere else. The API itself is asked once, by introspection;
//! where it refuses, what is documented or was seen in use is assumed, and an error that names one of the guesses turns
//! that guess around, once. Confidence letters are those of the facts: D documented, O official code, C client code,
//! U introspected by others, G guessed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::document::{Arg, Document};
use crate::error::GraphqlError;
use crate::paging::connection;
use crate::schema::{Schema, TypeRef};

/// Operation and the input fields that are known of it.
const KNOWN_INPUTS: &[(&str, &[&str])] = &[
    (
        "event.createBlended", // C
        &[
            "courseTemplateId",
            "title",
            "eventType",
            "locationId",
            "venueId",
            "taxType",
            "timeZoneName",
            "classroomStartDateTime",
            "classroomEndDateTime",
            "lmsStartDateTime",
            "lmsEndDateTime",
            "maxPlaces",
            "customFieldValues",
        ],
    ),
    (
        "event.createLMS", // C, D
        &[
            "courseTemplateId",
            "title",
            "eventType",
            "locationId",
            "taxType",
            "timeZoneName",
            "lmsStartDateTime",
            "lmsEndDateTime",
            "customFieldValues",
        ],
    ),
    (
        "event.createClassroom", // O
        &[
            "courseTemplateId",
            "title",
            "eventType",
            "locationId",
            "venueId",
            "timeZoneName",
            "classroomStartDateTime",
            "classroomEndDateTime",
            "maxPlaces",
        ],
    ),
    (
        "event.update", // O, D
        &["title", "locationId", "timeZoneName", "lifecycleState", "maxPlaces", "isSoldOut", "customFieldValues"],
    ),
    ("event.delete", &["eventIds"]),                            // C
    ("event.addStaff", &["eventId", "contactId", "staffType"]), // O
    ("event.addStaffBulk", &[]),                                // O; its input is a list
    ("event.removeStaff", &["staffId", "notifyStaff"]),         // C
    (
        "session.update", // C, O
        &["title", "start", "end", "timeZoneName", "locationId", "venueId", "lifecycleState", "customFieldValues"],
    ),
    ("session.addStaff", &["sessionId", "contactIds", "staffType"]), // C
    ("session.delete", &["sessionIds"]),                             // C
    ("courseTemplate.update", &["approvedInstructors"]),             // C
    ("contact.create", &["accountId", "personalName"]),              // D
];

/// Fields of inputs that go by two names, the older first (D and C disagree).
const SPELLINGS: &[[&str; 2]] = &[["taxType", "taxTypeId"], ["timeZoneName", "timeZone"]];

/// How one tenant's API is spoken to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dialect {
    schema: Option<Arc<Schema>>,
    /// What errors taught, as `operation.field` for spellings, else the guess's own name.
    turned: BTreeSet<String>,
}

impl Dialect {
    /// The dialect of a tenant whose schema is known.
    pub(crate) fn introspected(schema: Schema) -> Self {
        Self { schema: Some(Arc::new(schema)), turned: BTreeSet::new() }
    }

    /// Whether introspection told the schema.
    pub(crate) fn is_introspected(&self) -> bool {
        self.schema.is_some()
    }

    /// Whether the mutation exists. Unknown ones (`location.create`, `venue.create`, `courseTemplate.create`) are G.
    pub(crate) fn offers(&self, operation: &str) -> bool {
        let path: Vec<_> = operation.split('.').collect();
        match &self.schema {
            Some(schema) => schema.has_mutation_field(&path),
            None => KNOWN_INPUTS.iter().any(|(known, _)| *known == operation),
        }
    }

    /// How the input field documented as `name` is called here; none where the mutation does not take it.
    pub(crate) fn input_field(&self, operation: &str, name: &'static str) -> Option<&'static str> {
        let spellings = SPELLINGS.iter().find(|spellings| spellings[0] == name);
        let Some(schema) = &self.schema else {
            let known = KNOWN_INPUTS.iter().find(|(known, _)| *known == operation)?.1;
            let turned = self.turned.contains(&format!("{operation}.{name}"));
            return match spellings {
                Some([_, newer]) if turned => Some(newer),
                _ => known.contains(&name).then_some(name),
            };
        };
        let path: Vec<_> = operation.split('.').collect();
        let input = schema.mutation_arg(&path, "input")?;
        let both = [name];
        let candidates = spellings.map_or(&both[..], |spellings| &spellings[..]);
        let found = candidates.iter().filter_map(|field| Some((*field, schema.input_field(&input.name, field)?)));
        // Where a tenant takes both, the one it insists on, else the newer.
        found.max_by_key(|(_, kind)| kind.is_required).map(|(field, _)| field)
    }

    /// The order argument of a list: `orderBy: [{field, direction}]` (D) or `order: {field, direction}` (O).
    pub(crate) fn ordering(&self, root: &str) -> Option<(&'static str, Arg)> {
        let by_id = Arg::Object(vec![("field", Arg::name("id")), ("direction", Arg::name("asc"))]);
        let Some(schema) = &self.schema else {
            return match (self.turned.contains("orderBy"), self.turned.contains("order")) {
                (false, _) => Some(("orderBy", Arg::List(vec![by_id]))),
                (true, false) => Some(("order", by_id)),
                (true, true) => None,
            };
        };
        let spelled = |name| Some((name, schema.query_arg(&[root], name)?));
        let (name, kind) = spelled("orderBy").or_else(|| spelled("order"))?;
        let field = schema.input_field(&kind.name, "field")?;
        if schema.is_enum(&field.name) && !schema.has_enum_value(&field.name, "id") {
            return None;
        }
        Some((name, if kind.is_list { Arg::List(vec![by_id]) } else { by_id }))
    }

    /// `text` unless `field` is known to be missing at the end of `path`: for fields that are documented or seen in use.
    pub(crate) fn known(&self, path: &[&str], field: &str, text: &str) -> String {
        let is_there = match &self.schema {
            Some(schema) => schema.has_query_field(&[path, &[field]].concat()),
            None => !self.turned.contains(field),
        };
        text_if(is_there, text)
    }

    /// `text` only where introspection shows what `path` leads to: for fields that are guesses.
    pub(crate) fn shown(&self, path: &[&str], text: &str) -> String {
        let schema = self.schema.as_ref();
        text_if(schema.is_some_and(|schema| schema.has_query_field(path)), text)
    }

    /// `text` unless the object type `kind` is known to lack `field`.
    pub(crate) fn of_type(&self, kind: &str, field: &str, text: &str) -> String {
        let is_there = match &self.schema {
            Some(schema) => schema.type_has(kind, field),
            None => !self.turned.contains(field),
        };
        text_if(is_there, text)
    }

    /// The selection of `customFieldValues` at `path`: by `definition` (C) or by `definitionKey` (O).
    pub(crate) fn custom_field_values(&self, path: &[&str]) -> String {
        let values = [path, &["customFieldValues"]].concat();
        let node = match &self.schema {
            None if self.turned.contains("definition") => "definitionKey value",
            None => "definition { key } value",
            Some(schema) => {
                let has = |field: &str| {
                    let inner = [&values[..], &[field]].concat();
                    let inside = [&values[..], &["edges", "node", field]].concat();
                    schema.has_query_field(&inner) || schema.has_query_field(&inside)
                };
                match (has("definition"), has("definitionKey")) {
                    (true, _) => "definition { key } value",
                    (false, true) => "definitionKey value",
                    (false, false) => return String::new(),
                }
            }
        };
        self.known(path, "customFieldValues", &self.list(&values, node))
    }

    /// A list that is documented as plain, as a connection where the tenant has one.
    pub(crate) fn list(&self, path: &[&str], node: &str) -> String {
        let edges = [path, &["edges"]].concat();
        let is_connection = self.schema.as_ref().is_some_and(|schema| schema.has_query_field(&edges));
        let field = path.last().copied().unwrap_or_default();
        if is_connection {
            format!("{field}(first: 100) {{ {} }}", connection(node))
        } else {
            format!("{field} {{ {node} }}")
        }
    }

    /// A page of the list `field` inside each node of the list `root`; empty where there is none.
    pub(crate) fn nested(&self, root: &str, field: &str, first: usize, offset: usize, node: &str) -> String {
        let path = [root, "edges", "node", field];
        let (exists, is_connection, pages) = match &self.schema {
            None => (!self.turned.contains(field), true, true),
            Some(schema) => (
                schema.has_query_field(&path),
                schema.has_query_field(&[&path[..], &["edges"]].concat()),
                schema.query_arg(&path, "first").is_some(),
            ),
        };
        let args = match (pages, offset) {
            (false, _) => String::new(),
            (true, 0) => format!("(first: {first})"),
            (true, offset) => format!("(first: {first}, offset: {offset})"),
        };
        match (exists, is_connection) {
            (false, _) => String::new(),
            (true, true) => format!("{field}{args} {{ {} }}", connection(node)),
            (true, false) => format!("{field}{args} {{ {node} }}"),
        }
    }

    /// The selection of a payload: the object that was written, and its errors.
    pub(crate) fn payload(&self, operation: &str, object: &str, selection: &str) -> String {
        let path: Vec<_> = operation.split('.').collect();
        let has = |field: &str| match &self.schema {
            Some(schema) => schema.has_mutation_field(&[&path[..], &[field]].concat()),
            None => true,
        };
        let errors = "errors { label message value }";
        if object.is_empty() || !has(object) {
            errors.to_owned()
        } else {
            format!("{object} {{ {selection} }} {errors}")
        }
    }

    /// A list inside a payload: a connection (rules), a plain list where the tenant has that.
    pub(crate) fn payload_list(&self, operation: &str, path: &[&str], node: &str) -> String {
        let operation: Vec<_> = operation.split('.').collect();
        let path = [&operation[..], path].concat();
        let field = path.last().copied().unwrap_or_default();
        let (exists, is_connection, pages) = match &self.schema {
            None => (true, !self.turned.contains("edges"), !self.turned.contains("edges")),
            Some(schema) => (
                schema.has_mutation_field(&path),
                schema.has_mutation_field(&[&path[..], &["edges"]].concat()),
                schema.mutation_arg(&path, "first").is_some(),
            ),
        };
        let args = text_if(pages, "(first: 100)");
        match (exists, is_connection) {
            (false, _) => String::new(),
            (true, true) => format!("{field}{args} {{ {} }}", connection(node)),
            (true, false) => format!("{field}{args} {{ {node} }}"),
        }
    }

    /// The document with its variables and literals in the types that the tenant declares.
    pub(crate) fn fitted(&self, document: Document) -> Document {
        let Some(schema) = &self.schema else {
            return document;
        };
        let args = document.args.into_iter().map(|(name, arg)| {
            let kind = match document.is_mutation {
                true => schema.mutation_arg(&document.path, name),
                false => schema.query_arg(&document.path, name),
            };
            (name, fit(schema, arg, kind))
        });
        Document { args: args.collect(), ..document }
    }

    /// What the errors of a document that was refused teach; none where they name no guess that is still untouched.
    pub(crate) fn taught(&self, operation: &str, errors: &[GraphqlError]) -> Option<Self> {
        if self.schema.is_some() || errors.iter().any(|error| error.in_execution) {
            return None;
        }
        let words: BTreeSet<&str> = errors.iter().flat_map(|error| words(&error.message)).collect();
        let spelled = SPELLINGS.iter().filter(|names| names.iter().any(|name| words.contains(name)));
        let spelled = spelled.map(|names| format!("{operation}.{}", names[0]));
        let optional = OPTIONAL.iter().filter(|field| words.contains(**field)).map(|field| (*field).to_owned());
        let mut turned = self.turned.clone();
        turned.extend(spelled.chain(optional));
        (turned != self.turned).then(|| Self { schema: None, turned })
    }
}

/// What may be left out or spelled otherwise when an error names it.
const OPTIONAL: &[&str] = &["orderBy", "order", "symbol", "code", "region", "definition", "edges", "staff"];

/// The words of a server's message that can be names.
fn words(message: &str) -> impl Iterator<Item = &str> {
    message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn text_if(condition: bool, text: &str) -> String {
    if condition { text.to_owned() } else { String::new() }
}

/// `arg` for a position of type `kind`: a variable keeps a built-in scalar's own type, everything else is a literal.
fn fit(schema: &Schema, arg: Arg, kind: Option<&TypeRef>) -> Arg {
    let Some(kind) = kind else { return arg };
    let name = kind.name.as_str();
    match arg {
        Arg::Object(fields) => Arg::Object(
            fields.into_iter().map(|(field, arg)| (field, fit(schema, arg, schema.input_field(name, field)))).collect(),
        ),
        Arg::List(items) => Arg::List(items.into_iter().map(|item| fit(schema, item, Some(kind))).collect()),
        Arg::Id(text) | Arg::Text(text) => fit_text(name, text),
        Arg::Ids(texts) | Arg::Texts(texts) => match name {
            "ID" => Arg::Ids(texts),
            "String" => Arg::Texts(texts),
            _ => Arg::List(texts.into_iter().map(|text| fit_text(name, text)).collect()),
        },
        Arg::Int(number) if matches!(name, "String" | "ID") => fit_text(name, number.to_string()),
        Arg::Int(number) if name != "Int" => Arg::Name(Cow::Owned(number.to_string())),
        Arg::Bool(flag) if name == "String" => Arg::Text(flag.to_string()),
        Arg::Bool(flag) if name != "Boolean" => Arg::name(if flag { "true" } else { "false" }),
        Arg::Name(word) if matches!(name, "String" | "ID") => fit_text(name, word.into_owned()),
        Arg::Name(word) if !schema.has_enum_value(name, &word) => {
            let cased = [word.to_uppercase(), word.to_lowercase()];
            let found = cased.into_iter().find(|cased| schema.has_enum_value(name, cased));
            found.map_or(Arg::Name(word), |cased| Arg::Name(Cow::Owned(cased)))
        }
        other => other,
    }
}

fn fit_text(kind: &str, text: String) -> Arg {
    match kind {
        "ID" => Arg::Id(text),
        "String" => Arg::Text(text),
        _ => Arg::Quoted(text),
    }
}
