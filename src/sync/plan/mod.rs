//! The difference between Administrate's records and the stored link rows, as plain data.
//!
//! A plan is a pure function of both sides. It can be printed, saved, restricted to chosen records, and applied to the rows
//! in memory: a plan made from the result is empty.

pub mod change;
pub mod display;
pub(in crate::sync) mod field_labels;
pub mod plan_file;
pub(crate) mod spelling;
pub(crate) mod staleness;
pub mod validate;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

pub use self::change::{ChangeAction, RowChange, SetDiff};
use self::spelling::FirstComparison;
use self::validate::{row_error, text_error};
use super::conflicts::Resolution;
use super::entity::Entity;
use super::matching::MatchResult;
use crate::bridges::reference::{AdministratorRow, ApprovalRow, CascadedDeletes, LinkRow};
use crate::sync::report::display_name::display_name;
use crate::sync::report::findings::{Findings, RecordError, SkippedRecord};
use crate::tutorials::reference::{CreatedRow, Named};

/// The changes that bring the link rows of an entity up to date with Administrate, and what planning found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncPlan<R> {
    pub entity: Entity,
    /// Number of records that Administrate has.
    pub fetched: usize,
    /// Rows to write, in the order of the fetched records.
    pub changes: Vec<RowChange<R>>,
    /// Administrate's ids of the rows that are up to date.
    pub unchanged: Vec<String>,
    /// Number of records without a row that no list names: ambiguous prices, and records that `--only` leaves out.
    #[serde(default, rename = "passed_over")]
    pub not_listed: usize,
    /// Number of fetched records that `--only` leaves out.
    #[serde(skip)]
    pub left_out: usize,
    /// Rows whose record Administrate no longer has. They stay unless they are pruned.
    #[serde(rename = "gone")]
    pub missing_remote: Vec<R>,
    /// Changes of the instructors that are approved for course templates.
    #[serde(default = "SetDiff::none")]
    pub approvals: SetDiff<ApprovalRow>,
    /// Changes of the contacts that may administer events.
    #[serde(default = "SetDiff::none")]
    pub administrators: SetDiff<AdministratorRow>,
    /// Local records that were created before the plan was made; empty in a plan that is saved to a file.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "made")]
    pub created_local_rows: Vec<CreatedRow>,
    /// Local records that a run would create; only in a dry run.
    #[serde(skip)]
    pub planned_local: Vec<Named>,
    /// Resolved conflicts; only of events.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "settlements")]
    pub resolutions: Vec<Resolution>,
    /// Rows that the database deletes together with the pruned rows.
    #[serde(skip)]
    pub cascaded: CascadedDeletes,
    /// Requested Administrate ids that no record of this entity has.
    #[serde(skip)]
    pub unknown: BTreeSet<String>,
    /// Administrate's ids of the records of which nothing may be written, because one of their texts cannot be stored.
    #[serde(skip)]
    damaged: HashSet<String>,
    /// Rows that are up to date, of which something is still to be stored that Lectern alone stores.
    #[serde(skip, default = "Vec::new")]
    pub(in crate::sync) completed: Vec<R>,
    /// What is to be remembered of this comparison; none if nothing new.
    #[serde(skip, default = "Option::default")]
    pub(in crate::sync) comparison: Option<FirstComparison<R>>,
    pub findings: Findings,
}

