//! SQL on the profiles of a person.

use sqlx::PgConnection;

use crate::error::Result;
use crate::lessons::rights::OwnProfiles;

/// Returns all profiles of the person of a profile. `kind`: tutor, student or parent.
pub async fn profiles(db: &mut PgConnection, kind: &str, subject: i64) -> Result<OwnProfiles> {
    let (tutors, students, children): (Vec<i64>, Vec<i64>, Vec<i64>) = sqlx::query_as(
        "WITH person AS (
             SELECT user_id FROM public.tutor_profiles WHERE $1 = 'tutor' AND id = $2
             UNION ALL SELECT user_id FROM public.student_profiles WHERE $1 = 'student' AND id = $2
             UNION ALL SELECT user_id FROM public.parent_profiles WHERE $1 = 'parent' AND id = $2)
         SELECT ARRAY(SELECT id::bigint FROM public.tutor_profiles
                      WHERE user_id IN (SELECT user_id FROM person) OR ($1 = 'tutor' AND id = $2)),
                ARRAY(SELECT id::bigint FROM public.student_profiles
                      WHERE user_id IN (SELECT user_id FROM person) OR ($1 = 'student' AND id = $2)),
                ARRAY(SELECT DISTINCT child::bigint FROM public.parent_profiles,
                             unnest(lectern.children_of(id)) AS child
                      WHERE user_id IN (SELECT user_id FROM person) OR ($1 = 'parent' AND id = $2))",
    )
    .bind(kind)
    .bind(subject)
    .fetch_one(db)
    .await?;
    Ok(OwnProfiles { tutors, students, children })
}
