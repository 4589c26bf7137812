//! The filters of a query, before they are applied to anything.

use std::collections::BTreeMap;

use jiff::civil::Date;

/// A filter whose values are a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListFilter {
    /// Codes or ids of subjects.
    Subjects,
    /// Names or codes of filter groups; `Bundle` selects bundles.
    Categories,
    /// Names or codes of filter groups, filtered independently of the categories.
    ProductTypes,
    /// Ids of catalogue products.
    Products,
    /// Ids of store products.
    EsspIds,
    /// Ids of catalogue products. When given, `products` is ignored.
    ProductIds,
    /// Variation types, or parts of variation names.
    ModesOfDelivery,
    /// Names or codes of locations.
    Locations,
    /// Names of venues.
    Venues,
    /// Names of instructors.
    Instructors,
}

impl ListFilter {
    /// All filters, in the order in which messages list them.
    pub const ALL: [Self; 10] = [
        Self::Subjects,
        Self::Categories,
        Self::ProductTypes,
        Self::Products,
        Self::EsspIds,
        Self::ProductIds,
        Self::ModesOfDelivery,
        Self::Locations,
        Self::Venues,
        Self::Instructors,
    ];

    /// Returns the key in a request.
    pub fn key(self) -> &'static str {
        match self {
            Self::Subjects => "subjects",
            Self::Categories => "categories",
            Self::ProductTypes => "product_types",
            Self::Products => "products",
            Self::EsspIds => "essp_ids",
            Self::ProductIds => "product_ids",
            Self::ModesOfDelivery => "modes_of_delivery",
            Self::Locations => "locations",
            Self::Venues => "venues",
            Self::Instructors => "instructors",
        }
    }

    pub(super) fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filter| filter.key() == key)
    }
}

/// The filters of a query: AND between keys, OR between the values of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filters {
    lists: BTreeMap<&'static str, Vec<String>>,
    /// The event starts on this day or later.
    pub starts_from: Option<Date>,
    /// The event starts on this day or earlier.
    pub starts_to: Option<Date>,
    /// The event has (true) or has not (false) places left.
    pub available: Option<bool>,
}

impl Filters {
    /// Returns the values of a filter. Empty means that the filter is not set.
    pub fn values(&self, filter: ListFilter) -> &[String] {
        self.lists.get(filter.key()).map_or(&[], Vec::as_slice)
    }

    /// Adds a value to a filter.
    pub fn add(&mut self, filter: ListFilter, value: impl Into<String>) {
        self.lists.entry(filter.key()).or_default().push(value.into());
    }
}
