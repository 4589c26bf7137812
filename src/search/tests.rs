//! Tests of unified search on a small sample model, without a database.

mod apply;
mod fixture;
mod legacy;
mod oracle;
mod query;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::compose::SessionUrls;
use super::query::answer::answer;
use super::query::{FoundPage, Query, search};
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
fn cursor_continues_after_the_last_item() {
    let model = sample_model();
    for body in [
        json!({}),
        json!({"searchQuery": "notes"}),
        json!({"searchQuery": "cs2 note"}),
        json!({"searchQuery": "sa1 pack notes"}),
    ] {
        let all = search_json(body.clone());
        let (mut read, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
        loop {
            let mut next = body.clone();
            next["pagination"] = json!({"page_size": 2, "cursor": cursor});
            let query = Query::from_json(&next, &[]).expect("a valid body");
            let page = serde_json::to_value(search(&model, &query, SessionUrls::Visible)).expect("JSON");
            assert_eq!(page["pagination"]["total_count"], all["pagination"]["total_count"], "{next}");
            read.extend(ids(&page));
            cursor = page["pagination"]["next_cursor"].clone();
            pages += 1;
            assert_eq!(page["pagination"]["has_next"], json!(!cursor.is_null()), "{next}");
            if cursor.is_null() || pages > 20 {
                break;
            }
        }
        assert_eq!(read, ids(&all), "{body}");
    }
    for wrong in ["x", "", "W10", "bnVsbA"] {
        let body = json!({"pagination": {"cursor": wrong}});
        let problems = Query::from_json(&body, &[]).expect_err("an invalid cursor");
        assert_eq!(problems.first()[0].pointer, "/pagination/cursor", "{wrong}");
    }
}

#[test]
fn answer_contains_what_was_chosen() {
    let model = sample_model();
    let get = |body: Value| -> Value {
        let query = Query::from_json(&body, &[]).expect("a valid body");
        serde_json::from_slice(&answer(&model, &query, SessionUrls::Visible, Instant::now())).expect("JSON")
    };
    let some = get(json!({"options": {"fields": "id,type,variations"}}));
    for item in some["products"].as_array().expect("items") {
        let names: Vec<&String> = item.as_object().expect("an object").keys().collect();
        assert!(names == ["id", "type", "variations"] || names == ["id", "type"], "{names:?}");
    }
    assert!(some["filter_counts"].is_object());
    let only = get(json!({"options": {"fields": ["pagination"]}}));
    assert_eq!(only.as_object().expect("an object").keys().collect::<Vec<_>>(), ["pagination"]);
    let why = get(json!({"searchQuery": "cs2 lonodn", "options": {"explain": true, "highlight": true}}));
    assert_eq!(why["corrected_query"], "cs2 london");
    let item = &why["products"][0];
    assert_eq!(item["_highlight"]["product_name"], json!(["Tutorial - <mark>London</mark>"]));
    assert_eq!(item["_explain"]["words"][1]["corrected"], "london");
    assert_eq!(item["_explain"]["words"][1]["found_in"]["location"], json!(["London"]));
    let people = get(json!({"searchQuery": "zoe", "options": {"highlight": true}}));
    assert_eq!(people["products"][0]["_highlight"]["instructor"], json!(["<mark>Zoë</mark> Example"]));
    let unknown = Query::from_json(&json!({"options": {"fields": ["colour"]}}), &[]).expect_err("an unknown name");
    assert_eq!(unknown.first()[0].pointer, "/options/fields");
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

#[test]
fn session_urls_can_be_hidden() {
    let query = Query::for_text("holborn");
    let model = sample_model();
    let hidden = serde_json::to_value(search(&model, &query, SessionUrls::Hidden)).expect("JSON");
    let session = &hidden["products"][0]["variations"][0]["events"][0]["sessions"][0];
    assert_eq!(session.get("url"), Some(&Value::Null));
}

#[test]
fn copied_answer_is_the_composed_response() {
    let model = sample_model();
    for body in [
        json!({}),
        json!({"searchQuery": "cs2"}),
        json!({"searchQuery": "cs2 lond", "filters": {"modes_of_delivery": ["eBook", "Tutorial"]}}),
        json!({"filters": {"categories": ["Bundle", "Tutorial"]}}),
        json!({"filters": {"locations": ["Leeds"]}, "pagination": {"page_size": 1, "page": 2}}),
        json!({"options": {"include_bundles": false}, "pagination": {"page_size": 3, "page": 2}}),
    ] {
        let query = Query::from_json(&body, &[]).expect("a valid body");
        for urls in [SessionUrls::Visible, SessionUrls::Hidden] {
            let copied = answer(&model, &query, urls, Instant::now());
            let mut copied: Value = serde_json::from_slice(&copied).expect("JSON");
            copied["performance"]["duration"] = json!(0.0);
            let composed = serde_json::to_value(search(&model, &query, urls)).expect("JSON");
            assert_eq!(copied, composed, "{body} {urls:?}");
        }
    }
}

#[test]
fn response_has_the_documented_shape() {
    let body = json!({"searchQuery": "cs2", "filters": {"categories": ["Tutorial", "Bundle"]}});
    let query = Query::from_json(&body, &[]).expect("a valid body");
    let model = sample_model();
    let sent = serde_json::to_string_pretty(&search(&model, &query, SessionUrls::Visible)).expect("JSON");
    insta::assert_snapshot!(sent, @r#"
    {
      "products": [
        {
          "id": 104,
          "essp_id": 104,
          "store_product_id": 104,
          "type": "Tutorial",
          "product_id": 13,
          "product_code": "P13",
          "product_name": "Tutorial - London",
          "product_short_name": "London",
          "product_description": null,
          "buy_both": false,
          "subject_id": 2,
          "subject_code": "CS2",
          "subject_description": null,
          "exam_session_code": "26A",
          "exam_session_id": 9,
          "variations": [
            {
              "id": 1303,
              "store_product_id": 104,
              "variation_type": "Tutorial",
              "name": "CS2_f2f_3",
              "description": null,
              "description_short": null,
              "prices": [
                {
                  "id": 51,
                  "price_type": "standard",
                  "amount": "610.00",
                  "currency": "GBP"
                }
              ],
              "events": [
                {
                  "id": 20,
                  "code": "CS2-20-26A",
                  "venue": "Holborn Rooms",
                  "is_soldout": false,
                  "finalisation_date": null,
                  "remain_space": 6,
                  "start_date": "2026-02-10",
                  "end_date": "2026-03-10",
                  "title": "CS2-20-26A",
                  "price": null,
                  "sessions": [
                    {
                      "id": 40,
                      "title": "CS2 London day 1",
                      "location": "London",
                      "venue": "Holborn Rooms",
                      "start_date": "2026-02-10T09:30:00+00:00",
                      "end_date": "2026-02-10T17:00:00+00:00",
                      "sequence": 1,
                      "url": "https://meet.example/cs2"
                    },
                    {
                      "id": 41,
                      "title": "CS2 London day 2",
                      "location": null,
                      "venue": "King's Cross",
                      "start_date": "2026-02-10T09:30:00+00:00",
                      "end_date": "2026-02-10T17:00:00+00:00",
                      "sequence": 2,
                      "url": "https://meet.example/cs2"
                    }
                  ]
                },
                {
                  "id": 21,
                  "code": "CS2-21-26A",
                  "venue": null,
                  "is_soldout": false,
                  "finalisation_date": null,
                  "remain_space": 0,
                  "start_date": "2026-02-12",
                  "end_date": "2026-03-12",
                  "title": "CS2-21-26A",
                  "price": null,
                  "sessions": []
                }
              ]
            }
          ]
        },
        {
          "id": 3,
          "essp_id": 3,
          "item_type": "bundle",
          "is_bundle": true,
          "type": "Bundle",
          "bundle_type": "store",
          "name": "CS2 Pack",
          "bundle_name": "CS2 Pack",
          "shortname": "CS2 Pack",
          "fullname": "All at once",
          "description": "All at once",
          "code": "CS2",
          "subject_code": "CS2",
          "subject_id": 2,
          "exam_session_code": "26A",
          "exam_session_id": 9,
          "components": [
            {
              "id": 102,
              "product_code": "CS2/102/26A",
              "product": {
                "id": 10,
                "fullname": "Course Notes"
              },
              "product_variation": {
                "id": 1,
                "name": "Standard Printed",
                "variation_type": "Printed",
                "description_short": null
              },
              "prices": [],
              "default_price_type": "standard",
              "quantity": 1,
              "sort_order": 0
            },
            {
              "id": 103,
              "product_code": "CS2/103/26A",
              "product": {
                "id": 12,
                "fullname": "Additional Mock Pack"
              },
              "product_variation": {
                "id": 2,
                "name": "Vitalsource eBook",
                "variation_type": "eBook",
                "description_short": null
              },
              "prices": [],
              "default_price_type": "standard",
              "quantity": 1,
              "sort_order": 0
            }
          ],
          "components_count": 2
        }
      ],
      "filter_counts": {
        "subjects": {
          "CS2": {
            "count": 1,
            "name": "CS2"
          }
        },
        "categories": {
          "Bundle": {
            "count": 1,
            "name": "Bundle"
          },
          "Empty": {
            "count": 0,
            "name": "Empty"
          },
          "Material": {
            "count": 3,
            "name": "Material"
          },
          "Tutorial": {
            "count": 1,
            "name": "Tutorial"
          }
        },
        "product_types": {},
        "products": {
          "13": {
            "count": 1,
            "name": "London",
            "display_name": "London"
          }
        },
        "modes_of_delivery": {
          "Tutorial": {
            "count": 1,
            "name": "CS2_f2f_3",
            "display_name": "CS2_f2f_3"
          }
        },
        "locations": {
          "Leeds": {
            "count": 1,
            "name": "Leeds"
          },
          "London": {
            "count": 1,
            "name": "London"
          }
        },
        "venues": {
          "Holborn Rooms": {
            "count": 1,
            "name": "Holborn Rooms"
          },
          "King's Cross": {
            "count": 1,
            "name": "King's Cross"
          }
        },
        "instructors": {
          "Zoë Example": {
            "count": 1,
            "name": "Zoë Example"
          }
        },
        "months": {
          "2026-02": {
            "count": 1,
            "name": "2026-02"
          }
        }
      },
      "pagination": {
        "page": 1,
        "page_size": 20,
        "total_count": 2,
        "has_next": false,
        "has_previous": false,
        "total_pages": 1,
        "next_cursor": null
      },
      "performance": {
        "duration": 0.0,
        "cached": false
      }
    }
    "#);
}
