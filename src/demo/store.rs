//! SQL of the demo: its marker, and the check for other data.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, Row};

use super::folder::DemoMarker;
use crate::error::Result;

/// Returns the marker of the demo that filled the database, if one did. The schema may be missing.
pub async fn marker(db: &mut PgConnection) -> Result<Option<DemoMarker>> {
    let has_table: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.demo') IS NOT NULL").fetch_one(&mut *db).await?;
    if !has_table {
        return Ok(None);
    }
    let row = sqlx::query("SELECT provider, first_run FROM lectern.demo").fetch_optional(db).await?;
    Ok(row.map(|row| DemoMarker {
        provider: row.get("provider"),
        first_run: row.get::<jiff_sqlx::Timestamp, _>("first_run").to_jiff(),
    }))
}

/// Stores the marker. A database has at most one.
pub async fn store_marker(db: &mut PgConnection, marker: &DemoMarker) -> Result<()> {
    sqlx::query("INSERT INTO lectern.demo (provider, first_run) VALUES ($1, $2)")
        .bind(&marker.provider)
        .bind(Timestamp::to_sqlx(marker.first_run))
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the quoted names of tables and views, without those of extensions and of schema `lectern`.
async fn tables(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT format('%I.%I', space.nspname, class.relname)
         FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = class.relnamespace
         WHERE class.relkind IN ('r', 'p', 'f', 'v', 'm')
           AND space.nspname NOT IN ('pg_catalog', 'information_schema', 'lectern') AND space.nspname NOT LIKE 'pg\\_%'
           AND NOT EXISTS (SELECT FROM pg_depend AS part WHERE part.classid = 'pg_class'::regclass
                           AND part.objid = class.oid AND part.deptype = 'e')
         ORDER BY 1",
    )
    .fetch_all(db)
    .await?)
}

/// Returns the first table with other data: any table before the migration, a table with rows after it.
pub async fn table_with_other_data(db: &mut PgConnection) -> Result<Option<String>> {
    let tables = tables(db).await?;
    let is_migrated: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.schema_steps') IS NOT NULL").fetch_one(&mut *db).await?;
    if !is_migrated {
        return Ok(tables.into_iter().next());
    }
    for table in tables {
        // The name is quoted by PostgreSQL.
        let has_rows = format!("SELECT EXISTS (SELECT FROM {table})");
        if sqlx::query_scalar(sqlx::AssertSqlSafe(has_rows)).fetch_one(&mut *db).await? {
            return Ok(Some(table));
        }
    }
    Ok(None)
}
