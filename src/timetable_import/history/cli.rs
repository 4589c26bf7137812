//! `lectern import show`.

use serde_json::json;

use super::{StoredImport, field, read};
use crate::app::Context;
use crate::error::{Exit, Result};
use crate::outbox::{DeliveryCounts, DeliveryState};
use crate::timetable_import::problems::ImportProblem;
use crate::timetable_import::report;

/// Shows an import with the current state of its events; without `run` the last one.
pub(in crate::timetable_import) async fn show(context: &Context, run: Option<i64>) -> Result<Exit> {
    let database = context.database().await?;
    let import = read(&database.pool, run).await;
    database.close().await;
    let import = import?;
    print(context, &import);
    context.console.document(&import)?;
    Ok(Exit::Done)
}

fn print(context: &Context, import: &StoredImport) {
    let console = &context.console;
    console.print(format_args!("import {} of {}", import.run_id, import.import["file"].as_str().unwrap_or("a file")));
    for event in &import.events {
        let delivery = event["delivery"].as_str().map(|state| format!(", {state}")).unwrap_or_default();
        let (outcome, title) = (field(event, "outcome"), field(event, "title"));
        console.print(format_args!("{outcome:9} {title} (row {}){delivery}", event["row"]));
        for change in event["changes"].as_array().into_iter().flatten() {
            let value = |side: &str| change[side].as_str().unwrap_or("nothing").to_owned();
            console.print(format_args!("          {}: {} → {}", field(change, "field"), value("old"), value("new")));
        }
        if let Some(error) = event["error"].as_str().filter(|_| event["delivery"] != json!(DeliveryState::Delivered)) {
            console.print(format_args!("        ! {error}"));
        }
    }
    let problems: Vec<ImportProblem> = serde_json::from_value(import.import["problems"].clone()).unwrap_or_default();
    if let Some(table) = report::table(&problems) {
        console.print(table);
    }
    let DeliveryCounts { delivered, pending, failed, unknown } = import.delivery;
    console.print(format_args!(
        "current delivery to Administrate: {delivered} delivered, {pending} pending, {failed} failed, {unknown} unknown"
    ));
}
