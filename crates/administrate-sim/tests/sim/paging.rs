//! Paging, orders and filters of lists.

use administrate_sim::tenant::{Event, Location};
use administrate_sim::{Profile, Tenant};
use serde_json::{Value, json};

use crate::client::{Client, field_of_nodes, nodes};

/// Starts a simulator with `count` locations named L001 and so on, every tenth without a code.
async fn with_locations(count: usize) -> Client {
    let mut tenant = Tenant::new();
    for n in 1..=count {
        let code = (n % 10 != 0).then(|| format!("c{n}"));
        tenant.locations.add(Location { name: format!("L{n:03}"), code, region: None });
    }
    Client::for_profile(Profile::CLASSIC, tenant).await
}

const PAGE: &str = "query($first: Int, $offset: Int, $after: String) { locations(first: $first, offset: $offset, after: $after) { \
                    edges { cursor node { name } } \
                    pageInfo { hasNextPage hasPreviousPage startCursor endCursor totalRecords } } }";

#[tokio::test]
async fn page_has_fifty_rows_by_default_and_at_most_a_hundred() {
    let client = with_locations(230).await;
    for (first, expected_rows) in
        [(json!(null), 50), (json!(10), 10), (json!(100), 100), (json!(101), 100), (json!(5000), 100), (json!(0), 0)]
    {
        let reply = client.send(PAGE, json!({ "first": first })).await;
        assert_eq!(nodes(reply.data("/locations")).len(), expected_rows, "first: {first}");
        assert_eq!(reply.data("/locations/pageInfo/totalRecords"), 230);
    }
}

#[tokio::test]
async fn paging_by_offset_and_by_cursor_returns_the_whole_list() {
    let client = with_locations(230).await;
    let (mut by_offset, mut by_cursor): (Vec<String>, Vec<String>) = Default::default();
    let mut cursor = Value::Null;
    loop {
        let page = client.send(PAGE, json!({ "first": 100, "offset": by_offset.len() })).await;
        by_offset.extend(field_of_nodes(page.data("/locations"), "name"));
        let page = client.send(PAGE, json!({ "first": 100, "after": cursor })).await;
        by_cursor.extend(field_of_nodes(page.data("/locations"), "name"));
        cursor = page.data("/locations/pageInfo/endCursor").clone();
        if page.data("/locations/pageInfo/hasNextPage") == false {
            break;
        }
    }
    assert_eq!(by_offset.len(), 230);
    assert_eq!(by_offset, by_cursor);
    let last = client.send(PAGE, json!({ "first": 100, "offset": 230 })).await;
    assert_eq!(
        *last.data("/locations/pageInfo"),
        json!({ "hasNextPage": false, "hasPreviousPage": true, "startCursor": null, "endCursor": null, "totalRecords": 230 })
    );
}

#[tokio::test]
async fn cursors_have_the_documented_format_and_invalid_ones_are_errors() {
    let client = with_locations(3).await;
    let reply = client.send(PAGE, json!({ "first": 2 })).await;
    assert_eq!(reply.data("/locations/edges/0/cursor"), "Q3Vyc29yOjA=");
    assert_eq!(reply.data("/locations/pageInfo/endCursor"), "Q3Vyc29yOjE=");
    for variables in [json!({ "first": -1 }), json!({ "offset": -1 }), json!({ "after": "TG9jYXRpb246MQ==" })] {
        assert_ne!(client.send(PAGE, variables).await.error(), "");
    }
}

#[tokio::test]
async fn nested_list_is_limited_to_the_maximum_page() {
    let mut tenant = Tenant::new();
    let template = tenant.add_template("T", "T", 0);
    for n in 0..120 {
        let contact = tenant.add_instructor("Instructor", &n.to_string());
        tenant.approve(template, contact);
    }
    let client = Client::for_profile(Profile::CLASSIC, tenant).await;
    let document = |arguments: &str| {
        format!(
            "{{ courseTemplates {{ edges {{ node {{ approvedInstructors{arguments} \
             {{ edges {{ node {{ lastName }} }} pageInfo {{ totalRecords }} }} }} }} }} }}"
        )
    };
    for (arguments, expected_rows, first) in
        [("", 50, "0"), ("(first: 500)", 100, "0"), ("(first: 50, offset: 100)", 20, "100")]
    {
        let list = client.query(&document(arguments), "/courseTemplates/edges/0/node/approvedInstructors").await;
        assert_eq!(
            (nodes(&list).len(), field_of_nodes(&list, "lastName")[0].as_str()),
            (expected_rows, first),
            "{arguments}"
        );
        assert_eq!(list["pageInfo"]["totalRecords"], 120);
    }
}

