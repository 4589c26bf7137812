//! The server process: creates a cluster, starts, watches and stops the server.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::binaries::find_binaries;
use super::folders::log_file;
use super::owner::Owner;
use super::{ClusterOptions, NAME, SERVER_TIMEOUT, is_reachable};
use crate::error::{Error, Result};

/// A server that this process started.
#[derive(Debug)]
pub(super) struct ServerProcess {
    pid: Pid,
    ended: Mutex<mpsc::Receiver<()>>,
}

impl ServerProcess {
    /// Waits for the end of the server; returns whether it ended within the timeout.
    fn has_ended_within(&self, timeout: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.recv_timeout(timeout) != Err(mpsc::RecvTimeoutError::Timeout)
    }

    /// Stops the server. SIGTERM lets connected clients finish; after the timeout, SIGINT disconnects them.
    pub(super) fn stop(&self, timeout: Duration) {
        let _ = kill(self.pid, Signal::SIGTERM);
        if !self.has_ended_within(timeout) {
            let _ = kill(self.pid, Signal::SIGINT);
            self.has_ended_within(SERVER_TIMEOUT);
        }
    }
}

/// Starts the server and waits until it accepts connections. Creates the cluster if it does not exist.
///
/// # Errors
/// When no suitable server is installed or it does not start in time.
pub(super) async fn start(options: &ClusterOptions, sockets: &Path, owner: &Owner) -> Result<ServerProcess> {
    let cluster = options.data_dir.join("postgres");
    let version = fs::read_to_string(cluster.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
    let bin = find_binaries(&options.bin, version.as_deref())?;
    if version.is_none() {
        create_cluster(&bin, &cluster, owner)?;
    }
    let log = File::options()
        .create(true)
        .append(true)
        .open(log_file(&options.data_dir))
        .map_err(|error| Error::io("opening", &log_file(&options.data_dir), &error))?;
    let mut command = owner.command(&bin.join("postgres"));
    command
        .arg("-D")
        .arg(&cluster)
        .args(["-c", "listen_addresses=", "-c", "max_connections=100", "-c", "log_min_messages=warning"])
        .args(["-c", if options.durable { "fsync=on" } else { "fsync=off" }])
        .arg("-c")
        .arg(format!("unix_socket_directories={}", sockets.display()))
        .stdout(Stdio::null())
        .stderr(log);
    let running = spawn_and_watch(command)?;
    let mut waited = Duration::ZERO;
    while !is_reachable(sockets).await {
        let pause = Duration::from_millis(20);
        if running.has_ended_within(pause) || waited > SERVER_TIMEOUT {
            return Err(Error::Failed(format!(
                "the private database did not start: see the end of {}",
                log_file(&options.data_dir).display()
            )));
        }
        waited += pause;
    }
    Ok(running)
}

/// Starts the server on a thread that lives as long as the server.
///
/// On Linux the kernel ends the server with its parent, which is the thread that started it, not the process.
fn spawn_and_watch(mut command: Command) -> Result<ServerProcess> {
    die_with_parent(&mut command);
    let (started, start) = mpsc::channel();
    let (finished, ended) = mpsc::channel();
    std::thread::spawn(move || match command.spawn() {
        Ok(child) => wait_for(child, &started, &finished),
        Err(error) => drop(started.send(Err(error))),
    });
    match start.recv() {
        Ok(Ok(pid)) => Ok(ServerProcess { pid, ended: Mutex::new(ended) }),
        Ok(Err(error)) => Err(Error::Failed(format!("the database server cannot be started: {error}"))),
        Err(_) => Err(Error::Failed("the database server cannot be started".into())),
    }
}

fn wait_for(mut child: Child, started: &mpsc::Sender<std::io::Result<Pid>>, finished: &mpsc::Sender<()>) {
    let _ = started.send(Ok(Pid::from_raw(child.id().cast_signed())));
    let _ = child.wait();
    let _ = finished.send(());
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    let set = || nix::sys::prctl::set_pdeathsig(Signal::SIGQUIT).map_err(std::io::Error::from);
    // SAFETY: the closure runs between fork and exec and makes one system call, which is async-signal-safe.
    unsafe {
        command.pre_exec(set);
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}

fn create_cluster(bin: &Path, cluster: &Path, owner: &Owner) -> Result<()> {
    // An incomplete cluster without PG_VERSION contains no data.
    if let Err(error) = fs::remove_dir_all(cluster)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(Error::io("removing", cluster, &error));
    }
    owner.create_private_folder(cluster)?;
    let output = owner
        .command(&bin.join("initdb"))
        .arg("-D")
        .arg(cluster)
        .args([
            "-U",
            NAME,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--data-checksums",
            "--no-sync",
            "--no-instructions",
        ])
        .stdout(Stdio::null())
        .output()
        .map_err(|error| Error::io("running", &bin.join("initdb"), &error))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let reason = stderr.lines().rev().find(|line| line.contains("error")).unwrap_or("initdb gave no reason").trim();
    Err(Error::Failed(format!("the private database cannot be created in {}: {reason}", cluster.display())))
}
