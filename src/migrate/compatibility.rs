//! Whether this program may use a database whose schema a newer program has extended.
//!
//! The header of each migration says which older programs may run beside it. The text is stored when the step is applied,
//! because an older program does not contain the migration and can read only the database.

use sqlx::PgPool;

use super::store;
use super::store::NewerStep;
use super::versioned::known_versions;
use crate::error::{Error, Result};

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The beginning of the line of a migration's header.
const HEADER: &str = "-- older binaries: ";

/// Returns what the header of a migration says about older programs: `yes`, or `from X.Y`.
pub(super) fn header(sql: &str) -> Option<&str> {
    let mut lines = sql.lines().take_while(|line| line.starts_with("--"));
    let text = lines.find_map(|line| line.strip_prefix(HEADER))?.trim();
    Requirement::parse(text).map(|_| text)
}

/// Which older programs may run beside a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Requirement {
    /// All of them.
    None,
    /// Those of at least this major and minor version.
    From(u64, u64),
}

impl Requirement {
    fn parse(text: &str) -> Option<Requirement> {
        if text == "yes" {
            return Some(Requirement::None);
        }
        let version = text.strip_prefix("from ")?;
        let (major, minor) = version.split_once('.')?;
        Some(Requirement::From(major.parse().ok()?, minor.parse().ok()?))
    }

    fn allows(self, (major, minor): (u64, u64)) -> bool {
        match self {
            Requirement::None => true,
            Requirement::From(first_major, first_minor) => (major, minor) >= (first_major, first_minor),
        }
    }
}

/// Returns major and minor of a version such as `0.1.0`.
fn major_minor(version: &str) -> (u64, u64) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// Returns why this program must not use a database with this step of a newer program; none if it may.
fn refusal(step: &NewerStep) -> Option<String> {
    refusal_for(step, VERSION)
}

fn refusal_for(step: &NewerStep, version: &str) -> Option<String> {
    let stored = step.older_binaries.as_deref();
    match stored.and_then(Requirement::parse) {
        Some(requirement) if requirement.allows(major_minor(version)) => None,
        Some(Requirement::From(major, minor)) => Some(format!(
            "a newer program has migrated the database, and step {} ({}) needs Lectern {major}.{minor} or newer, but \
             this is Lectern {version}: use the newer program",
            step.version, step.name
        )),
        _ => Some(format!(
            "a newer program has migrated the database, and step {} ({}) does not allow older programs such as this \
             Lectern {version}: use the newer program",
            step.version, step.name
        )),
    }
}

/// Returns the steps of newer programs that are in the database, with why this program must not run beside each.
pub async fn newer_steps(pool: &PgPool) -> Result<Vec<(NewerStep, Option<String>)>> {
    let newer = read(pool).await?;
    Ok(newer.into_iter().map(|step| (refusal(&step), step)).map(|(reason, step)| (step, reason)).collect())
}

/// Checks that this program may use a database that a newer program has migrated.
///
/// # Errors
/// [`Error::Prerequisite`] that names the step and the version that it needs.
pub async fn check_newer_steps(pool: &PgPool) -> Result<()> {
    check(&read(pool).await?)
}

/// Reports whether a newer program has migrated the database, so that this one has nothing to apply.
///
/// # Errors
/// [`Error::Prerequisite`] when this program must not run beside it, or when steps of this program are pending.
pub(super) async fn is_newer(pool: &PgPool) -> Result<bool> {
    let newer = read(pool).await?;
    check(&newer)?;
    let Some(step) = newer.last() else { return Ok(false) };
    let applied = store::applied_versions(&mut *pool.acquire().await?).await?;
    if known_versions().iter().all(|version| applied.contains(version)) {
        return Ok(true);
    }
    Err(Error::Prerequisite(format!(
        "step {} ({}) of a newer program is applied, but earlier steps are not: run `lectern migrate` of the newer program",
        step.version, step.name
    )))
}

/// Refuses to take anything back where a newer program has migrated: this one does not know what the other has left.
///
/// # Errors
/// [`Error::Prerequisite`] that names the last step.
pub(super) async fn refuse_newer(pool: &PgPool) -> Result<()> {
    match read(pool).await?.last() {
        None => Ok(()),
        Some(step) => Err(Error::Prerequisite(format!(
            "a newer program has migrated the database up to step {} ({}): use it for this",
            step.version, step.name
        ))),
    }
}

async fn read(pool: &PgPool) -> Result<Vec<NewerStep>> {
    store::newer_steps(&mut *pool.acquire().await?, &known_versions()).await
}

/// Checks that this program may use a database with these steps of newer programs.
///
/// # Errors
/// [`Error::Prerequisite`] that names the step and the version that it needs.
fn check(newer: &[NewerStep]) -> Result<()> {
    match newer.iter().rev().find_map(refusal) {
        Some(reason) => Err(Error::Prerequisite(reason)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::versioned::migrator;

    #[test]
    fn every_migration_says_which_older_programs_may_run_beside_it() {
        let migrator = migrator();
        let silent: Vec<_> = migrator.iter().filter(|step| header(step.sql.as_str()).is_none()).collect();
        let names: Vec<_> = silent.iter().map(|step| format!("{:04} {}", step.version, step.description)).collect();
        assert!(names.is_empty(), "these have no header line `{HEADER}yes` or `{HEADER}from X.Y`: {names:#?}");
    }

    #[test]
    fn header_is_a_line_of_the_first_comment() {
        for (sql, expected) in [
            ("-- What.\n-- older binaries: yes\n\nSELECT 1", Some("yes")),
            ("-- older binaries: from 1.12\nSELECT 1", Some("from 1.12")),
            ("-- older binaries: from 1\nSELECT 1", None),
            ("-- older binaries: perhaps\nSELECT 1", None),
            ("-- Older binaries: yes\nSELECT 1", None),
            ("SELECT 1;\n-- older binaries: yes", None),
        ] {
            assert_eq!(header(sql), expected, "{sql}");
        }
    }

    #[test]
    fn program_runs_beside_a_newer_step_that_allows_its_version() {
        for (stored, version, expected) in [
            (Some("yes"), "0.1.0", None),
            (Some("from 0.9"), "0.10.2", None),
            (Some("from 1.2"), "1.2.0", None),
            (Some("from 1.2"), "1.1.9", Some("step 70 (names) needs Lectern 1.2 or newer, but this is Lectern 1.1.9")),
            (Some("from 2.0"), "1.99.0", Some("needs Lectern 2.0 or newer")),
            (Some("no"), "1.0.0", Some("step 70 (names) does not allow older programs such as this Lectern 1.0.0")),
            (None, "1.0.0", Some("does not allow older programs")),
        ] {
            let step = NewerStep { version: 70, name: "names".into(), older_binaries: stored.map(str::to_owned) };
            let refusal = refusal_for(&step, version);
            match (expected, &refusal) {
                (None, None) => {}
                (Some(expected), Some(refusal)) if refusal.contains(expected) => {}
                _ => panic!("{stored:?} {version}: {refusal:?}"),
            }
        }
    }
}
