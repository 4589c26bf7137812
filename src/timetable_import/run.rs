//! The import operation: plans a file against both sides, applies the plan locally, and delivers it to Administrate.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::bridges::store::baseline;
use crate::config::Config;
use crate::delivery;
use crate::delivery::drain::WaitNotice;
use crate::delivery::{DeliveryWorker, DrainReport, drain, duplicates};
use crate::error::{Error, Exit, Result};
use crate::gateway;
use crate::gateway::AuditMode;
use crate::merge::load_baselines;
use crate::output_file::Existing;
use crate::{outbox, runs, tutorials};

use super::apply::{ApplyOptions, apply};
use super::approvals::approve;
pub use super::load::{LoadedTimetable, load, load_valid};
use super::options::{DeliveryMode, ImportOptions};
use super::plan::inputs::LocalState;
use super::plan::new_instructors;
use super::plan::planner::{PlannerOptions, plan};
use super::plan::remote_state::{ComparedEvents, RemoteState};
use super::plan::{ImportCounts, ImportPlan};
use super::report::Document;
use super::report::document::delivery_problems;
use super::report::saved::{saved_report, write_report};
use super::write_lock::WriteLock;
use super::{history, remote, store};
use crate::workbook::file::{check_report, name_of};

/// Interval between two checks whether an earlier import has finished its deliveries.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A requested import.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// The workbook.
    pub file: PathBuf,
    pub options: ImportOptions,
    /// Path of the workbook for rejected blocks. `None`: a file in the data folder, or no file for a dry run.
    pub report: Option<PathBuf>,
    /// What happens to a file that exists at the path of `report`.
    pub existing: Existing,
    /// The run that the caller has begun and will finish. `None`: the import begins and finishes its own run.
    pub run: Option<i64>,
}

/// The result of an import or of its dry run.
#[derive(Debug)]
pub struct ImportResult {
    pub document: Document,
    pub exit: Exit,
}

/// The inputs that all steps of an import use.
#[derive(Clone, Copy)]
struct ImportInputs<'a> {
    pool: &'a PgPool,
    config: &'a Config,
    loaded: &'a LoadedTimetable,
    request: &'a ImportRequest,
}

/// Imports a loaded file. `confirm` receives the plan and returns whether to execute it; `on_delivered` receives the
/// outcome of every delivery.
///
/// # Errors
/// Nothing was synced yet or Administrate is not configured (prerequisite); Administrate cannot be reached during the
/// planning (nothing is written); the database fails.
pub async fn import(
    pool: &PgPool,
    config: &Config,
    (loaded, request): (&LoadedTimetable, &ImportRequest),
    stop: &CancellationToken,
    confirm: impl FnOnce(&ImportPlan) -> bool,
    on_delivered: impl Fn(&delivery::DeliveryOutcome) + Send + Sync + 'static,
) -> Result<ImportResult> {
    check_preconditions(pool, request).await?;
    let inputs = ImportInputs { pool, config, loaded, request };
    let options = request.options;
    let client = match options.deliver {
        DeliveryMode::Queue => None,
        DeliveryMode::Wait => {
            let audit = if options.dry_run { AuditMode::Off } else { AuditMode::On };
            Some(gateway::connect(config, pool, "import", audit).await?)
        }
    };
    let Some(planned) = stop.run_until_cancelled(plan_import(inputs, client.as_ref())).await else {
        return Ok(stopped_before(request));
    };
    let (mut remote_state, plan) = planned?;
    if !confirm(&plan) || request.options.dry_run {
        let report = match request.report.as_deref() {
            Some(path) => {
                let choices = store::choices(&mut *pool.acquire().await?, config).await?;
                write_report(loaded, &plan, &choices, [Some((path, request.existing)), None])?
            }
            None => None,
        };
        let mut document = Document {
            run_id: request.run,
            report,
            ..Document::of_plan(name_of(&request.file), request.options.dry_run, plan)
        };
        document.add_examples(&loaded.timetable.examples);
        document.add_next_steps();
        return Ok(ImportResult { exit: document.exit(), document });
    }
    if let Some(client) = &client {
        remote_state.approval_errors = approve(client, &remote_state, &plan.approvals).await?;
    }
    let Some(lock) = WriteLock::acquire(pool, stop).await?.filter(|_| !stop.is_cancelled()) else {
        return Ok(stopped_before(request));
    };
    // The plan of a large file takes much memory: drop the first one before the second is made.
    let first_counts = plan.counts();
    drop(plan);
    let plan = replan_locked(inputs, &remote_state, first_counts).await?;
    drop(remote_state);
    execute(inputs, client, lock, plan, stop, on_delivered).await
}

/// Returns the result of an import that was stopped before it wrote anything.
fn stopped_before(request: &ImportRequest) -> ImportResult {
    let document = Document::of_problems(name_of(&request.file), request.options.dry_run, Vec::new());
    let mut document = Document { run_id: request.run, stopped: true, ..document };
    document.add_next_steps();
    ImportResult { document, exit: Exit::NeedsAttention }
}

