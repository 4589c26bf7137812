//! Selections: what a document asks to be shown, cut to what the tenant's types have.
//!
//! An operation writes its selection as text, in the documented shape. A field that begins with `?` is a guess and is
//! asked for only where introspection shows it.

use std::collections::BTreeSet;

use crate::paging::PAGE;
use crate::schema::Schema;

/// One field or one `... on Type`, with what is selected inside.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    /// A field's name, or the type of a fragment.
    name: String,
    is_fragment: bool,
    is_guess: bool,
    /// With parentheses; empty where there are none. Only `first`, `offset` and an order are ever written.
    args: String,
    inside: Vec<Part>,
}

impl Part {
    fn field(name: &str, inside: Vec<Part>) -> Self {
        Self { name: name.to_owned(), is_fragment: false, is_guess: false, args: String::new(), inside }
    }
}

/// `text` as the object type `kind` of `schema` can answer it.
pub(crate) fn for_schema(text: &str, schema: &Schema, kind: &str) -> String {
    let wanted = shaped(parse(text), schema, kind);
    render(&cut(wanted, schema, kind))
}

/// `text` without guesses and without the fields in `missing`.
pub(crate) fn without(text: &str, missing: &BTreeSet<String>) -> String {
    render(&without_parts(parse(text), missing))
}

/// `text` with every connection in it asked as a plain list.
pub(crate) fn with_plain_lists(text: &str) -> String {
    render(&plain(parse(text)))
}

/// The names of all fields in `text`.
pub(crate) fn names(text: &str) -> BTreeSet<String> {
    fn collect(parts: &[Part], names: &mut BTreeSet<String>) {
        for part in parts {
            names.insert(part.name.clone());
            collect(&part.inside, names);
        }
    }
    let mut names = BTreeSet::new();
    collect(&parse(text), &mut names);
    names
}

fn without_parts(parts: Vec<Part>, missing: &BTreeSet<String>) -> Vec<Part> {
    let kept = parts.into_iter().filter(|part| !part.is_guess && !missing.contains(&part.name));
    let cut = kept.filter_map(|part| {
        let had_inside = !part.inside.is_empty();
        let inside = without_parts(part.inside, missing);
        let is_empty = had_inside && inside.is_empty();
        (!is_empty).then_some(Part { inside, ..part })
    });
    cut.collect()
}

fn plain(parts: Vec<Part>) -> Vec<Part> {
    let plain_part = |part: Part| match is_connection(&part.inside) {
        true => Part { inside: plain(unwrapped(part.inside)), args: String::new(), ..part },
        false => Part { inside: plain(part.inside), ..part },
    };
    parts.into_iter().map(plain_part).collect()
}

/// Only the parts that the type has, recursively; a part that is left without anything inside goes too.
fn cut(parts: Vec<Part>, schema: &Schema, kind: &str) -> Vec<Part> {
    parts
        .into_iter()
        .filter_map(|part| match part.is_fragment {
            true => cut_fragment(part, schema),
            false => cut_field(part, schema, kind),
        })
        .collect()
}

fn cut_fragment(part: Part, schema: &Schema) -> Option<Part> {
    let inside = cut(part.inside.clone(), schema, &part.name);
    (!inside.is_empty()).then_some(Part { inside, ..part })
}

fn cut_field(mut part: Part, schema: &Schema, kind: &str) -> Option<Part> {
    let inner = schema.field_type(kind, &part.name)?.to_owned();
    let takes_first = schema.takes_arg(kind, &part.name, "first");
    if part.inside.is_empty() {
        return (!schema.has_fields(&inner)).then_some(part);
    }
    let was_connection = is_connection(&part.inside);
    let inside = shaped(part.inside, schema, &inner);
    if !takes_first {
        part.args.clear();
    } else if !was_connection && is_connection(&inside) {
        part.args = format!("(first: {PAGE})");
    }
    if is_connection(&inside)
        && let Some(first) = part.args.strip_prefix("(first")
        && let Some(order) = schema.order_by_id(kind, &part.name)
    {
        // What is paged is ordered by id, also inside a record (rules, Sync).
        part.args = format!("({order}, first{first}");
    }
    let inside = cut(inside, schema, &inner);
    (!inside.is_empty()).then_some(Part { inside, ..part })
}

/// A connection's selection where the type is a connection, a plain list's where it is none.
fn shaped(inside: Vec<Part>, schema: &Schema, kind: &str) -> Vec<Part> {
    let has_edges = schema.field_type(kind, "edges").is_some();
    match (is_connection(&inside), has_edges) {
        (true, false) => unwrapped(inside),
        (false, true) => wrapped(inside),
        _ => inside,
    }
}

fn is_connection(parts: &[Part]) -> bool {
    parts.iter().any(|part| part.name == "edges")
}

fn unwrapped(parts: Vec<Part>) -> Vec<Part> {
    let edges = parts.iter().find(|part| part.name == "edges");
    let node = edges.and_then(|edges| edges.inside.iter().find(|part| part.name == "node"));
    match node {
        Some(node) => node.inside.clone(),
        None => parts.into_iter().filter(|part| part.name != "pageInfo").collect(),
    }
}

