//! The move `lesson-sessions`: `tutor_sessions`, or the older `tutoring_sessions`, becomes `public.sessions`.
//!
//! The older table stays as it is, as the archive of the move. The rows are copied to a table beside it, in batches while
//! others write or in one transaction, and the tables change places under a short lock.

mod copy;
mod enrolments;
mod findings;
mod mapping;
mod plan;
mod receipt;
mod recognition;
mod shape;
mod situation;
mod store;
mod swap;
mod undo;
mod verify;

use std::time::Duration;

use sqlx::PgConnection;

pub use self::copy::lesson_sessions;
pub use self::plan::{LessonStep, MoveState, step};
pub use self::undo::undo;
pub use self::verify::verify;
use crate::error::Result;
use crate::migrate::catalog::Catalog;

pub const NAME: &str = "lesson-sessions";
/// The older table after the move.
const ARCHIVE: &str = "lectern.tutor_sessions_archive";
const ARCHIVE_TABLE: &str = "tutor_sessions_archive";

/// How the move is applied.
#[derive(Debug, Clone)]
pub struct LessonOptions {
    /// Nobody writes: copy in one transaction, under a lock.
    pub offline: bool,
    /// Make an enrolment for each pair of tutor and student without one.
    pub create_enrolments: bool,
    pub batch_rows: i64,
    /// Pause between two batches.
    pub pause: Duration,
}

impl Default for LessonOptions {
    fn default() -> LessonOptions {
        LessonOptions { offline: false, create_enrolments: false, batch_rows: 5_000, pause: copy::DEFAULT_PAUSE }
    }
}

/// Reports whether the versioned SQL is applied, but `public.sessions` is missing or incomplete.
pub async fn is_unfinished(db: &mut PgConnection) -> Result<bool> {
    store::is_unfinished(db).await
}

/// Reports whether a name is that of a table of the lessons in schema `public`.
pub fn is_lesson_table(schema: &str, name: &str) -> bool {
    schema == "public" && (name == "sessions" || shape::COMPANIONS.iter().any(|companion| companion.name == name))
}

/// Reports whether a database has tables of the lessons.
pub fn has_lesson_tables(catalog: &Catalog) -> bool {
    let is_ours = |schema: &str, name: &str| {
        is_lesson_table(schema, name) || schema == "public" && recognition::SOURCES.contains(&name)
    };
    catalog.tables.iter().any(|table| is_ours(&table.schema, &table.name))
}
