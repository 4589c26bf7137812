//! `lectern sync`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::json;

use super::conflicts::Winner;
use super::conflicts::cli;
use super::create_remote::{Confirmation, create_remote};
use super::entity::Entity;
use super::matching::LocalRecord;
use super::options::{PruneLimit, SyncOptions};
use super::overrides;
use super::plan::plan_file;
use super::report::{Report, Summary};
use super::report::{text, xlsx};
use super::run::{ProgressEvent, SyncRun};
use super::undo;
use crate::app::Context;
use crate::bridges::overrides::{MatchOverride, OverrideKind};
use crate::console::Console;
use crate::console::select;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::sync::plan::plan_file::PlanFile;
use crate::{output_file, runs};

/// Options of `lectern sync`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<SyncCommand>,
    /// custom-fields, price-levels, locations, venues, instructors, course-templates, course-template-price-levels, events, or all
    #[arg(value_name = "ENTITY", required = true)]
    target: Option<Target>,
    /// Show what would be done and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete the links of records that Administrate no longer has, up to a fifth of an entity
    #[arg(long)]
    prune: bool,
    /// Prune up to this many percent of an entity
    #[arg(long, value_name = "PERCENT", requires = "prune", value_parser = clap::value_parser!(u8).range(0..=100))]
    prune_limit: Option<u8>,
    /// Write only what concerns these records, by Administrate's id
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Make records of ours of Administrate's unmatched ones, all or those of --only
    #[arg(long, conflicts_with_all = ["plan", "plan_out"])]
    create_local: bool,
    /// Choose at the terminal which changes are applied
    #[arg(long, conflicts_with_all = ["only", "dry_run", "plan", "plan_out"])]
    pick: bool,
    /// Write what does not agree into a workbook
    #[arg(long, value_name = "FILE.xlsx")]
    report: Option<PathBuf>,
    /// Keep every exchange with Administrate in this folder for a support case: without secrets and addresses, but with names
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Create in Administrate what of ours it does not have, without asking
    #[arg(long, conflicts_with_all = ["dry_run", "plan_out", "plan"])]
    create_remote: bool,
    /// all: go on after an entity that failed
    #[arg(long)]
    skip_errors: bool,
    /// Save the plan in a file and write nothing else
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    plan_out: Option<PathBuf>,
    /// Apply exactly the plan saved in a file; refused where either side has changed since
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "prune"])]
    plan: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum SyncCommand {
    /// Decide that two records are the same, whatever their names say
    Link(Pair),
    /// Decide that two records are not the same, whatever their names say
    Unlink(Pair),
    /// Leave records out of matching and reports
    Ignore(Pair),
    /// Decide whose value of an event holds that both sides have changed
    Decide {
        /// events, which alone have such values
        entity: Entity,
        /// Our event: its id or its code
        event: String,
        /// The value as the report of `lectern sync events` calls it, e.g. "max places" or day-2-time
        field: String,
        /// ours is written over Administrate's, theirs is taken over
        #[arg(value_enum)]
        wins: Winner,
    },
    /// Take back what a run wrote, unless rows have changed since
    Undo {
        /// The run's id, as in `lectern sync runs`
        run: i64,
        /// Tell what would be taken back
        #[arg(long)]
        dry_run: bool,
    },
    /// Show what a run reported and changed
    Show {
        /// The run's id
        run: i64,
    },
    /// List the runs that were kept, the latest first
    Runs {
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: i64,
    },
}

/// A record of ours and one of Administrate's.
#[derive(Debug, clap::Args)]
struct Pair {
    /// Which entity
    entity: Entity,
    /// Ours: its id, or its name or code; to ignore theirs alone: -
    local: String,
    /// Administrate's id; to ignore ours alone: -
    external: String,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    All,
    One(Entity),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_lowercase().as_str() {
            "all" => Ok(Target::All),
            _ => Entity::from_str(text).map(Target::One).map_err(|error| format!("{error}, all")),
        }
    }
}

impl Target {
    fn command(self) -> String {
        match self {
            Target::All => "sync all".into(),
            Target::One(entity) => format!("sync {entity}"),
        }
    }
}

/// Carries out `lectern sync`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let database = context.database().await?;
    let ended = act(context, &database, args).await;
    database.close().await;
    ended
}

