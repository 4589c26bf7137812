//! The effective settings: the value of each and where it comes from.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use toml::{Table, Value};

use super::sources::{merge, parse, read_file};
use super::{Config, DEFAULTS, Override, VARIABLES, default_data_dir};
use crate::error::Result;

/// Settings whose values are never printed.
const SECRETS: &[&str] = &["database_url", "administrate.client_secret", "administrate.webhook_secret"];

/// The shown value of a secret that is set.
const SET: &str = "set";

/// Options of the command line by the settings that they set.
const OPTIONS: &[(&str, &str)] = &[("database_url", "--database-url"), ("data_dir", "--data-dir")];

/// A setting as it is used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EffectiveSetting {
    /// Its name in the settings file, with the names of its tables.
    pub name: String,
    /// Its value; of a secret only whether it is set.
    pub value: Value,
    /// `default`, the path of the file, or the name of the variable or option.
    pub source: String,
    /// Its default.
    pub default: Option<Value>,
    /// The environment variable that sets it.
    pub variable: Option<&'static str>,
}

impl EffectiveSetting {
    /// Reports whether this is a secret that is set.
    pub fn is_set_secret(&self) -> bool {
        SECRETS.contains(&self.name.as_str()) && self.value.as_str() == Some(SET)
    }
}

/// Returns every setting in the order of `config.default.toml`.
///
/// # Errors
/// Those of [`Config::load`].
pub fn effective(
    file: Option<&Path>,
    variable: impl Fn(&str) -> Option<String>,
    options: &[Override],
) -> Result<Vec<EffectiveSetting>> {
    Config::load(file, &variable, options)?;
    let mut values = flat(&merge(file, &variable, options)?);
    if values.get("data_dir").and_then(Value::as_str) == Some("") {
        let folder = default_data_dir(&variable)?;
        values.insert("data_dir".to_owned(), folder.display().to_string().into());
    }
    let sources = sources(file, &variable, options)?;
    let defaults = flat(&parse(DEFAULTS, "the defaults")?);
    let settings = values.into_iter().map(|(name, value)| {
        let is_secret = SECRETS.contains(&name.as_str());
        let shown = |value: Value| if is_secret { secret_state(&value) } else { value };
        EffectiveSetting {
            source: sources.get(&name).cloned().unwrap_or_else(|| "default".to_owned()),
            default: defaults.get(&name).cloned().map(shown),
            variable: VARIABLES.iter().find(|(_, setting)| *setting == name).map(|(variable, _)| *variable),
            value: shown(value),
            name,
        }
    });
    let mut settings: Vec<EffectiveSetting> = settings.collect();
    settings.sort_by_cached_key(|setting| position(&setting.name));
    Ok(settings)
}

/// Sets the value of a setting that the program itself has chosen.
pub fn replace(settings: &mut [EffectiveSetting], name: &str, value: &str, source: &str) {
    for setting in settings.iter_mut().filter(|setting| setting.name == name) {
        let value = Value::from(value);
        setting.value = if SECRETS.contains(&name) { secret_state(&value) } else { value };
        setting.source = source.to_owned();
    }
}

/// Returns what a setting means: the comment beside it in `config.default.toml`; "" without.
pub fn explanation(name: &str) -> String {
    let (table, key) = name.rsplit_once('.').unwrap_or(("", name));
    let mut lines = DEFAULTS.lines().scan("", |current, line| {
        *current = table_of(line).unwrap_or(current);
        Some((*current, line))
    });
    let Some((_, line)) = lines.find(|(current, line)| *current == table && line.starts_with(&format!("{key} =")))
    else {
        return String::new();
    };
    // The comment may continue below.
    let below = lines.map_while(|(_, line)| line.strip_prefix(' ')?.trim_start().strip_prefix("# "));
    let comment = line.split_once(" # ").map(|(_, comment)| comment.trim()).into_iter().chain(below);
    let comment = comment.collect::<Vec<_>>().join(" ");
    // The variable stands in a column of its own.
    let own = comment.split_once(" · ").map_or(comment.as_str(), |(_, text)| text);
    if VARIABLES.iter().any(|(variable, _)| *variable == own) { String::new() } else { own.to_owned() }
}

/// Returns what a table of settings means: the comment above it; "" without.
pub fn table_explanation(table: &str) -> String {
    let mut above: Vec<&str> = Vec::new();
    for line in DEFAULTS.lines() {
        if table_of(line) == Some(table) {
            return above.join(" ");
        }
        match line.strip_prefix("# ") {
            Some(comment) => above.push(comment),
            None => above.clear(),
        }
    }
    String::new()
}

