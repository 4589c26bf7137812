//! The commands that the demo carries out once everything stands: the same library functions as `lectern sync all`,
//! `lectern import` and `lectern search`.

use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;

use super::chosen::Ready;
use super::provider::Provider;
use super::steps::Steps;
use crate::cli::Context;
use crate::db::Database;
use crate::error::{Error, Exit, Result};
use crate::outbox;
use crate::search::compose::SessionUrls;
use crate::search::follow::Follower;
use crate::search::query::Query;
use crate::search::{self, unified};
use crate::sync;
use crate::timetable_import::importing::{self, Asked, Deliver};
use crate::timetable_import::report;

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Done {
    /// Its JSON document.
    pub document: Value,
    /// Its exit.
    pub exit: Exit,
}

fn document(of: &impl Serialize) -> Result<Value> {
    serde_json::to_value(of).map_err(|error| Error::Failed(format!("a JSON document cannot be written: {error}")))
}

/// `lectern sync all`.
pub async fn sync(context: &Context, database: &Database, steps: &mut Steps<'_>, provider: &Provider) -> Result<Done> {
    let options = sync::run::Options::default();
    let work = async {
        let mut sync = sync::cli::open(context, database, "sync all", options).await?;
        Ok(sync.all().await)
    };
    let summary = steps.take("lectern sync all", work).await?;
    context.console.print(sync::table::counts(summary.tried()));
    for report in summary.tried() {
        let findings = sync::table::findings(report);
        if !findings.is_empty() {
            context.console.print(findings.trim_end());
        }
    }
    for stranger in &provider.locations_of_theirs_alone {
        steps
            .remark(format_args!("({} is there on purpose: so that something unmatched is to be seen)", stranger.name));
    }
    Ok(Done { document: document(&summary)?, exit: summary.exit() })
}

/// `lectern import` of the timetable, waiting until it is delivered.
pub async fn import(context: &Context, pool: &PgPool, steps: &mut Steps<'_>, ready: &Ready) -> Result<Done> {
    let file = ready.workbook.clone();
    let loaded = importing::load(&file, &context.config)
        .map_err(|unfit| Error::Failed(format!("{}: {unfit}", file.display())))?;
    let asked = Asked { file, dry_run: false, deliver: Deliver::Wait, report: None };
    let bar = context.console.progress("to Administrate", 0);
    let shown = bar.clone();
    let planned = |plan: &crate::timetable_import::plan::Plan| {
        bar.set_length(plan.items.iter().filter(|item| item.event.is_some()).count() as u64);
    };
    let told = move |outcome: &crate::delivery::Outcome| {
        if outcome.state != outbox::State::Pending {
            shown.inc(1);
        }
    };
    let work = importing::import(pool, &context.config, (&loaded, &asked), &context.stop, planned, told);
    let imported = steps.take(format_args!("lectern import {}", ready.workbook.display()), work).await;
    bar.finish_and_clear();
    let imported = imported?;
    let (counts, delivery) = (&imported.document.counts, &imported.document.delivery);
    steps.remark(format_args!(
        "{} events with {} sessions: {} created, {} updated, {} unchanged, {} rejected; {} delivered, {} still open",
        counts.events,
        counts.sessions,
        counts.created,
        counts.updated,
        counts.unchanged + counts.duplicate,
        counts.rejected,
        delivery.delivered,
        delivery.pending + delivery.failed + delivery.unknown,
    ));
    if let Some(table) = report::table(&imported.document.problems) {
        context.console.say(table);
    }
    Ok(Done { document: document(&imported.document)?, exit: imported.exit })
}

/// `lectern search` for something that the timetable has.
pub async fn search(context: &Context, steps: &mut Steps<'_>, follower: &Follower, text: &str) -> Result<Done> {
    let work = async {
        follower.reload_now().await?;
        Ok(follower.current())
    };
    let catalogue = steps.take(format_args!("lectern search \"{text}\""), work).await?;
    let began = Instant::now();
    let mut answer = unified::answer(&catalogue, &Query { page_size: 3, ..Query::for_text(text) }, SessionUrls::Shown);
    answer.performance.duration = began.elapsed().as_secs_f64();
    context.console.print(search::cli::shown(&answer));
    Ok(Done { document: document(&answer)?, exit: Exit::Done })
}
