//! Foreign keys of other tables.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::quote;

/// A foreign key of another table.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct InboundForeignKey {
    /// Name of its table for a statement.
    pub table_name: String,
    pub name: String,
    /// As PostgreSQL writes it, without the table that it refers to.
    pub before: String,
    pub after: String,
    pub is_valid: bool,
    pub is_partitioned: bool,
    /// Whether it refers to `id` alone.
    pub is_to_id: bool,
    pub is_owned: bool,
}

/// Returns the foreign keys of other tables that refer to this one, of every schema.
pub async fn inbound_keys(db: &mut PgConnection, target: i64) -> Result<Vec<InboundForeignKey>> {
    Ok(sqlx::query_as(
        "SELECT format('%I.%I', n.nspname, c.relname) AS table_name, k.conname::text AS name,
                'FOREIGN KEY (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.n)
                    FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, n)
                    JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) || ') REFERENCES ' AS before,
                concat(' (id)', CASE k.confmatchtype WHEN 'f' THEN ' MATCH FULL' END,
                    ' ON UPDATE ' || u.word, ' ON DELETE ' || d.word,
                    CASE WHEN k.condeferrable THEN ' DEFERRABLE' END,
                    CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' END) AS after,
                k.convalidated AS is_valid, c.relkind = 'p' AS is_partitioned,
                (SELECT array_agg(a.attname::text) = '{id}' FROM unnest(k.confkey) AS t (attnum)
                 JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = t.attnum) AS is_to_id,
                pg_has_role(c.relowner, 'USAGE') AS is_owned
         FROM pg_constraint AS k
         JOIN pg_class AS c ON c.oid = k.conrelid
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         JOIN (VALUES ('a', 'NO ACTION'), ('r', 'RESTRICT'), ('c', 'CASCADE'), ('n', 'SET NULL'), ('d', 'SET DEFAULT'))
              AS u (letter, word) ON u.letter = k.confupdtype::text
         JOIN (VALUES ('a', 'NO ACTION'), ('r', 'RESTRICT'), ('c', 'CASCADE'), ('n', 'SET NULL'), ('d', 'SET DEFAULT'))
              AS d (letter, word) ON d.letter = k.confdeltype::text
         WHERE k.contype = 'f' AND k.confrelid = $1::bigint::oid AND k.conrelid <> k.confrelid AND k.conparentid = 0
         ORDER BY 1, 2",
    )
    .bind(target)
    .fetch_all(db)
    .await?)
}

/// Lets foreign keys refer to another table. Returns those that are to be validated: table and name.
pub async fn point_to(
    db: &mut PgConnection,
    keys: &[InboundForeignKey],
    target: &str,
) -> Result<Vec<(String, String)>> {
    let mut unvalidated = Vec::new();
    for key in keys {
        let sql = pointing(key, target);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *db).await?;
        if key.is_valid && !key.is_partitioned {
            unvalidated.push((key.table_name.clone(), key.name.clone()));
        }
    }
    Ok(unvalidated)
}

/// Returns the statement that lets a foreign key refer to another table.
pub fn pointing(key: &InboundForeignKey, target: &str) -> String {
    // A partitioned table knows no key that is not validated.
    let unchecked = if key.is_partitioned { "" } else { " NOT VALID" };
    format!(
        "ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {}{target}{}{unchecked};\n",
        key.before,
        key.after,
        table = key.table_name,
        name = quote(&key.name),
    )
}
