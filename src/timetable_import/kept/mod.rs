//! Imports as they were kept. `lectern import show`: an import as it was kept, and how far its events have come since.

pub mod store;

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::problems::Problem;
use super::report;
use crate::cli::Context;
use crate::error::{Error, Exit, Result};
use crate::outbox::{self, Counts, Standing, State};

/// A kept import.
#[derive(Debug, Serialize)]
struct Kept {
    run_id: i64,
    /// Its document, as it was told then.
    import: Value,
    /// What became of each event, by row, with `delivery` and `error` as they are now.
    events: Vec<Value>,
    /// How far the events that it wrote have come by now.
    delivery: Counts,
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

async fn read(pool: &PgPool, run: Option<i64>) -> Result<Kept> {
    let mut db = pool.acquire().await?;
    let Some((run_id, import, mut events)) = store::kept_run(&mut db, run).await? else {
        let none = || Error::Prerequisite("nothing was imported yet: run `lectern import FILE.xlsx` first".into());
        return Err(run.map_or_else(none, no_such));
    };
    let written = |fate: &Value| matches!(word(fate, "outcome"), "new" | "adopted" | "changed" | "cancelled");
    let titles: Vec<String> =
        events.iter().filter(|fate| written(fate)).map(|fate| word(fate, "title").to_owned()).collect();
    let standings = outbox::standings(&mut db, &titles).await?;
    let standings: HashMap<&str, &Standing> = standings.iter().map(|known| (known.subject.as_str(), known)).collect();
    let mut delivery = Counts::default();
    for fate in &mut events {
        let standing = standings.get(word(fate, "title")).filter(|_| written(fate));
        if let Some(standing) = standing {
            delivery.count(standing.state);
        }
        fate["delivery"] = json!(standing.map(|standing| standing.state));
        fate["error"] = json!(standing.and_then(|standing| standing.last_error.as_deref()));
    }
    Ok(Kept { run_id, import, events, delivery })
}

fn word<'a>(fate: &'a Value, key: &str) -> &'a str {
    fate[key].as_str().unwrap_or_default()
}

fn tell(context: &Context, kept: &Kept) {
    let console = &context.console;
    console.print(format_args!("import {} of {}", kept.run_id, kept.import["file"].as_str().unwrap_or("a file")));
    for fate in &kept.events {
        let delivery = fate["delivery"].as_str().map(|state| format!(", {state}")).unwrap_or_default();
        let (outcome, title) = (word(fate, "outcome"), word(fate, "title"));
        console.print(format_args!("{outcome:9} {title} (row {}){delivery}", fate["row"]));
        for change in fate["changes"].as_array().into_iter().flatten() {
            let value = |side: &str| change[side].as_str().unwrap_or("nothing").to_owned();
            console.print(format_args!("          {}: {} → {}", word(change, "field"), value("old"), value("new")));
        }
        if let Some(error) = fate["error"].as_str().filter(|_| fate["delivery"] != json!(State::Delivered)) {
            console.print(format_args!("        ! {error}"));
        }
    }
    let problems: Vec<Problem> = serde_json::from_value(kept.import["problems"].clone()).unwrap_or_default();
    if let Some(table) = report::table(&problems) {
        console.print(table);
    }
    let Counts { delivered, pending, failed, unknown } = kept.delivery;
    console.print(format_args!("by now: {delivered} delivered, {pending} pending, {failed} failed, {unknown} unknown"));
}
