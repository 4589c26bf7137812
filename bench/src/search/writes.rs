//! Writes: how soon they are visible, what they cost, and what they leave in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lectern::search::read_model::follow::Follower;
use sqlx::{PgPool, Row};

use super::clients::load;
use super::server::SearchServer;
use super::shop::{Kind, Size};
use crate::Result;
use crate::figure::{Figure, Samples};
use crate::stage::Stage;

/// Writes that are followed until another process shows them.
const FOLLOWED: usize = 50;

/// The time between two of them: ten in a second.
const PAUSE: Duration = Duration::from_millis(100);

/// The writes after which the memory is read again.
const MANY: usize = 1_000;

const WRITERS: usize = 8;

/// How long the writers write in each turn.
const TURN: Duration = Duration::from_secs(3);

/// An event with the search that finds it first.
struct Event {
    id: i64,
    code: String,
}

async fn events(pool: &PgPool, count: i64) -> Result<Vec<Event>> {
    let sql = "SELECT id, code FROM acted.tutorial_events ORDER BY md5(code) LIMIT $1";
    let rows = sqlx::query(sql).bind(count).fetch_all(pool).await?;
    Ok(rows.iter().map(|row| Event { id: row.get("id"), code: row.get("code") }).collect())
}

/// Returns the places of an event as a search shows them.
async fn places(server: &SearchServer, event: &Event) -> Result<i64> {
    let document = server.search(&format!("q={}&page_size=1", event.code)).await?;
    let variations = document["products"][0]["variations"].as_array();
    let mut shown = variations.into_iter().flatten().filter_map(|variation| variation["events"].as_array()).flatten();
    let found = shown.find(|shown| shown["id"] == event.id).and_then(|shown| shown["remain_space"].as_i64());
    found.ok_or_else(|| format!("{} is not found", event.code).into())
}

/// Measures how soon a write is visible in the process that took it and in another one, while both are searched.
pub async fn measure_visibility(stage: &Stage, size: Size, own: &SearchServer) -> Result<Vec<Figure>> {
    let other = SearchServer::lectern(stage, &size.database(), "search-other").await?;
    let pool = stage.connect(&size.database()).await?;
    let readers = Arc::new(AtomicBool::new(true));
    let reading = {
        let (running, address, paths) = (readers.clone(), other.address, paths(size, Kind::Text));
        tokio::task::spawn_blocking(move || {
            while running.load(Ordering::Relaxed) {
                load(address, &paths, 1, Duration::from_millis(200)).map(|_| ())?;
            }
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        })
    };
    let (mut written, mut shown_by_own, mut shown_by_other) =
        (Samples::default(), Samples::default(), Samples::default());
    let mut longest: f64 = 0.0;
    for (number, event) in events(&pool, FOLLOWED as i64).await?.iter().enumerate() {
        let next = Instant::now() + PAUSE;
        let value = 100 + i32::try_from(number)?;
        let started = Instant::now();
        own.set_places(event.id, value).await?;
        written.push(started.elapsed().as_secs_f64());
        let answered = Instant::now();
        if places(own, event).await? != i64::from(value) {
            return Err(format!("{} is not in the next answer", event.code).into());
        }
        shown_by_own.push(answered.elapsed().as_secs_f64());
        while places(&other, event).await? != i64::from(value) {
            if answered.elapsed() > Duration::from_secs(60) {
                return Err(format!("{} is not visible in another process", event.code).into());
            }
        }
        let seconds = answered.elapsed().as_secs_f64();
        longest = longest.max(seconds);
        shown_by_other.push(seconds);
        tokio::time::sleep(next.saturating_duration_since(Instant::now())).await;
    }
    readers.store(false, Ordering::Relaxed);
    reading.await??;
    pool.close().await;
    other.stop().await?;
    let what = |text: &str| format!("{}: {text}", size.name);
    let mut latest = Samples::default();
    latest.push(longest);
    Ok(vec![
        Figure::within(&what("a write over HTTP"), &written, 0.05),
        Figure::within(&what("the next search of its process"), &shown_by_own, 0.05),
        Figure::within(&what("write to visible in another process, 10 writes/s"), &shown_by_other, 0.05),
        Figure::within(&what("the latest of them"), &latest, 0.05),
    ])
}

pub fn paths(size: Size, kind: Kind) -> Vec<String> {
    size.searches(kind).iter().map(|query| format!("/api/search/unified?{query}")).collect()
}

