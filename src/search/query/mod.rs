//! A search query: its filters, and how it is parsed and executed.
//!
//! A query comes from a JSON body with navigation parameters in the URL (`POST /api/search/unified/`), or from a query
//! string alone (`GET` with `q`, `page`, `page_size` and repeated filter keys).

pub mod facets;
pub mod filters;
mod parse;
mod search;

pub use self::search::search;

use std::collections::BTreeMap;

use jiff::civil::Date;

/// Minimum length of a search text after trimming. A shorter text means browsing.
const MIN_TEXT_CHARS: usize = 2;

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

    fn from_key(key: &str) -> Option<Self> {
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

/// One search query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// Trimmed search text; empty when browsing.
    pub text: String,
    /// Filters that every result passes.
    pub filters: Filters,
    /// Page number, from 1.
    pub page: u64,
    /// Rows per page, 1 to 100.
    pub page_size: u64,
    /// Whether the results include bundles.
    pub include_bundles: bool,
}

impl Default for Query {
    fn default() -> Self {
        Self { text: String::new(), filters: Filters::default(), page: 1, page_size: 20, include_bundles: true }
    }
}

impl Query {
    /// Returns a query for a text, with defaults for everything else.
    pub fn for_text(text: &str) -> Self {
        let mut query = Self::default();
        query.set_text(text);
        query
    }

    fn set_text(&mut self, text: &str) {
        let text = text.trim();
        if text.chars().count() >= MIN_TEXT_CHARS {
            text.clone_into(&mut self.text);
        } else {
            self.text.clear();
        }
    }
}
