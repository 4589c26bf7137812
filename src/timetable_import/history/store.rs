//! All SQL on `lectern.import_rows`: the outcomes of imported blocks, and the previous state of known events.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Result;
use crate::timetable_import::plan::{BlockOutcome, Conflict, ImportCounts, ImportPlan, PlanItem};
use crate::tutorials::KnownEvent;
use crate::workbook::plan::ValueChange;

/// An import as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
pub struct ListedImport {
    pub run_id: i64,
    pub file: String,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339, `None` while it runs or if its process was killed.
    pub finished_at: Option<String>,
    /// "done", "needs attention", "failed", "not finished", "undone", or "partly undone".
    pub state: String,
    /// `None` before the import has finished.
    pub exit_code: Option<i32>,
    /// The counts of its document.
    pub counts: Option<Value>,
    /// The last run that undid it.
    pub undone_by: Option<i64>,
}

/// Returns the latest imports, newest first, without dry runs.
///
/// An import that needed attention only because of its delivery is done as soon as all of it is delivered.
pub async fn latest(db: &mut PgConnection, limit: i64) -> Result<Vec<ListedImport>> {
    Ok(sqlx::query_as(
        "SELECT r.id AS run_id, r.subject AS file, r.exit_code, r.document -> 'counts' AS counts, undo.id AS undone_by,
                to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS started_at,
                to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS finished_at,
                CASE WHEN undo.exit_code = 0 THEN 'undone' WHEN undo.id IS NOT NULL THEN 'partly undone'
                     WHEN r.exit_code IS NULL THEN 'not finished' WHEN r.exit_code = 0 THEN 'done'
                     WHEN r.exit_code = 4 AND only_delivery.was_open
                          AND NOT EXISTS (
                              SELECT FROM lectern.outbox AS o
                              WHERE o.state <> 'delivered'
                                AND (o.run_id = r.id OR r.document -> 'undelivered' @>
                                     jsonb_build_array(jsonb_build_object('event', o.subject))))
                       THEN 'done'
                     WHEN r.exit_code = 4 THEN 'needs attention' ELSE 'failed' END AS state
         FROM lectern.runs AS r
         LEFT JOIN LATERAL (
             SELECT u.id, u.exit_code FROM lectern.runs AS u
             WHERE u.kind = 'import-undo' AND u.subject = r.id::text AND NOT u.dry_run
               AND u.document -> 'delivery' IS DISTINCT FROM '{\"delivered\":0,\"pending\":0,\"failed\":0,\"unknown\":0}'
             ORDER BY u.id DESC LIMIT 1) AS undo ON true
         CROSS JOIN LATERAL (
             SELECT jsonb_array_length(r.document -> 'undelivered') > 0
                AND r.document @> '{\"conflicts\": 0, \"not_written\": 0, \"counts\": {\"rejected\": 0}}'
                AND r.document -> 'remarks' = '[]'
                AND NOT jsonb_path_exists(r.document, '$.problems[*] ? (@.severity == \"error\")') AS was_open
             ) AS only_delivery
         WHERE r.kind = 'import' AND NOT r.dry_run ORDER BY r.id DESC LIMIT $1",
    )
    .bind(limit)
    .fetch_all(db)
    .await?)
}

