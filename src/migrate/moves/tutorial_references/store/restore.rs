//! Takes back what the move did to rows. The columns exist again when it runs.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::quote;
use crate::migrate::moves::tutorial_references::reasons::{CREATED, FOUND, NAME, SET};

/// Gives a column that came back the values that the archive has.
pub async fn fill_column(
    db: &mut PgConnection,
    place: &str,
    source: &str,
    column: &str,
    data_type: &str,
) -> Result<()> {
    let sql = format!(
        "UPDATE {place} AS t SET {name} = (a.value #>> '{{}}')::{data_type} FROM lectern.archive AS a
         WHERE a.step = $1 AND a.source = $2 AND a.field = $3 AND a.source_id = t.id",
        name = quote(column)
    );
    sqlx::query(AssertSqlSafe(sql)).bind(NAME).bind(source).bind(column).execute(db).await?;
    Ok(())
}

/// Gives a column the present value of what its row refers to, where the row was written since, or its reference, or what
/// the move created for it.
///
/// `current` is a query of what is referred to: `id`, `value`, and of the row that may have been created `source`, `key`,
/// `is_touched` and the `width` of its text.
pub async fn fill_changed(
    db: &mut PgConnection,
    place: &str,
    source: &str,
    column: &str,
    (reference, current): (&str, String),
    last_id: i64,
) -> Result<()> {
    let sql = format!(
        "UPDATE {place} AS t SET {name} = c.value FROM ({current}) AS c
         WHERE c.id = t.{reference}
           AND (t.id > $5
                OR t.{reference} IS DISTINCT FROM (
                    SELECT (a.value #>> '{{}}')::bigint FROM lectern.archive AS a
                    WHERE a.step = $1 AND a.source = $2 AND a.field = $3 AND a.reason IN ($4, $6) AND a.source_id = t.id)
                OR c.is_touched AND left(c.value::text, c.width) <> left(t.{name}::text, c.width)
                   AND EXISTS (SELECT FROM lectern.archive AS a WHERE a.step = $1 AND a.source = c.source
                                 AND a.field = 'id' AND a.reason = $7 AND a.source_id = c.key))",
        name = quote(column),
        reference = quote(reference)
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(NAME)
        .bind(source)
        .bind(reference)
        .bind(SET)
        .bind(last_id)
        .bind(FOUND)
        .bind(CREATED)
        .execute(db)
        .await?;
    Ok(())
}

/// Empties a text whose reference a user has set to null since.
pub async fn empty_cleared(
    db: &mut PgConnection,
    place: &str,
    source: &str,
    column: &str,
    reference: &str,
) -> Result<()> {
    let sql = format!(
        "UPDATE {place} AS t SET {name} = '' FROM lectern.archive AS a
         WHERE t.{reference} IS NULL AND a.step = $1 AND a.source = $2 AND a.field = $3 AND a.reason IN ($4, $5)
           AND a.source_id = t.id",
        name = quote(column),
        reference = quote(reference)
    );
    sqlx::query(AssertSqlSafe(sql)).bind(NAME).bind(source).bind(reference).bind(SET).bind(FOUND).execute(db).await?;
    Ok(())
}

/// Makes the references null again that the move set, unless they were changed since.
pub async fn clear_references(db: &mut PgConnection) -> Result<()> {
    let sql = "SELECT DISTINCT source, field FROM lectern.archive WHERE step = $1 AND reason = $2 ORDER BY 1, 2";
    let set: Vec<(String, String)> = sqlx::query_as(sql).bind(NAME).bind(SET).fetch_all(&mut *db).await?;
    for (source, field) in set {
        let sql = format!(
            "UPDATE {source} AS t SET {column} = NULL FROM lectern.archive AS a
             WHERE a.step = $1 AND a.reason = $2 AND a.source = $3 AND a.field = $4 AND a.source_id = t.id
               -- Not `=`: thousands of rows refer to one place, and an index on it would be the slower way.
               AND t.{column} IS NOT DISTINCT FROM (a.value #>> '{{}}')::bigint",
            column = quote(&field)
        );
        sqlx::query(AssertSqlSafe(sql)).bind(NAME).bind(SET).bind(&source).bind(&field).execute(&mut *db).await?;
    }
    Ok(())
}

/// Returns the ids of rows that the move created in a table.
pub async fn created(db: &mut PgConnection, table: &str) -> Result<Vec<i64>> {
    let sql = "SELECT source_id FROM lectern.archive WHERE step = $1 AND reason = $2 AND source = $3 ORDER BY 1";
    Ok(sqlx::query_scalar(sql).bind(NAME).bind(CREATED).bind(table).fetch_all(db).await?)
}

/// Deletes created rows that nothing refers to and no user has changed; returns the ids of those that stay.
///
/// `users` are foreign keys as table and column; `is_untouched` is a condition on the row `t`.
pub async fn delete_created(
    db: &mut PgConnection,
    table: &str,
    ids: &[i64],
    users: &[(String, String)],
    is_untouched: &str,
) -> Result<Vec<i64>> {
    let unused: Vec<String> = users
        .iter()
        .map(|(user, column)| format!(" AND NOT EXISTS (SELECT FROM {user} AS r WHERE r.{} = t.id)", quote(column)))
        .collect();
    let sql = format!("DELETE FROM {table} AS t WHERE t.id = ANY ($1) AND {is_untouched}{}", unused.concat());
    let mut savepoint = db.begin().await?;
    // A table of another schema may refer to them.
    match sqlx::query(AssertSqlSafe(sql)).bind(ids).execute(&mut *savepoint).await {
        Ok(_) => savepoint.commit().await?,
        Err(error) if error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) => {
            savepoint.rollback().await?;
        }
        Err(error) => return Err(error.into()),
    }
    let sql = format!("SELECT id::bigint FROM {table} WHERE id = ANY ($1) ORDER BY id");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(db).await?)
}

/// Deletes the staff of events that the move named.
pub async fn delete_event_staff(db: &mut PgConnection) -> Result<()> {
    sqlx::query(
        "DELETE FROM lectern.event_staff AS s USING lectern.archive AS a
         WHERE a.step = $1 AND a.reason = $2 AND a.source = 'lectern.event_staff' AND a.source_id = s.tutorial_event_id
           AND s.role = 'instructor' AND s.position = (a.value #>> '{}')::integer",
    )
    .bind(NAME)
    .bind(CREATED)
    .execute(db)
    .await?;
    Ok(())
}

/// Empties the archive of the move.
pub async fn clear_archive(db: &mut PgConnection) -> Result<()> {
    sqlx::query("DELETE FROM lectern.archive WHERE step = $1").bind(NAME).execute(db).await?;
    Ok(())
}

/// Returns the column that refers to what a removed column named, and a query of the present values for [`fill_changed`].
pub fn current_value(source: &str, column: &str) -> Option<(&'static str, String)> {
    let place = |reference, table: &str, value: &str| {
        let sql = format!(
            "SELECT id::bigint, {value} AS value, '{table}' AS source, id::bigint AS key,
                    updated_at <> created_at AS is_touched, 1000 AS width FROM {table}"
        );
        Some((reference, sql))
    };
    let user = |value: &str| {
        let sql = format!(
            "SELECT i.id::bigint, u.{value} AS value, 'public.auth_user' AS source, u.id::bigint AS key, true AS is_touched,
                    150 AS width
             FROM acted.tutorial_instructors AS i JOIN acted.staff AS f ON f.id = i.staff_id
             JOIN public.auth_user AS u ON u.id = f.user_id"
        );
        Some(("tutorial_instructor_id", sql))
    };
    match (source, column) {
        ("acted.tutorial_events" | "acted.tutorial_sessions", "venue") => {
            place("venue_id", "acted.tutorial_venues", "name")
        }
        ("acted.tutorial_events" | "acted.tutorial_sessions", "location") => {
            place("location_id", "acted.tutorial_locations", "name")
        }
        ("adm.course_templates", "code" | "title") => {
            place("tutorial_course_template_id", "acted.tutorial_course_templates", column)
        }
        ("adm.course_templates", "active") => {
            place("tutorial_course_template_id", "acted.tutorial_course_templates", "is_active")
        }
        ("adm.locations", "name" | "code") => place("tutorial_location_id", "acted.tutorial_locations", column),
        ("adm.locations", "active") => place("tutorial_location_id", "acted.tutorial_locations", "is_active"),
        ("adm.venues", "name" | "description") => place("tutorial_venue_id", "acted.tutorial_venues", column),
        ("adm.instructors", "first_name" | "last_name" | "email") => user(column),
        _ => None,
    }
}
