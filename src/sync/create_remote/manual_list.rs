//! What a person has to create in Administrate by hand: the names and what else is needed there.

use std::collections::HashMap;

use sqlx::PgPool;

use crate::console::Console;
use crate::error::Result;
use crate::sync::entity::Entity;
use crate::sync::matching::LocalRecord;
use crate::sync::report::text::shown;
use crate::tutorials::reference::{CreatedTable, store};

/// Lists the records; `why` none of them can be created from here, where that is so.
pub(crate) async fn list(
    console: &Console,
    pool: &PgPool,
    (entity, records): (Entity, &[LocalRecord]),
    why: Option<&str>,
) -> Result<()> {
    if let Some(why) = why {
        console.say(format_args!("{} cannot be created from here:", capitalised(entity.plural())));
        console.say(format_args!("  {why}"));
    }
    let details = details(pool, entity, records).await?;
    console.say("to be created in Administrate by hand:");
    for record in records.iter().filter(|record| !record.name.trim().is_empty()) {
        let detail = details.get(&record.id).map(String::as_str).unwrap_or_default();
        console.say(format_args!("  {}{}", with_suggestions(record), needed(entity, detail)));
    }
    Ok(())
}

/// What is needed there beside a name: a code, a location, an e-mail address, a title.
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

fn needed(entity: Entity, detail: &str) -> String {
    match (entity, detail) {
        (Entity::Locations, "") => String::new(),
        (Entity::Locations, code) => format!(", code {code}"),
        (Entity::Venues, "") => ", whose location is not known here".into(),
        (Entity::Venues, location) => format!(", at {location}"),
        (Entity::Instructors, "") => ", a contact marked as instructor".into(),
        (Entity::Instructors, email) => format!(", a contact marked as instructor, {email}"),
        (Entity::CourseTemplates, title) if !title.is_empty() => format!(", \"{title}\""),
        _ => String::new(),
    }
}

/// A record that may stand there under another name is told with that name.
pub(crate) fn with_suggestions(record: &LocalRecord) -> String {
    let name = shown(&record.name);
    match record.suggestions.as_slice() {
        [] => name,
        names => format!("{name} (is it theirs called {}?)", names.join(" or ")),
    }
}

pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