/// Measures the memory of the server after many writes by another program.
pub async fn measure_memory(stage: &Stage, size: Size, server: &SearchServer, limit: u64) -> Result<Vec<Figure>> {
    let before = server.memory();
    let pool = stage.connect(&size.database()).await?;
    let events = events(&pool, MANY as i64).await?;
    let changes = "UPDATE acted.tutorial_events SET remain_space = $2, start_date = start_date + $2 % 3 WHERE id = $1";
    let mut peak = before;
    for (number, event) in events.iter().enumerate() {
        let places = i32::try_from(number)?;
        sqlx::query(changes).bind(event.id).bind(places).execute(&pool).await?;
        peak = peak.max(server.memory());
    }
    let last = events.last().ok_or("no events")?;
    while places(server, last).await? != MANY as i64 - 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pool.close().await;
    let after = server.memory().max(peak);
    Ok(vec![
        Figure::memory(&format!("{}: memory", size.name), before, limit),
        Figure::memory(&format!("{}: memory at and after {MANY} writes", size.name), after, limit),
    ])
}

/// Measures how long one change of an event takes to be applied to the model.
pub async fn measure_application(stage: &Stage, size: Size) -> Result<Figure> {
    let pool = stage.connect(&size.database()).await?;
    let follower = Follower::open(pool.clone()).await?;
    let mut applied = Samples::default();
    for event in events(&pool, 30).await? {
        let change = "UPDATE acted.tutorial_events SET remain_space = remain_space + 1 WHERE id = $1";
        sqlx::query(change).bind(event.id).execute(&pool).await?;
        let started = Instant::now();
        follower.reload_now().await?;
        applied.push(started.elapsed().as_secs_f64());
    }
    pool.close().await;
    Ok(Figure::within(&format!("{}: one change applied", size.name), &applied, 0.005))
}

/// Measures the transactions of writers with and without the triggers of search.
pub async fn measure_writers(stage: &Stage, size: Size, runs: usize) -> Result<Figure> {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..runs.max(3) {
        for (is_watched, samples) in [(true, &mut with), (false, &mut without)] {
            set_triggers(stage, size, is_watched).await?;
            samples.push(transactions_per_second(stage, size).await?);
        }
    }
    set_triggers(stage, size, true).await?;
    let median = |samples: &mut Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    };
    let (with, without) = (median(&mut with), median(&mut without));
    Ok(Figure {
        what: format!("{}: transactions per second of {WRITERS} writers", size.name),
        lectern: format!("{with:.0}"),
        peer: format!("without the triggers of search: {without:.0}"),
        ratio: format!("{:.2} ×", with / without),
        goal: "≥ 0.8 ×".to_owned(),
        met: with / without >= 0.8,
    })
}

async fn set_triggers(stage: &Stage, size: Size, is_watched: bool) -> Result<()> {
    let state = if is_watched { "ENABLE ALWAYS" } else { "DISABLE" };
    let pool = stage.connect(&size.database()).await?;
    let sql = format!(
        "DO $$ DECLARE t record; BEGIN
             FOR t IN SELECT tgrelid::regclass AS of_table, tgname FROM pg_trigger
                      WHERE tgname LIKE 'lectern\\_search\\_%' LOOP
                 EXECUTE format('ALTER TABLE %s {state} TRIGGER %I', t.of_table, t.tgname);
             END LOOP;
         END $$"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await?;
    pool.close().await;
    Ok(())
}

async fn transactions_per_second(stage: &Stage, size: Size) -> Result<f64> {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let pool = stage.connect(&size.database()).await?;
        let ids: Vec<i64> =
            events(&pool, 800).await?.iter().skip(writer).step_by(WRITERS).map(|event| event.id).collect();
        writers.spawn(async move {
            let mut connection = pool.acquire().await?;
            // The processor is compared, not the disk.
            sqlx::query("SET synchronous_commit = off").execute(&mut *connection).await?;
            let started = Instant::now();
            let mut count = 0_usize;
            while started.elapsed() < TURN {
                let change = "UPDATE acted.tutorial_events SET remain_space = remain_space + 1 WHERE id = $1";
                sqlx::query(change).bind(ids[count % ids.len()]).execute(&mut *connection).await?;
                count += 1;
            }
            Ok::<f64, sqlx::Error>(count as f64 / started.elapsed().as_secs_f64())
        });
    }
    let mut sum = 0.0;
    while let Some(writer) = writers.join_next().await {
        sum += writer??;
    }
    Ok(sum)
}
