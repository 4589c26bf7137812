//! Prompts for the records to create in Administrate after a run, and prints the result.

use sqlx::PgPool;

use super::{
    CreationSupport, create_records, creation_support, has_records_to_create, manual_list, not_created, store_report,
};
use crate::app::Context;
use crate::console::Console;
use crate::console::select::choose;
use crate::error::Result;
use crate::sync::entity::Entity;
use crate::sync::matching::LocalRecord;
use crate::sync::report::Report;
use crate::sync::report::findings::RecordError;
use crate::sync::report::text::display_name;
use crate::sync::run::SyncRun;

/// Which unmatched local records are created in Administrate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sync) enum Confirmation {
    /// All of them (`--create-remote`).
    All,
    /// Those that the user chooses at the terminal.
    Prompt,
    /// None; unmatched records are logged.
    None,
}

impl Confirmation {
    /// Returns what the option `--create-remote` and the terminal determine.
    pub(in crate::sync) fn of(create_remote: bool, console: &Console) -> Self {
        match create_remote {
            true => Confirmation::All,
            false if console.can_prompt => Confirmation::Prompt,
            false => Confirmation::None,
        }
    }
}

/// Creates unmatched local records of several reports in Administrate and adds the results to the reports.
pub(in crate::sync) async fn create_remote<'a>(
    context: &Context,
    pool: &PgPool,
    sync: &SyncRun,
    confirmation: Confirmation,
    reports: impl IntoIterator<Item = &'a mut Report>,
) {
    let console = &context.console;
    let mut unmatched: Vec<&mut Report> = reports.into_iter().filter(|report| has_records_to_create(report)).collect();
    if unmatched.is_empty() {
        return;
    }
    if confirmation == Confirmation::None {
        unmatched.iter().for_each(|report| log_skipped(console, report));
        return;
    }
    print_unmatched(console, &unmatched);
    for report in &mut unmatched {
        if let Err(error) = create_entity(context, pool, sync, confirmation, report).await {
            let message = format!("the creation of records in Administrate ended early: {error}");
            console.notify(format_args!("  {message}"));
            report.add_error(RecordError { external_id: None, message });
        }
    }
}

/// Creates records of one entity and stores the report with the results.
async fn create_entity(
    context: &Context,
    pool: &PgPool,
    sync: &SyncRun,
    confirmation: Confirmation,
    report: &mut Report,
) -> Result<()> {
    let console = &context.console;
    let records = report.unmatched_local.clone();
    match creation_support(context, sync, report.entity).await? {
        CreationSupport::Supported(kind) => {
            let selected = select_records(console, confirmation, report.entity, records)?;
            if selected.is_empty() {
                return Ok(());
            }
            create_records(context, pool, sync, kind, selected, report).await?;
            print_result(console, report);
            let remaining = report.not_created_in_administrate.iter();
            let remaining: Vec<_> = remaining.map(|record| LocalRecord::new(record.id, &record.name)).collect();
            if !remaining.is_empty() {
                print_manual_list(console, pool, report.entity, &remaining).await?;
            }
        }
        CreationSupport::Unsupported(reason) => {
            let entity = capitalised(report.entity.plural());
            console.notify(format_args!("{entity} cannot be created by Lectern:\n  {reason}"));
            print_manual_list(console, pool, report.entity, &records).await?;
            if confirmation == Confirmation::Prompt {
                return Ok(());
            }
            let not_created = records.into_iter().map(|record| not_created(record, reason.clone()));
            report.not_created_in_administrate.extend(not_created);
        }
    }
    store_report(pool, report).await
}

/// Returns the records to create: all, or those that the user chooses.
fn select_records(
    console: &Console,
    confirmation: Confirmation,
    entity: Entity,
    records: Vec<LocalRecord>,
) -> Result<Vec<LocalRecord>> {
    if confirmation != Confirmation::Prompt {
        return Ok(records);
    }
    console.notify(format_args!("{}:", capitalised(entity.plural())));
    let lines: Vec<String> = records.iter().map(manual_list::with_suggestions).collect();
    let positions = choose(console, "create which in Administrate?", &lines)?;
    Ok(positions.into_iter().filter_map(|at| records.get(at).cloned()).collect())
}

fn log_skipped(console: &Console, report: &Report) {
    let count = report.unmatched_local.len();
    console.notify(format_args!("missing in Administrate, skipped and logged: {}", report.entity.counted(count)));
    tracing::info!(count, entity = %report.entity, "local records without a match in Administrate were skipped");
}

fn print_unmatched(console: &Console, reports: &[&mut Report]) {
    console.notify("Missing in Administrate:");
    for report in reports {
        console.notify(format_args!("  {}", report.entity.counted(report.unmatched_local.len())));
    }
}

fn print_result(console: &Console, report: &Report) {
    let created = &report.created_in_administrate;
    console.notify(format_args!("{} created in Administrate", report.entity.counted(created.len())));
    for record in created.iter().filter(|record| !record.manual_steps.is_empty()) {
        console.notify(format_args!("  {}: {}", display_name(&record.name), record.manual_steps.join("; ")));
    }
    let not_created = &report.not_created_in_administrate;
    if !not_created.is_empty() {
        console.notify(format_args!("{} not created:", report.entity.counted(not_created.len())));
        for record in not_created {
            console.notify(format_args!("  {}: {}", display_name(&record.name), record.reason));
        }
    }
}

async fn print_manual_list(console: &Console, pool: &PgPool, entity: Entity, records: &[LocalRecord]) -> Result<()> {
    let lines = manual_list::lines(pool, entity, records).await?;
    console.notify("create manually in Administrate:");
    lines.iter().for_each(|line| console.notify(format_args!("  {line}")));
    Ok(())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