#[tokio::test]
async fn list_with_an_order_is_sorted_by_its_fields() {
    let client = with_locations(12).await;
    for (order, first) in [
        ("order: { field: name, direction: desc }", "L012"),
        ("orderBy: [{ field: name, direction: asc }]", "L001"),
        ("order: { field: id, direction: desc }", "L012"),
        ("orderBy: [{ field: code, direction: asc }, { field: name, direction: desc }]", "L010"),
    ] {
        let list = client
            .query(&format!("{{ locations(first: 1, {order}) {{ edges {{ node {{ name }} }} }} }}"), "/locations")
            .await;
        assert_eq!(field_of_nodes(&list, "name"), [first], "{order}");
    }
}

/// List, filters, and the names or titles of the matching rows.
const FILTERS: &[(&str, &str, &[&str])] = &[
    ("locations", "{ field: name, operation: eq, value: \"London\" }", &["London"]),
    ("locations", "{ field: name, operation: eq, value: \"london\" }", &[]),
    ("locations", "{ field: name, operation: ne, value: \"London\" }", &["Live Online", "Leeds"]),
    ("locations", "{ field: name, operation: like, value: \"l%n%\" }", &["London", "Live Online"]),
    ("locations", "{ field: name, operation: wordlike, value: \"online\" }", &["Live Online"]),
    ("locations", "{ field: name, operation: in, values: [\"London\", \"Leeds\", \"York\"] }", &["London", "Leeds"]),
    ("locations", "{ field: name, operation: notin, values: [\"London\"] }", &["Live Online", "Leeds"]),
    ("locations", "{ field: name, operation: contains, values: [\"on\", \"Lo\"] }", &["London"]),
    ("locations", "{ field: code, operation: isnull }", &["Leeds"]),
    ("locations", "{ field: code, operation: notnull }", &["London", "Live Online"]),
    ("locations", "{ field: id, operation: eq, value: \"TG9jYXRpb246Mg==\" }", &["Live Online"]),
    ("locations", "[{ field: code, operation: notnull }, { field: name, operation: ge, value: \"Lo\" }]", &["London"]),
    ("events", "{ field: maxPlaces, operation: gt, value: \"5\" }", &["ELO-CB1-01-26A"]),
    ("events", "{ field: maxPlaces, operation: le, value: \"5\" }", &["ELO-CB2-01-26A"]),
    ("events", "{ field: locationName, operation: eq, value: \"London\" }", &["ELO-CB2-01-26A"]),
    ("events", "{ field: isActive, operation: eq, value: \"false\" }", &[]),
    ("events", "{ field: title, operation: in, values: [\"elo-cm1\"] }", &["elo-cm1"]),
    (
        "events",
        "{ field: lifecycleState, operation: eq, value: \"draft\" }",
        &["ELO-CB1-01-26A", "ELO-CB2-01-26A", "elo-cm1"],
    ),
];

#[tokio::test]
async fn filters_return_the_matching_rows_and_invalid_ones_are_errors() {
    let mut tenant = Tenant::new();
    let london = tenant.add_location("London", "LON");
    let online = tenant.add_location("Live Online", "LIVE");
    tenant.locations.add(Location { name: "Leeds".to_owned(), ..Location::default() });
    for (title, location, max_places) in
        [("ELO-CB1-01-26A", online, Some(20)), ("ELO-CB2-01-26A", london, Some(5)), ("elo-cm1", online, None)]
    {
        let time_zone = "Europe/London".to_owned();
        tenant.add_event(Event {
            title: title.to_owned(),
            location: Some(location),
            max_places,
            time_zone,
            ..Event::default()
        });
    }
    let client = Client::for_profile(Profile::CLASSIC, tenant).await;
    for (list, filters, expected) in FILTERS {
        let name = if *list == "events" { "title" } else { "name" };
        let document = format!("{{ {list}(filters: {filters}) {{ edges {{ node {{ {name} }} }} }} }}");
        assert_eq!(field_of_nodes(&client.query(&document, &format!("/{list}")).await, name), *expected, "{filters}");
    }
    for malformed in [
        "{ field: name, operation: eq }",
        "{ field: name, operation: in, value: \"x\" }",
        "{ field: name, operation: like, values: [\"x\"] }",
    ] {
        let reply = client
            .send(&format!("{{ locations(filters: {malformed}) {{ edges {{ node {{ id }} }} }} }}"), json!({}))
            .await;
        assert!(reply.error().contains("the filter on"), "{malformed}: {}", reply.body);
        assert_eq!(reply.body["data"], Value::Null);
    }
    let reply = client
        .send("{ events(filters: { field: isSoldOut, operation: eq, value: \"yes\" }) { __typename } }", json!({}))
        .await;
    assert!(reply.error().contains("expects"), "{}", reply.body);
}
