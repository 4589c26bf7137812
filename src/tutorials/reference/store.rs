//! The statements that read reference data.

use sqlx::PgConnection;

use super::{Named, NamedVenue};
use crate::error::Result;

/// Active course templates, by code.
pub async fn course_templates(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as(
        "SELECT id::bigint, code AS name FROM acted.tutorial_course_templates WHERE is_active ORDER BY id",
    )
    .fetch_all(db)
    .await?)
}

/// Active locations, by name.
pub async fn locations(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as("SELECT id::bigint, name FROM acted.tutorial_locations WHERE is_active ORDER BY id")
        .fetch_all(db)
        .await?)
}

/// Every venue, by name and location.
pub async fn venues(db: &mut PgConnection) -> Result<Vec<NamedVenue>> {
    Ok(sqlx::query_as("SELECT id::bigint, name, location_id::bigint FROM acted.tutorial_venues ORDER BY id")
        .fetch_all(db)
        .await?)
}

/// Active instructors, by "First Last"; blank for one without staff.
pub async fn instructors(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as(
        "SELECT i.id::bigint, btrim(concat_ws(' ', btrim(u.first_name), btrim(u.last_name))) AS name
         FROM acted.tutorial_instructors i
         LEFT JOIN acted.staff s ON s.id = i.staff_id
         LEFT JOIN public.auth_user u ON u.id = s.user_id
         WHERE i.is_active ORDER BY i.id",
    )
    .fetch_all(db)
    .await?)
}
