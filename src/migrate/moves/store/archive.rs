//! Values of columns that an undo drops, and that the next adoption brings back.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::{Relation, quote};
use crate::migrate::moves::quiet_update::quietly;

/// Puts the values of a column into the archive. Rows without an id have none.
pub(in crate::migrate::moves) async fn archive_column(
    db: &mut PgConnection,
    table: &Relation,
    column: &str,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT 'adopt', $1, id, $2, to_jsonb({column}), 'the column was dropped when the adoption was undone'
         FROM {table} WHERE {column} IS NOT NULL",
        column = quote(column),
        table = table.sql_name()
    );
    let source = format!("{}.{}", table.schema, table.name);
    sqlx::query(AssertSqlSafe(sql)).bind(source).bind(column).execute(db).await?;
    Ok(())
}

/// Returns the statements that give an added column the values that an earlier undo put into the archive. `sources`: the
/// places that the table may have had then.
pub(in crate::migrate::moves) fn restore_column(
    table: &str,
    sources: &[String],
    column: &str,
    data_type: &str,
) -> Vec<String> {
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let sources = sources.iter().map(|source| literal(source)).collect::<Vec<_>>().join(", ");
    let archived =
        format!("a.step = 'adopt' AND a.source IN ({sources}) AND a.field = {field}", field = literal(column));
    let update = format!(
        "UPDATE {table} AS t SET {column} = (a.value #>> '{{}}')::{data_type} FROM lectern.archive AS a
             WHERE {archived} AND a.source_id = t.id",
        column = quote(column)
    );
    vec![quietly(table, &[update]), format!("DELETE FROM lectern.archive AS a WHERE {archived}")]
}
