//! Sync of reference data: time compared with a Django program that syncs row by row with the same simulator, number of
//! requests compared with the least possible, and peak memory.

use std::time::Duration;

use administrate_sim::{RunningSimulator, Tenant};
use lectern::demo::{local, remote};
use lectern::tutorials::reference;
use sqlx::{PgPool, Row};

use crate::Result;
use crate::figure::{Figure, Samples};
use crate::program::{ProgramResult, run};
use crate::provider::references;
use crate::stage::{Stage, peer_file, simulator};

const RECORDS: usize = 10_000;
const MANY_RECORDS: usize = 100_000;

/// Entities that the peer syncs, too.
const ENTITIES: [&str; 4] = ["locations", "venues", "instructors", "course-templates"];

/// The most records in a response of Administrate.
const PAGE_SIZE: u64 = 100;

/// Digest of the links that a sync creates.
const DIGEST: &str = "SELECT md5(string_agg(line, E'\n' ORDER BY line COLLATE \"C\")), count(*) FROM (
    SELECT concat_ws('|', 'location', external_id, tutorial_location_id) AS line FROM adm.locations
    UNION ALL SELECT concat_ws('|', 'venue', external_id, location_id, tutorial_venue_id) FROM adm.venues
    UNION ALL SELECT concat_ws('|', 'instructor', external_id, tutorial_instructor_id) FROM adm.instructors
    UNION ALL SELECT concat_ws('|', 'template', external_id, lower(event_learning_mode), tutorial_course_template_id)
    FROM adm.course_templates) AS links";

pub async fn measure(stage: &Stage, runs: usize) -> Result<Vec<Figure>> {
    let simulator = prepare(stage, "linkable", RECORDS).await?;
    let (mut lectern, mut django) = (Samples::default(), Samples::default());
    let mut requests = 0;
    for turn in 0..runs.min(3) {
        stage.copy("synced", "linkable").await?;
        let before = simulator.requests();
        lectern.push(sync(stage, &simulator).await?);
        let after = simulator.requests();
        requests = ENTITIES.iter().map(|entity| requests_of(&after, entity) - requests_of(&before, entity)).sum();
        stage.copy("synced_by_django", "linkable").await?;
        let peer = stage.peer("synced_by_django", Some(&simulator), &[&peer_file("sync_references.py")]);
        django.push(run(peer).await?.stdout.trim().parse()?);
        if turn == 0 {
            check_equal_results(stage).await?;
        }
    }
    simulator.stop().await;
    // Instructors and administrators are separate lists; the second one is empty.
    let least = 4 * (RECORDS as u64 / 4).div_ceil(PAGE_SIZE) + 1;
    Ok(vec![
        Figure::faster(&format!("sync of {RECORDS} records"), &lectern, ("row by row in Django's ORM", &django), 30.0),
        Figure::count(&format!("requests for the lists of {RECORDS} records"), requests, ("least possible", least)),
    ])
}

/// Returns the number of requests for the list of an entity.
fn requests_of(requests: &administrate_sim::Requests, entity: &str) -> u64 {
    let operation = match entity {
        "instructors" => "contacts",
        "course-templates" => "courseTemplates",
        other => other,
    };
    requests.of(operation)
}

pub async fn measure_memory(stage: &Stage) -> Result<Vec<Figure>> {
    let simulator = prepare(stage, "many_references", MANY_RECORDS).await?;
    let mut peak = 0;
    let mut figures = Vec::new();
    for entity in ENTITIES {
        let result = sync_entity(stage, "many_references", &simulator, entity).await?;
        eprintln!("{entity}: {:.2} s, {} MB", result.seconds, result.peak >> 20);
        peak = peak.max(result.peak);
    }
    figures.push(Figure::memory(&format!("peak memory of a sync of {MANY_RECORDS} records"), peak, 100));
    simulator.stop().await;
    Ok(figures)
}

/// Creates a database and a simulator with the same records and no links between them.
async fn prepare(stage: &Stage, database: &str, records: usize) -> Result<RunningSimulator> {
    let provider = references(records);
    let config = stage.config("postgres")?;
    let tenant: Tenant = remote::tenant(&provider, &config.administrate.labels);
    let pool = stage.create(database).await?;
    reference::add(&mut *pool.acquire().await?, &local::references_of(&provider)).await?;
    sqlx::query("ANALYZE").execute(&pool).await?;
    pool.close().await;
    let simulator = simulator(tenant, Duration::ZERO).await?;
    run(stage.program(database, Some(&simulator), &["sync", "custom-fields", "--no-prompt"])).await?;
    Ok(simulator)
}

/// Syncs the four entities by four commands; returns their total time in seconds.
async fn sync(stage: &Stage, simulator: &RunningSimulator) -> Result<f64> {
    let mut seconds = 0.0;
    for entity in ENTITIES {
        seconds += sync_entity(stage, "synced", simulator, entity).await?.seconds;
    }
    Ok(seconds)
}

async fn sync_entity(
    stage: &Stage,
    database: &str,
    simulator: &RunningSimulator,
    entity: &str,
) -> Result<ProgramResult> {
    run(stage.program(database, Some(simulator), &["sync", entity, "--no-prompt", "--json"])).await
}

/// Checks that Lectern and the peer created the same links.
async fn check_equal_results(stage: &Stage) -> Result<()> {
    let mut digests = Vec::new();
    for database in ["synced", "synced_by_django"] {
        let pool = stage.connect(database).await?;
        digests.push(digest(&pool).await?);
        pool.close().await;
    }
    match digests.as_slice() {
        [lectern, peer] if lectern == peer && lectern.1 == RECORDS as i64 => Ok(()),
        _ => Err(format!("Django created other links: {digests:?}").into()),
    }
}

async fn digest(pool: &PgPool) -> Result<(String, i64)> {
    let row = sqlx::query(DIGEST).fetch_one(pool).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
