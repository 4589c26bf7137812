//! The database schema as ordered steps: two moves, then versioned SQL, then the moves that change rows.
//!
//! `adm-schema` brings tables of Administrate's side to schema `adm`, `adopt` gives existing tables the rules that the program
//! relies on, and versioned SQL creates what is missing. Each step is planned on the system catalogue, applied under short
//! locks and safe to repeat. A database in which a step differs from the one in this program is refused, and so is one that
//! contains a table of another shape.

mod attempts;
mod catalog;
pub mod cli;
mod compatibility;
mod created_tables;
mod examine;
mod grants;
pub mod lint;
mod moves;
pub mod pages;
mod steps;
mod store;
pub mod uninstall;
mod versioned;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use self::attempts::Attempts;
pub use self::attempts::LockWait;
pub use self::compatibility::{check_newer_steps, newer_steps};
pub use self::examine::{
    ServicePrivilege, TablePlace, broken_rules, former_names, placements, service_privileges, table_names,
};
pub use self::moves::lesson_sessions::LessonOptions;
pub use self::moves::{Check, Undone};
pub use self::steps::{MigrationSteps, State, Step, pending};
pub use self::store::NewerStep;
use crate::error::{Error, Result};
use crate::output_file::Existing;

/// How steps are applied.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub wait: LockWait,
    /// Create views under the former names of moved tables.
    pub compat_views: bool,
    /// End after the step of this name.
    pub to: Option<String>,
    pub lessons: LessonOptions,
}

/// What an application did.
#[derive(Debug, Default)]
pub struct MigrationResult {
    /// The signed receipt; none if no move had anything to do.
    pub receipt: Option<Value>,
    /// What needs a person.
    pub problems: Vec<String>,
}

/// Applies every pending step.
pub async fn apply(pool: &PgPool) -> Result<()> {
    apply_with(pool, &Options::default(), &CancellationToken::new(), &|_| ()).await.map(|_| ())
}

/// Applies every pending step. `on_wait` receives a line for the user when another connection has locked something.
///
/// # Errors
/// [`Error::NeedsAttention`] when a table has another shape, [`Error::Cancelled`] when stopped, [`Error::Failed`] when the
/// locks stay. The steps before the failed one stay applied; the failed one leaves nothing behind.
pub async fn apply_with(
    pool: &PgPool,
    options: &Options,
    stop: &CancellationToken,
    on_wait: &(dyn Fn(&str) + Sync),
) -> Result<MigrationResult> {
    let attempts = Attempts::new(pool, options.wait, stop, on_wait);
    let guard = attempts.guard().await?;
    let applied = apply_in_order(&attempts, options).await;
    drop(guard);
    applied
}

