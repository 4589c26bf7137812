//! Runs: every sync and import that wrote something is kept with the document that it printed.

use serde::Serialize;
use sqlx::PgConnection;

use crate::error::{Exit, Result};

/// Opens a run and gives its id. `kind`: `sync` or `import`; `subject`: the entity or the file's name.
pub async fn begin(db: &mut PgConnection, kind: &str, subject: &str) -> Result<i64> {
    Ok(sqlx::query_scalar("INSERT INTO lectern.runs (kind, subject) VALUES ($1, $2) RETURNING id")
        .bind(kind)
        .bind(subject)
        .fetch_one(db)
        .await?)
}

/// Closes a run with how it ended and what it reported.
pub async fn finish(db: &mut PgConnection, run: i64, exit: Exit, document: &impl Serialize) -> Result<()> {
    sqlx::query("UPDATE lectern.runs SET finished_at = now(), exit_code = $2, document = $3 WHERE id = $1")
        .bind(run)
        .bind(exit as i32)
        .bind(sqlx::types::Json(document))
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a run of this kind and subject ever ended 0 or 4, which is what counts as done (rules, Sync).
pub async fn has_succeeded(db: &mut PgConnection, kind: &str, subject: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM lectern.runs WHERE kind = $1 AND subject = $2 AND exit_code IN (0, 4))",
    )
    .bind(kind)
    .bind(subject)
    .fetch_one(db)
    .await?)
}
