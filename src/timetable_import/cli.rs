//! `lectern import`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use crate::app::Context;
use crate::console::counted;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::outbox::{self, DeliveryStep};

use super::layout::LAYOUT;
use super::options::{DeliveryMode, ImportOptions};
use super::problems::{Code, ImportProblem};
use super::report::{self, Document};
use super::run;
use super::run::{ImportRequest, LoadedTimetable};
use super::{history, publish, store, undo};

/// Bring a timetable workbook here and to Administrate
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<ImportCommand>,
    /// The workbook: xlsx, xls, ods or csv; its first sheet is read
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Say what would happen and what is wrong; write nothing anywhere
    #[arg(long)]
    dry_run: bool,
    /// Whether to wait until everything has reached Administrate
    #[arg(long, value_enum, default_value = "wait", value_name = "WHEN")]
    deliver: DeliveryMode,
    /// Where to write the refused blocks, each bad cell coloured and commented
    #[arg(long, value_name = "FILE.xlsx")]
    report: Option<PathBuf>,
    /// Approve instructors in Administrate who lack it for a course template, instead of refusing their events
    #[arg(long)]
    approve_instructors: bool,
    /// Create records here that the workbook names and only Administrate knows, instead of refusing their events
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    create_missing: Vec<Missing>,
    /// Write our values also over those that somebody changed in Administrate since the last import
    #[arg(long)]
    ours: bool,
    /// Publish the events and their sessions in Administrate, where they otherwise stay drafts
    #[arg(long)]
    publish: bool,
    /// Delete sessions in Administrate that a course template made beyond the timetable's, as far as they are drafts
    #[arg(long)]
    delete_drafts: bool,
}

/// What an import creates here where only Administrate knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Missing {
    /// An account, a staff record and an instructor, linked with the contact of exactly this name
    Instructors,
}

#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// Write an empty workbook with drop-downs of what is known here
    Template {
        /// Where to write it
        file: PathBuf,
    },
    /// Deliver again what an import could not deliver
    Retry {
        /// The import's run; absent: all
        run: Option<i64>,
    },
    /// Publish the events that an import took, and their sessions, in Administrate
    Publish {
        /// The import's run, as `lectern import show` tells it
        run: i64,
    },
    /// Take back what an import wrote, here and in Administrate, unless places have been sold since
    Undo {
        /// The import's run, as `lectern import show` tells it
        run: i64,
        /// Tell what would be taken back
        #[arg(long)]
        dry_run: bool,
    },
    /// Show a kept import with the fate of each event
    Show {
        /// The import's run; absent: the last
        run: Option<i64>,
    },
}

/// Carries the command out.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    match (args.action, args.file) {
        (Some(ImportCommand::Template { file }), _) => template(context, &file).await,
        (Some(ImportCommand::Retry { run }), _) => retry(context, run).await,
        (Some(ImportCommand::Publish { run }), _) => publish(context, run).await,
        (Some(ImportCommand::Undo { run, dry_run }), _) => undo(context, run, dry_run).await,
        (Some(ImportCommand::Show { run }), _) => history::show(context, run).await,
        (None, Some(file)) => {
            let options = ImportOptions {
                dry_run: args.dry_run,
                deliver: args.deliver,
                publish: args.publish,
                delete_drafts: args.delete_drafts,
                overwrite_remote: args.ours,
                approve_instructors: args.approve_instructors,
                create_instructors: args.create_missing.contains(&Missing::Instructors),
            };
            let request = ImportRequest { file, options, report: args.report, run: None };
            import(context, &request).await
        }
        (None, None) => Err(Error::Usage("name the workbook to import".into())),
    }
}

async fn import(context: &Context, request: &ImportRequest) -> Result<Exit> {
    let loaded = match run::load_valid(&request.file, &context.config) {
        Ok(loaded) => loaded,
        Err(problems) => return refuse(context, request, problems),
    };
    let database = context.database().await?;
    let ended = import_loaded(context, &database, &loaded, request).await;
    database.close().await;
    ended
}

