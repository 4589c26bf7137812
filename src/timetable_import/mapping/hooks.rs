//! What documents of product mappings do beyond their table: names are stored in one spelling.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;

use super::{ANY, store, stored_sitting, unknown_sitting};
use crate::error::Result;
use crate::names::{fold, tidy};
use crate::resources::problems::Problems;
use crate::resources::{ResourceHooks, RowDraft, WriteRequest};

/// Stores names as the local records spell them, and finds store products by code.
pub(super) struct MappingHooks {
    /// Letter of a sitting → suffix of a session code.
    pub letters: BTreeMap<String, String>,
}

impl ResourceHooks for MappingHooks {
    fn before<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let [templates, locations, sessions] = store::known_names(db).await?;
            let products = store::store_products(db).await?;
            for draft in drafts.iter_mut() {
                spell(draft, "template", &templates);
                spell(draft, "location", &locations);
                if draft.values.get("template").and_then(Value::as_str) == Some(ANY) {
                    let message = "names one course template: only location and sitting can be *";
                    problems.violated(draft.pointer_of("template"), "invalid_value", message);
                }
                if let Some(text) = draft.values.get("sitting").and_then(Value::as_str) {
                    match stored_sitting(text, &self.letters, &sessions) {
                        Some(sitting) => drop(draft.values.insert("sitting".into(), sitting.into())),
                        None => {
                            let message = unknown_sitting(&self.letters);
                            problems.violated(draft.pointer_of("sitting"), "invalid_value", message);
                        }
                    }
                }
                if let Some(code) = draft.inputs.get("store_product").and_then(Value::as_str) {
                    match products.iter().find(|(_, known)| fold(known) == fold(code)) {
                        Some((id, _)) => drop(draft.values.insert("store_product_id".into(), (*id).into())),
                        None => {
                            let message = format!("there is no store product \"{code}\"");
                            problems.violated(draft.pointer_of("store_product"), "unknown_reference", message);
                        }
                    }
                }
            }
            Ok(())
        })
    }
}

/// Replaces a name by the spelling of the record that it names.
fn spell(draft: &mut RowDraft, field: &str, known: &[String]) {
    if let Some(name) = draft.values.get(field).and_then(Value::as_str) {
        let name = spelling(name, known);
        draft.values.insert(field.to_owned(), name.into());
    }
}

/// Returns the spelling of the known name that equals a name, or the name itself.
pub(super) fn spelling(name: &str, known: &[String]) -> String {
    let folded = fold(name);
    known.iter().find(|known| fold(known) == folded).cloned().unwrap_or_else(|| tidy(name))
}
