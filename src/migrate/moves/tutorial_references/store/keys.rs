//! Foreign keys to the rows that an undo deletes.

use sqlx::PgConnection;

use crate::error::Result;
use crate::migrate::catalog::quote;
use crate::migrate::moves::store::execute;

/// An index that exists only within the transaction.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct KeyIndex {
    schema: String,
    table: String,
    column: String,
    name: String,
}

/// Creates an index for each foreign key to these tables that has none: otherwise PostgreSQL reads all rows that may refer
/// to a row for each row that is deleted.
///
/// It must run before the transaction changes rows: PostgreSQL does not use an index for a transaction that changed rows of
/// its table before. A table of another owner gets none.
pub async fn add_key_indexes(db: &mut PgConnection, targets: &[&str]) -> Result<Vec<KeyIndex>> {
    let indexes: Vec<KeyIndex> = sqlx::query_as(
        "SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS table, a.attname::text AS column,
                format('lectern_undo_%s_%s', c.oid, a.attnum) AS name
         FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
         JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
         WHERE k.contype = 'f' AND k.confrelid IN (SELECT to_regclass(t) FROM unnest($1::text[]) AS t)
           AND cardinality(k.conkey) = 1 AND c.relkind = 'r' AND pg_has_role(c.relowner, 'USAGE')
           AND has_schema_privilege(n.oid, 'CREATE')
           AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indkey[0] = k.conkey[1]
                             AND i.indisvalid AND i.indpred IS NULL)
         ORDER BY 1, 2, 3",
    )
    .bind(targets)
    .fetch_all(&mut *db)
    .await?;
    let create = |index: &KeyIndex| {
        let KeyIndex { schema, table, column, name } = index;
        format!("CREATE INDEX {} ON {}.{} ({})", quote(name), quote(schema), quote(table), quote(column))
    };
    execute(db, &indexes.iter().map(create).collect::<Vec<_>>()).await?;
    Ok(indexes)
}

pub async fn drop_key_indexes(db: &mut PgConnection, indexes: &[KeyIndex]) -> Result<()> {
    let drop = |index: &KeyIndex| format!("DROP INDEX {}.{}", quote(&index.schema), quote(&index.name));
    execute(db, &indexes.iter().map(drop).collect::<Vec<_>>()).await
}