/// Applies a plan locally, delivers it unless the import is queued, and returns the result.
async fn execute(
    inputs: ImportInputs<'_>,
    client: Option<administrate::Client>,
    lock: WriteLock,
    mut plan: ImportPlan,
    stop: &CancellationToken,
    on_delivered: impl Fn(&delivery::DeliveryOutcome) + Send + Sync + 'static,
) -> Result<ImportResult> {
    let ImportInputs { pool, config, loaded, request } = inputs;
    let file = name_of(&request.file);
    let (run, own_lock) = open_run(pool, request.run, &file).await?;
    let blocks_per_batch = config.import.blocks_per_batch;
    let options = ApplyOptions { run, blocks_per_batch, import: request.options };
    let unused = loaded.unused();
    let written =
        apply(pool, &plan, |row| unused.get(&row).cloned().unwrap_or_else(|| json!({})), options, stop).await?;
    lock.release().await?;
    let not_written = plan.items.len() - written;
    plan.items.truncate(written);
    let (drained, left_pending) = match client {
        Some(client) => {
            let worker = DeliveryWorker::new(pool, client.clone(), config).await?;
            let (drained, left_pending) = deliver(pool, worker, run, &plan, stop, on_delivered).await?;
            if not_written == 0 && !stop.is_cancelled() && !drained.ended_early {
                duplicates::report_duplicates(pool, &client, Some(run)).await?;
            }
            (drained, left_pending)
        }
        None => (DrainReport::default(), false),
    };
    let choices = store::choices(&mut *pool.acquire().await?, config).await?;
    let report = saved_report(config, run).and_then(|saved| {
        let chosen = request.report.as_deref().map(|path| (path, request.existing));
        write_report(loaded, &plan, &choices, [Some((&*saved, Existing::Replace)), chosen])
    });
    let has_report_error = report.is_err();
    // The events are imported already: return the result also if the workbook cannot be written.
    let report = report.unwrap_or_else(|error| {
        tracing::warn!("the rejected blocks are not saved: {error}");
        None
    });
    let counts = history::store::count_with_earlier(&mut *pool.acquire().await?, run, &plan).await?;
    let problems = delivery_problems(&mut *pool.acquire().await?, &loaded.timetable, &plan, &drained.outcomes).await?;
    let mut document = Document::of_plan(file, false, plan);
    document.add_undelivered(outbox::undelivered(pool, Some(run)).await?);
    document.problems.extend(problems);
    document.add_notices(&drained.outcomes);
    let delivery = outbox::count_by_state(pool, Some(run)).await?;
    let is_open = left_pending || not_written > 0 || delivery.is_open();
    let stopped = stop.is_cancelled() && is_open;
    let mut document = Document { run_id: Some(run), counts, delivery, report, not_written, stopped, ..document };
    document.add_examples(&loaded.timetable.examples);
    document.add_next_steps();
    let exit = if left_pending || has_report_error { Exit::NeedsAttention } else { document.exit() };
    if let Some(own_lock) = own_lock {
        runs::finish(&mut *pool.acquire().await?, run, exit, &document).await?;
        own_lock.release().await?;
    }
    Ok(ImportResult { document, exit })
}

/// Checks what an import needs before it reads Administrate or writes anything.
async fn check_preconditions(pool: &PgPool, request: &ImportRequest) -> Result<()> {
    let options = request.options;
    let mut db = pool.acquire().await?;
    let (is_empty, is_synced) = (store::is_catalogue_empty(&mut db).await?, store::is_synced(&mut db).await?);
    drop(db);
    if is_empty {
        return Err(Error::Prerequisite(
            "the catalogue is empty: no event can be sold before subjects, exam sessions, products and course templates \
             exist; run `lectern catalogue template catalogue.xlsx` to write a workbook for them, then `lectern catalogue \
             import catalogue.xlsx` and `lectern sync all` (`lectern demo` shows all with sample data)"
                .into(),
        ));
    }
    if !is_synced {
        return Err(Error::Prerequisite(
            "nothing is linked with Administrate yet: run `lectern sync all` first".into(),
        ));
    }
    if (options.approve_instructors || options.create_instructors) && options.is_queued() {
        return Err(Error::Usage(
            "approving or creating instructors needs Administrate: leave out --deliver queue".into(),
        ));
    }
    let Some(report) = request.report.as_deref() else { return Ok(()) };
    check_report(report, &request.file, request.existing)
}

/// Returns the caller's run, or begins a new one and locks it.
async fn open_run(pool: &PgPool, caller_run: Option<i64>, file: &str) -> Result<(i64, Option<runs::RunLock>)> {
    if let Some(run) = caller_run {
        return Ok((run, None));
    }
    let run = runs::begin(&mut *pool.acquire().await?, runs::RunKind::Import, file).await?;
    Ok((run, runs::lock(pool, run).await?))
}

fn planner_options<'a>(config: &'a Config, request: &ImportRequest) -> PlannerOptions<'a> {
    PlannerOptions { labels: &config.administrate.labels, sittings: &config.sittings, import: request.options }
}

