//! `lectern migrate`.

use serde_json::json;

use super::{State, Step};
use crate::app::Context;
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
    /// Show the steps that would be taken
    Plan {
        /// Print their statements
        #[arg(long)]
        sql: bool,
    },
    /// Take every pending step (the default)
    Apply,
    /// Show every step and whether it is done
    Status,
}

/// Carries out `lectern migrate`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let database = Database::open(&context.config).await?;
    let ended = act(context, &database, args.action.unwrap_or(MigrateCommand::Apply)).await;
    database.close().await;
    ended
}

async fn act(context: &Context, database: &Database, action: MigrateCommand) -> Result<Exit> {
    let before = crate::migrate::steps(&database.pool).await?;
    let shown = match action {
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
    tell(context, &shown)
}

fn tell(context: &Context, steps: &[Step]) -> Result<Exit> {
    let pending = steps.iter().filter(|step| step.state == State::Pending).count();
    for step in steps {
        let state = if step.state == State::Done { "done" } else { "pending" };
        context.console.say(format_args!("  {state:8} {}", step.name));
    }
    context.console.say(match pending {
        0 => "the database is at the schema of this program".to_owned(),
        n => format!("{n} steps are pending"),
    });
    context.console.document(&json!({ "steps": steps, "pending": pending, "conflicts": 0 }))?;
    Ok(Exit::Done)
}
