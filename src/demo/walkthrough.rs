//! The commands of the demo. It calls the same functions as `lectern sync all`, `lectern import` and `lectern search`.

use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;

use super::source::DemoData;
use super::steps::Steps;
use crate::app::Context;
use crate::console::counted;
use crate::database::Database;
use crate::delivery;
use crate::error::{Error, Exit, Result};
use crate::outbox;
use crate::output_file::Existing;
use crate::search;
use crate::search::compose::SessionUrls;
use crate::search::query::{FoundPage, Query};
use crate::search::read_model::ReadModel;
use crate::sync;
use crate::timetable_import::options::ImportOptions;
use crate::timetable_import::run::{self, ImportRequest};
use crate::workbook::problem_table::{PlaceColumns, table};

/// The document of `demo --json`: the documents of its commands and the URL of the site.
#[derive(Debug, Default, Serialize)]
pub struct DemoDocument {
    /// Document of `sync all --json`. Null if the demo ended before it, like the others.
    pub sync: Value,
    /// Document of `import FILE --json`.
    pub import: Value,
    /// Response of the search.
    pub search: Value,
    /// URL of the site, if it is served.
    pub url: Option<String>,
}

fn to_json(document: &impl Serialize) -> Result<Value> {
    let failed = |error| Error::Failed(format!("the document cannot be serialised: {error}"));
    serde_json::to_value(document).map_err(failed)
}

/// Runs sync, import with delivery, and search; returns the highest exit code. Ends early if the sync fails or the user
/// stops the command.
pub async fn run_all(
    context: &Context,
    database: &Database,
    steps: &mut Steps<'_>,
    data: &DemoData,
    document: &mut DemoDocument,
) -> Result<Exit> {
    let sync = sync(context, database, steps, data, document).await?;
    if sync == Exit::Failed || context.stop.is_cancelled() {
        return Ok(sync);
    }
    let earlier = deliver_earlier_events(context, database, steps).await?;
    let import = import(context, &database.pool, steps, data, document).await?;
    if !context.stop.is_cancelled() {
        search(context, &database.pool, steps, &data.search_text, document).await?;
    }
    Ok(sync.max(earlier).max(import))
}

/// Runs `lectern sync all`.
async fn sync(
    context: &Context,
    database: &Database,
    steps: &mut Steps<'_>,
    data: &DemoData,
    document: &mut DemoDocument,
) -> Result<Exit> {
    let options = sync::SyncOptions::default();
    let work = async {
        let mut sync = sync::cli::open(context, database, "sync all", options).await?;
        Ok(sync.sync_all().await)
    };
    let summary = steps.run("lectern sync all", work).await?;
    context.console.print(sync::report::text::counts(summary.attempted()));
    for report in summary.attempted() {
        let findings = sync::report::text::findings(report, false);
        if !findings.is_empty() {
            context.console.print(findings.trim_end());
        }
    }
    for location in &data.provider.remote_only_locations {
        steps.note(format_args!(
            "({} exists only in Administrate, as an example of an unmatched record)",
            location.name
        ));
    }
    document.sync = to_json(&summary)?;
    Ok(summary.exit())
}

/// Delivers the events that an earlier, stopped demo did not deliver, like `lectern outbox retry`.
async fn deliver_earlier_events(context: &Context, database: &Database, steps: &mut Steps<'_>) -> Result<Exit> {
    let open = outbox::retry_now(&database.pool, None, None).await?;
    if open == 0 {
        return Ok(Exit::Done);
    }
    let work = delivery::cli::deliver(context, database, "outbox retry", None);
    let what = format!(
        "lectern outbox retry: {} of an earlier demo",
        counted(usize::try_from(open).unwrap_or(usize::MAX), "undelivered event")
    );
    steps.run_extra(what, work).await?;
    let counts = outbox::count_by_state(&database.pool, None).await?;
    Ok(if counts.is_open() { Exit::NeedsAttention } else { Exit::Done })
}

/// Runs `lectern import` on the timetable and waits for the delivery.
async fn import(
    context: &Context,
    pool: &PgPool,
    steps: &mut Steps<'_>,
    data: &DemoData,
    document: &mut DemoDocument,
) -> Result<Exit> {
    let file = data.workbook.clone();
    let loaded =
        run::load(&file, &context.config).map_err(|error| Error::Failed(format!("{}: {error}", file.display())))?;
    let request =
        ImportRequest { file, options: ImportOptions::default(), report: None, existing: Existing::Refuse, run: None };
    let bar = context.console.progress("to Administrate", 0);
    let planned = |plan: &crate::timetable_import::plan::ImportPlan| {
        let deliverable = plan.items.iter().filter(|item| item.event.is_some()).count();
        context.console.set_total(&bar, deliverable as u64);
        true
    };
    let delivered = delivery::cli::progress_observer(&bar);
    let work = run::import(pool, &context.config, (&loaded, &request), &context.stop, planned, delivered);
    let result = steps.run(format_args!("lectern import {}", data.workbook.display()), work).await;
    bar.finish_and_clear();
    let imported = result?;
    let (counts, delivery) = (&imported.document.counts, &imported.document.delivery);
    let unchanged = counts.unchanged + counts.duplicate;
    steps.note(format_args!("{} events with {} sessions", counts.events, counts.sessions));
    steps.note(format_args!(
        "{} created · {} updated · {unchanged} unchanged · {} rejected",
        counts.created, counts.updated, counts.rejected
    ));
    let undelivered = delivery.pending + delivery.failed + delivery.unknown;
    steps.note(format_args!("delivered to Administrate: {} · undelivered: {undelivered}", delivery.delivered));
    if let Some(table) = table(&imported.document.problems, PlaceColumns::CellAndEvent) {
        context.console.notify(table);
    }
    document.import = to_json(&imported.document)?;
    Ok(imported.exit)
}

/// Runs `lectern search` for an event of the timetable.
async fn search(
    context: &Context,
    pool: &PgPool,
    steps: &mut Steps<'_>,
    text: &str,
    document: &mut DemoDocument,
) -> Result<()> {
    let work = async {
        let (_, rows) = search::store::load(pool).await?;
        Ok(ReadModel::build(rows))
    };
    let catalogue = steps.run(format_args!("lectern search \"{text}\""), work).await?;
    let began = Instant::now();
    let query = Query::for_text(text);
    let found = FoundPage::new(&catalogue, &query);
    let mut response = found.response(SessionUrls::Visible);
    response.performance.duration = began.elapsed().as_secs_f64();
    context.console.print(search::cli::render_text(&found));
    document.search = to_json(&response)?;
    Ok(())
}
