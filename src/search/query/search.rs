//! Runs one query on the read model: text, filters, facets, order, page.
//!
//! Order with a text: listings by score, then bundles by score. Order when browsing: by subject code, bundles before
//! products, then by name. Equal scores keep the browsing order. Rows are grouped into listings before the page is cut,
//! and only the rows of the page are composed.

use super::Query;
use super::facets;
use super::offer_filter::{FilterResult, OfferFilter};
use crate::search::compose::{self, SessionUrls};
use crate::search::read_model::ranking::Matches;
use crate::search::read_model::{ReadModel, StoreBundle, StoreProduct, row_number};
use crate::search::response::{Pagination, Performance, ResultItem, SearchResponse};

/// One row of the whole result, before it is composed.
enum ResultRow<'a> {
    Listing(Vec<&'a StoreProduct>),
    Bundle(&'a StoreBundle),
}

impl ResultRow<'_> {
    fn browsing_order(&self) -> (&str, bool, &str, &str) {
        match self {
            Self::Listing(products) => {
                let row = &products[0].row;
                let name = if row.shortname.is_empty() { &row.fullname } else { &row.shortname };
                (&row.subject_code, true, name, &row.exam_session_code)
            }
            Self::Bundle(bundle) => (&bundle.row.subject_code, false, &bundle.row.name, &bundle.row.exam_session_code),
        }
    }
}

/// Runs a query. `performance.duration` is 0: the caller measures and sets it.
pub fn search<'a>(model: &'a ReadModel, query: &Query, urls: SessionUrls) -> SearchResponse<'a> {
    let matches = (!query.text.is_empty()).then(|| model.matches(&query.text));
    let filter = OfferFilter::new(model, &query.filters);
    let candidates: Vec<(usize, &StoreProduct)> = model
        .store_products
        .iter()
        .enumerate()
        .filter(|(index, _)| matches.as_ref().is_none_or(|matches| matches.score(row_number(*index)).is_some()))
        .collect();
    let checked: Vec<(&StoreProduct, FilterResult)> =
        candidates.iter().map(|(_, product)| (*product, filter.check(product))).collect();
    let (bundles, bundles_for_facet) = matching_bundles(model, query, &filter, matches.as_ref());

    let mut listings: Vec<(f32, ResultRow<'a>)> = Vec::new();
    if !filter.has_only_bundles() {
        let passed =
            candidates.iter().zip(&checked).filter(|(_, (_, filter_result))| *filter_result == FilterResult::Passes);
        group_into_listings(
            passed.map(|((index, product), _)| (score(matches.as_ref(), row_number(*index)), *product)),
            &mut listings,
        );
    }
    let rows = sort_rows(listings, bundles, matches.is_some());

    let pagination = Pagination::new(query.page, query.page_size, rows.len() as u64);
    let products = page_slice(&rows, query).iter().filter_map(|row| compose_item(row, model, urls)).collect();
    let filter_counts = facets::count(model, &checked, bundles_for_facet);
    SearchResponse { products, filter_counts, pagination, performance: Performance { duration: 0.0, cached: false } }
}

/// Returns the bundles of the result with their scores, and the count of the facet `Bundle`.
fn matching_bundles<'a>(
    model: &'a ReadModel,
    query: &Query,
    filter: &OfferFilter,
    matches: Option<&Matches>,
) -> (Vec<(f32, ResultRow<'a>)>, usize) {
    if !query.include_bundles {
        return (Vec::new(), 0);
    }
    let mut results = Vec::new();
    let mut facet_count = 0;
    for (index, bundle) in model.bundles.iter().enumerate() {
        let row = model.bundle_row(index);
        if matches.is_some_and(|matches| matches.score(row).is_none()) {
            continue;
        }
        facet_count += usize::from(filter.passes_bundle_ignoring_categories(bundle, &model.store_products));
        if filter.passes_bundle(bundle, &model.store_products) {
            results.push((score(matches, row), ResultRow::Bundle(bundle)));
        }
    }
    (results, facet_count)
}

fn score(matches: Option<&Matches>, row: u32) -> f32 {
    matches.and_then(|matches| matches.score(row)).unwrap_or_default()
}

/// Groups products in browsing order into listings. A listing has the score of its best product.
fn group_into_listings<'a>(
    products: impl Iterator<Item = (f32, &'a StoreProduct)>,
    listings: &mut Vec<(f32, ResultRow<'a>)>,
) {
    for (score, product) in products {
        match listings.last_mut() {
            Some((best, ResultRow::Listing(products))) if products[0].listing == product.listing => {
                *best = best.max(score);
                products.push(product);
            }
            _ => listings.push((score, ResultRow::Listing(vec![product]))),
        }
    }
}

fn sort_rows<'a>(
    mut listings: Vec<(f32, ResultRow<'a>)>,
    mut bundles: Vec<(f32, ResultRow<'a>)>,
    by_score: bool,
) -> Vec<ResultRow<'a>> {
    if by_score {
        // Stable sorts: equal scores keep the browsing order.
        listings.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        bundles.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        listings.append(&mut bundles);
    } else {
        listings.append(&mut bundles);
        listings.sort_by(|(_, a), (_, b)| a.browsing_order().cmp(&b.browsing_order()));
    }
    listings.into_iter().map(|(_, row)| row).collect()
}

fn page_slice<'r, 'a>(rows: &'r [ResultRow<'a>], query: &Query) -> &'r [ResultRow<'a>] {
    let offset = query.page.saturating_sub(1).saturating_mul(query.page_size);
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(rows.len());
    let size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
    &rows[from..from.saturating_add(size).min(rows.len())]
}

fn compose_item<'a>(row: &ResultRow<'a>, model: &'a ReadModel, urls: SessionUrls) -> Option<ResultItem<'a>> {
    match row {
        ResultRow::Listing(products) => compose::build_listing(products, &model.store_products, urls),
        ResultRow::Bundle(bundle) => Some(compose::build_bundle(bundle, &model.store_products)),
    }
}
