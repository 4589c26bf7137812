//! Facets: how many store products each filter value would leave.
//!
//! Disjunctive: the values of a key are counted under the search text and all *other* keys. Categories and product types
//! list every group that is configured for them, zeros included; the other keys list what there is. `Bundle` joins the
//! categories where bundles are found.

use std::collections::BTreeMap;

use super::ListFilter;
use super::filters::Verdict;
use crate::search::read_model::categories::BUNDLE;
use crate::search::read_model::{Catalogue, Offer};
use crate::search::response::{Count, FilterCounts};

/// Counts the facets of the offers that answer the text, each with what it fails on; `bundles` are counted already.
pub fn count(catalogue: &Catalogue, found: &[(&Offer, Verdict)], bundles: usize) -> FilterCounts {
    let mut counts = FilterCounts {
        categories: grouped(catalogue, found, ListFilter::Categories),
        product_types: grouped(catalogue, found, ListFilter::ProductTypes),
        ..FilterCounts::default()
    };
    // The first variation of a type, by id, lends its name: the same whatever is filtered.
    let mut mode_names: BTreeMap<&str, (i64, &str)> = BTreeMap::new();
    for offer in &catalogue.offers {
        let candidate = (offer.row.variation_id, offer.row.variation_name.as_str());
        let name = mode_names.entry(&offer.row.variation_type).or_insert(candidate);
        *name = (*name).min(candidate);
    }
    for (offer, verdict) in found {
        let row = &offer.row;
        if verdict.counts_for(ListFilter::Subjects) {
            let code = &row.subject_code;
            tick(&mut counts.subjects, code, || (code.clone(), None));
        }
        if verdict.counts_for(ListFilter::Products) {
            let name = product_name(offer);
            tick(&mut counts.products, &row.catalog_product_id.to_string(), || (name.clone(), Some(name.clone())));
        }
        if verdict.counts_for(ListFilter::ModesOfDelivery) {
            let name = mode_names.get(row.variation_type.as_str()).map_or("", |(_, name)| *name).to_owned();
            tick(&mut counts.modes_of_delivery, &row.variation_type, || (name.clone(), Some(name.clone())));
        }
    }
    if bundles > 0 {
        let count = Count { count: bundles, name: BUNDLE.to_owned(), display_name: None };
        counts.categories.insert(BUNDLE.to_owned(), count);
    }
    counts
}

fn grouped(catalogue: &Catalogue, found: &[(&Offer, Verdict)], key: ListFilter) -> BTreeMap<String, Count> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for (name, members) in catalogue.categories.entries(key.key()) {
        let count = found
            .iter()
            .filter(|(offer, verdict)| verdict.counts_for(key) && members.contains(&offer.row.catalog_product_id))
            .count();
        let entry =
            counts.entry(name.to_owned()).or_insert_with(|| Count { name: name.to_owned(), ..Count::default() });
        // Of groups with one name, the filter takes all together; the larger count is the nearest to that.
        entry.count = entry.count.max(count);
    }
    counts
}

fn product_name(offer: &Offer) -> String {
    let row = &offer.row;
    match [&row.shortname, &row.fullname].into_iter().find(|name| !name.is_empty()) {
        Some(name) => name.clone(),
        None => format!("Product {}", row.catalog_product_id),
    }
}

fn tick(counts: &mut BTreeMap<String, Count>, key: &str, names: impl FnOnce() -> (String, Option<String>)) {
    if let Some(known) = counts.get_mut(key) {
        known.count += 1;
        return;
    }
    let (name, display_name) = names();
    counts.insert(key.to_owned(), Count { count: 1, name, display_name });
}
