//! What the pages of lessons offer to choose from.

use sqlx::PgConnection;

use crate::error::Result;

/// Most enrolments that a page offers.
pub const MOST_ENROLMENTS: i64 = 500;

/// An enrolment to choose.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct EnrolmentChoice {
    pub id: i64,
    pub student: String,
    pub tutor: String,
    pub course: Option<String>,
}

const STUDENT: &str = "COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(learner.first_name), ''),
    NULLIF(btrim(learner.father_name), '')), ''), student.username, 'Student #' || student.id)";

/// Returns the active enrolments with one of these tutors, or all, and the one that is chosen already.
pub async fn enrolments(
    db: &mut PgConnection,
    tutors: Option<&[i64]>,
    chosen: Option<i64>,
) -> Result<Vec<EnrolmentChoice>> {
    let sql = format!(
        "SELECT enrolment.id::bigint AS id, COALESCE({STUDENT}, '') AS student, COALESCE(NULLIF(concat_ws(' ',
                NULLIF(btrim(teacher.first_name), ''), NULLIF(btrim(teacher.father_name), '')), ''), tutor.username, '') AS tutor,
                lectern.package_name(enrolment.package_id) AS course
         FROM public.enrolled_students AS enrolment
         LEFT JOIN public.tutor_profiles AS tutor ON tutor.id = enrolment.tutor_id
         LEFT JOIN public.users AS teacher ON teacher.id = tutor.user_id
         LEFT JOIN public.student_profiles AS student ON student.id = enrolment.student_id
         LEFT JOIN public.users AS learner ON learner.id = student.user_id
         WHERE (enrolment.status = 'active' OR enrolment.id = $2) AND ($1::bigint[] IS NULL OR enrolment.tutor_id = ANY ($1))
         ORDER BY enrolment.id IS DISTINCT FROM $2, lower({STUDENT}), enrolment.id LIMIT $3"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tutors).bind(chosen).bind(MOST_ENROLMENTS).fetch_all(db).await?)
}

/// Returns the names of students, in order.
pub async fn student_names(db: &mut PgConnection, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    let sql = format!(
        "SELECT student.id::bigint, {STUDENT} AS name FROM public.student_profiles AS student
         LEFT JOIN public.users AS learner ON learner.id = student.user_id
         WHERE student.id = ANY ($1) ORDER BY lower({STUDENT}), student.id"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(db).await?)
}
