//! Filters carried out: which offer and which bundle passes, and what an offer fails on.
//!
//! AND between keys, OR between the values of one. A key whose values are all unknown passes nothing. The filters on
//! events (place, instructor, start, availability) must all be met by one and the same event.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Filters, ListFilter};
use crate::names::fold;
use crate::search::read_model::categories::means_bundles;
use crate::search::read_model::rows::StoreProductRow;
use crate::search::read_model::{ReadModel, StoreBundle, StoreProduct, TutorialEvent};

/// What one filter asks of an offer.
enum Test {
    Subject { ids: BTreeSet<i64>, codes: BTreeSet<String> },
    CatalogProduct(BTreeSet<i64>),
    StoreProducts(BTreeSet<i64>),
    Variation(BTreeSet<i64>),
    Event(Box<EventTest>),
}

#[derive(Default)]
struct EventTest {
    locations: Option<BTreeSet<String>>,
    venues: Option<BTreeSet<String>>,
    instructors: Option<BTreeSet<String>>,
    starts_from: Option<Date>,
    starts_to: Option<Date>,
    available: Option<bool>,
}

impl EventTest {
    fn new(filters: &Filters) -> Option<Self> {
        let names = |filter| {
            let values = filters.values(filter);
            (!values.is_empty()).then(|| values.iter().map(|value| fold(value)).collect())
        };
        let test = Self {
            locations: names(ListFilter::Locations),
            venues: names(ListFilter::Venues),
            instructors: names(ListFilter::Instructors),
            starts_from: filters.starts_from,
            starts_to: filters.starts_to,
            available: filters.available,
        };
        let asked = test.locations.is_some() || test.venues.is_some() || test.instructors.is_some();
        let dated = test.starts_from.is_some() || test.starts_to.is_some();
        (asked || dated || test.available.is_some()).then_some(test)
    }

    fn passes(&self, event: &TutorialEvent) -> bool {
        let named = |wanted: &Option<BTreeSet<String>>, there: &[String]| {
            wanted.as_ref().is_none_or(|wanted| there.iter().any(|name| wanted.contains(name)))
        };
        named(&self.locations, &event.location_names)
            && named(&self.venues, &event.venue_names)
            && named(&self.instructors, &event.instructor_names)
            && self.starts_from.is_none_or(|day| event.row.start_date >= day)
            && self.starts_to.is_none_or(|day| event.row.start_date <= day)
            && self.available.is_none_or(|wanted| event.is_available() == wanted)
    }
}

impl Test {
    fn passes(&self, product: &StoreProduct) -> bool {
        let row = &product.row;
        match self {
            Self::Subject { ids, codes } => ids.contains(&row.subject_id) || codes.contains(&row.subject_code),
            Self::CatalogProduct(ids) => ids.contains(&row.catalog_product_id),
            Self::StoreProducts(ids) => ids.contains(&row.id),
            Self::Variation(ids) => ids.contains(&row.variation_id),
            Self::Event(test) => product.events.iter().any(|event| test.passes(event)),
        }
    }
}

/// What an offer fails on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterResult {
    /// Nothing.
    Passes,
    /// This key and no other.
    FailsOnly(ListFilter),
    /// Several keys, or one that no facet stands for.
    Fails,
}

impl FilterResult {
    /// Whether the offer counts for the facet of a key: it passes everything but, perhaps, that key.
    pub fn counts_for(self, facet: ListFilter) -> bool {
        self == Self::Passes || self == Self::FailsOnly(facet)
    }
}

/// The filters of one query, ready to be asked.
pub struct OfferFilter {
    tests: Vec<(Option<ListFilter>, Test)>,
    /// `Bundle` stands among the categories.
    bundles_chosen: bool,
    /// `Bundle` is the only category.
    only_bundles: bool,
}

