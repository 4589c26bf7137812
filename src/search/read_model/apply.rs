//! Applies changes: the items that were touched are built again and put into the second segment.
//!
//! The second segment is small, so it is built again for each change. When it is large enough to be felt by searches, both
//! are merged; the items themselves and their JSON are shared and stay where they are.

use foldhash::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bitmap::Bitmap;
use super::build::{build_bundles, build_store_products, group_products};
use super::items::{CatalogueItem, OfferGroup, RecommendedProduct, StoreProduct, group_key};
use super::rows::{BundleRow, CatalogueRows, ComponentRow};
use super::segment::vocabulary::{Vocabulary, read_words};
use super::segment::{Segment, Totals};
use super::touched::Touched;
use super::{Part, ReadModel};

/// Items of the second segment from which merging is worth it.
const MANY_LATER_ITEMS: usize = 300;

/// What a change replaces: rows of both segments, and the items that take their place.
#[derive(Default)]
struct Replacement {
    /// Part and first row of each replaced item.
    removed: BTreeSet<(usize, u32)>,
    groups: Vec<Arc<OfferGroup>>,
    items: Vec<CatalogueItem>,
}

impl ReadModel {
    /// Returns the model of a later version. `rows` are those that [`load_touched`](crate::search::store::load_touched)
    /// read for `touched`, in the snapshot of this version.
    pub fn apply(&self, rows: CatalogueRows, touched: &Touched, version: i64) -> Self {
        if touched.everything || self.parts.is_empty() {
            return Self::build(CatalogueRows { version, ..rows });
        }
        if touched.is_empty() {
            return self.with_parts(self.parts.clone(), version);
        }
        let mut change = Replacement::default();
        let CatalogueRows { store_products, prices, events, sessions, instructors, bundles, components, .. } = rows;
        let products = build_store_products(store_products, prices, events, sessions, instructors);
        self.replace_groups(&mut change, products, touched);
        self.replace_bundles(&mut change, bundles, components, touched);
        self.replaced(change, version)
    }

    /// Replaces the groups of all touched store products, and of those with which they are recommended.
    fn replace_groups(&self, change: &mut Replacement, new: Vec<StoreProduct>, touched: &Touched) {
        let recommendations = &self.shared.recommendations;
        let mut open: BTreeSet<(usize, u32)> =
            touched.store_products.iter().filter_map(|id| self.locate(*id)).collect();
        let mut recommended: BTreeSet<(i64, i64)> =
            new.iter().map(|product| (product.row.sitting.id, product.row.form.id)).collect();
        recommended.extend(open.iter().filter_map(|place| {
            let row = &self.product_at(*place)?.row;
            Some((row.sitting.id, row.form.id))
        }));
        for (sitting, variation) in recommended {
            let others = recommendations.recommending(variation).iter();
            open.extend(others.filter_map(|other| self.locate_in_sitting(sitting, *other)));
        }
        // Other store products of the groups that new ones join.
        let keys: BTreeSet<(i64, i64)> = new.iter().map(|product| group_key(&product.row)).collect();
        open.extend(new.iter().flat_map(|product| self.group_mates(product, &keys)));
        let mut products: BTreeMap<i64, StoreProduct> = BTreeMap::new();
        for (part, row) in open {
            let segment = &self.parts[part].segment;
            let item = segment.item_of(row);
            if !change.removed.insert((part, segment.first_row(item))) {
                continue;
            }
            let group = segment.items().get(item as usize).and_then(CatalogueItem::group);
            let others = group.into_iter().flat_map(|group| &group.products);
            let untouched = others.filter(|product| !touched.store_products.contains(&product.row.id));
            products.extend(untouched.map(|product| (product.row.id, product.clone())));
        }
        products.extend(new.into_iter().map(|product| (product.row.id, product)));
        let products: Vec<StoreProduct> = products.into_values().collect();
        change.groups = group_products(products, &self.shared.categories, |groups| self.link(groups, touched));
        change.items.extend(change.groups.iter().cloned().map(CatalogueItem::Group));
    }

