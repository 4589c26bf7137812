//! Brings lessons that were written since the move back into the older table.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::quote;
use crate::migrate::moves::lesson_sessions::mapping::Mapping;
use crate::migrate::moves::lesson_sessions::shape::SESSIONS;

/// How many rows were brought back.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    pub changed: u64,
    pub added: u64,
    pub deleted: u64,
}

/// Columns of the older table, the column of the new one that they became, and the value that goes back.
const BACK: &[(&str, &str, &str)] = &[
    ("subject", "topics", "coalesce(pg_temp.text_at(s.topics, 0), '')"),
    (
        "topic",
        "topics",
        "(SELECT string_agg(pg_temp.text_at(s.topics, n), ', ' ORDER BY n)
          FROM generate_series(1, CASE json_typeof(s.topics) WHEN 'array' THEN json_array_length(s.topics) END - 1) AS n)",
    ),
    ("session_date", "session_date", "s.session_date"),
    ("start_time", "start_time", "s.start_time"),
    ("end_time", "end_time", "s.end_time"),
    ("duration", "duration", "s.duration"),
    ("mode", "session_mode", "s.session_mode"),
    ("location", "location", "s.location"),
    ("topics_covered", "topics_covered", "s.topics_covered"),
    ("status", "status", "s.status"),
    ("student_attended", "student_attendance_status", "s.student_attendance_status IN ('present', 'late')"),
    ("tutor_attended", "tutor_attendance_status", "s.tutor_attendance_status IN ('present', 'late')"),
    ("created_at", "created_at", "s.created_at"),
    ("updated_at", "updated_at", "s.updated_at"),
    ("session_frequency", "session_frequency", "s.session_frequency"),
    ("is_recurring", "is_recurring", "s.is_recurring"),
    ("recurring_pattern", "recurring_pattern", "s.recurring_pattern"),
    ("notification_enabled", "notification_enabled", "s.notification_enabled"),
    ("alarm_enabled", "alarm_enabled", "s.alarm_enabled"),
    ("alarm_before_minutes", "alarm_before_minutes", "s.alarm_before_minutes"),
    ("is_featured", "is_featured", "s.is_featured"),
];

/// A lesson now belongs to another tutor or student.
const OTHER_PAIR: &str =
    "n.id IS NOT NULL AND (n.tutor_id IS DISTINCT FROM o.tutor_id OR n.student_id IS DISTINCT FROM o.student_id)";

/// Brings changed, added and deleted lessons back. Whole rows go to the archive, because the older table lacks columns.
pub async fn restore_rows(db: &mut PgConnection, mapping: &Mapping<'_>, keeps_enrolment: bool) -> Result<Restored> {
    let (table, rows) = (mapping.source.sql_name(), mapping.select(&mapping.source.sql_name(), ""));
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE TEMP TABLE lectern_mapped ON COMMIT DROP AS {rows}")))
        .execute(&mut *db)
        .await?;
    sqlx::raw_sql("CREATE INDEX ON lectern_mapped (id); ANALYZE lectern_mapped").execute(&mut *db).await?;
    let is_other = differs();
    keep_whole_rows(db, &table, &is_other).await?;
    let set: Vec<String> = sets(mapping, keeps_enrolment);
    let update = format!(
        "UPDATE {table} AS o SET {} FROM public.sessions AS s JOIN lectern_mapped AS m ON m.id = s.id
             LEFT JOIN public.enrolled_students AS n ON n.id = s.course_enrollment_id
         WHERE s.id = o.id AND ({is_other} OR {OTHER_PAIR})",
        set.join(", ")
    );
    let changed = sqlx::raw_sql(AssertSqlSafe(update)).execute(&mut *db).await?.rows_affected();
    let delete =
        format!("DELETE FROM {table} AS o WHERE NOT EXISTS (SELECT FROM public.sessions AS s WHERE s.id = o.id)");
    let deleted = sqlx::raw_sql(AssertSqlSafe(delete)).execute(&mut *db).await?.rows_affected();
    let (columns, values) = inserted(mapping, keeps_enrolment);
    let insert = format!(
        "INSERT INTO {table} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM public.sessions AS s
             LEFT JOIN public.enrolled_students AS n ON n.id = s.course_enrollment_id
         WHERE NOT EXISTS (SELECT FROM lectern_mapped AS m WHERE m.id = s.id)",
        columns.join(", "),
        values.join(", ")
    );
    let added = sqlx::raw_sql(AssertSqlSafe(insert)).execute(db).await?.rows_affected();
    Ok(Restored { changed, added, deleted })
}

/// Columns of type json have no equality.
fn text(alias: &str, column: &str) -> String {
    format!("{alias}.{column}::text")
}

fn differs() -> String {
    // A review or an enrolment that is the same for people is no change of the lesson.
    let compared =
        SESSIONS.iter().map(|(name, _)| *name).filter(|name| *name != "id" && *name != "course_enrollment_id");
    let columns = |alias: &str| compared.clone().map(|name| text(alias, name)).collect::<Vec<_>>().join(", ");
    format!("(ROW({}) IS DISTINCT FROM ROW({}))", columns("s"), columns("m"))
}

