//! Addresses, credentials, timeouts and retry limits of a client.

use std::time::Duration;

use crate::secret::Secret;

/// Settings of a [`crate::Client`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// The GraphQL endpoint (`ADMINISTRATE_API_URL`).
    pub api_url: String,
    /// OAuth base URL (`ADMINISTRATE_AUTH_URL`); tokens are requested from `/token` below it.
    pub auth_url: String,
    /// OAuth client id (`ADMINISTRATE_CLIENT_ID`).
    pub client_id: String,
    /// OAuth client secret (`ADMINISTRATE_CLIENT_SECRET`), sent in the form body.
    pub client_secret: Secret,
    /// Timeout of one request.
    pub timeout: Duration,
    /// First wait before a retry; doubled each time, then spread by full jitter.
    pub retry_base: Duration,
    /// Longest wait between two attempts, unless the server requests a longer one.
    pub retry_ceiling: Duration,
    /// Attempts of one call, including the first. Rate-limited attempts are counted separately: twice as many are
    /// allowed, both for one call and for all calls in a row.
    pub attempts: u32,
    /// Consecutive failed attempts, over all calls, after which the breaker opens for [`Settings::breaker_cooldown`].
    pub breaker_threshold: u32,
    /// How long an open breaker refuses calls before it lets one probe through.
    pub breaker_cooldown: Duration,
    /// Requests that this client may send in its lifetime; none means no limit.
    pub budget: Option<u64>,
    /// The largest response that is read, in bytes.
    pub max_response_bytes: usize,
}

impl Settings {
    /// Creates settings with the defaults: timeout 30 s, 6 attempts from 500 ms on, breaker after 20 failures, no budget.
    pub fn new(
        api_url: impl Into<String>,
        auth_url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: Secret,
    ) -> Self {
        Self {
            api_url: api_url.into(),
            auth_url: auth_url.into(),
            client_id: client_id.into(),
            client_secret,
            timeout: Duration::from_secs(30),
            retry_base: Duration::from_millis(500),
            retry_ceiling: Duration::from_secs(30),
            attempts: 6,
            breaker_threshold: 20,
            breaker_cooldown: Duration::from_secs(30),
            budget: None,
            max_response_bytes: 32 << 20,
        }
    }

    /// Sets the first wait; `retry_ceiling` and `breaker_cooldown` become sixty times as long.
    pub fn with_retry_base(mut self, base: Duration) -> Self {
        self.retry_base = base;
        self.retry_ceiling = base * 60;
        self.breaker_cooldown = base * 60;
        self
    }

    /// Returns how many rate-limited attempts are allowed, for one call and for all calls in a row.
    pub(crate) fn rate_limited_attempts(&self) -> u32 {
        2 * self.attempts
    }

    /// Returns the URL that issues tokens.
    pub(crate) fn token_url(&self) -> String {
        let base = self.auth_url.trim_end_matches('/');
        if base.ends_with("/token") { base.to_owned() } else { format!("{base}/token") }
    }
}
