//! Names of records of Administrate, as far as they are stored or their local records have one.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::error::Result;

/// Returns the names of records of every kind, by Administrate's id.
pub async fn names_of(db: &mut PgConnection, external_ids: &[String]) -> Result<HashMap<String, String>> {
    if external_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT row.external_id::text, row.name::text FROM (
             SELECT external_id, name FROM adm.pricelevels
             UNION ALL SELECT external_id, label FROM adm.custom_fields
             UNION ALL SELECT bridge.external_id, local.name FROM adm.locations AS bridge
             JOIN acted.tutorial_locations AS local ON local.id = bridge.tutorial_location_id
             UNION ALL SELECT bridge.external_id, local.name FROM adm.venues AS bridge
             JOIN acted.tutorial_venues AS local ON local.id = bridge.tutorial_venue_id
             UNION ALL SELECT bridge.external_id, local.code FROM adm.course_templates AS bridge
             JOIN acted.tutorial_course_templates AS local ON local.id = bridge.tutorial_course_template_id
             UNION ALL SELECT bridge.external_id, btrim(concat_ws(' ', person.first_name, person.last_name))
             FROM adm.instructors AS bridge
             JOIN acted.tutorial_instructors AS local ON local.id = bridge.tutorial_instructor_id
             JOIN acted.staff ON staff.id = local.staff_id
             JOIN public.auth_user AS person ON person.id = staff.user_id) AS row
         WHERE row.external_id = ANY ($1) AND row.name <> ''",
    )
    .bind(external_ids)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().collect())
}
