//! All statements of the uninstallation.

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::{Catalog, Relation, quote};
use crate::migrate::moves;

/// What the database contained before the adoption.
#[derive(Debug, sqlx::FromRow)]
pub struct FoundBefore {
    /// OIDs.
    pub relations: Vec<i64>,
    pub schemas: Vec<String>,
    /// Comments, each as the object's class, OID and column.
    pub comments: Vec<String>,
}

/// Returns what the database contained; none if it was not adopted.
pub(super) async fn found_before(db: &mut PgConnection) -> Result<Option<FoundBefore>> {
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('lectern.found_before') IS NOT NULL").fetch_one(&mut *db).await?;
    if !exists {
        return Ok(None);
    }
    Ok(sqlx::query_as("SELECT relations, schemas, comments FROM lectern.found_before").fetch_optional(db).await?)
}

pub(super) async fn count(db: &mut PgConnection, table: &Relation) -> Result<i64> {
    let sql = format!("SELECT count(*) FROM {}", table.sql_name());
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await?)
}

pub(super) async fn rows(db: &mut PgConnection, table: &Relation) -> Result<Vec<Value>> {
    let sql = format!("SELECT to_jsonb(t) FROM {} AS t", table.sql_name());
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Removes triggers, indexes, comments, tables and schemas that were not there before.
pub(super) async fn remove(
    db: &mut PgConnection,
    catalog: &Catalog,
    created: &[&Relation],
    before: &FoundBefore,
) -> Result<()> {
    let mut statements = Vec::new();
    let found = |table: &&Relation| before.relations.contains(&table.oid) && table.is_table();
    for table in catalog.tables.iter().filter(found) {
        let triggers = table.triggers.iter().filter(|trigger| trigger.schema == "lectern");
        statements
            .extend(triggers.map(|trigger| format!("DROP TRIGGER {} ON {}", quote(&trigger.name), table.sql_name())));
        let added = table.indexes.iter().filter(|index| {
            !index.is_of_constraint
                && !before.relations.contains(&index.oid)
                && moves::is_index_of_reference(table, &index.name)
        });
        statements.extend(added.map(|index| format!("DROP INDEX {}.{}", quote(&table.schema), quote(&index.name))));
    }
    statements.extend(added_comments(db, &before.comments).await?);
    let elsewhere: Vec<String> =
        created.iter().filter(|table| table.schema != "lectern").map(|table| table.sql_name()).collect();
    // Foreign keys of schema lectern to these tables go with it.
    statements.push("DROP SCHEMA lectern CASCADE".to_owned());
    if !elsewhere.is_empty() {
        statements.push(format!("DROP TABLE {}", elsewhere.join(", ")));
    }
    sqlx::raw_sql(AssertSqlSafe(statements.join(";\n"))).execute(&mut *db).await?;
    for schema in ["adm", "acted"].iter().filter(|schema| !before.schemas.iter().any(|name| name == **schema)) {
        if catalog.has_schema(schema) && is_schema_empty(db, schema).await? {
            sqlx::raw_sql(AssertSqlSafe(format!("DROP SCHEMA {schema}"))).execute(&mut *db).await?;
        }
    }
    Ok(())
}

/// Returns statements that remove the comments which were not there before.
async fn added_comments(db: &mut PgConnection, before: &[String]) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT CASE WHEN d.objsubid = 0 THEN format('COMMENT ON TABLE %I.%I IS NULL', n.nspname, c.relname)
                     ELSE format('COMMENT ON COLUMN %I.%I.%I IS NULL', n.nspname, c.relname, a.attname) END
         FROM pg_description AS d JOIN pg_class AS c ON d.classoid = 'pg_class'::regclass AND c.oid = d.objoid
              JOIN pg_namespace AS n ON n.oid = c.relnamespace
              LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid
         WHERE n.nspname IN ('public', 'acted', 'adm') AND c.relkind IN ('r', 'p')
           AND pg_has_role(c.relowner, 'USAGE') AND NOT concat_ws(' ', d.objoid, d.objsubid) = ANY ($1)",
    )
    .bind(before)
    .fetch_all(db)
    .await?)
}

async fn is_schema_empty(db: &mut PgConnection, schema: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND deptype = 'n'
                              AND refobjid = to_regnamespace(quote_ident($1))::oid)",
    )
    .bind(schema)
    .fetch_one(db)
    .await?)
}
