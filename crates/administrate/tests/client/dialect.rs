//! Assumptions about a tenant's API: known from introspection, or corrected by its errors.

use administrate::{EventChanges, EventMode, Id, NewLocation};
use serde_json::{Value, json};

use crate::environment::{ScriptedEnvironment, connection, data, errors, location, page};
use crate::writing::new_event;

fn created_event() -> Value {
    json!({"event": {"createBlended": {"event": {"id": "E1", "sessions": connection(vec![], 0, false)}, "errors": []}}})
}

#[tokio::test]
async fn rejected_tax_type_spelling_is_corrected_once_and_remembered() {
    let refusal = "Field 'taxType' is not defined by type 'BlendedInput'. Did you mean 'title'?";
    let env = ScriptedEnvironment::new(vec![errors(&[refusal]), data(created_event()), data(created_event())]);
    let client = env.client();
    for _ in 0..2 {
        client.create_event(&new_event(EventMode::Blended)).await.expect("created");
    }
    let queries = env.queries();
    assert!(queries[0].contains("taxType: $taxType,"), "{queries:?}");
    assert!(queries[1].contains("taxTypeId: $taxTypeId,") && queries[2].contains("taxTypeId:"), "{queries:?}");

    let env = ScriptedEnvironment::new(vec![errors(&[refusal]), errors(&["Field 'taxTypeId' is not defined"])]);
    let error = env.client().create_event(&new_event(EventMode::Blended)).await.expect_err("neither");
    assert!(!error.is_in_doubt(), "{error}");
    assert_eq!(env.unused_steps(), 0);
}

#[tokio::test]
async fn error_corrects_only_the_spelling_that_it_rejects() {
    let found =
        "found { courseTemplateId: $courseTemplateId, title: $title, taxType: $taxType, timeZoneName: $timeZoneName }";
    let refusals = [
        format!("Expected value of type 'BlendedInput!' to include required field 'taxTypeId', {found}."),
        format!("Expected value of type 'BlendedInput!' not to include unknown field 'taxType', {found}."),
    ];
    let env = ScriptedEnvironment::new(vec![errors(&[&refusals[0], &refusals[1]]), data(created_event())]);
    env.client().create_event(&new_event(EventMode::Blended)).await.expect("created");
    let query = env.last().query();
    assert!(query.contains("taxTypeId: $taxTypeId, timeZoneName: $timeZoneName"), "{query}");
}

#[tokio::test]
async fn rejected_event_dates_are_omitted_and_reported() {
    let done = || data(json!({"event": {"update": {"event": {"id": "E1"}, "errors": []}}}));
    let refusal = "Field \"lmsEndDateTime\" is not defined by type \"EventUpdateInput\".";
    let env = ScriptedEnvironment::new(vec![done(), errors(&[refusal]), done()]);
    let client = env.client();
    let end = jiff::civil::date(2026, 7, 2).at(9, 0, 0, 0);
    let changes = EventChanges {
        title: Some("T".into()),
        time_zone: Some("Europe/London".into()),
        lms_end: Some(end),
        ..EventChanges::default()
    };
    let id = Id::from("E1");
    assert_eq!(client.update_event(&id, &changes).await.expect("done").unsupported_fields, [""; 0]);
    assert!(env.last().query().contains("lmsEndDateTime: \"2026-07-02T09:00:00\""), "{}", env.last().query());
    assert!(!env.last().query().contains("lmsStart"), "the end alone");
    assert_eq!(client.update_event(&id, &changes).await.expect("done").unsupported_fields, ["lmsEndDateTime"]);
    let query = env.last().query();
    assert!(query.contains("title:") && !query.contains("lmsEnd"), "{query}");
}

#[tokio::test]
async fn input_repeated_in_an_error_corrects_nothing() {
    let message = "Expected value of type 'BlendedInput' to include required field 'taxTypeId', found: {\n  taxType: \
                $taxType\n  timeZoneName: $timeZoneName\n}.";
    let env = ScriptedEnvironment::new(vec![errors(&[message]), data(created_event())]);
    env.client().create_event(&new_event(EventMode::Blended)).await.expect("created");
    assert!(env.last().query().contains("timeZoneName:"), "{}", env.last().query());
    let unquoted = "Unknown field on EventUpdateInput, found: { title: $title, timeZoneName: $timeZoneName }";
    let env = ScriptedEnvironment::new(vec![errors(&[unquoted])]);
    env.client().create_event(&new_event(EventMode::Blended)).await.expect_err("nothing is corrected");
    assert_eq!(env.unused_steps(), 0);
}

#[tokio::test]
async fn rejected_order_argument_is_renamed_then_omitted() {
    let found = page("locations", vec![location(1)], 1, false);
    let env = ScriptedEnvironment::new(vec![
        errors(&["Unknown argument 'orderBy' on field 'Query.locations'."]),
        errors(&["Unknown argument 'order' on field 'Query.locations'."]),
        found,
    ]);
    env.client().locations().await.expect("found");
    let queries = env.queries();
    assert!(queries[1].contains("order: {field: id, direction: asc}"), "{queries:?}");
    assert!(!queries[2].contains("order"), "{queries:?}");
}

#[tokio::test]
async fn rejected_field_is_no_longer_selected() {
    let template = json!({"id": "T1", "publicPrices": connection(vec![], 0, false)});
    let found = page("courseTemplates", vec![template], 1, false);
    let env = ScriptedEnvironment::new(vec![errors(&["Cannot query field \"symbol\" on type \"Currency\"."]), found]);
    env.client().template_prices().await.expect("found");
    let query = env.last().query();
    assert!(query.contains("... on Currency { code }"), "{query}");
}

