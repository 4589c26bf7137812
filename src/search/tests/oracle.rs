//! Filters, pages and facets equal those of a program that looks at each store product.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::apply::{change, empty_rows, make};
use crate::search::compose::SessionUrls;
use crate::search::query::{FoundPage, Query};
use crate::search::read_model::ReadModel;
use crate::search::read_model::items::{CatalogueItem, StoreProduct, TutorialEvent};

/// Chosen values of each filter; none: no filter.
#[derive(Clone, Debug, Default)]
struct Chosen {
    subjects: Vec<&'static str>,
    categories: Vec<&'static str>,
    products: Vec<i64>,
    modes: Vec<&'static str>,
    locations: Vec<&'static str>,
    instructors: Vec<&'static str>,
    starts_from: Option<Date>,
    available: Option<bool>,
}

fn some<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![2 => Just(Vec::new()), 1 => prop::sample::subsequence(values, 1..=2)]
}

fn chosen() -> impl Strategy<Value = Chosen> {
    (
        some(vec!["CM2", "CS2", "SA1", "XX9"]),
        some(vec!["Material", "Tutorial", "Unknown", "Bundle"]),
        some(vec![10, 11, 12, 99]),
        some(vec!["Printed", "ebook", "Tutorial"]),
        some(vec!["London", "leeds", "York"]),
        some(vec!["Ann Lee", "zoe lee"]),
        prop_oneof![2 => Just(None), 1 => Just(Some(date(2031, 2, 1)))],
        prop_oneof![2 => Just(None), 1 => any::<bool>().prop_map(Some)],
    )
        .prop_map(|(subjects, categories, products, modes, locations, instructors, starts_from, available)| {
            Chosen { subjects, categories, products, modes, locations, instructors, starts_from, available }
        })
}

impl Chosen {
    fn body(&self) -> Value {
        let mut filters = json!({});
        let mut set = |key: &str, values: Value| {
            if values.as_array().is_some_and(|values| !values.is_empty()) {
                filters[key] = values;
            }
        };
        set("subjects", json!(self.subjects));
        set("categories", json!(self.categories));
        set("products", json!(self.products));
        set("modes_of_delivery", json!(self.modes));
        set("locations", json!(self.locations));
        set("instructors", json!(self.instructors));
        if let Some(day) = self.starts_from {
            filters["starts_from"] = json!(day.to_string());
        }
        if let Some(available) = self.available {
            filters["available"] = json!(available);
        }
        json!({ "filters": filters, "pagination": { "page_size": 100 } })
    }

    fn meets(&self, event: &TutorialEvent) -> bool {
        let is_named = |values: &[&str], name: &str| {
            values.is_empty() || values.iter().any(|value| value.eq_ignore_ascii_case(name))
        };
        let location = event.row.place.location.as_deref().unwrap_or_default();
        is_named(&self.locations, location)
            && (self.instructors.is_empty() || event.instructors.iter().any(|name| is_named(&self.instructors, name)))
            && self.starts_from.is_none_or(|day| event.row.start_date >= day)
            && self.available.is_none_or(|available| (event.row.remain_space > 0) == available)
    }

    fn has_events(&self) -> bool {
        !self.locations.is_empty()
            || !self.instructors.is_empty()
            || self.starts_from.is_some()
            || self.available.is_some()
    }

    /// Reports whether a store product passes the filters except that of its subject.
    fn passes_others(&self, product: &StoreProduct, with_categories: bool) -> bool {
        let row = &product.row;
        let groups: &[&str] = match row.form.catalog_product_id {
            10 | 11 => &["Material"],
            12 => &["Tutorial"],
            _ => &[],
        };
        let only_bundles = !self.categories.is_empty() && self.categories.iter().all(|name| *name == "Bundle");
        let is_mode = |mode: &&str| {
            mode.eq_ignore_ascii_case(&row.form.variation_type)
                || row.form.variation_name.to_lowercase().contains(&mode.to_lowercase())
        };
        let in_category =
            self.categories.is_empty() || only_bundles || self.categories.iter().any(|name| groups.contains(name));
        (!with_categories || in_category)
            && (self.products.is_empty() || self.products.contains(&row.form.catalog_product_id))
            && (self.modes.is_empty() || self.modes.iter().any(is_mode))
            && (!self.has_events() || product.events.iter().any(|event| self.meets(event)))
    }

    fn passes(&self, product: &StoreProduct) -> bool {
        (self.subjects.is_empty() || self.subjects.contains(&&*product.row.sitting.subject_code))
            && self.passes_others(product, true)
    }
}

