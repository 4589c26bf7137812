//! The database schema as ordered steps of versioned SQL.
//!
//! Steps are applied in order, each in a transaction, under an advisory lock. Each is applied once. A database in which
//! a step differs from the one in this program is refused.

pub mod cli;

use serde::Serialize;
use sqlx::PgPool;
use sqlx::migrate::Migrator;

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
    /// The tables that the step moves; empty for versioned SQL.
    pub tables: Vec<serde_json::Value>,
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
}

fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!();
    migrator.create_schema("lectern");
    migrator.dangerous_set_table_name("lectern.schema_steps");
    migrator
}

/// Returns every step with its state.
pub async fn steps(pool: &PgPool) -> Result<Vec<Step>> {
    let is_migrated: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.schema_steps') IS NOT NULL").fetch_one(pool).await?;
    let applied: Vec<i64> = match is_migrated {
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

/// Returns the number of pending steps.
pub async fn pending(pool: &PgPool) -> Result<usize> {
    Ok(steps(pool).await?.iter().filter(|step| step.state == State::Pending).count())
}

/// Applies every pending step.
pub async fn apply(pool: &PgPool) -> Result<()> {
    Ok(migrator().run(pool).await?)
}
