//! A segment: items in browsing order, and everything that a query compares, as columns and sets of rows over that order.

pub mod columns;
pub mod events;
pub mod facet_name;
pub mod vocabulary;

use foldhash::{HashMap, HashMapExt};

use self::columns::SegmentColumns;
use self::events::EventIndex;
use self::vocabulary::{Vocabulary, read_words};
use super::bitmap::Bitmap;
use super::categories::Categories;
use super::items::{CatalogueItem, ItemKey, StoreProduct};
use super::threads::{MANY_ITEMS, joined};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Groups and bundles.
    pub items: usize,
    /// Store products.
    pub store_products: usize,
    /// Events.
    pub events: usize,
    /// Sessions.
    pub sessions: usize,
}

impl Totals {
    /// Returns the sum.
    pub fn plus(self, other: Self) -> Self {
        Self {
            items: self.items + other.items,
            store_products: self.store_products + other.store_products,
            events: self.events + other.events,
            sessions: self.sessions + other.sessions,
        }
    }

    /// Removes an item.
    pub fn remove(&mut self, item: &CatalogueItem) {
        let mut of_item = Self::default();
        of_item.add(item);
        self.items -= of_item.items;
        self.store_products -= of_item.store_products;
        self.events -= of_item.events;
        self.sessions -= of_item.sessions;
    }

    /// Adds an item.
    pub fn add(&mut self, item: &CatalogueItem) {
        self.items += 1;
        for product in item.group().into_iter().flat_map(|group| &group.products) {
            self.store_products += 1;
            self.events += product.events.len();
            self.sessions += product.events.iter().map(|event| event.sessions.len()).sum::<usize>();
        }
    }
}

/// Where the store product of a component is: the part and the row.
pub type ProductPlace = (usize, u32);

/// The row of a bundle with the places of its store products.
#[derive(Debug)]
pub struct BundleEntry {
    /// Its row.
    pub row: u32,
    /// Its store products that are on sale.
    pub products: Box<[ProductPlace]>,
}

/// Items in browsing order.
#[derive(Debug, Default)]
pub struct Segment {
    items: Vec<CatalogueItem>,
    first_rows: Vec<u32>,
    /// Columns of the rows.
    pub columns: SegmentColumns,
    /// The events of the rows.
    pub events: EventIndex,
    /// The words of the rows.
    pub vocabulary: Vocabulary,
    /// The bundles.
    pub bundles: Vec<BundleEntry>,
    by_product: Vec<(i64, u32)>,
    by_sitting: Vec<((i64, i64), u32)>,
    by_bundle: Vec<(i64, u32)>,
    by_component: Vec<(i64, u32)>,
    totals: Totals,
}

impl Segment {
    /// Builds a segment of items in browsing order. `locate` finds a store product of an earlier segment.
    pub fn build(
        items: Vec<CatalogueItem>,
        vocabulary: Option<Vocabulary>,
        categories: &Categories,
        own_part: usize,
        locate: impl Fn(i64) -> Option<ProductPlace>,
    ) -> Self {
        let mut first_rows = Vec::with_capacity(items.len() + 1);
        let mut rows = 0;
        for item in &items {
            first_rows.push(rows);
            rows += item.rows();
        }
        first_rows.push(rows);
        let vocabulary = vocabulary.filter(|vocabulary| vocabulary.rows() == rows);
        let read_words = || vocabulary.unwrap_or_else(|| read_words(&items));
        let read_events = || EventIndex::new(&items, &first_rows);
        let read_columns = || SegmentColumns::new(&items, &first_rows, categories);
        let (columns, events, vocabulary) = match items.len() < MANY_ITEMS {
            true => (read_columns(), read_events(), read_words()),
            false => std::thread::scope(|scope| {
                let (events, words) = (scope.spawn(read_events), scope.spawn(read_words));
                (read_columns(), joined(events), joined(words))
            }),
        };
        let mut segment = Self { items, first_rows, columns, events, vocabulary, ..Self::default() };
        segment.index_ids();
        let mut totals = Totals::default();
        segment.items.iter().for_each(|item| totals.add(item));
        segment.totals = totals;
        segment.index_bundles(own_part, locate);
        segment
    }

    fn index_ids(&mut self) {
        for (row, product) in rows_of_products(&self.items, &self.first_rows) {
            self.by_product.push((product.row.id, row));
            self.by_sitting.push(((product.row.sitting.id, product.row.form.id), row));
        }
        self.by_product.sort_unstable();
        self.by_sitting.sort_unstable();
    }

