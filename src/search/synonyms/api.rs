//! Synonyms over HTTP.

use axum::Router;
use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;

use super::cli::single_word;
use crate::error::Result;
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::resources::api::{self, ResourceState};
use crate::resources::description::describe;
use crate::resources::problems::Problems;
use crate::resources::{ResourceField, ResourceHooks, RowDraft, TableResource, ValueKind, WriteRequest};

/// The longest word, in characters.
const MAX_WORD: usize = 100;

/// The table of synonyms as documents.
pub static SYNONYMS: TableResource = TableResource {
    path: "/api/search/synonyms",
    item_path: "/api/search/synonyms/{id}",
    noun: "synonym",
    table: "lectern.search_synonyms",
    fields: &FIELDS,
    order: &["word"],
    public_rows: "false",
    hooks: &SynonymHooks,
    ..TableResource::BASE
};

static FIELDS: [ResourceField; 3] = [
    ResourceField::id(),
    ResourceField::new("word", ValueKind::Line { max: MAX_WORD }),
    ResourceField::new("synonyms", ValueKind::Names),
];

/// Stores words as searches contain them.
struct SynonymHooks;

impl ResourceHooks for SynonymHooks {
    fn before<'a>(
        &'a self,
        _: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for draft in drafts.iter_mut() {
                match draft.values.get("word").and_then(Value::as_str).map(single_word) {
                    Some(Ok(word)) => drop(draft.values.insert("word".into(), word.into())),
                    Some(Err(message)) => problems.violated(draft.pointer_of("word"), "invalid_value", message),
                    None => {}
                }
                let is_empty = draft.values.get("synonyms").and_then(Value::as_array).is_some_and(Vec::is_empty);
                if is_empty {
                    let message = "needs at least one synonym: DELETE removes the word";
                    problems.violated(draft.pointer_of("synonyms"), "invalid_value", message);
                }
            }
            Ok(())
        })
    }
}

/// Describes the routes.
pub fn description() -> ApiPart {
    describe(&[&SYNONYMS], false)
}

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    api::parameters(&[&SYNONYMS])
}

/// Returns the routes.
pub fn router(state: &ResourceState) -> Router {
    let state = ResourceState { is_public: false, ..state.clone() };
    api::router(&[&SYNONYMS], &state)
}
