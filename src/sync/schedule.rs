//! The schedule: syncs that `serve` asks for by itself, at the times that the settings name.
//!
//! What is asked for is a run like any other that is asked for over HTTP: kept, carried out by one worker, taken up again
//! after a restart. Of several processes that wake at one moment, one asks. A time that passed while nobody ran is not made
//! up for, and a sync whose last run has not ended is not asked for again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cronexpr::{Crontab, MakeTimestamp, ParseOptions};
use jiff::Timestamp;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::Entity;
use crate::config::Config;
use crate::error::Result;
use crate::jobs::{Request, store};
use crate::runs;

/// The longest sleep: a clock that is set is noticed within it.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Reads a cron expression of five fields, told in a time zone of its own or in `zone` (an IANA name).
///
/// # Errors
/// The sentence of the parser.
pub fn crontab(expression: &str, zone: &str) -> Result<Crontab, String> {
    let expression = expression.trim();
    let fields = expression.split_whitespace().count();
    let whole = if fields == 5 { format!("{expression} {zone}") } else { expression.to_owned() };
    cronexpr::parse_crontab_with(&whole, ParseOptions::default()).map_err(|error| error.to_string())
}

/// Asks for what the settings name, until stopped.
pub async fn work(pool: PgPool, config: Arc<Config>, stop: CancellationToken) {
    let schedule = &config.schedule;
    tokio::join!(
        keep(&pool, &config, None, &schedule.sync_all, &stop),
        keep(&pool, &config, Some(Entity::Events), &schedule.sync_events, &stop),
    );
}

async fn keep(pool: &PgPool, config: &Config, entity: Option<Entity>, expression: &str, stop: &CancellationToken) {
    if expression.trim().is_empty() {
        return;
    }
    // The settings were checked when they were read.
    let Ok(crontab) = crontab(expression, &config.time_zone) else { return };
    let mut after = Timestamp::now();
    while let Some(due) = next(&crontab, after) {
        if stop.run_until_cancelled(sleep_until(due)).await.is_none() {
            return;
        }
        match ask(pool, entity, due).await {
            Ok(Some(run)) => tracing::info!(run, due = %due, "a scheduled sync is asked for"),
            Ok(None) => tracing::debug!(due = %due, "a scheduled sync is another process's, or still going on"),
            Err(error) => tracing::error!(%error, due = %due, "a scheduled sync could not be asked for"),
        }
        after = due.max(Timestamp::now());
    }
}

fn next(crontab: &Crontab, after: Timestamp) -> Option<Timestamp> {
    crontab.find_next(MakeTimestamp(after)).ok().map(|due| due.timestamp())
}

async fn sleep_until(due: Timestamp) {
    while let Ok(left) = Duration::try_from(due.duration_since(Timestamp::now())) {
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
    }
}

/// Asks for the sync of a time, all entities or one; none where somebody has asked for it, or the last has not ended.
///
/// # Errors
/// From the database.
pub async fn ask(pool: &PgPool, entity: Option<Entity>, due: Timestamp) -> Result<Option<i64>> {
    let request = Request::Sync { entity, dry_run: false, only: BTreeSet::new(), skip_errors: false };
    let mut tx = pool.begin().await?;
    if !store::claim_time(&mut tx, &request.subject(), due).await? || store::is_going_on(&mut tx, &request).await? {
        // A time that was claimed stays so.
        tx.commit().await?;
        return Ok(None);
    }
    let run = runs::begin_later(&mut tx, request.name(), &request.subject(), false).await?;
    store::insert(&mut tx, run, &request, None).await?;
    tx.commit().await?;
    Ok(Some(run))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn times_are_told_by_the_clock_on_the_wall() {
        let nightly = crontab("30 3 * * *", "Europe/London").expect("valid");
        for (after, expected) in [
            ("2026-01-10T00:00:00Z", "2026-01-10T03:30:00Z"),
            ("2026-01-10T03:30:00Z", "2026-01-11T03:30:00Z"),
            ("2026-07-10T00:00:00Z", "2026-07-10T02:30:00Z"),
        ] {
            assert_eq!(next(&nightly, at(after)), Some(at(expected)), "{after}");
        }
        let abroad = crontab("30 3 * * * Asia/Tokyo", "Europe/London").expect("valid");
        assert_eq!(next(&abroad, at("2026-01-10T00:00:00Z")), Some(at("2026-01-10T18:30:00Z")));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for wrong in ["nightly", "* * * *", "61 * * * *", "* * * * * Mars/Base"] {
            assert!(crontab(wrong, "Europe/London").is_err(), "{wrong}");
        }
    }
}
