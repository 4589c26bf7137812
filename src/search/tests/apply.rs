//! Applied changes give the same answers as a model that is built from all rows.

use std::collections::BTreeSet;

use jiff::civil::date;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fixture::{event, session, standard_price, store_product};
use crate::search::compose::SessionUrls;
use crate::search::query::{Query, search};
use crate::search::read_model::ReadModel;
use crate::search::read_model::rows::*;
use crate::search::read_model::touched::Touched;

const SUBJECTS: [(i64, &str); 3] = [(1, "CM2"), (2, "CS2"), (3, "SA1")];
const PRODUCTS: [(i64, &str, &str); 4] =
    [(10, "Course Notes", ""), (11, "Study Text", "Text"), (12, "Tutorial - London", "London"), (13, "Mock", "Mock")];
const VARIATIONS: [(i64, &str, &str); 3] = [(1, "Printed", "Standard"), (2, "eBook", "eBook"), (3, "Tutorial", "Live")];
const PLACES: [&str; 4] = ["London", "Leeds", "Lndon", "York"];
const PEOPLE: [&str; 3] = ["Ann Lee", "Ann Moor", "Zoe Lee"];

/// One change of the catalogue.
#[derive(Clone, Debug)]
pub enum CatalogueEdit {
    /// Puts a store product on sale, with or without events.
    Sell { id: i64, subject: usize, product: usize, variation: usize, events: usize, place: usize, person: usize },
    /// Takes a store product off sale.
    End { id: i64 },
    /// Changes a price.
    Price { id: i64, amount: i64 },
    /// Sells a bundle of store products.
    Bundle { id: i64, subject: usize, parts: Vec<i64> },
    /// Merges the segments.
    Merge,
}

pub fn change() -> impl Strategy<Value = CatalogueEdit> {
    let sell = (0..24i64, 0..3usize, 0..4usize, 0..3usize, 0..3usize, 0..4usize, 0..3usize).prop_map(
        |(id, subject, product, variation, events, place, person)| CatalogueEdit::Sell {
            id,
            subject,
            product,
            variation,
            events,
            place,
            person,
        },
    );
    prop_oneof![
        6 => sell,
        2 => (0..24i64).prop_map(|id| CatalogueEdit::End { id }),
        1 => (0..24i64, 1..900i64).prop_map(|(id, amount)| CatalogueEdit::Price { id, amount }),
        2 => (0..5i64, 0..3usize, prop::collection::vec(0..24i64, 0..4))
            .prop_map(|(id, subject, parts)| CatalogueEdit::Bundle { id, subject, parts }),
        1 => Just(CatalogueEdit::Merge),
    ]
}

fn remove_product(rows: &mut CatalogueRows, id: i64) {
    let events: BTreeSet<i64> =
        rows.events.iter().filter(|event| event.store_product_id == id).map(|event| event.id).collect();
    rows.store_products.retain(|row| row.id != id);
    rows.prices.retain(|row| row.store_product_id != id);
    rows.events.retain(|row| row.store_product_id != id);
    rows.sessions.retain(|row| !events.contains(&row.event_id));
    rows.instructors.retain(|row| !events.contains(&row.event_id));
}

fn components(bundle_id: i64, parts: &[i64]) -> impl Iterator<Item = ComponentRow> {
    let distinct: BTreeSet<i64> = parts.iter().copied().collect();
    distinct.into_iter().map(move |store_product_id| ComponentRow {
        bundle_id,
        store_product_id,
        default_price_type: "standard".into(),
        quantity: 1,
        sort_order: 0,
    })
}

fn add_events(rows: &mut CatalogueRows, id: i64, events: usize, location: &str, person: &str) {
    for number in 0..events as i64 {
        let venue = (number > 0).then(|| "Quill House".into());
        let place = Place { location: Some(location.into()), location_code: None, venue };
        let event_id = id * 10 + number;
        let starts = date(2031, 1 + number as i8, 3);
        let row = event(event_id, &format!("EV-{id}-{number}"), starts, place, number as i32);
        rows.events.push(TutorialEventRow { store_product_id: id, ..row });
        rows.sessions.push(TutorialSessionRow { event_id, ..session(event_id * 10, 1, Place::default()) });
        rows.instructors.push(InstructorRecord { event_id, name: person.into() });
    }
}

