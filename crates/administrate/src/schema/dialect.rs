//! The dialect of a tenant's API, where Administrate's documentation leaves that open.
//!
//! Every assumption about Administrate is in this file. The API is introspected once. If it refuses introspection, the
//! documented or observed behaviour is assumed, and an error that names one of the assumptions corrects it, once.
//!
//! A letter names the source of each assumption: D Administrate's documentation, O official code, C code of other clients,
//! U introspection published by others, G a guess.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::GraphqlError;
use crate::schema::Schema;
use crate::schema::coerce::coerce;
use crate::schema::document::{Arg, Document};
use crate::schema::selection;

/// The known input fields of each operation.
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
        &[
            "title",
            "locationId",
            "timeZoneName",
            "lifecycleState",
            "maxPlaces",
            "isSoldOut",
            "classroomStartDateTime",
            "classroomEndDateTime",
            "lmsStartDateTime",
            "lmsEndDateTime",
            "customFieldValues",
        ],
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
    ("webhooks.create", &["webhookTypeId", "name", "query", "url"]), // D, U
    ("webhooks.update", &["webhookId", "query", "url"]),             // U
];

/// The query of a webhook about events: it selects the same fields as a list of events.
///
/// That Administrate passes the id as `objectid` is G; the result arrives as `payload` (U).
pub(crate) const EVENT_WEBHOOK_QUERY: &str = "query ($objectid: ID!) { node(id: $objectid) { id ... on Event { title \
     lifecycleState timeZoneName start end timeZonedStart timeZonedEnd classroomStart classroomEnd lmsStart lmsEnd \
     isSoldOut maxPlaces remainingPlaces updatedAt courseTemplate { id code } location { id } \
     sessions(first: 100) { pageInfo { totalRecords } edges { node { id title lifecycleState start end \
     timeZonedStart timeZonedEnd location { id } venue { id } } } } \
     staff(first: 100) { pageInfo { totalRecords } edges { node { id staffType contact { id } } } } } } }";

/// Input fields with two names, first the one observed in use (C and D disagree).
const SPELLINGS: &[[&str; 2]] = &[["taxType", "taxTypeId"], ["timeZoneName", "timeZone"]];

/// The known input fields of an operation that are G: the first error that names one removes them all.
const GUESSED_INPUTS: &[(&str, &[&str])] =
    &[("event.update", &["classroomStartDateTime", "classroomEndDateTime", "lmsStartDateTime", "lmsEndDateTime"])];

/// The names and shapes that one tenant's API accepts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dialect {
    schema: Option<Arc<Schema>>,
    /// Assumptions that errors have disproved: `operation.field` for input fields, else the assumption's own name.
    corrections: BTreeSet<String>,
}

impl Dialect {
    /// Creates the dialect of a tenant whose schema is known.
    pub(crate) fn from_schema(schema: Schema) -> Self {
        Self { schema: Some(Arc::new(schema)), corrections: BTreeSet::new() }
    }

    /// Returns whether the schema is known from introspection.
    pub(crate) fn is_introspected(&self) -> bool {
        self.schema.is_some()
    }

    /// Returns whether the mutation exists. Without a schema only those in [`KNOWN_INPUTS`] do.
    pub(crate) fn supports(&self, operation: &str) -> bool {
        let path: Vec<_> = operation.split('.').collect();
        match &self.schema {
            Some(schema) => schema.has_mutation(&path),
            None => KNOWN_INPUTS.iter().any(|(known, _)| *known == operation),
        }
    }

