//! Events and sessions: creation, updates, state changes, staff and deletion.

use administrate_sim::tenant::{FieldKind, LearningMode, Template, TemplateSession, TemplateState};
use administrate_sim::{Profile, Tenant};
use serde_json::{Value, json};

use crate::client::{Client, field_of_nodes, nodes};

const CREATE: &str = "mutation($template: ID!, $title: String!, $location: ID!, $venue: ID, $tax: ID!, $zone: String!, $from: LocalDateTime!, \
    $to: LocalDateTime!, $places: Int, $key: ID!, $sitting: String) { event { createBlended(input: { \
    courseTemplateId: $template, title: $title, eventType: public, locationId: $location, venueId: $venue, taxType: $tax, \
    timeZoneName: $zone, classroomStartDateTime: $from, classroomEndDateTime: $to, lmsStartDateTime: $from, lmsEndDateTime: $to, \
    maxPlaces: $places, customFieldValues: [{ definitionKey: $key, value: $sitting }] }) { \
    event { id legacyId title lifecycleState learningMode maxPlaces location { name } venue { name } start timeZonedStart lmsStart \
      customFieldValues { value definition { label } } \
      sessions(orderBy: { field: id, direction: asc }) { pageInfo { totalRecords } edges { node { id title start end lifecycleState event { id } } } } } \
    errors { label message value } } } }";

fn valid_variables() -> Value {
    json!({
        "template": Tenant::template_id(1), "title": "ELO-CB1-01-26A", "location": Tenant::location_id(1), "venue": "VmVudWU6MQ==",
        "tax": "VGF4VHlwZTox", "zone": "Europe/London", "from": "2026-07-15T09:00:00", "to": "2026-08-15T17:00:00", "places": 20,
        "key": "Q3VzdG9tRmllbGREZWZpbml0aW9uOjE=", "sitting": "2026A",
    })
}

fn variables_with(name: &str, value: impl Into<Value>) -> Value {
    let mut variables = valid_variables();
    variables[name] = value.into();
    variables
}

async fn create_event(client: &Client) -> Value {
    client.send(CREATE, valid_variables()).await.data("/event/createBlended/event").clone()
}

/// Sends a document with one mutation and without variables. Returns its payload.
async fn payload(client: &Client, group: &str, call: &str, object: &str) -> Value {
    let document =
        format!("mutation {{ {group} {{ result: {call} {{ {object} errors {{ label message value }} }} }} }}");
    client.query(&document, &format!("/{group}/result")).await
}

