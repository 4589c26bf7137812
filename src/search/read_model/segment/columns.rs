//! The columns of the rows of a segment that filters and facets compare.
//!
//! Rows are in browsing order, so subjects are runs of neighbours, and catalogue products a few runs each.

use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeMap;

use super::super::bitmap::Bitmap;
use super::super::categories::Categories;
use super::super::items::{CatalogueItem, StoreProduct, short_name};
use super::super::row_sets::StoredRows;
use super::super::rows::{FormRow, Text};
use super::facet_name::FacetName;
use super::rows_of_products;
use crate::names::fold;

/// A store product of a catalogue product, and the runs of its rows.
type FoundRuns<'a> = (&'a StoreProduct, Vec<(u32, u32)>);

/// The number of a catalogue product that a bundle has.
pub const NO_PRODUCT: u32 = u32::MAX;

/// Neighbouring rows of one subject.
#[derive(Debug)]
pub struct SubjectRun {
    /// Id of the subject.
    pub id: i64,
    /// The value of the facet; its key is the code.
    pub facet: FacetName,
    /// The first row.
    pub start: u32,
    /// The row after the last.
    pub end: u32,
}

/// A catalogue product.
#[derive(Debug)]
pub struct ProductRuns {
    /// Its id.
    pub id: i64,
    /// The value of the facet; its key is the id.
    pub facet: FacetName,
    /// Its rows: the first of each run, and the one after the last.
    pub runs: Vec<(u32, u32)>,
}

/// A variation.
#[derive(Debug)]
pub struct VariationRows {
    /// Its id.
    pub id: i64,
    /// Its folded type.
    pub folded_type: String,
    /// Its folded name.
    pub folded_name: String,
    /// Its rows.
    pub rows: StoredRows,
}

/// A type of variations.
#[derive(Debug)]
pub struct ModeRows {
    /// The value of the facet; its key is the type.
    pub facet: FacetName,
    /// The lowest id of its variations, which names it.
    pub lowest_variation: i64,
    /// Its rows.
    pub rows: StoredRows,
}

/// The columns of a segment.
#[derive(Debug, Default)]
pub struct SegmentColumns {
    /// Number of rows.
    pub rows: u32,
    /// The rows that are store products.
    pub offers: Bitmap,
    /// The rows that are bundles.
    pub bundles: Bitmap,
    /// The last row of each item.
    pub ends: Bitmap,
    /// Row → item.
    pub item_of: Vec<u32>,
    /// Subjects by code.
    pub subjects: Vec<SubjectRun>,
    /// Catalogue products by the text of their id.
    pub products: Vec<ProductRuns>,
    /// Row → its catalogue product, by position in `products`.
    pub product_of: Vec<u32>,
    /// Number of runs of all products.
    pub product_runs: usize,
    /// Variations.
    pub variations: Vec<VariationRows>,
    /// Types of variations by name.
    pub modes: Vec<ModeRows>,
    categories: HashMap<i64, CategoryRows>,
}

/// What is in a category.
#[derive(Debug)]
pub struct CategoryRows {
    /// Its rows.
    pub rows: StoredRows,
    /// Its catalogue products, by position in `products`.
    pub products: Box<[u32]>,
}

impl SegmentColumns {
    /// Reads the columns of items in browsing order.
    pub fn new(items: &[CatalogueItem], first_rows: &[u32], categories: &Categories) -> Self {
        let rows = first_rows.last().copied().unwrap_or_default();
        let mut columns = Self { rows, ..Self::default() };
        columns.item_of.reserve(rows as usize);
        for (index, item) in items.iter().enumerate() {
            let (start, end) = (first_rows[index], first_rows[index + 1]);
            columns.item_of.resize(end as usize, index as u32);
            columns.ends.insert(end - 1);
            match item {
                CatalogueItem::Group(_) => columns.offers.insert_range(start, end),
                CatalogueItem::Bundle(_) => columns.bundles.insert(start),
            }
            columns.add_subject(item, start, end);
        }
        columns.read_products(items, first_rows);
        columns.read_variations(items, first_rows);
        columns.read_categories(categories);
        columns
    }

    fn add_subject(&mut self, item: &CatalogueItem, start: u32, end: u32) {
        let (id, code) = match item {
            CatalogueItem::Group(group) => {
                (group.products[0].row.sitting.subject_id, &group.products[0].row.sitting.subject_code)
            }
            CatalogueItem::Bundle(bundle) => (bundle.row.subject_id, &bundle.row.subject_code),
        };
        match self.subjects.last_mut() {
            Some(run) if run.id == id && run.facet.key == *code => run.end = end,
            _ => {
                let facet = FacetName::new(code.clone(), code.clone(), false);
                self.subjects.push(SubjectRun { id, facet, start, end });
            }
        }
    }

