//! Readers and writers beside a migration: a thousand statements in a second, planned in advance, so that a statement
//! that has to wait for the one before counts that wait too.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::living::{OTHER_ROWS, TABLES};
use crate::Result;
use crate::program::{ProgramResult, run};
use crate::stage::Stage;

const CLIENTS: u32 = 20;
const INTERVAL: Duration = Duration::from_millis(20);

/// How long the clients work before the migration and after it.
const ALONE: Duration = Duration::from_secs(5);

/// A statement: when it was due, in seconds, and how long it took from then.
#[derive(Clone, Copy)]
pub struct Done {
    pub is_write: bool,
    pub due: Instant,
    pub seconds: f64,
}

/// What clients met before the migration and during it, first as readers, then as writers.
pub struct Load {
    pub before: [Waits; 2],
    pub during: [Waits; 2],
    pub failures: Vec<String>,
    pub program: ProgramResult,
}

/// Waits of statements in seconds.
pub struct Waits {
    pub count: usize,
    pub p99: f64,
    pub max: f64,
}

/// Runs a migration beside clients who call the tables by these names.
pub async fn beside(stage: &Stage, database: &str, prefix: &str, arguments: &[&str]) -> Result<Load> {
    let (stop, mut clients) = (CancellationToken::new(), JoinSet::new());
    for number in 0..CLIENTS {
        let options: PgConnectOptions = stage.url(database).parse()?;
        let connection = PgConnection::connect_with(&options.options([("search_path", "adm,public")])).await?;
        clients.spawn(work(connection, number, prefix.to_owned(), stop.clone()));
    }
    // Plans and caches are made.
    tokio::time::sleep(ALONE / 2).await;
    let alone = Instant::now();
    tokio::time::sleep(ALONE).await;
    let started = Instant::now();
    let program = run(stage.program(database, None, arguments)).await;
    let ended = Instant::now();
    tokio::time::sleep(ALONE / 5).await;
    stop.cancel();
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    while let Some(client) = clients.join_next().await {
        let (of_client, failed) = client??;
        done.extend(of_client);
        failures.extend(failed);
    }
    let waits = |from, to| [false, true].map(|is_write| Waits::of(&done, is_write, from, to));
    Ok(Load { before: waits(alone, started), during: waits(started, ended), failures, program: program? })
}

/// Reads or writes until it is stopped.
async fn work(
    mut connection: PgConnection,
    number: u32,
    prefix: String,
    stop: CancellationToken,
) -> Result<(Vec<Done>, Vec<String>)> {
    let name = |table: &str| format!("\"{prefix}{table}\"");
    let reads = TABLES.map(|table| format!("SELECT external_id FROM {} WHERE id = $1", name(table)));
    let writes = TABLES.map(|table| format!("UPDATE {} SET external_id = external_id WHERE id = $1", name(table)));
    // No client waits for another kind of statement.
    let is_write = number % 2 == 1;
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    let first = tokio::time::Instant::now() + INTERVAL * number / CLIENTS;
    let mut ticks = tokio::time::interval_at(first, INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for turn in number.. {
        let due = ticks.tick().await.into_std();
        if stop.is_cancelled() {
            break;
        }
        let table = turn as usize % TABLES.len();
        let sql = if is_write { &writes[table] } else { &reads[table] };
        let id = i64::from(turn.wrapping_mul(7919) % OTHER_ROWS) + 1;
        let ended = sqlx::query(AssertSqlSafe(sql.clone())).bind(id).execute(&mut connection).await;
        match ended {
            Ok(result) if result.rows_affected() == 1 => {}
            Ok(result) => failures.push(format!("{sql}: {} rows", result.rows_affected())),
            Err(error) => failures.push(format!("{sql}: {error}")),
        }
        done.push(Done { is_write, due, seconds: due.elapsed().as_secs_f64() });
    }
    connection.close().await?;
    Ok((done, failures))
}

impl Waits {
    /// Of the reads or writes that were due or waiting in this time.
    pub fn of(done: &[Done], is_write: bool, from: Instant, to: Instant) -> Waits {
        let within = |done: &&Done| {
            done.is_write == is_write && done.due + Duration::from_secs_f64(done.seconds) >= from && done.due < to
        };
        let mut seconds: Vec<f64> = done.iter().filter(within).map(|done| done.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let at = |share: f64| seconds.get((seconds.len() as f64 * share) as usize).copied().unwrap_or_default();
        Waits { count: seconds.len(), p99: at(0.99), max: seconds.last().copied().unwrap_or_default() }
    }
}
