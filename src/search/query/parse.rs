//! Parses a request into a [`Query`], or reports every problem in it.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::Query;
use super::cursor::Cursor;
use super::filters::ListFilter;
use crate::http::problem::{FieldError, FieldErrors};

/// Maximum number of values of one filter.
const MAX_VALUES: usize = 1000;
/// Parameters of both methods that the shop sends: they choose filters.
const NAVIGATION: [&str; 6] = ["group", "tutorial_format", "distance_learning", "product", "variation", "tutorial"];
/// Names that clients send and that change nothing.
const IGNORED: [&str; 2] = ["include_analytics", "shape"];
/// Parameters of both methods, and members of `options`, that choose what the response contains.
const CONTENTS: [&str; 3] = ["fields", "explain", "highlight"];
/// The members of a response.
pub(super) const RESPONSE_FIELDS: [&str; 4] = ["products", "filter_counts", "pagination", "performance"];
/// The members of items.
const ITEM_FIELDS: [&str; 29] = [
    "id",
    "essp_id",
    "store_product_id",
    "type",
    "product_id",
    "product_code",
    "product_name",
    "product_short_name",
    "product_description",
    "buy_both",
    "subject_id",
    "subject_code",
    "subject_description",
    "exam_session_code",
    "exam_session_id",
    "variations",
    "item_type",
    "is_bundle",
    "bundle_type",
    "name",
    "bundle_name",
    "shortname",
    "fullname",
    "description",
    "code",
    "components",
    "components_count",
    "_explain",
    "_highlight",
];
const PAGE_SIZES: std::ops::RangeInclusive<u64> = 1..=100;

/// Returns the parameters of the URL that `GET` knows.
pub fn get_parameters() -> Vec<&'static str> {
    let lists = ListFilter::ALL.iter().map(|filter| filter.key());
    let others = ["q", "page", "page_size", "cursor", "include_bundles", "starts_from", "starts_to", "available"];
    others.into_iter().chain(lists).chain(post_parameters()).collect()
}

/// Returns the parameters of the URL that `POST` knows.
pub fn post_parameters() -> Vec<&'static str> {
    NAVIGATION.into_iter().chain(IGNORED).chain(CONTENTS).collect()
}

impl Query {
    /// Parses the body of a `POST` and the navigation parameters of its URL.
    pub fn from_json(body: &Value, parameters: &[(String, String)]) -> Result<Self, FieldErrors> {
        let mut parser = QueryParser::default();
        match body {
            Value::Object(body) => parser.parse_body(body),
            _ => parser.add_problem("", "invalid_type", "the body must be a JSON object"),
        }
        for (name, value) in parameters {
            if !parser.apply_navigation(name, value) && CONTENTS.contains(&name.as_str()) {
                parser.parse_parameter(name, value);
            }
        }
        parser.finish()
    }

    /// Parses the query string of a `GET`. Unknown names are ignored: the API refuses them before, a page accepts them.
    pub fn from_query_string(parameters: &[(String, String)]) -> Result<Self, FieldErrors> {
        let mut parser = QueryParser::default();
        for (name, value) in parameters {
            if !parser.apply_navigation(name, value) {
                parser.parse_parameter(name, value);
            }
        }
        parser.finish()
    }
}

#[derive(Default)]
struct QueryParser {
    query: Query,
    problems: FieldErrors,
    /// Pointer and text of the cursor. It is read last, because it belongs to a text and filters.
    cursor: Option<(String, String)>,
}

impl QueryParser {
    fn finish(mut self) -> Result<Query, FieldErrors> {
        for filter in ListFilter::ALL {
            if self.query.filters.values(filter).len() > MAX_VALUES {
                let message = format!("must be {MAX_VALUES} values or fewer");
                self.add_problem(&format!("/filters/{}", filter.key()), "too_many_values", message);
            }
        }
        if let Some((pointer, text)) = self.cursor.take() {
            match Cursor::from_text(&text).filter(|cursor| cursor.belongs_to(self.query.fingerprint())) {
                Some(cursor) => {
                    self.query.page = cursor.page;
                    self.query.cursor = Some(cursor.with_text(!self.query.text.is_empty()));
                }
                None => {
                    let message = "must be the `next_cursor` of the page before, with the same text and filters";
                    self.add_problem(&pointer, "invalid_value", message);
                }
            }
        }
        if self.problems.is_empty() { Ok(self.query) } else { Err(self.problems) }
    }

