//! Parses a request as a [`Query`].

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::{ListFilter, Pairs, Query};
use crate::server::problem::FieldError;

/// Most values of one filter.
const MOST_VALUES: usize = 1000;
const PAGE_SIZES: std::ops::RangeInclusive<u64> = 1..=100;

impl Query {
    /// Reads the body of a `POST` and the navigation parameters of its address.
    pub fn from_json(body: &Value, address: &Pairs) -> Result<Self, Vec<FieldError>> {
        let mut reader = QueryParser::default();
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
        let mut reader = QueryParser::default();
        for (name, value) in address {
            if !reader.navigation(name, value) {
                reader.parameter(name, value);
            }
        }
        reader.finish()
    }
}

#[derive(Default)]
struct QueryParser {
    query: Query,
    problems: Vec<FieldError>,
}

impl QueryParser {
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
