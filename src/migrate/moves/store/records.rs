//! The records of moves and their receipts.

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Result;
use crate::migrate::moves::change::Inverse;

/// The tables in which moves are recorded. They exist before the versioned SQL.
const RECORDS: &str = "
CREATE SCHEMA IF NOT EXISTS lectern;
CREATE TABLE IF NOT EXISTS lectern.moves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    undone_at timestamptz,
    journal jsonb NOT NULL DEFAULT '[]'
);
CREATE UNIQUE INDEX IF NOT EXISTS moves_applied_unique ON lectern.moves (name) WHERE undone_at IS NULL;
CREATE TABLE IF NOT EXISTS lectern.receipts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    receipt jsonb NOT NULL
);
CREATE TABLE IF NOT EXISTS lectern.found_before (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    relations bigint[] NOT NULL,
    schemas text[] NOT NULL,
    comments text[] NOT NULL,
    receipt_key bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS lectern.archive (
    step text NOT NULL,
    source text NOT NULL,
    source_id bigint NOT NULL,
    field text NOT NULL,
    value jsonb,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS archive_source_idx ON lectern.archive (source, source_id);
COMMENT ON TABLE lectern.moves IS 'Moves of an adopted database. One row for each time that a move was applied.';
COMMENT ON COLUMN lectern.moves.id IS 'Number of the row.';
COMMENT ON COLUMN lectern.moves.name IS 'Name of the move, such as adm-schema.';
COMMENT ON COLUMN lectern.moves.applied_at IS 'When the move was first applied.';
COMMENT ON COLUMN lectern.moves.undone_at IS 'When the move was undone. Null while it is in force.';
COMMENT ON COLUMN lectern.moves.journal IS 'The inverse of each change, in the order of the changes.';
COMMENT ON TABLE lectern.receipts IS 'Signed receipts of lectern migrate.';
COMMENT ON COLUMN lectern.receipts.id IS 'Number of the receipt.';
COMMENT ON COLUMN lectern.receipts.made_at IS 'When the receipt was made.';
COMMENT ON COLUMN lectern.receipts.receipt IS 'The receipt as it was printed.';
COMMENT ON TABLE lectern.found_before IS 'What the database contained before the adoption (one row).';
COMMENT ON COLUMN lectern.found_before.one IS 'Always true.';
COMMENT ON COLUMN lectern.found_before.relations IS 'OIDs of tables, indexes, sequences and views that existed.';
COMMENT ON COLUMN lectern.found_before.schemas IS 'Schemas that existed, of public, acted, adm and lectern.';
COMMENT ON COLUMN lectern.found_before.comments IS 'OID and column number of everything that had a comment.';
COMMENT ON COLUMN lectern.found_before.receipt_key IS 'Key with which the receipts of this installation are signed.';
COMMENT ON TABLE lectern.archive IS 'Values that a move did not carry over, and values of columns that an undo dropped.';
COMMENT ON COLUMN lectern.archive.step IS 'The step that put the value here.';
COMMENT ON COLUMN lectern.archive.source IS 'The table of the value, with its schema.';
COMMENT ON COLUMN lectern.archive.source_id IS 'Id of the row.';
COMMENT ON COLUMN lectern.archive.field IS 'The column.';
COMMENT ON COLUMN lectern.archive.value IS 'The value.';
COMMENT ON COLUMN lectern.archive.reason IS 'Why the value is here.';
COMMENT ON COLUMN lectern.archive.at IS 'When the value was put here.';";

/// Objects of [`RECORDS`], as the plan lists them.
pub(in crate::migrate::moves) const RECORD_TABLES: &[&str] = &["moves", "receipts", "found_before", "archive"];

/// Creates the tables of records, and remembers what the database contains if nothing is remembered yet.
pub(in crate::migrate::moves) async fn prepare_records(db: &mut PgConnection, key: &[u8]) -> Result<()> {
    let (relations, schemas, comments): (Vec<i64>, Vec<String>, Vec<String>) = sqlx::query_as(
        "SELECT array(SELECT c.oid::bigint FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                      WHERE n.nspname IN ('public', 'acted', 'adm', 'lectern') AND c.relkind <> 't'),
                array(SELECT nspname::text FROM pg_namespace WHERE nspname IN ('public', 'acted', 'adm', 'lectern')),
                array(SELECT concat_ws(' ', d.objoid, d.objsubid) FROM pg_description AS d
                      JOIN pg_class AS c ON d.classoid = 'pg_class'::regclass AND c.oid = d.objoid
                      JOIN pg_namespace AS n ON n.oid = c.relnamespace
                      WHERE n.nspname IN ('public', 'acted', 'adm', 'lectern'))",
    )
    .fetch_one(&mut *db)
    .await?;
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.archive') IS NOT NULL").fetch_one(&mut *db).await?;
    if !exists {
        sqlx::raw_sql(RECORDS).execute(&mut *db).await?;
    }
    sqlx::query(
        "INSERT INTO lectern.found_before (relations, schemas, comments, receipt_key) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(relations)
    .bind(schemas)
    .bind(comments)
    .bind(key)
    .execute(db)
    .await?;
    Ok(())
}

/// Adds changes to the record of a move that is in force; begins one if there is none.
pub(in crate::migrate::moves) async fn record(db: &mut PgConnection, name: &str, inverses: &[Inverse]) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.moves AS m (name, journal) VALUES ($1, $2)
         ON CONFLICT (name) WHERE undone_at IS NULL DO UPDATE SET journal = m.journal || EXCLUDED.journal",
    )
    .bind(name)
    .bind(Json(inverses))
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the journal of a move that is in force.
pub(in crate::migrate::moves) async fn journal(db: &mut PgConnection, name: &str) -> Result<Option<Vec<Inverse>>> {
    if !has_records(db).await? {
        return Ok(None);
    }
    let journal: Option<Json<Vec<Inverse>>> =
        sqlx::query_scalar("SELECT journal FROM lectern.moves WHERE name = $1 AND undone_at IS NULL")
            .bind(name)
            .fetch_optional(db)
            .await?;
    Ok(journal.map(|Json(journal)| journal))
}

/// Keeps the first `length` changes of the move that is in force, and adds these. It is undone when nothing is left.
pub(in crate::migrate::moves) async fn replace_journal_end(
    db: &mut PgConnection,
    name: &str,
    length: usize,
    end: &[Inverse],
) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.moves
         SET journal = coalesce((SELECT jsonb_agg(e.value ORDER BY e.position)
                                 FROM jsonb_array_elements(journal) WITH ORDINALITY AS e (value, position)
                                 WHERE e.position <= $2), '[]') || $3,
             undone_at = CASE WHEN $2 = 0 AND $3 = '[]'::jsonb THEN clock_timestamp() END
         WHERE name = $1 AND undone_at IS NULL",
    )
    .bind(name)
    .bind(i64::try_from(length).unwrap_or(i64::MAX))
    .bind(Json(end))
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces OIDs in the journals of the moves that are in force: pairs of the one that is gone and the one that replaces it.
pub(in crate::migrate::moves) async fn replace_oids(db: &mut PgConnection, pairs: &[(i64, i64)]) -> Result<()> {
    let (gone, present): (Vec<i64>, Vec<i64>) = pairs.iter().copied().unzip();
    sqlx::query(
        "UPDATE lectern.moves SET journal = coalesce((
             SELECT jsonb_agg(CASE WHEN p.present IS NULL THEN e.value
                                   ELSE jsonb_set(e.value, '{oid}', to_jsonb(p.present)) END ORDER BY e.position)
             FROM jsonb_array_elements(journal) WITH ORDINALITY AS e (value, position)
             LEFT JOIN unnest($1::bigint[], $2::bigint[]) AS p (gone, present)
                 ON e.value ->> 'kind' IN ('place', 'constraint_name') AND e.value ->> 'oid' = p.gone::text), '[]')
         WHERE undone_at IS NULL",
    )
    .bind(gone)
    .bind(present)
    .execute(db)
    .await?;
    Ok(())
}

