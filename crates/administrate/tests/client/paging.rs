//! Lists are complete or an error.

use administrate::{Error, Id};
use serde_json::{Value, json};

use crate::environment::{ScriptedEnvironment, Step, connection, data, errors, location, page};

fn locations(from: usize, to: usize) -> Vec<Value> {
    (from..=to).map(location).collect()
}

fn locations_page(from: usize, to: usize, total: usize, has_next: bool) -> Step {
    page("locations", locations(from, to), total, has_next)
}

#[tokio::test]
async fn page_offset_advances_by_received_rows() {
    let env = ScriptedEnvironment::new(vec![
        locations_page(1, 100, 230, true),
        locations_page(101, 150, 230, true),
        locations_page(151, 230, 230, false),
    ]);
    let found = env.client().locations().await.expect("complete");
    assert_eq!(found.len(), 230);
    let queries = env.queries();
    for (query, offset) in queries.iter().zip([0, 100, 150]) {
        let expected = format!("locations(first: 100, offset: {offset}, orderBy: [{{field: id, direction: asc}}])");
        assert!(query.contains(&expected), "{query}");
    }
}

#[tokio::test]
async fn inconsistent_list_is_fetched_once_more_then_fails() {
    let mut with_null = locations(1, 3);
    with_null[1] = Value::Null;
    let mut without_id = locations(1, 3);
    without_id[1] = json!({"name": "?"});
    let twice = [locations(1, 2), locations(2, 2)].concat();
    for (name, steps, words) in [
        ("twice", vec![page("locations", twice, 3, false)], "came twice"),
        ("null", vec![page("locations", with_null, 3, false)], "is null"),
        ("no id", vec![page("locations", without_id, 3, false)], "has no id"),
        ("short", vec![locations_page(1, 2, 3, false)], "only 2 of 3"),
        ("long", vec![locations_page(1, 4, 3, false)], "4 records came"),
        ("empty", vec![locations_page(1, 2, 9, true), locations_page(1, 0, 9, true)], "empty page"),
        ("moving", vec![locations_page(1, 2, 3, true), locations_page(3, 3, 4, false)], "changed from 3 to 4"),
        ("across pages", vec![locations_page(1, 2, 4, true), locations_page(2, 3, 4, false)], "came twice"),
    ] {
        let env = ScriptedEnvironment::new([steps.clone(), steps.clone()].concat());
        let error = env.client().locations().await.expect_err(name);
        assert!(matches!(&error, Error::Incomplete { what, .. } if what == "locations"), "{name}: {error}");
        assert!(error.to_string().contains(words), "{name}: {error}");
        assert_eq!(env.unused_steps(), 0, "{name}");

        let recovered = ScriptedEnvironment::new([steps, vec![locations_page(1, 3, 3, false)]].concat());
        assert_eq!(recovered.client().locations().await.expect(name).len(), 3);
    }
}

#[tokio::test]
async fn list_without_totals_and_page_info_is_complete() {
    let bare = |from, to| {
        let edges: Vec<_> = locations(from, to).into_iter().map(|node| json!({"node": node})).collect();
        data(json!({"locations": {"edges": edges}}))
    };
    let env = ScriptedEnvironment::new(vec![bare(1, 100), bare(101, 120)]);
    assert_eq!(env.client().locations().await.expect("complete").len(), 120);
    let env = ScriptedEnvironment::new(vec![data(json!({"locations": locations(1, 120)}))]);
    assert_eq!(env.client().locations().await.expect("a plain list").len(), 120);
    let env = ScriptedEnvironment::new(vec![page("locations", vec![], 0, false)]);
    assert!(env.client().locations().await.expect("none").is_empty());
}

fn contacts(from: usize, to: usize) -> Vec<Value> {
    (from..=to).map(|number| json!({"id": format!("P{number}")})).collect()
}

fn template(approved: Value) -> Value {
    json!({"id": "T1", "approvedInstructors": approved})
}

#[tokio::test]
async fn short_nested_list_needs_no_further_request() {
    let complete = template(connection(contacts(1, 2), 2, false));
    let env = ScriptedEnvironment::new(vec![page("courseTemplates", vec![complete], 1, false)]);
    let approved = env.client().approved_instructors(&[Id::from("T1")]).await.expect("approved");
    assert_eq!(approved[&Id::from("T1")].len(), 2);
}

#[tokio::test]
async fn long_nested_list_is_requested_in_order() {
    let (first, last) = (connection(contacts(1, 100), 130, true), connection(contacts(101, 130), 130, false));
    let [first, last] = [first, last].map(|list| page("courseTemplates", vec![template(list)], 1, false));
    // The first page was requested without an order, so it is requested again.
    let env = ScriptedEnvironment::new(vec![
        first.clone(),
        errors(&["Unknown argument 'orderBy' on field 'CourseTemplate.approvedInstructors'."]),
        first.clone(),
        last.clone(),
    ]);
    let client = env.client();
    let approved = client.approved_instructors(&[Id::from("T1")]).await.expect("approved");
    assert_eq!(approved[&Id::from("T1")].len(), 130);
    let queries = env.queries();
    for (query, args) in queries.iter().skip(1).zip([
        "offset: 0, orderBy: [{field: id, direction: asc}]",
        "offset: 0, order: {field: id, direction: asc}",
        "offset: 100, order: {field: id, direction: asc}",
    ]) {
        assert!(query.contains(&format!("approvedInstructors(first: 100, {args})")), "{query}");
    }
    assert_eq!(env.last().variables(), json!({"value": "T1"}));

    let without_order = ScriptedEnvironment::new(vec![
        first.clone(),
        errors(&["Unknown argument 'orderBy'"]),
        errors(&["Unknown argument 'order'"]),
        first,
        last,
    ]);
    let approved = without_order.client().approved_instructors(&[Id::from("T1")]).await.expect("approved");
    assert_eq!(approved[&Id::from("T1")].len(), 130);
    assert!(without_order.last().query().contains("approvedInstructors(first: 100, offset: 100)"));
}

#[tokio::test]
async fn incomplete_nested_list_fails_the_outer_list() {
    let broken = template(connection(contacts(1, 2), 3, false));
    let step = page("courseTemplates", vec![broken], 1, false);
    let error = ScriptedEnvironment::new(vec![step; 2]).client().course_templates().await.expect_err("broken");
    assert!(error.to_string().contains("approvedInstructors of T1: only 2 of 3"), "{error}");
}

#[tokio::test]
async fn titles_are_requested_by_hundreds_in_three_cases() {
    let none = page("events", vec![], 0, false);
    let env = ScriptedEnvironment::new(vec![none.clone(), none]);
    let titles: Vec<_> = (0..150).map(|number| format!("ELO-{number}a")).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    assert!(env.client().events_by_titles(&titles).await.expect("events").is_empty());
    assert!(env.last().query().contains("{field: title, operation: in, values: $values}"));
    let values = env.last().variables()["values"].clone();
    assert_eq!(values.as_array().map(Vec::len), Some(150), "fifty titles in three spellings");
    assert!(["ELO-149A", "elo-149a"].iter().all(|title| values.as_array().expect("a list").contains(&json!(title))));
}