async fn keep_whole_rows(db: &mut PgConnection, table: &str, is_other: &str) -> Result<()> {
    let sql = format!(
        "INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT 'lesson-sessions', 'public.sessions', s.id, '*', pg_temp.archived(row_to_json(s)),
                CASE WHEN m.id IS NULL THEN 'the lesson was written after the move, which is undone'
                     ELSE 'the lesson was changed after the move, which is undone' END
         FROM public.sessions AS s LEFT JOIN lectern_mapped AS m ON m.id = s.id LEFT JOIN {table} AS o ON o.id = s.id
              LEFT JOIN public.enrolled_students AS n ON n.id = s.course_enrollment_id
         WHERE m.id IS NULL OR {is_other} OR {OTHER_PAIR};
         INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT 'lesson-sessions', 'public.tutor_sessions', o.id, '*', pg_temp.archived(row_to_json(o)),
                'the lesson was deleted after the move, which is undone'
         FROM {table} AS o WHERE NOT EXISTS (SELECT FROM public.sessions AS s WHERE s.id = o.id)"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

/// The value of a new column as one of the older column. An explicit cast cuts what is too long for it.
fn back(mapping: &Mapping<'_>, old: &str, value: &str) -> Option<String> {
    let column = mapping.source.column(old)?;
    let value = match column.data_type.as_str() {
        "text" | "jsonb" | "json" if old == "topics_covered" || old == "recurring_pattern" => {
            format!("({value})::text::{}", column.data_type)
        }
        with_zone if with_zone.ends_with("with time zone") => {
            format!("({value} AT TIME ZONE '{}')", mapping.zone.replace('\'', "''"))
        }
        data_type => format!("({value})::{data_type}"),
    };
    Some(value)
}

fn sets(mapping: &Mapping<'_>, keeps_enrolment: bool) -> Vec<String> {
    let mut sets: Vec<String> = BACK
        .iter()
        .filter_map(|(old, new, value)| {
            let value = back(mapping, old, value)?;
            let (old, is_same) = (quote(old), format!("{} IS NOT DISTINCT FROM {}", text("s", new), text("m", new)));
            Some(format!("{old} = CASE WHEN {is_same} THEN o.{old} ELSE {value} END"))
        })
        .collect();
    for column in ["tutor_id", "student_id"] {
        sets.push(format!("{column} = CASE WHEN {OTHER_PAIR} THEN n.{column} ELSE o.{column} END"));
    }
    if mapping.has("enrollment_id") && keeps_enrolment {
        sets.push(format!("enrollment_id = CASE WHEN {OTHER_PAIR} THEN n.id ELSE o.enrollment_id END"));
    }
    sets
}

fn inserted(mapping: &Mapping<'_>, keeps_enrolment: bool) -> (Vec<String>, Vec<String>) {
    let mut pairs: Vec<(String, String)> = vec![
        ("id".to_owned(), "s.id".to_owned()),
        ("tutor_id".to_owned(), "n.tutor_id".to_owned()),
        ("student_id".to_owned(), "n.student_id".to_owned()),
    ];
    if mapping.has("enrollment_id") && keeps_enrolment {
        pairs.push(("enrollment_id".to_owned(), "s.course_enrollment_id".to_owned()));
    }
    pairs.extend(BACK.iter().filter_map(|(old, _, value)| Some((quote(old), back(mapping, old, value)?))));
    pairs.into_iter().unzip()
}

/// Removes enrolments that the move made and that nothing uses. `old` is the older table, in its place again.
pub async fn remove_enrolments(db: &mut PgConnection, ids: &[i64], old: &str, has_number: bool) -> Result<Vec<i64>> {
    let users: Vec<(String, String)> = sqlx::query_as(
        "SELECT k.conrelid::regclass::text, quote_ident(a.attname)
         FROM pg_constraint AS k JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
         WHERE k.contype = 'f' AND k.confrelid = 'public.enrolled_students'::regclass AND k.conparentid = 0",
    )
    .fetch_all(&mut *db)
    .await?;
    let mut unused: String = users
        .iter()
        .map(|(table, column)| format!(" AND NOT EXISTS (SELECT FROM {table} AS u WHERE u.{column} = e.id)"))
        .collect();
    if has_number {
        unused += &format!(" AND NOT EXISTS (SELECT FROM {old} AS o WHERE o.enrollment_id = e.id)");
    }
    let sql = format!("DELETE FROM public.enrolled_students AS e WHERE e.id = ANY ($1){unused} RETURNING e.id::bigint");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(db).await?)
}

/// Removes what the move has put into other tables. `source` is the older table with its schema.
pub async fn forget(db: &mut PgConnection, mapping: &Mapping<'_>, source: &str) -> Result<()> {
    sqlx::query("DELETE FROM lectern.archive WHERE step = 'lesson-sessions' AND source = $1 AND field <> '*'")
        .bind(source)
        .execute(&mut *db)
        .await?;
    sqlx::query("DELETE FROM lectern.lesson_attendance WHERE source = 'migrated'").execute(&mut *db).await?;
    if mapping.has("recurring_pattern") {
        let sql = format!(
            "DELETE FROM lectern.lesson_series AS l
             USING {} AS o, LATERAL ({}) AS s
             WHERE o.id = l.session_id AND (l.frequency, l.occurrences) IS NOT DISTINCT FROM (s.frequency, s.occurrences)",
            mapping.source.sql_name(),
            mapping.series()
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    }
    Ok(())
}
