//! Who may connect to the server, and whether a server is the one of this data folder.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use super::owner::Owner;
use super::store::{Answer, PORT, ROLES, ask};
use crate::error::Result;
use crate::files::{user_name, write_file};

const RULES: &str = "\
# Lectern writes this file at every start. Only the users in pg_ident.conf may connect.
local all all peer map=lectern
";

/// The files with the rules of access.
#[derive(Debug)]
pub(super) struct AccessFiles {
    pub hba: PathBuf,
    pub ident: PathBuf,
}

/// Writes the rules of access: only the user of this process and the server's user may connect.
pub(super) fn write_access_files(data_dir: &Path, owner: &Owner) -> Result<AccessFiles> {
    let files = AccessFiles { hba: data_dir.join("pg_hba.conf"), ident: data_dir.join("pg_ident.conf") };
    let mut users = "# Lectern writes this file at every start.\n".to_owned();
    for user in owner.user_names() {
        for role in ROLES {
            users.push_str(&format!("lectern \"{}\" {role}\n", user.replace('"', "\"\"")));
        }
    }
    write_file(&files.hba, RULES.as_bytes(), owner.of_files())?;
    write_file(&files.ident, users.as_bytes(), owner.of_files())?;
    Ok(files)
}

/// The state of the server behind a socket.
#[derive(Debug)]
pub(super) enum Reachability {
    /// It accepts connections.
    Ready,
    /// It starts, recovers or stops. Its own words.
    Starting(String),
    /// It accepts connections, but roles or database are not complete yet.
    Incomplete(String),
    /// No server answers.
    Absent(String),
    /// A server of another user or another data folder. It must not be used.
    Foreign(String),
}

/// Returns the state of the server, whether or not its roles are complete.
pub(super) async fn server_state(sockets: &Path, cluster: &Path, owner: &Owner) -> Reachability {
    match check(sockets, cluster, owner, true).await {
        // The superuser of an old cluster has another name.
        Reachability::Incomplete(_) => Reachability::Ready,
        state => state,
    }
}

/// Returns the state of the database that commands use.
pub(super) async fn database_state(sockets: &Path, cluster: &Path, owner: &Owner) -> Reachability {
    check(sockets, cluster, owner, false).await
}

async fn check(sockets: &Path, cluster: &Path, owner: &Owner, as_superuser: bool) -> Reachability {
    let socket = sockets.join(format!(".s.PGSQL.{PORT}"));
    let peer = match UnixStream::connect(&socket).await.and_then(|stream| stream.peer_cred()) {
        Ok(peer) => peer.uid(),
        Err(error) => return Reachability::Absent(error.to_string()),
    };
    if peer != owner.uid().as_raw() {
        return Reachability::Foreign(format!("{} listens at {}", user_name(peer), socket.display()));
    }
    match ask(sockets, as_superuser).await {
        Answer::Accepted(number) if number.is_some() && number == cluster_number(cluster) => Reachability::Ready,
        Answer::Accepted(_) => Reachability::Foreign(format!(
            "the server at {} does not use the database in {}",
            socket.display(),
            cluster.display()
        )),
        Answer::Starting(reason) => Reachability::Starting(reason),
        Answer::Refused(reason) => Reachability::Incomplete(reason),
        Answer::Silent(reason) => Reachability::Absent(reason),
    }
}

/// Returns the unique number of a cluster, with which its control file begins.
fn cluster_number(cluster: &Path) -> Option<u64> {
    let mut bytes = [0; 8];
    File::open(cluster.join("global/pg_control")).and_then(|mut file| file.read_exact(&mut bytes)).ok()?;
    Some(u64::from_ne_bytes(bytes))
}
