//! SQL on who is a parent of whom. Both sides are written.

use sqlx::PgConnection;

use crate::error::Result;

/// Lets one transaction at a time change families.
pub async fn lock(db: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('lectern.families', 0))").execute(db).await?;
    Ok(())
}

/// Sets the children of a parent.
pub async fn set_children(db: &mut PgConnection, parent: i64, children: &[i64]) -> Result<()> {
    sqlx::query(
        "UPDATE public.parent_profiles SET children_ids = $2::bigint[]::integer[]
         WHERE id = $1 AND children_ids IS DISTINCT FROM $2::bigint[]::integer[]",
    )
    .bind(parent)
    .bind(children)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "UPDATE public.student_profiles SET parent_id = CASE
             WHEN id = ANY ($2) THEN COALESCE(parent_id, '{}') || $1::integer
             ELSE array_remove(parent_id, $1::integer) END
         WHERE (id = ANY ($2)) IS DISTINCT FROM ($1 = ANY (COALESCE(parent_id, '{}')))",
    )
    .bind(parent)
    .bind(children)
    .execute(db)
    .await?;
    Ok(())
}

/// Sets the parents of a student.
pub async fn set_parents(db: &mut PgConnection, student: i64, parents: &[i64]) -> Result<()> {
    sqlx::query(
        "UPDATE public.student_profiles SET parent_id = $2::bigint[]::integer[]
         WHERE id = $1 AND parent_id IS DISTINCT FROM $2::bigint[]::integer[]",
    )
    .bind(student)
    .bind(parents)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "UPDATE public.parent_profiles SET children_ids = CASE
             WHEN id = ANY ($2) THEN COALESCE(children_ids, '{}') || $1::integer
             ELSE array_remove(children_ids, $1::integer) END
         WHERE (id = ANY ($2)) IS DISTINCT FROM ($1 = ANY (COALESCE(children_ids, '{}')))",
    )
    .bind(student)
    .bind(parents)
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the details of a profile. `kind`: tutor, student or parent.
pub async fn delete_details(db: &mut PgConnection, kind: &str, id: i64) -> Result<()> {
    sqlx::query(
        "DELETE FROM lectern.profile_details
         WHERE CASE $1 WHEN 'tutor' THEN tutor_id WHEN 'student' THEN student_id ELSE parent_id END = $2",
    )
    .bind(kind)
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}
