//! The events of a segment, as columns, and the places, people and months that filters and facets know.
//!
//! Events are numbered by row, so the events of one row are neighbours.

use foldhash::HashMap;

use jiff::civil::Date;

use super::super::bitmap::Bitmap;
use super::super::items::{CatalogueItem, TutorialEvent};
use super::super::row_sets::StoredRows;
use super::super::rows::{Place, Text};
use super::super::text::words;
use super::facet_name::FacetName;
use super::{RowCollector, rows_of_products};
use crate::names::fold;

/// What a value of an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventValueKind {
    /// A location of the event or of a session.
    Location,
    /// A venue of the event or of a session.
    Venue,
    /// An instructor.
    Instructor,
    /// The month in which the event starts.
    Month,
}

impl EventValueKind {
    /// All kinds, in the order of their values.
    pub const ALL: [Self; 4] = [Self::Location, Self::Venue, Self::Instructor, Self::Month];
}

/// A location, venue, instructor or month.
#[derive(Debug)]
pub struct EventValue {
    /// What it is.
    pub kind: EventValueKind,
    /// The value of the facet.
    pub facet: FacetName,
    /// Its events.
    pub events: StoredRows,
}

/// The events of a segment.
#[derive(Debug, Default)]
pub struct EventIndex {
    /// Event → row.
    pub row_of: Vec<u32>,
    /// Event → first day.
    pub starts: Vec<Date>,
    /// The seconds from which events with places are over, in order, with the events.
    ends: Vec<(i64, u32)>,
    /// The events with places.
    pub with_places: Bitmap,
    /// All values by kind and key.
    pub values: Vec<EventValue>,
    by_name: HashMap<(EventValueKind, String), Vec<u32>>,
    values_of_event: Lists,
    /// The rows with events.
    with_events: Bitmap,
    /// For each 64 rows, how many rows with events are before them.
    before: Vec<u32>,
    values_of_row: Lists,
    by_word: HashMap<String, Vec<u32>>,
}

/// A list of numbers for each of several things.
#[derive(Debug, Default)]
struct Lists {
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl Lists {
    fn push(&mut self, numbers: &[u32]) {
        self.starts.push(self.numbers.len() as u32);
        self.numbers.extend_from_slice(numbers);
    }

    fn get(&self, index: usize) -> &[u32] {
        let start = self.starts.get(index).map_or(self.numbers.len(), |start| *start as usize);
        let end = self.starts.get(index + 1).map_or(self.numbers.len(), |end| *end as usize);
        &self.numbers[start..end]
    }

    fn renumber(&mut self, numbers: &[u32]) {
        self.numbers.iter_mut().for_each(|number| *number = numbers[*number as usize]);
    }
}

/// Gives each value a number.
#[derive(Default)]
struct ValueNumbers {
    known: HashMap<(EventValueKind, Text), u32>,
    by_fold: HashMap<(EventValueKind, String), u32>,
    codes: HashMap<(String, u32), ()>,
    values: Vec<(EventValueKind, Text)>,
}

impl ValueNumbers {
    fn number(&mut self, kind: EventValueKind, name: &Text) -> Option<u32> {
        if let Some(number) = self.known.get(&(kind, name.clone())) {
            return Some(*number);
        }
        let folded = fold(name);
        if folded.is_empty() {
            return None;
        }
        let next = self.values.len() as u32;
        let number = *self.by_fold.entry((kind, folded)).or_insert(next);
        if number == next {
            self.values.push((kind, name.clone()));
        }
        self.known.insert((kind, name.clone()), number);
        Some(number)
    }

