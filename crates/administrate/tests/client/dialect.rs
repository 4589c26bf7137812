//! Each guess about a tenant's API: told by introspection, or learnt from its errors.

use administrate::{EventChanges, EventMode, Id, NewLocation};
use serde_json::{Value, json};

use crate::environment::{World, connection, data, errors, location, page};
use crate::writing::new_event;

fn made() -> Value {
    json!({"event": {"createBlended": {"event": {"id": "E1", "sessions": connection(vec![], 0, false)}, "errors": []}}})
}

#[tokio::test]
async fn the_other_spelling_of_the_tax_type_is_tried_once_and_remembered() {
    let refusal = "Field 'taxType' is not defined by type 'BlendedInput'. Did you mean 'title'?";
    let world = World::new(vec![errors(&[refusal]), data(made()), data(made())]);
    let client = world.client();
    for _ in 0..2 {
        client.create_event(&new_event(EventMode::Blended)).await.expect("made");
    }
    let queries = world.queries();
    assert!(queries[0].contains("taxType: $taxType,"), "{queries:?}");
    assert!(queries[1].contains("taxTypeId: $taxTypeId,") && queries[2].contains("taxTypeId:"), "{queries:?}");

    let world = World::new(vec![errors(&[refusal]), errors(&["Field 'taxTypeId' is not defined"])]);
    let error = world.client().create_event(&new_event(EventMode::Blended)).await.expect_err("neither");
    assert!(!error.is_doubtful(), "{error}");
    assert_eq!(world.left(), 0);
}

#[tokio::test]
async fn only_the_spelling_that_is_complained_of_is_turned() {
    let found =
        "found { courseTemplateId: $courseTemplateId, title: $title, taxType: $taxType, timeZoneName: $timeZoneName }";
    let refusals = [
        format!("Expected value of type 'BlendedInput!' to include required field 'taxTypeId', {found}."),
        format!("Expected value of type 'BlendedInput!' not to include unknown field 'taxType', {found}."),
    ];
    let world = World::new(vec![errors(&[&refusals[0], &refusals[1]]), data(made())]);
    world.client().create_event(&new_event(EventMode::Blended)).await.expect("made");
    let query = world.last().query();
    assert!(query.contains("taxTypeId: $taxTypeId, timeZoneName: $timeZoneName"), "{query}");
}

#[tokio::test]
async fn dates_of_an_event_are_tried_and_left_out_where_they_are_not_taken() {
    let done = || data(json!({"event": {"update": {"event": {"id": "E1"}, "errors": []}}}));
    let refusal = "Field \"lmsEndDateTime\" is not defined by type \"EventUpdateInput\".";
    let world = World::new(vec![done(), errors(&[refusal]), done()]);
    let client = world.client();
    let end = jiff::civil::date(2026, 7, 2).at(9, 0, 0, 0);
    let changes = EventChanges {
        title: Some("T".into()),
        time_zone: Some("Europe/London".into()),
        lms_end: Some(end),
        ..EventChanges::default()
    };
    let id = Id::from("E1");
    assert_eq!(client.update_event(&id, &changes).await.expect("done").left_out, [""; 0]);
    assert!(world.last().query().contains("lmsEndDateTime: \"2026-07-02T09:00:00\""), "{}", world.last().query());
    assert!(!world.last().query().contains("lmsStart"), "the end alone");
    assert_eq!(client.update_event(&id, &changes).await.expect("done").left_out, ["lmsEndDateTime"]);
    let query = world.last().query();
    assert!(query.contains("title:") && !query.contains("lmsEnd"), "{query}");
}

#[tokio::test]
async fn what_a_server_repeats_of_the_input_teaches_nothing() {
    let said = "Expected value of type 'BlendedInput' to include required field 'taxTypeId', found: {\n  taxType: \
                $taxType\n  timeZoneName: $timeZoneName\n}.";
    let world = World::new(vec![errors(&[said]), data(made())]);
    world.client().create_event(&new_event(EventMode::Blended)).await.expect("made");
    assert!(world.last().query().contains("timeZoneName:"), "{}", world.last().query());
    let unquoted = "Unknown field on EventUpdateInput, found: { title: $title, timeZoneName: $timeZoneName }";
    let world = World::new(vec![errors(&[unquoted])]);
    world.client().create_event(&new_event(EventMode::Blended)).await.expect_err("nothing is learnt");
    assert_eq!(world.left(), 0);
}

#[tokio::test]
async fn the_order_argument_goes_by_two_names_or_none() {
    let found = page("locations", vec![location(1)], 1, false);
    let world = World::new(vec![
        errors(&["Unknown argument 'orderBy' on field 'Query.locations'."]),
        errors(&["Unknown argument 'order' on field 'Query.locations'."]),
        found,
    ]);
    world.client().locations().await.expect("found");
    let queries = world.queries();
    assert!(queries[1].contains("order: {field: id, direction: asc}"), "{queries:?}");
    assert!(!queries[2].contains("order"), "{queries:?}");
}

#[tokio::test]
async fn a_field_that_is_missing_is_asked_for_no_more() {
    let template = json!({"id": "T1", "publicPrices": connection(vec![], 0, false)});
    let found = page("courseTemplates", vec![template], 1, false);
    let world = World::new(vec![errors(&["Cannot query field \"symbol\" on type \"Currency\"."]), found]);
    world.client().template_prices().await.expect("found");
    let query = world.last().query();
    assert!(query.contains("... on Currency { code }"), "{query}");
}

#[tokio::test]
async fn sessions_of_a_payload_may_be_a_plain_list() {
    let plain = json!({"event": {"createBlended": {"event": {"id": "E1", "sessions": [{"id": "S1"}]}, "errors": []}}});
    let world = World::new(vec![errors(&["Cannot query field 'edges' on type 'Session'."]), data(plain)]);
    let event = world.client().create_event(&new_event(EventMode::Blended)).await.expect("made");
    assert_eq!(event.sessions[0].id, Id::from("S1"));
    assert!(world.last().query().contains("event { id legacyId sessions { id legacyId } }"));
}

/// A tenant unlike the documentation in every open point.
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
async fn what_introspection_shows_is_spoken_without_a_detour() {
    let event = json!({"event": {"createLMS": {"event": {"id": "E1", "sessions": []}, "errors": []}}});
    let world = World::introspected(
        schema(),
        vec![
            page("locations", vec![location(1)], 1, false),
            data(json!({"location": {"create": {"location": {"id": "L9"}, "errors": []}}})),
            data(event),
        ],
    );
    let client = world.client();
    client.locations().await.expect("found");
    let query = world.last().query();
    assert!(query.contains("order: {field: id, direction: ASC}) { edges { node { id name } }"), "{query}");

    let capabilities = client.capabilities().await.expect("known");
    assert!(capabilities.introspected && capabilities.create_location && !capabilities.create_venue);
    let location = NewLocation { name: "Leeds".into(), code: Some("LDS".into()) };
    let made = client.create_location(&location).await.expect("made");
    assert_eq!((made.id.as_str(), made.left_out), ("L9", vec!["code"]));
    assert!(world.last().query().ends_with("{ location { id } errors { message } } } }"));

    let made = client.create_event(&new_event(EventMode::Lms)).await.expect("made");
    assert_eq!(made.left_out, ["locationId", "maxPlaces", "customFieldValues"]);
    let query = world.last().query();
    assert!(query.contains(
        "taxTypeId: $taxTypeId, timeZoneName: $timeZoneName, timeZonedLmsStart: \"2026-07-02T09:00:00+01:00\""
    ));
    assert!(query.contains("{ event { id sessions { id } } errors { message } }"), "{query}");
}
