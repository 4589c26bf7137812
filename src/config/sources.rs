//! Where settings come from: the defaults, the file, the environment and the options, each overriding those before it.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{DEFAULTS, Override, VARIABLES, trust};
use crate::error::{Error, Result};
use crate::names::nearest;

/// The settings file that is read if no other one is named.
const DEFAULT_FILE: &str = "lectern.toml";

/// Returns the values of the defaults, the file, the environment and the options, each overriding those before it.
pub(super) fn merge(
    file: Option<&Path>,
    variable: &impl Fn(&str) -> Option<String>,
    options: &[Override],
) -> Result<Table> {
    merge_with(read_file(file)?, variable, options)
}

/// Does the same with the text of the file and its path, if there is one.
pub(super) fn merge_with(
    file: Option<(String, String)>,
    variable: &impl Fn(&str) -> Option<String>,
    options: &[Override],
) -> Result<Table> {
    let mut settings = parse(DEFAULTS, "the defaults")?;
    if let Some((text, source)) = file {
        override_with(&mut settings, parse(&text, &source)?, "", &source)?;
    }
    for (name, key) in VARIABLES {
        if let Some(value) = variable(name).filter(|v| !v.trim().is_empty()) {
            set(&mut settings, key, value.trim(), name)?;
        }
    }
    for (key, value) in options {
        set(&mut settings, key, value, "the command line")?;
    }
    Ok(settings)
}

/// Returns the path of the settings file that is read, if there is one.
pub(super) fn file_path(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(path) => Some(path.into()),
        None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.symlink_metadata().is_ok()),
    }
}

/// Returns the text of the settings file and its path, or none if the default file does not exist.
pub(super) fn read_file(named: Option<&Path>) -> Result<Option<(String, String)>> {
    match named {
        Some(path) => Ok(Some((trust::read_named(path)?, path.display().to_string()))),
        None => Ok(trust::read_found(Path::new(DEFAULT_FILE))?.map(|text| (text, DEFAULT_FILE.to_owned()))),
    }
}

pub(super) fn parse(text: &str, source: &str) -> Result<Table> {
    text.parse().map_err(|error: toml::de::Error| {
        // The parser's own text quotes the line, which may contain a secret.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let (line, column) =
            (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        Error::Usage(format!("{source}, line {line}, column {column}: {}", error.message().trim_end()))
    })
}

/// Overrides settings in `base` by those in `over`. Every name must exist in `base` with the same type.
fn override_with(base: &mut Table, over: Table, prefix: &str, source: &str) -> Result<()> {
    for (key, value) in over {
        let name = format!("{prefix}{key}");
        // The provider chooses the letters of `sittings`.
        let accepts_new_keys = prefix == "sittings.";
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => {
                override_with(below, above, &format!("{name}."), source)?
            }
            (Some(slot), value) if slot.same_type(&value) => *slot = value,
            (None, value) if accepts_new_keys => {
                base.insert(key, value);
            }
            (Some(slot), _) => {
                return Err(Error::Usage(format!("{source}: {name} must be a {}", slot.type_str())));
            }
            (None, _) => {
                let similar = nearest(&key, base.keys().map(String::as_str)).into_iter().next();
                let tip = similar.map(|similar| format!(": did you mean {prefix}{similar}?")).unwrap_or_default();
                return Err(Error::Usage(format!("{source}: unknown setting {name}{tip}")));
            }
        }
    }
    Ok(())
}

fn set(settings: &mut Table, key: &str, text: &str, source: &str) -> Result<()> {
    let unknown = || Error::Usage(format!("{source}: unknown setting {key}"));
    let (tables, name) = key.rsplit_once('.').map_or((None, key), |(tables, name)| (Some(tables), name));
    let table = match tables {
        Some(table) => settings.get_mut(table).and_then(Value::as_table_mut).ok_or_else(unknown)?,
        None => settings,
    };
    let slot = table.get_mut(name).ok_or_else(unknown)?;
    let invalid = || Error::Usage(format!("{source}: \"{text}\" is not of type {}", slot.type_str()));
    *slot = parse_like(slot, text).ok_or_else(invalid)?;
    Ok(())
}

/// Parses a value of the same type as the existing value. Integers must not be negative.
fn parse_like(slot: &Value, text: &str) -> Option<Value> {
    match slot {
        Value::Integer(_) => text.parse().ok().filter(|n: &i64| *n >= 0).map(Value::Integer),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        _ => Some(Value::String(text.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_adds_sittings_but_no_unknown_setting() {
        let mut base = parse(DEFAULTS, "defaults").expect("valid");
        let added = parse("[sittings]\nM = \"-06\"", "f").expect("toml");
        override_with(&mut base, added, "", "f").expect("a new letter");
        let unknown = parse("bnd = \"x\"", "f").expect("toml");
        let error = override_with(&mut base, unknown, "", "f").expect_err("unknown");
        assert_eq!(error.to_string(), "f: unknown setting bnd: did you mean bind?");
    }

    #[test]
    fn syntax_error_names_the_place_and_quotes_nothing() {
        let error = parse("bind = \"x\"\nclient_secret = \"s3cret", "f").expect_err("no end").to_string();
        assert!(error.starts_with("f, line 2, column ") && !error.contains("s3cret"), "{error}");
    }
}
