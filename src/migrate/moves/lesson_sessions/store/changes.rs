//! Rows that are written while the copy is made: noted by triggers, copied again.

use sqlx::{AssertSqlSafe, PgConnection};

use super::copy;
use crate::error::Result;
use crate::migrate::moves::lesson_sessions::mapping::Mapping;

/// Lets triggers note what is written from now on. Transactions that have written before are over then.
pub async fn watch(db: &mut PgConnection, source: &str) -> Result<()> {
    let trigger = |table: &str, event: &str, level: &str, function: &str, name: &str| {
        format!(
            "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH {level} EXECUTE FUNCTION lectern.{function}();"
        )
    };
    let mut sql = String::new();
    for (table, function) in [(source, "note_lesson_change"), ("public.enrolled_students", "note_enrolment_change")] {
        sql += &trigger(table, "INSERT OR UPDATE OR DELETE", "ROW", function, "lectern_lesson_change");
        sql += &trigger(table, "TRUNCATE", "STATEMENT", function, "lectern_lesson_truncate");
    }
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

/// Returns the statements that remove the triggers.
pub fn unwatch(source: &str) -> String {
    [source, "public.enrolled_students"]
        .iter()
        .map(|table| {
            format!(
                "DROP TRIGGER IF EXISTS lectern_lesson_change ON {table};
                 DROP TRIGGER IF EXISTS lectern_lesson_truncate ON {table};"
            )
        })
        .collect()
}

/// The notes that wait.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// The number of the newest; 0 without any.
    pub newest: i64,
    /// How many there are, at most.
    pub left: i64,
}

/// Returns which notes wait, without reading them.
pub async fn noted(db: &mut PgConnection) -> Result<Noted> {
    let (oldest, newest): (Option<i64>, Option<i64>) =
        sqlx::query_as("SELECT min(id), max(id) FROM lectern.lesson_changes").fetch_one(db).await?;
    let left = oldest.zip(newest).map_or(0, |(oldest, newest)| newest - oldest + 1);
    Ok(Noted { newest: newest.unwrap_or_default(), left })
}

/// Removes the notes after one on rows that are not copied yet: they will be copied as they are by then.
pub async fn forget_uncopied(db: &mut PgConnection, after: i64, copied_to: i64) -> Result<()> {
    sqlx::query("DELETE FROM lectern.lesson_changes WHERE id > $1 AND session_id > $2")
        .bind(after)
        .bind(copied_to)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns how many notes wait, up to a number.
pub async fn outstanding(db: &mut PgConnection, up_to: i64) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM (SELECT FROM lectern.lesson_changes LIMIT $1) AS t")
        .bind(up_to)
        .fetch_one(db)
        .await?)
}

/// A note: a row, the tutor and student of an enrolment, or everything.
type LessonChange = (Option<i64>, Option<i64>, Option<i64>, bool);

/// Copies rows again that were written since they were copied. Returns how many notes were dealt with.
pub async fn catch_up(db: &mut PgConnection, mapping: &Mapping<'_>, limit: i64) -> Result<i64> {
    let noted: Vec<LessonChange> = sqlx::query_as(
        "DELETE FROM lectern.lesson_changes
         WHERE id IN (SELECT id FROM lectern.lesson_changes ORDER BY id LIMIT $1)
         RETURNING session_id, tutor_id, student_id, is_all",
    )
    .bind(limit)
    .fetch_all(&mut *db)
    .await?;
    let table = mapping.source.sql_name();
    if noted.iter().any(|(_, _, _, is_all)| *is_all) {
        sqlx::raw_sql("DELETE FROM lectern.sessions").execute(&mut *db).await?;
        copy::copy_all(db, mapping).await?;
        return Ok(count(noted.len()));
    }
    let mut ids: Vec<i64> = noted.iter().filter_map(|(id, ..)| *id).collect();
    let pairs: Vec<(i64, i64)> = noted.iter().filter_map(|(_, tutor, student, _)| tutor.zip(*student)).collect();
    if !pairs.is_empty() {
        let (tutors, students): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
        let sql = format!(
            "SELECT o.id::bigint FROM {table} AS o
             WHERE (o.tutor_id, o.student_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))"
        );
        let rows: Vec<i64> =
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(tutors).bind(students).fetch_all(&mut *db).await?;
        ids.extend(rows);
    }
    ids.sort_unstable();
    ids.dedup();
    if !ids.is_empty() {
        sqlx::query("DELETE FROM lectern.sessions WHERE id = ANY ($1)").bind(&ids).execute(&mut *db).await?;
        let sql = copy::insertion(mapping, "o.id = ANY ($1)");
        sqlx::query(AssertSqlSafe(sql)).bind(&ids).execute(db).await?;
    }
    Ok(count(noted.len()))
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Statements that let triggers note changes to lessons and enrolments from now on.
pub const WATCHING: [&str; 3] = [
    "SELECT lectern.watch_updated_at('public.sessions')",
    "SELECT lectern.watch_history('public.sessions', 'id')",
    "SELECT lectern.watch_history('public.enrolled_students', 'id')",
];

/// Lets triggers note changes to lessons and enrolments, after one bounded wait for both tables.
pub async fn watch_history(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("LOCK TABLE public.sessions, public.enrolled_students IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *db)
        .await?;
    for statement in WATCHING {
        sqlx::query(statement).execute(&mut *db).await?;
    }
    Ok(())
}

/// Removes the triggers of the history from an enrolment table that others created.
pub async fn unwatch_enrolments(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(
        "DO $$
         DECLARE
             t CONSTANT regclass := to_regclass('public.enrolled_students');
             name text;
         BEGIN
             IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t AND tgname = 'lectern_touch_updated_at') THEN
                 RETURN;
             END IF;
             FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = t AND tgname LIKE 'lectern\\_history\\_%' LOOP
                 EXECUTE format('DROP TRIGGER %I ON %s', name, t);
             END LOOP;
         END $$",
    )
    .execute(db)
    .await?;
    Ok(())
}
