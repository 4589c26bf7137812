//! Creates local records in Administrate that it does not have, on request (`--create-remote`).
//!
//! Runs after a sync, never during it. Each creation is an outbox item, so that a record is created only once, and is
//! delivered at once. Records that could not be created are reported with the reason.

pub mod cli;
mod manual_list;
mod selection;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use administrate::Client;
use sqlx::PgPool;

use self::selection::{KnownLinks, select};
use super::entity::Entity;
use super::matching::LocalRecord;
use super::report::{CreatedRemote, Report};
use super::run::SyncRun;
use crate::app::Context;
use crate::bridges::reference::ReferenceKind;
use crate::bridges::store::references;
use crate::delivery::{DeliveryOutcome, DeliveryWorker, drain, reference};
use crate::error::{Error, Result};
use crate::outbox;
use crate::outbox::DeliveryState;
use crate::runs;
use crate::sync::report::findings::{RecordError, RetainedRecord};

/// Whether the records of an entity can be created in Administrate.
#[derive(Debug, Clone, PartialEq, Eq)]
enum CreationSupport {
    Supported(ReferenceKind),
    /// The reason why not.
    Unsupported(String),
}

/// Determines whether the tenant's API and the settings allow to create records of an entity.
async fn creation_support(context: &Context, sync: &SyncRun, entity: Entity) -> Result<CreationSupport> {
    let kind = match entity {
        Entity::Locations => ReferenceKind::Location,
        Entity::Venues => ReferenceKind::Venue,
        Entity::Instructors => ReferenceKind::Instructor,
        Entity::CourseTemplates => ReferenceKind::CourseTemplate,
        Entity::CustomFields | Entity::PriceLevels | Entity::CourseTemplatePriceLevels | Entity::Events => {
            let reason = "events come from a timetable: see `lectern outbox` and `lectern import`";
            return Ok(CreationSupport::Unsupported(reason.into()));
        }
    };
    let reason = reference::reason_unsupported(kind, &sync.client().capabilities().await?, &context.config);
    Ok(reason.map_or(CreationSupport::Supported(kind), CreationSupport::Unsupported))
}

/// Returns whether a report is of a completed run with local records to create in Administrate.
fn has_records_to_create(report: &Report) -> bool {
    !report.failed() && !report.creatable_local().is_empty()
}

/// Adds to the reports of a dry run what the run would create in Administrate, and what it would not.
pub(super) async fn plan_creations<'a>(
    context: &Context,
    pool: &PgPool,
    sync: &SyncRun,
    reports: impl IntoIterator<Item = &'a mut Report>,
) {
    let mut links = KnownLinks::new(&sync.planned_links);
    for report in reports.into_iter().filter(|report| has_records_to_create(report)) {
        let records = report.creatable_local().into_iter().cloned().collect();
        if let Err(error) = plan_creation(context, pool, sync, (&mut links, records), report).await {
            report.add_error(failed_creation(&error));
        }
    }
}

