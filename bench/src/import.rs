//! The local half of an import of 5,000 events: beside COPY of the same rows into the same tables, beside a peer in
//! Django that does the whole path, and, with its effects, beside without.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use lectern::demo::{local, remote};
use lectern::timetable_import::apply::{ApplyOptions, apply};
use lectern::timetable_import::options::{DeliveryMode, ImportOptions};
use lectern::timetable_import::plan::planner::{PlannerOptions, plan};
use lectern::timetable_import::plan::{ImportPlan, PlanItem};
use lectern::timetable_import::run;
use lectern::timetable_import::{history, store};
use lectern::tutorials::{self, Event};
use sqlx::postgres::PgPoolCopyExt;
use sqlx::{PgPool, Row};
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::figure::{Figure, Samples};
use crate::parse::{EVENTS, timetable_workbook};
use crate::program::run;
use crate::provider::provider;
use crate::world::{World, peer_file, simulator};

/// The database that every run starts from: the provider, linked with its Administrate.
pub const READY: &str = "ready";

/// Everything that an import writes, in an order that references allow.
const TABLES: [&str; 9] = [
    "lectern.runs",
    "acted.tutorial_events",
    "lectern.event_details",
    "lectern.event_staff",
    "acted.tutorial_sessions",
    "lectern.session_details",
    "acted.tutorial_session_instructors",
    "lectern.import_rows",
    "lectern.outbox",
];

/// What an import says of the world, whatever ids it gave.
const ANSWER: &str = "SELECT count(*), md5(string_agg(said, E'\n' ORDER BY said COLLATE \"C\")) FROM (
    SELECT concat_ws('|', e.code, e.product_id, e.location_id, e.venue_id, e.is_soldout, e.finalisation_date,
        e.remain_space, e.start_date, e.end_date, (to_jsonb(d) - 'tutorial_event_id')::text,
        (SELECT string_agg((to_jsonb(f) - 'tutorial_event_id')::text, ',' ORDER BY f.role, f.position)
         FROM lectern.event_staff AS f WHERE f.tutorial_event_id = e.id),
        (SELECT string_agg(concat_ws(';', s.sequence, s.title, s.location_id, s.venue_id,
             s.start_date AT TIME ZONE 'UTC', s.end_date AT TIME ZONE 'UTC', s.url, t.location_text, t.venue_text,
             i.tutorialinstructor_id), ',' ORDER BY s.sequence)
         FROM acted.tutorial_sessions AS s
         LEFT JOIN lectern.session_details AS t ON t.tutorial_session_id = s.id
         LEFT JOIN acted.tutorial_session_instructors AS i ON i.tutorialsessions_id = s.id
         WHERE s.tutorial_event_id = e.id),
        (SELECT concat_ws(';', o.effect, o.subject, o.state) FROM lectern.outbox AS o WHERE o.subject_id = e.id)) AS said
    FROM acted.tutorial_events AS e LEFT JOIN lectern.event_details AS d ON d.tutorial_event_id = e.id) AS events";

pub async fn measure(world: &World, runs: usize) -> Result<Vec<Figure>> {
    ready(world).await?;
    let file = world.write("timetable.xlsx", &timetable_workbook(EVENTS)?)?;
    let file = file.to_string_lossy().into_owned();
    let copied = same_answers(world, &file).await?;

    let (mut whole, mut copy, mut django) = (Samples::default(), Samples::default(), Samples::default());
    let mut stages = Stages::default();
    for _ in 0..runs {
        whole.push(import(world, "ours", &file).await?.1);
        copy.push(copy_all(world, &copied).await?);
        django.push(peer(world, &file).await?);
        stages.take(world, &file).await?;
    }
    stages.tell();
    let what = |what: &str| format!("{what} of {EVENTS} events");
    Ok(vec![
        Figure::at_most(&what("applying an import"), &stages.applied, ("raw COPY", &copy), 2.5),
        Figure::at_most(&what("the whole `import --deliver queue`"), &whole, ("raw COPY", &copy), 2.5),
        Figure::faster(&what("the whole `import --deliver queue`"), &whole, ("openpyxl + bulk_create", &django), 4.0),
        Figure::at_most(&what("reading, planning, applying"), &stages.queued, ("without effects", &stages.alone), 1.2),
    ])
}

/// Makes [`READY`].
pub async fn ready(world: &World) -> Result<()> {
    let provider = provider();
    let config = world.config("postgres")?;
    let simulator = simulator(remote::tenant(&provider, &config.administrate.labels), Duration::ZERO).await?;
    let pool = world.create(READY).await?;
    local::fill(&mut *pool.acquire().await?, &provider).await?;
    run(world.program(READY, Some(&simulator), &["sync", "all", "--no-prompt"])).await?;
    sqlx::query("ANALYZE").execute(&pool).await?;
    pool.close().await;
    simulator.stop().await;
    Ok(())
}

/// Imports into a new copy of [`READY`]; gives what the program told and how long it took.
async fn import(world: &World, database: &str, file: &str) -> Result<(serde_json::Value, f64)> {
    world.copy(database, READY).await?;
    let ran = run(world.program(database, None, &["import", file, "--deliver", "queue", "--json"])).await?;
    Ok((ran.document()?, ran.seconds))
}

async fn peer(world: &World, file: &str) -> Result<f64> {
    world.copy("django", READY).await?;
    let ran = run(world.peer("django", None, &[&peer_file("import_timetable.py"), file])).await?;
    Ok(ran.printed.trim().parse()?)
}

