//! Delivery to a slow Administrate: number of requests, and time compared with the least possible.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use administrate_sim::Tenant;
use lectern::demo::remote;

use crate::Result;
use crate::figure::{Figure, Samples};
use crate::import::{READY, create_ready};
use crate::parse::timetable_workbook;
use crate::program::run;
use crate::provider::{provider, timetable};
use crate::stage::{Stage, simulator};

const EVENTS: usize = 200;

/// Latency of every response of Administrate.
const LATENCIES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(100)];

/// Window of the rate limit.
const WINDOW_SECONDS: f64 = 300.0;

/// How long the rate limit delays the import.
const RATE_LIMIT_DELAY_SECONDS: f64 = 20.0;

pub async fn measure(stage: &Stage) -> Result<Vec<Figure>> {
    if stage.connect(READY).await.is_err() {
        create_ready(stage).await?;
    }
    let config = stage.config(READY)?;
    let file = stage.write("delivered.xlsx", &timetable_workbook(EVENTS)?)?;
    let mut figures = Vec::new();
    let mut calls = 0;
    for latency in LATENCIES {
        let simulator = simulator(remote::tenant(&provider(), &config.administrate.labels), latency).await?;
        stage.copy("delivered", READY).await?;
        let command = stage.program("delivered", Some(&simulator), &["import", &file.to_string_lossy(), "--json"]);
        let result = run(command).await?;
        let delivered = &result.document()?["delivery"]["delivered"];
        if *delivered != EVENTS || !is_complete(&simulator.tenant()) {
            return Err(format!("{delivered} of {EVENTS} events were delivered").into());
        }
        let requests = simulator.requests();
        simulator.stop().await;
        calls = requests.total;
        let mutations = writes(&requests.by_operation);
        let reads = requests.total - mutations;
        eprintln!("latency {latency:?}: {:?}", requests.by_operation);
        if figures.is_empty() {
            figures.push(Figure::count(
                &format!("writes for {EVENTS} events with {} sessions", sessions()),
                mutations,
                ("least possible", least_writes()),
            ));
            figures.push(Figure {
                goal: "no lookup per row".to_owned(),
                ratio: String::new(),
                met: reads < EVENTS as u64 / 2,
                ..Figure::count("reads of the same import (login, remote state)", reads, ("events", EVENTS as u64))
            });
        }
        let mut time = Samples::default();
        time.push(result.seconds);
        let mut bound = Samples::default();
        bound.push(requests.total as f64 * latency.as_secs_f64() / config.delivery.parallel as f64);
        figures.push(Figure::at_most(
            &format!("import and delivery of {EVENTS} events, latency {} ms", latency.as_millis()),
            &time,
            ("calls × latency / parallelism", &bound),
            1.2,
        ));
    }
    figures.push(within_rate_limit(stage, &file, calls).await?);
    Ok(figures)
}

/// Measures the same import with a rate limit below its number of requests and without latency. Most requests are sent
/// at once, the others as the limit allows.
async fn within_rate_limit(stage: &Stage, file: &Path, calls: u64) -> Result<Figure> {
    let config = stage.config(READY)?;
    let permits = calls as f64 * WINDOW_SECONDS / (WINDOW_SECONDS + RATE_LIMIT_DELAY_SECONDS);
    let permits = permits.floor();
    let simulator = simulator(remote::tenant(&provider(), &config.administrate.labels), Duration::ZERO).await?;
    stage.copy("delivered", READY).await?;
    let mut command = stage.program("delivered", Some(&simulator), &["import", &file.to_string_lossy(), "--json"]);
    command.env("ADMINISTRATE_RATE_LIMIT", permits.to_string());
    let result = run(command).await?;
    let requests = simulator.requests();
    let is_complete = is_complete(&simulator.tenant());
    simulator.stop().await;
    if result.document()?["delivery"]["delivered"] != EVENTS || !is_complete {
        return Err(format!("not all of {EVENTS} events were delivered with a rate limit of {permits}").into());
    }
    let (mut time, mut bound) = (Samples::default(), Samples::default());
    time.push(result.seconds);
    bound.push((requests.total as f64 - permits) / (permits / WINDOW_SECONDS));
    let what = format!("import and delivery of {EVENTS} events, {permits} requests allowed in five minutes");
    Ok(Figure::at_most(&what, &time, ("(calls - burst) / rate", &bound), 1.2))
}

/// Returns the number of mutations, such as `event.createBlended`; lists and the login have no full stop in their name.
fn writes(by_operation: &BTreeMap<String, u64>) -> u64 {
    by_operation.iter().filter(|(operation, _)| operation.contains('.')).map(|(_, count)| count).sum()
}

fn sessions() -> usize {
    timetable(EVENTS).iter().map(|event| event.sessions.len()).sum()
}

/// Returns the least number of writes: one create per event, one update and one addStaff per session, one addStaffBulk
/// per event and role.
fn least_writes() -> u64 {
    let calls = |event: &lectern::demo::timetable::Planned| {
        let roles = usize::from(!event.instructors.is_empty()) + usize::from(event.administrator.is_some());
        1 + 2 * event.sessions.len() + roles
    };
    timetable(EVENTS).iter().map(calls).sum::<usize>() as u64
}

fn is_complete(tenant: &Tenant) -> bool {
    tenant.events.len() == EVENTS && tenant.sessions.len() == sessions()
}
