//! Settings: the defaults inside the program, overridden by the file, the environment and the options, in this order.
//!
//! `config.default.toml` contains the default values and documents them. A setting that it does not contain is refused,
//! and the error names its source.

mod addresses;
pub mod cron;
pub mod effective;
mod origins;
pub mod pages;
mod sources;
mod trust;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use self::origins::CorsOrigins;
use self::sources::{file_path, merge, merge_with};
use crate::error::{Error, Result};

/// The settings file with every default and explanation.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// The effective value of every setting. `config.default.toml` explains each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database_url: Secret,
    pub data_dir: PathBuf,
    pub postgres_bin: PathBuf,
    pub bind: String,
    pub public_url: String,
    pub cors_origins: CorsOrigins,
    pub time_zone: String,
    pub http_timeout_ms: u64,
    pub retry_base_ms: u64,
    pub lock_timeout_ms: u64,
    pub lock_wait_ms: u64,
    pub copy_batch_rows: u32,
    pub copy_pause_ms: u64,
    pub public_session_urls: bool,
    pub public_catalogue: bool,
    pub database_connections: u32,
    pub http: Http,
    pub login: LoginSettings,
    pub administrate: Administrate,
    pub sittings: std::collections::BTreeMap<String, String>,
    pub import: Import,
    pub sync: Sync,
    pub retention: Retention,
    pub delivery: Delivery,
    pub schedule: Schedule,
}

/// Limits of the HTTP server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub database_connections: u32,
    pub statement_timeout_ms: u32,
    pub max_connections: usize,
    pub streams_per_token: usize,
    pub require_if_match: bool,
    pub trusted_proxies: Vec<std::net::IpAddr>,
}

/// Signing in: how passwords are hashed, how long a session lasts, and when a name or an address must wait.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginSettings {
    pub argon2_memory_kib: u32,
    pub argon2_iterations: u32,
    pub idle_hours: u16,
    pub session_days: u16,
    pub tries: u32,
    pub tries_per_address: u32,
    pub lock_minutes: u16,
}

/// Access to Administrate, and what the tenant chose itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Administrate {
    pub api_url: String,
    pub auth_url: String,
    pub instance_url: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub webhook_secret: Secret,
    pub rate_limit: u32,
    pub currency: String,
    pub region: String,
    pub tax_type: String,
    pub event_type: String,
    pub account_id: String,
    pub labels: Labels,
}

/// Labels in Administrate of the custom fields that a timetable fills.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    pub sitting: String,
    pub finalisation_date: String,
    pub event_url: String,
    pub web_sale: String,
    pub ocr_moodle_code: String,
    pub day: String,
    pub session_url: String,
}

/// Limits of an import.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    pub max_file_bytes: u64,
    pub max_unpacked_bytes: u64,
    pub max_shared_strings_bytes: u64,
    pub max_xls_bytes: u64,
    pub max_rows: usize,
    pub blocks_per_batch: usize,
}

/// Limits of a sync, and its conflict policy per field.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    pub audit_days: u16,
    pub webhook_days: u16,
    pub request_budget: u64,
    /// Whether a plan is applied over HTTP only after another login has approved it.
    pub second_person: bool,
    pub conflicts: std::collections::BTreeMap<String, ConflictPolicy>,
}

/// Days after which stored data is deleted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub run_days: u16,
    pub short_run_days: u16,
    pub outbox_days: u16,
    pub history_days: u16,
    pub dead_webhook_days: u16,
    pub idempotency_key_days: u16,
    pub report_days: u16,
    pub upload_days: u16,
}

/// Which value wins when a field was changed on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConflictPolicy {
    Ask,
    #[serde(rename = "ours")]
    Local,
    #[serde(rename = "theirs")]
    Remote,
}

/// Delivery to Administrate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    pub parallel: usize,
}

/// Scheduled work of `lectern serve`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    pub sync_all: String,
    pub sync_events: String,
}

/// A value that is never printed. `Debug` prints whether it is set.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Returns the value. Call this only where the value is sent.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Reports whether no value is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Secret(value)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "unset" } else { "set" })
    }
}

