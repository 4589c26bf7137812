//! `lectern demo`.

use std::path::{Path, PathBuf};

use administrate_sim::RunningSimulator;
use jiff::Timestamp;

use super::folder::{DemoMarker, Folder, FolderLock};
use super::source::{DemoSource, Ready};
use super::steps::Steps;
use super::walkthrough::DemoDocument;
use super::{database, remote, simulator, site, walkthrough};
use crate::app::Context;
use crate::console::counted;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::migrate;
use crate::timetable_import::problems::ImportProblem;
use crate::timetable_import::report::Document;
use crate::timetable_import::run;

/// Options of `lectern demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// End after the search instead of serving the site [env: LECTERN_ONCE=1]
    #[arg(long)]
    once: bool,
    /// Rehearse with this timetable: a provider is thought up from what it names
    #[arg(long, value_name = "FILE")]
    workbook: Option<PathBuf>,
}

/// Carries out `lectern demo`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let once = args.once || std::env::var("LECTERN_ONCE").is_ok_and(|value| !value.is_empty() && value != "0");
    let chosen = match DemoSource::read(args.workbook.clone(), &context.config) {
        Ok(chosen) => chosen,
        Err(problems) => return no_timetable(context, &args.workbook.unwrap_or_default(), problems),
    };
    let mut folder = match Folder::hold(&context.config.data_dir)? {
        FolderLock::Ours(folder) => folder,
        FolderLock::Elsewhere(url) => return elsewhere(context, url, once),
    };
    database::refuse_another(&folder, &chosen.name())?;
    let mut steps = Steps::new(&context.console, if once { 7 } else { 8 });
    let place = match context.config.database_url.is_empty() {
        true => format!("Starting a PostgreSQL of our own in {}", context.config.data_dir.display()),
        false => "Reaching the database that DATABASE_URL names".to_owned(),
    };
    let database = steps.take(place, Database::open(&context.config)).await?;
    let ended = show(context, &mut folder, &mut steps, &database, chosen, once).await;
    database.close().await;
    ended
}

/// A file of which nothing can be made: what the import says of it, and nothing is begun.
fn no_timetable(context: &Context, file: &Path, problems: Vec<ImportProblem>) -> Result<Exit> {
    for problem in problems.iter().filter(|problem| problem.is_error()) {
        context.console.say(format_args!("{}: {}", file.display(), problem.message));
    }
    let import = serde_json::to_value(Document::of_problems(run::name_of(file), false, problems));
    let import = import.map_err(|error| Error::Failed(error.to_string()))?;
    context.console.document(&DemoDocument { import, ..DemoDocument::default() })?;
    Ok(Exit::Failed)
}

/// Somebody who only wants to see a demo is sent to the one that runs; one that was to run to its end did not.
fn elsewhere(context: &Context, url: Option<String>, once: bool) -> Result<Exit> {
    let folder = context.config.data_dir.display();
    let Some(url) = url else {
        return Err(Error::Failed(format!("a demo is just being prepared in {folder}: wait for it, or stop it")));
    };
    let said = format!("a demo of this data folder runs already: look at {url}");
    if once {
        return Err(Error::Failed(format!("{said}, or stop it first")));
    }
    context.console.say(said);
    context.console.document(&DemoDocument { url: Some(url), ..DemoDocument::default() })?;
    Ok(Exit::Done)
}

async fn show(
    context: &Context,
    folder: &mut Folder,
    steps: &mut Steps<'_>,
    database: &Database,
    chosen: DemoSource,
    once: bool,
) -> Result<Exit> {
    let mark = database::claim(database, folder, &chosen.name(), Timestamp::now()).await?;
    steps.take("Bringing it to this program's schema (lectern migrate)", migrate::apply(&database.pool)).await?;
    let ready = fill(folder, steps, database, chosen, &mark).await?;
    let joined = simulator::joined(context, database)?;
    let tenant = remote::tenant(&ready.provider, &joined.config.administrate.labels);
    let starting = simulator::start(folder.file("administrate.json"), tenant);
    let simulator = steps.take("Starting a simulator of Administrate on this machine", starting).await?;
    steps.remark(format_args!("at {}, its state in {}", simulator.instance_url(), "administrate.json"));
    let joined = simulator::pointed_at(joined, &simulator);
    let ended = work(&joined, folder, steps, (database, &simulator), &ready, once).await;
    simulator.stop().await;
    ended
}

async fn work(
    context: &Context,
    folder: &mut Folder,
    steps: &mut Steps<'_>,
    (database, simulator): (&Database, &RunningSimulator),
    ready: &Ready,
    once: bool,
) -> Result<Exit> {
    let mut told = DemoDocument::default();
    let exit = walkthrough::all(context, database, steps, ready, &mut told).await?;
    if !once && exit != Exit::Failed && !context.stop.is_cancelled() {
        steps.next("Serving the site");
        site::serve(context, database, simulator, |url| {
            folder.say_where(url)?;
            told.url = Some(url.to_owned());
            context.console.document(&told)
        })
        .await?;
        return Ok(exit);
    }
    context.console.document(&told)?;
    context.console.say(match context.stop.is_cancelled() {
        true => "Ended early: run `lectern demo` again and it goes on from here.".to_owned(),
        false => format!("All of it took {}. Without --once it goes on to show the site.", steps.elapsed()),
    });
    Ok(if context.stop.is_cancelled() { Exit::NeedsAttention } else { exit })
}

async fn fill(
    folder: &Folder,
    steps: &mut Steps<'_>,
    database: &Database,
    chosen: DemoSource,
    mark: &DemoMarker,
) -> Result<Ready> {
    let what = match &chosen {
        DemoSource::Invented => "Filling in a made-up training provider".to_owned(),
        DemoSource::Rehearsal { file, .. } => format!("Filling in the training provider of {}", file.display()),
    };
    let ready = chosen.ready(folder, mark)?;
    let filled = steps.take(what, database::fill(database, &ready.provider, mark)).await?;
    let provider = &ready.provider;
    let counts = [
        (provider.subjects.len(), "subject"),
        (provider.exam_sessions.len(), "exam session"),
        (provider.templates.len(), "course template"),
        (provider.locations.len(), "location"),
        (provider.venues.len(), "venue"),
        (provider.instructors.len(), "instructor"),
    ];
    let counts = counts.map(|(count, what)| counted(count, what));
    let (taught, places) = counts.split_at(3);
    steps.remark(format_args!("{},", taught.join(", ")));
    steps.remark(format_args!("{}{}", places.join(", "), if filled { "" } else { " (here already)" }));
    Ok(ready)
}
