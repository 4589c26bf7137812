//! `lectern import`.

use std::path::PathBuf;

use clap::Subcommand;
use indicatif::ProgressBar;
use serde_json::json;

use crate::app::Context;
use crate::console::style::{Tone, paint_if};
use crate::console::{Console, counted};
use crate::database::Database;
use crate::delivery::DeliveryOutcome;
use crate::error::{Error, Exit, Result};
use crate::outbox::{self, DeliveryStep};
use crate::output_file::Existing;
use crate::text::shell_word;

use super::corrections::SheetCorrections;
use super::layout::LAYOUT;
use super::options::{DeliveryMode, ImportOptions};
use super::plan::ImportPlan;
use super::report::{self, Document};
use super::run;
use super::run::{ImportRequest, LoadedTimetable};
use super::{history, mapping, publish, sheet, undo};
use crate::workbook::file::{check_report, name_of};
use crate::workbook::options::WorkbookOptions;
use crate::workbook::problem_table::{PlaceColumns, table};
use crate::workbook::problems::{Code, ImportProblem};

/// Import a timetable workbook and deliver it to Administrate
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<ImportCommand>,
    /// Workbook to import: xlsx, xls, ods or csv (its first sheet)
    #[arg(required = true)]
    file: Option<PathBuf>,
    #[command(flatten)]
    workbook: WorkbookOptions,
    /// Choose when to deliver to Administrate
    #[arg(long, value_enum, default_value = "wait", value_name = "WHEN")]
    deliver: DeliveryMode,
    /// Approve instructors in Administrate instead of rejecting events
    #[arg(long)]
    approve_instructors: bool,
    /// Create local records for names known only in Administrate
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    create_missing: Vec<Missing>,
    /// Overwrite values changed in Administrate since the last import
    #[arg(long = "ours")]
    overwrite_remote: bool,
    /// Publish the events and their sessions in Administrate
    #[arg(long)]
    publish: bool,
    /// Delete extra draft sessions that a course template created
    #[arg(long)]
    delete_drafts: bool,
}

/// The kinds of records that an import creates locally if they are known only in Administrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Missing {
    /// Account, staff record and instructor for a contact of the same name
    Instructors,
}

#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// Write an empty workbook with drop-down lists of local records
    Template {
        /// Path of the new workbook
        file: PathBuf,
        /// Replace the workbook if it exists
        #[arg(long)]
        force: bool,
    },
    /// Retry deliveries of an import that are not completed
    Retry {
        /// Run of the import; all imports if omitted
        run: Option<i64>,
    },
    /// Publish the events of an import and their sessions
    Publish {
        /// Run of the import, as `lectern import show` prints it
        run: i64,
    },
    /// Undo an import on both sides unless places have been sold
    Undo {
        /// Run of the import, as `lectern import show` prints it
        run: i64,
        /// Show what would be undone; write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Choose the products of events that the catalogue names differently
    Products(mapping::cli::ProductsArgs),
    /// List the latest imports with their counts and states
    List {
        /// Number of imports to list
        #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Show a stored import with the outcome of each event
    Show {
        /// Run of the import; the last one if omitted
        run: Option<i64>,
    },
}

/// Runs `lectern import`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    match (args.action, args.file) {
        (Some(ImportCommand::Products(args)), _) => mapping::cli::run(context, args).await,
        (Some(ImportCommand::Template { file, force }), _) => {
            sheet::cli::template(context, &file, Existing::of_force(force)).await
        }
        (Some(ImportCommand::Retry { run }), _) => retry(context, run).await,
        (Some(ImportCommand::Publish { run }), _) => publish(context, run).await,
        (Some(ImportCommand::Undo { run, dry_run }), _) => undo(context, run, dry_run).await,
        (Some(ImportCommand::List { limit }), _) => history::cli::list(context, limit).await,
        (Some(ImportCommand::Show { run }), _) => history::cli::show(context, run).await,
        (None, Some(file)) => {
            let options = ImportOptions {
                dry_run: args.workbook.dry_run,
                deliver: args.deliver,
                publish: args.publish,
                delete_drafts: args.delete_drafts,
                overwrite_remote: args.overwrite_remote,
                approve_instructors: args.approve_instructors,
                create_instructors: args.create_missing.contains(&Missing::Instructors),
            };
            let (existing, is_confirmed) = (args.workbook.existing(), args.workbook.yes);
            let request = ImportRequest { file, options, report: args.workbook.report, existing, run: None };
            import(context, &request, is_confirmed).await
        }
        (None, None) => Err(Error::Usage("name the workbook to import".into())),
    }
}

