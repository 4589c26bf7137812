//! A report of a sync as a page shows it.

use serde_json::Value;

use super::super::entity::Entity;
use super::super::plan::field_labels::{ColumnKind, label_of};
use super::names::{NamedValue, ReportNames};
use crate::web::document::{list, number, optional, shown, text};
use crate::web::format::thousands;
use crate::web::paging::ListPart;
use crate::web::run::StateTag;

/// Changes of one part of a plan.
const PART: usize = 100;

/// Records of a list that is not divided into parts.
const MOST: usize = 200;

/// A report of one entity.
pub(super) struct ReportView {
    pub facts: Vec<SyncFact>,
    pub changes: Vec<ChangeRow>,
    pub part: ListPart,
    /// Records without a counterpart whose names are similar.
    pub pairs: Vec<SuggestedPair>,
    pub local: Vec<LocalRow>,
    pub remote: Vec<RemoteRow>,
    /// Records of the two lists that are not shown.
    pub hidden: usize,
    pub ambiguous: Vec<AmbiguousRow>,
    pub conflicts: Vec<ConflictRow>,
    pub findings: Vec<FindingRow>,
}

/// A number with its name.
pub(super) struct SyncFact {
    pub name: &'static str,
    pub value: String,
}

/// A row that a plan changes.
pub(super) struct ChangeRow {
    pub id: String,
    pub name: String,
    pub tag: StateTag,
    pub fields: Vec<FieldRow>,
}

/// A field that a plan changes.
pub(super) struct FieldRow {
    pub name: String,
    pub before: NamedValue,
    pub after: NamedValue,
}

/// A record that only Lectern has.
pub(super) struct LocalRow {
    pub id: i64,
    pub name: String,
    /// Records of Administrate that it may be linked with, the most similar first.
    pub choices: Vec<LinkChoice>,
}

/// A record that only Administrate has.
pub(super) struct RemoteRow {
    pub id: String,
    pub name: String,
    pub similar: String,
}

/// Two records with similar names.
pub(super) struct SuggestedPair {
    pub local_id: i64,
    pub local: String,
    pub external_id: String,
    pub remote: String,
}

/// A record of Administrate to link with.
#[derive(Clone)]
pub(super) struct LinkChoice {
    pub id: String,
    pub name: String,
    pub is_suggested: bool,
}

/// Records of one name, of which a person has to choose.
pub(super) struct AmbiguousRow {
    pub key: String,
    pub local: Vec<(i64, String)>,
    pub remote: Vec<(String, String)>,
}

/// A value that differs on both sides.
pub(super) struct ConflictRow {
    pub event: String,
    pub field: String,
    pub local: String,
    pub remote: String,
    pub baseline: String,
    /// Whether both sides changed it; otherwise only Administrate did.
    pub is_conflict: bool,
    /// The values as they were shown, so that others are not decided on.
    pub shown: String,
}

/// Something else that the run found.
pub(super) struct FindingRow {
    pub kind: StateTag,
    pub name: String,
    pub message: String,
}

impl ReportView {
    /// Reads the document of one entity.
    pub(super) fn new(document: &Value, part: Option<i64>, names: &ReportNames) -> ReportView {
        let changes: Vec<&Value> = list(&document["plan"]).collect();
        let part = ListPart::of(changes.len(), PART, part);
        let entity = document["entity"].as_str().and_then(|name| name.parse().ok());
        let is_linkable = can_be_linked(entity);
        let is_open = |record: &&Value| !names.is_remote_decided(&text(&record["external_id"]));
        let remote: Vec<&Value> = list(&document["unmatched_remote"]).filter(is_open).collect();
        let is_open = |record: &&Value| !names.is_local_decided(number(&record["id"]));
        let local: Vec<&Value> = list(&document["unmatched_local"]).filter(is_open).collect();
        let all: Vec<LinkChoice> = remote.iter().take(MOST).map(|record| choice(record, false)).collect();
        let conflict = |is_conflict| move |conflict: &Value| ConflictRow::new(conflict, is_conflict);
        let conflicts = list(&document["conflicts"]).map(conflict(true));
        let local_rows: Vec<LocalRow> = local.iter().take(MOST).map(|record| local_row(record, &all)).collect();
        ReportView {
            pairs: pairs(&local_rows),
            facts: facts(document),
            changes: changes[part.from..part.to]
                .iter()
                .map(|change| ChangeRow::new(change, names, is_linkable))
                .collect(),
            part,
            hidden: remote.len().saturating_sub(MOST) + local.len().saturating_sub(MOST),
            local: local_rows,
            remote: remote.iter().take(MOST).map(|record| remote_row(record)).collect(),
            ambiguous: list(&document["ambiguous"]).take(MOST).map(ambiguous_row).collect(),
            conflicts: conflicts.chain(list(&document["differences"]).map(conflict(false))).take(MOST).collect(),
            findings: findings(document),
        }
    }
}

