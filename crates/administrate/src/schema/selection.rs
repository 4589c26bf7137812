//! Selection sets, restricted to the fields that the tenant's types have.
//!
//! An operation writes its selection set as text, in the documented shape. A field that begins with `?` is a guess: it is
//! selected only if introspection reports it.

use std::collections::BTreeSet;

use crate::paging::PAGE_SIZE;
use crate::schema::Schema;

/// One field or one `... on Type`, with its own selection set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Selection {
    /// A field's name, or the type of a fragment.
    name: String,
    is_fragment: bool,
    is_guess: bool,
    /// The arguments with parentheses; empty if there are none. Only `first`, `offset` and an order are used.
    args: String,
    children: Vec<Selection>,
}

impl Selection {
    fn field(name: &str, children: Vec<Selection>) -> Self {
        Self { name: name.to_owned(), is_fragment: false, is_guess: false, args: String::new(), children }
    }
}

/// Restricts the selection set `text` to what the object type `kind` of `schema` has.
pub(crate) fn restrict_to_schema(text: &str, schema: &Schema, kind: &str) -> String {
    let selections = match_list_shape(parse(text), schema, kind);
    render(&prune(selections, schema, kind))
}

/// Removes guesses and the fields in `names` from the selection set `text`.
pub(crate) fn remove_fields(text: &str, names: &BTreeSet<String>) -> String {
    render(&remove_by_name(parse(text), names))
}

/// Turns every connection in the selection set `text` into a plain list.
pub(crate) fn flatten_connections(text: &str) -> String {
    render(&flatten(parse(text)))
}

/// Returns the names of all fields in the selection set `text`.
pub(crate) fn field_names(text: &str) -> BTreeSet<String> {
    fn collect(selections: &[Selection], names: &mut BTreeSet<String>) {
        for selection in selections {
            names.insert(selection.name.clone());
            collect(&selection.children, names);
        }
    }
    let mut names = BTreeSet::new();
    collect(&parse(text), &mut names);
    names
}

fn remove_by_name(selections: Vec<Selection>, names: &BTreeSet<String>) -> Vec<Selection> {
    let remaining = selections.into_iter().filter(|selection| !selection.is_guess && !names.contains(&selection.name));
    let pruned = remaining.filter_map(|selection| {
        let had_children = !selection.children.is_empty();
        let children = remove_by_name(selection.children, names);
        let is_empty = had_children && children.is_empty();
        (!is_empty).then_some(Selection { children, ..selection })
    });
    pruned.collect()
}

fn flatten(selections: Vec<Selection>) -> Vec<Selection> {
    let flatten_one = |selection: Selection| match is_connection(&selection.children) {
        true => {
            Selection { children: flatten(unwrap_connection(selection.children)), args: String::new(), ..selection }
        }
        false => Selection { children: flatten(selection.children), ..selection },
    };
    selections.into_iter().map(flatten_one).collect()
}

/// Removes, recursively, what the type does not have, and what has an empty selection set after that.
fn prune(selections: Vec<Selection>, schema: &Schema, kind: &str) -> Vec<Selection> {
    selections
        .into_iter()
        .filter_map(|selection| match selection.is_fragment {
            true => prune_fragment(selection, schema),
            false => prune_field(selection, schema, kind),
        })
        .collect()
}

fn prune_fragment(fragment: Selection, schema: &Schema) -> Option<Selection> {
    let children = prune(fragment.children.clone(), schema, &fragment.name);
    (!children.is_empty()).then_some(Selection { children, ..fragment })
}

fn prune_field(mut field: Selection, schema: &Schema, kind: &str) -> Option<Selection> {
    let field_type = schema.field_type(kind, &field.name)?.to_owned();
    let has_first = schema.has_arg(kind, &field.name, "first");
    if field.children.is_empty() {
        return (!schema.has_fields(&field_type)).then_some(field);
    }
    let was_connection = is_connection(&field.children);
    let children = match_list_shape(field.children, schema, &field_type);
    if !has_first {
        field.args.clear();
    } else if !was_connection && is_connection(&children) {
        field.args = format!("(first: {PAGE_SIZE})");
    }
    if is_connection(&children)
        && let Some(first) = field.args.strip_prefix("(first")
        && let Some(order) = schema.id_order_argument(kind, &field.name)
    {
        // Pages are consistent only if they are ordered by id, also for a list inside a record.
        field.args = format!("({order}, first{first}");
    }
    let children = prune(children, schema, &field_type);
    (!children.is_empty()).then_some(Selection { children, ..field })
}

