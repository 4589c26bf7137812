//! Runs one query on the read model: text, filters, facets, order, page.
//!
//! Order with a text: listings by score, then bundles by score. Order when browsing: by subject code, bundles before
//! products, then by name. Equal scores keep the browsing order. Rows are grouped into listings before the page is cut,
//! and only the rows of the page are composed.

use std::time::{SystemTime, UNIX_EPOCH};

use super::conditions::Conditions;
use super::cursor::Cursor;
use super::facets::{FacetCounter, Facets};
use super::page::{Hit, Page, PageContent};
use super::{Filters, Query};
use crate::search::compose::{self, SessionUrls};
use crate::search::read_model::ReadModel;
use crate::search::read_model::bitmap::Bitmap;
use crate::search::read_model::items::{CatalogueItem, StoreProduct};
use crate::search::read_model::segment::columns::SegmentColumns;
use crate::search::read_model::text::scores::TextMatch;
use crate::search::response::{Pagination, Performance, ResultItem, SearchResponse};

/// What a query finds, before it is composed.
pub struct FoundPage<'a> {
    /// The model.
    pub model: &'a ReadModel,
    /// How the text matches; none when browsing.
    pub matches: Option<TextMatch<'a>>,
    /// The items of the page.
    pub hits: Vec<Hit>,
    /// Position of the page.
    pub pagination: Pagination,
    /// Store products that match the text, by part; none without filters.
    candidates: Vec<Bitmap>,
    /// Store products that match the text and pass all filters, by part; none for everything.
    passing: Vec<Bitmap>,
    conditions: Conditions,
    bundles_for_facet: u32,
    /// Whether there is neither text nor filter.
    pub is_whole: bool,
}

impl<'a> FoundPage<'a> {
    /// Runs a query.
    pub fn new(model: &'a ReadModel, query: &Query) -> Self {
        Self::at(model, query, now())
    }

    /// Runs a query at a time (Unix seconds), which decides which events are over.
    pub fn at(model: &'a ReadModel, query: &Query, now: i64) -> Self {
        let has_all = query.text.is_empty() && query.filters == Filters::default() && query.include_bundles;
        if has_all && query.cursor.is_none() { Self::whole(model, query) } else { Self::selected(model, query, now) }
    }

    /// Returns a page of everything. Which rows there are is known.
    fn whole(model: &'a ReadModel, query: &Query) -> Self {
        let content = match model.parts() {
            [part] => {
                Page::new(model, query.page, query.page_size, query.cursor.as_ref()).of_all(part.segment.items().len())
            }
            _ => {
                let mut page = Page::new(model, query.page, query.page_size, query.cursor.as_ref());
                let live: Vec<Bitmap> = model.parts().iter().map(|part| (*part.live).clone()).collect();
                page.add_equal(&live, 0.0);
                page.finish()
            }
        };
        let conditions = Conditions::none();
        let pagination = paginate(model, query, &content);
        Self {
            model,
            matches: None,
            hits: content.hits,
            pagination,
            candidates: Vec::new(),
            passing: Vec::new(),
            conditions,
            bundles_for_facet: 0,
            is_whole: true,
        }
    }

    /// Evaluates text and filters.
    fn selected(model: &'a ReadModel, query: &Query, now: i64) -> Self {
        let matches = (!query.text.is_empty()).then(|| model.match_text(&query.text));
        let conditions = Conditions::new(model, &query.filters, now);
        let parts = model.parts();
        let matching: Vec<&Bitmap> = match &matches {
            Some(matches) => matches.rows.iter().collect(),
            None => parts.iter().map(|part| &*part.live).collect(),
        };
        let of_kind = |rows_of: fn(&SegmentColumns) -> &Bitmap| -> Vec<Bitmap> {
            matching.iter().zip(parts).map(|(rows, part)| rows.common(rows_of(&part.segment.columns))).collect()
        };
        let (mut candidates, bundles) = (of_kind(|columns| &columns.offers), of_kind(|columns| &columns.bundles));
        let passing = match conditions.is_empty() {
            true => std::mem::take(&mut candidates),
            false => candidates.iter().enumerate().map(|(part, rows)| conditions.passing(part, rows, None)).collect(),
        };
        let (shown, bundles_for_facet) = match query.include_bundles {
            true => {
                let counted = conditions.bundles(parts, &bundles, true);
                (conditions.bundles(parts, &bundles, false), counted.iter().map(Bitmap::count).sum())
            }
            false => (vec![Bitmap::empty(); parts.len()], 0),
        };
        let no_offers = vec![Bitmap::empty(); parts.len()];
        let offers = if conditions.has_only_bundles() { &no_offers } else { &passing };
        let content = page_of(model, query, matches.as_ref(), offers, &shown);
        let pagination = paginate(model, query, &content);
        let (hits, is_whole) = (content.hits, false);
        Self { model, matches, hits, pagination, candidates, passing, conditions, bundles_for_facet, is_whole }
    }