/// The row that a record of Administrate requires, not linked yet.
#[derive(Debug, Clone)]
pub struct DesiredRow<R> {
    /// The name that users know the record by.
    pub name: String,
    pub row: R,
    /// Other texts of the record, which its row does not hold, by column.
    pub other_texts: Vec<(&'static str, String)>,
}

impl<R> DesiredRow<R> {
    fn text_error(&self) -> Option<String> {
        self.other_texts.iter().find_map(|(column, text)| text_error(column, text))
    }
}

impl<R: LinkRow> SyncPlan<R> {
    /// Compares the desired rows with the stored ones. `matches` contains the link of each row.
    pub fn between(entity: Entity, desired: Vec<DesiredRow<R>>, rows: &[R], matches: MatchResult) -> Self {
        let fetched = desired.len();
        let MatchResult { links, unmatched_local, unmatched_remote, ambiguous, separated, ignored } = matches;
        let mut plan = SyncPlan {
            entity,
            fetched,
            changes: Vec::new(),
            unchanged: Vec::new(),
            not_listed: 0,
            left_out: 0,
            missing_remote: Vec::new(),
            approvals: SetDiff::none(),
            administrators: SetDiff::none(),
            created_local_rows: Vec::new(),
            planned_local: Vec::new(),
            resolutions: Vec::new(),
            cascaded: CascadedDeletes::default(),
            unknown: BTreeSet::new(),
            damaged: HashSet::new(),
            completed: Vec::new(),
            comparison: None,
            findings: Findings { unmatched_local, unmatched_remote, ambiguous, separated, ..Findings::default() },
        };
        let stored: HashMap<String, &R> = rows.iter().map(|row| (row.identity(), row)).collect();
        let mut seen: HashSet<String> = HashSet::new();
        for desired in desired {
            let text_error = desired.text_error();
            let DesiredRow { name, mut row, .. } = desired;
            row.set_link(links.get(row.external_id()).copied());
            let identity = row.identity();
            if !seen.insert(identity.clone()) {
                plan.add_error(&row, &name, "Administrate sent this record twice; only the first one is used");
            } else if ignored.contains(row.external_id()) && !stored.contains_key(&identity) {
                plan.findings.skipped.push(SkippedRecord::ignored(row.external_id(), name));
            } else if let Some(error) = text_error {
                plan.add_error(&row, &name, &error);
            } else {
                plan.add_row(name, stored.get(&identity).copied(), row);
            }
        }
        let linked: HashSet<i64> = links.values().copied().collect();
        plan.missing_remote = rows.iter().filter(|row| !seen.contains(&row.identity())).cloned().collect();
        plan.release_links(&linked);
        plan
    }

    /// Adds a desired row to the plan: as a change, as unchanged, or as an error if it cannot be stored.
    pub fn add_row(&mut self, name: String, before: Option<&R>, after: R) {
        if let Some(error) = row_error(&after).or_else(|| text_error("name", &name)) {
            self.damaged.insert(after.external_id().to_owned());
            self.add_error(&after, &name, &error);
        } else if before == Some(&after) {
            self.unchanged.push(after.external_id().to_owned());
        } else {
            self.changes.push(RowChange { name, before: before.cloned(), after: Some(after) });
        }
    }

    fn add_error(&mut self, row: &R, name: &str, message: &str) {
        let external_id = Some(row.external_id().to_owned());
        self.findings.errors.push(RecordError { external_id, message: format!("{}: {message}", display_name(name)) });
    }

    /// Removes links that another row takes over.
    ///
    /// A record that came back with a new id takes the link of the row that vanished. Two rows that link one local
    /// record would be ambiguous to every reader.
    pub(super) fn release_links(&mut self, linked: &HashSet<i64>) {
        for row in &mut self.missing_remote {
            if row.link().is_some_and(|local| linked.contains(&local)) {
                let before = row.clone();
                row.set_link(None);
                let name = row.external_id().to_owned();
                self.changes.push(RowChange { name, before: Some(before), after: Some(row.clone()) });
            }
        }
    }

    /// Turns every row whose record Administrate no longer has into a deletion.
    pub fn prune(&mut self) {
        for row in std::mem::take(&mut self.missing_remote) {
            let identity = row.identity();
            let is_of_row =
                |change: &mut RowChange<R>| change.before.as_ref().is_some_and(|before| before.identity() == identity);
            // The stored row still has the link that was to be removed.
            let released = self.changes.extract_if(.., is_of_row).last().and_then(|change| change.before);
            let name = row.external_id().to_owned();
            self.changes.push(RowChange { name, before: Some(released.unwrap_or(row)), after: None });
        }
    }

