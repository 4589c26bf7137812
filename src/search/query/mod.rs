//! What is asked for: a request becomes a [`Query`], or every problem in it at once.
//!
//! Sources: the reference's request (`POST /api/search/unified/` with its navigation parameters in the address) and its
//! form as an address alone (`GET` with `q`, `page`, `page_size` and repeated filter keys).

pub mod facets;
pub mod filters;
pub mod search;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::server::problem::FieldError;

/// Texts shorter than this, after trimming, are browsing.
const SHORTEST_TEXT: usize = 2;
/// Most values of one filter.
const MOST_VALUES: usize = 1000;
const PAGE_SIZES: std::ops::RangeInclusive<u64> = 1..=100;

/// A filter whose values are a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListFilter {
    /// Codes or ids of subjects.
    Subjects,
    /// Names or codes of filter groups; `Bundle` stands for bundles.
    Categories,
    /// Names or codes of filter groups, asked independently of the categories.
    ProductTypes,
    /// Ids of catalogue products.
    Products,
    /// Ids of store products.
    EsspIds,
    /// Ids of catalogue products; where given, `products` is not looked at.
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
    /// All of them, in the order in which they are listed to people.
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

    /// The key in a request.
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

    fn named(key: &str) -> Option<Self> {
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
    /// The event has (or has not) a place left.
    pub available: Option<bool>,
}

impl Filters {
    /// The values asked for under a key; empty means that the key is no filter.
    pub fn values(&self, filter: ListFilter) -> &[String] {
        self.lists.get(filter.key()).map_or(&[], Vec::as_slice)
    }

    /// Adds one more value to a key.
    pub fn add(&mut self, filter: ListFilter, value: impl Into<String>) {
        self.lists.entry(filter.key()).or_default().push(value.into());
    }
}

/// One whole question to the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// Trimmed search text; empty when browsing.
    pub text: String,
    /// What the answer is narrowed to.
    pub filters: Filters,
    /// Which page, from 1.
    pub page: u64,
    /// Rows on a page, 1 to 100.
    pub page_size: u64,
    /// Whether bundles are wanted.
    pub include_bundles: bool,
}

impl Default for Query {
    fn default() -> Self {
        Self { text: String::new(), filters: Filters::default(), page: 1, page_size: 20, include_bundles: true }
    }
}

/// Name and value pairs of an address, in order.
pub type Pairs = [(String, String)];

impl Query {
    /// A search for a text, everything else as by default.
    pub fn for_text(text: &str) -> Self {
        let mut query = Self::default();
        query.set_text(text);
        query
    }

    /// Reads the body of a `POST` and the navigation parameters of its address.
    pub fn from_json(body: &Value, address: &Pairs) -> Result<Self, Vec<FieldError>> {
        let mut reader = Reader::default();
        match body {
            Value::Object(body) => reader.body(body),
            _ => reader.wrong("", "invalid_type", "the body must be a JSON object"),
        }
        for (name, value) in address {
            reader.navigation(name, value);
        }
        reader.finish()
    }

    /// Reads the address of a `GET`.
    pub fn from_address(address: &Pairs) -> Result<Self, Vec<FieldError>> {
        let mut reader = Reader::default();
        for (name, value) in address {
            if !reader.navigation(name, value) {
                reader.parameter(name, value);
            }
        }
        reader.finish()
    }

    fn set_text(&mut self, text: &str) {
        let text = text.trim();
        if text.chars().count() >= SHORTEST_TEXT {
            text.clone_into(&mut self.text);
        } else {
            self.text.clear();
        }
    }
}

#[derive(Default)]
struct Reader {
    query: Query,
    problems: Vec<FieldError>,
}

impl Reader {
    fn finish(mut self) -> Result<Query, Vec<FieldError>> {
        for filter in ListFilter::ALL {
            if self.query.filters.values(filter).len() > MOST_VALUES {
                let message = format!("must be {MOST_VALUES} values or fewer");
                self.wrong(&format!("/filters/{}", filter.key()), "too_many_values", message);
            }
        }
        if self.problems.is_empty() { Ok(self.query) } else { Err(self.problems) }
    }

    fn wrong(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.problems.push(FieldError::new(pointer, code, message));
    }

    fn body(&mut self, body: &Map<String, Value>) {
        match body.get("searchQuery") {
            None => {}
            Some(Value::String(text)) => self.query.set_text(text),
            Some(_) => self.wrong("/searchQuery", "invalid_type", "must be a string"),
        }
        if let Some(filters) = self.object(body, "filters") {
            for (key, value) in filters {
                self.filter(key, value);
            }
        }
        if let Some(pagination) = self.object(body, "pagination") {
            if let Some(page) = pagination.get("page") {
                self.page("/pagination/page", page.as_u64());
            }
            if let Some(size) = pagination.get("page_size") {
                self.page_size("/pagination/page_size", size.as_u64());
            }
        }
        if let Some(options) = self.object(body, "options") {
            match options.get("include_bundles") {
                None => {}
                Some(Value::Bool(wanted)) => self.query.include_bundles = *wanted,
                Some(_) => self.wrong("/options/include_bundles", "invalid_type", "must be true or false"),
            }
        }
    }