/// Environment variables and the settings that they override.
const VARIABLES: &[(&str, &str)] = &[
    ("DATABASE_URL", "database_url"),
    ("LECTERN_DATA_DIR", "data_dir"),
    ("LECTERN_POSTGRES_BIN", "postgres_bin"),
    ("LECTERN_BIND", "bind"),
    ("LECTERN_PUBLIC_URL", "public_url"),
    ("LECTERN_CORS_ORIGINS", "cors_origins"),
    ("LECTERN_TIME_ZONE", "time_zone"),
    ("LECTERN_HTTP_TIMEOUT_MS", "http_timeout_ms"),
    ("LECTERN_RETRY_BASE_MS", "retry_base_ms"),
    ("LECTERN_LOCK_TIMEOUT_MS", "lock_timeout_ms"),
    ("LECTERN_LOCK_WAIT_MS", "lock_wait_ms"),
    ("LECTERN_COPY_BATCH_ROWS", "copy_batch_rows"),
    ("LECTERN_COPY_PAUSE_MS", "copy_pause_ms"),
    ("ADMINISTRATE_API_URL", "administrate.api_url"),
    ("ADMINISTRATE_AUTH_URL", "administrate.auth_url"),
    ("ADMINISTRATE_INSTANCE_URL", "administrate.instance_url"),
    ("ADMINISTRATE_CLIENT_ID", "administrate.client_id"),
    ("ADMINISTRATE_CLIENT_SECRET", "administrate.client_secret"),
    ("ADMINISTRATE_WEBHOOK_SECRET", "administrate.webhook_secret"),
    ("ADMINISTRATE_RATE_LIMIT", "administrate.rate_limit"),
    ("ADMINISTRATE_CURRENCY", "administrate.currency"),
    ("ADMINISTRATE_REGION", "administrate.region"),
    ("ADMINISTRATE_ACCOUNT_ID", "administrate.account_id"),
    ("LECTERN_AUDIT_DAYS", "sync.audit_days"),
    ("LECTERN_WEBHOOK_DAYS", "sync.webhook_days"),
    ("LECTERN_RUN_DAYS", "retention.run_days"),
    ("LECTERN_REQUEST_BUDGET", "sync.request_budget"),
];

