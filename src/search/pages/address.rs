//! The address of a search: it says text, filters and page, so that it can be sent to others.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::search::query::{ListFilter, Query};

/// The characters that are percent-encoded: all but the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A link to another search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageLink {
    pub label: String,
    /// What the label is.
    pub note: String,
    pub path: String,
}

/// Returns what the address of a query says, apart from its page.
pub(super) fn parameters(query: &Query) -> Vec<(&'static str, String)> {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    if !query.text.is_empty() {
        pairs.push(("q", query.text.clone()));
    }
    for filter in ListFilter::ALL {
        pairs.extend(query.filters.values(filter).iter().map(|value| (filter.key(), value.clone())));
    }
    pairs.extend(query.filters.starts_from.map(|day| ("starts_from", day.to_string())));
    pairs.extend(query.filters.starts_to.map(|day| ("starts_to", day.to_string())));
    pairs.extend(query.filters.available.map(|value| ("available", value.to_string())));
    pairs
}

/// Returns a path with parameters.
pub(super) fn url(path: &str, pairs: &[(&'static str, String)]) -> String {
    let encode = |value: &str| utf8_percent_encode(value, RESERVED).to_string();
    let encoded: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if encoded.is_empty() { path.to_owned() } else { format!("{path}?{}", encoded.join("&")) }
}

/// Returns the URL of another page of the same query.
pub(super) fn page_url(path: &str, query: &Query, page: u64) -> String {
    let mut pairs = parameters(query);
    if page > 1 {
        pairs.push(("page", page.to_string()));
    }
    url(path, &pairs)
}

/// Returns the filters of a query, each with the address of the search without it.
pub(super) fn chips(query: &Query) -> Vec<PageLink> {
    let all = parameters(query);
    let chip = |at: usize| {
        let (name, value) = &all[at];
        let others: Vec<(&str, String)> =
            all.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, pair)| pair.clone()).collect();
        let (label, note) = match *name {
            "available" if value == "true" => ("places left".to_owned(), String::new()),
            "available" => ("no places left".to_owned(), String::new()),
            name => (value.clone(), name_of(name).to_owned()),
        };
        PageLink { label, note, path: url("/search", &others) }
    };
    (0..all.len()).filter(|at| all[*at].0 != "q").map(chip).collect()
}

fn name_of(parameter: &str) -> &'static str {
    match parameter {
        "subjects" => "subject",
        "categories" => "category",
        "product_types" => "type",
        "products" | "product_ids" | "essp_ids" => "product",
        "modes_of_delivery" => "delivery",
        "locations" => "location",
        "venues" => "venue",
        "instructors" => "instructor",
        "starts_from" => "from",
        "starts_to" => "until",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_says_text_and_filters_and_each_chip_removes_one() {
        let pairs = [("q", "café & co"), ("subjects", "CM2"), ("subjects", "CB1"), ("available", "true")];
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let query = Query::from_query_string(&pairs).expect("a query");
        let expected = "/search?q=caf%C3%A9%20%26%20co&subjects=CM2&subjects=CB1&available=true";
        assert_eq!(page_url("/search", &query, 1), expected);
        assert_eq!(page_url("/search", &query, 3), format!("{expected}&page=3"));
        let chips = chips(&query);
        let labels: Vec<&str> = chips.iter().map(|chip| chip.label.as_str()).collect();
        assert_eq!(labels, ["CM2", "CB1", "places left"]);
        assert_eq!(chips[0].path, "/search?q=caf%C3%A9%20%26%20co&subjects=CB1&available=true");
    }
}