async fn act(context: &Context, database: &Database, mut args: Args) -> Result<Exit> {
    let console = &context.console;
    match (args.action.take(), args.target) {
        (Some(SyncCommand::Link(pair)), _) => save_override(console, database, OverrideKind::Link, pair).await,
        (Some(SyncCommand::Unlink(pair)), _) => save_override(console, database, OverrideKind::Unlink, pair).await,
        (Some(SyncCommand::Ignore(pair)), _) => save_override(console, database, OverrideKind::Ignore, pair).await,
        (Some(SyncCommand::Decide { entity, event, field, wins }), _) => {
            cli::resolve_command(context, &database.pool, entity, &event, &field, wins).await
        }
        (Some(SyncCommand::Undo { run, dry_run }), _) => {
            let report = undo::undo(&database.pool, run, dry_run).await?;
            report.plan.iter().flatten().for_each(|planned| console.print(format_args!("  {planned}")));
            show_one(console, &report);
            console.document(&report)?;
            Ok(report.exit())
        }
        (Some(SyncCommand::Show { run }), _) => show_run(console, database, run).await,
        (Some(SyncCommand::Runs { limit }), _) => list_runs(console, database, limit).await,
        (None, Some(target)) => sync(context, database, target, &args).await,
        (None, None) => Err(Error::Usage("name what to synchronise, e.g. `lectern sync all`".into())),
    }
}

async fn sync(context: &Context, database: &Database, target: Target, args: &Args) -> Result<Exit> {
    let mut options = args.options()?;
    if args.skip_errors && matches!(target, Target::One(_)) {
        return Err(Error::Usage(
            "--skip-errors is for `lectern sync all`: one entity has nothing to go on with".into(),
        ));
    }
    if options.create_local && matches!(target, Target::One(Entity::Events)) {
        return Err(Error::Usage("events of ours come from a timetable: bring them with `lectern import`".into()));
    }
    for file in args.report.iter().chain(&args.plan_out) {
        output_file::check(file)?;
    }
    let (console, pool, decider) = (&context.console, &database.pool, args.decider(&context.console));
    if args.pick
        && let Some(ended) = pick(context, database, target, &mut options).await?
    {
        return Ok(ended);
    }
    let mut sync = open_recording(context, database, &target.command(), options, args.record.clone()).await?;
    match target {
        Target::One(entity) => {
            let mut report = sync.entity(entity).await;
            show_one(console, &report);
            text::closing([&report], args.dry_run).into_iter().for_each(|lines| console.say(lines));
            cli::prompt_conflicts(context, pool, sync.client(), &mut report).await?;
            create_remote(context, pool, &sync, decider, [&mut report]).await;
            write_files(console, args, &[&report], &sync)?;
            console.document(&report)?;
            Ok(report.exit())
        }
        Target::All => {
            let mut summary = sync.all().await;
            show_all(console, &summary);
            text::closing(summary.attempted(), args.dry_run).into_iter().for_each(|lines| console.say(lines));
            create_remote(context, pool, &sync, decider, summary.attempted_mut()).await;
            write_files(console, args, &summary.attempted().collect::<Vec<_>>(), &sync)?;
            console.document(&summary)?;
            Ok(summary.exit())
        }
    }
}

async fn save_override(console: &Console, database: &Database, kind: OverrideKind, pair: Pair) -> Result<Exit> {
    let mut db = database.pool.acquire().await?;
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| text != "-" && !text.is_empty());
    let local = match given(&pair.local) {
        Some(wanted) => Some(overrides::find_local(&mut db, pair.entity, &wanted).await?),
        None => None,
    };
    let external = given(&pair.external);
    let complete = if kind == OverrideKind::Ignore {
        local.is_some() || external.is_some()
    } else {
        local.is_some() && external.is_some()
    };
    if !complete {
        return Err(Error::Usage(format!(
            "to {} takes a record of both sides; only ignore takes - for one",
            kind.name()
        )));
    }
    let local_id = local.as_ref().map(|named| named.id);
    let entry = MatchOverride { entity: pair.entity.name(), kind, local: local_id, external };
    overrides::save_override(&mut db, pair.entity, &entry).await?;
    let name = local.as_ref().map_or("-", |named| named.name.as_str());
    let external = entry.external.as_deref().unwrap_or("-");
    console.say(format_args!("{} {} {name} {external}: saved, later syncs respect it", kind.name(), pair.entity));
    console.document(&json!({
        "entity": pair.entity,
        "decision": kind.name(),
        "local": local.map(|named| LocalRecord::new(named.id, named.name)),
        "external_id": entry.external,
    }))?;
    Ok(Exit::Done)
}

/// Writes what was asked for besides the document: the report and the plans.
fn write_files(console: &Console, args: &Args, reports: &[&Report], sync: &SyncRun) -> Result<()> {
    if let Some(path) = &args.report {
        xlsx::write(path, reports)?;
        console.say(format_args!("the report is in {}", path.display()));
    }
    if let Some(path) = &args.plan_out {
        let SyncOptions { only, prune, .. } = args.options()?;
        PlanFile::new(only, prune, sync.planned().clone()).write(path)?;
        console.say(format_args!("the plan is in {}: apply it with --plan", path.display()));
    }
    Ok(())
}

