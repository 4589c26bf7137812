//! Bringing events to an Administrate that answers slowly: how many requests, and how long beside the least possible.

use std::collections::BTreeMap;
use std::time::Duration;

use administrate_sim::Tenant;
use lectern::demo::theirs;

use crate::Result;
use crate::figure::{Figure, Samples};
use crate::import::{READY, ready};
use crate::parse::timetable_workbook;
use crate::program::run;
use crate::provider::{provider, timetable};
use crate::world::{World, simulator};

const EVENTS: usize = 200;

/// How long Administrate takes for every answer.
const LATENCIES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(100)];

pub async fn measure(world: &World) -> Result<Vec<Figure>> {
    if world.connect(READY).await.is_err() {
        ready(world).await?;
    }
    let config = world.config(READY)?;
    let file = world.write("delivered.xlsx", &timetable_workbook(EVENTS)?)?;
    let mut figures = Vec::new();
    for latency in LATENCIES {
        let simulator = simulator(theirs::tenant(&provider(), &config.administrate.labels), latency).await?;
        world.copy("delivered", READY).await?;
        let command = world.program("delivered", Some(&simulator), &["import", &file.to_string_lossy(), "--json"]);
        let ran = run(command).await?;
        let delivered = &ran.document()?["delivery"]["delivered"];
        if *delivered != EVENTS || !is_complete(&simulator.tenant()) {
            return Err(format!("{delivered} of {EVENTS} events arrived").into());
        }
        let requests = simulator.requests();
        simulator.stop().await;
        let mutations = writes(&requests.by_operation);
        let reads = requests.total - mutations;
        eprintln!("latency {latency:?}: {:?}", requests.by_operation);
        if figures.is_empty() {
            figures.push(Figure::count(
                &format!("writes that {EVENTS} events with {} sessions cost", sessions()),
                mutations,
                ("least possible", least()),
            ));
            figures.push(Figure {
                goal: "no look-up a row".to_owned(),
                ratio: String::new(),
                met: reads < EVENTS as u64 / 2,
                ..Figure::count("reads of the same import (login, facts)", reads, ("events", EVENTS as u64))
            });
        }
        let mut took = Samples::default();
        took.push(ran.seconds);
        let mut bound = Samples::default();
        bound.push(requests.total as f64 * latency.as_secs_f64() / config.delivery.parallel as f64);
        figures.push(Figure::at_most(
            &format!("import and delivery of {EVENTS} events, every answer after {} ms", latency.as_millis()),
            &took,
            ("calls × latency / parallelism", &bound),
            1.2,
        ));
    }
    Ok(figures)
}

/// Everything that names a mutation: `event.createBlended`, but neither a list nor a login.
fn writes(by_operation: &BTreeMap<String, u64>) -> u64 {
    by_operation.iter().filter(|(operation, _)| operation.contains('.')).map(|(_, count)| count).sum()
}

fn sessions() -> usize {
    timetable(EVENTS).iter().map(|event| event.sessions.len()).sum()
}

/// One create an event, an update and an addStaff a session, an addStaffBulk an event and role.
fn least() -> u64 {
    let calls = |event: &lectern::demo::timetable::Planned| {
        let roles = usize::from(!event.instructors.is_empty()) + usize::from(event.administrator.is_some());
        1 + 2 * event.sessions.len() + roles
    };
    timetable(EVENTS).iter().map(calls).sum::<usize>() as u64
}

fn is_complete(tenant: &Tenant) -> bool {
    tenant.events.len() == EVENTS && tenant.sessions.len() == sessions()
}
