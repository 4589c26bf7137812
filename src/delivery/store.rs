//! The SQL of delivery: names for what is told to people.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::error::Result;

/// What locations, venues and custom fields are called, by Administrate's ids.
pub(super) async fn names(db: &mut PgConnection) -> Result<HashMap<String, String>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT b.external_id, l.name FROM adm.locations b JOIN acted.tutorial_locations l ON l.id = b.tutorial_location_id
         UNION ALL
         SELECT b.external_id, v.name FROM adm.venues b JOIN acted.tutorial_venues v ON v.id = b.tutorial_venue_id
         UNION ALL
         SELECT external_id, label FROM adm.custom_fields WHERE entity_type IN ('Event', 'Session')",
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().collect())
}
