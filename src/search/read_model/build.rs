//! Builds the read model from its rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::categories::Categories;
use super::ranking::{TextField, Vocabulary, VocabularyBuilder};
use super::rows::{
    BundleRow, CatalogueRows, ComponentRow, InstructorRecord, Place, PriceRecord, RecommendationRow, StoreProductRow,
    TutorialEventRow, TutorialSessionRow,
};
use super::touched::Touched;
use super::{ListingKind, ReadModel, StoreBundle, StoreProduct, TutorialEvent, is_tutorial};
use crate::names::fold;

impl ReadModel {
    /// Builds the read model. Rows that refer to a row that was not loaded are omitted.
    pub fn build(rows: CatalogueRows) -> Self {
        let categories = Categories::new(&rows.categories, &rows.memberships, &rows.facet_entries);
        let events = events_by_product(rows.events, rows.sessions, &rows.instructors);
        let mut store_products = build_store_products(rows.store_products, rows.prices, events);
        assign_kinds(&mut store_products, &categories);
        link_recommendations(&mut store_products, &rows.recommendations);
        let bundles = build_bundles(rows.bundles, rows.components, &store_products);
        let vocabulary = build_vocabulary(&store_products, &bundles);
        Self { version: rows.version, store_products, bundles, categories, filters: rows.filters, vocabulary }
    }

    /// Returns the model of a later version. `rows` are those that [`load_touched`](crate::search::store::load_touched)
    /// read for `touched`, in the snapshot of this version.
    pub fn apply(&self, rows: CatalogueRows, _touched: &Touched, version: i64) -> Self {
        Self::build(CatalogueRows { version, ..rows })
    }

    /// Reports whether so much was applied that [`merged`](Self::merged) makes searches faster.
    pub fn needs_merge(&self) -> bool {
        false
    }

    /// Returns the same catalogue in its fastest form.
    ///
    /// It takes longer than a change may wait: a follower runs it in the background and then applies what was touched
    /// meanwhile.
    pub fn merged(&self) -> Self {
        self.apply(CatalogueRows::default(), &Touched::default(), self.version)
    }
}

fn events_by_product(
    events: Vec<TutorialEventRow>,
    sessions: Vec<TutorialSessionRow>,
    instructors: &[InstructorRecord],
) -> HashMap<i64, Vec<TutorialEvent>> {
    let mut sessions_of: HashMap<i64, Vec<TutorialSessionRow>> = HashMap::new();
    for session in sessions {
        sessions_of.entry(session.event_id).or_default().push(session);
    }
    let mut instructors_of: HashMap<i64, Vec<String>> = HashMap::new();
    for instructor in instructors {
        instructors_of.entry(instructor.event_id).or_default().push(instructor.name.clone());
    }
    let mut by_product: HashMap<i64, Vec<TutorialEvent>> = HashMap::new();
    for row in events {
        let sessions = sessions_of.remove(&row.id).unwrap_or_default();
        let instructors = instructors_of.remove(&row.id).unwrap_or_default();
        by_product.entry(row.store_product_id).or_default().push(build_event(row, sessions, instructors));
    }
    for events in by_product.values_mut() {
        events.sort_by(|a, b| (a.row.start_date, &a.row.code).cmp(&(b.row.start_date, &b.row.code)));
    }
    by_product
}

fn build_event(
    row: TutorialEventRow,
    mut sessions: Vec<TutorialSessionRow>,
    mut instructors: Vec<String>,
) -> TutorialEvent {
    sessions.sort_by_key(|session| (session.sequence, session.id));
    for session in &mut sessions {
        if session.place.location.is_none() && session.place.venue.is_none() {
            session.place = row.place.clone();
        }
    }
    instructors.sort();
    instructors.dedup();
    let places: Vec<&Place> = std::iter::once(&row.place).chain(sessions.iter().map(|s| &s.place)).collect();
    let locations = places.iter().flat_map(|place| [&place.location, &place.location_code]);
    let location_names = fold_all(locations.flatten());
    let venue_names = fold_all(places.iter().filter_map(|place| place.venue.as_ref()));
    let instructor_names = fold_all(&instructors);
    TutorialEvent { location_names, venue_names, instructor_names, row, sessions, instructors }
}

fn fold_all<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut all: Vec<String> = names.into_iter().map(|name| fold(name)).filter(|name| !name.is_empty()).collect();
    all.sort();
    all.dedup();
    all
}

fn build_store_products(
    mut rows: Vec<StoreProductRow>,
    prices: Vec<PriceRecord>,
    mut events: HashMap<i64, Vec<TutorialEvent>>,
) -> Vec<StoreProduct> {
    let mut prices_of: HashMap<i64, Vec<PriceRecord>> = HashMap::new();
    for price in prices {
        prices_of.entry(price.store_product_id).or_default().push(price);
    }
    rows.sort_by(|a, b| browsing_order(a).cmp(&browsing_order(b)));
    let mut products: Vec<StoreProduct> = Vec::with_capacity(rows.len());
    for row in rows {
        let listing = match products.last() {
            None => 0,
            Some(last) if listing_key(&last.row) == listing_key(&row) => last.listing,
            Some(last) => last.listing + 1,
        };
        let mut prices = prices_of.remove(&row.id).unwrap_or_default();
        prices.sort_by_key(|price| price.id);
        let events = events.remove(&row.id).unwrap_or_default();
        products.push(StoreProduct { listing, kind: ListingKind::Materials, prices, recommended: None, events, row });
    }
    products
}

