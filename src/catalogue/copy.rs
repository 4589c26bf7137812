//! Rolling forward: what one exam session sells becomes what the next one sells.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::store;
use super::store::CopyCount;
use crate::error::Result;

/// What to copy.
#[derive(Clone, Debug)]
pub struct CopyRequest {
    /// Id of the exam session that is copied.
    pub from: i64,
    /// Id of the exam session that receives the copies.
    pub to: i64,
    /// Ids of the subjects. None: all.
    pub subjects: Option<Vec<i64>>,
    pub is_dry_run: bool,
}

/// Copies subjects, store products, prices and bundles that the target lacks, in the caller's transaction.
///
/// Rows of the target stay as they are. Store products get codes of their own.
pub async fn copy(db: &mut PgConnection, request: &CopyRequest) -> Result<Vec<CopyCount>> {
    let CopyRequest { from, to, subjects, is_dry_run } = request;
    if !is_dry_run {
        store::lock_exam_session(db, *to).await?;
    }
    let counts = store::copy_counts(db, *from, *to, subjects.as_deref()).await?;
    if !is_dry_run {
        store::copy_rows(db, *from, *to, subjects.as_deref()).await?;
    }
    Ok(counts)
}

/// Returns the document of a copy.
pub fn document(counts: &[CopyCount], is_dry_run: bool) -> Value {
    let of = |number: fn(&CopyCount) -> i64| {
        Value::Object(counts.iter().map(|count| (count.kind.clone(), json!(number(count)))).collect::<Map<_, _>>())
    };
    json!({ "dry_run": is_dry_run, "counts": of(|count| count.created), "unchanged": of(|count| count.unchanged) })
}

/// Returns the ids of subjects by their codes, or the positions of the unknown codes.
///
/// # Errors
/// When the database cannot be read.
pub async fn subjects_by_code(db: &mut PgConnection, codes: &[String]) -> Result<Result<Vec<i64>, Vec<usize>>> {
    let known = store::subjects(db).await?;
    let find =
        |code: &String| known.iter().find(|(_, known)| known.eq_ignore_ascii_case(code.trim())).map(|(id, _)| *id);
    let found: Vec<Option<i64>> = codes.iter().map(find).collect();
    let unknown: Vec<usize> = found.iter().enumerate().filter(|(_, id)| id.is_none()).map(|(at, _)| at).collect();
    Ok(if unknown.is_empty() { Ok(found.into_iter().flatten().collect()) } else { Err(unknown) })
}
