//! Copies the rows into `lectern.sessions`, which takes the place of `public.sessions` later.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::moves::lesson_sessions::mapping::Mapping;
use crate::migrate::moves::lesson_sessions::shape::{Family, SESSIONS};
use crate::migrate::moves::store::Content;

/// Rows that were copied in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    pub last_id: i64,
    pub rows: i64,
}

/// Creates the table that is filled. While others write, it is complete from the beginning: a row is found by its id, an
/// enrolment that is deleted takes its rows with it, and no index has to be made of all rows at once, which others would feel.
pub async fn create_copy(db: &mut PgConnection, is_complete: bool) -> Result<()> {
    sqlx::raw_sql("SELECT lectern.create_lesson_sessions('lectern')").execute(&mut *db).await?;
    if is_complete {
        sqlx::raw_sql("SELECT lectern.complete_lesson_sessions('lectern')").execute(db).await?;
    }
    Ok(())
}

/// Makes this transaction use one processor, so that the others are left to those who write.
pub async fn leave_room(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL max_parallel_maintenance_workers = 0")
        .execute(db)
        .await?;
    Ok(())
}

/// Makes others wait less for one of many transactions: it uses one processor, plans its statements as if they were those of
/// the one before, and its commit does not wait for the disk. What is lost with the server is done again, because its note is
/// lost with it.
pub async fn prepare_batch(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(
        "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL plan_cache_mode = force_generic_plan;
         SET LOCAL synchronous_commit = off",
    )
    .execute(db)
    .await?;
    Ok(())
}

fn column_list() -> String {
    SESSIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Returns the statement that copies rows.
pub fn insertion(mapping: &Mapping<'_>, filter: &str) -> String {
    let select = mapping.select(&mapping.source.sql_name(), filter);
    format!("INSERT INTO lectern.sessions ({}) {select}", column_list())
}

/// Copies every row.
pub async fn copy_all(db: &mut PgConnection, mapping: &Mapping<'_>) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(insertion(mapping, ""))).execute(db).await?;
    Ok(())
}

/// Maps and hashes some rows. Returns how many.
pub async fn map_some(db: &mut PgConnection, mapping: &Mapping<'_>, rows: i64) -> Result<i64> {
    let select = mapping.select(&mapping.source.sql_name(), "");
    let sql = format!("SELECT count(hashtextextended(t::text, 0)) FROM ({select} LIMIT {rows}) AS t");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await?)
}

/// Copies the next rows by id, and notes them; none if there are no more.
pub async fn copy_batch(
    db: &mut PgConnection,
    mapping: &Mapping<'_>,
    last_id: Option<i64>,
    size: i64,
) -> Result<Option<Batch>> {
    let table = mapping.source.sql_name();
    let sql = format!(
        "SELECT min(id)::bigint, max(id)::bigint FROM (SELECT id FROM {table} WHERE id >= $1 ORDER BY id LIMIT $2) AS t"
    );
    let from = last_id.map_or(i64::MIN, |last| last.saturating_add(1));
    let (first, last): (Option<i64>, Option<i64>) =
        sqlx::query_as(AssertSqlSafe(sql)).bind(from).bind(size).fetch_one(&mut *db).await?;
    let Some((first, last)) = first.zip(last) else { return Ok(None) };
    let sql = format!("{} ON CONFLICT (id) DO NOTHING", insertion(mapping, "o.id BETWEEN $1 AND $2"));
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(first).bind(last).execute(&mut *db).await?.rows_affected();
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    sqlx::query("INSERT INTO lectern.lesson_copy_batches (first_id, last_id, rows) VALUES ($1, $2, $3)")
        .bind(first)
        .bind(last)
        .bind(rows)
        .execute(&mut *db)
        .await?;
    sqlx::query("UPDATE lectern.lesson_copy SET last_id = $1").bind(last).execute(db).await?;
    Ok(Some(Batch { last_id: last, rows }))
}

/// Gives the copy its key, indexes, foreign key and comments, unless it has them.
pub async fn finish_copy(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(
        // Sorting for the indexes takes the most time; the server's default is for small machines of long ago.
        "SELECT set_config('maintenance_work_mem', '256MB', true)
         WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('256MB');
         DO $$ BEGIN
             IF to_regclass('lectern.idx_sessions_recurring') IS NULL THEN
                 PERFORM lectern.complete_lesson_sessions('lectern');
             END IF;
         END $$;
         ANALYZE lectern.sessions",
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Hashes the rows as lesson sessions, and the rows of the copy, apart from those that were written meanwhile.
pub async fn verify_copy(db: &mut PgConnection, mapping: &Mapping<'_>) -> Result<(Content, Content)> {
    let columns = column_list();
    let table = mapping.source.sql_name();
    let noted = format!(
        "SELECT session_id FROM lectern.lesson_changes WHERE session_id IS NOT NULL
         UNION ALL
         SELECT n.id FROM {table} AS n JOIN lectern.lesson_changes AS c ON (c.tutor_id, c.student_id) = (n.tutor_id, n.student_id)"
    );
    let unchanged = |alias: &str| {
        format!("{alias}.id NOT IN ({noted}) AND NOT EXISTS (SELECT FROM lectern.lesson_changes AS c WHERE c.is_all)")
    };
    let select = mapping.select(&table, &unchanged("o"));
    // The values themselves, which is twice as fast as their text; documents have a hash as text only.
    let value = |(name, family): &(&str, Family)| match family {
        Family::Json => format!("{name}::text"),
        _ => (*name).to_owned(),
    };
    let values = SESSIONS.iter().map(value).collect::<Vec<_>>().join(", ");
    let hash = |rows: &str| {
        format!("SELECT count(*), coalesce(sum(hash_record_extended(ROW({values}), 0)), 0)::text FROM {rows} AS t")
    };
    let copy = format!("(SELECT {columns} FROM lectern.sessions AS s WHERE {})", unchanged("s"));
    let mut contents = Vec::new();
    for rows in [format!("({select})"), copy] {
        let (rows, hash) = sqlx::query_as(AssertSqlSafe(hash(&rows))).fetch_one(&mut *db).await?;
        contents.push(Content { rows, hash });
    }
    let copied = contents.pop().unwrap_or(Content { rows: 0, hash: String::new() });
    let expected = contents.pop().unwrap_or(Content { rows: 0, hash: String::new() });
    Ok((expected, copied))
}

/// Removes the triggers that note what is written.
pub async fn discard_triggers(db: &mut PgConnection, source: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(super::changes::unwatch(source))).execute(db).await?;
    Ok(())
}

/// Removes what an unfinished copy has left. `source` is the name of the older table for a statement.
pub async fn discard(db: &mut PgConnection, source: Option<&str>) -> Result<()> {
    let mut sql = String::from("DROP TABLE IF EXISTS lectern.sessions;");
    if let Some(source) = source {
        sql += &super::changes::unwatch(source);
    }
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}
