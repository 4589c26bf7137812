//! The rules of unified search over a small made-up shop, without a database.

use std::collections::BTreeMap;

use jiff::civil::date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::index::Catalogue;
use super::query::Query;
use super::response::SessionUrls;
use super::rows::*;
use super::unified::answer;

/// Sitting ids of the made-up shop are the subject ids: there is one exam session, 26A.
fn offer(id: i64, subject: (i64, &str), product: (i64, &str, &str), variation: (i64, &str, &str)) -> OfferRow {
    OfferRow {
        id,
        product_code: format!("{}/{}/26A", subject.1, id),
        sitting_id: subject.0,
        subject_id: subject.0,
        subject_code: subject.1.to_owned(),
        exam_session_id: 9,
        exam_session_code: "26A".to_owned(),
        product_variation_id: product.0 * 100 + variation.0,
        catalog_product_id: product.0,
        fullname: product.1.to_owned(),
        shortname: product.2.to_owned(),
        catalog_code: format!("P{}", product.0),
        variation_id: variation.0,
        variation_type: variation.1.to_owned(),
        variation_name: variation.2.to_owned(),
        ..OfferRow::default()
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
    let code = location.map(|name| name[..3].to_uppercase());
    Place { location: location.map(str::to_owned), location_code: code, venue: venue.map(str::to_owned) }
}

fn category(id: i64, name: &str, parent_id: Option<i64>) -> CategoryRow {
    CategoryRow { id, name: name.to_owned(), parent_id, code: None, is_active: true }
}

fn event(id: i64, code: &str, starts: jiff::civil::Date, place: Place, remain_space: i32) -> EventRow {
    EventRow {
        id,
        offer_id: 104,
        code: code.to_owned(),
        place,
        is_soldout: false,
        finalisation_date: None,
        remain_space,
        start_date: starts,
        end_date: starts.saturating_add(jiff::Span::new().days(28)),
    }
}

fn session(id: i64, sequence: i32, place: Place) -> SessionRow {
    SessionRow {
        id,
        event_id: 20,
        title: format!("CS2 London day {sequence}"),
        place,
        start: "2026-02-10T09:30:00Z".parse().expect("a time"),
        end: "2026-02-10T17:00:00Z".parse().expect("a time"),
        sequence,
        url: Some("https://meet.example/cs2".to_owned()),
    }
}

/// Two offers of CM2, five of CS2, one of SA1, two bundles.
fn shop() -> Catalogue {
    let holborn = || place(Some("London"), Some("Holborn Rooms"));
    Catalogue::build(Rows {
        version: 7,
        offers: vec![
            offer(100, CM2, NOTES, PRINTED),
            offer(101, CM2, TEXT, EBOOK),
            offer(102, CS2, NOTES, PRINTED),
            offer(103, CS2, MOCK, EBOOK),
            offer(104, CS2, LONDON, F2F),
            offer(105, CS2, NOTES, EBOOK),
            offer(106, CS2, MARKING, HAND),
            offer(107, SA1, NOTES, PRINTED),
        ],
        prices: vec![PriceRow {
            id: 51,
            offer_id: 104,
            price_type: "standard".to_owned(),
            amount: Decimal::new(610, 0),
            currency: "GBP".to_owned(),
        }],
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
                name: name.to_owned(),
                description: Some("All at once".to_owned()),
                subject_id: subject.0,
                subject_code: subject.1.to_owned(),
                exam_session_id: 9,
                exam_session_code: "26A".to_owned(),
            })
            .to_vec(),
        components: [(3, 103), (3, 102), (4, 107)]
            .map(|(bundle_id, offer_id)| ComponentRow {
                bundle_id,
                offer_id,
                default_price_type: "standard".to_owned(),
                quantity: 1,
                sort_order: 0,
            })
            .to_vec(),
        events: vec![
            event(21, "CS2-21-26A", date(2026, 2, 12), place(Some("Leeds"), None), 0),
            event(20, "CS2-20-26A", date(2026, 2, 10), holborn(), 6),
        ],
        sessions: vec![
            session(41, 2, place(None, Some("King's Cross"))),
            session(40, 1, Place::default()),
        ],
        instructors: vec![InstructorRow { event_id: 20, name: "Zoë Example".to_owned() }],
    })
}

fn search(body: Value) -> Value {
    let query = Query::from_json(&body, &[]).expect("a good body");
    serde_json::to_value(answer(&shop(), &query, SessionUrls::Shown)).expect("JSON")
}

