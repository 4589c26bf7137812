//! Lessons of `public.sessions`.

use sqlx::PgPool;

use crate::error::Result;

/// How many lessons there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LessonNumbers {
    pub all: i64,
    pub without_enrolment: i64,
}

/// Counts lessons; none if there is no table of this shape.
pub async fn lessons(pool: &PgPool) -> Result<Option<LessonNumbers>> {
    let is_known: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.sessions')
                        AND attname = 'course_enrollment_id' AND NOT attisdropped)",
    )
    .fetch_one(pool)
    .await?;
    if !is_known {
        return Ok(None);
    }
    let (all, without_enrolment) =
        sqlx::query_as("SELECT count(*), count(*) FILTER (WHERE course_enrollment_id IS NULL) FROM public.sessions")
            .fetch_one(pool)
            .await?;
    Ok(Some(LessonNumbers { all, without_enrolment }))
}
