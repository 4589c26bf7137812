//! Where the settings come from, and who can read the secrets among them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::CheckResult;
use crate::config::effective::EffectiveSetting;
use crate::error::Error;
use crate::files::user_name;

const READABLE_BY_ALL: u32 = 0o004;
const PERMISSIONS: u32 = 0o7777;

/// The settings as the command line loaded them.
#[derive(Debug)]
pub struct LoadedSettings {
    /// The file that is read, if there is one.
    pub file: Option<PathBuf>,
    /// Every setting with its source.
    pub effective: Vec<EffectiveSetting>,
    /// Why the settings could not be loaded. The others are then used without the file.
    pub error: Option<Error>,
}

/// Checks that the settings can be loaded, and that a file with secrets is readable by its owner only.
pub(super) fn check(settings: &LoadedSettings) -> CheckResult {
    if let Some(error) = &settings.error {
        return CheckResult::of_error(error, "correct this setting; `lectern settings` explains each");
    }
    let Some(file) = &settings.file else {
        return CheckResult::good(format!("no settings file; {}", variables(settings)));
    };
    let path = std::path::absolute(file).unwrap_or_else(|_| file.clone());
    let about = match fs::metadata(&path) {
        Ok(about) => about,
        Err(error) => return CheckResult::of_error(&Error::io("reading the settings file", &path, &error), ""),
    };
    let mode = about.mode() & PERMISSIONS;
    let detail = format!("{} of {}, mode {mode:04o}; {}", path.display(), user_name(about.uid()), variables(settings));
    let secrets = secrets_in(settings, &file.display().to_string());
    if about.is_file() && mode & READABLE_BY_ALL != 0 && !secrets.is_empty() {
        let detail = format!("{detail}; every user can read it, and it contains {}", secrets.join(", "));
        return CheckResult::bad(detail, format!("chmod o-rwx '{}'", path.display()));
    }
    CheckResult::good(detail)
}

/// Names the variables that set something.
fn variables(settings: &LoadedSettings) -> String {
    let prefix = "environment variable ";
    let names: Vec<&str> =
        settings.effective.iter().filter_map(|setting| setting.source.strip_prefix(prefix)).collect();
    match names.is_empty() {
        true => "no environment variable sets anything".to_owned(),
        false => format!("set in the environment: {}", names.join(", ")),
    }
}

/// Names the secrets that come from this source.
fn secrets_in<'a>(settings: &'a LoadedSettings, source: &str) -> Vec<&'a str> {
    let set = settings.effective.iter().filter(|setting| setting.source == source && setting.is_set_secret());
    set.map(|setting| setting.name.as_str()).collect()
}