/// Ids of the store products in the answer, listing by listing; bundles as negative ids.
fn ids(answer: &Value) -> Vec<i64> {
    let rows = answer["products"].as_array().expect("rows").iter();
    rows.flat_map(|row| match row["variations"].as_array() {
        Some(variations) => variations.iter().filter_map(|v| v["store_product_id"].as_i64()).collect::<Vec<_>>(),
        None => row["id"].as_i64().map(|id| -id).into_iter().collect(),
    })
    .collect()
}

fn counts(answer: &Value, key: &str) -> BTreeMap<String, u64> {
    let counts = answer["filter_counts"][key].as_object().expect("an object");
    counts.iter().map(|(value, count)| (value.clone(), count["count"].as_u64().unwrap_or_default())).collect()
}

fn filtered(filters: Value) -> Vec<i64> {
    ids(&search(json!({ "filters": filters })))
}

#[test]
fn browsing_shows_everything_by_subject_bundles_first_then_name() {
    assert_eq!(filtered(json!({})), [100, 101, -3, 102, 105, 104, 103, 106, -4, 107]);
}

#[test]
fn filters_narrow_and_unknown_values_match_nothing() {
    for (filters, expected) in [
        (json!({"subjects": ["CM2"]}), vec![100, 101]),
        (json!({"subjects": [1]}), vec![100, 101]),
        (json!({"subjects": ["1", "SA1"]}), vec![100, 101, -4, 107]),
        (json!({"subjects": ["XX9"]}), vec![]),
        (json!({"subjects": ["CM2", "XX9"]}), vec![100, 101]),
        (json!({"subjects": []}), vec![100, 101, -3, 102, 105, 104, 103, 106, -4, 107]),
        (json!({"products": ["11", "x"]}), vec![101]),
        (json!({"products": ["x"]}), vec![]),
        (json!({"products": ["10"], "product_ids": ["11"]}), vec![101]),
        (json!({"essp_ids": ["105", 104]}), vec![105, 104]),
        (json!({"modes_of_delivery": ["EBOOK"]}), vec![101, -3, 105, 103]),
        (json!({"modes_of_delivery": ["hand"]}), vec![106]),
        (json!({"categories": ["material"], "subjects": ["CS2"]}), vec![-3, 102, 105, 103]),
        (json!({"categories": ["Core Study Material"], "product_types": ["Material"]}), vec![100, 101, -3, 102, 105, -4, 107]),
        (json!({"categories": ["Nothing"]}), vec![]),
        (json!({"categories": ["Bundle"]}), vec![-3, -4]),
        (json!({"categories": ["Bundle", "Tutorial"]}), vec![-3, 104, -4]),
        // One component is additional, another is printed: no single one is both.
        (json!({"products": ["12"], "modes_of_delivery": ["Printed"]}), vec![]),
        (json!({"locations": ["london"]}), vec![104]),
        (json!({"locations": ["LEE"]}), vec![104]),
        (json!({"venues": ["King's Cross", "Nowhere"]}), vec![104]),
        (json!({"venues": ["Nowhere"]}), vec![]),
        (json!({"instructors": ["zoë example"]}), vec![104]),
        // Leeds is an event without places, London one with: no single event is both.
        (json!({"locations": ["Leeds"], "available": true}), vec![]),
        (json!({"available": true}), vec![104]),
        (json!({"starts_from": "2026-02-12"}), vec![104]),
        (json!({"starts_from": "2026-02-11", "starts_to": "2026-02-11"}), vec![]),
    ] {
        assert_eq!(filtered(filters.clone()), expected, "{filters}");
    }
}

#[test]
fn an_event_filter_chooses_products_and_never_trims_their_events() {
    let found = search(json!({"filters": {"locations": ["Leeds"]}}));
    let events = found["products"][0]["variations"][0]["events"].as_array().expect("events");
    assert_eq!(events.iter().map(|event| event["id"].as_i64()).collect::<Vec<_>>(), [Some(20), Some(21)]);
}

#[test]
fn text_finds_and_ranks() {
    for (text, expected) in [
        ("cm2 study text", vec![101]),
        ("cs2 addition mock", vec![103, -3]),
        ("cs2", vec![102, 105, 104, 103, 106, -3]),
        ("study text", vec![101]),
        ("corse ntoes sa1", vec![107, -4]),
        ("CS2-20-26A", vec![104]),
        ("holborn", vec![104]),
        ("kings cr", vec![104]),
        ("zoe", vec![104]),
        ("day 2", vec![104]),
        ("lond", vec![104]),
        ("leds", vec![104]),
        ("quantum gardening", vec![]),
        ("quantum gardening weekend notes", vec![]),
        ("--", vec![]),
        ("SA1 mock", vec![107, -4]),
    ] {
        assert_eq!(ids(&search(json!({"searchQuery": text}))), expected, "{text}");
    }
}

