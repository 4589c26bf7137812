//! A small sample model.

use std::sync::Arc;

use jiff::civil::date;
use rust_decimal::Decimal;

use crate::search::read_model::ReadModel;
use crate::search::read_model::rows::*;

/// Returns a store product. Its sitting id is the subject id: there is only one exam session, 26A.
pub fn store_product(
    id: i64,
    subject: (i64, &str),
    product: (i64, &str, &str),
    variation: (i64, &str, &str),
) -> StoreProductRow {
    StoreProductRow {
        id,
        product_code: format!("{}/{}/26A", subject.1, id).into(),
        sitting: Arc::new(SittingRow {
            id: subject.0,
            subject_id: subject.0,
            subject_code: subject.1.into(),
            subject_description: None,
            exam_session_id: 9,
            exam_session_code: "26A".into(),
        }),
        form: Arc::new(FormRow {
            id: product.0 * 100 + variation.0,
            catalog_product_id: product.0,
            fullname: product.1.into(),
            shortname: product.2.into(),
            catalog_code: format!("P{}", product.0).into(),
            variation_id: variation.0,
            variation_type: variation.1.into(),
            variation_name: variation.2.into(),
            ..FormRow::default()
        }),
    }
}

const CM2: (i64, &str) = (1, "CM2");
const CS2: (i64, &str) = (2, "CS2");
const SA1: (i64, &str) = (3, "SA1");
const NOTES: (i64, &str, &str) = (10, "Course Notes", "Course Notes");
const TEXT: (i64, &str, &str) = (11, "Study Text", "Study Text");
const MOCK: (i64, &str, &str) = (12, "Additional Mock Pack", "Mock Pack");
const LONDON: (i64, &str, &str) = (13, "Tutorial - London", "London");
const MARKING: (i64, &str, &str) = (14, "Series X Marking", "Series X");
const PRINTED: (i64, &str, &str) = (1, "Printed", "Standard Printed");
const EBOOK: (i64, &str, &str) = (2, "eBook", "Vitalsource eBook");
const F2F: (i64, &str, &str) = (3, "Tutorial", "CS2_f2f_3");
const HAND: (i64, &str, &str) = (4, "Marking", "Hand marking");

fn place(location: Option<&str>, venue: Option<&str>) -> Place {
    let code = location.map(|name| name[..3].to_uppercase().into());
    Place { location: location.map(Text::from), location_code: code, venue: venue.map(Text::from) }
}

fn category(id: i64, name: &str, parent_id: Option<i64>) -> CategoryRow {
    CategoryRow { id, name: name.to_owned(), parent_id, code: None, description: String::new(), is_active: true }
}

pub fn event(id: i64, code: &str, starts: jiff::civil::Date, place: Place, remain_space: i32) -> TutorialEventRow {
    TutorialEventRow {
        id,
        store_product_id: 104,
        code: code.into(),
        place,
        is_soldout: false,
        finalisation_date: None,
        remain_space,
        start_date: starts,
        end_date: starts.saturating_add(jiff::Span::new().days(28)),
        is_unlimited: false,
        time_zone: None,
    }
}

pub fn session(id: i64, sequence: i32, place: Place) -> TutorialSessionRow {
    TutorialSessionRow {
        id,
        event_id: 20,
        title: format!("CS2 London day {sequence}").into(),
        place,
        start: "2026-02-10T09:30:00Z".parse().expect("a time"),
        end: "2026-02-10T17:00:00Z".parse().expect("a time"),
        sequence,
        url: Some("https://meet.example/cs2".into()),
    }
}

pub fn standard_price(id: i64, store_product_id: i64) -> PriceRecord {
    let (price_type, currency) = ("standard".into(), "GBP".into());
    PriceRecord { id, store_product_id, price_type, amount: Decimal::new(610, 0), currency }
}

/// Returns a model with two store products of CM2, five of CS2, one of SA1, and two bundles.
pub fn sample_model() -> ReadModel {
    let holborn = || place(Some("London"), Some("Holborn Rooms"));
    ReadModel::build(CatalogueRows {
        version: 7,
        store_products: vec![
            store_product(100, CM2, NOTES, PRINTED),
            store_product(101, CM2, TEXT, EBOOK),
            store_product(102, CS2, NOTES, PRINTED),
            store_product(103, CS2, MOCK, EBOOK),
            store_product(104, CS2, LONDON, F2F),
            store_product(105, CS2, NOTES, EBOOK),
            store_product(106, CS2, MARKING, HAND),
            store_product(107, SA1, NOTES, PRINTED),
        ],
        prices: vec![standard_price(51, 104)],
        recommendations: vec![
            RecommendationRow { product_variation_id: 1001, recommended_id: 1404 },
            RecommendationRow { product_variation_id: 1102, recommended_id: 1404 },
        ],
        categories: vec![
            category(1, "Material", None),
            category(2, "Core Study Material", Some(1)),
            category(3, "Tutorial", None),
            category(4, "Empty", None),
        ],
        memberships: [(10, 2), (11, 2), (12, 1), (13, 3)]
            .map(|(catalog_product_id, category_id)| MembershipRow { catalog_product_id, category_id })
            .to_vec(),
        facet_entries: [1, 3, 4]
            .map(|category_id| FacetEntryRow { filter_key: "categories".to_owned(), category_id })
            .to_vec(),
        bundles: [(3, "CS2 Pack", CS2), (4, "SA1 Pack", SA1)]
            .map(|(id, name, subject)| BundleRow {
                id,
                name: name.into(),
                description: Some("All at once".into()),
                subject_id: subject.0,
                subject_code: subject.1.into(),
                exam_session_id: 9,
                exam_session_code: "26A".into(),
            })
            .to_vec(),
        components: [(3, 103), (3, 102), (4, 107)]
            .map(|(bundle_id, store_product_id)| ComponentRow {
                bundle_id,
                store_product_id,
                default_price_type: "standard".into(),
                quantity: 1,
                sort_order: 0,
            })
            .to_vec(),
        events: vec![
            event(21, "CS2-21-26A", date(2026, 2, 12), place(Some("Leeds"), None), 0),
            event(20, "CS2-20-26A", date(2026, 2, 10), holborn(), 6),
        ],
        sessions: vec![session(41, 2, place(None, Some("King's Cross"))), session(40, 1, Place::default())],
        instructors: vec![InstructorRecord { event_id: 20, name: "Zoë Example".into() }],
        ..CatalogueRows::default()
    })
}
