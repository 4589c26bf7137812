//! Counts facets: how many store products each filter value would leave.
//!
//! Facets are disjunctive: the values of a filter are counted under the search text and all *other* filters. Categories
//! and product types list every configured group, zeros included; other filters list only values with products. `Bundle`
//! is added to the categories when bundles match.

use std::collections::BTreeMap;

use super::filters::ListFilter;
use super::offer_filter::FilterResult;
use crate::search::read_model::categories::BUNDLE;
use crate::search::read_model::{ReadModel, StoreProduct};
use crate::search::response::{FacetCount, FilterCounts};

/// Counts the facets of the store products that match the text. `bundles` is the count of the value `Bundle`.
pub fn count(model: &ReadModel, checked: &[(&StoreProduct, FilterResult)], bundles: usize) -> FilterCounts {
    let mut counts = FilterCounts {
        categories: count_groups(model, checked, ListFilter::Categories),
        product_types: count_groups(model, checked, ListFilter::ProductTypes),
        ..FilterCounts::default()
    };
    // The variation with the lowest id names its type, so the name does not depend on the filters.
    let mut mode_names: BTreeMap<&str, (i64, &str)> = BTreeMap::new();
    for product in &model.store_products {
        let named_variation = (product.row.variation_id, product.row.variation_name.as_str());
        let name = mode_names.entry(&product.row.variation_type).or_insert(named_variation);
        *name = (*name).min(named_variation);
    }
    for (product, filter_result) in checked {
        let row = &product.row;
        if filter_result.counts_for(ListFilter::Subjects) {
            let code = &row.subject_code;
            increment(&mut counts.subjects, code, || (code.clone(), None));
        }
        if filter_result.counts_for(ListFilter::Products) {
            let name = product_name(product);
            increment(&mut counts.products, &row.catalog_product_id.to_string(), || (name.clone(), Some(name.clone())));
        }
        if filter_result.counts_for(ListFilter::ModesOfDelivery) {
            let name = mode_names.get(row.variation_type.as_str()).map_or("", |(_, name)| *name).to_owned();
            increment(&mut counts.modes_of_delivery, &row.variation_type, || (name.clone(), Some(name.clone())));
        }
    }
    if bundles > 0 {
        let count = FacetCount { count: bundles, name: BUNDLE.to_owned(), display_name: None };
        counts.categories.insert(BUNDLE.to_owned(), count);
    }
    counts
}

fn count_groups(
    model: &ReadModel,
    checked: &[(&StoreProduct, FilterResult)],
    key: ListFilter,
) -> BTreeMap<String, FacetCount> {
    let mut counts: BTreeMap<String, FacetCount> = BTreeMap::new();
    for (name, members) in model.categories.entries(key.key()) {
        let count = checked
            .iter()
            .filter(|(product, filter_result)| {
                filter_result.counts_for(key) && members.contains(&product.row.catalog_product_id)
            })
            .count();
        let entry = counts
            .entry(name.to_owned())
            .or_insert_with(|| FacetCount { name: name.to_owned(), ..FacetCount::default() });
        // The filter selects all groups of one name together; the largest count is the closest estimate.
        entry.count = entry.count.max(count);
    }
    counts
}

fn product_name(product: &StoreProduct) -> String {
    let row = &product.row;
    match [&row.shortname, &row.fullname].into_iter().find(|name| !name.is_empty()) {
        Some(name) => name.clone(),
        None => format!("Product {}", row.catalog_product_id),
    }
}

fn increment(counts: &mut BTreeMap<String, FacetCount>, key: &str, names: impl FnOnce() -> (String, Option<String>)) {
    if let Some(facet) = counts.get_mut(key) {
        facet.count += 1;
        return;
    }
    let (name, display_name) = names();
    counts.insert(key.to_owned(), FacetCount { count: 1, name, display_name });
}