    fn numbers_of(&mut self, event: &TutorialEvent) -> Vec<u32> {
        let mut numbers = Vec::new();
        let mut last: Option<&Place> = None;
        for place in std::iter::once(&event.row.place).chain(event.sessions.iter().map(|session| &session.place)) {
            if last == Some(place) {
                continue;
            }
            last = Some(place);
            let location = place.location.as_ref().and_then(|name| self.number(EventValueKind::Location, name));
            if let (Some(number), Some(code)) = (location, &place.location_code) {
                self.codes.entry((fold(code), number)).or_default();
            }
            numbers.extend(location);
            numbers.extend(place.venue.as_ref().and_then(|name| self.number(EventValueKind::Venue, name)));
        }
        for name in &event.instructors {
            numbers.extend(self.number(EventValueKind::Instructor, name));
        }
        let start = event.row.start_date;
        let month: Text = format!("{:04}-{:02}", start.year(), start.month()).into();
        numbers.extend(self.number(EventValueKind::Month, &month));
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

impl EventIndex {
    /// Reads the events of items in browsing order.
    pub fn new(items: &[CatalogueItem], first_rows: &[u32]) -> Self {
        let mut index = Self::default();
        let mut numbers = ValueNumbers::default();
        let mut events_of = RowCollector::default();
        let mut with_places = Vec::new();
        let mut rows = Vec::new();
        for (row, product) in rows_of_products(items, first_rows).filter(|(_, product)| !product.events.is_empty()) {
            let mut of_row: Vec<u32> = Vec::new();
            for event in &product.events {
                let number = index.row_of.len() as u32;
                let values = numbers.numbers_of(event);
                values.iter().for_each(|value| events_of.add(*value, number));
                index.values_of_event.push(&values);
                of_row.extend(values);
                index.row_of.push(row);
                index.starts.push(event.row.start_date);
                if event.has_places() {
                    with_places.push(number);
                    index.ends.push((event.over_from, number));
                }
            }
            of_row.sort_unstable();
            of_row.dedup();
            rows.push(row);
            index.values_of_row.push(&of_row);
        }
        index.with_events = Bitmap::of_sorted(&rows);
        index.before = index.with_events.counts_before();
        index.with_places = Bitmap::of_sorted(&with_places);
        index.ends.sort_unstable();
        index.sort_values(numbers, events_of);
        index
    }

    fn sort_values(&mut self, numbers: ValueNumbers, mut events_of: RowCollector<u32>) {
        let mut order: Vec<u32> = (0..numbers.values.len() as u32).collect();
        order.sort_by(|a, b| numbers.values[*a as usize].cmp(&numbers.values[*b as usize]));
        let mut renumbered = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            renumbered[*old as usize] = new as u32;
            let (kind, name) = numbers.values[*old as usize].clone();
            let events = StoredRows::new(events_of.0.remove(old).unwrap_or_default());
            self.values.push(EventValue { kind, facet: FacetName::new(name.clone(), name, false), events });
        }
        for (name, old) in numbers.by_fold {
            self.by_name.entry(name).or_default().push(renumbered[old as usize]);
        }
        for ((code, old), ()) in numbers.codes {
            self.by_name.entry((EventValueKind::Location, code)).or_default().push(renumbered[old as usize]);
        }
        for (number, value) in self.values.iter().enumerate() {
            for word in words(&value.facet.key) {
                self.by_word.entry(word).or_default().push(number as u32);
            }
        }
        self.values_of_event.renumber(&renumbered);
        self.values_of_row.renumber(&renumbered);
    }

    /// Returns the numbers of the values of a kind.
    pub fn values_of_kind(&self, kind: EventValueKind) -> std::ops::Range<u32> {
        let start = self.values.partition_point(|value| value.kind < kind);
        let end = self.values.partition_point(|value| value.kind <= kind);
        start as u32..end as u32
    }

    /// Returns the number of events.
    pub fn len(&self) -> u32 {
        self.row_of.len() as u32
    }

    /// Reports whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.row_of.is_empty()
    }

    /// Returns the events with places that are over at this second, with their ends.
    pub fn over(&self, now: i64) -> &[(i64, u32)] {
        &self.ends[..self.ends.partition_point(|(over_from, _)| *over_from <= now)]
    }

    /// Returns the values of one event.
    pub fn values_of_event(&self, event: u32) -> &[u32] {
        self.values_of_event.get(event as usize)
    }

    /// Calls a function for each of some rows that has events, with the values of all its events, each once.
    pub fn for_each_row(&self, rows: &Bitmap, mut call: impl FnMut(&[u32])) {
        rows.for_each_position_in(&self.with_events, &self.before, |position| {
            call(self.values_of_row.get(position as usize));
        });
    }

    /// Returns the values whose name contains a word.
    pub fn values_with_word(&self, word: &str) -> impl Iterator<Item = &EventValue> {
        self.by_word.get(word).into_iter().flatten().map(|value| &self.values[*value as usize])
    }

    /// Returns the events with a value that has one of these folded names or codes.
    pub fn events_named<'a>(&self, kind: EventValueKind, names: impl IntoIterator<Item = &'a String>) -> Bitmap {
        let mut events = Bitmap::empty();
        for name in names {
            let values = self.by_name.get(&(kind, name.clone())).into_iter().flatten();
            values.for_each(|value| self.values[*value as usize].events.rows().add_to(&mut events));
        }
        events
    }
}
