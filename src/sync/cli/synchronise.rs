//! `lectern sync ENTITY` and `lectern sync all`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::output::{print_report, print_summary};
use super::{Args, Target};
use crate::app::Context;
use crate::console::{Console, select};
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::gateway::recording;
use crate::output_file::{self, Existing};
use crate::runs;
use crate::sync::conflicts::cli::prompt_conflicts;
use crate::sync::create_remote::cli::{Confirmation, create_remote};
use crate::sync::create_remote::plan_creations;
use crate::sync::entity::Entity;
use crate::sync::options::{PruneLimit, SyncOptions};
use crate::sync::plan::plan_file::{self, PlanFile, PlanSource};
use crate::sync::report::{Report, text, xlsx};
use crate::sync::run::{ProgressEvent, SyncRun};
use crate::tutorials;

/// Checks the options. The caller has not opened the database yet.
pub(super) fn check_usage(console: &Console, target: Target, args: &Args) -> Result<()> {
    let options = args.options_of_command_line()?;
    if options.create_local && matches!(target, Target::One(Entity::Events)) {
        return Err(Error::Usage("local events come from a timetable: create them with `lectern import`".into()));
    }
    match target {
        Target::All if args.pick => Err(Error::Usage("--pick needs one entity, not all".into())),
        Target::One(_) if args.pick && !console.can_prompt => {
            Err(Error::Usage("--pick needs a terminal: without one, name the records with --only".into()))
        }
        _ => Ok(()),
    }
}

/// Runs the sync, prints its report and, at a terminal, prompts for conflicts and for records to create.
pub(super) async fn synchronise(context: &Context, database: &Database, target: Target, args: &Args) -> Result<Exit> {
    let source = plan_source(context, database, target).await?;
    let mut options = args.options(&source)?;
    let (console, pool) = (&context.console, &database.pool);
    let confirmation = Confirmation::of(args.create_remote, console);
    if args.pick
        && let Some(exit) = pick(context, database, target, &mut options).await?
    {
        return Ok(exit);
    }
    let mut sync = open_recording(context, database, &target.command(), options, args.record.clone()).await?;
    match target {
        Target::One(entity) => {
            let mut report = sync.sync_entity(entity).await;
            if args.dry_run && args.create_remote {
                plan_creations(context, pool, &sync, [&mut report]).await;
            }
            print_report(console, &report);
            text::closing([&report], args.dry_run).into_iter().for_each(|lines| console.notify(lines));
            prompt_conflicts(context, pool, sync.client(), &mut report).await?;
            create_remote(context, pool, &sync, confirmation, [&mut report]).await;
            write_files(console, args, &[&report], &sync, source)?;
            console.document(&report)?;
            Ok(report.exit())
        }
        Target::All => {
            let mut summary = sync.sync_all().await;
            if args.dry_run && args.create_remote {
                plan_creations(context, pool, &sync, summary.attempted_mut()).await;
            }
            print_summary(console, &summary);
            text::closing(summary.attempted(), args.dry_run).into_iter().for_each(|lines| console.notify(lines));
            create_remote(context, pool, &sync, confirmation, summary.attempted_mut()).await;
            if summary.exit() == Exit::Done && !args.dry_run {
                let steps = tutorials::store::first_steps(&mut *pool.acquire().await?).await?;
                steps.next().into_iter().for_each(|next| console.notify(format_args!("next: {next}")));
            }
            write_files(console, args, &summary.attempted().collect::<Vec<_>>(), &sync, source)?;
            console.document(&summary)?;
            Ok(summary.exit())
        }
    }
}

/// Returns what a plan of this command is made of.
async fn plan_source(context: &Context, database: &Database, target: Target) -> Result<PlanSource> {
    let entity = match target {
        Target::All => None,
        Target::One(entity) => Some(entity),
    };
    // The settings refuse an address with a password.
    let administrate = context.config.administrate.api_url.trim_end_matches('/').to_owned();
    let identity = runs::database_identity(&mut *database.pool.acquire().await?).await?;
    Ok(PlanSource { entity, administrate, database: identity })
}

/// Writes the files of `--report` and `--plan-out`.
fn write_files(console: &Console, args: &Args, reports: &[&Report], sync: &SyncRun, source: PlanSource) -> Result<()> {
    if let Some(path) = &args.report {
        xlsx::write(path, reports, Existing::of_force(args.force))?;
        console.notify(format_args!("report written to {}", path.display()));
    }
    if let Some(path) = &args.plan_out {
        let SyncOptions { only, prune, .. } = args.options(&source)?;
        let target = source.entity.map_or("all", Entity::name);
        PlanFile::new(source, only, prune, sync.planned().clone()).write(path, Existing::of_force(args.force))?;
        console.notify(format_args!(
            "plan written to {0}: apply it with `lectern sync {target} --plan {0}`",
            path.display()
        ));
    }
    Ok(())
}

