//! Writing GraphQL documents.
//!
//! The names of most input types are unknown, so an input object is built inside the document and only built-in scalars
//! are declared as variables. Dates and enums are literals in the document: a literal is valid for any scalar type, a
//! variable declared `String!` is not.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The value of an argument.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Arg {
    /// Variable of type `ID!`.
    Id(String),
    /// Variable of type `String!`.
    Text(String),
    /// Variable of type `Int!`.
    Int(i64),
    /// Variable of type `Boolean!`.
    Bool(bool),
    /// Variable of type `[ID!]!`.
    Ids(Vec<String>),
    /// Variable of type `[String!]!`.
    Texts(Vec<String>),
    /// A string literal in the document, for scalars that are not built in.
    Literal(String),
    /// A number literal in the document.
    Count(usize),
    /// An enum value, or another unquoted word, in the document.
    Name(Cow<'static, str>),
    /// The literal `null`.
    Null,
    /// A list in the document.
    List(Vec<Arg>),
    /// An input object in the document.
    Object(Vec<(&'static str, Arg)>),
}

impl Arg {
    /// Creates an enum value.
    pub(crate) const fn name(word: &'static str) -> Self {
        Self::Name(Cow::Borrowed(word))
    }

    /// Creates an id.
    pub(crate) fn id(id: &crate::Id) -> Self {
        Self::Id(id.as_str().to_owned())
    }

    /// Creates a filter with one value: `{field, operation, value}`.
    pub(crate) fn filter(field: &'static str, operation: &'static str, value: impl Into<String>) -> Self {
        Self::Object(vec![
            ("field", Self::name(field)),
            ("operation", Self::name(operation)),
            ("value", Self::Text(value.into())),
        ])
    }

    /// Creates a filter with several values: `{field, operation: in, values}`.
    pub(crate) fn filter_in(field: &'static str, values: Vec<String>) -> Self {
        Self::Object(vec![
            ("field", Self::name(field)),
            ("operation", Self::name("in")),
            ("values", Self::Texts(values)),
        ])
    }
}

/// A query or mutation of one root field.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// Its name in [`crate::OPERATIONS`].
    pub operation: &'static str,
    /// Whether it is a mutation.
    pub is_mutation: bool,
    /// The fields from the root to the one with the arguments: `["event", "createBlended"]`.
    pub path: Vec<&'static str>,
    /// Arguments of the last field of `path`.
    pub args: Vec<(&'static str, Arg)>,
    /// Selection set of the last field of `path`, without braces.
    pub selection: String,
}

impl Document {
    /// Creates a query of the root field `root`.
    pub(crate) fn query(
        operation: &'static str,
        root: &'static str,
        args: Vec<(&'static str, Arg)>,
        selection: String,
    ) -> Self {
        Self { operation, is_mutation: false, path: vec![root], args, selection }
    }

    /// Returns the document's text and its variables.
    pub(crate) fn render(&self) -> (String, Map<String, Value>) {
        let mut variables = Variables::default();
        let mut body = String::new();
        for (depth, field) in self.path.iter().enumerate() {
            body.push_str(field);
            if depth + 1 == self.path.len() {
                variables.write_args(&self.args, &mut body);
            }
            body.push_str(" { ");
        }
        body.push_str(&self.selection);
        body.push_str(&" }".repeat(self.path.len()));
        let kind = if self.is_mutation { "mutation" } else { "query" };
        let declared = match variables.declared.join(", ") {
            list if list.is_empty() => list,
            list => format!("({list})"),
        };
        (format!("{kind}{declared} {{ {body} }}"), variables.values)
    }
}

#[derive(Default)]
struct Variables {
    declared: Vec<String>,
    values: Map<String, Value>,
}

impl Variables {
    fn write_args(&mut self, args: &[(&'static str, Arg)], out: &mut String) {
        if args.is_empty() {
            return;
        }
        out.push('(');
        self.write_fields(args, out);
        out.push(')');
    }

    fn write_fields(&mut self, fields: &[(&'static str, Arg)], out: &mut String) {
        for (at, (name, arg)) in fields.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            out.push_str(name);
            out.push_str(": ");
            self.write(name, arg, out);
        }
    }

    fn write(&mut self, name: &str, arg: &Arg, out: &mut String) {
        match arg {
            Arg::Id(id) => self.declare(name, "ID!", id.as_str().into(), out),
            Arg::Text(text) => self.declare(name, "String!", text.as_str().into(), out),
            Arg::Int(number) => self.declare(name, "Int!", (*number).into(), out),
            Arg::Bool(flag) => self.declare(name, "Boolean!", (*flag).into(), out),
            Arg::Ids(ids) => self.declare(name, "[ID!]!", ids.clone().into(), out),
            Arg::Texts(texts) => self.declare(name, "[String!]!", texts.clone().into(), out),
            Arg::Literal(text) => out.push_str(&string_literal(text)),
            Arg::Count(number) => out.push_str(&number.to_string()),
            Arg::Name(word) => out.push_str(word),
            Arg::Null => out.push_str("null"),
            Arg::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    self.write(name, item, out);
                }
                out.push(']');
            }
            Arg::Object(fields) => {
                out.push('{');
                self.write_fields(fields, out);
                out.push('}');
            }
        }
    }

    /// Declares a variable named after its field, with a number if the name is taken.
    fn declare(&mut self, field: &str, kind: &str, value: Value, out: &mut String) {
        let mut name = field.to_owned();
        let mut number = 1;
        while self.values.contains_key(&name) {
            number += 1;
            name = format!("{field}{number}");
        }
        self.declared.push(format!("${name}: {kind}"));
        out.push('$');
        out.push_str(&name);
        self.values.insert(name, value);
    }
}

/// Returns `text` as a GraphQL string literal (GraphQL specification, June 2018, 2.9.4).
fn string_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_literal_escapes_special_characters() {
        for (text, literal) in [
            ("2026-04-15T09:00:00", "\"2026-04-15T09:00:00\""),
            ("say \"no\"", "\"say \\\"no\\\"\""),
            ("back\\slash", "\"back\\\\slash\""),
            ("two\nlines\r\t", "\"two\\nlines\\r\\t\""),
            ("\u{0}\u{1f}\u{7f}\u{85}", "\"\\u0000\\u001F\\u007F\\u0085\""),
            ("\"}) { x } #", "\"\\\"}) { x } #\""),
            ("Zoë 🎓 $x", "\"Zoë 🎓 $x\""),
            ("", "\"\""),
        ] {
            assert_eq!(string_literal(text), literal);
        }
    }

    #[test]
    fn input_object_is_written_inline_and_only_scalars_are_declared() {
        let field = |key: &str, value: &str| {
            Arg::Object(vec![("definitionKey", Arg::Id(key.into())), ("value", Arg::Text(value.into()))])
        };
        let document = Document {
            operation: "event.createBlended",
            is_mutation: true,
            path: vec!["event", "createBlended"],
            args: vec![(
                "input",
                Arg::Object(vec![
                    ("title", Arg::Text("A \"quoted\" title".into())),
                    ("eventType", Arg::name("public")),
                    ("lmsStartDateTime", Arg::Literal("2026-04-15T09:00:00".into())),
                    ("maxPlaces", Arg::Int(12)),
                    ("venueId", Arg::Null),
                    ("customFieldValues", Arg::List(vec![field("K1", "True"), field("K2", "1")])),
                ]),
            )],
            selection: "event { id } errors { message }".into(),
        };
        let (text, variables) = document.render();
        assert_eq!(
            text,
            "mutation($title: String!, $maxPlaces: Int!, $definitionKey: ID!, $value: String!, $definitionKey2: ID!, $value2: String!) \
             { event { createBlended(input: {title: $title, eventType: public, lmsStartDateTime: \"2026-04-15T09:00:00\", \
             maxPlaces: $maxPlaces, venueId: null, customFieldValues: [{definitionKey: $definitionKey, value: $value}, \
             {definitionKey: $definitionKey2, value: $value2}]}) { event { id } errors { message } } } }"
        );
        assert_eq!(variables["title"], "A \"quoted\" title");
        assert_eq!(variables["value2"], "1");
    }

    #[test]
    fn query_without_arguments_declares_no_variables() {
        let document = Document::query("locations", "locations", vec![], "edges { node { id } }".into());
        assert_eq!(document.render().0, "query { locations { edges { node { id } } } }");
    }
}
