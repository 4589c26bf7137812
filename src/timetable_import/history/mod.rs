//! Imports as they were kept. `lectern import show`: an import as it was kept, and how far its events have come since.

pub mod store;

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use super::problems::ImportProblem;
use super::report;
use crate::app::Context;
use crate::error::{Error, Exit, Result};
use crate::outbox;
use crate::outbox::{DeliveryCounts, DeliveryState, SubjectStatus};

/// A kept import.
#[derive(Debug, Serialize)]
struct StoredImport {
    run_id: i64,
    /// Its document, as it was told then.
    import: Value,
    /// What became of each event, by row, with `delivery` and `error` as they are now.
    events: Vec<Value>,
    /// How far the events that it wrote have come by now.
    delivery: DeliveryCounts,
}

/// What is said of a run that is no import.
pub(super) fn no_such(run: i64) -> Error {
    Error::Usage(format!("there is no import {run}; `lectern import show` shows the last"))
}

/// Shows an import, the last where none is named.
pub(super) async fn show(context: &Context, run: Option<i64>) -> Result<Exit> {
    let database = context.database().await?;
    let kept = read(&database.pool, run).await;
    database.close().await;
    let kept = kept?;
    tell(context, &kept);
    context.console.document(&kept)?;
    Ok(Exit::Done)
}

async fn read(pool: &PgPool, run: Option<i64>) -> Result<StoredImport> {
    let mut db = pool.acquire().await?;
    let Some((run_id, import, mut events)) = store::stored_run(&mut db, run).await? else {
        let none = || Error::Prerequisite("nothing was imported yet: run `lectern import FILE.xlsx` first".into());
        return Err(run.map_or_else(none, no_such));
    };
    let standings = statuses(&mut db, run_id, &events).await?;
    let standings: HashMap<&str, &SubjectStatus> =
        standings.iter().map(|known| (known.subject.as_str(), known)).collect();
    let mut delivery = DeliveryCounts::default();
    standings.values().for_each(|standing| delivery.count(standing.state));
    for fate in &mut events {
        let standing = standings.get(field(fate, "title"));
        fate["delivery"] = json!(standing.map(|standing| standing.state));
        fate["error"] = json!(standing.and_then(|standing| standing.last_error.as_deref()));
    }
    Ok(StoredImport { run_id, import, events, delivery })
}

/// How far the events that an import wrote, or went on with, have come by now.
async fn statuses(db: &mut PgConnection, run: i64, fates: &[Value]) -> Result<Vec<SubjectStatus>> {
    let written = |fate: &&Value| matches!(field(fate, "outcome"), "new" | "adopted" | "changed" | "cancelled");
    let titles: Vec<String> = fates.iter().filter(written).map(|fate| field(fate, "title").to_owned()).collect();
    outbox::statuses(db, run, &titles).await
}

/// Brings an import's kept document up to date: how far its events have come by now.
pub async fn refresh_delivery(pool: &PgPool, run: i64, document: &mut Value) -> Result<()> {
    let mut db = pool.acquire().await?;
    let Some((.., fates)) = store::stored_run(&mut db, Some(run)).await? else { return Ok(()) };
    let (mut delivery, mut open) = (DeliveryCounts::default(), Vec::new());
    for SubjectStatus { subject, state, last_error } in statuses(&mut db, run, &fates).await? {
        delivery.count(state);
        if state != DeliveryState::Delivered {
            open.push(json!({ "event": subject, "state": state, "error": last_error }));
        }
    }
    (document["delivery"], document["undelivered"]) = (json!(delivery), json!(open));
    Ok(())
}

fn field<'a>(fate: &'a Value, key: &str) -> &'a str {
    fate[key].as_str().unwrap_or_default()
}

fn tell(context: &Context, kept: &StoredImport) {
    let console = &context.console;
    console.print(format_args!("import {} of {}", kept.run_id, kept.import["file"].as_str().unwrap_or("a file")));
    for fate in &kept.events {
        let delivery = fate["delivery"].as_str().map(|state| format!(", {state}")).unwrap_or_default();
        let (outcome, title) = (field(fate, "outcome"), field(fate, "title"));
        console.print(format_args!("{outcome:9} {title} (row {}){delivery}", fate["row"]));
        for change in fate["changes"].as_array().into_iter().flatten() {
            let value = |side: &str| change[side].as_str().unwrap_or("nothing").to_owned();
            console.print(format_args!("          {}: {} → {}", field(change, "field"), value("old"), value("new")));
        }
        if let Some(error) = fate["error"].as_str().filter(|_| fate["delivery"] != json!(DeliveryState::Delivered)) {
            console.print(format_args!("        ! {error}"));
        }
    }
    let problems: Vec<ImportProblem> = serde_json::from_value(kept.import["problems"].clone()).unwrap_or_default();
    if let Some(table) = report::table(&problems) {
        console.print(table);
    }
    let DeliveryCounts { delivered, pending, failed, unknown } = kept.delivery;
    console.print(format_args!("by now: {delivered} delivered, {pending} pending, {failed} failed, {unknown} unknown"));
}