/// Plans a timetable against both sides. Without a client the remote state is the one that the last sync stored.
async fn plan_import(
    inputs: ImportInputs<'_>,
    client: Option<&administrate::Client>,
) -> Result<(RemoteState, ImportPlan)> {
    let ImportInputs { pool, config, loaded, request } = inputs;
    let timetable = &loaded.timetable;
    let mut local = store::local_state(&mut *pool.acquire().await?, timetable).await?;
    let mut remote_state: RemoteState = match client {
        Some(client) => remote::read(client, timetable, &local, &config.zone()).await?,
        None => {
            store::stored_remote_state(&mut *pool.acquire().await?, &store::template_ids(timetable, &local)).await?
        }
    };
    if let Some(client) = client.filter(|_| request.options.create_instructors) {
        remote_state.instructors = remote::instructors(client, timetable, &local).await?;
    }
    new_instructors::add_candidates(&mut local, timetable, &remote_state.instructors);
    let options = planner_options(config, request);
    let first_plan = plan(timetable, &local, &remote_state, options);
    let known = first_plan.known_event_ids(&local);
    let Some(client) = client.filter(|_| !known.is_empty()) else { return Ok((remote_state, first_plan)) };
    drop(first_plan);
    // Merge the file with the current values in Administrate.
    let mut db = pool.acquire().await?;
    let read_at = baseline::now(&mut db).await?;
    add_baselines(&mut db, &mut local, &known, None).await?;
    drop(db);
    remote_state.current_events = remote::current_events(client, &local).await?;
    remote_state.compared = Some(ComparedEvents { ids: known, read_at });
    let merged_plan = plan(timetable, &local, &remote_state, options);
    Ok((remote_state, merged_plan))
}

/// Adds the baselines of events, except those stored after `before`.
async fn add_baselines(
    db: &mut PgConnection,
    local: &mut LocalState,
    events: &[i64],
    before: Option<Timestamp>,
) -> Result<()> {
    local.baselines = load_baselines(db, events, before).await?;
    let ids: Vec<&str> = local.baselines.values().map(|known| known.external_id.as_str()).collect();
    local.staff_baselines = store::staff_baselines(db, &ids).await?;
    Ok(())
}

/// Plans again under the write lock, because another import may have written since the first plan.
async fn replan_locked(
    inputs: ImportInputs<'_>,
    remote_state: &RemoteState,
    first_counts: ImportCounts,
) -> Result<ImportPlan> {
    let ImportInputs { pool, config, loaded, request } = inputs;
    let mut db = pool.acquire().await?;
    let mut local = store::local_state(&mut db, &loaded.timetable).await?;
    if let Some(ComparedEvents { ids, read_at }) = &remote_state.compared {
        // The state of Administrate was read before these baselines were stored.
        add_baselines(&mut db, &mut local, ids, Some(*read_at)).await?;
    }
    new_instructors::add_candidates(&mut local, &loaded.timetable, &remote_state.instructors);
    let new_plan = plan(&loaded.timetable, &local, remote_state, planner_options(config, request));
    if remote_state.approval_errors.is_empty() && new_plan.counts() != first_counts {
        tracing::warn!(
            "another import has written since this one was planned; remaining work: {}",
            new_plan.summary().replace('\n', "; ")
        );
    }
    Ok(new_plan)
}

/// Delivers the effects of the run, then waits for pending deliveries of earlier imports of the same events.
///
/// Also returns whether deliveries of an earlier import were still pending when `stop` was cancelled.
async fn deliver(
    pool: &PgPool,
    worker: DeliveryWorker,
    run: i64,
    plan: &ImportPlan,
    stop: &CancellationToken,
    on_delivered: impl Fn(&delivery::DeliveryOutcome) + Send + Sync + 'static,
) -> Result<(DrainReport, bool)> {
    let worker = Arc::new(worker);
    let on_delivered: Arc<dyn Fn(&delivery::DeliveryOutcome) + Send + Sync> = Arc::new(on_delivered);
    let on_delivered_later = on_delivered.clone();
    let mut drained = drain(worker.clone(), Some(run), stop, move |outcome| on_delivered(outcome)).await?;
    let titles: Vec<&str> =
        plan.items.iter().filter(|item| item.is_accepted()).map(|item| item.title.as_str()).collect();
    let events = tutorials::store::ids_by_code(&mut *pool.acquire().await?, &titles).await?;
    let ids: Vec<i64> = events.into_iter().map(|(id, _)| id).collect();
    let mut notice = None;
    while tutorials::pending_in_earlier_run(pool, run, &ids).await? {
        notice.get_or_insert_with(WaitNotice::begin).warn_once();
        if stop.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await.is_none() {
            return Ok((drained, true));
        }
    }
    if notice.is_some() {
        tutorials::reassign_pending(&mut *pool.acquire().await?, run, &ids, &[]).await?;
        drained.absorb(drain(worker, Some(run), stop, move |outcome| on_delivered_later(outcome)).await?);
    }
    Ok((drained, false))
}
