//! Evaluates filters: sets of rows that pass, by filter.
//!
//! Filters combine with AND, the values of one filter with OR. A filter with only unknown values passes nothing. The
//! filters on events (location, venue, instructor, start, availability) must all be met by the same event.

use std::collections::BTreeSet;

use super::filters::{Filters, ListFilter};
use crate::names::fold;
use crate::search::read_model::bitmap::Bitmap;
use crate::search::read_model::categories::is_bundle_category;
use crate::search::read_model::segment::events::{EventIndex, EventValueKind};
use crate::search::read_model::segment::{ProductPlace, Segment};
use crate::search::read_model::{Part, ReadModel};

/// What a facet leaves out when it counts: its own filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnFilter {
    /// A list of values that store products have.
    Offers(ListFilter),
    /// A list of values that events have; months: the first and last start.
    Events(EventValueKind),
}

/// The condition that all filters on events make together.
#[derive(Debug)]
struct EventCondition {
    /// Events that meet one filter; no kind: the availability.
    sets: Vec<(Option<EventValueKind>, Bitmap)>,
}

impl EventCondition {
    fn new(events: &EventIndex, filters: &Filters, now: i64) -> Option<Self> {
        let mut sets = Vec::new();
        let lists = [
            (ListFilter::Locations, EventValueKind::Location),
            (ListFilter::Venues, EventValueKind::Venue),
            (ListFilter::Instructors, EventValueKind::Instructor),
        ];
        for (filter, kind) in lists {
            let values = filters.values(filter);
            if !values.is_empty() {
                let names: BTreeSet<String> = values.iter().map(|value| fold(value)).collect();
                sets.push((Some(kind), events.events_named(kind, &names)));
            }
        }
        if filters.starts_from.is_some() || filters.starts_to.is_some() {
            let mut set = Bitmap::empty();
            for (event, start) in events.starts.iter().enumerate() {
                let is_late = filters.starts_from.is_none_or(|day| *start >= day);
                if is_late && filters.starts_to.is_none_or(|day| *start <= day) {
                    set.insert(event as u32);
                }
            }
            sets.push((Some(EventValueKind::Month), set));
        }
        if let Some(available) = filters.available {
            sets.push((None, available_events(events, now, available)));
        }
        (!sets.is_empty()).then_some(Self { sets })
    }

    /// Returns the events that meet all filters but one.
    fn events(&self, all: u32, without: Option<EventValueKind>) -> Bitmap {
        let mut events = Bitmap::full(all);
        let sets = self.sets.iter().filter(|(kind, _)| kind.is_none() || *kind != without);
        sets.for_each(|(_, set)| events.and(set));
        events
    }
}

/// Returns the events that can be booked, or the others.
fn available_events(events: &EventIndex, now: i64, available: bool) -> Bitmap {
    let mut set = events.with_places.clone();
    events.over(now).iter().for_each(|(_, event)| set.remove(*event));
    if available {
        return set;
    }
    let mut others = Bitmap::full(events.len());
    others.and_not(&set);
    others
}

/// The filters of a query on one part.
#[derive(Debug)]
pub struct PartConditions {
    /// Store products that pass one filter; for subjects also bundles.
    offers: Vec<(ListFilter, Bitmap)>,
    /// Store products with an event that passes.
    with_events: Option<Bitmap>,
    events: Option<EventCondition>,
}

/// The filters of a query.
#[derive(Debug)]
pub struct Conditions {
    parts: Vec<PartConditions>,
    /// `Bundle` is one of the categories.
    includes_bundles: bool,
    /// `Bundle` is the only category.
    has_only_bundles: bool,
}

impl Conditions {
    /// Returns the conditions of a query without filters.
    pub fn none() -> Self {
        Self { parts: Vec::new(), includes_bundles: false, has_only_bundles: false }
    }

    /// Evaluates the filters of a query at a time (Unix seconds).
    pub fn new(model: &ReadModel, filters: &Filters, now: i64) -> Self {
        let categories = filters.values(ListFilter::Categories);
        let includes_bundles = categories.iter().any(|value| is_bundle_category(value));
        let has_only_bundles = includes_bundles && categories.iter().all(|value| is_bundle_category(value));
        let parts = model.parts().iter().map(|part| {
            let segment = &part.segment;
            let offers = offer_conditions(model, segment, filters, has_only_bundles);
            let events = EventCondition::new(&segment.events, filters, now);
            let with_events =
                events.as_ref().map(|condition| rows_of_events(segment, &condition.events(segment.events.len(), None)));
            PartConditions { offers, with_events, events }
        });
        Self { parts: parts.collect(), includes_bundles, has_only_bundles }
    }

    /// Reports whether the query selects only bundles.
    pub fn has_only_bundles(&self) -> bool {
        self.has_only_bundles
    }

    /// Reports whether there is a filter of this kind.
    pub fn has(&self, own: OwnFilter) -> bool {
        self.parts.iter().any(|part| match own {
            OwnFilter::Offers(filter) => part.offers.iter().any(|(other, _)| *other == filter),
            OwnFilter::Events(_) => part.events.is_some(),
        })
    }