/// Stores the outcomes of blocks. `unused` contains the values in unknown columns of each block.
pub async fn store_outcomes(db: &mut PgConnection, run: i64, items: &[&PlanItem], unused: &[Value]) -> Result<()> {
    let row = |(item, unused): (&&PlanItem, &Value)| {
        let overwritten = item.conflicts.iter().filter(|conflict| conflict.overwritten).map(Conflict::in_administrate);
        let changes: Vec<ValueChange> = item.changes.iter().cloned().chain(overwritten).collect();
        json!({
            "row": item.row, "title": item.title, "outcome": item.outcome.word(), "sessions": item.sessions,
            "changes": changes, "unused": unused,
        })
    };
    let rows: Vec<Value> = items.iter().zip(unused).map(row).collect();
    sqlx::query(
        "INSERT INTO lectern.import_rows (run_id, row, title, outcome, sessions, changes, unused)
         SELECT $1, row, title, outcome, sessions, changes, unused
         FROM jsonb_to_recordset($2) AS f (row int, title text, outcome text, sessions int, changes jsonb, unused jsonb)
         ON CONFLICT (run_id, row) DO UPDATE
         SET outcome = excluded.outcome, sessions = excluded.sessions, changes = excluded.changes
         WHERE excluded.outcome <> 'same'",
    )
    .bind(run)
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Stores the state of known events before an import changed them.
pub async fn store_previous(db: &mut PgConnection, run: i64, events: &[KnownEvent]) -> Result<()> {
    let codes: Vec<&str> = events.iter().map(|known| known.event.code.as_str()).collect();
    let previous: Vec<Json<&KnownEvent>> = events.iter().map(Json).collect();
    sqlx::query(
        "UPDATE lectern.import_rows AS stored SET before = b.before
         FROM unnest($2::text[], $3::jsonb[]) AS b (code, before)
         WHERE stored.run_id = $1 AND stored.title = b.code AND stored.outcome IN ('changed', 'cancelled')",
    )
    .bind(run)
    .bind(codes)
    .bind(previous)
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the titles of the events that an import created, and the previous state of the events that it changed.
///
/// Returns `None` if there is no such import.
pub async fn changes(db: &mut PgConnection, run: i64) -> Result<Option<(Vec<String>, Vec<KnownEvent>)>> {
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
    let (mut created, mut previous) = (Vec::new(), Vec::new());
    for (title, known) in rows {
        match known {
            Some(Json(known)) => previous.push(known),
            None => created.push(title),
        }
    }
    Ok(Some((created, previous)))
}

/// Returns the titles of the events that an import accepted; `None` if there is no such import.
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

/// Reports whether the run is an import.
pub async fn is_import(db: &mut PgConnection, run: i64) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM lectern.runs WHERE id = $1 AND kind = 'import')")
        .bind(run)
        .fetch_one(db)
        .await?)
}

/// Returns which of the events a later import has written, with the run of the last one. Undone imports do not
/// count; an undo that was refused delivered nothing.
pub async fn changed_later(db: &mut PgConnection, run: i64, titles: &[&str]) -> Result<Vec<(String, i64)>> {
    Ok(sqlx::query_as(
        "SELECT title, max(run_id) FROM lectern.import_rows
         WHERE run_id > $1 AND title = ANY ($2) AND outcome IN ('new', 'adopted', 'changed', 'cancelled')
           AND run_id::text NOT IN (
               SELECT subject FROM lectern.runs WHERE kind = 'import-undo' AND NOT dry_run
               AND document -> 'delivery' IS DISTINCT FROM '{\"delivered\":0,\"pending\":0,\"failed\":0,\"unknown\":0}')
         GROUP BY title ORDER BY title",
    )
    .bind(run)
    .bind(titles)
    .fetch_all(db)
    .await?)
}

/// Returns the counts of a plan, including the events that an earlier, interrupted attempt of the same run wrote.
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

/// Returns an import with its document and the outcomes of its blocks; without `run` the last one.
pub async fn stored_run(db: &mut PgConnection, run: Option<i64>) -> Result<Option<(i64, Value, Vec<Value>)>> {
    let found: Option<(i64, Option<Json<Value>>)> = sqlx::query_as(
        "SELECT id, document FROM lectern.runs
         WHERE kind = 'import' AND (id = $1 OR $1::bigint IS NULL AND NOT dry_run) ORDER BY id DESC LIMIT 1",
    )
    .bind(run)
    .fetch_optional(&mut *db)
    .await?;
    let Some((run, document)) = found else { return Ok(None) };
    let rows: Vec<Json<Value>> = sqlx::query_scalar(
        "SELECT to_jsonb(r) - 'run_id' FROM lectern.import_rows AS r WHERE run_id = $1 ORDER BY row",
    )
    .bind(run)
    .fetch_all(db)
    .await?;
    let document = document.map_or(Value::Null, |Json(document)| document);
    Ok(Some((run, document, rows.into_iter().map(|Json(row)| row).collect())))
}