/// Lets a person choose among the changes of one entity; tells how it ends where nothing was chosen.
async fn pick(
    context: &Context,
    database: &Database,
    target: Target,
    options: &mut SyncOptions,
) -> Result<Option<Exit>> {
    let console = &context.console;
    let Target::One(entity) = target else {
        return Err(Error::Usage("--pick takes one entity, not all".into()));
    };
    if !console.may_ask {
        return Err(Error::Usage("--pick asks at a terminal; elsewhere name the records with --only".into()));
    }
    let rehearsal = SyncOptions { dry_run: true, ..options.clone() };
    let mut sync = open(context, database, &target.command(), rehearsal).await?;
    let report = sync.entity(entity).await;
    let changes = sync.planned().get(&entity).map(plan_file::changes).unwrap_or_default();
    if report.failed() || changes.is_empty() {
        show_one(console, &report);
        return Ok(Some(report.exit()));
    }
    let names: Vec<String> = changes.iter().map(|(id, name)| format!("{name} ({id})")).collect();
    let chosen = select::choose(console, "apply which of these changes?", &names)?;
    options.only = chosen.into_iter().filter_map(|at| changes.get(at)).map(|(id, _)| id.clone()).collect();
    Ok(options.only.is_empty().then_some(Exit::Done))
}

async fn show_run(console: &Console, database: &Database, run: i64) -> Result<Exit> {
    let mut db = database.pool.acquire().await?;
    let kept = runs::find(&mut db, "sync", run).await?;
    let kept =
        kept.ok_or_else(|| Error::Usage(format!("there is no sync run {run}; `lectern sync runs` lists them")))?;
    console.print(text::runs(std::slice::from_ref(&kept.run)));
    if let Some(journal) = &kept.journal {
        let entity: Entity = kept.run.subject.parse().map_err(Error::Failed)?;
        console.print(undo::describe(entity, journal.clone())?);
    }
    console.document(&kept)?;
    Ok(Exit::Done)
}

async fn list_runs(console: &Console, database: &Database, limit: i64) -> Result<Exit> {
    let mut db = database.pool.acquire().await?;
    let runs = runs::latest(&mut db, "sync", limit).await?;
    console.print(text::runs(&runs));
    console.document(&json!({ "runs": runs }))?;
    Ok(Exit::Done)
}

/// A run with this program's settings that says on the console what it does.
pub async fn open(context: &Context, database: &Database, command: &str, options: SyncOptions) -> Result<SyncRun> {
    open_recording(context, database, command, options, None).await
}

/// Likewise; every exchange is kept in the folder `record`, where one is named.
async fn open_recording(
    context: &Context,
    database: &Database,
    command: &str,
    options: SyncOptions,
    record: Option<PathBuf>,
) -> Result<SyncRun> {
    let console = context.console.clone();
    let sync = SyncRun::open_recording(&database.pool, &context.config, command, options, record, context.stop.clone())
        .await?;
    Ok(sync.on_progress(move |progress| match progress {
        ProgressEvent::Starts(entity) => console.say(format_args!("  {} …", entity.plural())),
        ProgressEvent::Planned(plan) if console.verbose => console.print(format_args!("{plan:#}")),
        ProgressEvent::Planned(plan) => console.print(plan),
    }))
}

impl Args {
    fn decider(&self, console: &Console) -> Confirmation {
        match self.create_remote {
            true => Confirmation::All,
            false if console.may_ask => Confirmation::Person,
            false => Confirmation::Nobody,
        }
    }

    fn options(&self) -> Result<SyncOptions> {
        let limit = self.prune_limit.map_or_else(PruneLimit::default, PruneLimit);
        if self.skip_errors && !matches!(self.target, Some(Target::All)) {
            return Err(Error::Usage("--skip-errors goes on to the next entity: it is for `lectern sync all`".into()));
        }
        let only: BTreeSet<String> = self.only.iter().map(|id| id.trim().to_owned()).collect();
        if only.contains("") {
            return Err(Error::Usage("--only names an empty id; leave it out for everything".into()));
        }
        let asked = SyncOptions {
            dry_run: self.dry_run || self.plan_out.is_some(),
            only,
            prune: self.prune.then_some(limit),
            create_local: self.create_local,
            skip_errors: self.skip_errors,
            exactly: None,
        };
        let Some(path) = &self.plan else { return Ok(asked) };
        let PlanFile { only, prune, plans, .. } = PlanFile::read(path)?;
        Ok(SyncOptions { only, prune, exactly: Some(plans), ..asked })
    }
}

pub(super) fn show_one(console: &Console, report: &Report) {
    console.print(text::counts([report]));
    tell_findings(console, report);
    report.failure().for_each(|why| console.say(format_args!("lectern: {why}")));
}

fn show_all(console: &Console, summary: &Summary) {
    console.print(text::counts(summary.attempted()));
    for report in summary.attempted() {
        tell_findings(console, report);
        report.failure().for_each(|why| console.say(format_args!("lectern: {}: {why}", report.entity.plural())));
    }
    console.say(summary.line());
}

/// What a person should know.
fn tell_findings(console: &Console, report: &Report) {
    console.print_whole(text::findings(report, console.verbose));
}
