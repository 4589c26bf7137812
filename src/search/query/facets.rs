//! Counts facets: how many store products each filter value would leave.
//!
//! Facets are disjunctive: the values of a filter are counted under the search text and all *other* filters. Categories
//! and product types list every configured group, zeros included; other filters list only values with products. `Bundle`
//! is added to the categories when bundles match. Events count where one event meets the other filters on events, too.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::conditions::{Conditions, OwnFilter};
use super::filters::ListFilter;
use crate::search::read_model::bitmap::Bitmap;
use crate::search::read_model::categories::BUNDLE;
use crate::search::read_model::segment::Segment;
use crate::search::read_model::segment::events::EventValueKind;
use crate::search::read_model::segment::facet_name::FacetName;
use crate::search::read_model::{Part, ReadModel};
use crate::search::response::{FacetCount, FilterCounts};

/// Values with their counts, by key.
type Counts<'a> = Vec<(&'a FacetName, u32)>;

/// The facets of one answer.
#[derive(Debug, Default)]
pub struct Facets<'a> {
    subjects: Counts<'a>,
    categories: Counts<'a>,
    product_types: Counts<'a>,
    products: Counts<'a>,
    modes: Counts<'a>,
    of_events: [Counts<'a>; 4],
    bundles: u32,
}

/// The store products that match the text, by part, and the filters.
pub struct FacetCounter<'a, 'q> {
    /// The model.
    pub model: &'a ReadModel,
    /// Store products that match the text; they are not read without filters.
    pub candidates: &'q [Bitmap],
    /// Those that pass all filters.
    pub passing: &'q [Bitmap],
    /// The filters.
    pub conditions: &'q Conditions,
}

/// Store products whose values are counted, by part.
struct CountedRows<'a, 'q> {
    model: &'a ReadModel,
    rows: Cow<'q, [Bitmap]>,
    /// The number of each catalogue product, by part. Categories are sets of them.
    of_products: OnceCell<Vec<Vec<u32>>>,
}

impl<'a> FacetCounter<'a, '_> {
    /// Counts all facets. `bundles` is the count of the value `Bundle`.
    pub fn count(&self, bundles: u32) -> Facets<'a> {
        let passing = CountedRows::new(self.model, Cow::Borrowed(self.passing));
        let for_facet = |filter: ListFilter, count: fn(&CountedRows<'a, '_>) -> Counts<'a>| {
            self.rows_without(filter).map_or_else(|| count(&passing), |own| count(&own))
        };
        Facets {
            subjects: for_facet(ListFilter::Subjects, |rows| rows.subjects()),
            categories: for_facet(ListFilter::Categories, |rows| rows.categories(ListFilter::Categories)),
            product_types: for_facet(ListFilter::ProductTypes, |rows| rows.categories(ListFilter::ProductTypes)),
            products: for_facet(ListFilter::Products, |rows| rows.products()),
            modes: for_facet(ListFilter::ModesOfDelivery, |rows| rows.modes()),
            of_events: self.count_all_events(),
            bundles,
        }
    }

    fn parts(&self) -> impl Iterator<Item = (usize, &'a Part)> {
        self.model.parts().iter().enumerate()
    }

    /// Returns the store products that pass all filters but one. None: there is no such filter.
    fn rows_without(&self, filter: ListFilter) -> Option<CountedRows<'a, 'static>> {
        self.conditions.has(OwnFilter::Offers(filter)).then(|| {
            let candidates = self.candidates.iter().enumerate();
            let rows: Vec<Bitmap> =
                candidates.map(|(part, rows)| self.conditions.passing(part, rows, Some(filter))).collect();
            CountedRows::new(self.model, Cow::Owned(rows))
        })
    }

    fn count_all_events(&self) -> [Counts<'a>; 4] {
        let counts: Vec<Vec<u32>> =
            self.parts().map(|(index, part)| self.counts_of_values(index, &part.segment)).collect();
        EventValueKind::ALL.map(|kind| {
            let of_parts = self.parts().map(|(index, part)| {
                let events = &part.segment.events;
                let of_kind = events.values_of_kind(kind);
                let range = of_kind.start as usize..of_kind.end as usize;
                let own = self.conditions.events(index, events.len(), kind);
                let own = own.map(|passing| self.counts_of_events(index, &part.segment, &passing));
                let counts = own.as_ref().unwrap_or(&counts[index]);
                let values = events.values[range.clone()].iter().zip(&counts[range]);
                values.filter(|(_, count)| **count > 0).map(|(value, count)| (&value.facet, *count)).collect()
            });
            joined(of_parts.collect())
        })
    }

    /// Counts the store products with each value, where there is no filter on events.
    fn counts_of_values(&self, part: usize, segment: &Segment) -> Vec<u32> {
        let events = &segment.events;
        let mut counts = vec![0u32; events.values.len()];
        if self.conditions.has(OwnFilter::Events(EventValueKind::Month)) {
            return counts;
        }
        events.for_each_row(&self.passing[part], |values| {
            values.iter().for_each(|value| counts[*value as usize] += 1);
        });
        counts
    }

    /// Counts the store products with each value of events that meet the other filters.
    fn counts_of_events(&self, part: usize, segment: &Segment, passing: &Bitmap) -> Vec<u32> {
        let events = &segment.events;
        let mut counts = vec![0u32; events.values.len()];
        let mut last_row = vec![u32::MAX; events.values.len()];
        let rows = self.conditions.passing_without_events(part, &self.candidates[part]);
        passing.for_each(|event| {
            let row = events.row_of[event as usize];
            if !rows.contains(row) {
                return;
            }
            for value in events.values_of_event(event) {
                let index = *value as usize;
                // Several events of one store product count once.
                counts[index] += u32::from(last_row[index] != row);
                last_row[index] = row;
            }
        });
        counts
    }
}