fn browsing_order(row: &StoreProductRow) -> (&str, &str, &str, i64, i64, i64) {
    let name = if row.shortname.is_empty() { &row.fullname } else { &row.shortname };
    let StoreProductRow { subject_code, exam_session_code, sitting_id, catalog_product_id, id, .. } = row;
    (subject_code, name, exam_session_code, *sitting_id, *catalog_product_id, *id)
}

fn listing_key(row: &StoreProductRow) -> (i64, i64) {
    (row.sitting_id, row.catalog_product_id)
}

/// Sets the type of each listing by its category names, else by its full name, else by its variations.
fn assign_kinds(products: &mut [StoreProduct], categories: &Categories) {
    let mut has_tutorials: BTreeMap<usize, bool> = BTreeMap::new();
    for product in products.iter() {
        *has_tutorials.entry(product.listing).or_default() |= is_tutorial(&product.row);
    }
    for product in products.iter_mut() {
        let group_names: Vec<String> = categories.names_of(product.row.catalog_product_id).map(fold).collect();
        let by_name = kind_from_names(group_names.iter().map(String::as_str))
            .or_else(|| kind_from_names([fold(&product.row.fullname).as_str()].into_iter()));
        let is_tutorial_listing = has_tutorials.get(&product.listing).copied().unwrap_or_default();
        product.kind =
            by_name.unwrap_or(if is_tutorial_listing { ListingKind::Tutorial } else { ListingKind::Materials });
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

fn link_recommendations(products: &mut [StoreProduct], recommendations: &[RecommendationRow]) {
    let by_sitting: HashMap<(i64, i64), usize> = products
        .iter()
        .enumerate()
        .map(|(index, product)| ((product.row.sitting_id, product.row.product_variation_id), index))
        .collect();
    let recommended_ids: HashMap<i64, i64> =
        recommendations.iter().map(|row| (row.product_variation_id, row.recommended_id)).collect();
    for product in products {
        if let Some(recommended) = recommended_ids.get(&product.row.product_variation_id) {
            product.recommended = Some(by_sitting.get(&(product.row.sitting_id, *recommended)).copied());
        }
    }
}

fn build_bundles(rows: Vec<BundleRow>, components: Vec<ComponentRow>, products: &[StoreProduct]) -> Vec<StoreBundle> {
    let by_id: HashMap<i64, usize> =
        products.iter().enumerate().map(|(index, product)| (product.row.id, index)).collect();
    let mut components_of: HashMap<i64, Vec<(ComponentRow, usize)>> = HashMap::new();
    for component in components {
        if let Some(index) = by_id.get(&component.store_product_id) {
            components_of.entry(component.bundle_id).or_default().push((component, *index));
        }
    }
    let mut bundles: Vec<StoreBundle> = rows
        .into_iter()
        .map(|row| {
            let mut components = components_of.remove(&row.id).unwrap_or_default();
            components.sort_by_key(|(component, _)| (component.sort_order, component.store_product_id));
            StoreBundle { row, components }
        })
        .collect();
    bundles.sort_by(|a, b| {
        let key = |b: &StoreBundle| {
            (b.row.subject_code.clone(), b.row.name.clone(), b.row.exam_session_code.clone(), b.row.id)
        };
        key(a).cmp(&key(b))
    });
    bundles
}

fn build_vocabulary(products: &[StoreProduct], bundles: &[StoreBundle]) -> Vocabulary {
    let mut builder = VocabularyBuilder::default();
    for product in products {
        builder.start_row();
        add_product_words(product, &mut builder);
    }
    for bundle in bundles {
        builder.start_row();
        add_bundle_words(bundle, products, &mut builder);
    }
    builder.finish()
}

fn add_product_words(product: &StoreProduct, builder: &mut VocabularyBuilder) {
    let row = &product.row;
    builder.add(TextField::Subject, &row.subject_code);
    builder.add(TextField::Name, if row.shortname.is_empty() { &row.fullname } else { &row.shortname });
    builder.add(TextField::Variation, &row.fullname);
    builder.add(TextField::Variation, &row.variation_name);
    builder.add(TextField::Variation, &row.variation_type);
    builder.add(TextField::Code, &row.exam_session_code);
    builder.add(TextField::Detail, &row.product_code);
    builder.add(TextField::Detail, row.subject_description.as_deref().unwrap_or_default());
    // Most events of a product share a few places and instructors: add each name once.
    let mut places: BTreeSet<&str> = BTreeSet::new();
    for event in &product.events {
        builder.add(TextField::Code, &event.row.code);
        for session in &event.sessions {
            builder.add(TextField::Detail, &session.title);
        }
        let names = [&event.location_names, &event.venue_names, &event.instructor_names];
        places.extend(names.into_iter().flatten().map(String::as_str));
    }
    for name in places {
        builder.add(TextField::Place, name);
    }
}

fn add_bundle_words(bundle: &StoreBundle, products: &[StoreProduct], builder: &mut VocabularyBuilder) {
    builder.add(TextField::Subject, &bundle.row.subject_code);
    builder.add(TextField::Name, &bundle.row.name);
    builder.add(TextField::Variation, "bundle");
    builder.add(TextField::Code, &bundle.row.exam_session_code);
    builder.add(TextField::Detail, bundle.row.description.as_deref().unwrap_or_default());
    for product in bundle.components.iter().filter_map(|(_, index)| products.get(*index)) {
        builder.add(TextField::Detail, &product.row.fullname);
        builder.add(TextField::Detail, &product.row.variation_name);
    }
}