/// Makes `selections` a connection's or a plain list's, depending on what the type is.
fn match_list_shape(selections: Vec<Selection>, schema: &Schema, kind: &str) -> Vec<Selection> {
    let has_edges = schema.field_type(kind, "edges").is_some();
    match (is_connection(&selections), has_edges) {
        (true, false) => unwrap_connection(selections),
        (false, true) => wrap_in_connection(selections),
        _ => selections,
    }
}

fn is_connection(selections: &[Selection]) -> bool {
    selections.iter().any(|selection| selection.name == "edges")
}

fn unwrap_connection(selections: Vec<Selection>) -> Vec<Selection> {
    let edges = selections.iter().find(|selection| selection.name == "edges");
    let node = edges.and_then(|edges| edges.children.iter().find(|selection| selection.name == "node"));
    match node {
        Some(node) => node.children.clone(),
        None => selections.into_iter().filter(|selection| selection.name != "pageInfo").collect(),
    }
}

fn wrap_in_connection(node: Vec<Selection>) -> Vec<Selection> {
    let info = ["hasNextPage", "totalRecords"].map(|name| Selection::field(name, vec![]));
    let edges = Selection::field("edges", vec![Selection::field("node", node)]);
    vec![edges, Selection::field("pageInfo", info.to_vec())]
}

fn parse(text: &str) -> Vec<Selection> {
    let spaced = text.replace('{', " { ").replace('}', " } ");
    let mut tokens = Tokens { rest: &spaced };
    parse_selections(&mut tokens)
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    /// Returns a brace, `...`, a name, or a whole argument list.
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

fn parse_selections(tokens: &mut Tokens<'_>) -> Vec<Selection> {
    let mut selections: Vec<Selection> = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            "}" => break,
            "{" => {
                let children = parse_selections(tokens);
                if let Some(selection) = selections.last_mut() {
                    selection.children = children;
                }
            }
            "..." => {
                let name = tokens.nth(1).unwrap_or_default();
                selections.push(Selection { is_fragment: true, ..Selection::field(name, vec![]) });
            }
            args if args.starts_with('(') => {
                if let Some(selection) = selections.last_mut() {
                    selection.args = args.replace(" { ", "{").replace(" } ", "}");
                }
            }
            name => {
                let field = Selection::field(name.trim_start_matches('?'), vec![]);
                selections.push(Selection { is_guess: name.starts_with('?'), ..field });
            }
        }
    }
    selections
}

fn render(selections: &[Selection]) -> String {
    let texts = selections.iter().map(|selection| {
        let start = if selection.is_fragment { "... on " } else { "" };
        let children = match selection.children.is_empty() {
            true => String::new(),
            false => format!(" {{ {} }}", render(&selection.children)),
        };
        format!("{start}{}{}{children}", selection.name, selection.args)
    });
    texts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::schema;

    const SELECTION: &str = "id title ?venue { id } sessions(first: 100) { edges { node { id start } } \
                          pageInfo { hasNextPage totalRecords } } unit { name ... on Currency { code symbol } }";

    #[test]
    fn restrict_to_schema_removes_what_the_types_lack() {
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
            assert_eq!(restrict_to_schema(SELECTION, &schema(types), "Event"), expected);
        }
    }

    #[test]
    fn restrict_to_schema_of_plain_list_selects_the_actual_connection() {
        let types = schema(
            "type Query { t: T } type T { fields(first: Int): Fields } type Fields { edges: Edge pageInfo: Info } \
             type Edge { node: Field } type Field { key: ID } type Info { hasNextPage: Boolean totalRecords: Int }",
        );
        assert_eq!(
            restrict_to_schema("fields { key label }", &types, "T"),
            "fields(first: 100) { edges { node { key } } pageInfo { hasNextPage totalRecords } }"
        );
    }

    #[test]
    fn flatten_connections_selects_plain_lists() {
        assert_eq!(
            flatten_connections(
                "event { id sessions(first: 100) { edges { node { id } } pageInfo { totalRecords } } }"
            ),
            "event { id sessions { id } }"
        );
    }

    #[test]
    fn remove_fields_omits_guesses_and_named_fields() {
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
            assert_eq!(remove_fields(SELECTION, &names), expected);
        }
    }
}
