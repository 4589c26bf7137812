//! Webhooks that wait when the server starts.

use std::time::{Duration, Instant};

use administrate_sim::Tenant;

use super::Load;
use crate::Result;
use crate::parse::timetable_workbook;
use crate::program::run;
use crate::stage::simulator;

pub const EVENTS: usize = 5_000;

/// Waiting webhooks, each about another event.
const WEBHOOKS: i64 = 2_000;

/// The longest measurement. A slow server has applied only a part by then.
const LIMIT: Duration = Duration::from_secs(60);

/// Links all events with records of Administrate, as if they had been delivered.
const LINK: &str = "
    DELETE FROM lectern.outbox;
    INSERT INTO adm.events (external_id, tutorial_event_id)
    SELECT encode(convert_to('Course:' || id, 'UTF8'), 'base64'), id FROM acted.tutorial_events;
    ANALYZE";

/// Stores webhooks that report other places, as the route does.
const STORE: &str = "
    INSERT INTO lectern.webhook_inbox (webhook_id, entity_id, triggered_at, triggered, content_hash, body)
    SELECT 'T3V0', external_id, triggered_at, now(), sha256(convert_to(body, 'UTF8')), body
    FROM (SELECT a.external_id, triggered_at, json_build_object(
              'metadata', json_build_object('webhook_id', 'T3V0', 'triggered_at', triggered_at, 'is_retry', false),
              'payload', json_build_object('node', json_build_object(
                  'id', a.external_id, 'title', e.code, 'lifecycleState', 'draft', 'isSoldOut', false,
                  'maxPlaces', 24, 'remainingPlaces', 24, 'updatedAt', triggered_at)))::text AS body
          FROM adm.events AS a JOIN acted.tutorial_events AS e ON e.id = a.tutorial_event_id,
               to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS triggered_at
          ORDER BY e.id LIMIT $1) AS webhooks";

const WAITING: &str = "SELECT count(*) FROM lectern.webhook_inbox WHERE state = 'received' AND attempts = 0";

impl Load<'_> {
    /// Returns how many of the waiting webhooks a server applies in a second.
    pub(super) async fn webhooks_per_second(&self) -> Result<f64> {
        let (stage, side) = (self.stage, self.side);
        side.copy_template(stage).await?;
        let file = stage.write("webhooks.xlsx", &timetable_workbook(EVENTS)?)?;
        let import = ["import", &file.to_string_lossy(), "--deliver", "queue", "--json"];
        run(stage.run_program(&side.program, &side.database(), None, &import)).await?;
        let pool = stage.connect(&side.database()).await?;
        sqlx::raw_sql(LINK).execute(&pool).await?;
        let idle = simulator(Tenant::new(), Duration::ZERO).await?;
        let server = side.serve(stage, &idle, None).await?;
        let started = Instant::now();
        let stored = sqlx::query(STORE).bind(WEBHOOKS).execute(&pool).await?.rows_affected();
        if stored != WEBHOOKS.cast_unsigned() {
            return Err(format!("{stored} of {WEBHOOKS} webhooks were stored").into());
        }
        let mut waiting = WEBHOOKS;
        while waiting > 0 && started.elapsed() < LIMIT {
            tokio::time::sleep(Duration::from_millis(100)).await;
            waiting = sqlx::query_scalar(WAITING).fetch_one(&pool).await?;
        }
        let seconds = started.elapsed().as_secs_f64();
        let failed: Option<String> = sqlx::query_scalar(
            "SELECT note FROM lectern.webhook_inbox WHERE attempts > 0 AND state <> 'applied' LIMIT 1",
        )
        .fetch_optional(&pool)
        .await?
        .flatten();
        pool.close().await;
        server.stop().await?;
        idle.stop().await;
        match failed {
            Some(note) => Err(format!("a webhook was not applied: {note}").into()),
            None => Ok((WEBHOOKS - waiting) as f64 / seconds),
        }
    }
}
