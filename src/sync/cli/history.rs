//! `lectern sync show`, `lectern sync runs` and `lectern sync undo`.

use serde_json::json;

use super::output::print_reports;
use crate::app::Context;
use crate::console::Console;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::runs;
use crate::runs::RunKind;
use crate::sync::entity::Entity;
use crate::sync::report::text;
use crate::sync::undo;
use crate::sync::undo::report::UndoReport;
use crate::sync::undo::{SyncUndo, UndoMode, undo};

/// Prints one stored run and its changes.
pub(super) async fn show_run(console: &Console, database: &Database, run: i64) -> Result<Exit> {
    let mut db = database.pool.acquire().await?;
    let stored = match runs::find(&mut db, RunKind::Sync, run).await? {
        None => runs::find(&mut db, RunKind::SyncUndo, run).await?,
        stored => stored,
    };
    let stored =
        stored.ok_or_else(|| Error::Usage(format!("run {run} is not a sync: `lectern sync runs` lists the runs")))?;
    console.print(text::runs(std::slice::from_ref(&stored.run)));
    if let Some(journal) = &stored.journal {
        let entity: Entity = stored.run.subject.parse().map_err(Error::Failed)?;
        console.print(undo::describe(entity, journal.clone())?);
    }
    console.document(&stored)?;
    Ok(Exit::Done)
}

/// Prints the latest stored runs and undos.
pub(super) async fn list_runs(console: &Console, database: &Database, limit: i64) -> Result<Exit> {
    let mut db = database.pool.acquire().await?;
    let mut runs = runs::latest(&mut db, RunKind::Sync, limit).await?;
    runs.extend(runs::latest(&mut db, RunKind::SyncUndo, limit).await?);
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    runs.truncate(usize::try_from(limit).unwrap_or_default());
    console.print(text::runs(&runs));
    console.document(&json!({ "runs": runs }))?;
    Ok(Exit::Done)
}

/// Shows what an undo would do, asks, and undoes.
pub(super) async fn undo_run(
    context: &Context,
    database: &Database,
    run: i64,
    cascade: bool,
    dry_run: bool,
) -> Result<Exit> {
    let (console, pool) = (&context.console, &database.pool);
    let request = |mode| SyncUndo { run, cascade, mode, in_run: None, actor: None };
    let planned = undo(pool, request(UndoMode::DryRun)).await?;
    console.print(&planned);
    if dry_run || !planned.is_possible() {
        if planned.is_possible() {
            print_changes(console, &planned);
            print_reports(console, &planned.reports);
        }
        console.document(&planned)?;
        return Ok(planned.exit());
    }
    let question = if planned.undone.len() > 1 { "undo these runs?" } else { "undo this run?" };
    if !console.confirm(question).await? {
        console.notify("nothing was undone");
        return Ok(Exit::Done);
    }
    let done = undo(pool, request(UndoMode::Write)).await?;
    print_reports(console, &done.reports);
    if let Some(first) = done.undone.first().and_then(|run| run.run_id) {
        let cascade = if done.undone.len() > 1 { " --cascade" } else { "" };
        console.notify(format_args!("undone; to restore what was undone:  lectern sync undo {first}{cascade}"));
    }
    console.document(&done)?;
    Ok(done.exit())
}

/// Most changes of a run that a dry run lists.
const MAX_CHANGES: usize = 20;

/// Prints what each run of a dry run would change.
fn print_changes(console: &Console, undo: &UndoReport) {
    for report in &undo.reports {
        let changes = report.plan.as_deref().unwrap_or_default();
        console.print(report.entity.heading());
        changes.iter().take(MAX_CHANGES).for_each(|change| console.print(format_args!("  {change}")));
        if changes.len() > MAX_CHANGES {
            console.print(format_args!("  … and {} more: --json lists them", changes.len() - MAX_CHANGES));
        }
    }
}