    fn object<'a>(&mut self, body: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
        match body.get(key)? {
            Value::Object(inner) => Some(inner),
            _ => {
                self.wrong(&format!("/{key}"), "invalid_type", "must be an object");
                None
            }
        }
    }

    fn filter(&mut self, key: &str, value: &Value) {
        let pointer = format!("/filters/{}", escaped(key));
        match key {
            "starts_from" | "starts_to" => match single(value) {
                Some(Value::String(day)) => self.day(&pointer, key, day),
                _ => self.wrong(&pointer, "invalid_type", "must be one date, YYYY-MM-DD"),
            },
            "available" => match single(value) {
                Some(Value::Bool(wanted)) => self.query.filters.available = Some(*wanted),
                Some(Value::String(text)) => self.available(&pointer, text),
                _ => self.wrong(&pointer, "invalid_type", "must be true or false"),
            },
            _ => match (ListFilter::named(key), value) {
                (None, _) => self.wrong(&pointer, "unknown_filter", unknown_filter()),
                (Some(filter), Value::Array(values)) => self.list(filter, &pointer, values),
                (Some(_), _) => self.wrong(&pointer, "invalid_type", "must be a list of strings"),
            },
        }
    }

    fn list(&mut self, filter: ListFilter, pointer: &str, values: &[Value]) {
        // One more than is allowed is enough to tell; so many problems in one list say it all, too.
        for (at, value) in values.iter().enumerate().take(MOST_VALUES + 1) {
            match value {
                Value::String(text) => self.query.filters.add(filter, text.trim()),
                Value::Number(number) => self.query.filters.add(filter, number.to_string()),
                _ => self.wrong(&format!("{pointer}/{at}"), "invalid_type", "must be a string"),
            }
        }
    }

    /// The parameters that the reference's navigation puts into any address; true when it is one of them.
    fn navigation(&mut self, name: &str, value: &str) -> bool {
        let value = value.trim();
        let target = match name {
            "group" | "tutorial_format" => Some((ListFilter::Categories, value)),
            "distance_learning" => Some((ListFilter::Categories, "Material")),
            "product" => Some((ListFilter::ProductIds, value)),
            "variation" | "tutorial" => None,
            _ => return false,
        };
        if let Some((filter, wanted)) = target.filter(|_| !value.is_empty()) {
            self.query.filters.add(filter, wanted);
        }
        true
    }

    fn parameter(&mut self, name: &str, value: &str) {
        let pointer = format!("/{}", escaped(name));
        let value = value.trim();
        match name {
            "q" => self.query.set_text(value),
            // An empty value is a form field that was left alone.
            _ if value.is_empty() => {}
            "page" => self.page(&pointer, value.parse().ok()),
            "page_size" => self.page_size(&pointer, value.parse().ok()),
            "include_bundles" => match truth(value) {
                Some(wanted) => self.query.include_bundles = wanted,
                None => self.wrong(&pointer, "invalid_value", "must be true or false"),
            },
            "starts_from" | "starts_to" => self.day(&pointer, name, value),
            "available" => self.available(&pointer, value),
            _ => match ListFilter::named(name) {
                Some(filter) => self.query.filters.add(filter, value),
                None => {
                    let message = format!("{}; besides them q, page, page_size, include_bundles", unknown_filter());
                    self.wrong(&pointer, "unknown_parameter", message);
                }
            },
        }
    }

    fn page(&mut self, pointer: &str, page: Option<u64>) {
        match page.filter(|page| *page >= 1) {
            Some(page) => self.query.page = page,
            None => self.wrong(pointer, "invalid_value", "must be a whole number from 1"),
        }
    }

    fn page_size(&mut self, pointer: &str, size: Option<u64>) {
        match size.filter(|size| PAGE_SIZES.contains(size)) {
            Some(size) => self.query.page_size = size,
            None => self.wrong(pointer, "invalid_value", "must be a whole number from 1 to 100"),
        }
    }

    fn day(&mut self, pointer: &str, key: &str, text: &str) {
        // `Date` alone would also read the front of a date and time.
        match text.parse::<Date>().ok().filter(|_| text.len() == "YYYY-MM-DD".len()) {
            Some(day) if key == "starts_from" => self.query.filters.starts_from = Some(day),
            Some(day) => self.query.filters.starts_to = Some(day),
            None => self.wrong(pointer, "invalid_date", "must be one date, YYYY-MM-DD"),
        }
    }

    fn available(&mut self, pointer: &str, text: &str) {
        match truth(text) {
            Some(wanted) => self.query.filters.available = Some(wanted),
            None => self.wrong(pointer, "invalid_value", "must be true or false"),
        }
    }
}

/// A value itself, or the only one of a list: clients that send every filter as a list are understood.
fn single(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(values) if values.len() == 1 => values.first(),
        Value::Array(_) => None,
        _ => Some(value),
    }
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn unknown_filter() -> String {
    let lists: Vec<&str> = ListFilter::ALL.iter().map(|filter| filter.key()).collect();
    format!("there is no such filter; there are {}, starts_from, starts_to, available", lists.join(", "))
}

/// A name inside a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
