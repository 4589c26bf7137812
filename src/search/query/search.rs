//! One query answered from the read model: text, filters, facets, order, page. Pure.
//!
//! Order: with a text, listings by score, then bundles by score; browsing, by subject code, bundles before products, then
//! name. Equal scores keep the browsing order. The page is cut after grouping; only its rows are put together.

use super::Query;
use super::facets;
use super::filters::{Sieve, Verdict};
use crate::search::compose::{self, SessionUrls};
use crate::search::read_model::ranking::Hits;
use crate::search::read_model::{Bundle, Catalogue, Offer, row_number};
use crate::search::response::{Answer, Item, Pagination, Performance};

/// One row of the whole result, not yet put together.
enum Found<'a> {
    Listing(Vec<&'a Offer>),
    Bundle(&'a Bundle),
}

impl Found<'_> {
    fn browsing_order(&self) -> (&str, bool, &str, &str) {
        match self {
            Self::Listing(offers) => {
                let row = &offers[0].row;
                let name = if row.shortname.is_empty() { &row.fullname } else { &row.shortname };
                (&row.subject_code, true, name, &row.exam_session_code)
            }
            Self::Bundle(bundle) => (&bundle.row.subject_code, false, &bundle.row.name, &bundle.row.exam_session_code),
        }
    }
}

/// Answers a query. `performance.duration` is 0: the caller has the clock.
pub fn answer<'a>(catalogue: &'a Catalogue, query: &Query, urls: SessionUrls) -> Answer<'a> {
    let hits = (!query.text.is_empty()).then(|| catalogue.hits(&query.text));
    let sieve = Sieve::new(catalogue, &query.filters);
    let matched: Vec<(usize, &Offer)> = catalogue
        .offers
        .iter()
        .enumerate()
        .filter(|(at, _)| hits.as_ref().is_none_or(|hits| hits.score(row_number(*at)).is_some()))
        .collect();
    let judged: Vec<(&Offer, Verdict)> = matched.iter().map(|(_, offer)| (*offer, sieve.verdict(offer))).collect();
    let (bundles, bundles_for_facet) = bundles(catalogue, query, &sieve, hits.as_ref());

    let mut listings: Vec<(f32, Found<'a>)> = Vec::new();
    if !sieve.only_bundles() {
        let passing = matched.iter().zip(&judged).filter(|(_, (_, verdict))| *verdict == Verdict::Passes);
        group(passing.map(|((at, offer), _)| (score(hits.as_ref(), row_number(*at)), *offer)), &mut listings);
    }
    let rows = ordered(listings, bundles, hits.is_some());

    let pagination = Pagination::new(query.page, query.page_size, rows.len() as u64);
    let products = page(&rows, query).iter().filter_map(|row| item(row, catalogue, urls)).collect();
    let filter_counts = facets::count(catalogue, &judged, bundles_for_facet);
    Answer { products, filter_counts, pagination, performance: Performance { duration: 0.0, cached: false } }
}

/// The bundles of the result, and how many the facet `Bundle` counts.
fn bundles<'a>(
    catalogue: &'a Catalogue,
    query: &Query,
    sieve: &Sieve,
    hits: Option<&Hits>,
) -> (Vec<(f32, Found<'a>)>, usize) {
    if !query.include_bundles {
        return (Vec::new(), 0);
    }
    let mut found = Vec::new();
    let mut counted = 0;
    for (at, bundle) in catalogue.bundles.iter().enumerate() {
        let row = catalogue.bundle_row(at);
        if hits.is_some_and(|hits| hits.score(row).is_none()) {
            continue;
        }
        counted += usize::from(sieve.passes_bundle_but_categories(bundle, &catalogue.offers));
        if sieve.passes_bundle(bundle, &catalogue.offers) {
            found.push((score(hits, row), Found::Bundle(bundle)));
        }
    }
    (found, counted)
}

fn score(hits: Option<&Hits>, row: u32) -> f32 {
    hits.and_then(|hits| hits.score(row)).unwrap_or_default()
}

/// Offers in browsing order become listings; the best offer lends its score.
fn group<'a>(offers: impl Iterator<Item = (f32, &'a Offer)>, listings: &mut Vec<(f32, Found<'a>)>) {
    for (score, offer) in offers {
        match listings.last_mut() {
            Some((best, Found::Listing(kept))) if kept[0].listing == offer.listing => {
                *best = best.max(score);
                kept.push(offer);
            }
            _ => listings.push((score, Found::Listing(vec![offer]))),
        }
    }
}

fn ordered<'a>(
    mut listings: Vec<(f32, Found<'a>)>,
    mut bundles: Vec<(f32, Found<'a>)>,
    by_score: bool,
) -> Vec<Found<'a>> {
    if by_score {
        // Stable sorts: equal scores keep the browsing order.
        listings.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        bundles.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        listings.append(&mut bundles);
    } else {
        listings.append(&mut bundles);
        listings.sort_by(|(_, a), (_, b)| a.browsing_order().cmp(&b.browsing_order()));
    }
    listings.into_iter().map(|(_, found)| found).collect()
}

fn page<'r, 'a>(rows: &'r [Found<'a>], query: &Query) -> &'r [Found<'a>] {
    let skipped = query.page.saturating_sub(1).saturating_mul(query.page_size);
    let from = usize::try_from(skipped).unwrap_or(usize::MAX).min(rows.len());
    let size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
    &rows[from..from.saturating_add(size).min(rows.len())]
}

fn item<'a>(row: &Found<'a>, catalogue: &'a Catalogue, urls: SessionUrls) -> Option<Item<'a>> {
    match row {
        Found::Listing(offers) => compose::listing(offers, &catalogue.offers, urls),
        Found::Bundle(bundle) => Some(compose::bundle(bundle, &catalogue.offers)),
    }
}
