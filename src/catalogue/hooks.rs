//! What documents of the catalogue do beyond their own table.

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;

use super::resources::FILTER_KEYS;
use super::store;
use super::store::LinkKind;
use crate::error::Result;
use crate::resources::problems::Problems;
use crate::resources::{ResourceHooks, RowDraft, WriteRequest};

/// Store products: missing links are created, missing codes are generated.
pub(super) struct StoreProductHooks;

impl ResourceHooks for StoreProductHooks {
    fn before<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a mut [RowDraft],
        _: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let taught = ("exam_session_subject_id", "exam_session_id", "subject_id");
            let pair = ("product_product_variation_id", "product_id", "variation_id");
            link(db, drafts, LinkKind::ExamSessionSubject, taught).await?;
            link(db, drafts, LinkKind::ProductVariation, pair).await?;
            if drafts.iter().any(needs_code) {
                let placeholder = store::placeholder(db).await?;
                for (place, draft) in drafts.iter_mut().enumerate().filter(|(_, draft)| needs_code(draft)) {
                    draft.values.insert("product_code".into(), format!("{placeholder}-{place}").into());
                    draft.inputs.insert(GENERATED.into(), true.into());
                }
            }
            Ok(())
        })
    }

    fn after<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a [RowDraft],
        _: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let generated = drafts.iter().filter(|draft| draft.inputs.contains_key(GENERATED));
            let ids: Vec<i64> = generated.filter_map(|draft| draft.id).collect();
            if ids.is_empty() { Ok(()) } else { store::generate_codes(db, &ids).await }
        })
    }
}

/// Marks a row whose code is generated.
const GENERATED: &str = "generated";

fn needs_code(draft: &RowDraft) -> bool {
    draft.values.get("product_code").is_some_and(Value::is_null)
}

/// Replaces two inputs by the id of the link between them.
async fn link(
    db: &mut PgConnection,
    drafts: &mut [RowDraft],
    kind: LinkKind,
    (field, first, second): (&str, &str, &str),
) -> Result<()> {
    let id = |draft: &RowDraft, input: &str| draft.inputs.get(input).and_then(Value::as_i64);
    let pair = |draft: &RowDraft| Some((id(draft, first)?, id(draft, second)?));
    let pairs: Vec<(i64, i64)> = drafts.iter().filter_map(pair).collect();
    if pairs.is_empty() {
        return Ok(());
    }
    let ids = store::add_links(db, kind, &pairs).await?;
    let linked = drafts.iter_mut().filter(|draft| pair(draft).is_some());
    for (draft, id) in linked.zip(ids) {
        draft.values.insert(field.to_owned(), id.into());
    }
    Ok(())
}

/// Product variations: the recommended one is stored in a table of its own.
pub(super) struct ProductVariationHooks;

impl ResourceHooks for ProductVariationHooks {
    fn after<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let given = |draft: &RowDraft| Some((draft.id?, draft.values.get("recommended_id")?.as_i64()));
            let given: Vec<(i64, Option<i64>)> = drafts.iter().filter_map(given).collect();
            if given.is_empty() {
                return Ok(());
            }
            let pointer = |id: i64| pointer_of_row(drafts, id, "recommended_id");
            for (id, _) in given.iter().filter(|(id, recommended)| *recommended == Some(*id)) {
                problems.violated(pointer(*id), "invalid_value", "a product variation cannot recommend itself");
            }
            if !problems.is_empty() {
                return Ok(());
            }
            store::set_recommendations(db, &given).await?;
            let ids: Vec<i64> = given.iter().map(|(id, _)| *id).collect();
            for id in store::mutual_recommendations(db, &ids).await? {
                let message = "the recommended product variation recommends this one";
                problems.violated(pointer(id), "invalid_value", message);
            }
            Ok(())
        })
    }
}

/// Filter groups: the filters that list them, and no group below itself.
pub(super) struct GroupHooks;

impl ResourceHooks for GroupHooks {
    fn after<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a [RowDraft],
        problems: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let moved = drafts.iter().filter(|draft| draft.values.get("parent_id").is_some_and(Value::is_i64));
            let moved: Vec<i64> = moved.filter_map(|draft| draft.id).collect();
            if !moved.is_empty() {
                for id in store::groups_in_circles(db, &moved).await? {
                    let pointer = pointer_of_row(drafts, id, "parent_id");
                    problems.violated(pointer, "invalid_value", "a group cannot be below itself");
                }
            }
            let keys = |draft: &RowDraft| Some((draft.id?, draft.values.get("filter_keys")?.clone()));
            let keys: Vec<(i64, Value)> = drafts.iter().filter_map(keys).collect();
            if !keys.is_empty() {
                store::set_filter_keys(db, FILTER_KEYS, &keys).await?;
            }
            Ok(())
        })
    }
}

/// Returns the pointer of a field of the draft with this id.
fn pointer_of_row(drafts: &[RowDraft], id: i64, field: &str) -> String {
    drafts.iter().find(|draft| draft.id == Some(id)).map_or_else(String::new, |draft| draft.pointer_of(field))
}
