//! Tests of query parsing: valid requests, and the problems of invalid ones.

use serde_json::json;

use crate::search::query::*;

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn empty_body_is_browsing() {
    assert_eq!(Query::from_json(&json!({}), &[]), Ok(Query::default()));
    let padded = json!({"searchQuery": " x ", "filters": {"subjects": []}, "pagination": {}, "options": {"include_analytics": 1}});
    let query = Query::from_json(&padded, &[]).unwrap_or_default();
    assert!(query.text.is_empty() && query.filters.values(ListFilter::Subjects).is_empty());
}

#[test]
fn invalid_body_reports_all_problems() {
    for (body, expected) in [
        (json!([]), vec![("", "invalid_type")]),
        (json!({"serachQuery": "x"}), vec![("/serachQuery", "unknown_field")]),
        (
            json!({"pagination": {"pages": 1}, "options": {"include_bundle": true}}),
            vec![("/pagination/pages", "unknown_field"), ("/options/include_bundle", "unknown_field")],
        ),
        (json!({"searchQuery": null}), vec![("/searchQuery", "invalid_type")]),
        (json!({"filters": {"foo/x": ["1"]}}), vec![("/filters/foo~1x", "unknown_filter")]),
        (
            json!({"filters": {"subjects": "CM2", "venues": [true, "x"]}, "options": 1}),
            vec![
                ("/filters/subjects", "invalid_type"),
                ("/filters/venues/0", "invalid_type"),
                ("/options", "invalid_type"),
            ],
        ),
        (
            json!({"pagination": {"page": 0, "page_size": 101}}),
            vec![("/pagination/page", "invalid_value"), ("/pagination/page_size", "invalid_value")],
        ),
        (json!({"pagination": {"page": -1}}), vec![("/pagination/page", "invalid_value")]),
        (json!({"pagination": {"page": 1.5}}), vec![("/pagination/page", "invalid_value")]),
        (json!({"pagination": {"page": "2"}}), vec![("/pagination/page", "invalid_value")]),
        (json!({"filters": {"starts_from": "2026-13-01"}}), vec![("/filters/starts_from", "invalid_date")]),
        (json!({"filters": {"venues": vec!["x"; 1001]}}), vec![("/filters/venues", "too_many_values")]),
        (json!({"filters": {"starts_to": 5}}), vec![("/filters/starts_to", "invalid_type")]),
        (json!({"filters": {"available": "perhaps"}}), vec![("/filters/available", "invalid_value")]),
        (
            json!({"filters": null, "pagination": []}),
            vec![("/filters", "invalid_type"), ("/pagination", "invalid_type")],
        ),
    ] {
        let problems = Query::from_json(&body, &[]).expect_err("the body is invalid");
        let reported: Vec<(&str, &str)> = problems.first().iter().map(|p| (p.pointer.as_str(), p.code)).collect();
        assert_eq!(reported, expected, "{body}");
    }
}

#[test]
fn numbers_are_read_as_text_and_page_size_limits_are_accepted() {
    for size in [1, 100] {
        let body =
            json!({"searchQuery": " CM2 ", "filters": {"products": [8, "9"]}, "pagination": {"page_size": size}});
        let query = Query::from_json(&body, &[]).expect("a valid body");
        assert_eq!((query.text.as_str(), query.page_size), ("CM2", size));
        assert_eq!(query.filters.values(ListFilter::Products), ["8", "9"]);
    }
}

#[test]
fn navigation_parameters_are_added_to_the_filters() {
    let body = json!({"filters": {"categories": ["Material"]}});
    let parameters =
        pairs(&[("group", "Tutorial"), ("tutorial_format", ""), ("product", "7"), ("variation", "3"), ("x", "y")]);
    let query = Query::from_json(&body, &parameters).expect("a valid body");
    assert_eq!(query.filters.values(ListFilter::Categories), ["Material", "Tutorial"]);
    assert_eq!(query.filters.values(ListFilter::ProductIds), ["7"]);
    let query = Query::from_json(&json!({}), &pairs(&[("distance_learning", "1")])).expect("a valid body");
    assert_eq!(query.filters.values(ListFilter::Categories), ["Material"]);
}

#[test]
fn query_string_sets_text_page_and_filters() {
    let parameters = pairs(&[
        ("q", "cm2 notes"),
        ("page", "2"),
        ("subjects", "CM2"),
        ("subjects", "SA1"),
        ("venues", ""),
        ("starts_from", "2026-02-01"),
        ("available", "true"),
    ]);
    let query = Query::from_query_string(&parameters).expect("a valid query string");
    assert_eq!((query.text.as_str(), query.page), ("cm2 notes", 2));
    assert_eq!(query.filters.values(ListFilter::Subjects), ["CM2", "SA1"]);
    assert_eq!(query.filters.available, Some(true));
    let problems = Query::from_query_string(&pairs(&[("page", "x"), ("utm_source", "a")])).expect_err("one problem");
    assert_eq!(problems.first().len(), 1);
}

#[test]
fn many_problems_are_counted() {
    let filters: serde_json::Map<_, _> = (0..5000).map(|n| (format!("f{n}"), json!(["x"]))).collect();
    let problems = Query::from_json(&json!({ "filters": filters }), &[]).expect_err("unknown filters");
    assert_eq!((problems.first().len(), problems.more()), (20, 4980));
}
