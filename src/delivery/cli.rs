//! `lectern outbox`: lists, retries and resolves undelivered outbox items.

use std::sync::Arc;

use administrate::Id;
use indicatif::ProgressBar;
use serde_json::json;

use super::drain::drain_all;
use super::resolve::{OutboxResolution, resolve};
use super::{DeliveryOutcome, DeliveryWorker, DrainReport, Notice, drain, duplicates};
use crate::app::Context;
use crate::console;
use crate::console::style::{Tone, paint};
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::gateway::{AuditMode, connect};
use crate::outbox::{self, DeliveryState, OutboxItem};

/// Options of `lectern outbox`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<OutboxCommand>,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum OutboxCommand {
    /// List undelivered items (default)
    List {
        /// Include delivered items
        #[arg(long)]
        all: bool,
    },
    /// Deliver due items
    Run,
    /// Retry pending and failed items now: all, or only these
    Retry {
        /// Item ids, as listed by `lectern outbox`
        ids: Vec<i64>,
    },
    /// Resolve an item whose outcome in Administrate is unknown
    Resolve {
        /// Item id, as listed by `lectern outbox`
        id: i64,
        #[command(flatten)]
        decision: DecisionArgs,
    },
}

#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
struct DecisionArgs {
    /// Link this record in Administrate
    #[arg(long, value_name = "EXTERNAL_ID")]
    delivered: Option<String>,
    /// Create it: it does not exist in Administrate
    #[arg(long)]
    recreate: bool,
}

pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let database = context.database().await?;
    let result = act(context, &database, args.action.unwrap_or(OutboxCommand::List { all: false })).await;
    database.close().await;
    result
}

async fn act(context: &Context, database: &Database, action: OutboxCommand) -> Result<Exit> {
    let all = matches!(action, OutboxCommand::List { all: true });
    let report = match action {
        OutboxCommand::List { .. } => DrainReport::default(),
        OutboxCommand::Run => deliver(context, database, "outbox run", None).await?,
        OutboxCommand::Retry { ids } => {
            if let Some(unknown) = outbox::unknown_ids(&database.pool, &ids).await?.first() {
                let what = format!("the outbox has no item {unknown}; `lectern outbox` lists them");
                return Err(Error::Usage(what));
            }
            let ids = (!ids.is_empty()).then_some(ids);
            outbox::retry_now(&database.pool, ids.as_deref(), None).await?;
            deliver(context, database, "outbox retry", None).await?
        }
        OutboxCommand::Resolve { id, decision } => {
            let decision =
                decision.delivered.map_or(OutboxResolution::Recreate, |id| OutboxResolution::Delivered(Id::new(id)));
            let client = connect(&context.config, &database.pool, "outbox resolve", AuditMode::On).await?;
            resolve(&database.pool, &client, id, &decision).await?;
            deliver(context, database, "outbox resolve", None).await?
        }
    };
    let notices =
        report.outcomes.iter().flat_map(|outcome| outcome.notices.iter().map(|notice| (&outcome.subject, notice)));
    notices.clone().for_each(|(subject, notice)| context.console.notify(format_args!("{subject}: {notice}")));
    let needs_attention = notices.map(|(_, notice)| notice).any(Notice::needs_attention);
    let items = outbox::list(&database.pool, all).await?;
    match items.is_empty() && !outbox::is_used(&database.pool).await? {
        true => {
            context.console.print("nothing has been sent to Administrate yet: an import does (`lectern import FILE`)")
        }
        false => context.console.print(table(&items)),
    }
    context.console.document(&json!({ "items": items }))?;
    let is_open = items.iter().any(|item| item.state != DeliveryState::Delivered);
    Ok(if is_open || needs_attention { Exit::NeedsAttention } else { Exit::Done })
}

/// Delivers due items, only of `run` if one is given, with a progress bar on a terminal.
///
/// # Errors
/// [`Error::Prerequisite`] where no Administrate is configured. Failures of single items are in the result.
pub async fn deliver(context: &Context, database: &Database, command: &str, run: Option<i64>) -> Result<DrainReport> {
    let due = outbox::count_by_state(&database.pool, run).await?.pending;
    if due == 0 {
        return Ok(DrainReport::default());
    }
    let client = connect(&context.config, &database.pool, command, AuditMode::On).await?;
    let worker = Arc::new(DeliveryWorker::new(&database.pool, client, &context.config).await?);
    let bar = context.console.progress("events delivered", due.unsigned_abs());
    let report = match run {
        Some(_) => drain(worker.clone(), run, &context.stop, progress_observer(&bar)).await,
        None => drain_all(worker.clone(), &context.stop, progress_observer(&bar)).await,
    };
    bar.finish_and_clear();
    if let Some(worker) = Arc::into_inner(worker) {
        worker.close().await?;
    }
    report
}

/// Looks for events that Administrate has twice, see [`duplicates`].
///
/// # Errors
/// As [`deliver`].
pub async fn report_duplicates(context: &Context, database: &Database, command: &str, run: Option<i64>) -> Result<()> {
    if duplicates::possible_duplicates(&database.pool).await?.is_empty() {
        return Ok(());
    }
    let client = connect(&context.config, &database.pool, command, AuditMode::On).await?;
    duplicates::report_duplicates(&database.pool, &client, run).await
}

/// Returns an observer that moves the bar on for every item that is not tried again.
pub fn progress_observer(bar: &ProgressBar) -> impl Fn(&DeliveryOutcome) + Send + Sync + 'static + use<> {
    let bar = bar.clone();
    move |outcome| {
        if outcome.state != DeliveryState::Pending {
            // Items of which only an additional step was requested are not in the planned number.
            if bar.length().is_some_and(|length| bar.position() >= length) {
                bar.inc_length(1);
            }
            bar.inc(1);
        }
    }
}

fn table(items: &[OutboxItem]) -> String {
    if items.is_empty() {
        return "everything has been delivered to Administrate".to_owned();
    }
    let mut table = console::table(["Id", "What", "Subject", "State", "Attempts", "Reason and next attempt"]);
    for item in items {
        let state = match item.state {
            DeliveryState::Pending => paint(Tone::Warning, "pending"),
            DeliveryState::Delivered => paint(Tone::Good, "delivered"),
            DeliveryState::Failed => paint(Tone::Bad, "failed"),
            DeliveryState::Unknown => paint(Tone::Bad, "unknown"),
        };
        let reason = [item.last_error.clone(), item.next_attempt_at.as_ref().map(|at| format!("next attempt at {at}"))];
        let reason = reason.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let row =
            [item.id.to_string(), item.effect.clone(), item.subject.clone(), state, item.attempts.to_string(), reason];
        table.add_row(row);
    }
    table.to_string()
}
