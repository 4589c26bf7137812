//! `lectern catalogue template`, `import` and `undo`.

use std::path::{Path, PathBuf};

use serde_json::json;
use sqlx::{PgPool, Postgres, Transaction};

use super::operation::{CatalogueImport, exit_of, import_in, undo_in};
use super::plan::CataloguePlan;
use super::read::{self, WorkbookRows};
use super::{report, template};
use crate::app::Context;
use crate::console::counted;
use crate::error::{Error, Exit, Result};
use crate::output_file::{self, Existing};
use crate::text::shell_word;
use crate::workbook::file::{check_report, limits, name_of, unwritable};
use crate::workbook::options::WorkbookOptions;
use crate::workbook::problem_table::{PlaceColumns, table};
use crate::workbook::problems::ImportProblem;

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
    /// Workbook to import: xlsx or ods
    file: PathBuf,
    #[command(flatten)]
    workbook: WorkbookOptions,
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

/// Imports a workbook.
pub async fn import(context: &Context, args: &ImportArgs) -> Result<Exit> {
    if let Some(report) = &args.workbook.report {
        check_report(report, &args.file, args.workbook.existing())?;
    }
    let limits = limits(&context.config);
    let loaded = spreadsheet::load_file(&args.file, &limits).and_then(|(_, bytes)| read::read(&bytes, &limits));
    let problems = match loaded {
        Ok(given) if given.sheets.is_empty() => given.problems,
        Ok(given) => {
            let database = context.database().await?;
            let import = import_rows(context, &database.pool, args, &given);
            let result = context.stop.run_until_cancelled(import).await.unwrap_or(Err(Error::Cancelled));
            database.close().await;
            return result;
        }
        Err(error) => vec![ImportProblem::from(error)],
    };
    reject_file(context, args, CataloguePlan { problems, ..CataloguePlan::default() })
}

/// Reports a file that cannot be imported at all.
fn reject_file(context: &Context, args: &ImportArgs, plan: CataloguePlan) -> Result<Exit> {
    let console = &context.console;
    for problem in plan.problems.iter().filter(|problem| problem.is_error()) {
        let place = problem.sheet.as_ref().map(|sheet| format!("sheet \"{sheet}\": ")).unwrap_or_default();
        console.notify(format_args!("{}: {place}{}", args.file.display(), problem.sentence()));
    }
    console.notify("next: lectern catalogue template catalogue.xlsx writes a workbook to fill");
    console.document(&plan.document(&name_of(&args.file), None, args.workbook.dry_run, None))?;
    Ok(Exit::Failed)
}

async fn import_rows(context: &Context, pool: &PgPool, args: &ImportArgs, given: &WorkbookRows) -> Result<Exit> {
    let (console, options) = (&context.console, &args.workbook);
    let asks = !options.dry_run && !options.yes && console.can_prompt;
    // The prompt is between two transactions, so that rows are not locked while it waits.
    let (mut transaction, mut plan, mut run) = begin(context, pool, args, given, options.dry_run || asks).await?;
    if options.dry_run || asks || !plan.has_changes() {
        transaction.rollback().await?;
        (transaction, run) = (pool.begin().await?, None);
    }
    print_plan(context, args, &plan);
    if asks && plan.has_changes() {
        if !console.prompt_yes_no("execute this plan?").await {
            console.notify("nothing was written");
            return Ok(Exit::Done);
        }
        let shown = plan.summary();
        (transaction, plan, run) = begin(context, pool, args, given, false).await?;
        if plan.summary() != shown {
            console.notify("the catalogue was changed since the plan was shown");
        }
    }
    transaction.commit().await?;
    let report = write_report(args, given, &plan)?;
    finish(context, args, &plan, run, report.as_deref());
    console.document(&plan.document(&name_of(&args.file), run, options.dry_run, report.as_deref()))?;
    Ok(exit_of(&plan))
}

/// Imports in a transaction of its own, which the caller ends.
async fn begin(
    context: &Context,
    pool: &PgPool,
    args: &ImportArgs,
    given: &WorkbookRows,
    is_trial: bool,
) -> Result<(Transaction<'static, Postgres>, CataloguePlan, Option<i64>)> {
    let mut transaction = pool.begin().await?;
    let request = CatalogueImport { file: &name_of(&args.file), sittings: &context.config.sittings, is_trial };
    let (plan, run) = import_in(&mut transaction, pool, &request, given).await?;
    Ok((transaction, plan, run))
}