async fn import(context: &Context, request: &ImportRequest, is_confirmed: bool) -> Result<Exit> {
    if let Some(report) = &request.report {
        check_report(report, &request.file, request.existing)?;
    }
    let loaded = match run::load_valid(&request.file, &context.config, SheetCorrections::default()) {
        Ok(loaded) => loaded,
        Err(problems) => return reject_file(context, request, problems),
    };
    let database = context.database().await?;
    let exit = import_loaded(context, &database, &loaded, (request, is_confirmed)).await;
    database.close().await;
    exit
}

/// Reports the problems of a file that cannot be imported at all.
fn reject_file(context: &Context, request: &ImportRequest, problems: Vec<ImportProblem>) -> Result<Exit> {
    let file = request.file.display();
    let missing = problems.iter().filter(|problem| problem.code == Code::MissingHeader);
    if missing.clone().count() == LAYOUT.iter().filter(|column| column.required).count() {
        // No header was found at all: one line is clearer than a line for each column.
        let sheet = missing.clone().find_map(|problem| problem.sheet.as_deref()).unwrap_or_default();
        context.console.notify(format_args!(
            "{file}: the first sheet, \"{sheet}\", has no header row: make the timetable the first sheet, with a row \
             \"Course template code\", \"Event title\" and so on (`lectern import template FILE.xlsx` writes one)"
        ));
    } else {
        for problem in problems.iter().filter(|problem| problem.is_error()) {
            context.console.notify(format_args!("{file}: {}", problem.message));
        }
    }
    let document = Document::of_problems(name_of(&request.file), request.options.dry_run, problems);
    context.console.document(&document)?;
    Ok(Exit::Failed)
}

async fn import_loaded(
    context: &Context,
    database: &Database,
    loaded: &LoadedTimetable,
    (request, is_confirmed_before): (&ImportRequest, bool),
) -> Result<Exit> {
    let console = &context.console;
    let bar = console.progress("to Administrate", 0);
    let mut is_confirmed = true;
    let confirm = |plan: &ImportPlan| {
        is_confirmed = confirm_plan(console, (request, is_confirmed_before), &bar, plan);
        is_confirmed
    };
    let on_delivered = crate::delivery::cli::progress_observer(&bar);
    let inputs = (loaded, request);
    let result = run::import(&database.pool, &context.config, inputs, &context.stop, confirm, on_delivered).await;
    bar.finish_and_clear();
    let mut result = result?;
    if result.document.stopped && result.document.run_id.is_none() {
        console.notify(result.document.progress());
    } else if !is_confirmed {
        console.notify("nothing was written");
        return Ok(Exit::Done);
    }
    offer_deletion(context, database, &mut result.document).await?;
    match request.options.dry_run {
        // The plan has shown the other notices.
        true => print_notices(console, result.document.notices.iter().filter(|notice| !notice.needs_attention)),
        false => print_result(console, request, &result.document),
    }
    if let Some(report) = &result.document.report {
        console.notify(format_args!("rejected rows with their problems: {report}"));
    }
    result.document.add_next_steps();
    for step in &result.document.next_steps {
        console.notify(format_args!("next: {step}"));
    }
    if request.options.dry_run && result.exit == Exit::Done && result.document.first_event.is_some() {
        console.notify(format_args!("next: lectern import {}", shell_word(&request.file.display().to_string())));
    }
    console.document(&result.document)?;
    Ok(result.exit)
}

