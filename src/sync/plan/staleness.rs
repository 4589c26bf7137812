//! What changed since a plan was saved, in sentences: each record with the planned value and the value now.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::display::text_of;
use super::field_labels::{ColumnKind, label_of};
use crate::sync::report::display_name::display_name;
use crate::sync::report::findings::RecordError;

/// Most differences that are listed.
const MAX_LISTED: usize = 10;

/// Returns the differences between a saved plan and the current one, both serialised. Long lists end with a count.
pub(crate) fn differences(saved: &Value, current: &Value) -> Vec<RecordError> {
    let mut found = changed_rows(saved, current);
    let reported: BTreeSet<String> = found.iter().filter_map(|error| error.external_id.clone()).collect();
    let is_new = |error: &RecordError| error.external_id.as_ref().is_none_or(|id| !reported.contains(id));
    found.extend(changed_findings(saved, current).into_iter().filter(is_new));
    for (set, name) in [("approvals", "approved instructors"), ("administrators", "administrators")] {
        if saved[set] != current[set] {
            let count = |plan: &Value| list(&plan[set]["added"]).count() + list(&plan[set]["removed"]).count();
            let message = format!("{name}: {} changes planned, now {} others", count(saved), count(current));
            found.push(RecordError { external_id: None, message });
        }
    }
    if found.is_empty() {
        let message = format!("Administrate has {} records now, {} when planned", current["fetched"], saved["fetched"]);
        found.extend((saved["fetched"] != current["fetched"]).then_some(RecordError { external_id: None, message }));
    }
    let hidden = found.len().saturating_sub(MAX_LISTED);
    found.truncate(MAX_LISTED);
    if hidden > 0 {
        found.push(RecordError { external_id: None, message: format!("… and {hidden} more differences") });
    }
    found
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Returns the changes of a plan by the identity of their row.
fn by_identity(plan: &Value) -> BTreeMap<String, &Value> {
    let identity = |change: &Value| {
        let row = if change["after"].is_null() { &change["before"] } else { &change["after"] };
        format!("{} {}", row["entity_type"].as_str().unwrap_or_default(), text(&row["external_id"]))
    };
    list(&plan["changes"]).map(|change| (identity(change), change)).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn changed_rows(saved: &Value, current: &Value) -> Vec<RecordError> {
    let (planned, now) = (by_identity(saved), by_identity(current));
    let mut found = Vec::new();
    // What was planned comes first: a list of new records may be long.
    for identity in planned.keys().chain(now.keys().filter(|identity| !planned.contains_key(*identity))) {
        let sentences = match (planned.get(identity), now.get(identity)) {
            (Some(planned), Some(now)) => row_differences(planned, now),
            (Some(planned), None) => vec![no_longer_planned(planned, current)],
            (None, Some(now)) => vec![format!("not in the plan, now {}", action(now))],
            (None, None) => Vec::new(),
        };
        let Some(change) = now.get(identity).or_else(|| planned.get(identity)) else { continue };
        let external_id = identity.rsplit(' ').next().unwrap_or_default().to_owned();
        let error = |sentence: String| RecordError {
            external_id: Some(external_id.clone()),
            message: format!("{}: {sentence}", display_name(text(&change["name"]))),
        };
        found.extend(sentences.into_iter().map(error));
    }
    found
}

/// Returns what a change does: `to be created`.
fn action(change: &Value) -> String {
    match (change["before"].is_null(), change["after"].is_null()) {
        (true, _) => "to be created".into(),
        (false, true) => "to be pruned".into(),
        (false, false) => {
            let fields = row_fields(&change["before"], &change["after"]);
            let field = |(label, before, after): (String, String, String)| format!("{label} {before} → {after}");
            format!("to be updated: {}", fields.into_iter().map(field).collect::<Vec<_>>().join("; "))
        }
    }
}

fn no_longer_planned(planned: &Value, current: &Value) -> String {
    let row = if planned["after"].is_null() { &planned["before"] } else { &planned["after"] };
    let has = |list_name: &str| list(&current[list_name]).any(|id| *id == row["external_id"]);
    let is_missing = list(&current["gone"]).any(|gone| gone["external_id"] == row["external_id"]);
    let now = match (has("unchanged"), is_missing) {
        (true, _) => "it is up to date",
        (false, true) => "Administrate no longer has it",
        (false, false) => "nothing of it is to be written",
    };
    format!("planned {}, now {now}", action(planned))
}

/// Compares the rows before and after two changes of one record.
fn row_differences(planned: &Value, now: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if planned["name"] != now["name"] {
        found.push(format!("planned as {}, now called {}", text_of(&planned["name"]), text_of(&now["name"])));
    }
    match (planned["before"].is_null(), now["before"].is_null()) {
        (true, false) => found.push("planned to be created, now this database has it".into()),
        (false, true) => found.push("planned to be updated, now this database does not have it".into()),
        _ => found.extend(
            row_fields(&planned["before"], &now["before"])
                .into_iter()
                .map(|(label, then, now)| format!("{label} in this database: {then} when planned, now {now}")),
        ),
    }
    match (planned["after"].is_null(), now["after"].is_null()) {
        (true, false) => found.push("planned to be pruned, now Administrate has it".into()),
        (false, true) => found.push("planned to be updated, now Administrate no longer has it".into()),
        _ => found.extend(
            row_fields(&planned["after"], &now["after"])
                .into_iter()
                .map(|(label, then, now)| format!("{label}: planned {then}, now {now}")),
        ),
    }
    found
}

/// Returns the columns that differ, as users read them, with both values.
fn row_fields(one: &Value, other: &Value) -> Vec<(String, String, String)> {
    let columns = [one, other].into_iter().filter_map(Value::as_object).flat_map(|row| row.keys());
    let differing = columns.collect::<BTreeSet<_>>().into_iter().filter(|column| one[*column] != other[*column]);
    let field = |column: &String| {
        let (label, kind) = label_of(column);
        let value = |row: &Value| match (&row[column], kind) {
            (Value::Number(id), ColumnKind::Link) => format!("the local record {id}"),
            (value, _) => text_of(value),
        };
        (label, value(one), value(other))
    };
    differing.map(field).collect()
}

/// The lists of records without a link, with the id of their items and what to say of a record in them.
const FINDINGS: [(&str, &str, &str); 6] = [
    ("unmatched_local", "id", "only in Lectern"),
    ("unmatched_remote", "external_id", "only in Administrate"),
    ("ambiguous", "key", "ambiguous"),
    ("skipped", "external_id", "skipped"),
    ("errors", "external_id", "an error"),
    ("conflicts", "external_id", "changed on both sides"),
];

fn changed_findings(saved: &Value, current: &Value) -> Vec<RecordError> {
    let mut found = Vec::new();
    for (name, id, state) in FINDINGS {
        let items = |plan: &'_ Value| -> BTreeMap<String, String> {
            let label = |item: &Value| match (&item["name"], &item["key"]) {
                (Value::String(name), _) => display_name(name),
                (_, Value::String(key)) => key.clone(),
                _ => text(&item["message"]).to_owned(),
            };
            list(&plan["findings"][name]).map(|item| (item[id].to_string(), label(item))).collect()
        };
        let (planned, now) = (items(saved), items(current));
        let error =
            |(id, message): (&String, String)| RecordError { external_id: serde_json::from_str(id).ok(), message };
        let gone = planned.iter().filter(|(id, _)| !now.contains_key(*id));
        let new = now.iter().filter(|(id, _)| !planned.contains_key(*id));
        found.extend(new.map(|(id, label)| error((id, format!("{label}: now {state}, not when planned")))));
        found.extend(gone.map(|(id, label)| error((id, format!("{label}: {state} when planned, not now")))));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(changes: Value, unmatched: Value) -> Value {
        json!({ "fetched": 2, "changes": changes, "unchanged": ["U"], "findings": { "unmatched_local": unmatched } })
    }

    fn sentences(saved: &Value, current: &Value) -> Vec<String> {
        differences(saved, current).into_iter().map(|difference| difference.message).collect()
    }

    #[test]
    fn difference_names_record_field_and_both_values() {
        let row = |legacy: &str, link: Value| json!({ "external_id": "A", "legacy_id": legacy, "tutorial_location_id": link });
        let change = |before: Value, after: Value| json!([{ "name": "London", "before": before, "after": after }]);
        let saved = plan(change(row("1", json!(7)), row("2", json!(7))), json!([]));
        for (current, expected) in [
            (change(row("1", json!(7)), row("3", json!(7))), "London: legacy id: planned 2, now 3"),
            (
                change(row("0", json!(7)), row("2", json!(7))),
                "London: legacy id in this database: 1 when planned, now 0",
            ),
            (
                change(row("1", json!(7)), row("2", json!(8))),
                "London: linked with: planned the local record 7, now the local record 8",
            ),
            (
                change(row("1", json!(7)), Value::Null),
                "London: planned to be updated, now Administrate no longer has it",
            ),
            (json!([]), "London: planned to be updated: legacy id 1 → 2, now nothing of it is to be written"),
        ] {
            assert_eq!(sentences(&saved, &plan(current, json!([]))), [expected]);
        }
        let added = plan(saved["changes"].clone(), json!([{ "id": 4, "name": "Leeds" }]));
        assert_eq!(sentences(&saved, &added), ["Leeds: now only in Lectern, not when planned"]);
        assert_eq!(sentences(&added, &saved), ["Leeds: only in Lectern when planned, not now"]);
    }

    #[test]
    fn long_list_ends_with_a_count() {
        let change = |n: usize| json!({ "name": format!("Town {n}"), "before": null, "after": { "external_id": n.to_string() } });
        let many = plan((0..25).map(change).collect(), json!([]));
        let found = sentences(&plan(json!([]), json!([])), &many);
        assert_eq!((found.len(), found[10].as_str()), (11, "… and 15 more differences"));
    }
}
