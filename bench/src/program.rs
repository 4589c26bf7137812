//! Runs a program, and tells how long it took and how much memory it had.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::Result;

/// How often the memory of a running program is looked at. Its peak is kept by the system, so that only what grows in
/// the last moment before the end is missed.
const LOOK: Duration = Duration::from_millis(5);

/// What became of a program.
pub struct Ran {
    /// From start to end.
    pub seconds: f64,
    /// The most memory that it had at once (`VmHWM`), in bytes.
    pub peak: u64,
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub printed: String,
}

impl Ran {
    /// The document that it printed.
    ///
    /// # Errors
    /// When it printed none.
    pub fn document(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.printed).map_err(|error| format!("{error} in: {}", self.printed).into())
    }
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started, or ends with another code than 0 or 4 (something needs a person).
pub async fn run(command: Command) -> Result<Ran> {
    run_to(command, &[0, 4]).await
}

/// Runs a command to its end, which has one of these exit codes.
///
/// # Errors
/// When it cannot be started, or ends otherwise.
pub async fn run_to(mut command: Command, codes: &[i32]) -> Result<Ran> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let started = Instant::now();
    let child = command.spawn()?;
    let status = child.id().map(|id| format!("/proc/{id}/status")).unwrap_or_default();
    let mut ended = std::pin::pin!(child.wait_with_output());
    let mut peak = 0;
    let output = loop {
        tokio::select! {
            output = &mut ended => break output?,
            () = tokio::time::sleep(LOOK) => peak = peak.max(peak_of(&status)),
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let code = output.status.code().unwrap_or(-1);
    if !codes.contains(&code) {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} ended with {code}: {said}").into());
    }
    Ok(Ran { seconds, peak, code, printed: String::from_utf8_lossy(&output.stdout).into_owned() })
}

fn peak_of(status: &str) -> u64 {
    let status = std::fs::read_to_string(status).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