#[tokio::test]
async fn payload_sessions_as_plain_list_are_selected_without_edges() {
    let plain = json!({"event": {"createBlended": {"event": {"id": "E1", "sessions": [{"id": "S1"}]}, "errors": []}}});
    let env = ScriptedEnvironment::new(vec![errors(&["Cannot query field 'edges' on type 'Session'."]), data(plain)]);
    let event = env.client().create_event(&new_event(EventMode::Blended)).await.expect("created");
    assert_eq!(event.sessions[0].id, Id::from("S1"));
    assert!(env.last().query().contains("event { id legacyId sessions { id legacyId } }"));
}

/// The schema of a tenant that differs from the documentation in every open point.
fn schema() -> Value {
    let named = |name: &str| json!({"kind": "OBJECT", "name": name, "ofType": null});
    let required = |name: &str| json!({"kind": "NON_NULL", "name": null, "ofType": named(name)});
    let field = |name: &str, args: Vec<Value>, kind: Value| json!({"name": name, "args": args, "type": kind});
    let plain = |name: &str, kind: &str| field(name, vec![], named(kind));
    let arg = |name: &str, kind: Value| json!({"name": name, "type": kind});
    let object = |name: &str, fields: Vec<Value>| json!({"kind": "OBJECT", "name": name, "fields": fields});
    let input = |name: &str, fields: Vec<Value>| json!({"kind": "INPUT_OBJECT", "name": name, "inputFields": fields});
    json!({"__schema": {"queryType": {"name": "Q"}, "mutationType": {"name": "M"}, "types": [
        object("Q", vec![field("locations", vec![arg("first", named("Int")), arg("order", named("Order"))], named("Locations"))]),
        object("Locations", vec![plain("edges", "LocationEdge"), plain("pageInfo", "PageInfo")]),
        object("LocationEdge", vec![plain("node", "Location")]),
        object("Location", vec![plain("id", "ID"), plain("name", "String")]),
        object("PageInfo", vec![plain("hasNextPage", "Boolean"), plain("totalRecords", "Int")]),
        input("Order", vec![arg("field", named("OrderField")), arg("direction", named("Direction"))]),
        {"kind": "ENUM", "name": "OrderField", "enumValues": [{"name": "id"}]},
        {"kind": "ENUM", "name": "Direction", "enumValues": [{"name": "ASC"}]},
        {"kind": "ENUM", "name": "EventType", "enumValues": [{"name": "public"}]},
        object("M", vec![plain("event", "EventMutations"), plain("location", "LocationMutations")]),
        object("LocationMutations", vec![field("create", vec![arg("input", required("NewLocation"))], named("LocationPayload"))]),
        input("NewLocation", vec![arg("name", required("String"))]),
        object("LocationPayload", vec![plain("location", "Location"), plain("errors", "Problem")]),
        object("Problem", vec![plain("message", "String")]),
        object("EventMutations", vec![field("createLMS", vec![arg("input", required("LmsInput"))], named("EventPayload"))]),
        input("LmsInput", vec![
            arg("courseTemplateId", required("ID")), arg("title", named("String")), arg("eventType", required("EventType")),
            arg("taxTypeId", required("ID")), arg("timeZoneName", required("String")),
            arg("timeZonedLmsStart", named("DateTime")), arg("timeZonedLmsEnd", named("DateTime"))]),
        object("EventPayload", vec![plain("event", "Event"), plain("errors", "Problem")]),
        object("Event", vec![plain("id", "ID"), plain("sessions", "Session")]),
        object("Session", vec![plain("id", "ID")]),
    ]}})
}

#[tokio::test]
async fn introspected_schema_is_followed_without_retries() {
    let event = json!({"event": {"createLMS": {"event": {"id": "E1", "sessions": []}, "errors": []}}});
    let env = ScriptedEnvironment::introspected(
        schema(),
        vec![
            page("locations", vec![location(1)], 1, false),
            data(json!({"location": {"create": {"location": {"id": "L9"}, "errors": []}}})),
            data(event),
        ],
    );
    let client = env.client();
    client.locations().await.expect("found");
    let query = env.last().query();
    assert!(query.contains("order: {field: id, direction: ASC}) { edges { node { id name } }"), "{query}");

    let capabilities = client.capabilities().await.expect("known");
    assert!(capabilities.introspected && capabilities.create_location && !capabilities.create_venue);
    let location = NewLocation { name: "Leeds".into(), code: Some("LDS".into()) };
    let created = client.create_location(&location).await.expect("created");
    assert_eq!((created.id.as_str(), created.unsupported_fields), ("L9", vec!["code"]));
    assert!(env.last().query().ends_with("{ location { id } errors { message } } } }"));

    let created = client.create_event(&new_event(EventMode::Lms)).await.expect("created");
    assert_eq!(created.unsupported_fields, ["locationId", "maxPlaces", "customFieldValues"]);
    let query = env.last().query();
    assert!(query.contains(
        "taxTypeId: $taxTypeId, timeZoneName: $timeZoneName, timeZonedLmsStart: \"2026-07-02T09:00:00+01:00\""
    ));
    assert!(query.contains("{ event { id sessions { id } } errors { message } }"), "{query}");
}
