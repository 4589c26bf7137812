//! SQL on `lectern.agreed`, the table of baselines.

use administrate::Id;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::bridges::baseline::{Baseline, BaselineKind, BaselineRow, LastSeen};
use crate::error::Result;

/// Returns the baseline of a remote record, `None` where there is none or where it has an older shape.
pub async fn load_baseline<T: DeserializeOwned>(
    db: &mut PgConnection,
    kind: BaselineKind,
    id: &Id,
) -> Result<Option<Baseline<T>>> {
    let fields: Option<Json<Value>> =
        sqlx::query_scalar("SELECT fields FROM lectern.agreed WHERE entity = $1 AND external_id = $2")
            .bind(kind.name())
            .bind(id.as_str())
            .fetch_optional(db)
            .await?;
    Ok(fields.and_then(|Json(fields)| serde_json::from_value(fields).ok()))
}

/// Stores the values that Administrate has accepted or, as uncertain, the values that are about to be sent.
///
/// Runs in a transaction of its own. Accepted values do not wait for the disk: if a power failure loses them, the worker
/// sends the same values again, as after a crash before this call.
pub async fn save_baseline<T: Serialize>(
    db: &mut PgConnection,
    kind: BaselineKind,
    id: &Id,
    baseline: &Baseline<T>,
) -> Result<()> {
    sqlx::query(
        "WITH quick AS (SELECT set_config('synchronous_commit', 'off', true) WHERE NOT $4)
         INSERT INTO lectern.agreed (entity, external_id, fields)
         SELECT $1, $2, $3 FROM (VALUES (1)) AS once LEFT JOIN quick ON true
         ON CONFLICT (entity, external_id) DO UPDATE SET fields = excluded.fields, agreed_at = now()",
    )
    .bind(kind.name())
    .bind(id.as_str())
    .bind(Json(baseline))
    .bind(baseline.uncertain)
    .execute(db)
    .await?;
    Ok(())
}

/// Stores the places and states that Administrate just reported, by external id of the event.
pub async fn record_last_seen<'a>(
    db: &mut PgConnection,
    seen: impl Iterator<Item = (&'a str, LastSeen)>,
) -> Result<()> {
    let kind = BaselineKind::EventSeen.name();
    let seen: Vec<(&str, Value)> =
        seen.map(|(id, values)| (id, json!(Baseline { values, uncertain: false }))).collect();
    put_baselines(db, &seen.iter().map(|(id, values)| (kind, *id, values)).collect::<Vec<_>>()).await
}

/// Returns the baselines of local events and their sessions, each with the event's local and external id.
///
/// Leaves out baselines that are uncertain, unreadable or stored after `before`.
pub async fn baselines<S: DeserializeOwned>(
    db: &mut PgConnection,
    tutorial_event_ids: &[i64],
    before: Option<Timestamp>,
) -> Result<Vec<(i64, Id, BaselineRow<S>)>> {
    let rows = baseline_rows(db, tutorial_event_ids, before).await?;
    let certain = rows.into_iter().filter(|row| row.fields["unsure"] != Value::Bool(true));
    let baseline = |row: StoredBaseline| {
        let Json(fields) = row.fields;
        let baseline = match row.sequence {
            None => BaselineRow::Event(Box::new(serde_json::from_value(fields).ok()?)),
            Some(sequence) => {
                BaselineRow::Session(sequence, Id::new(row.external_id), serde_json::from_value(fields).ok()?)
            }
        };
        Some((row.tutorial_event_id, Id::new(row.event_external_id), baseline))
    };
    Ok(certain.filter_map(baseline).collect())
}

#[derive(sqlx::FromRow)]
struct StoredBaseline {
    tutorial_event_id: i64,
    event_external_id: String,
    /// The session's sequence, `None` for the event itself.
    sequence: Option<i32>,
    external_id: String,
    fields: Json<Value>,
}

async fn baseline_rows(
    db: &mut PgConnection,
    tutorial_event_ids: &[i64],
    before: Option<Timestamp>,
) -> Result<Vec<StoredBaseline>> {
    Ok(sqlx::query_as(
        "SELECT e.tutorial_event_id, e.external_id AS event_external_id, NULL::int AS sequence, e.external_id, a.fields
         FROM adm.events AS e
         JOIN lectern.agreed AS a ON a.entity = 'event' AND a.external_id = e.external_id
         WHERE e.tutorial_event_id = ANY ($1) AND ($2::timestamptz IS NULL OR a.agreed_at < $2)
         UNION ALL
         SELECT e.tutorial_event_id, e.external_id, local.sequence, s.external_id, a.fields
         FROM adm.events AS e
         JOIN adm.sessions AS s ON s.event_id = e.id
         JOIN acted.tutorial_sessions AS local ON local.id = s.tutorial_session_id
         JOIN lectern.agreed AS a ON a.entity = 'session' AND a.external_id = s.external_id
         WHERE e.tutorial_event_id = ANY ($1) AND ($2::timestamptz IS NULL OR a.agreed_at < $2)",
    )
    .bind(tutorial_event_ids)
    .bind(before.map(ToSqlx::to_sqlx))
    .fetch_all(db)
    .await?)
}

/// Returns the database's time.
pub async fn now(db: &mut PgConnection) -> Result<Timestamp> {
    let now: SqlTimestamp = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(db).await?;
    Ok(now.to_jiff())
}

/// Returns stored baselines as kind, external id and values.
pub async fn stored_baselines(
    db: &mut PgConnection,
    records: &[(&str, &str)],
) -> Result<Vec<(String, String, Json<Value>)>> {
    let (kinds, ids): (Vec<&str>, Vec<&str>) = records.iter().copied().unzip();
    Ok(sqlx::query_as(
        "SELECT entity, external_id, fields - 'unsure' FROM lectern.agreed
         WHERE (entity, external_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
    )
    .bind(kinds)
    .bind(ids)
    .fetch_all(db)
    .await?)
}

/// Stores baselines of many records, given as kind, external id and values.
pub async fn put_baselines(db: &mut PgConnection, baselines: &[(&str, &str, &Value)]) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.agreed (entity, external_id, fields)
         SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[])
         ON CONFLICT (entity, external_id) DO UPDATE SET fields = excluded.fields, agreed_at = now()",
    )
    .bind(baselines.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>())
    .bind(baselines.iter().map(|(_, id, _)| *id).collect::<Vec<_>>())
    .bind(baselines.iter().map(|(.., values)| Json(*values)).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}
