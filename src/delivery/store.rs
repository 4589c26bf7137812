//! The SQL of delivery: local names and remote ids of the records that events refer to.

use sqlx::PgConnection;

use crate::config::Labels;
use crate::error::Result;
use crate::merge::{NamedReference, ReferenceNames};

/// Returns the names and remote ids of locations, venues and custom fields.
pub(super) async fn reference_names(db: &mut PgConnection, labels: &Labels) -> Result<ReferenceNames> {
    let locations: Vec<NamedReference> = sqlx::query_as(
        "SELECT l.id::bigint, l.name, b.external_id FROM acted.tutorial_locations l
         LEFT JOIN adm.locations b ON b.tutorial_location_id = l.id",
    )
    .fetch_all(&mut *db)
    .await?;
    let venues: Vec<NamedReference> = sqlx::query_as(
        "SELECT v.id::bigint, v.name, b.external_id FROM acted.tutorial_venues v
         LEFT JOIN adm.venues b ON b.tutorial_venue_id = v.id",
    )
    .fetch_all(&mut *db)
    .await?;
    let fields: Vec<(String, String, String)> =
        sqlx::query_as("SELECT entity_type, label, external_id FROM adm.custom_fields ORDER BY id DESC")
            .fetch_all(db)
            .await?;
    Ok(ReferenceNames::new(labels, locations, venues, fields))
}
