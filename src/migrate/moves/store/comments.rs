//! Comments on what existed before the adoption: they stay as they were.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;

/// The comments of the relations that existed before the adoption, and of their columns.
#[derive(Debug)]
pub struct Comments(serde_json::Value);

const COMMENTS: &str = "
SELECT coalesce(jsonb_agg(jsonb_build_object('relation', d.objoid::bigint, 'part', d.objsubid, 'text', d.description)), '[]')
FROM pg_description AS d JOIN lectern.found_before AS f ON d.objoid::bigint = ANY (f.relations)
WHERE d.classoid = 'pg_class'::regclass";

/// Returns the statements that make the comments what they were.
const CHANGED: &str = "
SELECT format('COMMENT ON %s%s IS %L',
              CASE WHEN part > 0 THEN 'COLUMN '
                   ELSE CASE c.relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' WHEN 'S' THEN 'SEQUENCE '
                                       WHEN 'i' THEN 'INDEX ' WHEN 'I' THEN 'INDEX ' ELSE 'TABLE ' END
              END || format('%I.%I', n.nspname, c.relname),
              '.' || quote_ident(a.attname), before.text)
FROM (SELECT d.objoid::bigint AS relation, d.objsubid AS part, d.description AS text
      FROM pg_description AS d JOIN lectern.found_before AS f ON d.objoid::bigint = ANY (f.relations)
      WHERE d.classoid = 'pg_class'::regclass) AS now
FULL JOIN jsonb_to_recordset($1) AS before (relation bigint, part integer, text text) USING (relation, part)
JOIN pg_class AS c ON c.oid = relation::oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = part AND part > 0
WHERE now.text IS DISTINCT FROM before.text";

/// Reads the comments. What existed is recorded already.
pub async fn comments(db: &mut PgConnection) -> Result<Comments> {
    Ok(Comments(sqlx::query_scalar(COMMENTS).fetch_one(db).await?))
}

/// Takes back the comments of versioned SQL on relations that it has not created.
pub async fn keep_comments(db: &mut PgConnection, before: &Comments) -> Result<()> {
    let statements: Vec<String> = sqlx::query_scalar(CHANGED).bind(&before.0).fetch_all(&mut *db).await?;
    if !statements.is_empty() {
        sqlx::raw_sql(AssertSqlSafe(statements.join(";\n"))).execute(db).await?;
    }
    Ok(())
}
