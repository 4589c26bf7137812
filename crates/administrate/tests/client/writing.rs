//! Documents of mutations, and how their payloads are interpreted.

use administrate::{
    CustomFieldValue, Error, EventChanges, EventMode, EventType, Id, Lifecycle, NewContact, NewEvent, NewLocation,
    NewStaff, SessionChanges, StaffType, Window,
};
use jiff::civil::date;
use serde_json::{Value, json};

use crate::environment::{ScriptedEnvironment, Step, connection, data, ok, page};

pub fn new_event(mode: EventMode) -> NewEvent {
    let day = |day| Window { start: date(2026, 7, day).at(9, 0, 0, 0), end: date(2026, 7, day).at(17, 30, 0, 0) };
    NewEvent {
        mode,
        course_template_id: Id::from("T1"),
        title: "CB1 \"one\"".into(),
        event_type: EventType::Public,
        location_id: Id::from("L1"),
        venue_id: Some(Id::from("V1")),
        tax_type_id: Id::from("VGF4VHlwZTox"),
        time_zone: "Europe/London".into(),
        classroom: Some(day(1)),
        lms: Some(day(2)),
        max_places: Some(12),
        custom_fields: vec![CustomFieldValue { key: Id::from("K1"), value: "True".into() }],
    }
}

fn created(operation: &str, payload: Value) -> Step {
    data(json!({"event": {operation: payload}}))
}

fn sessions(from: usize, to: usize) -> Vec<Value> {
    (from..=to).map(|number| json!({"id": format!("S{number}"), "legacyId": number})).collect()
}

#[tokio::test]
async fn blended_event_declares_scalars_and_inlines_literals() {
    let payload =
        json!({"event": {"id": "E1", "legacyId": 77, "sessions": connection(sessions(1, 2), 2, false)}, "errors": []});
    let env = ScriptedEnvironment::new(vec![created("createBlended", payload)]);
    let created_event = env.client().create_event(&new_event(EventMode::Blended)).await.expect("created");
    assert_eq!((created_event.id.as_str(), created_event.legacy_id.as_deref()), ("E1", Some("77")));
    assert_eq!(created_event.sessions[1].legacy_id.as_deref(), Some("2"));
    assert!(
        created_event.has_all_sessions
            && created_event.warnings.is_empty()
            && created_event.unsupported_fields.is_empty()
    );
    let sent = env.last();
    assert_eq!(
        sent.query(),
        "mutation($courseTemplateId: ID!, $title: String!, $locationId: ID!, $venueId: ID!, $taxType: ID!, \
         $timeZoneName: String!, $maxPlaces: Int!, $definitionKey: ID!, $value: String!) { event { createBlended(input: \
         {courseTemplateId: $courseTemplateId, title: $title, eventType: public, locationId: $locationId, venueId: $venueId, \
         taxType: $taxType, timeZoneName: $timeZoneName, classroomStartDateTime: \"2026-07-01T09:00:00\", \
         classroomEndDateTime: \"2026-07-01T17:30:00\", lmsStartDateTime: \"2026-07-02T09:00:00\", \
         lmsEndDateTime: \"2026-07-02T17:30:00\", maxPlaces: $maxPlaces, \
         customFieldValues: [{definitionKey: $definitionKey, value: $value}]}) \
         { event { id legacyId sessions(first: 100) { edges { node { id legacyId } } pageInfo { hasNextPage totalRecords } } } \
         errors { label message value } } } }"
    );
    assert_eq!(sent.variables()["title"], "CB1 \"one\"");
    assert_eq!(sent.variables()["value"], "True");
}

