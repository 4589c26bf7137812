//! The tenant: how Lectern reaches the provider's Administrate.
//!
//! Promises: every request takes a permit of one allowance that all processes share, a 429 makes all of them pause, and
//! every call is told to the audit log without secrets or personal data.

mod audit;
pub mod rate_limiter;
mod recording;
mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use administrate::{
    CallLog, Client, Environment, HttpTransport, NoCallLog, OsRandomness, Secret, Settings, SystemClock,
};
use sqlx::PgPool;

use crate::config::Config;
use crate::error::{Error, Result};

pub use store::purge_audit_log;

/// Whether calls are told to the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditMode {
    /// They are.
    On,
    /// They are not: a dry run writes nothing there (rules, Everywhere).
    Off,
}

/// A client of the Administrate that the settings name. `command` is who calls, for the audit log.
///
/// Errors: [`Error::Prerequisite`] naming every `ADMINISTRATE_*` variable that is missing.
pub async fn connect(config: &Config, pool: &PgPool, command: &str, audit: AuditMode) -> Result<Client> {
    connect_with(config, pool, command, ClientOptions { audit, budget: None, record: None }).await
}

/// On which terms a client may speak.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Whether its calls are told to the audit log.
    pub audit: AuditMode,
    /// How many requests it may send; none: as many as it takes.
    pub budget: Option<u64>,
    /// A folder in which its exchanges are kept, to be replayed by the simulator.
    pub record: Option<PathBuf>,
}

/// As [`connect`], on these terms.
///
/// # Errors
/// Likewise, and [`Error::Failed`] where the folder cannot be written.
pub async fn connect_with(config: &Config, pool: &PgPool, command: &str, terms: ClientOptions) -> Result<Client> {
    let ours = &config.administrate;
    let needed = [
        ("ADMINISTRATE_API_URL", ours.api_url.is_empty()),
        ("ADMINISTRATE_AUTH_URL", ours.auth_url.is_empty()),
        ("ADMINISTRATE_CLIENT_ID", ours.client_id.is_empty()),
        ("ADMINISTRATE_CLIENT_SECRET", ours.client_secret.is_empty()),
    ];
    let missing: Vec<&str> = needed.iter().filter(|(_, missing)| *missing).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        return Err(Error::Prerequisite(format!(
            "Administrate is not named: set {} (or the [administrate] settings)",
            missing.join(", ")
        )));
    }
    let ledger: Arc<dyn CallLog> = match terms.audit {
        AuditMode::On => Arc::new(audit::AuditLog::new(pool, command)),
        AuditMode::Off => Arc::new(NoCallLog),
    };
    let ledger = match &terms.record {
        Some(folder) => Arc::new(recording::Recording::begin(folder, ledger)?),
        None => ledger,
    };
    let surroundings = Environment {
        transport: Arc::new(HttpTransport::new()?),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(OsRandomness),
        rate_limiter: Arc::new(rate_limiter::SharedRateLimiter::open(pool, ours.rate_limit).await?),
        call_log: ledger,
    };
    let mut settings = settings(config);
    settings.budget = terms.budget;
    Ok(Client::new(settings, surroundings))
}

fn settings(config: &Config) -> Settings {
    let ours = &config.administrate;
    let secret = Secret::new(ours.client_secret.reveal());
    let mut settings = Settings::new(&ours.api_url, &ours.auth_url, &ours.client_id, secret)
        .with_retry_base(Duration::from_millis(config.retry_base_ms));
    settings.timeout = Duration::from_millis(config.http_timeout_ms);
    settings
}