async fn apply_in_order(attempts: &Attempts<'_>, options: &Options) -> Result<MigrationResult> {
    if compatibility::is_newer(attempts.pool).await? {
        // The moves of this program would give the tables their earlier shape.
        return Ok(MigrationResult::default());
    }
    let last = options.to.as_deref();
    let mut done = Vec::new();
    let survey = attempts.transaction(async |db| moves::survey(db).await).await?;
    let steps = attempts.transaction(async |db| steps::read(db, false).await).await?;
    let conflicts = steps.conflicts_until(last);
    if !conflicts.is_empty() {
        return Err(Error::NeedsAttention(format!("nothing was changed: {}", conflicts.join("; "))));
    }
    let is_adopted = survey.is_adopted();
    if is_adopted {
        moves::try_locks(attempts, &survey).await?;
    }
    let is_interrupted = survey.is_recorded(moves::ADM_SCHEMA) && !survey.is_recorded(moves::ADOPT);
    if survey.has_moving() || is_interrupted || options.compat_views && survey.plan.has_tables {
        done.push(moves::adm_schema(attempts, options.compat_views).await?);
    }
    let mut is_open = last != Some(moves::ADM_SCHEMA);
    if is_open && is_adopted {
        done.push(moves::adopt(attempts).await?);
    }
    is_open &= last != Some(moves::ADOPT);
    if is_open {
        attempts.transaction(async |db| apply_sql(db, is_adopted, last).await).await?;
        // Foreign keys to tables that the versioned SQL has created.
        if is_adopted {
            done.push(moves::adopt(attempts).await?);
        }
    }
    let is_included = |name: &str| last.is_none_or(|last| last == name || last == moves::lesson_sessions::NAME);
    if is_open && is_adopted && is_included(moves::TUTORIAL_REFERENCES) {
        done.push(moves::tutorial_references(attempts).await?);
    }
    if is_open && is_included(moves::lesson_sessions::NAME) {
        done.push(moves::lesson_sessions::lesson_sessions(attempts, &options.lessons).await?);
    }
    done.retain(|step| !step.is_empty());
    let mut problems = if is_adopted { attempts.transaction(moves::broken_rules).await? } else { Vec::new() };
    problems.extend(done.iter().flat_map(|step| step.problems.clone()));
    if is_open && is_included(moves::lesson_sessions::NAME) {
        problems.extend(moves::lesson_sessions::create_further_indexes(attempts).await?);
    }
    problems.sort();
    problems.dedup();
    let receipt = match done.is_empty() {
        true => None,
        false => Some(moves::store_receipt(attempts, done, steps.estimate, &steps.django).await?),
    };
    attempts.transaction(grants::renew).await?;
    Ok(MigrationResult { receipt, problems })
}

/// Applies versioned SQL up to a step.
async fn apply_sql(db: &mut sqlx::PgConnection, is_adopted: bool, last: Option<&str>) -> Result<()> {
    if !is_adopted {
        moves::remember_lesson_tables(db).await?;
        let catalog = catalog::read(db).await?;
        return versioned::apply_pending(db, &catalog, last).await;
    }
    moves::record_adoption(db).await?;
    let (catalog, comments) = (catalog::read(db).await?, moves::comments(db).await?);
    moves::lock_for_versioned_sql(db, &catalog).await?;
    versioned::apply_pending(db, &catalog, last).await?;
    moves::keep_comments(db, &comments).await
}

/// Returns every step with its state.
pub async fn steps(pool: &PgPool) -> Result<MigrationSteps> {
    steps_when_free(pool, true, LockWait::default(), &CancellationToken::new(), &|_| ()).await
}

/// Returns every step with its state; with `is_detailed`, also the problems that the rows foresee. Waits for locks like an
/// application.
pub async fn steps_when_free(
    pool: &PgPool,
    is_detailed: bool,
    wait: LockWait,
    stop: &CancellationToken,
    on_wait: &(dyn Fn(&str) + Sync),
) -> Result<MigrationSteps> {
    let attempts = Attempts::new(pool, wait, stop, on_wait);
    for _ in 0..READINGS {
        match attempts.transaction(async |db| steps::read(db, is_detailed).await).await {
            Err(error) if is_gone(&error) => tokio::time::sleep(PAUSE_BETWEEN_READINGS).await,
            read => return read,
        }
    }
    attempts.transaction(async |db| steps::read(db, is_detailed).await).await
}

/// How often the steps are read again while a migration of another process moves tables.
const READINGS: u32 = 10;
const PAUSE_BETWEEN_READINGS: Duration = Duration::from_millis(200);

/// Reports whether a table or column was moved between the reading of the catalogue and that of its rows.
fn is_gone(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    // The last one: "cache lookup failed", "could not open relation with OID".
    matches!(code.as_deref(), Some("42P01" | "42703" | "42704" | "3F000" | "XX000"))
}

