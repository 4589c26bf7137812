//! What Administrate does not have of ours is created there, if somebody wants it (FR-003).
//!
//! After a run, never during it: one summary, then each entity is decided about, all, chosen ones, or none. What is to be
//! created goes through the outbox, so that nothing is created twice, and is delivered at once. What was asked and could
//! not be done is told with the reason, as a list to be created by hand.

pub mod manual_list;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use administrate::Client;
use sqlx::PgPool;

use super::entity::Entity;
use super::matching::LocalRecord;
use super::report::{CreatedRemote, Report};
use super::run::SyncRun;
use crate::app::Context;
use crate::bridges::reference::ReferenceKind;
use crate::bridges::store::references;
use crate::console::Console;
use crate::console::select::choose;
use crate::delivery::{DeliveryOutcome, DeliveryWorker, drain, reference};
use crate::error::Result;
use crate::names::fold;
use crate::outbox;
use crate::outbox::DeliveryState;
use crate::runs;
use crate::sync::report::findings::{RecordError, RetainedRecord};

/// Who decides what is created in Administrate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// Everything is (`--create-remote`).
    All,
    /// The person at the terminal is asked.
    Person,
    /// Nothing is: what is unmatched is logged.
    Nobody,
}

/// Creates what is wanted of the unmatched records that `reports` tell, and notes there what became of it.
pub async fn create_remote<'a>(
    context: &Context,
    pool: &PgPool,
    sync: &SyncRun,
    decider: Confirmation,
    reports: impl IntoIterator<Item = &'a mut Report>,
) {
    let console = &context.console;
    let mut unmatched: Vec<&mut Report> = reports.into_iter().filter(|report| is_unmatched(report)).collect();
    if unmatched.is_empty() {
        return;
    }
    if decider == Confirmation::Nobody {
        unmatched.iter().for_each(|report| log_skipped(console, report));
        return;
    }
    summarise(console, &unmatched);
    for report in &mut unmatched {
        if let Err(error) = create_of(context, pool, sync, decider, report).await {
            let message = format!("nothing could be created in Administrate: {error}");
            console.say(format_args!("  {message}"));
            report.add_error(RecordError { external_id: None, message });
        }
    }
}

/// Creates what is wanted of one entity, and keeps in its run what became of it.
async fn create_of(
    context: &Context,
    pool: &PgPool,
    sync: &SyncRun,
    decider: Confirmation,
    report: &mut Report,
) -> Result<()> {
    let kind = kind_of(report.entity);
    let obstacle = match kind {
        Some(kind) => reference::reason_unsupported(kind, &sync.client().capabilities().await?, &context.config),
        None => Some("events come from a timetable: see `lectern outbox` and `lectern import`".into()),
    };
    let records = report.unmatched_local.clone();
    match kind.filter(|_| obstacle.is_none()) {
        Some(kind) => {
            let chosen = select_records(&context.console, decider, report.entity, records)?;
            if chosen.is_empty() {
                return Ok(());
            }
            create(context, pool, sync, (kind, chosen), report).await?;
        }
        None => {
            let why = obstacle.unwrap_or_default();
            manual_list::list(&context.console, pool, (report.entity, &records), Some(&why)).await?;
            if decider == Confirmation::Person {
                return Ok(());
            }
            let told = records.into_iter().map(|record| not_created(record, why.clone()));
            report.not_created_in_administrate.extend(told);
        }
    }
    match report.run_id {
        Some(run) => runs::update_result(&mut *pool.acquire().await?, run, report.exit(), report).await,
        None => Ok(()),
    }
}

/// Those that are to be created.
fn select_records(
    console: &Console,
    decider: Confirmation,
    entity: Entity,
    records: Vec<LocalRecord>,
) -> Result<Vec<LocalRecord>> {
    if decider != Confirmation::Person {
        return Ok(records);
    }
    console.say(format_args!("{}:", manual_list::capitalised(entity.plural())));
    let lines: Vec<String> = records.iter().map(manual_list::with_suggestions).collect();
    let places = choose(console, "create which in Administrate?", &lines)?;
    Ok(places.into_iter().filter_map(|at| records.get(at).cloned()).collect())
}

fn is_unmatched(report: &Report) -> bool {
    !report.dry_run && !report.failed() && !report.unmatched_local.is_empty()
}

fn kind_of(entity: Entity) -> Option<ReferenceKind> {
    match entity {
        Entity::Locations => Some(ReferenceKind::Location),
        Entity::Venues => Some(ReferenceKind::Venue),
        Entity::Instructors => Some(ReferenceKind::Instructor),
        Entity::CourseTemplates => Some(ReferenceKind::CourseTemplate),
        Entity::CustomFields | Entity::PriceLevels | Entity::CourseTemplatePriceLevels | Entity::Events => None,
    }
}

fn log_skipped(console: &Console, report: &Report) {
    let count = report.unmatched_local.len();
    console.say(format_args!("{} unmatched, skipped and logged", report.entity.counted(count)));
    tracing::info!(count, entity = %report.entity, "records of ours without a match in Administrate were skipped");
}

fn summarise(console: &Console, reports: &[&mut Report]) {
    console.say("Administrate does not have all of ours. It lacks");
    let lacks = |report: &&mut Report| report.entity.counted(report.unmatched_local.len());
    reports.iter().for_each(|report| console.say(format_args!("  {}", lacks(report))));
}

