//! The user who owns the files of the cluster.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use crate::error::{Error, Result};
use crate::files::FolderOwner;

/// The user who runs the server as root's substitute. Packages of PostgreSQL create it.
const SERVER_USER: &str = "postgres";

/// Where programs are found that the server or `initdb` starts.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The owner of the cluster. PostgreSQL refuses to run as root, so root runs it as another user.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// None: the user of this process.
    other_user: Option<User>,
}

impl Owner {
    /// Chooses the owner: the user of this process, as root the user `postgres`.
    pub(super) fn for_this_process() -> Result<Owner> {
        if !Uid::effective().is_root() {
            return Ok(Owner { other_user: None });
        }
        match User::from_name(SERVER_USER) {
            Ok(Some(user)) => Ok(Owner { other_user: Some(user) }),
            _ => Err(Error::Prerequisite(format!(
                "PostgreSQL refuses to run as root, and there is no user {SERVER_USER}: install the PostgreSQL server of \
                 your system, run Lectern as an ordinary user, or name a database with --database-url"
            ))),
        }
    }

    /// Reports whether the server runs as another user than this process.
    pub(super) fn is_other_user(&self) -> bool {
        self.other_user.is_some()
    }

    /// Returns the owner of files if it is not the user of this process.
    pub(super) fn of_files(&self) -> Option<FolderOwner> {
        self.other_user.as_ref().map(|user| FolderOwner { uid: user.uid, gid: user.gid })
    }

    /// Returns the user id of the server.
    pub(super) fn uid(&self) -> Uid {
        self.other_user.as_ref().map_or_else(Uid::effective, |user| user.uid)
    }

    /// Returns the names of the users who may connect: the server's and the one of this process.
    pub(super) fn user_names(&self) -> Vec<String> {
        let own = User::from_uid(Uid::effective()).ok().flatten().map(|user| user.name);
        own.into_iter().chain(self.other_user.iter().map(|user| user.name.clone())).collect()
    }

    /// Returns a command that runs a program as the owner, without the environment of this process.
    ///
    /// The program gets a session of its own, so that Ctrl-C and the end of a terminal do not reach it, and on Linux it
    /// ends with the thread that starts it.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(user) = &self.other_user {
            command.gid(user.gid.as_raw()).uid(user.uid.as_raw());
        }
        command.env_clear().env("PATH", PATH).env("LC_ALL", "C");
        command.envs(std::env::var_os("TZ").map(|zone| ("TZ", zone)));
        command.current_dir("/").stdin(Stdio::null());
        // SAFETY: the closure runs between fork and exec and makes system calls only, which are async-signal-safe.
        unsafe {
            command.pre_exec(detach);
        }
        command
    }
}

fn detach() -> std::io::Result<()> {
    nix::unistd::setsid()?;
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGQUIT)?;
    Ok(())
}
