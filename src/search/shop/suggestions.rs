//! Suggestions while a user types.

use serde::Serialize;
use utoipa::ToSchema;

use super::navigation::{MenuSubject, subjects};
use crate::search::compose::SessionUrls;
use crate::search::legacy::{self, FuzzyQuery, GroupOption, ProductOption, VariationOption};
use crate::search::read_model::ReadModel;
use crate::search::read_model::items::StoreProduct;
use crate::search::response::ResultItem;

/// The least score of a suggested product.
const MIN_SCORE: u64 = 45;

#[derive(Debug, Serialize, ToSchema)]
pub struct Suggestions<'a> {
    pub query: String,
    pub suggested_filters: SuggestedFilters<'a>,
    pub suggested_products: Vec<ResultItem<'a>>,
    pub total_count: usize,
    pub total_matches: MatchCounts,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub struct SuggestedFilters<'a> {
    pub subjects: Vec<MenuSubject<'a>>,
    pub product_groups: Vec<GroupOption<'a>>,
    /// Always empty.
    #[schema(example = json!([]))]
    pub variations: Vec<VariationOption<'a>>,
    pub products: Vec<ProductOption<'a>>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub struct MatchCounts {
    pub subjects: usize,
    pub product_groups: usize,
    pub products: usize,
}

/// Returns what a text suggests; nothing for fewer than two characters.
pub fn suggestions<'a>(model: &'a ReadModel, text: &str, limit: u64, urls: SessionUrls) -> Suggestions<'a> {
    let mut found = Suggestions {
        query: text.to_owned(),
        suggested_filters: SuggestedFilters::default(),
        suggested_products: Vec::new(),
        total_count: 0,
        total_matches: MatchCounts::default(),
    };
    if text.chars().count() < 2 {
        return found;
    }
    let query = FuzzyQuery {
        text: text.to_owned(),
        min_score: MIN_SCORE,
        limit,
        subjects: Default::default(),
        categories: Default::default(),
    };
    let response = legacy::fuzzy_search(model, &query, "fuzzy", urls);
    let ids: Vec<i64> = response.suggested_filters.subjects.iter().map(|subject| subject.id).collect();
    let products: Vec<&StoreProduct> =
        model.store_products().filter(|product| ids.contains(&product.row.sitting.subject_id)).collect();
    let mut subjects = subjects(&products);
    subjects.sort_by_key(|subject| ids.iter().position(|id| *id == subject.id));
    found.total_matches = MatchCounts {
        subjects: subjects.len(),
        product_groups: response.suggested_filters.categories.len(),
        products: response.total_count,
    };
    found.suggested_filters = SuggestedFilters {
        subjects,
        product_groups: response.suggested_filters.categories,
        variations: Vec::new(),
        products: response.suggested_filters.products,
    };
    found.total_count = response.total_count;
    found.suggested_products = response.products;
    found
}