/// The contents of a table in PostgreSQL's own text form.
type Contents = Vec<(&'static str, Vec<u8>)>;

/// Checks that all three ways write the same; gives the rows.
async fn same_answers(world: &World, file: &str) -> Result<Contents> {
    let (told, _) = import(world, "ours", file).await?;
    if told["counts"]["created"] != EVENTS {
        return Err(format!("the import did not create {EVENTS} events: {}", told["counts"]).into());
    }
    peer(world, file).await?;
    let mut copied = Contents::new();
    let pool = world.connect("ours").await?;
    for table in TABLES {
        let rows = pool.copy_out_raw(&format!("COPY (TABLE {table}) TO STDOUT")).await?;
        let parts: Vec<_> = rows.try_collect().await?;
        copied.push((table, parts.concat()));
    }
    let ours = answer(&pool).await?;
    pool.close().await;
    copy_all(world, &copied).await?;
    for other in ["django", "copied"] {
        let pool = world.connect(other).await?;
        let theirs = answer(&pool).await?;
        pool.close().await;
        if ours != theirs {
            return Err(format!("{other} wrote something else: {theirs:?} instead of {ours:?}").into());
        }
    }
    Ok(copied)
}

async fn answer(pool: &PgPool) -> Result<(i64, String)> {
    let row = sqlx::query(ANSWER).fetch_one(pool).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// The same rows by COPY, in one transaction; gives how long it took.
async fn copy_all(world: &World, copied: &Contents) -> Result<f64> {
    world.copy("copied", READY).await?;
    let pool = world.connect("copied").await?;
    for table in TABLES {
        sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&pool).await?;
    }
    let started = Instant::now();
    let mut transaction = pool.begin().await?;
    for (table, rows) in copied {
        let mut sink = transaction.copy_in_raw(&format!("COPY {table} FROM STDIN")).await?;
        sink.send(rows.as_slice()).await?;
        sink.finish().await?;
    }
    transaction.commit().await?;
    let seconds = started.elapsed().as_secs_f64();
    pool.close().await;
    Ok(seconds)
}

/// The stages of an import by the library's own functions, with and without its effects.
#[derive(Default)]
struct Stages {
    read: Samples,
    facts: Samples,
    planned: Samples,
    applied: Samples,
    /// All of the above.
    queued: Samples,
    /// All of the above, but nothing is asked of the outbox.
    alone: Samples,
}

impl Stages {
    async fn take(&mut self, world: &World, file: &str) -> Result<()> {
        for with_effects in [true, false] {
            world.copy("staged", READY).await?;
            let pool = world.connect("staged").await?;
            let config = world.config("staged")?;
            let mut watch = Watch::start();
            let loaded = run::load(file.as_ref(), &config)?;
            let read = watch.lap();
            let mut db = pool.acquire().await?;
            let ours = store::local_state(&mut db, &loaded.timetable).await?;
            let facts = store::stored_remote_state(&mut db, &store::template_ids(&loaded.timetable, &ours)).await?;
            drop(db);
            let gathered = watch.lap();
            let import = ImportOptions { deliver: DeliveryMode::Queue, ..ImportOptions::default() };
            let options = PlannerOptions { labels: &config.administrate.labels, sittings: &config.sittings, import };
            let plan = plan(&loaded.timetable, &ours, &facts, options);
            let planned = watch.lap();
            let run =
                lectern::runs::begin(&mut *pool.acquire().await?, lectern::runs::RunKind::Import, "bench").await?;
            let options = ApplyOptions { run, blocks_per_batch: config.import.blocks_per_batch, import };
            if with_effects {
                apply(&pool, &plan, |_| serde_json::json!({}), options, &CancellationToken::new()).await?;
            } else {
                apply_alone(&pool, &plan, options).await?;
            }
            let applied = watch.lap();
            let all = read + gathered + planned + applied;
            pool.close().await;
            if with_effects {
                self.read.push(read);
                self.facts.push(gathered);
                self.planned.push(planned);
                self.applied.push(applied);
                self.queued.push(all);
            } else {
                self.alone.push(all);
            }
        }
        Ok(())
    }

    fn tell(&self) {
        let ms = |samples: &Samples| samples.median() * 1000.0;
        eprintln!(
            "stages of an import: read {:.0} ms, what we have {:.0} ms, plan {:.0} ms, apply {:.0} ms",
            ms(&self.read),
            ms(&self.facts),
            ms(&self.planned),
            ms(&self.applied)
        );
    }
}

/// As [`apply`], without effects.
async fn apply_alone(pool: &PgPool, plan: &ImportPlan, options: ApplyOptions) -> Result<()> {
    let items: Vec<&PlanItem> = plan.items.iter().collect();
    for batch in items.chunks(options.blocks_per_batch) {
        let events: Vec<Event> = batch.iter().filter_map(|item| Some(item.event.as_ref()?.event.clone())).collect();
        let mut transaction = pool.begin().await?;
        let ids = tutorials::store::insert_events(&mut transaction, &events).await?;
        let known: Vec<(i64, &Event)> = ids.into_iter().zip(&events).collect();
        tutorials::store::insert_sessions(&mut transaction, &known).await?;
        history::store::store_outcomes(&mut transaction, options.run, batch, &vec![serde_json::json!({}); batch.len()])
            .await?;
        transaction.commit().await?;
    }
    Ok(())
}

struct Watch(Instant);

impl Watch {
    fn start() -> Self {
        Watch(Instant::now())
    }

    /// Seconds since the last lap.
    fn lap(&mut self) -> f64 {
        std::mem::replace(&mut self.0, Instant::now()).elapsed().as_secs_f64()
    }
}
