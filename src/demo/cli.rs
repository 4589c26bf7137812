//! `lectern demo`.

use std::path::{Path, PathBuf};

use administrate_sim::RunningSimulator;
use jiff::Timestamp;

use super::folder::{DemoMarker, Folder, FolderLock};
use super::source::{DemoData, DemoSource};
use super::steps::Steps;
use super::walkthrough::DemoDocument;
use super::{database, remote, simulator, site, walkthrough};
use crate::app::Context;
use crate::console::counted;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::migrate;
use crate::timetable_import::report::Document;
use crate::workbook::file::name_of;
use crate::workbook::problems::ImportProblem;

/// Options of `lectern demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// End after the search, do not serve the site [env: LECTERN_ONCE=1]
    #[arg(long)]
    once: bool,
    /// Import this timetable; its provider is inferred from its names
    #[arg(long, value_name = "FILE")]
    workbook: Option<PathBuf>,
}

/// Runs `lectern demo`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let once = args.once || std::env::var("LECTERN_ONCE").is_ok_and(|value| !value.is_empty() && value != "0");
    let source = match DemoSource::read(args.workbook.clone(), &context.config) {
        Ok(source) => source,
        Err(problems) => return report_invalid_file(context, &args.workbook.unwrap_or_default(), problems),
    };
    let mut folder = match Folder::lock(&context.config.data_dir)? {
        FolderLock::Acquired(folder) => folder,
        FolderLock::Busy(url) => return report_running_demo(context, url, once),
    };
    database::check_folder(&folder, &source.name())?;
    let mut steps = Steps::new(&context.console, if once { 7 } else { 8 });
    let what = match context.config.database_url.is_empty() {
        true => format!("Start a private PostgreSQL in {}", context.config.data_dir.display()),
        false => "Connect to the database of DATABASE_URL".to_owned(),
    };
    let database = steps.run(what, Database::open(&context.config, &context.console)).await?;
    let result = tokio::select! {
        result = prepare_and_run(context, &mut folder, &mut steps, &database, source, once) => result,
        error = database.lost() => Err(error),
    };
    database.close().await;
    result
}

/// Reports the problems of a workbook that is not a timetable. The demo does not start.
fn report_invalid_file(context: &Context, file: &Path, problems: Vec<ImportProblem>) -> Result<Exit> {
    for problem in problems.iter().filter(|problem| problem.is_error()) {
        context.console.notify(format_args!("{}: {}", file.display(), problem.message));
    }
    let import = serde_json::to_value(Document::of_problems(name_of(file), false, problems));
    let import = import.map_err(|error| Error::Failed(error.to_string()))?;
    context.console.document(&DemoDocument { import, ..DemoDocument::default() })?;
    Ok(Exit::Failed)
}

/// Reports the demo that has locked the data folder. With `--once` this is an error.
fn report_running_demo(context: &Context, url: Option<String>, once: bool) -> Result<Exit> {
    let folder = context.config.data_dir.display();
    let Some(url) = url else {
        return Err(Error::Failed(format!("another demo is starting in {folder}: wait for it or stop it")));
    };
    let message = format!("a demo already runs in this data folder: open {url}");
    if once {
        return Err(Error::Failed(format!("{message} or stop it first")));
    }
    context.console.notify(message);
    context.console.document(&DemoDocument { url: Some(url), ..DemoDocument::default() })?;
    Ok(Exit::Done)
}

/// Migrates and fills the database, starts the simulator and runs the commands.
async fn prepare_and_run(
    context: &Context,
    folder: &mut Folder,
    steps: &mut Steps<'_>,
    database: &Database,
    source: DemoSource,
    once: bool,
) -> Result<Exit> {
    let marker = database::claim(database, folder, &source.name(), Timestamp::now()).await?;
    let options = migrate::Options { wait: migrate::LockWait::of(&context.config), ..migrate::Options::default() };
    steps.run("lectern migrate", migrate::apply_with(&database.pool, &options, &context.stop, &|_| ())).await?;
    let data = fill(folder, steps, database, source, &marker).await?;
    let demo_context = simulator::isolated_context(context, database)?;
    let tenant = remote::tenant(&data.provider, &demo_context.config.administrate.labels);
    let starting = simulator::start(folder.file("administrate.json"), tenant);
    let simulator = steps.run("Start a simulator of Administrate", starting).await?;
    steps.note(format_args!("{} (state: administrate.json)", simulator.instance_url()));
    let demo_context = simulator::with_simulator(demo_context, &simulator);
    let result = run_commands(&demo_context, folder, steps, database, &simulator, &data, once).await;
    simulator.stop().await;
    result
}

/// Runs the walkthrough and then, without `once`, serves the site until the command is stopped.
async fn run_commands(
    context: &Context,
    folder: &mut Folder,
    steps: &mut Steps<'_>,
    database: &Database,
    simulator: &RunningSimulator,
    data: &DemoData,
    once: bool,
) -> Result<Exit> {
    let mut document = DemoDocument::default();
    let exit = walkthrough::run_all(context, database, steps, data, &mut document).await?;
    if !once && exit != Exit::Failed && !context.stop.is_cancelled() {
        steps.start("lectern serve");
        site::serve(context, database, simulator, |url| {
            folder.publish_url(url)?;
            document.url = Some(url.to_owned());
            context.console.document(&document)
        })
        .await?;
        return Ok(exit);
    }
    context.console.document(&document)?;
    context.console.notify(match context.stop.is_cancelled() {
        true => "Stopped: run `lectern demo` again to resume.".to_owned(),
        false => format!("Done in {}. Run it without --once to open the site.", steps.elapsed()),
    });
    Ok(if context.stop.is_cancelled() { Exit::NeedsAttention } else { exit })
}

/// Fills the database with the provider, unless an earlier demo did.
async fn fill(
    folder: &Folder,
    steps: &mut Steps<'_>,
    database: &Database,
    source: DemoSource,
    marker: &DemoMarker,
) -> Result<DemoData> {
    let what = match &source {
        DemoSource::Sample => "Fill the database with a sample provider".to_owned(),
        DemoSource::Workbook { file, .. } => format!("Fill the database with the provider of {}", file.display()),
    };
    let data = source.prepare(folder, marker)?;
    let is_new = steps.run(what, database::fill(database, &data.provider, marker)).await?;
    let provider = &data.provider;
    let counts = [
        (provider.subjects.len(), "subject"),
        (provider.exam_sessions.len(), "exam session"),
        (provider.templates.len(), "course template"),
        (provider.locations.len(), "location"),
        (provider.venues.len(), "venue"),
        (provider.instructors.len(), "instructor"),
    ];
    let counts = counts.map(|(count, what)| counted(count, what));
    let (courses, places) = counts.split_at(3);
    steps.note(courses.join(" · "));
    steps.note(format_args!("{}{}", places.join(" · "), if is_new { "" } else { " (unchanged)" }));
    Ok(data)
}