/// Prints a plan with its problems. Returns whether to execute it: the answer of the user, or true without a question.
fn confirm_plan(
    console: &Console,
    (request, is_confirmed): (&ImportRequest, bool),
    bar: &ProgressBar,
    plan: &ImportPlan,
) -> bool {
    console.print_text(plan);
    if let Some(table) = table(&plan.problems, PlaceColumns::CellAndEvent) {
        console.print(table);
    }
    console.print(plan.summary());
    if request.options.dry_run {
        return true;
    }
    let written = plan.items.iter().filter(|item| item.event.is_some()).count();
    let has_question = console.can_prompt && !is_confirmed && (written > 0 || !plan.approvals.is_empty());
    let is_confirmed =
        !has_question || console.prompt_yes_no_blocking("execute this plan locally and in Administrate?");
    if is_confirmed {
        console.set_total(bar, written as u64);
    }
    is_confirmed
}

/// Prints the result of an executed import: counts, undelivered events, new problems, notices and what to do next.
fn print_result(console: &Console, request: &ImportRequest, document: &Document) {
    if document.stopped {
        console.notify(document.progress());
    }
    if document.run_id.is_some() {
        let delivery = &document.delivery;
        console.print(document.outcome());
        console.print(format_args!(
            "delivery to Administrate: {}, {} pending, {}, {}",
            paint_if(delivery.delivered > 0, Tone::Good, format!("{} delivered", delivery.delivered)),
            delivery.pending,
            paint_if(delivery.failed > 0, Tone::Bad, format!("{} failed", delivery.failed)),
            paint_if(delivery.unknown > 0, Tone::Warning, format!("{} unknown", delivery.unknown)),
        ));
    }
    document.undelivered_lines().iter().for_each(|line| console.notify(line));
    if request.options.approve_instructors {
        // Administrate can refuse an approval after the problems of the plan were printed.
        for problem in document.problems.iter().filter(|problem| problem.code == Code::NotApprovedInstructor) {
            console.notify(format_args!("{}: {}", problem.event.as_deref().unwrap_or_default(), problem.message));
        }
    }
    print_notices(console, document.notices.iter());
}

fn print_notices<'a>(console: &Console, notices: impl Iterator<Item = &'a report::EventNotice>) {
    notices.for_each(|notice| console.notify(format_args!("{}: {}", notice.event, notice.message)));
}

fn print_failures(console: &Console, outcomes: &[DeliveryOutcome]) {
    for outcome in outcomes {
        if let Some(reason) = &outcome.reason {
            console.notify(format_args!("{}: {reason}", outcome.subject));
        }
    }
}

/// Asks whether to delete the extra draft sessions that course templates created, and deletes them after a yes.
async fn offer_deletion(context: &Context, database: &Database, document: &mut Document) -> Result<()> {
    let extra = document.problems.iter().filter(|problem| problem.code == Code::ExtraSession);
    let events: Vec<String> = extra.filter_map(|problem| problem.event.clone()).collect();
    let Some(run) = document.run_id.filter(|_| !events.is_empty()) else { return Ok(()) };
    let question = format!("delete the extra draft sessions of {} in Administrate?", counted(events.len(), "event"));
    if !context.console.prompt_yes_no(question).await {
        return Ok(());
    }
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    outbox::requeue_with_step(&database.pool, run, &events, DeliveryStep::DeleteDrafts).await?;
    crate::delivery::cli::deliver(context, database, "import", Some(run)).await?;
    document.delivery = outbox::count_by_state(&database.pool, Some(run)).await?;
    document.problems.retain(|problem| problem.code != Code::ExtraSession);
    Ok(())
}

async fn retry(context: &Context, run: Option<i64>) -> Result<Exit> {
    let database = context.database().await?;
    let exit = retry_on(context, &database, run).await;
    database.close().await;
    exit
}

