//! The difference between what Administrate says and what the bridge rows say, as plain data.
//!
//! A plan is a pure function of both sides. It can be printed, saved, narrowed to chosen records, and laid over the rows
//! that it was made from: a plan made after that is empty.

pub mod display;
pub mod plan_file;
pub mod validate;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use self::display::ChangeView;
use self::validate::{nul_error, row_error};
use super::conflicts::Resolution;
use super::entity::Entity;
use super::matching::MatchResult;
use crate::bridges::reference::{AdministratorRow, ApprovalRow, CascadedDeletes, LinkRow};
use crate::console::counted;
use crate::sync::report::findings::{Findings, RecordError, SkippedRecord};
use crate::text::contains_nul;
use crate::tutorials::reference::CreatedRow;

/// What has to be done so that the bridge rows of an entity say what Administrate says, and what was found on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncPlan<R> {
    /// Of which entity.
    pub entity: Entity,
    /// How many records Administrate has.
    pub fetched: usize,
    /// What to write, in the order of the records fetched.
    pub changes: Vec<RowChange<R>>,
    /// Rows that say already what Administrate says, by its ids.
    pub unchanged: Vec<String>,
    /// How many records get no row without being listed: ambiguous prices, and what is not among those that are meant.
    #[serde(default, rename = "passed_over")]
    pub not_listed: usize,
    /// Rows whose record Administrate no longer has. They stay unless they are pruned.
    #[serde(rename = "gone")]
    pub missing_remote: Vec<R>,
    /// Who may teach what, where that changed.
    #[serde(default = "SetDiff::none")]
    pub approvals: SetDiff<ApprovalRow>,
    /// Who may administer events, where that changed.
    #[serde(default = "SetDiff::none")]
    pub administrators: SetDiff<AdministratorRow>,
    /// Rows of ours that were made before it was; none in a plan that is saved.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "made")]
    pub created_local_rows: Vec<CreatedRow>,
    /// Values of events that are decided about; of events alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settlements: Vec<Resolution>,
    /// What goes with the rows that are pruned.
    #[serde(skip)]
    pub cascaded: CascadedDeletes,
    /// Administrate's ids that somebody named and that no record here goes by.
    #[serde(skip)]
    pub unknown: BTreeSet<String>,
    /// What a person should know.
    pub findings: Findings,
}

/// One row to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowChange<R> {
    /// How people call the record.
    pub name: String,
    /// The row as it stands; none where it is created.
    pub before: Option<R>,
    /// The row as it will stand; none where it is pruned.
    pub after: Option<R>,
}

/// What is to be added to and taken from a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetDiff<T> {
    /// To be added; where a row with the same id stands, it is replaced.
    pub added: Vec<T>,
    /// To be taken away.
    pub removed: Vec<T>,
}

/// A row as Administrate's record asks for it, not linked yet.
#[derive(Debug, Clone)]
pub struct DesiredRow<R> {
    /// How people call the record.
    pub name: String,
    /// The row.
    pub row: R,
}

