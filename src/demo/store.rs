//! SQL of the demo: its marker, the check for other data, and its lessons.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde_json::Value;
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

/// Inserts people of a role with their profiles. Returns the ids of the profiles in order. `role`: tutor, student or parent.
pub async fn add_people(db: &mut PgConnection, role: &'static str, people: &[Value]) -> Result<Vec<i64>> {
    let users: Vec<i64> = sqlx::query_scalar(
        "INSERT INTO public.users (first_name, father_name, email, roles, active_role)
         SELECT person->>'first_name', person->>'father_name', person->>'email', json_build_array($2::text), $2
         FROM jsonb_array_elements($1) WITH ORDINALITY AS people (person, place) ORDER BY place RETURNING id::bigint",
    )
    .bind(Value::from(people))
    .bind(role)
    .fetch_all(&mut *db)
    .await?;
    let sql = format!(
        "INSERT INTO public.{role}_profiles (user_id, username)
         SELECT user_id, person->>'username'
         FROM unnest($1::bigint[]) WITH ORDINALITY AS users (user_id, place)
         JOIN jsonb_array_elements($2) WITH ORDINALITY AS people (person, place) USING (place)
         ORDER BY place RETURNING id::bigint"
    );
    let profiles = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(users).bind(Value::from(people));
    Ok(profiles.fetch_all(db).await?)
}

/// Writes the children of parents, on both sides.
pub async fn add_families(db: &mut PgConnection, families: &[(i64, Vec<i64>)]) -> Result<()> {
    for (parent, children) in families {
        sqlx::query("UPDATE public.parent_profiles SET children_ids = $2 WHERE id = $1")
            .bind(parent)
            .bind(children)
            .execute(&mut *db)
            .await?;
        sqlx::query("UPDATE public.student_profiles SET parent_id = ARRAY[$1::integer] WHERE id = ANY ($2)")
            .bind(parent)
            .bind(children)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Inserts enrolments of tutors and students. Returns their ids in order.
pub async fn add_enrolments(db: &mut PgConnection, pairs: &[(i64, i64)]) -> Result<Vec<i64>> {
    let (tutors, students): (Vec<i64>, Vec<i64>) = pairs.iter().copied().unzip();
    Ok(sqlx::query_scalar(
        "INSERT INTO public.enrolled_students (tutor_id, student_id)
         SELECT tutor, student
         FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS pairs (tutor, student, place)
         ORDER BY place RETURNING id::bigint",
    )
    .bind(tutors)
    .bind(students)
    .fetch_all(db)
    .await?)
}

/// Inserts lessons, with an entry of the history for each attendance that is known.
pub async fn add_lessons(db: &mut PgConnection, lessons: &[Value]) -> Result<()> {
    sqlx::query(
        "WITH made AS (
             INSERT INTO public.sessions (course_enrollment_id, topics, topics_covered, session_date, start_time, end_time,
                 duration, session_mode, location, tutor_attendance_status, student_attendance_status, priority_level,
                 is_recurring, session_frequency, recurring_pattern, alarm_enabled, is_featured, status)
             SELECT * FROM jsonb_to_recordset($1) AS given (course_enrollment_id int, topics json, topics_covered json,
                 session_date date, start_time time, end_time time, duration int, session_mode text, location text,
                 tutor_attendance_status text, student_attendance_status text, priority_level text, is_recurring boolean,
                 session_frequency text, recurring_pattern json, alarm_enabled boolean, is_featured boolean, status text)
             ORDER BY session_date, start_time
             RETURNING id, tutor_attendance_status, student_attendance_status)
         INSERT INTO lectern.lesson_attendance (session_id, person, status, source, marked_by)
         SELECT id, person, status, 'manual', 'demo'
         FROM made, LATERAL (VALUES ('tutor', tutor_attendance_status), ('student', student_attendance_status))
                            AS marked (person, status)
         WHERE status IS NOT NULL ORDER BY id, person",
    )
    .bind(Value::from(lessons))
    .execute(db)
    .await?;
    Ok(())
}
