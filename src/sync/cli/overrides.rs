//! `lectern sync link`, `unlink` and `ignore`.

use serde_json::json;

use super::RecordPair;
use crate::bridges::overrides::{MatchOverride, OverrideKind};
use crate::console::Console;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::sync::matching::LocalRecord;
use crate::sync::overrides;

/// Saves an override of automatic matching and prints what later syncs do.
pub(super) async fn save(console: &Console, database: &Database, kind: OverrideKind, pair: RecordPair) -> Result<Exit> {
    let mut db = database.pool.acquire().await?;
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| text != "-" && !text.is_empty());
    let local = match given(&pair.local) {
        Some(name_or_id) => Some(overrides::find_local(&mut db, pair.entity, &name_or_id).await?),
        None => None,
    };
    let external = given(&pair.external);
    let is_complete = if kind == OverrideKind::Ignore {
        local.is_some() || external.is_some()
    } else {
        local.is_some() && external.is_some()
    };
    if !is_complete {
        return Err(Error::Usage(format!(
            "{} needs a local record and an id in Administrate; only ignore accepts - for one of them",
            kind.name()
        )));
    }
    let local_id = local.as_ref().map(|record| record.id);
    let entry = MatchOverride { entity: pair.entity.name(), kind, local: local_id, external };
    overrides::save_override(&mut db, pair.entity, &entry).await?;
    let name = local.as_ref().map(|record| record.name.as_str());
    console.notify(format_args!("saved for all later syncs of {}: {}", pair.entity.plural(), sentence(&entry, name)));
    console.document(&json!({
        "entity": pair.entity,
        "decision": kind.name(),
        "local": local.map(|record| LocalRecord::new(record.id, record.name)),
        "external_id": entry.external,
    }))?;
    Ok(Exit::Done)
}

/// Describes an override. Records in Administrate appear by id: the user has just entered it and no name is stored.
fn sentence(entry: &MatchOverride, local_name: Option<&str>) -> String {
    let local = local_name.unwrap_or("-");
    let external = entry.external.as_deref().unwrap_or("-");
    match (entry.kind, local_name, &entry.external) {
        (OverrideKind::Link, ..) => format!("{local} stays linked to {external} in Administrate"),
        (OverrideKind::Unlink, ..) => format!("{local} is never linked to {external} in Administrate"),
        (OverrideKind::Ignore, Some(_), None) => format!("{local} is ignored"),
        (OverrideKind::Ignore, None, _) => format!("{external} in Administrate is ignored"),
        (OverrideKind::Ignore, Some(_), Some(_)) => format!("{local} and {external} in Administrate are ignored"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn override_is_described_in_a_sentence() {
        let sentence_of = |kind, name: Option<&str>, external: Option<&str>| {
            let (local, external) = (name.map(|_| 1), external.map(str::to_owned));
            sentence(&MatchOverride { entity: "locations", kind, local, external }, name)
        };
        for (kind, name, external, expected) in [
            (OverrideKind::Link, Some("London"), Some("TG9j"), "London stays linked to TG9j in Administrate"),
            (OverrideKind::Unlink, Some("London"), Some("TG9j"), "London is never linked to TG9j in Administrate"),
            (OverrideKind::Ignore, Some("London"), None, "London is ignored"),
            (OverrideKind::Ignore, None, Some("TG9j"), "TG9j in Administrate is ignored"),
            (OverrideKind::Ignore, Some("London"), Some("TG9j"), "London and TG9j in Administrate are ignored"),
        ] {
            assert_eq!(sentence_of(kind, name, external), expected);
        }
    }
}
