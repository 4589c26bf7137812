//! All SQL on `lectern.history`, and of the settings that say who acts.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::Interface;
use crate::error::Result;

/// Says who acts in this transaction.
pub async fn sign(db: &mut PgConnection, actor: &str, interface: Interface) -> Result<()> {
    sqlx::query("SELECT set_config('lectern.actor', $1, true), set_config('lectern.interface', $2, true)")
        .bind(actor)
        .bind(interface.name())
        .execute(db)
        .await?;
    Ok(())
}

/// Says that a run acts in this transaction: for the token that requested it, else for the user of the command.
pub async fn sign_run(db: &mut PgConnection, run: Option<i64>, interface: Interface) -> Result<()> {
    sqlx::query(
        "SELECT set_config('lectern.interface', $2, true), set_config('lectern.run', COALESCE($1::text, ''), true),
                set_config('lectern.actor', COALESCE(
                    (SELECT token.name FROM lectern.requested_runs AS requested
                     JOIN lectern.tokens AS token ON token.id = requested.token_id WHERE requested.run_id = $1),
                    current_setting('lectern.actor', true), ''), true)",
    )
    .bind(run)
    .bind(interface.name())
    .execute(db)
    .await?;
    Ok(())
}

/// Adds a remark to the further changes of this transaction, such as a clash that was allowed.
pub async fn note(db: &mut PgConnection, remark: &str) -> Result<()> {
    sqlx::query("SELECT set_config('lectern.note', $1, true)").bind(remark).execute(db).await?;
    Ok(())
}

/// Deletes changes that are older than some days, at most `limit` of them. Returns their number.
pub async fn purge(pool: &PgPool, days: i32, limit: i64) -> Result<u64> {
    let deleted = sqlx::query(
        "DELETE FROM lectern.history WHERE id IN (
             SELECT old.id FROM lectern.history AS old
             WHERE old.at < now() - make_interval(days => $1) LIMIT $2)",
    )
    .bind(days)
    .bind(limit)
    .execute(pool)
    .await?;
    Ok(deleted.rows_affected())
}

/// Changes of an event: of its own rows, of its sessions, and of what belongs to these.
const OF_EVENT: &str = "
    WITH sessions AS (
        SELECT row_key::bigint AS id FROM lectern.history
        WHERE event_id = $1 AND table_name = 'acted.tutorial_sessions' AND row_key <> ''
        UNION SELECT id FROM acted.tutorial_sessions WHERE tutorial_event_id = $1),
    found AS (
        SELECT * FROM lectern.history WHERE event_id = $1
        UNION ALL
        SELECT change.* FROM sessions JOIN lectern.history AS change ON change.session_id = sessions.id)";

/// Returns the number of changes of an event, and one page of them, latest first.
pub async fn page(db: &mut PgConnection, event: i64, size: i64, offset: i64) -> Result<(i64, Vec<Value>)> {
    let sql = format!(
        "{OF_EVENT}
         SELECT (SELECT count(*) FROM found), COALESCE((SELECT json_agg(to_json(change)) FROM (
             SELECT id, at, actor, interface, run_id, table_name AS \"table\", row_key AS row, action, old, new, note
             FROM found ORDER BY id DESC LIMIT $2 OFFSET $3) AS change), '[]')"
    );
    let (count, changes): (i64, Value) =
        sqlx::query_as(AssertSqlSafe(sql)).bind(event).bind(size).bind(offset).fetch_one(db).await?;
    Ok((count, serde_json::from_value(changes).unwrap_or_default()))
}

/// Which changes a page of the history shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Name of the token, user or program; empty: any.
    pub actor: String,
    /// The tables with their schema; empty: any.
    pub tables: Vec<String>,
    /// Key of the row; empty: any.
    pub row: String,
    /// The first moment and the one after the last.
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// Columns of a change as a document.
const CHANGE: &str =
    "id, at, actor, interface, run_id, table_name AS \"table\", row_key AS row, action, old, new, note";

/// Returns changes, latest first: those before a change, if one is given.
pub async fn latest(
    db: &mut PgConnection,
    filter: &HistoryFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Value>> {
    let mut condition = "($1 = '' OR actor = $1) AND ($6::bigint IS NULL OR id < $6)".to_owned();
    if !filter.tables.is_empty() {
        condition.push_str(" AND table_name = ANY ($2)");
    }
    if !filter.row.is_empty() {
        condition.push_str(" AND row_key = $3");
    }
    if filter.from.is_some() {
        condition.push_str(" AND at >= $4");
    }
    if filter.until.is_some() {
        condition.push_str(" AND at < $5");
    }
    let sql = format!(
        "SELECT COALESCE((SELECT json_agg(to_json(change)) FROM (
             SELECT {CHANGE} FROM lectern.history WHERE {condition} ORDER BY id DESC LIMIT $7) AS change), '[]')
         FROM (VALUES ($2::text[], $3::text, $4::timestamptz, $5::timestamptz)) AS given"
    );
    let found: Value = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(&filter.actor)
        .bind(&filter.tables)
        .bind(&filter.row)
        .bind(filter.from.map(ToSqlx::to_sqlx))
        .bind(filter.until.map(ToSqlx::to_sqlx))
        .bind(before)
        .bind(limit)
        .fetch_one(db)
        .await?;
    Ok(serde_json::from_value(found).unwrap_or_default())
}

