//! The move `lesson-sessions`: `tutor_sessions`, or the older `tutoring_sessions`, becomes `public.sessions`.
//!
//! The older table stays as it is, as the archive of the move. The rows are copied to a table beside it, in batches while
//! others write or in one transaction, and the tables change places under a short lock.

mod copy;
mod enrolments;
mod findings;
mod indexes;
mod mapping;
pub(super) mod options;
mod pace;
mod plan;
mod receipt;
mod recognition;
pub(super) mod shape;
mod situation;
mod store;
mod swap;
mod undo;
mod verify;

use sqlx::PgConnection;

pub use self::copy::lesson_sessions;
pub use self::options::{LessonOptions, NAME};
pub use self::plan::{LessonStep, MoveState, step};
pub use self::shape::{is_lesson_table, lesson_table_names};
pub use self::store::create_further_indexes;
pub use self::undo::undo;
pub use self::verify::verify;
use crate::error::Result;
use crate::migrate::catalog::Catalog;

/// Reports whether the versioned SQL is applied, but `public.sessions` is missing or incomplete.
pub async fn is_unfinished(db: &mut PgConnection) -> Result<bool> {
    store::is_unfinished(db).await
}

/// Reports whether a database has tables of the lessons.
pub fn has_lesson_tables(catalog: &Catalog) -> bool {
    let is_lesson_or_older = |schema: &str, name: &str| {
        is_lesson_table(schema, name) || schema == "public" && recognition::SOURCES.contains(&name)
    };
    catalog.tables.iter().any(|table| is_lesson_or_older(&table.schema, &table.name))
}
