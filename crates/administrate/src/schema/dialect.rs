//! What a tenant's API is like, where its documentation leaves that open.
//!
//! Every guess about Administrate stands in this file and nowhere else. The API itself is asked once, by introspection;
//! where it refuses, what is documented or was seen in use is assumed, and an error that names one of the guesses turns
//! that guess around, once. Confidence letters are those of the facts: D documented, O official code, C client code,
//! U introspected by others, G guessed.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::GraphqlError;
use crate::schema::Schema;
use crate::schema::coerce::fit;
use crate::schema::document::{Arg, Document};
use crate::schema::selection;

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

/// What a webhook about an event is to carry: all that a list of events is asked for. That the query is given the id as
/// `objectid` is G; its result comes as `payload` (U).
pub(crate) const TOLD_OF_EVENTS: &str = "query ($objectid: ID!) { node(id: $objectid) { id ... on Event { title \
     lifecycleState timeZoneName start end timeZonedStart timeZonedEnd classroomStart classroomEnd lmsStart lmsEnd \
     isSoldOut maxPlaces remainingPlaces updatedAt courseTemplate { id code } location { id } \
     sessions(first: 100) { pageInfo { totalRecords } edges { node { id title lifecycleState start end \
     timeZonedStart timeZonedEnd location { id } venue { id } } } } \
     staff(first: 100) { pageInfo { totalRecords } edges { node { id staffType contact { id } } } } } } }";

/// Fields of inputs that go by two names, first the one seen in use (C and D disagree).
const SPELLINGS: &[[&str; 2]] = &[["taxType", "taxTypeId"], ["timeZoneName", "timeZone"]];

/// Operation and those of its known input fields that are G: they are left out from the first error that names one.
const GUESSED_INPUTS: &[(&str, &[&str])] =
    &[("event.update", &["classroomStartDateTime", "classroomEndDateTime", "lmsStartDateTime", "lmsEndDateTime"])];

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
        let path: Vec<_> = operation.split('.').collect();
        let declared = self.schema.as_ref().and_then(|schema| {
            let input = schema.mutation_arg(&path, "input")?;
            schema.knows_input(&input.name).then_some((schema, input))
        });
        let Some((schema, input)) = declared else {
            let known = KNOWN_INPUTS.iter().find(|(known, _)| *known == operation)?.1;
            let turned = self.turned.contains(&format!("{operation}.{name}"));
            return match spellings {
                Some([_, newer]) if turned => Some(newer),
                None if turned => None,
                _ => known.contains(&name).then_some(name),
            };
        };
        let both = [name];
        let candidates = spellings.map_or(&both[..], |spellings| &spellings[..]);
        let found = candidates.iter().rev().filter_map(|field| Some((*field, schema.input_field(&input.name, field)?)));
        // Where a tenant takes both, the one it insists on, else the first.
        found.max_by_key(|(_, kind)| kind.is_required).map(|(field, _)| field)
    }

    /// The order argument of a list: `orderBy: [{field, direction}]` (D) or `order: {field, direction}` (O).
    pub(crate) fn ordering(&self, root: &str) -> Option<(&'static str, Arg)> {
        let by_id = Arg::Object(vec![("field", Arg::name("id")), ("direction", Arg::name("asc"))]);
        let Some(schema) = &self.schema else {
            return match self.assumed_order("")? {
                ORDER_BY => Some((ORDER_BY, Arg::List(vec![by_id]))),
                order => Some((order, by_id)),
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

    /// The same of a list inside a record, as text; none where introspection tells, and [`selection`] orders what is paged.
    pub(crate) fn nested_ordering(&self) -> Option<&'static str> {
        if self.is_introspected() {
            return None;
        }
        match self.assumed_order(NESTED)? {
            ORDER_BY => Some("orderBy: [{field: id, direction: asc}]"),
            _ => Some("order: {field: id, direction: asc}"),
        }
    }

    /// How lists are ordered, as far as no error spoke against it: a tenant has one of two arguments, or none.
    fn assumed_order(&self, scope: &str) -> Option<&'static str> {
        [ORDER_BY, ORDER].into_iter().find(|name| !self.turned.contains(&format!("{scope}{name}")))
    }

    /// Whether the argument `arg` of the query `root` takes the enum value `word`, as far as is known.
    pub(crate) fn takes_word(&self, root: &str, arg: &str, word: &str) -> bool {
        let Some(schema) = &self.schema else { return true };
        let Some(kind) = schema.query_arg(&[root], arg) else { return true };
        !schema.is_enum(&kind.name) || schema.spells_enum_value(&kind.name, word)
    }

    /// The document in the tenant's own types: variables and literals as declared, nothing selected that is not there.
    pub(crate) fn fitted(&self, document: Document) -> Document {
        let Some(schema) = &self.schema else {
            let selection = self.assumed(&document);
            return Document { selection, ..document };
        };
        let kind = schema.answer_type(&document.path, document.is_mutation);
        let cut = kind.map(|kind| selection::for_schema(&document.selection, schema, kind));
        let cut = cut.filter(|cut| !cut.is_empty());
        let selection = cut.unwrap_or_else(|| self.assumed(&document));
        let args = document.args.into_iter().map(|(name, arg)| {
            let kind = match document.is_mutation {
                true => schema.mutation_arg(&document.path, name),
                false => schema.query_arg(&document.path, name),
            };
            (name, fit(schema, arg, kind))
        });
        Document { args: args.collect(), selection, ..document }
    }

    /// The selection as far as it is documented and no error spoke against it.
    fn assumed(&self, document: &Document) -> String {
        let selection = selection::without(&document.selection, &self.turned);
        if document.is_mutation && self.turned.contains(PLAIN_PAYLOADS) {
            selection::with_plain_lists(&selection)
        } else {
            selection
        }
    }

    /// What the errors of a document that was refused teach; none where they name no guess that is still untouched.
    pub(crate) fn taught(&self, document: &Document, errors: &[GraphqlError]) -> Option<Self> {
        if self.schema.is_some() {
            return None;
        }
        let mut turned = self.turned.clone();
        for error in errors {
            let message = before_suggestions(&error.message);
            turned.extend(respelled(document.operation, message));
            turned.extend(not_taken(document.operation, message));
            if !error.in_execution {
                turned.extend(self.reordered(document, message));
                turned.extend(missing(document, message));
            }
        }
        let schema = None;
        (turned != self.turned).then_some(Self { schema, turned })
    }

    /// The order arguments that `message` speaks against, of the lists that `document` orders.
    fn reordered(&self, document: &Document, message: &str) -> Vec<String> {
        let orders_root = document.args.iter().any(|(name, _)| [ORDER_BY, ORDER].contains(name));
        let scope = if orders_root { "" } else { NESTED };
        let names: BTreeSet<&str> = quoted_names(message).collect();
        let is_named = words(message).any(|word| word == ORDER_BY) || names.contains(ORDER);
        let turned = match self.assumed_order(scope) {
            Some(ORDER_BY) if names.contains(ORDER) && !words(message).any(|word| word == ORDER_BY) => vec![],
            Some(name) if is_named => vec![name],
            _ if names.iter().any(|name| name.contains("Order")) => vec![ORDER_BY, ORDER],
            _ => vec![],
        };
        turned.into_iter().map(|name| format!("{scope}{name}")).collect()
    }
}