impl OfferFilter {
    /// Makes the filters of a query ready.
    pub fn new(model: &ReadModel, filters: &Filters) -> Self {
        let categories = filters.values(ListFilter::Categories);
        let bundles_chosen = categories.iter().any(|value| means_bundles(value));
        let only_bundles = bundles_chosen && categories.iter().all(|value| means_bundles(value));
        let mut tests = Vec::new();
        let subjects = filters.values(ListFilter::Subjects);
        if !subjects.is_empty() {
            let (ids, codes): (Vec<&String>, Vec<&String>) = subjects.iter().partition(|value| is_number(value));
            let codes = codes.into_iter().cloned().collect();
            tests.push((Some(ListFilter::Subjects), Test::Subject { ids: numbers(ids), codes }));
        }
        for key in [ListFilter::Categories, ListFilter::ProductTypes] {
            let values = filters.values(key);
            if values.is_empty() || (key == ListFilter::Categories && only_bundles) {
                continue;
            }
            let members = model.categories.members_of(values.iter().map(String::as_str));
            tests.push((Some(key), Test::CatalogProduct(members)));
        }
        // `product_ids`, where given, takes the place of `products`.
        for key in [ListFilter::ProductIds, ListFilter::Products] {
            let values = filters.values(key);
            if !values.is_empty() {
                tests.push((Some(key), Test::CatalogProduct(numbers(values))));
                break;
            }
        }
        let essp_ids = filters.values(ListFilter::EsspIds);
        if !essp_ids.is_empty() {
            tests.push((Some(ListFilter::EsspIds), Test::StoreProducts(numbers(essp_ids))));
        }
        let modes = filters.values(ListFilter::ModesOfDelivery);
        if !modes.is_empty() {
            tests.push((Some(ListFilter::ModesOfDelivery), Test::Variation(delivered(model, modes))));
        }
        if let Some(test) = EventTest::new(filters) {
            tests.push((None, Test::Event(Box::new(test))));
        }
        Self { tests, bundles_chosen, only_bundles }
    }

    /// Whether nothing but bundles is asked for.
    pub fn only_bundles(&self) -> bool {
        self.only_bundles
    }

    /// What an offer fails on.
    pub fn check(&self, product: &StoreProduct) -> FilterResult {
        let mut failed = self.tests.iter().filter(|(_, test)| !test.passes(product)).map(|(key, _)| *key);
        match (failed.next(), failed.next()) {
            (None, _) => FilterResult::Passes,
            (Some(Some(key)), None) => FilterResult::FailsOnly(key),
            _ => FilterResult::Fails,
        }
    }

    /// Whether a bundle passes: its own subject, and one single component that meets everything else.
    pub fn passes_bundle(&self, bundle: &StoreBundle, products: &[StoreProduct]) -> bool {
        self.bundle(bundle, products, self.bundles_chosen)
    }

    /// Whether a bundle passes everything but the categories: what the facet `Bundle` counts.
    pub fn passes_bundle_but_categories(&self, bundle: &StoreBundle, products: &[StoreProduct]) -> bool {
        self.bundle(bundle, products, true)
    }

    fn bundle(&self, bundle: &StoreBundle, products: &[StoreProduct], any_category: bool) -> bool {
        let of_components: Vec<&Test> = self
            .tests
            .iter()
            .filter(|(key, _)| !(any_category && *key == Some(ListFilter::Categories)))
            .map(|(_, test)| test)
            .filter(|test| !matches!(test, Test::Subject { .. }))
            .collect();
        let own = self.tests.iter().all(|(_, test)| match test {
            Test::Subject { ids, codes } => {
                ids.contains(&bundle.row.subject_id) || codes.contains(&bundle.row.subject_code)
            }
            _ => true,
        });
        let mut components = bundle.components.iter().filter_map(|(_, at)| products.get(*at));
        own && (of_components.is_empty()
            || components.any(|product| of_components.iter().all(|test| test.passes(product))))
    }
}

/// The variations whose type is a mode, or whose name contains one.
fn delivered(model: &ReadModel, modes: &[String]) -> BTreeSet<i64> {
    let modes: Vec<String> = modes.iter().map(|mode| fold(mode)).filter(|mode| !mode.is_empty()).collect();
    let variations: BTreeMap<i64, &StoreProductRow> =
        model.store_products.iter().map(|product| (product.row.variation_id, &product.row)).collect();
    let meets = |row: &StoreProductRow| {
        let (kind, name) = (fold(&row.variation_type), fold(&row.variation_name));
        modes.iter().any(|mode| kind == *mode || name.contains(mode.as_str()))
    };
    variations.into_iter().filter(|(_, row)| meets(row)).map(|(id, _)| id).collect()
}

fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// The values that are ids; others are ids of nothing.
fn numbers<'a>(values: impl IntoIterator<Item = &'a String>) -> BTreeSet<i64> {
    values.into_iter().filter(|value| is_number(value)).filter_map(|value| value.parse().ok()).collect()
}
