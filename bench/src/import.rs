//! The local part of an import of 5,000 events, compared with COPY of the same rows, with a Django program that does the
//! whole import, and with an import that writes no outbox rows.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use lectern::demo::{local, remote};
use lectern::timetable_import::apply::{ApplyOptions, WRITERS, apply};
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
use crate::stage::{Stage, peer_file, simulator};

/// Template database of every run: the provider, linked with its records in Administrate.
pub const READY: &str = "ready";

/// The tables that an import writes, in the order of their references.
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

/// Digest of the data of an import, without ids.
const DIGEST: &str = "SELECT count(*), md5(string_agg(line, E'\n' ORDER BY line COLLATE \"C\")) FROM (
    SELECT concat_ws('|', e.code, e.product_id, e.location_id, e.venue_id, e.is_soldout, e.finalisation_date,
        e.remain_space, e.start_date, e.end_date, (to_jsonb(d) - 'tutorial_event_id' - 'updated_at')::text,
        (SELECT string_agg((to_jsonb(f) - 'tutorial_event_id')::text, ',' ORDER BY f.role, f.position)
         FROM lectern.event_staff AS f WHERE f.tutorial_event_id = e.id),
        (SELECT string_agg(concat_ws(';', s.sequence, s.title, s.location_id, s.venue_id,
             s.start_date AT TIME ZONE 'UTC', s.end_date AT TIME ZONE 'UTC', s.url, t.location_text, t.venue_text,
             i.tutorialinstructor_id), ',' ORDER BY s.sequence)
         FROM acted.tutorial_sessions AS s
         LEFT JOIN lectern.session_details AS t ON t.tutorial_session_id = s.id
         LEFT JOIN acted.tutorial_session_instructors AS i ON i.tutorialsessions_id = s.id
         WHERE s.tutorial_event_id = e.id),
        (SELECT concat_ws(';', o.effect, o.subject, o.state) FROM lectern.outbox AS o WHERE o.subject_id = e.id)) AS line
    FROM acted.tutorial_events AS e LEFT JOIN lectern.event_details AS d ON d.tutorial_event_id = e.id) AS events";

pub async fn measure(stage: &Stage, runs: usize) -> Result<Vec<Figure>> {
    create_ready(stage).await?;
    let file = stage.write("timetable.xlsx", &timetable_workbook(EVENTS)?)?;
    let file = file.to_string_lossy().into_owned();
    let copied = check_equal_results(stage, &file).await?;

    let (mut whole, mut copy, mut django) = (Samples::default(), Samples::default(), Samples::default());
    let mut stages = Stages::default();
    for _ in 0..runs {
        whole.push(import(stage, "lectern", &file).await?.1);
        copy.push(copy_all(stage, &copied).await?);
        django.push(peer(stage, &file).await?);
        stages.measure(stage, &file).await?;
    }
    stages.print();
    let what = |what: &str| format!("{what} of {EVENTS} events");
    Ok(vec![
        Figure::at_most(&what("applying an import"), &stages.applied, ("raw COPY", &copy), 2.5),
        Figure::at_most(&what("the whole `import --deliver queue`"), &whole, ("raw COPY", &copy), 2.5),
        Figure::faster(&what("the whole `import --deliver queue`"), &whole, ("openpyxl + bulk_create", &django), 4.0),
        Figure::at_most(
            &what("reading, planning, applying"),
            &stages.queued,
            ("without effects", &stages.without_effects),
            1.2,
        ),
    ])
}

/// Creates the database [`READY`].
pub async fn create_ready(stage: &Stage) -> Result<()> {
    let provider = provider();
    let config = stage.config("postgres")?;
    let simulator = simulator(remote::tenant(&provider, &config.administrate.labels), Duration::ZERO).await?;
    let pool = stage.create(READY).await?;
    local::fill(&mut *pool.acquire().await?, &provider).await?;
    run(stage.program(READY, Some(&simulator), &["sync", "all", "--no-prompt"])).await?;
    sqlx::query("ANALYZE").execute(&pool).await?;
    pool.close().await;
    simulator.stop().await;
    Ok(())
}

/// Imports into a new copy of [`READY`]; returns the document and the seconds that it took.
async fn import(stage: &Stage, database: &str, file: &str) -> Result<(serde_json::Value, f64)> {
    stage.copy(database, READY).await?;
    let result = run(stage.program(database, None, &["import", file, "--deliver", "queue", "--json"])).await?;
    Ok((result.document()?, result.seconds))
}

async fn peer(stage: &Stage, file: &str) -> Result<f64> {
    stage.copy("django", READY).await?;
    let result = run(stage.peer("django", None, &[&peer_file("import_timetable.py"), file])).await?;
    Ok(result.stdout.trim().parse()?)
}

