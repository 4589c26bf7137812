//! Describes records that have to be created manually in Administrate.

use std::collections::HashMap;

use sqlx::PgPool;

use crate::error::Result;
use crate::sync::entity::Entity;
use crate::sync::matching::LocalRecord;
use crate::sync::report::text::display_name;
use crate::tutorials::reference::{CreatedTable, store};

/// Returns a line for each record that has a name: the name and the other values that Administrate needs.
pub(super) async fn lines(pool: &PgPool, entity: Entity, records: &[LocalRecord]) -> Result<Vec<String>> {
    let details = details(pool, entity, records).await?;
    let named = records.iter().filter(|record| !record.name.trim().is_empty());
    let lines = named.map(|record| {
        let detail = details.get(&record.id).map(String::as_str).unwrap_or_default();
        format!("{}{}", with_suggestions(record), required_values(entity, detail))
    });
    Ok(lines.collect())
}

/// Returns one more value of each record by its id: a code, a location, an e-mail address or a title.
async fn details(pool: &PgPool, entity: Entity, records: &[LocalRecord]) -> Result<HashMap<i64, String>> {
    let table = match entity {
        Entity::Locations => CreatedTable::Locations,
        Entity::Venues => CreatedTable::Venues,
        Entity::Instructors => CreatedTable::Instructors,
        Entity::CourseTemplates => CreatedTable::CourseTemplates,
        Entity::CustomFields | Entity::PriceLevels | Entity::CourseTemplatePriceLevels | Entity::Events => {
            return Ok(HashMap::new());
        }
    };
    let ids: Vec<i64> = records.iter().map(|record| record.id).collect();
    store::details(&mut *pool.acquire().await?, table, &ids).await
}

/// Formats the values that follow a record's name, with a comma before them.
fn required_values(entity: Entity, detail: &str) -> String {
    match (entity, detail) {
        (Entity::Locations, "") => String::new(),
        (Entity::Locations, code) => format!(", code {code}"),
        (Entity::Venues, "") => ", location unknown".into(),
        (Entity::Venues, location) => format!(", at {location}"),
        (Entity::Instructors, "") => ", a contact marked as instructor".into(),
        (Entity::Instructors, email) => format!(", a contact marked as instructor, {email}"),
        (Entity::CourseTemplates, title) if !title.is_empty() => format!(", \"{title}\""),
        _ => String::new(),
    }
}

/// Formats a record's name with the similar names that Administrate has.
pub(super) fn with_suggestions(record: &LocalRecord) -> String {
    let name = display_name(&record.name);
    match record.suggestions.as_slice() {
        [] => name,
        names => format!("{name} (perhaps called {} in Administrate)", names.join(" or ")),
    }
}
