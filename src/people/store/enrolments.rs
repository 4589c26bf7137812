//! SQL on enrolments.

use sqlx::PgConnection;

use crate::error::Result;

/// Lets one transaction at a time create or change enrolments.
pub async fn lock(db: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('lectern.enrolments', 0))").execute(db).await?;
    Ok(())
}

/// Reports whether the database requires a package of each enrolment.
pub async fn is_package_required(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.enrolled_students')
                        AND attname = 'package_id' AND attnotnull AND NOT atthasdef)",
    )
    .fetch_one(db)
    .await?)
}

/// Returns the packages that do not exist. Without a table of packages every id is accepted.
pub async fn unknown_packages(db: &mut PgConnection, ids: &[i64]) -> Result<Vec<i64>> {
    let has_table: bool =
        sqlx::query_scalar("SELECT to_regclass('public.tutor_packages') IS NOT NULL").fetch_one(&mut *db).await?;
    if ids.is_empty() || !has_table {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar(
        "SELECT given.id FROM unnest($1::bigint[]) AS given (id)
         WHERE NOT EXISTS (SELECT FROM public.tutor_packages AS package WHERE package.id = given.id)",
    )
    .bind(ids)
    .fetch_all(db)
    .await?)
}

/// Reports whether another enrolment than `id` has this tutor, student and package.
pub async fn exists(
    db: &mut PgConnection,
    [tutor, student, package]: [Option<i64>; 3],
    id: Option<i64>,
) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM public.enrolled_students WHERE tutor_id = $1 AND student_id = $2
                        AND package_id IS NOT DISTINCT FROM $3 AND id IS DISTINCT FROM $4)",
    )
    .bind(tutor)
    .bind(student)
    .bind(package)
    .bind(id)
    .fetch_one(db)
    .await?)
}