/// A file of which nothing can be imported.
fn refuse(context: &Context, request: &ImportRequest, problems: Vec<ImportProblem>) -> Result<Exit> {
    let file = request.file.display();
    let missing = problems.iter().filter(|problem| problem.code == Code::MissingHeader);
    if missing.clone().count() == LAYOUT.iter().filter(|column| column.required).count() {
        // A line for each of them would say less.
        let sheet = missing.clone().find_map(|problem| problem.sheet.as_deref()).unwrap_or_default();
        context.console.say(format_args!(
            "{file}: the first sheet, \"{sheet}\", has no header row: put the timetable's sheet first, with a row that says \
             \"Course template code\", \"Event title\" and so on (`lectern import template FILE.xlsx` writes one)"
        ));
    } else {
        for problem in problems.iter().filter(|problem| problem.is_error()) {
            context.console.say(format_args!("{file}: {}", problem.message));
        }
    }
    let document = Document::of_problems(run::name_of(&request.file), request.options.dry_run, problems);
    context.console.document(&document)?;
    Ok(Exit::Failed)
}

async fn import_loaded(
    context: &Context,
    database: &Database,
    loaded: &LoadedTimetable,
    request: &ImportRequest,
) -> Result<Exit> {
    let (console, pool) = (&context.console, &database.pool);
    let bar = console.progress("to Administrate", 0);
    let mut wished = true;
    let planned = |plan: &super::plan::ImportPlan| {
        console.print_whole(plan);
        if let Some(table) = report::table(&plan.problems) {
            console.print(table);
        }
        console.print(plan.summary());
        let waiting = plan.items.iter().filter(|item| item.event.is_some()).count();
        let asks = console.may_ask && !request.options.dry_run && (waiting > 0 || !plan.approvals.is_empty());
        wished = !asks || console.ask_and_wait("carry this out, here and in Administrate?");
        if wished && !request.options.dry_run {
            console.set_total(&bar, waiting as u64);
        }
        wished
    };
    let told = crate::delivery::cli::progress_observer(&bar);
    let imported = run::import(pool, &context.config, (loaded, request), &context.stop, planned, told).await;
    bar.finish_and_clear();
    let mut imported = imported?;
    if !wished {
        console.say("nothing was written");
        return Ok(Exit::Done);
    }
    offer_deletion(context, database, &mut imported.document).await?;
    let document = &imported.document;
    if !request.options.dry_run {
        let counts = &document.delivery;
        console.print(format_args!(
            "import {}: {} delivered, {} pending, {} failed, {} unknown",
            document.run_id.unwrap_or_default(),
            counts.delivered,
            counts.pending,
            counts.failed,
            counts.unknown
        ));
        if document.not_written > 0 {
            let left = counted(document.not_written, "event");
            console.say(format_args!("stopped before {left} could be written: import the file again"));
        }
        for open in &document.undelivered {
            console.say(format_args!("{}: {}", open.event, open.error.as_deref().unwrap_or("not delivered yet")));
        }
    }
    if request.options.approve_instructors && !request.options.dry_run {
        // What Administrate has refused since the problems were shown.
        for problem in document.problems.iter().filter(|problem| problem.code == Code::NotApprovedInstructor) {
            console.say(format_args!("{}: {}", problem.event.as_deref().unwrap_or_default(), problem.message));
        }
    }
    for told in document.remarks.iter().filter(|_| !request.options.dry_run) {
        console.say(format_args!("{}: {}", told.event, told.message));
    }
    if let Some(report) = &document.report {
        console.say(format_args!("the refused blocks, ready to be corrected: {report}"));
    }
    console.document(document)?;
    Ok(imported.exit)
}

/// Asks whether the drafts that course templates made beyond the timetable's sessions are to be deleted, and does so.
async fn offer_deletion(context: &Context, database: &Database, document: &mut Document) -> Result<()> {
    let surplus = document.problems.iter().filter(|problem| problem.code == Code::LeftoverSession);
    let events: Vec<String> = surplus.filter_map(|problem| problem.event.clone()).collect();
    let Some(run) = document.run_id.filter(|_| !events.is_empty()) else { return Ok(()) };
    let question = format!("delete the surplus draft sessions of {} events in Administrate?", events.len());
    if !context.console.ask(question).await {
        return Ok(());
    }
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    outbox::requeue_with_step(&database.pool, run, &events, DeliveryStep::DeleteDrafts).await?;
    crate::delivery::cli::deliver(context, database, "import", Some(run)).await?;
    document.delivery = outbox::count_by_state(&database.pool, Some(run)).await?;
    document.problems.retain(|problem| problem.code != Code::LeftoverSession);
    Ok(())
}