impl<'a, 'q> CountedRows<'a, 'q> {
    fn new(model: &'a ReadModel, rows: Cow<'q, [Bitmap]>) -> Self {
        Self { model, rows, of_products: OnceCell::new() }
    }

    fn parts(&self) -> impl Iterator<Item = (&'a Segment, &Bitmap)> {
        self.model.parts().iter().map(|part| &*part.segment).zip(self.rows.iter())
    }

    fn subjects(&self) -> Counts<'a> {
        let of_part = |(segment, rows): (&'a Segment, &Bitmap)| -> Counts<'a> {
            let runs = segment.columns.subjects.iter();
            let counts = runs.map(|run| (&run.facet, rows.count_range(run.start, run.end)));
            counts.filter(|(_, count)| *count > 0).collect()
        };
        joined(self.parts().map(of_part).collect())
    }

    fn of_products(&self) -> &[Vec<u32>] {
        let count = |(segment, rows): (&Segment, &Bitmap)| segment.columns.count_products(rows);
        self.of_products.get_or_init(|| self.parts().map(count).collect())
    }

    fn products(&self) -> Counts<'a> {
        let of_part = |((segment, _), counts): ((&'a Segment, &Bitmap), &Vec<u32>)| -> Counts<'a> {
            let counts = segment.columns.products.iter().zip(counts).filter(|(_, count)| **count > 0);
            counts.map(|(product, count)| (&product.facet, *count)).collect()
        };
        joined(self.parts().zip(self.of_products()).map(of_part).collect())
    }

    fn categories(&self, filter: ListFilter) -> Counts<'a> {
        let mut counts: Counts<'a> = Vec::new();
        for (id, facet) in self.model.categories().entries(filter.key()) {
            let of_parts = self.parts().zip(self.of_products()).map(|((segment, _), counts)| {
                let members = segment.columns.category(id).map_or(&[][..], |category| &category.products);
                members.iter().map(|product| counts[*product as usize]).sum::<u32>()
            });
            counts.push((facet, of_parts.sum()));
        }
        // The filter selects all groups of one name together; the largest count is the closest estimate.
        counts.sort_by(|(a, first), (b, second)| a.key.cmp(&b.key).then(second.cmp(first)));
        counts.dedup_by(|(a, _), (b, _)| a.key == b.key);
        counts
    }

