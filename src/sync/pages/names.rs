//! Names of what a report knows by id only, and what a person has decided since it was made.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use sqlx::PgPool;

use super::super::entity::Entity;
use super::super::overrides;
use super::super::plan::field_labels::{ColumnKind, label_of};
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::store::names::names_of;
use crate::bridges::store::overrides as store;
use crate::error::Result;
use crate::web::document::{list, shown, text};

/// Names by id, and decisions.
#[derive(Debug, Default)]
pub(super) struct ReportNames {
    /// Local records of the entity.
    local: HashMap<i64, String>,
    /// Records of Administrate, of every kind.
    remote: HashMap<String, String>,
    decided: MatchOverrides,
}

/// A value of a plan in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedValue {
    pub text: String,
    /// The id behind a name.
    pub id: Option<String>,
}

impl NamedValue {
    fn plain(text: String) -> NamedValue {
        NamedValue { text, id: None }
    }
}

/// A record that is left out of matching, as the page lists it.
pub(super) struct IgnoredRow {
    /// The local id; "" for a record of Administrate.
    pub local: String,
    /// Administrate's id; "" for a local record.
    pub external: String,
    pub name: String,
}

impl ReportNames {
    /// Reads the names that a report of an entity needs.
    pub(super) async fn load(pool: &PgPool, entity: Option<Entity>, document: &Value) -> Result<ReportNames> {
        let mut db = pool.acquire().await?;
        let mut remote = names_of(&mut db, &mentioned(document)).await?;
        for key in ["plan", "unmatched_remote", "skipped"] {
            let found = list(&document[key]).filter(|record| !text(&record["name"]).is_empty());
            remote.extend(found.map(|record| (text(&record["external_id"]), text(&record["name"]))));
        }
        let Some(entity) = entity else { return Ok(ReportNames { remote, ..ReportNames::default() }) };
        let local = overrides::local_records(&mut db, entity).await?;
        Ok(ReportNames {
            local: local.into_iter().map(|record| (record.id, record.name)).collect(),
            remote,
            decided: store::overrides(&mut db, entity.name()).await?,
        })
    }

    /// Returns a value of a column in words: a name instead of an id, where there is one.
    pub(super) fn value(&self, column: &str, value: &Value) -> NamedValue {
        let named = |name: Option<&String>, id: String| match name {
            Some(name) => NamedValue { text: name.clone(), id: Some(id) },
            None => NamedValue::plain(id),
        };
        match (label_of(column).1, value) {
            (ColumnKind::Link, Value::Number(id)) => match self.local.get(&id.as_i64().unwrap_or_default()) {
                Some(name) if !name.trim().is_empty() => named(Some(name), id.to_string()),
                _ => NamedValue::plain(format!("record {id}")),
            },
            (ColumnKind::Id, Value::String(id)) if column != "external_id" => named(self.remote.get(id), id.clone()),
            (_, Value::Object(fields)) => {
                let field = |(key, value): (&String, &Value)| {
                    format!("{}: {}", self.remote.get(key).unwrap_or(key), shown(value))
                };
                let fields: Vec<String> = fields.iter().map(field).collect();
                NamedValue::plain(if fields.is_empty() { "–".to_owned() } else { fields.join("; ") })
            }
            (_, value) => NamedValue::plain(shown(value)),
        }
    }

    /// Reports whether a person has decided about an unmatched local record since the report was made.
    pub(super) fn is_local_decided(&self, id: i64) -> bool {
        self.decided.ignored_local.contains(&id) || self.decided.linked.values().any(|linked| *linked == id)
    }

    /// Reports whether a person has decided about an unmatched record of Administrate since the report was made.
    pub(super) fn is_remote_decided(&self, id: &str) -> bool {
        self.decided.ignored_remote.contains(id) || self.decided.linked.contains_key(id)
    }

    /// Returns the records that are left out of matching, by name.
    pub(super) fn ignored(&self) -> Vec<IgnoredRow> {
        let local = self.decided.ignored_local.iter().map(|id| IgnoredRow {
            local: id.to_string(),
            external: String::new(),
            name: self.local.get(id).cloned().unwrap_or_else(|| format!("record {id}")),
        });
        let remote = self.decided.ignored_remote.iter().map(|id| IgnoredRow {
            local: String::new(),
            external: id.clone(),
            name: self.remote.get(id).unwrap_or(id).clone(),
        });
        let mut rows: Vec<IgnoredRow> = local.chain(remote).collect();
        rows.sort_by(|one, other| (one.local.is_empty(), &one.name).cmp(&(other.local.is_empty(), &other.name)));
        rows
    }
}

/// Returns the ids in Administrate that the changes of a plan contain beside those of their own records.
fn mentioned(document: &Value) -> Vec<String> {
    let mut ids = BTreeSet::new();
    for field in list(&document["plan"]).flat_map(|change| list(&change["fields"])) {
        for value in [&field["before"], &field["after"]] {
            match value {
                Value::String(id) if label_of(&text(&field["field"])).1 == ColumnKind::Id => {
                    ids.insert(id.clone());
                }
                Value::Object(fields) => ids.extend(fields.keys().cloned()),
                _ => {}
            }
        }
    }
    ids.into_iter().collect()
}
