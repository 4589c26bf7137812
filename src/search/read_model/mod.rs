//! The read model: the whole catalogue in memory, in the form that queries use.
//!
//! It is built from [`rows::CatalogueRows`] and never changed; a newer model replaces it and shares what did not change.
//! Its [`items::CatalogueItem`]s (groups of store products, and bundles) are in browsing order in one large segment. What changed
//! since is in a second, small segment; the rows that it replaces are no longer live in the first.
//!
//! A *row* is a store product or a bundle of one segment. Everything that a query compares is a set of rows.

mod apply;
pub mod bitmap;
mod build;
pub mod categories;
pub mod follow;
pub mod items;
mod rendered;
pub mod row_sets;
pub mod rows;
pub mod saved;
pub mod segment;
pub mod text;
mod threads;
pub mod touched;

use foldhash::HashMap;
use std::sync::{Arc, OnceLock};

use self::bitmap::Bitmap;
use self::build::Recommendations;
use self::categories::Categories;
use self::items::{CatalogueItem, ItemKey, StoreBundle, StoreProduct};
use self::rendered::FirstPages;
pub use self::rendered::to_json;
use self::rows::FilterRow;
use self::segment::{Segment, Totals};

/// What all segments share.
#[derive(Debug, Default)]
pub struct SharedCatalogue {
    /// The tree of categories.
    pub categories: Categories,
    /// The active filters of the shop, in their order.
    pub filters: Vec<FilterRow>,
    /// Which product variation is recommended with which.
    pub recommendations: Recommendations,
    /// Words that mean the same, by word.
    pub synonyms: HashMap<String, Vec<Vec<String>>>,
}

/// A segment, and which of its rows are still current.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The segment.
    pub segment: Arc<Segment>,
    /// The rows that no later segment replaced.
    pub live: Arc<Bitmap>,
}

/// The read model.
#[derive(Debug, Default)]
pub struct ReadModel {
    /// Catalogue version of the snapshot.
    pub version: i64,
    shared: Arc<SharedCatalogue>,
    parts: Vec<Part>,
    /// For each item of the second segment, how many rows of the first are before it.
    places: Vec<u32>,
    totals: Totals,
    /// The facets without text and filters, as responses contain them. Made at the first request.
    pub unfiltered_facets: OnceLock<Vec<u8>>,
    /// The first pages without text and filters.
    pub first_pages: FirstPages,
}

impl ReadModel {
    /// Reports whether there is nothing that a search could find.
    pub fn is_empty(&self) -> bool {
        self.totals.items == 0
    }

    /// Returns how many store products, events and sessions there are.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Returns the tree of categories.
    pub fn categories(&self) -> &Categories {
        &self.shared.categories
    }

    /// Returns the active filters of the shop, in their order.
    pub fn filters(&self) -> &[FilterRow] {
        &self.shared.filters
    }

    /// Returns words that mean the same, by word.
    pub fn synonyms(&self) -> &HashMap<String, Vec<Vec<String>>> {
        &self.shared.synonyms
    }

    /// Returns the segments: one, or two.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns a number by which items of both segments are in browsing order.
    pub fn place(&self, part: usize, item: u32) -> u64 {
        match part {
            0 => (u64::from(self.parts[0].segment.first_row(item)) << 32) | u64::from(u32::MAX),
            _ => (u64::from(self.place_of_later(item)) << 32) | u64::from(item),
        }
    }

    /// Returns how many rows of the first segment are before an item of the second.
    pub fn place_of_later(&self, item: u32) -> u32 {
        self.places.get(item as usize).copied().unwrap_or(u32::MAX)
    }

    /// Returns all items in browsing order.
    pub fn items(&self) -> impl Iterator<Item = &CatalogueItem> {
        let mut later =
            self.parts.get(1).map_or(&[][..], |part| part.segment.items()).iter().zip(&self.places).peekable();
        let mut first = self.parts.first().into_iter().flat_map(|part| part.live_items()).peekable();
        std::iter::from_fn(move || {
            let next_row = first.peek().map(|(row, _)| *row);
            match (next_row, later.peek()) {
                (Some(row), Some((_, place))) if **place <= row => later.next().map(|(item, _)| item),
                (Some(_), _) => first.next().map(|(_, item)| item),
                (None, _) => later.next().map(|(item, _)| item),
            }
        })
    }

    /// Returns all store products in browsing order.
    pub fn store_products(&self) -> impl Iterator<Item = &StoreProduct> {
        self.items().filter_map(CatalogueItem::group).flat_map(|group| group.products.iter())
    }

    /// Returns all bundles in browsing order.
    pub fn bundles(&self) -> impl Iterator<Item = &Arc<StoreBundle>> {
        self.items().filter_map(|item| match item {
            CatalogueItem::Bundle(bundle) => Some(bundle),
            CatalogueItem::Group(_) => None,
        })
    }

    /// Returns where a store product is: its part and its row.
    pub fn locate(&self, store_product: i64) -> Option<(usize, u32)> {
        self.find_live(|segment| segment.row_of_product(store_product))
    }

    fn find_live(&self, find: impl Fn(&Segment) -> Option<u32>) -> Option<(usize, u32)> {
        let parts = self.parts.iter().enumerate().rev();
        parts
            .filter_map(|(index, part)| Some((index, find(&part.segment)?)))
            .find(|(index, row)| self.parts[*index].live.contains(*row))
    }

    /// Returns how many rows of the first segment are before an item with this key.
    fn rows_before(&self, key: &ItemKey<'_>) -> u32 {
        self.parts.first().map_or(0, |part| part.segment.rows_before(key))
    }
}

impl Part {
    /// Returns the part of a whole segment.
    pub fn whole(segment: Segment) -> Self {
        let live = Arc::new(Bitmap::full(segment.rows()));
        Self { segment: Arc::new(segment), live }
    }

    /// Returns the current items with their first rows.
    pub fn live_items(&self) -> impl Iterator<Item = (u32, &CatalogueItem)> {
        self.items().filter(|(row, _)| self.live.contains(*row))
    }

    /// Returns the items that a later segment replaced.
    pub fn dead_items(&self) -> impl Iterator<Item = &CatalogueItem> {
        // Few of many: their rows are found in the bits, without a look at each item.
        let mut dead = Bitmap::full(self.segment.rows());
        dead.and_not(&self.live);
        let first_rows =
            dead.to_rows().into_iter().filter(|row| self.segment.first_row(self.segment.item_of(*row)) == *row);
        first_rows.filter_map(|row| self.segment.items().get(self.segment.item_of(row) as usize))
    }

    fn items(&self) -> impl Iterator<Item = (u32, &CatalogueItem)> {
        let items = self.segment.items().iter().enumerate();
        items.map(|(index, item)| (self.segment.first_row(index as u32), item))
    }
}