/// Undoes a move. Rows that were written since stay.
///
/// # Errors
/// [`Error::Usage`] for a name that is no move, [`Error::Prerequisite`] when later steps rest on it.
pub async fn undo(
    pool: &PgPool,
    name: &str,
    wait: LockWait,
    stop: &CancellationToken,
    on_wait: &(dyn Fn(&str) + Sync),
) -> Result<Undone> {
    const MOVES: [&str; 4] =
        [moves::ADM_SCHEMA, moves::ADOPT, moves::TUTORIAL_REFERENCES, moves::lesson_sessions::NAME];
    if name == moves::lesson_sessions::NAME {
        return run_guarded(pool, wait, stop, on_wait, moves::lesson_sessions::undo).await;
    }
    if !MOVES.contains(&name) {
        return Err(Error::Usage(format!(
            "no move is called \"{name}\": write one of {}; versioned SQL is taken away by `lectern uninstall`",
            MOVES.join(", ")
        )));
    }
    let applied = moves::applied(&mut *pool.acquire().await?).await?;
    if name != moves::TUTORIAL_REFERENCES && applied.iter().any(|applied| applied == moves::TUTORIAL_REFERENCES) {
        return Err(Error::Prerequisite(format!(
            "{} rests on {name}: run `lectern migrate undo {}` first",
            moves::TUTORIAL_REFERENCES,
            moves::TUTORIAL_REFERENCES
        )));
    }
    if name == moves::TUTORIAL_REFERENCES {
        return run_guarded(pool, wait, stop, on_wait, moves::undo_references).await;
    }
    run_guarded(pool, wait, stop, on_wait, async |attempts| moves::undo(attempts, name).await).await
}

/// Drops the compatibility views.
pub async fn drop_compat_views(
    pool: &PgPool,
    wait: LockWait,
    stop: &CancellationToken,
    on_wait: &(dyn Fn(&str) + Sync),
) -> Result<Undone> {
    run_guarded(pool, wait, stop, on_wait, async |attempts| moves::undo(attempts, moves::COMPAT_VIEWS).await).await
}

/// Takes away what Lectern added to an adopted database. Returns what was taken away; none if there was nothing.
///
/// # Errors
/// [`Error::Prerequisite`] when moves are in force, [`Error::NeedsAttention`] when rows exist only there.
pub async fn uninstall_from(
    pool: &PgPool,
    export: Option<(&Path, Existing)>,
    wait: LockWait,
    stop: &CancellationToken,
    on_wait: &(dyn Fn(&str) + Sync),
) -> Result<Option<uninstall::Removal>> {
    run_guarded(pool, wait, stop, on_wait, async |attempts| uninstall::uninstall(attempts, export).await).await
}

async fn run_guarded<T>(
    pool: &PgPool,
    wait: LockWait,
    stop: &CancellationToken,
    on_wait: &(dyn Fn(&str) + Sync),
    work: impl AsyncFn(&Attempts<'_>) -> Result<T>,
) -> Result<T> {
    let attempts = Attempts::new(pool, wait, stop, on_wait);
    let guard = attempts.guard().await?;
    let result = match compatibility::refuse_newer(pool).await {
        Ok(()) => work(&attempts).await,
        Err(refused) => Err(refused),
    };
    drop(guard);
    result
}

/// Checks placement, constraints and sequences of a migrated database; with a receipt, also that it is genuine.
pub async fn verify(pool: &PgPool, receipt: Option<&Value>) -> Result<Vec<Check>> {
    let mut db = pool.acquire().await?;
    match receipt {
        Some(receipt) => moves::verify_receipt(&mut db, receipt).await,
        None => moves::verify(&mut db).await,
    }
}

/// Returns the newest stored receipt.
pub async fn last_receipt(pool: &PgPool) -> Result<Option<Value>> {
    moves::last_receipt(&mut *pool.acquire().await?).await
}

/// Returns the shape of a database: what the reference document says of a fresh one.
pub async fn shape(pool: &PgPool) -> Result<Value> {
    moves::shape(&mut *pool.acquire().await?).await
}