/// Reports whether moves are recorded in the database.
pub(in crate::migrate::moves) async fn has_records(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT to_regclass('lectern.moves') IS NOT NULL").fetch_one(db).await?)
}

/// The moves that are in force, and those that were undone.
#[derive(Debug, Default, Clone, PartialEq)]
pub(in crate::migrate::moves) struct Records {
    pub applied: Vec<String>,
    pub undone: Vec<String>,
    /// Whether versioned SQL was applied.
    pub has_schema_steps: bool,
    /// OIDs of what existed before the adoption; none before it.
    pub found_before: Option<Vec<i64>>,
}

pub(in crate::migrate::moves) async fn records(db: &mut PgConnection) -> Result<Records> {
    let has_schema_steps: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.schema_steps') IS NOT NULL").fetch_one(&mut *db).await?;
    if !has_records(db).await? {
        return Ok(Records { has_schema_steps, ..Records::default() });
    }
    let rows: Vec<(String, bool)> =
        sqlx::query_as("SELECT name, undone_at IS NULL FROM lectern.moves ORDER BY id").fetch_all(&mut *db).await?;
    let found_before = sqlx::query_scalar("SELECT relations FROM lectern.found_before").fetch_optional(db).await?;
    let applied: Vec<String> =
        rows.iter().filter(|(_, is_applied)| *is_applied).map(|(name, _)| name.clone()).collect();
    let undone = rows.into_iter().map(|(name, _)| name).filter(|name| !applied.contains(name)).collect();
    Ok(Records { applied, undone, has_schema_steps, found_before })
}

/// Stores a receipt.
pub(in crate::migrate::moves) async fn store_receipt(db: &mut PgConnection, receipt: &Value) -> Result<()> {
    sqlx::query("INSERT INTO lectern.receipts (receipt) VALUES ($1)").bind(receipt).execute(db).await?;
    Ok(())
}

/// Returns the newest receipt.
pub(in crate::migrate) async fn last_receipt(db: &mut PgConnection) -> Result<Option<Value>> {
    if !has_records(db).await? {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT receipt FROM lectern.receipts ORDER BY id DESC LIMIT 1").fetch_optional(db).await?)
}

/// Returns the key that signs receipts.
pub(in crate::migrate::moves) async fn receipt_key(db: &mut PgConnection) -> Result<Option<Vec<u8>>> {
    if !has_records(db).await? {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT receipt_key FROM lectern.found_before").fetch_optional(db).await?)
}

/// Reports whether a relation existed before Lectern.
pub(in crate::migrate::moves) async fn was_found_before(db: &mut PgConnection, oid: i64) -> Result<bool> {
    if !has_records(db).await? {
        return Ok(false);
    }
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM lectern.found_before WHERE $1 = ANY (relations))")
        .bind(oid)
        .fetch_one(db)
        .await?)
}

/// Returns database, version of the server, user and time.
pub(in crate::migrate::moves) async fn origin(db: &mut PgConnection) -> Result<(String, String, String, String)> {
    Ok(sqlx::query_as(
        "SELECT current_database()::text, current_setting('server_version'), current_user::text,
                to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
    )
    .fetch_one(db)
    .await?)
}