fn wrapped(node: Vec<Part>) -> Vec<Part> {
    let info = ["hasNextPage", "totalRecords"].map(|name| Part::field(name, vec![]));
    let edges = Part::field("edges", vec![Part::field("node", node)]);
    vec![edges, Part::field("pageInfo", info.to_vec())]
}

fn parse(text: &str) -> Vec<Part> {
    let spaced = text.replace('{', " { ").replace('}', " } ");
    let mut tokens = Tokens { rest: &spaced };
    parse_parts(&mut tokens)
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    /// A brace, `...`, a name, or an argument list in one piece.
    fn next(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start();
        let end = match self.rest.chars().next()? {
            '(' => self.rest.find(')').map_or(self.rest.len(), |at| at + 1),
            _ => {
                let end = self.rest.find(|c: char| c.is_whitespace() || c == '(');
                end.unwrap_or(self.rest.len())
            }
        };
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(token)
    }
}

fn parse_parts(tokens: &mut Tokens<'_>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            "}" => break,
            "{" => {
                let inside = parse_parts(tokens);
                if let Some(part) = parts.last_mut() {
                    part.inside = inside;
                }
            }
            "..." => {
                let name = tokens.nth(1).unwrap_or_default();
                parts.push(Part { is_fragment: true, ..Part::field(name, vec![]) });
            }
            args if args.starts_with('(') => {
                if let Some(part) = parts.last_mut() {
                    part.args = args.replace(" { ", "{").replace(" } ", "}");
                }
            }
            name => parts
                .push(Part { is_guess: name.starts_with('?'), ..Part::field(name.trim_start_matches('?'), vec![]) }),
        }
    }
    parts
}

fn render(parts: &[Part]) -> String {
    let texts = parts.iter().map(|part| {
        let start = if part.is_fragment { "... on " } else { "" };
        let inside = match part.inside.is_empty() {
            true => String::new(),
            false => format!(" {{ {} }}", render(&part.inside)),
        };
        format!("{start}{}{}{inside}", part.name, part.args)
    });
    texts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::schema;

    const WANTED: &str = "id title ?venue { id } sessions(first: 100) { edges { node { id start } } \
                          pageInfo { hasNextPage totalRecords } } unit { name ... on Currency { code symbol } }";

    #[test]
    fn it_is_cut_to_what_the_types_have() {
        let connection = "type Query { events: Event } type Event { id: ID title: String sessions(first: Int): Sessions \
            unit: Unit venue: Venue } type Venue { id: ID } type Sessions { edges: Edge pageInfo: Info } \
            type Edge { node: Session } type Session { id: ID } type Info { hasNextPage: Boolean totalRecords: Int } \
            type Unit { name: String } type Currency { name: String code: String }";
        let list = "type Query { events: Event } type Event { id: ID sessions: Session unit: String } \
            type Session { id: ID start: String }";
        for (types, expected) in [
            (
                connection,
                "id title venue { id } sessions(first: 100) { edges { node { id } } pageInfo { hasNextPage totalRecords } } \
                 unit { name ... on Currency { code } }",
            ),
            (
                "type Query { events: Event } type Event { sessions(first: Int, orderBy: [Order]): Sessions } \
                 input Order { field: Field direction: Direction } enum Field { id } enum Direction { asc } \
                 type Sessions { edges: Edge } type Edge { node: Session } type Session { id: ID }",
                "sessions(orderBy: [{field: id, direction: asc}], first: 100) { edges { node { id } } }",
            ),
            (list, "id sessions { id start }"),
        ] {
            assert_eq!(for_schema(WANTED, &schema(types), "Event"), expected);
        }
    }

    #[test]
    fn a_plain_list_is_asked_as_the_connection_that_it_is() {
        let types = schema(
            "type Query { t: T } type T { fields(first: Int): Fields } type Fields { edges: Edge pageInfo: Info } \
             type Edge { node: Field } type Field { key: ID } type Info { hasNextPage: Boolean totalRecords: Int }",
        );
        assert_eq!(
            for_schema("fields { key label }", &types, "T"),
            "fields(first: 100) { edges { node { key } } pageInfo { hasNextPage totalRecords } }"
        );
    }

    #[test]
    fn connections_become_plain_lists() {
        assert_eq!(
            with_plain_lists("event { id sessions(first: 100) { edges { node { id } } pageInfo { totalRecords } } }"),
            "event { id sessions { id } }"
        );
    }

    #[test]
    fn without_a_schema_guesses_and_what_errors_named_are_left_out() {
        let missing = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let page = "pageInfo { hasNextPage totalRecords }";
        for (names, expected) in [
            (
                missing(&[]),
                format!(
                    "id title sessions(first: 100) {{ edges {{ node {{ id start }} }} {page} }} \
                     unit {{ name ... on Currency {{ code symbol }} }}"
                ),
            ),
            (
                missing(&["code", "symbol", "start"]),
                format!("id title sessions(first: 100) {{ edges {{ node {{ id }} }} {page} }} unit {{ name }}"),
            ),
        ] {
            assert_eq!(without(WANTED, &names), expected);
        }
    }
}
