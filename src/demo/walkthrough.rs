//! The commands that the demo carries out once everything stands: the same library functions as `lectern sync all`,
//! `lectern import` and `lectern search`.

use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;

use super::source::Ready;
use super::steps::Steps;
use crate::app::Context;
use crate::database::Database;
use crate::delivery;
use crate::error::{Error, Exit, Result};
use crate::outbox;
use crate::search;
use crate::search::compose::SessionUrls;
use crate::search::query::Query;
use crate::search::read_model::ReadModel;
use crate::sync;
use crate::timetable_import::options::ImportOptions;
use crate::timetable_import::report;
use crate::timetable_import::run::{self, ImportRequest};

/// The demo's JSON document (contract §2): those of its commands, and where the site is.
#[derive(Debug, Default, Serialize)]
pub struct DemoDocument {
    /// `sync all --json`; null where it was not come to, like the others.
    pub sync: Value,
    /// `import FILE --json`.
    pub import: Value,
    /// The answer of the search.
    pub search: Value,
    /// Address of the site, while it is served.
    pub url: Option<String>,
}

fn document(of: &impl Serialize) -> Result<Value> {
    serde_json::to_value(of).map_err(|error| Error::Failed(format!("a JSON document cannot be written: {error}")))
}

/// Synchronises, imports, delivers, searches; ends early where the synchronisation failed or somebody said stop.
/// Ends as the worst of the commands did.
pub async fn all(
    context: &Context,
    database: &Database,
    steps: &mut Steps<'_>,
    ready: &Ready,
    told: &mut DemoDocument,
) -> Result<Exit> {
    let sync = sync(context, database, steps, ready, told).await?;
    if sync == Exit::Failed || context.stop.is_cancelled() {
        return Ok(sync);
    }
    let left = left_open(context, database, steps).await?;
    let import = import(context, &database.pool, steps, ready, told).await?;
    if !context.stop.is_cancelled() {
        search(context, &database.pool, steps, &ready.question, told).await?;
    }
    Ok(sync.max(left).max(import))
}

/// `lectern sync all`.
async fn sync(
    context: &Context,
    database: &Database,
    steps: &mut Steps<'_>,
    ready: &Ready,
    told: &mut DemoDocument,
) -> Result<Exit> {
    let options = sync::SyncOptions::default();
    let work = async {
        let mut sync = sync::cli::open(context, database, "sync all", options).await?;
        Ok(sync.all().await)
    };
    let summary = steps.take("lectern sync all", work).await?;
    context.console.print(sync::report::text::counts(summary.attempted()));
    for report in summary.attempted() {
        let findings = sync::report::text::findings(report, false);
        if !findings.is_empty() {
            context.console.print(findings.trim_end());
        }
    }
    for stranger in &ready.provider.locations_of_theirs_alone {
        steps
            .remark(format_args!("({} is there on purpose: so that something unmatched is to be seen)", stranger.name));
    }
    told.sync = document(&summary)?;
    Ok(summary.exit())
}

/// What an earlier demo wrote here and did not bring to Administrate before it was ended: `lectern outbox retry`.
async fn left_open(context: &Context, database: &Database, steps: &mut Steps<'_>) -> Result<Exit> {
    let open = outbox::retry_now(&database.pool, None, None).await?;
    if open == 0 {
        return Ok(Exit::Done);
    }
    let work = delivery::cli::deliver(context, database, "outbox retry", None);
    steps
        .also(format_args!("Delivering {open} events that an earlier demo left open (lectern outbox retry)"), work)
        .await?;
    let counts = outbox::count_by_state(&database.pool, None).await?;
    Ok(if counts.is_open() { Exit::NeedsAttention } else { Exit::Done })
}

/// `lectern import` of the timetable, waiting until it is delivered.
async fn import(
    context: &Context,
    pool: &PgPool,
    steps: &mut Steps<'_>,
    ready: &Ready,
    told: &mut DemoDocument,
) -> Result<Exit> {
    let file = ready.workbook.clone();
    let loaded =
        run::load(&file, &context.config).map_err(|unfit| Error::Failed(format!("{}: {unfit}", file.display())))?;
    let request = ImportRequest { file, options: ImportOptions::default(), report: None, run: None };
    let bar = context.console.progress("to Administrate", 0);
    let planned = |plan: &crate::timetable_import::plan::ImportPlan| {
        let waiting = plan.items.iter().filter(|item| item.event.is_some()).count();
        context.console.set_total(&bar, waiting as u64);
        true
    };
    let delivered = delivery::cli::progress_observer(&bar);
    let work = run::import(pool, &context.config, (&loaded, &request), &context.stop, planned, delivered);
    let imported = steps.take(format_args!("lectern import {}", ready.workbook.display()), work).await;
    bar.finish_and_clear();
    let imported = imported?;
    let (counts, delivery) = (&imported.document.counts, &imported.document.delivery);
    steps.remark(format_args!(
        "{} events with {} sessions: {} created, {} updated, {} unchanged,",
        counts.events,
        counts.sessions,
        counts.created,
        counts.updated,
        counts.unchanged + counts.duplicate,
    ));
    let open = delivery.pending + delivery.failed + delivery.unknown;
    steps.remark(format_args!("{} rejected; {} delivered, {open} still open", counts.rejected, delivery.delivered));
    if let Some(table) = report::table(&imported.document.problems) {
        context.console.say(table);
    }
    told.import = document(&imported.document)?;
    Ok(imported.exit)
}

/// `lectern search` for something that the timetable has.
async fn search(
    context: &Context,
    pool: &PgPool,
    steps: &mut Steps<'_>,
    text: &str,
    told: &mut DemoDocument,
) -> Result<()> {
    let work = async { Ok(ReadModel::build(search::store::load(pool).await?)) };
    let catalogue = steps.take(format_args!("lectern search \"{text}\""), work).await?;
    let began = Instant::now();
    let mut answer = search::query::search(&catalogue, &Query::for_text(text), SessionUrls::Visible);
    answer.performance.duration = began.elapsed().as_secs_f64();
    context.console.print(search::cli::render_text(&answer));
    told.search = document(&answer)?;
    Ok(())
}