    fn add_problem(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.problems.add(|| FieldError::new(pointer, code, message));
    }

    fn check_keys(&mut self, object: &Map<String, Value>, pointer: &str, known: &[&str]) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            let describe = || {
                let message = format!("unknown name: use {}", known.join(", "));
                FieldError::new(format!("{pointer}/{}", escape_pointer(key)), "unknown_field", message)
            };
            self.problems.add(describe);
        }
    }

    fn parse_body(&mut self, body: &Map<String, Value>) {
        self.check_keys(body, "", &["searchQuery", "filters", "pagination", "options"]);
        match body.get("searchQuery") {
            None => {}
            Some(Value::String(text)) => self.query.set_text(text),
            Some(_) => self.add_problem("/searchQuery", "invalid_type", "must be a string"),
        }
        if let Some(filters) = self.object_member(body, "filters") {
            for (key, value) in filters {
                self.parse_filter(key, value);
            }
        }
        if let Some(pagination) = self.object_member(body, "pagination") {
            self.check_keys(pagination, "/pagination", &["page", "page_size", "cursor"]);
            match pagination.get("cursor") {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => self.cursor = Some(("/pagination/cursor".to_owned(), text.clone())),
                Some(_) => self.add_problem("/pagination/cursor", "invalid_type", "must be a string"),
            }
            if let Some(page) = pagination.get("page") {
                self.set_page("/pagination/page", page.as_u64());
            }
            if let Some(size) = pagination.get("page_size") {
                self.set_page_size("/pagination/page_size", size.as_u64());
            }
        }
        if let Some(options) = self.object_member(body, "options") {
            self.parse_options(options);
        }
    }

    fn parse_options(&mut self, options: &Map<String, Value>) {
        let [fields, explain, highlight] = CONTENTS;
        let known = ["include_bundles", IGNORED[0], IGNORED[1], fields, explain, highlight];
        self.check_keys(options, "/options", &known);
        for key in ["include_bundles", explain, highlight] {
            let pointer = format!("/options/{key}");
            match options.get(key) {
                None => {}
                Some(Value::Bool(value)) => self.set_option(key, *value),
                Some(Value::Number(number)) if key != "include_bundles" && matches!(number.as_u64(), Some(0 | 1)) => {
                    self.set_option(key, number.as_u64() == Some(1));
                }
                Some(_) => self.add_problem(&pointer, "invalid_type", "must be true or false"),
            }
        }
        match options.get(fields) {
            None => {}
            Some(Value::String(list)) => self.set_fields("/options/fields", list.split(',')),
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                self.set_fields("/options/fields", list.iter().filter_map(Value::as_str));
            }
            Some(_) => self.add_problem("/options/fields", "invalid_type", "must be a list of names"),
        }
    }

    fn set_option(&mut self, key: &str, value: bool) {
        match key {
            "explain" => self.query.explain = value,
            "highlight" => self.query.highlight = value,
            _ => self.query.include_bundles = value,
        }
    }

    fn set_fields<'a>(&mut self, pointer: &str, names: impl Iterator<Item = &'a str>) {
        for name in names.map(str::trim).filter(|name| !name.is_empty()) {
            if RESPONSE_FIELDS.contains(&name) || ITEM_FIELDS.contains(&name) {
                self.query.fields.insert(name.to_owned());
            } else {
                let known = [&RESPONSE_FIELDS[..], &ITEM_FIELDS].concat().join(", ");
                self.add_problem(pointer, "invalid_value", format!("`{name}` is unknown: use {known}"));
            }
        }
    }

    fn object_member<'a>(&mut self, body: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
        match body.get(key)? {
            Value::Object(inner) => Some(inner),
            _ => {
                self.add_problem(&format!("/{key}"), "invalid_type", "must be an object");
                None
            }
        }
    }

    fn parse_filter(&mut self, key: &str, value: &Value) {
        let pointer = format!("/filters/{}", escape_pointer(key));
        match key {
            "starts_from" | "starts_to" => match single_value(value) {
                Some(Value::String(day)) => self.set_day(&pointer, key, day),
                _ => self.add_problem(&pointer, "invalid_type", "must be one date, YYYY-MM-DD"),
            },
            "available" => match single_value(value) {
                Some(Value::Bool(value)) => self.query.filters.available = Some(*value),
                Some(Value::String(text)) => self.set_available(&pointer, text),
                _ => self.add_problem(&pointer, "invalid_type", "must be true or false"),
            },
            _ => match (ListFilter::from_key(key), value) {
                (None, _) => self.problems.add(|| FieldError::new(pointer, "unknown_filter", unknown_name_message())),
                (Some(filter), Value::Array(values)) => self.add_values(filter, &pointer, values),
                (Some(_), _) => self.add_problem(&pointer, "invalid_type", "must be a list of strings"),
            },
        }
    }

    fn add_values(&mut self, filter: ListFilter, pointer: &str, values: &[Value]) {
        // One value more than allowed is enough to report `too_many_values`, and bounds the number of problems.
        for (index, value) in values.iter().enumerate().take(MAX_VALUES + 1) {
            match value {
                Value::String(text) => self.query.filters.add(filter, text.trim()),
                Value::Number(number) => self.query.filters.add(filter, number.to_string()),
                _ => self.add_problem(&format!("{pointer}/{index}"), "invalid_type", "must be a string"),
            }
        }
    }

    /// Applies a navigation parameter of the shop, and returns whether `name` is one.
    fn apply_navigation(&mut self, name: &str, value: &str) -> bool {
        let value = value.trim();
        let target = match name {
            "group" | "tutorial_format" => Some((ListFilter::Categories, value)),
            "distance_learning" => Some((ListFilter::Categories, "Material")),
            "product" => Some((ListFilter::ProductIds, value)),
            "variation" | "tutorial" => None,
            _ => return false,
        };
        if let Some((filter, value)) = target.filter(|_| !value.is_empty()) {
            self.query.filters.add(filter, value);
        }
        true
    }

    fn parse_parameter(&mut self, name: &str, value: &str) {
        let pointer = format!("/{}", escape_pointer(name));
        let value = value.trim();
        match name {
            "q" => self.query.set_text(value),
            // A form sends an empty value for every empty field.
            _ if value.is_empty() => {}
            "page" => self.set_page(&pointer, value.parse().ok()),
            "page_size" => self.set_page_size(&pointer, value.parse().ok()),
            "cursor" => self.cursor = Some((pointer, value.to_owned())),
            "fields" => self.set_fields(&pointer, value.split(',')),
            "include_bundles" | "explain" | "highlight" => match parse_bool(value) {
                Some(value) => self.set_option(name, value),
                None => self.add_problem(&pointer, "invalid_value", "must be true or false"),
            },
            "starts_from" | "starts_to" => self.set_day(&pointer, name, value),
            "available" => self.set_available(&pointer, value),
            _ => {
                if let Some(filter) = ListFilter::from_key(name) {
                    self.query.filters.add(filter, value);
                }
            }
        }
    }

    fn set_page(&mut self, pointer: &str, page: Option<u64>) {
        match page.filter(|page| *page >= 1) {
            Some(page) => self.query.page = page,
            None => self.add_problem(pointer, "invalid_value", "must be a whole number from 1"),
        }
    }

    fn set_page_size(&mut self, pointer: &str, size: Option<u64>) {
        match size.filter(|size| PAGE_SIZES.contains(size)) {
            Some(size) => self.query.page_size = size,
            None => self.add_problem(pointer, "invalid_value", "must be a whole number from 1 to 100"),
        }
    }

    fn set_day(&mut self, pointer: &str, key: &str, text: &str) {
        // `Date` alone would also parse the start of a date and time.
        match text.parse::<Date>().ok().filter(|_| text.len() == "YYYY-MM-DD".len()) {
            Some(day) if key == "starts_from" => self.query.filters.starts_from = Some(day),
            Some(day) => self.query.filters.starts_to = Some(day),
            None => self.add_problem(pointer, "invalid_date", "must be one date, YYYY-MM-DD"),
        }
    }

    fn set_available(&mut self, pointer: &str, text: &str) {
        match parse_bool(text) {
            Some(value) => self.query.filters.available = Some(value),
            None => self.add_problem(pointer, "invalid_value", "must be true or false"),
        }
    }
}

/// Returns the value itself, or the only element of a list, for clients that send every filter as a list.
fn single_value(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(values) if values.len() == 1 => values.first(),
        Value::Array(_) => None,
        _ => Some(value),
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn unknown_name_message() -> String {
    let lists: Vec<&str> = ListFilter::ALL.iter().map(|filter| filter.key()).collect();
    format!("unknown name: use {}, starts_from, starts_to, available", lists.join(", "))
}

/// Escapes a name for a JSON pointer (RFC 6901).
fn escape_pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