    /// Reports whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.offers.is_empty() && part.with_events.is_none())
    }

    /// Returns those of the rows of a part that pass all filters but one.
    pub fn passing(&self, part: usize, rows: &Bitmap, without: Option<ListFilter>) -> Bitmap {
        let conditions = &self.parts[part];
        let offers = conditions.offers.iter().filter(|(filter, _)| Some(*filter) != without);
        in_all(rows, offers.map(|(_, passing)| passing).chain(&conditions.with_events))
    }

    /// Returns those of the rows of a part that pass all filters but those on events.
    pub fn passing_without_events(&self, part: usize, rows: &Bitmap) -> Bitmap {
        in_all(rows, self.parts[part].offers.iter().map(|(_, passing)| passing))
    }

    /// Returns the events of a part that pass all filters on events but one. None: there is no such filter.
    pub fn events(&self, part: usize, events: u32, without: EventValueKind) -> Option<Bitmap> {
        self.parts[part].events.as_ref().map(|condition| condition.events(events, Some(without)))
    }

    /// Returns those of the bundles of each part that pass: by their own subject, and by one component that meets all
    /// other conditions. The facet `Bundle` ignores the categories.
    pub fn bundles(&self, parts: &[Part], candidates: &[Bitmap], for_facet: bool) -> Vec<Bitmap> {
        let ignored = |filter: ListFilter| {
            filter == ListFilter::Subjects || (filter == ListFilter::Categories && (for_facet || self.includes_bundles))
        };
        let sets: Vec<Vec<&Bitmap>> = self
            .parts
            .iter()
            .map(|part| {
                let of_offers = part.offers.iter().filter(|(filter, _)| !ignored(*filter)).map(|(_, passing)| passing);
                of_offers.chain(&part.with_events).collect()
            })
            .collect();
        let has_conditions = sets.iter().any(|sets| !sets.is_empty());
        let passes =
            |(part, row): &ProductPlace| sets.get(*part).is_some_and(|sets| sets.iter().all(|set| set.contains(*row)));
        let passing = parts.iter().zip(&self.parts).zip(candidates).map(|((part, conditions), candidates)| {
            let subjects = conditions.offers.iter().filter(|(filter, _)| *filter == ListFilter::Subjects);
            let mut rows = in_all(candidates, subjects.map(|(_, passing)| passing));
            if has_conditions && !rows.is_empty() {
                for bundle in &part.segment.bundles {
                    if !bundle.products.iter().any(&passes) {
                        rows.remove(bundle.row);
                    }
                }
            }
            rows
        });
        passing.collect()
    }
}

/// Returns those of the rows that are in all sets.
fn in_all<'a>(rows: &Bitmap, mut sets: impl Iterator<Item = &'a Bitmap>) -> Bitmap {
    let Some(first) = sets.next() else { return rows.clone() };
    let mut found = rows.common(first);
    sets.for_each(|set| found.and(set));
    found
}

fn rows_of_events(segment: &Segment, events: &Bitmap) -> Bitmap {
    let mut rows = Bitmap::empty();
    events.for_each(|event| rows.insert(segment.events.row_of[event as usize]));
    rows
}

fn offer_conditions(
    model: &ReadModel,
    segment: &Segment,
    filters: &Filters,
    has_only_bundles: bool,
) -> Vec<(ListFilter, Bitmap)> {
    let columns = &segment.columns;
    let mut conditions = Vec::new();
    let subjects = filters.values(ListFilter::Subjects);
    if !subjects.is_empty() {
        conditions.push((ListFilter::Subjects, rows_of_subjects(segment, subjects)));
    }
    for filter in [ListFilter::Categories, ListFilter::ProductTypes] {
        let values = filters.values(filter);
        if values.is_empty() || (filter == ListFilter::Categories && has_only_bundles) {
            continue;
        }
        let mut rows = Bitmap::empty();
        for id in model.categories().named(values.iter().map(String::as_str)) {
            columns.category(id).into_iter().for_each(|category| category.rows.rows().add_to(&mut rows));
        }
        conditions.push((filter, rows));
    }
    // `product_ids` replaces `products` when given.
    for filter in [ListFilter::ProductIds, ListFilter::Products] {
        let values = filters.values(filter);
        if !values.is_empty() {
            conditions.push((filter, columns.rows_of_catalog_products(parse_ids(values))));
            break;
        }
    }
    let store_products = filters.values(ListFilter::EsspIds);
    if !store_products.is_empty() {
        let mut rows = Bitmap::empty();
        parse_ids(store_products).filter_map(|id| segment.row_of_product(id)).for_each(|row| rows.insert(row));
        conditions.push((ListFilter::EsspIds, rows));
    }
    let modes = filters.values(ListFilter::ModesOfDelivery);
    if !modes.is_empty() {
        conditions.push((ListFilter::ModesOfDelivery, rows_of_modes(segment, modes)));
    }
    conditions
}

fn rows_of_subjects(segment: &Segment, values: &[String]) -> Bitmap {
    let ids: BTreeSet<i64> = parse_ids(values).collect();
    let codes: BTreeSet<&str> = values.iter().filter(|value| !is_id(value)).map(String::as_str).collect();
    let mut rows = Bitmap::empty();
    for run in &segment.columns.subjects {
        if ids.contains(&run.id) || codes.contains(&*run.facet.key) {
            rows.insert_range(run.start, run.end);
        }
    }
    rows
}

/// Returns the rows of variations whose type is one of the modes, or whose name contains one.
fn rows_of_modes(segment: &Segment, modes: &[String]) -> Bitmap {
    let modes: Vec<String> = modes.iter().map(|mode| fold(mode)).filter(|mode| !mode.is_empty()).collect();
    let mut rows = Bitmap::empty();
    for variation in &segment.columns.variations {
        let is_match = |mode: &String| variation.folded_type == *mode || variation.folded_name.contains(mode.as_str());
        if modes.iter().any(is_match) {
            variation.rows.rows().add_to(&mut rows);
        }
    }
    rows
}

fn is_id(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses the values that are ids. Other values match nothing.
fn parse_ids(values: &[String]) -> impl Iterator<Item = i64> {
    values.iter().filter(|value| is_id(value)).filter_map(|value| value.parse().ok())
}
