//! Runs a program and measures its time and memory.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::Result;

/// Interval at which the peak memory of the program is read. The system stores the peak, so only a growth in the last
/// interval is missed.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The result of a program.
pub struct ProgramResult {
    /// Time from start to end.
    pub seconds: f64,
    /// Peak memory (`VmHWM`) in bytes.
    pub peak: u64,
    /// Exit code.
    pub code: i32,
    /// Output on stdout.
    pub stdout: String,
}

impl ProgramResult {
    /// Parses the printed JSON document.
    ///
    /// # Errors
    /// When the output is not JSON.
    pub fn document(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.stdout).map_err(|error| format!("{error} in: {}", self.stdout).into())
    }
}

/// Runs a command until it ends.
///
/// # Errors
/// When the command cannot be started or its exit code is not 0 or 4 (something needs attention).
pub async fn run(command: Command) -> Result<ProgramResult> {
    run_to(command, &[0, 4]).await
}

/// Runs a command until it ends with one of the expected exit codes.
///
/// # Errors
/// When the command cannot be started or ends with another code.
pub async fn run_to(mut command: Command, codes: &[i32]) -> Result<ProgramResult> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let started = Instant::now();
    let child = command.spawn()?;
    let process = child.id().unwrap_or_default();
    let mut ended = std::pin::pin!(child.wait_with_output());
    let mut peak = 0;
    let output = loop {
        tokio::select! {
            output = &mut ended => break output?,
            () = tokio::time::sleep(POLL_INTERVAL) => peak = peak.max(memory_of(process, "VmHWM")),
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let code = output.status.code().unwrap_or(-1);
    if !codes.contains(&code) {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} ended with {code}: {stderr}").into());
    }
    Ok(ProgramResult { seconds, peak, code, stdout: String::from_utf8_lossy(&output.stdout).into_owned() })
}

/// Returns a field of the status of a process that is a memory, such as `VmHWM`, in bytes; 0 if the process has ended.
pub fn memory_of(process: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