fn print_plan(context: &Context, args: &ImportArgs, plan: &CataloguePlan) {
    let console = &context.console;
    console.print_text(plan);
    if let Some(table) = table(&plan.problems, PlaceColumns::SheetAndCell) {
        console.print(table);
    }
    if plan.examples > 0 {
        console
            .notify(format_args!("{} skipped: a cell begins with \"EXAMPLE:\"", counted(plan.examples, "example row")));
    }
    let title = if args.workbook.dry_run { "dry run" } else { "plan" };
    console.print(format_args!("{title}: {}", plan.summary()));
}

fn write_report(args: &ImportArgs, given: &WorkbookRows, plan: &CataloguePlan) -> Result<Option<String>> {
    let Some(file) = &args.workbook.report else { return Ok(None) };
    let Some(bytes) = report::workbook(given, plan).map_err(unwritable)? else { return Ok(None) };
    output_file::write(file, &bytes, args.workbook.existing())?;
    Ok(Some(file.display().to_string()))
}

/// Prints the result and what to do next.
fn finish(context: &Context, args: &ImportArgs, plan: &CataloguePlan, run: Option<i64>, report: Option<&str>) {
    let console = &context.console;
    let file = |path: &Path| shell_word(&path.display().to_string());
    if let Some(run) = run {
        console.print(format_args!(
            "catalogue import {run} of {}: done; `lectern catalogue undo {run}` takes it back",
            name_of(&args.file)
        ));
    }
    let rows = plan.rows.len() + plan.rejected.len();
    let next = match report {
        Some(report) => {
            console.notify(format_args!("rejected rows with their problems: {report}"));
            format!("correct the rejected rows there: lectern catalogue import {}", shell_word(report))
        }
        None if !plan.rejected.is_empty() => {
            "correct the cells above and import again; --report FILE.xlsx writes the rejected rows to a workbook"
                .to_owned()
        }
        None if plan.has_errors() => "correct the sheets above and import again".to_owned(),
        None if rows == 0 => "the workbook has no row to import: fill it in and import it again".to_owned(),
        None if args.workbook.dry_run && plan.has_changes() => format!("lectern catalogue import {}", file(&args.file)),
        None => "lectern sync all --create-local".to_owned(),
    };
    if !plan.has_changes() && rows > 0 && plan.rejected.is_empty() {
        console.notify("the catalogue has everything as the workbook says: nothing to write");
    }
    console.notify(format_args!("next: {next}"));
}

/// Undoes an import.
pub async fn undo(context: &Context, args: &UndoArgs) -> Result<Exit> {
    let database = context.database().await?;
    let undo = undo_run(context, &database.pool, args);
    let result = context.stop.run_until_cancelled(undo).await.unwrap_or(Err(Error::Cancelled));
    database.close().await;
    result
}

async fn undo_run(context: &Context, pool: &PgPool, args: &UndoArgs) -> Result<Exit> {
    let console = &context.console;
    if !args.dry_run && !args.yes && !console.confirm(format_args!("undo catalogue import {}?", args.run)).await? {
        console.notify("nothing was undone");
        return Ok(Exit::Done);
    }
    let transaction = pool.begin().await?;
    let (undone, run) = undo_in(transaction, pool, args.run, args.dry_run).await?;
    let is_refused = !undone.refused.is_empty();
    for refused in &undone.refused {
        console.notify(format_args!("not undone: {refused}"));
    }
    let counts = format!("{} removed, {} restored", undone.removed, undone.restored);
    console.print(match (undone.earlier, is_refused, args.dry_run) {
        (Some(earlier), ..) => format!("catalogue import {} is undone already, by run {earlier}", args.run),
        (None, true, _) => format!("catalogue import {} stays: nothing was undone", args.run),
        (None, false, true) => format!("would be undone: {counts}"),
        (None, false, false) => format!("catalogue import {} is undone: {counts}", args.run),
    });
    console.document(&undone.document(args.run, run, args.dry_run))?;
    Ok(if is_refused { Exit::NeedsAttention } else { Exit::Done })
}
