//! Settings: the documented defaults inside the program, overridden by file, environment and options, in this order.
//!
//! `config.default.toml` is both the documentation and the default values. A setting that it does not name is refused
//! wherever it comes from, with the name of its place.

pub mod cron;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use crate::error::{Error, Result};

/// The settings file with every default and its explanation.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// Every setting, with its final value. `config.default.toml` says what each means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database_url: Secret,
    pub data_dir: PathBuf,
    pub postgres_bin: PathBuf,
    pub bind: String,
    pub public_url: String,
    pub time_zone: String,
    pub http_timeout_ms: u64,
    pub retry_base_ms: u64,
    pub lock_timeout_ms: u64,
    pub public_session_urls: bool,
    pub administrate: Administrate,
    pub sittings: std::collections::BTreeMap<String, String>,
    pub import: Import,
    pub sync: Sync,
    pub delivery: Delivery,
    pub schedule: Schedule,
}

/// How Administrate is reached and what this tenant calls things.
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

/// Labels of the custom fields that a timetable fills.
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

/// Bounds of an import.
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

/// Bounds of a sync.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    pub audit_days: u16,
    pub webhook_days: u16,
    pub request_budget: u64,
    pub conflicts: std::collections::BTreeMap<String, ConflictPolicy>,
}

/// Whose value of a field holds that both sides have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConflictPolicy {
    Ask,
    Ours,
    Theirs,
}

/// How events are brought to Administrate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    pub parallel: usize,
}

/// What `lectern serve` does by itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    pub sync_all: String,
    pub sync_events: String,
}

/// A value that is never printed: `Debug` shows whether it is set.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether nothing is set.
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

/// Which environment variable overrides which setting.
const VARIABLES: &[(&str, &str)] = &[
    ("DATABASE_URL", "database_url"),
    ("LECTERN_DATA_DIR", "data_dir"),
    ("LECTERN_POSTGRES_BIN", "postgres_bin"),
    ("LECTERN_BIND", "bind"),
    ("LECTERN_PUBLIC_URL", "public_url"),
    ("LECTERN_TIME_ZONE", "time_zone"),
    ("LECTERN_HTTP_TIMEOUT_MS", "http_timeout_ms"),
    ("LECTERN_RETRY_BASE_MS", "retry_base_ms"),
    ("LECTERN_LOCK_TIMEOUT_MS", "lock_timeout_ms"),
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
    ("LECTERN_REQUEST_BUDGET", "sync.request_budget"),
];

/// A setting given on the command line: its dotted name and its value.
pub type Override = (&'static str, String);

impl Config {
    /// Puts the layers together. `file`: a settings file that must exist, else `./lectern.toml` is read if it is there.
    pub fn load(
        file: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
        options: &[Override],
    ) -> Result<Config> {
        let mut settings = parse(DEFAULTS, "the defaults")?;
        if let Some((text, place)) = read_file(file)? {
            merge(&mut settings, parse(&text, &place)?, "", &place)?;
        }
        for (name, key) in VARIABLES {
            if let Some(value) = variable(name).filter(|v| !v.trim().is_empty()) {
                set(&mut settings, key, value.trim(), name)?;
            }
        }
        for (key, value) in options {
            set(&mut settings, key, value, "the command line")?;
        }
        let mut config: Config = settings
            .try_into()
            .map_err(|error: toml::de::Error| Error::Usage(format!("the settings: {}", error.message())))?;
        config.check()?;
        if config.data_dir.as_os_str().is_empty() {
            config.data_dir = default_data_dir(&variable)?;
        }
        // The database server runs elsewhere, where a relative path would mean another folder.
        config.data_dir = std::path::absolute(&config.data_dir)
            .map_err(|error| Error::io("reading the data folder's path", &config.data_dir, &error))?;
        Ok(config)
    }

    /// The zone of times that name none.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        // `check` has seen that the name is known.
        jiff::tz::TimeZone::get(&self.time_zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    fn check(&self) -> Result<()> {
        if jiff::tz::TimeZone::get(&self.time_zone).is_err() {
            return Err(Error::Usage(format!(
                "time_zone (LECTERN_TIME_ZONE): \"{}\" is no time zone; a name looks like Europe/London",
                self.time_zone
            )));
        }
        for (name, expression) in [("sync_all", &self.schedule.sync_all), ("sync_events", &self.schedule.sync_events)] {
            if !expression.trim().is_empty() {
                cron::CronSchedule::parse(expression, &self.time_zone).map_err(|why| {
                    Error::Usage(format!(
                        "schedule.{name}: \"{expression}\" is no cron expression; one looks like 30 3 * * * ({why})"
                    ))
                })?;
            }
        }
        if self.administrate.rate_limit == 0 {
            return Err(Error::Usage("ADMINISTRATE_RATE_LIMIT must be at least 1".into()));
        }
        if self.delivery.parallel == 0 || self.import.blocks_per_batch == 0 {
            return Err(Error::Usage("delivery.parallel and import.blocks_per_batch must be at least 1".into()));
        }
        Ok(())
    }
}

fn read_file(named: Option<&Path>) -> Result<Option<(String, String)>> {
    let path = named.unwrap_or(Path::new("lectern.toml"));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((text, path.display().to_string()))),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Usage(Error::io("reading the settings file", path, &error).to_string())),
    }
}