    /// Returns the rows of the groups with these keys, found beside one of their store products.
    fn group_mates(&self, product: &StoreProduct, keys: &BTreeSet<(i64, i64)>) -> Vec<(usize, u32)> {
        let key = super::items::ItemKey::of_product(&product.row);
        let found = self.parts.iter().enumerate().filter_map(|(index, part)| {
            let row = part.segment.rows_before(&key);
            let mate = part.segment.product(row)?;
            (part.live.contains(row) && keys.contains(&group_key(&mate.row))).then_some((index, row))
        });
        found.collect()
    }

    /// Links what is recommended with changed store products, in the change or in the model.
    fn link(&self, groups: &mut [Vec<StoreProduct>], touched: &Touched) {
        let by_sitting: HashMap<(i64, i64), Arc<RecommendedProduct>> = groups
            .iter()
            .flatten()
            .map(|product| {
                let key = (product.row.sitting.id, product.row.form.id);
                (key, Arc::new(RecommendedProduct::of(product)))
            })
            .collect();
        // The rows of those that are no longer on sale are still in the model.
        let mut changed: BTreeSet<i64> = groups.iter().flatten().map(|product| product.row.id).collect();
        changed.extend(&touched.store_products);
        for product in groups.iter_mut().flatten() {
            let Some(variation) = self.shared.recommendations.recommended_with(product.row.form.id) else {
                continue;
            };
            let sitting = product.row.sitting.id;
            let unchanged = || {
                let place = self.locate_in_sitting(sitting, variation)?;
                let found = self.product_at(place).filter(|found| !changed.contains(&found.row.id))?;
                Some(Arc::new(RecommendedProduct::of(found)))
            };
            let known = by_sitting.get(&(sitting, variation)).cloned();
            product.recommended = Some(known.or_else(unchanged));
        }
    }

    /// Replaces the touched bundles, and those with a component in a replaced group.
    fn replace_bundles(
        &self,
        change: &mut Replacement,
        mut bundles: Vec<BundleRow>,
        mut components: Vec<ComponentRow>,
        touched: &Touched,
    ) {
        let mut moved: BTreeSet<i64> = touched.store_products.clone();
        moved.extend(change.groups.iter().flat_map(|group| &group.products).map(|product| product.row.id));
        let mut found: BTreeSet<(usize, u32)> = BTreeSet::new();
        for (index, part) in self.parts.iter().enumerate() {
            let named = touched.bundles.iter().filter_map(|id| part.segment.row_of_bundle(*id));
            let with_moved = moved.iter().flat_map(|id| part.segment.bundles_with(*id));
            found.extend(named.chain(with_moved).filter(|row| part.live.contains(*row)).map(|row| (index, row)));
        }
        for (part, row) in found {
            let segment = &self.parts[part].segment;
            change.removed.insert((part, row));
            let Some(CatalogueItem::Bundle(bundle)) = segment.items().get(segment.item_of(row) as usize) else {
                continue;
            };
            if !touched.bundles.contains(&bundle.row.id) {
                bundles.push(bundle.row.clone());
                components.extend(bundle.components.iter().map(|component| component.row.clone()));
            }
        }
        let changed: HashMap<i64, (Arc<OfferGroup>, usize)> = change
            .groups
            .iter()
            .flat_map(|group| {
                group.products.iter().enumerate().map(move |(at, product)| (product.row.id, (group.clone(), at)))
            })
            .collect();
        let find = |id: i64| match changed.get(&id) {
            Some(found) => Some(found.clone()),
            None if moved.contains(&id) => None,
            None => {
                let (part, row) = self.locate(id)?;
                let segment = &self.parts[part].segment;
                let item = segment.item_of(row);
                let group = segment.items().get(item as usize)?.group()?;
                Some((group.clone(), (row - segment.first_row(item)) as usize))
            }
        };
        change.items.extend(build_bundles(bundles, components, find).into_iter().map(CatalogueItem::Bundle));
    }

    fn product_at(&self, (part, row): (usize, u32)) -> Option<&StoreProduct> {
        self.parts.get(part)?.segment.product(row)
    }

    fn locate_in_sitting(&self, sitting: i64, product_variation: i64) -> Option<(usize, u32)> {
        self.find_live(|segment| segment.row_in_sitting(sitting, product_variation))
    }