    fn index_bundles(&mut self, own_part: usize, locate: impl Fn(i64) -> Option<ProductPlace>) {
        for (index, item) in self.items.iter().enumerate() {
            let CatalogueItem::Bundle(bundle) = item else { continue };
            let row = self.first_rows[index];
            let on_sale = bundle.components.iter().filter_map(|component| component.store_product());
            let place = |product: &StoreProduct| match self.row_of_product(product.row.id) {
                Some(row) => Some((own_part, row)),
                None => locate(product.row.id),
            };
            let products = on_sale.filter_map(place).collect();
            self.by_bundle.push((bundle.row.id, row));
            self.by_component.extend(bundle.components.iter().map(|component| (component.row.store_product_id, row)));
            self.bundles.push(BundleEntry { row, products });
        }
        self.by_bundle.sort_unstable();
        self.by_component.sort_unstable();
        self.by_component.dedup();
    }

    /// Returns the items in browsing order.
    pub fn items(&self) -> &[CatalogueItem] {
        &self.items
    }

    /// Returns how much there is.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> u32 {
        self.columns.rows
    }

    /// Returns the first row of an item.
    pub fn first_row(&self, item: u32) -> u32 {
        self.first_rows.get(item as usize).copied().unwrap_or(self.columns.rows)
    }

    /// Returns the rows of an item: the first, and the one after the last.
    pub fn rows_of(&self, item: u32) -> (u32, u32) {
        (self.first_row(item), self.first_row(item + 1))
    }

    /// Returns the item of a row.
    pub fn item_of(&self, row: u32) -> u32 {
        self.columns.item_of.get(row as usize).copied().unwrap_or_default()
    }

    /// Returns the store product of a row.
    pub fn product(&self, row: u32) -> Option<&StoreProduct> {
        let item = self.item_of(row);
        let group = self.items.get(item as usize)?.group()?;
        group.products.get((row - self.first_row(item)) as usize)
    }

    /// Returns the row of a store product.
    pub fn row_of_product(&self, id: i64) -> Option<u32> {
        find(&self.by_product, id).next()
    }

    /// Returns the row of a product variation in a sitting.
    pub fn row_in_sitting(&self, sitting: i64, product_variation: i64) -> Option<u32> {
        find(&self.by_sitting, (sitting, product_variation)).next()
    }

    /// Returns the row of a bundle.
    pub fn row_of_bundle(&self, id: i64) -> Option<u32> {
        find(&self.by_bundle, id).next()
    }

    /// Returns the rows of the bundles that name a store product, on sale or not.
    pub fn bundles_with(&self, store_product: i64) -> impl Iterator<Item = u32> + '_ {
        find(&self.by_component, store_product)
    }

    /// Returns how many rows are before an item with this key.
    pub fn rows_before(&self, key: &ItemKey<'_>) -> u32 {
        self.first_row(self.items.partition_point(|item| item.key() < *key) as u32)
    }

    /// Returns how many rows are before an item with this key, and in it.
    pub fn rows_up_to(&self, key: &ItemKey<'_>) -> u32 {
        self.first_row(self.items.partition_point(|item| item.key() <= *key) as u32)
    }

    /// Returns all rows that end an item.
    pub fn ends(&self) -> &Bitmap {
        &self.columns.ends
    }
}

fn find<K: Ord + Copy>(sorted: &[(K, u32)], key: K) -> impl Iterator<Item = u32> + '_ {
    let from = sorted.partition_point(|(other, _)| *other < key);
    sorted[from..].iter().take_while(move |(other, _)| *other == key).map(|(_, row)| *row)
}

/// Returns all store products with their rows.
pub fn rows_of_products<'a>(
    items: &'a [CatalogueItem],
    first_rows: &'a [u32],
) -> impl Iterator<Item = (u32, &'a StoreProduct)> + 'a {
    items.iter().zip(first_rows).flat_map(|(item, first)| {
        let products = item.group().into_iter().flat_map(|group| group.products.iter());
        products.enumerate().map(move |(position, product)| (first + position as u32, product))
    })
}

/// Collects the rows of each key.
#[derive(Debug)]
pub struct RowCollector<K>(pub HashMap<K, Vec<u32>>);

impl<K> Default for RowCollector<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: std::hash::Hash + Eq> RowCollector<K> {
    /// Adds a row, which is not before any other one, at most once.
    pub fn add(&mut self, key: K, row: u32) {
        let rows = self.0.entry(key).or_default();
        if rows.last() != Some(&row) {
            rows.push(row);
        }
    }
}