fn parse(text: &str, place: &str) -> Result<Table> {
    text.parse().map_err(|error: toml::de::Error| Error::Usage(format!("{place}: {error}")))
}

/// Lays `over` on `base`; every name must exist in `base` with the same type.
fn merge(base: &mut Table, over: Table, prefix: &str, place: &str) -> Result<()> {
    for (key, value) in over {
        let name = format!("{prefix}{key}");
        // The letters of `sittings` are the provider's own.
        let open = prefix == "sittings.";
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above, &format!("{name}."), place)?,
            (Some(slot), value) if slot.same_type(&value) => *slot = value,
            (None, value) if open => {
                base.insert(key, value);
            }
            (Some(slot), _) => {
                return Err(Error::Usage(format!("{place}: {name} must be a {}", slot.type_str())));
            }
            (None, _) => return Err(Error::Usage(format!("{place}: there is no setting called {name}"))),
        }
    }
    Ok(())
}

fn set(settings: &mut Table, key: &str, text: &str, place: &str) -> Result<()> {
    let unknown = || Error::Usage(format!("{place}: there is no setting called {key}"));
    let (tables, name) = key.rsplit_once('.').map_or((None, key), |(tables, name)| (Some(tables), name));
    let table = match tables {
        Some(table) => settings.get_mut(table).and_then(Value::as_table_mut).ok_or_else(unknown)?,
        None => settings,
    };
    let slot = table.get_mut(name).ok_or_else(unknown)?;
    *slot =
        value_like(slot, text).ok_or_else(|| Error::Usage(format!("{place}: \"{text}\" is no {}", slot.type_str())))?;
    Ok(())
}

fn value_like(slot: &Value, text: &str) -> Option<Value> {
    match slot {
        Value::Integer(_) => text.parse().ok().filter(|n: &i64| *n >= 0).map(Value::Integer),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        _ => Some(Value::String(text.into())),
    }
}

/// The platform's folder for a program's data: `/var/lib/lectern` as root, else XDG or macOS conventions.
fn default_data_dir(variable: &impl Fn(&str) -> Option<String>) -> Result<PathBuf> {
    if nix::unistd::Uid::effective().is_root() {
        return Ok("/var/lib/lectern".into());
    }
    if let Some(xdg) = variable("XDG_DATA_HOME").filter(|v| v.starts_with('/')) {
        return Ok(Path::new(&xdg).join("lectern"));
    }
    let home = variable("HOME").ok_or_else(|| {
        Error::Usage("no data folder: neither --data-dir, LECTERN_DATA_DIR, XDG_DATA_HOME nor HOME is set".into())
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
    fn an_option_wins_over_a_variable_and_a_variable_over_the_file() {
        let home = ("HOME", "/home/somebody");
        let config = load(&[home], &[]).expect("the defaults are valid");
        assert_eq!(config.bind, "127.0.0.1:8080");
        let config = load(&[home, ("LECTERN_BIND", "127.0.0.1:9000")], &[]).expect("valid");
        assert_eq!(config.bind, "127.0.0.1:9000");
        let config =
            load(&[home, ("LECTERN_BIND", "127.0.0.1:9000")], &[("bind", "127.0.0.1:1".into())]).expect("valid");
        assert_eq!(config.bind, "127.0.0.1:1");
    }

    #[test]
    fn a_wrong_value_names_its_place() {
        for (name, value, expected) in [
            ("ADMINISTRATE_RATE_LIMIT", "many", "ADMINISTRATE_RATE_LIMIT: \"many\" is no integer"),
            ("LECTERN_TIME_ZONE", "Mars/Base", "\"Mars/Base\" is no time zone"),
            ("LECTERN_HTTP_TIMEOUT_MS", "-1", "LECTERN_HTTP_TIMEOUT_MS: \"-1\" is no integer"),
        ] {
            let error = load(&[("HOME", "/h"), (name, value)], &[]).expect_err(name).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_file_may_add_sittings_but_no_unknown_setting() {
        let mut base = parse(DEFAULTS, "defaults").expect("valid");
        merge(&mut base, parse("[sittings]\nM = \"-06\"", "f").expect("toml"), "", "f").expect("a letter of one's own");
        let error = merge(&mut base, parse("bnd = \"x\"", "f").expect("toml"), "", "f").expect_err("unknown");
        assert_eq!(error.to_string(), "f: there is no setting called bnd");
    }

    #[test]
    fn a_relative_data_folder_is_the_one_below_where_lectern_was_called() {
        let config = load(&[("LECTERN_DATA_DIR", "data")], &[]).expect("valid");
        assert_eq!(config.data_dir, std::env::current_dir().expect("a folder").join("data"));
    }

    #[test]
    fn a_secret_is_never_shown() {
        let config = load(&[("HOME", "/h"), ("ADMINISTRATE_CLIENT_SECRET", "s3cret")], &[]).expect("valid");
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