    /// Returns the model with other items in place of some.
    fn replaced(&self, change: Replacement, version: i64) -> Self {
        let mut live: Vec<Bitmap> = self.parts.iter().map(|part| (*part.live).clone()).collect();
        for (part, first) in &change.removed {
            let segment = &self.parts[*part].segment;
            let (start, end) = segment.rows_of(segment.item_of(*first));
            (start..end).for_each(|row| live[*part].remove(row));
        }
        let mut new = change.items;
        new.sort_by(|a, b| a.key().cmp(&b.key()));
        let first = Part { segment: Arc::clone(&self.parts[0].segment), live: Arc::new(live.swap_remove(0)) };
        let new_words = read_words(&new);
        let later = live.pop().zip(self.parts.get(1));
        let (items, vocabulary) = match &later {
            Some((live, part)) => combine(&[(&part.segment, live)], &new, &new_words),
            None => combine(&[], &new, &new_words),
        };
        let find_first = |id: i64| {
            let row = first.segment.row_of_product(id)?;
            first.live.contains(row).then_some((0, row))
        };
        let second = Segment::build(items, Some(vocabulary), &self.shared.categories, 1, find_first);
        self.with_parts(vec![first.clone(), Part::whole(second)], version)
    }

    fn with_parts(&self, parts: Vec<Part>, version: i64) -> Self {
        let mut model = Self { version, shared: Arc::clone(&self.shared), parts, ..Self::default() };
        model.totals = model.count();
        let places = model
            .parts
            .get(1)
            .map(|part| part.segment.items().iter().map(|item| model.rows_before(&item.key())).collect());
        model.places = places.unwrap_or_default();
        model
    }

    fn count(&self) -> Totals {
        let mut totals = Totals::default();
        for part in &self.parts {
            totals = totals.plus(part.segment.totals());
            for item in part.dead_items() {
                totals.remove(item);
            }
        }
        totals
    }

    /// Reports whether so much was applied that [`merged`](Self::merged) makes searches faster.
    pub fn needs_merge(&self) -> bool {
        self.parts.get(1).is_some_and(|part| part.segment.items().len() > MANY_LATER_ITEMS)
    }

    /// Returns the same catalogue in its fastest form.
    ///
    /// It takes longer than a change may wait: a follower runs it in the background and then applies what was touched
    /// meanwhile.
    pub fn merged(&self) -> Self {
        let sources: Vec<(&Segment, &Bitmap)> = self.parts.iter().map(|part| (&*part.segment, &*part.live)).collect();
        let (items, vocabulary) = combine(&sources, &[], &Vocabulary::default());
        // Bundles name the groups of their components, which did not change.
        let segment = Segment::build(items, Some(vocabulary), &self.shared.categories, 0, |_| None);
        self.with_parts(vec![Part::whole(segment)], self.version)
    }
}

/// Returns the live items of segments and new ones in browsing order, with their vocabulary.
fn combine(
    sources: &[(&Segment, &Bitmap)],
    new: &[CatalogueItem],
    new_words: &Vocabulary,
) -> (Vec<CatalogueItem>, Vocabulary) {
    // Source, first row there, item; new items come from the last source.
    let mut all: Vec<(usize, u32, &CatalogueItem)> = Vec::new();
    for (source, (segment, live)) in sources.iter().enumerate() {
        let items = segment.items().iter().enumerate().map(|(index, item)| (segment.first_row(index as u32), item));
        all.extend(items.filter(|(row, _)| live.contains(*row)).map(|(row, item)| (source, row, item)));
    }
    let mut next_row = 0;
    for item in new {
        all.push((sources.len(), next_row, item));
        next_row += item.rows();
    }
    all.sort_by(|(.., a), (.., b)| a.key().cmp(&b.key()));
    let mut new_rows: Vec<Vec<Option<u32>>> =
        sources.iter().map(|(segment, _)| vec![None; segment.rows() as usize]).collect();
    new_rows.push(vec![None; next_row as usize]);
    let mut rows = 0;
    for (source, first, item) in &all {
        for offset in 0..item.rows() {
            new_rows[*source][(first + offset) as usize] = Some(rows + offset);
        }
        rows += item.rows();
    }
    let vocabularies = sources.iter().map(|(segment, _)| &segment.vocabulary).chain([new_words]);
    let parts: Vec<(&Vocabulary, Vec<Option<u32>>)> = vocabularies.zip(new_rows).collect();
    (all.into_iter().map(|(.., item)| item.clone()).collect(), Vocabulary::combined(&parts, rows))
}
