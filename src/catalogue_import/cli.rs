//! `lectern catalogue template`, `import` and `undo`.

use std::path::{Path, PathBuf};

use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::plan::CataloguePlan;
use super::read::CatalogueRows;
use super::{apply, read, report, template, undo};
use crate::app::Context;
use crate::console::counted;
use crate::error::{Error, Exit, Result};
use crate::output_file::{self, Existing};
use crate::runs::{self, RunKind};
use crate::text::shell_word;
use crate::timetable_import::load::{limits, name_of};
use crate::timetable_import::problems::ImportProblem;
use crate::timetable_import::run::is_same_file;

/// Key of the lock that one import or undo at a time holds.
const LOCK: i64 = 0x4C_43_41_54;

/// Options of `lectern catalogue template`.
#[derive(Debug, clap::Args)]
pub struct TemplateArgs {
    /// Path of the new workbook
    file: PathBuf,
    /// Replace the workbook if it exists
    #[arg(long)]
    force: bool,
}

/// Options of `lectern catalogue import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// Workbook to import (xlsx)
    file: PathBuf,
    /// Show the plan and all problems; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write rejected rows with their problems to this workbook
    #[arg(long, value_name = "FILE.xlsx")]
    report: Option<PathBuf>,
    /// Replace the workbook of --report if it exists
    #[arg(long, requires = "report")]
    force: bool,
    /// Import without asking
    #[arg(long)]
    yes: bool,
}

/// Options of `lectern catalogue undo`.
#[derive(Debug, clap::Args)]
pub struct UndoArgs {
    /// Run of the import, as `lectern catalogue import` prints it
    run: i64,
    /// Show what would be undone; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Undo without asking
    #[arg(long)]
    yes: bool,
}

/// Writes an empty workbook.
pub fn write_template(context: &Context, args: &TemplateArgs) -> Result<Exit> {
    let existing = Existing::of_force(args.force);
    output_file::check(&args.file, existing)?;
    let bytes = template::empty().map_err(unwritable)?;
    output_file::write(&args.file, &bytes, existing)?;
    let file = args.file.display().to_string();
    context.console.notify(format_args!("empty catalogue written: {file}"));
    context
        .console
        .notify(format_args!("next: fill it, then lectern catalogue import {} --dry-run", shell_word(&file)));
    context.console.document(&json!({ "file": file }))?;
    Ok(Exit::Done)
}

fn unwritable(error: impl std::fmt::Display) -> Error {
    Error::Failed(format!("the workbook cannot be written: {error}"))
}

/// Imports a workbook.
pub async fn import(context: &Context, args: &ImportArgs) -> Result<Exit> {
    if let Some(report) = &args.report {
        if is_same_file(report, &args.file) {
            return Err(Error::Usage("--report names the workbook to import: name another file".into()));
        }
        output_file::check(report, Existing::of_force(args.force))?;
    }
    let limits = limits(&context.config);
    let loaded = spreadsheet::load_file(&args.file, &limits).and_then(|(_, bytes)| read::read(&bytes, &limits));
    let given = match loaded {
        Ok(given) => given,
        Err(error) => {
            let plan = CataloguePlan { problems: vec![ImportProblem::from(error)], ..CataloguePlan::default() };
            return reject_file(context, args, &plan);
        }
    };
    if given.sheets.is_empty() {
        let plan = CataloguePlan { problems: given.problems, ..CataloguePlan::default() };
        return reject_file(context, args, &plan);
    }
    let database = context.database().await?;
    let result = import_rows(context, &database.pool, args, &given).await;
    database.close().await;
    result
}

/// Reports a file that cannot be imported at all.
fn reject_file(context: &Context, args: &ImportArgs, plan: &CataloguePlan) -> Result<Exit> {
    for problem in &plan.problems {
        context.console.notify(format_args!("{}: {}", args.file.display(), problem.message));
    }
    context.console.notify("next: lectern catalogue template FILE.xlsx writes a workbook to fill");
    context.console.document(&plan.document(&name_of(&args.file), None, args.dry_run, None))?;
    Ok(Exit::Failed)
}

async fn import_rows(context: &Context, pool: &PgPool, args: &ImportArgs, given: &CatalogueRows) -> Result<Exit> {
    let console = &context.console;
    let letters = &context.config.sittings;
    let mut trial = pool.begin().await?;
    let mut plan = apply::apply(&mut trial, pool, letters, given).await?;
    trial.rollback().await?;
    console.print_text(&plan);
    if let Some(table) = report::table(&plan.problems) {
        console.print(table);
    }
    if plan.examples > 0 {
        console
            .notify(format_args!("{} skipped: a cell begins with \"EXAMPLE:\"", counted(plan.examples, "example row")));
    }
    let summary = plan.summary();
    console.print(if args.dry_run { format!("dry run: {summary}") } else { format!("plan: {summary}") });
    let mut run = None;
    if !args.dry_run && plan.has_changes() {
        let asks = console.can_prompt && !args.yes;
        if asks && !console.prompt_yes_no("execute this plan?").await {
            console.notify("nothing was written");
            return Ok(Exit::Done);
        }
        let (executed, id) = execute(context, pool, args, given).await?;
        if executed.summary() != summary {
            console.notify(format_args!("the catalogue was changed meanwhile; imported: {}", executed.summary()));
        }
        (plan, run) = (executed, Some(id));
    }
    let exit = if plan.has_errors() { Exit::NeedsAttention } else { Exit::Done };
    let report = write_report(args, given, &plan)?;
    finish(context, args, &plan, run, report.as_deref());
    console.document(&plan.document(&name_of(&args.file), run, args.dry_run, report.as_deref()))?;
    Ok(exit)
}

