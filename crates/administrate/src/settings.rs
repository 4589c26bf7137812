//! Where Administrate is, who we are, and how patient we are.

use std::time::Duration;

use crate::secret::Secret;

/// Settings of a [`crate::Client`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// The GraphQL endpoint (`ADMINISTRATE_API_URL`).
    pub api_url: String,
    /// OAuth base; `/token` hangs under it (`ADMINISTRATE_AUTH_URL`).
    pub auth_url: String,
    /// OAuth client id (`ADMINISTRATE_CLIENT_ID`).
    pub client_id: String,
    /// OAuth client secret (`ADMINISTRATE_CLIENT_SECRET`), sent in the form body.
    pub client_secret: Secret,
    /// The longest that one request may take.
    pub timeout: Duration,
    /// First wait of a retry; doubled each time, then spread by full jitter.
    pub retry_base: Duration,
    /// No wait between two attempts is longer, unless the server asks for it.
    pub retry_ceiling: Duration,
    /// Attempts of one call, the first included. The rate limit alone may stop it, and all calls together in a row, twice
    /// as often.
    pub attempts: u32,
    /// After so many failed attempts in a row, over all calls, the client stops trying for [`Settings::breaker_rest`].
    pub breaker_after: u32,
    /// How long an open breaker refuses calls before it lets one probe through.
    pub breaker_rest: Duration,
    /// Requests that this client may make in its life; none is without bound.
    pub budget: Option<u64>,
    /// The largest answer that is read, in bytes.
    pub max_answer_bytes: usize,
}

impl Settings {
    /// Settings with the defaults: 30 s a request, 6 attempts from 500 ms on, breaker after 20 failures, no budget.
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
            breaker_after: 20,
            breaker_rest: Duration::from_secs(30),
            budget: None,
            max_answer_bytes: 32 << 20,
        }
    }

    /// The same with another first wait; ceiling and the breaker's rest are sixty times as long.
    pub fn with_retry_base(mut self, base: Duration) -> Self {
        self.retry_base = base;
        self.retry_ceiling = base * 60;
        self.breaker_rest = base * 60;
        self
    }

    /// How often the rate limit may stop a call, or all calls in a row.
    pub(crate) fn attempts_when_limited(&self) -> u32 {
        2 * self.attempts
    }

    /// Where tokens are issued.
    pub(crate) fn token_url(&self) -> String {
        let base = self.auth_url.trim_end_matches('/');
        if base.ends_with("/token") { base.to_owned() } else { format!("{base}/token") }
    }
}
