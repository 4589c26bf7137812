//! All SQL on `lectern.import_corrections`.

use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use super::CellCorrection;
use crate::error::Result;

/// A stored correction. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct StoredCorrection {
    pub sheet: String,
    pub cell: String,
    pub value: String,
    /// What the file contains; none for a blank cell.
    pub original: Option<String>,
    pub changed_by: String,
    pub changed_at: String,
}

impl From<StoredCorrection> for CellCorrection {
    fn from(stored: StoredCorrection) -> CellCorrection {
        CellCorrection { sheet: stored.sheet, cell: stored.cell, value: stored.value }
    }
}

/// Returns the corrections of a run.
pub async fn of_run(pool: &PgPool, run: i64) -> Result<Vec<StoredCorrection>> {
    Ok(sqlx::query_as(
        "SELECT sheet, cell, value, original, changed_by,
                to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS changed_at
         FROM lectern.import_corrections WHERE run_id = $1
         ORDER BY length(cell), cell",
    )
    .bind(run)
    .fetch_all(pool)
    .await?)
}

/// Replaces the corrections of a run. `originals`: what the file contains at each. Those that stay equal keep their author.
pub(super) async fn replace(
    db: &mut PgConnection,
    run: i64,
    corrections: &[CellCorrection],
    originals: &[Option<String>],
    changed_by: &str,
) -> Result<()> {
    let column = |value: fn(&CellCorrection) -> &str| corrections.iter().map(value).collect::<Vec<_>>();
    sqlx::query(
        "WITH given AS (
             SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS given (sheet, cell, value, original)),
         gone AS (
             DELETE FROM lectern.import_corrections AS old
             WHERE run_id = $1 AND NOT EXISTS (
                 SELECT FROM given WHERE given.sheet = old.sheet AND given.cell = old.cell))
         INSERT INTO lectern.import_corrections AS old (run_id, sheet, cell, value, original, changed_by)
         SELECT $1, sheet, cell, value, original, $6 FROM given
         ON CONFLICT (run_id, sheet, cell)
         DO UPDATE SET value = excluded.value, changed_by = excluded.changed_by, changed_at = now()
             WHERE old.value <> excluded.value",
    )
    .bind(run)
    .bind(column(|correction| &correction.sheet))
    .bind(column(|correction| &correction.cell))
    .bind(column(|correction| &correction.value))
    .bind(originals)
    .bind(changed_by)
    .execute(db)
    .await?;
    Ok(())
}

/// Copies the corrections of a dry run to the import that applies it.
pub async fn copy(db: &mut PgConnection, from: i64, to: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.import_corrections (run_id, sheet, cell, value, original, changed_by, changed_at)
         SELECT $2, sheet, cell, value, original, changed_by, changed_at
         FROM lectern.import_corrections WHERE run_id = $1",
    )
    .bind(from)
    .bind(to)
    .execute(db)
    .await?;
    Ok(())
}