/// A setting given on the command line: its dotted name and its value.
pub type Override = (&'static str, String);

impl Config {
    /// Loads the settings. A named `file` must exist; without one, `./lectern.toml` is read if it exists.
    ///
    /// # Errors
    /// [`Error::Usage`] for an unknown setting or an invalid value, with its source.
    pub fn load(
        file: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
        options: &[Override],
    ) -> Result<Config> {
        Self::from_table(merge(file, &variable, options)?, &variable)
    }

    /// Loads the settings without a file, to examine a file that cannot be read. Where the environment has a fault too,
    /// only the variables that name the database and the data folder are used.
    ///
    /// # Errors
    /// [`Error::Usage`] where an option or one of those variables is wrong too.
    pub fn load_without_file(variable: impl Fn(&str) -> Option<String>, options: &[Override]) -> Result<Config> {
        let load = |variable: &dyn Fn(&str) -> Option<String>| {
            Self::from_table(merge_with(None, &variable, options)?, &variable)
        };
        let places = ["DATABASE_URL", "LECTERN_DATA_DIR", "XDG_DATA_HOME", "HOME"];
        load(&variable).or_else(|_| load(&|name| variable(name).filter(|_| places.contains(&name))))
    }

    /// Returns the path of the settings file: the named one, or `./lectern.toml` if it exists.
    pub fn file(named: Option<&Path>) -> Option<PathBuf> {
        file_path(named)
    }

    fn from_table(settings: toml::Table, variable: &impl Fn(&str) -> Option<String>) -> Result<Config> {
        let mut config: Config = settings
            .try_into()
            .map_err(|error: toml::de::Error| Error::Usage(format!("settings: {}", error.message())))?;
        config.check()?;
        if config.data_dir.as_os_str().is_empty() {
            config.data_dir = default_data_dir(variable)?;
        }
        // The working directory of the private database server is another one.
        config.data_dir = std::path::absolute(&config.data_dir)
            .map_err(|error| Error::io("resolving the path of the data folder", &config.data_dir, &error))?;
        Ok(config)
    }

    /// Returns the time zone of times without a zone.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        // `check` has verified the name.
        jiff::tz::TimeZone::get(&self.time_zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    fn check(&self) -> Result<()> {
        if jiff::tz::TimeZone::get(&self.time_zone).is_err() {
            return Err(Error::Usage(format!(
                "time_zone (LECTERN_TIME_ZONE): \"{}\" is not a time zone: write a name like Europe/London",
                self.time_zone
            )));
        }
        for (name, expression) in [("sync_all", &self.schedule.sync_all), ("sync_events", &self.schedule.sync_events)] {
            cron::check(name, expression, &self.time_zone)?;
        }
        addresses::check(&self.administrate)?;
        if self.administrate.rate_limit == 0 {
            return Err(Error::Usage("ADMINISTRATE_RATE_LIMIT must be at least 1".into()));
        }
        if self.database_connections < 4 || self.http.database_connections < 4 {
            return Err(Error::Usage("database_connections and http.database_connections must be at least 4".into()));
        }
        if self.http.max_connections == 0 || self.http.streams_per_token == 0 || self.http.statement_timeout_ms == 0 {
            return Err(Error::Usage(
                "http.max_connections, http.streams_per_token and http.statement_timeout_ms must be at least 1".into(),
            ));
        }
        if self.delivery.parallel == 0 || self.import.blocks_per_batch == 0 {
            return Err(Error::Usage("delivery.parallel and import.blocks_per_batch must be at least 1".into()));
        }
        Ok(())
    }
}

/// Returns the default data folder: `/var/lib/lectern` as root, else the one of XDG or macOS.
fn default_data_dir(variable: &impl Fn(&str) -> Option<String>) -> Result<PathBuf> {
    if nix::unistd::Uid::effective().is_root() {
        return Ok("/var/lib/lectern".into());
    }
    if let Some(xdg) = variable("XDG_DATA_HOME").filter(|v| v.starts_with('/')) {
        return Ok(Path::new(&xdg).join("lectern"));
    }
    let home = variable("HOME").ok_or_else(|| {
        Error::Usage("no data folder is known: set --data-dir, LECTERN_DATA_DIR, XDG_DATA_HOME or HOME".into())
    })?;
    let below = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    Ok(Path::new(&home).join(below).join("lectern"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)], options: &[Override]) -> Result<Config> {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Config::load(Some(Path::new("config.default.toml")), find, options)
    }

    #[test]
    fn option_overrides_variable_and_variable_overrides_file() {
        let home = ("HOME", "/home/user");
        let config = load(&[home], &[]).expect("the defaults are valid");
        assert_eq!(config.bind, "127.0.0.1:8080");
        let config = load(&[home, ("LECTERN_BIND", "127.0.0.1:9000")], &[]).expect("valid");
        assert_eq!(config.bind, "127.0.0.1:9000");
        let config =
            load(&[home, ("LECTERN_BIND", "127.0.0.1:9000")], &[("bind", "127.0.0.1:1".into())]).expect("valid");
        assert_eq!(config.bind, "127.0.0.1:1");
    }

    #[test]
    fn invalid_value_names_its_source() {
        for (name, value, expected) in [
            ("ADMINISTRATE_RATE_LIMIT", "many", "ADMINISTRATE_RATE_LIMIT: \"many\" is not of type integer"),
            ("LECTERN_TIME_ZONE", "Mars/Base", "\"Mars/Base\" is not a time zone"),
            ("LECTERN_HTTP_TIMEOUT_MS", "-1", "LECTERN_HTTP_TIMEOUT_MS: \"-1\" is not of type integer"),
        ] {
            let error = load(&[("HOME", "/h"), (name, value)], &[]).expect_err(name).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn relative_data_folder_is_below_working_directory() {
        let config = load(&[("LECTERN_DATA_DIR", "data")], &[]).expect("valid");
        assert_eq!(config.data_dir, std::env::current_dir().expect("a folder").join("data"));
    }

    #[test]
    fn secret_is_not_printed() {
        let config = load(&[("HOME", "/h"), ("ADMINISTRATE_CLIENT_SECRET", "s3cret")], &[]).expect("valid");
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
