//! The staff of whole events: instructors by id, administrators by name.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::store::events as store;
use super::store::events::NamedContact;
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::fold;
use crate::resources::RowDraft;
use crate::resources::problems::Problems;

const ADMINISTRATORS: &str = "administrators";

/// Finds given administrators among the contacts of Administrate, by name or external id, and leaves them as an input.
pub(super) async fn check_administrators(
    db: &mut PgConnection,
    drafts: &mut [RowDraft],
    problems: &mut Problems,
) -> Result<()> {
    let is_given =
        |draft: &RowDraft| draft.values.get(ADMINISTRATORS).and_then(Value::as_array).is_some_and(|n| !n.is_empty());
    let mut known: Vec<NamedContact> = Vec::new();
    if drafts.iter().any(is_given) {
        known.extend(references::administrators(db).await?.into_iter().map(|contact| NamedContact {
            name: format!("{} {}", contact.first_name, contact.last_name).trim().to_owned(),
            external_id: contact.external_id,
        }));
    }
    for draft in drafts {
        let Some(names) = draft.values.get(ADMINISTRATORS).and_then(Value::as_array).cloned() else { continue };
        let stored = match draft.id {
            Some(id) if !names.is_empty() => store::administrators_of(db, id).await?,
            _ => Vec::new(),
        };
        let mut found = Vec::new();
        for (place, name) in names.iter().filter_map(Value::as_str).enumerate() {
            let at = format!("{}/{place}", draft.pointer_of(ADMINISTRATORS));
            match find(&stored, name).or_else(|| find(&known, name)) {
                Some(Ok(contact)) => found.push(json!({ "name": contact.name, "external_id": contact.external_id })),
                Some(Err(message)) => problems.violated(at, "ambiguous_administrator", message),
                None => problems.violated(at, "unknown_administrator", unknown(name, &known)),
            }
        }
        draft.inputs.insert(ADMINISTRATORS.to_owned(), Value::Array(found));
    }
    Ok(())
}

fn find<'a>(known: &'a [NamedContact], name: &str) -> Option<Result<&'a NamedContact, String>> {
    if let Some(contact) = known.iter().find(|contact| contact.external_id == name) {
        return Some(Ok(contact));
    }
    let same: Vec<&NamedContact> = known.iter().filter(|contact| fold(&contact.name) == fold(name)).collect();
    match same.as_slice() {
        [] => None,
        [one] => Some(Ok(one)),
        several => {
            let ids: Vec<&str> = several.iter().map(|contact| contact.external_id.as_str()).collect();
            Some(Err(format!("several contacts are called \"{name}\": give one of the ids {}", ids.join(", "))))
        }
    }
}

fn unknown(name: &str, known: &[NamedContact]) -> String {
    if known.is_empty() {
        return "no administrator of Administrate is known: run `lectern sync instructors`".to_owned();
    }
    let names: Vec<&str> = known.iter().take(20).map(|contact| contact.name.as_str()).collect();
    format!("no administrator is called \"{name}\": use {}", names.join(", "))
}

/// Writes the staff of rows that the body changes.
pub(super) async fn write(db: &mut PgConnection, drafts: &[RowDraft]) -> Result<()> {
    let is_written = |draft: &&RowDraft, field: &str| {
        let is_empty = draft.values.get(field).and_then(Value::as_array).is_none_or(Vec::is_empty);
        draft.changes(field) && draft.values.contains_key(field) && !(draft.current.is_null() && is_empty)
    };
    let instructors = drafts.iter().filter(|draft| is_written(draft, "instructor_ids"));
    let instructors: Vec<(i64, Value)> =
        instructors.filter_map(|draft| Some((draft.id?, draft.values["instructor_ids"].clone()))).collect();
    if !instructors.is_empty() {
        store::set_instructors(db, &instructors).await?;
    }
    let administrators = drafts.iter().filter(|draft| is_written(draft, ADMINISTRATORS));
    let administrators: Vec<(i64, Value)> =
        administrators.filter_map(|draft| Some((draft.id?, draft.inputs.get(ADMINISTRATORS)?.clone()))).collect();
    if !administrators.is_empty() {
        store::set_administrators(db, &administrators).await?;
    }
    Ok(())
}
