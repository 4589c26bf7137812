//! Bringing events to an Administrate that answers slowly: how many requests, and how long beside the least possible.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use administrate_sim::Tenant;
use lectern::demo::remote;

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

/// The window of the allowance.
const WINDOW_SECONDS: f64 = 300.0;

/// How long an import is to wait for its allowance.
const WAITED_SECONDS: f64 = 20.0;

pub async fn measure(world: &World) -> Result<Vec<Figure>> {
    if world.connect(READY).await.is_err() {
        ready(world).await?;
    }
    let config = world.config(READY)?;
    let file = world.write("delivered.xlsx", &timetable_workbook(EVENTS)?)?;
    let mut figures = Vec::new();
    let mut calls = 0;
    for latency in LATENCIES {
        let simulator = simulator(remote::tenant(&provider(), &config.administrate.labels), latency).await?;
        world.copy("delivered", READY).await?;
        let command = world.program("delivered", Some(&simulator), &["import", &file.to_string_lossy(), "--json"]);
        let ran = run(command).await?;
        let delivered = &ran.document()?["delivery"]["delivered"];
        if *delivered != EVENTS || !is_complete(&simulator.tenant()) {
            return Err(format!("{delivered} of {EVENTS} events arrived").into());
        }
        let requests = simulator.requests();
        simulator.stop().await;
        calls = requests.total;
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
    figures.push(within_allowance(world, &file, calls).await?);
    Ok(figures)
}

/// The same import where the allowance is what it waits for: all but so many of its calls go out at once, the rest as
/// permits grow back.
async fn within_allowance(world: &World, file: &Path, calls: u64) -> Result<Figure> {
    let config = world.config(READY)?;
    let permits = calls as f64 * WINDOW_SECONDS / (WINDOW_SECONDS + WAITED_SECONDS);
    let permits = permits.floor();
    let simulator = simulator(remote::tenant(&provider(), &config.administrate.labels), Duration::ZERO).await?;
    world.copy("delivered", READY).await?;
    let mut command = world.program("delivered", Some(&simulator), &["import", &file.to_string_lossy(), "--json"]);
    command.env("ADMINISTRATE_RATE_LIMIT", permits.to_string());
    let ran = run(command).await?;
    let requests = simulator.requests();
    let is_complete = is_complete(&simulator.tenant());
    simulator.stop().await;
    if ran.document()?["delivery"]["delivered"] != EVENTS || !is_complete {
        return Err(format!("not all of {EVENTS} events arrived within an allowance of {permits}").into());
    }
    let (mut took, mut bound) = (Samples::default(), Samples::default());
    took.push(ran.seconds);
    bound.push((requests.total as f64 - permits) / (permits / WINDOW_SECONDS));
    let what = format!("import and delivery of {EVENTS} events, {permits} requests allowed in five minutes");
    Ok(Figure::at_most(&what, &took, ("(calls - burst) / allowance", &bound), 1.2))
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
