//! Administrate's unmatched records made records of ours, where somebody asks for it (`--create-local`).
//!
//! Each comes by the key by which it is matched, so that it finds its own at once and at every later run. What could be
//! several, or could not be kept, is told with the reason and not made.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;

use super::entity_sync::{EntitySync, SyncContext, plan_storable};
use super::matching::{MatchKey, RemoteRecord};
use super::plan::SyncPlan;
use crate::bridges::overrides::MatchOverrides;
use crate::error::Result;
use crate::sync::plan::validate::column_error;
use crate::sync::report::findings::SkippedRecord;
use crate::tutorials::reference;
use crate::tutorials::reference::CreatedRow;

/// What is asked for.
pub(super) struct CreateLocalOptions<'a> {
    /// Administrate's ids of those that are meant; empty: all.
    pub(super) only: &'a BTreeSet<String>,
    /// Whether nothing is to be written.
    pub(super) dry_run: bool,
}

/// The plan after ours has been given what is to be taken over; of a dry run, the plan without it.
pub(super) async fn create_local<S: EntitySync>(
    db: &mut PgConnection,
    ground: &SyncContext,
    (theirs, rows): (S::Remote, &[S::Row]),
    overrides: &MatchOverrides,
    wish: CreateLocalOptions<'_>,
) -> Result<SyncPlan<S::Row>> {
    let ours = S::local_records(db, ground).await?;
    let keys = S::counterparts(&ours, &theirs).into_iter().map(|one| (one.record.external_id, one.key)).collect();
    let retired: HashSet<MatchKey> =
        S::inactive_names(db).await?.iter().filter_map(|name| MatchKey::of(name)).collect();
    let unfit = unstorable_records::<S>(&theirs);
    let mut plan = plan_storable::<S>(&ours, theirs.clone(), rows, overrides);
    let unmatched = &plan.findings.unmatched_remote;
    let meant = unmatched.iter().filter(|one| wish.only.is_empty() || wish.only.contains(&one.external_id));
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    let namesakes = namesakes(unmatched, &keys);
    for record in meant {
        let reason = reason_not_creatable(record, &keys, &namesakes, &retired)
            .or_else(|| unfit.get(&record.external_id).cloned());
        match reason {
            Some(reason) => left.push(not_taken(record, reason)),
            None => taken.push(record.clone()),
        }
    }
    if !wish.dry_run && !taken.is_empty() {
        let chosen = taken.iter().map(|record| record.external_id.clone()).collect();
        let missing = S::local_records_for(db, &ours, theirs.clone(), &chosen).await?;
        let made: Vec<CreatedRow> = reference::add(db, &missing).await?;
        plan = plan_storable::<S>(&S::local_records(db, ground).await?, theirs, rows, overrides);
        plan.created_local_rows = made;
        let still: HashSet<&str> = plan.findings.unmatched_remote.iter().map(|one| one.external_id.as_str()).collect();
        let (unmade, found): (Vec<_>, _) = taken.into_iter().partition(|one| still.contains(one.external_id.as_str()));
        let reason = "one of ours that it must not be linked with goes by its name";
        left.extend(unmade.iter().map(|record| not_taken(record, reason.into())));
        taken = found;
    }
    plan.findings.created_local = taken;
    plan.findings.not_created_local = left;
    Ok(plan)
}

type Keys = HashMap<String, Option<MatchKey>>;

/// How many unmatched records share each key.
fn namesakes<'a>(unmatched: &[RemoteRecord], keys: &'a Keys) -> HashMap<&'a MatchKey, usize> {
    let mut namesakes = HashMap::new();
    for key in unmatched.iter().filter_map(|record| keys.get(&record.external_id)?.as_ref()) {
        *namesakes.entry(key).or_default() += 1;
    }
    namesakes
}

/// Why a record would not find its own afterwards.
fn reason_not_creatable(
    record: &RemoteRecord,
    keys: &Keys,
    namesakes: &HashMap<&MatchKey, usize>,
    retired: &HashSet<MatchKey>,
) -> Option<String> {
    let Some(key) = keys.get(&record.external_id).and_then(Option::as_ref) else {
        let is_nameless = record.name.trim().is_empty();
        return Some(if is_nameless { "it has no name" } else { "its location is not linked to one of ours" }.into());
    };
    match namesakes.get(key) {
        Some(several) if *several > 1 => {
            Some(format!("{several} of Administrate's go by this name: link or ignore them"))
        }
        _ => retired.contains(key).then(|| "an inactive one of ours goes by this name: make it active".into()),
    }
}

/// Those that no record of ours can hold, and why.
fn unstorable_records<S: EntitySync>(theirs: &S::Remote) -> HashMap<String, String> {
    let columns = S::bounded_columns(theirs).into_iter();
    columns.filter_map(|(id, columns)| Some((id.to_owned(), column_error(columns)?))).collect()
}

fn not_taken(record: &RemoteRecord, reason: String) -> SkippedRecord {
    SkippedRecord { external_id: record.external_id.clone(), name: record.name.clone(), reason }
}