/// Enqueues, delivers, and notes what became of each.
async fn create(
    context: &Context,
    pool: &PgPool,
    sync: &SyncRun,
    (kind, records): (ReferenceKind, Vec<LocalRecord>),
    report: &mut Report,
) -> Result<()> {
    let mut db = pool.acquire().await?;
    let mut sent = Vec::new();
    let of_one_name = namesakes(kind, &report.unmatched_local);
    for record in records {
        let linked = references::external_id(&mut db, kind, record.id).await?;
        let obstacle = of_one_name.contains(&fold(&record.name)).then(|| NAMESAKES.to_owned());
        match obstacle.or_else(|| obstacle_of(kind, &record, linked)) {
            Some(why) => report.not_created_in_administrate.push(not_created(record, why)),
            None => sent.push(record),
        }
    }
    let effects: Vec<_> = sent.iter().map(|record| reference::effect(kind, record.id, &record.name)).collect();
    let mut tx = pool.begin().await?;
    outbox::enqueue(&mut tx, report.run_id, &effects).await?;
    tx.commit().await?;
    let outcomes = carry_out(context, pool, sync.client(), report.run_id).await?;
    let outcomes: HashMap<i64, DeliveryOutcome> = outcomes.into_iter().map(|one| (one.subject_id, one)).collect();
    for record in sent {
        let id = record.id;
        let external_id = references::external_id(&mut db, kind, id).await?;
        note(report, record, external_id, outcomes.get(&id));
    }
    let created = report.created_in_administrate.iter().map(|created| created.external_id.clone()).collect();
    if let Err(error) = sync.refresh(report.entity, &created).await {
        tracing::warn!(%error, entity = %report.entity, "what Administrate says of them comes with the next sync");
    }
    tell(&context.console, report);
    let left = report.not_created_in_administrate.iter();
    let left: Vec<LocalRecord> = left.map(|left| LocalRecord::new(left.id, &left.name)).collect();
    if !left.is_empty() {
        manual_list::list(&context.console, pool, (report.entity, &left), None).await?;
    }
    Ok(())
}

/// The names that several of ours go by; venues are told apart by their locations, too.
fn namesakes(kind: ReferenceKind, ours: &[LocalRecord]) -> HashSet<String> {
    let mut seen = HashSet::new();
    let names = ours.iter().map(|record| fold(&record.name)).filter(|_| kind != ReferenceKind::Venue);
    names.filter(|name| !seen.insert(name.clone())).collect()
}

const NAMESAKES: &str = "several of ours go by this name, and the next sync could not tell which of them it is: rename or \
                         deactivate all but one";

/// Why a record is not to be created: nobody would know it, or it is linked already with one that is gone.
fn obstacle_of(kind: ReferenceKind, record: &LocalRecord, linked: Option<String>) -> Option<String> {
    match linked {
        None => record.name.trim().is_empty().then(|| "it has no name".into()),
        Some(id) if kind == ReferenceKind::Instructor => Some(format!(
            "it is linked with the contact {id}, who is no instructor there: mark it there as one, or prune the link"
        )),
        Some(id) => Some(format!("it is linked with {id}, which Administrate no longer has: prune the link first")),
    }
}

/// Notes what became of one record that was sent.
fn note(report: &mut Report, record: LocalRecord, external_id: Option<String>, outcome: Option<&DeliveryOutcome>) {
    let remarks = outcome.map_or(&[][..], |outcome| &outcome.remarks);
    match external_id {
        Some(id) if remarks.iter().any(reference::is_no_instructor) => {
            let why = format!("the contact {id} was made, but this API makes no instructors: mark it there as one");
            report.not_created_in_administrate.push(not_created(record, why));
        }
        Some(external_id) => {
            let open = remarks.iter().filter(|remark| remark.needs_a_person()).map(ToString::to_string).collect();
            report.record_created_remote(CreatedRemote {
                id: record.id,
                name: record.name,
                external_id,
                to_mend: open,
            });
        }
        None => {
            let why = outcome.and_then(|outcome| outcome.reason.clone());
            let why = why.unwrap_or_else(|| "it waits for somebody to decide: see `lectern outbox`".into());
            report.not_created_in_administrate.push(not_created(record, why));
        }
    }
}

fn not_created(record: LocalRecord, reason: String) -> RetainedRecord {
    RetainedRecord { id: record.id, name: record.name, reason }
}

fn tell(console: &Console, report: &Report) {
    let created = &report.created_in_administrate;
    console.say(format_args!("{} created in Administrate", report.entity.counted(created.len())));
    for one in created.iter().filter(|one| !one.to_mend.is_empty()) {
        console.say(format_args!("  {} ({}): {}", one.name, one.external_id, one.to_mend.join("; ")));
    }
    let left = &report.not_created_in_administrate;
    if !left.is_empty() {
        console.say(format_args!("{} not created:", report.entity.counted(left.len())));
        left.iter().for_each(|one| {
            console.say(format_args!("  {}: {}", crate::sync::report::text::shown(&one.name), one.reason))
        });
    }
}

/// Carries out at once what a run has asked for; gives the last outcome of each effect.
async fn carry_out(
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

/// Delivers at once what the run of a report has asked for, and notes there what could not be delivered.
pub(super) async fn deliver(context: &Context, pool: &PgPool, client: &Client, report: &mut Report) -> Result<()> {
    let outcomes = carry_out(context, pool, client, report.run_id).await?;
    for outcome in outcomes.iter().filter(|outcome| outcome.state != DeliveryState::Delivered) {
        let why = outcome.reason.as_deref().unwrap_or("it is still to be delivered");
        let message = format!("{} has not reached Administrate: {why}; see `lectern outbox`", outcome.subject);
        report.add_error(RecordError { external_id: None, message });
    }
    Ok(())
}
