//! SQL on `lectern.agreed`.

use administrate::Id;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::bridges::events::{Baseline, BaselineKind};
use crate::error::Result;

/// The values on which both sides last agreed for a record of theirs; none where there are none, or where they are of an
/// older shape.
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

/// Notes what Administrate has just taken over, or, unsure, what it is about to be told; in a transaction of its own.
///
/// What was just taken over does not wait for the disk: where a power cut takes the note away, the same is written
/// there once more, as after the end of a worker before it could take the note.
pub async fn save_baseline<T: Serialize>(
    db: &mut PgConnection,
    kind: BaselineKind,
    id: &Id,
    agreement: &Baseline<T>,
) -> Result<()> {
    sqlx::query(
        "WITH quick AS (SELECT set_config('synchronous_commit', 'off', true) WHERE NOT $4)
         INSERT INTO lectern.agreed (entity, external_id, fields)
         SELECT $1, $2, $3 FROM (VALUES (1)) AS once LEFT JOIN quick ON true
         ON CONFLICT (entity, external_id) DO UPDATE SET fields = excluded.fields, agreed_at = now()",
    )
    .bind(kind.name())
    .bind(id.as_str())
    .bind(Json(agreement))
    .bind(agreement.unsure)
    .execute(db)
    .await?;
    Ok(())
}

/// Our event's id, theirs, the session's sequence (none for the event itself), the record's id, what was agreed.
pub(crate) type StoredBaseline = (i64, String, Option<i32>, String, Json<Value>);

/// What was last agreed on about events of ours and their sessions, up to a time if one is named.
pub(crate) async fn baseline_rows(
    db: &mut PgConnection,
    tutorial_event_ids: &[i64],
    before: Option<Timestamp>,
) -> Result<Vec<StoredBaseline>> {
    Ok(sqlx::query_as(
        "SELECT e.tutorial_event_id, e.external_id, NULL::int AS sequence, e.external_id AS theirs, a.fields
         FROM adm.events AS e
         JOIN lectern.agreed AS a ON a.entity = 'event' AND a.external_id = e.external_id
         WHERE e.tutorial_event_id = ANY ($1) AND ($2::timestamptz IS NULL OR a.agreed_at < $2)
         UNION ALL
         SELECT e.tutorial_event_id, e.external_id, ours.sequence, s.external_id, a.fields
         FROM adm.events AS e
         JOIN adm.sessions AS s ON s.event_id = e.id
         JOIN acted.tutorial_sessions AS ours ON ours.id = s.tutorial_session_id
         JOIN lectern.agreed AS a ON a.entity = 'session' AND a.external_id = s.external_id
         WHERE e.tutorial_event_id = ANY ($1) AND ($2::timestamptz IS NULL OR a.agreed_at < $2)",
    )
    .bind(tutorial_event_ids)
    .bind(before.map(ToSqlx::to_sqlx))
    .fetch_all(db)
    .await?)
}

/// The database's time.
pub async fn now(db: &mut PgConnection) -> Result<Timestamp> {
    let now: SqlTimestamp = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(db).await?;
    Ok(now.to_jiff())
}

/// What is certainly agreed on about records, as it is kept: kind, Administrate's id, values.
pub async fn stored_baselines(
    db: &mut PgConnection,
    of: &[(&str, &str)],
) -> Result<Vec<(String, String, Json<Value>)>> {
    let (kinds, ids): (Vec<&str>, Vec<&str>) = of.iter().copied().unzip();
    Ok(sqlx::query_as(
        "SELECT entity, external_id, fields - 'unsure' FROM lectern.agreed
         WHERE (entity, external_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
    )
    .bind(kinds)
    .bind(ids)
    .fetch_all(db)
    .await?)
}

/// Notes what both sides agree on from now on about many records: kind, Administrate's id, values.
pub async fn put_baselines(db: &mut PgConnection, agreed: &[(&str, &str, &Value)]) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.agreed (entity, external_id, fields)
         SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[])
         ON CONFLICT (entity, external_id) DO UPDATE SET fields = excluded.fields, agreed_at = now()",
    )
    .bind(agreed.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>())
    .bind(agreed.iter().map(|(_, id, _)| *id).collect::<Vec<_>>())
    .bind(agreed.iter().map(|(.., values)| Json(*values)).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}
