//! Tests of answers as they are sent: their shape, what they contain, and where they continue.

use std::time::Instant;

use serde_json::{Value, json};

use super::fixture::sample_model;
use super::{ids, search_json};
use crate::search::compose::SessionUrls;
use crate::search::query::answer::{AnswerBody, answer};
use crate::search::query::{Query, search};
use crate::search::read_model::ReadModel;

/// Returns a body as it is sent.
fn sent(model: &ReadModel, query: &Query, urls: SessionUrls) -> Value {
    let AnswerBody { shared, own } = answer(model, query, urls, Instant::now());
    serde_json::from_slice(&[&shared[..], &own].concat()).expect("JSON")
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
        sent(&model, &query, SessionUrls::Visible)
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
            let composed = serde_json::to_value(search(&model, &query, urls)).expect("JSON");
            // The second time it is a copy.
            for _ in 0..2 {
                let mut copied = sent(&model, &query, urls);
                copied["performance"]["duration"] = json!(0.0);
                assert_eq!(copied, composed, "{body} {urls:?}");
            }
        }
    }
}

#[test]
fn response_has_the_documented_shape() {
    let body = json!({"searchQuery": "cs2", "filters": {"categories": ["Tutorial", "Bundle"]}});
    let query = Query::from_json(&body, &[]).expect("a valid body");
    let model = sample_model();
    let sent = serde_json::to_string_pretty(&search(&model, &query, SessionUrls::Visible)).expect("JSON");
    insta::assert_snapshot!(sent);
}
