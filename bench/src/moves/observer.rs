//! Observers of locks that know nothing of the program: a reader, and the log of the server.

use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::stage::Stage;

/// A reader that reads one row again and again, under the former name or the new one.
pub struct Reader {
    stop: CancellationToken,
    task: JoinHandle<Result<f64>>,
}

const NAMES: [&str; 2] = ["public.\"adm.locations\"", "adm.locations"];

impl Reader {
    pub async fn start(stage: &Stage, database: &str) -> Result<Reader> {
        let connection = PgConnection::connect(&stage.admin_url(database)).await?;
        let stop = CancellationToken::new();
        Ok(Reader { task: tokio::spawn(read(connection, stop.clone())), stop })
    }

    /// Returns the longest wait for a row in seconds.
    pub async fn stop(self) -> Result<f64> {
        self.stop.cancel();
        self.task.await?
    }
}

async fn read(mut connection: PgConnection, stop: CancellationToken) -> Result<f64> {
    let (mut longest, mut name): (f64, usize) = (0.0, 0);
    let mut is_warm = false;
    while !stop.is_cancelled() {
        let started = Instant::now();
        if read_row(&mut connection, NAMES[name]).await.is_err() {
            name = 1 - name;
            read_row(&mut connection, NAMES[name]).await?;
        }
        if std::mem::replace(&mut is_warm, true) {
            longest = longest.max(started.elapsed().as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    connection.close().await?;
    Ok(longest)
}

async fn read_row(connection: &mut PgConnection, name: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(format!("SELECT FROM {name} LIMIT 1"))).execute(connection).await?;
    Ok(())
}

/// Returns how long each transaction of a log had its locks of tables, in seconds: from the start of the statement that
/// takes them to the end of the commit.
pub fn locked_in(log: &str) -> Vec<f64> {
    let mut found = Vec::new();
    let mut open: Option<(String, f64)> = None;
    let mut entry = String::new();
    for line in log.lines().chain(["."]) {
        if line.starts_with('\t') {
            entry.push_str(line);
            continue;
        }
        if let Some((process, ended, seconds)) = duration(&entry) {
            if entry.contains("LOCK TABLE ") {
                open = Some((process, ended - seconds));
            } else if let Some((_, locked)) =
                open.take_if(|(locker, _)| *locker == process && entry.ends_with("COMMIT"))
            {
                found.push(ended - locked);
            }
        }
        line.clone_into(&mut entry);
    }
    found
}

/// Reads `2026-11-30 03:13:11.123 UTC [4711] LOG:  duration: 1.234 ms  statement: …`.
fn duration(entry: &str) -> Option<(String, f64, f64)> {
    let (head, rest) = entry.split_once("LOG:  duration: ")?;
    let (at, process) = head.split_once(" UTC ")?;
    let at: DateTime = at.parse().ok()?;
    let ended = at.duration_since(DateTime::default()).as_secs_f64();
    let milliseconds: f64 = rest.split_once(" ms")?.0.parse().ok()?;
    Some((process.trim().to_owned(), ended, milliseconds / 1000.0))
}