    /// Returns the tenant's name of the input field documented as `name`; none if the mutation does not have it.
    pub(crate) fn input_field(&self, operation: &str, name: &'static str) -> Option<&'static str> {
        let spellings = SPELLINGS.iter().find(|spellings| spellings[0] == name);
        let path: Vec<_> = operation.split('.').collect();
        let declared = self.schema.as_ref().and_then(|schema| {
            let input = schema.mutation_arg(&path, "input")?;
            schema.has_input_fields(&input.name).then_some((schema, input))
        });
        let Some((schema, input)) = declared else {
            let known = KNOWN_INPUTS.iter().find(|(known, _)| *known == operation)?.1;
            let is_corrected = self.corrections.contains(&format!("{operation}.{name}"));
            return match spellings {
                Some([_, newer]) if is_corrected => Some(newer),
                None if is_corrected => None,
                _ => known.contains(&name).then_some(name),
            };
        };
        let only_name = [name];
        let candidates = spellings.map_or(&only_name[..], |spellings| &spellings[..]);
        let found = candidates.iter().rev().filter_map(|field| Some((*field, schema.input_field(&input.name, field)?)));
        // If a tenant has both, the required one, else the first.
        found.max_by_key(|(_, kind)| kind.is_required).map(|(field, _)| field)
    }

    /// Returns the order argument of a root list: `orderBy: [{field, direction}]` (D) or `order: {field, direction}` (O).
    pub(crate) fn order_argument(&self, root: &str) -> Option<(&'static str, Arg)> {
        let by_id = Arg::Object(vec![("field", Arg::name("id")), ("direction", Arg::name("asc"))]);
        let Some(schema) = &self.schema else {
            return match self.assumed_order("")? {
                ORDER_BY => Some((ORDER_BY, Arg::List(vec![by_id]))),
                order => Some((order, by_id)),
            };
        };
        let find = |name| Some((name, schema.query_arg(&[root], name)?));
        let (name, kind) = find("orderBy").or_else(|| find("order"))?;
        let field = schema.input_field(&kind.name, "field")?;
        if schema.is_enum(&field.name) && !schema.has_enum_value(&field.name, "id") {
            return None;
        }
        Some((name, if kind.is_list { Arg::List(vec![by_id]) } else { by_id }))
    }

    /// Returns the order argument, as text, of a list inside a record.
    ///
    /// None if the schema is known: then [`selection::restrict_to_schema`] adds the order.
    pub(crate) fn nested_order_argument(&self) -> Option<&'static str> {
        if self.is_introspected() {
            return None;
        }
        match self.assumed_order(NESTED_SCOPE)? {
            ORDER_BY => Some("orderBy: [{field: id, direction: asc}]"),
            _ => Some("order: {field: id, direction: asc}"),
        }
    }

    /// Returns the name of the order argument that no error has disproved: a tenant has one of two, or none.
    fn assumed_order(&self, scope: &str) -> Option<&'static str> {
        [ORDER_BY, ORDER].into_iter().find(|name| !self.corrections.contains(&format!("{scope}{name}")))
    }

    /// Returns whether the argument `arg` of the query `root` accepts the enum value `value`, as far as is known.
    pub(crate) fn accepts_enum_value(&self, root: &str, arg: &str, value: &str) -> bool {
        let Some(schema) = &self.schema else { return true };
        let Some(kind) = schema.query_arg(&[root], arg) else { return true };
        !schema.is_enum(&kind.name) || schema.has_enum_value_in_any_case(&kind.name, value)
    }

    /// Adapts `document` to the tenant's types: arguments as declared, and no field selected that does not exist.
    pub(crate) fn adapt(&self, document: Document) -> Document {
        let Some(schema) = &self.schema else {
            let selection = self.assumed_selection(&document);
            return Document { selection, ..document };
        };
        let kind = schema.return_type(&document.path, document.is_mutation);
        let restricted = kind.map(|kind| selection::restrict_to_schema(&document.selection, schema, kind));
        let restricted = restricted.filter(|restricted| !restricted.is_empty());
        let selection = restricted.unwrap_or_else(|| self.assumed_selection(&document));
        let args = document.args.into_iter().map(|(name, arg)| {
            let kind = match document.is_mutation {
                true => schema.mutation_arg(&document.path, name),
                false => schema.query_arg(&document.path, name),
            };
            (name, coerce(schema, arg, kind))
        });
        Document { args: args.collect(), selection, ..document }
    }

    /// Returns the documented part of the selection that no error has disproved.
    fn assumed_selection(&self, document: &Document) -> String {
        let selection = selection::remove_fields(&document.selection, &self.corrections);
        if document.is_mutation && self.corrections.contains(PLAIN_LIST_PAYLOADS) {
            selection::flatten_connections(&selection)
        } else {
            selection
        }
    }

    /// Returns the dialect corrected by the errors of a refused document; none if they disprove nothing new.
    pub(crate) fn corrected_by(&self, document: &Document, errors: &[GraphqlError]) -> Option<Self> {
        if self.schema.is_some() {
            return None;
        }
        let mut corrections = self.corrections.clone();
        for error in errors {
            let message = without_suggestions(&error.message);
            corrections.extend(spelling_corrections(document.operation, message));
            corrections.extend(guessed_input_corrections(document.operation, message));
            if !error.has_path {
                corrections.extend(self.order_corrections(document, message));
                corrections.extend(selection_corrections(document, message));
            }
        }
        let schema = None;
        (corrections != self.corrections).then_some(Self { schema, corrections })
    }

    /// Returns the order arguments that `message` disproves, for the lists that `document` orders.
    fn order_corrections(&self, document: &Document, message: &str) -> Vec<String> {
        let has_root_order = document.args.iter().any(|(name, _)| [ORDER_BY, ORDER].contains(name));
        let scope = if has_root_order { "" } else { NESTED_SCOPE };
        let names: BTreeSet<&str> = quoted_names(message).collect();
        let is_named = words(message).any(|word| word == ORDER_BY) || names.contains(ORDER);
        let disproved = match self.assumed_order(scope) {
            Some(ORDER_BY) if names.contains(ORDER) && !words(message).any(|word| word == ORDER_BY) => vec![],
            Some(name) if is_named => vec![name],
            _ if names.iter().any(|name| name.contains("Order")) => vec![ORDER_BY, ORDER],
            _ => vec![],
        };
        disproved.into_iter().map(|name| format!("{scope}{name}")).collect()
    }
}

