//! SQL on the history of the attendance.

use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Result;

/// One entry of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttendanceEntry {
    pub session_id: i64,
    /// tutor or student
    pub person: &'static str,
    /// None: it was cleared.
    pub status: Option<String>,
    pub notes: Option<String>,
}

/// Adds entries to the history. `source`: how they were marked.
pub async fn add(db: &mut PgConnection, source: &str, marked_by: &str, entries: &[AttendanceEntry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO lectern.lesson_attendance (session_id, person, status, source, marked_by, notes)
         SELECT session_id, person, status, $5, $6, notes
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
              WITH ORDINALITY AS given (session_id, person, status, notes, place) ORDER BY place",
    )
    .bind(entries.iter().map(|entry| entry.session_id).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.person).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.status.as_deref()).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.notes.as_deref()).collect::<Vec<_>>())
    .bind(source)
    .bind(marked_by)
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the history of a lesson as documents, the oldest entry first.
pub async fn history(db: &mut PgConnection, session_id: i64) -> Result<Vec<Value>> {
    Ok(sqlx::query_scalar(
        "SELECT json_build_object('person', person, 'status', status, 'source', source, 'marked_by', marked_by,
                                  'marked_at', marked_at, 'notes', notes)
         FROM lectern.lesson_attendance WHERE session_id = $1 ORDER BY id",
    )
    .bind(session_id)
    .fetch_all(db)
    .await?)
}