pub fn make(rows: &mut CatalogueRows, change: &CatalogueEdit) -> Touched {
    let mut touched = Touched::default();
    match change {
        CatalogueEdit::Sell { id, subject, product, variation, events, place, person } => {
            let row = store_product(*id, SUBJECTS[*subject], PRODUCTS[*product], VARIATIONS[*variation]);
            // A variation is sold once in a sitting.
            let sold = |other: &&StoreProductRow| (other.sitting.id, other.form.id) == (row.sitting.id, row.form.id);
            touched.store_products.extend(rows.store_products.iter().filter(sold).map(|other| other.id));
            touched.store_products.insert(*id);
            touched.store_products.iter().for_each(|id| remove_product(rows, *id));
            rows.store_products.push(row);
            rows.prices.push(standard_price(id + 500, *id));
            add_events(rows, *id, *events, PLACES[*place], PEOPLE[*person]);
        }
        CatalogueEdit::End { id } => {
            remove_product(rows, *id);
            touched.store_products.insert(*id);
        }
        CatalogueEdit::Price { id, amount } => {
            touched.store_products.insert(*id);
            let prices = rows.prices.iter_mut().filter(|price| price.store_product_id == *id);
            prices.for_each(|price| price.amount = Decimal::from(*amount));
        }
        CatalogueEdit::Bundle { id, subject, parts } => {
            touched.bundles.insert(*id);
            rows.bundles.retain(|row| row.id != *id);
            rows.components.retain(|row| row.bundle_id != *id);
            if parts.is_empty() {
                return touched;
            }
            let (subject_id, code) = SUBJECTS[*subject];
            let (name, subject_code) = (format!("Pack {id}").into(), code.into());
            let (exam_session_id, exam_session_code) = (9, "26A".into());
            let row = BundleRow {
                id: *id,
                name,
                subject_id,
                subject_code,
                exam_session_id,
                exam_session_code,
                ..BundleRow::default()
            };
            rows.bundles.push(row);
            rows.components.extend(components(*id, parts));
        }
        CatalogueEdit::Merge => {}
    }
    touched
}

/// Returns the rows that are read for what was touched.
fn touched_rows(all: &CatalogueRows, touched: &Touched) -> CatalogueRows {
    let mut rows = CatalogueRows { version: all.version, ..CatalogueRows::default() };
    let is_touched = |id: &i64| touched.store_products.contains(id);
    rows.store_products = all.store_products.iter().filter(|row| is_touched(&row.id)).cloned().collect();
    rows.prices = all.prices.iter().filter(|row| is_touched(&row.store_product_id)).cloned().collect();
    rows.events = all.events.iter().filter(|row| is_touched(&row.store_product_id)).cloned().collect();
    let events: BTreeSet<i64> = rows.events.iter().map(|event| event.id).collect();
    rows.sessions = all.sessions.iter().filter(|row| events.contains(&row.event_id)).cloned().collect();
    rows.instructors = all.instructors.iter().filter(|row| events.contains(&row.event_id)).cloned().collect();
    rows.bundles = all.bundles.iter().filter(|row| touched.bundles.contains(&row.id)).cloned().collect();
    rows.components = all.components.iter().filter(|row| touched.bundles.contains(&row.bundle_id)).cloned().collect();
    rows
}

pub fn empty_rows() -> CatalogueRows {
    let group = |id, name: &str| CategoryRow {
        id,
        name: name.to_owned(),
        parent_id: None,
        code: None,
        description: String::new(),
        is_active: true,
    };
    CatalogueRows {
        categories: vec![group(1, "Material"), group(2, "Tutorial")],
        memberships: [(10, 1), (11, 1), (12, 2)]
            .map(|(catalog_product_id, category_id)| MembershipRow { catalog_product_id, category_id })
            .to_vec(),
        facet_entries: [1, 2]
            .map(|category_id| FacetEntryRow { filter_key: "categories".to_owned(), category_id })
            .to_vec(),
        // The printed notes are recommended with the text as eBook, and the mock with the notes.
        recommendations: vec![
            RecommendationRow { product_variation_id: 1102, recommended_id: 1001 },
            RecommendationRow { product_variation_id: 1001, recommended_id: 1301 },
        ],
        ..CatalogueRows::default()
    }
}

fn answers(model: &ReadModel) -> Vec<Value> {
    let bodies = [
        json!({}),
        json!({"pagination": {"page": 2, "page_size": 3}}),
        json!({"searchQuery": "notes"}),
        json!({"searchQuery": "cs2 lond"}),
        json!({"searchQuery": "ann lee"}),
        json!({"searchQuery": "lonodn", "pagination": {"page_size": 2}}),
        json!({"searchQuery": "pack"}),
        json!({"filters": {"subjects": ["CM2", "SA1"], "modes_of_delivery": ["Printed"]}}),
        json!({"filters": {"locations": ["London"], "instructors": ["ann lee"]}}),
        json!({"filters": {"starts_from": "2031-02-01"}}),
        json!({"filters": {"categories": ["Material", "Bundle"]}}),
        json!({"filters": {"available": false}, "searchQuery": "tutorial"}),
    ];
    let answer = |body: &Value| {
        let query = Query::from_json(body, &[]).expect("a valid body");
        serde_json::to_value(search(model, &query, SessionUrls::Visible)).expect("JSON")
    };
    bodies.iter().map(answer).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn applied_changes_equal_a_new_model(changes in prop::collection::vec(change(), 1..30)) {
        let mut rows = empty_rows();
        let mut model = ReadModel::build(rows.clone());
        for change in &changes {
            let touched = make(&mut rows, change);
            rows.version += 1;
            model = match change {
                CatalogueEdit::Merge => model.merged().apply(CatalogueRows::default(), &touched, rows.version),
                _ => model.apply(touched_rows(&rows, &touched), &touched, rows.version),
            };
        }
        let built = ReadModel::build(rows);
        prop_assert_eq!(model.version, built.version);
        prop_assert_eq!(model.totals(), built.totals());
        for (applied, new) in answers(&model).into_iter().zip(answers(&built)) {
            prop_assert_eq!(applied, new);
        }
    }
}
