//! SQL by which the demo knows its own database.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, Row};

use super::folder::DemoMarker;
use crate::error::Result;

/// Whose demo filled this database, if one did. The schema need not be there yet.
pub async fn mark(db: &mut PgConnection) -> Result<Option<DemoMarker>> {
    let known: bool = sqlx::query_scalar("SELECT to_regclass('lectern.demo') IS NOT NULL").fetch_one(&mut *db).await?;
    if !known {
        return Ok(None);
    }
    let row = sqlx::query("SELECT provider, first_run FROM lectern.demo").fetch_optional(db).await?;
    Ok(row.map(|row| DemoMarker {
        provider: row.get("provider"),
        first_run: row.get::<jiff_sqlx::Timestamp, _>("first_run").to_jiff(),
    }))
}

/// Writes the mark; at most one is ever written.
pub async fn put_mark(db: &mut PgConnection, mark: &DemoMarker) -> Result<()> {
    sqlx::query("INSERT INTO lectern.demo (provider, first_run) VALUES ($1, $2)")
        .bind(&mark.provider)
        .bind(Timestamp::to_sqlx(mark.first_run))
        .execute(db)
        .await?;
    Ok(())
}

/// The tables and views that are anybody's, as quoted names; those of extensions and of schema `lectern` are not.
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

/// The first table with something of somebody's in it. Before our schema is there, any table is somebody's; after
/// that, any row.
pub async fn somebodys_table(db: &mut PgConnection) -> Result<Option<String>> {
    let tables = tables(db).await?;
    let migrated: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.schema_steps') IS NOT NULL").fetch_one(&mut *db).await?;
    if !migrated {
        return Ok(tables.into_iter().next());
    }
    for table in tables {
        // The name comes quoted from the catalogue of PostgreSQL.
        let any = format!("SELECT EXISTS (SELECT FROM {table})");
        if sqlx::query_scalar(sqlx::AssertSqlSafe(any)).fetch_one(&mut *db).await? {
            return Ok(Some(table));
        }
    }
    Ok(None)
}