    fn read_products(&mut self, items: &[CatalogueItem], first_rows: &[u32]) {
        let mut found: HashMap<i64, FoundRuns<'_>> = HashMap::new();
        for (item, first) in items.iter().zip(first_rows) {
            let Some(group) = item.group() else { continue };
            let product = &group.products[0];
            let end = first + item.rows();
            let (_, runs) = found.entry(product.row.form.catalog_product_id).or_insert_with(|| (product, Vec::new()));
            match runs.last_mut() {
                Some(run) if run.1 == *first => run.1 = end,
                _ => runs.push((*first, end)),
            }
        }
        let mut products: Vec<ProductRuns> = found
            .into_iter()
            .map(|(id, (product, runs))| {
                let name: Text = match short_name(&product.row) {
                    name if name.is_empty() => format!("Product {id}").into(),
                    name => name.clone(),
                };
                ProductRuns { id, facet: FacetName::new(id.to_string().into(), name, true), runs }
            })
            .collect();
        products.sort_unstable_by(|a, b| a.facet.key.cmp(&b.facet.key));
        self.product_of = vec![NO_PRODUCT; self.rows as usize];
        for (index, product) in products.iter().enumerate() {
            for (start, end) in &product.runs {
                self.product_of[*start as usize..*end as usize].fill(index as u32);
            }
        }
        self.product_runs = products.iter().map(|product| product.runs.len()).sum();
        self.products = products;
    }

    fn read_variations(&mut self, items: &[CatalogueItem], first_rows: &[u32]) {
        // Many rows share few forms.
        let mut by_form: HashMap<i64, (&FormRow, Vec<u32>)> = HashMap::new();
        for (row, product) in rows_of_products(items, first_rows) {
            let form = &*product.row.form;
            by_form.entry(form.id).or_insert_with(|| (form, Vec::new())).1.push(row);
        }
        let mut variations: BTreeMap<i64, (&FormRow, Vec<u32>)> = BTreeMap::new();
        let mut modes: BTreeMap<&str, (&FormRow, Vec<u32>)> = BTreeMap::new();
        for (form, rows) in by_form.into_values() {
            variations.entry(form.variation_id).or_insert_with(|| (form, Vec::new())).1.extend(&rows);
            let (lowest, of_mode) = modes.entry(&form.variation_type).or_insert_with(|| (form, Vec::new()));
            of_mode.extend(rows);
            if form.variation_id < lowest.variation_id {
                *lowest = form;
            }
        }
        let sorted = |mut rows: Vec<u32>| {
            rows.sort_unstable();
            StoredRows::new(rows)
        };
        for (id, (form, rows)) in variations {
            let (folded_type, folded_name) = (fold(&form.variation_type), fold(&form.variation_name));
            self.variations.push(VariationRows { id, folded_type, folded_name, rows: sorted(rows) });
        }
        for (mode, (lowest, rows)) in modes {
            let facet = FacetName::new(mode.into(), lowest.variation_name.clone(), true);
            self.modes.push(ModeRows { facet, lowest_variation: lowest.variation_id, rows: sorted(rows) });
        }
    }

    fn read_categories(&mut self, categories: &Categories) {
        for (id, members) in categories.members() {
            let is_member = |index: &u32| members.contains(&self.products[*index as usize].id);
            let products: Box<[u32]> = (0..self.products.len() as u32).filter(is_member).collect();
            let of_product = |index: &u32| self.products[*index as usize].runs.iter().copied();
            let mut runs: Vec<(u32, u32)> = products.iter().flat_map(of_product).collect();
            runs.sort_unstable();
            let rows: Vec<u32> = runs.into_iter().flat_map(|(start, end)| start..end).collect();
            if !rows.is_empty() {
                self.categories.insert(id, CategoryRows { rows: StoredRows::new(rows), products });
            }
        }
    }

    /// Returns what is in a category.
    pub fn category(&self, id: i64) -> Option<&CategoryRows> {
        self.categories.get(&id)
    }

    /// Returns how many rows of a set each catalogue product has, by position in `products`.
    pub fn count_products(&self, rows: &Bitmap) -> Vec<u32> {
        if rows.count() as usize > self.product_runs * 2 {
            let ranks = rows.ranks();
            let of_runs = |(start, end): &(u32, u32)| ranks.between(*start, *end);
            return self.products.iter().map(|product| product.runs.iter().map(of_runs).sum()).collect();
        }
        let mut counts = vec![0u32; self.products.len()];
        rows.for_each(|row| {
            let product = self.product_of[row as usize];
            if product != NO_PRODUCT {
                counts[product as usize] += 1;
            }
        });
        counts
    }

    /// Returns the rows of catalogue products.
    pub fn rows_of_catalog_products(&self, ids: impl IntoIterator<Item = i64>) -> Bitmap {
        let mut rows = Bitmap::empty();
        let ids: std::collections::BTreeSet<i64> = ids.into_iter().collect();
        for product in self.products.iter().filter(|product| ids.contains(&product.id)) {
            product.runs.iter().for_each(|(start, end)| rows.insert_range(*start, *end));
        }
        rows
    }
}