async fn retry_on(context: &Context, database: &Database, run: Option<i64>) -> Result<Exit> {
    let pool = &database.pool;
    if let Some(run) = run
        && !history::store::is_import(&mut *pool.acquire().await?, run).await?
    {
        return Err(history::unknown_import(run));
    }
    let mut ids: Vec<i64> = outbox::undelivered(pool, run).await?.into_iter().map(|item| item.id).collect();
    let retried = outbox::retry_now(pool, None, run).await?;
    crate::delivery::cli::deliver(context, database, "import retry", run).await?;
    crate::delivery::cli::report_duplicates(context, database, "import retry", run).await?;
    let open = outbox::undelivered(pool, run).await?;
    ids.extend(open.iter().map(|item| item.id));
    context.console.print(format_args!("{retried} retried, {} not delivered yet", open.len()));
    let undelivered: Vec<report::Undelivered> = open.into_iter().map(report::Undelivered::from).collect();
    report::undelivered_lines(&undelivered).iter().for_each(|line| context.console.notify(line));
    // With a run: all events of the import; otherwise: the events that were not delivered before.
    let counts = match run {
        Some(run) => outbox::count_by_state(pool, Some(run)).await?,
        None => outbox::count_of(pool, &ids).await?,
    };
    context.console.document(&json!({ "retried": retried, "delivery": counts, "undelivered": undelivered }))?;
    Ok(if counts.is_open() { Exit::NeedsAttention } else { Exit::Done })
}

async fn publish(context: &Context, run: i64) -> Result<Exit> {
    let database = context.database().await?;
    let exit = publish_on(context, &database, run).await;
    database.close().await;
    exit
}

async fn publish_on(context: &Context, database: &Database, run: i64) -> Result<Exit> {
    let console = &context.console;
    let (mut result, lock) = publish::request(&database.pool, run, true).await?;
    console.print(format_args!(
        "import {run}: {} to publish, {} published already or cancelled",
        counted(result.requested.len(), "event"),
        result.unaffected
    ));
    if let Some(publishing) = result.run_id {
        let drained = crate::delivery::cli::deliver(context, database, "import publish", Some(publishing)).await;
        publish::finish(&database.pool, &mut result).await?;
        print_failures(console, &drained?.outcomes);
    }
    if let Some(lock) = lock {
        lock.release().await?;
    }
    console.document(&result)?;
    Ok(result.exit())
}

async fn undo(context: &Context, run: i64, dry_run: bool) -> Result<Exit> {
    let database = context.database().await?;
    let exit = undo_on(context, &database, run, dry_run).await;
    database.close().await;
    exit
}

async fn undo_on(context: &Context, database: &Database, run: i64, dry_run: bool) -> Result<Exit> {
    let console = &context.console;
    let mut undo = undo::plan(&database.pool, run).await?;
    console.print(&undo);
    let is_possible = !dry_run && undo.refused.is_empty();
    if is_possible && console.confirm("undo this import locally and in Administrate?").await? {
        let bar = console.progress("undone", (undo.removed.len() + undo.restored.len()) as u64);
        let on_delivered = crate::delivery::cli::progress_observer(&bar);
        let (pool, config) = (&database.pool, &context.config);
        let outcomes = undo::execute(pool, config, &mut undo, None, &context.stop, on_delivered).await;
        bar.finish_and_clear();
        outcomes?;
        console.print(undo.outcome());
        for refused in &undo.refused {
            console.notify(format_args!("not undone: {}: {}", refused.event, refused.message));
        }
        if let Some(run) = undo.run_id.filter(|_| undo.delivery.is_open()) {
            console.notify(format_args!(
                "next: lectern outbox shows what is not delivered; run {run} retries with `lectern outbox retry`"
            ));
        }
    }
    console.document(&undo)?;
    Ok(undo.exit())
}
