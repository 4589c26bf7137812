//! Options of a simulator.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::schema::profile::Profile;
use crate::server::oauth::Credentials;

/// Returns the current time, for token expiry and for `createdAt` and `updatedAt`.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Options of a simulator. The default listens on a free loopback port and stores its state in memory only.
#[derive(Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Variant of the API.
    pub profile: Profile,
    /// State file; `None` stores the state in memory only. Its folder must exist.
    pub state: Option<PathBuf>,
    /// Folder of a recording to replay instead of serving the tenant.
    pub replay: Option<PathBuf>,
    /// Delay before every request is processed.
    pub latency: Duration,
    /// Lifetime of an access token, reported as `expires_in` in whole seconds.
    pub token_lifetime: Duration,
    /// The accepted client credentials.
    pub credentials: Credentials,
    /// Source of the current time.
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
