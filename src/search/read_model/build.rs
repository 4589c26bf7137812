//! Builds the items of the read model from rows.

use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::categories::Categories;
use super::items::{
    BundleComponent, CatalogueItem, ListingKind, OfferGroup, RecommendedProduct, StoreBundle, StoreProduct,
    TutorialEvent, group_key, is_tutorial,
};
use super::rows::{
    BundleRow, CatalogueRows, ComponentRow, InstructorRecord, PriceRecord, RecommendationRow, StoreProductRow,
    SynonymRow, Text, TutorialEventRow, TutorialSessionRow,
};
use super::segment::Segment;
use super::text::words;
use super::{Part, ReadModel, SharedCatalogue};
use crate::names::fold;

impl ReadModel {
    /// Builds the read model. Rows that refer to a row that was not loaded are omitted.
    pub fn build(rows: CatalogueRows) -> Self {
        let categories = Categories::new(&rows.categories, &rows.memberships, &rows.facet_entries);
        let products =
            build_store_products(rows.store_products, rows.prices, rows.events, rows.sessions, rows.instructors);
        let recommended = Recommendations::new(&rows.recommendations);
        let groups = group_products(products, &categories, |groups| recommended.link_all(groups));
        let by_id: HashMap<i64, (&Arc<OfferGroup>, usize)> = groups.iter().flat_map(positions).collect();
        let find = |id: i64| by_id.get(&id).map(|(group, position)| (Arc::clone(group), *position));
        let bundles = build_bundles(rows.bundles, rows.components, find);
        let mut items: Vec<CatalogueItem> = bundles
            .into_iter()
            .map(CatalogueItem::Bundle)
            .chain(groups.iter().cloned().map(CatalogueItem::Group))
            .collect();
        items.sort_by(|a, b| a.key().cmp(&b.key()));
        let segment = Segment::build(items, None, &categories, 0, |_| None);
        let totals = segment.totals();
        let shared = SharedCatalogue {
            categories,
            filters: rows.filters,
            recommendations: recommended,
            synonyms: read_synonyms(rows.synonyms),
        };
        Self {
            version: rows.version,
            shared: Arc::new(shared),
            parts: vec![Part::whole(segment)],
            totals,
            ..Self::default()
        }
    }
}

/// Returns the words that mean the same, by word.
fn read_synonyms(rows: Vec<SynonymRow>) -> HashMap<String, Vec<Vec<String>>> {
    let read = |row: SynonymRow| {
        let synonyms = row.synonyms.iter().map(|text| words(text)).filter(|words| !words.is_empty()).collect();
        (words(&row.word).concat(), synonyms)
    };
    rows.into_iter().map(read).collect()
}

fn positions(group: &Arc<OfferGroup>) -> impl Iterator<Item = (i64, (&Arc<OfferGroup>, usize))> {
    group.products.iter().enumerate().map(move |(position, product)| (product.row.id, (group, position)))
}

/// Which product variation is recommended with which.
#[derive(Debug, Default)]
pub struct Recommendations {
    recommended: HashMap<i64, i64>,
    by_recommended: HashMap<i64, Vec<i64>>,
}

impl Recommendations {
    fn new(rows: &[RecommendationRow]) -> Self {
        let mut all = Self::default();
        for row in rows {
            all.recommended.insert(row.product_variation_id, row.recommended_id);
            all.by_recommended.entry(row.recommended_id).or_default().push(row.product_variation_id);
        }
        all
    }

    /// Returns the product variation that is recommended with one.
    pub fn recommended_with(&self, product_variation: i64) -> Option<i64> {
        self.recommended.get(&product_variation).copied()
    }

    /// Returns the product variations with which one is recommended.
    pub fn recommending(&self, product_variation: i64) -> &[i64] {
        self.by_recommended.get(&product_variation).map_or(&[], Vec::as_slice)
    }

