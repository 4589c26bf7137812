//! Evaluates filters: which store products and bundles pass, and which filter a product fails.
//!
//! Filters combine with AND, the values of one filter with OR. A filter with only unknown values passes nothing. The
//! filters on events (location, venue, instructor, start, availability) must all be met by the same event.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::filters::{Filters, ListFilter};
use crate::names::fold;
use crate::search::read_model::categories::is_bundle_category;
use crate::search::read_model::rows::StoreProductRow;
use crate::search::read_model::{ReadModel, StoreBundle, StoreProduct, TutorialEvent};

/// The condition of one filter on a store product.
enum Condition {
    Subjects { ids: BTreeSet<i64>, codes: BTreeSet<String> },
    CatalogProducts(BTreeSet<i64>),
    StoreProducts(BTreeSet<i64>),
    Variations(BTreeSet<i64>),
    AnyEvent(Box<EventCondition>),
}

#[derive(Default)]
struct EventCondition {
    locations: Option<BTreeSet<String>>,
    venues: Option<BTreeSet<String>>,
    instructors: Option<BTreeSet<String>>,
    starts_from: Option<Date>,
    starts_to: Option<Date>,
    available: Option<bool>,
}

impl EventCondition {
    fn from_filters(filters: &Filters) -> Option<Self> {
        let names = |filter| {
            let values = filters.values(filter);
            (!values.is_empty()).then(|| values.iter().map(|value| fold(value)).collect())
        };
        let condition = Self {
            locations: names(ListFilter::Locations),
            venues: names(ListFilter::Venues),
            instructors: names(ListFilter::Instructors),
            starts_from: filters.starts_from,
            starts_to: filters.starts_to,
            available: filters.available,
        };
        let has_names = condition.locations.is_some() || condition.venues.is_some() || condition.instructors.is_some();
        let has_dates = condition.starts_from.is_some() || condition.starts_to.is_some();
        (has_names || has_dates || condition.available.is_some()).then_some(condition)
    }

    fn passes(&self, event: &TutorialEvent) -> bool {
        let matches_any = |requested: &Option<BTreeSet<String>>, names: &[String]| {
            requested.as_ref().is_none_or(|requested| names.iter().any(|name| requested.contains(name)))
        };
        matches_any(&self.locations, &event.location_names)
            && matches_any(&self.venues, &event.venue_names)
            && matches_any(&self.instructors, &event.instructor_names)
            && self.starts_from.is_none_or(|day| event.row.start_date >= day)
            && self.starts_to.is_none_or(|day| event.row.start_date <= day)
            && self.available.is_none_or(|requested| event.is_available() == requested)
    }
}

impl Condition {
    fn passes(&self, product: &StoreProduct) -> bool {
        let row = &product.row;
        match self {
            Self::Subjects { ids, codes } => ids.contains(&row.subject_id) || codes.contains(&row.subject_code),
            Self::CatalogProducts(ids) => ids.contains(&row.catalog_product_id),
            Self::StoreProducts(ids) => ids.contains(&row.id),
            Self::Variations(ids) => ids.contains(&row.variation_id),
            Self::AnyEvent(condition) => product.events.iter().any(|event| condition.passes(event)),
        }
    }
}

/// Which filters a store product fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterResult {
    /// None.
    Passes,
    /// Only this one.
    FailsOnly(ListFilter),
    /// Several, or one without a facet.
    Fails,
}

impl FilterResult {
    /// Returns whether the product counts for a facet: it passes all other filters.
    pub fn counts_for(self, facet: ListFilter) -> bool {
        self == Self::Passes || self == Self::FailsOnly(facet)
    }
}

/// The prepared filters of one query.
pub struct OfferFilter {
    conditions: Vec<(Option<ListFilter>, Condition)>,
    /// `Bundle` is one of the categories.
    includes_bundles: bool,
    /// `Bundle` is the only category.
    has_only_bundles: bool,
}

