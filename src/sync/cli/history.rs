//! `lectern sync show` and `lectern sync runs`.

use serde_json::json;

use crate::console::Console;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::runs;
use crate::sync::entity::Entity;
use crate::sync::report::text;
use crate::sync::undo;

/// Prints one stored run and its changes.
pub(super) async fn show_run(console: &Console, database: &Database, run: i64) -> Result<Exit> {
    let mut db = database.pool.acquire().await?;
    let stored = runs::find(&mut db, runs::RunKind::Sync, run).await?;
    let stored =
        stored.ok_or_else(|| Error::Usage(format!("run {run} is not a sync: `lectern sync runs` lists the runs")))?;
    console.print(text::runs(std::slice::from_ref(&stored.run)));
    if let Some(journal) = &stored.journal {
        let entity: Entity = stored.run.subject.parse().map_err(Error::Failed)?;
        console.print(undo::describe(entity, journal.clone())?);
    }
    console.document(&stored)?;
    Ok(Exit::Done)
}

/// Prints the latest stored runs.
pub(super) async fn list_runs(console: &Console, database: &Database, limit: i64) -> Result<Exit> {
    let mut db = database.pool.acquire().await?;
    let runs = runs::latest(&mut db, runs::RunKind::Sync, limit).await?;
    console.print(text::runs(&runs));
    console.document(&json!({ "runs": runs }))?;
    Ok(Exit::Done)
}