    /// Restricts the plan to the records with these Administrate ids. Returns the ids that no record has.
    ///
    /// Each fetched record is still counted once: those left out as skipped.
    pub fn restrict_to(&mut self, only: &BTreeSet<String>) -> BTreeSet<String> {
        let mut unknown = only.clone();
        self.external_ids().for_each(|external_id| _ = unknown.remove(external_id));
        let before = self.fetched_rows();
        for change in std::mem::take(&mut self.changes) {
            let is_chosen = change.row().is_some_and(|row| only.contains(row.external_id()));
            match change {
                change if is_chosen => self.changes.push(change),
                RowChange { before: Some(row), after: None, .. } => self.missing_remote.push(row),
                RowChange { before: Some(row), .. } => self.restore_missing(row),
                RowChange { before: None, .. } => {}
            }
        }
        let linked = self.changes.iter().filter_map(|change| change.after.as_ref()?.link());
        self.release_links(&linked.collect());
        self.unchanged.retain(|external_id| only.contains(external_id));
        self.left_out = before - self.fetched_rows();
        self.not_listed += self.left_out;
        self.approvals.added.retain(|approval| only.contains(&approval.template_external_id));
        self.approvals.removed.retain(|approval| only.contains(&approval.template_external_id));
        self.administrators.added.retain(|contact| only.contains(&contact.external_id));
        self.administrators.removed.retain(|contact| only.contains(&contact.external_id));
        self.resolutions.retain(|resolution| only.contains(&resolution.external_id));
        unknown
    }

    /// Returns the number of fetched records with a change or a row that is up to date.
    fn fetched_rows(&self) -> usize {
        let missing: HashSet<String> = self.missing_remote.iter().map(LinkRow::identity).collect();
        let is_fetched =
            |change: &&RowChange<R>| change.after.as_ref().is_some_and(|row| !missing.contains(&row.identity()));
        self.changes.iter().filter(is_fetched).count() + self.unchanged.len()
    }

    /// Gives a row whose record is missing its link back, if the change that removes it is left out.
    fn restore_missing(&mut self, before: R) {
        let identity = before.identity();
        if let Some(row) = self.missing_remote.iter_mut().find(|row| row.identity() == identity) {
            *row = before;
        }
    }

    /// Returns Administrate's id of every record that the plan is about.
    fn external_ids(&self) -> impl Iterator<Item = &str> {
        let changed = self.changes.iter().filter_map(|change| change.row()).map(LinkRow::external_id);
        let unchanged = self.unchanged.iter().map(String::as_str);
        let missing = self.missing_remote.iter().map(LinkRow::external_id);
        let skipped = self.findings.skipped.iter().map(|skipped| skipped.external_id.as_str());
        let ambiguous = self.findings.ambiguous.iter().flat_map(|ambiguity| &ambiguity.remote);
        let ambiguous = ambiguous.map(|record| record.external_id.as_str());
        let failed = self.findings.errors.iter().filter_map(|error| error.external_id.as_deref());
        let unmatched = self.findings.unmatched_remote.iter().map(|record| record.external_id.as_str());
        changed.chain(unchanged).chain(missing).chain(skipped).chain(ambiguous).chain(failed).chain(unmatched)
    }

    /// Returns `rows` as they are after the plan.
    pub fn applied_to(&self, rows: &[R]) -> Vec<R> {
        let mut after: BTreeMap<String, R> = rows.iter().map(|row| (row.identity(), row.clone())).collect();
        for change in &self.changes {
            if let Some(before) = &change.before {
                after.remove(&before.identity());
            }
        }
        for row in self.changes.iter().filter_map(|change| change.after.as_ref()) {
            after.insert(row.identity(), row.clone());
        }
        after.into_values().collect()
    }

    /// Returns whether applying the plan would write nothing.
    pub fn is_empty(&self) -> bool {
        let SyncPlan {
            changes, approvals, administrators, created_local_rows, resolutions: settlements, findings, ..
        } = self;
        changes.is_empty()
            && approvals.is_empty()
            && administrators.is_empty()
            && settlements.is_empty()
            && created_local_rows.is_empty()
            && findings.removed_local.is_empty()
    }

    /// Returns the changes with one action.
    pub fn changes_of(&self, action: ChangeAction) -> impl Iterator<Item = &RowChange<R>> {
        self.changes.iter().filter(move |change| change.action() == action)
    }
}
