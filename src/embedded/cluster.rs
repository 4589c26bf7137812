//! Where the private cluster is, and how it runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::owner::Owner;

/// User and database inside the private cluster. The user is no superuser.
pub const NAME: &str = "lectern";

/// The folder of the cluster in the data folder.
pub(super) const FOLDER: &str = "postgres";

/// The longest time that a server may take to respond or to stop. Recovery may take longer.
pub(super) const SERVER_TIMEOUT: Duration = Duration::from_secs(60);

/// Receives messages for the user while a start takes long.
pub type Notify = dyn Fn(&str) + Send + Sync;

/// Location and options of the private cluster.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Lectern's data folder. The cluster is in its folder `postgres`.
    pub data_dir: PathBuf,
    /// Folder of `initdb` and `postgres`. Empty: the usual places are searched.
    pub bin: PathBuf,
    /// Whether commits wait for the disk. Off only for databases of tests.
    pub durable: bool,
}

/// The paths and the owner of the private cluster.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub data_dir: PathBuf,
    /// The folder of the cluster.
    pub path: PathBuf,
    /// The folder of the socket.
    pub sockets: PathBuf,
    pub owner: Owner,
    pub options: ClusterOptions,
}

impl Cluster {
    pub(super) fn new(options: &ClusterOptions, data_dir: &Path, sockets: PathBuf, owner: &Owner) -> Cluster {
        let path = data_dir.join(FOLDER);
        Cluster { data_dir: data_dir.into(), path, sockets, owner: owner.clone(), options: options.clone() }
    }
}
