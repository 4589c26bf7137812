//! `lectern sync link`, `unlink`, `ignore`, `unignore` and `ignored`.

use serde_json::json;

use super::RecordPair;
use crate::bridges::overrides::OverrideKind;
use crate::console::{self, Console, counted};
use crate::database::Database;
use crate::error::{Exit, Result};
use crate::sync::Entity;
use crate::sync::matching::LocalRecord;
use crate::sync::overrides::{self, MatchDecision};

/// Saves a decision on automatic matching and prints what later syncs do.
pub(super) async fn save(
    console: &Console,
    database: &Database,
    decision: MatchDecision,
    pair: RecordPair,
) -> Result<Exit> {
    let mut db = database.pool.acquire().await?;
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| text != "-").unwrap_or_default();
    let records = (given(&pair.local), given(&pair.external));
    let decided = overrides::decide(&mut db, (pair.entity, decision), (&records.0, &records.1)).await?;
    let name = decided.local.as_ref().map(|record| record.name.as_str());
    let sentence = sentence(decision, name, decided.external.as_deref());
    console.notify(format_args!("saved for all later syncs of {}: {sentence}", pair.entity.plural()));
    console.document(&json!({
        "entity": pair.entity,
        "decision": decision.name(),
        "local": decided.local.map(|record| LocalRecord::new(record.id, record.name)),
        "external_id": decided.external,
    }))?;
    Ok(Exit::Done)
}

/// Prints the ignored records of an entity or of all.
pub(super) async fn list_ignored(console: &Console, database: &Database, entity: Option<Entity>) -> Result<Exit> {
    let mut db = database.pool.acquire().await?;
    let mut found = Vec::new();
    for entity in Entity::each().filter(|one| entity.is_none_or(|chosen| chosen == *one)) {
        found.extend(overrides::ignored(&mut db, entity).await?);
    }
    let mut table = console::table(["entity", "local", "external", "name"]);
    for record in &found {
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        table.add_row([
            record.entity.name().to_owned(),
            or_dash(record.id.map(|id| id.to_string())),
            or_dash(record.external_id.clone()),
            or_dash(record.name.clone()),
        ]);
    }
    match found.len() {
        0 => console.notify("no record is ignored"),
        count => {
            console.print(table);
            console.notify(format_args!(
                "{} ignored; to match one again:  lectern sync unignore ENTITY LOCAL EXTERNAL",
                counted(count, "record")
            ));
        }
    }
    console.document(&json!({ "ignored": found }))?;
    Ok(Exit::Done)
}

/// Describes a decision. Records in Administrate appear by id: the user has just entered it and no name is stored.
fn sentence(decision: MatchDecision, local_name: Option<&str>, external: Option<&str>) -> String {
    let local = local_name.unwrap_or("-");
    let is_one = local_name.is_none() || external.is_none();
    let both = match (local_name, external) {
        (Some(name), None) => name.to_owned(),
        (None, external) => format!("{} in Administrate", external.unwrap_or("-")),
        (Some(name), Some(external)) => format!("{name} and {external} in Administrate"),
    };
    let external = external.unwrap_or("-");
    let verb = if is_one { "is" } else { "are" };
    match decision {
        MatchDecision::Save(OverrideKind::Link) => format!("{local} stays linked to {external} in Administrate"),
        MatchDecision::Save(OverrideKind::Unlink) => format!("{local} is never linked to {external} in Administrate"),
        MatchDecision::Save(OverrideKind::Ignore) => format!("{both} {verb} ignored"),
        MatchDecision::StopIgnoring => format!("{both} {verb} matched again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn override_is_described_in_a_sentence() {
        let (link, unlink) = (MatchDecision::Save(OverrideKind::Link), MatchDecision::Save(OverrideKind::Unlink));
        let ignore = MatchDecision::Save(OverrideKind::Ignore);
        for (decision, name, external, expected) in [
            (link, Some("London"), Some("TG9j"), "London stays linked to TG9j in Administrate"),
            (unlink, Some("London"), Some("TG9j"), "London is never linked to TG9j in Administrate"),
            (ignore, Some("London"), None, "London is ignored"),
            (ignore, None, Some("TG9j"), "TG9j in Administrate is ignored"),
            (ignore, Some("London"), Some("TG9j"), "London and TG9j in Administrate are ignored"),
            (MatchDecision::StopIgnoring, Some("London"), None, "London is matched again"),
        ] {
            assert_eq!(sentence(decision, name, external), expected);
        }
    }
}