async fn plan_creation(
    context: &Context,
    pool: &PgPool,
    sync: &SyncRun,
    (links, records): (&mut KnownLinks<'_>, Vec<LocalRecord>),
    report: &mut Report,
) -> Result<()> {
    let kind = match creation_support(context, sync, report.entity).await? {
        CreationSupport::Supported(kind) => kind,
        CreationSupport::Unsupported(reason) => {
            let not_created = records.into_iter().map(|record| not_created(record, reason.clone()));
            report.not_created_in_administrate.extend(not_created);
            return Ok(());
        }
    };
    let mut db = pool.acquire().await?;
    let (created, rejected) = select(&mut db, links, kind, records, &report.unmatched_local).await?;
    report.not_created_in_administrate.extend(rejected);
    if kind == ReferenceKind::Location {
        links.planned_locations = created.iter().map(|record| record.id).collect();
    }
    for LocalRecord { id, name, .. } in created {
        report.record_created_remote(CreatedRemote { id, name, external_id: None, manual_steps: Vec::new() });
    }
    Ok(())
}

/// Returns the error for records that could not be created because a request or a statement failed.
fn failed_creation(error: &Error) -> RecordError {
    RecordError { external_id: None, message: format!("the creation of records in Administrate ended early: {error}") }
}

/// Creates records in Administrate through the outbox and adds the result of each to the report.
async fn create_records(
    context: &Context,
    pool: &PgPool,
    sync: &SyncRun,
    kind: ReferenceKind,
    records: Vec<LocalRecord>,
    report: &mut Report,
) -> Result<()> {
    let mut db = pool.acquire().await?;
    let links = KnownLinks::new(&sync.planned_links);
    let (sent, rejected) = select(&mut db, &links, kind, records, &report.unmatched_local).await?;
    report.not_created_in_administrate.extend(rejected);
    let effects: Vec<_> = sent.iter().map(|record| reference::effect(kind, record.id, &record.name)).collect();
    let mut tx = pool.begin().await?;
    outbox::enqueue(&mut tx, report.run_id, &effects).await?;
    tx.commit().await?;
    let outcomes = deliver_run(context, pool, sync.client(), report.run_id).await?;
    let outcomes: HashMap<i64, DeliveryOutcome> =
        outcomes.into_iter().map(|outcome| (outcome.subject_id, outcome)).collect();
    for record in sent {
        let id = record.id;
        let external_id = references::external_id(&mut db, kind, id).await?;
        add_result(report, record, external_id, outcomes.get(&id));
    }
    let created = report.created_in_administrate.iter().filter_map(|created| created.external_id.clone()).collect();
    if let Err(error) = sync.refresh(report.entity, &created).await {
        tracing::warn!(%error, entity = %report.entity, "the next sync completes the bridge rows of created records");
    }
    Ok(())
}

/// Returns the chosen records that Administrate lacks; reports an error if there are none.
fn chosen_records(chosen: &BTreeSet<i64>, report: &mut Report) -> Vec<LocalRecord> {
    let records = report.creatable_local().into_iter().filter(|record| chosen.contains(&record.id)).cloned();
    let records: Vec<LocalRecord> = records.collect();
    if records.is_empty() {
        let message = "none of the chosen records is missing in Administrate any more: plan again".to_owned();
        report.add_error(RecordError { external_id: None, message });
    }
    records
}

/// Adds to a report which of the chosen local records would be created in Administrate. Only stored links count.
///
/// # Errors
/// Those of Administrate and of the database.
pub(in crate::sync) async fn plan_chosen(
    context: &Context,
    pool: &PgPool,
    sync: &SyncRun,
    chosen: &BTreeSet<i64>,
    report: &mut Report,
) -> Result<()> {
    let records = chosen_records(chosen, report);
    if records.is_empty() {
        return Ok(());
    }
    let stored = BTreeMap::new();
    plan_creation(context, pool, sync, (&mut KnownLinks::new(&stored), records), report).await
}

/// Creates chosen local records of a report in Administrate.
///
/// # Errors
/// Those of Administrate and of the database.
pub(in crate::sync) async fn create_chosen(
    context: &Context,
    pool: &PgPool,
    sync: &SyncRun,
    chosen: &BTreeSet<i64>,
    report: &mut Report,
) -> Result<()> {
    let records = chosen_records(chosen, report);
    if records.is_empty() {
        return Ok(());
    }
    match creation_support(context, sync, report.entity).await? {
        CreationSupport::Supported(kind) => create_records(context, pool, sync, kind, records, report).await,
        CreationSupport::Unsupported(reason) => {
            let not_created = records.into_iter().map(|record| not_created(record, reason.clone()));
            report.not_created_in_administrate.extend(not_created);
            Ok(())
        }
    }
}

/// Adds the result of one delivered creation to the report. `external_id`: none if it has not been created.
fn add_result(
    report: &mut Report,
    record: LocalRecord,
    external_id: Option<String>,
    outcome: Option<&DeliveryOutcome>,
) {
    let notices = outcome.map_or(&[][..], |outcome| &outcome.notices);
    match external_id {
        Some(id) if notices.iter().any(reference::is_no_instructor) => {
            let reason = format!(
                "the contact {id} was created, but this API cannot mark instructors: mark it as one in Administrate"
            );
            report.not_created_in_administrate.push(not_created(record, reason));
        }
        Some(external_id) => {
            let to_fix = notices.iter().filter(|notice| notice.needs_attention()).map(ToString::to_string).collect();
            report.record_created_remote(CreatedRemote {
                id: record.id,
                name: record.name,
                external_id: Some(external_id),
                manual_steps: to_fix,
            });
        }
        None => {
            let reason = outcome.and_then(|outcome| outcome.reason.clone());
            let reason = reason.unwrap_or_else(|| "its creation needs a decision: see `lectern outbox`".into());
            report.not_created_in_administrate.push(not_created(record, reason));
        }
    }
}

fn not_created(record: LocalRecord, reason: String) -> RetainedRecord {
    RetainedRecord { id: record.id, name: record.name, reason }
}

/// Delivers the outbox items of a run at once and returns the last outcome of each.
async fn deliver_run(
    context: &Context,
    pool: &PgPool,
    client: &Client,
    run: Option<i64>,
) -> Result<Vec<DeliveryOutcome>> {
    let worker = Arc::new(DeliveryWorker::new(pool, client.clone(), &context.config).await?);
    let drained = drain(worker.clone(), run, &context.stop, |_| ()).await;
    if let Some(worker) = Arc::into_inner(worker) {
        worker.close().await?;
    }
    Ok(drained?.outcomes)
}

/// Delivers the outbox items of a report's run at once and adds an error for each that was not delivered.
pub(super) async fn deliver(context: &Context, pool: &PgPool, client: &Client, report: &mut Report) -> Result<()> {
    let outcomes = deliver_run(context, pool, client, report.run_id).await?;
    for outcome in outcomes.iter().filter(|outcome| outcome.state != DeliveryState::Delivered) {
        let reason = outcome.reason.as_deref().unwrap_or("it is still to be delivered");
        let message = format!("{} has not reached Administrate: {reason}; see `lectern outbox`", outcome.subject);
        report.add_error(RecordError { external_id: None, message });
    }
    Ok(())
}

/// Updates the stored result of a report's run; a report without a run is not stored.
pub(super) async fn store_report(pool: &PgPool, report: &Report) -> Result<()> {
    match report.run_id {
        Some(run) => runs::update_result(&mut *pool.acquire().await?, run, report.exit(), report).await,
        None => Ok(()),
    }
}