#[tokio::test]
async fn each_event_mode_sends_the_inputs_of_its_mutation() {
    let payload = json!({"event": {"id": "E1", "sessions": []}, "errors": null});
    let env =
        ScriptedEnvironment::new(vec![created("createLMS", payload.clone()), created("createClassroom", payload)]);
    let client = env.client();
    let lms = client.create_lms(new_event(EventMode::Blended)).await.expect("created");
    let query = env.last().query();
    assert!(query.contains("createLMS(") && query.contains("lmsEndDateTime"), "{query}");
    assert!(!query.contains("classroom") && !query.contains("venueId") && !query.contains("maxPlaces"), "{query}");
    assert_eq!((lms.unsupported_fields, lms.sessions.len()), (vec!["maxPlaces"], 0));
    let classroom = client.create_classroom(new_event(EventMode::Blended)).await.expect("created");
    let query = env.last().query();
    assert!(query.contains("classroomEndDateTime") && !query.contains("lms") && !query.contains("taxType"), "{query}");
    assert_eq!(classroom.unsupported_fields, ["customFieldValues"]);
    let bare = NewEvent { classroom: None, ..new_event(EventMode::Blended) };
    let error = client.create_event(&bare).await.expect_err("no dates");
    assert!(matches!(error, Error::Argument { .. }), "{error}");
}

#[tokio::test]
async fn event_is_created_if_the_payload_has_an_id() {
    let event = json!({"id": "E1", "sessions": connection(sessions(1, 1), 1, false)});
    let problem = json!([{"label": "venueId", "message": "not at this location", "value": null}]);
    let create = async |step: Step| {
        ScriptedEnvironment::new(vec![step]).client().create_event(&new_event(EventMode::Blended)).await
    };

    let created_event =
        create(created("createBlended", json!({"event": event, "errors": problem}))).await.expect("with warnings");
    assert_eq!(created_event.warnings[0].to_string(), "venueId: not at this location");

    let created_event =
        create(created("createBlended", json!([{"event": event, "errors": []}]))).await.expect("a list");
    assert_eq!(created_event.sessions.len(), 1);

    let body = json!({"data": {"event": {"createBlended": {"event": event}}}, "errors": [{"message": "slow", "path": ["event"]}]});
    let created_event = create(ok(body)).await.expect("with a top-level error");
    assert_eq!(created_event.warnings[0].message, "slow");

    let error = create(created("createBlended", json!({"event": null, "errors": problem}))).await.expect_err("refused");
    assert!(matches!(&error, Error::Refused { errors, .. } if errors[0].label == "venueId"), "{error}");
    assert!(!error.is_in_doubt());

    let error = create(created("createBlended", json!({"event": null, "errors": []}))).await.expect_err("silent");
    assert!(error.is_in_doubt(), "{error}");
}

#[tokio::test]
async fn created_event_survives_failure_to_fetch_its_sessions() {
    let first = json!({"event": {"id": "E1", "sessions": connection(sessions(1, 100), 120, true)}, "errors": []});
    // The list in a payload has no defined order, so it is fetched again from the beginning.
    let [start, rest] = [(1, 100, true), (101, 120, false)].map(|(from, to, more)| {
        let event = json!({"id": "E1", "sessions": connection(sessions(from, to), 120, more)});
        page("events", vec![event], 1, false)
    });
    let env = ScriptedEnvironment::new(vec![created("createBlended", first.clone()), start, rest]);
    let created_event = env.client().create_event(&new_event(EventMode::Blended)).await.expect("created");
    assert_eq!((created_event.sessions.len(), created_event.has_all_sessions), (120, true));

    let env = ScriptedEnvironment::new([vec![created("createBlended", first)], vec![Step::Refuse; 6]].concat());
    let created_event = env.client().create_event(&new_event(EventMode::Blended)).await.expect("created");
    assert_eq!(
        (created_event.id.as_str(), created_event.sessions.len(), created_event.has_all_sessions),
        ("E1", 100, false)
    );
}

