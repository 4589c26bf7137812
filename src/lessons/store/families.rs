//! SQL on parents and pictures of people, for older front ends.

use sqlx::PgConnection;

use crate::error::Result;

/// Returns the first parent of each student that has one.
pub async fn first_parents(db: &mut PgConnection, students: &[i64]) -> Result<Vec<(i64, i64)>> {
    Ok(sqlx::query_as(
        "SELECT student, parent::bigint
         FROM (SELECT DISTINCT student FROM unnest($1::bigint[]) AS student) AS students,
              LATERAL (SELECT (lectern.parents_of(student))[1] AS parent) AS parents
         WHERE parent IS NOT NULL",
    )
    .bind(students)
    .fetch_all(db)
    .await?)
}

/// Returns the picture of each tutor that has one.
pub async fn pictures(db: &mut PgConnection, tutors: &[i64]) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as(
        "SELECT id::bigint, picture FROM public.tutor_profiles, LATERAL (SELECT lectern.picture_of(user_id) AS picture) AS found
         WHERE id = ANY ($1) AND picture IS NOT NULL",
    )
    .bind(tutors)
    .fetch_all(db)
    .await?)
}

/// Counts the tutors of active enrolments of students.
pub async fn active_tutors(db: &mut PgConnection, students: &[i64]) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "SELECT count(DISTINCT tutor_id) FROM public.enrolled_students WHERE student_id = ANY ($1) AND status = 'active'",
    )
    .bind(students)
    .fetch_one(db)
    .await?)
}