    fn link_all(&self, groups: &mut [Vec<StoreProduct>]) {
        if self.recommended.is_empty() {
            return;
        }
        let mut by_sitting: HashMap<(i64, i64), Arc<RecommendedProduct>> = HashMap::new();
        for product in groups.iter().flatten().filter(|product| !self.recommending(product.row.form.id).is_empty()) {
            let key = (product.row.sitting.id, product.row.form.id);
            by_sitting.insert(key, Arc::new(RecommendedProduct::of(product)));
        }
        for product in groups.iter_mut().flatten() {
            if let Some(id) = self.recommended_with(product.row.form.id) {
                product.recommended = Some(by_sitting.get(&(product.row.sitting.id, id)).cloned());
            }
        }
    }
}

/// Groups store products. `link` adds what is recommended with them before.
pub fn group_products(
    products: Vec<StoreProduct>,
    categories: &Categories,
    link: impl FnOnce(&mut [Vec<StoreProduct>]),
) -> Vec<Arc<OfferGroup>> {
    let mut by_group: HashMap<(i64, i64), Vec<StoreProduct>> = HashMap::new();
    for product in products {
        by_group.entry(group_key(&product.row)).or_default().push(product);
    }
    let mut groups: Vec<Vec<StoreProduct>> = by_group.into_values().collect();
    let mut names = KindNames { categories, known: HashMap::new() };
    for products in &mut groups {
        products.sort_by_key(|product| product.row.id);
        names.assign(products);
    }
    link(&mut groups);
    groups.into_iter().map(|products| Arc::new(OfferGroup::new(products))).collect()
}

/// Finds the types of listings: by their category names, else by their full name, else by their variations.
struct KindNames<'a> {
    categories: &'a Categories,
    known: HashMap<(i64, Text), Option<ListingKind>>,
}

impl KindNames<'_> {
    fn assign(&mut self, products: &mut [StoreProduct]) {
        let Some(StoreProduct { row, .. }) = products.first() else { return };
        let categories = self.categories;
        let by_name =
            *self.known.entry((row.form.catalog_product_id, row.form.fullname.clone())).or_insert_with(|| {
                let group_names: Vec<String> = categories.names_of(row.form.catalog_product_id).map(fold).collect();
                kind_from_names(group_names.iter().map(String::as_str))
                    .or_else(|| kind_from_names([fold(&row.form.fullname).as_str()].into_iter()))
            });
        let has_tutorial = products.iter().any(|product| is_tutorial(&product.row));
        let kind = by_name.unwrap_or(if has_tutorial { ListingKind::Tutorial } else { ListingKind::Materials });
        products.iter_mut().for_each(|product| product.kind = kind);
    }
}

fn kind_from_names<'a>(folded_names: impl Iterator<Item = &'a str> + Clone) -> Option<ListingKind> {
    let has_word = |word: &str| folded_names.clone().any(|name| name.contains(word));
    if has_word("tutorial") {
        Some(ListingKind::Tutorial)
    } else if has_word("marking") {
        Some(ListingKind::Markings)
    } else {
        None
    }
}

/// Builds store products with their prices and events.
pub fn build_store_products(
    rows: Vec<StoreProductRow>,
    prices: Vec<PriceRecord>,
    events: Vec<TutorialEventRow>,
    sessions: Vec<TutorialSessionRow>,
    instructors: Vec<InstructorRecord>,
) -> Vec<StoreProduct> {
    let mut events = events_by_product(events, sessions, instructors);
    let mut prices_of: HashMap<i64, Vec<PriceRecord>> = HashMap::new();
    for price in prices {
        prices_of.entry(price.store_product_id).or_default().push(price);
    }
    let no_prices: Arc<[PriceRecord]> = Arc::default();
    let build = |row: StoreProductRow| {
        let prices = prices_of.remove(&row.id).map_or_else(
            || no_prices.clone(),
            |mut prices| {
                prices.sort_by_key(|price| price.id);
                prices.into()
            },
        );
        let events = events.remove(&row.id).unwrap_or_default();
        StoreProduct { kind: ListingKind::Materials, prices, recommended: None, events, row }
    };
    rows.into_iter().map(build).collect()
}

