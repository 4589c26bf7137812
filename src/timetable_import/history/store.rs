//! All SQL on `lectern.import_rows`: the fates of imported blocks, and what known events were before.

use std::collections::HashMap;

use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Result;
use crate::timetable_import::plan::{BlockOutcome, ImportCounts, ImportPlan, PlanItem};
use crate::tutorials::KnownEvent;

/// Keeps what became of blocks; `unused` is what each has in columns that mean nothing to us.
pub async fn store_outcomes(db: &mut PgConnection, run: i64, items: &[&PlanItem], unused: &[Value]) -> Result<()> {
    let fate = |(item, unused): (&&PlanItem, &Value)| {
        json!({
            "row": item.row, "title": item.title, "outcome": item.outcome.word(), "sessions": item.sessions,
            "changes": item.changes, "unused": unused,
        })
    };
    let fates: Vec<Value> = items.iter().zip(unused).map(fate).collect();
    sqlx::query(
        "INSERT INTO lectern.import_rows (run_id, row, title, outcome, sessions, changes, unused)
         SELECT $1, row, title, outcome, sessions, changes, unused
         FROM jsonb_to_recordset($2) AS f (row int, title text, outcome text, sessions int, changes jsonb, unused jsonb)
         ON CONFLICT (run_id, row) DO UPDATE
         SET outcome = excluded.outcome, sessions = excluded.sessions, changes = excluded.changes
         WHERE excluded.outcome <> 'same'",
    )
    .bind(run)
    .bind(Json(fates))
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps what known events were before an import changed them.
pub async fn store_previous(db: &mut PgConnection, run: i64, events: &[KnownEvent]) -> Result<()> {
    let codes: Vec<&str> = events.iter().map(|known| known.event.code.as_str()).collect();
    let before: Vec<Json<&KnownEvent>> = events.iter().map(Json).collect();
    sqlx::query(
        "UPDATE lectern.import_rows AS kept SET before = b.before
         FROM unnest($2::text[], $3::jsonb[]) AS b (code, before)
         WHERE kept.run_id = $1 AND kept.title = b.code AND kept.outcome IN ('changed', 'cancelled')",
    )
    .bind(run)
    .bind(codes)
    .bind(before)
    .execute(db)
    .await?;
    Ok(())
}

/// What an import wrote: the titles that it brought, and the events that it changed as they were before. None where
/// there is no such import.
pub async fn written(db: &mut PgConnection, run: i64) -> Result<Option<(Vec<String>, Vec<KnownEvent>)>> {
    if !is_import(db, run).await? {
        return Ok(None);
    }
    let rows: Vec<(String, Option<Json<KnownEvent>>)> = sqlx::query_as(
        "SELECT title, before FROM lectern.import_rows
         WHERE run_id = $1 AND (outcome IN ('new', 'adopted') OR before IS NOT NULL) ORDER BY row",
    )
    .bind(run)
    .fetch_all(db)
    .await?;
    let (mut brought, mut before) = (Vec::new(), Vec::new());
    for (title, known) in rows {
        match known {
            Some(Json(known)) => before.push(known),
            None => brought.push(title),
        }
    }
    Ok(Some((brought, before)))
}

/// The titles that an import took; none where there is no such import.
pub async fn accepted_events(db: &mut PgConnection, run: i64) -> Result<Option<Vec<String>>> {
    if !is_import(db, run).await? {
        return Ok(None);
    }
    let titles = sqlx::query_scalar(
        "SELECT title FROM lectern.import_rows
         WHERE run_id = $1 AND outcome IN ('new', 'adopted', 'changed', 'same') ORDER BY row",
    );
    Ok(Some(titles.bind(run).fetch_all(db).await?))
}

/// Whether there is such an import.
pub async fn is_import(db: &mut PgConnection, run: i64) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM lectern.runs WHERE id = $1 AND kind = 'import')")
        .bind(run)
        .fetch_one(db)
        .await?)
}

/// Which of these events a later import has written that was not taken back itself, and which one.
pub async fn changed_later(db: &mut PgConnection, run: i64, titles: &[&str]) -> Result<Vec<(String, i64)>> {
    Ok(sqlx::query_as(
        "SELECT title, max(run_id) FROM lectern.import_rows
         WHERE run_id > $1 AND title = ANY ($2) AND outcome IN ('new', 'adopted', 'changed', 'cancelled')
           AND run_id::text NOT IN (SELECT subject FROM lectern.runs WHERE kind = 'import-undo')
         GROUP BY title ORDER BY title",
    )
    .bind(run)
    .bind(titles)
    .fetch_all(db)
    .await?)
}

/// The counts of a plan, in which what an earlier, interrupted attempt of the same run brought about counts as that.
pub async fn count_with_earlier(db: &mut PgConnection, run: i64, plan: &ImportPlan) -> Result<ImportCounts> {
    let earlier: Vec<(i32, String)> = sqlx::query_as("SELECT row, outcome FROM lectern.import_rows WHERE run_id = $1")
        .bind(run)
        .fetch_all(db)
        .await?;
    let earlier: HashMap<i64, String> = earlier.into_iter().map(|(row, outcome)| (row.into(), outcome)).collect();
    let mut counts = plan.counts();
    for item in plan.items.iter().filter(|item| item.outcome == BlockOutcome::Unchanged) {
        let slot = match earlier.get(&item.row.into()).map(String::as_str) {
            Some("new" | "adopted") => &mut counts.created,
            Some("changed" | "cancelled") => &mut counts.updated,
            _ => continue,
        };
        *slot += 1;
        counts.unchanged -= 1;
    }
    Ok(counts)
}

/// The last import, its document, and the fates of its blocks; `run` names another one.
pub async fn stored_run(db: &mut PgConnection, run: Option<i64>) -> Result<Option<(i64, Value, Vec<Value>)>> {
    let found: Option<(i64, Option<Json<Value>>)> = sqlx::query_as(
        "SELECT id, document FROM lectern.runs
         WHERE kind = 'import' AND (id = $1 OR $1::bigint IS NULL AND NOT dry_run) ORDER BY id DESC LIMIT 1",
    )
    .bind(run)
    .fetch_optional(&mut *db)
    .await?;
    let Some((run, document)) = found else { return Ok(None) };
    let fates: Vec<Json<Value>> = sqlx::query_scalar(
        "SELECT to_jsonb(r) - 'run_id' FROM lectern.import_rows AS r WHERE run_id = $1 ORDER BY row",
    )
    .bind(run)
    .fetch_all(db)
    .await?;
    let document = document.map_or(Value::Null, |Json(document)| document);
    Ok(Some((run, document, fates.into_iter().map(|Json(fate)| fate).collect())))
}