impl<T> SetDiff<T> {
    /// Nothing to add, nothing to take away.
    pub fn none() -> Self {
        SetDiff { added: Vec::new(), removed: Vec::new() }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl<T: Clone + Ord> SetDiff<T> {
    /// What makes `stands` into `wanted`.
    pub fn between(stands: &[T], wanted: impl IntoIterator<Item = T>) -> Self {
        let stands: BTreeSet<T> = stands.iter().cloned().collect();
        let wanted: BTreeSet<T> = wanted.into_iter().collect();
        SetDiff {
            added: wanted.difference(&stands).cloned().collect(),
            removed: stands.difference(&wanted).cloned().collect(),
        }
    }

    /// The set after the difference.
    pub fn applied_to(&self, stands: &mut Vec<T>) {
        stands.retain(|item| !self.removed.contains(item));
        stands.extend(self.added.iter().cloned());
    }
}

impl<R: LinkRow> SyncPlan<R> {
    /// Compares the rows that Administrate asks for with those that stand, linked as `pairing` says.
    pub fn between(entity: Entity, wanted: Vec<DesiredRow<R>>, rows: &[R], pairing: MatchResult) -> Self {
        let fetched = wanted.len();
        let MatchResult { links, unmatched_local, unmatched_remote, ambiguous, ignored } = pairing;
        let mut plan = SyncPlan {
            entity,
            fetched,
            changes: Vec::new(),
            unchanged: Vec::new(),
            not_listed: 0,
            missing_remote: Vec::new(),
            approvals: SetDiff::none(),
            administrators: SetDiff::none(),
            created_local_rows: Vec::new(),
            settlements: Vec::new(),
            cascaded: CascadedDeletes::default(),
            unknown: BTreeSet::new(),
            findings: Findings { unmatched_local, unmatched_remote, ambiguous, ..Findings::default() },
        };
        let standing: HashMap<String, &R> = rows.iter().map(|row| (row.identity(), row)).collect();
        let mut seen: HashSet<String> = HashSet::new();
        for DesiredRow { name, mut row } in wanted {
            row.set_link(links.get(row.external_id()).copied());
            let identity = row.identity();
            if !seen.insert(identity.clone()) {
                plan.add_error(&row, "Administrate told this record twice; the first one counts");
            } else if ignored.contains(row.external_id()) && !standing.contains_key(&identity) {
                plan.findings.skipped.push(SkippedRecord::ignored(row.external_id(), name));
            } else {
                plan.take(name, standing.get(&identity).copied(), row);
            }
        }
        let taken: HashSet<i64> = links.values().copied().collect();
        plan.missing_remote = rows.iter().filter(|row| !seen.contains(&row.identity())).cloned().collect();
        plan.release_links(&taken);
        plan
    }

    /// Takes the row as it is wanted into the plan, against the one that stands.
    pub fn take(&mut self, name: String, before: Option<&R>, after: R) {
        if let Some(misfit) = row_error(&after).or_else(|| contains_nul(&name).then(|| nul_error("name"))) {
            self.add_error(&after, misfit);
        } else if before == Some(&after) {
            self.unchanged.push(after.external_id().to_owned());
        } else {
            self.changes.push(RowChange { name, before: before.cloned(), after: Some(after) });
        }
    }

    /// Notes that a record could not be brought in.
    fn add_error(&mut self, row: &R, message: impl Into<String>) {
        let external_id = Some(row.external_id().to_owned());
        self.findings.errors.push(RecordError { external_id, message: message.into() });
    }

    /// A record that came back under a new id takes over the link of the row that has vanished: two rows that both
    /// claim one record of ours would leave everybody after us to guess.
    pub(super) fn release_links(&mut self, taken: &HashSet<i64>) {
        for row in &mut self.missing_remote {
            if row.link().is_some_and(|ours| taken.contains(&ours)) {
                let before = row.clone();
                row.set_link(None);
                let name = row.external_id().to_owned();
                self.changes.push(RowChange { name, before: Some(before), after: Some(row.clone()) });
            }
        }
    }

    /// Turns every vanished row into a deletion.
    pub fn prune(&mut self) {
        for row in std::mem::take(&mut self.missing_remote) {
            let identity = row.identity();
            self.changes.retain(|change| change.before.as_ref().is_none_or(|before| before.identity() != identity));
            self.changes.push(RowChange { name: row.external_id().to_owned(), before: Some(row), after: None });
        }
    }

    /// Keeps only what concerns the records named by Administrate's id; gives the ids that name none.
    pub fn restrict_to(&mut self, only: &BTreeSet<String>) -> BTreeSet<String> {
        let mut unknown = only.clone();
        self.records().for_each(|external_id| _ = unknown.remove(external_id));
        let counted =
            |plan: &Self| plan.changes.iter().filter(|change| change.after.is_some()).count() + plan.unchanged.len();
        let before = counted(self);
        self.changes.retain(|change| change.row().is_some_and(|row| only.contains(row.external_id())));
        self.unchanged.retain(|external_id| only.contains(external_id));
        self.not_listed += before - counted(self);
        self.approvals.added.retain(|approval| only.contains(&approval.template_external_id));
        self.approvals.removed.retain(|approval| only.contains(&approval.template_external_id));
        self.administrators.added.retain(|contact| only.contains(&contact.external_id));
        self.administrators.removed.retain(|contact| only.contains(&contact.external_id));
        self.settlements.retain(|settlement| only.contains(&settlement.external_id));
        unknown
    }

    /// Administrate's id of every record that the plan is about.
    fn records(&self) -> impl Iterator<Item = &str> {
        let changed = self.changes.iter().filter_map(|change| change.row()).map(LinkRow::external_id);
        let unchanged = self.unchanged.iter().map(String::as_str);
        let gone = self.missing_remote.iter().map(LinkRow::external_id);
        let skipped = self.findings.skipped.iter().map(|skipped| skipped.external_id.as_str());
        let ambiguous = self.findings.ambiguous.iter().flat_map(|ambiguity| &ambiguity.remote);
        let ambiguous = ambiguous.map(|record| record.external_id.as_str());
        let failed = self.findings.errors.iter().filter_map(|trouble| trouble.external_id.as_deref());
        let unmatched = self.findings.unmatched_remote.iter().map(|record| record.external_id.as_str());
        changed.chain(unchanged).chain(gone).chain(skipped).chain(ambiguous).chain(failed).chain(unmatched)
    }

    /// The rows of `rows` after the plan.
    pub fn over(&self, rows: &[R]) -> Vec<R> {
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

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let SyncPlan { changes, approvals, administrators, created_local_rows: made, settlements, .. } = self;
        let is_made = !made.is_empty() || !self.findings.removed_local.is_empty();
        changes.is_empty() && approvals.is_empty() && administrators.is_empty() && settlements.is_empty() && !is_made
    }

    /// The changes of one kind.
    pub fn changes_of(&self, action: ChangeAction) -> impl Iterator<Item = &RowChange<R>> {
        self.changes.iter().filter(move |change| change.action() == action)
    }
}

/// What a change does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeAction {
    /// Writes a new row.
    Create,
    /// Changes a row.
    Update,
    /// Deletes a row.
    Prune,
}

impl<R> RowChange<R> {
    /// What it does.
    pub fn action(&self) -> ChangeAction {
        match (&self.before, &self.after) {
            (None, _) => ChangeAction::Create,
            (Some(_), Some(_)) => ChangeAction::Update,
            (Some(_), None) => ChangeAction::Prune,
        }
    }

    /// The row as it will stand, else as it stands.
    pub fn row(&self) -> Option<&R> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl<R: LinkRow> fmt::Display for SyncPlan<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return write!(f, "{}: nothing to change", self.entity);
        }
        write!(f, "{}: {}", self.entity, counted(self.changes.len(), "change"))?;
        for change in &self.changes {
            write!(f, "\n  {}", ChangeView::of(change))?;
        }
        for row in self.created_local_rows.iter().filter(|row| row.table.is_of_records()) {
            write!(f, "\n  + ours: {} ({})", row.name, row.id)?;
        }
        for settled in self.settlements.iter().flat_map(|settlement| &settlement.fields) {
            write!(f, "\n  {settled}")?;
        }
        for (what, added, removed) in [
            ("approvals", self.approvals.added.len(), self.approvals.removed.len()),
            ("administrators", self.administrators.added.len(), self.administrators.removed.len()),
        ] {
            if added + removed > 0 {
                write!(f, "\n  {what}: {added} more, {removed} fewer")?;
            }
        }
        Ok(())
    }
}
