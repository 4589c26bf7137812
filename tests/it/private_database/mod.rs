//! The private PostgreSQL from outside: its folders and files, its processes, and the settings that choose it.

mod files;
mod processes;
mod settings;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A data folder and the programs that a test started in it.
struct DataFolder {
    root: tempfile::TempDir,
}

/// A running `lectern serve`, which is killed at the end of the test.
struct Serving {
    program: Child,
    address: String,
}

fn is_root() -> bool {
    if !Uid::effective().is_root() {
        eprintln!("not root: a part of this test was skipped");
    }
    Uid::effective().is_root()
}

/// Waits until a value exists, at most a minute.
fn wait_for<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl DataFolder {
    /// Returns a folder that does not exist yet.
    fn absent() -> DataFolder {
        let root = tempfile::tempdir().expect("a temporary folder");
        // As root, the database runs as another user, who needs access.
        set_mode(root.path(), 0o755);
        DataFolder { root }
    }

    /// Returns a copy of a folder in which a database with a token exists.
    fn filled() -> DataFolder {
        static FILLED: OnceLock<DataFolder> = OnceLock::new();
        let filled = FILLED.get_or_init(|| {
            let folder = DataFolder::absent();
            let made = folder.lectern(&["token", "create", "--name", "first", "--role", "reader"]);
            assert!(made.status.success(), "{}", stderr(&made));
            folder
        });
        let copy = DataFolder::absent();
        let copied = Command::new("cp").arg("-a").arg(filled.path()).arg(copy.path()).status();
        assert!(copied.expect("cp runs").success());
        copy
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("data")
    }

    fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.root.path());
        command.env("LECTERN_DATA_DIR", self.path()).current_dir(self.root.path());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn lectern(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    /// Lists the tokens; panics if the database has lost the first one.
    fn assert_token_exists(&self) {
        let listed = self.lectern(&["token", "list"]);
        assert!(String::from_utf8_lossy(&listed.stdout).contains("first"), "{}", stderr(&listed));
    }

    fn serve(&self) -> Serving {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its port").to_string();
        drop(listener);
        let mut command = self.command(&["serve", "--bind", &address]);
        command.env("ADMINISTRATE_CLIENT_SECRET", "s3cret-of-a-test").stderr(Stdio::null());
        let program = command.spawn().expect("the program runs");
        Serving { program, address }
    }

    /// Returns the process id of the running server.
    fn server(&self) -> Option<i32> {
        let text = std::fs::read_to_string(self.join("postgres/postmaster.pid")).ok()?;
        let pid = text.lines().next()?.trim().parse().ok()?;
        kill(Pid::from_raw(pid), None).is_ok().then_some(pid)
    }

    fn url(&self, role: &str) -> String {
        format!("postgresql://{role}@localhost:5432/lectern?host={}", self.join("run").display())
    }
}

impl Serving {
    async fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(&self.address).await else { return false };
        let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut response = Vec::new();
        let answered = stream.write_all(request).await.is_ok() && stream.read_to_end(&mut response).await.is_ok();
        answered && response.starts_with(b"HTTP/1.1 200")
    }

    /// Waits until the database responds.
    async fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.is_ready().await {
            assert!(Instant::now() < deadline, "the service never came back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn kill(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
}

/// Gives a path to another user, without following links.
fn give_away(path: &Path) {
    let user = nix::unistd::User::from_name("nobody").expect("users").expect("the user nobody");
    std::os::unix::fs::lchown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("root may");
}

fn terminate(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("it runs");
}
