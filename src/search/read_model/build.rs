//! Builds the items of the read model from rows.

use foldhash::{HashMap, HashMapExt, HashSet};
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
use super::segment::vocabulary::Vocabulary;
use super::text::words;
use super::{Part, ReadModel, SharedCatalogue};
use crate::names::fold;

impl ReadModel {
    /// Builds the read model. Rows that refer to a row that was not loaded are omitted.
    pub fn build(rows: CatalogueRows) -> Self {
        Self::build_with(rows, None)
    }

    /// Builds the read model. The vocabulary is the one that a model of the same rows had before.
    pub fn build_with(rows: CatalogueRows, vocabulary: Option<Vocabulary>) -> Self {
        let categories = Categories::new(&rows.categories, &rows.memberships, &rows.facet_entries);
        let products =
            build_store_products(rows.store_products, rows.prices, rows.events, rows.sessions, rows.instructors);
        let recommended = Recommendations::new(&rows.recommendations);
        let groups = group_products(products, &categories, |groups| recommended.link_all(groups));
        let by_id: HashMap<i64, (&Arc<OfferGroup>, usize)> = groups.iter().flat_map(positions).collect();
        let find = |id: i64| by_id.get(&id).map(|(group, position)| (Arc::clone(group), *position));
        let bundles = build_bundles(rows.bundles, rows.components, find);
        let items: Vec<CatalogueItem> = bundles
            .into_iter()
            .map(CatalogueItem::Bundle)
            .chain(groups.iter().cloned().map(CatalogueItem::Group))
            .collect();
        let items = in_browsing_order(&items);
        let segment = Segment::build(items, vocabulary, &categories, 0, |_| None);
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

fn texts_of_key(item: &CatalogueItem) -> [&str; 3] {
    let key = item.key();
    [key.subject, key.name, key.exam_session]
}

/// Puts items in browsing order. Few different texts are in their keys, so each is compared once.
fn in_browsing_order(items: &[CatalogueItem]) -> Vec<CatalogueItem> {
    let texts: HashSet<&str> = items.iter().flat_map(texts_of_key).collect();
    let mut texts: Vec<&str> = texts.into_iter().collect();
    texts.sort_unstable();
    let ranks: HashMap<&str, usize> = texts.into_iter().enumerate().map(|(rank, text)| (text, rank)).collect();
    let key = |item: &CatalogueItem| {
        let (key, [subject, name, exam_session]) = (item.key(), texts_of_key(item).map(|text| ranks.get(text)));
        (subject, key.is_group, name, exam_session, key.first, key.second)
    };
    let mut order: Vec<_> = items.iter().map(|item| (key(item), item)).collect();
    order.sort_by_key(|(key, _)| *key);
    order.into_iter().map(|(_, item)| item.clone()).collect()
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
    mut products: Vec<StoreProduct>,
    categories: &Categories,
    link: impl FnOnce(&mut [Vec<StoreProduct>]),
) -> Vec<Arc<OfferGroup>> {
    products.sort_by_cached_key(|product| (group_key(&product.row), product.row.id));
    let mut names = KindNames { categories, known: HashMap::new() };
    let mut groups: Vec<Vec<StoreProduct>> = Vec::new();
    let mut products = products.into_iter().peekable();
    while let Some(first) = products.next() {
        let key = group_key(&first.row);
        let mut group = vec![first];
        while let Some(next) = products.next_if(|product| group_key(&product.row) == key) {
            group.push(next);
        }
        names.assign(&mut group);
        groups.push(group);
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

/// Builds store products with their prices and events. Rows of one thing are neighbours after they are sorted, so each is
/// read once.
pub fn build_store_products(
    mut rows: Vec<StoreProductRow>,
    mut prices: Vec<PriceRecord>,
    events: Vec<TutorialEventRow>,
    sessions: Vec<TutorialSessionRow>,
    instructors: Vec<InstructorRecord>,
) -> Vec<StoreProduct> {
    rows.sort_by_key(|row| row.id);
    prices.sort_by_key(|price| (price.store_product_id, price.id));
    let mut events = build_events(events, sessions, instructors);
    events.sort_by(|a, b| {
        let key = |event: &TutorialEvent| (event.row.store_product_id, event.row.start_date);
        key(a).cmp(&key(b)).then_with(|| a.row.code.cmp(&b.row.code))
    });
    let mut prices = Sorted::new(prices, |price| price.store_product_id);
    let mut events = Sorted::new(events, |event| event.row.store_product_id);
    let no_prices: Arc<[PriceRecord]> = Arc::default();
    let build = |row: StoreProductRow| {
        let of_product = prices.take(row.id);
        let prices = if of_product.is_empty() { no_prices.clone() } else { of_product.into() };
        StoreProduct { kind: ListingKind::Materials, prices, recommended: None, events: events.take(row.id), row }
    };
    rows.into_iter().map(build).collect()
}

/// Builds events, by id.
fn build_events(
    mut rows: Vec<TutorialEventRow>,
    mut sessions: Vec<TutorialSessionRow>,
    mut instructors: Vec<InstructorRecord>,
) -> Vec<TutorialEvent> {
    rows.sort_by_key(|row| row.id);
    sessions.sort_by_key(|session| (session.event_id, session.sequence, session.id));
    instructors.sort_by(|a, b| a.event_id.cmp(&b.event_id).then_with(|| a.name.cmp(&b.name)));
    instructors.dedup_by(|a, b| a.event_id == b.event_id && a.name == b.name);
    let mut sessions = Sorted::new(sessions, |session| session.event_id);
    let mut instructors = Sorted::new(instructors, |instructor| instructor.event_id);
    let mut zones = Zones::default();
    let build = |row: TutorialEventRow| {
        let (sessions, instructors) = (sessions.take(row.id), instructors.take(row.id));
        build_event(row, sessions, instructors.into_iter().map(|instructor| instructor.name).collect(), &mut zones)
    };
    rows.into_iter().map(build).collect()
}

/// Rows in the order of the ids of what they belong to.
struct Sorted<T, K> {
    rows: std::iter::Peekable<std::vec::IntoIter<T>>,
    owner: K,
}

impl<T, K: Fn(&T) -> i64> Sorted<T, K> {
    fn new(rows: Vec<T>, owner: K) -> Self {
        Self { rows: rows.into_iter().peekable(), owner }
    }

    /// Removes the rows of an owner. Owners are named in the order of their ids; rows of others are left out.
    fn take(&mut self, id: i64) -> Vec<T> {
        while self.rows.next_if(|row| (self.owner)(row) < id).is_some() {}
        let mut found = Vec::new();
        while let Some(row) = self.rows.next_if(|row| (self.owner)(row) == id) {
            found.push(row);
        }
        found.shrink_to_fit();
        found
    }
}

fn build_event(
    row: TutorialEventRow,
    mut sessions: Vec<TutorialSessionRow>,
    instructors: Box<[Text]>,
    zones: &mut Zones,
) -> TutorialEvent {
    for session in &mut sessions {
        if session.place.location.is_none() && session.place.venue.is_none() {
            session.place = row.place.clone();
        }
    }
    let zone = zones.zone(row.time_zone.as_ref());
    let last = sessions.iter().map(|session| session.end).max();
    let last_day = last.map_or(row.end_date, |end| end.to_zoned(zone.clone()).date());
    let over_from = seconds_at_end(last_day, zone);
    TutorialEvent { row, sessions: sessions.into(), instructors, over_from }
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
