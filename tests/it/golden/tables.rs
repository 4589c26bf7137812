//! What is stored: every table of `lectern` and `adm` with its columns and rows.

use serde_json::{Value, json};

use super::sides::Sides;

/// Every table with its columns and rows, redacted and in a stable order.
pub async fn tables(sides: &Sides) -> Value {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('lectern', 'adm') ORDER BY 1",
    )
    .fetch_all(&sides.db.pool)
    .await
    .expect("tables");
    let mut tables = json!({});
    for name in names {
        tables[&name] = json!({ "columns": columns(sides, &name).await, "rows": rows(sides, &name).await });
    }
    tables
}

async fn columns(sides: &Sides, table: &str) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT column_name || ' ' || data_type || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
         FROM information_schema.columns WHERE table_schema || '.' || table_name = $1 ORDER BY ordinal_position",
    )
    .bind(table)
    .fetch_all(&sides.db.pool)
    .await
    .expect("columns")
}

/// Rows by their id; where there is none, by what they hold.
async fn rows(sides: &Sides, table: &str) -> Vec<Value> {
    let sql = format!("SELECT to_jsonb(t) FROM {table} AS t");
    let rows: Vec<Value> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&sides.db.pool).await.expect("rows");
    let mut rows: Vec<Value> = rows.iter().map(|row| sides.redact(row)).collect();
    if table == "adm.api_audit_log" {
        rows.iter_mut().for_each(shorten_call);
    }
    if table == "lectern.requested_runs" {
        rows.iter_mut().for_each(hide_folder);
    }
    if table == "lectern.history" {
        // Several deliveries run at the same time. What is stored of a change has tests of its own.
        rows.iter_mut().for_each(|row| {
            *row = json!({ "action": row["action"], "interface": row["interface"], "table_name": row["table_name"] });
        });
    }
    if table == "lectern.search_changes" {
        rows.iter_mut().for_each(|row| *row = json!({ "what": row["what"] }));
    }
    rows.sort_by_key(|row| (row["id"].as_i64(), row.to_string()));
    rows.dedup();
    rows
}

/// A request without the name of its upload's folder, which is unpredictable.
fn hide_folder(row: &mut Value) {
    if row["request"]["folder"].is_string() {
        row["request"]["folder"] = "<folder>".into();
    }
}

/// A call to Administrate without its number and its answer, so that equal calls are shown once.
fn shorten_call(row: &mut Value) {
    row["id"] = "<number>".into();
    if row["response_body"].is_object() {
        row["response_body"] = "<object>".into();
    }
}
