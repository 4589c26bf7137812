//! `lectern uninstall`.

use std::path::PathBuf;

use serde_json::json;

use crate::app::Context;
use crate::console::counted;
use crate::database::Database;
use crate::error::{Exit, Result};
use crate::migrate::LockWait;
use crate::output_file::{self, Existing};

/// Options of `lectern uninstall`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the rows that exist only there to this file first
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long, requires = "export")]
    force: bool,
}

/// Runs `lectern uninstall`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    if let Some(path) = &args.export {
        output_file::check(path, Existing::of_force(args.force))?;
    }
    let database = context.database_of_any_schema().await?;
    let result = run_in(context, &database, &args).await;
    database.close().await;
    result
}

async fn run_in(context: &Context, database: &Database, args: &Args) -> Result<Exit> {
    let question = "Remove everything that Lectern added to this database?";
    if context.console.can_prompt && !context.console.confirm(question).await? {
        context.console.notify("nothing was changed");
        return Ok(Exit::Done);
    }
    let export = args.export.as_deref().map(|path| (path, Existing::of_force(args.force)));
    let notify = |line: &str| context.console.notify(line);
    let wait = LockWait::of(&context.config);
    let removal = crate::migrate::uninstall_from(&database.pool, export, wait, &context.stop, &notify).await?;
    let Some(removal) = removal else {
        context.console.notify("the database contains nothing of Lectern's");
        context.console.document(&json!({ "uninstalled": false, "tables": [] }))?;
        return Ok(Exit::Done);
    };
    if let Some(path) = &args.export
        && removal.only_here.is_empty()
    {
        context.console.notify(format_args!("no row exists only there: {} was not written", path.display()));
    } else if let Some(path) = &args.export {
        context.console.notify(format_args!(
            "{} written to {}",
            counted(removal.only_here.len(), "table"),
            path.display()
        ));
    }
    context.console.notify(format_args!("removed: {}, triggers and functions", counted(removal.tables.len(), "table")));
    let tables: Vec<_> =
        removal.tables.iter().map(|removed| json!({ "table": removed.table, "rows": removed.rows })).collect();
    let exported = args.export.as_ref().filter(|_| !removal.only_here.is_empty());
    context.console.document(&json!({ "uninstalled": true, "tables": tables, "export": exported }))?;
    Ok(Exit::Done)
}