/// Imports in one transaction, with the run by which it can be undone.
async fn execute(
    context: &Context,
    pool: &PgPool,
    args: &ImportArgs,
    given: &CatalogueRows,
) -> Result<(CataloguePlan, i64)> {
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    let file = name_of(&args.file);
    let run = runs::begin(&mut transaction, RunKind::CatalogueImport, &file).await?;
    let plan = apply::apply(&mut transaction, pool, &context.config.sittings, given).await?;
    runs::save_journal(&mut transaction, run, &plan.journal).await?;
    let exit = if plan.has_errors() { Exit::NeedsAttention } else { Exit::Done };
    runs::finish(&mut transaction, run, exit, &plan.document(&file, Some(run), false, None)).await?;
    transaction.commit().await?;
    Ok((plan, run))
}

async fn lock(db: &mut PgConnection) -> Result<()> {
    match runs::try_lock_in_transaction(db, LOCK).await? {
        true => Ok(()),
        false => Err(Error::Failed("another import or undo of a catalogue is running: wait until it ends".into())),
    }
}

fn write_report(args: &ImportArgs, given: &CatalogueRows, plan: &CataloguePlan) -> Result<Option<String>> {
    let Some(file) = &args.report else { return Ok(None) };
    let Some(bytes) = report::workbook(given, &plan.problems).map_err(unwritable)? else { return Ok(None) };
    output_file::write(file, &bytes, Existing::of_force(args.force))?;
    Ok(Some(file.display().to_string()))
}

/// Prints what to do next.
fn finish(context: &Context, args: &ImportArgs, plan: &CataloguePlan, run: Option<i64>, report: Option<&str>) {
    let console = &context.console;
    let file = |path: &Path| shell_word(&path.display().to_string());
    if let Some(run) = run {
        console.print(format_args!("catalogue import {run}: {}", plan.summary()));
        console.notify(format_args!("`lectern catalogue undo {run}` undoes it"));
    }
    match (report, plan.rejected) {
        (Some(report), _) => console.notify(format_args!(
            "next: correct the rejected rows and import them: lectern catalogue import {}",
            shell_word(report)
        )),
        (None, 1..) => console.notify(format_args!(
            "next: correct the cells above and import again; --report FILE.xlsx writes a workbook of the rejected rows"
        )),
        (None, 0) if plan.rows.is_empty() => {
            console.notify("the workbook has no row to import: fill it in and import it again");
        }
        (None, 0) if args.dry_run && plan.has_changes() => {
            console.notify(format_args!("next: lectern catalogue import {}", file(&args.file)));
        }
        (None, 0) if !plan.has_changes() => console.notify("everything is as in the workbook: nothing to write"),
        (None, 0) => console.notify("next: lectern sync all --create-local, then lectern import template FILE.xlsx"),
    }
}

/// Undoes an import.
pub async fn undo(context: &Context, args: &UndoArgs) -> Result<Exit> {
    let database = context.database().await?;
    let result = undo_run(context, &database.pool, args).await;
    database.close().await;
    result
}

async fn undo_run(context: &Context, pool: &PgPool, args: &UndoArgs) -> Result<Exit> {
    let console = &context.console;
    if !args.dry_run && !args.yes && !console.confirm(format_args!("undo catalogue import {}?", args.run)).await? {
        console.notify("nothing was undone");
        return Ok(Exit::Done);
    }
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    let journal = undo::journal(&mut transaction, args.run).await?;
    let undone = undo::undo(&mut transaction, pool, &journal).await?;
    let is_refused = !undone.refused.is_empty();
    let mut run = None;
    if is_refused || args.dry_run {
        transaction.rollback().await?;
    } else {
        let id = runs::begin(&mut transaction, RunKind::CatalogueUndo, &args.run.to_string()).await?;
        runs::finish(&mut transaction, id, Exit::Done, &undone.document(args.run, Some(id), false)).await?;
        transaction.commit().await?;
        run = Some(id);
    }
    for reason in &undone.refused {
        console.notify(format_args!("not undone: {reason}"));
    }
    console.print(match (is_refused, args.dry_run) {
        (true, _) => format!("catalogue import {} stays: nothing was undone", args.run),
        (false, true) => format!("would be undone: {} removed, {} restored", undone.removed, undone.restored),
        (false, false) => format!("undone: {} removed, {} restored", undone.removed, undone.restored),
    });
    console.document(&undone.document(args.run, run, args.dry_run))?;
    Ok(if is_refused { Exit::NeedsAttention } else { Exit::Done })
}
