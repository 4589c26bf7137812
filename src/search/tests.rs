//! Tests of unified search on a small sample model, without a database.

mod answers;
mod apply;
pub(in crate::search) mod fixture;
mod legacy;
mod oracle;
mod query;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compose::SessionUrls;
use super::query::{FoundPage, Query};
use fixture::sample_model;

/// A time at which no event of the sample is over: 2026-01-01.
const BEFORE_ALL_EVENTS: i64 = 1_767_225_600;

fn search_json(body: Value) -> Value {
    let query = Query::from_json(&body, &[]).expect("a valid body");
    let model = sample_model();
    let found = FoundPage::at(&model, &query, BEFORE_ALL_EVENTS);
    serde_json::to_value(found.response(SessionUrls::Visible)).expect("JSON")
}

/// Returns the ids of the store products in a response, listing by listing; bundles have negative ids.
fn ids(response: &Value) -> Vec<i64> {
    let rows = response["products"].as_array().expect("rows").iter();
    rows.flat_map(|row| match row["variations"].as_array() {
        Some(variations) => variations.iter().filter_map(|v| v["store_product_id"].as_i64()).collect::<Vec<_>>(),
        None => row["id"].as_i64().map(|id| -id).into_iter().collect(),
    })
    .collect()
}

fn counts(response: &Value, key: &str) -> BTreeMap<String, u64> {
    let counts = response["filter_counts"][key].as_object().expect("an object");
    counts.iter().map(|(value, count)| (value.clone(), count["count"].as_u64().unwrap_or_default())).collect()
}

fn filtered(filters: Value) -> Vec<i64> {
    ids(&search_json(json!({ "filters": filters })))
}

#[test]
fn browsing_returns_all_rows_by_subject_then_bundles_then_name() {
    assert_eq!(filtered(json!({})), [100, 101, -3, 102, 105, 104, 103, 106, -4, 107]);
}

#[test]
fn filters_restrict_results_and_unknown_values_match_nothing() {
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
        (
            json!({"categories": ["Core Study Material"], "product_types": ["Material"]}),
            vec![100, 101, -3, 102, 105, -4, 107],
        ),
        (json!({"categories": ["Nothing"]}), vec![]),
        (json!({"categories": ["Bundle"]}), vec![-3, -4]),
        (json!({"categories": ["Bundle", "Tutorial"]}), vec![-3, 104, -4]),
        // One component is product 12, another is printed: no single component is both.
        (json!({"products": ["12"], "modes_of_delivery": ["Printed"]}), vec![]),
        (json!({"locations": ["london"]}), vec![104]),
        (json!({"locations": ["LEE"]}), vec![104]),
        (json!({"venues": ["King's Cross", "Nowhere"]}), vec![104]),
        (json!({"venues": ["Nowhere"]}), vec![]),
        (json!({"instructors": ["zoë example"]}), vec![104]),
        // The Leeds event has no places, the London event has: no single event meets both.
        (json!({"locations": ["Leeds"], "available": true}), vec![]),
        (json!({"available": true}), vec![104]),
        (json!({"starts_from": "2026-02-12"}), vec![104]),
        (json!({"starts_from": "2026-02-11", "starts_to": "2026-02-11"}), vec![]),
    ] {
        assert_eq!(filtered(filters.clone()), expected, "{filters}");
    }
}

#[test]
fn event_filter_selects_products_and_keeps_all_their_events() {
    let response = search_json(json!({"filters": {"locations": ["Leeds"]}}));
    let events = response["products"][0]["variations"][0]["events"].as_array().expect("events");
    assert_eq!(events.iter().map(|event| event["id"].as_i64()).collect::<Vec<_>>(), [Some(20), Some(21)]);
}

#[test]
fn search_text_matches_and_ranks() {
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
        assert_eq!(ids(&search_json(json!({"searchQuery": text}))), expected, "{text}");
    }
}

#[test]
fn complete_name_is_ranked_first() {
    let results = ids(&search_json(json!({"searchQuery": "notes", "options": {"include_bundles": false}})));
    assert_eq!(results, [100, 102, 105, 107], "equal scores keep the browsing order");
}