    fn modes(&self) -> Counts<'a> {
        // The variation with the lowest id names its type, so the name does not depend on the filters.
        let mut modes: BTreeMap<&str, (i64, &'a FacetName, u32)> = BTreeMap::new();
        for (segment, rows) in self.parts() {
            for mode in &segment.columns.modes {
                let count = mode.rows.rows().count_in(rows);
                let entry = modes.entry(&mode.facet.key).or_insert((mode.lowest_variation, &mode.facet, 0));
                entry.2 += count;
                if mode.lowest_variation < entry.0 {
                    (entry.0, entry.1) = (mode.lowest_variation, &mode.facet);
                }
            }
        }
        modes.into_values().filter(|(.., count)| *count > 0).map(|(_, facet, count)| (facet, count)).collect()
    }
}

/// Adds the counts of all parts. Each is sorted by key.
fn joined(mut parts: Vec<Counts<'_>>) -> Counts<'_> {
    if parts.is_empty() {
        return Vec::new();
    }
    let mut all = parts.swap_remove(0);
    if parts.iter().any(|part| !part.is_empty()) {
        all.extend(parts.into_iter().flatten());
        all.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
    }
    all.dedup_by(|(facet, count), (first, sum)| {
        let is_same = facet.key == first.key;
        *sum += if is_same { *count } else { 0 };
        is_same
    });
    all
}

impl Facets<'_> {
    fn lists(&self) -> [(&'static str, &Counts<'_>); 9] {
        let [locations, venues, instructors, months] = &self.of_events;
        [
            ("subjects", &self.subjects),
            ("categories", &self.categories),
            ("product_types", &self.product_types),
            ("products", &self.products),
            ("modes_of_delivery", &self.modes),
            ("locations", locations),
            ("venues", venues),
            ("instructors", instructors),
            ("months", months),
        ]
    }

    /// Writes the facets as the value of `filter_counts`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let bundle = FacetName::new(BUNDLE.into(), BUNDLE.into(), false);
        for (index, (name, counts)) in self.lists().into_iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"{\"" } else { b",\"" });
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":{");
            let with_bundles = name == "categories" && self.bundles > 0;
            let mut is_open = with_bundles;
            let start = out.len();
            for (facet, count) in counts {
                if with_bundles && &*facet.key == BUNDLE {
                    continue;
                }
                if is_open && &*facet.key > BUNDLE {
                    bundle.write(out, self.bundles);
                    out.push(b',');
                    is_open = false;
                }
                facet.write(out, *count);
                out.push(b',');
            }
            if is_open {
                bundle.write(out, self.bundles);
            } else if out.len() > start {
                out.pop();
            }
            out.push(b'}');
        }
        out.push(b'}');
    }

    /// Returns the facets as values.
    pub fn to_counts(&self) -> FilterCounts {
        let read = |counts: &Counts<'_>| -> BTreeMap<String, FacetCount> {
            let value = |(facet, count): &(&FacetName, u32)| {
                let name = facet.name.to_string();
                let display_name = facet.is_displayed.then(|| name.clone());
                (facet.key.to_string(), FacetCount { count: *count as usize, name, display_name })
            };
            counts.iter().map(value).collect()
        };
        let [locations, venues, instructors, months] = &self.of_events;
        let mut categories = read(&self.categories);
        if self.bundles > 0 {
            let count = FacetCount { count: self.bundles as usize, name: BUNDLE.to_owned(), display_name: None };
            categories.insert(BUNDLE.to_owned(), count);
        }
        FilterCounts {
            subjects: read(&self.subjects),
            categories,
            product_types: read(&self.product_types),
            products: read(&self.products),
            modes_of_delivery: read(&self.modes),
            locations: read(locations),
            venues: read(venues),
            instructors: read(instructors),
            months: read(months),
        }
    }
}