/// Returns the spellings of input fields that `message` disproves: those that it quotes, else all that it names.
///
/// A server that quotes the field in question may repeat the whole input after it.
fn spelling_corrections(operation: &str, message: &str) -> Vec<String> {
    let quoted: BTreeSet<&str> = quoted_names(message).flat_map(words).collect();
    let all: BTreeSet<&str> = words(message).collect();
    let corrections = |mentioned: &BTreeSet<&str>| -> Vec<String> {
        let named = SPELLINGS.iter().filter(|names| names.iter().any(|name| mentioned.contains(name)));
        named.map(|names| format!("{operation}.{}", names[0])).collect()
    };
    let by_quotes = corrections(&quoted);
    if by_quotes.is_empty() { corrections(&all) } else { by_quotes }
}

/// Returns all guessed input fields of `operation` if `message` names one of them.
fn guessed_input_corrections(operation: &str, message: &str) -> Vec<String> {
    let guessed =
        GUESSED_INPUTS.iter().find(|(guessed, _)| *guessed == operation).map_or(&[][..], |(_, fields)| fields);
    let is_named = words(message).any(|word| guessed.contains(&word));
    guessed.iter().filter(|_| is_named).map(|field| format!("{operation}.{field}")).collect()
}

/// Returns the selected fields that `message` disproves.
fn selection_corrections(document: &Document, message: &str) -> Vec<String> {
    let selected = selection::field_names(&document.selection);
    // "Cannot query field 'x' on type 'T'": the type may have the same name as a selected field.
    let limit = if message.contains("query field") { 1 } else { usize::MAX };
    let mut missing: Vec<_> = quoted_names(message)
        .take(limit)
        .filter(|name| selected.contains(*name) && !REQUIRED_FIELDS.contains(name))
        .map(str::to_owned)
        .collect();
    if document.is_mutation && quoted_names(message).any(|name| name == "edges") {
        missing.push(PLAIN_LIST_PAYLOADS.to_owned());
    }
    missing
}

/// The two names of the argument that orders a list, in the order in which they are tried (D, O).
const ORDER_BY: &str = "orderBy";
const ORDER: &str = "order";

/// The prefix of a correction to the order of lists inside records.
const NESTED_SCOPE: &str = "nested ";

/// The correction that lists in payloads are plain lists, not connections.
const PLAIN_LIST_PAYLOADS: &str = "plain payloads";

/// Selected fields without which a response is useless.
const REQUIRED_FIELDS: &[&str] =
    &["id", "edges", "node", "pageInfo", "event", "session", "events", "courseTemplate", "contact", "errors"];

/// Returns a server's message without its suggestions and without the input that it repeats.
fn without_suggestions(message: &str) -> &str {
    let ends = ["Did you mean", "found:", "Found:", "found {", "Found {"].iter().filter_map(|word| message.find(word));
    ends.min().map_or(message, |end| &message[..end])
}

/// Returns the words of a server's message that can be names.
fn words(message: &str) -> impl Iterator<Item = &str> {
    message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Returns the names in quotation marks of any kind.
fn quoted_names(message: &str) -> impl Iterator<Item = &str> {
    message.split(['"', '\'', '`']).skip(1).step_by(2)
}