/// Names of tables and their rows in the text format of COPY.
type Contents = Vec<(&'static str, Vec<u8>)>;

/// Checks that import, COPY and the peer write the same data; returns the rows.
async fn check_equal_results(stage: &Stage, file: &str) -> Result<Contents> {
    let (document, _) = import(stage, "lectern", file).await?;
    if document["counts"]["created"] != EVENTS {
        return Err(format!("the import did not create {EVENTS} events: {}", document["counts"]).into());
    }
    peer(stage, file).await?;
    let mut copied = Contents::new();
    let pool = stage.connect("lectern").await?;
    for table in TABLES {
        let rows = pool.copy_out_raw(&format!("COPY {table} TO STDOUT")).await?;
        let parts: Vec<_> = rows.try_collect().await?;
        copied.push((table, parts.concat()));
    }
    let expected = digest(&pool).await?;
    pool.close().await;
    copy_all(stage, &copied).await?;
    for other in ["django", "copied"] {
        let pool = stage.connect(other).await?;
        let actual = digest(&pool).await?;
        pool.close().await;
        if actual != expected {
            return Err(format!("{other} wrote other data: {actual:?} instead of {expected:?}").into());
        }
    }
    Ok(copied)
}

async fn digest(pool: &PgPool) -> Result<(i64, String)> {
    let row = sqlx::query(DIGEST).fetch_one(pool).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Writes the same rows by COPY in one transaction; returns the seconds that it took.
async fn copy_all(stage: &Stage, copied: &Contents) -> Result<f64> {
    stage.copy("copied", READY).await?;
    let pool = stage.connect("copied").await?;
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

/// Durations of the stages of an import, measured on the functions of the library.
#[derive(Default)]
struct Stages {
    read: Samples,
    loaded: Samples,
    planned: Samples,
    applied: Samples,
    /// All stages.
    queued: Samples,
    /// All stages, without outbox rows.
    without_effects: Samples,
}

impl Stages {
    async fn measure(&mut self, stage: &Stage, file: &str) -> Result<()> {
        for with_effects in [true, false] {
            stage.copy("staged", READY).await?;
            let pool = stage.connect("staged").await?;
            let config = stage.config("staged")?;
            let mut watch = Watch::start();
            let loaded = run::load(file.as_ref(), &config)?;
            let read = watch.lap();
            let mut db = pool.acquire().await?;
            let local = store::local_state(&mut db, &loaded.timetable).await?;
            let template_ids = store::template_ids(&loaded.timetable, &local);
            let remote = store::stored_remote_state(&mut db, &template_ids).await?;
            drop(db);
            let state_loaded = watch.lap();
            let import = ImportOptions { deliver: DeliveryMode::Queue, ..ImportOptions::default() };
            let options = PlannerOptions { labels: &config.administrate.labels, sittings: &config.sittings, import };
            let plan = plan(&loaded.timetable, &local, &remote, options);
            let planned = watch.lap();
            let run =
                lectern::runs::begin(&mut *pool.acquire().await?, lectern::runs::RunKind::Import, "bench").await?;
            let options = ApplyOptions { run, blocks_per_batch: config.import.blocks_per_batch, import };
            if with_effects {
                apply(&pool, &plan, |_| serde_json::json!({}), options, &CancellationToken::new()).await?;
            } else {
                apply_without_effects(&pool, &plan, options).await?;
            }
            let applied = watch.lap();
            let all = read + state_loaded + planned + applied;
            pool.close().await;
            if with_effects {
                self.read.push(read);
                self.loaded.push(state_loaded);
                self.planned.push(planned);
                self.applied.push(applied);
                self.queued.push(all);
            } else {
                self.without_effects.push(all);
            }
        }
        Ok(())
    }

    fn print(&self) {
        let ms = |samples: &Samples| samples.median() * 1000.0;
        eprintln!(
            "stages of an import: read {:.0} ms, load state {:.0} ms, plan {:.0} ms, apply {:.0} ms",
            ms(&self.read),
            ms(&self.loaded),
            ms(&self.planned),
            ms(&self.applied)
        );
    }
}

/// Does the same as [`apply`], on as many connections, without writing outbox rows.
async fn apply_without_effects(pool: &PgPool, plan: &ImportPlan, options: ApplyOptions) -> Result<()> {
    let items: Vec<&PlanItem> = plan.items.iter().collect();
    let batches = stream::iter(items.chunks(options.blocks_per_batch));
    batches.map(Ok).try_for_each_concurrent(WRITERS, |batch| write_without_effects(pool, batch, options.run)).await
}

async fn write_without_effects(pool: &PgPool, batch: &[&PlanItem], run: i64) -> Result<()> {
    let events: Vec<Event> = batch.iter().filter_map(|item| Some(item.event.as_ref()?.event.clone())).collect();
    let mut transaction = pool.begin().await?;
    let ids = tutorials::store::insert_events(&mut transaction, &events).await?;
    let known: Vec<(i64, &Event)> = ids.into_iter().zip(&events).collect();
    tutorials::store::insert_sessions(&mut transaction, &known).await?;
    history::store::store_outcomes(&mut transaction, run, batch, &vec![serde_json::json!({}); batch.len()]).await?;
    Ok(transaction.commit().await?)
}

struct Watch(Instant);

impl Watch {
    fn start() -> Self {
        Watch(Instant::now())
    }

    /// Returns the seconds since the last lap.
    fn lap(&mut self) -> f64 {
        std::mem::replace(&mut self.0, Instant::now()).elapsed().as_secs_f64()
    }
}