/// Returns the table that a line begins.
fn table_of(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

/// Returns the source of each setting that is not a default.
fn sources(
    file: Option<&Path>,
    variable: &impl Fn(&str) -> Option<String>,
    options: &[Override],
) -> Result<BTreeMap<String, String>> {
    let mut sources = BTreeMap::new();
    if let Some((text, path)) = read_file(file)? {
        sources.extend(flat(&parse(&text, &path)?).into_keys().map(|name| (name, path.clone())));
    }
    for (name, setting) in VARIABLES {
        if variable(name).is_some_and(|value| !value.trim().is_empty()) {
            sources.insert((*setting).to_owned(), format!("environment variable {name}"));
        }
    }
    for (setting, _) in options {
        let option = OPTIONS.iter().find(|(name, _)| name == setting).map_or("command line", |(_, option)| option);
        sources.insert((*setting).to_owned(), format!("option {option}"));
    }
    Ok(sources)
}

fn secret_state(value: &Value) -> Value {
    if value.as_str().is_some_and(str::is_empty) { "not set".into() } else { SET.into() }
}

/// Returns the values of all tables by their dotted names.
fn flat(table: &Table) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    for (name, value) in table {
        match value {
            Value::Table(below) => {
                values.extend(flat(below).into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            value => _ = values.insert(name.clone(), value.clone()),
        }
    }
    values
}

/// Returns where a setting stands in the defaults: its table and itself. Settings that a file adds come last.
fn position(setting: &str) -> (usize, usize) {
    let (table, name) = setting.rsplit_once('.').unwrap_or(("", setting));
    let start = if table.is_empty() { Some(0) } else { DEFAULTS.find(&format!("\n[{table}]\n")) };
    let start = start.unwrap_or(DEFAULTS.len());
    let line = DEFAULTS[start..].find(&format!("\n{name} ="));
    (start, line.unwrap_or(DEFAULTS.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_has_its_value_and_source_and_a_secret_only_its_state() {
        let variables = [
            ("HOME", "/home/user"),
            ("LECTERN_BIND", "127.0.0.1:9000"),
            ("ADMINISTRATE_CLIENT_SECRET", "s3cret"),
            ("DATABASE_URL", "postgres://u:s3cret@h/d"),
        ];
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "[import]\nmax_rows = 5\n[sittings]\nM = \"-06\"\n").expect("written");
        let options = [("data_dir", "/data".to_owned())];
        let settings = effective(Some(file.path()), find, &options).expect("valid");
        let of = |name: &str| {
            let setting = settings.iter().find(|setting| setting.name == name).expect(name);
            (setting.value.to_string().trim_matches('"').to_owned(), setting.source.clone())
        };
        let path = file.path().display().to_string();
        for (name, value, source) in [
            ("bind", "127.0.0.1:9000", "environment variable LECTERN_BIND"),
            ("data_dir", "/data", "option --data-dir"),
            ("import.max_rows", "5", &path),
            ("sittings.M", "-06", &path),
            ("sittings.A", "-04", "default"),
            ("time_zone", "Europe/London", "default"),
            ("administrate.client_secret", "set", "environment variable ADMINISTRATE_CLIENT_SECRET"),
            ("administrate.webhook_secret", "not set", "default"),
            ("database_url", "set", "environment variable DATABASE_URL"),
        ] {
            assert_eq!(of(name), (value.to_owned(), source.to_owned()), "{name}");
        }
        assert!(!format!("{settings:?}").contains("s3cret"));
        assert_eq!(settings[0].name, "database_url");
    }

    #[test]
    fn explanation_is_the_comment_of_a_setting_or_of_its_table() {
        assert_eq!(explanation("bind"), "address of `lectern serve`");
        assert_eq!(
            explanation("public_catalogue"),
            "whether callers without a token may read the active rows of /api/catalogue"
        );
        assert_eq!(explanation("login.idle_hours"), "");
        assert_eq!(explanation("login.lock_minutes"), "");
        assert!(table_explanation("login").starts_with("Signing in to the site."));
        assert!(explanation("sync.second_person").starts_with("true: over HTTP"));
        assert!(explanation("sync.second_person").ends_with("commands and the schedule are not affected"));
        assert_eq!(explanation("administrate.client_id"), "");
        assert!(table_explanation("administrate").contains("https://"));
        assert!(table_explanation("sittings").starts_with("A sitting is a year and a letter."));
        assert_eq!((explanation("sittings.X"), table_explanation("none")), (String::new(), String::new()));
        assert_eq!(explanation("none"), "");
    }
}
