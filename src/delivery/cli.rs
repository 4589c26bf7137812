//! `lectern outbox`: remote writes that are not delivered, and what can be done about them.

use std::sync::Arc;

use administrate::Id;
use indicatif::ProgressBar;
use serde_json::json;

use super::drain::drain_all;
use super::resolve::{OutboxResolution, resolve};
use super::{DeliveryOutcome, DeliveryWorker, DrainReport, Notice, drain, duplicates};
use crate::app::Context;
use crate::console;
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
    /// Show what is not delivered (the default)
    List {
        /// Also what is
        #[arg(long)]
        all: bool,
    },
    /// Deliver what is due
    Run,
    /// Deliver at once what waits or failed: all of it, or these
    Retry {
        /// Ids as `lectern outbox` shows them
        ids: Vec<i64>,
    },
    /// Decide about an event of which Administrate cannot tell whether it was created
    Resolve {
        /// Its id as `lectern outbox` shows it
        id: i64,
        #[command(flatten)]
        decision: DecisionArgs,
    },
}

#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
struct DecisionArgs {
    /// It is this event there
    #[arg(long, value_name = "EXTERNAL_ID")]
    delivered: Option<String>,
    /// It is not there: create it
    #[arg(long)]
    recreate: bool,
}

/// Carries out `lectern outbox`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let database = context.database().await?;
    let ended = act(context, &database, args.action.unwrap_or(OutboxCommand::List { all: false })).await;
    database.close().await;
    ended
}

async fn act(context: &Context, database: &Database, action: OutboxCommand) -> Result<Exit> {
    let all = matches!(action, OutboxCommand::List { all: true });
    let drained = match action {
        OutboxCommand::List { .. } => DrainReport::default(),
        OutboxCommand::Run => deliver(context, database, "outbox run", None).await?,
        OutboxCommand::Retry { ids } => {
            let known = outbox::list(&database.pool, true).await?;
            if let Some(unknown) = ids.iter().find(|id| known.iter().all(|item| item.id != **id)) {
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
    let seen =
        drained.outcomes.iter().flat_map(|outcome| outcome.remarks.iter().map(|remark| (&outcome.subject, remark)));
    seen.clone().for_each(|(event, remark)| context.console.say(format_args!("{event}: {remark}")));
    let needs_a_person = seen.map(|(_, remark)| remark).any(Notice::needs_a_person);
    let items = outbox::list(&database.pool, all).await?;
    context.console.print(table(&items));
    context.console.document(&json!({ "items": items }))?;
    let waits = items.iter().any(|item| item.state != DeliveryState::Delivered);
    Ok(if waits || needs_a_person { Exit::NeedsAttention } else { Exit::Done })
}

/// Delivers what is due, of `run` alone if one is named, with a bar on a terminal.
///
/// Errors: [`Error::Prerequisite`] where Administrate is not named; what happened to single events is in the result.
pub async fn deliver(context: &Context, database: &Database, command: &str, run: Option<i64>) -> Result<DrainReport> {
    let due = outbox::count_by_state(&database.pool, run).await?.pending;
    if due == 0 {
        return Ok(DrainReport::default());
    }
    let client = connect(&context.config, &database.pool, command, AuditMode::On).await?;
    let worker = Arc::new(DeliveryWorker::new(&database.pool, client, &context.config).await?);
    let bar = context.console.progress("events delivered", due.unsigned_abs());
    let drained = match run {
        Some(_) => drain(worker.clone(), run, &context.stop, progress_observer(&bar)).await,
        None => drain_all(worker.clone(), &context.stop, progress_observer(&bar)).await,
    };
    bar.finish_and_clear();
    if let Some(worker) = Arc::into_inner(worker) {
        worker.close().await?;
    }
    drained
}

/// Looks whether events that were made after a doubt stand in Administrate twice by now.
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

/// What moves a bar on: every event that is not to be tried again.
pub fn progress_observer(bar: &ProgressBar) -> impl Fn(&DeliveryOutcome) + Send + Sync + 'static + use<> {
    let bar = bar.clone();
    move |outcome| {
        if outcome.state != DeliveryState::Pending {
            // Some were asked for a further step alone, which no plan counts.
            if bar.length().is_some_and(|length| bar.position() >= length) {
                bar.inc_length(1);
            }
            bar.inc(1);
        }
    }
}

fn table(items: &[OutboxItem]) -> String {
    if items.is_empty() {
        return "everything has reached Administrate".to_owned();
    }
    let mut table = console::table(["Id", "What", "Subject", "State", "Tries", "Why, and when it is tried again"]);
    for item in items {
        let state = match item.state {
            DeliveryState::Pending => "pending",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Failed => "failed",
            DeliveryState::Unknown => "unknown",
        };
        let why = [item.last_error.clone(), item.next_attempt_at.as_ref().map(|at| format!("again at {at}"))];
        let why = why.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let row = [
            item.id.to_string(),
            item.effect.clone(),
            item.subject.clone(),
            state.to_owned(),
            item.attempts.to_string(),
            why,
        ];
        table.add_row(row);
    }
    table.to_string()
}
