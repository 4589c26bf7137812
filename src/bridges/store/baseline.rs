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
use crate::bridges::event_rows::RowFilter;
use crate::error::{Error, Result};

/// Returns the baseline of a remote record, `None` where there is none.
///
/// # Errors
/// [`Error::Failed`] where it cannot be read: without it, a change in Administrate could be overwritten unnoticed.
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
    fields.map(|Json(fields)| read(kind.name(), id.as_str(), fields).map_err(Error::Failed)).transpose()
}

/// Reads stored values of a record.
fn read<T: DeserializeOwned>(kind: &str, external_id: &str, fields: Value) -> Result<T, String> {
    serde_json::from_value(fields).map_err(|error| {
        format!(
            "the values that both sides last had of {external_id} cannot be read ({error}): restore the row of \
             lectern.agreed with entity '{kind}' from a backup, or delete it to start from the values of Administrate"
        )
    })
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

/// What is stored of the places of a linked event.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct StoredPlaces {
    pub external_id: String,
    /// What Administrate last reported.
    pub seen_sold_out: Option<bool>,
    pub seen_max_places: Option<i64>,
    pub seen_remaining: Option<i64>,
    /// The maximum that Lectern last sent.
    pub sent_max_places: Option<i64>,
    /// The values of the row.
    pub sold_out: Option<bool>,
}

/// Returns what is stored of the places of linked events: of one, or of all.
pub async fn stored_places(db: &mut PgConnection, filter: RowFilter<'_>) -> Result<Vec<StoredPlaces>> {
    let number = |value: &str| format!("CASE jsonb_typeof({value}) WHEN 'number' THEN ({value})::bigint END");
    // A condition of its own for each case: with both in one, PostgreSQL could read every event.
    let (only, external_id, local_ids) = match filter {
        RowFilter::All => ("$1::text IS NULL AND $2::bigint[] IS NOT NULL", None, &[][..]),
        RowFilter::Of(external_id, local_ids) => {
            ("(e.external_id = $1 OR e.tutorial_event_id = ANY ($2))", Some(external_id), local_ids)
        }
    };
    let sql = format!(
        "SELECT e.external_id, {} AS seen_max_places, {} AS seen_remaining, {} AS sent_max_places, e.sold_out,
                CASE jsonb_typeof(seen.fields->'sold_out') WHEN 'boolean'
                    THEN (seen.fields->>'sold_out')::boolean END AS seen_sold_out
         FROM adm.events AS e
         LEFT JOIN lectern.agreed AS seen ON seen.entity = 'event-seen' AND seen.external_id = e.external_id
         LEFT JOIN lectern.agreed AS sent ON sent.entity = 'event' AND sent.external_id = e.external_id
         WHERE e.external_id IS NOT NULL AND e.tutorial_event_id IS NOT NULL AND {only}",
        number("seen.fields->'max_places'"),
        number("seen.fields->'remaining'"),
        number("sent.fields->'max_places'"),
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(external_id).bind(local_ids).fetch_all(db).await?)
}

/// Returns the baselines of local events and their sessions, each with the event's local and external id.
///
/// Leaves out baselines that are uncertain or stored after `before`. One that cannot be read is the reason why.
pub async fn baselines<S: DeserializeOwned>(
    db: &mut PgConnection,
    tutorial_event_ids: &[i64],
    before: Option<Timestamp>,
) -> Result<Vec<(i64, Id, Result<BaselineRow<S>, String>)>> {
    let rows = baseline_rows(db, tutorial_event_ids, before).await?;
    let certain = rows.into_iter().filter(|row| row.fields["unsure"] != Value::Bool(true));
    let baseline = |row: StoredBaseline| {
        let Json(fields) = row.fields;
        let baseline = match row.sequence {
            None => read(BaselineKind::Event.name(), &row.external_id, fields)
                .map(|event| BaselineRow::Event(Box::new(event))),
            Some(sequence) => read(BaselineKind::Session.name(), &row.external_id, fields)
                .map(|session| BaselineRow::Session(sequence, Id::new(row.external_id), session)),
        };
        (row.tutorial_event_id, Id::new(row.event_external_id), baseline)
    };
    Ok(certain.map(baseline).collect())
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
