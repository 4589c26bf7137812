//! Keeps the spelling of values that an adopted database has and that mean the same as Administrate's.
//!
//! Null and nothing always mean the same. Other letter case means the same until Administrate changes it: the first
//! comparison of a row remembers what Administrate had.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RowChange, SyncPlan};
use crate::bridges::reference::LinkRow;
use crate::bridges::spelling::keep_spelling;
use crate::error::{Error, Result};

/// What is remembered of the comparisons of an entity's rows with Administrate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FirstComparison<R> {
    /// Rows of which a spelling was retained, as Administrate had them, by identity.
    retained: BTreeMap<String, R>,
    /// Identities of the stored rows that have never been compared.
    #[serde(rename = "pending")]
    never: BTreeSet<String>,
    /// Whether the entity has been compared at all.
    #[serde(skip, default = "compared")]
    is_known: bool,
}

fn compared() -> bool {
    true
}

impl<R: LinkRow + DeserializeOwned> FirstComparison<R> {
    /// Reads the stored form; none: the entity was never compared. Rows that an older version cannot read are forgotten.
    pub(crate) fn of(stored: Option<Value>) -> Self {
        let unknown = || FirstComparison { retained: BTreeMap::new(), never: BTreeSet::new(), is_known: false };
        stored.map_or_else(unknown, |stored| {
            let empty = FirstComparison { is_known: true, ..unknown() };
            serde_json::from_value(stored).unwrap_or(empty)
        })
    }
}

impl<R: LinkRow> FirstComparison<R> {
    /// Returns the form that is stored.
    pub(crate) fn stored(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(|error| Error::Failed(format!("the comparison cannot be stored: {error}")))
    }

    /// Returns the row that Administrate had at the first comparison with a stored row; none: it was never compared.
    fn first_seen<'a>(&'a self, identity: &str, stored: &'a R) -> Option<&'a R> {
        let is_compared = self.is_known && !self.never.contains(identity);
        is_compared.then(|| self.retained.get(identity).unwrap_or(stored))
    }
}

impl<R: LinkRow> SyncPlan<R> {
    /// Leaves values that mean the same as they are stored, and remembers what Administrate had.
    pub(in crate::sync) fn keep_spellings(&mut self, rows: &[R], known: &FirstComparison<R>) {
        let mut retained = BTreeMap::new();
        let mut compared: HashSet<String> = HashSet::new();
        for mut change in std::mem::take(&mut self.changes) {
            if let RowChange { before: Some(before), after: Some(after), .. } = &mut change {
                let identity = before.identity();
                let desired = after.clone();
                if keep_spelling(after, before, known.first_seen(&identity, before)) {
                    retained.insert(identity.clone(), desired);
                }
                compared.insert(identity);
                if after == before {
                    self.unchanged.push(after.external_id().to_owned());
                    continue;
                }
                if after.only_completes(before) {
                    self.unchanged.push(after.external_id().to_owned());
                    self.completed.push(after.clone());
                    continue;
                }
            }
            self.changes.push(change);
        }
        let unchanged: HashSet<&str> = self.unchanged.iter().map(String::as_str).collect();
        let missing: HashSet<String> = self.missing_remote.iter().map(LinkRow::identity).collect();
        let is_compared = |identity: &str, external_id: &str| {
            !missing.contains(identity) && (compared.contains(identity) || unchanged.contains(external_id))
        };
        let open: Vec<String> =
            rows.iter().filter(|row| !is_compared(&row.identity(), row.external_id())).map(LinkRow::identity).collect();
        let earlier = open.iter().filter_map(|identity| known.retained.get_key_value(identity));
        retained.extend(earlier.map(|(identity, row)| (identity.clone(), row.clone())));
        let never = open.into_iter().filter(|identity| !known.is_known || known.never.contains(identity)).collect();
        let comparison = FirstComparison { retained, never, is_known: true };
        self.comparison = Some(comparison).filter(|comparison| comparison != known);
    }
}