fn events_by_product(
    events: Vec<TutorialEventRow>,
    sessions: Vec<TutorialSessionRow>,
    instructors: Vec<InstructorRecord>,
) -> HashMap<i64, Vec<TutorialEvent>> {
    let mut sessions_of: HashMap<i64, Vec<TutorialSessionRow>> = HashMap::with_capacity(events.len());
    for session in sessions {
        sessions_of.entry(session.event_id).or_default().push(session);
    }
    let mut instructors_of: HashMap<i64, Vec<Text>> = HashMap::with_capacity(events.len());
    for instructor in instructors {
        instructors_of.entry(instructor.event_id).or_default().push(instructor.name);
    }
    let mut by_product: HashMap<i64, Vec<TutorialEvent>> = HashMap::new();
    let mut zones = Zones::default();
    for row in events {
        let sessions = sessions_of.remove(&row.id).unwrap_or_default();
        let instructors = instructors_of.remove(&row.id).unwrap_or_default();
        by_product.entry(row.store_product_id).or_default().push(build_event(row, sessions, instructors, &mut zones));
    }
    for events in by_product.values_mut() {
        events.sort_by(|a, b| (a.row.start_date, &a.row.code).cmp(&(b.row.start_date, &b.row.code)));
        events.shrink_to_fit();
    }
    by_product
}

fn build_event(
    row: TutorialEventRow,
    mut sessions: Vec<TutorialSessionRow>,
    mut instructors: Vec<Text>,
    zones: &mut Zones,
) -> TutorialEvent {
    sessions.sort_by_key(|session| (session.sequence, session.id));
    for session in &mut sessions {
        if session.place.location.is_none() && session.place.venue.is_none() {
            session.place = row.place.clone();
        }
    }
    instructors.sort();
    instructors.dedup();
    let zone = zones.zone(row.time_zone.as_ref());
    let last = sessions.iter().map(|session| session.end).max();
    let last_day = last.map_or(row.end_date, |end| end.to_zoned(zone.clone()).date());
    let over_from = seconds_at_end(last_day, zone);
    TutorialEvent { row, sessions: sessions.into(), instructors: instructors.into(), over_from }
}

/// Returns the second in which a day ends in a zone.
fn seconds_at_end(day: Date, zone: TimeZone) -> i64 {
    let end = day.tomorrow().ok().and_then(|next| next.to_zoned(zone).ok());
    end.map_or(i64::MAX, |end| end.timestamp().as_second())
}

/// Time zones by name.
#[derive(Default)]
struct Zones(BTreeMap<Text, TimeZone>);

impl Zones {
    fn zone(&mut self, name: Option<&Text>) -> TimeZone {
        let Some(name) = name else { return TimeZone::UTC };
        let known = self.0.entry(name.clone());
        known.or_insert_with(|| TimeZone::get(name).unwrap_or(TimeZone::UTC)).clone()
    }
}

/// Builds bundles with their components. `find` finds a store product that is on sale.
pub fn build_bundles(
    rows: Vec<BundleRow>,
    components: Vec<ComponentRow>,
    find: impl Fn(i64) -> Option<(Arc<OfferGroup>, usize)>,
) -> Vec<Arc<StoreBundle>> {
    let mut components_of: HashMap<i64, Vec<BundleComponent>> = HashMap::new();
    for row in components {
        let product = find(row.store_product_id);
        components_of.entry(row.bundle_id).or_default().push(BundleComponent { row, product });
    }
    let build = |row: BundleRow| {
        let mut components = components_of.remove(&row.id).unwrap_or_default();
        components.sort_by_key(|component| (component.row.sort_order, component.row.store_product_id));
        Arc::new(StoreBundle::new(row, components))
    };
    rows.into_iter().map(build).collect()
}
