//! The server process: starts, watches and stops it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

use super::access::{Reachability, server_state, write_access_files};
use super::binaries::find_binaries;
use super::cluster::{Cluster, Notify, SERVER_TIMEOUT};
use super::create::{create_cluster, remove_unfinished};
use super::folders::{ClusterFolder, inspect_cluster, log_file};
use super::log::{LastLines, follow};
use super::store::PORT;
use crate::error::{Error, Result};

const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Time after which a start is reported that takes longer than usual, and the interval of later reports.
const REPORT_AFTER: Duration = Duration::from_secs(3);
const REPORT_INTERVAL: Duration = Duration::from_secs(60);
/// Pause before a server is started again whose predecessor has not ended completely.
const PREDECESSOR_PAUSE: Duration = Duration::from_millis(200);
/// The last lines of a server that has ended are read within this time.
const LOG_TIMEOUT: Duration = Duration::from_millis(300);

/// A server that this process started. Dropping it stops the server.
#[derive(Debug)]
pub(super) struct ServerProcess {
    pid: Pid,
    ended: watch::Receiver<bool>,
    lines: LastLines,
}

impl ServerProcess {
    /// Returns a channel that reports the end of the server.
    pub(super) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.clone()
    }

    fn has_ended(&self) -> bool {
        *self.ended.borrow() || self.ended.has_changed().is_err()
    }

    /// Waits for the end of the server; returns whether it ended within the timeout.
    fn has_ended_within(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        while !self.has_ended() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Stops the server. SIGTERM lets connected clients finish; after the timeout, SIGINT disconnects them.
    pub(super) fn stop(&self, timeout: Duration) {
        for (signal, timeout) in [(Signal::SIGTERM, timeout), (Signal::SIGINT, SERVER_TIMEOUT)] {
            // After its end, another process may have its id.
            if !self.has_ended() {
                let _ = kill(self.pid, signal);
            }
            if self.has_ended_within(timeout) {
                return;
            }
        }
    }

    /// Returns the last reason that the server gave.
    pub(super) fn reason(&self) -> String {
        let deadline = Instant::now() + LOG_TIMEOUT;
        loop {
            match self.lines.reason() {
                Some(reason) => return reason,
                None if Instant::now() >= deadline => return "it gave no reason".to_owned(),
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.stop(Duration::from_millis(500));
        }
    }
}

/// Starts the server and waits until it accepts connections, however long it recovers. Creates the cluster if it does not
/// exist. The caller has locked the data folder.
///
/// # Errors
/// When no suitable server is installed, or it does not start.
pub(super) async fn start(cluster: &Cluster, notify: &Notify) -> Result<ServerProcess> {
    let deadline = Instant::now() + SERVER_TIMEOUT;
    loop {
        let server = spawn(cluster).await?;
        match wait_until_ready(cluster, &server, notify).await? {
            None => return Ok(server),
            Some(reason) if is_predecessor(&reason) && Instant::now() < deadline => {
                tokio::time::sleep(PREDECESSOR_PAUSE).await;
            }
            Some(reason) => return Err(failed(cluster, &reason)),
        }
    }
}

/// Reports whether a server did not start because parts of an earlier one still run.
fn is_predecessor(reason: &str) -> bool {
    reason.starts_with("lock file \"postmaster.pid\"") || reason.contains("pre-existing shared memory block")
}

fn failed(cluster: &Cluster, reason: &str) -> Error {
    Error::Failed(format!(
        "the private database in {} did not start: {reason} (its log is {})",
        cluster.path.display(),
        log_file(&cluster.data_dir).display()
    ))
}

/// Returns none when the server is ready, or the reason why it ended.
async fn wait_until_ready(cluster: &Cluster, server: &ServerProcess, notify: &Notify) -> Result<Option<String>> {
    let (started, mut report_at) = (Instant::now(), Instant::now() + REPORT_AFTER);
    let mut ended = server.ended();
    let mut silent_since = started;
    loop {
        match server_state(&cluster.sockets, &cluster.path, &cluster.owner).await {
            // Before that, a predecessor that has not ended yet may answer.
            Reachability::Ready | Reachability::Incomplete(_) if runs_as(cluster, server.pid) => return Ok(None),
            Reachability::Ready | Reachability::Incomplete(_) => {}
            Reachability::Foreign(reason) => return Err(failed(cluster, &reason)),
            Reachability::Starting(reason) => {
                silent_since = Instant::now();
                if silent_since >= report_at {
                    notify(&format!(
                        "the private database is not ready ({reason}): waiting until its recovery has ended, see {}",
                        log_file(&cluster.data_dir).display()
                    ));
                    report_at = silent_since + REPORT_INTERVAL;
                }
            }
            Reachability::Absent(reason) if silent_since.elapsed() > SERVER_TIMEOUT => {
                return Err(failed(cluster, &reason));
            }
            Reachability::Absent(_) => {}
        }
        if tokio::time::timeout(POLL_INTERVAL, ended.wait_for(|ended| *ended)).await.is_ok() {
            return Ok(Some(server.reason()));
        }
    }
}

/// Reports whether the process with this id has locked the cluster.
fn runs_as(cluster: &Cluster, pid: Pid) -> bool {
    let text = std::fs::read_to_string(cluster.path.join("postmaster.pid")).unwrap_or_default();
    text.lines().next().is_some_and(|line| line.trim() == pid.to_string())
}

/// Starts the process of the server.
async fn spawn(cluster: &Cluster) -> Result<ServerProcess> {
    let cluster = cluster.clone();
    let spawned = tokio::task::spawn_blocking(move || spawn_blocking(&cluster)).await;
    spawned.map_err(|error| Error::Failed(format!("the database server cannot be started: {error}")))?
}

fn spawn_blocking(cluster: &Cluster) -> Result<ServerProcess> {
    let Cluster { data_dir, path, sockets, owner, options } = cluster;
    remove_unfinished(data_dir, owner);
    let bin = match inspect_cluster(path)? {
        ClusterFolder::Version(version) => find_binaries(&options.bin, Some(&version), owner)?,
        ClusterFolder::Absent => {
            let bin = find_binaries(&options.bin, None, owner)?;
            create_cluster(&bin, data_dir, owner, options.durable)?;
            // The programs of an interrupted start may have written until now.
            remove_unfinished(data_dir, owner);
            bin
        }
    };
    let access = write_access_files(data_dir, owner)?;
    let mut command = owner.command(&bin.join("postgres"));
    command.arg("-D").arg(path).args(["-p", &PORT.to_string()]);
    // A list of folders, whose names are quoted like identifiers.
    let sockets = sockets.to_string_lossy().replace('"', "\"\"");
    for setting in [
        "listen_addresses=".to_owned(),
        "max_connections=100".to_owned(),
        // Statements are short: compiling them takes longer than running them.
        "jit=off".to_owned(),
        "log_min_messages=warning".to_owned(),
        "log_destination=stderr".to_owned(),
        "logging_collector=off".to_owned(),
        format!("fsync={}", if options.durable { "on" } else { "off" }),
        format!("unix_socket_directories=\"{sockets}\""),
        format!("hba_file={}", access.hba.display()),
        format!("ident_file={}", access.ident.display()),
    ] {
        command.arg("-c").arg(setting);
    }
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    watch_process(command, &log_file(data_dir))
}

/// Starts the server on a thread that lives as long as the server.
///
/// On Linux the kernel ends the server with its parent, which is the thread that started it, not the process.
fn watch_process(mut command: Command, log: &Path) -> Result<ServerProcess> {
    let (started, start) = std::sync::mpsc::channel();
    let (finished, ended) = watch::channel(false);
    std::thread::spawn(move || match command.spawn() {
        Ok(mut child) => {
            let output = child.stderr.take();
            let _ = started.send(Ok((Pid::from_raw(child.id().cast_signed()), output)));
            wait_for(&mut child);
            finished.send_replace(true);
        }
        Err(error) => drop(started.send(Err(error))),
    });
    match start.recv() {
        Ok(Ok((pid, Some(output)))) => match follow(output, log) {
            Ok(lines) => Ok(ServerProcess { pid, ended, lines }),
            Err(error) => {
                ServerProcess { pid, ended, lines: LastLines::default() }.stop(Duration::ZERO);
                Err(error)
            }
        },
        Ok(Err(error)) => Err(Error::Failed(format!("the database server cannot be started: {error}"))),
        _ => Err(Error::Failed("the database server cannot be started".into())),
    }
}

fn wait_for(child: &mut Child) {
    let _ = child.wait();
}
