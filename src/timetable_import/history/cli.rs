//! `lectern import show` and `lectern import list`.

use serde_json::json;

use super::store::{self, ListedImport};
use super::{StoredImport, field, read};
use crate::app::Context;
use crate::console;
use crate::error::{Exit, Result};
use crate::outbox::{DeliveryCounts, DeliveryState};
use crate::workbook::problem_table::{self, PlaceColumns};
use crate::workbook::problems::ImportProblem;

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

/// Lists the latest imports, newest first.
pub(in crate::timetable_import) async fn list(context: &Context, limit: i64) -> Result<Exit> {
    let database = context.database().await?;
    let imports = match database.pool.acquire().await {
        Ok(mut db) => store::latest(&mut db, limit).await,
        Err(error) => Err(error.into()),
    };
    database.close().await;
    let imports = imports?;
    if imports.is_empty() {
        context.console.notify("nothing was imported yet: run `lectern import FILE.xlsx`");
    } else {
        context.console.print(table(&imports));
    }
    context.console.document(&json!({ "imports": imports }))?;
    Ok(Exit::Done)
}

fn table(imports: &[ListedImport]) -> console::table::OutputTable {
    let header = ["run", "date", "file", "state", "events", "created", "updated", "unchanged", "duplicate", "rejected"];
    let mut table = console::table(header).with_numbers_from(4);
    for import in imports {
        let count = |key: &str| import.counts.as_ref().map(|counts| counts[key].to_string()).unwrap_or_default();
        let counts = ["events", "created", "updated", "unchanged", "duplicate", "rejected"].map(count);
        let named = [import.run_id.to_string(), import.started_at.clone(), import.file.clone(), import.state.clone()];
        table.add_row(named.into_iter().chain(counts));
    }
    table
}

fn print(context: &Context, import: &StoredImport) {
    let console = &context.console;
    console.print(format_args!("import {} of {}", import.run_id, import.import["file"].as_str().unwrap_or("a file")));
    for event in &import.events {
        let delivery = event["delivery"].as_str().map(|state| format!(", {state}")).unwrap_or_default();
        // The document keeps its word; users read the one of the counts.
        let outcome = Some(field(event, "outcome")).filter(|word| *word != "refused").unwrap_or("rejected");
        let title = field(event, "title");
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
    if let Some(table) = problem_table::table(&problems, PlaceColumns::CellAndEvent) {
        console.print(table);
    }
    let DeliveryCounts { delivered, pending, failed, unknown } = import.delivery;
    console.print(format_args!(
        "current delivery to Administrate: {delivered} delivered, {pending} pending, {failed} failed, {unknown} unknown"
    ));
}
