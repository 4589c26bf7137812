//! `lectern migrate`.

use serde_json::json;

use super::{LockWait, State, Step};
use crate::app::Context;
use crate::console::counted;
use crate::database::Database;
use crate::error::{Exit, Result};

/// Options of `lectern migrate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<MigrateCommand>,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum MigrateCommand {
    /// Show the pending steps
    Plan {
        /// Print the SQL of each step
        #[arg(long)]
        sql: bool,
    },
    /// Apply every pending step (the default)
    Apply,
    /// Show every step and its state
    Status,
}

/// Runs `lectern migrate`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let database = context.database_of_any_schema().await?;
    let result = run_action(context, &database, args.action.unwrap_or(MigrateCommand::Apply)).await;
    database.close().await;
    result
}

async fn run_action(context: &Context, database: &Database, action: MigrateCommand) -> Result<Exit> {
    let before = crate::migrate::steps(&database.pool).await?;
    let steps = match action {
        MigrateCommand::Plan { sql } => {
            let pending: Vec<Step> = before.into_iter().filter(|step| step.state != State::Done).collect();
            if sql {
                pending.iter().for_each(|step| context.console.print(&step.sql));
            }
            pending
        }
        MigrateCommand::Status => before,
        MigrateCommand::Apply if before.iter().any(|step| step.state == State::Conflict) => before,
        MigrateCommand::Apply => {
            let notify = |line: &str| context.console.notify(line);
            crate::migrate::apply_with(&database.pool, LockWait::of(&context.config), &context.stop, notify).await?;
            crate::migrate::steps(&database.pool).await?
        }
    };
    report(context, &steps)
}

fn report(context: &Context, steps: &[Step]) -> Result<Exit> {
    let count = |state: State| steps.iter().filter(|step| step.state == state).count();
    let (pending, conflicts) = (count(State::Pending), count(State::Conflict));
    for step in steps {
        let state = match step.state {
            State::Done => "done",
            State::Pending => "pending",
            State::Conflict => "conflict",
        };
        context.console.notify(format_args!("  {state:8} {}", step.name));
        step.problems.iter().for_each(|problem| context.console.notify(format_args!("           {problem}")));
    }
    context.console.notify(match (pending, conflicts) {
        (0, 0) => "the database schema is up to date".to_owned(),
        (pending, 0) => format!("{} pending: run `lectern migrate`", counted(pending, "step")),
        (_, conflicts) => format!(
            "nothing was changed: tables stand in the way of {}: follow the lines above, then run `lectern migrate`",
            counted(conflicts, "step")
        ),
    });
    let document = json!({ "steps": steps, "pending": pending + conflicts, "conflicts": conflicts });
    context.console.document(&document)?;
    Ok(if conflicts > 0 { Exit::NeedsAttention } else { Exit::Done })
}
