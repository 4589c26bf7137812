//! The facets of a search: values with counts, which can be ticked.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::address::{PageLink, parameters, url};
use crate::names::fold;
use crate::search::query::{FoundPage, ListFilter, Query};
use crate::search::response::FacetCount;

/// Values that are shown at once; the others on request.
const FIRST: usize = 6;

/// Most values of a facet.
const MOST: usize = 60;

/// A facet with its values, those with the most results first.
pub(super) struct FacetGroup {
    pub name: &'static str,
    pub label: &'static str,
    pub first: Vec<FacetValue>,
    pub others: Vec<FacetValue>,
    /// Whether a value of the others is ticked.
    pub is_open: bool,
    /// Periods: they are links, because they set two parameters.
    pub periods: Vec<PageLink>,
}

pub(super) struct FacetValue {
    /// Part of the id of its box.
    pub number: usize,
    pub value: String,
    pub label: String,
    pub count: usize,
    pub is_ticked: bool,
}

/// Returns the facets with values.
pub(super) fn groups(found: &FoundPage<'_>, query: &Query) -> Vec<FacetGroup> {
    let counts = found.facets().to_counts();
    let lists = [
        (ListFilter::Subjects, "Subject", &counts.subjects),
        (ListFilter::Categories, "Category", &counts.categories),
        (ListFilter::ModesOfDelivery, "Delivery", &counts.modes_of_delivery),
        (ListFilter::Locations, "Location", &counts.locations),
        (ListFilter::Venues, "Venue", &counts.venues),
        (ListFilter::Instructors, "Instructor", &counts.instructors),
    ];
    let mut groups: Vec<FacetGroup> =
        lists.into_iter().filter_map(|(filter, label, counts)| group(query, filter, label, counts)).collect();
    let periods: Vec<PageLink> =
        counts.months.iter().filter_map(|(month, count)| period(query, month, count)).collect();
    if !periods.is_empty() {
        groups.push(FacetGroup {
            name: "months",
            label: "Month",
            first: Vec::new(),
            others: Vec::new(),
            is_open: false,
            periods,
        });
    }
    groups
}

fn group(
    query: &Query,
    filter: ListFilter,
    label: &'static str,
    counts: &BTreeMap<String, FacetCount>,
) -> Option<FacetGroup> {
    let ticked = query.filters.values(filter);
    let is_ticked = |value: &str| ticked.iter().any(|known| fold(known) == fold(value));
    let mut values: Vec<FacetValue> = counts
        .iter()
        .map(|(key, count)| FacetValue {
            number: 0,
            label: count.display_name.clone().unwrap_or_else(|| count.name.clone()),
            value: key.clone(),
            count: count.count,
            is_ticked: is_ticked(key) || is_ticked(&count.name),
        })
        .filter(|value| value.count > 0 || value.is_ticked)
        .collect();
    // A ticked value that nothing has can be unticked.
    let is_known = |value: &String| {
        values.iter().any(|known| fold(&known.value) == fold(value) || fold(&known.label) == fold(value))
    };
    let unknown: Vec<FacetValue> = ticked
        .iter()
        .filter(|value| !is_known(value))
        .map(|value| FacetValue { number: 0, value: value.clone(), label: value.clone(), count: 0, is_ticked: true })
        .collect();
    values.extend(unknown);
    values.sort_by(|a, b| b.is_ticked.cmp(&a.is_ticked).then(b.count.cmp(&a.count)).then(a.label.cmp(&b.label)));
    values.truncate(MOST);
    values.iter_mut().enumerate().for_each(|(number, value)| value.number = number);
    let others = if values.len() > FIRST { values.split_off(FIRST) } else { Vec::new() };
    let is_open = others.iter().any(|value| value.is_ticked);
    (!values.is_empty()).then_some(FacetGroup {
        name: filter.key(),
        label,
        first: values,
        others,
        is_open,
        periods: vec![],
    })
}

/// Returns the search for the events that start in a month such as `2027-03`.
fn period(query: &Query, month: &str, count: &FacetCount) -> Option<PageLink> {
    let first: Date = format!("{month}-01").parse().ok()?;
    let mut pairs = parameters(query);
    pairs.retain(|(name, _)| !["starts_from", "starts_to"].contains(name));
    pairs.push(("starts_from", first.to_string()));
    pairs.push(("starts_to", first.last_of_month().to_string()));
    Some(PageLink {
        label: first.strftime("%B %Y").to_string(),
        note: count.count.to_string(),
        path: url("/search", &pairs),
    })
}
