//! Lists come whole or not at all.

use administrate::{Error, Id};
use serde_json::{Value, json};

use crate::environment::{Step, World, connection, data, errors, location, page};

fn locations(from: usize, to: usize) -> Vec<Value> {
    (from..=to).map(location).collect()
}

fn locations_page(from: usize, to: usize, total: usize, has_next: bool) -> Step {
    page("locations", locations(from, to), total, has_next)
}

#[tokio::test]
async fn pages_advance_by_the_rows_received() {
    let world = World::new(vec![
        locations_page(1, 100, 230, true),
        locations_page(101, 150, 230, true),
        locations_page(151, 230, 230, false),
    ]);
    let found = world.client().locations().await.expect("whole");
    assert_eq!(found.len(), 230);
    let queries = world.queries();
    for (query, offset) in queries.iter().zip([0, 100, 150]) {
        let expected = format!("locations(first: 100, offset: {offset}, orderBy: [{{field: id, direction: asc}}])");
        assert!(query.contains(&expected), "{query}");
    }
}

#[tokio::test]
async fn what_contradicts_itself_is_fetched_once_more_and_then_given_up() {
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
        let world = World::new([steps.clone(), steps.clone()].concat());
        let error = world.client().locations().await.expect_err(name);
        assert!(matches!(&error, Error::Incomplete { what, .. } if what == "locations"), "{name}: {error}");
        assert!(error.to_string().contains(words), "{name}: {error}");
        assert_eq!(world.left(), 0, "{name}");

        let mended = World::new([steps, vec![locations_page(1, 3, 3, false)]].concat());
        assert_eq!(mended.client().locations().await.expect(name).len(), 3);
    }
}

#[tokio::test]
async fn totals_and_page_infos_may_be_absent() {
    let bare = |from, to| {
        let edges: Vec<_> = locations(from, to).into_iter().map(|node| json!({"node": node})).collect();
        data(json!({"locations": {"edges": edges}}))
    };
    let world = World::new(vec![bare(1, 100), bare(101, 120)]);
    assert_eq!(world.client().locations().await.expect("whole").len(), 120);
    let world = World::new(vec![data(json!({"locations": locations(1, 120)}))]);
    assert_eq!(world.client().locations().await.expect("a plain list").len(), 120);
    let world = World::new(vec![page("locations", vec![], 0, false)]);
    assert!(world.client().locations().await.expect("none").is_empty());
}

fn contacts(from: usize, to: usize) -> Vec<Value> {
    (from..=to).map(|number| json!({"id": format!("P{number}")})).collect()
}

fn template(approved: Value) -> Value {
    json!({"id": "T1", "approvedInstructors": approved})
}

#[tokio::test]
async fn a_list_inside_a_record_is_paged_only_where_it_is_longer() {
    let whole = template(connection(contacts(1, 2), 2, false));
    let world = World::new(vec![page("courseTemplates", vec![whole], 1, false)]);
    let approved = world.client().approved_instructors(&[Id::from("T1")]).await.expect("approved");
    assert_eq!(approved[&Id::from("T1")].len(), 2);
}

#[tokio::test]
async fn a_longer_list_inside_a_record_is_read_in_an_order() {
    let (first, last) = (connection(contacts(1, 100), 130, true), connection(contacts(101, 130), 130, false));
    let [first, last] = [first, last].map(|list| page("courseTemplates", vec![template(list)], 1, false));
    // Nobody could say how the first page is to be ordered: it is asked for again.
    let world = World::new(vec![
        first.clone(),
        errors(&["Unknown argument 'orderBy' on field 'CourseTemplate.approvedInstructors'."]),
        first.clone(),
        last.clone(),
    ]);
    let client = world.client();
    let approved = client.approved_instructors(&[Id::from("T1")]).await.expect("approved");
    assert_eq!(approved[&Id::from("T1")].len(), 130);
    let asked = world.queries();
    for (query, args) in asked.iter().skip(1).zip([
        "offset: 0, orderBy: [{field: id, direction: asc}]",
        "offset: 0, order: {field: id, direction: asc}",
        "offset: 100, order: {field: id, direction: asc}",
    ]) {
        assert!(query.contains(&format!("approvedInstructors(first: 100, {args})")), "{query}");
    }
    assert_eq!(world.last().variables(), json!({"value": "T1"}));

    let neither = World::new(vec![
        first.clone(),
        errors(&["Unknown argument 'orderBy'"]),
        errors(&["Unknown argument 'order'"]),
        first,
        last,
    ]);
    let approved = neither.client().approved_instructors(&[Id::from("T1")]).await.expect("approved");
    assert_eq!(approved[&Id::from("T1")].len(), 130);
    assert!(neither.last().query().contains("approvedInstructors(first: 100, offset: 100)"));
}

#[tokio::test]
async fn a_list_inside_a_record_that_breaks_off_spoils_the_whole() {
    let broken = template(connection(contacts(1, 2), 3, false));
    let step = page("courseTemplates", vec![broken], 1, false);
    let error = World::new(vec![step; 2]).client().course_templates().await.expect_err("broken");
    assert!(error.to_string().contains("approvedInstructors of T1: only 2 of 3"), "{error}");
}

#[tokio::test]
async fn titles_are_asked_a_hundred_at_a_time_in_either_case_too() {
    let none = page("events", vec![], 0, false);
    let world = World::new(vec![none.clone(), none]);
    let titles: Vec<_> = (0..150).map(|number| format!("ELO-{number}a")).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    assert!(world.client().events_by_titles(&titles).await.expect("asked").is_empty());
    assert!(world.last().query().contains("{field: title, operation: in, values: $values}"));
    let values = world.last().variables()["values"].clone();
    assert_eq!(values.as_array().map(Vec::len), Some(150), "fifty titles in three spellings");
    assert!(["ELO-149A", "elo-149a"].iter().all(|title| values.as_array().expect("a list").contains(&json!(title))));
}
