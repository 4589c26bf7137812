//! Names, schemas, owners and sequences of the tables.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::{Grant, Relation, quote};

/// Returns the time zone of the database, not that of this connection.
pub async fn database_zone(db: &mut PgConnection) -> Result<String> {
    let (set, is_readable): (Option<String>, bool) = sqlx::query_as(
        "SELECT (SELECT substr(s.setting, strpos(s.setting, '=') + 1)
                 FROM pg_db_role_setting AS r, unnest(r.setconfig) AS s (setting)
                 WHERE r.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                   AND r.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
                   AND s.setting ILIKE 'timezone=%'
                 ORDER BY r.setrole DESC, r.setdatabase DESC LIMIT 1),
                has_function_privilege('pg_show_all_file_settings()', 'EXECUTE')
                  AND has_table_privilege('pg_file_settings', 'SELECT')",
    )
    .fetch_one(&mut *db)
    .await?;
    if let Some(zone) = set {
        return Ok(zone);
    }
    if is_readable {
        let zone: Option<String> = sqlx::query_scalar(
            "SELECT setting FROM pg_file_settings WHERE name ILIKE 'timezone' AND applied ORDER BY seqno DESC LIMIT 1",
        )
        .fetch_optional(&mut *db)
        .await?;
        if let Some(zone) = zone {
            return Ok(zone);
        }
    }
    // The server's own configuration is not readable: its installation gives both settings the same zone.
    Ok(sqlx::query_scalar("SELECT current_setting('log_timezone')").fetch_one(db).await?)
}

/// Reports whether row security decides which rows of a table others see.
pub async fn has_row_security(db: &mut PgConnection, table: i64) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT relrowsecurity FROM pg_class WHERE oid = $1::bigint::oid")
        .bind(table)
        .fetch_one(db)
        .await?)
}

/// Hides the rows of `public.sessions` from everybody but its owner.
pub async fn enable_row_security(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY").execute(db).await?;
    Ok(())
}

/// Returns the greatest id.
pub async fn greatest_id(db: &mut PgConnection, table: &Relation) -> Result<Option<i64>> {
    let sql = format!("SELECT max(id)::bigint FROM {}", table.sql_name());
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await?)
}

/// Returns the ids of rows without a value in a column.
pub async fn null_ids(db: &mut PgConnection, table: &Relation, column: &str) -> Result<Vec<i64>> {
    let sql =
        format!("SELECT id::bigint FROM {} WHERE {} IS NULL ORDER BY id LIMIT 20", table.sql_name(), quote(column));
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Reports whether a relation of this name exists.
pub async fn is_taken(db: &mut PgConnection, schema: &str, name: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                        WHERE n.nspname = $1 AND c.relname = $2)",
    )
    .bind(schema)
    .bind(name)
    .fetch_one(db)
    .await?)
}

/// Renames an index or sequence.
pub async fn rename_object(
    db: &mut PgConnection,
    is_index: bool,
    schema: &str,
    name: &str,
    new_name: &str,
) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(renaming(is_index, schema, name, new_name))).execute(db).await?;
    Ok(())
}

/// Returns the statement that renames an index or sequence.
pub fn renaming(is_index: bool, schema: &str, name: &str, new_name: &str) -> String {
    let kind = if is_index { "INDEX" } else { "SEQUENCE" };
    format!("ALTER {kind} {}.{} RENAME TO {};\n", quote(schema), quote(name), quote(new_name))
}

/// Gives a table another name and schema.
pub async fn move_table(db: &mut PgConnection, table: (&str, &str), schema: &str, name: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(moving(table, schema, name))).execute(db).await?;
    Ok(())
}

/// Returns the statements that give a table another name and schema.
pub fn moving(table: (&str, &str), schema: &str, name: &str) -> String {
    // Under a name that neither schema has.
    let waiting = format!("lectern_moving_{name}").chars().take(60).collect::<String>();
    format!(
        "ALTER TABLE {}.{} RENAME TO {waiting};\nALTER TABLE {}.{waiting} SET SCHEMA {schema};
ALTER TABLE {schema}.{waiting} RENAME TO {};\n",
        quote(table.0),
        quote(table.1),
        quote(table.0),
        quote(name),
        waiting = quote(&waiting),
        schema = quote(schema),
    )
}

/// Brings `lectern.sessions` to its place, with the owner and the privileges of the older table.
pub async fn place_sessions(db: &mut PgConnection, source: Option<&Relation>) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(placing(source))).execute(db).await?;
    Ok(())
}

/// Returns the statements that bring `lectern.sessions` to its place.
pub fn placing(source: Option<&Relation>) -> String {
    let mut sql = String::from("ALTER TABLE lectern.sessions SET SCHEMA public;\n");
    if let Some(source) = source {
        sql += &format!("ALTER TABLE public.sessions OWNER TO {};\n", quote(&source.owner));
        source.grants.iter().for_each(|grant| sql += &granted(grant));
    }
    sql
}

/// A privilege on columns becomes one on the table only where it is for reading: the columns have other names now.
fn granted(grant: &Grant) -> String {
    if grant.column.is_some() {
        return String::new();
    }
    let role = if grant.role.is_empty() { "PUBLIC".to_owned() } else { quote(&grant.role) };
    let option = if grant.can_grant { " WITH GRANT OPTION" } else { "" };
    let mut sql = format!("GRANT {} ON public.sessions TO {role}{option};\n", grant.privilege);
    if grant.privilege == "INSERT" {
        sql += &format!("GRANT USAGE ON SEQUENCE public.sessions_id_seq TO {role};\n");
    }
    sql
}

/// Lets a sequence continue after the greatest id of a table and after the positions of these sequences.
pub async fn set_sequence(db: &mut PgConnection, sequence: &str, table: &str, others: &[String]) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(continuing(sequence, table, others))).execute(db).await?;
    Ok(())
}

/// Returns the statement that lets a sequence continue.
pub fn continuing(sequence: &str, table: &str, others: &[String]) -> String {
    let positions: String = [sequence.to_owned()]
        .iter()
        .chain(others)
        .map(|name| format!(", (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {name})"))
        .collect();
    format!(
        "SELECT setval('{}', greatest(1, last), last > 0)
FROM (SELECT greatest(0, (SELECT max(id) FROM {table}){positions})) AS t (last);\n",
        sequence.replace('\'', "''")
    )
}

/// Returns the number of rows of a table and the sum of their ids.
pub async fn archive_totals(db: &mut PgConnection, table: &str) -> Result<(i64, String)> {
    let sql = format!("SELECT count(*), coalesce(sum(id), 0)::text FROM {table}");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_one(db).await?)
}
