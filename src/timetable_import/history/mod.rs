//! Stored imports: the document of a past import with the current delivery state of its events.

pub mod cli;
pub mod store;

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::error::{Error, Result};
use crate::outbox;
use crate::outbox::{DeliveryCounts, DeliveryState, SubjectStatus};

/// A stored import.
#[derive(Debug, Serialize)]
struct StoredImport {
    run_id: i64,
    /// The document as the import returned it.
    import: Value,
    /// The outcome of each block, by row, with the current `delivery` and `error` of its event.
    events: Vec<Value>,
    /// The written events by current delivery state.
    delivery: DeliveryCounts,
}

/// Returns the error for a run that is not an import.
pub(super) fn unknown_import(run: i64) -> Error {
    Error::Usage(format!("there is no import {run}; `lectern import show` shows the last"))
}

/// Reads an import; without `run` the last one.
async fn read(pool: &PgPool, run: Option<i64>) -> Result<StoredImport> {
    let mut db = pool.acquire().await?;
    let Some((run_id, import, mut events)) = store::stored_run(&mut db, run).await? else {
        let no_import = || Error::Prerequisite("nothing was imported yet: run `lectern import FILE.xlsx` first".into());
        return Err(run.map_or_else(no_import, unknown_import));
    };
    let statuses = statuses(&mut db, run_id, &events).await?;
    let statuses: HashMap<&str, &SubjectStatus> =
        statuses.iter().map(|status| (status.subject.as_str(), status)).collect();
    let mut delivery = DeliveryCounts::default();
    statuses.values().for_each(|status| delivery.count(status.state));
    for event in &mut events {
        let status = statuses.get(field(event, "title"));
        event["delivery"] = json!(status.map(|status| status.state));
        event["error"] = json!(status.and_then(|status| status.last_error.as_deref()));
    }
    Ok(StoredImport { run_id, import, events, delivery })
}

/// Returns the current delivery states of the events that an import wrote or continued to deliver.
async fn statuses(db: &mut PgConnection, run: i64, events: &[Value]) -> Result<Vec<SubjectStatus>> {
    let is_written = |event: &&Value| matches!(field(event, "outcome"), "new" | "adopted" | "changed" | "cancelled");
    let titles: Vec<String> = events.iter().filter(is_written).map(|event| field(event, "title").to_owned()).collect();
    outbox::statuses(db, run, &titles).await
}

/// Updates the document of a stored import with the current delivery states of its events.
pub async fn refresh_delivery(pool: &PgPool, run: i64, document: &mut Value) -> Result<()> {
    let mut db = pool.acquire().await?;
    let Some((.., events)) = store::stored_run(&mut db, Some(run)).await? else { return Ok(()) };
    let (mut delivery, mut open) = (DeliveryCounts::default(), Vec::new());
    for SubjectStatus { subject, state, last_error } in statuses(&mut db, run, &events).await? {
        delivery.count(state);
        if state != DeliveryState::Delivered {
            open.push(json!({ "event": subject, "state": state, "error": last_error }));
        }
    }
    (document["delivery"], document["undelivered"]) = (json!(delivery), json!(open));
    Ok(())
}

/// Returns a text field of a JSON object; "" if it is missing.
fn field<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}
