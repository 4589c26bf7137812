//! What is found in the rows, and what of it goes to other tables.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::catalog::Relation;
use crate::migrate::moves::lesson_sessions::findings::{Found, RowFinding};
use crate::migrate::moves::lesson_sessions::mapping::Mapping;

/// The name of the move in `lectern.archive`.
const STEP: &str = "lesson-sessions";

/// Returns which findings concern rows, in one pass.
pub async fn find(db: &mut PgConnection, mapping: &Mapping<'_>, findings: &[RowFinding]) -> Result<Vec<Found>> {
    let cases: Vec<String> = findings
        .iter()
        .enumerate()
        .map(|(at, finding)| format!("CASE WHEN {} THEN {at} END", finding.condition))
        .collect();
    let sql = format!(
        "SELECT finding, count(*), (array_agg(id ORDER BY id))[:20]
         FROM (SELECT o.id::bigint AS id, unnest(array_remove(ARRAY[{}], NULL)) AS finding FROM {}) AS t
         GROUP BY finding ORDER BY finding",
        cases.join(", "),
        mapping.from(&mapping.source.sql_name())
    );
    let found: Vec<(i32, i64, Vec<i64>)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?;
    let found = found.into_iter().map(|(at, rows, ids)| Found { finding: usize::try_from(at).unwrap_or(0), rows, ids });
    Ok(found.collect())
}

/// Puts values that were changed into the archive: those of the findings that concern rows. `source` is the former name of
/// the table.
pub async fn archive_rows(
    db: &mut PgConnection,
    mapping: &Mapping<'_>,
    findings: &[RowFinding],
    found: &[Found],
    source: &str,
) -> Result<()> {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let is_found = |at| found.iter().any(|found| found.finding == at);
    let archived = || {
        let concerned = findings.iter().enumerate().filter(|(at, _)| is_found(*at));
        concerned.filter_map(|(at, row)| Some((at, row, row.archived.as_ref()?)))
    };
    if archived().next().is_none() {
        return Ok(());
    }
    let chosen = |value: &dyn Fn(&RowFinding, &str) -> String| {
        let cases: String =
            archived().map(|(at, row, of_row)| format!(" WHEN {at} THEN {}", value(row, of_row))).collect();
        format!("CASE o.lectern_finding{cases} END")
    };
    let found: Vec<String> =
        archived().map(|(at, row, _)| format!("CASE WHEN {} THEN {at} END", row.condition)).collect();
    let sql = format!(
        "INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT '{STEP}', {}, o.id, {}, {}, {}
         FROM (SELECT o.*, unnest(array_remove(ARRAY[{}]::integer[], NULL)) AS lectern_finding FROM {}) AS o",
        text(source),
        chosen(&|row, _| text(row.field)),
        chosen(&|_, value| value.to_owned()),
        chosen(&|row, _| text(&row.reason)),
        found.join(", "),
        mapping.from(&mapping.source.sql_name()),
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

/// Notes each attendance that was known.
pub async fn keep_attendance(db: &mut PgConnection, mapping: &Mapping<'_>) -> Result<()> {
    let known = ["tutor", "student"].into_iter().filter(|person| mapping.has(&format!("{person}_attended")));
    let people: Vec<String> = known.map(|person| format!("('{person}', o.{person}_attended)")).collect();
    if people.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO lectern.lesson_attendance (session_id, person, status, source, marked_at)
         SELECT o.id, a.person, CASE WHEN a.attended THEN 'present' ELSE 'absent' END, 'migrated', coalesce({}, now())
         FROM {} AS o CROSS JOIN LATERAL (VALUES {}) AS a (person, attended)
         WHERE a.attended IS NOT NULL ORDER BY o.id",
        mapping.changed_at(),
        mapping.source.sql_name(),
        people.join(", ")
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

/// Keeps frequency and count of patterns in another shape.
pub async fn keep_series(db: &mut PgConnection, mapping: &Mapping<'_>) -> Result<()> {
    if !mapping.has("recurring_pattern") {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO lectern.lesson_series (session_id, frequency, occurrences)
         SELECT o.id, s.frequency, s.occurrences
         FROM {} AS o, LATERAL ({}) AS s
         WHERE (strpos({value}::text, '\"frequency\"') > 0 OR strpos({value}::text, '\"count\"') > 0
                OR strpos({value}::text, '\\') > 0)
           AND json_typeof({value}) = 'object' AND (s.frequency IS NOT NULL OR s.occurrences IS NOT NULL)
         ON CONFLICT (session_id) DO NOTHING",
        mapping.source.sql_name(),
        mapping.series(),
        value = mapping.json("recurring_pattern")
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

/// Gives lessons the reviews that were written while they were copied.
pub async fn take_reviews(db: &mut PgConnection, reviews: &Relation) -> Result<()> {
    let sql = format!(
        "UPDATE public.sessions AS s SET student_review_id = r.id
         FROM (SELECT session_id, min(id) AS id FROM {} GROUP BY 1 HAVING count(*) = 1) AS r
         WHERE r.session_id = s.id AND s.student_review_id IS NULL",
        reviews.sql_name()
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

/// Returns how many lessons several reviews name, and the first of them.
pub async fn ambiguous_reviews(db: &mut PgConnection, reviews: &Relation) -> Result<(i64, Vec<i64>)> {
    let sql = format!(
        "SELECT count(*), coalesce((array_agg(id ORDER BY id))[:20], '{{}}')
         FROM (SELECT session_id::bigint AS id FROM {} WHERE session_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1) AS t",
        reviews.sql_name()
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_one(db).await?)
}

/// Makes an enrolment for each pair of tutor and student that has none. Returns the new ids.
pub async fn create_enrolments(db: &mut PgConnection, source: &str) -> Result<Vec<i64>> {
    let sql = format!(
        "INSERT INTO public.enrolled_students (tutor_id, student_id)
         SELECT DISTINCT o.tutor_id, o.student_id FROM {source} AS o
         WHERE EXISTS (SELECT FROM public.tutor_profiles AS t WHERE t.id = o.tutor_id)
           AND EXISTS (SELECT FROM public.student_profiles AS s WHERE s.id = o.student_id)
           AND NOT EXISTS (SELECT FROM public.enrolled_students AS e
                           WHERE e.tutor_id = o.tutor_id AND e.student_id = o.student_id)
         ORDER BY 1, 2 RETURNING id::bigint"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Gives lessons without an enrolment the lowest one of their tutor and student. Returns how many lessons got one.
pub async fn enrol(db: &mut PgConnection, archive: &str) -> Result<u64> {
    // The lesson itself is the same: its time of change stays.
    sqlx::raw_sql("ALTER TABLE public.sessions DISABLE TRIGGER lectern_touch_updated_at").execute(&mut *db).await?;
    let sql = format!(
        "UPDATE public.sessions AS s SET course_enrollment_id = p.id
         FROM {archive} AS o
         JOIN (SELECT tutor_id, student_id, min(id) AS id FROM public.enrolled_students GROUP BY 1, 2) AS p
             ON p.tutor_id = o.tutor_id AND p.student_id = o.student_id
         WHERE s.id = o.id AND s.course_enrollment_id IS NULL"
    );
    let lessons = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *db).await?.rows_affected();
    sqlx::raw_sql("ALTER TABLE public.sessions ENABLE TRIGGER lectern_touch_updated_at").execute(db).await?;
    Ok(lessons)
}