/// The spellings of input fields that `message` speaks against: those that it quotes, else those that it names at all. A
/// server that quotes the one in question may repeat the whole input after it.
fn respelled(operation: &str, message: &str) -> Vec<String> {
    let quoted: BTreeSet<&str> = quoted_names(message).flat_map(words).collect();
    let all: BTreeSet<&str> = words(message).collect();
    let turned = |said: &BTreeSet<&str>| -> Vec<String> {
        let named = SPELLINGS.iter().filter(|names| names.iter().any(|name| said.contains(name)));
        named.map(|names| format!("{operation}.{}", names[0])).collect()
    };
    let by_quotes = turned(&quoted);
    if by_quotes.is_empty() { turned(&all) } else { by_quotes }
}

/// The guessed input fields that go when `message` names one of them.
fn not_taken(operation: &str, message: &str) -> Vec<String> {
    let guessed =
        GUESSED_INPUTS.iter().find(|(guessed, _)| *guessed == operation).map_or(&[][..], |(_, fields)| fields);
    let is_named = words(message).any(|word| guessed.contains(&word));
    guessed.iter().filter(|_| is_named).map(|field| format!("{operation}.{field}")).collect()
}

/// The selected fields that `message` speaks against.
fn missing(document: &Document, message: &str) -> Vec<String> {
    let selected = selection::names(&document.selection);
    // "Cannot query field 'x' on type 'T'": the type may bear a name that is selected, too.
    let most = if message.contains("query field") { 1 } else { usize::MAX };
    let mut missing: Vec<_> = quoted_names(message)
        .take(most)
        .filter(|name| selected.contains(*name) && !VITAL.contains(name))
        .map(str::to_owned)
        .collect();
    if document.is_mutation && quoted_names(message).any(|name| name == "edges") {
        missing.push(PLAIN_PAYLOADS.to_owned());
    }
    missing
}

/// The two names of the argument that orders a list, in the order in which they are tried (D, O).
const ORDER_BY: &str = "orderBy";
const ORDER: &str = "order";

/// What stands before them where a list inside a record is meant.
const NESTED: &str = "nested ";

/// The guess that lists in payloads are connections, turned around.
const PLAIN_PAYLOADS: &str = "plain payloads";

/// Selected fields without which an answer is worth nothing.
const VITAL: &[&str] =
    &["id", "edges", "node", "pageInfo", "event", "session", "events", "courseTemplate", "contact", "errors"];

/// A server's sentence without what it thinks was meant, and without the input that it repeats.
fn before_suggestions(message: &str) -> &str {
    let ends = ["Did you mean", "found:", "Found:", "found {", "Found {"].iter().filter_map(|word| message.find(word));
    ends.min().map_or(message, |end| &message[..end])
}

/// The words of a server's message that can be names.
fn words(message: &str) -> impl Iterator<Item = &str> {
    message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The names that stand in quotation marks of any kind.
fn quoted_names(message: &str) -> impl Iterator<Item = &str> {
    message.split(['"', '\'', '`']).skip(1).step_by(2)
}
