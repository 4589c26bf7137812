//! `make torture`: runs many seeds of [`torture`], some in parallel, and prints a table of results.
//!
//! `make torture ARGS="--seeds 1000 --first 1 --at-once 3"`; `--seed N` repeats one seed,
//! `--fault NAME` runs one kind.

#[path = "../it/fixtures"]
#[expect(dead_code, reason = "the integration tests use more of it")]
mod fixtures {
    pub mod import;
    pub mod test_db;
}
#[path = "../it/torture/mod.rs"]
mod torture;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use torture::SeedResult;
use torture::faults::Fault;

/// Run many imports with one fault each
#[derive(Parser)]
struct Arguments {
    /// Number of seeds
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Seeds run in parallel
    #[arg(long = "at-once", default_value_t = 3)]
    parallel: usize,
    /// Run only this seed
    #[arg(long)]
    seed: Option<u64>,
    /// Run only the seeds of this fault, named as in the table
    #[arg(long)]
    fault: Option<String>,
}

/// Results of all seeds of one kind of fault.
#[derive(Default)]
struct FaultRow {
    seeds: usize,
    by_first_run: usize,
    by_rerun: usize,
    escalated: usize,
    failed: Vec<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seeds = match arguments.seed {
        Some(seed) => seed..seed + 1,
        None => arguments.first..arguments.first + arguments.seeds,
    };
    let started = Instant::now();
    let is_selected = |seed: &u64| arguments.fault.as_deref().is_none_or(|name| Fault::of(*seed).1.name() == name);
    let rows = run_seeds(seeds.filter(is_selected).collect(), arguments.parallel).await;
    print(&rows);
    println!("{} seconds", started.elapsed().as_secs());
    if rows.values().all(|row| row.failed.is_empty()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Rows by fault and scenario.
type Rows = BTreeMap<(&'static str, &'static str), FaultRow>;

async fn run_seeds(seeds: Vec<u64>, parallel: usize) -> Rows {
    let reference = Arc::new(torture::reference().await);
    let places = Arc::new(Semaphore::new(parallel.max(1)));
    let mut running = JoinSet::new();
    for seed in seeds {
        let (reference, places) = (reference.clone(), places.clone());
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            let fault = Fault::of(seed);
            (seed, fault, torture::run_seed(seed, fault, &reference).await)
        });
    }
    let mut rows = Rows::new();
    while let Some(finished) = running.join_next().await {
        let done: usize = rows.values().map(|row| row.seeds).sum();
        if done % 100 == 99 {
            println!("{} seeds run", done + 1);
        }
        match finished {
            Ok((seed, (scenario, fault), result)) => {
                record(rows.entry((fault.name(), scenario.name())).or_default(), seed, fault, &result);
            }
            Err(error) => {
                println!("a seed could not be run: {error}");
                rows.entry(("not run", "")).or_default().failed.push(0);
            }
        }
    }
    rows
}

fn record(row: &mut FaultRow, seed: u64, fault: Fault, result: &SeedResult) {
    row.seeds += 1;
    row.by_first_run += usize::from(result.reruns == 0);
    row.by_rerun += usize::from(result.reruns > 0 && result.escalations == 0);
    row.escalated += usize::from(result.escalations > 0);
    if !result.errors.is_empty() {
        row.failed.push(seed);
        println!(
            "seed {seed}: {fault:?} exited with {:?}, {} reruns: {:?}",
            result.first_exit, result.reruns, result.errors
        );
    }
}

fn print(rows: &Rows) {
    let head = [
        "fault",
        "import",
        "seeds",
        "done by the first run",
        "done by a rerun",
        "needed a decision",
        "failed",
        "failed seeds",
    ];
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY).set_header(head);
    for ((name, scenario), row) in rows {
        let counts =
            [row.seeds, row.by_first_run, row.by_rerun, row.escalated, row.failed.len()].map(|count| count.to_string());
        let mut cells = vec![(*name).to_owned(), (*scenario).to_owned()];
        cells.extend(counts);
        cells.push(row.failed.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
        table.add_row(cells);
    }
    println!("{table}");
}
