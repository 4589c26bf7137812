//! Deletes what is old: everything that grows has a number of days in the settings after which it goes.
//!
//! `lectern serve` does this every hour, in small transactions. What is still needed stays, whatever its age: undelivered
//! effects and their runs, baselines, links, decisions of users, and calls that were logged before Lectern came to the
//! database. A run can be undone as long as it is stored.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::error::Result;
use crate::{gateway, history, jobs, outbox, runs, search, timetable_import, webhooks};

/// How often old data is deleted.
const INTERVAL: Duration = Duration::from_secs(3600);

/// Rows that one statement deletes. A larger number would hold locks for longer.
const BATCH: i64 = 1000;

/// Runs that one statement deletes: each may have thousands of rows of its own.
const RUN_BATCH: i64 = 20;

const DAY: Duration = Duration::from_secs(86_400);

/// Deletes old data every hour until stopped.
pub async fn run_sweeper(pool: PgPool, config: Arc<Config>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = sweep(&pool, &config, &stop).await {
            tracing::error!(%error, "old data could not be deleted: trying again in an hour");
        }
        stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await;
    }
}

/// What is deleted from the database, in this order: an effect stays as long as its run.
#[derive(Debug, Clone, Copy)]
enum OldRows {
    Calls,
    Webhooks,
    IdempotencyKeys,
    Runs,
    Effects,
    Changes,
}

impl OldRows {
    const ALL: [OldRows; 6] = [
        OldRows::Calls,
        OldRows::Webhooks,
        OldRows::IdempotencyKeys,
        OldRows::Runs,
        OldRows::Effects,
        OldRows::Changes,
    ];

    /// Returns the number of rows that one statement deletes at most.
    fn limit(self) -> i64 {
        if matches!(self, OldRows::Runs) { RUN_BATCH } else { BATCH }
    }

    /// Deletes at most [`OldRows::limit`] rows, and returns their number.
    async fn delete(self, pool: &PgPool, config: &Config) -> Result<u64> {
        let (keep, sync, limit) = (&config.retention, &config.sync, self.limit());
        match self {
            OldRows::Calls => gateway::purge_audit_log(pool, sync.audit_days.into(), limit).await,
            OldRows::Webhooks => {
                webhooks::purge(pool, sync.webhook_days.into(), keep.dead_webhook_days.into(), limit).await
            }
            OldRows::IdempotencyKeys => jobs::purge_keys(pool, keep.idempotency_key_days.into(), limit).await,
            OldRows::Runs => runs::purge(pool, keep.run_days.into(), keep.short_run_days.into(), limit).await,
            OldRows::Effects => outbox::purge_delivered(pool, keep.outbox_days.into(), limit).await,
            OldRows::Changes => history::purge(pool, keep.history_days.into(), limit).await,
        }
    }
}

/// Deletes old data once, until it is done or stopped.
///
/// # Errors
/// The database fails. What was deleted before stays deleted.
pub async fn sweep(pool: &PgPool, config: &Config, stop: &CancellationToken) -> Result<()> {
    for rows in OldRows::ALL {
        let mut total = 0;
        while !stop.is_cancelled() {
            let deleted = i64::try_from(rows.delete(pool, config).await?).unwrap_or(i64::MAX);
            total += deleted;
            if deleted < rows.limit() {
                break;
            }
        }
        log(rows, total);
    }
    log("changes of the catalogue", search::store::changes::purge(pool).await?);
    let (data_dir, keep, now) = (&config.data_dir, &config.retention, SystemTime::now());
    log("incomplete uploads", timetable_import::upload::sweep(data_dir, now));
    let uploads = timetable_import::old_files::sweep_uploads(pool, data_dir, keep.upload_days.into()).await?;
    log("uploads", uploads);
    let age = DAY * u32::from(keep.report_days);
    log("reports", timetable_import::old_files::sweep_reports(data_dir, age, now));
    Ok(())
}

fn log<N: TryInto<u64>>(what: impl std::fmt::Debug, deleted: N) {
    let deleted = deleted.try_into().unwrap_or_default();
    if deleted > 0 {
        tracing::info!(?what, deleted, "old data was deleted");
    }
}