#[tokio::test]
async fn update_sends_only_changed_fields() {
    let env = ScriptedEnvironment::new(vec![
        data(json!({"event": {"update": {"event": {"id": "E1"}, "errors": []}}})),
        data(json!({"session": {"update": {"session": {"id": "S1"}, "errors": []}}})),
    ]);
    let client = env.client();
    let changes =
        EventChanges { lifecycle: Some(Lifecycle::Published), venue_id: Some(None), ..EventChanges::default() };
    let written = client.update_event(&Id::from("E1"), &changes).await.expect("written");
    assert_eq!(written.unsupported_fields, ["venueId"], "not documented for event.update");
    assert_eq!(
        env.last().query(),
        "mutation($eventId: ID!) { event { update(eventId: $eventId, input: {lifecycleState: published}) \
         { event { id } errors { label message value } } } }"
    );
    let changes = SessionChanges {
        start: Some(date(2026, 7, 1).at(9, 0, 0, 0)),
        venue_id: Some(None),
        ..SessionChanges::default()
    };
    client.update_session(&Id::from("S1"), &changes).await.expect("written");
    let query = env.last().query();
    assert!(query.contains("input: {start: \"2026-07-01T09:00:00\", venueId: null}"), "{query}");
    let nothing = client.update_event(&Id::from("E1"), &EventChanges::default()).await.expect("nothing to send");
    assert!(nothing.unsupported_fields.is_empty());
    assert_eq!(env.queries().len(), 2);
}

#[tokio::test]
async fn existing_staff_is_accepted_and_others_are_added_separately() {
    let exists = json!([{"label": "contactId", "message": "The input Contact already exists as staff on the Event"}]);
    let added = |operation: &str, object: &str, errors: &Value| {
        let namespace = if object == "session" { "session" } else { "event" };
        data(json!({namespace: {operation: {object: {"id": "X"}, "errors": errors}}}))
    };
    let staff = |contact: &str| NewStaff {
        event_id: Id::from("E1"),
        contact_id: Id::from(contact),
        staff_type: StaffType::Administrator,
    };
    let env = ScriptedEnvironment::new(vec![
        added("addStaffBulk", "events", &exists),
        added("addStaff", "event", &exists),
        added("addStaff", "event", &json!([])),
    ]);
    env.client().add_event_staff_bulk(&[staff("P1"), staff("P2")]).await.expect("added");
    let queries = env.queries();
    assert!(
        queries[0].contains("input: [{eventId: $eventId, contactId: $contactId, staffType: administrator}, {eventId")
    );
    assert_eq!(env.unused_steps(), 0);

    let env = ScriptedEnvironment::new(vec![added("addStaff", "session", &exists)]);
    let contacts = [Id::from("P1")];
    let session = Id::from("S1");
    env.client()
        .add_session_staff(&session, &contacts, StaffType::Instructor)
        .await
        .expect("existing staff is accepted");
    assert_eq!(env.last().variables()["contactIds"], json!(["P1"]));

    let other = json!([{"message": "no such contact"}]);
    let env = ScriptedEnvironment::new(vec![added("addStaff", "session", &other)]);
    let error = env.client().add_session_staff(&session, &contacts, StaffType::Instructor).await;
    assert!(matches!(error, Err(Error::Refused { .. })), "{error:?}");
}

#[tokio::test]
async fn deletions_and_contact_creation_send_their_inputs() {
    let env = ScriptedEnvironment::new(vec![
        data(json!({"event": {"delete": {"errors": []}}})),
        data(json!({"session": {"delete": {"errors": null}}})),
        data(json!({"event": {"removeStaff": {}}})),
        data(json!({"contact": {"create": {"contact": {"id": "P9"}, "errors": []}}})),
    ]);
    let client = env.client();
    client.delete_events(&[Id::from("E1")]).await.expect("deleted");
    assert!(env.last().query().contains("delete(input: {eventIds: $eventIds}) { errors { label message value } }"));
    client.delete_sessions(&[Id::from("S1")]).await.expect("deleted");
    client.remove_event_staff(&Id::from("F1")).await.expect("removed");
    let contact = NewContact {
        first_name: "Ada".into(),
        last_name: "Byron".into(),
        account_id: None,
        email: None,
        is_instructor: true,
    };
    let created_event = client.create_contact(&contact).await.expect("created");
    assert_eq!((created_event.id.as_str(), created_event.unsupported_fields), ("P9", vec!["isInstructor"]));
    let location = NewLocation { name: "Leeds".into(), code: None };
    let error = client.create_location(&location).await.expect_err("unknown");
    assert!(matches!(error, Error::Unsupported { operation: "location.create" }), "{error}");
}