impl ReportView {
    /// Leaves out what a person could decide: the run did not look for it.
    pub(super) fn without_matches(mut self) -> ReportView {
        (self.local, self.remote, self.pairs, self.ambiguous) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        self.facts.clear();
        self
    }

    /// Reports whether there is nothing to apply, to decide or to look at.
    pub(super) fn has_nothing_open(&self) -> bool {
        let records = self.local.len() + self.remote.len() + self.ambiguous.len() + self.conflicts.len();
        records + self.changes.len() + self.findings.len() == 0
    }
}

fn facts(document: &Value) -> Vec<SyncFact> {
    let counts = &document["counts"];
    let fact = |(name, key): (&'static str, &str)| SyncFact { name, value: thousands(number(&counts[key])) };
    let names = [
        ("In Administrate", "fetched"),
        ("New links", "created"),
        ("Changed", "updated"),
        ("Unchanged", "unchanged"),
        ("Pruned", "pruned"),
        ("Left out", "skipped"),
        ("Errors", "errors"),
    ];
    let requests = SyncFact { name: "Requests", value: thousands(number(&document["requests"])) };
    names.into_iter().map(fact).chain([requests]).collect()
}

impl ChangeRow {
    /// `is_linkable`: whether records of its kind exist locally too.
    fn new(change: &Value, names: &ReportNames, is_linkable: bool) -> ChangeRow {
        let link = list(&change["fields"]).find(|field| is_link(field));
        let has_link = link.is_some_and(|field| !field["after"].is_null());
        let tag = match (change["action"].as_str().unwrap_or_default(), link.is_some(), has_link) {
            ("create", true, true) => StateTag::new("good", "New link"),
            ("create", true, false) => StateTag::new("", "Stored, no link"),
            ("create", false, _) if is_linkable => StateTag::new("", "Stored, no link"),
            ("create", false, _) => StateTag::new("good", "New"),
            ("prune", ..) => StateTag::new("bad", "Removed"),
            _ => StateTag::new("live", "Changed"),
        };
        let field = |field: &Value| {
            let column = text(&field["field"]);
            FieldRow {
                name: if is_link(field) { "record of Lectern".to_owned() } else { label_of(&column).0 },
                before: names.value(&column, &field["before"]),
                after: names.value(&column, &field["after"]),
            }
        };
        let is_shown = |field: &&Value| field["before"] != field["after"] && field["field"] != "legacy_id";
        let fields = list(&change["fields"]).filter(is_shown).map(field);
        ChangeRow { id: text(&change["external_id"]), name: text(&change["name"]), tag, fields: fields.collect() }
    }
}

/// Reports whether a field is the local record that a row is linked with.
fn is_link(field: &Value) -> bool {
    field["field"].as_str().is_some_and(|name| label_of(name).1 == ColumnKind::Link)
}

fn choice(record: &Value, is_suggested: bool) -> LinkChoice {
    LinkChoice { id: text(&record["external_id"]), name: text(&record["name"]), is_suggested }
}

fn local_row(record: &Value, all: &[LinkChoice]) -> LocalRow {
    let suggested: Vec<String> = list(&record["suggestions"]).map(text).collect();
    let place = |choice: &LinkChoice| suggested.iter().position(|name| *name == choice.name).unwrap_or(usize::MAX);
    let mut choices: Vec<LinkChoice> = all.to_vec();
    choices.sort_by_key(place);
    for choice in &mut choices {
        choice.is_suggested = place(choice) != usize::MAX;
    }
    LocalRow { id: number(&record["id"]), name: text(&record["name"]), choices }
}

/// Returns each record with the most similar one of Administrate that no other record is paired with.
fn pairs(local: &[LocalRow]) -> Vec<SuggestedPair> {
    let mut found: Vec<SuggestedPair> = Vec::new();
    for row in local {
        let is_free = |choice: &&LinkChoice| found.iter().all(|pair| pair.external_id != choice.id);
        let Some(choice) = row.choices.iter().filter(|choice| choice.is_suggested).find(is_free) else { continue };
        found.push(SuggestedPair {
            local_id: row.id,
            local: row.name.clone(),
            external_id: choice.id.clone(),
            remote: choice.name.clone(),
        });
    }
    found
}

fn remote_row(record: &Value) -> RemoteRow {
    let similar: Vec<String> = list(&record["suggestions"]).map(text).collect();
    RemoteRow { id: text(&record["external_id"]), name: text(&record["name"]), similar: similar.join(", ") }
}

fn ambiguous_row(item: &Value) -> AmbiguousRow {
    AmbiguousRow {
        key: text(&item["key"]),
        local: list(&item["local"]).map(|record| (number(&record["id"]), text(&record["name"]))).collect(),
        remote: list(&item["remote"]).map(|record| (text(&record["external_id"]), text(&record["name"]))).collect(),
    }
}

impl ConflictRow {
    fn new(conflict: &Value, is_conflict: bool) -> ConflictRow {
        ConflictRow {
            event: text(&conflict["name"]),
            field: text(&conflict["field"]),
            local: shown(&conflict["ours"]),
            remote: shown(&conflict["theirs"]),
            baseline: shown(&conflict["agreed"]),
            is_conflict,
            shown: conflict.to_string(),
        }
    }
}

fn findings(document: &Value) -> Vec<FindingRow> {
    let is_plan = document["dry_run"] == true;
    let planned = |word| StateTag::new("live", word);
    let done = |word| StateTag::new("good", word);
    let kinds: [(&str, StateTag, &str); 7] = [
        ("errors", StateTag::new("bad", "Error"), "message"),
        ("not_created_in_administrate", StateTag::new("warn", "Not created there"), "reason"),
        ("not_created_local", StateTag::new("warn", "Not created here"), "reason"),
        (
            "created_in_administrate",
            if is_plan { planned("Would be created there") } else { done("Created there") },
            "to_mend",
        ),
        ("created_local", if is_plan { planned("Would be created here") } else { done("Created here") }, ""),
        ("gone", StateTag::new("warn", "Gone there"), ""),
        ("skipped", StateTag::new("", "Left out"), "reason"),
    ];
    let mut found = Vec::new();
    for (key, kind, message) in kinds {
        let row = |item: &Value| FindingRow {
            kind,
            name: optional(&item["name"]).or_else(|| optional(&item["external_id"])).unwrap_or_default(),
            message: if item[message].is_null() { String::new() } else { shown(&item[message]) },
        };
        found.extend(list(&document[key]).take(MOST).map(row));
    }
    found
}

/// Reports whether unmatched records of an entity can be linked.
pub(super) fn can_be_linked(entity: Option<Entity>) -> bool {
    entity.is_some_and(|entity| entity.can_be_created() || entity == Entity::Events)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn similar_records_are_paired_once() {
        let document = json!({
            "unmatched_local": [
                { "id": 1, "name": "Edinburgh", "suggestions": ["Edinburg"] },
                { "id": 2, "name": "Edinburgh West", "suggestions": ["Edinburg", "Edinburg West"] },
                { "id": 3, "name": "Leeds", "suggestions": [] },
            ],
            "unmatched_remote": [
                { "external_id": "a", "name": "Edinburg" },
                { "external_id": "b", "name": "Edinburg West" },
                { "external_id": "c", "name": "York" },
            ],
        });
        let view = ReportView::new(&document, None, &ReportNames::default());
        let pairs: Vec<(i64, &str)> =
            view.pairs.iter().map(|pair| (pair.local_id, pair.external_id.as_str())).collect();
        assert_eq!(pairs, [(1, "a"), (2, "b")]);
        let choices: Vec<&str> = view.local[1].choices.iter().map(|choice| choice.id.as_str()).collect();
        assert_eq!(choices, ["a", "b", "c"], "the most similar are first");
        assert_eq!(view.remote.len(), 3);
    }
}
