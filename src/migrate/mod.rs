//! The database schema as ordered steps of versioned SQL.
//!
//! All pending steps are applied in one transaction under an advisory lock: either all of them, or nothing. Each is applied
//! once. A database in which a step differs from the one in this program is refused, and so is one that contains a table of
//! another shape under the name of a table that a pending step creates.

mod apply;
pub mod cli;
mod shape;
mod store;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::migrate::Migrator;

pub use apply::{LockWait, apply, apply_with};

use self::shape::{FoundTable, TableShape};
use crate::error::Result;

/// A step of the schema, as `migrate plan --json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Name, such as `catalogue`.
    pub name: String,
    /// `sql` for versioned SQL.
    pub kind: &'static str,
    pub state: State,
    /// Whether the step can be undone; never, for versioned SQL.
    pub reversible: bool,
    /// The tables that a pending step creates, or finds in the database.
    pub tables: Vec<Value>,
    pub problems: Vec<String>,
    #[serde(skip)]
    sql: String,
}

/// Whether a step has been applied to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Pending,
    Done,
    /// Pending, and a table stands in the way.
    Conflict,
}

fn migrator() -> Migrator {
    sqlx::migrate!()
}

/// Returns every step with its state.
pub async fn steps(pool: &PgPool) -> Result<Vec<Step>> {
    let mut db = pool.acquire().await?;
    let applied = store::applied_versions(&mut db).await?;
    let migrator = migrator();
    let mut steps: Vec<Step> = Vec::new();
    for migration in migrator.iter() {
        let sql = migration.sql.as_str();
        let mut step = Step {
            name: migration.description.replace(' ', "-"),
            kind: "sql",
            state: State::Done,
            reversible: false,
            tables: Vec::new(),
            problems: Vec::new(),
            sql: sql.to_owned(),
        };
        if !applied.contains(&migration.version) {
            step.state = State::Pending;
            let created = shape::created_tables(sql);
            let found = store::found_tables(&mut db, &created).await?;
            step.compare(&created, &found);
        }
        steps.push(step);
    }
    Ok(steps)
}

impl Step {
    /// Compares the tables that the step creates with those of these names in the database.
    fn compare(&mut self, created: &[TableShape], found: &[FoundTable]) {
        for table in created {
            let existing = found.iter().find(|found| found.name == table.name);
            let problem = existing.and_then(|existing| shape::problem(table, existing));
            let action = match (existing, &problem) {
                (None, _) => "create",
                (Some(_), None) => "skip",
                (Some(_), Some(_)) => "conflict",
            };
            let names: Vec<&str> = existing.iter().map(|existing| existing.name.as_str()).collect();
            self.tables.push(json!({ "table": table.name, "found": names, "action": action }));
            self.problems.extend(problem);
        }
        if !self.problems.is_empty() {
            self.state = State::Conflict;
        }
    }
}

/// Returns the number of steps that are not applied.
pub async fn pending(pool: &PgPool) -> Result<usize> {
    let applied = store::applied_versions(&mut *pool.acquire().await?).await?;
    Ok(migrator().iter().filter(|migration| !applied.contains(&migration.version)).count())
}
