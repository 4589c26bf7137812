//! How far the move is, and what an undo needs.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Result;
use crate::migrate::moves::store::Content;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyPhase {
    Copying,
    Swapped,
    Done,
}

impl CopyPhase {
    fn name(self) -> &'static str {
        match self {
            CopyPhase::Copying => "copying",
            CopyPhase::Swapped => "swapped",
            CopyPhase::Done => "done",
        }
    }
}

/// The row of `lectern.lesson_copy`.
#[derive(Debug, Clone)]
pub struct CopyProgress {
    /// OID of the older table; none if there was none.
    pub source: Option<i64>,
    pub phase: CopyPhase,
    pub last_id: Option<i64>,
    pub journal: Journal,
}

/// What an undo needs, and what the receipt says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Journal {
    /// Name of the older table in schema `public`.
    pub name: String,
    /// OID of an empty `sessions` that was put aside.
    pub gives_way: Option<i64>,
    pub renamed: Vec<RenamedObject>,
    /// Indexes that an existing `sessions` lacked.
    pub created_indexes: Vec<String>,
    /// Enrolments that were made for rows without one.
    pub enrolments: Vec<i64>,
    /// Whether `enrolled_students.package_id` was NOT NULL.
    pub needs_package: bool,
    /// The older table before the tables changed places.
    pub before: Option<Content>,
    pub before_filenode: i64,
    /// Its rows as lesson sessions, and the rows of the copy.
    pub expected: Option<Content>,
    pub copied: Option<Content>,
    /// Number of rows and sum of the ids in the archive.
    pub totals: Option<(i64, String)>,
    /// Whether other tables have what `sessions` cannot hold.
    pub is_recorded: bool,
    pub changes: Vec<String>,
    pub problems: Vec<String>,
    pub locked_seconds: f64,
    pub copied_seconds: f64,
    pub verified_seconds: f64,
    /// Constraints that are still to be validated: table and name.
    pub unvalidated: Vec<(String, String)>,
}

/// An index or sequence that got another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenamedObject {
    pub oid: i64,
    pub is_index: bool,
    pub name: String,
}

type ProgressRow = (Option<i64>, String, Option<i64>, Json<Journal>);

/// Returns how far the move is; none before it and after its undo.
pub async fn progress(db: &mut PgConnection) -> Result<Option<CopyProgress>> {
    if !exists(db).await? {
        return Ok(None);
    }
    let row: Option<ProgressRow> =
        sqlx::query_as("SELECT source, phase, last_id, journal FROM lectern.lesson_copy").fetch_optional(db).await?;
    Ok(row.map(|(source, phase, last_id, Json(journal))| {
        let phase = match phase.as_str() {
            "copying" => CopyPhase::Copying,
            "swapped" => CopyPhase::Swapped,
            _ => CopyPhase::Done,
        };
        CopyProgress { source, phase, last_id, journal }
    }))
}

/// Reports whether `public.sessions` is missing or not complete in a database with the versioned SQL.
pub async fn is_unfinished(db: &mut PgConnection) -> Result<bool> {
    if !exists(db).await? {
        return Ok(false);
    }
    Ok(sqlx::query_scalar(
        "SELECT to_regclass('public.sessions') IS NULL OR EXISTS (SELECT FROM lectern.lesson_copy WHERE phase <> 'done')",
    )
    .fetch_one(db)
    .await?)
}

async fn exists(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT to_regclass('lectern.lesson_copy') IS NOT NULL").fetch_one(db).await?)
}

pub async fn begin(db: &mut PgConnection, source: Option<i64>, journal: &Journal) -> Result<()> {
    sqlx::query("INSERT INTO lectern.lesson_copy (source, phase, journal) VALUES ($1, 'copying', $2)")
        .bind(source)
        .bind(Json(journal))
        .execute(db)
        .await?;
    Ok(())
}

pub async fn save(db: &mut PgConnection, phase: CopyPhase, journal: &Journal) -> Result<()> {
    sqlx::query("UPDATE lectern.lesson_copy SET phase = $1, journal = $2")
        .bind(phase.name())
        .bind(Json(journal))
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets how far the move was.
pub async fn end(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(
        "DELETE FROM lectern.lesson_copy; DELETE FROM lectern.lesson_copy_batches; DELETE FROM lectern.lesson_changes",
    )
    .execute(db)
    .await?;
    Ok(())
}