async fn template(context: &Context, file: &Path) -> Result<Exit> {
    let database = context.database().await?;
    let zone = context.config.zone();
    let zone = zone.iana_name().unwrap_or("UTC");
    let choices = store::choices(&mut *database.pool.acquire().await?, &context.config.sittings, zone).await;
    database.close().await;
    let bytes = crate::timetable_import::sheet::template::empty(&choices?)
        .map_err(|error| Error::Failed(format!("the workbook cannot be written: {error}")))?;
    std::fs::write(file, bytes).map_err(|error| Error::io("writing", file, &error))?;
    context.console.say(format_args!("an empty timetable: {}", file.display()));
    context.console.document(&json!({ "file": file.display().to_string() }))?;
    Ok(Exit::Done)
}

async fn retry(context: &Context, run: Option<i64>) -> Result<Exit> {
    let database = context.database().await?;
    let ended = retry_on(context, &database, run).await;
    database.close().await;
    ended
}

async fn retry_on(context: &Context, database: &Database, run: Option<i64>) -> Result<Exit> {
    let pool = &database.pool;
    if let Some(run) = run
        && !history::store::is_import(&mut *pool.acquire().await?, run).await?
    {
        return Err(history::no_such(run));
    }
    let mut ids: Vec<i64> = outbox::undelivered(pool, run).await?.into_iter().map(|item| item.id).collect();
    let due = outbox::retry_now(pool, None, run).await?;
    crate::delivery::cli::deliver(context, database, "import retry", run).await?;
    crate::delivery::cli::report_duplicates(context, database, "import retry", run).await?;
    let open = outbox::undelivered(pool, run).await?;
    ids.extend(open.iter().map(|item| item.id));
    context.console.print(format_args!("{due} tried again; {} still open", open.len()));
    let undelivered: Vec<report::Undelivered> = open.into_iter().map(report::Undelivered::from).collect();
    for open in &undelivered {
        context.console.say(format_args!("{}: {}", open.event, open.error.as_deref().unwrap_or("not delivered yet")));
    }
    // Of a named import all its events; else those that were open.
    let counts = match run {
        Some(run) => outbox::count_by_state(pool, Some(run)).await?,
        None => outbox::count_of(pool, &ids).await?,
    };
    context.console.document(&json!({ "retried": due, "delivery": counts, "undelivered": undelivered }))?;
    Ok(if counts.is_open() { Exit::NeedsAttention } else { Exit::Done })
}

async fn publish(context: &Context, run: i64) -> Result<Exit> {
    let database = context.database().await?;
    let ended = publish_on(context, &database, run).await;
    database.close().await;
    ended
}

async fn publish_on(context: &Context, database: &Database, run: i64) -> Result<Exit> {
    let console = &context.console;
    let (mut published, held) = publish::request(&database.pool, run, true).await?;
    console.print(format_args!(
        "import {run}: {} to be published, {} already",
        counted(published.asked.len(), "event"),
        published.already
    ));
    if let Some(publishing) = published.run_id {
        let drained = crate::delivery::cli::deliver(context, database, "import publish", Some(publishing)).await;
        publish::finish(&database.pool, &mut published).await?;
        for outcome in drained?.outcomes.iter().filter(|outcome| outcome.reason.is_some()) {
            console.say(format_args!("{}: {}", outcome.subject, outcome.reason.as_deref().unwrap_or_default()));
        }
    }
    if let Some(held) = held {
        held.release().await?;
    }
    console.document(&published)?;
    Ok(published.exit())
}

async fn undo(context: &Context, run: i64, dry_run: bool) -> Result<Exit> {
    let database = context.database().await?;
    let ended = undo_on(context, &database, run, dry_run).await;
    database.close().await;
    ended
}

async fn undo_on(context: &Context, database: &Database, run: i64, dry_run: bool) -> Result<Exit> {
    let console = &context.console;
    let mut undone = undo::plan(&database.pool, run).await?;
    console.print(&undone);
    let is_possible = !dry_run && undone.refused.is_empty();
    if is_possible && console.confirm("take this back, here and in Administrate?").await? {
        let bar = console.progress("taken back", (undone.removed.len() + undone.restored.len()) as u64);
        let told = crate::delivery::cli::progress_observer(&bar);
        let undoing = (&mut undone, None);
        let outcomes = undo::execute(&database.pool, &context.config, undoing, &context.stop, told).await;
        bar.finish_and_clear();
        for outcome in outcomes?.iter().filter(|outcome| outcome.reason.is_some()) {
            console.say(format_args!("{}: {}", outcome.subject, outcome.reason.as_deref().unwrap_or_default()));
        }
    }
    console.document(&undone)?;
    Ok(undone.exit())
}
