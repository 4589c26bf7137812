//! How a simulator is to be run.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::schema::profile::Profile;
use crate::server::oauth::Credentials;

/// What tells the time: of tokens, and of `createdAt` and `updatedAt`.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Settings of a simulator. The default listens on a free port of loopback and keeps its state in memory.
#[derive(Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Variant of the API.
    pub profile: Profile,
    /// State file; `None` keeps the state in memory. Its folder must exist.
    pub state: Option<PathBuf>,
    /// Folder of a recording to answer from instead of the tenant.
    pub replay: Option<PathBuf>,
    /// What every request waits before it is looked at.
    pub latency: Duration,
    /// How long an access token works; told as `expires_in` in whole seconds.
    pub token_lifetime: Duration,
    /// The client that may log in.
    pub credentials: Credentials,
    /// What tells the time.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            profile: Profile::default(),
            state: None,
            replay: None,
            latency: Duration::ZERO,
            token_lifetime: Duration::from_secs(3600),
            credentials: Credentials::default(),
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("bind", &self.bind)
            .field("profile", &self.profile.name)
            .field("state", &self.state)
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}
