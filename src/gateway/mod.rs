//! Access to the provider's Administrate.
//!
//! All processes share one rate limiter, and a 429 pauses all of them. The audit log records every call without secrets or
//! personal data.

mod audit;
pub mod rate_limiter;
pub mod recording;
mod store;
mod wait_notice;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use administrate::{
    CallLog, Client, Environment, HttpTransport, NoCallLog, OsRandomness, Secret, Settings, SystemClock, Transport,
};
use sqlx::PgPool;

use crate::config::Config;
use crate::error::{Error, Result};

pub use store::{Allowance, purge_audit_log};

/// Whether calls are recorded in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditMode {
    On,
    /// For dry runs, which write nothing to the database.
    Off,
}

/// Creates a client for the configured Administrate. `command` is the caller in the audit log.
///
/// # Errors
/// [`Error::Prerequisite`] that names every missing `ADMINISTRATE_*` variable.
pub async fn connect(config: &Config, pool: &PgPool, command: &str, audit: AuditMode) -> Result<Client> {
    connect_with(config, pool, command, ClientOptions { audit, budget: None, record: None }).await
}

/// Options of a client.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    pub audit: AuditMode,
    /// Maximum number of requests; `None` means no limit.
    pub budget: Option<u64>,
    /// A folder in which requests and responses are recorded for the simulator.
    pub record: Option<PathBuf>,
}

/// Creates a client with options.
///
/// # Errors
/// Those of [`connect`], and [`Error::Failed`] if the folder of the recording cannot be written.
pub async fn connect_with(config: &Config, pool: &PgPool, command: &str, options: ClientOptions) -> Result<Client> {
    let missing = missing_settings(config);
    if !missing.is_empty() {
        return Err(Error::Prerequisite(format!(
            "Administrate is not configured: set {} (or the [administrate] settings)",
            missing.join(", ")
        )));
    }
    let call_log: Arc<dyn CallLog> = match options.audit {
        AuditMode::On => Arc::new(audit::AuditLog::new(pool, command)),
        AuditMode::Off => Arc::new(NoCallLog),
    };
    let call_log = match &options.record {
        Some(folder) => Arc::new(recording::Recording::begin(folder, call_log)?),
        None => call_log,
    };
    let environment = Environment {
        transport: Arc::new(HttpTransport::new()?),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(OsRandomness),
        rate_limiter: Arc::new(rate_limiter::SharedRateLimiter::open(pool, config.administrate.rate_limit).await?),
        waits: Arc::new(wait_notice::WaitNotices::default()),
        call_log,
    };
    let mut settings = settings(config);
    settings.budget = options.budget;
    Ok(Client::new(settings, environment))
}

/// Returns the variables that must be set before a request can be sent.
pub fn missing_settings(config: &Config) -> Vec<&'static str> {
    let administrate = &config.administrate;
    let needed = [
        ("ADMINISTRATE_API_URL", administrate.api_url.is_empty()),
        ("ADMINISTRATE_AUTH_URL", administrate.auth_url.is_empty()),
        ("ADMINISTRATE_CLIENT_ID", administrate.client_id.is_empty()),
        ("ADMINISTRATE_CLIENT_SECRET", administrate.client_secret.is_empty()),
    ];
    needed.into_iter().filter(|(_, is_missing)| *is_missing).map(|(name, _)| name).collect()
}

/// Creates a client that sends each request once through a transport and logs nothing. Without a database it has a rate
/// limiter of its own.
pub async fn connect_once(config: &Config, pool: Option<&PgPool>, transport: Arc<dyn Transport>) -> Result<Client> {
    let permits = config.administrate.rate_limit;
    let mut environment = Environment { transport, ..Environment::standard(permits)? };
    if let Some(pool) = pool {
        environment.rate_limiter = Arc::new(rate_limiter::SharedRateLimiter::open(pool, permits).await?);
    }
    let mut settings = settings(config);
    settings.attempts = 1;
    Ok(Client::new(settings, environment))
}

/// Returns what all processes may still send of `limit` requests in five minutes; none if no request was sent yet.
pub async fn allowance(pool: &PgPool, limit: u32) -> Result<Option<Allowance>> {
    store::allowance(pool, f64::from(limit), f64::from(limit) / rate_limiter::WINDOW_SECONDS).await
}

fn settings(config: &Config) -> Settings {
    let administrate = &config.administrate;
    let secret = Secret::new(administrate.client_secret.reveal());
    let mut settings = Settings::new(&administrate.api_url, &administrate.auth_url, &administrate.client_id, secret)
        .with_retry_base(Duration::from_millis(config.retry_base_ms));
    settings.timeout = Duration::from_millis(config.http_timeout_ms);
    settings
}
