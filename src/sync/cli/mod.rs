//! `lectern sync`: the arguments and the dispatch to the subcommands.

mod history;
mod output;
mod overrides;
mod synchronise;

use std::path::PathBuf;
use std::str::FromStr;

pub(super) use self::output::print_report;
pub use self::synchronise::open;
use super::conflicts::{Winner, cli as conflicts};
use super::entity::Entity;
use super::overrides::MatchDecision;
use crate::app::Context;
use crate::bridges::overrides::OverrideKind;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::names::nearest;

/// Options of `lectern sync`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = ENTITIES)]
pub struct Args {
    #[command(subcommand)]
    action: Option<SyncCommand>,
    /// Synchronise this entity, or all entities except events
    #[arg(value_name = "ENTITY", required = true)]
    target: Option<Target>,
    /// Show what would change and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete links to records missing in Administrate, at most 20 percent
    #[arg(long)]
    prune: bool,
    /// Set the limit of --prune, in percent of the links of an entity
    #[arg(long, value_name = "PERCENT", requires = "prune", value_parser = clap::value_parser!(u8).range(0..=100))]
    prune_limit: Option<u8>,
    /// Apply only changes of these records, by their ids in Administrate
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Create local records for unmatched ones, all or those of --only
    #[arg(long, conflicts_with_all = ["plan", "plan_out"])]
    create_local: bool,
    /// Choose at the terminal which changes are applied
    #[arg(long, conflicts_with_all = ["only", "dry_run", "plan", "plan_out"])]
    pick: bool,
    /// Write the findings of the report to a workbook
    #[arg(long, value_name = "FILE.xlsx")]
    report: Option<PathBuf>,
    /// Record exchanges for support: names, but no secrets or addresses
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Replace existing files of --report, --plan-out and --record
    #[arg(long)]
    force: bool,
    /// Create unmatched local records in Administrate without asking
    #[arg(long, conflicts_with_all = ["plan_out", "plan"])]
    create_remote: bool,
    /// Continue with the next entity after one has failed (only with all)
    #[arg(long)]
    skip_errors: bool,
    /// Save the plan to a file and write nothing else
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    plan_out: Option<PathBuf>,
    /// Apply a saved plan; refused if either side has changed since
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "prune"])]
    plan: Option<PathBuf>,
}

const ENTITIES: &str = "\
Entities, in the order of all:
  custom-fields, price-levels, locations, venues, instructors,
  course-templates, course-template-price-levels
Not part of all:
  events";

#[derive(Debug, clap::Subcommand)]
enum SyncCommand {
    /// Link two records in every sync, whatever their names are
    Link(RecordPair),
    /// Never link two records, whatever their names are
    Unlink(RecordPair),
    /// Leave records out of matching and reports
    Ignore(RecordPair),
    /// Match ignored records again
    Unignore(RecordPair),
    /// List ignored records
    Ignored {
        /// List only records of this entity
        entity: Option<Entity>,
    },
    /// Resolve a conflict: keep the local or the remote value
    Decide {
        /// Name the entity: only events have conflicts
        entity: Entity,
        /// Name the local event by its id or its code
        event: String,
        /// Name the value as in the report, e.g. "max places", day-2-time
        field: String,
        /// Keep ours|theirs: the local value or Administrate's
        #[arg(value_enum)]
        wins: Winner,
    },
    /// Undo what a run wrote, unless rows have changed since
    Undo {
        /// Name the run by its id, as listed by `lectern sync runs`
        run: i64,
        /// Undo later runs that depend on it too, the latest first
        #[arg(long)]
        cascade: bool,
        /// Show what would be undone and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Show what a run reported and changed
    Show {
        /// Name the run by its id, as listed by `lectern sync runs`
        run: i64,
    },
    /// List the stored runs, the latest first
    Runs {
        /// List at most this many runs
        #[arg(long, default_value_t = 20)]
        limit: i64,
    },
}

/// A local record and a record in Administrate.
#[derive(Debug, clap::Args)]
struct RecordPair {
    /// Name the entity of both records
    entity: Entity,
    /// Name the local record by id, name or code (ignore, unignore: - for none)
    local: String,
    /// Name the record in Administrate by its id (ignore, unignore: - for none)
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
            word => Entity::from_str(text).map(Target::One).map_err(|error| match similar_command(word) {
                Some(command) => format!("did you mean `lectern sync {command}`?"),
                None => format!("{error}, all"),
            }),
        }
    }
}

/// Returns the subcommand, or `all`, that a word resembles more than any entity.
fn similar_command(word: &str) -> Option<String> {
    let commands = ["all", "link", "unlink", "ignore", "unignore", "ignored", "decide", "undo", "show", "runs"];
    let known = commands.into_iter().chain(Entity::each().map(Entity::name));
    nearest(word, known).into_iter().next().filter(|similar| commands.contains(&similar.as_str()))
}

impl Target {
    /// Returns the command as it is named in the audit log.
    fn command(self) -> String {
        match self {
            Target::All => "sync all".into(),
            Target::One(entity) => format!("sync {entity}"),
        }
    }
}

/// Runs `lectern sync`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    if let (None, Some(target)) = (&args.action, args.target) {
        synchronise::check_usage(&context.console, target, &args)?;
    }
    args.check_files()?;
    let database = context.database().await?;
    let exit = dispatch(context, &database, args).await;
    database.close().await;
    exit
}

async fn dispatch(context: &Context, database: &Database, mut args: Args) -> Result<Exit> {
    let console = &context.console;
    match (args.action.take(), args.target) {
        (Some(SyncCommand::Link(pair)), _) => {
            overrides::save(console, database, MatchDecision::Save(OverrideKind::Link), pair).await
        }
        (Some(SyncCommand::Unlink(pair)), _) => {
            overrides::save(console, database, MatchDecision::Save(OverrideKind::Unlink), pair).await
        }
        (Some(SyncCommand::Ignore(pair)), _) => {
            overrides::save(console, database, MatchDecision::Save(OverrideKind::Ignore), pair).await
        }
        (Some(SyncCommand::Unignore(pair)), _) => {
            overrides::save(console, database, MatchDecision::StopIgnoring, pair).await
        }
        (Some(SyncCommand::Ignored { entity }), _) => overrides::list_ignored(console, database, entity).await,
        (Some(SyncCommand::Decide { entity, event, field, wins }), _) => {
            conflicts::resolve_command(context, &database.pool, entity, &event, &field, wins).await
        }
        (Some(SyncCommand::Undo { run, cascade, dry_run }), _) => {
            history::undo_run(context, database, run, cascade, dry_run).await
        }
        (Some(SyncCommand::Show { run }), _) => history::show_run(console, database, run).await,
        (Some(SyncCommand::Runs { limit }), _) => history::list_runs(console, database, limit).await,
        (None, Some(target)) => synchronise::synchronise(context, database, target, &args).await,
        (None, None) => Err(Error::Usage("name the entity to synchronise, e.g. `lectern sync all`".into())),
    }
}
