//! Creates local records for unmatched records of Administrate, on request (`--create-local`).
//!
//! Each local record gets the key by which records are matched, so that it is linked at once and by every later run.
//! Records that would be ambiguous or cannot be stored are reported with the reason and not created.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;

use super::entity_sync::{Decisions, EntitySync, SyncContext, plan_storable};
use super::matching::{MatchKey, RemoteRecord};
use super::plan::SyncPlan;
use crate::error::Result;
use crate::sync::plan::validate::column_error;
use crate::sync::report::findings::SkippedRecord;
use crate::tutorials::reference;
use crate::tutorials::reference::{CreatedRow, Named};

pub(super) struct CreateLocalOptions<'a> {
    /// The records to create, by their ids in Administrate; empty: all.
    pub(super) only: &'a BTreeSet<String>,
    pub(super) dry_run: bool,
}

/// Creates local records, then plans again and returns the plan. A dry run creates none and plans as if it had.
pub(super) async fn create_local<E: EntitySync>(
    db: &mut PgConnection,
    context: &SyncContext,
    remote: E::Remote,
    rows: &[E::Row],
    decisions: &Decisions<E::Row>,
    options: CreateLocalOptions<'_>,
) -> Result<SyncPlan<E::Row>> {
    let mut local = E::local_records(db, context).await?;
    let candidates = E::remote_candidates(&local, &remote).into_iter();
    let keys: Keys = candidates.map(|candidate| (candidate.record.external_id, candidate.key)).collect();
    let inactive: HashSet<MatchKey> =
        E::inactive_names(db).await?.iter().filter_map(|name| MatchKey::of(name)).collect();
    let unstorable = unstorable_records::<E>(&remote);
    let mut plan = plan_storable::<E>(&local, remote.clone(), rows, decisions);
    let unmatched = &plan.findings.unmatched_remote;
    let separated: HashSet<&str> = plan.findings.separated.iter().map(|one| one.remote.external_id.as_str()).collect();
    // A decision that keeps records apart needs no attention, unless the record is requested by name.
    let requested = unmatched.iter().filter(|record| match options.only.is_empty() {
        true => !separated.contains(record.external_id.as_str()),
        false => options.only.contains(&record.external_id),
    });
    let (mut created, mut skipped) = (Vec::new(), Vec::new());
    let key_counts = key_counts(unmatched, &keys);
    for record in requested {
        let is_separated = separated.contains(record.external_id.as_str());
        let reason = is_separated
            .then(|| SEPARATED.to_owned())
            .or_else(|| reason_not_creatable(record, &keys, &key_counts, &inactive))
            .or_else(|| unstorable.get(&record.external_id).cloned());
        match reason {
            Some(reason) => skipped.push(skipped_record(record, reason)),
            None => created.push(record.clone()),
        }
    }
    if !created.is_empty() {
        let chosen = created.iter().map(|record| record.external_id.clone()).collect();
        let records = E::local_records_for(db, &local, remote.clone(), &chosen).await?;
        let (mut created_rows, mut planned): (Vec<CreatedRow>, Vec<Named>) = (Vec::new(), Vec::new());
        if options.dry_run {
            planned = E::add_planned(&mut local, &records);
        } else {
            created_rows = reference::add(db, &records).await?;
            local = E::local_records(db, context).await?;
        }
        plan = plan_storable::<E>(&local, remote, rows, decisions);
        plan.created_local_rows = created_rows;
        plan.planned_local = planned;
        let unmatched = plan.findings.unmatched_remote.iter();
        let unmatched: HashSet<&str> = unmatched.map(|record| record.external_id.as_str()).collect();
        let (unlinked, linked): (Vec<_>, _) =
            created.into_iter().partition(|record| unmatched.contains(record.external_id.as_str()));
        let reason = "a local record with its name or account exists and is not linked with it";
        skipped.extend(unlinked.iter().map(|record| skipped_record(record, reason.into())));
        created = linked;
    }
    plan.findings.created_local = created;
    plan.findings.not_created_local = skipped;
    Ok(plan)
}

const SEPARATED: &str = "a decision keeps it apart from the local record of its name: `lectern sync link` links them";

/// The match key of each record of Administrate, by its id.
type Keys = HashMap<String, Option<MatchKey>>;

/// Counts the unmatched records of each key.
fn key_counts<'a>(unmatched: &[RemoteRecord], keys: &'a Keys) -> HashMap<&'a MatchKey, usize> {
    let mut counts = HashMap::new();
    for key in unmatched.iter().filter_map(|record| keys.get(&record.external_id)?.as_ref()) {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// Returns why a record would not be linked to the local record created for it.
fn reason_not_creatable(
    record: &RemoteRecord,
    keys: &Keys,
    key_counts: &HashMap<&MatchKey, usize>,
    inactive: &HashSet<MatchKey>,
) -> Option<String> {
    let Some(key) = keys.get(&record.external_id).and_then(Option::as_ref) else {
        let has_no_name = record.name.trim().is_empty();
        return Some(
            if has_no_name { "it has no name" } else { "its location is not linked to a local location" }.into(),
        );
    };
    match key_counts.get(key) {
        Some(count) if *count > 1 => {
            Some(format!("{count} records in Administrate have this name: link or ignore them"))
        }
        _ => inactive.contains(key).then(|| "an inactive local record has this name: make it active".into()),
    }
}

/// Returns the reasons why records cannot be stored locally, by their ids in Administrate.
fn unstorable_records<E: EntitySync>(remote: &E::Remote) -> HashMap<String, String> {
    let columns = E::bounded_columns(remote).into_iter();
    columns.filter_map(|(id, columns)| Some((id.to_owned(), column_error(columns)?))).collect()
}

fn skipped_record(record: &RemoteRecord, reason: String) -> SkippedRecord {
    SkippedRecord { external_id: record.external_id.clone(), name: record.name.clone(), reason }
}