/// Lets the user choose among the changes of one entity and restricts the options to them.
///
/// Returns the exit code where nothing is left to apply.
async fn pick(
    context: &Context,
    database: &Database,
    target: Target,
    options: &mut SyncOptions,
) -> Result<Option<Exit>> {
    let console = &context.console;
    let Target::One(entity) = target else { return Ok(None) };
    let dry_run = SyncOptions { dry_run: true, ..options.clone() };
    let mut sync = open(context, database, &target.command(), dry_run).await?;
    let report = sync.sync_entity(entity).await;
    let changes = sync.planned().get(&entity).map(plan_file::changes).unwrap_or_default();
    if report.failed() || changes.is_empty() {
        print_report(console, &report);
        return Ok(Some(report.exit()));
    }
    let chosen = select::choose(console, "apply which of these changes?", &labels(&changes))?;
    options.only = chosen.into_iter().filter_map(|at| changes.get(at)).map(|(id, _)| id.clone()).collect();
    if options.only.is_empty() {
        console.notify("nothing was chosen, so nothing was changed");
        return Ok(Some(Exit::Done));
    }
    Ok(None)
}

/// Labels changes, given as (external id, name), by name; the id follows a name that several of them have.
fn labels(changes: &[(String, String)]) -> Vec<String> {
    let label = |(id, name): &(String, String)| match changes.iter().filter(|(_, other)| other == name).count() {
        1 => name.clone(),
        _ => format!("{name} ({id})"),
    };
    changes.iter().map(label).collect()
}

/// Opens a run with the program's settings that prints its progress.
pub async fn open(context: &Context, database: &Database, command: &str, options: SyncOptions) -> Result<SyncRun> {
    open_recording(context, database, command, options, None).await
}

/// Opens a run as [`open`] does and records every exchange with Administrate in the folder `record`, if there is one.
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
    Ok(sync.on_progress(move |event| match event {
        ProgressEvent::Starts(entity) => console.notify(format_args!("  {} …", entity.plural())),
        ProgressEvent::Planned(plan) if console.verbose => console.print(format_args!("{plan:#}")),
        ProgressEvent::Planned(plan) => console.print(plan),
    }))
}

impl Args {
    /// Checks before the work that the files of `--report`, `--plan-out` and `--record` can be written.
    pub(super) fn check_files(&self) -> Result<()> {
        let existing = Existing::of_force(self.force);
        let (report, plan) = (self.report.as_deref(), self.plan_out.as_deref());
        if report.is_some() && report == plan {
            return Err(Error::Usage("--report and --plan-out name the same file: choose another name".into()));
        }
        if let Some(folder) = &self.record {
            output_file::refuse_existing(&recording::file_in(folder), existing)?;
        }
        report.into_iter().chain(plan).try_for_each(|file| output_file::check(file, existing))
    }

    /// Returns the options, with the changes of the plan file if one is named.
    fn options(&self, source: &PlanSource) -> Result<SyncOptions> {
        let options = self.options_of_command_line()?;
        let Some(path) = &self.plan else { return Ok(options) };
        let file = PlanFile::read(path)?;
        file.check(path, source)?;
        let PlanFile { only, prune, plans, .. } = file;
        Ok(SyncOptions { only, prune, exactly: Some(plans), ..options })
    }

    fn options_of_command_line(&self) -> Result<SyncOptions> {
        let limit = self.prune_limit.map_or_else(PruneLimit::default, PruneLimit);
        if self.skip_errors && !matches!(self.target, Some(Target::All)) {
            return Err(Error::Usage("--skip-errors works only with `lectern sync all`: leave it out".into()));
        }
        let only: BTreeSet<String> = self.only.iter().map(|id| id.trim().to_owned()).collect();
        if only.contains("") {
            return Err(Error::Usage("--only contains an empty id: leave --only out to apply all changes".into()));
        }
        Ok(SyncOptions {
            dry_run: self.dry_run || self.plan_out.is_some(),
            only,
            prune: self.prune.then_some(limit),
            create_local: self.create_local,
            skip_errors: self.skip_errors,
            exactly: None,
            chosen: BTreeSet::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_contains_the_id_only_of_a_repeated_name() {
        let changes = [("A", "Leeds"), ("B", "London"), ("C", "Leeds")];
        let changes = changes.map(|(id, name)| (id.to_owned(), name.to_owned()));
        assert_eq!(labels(&changes), ["Leeds (A)", "London", "Leeds (C)"]);
    }
}
