//! Judged queries: for a search text, the rows that a person expects are among the first three results.

mod catalogue;

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

const QUERIES: &str = include_str!("../../../data/search/judged/queries.txt");

/// The least share of queries whose expected rows are found, in percent.
const LEAST: usize = 97;

struct Judged<'a> {
    kind: &'a str,
    text: &'a str,
    expected: Vec<&'a str>,
}

fn judged() -> Vec<Judged<'static>> {
    let mut kind = "";
    let mut queries = Vec::new();
    for line in QUERIES.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(heading) = line.strip_prefix("# ") {
            kind = heading;
            continue;
        }
        let mut fields = line.split(" | ");
        let text = fields.next().expect("a line has a text");
        queries.push(Judged { kind, text, expected: fields.collect() });
    }
    queries
}

/// What a result is called by: the bundle's name, or subject, product and exam session, and the codes of its events.
fn names(result: &Value) -> Vec<String> {
    if result["is_bundle"] == true {
        return vec![result["name"].as_str().expect("a name").to_owned()];
    }
    let text = |key: &str| result[key].as_str().expect(key).to_owned();
    let mut names = vec![format!("{}/{}/{}", text("subject_code"), text("product_code"), text("exam_session_code"))];
    let variations = result["variations"].as_array().expect("variations").iter();
    let events = variations.filter_map(|variation| variation["events"].as_array()).flatten();
    names.extend(events.map(|event| event["code"].as_str().expect("a code").to_owned()));
    names
}

fn is_named(result: &Value, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('/').collect();
    names(result).iter().any(|name| match (name == pattern, parts.len()) {
        (false, 3) => {
            name.split('/').zip(&parts).filter(|(part, expected)| part == *expected || **expected == "*").count() == 3
        }
        (is_equal, _) => is_equal,
    })
}

fn is_found(results: &[Value], expected: &str) -> bool {
    match expected.strip_prefix("all ") {
        Some(pattern) => results.len() == 3 && results.iter().all(|result| is_named(result, pattern)),
        None if expected == "nothing" => results.is_empty(),
        None => results.iter().any(|result| is_named(result, expected)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expected_rows_are_among_the_first_three() {
    let db = TestDb::new().await;
    catalogue::insert(&db).await;
    let site = Site::serve(&db).await;
    let mut by_kind: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut missed = String::new();
    for Judged { kind, text, expected } in judged() {
        let document = site.search(&json!({ "searchQuery": text, "pagination": { "page_size": 3 } })).await;
        let results = document["products"].as_array().expect("results");
        let is_hit = expected.iter().all(|expected| is_found(results, expected));
        let (hits, all) = by_kind.entry(kind).or_default();
        *hits += usize::from(is_hit);
        *all += 1;
        if !is_hit {
            let found: Vec<String> = results.iter().map(|result| names(result).join(" ")).collect();
            writeln!(missed, "{kind}: {text}: expected {expected:?}, found {found:?}").expect("written");
        }
    }
    let (hits, all) = by_kind.values().fold((0, 0), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1));
    let report = format!("{hits} of {all}, by kind {by_kind:#?}\n{missed}");
    // Shown with `--nocapture`.
    println!("{report}");
    assert!(hits * 100 >= all * LEAST, "{report}");
    assert!(all >= 150, "{all} queries");
}