#[test]
fn the_name_that_was_typed_in_full_comes_first() {
    let found = ids(&search(json!({"searchQuery": "notes", "options": {"include_bundles": false}})));
    assert_eq!(found, [100, 102, 105, 107], "equal scores keep the browsing order");
}

#[test]
fn bundles_must_match_the_text_and_can_be_left_out() {
    assert_eq!(ids(&search(json!({"searchQuery": "sa1 pack"}))), [-4]);
    assert_eq!(ids(&search(json!({"searchQuery": "cs2 pack", "filters": {"categories": ["Bundle"]}}))), [-3]);
    let without = search(json!({"options": {"include_bundles": false}}));
    assert!(ids(&without).iter().all(|id| *id > 0));
    assert_eq!(counts(&without, "categories").get("Bundle"), None);
}

#[test]
fn facets_count_store_products_under_all_other_keys() {
    let pairs = |all: &[(&str, u64)]| all.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect::<BTreeMap<_, _>>();
    let all = search(json!({}));
    assert_eq!(counts(&all, "subjects"), pairs(&[("CM2", 2), ("CS2", 5), ("SA1", 1)]));
    assert_eq!(counts(&all, "categories"), pairs(&[("Material", 6), ("Tutorial", 1), ("Empty", 0), ("Bundle", 2)]));
    assert_eq!(counts(&all, "product_types"), pairs(&[]));
    assert_eq!(counts(&all, "modes_of_delivery"), pairs(&[("Printed", 3), ("eBook", 3), ("Tutorial", 1), ("Marking", 1)]));

    let cm2 = search(json!({"filters": {"subjects": ["CM2"]}}));
    assert_eq!(counts(&cm2, "categories"), pairs(&[("Material", 2), ("Tutorial", 0), ("Empty", 0)]));
    assert_eq!(counts(&cm2, "subjects"), pairs(&[("CM2", 2), ("CS2", 5), ("SA1", 1)]));

    let both = search(json!({"filters": {"subjects": ["CS2"], "categories": ["Material"]}}));
    assert_eq!(counts(&both, "subjects"), pairs(&[("CM2", 2), ("CS2", 3), ("SA1", 1)]));
    assert_eq!(counts(&both, "modes_of_delivery"), pairs(&[("Printed", 1), ("eBook", 2)]));
    assert_eq!(counts(&both, "products"), pairs(&[("10", 2), ("12", 1)]));

    let text = search(json!({"searchQuery": "sa1 notes"}));
    assert_eq!(counts(&text, "subjects"), pairs(&[("SA1", 1)]), "the facets follow the text");
    let name = json!({"count": 1, "name": "Course Notes", "display_name": "Course Notes"});
    assert_eq!(text["filter_counts"]["products"]["10"], name);
}

#[test]
fn pages_are_cut_after_grouping() {
    let first = search(json!({"pagination": {"page": 1, "page_size": 4}}));
    assert_eq!(ids(&first), [100, 101, -3, 102, 105]);
    assert_eq!(first["pagination"]["total_count"], 9);
    let last = search(json!({"pagination": {"page": 3, "page_size": 4}}));
    assert_eq!((ids(&last), &last["pagination"]["has_next"]), (vec![107], &json!(false)));
    let beyond = search(json!({"pagination": {"page": 99, "page_size": 4}}));
    assert_eq!((ids(&beyond), &beyond["pagination"]["has_previous"]), (vec![], &json!(true)));
}

#[test]
fn a_recommendation_is_there_or_null() {
    let notes = search(json!({"filters": {"essp_ids": ["102"]}}));
    assert_eq!(notes["products"][0]["variations"][0]["recommended_product"]["store_product_id"], 106);
    let text = search(json!({"filters": {"essp_ids": ["101"]}}));
    assert_eq!(text["products"][0]["variations"][0].get("recommended_product"), Some(&Value::Null));
    let none = search(json!({"filters": {"essp_ids": ["106"]}}));
    assert_eq!(none["products"][0]["variations"][0].get("recommended_product"), None);
    assert_eq!(none["products"][0]["type"], "Markings");
}

#[test]
fn session_addresses_can_be_hidden() {
    let query = Query::for_text("holborn");
    let shop = shop();
    let hidden = serde_json::to_value(answer(&shop, &query, SessionUrls::Hidden)).expect("JSON");
    let session = &hidden["products"][0]["variations"][0]["events"][0]["sessions"][0];
    assert_eq!(session.get("url"), Some(&Value::Null));
}

#[test]
fn one_whole_response() {
    let body = json!({"searchQuery": "cs2", "filters": {"categories": ["Tutorial", "Bundle"]}});
    insta::assert_json_snapshot!(search(body), @"");
}
