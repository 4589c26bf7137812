//! Rows that break a rule.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::{Relation, quote};
use crate::migrate::moves::change::Rule;

/// Rows that break a rule: a value, and the ids of the rows that have it.
pub(in crate::migrate::moves) struct Violation {
    pub value: String,
    pub ids: Vec<String>,
}

/// Returns the rows that break a rule: at most 100 values with at most 20 ids each.
pub(in crate::migrate::moves) async fn violations(
    db: &mut PgConnection,
    table: &Relation,
    rule: &Rule,
) -> Result<Vec<Violation>> {
    let name = table.sql_name();
    let lacks = |columns: &[String]| columns.iter().any(|column| table.column(column).is_none());
    let id = if table.column("id").is_some() { "t.id::text" } else { "t.ctid::text" };
    let sql = match rule {
        Rule::Unique { columns, .. } | Rule::ForeignKey { columns, .. } if lacks(columns) => return Ok(Vec::new()),
        Rule::Unique { columns, .. } => {
            let columns: Vec<String> = columns.iter().map(|column| format!("t.{}", quote(column))).collect();
            let not_null: Vec<String> = columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
            format!(
                "SELECT concat_ws(', ', {list}), (array_agg({id} ORDER BY t.ctid))[:20] FROM {name} AS t
                 WHERE {} GROUP BY {list} HAVING count(*) > 1 ORDER BY 1 LIMIT 100",
                not_null.join(" AND "),
                list = columns.join(", ")
            )
        }
        Rule::Check { condition, .. } => {
            format!(
                "SELECT '', (array_agg({id} ORDER BY t.ctid))[:20] FROM {name} AS t WHERE NOT ({condition}) HAVING count(*) > 0"
            )
        }
        Rule::ForeignKey { columns, target_oid, target_columns, .. } => {
            let target: Option<String> = sqlx::query_scalar(
                "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c
                 JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = $1::bigint::oid",
            )
            .bind(target_oid)
            .fetch_optional(&mut *db)
            .await?;
            let Some(target) = target else { return Ok(Vec::new()) };
            let both = |format: &dyn Fn(&String, &String) -> String| {
                columns.iter().zip(target_columns).map(|(a, b)| format(a, b)).collect::<Vec<_>>().join(" AND ")
            };
            let equal = both(&|a, b| format!("o.{} = t.{}", quote(b), quote(a)));
            let not_null = both(&|a, _| format!("t.{} IS NOT NULL", quote(a)));
            let list: Vec<String> = columns.iter().map(|column| format!("t.{}", quote(column))).collect();
            format!(
                "SELECT concat_ws(', ', {list}), (array_agg({id} ORDER BY t.ctid))[:20] FROM {name} AS t
                 WHERE {not_null} AND NOT EXISTS (SELECT FROM {target} AS o WHERE {equal})
                 GROUP BY {list} ORDER BY 1 LIMIT 100",
                list = list.join(", ")
            )
        }
    };
    let found: Vec<(String, Vec<String>)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?;
    Ok(found.into_iter().map(|(value, ids)| Violation { value, ids }).collect())
}