/// Returns the number of changes of a row that belongs to no event, and one page of them, latest first.
pub async fn page_of_row(
    db: &mut PgConnection,
    table: &str,
    row: &str,
    size: i64,
    offset: i64,
) -> Result<(i64, Vec<Value>)> {
    let condition = "table_name = $1 AND row_key = $2 AND event_id IS NULL AND session_id IS NULL";
    let sql = format!(
        "SELECT (SELECT count(*) FROM lectern.history WHERE {condition}),
                COALESCE((SELECT json_agg(to_json(change)) FROM (
                    SELECT {CHANGE} FROM lectern.history WHERE {condition} ORDER BY id DESC LIMIT $3 OFFSET $4
                ) AS change), '[]')"
    );
    let (count, changes): (i64, Value) =
        sqlx::query_as(AssertSqlSafe(sql)).bind(table).bind(row).bind(size).bind(offset).fetch_one(db).await?;
    Ok((count, serde_json::from_value(changes).unwrap_or_default()))
}

/// Returns the names of those who changed something lately.
pub async fn actors(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT actor FROM (SELECT actor FROM lectern.history ORDER BY id DESC LIMIT 5000) AS recent
         ORDER BY actor LIMIT 200",
    )
    .fetch_all(db)
    .await?)
}

/// Reports whether an event exists now.
pub(super) async fn exists(db: &mut PgConnection, event: i64) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM acted.tutorial_events WHERE id = $1)";
    Ok(sqlx::query_scalar(sql).bind(event).fetch_one(db).await?)
}

/// A change to take back.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct LaterChange {
    pub row_key: String,
    pub action: String,
    pub old: Option<Value>,
}

/// A table whose rows are brought back, with the column that selects them.
#[derive(Debug, Clone, Copy)]
pub(super) struct PastTable {
    pub name: &'static str,
    /// SQL of the key on `item`, as the triggers write it.
    pub key: &'static str,
    /// The column of the rows that selects them.
    pub column: &'static str,
    /// The column of the history that selects their changes.
    pub history_column: &'static str,
}

/// Returns the present rows of a table with one of these values, by key, and their changes after a time, latest first.
pub(super) async fn present_and_later(
    db: &mut PgConnection,
    table: PastTable,
    values: &[i64],
    time: Timestamp,
) -> Result<(Vec<(String, Value)>, Vec<LaterChange>)> {
    let PastTable { name, key, column, history_column } = table;
    let sql = format!("SELECT {key}, to_jsonb(item) FROM {name} AS item WHERE item.{column} = ANY ($1)");
    let present = sqlx::query_as(AssertSqlSafe(sql)).bind(values).fetch_all(&mut *db).await?;
    let is_by_key = history_column == "row_key";
    // As the index by row says it: changes of events and sessions are not in it.
    let belongs_to_none = if is_by_key { "AND event_id IS NULL AND session_id IS NULL" } else { "" };
    let sql = format!(
        "SELECT row_key, action, old FROM lectern.history
         WHERE table_name = $1 AND {history_column} = ANY ($2) {belongs_to_none} AND at > $3 ORDER BY id DESC"
    );
    let keys: Vec<String> = values.iter().map(i64::to_string).collect();
    let later = sqlx::query_as(AssertSqlSafe(sql)).bind(name);
    let later = if is_by_key { later.bind(keys) } else { later.bind(values.to_vec()) };
    let later = later.bind(time.to_sqlx()).fetch_all(db).await?;
    Ok((present, later))
}

/// Returns the code of the store product and of its subject.
pub(super) async fn codes_of_product(db: &mut PgConnection, product: i64) -> Result<Option<(String, String)>> {
    Ok(sqlx::query_as(
        "SELECT product.product_code, subject.code FROM acted.products AS product
         JOIN acted.catalog_exam_session_subjects AS taught ON taught.id = product.exam_session_subject_id
         JOIN acted.catalog_subjects AS subject ON subject.id = taught.subject_id WHERE product.id = $1",
    )
    .bind(product)
    .fetch_optional(db)
    .await?)
}

/// Returns the labels of the custom fields of events.
pub(super) async fn labels_of_events(db: &mut PgConnection) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT label::text FROM adm.custom_fields WHERE entity_type = 'Event' AND label IS NOT NULL";
    Ok(sqlx::query_scalar(sql).fetch_all(db).await?)
}

/// Returns the names of instructors that exist, as documents.
pub(super) async fn instructors(db: &mut PgConnection, ids: &[i64]) -> Result<Vec<Map<String, Value>>> {
    let found: Value = sqlx::query_scalar(
        "SELECT COALESCE(json_agg(json_build_object('id', instructor.id, 'display_name',
                    COALESCE(NULLIF(trim(person.first_name || ' ' || person.last_name), ''), person.username,
                             'Instructor #' || instructor.id), 'is_active', instructor.is_active)
                    ORDER BY instructor.id), '[]')
         FROM acted.tutorial_instructors AS instructor LEFT JOIN acted.staff ON staff.id = instructor.staff_id
         LEFT JOIN public.auth_user AS person ON person.id = staff.user_id WHERE instructor.id = ANY ($1)",
    )
    .bind(ids)
    .fetch_one(db)
    .await?;
    Ok(serde_json::from_value(found).unwrap_or_default())
}