impl OfferFilter {
    /// Prepares the filters of a query.
    pub fn new(model: &ReadModel, filters: &Filters) -> Self {
        let categories = filters.values(ListFilter::Categories);
        let includes_bundles = categories.iter().any(|value| is_bundle_category(value));
        let has_only_bundles = includes_bundles && categories.iter().all(|value| is_bundle_category(value));
        let mut conditions = Vec::new();
        let subjects = filters.values(ListFilter::Subjects);
        if !subjects.is_empty() {
            let (ids, codes): (Vec<&String>, Vec<&String>) = subjects.iter().partition(|value| is_id(value));
            let codes = codes.into_iter().cloned().collect();
            conditions.push((Some(ListFilter::Subjects), Condition::Subjects { ids: parse_ids(ids), codes }));
        }
        for key in [ListFilter::Categories, ListFilter::ProductTypes] {
            let values = filters.values(key);
            if values.is_empty() || (key == ListFilter::Categories && has_only_bundles) {
                continue;
            }
            let members = model.categories.members_of(values.iter().map(String::as_str));
            conditions.push((Some(key), Condition::CatalogProducts(members)));
        }
        // `product_ids` replaces `products` when given.
        for key in [ListFilter::ProductIds, ListFilter::Products] {
            let values = filters.values(key);
            if !values.is_empty() {
                conditions.push((Some(key), Condition::CatalogProducts(parse_ids(values))));
                break;
            }
        }
        let essp_ids = filters.values(ListFilter::EsspIds);
        if !essp_ids.is_empty() {
            conditions.push((Some(ListFilter::EsspIds), Condition::StoreProducts(parse_ids(essp_ids))));
        }
        let modes = filters.values(ListFilter::ModesOfDelivery);
        if !modes.is_empty() {
            conditions
                .push((Some(ListFilter::ModesOfDelivery), Condition::Variations(variations_by_mode(model, modes))));
        }
        if let Some(condition) = EventCondition::from_filters(filters) {
            conditions.push((None, Condition::AnyEvent(Box::new(condition))));
        }
        Self { conditions, includes_bundles, has_only_bundles }
    }

    /// Returns whether the query selects only bundles.
    pub fn has_only_bundles(&self) -> bool {
        self.has_only_bundles
    }

    /// Returns which filters a store product fails.
    pub fn check(&self, product: &StoreProduct) -> FilterResult {
        let mut failed =
            self.conditions.iter().filter(|(_, condition)| !condition.passes(product)).map(|(key, _)| *key);
        match (failed.next(), failed.next()) {
            (None, _) => FilterResult::Passes,
            (Some(Some(key)), None) => FilterResult::FailsOnly(key),
            _ => FilterResult::Fails,
        }
    }

    /// Returns whether a bundle passes: by its own subject, and by one component that meets all other conditions.
    pub fn passes_bundle(&self, bundle: &StoreBundle, products: &[StoreProduct]) -> bool {
        self.bundle_passes(bundle, products, self.includes_bundles)
    }

    /// Returns whether a bundle passes all filters except the categories, as the facet `Bundle` counts.
    pub fn passes_bundle_ignoring_categories(&self, bundle: &StoreBundle, products: &[StoreProduct]) -> bool {
        self.bundle_passes(bundle, products, true)
    }

    fn bundle_passes(&self, bundle: &StoreBundle, products: &[StoreProduct], ignores_categories: bool) -> bool {
        let component_conditions: Vec<&Condition> = self
            .conditions
            .iter()
            .filter(|(key, _)| !(ignores_categories && *key == Some(ListFilter::Categories)))
            .map(|(_, condition)| condition)
            .filter(|condition| !matches!(condition, Condition::Subjects { .. }))
            .collect();
        let subject_matches = self.conditions.iter().all(|(_, condition)| match condition {
            Condition::Subjects { ids, codes } => {
                ids.contains(&bundle.row.subject_id) || codes.contains(&bundle.row.subject_code)
            }
            _ => true,
        });
        let mut components = bundle.components.iter().filter_map(|(_, index)| products.get(*index));
        subject_matches
            && (component_conditions.is_empty()
                || components.any(|product| component_conditions.iter().all(|condition| condition.passes(product))))
    }
}

/// Returns the variations whose type is one of the modes, or whose name contains one.
fn variations_by_mode(model: &ReadModel, modes: &[String]) -> BTreeSet<i64> {
    let modes: Vec<String> = modes.iter().map(|mode| fold(mode)).filter(|mode| !mode.is_empty()).collect();
    let variations: BTreeMap<i64, &StoreProductRow> =
        model.store_products.iter().map(|product| (product.row.variation_id, &product.row)).collect();
    let is_match = |row: &StoreProductRow| {
        let (kind, name) = (fold(&row.variation_type), fold(&row.variation_name));
        modes.iter().any(|mode| kind == *mode || name.contains(mode.as_str()))
    };
    variations.into_iter().filter(|(_, row)| is_match(row)).map(|(id, _)| id).collect()
}

fn is_id(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses the values that are ids. Other values match nothing.
fn parse_ids<'a>(values: impl IntoIterator<Item = &'a String>) -> BTreeSet<i64> {
    values.into_iter().filter(|value| is_id(value)).filter_map(|value| value.parse().ok()).collect()
}