fn messages(payload: &Value) -> Vec<String> {
    let errors = payload["errors"].as_array().into_iter().flatten();
    errors.map(|error| error["message"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn new_blended_event_is_a_draft_with_the_days_of_its_template() {
    let client = Client::sample().await;
    let event = create_event(&client).await;
    for (field, expected) in [
        ("title", json!("ELO-CB1-01-26A")),
        ("lifecycleState", json!("draft")),
        ("learningMode", json!("blended")),
        ("maxPlaces", json!(20)),
        ("location", json!({ "name": "London" })),
        ("venue", json!({ "name": "Bridge House" })),
        ("start", json!("2026-07-15T09:00:00")),
        ("timeZonedStart", json!("2026-07-15T08:00:00Z")),
        ("lmsStart", json!("2026-07-15T08:00:00Z")),
        ("customFieldValues", json!([{ "value": "2026A", "definition": { "label": "Sitting" } }])),
    ] {
        assert_eq!(event[field], expected, "{field}");
    }
    let sessions = &event["sessions"];
    assert_eq!(sessions["pageInfo"]["totalRecords"], 3);
    assert_eq!(field_of_nodes(sessions, "title"), ["Day 1", "Day 2", "Day 3"]);
    assert_eq!(
        field_of_nodes(sessions, "start"),
        ["2026-07-15T09:00:00", "2026-07-16T09:00:00", "2026-07-17T09:00:00"]
    );
    assert!(
        nodes(sessions)
            .iter()
            .all(|session| session["lifecycleState"] == "draft" && session["event"]["id"] == event["id"])
    );
    // Events and sessions share one sequence of numbers.
    assert_eq!((event["legacyId"].as_str(), field_of_nodes(sessions, "id")[0].as_str()), (Some("1"), "Q291cnNlOjI="));
}

#[tokio::test]
async fn create_with_an_invalid_input_returns_payload_errors() {
    let mut tenant = Tenant::sample();
    let draft =
        tenant.templates.add(Template { code: "DRAFT".to_owned(), state: TemplateState::Draft, ..Template::default() });
    let client = Client::for_profile(Profile::CLASSIC, tenant).await;
    for (variables, label) in [
        (variables_with("template", Tenant::template_id(99)), "courseTemplateId"),
        (variables_with("template", "nonsense"), "courseTemplateId"),
        (variables_with("template", 1), "courseTemplateId"),
        (variables_with("template", Tenant::template_id(draft)), "courseTemplateId"),
        (variables_with("location", Tenant::template_id(1)), "locationId"),
        (variables_with("venue", "VmVudWU6Mg=="), "venueId"),
        (variables_with("tax", "VGF4VHlwZTo5"), "taxType"),
        (variables_with("zone", "Europe/Nowhere"), "timeZoneName"),
        (variables_with("to", "2026-07-15T09:00:00"), "classroomEndDateTime"),
        (variables_with("title", " "), "title"),
        (variables_with("places", -1), "maxPlaces"),
        (variables_with("key", "Q3VzdG9tRmllbGREZWZpbml0aW9uOjY="), "customFieldValues"),
    ] {
        let reply = client.send(CREATE, variables.clone()).await;
        let payload = reply.data("/event/createBlended");
        assert_eq!(payload["event"], Value::Null, "{variables}");
        assert_eq!(payload["errors"][0]["label"], label, "{variables} {payload}");
    }
    assert!(client.simulator.tenant().events.is_empty());
    assert!(client.simulator.mutations().iter().all(|mutation| !mutation.changed));
}

#[tokio::test]
async fn lms_and_classroom_events_are_created_with_their_learning_mode() {
    let client = Client::sample().await;
    let (template, location) = (Tenant::template_id(3), Tenant::location_id(2));
    let lms = payload(
        &client,
        "event",
        &format!(
            "createLMS(input: {{ courseTemplateId: \"{template}\", eventType: public, locationId: \"{location}\", taxType: \"VGF4VHlwZTox\", \
             timeZoneName: \"Europe/London\", timeZonedLmsStart: \"2026-07-01T00:00:00+01:00\" }})"
        ),
        "event { title learningMode lifecycleState lmsStart start sessions { pageInfo { totalRecords } } }",
    )
    .await;
    assert_eq!(
        lms["event"],
        json!({ "title": "Business Finance, Online Classroom", "learningMode": "lms", "lifecycleState": "draft",
                "lmsStart": "2026-06-30T23:00:00Z", "start": "2026-07-01T00:00:00", "sessions": { "pageInfo": { "totalRecords": 0 } } })
    );
    let classroom = payload(
        &client,
        "event",
        "createClassroom(input: { eventType: private, timeZoneName: \"Europe/London\", title: \"One-off\" })",
        "event { learningMode eventType courseTemplate { id } start }",
    )
    .await;
    let expected =
        json!({ "learningMode": "classroom", "eventType": "private", "courseTemplate": null, "start": null });
    assert_eq!(classroom["event"], expected);
}

#[tokio::test]
async fn new_event_inherits_the_shared_custom_field_values_of_its_template() {
    let mut tenant = Tenant::sample();
    let shared = tenant.add_custom_field(&["CourseTemplate", "Event"], "Subject", FieldKind::String);
    let own = tenant.add_custom_field(&["CourseTemplate"], "Sage code", FieldKind::String);
    if let Some(template) = tenant.templates.get_mut(1) {
        template.custom_fields = [(shared, "CB1".to_owned()), (own, "S1".to_owned())].into();
    }
    let client = Client::for_profile(Profile::CLASSIC, tenant).await;
    let event = create_event(&client).await;
    let values = event["customFieldValues"].as_array().into_iter().flatten();
    assert_eq!(values.map(|field| field["value"].clone()).collect::<Vec<_>>(), ["2026A", "CB1"]);
}

#[tokio::test]
async fn event_state_changes_forward_only() {
    let client = Client::sample().await;
    let id = create_event(&client).await["id"].as_str().unwrap_or_default().to_owned();
    let to = |state: &str| format!("update(eventId: \"{id}\", input: {{ lifecycleState: {state} }})");
    let fields = "event { lifecycleState isActive cancelledAt sessions { edges { node { lifecycleState } } } }";
    let published = payload(&client, "event", &to("published"), fields).await;
    assert_eq!(published["event"]["lifecycleState"], "published");
    // Sessions are published one by one.
    assert_eq!(field_of_nodes(&published["event"]["sessions"], "lifecycleState"), ["draft", "draft", "draft"]);
    let back = payload(&client, "event", &to("draft"), fields).await;
    assert_eq!((&back["event"], messages(&back).len()), (&Value::Null, 1));
    let deletion = payload(&client, "event", &format!("delete(input: {{ eventIds: [\"{id}\"] }})"), "").await;
    assert_eq!(messages(&deletion), ["Only draft events can be deleted"]);
    let cancelled = payload(&client, "event", &to("cancelled"), fields).await;
    assert_eq!(cancelled["event"]["isActive"], false);
    assert!(cancelled["event"]["cancelledAt"].is_string());
    assert_eq!(messages(&payload(&client, "event", &to("published"), fields).await).len(), 1);
}

#[tokio::test]
async fn event_update_changes_only_the_fields_of_the_input() {
    let client = Client::sample().await;
    let id = create_event(&client).await["id"].clone();
    let document = "mutation($id: ID!, $places: Int, $venue: ID, $notes: String) { event { update(eventId: $id, input: { \
        maxPlaces: $places, venueId: $venue, internalNotes: $notes }) { event { title maxPlaces venue { id } internalNotes } errors { message } } } }";
    let update = async |variables: Value| client.send(document, variables).await.data("/event/update/event").clone();
    let noted = update(json!({ "id": id, "notes": "moved" })).await;
    let venue = json!({ "id": "VmVudWU6MQ==" });
    assert_eq!(noted, json!({ "title": "ELO-CB1-01-26A", "maxPlaces": 20, "venue": venue, "internalNotes": "moved" }));
    let cleared = update(json!({ "id": id, "venue": null, "places": null })).await;
    assert_eq!(
        cleared,
        json!({ "title": "ELO-CB1-01-26A", "maxPlaces": null, "venue": null, "internalNotes": "moved" })
    );
    let unknown = payload(&client, "event", "update(eventId: \"Q291cnNlOjk5\", input: {})", "event { id }").await;
    assert_eq!(messages(&unknown), ["Event with id Q291cnNlOjk5 does not exist"]);
}

#[tokio::test]
async fn session_is_updated_and_published() {
    let client = Client::sample().await;
    create_event(&client).await;
    let document = "mutation($id: ID!, $title: String, $start: LocalDateTime, $end: LocalDateTime, $venue: ID, $day: String) { \
        session { update(sessionId: $id, input: { title: $title, start: $start, end: $end, locationId: \"TG9jYXRpb246MQ==\", venueId: $venue, \
        lifecycleState: published, customFieldValues: [{ definitionKey: \"Q3VzdG9tRmllbGREZWZpbml0aW9uOjY=\", value: $day }] }) { \
        session { id legacyId title start end timeZonedStart lifecycleState venue { name } parentEvent { legacyId } \
        customFieldValues { definitionKey value } } errors { label } } } }";
    let variables = json!({ "id": Tenant::course_id(3), "title": "Markets", "start": "2026-07-20T10:00:00", "end": "2026-07-20T16:00:00",
                        "venue": "VmVudWU6MQ==", "day": "2" });
    let reply = client.send(document, variables.clone()).await;
    let payload = reply.data("/session/update");
    let key = "Q3VzdG9tRmllbGREZWZpbml0aW9uOjY=";
    assert_eq!(
        payload["session"],
        json!({ "id": Tenant::course_id(3), "legacyId": "3", "title": "Markets", "start": "2026-07-20T10:00:00", "end": "2026-07-20T16:00:00",
                "timeZonedStart": "2026-07-20T09:00:00Z", "lifecycleState": "published", "venue": { "name": "Bridge House" },
                "parentEvent": { "legacyId": "1" }, "customFieldValues": [{ "definitionKey": key, "value": "2" }] })
    );
    for (name, value, label) in [
        ("id", json!(Tenant::course_id(1)), "sessionId"),
        ("end", json!("2026-07-20T10:00:00"), "end"),
        ("venue", json!("VmVudWU6Mg=="), "venueId"),
    ] {
        let mut invalid = variables.clone();
        invalid[name] = value;
        assert_eq!(client.send(document, invalid).await.data("/session/update/errors/0/label"), label);
    }
}

#[tokio::test]
async fn deletion_of_a_draft_removes_its_sessions_and_staff() {
    let client = Client::sample().await;
    create_event(&client).await;
    let (event, sessions) = (Tenant::course_id(1), [Tenant::course_id(4), Tenant::course_id(3)]);
    let staff = format!("addStaff(input: {{ eventId: \"{event}\", contactId: \"{}\" }})", Tenant::contact_id(1));
    payload(&client, "event", &staff, "event { id }").await;
    let one_unknown = format!("delete(input: {{ sessionIds: [\"{}\", \"{event}\"] }})", sessions[0]);
    assert_eq!(messages(&payload(&client, "session", &one_unknown, "").await).len(), 1);
    assert_eq!(client.simulator.tenant().sessions.len(), 3, "all or none");
    let both_drafts = format!("delete(input: {{ sessionIds: [\"{}\", \"{}\"] }})", sessions[0], sessions[1]);
    assert_eq!(payload(&client, "session", &both_drafts, "").await["errors"], json!([]));
    assert_eq!(client.simulator.tenant().sessions.len(), 1);
    assert_eq!(
        payload(&client, "event", &format!("delete(input: {{ eventIds: \"{event}\" }})"), "").await["errors"],
        json!([])
    );
    let tenant = client.simulator.tenant();
    assert_eq!((tenant.events.len(), tenant.sessions.len(), tenant.staff.len()), (0, 0, 0));
    // Numbers are not reused.
    assert_eq!(create_event(&client).await["legacyId"], "5");
}

#[tokio::test]
async fn staff_is_added_once_per_type_and_removed() {
    let client = Client::sample().await;
    create_event(&client).await;
    let (event, session) = (Tenant::course_id(1), Tenant::course_id(2));
    let [ada, tom, grace] = [1, 2, 3].map(Tenant::contact_id);
    let add = format!("addStaff(input: {{ eventId: \"{event}\", contactId: \"{ada}\", staffType: instructor }})");
    let fields =
        "event { staff { edges { node { id contact { firstName } staffType isPrimary staffRole { name } } } } }";
    let first = payload(&client, "event", &add, fields).await;
    let node = nodes(&first["event"]["staff"])[0].clone();
    assert_eq!(
        (&node["contact"]["firstName"], &node["staffType"], &node["isPrimary"]),
        (&json!("Ada"), &json!("instructor"), &json!(true))
    );
    let again = payload(&client, "event", &add, "event { id }").await;
    assert_eq!(messages(&again), ["The input Contact already exists as staff on the Event"]);
    let bulk = format!(
        "addStaffBulk(input: [{{ eventId: \"{event}\", contactId: \"{ada}\", staffType: instructor }}, \
         {{ eventId: \"{event}\", contactId: \"{grace}\", staffType: administrator }}, \
         {{ eventId: \"{event}\", contactId: \"{tom}\", staffType: instructor }}])"
    );
    let bulk = payload(&client, "event", &bulk, "events { staff { pageInfo { totalRecords } } }").await;
    assert_eq!(bulk["events"][0]["staff"]["pageInfo"]["totalRecords"], 3);
    assert_eq!(messages(&bulk), ["The input Contact already exists as staff on the Event"]);
    let both = format!(
        "addStaff(input: {{ sessionId: \"{session}\", contactIds: [\"{ada}\", \"{tom}\"], staffType: instructor }})"
    );
    let fields = "session { staff { edges { node { contact { id } staffType } } } }";
    assert_eq!(nodes(&payload(&client, "session", &both, fields).await["session"]["staff"]).len(), 2);
    assert_eq!(messages(&payload(&client, "session", &both, fields).await).len(), 2);
    let unknown = format!("addStaff(input: {{ sessionId: \"{session}\", contactIds: [\"{ada}\", \"UGVyc29uOjk5\"] }})");
    assert_eq!(
        messages(&payload(&client, "session", &unknown, fields).await),
        ["Contact with id UGVyc29uOjk5 does not exist"]
    );
    let remove = format!("removeStaff(input: {{ staffId: {} }})", node["id"]);
    assert_eq!(payload(&client, "event", &remove, "").await["errors"], json!([]));
    assert_eq!(messages(&payload(&client, "event", &remove, "").await), ["The Staff does not exist"]);
}

#[tokio::test]
async fn mutations_in_one_document_are_executed_in_order() {
    let client = Client::sample().await;
    create_event(&client).await;
    let document = "mutation { event { \
        a: update(eventId: \"Q291cnNlOjE=\", input: { title: \"A\" }) { event { title } } \
        b: update(eventId: \"Q291cnNlOjE=\", input: { title: \"B\" }) { event { title } } } }";
    let reply = client.send(document, json!({})).await;
    assert_eq!((reply.data("/event/a/event/title"), reply.data("/event/b/event/title")), (&json!("A"), &json!("B")));
    let log = client.simulator.mutations();
    assert_eq!(
        log.iter().map(|mutation| mutation.operation.as_str()).collect::<Vec<_>>(),
        ["event.createBlended", "event.update", "event.update"]
    );
}

#[tokio::test]
async fn node_query_and_title_filter_return_the_event() {
    let mut tenant = Tenant::sample();
    let many = tenant.templates.add(Template {
        code: "MANY".to_owned(),
        learning_mode: LearningMode::Classroom,
        sessions: TemplateSession::days(60),
        ..Template::default()
    });
    let client = Client::for_profile(Profile::CLASSIC, tenant).await;
    let reply = client.send(CREATE, variables_with("template", Tenant::template_id(many))).await;
    let sessions = reply.data("/event/createBlended/event/sessions");
    assert_eq!((nodes(sessions).len(), &sessions["pageInfo"]["totalRecords"]), (50, &json!(60)));
    let document = "query($id: ID!) { node(id: $id) { __typename ... on Event { title } ... on Session { title } ... on Contact { firstName } } }";
    for (id, expected) in [
        (Tenant::course_id(1), json!({ "__typename": "Event", "title": "ELO-CB1-01-26A" })),
        (Tenant::course_id(2), json!({ "__typename": "Session", "title": "Day 1" })),
        (Tenant::contact_id(1), json!({ "__typename": "Contact", "firstName": "Ada" })),
        (Tenant::course_id(999), Value::Null),
    ] {
        assert_eq!(*client.send(document, json!({ "id": id })).await.data("/node"), expected);
    }
    let events = client.query("{ events(filters: { field: title, operation: in, values: [\"ELO-CB1-01-26A\"] }) { edges { node { id } } } }", "/events").await;
    assert_eq!(field_of_nodes(&events, "id"), [Tenant::course_id(1)]);
}
