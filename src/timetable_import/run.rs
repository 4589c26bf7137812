//! The verb: a file is read, planned against both sides, applied here, and brought to Administrate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::delivery;
use crate::delivery::drain::WaitNotice;
use crate::delivery::{DeliveryWorker, DrainReport, drain, duplicates};
use crate::error::{Error, Exit, Result};
use crate::gateway;
use crate::gateway::AuditMode;
use crate::merge::load_baselines;
use crate::names::fold;
use crate::{outbox, output_file, runs, tutorials};

use super::apply::{ApplyOptions, apply};
use super::approvals::approve;
pub use super::load::{LoadedTimetable, load, load_valid, name_of};
use super::options::{DeliveryMode, ImportOptions};
use super::plan::new_instructors;
use super::plan::planner::{PlannerOptions, plan};
use super::plan::remote_state::RemoteState;
use super::plan::{BlockOutcome, ImportCounts, ImportPlan};
use super::report::Document;
use super::report::{rejected, undelivered};
use super::write_lock::WriteLock;
use super::{history, remote, store};

/// How often it is looked whether an earlier import has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// An import to be carried out.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// The workbook.
    pub file: PathBuf,
    /// What the caller requests.
    pub options: ImportOptions,
    /// Where to write the rejected blocks; none: no report of a dry run, else a file in the data folder.
    pub report: Option<PathBuf>,
    /// The run that its caller opened and closes; none: the import opens and closes its own.
    pub run: Option<i64>,
}

/// What an import did, or would do.
#[derive(Debug)]
pub struct ImportResult {
    /// What is told about it.
    pub document: Document,
    /// How it ends.
    pub exit: Exit,
}

/// Imports a file that was loaded. `planned` hears the plan and says whether to carry it out, `told` hears
/// every delivery.
///
/// # Errors
/// Nothing was synced yet or Administrate is not named (prerequisite); Administrate cannot be reached while validating
/// (nothing is written then); the database fails.
pub async fn import(
    pool: &PgPool,
    config: &Config,
    (loaded, request): (&LoadedTimetable, &ImportRequest),
    stop: &CancellationToken,
    planned: impl FnOnce(&ImportPlan) -> bool,
    told: impl Fn(&delivery::DeliveryOutcome) + Send + Sync + 'static,
) -> Result<ImportResult> {
    check_preconditions(pool, request).await?;
    let options = request.options;
    let client = match options.deliver {
        DeliveryMode::Queue => None,
        DeliveryMode::Wait => {
            let audit = if options.dry_run { AuditMode::Off } else { AuditMode::On };
            Some(gateway::connect(config, pool, "import", audit).await?)
        }
    };
    let (mut facts, plan) = plan_import(pool, config, (loaded, request), client.as_ref()).await?;
    if !planned(&plan) || request.options.dry_run {
        let report = write_report(loaded, &plan, request.report.as_deref())?;
        let document = Document {
            run_id: request.run,
            report,
            ..Document::of_plan(name_of(&request.file), request.options.dry_run, plan)
        };
        return Ok(ImportResult { exit: document.exit(), document });
    }
    if let Some(client) = &client {
        facts.denied = approve(client, &facts, &plan.approvals).await?;
    }
    let Some(turn) = WriteLock::acquire(pool, stop).await? else {
        let document = Document::of_problems(name_of(&request.file), false, Vec::new());
        return Ok(ImportResult { document, exit: Exit::NeedsAttention });
    };
    // Of a large file no two plans stand beside one another.
    let before = PlanSummary::of(&plan);
    drop(plan);
    let plan = replan_locked(pool, config, (loaded, request), &facts, &before).await?;
    drop(facts);
    execute(pool, config, (loaded, request), (client, turn), plan, stop, told).await
}

