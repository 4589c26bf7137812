//! Synchronising reference data: beside a peer that does it row by row in Django's ORM against the same simulator, as
//! requests beside the least possible, and as memory.

use std::time::Duration;

use administrate_sim::{RunningSimulator, Tenant};
use lectern::demo::{local, remote};
use lectern::tutorials::reference;
use sqlx::{PgPool, Row};

use crate::Result;
use crate::figure::{Figure, Samples};
use crate::program::{Ran, run};
use crate::provider::references;
use crate::world::{World, peer_file, simulator};

const RECORDS: usize = 10_000;
const MANY_RECORDS: usize = 100_000;

/// What the peer does too.
const ENTITIES: [&str; 4] = ["locations", "venues", "instructors", "course-templates"];

/// What Administrate returns at most in one answer.
const PAGE: u64 = 100;

/// The links that a sync makes.
const ANSWER: &str = "SELECT md5(string_agg(said, E'\n' ORDER BY said COLLATE \"C\")), count(*) FROM (
    SELECT concat_ws('|', 'location', external_id, tutorial_location_id) AS said FROM adm.locations
    UNION ALL SELECT concat_ws('|', 'venue', external_id, location_id, tutorial_venue_id) FROM adm.venues
    UNION ALL SELECT concat_ws('|', 'instructor', external_id, tutorial_instructor_id) FROM adm.instructors
    UNION ALL SELECT concat_ws('|', 'template', external_id, lower(event_learning_mode), tutorial_course_template_id)
    FROM adm.course_templates) AS links";

pub async fn measure(world: &World, runs: usize) -> Result<Vec<Figure>> {
    let simulator = ready(world, "linkable", RECORDS).await?;
    let (mut ours, mut django) = (Samples::default(), Samples::default());
    let mut requests = 0;
    for turn in 0..runs.min(3) {
        world.copy("synced", "linkable").await?;
        let before = simulator.requests();
        ours.push(sync(world, &simulator).await?);
        let after = simulator.requests();
        requests = ENTITIES.iter().map(|entity| of(&after, entity) - of(&before, entity)).sum();
        world.copy("synced_by_django", "linkable").await?;
        let peer = world.peer("synced_by_django", Some(&simulator), &[&peer_file("sync_references.py")]);
        django.push(run(peer).await?.printed.trim().parse()?);
        if turn == 0 {
            same_answers(world).await?;
        }
    }
    simulator.stop().await;
    // Instructors are one list, administrators, none here, another.
    let least = 4 * (RECORDS as u64 / 4).div_ceil(PAGE) + 1;
    Ok(vec![
        Figure::faster(&format!("sync of {RECORDS} records"), &ours, ("row by row in Django's ORM", &django), 30.0),
        Figure::count(&format!("requests for the lists of {RECORDS} records"), requests, ("least possible", least)),
    ])
}

fn of(requests: &administrate_sim::Requests, entity: &str) -> u64 {
    let operation = match entity {
        "instructors" => "contacts",
        "course-templates" => "courseTemplates",
        other => other,
    };
    requests.of(operation)
}

pub async fn measure_memory(world: &World) -> Result<Vec<Figure>> {
    let simulator = ready(world, "many_references", MANY_RECORDS).await?;
    let mut peak = 0;
    let mut figures = Vec::new();
    for entity in ENTITIES {
        let ran = sync_entity(world, "many_references", &simulator, entity).await?;
        eprintln!("{entity}: {:.2} s, {} MB", ran.seconds, ran.peak >> 20);
        peak = peak.max(ran.peak);
    }
    figures.push(Figure::memory(&format!("peak memory of a sync of {MANY_RECORDS} records"), peak, 100));
    simulator.stop().await;
    Ok(figures)
}

/// A database and a tenant that hold the same records, and know nothing of each other yet.
async fn ready(world: &World, database: &str, records: usize) -> Result<RunningSimulator> {
    let provider = references(records);
    let config = world.config("postgres")?;
    let tenant: Tenant = remote::tenant(&provider, &config.administrate.labels);
    let pool = world.create(database).await?;
    reference::add(&mut *pool.acquire().await?, &local::references_of(&provider)).await?;
    sqlx::query("ANALYZE").execute(&pool).await?;
    pool.close().await;
    let simulator = simulator(tenant, Duration::ZERO).await?;
    run(world.program(database, Some(&simulator), &["sync", "custom-fields", "--no-prompt"])).await?;
    Ok(simulator)
}

/// The four entities by four commands; gives how long they took together.
async fn sync(world: &World, simulator: &RunningSimulator) -> Result<f64> {
    let mut seconds = 0.0;
    for entity in ENTITIES {
        seconds += sync_entity(world, "synced", simulator, entity).await?.seconds;
    }
    Ok(seconds)
}

async fn sync_entity(world: &World, database: &str, simulator: &RunningSimulator, entity: &str) -> Result<Ran> {
    run(world.program(database, Some(simulator), &["sync", entity, "--no-prompt", "--json"])).await
}

async fn same_answers(world: &World) -> Result<()> {
    let mut answers = Vec::new();
    for database in ["synced", "synced_by_django"] {
        let pool = world.connect(database).await?;
        answers.push(answer(&pool).await?);
        pool.close().await;
    }
    match answers.as_slice() {
        [ours, theirs] if ours == theirs && ours.1 == RECORDS as i64 => Ok(()),
        _ => Err(format!("Django linked otherwise: {answers:?}").into()),
    }
}

async fn answer(pool: &PgPool) -> Result<(String, i64)> {
    let row = sqlx::query(ANSWER).fetch_one(pool).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
