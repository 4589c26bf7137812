//! Corruption of responses by faults, after the request was executed.

use apollo_compiler::response::{JsonMap, JsonValue};

use crate::faults::Action;

/// Corrupts a response as the action defines. Pages are found by the names `edges`, `pageInfo` and `totalRecords`, so a
/// document that uses aliases for them is not affected.
pub(crate) fn corrupt(response: &mut JsonMap, action: &Action) {
    if *action == Action::EmptyErrors {
        response.entry("errors").or_insert_with(|| JsonValue::Array(Vec::new()));
        return;
    }
    let Some(JsonValue::Object(data)) = response.get_mut("data") else {
        return;
    };
    for (_, page) in data.iter_mut() {
        match (action, page) {
            (Action::WrongTotal { by }, JsonValue::Object(page)) => shift_total(page, *by),
            (_, JsonValue::Object(page)) => {
                if let Some(JsonValue::Array(edges)) = page.get_mut("edges") {
                    corrupt_edges(edges, action);
                }
            }
            _ => {}
        }
    }
}

fn shift_total(page: &mut JsonMap, by: i64) {
    let Some(JsonValue::Object(info)) = page.get_mut("pageInfo") else {
        return;
    };
    if let Some(total) = info.get_mut("totalRecords") {
        *total = JsonValue::from(total.as_i64().unwrap_or(0).saturating_add(by).max(0));
    }
}

fn corrupt_edges(edges: &mut Vec<JsonValue>, action: &Action) {
    match action {
        Action::TruncatedPage { keep } => edges.truncate(*keep),
        Action::NullNode { index } => {
            if let Some(JsonValue::Object(edge)) = edges.get_mut(*index) {
                edge.insert("node", JsonValue::Null);
            }
        }
        Action::DuplicateRow => {
            if let [first, .., last] = edges.as_mut_slice() {
                *last = first.clone();
            }
        }
        _ => {}
    }
}
