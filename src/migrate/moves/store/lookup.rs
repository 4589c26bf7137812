//! Executes statements, and looks up objects by OID or name.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::{Catalog, Relation, quote};

/// Executes a statement that adds a rule. Returns false, and changes nothing, if rows break the rule.
pub(in crate::migrate::moves) async fn execute_unless_violated(db: &mut PgConnection, sql: &str) -> Result<bool> {
    let mut savepoint = db.begin().await?;
    match sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *savepoint).await {
        Ok(_) => savepoint.commit().await?,
        Err(error)
            if error
                .as_database_error()
                .is_some_and(|error| error.code().is_some_and(|code| code.starts_with("23"))) =>
        {
            savepoint.rollback().await?;
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(true)
}

/// Executes statements in one request.
pub(in crate::migrate::moves) async fn execute(db: &mut PgConnection, statements: &[String]) -> Result<()> {
    if !statements.is_empty() {
        sqlx::raw_sql(AssertSqlSafe(statements.join(";\n"))).execute(db).await?;
    }
    Ok(())
}

/// Drops an index that an interrupted attempt left behind. One that is valid stays, unless `is_temporary`.
pub(in crate::migrate::moves) async fn drop_unfinished_index(
    db: &mut PgConnection,
    table: i64,
    name: &str,
    is_temporary: bool,
) -> Result<()> {
    let statement: Option<String> = sqlx::query_scalar(
        "SELECT format('DROP INDEX CONCURRENTLY %I.%I', n.nspname, c.relname)
         FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE i.indrelid = $1::bigint::oid AND c.relname = $2 AND ($3 OR NOT i.indisvalid)",
    )
    .bind(table)
    .bind(name)
    .bind(is_temporary)
    .fetch_optional(&mut *db)
    .await?;
    execute(db, statement.as_slice()).await
}

/// Returns the roles, by name, that have USAGE on a schema by a grant; the empty name stands for everybody.
pub(in crate::migrate::moves) async fn schema_users(db: &mut PgConnection, schema: &str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT coalesce(r.rolname::text, '') FROM pg_namespace AS n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS x
         LEFT JOIN pg_roles AS r ON r.oid = x.grantee
         WHERE n.nspname = $1 AND x.privilege_type = 'USAGE'",
    )
    .bind(schema)
    .fetch_all(db)
    .await?)
}

/// Finds what an inverse names in the catalogue as it is now.
pub(in crate::migrate::moves) fn table_of(catalog: &Catalog, oid: i64) -> Option<&Relation> {
    catalog.tables.iter().find(|table| table.oid == oid)
}

/// Returns the schema and name of a relation.
pub(in crate::migrate::moves) async fn relation(db: &mut PgConnection, oid: i64) -> Result<Option<(String, String)>> {
    Ok(sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.oid = $1::bigint::oid",
    )
    .bind(oid)
    .fetch_optional(db)
    .await?)
}

/// Returns the kind and OID of the relation that has a name.
pub(in crate::migrate::moves) async fn holder(
    db: &mut PgConnection,
    schema: &str,
    name: &str,
) -> Result<Option<(String, i64)>> {
    Ok(sqlx::query_as(
        "SELECT c.relkind::text, c.oid::bigint FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = $2",
    )
    .bind(schema)
    .bind(name)
    .fetch_optional(db)
    .await?)
}

/// Returns the name of a constraint.
pub(in crate::migrate::moves) async fn constraint_name(db: &mut PgConnection, oid: i64) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT conname::text FROM pg_constraint WHERE oid = $1::bigint::oid")
        .bind(oid)
        .fetch_optional(db)
        .await?)
}

/// Reports whether a column contains null.
pub(in crate::migrate::moves) async fn rows_with_null(
    db: &mut PgConnection,
    table: &Relation,
    column: &str,
) -> Result<Vec<String>> {
    let id = if table.column("id").is_some() { "id::text" } else { "ctid::text" };
    let sql = format!("SELECT {id} FROM {} WHERE {} IS NULL LIMIT 20", table.sql_name(), quote(column));
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Reports whether a schema contains nothing.
pub(in crate::migrate::moves) async fn is_schema_empty(db: &mut PgConnection, schema: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass
                              AND refobjid = to_regnamespace(quote_ident($1))::oid AND deptype = 'n')",
    )
    .bind(schema)
    .fetch_one(db)
    .await?)
}

/// Returns the functions of schema `lectern`.
pub(in crate::migrate::moves) async fn functions(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT p.proname::text FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
         WHERE n.nspname = 'lectern' ORDER BY 1",
    )
    .fetch_all(db)
    .await?)
}