/// Writes a plan here, brings it to Administrate unless that is left to others, and tells what came of it.
async fn execute(
    pool: &PgPool,
    config: &Config,
    (loaded, request): (&LoadedTimetable, &ImportRequest),
    (client, turn): (Option<administrate::Client>, WriteLock),
    mut plan: ImportPlan,
    stop: &CancellationToken,
    told: impl Fn(&delivery::DeliveryOutcome) + Send + Sync + 'static,
) -> Result<ImportResult> {
    let file = name_of(&request.file);
    let (run, own) = open_run(pool, request.run, &file).await?;
    let blocks_per_batch = config.import.blocks_per_batch;
    let options = ApplyOptions { run, blocks_per_batch, import: request.options };
    let unused = loaded.unused();
    let written =
        apply(pool, &plan, |row| unused.get(&row).cloned().unwrap_or_else(|| json!({})), options, stop).await?;
    turn.release().await?;
    let not_written = plan.items.len() - written;
    plan.items.truncate(written);
    let (drained, left_to_others) = match client {
        Some(client) => {
            let worker = DeliveryWorker::new(pool, client.clone(), config).await?;
            let ended = deliver(pool, worker, (run, &plan), stop, told).await?;
            if not_written == 0 && !stop.is_cancelled() && !ended.0.ended_early {
                duplicates::report_duplicates(pool, &client, Some(run)).await?;
            }
            ended
        }
        None => (DrainReport::default(), false),
    };
    let own_place = config.data_dir.join("reports").join(format!("import-{run}.xlsx"));
    let report = write_report(loaded, &plan, Some(request.report.as_deref().unwrap_or(&own_place)));
    let is_told = report.is_ok();
    // What was imported is told also where this could not be written.
    let report = report.unwrap_or_else(|error| {
        tracing::warn!("the refused blocks are not kept: {error}");
        None
    });
    let counts = history::store::count_with_earlier(&mut *pool.acquire().await?, run, &plan).await?;
    let seen = undelivered::problems(&mut *pool.acquire().await?, &loaded.timetable, &plan, &drained.outcomes).await?;
    let mut document = Document::of_plan(file, false, plan);
    document.add_undelivered(outbox::undelivered(pool, Some(run)).await?);
    document.problems.extend(seen);
    document.add_notices(&drained.outcomes);
    let delivery = outbox::count_by_state(pool, Some(run)).await?;
    let document = Document { run_id: Some(run), counts, delivery, report, not_written, ..document };
    let exit = if left_to_others || !is_told { Exit::NeedsAttention } else { document.exit() };
    if let Some(held) = own {
        runs::finish(&mut *pool.acquire().await?, run, exit, &document).await?;
        held.release().await?;
    }
    Ok(ImportResult { document, exit })
}

/// What has to be so before anything is done.
async fn check_preconditions(pool: &PgPool, request: &ImportRequest) -> Result<()> {
    let options = request.options;
    if !store::is_synced(&mut *pool.acquire().await?).await? {
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
    if is_same_file(report, &request.file) {
        return Err(Error::Usage(format!(
            "--report names the timetable itself, of which only the refused blocks would be left: choose another file than {}",
            report.display()
        )));
    }
    output_file::check(report)
}

fn is_same_file(one: &Path, two: &Path) -> bool {
    matches!((one.canonicalize(), two.canonicalize()), (Ok(one), Ok(two)) if one == two)
}

/// The run that was opened for an import, or one of its own, held from here on.
async fn open_run(pool: &PgPool, opened: Option<i64>, file: &str) -> Result<(i64, Option<runs::RunLock>)> {
    if let Some(run) = opened {
        return Ok((run, None));
    }
    let run = runs::begin(&mut *pool.acquire().await?, runs::RunKind::Import, file).await?;
    Ok((run, runs::lock(pool, run).await?))
}

fn planner_options<'a>(config: &'a Config, request: &ImportRequest) -> PlannerOptions<'a> {
    PlannerOptions { labels: &config.administrate.labels, sittings: &config.sittings, import: request.options }
}

/// Plans a timetable against both sides; without a client the remote facts are those that the last sync kept.
async fn plan_import(
    pool: &PgPool,
    config: &Config,
    (loaded, request): (&LoadedTimetable, &ImportRequest),
    client: Option<&administrate::Client>,
) -> Result<(RemoteState, ImportPlan)> {
    let timetable = &loaded.timetable;
    let mut ours = store::local_state(&mut *pool.acquire().await?, timetable).await?;
    let mut facts: RemoteState = match client {
        Some(client) => remote::read(client, timetable, &ours, &config.zone()).await?,
        None => store::stored_remote_state(&mut *pool.acquire().await?, &store::template_ids(timetable, &ours)).await?,
    };
    if let Some(client) = client.filter(|_| request.options.create_instructors) {
        facts.instructors = remote::instructors(client, timetable, &ours).await?;
    }
    new_instructors::add_candidates(&mut ours, timetable, &facts.instructors);
    let options = planner_options(config, request);
    let planned = plan(timetable, &ours, &facts, options);
    let changing = planned.changing();
    let Some(client) = client.filter(|_| !changing.is_empty()) else { return Ok((facts, planned)) };
    // What is about to change is compared with what stands there now.
    ours.agreed = load_baselines(&mut *pool.acquire().await?, &changing, None).await?;
    facts.standing = remote::current_events(client, &planned, &ours).await?;
    let planned = plan(timetable, &ours, &facts, options);
    Ok((facts, planned))
}

