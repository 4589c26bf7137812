//! `lectern sync`.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::entity::Entity;
use super::prices::Preference;
use super::report::{Report, Summary};
use super::run::{Options, Progress, PruneLimit, Sync};
use super::table;
use crate::cli::Context;
use crate::console::Console;
use crate::db::Database;
use crate::error::{Exit, Result};
use crate::tenant::{self, Audit};

/// Options of `lectern sync`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// custom-fields, price-levels, locations, venues, instructors, course-templates, course-template-price-levels, or all
    #[arg(value_name = "ENTITY")]
    target: Target,
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
    /// all: go on after an entity that failed
    #[arg(long)]
    skip_errors: bool,
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
    let ended = sync(context, &database, args).await;
    database.close().await;
    ended
}

async fn sync(context: &Context, database: &Database, args: Args) -> Result<Exit> {
    let target = args.target;
    let mut sync = open(context, database, &target.command(), args.options()).await?;
    match target {
        Target::One(entity) => {
            let report = sync.entity(entity).await;
            tell_one(&context.console, &report)?;
            Ok(report.exit())
        }
        Target::All => {
            let summary = sync.all().await;
            tell_all(&context.console, &summary)?;
            Ok(summary.exit())
        }
    }
}

/// A run with this program's settings that says on the console what it does.
pub async fn open(context: &Context, database: &Database, command: &str, options: Options) -> Result<Sync> {
    let config = &context.config;
    let audit = if options.dry_run { Audit::NotKept } else { Audit::Kept };
    let client = tenant::connect(config, &database.pool, command, audit).await?;
    let preference =
        Preference { currency: config.administrate.currency.clone(), region: config.administrate.region.clone() };
    let console = context.console.clone();
    let sync = Sync::new(database.pool.clone(), client, preference, options, context.stop.clone());
    Ok(sync.telling(move |progress| match progress {
        Progress::Starts(entity) => console.say(format_args!("  {} …", entity.plural())),
        Progress::Planned(plan) => console.print(plan),
    }))
}

impl Args {
    fn options(&self) -> Options {
        let limit = self.prune_limit.map_or_else(PruneLimit::default, PruneLimit);
        let only: BTreeSet<String> =
            self.only.iter().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
        Options { dry_run: self.dry_run, only, prune: self.prune.then_some(limit), skip_errors: self.skip_errors }
    }
}

fn tell_one(console: &Console, report: &Report) -> Result<()> {
    console.print(table::counts([report]));
    tell_findings(console, report);
    console.document(report)
}

fn tell_all(console: &Console, summary: &Summary) -> Result<()> {
    console.print(table::counts(summary.tried()));
    summary.tried().for_each(|report| tell_findings(console, report));
    console.say(summary.line());
    console.document(summary)
}

/// What a person should know. Nothing can be created in Administrate yet, so whoever is asked at the end is given the
/// list to create by hand (FR-003).
fn tell_findings(console: &Console, report: &Report) {
    let findings = table::findings(report);
    if !findings.is_empty() {
        console.print(findings.trim_end());
    }
    if report.unmatched_local.is_empty() || report.dry_run {
        return;
    }
    let (count, plural) = (report.unmatched_local.len(), report.entity.plural());
    if console.may_ask {
        console.say(format_args!("create these {count} {plural} in Administrate by hand, then run the sync again"));
    } else {
        console.say(format_args!("{count} unmatched {plural} skipped and logged"));
        tracing::info!(count, entity = %report.entity, "records of ours without a match in Administrate were skipped");
    }
}