/// Returns the ids of store products, and of bundles as negative numbers, in their order.
fn expected_ids(model: &ReadModel, chosen: &Chosen) -> Vec<i64> {
    let only_bundles = !chosen.categories.is_empty() && chosen.categories.iter().all(|name| *name == "Bundle");
    let with_bundles = chosen.categories.contains(&"Bundle");
    let mut ids = Vec::new();
    for item in model.items() {
        match item {
            CatalogueItem::Group(group) if !only_bundles => {
                ids.extend(group.products.iter().filter(|product| chosen.passes(product)).map(|one| one.row.id));
            }
            CatalogueItem::Group(_) => {}
            CatalogueItem::Bundle(bundle) => {
                let subject = &*bundle.row.subject_code;
                let is_subject = chosen.subjects.is_empty() || chosen.subjects.contains(&subject);
                let has_others = (!chosen.categories.is_empty() && !with_bundles)
                    || !chosen.products.is_empty()
                    || !chosen.modes.is_empty()
                    || chosen.has_events();
                let mut parts = bundle.components.iter().filter_map(|component| component.store_product());
                if is_subject && (!has_others || parts.any(|part| chosen.passes_others(part, !with_bundles))) {
                    ids.push(-bundle.row.id - 1);
                }
            }
        }
    }
    ids
}

fn count<'a>(
    model: &'a ReadModel,
    chosen: &Chosen,
    keys: impl Fn(&'a StoreProduct) -> Vec<String>,
) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for product in model.store_products().filter(|product| chosen.passes(product)) {
        let distinct: BTreeSet<String> = keys(product).into_iter().collect();
        distinct.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
    }
    counts
}

fn expected_counts(model: &ReadModel, chosen: &Chosen) -> BTreeMap<&'static str, BTreeMap<String, u64>> {
    let without = |change: fn(&mut Chosen)| {
        let mut others = chosen.clone();
        change(&mut others);
        others
    };
    let of_subject = without(|chosen| chosen.subjects.clear());
    let of_product = without(|chosen| chosen.products.clear());
    let of_mode = without(|chosen| chosen.modes.clear());
    let of_location = without(|chosen| chosen.locations.clear());
    let of_instructor = without(|chosen| chosen.instructors.clear());
    let of_month = without(|chosen| chosen.starts_from = None);
    let events = |others: &Chosen, product: &StoreProduct, key: fn(&TutorialEvent) -> Vec<String>| {
        product.events.iter().filter(|event| others.meets(event)).flat_map(key).collect::<Vec<_>>()
    };
    let location = |event: &TutorialEvent| event.row.place.location.iter().map(|name| name.to_string()).collect();
    let instructor = |event: &TutorialEvent| event.instructors.iter().map(|name| name.to_string()).collect();
    let month = |event: &TutorialEvent| vec![event.row.start_date.strftime("%Y-%m").to_string()];
    [
        ("subjects", count(model, &of_subject, |one| vec![one.row.sitting.subject_code.to_string()])),
        ("products", count(model, &of_product, |one| vec![one.row.form.catalog_product_id.to_string()])),
        ("modes_of_delivery", count(model, &of_mode, |one| vec![one.row.form.variation_type.to_string()])),
        ("locations", count(model, &of_location, |one| events(&of_location, one, location))),
        ("instructors", count(model, &of_instructor, |one| events(&of_instructor, one, instructor))),
        ("months", count(model, &of_month, |one| events(&of_month, one, month))),
    ]
    .into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn filters_and_facets_equal_those_of_a_simple_program(
        changes in prop::collection::vec(change(), 1..40),
        chosen in prop::collection::vec(chosen(), 8),
    ) {
        let mut rows = empty_rows();
        changes.iter().for_each(|change| drop(make(&mut rows, change)));
        let model = ReadModel::build(rows);
        for chosen in chosen {
            let query = Query::from_json(&chosen.body(), &[]).expect("a valid body");
            let found = serde_json::to_value(FoundPage::at(&model, &query, 0).response(SessionUrls::Visible)).expect("JSON");
            let ids: Vec<i64> = found["products"].as_array().expect("items").iter().flat_map(|item| {
                let variations = item["variations"].as_array().into_iter().flatten();
                let bundle = item.get("is_bundle").and(item["id"].as_i64()).map(|id| -id - 1);
                variations.filter_map(|one| one["store_product_id"].as_i64()).chain(bundle).collect::<Vec<_>>()
            }).collect();
            prop_assert_eq!(ids, expected_ids(&model, &chosen), "{:?}", chosen);
            for (key, expected) in expected_counts(&model, &chosen) {
                let counts: BTreeMap<String, u64> = found["filter_counts"][key].as_object().expect("counts").iter()
                    .map(|(value, count)| (value.clone(), count["count"].as_u64().unwrap_or_default())).collect();
                prop_assert_eq!(counts, expected, "{} {:?}", key, chosen);
            }
        }
    }
}