#[test]
fn bundles_match_the_text_and_can_be_excluded() {
    assert_eq!(ids(&search_json(json!({"searchQuery": "sa1 pack"}))), [-4]);
    assert_eq!(ids(&search_json(json!({"searchQuery": "cs2 pack", "filters": {"categories": ["Bundle"]}}))), [-3]);
    let without = search_json(json!({"options": {"include_bundles": false}}));
    assert!(ids(&without).iter().all(|id| *id > 0));
    assert_eq!(counts(&without, "categories").get("Bundle"), None);
}

#[test]
fn facets_count_store_products_under_all_other_filters() {
    let pairs = |all: &[(&str, u64)]| all.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect::<BTreeMap<_, _>>();
    let all = search_json(json!({}));
    assert_eq!(counts(&all, "subjects"), pairs(&[("CM2", 2), ("CS2", 5), ("SA1", 1)]));
    assert_eq!(counts(&all, "categories"), pairs(&[("Material", 6), ("Tutorial", 1), ("Empty", 0), ("Bundle", 2)]));
    assert_eq!(counts(&all, "product_types"), pairs(&[]));
    assert_eq!(
        counts(&all, "modes_of_delivery"),
        pairs(&[("Printed", 3), ("eBook", 3), ("Tutorial", 1), ("Marking", 1)])
    );

    let cm2 = search_json(json!({"filters": {"subjects": ["CM2"]}}));
    assert_eq!(counts(&cm2, "categories"), pairs(&[("Material", 2), ("Tutorial", 0), ("Empty", 0)]));
    assert_eq!(counts(&cm2, "subjects"), pairs(&[("CM2", 2), ("CS2", 5), ("SA1", 1)]));

    let both = search_json(json!({"filters": {"subjects": ["CS2"], "categories": ["Material"]}}));
    assert_eq!(counts(&both, "subjects"), pairs(&[("CM2", 2), ("CS2", 3), ("SA1", 1)]));
    assert_eq!(counts(&both, "modes_of_delivery"), pairs(&[("Printed", 1), ("eBook", 2)]));
    assert_eq!(counts(&both, "products"), pairs(&[("10", 2), ("12", 1)]));

    let text = search_json(json!({"searchQuery": "sa1 notes"}));
    assert_eq!(counts(&text, "subjects"), pairs(&[("SA1", 1)]), "facets depend on the text");
    let name = json!({"count": 1, "name": "Course Notes", "display_name": "Course Notes"});
    assert_eq!(text["filter_counts"]["products"]["10"], name);
}

#[test]
fn pagination_applies_after_grouping() {
    let first = search_json(json!({"pagination": {"page": 1, "page_size": 4}}));
    assert_eq!(ids(&first), [100, 101, -3, 102, 105]);
    assert_eq!(first["pagination"]["total_count"], 9);
    let last = search_json(json!({"pagination": {"page": 3, "page_size": 4}}));
    assert_eq!((ids(&last), &last["pagination"]["has_next"]), (vec![107], &json!(false)));
    let beyond = search_json(json!({"pagination": {"page": 99, "page_size": 4}}));
    assert_eq!((ids(&beyond), &beyond["pagination"]["has_previous"]), (vec![], &json!(true)));
}

#[test]
fn text_is_found_in_other_spellings() {
    for (text, expected) in [
        ("cs22026a", vec![104]),
        ("cs2 20 26a", vec![104]),
        ("cs2-21", vec![104]),
        ("cs2london", vec![104]),
        ("2026-02-12", vec![104]),
        ("12 february 2026", vec![104]),
        ("feb 2026", vec![104]),
        ("zoe exampel", vec![104]),
        ("CS2/104/26A", vec![104]),
    ] {
        assert_eq!(ids(&search_json(json!({"searchQuery": text}))), expected, "{text}");
    }
}

#[test]
fn recommendation_is_present_or_null() {
    let notes = search_json(json!({"filters": {"essp_ids": ["102"]}, "options": {"include_bundles": false}}));
    assert_eq!(notes["products"][0]["variations"][0]["recommended_product"]["store_product_id"], 106);
    let text = search_json(json!({"filters": {"essp_ids": ["101"]}}));
    assert_eq!(text["products"][0]["variations"][0].get("recommended_product"), Some(&Value::Null));
    let none = search_json(json!({"filters": {"essp_ids": ["106"]}}));
    assert_eq!(none["products"][0]["variations"][0].get("recommended_product"), None);
    assert_eq!(none["products"][0]["type"], "Markings");
}