    /// Counts the facets.
    pub fn facets(&self) -> Facets<'a> {
        if self.is_whole {
            return Self::selected(self.model, &Query::default(), 0).facets();
        }
        let Self { model, candidates, passing, conditions, .. } = self;
        FacetCounter { model, candidates, passing, conditions }.count(self.bundles_for_facet)
    }

    /// Returns the item of a hit, and for a group the positions of its store products that are part of the result.
    pub fn item(&self, hit: &Hit) -> Option<(&'a CatalogueItem, impl Iterator<Item = usize> + Clone + '_)> {
        let segment = &self.model.parts().get(hit.part)?.segment;
        let (start, end) = segment.rows_of(hit.item);
        let rows = if self.is_whole { &*self.model.parts()[hit.part].live } else { &self.passing[hit.part] };
        let positions = (start..end).filter(|row| rows.contains(*row)).map(move |row| (row - start) as usize);
        Some((segment.items().get(hit.item as usize)?, positions))
    }

    /// Composes the response. `performance.duration` is 0: the caller measures and sets it.
    pub fn response(&self, urls: SessionUrls) -> SearchResponse<'a> {
        let compose_item = |hit: &Hit| -> Option<ResultItem<'a>> {
            let (item, positions) = self.item(hit)?;
            match item {
                CatalogueItem::Group(group) => {
                    let products: Vec<&StoreProduct> = positions.filter_map(|at| group.products.get(at)).collect();
                    compose::build_item(&products, urls)
                }
                CatalogueItem::Bundle(bundle) => Some(ResultItem::Bundle(Box::new(compose::build_bundle(bundle)))),
            }
        };
        SearchResponse {
            products: self.hits.iter().filter_map(compose_item).collect(),
            filter_counts: self.facets().to_counts(),
            pagination: self.pagination.clone(),
            performance: Performance { duration: 0.0, cached: false },
        }
    }
}

/// Returns the position of a page, with the cursor after its last item.
fn paginate(model: &ReadModel, query: &Query, content: &PageContent) -> Pagination {
    let mut pagination = Pagination::new(query.page, query.page_size, content.total);
    if query.cursor.is_some() {
        pagination.has_next = content.has_more;
    }
    pagination.next_cursor = content.hits.last().filter(|_| content.has_more).and_then(|hit| {
        let item = model.parts().get(hit.part)?.segment.items().get(hit.item as usize)?;
        Some(Cursor::after(query.fingerprint(), item, hit.score, query.page).to_text())
    });
    pagination
}

/// Runs a query. `performance.duration` is 0: the caller measures and sets it.
pub fn search<'a>(model: &'a ReadModel, query: &Query, urls: SessionUrls) -> SearchResponse<'a> {
    FoundPage::new(model, query).response(urls)
}

/// Returns the time in Unix seconds.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Returns the hits of the page, and how many there are on all pages.
fn page_of(
    model: &ReadModel,
    query: &Query,
    matches: Option<&TextMatch<'_>>,
    offers: &[Bitmap],
    bundles: &[Bitmap],
) -> PageContent {
    let mut page = Page::new(model, query.page, query.page_size, query.cursor.as_ref());
    match matches {
        None => {
            let mut all = offers.to_vec();
            all.iter_mut().zip(bundles).for_each(|(all, bundles)| all.or(bundles));
            page.add_equal(&all, 0.0);
        }
        Some(matches) => {
            let levels = matches.levels();
            let add = |page: &mut Page<'_>, rows: &[Bitmap]| match &levels {
                Some(levels) => page.add_levels(rows, levels),
                None => page.add_scored(rows, matches),
            };
            add(&mut page, offers);
            page.begin_bundles();
            add(&mut page, bundles);
        }
    }
    page.finish()
}
