//! The database's schema as ordered steps: versioned SQL today, the moves of living databases beside it later.
//!
//! Promises: steps are taken in order, each in a transaction, under an advisory lock; a step taken is never taken
//! again, and one that was taken differently by another program is refused.

pub mod cli;

use serde::Serialize;
use sqlx::PgPool;
use sqlx::migrate::Migrator;

use crate::error::Result;

/// A step of the schema (contract §3, `migrate plan`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Name, e.g. `catalogue`.
    pub name: String,
    /// `sql` for versioned SQL.
    pub kind: &'static str,
    /// Whether the database has it.
    pub state: State,
    /// Whether `undo` can take it back.
    pub reversible: bool,
    /// What it moves; empty for versioned SQL.
    pub tables: Vec<serde_json::Value>,
    /// What a person should know.
    pub problems: Vec<String>,
    #[serde(skip)]
    sql: String,
}

/// Whether a step has been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Still to be taken.
    Pending,
    /// Taken.
    Done,
}

fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!();
    migrator.create_schema("lectern");
    migrator.dangerous_set_table_name("lectern.schema_steps");
    migrator
}

/// Every step, with whether it is done.
pub async fn steps(pool: &PgPool) -> Result<Vec<Step>> {
    let known: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.schema_steps') IS NOT NULL").fetch_one(pool).await?;
    let applied: Vec<i64> = match known {
        true => sqlx::query_scalar("SELECT version FROM lectern.schema_steps WHERE success").fetch_all(pool).await?,
        false => Vec::new(),
    };
    let step = |m: &sqlx::migrate::Migration| Step {
        name: m.description.replace(' ', "-"),
        kind: "sql",
        state: if applied.contains(&m.version) { State::Done } else { State::Pending },
        reversible: false,
        tables: Vec::new(),
        problems: Vec::new(),
        sql: m.sql.as_str().to_owned(),
    };
    Ok(migrator().iter().map(step).collect())
}

/// How many steps are still to be taken.
pub async fn pending(pool: &PgPool) -> Result<usize> {
    Ok(steps(pool).await?.iter().filter(|step| step.state == State::Pending).count())
}

/// Takes every pending step.
pub async fn apply(pool: &PgPool) -> Result<()> {
    Ok(migrator().run(pool).await?)
}