/// What is still asked of a plan when the next is made.
struct PlanSummary {
    counts: ImportCounts,
    /// Folded titles of the events of which it was read how they stand there.
    compared: Vec<String>,
}

impl PlanSummary {
    fn of(plan: &ImportPlan) -> PlanSummary {
        let compared =
            plan.items.iter().filter(|item| item.outcome == BlockOutcome::Update || !item.conflicts.is_empty());
        PlanSummary { counts: plan.counts(), compared: compared.map(|item| fold(&item.title)).collect() }
    }
}

/// Plans once more where it is this import's turn to write: another one may have written since.
async fn replan_locked(
    pool: &PgPool,
    config: &Config,
    (loaded, request): (&LoadedTimetable, &ImportRequest),
    facts: &RemoteState,
    before: &PlanSummary,
) -> Result<ImportPlan> {
    let mut db = pool.acquire().await?;
    let mut ours = store::local_state(&mut db, &loaded.timetable).await?;
    let compared = before.compared.iter().filter_map(|title| ours.events.get(title).map(|known| known.id));
    ours.agreed = load_baselines(&mut db, &compared.collect::<Vec<i64>>(), None).await?;
    new_instructors::add_candidates(&mut ours, &loaded.timetable, &facts.instructors);
    let again = plan(&loaded.timetable, &ours, facts, planner_options(config, request));
    if facts.denied.is_empty() && again.counts() != before.counts {
        tracing::warn!(
            "another import has written meanwhile; what is left to do: {}",
            again.summary().replace('\n', "; ")
        );
    }
    Ok(again)
}

/// Brings to Administrate what the run has written, and sees to the end of what an earlier import is still bringing there;
/// tells whether that one was left at it.
async fn deliver(
    pool: &PgPool,
    worker: DeliveryWorker,
    (run, plan): (i64, &ImportPlan),
    stop: &CancellationToken,
    told: impl Fn(&delivery::DeliveryOutcome) + Send + Sync + 'static,
) -> Result<(DrainReport, bool)> {
    let worker = Arc::new(worker);
    let told: Arc<dyn Fn(&delivery::DeliveryOutcome) + Send + Sync> = Arc::new(told);
    let told_again = told.clone();
    let mut drained = drain(worker.clone(), Some(run), stop, move |outcome| told(outcome)).await?;
    let titles: Vec<&str> =
        plan.items.iter().filter(|item| item.is_accepted()).map(|item| item.title.as_str()).collect();
    let events = tutorials::store::ids_by_code(&mut *pool.acquire().await?, &titles).await?;
    let ids: Vec<i64> = events.into_iter().map(|(id, _)| id).collect();
    let mut waiting = None;
    while tutorials::pending_in_earlier_run(pool, run, &ids).await? {
        waiting.get_or_insert_with(WaitNotice::begin).tell();
        if stop.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await.is_none() {
            return Ok((drained, true));
        }
    }
    if waiting.is_some() {
        tutorials::reassign_pending(&mut *pool.acquire().await?, run, &ids, &[]).await?;
        drained.absorb(drain(worker, Some(run), stop, move |outcome| told_again(outcome)).await?);
    }
    Ok((drained, false))
}

/// Writes the refused blocks; gives where, None when nothing was refused.
fn write_report(loaded: &LoadedTimetable, plan: &ImportPlan, to: Option<&Path>) -> Result<Option<String>> {
    let Some(to) = to else { return Ok(None) };
    let rows = rejected::refused_rows(&loaded.timetable, plan);
    if rows.is_empty() {
        return Ok(None);
    }
    let cannot = |error: String| Error::Failed(format!("the report cannot be written: {error}"));
    let sheet = loaded.rows(&rows).map_err(|unfit| cannot(unfit.to_string()))?;
    let bytes = rejected::refused(&sheet, &loaded.timetable, plan, &rows).map_err(|error| cannot(error.to_string()))?;
    output_file::write(to, &bytes)?;
    Ok(Some(to.display().to_string()))
}
