//! Tests of the older search endpoints.

use serde_json::{Value, json};

use super::fixture::sample_model;
use crate::http::problem::FieldError;
use crate::search::compose::SessionUrls;
use crate::search::legacy::{FuzzyQuery, default_data, fuzzy_search, parse_default_limit};

fn pairs(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn advanced(parameters: &[(&str, &str)]) -> Value {
    let query = FuzzyQuery::parse_advanced(&pairs(parameters)).expect("valid parameters");
    let model = sample_model();
    serde_json::to_value(fuzzy_search(&model, &query, "fuzzy_with_filters", SessionUrls::Visible)).expect("JSON")
}

fn ids(response: &Value) -> Vec<i64> {
    response["products"].as_array().expect("rows").iter().filter_map(|row| row["id"].as_i64()).collect()
}

#[test]
fn default_data_contains_the_first_products() {
    let model = sample_model();
    let limit = parse_default_limit(&pairs(&[("limit", "2")])).expect("a number");
    let response = serde_json::to_value(default_data(&model, limit, SessionUrls::Visible)).expect("JSON");
    assert_eq!((response["popular_products"].as_array().map(Vec::len), &response["total_count"]), (Some(2), &json!(2)));
    assert_eq!(response["search_info"], json!({"query": "", "type": "default"}));
    let filters = &response["suggested_filters"];
    assert_eq!(filters["subjects"][0], json!({"id": 1, "code": "CM2", "description": null}));
    assert_eq!(filters["product_groups"][0], json!({"id": 1, "name": "Material", "description": "Material"}));
    assert_eq!(filters["products"].as_array().map(Vec::len), Some(5));
}

#[test]
fn advanced_search_applies_min_score_and_ids() {
    for (parameters, expected) in [
        (vec![("q", "cs2 notes")], vec![102]),
        (vec![("q", "notes"), ("subjects", "1, 3")], vec![100, 107]),
        (vec![("q", "notes"), ("categories", "1")], vec![]),
        (vec![("q", "notes"), ("categories", "2"), ("limit", "1")], vec![100]),
        (vec![("subjects", "3")], vec![107]),
        (vec![("q", "zoe")], vec![104]),
        (vec![("q", "zoe"), ("min_score", "100")], vec![]),
    ] {
        assert_eq!(ids(&advanced(&parameters)), expected, "{parameters:?}");
    }
    assert_eq!(advanced(&[])["search_info"]["algorithm"], "filtered_no_query");
    assert_eq!(advanced(&[("q", "cs2")])["search_info"]["algorithm"], "fuzzy_with_filters");
}

#[test]
fn invalid_parameters_are_reported() {
    let pointers = |problems: Vec<FieldError>| problems.into_iter().map(|p| p.pointer).collect::<Vec<_>>();
    let plain =
        FuzzyQuery::parse_fuzzy(&pairs(&[("q", "x"), ("min_score", "high"), ("limit", "0")])).expect_err("invalid");
    assert_eq!(pointers(plain), ["/min_score", "/limit", "/q"]);
    let ids = FuzzyQuery::parse_advanced(&pairs(&[("subjects", "CM2"), ("categories", "1,x")])).expect_err("invalid");
    assert_eq!(pointers(ids), ["/subjects", "/categories"]);
    assert_eq!(pointers(parse_default_limit(&pairs(&[("limit", "many")])).expect_err("invalid")), ["/limit"]);
}
