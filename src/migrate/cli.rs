//! `lectern migrate`.

use serde_json::json;

use super::{State, Step};
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
            let pending: Vec<Step> = before.into_iter().filter(|step| step.state == State::Pending).collect();
            if sql {
                pending.iter().for_each(|step| context.console.print(&step.sql));
            }
            pending
        }
        MigrateCommand::Status => before,
        MigrateCommand::Apply => {
            crate::migrate::apply(&database.pool).await?;
            crate::migrate::steps(&database.pool).await?
        }
    };
    report(context, &steps)
}

fn report(context: &Context, steps: &[Step]) -> Result<Exit> {
    let pending = steps.iter().filter(|step| step.state == State::Pending).count();
    for step in steps {
        let state = if step.state == State::Done { "done" } else { "pending" };
        context.console.notify(format_args!("  {state:8} {}", step.name));
    }
    context.console.notify(match pending {
        0 => "the database schema is up to date".to_owned(),
        n => format!("{} pending: run `lectern migrate`", counted(n, "step")),
    });
    context.console.document(&json!({ "steps": steps, "pending": pending, "conflicts": 0 }))?;
    Ok(Exit::Done)
}
